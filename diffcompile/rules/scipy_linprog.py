"""Derivatives of linear programs: `linprog`, at a vertex.

    x = optimize.linprog(c, A, b).x      A[tight] @ x = b[tight], so  b_bar[tight] = solve(A[tight].T, x_bar)

A solution is a vertex, where as many constraints are tight as there are unknowns: it moves as the solution of
their equations does, and not with the objective; the optimal value moves with the objective as the solution
says, besides. Where more or fewer constraints are tight, or another solution is as good, there is no
derivative, and an error says so.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import optimize

from .register import Array, Unknown, defvjp, nondifferentiable
from .solvers import Solver, calls_back

calls_back(Solver("", (), fields=(("x", "vector c"), ("fun", "number"))), optimize.linprog)

constant_bounds = Unknown("the bounds of a linear program are constants")


def tight(A: Any, b: Any, x: Any) -> Any:
    """Which rows of `A @ x <= b` are equations."""
    return abs(b - A @ x) <= 1e-8 * (1.0 + abs(b))


def at_bounds(bounds: Any, x: Any) -> Any:
    """Which unknowns are at one of their bounds."""
    alone = np.ndim(bounds) == 1 and len(bounds) == 2
    pairs = [bounds for _ in x] if alone or bounds is None else bounds
    held = [(0.0, None) if pair is None else pair for pair in pairs]
    low = np.array([-np.inf if a is None else a for a, _ in held], dtype=float)
    high = np.array([np.inf if b is None else b for _, b in held], dtype=float)
    return (abs(x - low) <= 1e-8) | (abs(x - high) <= 1e-8)


nondifferentiable(tight, at_bounds)


@defvjp(optimize.linprog)
def _(
    ct: Any, out: Any, c: Array, A_ub: Array = None, b_ub: Array = None, A_eq: Array = None,
    b_eq: Array = None, bounds: Any = (0, None), method: Any = "highs", callback: Any = None,
    options: Any = None, x0: Any = None, integrality: Any = None,
) -> Any:  # fmt: skip
    if integrality is not None:
        raise NotImplementedError("an integer program is not differentiated")
    x = out.x
    x_bar = np.zeros_like(x) if ct[0] is None else ct[0]
    c_bar = None if ct[1] is None else ct[1] * x
    x_bar = x_bar if ct[1] is None else x_bar + ct[1] * c
    below = np.zeros(0, dtype=bool) if A_ub is None else tight(A_ub, b_ub, x)
    held = np.eye(x.size)[at_bounds(bounds, x)]
    rows = held if A_eq is None else np.concatenate([A_eq, held])
    rows = rows if A_ub is None else np.concatenate([A_ub[below], rows])
    first = np.sum(below)
    last = first if A_eq is None else first + A_eq.shape[0]
    if rows.shape[0] != x.size:
        raise np.linalg.LinAlgError("a linear program has no derivative where its solution is degenerate")
    if ct[0] is not None:
        prices = abs(np.linalg.solve(rows.T, c))
        if np.any(prices[:first] <= 1e-9) or np.any(prices[last:] <= 1e-9):
            raise np.linalg.LinAlgError("a linear program has no derivative where its solution is not unique")
    adjoint = np.linalg.solve(rows.T, x_bar)
    A_ub_bar, b_ub_bar, A_eq_bar, b_eq_bar = None, None, None, None
    if A_ub is not None:
        b_ub_bar = np.zeros_like(b_ub)
        b_ub_bar[below] = adjoint[:first]
        A_ub_bar = -np.outer(b_ub_bar, x)
    if A_eq is not None:
        b_eq_bar = adjoint[first:last]
        A_eq_bar = -np.outer(b_eq_bar, x)
    return c_bar, A_ub_bar, b_ub_bar, A_eq_bar, b_eq_bar, constant_bounds
