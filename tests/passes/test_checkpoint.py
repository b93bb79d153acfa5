"""Checkpointed parts become calls of functions, which are run again; nothing else changes."""

from __future__ import annotations

from typing import Any

import pytest

from diffcompile.analysis.activity import varied
from diffcompile.ir.graph import Call, For, Function, Graph
from diffcompile.ir.walk import instructions
from diffcompile.passes.checkpoint import checkpointed, segmented
from diffcompile.passes.dce import dce
from diffcompile.rules.checkpoints import checkpoint
from graphs import body, lowered, shows, written


def cut(text: str, **names: Any) -> Graph:
    graph = dce(lowered(written(text, "f", checkpoint=checkpoint, **names)))
    return segmented(graph, varied(graph.region, [graph.params[0]]))


def function(graph: Graph, text: str) -> None:
    """Assert that the one function that is called reads so."""
    (fn,) = {i.fn for i in instructions(graph.region) if isinstance(i, Call) and isinstance(i.fn, Function)}
    shows(fn.graph, text)


def test_a_loop_becomes_one_over_the_starts_of_its_segments() -> None:
    graph = cut("""
        def f(x, n):
            y = x
            for _ in checkpoint(range(n)):
                y = y * x
            return y
    """)

    shows(graph, """
        turns = range(n)
        count = len(turns)
        isqrt_out = math.isqrt(count)
        size = max(isqrt_out, 1)
        range_out = range(0, count, size)
        y.3 = for start in range_out, carrying y = x:
          total = operator.add(start, size)
          part = pack_slice(start, total)
          segment = operator.getitem(turns, part)
          y.2 = f_turns(segment, y, x, snapshots=None)
          yield y.2, False
        yield y.3
    """)
    function(graph, """
        y.4 = for _ in segment, carrying y.2 = y:
          y.3 = operator.mul(y.2, x)
          yield y.3, False
        yield y.4
    """)


def test_a_loop_with_snapshots_becomes_one_call() -> None:
    graph = cut("""
        def f(x, n):
            y = x
            for _ in checkpoint(range(n), snapshots=4):
                y = y * x
            return y
    """)

    shows(graph, """
        turns = range(n)
        count = len(turns)
        y = f_turns(turns, x, x, snapshots=4)
        yield y
    """)


def test_a_loop_that_is_left_says_so_after_each_segment() -> None:
    graph = cut("""
        def f(x, n):
            y = x
            for _ in checkpoint(range(n)):
                y = y * x
                if y > 3.0:
                    break
            return y
    """)

    assert "y.2, left = f_turns(segment, y, x, snapshots=None)\n  yield y.2, left" in body(graph)


def test_a_call_of_a_checkpointed_function_is_marked() -> None:
    graph = cut("""
        def step(x):
            y = x * 2.0
            if y > 1.0:
                y = y * y
            return y

        step = checkpoint(step)

        def f(x):
            return step(x)
    """)

    shows(graph, """
        step_out = step(x, snapshots=None)
        yield step_out
    """)


def test_a_function_that_is_read_where_it_is_called_becomes_one_of_its_own() -> None:
    graph = cut("""
        pair = checkpoint(lambda p: (p[0] * 2.0, p[0] * p[1]))

        def f(x):
            a, b = pair((x, 3.0))
            return a + b
    """)

    assert "snapshots=None" in body(graph) and "operator.mul" not in body(graph)


@pytest.mark.parametrize("part", ["for _ in checkpoint(range(n)):\n        y = y + n", "y = again(n)"])
def test_what_does_not_vary_is_left_as_it_is(part: str) -> None:
    graph = cut(f"""
def f(x, n):
    y = 1.0
    {part}
    return x * y
""", again=checkpoint(lambda n: n + 1.0))

    assert not any(map(checkpointed, instructions(graph.region)))
    assert "snapshots" not in body(graph)


def test_a_loop_in_a_segment_is_cut_when_that_is_differentiated() -> None:
    graph = cut("""
        def f(x, n):
            y = x
            for i in checkpoint(range(n)):
                for j in checkpoint(range(i)):
                    y = y * x
            return y
    """)
    (fn,) = {i.fn for i in instructions(graph.region) if isinstance(i, Call) and isinstance(i.fn, Function)}
    inner = [i for i in instructions(fn.graph.region) if isinstance(i, For) and i.snapshots is not None]

    assert len(inner) == 1
