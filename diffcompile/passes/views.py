"""What is written is written through the view that is at hand, as the user wrote it; no view is taken twice.

    r = m[i]                              r = m[i]
    m.2 = store m[i][...] = 2.0    ->     r.2 = store r[...] = 2.0
    r.3 = m.2[i]                          s = r.2 + 1.0
    s = r.3 + 1.0

Before: a graph whose stores run in place (`passes/inplace.py`), so that all versions of an array are one
piece of memory. After: the same, in the fewest steps. That is a program to be printed, no longer one to be
differentiated: what is written through `r` is a new version of `m` too, which no instruction says.
"""

from __future__ import annotations

import operator
from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np

from ..analysis.effects import may_fail, pure
from ..analysis.forms import first_versions
from ..analysis.layout import SURE, sight
from ..ir.graph import Atom, Call, Const, Graph, Instr, Region, Store, Value, pack_slice, unpack
from ..ir.walk import (
    instructions,
    key_of,
    operands,
    regions,
    resolve,
    substitute_in,
    swap,
    values,
    with_regions,
)
from .given import as_given

Key = tuple[Any, ...]


def views(graph: Graph) -> Graph:
    """The graph in which what is known by a name of the user is read and written by it."""
    graph = as_given(graph)
    found = _Views(graph.region)
    region = found.region(_filled(graph.region), {})
    return replace(graph, region=_without(region, found.again))


class _Views:
    def __init__(self, region: Region) -> None:
        self.first = first_versions(region)
        self.counts = _counts(region)
        self.table: dict[Value, Atom] = {}
        self.again: set[Value] = set()  # views that there was one of before
        self.slices = {
            o for i in instructions(region) if isinstance(i, Call) and i.fn is pack_slice for o in i.outs
        }

    def region(self, region: Region, known: dict[Key, Value]) -> Region:
        """`known`: the views that have names here, by what they are views of."""
        body: list[Instr] = []
        for k, instr in enumerate(region.body):
            parts = regions(instr)
            if parts:
                instr = with_regions(instr, tuple(self.region(part, dict(known)) for part in parts))
            instr = substitute_in(instr, self.table) if self.table else instr
            if isinstance(instr, Store):
                instr = self.written(instr, known)
            elif isinstance(instr, Call) and len(instr.outs) == 1 and instr.outs[0].type.rank:
                if self.idle(instr, region.body[k + 1 :]) or self.taken(instr, known):
                    continue
            elif isinstance(instr, Call) and instr.fn is unpack and isinstance(instr.args[0], Value):
                for n, out in enumerate(instr.outs):
                    if out.type.rank and instr.args[0].type.kind == "array":
                        known.setdefault(self.key(operator.getitem, instr.args[0], (Const(n),), ()), out)
            body.append(instr)
        return replace(region, body=tuple(body), results=swap(region.results, self.table))

    def taken(self, instr: Call, known: dict[Key, Value]) -> bool:
        """Is this view there already? It is remembered otherwise, if it has a name, or no use but this."""
        if not instr.args or instr.args[0].type.kind != "array" or not isinstance(instr.args[0], Value):
            return False
        key = self.key(instr.fn, instr.args[0], instr.args[1:], instr.kwargs)
        out, there = instr.outs[0], known.get(key)
        if there is not None and self.sure(instr):
            if (there.named or not self.counts[there]) and (there.name == out.name or not out.named):
                self.table[out] = there
                return True
            self.first.setdefault(out, there)
            self.again.add(out)
        if there is None or out.named and not there.named:
            known[key] = out
        return False

    def idle(self, instr: Call, ahead: tuple[Instr, ...]) -> bool:
        """Is this read for nothing, and what it reads written at once? Then that fails where this does."""
        if self.counts[instr.outs[0]] or instr.fn is not operator.getitem or instr.outs[0].named:
            return False
        read = self.key(instr.fn, instr.args[0], instr.args[1:], ())  # type: ignore[arg-type]
        for later in ahead:
            if isinstance(later, Store) and isinstance(later.target, Value) and later.path:
                step = later.path[0]
                return self.key(step.fn, later.target, step.args, step.kwargs) == read
            if not isinstance(later, Call) or not pure(later) or may_fail(later):
                return False
        return False

    def written(self, instr: Store, known: dict[Key, Value]) -> Store:
        """The store, through the view that leads furthest."""
        target, path = instr.target, instr.path
        at: Atom | None = target
        for k, step in enumerate(instr.path):
            if not isinstance(at, Value) or at.type.kind != "array":
                break
            if step.fn is operator.getitem and not self.basic(step.args[0]):
                break
            at = known.get(self.key(step.fn, at, step.args, step.kwargs))
            if at is not None and at.named:
                target, path = at, instr.path[k + 1 :]
        if target is not instr.target:
            assert isinstance(target, Value) and isinstance(instr.target, Value)
            self.table[instr.outs[0]] = instr.target
            out = Value(target.name, target.type, target.named)
            self.first[out] = target
            instr = replace(instr, target=target, path=path, outs=(out, *instr.outs[1:]))
        return self.whole(instr)

    def whole(self, instr: Store) -> Store:
        """`m[i][:] = v` is `m[i] = v`, where `m[i]` is an array."""
        if instr.fn is not operator.setitem or len(instr.path) != 1 or not _everything(instr.args[0]):
            return instr
        (step,) = instr.path
        rank = instr.target.type.rank
        if step.fn is not operator.getitem or rank is None or not self.basic(step.args[0]):
            return instr
        index = step.args[0]
        many = index.value if isinstance(index, Const) and isinstance(index.value, tuple) else (index,)
        if len(many) >= rank and not all(isinstance(n, slice) for n in many) and index not in self.slices:
            return instr
        return replace(instr, path=(), args=(index, *instr.args[1:]))

    def key(
        self, fn: Any, base: Value, args: tuple[Atom, ...], kwargs: tuple[tuple[str, Atom], ...]
    ) -> Key:
        """What a view is one of, and how it is taken."""
        root = self.first.get(base, base)
        while root in self.first:
            root = self.first[root]

        def asked(atom: Atom) -> Any:
            return key_of(atom.value) if isinstance(atom, Const) else resolve(atom, self.table)

        return (fn, root, tuple(map(asked, args)), tuple((name, asked(a)) for name, a in kwargs))

    def sure(self, instr: Call) -> bool:
        """Is this a view, whatever the memory looks like?"""
        if instr.fn is operator.getitem:
            return self.basic(instr.args[1])
        return sight(instr.fn, instr.args, dict(instr.kwargs)) is SURE

    def basic(self, index: Atom) -> bool:
        if isinstance(index, Const):
            many = index.value if isinstance(index.value, tuple) else (index.value,)
            return all(n is None or n is ... or type(n) in (int, slice) for n in many)
        return index.type.kind == "int" or index in self.slices


def _everything(index: Atom) -> bool:
    return isinstance(index, Const) and (index.value is ... or index.value == slice(None))


def _without(region: Region, views: set[Value]) -> Region:
    """The region without those of these views that nothing reads."""
    if not views:
        return region
    counts = _counts(region)
    idle = {out for out in views if not counts[out]}
    body: list[Instr] = []
    for instr in region.body:
        if isinstance(instr, Call) and not idle.isdisjoint(instr.outs):
            continue
        parts = regions(instr)
        body.append(with_regions(instr, tuple(_without(part, idle) for part in parts)) if parts else instr)
    rest = replace(region, body=tuple(body))
    return rest if not idle else _without(rest, views - idle)


def _counts(region: Region) -> Counter[Value]:
    """How often each value is read."""
    counts = Counter(v for i in instructions(region) for v in values(operands(i)))
    counts.update(v for i in instructions(region) for part in regions(i) for v in values(part.results))
    counts.update(values(region.results))
    return counts


def _filled(region: Region) -> Region:
    """A copy of one number in many places is an array filled with it."""
    counts = _counts(region)
    made: dict[Atom, Call] = {
        i.outs[0]: i
        for i in instructions(region)
        if isinstance(i, Call) and i.fn is np.broadcast_to and i.args[0].type.is_scalar and not i.kwargs
    }

    def visit(part: Region) -> Region:
        body: list[Instr] = []
        for instr in part.body:
            instr = with_regions(instr, tuple(map(visit, regions(instr))))
            if not (isinstance(instr, Call) and instr.fn is np.copy and instr.args[0] in made):
                body.append(instr)
                continue
            source = made[instr.args[0]]
            number, shape = source.args
            ones = isinstance(number, Const) and number.value == 1.0
            fn, args = (np.ones, (shape,)) if ones else (np.full, (shape, number))
            if source in body and counts[source.outs[0]] == 1:
                body[body.index(source)] = replace(instr, fn=fn, args=args, line=source.line)
            else:
                body.append(replace(instr, fn=fn, args=args))
        return replace(part, body=tuple(body))

    return visit(region) if made else region
