"""A function at some arguments -> the pattern of its Jacobian there: where it is not zero, or may not be.

    def f(x): return x[1:] * x[:-1]          x x .
                                             . x x

What is structurally not zero is in the pattern, whether or not its value is zero at the point. The numbers of
the arguments, and those of the result, are counted as `ravel` counts them. Where the program cannot be
followed the pattern is full, which is never too little.
"""

from __future__ import annotations

import copy
import importlib
from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..compiled import Case
from ..errors import DiffCompileError, WrongArgument
from ..frontend.arguments import is_object
from ..frontend.trees import is_number, opened
from ..ir.graph import Call, Function, Graph, Hook, Store
from ..ir.walk import instructions
from ..rules.register import of_others
from .dependencies import NUMBER, Nodes
from .shadows import Attributes, Shadow, nodes_of

if TYPE_CHECKING:
    from .trace import Seen


@dataclass(frozen=True, slots=True, eq=False)
class Pattern:
    """The places of a matrix that may not be zero, row by row; may other values have others (`varies`), and
    are the results `real`?"""

    rows: np.ndarray
    cols: np.ndarray
    shape: tuple[int, int]
    varies: bool
    real: bool = True


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
    from .trace import Trace, UntracedError  # which only a sparse derivative needs

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
    from .trace import GENERATORS

    return copy.deepcopy(value) if isinstance(value, (Iterator, *GENERATORS)) else value


UNKNOWN = Pattern(np.zeros(0, int), np.zeros(0, int), (-1, -1), True)


def full(shape: tuple[int, int]) -> Pattern:
    """The pattern of a matrix that may be full."""
    rows, cols = np.divmod(np.arange(shape[0] * shape[1]), max(shape[1], 1))
    return Pattern(rows, cols, shape, True)


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


def placed(value: Any, numbers: np.ndarray, start: int = 0) -> tuple[Any, int]:
    """A container of the form of `value` with these numbers in the places of its own, None in other places.

    >>> placed({"w": np.zeros(2), "n": 3}, np.array([1.0, 2.0]))
    ({'w': array([1., 2.]), 'n': None}, 2)
    """
    inside = opened(value)
    if inside is not None:
        items = []
        for item in inside.items:
            made, start = placed(item, numbers, start)
            items.append(made)
        return inside.build(items), start
    if not is_number(value):
        return None, start
    end = start + int(np.size(value))
    if isinstance(value, np.ndarray):
        return numbers[start:end].reshape(value.shape).astype(value.dtype), end
    return type(value)(numbers[start]), end


def flattened(value: Any, part: Any) -> np.ndarray:
    """The numbers of `part`, which has the form of `value`, as one vector; zeros where it has None."""
    pieces = list(_pieces(value, part))
    return np.concatenate(pieces) if pieces else np.zeros(0)


def _pieces(value: Any, part: Any) -> Iterator[np.ndarray]:
    inside = opened(value)
    if inside is None:
        if is_number(value):
            yield np.ravel(np.broadcast_to(0.0 if part is None else part, np.shape(value)))
        return
    found = None if part is None else opened(part)
    for k, item in enumerate(inside.items):
        yield from _pieces(item, None if found is None else found.items[k])


def ready(graph: Graph) -> Graph:
    """The graph whose stores run in place."""
    from ..passes.inplace import inplace

    return inplace(graph)


def declared_elsewhere(graph: Graph, seen: set[Function] | None = None) -> bool:
    """Does this function, or one that it calls, have a derivative that someone else declared, or changes?

    Its second derivatives need not be symmetric.
    """
    seen = set() if seen is None else seen
    for instr in instructions(graph.region):
        if not isinstance(instr, (Call, Store)):
            continue
        fn = instr.fn
        if isinstance(fn, Function):
            if fn not in seen:
                seen.add(fn)
                if fn.graph is None or declared_elsewhere(fn.graph, seen):
                    return True
        elif isinstance(fn, Hook) or isinstance(fn, Hashable) and of_others(fn):
            return True
    return False


def numbers(value: Any) -> Iterator[Any]:
    """The numbers and arrays of them in a container, as `ravel` has them."""
    inside = opened(value)
    if inside is not None:
        for item in inside.items:
            yield from numbers(item)
    elif is_number(value):
        yield value


def sparse_part(what: str) -> Any:
    """The part of SciPy that sparse matrices are in."""
    try:
        return importlib.import_module("scipy.sparse")
    except ImportError:
        raise WrongArgument(
            f"`{what}` returns a sparse matrix of SciPy, which is not installed", None,
            'Install it: `pip install "diffcompile[scipy]"`.',
        ) from None  # fmt: skip


def matrix_of(parts: tuple[np.ndarray, np.ndarray, np.ndarray], shape: tuple[int, int]) -> Any:
    """The sparse matrix of these elements, columns and starts of rows."""
    return importlib.import_module(f"{__package__}.matrix").SparseMatrix(parts, shape=shape)
