"""Derivatives of linear algebra: solving, determinants, norms, factorisations.

    x = np.linalg.solve(a, b)     b_bar = np.linalg.solve(a.T, x_bar);  a_bar = -np.outer(b_bar, x)

The last two axes are the matrix, those before it a batch. A symmetric argument (of `cholesky`, `eigh`) gets a
symmetric cotangent, whichever triangle NumPy reads. The subgradient of a norm at 0 is 0, and ties share
equally. `det` is differentiated by its cofactors, which exist at singular matrices too. Eigenvectors and
singular vectors of repeated values have no derivative: asking for it raises `LinAlgError`; the values alone
are fine.

The formulas are those of Giles (2008, An extended collection of matrix derivative results), Townsend (2016,
Differentiating the singular value decomposition), Murray (2016, Differentiation of the Cholesky
decomposition) and Golub and Pereyra (1973, for `pinv` and `lstsq`).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .broadcast import unbroadcast
from .register import defvjp


def transpose(a: Any) -> Any:
    """The matrices of `a`, transposed."""
    return a.T if a.ndim == 2 else a.mT


def adjoint(a: Any) -> Any:
    """The matrices of `a`, transposed and conjugated."""
    return np.conj(transpose(a))


def per_matrix(x: Any, a: Any) -> Any:
    """`x`, one number for each matrix of `a`, so that it broadcasts against `a`."""
    return x if a.ndim == 2 else x[..., None, None]


def per_column(x: Any) -> Any:
    """`x`, one number for each column of a matrix, so that it broadcasts against the matrix."""
    return x if x.ndim == 1 else x[..., None, :]


def hermitian_from_lower(m: Any) -> Any:
    """The symmetric matrix whose lower triangle is that of `m`."""
    if np.iscomplexobj(m):
        lower = np.tril(m) - 0.5 * m * np.eye(m.shape[-1], dtype=m.dtype)
        return lower + adjoint(lower)
    return np.tril(m) + transpose(np.tril(m, -1))


# Solving


@defvjp(np.linalg.solve)
def _(ct: Any, out: Any, a: Any, b: Any) -> Any:
    if b.ndim == 1 and a.ndim == 2:
        b_bar = np.linalg.solve(a.T, ct)
        return -np.outer(b_bar, out), b_bar
    if b.ndim == 1:
        b_bar = np.linalg.solve(a.mT, ct[..., None])
        return -b_bar * out[..., None, :], unbroadcast(b_bar[..., 0], b)
    b_bar = np.linalg.solve(transpose(a), ct)
    return unbroadcast(-b_bar @ transpose(out), a), unbroadcast(b_bar, b)


@defvjp(np.linalg.inv)
def _(ct: Any, out: Any, a: Any) -> Any:
    return -transpose(out) @ ct @ transpose(out)


@defvjp(np.linalg.pinv)
def _(ct: Any, out: Any, a: Any, rcond: Any = None, hermitian: Any = False, *, rtol: Any = None) -> Any:
    left = transpose(ct) @ out @ adjoint(out)
    right = adjoint(out) @ out @ transpose(ct)
    direct = adjoint(out) @ np.conj(ct) @ adjoint(out)
    return np.conj(left - a @ (out @ left) + right - (right @ out) @ a - direct)


@defvjp(np.linalg.lstsq)
def _(ct: Any, out: Any, a: Any, b: Any, rcond: Any = None) -> Any:
    p = np.linalg.pinv(a) if rcond is None else np.linalg.pinv(a, rcond)
    x = out[0]
    error = b - a @ x
    a_bar, b_bar = np.zeros_like(a), None
    if ct[0] is not None:
        b_bar = p.T @ ct[0]
        a_bar = outer(error, p @ b_bar) - outer(b_bar, x) + outer(p.T @ x, ct[0] - a.T @ b_bar)
    if ct[1] is not None and len(out[1]) > 0:
        error_bar = 2.0 * error * ct[1]
        a_bar = a_bar - outer(error_bar, x)
        b_bar = error_bar if b_bar is None else b_bar + error_bar
    if ct[3] is not None:
        a_bar = a_bar + singular_values_cotangent(ct[3], a)
    return a_bar, b_bar


def outer(x: Any, y: Any) -> Any:
    """The sum of the outer products of the columns of `x` and `y`, each a vector or a matrix of columns."""
    return np.outer(x, y) if x.ndim == 1 else x @ y.T


@defvjp(np.linalg.matrix_power)
def _(ct: Any, out: Any, a: Any, n: Any) -> Any:
    if n == 0:
        return None
    base = np.linalg.inv(a) if n < 0 else a
    base_bar = power_cotangent(ct, transpose(base), abs(n))
    return -transpose(base) @ base_bar @ transpose(base) if n < 0 else base_bar


def power_cotangent(ct: Any, a: Any, n: Any) -> Any:
    """The sum of `a^i @ ct @ a^j` over all i + j = n - 1."""
    total = left = ct
    for _ in range(n - 1):
        left = a @ left
        total = total @ a + left
    return total


# Determinants


@defvjp(np.linalg.det)
def _(ct: Any, out: Any, a: Any) -> Any:
    return per_matrix(ct, a) * cofactors(a, out)


def cofactors(a: Any, det: Any) -> Any:
    """The derivative of the determinant: `det * inv(a).T`, or its limit if one of the matrices is singular.

    >>> cofactors(np.array([[1.0, 2.0], [2.0, 4.0]]), 0.0)
    array([[ 4., -2.],
           [-2.,  1.]])
    """
    if np.all(det) or np.all(np.linalg.slogdet(a)[0]):
        return per_matrix(det, a) * transpose(np.linalg.inv(a))
    return minors(a)


def minors(a: Any) -> Any:
    """The signed determinants of `a` without one row and one column."""
    n = a.shape[-1]
    i = np.arange(n)
    others = np.arange(n - 1) + (np.arange(n - 1) >= i[:, None])
    rest = a[..., others[:, None, :, None], others[None, :, None, :]]
    odd = (i[:, None] + i) % 2
    return np.linalg.det(rest) * (1 - 2 * odd).astype(a.dtype)


@defvjp(np.linalg.slogdet)
def _(ct: Any, out: Any, a: Any) -> Any:
    sign_bar, log_bar = ct
    if sign_bar is None or not np.iscomplexobj(a):
        return None if log_bar is None else per_matrix(log_bar, a) * transpose(np.linalg.inv(a))
    log_bar = 1j * np.imag(sign_bar * out[0]) + (0.0 if log_bar is None else log_bar)
    return per_matrix(log_bar, a) * transpose(np.linalg.inv(a))


# Norms


@defvjp(np.linalg.norm)
def _(ct: Any, out: Any, x: Any, ord: Any = None, axis: Any = None, keepdims: Any = False) -> Any:
    if axis is None and not keepdims and ord is None:
        return np.conj(x) * (ct / out if out else 0.0)
    if axis is not None and not keepdims:
        ct, out = np.expand_dims(ct, axis), np.expand_dims(out, axis)
    if ord is None:
        return vector_norm_cotangent(ct, out, x, 2, axis)
    if axis is None:
        axis = (0, 1) if x.ndim == 2 else 0
    if isinstance(axis, tuple) and len(axis) == 2:
        return matrix_norm_cotangent(ct, out, x, ord, axis[0], axis[1])
    return vector_norm_cotangent(ct, out, x, ord, axis)


@defvjp(np.linalg.vector_norm)
def _(ct: Any, out: Any, x: Any, *, axis: Any = None, keepdims: Any = False, ord: Any = 2) -> Any:
    if axis is None and not keepdims and ord == 2:
        return np.conj(x) * (ct / out if out else 0.0)
    if axis is not None and not keepdims:
        ct, out = np.expand_dims(ct, axis), np.expand_dims(out, axis)
    return vector_norm_cotangent(ct, out, x, ord, axis)


@defvjp(np.linalg.matrix_norm)
def _(ct: Any, out: Any, x: Any, *, keepdims: Any = False, ord: Any = "fro") -> Any:
    if not keepdims:
        ct, out = per_matrix(ct, x), per_matrix(out, x)
    return matrix_norm_cotangent(ct, out, x, ord, -2, -1)


def vector_norm_cotangent(ct: Any, out: Any, x: Any, ord: Any, axis: Any) -> Any:
    """The cotangent of vectors that lie along `axis`; `ct` and `out` broadcast against `x`."""
    if ord == 2:
        return np.conj(x) * (ct / np.where(out == 0.0, 1.0, out))
    if ord == 1:
        return ct * np.conj(np.sign(x))
    if ord == 0:
        return None
    if abs(ord) == math.inf:
        chosen = abs(x) == out
        return np.conj(np.sign(x)) * (ct * shares(chosen, axis, out.dtype))
    return np.conj(np.sign(x)) * (ct * magnitude_ratio(x, out, ord) ** (ord - 1))


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
        u, s, vh = np.linalg.svd(np.moveaxis(x, (rows, columns), (-2, -1)), full_matrices=False)
        weights = np.sign(s) * singular_value_weights(s, ord)
        outward = np.conj((u * per_column(weights)) @ vh)
        return ct * np.moveaxis(outward, (-2, -1), (rows, columns))
    summed, other = (rows, columns) if abs(ord) == 1 else (columns, rows)
    sums = np.sum(abs(x), axis=summed, keepdims=True)
    chosen = np.max(sums, axis=other, keepdims=True) if ord > 0 else np.min(sums, axis=other, keepdims=True)
    return np.conj(np.sign(x)) * (ct * shares(sums == chosen, other, sums.dtype))


def singular_value_weights(s: Any, ord: Any) -> Any:
    """The derivative of a norm with respect to the singular values, which descend."""
    if ord == "nuc":
        return np.ones_like(s)
    chosen = s[..., :1] if ord > 0 else s[..., -1:]
    return shares(s == chosen, -1, s.dtype)


# Factorisations


@defvjp(np.linalg.cholesky)
def _(ct: Any, out: Any, a: Any, *, upper: Any = False) -> Any:
    lower, ct = (adjoint(out), adjoint(ct)) if upper else (out, ct)
    inner = hermitian_from_lower(transpose(lower) @ ct)
    half = np.linalg.solve(transpose(lower), inner)
    return 0.5 * np.linalg.solve(transpose(lower), adjoint(half))


@defvjp(np.linalg.eigh)
def _(ct: Any, out: Any, a: Any, UPLO: Any = "L") -> Any:
    w, v = out
    w_bar, v_bar = ct
    if v_bar is None:
        return (np.conj(v) * per_column(w_bar)) @ transpose(v)
    coupling = transpose(v) @ v_bar
    inner = 0.5 * (coupling - adjoint(coupling)) / gaps(w, coupling)
    if w_bar is not None:
        inner = inner + w_bar[..., None] * np.eye(w.shape[-1], dtype=w.dtype)
    return np.conj(v) @ inner @ transpose(v)


def gaps(w: Any, coupling: Any) -> Any:
    """`w[j] - w[i]` at (i, j), and inf on the diagonal and where two equal values are not coupled."""
    gap = w[..., None, :] - w[..., :, None]
    largest = np.max(abs(w), axis=-1, initial=0.0)[..., None, None]
    same = abs(gap) <= w.shape[-1] * np.finfo(w.dtype).eps * largest
    if np.any(same & (coupling != 0.0) & ~np.eye(w.shape[-1], dtype=bool)):
        raise np.linalg.LinAlgError("the vectors of repeated values have no derivative")
    return np.where(same, np.inf, gap)


@defvjp(np.linalg.eigvalsh)
def _(ct: Any, out: Any, a: Any, UPLO: Any = "L") -> Any:
    v = np.linalg.eigh(a, UPLO)[1]
    return (np.conj(v) * per_column(ct)) @ transpose(v)


def singular_values_cotangent(ct: Any, a: Any) -> Any:
    """The cotangent of `a` for that of its singular values."""
    u, s, vh = np.linalg.svd(a, full_matrices=False)
    return np.conj((u * per_column(ct)) @ vh)


@defvjp(np.linalg.svdvals)
def _(ct: Any, out: Any, x: Any) -> Any:
    return singular_values_cotangent(ct, x)


@defvjp(np.linalg.svd)
def _(
    ct: Any, out: Any, a: Any, full_matrices: Any = True, compute_uv: Any = True, hermitian: Any = False
) -> Any:
    if not compute_uv:
        return singular_values_cotangent(ct, a)
    u, s, vh = out
    u_bar, s_bar, vh_bar = ct
    if u_bar is None and vh_bar is None:
        if full_matrices:
            u, vh = u[..., : s.shape[-1]], vh[..., : s.shape[-1], :]
        return np.conj((u * per_column(s_bar)) @ vh)
    if full_matrices and a.shape[-2] != a.shape[-1]:
        raise np.linalg.LinAlgError("full singular vectors have no derivative where the matrix is not square")
    return np.conj(svd_cotangent(u_bar, s_bar, vh_bar, u, s, vh))


def svd_cotangent(u_bar: Any, s_bar: Any, vh_bar: Any, u: Any, s: Any, vh: Any) -> Any:
    """The conjugated cotangent of a matrix, from those of its factors; None for a factor without one."""
    eye = np.eye(s.shape[-1], dtype=s.dtype)
    inner = 0.0 if s_bar is None else s_bar[..., None] * eye
    outside_u = outside_v = None
    if u_bar is not None:
        coupling = adjoint(u) @ np.conj(u_bar)
        skew = coupling - adjoint(coupling)
        inner = inner + skew / gaps(s**2, coupling) * per_column(s)
        if np.iscomplexobj(u):
            inner = inner + 0.5 * skew * eye / per_column(s)
        outside_u = (np.conj(u_bar) - u @ coupling) / per_column(s)
    if vh_bar is not None:
        coupling = vh @ transpose(vh_bar)
        skew = coupling - adjoint(coupling)
        inner = inner + s[..., None] * (skew / gaps(s**2, coupling))
        outside_v = (np.conj(vh_bar) - adjoint(coupling) @ vh) / s[..., None]
    a_bar = u @ inner @ vh
    if outside_u is not None and u.shape[-2] > s.shape[-1]:
        a_bar = a_bar + outside_u @ vh
    if outside_v is not None and vh.shape[-1] > s.shape[-1]:
        a_bar = a_bar + u @ outside_v
    return a_bar


@defvjp(np.linalg.qr)
def _(ct: Any, out: Any, a: Any, mode: Any = "reduced") -> Any:
    if mode == "r":
        return np.conj(qr_cotangent(None, np.conj(ct), np.linalg.qr(a)[0], out, a))
    if mode == "complete" and a.shape[-2] > a.shape[-1]:
        raise np.linalg.LinAlgError("the complete factor q of a tall matrix has no derivative")
    q, r = out
    q_bar, r_bar = ct
    q_bar = None if q_bar is None else np.conj(q_bar)
    r_bar = None if r_bar is None else np.conj(r_bar)
    return np.conj(qr_cotangent(q_bar, r_bar, q, r, a))


def qr_cotangent(q_bar: Any, r_bar: Any, q: Any, r: Any, a: Any) -> Any:
    """The conjugated cotangent of `a = q @ r`, from those of its factors; None for a factor without one."""
    n = a.shape[-2]
    if n >= a.shape[-1]:
        return tall_qr_cotangent(q_bar, r_bar, q, r)
    if r_bar is None:
        square_bar = tall_qr_cotangent(q_bar, None, q, r[..., :n])
        return np.concatenate([square_bar, np.zeros_like(a[..., n:])], axis=-1)
    rest_bar = q @ r_bar[..., n:]
    q_bar_rest = a[..., n:] @ adjoint(r_bar[..., n:])
    q_bar = q_bar_rest if q_bar is None else q_bar + q_bar_rest
    square_bar = tall_qr_cotangent(q_bar, r_bar[..., :n], q, r[..., :n])
    return np.concatenate([square_bar, rest_bar], axis=-1)


def tall_qr_cotangent(q_bar: Any, r_bar: Any, q: Any, r: Any) -> Any:
    """As `qr_cotangent`, where `r` is square."""
    if q_bar is None:
        right = q @ hermitian_from_lower(r @ adjoint(r_bar))
    elif r_bar is None:
        right = q_bar - q @ hermitian_from_lower(adjoint(q_bar) @ q)
    else:
        right = q_bar + q @ hermitian_from_lower(r @ adjoint(r_bar) - adjoint(q_bar) @ q)
    return adjoint(np.linalg.solve(r, adjoint(right)))
