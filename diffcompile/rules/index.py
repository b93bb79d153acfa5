"""Derivatives of reads and writes by index.

    y = x[i]          x_bar = np.zeros_like(x); x_bar[i] = y_bar
    x[i] = v          v_bar = x_bar[i]; x_bar[i] = 0.0

A write is a functional update here: `x` is the content before it, `out` the content after it, `ct` the
cotangent of `out`. Where an index selects an element twice, reads add up and, of the writes, the last one
counts. `list.pop` has two results, the shorter list and the item: `ct` is the pair of their cotangents.
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from .broadcast import unbroadcast
from .facts import static
from .register import defjvp, deflinear, defvjp


@static
def is_repeating(index: Any) -> bool:
    """May `index` select an element twice? Integer arrays and lists may; numbers, slices and masks do not.

    >>> is_repeating((slice(1, None), 2)), is_repeating([0, 0]), is_repeating(np.array([True, False]))
    (False, True, False)
    """
    if isinstance(index, tuple):
        for part in index:
            if is_position_array(part):
                return True
        return False
    return is_position_array(index)


def is_position_array(part: Any) -> bool:
    """Is `part` of an index an array or a list of positions, rather than a mask?"""
    return np.ndim(part) > 0 and np.asarray(part).dtype.kind != "b"


@deflinear(operator.getitem)
def _(ct: Any, out: Any, x: Any, index: Any) -> Any:
    x_bar = np.zeros_like(x)
    if is_repeating(index):
        np.add.at(x_bar, index, ct)
    else:
        x_bar[index] = ct
    return x_bar


@defvjp(operator.setitem)
def _(ct: Any, out: Any, x: Any, index: Any, value: Any) -> Any:
    x_bar = ct.copy()
    x_bar[index] = 0.0
    if is_repeating(index):
        return x_bar, None, last_write_bar(ct, x, index, value)
    return x_bar, None, unbroadcast(ct[index], value)


@defjvp(operator.setitem)
def _(tangents: Any, out: Any, x: Any, index: Any, value: Any) -> Any:
    x_dot = np.zeros_like(out) if tangents[0] is None else tangents[0].copy()
    if tangents[2] is None:
        x_dot[index] = 0.0
    else:
        x_dot[index] = tangents[2]
    return x_dot


def last_write_bar(ct: Any, x: Any, index: Any, value: Any) -> Any:
    """The cotangent of `value` after `x[index] = value`, which may have written an element more than once."""
    if np.ndim(value) == 0:
        written = np.zeros(np.shape(x), bool)
        written[index] = True
        return np.sum(ct[written])
    # The order of NumPy's writes follows the layout in memory, so the positions are laid out as `value` is.
    position = np.zeros_like(value, int)
    position[...] = np.reshape(np.arange(np.size(value)), np.shape(value))
    writer = np.full(np.shape(x), -1)
    writer[index] = position
    value_bar = np.zeros_like(np.ravel(value))
    np.add.at(value_bar, writer[writer >= 0], ct[writer >= 0])
    return np.reshape(value_bar, np.shape(value))


@defvjp(np.add.at)
def _(ct: Any, out: Any, a: Any, indices: Any, b: Any) -> Any:
    return ct, None, unbroadcast(ct[indices], b)


@defjvp(np.add.at)
def _(tangents: Any, out: Any, a: Any, indices: Any, b: Any) -> Any:
    a_dot = np.zeros_like(out) if tangents[0] is None else tangents[0].copy()
    if tangents[2] is not None:
        np.add.at(a_dot, indices, tangents[2])
    return a_dot


@defvjp(list.append)
def _(ct: Any, out: Any, items: Any, item: Any) -> Any:
    return ct[:-1], ct[-1]


@defjvp(list.append)
def _(tangents: Any, out: Any, items: Any, item: Any) -> Any:
    items_dot = [zero_like(x) for x in items] if tangents[0] is None else tangents[0]
    item_dot = zero_like(item) if tangents[1] is None else tangents[1]
    return items_dot + [item_dot]


def zero_like(x: Any) -> Any:
    """The tangent of an item that has none."""
    return 0.0 if isinstance(x, (int, float)) else np.zeros_like(x)


@defvjp(list.pop)
def _(ct: Any, out: Any, items: Any, index: Any = -1) -> Any:
    rest_bar, item_bar = ct
    if index == -1:
        return rest_bar + [item_bar]
    i = index if index >= 0 else index + len(items)
    return rest_bar[:i] + [item_bar] + rest_bar[i:]


@defjvp(list.pop)
def _(tangents: Any, out: Any, items: Any, index: Any = -1) -> Any:
    items_dot = tangents[0]
    if index == -1:
        return items_dot[:-1], items_dot[-1]
    i = index if index >= 0 else index + len(items)
    return items_dot[:i] + items_dot[i + 1 :], items_dot[i]
