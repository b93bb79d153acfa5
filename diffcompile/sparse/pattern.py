"""The pattern of a matrix: where it is not zero, or may not be; and the numbers of containers as one vector.

    def f(x): return x[1:] * x[:-1]          x x .
                                             . x x

What is structurally not zero is in the pattern, whether or not its value is zero at the point. The numbers of
the arguments, and those of the result, are counted as `ravel` counts them. Where a program cannot be followed
the pattern is full, which is never too little.
"""

from __future__ import annotations

import importlib
from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import WrongArgument
from ..frontend.trees import is_number, opened
from ..ir.graph import Call, Function, Graph, Hook, Store
from ..ir.walk import instructions
from ..rules.register import of_others


@dataclass(frozen=True, slots=True, eq=False)
class Pattern:
    """The places of a matrix that may not be zero, row by row; may other values have others (`varies`), and
    are the results `real`?"""

    rows: np.ndarray
    cols: np.ndarray
    shape: tuple[int, int]
    varies: bool
    real: bool = True


UNKNOWN = Pattern(np.zeros(0, int), np.zeros(0, int), (-1, -1), True)


def full(shape: tuple[int, int]) -> Pattern:
    """The pattern of a matrix that may be full."""
    rows, cols = np.divmod(np.arange(shape[0] * shape[1]), max(shape[1], 1))
    return Pattern(rows, cols, shape, True)


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


def following() -> Any:
    """What runs a program to find its pattern, and is loaded with the first sparse derivative."""
    return importlib.import_module(f"{__package__}.following")


def matrix_of(parts: tuple[np.ndarray, np.ndarray, np.ndarray], shape: tuple[int, int]) -> Any:
    """The sparse matrix of these elements, columns and starts of rows."""
    return importlib.import_module(f"{__package__}.matrix").SparseMatrix(parts, shape=shape)
