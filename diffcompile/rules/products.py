"""Derivatives of products: of matrices, inner, outer, Kronecker and vector products.

    y = a @ b             a_bar = y_bar @ b.T,  b_bar = a.T @ y_bar
    y = np.vdot(a, b)     a_bar = np.conj(y_bar * b),  b_bar = y_bar * np.conj(a)

Every one of these is linear in each operand, so the cotangent of an operand is the product of the cotangent
with the other operand, the other way round. What was broadcast is summed. Nothing is conjugated but what the
product itself conjugates.
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from .broadcast import unbroadcast
from .register import Array, defjvp, defvjp

# Matrix products


def matrix_cotangents(ct: Any, a: Any, b: Any) -> Any:
    """The cotangents of `a` and `b` in `a @ b`, where both are vectors or matrices."""
    if a.ndim == 2 and b.ndim == 2:
        return ct @ b.T, a.T @ ct
    if a.ndim == 2:
        return np.outer(ct, b), a.T @ ct
    if b.ndim == 2:
        return b @ ct, np.outer(a, ct)
    return ct * b, ct * a


@defvjp(np.matmul, operator.matmul, np.linalg.matmul)
def _(ct: Any, out: Any, a: Array, b: Array) -> Any:
    if a.ndim <= 2 and b.ndim <= 2:
        return matrix_cotangents(ct, a, b)
    if b.ndim == 1:
        return ct[..., None] * b, as_rows(a).T @ np.ravel(ct)
    if a.ndim == 1:
        return unbroadcast((b @ ct[..., None])[..., 0], a), a[:, None] * ct[..., None, :]
    if b.ndim == 2:
        rows, cts = as_rows(a), as_rows(ct)
        return ct @ b.T, rows.T @ cts
    return unbroadcast(ct @ b.mT, a), unbroadcast(a.mT @ ct, b)


def as_rows(a: Any) -> Any:
    """All rows of a stack of matrices, in one matrix."""
    return np.reshape(a, (-1, a.shape[-1]))


@defjvp(np.matmul, operator.matmul, np.linalg.matmul)
def _(tangents: Any, out: Any, a: Array, b: Array) -> Any:
    a_dot, b_dot = tangents
    if a_dot is None:
        return a @ b_dot
    if b_dot is None:
        return a_dot @ b
    return a_dot @ b + a @ b_dot


@defvjp(np.dot, np.ndarray.dot)
def _(ct: Any, out: Any, a: Array, b: Array, into: Any = None) -> Any:
    if np.ndim(a) == 0 or np.ndim(b) == 0:
        return unbroadcast(ct * b, a), unbroadcast(ct * a, b)
    if a.ndim <= 2 and b.ndim <= 2:
        return matrix_cotangents(ct, a, b)
    rows = tuple(range(a.ndim - 1))
    if b.ndim == 1:
        return ct[..., None] * b, np.tensordot(ct, a, (rows, rows))
    columns = tuple(range(a.ndim - 1, a.ndim + b.ndim - 2))
    a_bar = np.tensordot(ct, b, (columns, (*range(b.ndim - 2), b.ndim - 1)))
    return a_bar, np.moveaxis(np.tensordot(a, ct, (rows, rows)), 0, -2)


@defjvp(np.dot, np.ndarray.dot)
def _(tangents: Any, out: Any, a: Array, b: Array, into: Any = None) -> Any:
    if tangents[0] is None:
        return np.dot(a, tangents[1])
    if tangents[1] is None:
        return np.dot(tangents[0], b)
    return np.dot(tangents[0], b) + np.dot(a, tangents[1])


@defvjp(np.inner)
def _(ct: Any, out: Any, a: Array, b: Array) -> Any:
    if np.ndim(a) == 0 or np.ndim(b) == 0:
        return unbroadcast(ct * b, a), unbroadcast(ct * a, b)
    if a.ndim == 1 and b.ndim == 1:
        return ct * b, ct * a
    if a.ndim == 2 and b.ndim == 2:
        return ct @ b, ct.T @ a
    rows = tuple(range(a.ndim - 1))
    return np.tensordot(ct, b, b.ndim - 1), np.tensordot(ct, a, (rows, rows))


@defjvp(np.inner)
def _(tangents: Any, out: Any, a: Array, b: Array) -> Any:
    a_dot, b_dot = tangents
    if a_dot is None:
        return np.inner(a, b_dot)
    if b_dot is None:
        return np.inner(a_dot, b)
    return np.inner(a_dot, b) + np.inner(a, b_dot)


@defvjp(np.outer, np.linalg.outer)
def _(ct: Any, out: Any, a: Array, b: Array, into: Any = None) -> Any:
    if np.ndim(a) == 1 and np.ndim(b) == 1:
        return ct @ b, a @ ct
    return np.reshape(ct @ np.ravel(b), np.shape(a)), np.reshape(np.ravel(a) @ ct, np.shape(b))


@defjvp(np.outer, np.linalg.outer)
def _(tangents: Any, out: Any, a: Array, b: Array, into: Any = None) -> Any:
    if tangents[0] is None:
        return np.outer(a, tangents[1])
    if tangents[1] is None:
        return np.outer(tangents[0], b)
    return np.outer(tangents[0], b) + np.outer(a, tangents[1])


@defvjp(np.vdot)
def _(ct: Any, out: Any, a: Array, b: Array) -> Any:
    a_bar, b_bar = np.conj(ct * b), ct * np.conj(a)
    if np.ndim(a) == 1 and np.ndim(b) == 1:
        return a_bar, b_bar
    return np.reshape(a_bar, np.shape(a)), np.reshape(b_bar, np.shape(b))


@defjvp(np.vdot)
def _(tangents: Any, out: Any, a: Array, b: Array) -> Any:
    a_dot, b_dot = tangents
    if a_dot is None:
        return np.vdot(a, b_dot)
    if b_dot is None:
        return np.vdot(a_dot, b)
    return np.vdot(a_dot, b) + np.vdot(a, b_dot)


@defvjp(np.vecdot, np.linalg.vecdot)
def _(ct: Any, out: Any, x: Array, y: Array, *, axis: Any = -1) -> Any:
    if axis == -1:
        ct = np.expand_dims(ct, -1)
        return unbroadcast(np.conj(ct * y), x), unbroadcast(ct * np.conj(x), y)
    u, v, ct = np.moveaxis(x, axis, -1), np.moveaxis(y, axis, -1), np.expand_dims(ct, -1)
    u_bar, v_bar = unbroadcast(np.conj(ct * v), u), unbroadcast(ct * np.conj(u), v)
    return np.moveaxis(u_bar, -1, axis), np.moveaxis(v_bar, -1, axis)


@defjvp(np.vecdot, np.linalg.vecdot)
def _(tangents: Any, out: Any, x: Array, y: Array, *, axis: Any = -1) -> Any:
    x_dot, y_dot = tangents
    if axis != -1:
        x, y = np.moveaxis(x, axis, -1), np.moveaxis(y, axis, -1)
        x_dot = None if x_dot is None else np.moveaxis(x_dot, axis, -1)
        y_dot = None if y_dot is None else np.moveaxis(y_dot, axis, -1)
    if x_dot is None:
        return np.vecdot(x, y_dot)
    if y_dot is None:
        return np.vecdot(x_dot, y)
    return np.vecdot(x_dot, y) + np.vecdot(x, y_dot)


# NumPy 2.2 and later have these two.
if hasattr(np, "matvec"):

    @defvjp(np.matvec)
    def _(ct: Any, out: Any, a: Array, x: Array) -> Any:
        if a.ndim == 2 and x.ndim == 1:
            return np.outer(ct, x), a.T @ ct
        return unbroadcast(ct[..., None] * x[..., None, :], a), unbroadcast(np.matvec(a.mT, ct), x)

    @defjvp(np.matvec)
    def _(tangents: Any, out: Any, a: Array, x: Array) -> Any:
        a_dot, x_dot = tangents
        if a_dot is None:
            return np.matvec(a, x_dot)
        if x_dot is None:
            return np.matvec(a_dot, x)
        return np.matvec(a_dot, x) + np.matvec(a, x_dot)

    @defvjp(np.vecmat)
    def _(ct: Any, out: Any, x: Array, a: Array) -> Any:
        if x.ndim == 1 and a.ndim == 2:
            return np.conj(a @ ct), np.outer(np.conj(x), ct)
        x_bar = unbroadcast(np.conj(np.matvec(a, ct)), x)
        return x_bar, unbroadcast(np.conj(x)[..., None] * ct[..., None, :], a)

    @defjvp(np.vecmat)
    def _(tangents: Any, out: Any, x: Array, a: Array) -> Any:
        x_dot, a_dot = tangents
        if x_dot is None:
            return np.vecmat(x, a_dot)
        if a_dot is None:
            return np.vecmat(x_dot, a)
        return np.vecmat(x_dot, a) + np.vecmat(x, a_dot)


# Kronecker and vector products


@defvjp(np.kron)
def _(ct: Any, out: Any, a: Array, b: Array) -> Any:
    if np.ndim(a) == 2 and np.ndim(b) == 2:
        blocks = ct.reshape(a.shape[0], b.shape[0], a.shape[1], b.shape[1])
        a_bar = np.tensordot(blocks, b, ((1, 3), (0, 1)))
        return a_bar, np.tensordot(a, blocks, ((0, 1), (0, 2)))
    if np.ndim(a) == 1 and np.ndim(b) == 1:
        blocks = ct.reshape(len(a), len(b))
        return blocks @ b, a @ blocks
    if np.ndim(a) == 0:
        return np.sum(ct * b), ct * a
    if np.ndim(b) == 0:
        return ct * b, np.sum(ct * a)
    rank = max(np.ndim(a), np.ndim(b))
    a_lengths = (1,) * (rank - np.ndim(a)) + np.shape(a)
    b_lengths = (1,) * (rank - np.ndim(b)) + np.shape(b)
    wide_a = np.expand_dims(np.reshape(a, a_lengths), tuple(range(1, 2 * rank, 2)))
    wide_b = np.expand_dims(np.reshape(b, b_lengths), tuple(range(0, 2 * rank, 2)))
    blocks = np.reshape(ct, np.broadcast_shapes(wide_a.shape, wide_b.shape))
    a_bar = np.reshape(unbroadcast(blocks * wide_b, wide_a), np.shape(a))
    return a_bar, np.reshape(unbroadcast(blocks * wide_a, wide_b), np.shape(b))


@defjvp(np.kron)
def _(tangents: Any, out: Any, a: Array, b: Array) -> Any:
    a_dot, b_dot = tangents
    if a_dot is None:
        return np.kron(a, b_dot)
    if b_dot is None:
        return np.kron(a_dot, b)
    return np.kron(a_dot, b) + np.kron(a, b_dot)


@defvjp(np.cross)
def _(
    ct: Any, out: Any, a: Array, b: Array, axisa: Any = -1, axisb: Any = -1, axisc: Any = -1, axis: Any = None
) -> Any:
    if axis is not None:
        return cross_cotangents(ct, a, b, axis, axis, axis)
    return cross_cotangents(ct, a, b, axisa, axisb, axisc)


@defvjp(np.linalg.cross)
def _(ct: Any, out: Any, a: Array, b: Array, *, axis: Any = -1) -> Any:
    return cross_cotangents(ct, a, b, axis, axis, axis)


def cross_cotangents(ct: Any, a: Any, b: Any, axisa: Any, axisb: Any, axisc: Any) -> Any:
    """The cotangents of two arrays of 3-vectors that lie along `axisa` and `axisb`, of `ct` along `axisc`."""
    if a.ndim == 1 and b.ndim == 1:
        return np.cross(b, ct), np.cross(ct, a)
    if axisa == -1 and axisb == -1 and axisc == -1:
        return unbroadcast(np.cross(b, ct), a), unbroadcast(np.cross(ct, a), b)
    u, v, ct = np.moveaxis(a, axisa, -1), np.moveaxis(b, axisb, -1), np.moveaxis(ct, axisc, -1)
    u_bar, v_bar = unbroadcast(np.cross(v, ct), u), unbroadcast(np.cross(ct, u), v)
    return np.moveaxis(u_bar, -1, axisa), np.moveaxis(v_bar, -1, axisb)


@defjvp(np.cross)
def _(
    tangents: Any, out: Any, a: Array, b: Array, axisa: Any = -1, axisb: Any = -1, axisc: Any = -1,
    axis: Any = None,
) -> Any:  # fmt: skip
    if tangents[0] is None:
        return np.cross(a, tangents[1], axisa, axisb, axisc, axis)
    if tangents[1] is None:
        return np.cross(tangents[0], b, axisa, axisb, axisc, axis)
    a_term = np.cross(tangents[0], b, axisa, axisb, axisc, axis)
    return a_term + np.cross(a, tangents[1], axisa, axisb, axisc, axis)


@defjvp(np.linalg.cross)
def _(tangents: Any, out: Any, a: Array, b: Array, *, axis: Any = -1) -> Any:
    a_dot, b_dot = tangents
    if a_dot is None:
        return np.cross(a, b_dot, axis=axis)
    if b_dot is None:
        return np.cross(a_dot, b, axis=axis)
    return np.cross(a_dot, b, axis=axis) + np.cross(a, b_dot, axis=axis)
