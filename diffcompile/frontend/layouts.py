"""The structure that a derivative has: that of what it is taken with respect to.

A number or an array is a value of the graph, a container a tuple (class, keys, parts, how it is built), what
cannot vary None, and a list of any length an `Each`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ..analysis.activity import can_vary
from ..ir.graph import Const, Value
from ..ir.types import Type


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """What the items of a list have in common: their class, the names of their parts, which are constants."""

    cls: type
    keys: tuple[Any, ...]
    constants: tuple[Const | None, ...]
    types: tuple[Type, ...]
    names: tuple[str, ...] = ()  # what a loop calls the parts

    @property
    def of_tuples(self) -> bool:
        return issubclass(self.cls, tuple)

    @property
    def type(self) -> Type:
        if self.of_tuples:
            return Type("tuple", items=self.types)
        return Type("dict" if issubclass(self.cls, dict) else "object", items=self.types, keys=self.keys)


@dataclass(frozen=True, slots=True, eq=False)
class Each:
    """The derivative with respect to a list: one of `layout` for each item, or of the type of the item.

    `names` are what a loop calls the parts of an item. With a `path` it is that of a part of the list, which
    is of the type `part`: in what is computed for the list, the part is found by these places and keys.
    """

    value: Value
    layout: Layout | None = None
    names: tuple[str, ...] = ()
    path: tuple[Any, ...] = ()
    part: Type | None = None

    @property
    def known(self) -> Type:
        """The type of what the derivative is taken with respect to."""
        return self.value.type if self.part is None else self.part


def values_in(shape: Any) -> Iterator[Value]:
    """The values in the structure that a derivative has."""
    if isinstance(shape, (Value, Each)):
        yield shape if isinstance(shape, Value) else shape.value
    elif shape is not None:
        for part in shape[2]:
            yield from values_in(part)


def can_move(shape: Any) -> bool:
    """Is there anything in this structure that a derivative can be taken with respect to?"""
    if isinstance(shape, Each):
        return can_hold_floats(shape.known)
    if isinstance(shape, Value):
        return can_vary(shape)
    return shape is not None and any(map(can_move, shape[2]))


def can_hold_floats(known: Type) -> bool:
    """Is there anything in a value of this type that could move?"""
    if known.kind in ("list", "tuple", "dict", "object"):
        parts = [known.elem] if known.items is None else list(known.items)
        return any(part is None or can_hold_floats(part) for part in parts)
    return known.kind not in ("bool", "int", "str", "none", "range") and not known.is_integer


def is_built(known: Type) -> bool:
    """Is a derivative with respect to this of another structure than what is computed for it?"""
    if known.kind == "list":
        return known.elem is not None and (is_built(known.elem) or not can_hold_floats(known.elem))
    return known.kind == "tuple" or known.is_record or known.kind == "dict" and bool(known.entries)


def classes_in(known: Type) -> Iterator[type]:
    """The classes of the objects in a value of this type."""
    if known.is_record and known.cls is not None:
        yield known.cls
    for part in known.parts:
        yield from classes_in(part)
