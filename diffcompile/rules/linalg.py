"""Derivatives of solving linear systems, of inverses, powers and determinants.

    x = np.linalg.solve(a, b)     b_bar = np.linalg.solve(a.T, x_bar);  a_bar = -np.outer(b_bar, x)

The last two axes are the matrix, those before it a batch. `det` is differentiated by its cofactors, which
exist at singular matrices too. The formulas are those of Giles (2008, An extended collection of matrix
derivative results, section 2), and of Golub and Pereyra (1973, The differentiation of pseudo-inverses,
section 4) for `pinv` and `lstsq`: where the matrix lacks full rank they are the derivative along the matrices
of the same rank, the only directions in which a pseudo-inverse is continuous.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .broadcast import unbroadcast
from .matrices import adjoint, per_matrix, real_part, transpose
from .norms import singular_values_cotangent, singular_values_tangent
from .register import Array, defjvp, deflinear, defvjp, nondifferentiable
from .shape import on_diagonal

nondifferentiable(np.linalg.matrix_rank)


# Solving


@defvjp(np.linalg.solve)
def _(ct: Any, out: Any, a: Array, b: Array) -> Any:
    if b.ndim == 1 and a.ndim == 2:
        b_bar = np.linalg.solve(a.T, ct)
        return -np.outer(b_bar, out), b_bar
    if b.ndim == 1:
        b_bar = np.linalg.solve(a.mT, ct[..., None])
        return -b_bar * out[..., None, :], unbroadcast(b_bar[..., 0], b)
    b_bar = np.linalg.solve(transpose(a), ct)
    return unbroadcast(-b_bar @ transpose(out), a), unbroadcast(b_bar, b)


@defjvp(np.linalg.solve)
def _(tangents: Any, out: Any, a: Array, b: Array) -> Any:
    a_dot, b_dot = tangents
    if b.ndim == 1 and a.ndim > 2:
        x, b_dot = out[..., None], None if b_dot is None else b_dot[:, None]
        return np.linalg.solve(a, right_side(a_dot, b_dot, x))[..., 0]
    return np.linalg.solve(a, right_side(a_dot, b_dot, out))


def right_side(a_dot: Any, b_dot: Any, x: Any) -> Any:
    """`b_dot - a_dot @ x`, where one of the two may be absent."""
    if a_dot is None:
        return b_dot
    return -a_dot @ x if b_dot is None else b_dot - a_dot @ x


@defvjp(np.linalg.tensorsolve)
def _(ct: Any, out: Any, a: Array, b: Array, axes: Any = None) -> Any:
    last = () if axes is None else tuple(range(-len(axes), 0))
    moved = a if axes is None else np.moveaxis(a, axes, last)
    b_bar = np.linalg.solve(np.reshape(moved, (b.size, b.size)).T, np.ravel(ct))
    a_bar = np.reshape(-np.outer(b_bar, out), np.shape(moved))
    return a_bar if axes is None else np.moveaxis(a_bar, last, axes), np.reshape(b_bar, np.shape(b))


@defjvp(np.linalg.tensorsolve)
def _(tangents: Any, out: Any, a: Array, b: Array, axes: Any = None) -> Any:
    a_dot, b_dot = tangents[0], tangents[1]
    if a_dot is None:
        return np.linalg.tensorsolve(a, b_dot, axes)
    moved = a_dot if axes is None else np.moveaxis(a_dot, axes, tuple(range(-len(axes), 0)))
    change = np.reshape(np.tensordot(moved, out, out.ndim), np.shape(b))
    return np.linalg.tensorsolve(a, -change if b_dot is None else b_dot - change, axes)


@defvjp(np.linalg.inv)
def _(ct: Any, out: Any, a: Array) -> Any:
    return -transpose(out) @ ct @ transpose(out)


@defjvp(np.linalg.inv)
def _(tangents: Any, out: Any, a: Array) -> Any:
    return -out @ tangents[0] @ out


@defvjp(np.linalg.tensorinv)
def _(ct: Any, out: Any, a: Array, ind: Any = 2) -> Any:
    n = math.isqrt(a.size)
    inverse = np.reshape(out, (n, n)).T
    return np.reshape(-inverse @ np.reshape(ct, (n, n)) @ inverse, np.shape(a))


@defjvp(np.linalg.tensorinv)
def _(tangents: Any, out: Any, a: Array, ind: Any = 2) -> Any:
    n = math.isqrt(a.size)
    inverse = np.reshape(out, (n, n))
    return np.reshape(-inverse @ np.reshape(tangents[0], (n, n)) @ inverse, np.shape(out))


@defvjp(np.linalg.pinv)
def _(ct: Any, out: Any, a: Array, rcond: Any = None, hermitian: Any = False, *, rtol: Any = None) -> Any:
    left = transpose(ct) @ out @ adjoint(out)
    right = adjoint(out) @ out @ transpose(ct)
    direct = adjoint(out) @ np.conj(ct) @ adjoint(out)
    a_bar = np.conj(left - a @ (out @ left) + right - (right @ out) @ a - direct)
    return a_bar, 0.0, None, 0.0


@defjvp(np.linalg.pinv)
def _(
    tangents: Any, out: Any, a: Array, rcond: Any = None, hermitian: Any = False, *, rtol: Any = None
) -> Any:
    return None if tangents[0] is None else pseudo_inverse_tangent(tangents[0], out, a)


def pseudo_inverse_tangent(a_dot: Any, p: Any, a: Any) -> Any:
    """The tangent of `p = pinv(a)`, at constant rank."""
    left, right = p @ adjoint(p) @ adjoint(a_dot), adjoint(a_dot) @ adjoint(p) @ p
    return left - (left @ a) @ p + right - p @ (a @ right) - p @ a_dot @ p


def solving_matrix(a: Any, rcond: Any) -> Any:
    """The pseudo-inverse with which `lstsq` solves."""
    return np.linalg.pinv(a, max(a.shape) * np.finfo(a.dtype).eps if rcond is None else rcond)


@defvjp(np.linalg.lstsq)
def _(ct: Any, out: Any, a: Array, b: Array, rcond: Any = None) -> Any:
    a_bar, b_bar = least_squares_cotangents(ct, out, a, b, rcond)
    return a_bar, b_bar, 0.0


def least_squares_cotangents(ct: Any, out: Any, a: Any, b: Any, rcond: Any) -> Any:
    """The cotangents of a matrix and a right side, from those of solution, residuals, rank and values."""
    p, x = solving_matrix(a, rcond), out[0]
    error = np.conj(b - a @ x)
    a_bar, b_bar = np.zeros_like(a), None
    if ct[0] is not None:
        b_bar = p.T @ ct[0]
        rest = np.conj(ct[0] - a.T @ b_bar)
        a_bar = outer(error, p @ np.conj(b_bar)) - outer(b_bar, x) + outer(p.T @ np.conj(x), rest)
    if ct[1] is not None and out[1].size > 0:
        error_bar = 2.0 * error * ct[1]
        a_bar = a_bar - outer(error_bar, x)
        b_bar = error_bar if b_bar is None else b_bar + error_bar
    if ct[3] is not None:
        a_bar = a_bar + singular_values_cotangent(ct[3], a)
    return a_bar, b_bar


@defjvp(np.linalg.lstsq)
def _(tangents: Any, out: Any, a: Array, b: Array, rcond: Any = None) -> Any:
    return least_squares_tangents(tangents[0], tangents[1], out, a, b, rcond)


def least_squares_tangents(a_dot: Any, b_dot: Any, out: Any, a: Any, b: Any, rcond: Any) -> Any:
    """The tangents of solution, residuals, rank and singular values."""
    p, x = solving_matrix(a, rcond), out[0]
    error = b - a @ x
    change = right_side(a_dot, b_dot, x)
    x_dot, values_dot = p @ change, None
    if a_dot is not None:
        x_dot = x_dot + p @ (adjoint(p) @ (adjoint(a_dot) @ error))
        back = adjoint(a_dot) @ (adjoint(p) @ x)
        x_dot = x_dot + back - p @ (a @ back)
        values_dot = singular_values_tangent(a_dot, a)
    residuals_dot = np.zeros_like(out[1])
    if out[1].size > 0:
        along = 2.0 * np.sum(real_part(np.conj(error) * change), axis=0)
        residuals_dot = np.broadcast_to(along, np.shape(out[1]))
    return x_dot, residuals_dot, None, values_dot


def outer(x: Any, y: Any) -> Any:
    """The sum of the outer products of the columns of `x` and `y`, each a vector or a matrix of columns."""
    return np.outer(x, y) if x.ndim == 1 else x @ y.T


# The array API's forms, which take the last two axes


@deflinear(np.linalg.matrix_transpose)
def _(ct: Any, out: Any, x: Array) -> Any:
    return ct.mT


@deflinear(np.linalg.diagonal)
def _(ct: Any, out: Any, x: Array, *, offset: Any = 0) -> Any:
    return on_diagonal(ct, x, offset)


@deflinear(np.linalg.trace)
def _(ct: Any, out: Any, x: Array, *, offset: Any = 0, dtype: Any = None) -> Any:
    return per_matrix(ct, x) * np.eye(x.shape[-2], x.shape[-1], offset, dtype=x.dtype)


# Powers and chains


@defvjp(np.linalg.matrix_power)
def _(ct: Any, out: Any, a: Array, n: Any) -> Any:
    if n == 0:
        return None
    base = np.linalg.inv(a) if n < 0 else a
    base_bar = power_cotangent(ct, transpose(base), abs(n))
    return -transpose(base) @ base_bar @ transpose(base) if n < 0 else base_bar


@defjvp(np.linalg.matrix_power)
def _(tangents: Any, out: Any, a: Array, n: Any) -> Any:
    if n == 0:
        return np.zeros_like(out)
    base = np.linalg.inv(a) if n < 0 else a
    base_dot = -base @ tangents[0] @ base if n < 0 else tangents[0]
    return power_cotangent(base_dot, base, abs(n))


def power_cotangent(ct: Any, a: Any, n: Any) -> Any:
    """The sum of `a^i @ ct @ a^j` over all i + j = n - 1."""
    total = left = ct
    for _ in range(n - 1):
        left = a @ left
        total = total @ a + left
    return total


@defvjp(np.linalg.multi_dot)
def _(ct: Any, out: Any, arrays: Any) -> Any:
    bars: Any = []
    for i in range(len(arrays)):
        bar = ct
        if i < len(arrays) - 1:
            right = chained(arrays[i + 1 :])
            bar = bar @ right.T if right.ndim == 2 else np.tensordot(bar, right, 0)
        if i > 0:
            left = chained(arrays[:i])
            bar = left.T @ bar if left.ndim == 2 else np.tensordot(left, bar, 0)
        bars = [*bars, bar]
    return bars


@defjvp(np.linalg.multi_dot)
def _(tangents: Any, out: Any, arrays: Any) -> Any:
    out_dot = None
    for i in range(len(arrays)):
        x_dot = tangents[0][i]
        if x_dot is not None:
            term = np.linalg.multi_dot([*arrays[:i], x_dot, *arrays[i + 1 :]])
            out_dot = term if out_dot is None else out_dot + term
    return out_dot


def chained(arrays: Any) -> Any:
    """The product of one or more arrays."""
    return arrays[0] if len(arrays) == 1 else np.linalg.multi_dot(arrays)


# Determinants


@defvjp(np.linalg.det)
def _(ct: Any, out: Any, a: Array) -> Any:
    return per_matrix(ct, a) * cofactors(a)


@defjvp(np.linalg.det)
def _(tangents: Any, out: Any, a: Array) -> Any:
    return np.sum(cofactors(a) * tangents[0], axis=(-2, -1))


def cofactors(a: Any) -> Any:
    """The derivative of the determinant: `det * inv(a).T`, or its limit if one of the matrices is singular.

    >>> cofactors(np.array([[1.0, 2.0], [2.0, 4.0]]))
    array([[ 4., -2.],
           [-2.,  1.]])
    """
    det = np.linalg.det(a)
    if np.all(det) or np.all(np.linalg.slogdet(a)[0]):
        return np.asarray(det)[..., None, None] * np.linalg.inv(a).mT
    return np.linalg.det(minors(a)) * signs(a)


def minors(a: Any) -> Any:
    """At (i, j): the matrix without row i and column j."""
    i, k = np.arange(a.shape[-1]), np.arange(a.shape[-1] - 1)
    others = k + (k >= i[:, None])
    return a[..., others[:, None, :, None], others[None, :, None, :]]


def signs(a: Any) -> Any:
    """1 and -1 in turn, as on a chessboard."""
    i = np.arange(a.shape[-1])
    return (1 - 2 * ((i[:, None] + i) % 2)).astype(a.dtype)


@defvjp(cofactors)
def _(ct: Any, out: Any, a: Any) -> Any:
    return minors_cotangent((ct * signs(a))[..., None, None] * cofactors(minors(a)), a)


@defjvp(cofactors)
def _(tangents: Any, out: Any, a: Any) -> Any:
    return signs(a) * np.sum(cofactors(minors(a)) * minors(tangents[0]), axis=(-2, -1))


@deflinear(minors)
def _(ct: Any, out: Any, a: Any) -> Any:
    return minors_cotangent(ct, a)


def minors_cotangent(ct: Any, a: Any) -> Any:
    """The cotangent of a matrix for those of all its minors, each put back where it was taken."""
    i, k = np.arange(a.shape[-1]), np.arange(a.shape[-1] - 1)
    others = k + (k >= i[:, None])
    a_bar = np.zeros_like(a)
    places: Any = (..., others[:, None, :, None], others[None, :, None, :])
    np.add.at(a_bar, places, ct)
    return a_bar


@deflinear(minors_cotangent)
def _(ct: Any, out: Any, minors_bar: Any, a: Any) -> Any:
    return minors(ct)


@defvjp(np.linalg.slogdet)
def _(ct: Any, out: Any, a: Array) -> Any:
    sign_bar, log_bar = ct
    if sign_bar is None or not np.iscomplexobj(a):
        return None if log_bar is None else per_matrix(log_bar, a) * transpose(np.linalg.inv(a))
    log_bar = 1j * np.imag(sign_bar * out[0]) + (0.0 if log_bar is None else log_bar)
    return per_matrix(log_bar, a) * transpose(np.linalg.inv(a))


@defjvp(np.linalg.slogdet)
def _(tangents: Any, out: Any, a: Array) -> Any:
    change = np.sum(transpose(np.linalg.inv(a)) * tangents[0], axis=(-2, -1))
    if not np.iscomplexobj(a):
        return None, change
    return 1j * np.imag(change) * out[0], np.real(change)
