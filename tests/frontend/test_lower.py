"""A function as a graph: what each construct becomes."""

from __future__ import annotations

import math

import numpy as np
import pytest

from diffcompile.frontend.arguments import Parts
from diffcompile.ir.graph import Const
from diffcompile.ir.types import FLOAT, Type
from graphs import VECTOR, lowered, lowering, shows, written

CASES = [
    ("operands are read from left to right", "return f1(x) + x * 2.0", """
        sin_out = np.sin(x)
        product = operator.mul(x, 2.0)
        total = operator.add(sin_out, product)
        yield total
     """),
    ("a name for a number is a value of its own", "dt = 0.1\nreturn x * dt", """
        dt = literal(0.1)
        product = operator.mul(x, dt)
        yield product
     """),
    ("a second name is the same value", "y = x\nz = y\nreturn z * y", """
        product = operator.mul(x, x)
        yield product
     """),
    ("a chained comparison stops at the first that fails", "return x if 0.0 < x < 1.0 else 2.0", """
        lt_out = operator.lt(0.0, x)
        value = if lt_out:
          lt_out.2 = operator.lt(x, 1.0)
          yield lt_out.2
        else:
          yield lt_out
        value.2 = if value:
          yield x
        else:
          yield 2.0
        yield value.2
     """),
    ("`and` and `or` give an operand", "return x > 0 and x or 2.0", """
        gt_out = operator.gt(x, 0)
        value = if gt_out:
          yield x
        else:
          yield gt_out
        value.2 = if value:
          yield value
        else:
          yield 2.0
        yield value.2
     """),
    ("a nested function sees the names around it", "def g(y): return y * x\nreturn g(2.0)", """
        product = operator.mul(2.0, x)
        yield product
     """),
    ("a tuple that is taken apart is no tuple", "a, (b, c) = x, (2.0, x)\nreturn a * b * c", """
        b = literal(2.0)
        product = operator.mul(x, b)
        product.2 = operator.mul(product, x)
        yield product.2
     """),
    ("a swap is no instruction", "y = 2.0 * x\nx, y = y, x\nreturn x - y", """
        y = operator.mul(2.0, x)
        diff = operator.sub(y, x)
        yield diff
     """),
    ("an early return is a branch over what follows", "if x > 0.0:\n    return x\nreturn -x", """
        gt_out = operator.gt(x, 0.0)
        result = if gt_out:
          yield x
        else:
          negative = operator.neg(x)
          yield negative
        yield result
     """),
    ("a test on a constant leaves one branch", "if len((1, 2)) == 2:\n    return x\nreturn -x", """
        yield x
     """),
    ("a keyword argument keeps its name", "return np.sum(x, axis=None)", """
        sum_out = np.sum(x, axis=None)
        yield sum_out
     """),
    ("a function that returns nothing yields None", "y = x", """
        yield None
     """),
]  # fmt: skip


def of(text: str) -> str:
    return "def f(x):\n" + "".join(f"    {line}\n" for line in text.splitlines())


@pytest.mark.parametrize(("text", "expected"), [pytest.param(*c[1:], id=c[0]) for c in CASES])
def test_lowering(text: str, expected: str) -> None:
    shows(lowered(written(of(text), f1=np.sin)), expected)


def test_the_function_is_the_object_that_its_name_means() -> None:
    graph = lowered(written("def f(x): return wave(x)", wave=np.sin))

    assert graph.region.body[0].fn is np.sin  # type: ignore[union-attr]


@pytest.mark.parametrize("text", ["math.pi", "np.pi"])
def test_a_constant_of_a_library_keeps_its_spelling(text: str) -> None:
    graph = lowered(written(f"def f(x): return x * {text}", math=math))
    constant = graph.region.body[0].args[1]  # type: ignore[union-attr]

    assert isinstance(constant, Const)
    assert (constant.value, constant.spelling) == (math.pi, text)


def test_a_number_among_the_globals_is_an_input_and_read_live() -> None:
    fn = written("def f(x): return x * rate", rate=2.0)
    graph = lowering(fn).graph

    assert [c.name for c in graph.captures] == ["rate"]
    assert [p.name for p in graph.params] == ["x", "rate"]
    fn.__globals__["rate"] = 5.0
    assert graph.captures[0].read() == 5.0


def test_a_function_among_the_globals_is_guarded() -> None:
    fn = written("def f(x): return wave(x)", wave=np.sin)
    guards = lowering(fn).guards

    assert all(g.holds() for g in guards)
    fn.__globals__["wave"] = np.cos
    assert not all(g.holds() for g in guards)


def test_the_items_of_a_container_are_read_out_of_it() -> None:
    spec = Parts(dict, ("w", "b"), (VECTOR, FLOAT))
    result = lowering(written("def f(p): return p['w'].sum() * p['b']"), spec)

    assert [str(leaf.type) for leaf in result.given] == ["array[float64](n)", "float"]
    shows(result.graph, """
        item = operator.getitem(p, 'w')
        item.2 = operator.getitem(p, 'b')
        sum_out = ndarray.sum(item)
        product = operator.mul(sum_out, item.2)
        yield product
    """)


def test_the_structure_of_the_result_is_told() -> None:
    result = lowering(written("def f(x): return {'a': x, 'b': (x, [2.0])}"))

    pair = (tuple, (0, 1), ("leaf", (list, (0,), ("leaf",), False)), False)
    assert result.returns == (dict, ("a", "b"), ("leaf", pair), False)


def test_a_string_argument_selects_a_branch() -> None:
    graph = lowered(written("def f(x, mode): return x if mode == 'id' else -x"), FLOAT, Const("id"))

    shows(graph, "yield x")


def test_facts_follow_the_values() -> None:
    graph = lowered(written("def f(x):\n    y = x[1:]\n    return y.sum()"), VECTOR)
    y, total = (i.outs[0].type for i in graph.region.body)

    assert str(y) == "array[float64](n-1)"
    assert y.shape is not None and y.shape[0].maybe_one  # type: ignore[union-attr]
    assert total.is_scalar


def test_instructions_know_their_line() -> None:
    graph = lowered(written("def f(x):\n    y = np.sin(x)\n    return (y\n        * x)"))

    assert [i.line.line for i in graph.region.body] == [2, 3]
    assert graph.region.body[0].line.text == "    y = np.sin(x)"


def test_two_thousand_operations_in_one_expression() -> None:
    graph = lowered(written(f"def f(x):\n    return {' + '.join(['x'] * 2001)}"))

    assert len(graph.region.body) == 2000


def test_a_helper_called_twice_is_one_function() -> None:
    helper = written("def helper(y):\n    for k in range(3):\n        y = np.sin(y)\n    return y")
    graph = lowered(written("def f(x): return helper(x) + helper(2.0 * x)", helper=helper))
    fns = {i.fn for i in graph.region.body if getattr(i.fn, "graph", None) is not None}  # type: ignore[union-attr]

    assert len(fns) <= 1


def test_unknown_facts_are_no_obstacle() -> None:
    shows(lowered(written("def f(x): return x * 2.0"), Type()), """
        product = operator.mul(x, 2.0)
        yield product
    """)
