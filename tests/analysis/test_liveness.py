"""When values are held, and which may be one object."""
# ruff: noqa: E501

from __future__ import annotations

import operator
from typing import Any

import numpy as np
import pytest

from diffcompile.analysis.liveness import liveness, sees_memory
from diffcompile.ir.graph import Call, Const, Graph, Value
from diffcompile.ir.types import FLOAT, Type
from diffcompile.ir.walk import instructions
from graphs import MATRIX, VECTOR, lowered, written


def graph_of(text: str, *specs: Type) -> Graph:
    return lowered(written(text), *specs)


def find(graph: Graph, name: str, which: int = 0) -> Value:
    values = [*graph.params, *(o for i in instructions(graph.region) for o in i.outs)]
    return [v for v in values if v.name == name][which]


def test_a_value_is_held_from_its_write_to_its_last_read() -> None:
    graph = graph_of("def f(x):\n    a = np.sin(x)\n    b = a * x\n    c = b * 2.0\n    return c")
    live = liveness(graph.region)
    a, b, c = (find(graph, n) for n in "abc")

    assert live.start[a] < live.end[a] <= live.start[b]
    assert live.end[b] <= live.start[c] < live.end[c]


def test_a_value_that_nothing_reads_ends_where_it_starts() -> None:
    graph = graph_of("def f(x):\n    a = np.sin(x)\n    return x")
    live = liveness(graph.region)
    a = find(graph, "a")

    assert live.stretches(a) == [(live.start[a], live.start[a])]


def test_a_value_read_in_a_loop_is_held_until_the_loop_ends() -> None:
    graph = graph_of("def f(x):\n    k = np.sin(x)\n    for i in range(3):\n        x = k * x\n    return x")
    live = liveness(graph.region)
    loop = graph.region.body[-1]

    assert live.end[find(graph, "k")] == live.span[loop][1]


def test_a_value_read_in_one_branch_is_not_held_in_the_other() -> None:
    graph = graph_of("def f(x):\n    a = np.sin(x)\n    return x * 2.0 if x > 0 else x * a")
    live = liveness(graph.region)
    a, then = find(graph, "a"), find(graph, "product")

    assert live.live_after(a, live.start[a])
    assert not live.live_after(a, live.start[then])


CALLS: list[tuple[Any, tuple[Type, ...], bool]] = [
    (np.transpose, (MATRIX,), True),
    (np.reshape, (VECTOR, Type("tuple")), True),
    (np.ndarray.T, (MATRIX,), True),
    (np.ndarray.ravel, (MATRIX,), True),
    (np.broadcast_to, (FLOAT, Type("tuple")), True),
    (operator.getitem, (VECTOR, Type("object")), True),
    (np.asarray, (VECTOR,), True),
    (np.squeeze, (VECTOR,), True),
    (np.sin, (VECTOR,), False),
    (operator.add, (VECTOR, VECTOR), False),
    (operator.matmul, (MATRIX, MATRIX), False),
    (np.copy, (VECTOR,), False),
    (np.sum, (MATRIX,), False),
    (np.concatenate, (Type("list"),), False),
    (lambda x: x, (VECTOR,), True),
]


@pytest.mark.parametrize(("fn", "types", "may"), CALLS, ids=lambda c: getattr(c, "__name__", None))
def test_which_calls_may_hand_out_the_memory_of_an_argument(fn: Any, types: tuple[Type, ...], may: bool) -> None:
    call = Call((Value("out", VECTOR),), fn, tuple(Value("x", t) for t in types))

    assert sees_memory(call) is may


VIEWS = [
    np.ndarray.mT, np.ndarray.flat, np.matrix_transpose, np.linalg.matrix_transpose, np.permute_dims,
    np.linalg.diagonal, np.nan_to_num, np.require, np.real_if_close, np.lib.stride_tricks.sliding_window_view,
    np.ndarray.__getitem__, np.hsplit, np.vsplit, np.dsplit, np.unstack if hasattr(np, "unstack") else np.split,
    np.asfortranarray, np.trim_zeros, np.astype, np.resize,
]  # fmt: skip


@pytest.mark.parametrize("fn", VIEWS, ids=lambda f: f.__name__)
def test_a_function_that_gives_its_argument_or_a_view_of_it_says_so(fn: Any) -> None:
    """Those that NumPy documents to return a view, or the argument itself, for some arguments."""
    array = np.arange(16.0).reshape(4, 4)
    arguments: dict[Any, tuple[Any, ...]] = {
        np.hsplit: (array, 2), np.vsplit: (array, 2), np.dsplit: (array.reshape(2, 2, 4), 2),
        np.lib.stride_tricks.sliding_window_view: (array, (2, 2)), np.ndarray.__getitem__: (array, 0),
        np.permute_dims: (array, (1, 0)), np.nan_to_num: (array, False), np.trim_zeros: (np.arange(3.0),),
        np.split: (array, 2), np.astype: (array, float), np.resize: (array, (4, 4)),
    }  # fmt: skip
    given = arguments.get(fn, (array,))
    out = fn(*given) if callable(fn) else fn.__get__(array)
    parts = out if isinstance(out, (list, tuple)) else [out]
    shares = any(isinstance(p, np.ndarray) and np.shares_memory(p, given[0]) for p in parts)
    known = Type("list", elem=VECTOR) if isinstance(out, (list, tuple)) else VECTOR
    call = Call((Value("out", known),), fn, (Value("x", MATRIX), *(Const(a) for a in given[1:])))

    assert sees_memory(call) or not shares


def test_a_loop_hands_memory_from_turn_to_turn() -> None:
    graph = graph_of("def f(x):\n    y = np.exp(x)\n    for i in range(3):\n        y = y[::-1]\n    return y.sum()", VECTOR)
    live = liveness(graph.region)
    start = find(graph, "y")
    found, stack = {start}, [start]
    while stack:
        for other in live.flows.get(stack.pop(), ()):
            if other not in found:
                found.add(other)
                stack.append(other)

    assert graph.region.body[-1].args[0] in found  # type: ignore[union-attr]
