"""A carried value that every turn hands on unchanged is not carried: it is its initial value.

    cost_bar.2 = for ..., carrying cost_bar = 1.0:        gap_bar = 2 * gap
      gap_bar = cost_bar * (2 * gap)                ->
      yield cost_bar
"""

from __future__ import annotations

from dataclasses import replace

from ..ir.graph import Atom, Const, For, Graph, If, Instr, Region, Value, While
from ..ir.walk import instructions, map_regions, same_atom, substitute, substitute_in, values


def carried(graph: Graph) -> Graph:
    """The graph without loop-invariant carried values."""
    table: dict[Value, Atom] = {}
    region = _region(graph.region, table, _leaving(graph.region))
    return replace(graph, region=substitute(region, table))


def _leaving(region: Region) -> set[Value]:
    """What decides whether a loop is left: it stays a flag, which is printed as `break`."""
    found: set[Value] = set()
    for instr in instructions(region):
        if isinstance(instr, (For, While)):
            stack = list(values((instr.body.results[len(instr.init)],)))
            made = {o: (i, k) for i in instructions(instr.body) for k, o in enumerate(i.outs)}
            while stack:
                value = stack.pop()
                found.add(value)
                maker, k = made.get(value, (None, 0))
                if isinstance(maker, If):
                    stack.extend(values((maker.then.results[k], maker.orelse.results[k])))
    return found


def _region(region: Region, table: dict[Value, Atom], leaving: set[Value]) -> Region:
    body: list[Instr] = []
    for instr in region.body:
        instr = _instr(instr, table, leaving)
        if isinstance(instr, If) and (_is(instr.test, True) or _is(instr.test, False)):
            ran = instr.then if _is(instr.test, True) else instr.orelse
            table.update(zip(instr.outs, ran.results, strict=True))
            body.extend(ran.body)
        else:
            body.append(instr)
    return replace(region, body=tuple(body))


def _instr(instr: Instr, table: dict[Value, Atom], leaving: set[Value]) -> Instr:
    instr = map_regions(lambda part: _region(part, table, leaving), substitute_in(instr, table))
    if isinstance(instr, If):
        return _branch(instr, table, leaving)
    if not isinstance(instr, (For, While)):
        return instr
    items = len(instr.items) if isinstance(instr, For) else 0
    params = instr.body.params[items:]
    gone = []
    for k, param in enumerate(params):
        result = instr.body.results[k]
        if result is param or same_atom(result, instr.init[k]):
            gone.append(k)
            table[param] = instr.init[k]
            table[instr.outs[k]] = instr.init[k]
            if isinstance(instr, While):
                table[instr.cond.params[k]] = instr.init[k]
    if not gone:
        return instr
    kept = [k for k in range(len(params)) if k not in gone]
    count = len(params)
    body = replace(
        instr.body,
        params=instr.body.params[:items] + tuple(params[k] for k in kept),
        results=tuple(instr.body.results[k] for k in kept) + instr.body.results[count:],
    )
    outs = tuple(instr.outs[k] for k in kept) + instr.outs[count:]
    init = tuple(instr.init[k] for k in kept)
    if isinstance(instr, For):
        slim: Instr = replace(instr, outs=outs, init=init, body=body)
    else:
        cond = replace(instr.cond, params=tuple(instr.cond.params[k] for k in kept))
        slim = replace(instr, outs=outs, init=init, cond=cond, body=body)
    return substitute_in(slim, table)


def _is(atom: Atom, value: bool) -> bool:
    return isinstance(atom, Const) and atom.value is value


def _branch(instr: If, table: dict[Value, Atom], leaving: set[Value]) -> If:
    """What both branches yield alike is that, whichever ran."""
    kept = []
    for k, (a, b) in enumerate(zip(instr.then.results, instr.orelse.results, strict=True)):
        if same_atom(a, b):
            table[instr.outs[k]] = a
        elif _is(a, True) and _is(b, False) and instr.test.type.kind == "bool" and (
            instr.outs[k] not in leaving
        ):
            table[instr.outs[k]] = instr.test  # whether the first one ran
        else:
            kept.append(k)
    if len(kept) == len(instr.outs):
        return instr
    then, orelse = (
        replace(part, results=tuple(part.results[k] for k in kept)) for part in (instr.then, instr.orelse)
    )
    return replace(instr, outs=tuple(instr.outs[k] for k in kept), then=then, orelse=orelse)
