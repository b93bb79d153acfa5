"""Tables that begin as `[None] * n` and are filled in loops with lists, arrays, dicts or objects.

Their items are written at places known at run time, may be None still, and are asked whether they are.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from diffcompile import DiffCompileError, grad, value_and_grad
from oracles import assert_every_mode

X = np.array([0.7, 1.3, -0.4, 0.9, 1.1])
V = np.array([0.3, -0.5, 0.2, 0.7, 0.1])
Program = Callable[[Any], Any]
PROGRAMS: list[Program] = []


def program(f: Program) -> Program:
    PROGRAMS.append(f)
    return f


class Cell:
    def __init__(self, u, k):
        self.u = u
        self.k = k


@program
def a_grid(x):
    n = len(x)
    grid = [None] * n
    for i in range(n):
        grid[i] = [0.0] * n
    for i in range(n):
        for j in range(n):
            grid[i][j] = x[i] * x[j]
    for i in range(1, n):
        for j in range(1, n):
            grid[i][j] += 0.5 * grid[i - 1][j - 1]
    return grid[n - 1][n - 1]


@program
def diffusing_cells(x):
    n = len(x)
    cells = [None] * n
    for i in range(n):
        cells[i] = Cell(x[i], 0.1 * i)
    for _ in range(3):
        for i in range(1, n - 1):
            cells[i].u += cells[i].k * (cells[i - 1].u - 2 * cells[i].u + cells[i + 1].u)
    return sum(c.u**2 for c in cells)


@program
def arrays_added_up(x):
    n = len(x)
    a = [None] * n
    for i in range(n):
        a[i] = x * x[i]
    for i in range(n):
        a[i][0] = 1.0
    for i in range(n - 1):
        a[i + 1] += a[i]
    return np.sum(a[-1] ** 2)


@program
def lists_that_are_not_all_there(x):
    t = [None] * len(x)
    for i in range(len(x)):
        if x[i] > 0.8:
            t[i] = [x[i], x[i] ** 2]
    s = 0.0
    for r in t:
        if r is not None:
            s += r[0] * r[1]
    return s


@program
def objects_that_are_not_all_there(x):
    t = [None] * len(x)
    for i in range(len(x)):
        if x[i] > 0.8:
            t[i] = Cell(x[i], x[i] ** 2)
    s = 0.0
    for c in t:
        if c is None:
            continue
        s += c.u * c.k
    return s


@program
def arrays_that_are_not_all_there(x):
    t = [None] * len(x)
    for i in range(len(x)):
        if x[i] > 0.8:
            t[i] = x * x[i]
    s = 0.0
    for i in range(len(t)):
        if t[i] is None:
            s += x[0]
        else:
            s += np.sum(t[i] ** 2)
    return s


@program
def asked_for_its_truth(x):
    t = [None] * len(x)
    for i in range(len(x)):
        if x[i] > 0.8:
            t[i] = [x[i]]
    s = 0.0
    for r in t:
        if r:
            s += r[0] ** 2
        else:
            s += x[1]
    return s


@program
def asked_for_its_class(x):
    t = [None] * 3
    for i in range(3):
        if isinstance(t[i], list):
            return 0.0
        t[i] = [x[i] ** 2]
    return sum(r[0] for r in t if isinstance(r, list))


@program
def made_at_the_first_visit(x):
    t = [None] * len(x)
    for _ in range(3):
        for i in range(len(x)):
            if t[i] is None:
                t[i] = Cell(x[i], 1.0)
            else:
                t[i].u = t[i].u * x[0]
                t[i].k += t[i].u
    return sum(c.u * c.k for c in t)


@program
def from_the_one_before(x):
    t = [None] * len(x)
    t[0] = x * 2
    for i in range(1, len(x)):
        t[i] = t[i - 1] * 0.5 + x
    for i in range(len(x)):
        t[i][i] = 0.0
    return np.sum(np.array(t) ** 2)


@program
def dicts_of_lists(x):
    t = [None] * len(x)
    for i in range(len(x)):
        t[i] = {"a": x[i], "b": [x[i] ** 2]}
    for i in range(len(x)):
        t[i]["a"] *= 2
        t[i]["b"].append(t[i]["a"])
    return sum(d["a"] * sum(d["b"]) for d in t)


@program
def tables_in_a_table(x):
    n = len(x)
    t = [None] * n
    for i in range(n):
        t[i] = [None] * n
    for i in range(n):
        for j in range(n):
            t[i][j] = x[i] * x[j] ** 2
    return sum(sum(r) for r in t)


@program
def rows_of_arrays(x):
    n = len(x)
    t = [[None] * n for _ in range(n)]
    for i in range(n):
        for j in range(n):
            t[i][j] = x * x[i]
    for i in range(n):
        t[i][i][0] = 1.0
    return sum(np.sum(t[i][j]) for i in range(n) for j in range(n))


@program
def emptied_again(x):
    t = [None] * len(x)
    for i in range(len(x)):
        t[i] = [x[i] ** 2]
    t[2] = None
    return sum(r[0] for r in t if r is not None)


@program
def appended_or_not(x):
    t = []
    for v in x:
        if v > 0.8:
            t.append([v])
        else:
            t.append(None)
    return sum(r[0] ** 2 for r in t if r is not None)


@program
def turned_round(x):
    t = [None] * len(x)
    for i in range(len(x)):
        t[-1 - i] = [x[i], i]
    t.reverse()
    t[1][0] = t[0][0] * 2
    return sum(r[0] * r[1] for r in t)


@program
def the_best(x):
    t = [None] * len(x)
    best = None
    for i in range(len(x)):
        t[i] = [x[i], x[i] ** 2]
    for r in t:
        if best is None or r[1] > best[1]:
            best = r
    return best[0] * best[1]


@pytest.mark.parametrize("f", PROGRAMS, ids=lambda f: f.__name__)
def test_derivatives(f: Program) -> None:
    assert_every_mode(f, X, V)


def one_list_everywhere(x):
    t = [None] * len(x)
    a = [x[0]]
    for i in range(len(x)):
        t[i] = a
    t[0][0] = 5 * x[1]
    return t[1][0]


def one_array_everywhere(x):
    t = [None] * len(x)
    a = x * 2
    for i in range(len(x)):
        t[i] = a
    t[0][0] = 5 * x[1]
    return t[1][0] * np.sum(a)


def twice_in_another(x):
    t = [None] * len(x)
    for i in range(len(x)):
        t[i] = x * x[i]
    u = t * 2
    u[0][1] = x[2] * 7
    return t[0][1] + u[5][1]


@pytest.mark.parametrize("f", [one_list_everywhere, one_array_everywhere, twice_in_another])
def test_one_object_in_several_places_is_not_written(f: Program) -> None:
    with pytest.raises(DiffCompileError, match="an item of a list is written here"):
        grad(f)(X)


def test_what_is_not_there_raises_as_python_does() -> None:
    def f(x):
        t = [None] * len(x)
        for i in range(len(x)):
            if x[i] > 0.8:
                t[i] = [x[i]]
        return t[0][0]

    with pytest.raises(TypeError, match="'NoneType' object is not subscriptable"):
        value_and_grad(f)(X)


def test_filling_a_table_is_linear() -> None:
    def f(x, n):
        t = [None] * n
        for i in range(n):
            t[i] = [x * i, x]
        for i in range(1, n):
            t[i][0] += 0.5 * t[i - 1][0]
        return t[n - 1][0]

    derivative = grad(f)
    assert np.isclose(derivative(2.0, 50), f(1.0, 50))
    assert "copy" not in derivative.source.split("def f_grad")[1]
