"""`heapq`: queues of events, shortest paths, the smallest few."""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from diffcompile.rules.definitions import DEFINITIONS
from oracles import assert_every_mode

X = np.array([0.7, 0.9, 0.4, 1.1, 0.2])
V = np.array([0.3, -0.5, 0.2, 0.7, 0.1])
Program = Callable[[Any], Any]
PROGRAMS: list[Program] = []


def program(f: Program) -> Program:
    PROGRAMS.append(f)
    return f


@program
def numbers(x):
    heap = []
    for v in x:
        heapq.heappush(heap, v * v)
    s, w = 0.0, 1.0
    while heap:
        s += heapq.heappop(heap) ** 2 * w
        w *= 2.0
    return s


@program
def pairs(x):
    heap = []
    for i in range(len(x)):
        heapq.heappush(heap, (x[i], i))
    s, w = 0.0, 1.0
    while heap:
        v, i = heapq.heappop(heap)
        s += v**2 * w * (i + 1)
        w *= 2.0
    return s


@program
def shortest_path(x):
    edges = {0: [(1, 0), (2, 1)], 1: [(2, 2), (3, 3)], 2: [(3, 4)], 3: []}
    distance = [np.inf] * 4
    distance[0] = 0.0
    queue = [(0.0, 0)]
    while queue:
        d, u = heapq.heappop(queue)
        if d > distance[u]:
            continue
        for v, e in edges[u]:
            further = d + x[e] ** 2
            if further < distance[v]:
                distance[v] = further
                heapq.heappush(queue, (further, v))
    return distance[3] * distance[2]


@program
def events(x):
    queue = [(x[k] * 0.5, k) for k in range(3)]
    heapq.heapify(queue)
    s = 0.0
    while queue and len(queue) < 20:
        t, k = heapq.heappop(queue)
        s += np.sin(t) * (k + 1)
        if t < 1.5:
            heapq.heappush(queue, (t + x[k] ** 2 + 0.3, k))
    return s


@program
def the_smallest_few(x):
    a = [v * v for v in x]
    heapq.heapify(a)
    s = a[0] * heapq.heappop(a) + heapq.heapreplace(a, x[0] * 3.0) * heapq.heappushpop(a, x[1])
    few = heapq.nsmallest(2, a) + heapq.nlargest(2, x) + heapq.nlargest(1, a, key=lambda v: -v)
    return s + sum(v * (k + 1) for k, v in enumerate(few))


@pytest.mark.parametrize("f", PROGRAMS, ids=lambda f: f.__name__)
def test_derivatives(f: Program) -> None:
    assert_every_mode(f, X, V)


def test_heaps_are_those_of_the_library() -> None:
    drawn = random.Random(3)
    ours: list[Any] = []
    theirs: list[Any] = []
    for _ in range(500):
        item = (drawn.randrange(9), drawn.random())
        fn = drawn.choice([heapq.heappush, heapq.heappop, heapq.heapify, heapq.heapreplace])
        args = () if fn in (heapq.heappop, heapq.heapify) else (item,)
        if theirs or fn not in (heapq.heappop, heapq.heapreplace):
            assert DEFINITIONS[fn](ours, *args) == fn(theirs, *args)
        assert ours == theirs
