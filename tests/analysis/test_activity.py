"""Which values vary with the inputs, and which the results are computed from."""

from __future__ import annotations

import numpy as np
import pytest

from diffcompile.analysis.activity import can_vary, constant_function, reaching, varied
from diffcompile.ir.graph import Value
from diffcompile.ir.types import BOOL, COMPLEX, FLOAT, INT, OBJECT, RANGE, STR, UNKNOWN, Type, array, number
from graphs import VECTOR, lowered, written


def active(text: str, *specs: Type, wrt: int = 0) -> set[str]:
    graph = lowered(written(text), *specs)
    return {v.name for v in varied(graph.region, [graph.params[wrt]])}


def of(*lines: str, params: str = "x, k") -> str:
    return f"def f({params}):\n" + "".join(f"    {line}\n" for line in lines)


CASES = [
    ("what is computed from the input varies", of("a = x * k", "b = np.sin(a)", "return b"), {"x", "a", "b"}),
    ("what is computed from others does not", of("a = k * k", "b = a * x", "return b"), {"x", "b"}),
    ("a locally constant function stops it", of("a = np.floor(x)", "b = a * k", "return b"), {"x"}),
    ("a comparison stops it", of("a = x > k", "return k"), {"x"}),
    ("an integer does not vary", of("a = int(x)", "b = a * k", "return b"), {"x"}),
    ("a value of one branch makes the result vary", of("a = x if k > 0 else k", "return a"), {"x", "a"}),
    ("two constant branches do not vary", of("a = 1.0 if x > 0 else 2.0", "return a"), {"x"}),
    ("a name given again forgets", of("a = x * k", "a = k * 2.0", "return a"), {"x", "a"}),
]


@pytest.mark.parametrize(("text", "names"), [pytest.param(*c[1:], id=c[0]) for c in CASES])
def test_varied(text: str, names: set[str]) -> None:
    assert active(text) == names


def test_variation_reaches_a_carried_value_a_turn_late() -> None:
    text = of("a = k", "b = k", "for i in range(3):", "    b = a * k", "    a = x * k", "return b")

    assert {"a", "b"} <= active(text)


def test_what_a_loop_carries_without_the_input_does_not_vary() -> None:
    text = of("a = k", "s = x", "for i in range(3):", "    a = a * k", "    s = s * a", "return s")

    assert active(text) == {"x", "s"}


def test_the_items_of_a_varying_array_vary() -> None:
    assert "item" in active(of("s = 0.0", "for item in x:", "    s = s + item", "return s"), VECTOR)


def test_a_store_of_a_varying_value_makes_the_array_vary() -> None:
    assert "buffer" in active(of("buffer = np.zeros(3)", "buffer[0] = x", "return buffer.sum()"))


def test_an_index_into_an_integer_array_does_not_vary() -> None:
    integers = array(np.dtype(np.int64), (3,))

    assert active(of("a = k[0] * x", "b = k[1]", "return a"), FLOAT, integers) == {"x", "a"}


@pytest.mark.parametrize(
    ("known", "can"),
    [
        (FLOAT, True), (COMPLEX, True), (UNKNOWN, True), (OBJECT, True), (number(), True), (array(), True),
        (array(np.dtype(np.float32), ()), True), (INT, False), (BOOL, False), (STR, False), (RANGE, False),
        (Type("none"), False), (number(np.dtype(np.int64)), False), (array(np.dtype(bool), None), False),
    ],
    ids=str,
)  # fmt: skip
def test_what_can_vary_at_all(known: Type, can: bool) -> None:
    assert can_vary(Value("v", known)) is can


def test_the_result_is_computed_from_what_it_reads() -> None:
    graph = lowered(written(of("a = x * k", "b = x + k", "c = np.sin(a)", "return c")))
    names = {v.name for v in reaching(graph.region, graph.region.results)}

    assert names == {"x", "k", "a", "c"}


def test_a_function_that_cannot_be_hashed_is_no_constant_one() -> None:
    assert not constant_function({})
    assert constant_function(np.floor)
    assert not constant_function(np.sin)
