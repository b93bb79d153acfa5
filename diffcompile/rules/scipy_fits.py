"""Derivatives of fits of least squares: with robust losses, between bounds, with their covariances.

    popt, pcov = optimize.curve_fit(f, x, y)       gradient(popt, x, y) = 0, so  y_bar = -popt_bar / g_p * g_y

A fit is a minimum, of half the sum of the squares of the errors or of a loss of each (Triggs, McLauchlan,
Hartley and Fitzgibbon, 2000, Bundle adjustment, section 3), so it moves as minima do (`scipy_optimize.py`):
by the whole Hessian, not only by `J.T @ J`. A curve that is fitted is moved by its data too. Its covariances
are a function of the parameters and of the data, `inv(J.T @ J)`, where `sigma` is not absolute times the sum
of the squares for each degree of freedom, and are differentiated as such.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import optimize

from .broadcast import unbroadcast
from .register import Array, Unknown, defjvp, defvjp
from .scipy_optimize import (
    as_given,
    as_tuple,
    aside,
    bounded_cotangents,
    bounded_tangent,
    in_step,
    minimum_cotangents,
    no_step,
    root_tangent,
    still,
    sums,
)
from .solvers import (
    Solver,
    calls_back,
    covariances_of,
    gradient_of,
    half_square_of,
    linearize,
    misfit_of,
    push,
)

calls_back(
    Solver("fun", ("vector x0",), fields=(("x", "vector x0"), ("cost", "number")), others=("jac",)),
    optimize.least_squares,
)


by_name = Unknown("a fit that hands on `kwargs` is not differentiated; hand them on in `args`")


def edges_of(bounds: Any) -> Any:
    """The lower and the upper bounds of a fit."""
    return (bounds.lb, bounds.ub) if isinstance(bounds, optimize.Bounds) else bounds


def bound_cotangents(bounds: Any, edges: Any) -> Any:
    """The cotangents of bounds in the form in which they were given, numbers or arrays."""
    if isinstance(bounds, optimize.Bounds):
        return None
    return unbroadcast(edges[0], bounds[0]), unbroadcast(edges[1], bounds[1])


def fit_cotangents(x_bar: Any, value_bar: Any, cost: Any, x: Any, given: Any, bounds: Any) -> Any:
    """The cotangents of a cost, of what it is given and of bounds, from those of its minimum."""
    if bounds is None:
        return *minimum_cotangents(x_bar, value_bar, cost, x, given), None
    lower, upper = edges_of(bounds)
    cost_bar, given_bar, *edges = bounded_cotangents(x_bar, value_bar, cost, x, given, lower, upper)
    return cost_bar, given_bar, bound_cotangents(bounds, edges)


def fit_tangents(cost: Any, x: Any, given: Any, dots: Any, bounds: Any) -> Any:
    """The tangents of a minimum and its value, from those of a cost, of what it is given, and of bounds."""
    cost_dot, given_dot, bounds_dot = dots
    if bounds is None:
        x_dot = root_tangent(gradient_of(cost), x, given, given_dot, cost_dot)
        return x_dot, aside(cost, x, given, given_dot, cost_dot)
    lower, upper = edges_of(bounds)
    edges = (None, None) if bounds_dot is None else bounds_dot
    return bounded_tangent(cost, x, given, given_dot, cost_dot, lower, upper, edges)


@defvjp(optimize.least_squares)
def _(
    ct: Any, out: Any, fun: Any, x0: Any, jac: Any = "2-point", bounds: Any = None, method: Any = "trf",
    ftol: Any = 1e-08, xtol: Any = 1e-08, gtol: Any = 1e-08, x_scale: Any = 1.0, loss: Any = "linear",
    f_scale: Any = 1.0, diff_step: Any = None, tr_solver: Any = None, tr_options: Any = None,
    jac_sparsity: Any = None, max_nfev: Any = None, verbose: Any = 0, args: Any = (), kwargs: Any = None,
    callback: Any = None, workers: Any = None,
) -> Any:  # fmt: skip
    if kwargs is not None:
        return by_name, None, None, by_name, *(None,) * 6, by_name, *(None,) * 6, by_name
    given = as_tuple(args) if loss == "linear" else (f_scale, *as_tuple(args))
    cost, nothing = half_square_of(fun, loss), (None,) * 6
    fun_bar, given_bar, bounds_bar = fit_cotangents(ct[0], ct[1], cost, out.x, given, bounds)
    scale_bar, args_bar = (None, given_bar) if loss == "linear" else (given_bar[0], given_bar[1:])
    args_bar = as_given(args_bar, args)
    return fun_bar, no_step(x0), None, bounds_bar, *nothing, scale_bar, *nothing, args_bar


@defjvp(optimize.least_squares)
def _(
    tangents: Any, out: Any, fun: Any, x0: Any, jac: Any = "2-point", bounds: Any = None, method: Any = "trf",
    ftol: Any = 1e-08, xtol: Any = 1e-08, gtol: Any = 1e-08, x_scale: Any = 1.0, loss: Any = "linear",
    f_scale: Any = 1.0, diff_step: Any = None, tr_solver: Any = None, tr_options: Any = None,
    jac_sparsity: Any = None, max_nfev: Any = None, verbose: Any = 0, args: Any = (), kwargs: Any = None,
    callback: Any = None, workers: Any = None,
) -> Any:  # fmt: skip
    fun_dot, bounds_dot, scale_dot, args_dot = tangents[0], tangents[3], tangents[10], tangents[17]
    if kwargs is not None:
        return by_name
    if still((fun_dot, args_dot), 0, 1) and still((bounds_dot, scale_dot), 0, 1):
        return None
    given, given_dot = as_tuple(args), in_step(args_dot, args)
    if loss != "linear":
        given, given_dot = (f_scale, *given), (scale_dot, *given_dot)
    return fit_tangents(half_square_of(fun, loss), out.x, given, (fun_dot, given_dot, bounds_dot), bounds)


# Curves that are fitted

calls_back(Solver("f", ("data xdata", "numbers p0"), "fit", others=("jac",)), optimize.curve_fit)

no_full_fit = Unknown("a fit with `full_output` is not differentiated")
incomplete = Unknown("a fit that leaves out what is not a number is not differentiated; leave it out before")


def what_is_fitted(xdata: Any, ydata: Any, sigma: Any, loss: Any, f_scale: Any) -> Any:
    """What the cost of a fit is a function of, behind its parameters; or the tangents of those."""
    data = (xdata, ydata) if sigma is None else (xdata, ydata, sigma)
    return data if loss == "linear" else (*data, f_scale)


@defvjp(optimize.curve_fit)
def _(
    ct: Any, out: Any, f: Any, xdata: Array, ydata: Array, p0: Any = None, sigma: Array = None,
    absolute_sigma: Any = False, check_finite: Any = None, bounds: Any = None, method: Any = None,
    jac: Any = None, *, full_output: Any = False, nan_policy: Any = None, loss: Any = "linear",
    f_scale: Any = 1.0, **options: Any,
) -> Any:  # fmt: skip
    if full_output:
        return no_full_fit, no_full_fit, no_full_fit, None, no_full_fit
    if nan_policy == "omit":
        return incomplete, incomplete, incomplete, None, incomplete
    popt, popt_bar = out[0], ct[0]
    given = what_is_fitted(xdata, ydata, sigma, loss, f_scale)
    if ct[1] is not None:
        spread = covariances_of(f, popt.shape[0], sigma, loss, absolute_sigma)
        _, pull = linearize(spread, popt, *given)
        moved, *given_more, f_more = pull(ct[1])
        popt_bar = moved if popt_bar is None else popt_bar + moved
    cost = misfit_of(f, popt.shape[0], sigma, loss)
    f_bar, given_bar, bounds_bar = fit_cotangents(popt_bar, None, cost, popt, given, bounds)
    if ct[1] is not None:
        f_bar, given_bar = sums(f_bar, f_more), sums(given_bar, given_more)
    sigma_bar = None if sigma is None else given_bar[2]
    scale_bar = None if loss == "linear" else given_bar[-1]
    rest = (None, None, None, None, None, scale_bar)
    return f_bar, given_bar[0], given_bar[1], None, sigma_bar, None, None, bounds_bar, *rest


@defjvp(optimize.curve_fit)
def _(
    tangents: Any, out: Any, f: Any, xdata: Array, ydata: Array, p0: Any = None, sigma: Array = None,
    absolute_sigma: Any = False, check_finite: Any = None, bounds: Any = None, method: Any = None,
    jac: Any = None, *, full_output: Any = False, nan_policy: Any = None, loss: Any = "linear",
    f_scale: Any = 1.0, **options: Any,
) -> Any:  # fmt: skip
    if full_output:
        return no_full_fit
    if nan_policy == "omit":
        return incomplete
    popt, n = out[0], out[0].shape[0]
    dots = (*tangents, *(None,) * 13)
    given = what_is_fitted(xdata, ydata, sigma, loss, f_scale)
    x_dot, y_dot, sigma_dot, scale_dot = [
        None if dot is None else np.asarray(dot) for dot in (dots[1], dots[2], dots[4], dots[13])
    ]
    given_dot = (x_dot, y_dot) if sigma is None else (x_dot, y_dot, sigma_dot)
    given_dot = given_dot if loss == "linear" else (*given_dot, scale_dot)
    cost = misfit_of(f, n, sigma, loss)
    popt_dot = fit_tangents(cost, popt, given, (dots[0], given_dot, dots[7]), bounds)[0]
    spread = covariances_of(f, n, sigma, loss, absolute_sigma)
    return popt_dot, push(spread, (popt, *given), (popt_dot, *given_dot), dots[0])[1]
