"""Drop what only told the sweep where a cotangent is looked at: a hooked value is the value.

    y.1 = cotangent_of(y)
    z = y.1 * 2.0              ->        z = y * 2.0
"""

from __future__ import annotations

from dataclasses import replace

from ..ir.graph import Atom, Call, Graph, Hook, Region, Value
from ..ir.walk import instructions, map_regions, substitute


def unhooked(graph: Graph) -> Graph:
    """The graph without hooks: their bodies stand in the adjoint by now."""
    table: dict[Value, Atom] = {}
    for instr in instructions(graph.region):
        if isinstance(instr, Call) and isinstance(instr.fn, Hook):
            table[instr.outs[0]] = instr.args[0]
    if not table:
        return graph

    def visit(region: Region) -> Region:
        kept = (i for i in region.body if not (isinstance(i, Call) and isinstance(i.fn, Hook)))
        return replace(region, body=tuple(map_regions(visit, i) for i in kept))

    return replace(graph, region=substitute(visit(graph.region), table))
