"""Functions of Python and NumPy that call functions, in the words of the language that the compiler reads.

    functools.reduce(f, items)        ->        total = items[0]
                                                for item in items[1:]: total = f(total, item)

A function that is handed another one has no rule: what it does is read here, in place of its call, and the
lines above the adjoint stay the user's. `WITH` names those that are read only for the options that it lists.
"""

from __future__ import annotations

import builtins
import functools
import itertools
import operator
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from .register import nondifferentiable

F = TypeVar("F", bound=Callable[..., Any])

DEFINITIONS: dict[Any, Callable[..., Any]] = {}
WITH: dict[Any, frozenset[str]] = {}


def defines(fn: Any, *options: str) -> Callable[[F], F]:
    """Declare what `fn` does; with options, only for calls that name one of them."""

    def declare(definition: F) -> F:
        DEFINITIONS[fn] = definition
        if options:
            WITH[fn] = frozenset(options)
        return definition

    return declare


def unread(reason: str) -> Any:
    """What stands for a part of a result that a definition does not give: to read it is refused."""
    return None


# Functions over sequences


@defines(functools.reduce)
def _(function: Any, iterable: Any, *initial: Any) -> Any:
    if len(initial) > 0:
        total, rest = initial[0], iterable
    else:
        total, rest = iterable[0], iterable[1:]
    for item in rest:
        total = function(total, item)
    return total


def place_of_largest(keys: Any) -> int:
    """The place of the first of the largest.

    >>> place_of_largest([1.0, 3.0, 3.0])
    1
    """
    return int(keys.index(max(keys)))


def place_of_smallest(keys: Any) -> int:
    """The place of the first of the smallest.

    >>> place_of_smallest([1.0, 3.0, 1.0])
    0
    """
    return int(keys.index(min(keys)))


def places_in_order(keys: Any, reverse: bool) -> list[int]:
    """The places of a list in ascending order, or descending; of equals, the first comes first.

    >>> places_in_order([2.0, 1.0, 2.0], False), places_in_order([2.0, 1.0, 2.0], True)
    ([1, 0, 2], [0, 2, 1])
    """
    return sorted(range(len(keys)), key=keys.__getitem__, reverse=reverse)


nondifferentiable(place_of_largest, place_of_smallest, places_in_order)


def itself(item: Any) -> Any:
    return item


@defines(builtins.sorted, "key")
def _(iterable: Any, *, key: Any = None, reverse: Any = False) -> Any:
    items = [item for item in iterable]
    places = places_in_order([key(item) for item in items], reverse)
    return [items[place] for place in places]


@defines(builtins.max, "key", "default")
def _(*args: Any, key: Any = None, **rest: Any) -> Any:
    items = args[0] if len(args) == 1 else args
    if "default" in rest:
        if len(items) == 0:
            return rest["default"]
    if key is None:
        return max(items)
    return items[place_of_largest([key(item) for item in items])]


@defines(builtins.min, "key", "default")
def _(*args: Any, key: Any = None, **rest: Any) -> Any:
    items = args[0] if len(args) == 1 else args
    if "default" in rest:
        if len(items) == 0:
            return rest["default"]
    if key is None:
        return min(items)
    return items[place_of_smallest([key(item) for item in items])]


@defines(np.fromiter)
def _(iter: Any, dtype: Any, count: Any = -1, *, like: Any = None) -> Any:
    items = [item for item in iter]
    return np.array(items if count < 0 else items[:count], dtype=dtype)


def columns_of(rows: Any, width: int | None) -> Any:
    """`zip(*rows)`, of rows whose number is not known, and whose width is if it is given.

    >>> columns_of([[1, 2], [3, 4], [5, 6]], None)
    [[1, 3, 5], [2, 4, 6]]
    """
    if len(rows) == 0:
        count = 0
    else:
        count = min([len(row) for row in rows]) if width is None else width
    return [[row[k] for row in rows] for k in range(count)]


# itertools


@defines(itertools.accumulate)
def _(iterable: Any, func: Any = operator.add, *, initial: Any = None) -> Any:
    if initial is not None:
        total, rest = initial, iterable
    else:
        total, rest = iterable[0], iterable[1:]
    yield total
    for item in rest:
        total = func(total, item)
        yield total


@defines(itertools.combinations)
def _(iterable: Any, r: Any) -> Any:
    if r == 2:
        for i in range(len(iterable)):
            for j in range(i + 1, len(iterable)):
                yield iterable[i], iterable[j]
    else:
        raise NotImplementedError("combinations of more than two")


def managed(make: Any, fn: Any, args: Any, kwargs: Any) -> Any:
    """A call of a function that a manager is the decorator of; each call enters one of its own."""
    with make():
        return fn(*args, **kwargs)


# What is drawn at random by its place


def put_in_order(items: Any, places: Any) -> None:
    """A list's items, each from the place that is named for it."""
    items[:] = [items[k] for k in places]


def taken_from(items: Any, places: Any) -> Any:
    """The items at these places."""
    return [items[k] for k in places]


# Dicts whose keys are known when the program runs


def updated(mapping: Any, other: Any) -> None:
    """`mapping.update(other)`."""
    for key, value in other.items():
        mapping[key] = value


def updated_by_pairs(mapping: Any, pairs: Any) -> None:
    """`mapping.update(pairs)`."""
    for key, value in pairs:
        mapping[key] = value


def last_taken_out(mapping: Any) -> Any:
    """`mapping.popitem()`."""
    key = list(mapping)[-1]
    return key, mapping.pop(key)


def first_taken_out(mapping: Any) -> Any:
    """`mapping.popitem(last=False)`."""
    key = list(mapping)[0]
    return key, mapping.pop(key)


def moved_to_end(mapping: Any, key: Any) -> None:
    """`mapping.move_to_end(key)`."""
    mapping[key] = mapping.pop(key)


def moved_to_front(mapping: Any, key: Any) -> None:
    """`mapping.move_to_end(key, last=False)`: the others go to the end, one after another."""
    mapping[key] = mapping.pop(key)
    for other in list(mapping)[:-1]:
        mapping[other] = mapping.pop(other)


def cleared(mapping: Any) -> None:
    """`mapping.clear()`."""
    for key in list(mapping):
        del mapping[key]


def dict_of_pairs(pairs: Any) -> Any:
    """`dict(pairs)`."""
    return {key: value for key, value in pairs}


def dict_of_keys(keys: Any, value: Any) -> Any:
    """`dict.fromkeys(keys, value)`."""
    return {key: value for key in keys}


# Functions made of functions


@defines(operator.itemgetter)
def _(*items: Any) -> Any:
    if len(items) == 1:
        return lambda obj: obj[items[0]]
    return lambda obj: tuple([obj[item] for item in items])


@defines(operator.iadd)
def _(a: Any, b: Any) -> Any:
    a += b
    return a


@defines(operator.isub)
def _(a: Any, b: Any) -> Any:
    a -= b
    return a


@defines(operator.imul)
def _(a: Any, b: Any) -> Any:
    a *= b
    return a


@defines(operator.itruediv)
def _(a: Any, b: Any) -> Any:
    a /= b
    return a


@defines(operator.call)
def _(obj: Any, *args: Any, **kwargs: Any) -> Any:
    return obj(*args, **kwargs)


@defines(operator.concat)
def _(a: Any, b: Any) -> Any:
    return a + b


def element_by_element(pyfunc: Any, args: Any) -> Any:
    """What `np.vectorize(pyfunc)(*args)` gives."""
    arrays = np.broadcast_arrays(*args)
    rows = [np.ravel(arrays[i]) for i in range(len(args))]
    results = [pyfunc(*items) for items in zip(*rows, strict=False)]
    return np.reshape(np.array(results), np.shape(arrays[0]))


@defines(np.fromfunction)
def _(function: Any, shape: Any, *, dtype: Any = float, like: Any = None, **kwargs: Any) -> Any:
    grid = np.indices(shape, dtype=dtype)
    return function(*[grid[k] for k in range(len(shape))], **kwargs)


@defines(np.vectorize)
def _(pyfunc: Any) -> Any:
    return lambda *args: element_by_element(pyfunc, args)


@defines(np.apply_along_axis)
def _(func1d: Any, axis: Any, arr: Any, *args: Any, **kwargs: Any) -> Any:
    moved = np.moveaxis(arr, axis, -1)
    lanes = np.reshape(moved, (-1, moved.shape[-1]))
    results = np.array([func1d(lane, *args, **kwargs) for lane in lanes])
    made = results.ndim - 1
    out = np.reshape(results, moved.shape[:-1] + results.shape[1:])
    at = axis % np.ndim(arr)
    return np.moveaxis(out, tuple(range(-made, 0)), tuple(range(at, at + made))) if made else out


@defines(np.apply_over_axes)
def _(func: Any, a: Any, axes: Any) -> Any:
    for axis in axes if isinstance(axes, (tuple, list)) else (axes,):
        reduced = func(a, axis)
        a = reduced if np.ndim(reduced) == np.ndim(a) else np.expand_dims(reduced, axis)
    return a


@defines(np.piecewise)
def _(x: Any, condlist: Any, funclist: Any, *args: Any, **kw: Any) -> Any:
    conditions = condlist if isinstance(condlist, (tuple, list)) else [condlist]
    if len(funclist) > len(conditions):
        conditions = [*conditions, ~np.any(conditions, axis=0)]
    y = np.zeros_like(x)
    for condition, function in zip(conditions, funclist, strict=False):
        if callable(function):
            y[condition] = function(x[condition], *args, **kw)
        else:
            y[condition] = function
    return y
