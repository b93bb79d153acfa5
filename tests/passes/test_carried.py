"""What every turn hands on unchanged is not carried."""

from __future__ import annotations

import operator

import pytest

from diffcompile.ir.graph import Atom, Call, Const, For, Graph, Region, Value, While
from diffcompile.passes.carried import carried
from graphs import body, lowered, shows, written


def loop(init: Atom, result: Atom | None) -> Graph:
    """`for x in xs: y = c * x`, carrying `c` and `y`; each turn hands on `result` (None: `c`) as `c`."""
    xs, x, c, y, product, c_out, y_out = (Value(n) for n in ("xs", "x", "c", "y", "product", "c", "y"))
    region = Region(
        (x, c, y), (Call((product,), operator.mul, (c, x)),), (result or c, product, Const(False))
    )
    instr = For((c_out, y_out), (xs,), (init, Const(0.0)), region)
    total = Value("total")
    return Graph("f", Region((xs,), (instr, Call((total,), operator.add, (c_out, y_out))), (total,)))


def test_a_value_handed_on_is_its_initial_value_inside_and_after_the_loop() -> None:
    shows(carried(loop(Const(1.0), None)), """
        y.2 = for x in xs, carrying y = 0.0:
          product = operator.mul(1.0, x)
          yield product, False
        total = operator.add(1.0, y.2)
        yield total
    """)


def test_a_turn_that_yields_the_initial_constant_changes_nothing() -> None:
    shows(carried(loop(Const(1.0), Const(1.0))), """
        y.2 = for x in xs, carrying y = 0.0:
          product = operator.mul(1.0, x)
          yield product, False
        total = operator.add(1.0, y.2)
        yield total
    """)


@pytest.mark.parametrize("result", [Const(2.0), Const(1)])
def test_a_turn_that_yields_another_constant_is_carried(result: Const) -> None:
    graph = loop(Const(1.0), result)

    assert body(carried(graph)) == body(graph)


def test_a_value_that_changes_is_carried() -> None:
    graph = lowered(written("def f(x):\n    y = x\n    for i in range(3):\n        y = y * x\n    return y"))

    assert "carrying y = x" in body(carried(graph))


def test_the_condition_of_a_while_reads_the_initial_value() -> None:
    x, a, k, test, double, out, kept = (Value(n) for n in ("x", "a", "k", "test", "double", "out", "kept"))
    b, m = Value("b"), Value("m")
    cond = Region((a, k), (Call((test,), operator.lt, (a, k)),), (test,))
    inner = Region((b, m), (Call((double,), operator.mul, (b, m)),), (double, m, Const(False)))
    graph = Graph("f", Region((x,), (While((out, kept), (x, Const(9.0)), cond, inner),), (out,)))

    shows(carried(graph), """
        out = while, carrying b = x:
          test = operator.lt(a, 9.0)
          yield test
        do:
          double = operator.mul(b, 9.0)
          yield double, False
        yield out
    """)


def test_a_loop_inside_a_loop_hands_on_what_both_hand_on() -> None:
    fn = written("""
        def f(x):
            k = x
            s = 0.0
            for i in range(2):
                for j in range(3):
                    k = k
                    s = s + k
            return s
    """)

    text = body(carried(carried(lowered(fn))))

    assert "k" not in text.replace("k = x", "k") or "carrying k" not in text
    assert text.count("k = x") == 0
