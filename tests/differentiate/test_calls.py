"""The adjoint of a call: a rule, the adjoint of the function called, or what is missing."""
# ruff: noqa: E501

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from diffcompile import defvjp, grad, value_and_grad, vjp
from diffcompile.differentiate.rule import positions
from diffcompile.errors import NoRule
from diffcompile.ir.graph import Const
from graphs import written

HELPER = "def helper(y, k):\n    for i in range(3):\n        y = np.sin(y) * k\n    return y\n"


def differences(fn: Any, *args: float) -> list[float]:
    found = []
    for k in range(len(args)):
        up, down = list(args), list(args)
        up[k] += 1e-6
        down[k] -= 1e-6
        found.append((fn(*up) - fn(*down)) / 2e-6)
    return found


@pytest.mark.parametrize(
    "text",
    [
        "helper(x, k)",
        "helper(x, 2.0)",
        "helper(2.0, x) * k",
        "helper(x, x) * k",
        "helper(helper(x, k), x)",
        "helper(x, k) * helper(k, x)",
        "helper(k=k, y=x)",
        "helper(*(x, k))",
        "helper(**{'y': x, 'k': k})",
        "sum([helper(v, k) for v in (x, k, 1.0)])",
    ],
)
def test_a_called_function(text: str) -> None:
    fn = written(f"{HELPER}def f(x, k): return {text}", "f")
    value, gradient = value_and_grad(fn, argnums=(0, 1))(0.7, 1.3)

    assert value == fn(0.7, 1.3)
    assert gradient == pytest.approx(differences(fn, 0.7, 1.3), rel=1e-7, abs=1e-9)


def test_a_called_function_has_one_adjoint_for_all_its_calls() -> None:
    calls = " + ".join(f"helper({k}.0 * x, k)" for k in range(1, 6))
    derivative = grad(written(f"{HELPER}def f(x, k): return {calls}", "f"))
    derivative(0.7, 1.3)

    assert derivative.source.count("def helper_backward") <= 1


@pytest.mark.parametrize(
    "text",
    [
        "def f(x, k): return x if k < 1.0 else f(x * 0.5, k - 1.0) * x",
        "def even(x, n): return x if n == 0 else odd(np.sin(x), n - 1)\n"
        "def odd(x, n): return 2.0 * x if n == 0 else even(x * x, n - 1)\n"
        "def f(x, k): return even(x, 3) * k",
    ],
)
def test_recursion(text: str) -> None:
    fn = written(text, "f")

    assert grad(fn)(0.7, 3.5) == pytest.approx(differences(fn, 0.7, 3.5)[0], rel=1e-7)


def test_a_function_given_as_an_argument() -> None:
    fn = written("def f(g, x): return g(g(x))")
    double, square = written("def d(x): return 2.0 * x"), written("def s(x): return x * x")
    derivative = grad(fn, argnums="x")

    assert [derivative(g, 3.0) for g in (double, square, np.negative)] == [4.0, 4 * 27.0, 1.0]


def test_a_gradient_called_inside() -> None:
    fn = written("def g(y): return y**3\ndef f(x): return x * grad(g)(x)", "f", grad=grad)

    assert grad(fn)(2.0) == pytest.approx(9 * 4.0)


def test_a_rule_of_the_users_is_used_as_it_is_given() -> None:
    fast = written("def fast(x, k): return x**2 * k")
    defvjp(fast)(written("def _(ct, out, x, k): return ct * 10.0 * x, None"))
    fn = written("def f(x, k): return fast(x, k)", fast=fast)

    assert grad(fn)(3.0, 1.0) == 30.0


def test_a_rule_may_be_declared_again() -> None:
    fast = written("def fast(x): return x**2")
    fn = written("def f(x): return fast(x)", fast=fast)
    derivative = grad(fn)
    defvjp(fast)(written("def _(ct, out, x): return ct * 10.0"))
    assert derivative(3.0) == 10.0
    defvjp(fast)(written("def _(ct, out, x): return ct * 20.0"))

    assert derivative(3.0) == 20.0


@pytest.mark.parametrize("text", ["np.sum(x, 0)", "np.sum(axis=0, a=x)", "np.sum(x, axis=0, keepdims=True)", "x.sum(0)"])
def test_arguments_reach_the_rule_by_position_and_by_name(text: str) -> None:
    gradient = grad(written(f"def f(x, w): return np.sum({text} * w)"))(np.ones((2, 3)), np.arange(3.0))

    np.testing.assert_array_equal(gradient, np.tile(np.arange(3.0), (2, 1)))


def test_positions_follow_the_rules_own_parameters() -> None:
    def rule(ct: Any, out: Any, a: Any, axis: Any = None, *rest: Any) -> Any: ...

    a, axis = Const(1.0), Const(0)
    assert positions(rule, (a,), {"axis": axis}, 2) == [a, axis]
    assert positions(rule, (a,), {}, 2) == [a, None]
    assert positions(rule, (a, axis, a, a), {}, 2) == [a, axis, a, a]


def test_a_repeated_index_adds_up() -> None:
    fn = written("def f(x, i): return np.sum(x[i] * np.arange(1.0, 4.0))")

    np.testing.assert_array_equal(grad(fn)(np.ones(3), np.array([0, 0, 2])), [3.0, 0.0, 3.0])


@pytest.mark.parametrize("call", ["np.full((2, 3), x)", "np.full_like(np.ones((2, 3)), x)", "np.where(True, x, 0.0)"])
def test_every_argument_that_counts_has_its_cotangent(call: str) -> None:
    fn = written(f"def f(x): return np.sum({call})")

    assert grad(fn)(2.0) == pytest.approx(differences(fn, 2.0)[0])


@pytest.mark.parametrize("call", ["np.linalg.norm(a, x)", "np.percentile(a, x)", "np.sum(a, initial=x)", "np.clip(a, x, None).sum()"])
def test_an_argument_without_a_derivative_is_refused_or_right_but_never_zero(call: str) -> None:
    fn = written(f"def f(x, a): return {call}")
    a = np.array([0.5, 2.5, 4.5])
    expected = (fn(3.0 + 1e-6, a) - fn(3.0 - 1e-6, a)) / 2e-6
    try:
        actual = grad(fn)(3.0, a)
    except NoRule:
        return
    assert actual == pytest.approx(expected, rel=1e-5)


def test_a_pullback_of_several_results() -> None:
    out, pullback = vjp(written("def f(x, y): return x * y, {'s': x + y}"), 2.0, 3.0)

    assert out == (6.0, {"s": 5.0})
    assert pullback((1.0, {"s": 10.0})) == (13.0, 12.0)
