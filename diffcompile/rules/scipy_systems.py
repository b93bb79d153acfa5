"""Derivatives of the solvers of linear systems of `scipy.linalg`, and of the factors that they solve with.

    x = linalg.solve(a, b, assume_a="pos")       b_bar = linalg.solve(a, x_bar, assume_a="pos")

A matrix that is declared symmetric gets a symmetric cotangent, a triangular one a cotangent that is 0
elsewhere, whatever else its array holds. The LU rule is that of Jonasson, Sigurdsson, Yngvason, Ragnarsson
and Melsted (2020, Algorithm 1005, section 2).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import linalg

from .linalg import least_squares_cotangents, least_squares_tangents
from .matrices import adjoint, hermitian, hermitian_from_lower, refuse_stack, transpose
from .register import Array, defjvp, defvjp

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
    refuse_stack(a)
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
    refuse_stack(a)
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
    refuse_stack(a)
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
    refuse_stack(a)
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
    refuse_stack(a)
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
    refuse_stack(a)
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
    refuse_stack(a)
    rows = linalg.lu(a, p_indices=True)[0]
    return lu_cotangent(np.tril(ct[0], -1), np.triu(ct[0]), out[0])[rows]


def lu_cotangent(lower_bar: Any, upper_bar: Any, lu: Any) -> Any:
    """The cotangent of the product of the square factors that `lu` holds, from those of the factors."""
    lower, upper = unit_lower(lu), np.triu(lu)
    inner = np.tril(lower.T @ lower_bar, -1) + np.triu(upper_bar @ upper.T)
    half = linalg.solve_triangular(lower, inner, 1, True, True)
    return linalg.solve_triangular(upper, half.T).T


@defjvp(linalg.lu_factor)
def _(tangents: Any, out: Any, a: Array, overwrite_a: Any = False, check_finite: Any = True) -> Any:
    refuse_stack(a)
    rows = np.argsort(linalg.lu(a, p_indices=True)[0])
    lower_dot, upper_dot = lu_tangents(tangents[0][rows], out[0])
    return lower_dot + upper_dot, None


def lu_tangents(a_dot: Any, lu: Any) -> Any:
    """The tangents of the factors that `lu` holds, from that of their product."""
    lower, upper = unit_lower(lu), np.triu(lu)
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
    refuse_stack(a)
    rows = linalg.lu(a, p_indices=True)[0]
    lower, upper = out[-2], out[-1]
    lower_bar = np.zeros_like(lower) if ct[-2] is None else ct[-2]
    upper_bar = np.zeros_like(upper) if ct[-1] is None else ct[-1]
    if permute_l:
        back = np.argsort(rows)
        lower, lower_bar = lower[back], lower_bar[back]
    return factors_cotangent(lower_bar, upper_bar, lower, upper)[rows]


def factors_cotangent(lower_bar: Any, upper_bar: Any, lower: Any, upper: Any) -> Any:
    """The cotangent of the product of `lower` and `upper`, square or not.

    Of a tall matrix the rows below the square are `l @ u`, so `l` is those times the inverse of `u`; of a
    wide one the columns beside the square are likewise.
    """
    m, n = lower.shape[0], upper.shape[1]
    if m == n:
        return lu_cotangent(lower_bar, upper_bar, np.tril(lower, -1) + upper)
    if m > n:
        below = linalg.solve_triangular(upper, lower_bar[n:].T).T
        upper_bar = upper_bar - np.triu(lower[n:].T @ below)
        above = lu_cotangent(lower_bar[:n], upper_bar, np.tril(lower[:n], -1) + upper)
        return np.concatenate([above, below])
    beside = linalg.solve_triangular(lower, upper_bar[:, m:], 1, True, True)
    lower_bar = lower_bar - np.tril(beside @ upper[:, m:].T, -1)
    square = lu_cotangent(lower_bar, upper_bar[:, :m], np.tril(lower, -1) + upper[:, :m])
    return np.concatenate([square, beside], axis=1)


@defjvp(linalg.lu)
def _(
    tangents: Any, out: Any, a: Array, permute_l: Any = False, overwrite_a: Any = False,
    check_finite: Any = True, p_indices: Any = False,
) -> Any:  # fmt: skip
    refuse_stack(a)
    rows = linalg.lu(a, p_indices=True)[0]
    back = np.argsort(rows)
    lower = out[-2][back] if permute_l else out[-2]
    lower_dot, upper_dot = factors_tangents(tangents[0][back], lower, out[-1])
    if permute_l:
        return lower_dot[rows], upper_dot
    return None, lower_dot, upper_dot


def factors_tangents(a_dot: Any, lower: Any, upper: Any) -> Any:
    """The tangents of `lower` and `upper`, square or not, from that of their product."""
    m, n = lower.shape[0], upper.shape[1]
    if m == n:
        return lu_tangents(a_dot, np.tril(lower, -1) + upper)
    if m > n:
        lower_dot, upper_dot = lu_tangents(a_dot[:n], np.tril(lower[:n], -1) + upper)
        below = linalg.solve_triangular(upper, (a_dot[n:] - lower[n:] @ upper_dot).T, 1).T
        return np.concatenate([lower_dot, below]), upper_dot
    lower_dot, upper_dot = lu_tangents(a_dot[:, :m], np.tril(lower, -1) + upper[:, :m])
    change = a_dot[:, m:] - lower_dot @ upper[:, m:]
    beside = linalg.solve_triangular(lower, change, 0, True, True)
    return lower_dot, np.concatenate([upper_dot, beside], axis=1)


# Least squares


@defvjp(linalg.lstsq)
def _(
    ct: Any, out: Any, a: Array, b: Array, cond: Any = None, overwrite_a: Any = False,
    overwrite_b: Any = False, check_finite: Any = True, lapack_driver: Any = None,
) -> Any:  # fmt: skip
    refuse_stack(a)
    a_bar, b_bar = least_squares_cotangents(ct, out, a, b, np.finfo(a.dtype).eps if cond is None else cond)
    return a_bar, b_bar, 0.0


@defjvp(linalg.lstsq)
def _(
    tangents: Any, out: Any, a: Array, b: Array, cond: Any = None, overwrite_a: Any = False,
    overwrite_b: Any = False, check_finite: Any = True, lapack_driver: Any = None,
) -> Any:  # fmt: skip
    refuse_stack(a)
    rcond = np.finfo(a.dtype).eps if cond is None else cond
    return least_squares_tangents(tangents[0], tangents[1], out, a, b, rcond)
