"""Derivatives of interpolation on rectangular grids.

    y = RegularGridInterpolator((x, z), f)(at)        y = sum over the corners around of weight * f[corner]

A value between the lines of a grid is the sum of those at the corners around, weighted by how near they are:
it moves with the values, with the points, and with the lines of the grid. A spline on a grid is one along
each axis: `basis_x @ f @ basis_y.T`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import interpolate

from .library import EVALUATED, POSITIONAL, USED, Evaluation
from .register import Array, defequal, nondifferentiable

GRID, PLANE = interpolate.RegularGridInterpolator, interpolate.RectBivariateSpline
EVALUATED[GRID] = Evaluation(GRID, call=(("xi", None),))
POSITIONAL[GRID] = ("points", "values", "method", "bounds_error", "fill_value")
ORDERS = (("dx", 0), ("dy", 0))
EVALUATED[PLANE] = Evaluation(PLANE, 3, (("x", None), ("y", None), *ORDERS, ("grid", True)))
POSITIONAL[PLANE] = ("x", "y", "z")
USED[PLANE] = {"ev": Evaluation(PLANE, 3, (("xi", None), ("yi", None), *ORDERS), "ev")}


def cell(line: Any, at: Any) -> Any:
    """The number of the cell between the lines of a grid that holds each coordinate."""
    if np.any(np.diff(line) <= 0):
        raise NotImplementedError("a grid is differentiated where its lines ascend")
    return np.clip(np.searchsorted(line, at, "right") - 1, 0, len(line) - 2)


def leaves_grid(line: Any, at: Any) -> Any:
    """Which coordinates lie outside a grid."""
    return (at < line[0]) | (at > line[-1])


nondifferentiable(cell, leaves_grid)


def coordinates(xi: Any, rank: Any) -> Any:
    """The coordinates of points, an array for each axis of the grid."""
    if isinstance(xi, tuple):
        return np.broadcast_arrays(*xi)
    at = np.reshape(xi, (-1, rank)) if np.ndim(xi) == 1 else np.asarray(xi)
    return [at[..., k] for k in range(rank)]


def between_lines(points: Any, values: Any, at: Any) -> Any:
    """The values between the lines of a grid, axis by axis: the last first."""
    rank, count = len(points), np.ndim(at[0])
    behind = values.ndim - rank
    places, shares = [], []
    for k in range(rank):
        line = np.asarray(points[k])
        low = cell(line, at[k])
        corner = np.stack([low, low + 1], axis=-1)
        places.append(np.expand_dims(corner, tuple([j for j in range(-rank, 0) if j != k - rank])))
        shares.append((at[k] - line[low]) / (line[low + 1] - line[low]))
    read = values[tuple(places)]
    for k in range(rank - 1, -1, -1):
        share = np.expand_dims(shares[k], tuple(range(-k - behind, 0)))
        read = (1.0 - share) * np.take(read, 0, count + k) + share * np.take(read, 1, count + k)
    return read


def nearest(points: Any, values: Any, at: Any) -> Any:
    """The values at the corners that are nearest."""
    places = []
    for k in range(len(points)):
        line = np.asarray(points[k])
        low = cell(line, at[k])
        places.append(low + ((at[k] - line[low]) / (line[low + 1] - line[low]) > 0.5))
    return values[tuple(places)]


def on_grid(points: Any, values: Any, xi: Any, method: Any, bounds_error: Any, fill_value: Any) -> Any:
    """The values at points, and what stands for those outside the grid."""
    at = coordinates(xi, len(points))
    if method == "linear":
        read = between_lines(points, values, at)
    elif method == "nearest":
        read = nearest(points, values, at)
    else:
        raise NotImplementedError("a grid is differentiated for the methods `linear` and `nearest`")
    if bounds_error or fill_value is None:
        return read
    for k in range(len(points)):
        outside = np.expand_dims(leaves_grid(points[k], at[k]), tuple(range(len(points) - values.ndim, 0)))
        read = np.where(outside, fill_value, read)
    return read


@defequal(EVALUATED[GRID])
def _(
    points: Any, values: Array, xi: Any, *, method: Any = "linear", bounds_error: Any = True,
    fill_value: Any = np.nan, solver: Any = None, solver_args: Any = None,
) -> Any:  # fmt: skip
    return on_grid(points, values, xi, method, bounds_error, fill_value)


@defequal(interpolate.interpn)
def _(
    points: Any, values: Array, xi: Any, method: Any = "linear", bounds_error: Any = True,
    fill_value: Any = np.nan,
) -> Any:  # fmt: skip
    return on_grid(points, values, xi, method, bounds_error, fill_value)


# Splines on a grid


def basis(x: Any, degree: Any, at: Any, order: Any) -> Any:
    """The splines through the unit vectors, or their derivatives, one column for each; flat outside."""
    inside = np.clip(at, x[0], x[-1])
    return interpolate.make_interp_spline(x, np.eye(len(x)), k=degree)(inside, order)


def refuse_smoothing(bbox: Any, s: Any) -> None:
    """A surface that does not go through its values is not differentiated."""
    if bbox is not None or s != 0:
        raise NotImplementedError("a surface with `bbox` or `s` is not differentiated")


@defequal(EVALUATED[PLANE])
def _(
    x: Array, y: Array, z: Array, at: Any, to: Any, dx: Any = 0, dy: Any = 0, grid: Any = True, *,
    bbox: Any = None, kx: Any = 3, ky: Any = 3, s: Any = 0, maxit: Any = 20,
) -> Any:  # fmt: skip
    refuse_smoothing(bbox, s)
    if grid:
        left, right = basis(x, kx, np.atleast_1d(at), dx), basis(y, ky, np.atleast_1d(to), dy)
        return left @ z @ right.T
    return np.sum((basis(x, kx, at, dx) @ z) * basis(y, ky, to, dy), axis=-1)


@defequal(USED[PLANE]["ev"])
def _(
    x: Array, y: Array, z: Array, xi: Any, yi: Any, dx: Any = 0, dy: Any = 0, *, bbox: Any = None,
    kx: Any = 3, ky: Any = 3, s: Any = 0, maxit: Any = 20,
) -> Any:  # fmt: skip
    refuse_smoothing(bbox, s)
    return np.sum((basis(x, kx, xi, dx) @ z) * basis(y, ky, yi, dy), axis=-1)
