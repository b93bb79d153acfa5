"""Dead code: what goes, what stays."""

from __future__ import annotations

import textwrap

import pytest

from diffcompile.ir.graph import Call
from diffcompile.ir.walk import instructions
from diffcompile.passes.dce import dce
from graphs import VECTOR, Type, body, lowered, shows, written

CASES = [
    ("what nothing reads is dropped", (), """
        def f(x):
            a = np.sin(x)
            b = np.cos(x)
            return a
     """, """
        a = np.sin(x)
        yield a
     """),
    ("what only dead values read is dropped", (), """
        def f(x):
            a = np.sin(x)
            b = np.cos(a)
            return x
     """, """
        yield x
     """),
    ("a print stays, and what it shows", (), """
        def f(x):
            b = np.cos(x)
            print(b)
            return x
     """, """
        b = np.cos(x)
        print(b)
        yield x
     """),
    ("a carried value that only feeds itself is dropped", (), """
        def f(x):
            a = x
            b = x
            for i in range(3):
                a = a * x
                b = b + a
            return a
     """, """
        range_out = range(3)
        a.3 = for i in range_out, carrying a = x:
          a.2 = operator.mul(a, x)
          yield a.2, False
        yield a.3
     """),
    ("a carried value that feeds a live one stays", (), """
        def f(x):
            a = x
            b = x
            for i in range(3):
                a = a * x
                b = b + a
            return b
     """, """
        range_out = range(3)
        a.3, b.3 = for i in range_out, carrying a = x, b = x:
          a.2 = operator.mul(a, x)
          b.2 = operator.add(b, a.2)
          yield a.2, b.2, False
        yield b.3
     """),
    ("a loop whose results nothing reads is dropped", (), """
        def f(x):
            a = x
            for i in range(3):
                a = a * x
            return x
     """, """
        yield x
     """),
    ("a loop that prints stays", (), """
        def f(x):
            a = x
            for i in range(3):
                a = a * x
                print(i)
            return x
     """, """
        range_out = range(3)
        for i in range_out, carrying :
          print(i)
          yield False
        yield x
     """),
    ("a while stays, since it may not end", (), """
        def f(x):
            a = x
            while a < 3.0:
                a = a * 2.0
            return x
     """, """
        a.4 = while, carrying a = x:
          lt_out = operator.lt(a.2, 3.0)
          yield lt_out
        do:
          a.3 = operator.mul(a, 2.0)
          yield a.3, False
        yield x
     """),
    ("a branch yields only what is read", (), """
        def f(x):
            if x > 0:
                a = x * 2.0
                b = x * 3.0
            else:
                a = x
                b = x
            return a
     """, """
        gt_out = operator.gt(x, 0)
        a.2 = if gt_out:
          a = operator.mul(x, 2.0)
          yield a
        else:
          yield x
        yield a.2
     """),
    ("a store into an array that nothing reads is dropped", (), """
        def f(x):
            y = np.zeros(3)
            y[0] = x
            return x
     """, """
        yield x
     """),
    ("a raise stays", (), """
        def f(x):
            if x < 0:
                raise ValueError("negative")
            return x
     """, """
        lt_out = operator.lt(x, 0)
        if lt_out:
          ValueError_out = ValueError('negative')
          raise_error(ValueError_out)
          yield
        else:
          yield
        yield x
     """),
]  # fmt: skip


@pytest.mark.parametrize(("specs", "before", "after"), [pytest.param(*c[1:], id=c[0]) for c in CASES])
def test_dce(specs: tuple[Type, ...], before: str, after: str) -> None:
    shows(dce(lowered(written(before), *specs)), after)


@pytest.mark.parametrize("before", [pytest.param(c[2], id=c[0]) for c in CASES])
def test_dce_finds_nothing_more_the_second_time(before: str) -> None:
    once = dce(lowered(written(before)))

    assert body(dce(once)) == body(once)


def test_values_to_keep_count_as_read() -> None:
    graph = lowered(written("def f(x):\n    b = np.cos(x)\n    return x"))
    kept = {o for i in instructions(graph.region) for o in i.outs}

    shows(dce(graph, kept), """
        b = np.cos(x)
        yield x
    """)


def test_a_random_draw_stays() -> None:
    text = "def f(x, rng):\n    noise = rng.normal()\n    return x"
    graph = dce(lowered(written(textwrap.dedent(text)), VECTOR, Type("object")))

    assert any(isinstance(i, Call) for i in graph.region.body)
