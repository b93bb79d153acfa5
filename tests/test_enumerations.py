"""Members of enumerations, and numbers of classes of their own: constants that are spelled by their names."""

from __future__ import annotations

import math
from enum import Enum, Flag, IntEnum, IntFlag
from typing import Any

import numpy as np
import pytest

from diffcompile import UnsupportedSyntax, grad, jvp, value_and_grad
from oracles import assert_every_mode

X = np.array([1.1, 0.7, 1.6])
V = np.array([0.3, -1.2, 0.5])


class Axis(IntEnum):
    A = 1
    B = 2


class Speed(Enum):
    SLOW = 1.5
    FAST = 2.5

    def scaled(self, x: Any) -> Any:
        return x * self.value


class Right(Flag):
    READ = 1
    WRITE = 2


class Bit(IntFlag):
    ONE = 1
    TWO = 2


class Name(str, Enum):  # noqa: UP042
    SIN = "sin"
    COS = "cos"


class Number(float, Enum):
    LARGE = 3.25


class Count(int):
    pass


class Odd(int):
    def __mul__(self, other: Any) -> Any:
        return other * 100

    __rmul__ = __mul__


THREE = Count(3)
ODD = Odd(2)


def arithmetic(x: Any) -> Any:
    y = x[0] * (Axis.A + Axis.B) / Axis.B - Axis.B * x[1]
    return y + -Axis.A * x[2] ** Axis.B + x[1] ** Axis.B + Number.LARGE * x[0] ** 2 + THREE * x[1] * x[2]


def index(x: Any) -> Any:
    items = []
    for i in range(3):
        items.append(x[i] * x[i])
    items[Axis.A] = items[Axis.A] * 3
    return items[Axis.B] * x[Axis.A] + items[-Axis.A] * items[1]


def axis(x: Any) -> Any:
    return np.sum(np.sum(np.outer(x, x * x), axis=Axis.A) * x) + np.zeros((Axis.B, Axis.B)).sum()


def keys(x: Any) -> Any:
    d = {Axis.A: x[0], Axis.B: x[1]}
    e = {Speed.SLOW: x[0], Speed.FAST: x[1] * x[2]}
    s = d[1] * d[Axis.B]
    for speed in Speed:
        s += e[speed] * speed.value
    return s


def keys_that_are_computed(x: Any) -> Any:
    d = {}
    for i in range(4):
        d[Axis.A if i % 2 else Axis.B] = x[0] * i * x[1]
    for a in Axis:
        d[a] = d[a] * x[a]
    return d[Axis.A] + d[Axis.B] ** 2


def compared(x: Any) -> Any:
    state = Speed.SLOW
    y = x[0]
    for v in x:
        if state is Speed.SLOW:
            y = y * v
            state = Speed.FAST
        else:
            y = y + v**2 * state.value
            state = Speed.SLOW
    match Axis(2):
        case Axis.A:
            return y
        case Axis.B:
            return y * x[2] if Name.SIN == "sin" else y


def chosen(x: Any) -> Any:
    a = Axis.B if x[0] > 0 else Axis.A
    s = Speed.FAST if x[1] > 5 else Speed.SLOW
    return x[0] ** 2 * a + x[1] ** 2 * s.value + x[2] ** 2 * (Bit.ONE | Bit.TWO)


def flags(x: Any) -> Any:
    rights = Right.READ | Right.WRITE
    return np.sum(x**2) * rights.value if rights & Right.READ else np.sum(x)


def names_and_methods(x: Any) -> Any:
    f = getattr(np, Name.COS.value)
    return np.sum(f(x)) * (1 if Axis.B.name == "B" else 0) + Speed.FAST.scaled(x[0] ** 2) * len(Axis)


PROGRAMS = [
    arithmetic, index, axis, keys, keys_that_are_computed, compared, chosen, flags, names_and_methods,
]  # fmt: skip


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda f: f.__name__)
def test_members_of_enumerations_are_constants(program: Any) -> None:
    assert_every_mode(program, X, V)


def test_member_is_spelled_by_its_name() -> None:
    def f(x: Any) -> Any:
        y = np.sum(x, axis=Axis.A)
        return np.sum(y**2)

    derivative = value_and_grad(f)
    derivative(np.ones((2, 3)))

    assert "axis=Axis.A" in derivative.source
    assert "<Axis" not in derivative.source


def test_derivative_by_a_factor_that_is_a_member_is_a_number() -> None:
    products = (lambda x: Axis.B * x, lambda x: Number.LARGE * x, lambda x: x * THREE)
    slopes = [grad(product)(1.5) for product in products]

    assert slopes == [2.0, 3.25, 3.0]
    assert {type(slope) for slope in slopes} == {float}


def test_members_are_arguments_and_keys_of_arguments() -> None:
    def f(x: Any, speed: Speed) -> Any:
        return x * x if speed is Speed.FAST else x

    def g(d: Any) -> Any:
        return d[Axis.A] * d[Axis.B]

    assert (grad(f)(2.0, Speed.FAST), grad(f)(2.0, Speed.SLOW)) == (4.0, 1.0)
    assert grad(g)({Axis.A: 2.0, Axis.B: 3.0}) == {Axis.A: 3.0, Axis.B: 2.0}


def test_number_of_a_class_with_its_own_operators_is_refused() -> None:
    def f(x: Any) -> Any:
        return ODD * x

    for derivative in (grad(f), lambda x: jvp(f, (x,), (1.0,))):
        with pytest.raises(UnsupportedSyntax) as refused:
            derivative(1.5)

        assert refused.value.reason == "a number of class `Odd`, which has its own `__mul__`"
        assert refused.value.remedy == "Make the class one that is no number, or convert it: `float(...)`."


def test_default_that_is_a_member_or_infinite_is_written_with_its_import() -> None:
    def f(x: Any, k: Any = Axis.B, most: Any = math.inf) -> Any:
        return k * x * x if x < most else x

    assert grad(f)(1.5) == 6.0
    assert jvp(f, (1.5,), (1.0,)) == (4.5, 6.0)
