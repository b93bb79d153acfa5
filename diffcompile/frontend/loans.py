"""The arguments of a function that is lowered as a graph of its own: its parameters, and what they are given.

    grad(inner)({"w": w, "n": 3}, x)         parameters w, x; inside, a dict that holds the parameter w
"""

from __future__ import annotations

import keyword
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ..ir.graph import Atom, Const, Value
from ..ir.types import number
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

    def one(self, frame: Any, ref: Ref, name: str) -> Ref:
        """A number or an array, as a parameter."""
        atom = frame.atom(ref)
        known = number(np.dtype(type(atom.value))) if _numpy(atom) else atom.type
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
