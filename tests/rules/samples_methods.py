"""Sample inputs of every rule in `rules/methods.py`, and what the rules say at kinks.

Each sample is (args, kwargs) of one call. A kink is (function, args, the cotangents of its arguments for a
cotangent of ones), None where nothing flows back.
"""

from __future__ import annotations

from typing import Any

import numpy as np

Sample = tuple[tuple[Any, ...], dict[str, Any]]

P = np.array([0.3, 1.7, 0.9, 1.2])
V = np.array([0.7, -1.3, 2.1])
W = np.array([1.2, 0.5, -0.9])
A = np.array([[0.5, -1.2, 2.0], [1.5, 0.3, -0.7]])
B = np.array([[1.1, 0.2], [0.9, 1.6]])
ZEROS = np.array([[2.0, 0.0, 3.0, 0.0, 1.5], [0.0, 4.0, 0.0, 2.5, 0.5]])
MASK = np.array([[True, False, True], [True, True, False]])

OUTER: list[Sample] = [((V, W), {}), ((V, A), {}), ((A, 0.8), {}), ((1.7, V), {})]
POSITIVE: list[Sample] = [((P, B), {}), ((B, P), {}), ((0.8, P), {}), ((P, 1.6), {})]
REDUCED: list[Sample] = [
    ((A,), {}),
    ((A, 1), {}),
    ((A,), {"axis": -1, "keepdims": True}),
    ((V,), {}),
]
WHERE: list[Sample] = [((A,), {"axis": 1, "where": MASK, "initial": 0.6}), ((A,), {"initial": 0.8})]
SCANS: list[Sample] = [((V,), {}), ((A,), {}), ((A, 1), {}), ((A,), {"axis": -1})]
SEGMENTS: list[Sample] = [
    ((P, [0, 2]), {}),
    ((P, np.array([0, 3, 1])), {}),
    ((A, [0, 2]), {"axis": 1}),
    ((A, [0, 1]), {}),
    ((P, [1, 1, 3]), {}),
]

SAMPLES: dict[Any, list[Sample]] = {
    np.add.outer: OUTER,
    np.subtract.outer: OUTER,
    np.multiply.outer: OUTER,
    np.divide.outer: POSITIVE,
    np.power.outer: POSITIVE,
    np.float_power.outer: POSITIVE,
    np.hypot.outer: OUTER,
    np.arctan2.outer: OUTER,
    np.remainder.outer: [((V, P + 0.13), {})],
    np.fmod.outer: [((V, P + 0.13), {})],
    np.logaddexp.outer: OUTER,
    np.logaddexp2.outer: OUTER,
    np.maximum.outer: OUTER,
    np.minimum.outer: OUTER,
    np.fmax.outer: OUTER,
    np.fmin.outer: OUTER,
    np.multiply.reduce: [*REDUCED, *WHERE, ((ZEROS,), {"axis": 1}), (([V, W],), {})],
    np.maximum.reduce: [*REDUCED, ((A,), {"axis": 1, "initial": 1.0}), (([V, W],), {})],
    np.minimum.reduce: [*REDUCED, ((A,), {"axis": 1, "initial": 0.0}), (([V, W, V * W],), {})],
    np.fmax.reduce: REDUCED,
    np.fmin.reduce: REDUCED,
    np.logaddexp.reduce: [*REDUCED, ((A,), {"initial": 0.8})],
    np.logaddexp2.reduce: REDUCED,
    np.subtract.reduce: REDUCED,
    np.divide.reduce: [((P,), {}), ((B,), {"axis": 1})],
    np.hypot.reduce: REDUCED,
    np.add.accumulate: SCANS,
    np.multiply.accumulate: [*SCANS, ((ZEROS,), {"axis": 1}), ((ZEROS,), {})],
    np.subtract.accumulate: SCANS,
    np.maximum.accumulate: SCANS,
    np.minimum.accumulate: SCANS,
    np.logaddexp.accumulate: SCANS,
    np.add.reduceat: SEGMENTS,
    np.multiply.reduceat: SEGMENTS,
    np.maximum.reduceat: SEGMENTS,
    np.minimum.reduceat: SEGMENTS,
}

KINKS: list[tuple[Any, tuple[Any, ...], tuple[Any, ...]]] = [
    (np.maximum.reduce, (np.array([1.0, 1.0, 0.0]),), (np.array([0.5, 0.5, 0.0]),)),
    (np.maximum.accumulate, (np.array([1.0, 1.0, 0.0, 2.0]),), (np.array([3.0, 0.0, 0.0, 1.0]),)),
    (np.multiply.reduce, (np.array([2.0, 0.0, 0.0]),), (np.zeros(3),)),
    (np.multiply.accumulate, (np.array([2.0, 0.0, 0.0, 3.0]),), (np.array([1.0, 2.0, 0.0, 0.0]),)),
    (np.maximum.outer, (np.ones(2), np.array([1.0, 0.0])), (np.array([1.5, 1.5]), np.array([1.0, 0.0]))),
    (np.hypot.reduce, (np.zeros(2),), (np.zeros(2),)),
    (np.maximum.reduceat, (np.array([1.0, 1.0, 3.0]), [0, 2]), (np.array([0.5, 0.5, 1.0]), None)),
]
