"""A graph -> the graph of its results for many rows of some arguments at once, `vmap`.

    graph f(x, k): yield np.sum(x) * k    ->    graph f(x, k): yield np.sum(x, axis=1) * k
"""

from __future__ import annotations

import operator
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from ..errors import UnsupportedSyntax
from ..frontend.build import FOLDED, Builder
from ..ir.graph import Atom, Const, Graph, Region, Value
from ..ir.types import INT
from ..passes.dce import dce
from ..passes.inplace import inplace
from ..passes.own import own
from .axes import Axes
from .batch import OneByOne, lifted_type
from .direction import changed, noticed
from .jacobian import batched, in_turn


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
        body, inside = in_turn(rows, start, count, "the rows are taken one after the other")
        inside.b.body = body
        results = tuple(_along(inside, r, out_axis) for r in graph.region.results)
    params = tuple(table.get(p, p) for p in graph.params)
    region = Region(params, (*b.body, *inside.b.body), results)
    keep = inside.renewed(noticed(graph, []))
    return own(inplace(dce(replace(graph, region=region), keep)), 0)


def _along(batch: Axes, result: Atom, axis: int) -> Atom:
    """A result with the axis of the rows in its place."""
    rows = batch.stacked(result)
    if axis == 0 or not isinstance(rows, Value):
        return rows
    return batch.b.call(np.moveaxis, rows, Const(0), Const(axis), name=getattr(result, "name", "rows"))
