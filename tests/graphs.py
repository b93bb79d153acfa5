"""Small programs as graphs, and graphs as text: what the tests of a stage start from and compare."""

from __future__ import annotations

import inspect
import itertools
import linecache
import textwrap
from collections.abc import Callable
from typing import Any

import numpy as np

from diffcompile.frontend.lower import Lowered, lower
from diffcompile.ir.graph import Graph, Region, Value
from diffcompile.ir.text import graph_text
from diffcompile.ir.types import FLOAT, Dim, Type, array
from diffcompile.ir.verify import verify

VECTOR = array(np.dtype(np.float64), (Dim("n", 0, False),))
MATRIX = array(np.dtype(np.float64), (Dim("m", 0, False), Dim("n", 0, False)))
F = np.dtype(np.float64)

_numbers = itertools.count()


def written(text: str, name: str = "", file: str = "", **names: Any) -> Callable[..., Any]:
    """The function that `text` defines, in a file of its own that `linecache` knows."""
    file = file or f"<written {next(_numbers)}>"
    text = textwrap.dedent(text).strip("\n") + "\n"
    linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
    scope: dict[str, Any] = {"np": np, "__name__": "written", **names}
    before = set(scope)
    exec(compile(text, file, "exec"), scope)
    defined = [n for n in scope if n not in before and inspect.isfunction(scope[n])]
    return scope[name or defined[-1]]  # type: ignore[no-any-return]


def lowering(fn: Callable[..., Any], *specs: Any) -> Lowered:
    """The lowered function; a parameter without a spec is a float."""
    names = list(inspect.signature(fn).parameters)
    given = [*specs, *[FLOAT] * (len(names) - len(specs))]
    return lower(fn, list(zip(names, given, strict=True)))


def lowered(fn: Callable[..., Any], *specs: Any) -> Graph:
    return verify(lowering(fn, *specs).graph)


def body(graph: Graph) -> str:
    """The text of a graph without its head, flush left."""
    return textwrap.dedent(graph_text(graph).split("\n", 1)[1])


def shows(graph: Graph, expected: str) -> None:
    """Assert that the graph is valid and reads so."""
    verify(graph)
    assert body(graph) == textwrap.dedent(expected).strip("\n") + "\n"


def primal_values(graph: Graph) -> set[Value]:
    """Every value of a graph."""
    found: set[Value] = set()

    def visit(region: Region) -> None:
        found.update(region.params)
        for instr in region.body:
            found.update(instr.outs)
            for part in (getattr(instr, n, None) for n in ("then", "orelse", "cond", "body")):
                if isinstance(part, Region):
                    visit(part)

    visit(graph.region)
    return found


__all__ = [
    "FLOAT",
    "MATRIX",
    "VECTOR",
    "F",
    "Type",
    "body",
    "lowered",
    "lowering",
    "primal_values",
    "shows",
    "written",
]
