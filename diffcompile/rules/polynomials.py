"""Derivatives of `np.poly*`: polynomials as arrays of coefficients, the highest power first.

    y = np.polyval(p, x)      x_bar = y_bar * np.polyval(np.polyder(p), x)
    r = np.roots(p)           p_bar = -(r_bar / np.polyval(np.polyder(p), r)) @ np.vander(r, len(p))

Products drop leading zeros; where that happened the coefficients that went with them have a derivative that
the result has no place for, so asking for it raises. A fit is differentiated as the least squares problem
that it is (Golub and Pereyra, 1973), of full column rank.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .broadcast import unbroadcast
from .matrices import diagonal
from .register import Array, Unknown, defjvp, deflinear, defvjp

of_a_product = Unknown("a polynomial that is a matrix of coefficients is evaluated")
of_statistics = Unknown("the statistics of the fit are differentiated")


def complete(ct: Any, length: Any) -> Any:
    """`ct`, which must have this length: NumPy has dropped coefficients that are 0."""
    if len(ct) != length:
        raise ValueError("a coefficient that is 0 was dropped, and its derivative with it")
    return ct


@defvjp(complete)
def _(ct: Any, out: Any, x: Any, length: Any) -> Any:
    return ct, None


@defjvp(complete)
def _(tangents: Any, out: Any, x: Any, length: Any) -> Any:
    return tangents[0]


def narrowed(x: Any, dtype: Any) -> Any:
    """`x` in this precision: NumPy computes powers and slopes of single precision in double."""
    return x if x.dtype == dtype else x.astype(dtype)


def slope_of(p: Any, m: Any = 1) -> Any:
    """The derivative of a polynomial, in its own precision."""
    return narrowed(np.polyder(p, m), p.dtype)


# Values


@defvjp(np.polyval)
def _(ct: Any, out: Any, p: Array, x: Array) -> Any:
    if p.ndim != 1:
        return of_a_product, of_a_product
    x_bar = ct * np.polyval(slope_of(p), x)
    if np.ndim(x) == 1:
        return ct @ narrowed(np.vander(x, len(p)), out.dtype), x_bar
    return np.ravel(ct) @ narrowed(np.vander(np.ravel(x), len(p)), out.dtype), x_bar


@defjvp(np.polyval)
def _(tangents: Any, out: Any, p: Array, x: Array) -> Any:
    p_dot, x_dot = tangents
    along = None if x_dot is None else x_dot * np.polyval(slope_of(p), x)
    if p_dot is None:
        return along
    return np.polyval(p_dot, x) if along is None else np.polyval(p_dot, x) + along


# Arithmetic


def low_end(ct: Any, p: Any) -> Any:
    """The cotangents of the coefficients of `p`, which are the last ones of a sum."""
    return np.reshape(ct[len(ct) - p.size :], np.shape(p))


@defvjp(np.polyadd)
def _(ct: Any, out: Any, a1: Array, a2: Array) -> Any:
    ct = complete(ct, max(a1.size, a2.size))
    return low_end(ct, a1), low_end(ct, a2)


@defvjp(np.polysub)
def _(ct: Any, out: Any, a1: Array, a2: Array) -> Any:
    ct = complete(ct, max(a1.size, a2.size))
    return low_end(ct, a1), -low_end(ct, a2)


def high_zeros(p_dot: Any, out: Any) -> Any:
    """A tangent of lower degree than `out`, with zeros for the powers that it lacks."""
    return np.concatenate([np.zeros(len(out) - p_dot.size, p_dot.dtype), np.ravel(p_dot)])


@defjvp(np.polyadd)
def _(tangents: Any, out: Any, a1: Array, a2: Array) -> Any:
    a1_dot, a2_dot = tangents
    if a1_dot is None:
        return high_zeros(a2_dot, out)
    if a2_dot is None:
        return high_zeros(a1_dot, out)
    return high_zeros(a1_dot, out) + high_zeros(a2_dot, out)


@defjvp(np.polysub)
def _(tangents: Any, out: Any, a1: Array, a2: Array) -> Any:
    a1_dot, a2_dot = tangents
    if a1_dot is None:
        return -high_zeros(a2_dot, out)
    if a2_dot is None:
        return high_zeros(a1_dot, out)
    return high_zeros(a1_dot, out) - high_zeros(a2_dot, out)


@defvjp(np.polymul)
def _(ct: Any, out: Any, a1: Array, a2: Array) -> Any:
    ct = complete(ct, a1.size + a2.size - 1)
    a1_bar, a2_bar = correlated(ct, np.ravel(a2)), correlated(ct, np.ravel(a1))
    return np.reshape(a1_bar, np.shape(a1)), np.reshape(a2_bar, np.shape(a2))


def correlated(ct: Any, p: Any) -> Any:
    """The cotangent of the other factor where `p` is one."""
    return np.convolve(ct, p[::-1], "valid")


@defjvp(np.polymul)
def _(tangents: Any, out: Any, a1: Array, a2: Array) -> Any:
    a1_dot, a2_dot = tangents
    if a1_dot is None:
        return np.convolve(np.ravel(a1), np.ravel(a2_dot))
    if a2_dot is None:
        return np.convolve(np.ravel(a1_dot), np.ravel(a2))
    return np.convolve(np.ravel(a1_dot), np.ravel(a2)) + np.convolve(np.ravel(a1), np.ravel(a2_dot))


@defvjp(np.polydiv)
def _(ct: Any, out: Any, u: Array, v: Array) -> Any:
    q_bar, r_bar = ct
    n = v.size - 1
    k = u.size - n
    if k < 1:
        return np.zeros_like(u) if r_bar is None else r_bar, np.zeros_like(v)
    # In single precision the remainder may begin with zeros that rounding has hidden.
    r_bar = None if r_bar is None else complete(r_bar[max(len(r_bar) - n, 0) :], n)
    if r_bar is None:
        carried, q_total_bar = np.zeros_like(u), q_bar
    else:
        carried = np.concatenate([np.zeros(k, u.dtype), r_bar])
        q_total_bar = -correlated(carried, v) if q_bar is None else q_bar - correlated(carried, v)
    # The quotient is the product with the first terms of the series of 1 / v.
    series = np.polydiv(np.eye(1, u.size, dtype=u.dtype)[0], v)[0]
    u_bar = carried + np.concatenate([np.convolve(q_total_bar, series[::-1])[k - 1 :], np.zeros(n, u.dtype)])
    return u_bar, -correlated(u_bar, out[0])


@defjvp(np.polydiv)
def _(tangents: Any, out: Any, u: Array, v: Array) -> Any:
    u_dot, v_dot = tangents
    if u.size < v.size:
        return np.zeros_like(out[0]), np.zeros_like(u) if u_dot is None else u_dot
    change = None if v_dot is None else np.convolve(out[0], v_dot)
    change = u_dot if change is None else -change if u_dot is None else u_dot - change
    q_dot, r_dot = np.polydiv(change, v)
    return q_dot, np.concatenate([np.zeros(len(out[1]) - len(r_dot), r_dot.dtype), r_dot])


# Derivatives and integrals


@deflinear(np.polyder)
def _(ct: Any, out: Any, p: Array, m: Any = 1) -> Any:
    return np.concatenate([ct * np.polyder(np.ones_like(p), m), np.zeros_like(p[len(ct) :])])


@defvjp(np.polyint)
def _(ct: Any, out: Any, p: Array, m: Any = 1, k: Any = None) -> Any:
    p_bar = (ct * np.polyint(np.ones_like(p), m))[: len(p)]
    if k is None:
        return p_bar, None, None
    constants_bar = (ct * np.polyint(np.zeros_like(p), m, np.ones(m, p.dtype)))[len(p) :]
    k_bar = np.sum(constants_bar) if np.ndim(k) == 0 else unbroadcast(constants_bar, np.asarray(k))
    return p_bar, None, k_bar


@defjvp(np.polyint)
def _(tangents: Any, out: Any, p: Array, m: Any = 1, k: Any = None) -> Any:
    p_dot = np.zeros_like(p) if tangents[0] is None else tangents[0]
    return np.polyint(p_dot, m, tangents[2] if len(tangents) > 2 else None)


# Roots


def simple_slopes(p: Any, r: Any) -> Any:
    """The slopes of a polynomial at its roots, which must not be repeated."""
    slopes = np.polyval(slope_of(p), r)
    if np.any(slopes == 0.0):
        raise np.linalg.LinAlgError("a repeated root has no derivative")
    return slopes


@defvjp(simple_slopes)
def _(ct: Any, out: Any, p: Any, r: Any) -> Any:
    powers = narrowed(np.vander(r, len(p) - 1), out.dtype)
    factors = slope_of(np.ones_like(p))
    p_bar = np.concatenate([(ct @ powers) * factors, np.zeros(1, out.dtype)])
    return p_bar, ct * np.polyval(slope_of(p, 2), r)


@defjvp(simple_slopes)
def _(tangents: Any, out: Any, p: Any, r: Any) -> Any:
    p_dot, r_dot = tangents
    along = None if r_dot is None else r_dot * np.polyval(slope_of(p, 2), r)
    if p_dot is None:
        return along
    change = np.polyval(slope_of(p_dot), r)
    return change if along is None else change + along


@defvjp(np.roots)
def _(ct: Any, out: Any, p: Array) -> Any:
    return -(ct / simple_slopes(p, out)) @ narrowed(np.vander(out, len(p)), out.dtype)


@defjvp(np.roots)
def _(tangents: Any, out: Any, p: Array) -> Any:
    return -np.polyval(tangents[0], out) / simple_slopes(p, out)


@defvjp(np.poly)
def _(ct: Any, out: Any, seq_of_zeros: Array) -> Any:
    if seq_of_zeros.ndim == 1:
        return zeros_cotangent(ct, seq_of_zeros, out)
    w, v = np.linalg.eig(seq_of_zeros)
    return np.linalg.solve(v.T, zeros_cotangent(ct, w, out)[:, None] * v.T)


def zeros_cotangent(ct: Any, zeros: Any, out: Any) -> Any:
    """The cotangents of the zeros of a polynomial: each one's is the product over the others."""
    return -(other_products(zeros, out) @ ct[1:])


def other_products(zeros: Any, out: Any) -> Any:
    """One row for each zero: the polynomial of all the others, by Horner's scheme on that of all."""
    n = len(zeros)
    lag = np.arange(n) - np.arange(n)[:, None]
    powers = narrowed(np.vander(zeros, n, increasing=True), zeros.dtype)
    return powers @ np.where(lag >= 0, out[lag], 0.0)


@defjvp(np.poly)
def _(tangents: Any, out: Any, seq_of_zeros: Array) -> Any:
    zeros, zeros_dot = seq_of_zeros, tangents[0]
    if seq_of_zeros.ndim == 2:
        zeros, v = np.linalg.eig(seq_of_zeros)
        zeros_dot = diagonal(np.linalg.solve(v, tangents[0] @ v))
    out_dot = np.concatenate([np.zeros_like(out[:1]), -(zeros_dot @ other_products(zeros, out))])
    return out_dot if np.iscomplexobj(out) else np.real(out_dot)


# Least squares


def scaled_pinv(a: Any, rcond: Any) -> Any:
    """The pseudo-inverse with which a fit solves, its columns scaled to length 1."""
    lengths = np.sqrt(np.sum(abs(a) ** 2, axis=0))
    cutoff = len(a) * np.finfo(a.dtype).eps if rcond is None else rcond
    return np.linalg.pinv(a / lengths, cutoff) / lengths[:, None]


def fit_cotangents(ct: Any, c: Any, basis: Any, slopes: Any, y: Any, w: Any, rcond: Any) -> Any:
    """The cotangents of `x`, `y` and `w` in a fit; `slopes` are the derivatives of the basis at each `x`."""
    a = basis if w is None else w[:, None] * basis
    weight = w if y.ndim == 1 or w is None else w[:, None]
    p = scaled_pinv(a, rcond)
    error = y - basis @ c if w is None else weight * (y - basis @ c)
    b_bar = p.T @ ct
    back = p @ np.conj(b_bar)
    a_bar = outer(np.conj(error), back) - outer(b_bar, c)
    x_bar = np.sum((a_bar if w is None else w[:, None] * a_bar) * slopes, axis=1)
    if w is None:
        return x_bar, b_bar, None
    direct = b_bar * y if y.ndim == 1 else np.sum(b_bar * y, axis=1)
    return x_bar, weight * b_bar, np.sum(a_bar * basis, axis=1) + direct


def fit_tangent(tangents: Any, c: Any, basis: Any, slopes: Any, y: Any, w: Any, rcond: Any) -> Any:
    """The tangent of a fit, for the tangents of `x`, `y` and `w`."""
    x_dot, y_dot, w_dot = tangents
    a = basis if w is None else w[:, None] * basis
    p = scaled_pinv(a, rcond)
    error = y - basis @ c
    change, across = np.zeros_like(error), np.zeros_like(a)
    if y_dot is not None:
        change = change + y_dot
    if x_dot is not None:
        change = change - (x_dot[:, None] * slopes) @ c
        across = across + x_dot[:, None] * slopes
    if w is not None:
        weight = w if y.ndim == 1 else w[:, None]
        change, across = weight * change, w[:, None] * across
        if w_dot is not None:
            change = change + (w_dot if y.ndim == 1 else w_dot[:, None]) * error
            across = across + w_dot[:, None] * basis
        error = weight * error
    return p @ change + p @ (np.conj(p).T @ (np.conj(across).T @ error))


def outer(x: Any, y: Any) -> Any:
    """The sum of the outer products of the columns of `x` and `y`, each a vector or a matrix of columns."""
    return np.outer(x, y) if x.ndim == 1 else x @ y.T


def power_slopes(basis: Any) -> Any:
    """The derivatives of powers, the highest first."""
    powers = np.arange(basis.shape[1] - 1, 0, -1).astype(basis.dtype)
    return np.concatenate([basis[:, 1:] * powers, np.zeros_like(basis[:, :1])], axis=1)


@defvjp(np.polyfit)
def _(
    ct: Any, out: Any, x: Array, y: Array, deg: Any, rcond: Any = None, full: Any = False, w: Array = None,
    cov: Any = False,
) -> Any:  # fmt: skip
    if full or cov:
        if ct[1] is not None:
            return of_statistics, of_statistics, None, None, None, of_statistics
        c, ct = out[0], ct[0]
    else:
        c = out
    basis = np.vander(x, deg + 1)
    x_bar, y_bar, w_bar = fit_cotangents(ct, c, basis, power_slopes(basis), y, w, rcond)
    return x_bar, y_bar, None, 0.0, None, w_bar


@defjvp(np.polyfit)
def _(
    tangents: Any, out: Any, x: Array, y: Array, deg: Any, rcond: Any = None, full: Any = False,
    w: Array = None, cov: Any = False,
) -> Any:  # fmt: skip
    c = out[0] if full or cov else out
    basis = np.vander(x, deg + 1)
    given = tangents[0], tangents[1], tangents[5] if len(tangents) > 5 else None
    c_dot = fit_tangent(given, c, basis, power_slopes(basis), y, w, rcond)
    return (c_dot, *[None for _ in out[1:]]) if full or cov else c_dot
