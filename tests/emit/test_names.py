"""Names: the user's first, a noun for the rest, a number only when two meet."""
# ruff: noqa: E501

from __future__ import annotations

import keyword
import re

import numpy as np
import pytest

from diffcompile import grad, value_and_grad
from diffcompile.emit.names import names, overlapping
from diffcompile.emit.nest import nested
from graphs import lowered, written


def named(text: str, taken: frozenset[str] = frozenset()) -> list[str]:
    graph = lowered(written(text))
    inside = nested(graph.region)
    return list(dict.fromkeys(names(graph.region, inside, set(taken)).values()))


def test_the_users_names_are_kept() -> None:
    assert named("def f(x):\n    wave = np.sin(x)\n    return wave * wave")[:2] == ["x", "wave"]


def test_versions_of_a_name_that_do_not_meet_share_it() -> None:
    assert named("def f(x):\n    y = np.sin(x)\n    y = y * y\n    return y * y").count("y") == 1


def test_a_loops_values_are_one_variable() -> None:
    found = named("def f(x):\n    s = x\n    for i in range(3):\n        s = s * 2.0\n    return s")

    assert not [n for n in found if n.startswith("s_")]


def test_a_taken_name_gets_a_number() -> None:
    found = named("def f(x):\n    wave = np.sin(x)\n    return wave * wave", frozenset({"wave"}))

    assert "wave" not in found and "wave_1" in found


def test_a_parameter_keeps_its_name_whatever_is_taken() -> None:
    assert named("def f(np_): return np_ * 2.0", frozenset({"np_"}))[0] == "np_"


@pytest.mark.parametrize(
    ("a", "b", "meet"),
    [([(0, 2)], [(2, 4)], False), ([(0, 3)], [(2, 4)], True), ([(0, 1), (6, 8)], [(2, 5)], False), ([], [(0, 9)], False)],
)
def test_stretches_that_touch_do_not_overlap(a: list[tuple[int, int]], b: list[tuple[int, int]], meet: bool) -> None:
    assert overlapping(a, b) is overlapping(b, a) is meet


PROGRAMS = {
    "shadowed builtins": "def f(x, len, sum):\n    range = x * len\n    return range * sum",
    "names of modules": "def f(x, math, numpy):\n    return x * math * numpy",
    "names we would choose": "def f(x, y):\n    x_bar = x * y\n    y_bar = x_bar * y\n    saved = y_bar * x\n    return saved * x_bar",
    "a value called value": "def f(x):\n    value = x * x\n    grad = value * x\n    return value * grad",
    "the function's own name": "def f(x):\n    f = x * x\n    f_grad = f * x\n    return f * f_grad",
    "underscores": "def f(_, __):\n    _x = _ * __\n    return _x * _",
    "unicode": "def f(θ):\n    größe = θ * θ\n    return größe * θ",
    "soft keywords": "def f(match, case):\n    type = match * case\n    return type * match",
    "a loop variable as a name": "def f(k):\n    s = k\n    for i in range(3):\n        s = s * np.sin(s) * k\n    return s",
}


@pytest.mark.parametrize("text", PROGRAMS.values(), ids=PROGRAMS)
def test_names_that_mean_something_else_elsewhere(text: str) -> None:
    fn = written(text)
    count = fn.__code__.co_argcount
    point = [1.3, 0.7, 2.1][:count]
    value, gradient = value_and_grad(fn, argnums=tuple(range(count)))(*point)

    assert value == fn(*point)
    for k in range(count):
        up, down = list(point), list(point)
        up[k] += 1e-6
        down[k] -= 1e-6
        assert gradient[k] == pytest.approx((fn(*up) - fn(*down)) / 2e-6, rel=1e-7)


def test_every_name_in_the_generated_code_can_be_written() -> None:
    derivative = grad(written("def f(x):\n    for i in range(3):\n        x = np.tanh(x * x) + x\n    return x.sum()"))
    derivative(np.ones(2))

    found = set(re.findall(r"[A-Za-z_]\w*", derivative.source))
    assert not [n for n in found if not n.isidentifier()]
    assert not {n for n in found if keyword.iskeyword(n)} - {"def", "for", "in", "return", "import", "as", "of", "with", "from", "is", "and"}
