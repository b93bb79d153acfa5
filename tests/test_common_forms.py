"""Forms of ordinary Python: dicts of functions, objects that are run over, `try`s of calls."""

from __future__ import annotations

import enum
import math
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import InitVar, dataclass
from typing import Any, NamedTuple

import numpy as np
import pytest

from diffcompile import DiffCompileError, grad
from oracles import assert_every_mode

X = np.array([0.7, 0.9, 0.4])
V = np.array([0.3, -0.5, 0.2])
Program = Callable[[Any], Any]
PROGRAMS: list[Program] = []


def program(f: Program) -> Program:
    PROGRAMS.append(f)
    return f


FUNCS = {"a": np.sin, "b": np.cos, "c": lambda v: v * v}


class Color(enum.Enum):
    R = 1
    G = 2


class Bag:
    def __init__(self, x):
        self.l = [v for v in x]

    def __iter__(self):
        return iter(self.l)


class Gen:
    def __init__(self, x):
        self.x = x

    def __iter__(self):
        for v in self.x:
            yield v * v


class Pt(NamedTuple):
    a: float
    b: float

    @property
    def s(self):
        return self.a * self.b

    def t(self, k):
        return self.a + k * self.b


@dataclass
class C:
    v: float
    k: InitVar[float] = 2.0

    def __post_init__(self, k):
        self.v = self.v * k


class Acct:
    def __init__(self, b):
        self.b = b
        self.log = []

    def withdraw(self, a):
        if a > self.b:
            raise ValueError("no")
        self.b -= a

    def torn(self, a):
        self.b -= a
        if self.b < 0:
            raise ValueError("no")

    def nested(self, a):
        self.withdraw(a)
        self.b *= 2

    def logged(self, a):
        self.log.append(a)
        self.withdraw(a)


def simpson(f, a, b, fa, fm, fb, whole, eps, depth):
    m = 0.5 * (a + b)
    lm, rm = 0.5 * (a + m), 0.5 * (m + b)
    flm, frm = f(lm), f(rm)
    left = (m - a) / 6 * (fa + 4 * flm + fm)
    right = (b - m) / 6 * (fm + 4 * frm + fb)
    if depth <= 0 or abs(left + right - whole) < 15 * eps:
        return left + right + (left + right - whole) / 15
    return simpson(f, a, m, fa, flm, fm, left, eps / 2, depth - 1) + simpson(
        f, m, b, fm, frm, fb, right, eps / 2, depth - 1
    )


@program
def functions_of_a_global_dict(x):
    s = 0.0
    for name, f in FUNCS.items():
        s += f(x[0]) * len(name)
    for f in FUNCS.values():
        s += f(x[1])
    for k in FUNCS:
        s += FUNCS[k](x[2])
    return s


@program
def members_of_an_enumeration_as_keys(x):
    d = {Color.R: x[0], Color.G: x[1]}
    return d[Color.R] * d[Color.G] ** 2


@program
def displays_with_keys_of_a_loop(x):
    s = 0.0
    for i in range(3):
        d = {i: x[i], i + 1: 2.0}
        s += d[i] * d[i + 1]
        e = {(i, k): x[i] for k in range(2)}
        s += e[i, 1] ** 2
    return s


@program
def an_object_that_is_run_over(x):
    b = Bag(x)
    return sum(b) + max(b) * 2 + sorted(b)[0] ** 2 + math.prod(b) + len(list(b)) + np.sum(np.array(list(b)))


@program
def an_object_that_generates(x):
    b = Gen(x)
    p, q, r = b
    return sum(b) + max(b) * 2 + sorted(b)[0] ** 2 + p * q * r + sum([*b]) + sum(tuple(b))


@program
def a_property_of_a_named_tuple(x):
    p = Pt(x[0], x[1])
    return p.s * p.t(x[2])


@program
def a_variable_of_init_alone(x):
    return C(x[0]).v * C(x[1], x[2]).v


@program
def a_recursion_over_halves(x):
    def f(a, b, d):
        m = 0.5 * (a + b)
        h = (b - a) * np.sin(x[0] * m)
        if d == 0:
            return h
        return f(a, m, d - 1) + f(m, b, d - 1)

    return f(0.0, x[1], 3)


@program
def an_adaptive_rule(x):
    f = lambda t: np.sin(x[0] * t) * x[1]
    a, b = 0.0, x[2]
    fa, fm, fb = f(a), f(0.5 * (a + b)), f(b)
    return simpson(f, a, b, fa, fm, fb, (b - a) / 6 * (fa + 4 * fm + fb), 1e-6, 6)


@program
def a_function_that_may_raise(x):
    def checked(f, v):
        if f(v) < 0:
            raise ValueError("no")
        return v * v

    out = []
    for p in x:
        try:
            v = checked(lambda s: s - 0.5, p)
        except ValueError:
            continue
        out.append(v)
    return sum(out)


@program
def an_ordered_dict_of_a_generator(x):
    d = OrderedDict((c, v) for c, v in zip("abc", x))
    return d["a"] * d["c"]


@program
def pairs_replaced_in_a_list(x):
    t = [None] * 3
    m = [(0.0, x[0])]
    for v in x:
        if v > m[-1][1]:
            m[-1] = (m[-1][0], max(m[-1][1], v))
        else:
            m.append((v, v * 2))
    return sum(a * b for a, b in m)


@program
def an_object_written_after_its_check(x):
    acct = Acct(x[0])
    n = 0
    for a in [x[1] * 0.1, x[2] * 10.0]:
        try:
            acct.withdraw(a)
        except ValueError:
            n += 1
    return acct.b**2 + n * x[1]


@program
def what_follows_where_nothing_raised(x):
    acct = Acct(x[0])
    n = 0
    for k in range(4):
        try:
            acct.withdraw(x[k % 3] * 0.5)
        except ValueError:
            n += 1
        else:
            acct.b += 0.1 * x[0]
    return acct.b**2 + n * x[1]


@program
def a_closure_that_writes_an_entry(x):
    d = {"v": x[0]}

    def upd(w):
        if w > 0.8:
            raise KeyError
        d["v"] = d["v"] * w

    for k in range(3):
        try:
            upd(x[k])
        except KeyError:
            d["v"] += x[k]
    return d["v"]


def what_stays_written(x):
    acct = Acct(x[0])
    n = 0
    for a in [x[1] * 0.1, x[2] * 10.0]:
        try:
            acct.torn(a)
        except ValueError:
            n += 1
    return acct.b**2 + n * x[1]


@pytest.mark.parametrize("f", PROGRAMS, ids=lambda f: f.__name__)
def test_derivatives(f: Program) -> None:
    assert_every_mode(f, X, V, twice=f is not an_adaptive_rule)


def test_what_is_written_before_the_call_raises_is_refused() -> None:
    with pytest.raises(DiffCompileError, match="what is written here stays written"):
        grad(what_stays_written)(X)
