"""Derivatives of the splines of `scipy.interpolate`, by their points and by the data that they are linear in.

    y = CubicSpline(x, f)(t)        f_bar = basis.T @ y_bar,  t_bar = y_bar * CubicSpline(x, f)(t, 1)

A spline is linear in the values that it goes through: its value is a sum of them, weighted by the splines
through the unit vectors, and its slope is a spline. The knots of these carry no derivative; those of the
piecewise cubics that keep a shape, and of grids, do, in files of their own.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import interpolate

from . import scipy_grids, scipy_hermite
from .library import CALLED, EVALUATED, POSITIONAL, Called, Evaluation
from .register import Array, Unknown, defequal, defjvp, defvjp, nondifferentiable

__all__ = ["scipy_grids", "scipy_hermite"]

knots = Unknown("the knots of an interpolant are constants")
other_ends = Unknown("end conditions that hold numbers are not differentiated")
POINT = (("x", None), ("nu", 0), ("extrapolate", None))


def values_cotangent(ct: Any, basis: Any, y: Any, t: Any, axis: Any) -> Any:
    """The cotangent of the values `y`, from the interpolants of the unit vectors at `t`."""
    if y.ndim == 1:
        return np.reshape(basis, (-1, y.shape[0])).T @ np.ravel(ct)
    first = axis % y.ndim
    inner = tuple(range(np.ndim(t)))
    summed = np.tensordot(basis, ct, (inner, tuple(range(first, first + np.ndim(t)))))
    return np.moveaxis(summed, 0, first)


def points_cotangent(ct: Any, slope: Any, t: Any, y: Any, axis: Any) -> Any:
    """The cotangent of the points: what the slopes of all values add up to."""
    if y.ndim == 1:
        return ct * slope
    first, count = axis % y.ndim, np.ndim(t)
    others = tuple([k for k in range(y.ndim + count - 1) if k < first or k >= first + count])
    return np.sum(ct * slope, axis=others)


def beside(t_dot: Any, y: Any, axis: Any) -> Any:
    """The tangent of the points, so that it broadcasts against what is read there."""
    return np.expand_dims(t_dot, tuple(range(-(y.ndim - 1 - axis % y.ndim), 0)))


def declare_spline(maker: Any) -> None:
    """An interpolant that is linear in its values, and is called with the order of a derivative."""
    EVALUATED[maker] = Evaluation(maker, call=POINT)
    POSITIONAL[maker] = ("x", "y")

    @defvjp(EVALUATED[maker])
    def _(
        ct: Any, out: Any, x: Array, y: Array, t: Any, nu: Any = 0, *, axis: Any = 0,
        bc_type: Any = "not-a-knot", extrapolate: Any = None,
    ) -> Any:  # fmt: skip
        if not isinstance(bc_type, str):
            return knots, other_ends, other_ends
        basis = maker(x, np.eye(len(x)), bc_type=bc_type, extrapolate=extrapolate)(t, nu)
        slope = maker(x, y, axis=axis, bc_type=bc_type, extrapolate=extrapolate)(t, nu + 1)
        y_bar = values_cotangent(ct, basis, y, t, axis)
        return knots, y_bar, points_cotangent(ct, slope, t, y, axis)

    @defjvp(EVALUATED[maker])
    def _(
        tangents: Any, out: Any, x: Array, y: Array, t: Any, nu: Any = 0, *, axis: Any = 0,
        bc_type: Any = "not-a-knot", extrapolate: Any = None,
    ) -> Any:  # fmt: skip
        if not isinstance(bc_type, str):
            return other_ends
        out_dot: Any = 0.0
        if tangents[1] is not None:
            moved = maker(x, tangents[1], axis=axis, bc_type=bc_type, extrapolate=extrapolate)
            out_dot = moved(t, nu)
        if tangents[2] is not None:
            slope = maker(x, y, axis=axis, bc_type=bc_type, extrapolate=extrapolate)(t, nu + 1)
            out_dot = out_dot + slope * beside(tangents[2], y, axis)
        return out_dot


declare_spline(interpolate.CubicSpline)


# B-splines

EVALUATED[interpolate.make_interp_spline] = Evaluation(interpolate.make_interp_spline, call=POINT)
POSITIONAL[interpolate.make_interp_spline] = ("x", "y", "k")
EVALUATED[interpolate.InterpolatedUnivariateSpline] = Evaluation(
    interpolate.InterpolatedUnivariateSpline, call=(("x", None), ("nu", 0), ("ext", None))
)
POSITIONAL[interpolate.InterpolatedUnivariateSpline] = ("x", "y")
EVALUATED[interpolate.BSpline] = Evaluation(interpolate.BSpline, data=3, call=POINT)
POSITIONAL[interpolate.BSpline] = ("t", "c", "k", "extrapolate")


@defvjp(EVALUATED[interpolate.make_interp_spline])
def _(
    ct: Any, out: Any, x: Array, y: Array, at: Any, nu: Any = 0, extrapolate: Any = None, *,
    k: Any = 3, t: Any = None, axis: Any = 0, bc_type: Any = None, check_finite: Any = True,
) -> Any:  # fmt: skip
    if t is not None:
        raise NotImplementedError("a spline with knots of its own is not differentiated")
    if bc_type is not None and not isinstance(bc_type, str):
        return knots, other_ends, other_ends
    basis = interpolate.make_interp_spline(x, np.eye(len(x)), k=k, bc_type=bc_type)(at, nu, extrapolate)
    slope = interpolate.make_interp_spline(x, y, k=k, bc_type=bc_type, axis=axis)(at, nu + 1, extrapolate)
    return knots, values_cotangent(ct, basis, y, at, axis), points_cotangent(ct, slope, at, y, axis)


@defjvp(EVALUATED[interpolate.make_interp_spline])
def _(
    tangents: Any, out: Any, x: Array, y: Array, at: Any, nu: Any = 0, extrapolate: Any = None, *,
    k: Any = 3, t: Any = None, axis: Any = 0, bc_type: Any = None, check_finite: Any = True,
) -> Any:  # fmt: skip
    if t is not None:
        raise NotImplementedError("a spline with knots of its own is not differentiated")
    if bc_type is not None and not isinstance(bc_type, str):
        return other_ends
    out_dot: Any = 0.0
    if tangents[1] is not None:
        moved = interpolate.make_interp_spline(x, tangents[1], k=k, bc_type=bc_type, axis=axis)
        out_dot = moved(at, nu, extrapolate)
    if tangents[2] is not None:
        spline = interpolate.make_interp_spline(x, y, k=k, bc_type=bc_type, axis=axis)
        out_dot = out_dot + spline(at, nu + 1, extrapolate) * beside(tangents[2], y, axis)
    return out_dot


@defequal(EVALUATED[interpolate.InterpolatedUnivariateSpline])
def _(
    x: Any, y: Any, t: Any, nu: Any = 0, other: Any = None, *, w: Any = None, bbox: Any = None, k: Any = 3,
    ext: Any = 0, check_finite: Any = False,
) -> Any:  # fmt: skip
    if w is not None or bbox is not None or ext != 0 or not (other is None or other == 0):
        raise NotImplementedError("a spline with `w`, `bbox` or `ext` is not differentiated")
    return interpolate.make_interp_spline(x, y, k=k)(t, nu)


@defvjp(EVALUATED[interpolate.BSpline])
def _(
    ct: Any, out: Any, t: Array, c: Array, k: Any, x: Any, nu: Any = 0, extra: Any = None, *,
    extrapolate: Any = True, axis: Any = 0,
) -> Any:  # fmt: skip
    basis = interpolate.BSpline(t, np.eye(len(t) - k - 1), k, extrapolate)(x, nu, extra)
    slope = interpolate.BSpline(t, c, k, extrapolate, axis=axis)(x, nu + 1, extra)
    c_bar = values_cotangent(ct, basis, c, x, axis)
    return knots, c_bar, None, points_cotangent(ct, slope, x, c, axis)


@defjvp(EVALUATED[interpolate.BSpline])
def _(
    tangents: Any, out: Any, t: Array, c: Array, k: Any, x: Any, nu: Any = 0, extra: Any = None, *,
    extrapolate: Any = True, axis: Any = 0,
) -> Any:  # fmt: skip
    out_dot: Any = 0.0
    if tangents[1] is not None:
        out_dot = interpolate.BSpline(t, tangents[1], k, extrapolate, axis=axis)(x, nu, extra)
    if len(tangents) > 3 and tangents[3] is not None:
        slope = interpolate.BSpline(t, c, k, extrapolate, axis=axis)(x, nu + 1, extra)
        out_dot = out_dot + slope * beside(tangents[3], c, axis)
    return out_dot


# FITPACK's splines: a tuple of knots, coefficients and degree

smoothed = Unknown("a smoothing or weighted spline is not differentiated by its values")


@defvjp(interpolate.splrep)
def _(
    ct: Any, out: Any, x: Array, y: Array, w: Any = None, xb: Any = None, xe: Any = None, k: Any = 3,
    task: Any = 0, s: Any = None, t: Any = None, full_output: Any = 0, per: Any = 0, quiet: Any = 1,
) -> Any:  # fmt: skip
    if w is not None or (s is not None and s != 0) or task != 0 or t is not None or full_output or per:
        return knots, smoothed
    rows = np.stack([interpolate.splrep(x, unit, None, xb, xe, k, s=0)[1] for unit in np.eye(len(x))])
    return knots, rows @ ct[1]


@defjvp(interpolate.splrep)
def _(
    tangents: Any, out: Any, x: Array, y: Array, w: Any = None, xb: Any = None, xe: Any = None, k: Any = 3,
    task: Any = 0, s: Any = None, t: Any = None, full_output: Any = 0, per: Any = 0, quiet: Any = 1,
) -> Any:  # fmt: skip
    if w is not None or (s is not None and s != 0) or task != 0 or t is not None or full_output or per:
        return smoothed
    return None, interpolate.splrep(x, tangents[1], None, xb, xe, k, s=0)[1], None


@defvjp(interpolate.splev)
def _(ct: Any, out: Any, x: Array, tck: Any, der: Any = 0, ext: Any = 0) -> Any:
    if ext == 3:
        raise NotImplementedError("a spline that is constant outside (`ext=3`) is not differentiated")
    t, c, k = tck
    units = np.eye(len(c))
    c_bar = np.stack([np.sum(ct * interpolate.splev(x, (t, unit, k), der, ext)) for unit in units])
    return ct * steepness(x, tck, der, ext), (None, c_bar, None)


def steepness(x: Any, tck: Any, der: Any, ext: Any) -> Any:
    """The slope of the derivative of order `der` of a spline."""
    return interpolate.splev(x, tck, der + 1, ext) if der < tck[2] else np.zeros_like(x)


@defjvp(interpolate.splev)
def _(tangents: Any, out: Any, x: Array, tck: Any, der: Any = 0, ext: Any = 0) -> Any:
    t, _, k = tck
    out_dot: Any = 0.0
    if tangents[0] is not None:
        out_dot = tangents[0] * steepness(x, tck, der, ext)
    if len(tangents) > 1 and tangents[1] is not None:
        out_dot = out_dot + interpolate.splev(x, (t, tangents[1][1], k), der, ext)
    return out_dot


# Tables

EVALUATED[interpolate.interp1d] = Evaluation(interpolate.interp1d)
POSITIONAL[interpolate.interp1d] = ("x", "y", "kind", "axis")
DEGREES = {"zero": 0, "slinear": 1, "linear": 1, "quadratic": 2, "cubic": 3}


def sorted_table(x: Any, y: Any, axis: Any, assume_sorted: Any) -> Any:
    """A table in the order of its points."""
    if assume_sorted:
        return x, y
    order = np.argsort(x, kind="mergesort")
    return x[order], np.take(y, order, axis)


def step(x: Any, t: Any, kind: Any) -> Any:
    """The place in a table that is read at `t`, where it is read in steps."""
    if kind == "next":
        return np.searchsorted(x, t, "left")
    if kind in ("nearest", "nearest-up"):
        return np.searchsorted((x[1:] + x[:-1]) / 2.0, t, "left" if kind == "nearest" else "right")
    return np.searchsorted(x, t, "right") - 1


nondifferentiable(step)


@defequal(EVALUATED[interpolate.interp1d])
def _(
    x: Array, y: Array, t: Any, *, kind: Any = "linear", axis: Any = -1, copy: Any = True,
    bounds_error: Any = None, fill_value: Any = np.nan, assume_sorted: Any = False,
) -> Any:  # fmt: skip
    x, y = sorted_table(x, y, axis, assume_sorted)
    if kind in ("nearest", "nearest-up", "previous", "next", "zero", 0):
        read = np.take(y, np.clip(step(x, t, kind), 0, len(x) - 1), axis)
    else:
        degree = kind if isinstance(kind, int) else DEGREES[kind]
        read = interpolate.make_interp_spline(x, y, k=degree, axis=axis)(t)
    if isinstance(fill_value, str) or (bounds_error is None and not isinstance(fill_value, tuple)):
        return read
    below, above = fill_value if isinstance(fill_value, tuple) else (fill_value, fill_value)
    read = np.where(beside(t < x[0], y, axis), below, read)
    return np.where(beside(t > x[-1], y, axis), above, read)


# Objects that were made outside: their call is differentiated by its points.


def declare_called(cls: Any) -> None:
    """A piecewise polynomial, which is called with the order of a derivative."""
    CALLED[cls] = Called(cls)

    @defvjp(CALLED[cls])
    def _(ct: Any, out: Any, spline: Any, t: Any, nu: Any = 0, extrapolate: Any = None) -> Any:
        count, first = np.ndim(t), spline.axis
        others = tuple([k for k in range(np.ndim(out)) if k < first or k >= first + count])
        return None, np.sum(ct * spline(t, nu + 1, extrapolate), axis=others)

    @defjvp(CALLED[cls])
    def _(tangents: Any, out: Any, spline: Any, t: Any, nu: Any = 0, extrapolate: Any = None) -> Any:
        behind = tuple(range(np.ndim(t) + spline.axis - np.ndim(out), 0))
        return spline(t, nu + 1, extrapolate) * np.expand_dims(tangents[1], behind)


for _cls in (
    interpolate.CubicSpline, interpolate.PchipInterpolator, interpolate.Akima1DInterpolator,
    interpolate.CubicHermiteSpline, interpolate.PPoly, interpolate.BSpline,
):  # fmt: skip
    declare_called(_cls)
