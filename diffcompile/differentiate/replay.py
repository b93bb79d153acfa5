"""The adjoint of a call that saved nothing: run it again from its arguments, then back.

    forward     y = step(w, x)
    backward    w_bar, x_bar = step_vjp(w, x, y_bar)       (the forward pass of `step`, then the backward one)

With a number of snapshots the call runs the turns of a loop, and is split in two until one turn is left: the
state in the middle is computed, the second part run back from there, with one snapshot fewer, then the first.

    while len(turns) > 1:
        half = middle(len(turns), snapshots)
        x_half = turns_of(turns[:half], x)
        x_bar = vjp_within(turns[half:], x_half, snapshots - 1, x_bar)
        turns = turns[:half]
    x_bar = vjp(turns, x, x_bar)

The places to split at are those of Griewank and Walther, Algorithm 799 (2000).
"""

from __future__ import annotations

import builtins
import operator
from dataclasses import replace

from ..frontend.build import FOLDED, Builder
from ..frontend.loans import free_name
from ..ir.graph import (
    Atom,
    Call,
    Const,
    Function,
    Graph,
    Instr,
    Region,
    Store,
    Value,
    While,
    pack_slice,
)
from ..ir.types import BOOL, INT
from ..ir.walk import instructions, map_regions, rename
from ..passes.checkpoint import on_copies
from ..rules.checkpoints import middle
from .calls import Replay
from .cotangents import Cotangents, bar, cotangent_type


def quiet(graph: Graph) -> Graph:
    """What a function computes, and nothing that is seen of it: no print, no write into its arguments."""

    def visit(region: Region) -> Region:
        body: list[Instr] = []
        for instr in region.body:
            if isinstance(instr, Call) and instr.fn is builtins.print:
                continue
            if isinstance(instr, Call) and isinstance(instr.fn, Function) and _prints(instr.fn, set()):
                instr = replace(instr, fn=_silent(instr.fn))
            if isinstance(instr, Store):
                instr = replace(instr, visible=False)
            body.append(map_regions(visit, instr))
        return replace(region, body=tuple(body))

    return replace(graph, region=on_copies(visit(graph.region)), writes=(), sees=())


def _prints(function: Function, seen: set[Function]) -> bool:
    seen.add(function)
    if function.graph is None:
        return False
    calls = [i for i in instructions(function.graph.region) if isinstance(i, Call)]
    called = [i.fn for i in calls if isinstance(i.fn, Function) and i.fn not in seen]
    return any(i.fn is builtins.print for i in calls) or any(_prints(fn, seen) for fn in called)


def _silent(function: Function) -> Function:
    """The same function, which prints nothing."""
    known: Function | None = function.derived.get("silent")
    if known is None:
        name = f"{function.name}_silent"
        known = Function(name, function.fn, function.result, function.writes, function.sees)
        function.derived["silent"] = known
        assert function.graph is not None, "a function is derived after it has been lowered"
        region = _without_prints(function.graph.region)
        known.graph = replace(function.graph, region=region, name=name)
    return known


def _without_prints(region: Region) -> Region:
    body: list[Instr] = []
    for instr in region.body:
        if isinstance(instr, Call) and instr.fn is builtins.print:
            continue
        if isinstance(instr, Call) and isinstance(instr.fn, Function) and _prints(instr.fn, set()):
            instr = replace(instr, fn=_silent(instr.fn))
        body.append(map_regions(_without_prints, instr))
    return replace(region, body=tuple(body))


def scheduled(
    function: Function, vjp: Replay, carried: tuple[bool, ...], given: tuple[bool, ...]
) -> Function:
    """The adjoint of a function of turns that runs them again from a number of states.

    `carried` and `given` say which of the function's arguments after the turns vary: the state, and what it
    reads beside it. `vjp` is its adjoint for turns that are run again with all that they compute.
    """
    graph = function.graph
    assert graph is not None, "a function is derived after it has been lowered"
    count = len(carried)
    silent = _silent(function) if _prints(function, set()) else function
    b = Builder(FOLDED)
    b.line = graph.line
    turns, *rest = (Value(p.name, p.type, p.named) for p in graph.params)
    state, beside = rest[:count], rest[count:]
    snapshots = Value("snapshots", INT, True)
    active = [v for v, on in zip(state, carried, strict=True) if on]
    summed = [v for v, on in zip(beside, given, strict=True) if on]
    taken = {v.name for v in (turns, *rest)}
    cts = tuple(Value(free_name(bar(v), taken), cotangent_type(v.type), True) for v in active)
    zeros = Cotangents(b, set(summed))
    within = Function(f"{function.name}_vjp_within", None)

    starts = tuple(zeros.zero(v) for v in summed)
    left = _like(turns)
    ct_params = tuple(map(_like, cts))
    taken.update(v.name for v in cts)
    sum_params = tuple(Value(free_name(bar(v), taken), cotangent_type(v.type), True) for v in summed)
    with b.region() as test:
        going = b.call(operator.gt, b.call(len, left, type=INT), Const(1), type=BOOL)
    again = (_like(left), *map(_like, ct_params), *map(_like, sum_params))
    cond = rename(Region((left, *ct_params, *sum_params), tuple(test), (going,)), {})
    with b.region() as body:
        half = b.call(middle, b.call(len, left, type=INT), snapshots, type=INT, name="half")
        before = b.call(pack_slice, Const(None), half)
        first = b.call(operator.getitem, left, before, name="first", type=left.type)
        second = b.call(operator.getitem, left, b.call(pack_slice, half, Const(None)), type=left.type)
        reached = tuple(Value(f"{v.name}_half", v.type, True) for v in state)
        b.emit(Call(reached, silent, (first, *state, *beside), (), b.line))
        fewer = b.call(operator.sub, snapshots, Const(1), type=INT)
        outs = (*map(_like, cts), *(Value(f"{v.name}_part", cotangent_type(v.type), True) for v in summed))
        b.emit(Call(outs, within, (second, *reached, *beside, fewer, *ct_params), (), b.line))
        parts = zip(sum_params, outs[len(cts) :], summed, strict=True)
        sums = [zeros.plus(total, part, v) for total, part, v in parts]
    handed = (first, *outs[: len(cts)], *sums, Const(False))
    region = Region((left, *ct_params, *sum_params), tuple(body), handed)
    b.emit(While(again, (turns, *cts, *starts), cond, region, 0, b.line, object()))
    remaining, *flowing = again
    args = (remaining, *state, *beside, *flowing[: len(cts)])
    outs = (*map(_like, cts), *(Value(f"{v.name}_part", cotangent_type(v.type), True) for v in summed))
    made = tuple(out for out, k in zip(outs, vjp.passed, strict=True) if k is None)
    read = tuple(a for a, on in zip(args, vjp.reads, strict=True) if on)
    b.emit(Call(made, vjp.function, read, (), b.line))
    ends: list[Atom] = [o if k is None else flowing[k] for o, k in zip(outs, vjp.passed, strict=True)]
    last = zip(flowing[len(cts) :], ends[len(cts) :], summed, strict=True)
    sums = [zeros.plus(total, part, v) for total, part, v in last]
    params = (turns, *state, *beside, snapshots, *cts)
    whole = Region(params, tuple(b.body), (*ends[: len(cts)], *sums))
    within.graph = Graph(within.name, whole, graph.line, doc=_DOC.format(name=function.name))
    return within


_DOC = "Cotangents of its arguments: `{name}` is run again from at most so many states."


def _like(value: Value) -> Value:
    return Value(value.name, value.type, value.named)
