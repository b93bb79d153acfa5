"""Derivatives of making, joining, cutting and rearranging arrays.

    y = np.transpose(x, (2, 0, 1))        x_bar = np.transpose(y_bar, [1, 2, 0])

Most of these are linear, and their transpose puts everything back where it came from: copies add up, and what
was cut off is 0.
"""

from __future__ import annotations

import builtins
import math
from typing import Any

import numpy as np

from .broadcast import unbroadcast
from .facts import is_literal, static
from .register import defjvp, deflinear, defvjp, nondifferentiable

nondifferentiable(
    np.zeros, np.ones, np.empty, np.ndarray, np.eye, np.identity, np.tri, np.zeros_like, np.ones_like,
    np.empty_like,
    np.shape, np.size, np.ndim, builtins.len, np.ndarray.shape, np.ndarray.size, np.ndarray.ndim,
    np.ndarray.dtype, np.ndarray.itemsize, np.ndarray.nbytes, np.ndarray.flags, np.ndarray.strides,
)  # fmt: skip


# The same elements in another shape


def layout(a: Any, order: Any) -> Any:
    """The order that `order` means for `a`."""
    if order == "A":
        return "F" if a.flags.fnc else "C"
    return order


@defvjp(np.reshape)
def _(ct: Any, out: Any, a: Any, shape: Any, order: Any = "C", *, copy: Any = None) -> Any:
    return np.reshape(ct, np.shape(a), order=layout(a, order)), None, None


@defjvp(np.reshape)
def _(tangents: Any, out: Any, a: Any, shape: Any, order: Any = "C", *, copy: Any = None) -> Any:
    return np.reshape(tangents[0], np.shape(out), order=layout(a, order))


@defvjp(np.ndarray.reshape)
def _(ct: Any, out: Any, a: Any, *shape: Any, order: Any = "C", copy: Any = None) -> Any:
    return np.reshape(ct, a.shape, order=layout(a, order))


@defjvp(np.ndarray.reshape)
def _(tangents: Any, out: Any, a: Any, *shape: Any, order: Any = "C", copy: Any = None) -> Any:
    return np.reshape(tangents[0], out.shape, order=layout(a, order))


@deflinear(np.ndarray.flat)
def _(ct: Any, out: Any, a: Any) -> Any:
    return np.reshape(ct, np.shape(a))


@defvjp(np.ravel, np.ndarray.ravel, np.ndarray.flatten)
def _(ct: Any, out: Any, a: Any, order: Any = "C") -> Any:
    if order == "K":
        flat = np.zeros_like(ct)
        flat[places_in_memory(a)] = ct
        return np.reshape(flat, np.shape(a))
    return np.reshape(ct, np.shape(a), order=layout(a, order))


@defjvp(np.ravel, np.ndarray.ravel, np.ndarray.flatten)
def _(tangents: Any, out: Any, a: Any, order: Any = "C") -> Any:
    if order == "K":
        return np.ravel(tangents[0])[places_in_memory(a)]
    return np.ravel(tangents[0], order=layout(a, order))


def places_in_memory(a: Any) -> Any:
    """The flat positions of the elements of `a`, in the order in which they lie in memory.

    >>> places_in_memory(np.array([[1.0, 2.0], [3.0, 4.0]]).T)
    array([0, 2, 1, 3])
    """
    places = np.empty_like(a, dtype=int)
    places[...] = np.reshape(np.arange(np.size(a)), np.shape(a))
    return np.ravel(places, "K")


nondifferentiable(places_in_memory)


@deflinear(np.expand_dims)
def _(ct: Any, out: Any, a: Any, axis: Any) -> Any:
    return np.reshape(ct, np.shape(a))


@deflinear(np.squeeze, np.ndarray.squeeze)
def _(ct: Any, out: Any, a: Any, axis: Any = None) -> Any:
    return np.reshape(ct, np.shape(a))


@defvjp(np.atleast_1d, np.atleast_2d, np.atleast_3d)
def _(ct: Any, out: Any, *arys: Any) -> Any:
    if len(arys) == 1:
        return np.reshape(ct, np.shape(arys[0]))
    return tuple([0.0 if ct[i] is None else np.reshape(ct[i], np.shape(arys[i])) for i in range(len(arys))])


@defjvp(np.atleast_1d, np.atleast_2d, np.atleast_3d)
def _(tangents: Any, out: Any, *arys: Any) -> Any:
    if len(arys) == 1:
        return np.reshape(tangents[0], out.shape)
    return tuple([reshaped_dot(tangents[i], out[i]) for i in range(len(arys))])


def reshaped_dot(x_dot: Any, y: Any) -> Any:
    """The tangent of `y`, which is a reshaped `x`; zeros where `x` has none."""
    return np.zeros_like(y) if x_dot is None else np.reshape(x_dot, y.shape)


# The axes in another order


@static
def inverse(axes: Any) -> Any:
    """The permutation that undoes `axes`.

    >>> inverse((2, 0, -2))
    [1, 2, 0]
    """
    return np.argsort([axis % len(axes) for axis in axes]).tolist()


@deflinear(np.transpose)
def _(ct: Any, out: Any, a: Any, axes: Any = None) -> Any:
    if axes is None:
        return np.transpose(ct)
    return np.transpose(ct, inverse(axes))


@deflinear(np.ndarray.transpose)
def _(ct: Any, out: Any, a: Any, *axes: Any) -> Any:
    if len(axes) == 0 or axes[0] is None:
        return np.transpose(ct)
    if isinstance(axes[0], (tuple, list)):
        return np.transpose(ct, inverse(axes[0]))
    return np.transpose(ct, inverse(axes))


@deflinear(np.ndarray.T)
def _(ct: Any, out: Any, a: Any) -> Any:
    return ct.T


@deflinear(np.ndarray.mT, np.matrix_transpose)
def _(ct: Any, out: Any, x: Any) -> Any:
    return ct.mT


@deflinear(np.swapaxes, np.ndarray.swapaxes)
def _(ct: Any, out: Any, a: Any, axis1: Any, axis2: Any) -> Any:
    return np.swapaxes(ct, axis1, axis2)


@deflinear(np.moveaxis)
def _(ct: Any, out: Any, a: Any, source: Any, destination: Any) -> Any:
    return np.moveaxis(ct, destination, source)


@deflinear(np.rollaxis)
def _(ct: Any, out: Any, a: Any, axis: Any, start: Any = 0) -> Any:
    axis = axis if axis >= 0 else axis + a.ndim
    start = start if start >= 0 else start + a.ndim
    return np.moveaxis(ct, start - 1 if start > axis else start, axis)


# The elements in another order


@deflinear(np.roll)
def _(ct: Any, out: Any, a: Any, shift: Any, axis: Any = None) -> Any:
    if isinstance(shift, (tuple, list)):
        return np.roll(ct, [-s for s in shift], axis)
    return np.roll(ct, -shift, axis)


@deflinear(np.flip)
def _(ct: Any, out: Any, m: Any, axis: Any = None) -> Any:
    return np.flip(ct, axis)


@deflinear(np.flipud)
def _(ct: Any, out: Any, m: Any) -> Any:
    return np.flipud(ct)


@deflinear(np.fliplr)
def _(ct: Any, out: Any, m: Any) -> Any:
    return np.fliplr(ct)


@deflinear(np.rot90)
def _(ct: Any, out: Any, m: Any, k: Any = 1, axes: Any = (0, 1)) -> Any:
    return np.rot90(ct, -k, axes)


# Copies of elements


@deflinear(np.broadcast_to)
def _(ct: Any, out: Any, array: Any, shape: Any, subok: Any = False) -> Any:
    return unbroadcast(ct, array)


@deflinear(np.tile)
def _(ct: Any, out: Any, A: Any, reps: Any) -> Any:
    if np.ndim(reps) == 0 and np.ndim(A) == 1:
        return np.reshape(ct, (reps, np.size(A))).sum(axis=0)
    return sum_of_tiles(ct, np.shape(A), np.ravel(reps))


def sum_of_tiles(ct: Any, shape: Any, reps: Any) -> Any:
    """The sum of the tiles of `shape` that lie side by side in `ct`, `reps` of them along each axis."""
    ndim = max(len(shape), len(reps))
    reps = (1,) * (ndim - len(reps)) + tuple(reps)
    lengths = (1,) * (ndim - len(shape)) + shape
    tiles = np.reshape(ct, np.ravel(np.column_stack((reps, lengths))))
    return np.reshape(tiles.sum(axis=tuple(range(0, 2 * ndim, 2))), shape)


@deflinear(np.repeat, np.ndarray.repeat)
def _(ct: Any, out: Any, a: Any, repeats: Any, axis: Any = None) -> Any:
    if axis is None:
        if np.ndim(repeats) == 0:
            return np.reshape(ct, (*np.shape(a), repeats)).sum(axis=-1)
        return gathered(ct, np.repeat(np.arange(np.size(a)), repeats), a)
    axis = axis if axis >= 0 else axis + a.ndim
    if np.ndim(repeats) == 0:
        return np.reshape(ct, (*a.shape[: axis + 1], repeats, *a.shape[axis + 1 :])).sum(axis=axis + 1)
    return gathered_along(ct, np.repeat(np.arange(a.shape[axis]), repeats), a, axis)


def gathered(ct: Any, origin: Any, a: Any) -> Any:
    """`ct` added up at the flat positions of `a` that `origin` names."""
    a_bar = np.zeros_like(np.ravel(a))
    np.add.at(a_bar, origin, ct)
    return np.reshape(a_bar, np.shape(a))


def gathered_along(ct: Any, origin: Any, a: Any, axis: Any) -> Any:
    """`ct` added up at the positions along the (not negative) `axis` of `a` that `origin` names."""
    a_bar = np.zeros_like(a)
    np.add.at(a_bar, (slice(None),) * axis + (origin,), ct)
    return a_bar


# Some of the elements


@deflinear(np.take, np.ndarray.take)
def _(
    ct: Any, out: Any, a: Any, indices: Any, axis: Any = None, into: Any = None, mode: Any = "raise"
) -> Any:  # fmt: skip
    if axis is None:
        return gathered(ct, in_range(indices, np.size(a), mode), a)
    axis = axis if axis >= 0 else axis + a.ndim
    return gathered_along(ct, in_range(indices, a.shape[axis], mode), a, axis)


def in_range(indices: Any, n: Any, mode: Any) -> Any:
    """The positions that `np.take` reads."""
    if mode == "wrap":
        return np.mod(indices, n)
    if mode == "clip":
        return np.clip(indices, 0, n - 1)
    return indices


@deflinear(np.take_along_axis)
def _(ct: Any, out: Any, arr: Any, indices: Any, axis: Any = -1) -> Any:
    if axis is None:
        return gathered(ct, indices, arr)
    axis = axis if axis >= 0 else axis + arr.ndim
    arr_bar = np.zeros_like(arr)
    grid = np.indices(arr.shape, sparse=True)
    np.add.at(arr_bar, grid[:axis] + (indices,) + grid[axis + 1 :], ct)
    return arr_bar


@deflinear(np.diag)
def _(ct: Any, out: Any, v: Any, k: Any = 0) -> Any:
    if v.ndim == 1:
        return np.diagonal(ct, k)
    return on_diagonal(ct, v, k)


@deflinear(np.diagonal, np.ndarray.diagonal)
def _(ct: Any, out: Any, a: Any, offset: Any = 0, axis1: Any = 0, axis2: Any = 1) -> Any:
    if a.ndim == 2 and axis1 == 0 and axis2 == 1:
        return on_diagonal(ct, a, offset)
    moved = np.moveaxis(a, (axis1, axis2), (-2, -1))
    return np.moveaxis(on_diagonal(ct, moved, offset), (-2, -1), (axis1, axis2))


def on_diagonal(ct: Any, a: Any, k: Any) -> Any:
    """Zeros as `a`, with `ct` on the diagonal `k` of its last two axes."""
    a_bar = np.zeros_like(a)
    i = np.arange(ct.shape[-1])
    if k >= 0:
        a_bar[..., i, i + k] = ct
    else:
        a_bar[..., i - k, i] = ct
    return a_bar


@deflinear(np.diagflat)
def _(ct: Any, out: Any, v: Any, k: Any = 0) -> Any:
    return np.reshape(np.diagonal(ct, k), np.shape(v))


@deflinear(np.trace, np.ndarray.trace)
def _(
    ct: Any, out: Any, a: Any, offset: Any = 0, axis1: Any = 0, axis2: Any = 1, dtype: Any = None,
    into: Any = None,
) -> Any:  # fmt: skip
    identity = np.eye(a.shape[axis1], a.shape[axis2], offset, dtype=a.dtype)
    if a.ndim == 2 and axis1 == 0 and axis2 == 1:
        return ct * identity
    return np.moveaxis(np.expand_dims(ct, (-2, -1)) * identity, (-2, -1), (axis1, axis2))


@deflinear(np.tril)
def _(ct: Any, out: Any, m: Any, k: Any = 0) -> Any:
    return unbroadcast(np.tril(ct, k), m)


@deflinear(np.triu)
def _(ct: Any, out: Any, m: Any, k: Any = 0) -> Any:
    return unbroadcast(np.triu(ct, k), m)


# Joining


def pieces(ct: Any, arrays: Any, lengths: Any, axis: Any) -> Any:
    """`ct` cut along `axis` into pieces of these lengths, each in the shape of its array."""
    parts = cut(ct, lengths, axis)
    return like([np.reshape(parts[i], np.shape(arrays[i])) for i in range(len(arrays))], arrays)


def cut(ct: Any, lengths: Any, axis: Any) -> Any:
    """`ct` cut along `axis` into pieces of these lengths, one after the other."""
    if not is_literal(len(lengths)):
        return np.split(ct, np.cumsum(lengths)[:-1], axis)
    parts, start, stop = [], None, None
    for i in range(len(lengths)):
        start, stop = stop, lengths[i] if stop is None else stop + lengths[i]
        end = None if i == len(lengths) - 1 else stop
        if axis == 0:
            parts.append(ct[start:end])
        elif axis == -1:
            parts.append(ct[..., start:end])
        else:
            parts.append(ct[(slice(None),) * (axis % np.ndim(ct)) + (slice(start, end),)])
    return parts


def like(cotangents: Any, arrays: Any) -> Any:
    """A list of cotangents, or one array where the sequence that was joined is an array."""
    return np.stack(cotangents) if isinstance(arrays, np.ndarray) else cotangents


@deflinear(np.concatenate)
def _(
    ct: Any, out: Any, arrays: Any, axis: Any = 0, into: Any = None, *, dtype: Any = None,
    casting: Any = "same_kind",
) -> Any:  # fmt: skip
    if axis is None:
        return pieces(ct, arrays, [np.size(x) for x in arrays], 0)
    return like(cut(ct, [np.shape(x)[axis] for x in arrays], axis), arrays)


@deflinear(np.stack)
def _(
    ct: Any, out: Any, arrays: Any, axis: Any = 0, into: Any = None, *, dtype: Any = None,
    casting: Any = "same_kind",
) -> Any:  # fmt: skip
    rows = ct if axis == 0 else np.moveaxis(ct, axis, 0)
    return rows if isinstance(arrays, np.ndarray) else [rows[i] for i in range(len(arrays))]


@deflinear(np.vstack)
def _(ct: Any, out: Any, tup: Any, *, dtype: Any = None, casting: Any = "same_kind") -> Any:
    return pieces(ct, tup, [np.shape(x)[0] if np.ndim(x) > 1 else 1 for x in tup], 0)


@deflinear(np.hstack)
def _(ct: Any, out: Any, tup: Any, *, dtype: Any = None, casting: Any = "same_kind") -> Any:
    axis = 0 if np.ndim(tup[0]) < 2 else 1
    return pieces(ct, tup, [np.shape(x)[axis] if np.ndim(x) > 0 else 1 for x in tup], axis)


@deflinear(np.column_stack)
def _(ct: Any, out: Any, tup: Any) -> Any:
    return pieces(ct, tup, [np.shape(x)[1] if np.ndim(x) > 1 else 1 for x in tup], 1)


@deflinear(np.dstack)
def _(ct: Any, out: Any, tup: Any) -> Any:
    return pieces(ct, tup, [np.shape(x)[2] if np.ndim(x) > 2 else 1 for x in tup], 2)


# Cutting: the cotangent is a list too


def whole(ct: Any, out: Any) -> Any:
    """The cotangents of several arrays, zeros where nothing flowed back."""
    return [
        np.zeros_like(out[i]) if ct[i] is None else np.broadcast_to(ct[i], np.shape(out[i]))
        for i in range(len(out))
    ]


@deflinear(np.split, np.array_split)
def _(ct: Any, out: Any, ary: Any, indices_or_sections: Any, axis: Any = 0) -> Any:
    return np.concatenate(whole(ct, out), axis)


@deflinear(np.vsplit)
def _(ct: Any, out: Any, ary: Any, indices_or_sections: Any) -> Any:
    return np.concatenate(whole(ct, out), 0)


@deflinear(np.hsplit)
def _(ct: Any, out: Any, ary: Any, indices_or_sections: Any) -> Any:
    return np.concatenate(whole(ct, out), 1 if ary.ndim > 1 else 0)


@deflinear(np.dsplit)
def _(ct: Any, out: Any, ary: Any, indices_or_sections: Any) -> Any:
    return np.concatenate(whole(ct, out), 2)


# Arrays from numbers, and numbers from arrays


def as_nested(ct: Any, items: Any) -> Any:
    """`ct` in the structure of `items`, a number, an array, or a nested list of them."""
    if not isinstance(items, (list, tuple)):
        return ct
    if is_literal(len(items)):
        return [as_nested(ct[i], items[i]) for i in range(len(items))]
    return [ct[i] for i in range(len(items))]


@deflinear(np.array)
def _(
    ct: Any, out: Any, object: Any, dtype: Any = None, *, copy: Any = True, order: Any = "K",
    subok: Any = False, ndmin: Any = 0,
) -> Any:  # fmt: skip
    if ndmin > 0:
        ct = np.reshape(ct, np.shape(object))
    return as_nested(ct, object)


@deflinear(np.asarray, np.asanyarray)
def _(ct: Any, out: Any, a: Any, dtype: Any = None, order: Any = None, *, copy: Any = None) -> Any:
    return as_nested(ct, a)


@deflinear(np.ascontiguousarray, np.asfortranarray)
def _(ct: Any, out: Any, a: Any, dtype: Any = None) -> Any:
    if np.ndim(a) == 0:
        return np.reshape(ct, ())
    return as_nested(ct, a)


@deflinear(np.asarray_chkfinite)
def _(ct: Any, out: Any, a: Any, dtype: Any = None, order: Any = None) -> Any:
    return as_nested(ct, a)


@deflinear(np.require)
def _(ct: Any, out: Any, a: Any, dtype: Any = None, requirements: Any = None) -> Any:
    return as_nested(ct, a)


@deflinear(np.astype)
def _(ct: Any, out: Any, x: Any, dtype: Any, *, copy: Any = True) -> Any:
    return ct


@deflinear(np.copy)
def _(ct: Any, out: Any, a: Any, order: Any = "K", subok: Any = False) -> Any:
    return as_nested(ct, a)


@deflinear(np.ndarray.copy)
def _(ct: Any, out: Any, a: Any, order: Any = "C") -> Any:
    return ct


@deflinear(np.ndarray.astype)
def _(
    ct: Any, out: Any, a: Any, dtype: Any, order: Any = "K", casting: Any = "unsafe", subok: Any = True,
    copy: Any = True,
) -> Any:  # fmt: skip
    return ct


@deflinear(np.ndarray.item)
def _(ct: Any, out: Any, a: Any, *args: Any) -> Any:
    if len(args) == 0:
        return np.full_like(a, ct)
    a_bar = np.zeros_like(a)
    if isinstance(args[0], tuple):
        a_bar[args[0]] = ct
    elif len(args) == a.ndim:
        a_bar[args] = ct
    else:
        a_bar[np.unravel_index(args[0], a.shape)] = ct
    return a_bar


@deflinear(np.ndarray.tolist)
def _(ct: Any, out: Any, a: Any) -> Any:
    return np.asarray(ct, a.dtype)


@deflinear(np.ndarray.real)
def _(ct: Any, out: Any, a: Any) -> Any:
    return ct


@deflinear(np.ndarray.imag)
def _(ct: Any, out: Any, a: Any) -> Any:
    return -1j * ct


@defvjp(np.full)
def _(ct: Any, out: Any, shape: Any, fill_value: Any, dtype: Any = None, order: Any = "C") -> Any:
    return None, unbroadcast(ct, fill_value), None, None


@defjvp(np.full)
def _(tangents: Any, out: Any, shape: Any, fill_value: Any, dtype: Any = None, order: Any = "C") -> Any:
    return np.full_like(out, tangents[1])


@defvjp(np.full_like)
def _(
    ct: Any, out: Any, a: Any, fill_value: Any, dtype: Any = None, order: Any = "K", subok: Any = True,
    shape: Any = None,
) -> Any:  # fmt: skip
    return None, unbroadcast(ct, fill_value), None, None, None, None


@defjvp(np.full_like)
def _(
    tangents: Any, out: Any, a: Any, fill_value: Any, dtype: Any = None, order: Any = "K", subok: Any = True,
    shape: Any = None,
) -> Any:  # fmt: skip
    return np.zeros_like(out) if tangents[1] is None else np.full_like(out, tangents[1])


@defvjp(np.arange)
def _(ct: Any, out: Any, start: Any, stop: Any = None, step: Any = 1, dtype: Any = None) -> Any:
    if stop is None:
        return None, None, None, None
    return np.sum(ct), None, np.sum(ct * np.arange(len(out))), None


@defjvp(np.arange)
def _(tangents: Any, out: Any, start: Any, stop: Any = None, step: Any = 1, dtype: Any = None) -> Any:
    out_dot = np.zeros_like(out)
    if stop is not None and tangents[0] is not None:
        out_dot = out_dot + tangents[0]
    if tangents[2] is not None:
        out_dot = out_dot + tangents[2] * np.arange(len(out))
    return out_dot


# Grids between two ends


def between(ct: Any, out: Any, start: Any, stop: Any, num: Any, endpoint: Any, axis: Any) -> Any:
    """The cotangents of both ends of what runs from one to the other in a straight line."""
    t = np.linspace(0.0, 1.0, num, endpoint, dtype=out.dtype)
    if out.ndim == 1:
        return unbroadcast(np.sum(ct * (1.0 - t)), start), unbroadcast(np.sum(ct * t), stop)
    ct = np.moveaxis(ct, axis, -1)
    return unbroadcast((ct * (1.0 - t)).sum(axis=-1), start), unbroadcast((ct * t).sum(axis=-1), stop)


@defvjp(np.linspace)
def _(
    ct: Any, out: Any, start: Any, stop: Any, num: Any = 50, endpoint: Any = True, retstep: Any = False,
    dtype: Any = None, axis: Any = 0,
) -> Any:  # fmt: skip
    if not retstep:
        return between(ct, out, start, stop, num, endpoint, axis)
    ends_bar = (0.0, 0.0) if ct[0] is None else between(ct[0], out[0], start, stop, num, endpoint, axis)
    if ct[1] is None:
        return ends_bar
    step_bar = ct[1] / (num - 1 if endpoint else num)
    return ends_bar[0] - unbroadcast(step_bar, start), ends_bar[1] + unbroadcast(step_bar, stop)


@defjvp(np.linspace)
def _(
    tangents: Any, out: Any, start: Any, stop: Any, num: Any = 50, endpoint: Any = True, retstep: Any = False,
    dtype: Any = None, axis: Any = 0,
) -> Any:  # fmt: skip
    start_dot = np.zeros_like(start) if tangents[0] is None else tangents[0]
    stop_dot = np.zeros_like(stop) if tangents[1] is None else tangents[1]
    return np.linspace(start_dot, stop_dot, num, endpoint, retstep, axis=axis)


@defvjp(np.logspace)
def _(
    ct: Any, out: Any, start: Any, stop: Any, num: Any = 50, endpoint: Any = True, base: Any = 10.0,
    dtype: Any = None, axis: Any = 0,
) -> Any:  # fmt: skip
    exponent_bar = ct * out * (math.log(base) if isinstance(base, (int, float)) else np.log(base))
    start_bar, stop_bar = between(exponent_bar, out, start, stop, num, endpoint, axis)
    base_bar = np.sum(ct * out * np.linspace(start, stop, num, endpoint, axis=axis) / base)
    return start_bar, stop_bar, None, None, base_bar, None, None


@defjvp(np.logspace)
def _(
    tangents: Any, out: Any, start: Any, stop: Any, num: Any = 50, endpoint: Any = True, base: Any = 10.0,
    dtype: Any = None, axis: Any = 0,
) -> Any:  # fmt: skip
    start_dot = np.zeros_like(start) if tangents[0] is None else tangents[0]
    stop_dot = np.zeros_like(stop) if tangents[1] is None else tangents[1]
    rate = np.linspace(start_dot, stop_dot, num, endpoint, axis=axis) * np.log(base)
    if len(tangents) > 4 and tangents[4] is not None:
        rate = rate + np.linspace(start, stop, num, endpoint, axis=axis) * tangents[4] / base
    return out * rate


@defvjp(np.geomspace)
def _(
    ct: Any, out: Any, start: Any, stop: Any, num: Any = 50, endpoint: Any = True, dtype: Any = None,
    axis: Any = 0,
) -> Any:  # fmt: skip
    start_bar, stop_bar = between(ct * out, out, start, stop, num, endpoint, axis)
    return start_bar / start, stop_bar / stop


@defjvp(np.geomspace)
def _(
    tangents: Any, out: Any, start: Any, stop: Any, num: Any = 50, endpoint: Any = True, dtype: Any = None,
    axis: Any = 0,
) -> Any:  # fmt: skip
    start_dot = np.zeros_like(start) if tangents[0] is None else tangents[0]
    stop_dot = np.zeros_like(stop) if tangents[1] is None else tangents[1]
    return out * np.linspace(start_dot / start, stop_dot / stop, num, endpoint, axis=axis)


@defvjp(np.vander)
def _(ct: Any, out: Any, x: Any, N: Any = None, increasing: Any = False) -> Any:
    if out.shape[1] < 2:
        return np.zeros_like(x)
    power = np.arange(1, out.shape[1])
    if increasing:
        return (ct[:, 1:] * out[:, :-1]) @ np.asarray(power, ct.dtype)
    return (ct[:, :-1] * out[:, 1:]) @ np.asarray(power[::-1], ct.dtype)


@defjvp(np.vander)
def _(tangents: Any, out: Any, x: Any, N: Any = None, increasing: Any = False) -> Any:
    out_dot = np.zeros_like(out)
    if out.shape[1] < 2:
        return out_dot
    power = np.arange(1, out.shape[1])
    if increasing:
        out_dot[:, 1:] = out[:, :-1] * power * tangents[0][:, None]
    else:
        out_dot[:, :-1] = out[:, 1:] * power[::-1] * tangents[0][:, None]
    return out_dot


# Differences, interpolation


@defvjp(np.diff)
def _(ct: Any, out: Any, a: Any, n: Any = 1, axis: Any = -1, prepend: Any = None, append: Any = None) -> Any:
    if prepend is None and append is None:
        return undone_difference(ct, a, n, axis), None, None, None, None
    before, after = as_border(prepend, a, axis), as_border(append, a, axis)
    ct = undone_difference(ct, np.concatenate([before, a, after], axis), n, axis)
    before_bar, a_bar, after_bar = cut(ct, [x.shape[axis] for x in (before, a, after)], axis)
    prepend_bar = None if prepend is None else unbroadcast(before_bar, prepend)
    append_bar = None if append is None else unbroadcast(after_bar, append)
    return a_bar, None, None, prepend_bar, append_bar


@defjvp(np.diff)
def _(
    tangents: Any, out: Any, a: Any, n: Any = 1, axis: Any = -1, prepend: Any = None, append: Any = None
) -> Any:  # fmt: skip
    a_dot = np.zeros_like(a) if tangents[0] is None else tangents[0]
    if prepend is None and append is None:
        return np.diff(a_dot, n, axis)
    before = border_dot(tangents[3], prepend, a, axis)
    after = border_dot(tangents[4], append, a, axis)
    return np.diff(np.concatenate([before, a_dot, after], axis), n, axis)


def border_dot(x_dot: Any, x: Any, a: Any, axis: Any) -> Any:
    """The tangent of `as_border(x, a, axis)`."""
    if x_dot is None:
        return np.zeros_like(as_border(x, a, axis))
    return as_border(x_dot, a, axis)


def as_border(x: Any, a: Any, axis: Any) -> Any:
    """What `np.diff` joins to `a` along `axis` when asked to prepend or append `x`; nothing for None."""
    edge = np.moveaxis(np.moveaxis(a, axis, 0)[:0], 0, axis)
    if x is None:
        return edge
    if np.ndim(x) == 0:
        return np.broadcast_to(x, [1 if i == axis % a.ndim else a.shape[i] for i in range(a.ndim)])
    return np.asarray(x)


def undone_difference(ct: Any, a: Any, n: Any, axis: Any) -> Any:
    """The cotangent of `a` in `np.diff(a, n, axis)`."""
    if axis == -1 or a.ndim == 1:
        return undone_difference_in_row(ct, a, n)
    moved = undone_difference_in_row(np.moveaxis(ct, axis, -1), np.moveaxis(a, axis, -1), n)
    return np.moveaxis(moved, -1, axis)


def undone_difference_in_row(ct: Any, a: Any, n: Any) -> Any:
    """As `undone_difference`, along the last axis: the n-th difference first."""
    for k in range(n - 1, -1, -1):
        a_bar = np.zeros_like(a if k == 0 else a[..., k:])
        a_bar[..., 1:] = ct
        a_bar[..., :-1] -= ct
        ct = a_bar
    return ct


@defvjp(np.interp)
def _(
    ct: Any, out: Any, x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None, period: Any = None
) -> Any:
    if period is None:
        return interp_cotangents(ct, x, xp, fp, left, right)
    order, knots, values = one_period(xp, fp, period)
    x_bar, knots_bar, values_bar, _, _ = interp_cotangents(ct, x % period, knots, values, None, None)
    return x_bar, from_period(knots_bar, order), from_period(values_bar, order), 0.0, 0.0, None


def one_period(xp: Any, fp: Any, period: Any) -> Any:
    """The order of the knots within one period, and knots and values with a neighbour at either end."""
    places = np.asarray(xp) % period
    order = np.argsort(places)
    knots, values = places[order], np.asarray(fp)[order]
    knots = np.concatenate([knots[-1:] - period, knots, knots[:1] + period])
    return order, knots, np.concatenate([values[-1:], values, values[:1]])


def from_period(bar: Any, order: Any) -> Any:
    """The cotangent of what `one_period` put in order."""
    inner = bar[1:-1].copy()
    inner[-1] += bar[0]
    inner[0] += bar[-1]
    return inner[np.argsort(order)]


def interp_cotangents(ct: Any, x: Any, xp: Any, fp: Any, left: Any, right: Any) -> Any:
    """The cotangents of points, knots, values, and of the values beyond the ends."""
    i, t, slope = segment(x, xp, fp)
    below, above = x < xp[0], x > xp[-1]
    left_bar = None if left is None else np.sum(np.where(below, ct, 0.0))
    right_bar = None if right is None else np.sum(np.where(above, ct, 0.0))
    x_bar = ct * slope
    if left is not None:
        ct = np.where(below, 0.0, ct)
    if right is not None:
        ct = np.where(above, 0.0, ct)
    fp_bar = np.zeros_like(fp)
    np.add.at(fp_bar, i, ct * (1.0 - t))
    np.add.at(fp_bar, i + 1, ct * t)
    xp_bar = np.zeros_like(xp)
    np.add.at(xp_bar, i, -x_bar * (1.0 - t))
    np.add.at(xp_bar, i + 1, -x_bar * t)
    return x_bar, xp_bar, fp_bar, left_bar, right_bar


@defjvp(np.interp)
def _(
    tangents: Any, out: Any, x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None,
    period: Any = None,
) -> Any:  # fmt: skip
    if period is None:
        return interp_dot(tangents, x, xp, fp, left, right)
    order, knots, values = one_period(xp, fp, period)
    xp_dot = np.zeros_like(xp) if tangents[1] is None else np.asarray(tangents[1])
    fp_dot = np.zeros_like(fp) if tangents[2] is None else np.asarray(tangents[2])
    knots_dot, values_dot = around(xp_dot[order]), around(fp_dot[order])
    return interp_dot((tangents[0], knots_dot, values_dot), x % period, knots, values, None, None)


def around(row: Any) -> Any:
    """A row with its last element before it and its first one after it."""
    return np.concatenate([row[-1:], row, row[:1]])


def interp_dot(tangents: Any, x: Any, xp: Any, fp: Any, left: Any, right: Any) -> Any:
    """The tangent of an interpolation."""
    i, t, slope = segment(x, xp, fp)
    x_dot = np.zeros_like(x) if tangents[0] is None else tangents[0]
    if tangents[1] is not None:
        xp_dot = np.asarray(tangents[1])
        x_dot = x_dot - ((1.0 - t) * xp_dot[i] + t * xp_dot[i + 1])
    fp_dot = np.zeros_like(fp) if tangents[2] is None else np.asarray(tangents[2])
    out_dot = (1.0 - t) * fp_dot[i] + t * fp_dot[i + 1]
    if left is not None:
        out_dot = np.where(x < xp[0], 0.0 if tangents[3] is None else tangents[3], out_dot)
    if right is not None:
        out_dot = np.where(x > xp[-1], 0.0 if tangents[4] is None else tangents[4], out_dot)
    return out_dot + slope * x_dot


def segment(x: Any, xp: Any, fp: Any) -> Any:
    """The knot to the left of `x`, how far `x` is on the way to the next, and the slope to its right."""
    knots, values = np.asarray(xp), np.asarray(fp)
    i = np.clip(np.searchsorted(knots, x, side="right") - 1, 0, len(knots) - 2)
    width = knots[i + 1] - knots[i]
    t = np.clip((x - knots[i]) / width, 0.0, 1.0)
    slope = np.where((knots[0] <= x) & (x < knots[-1]), (values[i + 1] - values[i]) / width, 0.0)
    return i, t, slope
