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


def test_a_table_that_is_filled_outside_does_not_move_there() -> None:
    f = program("def f(y): return interpolate.interp1d(X, y, bounds_error=False, fill_value=0.0)(4.5)")

    np.testing.assert_array_equal(grad(f)(Y), np.zeros(5))


def test_a_spline_of_rows_is_summed_over_its_own_axis() -> None:
    spline = interpolate.CubicSpline(X, np.stack([Y, Y**2]), axis=1)
    f = written("def f(t): return np.sum(np.array([[1.0], [2.0]]) * spline(t))", spline=spline)
    t, v = np.array([0.3, 1.7]), np.array([0.7, -0.4])

    assert np.sum(grad(f)(t) * v) == pytest.approx(slope(f, t, v), rel=1e-6)


def test_options_of_the_call_go_to_the_call() -> None:
    text = "def f(y): return interpolate.RectBivariateSpline(X, X, y)(0.4, y[0], grid=False)"
    f = written(text.replace("y[0]", "y[0, 0]"), interpolate=interpolate, X=X)
    y, v = np.outer(Y, Y[::-1]), np.outer(V, V)

    assert np.sum(grad(f)(y) * v) == pytest.approx(slope(f, y, v), rel=1e-6)


def test_the_knots_of_a_spline_are_refused() -> None:
    f = written("def f(x): return interpolate.CubicSpline(x, x**2)(0.4)", interpolate=interpolate)
    with pytest.raises(NoRule) as caught:
        grad(f)(X)

    assert "the knots of an interpolant are constants" in caught.value.reason


def test_a_smoothing_spline_is_refused() -> None:
    f = program("def f(y): return interpolate.splev(0.4, interpolate.splrep(X, y, s=1.0))")
    with pytest.raises(NoRule) as caught:
        grad(f)(Y)

    assert "a smoothing or weighted spline" in caught.value.reason
