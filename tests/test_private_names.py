"""Private names: `self.__v` in the body of a class is an attribute of that class alone."""

from __future__ import annotations

import inspect
import linecache
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from diffcompile import grad
from oracles import assert_every_mode

X = np.array([1.1, 0.7])


class Base:
    def __init__(self, v):
        self.__v = v

    def get(self):
        return self.__v * 2


class Derived(Base):
    def __init__(self, v):
        super().__init__(v)
        self.__v = 100.0

    def both(self):
        return self.__v * self.get()


class Stepper:
    __rate = 2.0

    def __init__(self, v):
        self.v = v

    def __step(self, __by):
        __twice = 2 * __by
        return self.v * __twice

    def go(self):
        return self.__step(3.0) + self.__step(_Stepper__by=1.0)  # noqa: F821

    def rate(self):
        def __inner(y):
            return self.__rate * y

        return __inner(self.v) + (lambda __y: __y * self.__rate)(self.v)

    @property
    def __half(self):
        return self.v / 2

    def half(self):
        self.__count = 0
        for __k in range(3):
            self.__count += __k
        del self.__count
        return self.__half * self.__dict__["v"] if False else self.__half

    @staticmethod
    def __cubed(v):
        return v**3

    def cubed(self):
        return self.__cubed(self.v) + Stepper.__cubed(self.v)


class __Hidden:
    def __init__(self, v):
        self.__v = v
        self._Hidden__v = self.__v * 3

    def get(self):
        return self.__v


class Slotted:
    __slots__ = ("__v",)

    def __init__(self, v):
        self.__v = v

    def get(self):
        return self.__v**2


@dataclass
class Plain:
    __v: Any
    __gain: float = 2.0

    def get(self):
        return self.__v * self.__gain

    @classmethod
    def made(cls, v):
        return cls(v, _Plain__gain=3.0)


class Outer:
    class __Inner:
        def __init__(self, v):
            self.__v = v

        def get(self):
            return self.__v * 5

    def get(self, v):
        return self.__Inner(v).get() + self.__Inner(v)._Inner__v


hidden = __Hidden


def of_each_class(x):
    return np.sum(Derived(x).get() ** 2)


def beside_the_other(x):
    return np.sum(Derived(x).both())


def method_and_keyword(x):
    return np.sum(Stepper(x).go() ** 2)


def class_attribute_in_nested_functions(x):
    return np.sum(Stepper(x).rate() ** 2)


def private_property(x):
    return np.sum(Stepper(x).half() ** 2)


def private_static_method(x):
    return np.sum(Stepper(x).cubed())


def leading_underscores_of_the_class(x):
    return np.sum(hidden(x).get() ** 2)


def slotted(x):
    return np.sum(Slotted(x).get())


def of_a_dataclass(x):
    return np.sum(Plain(x).get() * Plain.made(x).get())


def inner_class(x):
    return np.sum(Outer().get(x) ** 2)


def by_its_whole_name(x):
    s = Derived(x)
    s._Base__v = s._Base__v * x
    return np.sum(s.get())


def written_out_by_getattr(x):
    s = Stepper(x)
    setattr(s, "__v", x * x)  # noqa: B010
    return np.sum(getattr(s, "__v") * s.v)  # noqa: B009


PROGRAMS = [
    of_each_class, beside_the_other, method_and_keyword, class_attribute_in_nested_functions,
    private_property, private_static_method, leading_underscores_of_the_class, slotted, of_a_dataclass,
    inner_class, by_its_whole_name, written_out_by_getattr,
]  # fmt: skip


@pytest.mark.parametrize("f", PROGRAMS, ids=lambda f: f.__name__)
def test_private_names(f: Any) -> None:
    assert_every_mode(f, X, np.array([1.0, -0.5]))


def test_callers_object() -> None:
    tank = Derived(3.0)

    def f(x, tank):
        return x * tank.get() + tank.both()

    assert grad(f)(2.0, tank) == 6.0


def test_method_known_only_by_its_own_text(monkeypatch: pytest.MonkeyPatch) -> None:
    """A cell of a notebook that does not parse on its own is read function by function."""
    text = inspect.getsource(Base)
    lines = ["%magic\n", *text.splitlines(keepends=True)]
    namespace: dict[str, Any] = {"__name__": __name__}
    name = "<private names>"
    exec(compile("\n" + text, name, "exec"), namespace)
    monkeypatch.setitem(linecache.cache, name, (1, None, lines, name))

    def f(x, cls):
        return cls(x).get()

    assert grad(f)(2.0, namespace["Base"]) == 2.0
