"""The sweep: each instruction hands what flowed into its result on to what it read."""
# ruff: noqa: E501

from __future__ import annotations

import math

import numpy as np
import pytest

from diffcompile import grad, value_and_grad, vjp
from diffcompile.differentiate.derive import gradient
from graphs import body, lowered, written


def adjoint(text: str) -> str:
    """The backward half of the gradient with respect to the first parameter."""
    graph = lowered(written(text))
    result = graph.region.results[0]
    found = gradient(graph, [graph.params[0]], result, [result], True)
    return body(found).partition("backward_begins()\n")[2]


def test_the_chain_rule_last_line_first() -> None:
    text = adjoint("def f(x):\n    a = np.sin(x)\n    b = np.exp(a)\n    return b")

    assert "np.cos(x)" in text
    assert text.index("operator.mul") <= text.index("yield")
    assert text.count("operator.mul") == 1


def test_what_does_not_reach_the_result_has_no_adjoint() -> None:
    assert "np.cos" not in adjoint("def f(x):\n    a = np.sin(x)\n    return np.exp(x)")


def test_what_does_not_vary_has_no_adjoint() -> None:
    assert "np.cos" not in adjoint("def f(x, k):\n    a = np.sin(k)\n    return a * x")


def test_a_result_that_is_the_input() -> None:
    assert grad(written("def f(x): return x"))(2.0) == 1.0


def test_a_result_that_does_not_depend_on_the_input() -> None:
    assert grad(written("def f(x): return 3.0"))(2.0) == 0.0
    np.testing.assert_array_equal(grad(written("def f(x, y): return np.sum(y)"))(np.ones(3), np.ones(2)), np.zeros(3))


def test_cotangents_of_a_shared_value_are_added() -> None:
    assert grad(written("def f(x):\n    y = x * x\n    return y + 3.0 * y + y * y"))(2.0) == 4 * 4 + 2 * 4 * 4


def test_a_million_inputs_take_one_backward_pass() -> None:
    derivative = grad(written("def f(x): return np.sum(x * x)"))

    np.testing.assert_array_equal(derivative(np.ones(10**6))[:3], [2.0, 2.0, 2.0])
    assert "for " not in derivative.source.split("# backward")[-1]


@pytest.mark.parametrize(
    ("text", "point", "expected"),
    [
        ("x**3", 2.0, (12.0, 12.0)),
        ("np.sin(x)", 0.5, (math.cos(0.5), -math.sin(0.5))),
        ("1.0 / x", 2.0, (-0.25, 0.25)),
        ("np.exp(x * x)", 0.5, (math.exp(0.25), 3.0 * math.exp(0.25))),
        ("abs(x)", -2.0, (-1.0, 0.0)),
        ("np.log(x)", 2.0, (0.5, -0.25)),
    ],
)
def test_the_gradient_of_the_gradient(text: str, point: float, expected: tuple[float, float]) -> None:
    first = grad(written(f"def f(x): return {text}"))

    assert (first(point), grad(first)(point)) == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_derivatives_of_higher_order(order: int) -> None:
    fn = written("def f(x): return np.sin(x)")
    for _ in range(order):
        fn = grad(fn)

    assert fn(0.7) == pytest.approx(math.sin(0.7 + order * math.pi / 2), rel=1e-13)


def test_a_pullback_is_linear_and_can_be_used_twice() -> None:
    out, pullback = vjp(written("def f(x, y): return x * np.sin(y)"), np.array([1.0, 2.0]), np.array([0.5, 0.3]))
    ct = np.array([3.0, -1.0])
    first, second = pullback(ct), pullback(2.0 * ct)

    np.testing.assert_allclose(2.0 * first[1], second[1], rtol=1e-15)
    np.testing.assert_allclose(first[0], ct * np.sin([0.5, 0.3]), rtol=1e-15)


def test_gradients_share_no_memory() -> None:
    x, y = np.ones(3), np.ones(3)
    _, (a, b) = value_and_grad(written("def f(x, y): return np.sum(x + y)"), argnums=(0, 1))(x, y)

    assert not any(np.shares_memory(p, q) for p, q in [(a, b), (a, x), (b, y), (a, y)])
    assert a.flags.writeable and b.flags.writeable


# Stationary points: what flows back is 0 by chance, behind a slice, a mask or a branch that might have made it so.
STATIONARY = {
    "a ratio": ("a = x / x[0]; return np.sum((a[1:] - 1.0) ** 2)", [2.0, 2.0, 3.0]),
    "a root": ("a = np.sqrt(x); return np.sum((a[1:] - 1.0) ** 2)", [2.0, 1.0, 3.0]),
    "a logarithm": ("a = np.log(x); return np.sum(np.where(x > 0.5, a, 0.0) ** 2)", [2.0, 1.0, 0.3]),
    "a power": ("a = x**1.5; return np.sum((a[1:] - 1.0) ** 2)", [2.0, 1.0, 3.0]),
    "an arc": ("a = np.arcsin(x); return np.sum(a[1:] ** 2)", [0.5, 0.0, -0.3]),
    "an exponential": ("a = np.exp(x); return np.sum((a[1:] - 1.0) ** 2)", [2.0, 0.0, 3.0]),
    "numbers": ("a = x[0] / x[1]; b = a if a > 0.3 else 0.0; return (b - 2.0) ** 2", [2.0, 1.0, 3.0]),
    "a number's root": ("a = math.sqrt(x[0]); b = a if a > 0.3 else 0.0; return (b - 1.0) ** 2", [1.0, 1.0, 3.0]),
}


@pytest.mark.parametrize("name", STATIONARY)
def test_the_hessian_at_a_stationary_point(name: str) -> None:
    text, at = STATIONARY[name]
    first = grad(written(f"def f(x): {text}", math=math))
    x = np.array(at)
    _, pullback = vjp(first, x)
    hessian = np.stack([np.reshape(pullback(row), 3) for row in np.eye(3)])
    expected = np.stack([(first(x + 1e-5 * row) - first(x - 1e-5 * row)) / 2e-5 for row in np.eye(3)])

    np.testing.assert_allclose(hessian, expected, rtol=1e-7, atol=1e-7)
    assert np.any(hessian)
