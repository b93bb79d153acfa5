"""Compute a pure expression once: two equal calls become one value.

    a = x[i] * 2.0
    b = x[i] * 2.0     # b is a
"""

from __future__ import annotations

import operator
from dataclasses import replace
from typing import Any

from ..analysis.effects import FRESH, pure_function, touched
from ..ir.graph import Atom, Call, Const, Function, Graph, Instr, Region, Value, literal
from ..ir.walk import key_of, operands, regions, substitute_in, swap, values, with_regions


def cse(graph: Graph) -> Graph:
    """The graph with each repeated pure call replaced by the first."""
    return replace(graph, region=_region(graph.region, {}, {}, touched(graph.region)))


def _region(
    region: Region, known: dict[Any, tuple[Value, ...]], table: dict[Value, Atom], changing: set[Value]
) -> Region:
    known = dict(known)
    body: list[Instr] = []
    for instr in region.body:
        parts = regions(instr)
        if parts:
            instr = with_regions(instr, tuple(_region(part, known, table, changing) for part in parts))
            body.append(_shallow(instr, table))
            continue
        instr = substitute_in(instr, table)
        key = _key(instr) if changing.isdisjoint(values(operands(instr))) else None
        first = known.get(key) if key is not None else None
        if first is not None and not _hides(first, instr.outs):
            table.update(zip(instr.outs, first, strict=True))
            continue
        if key is not None:
            known[key] = instr.outs
        body.append(instr)
    return replace(region, body=tuple(body), results=swap(region.results, table))


def _shallow(instr: Instr, table: dict[Value, Atom]) -> Instr:
    """Substitute in the instruction's own operands (its regions are done)."""
    return substitute_in(instr, table)


def _hides(first: tuple[Value, ...], outs: tuple[Value, ...]) -> bool:
    """Would the user's name for the later value be lost, though the earlier one has another?"""
    return any(a.named and b.named and a.name != b.name for a, b in zip(first, outs, strict=True))


def _key(instr: Instr) -> Any:
    if not isinstance(instr, Call) or not instr.outs or isinstance(instr.fn, Function):
        return None
    if instr.fn is literal or not pure_function(instr.fn) or _fresh(instr.fn):
        return None
    if instr.outs[0].type.kind in ("list", "dict") and instr.fn not in (operator.getitem, getattr):
        return None  # another object, which may be changed
    atoms = tuple(map(_atom_key, instr.args))
    return (id(instr.fn), atoms, tuple((k, _atom_key(a)) for k, a in instr.kwargs))


def _fresh(fn: Any) -> bool:
    try:
        return fn in FRESH
    except TypeError:
        return True


def _atom_key(atom: Atom) -> Any:
    return key_of(atom.value) if isinstance(atom, Const) else atom

