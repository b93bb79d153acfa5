"""Facts of `scipy.linalg`."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import linalg

from ..ir.graph import Atom, Const
from ..ir.types import BOOL, INT, Type, array
from .shapes_core import (
    FALSE,
    NO,
    RULES,
    YES,
    Undecided,
    array_of,
    constant,
    facts,
    flag,
    is_none,
    shape_of,
)
from .shapes_lengths import Shape, fresh_dim, least
from .shapes_linalg import matrix, solver_dtype, square

FULL, RIGHT, REAL, ALL = Const("full"), Const("right"), Const("real"), Const("a")


def known_as(fn: Any, *args: Atom) -> Type:
    """What is known of a function of NumPy."""
    return RULES[fn].function(*args)


@facts(linalg.inv, linalg.cholesky)
def _(a: Atom, *options: Atom, **named: Atom) -> Type:
    return known_as(np.linalg.inv, a)


@facts(linalg.det)
def _(a: Atom, *options: Atom, **named: Atom) -> Type:
    return known_as(np.linalg.det, a)


@facts(linalg.pinv)
def _(a: Atom, return_rank: Atom = FALSE, **named: Atom) -> Type:
    if flag(return_rank):
        raise Undecided
    return known_as(np.linalg.pinv, a)


@facts(linalg.norm)
def _(a: Atom, ord: Atom = NO, axis: Atom = NO, keepdims: Atom = FALSE, check_finite: Atom = YES) -> Type:
    return known_as(np.linalg.norm, a, ord, axis, keepdims)


@facts(linalg.svdvals)
def _(a: Atom, *options: Atom, **named: Atom) -> Type:
    return known_as(np.linalg.svdvals, a)


@facts(linalg.svd)
def _(a: Atom, full_matrices: Atom = YES, compute_uv: Atom = YES, *options: Atom, **named: Atom) -> Type:
    return known_as(np.linalg.svd, a, full_matrices, compute_uv)


@facts(linalg.eigh)
def _(
    a: Atom,
    b: Atom = NO,
    eigvals_only: Atom = FALSE,
    subset_by_index: Atom = NO,
    subset_by_value: Atom = NO,
    **named: Atom,
) -> Type:
    x, batch, n = square(a)
    count = n if is_none(subset_by_index) and is_none(subset_by_value) else fresh_dim()
    dtype = solver_dtype(x) if is_none(b) else solver_dtype(x, array_of(b))
    values = array(known_as(np.linalg.eigvalsh, a).dtype if is_none(b) else None, (*batch, count))
    return values if flag(eigvals_only) else Type("tuple", items=(values, array(dtype, (*batch, n, count))))


def complex_of(x: Type) -> np.dtype | None:
    """The complex dtype in which LAPACK computes."""
    dtype = solver_dtype(x)
    return None if dtype is None else np.result_type(dtype, np.complex64)


@facts(linalg.eig)
def _(a: Atom, b: Atom = NO, left: Atom = FALSE, right: Atom = YES, *options: Atom, **named: Atom) -> Type:
    x, batch, n = square(a)
    complex_dtype = complex_of(x)
    values = array(complex_dtype, (*batch, n))
    if not flag(right) and not flag(left):
        return values
    if flag(right) and flag(left):
        raise Undecided
    # The vectors of a real matrix are real where its eigenvalues are.
    vectors = complex_dtype if solver_dtype(x) == complex_dtype else None
    return Type("tuple", items=(values, array(vectors, (*batch, n, n))))


@facts(linalg.eigh_tridiagonal)
def _(
    d: Atom, e: Atom, eigvals_only: Atom = FALSE, select: Atom = ALL, *options: Atom, **named: Atom
) -> Type:  # fmt: skip
    count = length(d)[0] if constant(select) in ("a", 0) else fresh_dim()
    values = array(solver_dtype(array_of(d), array_of(e)), (count,))
    vectors = array(values.dtype, (*length(d), count))
    return values if flag(eigvals_only) else Type("tuple", items=(values, vectors))


@facts(linalg.schur)
def _(
    a: Atom, output: Atom = REAL, lwork: Atom = NO, overwrite_a: Atom = FALSE, sort: Atom = NO,
    check_finite: Atom = YES,
) -> Type:  # fmt: skip
    x, batch, n = square(a)
    dtype = solver_dtype(x) if constant(output) in ("real", "r") else complex_of(x)
    form = array(dtype, (*batch, n, n))
    return Type("tuple", items=(form, form) if is_none(sort) else (form, form, INT))


@facts(linalg.lstsq)
def _(a: Atom, b: Atom, *options: Atom, **named: Atom) -> Type:
    x, residuals, rank, values = known_as(np.linalg.lstsq, a, b).items or (Type(), Type(), INT, Type())
    return Type("tuple", items=(x, array(residuals.dtype, None), INT, values))


@facts(linalg.eigvalsh)
def _(a: Atom, b: Atom = NO, subset_by_index: Atom = NO, subset_by_value: Atom = NO, **named: Atom) -> Type:
    if not (is_none(b) and is_none(subset_by_index) and is_none(subset_by_value)):
        return array(None, (fresh_dim(),))
    return known_as(np.linalg.eigvalsh, a)


def solution(b: Atom, *matrices: Type) -> Type:
    """The solution of a linear system with the right side `b`."""
    y = array_of(b)
    if not shape_of(y):
        raise Undecided
    return array(solver_dtype(*matrices, y), shape_of(y))


@facts(linalg.solve, linalg.solve_triangular)
def _(a: Atom, b: Atom, *options: Atom, **named: Atom) -> Type:
    x, batch, _n = square(a)
    if batch:
        raise Undecided
    return solution(b, x)


def first_of(pair: Atom) -> Type:
    """The array that stands first in a pair."""
    items = pair.type.items
    if not items or items[0].kind != "array":
        raise Undecided
    return items[0]


@facts(linalg.cho_solve, linalg.lu_solve, linalg.cho_solve_banded)
def _(pair: Atom, b: Atom, *options: Atom, **named: Atom) -> Type:
    return solution(b, first_of(pair))


@facts(linalg.cho_factor)
def _(a: Atom, lower: Atom = FALSE, *options: Atom, **named: Atom) -> Type:
    return Type("tuple", items=(known_as(np.linalg.inv, a), BOOL))


@facts(linalg.lu_factor)
def _(a: Atom, *options: Atom, **named: Atom) -> Type:
    x, batch, rows, columns = matrix(a)
    pivots = array(None, (*batch, least(rows, columns)))
    return Type("tuple", items=(array(solver_dtype(x), (*batch, rows, columns)), pivots))


@facts(linalg.lu)
def _(
    a: Atom,
    permute_l: Atom = FALSE,
    overwrite_a: Atom = FALSE,
    check_finite: Atom = YES,
    p_indices: Atom = FALSE,
) -> Type:
    x, batch, rows, columns = matrix(a)
    k, dtype = least(rows, columns), solver_dtype(x)
    factors = (array(dtype, (*batch, rows, k)), array(dtype, (*batch, k, columns)))
    if flag(permute_l):
        return Type("tuple", items=factors)
    if flag(p_indices):
        return Type("tuple", items=(array(None, (*batch, rows)), *factors))
    return Type("tuple", items=(array(None, (*batch, rows, rows)), *factors))


@facts(linalg.qr)
def _(
    a: Atom, overwrite_a: Atom = FALSE, lwork: Atom = NO, mode: Atom = FULL, pivoting: Atom = FALSE,
    check_finite: Atom = YES,
) -> Type:  # fmt: skip
    x, batch, rows, columns = matrix(a)
    dtype, k = solver_dtype(x), least(rows, columns)
    how = constant(mode)
    if flag(pivoting) or how not in ("full", "economic", "r"):
        raise Undecided
    if how == "r":
        return Type("tuple", items=(array(dtype, (*batch, rows, columns)),))
    inner = rows if how == "full" else k
    return Type("tuple", items=(array(dtype, (*batch, rows, inner)), array(dtype, (*batch, inner, columns))))


@facts(linalg.polar)
def _(a: Atom, side: Atom = RIGHT) -> Type:
    x, batch, rows, columns = matrix(a)
    n = columns if constant(side) == "right" else rows
    dtype = solver_dtype(x)
    return Type("tuple", items=(array(dtype, (*batch, rows, columns)), array(dtype, (*batch, n, n))))


@facts(linalg.expm)
def _(A: Atom) -> Type:  # noqa: N803
    return known_as(np.linalg.inv, A)


@facts(linalg.expm_frechet)
def _(
    A: Atom,  # noqa: N803
    E: Atom,  # noqa: N803
    method: Atom = NO,
    compute_expm: Atom = YES,
    check_finite: Atom = YES,
) -> Type:
    x, batch, n = square(A)
    out = array(solver_dtype(x, array_of(E)), (*batch, n, n))
    return Type("tuple", items=(out, out)) if flag(compute_expm) else out


@facts(linalg.sqrtm, linalg.logm, linalg.cosm, linalg.sinm, linalg.tanm)
@facts(linalg.coshm, linalg.sinhm, linalg.tanhm)
def _(A: Atom) -> Type:  # noqa: N803
    _x, batch, n = square(A)
    return array(None, (*batch, n, n))


@facts(linalg.solve_sylvester)
def _(a: Atom, b: Atom, q: Atom) -> Type:
    return solution(q, array_of(a), array_of(b))


@facts(linalg.solve_continuous_lyapunov, linalg.solve_lyapunov, linalg.solve_discrete_lyapunov)
def _(a: Atom, q: Atom, *options: Atom, **named: Atom) -> Type:
    return solution(q, array_of(a))


@facts(linalg.solve_continuous_are)
def _(a: Atom, *rest: Atom, **named: Atom) -> Type:
    return known_as(np.linalg.inv, a)


@facts(linalg.solve_banded)
def _(l_and_u: Atom, ab: Atom, b: Atom, *options: Atom, **named: Atom) -> Type:
    return solution(b, array_of(ab))


@facts(linalg.solveh_banded)
def _(ab: Atom, b: Atom, *options: Atom, **named: Atom) -> Type:
    return solution(b, array_of(ab))


@facts(linalg.solve_toeplitz)
def _(c_or_cr: Atom, b: Atom, check_finite: Atom = YES) -> Type:
    known = c_or_cr.type
    return solution(b, first_of(c_or_cr) if known.kind == "tuple" else array_of(c_or_cr))


def length(x: Atom) -> Shape:
    """The length of a vector."""
    shape = shape_of(array_of(x))
    if len(shape) != 1:
        raise Undecided
    return shape


@facts(linalg.toeplitz, linalg.hankel)
def _(c: Atom, r: Atom = NO) -> Type:
    if is_none(r):
        return array(array_of(c).dtype, (*length(c), *length(c)))
    return array(solver_dtype(array_of(c), array_of(r)), (*length(c), *length(r)))


@facts(linalg.circulant)
def _(c: Atom) -> Type:
    return array(array_of(c).dtype, (*length(c), *length(c)))


@facts(linalg.block_diag)
def _(*arrs: Atom) -> Type:
    return array(None, (fresh_dim(), fresh_dim()))




@facts(linalg.hessenberg)
def _(a: Atom, calc_q: Atom = FALSE, *options: Atom, **named: Atom) -> Type:
    known = known_as(np.linalg.inv, a)
    return Type("tuple", items=(known, known)) if flag(calc_q) else known


@facts(linalg.cholesky_banded)
def _(ab: Atom, *options: Atom, **named: Atom) -> Type:
    known = array_of(ab)
    return array(solver_dtype(known), shape_of(known))


@facts(linalg.qr_multiply)
def _(a: Atom, c: Atom, *options: Atom, **named: Atom) -> Type:
    x, other = array_of(a), array_of(c)
    product = array(solver_dtype(x, other), tuple(fresh_dim() for _ in shape_of(other)))
    return Type("tuple", items=(product, array(solver_dtype(x), (fresh_dim(), fresh_dim()))))
