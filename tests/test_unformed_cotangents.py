"""What flows back to an array or a tuple where some paths hand nothing back: zeros in its form, no number."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from diffcompile import grad
from oracles import assert_agrees, assert_every_mode, numeric_gradient

X = np.array([1.0, 0.5, 0.7])
V = np.array([0.3, -0.5, 0.2])
Program = Callable[[Any], Any]
PROGRAMS: list[Program] = []


def program(f: Program) -> Program:
    PROGRAMS.append(f)
    return f


@program
def a_pair_or_none(x):
    best = None
    for s in x:
        best = (s, s * s)
    out = 0.0
    if len(x) > 1:
        out = best[1]
    return out


@program
def a_pair_of_arrays_or_none(x):
    best = None
    for k in range(3):
        h = (x * k, np.sin(x[k]))
        if best is None or h[1] > best[1]:
            best = h
    col = best[0] * 2.0
    if len(x) > 5:
        col = col + best[1]
    return np.sum(col * x)


@program
def a_buffer_made_in_an_inner_loop(x):
    g = np.zeros(3)
    for _ in range(2):
        t = 1.0
        while True:
            new = np.zeros(3)
            new[0] = x[1] * t + g[0]
            if t <= 0.3:
                break
            t *= 0.6
        g = new
    return g[0] * x[0]


@program
def the_last_of_an_inner_loop(x):
    s = 0.0
    for _ in range(2):
        for k in range(2):
            z = np.linalg.solve(np.eye(3) + k, x)
        s = s + z.sum() * x[0]
    return s


@program
def a_matrix_of_unknown_form(x):
    prices = np.outer(x, x) + np.diag(x)
    s = p = 0.0
    w = np.ones(3)
    for _ in range(2):
        w = np.cov(prices, rowvar=False) @ w
        s = s + p
        for j in range(3):
            p = w[j]
    return s


@program
def a_solution_in_a_try(x):
    p = 3.0
    for _ in range(3):
        try:
            step = np.linalg.solve(np.eye(3) * 2.0, x)
        except np.linalg.LinAlgError:
            pass
        p = p + step * x
    return p.sum()


@program
def rows_of_a_list(x):
    rows = []
    for v in x:
        rows.append(np.array([v, v * 2.0]))
    points = np.array(rows)
    return points[:, 0] @ points[:, 1]


@program
def a_simplex(x):
    def cost(y):
        return (y[0] - x[0]) ** 2 + 2.0 * (y[1] - x[1] * y[0]) ** 2 + 0.3 * y[0] * y[1]

    start = np.array([0.1, 0.2])
    simplex = [(cost(start), start)]
    for i in range(2):
        y = start.copy()
        y[i] += 0.5 * x[2]
        simplex.append((cost(y), y))
    for _ in range(6):
        simplex.sort(key=lambda s: s[0])
        centre = np.mean([s[1] for s in simplex[:-1]], axis=0)
        worst = simplex[-1]
        new = centre + (centre - worst[1])
        value = cost(new)
        if value < simplex[0][0]:
            far = centre + 2.0 * (centre - worst[1])
            simplex[-1] = (cost(far), far) if cost(far) < value else (value, new)
        elif value < simplex[-2][0]:
            simplex[-1] = (value, new)
        else:
            near = centre + 0.5 * (worst[1] - centre)
            simplex[-1] = (cost(near), near)
    best, place = min(simplex, key=lambda s: s[0])
    return best + place[0]


@pytest.mark.parametrize("f", PROGRAMS, ids=lambda f: f.__name__)
def test_derivatives(f: Program) -> None:
    assert_every_mode(f, X, V, twice=f not in (a_matrix_of_unknown_form, a_simplex))


def test_a_tree_of_tuples() -> None:
    places = np.array([0.1, 0.5, 0.3, 0.7, 0.2, 0.9])

    def f(y):
        def grow(idx, d):
            if d == 0:
                return (y[idx].mean(), None, None)
            m = places[idx] < 0.4
            return (0.0, grow(idx[m], d - 1), grow(idx[~m], d - 1))

        def predict(node, x):
            while node[1] is not None:
                node = node[1] if x < 0.4 else node[2]
            return node[0]

        tree = grow(np.arange(6), 1)
        return sum(predict(tree, x) ** 2 for x in places)

    y = np.array([0.7, 0.4, 0.1, 0.3, 0.9, 0.2])
    expected, error = numeric_gradient(f, lambda: (y.copy(),))
    assert_agrees(grad(f)(y), expected, error)


def a_stage_of_each_row(x):
    k = np.zeros((3, 2))
    for i in range(3):
        dy = np.empty_like(x[:2])
        dy[0] = x[1] * x[2]
        dy[1] = x[0] * i
        k[i] = dy
    return np.sum(k * k) * k[2, 1]


def a_step_that_is_kept(x):
    frames = [x]
    for _ in range(3):
        new = x * 0.5 + frames[-1][0]
        t = x
        made = [t]
        for k in x:
            t = t * k
            made.append(t)
        if new[0] < 10.0:
            x, frames = new, made
    return x @ x


@pytest.mark.parametrize("f", [a_stage_of_each_row, a_step_that_is_kept])
def test_cotangents_that_are_parted(f: Program) -> None:
    assert_every_mode(f, X, V)
