"""A graph -> the graph of its results for many rows of some arguments at once, `vmap`.

    graph f(x, k): yield np.sum(x) * k    ->    graph f(x, k): yield np.sum(x, axis=1) * k
"""

from __future__ import annotations

import operator
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from ..analysis.shapes import fresh_dim
from ..errors import UnsupportedSyntax
from ..frontend.build import FOLDED, Builder
from ..frontend.lower import Deriving
from ..ir.graph import Atom, Const, Function, Graph, Region, Value
from ..ir.types import INT, Type
from ..ir.walk import map_regions, substitute_in, swap
from ..passes.dce import dce
from ..passes.inplace import inplace
from ..passes.own import own
from .axes import Axes
from .batch import COUNT, OneByOne, lifted_type
from .derive import derive_function, derive_gradient, differentiable_again, listed
from .direction import changed, derive_direction, noticed
from .jacobian import batched, derive_jacobian, in_turn
from .linear import derive_linearized


def mapped(
    graph: Graph, axes: Mapping[Value, int], path: tuple[Value, tuple[object, ...]], out_axis: int
) -> Graph:
    """The graph in which these parameters have one more axis, and so have the results.

    `path` leads to an array among the mapped ones: from a parameter, by keys.
    """
    b = Builder(FOLDED)
    table = {p: Value(p.name, lifted_type(p.type), p.named) for p in axes}
    start: dict[Value, Value] = {}
    for param, axis in axes.items():
        moved: Atom = table[param]
        if axis != 0:
            if param.type.kind not in ("array", "number", "float") or changed(graph, [param]):
                raise UnsupportedSyntax(
                    f"`{param.name}` is mapped along axis {axis}, and is a container or is changed",
                    graph.line,
                    "Map it along axis 0.",
                )
            known = table[param].type
            moved = b.call(np.moveaxis, moved, Const(axis), Const(0), name=param.name, type=known)
        assert isinstance(moved, Value)
        start[param] = moved
    first: Atom = start[path[0]]
    for key in path[1]:
        first = b.call(operator.getitem, first, Const(key))
    shape = b.call(np.shape, first)
    count = b.call(operator.getitem, shape, Const(0), name="count", type=INT)
    try:
        body, batch = batched(graph.region, start, count)
        inside = batch
        inside.b.body = body
        results = tuple(_along(inside, r, out_axis) for r in graph.region.results)
    except OneByOne:
        rows = replace(graph.region, params=())
        body, inside = in_turn(rows, start, count, "the rows are taken one after the other", True)
        inside.b.body = body
        results = tuple(_along(inside, r, out_axis) for r in graph.region.results)
    params = tuple(table.get(p, p) for p in graph.params)
    region = Region(params, (*b.body, *inside.b.body), results)
    keep = inside.renewed(noticed(graph, []))
    return own(inplace(dce(replace(graph, region=region), keep)), 0)


def derive_rows(function: Function, axes: tuple[int | None, ...], out_axis: int) -> Function:
    """The function of many rows of those of a callee's arguments that have an axis."""
    key: Any = ("rows", axes, out_axis)
    known: Any = function.derived.get(key)
    if known is None:
        assert function.graph is not None, "a function is mapped after it has been lowered"
        graph = replace(differentiable_again(function.graph), writes=(), sees=())
        given = {p: axis for p, axis in zip(graph.params, axes, strict=True) if axis is not None}
        made = mapped(graph, given, (next(iter(given)), ()), out_axis)
        known = function.derived[key] = Function(f"{function.name}_rows", function.fn, Type())
        doc = f"Values of `{function.name}` for all rows of {listed([p.name for p in given])}."
        region = _counted(differentiable_again(made).region)
        known.graph = replace(made, region=region, name=known.name, doc=doc)
    return known  # type: ignore[no-any-return]


def _counted(region: Region) -> Region:
    """The program whose number of rows is a length of its own: there are other ones around it."""
    count = fresh_dim()
    table: dict[Value, Atom] = {}

    def known(found: Type) -> Type:
        shape = found.shape and tuple(count if size == COUNT else size for size in found.shape)
        items = found.items and tuple(map(known, found.items))
        return replace(found, shape=shape, items=items, elem=found.elem and known(found.elem))

    def visit(part: Region) -> Region:
        body = []
        params = tuple(Value(p.name, known(p.type), p.named) for p in part.params)
        table.update(zip(part.params, params, strict=True))
        for instr in part.body:
            again = substitute_in(map_regions(visit, instr), table)
            outs = tuple(Value(o.name, known(o.type), o.named) for o in instr.outs)
            table.update(zip(instr.outs, outs, strict=True))
            body.append(replace(again, outs=outs))
        return Region(params, tuple(body), swap(part.results, table))

    return visit(region)


DERIVING = Deriving(
    derive_function, derive_gradient, derive_direction, derive_jacobian, derive_linearized, derive_rows
)


def _along(batch: Axes, result: Atom, axis: int) -> Atom:
    """A result with the axis of the rows in its place."""
    rows = batch.stacked(result)
    if axis == 0 or not isinstance(rows, Value):
        return rows
    return batch.b.call(np.moveaxis, rows, Const(0), Const(axis), name=getattr(result, "name", "rows"))
