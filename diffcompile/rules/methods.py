"""Derivatives of the methods of binary ufuncs: `reduce`, `accumulate`, `outer`, `reduceat`.

    y = np.subtract.outer(a, b)       a_bar = y_bar.sum(axis=1),  b_bar = -y_bar.sum(axis=0)
    y = np.maximum.accumulate(x)      x_bar: each y_bar goes to the first element that holds the maximum

`outer` has a rule for every ufunc whose own rule gives its partial derivatives. `reduce` and `accumulate` of
sums, products and extrema have the rules of `np.sum`, `np.prod`, `np.max`, `np.cumsum` and `np.cumprod`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .arithmetic import ratio
from .broadcast import unbroadcast
from .reduce import (
    cumprod_bar,
    cumprod_dot,
    holders,
    number_of_holders,
    product_of_others,
    restored,
    spread,
    suffix_sum,
)
from .register import REGISTRY, defjvp, deflinear, defvjp

# Outer: the first operand gets the axes of the second one, of length 1


def widened(A: Any, B: Any) -> Any:
    """`A` with axes of length 1 in the place of those of `B`."""
    if np.ndim(A) == 1 and np.ndim(B) == 1:
        return A[:, None]
    return np.reshape(A, np.shape(A) + (1,) * np.ndim(B))


def declare_outer(ufunc: np.ufunc) -> None:
    """Declare the derivatives of `ufunc.outer` from the partial derivatives of `ufunc`."""
    partials = REGISTRY.reverse[ufunc].rule

    @defvjp(ufunc.outer)
    def _(ct: Any, out: Any, A: Any, B: Any) -> Any:
        wide = widened(A, B)
        x, y = partials(out, wide, B)
        return np.reshape(unbroadcast(ct * x, wide), np.shape(A)), unbroadcast(ct * y, B)

    @defjvp(ufunc.outer)
    def _(tangents: Any, out: Any, A: Any, B: Any) -> Any:
        wide = widened(A, B)
        x, y = partials(out, wide, B)
        if tangents[0] is None:
            return np.broadcast_to(y * tangents[1], np.shape(out))
        out_dot = np.broadcast_to(x * widened(tangents[0], B), np.shape(out))
        return out_dot if tangents[1] is None else out_dot + y * tangents[1]


for _ufunc in (
    np.add, np.subtract, np.multiply, np.divide, np.power, np.float_power, np.hypot, np.arctan2, np.remainder,
    np.fmod, np.logaddexp, np.logaddexp2,
):  # fmt: skip
    declare_outer(_ufunc)


@defvjp(np.maximum.outer, np.fmax.outer, np.minimum.outer, np.fmin.outer)
def _(ct: Any, out: Any, A: Any, B: Any) -> Any:
    wide = widened(A, B)
    share = np.where(wide == B, 0.5 * ct, ct)
    A_bar = unbroadcast(np.where(wide == out, share, 0.0), wide)
    return np.reshape(A_bar, np.shape(A)), unbroadcast(np.where(out == B, share, 0.0), B)


@defjvp(np.maximum.outer, np.fmax.outer, np.minimum.outer, np.fmin.outer)
def _(tangents: Any, out: Any, A: Any, B: Any) -> Any:
    wide = widened(A, B)
    A_dot = widened(np.zeros_like(A) if tangents[0] is None else tangents[0], B)
    B_dot = np.zeros_like(B) if tangents[1] is None else tangents[1]
    return np.where(wide == B, 0.5 * (A_dot + B_dot), np.where(wide == out, A_dot, B_dot))


# Reduce


def stacked(array: Any) -> Any:
    """The operand as an array, if it is a list of rows."""
    return np.stack(array) if isinstance(array, (list, tuple)) else array


def unstacked(array_bar: Any, array: Any) -> Any:
    """The cotangent of what `stacked` made an array of."""
    if isinstance(array, (list, tuple)):
        return [array_bar[i] for i in range(len(array))]
    return array_bar


@defvjp(np.multiply.reduce)
def _(
    ct: Any, out: Any, array: Any, axis: Any = 0, dtype: Any = None, into: Any = None, keepdims: Any = False,
    initial: Any = None, where: Any = True,
) -> Any:  # fmt: skip
    a = stacked(array)
    factors = a if where is True else np.where(where, a, 1)
    a_bar = restored(ct, axis, keepdims) * product_of_others(factors, axis)
    if initial is not None:
        a_bar = a_bar * initial
    if where is not True:
        a_bar = np.where(where, a_bar, 0.0)
    initial_bar = np.sum(ct * np.prod(factors, axis, keepdims=keepdims))
    return unstacked(a_bar, array), None, None, None, None, initial_bar, None


@defjvp(np.multiply.reduce)
def _(
    tangents: Any, out: Any, array: Any, axis: Any = 0, dtype: Any = None, into: Any = None,
    keepdims: Any = False, initial: Any = None, where: Any = True,
) -> Any:  # fmt: skip
    a = stacked(array)
    factors = a if where is True else np.where(where, a, 1)
    if tangents[0] is None:
        return tangents[5] * np.prod(factors, axis, keepdims=keepdims)
    a_dot = stacked(tangents[0]) * product_of_others(factors, axis)
    out_dot = np.sum(a_dot, axis, keepdims=keepdims, where=where)
    if initial is not None:
        out_dot = out_dot * initial
    if tangents[5] is not None:
        out_dot = out_dot + tangents[5] * np.prod(factors, axis, keepdims=keepdims)
    return out_dot


@defvjp(np.maximum.reduce, np.minimum.reduce, np.fmax.reduce, np.fmin.reduce)
def _(
    ct: Any, out: Any, array: Any, axis: Any = 0, dtype: Any = None, into: Any = None, keepdims: Any = False,
    initial: Any = None, where: Any = True,
) -> Any:  # fmt: skip
    ct = restored(ct, axis, keepdims)
    extreme = restored(out, axis, keepdims)
    mask = holders(extreme, stacked(array), where)
    n = number_of_holders(mask, extreme, axis, initial)
    initial_bar = None if initial is None else np.sum(np.where(extreme == initial, ct / n, 0.0))
    return unstacked(np.where(mask, ct / n, 0.0), array), None, None, None, None, initial_bar, None


@defjvp(np.maximum.reduce, np.minimum.reduce, np.fmax.reduce, np.fmin.reduce)
def _(
    tangents: Any, out: Any, array: Any, axis: Any = 0, dtype: Any = None, into: Any = None,
    keepdims: Any = False, initial: Any = None, where: Any = True,
) -> Any:  # fmt: skip
    extreme = restored(out, axis, keepdims)
    mask = holders(extreme, stacked(array), where)
    n = number_of_holders(mask, extreme, axis, initial)
    out_dot = np.zeros_like(out)
    if tangents[0] is not None:
        out_dot = np.sum(np.where(mask, stacked(tangents[0]) / n, 0.0), axis, keepdims=keepdims)
    if tangents[5] is not None:
        out_dot = out_dot + np.reshape(np.where(extreme == initial, tangents[5] / n, 0.0), np.shape(out))
    return out_dot


@defvjp(np.logaddexp.reduce)
def _(
    ct: Any, out: Any, array: Any, axis: Any = 0, dtype: Any = None, into: Any = None, keepdims: Any = False,
    initial: Any = None, where: Any = True,
) -> Any:  # fmt: skip
    total = restored(np.where(out == -np.inf, 0, out), axis, keepdims)
    array_bar = spread(restored(ct, axis, keepdims), array, where) * np.exp(array - total)
    if initial is None:
        return array_bar
    share = np.exp(initial - np.where(out == -np.inf, 0, out))
    return array_bar, None, None, None, None, np.sum(ct * share), None


@defjvp(np.logaddexp.reduce)
def _(
    tangents: Any, out: Any, array: Any, axis: Any = 0, dtype: Any = None, into: Any = None,
    keepdims: Any = False, initial: Any = None, where: Any = True,
) -> Any:  # fmt: skip
    total = np.where(out == -np.inf, 0, out)
    out_dot = np.zeros_like(out)
    if tangents[0] is not None:
        rate = tangents[0] * np.exp(array - restored(total, axis, keepdims))
        out_dot = np.sum(rate, axis, keepdims=keepdims, where=where)
    return out_dot if tangents[5] is None else out_dot + tangents[5] * np.exp(initial - total)


def signs(array: Any, axis: Any) -> Any:
    """1 for the first element along `axis`, from which the others are subtracted; -1 for those."""
    negative = np.full_like(array, -1)
    negative[(slice(None),) * (axis % array.ndim) + (0,)] = 1
    return negative


@deflinear(np.subtract.reduce)
def _(
    ct: Any, out: Any, array: Any, axis: Any = 0, dtype: Any = None, into: Any = None, keepdims: Any = False
) -> Any:
    return signs(array, axis) * restored(ct, axis, keepdims)


@defvjp(np.logaddexp2.reduce)
def _(
    ct: Any, out: Any, array: Any, axis: Any = 0, dtype: Any = None, into: Any = None, keepdims: Any = False
) -> Any:
    total = restored(np.where(out == -np.inf, 0, out), axis, keepdims)
    return restored(ct, axis, keepdims) * np.exp2(array - total)


@defjvp(np.logaddexp2.reduce)
def _(
    tangents: Any, out: Any, array: Any, axis: Any = 0, dtype: Any = None, into: Any = None,
    keepdims: Any = False,
) -> Any:  # fmt: skip
    total = restored(np.where(out == -np.inf, 0, out), axis, keepdims)
    return np.sum(tangents[0] * np.exp2(array - total), axis, keepdims=keepdims)


@defvjp(np.divide.reduce, singular=True)
def _(
    ct: Any, out: Any, array: Any, axis: Any = 0, dtype: Any = None, into: Any = None, keepdims: Any = False
) -> Any:
    share = restored(ct * out, axis, keepdims)
    return signs(array, axis) * share / array


@defjvp(np.divide.reduce)
def _(
    tangents: Any, out: Any, array: Any, axis: Any = 0, dtype: Any = None, into: Any = None,
    keepdims: Any = False,
) -> Any:  # fmt: skip
    return out * np.sum(signs(array, axis) * tangents[0] / array, axis, keepdims=keepdims)


@defvjp(np.hypot.reduce)
def _(
    ct: Any, out: Any, array: Any, axis: Any = 0, dtype: Any = None, into: Any = None, keepdims: Any = False
) -> Any:
    return restored(ct, axis, keepdims) * ratio(array, restored(out, axis, keepdims))


@defjvp(np.hypot.reduce)
def _(
    tangents: Any, out: Any, array: Any, axis: Any = 0, dtype: Any = None, into: Any = None,
    keepdims: Any = False,
) -> Any:  # fmt: skip
    rate = tangents[0] * ratio(array, restored(out, axis, keepdims))
    return np.sum(rate, axis, keepdims=keepdims)


# Accumulate


@deflinear(np.add.accumulate)
def _(ct: Any, out: Any, array: Any, axis: Any = 0, dtype: Any = None, into: Any = None) -> Any:
    return suffix_sum(ct, axis)


@defvjp(np.multiply.accumulate)
def _(ct: Any, out: Any, array: Any, axis: Any = 0, dtype: Any = None, into: Any = None) -> Any:
    return cumprod_bar(ct, out, array, axis)


@defjvp(np.multiply.accumulate)
def _(tangents: Any, out: Any, array: Any, axis: Any = 0, dtype: Any = None, into: Any = None) -> Any:
    return cumprod_dot(tangents[0], out, array, axis)


@deflinear(np.subtract.accumulate)
def _(ct: Any, out: Any, array: Any, axis: Any = 0, dtype: Any = None, into: Any = None) -> Any:
    return signs(array, axis) * suffix_sum(ct, axis)


def first_holder(out: Any, array: Any, axis: Any) -> Any:
    """Where along `axis` the element stands that `out` has been since, at every place."""
    n = array.shape[axis]
    place = np.reshape(np.arange(n), [n if i == axis % array.ndim else 1 for i in range(array.ndim)])
    # A change of `out` is a new holder; until the next one, it stays.
    since = np.concatenate([np.ones_like(np.take(out, [0], axis), bool), np.diff(out, axis=axis) != 0], axis)
    return np.maximum.accumulate(np.where(since, place, 0), axis)


@defvjp(np.maximum.accumulate, np.minimum.accumulate)
def _(ct: Any, out: Any, array: Any, axis: Any = 0, dtype: Any = None, into: Any = None) -> Any:
    if array.ndim == 1:
        array_bar = np.zeros_like(array)
        np.add.at(array_bar, first_holder(out, array, 0), ct)
        return array_bar
    holder = np.moveaxis(first_holder(out, array, axis), axis, 0)
    rows_bar = np.zeros_like(np.moveaxis(array, axis, 0))
    grid = np.indices(holder.shape, sparse=True)
    np.add.at(rows_bar, (holder,) + grid[1:], np.moveaxis(ct, axis, 0))
    return np.moveaxis(rows_bar, 0, axis)


@defjvp(np.maximum.accumulate, np.minimum.accumulate)
def _(tangents: Any, out: Any, array: Any, axis: Any = 0, dtype: Any = None, into: Any = None) -> Any:
    return np.take_along_axis(tangents[0], first_holder(out, array, axis), axis)


def weights_of_prefixes(row: Any, total: Any) -> Any:
    """`exp(row[i] - total[k])` for i up to k, else 0, along the first axis: (k, i, ...)."""
    weights = np.exp(row[None] - total[:, None])
    n = len(row)
    mask = np.reshape(np.tri(n, dtype=bool), (n, n) + (1,) * (row.ndim - 1))
    return np.where(mask, weights, 0.0)


@defvjp(np.logaddexp.accumulate)
def _(ct: Any, out: Any, array: Any, axis: Any = 0, dtype: Any = None, into: Any = None) -> Any:
    row, total = np.moveaxis(array, axis, 0), np.moveaxis(np.where(out == -np.inf, 0, out), axis, 0)
    weights = weights_of_prefixes(row, total)
    return np.moveaxis(np.sum(np.moveaxis(ct, axis, 0)[:, None] * weights, axis=0), 0, axis)


@defjvp(np.logaddexp.accumulate)
def _(tangents: Any, out: Any, array: Any, axis: Any = 0, dtype: Any = None, into: Any = None) -> Any:
    row, total = np.moveaxis(array, axis, 0), np.moveaxis(np.where(out == -np.inf, 0, out), axis, 0)
    weights = weights_of_prefixes(row, total)
    return np.moveaxis(np.sum(np.moveaxis(tangents[0], axis, 0)[None] * weights, axis=1), 0, axis)


# Reduceat: segment i runs from indices[i] up to the next index, or is one element where that is not later


def segments(indices: Any, n: Any) -> Any:
    """The first element of each segment and the first after it.

    >>> segments(np.array([0, 3, 1]), 6)
    (array([0, 3, 1]), array([3, 4, 6]))
    """
    start = np.asarray(indices)
    stop = np.append(start[1:], n)
    return start, np.where(stop > start, stop, start + 1)


def members(indices: Any, n: Any) -> Any:
    """Whether element i of `n` is in segment k: (k, i)."""
    start, stop = segments(indices, n)
    place = np.arange(n)
    return (place >= start[:, None]) & (place < stop[:, None])


@deflinear(np.add.reduceat)
def _(ct: Any, out: Any, array: Any, indices: Any, axis: Any = 0, dtype: Any = None, into: Any = None) -> Any:
    rows_ct = np.moveaxis(ct, axis, -1)
    return np.moveaxis(rows_ct @ members(indices, array.shape[axis]).astype(array.dtype), -1, axis)


def split_up(array: Any, indices: Any, axis: Any, fill: Any) -> Any:
    """The segments one below the other, (..., k, i), with `fill` for the elements of the others."""
    rows = np.moveaxis(array, axis, -1)[..., None, :]
    return np.where(members(indices, array.shape[axis]), rows, fill)


@defvjp(np.multiply.reduceat)
def _(ct: Any, out: Any, array: Any, indices: Any, axis: Any = 0, dtype: Any = None, into: Any = None) -> Any:
    others = product_of_others(split_up(array, indices, axis, 1.0), -1)
    kept = np.where(members(indices, array.shape[axis]), others, 0.0)
    return np.moveaxis(np.sum(np.moveaxis(ct, axis, -1)[..., None] * kept, axis=-2), -1, axis)


@defjvp(np.multiply.reduceat)
def _(
    tangents: Any, out: Any, array: Any, indices: Any, axis: Any = 0, dtype: Any = None, into: Any = None
) -> Any:
    others = product_of_others(split_up(array, indices, axis, 1.0), -1)
    kept = np.where(members(indices, array.shape[axis]), others, 0.0)
    return np.moveaxis(np.sum(np.moveaxis(tangents[0], axis, -1)[..., None, :] * kept, axis=-1), -1, axis)


def shares_of_extremum(out: Any, array: Any, indices: Any, axis: Any) -> Any:
    """What share of each segment's extremum an element holds, (..., k, i)."""
    extreme = np.moveaxis(out, axis, -1)[..., None]
    rows = np.moveaxis(array, axis, -1)[..., None, :]
    mask = (rows == extreme) & members(indices, array.shape[axis])
    return mask / np.maximum(np.sum(mask, axis=-1, keepdims=True, dtype=array.dtype), 1)


@defvjp(np.maximum.reduceat, np.minimum.reduceat)
def _(ct: Any, out: Any, array: Any, indices: Any, axis: Any = 0, dtype: Any = None, into: Any = None) -> Any:
    share = shares_of_extremum(out, array, indices, axis)
    return np.moveaxis(np.sum(np.moveaxis(ct, axis, -1)[..., None] * share, axis=-2), -1, axis)


@defjvp(np.maximum.reduceat, np.minimum.reduceat)
def _(
    tangents: Any, out: Any, array: Any, indices: Any, axis: Any = 0, dtype: Any = None, into: Any = None
) -> Any:
    share = shares_of_extremum(out, array, indices, axis)
    return np.moveaxis(np.sum(np.moveaxis(tangents[0], axis, -1)[..., None, :] * share, axis=-1), -1, axis)
