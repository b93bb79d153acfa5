"""Tests of `while` loops that change something: they are part of the turns."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from diffcompile import grad
from oracles import assert_every_mode

X = np.array([1.1, 0.7])
V = np.array([0.3, -0.5])
Program = Callable[[Any], Any]
PROGRAMS: list[Program] = []


def program(f: Program) -> Program:
    PROGRAMS.append(f)
    return f


class Simulation:
    def __init__(self, turns):
        self.turns = turns
        self.value = 1.0

    def step(self):
        if self.turns == 0:
            return False
        self.turns -= 1
        self.value = self.value * 2.0
        return True


@program
def a_method_that_steps(x):
    s = Simulation(3)
    while s.step():
        pass
    return s.value * x[0] * x[1]


@program
def behind_another_test(x):
    s = Simulation(5)
    n = 0
    while n < 3 and s.step():
        n += 1
        s.value *= x[0]
    return s.value * x[1] * n


@program
def with_breaks_and_else(x):
    s = Simulation(4)
    r = x[0]
    while s.step() or r > 100.0:
        if s.value > 100.0:
            break
        if s.turns == 2:
            continue
        r = r * x[1] + s.value
    else:
        r = r * 2.0
    return r * s.value


@program
def newton(x):
    y = x[0] * x[1] + 1.0

    def improve():
        nonlocal y
        old = y
        y = y - (y * y - x[0]) / (2.0 * y)
        return abs(y - old)

    while improve() > 1e-3:
        pass
    return y


@program
def a_log(x):
    seen = []

    def noted(v):
        seen.append(v)
        return v

    n = 0
    while noted(x[0] * n) < 2.0:
        n += 1
    return sum(seen) * x[1]


@program
def a_list_is_emptied(x):
    items = [x[0], x[1], 3.0]
    counts = [3, 2, 1]
    while counts.pop() < 3:
        items.append(items[-1] * x[0])
    return len(counts) * x[0] + sum(items)


@program
def an_array_is_written(x):
    a = x * 1.0

    def halved(k):
        a[k] *= 0.5
        return a[k]

    while halved(0) > 0.1:
        a[1] += a[0]
    return a[1] * x[1]


@program
def an_entry_counts_down(x):
    d = {"k": 4, "v": x[0]}

    def go_on():
        d["k"] -= 1
        d["v"] = d["v"] * x[1]
        return d["k"]

    while go_on():
        pass
    return d["v"]


@pytest.mark.parametrize("f", PROGRAMS, ids=lambda f: f.__name__)
def test_derivatives(f: Program) -> None:
    assert_every_mode(f, X, V)


def test_a_plain_test_stays_where_it_is() -> None:
    def f(x):
        while x * x < 4.0:
            x = x * 1.5
        return x

    derivative = grad(f)
    assert derivative(1.0) == 2.25
    assert "while x * x < 4.0:" in derivative.source
