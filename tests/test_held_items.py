"""Items of a list of run-time length that something else holds too, and then a write through either.

    d = [x * v for v in x]
    h = [r for r in d]
    d[0][0] = x[1] * 5
    return np.sum(h[0]) + ...

The product of many ways to hold an item and many ways to change it: each program has the derivatives of
central differences, or is refused; one in which nothing is changed is right.
"""

from __future__ import annotations

import itertools
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from diffcompile import DiffCompileError, grad, hvp, value_and_grad
from oracles import assert_agrees, assert_close, numeric_gradient
from test_random_programs import load

X = np.array([0.7, 1.3, 0.4, 0.9])

HEAD = """\
from collections import deque

import numpy as np


class Pair:
    def __init__(self, a, b):
        self.a = a
        self.b = b


def f(x):
"""

# a list, what is read of an item, the writes into one, and another item
LISTS: dict[str, tuple[str, str, tuple[str, ...], str]] = {
    "arrays": ("d = [x * v for v in x]", "np.sum({})", ("{}[0] = x[1] * 5", "{} *= 2.0 + x[2]"), "x * 3"),
    "lists": (
        "d = [[v, v * v] for v in x]", "sum({})", ("{}[0] = x[1] * 5", "{}.append(x[2])"), "[x[1], x[2] * 3]",
    ),
    "objects": (
        "d = [Pair(v, v * v) for v in x]", "({0}.a * {0}.b)", ("{}.a = x[1] * 5",), "Pair(x[1], x[3])",
    ),
    "parts": (
        "d = [Pair(x * v, v) for v in x]",
        "({0}.b * np.sum({0}.a))",
        ("{}.a[0] = x[1] * 5", "{}.a = x * 2"),
        "Pair(x * x[1], x[3])",
    ),
    "dicts": (
        "d = [{'a': x * v, 'b': v} for v in x]",
        "({0}['b'] * np.sum({0}['a']))",
        ("{}['a'][0] = x[1] * 5", "{}['a'] = x * 2"),
        "{'a': x * x[1], 'b': x[2]}",
    ),
}  # fmt: skip

# how an item is held, and how it is reached there
HOLDERS = {
    "h = [r for r in d]": "h[0]",
    "h = [(r, 1) for r in d]": "h[0][0]",
    "h = [d[i] for i in range(len(d))]": "h[0]",
    "h = [d[0], d[1]]": "h[0]",
    "h = {k: r for k, r in enumerate(d)}": "h[0]",
    "h = []\nfor r in d:\n    h.append(r)": "h[0]",
    "h = []\nfor r in d:\n    h.insert(0, r)": "h[-1]",
    "h = list(d)": "h[0]",
    "h = d[:]": "h[0]",
    "h = [[r] for r in d]": "h[0][0]",
    "h = [{'k': r} for r in d]": "h[0]['k']",
    "h = [r for r in d for k in range(1)]": "h[0]",
    "h = deque(d)": "h[0]",
    "h = list(reversed(d))": "h[-1]",
    "for r in d:\n    h = [r]\n    break": "h[0]",
    "h, *rest = d": "h",
    "h = [Pair(r, 1.0) for r in d]": "h[0].a",
    "h = d[0] if x[0] > 0 else d[1]": "h",
    "h = d[0]\nfor r in d:\n    if np.sum(x) < 0:\n        h = r": "h",
    "h = []\nh.extend(d)": "h[0]",
    "h = [r for r, v in zip(d, x)]": "h[0]",
    "h = [d]": "h[0][0]",
    "h = [d[k] if k > 1 else d[0] for k in range(4)]": "h[0]",
    "h = []\nwhile len(h) < 4:\n    h.append(d[len(h)])": "h[0]",
    "h = []\nfor k in range(4):\n    r = d[k]\n    if x[k] > 0:\n        h.append(r)": "h[0]",
}

PLACES = (
    "d[0] = {}", "d.append({})", "d.pop(0)", "d[:] = d[::-1]", "d[0], d[1] = d[1], d[0]", "d = d[::-1]",
)  # fmt: skip


def changes(kind: str, at: str) -> list[str]:
    """Writes into an item through either of its names, and changes of the list that it is in."""
    _, _, writes, new = LISTS[kind]
    through = [w.format(name) for w in writes for name in ("d[0]", at)]
    in_loops = [f"for r in d:\n    {w.format('r')}" for w in writes]
    placed = [place.format(new) for place in PLACES]
    after = [f"{place}\n{writes[0].format(name)}" for place, name in itertools.product(placed, ("d[0]", at))]
    return through + in_loops + placed + after


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("held_items")


@pytest.mark.parametrize("holder", HOLDERS)
@pytest.mark.parametrize("kind", LISTS)
def test_right_or_refused(kind: str, holder: str, folder: Path) -> None:
    make, read, _, _ = LISTS[kind]
    at = HOLDERS[holder]
    result = " + ".join(f"{k} * {read.format(name)}" for k, name in enumerate((at, "d[0]", "d[-1]"), 1))
    for change in ("pass", *changes(kind, at)):
        body = f"{make}\n{holder}\n{change}\nreturn {result}\n"
        f = load(HEAD + textwrap.indent(body, "    "), folder)
        try:
            derivative = grad(f)(X)
        except DiffCompileError:
            assert change != "pass", body
            continue
        expected, error = numeric_gradient(f, lambda: (X.copy(),))
        assert_agrees(derivative, expected, error)


Program = Callable[[Any], Any]
ACCEPTED: list[Program] = []


def accepted(program: Program) -> Program:
    ACCEPTED.append(program)
    return program


class Body:
    def __init__(self, p, m):
        self.p = p
        self.m = m


@accepted
def one_item_many_times(x):
    rows = [x * v for v in x]
    flat = [r for r in rows for _ in range(2)]
    return sum(np.sum(r) for r in flat)


@accepted
def the_rows_of_tables(x):
    grid = [[x * v, x + v] for v in x]
    flat = [r for row in grid for r in row]
    return sum(np.sum(r * r) for r in flat)


@accepted
def numbers_do_not_alias(x):
    rows = [[v, v * v] for v in x]
    flat = []
    for row in rows:
        for v in row:
            flat.append(v)
    rows[0][0] = 3 * x[1]
    return sum(flat) + rows[0][0]


@accepted
def a_filter_in_a_loop(x):
    rows = [x * v for v in x]
    out = []
    for r in rows:
        if r[0] > 0.3:
            out.append(r)
    return sum(np.sum(r * r) for r in out)


@accepted
def the_list_grows_beside_its_filter(x):
    rows = [x * v for v in x]
    alive = [r for r in rows if r[0] > 0.3]
    rows.append(x)
    return sum(np.sum(r) for r in alive) + np.sum(rows[-1] ** 2)


@accepted
def a_snapshot_of_attributes(x):
    bodies = [Body(x * v, v) for v in x]
    snap = [b.p for b in bodies]
    bodies.append(Body(x, x[0]))
    return sum(np.sum(s) for s in snap) + np.sum(bodies[-1].p ** 2)


@accepted
def attributes_replaced_beside_a_snapshot(x):
    bodies = [Body(x * v, v) for v in x]
    snap = [b.p for b in bodies]
    for b in bodies:
        b.p = b.p * b.m
    return sum(np.sum(s) for s in snap) + sum(np.sum(b.p**2) for b in bodies)


@accepted
def the_best_of_a_loop(x):
    rows = [x * v for v in x]
    best = rows[0]
    for r in rows:
        if np.sum(r) > np.sum(best):
            best = r
    return np.sum(best**2)


@pytest.mark.parametrize("f", ACCEPTED, ids=lambda f: f.__name__)
def test_accepted(f: Program) -> None:
    value, derivative = value_and_grad(f)(X)
    expected, error = numeric_gradient(f, lambda: (X.copy(),))
    np.testing.assert_allclose(value, f(X), rtol=1e-13)
    assert_agrees(derivative, expected, error)
    v = np.array([0.3, -0.2, 0.5, 0.1])
    slope = (grad(f)(X + 1e-5 * v) - grad(f)(X - 1e-5 * v)) / 2e-5
    assert_close(hvp(f)(X, v), slope, 1e-6, 1e-6)
