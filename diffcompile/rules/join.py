"""Derivatives of joining, cutting and choosing: what was put together comes apart again.

    y = np.append(a, b)               a_bar, b_bar = y_bar[:a.size], y_bar[a.size:]
    y = np.delete(x, i)               x_bar = np.zeros_like(x), y_bar where an element was kept
    X, Y = np.meshgrid(x, y)          x_bar = X_bar.sum(axis=0),  y_bar = Y_bar.sum(axis=1)

Functions with several results have a cotangent for each, None where nothing flowed back.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .broadcast import unbroadcast
from .register import defjvp, deflinear, defvjp, nondifferentiable
from .shape import cut, gathered, gathered_along, in_range, like, whole

nondifferentiable(
    np.ix_, np.indices, np.diag_indices, np.diag_indices_from, np.tril_indices, np.tril_indices_from,
    np.triu_indices, np.triu_indices_from, np.mask_indices, np.unravel_index, np.ravel_multi_index,
    np.broadcast_shapes, np.isdtype, np.issubdtype, np.can_cast, np.promote_types, np.common_type,
    np.min_scalar_type, np.bartlett, np.blackman, np.hamming, np.hanning, np.kaiser,
)  # fmt: skip


# Several results


@deflinear(np.unstack)
def _(ct: Any, out: Any, x: Any, *, axis: Any = 0) -> Any:
    return np.stack(whole(ct, out), axis)


@defvjp(np.broadcast_arrays)
def _(ct: Any, out: Any, *args: Any, subok: Any = False) -> Any:
    return tuple([0.0 if ct[i] is None else unbroadcast(ct[i], args[i]) for i in range(len(args))])


@defjvp(np.broadcast_arrays)
def _(tangents: Any, out: Any, *args: Any, subok: Any = False) -> Any:
    dots = [0.0 if tangents[i] is None else tangents[i] for i in range(len(args))]
    return tuple([np.broadcast_to(dots[i], out[i].shape) for i in range(len(args))])


def grid_axis(i: Any, indexing: Any) -> Any:
    """The axis of the grid along which coordinate `i` changes."""
    return 1 - i if indexing == "xy" and i < 2 else i


def coordinate_bar(ct: Any, x: Any, axis: Any, ndim: Any) -> Any:
    """The cotangent of a coordinate, from that of its grid: the sum over the other axes."""
    others = tuple([k for k in range(ndim) if k != axis])
    return np.reshape(np.sum(ct, axis=others), np.shape(x))


@defvjp(np.meshgrid)
def _(ct: Any, out: Any, *xi: Any, copy: Any = True, sparse: Any = False, indexing: Any = "xy") -> Any:
    n = len(xi)
    if n == 1:
        return 0.0 if ct[0] is None else np.reshape(ct[0], np.shape(xi[0]))
    return tuple([
        0.0 if ct[i] is None else coordinate_bar(ct[i], xi[i], grid_axis(i, indexing), n) for i in range(n)
    ])


@defjvp(np.meshgrid)
def _(tangents: Any, out: Any, *xi: Any, copy: Any = True, sparse: Any = False, indexing: Any = "xy") -> Any:
    dots = [np.zeros_like(xi[i]) if tangents[i] is None else tangents[i] for i in range(len(xi))]
    return np.meshgrid(*dots, sparse=sparse, indexing=indexing)


# One after the other


@defvjp(np.append)
def _(ct: Any, out: Any, arr: Any, values: Any, axis: Any = None) -> Any:
    if axis is None:
        n = np.size(arr)
        return np.reshape(ct[:n], np.shape(arr)), np.reshape(ct[n:], np.shape(values))
    arr_bar, values_bar = cut(ct, [arr.shape[axis], values.shape[axis]], axis)
    return arr_bar, values_bar


@defjvp(np.append)
def _(tangents: Any, out: Any, arr: Any, values: Any, axis: Any = None) -> Any:
    arr_dot = np.zeros_like(arr) if tangents[0] is None else tangents[0]
    return np.append(arr_dot, np.zeros_like(values) if tangents[1] is None else tangents[1], axis)


def nesting(arrays: Any) -> Any:
    """How deep the lists of a block are nested."""
    return 1 + nesting(arrays[0]) if isinstance(arrays, list) else 0


def rank_of_block(arrays: Any) -> Any:
    """The largest rank among the arrays of a block."""
    if isinstance(arrays, list):
        return max([rank_of_block(x) for x in arrays])
    return np.ndim(arrays)


def block_bars(ct: Any, arrays: Any, ndim: Any) -> Any:
    """The cotangents of the arrays of a block, nested as they are, from that of the block."""
    if not isinstance(arrays, list):
        return np.reshape(ct, np.shape(arrays))
    axis = ndim - nesting(arrays)
    lengths = [block_length(x, axis, ndim) for x in arrays]
    parts = cut(ct, lengths, axis)
    return [block_bars(parts[i], arrays[i], ndim) for i in range(len(arrays))]


def block_length(arrays: Any, axis: Any, ndim: Any) -> Any:
    """The length along `axis` of a block whose rank is made `ndim`."""
    if isinstance(arrays, list):
        lengths = [block_length(x, axis, ndim) for x in arrays]
        return sum(lengths) if ndim - nesting(arrays) == axis else lengths[0]
    lead = ndim - np.ndim(arrays)
    return np.shape(arrays)[axis - lead] if axis >= lead else 1


@deflinear(np.block)
def _(ct: Any, out: Any, arrays: Any) -> Any:
    ndim = max(rank_of_block(arrays), nesting(arrays))
    return block_bars(ct, arrays, ndim)


# In between, and left out


def kept_places(n: Any, obj: Any) -> Any:
    """The positions of `n` that `np.delete(..., obj)` keeps."""
    return np.delete(np.arange(n), obj)


@deflinear(np.delete)
def _(ct: Any, out: Any, arr: Any, obj: Any, axis: Any = None) -> Any:
    if axis is None:
        return gathered(ct, kept_places(np.size(arr), obj), arr)
    axis = axis if axis >= 0 else axis + arr.ndim
    return gathered_along(ct, kept_places(arr.shape[axis], obj), arr, axis)


def inserted_places(n: Any, obj: Any, m: Any) -> Any:
    """Where the `n` elements and the inserted ones stand: -1 - i for the i-th of the inserted ones."""
    if isinstance(obj, slice) or np.ndim(obj) > 0:
        return np.insert(np.arange(n), obj, -1 - np.arange(m))
    return np.insert(np.arange(n), np.full(m, obj), -1 - np.arange(m))


@defvjp(np.insert)
def _(ct: Any, out: Any, arr: Any, obj: Any, values: Any, axis: Any = None) -> Any:
    rows_ct = ct if axis is None else np.moveaxis(ct, axis, 0)
    n = np.size(arr) if axis is None else arr.shape[axis]
    place = inserted_places(n, obj, len(rows_ct) - n)
    arr_bar, inserted_bar = rows_ct[place >= 0], rows_ct[place < 0][np.argsort(-place[place < 0])]
    if axis is None:
        return np.reshape(arr_bar, np.shape(arr)), None, unbroadcast(inserted_bar, values)
    if np.ndim(obj) == 0 and not isinstance(obj, slice) and np.ndim(values) < arr.ndim:
        inserted_bar = np.sum(inserted_bar, axis=0)
    else:
        inserted_bar = np.moveaxis(inserted_bar, 0, axis)
    return np.moveaxis(arr_bar, 0, axis), None, unbroadcast(inserted_bar, values)


@defjvp(np.insert)
def _(tangents: Any, out: Any, arr: Any, obj: Any, values: Any, axis: Any = None) -> Any:
    arr_dot = np.zeros_like(arr) if tangents[0] is None else tangents[0]
    return np.insert(arr_dot, obj, np.zeros_like(values) if tangents[2] is None else tangents[2], axis)


@deflinear(np.resize)
def _(ct: Any, out: Any, a: Any, new_shape: Any) -> Any:
    return gathered(np.ravel(ct), np.arange(np.size(out)) % np.size(a), a)


def leading_zeros(filt: Any, trim: Any) -> Any:
    """How many zeros are cut off at the front of a row."""
    if np.ndim(filt) > 1:
        raise NotImplementedError("of an array of more than one axis")
    kept = np.flatnonzero(filt)
    return kept[0] if "f" in trim.lower() and len(kept) else 0


@defvjp(np.trim_zeros)
def _(ct: Any, out: Any, filt: Any, trim: Any = "fb", axis: Any = None) -> Any:
    start = leading_zeros(filt, trim)
    return np.pad(ct, (start, len(filt) - start - len(ct)))


@defjvp(np.trim_zeros)
def _(tangents: Any, out: Any, filt: Any, trim: Any = "fb", axis: Any = None) -> Any:
    start = leading_zeros(filt, trim)
    return tangents[0][start : start + len(out)]


@defvjp(np.extract)
def _(ct: Any, out: Any, condition: Any, arr: Any) -> Any:
    return None, gathered(ct, np.flatnonzero(condition), arr)


@defjvp(np.extract)
def _(tangents: Any, out: Any, condition: Any, arr: Any) -> Any:
    return np.extract(condition, tangents[1])


@defvjp(np.compress)
def _(ct: Any, out: Any, condition: Any, a: Any, axis: Any = None, into: Any = None) -> Any:
    if axis is None:
        return None, gathered(ct, np.flatnonzero(condition), a)
    axis = axis if axis >= 0 else axis + a.ndim
    return None, gathered_along(ct, np.flatnonzero(condition), a, axis)


@defjvp(np.compress)
def _(tangents: Any, out: Any, condition: Any, a: Any, axis: Any = None, into: Any = None) -> Any:
    return np.compress(condition, tangents[1], axis)


@deflinear(np.ndarray.compress)
def _(ct: Any, out: Any, a: Any, condition: Any, axis: Any = None, into: Any = None) -> Any:
    if axis is None:
        return gathered(ct, np.flatnonzero(condition), a)
    axis = axis if axis >= 0 else axis + a.ndim
    return gathered_along(ct, np.flatnonzero(condition), a, axis)


# One of several


@defvjp(np.choose)
def _(ct: Any, out: Any, a: Any, choices: Any, into: Any = None, mode: Any = "raise") -> Any:
    place = np.asarray(in_range(a, len(choices), mode))
    bars = [unbroadcast(np.where(place == i, ct, 0.0), choices[i]) for i in range(len(choices))]
    return None, like(bars, choices)


@defjvp(np.choose)
def _(tangents: Any, out: Any, a: Any, choices: Any, into: Any = None, mode: Any = "raise") -> Any:
    return np.choose(a, tangents[1], mode=mode)


@defvjp(np.ndarray.choose)
def _(ct: Any, out: Any, a: Any, choices: Any, into: Any = None, mode: Any = "raise") -> Any:
    place = np.asarray(in_range(a, len(choices), mode))
    bars = [unbroadcast(np.where(place == i, ct, 0.0), choices[i]) for i in range(len(choices))]
    return None, like(bars, choices)


@defjvp(np.ndarray.choose)
def _(tangents: Any, out: Any, a: Any, choices: Any, into: Any = None, mode: Any = "raise") -> Any:
    return np.choose(a, tangents[1], mode=mode)


@defvjp(np.select)
def _(ct: Any, out: Any, condlist: Any, choicelist: Any, default: Any = 0) -> Any:
    bars = []
    rest = ct
    for i in range(len(choicelist)):
        bars.append(unbroadcast(np.where(condlist[i], rest, 0.0), choicelist[i]))
        rest = np.where(condlist[i], 0.0, rest)
    return None, like(bars, choicelist), unbroadcast(rest, default)


@defjvp(np.select)
def _(tangents: Any, out: Any, condlist: Any, choicelist: Any, default: Any = 0) -> Any:
    out_dot = 0.0 if tangents[2] is None else tangents[2]
    for i in range(len(choicelist) - 1, -1, -1):
        dot = 0.0 if tangents[1] is None or tangents[1][i] is None else tangents[1][i]
        out_dot = np.where(condlist[i], dot, out_dot)
    return np.broadcast_to(out_dot, np.shape(out))


# `np.r_` and `np.c_` are indexed with what they join


def length(part: Any) -> Any:
    """How long a part of an index of `np.r_` is."""
    if isinstance(part, str):
        raise NotImplementedError("a string says how it joins")
    if isinstance(part, slice):
        return len(np.r_[part])
    return np.shape(part)[0] if np.ndim(part) > 0 else 1


@defvjp(np.r_.__getitem__)
def _(ct: Any, out: Any, key: Any) -> Any:
    parts = key if isinstance(key, tuple) else (key,)
    pieces = cut(ct, [length(part) for part in parts], 0)
    bars = [as_piece(pieces[i], parts[i]) for i in range(len(parts))]
    return bars if isinstance(key, tuple) else bars[0]


def as_piece(piece: Any, part: Any) -> Any:
    """The cotangent of one part; a range has none."""
    return None if isinstance(part, slice) else np.reshape(piece, np.shape(part))


@defjvp(np.r_.__getitem__)
def _(tangents: Any, out: Any, key: Any) -> Any:
    if not isinstance(key, tuple):
        return np.r_[tangents[0]]
    return np.r_[tuple([part_dot(tangents[0][i], key[i]) for i in range(len(key))])]


def part_dot(dot: Any, part: Any) -> Any:
    """The tangent of one part; zeros where it has none, as a range has."""
    if isinstance(part, slice):
        return np.zeros_like(np.r_[part])
    return np.zeros_like(part) if dot is None else dot


@defvjp(np.c_.__getitem__)
def _(ct: Any, out: Any, key: Any) -> Any:
    parts = key if isinstance(key, tuple) else (key,)
    widths = [np.shape(part)[-1] if np.ndim(part) > 1 else 1 for part in parts]
    pieces = cut(ct, widths, -1)
    bars = [np.reshape(pieces[i], np.shape(parts[i])) for i in range(len(parts))]
    return bars if isinstance(key, tuple) else bars[0]


@defjvp(np.c_.__getitem__)
def _(tangents: Any, out: Any, key: Any) -> Any:
    if not isinstance(key, tuple):
        return np.c_[tangents[0]]
    return np.c_[tuple([part_dot(tangents[0][i], key[i]) for i in range(len(key))])]
