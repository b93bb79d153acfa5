"""Fits and minima between bounds, with robust losses, and what a fit says of its own accuracy.

Each program is compared with central differences at two steps, in both modes, and its gradient's derivative,
taken in the three ways there are, with differences of the gradient.
"""

# ruff: noqa: E501
from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from diffcompile import grad, hessian, jacfwd, value_and_grad, vjp
from diffcompile.errors import DiffCompileError
from graphs import written

optimize = pytest.importorskip("scipy.optimize")

V, ALONG = np.array([0.7, 1.3]), np.array([0.3, -0.8])
T = np.linspace(0.1, 2.0, 8)
Y = np.array([2.0, 1.6, 1.1, 1.0, 0.7, 0.55, 0.5, 0.3])
FAR = Y + np.array([0.0, 0.0, 0.9, 0.0, 0.0, -0.2, 0.0, 0.6])
W = np.array([[1.0, 0.3], [-0.2, 2.0]])
EDGES = ([0.0, 0.0], [9.0, 0.5])
BOUNDS = optimize.Bounds([0.0, 0.0], [9.0, 0.5])
FINE = {"xtol": 1e-15, "ftol": 1e-15, "gtol": 1e-15, "method": "trf", "jac": "3-point"}
DIRECT = {"xtol": 1e-15, "ftol": 1e-15}


def model(x: Any, p: float, q: float) -> Any:
    return p * np.exp(-q * x)


def stacked(z: Any) -> Any:
    return np.stack([z, np.ones_like(z), np.zeros_like(z)])


ON_A_LINE = optimize.LinearConstraint([[1.0, 2.0]], 0.0, 1.0)
COVARIANCES = {
    "of data": "return 100 * np.sum(W * optimize.curve_fit(model, T, Y * a[0] + a[1] * T * 0.2, **FINE)[1])",
    "by default": "return 100 * np.sum(W * optimize.curve_fit(model, T, Y * a[0] + a[1] * T * 0.2, **DIRECT)[1])",
    "of spreads and of places": "return 100 * np.sum(W * optimize.curve_fit(model, T * a[1], Y, sigma=a[0] + a[1] * T, **FINE)[1])",
    "of spreads that are known": (
        "popt, pcov = optimize.curve_fit(model, T, Y * a[1], sigma=a[0] + a[1] * T, absolute_sigma=True, **FINE)\n"
        "    return popt[0] * pcov[0, 1] + np.sum(np.sqrt(np.diag(pcov)))"),
    "of covariances": (
        "spread = np.diag(1.0 + T) + 3.0 * a[0]**2 * np.outer(np.sin(T), np.sin(T))\n"
        "    return np.sum(W * optimize.curve_fit(model, T, Y * a[1], None, spread, **FINE)[1])"),
    "of what a curve reads": (
        "def curve(x, *p): return p[0] * np.exp(-p[1] * x) + p[2] * x * a[1]\n"
        "    popt, pcov = optimize.curve_fit(curve, T * a[0], Y, p0=np.ones(3), sigma=0.3, **FINE)\n"
        "    return pcov[0, 2] * popt[1] + pcov[1, 1]"),
    "at a bound": (
        "popt, pcov = optimize.curve_fit(model, T, Y * a[0], bounds=(0.0, np.array([9.0, 0.6]) * a[1]), **FINE)\n"
        "    return 100 * np.sum(W * pcov) + popt[0]"),
}  # fmt: skip
BOUNDED = {
    "a fit at a bound": "return np.prod(optimize.curve_fit(model, T, Y * a[0] + a[1] * T * 0.2, bounds=(0.0, [9.0, 0.6]), **FINE)[0])",
    "a fit between bounds": "return np.prod(optimize.curve_fit(model, T, Y * a[0] + a[1] * T * 0.2, bounds=(0.0, 9.0), **FINE)[0])",
    "a fit without bounds that says so": "return optimize.curve_fit(model, T, Y * a[0] + a[1] * T, bounds=(-np.inf, np.inf), **FINE)[0][1]",
    "bounds in an array": "return np.prod(optimize.curve_fit(model, T, Y * a[0], bounds=(0.0, np.array([9.0, 0.6]) * a[1]), **FINE)[0])",
    "bounds in lists": "return np.prod(optimize.curve_fit(model, T, Y * a[0], bounds=([0.0, 0.0], [9.0, 0.5 * a[1]]), **FINE)[0])",
    "one lower bound for all": "return np.prod(optimize.curve_fit(model, T, Y * a[0], (1.6, 1.5), bounds=(a[1], 9.0), **FINE)[0])",
    "bounds from outside": "return optimize.curve_fit(model, T, Y * a[0] * a[1], bounds=EDGES, **FINE)[0][0]",
    "bounds in an object": "return optimize.curve_fit(model, T, Y * a[0] * a[1], bounds=BOUNDS, **FINE)[0][0]",
    "least_squares": (
        "def residual(p): return model(T, p[0], p[1]) * a[0] - FAR * a[1]\n"
        "    sol = optimize.least_squares(residual, np.array([2.0, 0.5]), bounds=(0.1, np.array([9.0, 0.6 * a[1]])), **FINE)\n"
        "    return sol.x[0] * sol.x[1] + 3.0 * sol.cost"),
    "the cost of least_squares": (
        "def residual(p, b): return model(T, p[0], p[1]) * b - FAR * a[1]\n"
        "    return optimize.least_squares(residual, [2.0, 0.5], '2-point', (0.1, np.array([9.0, 0.6 * a[1]])), args=(a[0],)).cost"),
    "least_squares, dogbox": (
        "def residual(p): return model(T, p[0], p[1]) * a[0] - FAR * a[1]\n"
        "    sol = optimize.least_squares(residual, np.array([0.5, 0.5]), '3-point', (0.1, np.array([9.0, 0.6])), 'dogbox', 1e-15, 1e-15, 1e-15)\n"
        "    return sol.x[0] + sol.cost"),
    "minimize": (
        "def energy(x): return np.sum((x - a)**4 + (x - a)**2) + x[0] * x[1] * 0.3\n"
        "    return optimize.minimize(energy, np.ones(2) * 0.3, bounds=[(0, 0.5), (0.0, None)], tol=1e-13).x[1]"),
    "minimize, its value, an object": (
        "def energy(x, b): return np.sum((x - b)**4 + (x - b)**2) + x[0] * x[1] * 0.3\n"
        "    sol = optimize.minimize(energy, np.ones(2) * 0.3, (a,), bounds=BOUNDS, tol=1e-13)\n"
        "    return sol.x[0] * sol.fun"),
    "a number between bounds": (
        "sol = optimize.minimize_scalar(lambda x, b: (x - b)**2 + 0.1 * x**4, bounds=(0.0, 3.0), args=(a[0] * a[1],), options={'xatol': 1e-13})\n"
        "    return sol.x * sol.fun"),
    "a number at a bound": (
        "sol = optimize.minimize_scalar(lambda x: (x - a[1])**2 + a[0] * x**4, bounds=(0.0, a[0]**2), options={'xatol': 1e-13})\n"
        "    return sol.x + sol.fun**2"),
    "a number at a lower bound": (
        "return optimize.minimize_scalar(lambda x: np.cosh(x), bounds=(a[0], 3.0), options={'xatol': 1e-13}).fun * a[1]"),
    "minimize, the bounds in an array": (
        "def energy(x): return np.sum(np.cosh(x - a)) + x[0] * x[1] * 0.3\n"
        "    return np.sum(optimize.minimize(energy, np.ones(2) * 0.3, bounds=np.array([[0.0, 0.5], [-5.0, 9.0]]), tol=1e-13).x)"),
}  # fmt: skip
ROBUST = {
    "curve_fit": (
        "y = FAR * a[0] + a[1] * T * 0.2\n"
        "    return np.prod(optimize.curve_fit(model, T, y, (2.0, 1.0), sigma=0.1 + a[0] * T, loss='LOSS', f_scale=0.1 * a[1], **FINE)[0])"),
    "its covariances": (
        "popt, pcov = optimize.curve_fit(model, T, FAR, (2.0, 1.0), sigma=a[0] + a[1] * T, loss='LOSS', f_scale=0.1 * a[0], **FINE)\n"
        "    return 100 * np.sum(W * pcov) + popt[0]"),
    "least_squares, between bounds": (
        "def residual(p, b): return model(T, p[0], p[1]) * a[0] - FAR * b - 0.1 * a[1] * T\n"
        "    sol = optimize.least_squares(residual, np.array([2.0, 0.5]), loss='LOSS', f_scale=0.1 * a[0], args=(a[1],), bounds=(0.1, np.array([9.0, 0.6 * a[1]])), **FINE)\n"
        "    return sol.x[0] * sol.x[1] + sol.cost"),
}  # fmt: skip
LOSSES = ("huber", "soft_l1", "cauchy", "arctan")
PROGRAMS = {
    **{f"covariances {name}": text for name, text in COVARIANCES.items()},
    **BOUNDED,
    **{f"{loss}, {name}": text.replace("LOSS", loss) for name, text in ROBUST.items() for loss in LOSSES},
    "in a loop": (
        "total = 0.0\n"
        "    for k in range(3):\n"
        "        popt, pcov = optimize.curve_fit(model, T, Y * (a[0] + k) + total * T, bounds=(0.0, np.array([9.0, 0.5 * a[1]])), **FINE)\n"
        "        total = total + 0.1 * popt[0] + pcov[0, 0]\n"
        "    return total"),
}  # fmt: skip
OUTSIDE = {"FINE": FINE, "DIRECT": DIRECT, "T": T, "Y": Y, "FAR": FAR, "W": W, "EDGES": EDGES, "BOUNDS": BOUNDS}


def program(text: str) -> Callable[..., Any]:
    return written(f"def f(a):\n    {text}", optimize=optimize, model=model, stacked=stacked, ON_A_LINE=ON_A_LINE, **OUTSIDE)


def slope(f: Callable[..., Any], x: Any, v: Any, step: float) -> Any:
    weights = {-2: 1 / 12, -1: -8 / 12, 1: 8 / 12, 2: -1 / 12}
    return sum(w * f(x + k * step * v) for k, w in weights.items()) / step


cases = pytest.mark.parametrize("text", PROGRAMS.values(), ids=PROGRAMS)


@cases
def test_both_modes_agree_with_differences(text: str) -> None:
    f = program(text)
    value, gradient = value_and_grad(f)(V)
    expected, closer = (slope(f, V, ALONG, step) for step in (6e-3, 2e-3))

    assert value == f(V)
    np.testing.assert_allclose(closer, expected, rtol=3e-4, atol=1e-6)  # what the differences are worth
    np.testing.assert_allclose(gradient @ ALONG, closer, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(jacfwd(f)(V), gradient, rtol=1e-9, atol=1e-12)


@cases
def test_the_three_second_derivatives_agree_with_differences_of_the_gradient(text: str) -> None:
    f = program(text)
    first = grad(f)
    expected = np.stack([slope(first, V, unit, 1e-3) for unit in np.eye(2)])
    size = 1.0 + np.max(np.abs(expected))

    np.testing.assert_allclose(hessian(f)(V), expected, rtol=3e-4, atol=1e-4 * size)
    np.testing.assert_allclose(vjp(first, V)[1](ALONG)[0], hessian(f)(V) @ ALONG, rtol=1e-6, atol=1e-7 * size)
    np.testing.assert_allclose(jacfwd(jacfwd(f))(V), hessian(f)(V), rtol=1e-6, atol=1e-7 * size)


def test_what_a_bound_holds_does_not_move_with_the_data() -> None:
    f = program("return optimize.curve_fit(model, T, Y * a, bounds=EDGES, **FINE)[0]")

    np.testing.assert_allclose(jacfwd(f)(np.ones(8))[1], 0.0, atol=1e-15)
    assert np.all(jacfwd(f)(np.ones(8))[0] > 0.0)


def test_what_a_bound_holds_moves_with_the_bound() -> None:
    f = program("return optimize.curve_fit(model, T, Y, bounds=(0.0, np.array([9.0, a])), **FINE)[0][1]")

    assert grad(f)(0.5) == pytest.approx(1.0)
    assert grad(f)(5.0) == 0.0  # a bound that holds nothing


def test_a_fit_with_its_covariances_reads_as_one_would_write_it() -> None:
    derivative = grad(program(COVARIANCES["of data"]))
    derivative(V)

    assert "def model_covariances_forward(params, x, ydata):" in derivative.source
    assert "inv_out = np.linalg.inv(transpose_out @ slopes)" in derivative.source
    assert "ratio = np.sum(error**2) / (len(error) - 2)" in derivative.source
    assert "adjoint = np.linalg.solve(" in derivative.source


@pytest.mark.parametrize(
    "text", [COVARIANCES["of what a curve reads"], BOUNDED["least_squares"], BOUNDED["minimize, its value, an object"], PROGRAMS["huber, its covariances"]],
)  # fmt: skip
def test_the_generated_module_stands_alone(text: str) -> None:
    derivative = grad(program(text))
    expected = derivative(V)
    scope: dict[str, Any] = {}
    exec(derivative.source, scope)
    parameters = inspect.signature(scope["f_grad"]).parameters.values()
    read = {p.name: OUTSIDE[p.name] for p in parameters if p.kind is p.KEYWORD_ONLY}

    assert "diffcompile" not in "".join(line for line in derivative.source.splitlines() if "import" in line)
    np.testing.assert_array_equal(scope["f_grad"](V, **read), expected)


REFUSED = {
    "optimize.curve_fit(model, T, Y * a[0], full_output=True)[0][0]": "a fit with `full_output` is not differentiated",
    "optimize.curve_fit(model, T, Y * a[0], check_finite=False, nan_policy='omit')[0][0]": "a fit that leaves out what is not a number is not differentiated; leave it out before",
    "optimize.curve_fit(model, T, Y * a[0], absolute_sigma=a[1] > 0)[1][0, 0]": "whether `absolute_sigma` is true is not known when compiling",
    "optimize.least_squares(lambda p: p - a, np.ones(2), loss=stacked).x[0]": "the loss of a fit is not one of those that have a name",
    "optimize.least_squares(lambda p: p - a, np.ones(2), loss='huber' if a[0] > 0 else 'cauchy').x[0]": "the loss of a fit is not one of those that have a name",
    "optimize.least_squares(lambda p, b=0.0: p - a * b, np.ones(2), kwargs={'b': 2.0}).x[0]": "a fit that hands on `kwargs` is not differentiated; hand them on in `args`",
    "optimize.minimize(lambda x: np.sum((x - a)**2), np.ones(2), bounds=[(0.0, a[0])] * 2).x[0]": "the bounds of a minimum are constants",
    "optimize.minimize(lambda x: np.sum((x - a)**2), np.ones(2), constraints=ON_A_LINE).x[0]": "a minimum under `constraints` does not move as the gradient says",
    "optimize.curve_fit(model, T, Y, bounds=optimize.Bounds(0.0, a[0]))[0][0]": "no derivative is known for `scipy.optimize.Bounds`",
}  # fmt: skip


@pytest.mark.parametrize(("text", "reason"), REFUSED.items())
@pytest.mark.parametrize("derivative", [grad, jacfwd])
def test_what_cannot_be_is_refused_with_its_reason(derivative: Callable[..., Any], text: str, reason: str) -> None:
    with pytest.raises(DiffCompileError) as refused:
        derivative(program(f"return {text}"))(V)

    assert refused.value.span is not None
    assert reason in refused.value.reason
