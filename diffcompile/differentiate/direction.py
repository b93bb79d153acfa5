"""A graph -> the graph of its results and of their derivatives in a direction, `jvp`.

    graph f(x): yield np.sin(x)     ->     graph f(x, x_dot): yield np.sin(x), x_dot * np.cos(x)
"""

from __future__ import annotations

import operator
from collections.abc import Collection, Iterable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from ..analysis.activity import can_vary, reaching, varied
from ..analysis.assured import assured
from ..analysis.effects import form_assumed, may_fail, may_raise
from ..analysis.liveness import liveness, reach
from ..frontend.build import FOLDED, Builder
from ..frontend.loans import free_name
from ..ir.graph import Atom, Call, Const, Function, Graph, Region, Store, Value
from ..ir.types import UNKNOWN
from ..ir.walk import changes, instructions, regions
from ..passes import optimize
from ..passes.accumulate import accumulate
from ..passes.dce import dce
from ..passes.fuse import fuse
from ..passes.inplace import inplace
from ..passes.own import own
from .derive import (
    FORWARD,
    derive_function,
    derive_gradient,
    differentiable_again,
    listed,
    may_be_complex,
)
from .escapes import refuse_escapes
from .forward import DeriveCallee
from .pushes import Push
from .tangents import Tangents, dot, tangent_type


def directional(
    graph: Graph, wrt: list[Value], wholes: Collection[int] = (), alone: bool = False
) -> Graph:
    """The graph with a tangent for each parameter of `wrt`, and then for each result, None if it has none.

    The results at `wholes`, objects of the caller's, have none: those of their parts are results beside them.
    What the function does to the caller's arguments is done to them, not to their tangents. The tangents may
    be wanted `alone`, without the results.
    """
    pushed, given, _ = directional_parts(graph, wrt, wholes=wholes, alone=alone)
    return own(inplace(pushed, lent=given), 0 if alone else len(graph.region.results))


def directional_parts(
    graph: Graph, wrt: list[Value], shared: bool = False, wholes: Collection[int] = (), many: bool = False,
    alone: bool = False,
) -> tuple[Graph, list[Value], tuple[bool, ...]]:
    """The graph that computes the tangents of its results too, those that it takes, and which results move.

    The tangents of `wrt` are further parameters, and those of the results are further results: of all, None
    where nothing can move, or only of those that move, if the tangents of what the function changes are
    `shared` with its caller. It may be run for `many` directions, each of which moves little.
    """
    pushed, given, moved = swept(graph, wrt, partial(derive_tangent, many=many), shared, wholes, many)
    if alone:
        ends = pushed.region.results[len(graph.region.results) :]
        pushed = replace(pushed, region=replace(pushed.region, results=ends))
    return _tidied(pushed, graph, noticed(graph, wrt)), given, moved


def swept(
    graph: Graph, wrt: list[Value], derive_callee: DeriveCallee, shared: bool = False,
    wholes: Collection[int] = (), many: bool = False,
) -> tuple[Graph, list[Value], tuple[bool, ...]]:  # fmt: skip
    """As `directional_parts`, as the sweep leaves it; `derive_callee` makes the tangent functions."""
    builder = Builder(FOLDED)
    for instr in instructions(graph.region):
        if isinstance(instr, (Call, Store)):
            for out in instr.outs:
                builder.defs[out] = instr
                if instr.fn is operator.getitem and out.type.kind == "array":
                    builder.selected(instr.args[0].type, instr.args[1], out.type)
    active = varied(graph.region, wrt)
    refuse_escapes(graph, active)
    results = graph.region.results
    moved = tuple(isinstance(r, Value) and r in active for r in results)
    dots = Tangents(builder, any(map(may_be_complex, instructions(graph.region))), many)
    taken = {p.name for p in graph.params}
    given: list[Value] = []
    for value in wrt:
        given.append(Value(free_name(dot(value), taken), tangent_type(value.type), True))
        taken.add(given[-1].name)
    dots.of.update(zip(wrt, given, strict=True))
    if not shared:
        for value in changed(graph, wrt):
            known = tangent_type(value.type)
            dots.of[value] = builder.call(np.copy, dots.of[value], name=dot(value), type=known)
    needed = reaching(graph.region, [r for r, on in zip(results, moved, strict=True) if on])
    sweep = Push(builder, dots, active, needed | set(wrt), shared, derive_callee)
    builder.active, builder.derive, builder.gradient = dots.has, derive_function, derive_gradient
    builder.tangent = derive_tangent
    sweep.region(graph.region)
    if shared:
        ends = tuple(dots.whole(r) for r, on in zip(results, moved, strict=True) if on)
    else:
        end = dots.whole if many else partial(_of_its_kind, dots)
        ends = tuple(
            end(r) if _can_vary(r) and k not in wholes else Const(None) for k, r in enumerate(results)
        )
    region = Region((*graph.params, *given), tuple(builder.body), (*results, *ends))
    return replace(graph, region=region), given, moved


def _of_its_kind(dots: Tangents, result: Atom) -> Atom:
    """The tangent of a result, a float where that is one, a number of NumPy's where that is one."""
    found, known = dots.whole(result), result.type
    if known.kind == "float" and found.type.kind in ("number", "array"):
        return dots.b.call(float, found, name=dot(result))
    constant = dots.b.constant(found)
    if known.kind == "number" and known.dtype is not None and constant is not None:
        return dots.b.call(known.dtype.type, constant, name=dot(result), type=known)
    return found


def changed(graph: Graph, params: list[Value]) -> list[Value]:
    """Those of these arrays that the function changes, itself or by a function that it calls."""
    live = liveness(graph.region)
    targets = {target for instr in instructions(graph.region) for target, _ in changes(instr)}
    return [p for p in params if p.type.kind == "array" and not targets.isdisjoint(reach([p], live.flows))]


def _can_vary(atom: Atom) -> bool:
    return can_vary(atom) if isinstance(atom, Value) else isinstance(atom.value, (float, complex))


def noticed(graph: Graph, wrt: list[Value]) -> set[Value]:
    """What is computed, read or not, since the user's function may raise there.

    What moves with `wrt`, and moves a result, has a derivative that raises as well.
    """
    moving = varied(graph.region, wrt) & reaching(graph.region, graph.region.results) if wrt else set()
    failing = (i for i in instructions(graph.region) if may_fail(i) or form_assumed(i))
    return may_raise(graph.region) | {o for i in failing for o in i.outs if o not in moving}


def _tidied(pushed: Graph, graph: Graph, keep: set[Value]) -> Graph:
    """The optimised program, in which the user's function still raises where it would."""
    primal = set(_values(graph))
    tidy = fuse(dce(optimize(pushed, primal, keep), keep), primal)
    return accumulate(dce(tidy, keep - assured(tidy, keep)), primal)


def _values(graph: Graph) -> Iterable[Value]:
    yield from graph.params
    for instr in instructions(graph.region):
        yield from instr.outs
        for part in regions(instr):
            yield from part.params


def derive_direction(function: Function, wrt: tuple[int, ...]) -> Function:
    """The function that takes a tangent for each of a callee's arguments `wrt` besides, and gives those of
    its results, None for one that cannot move, after them."""
    key: Any = ("direction", wrt)
    known: Any = function.derived.get(key)
    if known is None:
        assert function.graph is not None, "a function is derived after it has been lowered"
        graph = differentiable_again(function.graph)
        params = [graph.params[k] for k in wrt]
        writes, sees = function.writes, function.sees
        known = function.derived[key] = Function(f"{function.name}_jvp", function.fn, UNKNOWN, writes, sees)
        doc = (
            f"Value of `{function.name}`, and its derivative in a direction of "
            f"{listed([p.name for p in params])}."
        )
        pushed = directional(replace(graph, doc=doc), params)
        known.graph = replace(differentiable_again(pushed), name=known.name)
    return known  # type: ignore[no-any-return]


def derive_tangent(
    function: Function, active: tuple[bool, ...], many: bool = False
) -> tuple[Function, tuple[bool, ...], tuple[bool, ...]]:
    """The tangent function of a callee, for its active arguments; which results have a tangent, and which
    arguments take one: those that it changes must, if what it leaves there moves.
    """
    moved, active = _taking(function, active)
    key: Any = ("tangent", active, many)
    known: Any = function.derived.get(key)
    if known is None:
        known = function.derived[key] = _tangent_function(function, active, moved)
        assert function.graph is not None, "a function is pushed forward after it has been lowered"
        graph = differentiable_again(function.graph)
        wrt = [p for p, on in zip(graph.params, active, strict=True) if on]
        pushed, given, found = directional_parts(graph, wrt, shared=True, many=many)
        assert found == moved, "what moves in a function is decided before it is pushed forward"
        safe = inplace(_named_like(pushed, known), lent=unwritten(pushed, known, given))
        known.graph = own(safe, len(moved), seeing=seeing(known))
    return known, moved, active


FORWARD["tangent"] = derive_tangent


def derive_swept(
    function: Function, active: tuple[bool, ...]
) -> tuple[Function, tuple[bool, ...], tuple[bool, ...]]:
    """As `derive_tangent`, a function as the sweep leaves it, to be taken apart (`linear.py`)."""
    moved, active = _taking(function, active)
    key: Any = ("swept", active)
    known: Any = function.derived.get(key)
    if known is None:
        known = function.derived[key] = _tangent_function(function, active, moved)
        assert function.graph is not None, "a function is pushed forward after it has been lowered"
        graph = differentiable_again(function.graph)
        wrt = [p for p, on in zip(graph.params, active, strict=True) if on]
        pushed, _, _ = swept(graph, wrt, derive_swept, shared=True)
        known.graph = _named_like(pushed, known)
        known.derived["primal"] = function.name, graph
    return known, moved, active


def _taking(function: Function, active: tuple[bool, ...]) -> tuple[tuple[bool, ...], tuple[bool, ...]]:
    """Which results of a function have a tangent, and which of its arguments take one."""
    assert function.graph is not None, "a function is pushed forward after it has been lowered"
    graph = function.graph
    while True:
        moved = _moved(graph, active)
        grown = list(active)
        for k, n in (*graph.writes, *graph.sees):
            grown[k] = grown[k] or (moved[n] and any(k == w for w, _ in graph.writes))
        if tuple(grown) == active:
            return moved, active
        active = tuple(grown)


def _tangent_function(function: Function, active: tuple[bool, ...], moved: tuple[bool, ...]) -> Function:
    """The tangent function of a callee, of which the graph is to be made."""
    graph = function.graph
    assert graph is not None
    places = {k: len(active) + n for n, k in enumerate(k for k, on in enumerate(active) if on)}
    ends = {n: len(moved) + j for j, n in enumerate(n for n, on in enumerate(moved) if on)}

    def doubled(pairs: Any) -> Any:
        return (*pairs, *((places[k], ends[n]) for k, n in pairs if k in places and n in ends))

    writes, sees = doubled(graph.writes), doubled(graph.sees)
    known = Function(f"{function.name}_jvp", function.fn, UNKNOWN, writes, sees)
    known.keeps = function.keeps
    return known


def unwritten(graph: Graph, function: Function, params: Collection[Value]) -> list[Value]:
    """Those of these parameters that the function does not change."""
    written = {graph.params[k] for k, _ in function.writes}
    return [p for p in params if p not in written]


def seeing(function: Function) -> set[int]:
    """The results that may be an argument, as those who call the function know."""
    return {n for _, n in (*function.writes, *function.sees)}


def _named_like(pushed: Graph, known: Function) -> Graph:
    return replace(pushed, name=known.name, writes=known.writes, sees=known.sees)


def _moved(graph: Graph, active: tuple[bool, ...]) -> tuple[bool, ...]:
    seeds = [p for p, on in zip(graph.params, active, strict=True) if on and can_vary(p)]
    inside = varied(graph.region, seeds)
    return tuple(isinstance(r, Value) and r in inside for r in graph.region.results)
