"""Derivatives of the solvers of `scipy.sparse.linalg`, whose sparse matrix carries no derivative itself.

    x = spsolve(a, b)       b_bar = spsolve(a.T, x_bar)

The right side is differentiated by one more solve, with the transposed matrix and the same tolerances, or the
same factors. A dense matrix in the place of a sparse one gets its cotangent; a sparse matrix that is made of
data under differentiation is refused. The solvers of least squares are in `scipy_least_squares.py`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.sparse import linalg

from . import scipy_least_squares
from .library import EVALUATED, POSITIONAL, USED, Evaluation
from .register import defjvp, defvjp
from .scipy_least_squares import sparse_matrix

__all__ = ["scipy_least_squares"]


def matrix_cotangent(A: Any, b_bar: Any, x: Any) -> Any:
    """The cotangent of the matrix of a system."""
    return -np.outer(b_bar, x) if isinstance(A, np.ndarray) else sparse_matrix


def right_side(A_dot: Any, b_dot: Any, x: Any) -> Any:
    """`b_dot - A_dot @ x`, where one of the two may be absent."""
    if A_dot is None:
        return b_dot
    return -A_dot @ x if b_dot is None else b_dot - A_dot @ x


@defvjp(linalg.spsolve)
def _(ct: Any, out: Any, A: Any, b: Any, permc_spec: Any = None, use_umfpack: Any = True) -> Any:
    return sparse_matrix, linalg.spsolve(A.T, ct)


@defjvp(linalg.spsolve)
def _(tangents: Any, out: Any, A: Any, b: Any, permc_spec: Any = None, use_umfpack: Any = True) -> Any:
    return linalg.spsolve(A, tangents[1])


@defvjp(linalg.spsolve_triangular)
def _(
    ct: Any, out: Any, A: Any, b: Any, lower: Any = True, overwrite_A: Any = False, overwrite_b: Any = False,
    unit_diagonal: Any = False,
) -> Any:  # fmt: skip
    transposed = A.T.tocsr()
    return sparse_matrix, linalg.spsolve_triangular(transposed, ct, not lower, unit_diagonal=unit_diagonal)


@defjvp(linalg.spsolve_triangular)
def _(
    tangents: Any, out: Any, A: Any, b: Any, lower: Any = True, overwrite_A: Any = False,
    overwrite_b: Any = False, unit_diagonal: Any = False,
) -> Any:  # fmt: skip
    return linalg.spsolve_triangular(A, tangents[1], lower, unit_diagonal=unit_diagonal)


# Solvers that iterate


def declare_symmetric(fn: Any) -> None:
    """A solver of symmetric systems, or Hermitian ones, whose transpose is the conjugate."""

    @defvjp(fn)
    def _(
        ct: Any, out: Any, A: Any, b: Any, x0: Any = None, *, rtol: Any = 1e-5, callback: Any = None,
        **options: Any,
    ) -> Any:  # fmt: skip
        b_bar = np.conj(fn(A, np.conj(ct[0]), rtol=rtol, **options)[0])
        return matrix_cotangent(A, b_bar, out[0]), b_bar, None

    @defjvp(fn)
    def _(
        tangents: Any, out: Any, A: Any, b: Any, x0: Any = None, *, rtol: Any = 1e-5, callback: Any = None,
        **options: Any,
    ) -> Any:  # fmt: skip
        return fn(A, right_side(tangents[0], tangents[1], out[0]), rtol=rtol, **options)[0], None


def declare_general(fn: Any) -> None:
    """A solver of any systems; a preconditioner is not handed to the transposed one."""

    @defvjp(fn)
    def _(
        ct: Any, out: Any, A: Any, b: Any, x0: Any = None, *, rtol: Any = 1e-5, M: Any = None,
        callback: Any = None, **options: Any,
    ) -> Any:  # fmt: skip
        b_bar = fn(A.T, ct[0], rtol=rtol, **options)[0]
        return matrix_cotangent(A, b_bar, out[0]), b_bar, None

    @defjvp(fn)
    def _(
        tangents: Any, out: Any, A: Any, b: Any, x0: Any = None, *, rtol: Any = 1e-5, M: Any = None,
        callback: Any = None, **options: Any,
    ) -> Any:  # fmt: skip
        return fn(A, right_side(tangents[0], tangents[1], out[0]), rtol=rtol, M=M, **options)[0], None


declare_symmetric(linalg.cg)
declare_symmetric(linalg.minres)
for _fn in (linalg.bicgstab, linalg.bicg, linalg.gmres, linalg.lgmres, linalg.cgs, linalg.tfqmr):
    declare_general(_fn)


# Factors, complete or not: what solves with them is linear in the right side


def declare_factors(maker: Any) -> None:
    """What makes factors of a matrix, whose method `solve` uses them."""
    POSITIONAL[maker] = ("A",)
    USED[maker] = {"solve": Evaluation(maker, 1, (("rhs", None), ("trans", "N")), "solve")}

    @defvjp(USED[maker]["solve"])
    def _(ct: Any, out: Any, A: Any, rhs: Any, trans: Any = "N", **options: Any) -> Any:
        return sparse_matrix, transposed_solve(maker(A, **options), ct, trans)

    @defjvp(USED[maker]["solve"])
    def _(tangents: Any, out: Any, A: Any, rhs: Any, trans: Any = "N", **options: Any) -> Any:
        return maker(A, **options).solve(tangents[1], trans)


def transposed_solve(factors: Any, b: Any, trans: Any) -> Any:
    """What solves with the transpose of what `trans` stands for."""
    if trans == "N":
        return factors.solve(b, "T")
    return factors.solve(b, "N") if trans == "T" else np.conj(factors.solve(np.conj(b), "N"))


declare_factors(linalg.splu)
declare_factors(linalg.spilu)

POSITIONAL[linalg.factorized] = ("A",)
EVALUATED[linalg.factorized] = Evaluation(linalg.factorized, 1, (("rhs", None),))


@defvjp(EVALUATED[linalg.factorized])
def _(ct: Any, out: Any, A: Any, rhs: Any) -> Any:
    return sparse_matrix, linalg.splu(A).solve(ct, "T")


@defjvp(EVALUATED[linalg.factorized])
def _(tangents: Any, out: Any, A: Any, rhs: Any) -> Any:
    return linalg.factorized(A)(tangents[1])


@defvjp(linalg.expm_multiply)
def _(ct: Any, out: Any, A: Any, B: Any, start: Any = None, stop: Any = None, num: Any = None) -> Any:
    if start is not None:
        raise NotImplementedError("the exponential at several times is not differentiated")
    return sparse_matrix, linalg.expm_multiply(A.T, ct)


@defjvp(linalg.expm_multiply)
def _(tangents: Any, out: Any, A: Any, B: Any, start: Any = None, stop: Any = None, num: Any = None) -> Any:
    if start is not None:
        raise NotImplementedError("the exponential at several times is not differentiated")
    return linalg.expm_multiply(A, tangents[1])
