"""A name for every value that needs one: the user's first, a noun for the rest, a number only when two meet.

Values that are one variable share a name: what a loop carries (initial value, parameter, result, final
value), what the branches of an `if` yield, the versions of an array that is written in place. Sharing is
allowed where the lives of the values do not overlap; where they do, the emitter writes an assignment.
"""

from __future__ import annotations

import keyword
from collections.abc import Iterable

from ..analysis.forms import first_versions
from ..analysis.liveness import Liveness, liveness
from ..ir.graph import For, If, Instr, Region, Try, Value, While
from ..ir.walk import changes, regions


class Groups:
    """Values grouped into variables, with the stretches of the program in which each holds something."""

    def __init__(self, live: Liveness, content: Liveness, first: dict[Value, Value]) -> None:
        self.live = live
        self.content = content
        self.first = first  # of an array's versions, which all have its form
        self.parent: dict[Value, Value] = {}
        self.members: dict[Value, list[Value]] = {}
        self.stretches: dict[Value, list[tuple[int, int]]] = {}

    def find(self, value: Value) -> Value:
        if value not in self.parent:
            self.parent[value] = value
            self.members[value] = [value]
            self.stretches[value] = self.live.stretches(value)
        while self.parent[value] is not value:
            value = self.parent[value]
        return value

    def overlap(self, a: Value, b: Value) -> bool:
        return overlapping(self.stretches[a], self.stretches[b])

    def join(self, a: Value, b: Value, force: bool = False) -> bool:
        """Make `a` and `b` one variable if their lives allow it."""
        x, y = self.find(a), self.find(b)
        if x is y:
            return True
        if not force and self.overlap(x, y) and not self._versions(x, y):
            return False
        self.parent[y] = x
        self.members[x] += self.members.pop(y)
        self.stretches[x] += self.stretches.pop(y)
        return True

    def _versions(self, a: Value, b: Value) -> bool:
        """Are these versions of one array, of which the earlier are asked for their form alone later?"""
        one, other = self.members[a], self.members[b]
        if len({self.first.get(v, v) for v in (*one, *other)}) > 1:
            return False
        return not overlapping(*([s for v in g for s in self.content.stretches(v)] for g in (one, other)))


def overlapping(a: Iterable[tuple[int, int]], b: Iterable[tuple[int, int]]) -> bool:
    more = list(b)
    return any(s < f and t < e for s, e in a for t, f in more)


def names(region: Region, nested: dict[Value, Instr], taken: set[str]) -> dict[Value, str]:
    """The name of every value that is not nested; `taken` names mean something else in the module."""
    live = liveness(region, nested)
    groups = Groups(live, liveness(region, nested, content=True), first_versions(region))
    for param in region.params:
        groups.find(param)
        live.start[param] = 0
        groups.stretches[param] = [(0, live.end[param])]
    _coalesce(region, groups, nested, live)
    return _choose(region, groups, nested, taken)


def _coalesce(region: Region, groups: Groups, nested: dict[Value, Instr], live: Liveness) -> None:
    for instr in region.body:
        for target, out in changes(instr):
            if isinstance(target, Value):
                groups.join(target, out, force=True)
    for instr in region.body:
        for part in regions(instr):
            _coalesce(part, groups, nested, live)
        if any(out in nested for out in instr.outs):
            continue
        match instr:
            case If():
                for out, a, b in zip(instr.outs, instr.then.results, instr.orelse.results, strict=True):
                    for result in (a, b):
                        if isinstance(result, Value) and result not in nested and _akin(out, result):
                            groups.join(out, result)
            case Try():
                for out, a, b in zip(instr.outs, instr.body.results, instr.otherwise, strict=False):
                    for result in (a, b):
                        if isinstance(result, Value) and result not in nested and _akin(out, result):
                            groups.join(out, result)
            case For() | While():
                _coalesce_loop(instr, groups, nested)


def _akin(a: Value, b: Value) -> bool:
    """May these two be one variable without a reader being misled?"""
    return a.name == b.name or not (a.named and b.named)


def _coalesce_loop(instr: For | While, groups: Groups, nested: dict[Value, Instr]) -> None:
    items = len(instr.items) if isinstance(instr, For) else 0
    carried = instr.body.params[items:]
    conditions = instr.cond.params if isinstance(instr, While) else (None,) * len(carried)
    results = instr.body.results
    for param, cond, out, init, result in zip(
        carried, conditions, instr.outs, instr.init, results, strict=False
    ):
        groups.join(param, out, force=True)
        if cond is not None:
            groups.join(param, cond, force=True)
        if isinstance(result, Value) and result not in nested and _akin(param, result):
            groups.join(param, result)
        if isinstance(init, Value) and init not in nested and _akin(param, init):
            groups.join(param, init)


def _order(region: Region) -> Iterable[Value]:
    yield from region.params
    for instr in region.body:
        for part in regions(instr):
            yield from _order(part)
        yield from instr.outs


def _choose(region: Region, groups: Groups, nested: dict[Value, Instr], taken: set[str]) -> dict[Value, str]:
    params = set(region.params)
    roots: dict[Value, None] = {}
    for value in (*region.params, *_order(region)):
        if value not in nested:
            roots.setdefault(groups.find(value))
    given: dict[str, list[list[tuple[int, int]]]] = {}
    chosen: dict[Value, str] = {}
    fixed = [r for r in roots if params & set(groups.members[r])]
    for root in (*fixed, *(r for r in roots if r not in fixed)):
        base = _base(groups.members[root], params, groups.live)
        own = bool(params & set(groups.members[root]))
        name, number = base, 0
        while not own and (
            name in taken
            or keyword.iskeyword(name)
            or any(overlapping(groups.stretches[root], s) for s in given.get(name, ()))
        ):
            number += 1
            name = f"{base}_{number}"
        given.setdefault(name, []).append(groups.stretches[root])
        for member in groups.members[root]:
            chosen[member] = name
    return chosen


def _base(members: list[Value], params: set[Value], live: Liveness) -> str:
    """What a variable is called: the parameter it is, or what it was called by the user first."""
    for value in members:
        if value in params:
            return value.name
    named = [v for v in members if v.named]
    name = min(named, key=lambda v: live.start.get(v, 0)).name if named else members[0].name
    if not name.strip("_") or name.startswith("__"):  # of the user's `_`, which is read
        return "value" + name.rstrip("_")[1:]
    return name if name.isidentifier() else "value"

