"""Interpolants as a user makes and calls them."""

from typing import Any

import numpy as np
import pytest

from diffcompile import NoRule, grad
from graphs import written

interpolate = pytest.importorskip("scipy.interpolate")

X = np.array([0.0, 1.0, 2.5, 3.0, 4.0])
Y = np.array([1.0, 2.0, 0.5, 3.0, 1.0])
V = np.array([0.3, -0.2, 0.5, 0.1, -0.4])


def program(text: str) -> Any:
    return written(text, interpolate=interpolate, X=X, spline=interpolate.CubicSpline(X, Y))


def slope(f: Any, x: Any, v: Any) -> Any:
    return (f(x + 1e-6 * v) - f(x - 1e-6 * v)) / 2e-6


@pytest.mark.parametrize(
    "text",
    [
        "def f(y): return np.sum(interpolate.CubicSpline(X, y)(np.array([0.3, 3.3]))**2)",
        "def f(y):\n    s = interpolate.CubicSpline(X, y, bc_type='natural')\n    return s(0.4) * s(1.7, 1)",
        "def f(y):\n    s = interpolate.CubicSpline(X, y)\n    y = 2.0 * y\n    return s(0.4) * y[1]",
        "def f(y): return interpolate.interp1d(X, y)(1.7) ** 2",
        "def f(y): return np.sum(interpolate.interp1d(X, y, kind='cubic')(np.array([0.3, 3.3]))**2)",
    ],
)
def test_the_values_of_an_interpolant(text: str) -> None:
    f = program(text)

    assert np.sum(grad(f)(Y) * V) == pytest.approx(slope(f, Y, V), rel=1e-6)


def test_the_points_of_a_spline_that_was_made_outside() -> None:
    f = program("def f(t): return spline(t)**2")

    assert grad(f)(0.7) == pytest.approx(slope(f, 0.7, 1.0), rel=1e-6)
    assert grad(grad(f))(0.7) == pytest.approx(slope(grad(f), 0.7, 1.0), rel=1e-6)


def test_the_values_of_a_shaped_interpolant_are_refused() -> None:
    f = program("def f(y): return interpolate.PchipInterpolator(X, y)(0.4)")
    with pytest.raises(NoRule) as caught:
        grad(f)(Y)

    assert "this interpolant is not linear in its values" in caught.value.reason
