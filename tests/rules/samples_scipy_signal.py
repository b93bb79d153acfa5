"""Sample arguments of the rules for `scipy.signal` and for integrals of samples."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import integrate, signal

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
SAMPLES: dict[Any, list[Sample]] = {
    signal.convolve: [*MODES, ((r(3), r(5)), {}), ((r(3), r(5), "same"), {}), ((c(5), r(3)), {})],
    signal.fftconvolve: MODES[:3],
    signal.oaconvolve: MODES[:1],
    signal.correlate: [*MODES, ((c(5), c(3)), {})],
    signal.convolve2d: PLANES,
    signal.correlate2d: [PLANES[0], PLANES[2]],
    signal.lfilter: [
        ((np.array([0.5, 0.2, 0.1]), np.array([1.3, -0.4]), r(7)), {}),
        ((np.array([0.5]), np.array([1.0, -0.4, 0.1]), r(3, 6)), {}),
        ((np.array([0.5, 0.3]), np.array([1.0, -0.4]), r(5, 2)), {"axis": 0}),
    ],
    signal.detrend: [((r(6),), {}), ((r(3, 5),), {"axis": 0, "type": "constant"})],
    signal.hilbert: [((r(6),), {}), ((r(5),), {}), ((r(5, 3),), {"axis": 0})],
    integrate.trapezoid: [
        ((r(5),), {}), ((r(5), X), {}), ((r(3, 5), X), {}), ((r(5, 3),), {"axis": 0, "dx": 0.3}),
    ],
    integrate.cumulative_trapezoid: [((r(5), X), {}), ((r(5, 3),), {"axis": 0, "initial": 0})],
    integrate.simpson: [((r(5),), {}), ((r(3, 6),), {"axis": 1}), ((r(5, 3),), {"axis": 0})],
    integrate.romb: [((r(5),), {}), ((r(9, 2), 0.3, 0), {})],
}  # fmt: skip

# SciPy computes these, or what their derivatives are made of, in double precision.
WIDENED = {signal.lfilter, integrate.simpson, integrate.romb}
