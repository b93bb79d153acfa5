"""What is bound anew in each turn to something that holds what was before, and tuples that may be None."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from diffcompile import jvp, value_and_grad
from oracles import assert_agrees, assert_every_mode, numeric_gradient

X = np.array([1.2, 0.7, 2.0])
V = np.array([1.0, -0.5, 0.3])


class Node:
    def __init__(self, v, prev=None):
        self.v = v
        self.prev = prev


@dataclass
class Fields:
    v: Any
    prev: Any = None


def an_object(x):
    n = Node(x[0])
    for v in x:
        n = Node(n.v * v, n)
    return n.v


def a_dataclass(x):
    n = Fields(x[0])
    for v in x:
        n = Fields(n.v * v, n)
    return n.v


def until(x):
    n = Node(x[0])
    while n.v < 20:
        n = Node(n.v * x[2], n)
    return n.v * x[1]


def on_some_turns(x):
    n = Node(x[0])
    for k in range(9):
        if k % 2:
            n = Node(n.v * x[k % 3], n)
    return n.v


def two_that_change_places(x):
    a, b = Node(x[0]), Node(2 * x[1])
    for _ in range(9):
        a, b = Node(b.v * x[2], b), Node(a.v, a)
    return a.v


def from_none(x):
    n = None
    for v in x:
        n = Node((n.v if n is not None else 1.0) * v, n)
    return n.v


def linked_afterwards(x):
    n = Node(x[0])
    for v in x:
        m = Node(n.v * v)
        m.prev = n
        n = m
    return n.v


def a_tuple(x):
    n = (x[0], None)
    for v in x:
        n = (n[0] * v, n)
    return n[0]


def a_tuple_until(x):
    n = (x[0], None)
    while n[0] < 20:
        n = (n[0] * x[2], n)
    return n[0] * x[1]


def a_list(x):
    n = [x[0], []]
    for v in x:
        n = [n[0] * v, n]
    return n[0]


def a_dict(x):
    n = {"v": x[0], "next": None}
    for v in x:
        n = {"v": n["v"] * v, "next": n}
    return n["v"]


def along_a_tuple(x):
    n = (x[0], (2 * x[1], (3 * x[2], None)))
    t = 0.0
    while n is not None:
        t += n[0] ** 2
        n = n[1]
    return t


def a_tree_of_tuples(x):
    places = np.array([0.1, 0.5, 0.3])

    def grow(idx, d):
        if d == 0:
            return (x[idx].mean() ** 2, None, None)
        m = places[idx] < 0.4
        return (0.0, grow(idx[m], d - 1), grow(idx[~m], d - 1))

    def predict(node, at):
        while node[1] is not None:
            node = node[1] if at < 0.4 else node[2]
        return node[0]

    tree = grow(np.arange(3), 1)
    return sum(predict(tree, at) for at in places)


def none_or_a_pair(x):
    best = None
    for s in x:
        best = (s, s * s)
    out = 0.0
    if len(x) > 1:
        out = best[1]
    return out


def none_or_parts_of_a_kind(x):
    t = None
    if x[0] > 0.5:
        t = (x[0], x)
    if t is not None:
        return np.sum(t[1]) * t[0]
    return np.sum(x) * 3


def unpacked(x):
    t = None
    for s in x:
        t = (s, s * x) if t is None else (t[0] * s, t[1])
    a, b = t
    return a * np.sum(b)


def places(x):
    best = None
    for i in range(len(x)):
        if best is None or x[i] < x[best[0]]:
            best = (i, i + 1)
    return x[best[0]] * best[1]


def never_there(x):
    t = None
    for i in range(len(x)):
        if x[i] > 100:
            t = (x[i], x * x)
    return np.sum(x) if t is None else np.sum(t[1])


def nested(x):
    t = None
    for s in x:
        t = ((s, s * s), x * s)
    return t[0][1] * np.sum(t[1])


def with_a_list(x):
    t = None
    for s in x:
        t = (s, [s, s * s])
    return t[1][1]


def two_parts_together(x):
    t = None
    for s in x:
        t = (s * s, s * x) if t is None else (t[0] * s, t[1] * t[0])
    return t[0] * np.sum(t[1]) + t[0] * t[0] + np.sum(t[1] ** 2)


def read_one_deep(x):
    n = (x[0], None)
    for v in x:
        n = (n[0] * v + n[0], n)
    m = n[1]
    return n[0] * n[0] + m[0] * n[0]


def longer_by_one(x):
    d = None
    for v in x:
        d = (v * v,) if d is None else (v * v * d[0],) + d
    return d[0] * d[1] + d[0] ** 2 * d[2]


def there_from_some_turn(x):
    t = None
    for s in x:
        if s > 1:
            t = (s, x * s)
        elif t is not None:
            t = (t[0] * s, t[1] * t[0])
    if t is None:
        return 0.0
    return t[0] ** 2 * np.sum(t[1]) + t[0]


def pairs_of_pairs(x):
    t = None
    for s in x:
        t = ((s, x), [s * s, s]) if t is None else ((t[0][0] * s, t[0][1]), t[1])
    return t[0][0] ** 2 * np.sum(t[0][1]) * t[1][0]


def one_of_two(x):
    t = (x[0], x) if x[1] > 0.5 else None
    u = (x[1], x * 2) if x[0] > 0.5 else None
    r = 0.0
    for w in (t, u):
        if w is not None:
            r += w[0] * np.sum(w[1] ** 2)
    return r * t[0]


def nearest_of_arrays(x):
    p = None
    for v in x:
        q = Node(x * v, v)
        if p is None or q.prev * 1.0 < p.prev:
            p = q
    return np.sum(p.v * p.v) * p.prev + np.sum(p.v)


def a_number_and_a_place(x):
    best = (x[0], 0) if x[0] > 10 else None
    for k in range(3):
        if best is None or x[k] * 2 > best[0]:
            best = (x[k] * 2, k)
    return best[0] ** 2 * x[best[1]]


def the_one_before(x):
    t = None
    tot = 0.0
    for s in x:
        if t is not None:
            tot += t[0] * s + np.sum(t[1]) * t[0]
        t = (s * s, x * s)
    return tot * tot


def in_a_dict(x):
    d = {"best": None}
    for s in x:
        if d["best"] is None or s < d["best"][0]:
            d["best"] = (s, x * s)
    return d["best"][0] ** 2 * np.sum(d["best"][1])


def handed_to_a_function(x):
    def f(a, t):
        if t is None:
            return a * a
        return a * t[0] + np.sum(t[1])

    t = None
    r = 0.0
    for s in x:
        r += f(s, t) * r + f(s, t)
        t = (s, x * r)
    return r


PROGRAMS = [
    an_object, a_dataclass, until, on_some_turns, two_that_change_places, from_none, linked_afterwards,
    a_tuple, a_tuple_until, a_list, a_dict, none_or_a_pair, none_or_parts_of_a_kind, unpacked,
    places, never_there, nested, with_a_list, two_parts_together, read_one_deep, longer_by_one,
    there_from_some_turn, pairs_of_pairs, one_of_two, nearest_of_arrays, a_number_and_a_place, the_one_before,
    in_a_dict, handed_to_a_function,
]  # fmt: skip


@pytest.mark.parametrize("f", PROGRAMS, ids=lambda f: f.__name__)
def test_linked(f: Any) -> None:
    assert_every_mode(f, X, V)


def nearest(x):
    best = None
    for s in x:
        h = (np.array([s, 2 * s]), s)
        if best is None or h[1] < best[1]:
            best = h
    if best is None:
        return 0.0
    col = best[0] * 2
    if len(x) > 5:
        col = col + best[1]
    return np.sum(col)


def nearest_object(x):
    best = None
    for s in x:
        h = Node(np.array([s, 2 * s]), s)
        if best is None or h.prev < best.prev:
            best = h
    if best is None:
        return 0.0
    col = best.v * 2
    if len(x) > 5:
        col = col + best.prev
    return np.sum(col)


def boosted_trees(x):
    def grow(idx, r, d):
        node = {"value": r[idx].mean(), "leaf": True}
        if d == 0 or len(idx) < 2:
            return node
        node.update(leaf=False, l=grow(idx[:2], r, d - 1), r=grow(idx[2:], r, d - 1))
        return node

    def predict(node, at):
        while not node["leaf"]:
            node = node["l"] if at <= 0.2 else node["r"]
        return node["value"]

    p = np.zeros(3)
    for _ in range(2):
        tree = grow(np.arange(3), x - p, 1)
        p = p + 0.1 * np.array([predict(tree, at) for at in (0.1, 0.2, 0.3)])
    return np.mean((x - p) ** 2)


FIRST = [nearest, nearest_object, along_a_tuple, a_tree_of_tuples, boosted_trees]


@pytest.mark.parametrize("f", FIRST, ids=lambda f: f.__name__)
def test_of_first_order(f: Any) -> None:
    value, gradient = value_and_grad(f)(X)
    expected, error = numeric_gradient(f, lambda: (X.copy(),))
    assert value == f(X)
    assert_agrees(gradient, expected, error)
    assert jvp(f, (X,), (V,))[1] == pytest.approx(np.sum(gradient * V))
