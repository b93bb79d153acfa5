"""A graph -> the graph of its results and of what its derivative needs, and the graph of that derivative.

    graph f(x): yield np.sin(x)     ->     graph f_linearized(x): yield np.sin(x), np.cos(x)
                                           graph f_push(saved, x_dot): yield x_dot * saved

Before: the program of the forward sweep, in which each value has its tangent beside it. After: two programs.
What depends on a tangent stands in the second one, in the same order; everything else in the first one. A
loop or a branch that computes both is two, the second over the turns, or on the way, that the first one took:
it reads the values of the first across regions, and `analysis/residuals.py` decides how each one gets there,
as it does for an adjoint. This is partial evaluation with respect to the tangents (Radul, Paszke, Frostig,
Johnson, Maclaurin, You only linearize once, 2022).
"""

from __future__ import annotations

import operator
from collections.abc import Collection, Iterable
from dataclasses import replace
from typing import Any

import numpy as np

from ..ir.graph import (
    UNBOUND,
    Atom,
    Call,
    Const,
    For,
    Function,
    Graph,
    If,
    Instr,
    Mirror,
    Region,
    Store,
    Try,
    Turns,
    Value,
    While,
    backward_begins,
    pack_dict,
    pack_list,
    pack_object,
    replay_begins,
    replay_ends,
)
from ..ir.types import BOOL, INT, NONE, OBJECT
from ..ir.walk import instructions, map_regions, operands, reads, regions, values
from ..passes.inplace import inplace
from ..passes.own import own
from ..rules.containers import zeros_of
from .derive import closed_halves, differentiable_again, halved, primal_values
from .direction import derive_swept, seeing, swept, unwritten

_BACK = Const(slice(None, None, -1))
_MADE = (np.zeros_like, zeros_of, pack_list, pack_dict, pack_object)  # tangents, of nothing that moves


def linearized(
    graph: Graph, wrt: list[Value], name: str, callers: tuple[Value, ...] | None = None,
    wholes: Collection[int] = (),
) -> tuple[Graph, Graph]:  # fmt: skip
    """The graph of the results and of what is saved, and the graph of the derivative in a direction.

    The second takes what was saved and a tangent for each of `wrt`, and gives one for each result, None where
    nothing can move and at `wholes`. What is saved is safe from later writes into the arrays of `callers`.
    """
    primal = primal_values(graph)
    pushed, dots, _ = swept(graph, wrt, derive_swept, wholes=wholes)
    pushed = replace(pushed, region=replace(unmarked(pushed.region), params=graph.params))
    count = len(graph.region.results)

    def combine(pushed: Graph) -> Graph:
        halves = Halves(primal, dots, pushed.region)
        return closed_halves(halves.joined(pushed, dots), graph, primal, set())

    front, back = halved(pushed, combine, count, dots, callers)
    back = own(inplace(back, lent=dots), 0)
    return replace(front, name=f"{name}_linearized"), replace(back, name=f"{name}_push")


def derive_linearized(function: Function, wrt: tuple[int, ...]) -> tuple[Function, Function]:
    """The function that gives a callee's results and what it saved, and the one that takes that and a tangent
    for each of its arguments `wrt`, and gives those of its results, None for one that cannot move."""
    key: Any = ("linearized", wrt)
    known: Any = function.derived.get(key)
    if known is None:
        assert function.graph is not None, "a function is derived after it has been lowered"
        graph = differentiable_again(function.graph)
        front, back = linearized(graph, [graph.params[k] for k in wrt], function.name)
        ahead = Function(front.name, function.fn, function.result, graph.writes, graph.sees)
        ahead.keeps = True
        ahead.graph = front
        push = Function(back.name, function.fn)
        push.graph = differentiable_again(back)
        known = function.derived[key] = ahead, push
    return known  # type: ignore[no-any-return]


def derive_linear(function: Function, dependent: tuple[bool, ...]) -> tuple[Function, Function]:
    """A function in two, for those of its arguments that depend on a tangent: what they play no part in,
    which gives the other results and what it saved, and what takes that and those arguments."""
    known: Any = function.derived.get(("halves", dependent))
    if known is not None:
        return known  # type: ignore[no-any-return]
    graph = function.graph
    assert graph is not None, "a function is taken apart after it has been made"
    name, original = function.derived.get("primal", (function.name, graph))
    moved = depending(function, dependent)
    ahead = Function(f"{name}_linearized", function.fn, function.result)
    behind = Function(f"{name}_push", function.fn)
    ahead.keeps = True
    behind.keeps = function.keeps
    function.derived["halves", dependent] = ahead, behind
    parts = [(ahead, False, 0), (behind, True, 1)]
    for part, side, first in parts:
        taken = [k for k, on in enumerate(dependent) if on == side]
        given = [n for n, on in enumerate(moved) if on == side]
        part.writes, part.sees = (
            tuple((first + taken.index(k), given.index(n)) for k, n in pairs if k in taken and n in given)
            for pairs in (function.writes, function.sees)
        )
    graph = differentiable_again(graph)
    dots = [p for p, on in zip(graph.params, dependent, strict=True) if on]
    rest = tuple(p for p in graph.params if p not in dots)
    results = graph.region.results
    outs = tuple(r for r, on in zip(results, moved, strict=True) if not on)
    ends = tuple(r for r, on in zip(results, moved, strict=True) if on)
    region = replace(unmarked(graph.region), params=rest, results=(*outs, *ends))
    graph = replace(graph, region=region, writes=ahead.writes, sees=ahead.sees, doc="")
    primal = primal_values(original)

    def combine(graph: Graph) -> Graph:
        halves = Halves(primal, dots, graph.region)
        return closed_halves(halves.joined(graph, dots), original, primal & primal_values(graph), set())

    front, back = halved(graph, combine, len(outs), dots, None)
    ahead.graph = replace(front, name=ahead.name)
    back = replace(back, name=behind.name, writes=behind.writes, sees=behind.sees)
    safe = inplace(back, lent=unwritten(back, behind, dots))
    behind.graph = own(safe, 0, seeing=seeing(behind))
    return ahead, behind


def depending(function: Function, dependent: tuple[bool, ...]) -> tuple[bool, ...]:
    """Which results of a function depend on these of its arguments."""
    memo: dict[Any, tuple[bool, ...]] = function.derived.setdefault("depending", {})
    graph = function.graph
    assert graph is not None, "a function is taken apart after it has been made"
    if dependent not in memo:
        # The least fixed point: a function that calls itself is first taken to depend on nothing.
        memo[dependent] = (False,) * len(graph.region.results)
        primal = primal_values(function.derived.get("primal", ("", graph))[1])
        dots = [p for p, on in zip(graph.params, dependent, strict=True) if on]
        while True:
            halves = Halves(primal, dots, graph.region)
            found = tuple(map(halves.depends, graph.region.results))
            if found == memo[dependent]:
                break
            memo[dependent] = found
    return memo[dependent]


def unmarked(region: Region) -> Region:
    """The region without what is checkpointed: what is saved is read as often as wished."""
    marks = (replay_begins, replay_ends)
    body = [i for i in region.body if not (isinstance(i, Call) and i.fn in marks)]
    plain = (replace(i, snapshots=None) if isinstance(i, For) else i for i in body)
    return replace(region, body=tuple(map_regions(unmarked, i) for i in plain))


class Halves:
    """A program taken apart: `dependent` are the values that depend on a tangent.

    Zeros that the sweep made are tangents as well.
    """

    def __init__(self, primal: set[Value], dots: Iterable[Value], region: Region) -> None:
        self.primal = primal
        self.dependent = set(dots)
        self.managers: dict[Atom, Call] = {}
        while True:
            before = len(self.dependent)
            self.visit(region)
            if len(self.dependent) == before:
                break

    def joined(self, graph: Graph, dots: list[Value]) -> Graph:
        """The graph that runs the first half, then the second, of which `dots` are parameters."""
        ahead, behind = self.apart(graph.region)
        body = (*ahead, Call((), backward_begins, ()), *behind)
        region = Region((*graph.params, *dots), body, graph.region.results)
        return replace(graph, region=region)

    # -- what depends on a tangent ----------------------------------------------------------------------

    def depends(self, atom: Atom) -> bool:
        return isinstance(atom, Value) and atom in self.dependent

    def visit(self, region: Region) -> None:
        for instr in region.body:
            self.instr(instr)

    def instr(self, instr: Instr) -> None:
        match instr:
            case Call(fn=Function()):
                taken = self.taken(instr)
                moved = depending(instr.fn, taken) if any(taken) and instr.fn.graph is not None else None
                if moved is not None:
                    self.dependent.update(o for o, on in zip(instr.outs, moved, strict=True) if on)
                elif any(taken):
                    self.dependent.update(instr.outs)
            case Call() | Store():
                made = isinstance(instr, Call) and instr.fn in _MADE and self.primal.isdisjoint(instr.outs)
                if made or any(map(self.depends, operands(instr))):
                    self.dependent.update(instr.outs)
            case _:
                if self.whole(instr):
                    self.dependent.update(instr.outs)
                    self.dependent.update(o for i in inside(instr) for o in i.outs)
                    self.dependent.update(p for part in regions(instr) for p in part.params)
                else:
                    self.control(instr)

    def taken(self, instr: Call) -> tuple[bool, ...]:
        """The arguments of a function that its second half takes: those that it changes by others as well."""
        found = [self.depends(a) for a in instr.args]
        if any(found) and instr.fn.graph is not None:
            while True:
                moved = depending(instr.fn, tuple(found))
                written = {k for k, n in instr.fn.writes if moved[n]}
                grown = [on or k in written for k, on in enumerate(found)]
                if grown == found:
                    break
                found = grown
        return tuple(found)

    def whole(self, instr: Instr) -> bool:
        """Does it depend on a tangent which way this goes, or for how many turns?"""
        match instr:
            case If():
                return self.depends(instr.test)
            case For():
                alone = bool(instr.items) and all(map(self.depends, instr.items))
                return alone or self.depends(instr.body.results[len(instr.init)])
            case While():
                test = self.depends(instr.cond.results[0])
                return test or self.depends(instr.body.results[len(instr.init)])
            case Try():
                return self.depends(instr.manager)
        return False

    def control(self, instr: Instr) -> None:
        match instr:
            case If():
                self.visit(instr.then)
                self.visit(instr.orelse)
                ends = zip(instr.outs, instr.then.results, instr.orelse.results, strict=True)
                self.dependent.update(o for o, a, b in ends if self.depends(a) or self.depends(b))
            case Try():
                self.visit(instr.body)
                both = zip(instr.outs, instr.body.results, instr.otherwise, strict=False)
                self.dependent.update(o for o, a, b in both if self.depends(a) or self.depends(b))
            case For() | While():
                items = instr.items if isinstance(instr, For) else ()
                count = len(instr.init)
                params = instr.body.params
                pairs = zip(items, params, strict=False)
                self.dependent.update(p for item, p in pairs if self.depends(item))
                carried = params[len(items) :]
                while True:
                    before = len(self.dependent)
                    for k, param in enumerate(carried):
                        ends_in = instr.body.results[k]
                        if self.depends(instr.init[k]) or self.depends(ends_in) or self.depends(param):
                            self.dependent.update((param, instr.outs[k]))
                            if isinstance(instr, While):
                                self.dependent.add(instr.cond.params[k])
                    if isinstance(instr, While):
                        self.visit(instr.cond)
                    self.visit(instr.body)
                    if len(self.dependent) == before:
                        break
                saves = zip(instr.outs[count:], instr.body.results[count + 1 :], strict=True)
                self.dependent.update(o for o, r in saves if self.depends(r))

    # -- taking apart -----------------------------------------------------------------------------------

    def apart(self, region: Region) -> tuple[list[Instr], list[Instr]]:
        """The instructions of a region that depend on no tangent, and the others."""
        ahead: list[Instr] = []
        behind: list[Instr] = []
        for instr in region.body:
            first, second = self.halves(instr)
            ahead.extend(first)
            behind.extend(second)
        return ahead, behind

    def halves(self, instr: Instr) -> tuple[list[Instr], list[Instr]]:
        if isinstance(instr, Call) and isinstance(instr.fn, Function):
            return self.called(instr)
        if isinstance(instr, (Call, Store)):
            if isinstance(instr, Call) and instr.fn is np.errstate:
                self.managers[instr.outs[0]] = instr
            mine = any(o in self.dependent for o in instr.outs) or any(map(self.depends, operands(instr)))
            return ([], [instr]) if mine else ([instr], [])
        if self.whole(instr):
            return [], [instr]
        if not any(v in self.dependent for v in everything(instr)):
            return [instr], []
        match instr:
            case If():
                return self.branch(instr)
            case Try():
                return self.attempt(instr)
            case For() | While():
                return self.loop(instr)

    def called(self, instr: Call) -> tuple[list[Instr], list[Instr]]:
        taken = self.taken(instr)
        if not any(taken):
            return [instr], []
        if instr.fn.graph is None:
            return [], [instr]
        moved = depending(instr.fn, taken)
        first, second = derive_linear(instr.fn, taken)
        kept = first.graph.region.results[-1].type if first.graph is not None else OBJECT
        name = instr.fn.derived.get("primal", (instr.fn.name, None))[0]
        saved = Value(f"{name}_saved", kept, named=True)
        outs = [o for o, on in zip(instr.outs, moved, strict=True) if not on]
        ends = tuple(o for o, on in zip(instr.outs, moved, strict=True) if on)
        args = tuple(a for a, on in zip(instr.args, taken, strict=True) if not on)
        dots = tuple(a for a, on in zip(instr.args, taken, strict=True) if on)
        ahead = Call((*outs, saved), first, args, (), instr.line)
        return [ahead], [Call(ends, second, (saved, *dots), (), instr.line)]

    def branch(self, instr: If) -> tuple[list[Instr], list[Instr]]:
        then, then_behind = self.apart(instr.then)
        orelse, orelse_behind = self.apart(instr.orelse)
        mine = [out in self.dependent for out in instr.outs]

        def part(region: Region, body: list[Instr], side: bool) -> Region:
            results = (r for r, on in zip(region.results, mine, strict=True) if on == side)
            return Region(region.params, tuple(body), tuple(results))

        first = replace(
            instr,
            outs=tuple(o for o, on in zip(instr.outs, mine, strict=True) if not on),
            then=part(instr.then, then, False),
            orelse=part(instr.orelse, orelse, False),
        )
        second = replace(
            instr,
            outs=tuple(o for o, on in zip(instr.outs, mine, strict=True) if on),
            then=part(instr.then, then_behind, True),
            orelse=part(instr.orelse, orelse_behind, True),
            key=Mirror(instr.key),
        )
        return [first], [second]

    def attempt(self, instr: Try) -> tuple[list[Instr], list[Instr]]:
        """The tangents of a body that completed, or those of nothing; in the same floating-point state."""
        ahead, behind = self.apart(instr.body)
        mine = [out in self.dependent for out in instr.outs[:-1]]
        results = instr.body.results

        def chosen(atoms: tuple[Any, ...], side: bool) -> tuple[Any, ...]:
            return tuple(a for a, on in zip(atoms, mine, strict=True) if on == side)

        first = replace(
            instr,
            outs=(*chosen(instr.outs[:-1], False), instr.error),
            body=Region(instr.body.params, tuple(ahead), chosen(results, False)),
            otherwise=chosen(instr.otherwise, False),
        )
        outs = chosen(instr.outs[:-1], True)
        body = Region((), tuple(behind), chosen(results, True))
        key = Mirror(instr.key)
        if instr.classes:
            completed = Value("completed", BOOL)
            test = Call((completed,), operator.is_, (instr.error, Const(None)), (), instr.line)
            other = Region((), (), chosen(instr.otherwise, True))
            return [first, test], [If(outs, completed, body, other, instr.line, key)]
        missing = (Const(UNBOUND),) * len(outs)
        made = (*outs, Value("error", OBJECT))
        if instr.manager not in self.managers:
            return [first], [Try(made, body, missing, (), Const(None), False, instr.line, key)]
        # The same settings, of a manager of its own: one can be entered once only.
        settings = replace(self.managers[instr.manager], outs=(Value("floats", OBJECT),))
        body = replace(body, params=(Value("state", NONE),))
        again = Try(made, body, missing, (), settings.outs[0], True, instr.line, key)
        return [first], [settings, again]

    def loop(self, instr: For | While) -> tuple[list[Instr], list[Instr]]:
        items = instr.items if isinstance(instr, For) else ()
        count = len(instr.init)
        ahead, behind = self.apart(instr.body)
        params, results = instr.body.params, instr.body.results
        carried, saves, left = params[len(items) :], results[count + 1 :], results[count]
        slots = [out in self.dependent for out in instr.outs[:count]]
        kept = [self.depends(r) for r in saves]
        along = [self.depends(item) for item in items]

        def chosen(atoms: tuple[Any, ...], mine: list[bool], side: bool) -> tuple[Any, ...]:
            return tuple(a for a, on in zip(atoms, mine, strict=True) if on == side)

        def body(side: bool, first: tuple[Value, ...], made: list[Instr], leave: Atom) -> Region:
            ends = (*chosen(results[:count], slots, side), leave, *chosen(saves, kept, side))
            return Region((*first, *chosen(carried, slots, side)), tuple(made), ends)

        def outs(side: bool) -> tuple[Value, ...]:
            return (*chosen(instr.outs[:count], slots, side), *chosen(instr.outs[count:], kept, side))

        init, mirror = chosen(instr.init, slots, False), Mirror(instr.key)
        if isinstance(instr, For):
            first_items = chosen(params[: len(items)], along, False)
            first: Instr = replace(
                instr, outs=outs(False), items=chosen(items, along, False), init=init,
                body=body(False, first_items, ahead, left), saves=kept.count(False),
            )  # fmt: skip
        else:
            cond = replace(instr.cond, params=chosen(instr.cond.params, slots, False))
            first = replace(
                instr, outs=outs(False), init=init, cond=cond, body=body(False, (), ahead, left),
                saves=kept.count(False),
            )  # fmt: skip
        index = Value("k", INT)
        prefix: list[Instr] = []
        dots = chosen(items, along, True)
        if isinstance(instr, For) and instr.backwards:
            dots = tuple(turned(item, prefix, instr) for item in dots)
        second_items = (index, *chosen(params[: len(items)], along, True))
        second = For(
            outs(True), (Const(Turns(instr.key)), *dots), chosen(instr.init, slots, True),
            body(True, second_items, behind, Const(False)), kept.count(True), False, instr.line, mirror,
        )  # fmt: skip
        return [first], [*prefix, second]


def turned(item: Atom, prefix: list[Instr], instr: Instr) -> Value:
    """What a loop runs over last first, to be run over first to last."""
    out = Value(getattr(item, "name", "items"), item.type)
    prefix.append(Call((out,), operator.getitem, (item, _BACK), (), instr.line))
    return out


def inside(instr: Instr) -> list[Instr]:
    """The instructions in the regions of one."""
    return [i for part in regions(instr) for i in instructions(part)]


def everything(instr: Instr) -> set[Value]:
    """What an instruction with regions reads and makes."""
    found = {*reads(instr), *instr.outs}
    for part in regions(instr):
        found.update(part.params)
        found.update(values(part.results))
    return found | {o for i in inside(instr) for o in i.outs}
