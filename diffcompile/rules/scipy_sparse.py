"""Derivatives of the solvers of `scipy.sparse.linalg`, whose sparse matrix carries no derivative itself.

    x = spsolve(a, b)       b_bar = spsolve(a.T, x_bar)

The right side is differentiated by one more solve, with the transposed matrix and the same tolerances. A
sparse matrix that is made of data under differentiation is refused.
"""

from __future__ import annotations

from typing import Any

from scipy.sparse import linalg

from .register import Unknown, defjvp, defvjp

sparse_matrix = Unknown("a sparse matrix carries no derivative")


@defvjp(linalg.spsolve)
def _(ct: Any, out: Any, A: Any, b: Any, permc_spec: Any = None, use_umfpack: Any = True) -> Any:
    return sparse_matrix, linalg.spsolve(A.T, ct)


@defjvp(linalg.spsolve)
def _(tangents: Any, out: Any, A: Any, b: Any, permc_spec: Any = None, use_umfpack: Any = True) -> Any:
    return linalg.spsolve(A, tangents[1])


def declare_symmetric(fn: Any) -> None:
    """A solver of symmetric systems."""

    @defvjp(fn)
    def _(
        ct: Any, out: Any, A: Any, b: Any, x0: Any = None, *, rtol: Any = 1e-5, atol: Any = 0.0,
        maxiter: Any = None, M: Any = None, callback: Any = None,
    ) -> Any:  # fmt: skip
        return sparse_matrix, fn(A, ct[0], rtol=rtol, atol=atol, maxiter=maxiter, M=M)[0], None

    @defjvp(fn)
    def _(
        tangents: Any, out: Any, A: Any, b: Any, x0: Any = None, *, rtol: Any = 1e-5, atol: Any = 0.0,
        maxiter: Any = None, M: Any = None, callback: Any = None,
    ) -> Any:  # fmt: skip
        return fn(A, tangents[1], rtol=rtol, atol=atol, maxiter=maxiter, M=M)[0], None


def declare_general(fn: Any) -> None:
    """A solver of any systems; a preconditioner is not handed to the transposed one."""

    @defvjp(fn)
    def _(
        ct: Any, out: Any, A: Any, b: Any, x0: Any = None, *, rtol: Any = 1e-5, atol: Any = 0.0,
        maxiter: Any = None, M: Any = None, callback: Any = None,
    ) -> Any:  # fmt: skip
        return sparse_matrix, fn(A.T, ct[0], rtol=rtol, atol=atol, maxiter=maxiter)[0], None

    @defjvp(fn)
    def _(
        tangents: Any, out: Any, A: Any, b: Any, x0: Any = None, *, rtol: Any = 1e-5, atol: Any = 0.0,
        maxiter: Any = None, M: Any = None, callback: Any = None,
    ) -> Any:  # fmt: skip
        return fn(A, tangents[1], rtol=rtol, atol=atol, maxiter=maxiter, M=M)[0], None


declare_symmetric(linalg.cg)
declare_general(linalg.bicgstab)
declare_general(linalg.bicg)
