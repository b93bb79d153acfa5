"""Read the attributes of what a solver returns where it returns it.

    for x0 in starts:                             for x0 in starts:
        sol = root(f, x0)                             sol = root(f, x0)
        ...                                           x = sol.x
    for ... in reversed(saved):                       ...
        ... sol.x                                 for ... in reversed(saved):
                                                      ... x

So arrays are saved, which are followed when the derivative is differentiated again, and not the object.
"""

from __future__ import annotations

from dataclasses import replace

from ..analysis.effects import gives_fields
from ..ir.graph import Atom, Call, Const, Graph, Instr, Region, Value
from ..ir.walk import instructions, map_regions, regions, substitute

Read = tuple[Value, object]


def read_where_solved(graph: Graph, everywhere: bool = True) -> Graph:
    """The attributes of what a solver returns are read behind its call alone.

    Those that are read only where it is called stay where they are, if not `everywhere`.
    """
    solved = {
        out
        for call in instructions(graph.region)
        if isinstance(call, Call) and gives_fields(call)
        for out in call.outs
    }
    if not solved:
        return graph
    far = None if everywhere else _read_elsewhere(graph.region, solved)
    found: dict[Read, Value] = {}
    table: dict[Value, Atom] = {}
    for instr in instructions(graph.region):
        read = _read(instr, solved)
        if read is not None and (far is None or read in far):
            first = found.setdefault(read, instr.outs[0])
            if first is not instr.outs[0]:
                table[instr.outs[0]] = first
    if not found:
        return graph
    moved = _moved(graph.region, solved, found)
    return replace(graph, region=substitute(moved, table) if table else moved)


def _read_elsewhere(region: Region, solved: set[Value]) -> set[Read]:
    """What is read in a region other than that of the call."""
    made = {out for instr in region.body for out in instr.outs}
    reads = {read for instr in region.body if (read := _read(instr, solved)) is not None}
    far = {read for read in reads if read[0] not in made}
    return far.union(*(_read_elsewhere(part, solved) for instr in region.body for part in regions(instr)))


def _read(instr: Instr, solved: set[Value]) -> Read | None:
    """Which attribute of which result this is."""
    if not isinstance(instr, Call) or instr.fn is not getattr or instr.args[0] not in solved:
        return None
    result, attr = instr.args
    assert isinstance(result, Value)
    return (result, attr.value) if isinstance(attr, Const) else None


def _moved(region: Region, solved: set[Value], found: dict[Read, Value]) -> Region:
    """The region with every read behind the call that it reads the result of."""
    body: list[Instr] = []
    for instr in region.body:
        if _read(instr, solved) in found:
            continue
        body.append(map_regions(lambda part: _moved(part, solved, found), instr))
        if isinstance(instr, Call) and instr.outs and instr.outs[0] in solved:
            body += [
                Call((value,), getattr, (result, Const(attr)), (), instr.line)
                for (result, attr), value in found.items()
                if result is instr.outs[0]
            ]
    return replace(region, body=tuple(body))
