"""Identities that a person would use, and only where they hold."""

from __future__ import annotations

import operator
import re
from typing import Any

import numpy as np
import pytest

from diffcompile.ir.graph import Call, Const, Graph, Region, Value
from diffcompile.ir.types import COMPLEX, FLOAT, INT, UNKNOWN, Dim, Type, array
from diffcompile.passes.simplify import simplify
from graphs import VECTOR, body, lowered, primal_values, shows, written

F32 = array(np.dtype(np.float32), (Dim("n", 0, False),))
INTS = array(np.dtype(np.int64), (Dim("n", 0, False),))


def result(expression: str, **types: Type) -> str:
    """The simplified form of an expression over `x`, `y`, `z` (floats unless said otherwise)."""
    names = [n for n in "xyz" if n in expression.replace("np.exp", "")]
    fn = written(f"def f({', '.join(names)}): return {expression}")
    graph = lowered(fn, *[types.get(n, FLOAT) for n in names])
    return expanded(simplify(graph, set()))


def expanded(graph: Graph) -> str:
    """What a graph of calls yields, as one expression."""
    *lines, last = body(graph).splitlines()
    made: dict[str, str] = {}
    for line in lines:
        name, text = line.split(" = ", 1)
        made[name] = re.sub(r"[\w.]+", lambda m: made.get(m[0], m[0]), text.replace("operator.", ""))
    out = last.removeprefix("yield ")
    return made.get(out, out)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("x * 1.0", "x"),
        ("1.0 * x", "x"),
        ("x * 1", "x"),
        ("x / 1.0", "x"),
        ("x - 0.0", "x"),
        ("x ** 1", "x"),
        ("-(-x)", "x"),
        ("x * -1.0", "neg(x)"),
        ("x * (1.0 / y)", "truediv(x, y)"),
        ("x + -y", "sub(x, y)"),
        ("-x + y", "sub(y, x)"),
        ("x - -y", "add(x, y)"),
        ("(-x) * y", "neg(mul(x, y))"),
        ("x * -y", "neg(mul(x, y))"),
        ("(-x) / y", "neg(truediv(x, y))"),
        ("x * 2.0", "mul(2.0, x)"),
        ("2.0 * (3.0 * x)", "mul(6.0, x)"),
    ],
)
def test_identity(before: str, after: str) -> None:
    assert result(before) == after


@pytest.mark.parametrize(
    ("expression", "types"),
    [
        ("x * 1.0", {"x": INT}),
        ("x / 1.0", {"x": INT}),
        ("x * 1.0", {"x": INTS}),
        ("x ** 1", {"x": UNKNOWN}),
        ("x * 1.0", {"x": UNKNOWN}),
    ],
    ids=str,
)
def test_a_number_that_would_change_its_kind_is_left_alone(expression: str, types: dict[str, Type]) -> None:
    assert result(expression, **types) != "x"


def test_single_precision_times_one_is_itself() -> None:
    assert result("x * 1.0", x=F32) == "x"


@pytest.mark.parametrize("known", [COMPLEX, array(np.dtype(complex), (Dim("n"),))], ids=str)
def test_a_complex_conjugate_stays(known: Type) -> None:
    assert result("np.conj(x)", x=known) != "x"


@pytest.mark.parametrize("known", [FLOAT, VECTOR], ids=str)
def test_a_real_conjugate_is_the_value(known: Type) -> None:
    assert result("np.conj(x)", x=known) == "x"


def test_the_users_own_arithmetic_is_left_bit_for_bit() -> None:
    graph = lowered(written("def f(x, y): return x * 1.0 + -y * (1.0 / x)"))

    assert body(simplify(graph, primal_values(graph))) == body(graph)


def graph_of(*calls: tuple[str, Any, tuple[Any, ...]], types: dict[str, Type], out: str) -> Graph:
    """A graph from (name, fn, operands): operands are names or constants."""
    values = {n: Value(n, t) for n, t in types.items()}
    params = tuple(values[n] for n in types if not any(n == c[0] for c in calls))
    body = []
    for name, fn, args in calls:
        values.setdefault(name, Value(name))
        atoms = tuple(values[a] if isinstance(a, str) else Const(a) for a in args)
        body.append(Call((values[name],), fn, atoms))
    return Graph("f", Region(params, tuple(body), (values[out],)))


def test_a_broadcast_that_the_other_factor_brings_anyway_is_left_out() -> None:
    types = {"k": FLOAT, "x": VECTOR, "shape": Type("tuple"), "wide": VECTOR}
    graph = graph_of(
        ("wide", np.broadcast_to, ("k", "shape")),
        ("out", operator.mul, ("wide", "x")),
        types=types,
        out="out",
    )

    assert body(simplify(graph, set())).splitlines()[-2:] == ["out = operator.mul(k, x)", "yield out"]


def test_a_number_times_one_that_fills_an_array_fills_it_with_their_product() -> None:
    types = {"k": FLOAT, "shape": Type("tuple"), "wide": VECTOR}
    graph = graph_of(
        ("wide", np.broadcast_to, ("k", "shape")),
        ("out", operator.mul, ("wide", 3.0)),
        types=types,
        out="out",
    )

    lines = body(simplify(graph, set())).splitlines()
    assert lines[-3].endswith("= operator.mul(3.0, k)")
    assert lines[-2].startswith("out = np.broadcast_to(")


def test_a_broadcast_of_another_shape_stays() -> None:
    types = {"k": FLOAT, "x": UNKNOWN, "shape": Type("tuple"), "wide": VECTOR}
    graph = graph_of(
        ("wide", np.broadcast_to, ("k", "shape")),
        ("out", operator.mul, ("wide", "x")),
        types=types,
        out="out",
    )

    assert "operator.mul(wide, x)" in body(simplify(graph, set()))


def test_adding_to_zeros_of_the_same_shape_and_dtype_is_no_addition() -> None:
    types = {"x": VECTOR, "zeros": VECTOR}
    graph = graph_of(
        ("zeros", np.zeros_like, ("x",)), ("out", operator.add, ("zeros", "x")), types=types, out="out"
    )

    assert body(simplify(graph, set())).splitlines()[-1] == "yield x"


def test_adding_to_zeros_of_another_dtype_stays() -> None:
    types = {"x": F32, "zeros": VECTOR}
    graph = graph_of(
        ("zeros", np.zeros_like, ("x",)), ("out", operator.add, ("zeros", "x")), types=types, out="out"
    )

    assert "operator.add" in body(simplify(graph, set()))


def test_rewrites_reach_into_branches() -> None:
    graph = lowered(written("def f(x): return x * 1.0 if x > 0 else x / 1.0"))

    shows(simplify(graph, set()), """
        gt_out = operator.gt(x, 0)
        value = if gt_out:
          yield x
        else:
          yield x
        yield value
    """)


def test_a_sum_of_a_product_and_its_transpose_is_one_product() -> None:
    matrix = array(np.dtype(float), (3, 3))
    graph = graph_of(
        ("pt", np.ndarray.T, ("p",)), ("qt", np.ndarray.T, ("q",)), ("s", operator.matmul, ("p", "qt")),
        ("t", operator.matmul, ("q", "pt")), ("out", operator.add, ("s", "t")),
        types=dict.fromkeys(("p", "q", "pt", "qt", "s", "t", "out"), matrix), out="out",
    )  # fmt: skip

    assert body(simplify(graph, set())).splitlines()[-2].startswith("out = operator.add(s, ")


def test_factors_meet_where_the_one_inside_is_read_once() -> None:
    graph = graph_of(
        ("twice", operator.mul, (2.0, "y")), ("inner", operator.mul, ("x", "twice")),
        ("out", operator.mul, (3.0, "inner")), types=dict.fromkeys(("x", "y", "twice", "inner"), VECTOR),
        out="out",
    )  # fmt: skip

    assert "operator.mul(6.0, y)" in body(simplify(graph, set()))
