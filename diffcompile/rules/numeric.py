"""Derivatives of numerical calculus on samples: differences, slopes, integrals, convolutions, phases.

    y = np.convolve(a, v)         a_bar = np.correlate(y_bar, v, "valid")
    y = np.trapezoid(f, dx=h)     f_bar = y_bar * h, half of it at both ends

Spacings are differentiated too, whether they are one number or the samples' own positions.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .broadcast import unbroadcast
from .register import defjvp, defvjp
from .shape import undone_difference_in_row

# Differences


@defvjp(np.ediff1d)
def _(ct: Any, out: Any, ary: Any, to_end: Any = None, to_begin: Any = None) -> Any:
    start = 0 if to_begin is None else np.size(to_begin)
    stop = np.size(out) if to_end is None else np.size(out) - np.size(to_end)
    flat = np.ravel(ary)
    ary_bar = np.reshape(undone_difference_in_row(ct[start:stop], flat, 1), np.shape(ary))
    end_bar = None if to_end is None else np.reshape(ct[stop:], np.shape(to_end))
    begin_bar = None if to_begin is None else np.reshape(ct[:start], np.shape(to_begin))
    return ary_bar, end_bar, begin_bar


@defjvp(np.ediff1d)
def _(tangents: Any, out: Any, ary: Any, to_end: Any = None, to_begin: Any = None) -> Any:
    parts = [np.diff(np.ravel(np.zeros_like(ary) if tangents[0] is None else tangents[0]))]
    if to_begin is not None:
        parts = [np.ravel(np.zeros_like(to_begin) if tangents[2] is None else tangents[2]), *parts]
    if to_end is not None:
        parts = [*parts, np.ravel(np.zeros_like(to_end) if tangents[1] is None else tangents[1])]
    return np.concatenate(parts)


# Slopes of samples: the mean of the chords on either side, each weighted by the other one's length


def axes_of_gradient(f: Any, axis: Any) -> Any:
    """The axes that `np.gradient` works along."""
    if axis is None:
        return tuple(range(np.ndim(f)))
    return axis if isinstance(axis, tuple) else (axis,)


def spacings(varargs: Any, axes: Any) -> Any:
    """The spacing along each of the axes: a number, or positions."""
    if len(varargs) == 0:
        return (1.0,) * len(axes)
    return tuple(varargs) if len(varargs) == len(axes) else tuple(varargs) * len(axes)


def steps(spacing: Any, n: Any, dtype: Any) -> Any:
    """The distances between `n` samples."""
    if np.ndim(spacing) == 0:
        return np.full(n - 1, spacing, dtype)
    return np.diff(spacing)


def gradient_cotangents(ct: Any, out: Any, f: Any, spacing: Any, edge_order: Any) -> Any:
    """The cotangents of the samples and of the spacing, along the last axis."""
    h = steps(spacing, f.shape[-1], out.dtype)
    slope = np.diff(f) / h
    slope_bar, h_bar = np.zeros_like(slope), np.zeros_like(slope)
    span = h[:-1] + h[1:]
    inner = ct[..., 1:-1] / span
    slope_bar[..., :-1] += h[1:] * inner
    slope_bar[..., 1:] += h[:-1] * inner
    h_bar[..., :-1] += inner * (slope[..., 1:] - out[..., 1:-1])
    h_bar[..., 1:] += inner * (slope[..., :-1] - out[..., 1:-1])
    if edge_order == 1:
        slope_bar[..., 0] += ct[..., 0]
        slope_bar[..., -1] += ct[..., -1]
    else:
        first, last = ct[..., 0] / span[0], ct[..., -1] / span[-1]
        slope_bar[..., 0] += (2 * h[0] + h[1]) * first
        slope_bar[..., 1] -= h[0] * first
        slope_bar[..., -1] += (2 * h[-1] + h[-2]) * last
        slope_bar[..., -2] -= h[-1] * last
        h_bar[..., 0] += first * (2 * slope[..., 0] - slope[..., 1] - out[..., 0])
        h_bar[..., 1] += first * (slope[..., 0] - out[..., 0])
        h_bar[..., -1] += last * (2 * slope[..., -1] - slope[..., -2] - out[..., -1])
        h_bar[..., -2] += last * (slope[..., -1] - out[..., -1])
    chord_bar = slope_bar / h
    f_bar = undone_difference_in_row(chord_bar, f, 1)
    h_bar = h_bar - chord_bar * slope
    if np.ndim(spacing) == 0:
        return f_bar, np.sum(h_bar)
    return f_bar, undone_difference_in_row(unbroadcast(h_bar, h), spacing, 1)


def gradient_dot(f_dot: Any, spacing_dot: Any, out: Any, f: Any, spacing: Any, edge_order: Any) -> Any:
    """The tangent of the slopes, along the last axis."""
    if np.ndim(spacing) == 0:
        out_dot = np.gradient(f_dot, spacing, axis=-1, edge_order=edge_order)
        return out_dot if spacing_dot is None else out_dot - out * spacing_dot / spacing
    out_dot = np.gradient(f_dot, spacing, axis=-1, edge_order=edge_order)
    if spacing_dot is None:
        return out_dot
    h, h_dot = np.diff(spacing), np.diff(spacing_dot)
    slope = np.diff(f) / h
    slope_dot, span = -slope * h_dot / h, h[:-1] + h[1:]
    inner = h[1:] * slope_dot[..., :-1] + h[:-1] * slope_dot[..., 1:]
    inner = inner + h_dot[:-1] * (slope[..., 1:] - out[..., 1:-1])
    inner = inner + h_dot[1:] * (slope[..., :-1] - out[..., 1:-1])
    if edge_order == 1:
        first, last = slope_dot[..., :1], slope_dot[..., -1:]
    else:
        first = (2 * h[:1] + h[1:2]) * slope_dot[..., :1] - h[:1] * slope_dot[..., 1:2]
        first = first + h_dot[:1] * (2 * slope[..., :1] - slope[..., 1:2] - out[..., :1])
        first = (first + h_dot[1:2] * (slope[..., :1] - out[..., :1])) / span[0]
        last = (2 * h[-1:] + h[-2:-1]) * slope_dot[..., -1:] - h[-1:] * slope_dot[..., -2:-1]
        last = last + h_dot[-1:] * (2 * slope[..., -1:] - slope[..., -2:-1] - out[..., -1:])
        last = (last + h_dot[-2:-1] * (slope[..., -1:] - out[..., -1:])) / span[-1]
    return out_dot + np.concatenate([first, inner / span, last], axis=-1)


@defvjp(np.gradient)
def _(ct: Any, out: Any, f: Any, *varargs: Any, axis: Any = None, edge_order: Any = 1) -> Any:
    axes = axes_of_gradient(f, axis)
    given = spacings(varargs, axes)
    cts, outs = ([ct], [out]) if len(axes) == 1 else (ct, out)
    f_bar: Any = None
    bars: Any = ()
    for k in range(len(axes)):
        bar: Any = None
        if cts[k] is not None:
            rows, rows_out = np.moveaxis(f, axes[k], -1), np.moveaxis(outs[k], axes[k], -1)
            rows_ct = np.moveaxis(cts[k], axes[k], -1)
            rows_bar, bar = gradient_cotangents(rows_ct, rows_out, rows, given[k], edge_order)
            term = np.moveaxis(rows_bar, -1, axes[k])
            f_bar = term if f_bar is None else f_bar + term
        bars = (*bars, bar)
    if len(varargs) == 1 and len(axes) > 1:
        return f_bar, sum([bar for bar in bars if bar is not None])
    return f_bar, *bars


@defjvp(np.gradient)
def _(tangents: Any, out: Any, f: Any, *varargs: Any, axis: Any = None, edge_order: Any = 1) -> Any:
    axes = axes_of_gradient(f, axis)
    given = spacings(varargs, axes)
    dots = spacings(tangents[1 : 1 + len(varargs)], axes) if len(varargs) else (None,) * len(axes)
    outs = [out] if len(axes) == 1 else out
    f_dot = np.zeros_like(f) if tangents[0] is None else tangents[0]
    result: Any = ()
    for k in range(len(axes)):
        rows, rows_dot = np.moveaxis(f, axes[k], -1), np.moveaxis(f_dot, axes[k], -1)
        rows_out = np.moveaxis(outs[k], axes[k], -1)
        dot = gradient_dot(rows_dot, dots[k], rows_out, rows, given[k], edge_order)
        result = (*result, np.moveaxis(dot, -1, axes[k]))
    return result[0] if len(axes) == 1 else result


# Integrals


def trapezoid_steps(x: Any, dx: Any, axis: Any) -> Any:
    """The distances between the samples, along the last axis."""
    if x is None:
        return dx
    return np.diff(x) if np.ndim(x) == 1 else np.diff(np.moveaxis(x, axis, -1))


@defvjp(np.trapezoid)
def _(ct: Any, out: Any, y: Any, x: Any = None, dx: Any = 1.0, axis: Any = -1) -> Any:
    rows = np.moveaxis(y, axis, -1)
    half = 0.5 * np.expand_dims(ct, -1)
    pairs = rows[..., 1:] + rows[..., :-1]
    share = np.broadcast_to(half * trapezoid_steps(x, dx, axis), pairs.shape)
    rows_bar = np.zeros_like(rows)
    rows_bar[..., 1:] = share
    rows_bar[..., :-1] += share
    y_bar = np.moveaxis(rows_bar, -1, axis)
    if x is None:
        return y_bar, None, unbroadcast(half * pairs, dx), None
    if np.ndim(x) == 1:
        return y_bar, undone_difference_in_row(unbroadcast(half * pairs, x[1:]), x, 1), None, None
    places = np.moveaxis(x, axis, -1)
    places_bar = undone_difference_in_row(unbroadcast(half * pairs, places[..., 1:]), places, 1)
    return y_bar, np.moveaxis(places_bar, -1, axis), None, None


@defjvp(np.trapezoid)
def _(tangents: Any, out: Any, y: Any, x: Any = None, dx: Any = 1.0, axis: Any = -1) -> Any:
    y_dot = np.zeros_like(y) if tangents[0] is None else tangents[0]
    out_dot = np.trapezoid(y_dot, x, dx, axis)
    if tangents[1] is not None:
        out_dot = out_dot + np.trapezoid(y, tangents[1], axis=axis)
    if tangents[2] is not None and x is None:
        out_dot = out_dot + np.trapezoid(y, dx=tangents[2], axis=axis)
    return out_dot


# Convolutions: what the mode cut off is 0 in the full one


def full_range(ct: Any, m: Any, n: Any, start: Any) -> Any:
    """`ct` as the cotangent of the full result of lengths `m` and `n`, in which it begins at `start`."""
    return np.pad(ct, (start, m + n - 1 - start - np.size(ct)))


def of_convolution(ct: Any, a: Any, v: Any, mode: Any) -> Any:
    """The cotangent of the full convolution."""
    if mode == "full":
        return ct
    shorter = min(len(a), len(v))
    return full_range(ct, len(a), len(v), (shorter - 1) // 2 if mode == "same" else shorter - 1)


def of_correlation(ct: Any, a: Any, v: Any, mode: Any) -> Any:
    """The cotangent of the full correlation, whose results NumPy reverses where `v` is the longer one."""
    if mode == "full":
        return ct
    shorter = min(len(a), len(v))
    if mode == "valid":
        return full_range(ct, len(a), len(v), shorter - 1)
    return full_range(ct, len(a), len(v), (shorter - 1) // 2 if len(v) <= len(a) else shorter // 2)


@defvjp(np.convolve)
def _(ct: Any, out: Any, a: Any, v: Any, mode: Any = "full") -> Any:
    ct = of_convolution(ct, a, v, mode)
    if np.iscomplexobj(out):
        return np.correlate(ct, np.conj(v), "valid"), np.correlate(ct, np.conj(a), "valid")
    return np.correlate(ct, v, "valid"), np.correlate(ct, a, "valid")


@defjvp(np.convolve)
def _(tangents: Any, out: Any, a: Any, v: Any, mode: Any = "full") -> Any:
    if tangents[0] is None:
        return np.convolve(a, tangents[1], mode)
    if tangents[1] is None:
        return np.convolve(tangents[0], v, mode)
    return np.convolve(tangents[0], v, mode) + np.convolve(a, tangents[1], mode)


@defvjp(np.correlate)
def _(ct: Any, out: Any, a: Any, v: Any, mode: Any = "valid") -> Any:
    ct = of_correlation(ct, a, v, mode)
    a_bar = np.correlate(ct, v[::-1], "valid")
    if np.iscomplexobj(out):
        return a_bar, np.conj(np.correlate(ct, np.conj(a), "valid"))[::-1]
    return a_bar, np.correlate(ct, a, "valid")[::-1]


@defjvp(np.correlate)
def _(tangents: Any, out: Any, a: Any, v: Any, mode: Any = "valid") -> Any:
    if tangents[0] is None:
        return np.correlate(a, tangents[1], mode)
    if tangents[1] is None:
        return np.correlate(tangents[0], v, mode)
    return np.correlate(tangents[0], v, mode) + np.correlate(a, tangents[1], mode)


# Phases: jumps are whole periods


@defvjp(np.unwrap)
def _(
    ct: Any, out: Any, p: Any, discont: Any = None, axis: Any = -1, *, period: Any = 2 * np.pi
) -> Any:
    return ct, 0.0, None, np.sum(ct * np.rint((out - p) / period))


@defjvp(np.unwrap)
def _(
    tangents: Any, out: Any, p: Any, discont: Any = None, axis: Any = -1, *, period: Any = 2 * np.pi
) -> Any:
    p_dot = np.zeros_like(out) if tangents[0] is None else tangents[0]
    if len(tangents) < 4 or tangents[3] is None:
        return p_dot
    return p_dot + tangents[3] * np.rint((out - p) / period)
