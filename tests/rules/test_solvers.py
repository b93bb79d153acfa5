"""Solvers: the derivative of a solution is that of the equation it solves.

Each program is compared with central differences, its gradient's own derivative with differences of the
gradient, and its value with the program itself, bit for bit.
"""

# ruff: noqa: E501
from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from diffcompile import grad, hessian, jacfwd, jacrev, jvp, value_and_grad, vjp
from diffcompile.errors import DiffCompileError
from graphs import written

optimize = pytest.importorskip("scipy.optimize")
integrate = pytest.importorskip("scipy.integrate")
dense = pytest.importorskip("scipy.linalg")

V = np.array([0.7, 1.3])
STEP = 1e-4

# Functions of a number or of an array, and where they are differentiated.
ROOTS: dict[str, tuple[str, Any]] = {
    "brentq": ("def f(a): return optimize.brentq(lambda x: x**3 + a * x - 2.0, 0.0, 5.0)", 1.5),
    "bisect": ("def f(a): return a * optimize.bisect(lambda x: x**3 + a * x - 2.0, 0.0, 5.0)", 1.5),
    "args": ("def f(a): return optimize.brentq(lambda x, c, d: c * x**3 + d - 2.0, 0.0, 5.0, args=(a, a**2))", 0.9),
    "one arg": ("def f(a): return optimize.brentq(lambda x, c: c * x**3 - 2.0, 0.0, 5.0, args=a)", 0.9),
    "ridder of a sine": ("def f(a): return optimize.ridder(lambda x: np.sin(x) * a - 0.5, 0.0, 1.5)", 1.1),
    "toms748": ("def f(a): return optimize.toms748(lambda x: x**3 + a * x - 2.0, 0.0, 5.0)", 1.5),
    "brenth": ("def f(a): return optimize.brenth(lambda x: x**3 + a * x - 2.0, 0.0, 5.0)", 1.5),
    "root_scalar": (
        "def f(a):\n"
        "    sol = optimize.root_scalar(lambda x: x**3 + a * x - 2.0, bracket=(0.0, 5.0), method='brentq')\n"
        "    return sol.root**2 if sol.converged else 0.0", 1.5),
    "newton": (
        "def f(a):\n"
        "    def h(x): return x**3 + a * x - 2.0\n"
        "    def slope(x): return 3 * x**2 + a\n"
        "    return optimize.newton(h, 1.0, fprime=slope)", 1.5),
    "newton of an array": (
        "def f(a): return np.sum(np.array([1.0, 3.0]) * optimize.newton(lambda x: x**3 - a, np.ones(2), tol=1e-13))", V),
    "fixed_point": ("def f(a): return optimize.fixed_point(lambda x: np.cos(a * x), 0.5, xtol=1e-13)", 0.9),
    "fixed_point of a vector": (
        "def f(a):\n"
        "    m = np.array([[0.2, 0.1], [-0.1, 0.3]])\n"
        "    x = optimize.fixed_point(lambda x: np.tanh(m @ x + a), np.zeros(2), xtol=1e-13)\n"
        "    return x[0] * x[1]", V),
    "root": (
        "def f(a):\n"
        "    def residual(x): return [x[0]**2 + a[0] * x[1] - 2.0, x[1]**3 - a[1] * x[0] + 0.5]\n"
        "    sol = optimize.root(residual, [1.0, 1.0], tol=1e-12)\n"
        "    return sol.x[0] * np.exp(sol.x[1])", V),
    "root, args and method": (
        "def f(a):\n"
        "    def residual(x, b, c): return np.tanh(x) * b + x - c\n"
        "    x = optimize.root(residual, np.zeros(2), args=(a, 2.0 * a), method='lm', tol=1e-13).x\n"
        "    return np.sum(x**2)", V),
    "fsolve": (
        "def f(a):\n"
        "    x = optimize.fsolve(lambda x: x + 0.3 * np.sin(x[::-1]) - a, np.zeros(2), xtol=1e-12)\n"
        "    return x @ np.array([1.0, -2.0])", V),
    "linprog": (
        "def f(a):\n"
        "    found = optimize.linprog(-np.ones(2), np.array([[1.0, 2.0], [3.0, 1.0]]) * a, 4.0 * a[::-1])\n"
        "    return found.x[0] * np.exp(found.x[1]) + found.fun**2", V),
    "linprog with equations and bounds": (
        "def f(a): return optimize.linprog(a, A_eq=np.array([[1.0, 2.0]]), b_eq=a[:1], bounds=[(0, 1), (0, None)]).fun", V),
    "a called function with more lines": (
        "def f(a):\n"
        "    x = optimize.brentq(h, 0.0, 3.0, args=(a,))\n"
        "    y = optimize.brentq(h, 0.0, 3.0, args=(2.0 * a,))\n"
        "    return x * y", 0.8),
    "in a loop": (
        "def f(a):\n"
        "    x = 1.0\n"
        "    for k in range(3):\n"
        "        x = optimize.brentq(lambda y: y**3 + a * y - x, 0.0, 5.0)\n"
        "    return x", 1.5),
}  # fmt: skip
MINIMA: dict[str, tuple[str, Any]] = {
    "minimize": (
        "def f(a):\n"
        "    def energy(x): return np.sum((x - a)**4) + 0.5 * np.sum(x**2) + x[0] * x[1] * 0.3\n"
        "    sol = optimize.minimize(energy, np.zeros(2), tol=1e-12)\n"
        "    return sol.x[0] - 3.0 * sol.x[1]", V),
    "the value of a minimum": (
        "def f(a): return optimize.minimize(lambda x: np.sum((x - a)**2) + a[0] * x[1], np.zeros(2)).fun", V),
    "both": (
        "def f(a):\n"
        "    sol = optimize.minimize(lambda x, b: np.sum(np.cosh(x - b)) + np.sum(x**2), np.zeros(2), (a,), tol=1e-12)\n"
        "    return sol.fun * sol.x[1]", V),
    "minimize_scalar": ("def f(a): return optimize.minimize_scalar(lambda x: (x - a)**2 + 0.1 * x**4, tol=1e-12).x", 1.2),
    "least_squares": (
        "def f(a):\n"
        "    t = np.array([0.0, 0.5, 1.0, 1.5])\n"
        "    def residual(p): return p[0] * np.exp(-p[1] * t) - np.array([2.0, 1.1, 0.8, 0.3]) * a[0] - 0.1 * a[1] * t\n"
        "    sol = optimize.least_squares(residual, np.ones(2), xtol=1e-14, ftol=1e-14, gtol=1e-14)\n"
        "    return sol.x[0] * sol.x[1]", V),
    "least_squares, args": (
        "def f(a):\n"
        "    t = np.array([0.0, 0.5, 1.0, 1.5])\n"
        "    def residual(p, b): return p[0] * np.exp(-p[1] * t) - np.array([2.0, 1.1, 0.8, 0.3]) * b\n"
        "    sol = optimize.least_squares(residual, np.ones(2), xtol=1e-14, ftol=1e-14, gtol=1e-14, args=(a,))\n"
        "    return sol.x[0] * sol.x[1]", 1.2),
    "curve_fit": (
        "def f(a): return optimize.curve_fit(model, T, Y * a[0] + a[1] * T, xtol=1e-13, ftol=1e-13)[0][1]", V),
    "curve_fit, its data, a start and what it reads": (
        "def f(a):\n"
        "    def curve(x, *p): return p[0] * np.exp(-p[1] * x[0]) + p[2] * x[1] * a[1]\n"
        "    x = np.stack([T * a[0], T**2])\n"
        "    popt, _ = optimize.curve_fit(curve, x, Y, p0=np.ones(3), sigma=0.3, method='trf', jac='3-point', xtol=1e-15, ftol=1e-15, gtol=1e-15)\n"
        "    return popt[0] * popt[1] + popt[2]", V),
    "curve_fit, a spread for each number": (
        "def f(a):\n"
        "    def slopes(x, p, q): return np.stack([np.exp(-q * x), -p * x * np.exp(-q * x)], axis=1)\n"
        "    popt, _ = optimize.curve_fit(model, T, Y, (1.0, 1.0), a[0] + a[1] * T, jac=slopes, xtol=1e-13, ftol=1e-13)\n"
        "    return popt[0] * popt[1]", V),
    "curve_fit, covariances": (
        "def f(a):\n"
        "    spread = np.diag(1.0 + T) + 3.0 * a[0]**2 * np.outer(np.sin(T), np.sin(T))\n"
        "    return np.sum(optimize.curve_fit(model, T, list(Y), None, spread, True, method='trf', jac='3-point', xtol=1e-15, ftol=1e-15, gtol=1e-15)[0]**2) * a[1]", V),
    "minimize with a gradient": (
        "def f(a):\n"
        "    sol = optimize.minimize(lambda x: np.sum((x - a)**4 + x**2), np.ones(2), jac=lambda x: 4 * (x - a)**3 + 2 * x, tol=1e-12)\n"
        "    return np.sum(sol.x**2)", V),
}  # fmt: skip
INTEGRALS: dict[str, tuple[str, Any]] = {
    "quad": ("def f(a): return integrate.quad(lambda x: np.exp(-a * x**2), 0.0, a)[0]", 1.3),
    "quad, args": ("def f(a): return integrate.quad(lambda x, b, c: b * x + np.sin(c * x), a, 2.0, args=(a, a**2))[0]", 0.4),
    "quad of an array": (
        "def f(a):\n"
        "    value, error = integrate.quad(lambda x: np.sum(np.cos(a * x)) * x, 0.0, 1.0)\n"
        "    return value**2", V),
    "fixed_quad": ("def f(a): return integrate.fixed_quad(lambda x: np.sin(a * x), 0.0, a**2, n=6)[0]", 1.3),
    "dblquad": ("def f(a): return integrate.dblquad(lambda y, x: np.sin(a * x * y), 0.0, a, 0.0, 2.0)[0]", 0.8),
    "dblquad to a curve": (
        "def f(a): return integrate.dblquad(lambda y, x, c: np.exp(-c * x * y), 0.0, 1.0, lambda x: -x, lambda x: a * x, args=(a,))[0]", 0.8),
    "dblquad to a limit that moves": ("def f(a): return integrate.dblquad(lambda y, x: x * y**2, 0.0, 1.0, 0.0, a)[0]", 0.8),
    "tplquad": ("def f(a): return integrate.tplquad(lambda z, y, x: np.sin(a * x * y + z), 0.0, a, 0.0, 1.0, 0.0, 1.0)[0]", 0.8),
    "tplquad to a surface": (
        "def f(a):\n"
        "    low, high = lambda x: a * x, lambda x, y: 1.0 - x * y\n"
        "    value, error = integrate.tplquad(lambda z, y, x, c: np.exp(-c * x * y) * z, 0.0, 1.0, low, 1.0, 0.0, high, args=(a,))\n"
        "    return value", 0.8),
    "nquad": ("def f(a): return integrate.nquad(lambda x, c: np.sin(c * x), [(0.0, a)], args=[a])[0]", 0.8),
    "nquad of two": (
        "def f(a): return integrate.nquad(lambda x, y, c: np.sin(a * x * y) * c, [lambda y, c: (0.0, y * c), [0.0, 1.0]], args=(a,))[0]", 0.8),
    "nquad of three": (
        "def f(a):\n"
        "    ranges = (lambda y, z: (0.0, y * a), lambda z: [0.0, z], (0.0, 1.0))\n"
        "    return integrate.nquad(lambda x, y, z: np.cos(x * y) * z, ranges)[0]", 0.8),
    "quad to infinity": ("def f(a): return integrate.quad(lambda x: np.exp(-a * x**2), 0.0, np.inf)[0]", 1.3),
    "the error of quad": ("def f(a): return a + integrate.quad(lambda x: a * x**2, 0.0, 1.0)[1] * 0.0", 1.3),
    "quad to a limit that moves": (
        "def f(a): return integrate.quad(lambda x, c: np.exp(-c * x**2), -np.inf, a[0], args=(a[1],))[0]", V),
    "quad_vec": (
        "def f(a): return np.sum(np.array([1.0, 2.0]) * integrate.quad_vec(lambda x: np.exp(-a * x), 0.0, 2.0)[0])", V),
}  # fmt: skip
# Functions of matrices that are given by functions, and functions that are written in other ways.
FUNCTIONS: dict[str, tuple[str, Any]] = {
    "funm of a function of NumPy": ("def f(a): return np.sum(dense.funm(SKEW * a, np.sin)**2)", V),
    "funm of what reads a number": ("def f(a): return np.sum(dense.funm(SKEW * a[0], lambda x: x**3 + np.exp(a[1] * x)) * SKEW)", V),
    "funm of a complex matrix": ("def f(a): return np.sum(np.abs(dense.funm(SKEW * a * (1.0 + 0.3j), np.cos)))", V),
    "funm whose value is complex": ("def f(a): return np.sum(np.imag(dense.funm(-SKEW @ SKEW.T * a[0], np.sqrt)**3))", V),
    "root of a function of NumPy": ("def f(a): return a * optimize.brentq(np.cos, 0.0, 3.0)", 1.5),
    "root of a partial": ("def f(a): return optimize.brentq(functools.partial(h, c=a), 0.0, 3.0)", 0.8),
    "root of a method": (
        "def f(a):\n"
        "    line = Line(a)\n"
        "    return optimize.brentq(line.away, 0.0, 9.0)", 1.5),
    "root of a gradient": ("def f(a): return optimize.root(grad(lambda x: np.sum((x - a)**2 + x**4)), np.zeros(2), tol=1e-13).x @ a", V),
}  # fmt: skip
EQUATIONS: dict[str, tuple[str, Any]] = {
    "solve_ivp": (
        "def f(a):\n"
        "    def slope(t, y): return np.array([y[1], -a[0] * y[0] - a[1] * y[1] + np.sin(t)])\n"
        "    sol = integrate.solve_ivp(slope, (0.0, 2.0), np.array([1.0, 0.5]), t_eval=np.linspace(0.0, 2.0, 5), rtol=1e-10, atol=1e-12)\n"
        "    return np.sum(sol.y**2)", V),
    "its args and method": (
        "def f(a):\n"
        "    def slope(t, y, k, m): return -k * y + m * y[::-1]\n"
        "    sol = integrate.solve_ivp(slope, (0.0, 1.0), a, 'DOP853', args=(a[0], a), rtol=1e-11, atol=1e-12)\n"
        "    return np.sum(sol.y[:, -1]**2)", V),
    "odeint": (
        "def f(a):\n"
        "    t = np.linspace(0.0, 2.0, 4)\n"
        "    y = integrate.odeint(lambda y, t: np.array([y[1], -np.sin(y[0]) * a[0]]), a, t, rtol=1e-10, atol=1e-12)\n"
        "    return np.sum(y[1:, 0]**2)", V),
    "odeint, tfirst and args": (
        "def f(a):\n"
        "    y = integrate.odeint(lambda t, y, k: -k * y + t, 1.0, np.array([0.0, 0.5, 1.0]), (a,), tfirst=True, rtol=1e-10, atol=1e-12)\n"
        "    return y[1, 0] * y[2, 0]", 0.8),
    "a slope that is a number": (
        "def f(a): return integrate.solve_ivp(lambda t, y: -a[0] * y[0], (0.0, 1.0), a[1:], rtol=1e-10, atol=1e-12).y[0, -1]", V),
    "tolerances of each state": (
        "def f(a):\n"
        "    sol = integrate.solve_ivp(lambda t, y: -a * y, (0.0, 1.0), np.ones(2), rtol=1e-10, atol=np.array([1e-12, 1e-11]))\n"
        "    return np.sum(sol.y[:, -1])", V),
    "backwards in time, a tuple": (
        "def f(a): return integrate.solve_ivp(lambda t, y: -a * y, (1.0, 0.0), (a[1], 2.0), rtol=1e-11, atol=1e-12).y[0, -1]", V),
    "a slope written in place": (
        "def f(a):\n"
        "    def slope(t, y):\n"
        "        out = np.zeros_like(y)\n"
        "        out[0] = y[1]\n"
        "        out[1] = -a[0] * y[0]\n"
        "        return out\n"
        "    return integrate.solve_ivp(slope, (0.0, 1.0), a, 'Radau', rtol=1e-9, atol=1e-11).y[0, -1]", V),
    "a complex state": (
        "def f(a): return np.sum(np.abs(integrate.solve_ivp(lambda t, y: (1j * a[0] - a[1]) * y, (0.0, 1.0), a * (1.0 + 0.5j), rtol=1e-10, atol=1e-12).y[:, -1])**3)", V),
    "a wave function": (
        "def f(a):\n"
        "    def slope(t, psi): return -1j * (a[0] * (SKEW + SKEW.T) @ psi + a[1] * np.sin(t) * psi[::-1])\n"
        "    psi = integrate.solve_ivp(slope, (0.0, 1.5), [1.0 + 0j, 0.0], 'DOP853', np.linspace(0.0, 1.5, 4), rtol=1e-10, atol=1e-12).y\n"
        "    return np.sum(np.abs(psi[0])**2 * np.arange(4))", V),
    "a slope that is no complex function of its state": (
        "def f(a):\n"
        "    def slope(t, y): return -1j * np.abs(y)**2 * y * a[0] + a[1] * np.conj(y) + np.real(y)\n"
        "    y = integrate.solve_ivp(slope, (0.0, 1.0), np.array([0.5 + 0.3j, -0.2j]), rtol=1e-10, atol=1e-12).y\n"
        "    return np.real(y[0, -1]) * np.imag(y[1, -1])", V),
    "a real slope of a complex state": (
        "def f(a):\n"
        "    def slope(t, y): return np.real(y) * a[0] + np.array([0.3, a[1]])\n"
        "    y = integrate.solve_ivp(slope, (0.0, 1.0), np.array([0.5 + 0.3j, -0.2j]), rtol=1e-10, atol=1e-12).y\n"
        "    return np.real(y[0, -1]) * np.real(y[1, -1])", V),
    "complex parameters": (
        "def f(a):\n"
        "    def slope(t, y, k): return k * y\n"
        "    y = integrate.solve_ivp(slope, (0.0, 1.0), np.array([1.0 + 0j, 2.0]), args=(0.3j * a[0] - a[1],), rtol=1e-10, atol=1e-12).y\n"
        "    return np.real(y[0, -1] * np.conj(y[1, -1])) + np.imag(y[0, -1])", V),
    "a real state and complex parameters": (
        "def f(a):\n"
        "    z = a[0] + 1j * a[1]\n"
        "    return integrate.solve_ivp(lambda t, y: -np.abs(z * z) * y + np.imag(z), (0.0, 1.0), np.ones(2), rtol=1e-10, atol=1e-12).y[0, -1]", V),
    "states that are asked for where it begins": (
        "def f(a): return a[0] * integrate.odeint(lambda y, t: -y * a, a[1] * np.ones(2), np.array([0.0]))[0, 1]", V),
}  # fmt: skip
# Equations of which a time moves: their second derivative is taken in forward mode throughout.
TIMED: dict[str, tuple[str, Any]] = {
    "its final time and initial state": (
        "def f(a):\n"
        "    sol = integrate.solve_ivp(lambda t, y: -y * t, (0.0, a[0]), [a[1], 2.0], rtol=1e-10, atol=1e-12)\n"
        "    return sol.y[0, -1] * sol.y[1, -1]", V),
    "both times in an array": (
        "def f(a): return integrate.solve_ivp(lambda t, y: -y * t, a, np.ones(2), rtol=1e-10, atol=1e-12).y[0, -1]", V),
    "outputs from the first time on": (
        "def f(a):\n"
        "    t = np.linspace(a[0], a[1], 3)\n"
        "    y = integrate.solve_ivp(lambda t, y: -y * t * a[1], (a[0], a[1]), np.ones(2), t_eval=t, rtol=1e-10, atol=1e-12).y\n"
        "    return np.sum(y[0]**2)", V),
    "outputs that move alone": (
        "def f(a):\n"
        "    y = integrate.solve_ivp(lambda t, y: np.sin(t) * y, (0.0, 2.0), np.ones(2), t_eval=a, rtol=1e-10, atol=1e-12).y\n"
        "    return y[0, 0] * y[1, 1]", V),
    "the times of the result": (
        "def f(a):\n"
        "    sol = integrate.solve_ivp(lambda t, y: -y * t, (a[0], a[1]), np.ones(2), rtol=1e-10, atol=1e-12)\n"
        "    return sol.t[0] * sol.t[-1]", V),
    "both times of a complex state": (
        "def f(a):\n"
        "    y = integrate.solve_ivp(lambda t, y: (1j * t - 0.2) * y, a, np.array([0.5 + 0.3j, -0.2j]), rtol=1e-10, atol=1e-12).y\n"
        "    return np.real(y[0, -1]) * np.imag(y[1, -1])", V),
    "odeint from a time that moves": (
        "def f(a):\n"
        "    y = integrate.odeint(lambda t, y: np.array([y[1], -y[0] * t]), np.ones(2), np.linspace(a[0], a[1], 4), tfirst=True, rtol=1e-10, atol=1e-12)\n"
        "    return np.sum(y[:, 0]**2)", V),
}  # fmt: skip
ALL = {**ROOTS, **MINIMA, **INTEGRALS, **FUNCTIONS, **EQUATIONS, **TIMED}
LOOSE = {"the value of a minimum": 1e-5, "minimize": 1e-4, "both": 1e-4, "minimize_scalar": 1e-4, "least_squares": 1e-5, "curve_fit": 1e-5, "curve_fit, a spread for each number": 1e-5, "curve_fit, covariances": 1e-5, "curve_fit, its data, a start and what it reads": 1e-5, "least_squares, args": 1e-5, "minimize with a gradient": 1e-4}


def h(x: float, c: float) -> float:
    y = np.exp(c * x)
    return x * y - 2.0


def model(x: Any, p: float, q: float) -> Any:
    return p * np.exp(-q * x)


class Line:
    def __init__(self, slope: float) -> None:
        self.slope = slope

    def away(self, x: float) -> Any:
        return self.slope * x**3 - 2.0


SKEW = np.array([[1.0, 0.4], [-0.3, 1.7]])
T = np.linspace(0.1, 2.0, 8)
Y = np.array([2.0, 1.6, 1.1, 1.0, 0.7, 0.55, 0.5, 0.3])


def program(text: str) -> Callable[..., Any]:
    names = {"h": h, "model": model, "T": T, "Y": Y, "SKEW": SKEW, "Line": Line, "grad": grad}
    return written(text, optimize=optimize, integrate=integrate, dense=dense, functools=functools, **names)


def slope(f: Callable[..., Any], x: Any, v: Any, step: float = STEP) -> Any:
    weights = {-2: 1 / 12, -1: -8 / 12, 1: 8 / 12, 2: -1 / 12}
    return sum(w * f(x + k * step * v) for k, w in weights.items()) / step


def cases(table: dict[str, tuple[str, Any]]) -> list[Any]:
    return [pytest.param(name, text, at, id=name) for name, (text, at) in table.items()]


@pytest.mark.parametrize(("name", "text", "at"), cases(ALL))
def test_the_gradient_agrees_with_central_differences(name: str, text: str, at: Any) -> None:
    f = program(text)
    value, gradient = value_and_grad(f)(at)
    v = np.array([0.3, -0.8]) if np.ndim(at) else 1.0
    step = 1e-2 if name in LOOSE else STEP

    assert value == f(at)
    np.testing.assert_allclose(np.sum(gradient * v), slope(f, at, v, step), rtol=LOOSE.get(name, 1e-6), atol=1e-9)


@pytest.mark.parametrize(("name", "text", "at"), cases(ALL))
def test_the_second_derivative_agrees_with_differences_of_the_gradient(name: str, text: str, at: Any) -> None:
    first = grad(program(text))
    v = np.array([0.3, -0.8]) if np.ndim(at) else 1.0
    _, pullback = vjp(first, at)
    (product,) = pullback(v) if isinstance(pullback(v), tuple) else (pullback(v),)

    expected = slope(lambda x: np.sum(first(x) * v), at, v, 1e-3)
    np.testing.assert_allclose(np.sum(product * v), expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(("name", "text", "at"), cases(ALL))
def test_the_tangent_agrees_with_central_differences(name: str, text: str, at: Any) -> None:
    f = program(text)
    v = np.array([0.3, -0.8]) if np.ndim(at) else 1.0
    value, tangent = jvp(f, (at,), (v,))
    step = 1e-2 if name in LOOSE else STEP

    assert value == f(at)
    np.testing.assert_allclose(tangent, slope(f, at, v, step), rtol=LOOSE.get(name, 1e-6), atol=1e-9)


@pytest.mark.parametrize(("name", "text", "at"), cases(ALL))
def test_the_hessian_agrees_with_differences_of_the_gradient(name: str, text: str, at: Any) -> None:
    f = program(text)
    first = grad(f)
    v = np.array([0.3, -0.8]) if np.ndim(at) else 1.0
    product = np.dot(hessian(f)(at), v)

    expected = slope(lambda x: np.sum(first(x) * v), at, v, 1e-3)
    np.testing.assert_allclose(np.sum(product * v), expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(("name", "text", "at"), cases({**EQUATIONS, **TIMED}))
def test_directions_of_directions_of_equations_agree_with_differences(name: str, text: str, at: Any) -> None:
    f = program(text)
    first = grad(f)
    v = np.array([0.3, -0.8]) if np.ndim(at) else 1.0
    expected = slope(lambda x: np.sum(first(x) * v), at, v, 1e-3)

    twice = np.sum(np.dot(jacfwd(jacfwd(f))(at), v) * v)
    np.testing.assert_allclose(twice, expected, rtol=1e-4, atol=1e-6)
    moved = grad(lambda x: jvp(f, (x,), (v,))[1])(at)
    np.testing.assert_allclose(np.sum(moved * v), expected, rtol=1e-4, atol=1e-6)


def test_the_jacobian_of_a_solution_is_the_same_both_ways() -> None:
    f = program("def f(a): return optimize.fsolve(lambda x: x**3 - a * x[::-1], 2.0 * np.ones(2), xtol=1e-13) * a")

    np.testing.assert_allclose(jacfwd(f)(V), jacrev(f)(V), rtol=1e-12)


def test_a_solution_is_found_once_for_all_directions() -> None:
    f = program(ROOTS["root"][0])
    derivative = hessian(f)
    derivative(V)

    assert derivative.source.count("scipy.optimize.root(") == 1
    assert derivative.source.index("scipy.optimize.root(") < derivative.source.index("for a_dot")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("def f(a): return optimize.brentq(lambda x: x**3 - a[0], 0.0, 3.0, full_output=True)[0]",
         "no derivative is known for `scipy.optimize.brentq` with respect to `function`: "
         "the result is not differentiated with `full_output`"),
        ("def f(a): return optimize.root(lambda x: x - a, np.zeros(2)).fvec[0]",
         "no derivative is known for `fvec` of the result of `scipy.optimize.root`"),
        ("def f(a):\n    def g(x):\n        print(x)\n        return x - a[0]\n    return optimize.brentq(g, 0.0, 4.0)",
         "the derivative of `scipy.optimize.brentq` is not known for this call: "
         "`g` is handed to a solver and prints, draws or raises"),
        ("def f(a):\n"
         "    if a[0] > 0.0:\n        sol = optimize.root(lambda x: x**3 - a, np.ones(2))\n"
         "    else:\n        sol = optimize.root(lambda x: x**3 - 2.0 * a, np.ones(2))\n"
         "    return sol.x[0]",
         "the result of `scipy.optimize.root` is handed on as a whole, and has no tangent"),
        ("def f(a): return integrate.solve_ivp(lambda t, y: -a[0] * y, (0.0, 1.0), a, events=lambda t, y: y[0]).y[0, -1]",
         "no derivative is known for `scipy.integrate.solve_ivp` with respect to `function`: "
         "events and vectorized slopes are not differentiated"),
        ("def f(a): return optimize.linprog(np.ones(2), bounds=[(a[0], None), (0, None)]).x[0]",
         "no derivative is known for `scipy.optimize.linprog` with respect to `items`: "
         "the bounds of a linear program are constants"),
    ],
)  # fmt: skip
def test_what_has_no_tangent_is_refused_with_its_reason(text: str, reason: str) -> None:
    with pytest.raises(DiffCompileError) as caught:
        jvp(program(text), (V,), (V,))

    assert caught.value.span is not None
    assert caught.value.reason == reason


def refusal(text: str, at: Any) -> str:
    with pytest.raises(DiffCompileError) as caught:
        grad(program(text))(at)
    assert caught.value.span is not None
    return caught.value.reason


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("def f(a): return optimize.root(lambda x: x - a, np.zeros(2)).fvec[0]",
         "no derivative is known for `fvec` of the result of `scipy.optimize.root`"),
        ("def f(a): return integrate.nquad(lambda x, y: a[0] * x * y, [(0, 1)] * 2, opts={})[0]",
         "a nested integral is differentiated without `opts` and `full_output`"),
        ("def f(a): return integrate.nquad(lambda x, y, z, w: a[0] * x * y, [(0, 1)] * 4)[0]",
         "a nested integral is differentiated in up to three variables"),
        ("def f(a): return integrate.dblquad(lambda x, y: a[0] * x * y, 0, 1, 0, 1)[1]",
         "the error of a nested integral is the largest of all that it is made of, and is not followed"),
        ("def f(a): return optimize.curve_fit(lambda x, *p: p[0] * x, T, Y, p0=a)[0][0]",
         "how many parameters are fitted is not known when compiling"),
        ("def f(a): return optimize.curve_fit(Line(a[0]).away, T, Y)[0][0]",
         "how many parameters are fitted is not known when compiling"),
        ("def f(a): return optimize.brentq(a, a[0], 4.0)",
         "`f` of `brentq` is not a function that is known when compiling"),
        ("def f(a):\n    def g(x):\n        print(x)\n        return x - a[0]\n    return optimize.brentq(g, 0.0, 4.0)",
         "the derivative of `scipy.optimize.brentq` is not known for this call: "
         "`g` is handed to a solver and prints, draws or raises"),
        ("def f(a):\n    y = np.zeros(1)\n    def g(x):\n        y[0] = x\n        return x - a[0]\n    return optimize.brentq(g, 0.0, 4.0)",
         "a function handed to a solver changes `y`, which is outside of it"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_with_its_reason(text: str, reason: str) -> None:
    assert refusal(text, V) == reason


def test_a_function_of_a_matrix_with_equal_values_has_a_first_derivative() -> None:
    f = program("def f(a): return dense.funm(np.diag(a), np.exp)[0, 1] + np.sum(dense.funm(np.diag(a), np.exp))")
    at = np.array([0.7, 0.7])

    np.testing.assert_allclose(grad(f)(at), np.exp(at))
    np.testing.assert_allclose(jacfwd(f)(at), np.exp(at))


def test_a_starting_point_and_a_bracket_carry_no_derivative() -> None:
    f = program("def f(a, lo): return optimize.brentq(lambda x: x**2 - a, lo, 3.0) + 0.0 * lo")

    assert grad(f, (0, 1))(2.0, 0.5) == pytest.approx((0.5 / np.sqrt(2.0), 0.0))


def test_a_global_number_is_read_live_by_the_callback() -> None:
    f = program("def f(a): return optimize.brentq(lambda x: x**2 - a * rate, 0.0, 9.0)")
    f.__globals__["rate"] = 2.0
    derivative = grad(f)
    first = derivative(2.0)
    f.__globals__["rate"] = 8.0

    assert (first, derivative(2.0)) == (pytest.approx(0.5), pytest.approx(1.0))


def test_the_cotangent_of_a_result_in_parts_is_kept_in_a_loop() -> None:
    f = program(
        "def f(a):\n"
        "    x = a\n"
        "    for k in range(3):\n"
        "        x = np.linalg.lstsq(SKEW + np.outer(a, x), x * a)[0]\n"
        "    return np.sum(x**2)"
    )
    v = np.array([0.3, -0.8])
    expected = slope(lambda x: np.sum(grad(f)(x) * v), V, v, 1e-3)

    np.testing.assert_allclose(vjp(grad(f), V)[1](v)[0] @ v, expected, rtol=1e-6)


def test_a_singular_jacobian_says_so() -> None:
    f = program("def f(a): return np.sum(optimize.fsolve(lambda x: (x[0] + x[1]) * np.ones(2) - a, np.ones(2)))")

    with pytest.raises(np.linalg.LinAlgError):
        grad(f)(np.array([1.0, 1.0]))


def test_the_generated_code_shows_the_linear_solve() -> None:
    derivative = grad(program(ROOTS["root"][0]))
    derivative(V)

    assert "adjoint = np.linalg.solve(" in derivative.source
    assert "def residual(x, a):" in derivative.source
    assert "scipy.optimize.root(lambda x: residual(x, a), [1.0, 1.0], tol=1e-12)" in derivative.source


@pytest.mark.parametrize(("name", "text", "at"), cases(ALL))
def test_the_generated_module_stands_alone(name: str, text: str, at: Any) -> None:
    derivative = value_and_grad(program(text))
    value, gradient = derivative(at)
    imports = [line for line in derivative.source.splitlines() if line.startswith(("import ", "from "))]
    scope: dict[str, Any] = {}
    exec(derivative.source, scope)

    assert all("numpy" in line or "scipy" in line for line in imports)
    again_of = scope["f_value_and_grad"]
    read = [p.name for p in inspect.signature(again_of).parameters.values() if p.kind is p.KEYWORD_ONLY]
    again = again_of(at, **{name: {"T": T, "Y": Y, "SKEW": SKEW}[name] for name in read})
    assert again[0] == value
    np.testing.assert_array_equal(again[1], gradient)


THIRD = "def f(a): return integrate.solve_ivp(lambda t, y: a[0] * y * (a[1] - y), (0.0, 1.0), np.array([0.3]), rtol=1e-10, atol=1e-12).y[0, -1]"


def test_the_third_derivative_of_an_equation_is_the_same_in_every_order_of_the_modes() -> None:
    f, v = program(THIRD), np.array([0.3, -0.8])

    def twice(a: Any) -> Any:
        return grad(lambda b: grad(f)(b) @ v)(a) @ v

    def curved(a: Any) -> Any:
        return hessian(f)(a) @ v @ v

    expected = grad(twice)(V)
    np.testing.assert_allclose(expected @ v, slope(twice, V, v, 1e-3), rtol=1e-6)
    np.testing.assert_allclose(jacfwd(twice)(V), expected, rtol=1e-7)
    np.testing.assert_allclose(grad(curved)(V), expected, rtol=1e-7)


IN_LOOPS = {
    "equations": (
        "    for k in range(2):\n"
        "        sol = integrate.solve_ivp(lambda s, y: -a[0] * y * x + np.sin(a[1] * s), (0.0, 1.0), np.ones(2) * x, rtol=1e-10, atol=1e-12)\n"
        "        x = x + 0.1 * sol.y[0, -1] * sol.y[1, -1]\n"),
    "roots": (
        "    for k in range(2):\n"
        "        sol = optimize.root(lambda y: y**3 + a * y - x, np.ones(2), tol=1e-13)\n"
        "        x = x + sol.x[0] * sol.x[1]\n"),
    "minima": (
        "    for k in range(2):\n"
        "        sol = optimize.minimize(lambda y: np.sum(np.cosh(y - a * x)) + y[0] * y[1] * 0.3, np.ones(2), tol=1e-13)\n"
        "        x = x + sol.x[0] * sol.fun\n"),
    "a result that a loop reads": (
        "    sol = optimize.root(lambda y: y**3 + a * y - 2.0, np.ones(2), tol=1e-13)\n"
        "    for k in range(2):\n"
        "        x = x * sol.x[k] + np.sum(sol.x)\n"),
}  # fmt: skip


@pytest.mark.parametrize("text", IN_LOOPS.values(), ids=IN_LOOPS)
def test_what_a_solver_returns_is_followed_in_loops_twice(text: str) -> None:
    f = program(f"def f(a):\n    x = 1.0\n{text}    return x")
    first, v = grad(f), np.array([0.3, -0.8])
    expected = np.stack([slope(first, V, unit, 1e-3) for unit in np.eye(2)])

    np.testing.assert_allclose(first(V) @ v, slope(f, V, v, 1e-2), rtol=2e-5)
    np.testing.assert_allclose(vjp(first, V)[1](v)[0], expected @ v, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(hessian(f)(V), expected, rtol=1e-4, atol=1e-5)


def test_a_result_may_be_read_by_key() -> None:
    by_key = program("def f(a): return optimize.root(lambda y: y**3 + a * y - 2.0, np.ones(2), tol=1e-13)['x'][0] * a[1]")
    by_name = program("def f(a): return optimize.root(lambda y: y**3 + a * y - 2.0, np.ones(2), tol=1e-13).x[0] * a[1]")

    np.testing.assert_array_equal(grad(by_key)(V), grad(by_name)(V))
    np.testing.assert_array_equal(jacfwd(by_key)(V), jacfwd(by_name)(V))


def test_no_equation_is_solved_again_for_nothing() -> None:
    f = program(EQUATIONS["solve_ivp"][0])
    derivative = hessian(f)
    derivative(V)

    main = derivative.source[derivative.source.index("def f_grad_jacobian(") :]
    assert main.count("solve_ivp(") == 1
    assert main.count("adjoint_of_ivp(") == 1


def test_complex_arguments_of_an_equation_get_the_cotangents_of_its_solution() -> None:
    names = "integrate.solve_ivp(lambda t, y: w * y, (0.0, 1.0), z, rtol=1e-11, atol=1e-13).y[:, -1]"
    solved, known = program(f"def f(z, w): return {names}"), program("def f(z, w): return np.exp(w) * z")
    at, ct = (np.array([0.3 + 0.2j, -0.5 + 0.7j]), 0.4 - 0.9j), np.array([1.0 + 2.0j, 0.3 - 0.1j])
    dots = (at[0] * 1j, 2.0 + 0.5j)

    for found, expected in zip(vjp(solved, *at)[1](ct), vjp(known, *at)[1](ct), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-8)
    np.testing.assert_allclose(jvp(solved, at, dots)[1], jvp(known, at, dots)[1], rtol=1e-8)


def test_events_are_refused() -> None:
    text = "def f(a): return integrate.solve_ivp(lambda t, y: -a[0] * y, (0.0, 1.0), a, events=lambda t, y: y[0]).y[0, -1]"

    assert "events and vectorized slopes are not differentiated" in refusal(text, V)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("optimize.linprog(-np.ones(2), np.array([[1.0, 1.0]]), a[:1]).x[0]", "where its solution is not unique"),
        ("optimize.linprog(-a, np.array([[1.0, 0.0], [1.0, 1.0], [0.0, 1.0]]), np.array([1.0, 2.0, 1.0])).fun", "where its solution is degenerate"),
    ],
)
def test_a_linear_program_without_a_derivative_says_so(text: str, sentence: str) -> None:
    f = written(f"def f(a): return {text}", optimize=optimize)
    with pytest.raises(np.linalg.LinAlgError, match=sentence):
        grad(f)(V)
