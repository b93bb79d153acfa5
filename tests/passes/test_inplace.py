"""Stores that run in place lose nothing that is still read."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from diffcompile.passes.inplace import inplace
from graphs import MATRIX, VECTOR, Type, body, lowered, shows, written


def made_safe(text: str, *specs: Type) -> str:
    graph = lowered(written(text), *specs)
    return body(inplace(graph))


def test_a_store_whose_old_content_nothing_reads_needs_no_copy() -> None:
    assert "copy" not in made_safe("def f(x):\n    y = np.exp(x)\n    y *= 2.0\n    return y.sum()", VECTOR)


def test_an_element_read_before_the_write_needs_no_copy() -> None:
    text = "def f(x):\n    y = np.exp(x)\n    a = y[0]\n    y[0] = 3.0\n    return a + y[0]"

    assert "copy" not in made_safe(text, VECTOR)


def test_what_the_user_writes_into_an_argument_is_written_into_it() -> None:
    assert "copy" not in made_safe("def f(x):\n    x[0] = 2.0\n    return x.sum()", VECTOR)


def test_old_content_that_is_read_later_is_copied() -> None:
    import operator

    from diffcompile.ir.graph import Call, Const, Graph, Region, Store, Value

    x, y, y2, out = (Value(n, VECTOR) for n in ("x", "y", "y", "out"))
    graph = Graph("f", Region((x,), (
        Call((y,), np.exp, (x,)),
        Store((y2,), operator.imul, y, (Const(2.0),)),
        Call((out,), operator.add, (y, y2)),
    ), (out,)))  # fmt: skip

    shows(inplace(graph), """
        y = np.exp(x)
        y.2 = np.copy(y)
        y.3 = store operator.imul(y.2, 2.0)
        out = operator.add(y, y.3)
        yield out
    """)


def test_an_argument_is_never_written_by_what_is_not_the_users() -> None:
    import operator

    from diffcompile.ir.graph import Const, Graph, Region, Store, Value

    x, y = Value("x", VECTOR), Value("y", VECTOR)
    graph = Graph("f", Region((x,), (Store((y,), operator.imul, x, (Const(2.0),)),), (y,)))

    assert "np.copy(x)" in body(inplace(graph))


RUNS = {
    "an alias sees a write": (
        "def f(x):\n    y = x * 1.0\n    z = y\n    z[0] = 5.0\n    return y[0] * y[1]", [[2.0, 3.0]]
    ),
    "a copy does not": ("def f(x):\n    y = x.copy()\n    y[0] = 5.0\n    return x[0] * y[1]", [[2.0, 3.0]]),
    "a loop that reads what it overwrites": (
        "def f(x):\n    y = x * 1.0\n    for i in range(1, 3):\n        y[i] = y[i] * y[i - 1]\n"
        "    return y.sum()",
        [[2.0, 3.0, 5.0]],
    ),
    "a list of views of one buffer": (
        "def f(x):\n    y = x * 1.0\n    parts = [y[0:1], y[1:2]]\n    y[0] = 7.0\n"
        "    return parts[0][0] * parts[1][0]",
        [[2.0, 3.0]],
    ),
    "a buffer written again in every turn": (
        "def f(x):\n    b = np.zeros(2)\n    s = 0.0\n    for i in range(3):\n        b[:] = x * (i + 1)\n"
        "        s = s + (b**2).sum()\n    return s",
        [[2.0, 3.0]],
    ),
    "two buffers swapped in a loop": (
        "def f(x):\n    a = x * 1.0\n    b = x * 2.0\n    for i in range(3):\n        b[:] = np.sin(a)\n"
        "        a, b = b, a\n    return (a * b).sum()",
        [[0.2, 0.3]],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("text", "args"), RUNS.values(), ids=RUNS)
def test_the_gradient_of_a_writing_program_agrees_with_differences(
    text: str, args: list[list[float]]
) -> None:
    from diffcompile import value_and_grad

    fn = written(text)
    x = np.array(args[0])
    value, gradient = value_and_grad(fn)(x.copy())

    assert value == fn(x.copy())
    for k in range(x.size):
        up, down = x.copy(), x.copy()
        up[k] += 1e-6
        down[k] -= 1e-6
        assert gradient[k] == pytest.approx((fn(up) - fn(down)) / 2e-6, rel=1e-6, abs=1e-8)


@pytest.mark.parametrize("spec", [VECTOR, MATRIX], ids=str)
def test_making_safe_twice_changes_nothing_more(spec: Type) -> None:
    graph = lowered(written("def f(x):\n    y = np.exp(x)\n    y[0] = 2.0\n    return y.sum()"), spec)
    once = inplace(graph)

    assert body(inplace(once)) == body(once)


def test_copies_settle_for_every_order_of_reads_and_writes() -> None:
    lines = ["y[0] = x[1]", "a = a + y[0]", "y[1] = a", "z = y[1:]"]
    for order in itertools.permutations(lines):
        text = (
            "def f(x):\n    y = np.exp(x)\n    a = 1.0\n    "
            + "\n    ".join(order)
            + "\n    return y.sum() + a"
        )
        made_safe(text, VECTOR)
