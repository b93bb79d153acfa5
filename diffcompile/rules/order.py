"""Derivatives of what puts elements in order: sorts, partitions, medians, quantiles, distinct values.

    y = np.median(x)          x_bar = 0.5 * y_bar for each of the two middle elements of `x`
    y = np.sort(x)            x_bar = y_bar[rank]

A quantile is the sum of two order statistics, and elements that are equal to one of them share its cotangent
equally. With respect to `q` the slope is that of the interpolation, 0 beyond the ends and for the methods
that only choose.
"""

from __future__ import annotations

import builtins
from typing import Any

import numpy as np

from .broadcast import unbroadcast
from .facts import static
from .reduce import restored, shared
from .register import defequal, defjvp, defvjp, nondifferentiable

nondifferentiable(np.digitize, np.unique_counts, np.unique_inverse, np.isin, np.ndarray.argsort)


# Sorts


def rank(a: Any, axis: Any) -> Any:
    """The place of each element of `a` after a stable sort along `axis`."""
    return np.argsort(np.argsort(a, axis, kind="stable"), axis)


@defvjp(np.sort)
def _(
    ct: Any, out: Any, a: Any, axis: Any = -1, kind: Any = None, order: Any = None, *, stable: Any = None
) -> Any:
    if axis is None:
        return np.reshape(ct[rank(np.ravel(a), 0)], np.shape(a))
    if a.ndim == 1:
        return ct[rank(a, 0)]
    return np.take_along_axis(ct, rank(a, axis), axis)


@defjvp(np.sort)
def _(
    tangents: Any, out: Any, a: Any, axis: Any = -1, kind: Any = None, order: Any = None, *,
    stable: Any = None,
) -> Any:  # fmt: skip
    if axis is None:
        return np.ravel(tangents[0])[np.argsort(np.ravel(a), kind="stable")]
    return np.take_along_axis(tangents[0], np.argsort(a, axis, kind="stable"), axis)


@defvjp(np.sort_complex)
def _(ct: Any, out: Any, a: Any) -> Any:
    if not np.iscomplexobj(a):
        ct = np.real(ct)
    return np.take_along_axis(ct, rank(a, -1), -1)


@defjvp(np.sort_complex)
def _(tangents: Any, out: Any, a: Any) -> Any:
    return np.take_along_axis(tangents[0] + 0j, np.argsort(a, -1, kind="stable"), -1)


@defvjp(np.partition)
def _(
    ct: Any, out: Any, a: Any, kth: Any, axis: Any = -1, kind: Any = "introselect", order: Any = None
) -> Any:
    if axis is None:
        ordered = ct[np.argsort(out, kind="stable")]
        return np.reshape(ordered[rank(np.ravel(a), 0)], np.shape(a))
    ordered = np.take_along_axis(ct, np.argsort(out, axis, kind="stable"), axis)
    return np.take_along_axis(ordered, rank(a, axis), axis)


@defjvp(np.partition)
def _(
    tangents: Any, out: Any, a: Any, kth: Any, axis: Any = -1, kind: Any = "introselect", order: Any = None
) -> Any:
    if axis is None:
        a, axis, a_dot = np.ravel(a), 0, np.ravel(tangents[0])
    else:
        a_dot = tangents[0]
    ordered = np.take_along_axis(a_dot, np.argsort(a, axis, kind="stable"), axis)
    return np.take_along_axis(ordered, rank(out, axis), axis)


@defvjp(builtins.sorted)
def _(ct: Any, out: Any, iterable: Any, *, key: Any = None, reverse: Any = False) -> Any:
    if key is not None:
        raise NotImplementedError("`key` is a function")
    items = np.asarray(iterable)
    place = rank(-items if reverse else items, 0)
    if isinstance(iterable, np.ndarray):
        return np.asarray(ct, items.dtype)[place]
    return [ct[i] for i in place]


@defjvp(builtins.sorted)
def _(tangents: Any, out: Any, iterable: Any, *, key: Any = None, reverse: Any = False) -> Any:
    items = np.asarray(iterable)
    return [tangents[0][i] for i in np.argsort(-items if reverse else items, kind="stable")]


# Distinct values


@defvjp(np.unique)
def _(
    ct: Any, out: Any, ar: Any, return_index: Any = False, return_inverse: Any = False,
    return_counts: Any = False, axis: Any = None, *, equal_nan: Any = True, sorted: Any = True,
) -> Any:  # fmt: skip
    values_bar = ct[0] if isinstance(out, tuple) else ct
    if values_bar is None:
        return None
    values, origin, times = np.unique(ar, False, True, True, axis, equal_nan=equal_nan)
    if axis is None:
        return np.reshape((values_bar / times.astype(values_bar.dtype))[origin], np.shape(ar))
    rows_bar = np.moveaxis(np.moveaxis(values_bar, axis, -1) / times.astype(values_bar.dtype), -1, axis)
    return np.take(rows_bar, np.ravel(origin), axis)


@defjvp(np.unique)
def _(
    tangents: Any, out: Any, ar: Any, return_index: Any = False, return_inverse: Any = False,
    return_counts: Any = False, axis: Any = None, *, equal_nan: Any = True, sorted: Any = True,
) -> Any:  # fmt: skip
    values, origin, times = np.unique(ar, False, True, True, axis, equal_nan=equal_nan)
    rows_dot = np.ravel(tangents[0]) if axis is None else np.moveaxis(tangents[0], axis, 0)
    sums = np.zeros_like(values if axis is None else np.moveaxis(values, axis, 0))
    np.add.at(sums, np.ravel(origin), rows_dot)
    means = np.moveaxis(np.moveaxis(sums, 0, -1) / times, -1, 0 if axis is None else axis)
    counted = return_index + return_inverse + return_counts
    return (means, *[None for _ in range(counted)]) if counted else means


@defequal(np.union1d)
def _(ar1: Any, ar2: Any) -> Any:
    return np.unique(np.concatenate([np.ravel(ar1), np.ravel(ar2)]))


@defequal(np.setdiff1d)
def _(ar1: Any, ar2: Any, assume_unique: Any = False) -> Any:
    values = np.ravel(ar1) if assume_unique else np.unique(ar1)
    return values[~np.isin(values, ar2)]


@defvjp(np.unique_values)
def _(ct: Any, out: Any, x: Any) -> Any:
    values, origin, times = np.unique(x, return_inverse=True, return_counts=True, equal_nan=False)
    place = np.argsort(np.argsort(out))
    return np.reshape((ct[np.argsort(place)] / times.astype(ct.dtype))[origin], np.shape(x))


@defjvp(np.unique_values)
def _(tangents: Any, out: Any, x: Any) -> Any:
    values, origin, times = np.unique(x, return_inverse=True, return_counts=True, equal_nan=False)
    sums = np.zeros_like(values)
    np.add.at(sums, np.ravel(origin), np.ravel(tangents[0]))
    return (sums / times)[np.argsort(np.argsort(out))]


# Medians


def middle_two(a: Any, axis: Any) -> Any:
    """The two order statistics that a median is the mean of; the reduced axes stay."""
    lower = np.quantile(a, 0.5, axis, method="lower", keepdims=True)
    return lower, np.quantile(a, 0.5, axis, method="higher", keepdims=True)


@defvjp(np.median)
def _(
    ct: Any, out: Any, a: Any, axis: Any = None, into: Any = None, overwrite_input: Any = False,
    keepdims: Any = False,
) -> Any:  # fmt: skip
    lower, upper = middle_two(a, axis)
    half = 0.5 * restored(ct, axis, keepdims)
    return shared(half, lower, a, axis) + shared(half, upper, a, axis)


@defjvp(np.median)
def _(
    tangents: Any, out: Any, a: Any, axis: Any = None, into: Any = None, overwrite_input: Any = False,
    keepdims: Any = False,
) -> Any:  # fmt: skip
    lower, upper = middle_two(a, axis)
    half = 0.5 * tangents[0]
    return np.sum(shared(half, lower, a, axis) + shared(half, upper, a, axis), axis, keepdims=keepdims)


def middle_two_seen(a: Any, axis: Any) -> Any:
    """As `middle_two`, of the elements that are not nan."""
    lower = np.nanquantile(a, 0.5, axis, method="lower", keepdims=True)
    return lower, np.nanquantile(a, 0.5, axis, method="higher", keepdims=True)


@defvjp(np.nanmedian)
def _(
    ct: Any, out: Any, a: Any, axis: Any = None, into: Any = None, overwrite_input: Any = False,
    keepdims: Any = False,
) -> Any:  # fmt: skip
    lower, upper = middle_two_seen(a, axis)
    half = 0.5 * restored(ct, axis, keepdims)
    return shared(half, lower, a, axis) + shared(half, upper, a, axis)


@defjvp(np.nanmedian)
def _(
    tangents: Any, out: Any, a: Any, axis: Any = None, into: Any = None, overwrite_input: Any = False,
    keepdims: Any = False,
) -> Any:  # fmt: skip
    lower, upper = middle_two_seen(a, axis)
    half = 0.5 * np.where(np.isnan(a), 0.0, tangents[0])
    return np.sum(shared(half, lower, a, axis) + shared(half, upper, a, axis), axis, keepdims=keepdims)


# Quantiles: of an array whose reduced axes have become one, the last


CHOOSING = ("inverted_cdf", "closest_observation", "lower", "higher", "nearest")


@static
def plotting_position(method: str) -> tuple[float, float]:
    """The place of the quantile q among n ordered elements is `n * q + offset + q * stretch`.

    >>> plotting_position("linear"), plotting_position("hazen")
    ((0.0, -1.0), (-0.5, 0.0))
    """
    if method in ("linear", "midpoint"):
        return 0.0, -1.0
    if method in ("averaged_inverted_cdf", "interpolated_inverted_cdf"):
        return -1.0, 0.0
    alpha = {"hazen": 0.5, "weibull": 0.0, "median_unbiased": 1 / 3, "normal_unbiased": 3 / 8}[method]
    return alpha - 1.0, 1.0 - 2 * alpha


def lanes(a: Any, axis: Any) -> Any:
    """`a` with the axes that are reduced made one, the last."""
    if np.ndim(a) == 1:
        return a
    if axis is None:
        return np.ravel(a)
    if isinstance(axis, tuple):
        moved = np.moveaxis(a, axis, tuple(range(-len(axis), 0)))
        return np.reshape(moved, (*moved.shape[: a.ndim - len(axis)], -1))
    return np.moveaxis(a, axis, -1)


def out_of_lanes(rows: Any, a: Any, axis: Any) -> Any:
    """What `lanes` made, in the form of `a` again."""
    if np.ndim(a) == 1:
        return rows
    if axis is None:
        return np.reshape(rows, np.shape(a))
    if isinstance(axis, tuple):
        last = tuple(range(-len(axis), 0))
        return np.moveaxis(np.reshape(rows, np.moveaxis(a, axis, last).shape), last, axis)
    return np.moveaxis(rows, -1, axis)


def neighbours(rows: Any, q: Any, method: Any, skip: Any) -> Any:
    """The order statistics on either side of the quantile, the weight of the upper one, the slope in q."""
    offset, stretch = plotting_position(method)
    n = np.sum(~np.isnan(rows), -1) if skip else rows.shape[-1]
    wide = q if np.ndim(q) == 0 else np.reshape(q, np.shape(q) + (1,) * (rows.ndim - 1))
    exact = n * wide + offset + wide * stretch
    below = np.floor(exact)
    part = exact - below
    if method == "midpoint":
        part = np.where(part > 0, 0.5, 0.0)
    if method == "averaged_inverted_cdf":
        part = np.where(part > 0, 1.0, 0.5)
    last = np.maximum(n - 1, 0)
    slope = np.where((exact >= 0) & (exact < last), n + stretch, 0.0)
    i = np.asarray(np.clip(below, 0, last), int)
    ordered = np.sort(rows)
    if np.ndim(q) == 0 and not skip:
        upper = ordered[..., np.minimum(i + (exact >= 0), last)]
        return ordered[..., i], upper, np.asarray(part, rows.dtype), np.asarray(slope, rows.dtype)
    form = np.shape(q) + rows.shape[:-1]
    lanes_of_q = np.broadcast_to(ordered, form + rows.shape[-1:])
    i = np.broadcast_to(i, form)[..., None]
    j = np.broadcast_to(np.asarray(np.clip(below + 1, 0, last), int), form)[..., None]
    lower = np.take_along_axis(lanes_of_q, i, -1)[..., 0]
    upper = np.take_along_axis(lanes_of_q, j, -1)[..., 0]
    return lower, upper, np.asarray(part, rows.dtype), np.asarray(slope, rows.dtype)


def as_fractions(q: Any) -> Any:
    """One fraction, or an array of them."""
    return q if np.ndim(q) == 0 else np.asarray(q)


def fraction(percentage: Any) -> Any:
    """Fractions for percentages."""
    return as_fractions(percentage) / 100


def holding(ct: Any, value: Any, rows: Any) -> Any:
    """`ct` shared equally among the elements of each lane that are `value`."""
    mask = rows == value[..., None]
    times = np.maximum(np.sum(mask, -1, dtype=rows.dtype), 1)
    return np.where(mask, (ct / times)[..., None], 0.0)


def quantile_cotangents(
    ct: Any, out: Any, a: Any, q: Any, axis: Any, method: Any, skip: Any
) -> Any:
    """The cotangents of `a` and of `q`, a fraction; nans are left out if `skip`."""
    rows = lanes(a, axis)
    form = np.shape(q) + rows.shape[:-1]
    ct = np.reshape(ct, form)
    if method in CHOOSING:
        rows_bar = holding(ct, np.reshape(out, form), rows)
        return out_of_lanes(unbroadcast(rows_bar, rows), a, axis), 0.0 * q
    lower, upper, part, slope = neighbours(rows, q, method, skip)
    rows_bar = holding((1 - part) * ct, lower, rows) + holding(part * ct, upper, rows)
    if method in ("midpoint", "averaged_inverted_cdf"):
        return out_of_lanes(unbroadcast(rows_bar, rows), a, axis), 0.0 * q
    q_bar = np.sum(ct * slope * (upper - lower), axis=tuple(range(np.ndim(q), len(form))))
    return out_of_lanes(unbroadcast(rows_bar, rows), a, axis), q_bar


def quantile_dot(a_dot: Any, q_dot: Any, out: Any, a: Any, q: Any, axis: Any, method: Any, skip: Any) -> Any:
    """The tangent of a quantile, as `quantile_cotangents`."""
    rows = lanes(a, axis)
    form = np.shape(q) + rows.shape[:-1]
    out_dot = np.zeros(form, rows.dtype)
    if method in CHOOSING:
        if a_dot is not None:
            rows_dot = lanes(np.where(np.isnan(a), 0.0, a_dot), axis)
            share = holding(np.ones(form, rows.dtype), np.reshape(out, form), rows)
            out_dot = np.sum(share * rows_dot, -1)
        return np.reshape(out_dot, np.shape(out))
    lower, upper, part, slope = neighbours(rows, q, method, skip)
    if a_dot is not None:
        rows_dot = lanes(np.where(np.isnan(a), 0.0, a_dot), axis)
        weight = np.broadcast_to(part, form)
        share = holding(1 - weight, lower, rows) + holding(weight, upper, rows)
        out_dot = np.sum(share * rows_dot, -1)
    if q_dot is not None and method not in ("midpoint", "averaged_inverted_cdf"):
        wide_dot = np.reshape(q_dot, np.shape(q) + (1,) * (rows.ndim - 1))
        out_dot = out_dot + wide_dot * slope * (upper - lower)
    return np.reshape(out_dot, np.shape(out))


@defvjp(np.quantile)
def _(
    ct: Any, out: Any, a: Any, q: Any, axis: Any = None, into: Any = None, overwrite_input: Any = False,
    method: Any = "linear", keepdims: Any = False, *, weights: Any = None,
) -> Any:  # fmt: skip
    return quantile_cotangents(ct, out, a, as_fractions(q), axis, method, False)


@defjvp(np.quantile)
def _(
    tangents: Any, out: Any, a: Any, q: Any, axis: Any = None, into: Any = None, overwrite_input: Any = False,
    method: Any = "linear", keepdims: Any = False, *, weights: Any = None,
) -> Any:  # fmt: skip
    return quantile_dot(tangents[0], tangents[1], out, a, as_fractions(q), axis, method, False)


@defvjp(np.nanquantile)
def _(
    ct: Any, out: Any, a: Any, q: Any, axis: Any = None, into: Any = None, overwrite_input: Any = False,
    method: Any = "linear", keepdims: Any = False, *, weights: Any = None,
) -> Any:  # fmt: skip
    return quantile_cotangents(ct, out, a, as_fractions(q), axis, method, True)


@defjvp(np.nanquantile)
def _(
    tangents: Any, out: Any, a: Any, q: Any, axis: Any = None, into: Any = None, overwrite_input: Any = False,
    method: Any = "linear", keepdims: Any = False, *, weights: Any = None,
) -> Any:  # fmt: skip
    return quantile_dot(tangents[0], tangents[1], out, a, as_fractions(q), axis, method, True)


@defvjp(np.percentile)
def _(
    ct: Any, out: Any, a: Any, q: Any, axis: Any = None, into: Any = None, overwrite_input: Any = False,
    method: Any = "linear", keepdims: Any = False, *, weights: Any = None,
) -> Any:  # fmt: skip
    a_bar, q_bar = quantile_cotangents(ct, out, a, fraction(q), axis, method, False)
    return a_bar, q_bar / 100


@defjvp(np.percentile)
def _(
    tangents: Any, out: Any, a: Any, q: Any, axis: Any = None, into: Any = None, overwrite_input: Any = False,
    method: Any = "linear", keepdims: Any = False, *, weights: Any = None,
) -> Any:  # fmt: skip
    q_dot = None if tangents[1] is None else tangents[1] / 100
    return quantile_dot(tangents[0], q_dot, out, a, fraction(q), axis, method, False)


@defvjp(np.nanpercentile)
def _(
    ct: Any, out: Any, a: Any, q: Any, axis: Any = None, into: Any = None, overwrite_input: Any = False,
    method: Any = "linear", keepdims: Any = False, *, weights: Any = None,
) -> Any:  # fmt: skip
    a_bar, q_bar = quantile_cotangents(ct, out, a, fraction(q), axis, method, True)
    return a_bar, q_bar / 100


@defjvp(np.nanpercentile)
def _(
    tangents: Any, out: Any, a: Any, q: Any, axis: Any = None, into: Any = None, overwrite_input: Any = False,
    method: Any = "linear", keepdims: Any = False, *, weights: Any = None,
) -> Any:  # fmt: skip
    q_dot = None if tangents[1] is None else tangents[1] / 100
    return quantile_dot(tangents[0], q_dot, out, a, fraction(q), axis, method, True)
