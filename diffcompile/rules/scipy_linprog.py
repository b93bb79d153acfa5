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

from .register import Array, Unknown, defjvp, deflinear, defvjp, nondifferentiable
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


def vertex(A_ub: Any, b_ub: Any, A_eq: Any, bounds: Any, x: Any) -> Any:
    """The rows of the equations that a solution is the solution of, and which of the inequalities they are.

    First come those of `A_ub` that are tight, then all of `A_eq`, then the bounds.
    """
    below = np.zeros(0, dtype=bool) if A_ub is None else tight(A_ub, b_ub, x)
    held = np.eye(x.size)[at_bounds(bounds, x)]
    rows = held if A_eq is None else np.concatenate([A_eq, held])
    rows = rows if A_ub is None else np.concatenate([A_ub[below], rows])
    if rows.shape[0] != x.size:
        raise np.linalg.LinAlgError("a linear program has no derivative where its solution is degenerate")
    return rows, below


def where_unique(moved: Any, rows: Any, c: Any, first: Any, last: Any) -> Any:
    """What moves with a solution, if no other is as good: each inequality has a price."""
    prices = abs(np.linalg.solve(rows.T, c))
    if np.any(prices[:first] <= 1e-9) or np.any(prices[last:] <= 1e-9):
        raise np.linalg.LinAlgError("a linear program has no derivative where its solution is not unique")
    return moved


@deflinear(where_unique)
def _(ct: Any, out: Any, moved: Any, rows: Any, c: Any, first: Any, last: Any) -> Any:
    return where_unique(ct, rows, c, first, last)


@defvjp(optimize.linprog)
def _(
    ct: Any, out: Any, c: Array, A_ub: Array = None, b_ub: Array = None, A_eq: Array = None,
    b_eq: Array = None, bounds: Any = (0, None), method: Any = "highs", callback: Any = None,
    options: Any = None, x0: Any = None, integrality: Any = None,
) -> Any:  # fmt: skip
    if integrality is not None:
        raise NotImplementedError("an integer program is not differentiated")
    x = out.x
    rows, below = vertex(A_ub, b_ub, A_eq, bounds, x)
    first = np.sum(below)
    last = first if A_eq is None else first + A_eq.shape[0]
    x_bar = np.zeros_like(x) if ct[0] is None else where_unique(ct[0], rows, c, first, last)
    c_bar = None if ct[1] is None else ct[1] * x
    x_bar = x_bar if ct[1] is None else x_bar + ct[1] * c
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


@defjvp(optimize.linprog)
def _(
    tangents: Any, out: Any, c: Array, A_ub: Array = None, b_ub: Array = None, A_eq: Array = None,
    b_eq: Array = None, bounds: Any = (0, None), method: Any = "highs", callback: Any = None,
    options: Any = None, x0: Any = None, integrality: Any = None,
) -> Any:  # fmt: skip
    if integrality is not None:
        raise NotImplementedError("an integer program is not differentiated")
    c_dot, A_ub_dot, b_ub_dot, A_eq_dot, b_eq_dot, bounds_dot = padded(tangents)
    if bounds_dot is not None:
        return constant_bounds
    x = out.x
    rows, below = vertex(A_ub, b_ub, A_eq, bounds, x)
    first = np.sum(below)
    last = first if A_eq is None else first + A_eq.shape[0]
    side = np.zeros(x.size)
    if A_ub_dot is not None or b_ub_dot is not None:
        side[:first] = sides(A_ub_dot, b_ub_dot, x)[below]
    if A_eq_dot is not None or b_eq_dot is not None:
        side[first:last] = sides(A_eq_dot, b_eq_dot, x)
    x_dot = np.linalg.solve(rows, side)
    fun_dot = np.sum(c * x_dot) if c_dot is None else np.sum(c * x_dot) + np.sum(c_dot * x)
    return where_unique(x_dot, rows, c, first, last), fun_dot


def padded(tangents: Any) -> Any:
    """The tangents of the first six arguments, given or not."""
    return (*tangents, None, None, None, None, None)[:6]


def sides(A_dot: Any, b_dot: Any, x: Any) -> Any:
    """`b_dot - A_dot @ x`, where one of the two may be absent."""
    if A_dot is None:
        return b_dot
    return -(A_dot @ x) if b_dot is None else b_dot - A_dot @ x
