"""Which statements change memory that an expression reads, so that it may not be written below them.

    u_dot[1:] += v_dot[1:]        changes what `u_dot` and its views see, and nothing that `u` sees
"""

from __future__ import annotations

import bisect
import builtins

from ..analysis.effects import pure
from ..analysis.liveness import MUTABLE, Liveness
from ..ir.graph import PACKS, Atom, Call, Function, Instr, Region, Store, Value
from ..ir.walk import instructions, operands, regions, values
from .keep import keeps

_ANY = frozenset({"object", "dict", "list", "tuple", "unknown", "function"})


class Memory:
    """The values of a function in families that may share memory."""

    def __init__(self, region: Region, live: Liveness) -> None:
        self.parent: dict[Value, Value] = {}
        for edges in (live.flows, live.turns):
            for a, others in edges.items():
                for b in others:
                    self._join(a, b)
        for instr in instructions(region):
            if isinstance(instr, Store) or isinstance(instr, Call) and _holds(instr):
                held = [v for v in values(operands(instr)) if v.type.kind in MUTABLE]
                if isinstance(instr, Store) and instr.target.type.kind == "array":
                    held = list(values((instr.target,)))
                for value in held:
                    for out in instr.outs:
                        self._join(value, out)

    def family(self, value: Value) -> Value:
        while value in self.parent:
            value = self.parent[value]
        return value

    def _join(self, a: Value, b: Value) -> None:
        a, b = self.family(a), self.family(b)
        if a is not b:
            self.parent[b] = a

    def writes(self, region: Region) -> Writes:
        return Writes(self, region)


def _holds(instr: Call) -> bool:
    """Does what this call gives hold, or come out of, one of its arguments?"""
    try:
        if instr.fn in PACKS:
            return True
    except TypeError:
        return True
    return any(a.type.kind in _ANY for a in instr.args) and any(o.type.kind in MUTABLE for o in instr.outs)


class Writes:
    """Where in a region each family is written; `everywhere` are the statements that may write any."""

    def __init__(self, memory: Memory, region: Region) -> None:
        self.memory = memory
        self.at: dict[Value, list[int]] = {}
        self.everywhere: list[int] = []
        self.all: list[int] = []
        for k, instr in enumerate(region.body):
            found = self._targets(instr)
            if found is None:
                self.everywhere.append(k)
            if found is None or found:
                self.all.append(k)
            for target in found or ():
                places = self.at.setdefault(memory.family(target), [])
                if not places or places[-1] != k:
                    places.append(k)

    def between(self, start: int, end: int, read: list[Value] | None) -> bool:
        """May a statement from `start` on, before `end`, change what these variables see?"""
        if read is not None and not read:
            return False
        if read is None or any(v.type.kind in _ANY for v in read):
            return _any_in(self.all, start, end)
        return _any_in(self.everywhere, start, end) or any(
            _any_in(self.at.get(self.memory.family(v), []), start, end) for v in read
        )

    def _targets(self, instr: Instr) -> list[Value] | None:
        """What a statement may change; None if that may be anything."""
        if keeps(instr):
            return []
        if isinstance(instr, Store):
            return _known([instr.target])
        if isinstance(instr, Call):
            if isinstance(instr.fn, Function) and instr.fn.graph is not None:
                return _known([instr.args[k] for k, _ in instr.fn.writes])
            return [] if pure(instr) or instr.fn is builtins.print else None
        found: list[Value] = []
        for part in regions(instr):
            for inner in part.body:
                targets = self._targets(inner)
                if targets is None:
                    return None
                found.extend(targets)
        return found


def _known(targets: list[Atom]) -> list[Value] | None:
    found = list(values(targets))
    return None if any(v.type.kind in _ANY for v in found) else found


def _any_in(places: list[int], start: int, end: int) -> bool:
    at = bisect.bisect_left(places, start)
    return at < len(places) and places[at] < end
