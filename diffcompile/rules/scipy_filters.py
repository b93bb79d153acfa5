"""Derivatives of the filters of `scipy.signal`.

    y = signal.lfilter(b, a, x)      x_bar = signal.lfilter(b, a, y_bar[::-1])[::-1]

A filter is linear in its input, whose cotangent runs through the same filter backwards; those of its
coefficients are correlations with what went in and came out. One that is started in a state adds that state's
own response. Filters in sections, and those that run forth and back, are made of these.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import linalg, ndimage, signal

from .arithmetic import tangent
from .register import Array, defequal, defjvp, defvjp, nondifferentiable


def run(b: Any, a: Any, x: Any, axis: Any) -> Any:
    """A filter that starts at rest."""
    return signal.lfilter(b, a, x, axis)


def delayed_products(u: Any, x: Any, count: Any) -> Any:
    """The sums of `u[n] * x[n - k]` over everything, for k = 0, 1, ..., along the last axis."""
    n = x.shape[-1]
    return np.stack([np.sum(u[..., k:] * x[..., : max(n - k, 0)]) for k in range(count)])


@defvjp(run)
def _(ct: Any, out: Any, b: Array, a: Array, x: Array, axis: Any) -> Any:
    back = np.flip(ct, axis)
    x_bar = np.flip(signal.lfilter(b, a, back, axis), axis)
    u = np.moveaxis(np.flip(signal.lfilter(np.ones(1), a, back, axis), axis), axis, -1)
    b_bar = delayed_products(u, np.moveaxis(x, axis, -1), b.shape[0])
    return b_bar, -delayed_products(u, np.moveaxis(out, axis, -1), a.shape[0]), x_bar


@defjvp(run)
def _(tangents: Any, out: Any, b: Array, a: Array, x: Array, axis: Any) -> Any:
    side = 0.0 if tangents[0] is None else signal.lfilter(tangents[0], np.ones(1), x, axis)
    if tangents[1] is not None:
        side = side - signal.lfilter(tangents[1], np.ones(1), out, axis)
    out_dot = tangent(None if tangents[2] is None else signal.lfilter(b, a, tangents[2], axis))
    if tangents[0] is None and tangents[1] is None:
        return out_dot
    return out_dot + signal.lfilter(np.ones(1), a, side, axis)


@defequal(signal.lfilter)
def _(b: Any, a: Any, x: Any, axis: Any = -1, zi: Any = None) -> Any:
    if zi is None:
        return run(b, a, x, axis)
    y, state = from_state(np.asarray(b), np.asarray(a), np.moveaxis(x, axis, -1), np.moveaxis(zi, axis, -1))
    return np.moveaxis(y, -1, axis), np.moveaxis(state, -1, axis)


def from_state(b: Any, a: Any, x: Any, zi: Any) -> Any:
    """What a filter gives along the last axis that starts in a state, and the state that it ends in."""
    b, a = b / a[0], a / a[0]
    order, n = zi.shape[-1], x.shape[-1]
    if n < order:
        raise NotImplementedError("a signal shorter than the state of its filter is not differentiated")
    responses = signal.lfilter(np.ones(1), a, np.eye(order, n))
    y = signal.lfilter(b, a, x) + zi @ responses
    ended = np.flip(x, -1)[..., :order] @ remaining(b, order)
    return y, ended - np.flip(y, -1)[..., :order] @ remaining(a, order)


def remaining(c: Any, order: Any) -> Any:
    """The coefficients that an element still meets: `c[i + j + 1]` at (i, j)."""
    padded = np.concatenate([c[1:], np.zeros(2 * order - len(c) + 1)])
    return padded[np.arange(order)[:, None] + np.arange(order)]


@defequal(signal.lfilter_zi)
def _(b: Any, a: Any) -> Any:
    b, a = np.asarray(b) / a[0], np.asarray(a) / a[0]
    size = max(len(a), len(b))
    b = np.concatenate([b, np.zeros(size - len(b))])
    a = np.concatenate([a, np.zeros(size - len(a))])
    return np.linalg.solve(np.eye(size - 1) - linalg.companion(a).T, b[1:] - a[1:] * b[0])


# Filters in sections


@defequal(signal.sosfilt)
def _(sos: Any, x: Any, axis: Any = -1, zi: Any = None) -> Any:
    sections = np.asarray(sos)
    if zi is None:
        for k in range(sections.shape[0]):
            x = signal.lfilter(sections[k, :3], sections[k, 3:], x, axis)
        return x
    x, states = np.moveaxis(x, axis, -1), []
    zi = np.moveaxis(zi, (axis + 1 if axis >= 0 else axis), -1)
    for k in range(sections.shape[0]):
        x, state = from_state(sections[k, :3], sections[k, 3:], x, zi[k])
        states.append(np.moveaxis(state, -1, axis))
    return np.moveaxis(x, -1, axis), np.stack(states)


# Filters that run forth and back


def with_ends(x: Any, edge: Any, padtype: Any) -> Any:
    """A signal along the last axis, continued by `edge` elements at both of its ends."""
    if padtype is None or edge == 0:
        return x
    if padtype == "constant":
        ones = np.ones(edge)
        return np.concatenate([x[..., :1] * ones, x, x[..., -1:] * ones], axis=-1)
    before, after = x[..., edge:0:-1], x[..., -2 : -edge - 2 : -1]
    if padtype == "odd":
        before, after = 2.0 * x[..., :1] - before, 2.0 * x[..., -1:] - after
    return np.concatenate([before, x, after], axis=-1)


@defequal(signal.filtfilt)
def _(
    b: Any, a: Any, x: Any, axis: Any = -1, padtype: Any = "odd", padlen: Any = None, method: Any = "pad",
    irlen: Any = None,
) -> Any:  # fmt: skip
    if method != "pad":
        raise NotImplementedError("a filter forth and back is differentiated with the method `pad`")
    b, a = np.atleast_1d(b), np.atleast_1d(a)
    edge = 3 * max(len(a), len(b)) if padlen is None else padlen
    edge = 0 if padtype is None else edge
    moved = np.moveaxis(x, axis, -1)
    ends = with_ends(moved, edge, padtype)
    steady = signal.lfilter_zi(b, a)
    forth = from_state(b, a, ends, ends[..., :1] * steady)[0]
    back = from_state(b, a, np.flip(forth, -1), forth[..., -1:] * steady)[0]
    return np.moveaxis(np.flip(back, -1)[..., edge : edge + moved.shape[-1]], -1, axis)


@defequal(signal.sosfiltfilt)
def _(sos: Any, x: Any, axis: Any = -1, padtype: Any = "odd", padlen: Any = None) -> Any:
    edge = default_edge(sos) if padlen is None else padlen
    edge = 0 if padtype is None else edge
    moved = np.moveaxis(x, axis, -1)
    ends = with_ends(moved, edge, padtype)
    steady = np.reshape(signal.sosfilt_zi(sos), (len(sos), *(1,) * (x.ndim - 1), 2))
    forth = signal.sosfilt(sos, ends, zi=ends[..., :1] * steady)[0]
    back = signal.sosfilt(sos, np.flip(forth, -1), zi=forth[..., -1:] * steady)[0]
    return np.moveaxis(np.flip(back, -1)[..., edge : edge + moved.shape[-1]], -1, axis)


def default_edge(sos: Any) -> Any:
    """By how much `sosfiltfilt` continues a signal."""
    at_origin = min(np.sum(sos[:, 2] == 0), np.sum(sos[:, 5] == 0))
    return int(3 * (2 * len(sos) + 1 - at_origin))


# Local polynomials


def ends_fitted(length: Any, degree: Any, order: Any) -> Any:
    """The weights of the first window that give the first values of the polynomial that fits it."""
    half = length // 2
    x = np.arange(length) - half
    fit = np.linalg.pinv(np.polynomial.polynomial.polyvander(x, degree))
    derived = np.polynomial.polynomial.polyder(fit, order) if order else fit
    return np.polynomial.polynomial.polyvander(x[:half], max(degree - order, 0)) @ derived


nondifferentiable(default_edge, ends_fitted, signal.savgol_coeffs)


@defequal(signal.savgol_filter)
def _(
    x: Any, window_length: Any, polyorder: Any, deriv: Any = 0, delta: Any = 1.0, axis: Any = -1,
    mode: Any = "interp", cval: Any = 0.0,
) -> Any:  # fmt: skip
    scale = delta**deriv
    weights = signal.savgol_coeffs(window_length, polyorder, deriv)
    if mode != "interp":
        return ndimage.convolve1d(x, weights / scale, axis, None, mode, cval)
    inner = ndimage.convolve1d(np.moveaxis(x, axis, -1), weights, -1, None, "constant")
    moved, half = np.moveaxis(x, axis, -1), window_length // 2
    if half == 0:
        return np.moveaxis(inner, -1, axis) / scale
    first = ends_fitted(window_length, polyorder, deriv)
    last = np.flip(first) * (-1) ** deriv
    left = moved[..., :window_length] @ first.T
    right = moved[..., -window_length:] @ last.T
    fitted = np.concatenate([left, inner[..., half:-half], right], axis=-1)
    return np.moveaxis(fitted, -1, axis) / scale


# Division of signals


@defequal(signal.deconvolve)
def _(signal: Any, divisor: Any) -> Any:
    count = len(signal) - len(divisor) + 1
    if count < 1:
        raise NotImplementedError("a signal that is shorter than its divisor is not differentiated")
    quotient = run(signal, divisor, np.eye(1, count)[0], -1)
    return quotient, signal - np.convolve(divisor, quotient)
