"""Graph -> graph: the passes between the reverse sweep and the emitter, in their order."""

from __future__ import annotations

from ..ir.graph import Graph, Value
from .carried import carried
from .cse import cse
from .dce import dce
from .forms import forms
from .simplify import simplify
from .unhook import unhooked


def optimize(graph: Graph, primal: set[Value], keep: set[Value]) -> Graph:
    """Simplify the adjoint, compute each thing once, drop what nothing reads. `primal` is left as it is."""
    graph = unhooked(graph)
    for _ in range(3):
        graph = simplify(graph, primal)
        graph = forms(carried(graph))
        graph = cse(graph)
        graph = dce(graph, keep)
    return graph
