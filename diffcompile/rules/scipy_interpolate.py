"""Derivatives of the interpolants of `scipy.interpolate`, by their points, and where linear by their data.

    y = CubicSpline(x, f)(t)        f_bar = basis.T @ y_bar,  t_bar = y_bar * CubicSpline(x, f)(t, 1)

A spline is linear in the values that it goes through: its value is a sum of them, weighted by the splines
through the unit vectors. The knots carry no derivative.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import interpolate

from .library import CALLED, EVALUATED, POSITIONAL, Called, Evaluation
from .register import Unknown, defvjp

knots = Unknown("the knots of an interpolant are constants")
not_linear = Unknown("this interpolant is not linear in its values, and is not differentiated by them")
other_ends = Unknown("end conditions that hold numbers are not differentiated")
other_axis = Unknown("the values of an interpolant are to lie along the first axis")
other_kind = Unknown("of this kind of interpolation the slope is not known")


def values_cotangent(ct: Any, basis: Any, t: Any) -> Any:
    """The cotangent of the values, from the interpolants of the unit vectors at `t`."""
    axes = tuple(range(np.ndim(t)))
    return np.tensordot(basis, ct, (axes, axes))


def points_cotangent(ct: Any, slope: Any, t: Any) -> Any:
    """The cotangent of the points: what the slopes of all values add up to."""
    return np.sum(np.reshape(ct * slope, (*np.shape(t), -1)), axis=-1)


def declare_spline(maker: Any) -> None:
    """An interpolant that is linear in its values and is called with the order of a derivative."""
    EVALUATED[maker] = Evaluation(maker)
    POSITIONAL[maker] = ("x", "y")

    @defvjp(EVALUATED[maker])
    def _(
        ct: Any, out: Any, x: Any, y: Any, t: Any, nu: Any = 0, *, axis: Any = 0, bc_type: Any = "not-a-knot",
        extrapolate: Any = None,
    ) -> Any:  # fmt: skip
        if not isinstance(bc_type, str):
            return knots, other_ends, other_ends
        if axis != 0:
            return knots, other_axis, other_axis
        basis = maker(x, np.eye(len(x)), bc_type=bc_type, extrapolate=extrapolate)(t, nu)
        slope = maker(x, y, bc_type=bc_type, extrapolate=extrapolate)(t, nu + 1)
        return knots, values_cotangent(ct, basis, t), points_cotangent(ct, slope, t)


declare_spline(interpolate.CubicSpline)


def declare_shaped(maker: Any) -> None:
    """An interpolant that keeps the shape of its values, and is differentiated by its points alone."""
    EVALUATED[maker] = Evaluation(maker)
    POSITIONAL[maker] = ("x", "y")

    @defvjp(EVALUATED[maker])
    def _(
        ct: Any, out: Any, x: Any, y: Any, t: Any, nu: Any = 0, *, axis: Any = 0, extrapolate: Any = None
    ) -> Any:
        slope = maker(x, y, extrapolate=extrapolate)(t, nu + 1)
        return knots, not_linear, points_cotangent(ct, slope, t)


declare_shaped(interpolate.PchipInterpolator)
declare_shaped(interpolate.Akima1DInterpolator)

EVALUATED[interpolate.interp1d] = Evaluation(interpolate.interp1d)
POSITIONAL[interpolate.interp1d] = ("x", "y", "kind")


@defvjp(EVALUATED[interpolate.interp1d])
def _(
    ct: Any, out: Any, x: Any, y: Any, t: Any, *, kind: Any = "linear", axis: Any = -1, copy: Any = True,
    bounds_error: Any = None, fill_value: Any = np.nan, assume_sorted: Any = False,
) -> Any:  # fmt: skip
    if y.ndim != 1:
        return knots, other_axis, other_axis
    basis = interpolate.interp1d(x, np.eye(len(x)), kind, axis=0, fill_value="extrapolate")(t)
    y_bar = values_cotangent(ct, basis, t)
    if kind != "linear":
        return knots, y_bar, other_kind
    place = np.clip(np.searchsorted(x, t, "right"), 1, len(x) - 1)
    return knots, y_bar, ct * (y[place] - y[place - 1]) / (x[place] - x[place - 1])


# Objects that were made outside: their call is differentiated by its points.


def declare_called(cls: Any) -> None:
    """A piecewise polynomial, which is called with the order of a derivative."""
    CALLED[cls] = Called(cls)

    @defvjp(CALLED[cls])
    def _(ct: Any, out: Any, spline: Any, t: Any, nu: Any = 0, extrapolate: Any = None) -> Any:
        return None, points_cotangent(ct, spline(t, nu + 1), t)


for _cls in (
    interpolate.CubicSpline, interpolate.PchipInterpolator, interpolate.Akima1DInterpolator,
    interpolate.PPoly, interpolate.BSpline,
):  # fmt: skip
    declare_called(_cls)
