"""Derivatives of factorisations: Cholesky, eigenvalues, singular values, QR.

    w, v = np.linalg.eigh(a)      a_bar = (v * w_bar) @ v.T        (where only `w` is used)

The last two axes are the matrix, those before it a batch. A symmetric argument (of `cholesky`, `eigh`) gets a
symmetric cotangent, whichever triangle NumPy reads, and counts as symmetric when it moves. Vectors of
repeated values have no derivative: asking for one raises `LinAlgError`; the values alone are fine. So do the
vectors that only complete a basis (`full_matrices=True`, `mode="complete"`).

The formulas are those of Giles (2008, An extended collection of matrix derivative results, section 3),
Murray (2016, Differentiation of the Cholesky decomposition, section 4), Townsend (2016, Differentiating the
singular value decomposition), Walter and Lehmann (2012, Algorithmic differentiation of linear algebra
functions, sections 3 and 4) and Boeddeker et al. (2017, On the computation of complex-valued gradients,
section 4.7).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .matrices import (
    adjoint,
    determined,
    diagonal,
    hermitian,
    hermitian_from_lower,
    identity,
    inverse_gaps,
    of_full_width,
    per_column,
    real_part,
    transpose,
)
from .norms import singular_values_cotangent, singular_values_tangent
from .register import Array, Unknown, defjvp, defvjp

of_reflectors = Unknown("the factor q is given by its reflectors")

# Cholesky


@defvjp(np.linalg.cholesky)
def _(ct: Any, out: Any, a: Array, *, upper: Any = False) -> Any:
    lower, ct = (adjoint(out), adjoint(ct)) if upper else (out, ct)
    inner = hermitian_from_lower(transpose(lower) @ ct)
    half = np.linalg.solve(transpose(lower), inner)
    return 0.5 * np.linalg.solve(transpose(lower), adjoint(half))


@defjvp(np.linalg.cholesky)
def _(tangents: Any, out: Any, a: Array, *, upper: Any = False) -> Any:
    lower = adjoint(out) if upper else out
    half = np.linalg.solve(lower, hermitian(tangents[0]))
    inner = np.linalg.solve(lower, adjoint(half))
    lower_dot = lower @ (np.tril(inner) - 0.5 * inner * identity(inner))
    return adjoint(lower_dot) if upper else lower_dot


# Eigenvalues of symmetric matrices


@defvjp(np.linalg.eigh)
def _(ct: Any, out: Any, a: Array, UPLO: Any = "L") -> Any:
    w, v = out
    w_bar, v_bar = ct
    if v_bar is None:
        return (np.conj(v) * per_column(w_bar)) @ transpose(v)
    coupling = transpose(v) @ v_bar
    inner = 0.5 * (coupling - adjoint(coupling)) * inverse_gaps(w, coupling)
    if w_bar is not None:
        inner = inner + w_bar[..., None] * identity(w)
    return np.conj(v) @ inner @ transpose(v)


@defjvp(np.linalg.eigh)
def _(tangents: Any, out: Any, a: Array, UPLO: Any = "L") -> Any:
    w, v = out
    coupling = adjoint(v) @ hermitian(tangents[0]) @ v
    return real_part(diagonal(coupling)), v @ (coupling * inverse_gaps(w, coupling))


@defvjp(np.linalg.eigvalsh)
def _(ct: Any, out: Any, a: Array, UPLO: Any = "L") -> Any:
    v = np.linalg.eigh(a, UPLO)[1]
    return (np.conj(v) * per_column(ct)) @ transpose(v)


@defjvp(np.linalg.eigvalsh)
def _(tangents: Any, out: Any, a: Array, UPLO: Any = "L") -> Any:
    v = np.linalg.eigh(a, UPLO)[1]
    return real_part(diagonal(adjoint(v) @ hermitian(tangents[0]) @ v))


# Eigenvalues of any matrix. An eigenvector has length 1; LAPACK turns it until its largest element is real.


@defvjp(np.linalg.eig)
def _(ct: Any, out: Any, a: Array) -> Any:
    return eigen_cotangent(ct[0], ct[1], out[0], out[1])


def eigen_cotangent(w_bar: Any, v_bar: Any, w: Any, v: Any) -> Any:
    """The cotangent of a matrix from those of its eigenvalues and eigenvectors."""
    if v_bar is None:
        return np.linalg.solve(transpose(v), w_bar[..., None] * transpose(v))
    along = per_column(diagonal(transpose(v) @ v_bar))
    largest = np.arange(v.shape[-1])[:, None] == per_column(np.argmax(abs(v), axis=-2))
    turned = largest * (1j * np.imag(along)) / np.where(largest, v, 1.0)
    coupling = transpose(v) @ (v_bar - np.conj(v) * np.real(along) - turned)
    inner = coupling * inverse_gaps(w, coupling)
    if w_bar is not None:
        inner = inner + w_bar[..., None] * identity(w)
    return np.linalg.solve(transpose(v), inner @ transpose(v))


@defjvp(np.linalg.eig)
def _(tangents: Any, out: Any, a: Array) -> Any:
    return eigen_tangents(tangents[0], out[0], out[1])


def eigen_tangents(a_dot: Any, w: Any, v: Any) -> Any:
    """The tangents of the eigenvalues and eigenvectors of a matrix."""
    coupling = np.linalg.solve(v, a_dot @ v)
    v_dot = v @ (coupling * inverse_gaps(w, coupling))
    if not np.iscomplexobj(v):
        return diagonal(coupling), v_dot - v * np.sum(v * v_dot, axis=-2, keepdims=True)
    stretch = np.real(np.sum(np.conj(v) * v_dot, axis=-2, keepdims=True))
    largest = np.argmax(abs(v), axis=-2, keepdims=True)
    turn = np.imag(np.take_along_axis(v_dot, largest, -2) / np.take_along_axis(v, largest, -2))
    return diagonal(coupling), v_dot - v * (stretch + 1j * turn)


@defvjp(np.linalg.eigvals)
def _(ct: Any, out: Any, a: Array) -> Any:
    v = np.linalg.eig(a)[1]
    return np.linalg.solve(transpose(v), ct[..., None] * transpose(v))


@defjvp(np.linalg.eigvals)
def _(tangents: Any, out: Any, a: Array) -> Any:
    v = np.linalg.eig(a)[1]
    return diagonal(np.linalg.solve(v, tangents[0] @ v))


# Singular values


@defvjp(np.linalg.svdvals)
def _(ct: Any, out: Any, x: Array) -> Any:
    return singular_values_cotangent(ct, x)


@defjvp(np.linalg.svdvals)
def _(tangents: Any, out: Any, x: Array) -> Any:
    return singular_values_tangent(tangents[0], x)


@defvjp(np.linalg.svd)
def _(
    ct: Any, out: Any, a: Array, full_matrices: Any = True, compute_uv: Any = True, hermitian: Any = False
) -> Any:
    if not compute_uv:
        return singular_values_cotangent(ct, a)
    u, s, vh = out
    u_bar, s_bar, vh_bar = ct
    if full_matrices:
        k = s.shape[-1]
        u, vh = u[..., :k], vh[..., :k, :]
        u_bar = None if u_bar is None else determined(u_bar, k)
        vh_bar = None if vh_bar is None else transpose(determined(transpose(vh_bar), k))
    if u_bar is None and vh_bar is None:
        return np.conj((u * per_column(s_bar)) @ vh)
    return np.conj(svd_cotangent(u_bar, s_bar, vh_bar, u, s, vh))


def svd_cotangent(u_bar: Any, s_bar: Any, vh_bar: Any, u: Any, s: Any, vh: Any) -> Any:
    """The conjugated cotangent of a matrix, from those of its factors; None for a factor without one."""
    eye = identity(s)
    inner = 0.0 if s_bar is None else s_bar[..., None] * eye
    outside_u = outside_v = None
    if u_bar is not None:
        coupling = adjoint(u) @ np.conj(u_bar)
        skew = coupling - adjoint(coupling)
        inner = inner + skew * inverse_gaps(s**2, coupling) * per_column(s)
        if np.iscomplexobj(u):
            inner = inner + 0.5 * skew * eye / per_column(s)
        outside_u = (np.conj(u_bar) - u @ coupling) / per_column(s)
    if vh_bar is not None:
        coupling = vh @ transpose(vh_bar)
        skew = coupling - adjoint(coupling)
        inner = inner + s[..., None] * (skew * inverse_gaps(s**2, coupling))
        outside_v = (np.conj(vh_bar) - adjoint(coupling) @ vh) / s[..., None]
    a_bar = u @ inner @ vh
    if outside_u is not None and u.shape[-2] > s.shape[-1]:
        a_bar = a_bar + outside_u @ vh
    if outside_v is not None and vh.shape[-1] > s.shape[-1]:
        a_bar = a_bar + u @ outside_v
    return a_bar


@defjvp(np.linalg.svd)
def _(
    tangents: Any, out: Any, a: Array, full_matrices: Any = True, compute_uv: Any = True,
    hermitian: Any = False,
) -> Any:  # fmt: skip
    if not compute_uv:
        return singular_values_tangent(tangents[0], a)
    u, s, vh = out
    k = s.shape[-1]
    thin_u, thin_v = u[..., :k], adjoint(vh)[..., :k]
    u_dot, s_dot, v_dot = svd_tangents(tangents[0], thin_u, s, thin_v)
    return of_full_width(u_dot, u), s_dot, adjoint(of_full_width(v_dot, adjoint(vh)))


def svd_tangents(a_dot: Any, u: Any, s: Any, v: Any) -> Any:
    """The tangents of the factors in `a = (u * s) @ adjoint(v)`."""
    inner = adjoint(u) @ a_dot @ v
    left = inner * per_column(s) + s[..., None] * adjoint(inner)
    right = s[..., None] * inner + adjoint(inner) * per_column(s)
    u_turn, v_turn = left * inverse_gaps(s**2, left), right * inverse_gaps(s**2, right)
    if np.iscomplexobj(u):
        u_turn = u_turn + 0.5 * (inner - adjoint(inner)) * identity(s) / per_column(s)
    u_dot, v_dot = u @ u_turn, v @ v_turn
    if u.shape[-2] > s.shape[-1]:
        u_dot = u_dot + (a_dot @ v - u @ inner) / per_column(s)
    if v.shape[-2] > s.shape[-1]:
        v_dot = v_dot + (adjoint(a_dot) @ u - v @ adjoint(inner)) / per_column(s)
    return u_dot, real_part(diagonal(inner)), v_dot


# QR


@defvjp(np.linalg.qr)
def _(ct: Any, out: Any, a: Array, mode: Any = "reduced") -> Any:
    if mode == "r":
        return np.conj(qr_cotangent(None, np.conj(ct), np.linalg.qr(a)[0], out, a))
    if mode != "reduced" and mode != "complete":
        return of_reflectors
    q, r = out
    q_bar, r_bar = ct
    if mode == "complete":
        k = min(a.shape[-2], a.shape[-1])
        q, r = q[..., :k], r[..., :k, :]
        q_bar = None if q_bar is None else determined(q_bar, k)
        r_bar = None if r_bar is None else r_bar[..., :k, :]
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


@defjvp(np.linalg.qr)
def _(tangents: Any, out: Any, a: Array, mode: Any = "reduced") -> Any:
    k = min(a.shape[-2], a.shape[-1])
    q = np.linalg.qr(a)[0] if mode == "r" else out[0][..., :k]
    r = out if mode == "r" else out[1][..., :k, :]
    q_dot, r_dot = qr_tangents(tangents[0], q, r, k)
    if mode == "r":
        return r_dot
    if mode == "complete":
        rest = np.zeros_like(out[1][..., k:, :])
        return of_full_width(q_dot, out[0]), np.concatenate([r_dot, rest], axis=-2)
    return q_dot, r_dot


def qr_tangents(a_dot: Any, q: Any, r: Any, k: Any) -> Any:
    """The tangents of the factors in `a = q @ r`, where `q` has `k` columns."""
    a_dot_in_r = adjoint(np.linalg.solve(adjoint(r[..., :k]), adjoint(a_dot[..., :k])))
    inner = adjoint(q) @ a_dot_in_r
    lower = np.tril(inner, -1)
    turn = lower - adjoint(lower)
    if np.iscomplexobj(inner):
        turn = turn + 0.5 * (inner - adjoint(inner)) * identity(inner)
    q_dot = a_dot_in_r - q @ (inner - turn)
    return q_dot, adjoint(q) @ (a_dot - q_dot @ r)
