"""Containers and objects: what generated code needs that Python lacks, and how each is differentiated.

    zeros_of([[1.0, 2.0], []])           ->     [[0.0, 0.0], []]
    sum_of([1.0, [2.0]], [0.5, [1.0]])   ->     [1.5, [3.0]]

The cotangent of a list is the list of the cotangents of its items, that of a dict the dict of those of its
values; a key that it lacks is one that nothing has flowed back to.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .register import nondifferentiable


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
    if isinstance(x, list):
        return [copy_of(item) for item in x]
    return np.copy(x) if isinstance(x, np.ndarray) else x


def sum_of(a: Any, b: Any) -> Any:
    """The sum of two containers of numbers and arrays, item by item; None and 0.0 are zeros of any form."""
    if a is None or b is None:
        return b if a is None else a
    if isinstance(a, float) and a == 0.0 or isinstance(b, float) and b == 0.0:
        return b if isinstance(a, float) and a == 0.0 else a
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


