"""Derivatives of norms and condition numbers.

    d = np.linalg.norm(x)         x_bar = x * (d_bar / d if d else 0.0)

The subgradient of a norm at 0 is 0, and ties (of `ord=np.inf`, of the largest singular value) share equally.
The tangent of a norm is the sum of its slopes, which are its cotangent for 1, times the tangent. The norms of
singular values have the subdifferentials of Watson (1992, Characterization of the subdifferential of some
matrix norms).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .matrices import adjoint, diagonal, per_column, per_matrix, real_part, transpose
from .register import Array, defjvp, defvjp


@defvjp(np.linalg.norm)
def _(ct: Any, out: Any, x: Array, ord: Any = None, axis: Any = None, keepdims: Any = False) -> Any:
    if axis is None and not keepdims and ord is None:
        return np.conj(x) * (ct / out if out else 0.0)
    if axis is not None and not keepdims:
        ct, out = np.expand_dims(ct, axis), np.expand_dims(out, axis)
    order_bar = np.sum(ct * order_slope(out, x, ord, axis)) if isinstance(ord, float) else None
    return norm_cotangent(ct, out, x, ord, axis), order_bar


@defjvp(np.linalg.norm)
def _(tangents: Any, out: Any, x: Array, ord: Any = None, axis: Any = None, keepdims: Any = False) -> Any:
    kept = out if axis is None or keepdims else np.expand_dims(out, axis)
    out_dot = None
    if tangents[0] is not None:
        slope = norm_cotangent(1.0, kept, x, ord, axis)
        out_dot = np.sum(real_part(slope * tangents[0]), axis=axis, keepdims=keepdims)
    if len(tangents) > 1 and tangents[1] is not None:
        change = np.reshape(tangents[1] * order_slope(kept, x, ord, axis), np.shape(out))
        out_dot = change if out_dot is None else out_dot + change
    return out_dot


def norm_cotangent(ct: Any, out: Any, x: Any, ord: Any, axis: Any) -> Any:
    """The cotangent of `x` in `np.linalg.norm(x, ord, axis)`; `ct` and `out` have kept their axes."""
    if ord is None:
        return vector_norm_cotangent(ct, out, x, 2, axis)
    if axis is None:
        axis = (0, 1) if x.ndim == 2 else 0
    if isinstance(axis, tuple) and len(axis) == 2:
        return matrix_norm_cotangent(ct, out, x, ord, axis[0], axis[1])
    return vector_norm_cotangent(ct, out, x, ord, axis)


@defvjp(np.linalg.vector_norm)
def _(ct: Any, out: Any, x: Array, *, axis: Any = None, keepdims: Any = False, ord: Any = 2) -> Any:
    if axis is None and not keepdims and ord == 2:
        return np.conj(x) * (ct / out if out else 0.0)
    if axis is not None and not keepdims:
        ct, out = np.expand_dims(ct, axis), np.expand_dims(out, axis)
    order_bar = np.sum(ct * order_slope(out, x, ord, axis)) if isinstance(ord, float) else None
    return vector_norm_cotangent(ct, out, x, ord, axis), None, None, order_bar


@defjvp(np.linalg.vector_norm)
def _(tangents: Any, out: Any, x: Array, *, axis: Any = None, keepdims: Any = False, ord: Any = 2) -> Any:
    kept = out if axis is None or keepdims else np.expand_dims(out, axis)
    out_dot = None
    if tangents[0] is not None:
        slope = vector_norm_cotangent(1.0, kept, x, ord, axis)
        out_dot = np.sum(real_part(slope * tangents[0]), axis=axis, keepdims=keepdims)
    if len(tangents) > 3 and tangents[3] is not None:
        change = np.reshape(tangents[3] * order_slope(kept, x, ord, axis), np.shape(out))
        out_dot = change if out_dot is None else out_dot + change
    return out_dot


@defvjp(np.linalg.matrix_norm)
def _(ct: Any, out: Any, x: Array, *, keepdims: Any = False, ord: Any = "fro") -> Any:
    if not keepdims:
        ct, out = per_matrix(ct, x), per_matrix(out, x)
    return matrix_norm_cotangent(ct, out, x, ord, -2, -1)


@defjvp(np.linalg.matrix_norm)
def _(tangents: Any, out: Any, x: Array, *, keepdims: Any = False, ord: Any = "fro") -> Any:
    if tangents[0] is None:
        return None
    kept = out if keepdims else per_matrix(out, x)
    slope = matrix_norm_cotangent(1.0, kept, x, ord, -2, -1)
    return np.sum(real_part(slope * tangents[0]), axis=(-2, -1), keepdims=keepdims)


def vector_norm_cotangent(ct: Any, out: Any, x: Any, ord: Any, axis: Any) -> Any:
    """The cotangent of vectors that lie along `axis`; `ct` and `out` broadcast against `x`."""
    if ord == 2:
        return np.conj(x) * (ct / np.where(out == 0.0, 1.0, out))
    if ord == 1:
        return ct * np.conj(np.sign(x))
    if ord == 0:
        return np.zeros_like(x)
    if abs(ord) == math.inf:
        return np.conj(np.sign(x)) * (ct * shares(abs(x) == out, axis, out.dtype))
    return np.conj(np.sign(x)) * (ct * magnitude_ratio(x, out, ord) ** (ord - 1))


def order_slope(out: Any, x: Any, ord: Any, axis: Any) -> Any:
    """The derivative of a norm with respect to its order, a number; 0 where the order is 0 or infinite."""
    if ord == 0 or abs(ord) == math.inf:
        return np.zeros_like(out)
    ratio = abs(x) / np.where(out == 0.0, 1.0, out)
    ratio = np.where(ratio == 0.0, 1.0, ratio)
    return out / ord * np.sum(ratio**ord * np.log(ratio), axis=axis, keepdims=True)


def magnitude_ratio(x: Any, out: Any, ord: Any) -> Any:
    """`abs(x) / out`, finite where `out` is 0; where `x` is 0 and the power below 1 would be infinite, 1."""
    ratio = abs(x) / np.where(out == 0.0, 1.0, out)
    return ratio if ord > 1 else np.where(x == 0.0, 1.0, ratio)


def shares(chosen: Any, axis: Any, dtype: Any) -> Any:
    """Equal weights, of sum 1 along `axis`, for the elements chosen."""
    return chosen / np.sum(chosen, axis=axis, keepdims=True, dtype=dtype)


def matrix_norm_cotangent(ct: Any, out: Any, x: Any, ord: Any, rows: Any, columns: Any) -> Any:
    """The cotangent of matrices that lie along two axes; `ct` and `out` broadcast against `x`."""
    if ord is None or ord == "fro":
        return vector_norm_cotangent(ct, out, x, 2, (rows, columns))
    if ord == "nuc" or abs(ord) == 2:
        in_place = x.ndim == 2 and rows == 0 and columns == 1
        matrices = x if in_place else np.moveaxis(x, (rows, columns), (-2, -1))
        u, s, vh = np.linalg.svd(matrices, full_matrices=False)
        outward = np.conj((u * per_column(singular_value_weights(s, ord))) @ vh)
        return ct * (outward if in_place else np.moveaxis(outward, (-2, -1), (rows, columns)))
    summed, other = (rows, columns) if abs(ord) == 1 else (columns, rows)
    sums = np.sum(abs(x), axis=summed, keepdims=True)
    chosen = np.max(sums, axis=other, keepdims=True) if ord > 0 else np.min(sums, axis=other, keepdims=True)
    return np.conj(np.sign(x)) * (ct * shares(sums == chosen, other, sums.dtype))


def singular_value_weights(s: Any, ord: Any) -> Any:
    """The derivative of a norm with respect to the singular values, which descend."""
    if ord == "nuc":
        return np.sign(s)
    chosen = s[..., :1] if ord > 0 else s[..., -1:]
    return np.sign(s) * shares(s == chosen, -1, s.dtype)


def singular_values_cotangent(ct: Any, a: Any) -> Any:
    """The cotangent of `a` for that of its singular values."""
    u, s, vh = np.linalg.svd(a, full_matrices=False)
    return np.conj((u * per_column(ct)) @ vh)


def singular_values_tangent(a_dot: Any, a: Any) -> Any:
    """The tangent of the singular values of `a`."""
    u, s, vh = np.linalg.svd(a, full_matrices=False)
    return real_part(diagonal(adjoint(u) @ a_dot @ adjoint(vh)))


# Condition numbers


@defvjp(np.linalg.cond)
def _(ct: Any, out: Any, x: Array, p: Any = None) -> Any:
    if p is None or p == 2 or p == -2:
        return per_matrix(ct, x) * condition_slope(x, p)
    inverse = np.linalg.inv(x)
    x_slope, inverse_slope = condition_slopes(x, inverse, p)
    pulled = transpose(inverse) @ inverse_slope @ transpose(inverse)
    return per_matrix(ct, x) * (x_slope - pulled)


@defjvp(np.linalg.cond)
def _(tangents: Any, out: Any, x: Array, p: Any = None) -> Any:
    x_dot = tangents[0]
    if x_dot is None:
        return None
    if p is None or p == 2 or p == -2:
        return np.sum(real_part(condition_slope(x, p) * x_dot), axis=(-2, -1))
    inverse = np.linalg.inv(x)
    x_slope, inverse_slope = condition_slopes(x, inverse, p)
    change = x_slope * x_dot - inverse_slope * (inverse @ x_dot @ inverse)
    return np.sum(real_part(change), axis=(-2, -1))


def condition_slope(x: Any, p: Any) -> Any:
    """The derivative of the ratio of the largest and the smallest singular value (`p=-2`: its inverse)."""
    u, s, vh = np.linalg.svd(x, full_matrices=False)
    largest, smallest = s[..., :1], s[..., -1:]
    weights = shares(s == largest, -1, s.dtype) / largest - shares(s == smallest, -1, s.dtype) / smallest
    weights = -weights * smallest / largest if p == -2 else weights * largest / smallest
    return np.conj((u * per_column(weights)) @ vh)


def condition_slopes(x: Any, inverse: Any, p: Any) -> Any:
    """The derivatives of `norm(x, p) * norm(inverse, p)` with respect to each of the two."""
    norm = np.linalg.matrix_norm(x, ord=p, keepdims=True)
    inverse_norm = np.linalg.matrix_norm(inverse, ord=p, keepdims=True)
    x_slope = matrix_norm_cotangent(inverse_norm, norm, x, p, -2, -1)
    return x_slope, matrix_norm_cotangent(norm, inverse_norm, inverse, p, -2, -1)
