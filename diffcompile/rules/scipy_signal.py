"""Derivatives of convolutions and filters of `scipy.signal`.

    y = signal.convolve(a, b)        a_bar = signal.convolve(y_bar, b[::-1], "valid")
    y = signal.lfilter(b, a, x)      x_bar = signal.lfilter(b, a, y_bar[::-1])[::-1]

Convolution is bilinear: the cotangent of one operand is the full cotangent, convolved with the other one
reversed, where the two overlap wholly. A filter is linear in its input, whose cotangent runs through the same
filter backwards; those of its coefficients are correlations with what went in and came out.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import signal

from .arithmetic import tangent
from .matrices import real_part
from .register import Array, Unknown, defequal, defjvp, deflinear, defvjp

some_axes = Unknown("a convolution along some of the axes is not differentiated")


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
    if axes is not None:
        raise NotImplementedError("a convolution along some of the axes is not differentiated")
    return signal.convolve(in1, in2, mode)


@defequal(signal.correlate)
def _(in1: Any, in2: Any, mode: Any = "full", method: Any = "auto") -> Any:
    if mode == "valid" and in1.size < in2.size:
        raise NotImplementedError("hand the longer array first where the mode is `valid`")
    return signal.convolve(in1, np.conj(np.flip(in2)), mode)


@defequal(signal.convolve2d)
def _(in1: Any, in2: Any, mode: Any = "full", boundary: Any = "fill", fillvalue: Any = 0) -> Any:
    if boundary != "fill" or fillvalue != 0:
        raise NotImplementedError("a convolution with another boundary than zeros is not differentiated")
    return signal.convolve(in1, in2, mode)


@defequal(signal.correlate2d)
def _(in1: Any, in2: Any, mode: Any = "full", boundary: Any = "fill", fillvalue: Any = 0) -> Any:
    if boundary != "fill" or fillvalue != 0 or mode == "same":
        raise NotImplementedError("a correlation with another boundary than zeros, or `same`, has no rule")
    return signal.convolve(in1, np.conj(np.flip(in2)), mode)


# Filters

started = Unknown("a filter that is started with `zi` is not differentiated")


def delayed_products(u: Any, x: Any, count: Any) -> Any:
    """The sums of `u[n] * x[n - k]` over everything, for k = 0, 1, ..., along the last axis."""
    n = x.shape[-1]
    return np.stack([np.sum(u[..., k:] * x[..., : max(n - k, 0)]) for k in range(count)])


@defvjp(signal.lfilter)
def _(ct: Any, out: Any, b: Array, a: Array, x: Array, axis: Any = -1, zi: Any = None) -> Any:
    if zi is not None:
        return started, started, started, None, started
    back = np.flip(ct, axis)
    x_bar = np.flip(signal.lfilter(b, a, back, axis), axis)
    u = np.moveaxis(np.flip(signal.lfilter(np.ones(1), a, back, axis), axis), axis, -1)
    b_bar = delayed_products(u, np.moveaxis(x, axis, -1), b.shape[0])
    return b_bar, -delayed_products(u, np.moveaxis(out, axis, -1), a.shape[0]), x_bar


@defjvp(signal.lfilter)
def _(tangents: Any, out: Any, b: Array, a: Array, x: Array, axis: Any = -1, zi: Any = None) -> Any:
    side = 0.0 if tangents[0] is None else signal.lfilter(tangents[0], np.ones(1), x, axis)
    if tangents[1] is not None:
        side = side - signal.lfilter(tangents[1], np.ones(1), out, axis)
    out_dot = tangent(None if tangents[2] is None else signal.lfilter(b, a, tangents[2], axis))
    if tangents[0] is None and tangents[1] is None:
        return out_dot
    return out_dot + signal.lfilter(np.ones(1), a, side, axis)


@deflinear(signal.detrend)
def _(
    ct: Any, out: Any, data: Any, axis: Any = -1, type: Any = "linear", bp: Any = 0,
    overwrite_data: Any = False,
) -> Any:  # fmt: skip
    return signal.detrend(ct, axis, type, bp)  # a projection, and orthogonal


@defequal(signal.hilbert)
def _(x: Any, N: Any = None, axis: Any = -1) -> Any:
    if N is not None:
        raise NotImplementedError("a Hilbert transform to another length is not differentiated")
    n = x.shape[axis]
    place = np.arange(n)
    weights = np.where((place == 0) | (2 * place == n), 1.0, np.where(2 * place < n, 2.0, 0.0))
    spectrum = np.moveaxis(np.fft.fft(x, axis=axis), axis, -1) * weights
    return np.fft.ifft(np.moveaxis(spectrum, -1, axis), axis=axis)
