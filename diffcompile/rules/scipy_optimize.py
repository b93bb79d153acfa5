"""Derivatives of solutions: roots, fixed points and minima of functions of the user.

    x = optimize.brentq(f, lo, hi)       f(x, a) = 0, so  a_bar = -x_bar / f_x * f_a

Nothing is traced through a solver's steps. A root of `f(x, a)` moves with `a` by the implicit function
theorem (Dieudonné, 1960, section 10.2): `f_x x_dot = -f_a a_dot`. Its adjoint solves one linear system with
the transposed Jacobian and sends the answer through the pullback of `f`. A fixed point is the root of
`f(x) - x`, a minimum the root of the gradient. A minimum value moves as `f` itself does at the minimum (the
envelope theorem). What a bound holds moves with the bound, and the rest as if that were a constant. Where the
Jacobian is singular there is no derivative, and NumPy says so. Fits of least squares are in `scipy_fits.py`.

A starting point, a bracket and a tolerance carry no derivative.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import optimize

from . import scipy_linprog
from .facts import is_literal
from .register import Unknown, defjvp, defvjp, nondifferentiable
from .solvers import Solver, calls_back, gradient_of, linearize, push

__all__ = ["scipy_linprog"]

# Systems of equations

calls_back(
    Solver("fun", ("vector x0",), fields=(("x", "vector x0"),), others=("jac",)),
    optimize.root,
)
calls_back(Solver("func", ("vector x0",), "vector x0", others=("fprime",)), optimize.fsolve)
calls_back(Solver("func", ("like x0",), "like x0"), optimize.fixed_point)

under_constraints = Unknown("a minimum under `constraints` does not move as the gradient says")
fixed_bounds = Unknown("the bounds of a minimum are constants")
no_full_output = Unknown("the result is not differentiated with `full_output`")
value_and_gradient = Unknown("a function that returns its value and its gradient is not differentiated here")


def jacobian_of(pull: Any, x: Any) -> Any:
    """The Jacobian with respect to the first argument, one row for each pullback of a unit vector."""
    return np.stack([pull(row)[0] for row in np.eye(x.size)])


def root_cotangents(ct: Any, fun: Any, x: Any, args: Any) -> Any:
    """The cotangents of `fun` and of `args`, where `fun(x, *args)` is 0: a linear solve, then a pullback."""
    _, pull = linearize(fun, x, *args)
    adjoint = np.linalg.solve(jacobian_of(pull, x).T, -ct)
    _, *args_bar, fun_bar = pull(adjoint)
    return fun_bar, tuple(args_bar)


def as_tuple(args: Any) -> Any:
    """Further arguments as SciPy takes them: one that is not a tuple stands alone."""
    return args if isinstance(args, tuple) else (args,)


def as_given(args_bar: Any, args: Any) -> Any:
    """The cotangents of `args`, in the form in which they were given."""
    return args_bar if isinstance(args, tuple) else args_bar[0]


def still(tangents: Any, f: Any, args: Any) -> Any:
    """Does nothing that a solution depends on move? `f` and `args` say where those two are."""
    return tangents[f] is None and tangents[args] is None


def in_step(args_dot: Any, args: Any) -> Any:
    """The tangents of `args`, one for each."""
    if args_dot is None:
        return (None,) * len(as_tuple(args))
    return args_dot if isinstance(args, tuple) else (args_dot,)


def aside(f: Any, x: Any, args: Any, args_dot: Any, f_dot: Any) -> Any:
    """The tangent of `f(x, *args)` where `x` stands still."""
    return push(f, (x, *as_tuple(args)), (None, *in_step(args_dot, args)), f_dot)[1]


def ahead(f: Any, x: Any, x_dot: Any, args: Any) -> Any:
    """The tangent of `f(x, *args)` where `x` alone moves."""
    return push(f, (x, *as_tuple(args)), (x_dot, *in_step(None, args)), None)[1]


def columns(f: Any, x: Any, args: Any) -> Any:
    """The Jacobian with respect to the first argument, one column for each unit vector that `x` moves by."""
    return np.stack([ahead(f, x, unit, args) for unit in np.eye(x.size)], axis=-1)


def root_tangent(f: Any, x: Any, args: Any, args_dot: Any, f_dot: Any) -> Any:
    """The tangent of `x`, where `f(x, *args)` is 0."""
    return np.linalg.solve(columns(f, x, args), -aside(f, x, args, args_dot, f_dot))


@defvjp(optimize.root)
def _(
    ct: Any, out: Any, fun: Any, x0: Any, args: Any = (), method: Any = "hybr", jac: Any = None,
    tol: Any = None, callback: Any = None, options: Any = None,
) -> Any:  # fmt: skip
    fun_bar, args_bar = root_cotangents(ct[0], fun, out.x, as_tuple(args))
    return fun_bar, no_step(x0), as_given(args_bar, args)


@defjvp(optimize.root)
def _(
    tangents: Any, out: Any, fun: Any, x0: Any, args: Any = (), method: Any = "hybr", jac: Any = None,
    tol: Any = None, callback: Any = None, options: Any = None,
) -> Any:  # fmt: skip
    if still(tangents, 0, 2):
        return None
    return (root_tangent(fun, out.x, args, tangents[2], tangents[0]),)


def no_step(x0: Any) -> Any:
    """The cotangent of a starting point: a solution does not depend on it."""
    return 0.0 if np.ndim(x0) == 0 else None


@defvjp(optimize.fsolve)
def _(
    ct: Any, out: Any, func: Any, x0: Any, args: Any = (), fprime: Any = None, full_output: Any = False,
    col_deriv: Any = False, xtol: Any = 1.49012e-08, maxfev: Any = 0, band: Any = None, epsfcn: Any = None,
    factor: Any = 100, diag: Any = None,
) -> Any:  # fmt: skip
    if full_output:
        return no_full_output, no_step(x0), no_full_output
    fun_bar, args_bar = root_cotangents(ct, func, out, as_tuple(args))
    return fun_bar, no_step(x0), as_given(args_bar, args)


@defjvp(optimize.fsolve)
def _(
    tangents: Any, out: Any, func: Any, x0: Any, args: Any = (), fprime: Any = None, full_output: Any = False,
    col_deriv: Any = False, xtol: Any = 1.49012e-08, maxfev: Any = 0, band: Any = None, epsfcn: Any = None,
    factor: Any = 100, diag: Any = None,
) -> Any:  # fmt: skip
    if still(tangents, 0, 2):
        return None
    if full_output:
        return no_full_output
    return root_tangent(func, out, args, tangents[2], tangents[0])


@defvjp(optimize.fixed_point)
def _(
    ct: Any, out: Any, func: Any, x0: Any, args: Any = (), xtol: Any = 1e-08, maxiter: Any = 500,
    method: Any = "del2",
) -> Any:  # fmt: skip
    _, pull = linearize(func, out, *as_tuple(args))
    if np.ndim(x0) == 0:
        slope = pull(1.0)[0]
        _, *args_bar, fun_bar = pull(ct / (1.0 - slope))
    else:
        adjoint = np.linalg.solve(np.eye(out.size) - jacobian_of(pull, out).T, ct)
        _, *args_bar, fun_bar = pull(adjoint)
    return fun_bar, no_step(x0), as_given(tuple(args_bar), args)


@defjvp(optimize.fixed_point)
def _(
    tangents: Any, out: Any, func: Any, x0: Any, args: Any = (), xtol: Any = 1e-08, maxiter: Any = 500,
    method: Any = "del2",
) -> Any:  # fmt: skip
    if still(tangents, 0, 2):
        return None
    step = aside(func, out, args, tangents[2], tangents[0])
    if np.ndim(x0) == 0:
        return step / (1.0 - ahead(func, out, 1.0, args))
    return np.linalg.solve(np.eye(out.size) - columns(func, out, args), step)


# One equation

calls_back(Solver("f", ("number",), "number"), optimize.brentq, optimize.brenth, optimize.bisect)
calls_back(Solver("f", ("number",), "number"), optimize.ridder, optimize.toms748)
calls_back(
    Solver("f", ("number",), fields=(("root", "number"),), others=("fprime", "fprime2")),
    optimize.root_scalar,
)
calls_back(Solver("func", ("like x0",), "like x0", others=("fprime", "fprime2")), optimize.newton)


def scalar_root_cotangents(ct: Any, f: Any, x: Any, args: Any) -> Any:
    """The cotangents of `f` and of `args`, where `f(x, *args)` is 0 and `x` a number."""
    _, pull = linearize(f, x, *args)
    slope = pull(1.0)[0]
    _, *args_bar, f_bar = pull(-ct / slope)
    return f_bar, tuple(args_bar)


def scalar_root_tangent(f: Any, x: Any, args: Any, args_dot: Any, f_dot: Any) -> Any:
    """The tangent of the number `x`, where `f(x, *args)` is 0."""
    return -aside(f, x, args, args_dot, f_dot) / ahead(f, x, 1.0, args)


@defvjp(optimize.brentq, optimize.brenth, optimize.bisect, optimize.ridder)
def _(
    ct: Any, out: Any, f: Any, a: Any, b: Any, args: Any = (), xtol: Any = 2e-12, rtol: Any = 8.9e-16,
    maxiter: Any = 100, full_output: Any = False, disp: Any = True,
) -> Any:  # fmt: skip
    if full_output:
        return no_full_output, 0.0, 0.0, no_full_output
    f_bar, args_bar = scalar_root_cotangents(ct, f, out, as_tuple(args))
    return f_bar, 0.0, 0.0, as_given(args_bar, args)


@defjvp(optimize.brentq, optimize.brenth, optimize.bisect, optimize.ridder)
def _(
    tangents: Any, out: Any, f: Any, a: Any, b: Any, args: Any = (), xtol: Any = 2e-12, rtol: Any = 8.9e-16,
    maxiter: Any = 100, full_output: Any = False, disp: Any = True,
) -> Any:  # fmt: skip
    if still(tangents, 0, 3):
        return None
    if full_output:
        return no_full_output
    return scalar_root_tangent(f, out, args, tangents[3], tangents[0])


@defvjp(optimize.toms748)
def _(
    ct: Any, out: Any, f: Any, a: Any, b: Any, args: Any = (), k: Any = 1, xtol: Any = 2e-12,
    rtol: Any = 8.9e-16, maxiter: Any = 100, full_output: Any = False, disp: Any = True,
) -> Any:  # fmt: skip
    if full_output:
        return no_full_output, 0.0, 0.0, no_full_output
    f_bar, args_bar = scalar_root_cotangents(ct, f, out, as_tuple(args))
    return f_bar, 0.0, 0.0, as_given(args_bar, args)


@defjvp(optimize.toms748)
def _(
    tangents: Any, out: Any, f: Any, a: Any, b: Any, args: Any = (), k: Any = 1, xtol: Any = 2e-12,
    rtol: Any = 8.9e-16, maxiter: Any = 100, full_output: Any = False, disp: Any = True,
) -> Any:  # fmt: skip
    if still(tangents, 0, 3):
        return None
    if full_output:
        return no_full_output
    return scalar_root_tangent(f, out, args, tangents[3], tangents[0])


@defvjp(optimize.root_scalar)
def _(
    ct: Any, out: Any, f: Any, args: Any = (), method: Any = None, bracket: Any = None, fprime: Any = None,
    fprime2: Any = None, x0: Any = None, x1: Any = None, xtol: Any = None, rtol: Any = None,
    maxiter: Any = None, options: Any = None,
) -> Any:  # fmt: skip
    f_bar, args_bar = scalar_root_cotangents(ct[0], f, out.root, as_tuple(args))
    return f_bar, as_given(args_bar, args), None, None, None, None, 0.0, 0.0


@defjvp(optimize.root_scalar)
def _(
    tangents: Any, out: Any, f: Any, args: Any = (), method: Any = None, bracket: Any = None,
    fprime: Any = None, fprime2: Any = None, x0: Any = None, x1: Any = None, xtol: Any = None,
    rtol: Any = None, maxiter: Any = None, options: Any = None,
) -> Any:  # fmt: skip
    if still(tangents, 0, 1):
        return None
    return (scalar_root_tangent(f, out.root, args, tangents[1], tangents[0]),)


@defvjp(optimize.newton)
def _(
    ct: Any, out: Any, func: Any, x0: Any, fprime: Any = None, args: Any = (), tol: Any = 1.48e-08,
    maxiter: Any = 50, fprime2: Any = None, x1: Any = None, rtol: Any = 0.0, full_output: Any = False,
    disp: Any = True,
) -> Any:  # fmt: skip
    if full_output:
        return no_full_output, no_step(x0), None, no_full_output
    _, pull = linearize(func, out, *as_tuple(args))
    # Of an array each element is a root of its own, so the Jacobian is diagonal.
    slope = pull(1.0 if np.ndim(x0) == 0 else np.ones_like(out))[0]
    _, *args_bar, func_bar = pull(-ct / slope)
    return func_bar, no_step(x0), None, as_given(tuple(args_bar), args)


@defjvp(optimize.newton)
def _(
    tangents: Any, out: Any, func: Any, x0: Any, fprime: Any = None, args: Any = (), tol: Any = 1.48e-08,
    maxiter: Any = 50, fprime2: Any = None, x1: Any = None, rtol: Any = 0.0, full_output: Any = False,
    disp: Any = True,
) -> Any:  # fmt: skip
    if still(tangents, 0, 3):
        return None
    if full_output:
        return no_full_output
    slope = ahead(func, out, 1.0 if np.ndim(x0) == 0 else np.ones_like(out), args)
    return -aside(func, out, args, tangents[3], tangents[0]) / slope


# Minima

calls_back(
    Solver("fun", ("vector x0",), fields=(("x", "vector x0"), ("fun", "number")), others=("jac", "hess")),
    optimize.minimize,
)
calls_back(
    Solver("fun", ("number",), fields=(("x", "number"), ("fun", "number"))), optimize.minimize_scalar
)


def minimum_cotangents(x_bar: Any, value_bar: Any, fun: Any, x: Any, args: Any) -> Any:
    """The cotangents of `fun` and of `args`, from those of the point and the value of its minimum."""
    if value_bar is None:
        return root_cotangents(x_bar, gradient_of(fun), x, args)
    _, pull = linearize(fun, x, *args)
    _, *args_bar, fun_bar = pull(value_bar)
    if x_bar is not None:
        fun_more, args_more = root_cotangents(x_bar, gradient_of(fun), x, args)
        fun_bar, args_bar = sums(fun_bar, fun_more), sums(args_bar, args_more)
    return tuple(fun_bar), tuple(args_bar)


def held_by(x: Any, slope: Any, hessian: Any, lower: Any, upper: Any) -> Any:
    """Which numbers of a minimum the lower bounds hold, and which the upper ones.

    A number is held where a step of Newton's along its axis would cross the bound (Hintermüller, Ito and
    Kunisch, 2002, The primal-dual active set strategy, section 2); one that only touches its bound is free.
    """
    curvature = np.maximum(np.abs(np.diagonal(hessian)), np.finfo(float).tiny)
    return (x - lower) * curvature < slope, (upper - x) * curvature < -slope


nondifferentiable(held_by)


def limits(bounds: Any) -> Any:
    """The lower and the upper bounds of a minimum, from an object or from pairs, where None is for none."""
    if isinstance(bounds, optimize.Bounds):
        return bounds.lb, bounds.ub
    lower = [-np.inf if low is None else low for low, _ in bounds]
    return np.array(lower), np.array([np.inf if high is None else high for _, high in bounds])


nondifferentiable(limits)


def with_held(hessian: Any, held: Any) -> Any:
    """The equations of a minimum of which some numbers are held: `hessian`, with rows of the unit matrix."""
    return np.where(held[:, None], np.eye(held.size), hessian)


def bounded_cotangents(
    x_bar: Any, value_bar: Any, fun: Any, x: Any, args: Any, lower: Any, upper: Any
) -> Any:
    """The cotangents of `fun`, of `args` and of both bounds, from those of a minimum between them."""
    slope, pull = linearize(gradient_of(fun), x, *args)
    hessian = jacobian_of(pull, x)
    low, high = held_by(x, slope, hessian, lower, upper)
    held = low | high
    edge_bar = np.zeros_like(x)
    if x_bar is not None:
        system = with_held(hessian, held)
        adjoint = np.linalg.solve(system.T, x_bar)
        _, *args_bar, fun_bar = pull(np.where(held, 0.0, -adjoint))
        edge_bar = edge_bar + adjoint
    if value_bar is not None:
        _, pull_value = linearize(fun, x, *args)
        _, *args_more, fun_more = pull_value(value_bar)
        edge_bar = edge_bar + value_bar * slope
        if x_bar is None:
            fun_bar, args_bar = fun_more, tuple(args_more)
        else:
            fun_bar, args_bar = sums(fun_bar, fun_more), sums(args_bar, args_more)
    return tuple(fun_bar), tuple(args_bar), np.where(low, edge_bar, 0.0), np.where(high, edge_bar, 0.0)


def bounded_tangent(
    fun: Any, x: Any, args: Any, args_dot: Any, fun_dot: Any, lower: Any, upper: Any, dots: Any
) -> Any:
    """The tangents of a minimum between bounds, of which `dots` are the tangents, and of its value."""
    gradient = gradient_of(fun)
    hessian, slope = columns(gradient, x, args), gradient(x, *as_tuple(args))
    low, high = held_by(x, slope, hessian, lower, upper)
    edge_dot = np.zeros_like(x)
    if dots[0] is not None:
        edge_dot = edge_dot + np.where(low, dots[0], 0.0)
    if dots[1] is not None:
        edge_dot = edge_dot + np.where(high, dots[1], 0.0)
    held = low | high
    system = with_held(hessian, held)
    if still((fun_dot, args_dot), 0, 1):
        return np.linalg.solve(system, edge_dot), np.sum(slope * edge_dot)
    side = np.where(held, edge_dot, -aside(gradient, x, args, args_dot, fun_dot))
    x_dot = np.linalg.solve(system, side)
    return x_dot, aside(fun, x, args, args_dot, fun_dot) + np.sum(slope * edge_dot)


def sums(xs: Any, ys: Any) -> Any:
    """The sums of cotangents, one by one."""
    return tuple([None if x is None else x + y for x, y in zip(xs, ys)])  # noqa: B905


@defvjp(optimize.minimize)
def _(
    ct: Any, out: Any, fun: Any, x0: Any, args: Any = (), method: Any = None, jac: Any = None,
    hess: Any = None, hessp: Any = None, bounds: Any = None, constraints: Any = None, tol: Any = None,
    callback: Any = None, options: Any = None,
) -> Any:  # fmt: skip
    if not is_literal(constraints) or constraints not in (None, ()):
        return under_constraints, no_step(x0), under_constraints
    if jac is True:
        return value_and_gradient, no_step(x0), value_and_gradient
    given = as_tuple(args)
    if bounds is None:
        fun_bar, args_bar = minimum_cotangents(ct[0], ct[1], fun, out.x, given)
    else:
        lower, upper = limits(bounds)
        fun_bar, args_bar, _, _ = bounded_cotangents(ct[0], ct[1], fun, out.x, given, lower, upper)
    return fun_bar, no_step(x0), as_given(args_bar, args), None, None, None, None, fixed_bounds


@defjvp(optimize.minimize)
def _(
    tangents: Any, out: Any, fun: Any, x0: Any, args: Any = (), method: Any = None, jac: Any = None,
    hess: Any = None, hessp: Any = None, bounds: Any = None, constraints: Any = None, tol: Any = None,
    callback: Any = None, options: Any = None,
) -> Any:  # fmt: skip
    if not is_literal(constraints) or constraints not in (None, ()):
        return under_constraints
    if (*tangents, *(None,) * 8)[7] is not None:
        return fixed_bounds
    if still(tangents, 0, 2):
        return None
    if jac is True:
        return value_and_gradient
    x = out.x
    if bounds is not None:
        lower, upper = limits(bounds)
        return bounded_tangent(fun, x, args, tangents[2], tangents[0], lower, upper, (None, None))
    x_dot = root_tangent(gradient_of(fun), x, args, tangents[2], tangents[0])
    return x_dot, aside(fun, x, args, tangents[2], tangents[0])


def held_between(x: Any, slope: Any, curvature: Any, bounds: Any) -> Any:
    """Is a number held by the lower bound, and by the upper one, as `held_by` says?"""
    steep = max(abs(curvature), np.finfo(float).tiny)
    return (x - bounds[0]) * steep < slope, (bounds[1] - x) * steep < -slope


nondifferentiable(held_between)


def bounded_number_cotangents(ct: Any, fun: Any, x: Any, args: Any, bounds: Any) -> Any:
    """The cotangents of `fun`, of `args` and of the bounds of a minimum between two numbers."""
    slope, pull = linearize(gradient_of(fun), x, *args)
    curvature = pull(1.0)[0]
    low, high = held_between(x, slope, curvature, bounds)
    edge_bar = 0.0
    if ct[0] is not None:
        _, *args_bar, fun_bar = pull(0.0 if low or high else -ct[0] / curvature)
        edge_bar = edge_bar + ct[0]
    if ct[1] is not None:
        _, pull_value = linearize(fun, x, *args)
        _, *args_more, fun_more = pull_value(ct[1])
        edge_bar = edge_bar + ct[1] * slope
        if ct[0] is None:
            fun_bar, args_bar = fun_more, tuple(args_more)
        else:
            fun_bar, args_bar = sums(fun_bar, fun_more), sums(args_bar, args_more)
    return tuple(fun_bar), tuple(args_bar), (edge_bar if low else 0.0, edge_bar if high else 0.0)


def bounded_number_tangent(fun: Any, x: Any, args: Any, dots: Any, bounds: Any) -> Any:
    """The tangents of a minimum between two numbers and of its value, from those of what it is given."""
    fun_dot, _, bounds_dot, args_dot = dots
    slope, curvature = gradient_of(fun)(x, *as_tuple(args)), ahead(gradient_of(fun), x, 1.0, args)
    low, high = held_between(x, slope, curvature, bounds)
    edge_dot = 0.0
    if bounds_dot is not None:
        lower_dot = 0.0 if bounds_dot[0] is None else bounds_dot[0]
        upper_dot = 0.0 if bounds_dot[1] is None else bounds_dot[1]
        edge_dot = lower_dot if low else upper_dot if high else 0.0
    if still((fun_dot, args_dot), 0, 1):
        return edge_dot, slope * edge_dot
    moved = -aside(gradient_of(fun), x, args, args_dot, fun_dot) / curvature
    value_dot = aside(fun, x, args, args_dot, fun_dot)
    return edge_dot if low or high else moved, value_dot + slope * edge_dot


@defvjp(optimize.minimize_scalar)
def _(
    ct: Any, out: Any, fun: Any, bracket: Any = None, bounds: Any = None, args: Any = (), method: Any = None,
    tol: Any = None, options: Any = None,
) -> Any:  # fmt: skip
    x = out.x
    if bounds is not None:
        fun_bar, args_bar, bounds_bar = bounded_number_cotangents(ct, fun, x, as_tuple(args), bounds)
        return fun_bar, None, bounds_bar, as_given(args_bar, args)
    if ct[0] is not None:
        fun_bar, args_bar = scalar_root_cotangents(ct[0], gradient_of(fun), x, as_tuple(args))
    if ct[1] is not None:
        _, pull = linearize(fun, x, *as_tuple(args))
        _, *args_more, fun_more = pull(ct[1])
        if ct[0] is None:
            fun_bar, args_bar = fun_more, tuple(args_more)
        else:
            fun_bar, args_bar = sums(fun_bar, fun_more), sums(args_bar, args_more)
    return fun_bar, None, None, as_given(args_bar, args)


@defjvp(optimize.minimize_scalar)
def _(
    tangents: Any, out: Any, fun: Any, bracket: Any = None, bounds: Any = None, args: Any = (),
    method: Any = None, tol: Any = None, options: Any = None,
) -> Any:  # fmt: skip
    x = out.x
    if bounds is not None:
        return bounded_number_tangent(fun, x, args, (*tangents, *(None,) * 4)[:4], bounds)
    if still(tangents, 0, 3):
        return None
    x_dot = scalar_root_tangent(gradient_of(fun), x, args, tangents[3], tangents[0])
    return x_dot, aside(fun, x, args, tangents[3], tangents[0])
