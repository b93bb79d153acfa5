"""Which values vary with the inputs: only those have a cotangent.

    t = np.floor(x); y = t * x        varied by x: y        (floor is locally constant; integers never vary)
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from ..ir.graph import Atom, Call, For, Function, If, Instr, Region, Store, Try, Value, While
from ..ir.walk import instructions, operands, values
from ..rules.register import REGISTRY, of_others

_NEVER = frozenset({"bool", "int", "str", "none", "range", "unbound"})


def can_vary(value: Value) -> bool:
    """Can this value hold real or complex numbers at all?"""
    return value.type.kind not in _NEVER and not value.type.is_integer


def varied(region: Region, seeds: Iterable[Value]) -> set[Value]:
    """Every value of the region that depends differentiably on one of the seeds."""
    found = set(seeds)
    _region(region, found)
    return found


def _any(atoms: Iterable[Atom], found: set[Value]) -> bool:
    return any(v in found for v in values(atoms))


def _region(region: Region, found: set[Value]) -> None:
    for instr in region.body:
        _instr(instr, found)


def _mark(value: Value, found: set[Value]) -> None:
    if can_vary(value):
        found.add(value)


def _instr(instr: Instr, found: set[Value]) -> None:
    match instr:
        case Call() | Store():
            if constant_call(instr) or not _any(operands(instr), found):
                return
            through = (True,) * len(instr.outs)
            if isinstance(instr, Call) and isinstance(instr.fn, Function):
                through = _carries(instr, found)
            for out, on in zip(instr.outs, through, strict=False):
                if on:
                    _mark(out, found)
        case If():
            for part in (instr.then, instr.orelse):
                _region(part, found)
            for out, a, b in zip(instr.outs, instr.then.results, instr.orelse.results, strict=True):
                if _any((a, b), found):
                    _mark(out, found)
        case For() | While():
            _loop(instr, found)
        case Try():
            if _any((instr.manager,), found):
                for param in instr.body.params:
                    _mark(param, found)
            _region(instr.body, found)
            for out, a, b in zip(instr.outs, instr.body.results, instr.otherwise, strict=False):
                if _any((a, b), found):
                    _mark(out, found)
            if any(_any(operands(i), found) for i in instructions(instr.body)):
                _mark(instr.error, found)  # an exception may carry a number that varies


def _carries(instr: Call, found: set[Value]) -> tuple[bool, ...]:
    """Which results of the called function vary? (While it is being derived: assume that all do.)"""
    graph = instr.fn.graph
    if graph is None:
        return (True,) * len(instr.outs)
    active = tuple(isinstance(a, Value) and a in found for a in instr.args)
    memo: dict[Any, tuple[bool, ...]] = instr.fn.derived.setdefault("carries", {})
    if active in memo:
        return memo[active]
    # The least fixed point: a function that calls itself carries what it does if it is taken to carry
    # nothing, and then what follows from that. What was found on the way rests on an assumption.
    resting: list[tuple[dict[Any, Any], Any]] = []
    outer = _PENDING[-1] if _PENDING else None
    memo[active] = (False,) * len(graph.region.results)
    _PENDING.append(resting)
    try:
        while True:
            seeds = [p for p, a in zip(graph.params, active, strict=True) if a and can_vary(p)]
            inside = varied(graph.region, seeds)
            now = tuple(_any((result,), inside) for result in graph.region.results)
            if now == memo[active]:
                break
            memo[active] = now
            for table, key in resting:
                table.pop(key, None)
            resting.clear()
    finally:
        _PENDING.pop()
    if outer is not None:
        outer.append((memo, active))
        outer.extend(resting)
    return memo[active]


# For each function whose results are being looked into: what was found meanwhile of others.
_PENDING: list[list[tuple[dict[Any, Any], Any]]] = []


def _loop(instr: For | While, found: set[Value]) -> None:
    items = instr.items if isinstance(instr, For) else ()
    params = instr.body.params
    for item, param in zip(items, params, strict=False):
        if _any((item,), found):
            _mark(param, found)
    carried = params[len(items) :]
    for init, param in zip(instr.init, carried, strict=True):
        if _any((init,), found):
            _mark(param, found)
    while True:
        _region(instr.body, found)
        grown = False
        for result, param in zip(instr.body.results, carried, strict=False):
            if _any((result,), found) and param not in found and can_vary(param):
                found.add(param)
                grown = True
        if not grown:
            break
    for out, param, result in zip(instr.outs, carried, instr.body.results, strict=False):
        if param in found or _any((result,), found):
            _mark(out, found)
    saves = instr.body.results[len(carried) + 1 :]
    for out, result in zip(instr.outs[len(carried) :], saves, strict=True):
        if _any((result,), found):
            _mark(out, found)


def constant_call(instr: Call | Store) -> bool:
    """Does nothing flow back through this call? The sign of a real number is constant, unless declared."""
    if isinstance(instr, Call) and instr.fn is np.sign and instr.args[0].type.is_real:
        return not of_others(np.sign)
    return constant_function(instr.fn)


def constant_function(fn: Any) -> bool:
    """Is this function declared to pass no derivative on?"""
    try:
        return fn in REGISTRY.zero
    except TypeError:
        return False


def reaching(region: Region, wanted: Iterable[Atom]) -> set[Value]:
    """Every value that one of the wanted results of the region is computed from."""
    need = set(values(wanted))
    for instr in reversed(region.body):
        if need.isdisjoint(instr.outs):
            continue
        match instr:
            case Call() | Store():
                need.update(values(operands(instr)))
            case If():
                for part in (instr.then, instr.orelse):
                    results = [r for o, r in zip(instr.outs, part.results, strict=True) if o in need]
                    need |= reaching(part, results)
            case Try():
                wanted_here = [r for o, r in zip(instr.outs, instr.body.results, strict=False) if o in need]
                need.update(
                    values(r for o, r in zip(instr.outs, instr.otherwise, strict=False) if o in need)
                )
                need |= reaching(instr.body, wanted_here)
                if instr.error in need:
                    need.update(v for i in instructions(instr.body) for v in values(operands(i)))
            case For() | While():
                need |= loop_reaching(instr, need)
    return need


def loop_reaching(instr: For | While, need: set[Value]) -> set[Value]:
    """What the needed outs of a loop are computed from, inside it and before it."""
    items = instr.items if isinstance(instr, For) else ()
    params = instr.body.params
    carried = params[len(items) :]
    slots = useful_slots(instr, need)
    results = [instr.body.results[k] for k in slots]
    saves = [
        r
        for o, r in zip(instr.outs[len(carried) :], instr.body.results[len(carried) + 1 :], strict=True)
        if o in need
    ]
    inside = reaching(instr.body, [*results, *saves])
    inside.update(values(instr.init[k] for k in slots))
    inside.update(v for v, p in zip(items, params, strict=False) if isinstance(v, Value) and p in inside)
    return inside


def useful_slots(instr: For | While, need: set[Value]) -> list[int]:
    """The carried slots that the needed outs of a loop depend on, in some turn."""
    items = instr.items if isinstance(instr, For) else ()
    carried = instr.body.params[len(items) :]
    slots = [k for k in range(len(carried)) if instr.outs[k] in need]
    saves = [
        r
        for o, r in zip(instr.outs[len(carried) :], instr.body.results[len(carried) + 1 :], strict=True)
        if o in need
    ]
    while True:
        inside = reaching(instr.body, [*(instr.body.results[k] for k in slots), *saves])
        more = [k for k, p in enumerate(carried) if p in inside and k not in slots]
        if not more:
            return sorted(slots)
        slots.extend(more)
