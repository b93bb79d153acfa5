"""Descriptors of the user's own: an attribute is found, written and deleted as its class says."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from diffcompile import UnsupportedSyntax, grad
from oracles import assert_every_mode

X = np.array([1.1, 2.7])
V = np.array([1.0, -0.5])


class AtLeast:
    """A data descriptor: the value is kept in an attribute of the object, under another name."""

    def __init__(self, low):
        self.low = low

    def __set_name__(self, owner, name):
        self.name = "_" + name

    def __get__(self, obj, owner=None):
        return self if obj is None else getattr(obj, self.name)

    def __set__(self, obj, value):
        setattr(obj, self.name, np.maximum(value, self.low))

    def __delete__(self, obj):
        setattr(obj, self.name, self.low)


class Scaled:
    """Found by `__get__` only: an attribute of the object itself hides it."""

    def __init__(self, by):
        self.by = by

    def __get__(self, obj, owner):
        return self.by * (owner.unit if obj is None else obj.v)


class Stored:
    """Written by `__set__`, and found in the object."""

    def __set_name__(self, owner, name):
        self.name = name

    def __set__(self, obj, value):
        obj.__dict__[self.name] = value


class Method:
    """What a decorator that is a class has to do to make methods."""

    def __init__(self, fn):
        self.fn = fn

    def __call__(self, *args):
        return 2 * self.fn(*args)

    def __get__(self, obj, owner=None):
        return self if obj is None else functools.partial(self, obj)


class Tank:
    unit = 3.0
    level = AtLeast(2.0)
    scaled = Scaled(4.0)

    def __init__(self, level):
        self.level = level
        self.v = level

    @Method
    def doubled(self, y):
        return self.level * y


class Deep(Tank):
    @property
    def twice(self):
        return super().level * 2


class Slotted:
    __slots__ = ("_level", "v")
    level = AtLeast(2.0)

    def __init__(self, level):
        self.level = level
        self.v = level


class Silo:
    level = AtLeast(1.5)

    def __init__(self, level):
        self.level = level * 2
        self.v = level


@dataclass
class Fields:
    v: Any
    level: Any = AtLeast(2.0)
    other: Any = field(default=1.0)


@dataclass(frozen=True)
class Half:
    _v: Any

    @property
    def v(self):
        return self._v / 2


def read_and_written(x):
    return np.sum(Tank(x).level ** 2 + x)


def augmented(x):
    t = Tank(x)
    t.level += x
    t.level -= 3.0
    return np.sum(t.level ** 3)


def deleted(x):
    t = Tank(x)
    kept = t.level
    del t.level
    return np.sum(t.level * x + kept)


def hidden_by_the_object(x):
    t = Tank(x)
    before = t.scaled
    t.scaled = x * x
    return np.sum(before * t.scaled)


def of_the_class(x):
    return np.sum(Tank.scaled * x) + Tank.level.low * np.sum(x**2)


def inherited(x):
    return np.sum(Deep(x).twice * Deep(x).level)


def slotted(x):
    return np.sum(Slotted(x).level ** 2 + x)


def of_a_dataclass(x):
    f = Fields(x, x)
    return np.sum(f.level ** 2 + f.v * f.other)


def by_name(x):
    t = Tank(x)
    setattr(t, "level", 3 * x)  # noqa: B010
    object.__setattr__(t, "level", t.level - x)
    return np.sum(getattr(t, "level") ** 2)  # noqa: B009


def in_a_loop(x):
    t = Tank(x)
    for k in range(3):
        t.level = t.level * x - k
    return np.sum(t.level)


def in_a_list(x):
    tanks = [Tank(v) for v in x]
    tanks[0].level = tanks[1].level - 4.0
    return sum(t.level * t.v for t in tanks)


def decorated_method(x):
    return np.sum(Tank(x).doubled(x))


def of_several_classes(x):
    made = []
    for v in x:
        made.append(Tank(v) if v > 2.0 else Silo(v))
    total = 0.0
    for t in made:
        total += t.level * t.v
    return total


class Gauge:
    def __init__(self, v):
        self.kept = v

    @property
    def v(self):
        return self.kept

    @v.setter
    def v(self, value):
        self.kept = 3 * value

    @v.deleter
    def v(self):
        self.kept = self.kept * 5


def augmented_property(x):
    """An array is changed in place, and written by the setter then."""
    g = Gauge(x * 2)
    g.v += x
    return np.sum(g.v**2)


def deleted_property(x):
    g = Gauge(x * 2)
    del g.v
    return np.sum(g.v**2)


def frozen(x):
    return np.sum(Half(x).v ** 2)


PROGRAMS = [
    read_and_written, augmented, deleted, hidden_by_the_object, of_the_class, inherited, slotted,
    of_a_dataclass, by_name, in_a_loop, in_a_list, decorated_method, of_several_classes, frozen,
    augmented_property, deleted_property,
]  # fmt: skip


@pytest.mark.parametrize("f", PROGRAMS, ids=lambda f: f.__name__)
def test_descriptors(f: Any) -> None:
    assert_every_mode(f, X, V)


def test_callers_object() -> None:
    def f(x, tank):
        tank.level = tank.level * x
        return tank.level * x

    tank = Tank(3.0)
    assert grad(f)(2.0, tank) == 12.0
    assert tank.level == 6.0
    tank.level = 0.0
    assert grad(f)(0.5, tank) == 2.0


def test_state_of_the_descriptor_is_read_at_every_call() -> None:
    def f(x):
        return Tank(x).scaled

    assert grad(f)(2.0) == 4.0
    held = vars(Tank)["scaled"]
    held.by = 5.0
    try:
        assert grad(f)(2.0) == 5.0
    finally:
        held.by = 4.0


class Refused:
    stored = Stored()

    @functools.cached_property
    def cached(self):
        return 2.0


class Above(Refused):
    @property
    def cached(self):
        return super().cached * 3


def written_into_dict(x):
    r = Refused()
    r.stored = x
    return np.sum(r.stored)


def cached_of_super(x):
    return np.sum(Above().cached * x)


def asked_for(x):
    t = Tank(x)
    return np.sum(t.level) if hasattr(t, "level") else 0.0


class Listening:
    def __init__(self, v):
        object.__setattr__(self, "v", v)

    def __setattr__(self, name, value):
        object.__setattr__(self, name, 2 * value)

    def __delattr__(self, name):
        self.v = 7.0


def augmented_by_setattr(x):
    a = Listening(x * 2)
    a.v += x
    return np.sum(a.v)


def deleted_by_delattr(x):
    a = Listening(x * 2)
    del a.w
    return np.sum(a.v * x)


def augmented_and_frozen(x):
    h = Half(x)
    h._v += x
    return np.sum(h.v)


REFUSED = [
    written_into_dict, cached_of_super, asked_for, augmented_by_setattr, deleted_by_delattr,
    augmented_and_frozen,
]  # fmt: skip


@pytest.mark.parametrize("f", REFUSED, ids=lambda f: f.__name__)
def test_refused(f: Any) -> None:
    with pytest.raises(UnsupportedSyntax):
        grad(f)(X)
