"""Objects are equal by identity, by their fields, or by their `__eq__`: in `==`, `in`, `index`, `count`."""

# ruff: noqa: C419, E711, PLW1641

from __future__ import annotations

import operator
from collections import deque
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from diffcompile import UnsupportedSyntax, grad
from oracles import assert_every_mode


class Alone:
    def __init__(self, v):
        self.v = v


@dataclass
class Fields:
    v: float


@dataclass(eq=False)
class NoFields:
    v: float


@dataclass(frozen=True)
class Frozen:
    v: float


@dataclass(order=True)
class Ordered:
    v: float
    w: float = 1.0


class Positive:
    def __init__(self, v):
        self.v = v

    def __eq__(self, o):
        return self.v > 0

    def __hash__(self):
        return 3


class ByValue:
    def __init__(self, v):
        self.v = v

    def __eq__(self, o):
        return isinstance(o, ByValue) and self.v == o.v

    def __hash__(self):
        return 3


class SamePart:
    def __init__(self, p, v):
        self.p = p
        self.v = v

    def __eq__(self, o):
        return self.p is o.p


@dataclass
class WithPart:
    p: Alone
    v: float = field(default=0.0, compare=False)


@dataclass
class More(Fields):
    w: float = 1.0


@dataclass
class Other(Fields):
    pass


class Twice:
    def __init__(self, v):
        self.v = v

    def __iter__(self):
        return iter([self.v, 2 * self.v])


def contains(x):
    a = Alone(x)
    return x if Alone(x) in [a] else 10 * x


def contains2(x):
    a = Alone(x)
    return x if a in [Alone(x), a] else 10 * x


def contains_tuple(x):
    a = Alone(x)
    return x if Alone(x) in (a, Alone(x)) else 10 * x


def contains_grown(x):
    l = []
    for i in range(3):
        l.append(Alone(x * i))
    return x if Alone(x) in l else 10 * x


def contains_grown2(x):
    l = []
    a = Alone(x)
    for i in range(3):
        l.append(a)
    return x if a in l else 10 * x


def index(x):
    a = Alone(x)
    return [Alone(x), a].index(a) * x


def index_grown(x):
    l = []
    for i in range(3):
        l.append(Alone(x * i))
    return l.index(l[1]) * x


def count(x):
    return ([Alone(1), Alone(1)].count(Alone(1)) + 1) * x


def remove(x):
    a = Alone(x)
    l = [Alone(x), a]
    l.remove(a)
    return (l[0] is a) * x + x * x


def eq_dc(x):
    return x if Fields(x) == Fields(x) else x * 7


def eq_dc2(x):
    return x if Fields(x) == Fields(2 * x) else x * 7


def ne_dc(x):
    return x if Fields(x) != Fields(x) else x * 7


def in_dc(x):
    return x if Fields(x) in [Fields(2 * x), Fields(x)] else x * 7


def index_dc(x):
    return [Fields(2 * x), Fields(x)].index(Fields(x)) * x


def count_dc(x):
    return [Fields(x), Fields(x)].count(Fields(x)) * x


def eq_n(x):
    return x if NoFields(x) == NoFields(x) else x * 7


def in_n(x):
    return x if NoFields(x) in [NoFields(x)] else x * 7


def eq_o(x):
    return x if Ordered(x) < Ordered(2 * x) else x * 7


def in_e(x):
    return x if Alone(1) in [Positive(x)] else x * 7


def in_e2(x):
    return x if Positive(x) in [1.0] else x * 7


def in_h(x):
    return x if ByValue(x) in [ByValue(2 * x), ByValue(x)] else x * 7


def index_h(x):
    return [ByValue(2 * x), ByValue(x)].index(ByValue(x)) * x


def count_h(x):
    return [ByValue(2 * x), ByValue(x)].count(ByValue(x)) * x


def eq_lists(x):
    return x if [Alone(x)] == [Alone(x)] else x * 7


def eq_tuples(x):
    return x if (Alone(x), 1) == (Alone(x), 1) else x * 7


def eq_lists_dc(x):
    return x if [Fields(x)] == [Fields(x)] else x * 7


def eq_dicts(x):
    return x if {"a": Alone(x)} == {"a": Alone(x)} else x * 7


def key(x):
    a, b = Alone(x), Alone(x)
    d = {a: x, b: x * x}
    return d[a]


def key_fz(x):
    d = {Frozen(1.0): x, Frozen(1.0): x * x}
    return d[Frozen(1.0)]


def in_dict(x):
    d = {Alone(1.0): x}
    return x if Alone(1.0) in d else 7 * x


def in_set(x):
    s = {Alone(1.0)}
    return x if Alone(1.0) in s else 7 * x


def in_set2(x):
    s = set()
    s.add(Frozen(1.0))
    s.add(Frozen(1.0))
    return x * len(s)


def eq_p(x):
    return x if Alone(x) == Alone(x) else x * 7


def ne_p(x):
    return x if Alone(x) != Alone(x) else x * 7


def eq_same(x):
    a = Alone(x)
    b = a
    return x if a == b else x * 7


def eq_grown(x):
    l = []
    for i in range(3):
        l.append(Alone(x))
    return x if l[0] == l[1] else 7 * x


def match_(x):
    n = 0
    for p in [Alone(x), Alone(x)]:
        for q in [Alone(x), p]:
            if p == q:
                n += 1
    return n * x


def deque_(x):
    q = deque([Alone(x)])
    return x if Alone(x) in q else 7 * x


def none_in(x):
    return x if None in [Alone(x)] else 7 * x


def p_in_floats(x):
    return x if Alone(x) in [x, 2.0] else 7 * x


def not_in(x):
    return x if Alone(x) not in [Alone(x)] else 7 * x


def hash_(x):
    return (hash(Alone(x)) == hash(Alone(x))) * x + x


def dict_get(x):
    a = Alone(x)
    d = {}
    d[a] = x
    return d.get(Alone(x), 3 * x)


def grown_own(x):
    l = []
    p = Alone(x)
    for i in range(3):
        l.append(SamePart(p, x * i))
    return x if SamePart(p, x) in l else 7 * x


def dp_same(x):
    p = Alone(x)
    return x if WithPart(p) == WithPart(p, x) else 7 * x


def dp_in(x):
    p = Alone(x)
    return x if WithPart(p) in [WithPart(Alone(x)), WithPart(p, x)] else 7 * x


def d_other(x):
    return x if Fields(x) == Other(x) else 7 * x


def d_sub(x):
    return x if More(x) == More(x) else 7 * x


def view_same(x):
    l = []
    for i in range(3):
        l.append(Alone(x * i))
    return x if l[1] == l[1] else 7 * x


def view_other(x):
    l = []
    for i in range(3):
        l.append(Alone(x))
    return x if l[1] == l[2] else 7 * x


def view_kept(x):
    l = []
    a = Alone(x)
    l.append(a)
    for i in range(3):
        l.append(Alone(x))
    return x if l[0] == a else 7 * x


def view_ne(x):
    l = []
    for i in range(3):
        l.append(Alone(x))
    return x if l[1] != l[1] else 7 * x


def op_eq(x):
    return x if operator.eq(Alone(x), Alone(x)) else 7 * x


def op_ne(x):
    return x if operator.ne(Alone(x), Alone(x)) else 7 * x


def op_lt(x):
    return x if operator.lt(Ordered(x), Ordered(2 * x)) else 7 * x


def op_contains(x):
    return x if operator.contains([Alone(x)], Alone(x)) else 7 * x


def op_count(x):
    return (1 + operator.countOf([Alone(x)], Alone(x))) * x


def op_index(x):
    a = Alone(x)
    return operator.indexOf([Alone(x), a], a) * x


def dunder_eq(x):
    return x if [Alone(x)].__contains__(Alone(x)) else 7 * x


def cmp_none(x):
    return x if Alone(x) == None else 7 * x


def cmp_float(x):
    return x if Alone(x) == x else 7 * x


def in_dict_values(x):
    a = Alone(x)
    d = {"a": a}
    return x if Alone(x) in d.values() else 7 * x


def in_zip(x):
    a = Alone(x)
    return x if (a, 1) in [(Alone(x), 1), (a, 1)] else 7 * x


def in_zip2(x):
    a = Alone(x)
    return x if (Alone(x), 1) in [(Alone(x), 1), (a, 1)] else 7 * x


def loop_index(x):
    ps = [Alone(x), Alone(2 * x), Alone(x)]
    t = 0.0
    for p in ps:
        t += ps.index(p) * p.v
    return t


def loop_in(x):
    seen = []
    t = 0.0
    for p in [Alone(x), Alone(x)]:
        if p not in seen:
            seen.append(p)
            t += p.v
    return t


def any_is(x):
    ps = [Alone(x), Alone(x)]
    return x if any(p == ps[1] for p in ps) else 7 * x


def list_eq_grown(x):
    a, b = [], []
    for i in range(3):
        a.append(Alone(x))
        b.append(Alone(x))
    return x if a == b else 7 * x


def list_eq_self(x):
    a = []
    for i in range(3):
        a.append(Alone(x))
    b = a
    return x if a == b else 7 * x


def match_value(x):
    match [Alone(x), Alone(x)]:
        case [a, b] if a == b:
            return x
    return 7 * x


def tuple_index(x):
    a = Alone(x)
    return (Alone(x), a).index(a) * x


def tuple_count(x):
    a = Alone(x)
    return (Alone(x), a).count(a) * x


def remove_dc(x):
    l = [Fields(x), Fields(2 * x)]
    l.remove(Fields(2 * x))
    return l[0].v * x


def set_diff(x):
    a = Alone(x)
    b = Alone(x)
    return x * len({a, b})


def d_key(x):
    a = Alone(x)
    d = dict()
    for i in range(3):
        d[a] = x * i
    return d[a]


def in_iter(x):
    return x if 2 * x in Twice(x) else 7 * x


def in_iter2(x):
    return x if Alone(x) in Twice(x) else 7 * x


PROGRAMS = [
    index_grown,
    contains,
    contains2,
    contains_tuple,
    index,
    count,
    remove,
    eq_dc,
    eq_dc2,
    ne_dc,
    in_dc,
    index_dc,
    count_dc,
    eq_n,
    in_n,
    eq_o,
    in_e,
    in_e2,
    in_h,
    index_h,
    count_h,
    eq_lists,
    eq_tuples,
    eq_lists_dc,
    eq_dicts,
    eq_p,
    ne_p,
    eq_same,
    eq_grown,
    match_,
    deque_,
    none_in,
    p_in_floats,
    not_in,
    dp_same,
    dp_in,
    d_other,
    d_sub,
    view_same,
    view_other,
    view_kept,
    view_ne,
    op_eq,
    op_ne,
    op_lt,
    op_contains,
    op_count,
    op_index,
    dunder_eq,
    cmp_none,
    cmp_float,
    in_dict_values,
    in_zip,
    in_zip2,
    loop_index,
    loop_in,
    any_is,
    list_eq_self,
    match_value,
    tuple_index,
    tuple_count,
    remove_dc,
    in_iter,
    in_iter2,
]
REFUSED = [
    contains_grown,
    contains_grown2,
    key,
    key_fz,
    in_dict,
    in_set,
    in_set2,
    hash_,
    dict_get,
    grown_own,
    list_eq_grown,
    set_diff,
    d_key,
]


@pytest.mark.parametrize("f", PROGRAMS, ids=lambda f: f.__name__)
def test_equality(f: Any) -> None:
    assert_every_mode(lambda x: f(x[0]) * x[1], np.array([1.1, 0.7]), np.array([1.0, -0.5]))


@pytest.mark.parametrize("f", REFUSED, ids=lambda f: f.__name__)
def test_refused(f: Any) -> None:
    with pytest.raises(UnsupportedSyntax):
        grad(f)(1.1)


def test_what_is_said() -> None:
    with pytest.raises(UnsupportedSyntax, match="an object is looked for in a list whose items"):
        grad(contains_grown)(1.1)
    with pytest.raises(UnsupportedSyntax, match="an object is a key of a dict"):
        grad(d_key)(1.1)
    with pytest.raises(UnsupportedSyntax, match="containers of objects are compared that are not known item"):
        grad(list_eq_grown)(1.1)


def test_callers_objects() -> None:
    a, b = Alone(2.0), Alone(2.0)

    def f(x, objects, one):
        return x if one in objects else x * objects.count(one) + 5 * x

    assert grad(f)(1.0, [a, b], b) == 1.0
    assert grad(f)(1.0, [a, a], b) == 5.0
    assert grad(f)(1.0, [b, a], a) == 1.0
    assert grad(f)(1.0, [Fields(1.0), Fields(2.0)], Fields(2.0)) == 1.0
    assert grad(f)(1.0, [Fields(1.0), Fields(2.0)], Fields(3.0)) == 5.0
