"""Derivatives of reductions and scans: sums, products, extrema, moments.

    y = np.mean(x, axis=0)        x_bar = np.broadcast_to(np.expand_dims(y_bar / x.shape[0], 0), np.shape(x))

A parameter named `into` stands where NumPy has `out`, which in a rule is the result. A reduction that has
`initial` is affine rather than linear. Products are taken without a division by an element that may be 0.
"""

from __future__ import annotations

import builtins
import math
from typing import Any

import numpy as np

from .broadcast import broadcast_like, unbroadcast
from .register import defjvp, deflinear, defvjp


def restored(y: Any, axis: Any, keepdims: Any) -> Any:
    """`y`, a reduction's result, so that it broadcasts against what was reduced."""
    if axis is None or keepdims:
        return y
    return np.expand_dims(y, axis)


def count(a: Any, axis: Any) -> Any:
    """How many elements of `a` each element of its reduction is made of."""
    if axis is None:
        return np.size(a)
    if isinstance(axis, tuple):
        return math.prod([a.shape[i] for i in axis])
    return a.shape[axis]


def count_where(a: Any, axis: Any, dtype: Any, where: Any) -> Any:
    """As `count`, of the elements where `where` holds; the reduced axes stay, and 0 counts as 1."""
    return np.maximum(np.sum(np.broadcast_to(where, np.shape(a)), axis, dtype, keepdims=True), 1)


def spread(ct: Any, a: Any, where: Any) -> Any:
    """`ct` for every element of `a` that was summed."""
    if where is True:
        return np.broadcast_to(ct, np.shape(a))
    return np.where(where, np.broadcast_to(ct, np.shape(a)), 0.0)


# Sums


@defvjp(np.sum, np.ndarray.sum)
def _(
    ct: Any, out: Any, a: Any, axis: Any = None, dtype: Any = None, into: Any = None, keepdims: Any = False,
    initial: Any = 0, where: Any = True,
) -> Any:  # fmt: skip
    a_bar = spread(restored(ct, axis, keepdims), a, where)
    return a_bar, None, None, None, None, np.sum(ct), None


@defjvp(np.sum, np.ndarray.sum)
def _(
    tangents: Any, out: Any, a: Any, axis: Any = None, dtype: Any = None, into: Any = None,
    keepdims: Any = False, initial: Any = 0, where: Any = True,
) -> Any:  # fmt: skip
    return sum_dot(tangents[0], tangents[5], out, axis, dtype, keepdims, where)


@defvjp(np.add.reduce)
def _(
    ct: Any, out: Any, array: Any, axis: Any = 0, dtype: Any = None, into: Any = None, keepdims: Any = False,
    initial: Any = 0, where: Any = True,
) -> Any:  # fmt: skip
    array_bar = spread(restored(ct, axis, keepdims), array, where)
    return array_bar, None, None, None, None, np.sum(ct), None


@defjvp(np.add.reduce)
def _(
    tangents: Any, out: Any, array: Any, axis: Any = 0, dtype: Any = None, into: Any = None,
    keepdims: Any = False, initial: Any = 0, where: Any = True,
) -> Any:  # fmt: skip
    return sum_dot(tangents[0], tangents[5], out, axis, dtype, keepdims, where)


def sum_dot(
    a_dot: Any, initial_dot: Any, out: Any, axis: Any, dtype: Any, keepdims: Any, where: Any
) -> Any:
    """The tangent of a sum that starts from `initial`."""
    if a_dot is None:
        return np.full_like(out, initial_dot)
    if initial_dot is None:
        return np.sum(a_dot, axis, dtype, keepdims=keepdims, where=where)
    return np.sum(a_dot, axis, dtype, keepdims=keepdims, initial=initial_dot, where=where)


@defvjp(builtins.sum)
def _(ct: Any, out: Any, iterable: Any, start: Any = 0) -> Any:
    if isinstance(iterable, np.ndarray):
        row_bar = ct if np.ndim(start) == 0 else unbroadcast(ct, np.sum(iterable, axis=0))
        return np.broadcast_to(row_bar, iterable.shape), unbroadcast(ct, start)
    return [unbroadcast(ct, x) for x in iterable], unbroadcast(ct, start)


@defjvp(builtins.sum)
def _(tangents: Any, out: Any, iterable: Any, start: Any = 0) -> Any:
    if tangents[0] is None:
        return broadcast_like(tangents[1], out)
    if tangents[1] is None:
        return broadcast_like(sum(tangents[0]), out)
    return sum(tangents[0], tangents[1])


@deflinear(np.mean, np.ndarray.mean)
def _(
    ct: Any, out: Any, a: Any, axis: Any = None, dtype: Any = None, into: Any = None, keepdims: Any = False,
    *, where: Any = True,
) -> Any:  # fmt: skip
    if where is True:
        return spread(restored(ct / count(a, axis), axis, keepdims), a, where)
    return spread(restored(ct, axis, keepdims) / count_where(a, axis, out.dtype, where), a, where)


@deflinear(np.cumsum, np.ndarray.cumsum)
def _(ct: Any, out: Any, a: Any, axis: Any = None, dtype: Any = None, into: Any = None) -> Any:
    if np.ndim(a) == 1:
        return np.cumsum(ct[::-1])[::-1]
    if axis is None:
        return np.reshape(np.cumsum(ct[::-1])[::-1], np.shape(a))
    return suffix_sum(ct, axis)


@deflinear(np.cumulative_sum)
def _(
    ct: Any, out: Any, x: Any, *, axis: Any = None, dtype: Any = None, into: Any = None,
    include_initial: Any = False,
) -> Any:  # fmt: skip
    if np.ndim(x) == 1:
        return np.cumsum(ct[::-1])[::-1][1:] if include_initial else np.cumsum(ct[::-1])[::-1]
    return suffix_sum(without_first(ct, axis, include_initial), axis)


def without_first(x: Any, axis: Any, include_initial: Any) -> Any:
    """`x` without the row along `axis` that `include_initial` put before the others."""
    if not include_initial:
        return x
    if axis is None:
        return x[1:]
    return np.moveaxis(np.moveaxis(x, axis, 0)[1:], 0, axis)


def suffix_sum(x: Any, axis: Any) -> Any:
    """The sum of each element and all that follow it along `axis`."""
    return np.flip(np.cumsum(np.flip(x, axis), axis), axis)


# Products


@defvjp(np.prod, np.ndarray.prod)
def _(
    ct: Any, out: Any, a: Any, axis: Any = None, dtype: Any = None, into: Any = None, keepdims: Any = False,
    initial: Any = None, where: Any = True,
) -> Any:  # fmt: skip
    factors = a if where is True else np.where(where, a, 1)
    a_bar = restored(ct, axis, keepdims) * product_of_others(factors, axis)
    if initial is not None:
        a_bar = a_bar * initial
    if where is not True:
        a_bar = np.where(where, a_bar, 0.0)
    return a_bar, None, None, None, None, np.sum(ct * np.prod(factors, axis, keepdims=keepdims)), None


@defjvp(np.prod, np.ndarray.prod)
def _(
    tangents: Any, out: Any, a: Any, axis: Any = None, dtype: Any = None, into: Any = None,
    keepdims: Any = False, initial: Any = None, where: Any = True,
) -> Any:  # fmt: skip
    factors = a if where is True else np.where(where, a, 1)
    if tangents[0] is None:
        return tangents[5] * np.prod(factors, axis, keepdims=keepdims)
    a_dot = tangents[0] * product_of_others(factors, axis)
    out_dot = np.sum(a_dot, axis, keepdims=keepdims, where=where)
    if initial is not None:
        out_dot = out_dot * initial
    if tangents[5] is not None:
        out_dot = out_dot + tangents[5] * np.prod(factors, axis, keepdims=keepdims)
    return out_dot


def product_of_others(x: Any, axis: Any) -> Any:
    """For each element of `x`, the product of all others along `axis`.

    >>> product_of_others(np.array([2.0, 0.0, 3.0]), None)
    array([0., 6., 0.])
    """
    if isinstance(axis, tuple):
        last = tuple(range(-len(axis), 0))
        moved = np.moveaxis(x, axis, last)
        kept = moved.shape[: x.ndim - len(axis)]
        others = product_of_others_in_row(np.reshape(moved, (*kept, count(x, axis))))
        return np.moveaxis(np.reshape(others, moved.shape), last, axis)
    if np.ndim(x) == 1:
        return product_of_others_in_row(x)
    if axis is None:
        return np.reshape(product_of_others_in_row(np.ravel(x)), np.shape(x))
    return np.moveaxis(product_of_others_in_row(np.moveaxis(x, axis, -1)), -1, axis)


def product_of_others_in_row(x: Any) -> Any:
    """As `product_of_others`, along the last axis."""
    before = np.ones_like(x)
    before[..., 1:] = np.cumprod(x[..., :-1], axis=-1)
    after = np.ones_like(x)
    after[..., :-1] = np.cumprod(x[..., :0:-1], axis=-1)[..., ::-1]
    return before * after


@defvjp(np.cumprod, np.ndarray.cumprod)
def _(ct: Any, out: Any, a: Any, axis: Any = None, dtype: Any = None, into: Any = None) -> Any:
    if axis is None:
        return np.reshape(cumprod_bar(ct, out, np.ravel(a), 0), np.shape(a))
    return cumprod_bar(ct, out, a, axis)


@defjvp(np.cumprod, np.ndarray.cumprod)
def _(tangents: Any, out: Any, a: Any, axis: Any = None, dtype: Any = None, into: Any = None) -> Any:
    if axis is None:
        return cumprod_dot(np.ravel(tangents[0]), out, np.ravel(a), 0)
    return cumprod_dot(tangents[0], out, a, axis)


@defvjp(np.cumulative_prod)
def _(
    ct: Any, out: Any, x: Any, *, axis: Any = None, dtype: Any = None, into: Any = None,
    include_initial: Any = False,
) -> Any:  # fmt: skip
    along = 0 if axis is None else axis
    ct, products = without_first(ct, along, include_initial), without_first(out, along, include_initial)
    return cumprod_bar(ct, products, x, along)


@defjvp(np.cumulative_prod)
def _(
    tangents: Any, out: Any, x: Any, *, axis: Any = None, dtype: Any = None, into: Any = None,
    include_initial: Any = False,
) -> Any:  # fmt: skip
    along = 0 if axis is None else axis
    dot = cumprod_dot(tangents[0], without_first(out, along, include_initial), x, along)
    if not include_initial:
        return dot
    rows = np.moveaxis(dot, along, 0)
    return np.moveaxis(np.concatenate([np.zeros_like(rows[:1]), rows]), 0, along)


def cumprod_bar(ct: Any, out: Any, a: Any, axis: Any) -> Any:
    """The cotangent of `a` in `np.cumprod(a, axis)`: each element is divided out, unless one is 0."""
    if np.all(a):
        return suffix_sum(ct * out, axis) / a
    rows, rows_ct = np.moveaxis(a, axis, 0), np.moveaxis(ct, axis, 0)
    before = np.ones_like(rows)
    before[1:] = np.cumprod(rows[:-1], axis=0)
    after = rows_ct.copy()
    for i in range(len(rows) - 2, -1, -1):
        after[i] = rows_ct[i] + rows[i + 1] * after[i + 1]
    return np.moveaxis(before * after, 0, axis)


def cumprod_dot(a_dot: Any, out: Any, a: Any, axis: Any) -> Any:
    """The tangent of `np.cumprod(a, axis)`, as `cumprod_bar`."""
    if np.all(a):
        return out * np.cumsum(a_dot / a, axis)
    rows, rows_dot, products = np.moveaxis(a, axis, 0), np.moveaxis(a_dot, axis, 0), np.moveaxis(out, axis, 0)
    dot = rows_dot.copy()
    for i in range(1, len(rows)):
        dot[i] = dot[i - 1] * rows[i] + products[i - 1] * rows_dot[i]
    return np.moveaxis(dot, 0, axis)


# Extrema


@defvjp(np.max, np.amax, np.ndarray.max, np.min, np.amin, np.ndarray.min, np.nanmax, np.nanmin)
def _(
    ct: Any, out: Any, a: Any, axis: Any = None, into: Any = None, keepdims: Any = False, initial: Any = None,
    where: Any = True,
) -> Any:  # fmt: skip
    ct = restored(ct, axis, keepdims)
    out = restored(out, axis, keepdims)
    mask = holders(out, a, where)
    n = number_of_holders(mask, out, axis, initial)
    initial_bar = None if initial is None else np.sum(np.where(out == initial, ct / n, 0.0))
    return np.where(mask, ct / n, 0.0), None, None, None, initial_bar, None


@defjvp(np.max, np.amax, np.ndarray.max, np.min, np.amin, np.ndarray.min, np.nanmax, np.nanmin)
def _(
    tangents: Any, out: Any, a: Any, axis: Any = None, into: Any = None, keepdims: Any = False,
    initial: Any = None, where: Any = True,
) -> Any:  # fmt: skip
    extreme = restored(out, axis, keepdims)
    mask = holders(extreme, a, where)
    n = number_of_holders(mask, extreme, axis, initial)
    if tangents[0] is None:
        return np.reshape(np.where(extreme == initial, tangents[4] / n, 0.0), np.shape(out))
    out_dot = np.sum(np.where(mask, tangents[0] / n, 0.0), axis, keepdims=keepdims)
    if tangents[4] is not None:
        out_dot = out_dot + np.reshape(np.where(extreme == initial, tangents[4] / n, 0.0), np.shape(out))
    return out_dot


def holders(extreme: Any, a: Any, where: Any) -> Any:
    """The elements of `a` that are the maximum or minimum `extreme`."""
    if where is True:
        return a == extreme
    return (a == extreme) & where


def number_of_holders(mask: Any, extreme: Any, axis: Any, initial: Any) -> Any:
    """How many share the cotangent, counted in the dtype of `extreme`."""
    if axis is None:
        n = mask.sum(dtype=extreme.dtype)
    else:
        n = mask.sum(axis, dtype=extreme.dtype, keepdims=True)
    if initial is None:
        return n
    return n + (extreme == initial)


@defvjp(np.ptp)
def _(ct: Any, out: Any, a: Any, axis: Any = None, into: Any = None, keepdims: Any = False) -> Any:
    ct = restored(ct, axis, keepdims)
    highest = np.max(a, axis, keepdims=True)
    lowest = np.min(a, axis, keepdims=True)
    return shared(ct, highest, a, axis) - shared(ct, lowest, a, axis)


def shared(ct: Any, extreme: Any, a: Any, axis: Any) -> Any:
    """`ct` shared equally among the elements of `a` that are `extreme`."""
    mask = a == extreme
    return np.where(mask, ct / number_of_holders(mask, extreme, axis, None), 0.0)


@defjvp(np.ptp)
def _(tangents: Any, out: Any, a: Any, axis: Any = None, into: Any = None, keepdims: Any = False) -> Any:
    a_dot = tangents[0]
    highest = np.max(a, axis, keepdims=True)
    lowest = np.min(a, axis, keepdims=True)
    return np.sum(shared(a_dot, highest, a, axis) - shared(a_dot, lowest, a, axis), axis, keepdims=keepdims)


# Moments


@defvjp(np.var)
def _(
    ct: Any, out: Any, a: Any, axis: Any = None, dtype: Any = None, into: Any = None, ddof: Any = 0,
    keepdims: Any = False, *, where: Any = True, mean: Any = None, correction: Any = None,
) -> Any:  # fmt: skip
    n = degrees_of_freedom(out, a, axis, ddof if correction is None else correction, where)
    a_bar = 2 * restored(ct, axis, keepdims) / n * centred(a, axis, where, mean)
    if mean is None:
        return a_bar
    return a_bar, None, None, None, None, None, None, unbroadcast(-a_bar, mean)


@defvjp(np.ndarray.var)
def _(
    ct: Any, out: Any, a: Any, axis: Any = None, dtype: Any = None, into: Any = None, ddof: Any = 0,
    keepdims: Any = False, *, where: Any = True, mean: Any = None,
) -> Any:  # fmt: skip
    n = degrees_of_freedom(out, a, axis, ddof, where)
    a_bar = 2 * restored(ct, axis, keepdims) / n * centred(a, axis, where, mean)
    if mean is None:
        return a_bar
    return a_bar, None, None, None, None, None, None, unbroadcast(-a_bar, mean)


@defjvp(np.var)
def _(
    tangents: Any, out: Any, a: Any, axis: Any = None, dtype: Any = None, into: Any = None, ddof: Any = 0,
    keepdims: Any = False, *, where: Any = True, mean: Any = None, correction: Any = None,
) -> Any:  # fmt: skip
    freedom = ddof if correction is None else correction
    mean_dot = None if mean is None else tangents[7]
    return 2 * half_var_dot(tangents[0], mean_dot, out, a, axis, freedom, keepdims, where, mean)


@defjvp(np.ndarray.var)
def _(
    tangents: Any, out: Any, a: Any, axis: Any = None, dtype: Any = None, into: Any = None, ddof: Any = 0,
    keepdims: Any = False, *, where: Any = True, mean: Any = None,
) -> Any:  # fmt: skip
    mean_dot = None if mean is None else tangents[7]
    return 2 * half_var_dot(tangents[0], mean_dot, out, a, axis, ddof, keepdims, where, mean)


@defvjp(np.std)
def _(
    ct: Any, out: Any, a: Any, axis: Any = None, dtype: Any = None, into: Any = None, ddof: Any = 0,
    keepdims: Any = False, *, where: Any = True, mean: Any = None, correction: Any = None,
) -> Any:  # fmt: skip
    n = degrees_of_freedom(out, a, axis, ddof if correction is None else correction, where)
    a_bar = restored(ct / nonzero(out), axis, keepdims) / n * centred(a, axis, where, mean)
    if mean is None:
        return a_bar
    return a_bar, None, None, None, None, None, None, unbroadcast(-a_bar, mean)


@defvjp(np.ndarray.std)
def _(
    ct: Any, out: Any, a: Any, axis: Any = None, dtype: Any = None, into: Any = None, ddof: Any = 0,
    keepdims: Any = False, *, where: Any = True, mean: Any = None,
) -> Any:  # fmt: skip
    n = degrees_of_freedom(out, a, axis, ddof, where)
    a_bar = restored(ct / nonzero(out), axis, keepdims) / n * centred(a, axis, where, mean)
    if mean is None:
        return a_bar
    return a_bar, None, None, None, None, None, None, unbroadcast(-a_bar, mean)


@defjvp(np.std)
def _(
    tangents: Any, out: Any, a: Any, axis: Any = None, dtype: Any = None, into: Any = None, ddof: Any = 0,
    keepdims: Any = False, *, where: Any = True, mean: Any = None, correction: Any = None,
) -> Any:  # fmt: skip
    freedom = ddof if correction is None else correction
    mean_dot = None if mean is None else tangents[7]
    dot = half_var_dot(tangents[0], mean_dot, out, a, axis, freedom, keepdims, where, mean)
    return dot / nonzero(out)


@defjvp(np.ndarray.std)
def _(
    tangents: Any, out: Any, a: Any, axis: Any = None, dtype: Any = None, into: Any = None, ddof: Any = 0,
    keepdims: Any = False, *, where: Any = True, mean: Any = None,
) -> Any:  # fmt: skip
    mean_dot = None if mean is None else tangents[7]
    dot = half_var_dot(tangents[0], mean_dot, out, a, axis, ddof, keepdims, where, mean)
    return dot / nonzero(out)


def half_var_dot(
    a_dot: Any, mean_dot: Any, out: Any, a: Any, axis: Any, ddof: Any, keepdims: Any, where: Any, mean: Any
) -> Any:
    """Half the tangent of a variance."""
    if mean_dot is not None:
        a_dot = -mean_dot if a_dot is None else a_dot - mean_dot
    partial = centred(a, axis, where, mean) / degrees_of_freedom(out, a, axis, ddof, where)
    return np.sum(np.real(partial * a_dot), axis, keepdims=keepdims)


def nonzero(x: Any) -> Any:
    """`x`, and 1 where it is 0: a denominator under a numerator that is 0 there too."""
    return np.where(x == 0, 1.0, x)


def degrees_of_freedom(out: Any, a: Any, axis: Any, ddof: Any, where: Any) -> Any:
    """What the sum of squares was divided by."""
    if where is True:
        return count(a, axis) - ddof
    return count_where(a, axis, out.dtype, where) - ddof


def centred(a: Any, axis: Any, where: Any, mean: Any) -> Any:
    """The (conjugate) distance of each element from the mean, 0 where it was left out."""
    distance = a - (np.mean(a, axis, keepdims=True, where=where) if mean is None else mean)
    if np.iscomplexobj(a):
        distance = np.conj(distance)
    if where is True:
        return distance
    return np.where(where, distance, 0.0)
