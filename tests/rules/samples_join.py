"""Sample inputs of every rule in `rules/join.py` and `rules/pad.py`, and what the rules say at kinks.

Each sample is (args, kwargs) of one call. A kink is (function, args, the cotangents of its arguments for a
cotangent of ones), None where nothing flows back.
"""

from __future__ import annotations

from typing import Any

import numpy as np

Sample = tuple[tuple[Any, ...], dict[str, Any]]

V = np.array([0.7, -1.3, 2.1])
W = np.array([1.2, 0.5, -0.9])
X = np.array([0.7, -1.3, 2.1, 0.4, 1.9, -0.2])
A = np.array([[0.5, -1.2, 2.0], [1.5, 0.3, -0.7]])
B = np.array([[1.1, 0.2, -0.4], [0.9, -1.6, 0.8]])
S = np.array([[0.5, -1.2, 2.0], [1.5, 0.3, -0.7], [0.9, 2.4, -1.6]])
C = np.arange(24.0).reshape(2, 3, 4) / 7.0 - 1.0
Z = np.array([0.7 + 0.4j, -1.3 + 0.2j])
MASK = np.array([True, False, True, True, False, True])
I2 = np.array([[1, 0, 1], [0, 1, 1]])

CHOICES: list[Sample] = [
    ((np.array([0, 1, 1]), [V, W]), {}),
    ((I2, [V, A]), {}),
    ((I2, [0.5, A, V]), {}),
    ((np.array([0, 4, 1]), [V, W]), {"mode": "clip"}),
    ((np.array([0, 3, -1]), [V, W]), {"mode": "wrap"}),
]
COMPRESSED: list[Sample] = [
    ((X, MASK), {}),
    ((A, [True, False]), {"axis": 0}),
    ((A, [True, False, True]), {"axis": -1}),
    ((A, [False, True]), {}),
]


def swapped(samples: list[Sample]) -> list[Sample]:
    return [((args[1], args[0]), kwargs) for args, kwargs in samples]


MARGINS = ((1, 0), (2, 1))
SAMPLES: dict[Any, list[Sample]] = {
    np.unstack: [((A,), {}), ((C,), {"axis": 1})],
    np.broadcast_arrays: [((V, A), {}), ((0.5, A), {}), ((V,), {})],
    np.meshgrid: [
        ((V, W), {}),
        ((V, X), {"indexing": "ij"}),
        ((V, X, W), {}),
        ((V, X), {"sparse": True}),
        ((V, X, W), {"sparse": True, "indexing": "ij"}),
        ((V,), {}),
    ],
    np.append: [
        ((V, W), {}),
        ((V, 0.5), {}),
        ((A, B), {"axis": 0}),
        ((A, S[:2]), {"axis": -1}),
        ((A, V), {}),
    ],
    np.block: [
        (([V, W],), {}),
        (([[A, B], [B, A]],), {}),
        (([[S, V[:, None]], [W, 1.5]],), {}),
        ((A,), {}),
    ],
    np.delete: [
        ((X, 2), {}),
        ((X, [0, 3]), {}),
        ((X, -1), {}),
        ((A, 1), {"axis": 1}),
        ((A, slice(0, 2)), {"axis": -1}),
        ((X, MASK), {}),
        ((A, 4), {}),
    ],
    np.insert: [
        ((X, 2, 0.5), {}),
        ((X, [1, 3], 0.5), {}),
        ((X, [3, 1], W[:2]), {}),
        ((X, [1, 1], W[:2]), {}),
        ((X, 2, W), {}),
        ((A, 1, W[:2]), {"axis": 1}),
        ((A, 1, 0.5), {"axis": 0}),
        ((A, [0, 2], B[:, :2]), {"axis": 1}),
        ((A, slice(0, 2), B), {"axis": 0}),
        ((A, 3, V), {}),
    ],
    np.resize: [((A, (3, 4)), {}), ((X, 4), {}), ((X, (2, 5)), {})],
    np.trim_zeros: [((np.array([0.5, 1.5, -2.0]),), {}), ((np.array([0.5, 1.5]), "f"), {})],
    np.extract: swapped([((X, MASK), {}), ((A, A > 0), {}), ((X, np.array([True, False])), {})]),
    np.compress: swapped(COMPRESSED),
    np.ndarray.compress: COMPRESSED,
    np.choose: CHOICES,
    np.ndarray.choose: CHOICES,
    np.select: [
        (([X > 1, X > 0], [X, 2.0 * X], 0.5), {}),
        (([X > 1, X > 0], [X, 3.0]), {"default": X**2}),
        (([A > 0], [V]), {}),
    ],
    np.r_.__getitem__: [(((V, 0.5, W),), {}), ((V,), {})],
    np.c_.__getitem__: [(((V, W),), {}), (((A, B),), {}), ((V,), {})],
    np.pad: [
        ((V, 2), {}),
        ((A, (1, 2)), {}),
        ((A, ((0, 1), (2, 0))), {"mode": "constant", "constant_values": 1.5}),
        ((A, 1), {"constant_values": np.array([0.5, 1.5])}),
        ((A, 2), {"constant_values": np.array([[0.5, 1.5], [2.5, 3.5]])}),
        ((V, (2,)), {"mode": "edge"}),
        ((A, ((1, 0), (2, 3))), {"mode": "edge"}),
        ((V, 4, "reflect"), {}),
        ((V, 5, "reflect"), {"reflect_type": "odd"}),
        ((A, MARGINS, "reflect"), {"reflect_type": "odd"}),
        ((A, ((1, 1), (2, 1)), "symmetric"), {}),
        ((A, 3, "symmetric"), {"reflect_type": "odd"}),
        ((A, 2), {"mode": "wrap"}),
        ((V, 2, "linear_ramp"), {}),
        ((A, MARGINS, "linear_ramp"), {"end_values": np.array([[0.5, -1.0], [1.5, 2.0]])}),
        ((V, (0, 3), "linear_ramp"), {"end_values": 0.5}),
        ((V, 2, "maximum"), {}),
        ((A, MARGINS, "maximum"), {}),
        ((X, (1, 2), "maximum"), {"stat_length": 2}),
        ((A, MARGINS, "minimum"), {"stat_length": ((1, 2), (2, 1))}),
        ((A, MARGINS, "mean"), {}),
        ((X, (1, 2), "mean"), {"stat_length": (2, 3)}),
        ((A, MARGINS, "median"), {}),
        ((X, (1, 2), "median"), {"stat_length": (4, 3)}),
        ((C, ((0, 0), (1, 1), (2, 0)), "mean"), {}),
    ],
}

KINKS: list[tuple[Any, tuple[Any, ...], tuple[Any, ...]]] = [
    (np.pad, (np.ones(3), 2, "edge"), (np.array([3.0, 1.0, 3.0]), None, None)),
    (np.pad, (np.array([1.0, 1.0, 0.0]), (1, 0), "maximum"), (np.array([1.5, 1.5, 1.0]), None)),
    (np.select, ([np.array([True]), np.array([True])], [np.ones(1), np.ones(1)]),
     (None, [np.ones(1), np.zeros(1)])),
    (np.insert, (np.ones(2), [1, 1], np.array([3.0, 5.0])), (np.ones(2), None, np.ones(2))),
    (np.append, (np.zeros(0), 1.5), (np.zeros(0), 1.0)),
]  # fmt: skip
