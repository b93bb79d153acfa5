"""Names and items that are None on one path, and an object or a list on another: the best so far, the last.

An object is asked whether it is there, and read; what it is may not be written under another name meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from diffcompile import DiffCompileError, grad
from oracles import assert_every_mode

X = np.array([0.7, 1.3, -0.4, 0.9, 1.1])
V = np.array([0.3, -0.5, 0.2, 0.7, 0.1])
Program = Callable[[Any], Any]
ACCEPTED: list[Program] = []
REFUSED: list[Program] = []


def accepted(f: Program) -> Program:
    ACCEPTED.append(f)
    return f


def refused(f: Program) -> Program:
    REFUSED.append(f)
    return f


class Cell:
    def __init__(self, u, k):
        self.u = u
        self.k = k

    def area(self):
        return self.u * self.k

    @property
    def twice(self):
        return self.u * 2


def found_above(v):
    if v > 1:
        return Cell(v, v * 2)
    return None


@accepted
def the_best(x):
    best = None
    most = -1e9
    for v in x:
        c = Cell(v, v * 2)
        if c.u > most:
            best = c
            most = c.u
    return best.u * best.k


@accepted
def the_best_asked_for(x):
    best = None
    for v in x:
        c = Cell(v, v * 2)
        if best is None or c.u > best.u:
            best = c
    return best.u * best.k


@accepted
def the_one_before(x):
    prev = None
    s = 0.0
    for v in x:
        c = Cell(v, v * v)
        if prev is not None:
            s += prev.u * c.k
        prev = c
    return s


@accepted
def on_one_path(x):
    c = None
    if x[0] > 0:
        c = Cell(x[0], x[1])
    if c is None:
        return x[2]
    return c.u * c.k


@accepted
def made_of_the_last(x):
    c = None
    for v in x:
        if c is None:
            c = Cell(v, 1.0)
        else:
            c = Cell(c.u * v, c.k + v)
    return c.u * c.k


@accepted
def found_in_a_loop(x):
    found = None
    for v in x:
        if v > 1.0:
            found = Cell(v, v**2)
            break
    if found is None:
        return 0.0
    return found.u * found.k


@accepted
def returned_or_not(x):
    s = 0.0
    for v in x:
        c = found_above(v)
        if c is not None:
            s += c.u * c.k
    return s


@accepted
def returned_and_read(x):
    c = found_above(x[1])
    return c.u * c.k


@accepted
def an_object_of_arrays(x):
    best = None
    for v in x:
        c = Cell(x * v, v)
        if best is None or np.sum(c.u) > np.sum(best.u):
            best = c
    return np.sum(best.u**2) * best.k


@accepted
def an_object_of_lists(x):
    best = None
    for v in x:
        c = Cell([v, v * 2], v)
        if best is None or c.u[0] > best.u[0]:
            best = c
    return sum(best.u) * best.k


@accepted
def a_list(x):
    best = None
    for v in x:
        r = [v, v**2]
        if best is None or r[1] > best[1]:
            best = r
    return best[0] * best[1]


@accepted
def in_a_dict(x):
    best = {"u": None}
    for v in x:
        if best["u"] is None or v > best["u"]:
            best["u"] = v
    return best["u"] ** 2


@accepted
def methods_and_properties(x):
    best = None
    for v in x:
        c = Cell(v, v * 2)
        if best is None or c.area() > best.area():
            best = c
    return best.area() * best.twice


def cells_above(x):
    t = [None] * len(x)
    for i in range(len(x)):
        if x[i] > 0.8:
            t[i] = Cell(x[i], 2.0)
    return t


@accepted
def the_truth_of_items(x):
    t = cells_above(x)
    s = 0.0
    for i in range(len(x)):
        if t[i]:
            s += t[i].u ** 2
        else:
            s += x[0]
        if not t[i]:
            s *= 0.5
    for c in t:
        if c:
            s += c.area()
        s += c.u * 3 if c is not None else x[2]
    return s


@accepted
def the_class_of_items(x):
    t = cells_above(x)
    s = 0.0
    for i in range(len(x)):
        if isinstance(t[i], Cell):
            s += t[i].u ** 2
        if not isinstance(t[i], Cell):
            s += x[0]
        if isinstance(t[i], (list, dict)):
            s += 100 * x[0]
    for c in t:
        if isinstance(c, Cell):
            s += c.area()
    return s


@accepted
def the_truth_of_a_name(x):
    best = None
    for v in x:
        if v > 1:
            best = Cell(v, v)
    if not best:
        return 0.0
    return best.u if best else x[0]


@accepted
def those_that_are_there(x):
    t = cells_above(x)
    there = [c for c in t if c is not None]
    return sum(c.area() for c in there)


@refused
def one_that_is_there_is_written(x):
    t = cells_above(x)
    best = [c for c in t if c is not None]
    t[1].u = 5 * x[1]
    return sum(c.area() for c in best)


@refused
def written_under_its_own_name(x):
    best = None
    c = Cell(x[0], x[1])
    if x[0] > 0:
        best = c
    c.u = 5 * x[1]
    return best.u * best.k


@refused
def an_array_of_it_written(x):
    best = None
    c = Cell(x * 2, x[1])
    if x[0] > 0:
        best = c
    c.u[0] = 5 * x[1]
    return best.u[0] * best.k


@refused
def written_in_the_loop(x):
    best = None
    for v in x:
        c = Cell(v, v * 2)
        if best is None or c.u > best.u:
            best = c
        c.u = c.u * 3
    return best.u * best.k


@pytest.mark.parametrize("f", ACCEPTED, ids=lambda f: f.__name__)
def test_accepted(f: Program) -> None:
    assert_every_mode(f, X, V)


@pytest.mark.parametrize("f", REFUSED, ids=lambda f: f.__name__)
def test_refused(f: Program) -> None:
    with pytest.raises(DiffCompileError, match="this write may also change `best`|of an object is written"):
        grad(f)(X)
