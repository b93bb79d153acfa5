"""Sample inputs of every rule in `rules/shape.py` and `rules/index.py`, and what the rules say at kinks.

Each sample is (args, kwargs) of one call. A function that changes its first argument (`operator.setitem`,
`np.add.at`, `list.append`, `list.pop`) is sampled with the content before the change; a descriptor
(`np.ndarray.T`) with the array alone. A kink is (function, args, the cotangents of its arguments for a
cotangent of ones), None where nothing flows back.
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

Sample = tuple[tuple[Any, ...], dict[str, Any]]

V = np.array([0.7, -1.3, 2.1])
X = np.array([0.7, -1.3, 2.1, 0.4, 1.9, -0.2])
A = np.array([[0.5, -1.2, 2.0], [1.5, 0.3, -0.7]])
B = np.array([[1.1, 0.2, -0.4]])
S = np.array([[0.5, -1.2, 2.0], [1.5, 0.3, -0.7], [0.9, 2.4, -1.6]])
C = np.arange(24.0).reshape(2, 3, 4) / 7.0 - 1.0
F = np.asfortranarray(A)
Z = np.array([[1.0 + 2.0j, -0.5 + 0.3j]])
F_INDEX = np.asfortranarray(np.array([[0, 1, 0], [1, 0, 1]]))

SCALAR: Sample = ((1.5,), {})
RAVELS: list[Sample] = [
    ((A,), {}), ((A, "F"), {}), ((C,), {"order": "F"}), ((V,), {}), ((A, "K"), {}), ((A, "A"), {}),
]  # fmt: skip
JOINED: list[Sample] = [(([A, B],), {}), (([A, A, B],), {})]
OFFSETS: list[Sample] = [((A,), {}), ((A, 1), {}), ((A, -1), {}), ((C, 1, 1, 2), {}), ((C, 0, 2, 0), {})]
REPEATS: list[Sample] = [
    ((A, 2), {}),
    ((A, 3), {"axis": 1}),
    ((C, 2), {"axis": -2}),
    ((V, [1, 0, 3]), {}),
    ((A, [2, 1]), {"axis": 0}),
    ((A, np.array([1, 3, 0])), {"axis": -1}),
    ((A, [2]), {"axis": 0}),
]
TAKES: list[Sample] = [
    ((A, [0, 0, 5]), {}),
    ((A, np.array([[2, 2], [0, -1]])), {"axis": 1}),
    ((C, [1, 1, 0]), {"axis": -2}),
    ((C, 1), {"axis": 0}),
    ((V, 2), {}),
    ((V, [4, -1]), {"mode": "wrap"}),
    ((A, [7, -3, 1]), {"axis": 0, "mode": "clip"}),
]
SPLITS: list[Sample] = [((C, 2), {}), ((C, [1, 2]), {"axis": -1}), ((X, 3), {})]

RESHAPING: dict[Any, list[Sample]] = {
    np.reshape: [((A, (3, 2)), {}), ((A, -1), {"order": "F"}), ((1.5, (1, 1)), {})],
    np.ndarray.reshape: [((A, 3, 2), {}), ((A, (3, -1)), {}), ((A, 6), {"order": "F"})],
    np.ravel: RAVELS,
    np.ndarray.ravel: RAVELS,
    np.ndarray.flatten: RAVELS,
    np.expand_dims: [((A, 0), {}), ((A, -1), {}), ((A, (0, -1)), {}), ((1.5, 0), {})],
    np.squeeze: [((B,), {}), ((B, 0), {}), ((np.array([[1.5]]),), {"axis": (0, 1)})],
    np.ndarray.squeeze: [((B,), {}), ((B, 0), {})],
    np.atleast_1d: [SCALAR, ((V,), {}), ((1.5, V), {})],
    np.atleast_2d: [SCALAR, ((V,), {}), ((A,), {})],
    np.atleast_3d: [SCALAR, ((V,), {}), ((A, V), {})],
    np.transpose: [((A,), {}), ((C, (2, 0, 1)), {}), ((C, (-1, 0, 1)), {}), ((C,), {"axes": [1, 2, 0]})],
    np.ndarray.transpose: [((A,), {}), ((C, 2, 0, 1), {}), ((C, (1, -1, 0)), {}), ((C, None), {})],
    np.ndarray.flat: [((A,), {}), ((C,), {})],
    np.ndarray.T: [((A,), {}), ((C,), {}), ((V,), {})],
    np.ndarray.mT: [((A,), {}), ((C,), {})],
    np.matrix_transpose: [((C,), {})],
    np.swapaxes: [((C, 0, -1), {})],
    np.ndarray.swapaxes: [((C, 1, 2), {})],
    np.moveaxis: [((C, 0, -1), {}), ((C, (0, 1), (-1, 0)), {})],
    np.rollaxis: [((C, 2), {}), ((C, 0, 2), {}), ((C, 0, 3), {}), ((C, -1, 1), {}), ((C, 1, -1), {})],
    np.roll: [((X, 2), {}), ((A, -1), {"axis": 1}), ((A, (1, 2)), {"axis": (0, 1)}), ((A, 1), {})],
    np.flip: [((A,), {}), ((A, 1), {}), ((C, (0, 2)), {})],
    np.flipud: [((A,), {})],
    np.fliplr: [((A,), {})],
    np.rot90: [((A,), {}), ((A, 2), {}), ((C, -1, (1, 2)), {})],
}

COPYING: dict[Any, list[Sample]] = {
    np.broadcast_to: [((V, (4, 3)), {}), ((B, (2, 3)), {}), ((1.5, (2, 2)), {}), ((A[:, :1], (4, 2, 3)), {})],
    np.tile: [
        ((V, 2), {}),
        ((V, (2, 2)), {}),
        ((A, 3), {}),
        ((A, (2, 1, 3)), {}),
        ((C, (2, 1)), {}),
        ((V, 0), {}),
    ],
    np.repeat: [*REPEATS, ((1.5, 3), {})],
    np.ndarray.repeat: REPEATS,
    np.take: TAKES,
    np.ndarray.take: TAKES,
    np.take_along_axis: [
        ((A, np.array([[0, 0], [2, 1]])), {"axis": 1}),
        ((A, np.array([[1, 0, 1]])), {"axis": 0}),
        ((B, np.array([[0], [2], [2]])), {"axis": -1}),
        ((A, np.array([5, 0, 5])), {"axis": None}),
    ],
    np.diag: [((V,), {}), ((V, 1), {}), ((S,), {}), ((A, 1), {}), ((A, -1), {})],
    np.diagonal: OFFSETS,
    np.ndarray.diagonal: OFFSETS,
    np.diagflat: [((V, 1), {}), ((A,), {})],
    np.trace: OFFSETS,
    np.ndarray.trace: OFFSETS,
    np.tril: [((S,), {}), ((A, 1), {}), ((C, -1), {}), ((V,), {})],
    np.triu: [((S,), {}), ((A, 1), {}), ((C, -1), {}), ((V,), {})],
    np.concatenate: [
        *JOINED,
        (([A, S.T[:2]], 1), {}),
        (([V, X],), {}),
        (([A, V],), {"axis": None}),
        ((C,), {}),
    ],
    np.stack: [(([V, V, X[:3]],), {}), (([A, A], -1), {}), (([0.5, 1.5],), {}), ((A, 1), {})],
    np.vstack: [*JOINED, (([V, A],), {}), (([V, V],), {}), (([1.5, 0.5],), {}), ((A,), {})],
    np.hstack: [(([V, X],), {}), (([A, S[:2]],), {}), (([1.5, V],), {}), ((C,), {})],
    np.column_stack: [(([V, V],), {}), (([V, S],), {})],
    np.dstack: [(([V, V],), {}), (([A, A],), {}), (([C, C[..., :1]],), {})],
    np.split: [*SPLITS, ((A, 3, 1), {})],
    np.array_split: [*SPLITS, ((X, 4), {})],
    np.vsplit: [((A, 2), {})],
    np.hsplit: [((A, 3), {}), ((X, [1, 4]), {})],
    np.dsplit: [((C, 2), {})],
}

MAKING: dict[Any, list[Sample]] = {
    np.array: [
        ((A,), {}),
        (([0.5, 1.5],), {}),
        (([[0.5, 1.5], [2.5, -0.5]],), {}),
        (([V, V],), {}),
        (([0.5, 1.5],), {"ndmin": 3}),
        SCALAR,
    ],
    np.asanyarray: [((A,), {}), (([0.5, 1.5],), {})],
    np.asfortranarray: [((A,), {})],
    np.asarray_chkfinite: [((A,), {}), (([0.5, 1.5],), {})],
    np.require: [((A,), {}), ((A, None, "C"), {})],
    np.astype: [((A, float), {}), ((A, np.complex128), {})],
    np.logspace: [
        ((0.5, 1.5, 4), {}),
        ((0.5, 1.5), {"num": 3, "endpoint": False, "base": 2.0}),
        ((V, 1.5, 4), {}),
        ((V, 1.5, 3), {"axis": 1}),
    ],
    np.geomspace: [((0.5, 1.5, 4), {}), ((0.5, 1.5), {"num": 3, "endpoint": False}), ((V**2, 1.5, 4), {})],
    np.vander: [((V,), {}), ((V, 4), {}), ((V, 2), {"increasing": True}), ((V, 1), {})],
    np.asarray: [((A,), {}), (([0.5, 1.5],), {}), (((0.5, (1.5)),), {}), SCALAR],
    np.ascontiguousarray: [((A.T,), {}), (([0.5, 1.5],), {}), SCALAR],
    np.copy: [((A,), {}), (([0.5, 1.5],), {})],
    np.ndarray.copy: [((A,), {}), ((A, "F"), {})],
    np.ndarray.astype: [((A, float), {}), ((A, np.complex128), {})],
    np.ndarray.item: [((np.array(1.5),), {}), ((np.array([[1.5]]),), {}), ((V, 2), {}), ((A, 4), {}),
                      ((A, 1, -1), {}), ((A, (0, 2)), {})],
    np.ndarray.tolist: [((A,), {}), ((np.array(1.5),), {})],
    np.ndarray.real: [((A,), {}), ((Z,), {})],
    np.ndarray.imag: [((A,), {}), ((Z,), {})],
    np.full: [(((2, 3), 1.5), {}), (((2, 3), V), {}), ((2, 1.5), {"dtype": float})],
    np.full_like: [((A, 1.5), {}), ((A, V), {}), ((A, 0.5), {"shape": (4,)})],
    np.arange: [((3.5,), {}), ((0.2, 3.5), {}), ((0.2, 3.5, 0.7), {}), ((3.1, 0.5, -0.4), {})],
    np.linspace: [
        ((0.5, 2.5, 4), {}),
        ((0.5, 2.5), {"num": 3, "endpoint": False}),
        ((0.5, 2.5, 1), {}),
        ((V, 2.5, 4), {}),
        ((V, V + 1.0, 4), {"axis": -1}),
        ((A, V, 3), {"axis": 1}),
        ((0.5, 2.5, 4, True, True), {}),
        ((0.5, 2.5, 4), {"endpoint": False, "retstep": True}),
    ],
    np.diff: [
        ((X,), {}),
        ((X, 2), {}),
        ((A,), {}),
        ((A,), {"axis": 0}),
        ((C, 2), {"axis": 1}),
        ((V,), {"prepend": 0.5}),
        ((A,), {"axis": 0, "append": B, "prepend": 1.5}),
        ((V, 2), {"append": V}),
        ((V, 3), {}),
        ((V, 5), {}),
    ],
    np.interp: [
        ((0.3, [0.0, 0.5, 1.0], [1.0, 2.0, 5.0]), {}),
        ((np.array([-0.4, 0.3, 0.6, 1.7]), np.array([0.0, 0.5, 1.0]), np.array([1.0, 2.0, 5.0])), {}),
        ((np.array([-0.4, 0.3, 1.7]), np.array([0.0, 0.5, 1.0]), V), {"left": 0.5, "right": -0.5}),
        ((A, np.array([-1.0, 0.1, 1.0]), V, 0.5), {}),
        ((X, np.array([0.15, 1.3, 0.75]), V), {"period": 2}),
    ],
}  # fmt: skip

INDEXING: dict[Any, list[Sample]] = {
    operator.getitem: [
        ((V, 1), {}),
        ((X, slice(1, -1, 2)), {}),
        ((A, (slice(None), 1)), {}),
        ((A, (Ellipsis, None, 0)), {}),
        ((V, [0, 0, 1]), {}),
        ((A, np.array([1, 1, 0])), {}),
        ((A, (np.array([0, 1, 0]), np.array([2, 2, 2]))), {}),
        ((A, A > 0), {}),
        ((C, (slice(None), [0, 0], slice(1, 3))), {}),
    ],
    operator.setitem: [
        ((V, 1, 0.5), {}),
        ((X, slice(1, -1, 2), np.array([0.5, 1.5])), {}),
        ((A, (slice(None), 1), 0.5), {}),
        ((A, (0, slice(None)), V), {}),
        ((A, A > 0, 0.5), {}),
        ((V, [0, 0], np.array([3.0, 5.0])), {}),
        ((V, [0, 0, 2], 0.5), {}),
        ((S, [0, 2, 0], S + 1.0), {}),
        ((S, [0, 2, 0], V), {}),
        ((S, (slice(None), [1, 1]), np.array([[1.0], [2.0], [3.0]])), {}),
    ],
    np.add.at: [
        ((V, [0, 0], np.array([3.0, 5.0])), {}),
        ((V, [0, 0, 2], 0.5), {}),
        ((A, (slice(None), [1, 1]), np.array([[1.0], [2.0]])), {}),
    ],
    list.append: [(([0.5, 1.5], 2.5), {})],
    list.pop: [(([0.5, 1.5, 2.5],), {}), (([0.5, 1.5, 2.5], 0), {}), (([0.5, 1.5, 2.5], -2), {})],
}

SAMPLES: dict[Any, list[Sample]] = {**RESHAPING, **COPYING, **MAKING, **INDEXING}

KNOTS = np.array([0.0, 1.0, 2.0])
LEVELS = np.array([1.0, 2.0, 5.0])
LAST_KEPT = np.array([0.0, 0.0, 1.0])

KINKS: list[tuple[Any, tuple[Any, ...], tuple[Any, ...]]] = [
    (np.interp, (1.0, KNOTS, LEVELS), (3.0, np.array([0.0, -3.0, 0.0]), np.array([0.0, 1.0, 0.0]))),
    (np.interp, (2.0, KNOTS, LEVELS), (0.0, np.zeros(3), np.array([0.0, 0.0, 1.0]))),
    (operator.setitem, (V, [1, 1], V[:2]), (np.array([1.0, 0.0, 1.0]), None, np.array([0.0, 1.0]))),
    (operator.setitem, (V, F_INDEX, A), (LAST_KEPT, None, np.array([[0.0, 0.0, 0.0], [0.0, 1.0, 1.0]]))),
    (operator.setitem, (V, F_INDEX, F), (LAST_KEPT, None, np.array([[0.0, 0.0, 1.0], [0.0, 0.0, 1.0]]))),
    (np.add.at, (np.ones(2), [0, 0], np.array([3.0, 5.0])), (np.ones(2), None, np.ones(2))),
    (np.repeat, (np.ones(2), [1, 3]), (np.array([1.0, 3.0]), None)),
    (np.diff, (np.zeros(0),), (np.zeros(0),)),
]
