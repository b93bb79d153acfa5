"""Derivatives of piecewise cubics that are given by slopes at their knots: Hermite's, Akima's, and PCHIP.

    y = PchipInterpolator(x, f)(t)        y = hermite(x, f, slopes(x, f), t)

Where the slopes are a formula in the values, so is the whole curve, and it is differentiated as that: by its
knots and values as by its points. Slopes that are set to 0 where the data turn, to keep their shape, carry no
derivative there (Fritsch and Butland, 1984; Akima, 1970).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import interpolate

from .library import EVALUATED, POSITIONAL, Evaluation
from .register import Array, defequal, nondifferentiable


def piece(x: Any, t: Any) -> Any:
    """The number of the piece between knots that is read at `t`."""
    return np.clip(np.searchsorted(x, t, "right") - 1, 0, len(x) - 2)


def is_beyond(x: Any, t: Any) -> Any:
    """Which points lie outside the knots."""
    return (t < x[0]) | (t > x[-1])


nondifferentiable(piece, is_beyond)


def across(h: Any, y: Any) -> Any:
    """One number for each place along the first axis, so that it broadcasts against `y`."""
    return np.expand_dims(h, tuple(range(1 - y.ndim, 0)))


def hermite(x: Any, y: Any, slopes: Any, t: Any, nu: Any) -> Any:
    """The cubics through `y`, along its first axis, with these slopes, or their derivative of order `nu`."""
    k = piece(x, t)
    h, s = across(x[k + 1] - x[k], y), across(t - x[k], y)
    chord = (y[k + 1] - y[k]) / h
    square = (3.0 * chord - 2.0 * slopes[k] - slopes[k + 1]) / h
    cube = (slopes[k] + slopes[k + 1] - 2.0 * chord) / h**2
    if nu == 0:
        return y[k] + s * (slopes[k] + s * (square + s * cube))
    if nu == 1:
        return slopes[k] + s * (2.0 * square + 3.0 * s * cube)
    if nu == 2:
        return 2.0 * square + 6.0 * s * cube
    return 6.0 * cube if nu == 3 else 0.0 * cube


def curve(x: Any, y: Any, slopes: Any, t: Any, nu: Any, axis: Any, extrapolate: Any) -> Any:
    """The cubics, with the points where the knots were; nan outside where nothing is extrapolated."""
    t = np.asarray(t)
    read = hermite(x, y, slopes, t, nu)
    if not extrapolate:
        read = np.where(across(is_beyond(x, t), y), np.nan, read)
    first = axis % y.ndim
    if first == 0:
        return read
    return np.moveaxis(read, tuple(range(t.ndim)), tuple(range(first, first + t.ndim)))


def at_an_end(h0: Any, h1: Any, m0: Any, m1: Any) -> Any:
    """The slope at an end by three points, cut so that the shape is kept."""
    d = ((2.0 * h0 + h1) * m0 - h0 * m1) / (h0 + h1)
    steep = (np.sign(m0) != np.sign(m1)) & (abs(d) > 3.0 * abs(m0))
    return np.where(np.sign(d) != np.sign(m0), 0.0, np.where(steep, 3.0 * m0, d))


def shape_keeping_slopes(x: Any, y: Any) -> Any:
    """The slopes of PCHIP: harmonic means of those beside, 0 where they differ in sign."""
    h = across(np.diff(x), y)
    m = np.diff(y, axis=0) / h
    if len(x) == 2:
        return np.concatenate([m, m])
    turns = np.sign(m[1:]) * np.sign(m[:-1]) <= 0
    before, after = np.where(turns, 1.0, m[:-1]), np.where(turns, 1.0, m[1:])
    w1, w2 = 2.0 * h[1:] + h[:-1], h[1:] + 2.0 * h[:-1]
    inner = np.where(turns, 0.0, (w1 + w2) / (w1 / before + w2 / after))
    first, last = at_an_end(h[0], h[1], m[0], m[1]), at_an_end(h[-1], h[-2], m[-1], m[-2])
    return np.concatenate([first[None], inner, last[None]])


def akima_slopes(x: Any, y: Any, method: Any) -> Any:
    """The slopes of Akima: means of those beside, weighted by how little the ones beyond them change."""
    m = np.diff(y, axis=0) / across(np.diff(x), y)
    if len(x) == 2:
        return np.concatenate([m, m])
    second, last = 2.0 * m[0] - m[1], 2.0 * m[-1] - m[-2]
    left, right = np.stack([2.0 * second - m[0], second]), np.stack([last, 2.0 * last - m[-1]])
    m = np.concatenate([left, m, right])
    change = abs(np.diff(m, axis=0))
    if method == "makima":
        change = change + 0.5 * abs(m[1:] + m[:-1])
    total = change[2:] + change[:-2]
    is_given = total > 1e-9 * np.max(total)
    share = np.where(is_given, change[:-2] / np.where(is_given, total, 1.0), 0.0)
    return np.where(is_given, m[1:-2] + share * (m[2:-1] - m[1:-2]), 0.5 * (m[3:] + m[:-3]))


def declare(maker: Any, data: int) -> None:
    """An object made of data, which is called with the order of a derivative."""
    EVALUATED[maker] = Evaluation(maker, data, (("x", None), ("nu", 0), ("extrapolate", None)))
    POSITIONAL[maker] = ("x", "y", "dydx")[:data]


declare(interpolate.PchipInterpolator, 2)
declare(interpolate.Akima1DInterpolator, 2)
declare(interpolate.CubicHermiteSpline, 3)


@defequal(EVALUATED[interpolate.PchipInterpolator])
def _(
    x: Array, y: Array, t: Any, nu: Any = 0, outside: Any = None, *, axis: Any = 0, extrapolate: Any = None
) -> Any:
    moved = np.moveaxis(y, axis, 0)
    wide = decided(outside, decided(extrapolate, True))
    return curve(x, moved, shape_keeping_slopes(x, moved), t, nu, axis, wide)


@defequal(EVALUATED[interpolate.Akima1DInterpolator])
def _(
    x: Array, y: Array, t: Any, nu: Any = 0, outside: Any = None, *, axis: Any = 0, method: Any = "akima",
    extrapolate: Any = None,
) -> Any:  # fmt: skip
    moved = np.moveaxis(y, axis, 0)
    wide = decided(outside, decided(extrapolate, False))
    return curve(x, moved, akima_slopes(x, moved, method), t, nu, axis, wide)


@defequal(EVALUATED[interpolate.CubicHermiteSpline])
def _(
    x: Array, y: Array, dydx: Array, t: Any, nu: Any = 0, outside: Any = None, *, axis: Any = 0,
    extrapolate: Any = None,
) -> Any:  # fmt: skip
    slopes = np.moveaxis(dydx, axis, 0)
    wide = decided(outside, decided(extrapolate, True))
    return curve(x, np.moveaxis(y, axis, 0), slopes, t, nu, axis, wide)


def decided(option: Any, default: Any) -> Any:
    """Whether a curve is extrapolated."""
    if option == "periodic":
        raise NotImplementedError("a curve that is extrapolated periodically is not differentiated")
    return default if option is None else option
