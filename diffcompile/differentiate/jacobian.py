"""A graph -> the graph of its Jacobian: all directions at once, forward or backward.

    forward:    x_dot = np.eye(x.size)        one direction for each number in the arguments
    reverse:    y_bar = np.eye(y.size)        one for each number in the results

The tangents, or the cotangents, are a batch (`batch.py`); the function itself runs once.
"""

from __future__ import annotations

import operator
from dataclasses import replace
from typing import Any

import numpy as np

from ..analysis.activity import can_vary, varied
from ..analysis.effects import declared, may_raise, packed_function, pure, repeatable
from ..analysis.shapes import fresh_dim
from ..errors import NOWHERE, NoRule
from ..frontend.build import FOLDED, Builder
from ..frontend.loans import free_name
from ..ir.graph import (
    Atom,
    Call,
    Const,
    For,
    Function,
    Graph,
    Instr,
    Method,
    Region,
    Store,
    Value,
    backward_begins,
    pack_function,
    pack_slice,
    pack_tuple,
    raise_error,
)
from ..ir.types import INT, OBJECT, SCALARS, Type, array
from ..ir.walk import instructions, reads, rename, substitute
from ..passes.dce import dce
from ..passes.inplace import inplace
from ..passes.own import own
from ..rules.solvers import SOLVERS
from .axes import Axes
from .batch import COUNT, OneByOne, lifted_type
from .derive import closed_gradient, differentiable_again, listed
from .direction import changed, directional_parts, noticed
from .replay import quiet
from .rule import hashable


def forward_jacobian(graph: Graph, wrt: list[Value]) -> Graph:
    """The graph of the derivative of each result with respect to each of `wrt`, result by result."""
    keep = noticed(graph, wrt)
    reading, graph = _reads_first(graph, wrt)
    count = len(graph.region.results)
    pushed, dots, _ = directional_parts(graph, wrt, many=len(wrt) > 1 or not wrt[0].type.is_scalar)
    outputs, ends = pushed.region.results[:count], pushed.region.results[count:]
    if len(wrt) == 1 and wrt[0].type.is_scalar:
        region = replace(substitute(pushed.region, {dots[0]: Const(1.0)}), params=graph.params)
        ends = tuple(_or_zero(end) for end in region.results[count:])
        region = replace(region, body=(*reading, *region.body), results=ends)
        return _tidy(replace(graph, region=region), keep)
    seeds = Seeds(wrt, dots)
    batch = in_all(graph, seeds, Region((), pushed.region.body, ends), [*reading, *seeds.body])
    results = [
        seeds.block(batch, end, output, value, k, last=True)
        for output, end in zip(outputs, ends, strict=True)
        for k, value in enumerate(wrt)
    ]
    region = Region(graph.params, tuple(batch.b.body), tuple(results))
    return _tidy(replace(graph, region=region), batch.renewed(keep))


def reverse_jacobian(graph: Graph, wrt: list[Value]) -> Graph:
    """As `forward_jacobian`, by pulling back a direction for each number in the results."""
    keep = noticed(graph, wrt)
    outputs = list(graph.region.results)
    if len(outputs) == 1 and outputs[0].type.is_scalar:
        return _tidy(closed_gradient(graph, wrt, [(outputs[0], Const(1.0))]), keep)
    cts = [Value(f"{getattr(o, 'name', 'out')}_bar", _cotangent(o), True) for o in outputs]
    combined = closed_gradient(graph, wrt, list(zip(outputs, cts, strict=True)), tuple(outputs), many=True)
    body = combined.region.body
    outputs, grads = list(combined.region.results[: len(cts)]), combined.region.results[len(cts) :]
    at = next((k for k, i in enumerate(body) if isinstance(i, Call) and i.fn is backward_begins), len(body))
    seeds = Seeds(outputs, cts)
    batch = in_all(None, seeds, Region((), body[at + 1 :], grads), [*body[: at + 1], *seeds.body])
    results = [
        seeds.block(batch, grad, output, value, k, last=False)
        for k, output in enumerate(outputs)
        for value, grad in zip(wrt, grads, strict=True)
    ]
    region = Region(graph.params, tuple(batch.b.body), tuple(results))
    return _tidy(replace(graph, region=region), batch.renewed(keep))


def in_all(primal: Graph | None, seeds: Seeds, region: Region, ahead: list[Instr]) -> Axes:
    """The region in all directions, behind the instructions `ahead`: at once, or where that cannot be,
    one after the other. It holds those of the function `primal` too."""
    try:
        body, batch = batched(region, seeds.of, seeds.count)
        for result in region.results:
            if batch.has(result) and result.type.kind not in SCALARS | {"array"}:
                raise OneByOne
    except OneByOne:
        last: tuple[Instr, ...] = ()
        if primal is not None and changed(primal, list(primal.params)):
            # What is written is written in the end, once; each direction works on copies.
            last = primal.region.body
            copies = quiet(replace(primal, region=replace(region, params=primal.params)))
            region = replace(copies.region, params=())
        else:
            once, region = _once(region, seeds)
            ahead = [*ahead, *once]
        why = "the derivative is taken in one direction after the other"
        body, batch = in_turn(region, seeds.of, seeds.count, why)
        body = [*body, *last]
    batch.b.body = [*ahead, *body]
    return batch


def _once(region: Region, seeds: Seeds) -> tuple[list[Instr], Region]:
    """What would be noticed if it happened in each direction and needs none, with all that it reads; and the
    region without it."""
    moving = set(seeds.of)
    still: list[Instr] = []
    for instr in region.body:
        if moving.isdisjoint(reads(instr)):
            still.append(instr)
        else:
            moving.update(instr.outs)
    wanted: set[Value] = set()
    once: list[Instr] = []
    for instr in reversed(still):
        if not wanted.isdisjoint(instr.outs) or any(_seen(i, set()) for i in _all_of(instr)):
            wanted.update(reads(instr))
            once.append(instr)
    taken = set(once)
    return once[::-1], replace(region, body=tuple(i for i in region.body if i not in taken))


def _all_of(instr: Instr) -> list[Instr]:
    return list(instructions(Region((), (instr,), ())))


def in_turn(
    region: Region, start: dict[Value, Value], count: Atom, why: str, mapping: bool = False
) -> tuple[list[Instr], Axes]:
    """The region in a loop over the rows of `start`, whose results are stacked.

    Where the function itself is what is done for each row, `mapping`, all that has a derivative is called so.
    """
    seen = next(
        (i for i in instructions(region)
         if _seen(i, set()) and not _solves(i) and not (mapping and isinstance(i, Call) and declared(i.fn))),
        None,
    )  # fmt: skip
    if seen is not None:
        raise NoRule(
            f"{why}, and this would happen each time",
            seen.line,
            "Work on a copy, and leave prints and draws to the caller.",
        )
    batch = Axes(Builder(FOLDED), count, derive_batch)
    table: dict[Value, Atom] = {}
    rows = tuple(Value(given.name, given.type, given.named) for given in start)
    table.update(zip(start, rows, strict=True))
    inner = rename(region, table)
    batch.copies.update(table)
    lists = tuple(Value(f"{getattr(r, 'name', 'row')}_rows", Type("list")) for r in region.results)
    turn = Region(rows, inner.body, (Const(False), *inner.results))
    batch.b.emit(For(lists, tuple(start.values()), (), turn, len(lists), False, NOWHERE, object()))
    for result, found in zip(region.results, lists, strict=True):
        if isinstance(result, Value):
            batch.put(result, batch.b.call(np.stack, found, type=lifted_type(result.type)))
    return batch.b.body, batch


def noticeable(instr: Instr) -> bool:
    """Would it be noticed if this ran once more?"""
    return _seen(instr, set())


def _seen(instr: Instr, within: set[Function]) -> bool:
    """Would it be noticed if this ran once more?"""
    if isinstance(instr, Store):
        return instr.visible and not within
    if not isinstance(instr, Call) or instr.fn in (backward_begins, raise_error):
        return False
    if isinstance(instr.fn, Method) and instr.fn.name in ("index", "count"):
        return instr.args[0].type.kind not in ("list", "tuple")
    if instr.fn is pack_function:
        return not repeatable(packed_function(instr))
    if not isinstance(instr.fn, Function):
        return not pure(instr)
    graph = instr.fn.graph
    if graph is None or instr.fn in within:
        return False
    return any(_seen(i, {*within, instr.fn}) for i in instructions(graph.region))


def _solves(instr: Instr) -> bool:
    """Is this a solver, or a function that calls one, which may be called once more?"""
    if not isinstance(instr, Call) or not hashable(instr.fn):
        return False
    if isinstance(instr.fn, Function):
        return repeatable(instr.fn)
    return instr.fn in SOLVERS


def _tidy(graph: Graph, keep: set[Value]) -> Graph:
    """The program without what nothing reads, in which the user's function still raises where it would."""
    return own(inplace(dce(graph, keep)), 0)


def _or_zero(atom: Atom) -> Atom:
    return Const(0.0) if isinstance(atom, Const) and atom.value is None else atom


def _reads_first(graph: Graph, wrt: list[Value]) -> tuple[list[Instr], Graph]:
    """The instructions that read `wrt` out of the arguments, and the graph without them."""
    wanted = set(wrt)
    first: list[Instr] = []
    rest: list[Instr] = []
    for instr in reversed(graph.region.body):
        if wanted.isdisjoint(instr.outs):
            rest.append(instr)
        else:
            wanted.update(reads(instr))
            first.append(instr)
    region = replace(graph.region, body=tuple(reversed(rest)))
    return first[::-1], replace(graph, region=region)


def _cotangent(output: Atom) -> Type:
    return output.type if output.type.kind in ("array", "number", "float") else Type()


class Seeds:
    """One direction for each number of some values: the rows of an identity, in the shapes of the values.

    `of` finds the batch that stands for each tangent or cotangent, and `body` computes them.
    """

    def __init__(self, values: list[Any], given: list[Value]) -> None:
        self.b = Builder(FOLDED)
        self.sizes = [self.size(value) for value in values]
        self.places: list[Atom] = [Const(0)]
        for size in self.sizes:
            self.places.append(self._plus(self.places[-1], size))
        self.count = self.places[-1]
        pairs = enumerate(zip(values, given, strict=True))
        self.of = {dot: self._seed(value, k, dot.name) for k, (value, dot) in pairs}
        self.body = self.b.body

    def _plus(self, a: Atom, b: Atom) -> Atom:
        if isinstance(a, Const) and isinstance(b, Const):
            return Const(a.value + b.value)
        if isinstance(a, Const) and a.value == 0:
            return b
        return self.b.call(operator.add, a, b, type=INT)

    @staticmethod
    def rest(b: Builder, rows: Atom) -> Atom:
        """The shape of what each direction gives."""
        shape = b.call(np.ndarray.shape, rows)
        return b.call(operator.getitem, shape, Const(slice(1, None)))

    def size(self, atom: Atom) -> Atom:
        if isinstance(atom, Const) or atom.type.is_scalar:
            return Const(1)
        return self.b.call(np.ndarray.size if atom.type.kind == "array" else np.size, atom, type=INT)

    def _seed(self, value: Atom, k: int, name: str) -> Value:
        dtype = value.type.numeric_dtype or np.dtype(np.float64)
        alone = len(self.sizes) == 1
        kwargs: dict[str, Atom] = {}
        if k:
            place = self.places[k]
            back = self.b.call(operator.neg, place, type=INT)
            kwargs["k"] = Const(-place.value) if isinstance(place, Const) else back
        if dtype.str != np.dtype(np.float64).str:
            kwargs["dtype"] = Const(dtype)
        args = (self.count,) if alone else (self.count, self.sizes[k])
        eye = self.b.call(np.eye, *args, kwargs=kwargs, name=name, type=array(dtype, (COUNT, fresh_dim())))
        if value.type.kind == "array" and value.type.rank == 1:
            assert isinstance(eye, Value)
            return eye
        if value.type.is_scalar:
            column = self.b.call(operator.getitem, eye, Const((slice(None), 0)), name=name)
            assert isinstance(column, Value)
            return column
        shape = joined(self.b, self.b.call(pack_tuple, self.count), shape_of(self.b, value))
        seed = self.b.call(np.reshape, eye, shape, name=name, type=lifted_type(value.type))
        assert isinstance(seed, Value)
        return seed

    def block(
        self, batch: Axes, found: Atom, output: Atom, value: Atom, k: int, last: bool
    ) -> Atom:
        """The derivative of an output with respect to a value, out of that in all directions."""
        b = batch.b
        if not batch.has(found):
            shape = joined(b, shape_of(b, output), shape_of(b, value))
            return b.call(np.zeros, shape, name="jacobian")
        rows = batch.get(found)
        whole = Const(()) if output.type.is_scalar else self.rest(b, rows) if last else shape_of(b, output)
        shape = joined(b, whole, shape_of(b, value))
        one = value if last else output
        if one.type.is_scalar:  # one direction is all
            row = b.call(operator.getitem, rows, self.places[k], name="jacobian")
            return row
        if len(self.sizes) > 1:
            rows = b.call(
                operator.getitem, rows, b.call(pack_slice, self.places[k], self.places[k + 1], type=OBJECT)
            )
        ranks = [0 if a.type.is_scalar else a.type.rank for a in (output, value)]
        if last and not output.type.is_scalar:
            flat = ranks[0] == 1
            rows = b.call(np.ndarray.T, rows) if flat else b.call(np.moveaxis, rows, Const(0), Const(-1))
        if ranks == [1, 1] or ranks == [0, 1] and last or ranks == [1, 0] and not last:
            return rows
        return b.call(np.reshape, rows, shape, name="jacobian")


def joined(b: Builder, first: Atom, second: Atom) -> Atom:
    """The shape of what has the axes of both."""
    if isinstance(second, Const) and second.value == ():
        return first
    return second if isinstance(first, Const) and first.value == () else b.call(operator.add, first, second)


def shape_of(b: Builder, atom: Atom) -> Atom:
    if isinstance(atom, Const) or atom.type.is_scalar:
        return Const(())
    return b.call(np.ndarray.shape if atom.type.kind == "array" else np.shape, atom)


def narrow(start: dict[Value, Value]) -> np.dtype | None:
    """The one dtype of floats below double precision that all of these have."""
    found = {str(dtype): dtype for v in start if (dtype := v.type.numeric_dtype) is not None}
    (only,) = found.values() if len(found) == 1 else (None,)
    return only if only is not None and only.char in "ef" else None


def batched(region: Region, start: dict[Value, Value], count: Atom) -> tuple[list[Instr], Axes]:
    """The instructions of a region in which some values, the keys of `start`, are batches."""
    builder = Builder(FOLDED)
    for instr in instructions(region):
        if isinstance(instr, (Call, Store)):
            for out in instr.outs:
                builder.defs[out] = instr
    batch = Axes(builder, count, derive_batch)
    batch.of.update(start)
    batch.dtype = narrow(start)
    batch.region(region)
    return builder.body, batch


def derive_jacobian(function: Function, wrt: tuple[int, ...], forward: bool) -> Function:
    """The function that gives the derivative of each result of a callee by each of its arguments `wrt`."""
    key: Any = ("jacobian", wrt, forward)
    known: Any = function.derived.get(key)
    if known is None:
        assert function.graph is not None, "a function is derived after it has been lowered"
        graph = replace(differentiable_again(function.graph), writes=(), sees=())
        params = [graph.params[k] for k in wrt]
        if function.writes:  # who calls this has them written, too, by a call of the function itself
            after = {n for _, n in function.writes}
            results = tuple(r for n, r in enumerate(graph.region.results) if n not in after)
            graph = quiet(replace(graph, region=replace(graph.region, results=results)))
        made = (forward_jacobian if forward else reverse_jacobian)(graph, params)
        known = function.derived[key] = Function(f"{function.name}_jacobian", function.fn, Type())
        doc = f"Jacobian of `{function.name}` with respect to {listed([p.name for p in params])}."
        known.graph = replace(differentiable_again(made), name=known.name, doc=doc)
    return known  # type: ignore[no-any-return]




def derive_batch(
    function: Function, batch: tuple[bool, ...]
) -> tuple[Function, tuple[bool, ...], tuple[bool, ...]]:
    """The function of a batch of arguments; which it takes as batches, and which results are ones."""
    assert function.graph is not None, "a function is batched after it has been lowered"
    graph = function.graph
    while True:
        given = _depending(graph, batch)
        grown = list(batch)
        for k, n in graph.writes:
            grown[k] = grown[k] or given[n]
        if tuple(grown) == batch:
            break
        batch = tuple(grown)
    key: Any = ("batch", batch)
    known: Any = function.derived.get(key)
    if known is None:
        known = Function(f"{function.name}_batch", function.fn, Type(), graph.writes, graph.sees)
        function.derived[key] = known
        graph = differentiable_again(graph)
        count = Value(free_name("count", {p.name for p in graph.params}), INT, True)
        pairs = zip(graph.params, batch, strict=True)
        start = {p: Value(p.name, lifted_type(p.type), p.named) for p, on in pairs if on}
        try:
            body, inside = batched(graph.region, start, count)
        except OneByOne:
            del function.derived[key]
            raise
        if any(inside.has(r) and not on for r, on in zip(graph.region.results, given, strict=True)):
            del function.derived[key]
            raise OneByOne
        inside.b.body = body
        results = tuple(
            inside.stacked(r) if on else r for r, on in zip(graph.region.results, given, strict=True)
        )
        params = (*(start.get(p, p) for p in graph.params), count)
        region = Region(params, tuple(inside.b.body), results)
        keep = inside.renewed(may_raise(graph.region))
        known.graph = inplace(dce(replace(graph, name=known.name, region=region), keep))
    return known, batch, given


def _depending(graph: Graph, batch: tuple[bool, ...]) -> tuple[bool, ...]:
    seeds = [p for p, on in zip(graph.params, batch, strict=True) if on and can_vary(p)]
    inside = varied(graph.region, seeds)
    return tuple(isinstance(r, Value) and r in inside for r in graph.region.results)
