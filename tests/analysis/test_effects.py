"""What may raise what, and what may therefore not be dropped."""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np
import pytest

from diffcompile.analysis.effects import catchable, may_raise, pure
from diffcompile.ir.graph import Call, Const, If, Region, Try, Value
from diffcompile.ir.types import BOOL, FLOAT, INT, Type, array
from graphs import lowered, written

F = np.dtype(np.float64)
ROW = array(F, (3,))


def call(fn: Any, *kinds: Type) -> Call:
    return Call((Value("out"),), fn, tuple(Value("a", kind) for kind in kinds))


@pytest.mark.parametrize(
    ("instr", "classes", "expected"),
    [
        (call(math.sqrt, FLOAT), (ValueError,), True),
        (call(operator.mul, FLOAT, FLOAT), (Exception,), False),
        (call(operator.truediv, FLOAT, FLOAT), (ZeroDivisionError,), True),
        (call(operator.truediv, FLOAT, FLOAT), (ValueError,), False),
        (call(operator.pow, FLOAT, INT), (OverflowError,), True),
        (call(operator.truediv, ROW, ROW), (FloatingPointError,), True),
        (call(operator.truediv, ROW, FLOAT), (ValueError,), False),
        (call(operator.add, ROW, ROW), (ValueError,), True),
        (call(operator.add, ROW, ROW), (np.linalg.LinAlgError,), False),
        (call(np.linalg.inv, array(F, (3, 3))), (np.linalg.LinAlgError,), True),
        (call(ValueError, FLOAT), (Exception,), False),
        (Call((), print, (Value("a", FLOAT),)), (BaseException,), False),
    ],
)
def test_what_may_raise_what(instr: Call, classes: tuple[type[BaseException], ...], expected: bool) -> None:
    assert catchable(instr, classes) == expected


def test_what_may_raise_inside_a_try_is_kept() -> None:
    text = "def f(x):\n    try:\n        y = int(x)\n    except ValueError:\n        pass\n    return x"
    graph = lowered(written(text))

    assert [value.name for value in may_raise(graph.region)] == ["y"]


def test_a_test_of_an_array_is_kept() -> None:
    empty = Region((), (), ())

    assert not pure(If((), Value("t", array(np.dtype(bool), (3,))), empty, empty))
    assert pure(If((), Value("t", BOOL), empty, empty))


def test_a_manager_that_only_silences_may_be_dropped() -> None:
    body = Region((Value("entered"),), (), ())

    assert pure(Try((Value("error"),), body, (), (), Value("m"), True))
    assert not pure(Try((Value("error"),), body, (), (), Value("m"), False))
    assert pure(Try((Value("error"),), Region((), (), ()), (), (ValueError,), Const(None)))
