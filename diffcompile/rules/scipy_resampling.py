"""Derivatives of what reads an image between its elements: shifts, rotations, magnifications.

    y = ndimage.map_coordinates(x, at, order=1)      y[i] = sum of weight[i, k] * x[knot[i, k]]

An image is a spline through its elements: of order 0 the nearest one, of order 1 lines, of order 3 cubic ones
whose coefficients solve a tridiagonal system along each axis (Unser, Aldroubi and Eden, 1993, section II). A
reading is the sum of the coefficients at the knots around, weighted by the splines there, so it moves with
the image and with the coordinates. What lies outside is reached through the knots, which a boundary mode
folds back, or is a constant. At an element, where lines meet, the slope is that towards higher coordinates.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy import linalg, ndimage, special

from .register import Array, defequal, nondifferentiable


def knot_places(places: Any, n: Any, mode: Any) -> Any:
    """The coefficients that stand for any places; -1 for one that is a constant."""
    if mode == "grid-wrap":
        return places % n
    if mode == "nearest":
        return np.clip(places, 0, n - 1)
    if mode == "grid-constant":
        return np.where((places >= 0) & (places < n), places, -1)
    if mode in ("reflect", "grid-mirror"):
        turned = places % (2 * n)
        return np.where(turned < n, turned, 2 * n - 1 - turned)
    turned = places % max(2 * n - 2, 1)
    return np.where(turned < n, turned, 2 * n - 2 - turned)


def is_outside(at: Any, n: Any) -> Any:
    """Which coordinates lie outside an axis."""
    return (at < 0) | (at > n - 1)


def turns(at: Any, n: Any) -> Any:
    """How often the period of an axis fits into a coordinate outside."""
    return np.where(is_outside(at, n), np.floor(at / max(n - 1, 1)), 0.0)


nondifferentiable(knot_places, is_outside, turns)


def weights(offset: Any, order: Any) -> Any:
    """The splines at the knots around, `offset` being how far the first one after the middle lies behind."""
    t, s = offset[..., None], 1.0 - offset[..., None]
    if order == 0:
        return np.ones_like(t)
    if order == 1:
        return np.concatenate([s, t], axis=-1)
    inner = [(4.0 - 6.0 * u**2 + 3.0 * u**3) / 6.0 for u in (t, s)]
    return np.concatenate([s**3 / 6.0, *inner, t**3 / 6.0], axis=-1)


def coefficients(x: Any, axis: Any, mode: Any) -> Any:
    """The coefficients along an axis of the cubic spline through the elements of `x`."""
    n = x.shape[axis]
    if n == 1:
        return x
    moved = np.moveaxis(x, axis, 0)
    flat = np.reshape(moved, (n, -1))
    if mode == "grid-wrap":
        ring = (4.0 * np.eye(n) + np.roll(np.eye(n), 1, 0) + np.roll(np.eye(n), -1, 0)) / 6.0
        solved = np.linalg.solve(ring, flat)
    else:
        bands = np.repeat(np.array([[1.0], [4.0], [1.0]]), n, axis=1) / 6.0
        if mode in ("reflect", "grid-mirror", "nearest"):
            bands[1, 0] = bands[1, -1] = 5.0 / 6.0
        else:
            bands[0, 1] = bands[2, -2] = 2.0 / 6.0
        solved = linalg.solve_banded((1, 1), bands, flat)
    return np.moveaxis(np.reshape(solved, moved.shape), 0, axis)


def spline(x: Any, at: Any, order: Any, mode: Any, cval: Any, prefilter: Any) -> Any:
    """The values of the image `x` at coordinates, a list with one array for each axis."""
    if order not in (0, 1, 3):
        raise NotImplementedError("a spline is differentiated for orders 0, 1 and 3")
    if np.iscomplexobj(x):
        raise NotImplementedError("a complex image is not differentiated: take its two parts")
    if order == 3 and prefilter:
        if mode in ("nearest", "grid-constant"):
            # SciPy extends an image by 12 elements where no spline has its boundary.
            x = np.pad(x, 12, "edge") if mode == "nearest" else np.pad(x, 12, constant_values=cval)
            at = [a + 12 for a in at]
        for axis in range(x.ndim):
            x = coefficients(x, axis, mode)
    if mode == "wrap":
        at = [at[k] - turns(at[k], x.shape[k]) * (x.shape[k] - 1) for k in range(x.ndim)]
    read = knots_read(x, at, order, mode, cval)
    if mode == "constant":
        for k in range(x.ndim):
            read = np.where(is_outside(at[k], x.shape[k]), cval, read)
    return read


def knots_read(x: Any, at: Any, order: Any, mode: Any, cval: Any) -> Any:
    """The sum of the coefficients `x` at the knots around, weighted by the splines.

    Behind the axes of the coordinates what is read has one axis for the knots along each axis of `x`.
    """
    rank = x.ndim
    places = []
    for k in range(rank):
        first = np.floor(at[k] + 0.5) if order == 0 else np.floor(at[k])
        knots = first[..., None].astype(int) + np.arange(order + 1) - order // 2
        others = tuple([axis for axis in range(-rank, 0) if axis != k - rank])
        places.append(np.expand_dims(knot_places(knots, x.shape[k], mode), others))
    read = x[tuple(places)]
    if mode == "grid-constant":
        for place in places:
            read = np.where(place < 0, cval, read)
    for k in range(rank - 1, -1, -1):
        part = np.expand_dims(weights(at[k] - np.floor(at[k]), order), tuple(range(-k - 1, -1)))
        read = np.sum(read * part, axis=-1)
    return read


def refuse_output(output: Any) -> None:
    """What writes into an array of the caller is not differentiated."""
    if output is not None:
        raise NotImplementedError("a transform with `output` is not differentiated: take its result")


def by_axis(option: Any, rank: Any) -> Any:
    """An option as an array with one number for each axis."""
    return np.asarray(option) * np.ones(rank)


def grid(shape: Any, k: Any) -> Any:
    """The coordinates along axis `k` of all the elements of an array."""
    line = np.reshape(np.arange(shape[k]), (1,) * k + (-1,) + (1,) * (len(shape) - 1 - k))
    return np.broadcast_to(line, shape)


@defequal(ndimage.map_coordinates)
def _(
    input: Array, coordinates: Array, output: Any = None, order: Any = 3, mode: Any = "constant",
    cval: Any = 0.0, prefilter: Any = True,
) -> Any:  # fmt: skip
    refuse_output(output)
    at = np.asarray(coordinates)
    return spline(input, [at[k] for k in range(input.ndim)], order, mode, cval, prefilter)


@defequal(ndimage.shift)
def _(
    input: Array, shift: Any, output: Any = None, order: Any = 3, mode: Any = "constant", cval: Any = 0.0,
    prefilter: Any = True,
) -> Any:  # fmt: skip
    refuse_output(output)
    moved = by_axis(shift, input.ndim)
    at = [grid(input.shape, k) - moved[k] for k in range(input.ndim)]
    return spline(input, at, order, mode, cval, prefilter)


@defequal(ndimage.zoom)
def _(
    input: Array, zoom: Any, output: Any = None, order: Any = 3, mode: Any = "constant", cval: Any = 0.0,
    prefilter: Any = True, *, grid_mode: Any = False,
) -> Any:  # fmt: skip
    refuse_output(output)
    shape = zoomed(input.shape, zoom)
    if grid_mode:
        at = [(grid(shape, k) + 0.5) * (input.shape[k] / shape[k]) - 0.5 for k in range(input.ndim)]
    else:
        at = [grid(shape, k) * ((input.shape[k] - 1) / max(shape[k] - 1, 1)) for k in range(input.ndim)]
    return spline(input, at, order, mode, cval, prefilter)


def zoomed(shape: Any, zoom: Any) -> Any:
    """The shape of a magnified image."""
    return tuple([int(round(n * z)) for n, z in zip(shape, np.ones(len(shape)) * zoom)])  # noqa: B905


@defequal(ndimage.affine_transform)
def _(
    input: Array, matrix: Array, offset: Any = 0.0, output_shape: Any = None, output: Any = None,
    order: Any = 3, mode: Any = "constant", cval: Any = 0.0, prefilter: Any = True,
) -> Any:  # fmt: skip
    refuse_output(output)
    return transformed(input, matrix, offset, output_shape, order, mode, cval, prefilter)


def transformed(
    x: Any, matrix: Any, offset: Any, shape: Any, order: Any, mode: Any, cval: Any, prefilter: Any
) -> Any:
    """The image `x`, read where an affine map sends each place of the result."""
    rank = x.ndim
    if matrix.ndim == 2 and matrix.shape[1] == rank + 1:
        matrix, offset = matrix[:rank, :rank], matrix[:rank, rank]
    if matrix.ndim == 1:
        matrix = np.diag(matrix)
    start = by_axis(offset, rank)
    size = x.shape if shape is None else tuple(shape)
    places = np.stack([grid(size, k) for k in range(rank)], axis=-1)
    moved = places @ matrix.T + start
    return spline(x, [moved[..., k] for k in range(rank)], order, mode, cval, prefilter)


@defequal(ndimage.rotate)
def _(
    input: Array, angle: Any, axes: Any = (1, 0), reshape: Any = True, output: Any = None, order: Any = 3,
    mode: Any = "constant", cval: Any = 0.0, prefilter: Any = True,
) -> Any:  # fmt: skip
    refuse_output(output)
    if input.ndim != 2:
        raise NotImplementedError("a rotation is differentiated for images of two axes")
    turn = math.pi / 180.0 * angle
    matrix = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    shape = rotated(input.shape, angle) if reshape else input.shape
    centre = (np.array(input.shape) - 1) / 2.0
    offset = centre - matrix @ ((np.array(shape) - 1) / 2.0)
    return transformed(input, matrix, offset, shape, order, mode, cval, prefilter)


def rotated(shape: Any, angle: Any) -> Any:
    """The shape of a rotated image that shows all of it."""
    c, s = special.cosdg(angle), special.sindg(angle)
    rows, columns = shape
    corners = np.array([[c, s], [-s, c]]) @ np.array([[0, 0, rows, rows], [0, columns, 0, columns]])
    high, wide = (np.ptp(corners, axis=1) + 0.5).astype(int)
    return int(high), int(wide)


nondifferentiable(zoomed, rotated)
