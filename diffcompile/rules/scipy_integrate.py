"""Derivatives of integrals and of solutions of differential equations.

    y, error = integrate.quad(f, a, b)       b_bar = y_bar * f(b);  theta_bar = y_bar * quad(df/dtheta, a, b)

An integral moves with its limits by the integrand there, and with what the integrand depends on by the
integral of the derivative (Leibniz). A solution of `y' = f(t, y)` is differentiated by the adjoint equation
`lam' = -f_y.T @ lam`, integrated backwards from output to output beside a dense solution, with the method and
the tolerances of the call (Pontryagin; Chen, Rubanova, Bettencourt and Duvenaud, 2018, appendix B). Its
tangent is the solution of the equation beside its own tangent, `y_dot' = f_y @ y_dot + f_a @ a_dot`, solved
with it. The adjoint of that pair is what second derivatives are made of, in both modes (Cao, Li, Petzold and
Serban, 2003, Adjoint sensitivity analysis; Griewank and Walther, 2008, section 5.3). These are derivatives of
the exact solution, so they agree with the computed one as far as the tolerances reach; the times at which a
solver chose to stop are constants.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy import integrate, special

from .definitions import defines, unread
from .matrices import real_part
from .register import Unknown, defequal, defjvp, defvjp
from .scipy_optimize import as_given, as_tuple, in_step, no_step
from .solvers import (
    Solver,
    active_places,
    bound,
    calls_back,
    doubled,
    gradient_of,
    pullback_of,
    pulled_places,
    run_back,
    tangent_of,
    weighted_sum_of,
)

weighted_integral = Unknown("an integral with a `weight` is not differentiated")
calls_back(Solver("func", ("number",), "pair"), integrate.quad)
calls_back(Solver("f", ("number",), "callback"), integrate.quad_vec)


def leibniz(scale: Any, f: Any, a: Any, b: Any, args: Any, points: Any) -> Any:
    """The cotangents of the integrand and of its arguments: an integral for each that carries one."""
    args_places, captured_places = active_places(f, args)
    args_bar = [integral(scale, f, k, a, b, args, points) for k in args_places]
    return tuple([integral(scale, f, k, a, b, args, points) for k in captured_places]), tuple(args_bar)


def integral(scale: Any, f: Any, k: Any, a: Any, b: Any, args: Any, points: Any) -> Any:
    """The integral of the derivative of `f` with respect to its argument `k`."""
    if k is None:
        return None
    return scale * integrate.quad_vec(bound(gradient_of(f, k), *args), a, b, points=points)[0]


@defvjp(integrate.quad)
def _(
    ct: Any, out: Any, func: Any, a: Any, b: Any, args: Any = (), full_output: Any = 0,
    epsabs: Any = 1.49e-8, epsrel: Any = 1.49e-8, limit: Any = 50, points: Any = None, weight: Any = None,
    wvar: Any = None, wopts: Any = None, maxp1: Any = 50, limlst: Any = 50, complex_func: Any = False,
) -> Any:  # fmt: skip
    if weight is not None or complex_func:
        return weighted_integral, weighted_integral, weighted_integral, weighted_integral
    if ct[0] is None:
        return None, None, None, None
    given = as_tuple(args)
    func_bar, args_bar = leibniz(ct[0], func, a, b, given, points)
    a_bar, b_bar = -ct[0] * func(a, *given), ct[0] * func(b, *given)
    return func_bar, a_bar, b_bar, as_given(args_bar, args)


@defvjp(integrate.quad_vec)
def _(
    ct: Any, out: Any, f: Any, a: Any, b: Any, epsabs: Any = 1e-200, epsrel: Any = 1e-08, norm: Any = "2",
    cache_size: Any = 1e8, limit: Any = 10000, workers: Any = 1, points: Any = None, quadrature: Any = None,
    full_output: Any = False, *, args: Any = (),
) -> Any:  # fmt: skip
    if ct[0] is None:
        return None, None, None
    given = as_tuple(args)
    weighted = weighted_sum_of(f, ct[0])
    func_bar, args_bar = leibniz(1.0, weighted, a, b, given, points)
    a_bar, b_bar = -weighted(a, *given), weighted(b, *given)
    nothing = (None,) * 9
    return (func_bar[:-1], a_bar, b_bar, *nothing, as_given(args_bar, args))


def leibniz_tangent(f: Any, a: Any, b: Any, args: Any, dots: Any, points: Any) -> Any:
    """The tangent of an integral; `dots` are those of `f`, of its limits and of its arguments."""
    f_dot, a_dot, b_dot, args_dot = dots
    given = as_tuple(args)
    total = 0.0
    if b_dot is not None:
        total = total + b_dot * f(b, *given)
    if a_dot is not None:
        total = total - a_dot * f(a, *given)
    if f_dot is not None or args_dot is not None:
        moved = tangent_of(f, given, in_step(args_dot, args), f_dot)
        total = total + integrate.quad_vec(moved, a, b, points=points)[0]
    return total


@defjvp(integrate.quad)
def _(
    tangents: Any, out: Any, func: Any, a: Any, b: Any, args: Any = (), full_output: Any = 0,
    epsabs: Any = 1.49e-8, epsrel: Any = 1.49e-8, limit: Any = 50, points: Any = None, weight: Any = None,
    wvar: Any = None, wopts: Any = None, maxp1: Any = 50, limlst: Any = 50, complex_func: Any = False,
) -> Any:  # fmt: skip
    if weight is not None or complex_func:
        return weighted_integral
    return leibniz_tangent(func, a, b, args, tangents[:4], points), None


@defjvp(integrate.quad_vec)
def _(
    tangents: Any, out: Any, f: Any, a: Any, b: Any, epsabs: Any = 1e-200, epsrel: Any = 1e-08,
    norm: Any = "2", cache_size: Any = 1e8, limit: Any = 10000, workers: Any = 1, points: Any = None,
    quadrature: Any = None, full_output: Any = False, args: Any = (),
) -> Any:  # fmt: skip
    dots = (tangents[0], tangents[1], tangents[2], tangents[12])
    return leibniz_tangent(f, a, b, args, dots, points), None


# Integrals that are made of integrals, or of one sum

of_largest_error = (
    "the error of a nested integral is the largest of all that it is made of, and is not followed"
)


@defines(integrate.dblquad)
def _(
    func: Any, a: Any, b: Any, gfun: Any, hfun: Any, args: Any = (), epsabs: Any = 1.49e-8,
    epsrel: Any = 1.49e-8,
) -> Any:  # fmt: skip
    def slice_at(outer: Any) -> Any:
        low = gfun(outer) if callable(gfun) else gfun
        high = hfun(outer) if callable(hfun) else hfun
        options = {"epsabs": epsabs, "epsrel": epsrel}
        return integrate.quad(lambda inner: func(inner, outer, *args), low, high, **options)[0]

    return integrate.quad(slice_at, a, b, epsabs=epsabs, epsrel=epsrel)[0], unread(of_largest_error)


@defines(integrate.tplquad)
def _(
    func: Any, a: Any, b: Any, gfun: Any, hfun: Any, qfun: Any, rfun: Any, args: Any = (),
    epsabs: Any = 1.49e-8, epsrel: Any = 1.49e-8,
) -> Any:  # fmt: skip
    options = {"epsabs": epsabs, "epsrel": epsrel}

    def line(y: Any, x: Any) -> Any:
        low = qfun(x, y) if callable(qfun) else qfun
        high = rfun(x, y) if callable(rfun) else rfun
        return integrate.quad(lambda z: func(z, y, x, *args), low, high, **options)[0]

    def plane(x: Any) -> Any:
        low = gfun(x) if callable(gfun) else gfun
        high = hfun(x) if callable(hfun) else hfun
        return integrate.quad(lambda y: line(y, x), low, high, **options)[0]

    return integrate.quad(plane, a, b, **options)[0], unread(of_largest_error)


@defines(integrate.nquad)
def _(func: Any, ranges: Any, args: Any = None, opts: Any = None, full_output: Any = False) -> Any:
    if opts is not None or full_output:
        raise NotImplementedError("a nested integral is differentiated without `opts` and `full_output`")
    if len(ranges) > 3:
        raise NotImplementedError("a nested integral is differentiated in up to three variables")
    given = () if args is None else args
    of_x, of_y, last = ranges[0], ranges[0] if len(ranges) == 1 else ranges[1], ranges[-1]

    def over_x(*outer: Any) -> Any:
        low, high = of_x(*outer) if callable(of_x) else of_x
        return integrate.quad(lambda x: func(x, *outer), low, high)[0]

    def over_y(*outer: Any) -> Any:
        low, high = of_y(*outer) if callable(of_y) else of_y
        return integrate.quad(lambda y: over_x(y, *outer), low, high)[0]

    inner = func if len(ranges) == 1 else over_x if len(ranges) == 2 else over_y
    low, high = last(*given) if callable(last) else last
    return integrate.quad(lambda t: inner(t, *given), low, high)[0], unread(of_largest_error)


@defines(integrate.fixed_quad)
def _(func: Any, a: Any, b: Any, args: Any = (), n: Any = 5) -> Any:
    nodes, weights = special.roots_legendre(n)
    y = (b - a) * (nodes + 1) / 2.0 + a
    return (b - a) / 2.0 * np.sum(weights * func(y, *args), axis=-1), None


# Integrals of samples


@defequal(integrate.trapezoid)
def _(y: Any, x: Any = None, dx: Any = 1.0, axis: Any = -1) -> Any:
    return np.sum(trapezoids(y, x, dx, axis), axis=-1)


def trapezoids(y: Any, x: Any, dx: Any, axis: Any) -> Any:
    """The area of each trapezoid, along the last axis."""
    moved = np.moveaxis(y, axis, -1)
    means = (moved[..., 1:] + moved[..., :-1]) / 2.0
    if x is None:
        return means * dx
    steps = np.diff(x) if x.ndim == 1 else np.moveaxis(np.diff(x, axis=axis), axis, -1)
    return means * steps


@defequal(integrate.cumulative_trapezoid)
def _(y: Any, x: Any = None, dx: Any = 1.0, axis: Any = -1, initial: Any = None) -> Any:
    areas = np.cumsum(trapezoids(y, x, dx, axis), axis=-1)
    if initial is not None:
        areas = np.concatenate([np.zeros_like(areas[..., :1]), areas], axis=-1)
    return np.moveaxis(areas, -1, axis)


def weighted(ct: Any, weights: Any, axis: Any) -> Any:
    """The cotangent of samples that were summed with weights along an axis."""
    return np.moveaxis(ct[..., None] * weights if np.ndim(ct) else ct * weights, -1, axis)


fixed_points = Unknown("the points at which samples are taken are constants of Simpson's rule")


@defvjp(integrate.simpson)
def _(ct: Any, out: Any, y: Any, x: Any = None, *, dx: Any = 1.0, axis: Any = -1) -> Any:
    n = y.shape[axis]
    if x is None or x.ndim == 1:
        weights = integrate.simpson(np.eye(n), x=x, dx=dx, axis=-1)
    else:
        rows = np.moveaxis(x, axis, -1)
        units = np.expand_dims(np.eye(n), tuple(range(1, x.ndim))) * np.ones_like(rows)
        weights = integrate.simpson(units, x=np.broadcast_to(rows, units.shape), axis=-1)
        weights = np.moveaxis(weights, 0, -1)
    return weighted(ct, weights, axis), fixed_points, fixed_points


@defjvp(integrate.simpson)
def _(tangents: Any, out: Any, y: Any, x: Any = None, *, dx: Any = 1.0, axis: Any = -1) -> Any:
    return integrate.simpson(tangents[0], x=x, dx=dx, axis=axis)


@defvjp(integrate.cumulative_simpson)
def _(
    ct: Any, out: Any, y: Any, *, x: Any = None, dx: Any = 1.0, axis: Any = -1, initial: Any = None
) -> Any:
    if x is not None and x.ndim != 1:
        raise NotImplementedError("Simpson's rule is differentiated where all rows have the same points")
    first = None if initial is None else 0.0
    rows = integrate.cumulative_simpson(np.eye(y.shape[axis]), x=x, dx=dx, initial=first)
    y_bar = np.moveaxis(np.moveaxis(ct, axis, -1) @ rows.T, -1, axis)
    return y_bar, fixed_points, fixed_points, None, first_value


first_value = Unknown("the first value of an integral of samples is a constant")


@defjvp(integrate.cumulative_simpson)
def _(
    tangents: Any, out: Any, y: Any, *, x: Any = None, dx: Any = 1.0, axis: Any = -1, initial: Any = None
) -> Any:
    first = None if initial is None else 0.0
    return integrate.cumulative_simpson(tangents[0], x=x, dx=dx, axis=axis, initial=first)


@defvjp(integrate.romb)
def _(ct: Any, out: Any, y: Any, dx: Any = 1.0, axis: Any = -1, show: Any = False) -> Any:
    weights = integrate.romb(np.eye(y.shape[axis]), axis=-1)
    return weighted(ct, weights * dx, axis), np.sum(ct * out) / dx


@defjvp(integrate.romb)
def _(tangents: Any, out: Any, y: Any, dx: Any = 1.0, axis: Any = -1, show: Any = False) -> Any:
    out_dot = 0.0 if tangents[0] is None else integrate.romb(tangents[0], dx, axis)
    return out_dot if len(tangents) < 2 or tangents[1] is None else out_dot + tangents[1] * out / dx


# Differential equations

no_events = Unknown("events and vectorized slopes are not differentiated")
solution = (("y", "states y0"), ("t", "times"))
calls_back(
    Solver("fun", ("number", "state y0"), fields=solution, others=("jac", "events")), integrate.solve_ivp
)
calls_back(
    Solver("func", ("vector y0", "number"), "matrix", others=("Dfun",), swapped_by="tfirst"), integrate.odeint
)


def adjoint_of_ivp(
    f: Any, pullback: Any, t0: Any, y0: Any, t: Any, y_bar: Any, tfirst: Any, method: Any, rtol: Any,
    atol: Any,
) -> Any:  # fmt: skip
    """The cotangents of the first state and of the parameters of `y' = f(t, y)`.

    The columns of `y_bar` are the cotangents of the states at the times `t`; `pullback` gives those of `y`
    and of the parameters in `f`. Where not `tfirst`, both take `y` before `t`. What is real of a complex
    state's cotangent is no complex function of it, so the adjoint is integrated in real numbers.
    """
    slope = f if tfirst else lambda s, y: f(y, s)
    pull = pullback if tfirst else lambda s, y, ct: pullback(y, s, ct)
    options = {"method": method, "rtol": np.min(rtol), "atol": np.min(atol)}
    dense = integrate.solve_ivp(slope, (t0, t[-1]), y0, dense_output=True, **options).sol
    forms = [y0, *as_list(pull(t0, y0, np.zeros_like(y0)))[1:]]
    adjoint, *totals = [np.zeros_like(form) for form in forms]

    def backward(s: Any, state: Any) -> Any:
        return -in_reals(as_list(pull(s, dense(s), out_of_reals(state, forms[:1])[0])))

    for k in range(len(t) - 1, -1, -1):
        adjoint = adjoint + y_bar[:, k]
        before = t[k - 1] if k > 0 else t0
        if t[k] != before:
            state = in_reals([adjoint, *totals])
            end = integrate.solve_ivp(backward, (t[k], before), state, **options).y[:, -1]
            adjoint, *totals = out_of_reals(end, forms)
    return (adjoint, *[total[()] for total in totals])


def in_reals(parts: Any) -> Any:
    """Numbers and arrays in one row of floats, two for each complex number."""
    rows = [np.asarray(part, complex if np.iscomplexobj(part) else float).ravel() for part in parts]
    return np.concatenate([row.view(float) for row in rows])


def out_of_reals(row: Any, forms: Any) -> Any:
    """Arrays of these forms, from one row of floats."""
    parts = []
    for form in forms:
        kind = complex if np.iscomplexobj(form) else float
        size = np.size(form) * (2 if kind is complex else 1)
        parts.append(row[:size].copy().view(kind).reshape(np.shape(form)))
        row = row[size:]
    return parts


def as_list(bars: Any) -> list[Any]:
    """What a pullback returned, one cotangent or several."""
    return list(bars) if isinstance(bars, tuple) else [bars]


# A cotangent of the adjoint's results weighs `y_bar` along a tangent of the solution, and a tangent of them
# is the gradient of such a sum: both modes take the adjoint of the equation beside its tangent.


@defvjp(adjoint_of_ivp)
def _(
    ct: Any, out: Any, f: Any, pullback: Any, t0: Any, y0: Any, t: Any, y_bar: Any, tfirst: Any, method: Any,
    rtol: Any, atol: Any,
) -> Any:  # fmt: skip
    places, options = pulled_places(pullback), (tfirst, method, rtol, atol)
    twofold = doubled(f, (), None, spread(ct, places, 1))
    start, bars = end_to_end(y0, ct[0]), np.concatenate([np.zeros_like(y_bar), y_bar])
    _, captured = active_places(twofold, ())
    pull = pullback_of(twofold, (), captured)
    both = run_back(adjoint_of_ivp, twofold, pull, t0, start, t, bars, *options)
    f_bar = spread(both, captured, 1)[: len(places)]
    pairs = states_of(twofold, t0, start, t, *options)
    t_bar = speeds(twofold, t, pairs, bars, (), tfirst)
    t0_bar = -along(both[0], twofold, t0, start, (), tfirst)
    pull_bar, still = (None,) * len(places), (None, None, no_step(rtol), no_step(atol))
    return f_bar, pull_bar, t0_bar, both[0][: y0.size], t_bar, pairs[y0.size :], *still


@defjvp(adjoint_of_ivp)
def _(
    tangents: Any, out: Any, f: Any, pullback: Any, t0: Any, y0: Any, t: Any, y_bar: Any, tfirst: Any,
    method: Any, rtol: Any, atol: Any,
) -> Any:  # fmt: skip
    f_dot, _, t0_dot, y0_dot, t_dot, y_bar_dot = tangents[:6]
    places, options = pulled_places(pullback), (tfirst, method, rtol, atol)
    twofold = doubled(f, (), None, f_dot)
    start = np.concatenate([y0, tangent_at_start(f, t0, y0, y0_dot, t0_dot, (), tfirst)])
    y_bar_dot = np.zeros_like(y_bar) if y_bar_dot is None else y_bar_dot
    if t_dot is not None:
        y, times = states_of(f, t0, y0, t, *options), range(len(t))
        ends = [pulled_at(pullback, t[k], y[:, k], y_bar[:, k] * t_dot[k], tfirst) for k in times]
        y_bar_dot = y_bar_dot + np.stack([end[0] for end in ends], axis=1)
    bars = np.concatenate([y_bar_dot, y_bar])
    pull = pullback_of(twofold, (), places)
    state, *found = run_back(adjoint_of_ivp, twofold, pull, t0, start, t, bars, *options)
    bars_dot = (state[: y0.size], *found)
    if t_dot is not None:
        sums = [sum([end[k] for end in ends]) for k in range(1, len(bars_dot))]
        bars_dot = (bars_dot[0], *[x + y for x, y in zip(found, sums)])  # noqa: B905
    if t0_dot is not None:
        begun = pulled_at(pullback, t0, y0, out[0] * t0_dot, tfirst)
        bars_dot = tuple([x - y for x, y in zip(bars_dot, begun)])  # noqa: B905
    return bars_dot


def pulled_at(pullback: Any, t: Any, y: Any, ct: Any, tfirst: Any) -> Any:
    """The cotangents of a state and of the parameters, from that of the slope there."""
    return pullback(t, y, ct) if tfirst else pullback(y, t, ct)


def end_to_end(y: Any, y_dot: Any) -> Any:
    """States, or columns of states, with their tangents at their ends."""
    return np.concatenate([y, np.zeros_like(y) if y_dot is None else y_dot])


def states_of(f: Any, t0: Any, y0: Any, t: Any, tfirst: Any, method: Any, rtol: Any, atol: Any) -> Any:
    """The states of `y' = f(t, y)` at the times `t`, in columns."""
    if t[-1] == t0:
        return np.outer(y0, np.ones(len(t)))
    slope = f if tfirst else lambda s, y: f(y, s)
    options = {"method": method, "rtol": np.min(rtol), "atol": np.min(atol)}
    return integrate.solve_ivp(slope, (t0, t[-1]), y0, t_eval=t, **options).y


@defvjp(states_of)
def _(
    ct: Any, out: Any, f: Any, t0: Any, y0: Any, t: Any, tfirst: Any, method: Any, rtol: Any, atol: Any
) -> Any:
    _, captured = active_places(f, ())
    pull = pullback_of(f, (), captured)
    bars = run_back(adjoint_of_ivp, f, pull, t0, y0, t, ct, tfirst, method, rtol, atol)
    t0_bar = -along(bars[0], f, t0, y0, (), tfirst)
    f_bar = spread(bars, captured, 1)
    t_bar = speeds(f, t, out, ct, (), tfirst)
    return f_bar, t0_bar, bars[0], t_bar, None, None, no_step(rtol), no_step(atol)


@defjvp(states_of)
def _(
    tangents: Any, out: Any, f: Any, t0: Any, y0: Any, t: Any, tfirst: Any, method: Any, rtol: Any, atol: Any
) -> Any:
    f_dot, t0_dot, y0_dot, t_dot = tangents[:4]
    start = np.concatenate([y0, tangent_at_start(f, t0, y0, y0_dot, t0_dot, (), tfirst)])
    pairs = states_of(doubled(f, (), None, f_dot), t0, start, t, tfirst, method, rtol, atol)
    out_dot = pairs[y0.size :]
    return out_dot if t_dot is None else out_dot + carried(f, t, out, t_dot, (), tfirst)


def spread(bars: Any, places: Any, k: Any) -> Any:
    """One of the cotangents, from the one numbered `k` on, for each place that carries one."""
    found: Any = ()
    for place in places:
        if place is None:
            found = (*found, None)
        else:
            found, k = (*found, bars[k]), k + 1
    return found


def given_number_of(places: Any) -> Any:
    """How many places carry a cotangent."""
    return len([place for place in places if place is not None])


def slope_at(f: Any, t: Any, y: Any, args: Any, tfirst: Any) -> Any:
    """The slope of a solution."""
    return f(t, y, *args) if tfirst else f(y, t, *args)


def speeds(f: Any, t: Any, y: Any, y_bar: Any, args: Any, tfirst: Any) -> Any:
    """How the loss moves with each time of output: the cotangent there along the slope."""
    return np.stack([along(y_bar[:, k], f, t[k], y[:, k], args, tfirst) for k in range(len(t))])


def along(ct: Any, f: Any, t: Any, y: Any, args: Any, tfirst: Any) -> Any:
    """How the loss moves with a time: the cotangent of the state along the slope."""
    return real_part(np.sum(ct * slope_at(f, t, y, args, tfirst)))


def first_state(y0: Any) -> Any:
    """The state that a solver starts from, as an array of floats or of complex numbers."""
    return np.asarray(y0, dtype=complex if np.iscomplexobj(y0) else float)


@defvjp(integrate.solve_ivp)
def _(
    ct: Any, out: Any, fun: Any, t_span: Any, y0: Any, method: Any = "RK45", t_eval: Any = None,
    dense_output: Any = False, events: Any = None, vectorized: Any = False, args: Any = None,
    rtol: Any = 1e-3, atol: Any = 1e-6, first_step: Any = None, max_step: Any = math.inf, jac: Any = None,
) -> Any:  # fmt: skip
    if events is not None or vectorized:
        return no_events, no_events, no_events, None, no_events, None, None, None, no_events
    if ct[0] is None:  # of the times alone
        ends, outputs = ((ct[1][0], ct[1][-1]), None) if t_eval is None else (None, ct[1])
        return None, ends, None, None, outputs, None, None, None, None
    given = () if args is None else as_tuple(args)
    t, y, start, y_bar = out.t, out.y, first_state(y0), ct[0]
    places, captured = active_places(fun, given)
    pullback = pullback_of(fun, given, (*places, *captured))
    lent = bound_to(fun, given)
    bars = run_back(adjoint_of_ivp, lent, pullback, t_span[0], start, t, y_bar, True, method, rtol, atol)
    fun_bar = spread(bars, captured, 1 + given_number_of(places))
    t0_bar = -along(bars[0], fun, t_span[0], start, given, True)
    moved = speeds(fun, t, y, y_bar, given, True)
    moved = moved if ct[1] is None else moved + ct[1]
    args_bar = None if args is None else as_given(spread(bars, places, 1), args)
    if t_eval is None:
        return fun_bar, (t0_bar + moved[0], moved[-1]), bars[0], None, None, None, None, None, args_bar
    return fun_bar, (t0_bar, 0.0), bars[0], None, moved, None, None, None, args_bar


def bound_to(f: Any, args: Any) -> Any:
    """`f` with its further arguments given."""
    return bound(f, *args)


@defvjp(integrate.odeint)
def _(
    ct: Any, out: Any, func: Any, y0: Any, t: Any, args: Any = (), Dfun: Any = None, col_deriv: Any = 0,
    full_output: Any = 0, ml: Any = None, mu: Any = None, rtol: Any = None, atol: Any = None,
    tcrit: Any = None, h0: Any = 0.0, hmax: Any = 0.0, hmin: Any = 0.0, ixpr: Any = 0, mxstep: Any = 0,
    mxhnil: Any = 0, mxordn: Any = 12, mxords: Any = 5, printmessg: Any = 0, tfirst: Any = False,
) -> Any:  # fmt: skip
    if full_output:
        return full_result, full_result, full_result, full_result
    given, start = as_tuple(args), np.atleast_1d(first_state(y0))
    places, captured = active_places(func, given)
    rtol, atol = 1.49012e-8 if rtol is None else rtol, 1.49012e-8 if atol is None else atol
    pullback = pullback_of(func, given, (*places, *captured))
    lent = bound_to(func, given)
    bars = run_back(adjoint_of_ivp, lent, pullback, t[0], start, t, ct.T, tfirst, "LSODA", rtol, atol)
    func_bar = spread(bars, captured, 1 + given_number_of(places))
    y0_bar = bars[0][0] if np.ndim(y0) == 0 else bars[0]
    t_bar = speeds(func, t, out.T, ct.T, given, tfirst)
    t_bar[0] -= along(bars[0], func, t[0], start, given, tfirst)
    return func_bar, y0_bar, t_bar, as_given(spread(bars, places, 1), args)


full_result = Unknown("the result is not differentiated with `full_output`")

# Forward: the equation beside its tangent


def tangent_at_start(f: Any, t0: Any, start: Any, y0_dot: Any, t0_dot: Any, args: Any, tfirst: Any) -> Any:
    """The tangent of the state at the time, held fixed, that a solution begins at."""
    moved = np.zeros_like(start)
    if y0_dot is not None:
        moved = moved + together(y0_dot)
    if t0_dot is not None:
        moved = moved - t0_dot * slope_at(f, t0, start, args, tfirst)
    return moved


def together(y0_dot: Any) -> Any:
    """The tangent of a first state, of which some parts may stand still."""
    if isinstance(y0_dot, tuple):
        return np.array([0.0 if part is None else part for part in y0_dot])
    return np.asarray(y0_dot)


def carried(f: Any, t: Any, y: Any, t_dot: Any, args: Any, tfirst: Any) -> Any:
    """What the times of output, moving, add to the tangents of the states there."""
    columns = [slope_at(f, t[k], y[:, k], args, tfirst) * float(t_dot[k]) for k in range(len(t))]
    return np.stack(columns, axis=1)


@defjvp(integrate.solve_ivp)
def _(
    tangents: Any, out: Any, fun: Any, t_span: Any, y0: Any, method: Any = "RK45", t_eval: Any = None,
    dense_output: Any = False, events: Any = None, vectorized: Any = False, args: Any = None,
    rtol: Any = 1e-3, atol: Any = 1e-6, first_step: Any = None, max_step: Any = math.inf, jac: Any = None,
) -> Any:  # fmt: skip
    if events is not None or vectorized:
        return no_events
    fun_dot, span_dot, y0_dot, args_dot = tangents[0], tangents[1], tangents[2], tangents[8]
    given = () if args is None else as_tuple(args)
    t, y, start, t0 = out.t, out.y, first_state(y0), t_span[0]
    t0_dot = None if span_dot is None else span_dot[0]
    begin = tangent_at_start(fun, t0, start, y0_dot, t0_dot, given, True)
    both = doubled(fun, given, in_step(args_dot, () if args is None else args), fun_dot)
    pairs = states_of(both, t0, np.concatenate([start, begin]), t, True, method, rtol, atol)
    y_dot = pairs[start.size :]
    t_dot = tangents[4] if t_eval is not None else ends_of(t, span_dot)
    if t_dot is not None:
        y_dot = y_dot + carried(fun, t, y, t_dot, given, True)
    return y_dot, t_dot


def ends_of(t: Any, span_dot: Any) -> Any:
    """The tangents of the times at which a solver stopped: its own steps are constants."""
    if span_dot is None:
        return None
    t_dot = np.zeros_like(t)
    if span_dot[0] is not None:
        t_dot[0] = span_dot[0]
    if span_dot[1] is not None:
        t_dot[-1] = span_dot[1]
    return t_dot


@defjvp(integrate.odeint)
def _(
    tangents: Any, out: Any, func: Any, y0: Any, t: Any, args: Any = (), Dfun: Any = None, col_deriv: Any = 0,
    full_output: Any = 0, ml: Any = None, mu: Any = None, rtol: Any = None, atol: Any = None,
    tcrit: Any = None, h0: Any = 0.0, hmax: Any = 0.0, hmin: Any = 0.0, ixpr: Any = 0, mxstep: Any = 0,
    mxhnil: Any = 0, mxordn: Any = 12, mxords: Any = 5, printmessg: Any = 0, tfirst: Any = False,
) -> Any:  # fmt: skip
    if full_output:
        return full_result
    func_dot, y0_dot, t_dot, args_dot = tangents[:4]
    given, start = as_tuple(args), np.atleast_1d(first_state(y0))
    t0_dot = None if t_dot is None else t_dot[0]
    begin = tangent_at_start(func, t[0], start, y0_dot, t0_dot, given, tfirst)
    both, pair = doubled(func, given, in_step(args_dot, args), func_dot), np.concatenate([start, begin])
    rtol, atol = 1.49012e-8 if rtol is None else rtol, 1.49012e-8 if atol is None else atol
    out_dot = states_of(both, t[0], pair, t, tfirst, "LSODA", rtol, atol)[start.size :].T
    if t_dot is None:
        return out_dot
    return out_dot + carried(func, t, out.T, t_dot, given, tfirst).T
