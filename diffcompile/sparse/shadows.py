"""Shadows: beside a value of the program, something of its form that holds nodes in place of its numbers.

    2.5               7                        the number depends on what node 7 does
    np.zeros(3)       np.array([0, 4, 7])      the first element depends on nothing
    [x, 1.0]          [7, None]                None stands for what depends on nothing, whatever its form
    an object         Attributes(w=7), or Whole(7): all that is in it depends on what node 7 does

A shadow is read and written by the functions that read and write the value, so it never shares memory with
another one whose value does not.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from .dependencies import NUMBER, Nodes


@dataclass(frozen=True, slots=True)
class Whole:
    """The shadow of an object that is not looked into."""

    node: int


class Attributes(dict[str, Any]):
    """The shadow of an object: those of its attributes."""


Shadow = Any


def carries(value: Any) -> bool:
    """May this value be differentiated, or hold something that may?"""
    if isinstance(value, (np.ndarray, np.generic)):
        return value.dtype.kind in "fcO"
    return not isinstance(value, (bool, int, str, bytes, type(None), slice, range, type))


def filled(value: Any, node: int) -> Shadow:
    """The shadow of a value all of which depends on what a node does."""
    if not node or not carries(value):
        return None
    if isinstance(value, np.ndarray):
        return np.full(value.shape, node, NUMBER)
    if isinstance(value, (float, complex, np.generic)):
        return node
    if isinstance(value, (list, tuple)):
        items = [filled(item, node) for item in value]
        return items if isinstance(value, list) else tuple(items)
    if type(value) is dict:
        return {key: filled(item, node) for key, item in value.items()}
    return Whole(node)


def blank(value: Any) -> Shadow:
    """The shadow, to be written into, of a value that depends on nothing so far."""
    if isinstance(value, np.ndarray):
        return np.zeros(value.shape, NUMBER)
    if isinstance(value, list):
        return [None] * len(value)
    if isinstance(value, dict):
        return dict.fromkeys(value)
    if isinstance(value, (int, float, complex, np.generic)):
        return 0
    return Attributes() if hasattr(value, "__dict__") else Whole(0)


def nodes_in(shadow: Shadow) -> Iterator[Nodes]:
    """All the nodes in a shadow, piece by piece."""
    if shadow is None:
        return
    if isinstance(shadow, np.ndarray):
        yield shadow.ravel()
    elif isinstance(shadow, (int, Whole)):
        yield np.array([shadow if isinstance(shadow, int) else shadow.node], NUMBER)
    else:
        for part in shadow.values() if isinstance(shadow, dict) else shadow:
            yield from nodes_in(part)


def is_blank(shadow: Shadow) -> bool:
    """Does nothing in this value depend on the arguments?"""
    if shadow is None:
        return True
    if isinstance(shadow, int):
        return shadow == 0
    return not any(part.any() for part in nodes_in(shadow))


def nodes_of(value: Any, shadow: Shadow) -> Nodes:
    """The nodes of a number, an array, or what NumPy makes an array of."""
    if isinstance(shadow, np.ndarray):
        return shadow
    if shadow is None:
        return np.zeros(np.shape(value), NUMBER)
    if isinstance(shadow, int):
        return np.full(np.shape(value), shadow, NUMBER)
    if isinstance(shadow, (list, tuple)) and len(shadow):
        if all(s is None or isinstance(s, int) for s in shadow) and np.ndim(value[0]) == 0:
            return np.array([s or 0 for s in shadow], NUMBER)
        return np.array([nodes_of(v, s) for v, s in zip(value, shadow, strict=True)], NUMBER)
    if isinstance(shadow, Whole):
        return np.full(np.shape(value), shadow.node, NUMBER)
    if not isinstance(shadow, (list, tuple)):
        raise TypeError("a container by name is no array")
    return np.zeros(np.shape(value), NUMBER)


def mirrored(value: Any, shadow: Shadow) -> Any:
    """Nodes in the form of a value, for a function that only moves numbers; 0 stands for none."""
    if isinstance(shadow, (np.ndarray, int)):
        return shadow
    if isinstance(value, (list, tuple)):
        inner = shadow if isinstance(shadow, (list, tuple)) else (shadow,) * len(value)
        items = [mirrored(v, s) for v, s in zip(value, inner, strict=True)]
        return items if isinstance(value, list) else tuple(items)
    node = shadow.node if isinstance(shadow, Whole) else 0
    if isinstance(value, np.ndarray):
        return np.full(value.shape, node, NUMBER)
    return node if isinstance(value, (int, float, complex, np.generic)) else value


def settled(value: Any, found: Any) -> Shadow:
    """What a function made of nodes, as the shadow of what it made of the values.

    Raises ValueError if it is of another form.
    """
    if isinstance(value, np.ndarray):
        nodes = np.asarray(found)
        if nodes.shape != value.shape or nodes.dtype != NUMBER:
            raise ValueError("the nodes of an array have its shape")
        return nodes
    if isinstance(value, (list, tuple)):
        items = [settled(v, f) for v, f in zip(value, found, strict=True)]
        return items if isinstance(value, list) else tuple(items)
    if isinstance(value, (int, float, complex, np.generic)):
        return int(found) or None
    raise ValueError("nodes are of numbers, and of arrays and sequences of them")
