"""Functions and objects that cannot be read: what they may change or keep is known, or refused."""

from __future__ import annotations

import bisect
import collections
import io
import logging
import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from diffcompile import DiffCompileError, grad, jvp, value_and_grad
from oracles import assert_agrees, numeric_gradient

X = np.array([0.3, -0.7, 1.1, 0.5])
LOG = logging.getLogger(__name__)
Program = Callable[[Any], Any]


def set_by_function(x):
    y = x.copy()
    operator.setitem(y, 0, x[1] * x[1])
    return y[0] * x[2]


def set_in_a_list_by_function(x):
    items = [x[0], x[1], x[2]]
    operator.setitem(items, 0, x[1] * x[1])
    operator.delitem(items, 1)
    return items[0] * items[1]


def methods_as_functions(x):
    items = [x[0], x[1]]
    list.append(items, x[1] * x[1])
    list.reverse(items)
    table = {"a": x[0]}
    dict.update(table, {"b": x[3]})
    return items[0] * items[2] + table["b"] * table["a"]


def methods_with_underscores(x):
    y = x.copy()
    y.__setitem__(0, x[1] * x[1])
    y.__iadd__(x)
    items = [x[0]]
    items.__setitem__(0, x[3] ** 2)
    items.__iadd__([x[1]])
    return y[0] * y.__getitem__(2) + items[0] * items[1] * x.__len__()


def operators_as_functions(x):
    u = x.copy()
    b = operator.iadd(u, x)
    b[0] = x[1] * x[2]
    operator.imul(u, 2.0)
    operator.setitem(u, slice(1, 3), x[0])
    operator.iadd(operator.getitem(u, slice(0, 2)), x[2] * x[2:])
    a = operator.concat([x[0]], [x[1] * x[2]])
    joined = operator.iconcat(a, [x[3]])
    joined[0] = x[2]
    pair = operator.add((x[0],), (x[1],))
    return np.sum(u * b) * operator.isub(x[0], x[1]) + sum(v * v for v in a) * pair[1]


def items_by_function(x):
    rows = [[v, v] for v in x]
    r = rows.__getitem__(1)
    r[0] = x[1] * x[2]
    operator.iadd(operator.getitem(rows, 0), [x[0] * x[3]])
    rows.__setitem__(2, [x[3], x[3]])
    operator.delitem(rows[3], 0)
    return sum(sum(r) * (i + 1) for i, r in enumerate(rows))


def methods_of_tuples_and_dicts(x):
    t = (x[0], x[1]).__add__((x[2],))
    d = {"a": x[0]}
    d.__setitem__("b", x[1] * x[2])
    d.__delitem__("a")
    return t.__getitem__(2) * t.__len__() * sum(d.values()) * len(d)


def looked_up(x):
    items = [0.1, 0.5, 0.9]
    return x[bisect.bisect(items, 0.6)] * x[0]


def told(x):
    LOG.debug("first element %s", x[0])
    text = io.StringIO()
    text.write(str(x[0]))
    return x[0] * x[1]


@pytest.mark.parametrize(
    "program",
    [
        set_by_function, set_in_a_list_by_function, methods_as_functions, methods_with_underscores,
        operators_as_functions, items_by_function, methods_of_tuples_and_dicts, looked_up, told,
    ],
    ids=lambda program: program.__name__,
)  # fmt: skip
def test_what_is_known_is_differentiated(program: Program) -> None:
    expected, error = numeric_gradient(program, lambda: (X.copy(),))
    value, found = value_and_grad(program)(X.copy())
    assert value == program(X.copy())
    assert_agrees(found, expected, error)


def shared(x):
    y = x.copy()
    seen = memoryview(y)
    seen[0] = 3.0
    return np.sum(y * y)


def windows(x):
    y = x.copy()
    np.lib.stride_tricks.as_strided(y, (2,), (8,))[0] = x[1] * x[1]
    return y[0] * x[2]


def queued(x):
    waiting = collections.deque()
    for v in x:
        waiting.append(v * v)
    return waiting[0] * waiting[1]


def shown_by_a_queue(x):
    u = x.copy()
    waiting = collections.deque([u, x * 2])
    waiting[0][1] = x[0] * x[2]
    return np.sum(u * x)


def rows_shown_by_a_queue(x):
    rows = [[v] for v in x]
    waiting = collections.deque(rows)
    waiting[0][0] = x[1] * x[2]
    return rows[0][0] * x[3]


def taken_from_a_queue(x):
    places = np.arange(4)
    waiting = collections.deque()
    waiting.append(places)
    taken = waiting.popleft()
    taken[0] = 2
    return x[places[0]] ** 2


def written_while_a_queue_holds_it(x):
    places = np.arange(4)
    waiting = collections.deque([places])
    places[0] = 2
    return x[waiting[0][0]] ** 2


REFUSALS = {
    rows_shown_by_a_queue: "an item of a list is written here",
    shared: "whether `memoryview` changes what it is given is not known",
    windows: "what `as_strided` shows is written, and elements may be shown twice",
}


@pytest.mark.parametrize("program", REFUSALS, ids=lambda program: program.__name__)
def test_what_is_not_known_is_refused(program: Program) -> None:
    for run in (grad(program), lambda x: jvp(program, (x,), (np.ones_like(x),))):
        with pytest.raises(DiffCompileError) as caught:
            run(X.copy())
        assert caught.value.reason == REFUSALS[program]


@pytest.mark.parametrize(
    "program", [queued, shown_by_a_queue, taken_from_a_queue, written_while_a_queue_holds_it],
    ids=lambda program: program.__name__,
)  # fmt: skip
def test_what_a_queue_holds_is_known(program: Program) -> None:
    expected, error = numeric_gradient(program, lambda: (X.copy(),))
    assert_agrees(grad(program)(X.copy()), expected, error)
    _, pushed = jvp(program, (X.copy(),), (np.ones(4),))
    assert_agrees(pushed, np.sum(expected), np.sum(error))


def a_queue(x):
    waiting = collections.deque([1, 2, 3])
    s = 0.0
    for i in range(4):
        s += x[i] ** 2 * waiting[0] * len(waiting)
        waiting.rotate(1)
        waiting.append(i)
    return s


def what_was_seen(x):
    seen = set()
    s = 0.0
    stack = [0]
    while stack:
        n = stack.pop()
        if n in seen or n >= len(x):
            continue
        seen.add(n)
        s += np.sin(x[n]) * len(seen)
        stack.append(n + 1)
        stack.append(n + 2)
    return s


def sets_in_a_list(x):
    sets = [set(), set()]
    s = 0.0
    for i in range(len(x)):
        sets[i % 2].add(i)
        s += x[i] ** 2 * len(sets[i % 2]) * len(sets[0])
    return s


@pytest.mark.parametrize(
    "program", [a_queue, what_was_seen, sets_in_a_list], ids=lambda program: program.__name__
)
def test_what_an_object_told_before_it_changed_is_saved(program: Program) -> None:
    expected, error = numeric_gradient(program, lambda: (X.copy(),))
    assert_agrees(grad(program)(X.copy()), expected, error)
    _, pushed = jvp(program, (X.copy(),), (np.ones(4),))
    assert_agrees(pushed, np.sum(expected), np.sum(error))
