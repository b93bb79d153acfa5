"""Derivatives of `scipy.linalg`.

    x = linalg.solve(a, b, assume_a="pos")       b_bar = linalg.solve(a, x_bar, assume_a="pos")
    y = linalg.expm(a)                           a_bar = linalg.expm_frechet(a.T, y_bar)

What NumPy has under the same name takes NumPy's rule. A matrix that is declared symmetric gets a symmetric
cotangent, a triangular or banded one a cotangent that is 0 elsewhere, whatever else its array holds.

Functions of matrices are differentiated by the identity of Mathias (1996, A chain rule for matrix
functions, section 3): `f([[a, e], [0, a]])` has the derivative of `f` at `a` along `e` in its upper right
corner. The equations of Sylvester, Lyapunov and Riccati are their own adjoints; banded and Toeplitz matrices
are transposed in their storage. The LU rule is that of Jonasson, Sigurdsson, Yngvason, Ragnarsson and Melsted
(2020, Algorithm 1005, section 2).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import linalg

from .matrices import adjoint, diagonal, hermitian, hermitian_from_lower, inverse_gaps, real_part, transpose
from .register import Array, Unknown, defequal, defjvp, defvjp, nondifferentiable
from .scipy_special import total

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


# Solving


def outer(x: Any, y: Any) -> Any:
    """The sum of the outer products of the columns of `x` and `y`, each a vector or a matrix of columns."""
    return np.outer(x, y) if x.ndim == 1 else x @ transpose(y)


def structured(a_bar: Any, assume_a: Any) -> Any:
    """The cotangent of a matrix of which `assume_a` says what it is like."""
    if assume_a in ("sym", "symmetric"):
        return 0.5 * (a_bar + transpose(a_bar))
    if assume_a in ("her", "hermitian", "pos", "positive definite"):
        return hermitian(a_bar)
    if assume_a == "diagonal":
        return a_bar * np.eye(a_bar.shape[-1], dtype=a_bar.dtype)
    if assume_a == "tridiagonal":
        return np.triu(np.tril(a_bar, 1), -1)
    if assume_a == "upper triangular":
        return np.triu(a_bar)
    return np.tril(a_bar) if assume_a == "lower triangular" else a_bar


def transposed_kind(assume_a: Any) -> Any:
    """What the transpose of such a matrix is like."""
    swapped = {"upper triangular": "lower triangular", "lower triangular": "upper triangular"}
    return swapped.get(assume_a, assume_a)


@defvjp(linalg.solve)
def _(
    ct: Any, out: Any, a: Array, b: Array, lower: Any = False, overwrite_a: Any = False,
    overwrite_b: Any = False, check_finite: Any = True, assume_a: Any = None, transposed: Any = False,
) -> Any:  # fmt: skip
    if transposed:
        b_bar = linalg.solve(a, ct, lower=lower, assume_a=assume_a)
        return structured(-outer(out, b_bar), assume_a), b_bar
    if assume_a is None or assume_a == "gen" or assume_a == "general":
        b_bar = linalg.solve(transpose(a), ct)
        return -outer(b_bar, out), b_bar
    b_bar = linalg.solve(transpose(a), ct, lower=not lower, assume_a=transposed_kind(assume_a))
    return structured(-outer(b_bar, out), assume_a), b_bar


@defjvp(linalg.solve)
def _(
    tangents: Any, out: Any, a: Array, b: Array, lower: Any = False, overwrite_a: Any = False,
    overwrite_b: Any = False, check_finite: Any = True, assume_a: Any = None, transposed: Any = False,
) -> Any:  # fmt: skip
    a_dot = None if tangents[0] is None else structured(tangents[0], assume_a)
    if transposed and a_dot is not None:
        a_dot = transpose(a_dot)
    side = right_side(a_dot, tangents[1], out)
    return linalg.solve(a, side, lower=lower, assume_a=assume_a, transposed=transposed)


def right_side(a_dot: Any, b_dot: Any, x: Any) -> Any:
    """`b_dot - a_dot @ x`, where one of the two may be absent."""
    if a_dot is None:
        return b_dot
    return -a_dot @ x if b_dot is None else b_dot - a_dot @ x


def triangle(a: Any, lower: Any, unit_diagonal: Any) -> Any:
    """The triangle of `a` that is read."""
    if lower:
        return np.tril(a, -1) if unit_diagonal else np.tril(a)
    return np.triu(a, 1) if unit_diagonal else np.triu(a)


@defvjp(linalg.solve_triangular)
def _(
    ct: Any, out: Any, a: Array, b: Array, trans: Any = 0, lower: Any = False, unit_diagonal: Any = False,
    overwrite_b: Any = False, check_finite: Any = True,
) -> Any:  # fmt: skip
    if trans in (0, "N"):
        b_bar = linalg.solve_triangular(a, ct, 1, lower, unit_diagonal)
        return triangle(-outer(b_bar, out), lower, unit_diagonal), b_bar
    if trans in (1, "T"):
        b_bar = linalg.solve_triangular(a, ct, 0, lower, unit_diagonal)
        return triangle(-outer(out, b_bar), lower, unit_diagonal), b_bar
    b_bar = np.conj(linalg.solve_triangular(a, np.conj(ct), 0, lower, unit_diagonal))
    return triangle(-np.conj(outer(out, b_bar)), lower, unit_diagonal), b_bar


@defjvp(linalg.solve_triangular)
def _(
    tangents: Any, out: Any, a: Array, b: Array, trans: Any = 0, lower: Any = False,
    unit_diagonal: Any = False, overwrite_b: Any = False, check_finite: Any = True,
) -> Any:  # fmt: skip
    a_dot = None if tangents[0] is None else triangle(tangents[0], lower, unit_diagonal)
    if a_dot is not None and trans not in (0, "N"):
        a_dot = transpose(a_dot) if trans in (1, "T") else adjoint(a_dot)
    side = right_side(a_dot, tangents[1], out)
    return linalg.solve_triangular(a, side, trans, lower, unit_diagonal)


@defvjp(linalg.cho_solve)
def _(
    ct: Any, out: Any, c_and_lower: Any, b: Array, overwrite_b: Any = False, check_finite: Any = True
) -> Any:
    c, lower = c_and_lower
    b_bar = linalg.cho_solve((np.conj(c), lower), ct)
    a_bar = -outer(b_bar, out)
    if lower:
        c_bar = np.tril((a_bar + adjoint(a_bar)) @ np.conj(np.tril(c)))
    else:
        c_bar = np.triu(np.conj(np.triu(c)) @ (a_bar + adjoint(a_bar)))
    return (c_bar, None), b_bar


@defjvp(linalg.cho_solve)
def _(
    tangents: Any, out: Any, c_and_lower: Any, b: Array, overwrite_b: Any = False, check_finite: Any = True
) -> Any:
    c, lower = c_and_lower
    a_dot = None
    if tangents[0] is not None and tangents[0][0] is not None:
        c_dot = tangents[0][0]
        half = np.tril(c_dot) @ adjoint(np.tril(c)) if lower else adjoint(np.triu(c)) @ np.triu(c_dot)
        a_dot = half + adjoint(half)
    return linalg.cho_solve((c, lower), right_side(a_dot, tangents[1], out))


@defvjp(linalg.cho_factor)
def _(
    ct: Any, out: Any, a: Array, lower: Any = False, overwrite_a: Any = False, check_finite: Any = True
) -> Any:
    # The other triangle is that of `a`.
    factor, factor_bar = out[0], ct[0]
    if lower:
        return cholesky_cotangent(np.tril(factor_bar), np.tril(factor)) + np.triu(factor_bar, 1)
    upper = cholesky_cotangent(adjoint(np.triu(factor_bar)), adjoint(np.triu(factor)))
    return upper + np.tril(factor_bar, -1)


def cholesky_cotangent(ct: Any, factor: Any) -> Any:
    """The cotangent of a matrix from that of its lower factor (Murray, 2016, section 3)."""
    inner = hermitian_from_lower(transpose(factor) @ ct)
    half = linalg.solve_triangular(factor, inner, 1, True)
    return 0.5 * linalg.solve_triangular(factor, adjoint(half), 1, True)


@defjvp(linalg.cho_factor)
def _(
    tangents: Any, out: Any, a: Array, lower: Any = False, overwrite_a: Any = False, check_finite: Any = True
) -> Any:
    a_dot = hermitian(tangents[0])
    factor = np.tril(out[0]) if lower else adjoint(np.triu(out[0]))
    half = linalg.solve_triangular(factor, a_dot, 0, True)
    inner = linalg.solve_triangular(factor, adjoint(half), 0, True)
    factor_dot = factor @ (np.tril(inner) - 0.5 * inner * np.eye(inner.shape[-1], dtype=inner.dtype))
    if lower:
        return factor_dot + np.triu(tangents[0], 1), None
    return adjoint(factor_dot) + np.tril(tangents[0], -1), None


# LU


@defvjp(linalg.lu_factor)
def _(ct: Any, out: Any, a: Array, overwrite_a: Any = False, check_finite: Any = True) -> Any:
    rows = linalg.lu(a, p_indices=True)[0]
    return lu_cotangent(np.tril(ct[0], -1), np.triu(ct[0]), out[0])[rows]


def lu_cotangent(lower_bar: Any, upper_bar: Any, lu: Any) -> Any:
    """The cotangent of the product of the factors that `lu` holds, from those of the factors."""
    lower, upper = np.tril(lu, -1) + np.eye(lu.shape[-1], dtype=lu.dtype), np.triu(lu)
    inner = np.tril(lower.T @ lower_bar, -1) + np.triu(upper_bar @ upper.T)
    half = linalg.solve_triangular(lower, inner, 1, True, True)
    return linalg.solve_triangular(upper, half.T).T


@defjvp(linalg.lu_factor)
def _(tangents: Any, out: Any, a: Array, overwrite_a: Any = False, check_finite: Any = True) -> Any:
    rows = np.argsort(linalg.lu(a, p_indices=True)[0])
    lower_dot, upper_dot = lu_tangents(tangents[0][rows], out[0])
    return lower_dot + upper_dot, None


def lu_tangents(a_dot: Any, lu: Any) -> Any:
    """The tangents of the factors that `lu` holds, from that of their product."""
    lower, upper = np.tril(lu, -1) + np.eye(lu.shape[-1], dtype=lu.dtype), np.triu(lu)
    half = linalg.solve_triangular(lower, a_dot, 0, True, True)
    inner = linalg.solve_triangular(upper, half.T, 1).T
    return lower @ np.tril(inner, -1), np.triu(inner) @ upper


@defvjp(linalg.lu_solve)
def _(
    ct: Any, out: Any, lu_and_piv: Any, b: Array, trans: Any = 0, overwrite_b: Any = False,
    check_finite: Any = True,
) -> Any:  # fmt: skip
    lu, pivots = lu_and_piv
    if trans == 0:
        b_bar = linalg.lu_solve((lu, pivots), ct, 1)
        left, right = factors_transposed(lu, ct), out
    else:
        b_bar = linalg.lu_solve((lu, pivots), ct, 0)
        left, right = factors_transposed(lu, b), b_bar
    product_bar = -outer(left, right)
    lower_bar, upper_bar = product_bar @ np.triu(lu).T, unit_lower(lu).T @ product_bar
    return (np.tril(lower_bar, -1) + np.triu(upper_bar), None), b_bar


def unit_lower(lu: Any) -> Any:
    """The lower factor that `lu` holds."""
    return np.tril(lu, -1) + np.eye(lu.shape[-1], dtype=lu.dtype)


def factors_transposed(lu: Any, b: Any) -> Any:
    """`x` such that the transposed product of the factors that `lu` holds, times `x`, is `b`."""
    return linalg.solve_triangular(lu, linalg.solve_triangular(lu, b, 1), 1, True, True)


@defjvp(linalg.lu_solve)
def _(
    tangents: Any, out: Any, lu_and_piv: Any, b: Array, trans: Any = 0, overwrite_b: Any = False,
    check_finite: Any = True,
) -> Any:  # fmt: skip
    lu, pivots = lu_and_piv
    out_dot = None if tangents[1] is None else linalg.lu_solve((lu, pivots), tangents[1], trans)
    if tangents[0] is None or tangents[0][0] is None:
        return out_dot
    lu_dot = tangents[0][0]
    product_dot = np.tril(lu_dot, -1) @ np.triu(lu) + unit_lower(lu) @ np.triu(lu_dot)
    if trans == 0:
        half = linalg.solve_triangular(lu, product_dot @ out, 0, True, True)
        change = linalg.solve_triangular(lu, half)
    else:
        change = linalg.lu_solve((lu, pivots), unpermuted(lu, product_dot, b), trans)
    return -change if out_dot is None else out_dot - change


def unpermuted(lu: Any, product_dot: Any, b: Any) -> Any:
    """The change of the right side, in a transposed system, that undoes that of the factors."""
    return product_dot.T @ factors_transposed(lu, b)


@defvjp(linalg.lu)
def _(
    ct: Any, out: Any, a: Array, permute_l: Any = False, overwrite_a: Any = False, check_finite: Any = True,
    p_indices: Any = False,
) -> Any:  # fmt: skip
    rows = linalg.lu(a, p_indices=True)[0]
    lower, upper = out[-2], out[-1]
    lower_bar, upper_bar = ct[-2], ct[-1]
    if permute_l:
        back = np.argsort(rows)
        lower, lower_bar = lower[back], None if lower_bar is None else lower_bar[back]
    lower_bar = np.zeros_like(lower) if lower_bar is None else lower_bar
    upper_bar = np.zeros_like(upper) if upper_bar is None else upper_bar
    return lu_cotangent(lower_bar, upper_bar, np.tril(lower, -1) + upper)[rows]


@defjvp(linalg.lu)
def _(
    tangents: Any, out: Any, a: Array, permute_l: Any = False, overwrite_a: Any = False,
    check_finite: Any = True, p_indices: Any = False,
) -> Any:  # fmt: skip
    rows = linalg.lu(a, p_indices=True)[0]
    back = np.argsort(rows)
    lower = out[-2][back] if permute_l else out[-2]
    lower_dot, upper_dot = lu_tangents(tangents[0][back], np.tril(lower, -1) + out[-1])
    if permute_l:
        return lower_dot[rows], upper_dot
    return None, lower_dot, upper_dot


# Eigenvalues, QR, polar factors

partial_vectors = Unknown("the eigenvectors of a part of the eigenvalues are not differentiated")
first_type = Unknown("a generalized eigenproblem is differentiated for `type=1` alone")


@defvjp(linalg.eigh)
def _(
    ct: Any, out: Any, a: Array, b: Any = None, *, lower: Any = True, eigvals_only: Any = False,
    overwrite_a: Any = False, overwrite_b: Any = False, type: Any = 1, check_finite: Any = True,
    subset_by_index: Any = None, subset_by_value: Any = None, driver: Any = None,
) -> Any:  # fmt: skip
    if type != 1:
        return first_type, first_type
    if eigvals_only:
        w, v = linalg.eigh(a, b, subset_by_index=subset_by_index, subset_by_value=subset_by_value)
        inner = ct[..., None] * np.eye(w.shape[-1], dtype=w.dtype)
    else:
        w, v = out
        if ct[1] is not None and not (subset_by_index is None and subset_by_value is None):
            return partial_vectors, partial_vectors
        inner = in_eigenvectors(ct[0], ct[1], w, v)
    a_bar = hermitian(np.conj(v) @ inner @ transpose(v))
    if b is None:
        return a_bar
    scaled = -inner * w
    if not eigvals_only and ct[1] is not None:
        scaled = scaled - 0.5 * (transpose(v) @ ct[1]) * np.eye(w.shape[-1], dtype=w.dtype)
    return a_bar, hermitian(np.conj(v) @ scaled @ transpose(v))


def in_eigenvectors(w_bar: Any, v_bar: Any, w: Any, v: Any) -> Any:
    """The cotangent of a Hermitian matrix in the basis of its eigenvectors `v`."""
    inner = 0.0 if w_bar is None else w_bar[..., None] * np.eye(w.shape[-1], dtype=w.dtype)
    if v_bar is None:
        return inner
    coupling = transpose(v) @ v_bar
    return inner + coupling * inverse_gaps(w, coupling)


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
    coupling = 0.0 if tangents[0] is None else adjoint(v) @ hermitian(tangents[0]) @ v
    stretch = 0.0
    if b is not None and tangents[1] is not None:
        metric = adjoint(v) @ hermitian(tangents[1]) @ v
        coupling, stretch = coupling - metric * w, 0.5 * diagonal(metric)
    w_dot = real_part(diagonal(coupling))
    if eigvals_only:
        return w_dot
    return w_dot, v @ (coupling * inverse_gaps(w, coupling)) - v * stretch


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


@defequal(linalg.polar)
def _(a: Any, side: Any = "right") -> Any:
    if side == "right":
        p = linalg.sqrtm(adjoint(a) @ a)
        return a @ np.linalg.inv(p), p
    p = linalg.sqrtm(a @ adjoint(a))
    return np.linalg.inv(p) @ a, p


# Functions of matrices


def joined(a: Any, e: Any) -> Any:
    """The matrix `[[a, e], [0, a]]`."""
    return np.concatenate(
        [np.concatenate([a, e], axis=1), np.concatenate([np.zeros_like(e), a], axis=1)], axis=0
    )


def like(z: Any, a: Any) -> Any:
    """The cotangent `z`, real where `a` is."""
    return z if np.iscomplexobj(a) else np.real(z)


@defvjp(linalg.expm)
def _(ct: Any, out: Any, A: Array) -> Any:
    return linalg.expm_frechet(A.T, ct, compute_expm=False)


@defjvp(linalg.expm)
def _(tangents: Any, out: Any, A: Array) -> Any:
    return linalg.expm_frechet(A, tangents[0], compute_expm=False)


@defvjp(linalg.expm_frechet)
def _(
    ct: Any, out: Any, A: Array, E: Array, method: Any = None, compute_expm: Any = True,
    check_finite: Any = True,
) -> Any:  # fmt: skip
    n = A.shape[0]
    along = ct[1] if compute_expm else ct
    alone = ct[0] if compute_expm else None
    if along is None:
        return linalg.expm_frechet(A.T, alone, compute_expm=False)
    zero = np.zeros_like(along)
    corner = np.concatenate(
        [np.concatenate([zero, along], axis=1), np.concatenate([zero, zero], axis=1)], axis=0
    )
    whole = linalg.expm_frechet(joined(A, E).T, corner, compute_expm=False)
    A_bar = whole[:n, :n] + whole[n:, n:]
    if alone is not None:
        A_bar = A_bar + linalg.expm_frechet(A.T, alone, compute_expm=False)
    return A_bar, whole[:n, n:]


@defjvp(linalg.expm_frechet)
def _(
    tangents: Any, out: Any, A: Array, E: Array, method: Any = None, compute_expm: Any = True,
    check_finite: Any = True,
) -> Any:  # fmt: skip
    n = A.shape[0]
    A_dot = np.zeros_like(A) if tangents[0] is None else tangents[0]
    E_dot = np.zeros_like(E) if tangents[1] is None else tangents[1]
    whole = linalg.expm_frechet(joined(A, E), joined(A_dot, E_dot), compute_expm=False)
    return (whole[:n, :n], whole[:n, n:]) if compute_expm else whole[:n, n:]


def declare_matrix_function(fn: Any) -> None:
    """Declare a function of a matrix by its own value at a larger one."""

    @defvjp(fn)
    def _(ct: Any, out: Any, A: Array) -> Any:
        n = A.shape[0]
        return like(fn(joined(A.T, ct))[:n, n:], A)

    @defjvp(fn)
    def _(tangents: Any, out: Any, A: Array) -> Any:
        n = A.shape[0]
        return fn(joined(A, tangents[0]))[:n, n:]


for _fn in (linalg.logm, linalg.cosm, linalg.sinm, linalg.tanm, linalg.coshm, linalg.sinhm, linalg.tanhm):
    declare_matrix_function(_fn)


@defvjp(linalg.sqrtm)
def _(ct: Any, out: Any, A: Array) -> Any:
    return like(linalg.solve_sylvester(out.T, out.T, ct), A)


@defjvp(linalg.sqrtm)
def _(tangents: Any, out: Any, A: Array) -> Any:
    return linalg.solve_sylvester(out, out, tangents[0])


@defvjp(linalg.fractional_matrix_power)
def _(ct: Any, out: Any, A: Array, t: Any) -> Any:
    n = A.shape[0]
    A_bar = linalg.fractional_matrix_power(joined(A.T, ct), t)[:n, n:]
    return like(A_bar, A), np.real(np.sum(ct * (out @ linalg.logm(A))))


@defjvp(linalg.fractional_matrix_power)
def _(tangents: Any, out: Any, A: Array, t: Any) -> Any:
    n = A.shape[0]
    out_dot = 0.0
    if tangents[0] is not None:
        out_dot = linalg.fractional_matrix_power(joined(A, tangents[0]), t)[:n, n:]
    if len(tangents) > 1 and tangents[1] is not None:
        out_dot = out_dot + tangents[1] * (out @ linalg.logm(A))
    return out_dot


# Matrix equations


@defvjp(linalg.solve_sylvester)
def _(ct: Any, out: Any, a: Array, b: Array, q: Array) -> Any:
    q_bar = linalg.solve_sylvester(a.T, b.T, ct)
    return -q_bar @ out.T, -out.T @ q_bar, q_bar


@defjvp(linalg.solve_sylvester)
def _(tangents: Any, out: Any, a: Array, b: Array, q: Array) -> Any:
    side = 0.0 if tangents[2] is None else tangents[2]
    side = side if tangents[0] is None else side - tangents[0] @ out
    side = side if tangents[1] is None else side - out @ tangents[1]
    return linalg.solve_sylvester(a, b, side)


@defequal(linalg.solve_continuous_lyapunov, linalg.solve_lyapunov)
def _(a: Any, q: Any) -> Any:
    return linalg.solve_sylvester(a, adjoint(a), q)


@defvjp(linalg.solve_discrete_lyapunov)
def _(ct: Any, out: Any, a: Array, q: Array, method: Any = None) -> Any:
    q_bar = linalg.solve_discrete_lyapunov(a.T, ct)
    from_left = q_bar @ np.conj(a) @ out.T
    from_right = transpose(np.conj(out).T @ adjoint(a) @ np.conj(q_bar)) if np.iscomplexobj(a) else (
        q_bar.T @ a @ out
    )
    return from_left + from_right, q_bar


@defjvp(linalg.solve_discrete_lyapunov)
def _(tangents: Any, out: Any, a: Array, q: Array, method: Any = None) -> Any:
    side = 0.0 if tangents[1] is None else tangents[1]
    if tangents[0] is not None:
        side = side + tangents[0] @ out @ adjoint(a) + a @ out @ adjoint(tangents[0])
    return linalg.solve_discrete_lyapunov(a, side)


@defvjp(linalg.solve_continuous_are)
def _(
    ct: Any, out: Any, a: Array, b: Array, q: Array, r: Array, e: Any = None, s: Any = None,
    balanced: Any = True,
) -> Any:  # fmt: skip
    if e is not None or s is not None:
        return generalized, generalized, generalized, generalized, generalized, generalized
    gain = np.linalg.solve(r, b.T @ out)
    y = hermitian(linalg.solve_continuous_lyapunov(a - b @ gain, -ct))
    return 2.0 * out @ y, -2.0 * out @ y @ gain.T, y, gain @ y @ gain.T


generalized = Unknown("a generalized Riccati equation is not differentiated")


@defjvp(linalg.solve_continuous_are)
def _(
    tangents: Any, out: Any, a: Array, b: Array, q: Array, r: Array, e: Any = None, s: Any = None,
    balanced: Any = True,
) -> Any:  # fmt: skip
    gain = np.linalg.solve(r, b.T @ out)
    half = 0.0 if tangents[0] is None else out @ tangents[0]
    half = half if tangents[1] is None else half - out @ tangents[1] @ gain
    side = half + np.transpose(half)
    side = side if tangents[2] is None else side + hermitian(tangents[2])
    side = side if tangents[3] is None else side + gain.T @ hermitian(tangents[3]) @ gain
    return linalg.solve_continuous_lyapunov((a - b @ gain).T, -side)


# Banded and Toeplitz matrices


def transposed_bands(bands: Any, lower: Any, upper: Any) -> Any:
    """The bands of the transposed matrix: diagonal `k` becomes diagonal `-k`."""
    return np.stack([np.roll(bands[row], row - upper) for row in range(lower + upper, -1, -1)])


def bands_of_product(x: Any, y: Any, lower: Any, upper: Any) -> Any:
    """The bands of `outer(x, y)`, in the storage of `solve_banded`."""
    rows = [shifted(x, row - upper) * y for row in range(lower + upper + 1)]
    return np.stack([np.sum(row, axis=1) if row.ndim == 2 else row for row in rows])


def shifted(x: Any, k: Any) -> Any:
    """`x[j + k]` at `j`, and 0 past the ends."""
    if k == 0:
        return x
    zeros = np.zeros_like(x[: abs(k)])
    return np.concatenate([x[k:], zeros]) if k > 0 else np.concatenate([zeros, x[:k]])


@defvjp(linalg.solve_banded)
def _(
    ct: Any, out: Any, l_and_u: Any, ab: Array, b: Array, overwrite_ab: Any = False,
    overwrite_b: Any = False, check_finite: Any = True,
) -> Any:  # fmt: skip
    lower, upper = l_and_u
    b_bar = linalg.solve_banded((upper, lower), transposed_bands(ab, lower, upper), ct)
    return None, bands_of_product(-b_bar, out, lower, upper), b_bar


def bands_times(bands: Any, x: Any, lower: Any, upper: Any) -> Any:
    """The product of a banded matrix and `x`."""
    wide = bands if x.ndim == 1 else bands[..., None]
    return total([shifted(wide[row] * x, upper - row) for row in range(lower + upper + 1)])


@defjvp(linalg.solve_banded)
def _(
    tangents: Any, out: Any, l_and_u: Any, ab: Array, b: Array, overwrite_ab: Any = False,
    overwrite_b: Any = False, check_finite: Any = True,
) -> Any:  # fmt: skip
    lower, upper = l_and_u
    side = 0.0 if tangents[2] is None else tangents[2]
    if tangents[1] is not None:
        side = side - bands_times(tangents[1], out, lower, upper)
    return linalg.solve_banded((lower, upper), ab, side)


@defvjp(linalg.solve_toeplitz)
def _(ct: Any, out: Any, c_or_cr: Any, b: Array, check_finite: Any = True) -> Any:
    if isinstance(c_or_cr, tuple):
        c, r = c_or_cr
        # The first element of the row is not read: the diagonal is that of the column.
        b_bar = linalg.solve_toeplitz((np.concatenate([c[:1], r[1:]]), c), ct)
        c_bar, r_bar = toeplitz_cotangents(-b_bar, out, c)
        return (c_bar, r_bar), b_bar
    b_bar = linalg.solve_toeplitz((np.conj(c_or_cr), c_or_cr), ct)
    c_bar, r_bar = toeplitz_cotangents(-b_bar, out, c_or_cr)
    return c_bar + np.conj(r_bar), b_bar


def toeplitz_cotangents(x: Any, y: Any, c: Any) -> Any:
    """The cotangents of the first column and row of a Toeplitz matrix whose own is `outer(x, y)`."""
    columns = [(x, y)] if x.ndim == 1 else [(x[:, k], y[:, k]) for k in range(x.shape[1])]
    c_bar = total([linalg.hankel(u) @ v for u, v in columns])
    r_bar = total([linalg.hankel(v) @ u for u, v in columns])
    return c_bar, r_bar * (np.arange(c.shape[0]) > 0)


@defjvp(linalg.solve_toeplitz)
def _(tangents: Any, out: Any, c_or_cr: Any, b: Array, check_finite: Any = True) -> Any:
    side = 0.0 if tangents[1] is None else tangents[1]
    if isinstance(c_or_cr, tuple):
        c_dot, r_dot = (None, None) if tangents[0] is None else tangents[0]
        if c_dot is not None or r_dot is not None:
            c_dot = np.zeros_like(c_or_cr[0]) if c_dot is None else c_dot
            r_dot = np.zeros_like(c_or_cr[1]) if r_dot is None else r_dot
            side = side - linalg.toeplitz(c_dot, r_dot) @ out
    elif tangents[0] is not None:
        side = side - linalg.toeplitz(tangents[0]) @ out
    return linalg.solve_toeplitz(c_or_cr, side)


# Matrices made of vectors and blocks


@defequal(linalg.toeplitz)
def _(c: Any, r: Any = None) -> Any:
    row = np.conj(c) if r is None else r
    m, n = c.shape[0], row.shape[0]
    entries = np.concatenate([c[::-1], row[1:]])
    return entries[m - 1 - np.arange(m)[:, None] + np.arange(n)]


@defequal(linalg.hankel)
def _(c: Any, r: Any = None) -> Any:
    row = np.zeros_like(c) if r is None else r
    m, n = c.shape[0], row.shape[0]
    return np.concatenate([c, row[1:]])[np.arange(m)[:, None] + np.arange(n)]


@defequal(linalg.circulant)
def _(c: Any) -> Any:
    n = c.shape[0]
    return c[(np.arange(n)[:, None] - np.arange(n)) % n]


@defequal(linalg.khatri_rao)
def _(a: Any, b: Any) -> Any:
    return np.reshape(a[:, None, :] * b[None, :, :], (a.shape[0] * b.shape[0], a.shape[1]))


@defvjp(linalg.block_diag)
def _(ct: Any, out: Any, *arrs: Any) -> Any:
    bars: Any = ()
    i = j = 0
    for block in arrs:
        rows, columns = np.shape(np.atleast_2d(block))
        bars = (*bars, np.reshape(ct[i : i + rows, j : j + columns], np.shape(block)))
        i, j = i + rows, j + columns
    return bars


@defjvp(linalg.block_diag)
def _(tangents: Any, out: Any, *arrs: Any) -> Any:
    blocks = [np.zeros_like(a) if t is None else t for t, a in zip(tangents, arrs)]  # noqa: B905
    return linalg.block_diag(*blocks)
