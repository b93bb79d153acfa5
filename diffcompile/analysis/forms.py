"""Which reads ask an array for its form alone, and which values are one array that keeps its form.

A write changes what an array holds, not its shape or its dtype: `x.shape`, `len(x)` and `np.zeros_like(x)`
are the same before and after it.
"""

from __future__ import annotations

import builtins
from collections.abc import Hashable

import numpy as np

from ..ir.graph import Atom, Call, For, If, Instr, Region, Store, Try, Value, While, part_type
from ..ir.walk import instructions, operands, regions, values
from ..rules.broadcast import rebroadcast, unbroadcast

_OF_THE_FIRST = frozenset({
    np.ndarray.shape, np.ndarray.ndim, np.ndarray.size, np.ndarray.dtype, np.shape, np.ndim, np.size,
    builtins.len, np.zeros_like, np.ones_like, np.empty_like, np.full_like,
})  # fmt: skip


def form_asked(instr: Instr) -> int | None:
    """Which argument of this call is asked for its form, and for nothing it holds."""
    if not isinstance(instr, Call) or not isinstance(instr.fn, Hashable):
        return None
    k = 0 if instr.fn in _OF_THE_FIRST else 1 if instr.fn in (unbroadcast, rebroadcast) else None
    return k if k is not None and k < len(instr.args) and instr.args[k].type.kind == "array" else None


def held_in(region: Region) -> set[Value]:
    """What is read in a region for what it holds, and not for its form alone."""
    found = set(values(region.results))
    for instr in instructions(region):
        form = form_asked(instr)
        found.update(values(a for k, a in enumerate(operands(instr)) if k != form))
        for part in regions(instr):
            found.update(values(part.results))
    return found


def last_versions(region: Region, inside: bool = False) -> dict[Value, Value]:
    """For each array that is written: what there is of it in the end, of the same form.

    With `inside`, for each list as well in which arrays are written, and nothing gets into another place.
    """
    first = first_versions(region, inside)
    made = (out for instr in region.body for out in instr.outs)
    return {first[out]: out for out in made if out in first}


def first_versions(region: Region, inside: bool = False) -> dict[Value, Value]:
    """For each array that writes made of another one: the first of them, of which it has the form."""
    first: dict[Value, Value] = {}
    _Versions(first, ("array", "list") if inside else ("array",)).region(region)
    return {value: _root(value, first) for value in first}


def _root(atom: Atom, first: dict[Value, Value]) -> Value:
    assert isinstance(atom, Value)
    while atom in first:
        atom = first[atom]
    return atom


class _Versions:
    def __init__(self, first: dict[Value, Value], kinds: tuple[str, ...]) -> None:
        self.first = first
        self.kinds = kinds

    def keeps_form(self, instr: Store) -> bool:
        """Does what is written stay of the form that it had?"""
        kind = instr.target.type.kind
        return kind in self.kinds and part_type(instr.target.type, instr.path).kind == "array"

    def region(self, region: Region) -> None:
        first = self.first
        for instr in region.body:
            match instr:
                case Store(target=Value() as target) if self.keeps_form(instr):
                    first[instr.outs[0]] = target
                case If() | Try():
                    for part in regions(instr):
                        self.region(part)
                    others = instr.orelse.results if isinstance(instr, If) else instr.otherwise
                    results = instr.then.results if isinstance(instr, If) else instr.body.results
                    for out, a, b in zip(instr.outs, results, others, strict=False):
                        if isinstance(a, Value) and isinstance(b, Value) and a.type.kind in self.kinds:
                            if _root(a, first) is _root(b, first):
                                first[out] = _root(a, first)
                case For() | While():
                    self.loop(instr)

    def loop(self, instr: For | While) -> None:
        """What each turn only writes into has the form that it had before the loop."""
        first = self.first
        for part in regions(instr):
            self.region(part)
        params = instr.body.params[len(instr.items) if isinstance(instr, For) else 0 :]
        for k, (param, init) in enumerate(zip(params, instr.init, strict=True)):
            result = instr.body.results[k]
            if not isinstance(init, Value) or not isinstance(result, Value):
                continue
            if init.type.kind in self.kinds and _root(result, first) is param:
                first[param] = first[instr.outs[k]] = init
                if isinstance(instr, While):
                    first[instr.cond.params[k]] = init
