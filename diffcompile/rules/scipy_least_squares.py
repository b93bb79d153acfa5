"""Derivatives of the solvers of damped least squares of `scipy.sparse.linalg`.

    x = lsqr(A, b, damp)[0]       b_bar = lsqr(A.T, x_bar, damp)[0]

A solution satisfies the normal equations `N (x - x0) = A.T (b - A x0)`, `N = A.T A + damp**2 I`, so with the
error `e = b - A x` it moves by

    N x_dot = A.T (b_dot - A_dot x) + A_dot.T e - 2 damp damp_dot (x - x0) + damp**2 x0_dot

(Björck, 1996, Numerical Methods for Least Squares Problems, sections 1.4.3 and 2.7.2). The transposed
pseudo-inverse, damped or not, is that of the transposed matrix, which is the solver's own work. `N` is never
formed for a dense matrix: its inverse is `p p.T`, where `p` is the pseudo-inverse of `A` with `damp I` below
it. Without damping that holds at any rank, as in `numpy.linalg.lstsq`: where `A` lacks full rank it is the
derivative along the matrices of the same rank. A sparse matrix carries no derivative; the equations with `N`
that its damping needs are solved by conjugate gradients.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.sparse import linalg

from .facts import is_literal
from .linalg import outer, right_side, solving_matrix
from .matrices import adjoint
from .register import Array, Unknown, defjvp, defvjp

sparse_matrix = Unknown("a sparse matrix carries no derivative")
only_solution = Unknown("of what a solver of least squares returns, the solution alone is differentiated")


# The equations with `N`


def solve_normal(A: Any, w: Any, damp: Any, rtol: Any) -> Any:
    """`u` such that `(A.T @ A + damp**2 * I) @ u` is `w`, in the range of `A.T` where `damp` is 0."""
    factor = linalg.aslinearoperator(A)
    normal = linalg.LinearOperator(
        (w.size, w.size), lambda u: factor.rmatvec(factor.matvec(u)) + damp**2 * u, dtype=factor.dtype
    )
    u, failed = linalg.cg(normal, w, rtol=max(rtol, 1e-14), maxiter=100 * w.size)
    if failed:
        raise np.linalg.LinAlgError("the derivative of a damped solution does not converge")
    return u


@defvjp(solve_normal)
def _(ct: Any, out: Any, A: Any, w: Any, damp: Any, rtol: Any) -> Any:
    w_bar = np.conj(solve_normal(A, np.conj(ct), damp, rtol))
    return sparse_matrix, w_bar, -2.0 * damp * np.sum(w_bar * out), None


@defjvp(solve_normal)
def _(tangents: Any, out: Any, A: Any, w: Any, damp: Any, rtol: Any) -> Any:
    if tangents[0] is not None:
        return sparse_matrix
    if tangents[2] is None:
        return solve_normal(A, tangents[1], damp, rtol)
    change = -2.0 * damp * tangents[2] * out
    return solve_normal(A, change if tangents[1] is None else tangents[1] + change, damp, rtol)


def damped_below(A: Any, damp: Any) -> Any:
    """The matrix whose least squares are the damped ones of `A`: it has `damp * I` below."""
    if is_literal(damp) and damp == 0:
        return A
    return np.concatenate([A, damp * np.eye(A.shape[1], dtype=A.dtype)])


def moved_from(x: Any, x0: Any) -> Any:
    """What a solver added to its starting point."""
    return x if x0 is None else x - x0


# Reverse


def dense_cotangents(ct: Any, b_bar: Any, x: Any, z: Any, A: Any, b: Any, damp: Any) -> Any:
    """The cotangents of a dense matrix and of the damping, from those of the solution and the right side."""
    below = damped_below(A, damp)
    p = solving_matrix(below, None)
    image, source = p.T @ ct, np.conj(p.T) @ z
    error, rest = np.conj(b - A @ x), np.conj(ct - below.T @ image)
    lowest = np.conj(source)[: A.shape[0]]
    A_bar = outer(error, p @ np.conj(image)) - outer(b_bar, x) + outer(lowest, rest)
    return A_bar, -2.0 * damp * np.sum(image * source)


def solution_cotangents(ct: Any, b_bar: Any, x: Any, A: Any, b: Any, damp: Any, x0: Any, rtol: Any) -> Any:
    """The cotangents of the matrix, of the right side, of the damping and of the starting point."""
    z, right = moved_from(x, x0), np.ravel(b) if b.ndim > 1 else b
    if isinstance(A, np.ndarray):
        A_bar, damp_bar = dense_cotangents(ct, b_bar, x, z, A, right, damp)
    else:
        A_bar, damp_bar = sparse_matrix, -2.0 * damp * np.sum(ct * solve_normal(A, z, damp, rtol))
    x0_bar = None if x0 is None else ct - A.T @ b_bar
    return A_bar, np.reshape(b_bar, b.shape) if b.ndim > 1 else b_bar, damp_bar, x0_bar


@defvjp(linalg.lsqr)
def _(
    ct: Any, out: Any, A: Any, b: Array, damp: Any = 0.0, atol: Any = 1e-6, btol: Any = 1e-6,
    conlim: Any = 1e8, iter_lim: Any = None, show: Any = False, calc_var: Any = False, x0: Array = None,
) -> Any:  # fmt: skip
    if any([part is not None for part in ct[1:]]):
        return only_solution, only_solution, only_solution, None, None, None, None, None, None, only_solution
    b_bar = linalg.lsqr(A.T, ct[0], damp, atol, btol, conlim, iter_lim)[0]
    bars = solution_cotangents(ct[0], b_bar, out[0], A, b, used(damp), x0, atol)
    return *bars[:3], 0.0, 0.0, 0.0, None, None, None, bars[3]


@defvjp(linalg.lsmr)
def _(
    ct: Any, out: Any, A: Any, b: Array, damp: Any = 0.0, atol: Any = 1e-6, btol: Any = 1e-6,
    conlim: Any = 1e8, maxiter: Any = None, show: Any = False, x0: Array = None,
) -> Any:  # fmt: skip
    if any([part is not None for part in ct[1:]]):
        return only_solution, only_solution, only_solution, None, None, None, None, None, only_solution
    b_bar = linalg.lsmr(A.T, ct[0], damp, atol, btol, conlim, maxiter)[0]
    bars = solution_cotangents(ct[0], b_bar, out[0], A, b, damp, x0, atol)
    return *bars[:3], 0.0, 0.0, 0.0, None, None, bars[3]


def used(damp: Any) -> Any:
    """The damping that `lsqr` uses, which takes a negative one for none."""
    return damp if is_literal(damp) and damp >= 0 else np.maximum(damp, 0.0)


# Forward


def change_of_right_side(A: Any, x: Any, A_dot: Any, b_dot: Any, x0_dot: Any) -> Any:
    """How the right side of a problem moves that starts from 0; None where it stands still."""
    change = right_side(A_dot, None if b_dot is None else np.ravel(b_dot), x) if moves(A_dot, b_dot) else None
    if x0_dot is None:
        return change
    return -(A @ x0_dot) if change is None else change - A @ x0_dot


def moves(a_dot: Any, b_dot: Any) -> Any:
    """Does one of the two move?"""
    return a_dot is not None or b_dot is not None


def dense_tangent(A_dot: Any, damp_dot: Any, x: Any, z: Any, A: Any, b: Any, damp: Any) -> Any:
    """What a dense matrix, through its transpose, and the damping add to the tangent of a solution."""
    below = damped_below(A, damp)
    p = solving_matrix(below, None)
    source, x_dot = np.conj(p.T) @ z, None
    if A_dot is not None:
        back = adjoint(A_dot) @ source[: A.shape[0]]
        x_dot = p @ (adjoint(p) @ (adjoint(A_dot) @ (b - A @ x))) + back - p @ (below @ back)
    return x_dot if damp_dot is None else added(x_dot, -2.0 * damp * damp_dot * (p @ source))


def added(x_dot: Any, more: Any) -> Any:
    """The sum of two tangents, of which the first may be absent."""
    return more if x_dot is None else x_dot + more


def solution_tangent(solved: Any, dots: Any, x: Any, A: Any, b: Any, damp: Any, x0: Any, rtol: Any) -> Any:
    """The tangent of a solution; `solved` is what the solver makes of the change of the right side."""
    A_dot, damp_dot, x0_dot = dots
    z, right = moved_from(x, x0), np.ravel(b) if b.ndim > 1 else b
    x_dot = solved
    if moves(A_dot, damp_dot):
        if isinstance(A, np.ndarray):
            x_dot = added(x_dot, dense_tangent(A_dot, damp_dot, x, z, A, right, damp))
        else:
            x_dot = added(x_dot, -2.0 * damp * damp_dot * solve_normal(A, z, damp, rtol))
    return x_dot if x0_dot is None else added(x_dot, x0_dot)


@defjvp(linalg.lsqr)
def _(
    tangents: Any, out: Any, A: Any, b: Array, damp: Any = 0.0, atol: Any = 1e-6, btol: Any = 1e-6,
    conlim: Any = 1e8, iter_lim: Any = None, show: Any = False, calc_var: Any = False, x0: Array = None,
) -> Any:  # fmt: skip
    A_dot, b_dot, damp_dot, x0_dot = tangents[0], tangents[1], tangents[2], tangents[9]
    if A_dot is not None and not isinstance(A, np.ndarray):
        return sparse_matrix
    change = change_of_right_side(A, out[0], A_dot, b_dot, x0_dot)
    solved = None if change is None else linalg.lsqr(A, change, damp, atol, btol, conlim, iter_lim)[0]
    dots = (A_dot, damp_dot, x0_dot)
    return solution_tangent(solved, dots, out[0], A, b, used(damp), x0, atol), *(only_solution,) * 9


@defjvp(linalg.lsmr)
def _(
    tangents: Any, out: Any, A: Any, b: Array, damp: Any = 0.0, atol: Any = 1e-6, btol: Any = 1e-6,
    conlim: Any = 1e8, maxiter: Any = None, show: Any = False, x0: Array = None,
) -> Any:  # fmt: skip
    A_dot, b_dot, damp_dot, x0_dot = tangents[0], tangents[1], tangents[2], tangents[8]
    if A_dot is not None and not isinstance(A, np.ndarray):
        return sparse_matrix
    change = change_of_right_side(A, out[0], A_dot, b_dot, x0_dot)
    solved = None if change is None else linalg.lsmr(A, change, damp, atol, btol, conlim, maxiter)[0]
    dots = (A_dot, damp_dot, x0_dot)
    return solution_tangent(solved, dots, out[0], A, b, damp, x0, atol), *(only_solution,) * 7
