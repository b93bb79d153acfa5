"""The arguments of a function that is lowered as a graph of its own: its parameters, and what they are given.

    grad(inner)({"w": w, "n": 3}, x)         parameters w, x; inside, a dict that holds the parameter w
"""

from __future__ import annotations

import keyword
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ..errors import WrongArgument
from ..ir.graph import Atom, Const, Value
from ..ir.types import Type, array, number
from .core import MUTABLE
from .heap import Cell, Entries, Items, Obj, Ref, Tup, View

LENT = "an argument of the function that is differentiated is written inside it"
RESERVED = frozenset({"np", "math", "scipy", "itertools", "operator"})  # what a module imports


@dataclass
class Loan:
    """The arguments of a function that is lowered apart: its parameters, and what they are given."""

    params: list[Value] = field(default_factory=list)
    atoms: list[Atom] = field(default_factory=list)
    given: list[Ref] = field(default_factory=list)  # the references that these are the values of
    contents: list[tuple[Cell, Any]] = field(default_factory=list)
    known: dict[Cell, Ref] = field(default_factory=dict)
    around: dict[Cell, set[Cell]] = field(default_factory=dict)  # by a cell inside, those outside that it is
    axis: int | None = None  # of what is lent now: inside, an array is a row of it along that axis
    axes: dict[int, int] = field(default_factory=dict)  # of the parameters that are rows

    def one(self, frame: Any, ref: Ref, name: str) -> Ref:
        """A number or an array, as a parameter."""
        atom = frame.atom(ref)
        known = number(np.dtype(type(atom.value))) if _numpy(atom) else atom.type
        if self.axis is not None:
            known, self.axes[len(self.params)] = _row(frame, known, name, self.axis)
        param = Value(free_name(name, {p.name for p in self.params}), known, named=True)
        self.params.append(param)
        self.atoms.append(atom)
        self.given.append(ref)
        if known.kind not in MUTABLE:
            return param
        seen = isinstance(ref, Obj) or isinstance(ref, View) and ref.sure
        cell = Cell(name, "" if seen and known.kind == "array" else LENT, param=True)
        self.contents.append((cell, param))
        self.around[cell] = frame.cells(ref) | {s for c in frame.cells(ref) for s in c.shares}
        return Obj(cell)

    def active(self, frame: Any, ref: Ref, name: str) -> Ref:
        """What is differentiated with respect to: each number and array in it is a parameter."""
        if isinstance(ref, Const):
            known = ref.value
            if isinstance(known, (tuple, list)):
                items = frame.static_items(ref)
                return Tup(tuple(self.active(frame, r, f"{name}_{k}") for k, r in enumerate(items)))
            floating = isinstance(known, (float, complex)) or _numpy(ref)
            return self.one(frame, ref, name) if floating else ref
        items = frame.static_items(ref) if isinstance(ref, (Tup, Value)) else None
        if items is not None:
            cls = ref.cls if isinstance(ref, Tup) else tuple
            names = getattr(cls, "_fields", None) or [f"{name}_{k}" for k in range(len(items))]
            return Tup(tuple(self.active(frame, r, n) for r, n in zip(items, names, strict=True)), cls)
        if not isinstance(ref, Obj):
            return self.one(frame, ref, name) if isinstance(ref, (Value, View)) else ref
        if ref.cell in self.known:
            return self.known[ref.cell]
        frame.looked_into(ref)
        content = frame.state.heap[ref.cell]
        if not isinstance(content, (Items, Entries)):
            return self.one(frame, ref, name)
        cell = Cell(name, LENT)
        lent = self.known[ref.cell] = Obj(cell)
        if isinstance(content, Items):
            parts = tuple(self.active(frame, r, f"{name}_{k}") for k, r in enumerate(content.items))
            self.contents.append((cell, replace(content, items=parts, handle=None)))
            return lent
        content = frame.whole_object(ref)
        pairs = tuple((k, self.active(frame, r, _part_name(name, k))) for k, r in content.entries)
        self.contents.append((cell, replace(content, entries=pairs, handle=None)))
        return lent

    def rows(self, frame: Any, ref: Ref, name: str, axis: int | None) -> Ref:
        """An argument whose arrays are rows along `axis`, or the same for all rows."""
        if axis is None:
            return self.passive(frame, ref, name)
        self.axis = axis
        lent = self.active(frame, ref, name)
        self.axis = None
        return lent

    def written(self, frame: Any) -> list[tuple[int, Atom]]:
        """The arrays that were written, by their place, and what they are afterwards."""
        place = {p: k for k, p in enumerate(self.params)}
        inside = [(place[p], p, frame.state.heap[cell]) for cell, p in self.contents if p in place]
        return [(k, now) for k, before, now in inside if now is not before]

    def passive(self, frame: Any, ref: Ref, name: str) -> Ref:
        """Another argument: a container, a function or a constant is what it is."""
        plain = isinstance(ref, (Value, View)) or (
            isinstance(ref, Obj) and not isinstance(frame.state.heap[ref.cell], (Items, Entries))
        )
        return self.one(frame, ref, name) if plain else ref


def _row(frame: Any, known: Type, name: str, axis: int) -> tuple[Type, int]:
    """What is known of a row of an array, and the axis that the rows lie along, counted from the first."""
    if known.is_scalar:
        raise WrongArgument(f"`{name}` is a number, which has no rows", frame.b.line, "Make it an array.")
    if known.kind != "array" or known.shape is None:
        reason = f"how many axes `{name}` has, of which the rows are taken here, is not known"
        raise frame.refuse(reason, "Hand in an array.")
    rank = len(known.shape)
    if not -rank <= axis < rank:
        raise WrongArgument(f"`{name}` has {rank} axes, and is mapped along axis {axis}", frame.b.line)
    axis %= rank
    shape = (*known.shape[:axis], *known.shape[axis + 1 :])
    return (array(known.dtype, shape) if shape else number(known.dtype)), axis


def has_rows(frame: Any, ref: Ref) -> bool:
    """Is there an array with an axis in this argument?"""
    if isinstance(ref, Tup):
        return any(has_rows(frame, r) for r in ref.items)
    content = frame.state.heap.get(ref.cell) if isinstance(ref, Obj) else None
    if isinstance(content, Items):
        return any(has_rows(frame, r) for r in content.items)
    if isinstance(content, Entries):
        return any(has_rows(frame, r) for r in content.refs)
    items = frame.static_items(ref) if isinstance(ref, Value) else None
    if items is not None:
        return any(has_rows(frame, r) for r in items)
    if not isinstance(ref, (Value, Obj, View)):
        return False
    known = frame.type_of(ref)
    return bool(known.kind == "unknown" or known.kind == "array" and known.shape != ())


def _numpy(atom: Ref) -> bool:
    return isinstance(atom, Const) and isinstance(atom.value, np.generic) and atom.value.dtype.kind in "fc"


def _part_name(name: str, key: Any) -> str:
    return key if isinstance(key, str) and key.isidentifier() else f"{name}_{key}".replace("-", "_")


def free_name(name: str, taken: set[str]) -> str:
    """A name for a parameter that no other has, and that means nothing else in a module."""
    candidate, number = name, 0
    while candidate in taken or candidate in RESERVED or keyword.iskeyword(candidate):
        number += 1
        candidate = f"{name}_{number}"
    return candidate
