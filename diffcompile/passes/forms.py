"""What asks only for an array's form asks the first version of it, so that no later one is kept for that.

    x.2 = store x[i] = v            x.2 = store x[i] = v
    x_bar = np.zeros_like(x.2)  ->  x_bar = np.zeros_like(x)
"""

from __future__ import annotations

from dataclasses import replace

from ..analysis.forms import first_versions, form_asked
from ..ir.graph import Call, Graph, Instr, Region, Value
from ..ir.walk import map_regions


def forms(graph: Graph) -> Graph:
    """The graph in which forms are asked of first versions."""
    first = first_versions(graph.region)
    return replace(graph, region=_region(graph.region, first)) if first else graph


def _region(region: Region, first: dict[Value, Value]) -> Region:
    return replace(region, body=tuple(_instr(instr, first) for instr in region.body))


def _instr(instr: Instr, first: dict[Value, Value]) -> Instr:
    k = form_asked(instr)
    if k is None:
        return map_regions(lambda part: _region(part, first), instr)
    assert isinstance(instr, Call)
    asked = instr.args[k]
    if not isinstance(asked, Value) or asked not in first:
        return instr
    return replace(instr, args=(*instr.args[:k], first[asked], *instr.args[k + 1 :]))
