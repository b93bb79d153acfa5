"""What is written where it is read."""
# ruff: noqa: E501

from __future__ import annotations

import numpy as np
import pytest

from diffcompile import grad
from diffcompile.emit.nest import WIDTH, nested
from graphs import VECTOR, Type, lowered, written


def inside(text: str, *specs: Type) -> list[str]:
    return sorted(v.name for v in nested(lowered(written(text), *specs).region))


CASES = [
    ("an anonymous value read once", "return np.sin(x * 2.0)", ["product", "sin_out"]),
    ("not a value with a name", "y = x * 2.0\nreturn np.sin(y)", ["sin_out"]),
    ("not a value read twice", "return (lambda v: v * v)(np.sin(x))", ["product"]),
    ("not across lines", "y = np.sin(x) * 2.0\nreturn y", ["sin_out"]),
    ("a conditional expression", "return (x if x > 0 else -x) * 2.0", ["gt_out", "negative", "product", "value"]),
]


@pytest.mark.parametrize(("text", "names"), [pytest.param(*c[1:], id=c[0]) for c in CASES])
def test_nested(text: str, names: list[str]) -> None:
    body = "".join(f"    {line}\n" for line in text.splitlines())

    assert inside(f"def f(x):\n{body}") == names


def test_a_read_of_memory_is_not_moved_over_a_write() -> None:
    text = "def f(x):\n    y = x * 1.0\n    def g():\n        y[0] = 5.0\n        return 1.0\n    return y[0] + g() + y[0]"

    assert inside(text, VECTOR).count("item") <= 1


def test_a_long_expression_gets_a_name() -> None:
    names = " + ".join(f"np.sin(parameter_number_{k})" for k in range(8))
    params = ", ".join(f"parameter_number_{k}" for k in range(8))
    graph = lowered(written(f"def f({params}): return {names}"))

    assert len(nested(graph.region)) < len(graph.region.body)
    assert WIDTH < 100


def test_a_range_is_written_in_the_loops_head() -> None:
    assert "range_out" in inside("def f(x):\n    for i in range(3):\n        x = x * 2.0\n    return x")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("def f(x):\n    for i in range(1, 3):\n        x[i] = x[i - 1] * x[i]\n    return x.sum()", "x_bar[i - 1]"),
        ("def f(x):\n    y = x[0] if x[1] > 0 else x[2]\n    return y * y", "x_bar"),
        ("def f(x):\n    n = len(x)\n    return (x * len(x)).sum() * len(x)", "len(x)"),
    ],
)
def test_what_is_short_and_cheap_is_written_again(text: str, line: str) -> None:
    derivative = grad(written(text))
    derivative(np.array([0.5, 0.6, 0.7]))

    assert line in derivative.source
    assert "diff = " not in derivative.source and "len_out" not in derivative.source
