"""Derivatives of `np.pad` in every mode that fills the margins from the array or from values given.

    y = np.pad(x, 2)              x_bar = y_bar[2:-2]
    y = np.pad(x, 2, "edge")      x_bar = the same, and the margins add up at the edges

Margins that copy elements add up where they came from. The other modes are undone axis by axis, the last
first, as NumPy filled them the first first: what flowed into a margin goes to the lanes it was made from.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .broadcast import unbroadcast
from .facts import static
from .register import defjvp, defvjp
from .shape import gathered


def margins(pad_width: Any, ndim: Any) -> Any:
    """(before, after) for each axis.

    >>> margins(((1, 0), (2, 3)), 2), margins(1, 2)
    ([(1, 0), (2, 3)], [(1, 1), (1, 1)])
    """
    if isinstance(pad_width, dict):
        return margins_by_axis(pad_width, ndim)
    if isinstance(pad_width, (tuple, list)) and isinstance(pad_width[0], (tuple, list)):
        return [pair(pad_width[i % len(pad_width)]) for i in range(ndim)]
    if isinstance(pad_width, np.ndarray):
        return np.broadcast_to(pad_width, (ndim, 2))
    return [pair(pad_width)] * ndim


@static
def margins_by_axis(widths: Any, ndim: Any) -> Any:
    """As `margins`, for a dict that has the widths of some axes.

    >>> margins_by_axis({-1: (2, 3)}, 2)
    [(0, 0), (2, 3)]
    """
    found = [(0, 0)] * ndim
    for axis, width in widths.items():
        found[axis] = pair(width)
    return found


def pair(width: Any) -> Any:
    """The widths before and after, of which one may be left out."""
    return (width[0], width[-1]) if isinstance(width, (tuple, list)) else (width, width)


@static
def lengths(stat_length: Any, ndim: Any) -> Any:
    """How many elements at either end of each axis a statistic is of; None for all of them.

    >>> lengths(None, 1), lengths((2, 3), 1)
    ([[None, None]], [[2, 3]])
    """
    if stat_length is None:
        return [[None, None]] * ndim
    return np.broadcast_to(stat_length, (ndim, 2)).tolist()


def margin_sums(ct: Any, widths: Any, shape: Any) -> Any:
    """The sum of `ct` over each margin, (axis, side); a corner belongs to its last axis, as in `np.pad`."""
    sums = np.zeros((len(shape), 2), ct.dtype)
    for axis in range(len(shape) - 1, -1, -1):
        before, stop = widths[axis][0], widths[axis][0] + shape[axis]
        rows = np.moveaxis(ct, axis, 0)
        sums[axis, 0] = rows[:before].sum()
        sums[axis, 1] = rows[stop:].sum()
        ct = np.moveaxis(rows[before:stop], 0, axis)
    return sums


@defvjp(np.pad)
def _(
    ct: Any, out: Any, array: Any, pad_width: Any, mode: Any = "constant", *, constant_values: Any = 0,
    end_values: Any = 0, stat_length: Any = None, reflect_type: Any = "even",
) -> Any:  # fmt: skip
    widths = margins(pad_width, np.ndim(array))
    if mode == "constant" or mode == "empty":
        inner = tuple([slice(widths[i][0], widths[i][0] + array.shape[i]) for i in range(array.ndim)])
        return ct[inner], None, None, unbroadcast(margin_sums(ct, widths, array.shape), constant_values)
    if mode in ("edge", "wrap") or (mode in ("reflect", "symmetric") and reflect_type == "even"):
        origin = np.pad(np.reshape(np.arange(array.size), array.shape), pad_width, mode)
        return gathered(ct, origin, array), None, None, None
    if mode in ("reflect", "symmetric"):
        return undone_odd(ct, array, widths, mode), None, None, None
    if mode == "linear_ramp":
        array_bar, ends_bar = undone_ramp(ct, array, widths)
        return array_bar, None, None, None, unbroadcast(ends_bar, end_values)
    if mode in ("mean", "maximum", "minimum", "median"):
        return undone_statistic(ct, out, array, widths, mode, lengths(stat_length, np.ndim(array))), None
    raise NotImplementedError("`mode` is a function of the user's")


@defjvp(np.pad)
def _(
    tangents: Any, out: Any, array: Any, pad_width: Any, mode: Any = "constant", *, constant_values: Any = 0,
    end_values: Any = 0, stat_length: Any = None, reflect_type: Any = "even",
) -> Any:  # fmt: skip
    array_dot = np.zeros_like(array) if tangents[0] is None else tangents[0]
    if mode == "constant":
        values_dot = 0.0 if len(tangents) < 4 or tangents[3] is None else tangents[3]
        return np.pad(array_dot, pad_width, constant_values=values_dot)
    if mode == "linear_ramp":
        ends_dot = 0.0 if len(tangents) < 5 or tangents[4] is None else tangents[4]
        return np.pad(array_dot, pad_width, mode, end_values=ends_dot)
    if mode in ("reflect", "symmetric"):
        return np.pad(array_dot, pad_width, mode, reflect_type=reflect_type)
    if mode == "mean":
        return np.pad(array_dot, pad_width, mode, stat_length=stat_length)
    if mode in ("maximum", "minimum", "median"):
        widths = margins(pad_width, np.ndim(array))
        return padded_dot(array_dot, out, array, widths, mode, lengths(stat_length, np.ndim(array)))
    if mode in ("edge", "wrap"):
        return np.pad(array_dot, pad_width, mode)
    if mode == "empty":
        return np.pad(array_dot, pad_width)
    raise NotImplementedError("`mode` is a function of the user's")


def undone_odd(ct: Any, array: Any, widths: Any, mode: Any) -> Any:
    """An odd reflection is linear along each axis, with the matrix that it makes of the identity."""
    for axis in range(array.ndim - 1, -1, -1):
        unit = np.eye(array.shape[axis], dtype=array.dtype)
        matrix = np.pad(unit, ((widths[axis][0], widths[axis][1]), (0, 0)), mode, reflect_type="odd")
        ct = np.moveaxis(np.moveaxis(ct, axis, -1) @ matrix, -1, axis)
    return ct


def undone_ramp(ct: Any, array: Any, widths: Any) -> Any:
    """The cotangents of the array and, (axis, side), of the values that its ramps end in."""
    ends = np.zeros((array.ndim, 2), ct.dtype)
    for axis in range(array.ndim - 1, -1, -1):
        before, after = widths[axis]
        rows = np.moveaxis(ct, axis, -1)
        stop = before + array.shape[axis]
        inner = rows[..., before:stop].copy()
        if before > 0:
            rise = np.arange(before, dtype=ct.dtype) / before
            inner[..., 0] += rows[..., :before] @ rise
            ends[axis, 0] = np.sum(rows[..., :before] * (1 - rise))
        if after > 0:
            fall = np.arange(after - 1, -1, -1, dtype=ct.dtype) / after
            inner[..., -1] += rows[..., stop:] @ fall
            ends[axis, 1] = np.sum(rows[..., stop:] * (1 - fall))
        ct = np.moveaxis(inner, -1, axis)
    return ct, ends


def shares(lane: Any, mode: Any) -> Any:
    """What share of a statistic along the last axis each element has."""
    if mode == "mean":
        return np.full_like(lane, 1 / lane.shape[-1])
    if mode == "median":
        lower = np.quantile(lane, 0.5, -1, method="lower", keepdims=True)
        upper = np.quantile(lane, 0.5, -1, method="higher", keepdims=True)
        return 0.5 * (equal_shares(lane == lower, lane) + equal_shares(lane == upper, lane))
    extreme = np.max(lane, -1, keepdims=True) if mode == "maximum" else np.min(lane, -1, keepdims=True)
    return equal_shares(lane == extreme, lane)


def equal_shares(mask: Any, lane: Any) -> Any:
    """One, divided equally among the elements of the mask, along the last axis."""
    return mask / np.sum(mask, -1, keepdims=True, dtype=lane.dtype)


def stage(out: Any, array: Any, widths: Any, axis: Any) -> Any:
    """The array as it was before `axis` was padded: the axes before it are padded, the others are not."""
    kept = [
        slice(None) if i < axis else slice(widths[i][0], widths[i][0] + array.shape[i])
        for i in range(array.ndim)
    ]
    return np.moveaxis(out[tuple(kept)], axis, -1)


def undone_statistic(ct: Any, out: Any, array: Any, widths: Any, mode: Any, ends: Any) -> Any:
    """The cotangent of the array whose margins hold a statistic of the elements at either end."""
    for axis in range(array.ndim - 1, -1, -1):
        n, before, after = array.shape[axis], widths[axis][0], widths[axis][1]
        rows, values = np.moveaxis(ct, axis, -1), stage(out, array, widths, axis)
        inner = rows[..., before : before + n].copy()
        if before > 0:
            k = n if ends[axis][0] is None else ends[axis][0]
            total = np.sum(rows[..., :before], axis=-1, keepdims=True)
            inner[..., :k] += total * shares(values[..., :k], mode)
        if after > 0:
            k = n if ends[axis][1] is None else ends[axis][1]
            total = np.sum(rows[..., before + n :], axis=-1, keepdims=True)
            inner[..., max(n - k, 0) :] += total * shares(values[..., max(n - k, 0) :], mode)
        ct = np.moveaxis(inner, -1, axis)
    return ct


def padded_dot(dot: Any, out: Any, array: Any, widths: Any, mode: Any, ends: Any) -> Any:
    """The tangent of a padding with a statistic."""
    for axis in range(array.ndim):
        n, before, after = array.shape[axis], widths[axis][0], widths[axis][1]
        rows, values = np.moveaxis(dot, axis, -1), stage(out, array, widths, axis)
        first = n if ends[axis][0] is None else ends[axis][0]
        last = max(n - (n if ends[axis][1] is None else ends[axis][1]), 0)
        left = np.sum(rows[..., :first] * shares(values[..., :first], mode), axis=-1, keepdims=True)
        right = np.sum(rows[..., last:] * shares(values[..., last:], mode), axis=-1, keepdims=True)
        parts = [np.repeat(left, before, axis=-1), rows, np.repeat(right, after, axis=-1)]
        dot = np.moveaxis(np.concatenate(parts, axis=-1), -1, axis)
    return dot
