"""Sample inputs of every rule in `rules/nan.py` and `rules/order.py`, and what the rules say at kinks.

Each sample is (args, kwargs) of one call. A kink is (function, args, the cotangents of its arguments for a
cotangent of ones), None where nothing flows back.
"""

from __future__ import annotations

import builtins
from typing import Any

import numpy as np

Sample = tuple[tuple[Any, ...], dict[str, Any]]

X = np.array([0.7, -1.3, 2.1, 0.4, 1.9, -0.2])
V = np.array([0.7, -1.3, 2.1])
A = np.array([[0.5, -1.2, 2.0], [1.5, 0.3, -0.7]])
C = np.array([[[0.3, 1.1], [-0.6, 2.2], [1.7, -0.9]], [[0.8, -1.4], [0.2, 1.9], [-2.3, 0.6]]])
H = np.array([0.4, np.nan, 2.1, -0.3, 1.9])
G = np.array([[0.5, np.nan, 2.0], [1.5, 0.3, -0.7]])
K = np.where(np.arange(12).reshape(2, 3, 2) % 5 == 1, np.nan, C)
Z = np.array([0.7 + 0.4j, -1.3 + 0.2j, 0.5 - 1.1j])
ZEROS = np.array([[2.0, 0.0, np.nan, 3.0, 0.0], [0.0, 4.0, 0.0, 1.5, np.nan]])
MASK = np.array([[True, False, True], [True, True, False]])
WEIGHTS = np.array([0.2, 0.5, 0.3, 1.1, 0.7, 0.4])

AXES: list[Sample] = [
    ((H,), {}),
    ((G,), {}),
    ((G, 0), {}),
    ((G,), {"axis": -1, "keepdims": True}),
    ((K,), {"axis": (0, 2)}),
    ((X,), {}),
]
WHERE: list[Sample] = [((G,), {"where": MASK}), ((G,), {"axis": 0, "where": MASK, "keepdims": True})]
INITIAL: list[Sample] = [((G,), {"initial": 1.5}), ((G,), {"axis": 1, "where": MASK, "initial": 0.6})]
MOMENTS: list[Sample] = [
    *AXES,
    *WHERE,
    ((G,), {"axis": 1, "ddof": 1}),
    ((G,), {"axis": 1, "correction": 1}),
    ((G,), {"axis": 1, "mean": np.array([[1.25], [0.4]])}),
]
SCANS: list[Sample] = [((H,), {}), ((G,), {}), ((G,), {"axis": 1}), ((G, 0), {})]
EVERYWHERE: list[Sample] = [
    ((X,), {}),
    ((V,), {}),
    ((A,), {}),
    ((A,), {"axis": 0}),
    ((A,), {"axis": 1, "keepdims": True}),
    ((C,), {"axis": (0, 2)}),
]
METHODS = (
    "inverted_cdf", "averaged_inverted_cdf", "closest_observation", "interpolated_inverted_cdf", "hazen",
    "weibull", "linear", "median_unbiased", "normal_unbiased", "lower", "higher", "midpoint", "nearest",
)  # fmt: skip


def fractions(scale: float, *arrays: Any) -> list[Sample]:
    """Calls of a quantile function, with the fractions counted in parts of `scale`."""
    x, a, c = arrays
    one, many = 0.3 * scale, np.array([0.12, 0.55, 0.93]) * scale
    found: list[Sample] = [
        ((x, one), {}),
        ((x, many), {}),
        ((a, one), {"axis": 0}),
        ((a, many[:2].reshape(2, 1)), {"axis": 1}),
        ((c, one), {"axis": (0, 2), "keepdims": True}),
        ((a, many), {"axis": 1, "keepdims": True}),
        ((a, many), {}),
    ]
    for method in METHODS:
        found.append(((x, int(0.35 * scale) if scale > 1 else np.float64(0.35)), {"method": method}))
        found.append(((a, many), {"method": method, "axis": 1}))
    return [*found, ((x, one), {"method": "inverted_cdf", "weights": WEIGHTS[: len(x)]})]


SAMPLES: dict[Any, list[Sample]] = {
    np.nansum: [*AXES, *WHERE, *INITIAL],
    np.nanprod: [*AXES, *WHERE, *INITIAL, ((ZEROS,), {"axis": 1})],
    np.nanmean: [*AXES, *WHERE],
    np.nanvar: MOMENTS,
    np.nanstd: MOMENTS,
    np.nanmax: [*AXES, ((G,), {"initial": 0.9}), ((G,), {"axis": 1, "initial": -1.0, "where": MASK})],
    np.nanmin: [*AXES, ((G,), {"initial": 0.1}), ((G,), {"axis": 1, "initial": 1.0, "where": MASK})],
    np.nancumsum: SCANS,
    np.nancumprod: [*SCANS, ((ZEROS,), {"axis": 1})],
    np.nanmedian: AXES,
    np.median: EVERYWHERE,
    np.quantile: fractions(1.0, X, A, C),
    np.percentile: fractions(100.0, X, A, C),
    np.nanquantile: fractions(1.0, H, G, K),
    np.nanpercentile: fractions(100.0, H, G, K),
    np.sort: [
        ((X,), {}),
        ((A,), {}),
        ((A, 0), {}),
        ((A,), {"axis": None}),
        ((C,), {"axis": 1}),
        ((X,), {"kind": "stable"}),
        ((Z,), {}),
    ],
    np.sort_complex: [((Z,), {}), ((X,), {})],
    np.partition: [((X, 2), {}), ((A, 1), {"axis": 0}), ((A, 2), {}), ((A, (1, 4)), {"axis": None})],
    builtins.sorted: [(([0.5, -1.5, 2.5],), {}), ((X,), {}), ((X,), {"reverse": True})],
    np.union1d: [((A, X + 0.13), {}), ((X, X + 0.05), {})],
    np.setdiff1d: [((A, X + 0.13), {}), ((X, X[:2] + 0.01), {"assume_unique": True})],
    np.unique: [
        ((X,), {}),
        ((A,), {}),
        ((A,), {"axis": 0}),
        ((X,), {"return_index": True}),
        ((X,), {"return_inverse": True, "return_counts": True}),
    ],
    np.unique_values: [((X,), {}), ((A,), {})],
}

KINKS: list[tuple[Any, tuple[Any, ...], tuple[Any, ...]]] = [
    (np.nansum, (np.array([1.0, np.nan]),), (np.array([1.0, 0.0]),)),
    (np.nanmean, (np.array([1.0, np.nan]),), (np.array([1.0, 0.0]),)),
    (np.nanmax, (np.array([1.0, np.nan, 1.0, 0.0]),), (np.array([0.5, 0.0, 0.5, 0.0]),)),
    (np.nanprod, (np.array([2.0, 0.0, np.nan, 3.0]),), (np.array([0.0, 6.0, 0.0, 0.0]),)),
    (np.nanstd, (np.array([1.0, np.nan, 1.0]),), (np.zeros(3),)),
    (np.nancumprod, (np.array([2.0, 0.0, np.nan, 3.0]),), (np.array([1.0, 10.0, 0.0, 0.0]),)),
    (np.median, (np.array([1.0, 1.0, 2.0]),), (np.array([0.5, 0.5, 0.0]),)),
    (np.median, (np.array([1.0, 2.0, 2.0, 3.0]),), (np.array([0.0, 0.5, 0.5, 0.0]),)),
    (np.median, (np.array([1.5]),), (np.array([1.0]),)),
    (np.nanmedian, (np.array([1.0, np.nan, 1.0, 2.0]),), (np.array([0.5, 0.0, 0.5, 0.0]),)),
    (np.percentile, (np.array([1.0, 1.0, 3.0]), 25.0), (np.array([0.5, 0.5, 0.0]), 0.0)),
    (np.quantile, (np.array([1.0, 4.0, 2.0]), 0.5), (np.array([0.0, 0.0, 1.0]), 4.0)),
    (np.quantile, (np.array([1.0, 4.0, 2.0]), 1.0), (np.array([0.0, 1.0, 0.0]), 0.0)),
    (np.sort, (np.array([1.0, 1.0]),), (np.array([1.0, 1.0]),)),
    (np.unique, (np.array([1.0, 2.0, 1.0]),), (np.array([0.5, 1.0, 0.5]),)),
]
