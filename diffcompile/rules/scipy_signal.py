"""Derivatives of convolutions and transforms of `scipy.signal`.

    y = signal.convolve(a, b)        a_bar = signal.convolve(y_bar, b[::-1], "valid")

Convolution is bilinear: the cotangent of one operand is the full cotangent, convolved with the other one
reversed, where the two overlap wholly. A plane with something beyond its edges is read there first. Filters
have a file of their own, and so have spectra over time.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import signal

from . import scipy_filters, scipy_spectral
from .matrices import real_part
from .register import Array, defequal, defjvp, deflinear, defvjp, nondifferentiable
from .scipy_ndimage import folded

__all__ = ["scipy_filters", "scipy_spectral"]

def full_cotangent(ct: Any, a: Any, b: Any, mode: Any) -> Any:
    """The cotangent of the full convolution, of which the mode kept the middle."""
    if mode == "full":
        return ct
    axes = range(a.ndim)
    cut = [(b.shape[k] - 1) // 2 if mode == "same" else min(a.shape[k], b.shape[k]) - 1 for k in axes]
    whole = np.zeros(tuple([a.shape[k] + b.shape[k] - 1 for k in axes]), dtype=ct.dtype)
    whole[tuple([slice(cut[k], cut[k] + ct.shape[k]) for k in axes])] = ct
    return whole


def like(z: Any, a: Any) -> Any:
    """The cotangent `z`, real where `a` is."""
    return z if np.iscomplexobj(a) else real_part(z)


def declare_convolution(fn: Any) -> None:
    """Declare a convolution of arrays of any rank; `how` is its method or its axes."""

    @defvjp(fn)
    def _(ct: Any, out: Any, in1: Array, in2: Array, mode: Any = "full", how: Any = None) -> Any:
        whole = full_cotangent(ct, in1, in2, mode)
        in1_bar = signal.convolve(whole, np.flip(in2), "valid")
        return like(in1_bar, in1), like(signal.convolve(whole, np.flip(in1), "valid"), in2)

    @defjvp(fn)
    def _(tangents: Any, out: Any, in1: Array, in2: Array, mode: Any = "full", how: Any = None) -> Any:
        out_dot = None if tangents[0] is None else fn(tangents[0], in2, mode)
        if tangents[1] is None:
            return out_dot
        moved = fn(in1, tangents[1], mode)
        return moved if out_dot is None else out_dot + moved


declare_convolution(signal.convolve)


@defequal(signal.fftconvolve, signal.oaconvolve)
def _(in1: Any, in2: Any, mode: Any = "full", axes: Any = None) -> Any:
    if axes is None:
        return signal.convolve(in1, in2, mode)
    if isinstance(axes, int):
        return along_axis(in1, in2, mode, axes)
    if len(axes) != 1:
        raise NotImplementedError("a convolution is differentiated along one axis, or along all")
    return along_axis(in1, in2, mode, axes[0])


def along_axis(a: Any, b: Any, mode: Any, axis: Any) -> Any:
    """The convolution along one axis, by transforms long enough for all of it."""
    m, n = a.shape[axis], b.shape[axis]
    if mode == "valid" and m < n:
        raise NotImplementedError("hand the longer array first where the mode is `valid`")
    product = np.fft.fft(a, m + n - 1, axis) * np.fft.fft(b, m + n - 1, axis)
    whole = np.fft.ifft(product, axis=axis)
    if not (np.iscomplexobj(a) or np.iscomplexobj(b)):
        whole = np.real(whole)
    if mode == "full":
        return whole
    cut, size = ((n - 1) // 2, m) if mode == "same" else (n - 1, m - n + 1)
    return np.take(whole, cut + np.arange(size), axis)


@defequal(signal.correlate)
def _(in1: Any, in2: Any, mode: Any = "full", method: Any = "auto") -> Any:
    if mode == "valid" and in1.size < in2.size:
        raise NotImplementedError("hand the longer array first where the mode is `valid`")
    return signal.convolve(in1, np.conj(np.flip(in2)), mode)


# Planes, with something beyond their edges


def reached(n: Any, size: Any, boundary: Any) -> Any:
    """The places that a kernel of a size reads in a line of length `n` and past its ends; -1 outside."""
    return folded(np.arange(1 - size, n + size - 1), n, EDGES[boundary])


EDGES = {"fill": "constant", "wrap": "wrap", "symm": "reflect"}
nondifferentiable(reached)


def with_edges(plane: Any, kernel: Any, boundary: Any, fillvalue: Any) -> Any:
    """A plane, with what a kernel reads past its edges."""
    for axis in range(2):
        places = reached(plane.shape[axis], kernel.shape[axis], boundary)
        read = np.take(plane, places, axis)
        if boundary == "fill":
            outside = np.expand_dims(places < 0, 1 - axis)
            read = np.where(outside, fillvalue, read)
        plane = read
    return plane


@defequal(signal.convolve2d)
def _(in1: Any, in2: Any, mode: Any = "full", boundary: Any = "fill", fillvalue: Any = 0) -> Any:
    if mode == "valid":
        return signal.convolve(in1, in2, mode)
    whole = signal.convolve(with_edges(in1, in2, boundary, fillvalue), in2, "valid")
    if mode == "full":
        return whole
    i, j = (in2.shape[0] - 1) // 2, (in2.shape[1] - 1) // 2
    return whole[i : i + in1.shape[0], j : j + in1.shape[1]]


@defequal(signal.correlate2d)
def _(in1: Any, in2: Any, mode: Any = "full", boundary: Any = "fill", fillvalue: Any = 0) -> Any:
    kernel = np.conj(np.flip(in2))
    if mode == "valid":
        if in1.size < in2.size:
            raise NotImplementedError("hand the larger plane first where the mode is `valid`")
        return signal.convolve(in1, kernel, mode)
    whole = signal.convolve(with_edges(in1, kernel, boundary, fillvalue), kernel, "valid")
    if mode == "full":
        return whole
    i, j = in2.shape[0] // 2, in2.shape[1] // 2
    return whole[i : i + in1.shape[0], j : j + in1.shape[1]]


# Trends and transforms


@deflinear(signal.detrend)
def _(
    ct: Any, out: Any, data: Any, axis: Any = -1, type: Any = "linear", bp: Any = 0,
    overwrite_data: Any = False,
) -> Any:  # fmt: skip
    return signal.detrend(ct, axis, type, bp)  # a projection, and orthogonal


@defequal(signal.hilbert)
def _(x: Any, N: Any = None, axis: Any = -1) -> Any:
    n = x.shape[axis] if N is None else N
    place = np.arange(n)
    weights = np.where((place == 0) | (2 * place == n), 1.0, np.where(2 * place < n, 2.0, 0.0))
    spectrum = np.moveaxis(np.fft.fft(x, n, axis), axis, -1) * weights
    return np.fft.ifft(np.moveaxis(spectrum, -1, axis), axis=axis)


@defequal(signal.resample)
def _(
    x: Any, num: Any, t: Any = None, axis: Any = 0, window: Any = None, domain: Any = "time"
) -> Any:  # fmt: skip
    if t is not None or window is not None or domain != "time":
        raise NotImplementedError("a signal is resampled without `t`, `window` and `domain`")
    n = x.shape[axis]
    spectrum = np.moveaxis(np.fft.fft(x, axis=axis), axis, -1)
    resampled = np.fft.ifft(cut_spectrum(spectrum, n, num)) * (num / n)
    resampled = resampled if np.iscomplexobj(x) else np.real(resampled)
    return np.moveaxis(resampled, -1, axis)


def cut_spectrum(spectrum: Any, n: Any, num: Any) -> Any:
    """A spectrum of `num` numbers for one of `n`; the highest frequency is shared by its two places."""
    kept = min(n, num)
    half = (kept + 1) // 2
    low, high = spectrum[..., :half], spectrum[..., n - kept // 2 :]
    gap = np.zeros((*spectrum.shape[:-1], num - kept), dtype=spectrum.dtype)
    if kept % 2 == 1 or num == n:
        return np.concatenate([low, gap, high], axis=-1)
    if num < n:
        middle = spectrum[..., half : half + 1] + spectrum[..., n - half : n - half + 1]
        return np.concatenate([low, middle, high[..., 1:]], axis=-1)
    middle = 0.5 * spectrum[..., half : half + 1]
    return np.concatenate([low, middle, gap[..., 1:], middle, high[..., 1:]], axis=-1)
