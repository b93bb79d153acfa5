"""Loops of every kind: the value is Python's, the gradient agrees with differences."""
# ruff: noqa: E501

from __future__ import annotations

from typing import Any

import pytest

from diffcompile import value_and_grad
from graphs import body, lowered, shows, written

LOOPS = {
    "range": "for i in range(3):\n    s = s * x + i",
    "range with a step down": "for i in range(9, 0, -4):\n    s = s * x + i",
    "an empty range": "for i in range(0):\n    s = s * x\ns = s + x",
    "a tuple": "for k in (1.0, x, 2.0):\n    s = s * x + k",
    "a list of different kinds": "for k in [1, x, (2.0)]:\n    s = s + k * x",
    "an array": "for k in np.array([1.0, 2.0]) * x:\n    s = s * x + k",
    "rows of a matrix": "for row in np.array([[1.0, 2.0], [3.0, 4.0]]) * x:\n    s = s + row[0] * row[1]",
    "zip stops at the shortest": "for a, b in zip(range(9), (x, 2.0)):\n    s = s + a * b * x",
    "enumerate from a start": "for i, a in enumerate((x, x * x), 5):\n    s = s + i * a",
    "enumerate of zip": "for i, (a, b) in enumerate(zip((x, 1.0), (2.0, x))):\n    s = s + i * a * b",
    "reversed": "for a in reversed((1.0, x, 3.0)):\n    s = s * x + a",
    "reversed range": "for i in reversed(range(4)):\n    s = s * x + i",
    "items of a dict": "for k, v in {'a': x, 'b': 2.0}.items():\n    s = s + v * x * len(k)",
    "a while over data": "while s < 20.0:\n    s = s * x + 1.0",
    "a while that never runs": "while s > 20.0:\n    s = s * x\ns = s + x",
    "while true with a break": "while True:\n    s = s * x + 1.0\n    if s > 20.0:\n        break",
    "a while with a walrus": "n = 0\nwhile (n := n + 1) < 4:\n    s = s + n * x",
    "break": "for i in range(9):\n    if i == 4:\n        break\n    s = s + i * x",
    "continue": "for i in range(6):\n    if i % 2:\n        continue\n    s = s + i * x",
    "continue in a while": "i = 0\nwhile i < 6:\n    i = i + 1\n    if i % 2:\n        continue\n    s = s + i * x",
    "else after a full loop": "for i in range(3):\n    s = s + x\nelse:\n    s = s * x",
    "else after a break": "for i in range(3):\n    s = s + x\n    break\nelse:\n    s = s * x",
    "else of a while": "i = 0\nwhile i < 3:\n    i = i + 1\n    s = s + x\nelse:\n    s = s * x",
    "return out of two loops": (
        "for i in range(5):\n    for j in range(5):\n        s = s + x * j\n        if s > 9.0:\n            return s * i"
    ),
    "return from the else": "for i in range(3):\n    s = s * x\nelse:\n    return s + x",
    "the loop variable after the loop": "for i in range(4):\n    s = s + x\ns = s * i",
    "a variable that only the loop defines": "for i in range(4):\n    t = i * x\ns = s + t",
    "a variable defined on one branch of a turn": (
        "for i in range(4):\n    if i == 1:\n        t = x * x\n    if i > 1:\n        s = s + t"
    ),
    "the loop variable assigned in the body": "for i in range(4):\n    i = i * x\n    s = s + i",
    "the iterable assigned in the body": "xs = (x, 2.0 * x)\nfor a in xs:\n    xs = (a, a)\n    s = s + a\ns = s * xs[0]",
    "the bound changed in the body": "n = 3\nfor i in range(n):\n    n = n + 2\n    s = s + x * n",
    "carried values swapped": "a, b = x, 1.0\nfor i in range(5):\n    a, b = b, a + b * x\ns = a",
    "a loop in a loop": "for i in range(3):\n    t = x\n    for j in range(i):\n        t = t * x\n    s = s + t",
    "a comprehension": "s = sum([a * x for a in (1.0, x, 2.0)])",
    "a comprehension with a test": "s = sum([a * x for a in (1, 2, 3) if a != 2])",
    "a comprehension over two": "s = sum([a * b for a in (1.0, x) for b in (x, 2.0)])",
    "a comprehension hides its variable": "a = x\nt = [a * 2.0 for a in (1.0, 3.0)]\ns = a + t[1] * x",
    "a generator": "s = sum(a * x for a in (1.0, x))",
    "a list grown in a loop": "t = []\nfor i in range(4):\n    t.append(i * x * x)\ns = sum(t) * t[-1]",
    "an array written in a loop": (
        "t = np.zeros(5)\nt[0] = x\nfor i in range(1, 5):\n    t[i] = t[i - 1] * x + i\ns = t[4] * t[2]"
    ),
    "a raise that is not met": "for i in range(3):\n    if x < 0.0:\n        raise ValueError(i)\n    s = s * x",
    "a starred target": "for a, *b in ((x, 1.0, 2.0), (3.0, x, x)):\n    s = s + a * b[0] * b[1]",
    "an if in a while in a for": (
        "for i in range(3):\n    k = 0\n    while k < 3:\n        k += 1\n        if k == i:\n            break\n"
        "        s = s + x**k"
    ),
    "zero turns of one that defines": "t = x\nfor i in range(0):\n    t = 2.0\ns = s + t",
}  # fmt: skip


@pytest.mark.parametrize("text", LOOPS.values(), ids=LOOPS)
def test_a_loop(text: str) -> None:
    lines = "".join(f"    {line}\n" for line in text.splitlines())
    fn = written(f"def f(x):\n    s = 1.0\n{lines}    return s * x")
    for x in (1.3, 2.1):
        value, gradient = value_and_grad(fn)(x)
        h = 1e-5
        stencil = [fn(x - 2 * h), -8 * fn(x - h), 8 * fn(x + h), -fn(x + 2 * h)]

        assert value == fn(x)
        assert gradient == pytest.approx(sum(stencil) / (12 * h), rel=1e-8, abs=1e-8)


def test_what_a_loop_assigns_is_carried_and_what_it_reads_is_not() -> None:
    shows(lowered(written("def f(x):\n    y = x\n    for i in range(3):\n        y = y * x\n    return y")), """
        range_out = range(3)
        y.3 = for i in range_out, carrying y = x:
          y.2 = operator.mul(y, x)
          yield y.2, False
        yield y.3
    """)


def test_the_variable_of_a_loop_is_carried_if_it_is_read_after_it() -> None:
    text = "def f(x):\n    y = x\n    for i in range(3):\n        y = y * x\n    return y * i"
    graph = body(lowered(written(text)))

    assert "carrying y = x, i.2 = UNBOUND" in graph and "yield y.2, i, False" in graph


def test_a_break_is_what_a_turn_yields() -> None:
    fn = written("def f(x):\n    for i in range(9):\n        if x > 5.0:\n            break\n        x = x * 2.0\n    return x")
    text = str(lowered(fn).region.body[-1])

    assert "break" not in text


@pytest.mark.parametrize("body", ["t = t + i * x", "t = t * x"])
def test_a_name_read_after_a_loop_that_may_not_have_run_raises_as_python_does(body: str) -> None:
    fn = written(f"def f(x, n):\n    for i in range(n):\n        t = x\n        {body}\n    return t")

    assert value_and_grad(fn)(2.0, 1)[0] == fn(2.0, 1)
    with pytest.raises((NameError, UnboundLocalError)):
        fn(2.0, 0)
    with pytest.raises((NameError, UnboundLocalError)):
        value_and_grad(fn)(2.0, 0)


def test_an_iterator_is_not_consumed_beyond_the_break() -> None:
    seen: list[int] = []
    fn = written("""
        def f(x, note):
            s = x
            for i in range(9):
                note(i)
                if i == 2:
                    break
                s = s * x
            return s
    """)
    try:
        result: Any = value_and_grad(fn)(2.0, seen.append)
    except Exception as error:  # a call of an unknown function may be refused, but not be repeated
        pytest.skip(str(error))
    assert result == (8.0, 12.0)
    assert seen == [0, 1, 2]
