"""Sample arguments of the rules for `scipy.fft` and of multivariate statistics."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import fft, stats

Sample = tuple[tuple[Any, ...], dict[str, Any]]

rng = np.random.default_rng(5)


def r(*shape: int) -> np.ndarray:
    return rng.uniform(0.3, 1.7, shape)


Z = r(3, 4) + 1j * r(3, 4)
SPD = r(3, 3) @ np.diag([0.1, 0.2, 0.3]) + 3.0 * np.eye(3)
SPD = (SPD + SPD.T) / 2
SAMPLES: dict[Any, list[Sample]] = {}

for _name in ("fft", "ifft"):
    SAMPLES[getattr(fft, _name)] = [((Z,), {}), ((r(4),), {"norm": "ortho"}), ((Z, 5, 0), {})]
for _name in ("rfft", "ihfft"):
    SAMPLES[getattr(fft, _name)] = [((r(3, 4),), {}), ((r(3, 4),), {"axis": 0})]
for _name in ("irfft", "hfft"):
    SAMPLES[getattr(fft, _name)] = [((Z,), {}), ((Z, 5), {})]
for _name in ("fft2", "ifft2", "fftn", "ifftn", "irfft2", "irfftn"):
    SAMPLES[getattr(fft, _name)] = [((Z,), {})]
for _name in ("rfft2", "rfftn"):
    SAMPLES[getattr(fft, _name)] = [((r(3, 4),), {})]
for _name in ("fftshift", "ifftshift"):
    SAMPLES[getattr(fft, _name)] = [((r(3, 4),), {}), ((Z,), {"axes": 1})]
for _name in ("dct", "dst", "idct", "idst"):
    SAMPLES[getattr(fft, _name)] = [
        ((r(5), kind), {"norm": norm}) for kind in (1, 2, 3, 4) for norm in (None, "ortho", "forward")
    ] + [((r(3, 4),), {"axis": 0})]
    SAMPLES[getattr(fft, f"{_name}n")] = [((r(3, 4),), {}), ((r(3, 4), 3), {"axes": (1,), "norm": "ortho"})]

MEAN = r(3)
NORMAL = stats.multivariate_normal
for _method in (NORMAL.logpdf, NORMAL.pdf):
    SAMPLES[_method] = [
        ((r(3), MEAN, SPD), {}),
        ((r(4, 3), MEAN, SPD), {}),
        ((r(4, 3), MEAN, np.array([0.5, 1.2, 2.0])), {}),
        ((r(3), MEAN, 1.3), {}),
        ((r(3), None, SPD), {}),
    ]
SAMPLES[NORMAL.entropy] = [((MEAN, SPD), {})]
SAMPLES[stats.entropy] = [((r(4),), {}), ((r(4), r(4)), {}), ((r(3, 4),), {"axis": 1, "base": 2})]
SAMPLES[stats.zscore] = [((r(5),), {}), ((r(3, 4),), {"axis": 1, "ddof": 1}), ((r(3, 4),), {"axis": None})]
SAMPLES[stats.sem] = [((r(5),), {}), ((r(3, 4),), {"axis": 1})]
SAMPLES[stats.variation] = [((r(5),), {}), ((r(3, 4),), {"axis": 1, "ddof": 1})]
SAMPLES[stats.gmean] = [((r(5),), {}), ((r(3, 4),), {"axis": 1}), ((r(5),), {"weights": r(5)})]
SAMPLES[stats.hmean] = [((r(5),), {}), ((r(3, 4),), {"axis": 1})]
SAMPLES[stats.skew] = [((r(5),), {}), ((r(3, 4),), {"axis": 1, "bias": False})]
SAMPLES[stats.kurtosis] = [((r(5),), {}), ((r(3, 5),), {"axis": 1, "bias": False, "fisher": False})]

SYMMETRIC = {NORMAL.logpdf, NORMAL.pdf, NORMAL.entropy}
# Their points cannot be moved in any direction: `test_scipy_stats.py` has programs.
ELSEWHERE = {stats.dirichlet.logpdf, stats.dirichlet.pdf, stats.multinomial.logpmf, stats.multinomial.pmf}
