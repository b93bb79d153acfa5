"""Sample arguments of the rules for spectra over time of `scipy.signal`."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import signal

Sample = tuple[tuple[Any, ...], dict[str, Any]]

rng = np.random.default_rng(7)


def r(*shape: int) -> np.ndarray:
    return rng.uniform(0.3, 1.7, shape) * rng.choice([-1.0, 1.0], shape)


def c(*shape: int) -> np.ndarray:
    return r(*shape) + 1j * r(*shape)


def window() -> np.ndarray:
    return np.hanning(8)[1:-1]


EIGHT = {"nperseg": 8}
TWO_SIDED = {"nperseg": 8, "return_onesided": False}
LINEAR: dict[str, Any] = {"nperseg": 9, "noverlap": 3, "nfft": 12, "detrend": "linear"}

SAMPLES: dict[Any, list[Sample]] = {
    signal.welch: [
        ((r(20),), EIGHT),
        ((r(21), 2.0), LINEAR),
        ((r(2, 16),), {"window": window(), "scaling": "spectrum"}),
        ((r(20, 2),), {"axis": 0, "average": "median", **EIGHT}),
        ((c(20),), {"average": "median", **EIGHT}),
        ((r(20),), {"return_onesided": False, **EIGHT}),
        ((r(20),), {"window": "blackman", "detrend": False, **EIGHT}),
        ((r(12),), {"nperseg": 12}),
    ],
    signal.csd: [
        ((r(20), r(20)), EIGHT),
        ((r(21), r(15), 2.0), LINEAR),
        ((r(2, 16), r(2, 16)), {"window": window(), "scaling": "spectrum"}),
        ((r(20, 2), r(20, 2)), {"axis": 0, "average": "median", **EIGHT}),
        ((c(20), r(20)), EIGHT),
    ],
    signal.periodogram: [
        ((r(10),), {}),
        ((r(10), 3.0), {"nfft": 8}),
        ((r(9, 2),), {"nfft": 12, "axis": 0, "scaling": "spectrum", "window": "hann"}),
        ((c(9),), {"detrend": "linear"}),
        ((r(6),), {"window": window(), "return_onesided": False}),
    ],
    signal.coherence: [
        ((r(20), r(20)), EIGHT),
        ((r(20, 2), r(20, 2), 2.0), {"axis": 0, **LINEAR}),
        ((c(20), c(20)), {"window": window()}),
    ],
    signal.spectrogram: [
        ((r(20),), EIGHT),
        ((r(20, 2), 3.0), {"axis": 0, "mode": "complex", **LINEAR}),
        ((r(2, 20), 3.0), {"mode": "magnitude", "nfft": 11, "nperseg": 9}),
        ((c(20),), {"mode": "angle", "return_onesided": False, "scaling": "spectrum", "window": window()}),
        ((c(2, 20),), {"mode": "phase", "noverlap": 4, "detrend": False, **TWO_SIDED}),
        ((c(20),), TWO_SIDED),
    ],
    signal.stft: [
        ((r(20),), EIGHT),
        ((r(21), 2.0), {"boundary": "even", "padded": False, **LINEAR}),
        ((r(20, 2), 2.0), {"axis": 0, "boundary": "odd", "scaling": "psd", **EIGHT}),
        ((r(2, 20),), {"boundary": "constant", **EIGHT}),
        ((r(23),), {"boundary": None, **EIGHT}),
        ((c(20),), TWO_SIDED),
        ((r(16),), {"window": window(), "nperseg": 6, "return_onesided": False}),
    ],
    signal.istft: [
        ((c(5, 6),), {}),
        ((c(5, 6), 2.0), {"nperseg": 9, "noverlap": 4}),
        ((c(8, 5),), {"input_onesided": False}),
        ((c(6, 2, 5),), {"time_axis": 0, "freq_axis": 2}),
        ((c(2, 5, 6),), {"boundary": False, "scaling": "psd", "window": "hamming"}),
        ((c(4, 6),), {"window": window()}),
        ((c(7, 6),), {"nperseg": 8, "nfft": 12}),
    ],
}  # fmt: skip

# SciPy multiplies with windows of double precision.
WIDENED = set(SAMPLES)
