"""Make every item of a list or dict that is written through it an object of its own.

    rows_bar = [g, g]                     rows_bar = [np.copy(g), np.copy(g)]
    rows_bar[i][j] = 0.0           ->     rows_bar[i][j] = 0.0

Before: an item may be known by other names, or be in two places: every value is a value. After: what is put
into a container whose items are written is put nowhere else and read nowhere else, so that those writes may
run in place as soon as the container itself is nobody else's (`passes/inplace.py`).
"""

from __future__ import annotations

import copy
import operator
from collections import Counter
from collections.abc import Callable, Collection, Hashable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ..analysis.liveness import MUTABLE, Liveness, liveness, new_list, reach, sees_memory
from ..errors import NOWHERE, Span, UndecidedAlias
from ..ir.graph import (
    Atom,
    Call,
    For,
    Function,
    Instr,
    Region,
    Store,
    Value,
    While,
    pack_dict,
    pack_list,
    pack_object,
    pack_tuple,
)
from ..ir.types import SCALARS, Type
from ..ir.walk import instructions, map_regions, operands, regions, values
from ..rules.containers import copy_of, sum_of, values_of, with_keys, zeros_of

_IMMUTABLE = SCALARS | {"str", "none", "range", "unbound", "function"}
_CONTAINERS = ("list", "dict", "object")
_ENTERING = frozenset({list.append, list.insert, list.extend, operator.setitem, dict.setdefault, setattr})
_MADE = (zeros_of, copy_of, sum_of, copy.deepcopy)
_PACKS = {pack_list: 0, pack_dict: 1, pack_object: 2}  # and how many arguments come before the items


def written_inside(region: Region) -> list[Value]:
    """The containers of which an item is written."""
    stores = (i for i in instructions(region) if isinstance(i, Store) and i.path)
    return [s.target for s in stores if isinstance(s.target, Value) and s.target.type.kind != "array"]


def items_apart(region: Region) -> tuple[Region, set[Value]]:
    """The region in which what is put into a container whose items are written is put there alone.

    With it come those containers, in all their versions.
    """
    targets = written_inside(region)
    if not targets:
        return region, set()
    live = liveness(region)
    ahead = _as_versions(region, live, targets)
    both: dict[Value, list[Value]] = {}
    for a, outs in ahead.items():
        for b in outs:
            both.setdefault(a, []).append(b)
            both.setdefault(b, []).append(a)
    known = _Known(both)
    for instr in instructions(region):
        for atom in (*operands(instr), *(r for part in regions(instr) for r in part.results)):
            if isinstance(atom, Value):
                known.reads[atom] += 1
    for value in targets:
        known.add(value)
    size = 0
    while size != len(known.family):  # what is put into them is a container of that kind too
        size = len(known.family)
        for instr in instructions(region):
            for item in known.handed_on(instr):
                known.add(item)
    stores = (i for i in instructions(region) if isinstance(i, Store) and i.visible and i.path)
    seen = reach([s.target for s in stores if isinstance(s.target, Value)], known.both)
    # The caller's are written where the caller sees it: they were found to be nobody else's at the call.
    given = [*region.params, *(o for i in region.body if _is_read(i, known) for o in i.outs)]
    known.given = {v for v in given if v in known.family and v in seen}
    known.theirs = reach(list(known.given), live.flows) - known.given
    ours = [p for p in region.params if p in known.family and p not in seen]
    return _Apart(known).region(region, ours), known.family


def _is_read(instr: Instr, known: _Known) -> bool:
    """Is this read of an object that is the caller's?"""
    reads = isinstance(instr, Call) and instr.fn in (getattr, operator.getitem)
    return reads and known.family.isdisjoint(values(operands(instr)))


def _as_versions(region: Region, live: Liveness, targets: Collection[Value]) -> dict[Value, list[Value]]:
    """From each value to those that are the same object, or a version of it."""
    loops = [i for i in instructions(region) if isinstance(i, For)]
    turning = {p for loop in loops for p in loop.body.params[: len(loop.items)]}
    # A tuple is no version of what it holds, and nothing is written through one that is not a target.
    tuples = {o for i in instructions(region) if isinstance(i, Call) and i.fn is pack_tuple for o in i.outs}
    parts = live.items | turning | tuples.difference(targets)
    ahead = {a: [b for b in outs if b not in parts] for a, outs in live.flows.items()}
    for result, params in live.turns.items():
        ahead.setdefault(result, []).extend(params)
    return ahead


@dataclass
class _Known:
    """Which values are containers with items of their own, and how often each value is read."""

    both: dict[Value, list[Value]]
    family: set[Value] = field(default_factory=set)
    reads: Counter[Value] = field(default_factory=Counter)
    given: set[Value] = field(default_factory=set)  # containers of the caller's that are written
    theirs: set[Value] = field(default_factory=set)  # what may be in one of those

    def add(self, value: Value) -> None:
        if value not in self.family:
            self.family |= {v for v in reach([value], self.both) if v.type.kind not in _IMMUTABLE | {"array"}}

    def handed_on(self, instr: Instr) -> list[Value]:
        """The containers that are read for one thing: to become items of those here, or for theirs to."""
        atoms: list[Atom] = []
        if isinstance(instr, (For, While)):
            count = len(instr.init)
            pairs = zip(instr.outs[count:], instr.body.results[count + 1 :], strict=True)
            atoms = [result for out, result in pairs if out in self.family]
        elif isinstance(instr, (Call, Store)) and instr.outs and instr.outs[0] in self.family:
            if isinstance(instr, Store):
                atoms = list(instr.args[-1:]) if enters(instr) else []
            elif instr.fn in _PACKS:
                atoms = list(instr.args)
            elif passes_on(instr):
                atoms = sources(instr)
        return [a for a in atoms if isinstance(a, Value) and self.alone(a) and a.type.kind in _CONTAINERS]

    def alone(self, value: Value) -> bool:
        return self.reads[value] == 1


def enters(instr: Store) -> bool:
    """Is the last argument of this, or what is in it, put into a container?"""
    return isinstance(instr.fn, Hashable) and instr.fn in _ENTERING and bool(instr.args)


def passes_on(instr: Call) -> bool:
    """Are the items of this list or dict those of an argument, or of one of two dicts?"""
    if not isinstance(instr.fn, Hashable) or not instr.args or instr.outs[0].type.kind not in _CONTAINERS:
        return False
    sliced = instr.fn is operator.getitem and new_list(instr)
    if instr.fn is sum_of:
        return _holds_dicts(instr.outs[0].type)
    return sliced or instr.fn in (list, dict, with_keys, values_of)


def sources(instr: Call) -> list[Atom]:
    """Of what the items are that such a call passes on."""
    if instr.fn is sum_of:
        return list(instr.args)
    return [instr.args[1 if instr.fn is with_keys else 0]]


def _holds_dicts(known: Type) -> bool:
    """May there be a dict in this, whose entries a sum hands on where the other dict has none?"""
    parts = (*(known.items or ()), *((known.elem,) if known.elem is not None else ()))
    if known.kind == "list":
        return not parts or any(map(_holds_dicts, parts))
    return known.kind not in SCALARS | {"array"}


class _Apart:
    def __init__(self, known: _Known) -> None:
        self.known = known

    def region(self, region: Region, params: Collection[Value] = ()) -> Region:
        """What is made in a region is copied where it is not a container's own; so are these parameters."""
        body: list[Instr] = []
        for param in params:
            given = _again(param)
            region = replace(region, params=tuple(given if p is param else p for p in region.params))
            body.append(_copied(param, given))
        fresh: set[Value] = set()
        for instr in region.body:
            if isinstance(instr, (For, While)):
                instr = self.loop(instr)
            elif not isinstance(instr, (Call, Store)):
                instr = map_regions(self.region, instr)
            elif isinstance(instr, Call):
                instr = self.call(instr, body, fresh)
            else:
                instr = self.store(instr, body, fresh)
            body.append(instr)
            self.mark(instr, fresh)
            if isinstance(instr, Call) and not self._fresh(instr) and not self._makes(instr):
                body[-1:] = self._taken_over(instr)
        return Region(region.params, tuple(body), region.results)

    def loop(self, instr: For | While) -> For | While:
        """The lists that a loop saves are containers of what its turns hand over."""
        count = len(instr.init)
        inner = replace(instr, body=self.region(instr.body))
        body, results = list(inner.body.body), list(inner.body.results)
        made: set[Value] = set()
        for part in body:
            self.mark(part, made)
        for k, out in enumerate(instr.outs[count:], count + 1):
            if out in self.known.family:
                results[k] = self.entering(results[k], body, made)
        return replace(inner, body=replace(inner.body, body=tuple(body), results=tuple(results)))

    def call(self, instr: Call, body: list[Instr], fresh: set[Value]) -> Call:
        if instr.fn not in _PACKS or instr.outs[0] not in self.known.family:
            return instr
        first = _PACKS[instr.fn]
        items = [self.entering(a, body, fresh) for a in instr.args[first:]]
        return replace(instr, args=(*instr.args[:first], *items))

    def store(self, instr: Store, body: list[Instr], fresh: set[Value]) -> Store:
        if instr.outs[0] in self.known.family and enters(instr):
            return replace(instr, args=(*instr.args[:-1], self.entering(instr.args[-1], body, fresh)))
        return instr

    def entering(self, item: Atom, body: list[Instr], fresh: set[Value]) -> Atom:
        """The item itself, if it was made for this alone; a copy if not."""
        if not isinstance(item, Value) or item.type.kind in _IMMUTABLE:
            return item
        if item in fresh and self.known.alone(item):
            return item
        out = _again(item)
        self.stays(item, body[-1].line if body else NOWHERE)
        body.append(_copied(out, item))
        return out

    def stays(self, item: Value, line: Span) -> None:
        """Refuse to copy an object of the caller's that is written."""
        if item in self.known.theirs and item.type.kind in MUTABLE:
            raise UndecidedAlias(
                "an item of the caller's list is put into another place, and items are written",
                line, "Change a copy of the list: `copy.deepcopy(rows)`.",
            )  # fmt: skip

    def mark(self, instr: Instr, fresh: set[Value]) -> None:
        """Add what an instruction makes that nothing else refers to, or another version of it."""
        if isinstance(instr, (For, While)):
            fresh.update(instr.outs[len(instr.init) :])
        elif isinstance(instr, Store) and instr.target in fresh:
            if isinstance(instr.target, Value) and self.known.alone(instr.target):
                fresh.update(instr.outs[:1])
        elif isinstance(instr, Call) and self._fresh(instr):
            fresh.update(instr.outs)

    def _fresh(self, instr: Call) -> bool:
        """Is what this makes an object that nothing else refers to, and are its items?"""
        if isinstance(instr.fn, Function) or not isinstance(instr.fn, Hashable) or len(instr.outs) != 1:
            return False
        if passes_on(instr):
            args = [a for a in sources(instr) if isinstance(a, Value)]
            owned = all(a in self.known.family and self.known.alone(a) for a in args)
            return owned or self._repeated(instr)
        if instr.fn in _MADE or instr.fn in _PACKS:
            return True
        if instr.outs[0].type.kind in ("list", "dict", "tuple", "unknown", "object"):
            return self._repeated(instr)
        return not sees_memory(instr)

    @staticmethod
    def _repeated(instr: Call) -> bool:
        """Is this `[0.0] * n`, a list of numbers?"""
        known = instr.args[0].type if instr.fn is operator.mul and instr.args else instr.outs[0].type
        numbers = known.elem is not None and known.elem.kind in _IMMUTABLE
        return instr.fn in (operator.mul, operator.add, list) and numbers

    def _makes(self, instr: Call) -> bool:
        """Is none of what this makes a container whose items are written?"""
        return (self.known.family - self.known.given).isdisjoint(instr.outs)

    def _taken_over(self, instr: Call) -> list[Instr]:
        """A container whose items others hold as well is copied, with its items, where it is made."""
        for out in instr.outs:
            self.stays(out, instr.line)
        table = {out: _again(out) for out in instr.outs if out in self.known.family}
        outs = tuple(table.get(o, o) for o in instr.outs)
        return [replace(instr, outs=outs), *(_copied(out, inner) for out, inner in table.items())]


def _again(value: Value) -> Value:
    return Value(value.name, value.type, value.named)


def _copied(out: Value, value: Value) -> Call:
    return Call((out,), np.copy if value.type.kind == "array" else whole_copier(value.type), (value,))


def whole_copier(known: Type) -> Callable[..., Any]:
    """The function that copies a container and what is in it."""
    return copy.deepcopy if known.holds_records or known.holds_tuples else copy_of


def deep(region: Region, before: Region) -> Region:
    """The copies of containers that were added to `before`: where items are written, of the items as well."""
    there = set(instructions(before))

    def visit(part: Region) -> Region:
        body = []
        for instr in part.body:
            added = isinstance(instr, Call) and instr.fn in (list, dict, copy.copy) and instr not in there
            if added and holds(instr.outs[0]):
                assert isinstance(instr, Call)
                instr = replace(instr, fn=whole_copier(instr.outs[0].type))
            body.append(map_regions(visit, instr))
        return replace(part, body=tuple(body))

    return visit(region)


def holds(value: Value) -> bool:
    """May this container hold objects that could be changed?"""
    elem = () if value.type.elem is None else (value.type.elem,)
    kinds = {known.kind for known in (*(value.type.items or ()), *elem)}
    return not kinds or bool(kinds & MUTABLE)
