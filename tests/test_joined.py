"""`+` and `*` of what may be numbers, arrays or lists, which only the run shows: to second order."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from diffcompile import grad, hessian, jacrev, jvp, linearize
from oracles import slopes

X = np.array([0.5, 0.6, 0.7, 0.8])
DOT = np.array([0.3, -0.2, 0.7, 0.5])


def of_a_table(x: Any) -> Any:
    d: list[Any] = [None] * 4
    for i, v in enumerate(x):
        d[i] = [v * v]
    e = d[0] + d[1]
    return e[0] * e[1]


def of_several_lengths(x: Any) -> Any:
    d: list[Any] = [None] * 4
    for i, v in enumerate(x):
        d[i] = [v * v] * (i + 1)
    e = d[0] + d[1] + d[0]
    return e[0] * e[2] * e[3]


def repeated(x: Any) -> Any:
    d: list[Any] = [None] * 4
    for i, v in enumerate(x):
        d[i] = [v, v * v]
    e, f = d[0] * 2, 2 * d[1]
    return e[0] * e[3] * f[2]


def of_a_dict(x: Any) -> Any:
    d: dict[int, Any] = {}
    for i in range(4):
        d[i] = None
    for i, v in enumerate(x):
        d[i] = [v * v]
    e = d[3] + d[1]
    return e[0] * e[1]


def of_none_at_first(x: Any) -> Any:
    d = None
    for v in x:
        d = [v] if d is None else d + [v * v]  # noqa: RUF005
    return d[0] * d[1] * d[3]  # type: ignore[index]


def of_tuples(x: Any) -> Any:
    d: Any = None
    for v in x:
        if d is None:
            d = (v,)
        else:
            d = (v * v,) + d  # noqa: RUF005
    return d[0] * d[1] * d[3]


def with_constants(x: Any) -> Any:
    d: list[Any] = [None] * 2
    d[int(x[0] < 0)] = [x[0] ** 2]
    e = d[0] + [2.0, 3.0] + d[0]  # noqa: RUF005
    return e[0] * e[3] * e[1]


def of_numbers(x: Any) -> Any:
    d: list[Any] = [None] * 4
    for i, v in enumerate(x):
        d[i] = v * v
    return (d[0] + d[1]) * (2 * d[2] + d[3] * 3) + d[0] * d[0]


def of_arrays(x: Any) -> Any:
    d: list[Any] = [None] * 4
    for i, v in enumerate(x):
        d[i] = x * v if i % 2 else v
    return np.sum((d[0] + d[1]) * (2 * d[1] + d[3] * 3)) + d[0] * 2


def with_entries(x: Any) -> Any:
    d: list[Any] = [None] * 2
    d[0] = {"a": x[1], "b": x[2] ** 2}
    d[1] = d[0]
    e = dict(d[1], a=x[0] ** 3)
    return e["a"] * e["b"]


def gathered(x: Any) -> Any:
    rows = []
    for v in x:
        rows.append(x * v)
    return np.sum(np.mean(rows, axis=0) ** 2) + np.sum(rows) * np.max(rows)


def summed_again(x: Any) -> Any:
    d: list[Any] = [None] * 3
    for turn in range(2):
        for i in range(3):
            d[i] = x * x[i] if turn == 0 else d[i] + d[(i + 1) % 3]
    return np.sum(d[0] * d[1]) + np.sum(d[2] ** 2)


def of_nothing(x: Any) -> Any:
    d: list[Any] = [None] * 2
    d[0] = []
    d[1] = [[x[0]], [x[1]]]
    e = d[0] + d[1] + d[0] + d[1]
    return e[0][0] * e[3][0]


def left_by_an_exception(x: Any) -> Any:
    total = 0.0
    try:
        for v in reversed(x):
            if v < 0.65:
                raise ValueError
            total = total + 2 * v
    except ValueError:
        total = total * x[0]
    return total * 3


PROGRAMS = [
    of_a_table, of_several_lengths, repeated, of_a_dict, of_none_at_first, of_tuples, with_constants,
    of_numbers, of_arrays, gathered, summed_again, of_nothing, left_by_an_exception,
]  # fmt: skip


@pytest.mark.parametrize("fn", PROGRAMS)
def test_the_gradient(fn: Any) -> None:
    np.testing.assert_allclose(grad(fn)(X), slopes(fn, X), rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(jacrev(fn)(X), slopes(fn, X), rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("fn", [*PROGRAMS, with_entries])
def test_the_tangent(fn: Any) -> None:
    np.testing.assert_allclose(jvp(fn, (X,), (DOT,))[1], slopes(fn, X) @ DOT, rtol=1e-8)
    np.testing.assert_allclose(linearize(fn, X)[1](DOT), slopes(fn, X) @ DOT, rtol=1e-8)


@pytest.mark.parametrize("fn", PROGRAMS)
def test_the_second_derivative(fn: Any) -> None:
    expected = slopes(grad(fn), X)
    np.testing.assert_allclose(hessian(fn)(X), expected, rtol=1e-7, atol=1e-8)
    np.testing.assert_allclose(jacrev(grad(fn))(X), expected, rtol=1e-7, atol=1e-8)
