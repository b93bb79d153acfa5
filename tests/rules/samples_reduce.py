"""Sample inputs of every rule in `rules/reduce.py`, and what the rules say at kinks.

Each sample is (args, kwargs) of one call. A kink is (function, args, the cotangents of its arguments for a
cotangent of ones), None where nothing flows back.
"""

from __future__ import annotations

import builtins
from typing import Any

import numpy as np

Sample = tuple[tuple[Any, ...], dict[str, Any]]

X = np.array([0.7, -1.3, 2.1, 0.4])
A = np.array([[0.5, -1.2, 2.0], [1.5, 0.3, -0.7]])
C = np.array([[[0.3, 1.1], [-0.6, 2.2], [1.7, -0.9]], [[0.8, -1.4], [0.2, 1.9], [-2.3, 0.6]]])
MASK = np.array([[True, False, True], [True, True, False]])
ZEROS = np.array([[2.0, 0.0, 3.0], [0.0, 4.0, 0.0], [1.5, 2.5, -0.5]])

AXES: list[Sample] = [
    ((X,), {}),
    ((A,), {}),
    ((A, 0), {}),
    ((A,), {"axis": -1, "keepdims": True}),
    ((A,), {"keepdims": True}),
    ((C,), {"axis": (-1, 0)}),
    ((C, (0, 2)), {"keepdims": True}),
    ((C,), {"axis": 1}),
]
WHERE: list[Sample] = [
    ((A,), {"where": MASK}),
    ((A,), {"axis": 1, "where": MASK}),
    ((A,), {"axis": 0, "where": np.array([[True], [True]]), "keepdims": True}),
]
INITIAL: list[Sample] = [
    ((A,), {"initial": 1.5}),
    ((A,), {"axis": 0, "initial": 0.9}),
    ((A,), {"axis": 1, "where": MASK, "initial": 0.6}),
]
EXTREMA = [*AXES, *INITIAL, ((A,), {"axis": 0, "initial": 1.0, "keepdims": True})]
SUMS = [*AXES, *WHERE, *INITIAL, ((np.float64(1.5),), {}), ((A,), {"axis": ()})]
PRODUCTS = [*SUMS, ((ZEROS,), {}), ((ZEROS,), {"axis": 1}), ((ZEROS, (0, 1)), {})]
MEANS = [*AXES, *WHERE, ((np.float64(1.5),), {})]
MOMENTS = [
    *AXES,
    *WHERE,
    ((A,), {"ddof": 1}),
    ((A,), {"axis": 1, "ddof": 1}),
    ((C, (0, 1), None, None, 2), {}),
    ((A,), {"axis": 0, "mean": np.array([[1.0, -0.5, 0.6]])}),
]
CORRECTED: list[Sample] = [((A,), {"axis": 1, "correction": 1})]
MANY_ZEROS = np.array([[2.0, 0.0, 3.0, 0.0, 1.5, 0.0], [0.0, 0.0, 0.0, 4.0, -1.0, 2.0]])
SCANS: list[Sample] = [((X,), {}), ((A,), {}), ((A, 0), {}), ((A,), {"axis": -1}), ((C,), {"axis": 1})]
INITIALS: list[Sample] = [
    ((X,), {}),
    ((A,), {"axis": 0}),
    ((A,), {"axis": 1, "include_initial": True}),
    ((X,), {"include_initial": True}),
]
PRODUCT_SCANS = [
    *SCANS,
    ((MANY_ZEROS,), {"axis": 1}),
    ((MANY_ZEROS,), {}),
    ((ZEROS,), {}),
    ((ZEROS,), {"axis": 0}),
    ((ZEROS,), {"axis": -1}),
]

SAMPLES: dict[Any, list[Sample]] = {
    np.sum: SUMS,
    np.ndarray.sum: [*AXES, *WHERE, *INITIAL],
    np.add.reduce: [*AXES, *WHERE, *INITIAL],
    builtins.sum: [
        (([0.5, 1.5, -2.0],), {}),
        (([0.5, 1.5], 3.0), {}),
        ((A,), {}),
        ((A, np.array([1.0, 2.0, 3.0])), {}),
        ((A, C[:, :1, 0]), {}),
        (([X, 2.0, X[:1]],), {}),
        (([X, X], 1.0), {}),
    ],
    np.mean: MEANS,
    np.ndarray.mean: [*AXES, *WHERE],
    np.prod: [*PRODUCTS, ((MANY_ZEROS,), {"axis": 1})],
    np.ndarray.prod: [*AXES, *WHERE, *INITIAL, ((ZEROS,), {}), ((ZEROS,), {"axis": 1})],
    np.max: EXTREMA,
    np.amax: EXTREMA,
    np.ndarray.max: EXTREMA,
    np.min: EXTREMA,
    np.amin: EXTREMA,
    np.ndarray.min: EXTREMA,
    np.ptp: AXES,
    np.var: [*MOMENTS, *CORRECTED],
    np.ndarray.var: MOMENTS,
    np.std: [*MOMENTS, *CORRECTED],
    np.ndarray.std: MOMENTS,
    np.cumsum: SCANS,
    np.cumulative_sum: INITIALS,
    np.cumulative_prod: [*INITIALS, ((ZEROS,), {"axis": 1}), ((MANY_ZEROS,), {"axis": 0})],
    np.ndarray.cumsum: SCANS,
    np.cumprod: PRODUCT_SCANS,
    np.ndarray.cumprod: PRODUCT_SCANS,
}

KINKS: list[tuple[Any, tuple[Any, ...], tuple[Any, ...]]] = [
    (np.max, (np.array([1.0, 1.0, 0.0]),), (np.array([0.5, 0.5, 0.0]),)),
    (np.min, (np.array([1.0, 0.0, 0.0]),), (np.array([0.0, 0.5, 0.5]),)),
    (np.max, (np.array([[1.0, 1.0], [2.0, 3.0]]), 1), (np.array([[0.5, 0.5], [0.0, 1.0]]),)),
    (np.max, (np.array([1.0, 0.0]), None, None, False, 1.0), (np.array([0.5, 0.0]), None, None, None, 0.5)),
    (np.ptp, (np.array([2.0, 2.0, 0.0]),), (np.array([0.5, 0.5, -1.0]),)),
    (np.prod, (np.array([2.0, 0.0, 3.0]),), (np.array([0.0, 6.0, 0.0]),)),
    (np.prod, (np.array([2.0, 0.0, 0.0]),), (np.array([0.0, 0.0, 0.0]),)),
    (np.cumprod, (np.array([2.0, 0.0, 3.0]),), (np.array([1.0, 8.0, 0.0]),)),
    (np.cumprod, (np.array([2.0, 0.0, 3.0, 0.0]),), (np.array([1.0, 8.0, 0.0, 0.0]),)),
    (np.var, (np.ones(3),), (np.zeros(3),)),
    (np.std, (np.ones(3),), (np.zeros(3),)),
    (np.sum, (np.zeros(0),), (np.zeros(0),)),
    (np.prod, (np.zeros(0),), (np.zeros(0),)),
]
