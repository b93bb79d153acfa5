"""Which reads ask an array for its form alone, and which values are one array that keeps its form.

A write changes what an array holds, not its shape or its dtype: `x.shape`, `len(x)` and `np.zeros_like(x)`
are the same before and after it.
"""

from __future__ import annotations

import builtins
from collections.abc import Hashable

import numpy as np

from ..ir.graph import Atom, Call, For, If, Instr, Region, Store, Try, Value, While
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


def last_versions(region: Region) -> dict[Value, Value]:
    """For each array that is written: what there is of it in the end, of the same form."""
    first = first_versions(region)
    made = (out for instr in region.body for out in instr.outs)
    return {first[out]: out for out in made if out in first}


def first_versions(region: Region) -> dict[Value, Value]:
    """For each array that writes made of another one: the first of them, of which it has the form."""
    first: dict[Value, Value] = {}
    _region(region, first)
    return {value: _root(value, first) for value in first}


def _root(atom: Atom, first: dict[Value, Value]) -> Value:
    assert isinstance(atom, Value)
    while atom in first:
        atom = first[atom]
    return atom


def _region(region: Region, first: dict[Value, Value]) -> None:
    for instr in region.body:
        match instr:
            case Store(target=Value() as target) if target.type.kind == "array":
                first[instr.outs[0]] = target
            case If() | Try():
                for part in regions(instr):
                    _region(part, first)
                others = instr.orelse.results if isinstance(instr, If) else instr.otherwise
                results = instr.then.results if isinstance(instr, If) else instr.body.results
                for out, a, b in zip(instr.outs, results, others, strict=False):
                    if isinstance(a, Value) and isinstance(b, Value) and a.type.kind == "array":
                        if _root(a, first) is _root(b, first):
                            first[out] = _root(a, first)
            case For() | While():
                _loop(instr, first)


def _loop(instr: For | While, first: dict[Value, Value]) -> None:
    """What each turn only writes into has the form that it had before the loop."""
    for part in regions(instr):
        _region(part, first)
    params = instr.body.params[len(instr.items) if isinstance(instr, For) else 0 :]
    for k, (param, init) in enumerate(zip(params, instr.init, strict=True)):
        result = instr.body.results[k]
        if not isinstance(init, Value) or not isinstance(result, Value) or init.type.kind != "array":
            continue
        if _root(result, first) is param:
            first[param] = first[instr.outs[k]] = init
            if isinstance(instr, While):
                first[instr.cond.params[k]] = init
