"""Drop every instruction whose outputs nothing reads, and every carried value that only feeds itself.

    a = np.sin(x)
    b = np.cos(x)      # dropped
    yield a
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ..analysis.effects import pure
from ..ir.graph import For, Graph, If, Instr, Mirror, Region, Try, Value, While
from ..ir.walk import map_regions, operands, values

# Values, and the keys of the loops and branches whose mirror is kept.
Live = set[Any]


def dce(graph: Graph, keep: set[Value] | None = None) -> Graph:
    """The graph without dead instructions; `keep` are values that count as read."""
    live = set(keep or ())
    live.update(values(graph.region.results))
    return replace(graph, region=_region(graph.region, live))


def dce_region(region: Region, live: Live) -> Region:
    live.update(values(region.results))
    return _region(region, live)


def _region(region: Region, live: Live) -> Region:
    kept: list[Instr] = []
    for instr in reversed(region.body):
        slim = _instr(instr, live)
        if slim is not None:
            kept.append(slim)
    return replace(region, body=tuple(reversed(kept)))


def _instr(instr: Instr, live: Live) -> Instr | None:
    key = getattr(instr, "key", None)
    if isinstance(key, Mirror) and not live.isdisjoint(instr.outs):
        live.add(key.of)
    if isinstance(instr, (For, While)):
        if live.isdisjoint((*instr.outs, key)) and pure(instr) and _untouched(instr, live):
            return None
        return _loop(instr, live)
    if live.isdisjoint(instr.outs) and pure(instr) and _untouched(instr, live):
        return None
    if isinstance(instr, If):
        return _if(instr, live)
    if isinstance(instr, Try):
        return _try(instr, live)
    live.update(values(operands(instr)))
    return instr


def _untouched(instr: Instr, live: Live) -> bool:
    """Is nothing that is written inside the instruction's regions read from elsewhere, no loop run back?"""
    stack = [part for part in _parts(instr)]
    while stack:
        part = stack.pop()
        if not live.isdisjoint(part.params):
            return False
        for inner in part.body:
            key = getattr(inner, "key", None)
            if not live.isdisjoint(inner.outs) or key is not None and key in live:
                return False
            stack.extend(_parts(inner))
    return True


def _parts(instr: Instr) -> tuple[Region, ...]:
    match instr:
        case If():
            return (instr.then, instr.orelse)
        case For() | Try():
            return (instr.body,)
        case While():
            return (instr.cond, instr.body)
    return ()


def _if(instr: If, live: Live) -> Instr:
    slots = [k for k, out in enumerate(instr.outs) if out in live]

    def slim(part: Region) -> Region:
        return replace(part, results=tuple(part.results[k] for k in slots))

    slimmed: Instr = replace(
        instr, outs=tuple(instr.outs[k] for k in slots), then=slim(instr.then), orelse=slim(instr.orelse)
    )
    slimmed = map_regions(lambda part: dce_region(part, live), slimmed)
    live.update(values(operands(slimmed)))
    return slimmed


def _try(instr: Try, live: Live) -> Instr:
    slots = [k for k, out in enumerate(instr.outs[:-1]) if out in live]
    body = replace(instr.body, results=tuple(instr.body.results[k] for k in slots))
    slimmed = replace(
        instr,
        outs=(*(instr.outs[k] for k in slots), instr.error),
        otherwise=tuple(instr.otherwise[k] for k in slots),
        body=dce_region(body, live),
    )
    live.update(values(operands(slimmed)))
    return slimmed


def _loop(instr: For | While, live: Live) -> Instr:
    items = len(instr.items) if isinstance(instr, For) else 0
    carried = len(instr.init)
    slots = {k for k in range(carried) if instr.outs[k] in live}
    saved = [k for k in range(carried, len(instr.outs)) if instr.outs[k] in live]
    regions = (instr.body,) if isinstance(instr, For) else (instr.cond, instr.body)
    while True:
        wanted = [instr.body.results[k] for k in sorted(slots)]
        wanted += [instr.body.results[carried], *(instr.body.results[k + 1] for k in saved)]
        trial = set(live)
        trial.update(values(wanted))
        slim = [_region(instr.body, trial)]
        if isinstance(instr, While):
            trial.update(values(instr.cond.results))
            slim.insert(0, _region(instr.cond, trial))
        params = [part.params[items if part is instr.body else 0 :] for part in regions]
        more = {k for group in params for k, p in enumerate(group) if p in trial} - slots
        if not more:
            break
        slots |= more
    live |= trial
    keep = sorted(slots)
    body = replace(
        slim[-1],
        params=instr.body.params[:items] + tuple(instr.body.params[items + k] for k in keep),
        results=tuple(wanted),
    )
    outs = tuple(instr.outs[k] for k in (*keep, *saved))
    init = tuple(instr.init[k] for k in keep)
    result: For | While
    if isinstance(instr, For):
        result = replace(instr, outs=outs, init=init, body=body, saves=len(saved))
    else:
        cond = replace(slim[0], params=tuple(instr.cond.params[k] for k in keep))
        result = replace(instr, outs=outs, init=init, cond=cond, body=body, saves=len(saved))
    live.update(values(operands(result)))
    return result
