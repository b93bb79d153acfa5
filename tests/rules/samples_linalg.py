"""Sample arguments of the rules for products and linear algebra.

`SAMPLES[fn]` lists (args, kwargs). `KINKS` lists (fn, args, cotangents of args for ct = 1) at points where a
convention decides. The first argument of a function in `SYMMETRIC` is symmetric (Hermitian), and is to be
perturbed as such.
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from diffcompile.rules import linalg, matrices

Sample = tuple[tuple[Any, ...], dict[str, Any]]

rng = np.random.default_rng(7)


def r(*shape: int) -> np.ndarray:
    return rng.uniform(0.3, 1.7, shape) * rng.choice([-1.0, 1.0], shape)


def c(*shape: int) -> np.ndarray:
    return r(*shape) + 1j * r(*shape)


def well(*shape: int) -> np.ndarray:
    """Matrices that are far from singular."""
    return r(*shape) + 4.0 * np.eye(shape[-2], shape[-1])


def spd(*shape: int) -> np.ndarray:
    """Positive definite matrices with separate eigenvalues."""
    a = 0.2 * r(*shape)
    return a @ a.mT + np.diag(1.0 + np.arange(shape[-1]))


def hpd(*shape: int) -> np.ndarray:
    """Hermitian positive definite matrices with separate eigenvalues."""
    a = 0.2 * c(*shape)
    return a @ np.conj(a).mT + np.diag(1.0 + np.arange(shape[-1]))


def spread(*shape: int) -> np.ndarray:
    """Matrices with separate, real eigenvalues."""
    return 0.3 * r(*shape) + 2.0 * np.diag(1.0 + np.arange(shape[-1]))


# A real matrix with complex eigenvalues; LAPACK gives its eigenvectors the same signs nearby.
TURNING = np.array([[1.0, 3.2, -0.1], [-2.9, 2.1, 3.1], [0.2, -3.0, 3.3]])


def args_only(*samples: tuple[Any, ...]) -> list[Sample]:
    return [(args, {}) for args in samples]


MATRIX_PAIRS = args_only(
    (r(3), r(3)),
    (r(2, 3), r(3)),
    (r(3), r(3, 2)),
    (r(2, 3), r(3, 4)),
    (c(2, 3), c(3, 4)),
    (r(2, 1), r(1, 3)),
)
BATCHES = args_only(
    (r(2, 3, 4), r(4)),
    (r(4), r(2, 4, 3)),
    (r(4), r(2, 2, 4, 3)),
    (r(2, 3, 4), r(4, 2)),
    (r(3, 4), r(2, 4, 2)),
    (r(2, 3, 4), r(2, 4, 2)),
    (r(2, 1, 3, 3), r(4, 3, 1)),
    (r(1, 3, 4), r(5, 4, 2)),
    (r(2, 2, 3, 4), r(1, 4, 2)),
    (r(2, 2, 3, 4), r(4)),
)
DOTS = args_only(
    (r(2, 3, 4), r(4)),
    (r(4), r(2, 4, 3)),
    (r(2, 3, 4), r(4, 2)),
    (r(3, 4), r(2, 4, 2)),
    (r(2, 3, 4), r(5, 4, 2)),
    (r(), r(3)),
    (r(2, 3), r()),
)
INNERS = args_only(
    (r(3), r(3)),
    (r(2, 3), r(4, 3)),
    (r(3), r(2, 3)),
    (r(2, 3), r(3)),
    (r(2, 4, 3), r(5, 3)),
    (r(), r(3)),
    (r(2, 3), r(2, 2, 3)),
)
TENSORDOTS: list[Sample] = [
    ((r(2, 3), r(3, 4)), {"axes": 1}),
    ((r(2, 3, 4), r(3, 4, 2)), {}),
    ((r(2, 3, 4), r(4, 3)), {"axes": ([1, 2], [1, 0])}),
    ((r(2, 3, 4), r(4, 5, 3)), {"axes": ([2, 1], [0, 2])}),
    ((r(2, 3, 4), r(5, 3)), {"axes": (1, 1)}),
    ((r(2, 3, 4), r(5, 3)), {"axes": (-2, -1)}),
    ((r(2), r(3)), {"axes": 0}),
    ((r(2, 3, 4), r(3, 4, 2)), {"axes": ((0, 1, 2), (2, 0, 1))}),
]
EINSUMS: list[Sample] = [
    *args_only(
        ("ij,jk->ik", r(2, 3), r(3, 4)),
        ("ij,jk", r(2, 3), r(3, 4)),
        ("ij, kj -> ki", r(2, 3), r(4, 3)),
        ("i,i", r(3), r(3)),
        ("i,j", r(3), r(2)),
        ("ij->ji", r(2, 3)),
        ("ij->", r(2, 3)),
        ("ij->j", r(2, 3)),
        ("ii", r(3, 3)),
        ("ii->i", r(3, 3)),
        ("iij->j", r(3, 3, 2)),
        ("iji->ij", r(3, 2, 3)),
        ("iii->i", r(2, 2, 2)),
        ("ij,k->", r(2, 3), r(4)),
        ("ij,k->i", r(2, 3), r(4)),
        ("ii,ij->j", r(3, 3), r(3, 2)),
        ("iij,k->j", r(3, 3, 2), r(2)),
        ("ba", r(2, 3)),
        ("...ij,...jk->...ik", r(2, 2, 3), r(2, 3, 4)),
        ("...ij,jk", r(2, 5, 2, 3), r(3, 4)),
        ("ij...,j...->i...", r(2, 3, 4), r(3, 5, 4)),
        ("...ij,...jk->...ik", r(2, 1, 2, 3), r(5, 3, 4)),
        ("i...->...", r(3, 2)),
        ("...", r(3, 2)),
        ("...ii->...i", r(2, 3, 3)),
        ("...,...", r(3), r(2, 3)),
        ("ij,jk->ik", r(2, 1), r(3, 4)),
        ("ij,jk->ik", r(2, 3), r(1, 4)),
        ("i,i->i", r(1), r(3)),
        ("ij,jk,kl->il", r(2, 3), r(3, 4), r(4, 2)),
        ("b,bi,bj,ij->b", r(2), r(2, 3), r(2, 4), r(3, 4)),
        ("i,ij,j", r(2), r(2, 3), r(3)),
        ("ij,jk->ik", c(2, 3), c(3, 2)),
    ),
    (("ij,jk,kl->il", r(2, 3), r(3, 4), r(4, 2)), {"optimize": True}),
    ((r(2, 3), [0, 1], r(3, 4), [1, 2], [0, 2]), {}),
    ((r(2, 3), [0, 1], r(3, 4), [1, 2]), {}),
    ((r(2, 3), [27, 1], r(3, 4), [1, 2]), {}),
    ((r(3, 3), [0, 0]), {}),
    ((r(2, 2, 3), [..., 0], r(3), [0], [...]), {}),
    (("ij,jk", r(2, 3), r(3, 4)), {"dtype": np.float64, "casting": "safe", "order": "C"}),
]
CROSSES: list[Sample] = [
    *args_only((r(3), r(3)), (r(4, 3), r(4, 3)), (r(4, 3), r(3)), (r(2, 1, 3), r(4, 3))),
    ((r(3, 4), r(3, 4)), {"axis": 0}),
]
VECDOTS: list[Sample] = [
    *args_only((r(3), r(3)), (r(2, 3), r(2, 3)), (r(2, 3), r(3)), (r(2, 1, 3), r(4, 3)), (c(2, 3), c(2, 3))),
    ((r(3, 2), r(3, 2)), {"axis": 0}),
]
PAIRWISE: dict[Any, list[Sample]] = {
    np.matmul: MATRIX_PAIRS + BATCHES,
    operator.matmul: MATRIX_PAIRS + BATCHES,
    np.linalg.matmul: MATRIX_PAIRS[3:5] + BATCHES[5:8],
    np.dot: MATRIX_PAIRS + DOTS,
    np.ndarray.dot: MATRIX_PAIRS + DOTS[:5],
    np.inner: INNERS,
    np.outer: args_only((r(3), r(2)), (r(2, 2), r(3)), (r(), r(3)), (c(2), c(3))),
    np.linalg.outer: args_only((r(3), r(2))),
    np.vdot: args_only(
        (r(3), r(3)), (r(2, 3), r(2, 3)), (r(2, 3), r(6)), (r(2, 3), r(3, 2)), (c(3), c(3)), (c(3), r(3))
    ),
    np.vecdot: VECDOTS,
    np.linalg.vecdot: VECDOTS,
    np.tensordot: TENSORDOTS,
    np.linalg.tensordot: TENSORDOTS,
    np.einsum: EINSUMS,
    np.kron: args_only(
        (r(3), r(2)), (r(2, 3), r(3, 2)), (r(2), r(3, 2)), (r(2, 2, 3), r(2, 2)), (r(), r(2, 2))
    ),
    np.cross: [
        *CROSSES,
        ((r(3, 4), r(4, 3)), {"axisa": 0, "axisb": 1, "axisc": 0}),
        ((r(3, 4), r(3)), {"axisa": 0}),
    ],
    np.linalg.cross: CROSSES[:2] + CROSSES[-1:],
}
if hasattr(np, "matvec"):
    PAIRWISE[np.matvec] = args_only(
        (r(2, 3), r(3)), (r(2, 3), r(4, 3)), (r(2, 2, 3), r(3)), (r(5, 1, 2, 3), r(4, 3)), (c(2, 3), c(3))
    )
    PAIRWISE[np.vecmat] = args_only(
        (r(3), r(3, 2)),
        (r(4, 3), r(3, 2)),
        (r(3), r(2, 3, 2)),
        (r(4, 3), r(5, 1, 3, 2)),
        (c(3), c(3, 2)),
        (c(2, 3), c(2, 3, 2)),
    )

VECTOR_ORDERS = (None, 1, 2, 3, 0.5, 2.5, -1, np.inf, -np.inf)
MATRIX_ORDERS = (None, "fro", "nuc", 1, -1, 2, -2, np.inf, -np.inf)
NORMS: list[Sample] = [
    *[((r(4), order), {}) for order in VECTOR_ORDERS],
    *[((r(3, 4), order), {}) for order in MATRIX_ORDERS],
    *[((r(3, 4), order), {"axis": axis}) for order in VECTOR_ORDERS for axis in (0, -1)],
    *[
        ((r(2, 3, 4), order), {"axis": axis})
        for order in MATRIX_ORDERS
        for axis in ((1, 2), (2, 0), (-1, -2))
    ],
    *[((r(3, 4), order), {"axis": 1, "keepdims": True}) for order in (None, 1, 3, np.inf)],
    *[((r(2, 3, 4), order), {"axis": (0, 2), "keepdims": True}) for order in (None, "nuc", 1, 2, -np.inf)],
    *[((r(3, 4), order), {"keepdims": True}) for order in (None, "fro", "nuc", 1, 2)],
    ((r(2, 3, 2),), {}),
    ((c(4),), {}),
    ((c(4), 1), {}),
    ((c(4), 3), {}),
    ((c(4), np.inf), {}),
    ((c(3, 4), "nuc"), {}),
    ((c(3, 4), 2), {}),
    ((c(3, 4), 1), {}),
]
VECTOR_NORMS: list[Sample] = [
    ((r(4),), {}),
    ((r(2, 3),), {}),
    ((r(2, 3),), {"ord": 3}),
    ((r(2, 3, 4),), {"axis": (0, 2), "ord": np.inf}),
    ((r(2, 3),), {"axis": 1, "keepdims": True}),
    ((r(2, 3),), {"axis": 0, "ord": 1}),
    ((r(2, 3),), {"keepdims": True}),
]
MATRIX_NORMS: list[Sample] = [
    *[((r(3, 4),), {"ord": order}) for order in MATRIX_ORDERS[1:]],
    ((r(2, 3, 4),), {}),
    ((r(2, 3, 4),), {"ord": 2, "keepdims": True}),
    ((r(2, 3, 4),), {"ord": np.inf}),
]
SVDS: list[Sample] = [
    *[((r(*shape),), {"compute_uv": False}) for shape in ((3, 3), (4, 2), (2, 4), (2, 3, 2))],
    *[((r(*shape),), {"full_matrices": False}) for shape in ((3, 3), (4, 2), (2, 4), (2, 3, 2))],
    ((r(3, 3),), {}),
    ((c(3, 2),), {"compute_uv": False}),
]
LINALG: dict[Any, list[Sample]] = {
    np.linalg.solve: args_only(
        (well(3, 3), r(3)),
        (well(3, 3), r(3, 2)),
        (well(2, 3, 3), r(3)),
        (well(2, 3, 3), r(2, 3, 2)),
        (well(3, 3), r(4, 3, 2)),
        (well(2, 1, 3, 3), r(4, 3, 2)),
        (well(2, 3, 3), r(3, 1)),
        (well(3, 3) + 1j * r(3, 3), c(3)),
        (well(2, 3, 3) + 1j * r(2, 3, 3), r(2, 3, 2)),
        (well(1, 1), r(1)),
        (np.zeros((0, 0)), np.zeros((0, 2))),
    ),
    np.linalg.tensorsolve: [
        *args_only((well(6, 6).reshape(2, 3, 6), r(2, 3)), (well(6, 6).reshape(2, 3, 3, 2), r(2, 3))),
        ((well(6, 6).reshape(2, 6, 3), r(2, 3)), {"axes": (1,)}),
        ((well(4, 4).reshape(2, 2, 2, 2), r(2, 2)), {"axes": (1, 2)}),
    ],
    np.linalg.tensorinv: [
        ((well(6, 6).reshape(2, 3, 6),), {}),
        ((well(6, 6).reshape(6, 3, 2),), {"ind": 1}),
        ((well(4, 4).reshape(2, 2, 4) + 1j * r(2, 2, 4),), {"ind": 2}),
    ],
    np.linalg.multi_dot: args_only(
        ([r(2, 3), r(3, 4)],),
        ([r(2, 3), r(3, 4), r(4, 2)],),
        ([r(3), r(3, 4), r(4, 2), r(2)],),
        ([r(3), r(3, 4)],),
        ([r(2, 3), r(3)],),
        ([r(3), r(3)],),
        ([c(2, 3), r(3, 2), c(2, 2)],),
    ),
    np.linalg.trace: [((r(3, 3),), {}), ((r(2, 3, 4),), {"offset": 1}), ((c(2, 2),), {"offset": -1})],
    np.linalg.diagonal: [((r(3, 3),), {}), ((r(2, 3, 4),), {"offset": 1}), ((c(2, 3),), {"offset": -1})],
    np.linalg.matrix_transpose: args_only((r(2, 3),), (r(2, 3, 4),)),
    np.linalg.cond: args_only(
        *[(well(3, 3), p) for p in (None, 2, -2, 1, -1, np.inf, -np.inf, "fro", "nuc")],
        (r(4, 3),),
        (well(2, 3, 3), 1),
        (well(2, 3, 3),),
        (well(3, 3) + 1j * r(3, 3),),
        (well(3, 3) + 1j * r(3, 3), "fro"),
    ),
    np.linalg.inv: args_only((well(3, 3),), (well(2, 3, 3),), (well(2, 2) + 1j * r(2, 2),)),
    np.linalg.pinv: [
        *args_only((r(3, 3),), (r(4, 2),), (r(2, 4),), (r(2, 3, 2),), (c(3, 2),), (r(3, 2), 1e-9)),
        ((r(3, 2),), {"rtol": 1e-9}),
    ],
    np.linalg.lstsq: args_only(
        (r(4, 2), r(4)),
        (r(4, 2), r(4, 3)),
        (r(2, 4), r(2)),
        (well(3, 3), r(3)),
        (c(4, 2), c(4)),
        (c(4, 2), c(4, 3)),
        (c(2, 3), c(2)),
    ),
    np.linalg.matrix_power: args_only(
        *[(well(3, 3) / 4.0, n) for n in (0, 1, 2, 3, 5, -1, -3)], (r(2, 3, 3), 3)
    ),
    np.linalg.det: args_only(
        (well(3, 3),),
        (r(1, 1),),
        (well(2, 3, 3),),
        (well(2, 2) + 1j * r(2, 2),),
        (np.zeros((2, 2)),),
        (np.array([[1.0, 2.0], [2.0, 4.0]]),),
        (np.ones((3, 3)),),
        (np.stack([np.ones((3, 3)), well(3, 3)]),),
    ),
    np.linalg.slogdet: args_only((well(3, 3),), (well(2, 3, 3),), (well(2, 2) + 1j * r(2, 2),)),
    np.linalg.norm: NORMS,
    np.linalg.vector_norm: VECTOR_NORMS,
    np.linalg.matrix_norm: MATRIX_NORMS,
    np.linalg.cholesky: [
        *args_only((spd(3, 3),), (spd(2, 3, 3),), (hpd(3, 3),)),
        ((spd(3, 3),), {"upper": True}),
        ((hpd(3, 3),), {"upper": True}),
    ],
    np.linalg.eigh: [*args_only((spd(3, 3),), (spd(2, 3, 3),)), ((spd(3, 3),), {"UPLO": "U"})],
    np.linalg.eig: args_only(
        (spread(3, 3),), (spread(2, 3, 3),), (TURNING,), (spread(3, 3) + 0.3j * r(3, 3),)
    ),
    np.linalg.eigvals: args_only((spread(3, 3),), (TURNING,), (spread(2, 3, 3) + 0.3j * r(2, 3, 3),)),
    np.linalg.eigvalsh: args_only((spd(3, 3),), (spd(2, 3, 3),), (hpd(3, 3),)),
    np.linalg.svd: SVDS,
    np.linalg.svdvals: args_only((r(3, 3),), (r(4, 2),), (r(2, 2, 3),)),
    np.linalg.qr: [
        *args_only((r(3, 3),), (r(4, 2),), (r(2, 4),), (r(2, 3, 2),), (r(2, 2, 3),)),
        *[((r(*shape),), {"mode": "r"}) for shape in ((3, 3), (4, 2), (2, 4))],
        ((r(2, 3),), {"mode": "complete"}),
    ],
}
HELPERS: dict[Any, list[Sample]] = {
    linalg.cofactors: args_only(
        (well(3, 3),), (np.ones((3, 3)),), (well(2, 3, 3),), (well(2, 2),), (well(1, 1),), (well(3, 3) + 1j,)
    ),
    linalg.minors: args_only((r(3, 3),), (r(2, 2, 2),)),
    linalg.minors_cotangent: args_only((r(3, 3, 2, 2), r(3, 3)), (r(2, 2, 2, 1, 1), r(2, 2, 2))),
    matrices.inverse_gaps: args_only(
        (r(3) + 4.0 * np.arange(3), r(3, 3)), (r(2, 3) + 4.0 * np.arange(3), r(2, 3, 3))
    ),
    matrices.determined: args_only((np.pad(r(3, 2), ((0, 0), (0, 1)))[:, :2], 2)),
    matrices.of_full_width: args_only((r(3, 2), r(3, 2))),
}
SAMPLES: dict[Any, list[Sample]] = {**PAIRWISE, **LINALG, **HELPERS}

SYMMETRIC = {np.linalg.cholesky, np.linalg.eigh, np.linalg.eigvalsh}

KINKS: list[tuple[Any, tuple[Any, ...], tuple[Any, ...]]] = [
    (np.linalg.norm, (np.zeros(2),), (np.zeros(2),)),
    (np.linalg.norm, (np.zeros((2, 2)),), (np.zeros((2, 2)),)),
    *[
        (np.linalg.norm, (np.zeros(2), order), (np.zeros(2), None))
        for order in (1, 2, 3, 1.5, np.inf, -np.inf)
    ],
    *[
        (np.linalg.norm, (np.zeros((2, 2)), o), (np.zeros((2, 2)), None))
        for o in ("fro", "nuc", 1, 2, np.inf)
    ],
    (
        np.linalg.norm,
        (np.array([[0.0, 0.0], [3.0, 4.0]]), None, 1),
        (np.array([[0.0, 0.0], [0.6, 0.8]]), None, None),
    ),
    (np.linalg.norm, (np.array([1.0, -3.0, 2.0]), np.inf), (np.array([0.0, -1.0, 0.0]), None)),
    (np.linalg.norm, (np.array([3.0, -3.0, 2.0]), np.inf), (np.array([0.5, -0.5, 0.0]), None)),
    (np.linalg.norm, (np.array([1.0, 0.0, -2.0]), 1), (np.array([1.0, 0.0, -1.0]), None)),
    (np.linalg.norm, (np.eye(2), 1), (0.5 * np.eye(2), None)),
    (np.linalg.norm, (np.eye(2), 2), (0.5 * np.eye(2), None)),
    (np.linalg.norm, (np.eye(2), "nuc"), (np.eye(2), None)),
    (np.linalg.det, (np.array([[1.0, 2.0], [2.0, 4.0]]),), (np.array([[4.0, -2.0], [-2.0, 1.0]]),)),
    (np.linalg.det, (np.zeros((3, 3)),), (np.zeros((3, 3)),)),
    (np.linalg.det, (np.zeros((1, 1)),), (np.ones((1, 1)),)),
    (np.linalg.cholesky, (np.diag([4.0, 9.0]),), (np.array([[0.25, 1 / 4], [1 / 4, 1 / 6]]),)),
    (np.linalg.eigvalsh, (np.eye(2),), (np.eye(2),)),
    (np.linalg.svdvals, (np.eye(2),), (np.eye(2),)),
    (np.linalg.svd, (np.eye(2), True, False), (np.eye(2), None, None)),
    (np.vdot, (3.0 + 4.0j, 3.0 + 4.0j), (3.0 - 4.0j, 3.0 - 4.0j)),
]
