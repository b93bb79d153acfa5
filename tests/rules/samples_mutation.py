"""Sample inputs of the functions that change an array in place: the content before the call comes first."""

from __future__ import annotations

from typing import Any

import numpy as np

A = np.array([[1.5, -0.5, 2.0], [0.25, 3.0, -1.0]])
Q = np.array([[1.5, -0.5, 2.0], [0.25, 3.0, -1.0], [0.75, 1.25, -2.0]])
V = np.array([1.5, -0.5, 2.0, 0.75])
MASK = np.array([True, False, True, False])

Sample = tuple[tuple[Any, ...], dict[str, Any]]

SAMPLES: dict[Any, list[Sample]] = {
    np.ndarray.fill: [((A, 0.5), {}), ((V, 2.5), {})],
    np.copyto: [((V, V[::-1].copy()), {}), ((A, 0.5), {}), ((A, A[0] + 1.0), {}),
                ((V, V**2), {"where": MASK}), ((A, A[:, :1] * 2.0), {"where": A > 0})],
    np.put: [((V, [0, 2], np.array([3.0, 5.0])), {}), ((V, [1, 1, 3], np.array([3.0, 5.0])), {}),
             ((A, np.array([5, 0]), 0.5), {}), ((V, [0, 5], np.array([3.0, 5.0]), "wrap"), {})],
    np.place: [((V, MASK, np.array([3.0, 5.0, 7.0])), {}), ((A, A > 0, np.array([0.5, 2.5])), {})],
    np.putmask: [((V, MASK, V**2), {}), ((V, MASK, np.array([3.0, 5.0])), {}), ((A, A > 0, 0.5), {})],
    np.put_along_axis: [((A, np.array([[2], [0]]), np.array([[3.0], [5.0]]), 1), {}),
                        ((A, np.array([[1, 0, 1]]), np.array([[3.0, 5.0, 7.0]]), 0), {})],
    np.fill_diagonal: [((Q, 0.5), {}), ((Q, np.array([3.0, 5.0, 7.0])), {}), ((A, np.array([3.0, 5.0])), {})],
    np.ndarray.sort: [((V,), {}), ((A,), {}), ((A, 0), {}), ((A,), {"axis": 1, "kind": "stable"})],
    np.ndarray.partition: [((V, 1), {}), ((A, 1), {}), ((A, 0, 0), {})],
    np.subtract.at: [((V, [0, 0], np.array([3.0, 5.0])), {}),
                     ((A, (slice(None), [1, 1]), np.array([[1.0], [2.0]])), {})],
    np.multiply.at: [((V, [0, 0, 2], np.array([3.0, 5.0, 7.0])), {}),
                     ((A, ([0, 1, 1], [1, 1, 1]), np.array([3.0, 5.0, 7.0])), {})],
    np.divide.at: [((V, [0, 0, 2], np.array([3.0, 5.0, 7.0])), {})],
    np.maximum.at: [((V, [0, 0, 2], np.array([3.0, 5.0, 1.0])), {}), ((V, [3, 1], np.array([0.5, 1.0])), {})],
    np.minimum.at: [((V, [0, 0, 2], np.array([-3.0, 5.0, 1.0])), {})],
}  # fmt: skip

KINKS: list[tuple[Any, tuple[Any, ...], tuple[Any, ...]]] = [
    (
        np.maximum.at,
        (np.ones(2), [0, 0], np.array([1.0, 2.0])),
        (np.array([0.0, 1.0]), None, np.array([0.0, 1.0])),
    ),
    (np.maximum.at, (np.ones(2), [0, 1], np.ones(2)), (np.full(2, 0.5), None, np.full(2, 0.5))),
    (np.multiply.at, (np.ones(1), [0, 0], np.array([0.0, 3.0])), (np.zeros(1), None, np.array([3.0, 0.0]))),
    (np.multiply.at, (np.ones(1), [0, 0], np.zeros(2)), (np.zeros(1), None, np.zeros(2))),
    (np.ndarray.sort, (np.array([1.0, 1.0]),), (np.array([1.0, 1.0]),)),
]
