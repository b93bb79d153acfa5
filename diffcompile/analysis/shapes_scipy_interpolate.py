"""Facts of interpolants: a value for each point, of the form of one of the values that they go through."""

from __future__ import annotations

import numpy as np
from scipy import interpolate

from ..ir.graph import Atom
from ..ir.types import INT, Type, array
from ..rules.library import CALLED, EVALUATED, USED
from ..rules.scipy_grids import cell, leaves_grid
from ..rules.scipy_hermite import is_beyond, piece
from ..rules.scipy_interpolate import step
from .shapes_core import FLOAT64, NO, Undecided, array_of, constant, facts, is_none, shape_of
from .shapes_lengths import fresh_dim


def read_at(y: Atom, t: Atom, axis: int) -> Type:
    """What an interpolant through `y` along an axis gives at `t`."""
    values, shape = array_of(y), shape_of(array_of(y))
    if values.dtype is None or values.dtype.kind == "c" or not shape:
        raise Undecided
    first = axis % len(shape)
    return array(FLOAT64, (*shape[:first], *shape_of(array_of(t)), *shape[first + 1 :]))


def axis_of(options: dict[str, Atom], default: int) -> int:
    """The axis along which the values of an interpolant lie."""
    axis = default if "axis" not in options else constant(options["axis"])
    if not isinstance(axis, int):
        raise Undecided
    return axis


@facts(*[EVALUATED[m] for m in (
    interpolate.CubicSpline, interpolate.make_interp_spline, interpolate.InterpolatedUnivariateSpline,
    interpolate.PchipInterpolator, interpolate.Akima1DInterpolator,
)])  # fmt: skip
def _(x: Atom, y: Atom, t: Atom, *rest: Atom, **options: Atom) -> Type:
    return read_at(y, t, axis_of(options, 0))


@facts(EVALUATED[interpolate.interp1d])
def _(x: Atom, y: Atom, t: Atom, *rest: Atom, **options: Atom) -> Type:
    return read_at(y, t, axis_of(options, -1))


@facts(EVALUATED[interpolate.CubicHermiteSpline])
def _(x: Atom, y: Atom, slopes: Atom, t: Atom, *rest: Atom, **options: Atom) -> Type:
    return read_at(y, t, axis_of(options, 0))


@facts(EVALUATED[interpolate.BSpline])
def _(t: Atom, c: Atom, k: Atom, x: Atom, *rest: Atom, **options: Atom) -> Type:
    return read_at(c, x, axis_of(options, 0))


@facts(interpolate.splrep)
def _(x: Atom, y: Atom, *options: Atom, **named: Atom) -> Type:
    if not is_none(named.get("full_output", NO)):
        raise Undecided
    knots = array(FLOAT64, (fresh_dim(),))
    return Type("tuple", items=(knots, knots, INT))


@facts(interpolate.splev)
def _(x: Atom, *options: Atom, **named: Atom) -> Type:
    return array(FLOAT64, shape_of(array_of(x)))


@facts(EVALUATED[interpolate.RectBivariateSpline])
def _(x: Atom, y: Atom, z: Atom, xi: Atom, yi: Atom, *rest: Atom, **options: Atom) -> Type:
    if len(rest) > 2:
        raise Undecided
    return array(FLOAT64, (fresh_dim(), fresh_dim()))


@facts(USED[interpolate.RectBivariateSpline]["ev"])
def _(x: Atom, y: Atom, z: Atom, xi: Atom, yi: Atom, *rest: Atom, **options: Atom) -> Type:
    one, other = shape_of(array_of(xi)), shape_of(array_of(yi))
    if one != other:
        raise Undecided
    return array(FLOAT64, one)


@facts(piece, is_beyond, cell, leaves_grid)
def _(x: Atom, t: Atom) -> Type:
    return array(None, shape_of(array_of(t)))


@facts(step)
def _(x: Atom, t: Atom, kind: Atom) -> Type:
    return array(np.dtype(np.int64), shape_of(array_of(t)))


@facts(*(called for cls, called in CALLED.items() if cls.__module__.startswith("scipy.interpolate")))
def _(spline: Atom, t: Atom, *rest: Atom, **options: Atom) -> Type:
    made = constant(spline)
    coefficients = np.shape(made.c)
    shape = coefficients[1:] if isinstance(made, interpolate.BSpline) else coefficients[2:]
    first = made.axis
    return array(FLOAT64, (*shape[:first], *shape_of(array_of(t)), *shape[first:]))
