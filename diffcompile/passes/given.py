"""An object of the caller's that is handed on with the attributes that it has is the caller's object.

    w = model.w
    whole = model with w=w             ->         y = model.energy(x)
    y = Model.energy(whole, x)

Before: a graph that was differentiated, in which what moves of an object is read off its attributes. After:
the program that runs. An attribute that was written since is another value, and the object is a copy then.
"""

from __future__ import annotations

import operator
from dataclasses import replace
from typing import Any

from ..ir.graph import (
    Atom,
    Call,
    Const,
    Graph,
    Instr,
    Region,
    Value,
    pack_dict,
    pack_list,
    pack_object,
    pack_tuple,
)
from ..ir.walk import instructions, map_regions, reads, substitute, values

_READS = (getattr, operator.getitem)


def as_given(graph: Graph) -> Graph:
    """The graph in which the caller's objects are called as they are."""
    made: dict[Atom, Call] = {}
    whole: dict[Value, Atom] = {}
    for instr in instructions(graph.region):
        if isinstance(instr, Call) and len(instr.outs) == 1:
            made[instr.outs[0]] = instr
            if instr.fn is pack_object and isinstance(instr.args[0], Value) and _untouched(instr, made):
                whole[instr.outs[0]] = instr.args[0]
    if not whole:
        return graph
    return replace(graph, region=_without(substitute(graph.region, whole), set(whole)))


def _untouched(instr: Call, made: dict[Atom, Call]) -> bool:
    """Are these attributes of the object those that were read of it?"""
    of, names, *items = instr.args
    assert isinstance(names, Const)
    return all(_is_part(item, of, name, made) for name, item in zip(names.value, items, strict=True))


def _is_part(atom: Atom, of: Atom, key: Any, made: dict[Atom, Call]) -> bool:
    """Is this what was read of `of`, or made of all that was?"""
    if isinstance(atom, Const):
        return True  # it was, and the program holds while it is
    instr = made.get(atom)
    if instr is None:
        return False
    if instr.fn in _READS:
        return instr.args[0] is of and isinstance(instr.args[1], Const) and bool(instr.args[1].value == key)
    if instr.fn is pack_object and isinstance(instr.args[0], Value):
        return _is_part(instr.args[0], of, key, made) and _untouched(instr, made)
    keys: Any
    if instr.fn is pack_dict:
        assert isinstance(instr.args[0], Const)
        keys, items = instr.args[0].value, instr.args[1:]
    elif instr.fn in (pack_list, pack_tuple):
        keys, items = range(len(instr.args)), instr.args
    else:
        return False
    bases = [made[item].args[0] for item in items if item in made and made[item].fn in (*_READS, pack_object)]
    if not bases or not _is_part(bases[0], of, key, made):
        return False
    return all(_is_part(item, bases[0], k, made) for k, item in zip(keys, items, strict=True))


def _without(region: Region, gone: set[Value]) -> Region:
    """The region without what only served to put the objects together."""
    live = set(values(region.results))
    kept: list[Instr] = []
    for instr in reversed(region.body):
        put = isinstance(instr, Call) and instr.fn in (*_READS, pack_object, pack_list, pack_tuple, pack_dict)
        if not gone.isdisjoint(instr.outs) or put and live.isdisjoint(instr.outs):
            continue
        instr = map_regions(lambda part: _without(part, gone), instr)
        live.update(reads(instr))
        kept.append(instr)
    return replace(region, body=tuple(reversed(kept)))
