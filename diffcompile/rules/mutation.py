"""Derivatives of what changes an array in place: fills, sorts, masked and scattered writes.

    np.copyto(x, v, where=m)      v_bar = np.where(m, x_bar, 0.0); x_bar = np.where(m, 0.0, x_bar)

`a` is the content before the call, `out` the content after it, `ct` the cotangent of `out`. Which element of
the values landed where is found by letting the same function write the numbers of the elements; of several
writes to one place the last one counts.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .broadcast import unbroadcast
from .register import defjvp, defvjp


def numbers(values: Any) -> Any:
    """The number of each element of `values`, in an array of its shape."""
    return np.reshape(np.arange(np.size(values)), np.shape(values))


def handed_out(ct: Any, source: Any, values: Any) -> Any:
    """The cotangent of `values`, of which element `source[i]` landed in place i (-1: none)."""
    values_bar = np.zeros_like(np.ravel(values), ct.dtype)
    landed = source >= 0
    np.add.at(values_bar, source[landed], ct[landed])
    return np.reshape(values_bar, np.shape(values))


def kept(ct: Any, source: Any) -> Any:
    """The cotangent of the content that was not written over."""
    return np.where(source >= 0, 0.0, ct)


def dot_of(tangent: Any, like: Any) -> Any:
    """A tangent that may be written into; zeros where there is none."""
    return np.zeros_like(like) if tangent is None else np.copy(tangent)


@defvjp(np.ndarray.fill)
def _(ct: Any, out: Any, a: Any, value: Any) -> Any:
    return None, np.sum(ct)


@defjvp(np.ndarray.fill)
def _(tangents: Any, out: Any, a: Any, value: Any) -> Any:
    return np.zeros_like(out) if tangents[1] is None else np.full_like(out, tangents[1])


@defvjp(np.copyto)
def _(ct: Any, out: Any, dst: Any, src: Any, casting: Any = "same_kind", where: Any = True) -> Any:
    if where is True:
        return None, unbroadcast(ct, src)
    return np.where(where, 0.0, ct), unbroadcast(np.where(where, ct, 0.0), src)


@defjvp(np.copyto)
def _(tangents: Any, out: Any, dst: Any, src: Any, casting: Any = "same_kind", where: Any = True) -> Any:
    dst_dot = dot_of(tangents[0], out)
    np.copyto(dst_dot, 0.0 if tangents[1] is None else tangents[1], where=where)
    return dst_dot


@defvjp(np.put)
def _(ct: Any, out: Any, a: Any, ind: Any, v: Any, mode: Any = "raise") -> Any:
    source = np.full(np.shape(a), -1)
    np.put(source, ind, numbers(v), mode)
    return kept(ct, source), None, handed_out(ct, source, v)


@defjvp(np.put)
def _(tangents: Any, out: Any, a: Any, ind: Any, v: Any, mode: Any = "raise") -> Any:
    a_dot = dot_of(tangents[0], out)
    np.put(a_dot, ind, 0.0 if tangents[2] is None else tangents[2], mode)
    return a_dot


@defvjp(np.place)
def _(ct: Any, out: Any, arr: Any, mask: Any, vals: Any) -> Any:
    source = np.full(np.shape(arr), -1)
    np.place(source, mask, numbers(vals))
    return kept(ct, source), None, handed_out(ct, source, vals)


@defjvp(np.place)
def _(tangents: Any, out: Any, arr: Any, mask: Any, vals: Any) -> Any:
    arr_dot = dot_of(tangents[0], out)
    np.place(arr_dot, mask, 0.0 if tangents[2] is None else tangents[2])
    return arr_dot


@defvjp(np.putmask)
def _(ct: Any, out: Any, a: Any, mask: Any, values: Any) -> Any:
    source = np.full(np.shape(a), -1)
    np.putmask(source, mask, numbers(values))
    return kept(ct, source), None, handed_out(ct, source, values)


@defjvp(np.putmask)
def _(tangents: Any, out: Any, a: Any, mask: Any, values: Any) -> Any:
    a_dot = dot_of(tangents[0], out)
    np.putmask(a_dot, mask, 0.0 if tangents[2] is None else tangents[2])
    return a_dot


@defvjp(np.put_along_axis)
def _(ct: Any, out: Any, arr: Any, indices: Any, values: Any, axis: Any) -> Any:
    source = np.full(np.shape(arr), -1)
    np.put_along_axis(source, indices, numbers(values), axis)
    return kept(ct, source), None, handed_out(ct, source, values)


@defjvp(np.put_along_axis)
def _(tangents: Any, out: Any, arr: Any, indices: Any, values: Any, axis: Any) -> Any:
    arr_dot = dot_of(tangents[0], out)
    np.put_along_axis(arr_dot, indices, 0.0 if tangents[2] is None else tangents[2], axis)
    return arr_dot


@defvjp(np.fill_diagonal)
def _(ct: Any, out: Any, a: Any, val: Any, wrap: Any = False) -> Any:
    source = np.full(np.shape(a), -1)
    np.fill_diagonal(source, numbers(val), wrap)
    return kept(ct, source), handed_out(ct, source, val)


@defjvp(np.fill_diagonal)
def _(tangents: Any, out: Any, a: Any, val: Any, wrap: Any = False) -> Any:
    a_dot = dot_of(tangents[0], out)
    np.fill_diagonal(a_dot, 0.0 if tangents[1] is None else tangents[1], wrap)
    return a_dot


@defvjp(np.ndarray.sort)
def _(ct: Any, out: Any, a: Any, axis: Any = -1, kind: Any = None, order: Any = None) -> Any:
    a_bar = np.zeros_like(ct)
    np.put_along_axis(a_bar, np.argsort(a, axis, "stable"), ct, axis)
    return a_bar


@defjvp(np.ndarray.sort)
def _(tangents: Any, out: Any, a: Any, axis: Any = -1, kind: Any = None, order: Any = None) -> Any:
    return np.take_along_axis(tangents[0], np.argsort(a, axis, "stable"), axis)


@defvjp(np.ndarray.partition)
def _(ct: Any, out: Any, a: Any, kth: Any, axis: Any = -1) -> Any:
    a_bar = np.zeros_like(ct)
    np.put_along_axis(a_bar, np.argpartition(a, kth, axis), ct, axis)
    return a_bar


@defjvp(np.ndarray.partition)
def _(tangents: Any, out: Any, a: Any, kth: Any, axis: Any = -1) -> Any:
    return np.take_along_axis(tangents[0], np.argpartition(a, kth, axis), axis)


# Unbuffered operations: every one of several writes to a place counts.


@defvjp(np.subtract.at)
def _(ct: Any, out: Any, a: Any, indices: Any, b: Any) -> Any:
    return ct, None, unbroadcast(-ct[indices], b)


@defjvp(np.subtract.at)
def _(tangents: Any, out: Any, a: Any, indices: Any, b: Any) -> Any:
    a_dot = dot_of(tangents[0], out)
    if tangents[2] is not None:
        np.subtract.at(a_dot, indices, tangents[2])
    return a_dot


def factors(a: Any, indices: Any, b: Any) -> Any:
    """What each element of `a` is multiplied by in all."""
    product = np.ones_like(a)
    np.multiply.at(product, indices, b)
    return product


def other_factors(a: Any, indices: Any, b: Any) -> Any:
    """For each factor, the product of the others that meet the same element: exact where a factor is 0."""
    zero = b == 0.0
    zeros = np.zeros_like(a)
    np.add.at(zeros, indices, np.where(zero, 1.0, 0.0))
    rest = factors(a, indices, np.where(zero, 1.0, b))[indices]
    only_this = zeros[indices] == np.where(zero, 1.0, 0.0)
    return np.where(only_this, rest / np.where(zero, 1.0, b), 0.0)


@defvjp(np.multiply.at)
def _(ct: Any, out: Any, a: Any, indices: Any, b: Any) -> Any:
    b_bar = ct[indices] * a[indices] * other_factors(a, indices, b)
    return ct * factors(a, indices, b), None, unbroadcast(b_bar, b)


@defjvp(np.multiply.at)
def _(tangents: Any, out: Any, a: Any, indices: Any, b: Any) -> Any:
    a_dot = np.zeros_like(out) if tangents[0] is None else tangents[0] * factors(a, indices, b)
    if tangents[2] is not None:
        np.add.at(a_dot, indices, a[indices] * other_factors(a, indices, b) * tangents[2])
    return a_dot


@defvjp(np.divide.at)
def _(ct: Any, out: Any, a: Any, indices: Any, b: Any) -> Any:
    return ct * factors(a, indices, 1.0 / b), None, unbroadcast(-(ct[indices] * out[indices]) / b, b)


@defjvp(np.divide.at)
def _(tangents: Any, out: Any, a: Any, indices: Any, b: Any) -> Any:
    a_dot = np.zeros_like(out) if tangents[0] is None else tangents[0] * factors(a, indices, 1.0 / b)
    if tangents[2] is not None:
        np.subtract.at(a_dot, indices, out[indices] / b * tangents[2])
    return a_dot


def holders(out: Any, a: Any, indices: Any, b: Any) -> Any:
    """How many of an element and what met it have the extreme value."""
    found = np.where(a == out, np.ones_like(a), np.zeros_like(a))
    np.add.at(found, indices, np.where(b == out[indices], 1.0, 0.0))
    return found


@defvjp(np.maximum.at, np.minimum.at)
def _(ct: Any, out: Any, a: Any, indices: Any, b: Any) -> Any:
    share = ct / holders(out, a, indices, b)
    b_bar = np.where(b == out[indices], share[indices], 0.0)
    return np.where(a == out, share, 0.0), None, unbroadcast(b_bar, b)


@defjvp(np.maximum.at, np.minimum.at)
def _(tangents: Any, out: Any, a: Any, indices: Any, b: Any) -> Any:
    held = holders(out, a, indices, b)
    a_dot = np.zeros_like(out) if tangents[0] is None else np.where(a == out, tangents[0], 0.0)
    if tangents[2] is not None:
        np.add.at(a_dot, indices, np.where(b == out[indices], tangents[2], 0.0))
    return a_dot / held
