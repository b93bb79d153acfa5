"""A program's graph and its arguments -> the pattern of its Jacobian there, found by running the graph once.

    y = x[1:] * x[:-1]         each element of `y` depends on the two elements of `x` that it was made of
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import numpy as np

from ..compiled import Case
from ..errors import DiffCompileError, WrongArgument
from ..frontend.arguments import is_object
from ..frontend.trees import is_number, opened
from ..ir.graph import Graph
from ..passes.inplace import inplace
from .dependencies import NUMBER, Nodes
from .pattern import UNKNOWN, Pattern, numbers
from .shadows import Attributes, Shadow, nodes_of
from .trace import GENERATORS, Seen, Trace, UntracedError


class Counter:
    """Counts the numbers of the arguments, from 1."""

    def __init__(self) -> None:
        self.count = 0

    def shadow(self, value: Any) -> Shadow:
        """The shadow of an argument: its numbers depend on themselves."""
        if is_number(value):
            size = int(np.size(value))
            nodes = np.arange(self.count + 1, self.count + 1 + size, dtype=NUMBER)
            self.count += size
            return nodes.reshape(value.shape) if isinstance(value, np.ndarray) else int(nodes[0])
        inside = opened(value)
        if inside is None:
            if is_object(value):
                raise WrongArgument(
                    f"a sparse derivative with respect to an object of class `{type(value).__name__}`", None,
                    "Pass its numbers in an array, a dict, a list or a dataclass.",
                )  # fmt: skip
            return None
        items = [self.shadow(item) for item in inside.items]
        if isinstance(value, dict):
            return dict(zip(inside.keys, items, strict=True))
        if isinstance(value, list):
            return items
        return tuple(items) if isinstance(value, tuple) else Attributes(zip(inside.keys, items, strict=True))


def pattern(
    graph: Graph, case: Case, outside: dict[str, Any], values: tuple[Any, ...], roots: tuple[int, ...]
) -> Pattern:
    """The pattern of the Jacobian of a graph by its arguments at `roots`."""
    # The function is run once more, which nobody is to notice.
    try:
        if case.program.writes:
            values, outside = copy.deepcopy((values, outside))
        else:
            values = tuple(map(_untouched, values))
            outside = {name: _untouched(value) for name, value in outside.items()}
    except TypeError:  # there is no copy of it
        return UNKNOWN
    counter = Counter()
    shadows = {k: counter.shadow(values[k]) for k in roots}
    args: list[Seen] = [(values[k], shadows.get(k), k in shadows) for k in case.program.given]
    args += [(outside[c.label], None, False) for c in graph.captures]
    trace = Trace(counter.count)
    try:
        results = trace.run(graph, args)
        nodes = np.concatenate([np.zeros(0, NUMBER), *(n for v, s, _ in results for n in numbers_of(v, s))])
    except DiffCompileError:
        raise
    except (UntracedError, Exception):
        return UNKNOWN
    rows, cols = trace.deps.rows(nodes)
    real = not any(np.iscomplexobj(leaf) for value, _, _ in results for leaf in numbers(value))
    return Pattern(rows, cols, (len(nodes), counter.count), trace.varies, real)


def _untouched(value: Any) -> Any:
    """The value, or a copy if it is used up where it is used."""
    return copy.deepcopy(value) if isinstance(value, (Iterator, *GENERATORS)) else value


def numbers_of(value: Any, shadow: Shadow) -> Iterator[Nodes]:
    """The nodes of the numbers in a result, in the order in which `ravel` has them."""
    inside = opened(value)
    if inside is None:
        if is_number(value):
            yield np.ravel(nodes_of(value, shadow))
        return
    for key, item in zip(inside.keys, inside.items, strict=True):
        part = shadow
        if isinstance(shadow, dict):
            part = shadow.get(key)
        elif isinstance(shadow, (list, tuple, np.ndarray)):
            part = shadow[list(inside.keys).index(key)] if isinstance(key, str) else shadow[key]
            part = int(part) if isinstance(part, np.generic) else part
        yield from numbers_of(item, part)


def ready(graph: Graph) -> Graph:
    """The graph whose stores run in place."""
    return inplace(graph)
