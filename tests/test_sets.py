"""Sets whose members are known when the program runs: visited nodes, pairs of neighbours, what is to do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from diffcompile import DiffCompileError, grad
from oracles import assert_every_mode

X = np.array([0.7, 0.9, 0.4, 1.2])
V = np.array([0.3, -0.5, 0.2, 0.7])
Program = Callable[[Any], Any]
PROGRAMS: list[Program] = []


def program(f: Program) -> Program:
    PROGRAMS.append(f)
    return f


@program
def seen_before(x):
    seen = set()
    s = 0.0
    for i in range(len(x)):
        k = i % 2
        if k in seen:
            continue
        seen.add(k)
        s += x[i] ** 2
    return s * len(seen)


@program
def places_of_an_order(x):
    seen = set()
    s = 0.0
    for i in np.argsort(x):
        if int(i) - 1 in seen:
            s += x[i] ** 2
        seen.add(int(i))
    return s


@program
def pairs_of_neighbours(x):
    pairs = set()
    for i in range(len(x)):
        for j in range(len(x)):
            if i < j and abs(x[i] - x[j]) < 0.4:
                pairs.add((i, j))
    return sum((x[i] - x[j]) ** 2 for i, j in sorted(pairs)) + len(pairs) * x[0]


@program
def operations(x):
    a = {i for i in range(len(x)) if x[i] > 0.5}
    b = set(range(2))
    c = {0, len(x) - 1}
    a |= c
    s = sum(x[i] * i for i in sorted(a - b)) + sum(x[i] for i in sorted(a | b)) + len(a & b) * x[0]
    s += max(a ^ b) * x[1] + min(a.union(b, c)) * x[2] + a.isdisjoint(b) + a.issuperset(c) * x[3] ** 2
    d = a.copy()
    d.discard(17)
    d.update(b)
    return s * (2.0 if a <= d else 1.0) + (x[0] if a == d else x[1]) * len(d)


@program
def what_is_to_do(x):
    todo = {0, 1, 2, 3}
    s, d = 0.0, 1.0
    while todo:
        i = min(todo, key=lambda k: x[k])
        todo.remove(i)
        s += x[i] * d
        d *= 2.0
    return s


@program
def a_search(x):
    near = {0: [1, 2], 1: [2, 3], 2: [0], 3: [1]}
    visited = set()
    queue = [0]
    s = 0.0
    while queue:
        u = queue.pop(0)
        if u in visited:
            continue
        visited.add(u)
        s += x[u] ** 2 * len(visited)
        for v in near[u]:
            if v not in visited:
                queue.append(v)
    return s


@program
def run_over_in_its_order(x):
    chosen = set()
    for i in (5, 3, 1):
        if x[i % 4] > 0.2:
            chosen.add(i)
    s = 1.0
    for i in chosen:
        s = s * x[i % 4] + i
    return s + sum([x[i % 4] * k for k, i in enumerate(chosen)])


@program
def given_to_a_helper(x):
    def mark(seen, k):
        seen.add(k)
        return len(seen)

    seen = set()
    s = 0.0
    for i in range(6):
        s += mark(seen, int(x[i % 4] * 3)) * x[i % 4]
    return s


@program
def a_stack_that_begins_empty(x):
    kept = []
    for i in range(len(x)):
        while len(kept) >= 2:
            if x[kept[-2]] > x[i]:
                break
            kept.pop()
        kept.append(i)
    return sum(x[i] ** 2 for i in kept)


@program
def a_machine_of_a_stack(x):
    stack = []
    for v in x:
        stack.append(v)
        while len(stack) >= 2:
            stack.append(stack.pop() * stack.pop())
    return stack[0]


@program
def buffers_unpacked(x):
    k, spare = [np.zeros_like(x) for _ in range(2)]
    for _ in range(2):
        k[1:] = x[1:] * x[:-1] + spare[1:]
        spare[0] = k[1]
        spare[1:] *= k[:-1]
    return k.sum() + spare @ x


class Particle:
    def __init__(self, v):
        self.v = v


@program
def objects_that_are_left(x):
    alive = [Particle(x[0]), Particle(x[1]), Particle(x[2])]
    alive = [p for p in alive if p.v > 0.6]
    for p in alive:
        p.v *= x[3]
    return sum(p.v**2 for p in alive)


@pytest.mark.parametrize("f", PROGRAMS, ids=lambda f: f.__name__)
def test_derivatives(f: Program) -> None:
    assert_every_mode(f, X, V)


def test_members_that_are_differentiated_are_not_read_back() -> None:
    def f(x):
        s = set()
        for v in x:
            s.add(v)
        return sorted(s)[0] * 2.0

    with pytest.raises(DiffCompileError):
        grad(f)(X)


def test_members_that_are_taken_leave_the_others_in_their_order() -> None:
    def f(x):
        s = {round(10 * v) for v in x}
        s.discard(4)
        total = 0.0
        for k in s:
            total = total * x[1] + k * x[0]
        return total

    assert_every_mode(f, X, V)


def test_what_is_added_after_a_member_was_taken_leaves_no_order() -> None:
    def f(x):
        s = {round(10 * v) for v in x}
        s.remove(4)
        s.add(20)
        return sum([k * x[0] for k in s])

    with pytest.raises(NotImplementedError, match="is run over: sort it first"):
        grad(f)(X)


def test_a_missing_member_raises_as_python_does() -> None:
    def f(x):
        s = {int(v) for v in x}
        s.remove(7)
        return x[0] * len(s)

    with pytest.raises(KeyError, match="7"):
        grad(f)(X)
