"""What is found in containers, and who sees it: items of tuples, orders of evaluation, the caller's objects.

Each program is right in value and gradient, forward and back, or refused; the caller finds in its arguments
what a plain call would have left there, and the same objects in the same places; what is saved is safe.
"""

from __future__ import annotations

import bisect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from diffcompile import DiffCompileError, WrongArgument, grad, jvp, linearize, value_and_grad, vjp
from oracles import assert_agrees, assert_like, flatten, numeric_gradient, same, unflatten


@dataclass
class Body:
    p: np.ndarray
    m: float

    def doubled(self):
        self.p = self.p * 2
        return 1.0


@dataclass
class World:
    bodies: list
    lead: Any


def bodies(n: int = 2) -> list[Body]:
    return [Body(np.arange(2.0) + i, 1.0 + i) for i in range(n)]


def pairs() -> list[tuple[float, np.ndarray]]:
    return [(1.0, np.array([2.0, 3.0])), (4.0, np.array([5.0, 6.0]))]


def numbers() -> np.ndarray:
    return np.array([3.0, 1.2, 2.0])


def dicts() -> list[dict[str, Any]]:
    return [{"a": np.ones(2) + k, "b": np.ones(2) * 3} for k in range(2)]


def nested() -> list[dict[str, Any]]:
    return [{"z": 1.0 + k, "q": {"w": [1.0]}} for k in range(2)]


def rows() -> list[list[float]]:
    return [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]


def world() -> World:
    return World(bodies(), None)


Program = Callable[[Any], Any]
RIGHT: list[Any] = []
RIGHT_OR_REFUSED: list[Any] = []


def right(make: Callable[[], Any]) -> Callable[[Program], Program]:
    return lambda f: RIGHT.append(pytest.param(make, f, id=f.__name__)) or f  # type: ignore[func-returns-value]


def or_refused(make: Callable[[], Any]) -> Callable[[Program], Program]:
    return lambda f: RIGHT_OR_REFUSED.append(pytest.param(make, f, id=f.__name__)) or f  # type: ignore[func-returns-value]


# -- items of tuples -----------------------------------------------------------------------------------------


@right(pairs)
def an_unpacked_array_is_written(T):
    for x, a in T:
        a[0] = x
    return sum(np.sum(a) for x, a in T)


@or_refused(lambda: [[[1.0], [2.0]], [[3.0], [4.0]]])
def an_unpacked_list_grows(L):
    for a, b in L:
        a.append(b[0])
    return sum(sum(a) for a, b in L)


@or_refused(numbers)
def in_a_list_of_its_own(x):
    ps = [(x * i, 2.0) for i in range(len(x))]
    for p, m in ps:
        p *= m
    return sum(np.sum(p) for p, m in ps)


@or_refused(numbers)
def in_a_tuple_of_tuples(x):
    ps = [((x * i, 2.0), x + i) for i in range(3)]
    for (p, k), q in ps:
        p[0] = k * q[0]
    return sum(np.sum(t[0][0]) for t in ps)


@right(bodies)
def shared_with_objects(L):
    ps = [(b.p, b.m) for b in L]
    for p, m in ps:
        p *= m + 1
    return sum(np.sum(b.p) for b in L)


@or_refused(pairs)
def by_a_number(T):
    i = int(T[0][0] > 0)
    x, a = T[i]
    a[0] = 5 * x
    return np.sum(T[1][1])


@or_refused(pairs)
def read_after_a_write_to_the_list(T):
    i = int(T[0][0] > 0)
    x, a = T[i]
    T[1][1][0] = 7 * x
    return np.sum(a)


@or_refused(numbers)
def carried_out_of_a_loop(x):
    ps = [(x * i, x + i) for i in range(3)]
    t = ps[0]
    for u in ps:
        if u[0][0] > 1:
            t = u
    a, b = t
    a[0] = 5 * b[0]
    return sum(np.sum(p) * np.sum(q) for p, q in ps)


def first_set(x, a):
    a[0] = x * 3


@right(pairs)
def handed_on_with_a_star(T):
    for t in T:
        first_set(*t)
    return sum(np.sum(a) for x, a in T)


@right(dicts)
def values_of_a_dict(L):
    for d in L:
        a, b = d.values()
        a[0] = b[1]
    return sum(np.sum(d["a"]) for d in L)


@right(numbers)
def what_was_just_made_is_written(x):
    q, r = np.linalg.qr(np.outer(x, x) + np.eye(3) * 3)
    q *= 2
    r[0] = x
    return np.sum(q) * np.sum(r)


# -- the order of evaluation ---------------------------------------------------------------------------------


@right(bodies)
def a_double_buffer(L):
    b = L[0]
    y = np.ones(2)
    b.p, y = y, b.p
    return np.sum(b.p) * 2 + np.sum(y)


@right(dicts)
def an_entry_and_its_old_value(L):
    L[0]["a"], o = L[0]["a"] * 2, L[0]["a"]
    return np.sum(o) + np.sum(L[0]["a"])


@right(rows)
def a_row_and_its_old_value(L):
    L[0], r = [9.0, L[0][0]], L[0]
    return r[0] + 3 * L[0][1]


@right(bodies)
def operands(L):
    b = L[1]
    return np.sum(b.p + b.doubled() * b.p)


@right(bodies)
def arguments(L):
    b = L[1]
    return np.dot(b.p, b.p * b.doubled()) + b.p.dot(b.p * b.doubled())


@right(bodies)
def displays(L):
    q = [L[1].p, L[1].doubled(), L[1].p]
    r = {"a": L[1].p, "b": L[1].doubled(), "c": L[1].p}
    return np.sum(q[0]) + 3 * np.sum(q[2]) + 5 * np.sum(r["a"]) + 7 * np.sum(r["c"])


@right(numbers)
def choices_in_displays(x):
    a = [x[0] * 2 if x[0] > 0 else x[1], np.sin(x[1]) if x[1] > 0 else 1.0]
    b = {"k": [x[0] if x[1] > 0 else x[1], x[0]], "m": x[1] if x[0] > 0 else 0.0}
    return a[0] * a[1] + sum(b["k"]) * b["m"] + np.sum(np.concatenate([x[:1], x if x[2] > 5 else -x]))


@right(bodies)
def three_at_once(L):
    b = L[1]
    b.p, q, b.m = b.p * 2, b.p, b.p[1]
    return np.sum(q) + 2 * np.sum(b.p) + b.m


@right(bodies)
def arrays_exchanged(L):
    L[0].p, L[1].p = L[1].p, L[0].p
    return np.sum(L[0].p ** 2) + 3 * np.sum(L[1].p)


# -- what the caller sees ------------------------------------------------------------------------------------


@right(bodies)
def an_array_in_two_objects(L):
    L[0] = Body(L[1].p, 3.0)
    L[1].p[0] = 9.0
    return sum(b.m for b in L)


@right(pairs)
def an_array_in_a_new_tuple(L):
    for i in range(len(L)):
        L[i] = (L[i][0] * 2, L[i][1])
        L[i][1][0] = 5.0
    return sum(x for x, a in L)


@right(bodies)
def one_array_for_both(L):
    L[1].p = L[0].p
    return np.sum(L[1].p)


@right(bodies)
def views_of_a_result(L):
    P = np.tanh(np.array([b.p for b in L]))
    for i in range(len(L)):
        L[i].p = P[i]
    L[0].p[0] = 9.0
    return sum(np.sum(b.p) for b in L)


@right(dicts)
def arrays_in_dicts_stay_where_they_are(L):
    for d in L:
        d["a"] *= 2
    return sum(np.sum(d["a"]) for d in L)


@right(lambda: [[np.ones(2)] for _ in range(2)])
def arrays_in_lists_stay_where_they_are(L):
    for l in L:
        l[0] *= 2
        for v in l:
            v *= 3
    return sum(np.sum(l[0]) for l in L)


@right(world)
def the_largest_is_kept(w):
    w.lead = max(w.bodies, key=lambda b: b.m)
    return w.lead.m


@right(world)
def a_sorted_list_is_kept(w):
    w.bodies = sorted(w.bodies, key=lambda b: -b.m)
    return w.bodies[0].m


@right(bodies)
def filled(L):
    for b in L:
        b.p.fill(b.m)
    np.copyto(L[0].p, L[1].m)
    return sum(b.p[0] for b in L)


@right(numbers)
def all_of_an_item_is_written(x):
    A = [x * v for v in x]
    for i in range(3):
        A[i][...] = x[0]
    A[1][...] = x[2:]
    return sum(np.sum(a) for a in A)


# -- what is not used, and what is left ----------------------------------------------------------------------


@right(nested)
def unused_dicts(D):
    return sum(d["z"] ** 2 for d in D)


@right(lambda: [{"z": 1.0, "q": (1.0, np.ones(2)), "r": {"a": [1.0], "b": np.ones(3)}} for _ in range(3)])
def unused_tuples(D):
    for d in D:
        del d["q"]
    return sum(d["z"] ** 2 for d in D)


@right(nested)
def lists_in_dicts_in_dicts(D):
    for d in D:
        d["q"]["w"].append(1.0)
        d["q"]["w"][0] = 2.0 * d["z"]
    return sum(d["z"] * d["q"]["w"][0] for d in D)


@right(bodies)
def a_raise_that_is_caught(L):
    try:
        for b in L:
            b.m *= 2
            if b.m > 2.5:
                raise ValueError
    except ValueError:
        pass
    return L[0].m + L[1].m


@right(numbers)
def inserted_in_order(x):
    ts = [x[0] * 1.5]
    for v in x:
        bisect.insort(ts, v)
        bisect.insort_left(ts, v * v)
    return sum(k * t for k, t in enumerate(ts))


def places_of(value: Any) -> list[int]:
    """Which of the objects in a value are one and the same."""
    first: dict[int, int] = {}
    found: list[int] = []

    def visit(value: Any) -> None:
        if isinstance(value, np.ndarray | list | dict | Body | World):
            found.append(first.setdefault(id(value), len(first)))
        match value:
            case list() | tuple():
                parts = list(value)
            case dict():
                parts = list(value.values())
            case Body() | World():
                parts = list(vars(value).values())
            case _:
                parts = []
        for part in parts:
            visit(part)

    visit(value)
    return found


def held_by(value: Any) -> Any:
    """What else the caller holds: the items, and the arrays in them."""
    items = value.bodies if isinstance(value, World) else value
    inner = [vars(i) if isinstance(i, Body) else i for i in items] if isinstance(items, list) else []
    return list(items), [list(i.values()) if isinstance(i, dict) else i for i in inner]


def check(make: Callable[[], Any], f: Program) -> None:
    plain = make()
    before = held_by(plain)
    value = f(plain)
    expected, error = numeric_gradient(f, lambda: (make(),))
    along = unflatten(make(), np.cos(np.arange(flatten(make()).size)))
    moved = flatten(expected) @ flatten(along)

    def seen(given: Any, held: Any) -> None:
        assert same(given, plain), "what the caller sees"
        assert places_of((given, held)) == places_of((plain, before)), "which objects it sees"

    mine = make()
    held = held_by(mine)
    found, gradient = value_and_grad(f)(mine)
    np.testing.assert_allclose(found, value, rtol=1e-14)
    assert_like(gradient, make())
    assert_agrees(gradient, expected, error)
    seen(mine, held)
    mine = make()
    held = held_by(mine)
    np.testing.assert_allclose(jvp(f, (mine,), (along,))[1], moved, rtol=1e-7, atol=1e-9)
    seen(mine, held)
    mine = make()
    held = held_by(mine)
    _, pull = vjp(f, mine)
    seen(mine, held)
    ruined(mine)
    assert_agrees(pull(1.0)[0], expected, error)
    mine = make()
    _, push = linearize(f, mine)
    ruined(mine)
    np.testing.assert_allclose(push(along), moved, rtol=1e-7, atol=1e-9)


def ruined(value: Any) -> None:
    match value:
        case np.ndarray():
            value[...] = 99.0
        case list() | tuple():
            for item in value:
                ruined(item)
        case dict():
            for item in value.values():
                ruined(item)
        case Body() | World():
            for item in vars(value).values():
                ruined(item)
    if isinstance(value, list):
        value.reverse()
        del value[1:]


@pytest.mark.parametrize(("make", "f"), RIGHT)
def test_right(make: Callable[[], Any], f: Program) -> None:
    check(make, f)


@pytest.mark.parametrize(("make", "f"), RIGHT_OR_REFUSED)
def test_right_or_refused(make: Callable[[], Any], f: Program) -> None:
    try:
        grad(f)(make())
    except DiffCompileError:
        return
    check(make, f)


def saved_arrays(L):
    for b in L:
        b.m = 1.0
    return sum(np.sum(b.p**2) for b in L[1:])


def filtered_arrays(L):
    for b in L:
        b.m *= 2
    q = [b.p for b in L if b.m > 3]
    s = 0.0
    for p in q:
        s += p[0] ** 2
    return s


def reshaped_arrays(L):
    for b in L:
        b.p = b.p.reshape(-1)
    return sum(np.sum(b.p**2) for b in L)


def a_reversed_list(L):
    L.reverse()
    return L[0].m ** 2 + L[0].p[0]


@pytest.mark.parametrize("f", [saved_arrays, filtered_arrays, reshaped_arrays, a_reversed_list])
def test_what_is_saved_of_written_objects_is_safe(f: Program) -> None:
    expected = flatten(grad(f)(bodies(3)))
    mine = bodies(3)
    _, pull = vjp(f, mine)
    for b in mine:
        b.p[:] = 100.0
        b.m = 7.0
    mine.pop()
    np.testing.assert_allclose(flatten(pull(1.0)[0]), expected)


def test_what_was_put_into_a_dict_of_the_callers_is_saved() -> None:
    def f(d):
        d["c"] = np.tanh(d["p"])
        return np.sum(d["c"] ** 2)

    expected = grad(f)({"p": np.array([0.5, -0.3])})["p"]
    mine = {"p": np.array([0.5, -0.3])}
    _, pull = vjp(f, mine)
    mine["c"][:] = 84.0
    np.testing.assert_allclose(pull(1.0)[0]["p"], expected)


@dataclass
class Link:
    v: float
    other: object = None


def test_objects_that_refer_to_each_other() -> None:
    ring = [Link(1.0), Link(2.0), Link(3.0)]
    for k, link in enumerate(ring):
        link.other = ring[k - 1]

    def total(links):
        return sum(link.v**2 for link in links)

    with pytest.raises(WrongArgument) as refused:
        grad(total)(ring)
    assert "there is no gradient with respect to objects that refer to each other" in str(refused.value)
    assert grad(total, argnums="links.1.v")(ring) == 4.0


def test_the_pullback_of_an_object() -> None:
    with pytest.raises(DiffCompileError, match="the pullback of an object of a list, which `largest`"):
        vjp(largest, bodies(70))


def largest(L):
    return max(L, key=lambda b: b.m)
