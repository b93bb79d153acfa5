"""The adjoint of a branch is a branch on the same test, that of a loop a loop over the same turns."""
# ruff: noqa: E501

from __future__ import annotations

import sys
from types import FrameType
from typing import Any

import numpy as np
import pytest

from diffcompile import grad, value_and_grad
from differing import assert_right
from graphs import written

PROGRAMS = {
    "a branch": "y = x * k if x > k else x + k\nreturn y * y",
    "a branch that one input does not reach": "if x > 1.0:\n    y = x * x\nelse:\n    y = k\nreturn y * x",
    "a branch on what it changes": "if x > 1.0:\n    x = x * 2.0\nreturn x * x",
    "branches in branches": "if x > 0.5:\n    if k > 0.5:\n        y = x * k\n    else:\n        y = x\nelse:\n    y = k\nreturn y * x",
    "a loop": "s = x\nfor i in range(4):\n    s = s * np.sin(s) + k\nreturn s",
    "a loop that did not run": "s = x\nfor i in range(0):\n    s = s * s\nreturn s * x",
    "a while": "s = x\nwhile s < 30.0:\n    s = s * s + k\nreturn s",
    "a loop left early": "s = x\nfor i in range(9):\n    s = s * s + k\n    if s > 9.0:\n        break\nreturn s * x",
    "a loop in a loop": "s = x\nfor i in range(3):\n    for j in range(i):\n        s = np.sin(s) * x + k\nreturn s",
    "a loop in a branch in a loop": (
        "s = x\nfor i in range(4):\n    if i % 2:\n        for j in range(2):\n            s = s * np.cos(s) + k\n"
        "    else:\n        s = s + x\nreturn s"
    ),
    "an accumulation outside the loop": "s = 0.0\nfor i in range(4):\n    s = s + np.sin(x * i) * k\nreturn s",
    "a value carried through untouched": "a, s = k, x\nfor i in range(3):\n    s = s * a\nreturn s * a",
    "two values exchanged": "a, b = x, k\nfor i in range(5):\n    a, b = b, np.sin(a) * b\nreturn a * b",
}  # fmt: skip
POINTS = [(1.7, 0.6), (0.3, 0.9), (1.2, 1.3)]


@pytest.mark.parametrize("text", PROGRAMS.values(), ids=PROGRAMS)
def test_first_and_second_derivatives_agree_with_differences(text: str) -> None:
    fn = written("def f(x, k):\n" + "".join(f"    {line}\n" for line in text.splitlines()))
    both = value_and_grad(fn, argnums=(0, 1))
    seconds = [grad(grad(fn, argnums=k), argnums=k) for k in (0, 1)]
    h = 1e-5
    for point in POINTS:
        value, gradient = both(*point)
        assert value == fn(*point)
        for k in (0, 1):
            up, down = list(point), list(point)
            up[k] += h
            down[k] -= h
            assert gradient[k] == pytest.approx((fn(*up) - fn(*down)) / (2 * h), rel=1e-5, abs=1e-6)
            second = (both(*up)[1][k] - both(*down)[1][k]) / (2 * h)
            assert seconds[k](*point) == pytest.approx(second, rel=1e-5, abs=1e-6)


def test_a_branch_is_run_once(capsys: pytest.CaptureFixture[str]) -> None:
    fn = written("def f(x):\n    if x > 1.0:\n        print('then')\n        y = x * x\n    else:\n        y = x\n    return y")

    assert grad(fn)(2.0) == 4.0
    assert capsys.readouterr().out == "then\n"


@pytest.mark.parametrize(("x", "expected"), [(2.0, 0.0), (-2.0, 1.0)])
def test_the_branch_not_taken_contributes_nothing_not_even_nan(x: float, expected: float) -> None:
    fn = written("def f(x):\n    return np.sqrt(x - x) * 0.0 if x > 0.0 and x < 0.0 else (x if x < 0.0 else 1.0)")

    assert grad(fn)(x) == expected


def test_an_array_indexed_in_a_loop_is_one_buffer() -> None:
    derivative = grad(written("def f(x):\n    s = 0.0\n    for i in range(len(x)):\n        s = s + x[i] * x[i]\n    return s"))

    np.testing.assert_array_equal(derivative(np.arange(4.0)), 2 * np.arange(4.0))
    assert derivative.source.count("np.zeros_like(x)") == 1


def test_a_long_loop_costs_linear_time() -> None:
    fn = written("def f(x, n):\n    s = x\n    for i in range(n):\n        s = np.sin(s) + x\n    return s")

    def lines(derivative: object, n: int) -> int:
        """How many lines of generated code a call runs."""
        derivative(0.5, n)  # type: ignore[operator]
        count = 0

        def trace(frame: FrameType, event: str, arg: object) -> object:
            nonlocal count
            count += event == "line" and frame.f_code.co_filename.startswith("<diffcompile")
            return trace

        sys.settrace(trace)
        try:
            derivative(0.5, n)  # type: ignore[operator]
        finally:
            sys.settrace(None)
        return count

    for derivative in (grad(fn), grad(grad(fn))):
        assert lines(derivative, 800) <= 8 * lines(derivative, 100)


def table_of_maxima(x):
    best = np.zeros(5)
    for value in x:
        for c in range(4, 0, -1):
            best[c] = max(best[c], best[c - 1] + value)
    return best[4] ** 2 + np.sum(best)


def table_of_maxima_left_early(x):
    best = np.zeros(5)
    for value in x:
        if value > 2.0:
            break
        for c in range(4, 0, -1):
            best[c] = max(best[c], best[c - 1] + value)
            if best[c] > 9.0:
                break
    return best[4] ** 2 + np.sum(best)


def three_deep(x):
    best = np.ones(3)
    for value in x:
        for k in range(2):
            for c in range(2, 0, -1):
                best[c] = min(best[c] + 1.0, best[c - 1] * value)
    return best[2] ** 2 * np.sum(best)


@pytest.mark.parametrize("fn", [table_of_maxima, table_of_maxima_left_early, three_deep])
def test_second_derivative_where_nothing_flows_back_to_what_an_inner_loop_saved(fn: Any) -> None:
    assert_right(fn, np.array([1.3, 1.75, 0.9, 2.5, 1.1]))
