"""Two `if`s on one test, one after the other in the adjoint, are one.

    if not completed: x_bar -= y_bar           if completed: x_bar += y_bar * (0.5 / y)
    if completed: x_bar += y_bar * (0.5 / y)    ->   else: x_bar -= y_bar

Inside a branch on whether a `try` completed, what that handed out is read under the name it went on with.
"""

from __future__ import annotations

import operator
from dataclasses import replace

import numpy as np

from ..ir.graph import Atom, Call, Const, Graph, If, Instr, Region, Try, Value
from ..ir.walk import instructions, map_regions, operands, substitute, with_regions
from .simplify import Rewriter, is_number, read_counts

Tables = dict[Value, tuple[dict[Value, Atom], dict[Value, Atom]]]


def fuse(graph: Graph, primal: set[Value]) -> Graph:
    """The graph with neighbouring branches of the adjoint joined; `primal` is left as it is."""
    handed = {o for i in instructions(graph.region) if isinstance(i, Try) for o in i.outs}
    region = _renamed(graph.region, {}, handed) if handed else graph.region
    return replace(graph, region=_region(region, primal))


def _region(region: Region, primal: set[Value]) -> Region:
    body: list[Instr] = []
    for instr in region.body:
        last = body[-1] if body else None
        if isinstance(instr, If) and isinstance(last, If) and _join(last, instr, primal):
            body[-1] = _joined(last, instr)
        else:
            body.append(instr)
    return replace(region, body=tuple(map_regions(lambda part: _region(part, primal), i) for i in body))


def _join(a: If, b: If, primal: set[Value]) -> bool:
    if a.test is not b.test or a.expression or b.expression or isinstance(a.test, Const):
        return False
    return primal.isdisjoint((*a.outs, *b.outs)) and all(
        primal.isdisjoint(i.outs) for part in (a.then, a.orelse, b.then, b.orelse) for i in part.body
    )


def _joined(a: If, b: If) -> If:
    def side(first: Region, second: Region) -> Region:
        made = {o for i in first.body if isinstance(i, Call) and i.fn is np.zeros_like for o in i.outs}
        zeros = {o for o, r in zip(a.outs, first.results, strict=True) if is_number(r, 0) or r in made}
        sums = {o for i in second.body if not zeros.isdisjoint(operands(i)) for o in i.outs}
        second = substitute(second, dict(zip(a.outs, first.results, strict=True)))
        second = _without_zeros(second, made)
        both = Region((), (*first.body, *second.body), (*first.results, *second.results))
        others = {o for i in instructions(both) for o in i.outs} - sums
        return Rewriter(others, read_counts(both)).region(both) if sums else both

    return replace(b, outs=(*a.outs, *b.outs), then=side(a.then, b.then), orelse=side(a.orelse, b.orelse))


def _without_zeros(region: Region, zeros: set[Value]) -> Region:
    """The region in which a cotangent that was absent, and stood as zeros, is not added to another."""
    table: dict[Value, Atom] = {}
    body: list[Instr] = []
    for instr in region.body:
        rest = [a for a in operands(instr) if a not in zeros]
        absent = isinstance(instr, Call) and instr.fn is operator.add and len(rest) == 1
        if absent and rest[0].type.kind == "array":
            table[instr.outs[0]] = rest[0]
        else:
            body.append(instr)
    return substitute(replace(region, body=tuple(body)), table)


def _renamed(region: Region, known: Tables, handed: set[Value]) -> Region:
    known = dict(known)
    body: list[Instr] = []
    for instr in region.body:
        if isinstance(instr, If) and isinstance(instr.test, Value):
            tables = known.get(instr.test, ({}, {}))
            parts = (substitute(instr.then, tables[0]), substitute(instr.orelse, tables[1]))
            instr = with_regions(instr, tuple(_renamed(p, known, handed) for p in parts))
            assert isinstance(instr, If) and isinstance(instr.test, Value)
            if instr.test not in known:
                known[instr.test] = _names(instr, instr.then, handed), _names(instr, instr.orelse, handed)
        else:
            instr = map_regions(lambda part: _renamed(part, known, handed), instr)
        body.append(instr)
    return replace(region, body=tuple(body))


def _names(instr: If, part: Region, handed: set[Value]) -> dict[Value, Atom]:
    """What the outs of this `if` are if that branch ran."""
    pairs = zip(instr.outs, part.results, strict=True)
    return {r: o for o, r in pairs if isinstance(r, Value) and r in handed}
