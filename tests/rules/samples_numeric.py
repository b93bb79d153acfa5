"""Sample inputs of the rules in `rules/numeric.py`, `statistics.py`, `special.py`, `python.py`, and kinks.

Each sample is (args, kwargs) of one call. A kink is (function, args, the cotangents of its arguments for a
cotangent of ones), None where nothing flows back.
"""

from __future__ import annotations

import math
import statistics
from typing import Any

import numpy as np

from diffcompile.rules.special import bessel, polygamma

Sample = tuple[tuple[Any, ...], dict[str, Any]]

V = np.array([0.7, -1.3, 2.1])
W = np.array([1.2, 0.5, -0.9])
X = np.array([0.7, -1.3, 2.1, 0.4, 1.9, -0.2])
Y = np.array([1.1, 0.6, -0.8, 1.7, -0.5, 2.4])
P = np.array([0.3, 1.7, 0.9, 1.2, 0.6, 2.2])
T = np.cumsum(P)
A = np.array([[0.5, -1.2, 2.0], [1.5, 0.3, -0.7]])
B = np.array([[1.1, 0.2, -0.4], [0.9, -1.6, 0.8]])
S = np.array([[0.5, -1.2, 2.0], [1.5, 0.3, -0.7], [0.9, 2.4, -1.6]])
C = np.linspace(-1.0, 2.3, 24).reshape(2, 3, 4) + 0.31 * np.sin(np.arange(24.0)).reshape(2, 3, 4)
Z = np.array([0.7 + 0.4j, -1.3 + 0.2j, 0.5 - 1.1j, 0.9 + 0.3j])
J = np.array([0, 1, 1, 0, 2, 0])
U = np.array([0.2, 0.55, 0.3, 1.1, 0.7, 0.4])

CONVOLVED: list[Sample] = [
    ((X, V, mode), {}) for mode in ("full", "same", "valid")
] + [
    ((V, X, mode), {}) for mode in ("full", "same", "valid")
] + [
    ((X, Y[:2], "same"), {}),
    ((Y[:2], X, "same"), {}),
    ((X, Y[:4], "same"), {}),
    ((Y[:4], X, "same"), {}),
    ((Z, Z[:2], "full"), {}),
    ((Z, Z[:2], "same"), {}),
    ((Z[:2], Z, "valid"), {}),
]  # fmt: skip
COVARIANCES: list[Sample] = [
    ((A,), {}),
    ((S,), {"rowvar": False}),
    ((X, Y), {}),
    ((A, B), {}),
    ((A, V), {}),
    ((Z, Z**2), {}),
]

SAMPLES: dict[Any, list[Sample]] = {
    np.ediff1d: [((X,), {}), ((A,), {}), ((X, 0.5), {}), ((X,), {"to_begin": V, "to_end": W[:2]})],
    np.gradient: [
        ((X,), {}),
        ((X, 0.5), {}),
        ((X, T), {}),
        ((X, T), {"edge_order": 2}),
        ((X, 0.3), {"edge_order": 2}),
        ((S,), {}),
        ((S, 0.5), {}),
        ((S, 0.5, np.array([0.0, 0.4, 1.5])), {}),
        ((S, 0.5), {"axis": 1}),
        ((S, 0.5, 0.8), {"axis": (1, 0)}),
        ((C, T[:4]), {"axis": -1}),
        ((C, T[:3]), {"axis": 1, "edge_order": 2}),
    ],
    np.trapezoid: [
        ((X,), {}),
        ((X, None, 0.5), {}),
        ((X, T), {}),
        ((A,), {"axis": 0}),
        ((A, V), {}),
        ((A, np.array([0.5, 1.7])), {"axis": 0}),
        ((A, B), {"axis": -1}),
        ((A, B), {"axis": 0}),
    ],
    np.convolve: [*CONVOLVED, ((X, V), {})],
    np.correlate: [*CONVOLVED, ((X, V), {})],
    np.unwrap: [((3.0 * X,), {}), ((4.0 * A,), {"axis": 0}), ((3.0 * X,), {"period": 2.0}),
                ((3.0 * X,), {"discont": 4.0})],
    np.average: [
        ((X,), {}),
        ((A, 0), {}),
        ((A,), {"axis": 1, "keepdims": True}),
        ((X,), {"weights": P}),
        ((A, 1, V**2), {}),
        ((A, 1, B**2), {}),
        ((A,), {"weights": B**2, "axis": 0, "keepdims": True}),
        ((A, 1, V**2, True), {}),
        ((A, None, None, True), {}),
        ((C, (2, 0), np.arange(1.0, 9.0).reshape(4, 2)), {}),
        ((C, (0, 2)), {}),
    ],
    np.cov: [
        *COVARIANCES,
        ((X,), {}),
        ((A,), {"bias": True}),
        ((A,), {"ddof": 0}),
        ((X, Y), {"aweights": U}),
        ((X, Y), {"aweights": U, "ddof": 0}),
        ((X, Y), {"fweights": J + 1, "aweights": U}),
        ((X,), {"fweights": J + 1}),
    ],
    np.corrcoef: [*COVARIANCES, ((S,), {})],
    np.bincount: [((J, X), {}), ((J, X, 5), {})],
    np.histogram: [
        ((U, 3), {"weights": X}),
        ((U, 3), {"weights": P, "density": True}),
        ((U, 3), {"density": True}),
        ((U, 3), {}),
        ((U, np.array([0.0, 0.45, 1.25])), {"weights": P}),
        ((U, np.array([0.0, 0.45, 1.25])), {"weights": P, "density": True}),
        ((U, 3, (0.05, 1.15)), {"weights": X}),
        ((U, 3, (0.05, 0.95)), {"weights": P, "density": True}),
    ],
    math.gamma: [((0.7,), {}), ((3.4,), {}), ((-1.3,), {}), ((25.5,), {})],
    math.lgamma: [((0.7,), {}), ((3.4,), {}), ((-1.3,), {}), ((45.0,), {})],
    polygamma: [((0, 0.7), {}), ((1, 2.4), {}), ((2, -0.6), {}), ((3, 30.5), {}), ((1, -2.3), {})],
    np.i0: [((X,), {}), ((1.5,), {}), ((np.array([0.0, 20.0]) + 0.1,), {})],
    bessel: [((1, X), {}), ((2, 0.5), {}), ((2, X), {})],
    math.fsum: [(([0.5, 1.5, -2.0],), {}), ((X,), {})],
    math.prod: [(([0.5, 1.5, -2.0],), {}), (([0.5, 1.5],), {"start": 2.0}), ((X,), {}), (([2.0, 0.0],), {})],
    math.dist: [(([0.5, 1.5], [2.0, 1.0]), {}), ((V, W), {}), (((0.5, 1.5), (2.0, 1.0)), {})],
    np.modf: [((X,), {}), ((1.7,), {})],
    math.modf: [((1.7,), {}), ((-0.6,), {})],
    np.divmod: [((X, P), {}), ((1.7, 0.6), {}), ((X, 0.8), {})],
    np.frexp: [((X,), {})],
    math.frexp: [((1.7,), {})],
    np.ldexp: [((X, 3), {}), ((X, J), {})],
    np.nextafter: [((X, 2.0), {})],
    math.nextafter: [((1.7, 2.0), {})],
}
DATA, PAIRED = [0.5, 1.5, -2.0, 0.7], [1.2, 0.4, 2.0, 0.9]
SAMPLES |= {
    statistics.mean: [((DATA,), {})],
    statistics.fmean: [((DATA,), {}), ((DATA, PAIRED), {})],
    statistics.variance: [((DATA,), {}), ((DATA, 0.3), {})],
    statistics.pvariance: [((DATA,), {}), ((DATA, 0.3), {})],
    statistics.stdev: [((DATA,), {})],
    statistics.pstdev: [((DATA,), {})],
    statistics.median: [((DATA,), {}), ((DATA[:3],), {})],
    statistics.median_low: [((DATA,), {})],
    statistics.median_high: [((DATA,), {})],
    statistics.geometric_mean: [((PAIRED,), {})],
    statistics.harmonic_mean: [((PAIRED,), {}), ((PAIRED, [1.0, 2.0, 0.5, 1.5]), {})],
    statistics.covariance: [((DATA, PAIRED), {})],
    statistics.correlation: [((DATA, PAIRED), {})],
}
if hasattr(math, "sumprod"):
    SAMPLES[math.sumprod] = [(([0.5, 1.5], [2.0, 1.0]), {})]
if hasattr(math, "fma"):
    SAMPLES[math.fma] = [((0.5, 1.5, 2.0), {})]

KINKS: list[tuple[Any, tuple[Any, ...], tuple[Any, ...]]] = [
    (math.dist, ([1.0, 2.0], [1.0, 2.0]), ([0.0, 0.0], [0.0, 0.0])),
    (math.prod, ([2.0, 0.0, 3.0],), ([0.0, 6.0, 0.0],)),
    (np.corrcoef, (np.array([1.0, 2.0, 4.0]),), (np.zeros(3),)),
    (np.ediff1d, (np.ones(1),), (np.zeros(1),)),
    (np.trapezoid, (np.ones(1),), (np.zeros(1),)),
    (np.i0, (0.0,), (0.0,)),
]
