"""Results that are handed out share memory with nothing."""

from __future__ import annotations

import operator

import numpy as np

from diffcompile.ir.graph import Call, Const, Graph, Region, Value
from diffcompile.ir.types import FLOAT, UNKNOWN, Type, array
from diffcompile.passes.own import own
from graphs import MATRIX, VECTOR, shows

SHAPE = Type("tuple")


def graph(params: tuple[Value, ...], calls: tuple[Call, ...], *results: Value) -> Graph:
    return Graph("f", Region(params, calls, results))


def test_one_array_twice_is_two_arrays() -> None:
    x, y = Value("x", VECTOR), Value("y", VECTOR)

    shows(own(graph((x,), (Call((y,), np.exp, (x,)),), y, y), 0), """
        y = np.exp(x)
        y.2 = np.copy(y)
        yield y, y.2
    """)


def test_an_argument_is_copied() -> None:
    x = Value("x", VECTOR)

    shows(own(graph((x,), (), x), 0), """
        x.2 = np.copy(x)
        yield x.2
    """)


def test_a_view_of_an_argument_is_copied() -> None:
    x, y = Value("x", MATRIX), Value("y", MATRIX)

    shows(own(graph((x,), (Call((y,), np.ndarray.T, (x,)),), y), 0), """
        y = ndarray.T(x)
        y.2 = np.copy(y)
        yield y.2
    """)


def test_two_views_of_one_array_are_two_arrays() -> None:
    x, y, a, b = Value("x", VECTOR), Value("y", VECTOR), Value("a", VECTOR), Value("b", VECTOR)
    calls = (
        Call((y,), np.exp, (x,)),
        Call((a,), operator.getitem, (y, Const(slice(None, 2)))),
        Call((b,), operator.getitem, (y, Const(slice(1, None)))),
    )

    shows(own(graph((x,), calls, a, b), 0), """
        y = np.exp(x)
        a = operator.getitem(y, slice(None, 2, None))
        b = operator.getitem(y, slice(1, None, None))
        b.2 = np.copy(b)
        yield a, b.2
    """)


def test_a_broadcast_is_copied_since_it_cannot_be_written() -> None:
    x, shape, y = Value("x", FLOAT), Value("shape", SHAPE), Value("y", VECTOR)

    shows(own(graph((x, shape), (Call((y,), np.broadcast_to, (x, shape)),), y), 0), """
        y = np.broadcast_to(x, shape)
        y.2 = np.copy(y)
        yield y.2
    """)


def test_fresh_arrays_and_numbers_are_handed_out_as_they_are() -> None:
    x, k, y = Value("x", VECTOR), Value("k", FLOAT), Value("y", VECTOR)

    shows(own(graph((x, k), (Call((y,), np.exp, (x,)),), y, k, k), 0), """
        y = np.exp(x)
        yield y, k, k
    """)


def test_what_may_be_an_array_is_copied_if_it_is_one() -> None:
    x = Value("x", UNKNOWN)

    shows(own(graph((x,), (), x), 0), """
        x.2 = copy_of(x)
        yield x.2
    """)


def test_the_functions_own_results_are_left_alone() -> None:
    x, y = Value("x", VECTOR), Value("y", VECTOR)

    shows(own(graph((x,), (Call((y,), np.exp, (x,)),), x, y), 1), """
        y = np.exp(x)
        yield x, y
    """)


def test_a_gradient_that_is_also_the_value_is_copied() -> None:
    x, y = Value("x", VECTOR), Value("y", array(np.dtype(float), ()))

    shows(own(graph((x,), (Call((y,), np.exp, (x,)),), y, y), 1), """
        y = np.exp(x)
        y.2 = np.copy(y)
        yield y, y.2
    """)
