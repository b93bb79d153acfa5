"""A graph that is run step by step gives what its function gives, and each call is seen."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
import pytest

from diffcompile.ir.run import run
from graphs import VECTOR, lowered, written

PROGRAMS = [
    ("branches", """
        def f(x):
            if x > 1.0:
                y = np.sin(x)
            else:
                y = x * 2.0
            return y + 1.0
     """),
    ("a loop that is left", """
        def f(x):
            for k in range(10):
                x = x * 1.5
                if x > 5.0:
                    break
            return x + k
     """),
    ("while", """
        def f(x):
            while x < 5.0:
                x = x * x + 1.0
            return x
     """),
    ("lists", """
        def f(x):
            items = [x * k for k in range(4)]
            items.append(x)
            return sum(items)
     """),
    ("a function that is called", """
        def g(x):
            y = x * 2.0
            if y > 1.0:
                y = y * y
            return y

        def f(x):
            return g(x) + g(x / 10.0)
     """),
    ("writes through a view", """
        def f(x):
            a = np.ones((2, 3)) * x
            a.T[1] *= 3.0
            a[0, 1:] = x
            return np.sum(a)
     """),
]  # fmt: skip


@pytest.mark.parametrize(("text"), [t for _, t in PROGRAMS], ids=[n for n, _ in PROGRAMS])
@pytest.mark.parametrize("x", [0.7, 2.0])
def test_a_graph_gives_what_its_function_gives(text: str, x: float) -> None:
    fn = written(text, "f")

    assert run(lowered(fn), (x,), lambda *seen: None) == [fn(x)]


def test_each_call_is_seen_with_its_arguments_and_its_result() -> None:
    seen: list[Any] = []
    fn = written("def f(x): return np.sum(np.sin(x) * 2.0)")

    def watch(call: Any, args: Any, kwargs: Any, out: Any) -> None:
        seen.append((call.fn, len(args)))

    run(lowered(fn, VECTOR), (np.zeros(2),), watch)

    assert seen == [(np.sin, 1), (operator.mul, 2), (np.sum, 1)]
