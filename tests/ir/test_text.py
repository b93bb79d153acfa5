"""A graph as text."""

from __future__ import annotations

import operator

import numpy as np
import pytest

from diffcompile.ir.graph import Call, Const, For, Graph, Region, Store, Value, While
from diffcompile.ir.text import function_name, graph_text
from graphs import VECTOR, lowered, shows, written


def test_the_head_names_the_function_and_its_parameters() -> None:
    graph = lowered(written("def area(width, height): return width * height"))

    assert graph_text(graph) == (
        "graph area(width, height):\n"
        "  product = operator.mul(width, height)\n"
        "  yield product\n"
    )  # fmt: skip


def test_facts_are_shown_where_a_value_is_written() -> None:
    graph = lowered(written("def f(x, k): return x * k"), VECTOR)

    assert graph_text(graph, types=True).splitlines()[:2] == [
        "graph f(x: array[float64](n), k: float):",
        "  product: array[float64](n) = operator.mul(x, k)",
    ]


def test_values_of_one_name_are_told_apart_by_a_version() -> None:
    graph = lowered(written("def f(x):\n    x = x * 2.0\n    x = x + 1.0\n    return x"))

    shows(graph, """
        x.2 = operator.mul(x, 2.0)
        x.3 = operator.add(x.2, 1.0)
        yield x.3
    """)


def test_branches_are_indented_under_their_test() -> None:
    graph = lowered(
        written("def f(x):\n    if x > 0:\n        y = -x\n    else:\n        y = x\n    return y")
    )

    shows(graph, """
        gt_out = operator.gt(x, 0)
        y.2 = if gt_out:
          y = operator.neg(x)
          yield y
        else:
          yield x
        yield y.2
    """)


def test_a_loop_says_what_it_carries_and_which_way_it_runs() -> None:
    xs, s, x, total, out = (Value(n) for n in ("xs", "s", "x", "s", "s"))
    body = Region((x, s), (Call((total,), operator.add, (s, x)),), (total, Const(False)))
    graph = Graph("f", Region((xs,), (For((out,), (xs,), (Const(0.0),), body, backwards=True),), (out,)))

    shows(graph, """
        s.3 = for x in reversed xs, carrying s = 0.0:
          s.2 = operator.add(s, x)
          yield s.2, False
        yield s.3
    """)


def test_a_while_shows_its_condition_before_its_body() -> None:
    x, a, b, test, double, out = (Value(n) for n in ("x", "a", "a", "test", "a", "a"))
    cond = Region((a,), (Call((test,), operator.lt, (a, Const(3.0))),), (test,))
    body = Region((b,), (Call((double,), operator.mul, (b, Const(2.0))),), (double, Const(False)))
    graph = Graph("f", Region((x,), (While((out,), (x,), cond, body),), (out,)))
    text = graph_text(graph)

    assert text.index("operator.lt") < text.index("do:") < text.index("operator.mul")
    assert "  do:\n" in text


def test_a_store_says_so_and_keywords_keep_their_names() -> None:
    x, y = Value("x"), Value("x")
    graph = Graph("f", Region((x,), (
        Store((y,), operator.setitem, x, (Const(0), Const(1.0))),
        Call((), print, (y,), (("sep", Const("")),)),
    ), (y,)))  # fmt: skip

    shows(graph, """
        x.2 = store operator.setitem(x, 0, 1.0)
        print(x.2, sep='')
        yield x.2
    """)


def test_a_constant_is_written_as_the_user_spelled_it() -> None:
    graph = Graph("f", Region((), (), (Const(np.pi, "np.pi"), Const(np.sin), Const(2))))

    shows(graph, "yield np.pi, np.sin, 2")


@pytest.mark.parametrize(
    ("fn", "name"),
    [
        (np.sin, "np.sin"),
        (np.linalg.solve, "np.linalg.solve"),
        (operator.add, "operator.add"),
        (abs, "abs"),
        (np.ndarray.sum, "ndarray.sum"),
        (np.ndarray.T, "ndarray.T"),
        (list.append, "list.append"),
    ],
)
def test_functions_are_named_as_a_reader_would_write_them(fn: object, name: str) -> None:
    assert function_name(fn) == name


def test_a_ufunc_of_another_library_is_not_said_to_be_of_numpy() -> None:
    special = pytest.importorskip("scipy.special")

    assert not function_name(special.expit).startswith("np.")


def test_the_same_graph_reads_the_same_twice() -> None:
    fn = written("def f(x, y):\n    for i in range(3):\n        x = x * y\n    return x")

    assert graph_text(lowered(fn)) == graph_text(lowered(fn))


