"""The name `_`, which generated code gives to what is not read, in programs that read it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from oracles import assert_every_mode

X = np.array([0.3, -0.8, 0.5])
V = np.array([1.0, 2.0, -0.4])


def read_after_a_loop(x):
    _ = np.sin(x)
    for i in range(3):  # noqa: B007
        x = 2 * x
    return np.sum(_ * x)


def a_parameter(_):
    s = 0.0
    for i in range(3):  # noqa: B007
        s = s + _ * _
    return np.sum(s * np.sin(_))


def several(x):
    __ = x * 2
    _ = np.sin(__)
    a, _ = _, __
    for _ in range(2):
        a = a * x
    return np.sum(a) + _


def pairs_of_which_one_is_read(x):
    cache = []
    for _ in range(4):
        h = np.tanh(x)
        cache.append((h, h))
    return np.mean([a.sum() for a, _ in cache])


def in_a_comprehension(x):
    return sum(_ * _ for _ in x) + sum([a * _ for a, _ in zip(x, x[::-1], strict=True)])


@pytest.mark.parametrize(
    "f", [read_after_a_loop, a_parameter, several, pairs_of_which_one_is_read, in_a_comprehension]
)
def test_derivatives(f: Callable[[Any], Any]) -> None:
    assert_every_mode(f, X, V)
