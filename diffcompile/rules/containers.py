"""Containers and objects: what generated code needs that Python lacks, and how each is differentiated.

    zeros_of([[1.0, 2.0], []])           ->     [[0.0, 0.0], []]
    sum_of([1.0, [2.0]], [0.5, [1.0]])   ->     [1.5, [3.0]]

The cotangent of a list is the list of the cotangents of its items, that of a dict the dict of those of its
values; a key that it lacks is one that nothing has flowed back to.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .broadcast import broadcast_like, unbroadcast
from .register import deflinear, nondifferentiable


def zeros_of(x: Any) -> Any:
    """Zeros in the structure of a container of numbers and arrays."""
    if isinstance(x, dict):
        return {key: zeros_of(item) for key, item in x.items()}
    if isinstance(x, (list, tuple)):
        return [zeros_of(item) for item in x]
    return np.zeros_like(x) if isinstance(x, np.ndarray) else 0.0


def copy_of(x: Any) -> Any:
    """A container with copies of its arrays and of the containers in it."""
    if isinstance(x, dict):
        return {key: copy_of(item) for key, item in x.items()}
    if isinstance(x, (list, tuple)):
        items = [copy_of(item) for item in x]
        return type(x)(*items) if hasattr(x, "_fields") else type(x)(items)
    return np.copy(x) if isinstance(x, np.ndarray) else x


def sum_of(a: Any, b: Any) -> Any:
    """The sum of two containers of numbers and arrays, item by item; None and 0.0 are zeros of any form."""
    if a is None or isinstance(a, float) and a == 0.0:
        return copy_of(b)
    if b is None or isinstance(b, float) and b == 0.0:
        return copy_of(a)
    if isinstance(a, dict):
        return {**a, **{key: sum_of(a[key], item) if key in a else item for key, item in b.items()}}
    if isinstance(a, (list, tuple)) or isinstance(b, (list, tuple)):
        return [sum_of(x, y) for x, y in zip(a, b, strict=True)]
    return a + b


def sum_of_copies(ct: Any, items: Any) -> Any:
    """What flows back to a list that was repeated, of what flows back to all of its copies."""
    return [sum(ct[k :: len(items)]) for k in range(len(items))]


def keys_of(mapping: dict[Any, Any]) -> list[Any]:
    """The keys of a dict, in order."""
    return list(mapping)


def values_of(mapping: dict[Any, Any]) -> list[Any]:
    """The values of a dict, in order."""
    return list(mapping.values())


def entry(mapping: dict[Any, Any], key: Any, zero: Any) -> Any:
    """The value at a key, `zero` if there is none."""
    return mapping.get(key, zero)


def with_keys(keys: list[Any], values: list[Any]) -> dict[Any, Any]:
    """The dict of these keys and values."""
    return dict(zip(keys, values, strict=True))


def with_attributes(cls: Any, attributes: dict[str, Any]) -> Any:
    """An object of a class that has these attributes; its `__init__` is not run."""
    made = object.__new__(cls)
    for name, value in attributes.items():
        object.__setattr__(made, name, value)
    return made


nondifferentiable(zeros_of, keys_of)


# What is a number, an array or a list is seen when the program runs: `a + b` adds them, or joins them.


def is_row(x: Any) -> bool:
    """Is this a list or a tuple?"""
    return isinstance(x, (list, tuple))


def of_first(ct: Any, a: Any, b: Any) -> Any:
    """What flows back to `a` in `a + b`.

    >>> of_first([1.0, 2.0, 3.0], [0.0], [0.0, 0.0]), float(of_first(np.ones(3), 1.0, np.ones(3)))
    ([1.0], 3.0)
    """
    return ct[: len(a)] if is_row(a) and is_row(b) else unbroadcast(ct, a)


def of_second(ct: Any, a: Any, b: Any) -> Any:
    """What flows back to `b` in `a + b`.

    >>> of_second([1.0, 2.0, 3.0], [0.0], [0.0, 0.0])
    [2.0, 3.0]
    """
    return ct[len(a) :] if is_row(a) and is_row(b) else unbroadcast(ct, b)


def in_first(ct: Any, out: Any, a: Any, b: Any) -> Any:
    """`ct`, which is of the form of `a`, in the form of `out`, a cotangent of `a + b`."""
    if is_row(a) and is_row(b):
        return of_kind([*ct, *zeros_of(b)], out)
    return broadcast_like(ct, out)


def in_second(ct: Any, out: Any, a: Any, b: Any) -> Any:
    """`ct`, which is of the form of `b`, in the form of `out`, a cotangent of `a + b`."""
    if is_row(a) and is_row(b):
        return of_kind([*zeros_of(a), *ct], out)
    return broadcast_like(ct, out)


def of_kind(items: Any, like: Any) -> Any:
    """The items as an array, if the other is one."""
    return np.array(items) if isinstance(like, np.ndarray) else items


def of_repeated(ct: Any, a: Any, n: int) -> Any:
    """What flows back to `a` in `a * n`, which repeats a list.

    >>> of_repeated([1.0, 2.0], [0.0], 2), of_repeated(1.0, 0.0, 2)
    ([3.0], 2.0)
    """
    return sum_of_copies(ct, a) if is_row(a) else unbroadcast(n * ct, a)


def in_repeated(ct: Any, out: Any, a: Any, n: int) -> Any:
    """`ct`, which is of the form of `a`, in the form of `out`, a cotangent of `a * n`."""
    return of_kind(list(ct) * n, out) if is_row(a) else broadcast_like(n * ct, out)


def part_of(ct: Any, k: int) -> Any:
    """An item of the cotangent of a tuple or an object; the number 0.0 is that of one of any form.

    >>> part_of([1.0, [2.0, 3.0]], 1), part_of(0.0, 1)
    ([2.0, 3.0], 0.0)
    """
    return 0.0 if isinstance(ct, float) else ct[k]


def in_part(ct: Any, whole: Any, k: int) -> Any:
    """`ct`, which is of the form of an item, in the form of the `whole`.

    >>> in_part([2.0, 3.0], [1.0, [0.5, 0.5]], 1), in_part(0.0, 0.0, 1)
    ([0.0, [2.0, 3.0]], 0.0)
    """
    if isinstance(whole, float):
        return 0.0
    return [ct if i == k else zeros_of(item) for i, item in enumerate(whole)]


@deflinear(part_of)
def _(ct: Any, out: Any, whole: Any, k: Any) -> Any:
    return in_part(ct, whole, k)


@deflinear(in_part)
def _(ct: Any, out: Any, part: Any, whole: Any, k: Any) -> Any:
    return part_of(ct, k)


@deflinear(of_first)
def _(ct: Any, out: Any, y: Any, a: Any, b: Any) -> Any:
    return in_first(ct, y, a, b)


@deflinear(of_second)
def _(ct: Any, out: Any, y: Any, a: Any, b: Any) -> Any:
    return in_second(ct, y, a, b)


@deflinear(in_first)
def _(ct: Any, out: Any, x: Any, y: Any, a: Any, b: Any) -> Any:
    return of_first(ct, a, b)


@deflinear(in_second)
def _(ct: Any, out: Any, x: Any, y: Any, a: Any, b: Any) -> Any:
    return of_second(ct, a, b)


@deflinear(of_repeated)
def _(ct: Any, out: Any, y: Any, a: Any, n: Any) -> Any:
    return in_repeated(ct, y, a, n)


@deflinear(in_repeated)
def _(ct: Any, out: Any, x: Any, y: Any, a: Any, n: Any) -> Any:
    return of_repeated(ct, a, n)


