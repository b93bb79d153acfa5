"""Sample arguments of the rules for `scipy.signal` and for integrals of samples."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import integrate, signal

from diffcompile.rules.library import consult

consult(signal.lfilter)

from diffcompile.rules.scipy_filters import run  # noqa: E402

Sample = tuple[tuple[Any, ...], dict[str, Any]]

rng = np.random.default_rng(3)


def r(*shape: int) -> np.ndarray:
    return rng.uniform(0.3, 1.7, shape) * rng.choice([-1.0, 1.0], shape)


def c(*shape: int) -> np.ndarray:
    return r(*shape) + 1j * r(*shape)


MODES: list[Sample] = [
    ((r(6), r(3), mode), {}) for mode in ("full", "same", "valid")
] + [((r(5, 4), r(2, 3), mode), {}) for mode in ("full", "same", "valid")]  # fmt: skip
PLANES: list[Sample] = [((r(5, 4), r(2, 3), mode), {}) for mode in ("full", "same", "valid")]
X = np.cumsum(rng.uniform(0.3, 1.0, 5))
BEYOND: list[Sample] = [
    ((r(5, 4), r(2, 3), mode, boundary), {"fillvalue": 2})
    for mode in ("full", "same", "valid") for boundary in ("fill", "wrap", "symm")
]  # fmt: skip
A, B = np.array([1.0, -0.4, 0.1]), np.array([0.5, 0.3, 0.2])
# The fourth numbers have to be 1, so the numbers are whole and stay.
SECTIONS = np.array([[5, 3, 2, 1, 1, 1], [3, 1, -2, 1, 0, 1]])
SAMPLES: dict[Any, list[Sample]] = {
    run: [((B, A, r(6), -1), {}), ((B, A, r(5, 2), 0), {})],
    signal.convolve: [*MODES, ((r(3), r(5)), {}), ((r(3), r(5), "same"), {}), ((c(5), r(3)), {})],
    signal.fftconvolve: [
        *MODES[:3],
        *[((r(5, 4), r(3, 4), mode), {"axes": 0}) for mode in ("full", "same", "valid")],
        ((c(2, 5), r(2, 3)), {"axes": [1]}),
    ],
    signal.oaconvolve: MODES[:1],
    signal.correlate: [*MODES, ((c(5), c(3)), {})],
    signal.convolve2d: [*PLANES, *BEYOND],
    signal.correlate2d: [*PLANES, *BEYOND, ((c(4, 4), c(2, 3), "same"), {})],
    signal.lfilter: [
        ((np.array([0.5, 0.2, 0.1]), np.array([1.3, -0.4]), r(7)), {}),
        ((np.array([0.5]), np.array([1.0, -0.4, 0.1]), r(3, 6)), {}),
        ((np.array([0.5, 0.3]), np.array([1.0, -0.4]), r(5, 2)), {"axis": 0}),
        ((np.array([0.5, 0.3]), np.array([1.3, -0.4, 0.1]), r(7)), {"zi": r(2)}),
        ((np.array([0.5, 0.3, 0.2]), np.array([1.0, -0.4]), r(5, 3)), {"axis": 0, "zi": r(2, 3)}),
    ],
    signal.lfilter_zi: [((np.array([0.5, 0.3, 0.2]), np.array([1.3, -0.4])), {}), ((r(2), A), {})],
    signal.sosfilt: [
        ((SECTIONS, r(7)), {}), ((SECTIONS, r(4, 3)), {"axis": 0}), ((SECTIONS, r(6)), {"zi": r(2, 2)}),
    ],
    signal.filtfilt: [
        ((B, A, r(9)), {"padlen": 4}),
        ((B, A, r(13)), {"padtype": "even"}),
        ((B, A, r(2, 7)), {"padtype": None}),
        ((B, A, r(7, 2)), {"axis": 0, "padtype": "constant", "padlen": 2}),
    ],
    signal.sosfiltfilt: [((SECTIONS, r(9)), {"padlen": 3})],
    signal.detrend: [((r(6),), {}), ((r(3, 5),), {"axis": 0, "type": "constant"})],
    signal.savgol_filter: [
        ((r(7), 5, 2), {}),
        ((r(2, 7), 4, 1), {"deriv": 1, "delta": 0.3}),
        ((r(7, 2), 5, 2), {"axis": 0, "mode": "nearest"}),
        ((r(7), 3, 1), {"mode": "constant", "cval": 0.7}),
    ],
    signal.resample: [((r(n), num), {}) for n in (5, 6) for num in (4, 5, 6, 7, 8)] + [
        ((c(2, 6), 4), {"axis": 1}), ((c(5), 8), {}),
    ],
    signal.hilbert: [((r(6),), {}), ((r(5),), {}), ((r(5, 3),), {"axis": 0}), ((r(6),), {"N": 4})],
    signal.deconvolve: [((r(7), B), {}), ((r(5), r(2)), {})],
    integrate.trapezoid: [
        ((r(5),), {}), ((r(5), X), {}), ((r(3, 5), X), {}), ((r(5, 3),), {"axis": 0, "dx": 0.3}),
    ],
    integrate.cumulative_trapezoid: [((r(5), X), {}), ((r(5, 3),), {"axis": 0, "initial": 0})],
    integrate.simpson: [
        ((r(5, 3),), {"x": np.array([[0, 1, 2, 5, 6], [1, 2, 4, 5, 9], [0, 3, 4, 6, 7]]).T, "axis": 0}),
        ((r(5),), {"x": np.array([0, 1, 3, 4, 6])}),
        ((r(5),), {}), ((r(3, 6),), {"axis": 1}), ((r(5, 3),), {"axis": 0})],
    integrate.cumulative_simpson: [
        ((r(5),), {}), ((r(3, 6),), {"axis": 1}), ((r(5, 3),), {"axis": 0, "initial": 2}),
        ((r(5),), {"x": np.array([0, 1, 3, 4, 6])}),
    ],
    integrate.romb: [((r(5),), {}), ((r(9, 2), 0.3, 0), {})],
}  # fmt: skip

# SciPy computes these, or what their derivatives are made of, in double precision.
WIDENED = {
    run, signal.lfilter, signal.lfilter_zi, signal.sosfilt, signal.filtfilt, signal.sosfiltfilt,
    integrate.simpson, integrate.romb, integrate.cumulative_simpson,
}  # fmt: skip
