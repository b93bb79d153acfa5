"""Derivatives of `scipy.linalg`: what NumPy has too, eigenvalues, QR and polar factors.

    w = linalg.eigvalsh(a)                       a_bar = v @ np.diag(w_bar) @ v.T

What NumPy has under the same name takes NumPy's rule. Systems, functions of matrices and structured matrices
have files of their own.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import linalg

from . import scipy_matrix_functions, scipy_structured, scipy_systems
from .factorisations import eigen_cotangent, eigen_tangents
from .matrices import adjoint, hermitian, inverse_gaps, real_part, refuse_stack, transpose
from .register import Array, Unknown, defequal, defjvp, defvjp, nondifferentiable
from .scipy_matrix_functions import like

__all__ = ["scipy_matrix_functions", "scipy_structured", "scipy_systems"]

nondifferentiable(
    linalg.hadamard, linalg.hilbert, linalg.invhilbert, linalg.pascal, linalg.invpascal, linalg.helmert,
    linalg.dft, linalg.bandwidth, linalg.issymmetric, linalg.ishermitian,
)  # fmt: skip


# What NumPy has under the same name


@defequal(linalg.inv)
def _(a: Any, overwrite_a: Any = False, check_finite: Any = True) -> Any:
    return np.linalg.inv(a)


@defequal(linalg.det)
def _(a: Any, overwrite_a: Any = False, check_finite: Any = True) -> Any:
    return np.linalg.det(a)


@defequal(linalg.pinv)
def _(
    a: Any, *, atol: Any = None, rtol: Any = None, return_rank: Any = False, check_finite: Any = True
) -> Any:
    if return_rank:
        raise NotImplementedError("a pseudo-inverse with `return_rank` is not differentiated")
    return np.linalg.pinv(a)


@defequal(linalg.norm)
def _(a: Any, ord: Any = None, axis: Any = None, keepdims: Any = False, check_finite: Any = True) -> Any:
    return np.linalg.norm(a, ord, axis, keepdims)


@defequal(linalg.svdvals)
def _(a: Any, overwrite_a: Any = False, check_finite: Any = True) -> Any:
    return np.linalg.svd(a, compute_uv=False)


@defequal(linalg.svd)
def _(
    a: Any, full_matrices: Any = True, compute_uv: Any = True, overwrite_a: Any = False,
    check_finite: Any = True, lapack_driver: Any = "gesdd",
) -> Any:  # fmt: skip
    return np.linalg.svd(a, full_matrices, compute_uv)


@defequal(linalg.cholesky)
def _(a: Any, lower: Any = False, overwrite_a: Any = False, check_finite: Any = True) -> Any:
    return np.linalg.cholesky(a, upper=not lower)


@defequal(linalg.eigvals)
def _(
    a: Any, b: Any = None, overwrite_a: Any = False, check_finite: Any = True,
    homogeneous_eigvals: Any = False,
) -> Any:  # fmt: skip
    if b is not None or homogeneous_eigvals:
        raise NotImplementedError("a generalized eigenproblem that is not symmetric is not differentiated")
    return np.linalg.eigvals(a)


# Eigenvalues, QR, polar factors

first_type = Unknown("a generalized eigenproblem is differentiated for `type=1` alone")


@defvjp(linalg.eigh)
def _(
    ct: Any, out: Any, a: Array, b: Any = None, *, lower: Any = True, eigvals_only: Any = False,
    overwrite_a: Any = False, overwrite_b: Any = False, type: Any = 1, check_finite: Any = True,
    subset_by_index: Any = None, subset_by_value: Any = None, driver: Any = None,
) -> Any:  # fmt: skip
    if type != 1:
        return first_type, first_type
    w_bar, v_bar = (ct, None) if eigvals_only else ct
    whole = subset_by_index is None and subset_by_value is None
    if eigvals_only:
        w, v = linalg.eigh(a, b, subset_by_index=subset_by_index, subset_by_value=subset_by_value)
    else:
        w, v = out
    if whole or v_bar is None:
        inner, basis, same = in_eigenvectors(w_bar, v_bar, w, v), v, np.eye(w.shape[-1], dtype=w.dtype)
    else:
        first = first_of(a, b, subset_by_index, subset_by_value)
        values, basis = completed(a, b, w, v, first)
        same = np.eye(values.shape[-1], w.shape[-1], -first, dtype=w.dtype)
        coupling = transpose(basis) @ v_bar
        inner = coupling * gaps_to(values, coupling, first)
        inner = inner if w_bar is None else inner + w_bar[..., None, :] * same
    a_bar = hermitian(np.conj(basis) @ inner @ transpose(v))
    if b is None:
        return a_bar
    scaled = -inner * w[..., None, :]
    if v_bar is not None:
        scaled = scaled - 0.5 * (transpose(basis) @ v_bar) * same
    return a_bar, hermitian(np.conj(basis) @ scaled @ transpose(v))


def in_eigenvectors(w_bar: Any, v_bar: Any, w: Any, v: Any) -> Any:
    """The cotangent of a Hermitian matrix in the basis of its eigenvectors `v`."""
    inner: Any = 0.0 if w_bar is None else w_bar[..., None] * np.eye(w.shape[-1], dtype=w.dtype)
    if v_bar is None:
        return inner
    coupling = transpose(v) @ v_bar
    return inner + coupling * inverse_gaps(w, coupling)


def first_of(a: Any, b: Any, by_index: Any, by_value: Any) -> Any:
    """The place, among all eigenvalues, of the first one of a part of them."""
    if by_index is not None:
        return by_index[0]
    return int(np.sum(linalg.eigvalsh(a, b) <= by_value[0]))


def completed(a: Any, b: Any, w: Any, v: Any, first: Any) -> Any:
    """All eigenvalues and eigenvectors, of which those from `first` on are `w` and `v`."""
    values, vectors = linalg.eigh(a, b)
    after = first + w.shape[-1]
    basis = np.concatenate([vectors[..., :first], v, vectors[..., after:]], axis=-1)
    return np.concatenate([values[..., :first], w, values[..., after:]], axis=-1), basis


def gaps_to(values: Any, coupling: Any, first: Any) -> Any:
    """The columns of `inverse_gaps(values)` for the eigenvalues from `first` on, coupled so."""
    after = first + coupling.shape[-1]
    before = np.zeros_like(coupling, shape=(*values.shape, first))
    behind = np.zeros_like(coupling, shape=(*values.shape, values.shape[-1] - after))
    return inverse_gaps(values, np.concatenate([before, coupling, behind], axis=-1))[..., first:after]


@defjvp(linalg.eigh)
def _(
    tangents: Any, out: Any, a: Array, b: Any = None, *, lower: Any = True, eigvals_only: Any = False,
    overwrite_a: Any = False, overwrite_b: Any = False, type: Any = 1, check_finite: Any = True,
    subset_by_index: Any = None, subset_by_value: Any = None, driver: Any = None,
) -> Any:  # fmt: skip
    if eigvals_only:
        w, v = linalg.eigh(a, b, subset_by_index=subset_by_index, subset_by_value=subset_by_value)
    else:
        w, v = out
    if subset_by_index is None and subset_by_value is None:
        first, values, basis = 0, w, v
    else:
        first = first_of(a, b, subset_by_index, subset_by_value)
        values, basis = completed(a, b, w, v, first)
    coupling = 0.0 if tangents[0] is None else adjoint(basis) @ hermitian(tangents[0]) @ v
    stretch: Any = 0.0
    if b is not None and tangents[1] is not None:
        metric = adjoint(basis) @ hermitian(tangents[1]) @ v
        coupling = coupling - metric * w[..., None, :]
        stretch = 0.5 * np.diagonal(metric, -first, axis1=-2, axis2=-1)[..., None, :]
    w_dot = real_part(np.diagonal(coupling, -first, axis1=-2, axis2=-1))
    if eigvals_only:
        return w_dot
    return w_dot, basis @ (coupling * gaps_to(values, coupling, first)) - v * stretch


@defvjp(linalg.eigh_tridiagonal)
def _(
    ct: Any, out: Any, d: Array, e: Array, eigvals_only: Any = False, select: Any = "a",
    select_range: Any = None, check_finite: Any = True, tol: Any = 0.0, lapack_driver: Any = "auto",
) -> Any:  # fmt: skip
    if select not in ("a", 0):
        return part_of_a_tridiagonal, part_of_a_tridiagonal
    w, v = linalg.eigh_tridiagonal(d, e) if eigvals_only else out
    inner = in_eigenvectors(ct, None, w, v) if eigvals_only else in_eigenvectors(ct[0], ct[1], w, v)
    a_bar = v @ inner @ v.T
    return np.diagonal(a_bar), np.diagonal(a_bar, 1) + np.diagonal(a_bar, -1)


part_of_a_tridiagonal = Unknown("a part of the eigenvalues of a tridiagonal matrix is not differentiated")


@defjvp(linalg.eigh_tridiagonal)
def _(
    tangents: Any, out: Any, d: Array, e: Array, eigvals_only: Any = False, select: Any = "a",
    select_range: Any = None, check_finite: Any = True, tol: Any = 0.0, lapack_driver: Any = "auto",
) -> Any:  # fmt: skip
    if select not in ("a", 0):
        return part_of_a_tridiagonal
    w, v = linalg.eigh_tridiagonal(d, e) if eigvals_only else out
    a_dot = np.zeros_like(v) if tangents[0] is None else np.diag(tangents[0])
    if tangents[1] is not None:
        a_dot = a_dot + np.diag(tangents[1], 1) + np.diag(tangents[1], -1)
    coupling = v.T @ a_dot @ v
    w_dot = np.diagonal(coupling)
    return w_dot if eigvals_only else (w_dot, v @ (coupling * inverse_gaps(w, coupling)))


@defequal(linalg.eigvalsh_tridiagonal)
def _(
    d: Any, e: Any, select: Any = "a", select_range: Any = None, check_finite: Any = True, tol: Any = 0.0,
    lapack_driver: Any = "auto",
) -> Any:  # fmt: skip
    return linalg.eigh_tridiagonal(d, e, True, select, select_range)


@defequal(linalg.eigvalsh)
def _(
    a: Any, b: Any = None, *, lower: Any = True, overwrite_a: Any = False, overwrite_b: Any = False,
    type: Any = 1, check_finite: Any = True, subset_by_index: Any = None, subset_by_value: Any = None,
    driver: Any = None,
) -> Any:  # fmt: skip
    return linalg.eigh(
        a, b, eigvals_only=True, type=type, subset_by_index=subset_by_index, subset_by_value=subset_by_value
    )


@defequal(linalg.qr)
def _(
    a: Any, overwrite_a: Any = False, lwork: Any = None, mode: Any = "full", pivoting: Any = False,
    check_finite: Any = True,
) -> Any:  # fmt: skip
    if pivoting:
        raise NotImplementedError("a pivoted QR factorisation is not differentiated")
    if mode == "r":
        return (np.concatenate([np.linalg.qr(a, "r"), np.zeros_like(a[a.shape[1] :])]),)
    return np.linalg.qr(a, "reduced" if mode == "economic" else "complete")


@defequal(linalg.qr_multiply)
def _(
    a: Any, c: Any, mode: Any = "right", pivoting: Any = False, conjugate: Any = False,
    overwrite_a: Any = False, overwrite_c: Any = False,
) -> Any:  # fmt: skip
    if pivoting:
        raise NotImplementedError("a pivoted QR factorisation is not differentiated")
    q, r = np.linalg.qr(a)
    q = np.conj(q) if conjugate else q
    return (q @ c if mode == "left" else c @ q), r


one_sided = Unknown("left eigenvectors and generalized eigenproblems are not differentiated")


@defvjp(linalg.eig)
def _(
    ct: Any, out: Any, a: Array, b: Any = None, left: Any = False, right: Any = True,
    overwrite_a: Any = False, overwrite_b: Any = False, check_finite: Any = True,
    homogeneous_eigvals: Any = False,
) -> Any:  # fmt: skip
    if b is not None or left or homogeneous_eigvals:
        return one_sided, one_sided
    if right:
        return like(eigen_cotangent(ct[0], ct[1], out[0], out[1]), a)
    v = linalg.eig(a)[1]
    return like(eigen_cotangent(ct, None, out, v), a)


@defjvp(linalg.eig)
def _(
    tangents: Any, out: Any, a: Array, b: Any = None, left: Any = False, right: Any = True,
    overwrite_a: Any = False, overwrite_b: Any = False, check_finite: Any = True,
    homogeneous_eigvals: Any = False,
) -> Any:  # fmt: skip
    if b is not None or left or homogeneous_eigvals:
        return one_sided
    if right:
        return eigen_tangents(tangents[0], out[0], out[1])
    return eigen_tangents(tangents[0], out, linalg.eig(a)[1])[0]


# The forms of Schur and Hessenberg: `z.T @ a @ z`, upper triangular but for `below` diagonals


def rotation_system(t: Any, below: Any) -> Any:
    """The matrix of `x -> t @ x - x @ t` from the entries below the diagonal, without the first `below`
    columns, to those that are 0 in the form; the places of the latter, and those of the former.
    """
    zeros = np.flatnonzero(np.tri(t.shape[-1], k=-1 - below))
    turned = zeros + below
    identity = np.eye(t.shape[-1], dtype=t.dtype)
    return (np.kron(t, identity) - np.kron(identity, t.T))[zeros[:, None], turned], zeros, turned


def form_cotangent(t: Any, z: Any, t_bar: Any, z_bar: Any, below: Any) -> Any:
    """The cotangent of a matrix from those of its form and of the rotation to it."""
    system, zeros, turned = rotation_system(t, below)
    inner = np.zeros_like(t) if t_bar is None else np.triu(t_bar, -below)
    turn = t.T @ inner - inner @ t.T
    turn = turn if z_bar is None else turn + z.T @ z_bar
    rest = np.zeros(t.size, dtype=t.dtype)
    rest[zeros] = np.linalg.solve(system.T, np.ravel(turn - turn.T)[turned])
    return z @ (inner - np.reshape(rest, t.shape)) @ z.T


def form_tangents(t: Any, z: Any, a_dot: Any, below: Any) -> Any:
    """The tangents of the form of a matrix, and of the rotation to it."""
    system, zeros, turned = rotation_system(t, below)
    inner = z.T @ a_dot @ z
    lower = np.zeros(t.size, dtype=t.dtype)
    lower[turned] = np.linalg.solve(system, -np.ravel(inner)[zeros])
    half = np.reshape(lower, t.shape)
    turn = half - half.T
    return np.triu(inner + t @ turn - turn @ t, -below), z @ turn


def refuse_phases(t: Any) -> None:
    """The vectors of a complex form are determined but for their phases."""
    if np.iscomplexobj(t):
        raise NotImplementedError("the vectors of a complex form are determined but for their phases")


def refuse_blocks(t: Any) -> None:
    """Of a real form whose eigenvalues are not, the blocks on the diagonal are not upper triangular."""
    if np.any(np.diagonal(t, -1) != 0.0):
        raise np.linalg.LinAlgError("a Schur form is differentiated where all eigenvalues are real")


@defvjp(linalg.schur)
def _(
    ct: Any, out: Any, a: Array, output: Any = "real", lwork: Any = None, overwrite_a: Any = False,
    sort: Any = None, check_finite: Any = True,
) -> Any:  # fmt: skip
    refuse_stack(a)
    refuse_phases(out[0])
    refuse_blocks(out[0])
    return form_cotangent(out[0], out[1], ct[0], ct[1], 0)


@defjvp(linalg.schur)
def _(
    tangents: Any, out: Any, a: Array, output: Any = "real", lwork: Any = None, overwrite_a: Any = False,
    sort: Any = None, check_finite: Any = True,
) -> Any:  # fmt: skip
    refuse_stack(a)
    refuse_phases(out[0])
    refuse_blocks(out[0])
    t_dot, z_dot = form_tangents(out[0], out[1], tangents[0], 0)
    return (t_dot, z_dot) if sort is None else (t_dot, z_dot, None)


@defvjp(linalg.hessenberg)
def _(
    ct: Any, out: Any, a: Array, calc_q: Any = False, overwrite_a: Any = False, check_finite: Any = True
) -> Any:
    refuse_stack(a)
    refuse_phases(a)
    if calc_q:
        return form_cotangent(out[0], out[1], ct[0], ct[1], 1)
    return form_cotangent(out, linalg.hessenberg(a, True)[1], ct, None, 1)


@defjvp(linalg.hessenberg)
def _(
    tangents: Any, out: Any, a: Array, calc_q: Any = False, overwrite_a: Any = False,
    check_finite: Any = True,
) -> Any:  # fmt: skip
    refuse_stack(a)
    refuse_phases(a)
    h, q = out if calc_q else (out, linalg.hessenberg(a, True)[1])
    h_dot, q_dot = form_tangents(h, q, tangents[0], 1)
    return (h_dot, q_dot) if calc_q else h_dot


@defequal(linalg.polar)
def _(a: Any, side: Any = "right") -> Any:
    if side == "right":
        p = linalg.sqrtm(adjoint(a) @ a)
        return a @ np.linalg.inv(p), p
    p = linalg.sqrtm(a @ adjoint(a))
    return np.linalg.inv(p) @ a, p
