"""Lists of the caller's whose items are objects, dicts, lists or tuples of one form: one value of any length.

    def energy(bodies):
        e = 0.0
        for i in range(len(bodies)):
            for j in range(i):
                d = bodies[i].p - bodies[j].p
                e -= bodies[i].m * bodies[j].m / np.sqrt(d @ d)
        return e

For few items and for many, in every mode: the derivatives are those of central differences, in the structure
of the argument; the caller sees what a plain call would have done; a pullback is safe from what comes after.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from diffcompile import (
    DiffCompileError,
    WrongArgument,
    grad,
    hvp,
    jacfwd,
    jacrev,
    jvp,
    linearize,
    value_and_grad,
    vjp,
    vmap,
)
from oracles import assert_agrees, assert_close, assert_like, flatten, numeric_gradient, same, unflatten

COUNTS = (3, 12)


@dataclass
class Body:
    p: np.ndarray
    v: np.ndarray
    m: float
    name: str = "b"
    k: int = 2

    def kinetic(self) -> Any:
        return 0.5 * self.m * (self.v @ self.v)

    @property
    def speed(self) -> Any:
        return np.sqrt(self.v @ self.v)

    def move(self, dt: Any) -> None:
        self.p += dt * self.v

    def kick(self, a: Any) -> None:
        self.v = self.v + a


@dataclass(frozen=True)
class Spring:
    i: int
    j: int
    k: float
    rest: float


@dataclass
class Leg:
    body: Body
    w: float
    past: list = field(default_factory=list)


@dataclass
class World:
    bodies: list
    g: float

    def energy(self) -> Any:
        e = 0.0
        for b in self.bodies:
            e += b.kinetic() + b.m * self.g * b.p[1]
        return e


class Node:
    scale = 2.0

    def __init__(self, x: Any, y: Any) -> None:
        self.x = x
        self.y = y

    def area(self) -> Any:
        return self.x * self.y * self.scale


def body(r: np.random.Generator, i: int = 0) -> Body:
    return Body(r.normal(size=3), r.normal(size=3), float(r.uniform(1, 2)), "abc"[i % 3], i % 4)


def bodies(n: int, seed: int = 5) -> list[Body]:
    r = np.random.default_rng(seed)
    return [body(r, i) for i in range(n)]


def rows(n: int) -> list[list[float]]:
    r = np.random.default_rng(5)
    return [[float(r.normal()), float(r.uniform(0.5, 1.5)), 0.3] for _ in range(n)]


def points(n: int) -> list[tuple[float, float]]:
    r = np.random.default_rng(5)
    return [(float(r.normal()), float(r.uniform(0.5, 1.5))) for _ in range(n)]


def layers(n: int) -> list[tuple[np.ndarray, np.ndarray]]:
    r = np.random.default_rng(5)
    return [(r.normal(size=(3, 3)), r.normal(size=3)) for _ in range(n)]


def records(n: int) -> list[dict[str, Any]]:
    r = np.random.default_rng(5)
    return [{"p": r.normal(size=2), "m": float(r.uniform(1, 2)), "id": i} for i in range(n)]


def springs(n: int) -> list[Spring]:
    return [Spring(i, (i + 1) % n, 1.0 + i / n, 0.5) for i in range(n)]


def legs(n: int) -> list[Leg]:
    r = np.random.default_rng(5)
    return [Leg(body(r, i), float(r.uniform(1, 2)), [1.0, 2.0]) for i in range(n)]


def world(n: int) -> World:
    return World(bodies(n), 9.8)


def groups(n: int) -> list[list[Body]]:
    r = np.random.default_rng(5)
    return [[body(r, i) for i in range(2)] for _ in range(n)]


def mixed(n: int) -> list[dict[str, Any]]:
    r = np.random.default_rng(5)
    return [{"xs": [float(r.normal()), 0.5], "b": body(r, i)} for i in range(n)]


Program = Callable[[Any], Any]
PROGRAMS: list[tuple[Callable[[int], Any], Program]] = []


def on(make: Callable[[int], Any]) -> Callable[[Program], Program]:
    def keep(program: Program) -> Program:
        PROGRAMS.append((make, program))
        return program

    return keep


# -- objects -------------------------------------------------------------------------------------------------


@on(bodies)
def methods_in_a_sum(bs):
    return sum(b.kinetic() for b in bs)


@on(bodies)
def pairs(bs):
    e = 0.0
    for i in range(len(bs)):
        for j in range(i + 1, len(bs)):
            d = bs[i].p - bs[j].p
            e += bs[i].m * bs[j].m / np.sqrt(d @ d + 0.1)
    return e


@on(bodies)
def moved_and_read_in_pairs(bs):
    for b in bs:
        b.move(0.1)
    for a, b in zip(bs[:-1], bs[1:], strict=True):
        a.m = a.m
    return sum(b.p @ b.p * b.m for b in bs)


@on(bodies)
def the_largest(bs):
    for b in bs:
        b.kick(np.ones(3) * b.m)
    return max(bs, key=lambda b: b.m).v[0] + sum(b.speed for b in bs)


@on(bodies)
def a_filter(bs):
    heavy = [b for b in bs if b.m > 1.4]
    return sum(b.m**2 for b in heavy) + len(heavy)


@on(bodies)
def in_another_order(bs):
    bs = sorted(bs, key=lambda b: b.m)
    return bs[0].m * bs[-1].m + np.sum(bs[1].p ** 2)


@on(bodies)
def texts_and_integers(bs):
    e = 0.0
    for b in bs:
        if b.name == "a":
            e += b.m
        elif b.k > 1:
            e += 2 * b.m
        else:
            e -= b.p[0]
    return e


@on(bodies)
def stacked(bs):
    x = np.array([b.p for b in bs])
    m = np.array([b.m for b in bs])
    c = (m[:, None] * x).sum(0) / m.sum()
    return np.sum((x - c) ** 2)


@on(bodies)
def replaced_and_scaled(bs):
    for i, b in enumerate(bs):
        b.p = b.p * 2
        b.m *= i + 1
    return sum(np.sum(b.p**2) * b.m for b in reversed(bs))


@on(bodies)
def one_more(bs):
    bs.append(Body(bs[0].p * 2, bs[1].v, 3.0))
    return sum(b.m * np.sum(b.p * b.v) for b in bs)


@on(bodies)
def first_and_rest(bs):
    first, *rest = bs
    return first.m * sum(b.m for b in rest)


@on(bodies)
def taken_out(bs):
    while len(bs) > 2:
        b = bs.pop()
        bs[0].m += b.m**2
    return bs[0].m + bs[1].m


@on(bodies)
def swapped(bs):
    bs[0], bs[1] = bs[1], bs[0]
    bs[0].m *= 3
    return bs[0].m ** 2 + bs[1].m


@on(bodies)
def by_key(bs):
    held = {b.k: b for b in bs}
    return sum(b.m**2 for b in held.values())


@on(bodies)
def running_total(bs):
    total = np.zeros(3)
    for b in bs:
        total += b.m * b.v
        b.v[:] = 0.5 * total
    return np.sum(total**2) + sum(np.sum(b.v**3) for b in bs)


@on(bodies)
def forces_by_identity(bs):
    def force(a, b):
        d = b.p - a.p
        return b.m * d / (d @ d + 0.1) ** 1.5

    acc = [sum((force(a, b) for b in bs if b is not a), np.zeros(3)) for a in bs]
    for b, a in zip(bs, acc, strict=True):
        b.v += 0.1 * a
        b.p += 0.1 * b.v
    return sum(b.kinetic() for b in bs)


@on(bodies)
def slices(bs):
    s = 0.0
    for b in bs[::2]:
        s += b.m
    for b in bs[1:3]:
        s *= b.m
    return s


@on(bodies)
def a_product(bs):
    return np.prod([b.m for b in bs]) * bs[len(bs) // 2].p[0]


@on(bodies)
def a_while_loop(bs):
    i = 0
    s = 0.0
    while i < len(bs):
        b = bs[i]
        s += b.m * s * 0.1 + b.p[0]
        i += b.k + 1
    return s


@on(bodies)
def the_best_is_written(bs):
    best = bs[0]
    for b in bs:
        if b.m > best.m:
            best = b
    best.v = best.v * 2
    return np.sum(best.v) * best.m + bs[0].m


@on(bodies)
def pairs_of_attributes(bs):
    out = []
    for b in bs:
        out.append((b.m, b.p[0]))
    return sum(m * p for m, p in out)


def scaled_masses(bs):
    s = 0.0
    for b in bs:
        s += b.m**2
        b.m = b.m * 1.5
    return s


@on(bodies)
def a_helper_writes(bs):
    return scaled_masses(bs) * bs[0].m


@on(bodies)
def a_helper_in_a_loop(bs):
    for _ in range(3):
        s = scaled_masses(bs)
    return s


@on(bodies)
def a_way_out(bs):
    try:
        return sum(b.m for b in bs) / bs[0].k
    except ZeroDivisionError:
        return bs[0].m ** 2


@on(bodies)
def deleted(bs):
    m = [b.m for b in bs]
    i = int(np.argmax(m))
    bs[i].p[0] = m[i - 1]
    del bs[i - 1]
    return sum(b.p[0] for b in bs)


@on(bodies)
def made_anew(bs):
    bs = [Body(b.p * 2, b.v, b.m * 2) for b in bs]
    for b in bs:
        b.move(0.1)
    return sum(np.sum(b.p) * b.m for b in bs)


@on(bodies)
def matched(bs):
    match bs:
        case [a, *rest]:
            return a.m * len(rest) + rest[0].m
    return 0.0


@on(springs)
def frozen_objects(ss):
    x = np.linspace(0, 1, len(ss))
    e = 0.0
    for s in ss:
        e += 0.5 * s.k * (abs(x[s.i] - x[s.j]) - s.rest) ** 2
    return e


@on(legs)
def objects_in_objects(ls):
    for leg in ls:
        leg.body.p += leg.w * leg.body.v
        leg.past.append(leg.w**2)
    return sum(np.sum(leg.body.p**2) + sum(leg.past) for leg in ls)


@on(legs)
def parts_of_parts(ls):
    return sum(leg.w * leg.body.kinetic() * leg.past[1] for leg in ls)


@on(legs)
def most_of_it_unread(ls):
    return sum(leg.w for leg in ls)


@on(legs)
def on_one_path(ls):
    for leg in ls:
        if leg.w > 1.5:
            leg.w = leg.w * sum(leg.past)
    return sum(leg.w for leg in ls)


@on(world)
def in_an_attribute(w):
    return w.energy()


@on(world)
def stepped(w):
    for _ in range(3):
        for b in w.bodies:
            b.v[1] -= w.g * 0.01
            b.move(0.01)
    return w.energy()


@on(world)
def the_object_and_its_list(w):
    b = w.bodies[0]
    b.v = b.v * w.g
    w.g = w.g * 2
    return np.sum(b.v) * w.g


@on(groups)
def lists_of_lists_of_objects(gs):
    for bs in gs:
        for b in bs:
            b.p *= b.m
        bs[0].m = bs[1].m * 2
    return sum(b.m * np.sum(b.p) for bs in gs for b in bs)


@on(groups)
def flattened(gs):
    flat = [b for bs in gs for b in bs]
    return sum(b.m for b in flat)


@on(groups)
def two_of_all(gs):
    return gs[0][0].m * gs[-1][1].p[0]


# -- lists, tuples, dicts ------------------------------------------------------------------------------------


@on(rows)
def rows_read(A):
    s = 0.0
    for r in A:
        s += r[0] * r[1]
    return s


@on(rows)
def rows_grown(A):
    for r in A:
        r[0] *= r[1]
        r.append(r[0] ** 2)
    return sum(sum(r) for r in A)


@on(rows)
def a_recurrence(A):
    for i in range(1, len(A)):
        for j in range(len(A[i])):
            A[i][j] += A[i - 1][j] * 0.5
    return sum(v * v for r in A for v in r)


@on(rows)
def as_a_matrix(A):
    m = np.array(A)
    return np.sum(m @ m.T)


@on(rows)
def unpacked_rows(A):
    s = 0.0
    for x, y, z in A:
        s += x * y**2 + z
    return s


@on(rows)
def rows_swapped(A):
    A[0], A[2] = A[2], A[0]
    A[0][1] = A[1][0] * 2
    return sum(r[0] * r[1] * k for k, r in enumerate(A))


@on(rows)
def rows_sorted(A):
    A.sort(key=lambda r: r[0])
    return sum(r[1] * k for k, r in enumerate(A))


@on(rows)
def columns(A):
    return sum(sum(c) ** 2 for c in zip(*A, strict=True))


@on(rows)
def rows_copied(A):
    B = [row[:] for row in A]
    for r in B:
        r[0] = r[1] ** 2
    return sum(r[0] for r in A) + sum(r[0] for r in B)


@on(rows)
def the_smallest_row(A):
    best = min(A, key=lambda r: r[1])
    return best[0] * best[1]


@on(rows)
def two_numbers(A):
    return A[0][0] ** 2 * A[-1][1]


@on(rows)
def arrays_of_some_rows(A):
    s = 0.0
    for r in A:
        if r[0] > 0:
            s += np.array(r) @ np.array(r)
    return s


@on(points)
def a_polygon(T):
    a = 0.0
    for i in range(len(T)):
        x1, y1 = T[i]
        x2, y2 = T[(i + 1) % len(T)]
        a += x1 * y2 - x2 * y1
    return 0.5 * a


@on(points)
def tuples_transposed(T):
    xs, ys = zip(*T, strict=True)
    return sum(x * y for x, y in zip(xs, ys, strict=True)) + max(ys)


@on(points)
def tuples_as_an_array(T):
    return np.sum(np.array(T) ** 3)


@on(points)
def tuples_replaced(T):
    T[0] = (T[1][0] * 2, T[0][1])
    T.append((1.0, T[0][0]))
    return sum(x * x * y for x, y in T)


@on(layers)
def a_network(L):
    h = np.ones(3)
    for W, b in L:
        h = np.tanh(W @ h + b)
    return np.sum(h)


@on(layers)
def layers_by_number(L):
    h = np.ones(3)
    for i in range(len(L)):
        h = np.tanh(L[i][0] @ h + L[i][1])
    return np.sum(h) + 0.1 * sum(np.sum(W**2) for W, _ in L)


@on(layers)
def two_layers(L):
    return L[0][1] @ L[1][1]


@on(records)
def dicts_written(D):
    for d in D:
        d["m"] *= 2
        d["p"] = d["p"] * d["m"]
    return sum(d["m"] * np.sum(d["p"] ** 2) for d in D)


@on(records)
def dicts_by_number(D):
    for i in range(len(D)):
        D[i]["p"][0] = D[i - 1]["m"]
    return sum(d["m"] * np.sum(d["p"] ** 2) for d in D)


@on(records)
def a_new_key(D):
    for d in D:
        d["e"] = d["m"] * d["p"][0]
    return sum(d["e"] ** 2 * (d["id"] + 1) for d in D)


@on(records)
def an_index_of_dicts(D):
    by = {d["id"]: d for d in D}
    return by[0]["m"] * by[2]["m"]


@on(records)
def an_array_of_another_dict(D):
    D[0]["p"] = D[1]["p"] * 2
    return np.sum(D[0]["p"] * D[1]["p"])


@on(mixed)
def dicts_of_lists_and_objects(L):
    for d in L:
        d["xs"][0] *= 2
        d["b"].p = d["b"].p * d["xs"][1]
        d["xs"].append(d["b"].m)
    return sum(sum(d["xs"]) * np.sum(d["b"].p) for d in L)


@on(mixed)
def one_number_of_all(L):
    return L[0]["xs"][0] ** 2


@on(mixed)
def some_of_the_lists(L):
    return sum(np.sum(np.array(d["xs"])) for d in L if d["b"].m > 1.3)


EACH = [pytest.param(make, f, n, id=f"{f.__name__}-{n}") for make, f in PROGRAMS for n in COUNTS]


def direction(given: Any) -> Any:
    return unflatten(given, np.cos(np.arange(flatten(given).size)))


def ruined(value: Any) -> None:
    """Write over all that can be written in an argument."""
    match value:
        case np.ndarray():
            value[...] = 99.0
        case list():
            for item in value:
                ruined(item)
            value[:] = [*value[::-1], *value[:1]]
        case tuple():
            for item in value:
                ruined(item)
        case dict():
            for key, item in value.items():
                ruined(item)
                if isinstance(item, float):
                    value[key] = 99.0
        case Body() | Leg() | World():
            for key, item in vars(value).items():
                ruined(item)
                if isinstance(item, float):
                    setattr(value, key, 99.0)


@pytest.mark.parametrize(("make", "f", "n"), EACH)
def test_gradient(make: Callable[[int], Any], f: Program, n: int) -> None:
    mine, plain = make(n), make(n)
    value, gradient = value_and_grad(f)(mine)
    np.testing.assert_allclose(value, f(plain), rtol=1e-13)  # `sum` rounds otherwise since Python 3.12
    assert same(mine, plain), "what the caller sees"
    assert_like(gradient, make(n))
    expected, error = numeric_gradient(f, lambda: (make(n),))
    assert_agrees(gradient, expected, error)


@pytest.mark.parametrize(("make", "f", "n"), EACH)
def test_other_modes(make: Callable[[int], Any], f: Program, n: int) -> None:
    gradient = flatten(grad(f)(make(n)))
    v = flatten(direction(make(n)))
    along = gradient @ v
    np.testing.assert_allclose(jvp(f, (make(n),), (direction(make(n)),))[1], along, rtol=1e-9, atol=1e-9)

    def slope(h: float) -> np.ndarray:
        point = flatten(make(n))
        ends = [flatten(grad(f)(unflatten(make(n), point + s * h * v))) for s in (1, -1)]
        return (ends[0] - ends[1]) / (2 * h)

    product = hvp(f)(make(n), direction(make(n)))
    assert_like(product, make(n))
    np.testing.assert_allclose(flatten(product), slope(1e-5), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("make", "f", "n"), EACH)
def test_what_is_saved_is_safe(make: Callable[[int], Any], f: Program, n: int) -> None:
    gradient = flatten(grad(f)(make(n)))
    given = make(n)
    _, pull = vjp(f, given)
    ruined(given)
    np.testing.assert_allclose(flatten(pull(2.0)[0]), 2 * gradient, rtol=1e-9, atol=1e-9)
    given = make(n)
    _, push = linearize(f, given)
    ruined(given)
    along = gradient @ flatten(direction(make(n)))
    np.testing.assert_allclose(push(direction(make(n))), along, rtol=1e-9, atol=1e-9)


# -- one program for all lengths; what is told apart ---------------------------------------------------------


def total(bs):
    return sum(b.m**2 for b in bs)


def test_any_length_is_one_program() -> None:
    derivative = grad(total)
    for n in (2, 5, 100):
        assert [g.m for g in derivative(bodies(n))] == [2 * b.m for b in bodies(n)]
    assert len(derivative._cases) == 1


def test_items_of_another_form_are_another_program() -> None:
    derivative = grad(total)
    given = bodies(4)
    assert derivative(given)[2].m == 2 * given[2].m
    given[2].m = 3
    assert derivative(given)[2].m is None
    given[2].m = np.float32(3)
    assert derivative(given)[2].m == np.float32(6)
    assert type(derivative(given)[2].m) is np.float32


def test_one_object_in_two_places_gets_what_flows_back_to_both() -> None:
    derivative = grad(total)
    a, b, c = bodies(3)
    assert [g.m for g in derivative([a, b, c])] == [2 * a.m, 2 * b.m, 2 * c.m]
    assert [g.m for g in derivative([a, b, a])] == [4 * a.m, 2 * b.m, 4 * a.m]


@dataclass
class Link:
    a: Body
    b: Body


def test_objects_that_two_lists_share_are_one() -> None:
    def energy(bs, links):
        e = sum(np.sum(b.p**2) for b in bs)
        for link in links:
            d = link.a.p - link.b.p
            e += 1.5 * (d @ d)
        return e

    def linked() -> tuple[list[Body], list[Link]]:
        bs = bodies(5)
        return bs, [Link(bs[i], bs[(i + 1) % 5]) for i in range(5)]

    def at(shift: float) -> Any:
        bs, links = linked()
        bs[2].p[1] += shift
        return energy(bs, links)

    derivative = grad(energy)
    apart = [Link(*bodies(2, seed)) for seed in range(5)]
    np.testing.assert_allclose(derivative(bodies(5), apart)[2].p, 2 * bodies(5)[2].p)
    slope = (at(1e-6) - at(-1e-6)) / 2e-6
    np.testing.assert_allclose(derivative(*linked())[2].p[1], slope, rtol=1e-6)
    np.testing.assert_allclose(derivative(bodies(5), apart)[2].p, 2 * bodies(5)[2].p)


def test_arrays_that_objects_share_are_not_written() -> None:
    def f(bs):
        for b in bs:
            b.p += b.v
        return bs[0].p[0]

    given = bodies(3)
    given[1].p = given[0].p
    with pytest.raises(DiffCompileError, match="two of them may share memory"):
        grad(f)(given)


def test_a_part_is_named() -> None:
    given, long = bodies(4), bodies(90)
    assert grad(total, argnums="bs.1.m")(given) == 2 * given[1].m
    assert grad(total, argnums="bs.-1.m")(long) == 2 * long[-1].m
    first = grad(total, argnums="bs.0")(given)
    assert_like(first, given[0])
    assert first.m == 2 * given[0].m
    assert grad(World.energy, argnums="self.bodies.2.p")(world(5)).shape == (3,)
    several = grad(lambda A: A[1][0] * A[2][1], argnums=("A.1.0", "A.2"))(rows(4))
    assert several == (rows(4)[2][1], [0.0, rows(4)[1][0], 0.0])
    with pytest.raises(WrongArgument, match="`argnums` names `1.w`, and there is no `w`"):
        grad(total, argnums="bs.1.w")(given)
    with pytest.raises(WrongArgument, match="cannot be differentiated with respect to `bs.1.k`"):
        grad(total, argnums="bs.1.k")(given)


def areas(nodes, x=1.0):
    return sum(n.area() for n in nodes) * x


def test_objects_that_cannot_be_made_of_their_attributes() -> None:
    nodes = [Node(0.2 + k, 0.5) for k in range(4)]
    with pytest.raises(WrongArgument) as refused:
        grad(areas)(nodes)
    assert "there is no gradient with respect to an object of class `Node` as a whole" in str(refused.value)
    assert '`argnums="nodes.0.w"`' in refused.value.remedy
    assert grad(areas, argnums="nodes.2.x")(nodes) == 1.0
    assert grad(areas, argnums="x")(nodes, 2.0) == areas(nodes)


def test_other_objects_are_written() -> None:
    def f(x, nodes):
        for n in nodes:
            n.x = n.x * x[0]
            n.y += x[1]
        return sum(n.area() for n in nodes)

    def made() -> list[Node]:
        return [Node(0.2 + k, 0.5) for k in range(7)]

    x = np.array([0.3, 0.7])
    mine, plain = made(), made()
    gradient = grad(f)(x, mine)
    f(x, plain)
    assert [vars(n) for n in mine] == [vars(n) for n in plain]
    expected, error = numeric_gradient(lambda x: f(x, made()), lambda: (x.copy(),))
    assert_agrees(gradient, expected, error)


class System:
    def __init__(self, n: int) -> None:
        self.bodies = bodies(n)
        self.log: list[dict[str, float]] = []

    def energy(self, x: Any) -> Any:
        self.log.append({"e": 1.0})
        return sum(b.kinetic() * x[0] for b in self.bodies) + x[1] ** 2


def test_what_a_method_is_bound_to() -> None:
    system = System(12)
    derivative = grad(system.energy)
    x = np.array([0.3, 0.7])
    for k in range(3):
        if k == 1:
            system.bodies.append(bodies(1)[0])
        system.bodies[3].kick(float(k))
        kinetic = sum(b.kinetic() for b in system.bodies)
        np.testing.assert_allclose(derivative(x), [kinetic, 1.4], rtol=1e-12)
    assert len(system.log) == 3


FLEET = bodies(6)


def test_a_global_list_is_read_live() -> None:
    def f(x):
        return sum(b.m * x for b in FLEET)

    derivative = grad(f)
    assert derivative(2.0) == sum(b.m for b in FLEET)
    FLEET.append(bodies(1)[0])
    FLEET[0].m = 4.0
    assert derivative(2.0) == sum(b.m for b in FLEET)
    FLEET[0].m = 4
    assert derivative(2.0) == sum(b.m for b in FLEET)


def test_a_global_list_is_written() -> None:
    def f(x):
        for b in FLEET:
            b.m = b.m * x
        return sum(b.m for b in FLEET)

    before = [b.m for b in FLEET]
    assert np.isclose(grad(f)(2.0), sum(before))
    assert [b.m for b in FLEET] == [2.0 * m for m in before]


def test_derivatives_inside() -> None:
    def energy(bs):
        return sum(np.sum(b.p**2) * b.m for b in bs)

    def squares(bs):
        return sum(np.sum(g.p**2) for g in grad(energy)(bs))

    given = bodies(4)
    np.testing.assert_allclose(grad(squares)(given)[1].p, 8 * given[1].m ** 2 * given[1].p)

    def of_rows(A):
        return sum(r[0] ** 2 * r[1] for r in A)

    def products(A):
        return sum(r[0] * r[1] for r in grad(of_rows)(A))

    A = rows(4)
    np.testing.assert_allclose(grad(products)(A)[2][0], 6 * A[2][0] ** 2 * A[2][1])


def test_rows_of_a_map() -> None:
    def f(x, bs):
        return sum(b.m * x for b in bs)

    x, given = np.array([0.3, 0.7, 1.1]), bodies(5)
    mass = sum(b.m for b in given)
    np.testing.assert_allclose(vmap(f, in_axes=(0, None))(x, given), x * mass)
    np.testing.assert_allclose(vmap(lambda x, bs: grad(f)(x, bs), in_axes=(0, None))(x, given), [mass] * 3)


def test_jacobians() -> None:
    def f(A):
        return np.array([r[0] * r[1] for r in A])

    A = rows(3)
    for derivative in (jacfwd(f), jacrev(f)):
        found = derivative(A)
        assert_close([r[0] for r in found], [np.eye(3)[k] * A[k][1] for k in range(3)])
        with pytest.raises(DiffCompileError, match="the Jacobian with respect to a list of containers"):
            derivative(rows(70))


def test_what_is_returned() -> None:
    def doubled(bs):
        for b in bs:
            b.p = b.p * 2
        return bs

    given = bodies(4)
    out, tangent = jvp(doubled, (given,), (bodies(4, seed=1),))
    assert out is given
    np.testing.assert_allclose(tangent[1].p, 2 * bodies(4, seed=1)[1].p)
    ct = bodies(4, seed=1)
    _, pull = vjp(doubled, bodies(4))
    np.testing.assert_allclose(pull(ct)[0][1].p, 2 * ct[1].p)
    with pytest.raises(DiffCompileError, match="the pullback of a list of objects, which `doubled` returns"):
        vjp(doubled, bodies(70))


def test_saved_values_are_checked() -> None:
    def f(bs):
        for b in bs:
            b.move(0.1)
        return sum(np.sum(b.p**2) for b in bs)

    given = bodies(5)
    expected = [2 * (b.p + 0.1 * b.v) for b in given]
    assert_close([g.p for g in grad(f, check=True)(given)], expected)


def test_a_deep_copy_is_another_list() -> None:
    def f(bs):
        moved = copy.deepcopy(bs)
        for b in moved:
            b.p *= b.m
        return sum(np.sum(b.p) for b in moved) + bs[0].p[0]

    given = bodies(4)
    gradient = grad(f)(given)
    assert same(given, bodies(4))
    expected, error = numeric_gradient(f, lambda: (bodies(4),))
    assert_agrees(gradient, expected, error)
