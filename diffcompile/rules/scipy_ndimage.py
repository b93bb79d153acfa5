"""Derivatives of the linear filters of `scipy.ndimage`, in every boundary mode.

    y = ndimage.correlate1d(x, w)        y[i] = sum of w[k] * extended[i + k]

A filter reads its input, extended past its ends by the boundary mode, so it is a reading of elements by place
and then a convolution, and its transpose adds to exactly those. The weights of a Gaussian move with its
width; how far it reaches is a whole number and does not. What moves an image about has a file of its own.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import ndimage, signal

from . import scipy_resampling
from .register import defequal, nondifferentiable

__all__ = ["scipy_resampling"]


def folded(places: Any, n: Any, mode: Any) -> Any:
    """The places in an array of length `n` that stand for any places; -1 for one outside.

    >>> folded(np.arange(-2, 5), 3, "reflect")
    array([1, 0, 0, 1, 2, 2, 1])
    """
    if mode in ("reflect", "grid-mirror"):
        turned = places % (2 * n)
        return np.where(turned < n, turned, 2 * n - 1 - turned)
    if mode == "mirror":
        turned = places % max(2 * n - 2, 1)
        return np.where(turned < n, turned, 2 * n - 2 - turned)
    if mode in ("wrap", "grid-wrap"):
        return places % n
    if mode == "nearest":
        return np.clip(places, 0, n - 1)
    return np.where((places >= 0) & (places < n), places, -1)


nondifferentiable(folded)


def beside(line: Any, axis: Any, rank: Any) -> Any:
    """A vector, to stand along an axis of an array."""
    return np.reshape(line, tuple([-1 if k == axis % rank else 1 for k in range(rank)]))


def extended(x: Any, axis: Any, size: Any, origin: Any, mode: Any, cval: Any) -> Any:
    """`x` with what a filter of a size reads past its ends along an axis."""
    n = x.shape[axis]
    places = folded(np.arange(n + size - 1) - (size // 2 + origin), n, mode)
    read = np.take(x, places, axis)
    if mode in ("constant", "grid-constant"):
        read = np.where(beside(places < 0, axis, x.ndim), cval, read)
    return read


def along(x: Any, weights: Any, axis: Any, mode: Any, cval: Any, origin: Any) -> Any:
    """The correlation with weights along an axis."""
    read = extended(x, axis, len(weights), origin, mode, cval)
    return signal.convolve(read, beside(np.flip(weights), axis, x.ndim), "valid")


def each(option: Any, rank: Any) -> Any:
    """An option, for each axis: one alone holds for all."""
    if isinstance(option, (list, tuple)):
        return option
    return option if isinstance(option, np.ndarray) else [option for _ in range(rank)]


def refuse_output(output: Any) -> None:
    """A filter that writes into an array of the caller is not differentiated."""
    if output is not None:
        raise NotImplementedError("a filter with `output` is not differentiated: take its result")


def refuse_axes(axes: Any) -> None:
    """A filter along some axes, whose options are by axis, is not differentiated."""
    if axes is not None:
        raise NotImplementedError("a filter with `axes` is differentiated for one width, order and mode")


# Filters with given weights


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


@defequal(ndimage.correlate)
def _(
    input: Any, weights: Any, output: Any = None, mode: Any = "reflect", cval: Any = 0.0, origin: Any = 0,
    *, axes: Any = None,
) -> Any:  # fmt: skip
    refuse_output(output)
    refuse_axes(axes)
    kernel = np.asarray(weights)
    origins = each(origin, input.ndim)
    for axis in range(input.ndim):
        input = extended(input, axis, kernel.shape[axis], origins[axis], mode, cval)
    return signal.convolve(input, np.flip(kernel), "valid")


@defequal(ndimage.convolve)
def _(
    input: Any, weights: Any, output: Any = None, mode: Any = "reflect", cval: Any = 0.0, origin: Any = 0,
    *, axes: Any = None,
) -> Any:  # fmt: skip
    refuse_output(output)
    refuse_axes(axes)
    kernel = np.asarray(weights)
    origins = each(origin, input.ndim)
    for axis in range(input.ndim):
        size = kernel.shape[axis]
        shift = -origins[axis] - 1 if size % 2 == 0 else -origins[axis]
        input = extended(input, axis, size, shift, mode, cval)
    return signal.convolve(input, kernel, "valid")


@defequal(ndimage.uniform_filter1d)
def _(
    input: Any, size: Any, axis: Any = -1, output: Any = None, mode: Any = "reflect", cval: Any = 0.0,
    origin: Any = 0,
) -> Any:  # fmt: skip
    refuse_output(output)
    return along(input, np.full(size, 1.0 / size), axis, mode, cval, origin)


@defequal(ndimage.uniform_filter)
def _(
    input: Any, size: Any = 3, output: Any = None, mode: Any = "reflect", cval: Any = 0.0, origin: Any = 0,
    *, axes: Any = None,
) -> Any:  # fmt: skip
    refuse_output(output)
    refuse_axes(axes)
    sizes, modes, origins = each(size, input.ndim), each(mode, input.ndim), each(origin, input.ndim)
    for axis in range(input.ndim):
        weights = np.full(sizes[axis], 1.0 / sizes[axis])
        input = along(input, weights, axis, modes[axis], cval, origins[axis])
    return input


# Gaussian filters and their derivatives


def gaussian(sigma: Any, radius: Any, order: Any) -> Any:
    """The weights of a Gaussian filter, or of a derivative of one: that times a polynomial of Hermite."""
    x = np.arange(-radius, radius + 1) / sigma
    bell = np.exp(-0.5 * x**2)
    bell = bell / np.sum(bell)
    if order == 0:
        return bell
    only = np.concatenate([np.zeros(order), np.ones(1)])
    return bell * np.polynomial.hermite_e.hermeval(x, only) / sigma**order


def smoothed(
    x: Any, sigma: Any, axis: Any, order: Any, mode: Any, cval: Any, truncate: Any, radius: Any
) -> Any:
    """A Gaussian filter along an axis."""
    reach = int(truncate * float(sigma) + 0.5) if radius is None else radius
    return along(x, gaussian(sigma, reach, order), axis, mode, cval, 0)


@defequal(ndimage.gaussian_filter1d)
def _(
    input: Any, sigma: Any, axis: Any = -1, order: Any = 0, output: Any = None, mode: Any = "reflect",
    cval: Any = 0.0, truncate: Any = 4.0, *, radius: Any = None,
) -> Any:  # fmt: skip
    refuse_output(output)
    return smoothed(input, sigma, axis, order, mode, cval, truncate, radius)


@defequal(ndimage.gaussian_filter)
def _(
    input: Any, sigma: Any, order: Any = 0, output: Any = None, mode: Any = "reflect", cval: Any = 0.0,
    truncate: Any = 4.0, *, radius: Any = None, axes: Any = None,
) -> Any:  # fmt: skip
    refuse_output(output)
    chosen = range(input.ndim) if axes is None else axes
    sigmas, orders, modes = each(sigma, len(chosen)), each(order, len(chosen)), each(mode, len(chosen))
    radii = each(radius, len(chosen))
    for k in range(len(chosen)):
        input = smoothed(input, sigmas[k], chosen[k], orders[k], modes[k], cval, truncate, radii[k])
    return input


def second_derivative(
    x: Any, along_axis: Any, sigma: Any, mode: Any, cval: Any, truncate: Any, order: Any
) -> Any:
    """A Gaussian filter of which one axis takes a derivative."""
    for axis in range(x.ndim):
        turn = order if axis == along_axis else 0
        x = smoothed(x, sigma[axis], axis, turn, mode[axis], cval, truncate, None)
    return x


@defequal(ndimage.gaussian_laplace)
def _(
    input: Any, sigma: Any, output: Any = None, mode: Any = "reflect", cval: Any = 0.0, *, axes: Any = None,
    truncate: Any = 4.0,
) -> Any:  # fmt: skip
    refuse_output(output)
    refuse_axes(axes)
    sigmas, modes = each(sigma, input.ndim), each(mode, input.ndim)
    result = second_derivative(input, 0, sigmas, modes, cval, truncate, 2)
    for axis in range(1, input.ndim):
        result = result + second_derivative(input, axis, sigmas, modes, cval, truncate, 2)
    return result


@defequal(ndimage.gaussian_gradient_magnitude)
def _(
    input: Any, sigma: Any, output: Any = None, mode: Any = "reflect", cval: Any = 0.0, *, axes: Any = None,
    truncate: Any = 4.0,
) -> Any:  # fmt: skip
    refuse_output(output)
    refuse_axes(axes)
    sigmas, modes = each(sigma, input.ndim), each(mode, input.ndim)
    total = second_derivative(input, 0, sigmas, modes, cval, truncate, 1) ** 2
    for axis in range(1, input.ndim):
        total = total + second_derivative(input, axis, sigmas, modes, cval, truncate, 1) ** 2
    return np.sqrt(total)


# Differences of neighbours


def sloped(x: Any, axis: Any, across: Any, mode: Any, cval: Any) -> Any:
    """The difference of the neighbours along an axis, averaged by `across` along the others."""
    rank = x.ndim
    modes = each(mode, rank)
    x = along(x, np.array([-1.0, 0.0, 1.0]), axis, modes[axis], cval, 0)
    for other in range(rank):
        if other != axis % rank:
            x = along(x, across, other, modes[other], cval, 0)
    return x


@defequal(ndimage.sobel)
def _(input: Any, axis: Any = -1, output: Any = None, mode: Any = "reflect", cval: Any = 0.0) -> Any:
    refuse_output(output)
    return sloped(input, axis, np.array([1.0, 2.0, 1.0]), mode, cval)


@defequal(ndimage.prewitt)
def _(input: Any, axis: Any = -1, output: Any = None, mode: Any = "reflect", cval: Any = 0.0) -> Any:
    refuse_output(output)
    return sloped(input, axis, np.array([1.0, 1.0, 1.0]), mode, cval)


@defequal(ndimage.laplace)
def _(
    input: Any, output: Any = None, mode: Any = "reflect", cval: Any = 0.0, *, axes: Any = None
) -> Any:  # fmt: skip
    refuse_output(output)
    refuse_axes(axes)
    modes = each(mode, input.ndim)
    result = along(input, np.array([1.0, -2.0, 1.0]), 0, modes[0], cval, 0)
    for axis in range(1, input.ndim):
        result = result + along(input, np.array([1.0, -2.0, 1.0]), axis, modes[axis], cval, 0)
    return result
