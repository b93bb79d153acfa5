"""Derivatives of the linear filters of `scipy.ndimage`, in every boundary mode.

    y = ndimage.gaussian_filter1d(x, 2.0)        y[i] = sum of weights[k] * x[reached[i, k]]

A filter along an axis is a weighted sum of elements that an index array reaches, inside the array or folded
back by its boundary mode, so its transpose adds to exactly those. The weights of a Gaussian move with its
width; how far it reaches is a whole number and does not.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import ndimage

from .register import defequal, nondifferentiable


def reached(n: Any, size: Any, origin: Any, mode: Any) -> Any:
    """For each of `n` places the `size` places that a filter reads there; -1 for one outside.

    >>> reached(3, 3, 0, "reflect")
    array([[0, 0, 1],
           [0, 1, 2],
           [1, 2, 2]])
    """
    places = np.arange(n)[:, None] + np.arange(size) - size // 2 - origin
    if mode in ("reflect", "grid-mirror"):
        folded = places % (2 * n)
        return np.where(folded < n, folded, 2 * n - 1 - folded)
    if mode == "mirror":
        folded = places % max(2 * n - 2, 1)
        return np.where(folded < n, folded, 2 * n - 2 - folded)
    if mode in ("wrap", "grid-wrap"):
        return places % n
    if mode == "nearest":
        return np.clip(places, 0, n - 1)
    return np.where((places >= 0) & (places < n), places, -1)


nondifferentiable(reached)


def gaussian(sigma: Any, radius: Any) -> Any:
    """The weights of a Gaussian filter."""
    weights = np.exp(-0.5 * np.arange(-radius, radius + 1) ** 2 / sigma**2)
    return weights / np.sum(weights)


def along(x: Any, weights: Any, axis: Any, mode: Any, cval: Any, origin: Any) -> Any:
    """The correlation with weights along an axis."""
    moved = np.moveaxis(x, axis, -1)
    places = reached(moved.shape[-1], len(weights), origin, mode)
    read = moved[..., places]
    if mode in ("constant", "grid-constant"):
        read = np.where(places < 0, cval, read)
    return np.moveaxis(np.sum(read * weights, axis=-1), -1, axis)


def refuse_output(output: Any) -> None:
    """A filter that writes into an array of the caller is not differentiated."""
    if output is not None:
        raise NotImplementedError("a filter with `output` is not differentiated: take its result")


@defequal(ndimage.correlate1d)
def _(
    input: Any, weights: Any, axis: Any = -1, output: Any = None, mode: Any = "reflect", cval: Any = 0.0,
    origin: Any = 0,
) -> Any:  # fmt: skip
    refuse_output(output)
    return along(input, np.asarray(weights), axis, mode, cval, origin)


@defequal(ndimage.convolve1d)
def _(
    input: Any, weights: Any, axis: Any = -1, output: Any = None, mode: Any = "reflect", cval: Any = 0.0,
    origin: Any = 0,
) -> Any:  # fmt: skip
    refuse_output(output)
    shift = -origin - 1 if len(weights) % 2 == 0 else -origin
    return along(input, np.flip(np.asarray(weights)), axis, mode, cval, shift)


@defequal(ndimage.gaussian_filter1d)
def _(
    input: Any, sigma: Any, axis: Any = -1, order: Any = 0, output: Any = None, mode: Any = "reflect",
    cval: Any = 0.0, truncate: Any = 4.0, *, radius: Any = None,
) -> Any:  # fmt: skip
    refuse_output(output)
    if order != 0:
        raise NotImplementedError("a derivative of a Gaussian filter is not differentiated")
    reach = int(truncate * float(sigma) + 0.5) if radius is None else radius
    return along(input, gaussian(sigma, reach), axis, mode, cval, 0)


@defequal(ndimage.gaussian_filter)
def _(
    input: Any, sigma: Any, order: Any = 0, output: Any = None, mode: Any = "reflect", cval: Any = 0.0,
    truncate: Any = 4.0, *, radius: Any = None, axes: Any = None,
) -> Any:  # fmt: skip
    refuse_output(output)
    if order != 0 or np.ndim(sigma) != 0:
        raise NotImplementedError("a Gaussian filter is differentiated for one width and order 0")
    reach = int(truncate * float(sigma) + 0.5) if radius is None else radius
    for axis in range(input.ndim) if axes is None else axes:
        input = along(input, gaussian(sigma, reach), axis, mode, cval, 0)
    return input


@defequal(ndimage.uniform_filter1d)
def _(
    input: Any, size: Any, axis: Any = -1, output: Any = None, mode: Any = "reflect", cval: Any = 0.0,
    origin: Any = 0,
) -> Any:  # fmt: skip
    refuse_output(output)
    return along(input, np.full(size, 1.0 / size), axis, mode, cval, origin)
