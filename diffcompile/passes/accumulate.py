"""Add in place to a cotangent that is the adjoint's own and is read for the last time.

    x_bar = x_bar + y_bar @ W        ->        x_bar += y_bar @ W

Before: sums are new arrays. After: a sum whose first term is a fresh array of the form and dtype of the sum,
seen by nothing else, is a store into it. The primal is left alone.
"""

from __future__ import annotations

import operator
from dataclasses import replace

from ..analysis.liveness import Liveness, liveness, sees_memory
from ..ir.graph import Call, Graph, Instr, Region, Store, Value
from ..ir.types import Type
from ..ir.walk import instructions, map_regions

INPLACE = {operator.add: operator.iadd, operator.sub: operator.isub}


def accumulate(graph: Graph, primal: set[Value]) -> Graph:
    """The graph with such sums in place."""
    makers = {out: i for i in instructions(graph.region) for out in i.outs}
    live = liveness(graph.region)

    def visit(region: Region) -> Region:
        return replace(
            region,
            body=tuple(_instr(i, live, makers, primal) for i in (map_regions(visit, i) for i in region.body)),
        )

    return replace(graph, region=visit(graph.region))


def _instr(instr: Instr, live: Liveness, makers: dict[Value, Instr], primal: set[Value]) -> Instr:
    if not isinstance(instr, Call) or instr.kwargs or instr.fn not in (operator.add, operator.sub):
        return instr
    out = instr.outs[0]
    if out in primal or not out.named:
        return instr
    a, b = instr.args
    orders = [(a, b)] if instr.fn is operator.sub else [(a, b), (b, a)]
    for target, term in orders:
        if (
            isinstance(target, Value)
            and target is not term
            and _free_to_change(target, instr, live, makers, primal)
        ):
            if _fits(target.type, out.type):
                return Store((out,), INPLACE[instr.fn], target, (term,), (), instr.line)
    return instr


def _free_to_change(
    target: Value, instr: Call, live: Liveness, makers: dict[Value, Instr], primal: set[Value]
) -> bool:
    """Is this array made by the adjoint, in this very stretch of code, and read for the last time here?"""
    made = makers.get(target)
    if target in primal or not target.named or live.flows.get(target):
        return False
    if isinstance(made, Call) and sees_memory(made) or not isinstance(made, (Call, Store)):
        return False
    at = live.at.get(instr)
    if at is None or live.loops.get(target) != live.inside.get(instr):
        return False
    reads: list[int] = live.reads.get(target, [])
    return len(reads) == 1


def _fits(target: Type, out: Type) -> bool:
    if target.kind != "array" or out.kind != "array" or target.dtype is None or out.dtype is None:
        return False
    return (
        target.dtype.str == out.dtype.str
        and target.shape is not None
        and target.shape == out.shape
        and "~" not in str(target)
    )
