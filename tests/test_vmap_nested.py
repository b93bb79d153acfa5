"""`vmap` inside a function that is differentiated, around derivatives and inside of them.

What it gives is written out here as a loop over the rows, and derivatives of the one are those of the other.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from diffcompile import (
    DiffCompileError,
    UnsupportedSyntax,
    WrongArgument,
    grad,
    hessian,
    jacfwd,
    jacobian,
    jacrev,
    jvp,
    linearize,
    value_and_grad,
    vjp,
    vmap,
)
from graphs import written
from oracles import flatten, numeric_gradient
from test_jacobian import FUNCTIONS
from test_vmap import assert_same, rows_of, stacked

RNG = np.random.default_rng(5)
X, W = RNG.normal(size=(4, 3)), RNG.normal(size=3)
each = pytest.mark.parametrize("k", range(len(FUNCTIONS)))


def weights(x: Any) -> Any:
    return np.sin(1.0 + np.arange(np.size(x))).reshape(np.shape(x))


def total(out: Any) -> Any:
    """A number that every number of a result moves."""
    return np.sum(out * np.sin(1.0 + np.arange(np.size(out))).reshape(np.shape(out)))


def loss(w: Any, x: Any) -> Any:
    return np.sin(x @ w) ** 2 + np.sum(w * x) ** 3


@each
@pytest.mark.parametrize("count", [1, 3])
def test_gradient_through_the_rows_is_that_of_each(k: int, count: int) -> None:
    f, x = FUNCTIONS[k]
    rows = rows_of(x, count)
    ct = weights(stacked([f(row) for row in rows]))
    expected = stacked([vjp(f, row)[1](c)[0] for row, c in zip(rows, ct, strict=True)])

    inside = grad(lambda rows: np.sum(vmap(f)(rows) * ct))(rows)
    np.testing.assert_allclose(inside, expected, rtol=1e-9, atol=1e-11)
    np.testing.assert_allclose(vjp(vmap(f), rows)[1](ct)[0], expected, rtol=1e-9, atol=1e-11)


@each
def test_direction_through_the_rows_is_that_of_each(k: int) -> None:
    f, x = FUNCTIONS[k]
    rows = rows_of(x, 3)
    v = weights(rows)
    expected = stacked([jvp(f, (row,), (d,))[1] for row, d in zip(rows, v, strict=True)])

    np.testing.assert_allclose(jvp(vmap(f), (rows,), (v,))[1], expected, rtol=1e-9, atol=1e-11)
    np.testing.assert_allclose(linearize(vmap(f), rows)[1](v), expected, rtol=1e-9, atol=1e-11)


@each
def test_rows_of_jacobians_and_the_jacobian_of_rows(k: int) -> None:
    f, x = FUNCTIONS[k]
    rows = rows_of(x, 2)
    expected = stacked([jacfwd(f)(row) for row in rows])

    np.testing.assert_allclose(vmap(jacrev(f))(rows), expected, rtol=1e-9, atol=1e-11)
    found = jacfwd(lambda r: vmap(f)(r))(rows)
    for n in range(2):
        block = np.take(found[n], n, axis=found[n].ndim - rows.ndim)
        np.testing.assert_allclose(block, expected[n], rtol=1e-9, atol=1e-11)


@each
def test_rows_of_hessians(k: int) -> None:
    f, x = FUNCTIONS[k]
    rows = rows_of(x, 2)

    def g(row):
        return total(f(row))

    try:
        found = vmap(hessian(g))(rows)
    except DiffCompileError as error:
        assert k in (20,), error
        return
    np.testing.assert_allclose(found, stacked([hessian(g)(row) for row in rows]), rtol=1e-8, atol=1e-9)


def test_gradient_of_a_sum_over_samples() -> None:
    expected = sum(grad(loss)(W, x) for x in X)

    np.testing.assert_allclose(grad(lambda w: np.sum(vmap(lambda x: loss(w, x))(X)))(W), expected)
    np.testing.assert_allclose(grad(lambda w: np.sum(vmap(loss, in_axes=(None, 0))(w, X)))(W), expected)


def test_gradients_of_each_sample_are_differentiated() -> None:
    def spread(w):
        slopes = vmap(grad(loss), in_axes=(None, 0))(w, X)
        return np.sum((slopes - np.mean(slopes, axis=0)) ** 2)

    def by_hand(w):
        slopes = np.stack([grad(loss)(w, x) for x in X])
        return np.sum((slopes - np.mean(slopes, axis=0)) ** 2)

    value, gradient = value_and_grad(spread)(W)
    slope, error = numeric_gradient(by_hand, lambda: (W.copy(),), 0)
    np.testing.assert_allclose(value, by_hand(W))
    np.testing.assert_allclose(gradient, slope, rtol=1e-6, atol=10 * float(np.max(error)))


def test_rows_inside_of_rows_and_derivatives_between_them() -> None:
    def inner(w, x):
        return grad(lambda v: np.sum(vmap(lambda s: np.sin(s * v @ x))(np.arange(3.0))))(w)

    def f(ws):
        return np.sum(vmap(lambda w: vmap(lambda x: inner(w, x))(X))(ws) ** 2)

    def by_hand(ws):
        return sum(
            np.sum(sum(s * np.cos(s * (w @ x)) * x for s in np.arange(3.0)) ** 2) for w in ws for x in X
        )

    ws = RNG.normal(size=(2, 3)) * 0.3
    value, gradient = value_and_grad(f)(ws)
    slope, _ = numeric_gradient(by_hand, lambda: (ws.copy(),), 0)
    np.testing.assert_allclose(value, by_hand(ws))
    np.testing.assert_allclose(gradient, slope, rtol=1e-6)


@pytest.mark.parametrize("count", [1, 2, 5])
@pytest.mark.parametrize("inner", [1, 2, 5])
def test_numbers_of_rows_are_told_apart(count: int, inner: int) -> None:
    """Lengths that are 1 in one of two maps, and not in the other."""
    a, b = RNG.normal(size=(count, 3)), RNG.normal(size=(inner, 3))

    def f(a, b):
        table = vmap(lambda u: vmap(lambda v: np.sin(u @ v) * u)(b))(a)
        return np.sum(table * np.cos(table))

    def by_hand(a, b):
        table = np.stack([np.stack([np.sin(u @ v) * u for v in b]) for u in a])
        return np.sum(table * np.cos(table))

    value, found = value_and_grad(f, argnums=(0, 1))(a, b)
    expected = grad(by_hand, argnums=(0, 1))(a, b)
    np.testing.assert_allclose(value, by_hand(a, b))
    np.testing.assert_allclose(flatten(found), flatten(expected), rtol=1e-10, atol=1e-12)


def test_rows_are_taken_in_a_loop_and_in_a_branch() -> None:
    f = written("""
    def f(w, xs, n):
        s = 0.0
        for k in range(n):
            step = vmap(lambda x: np.tanh(x * s) @ w + s)
            if k % 2 == 0:
                s = s * 0.5 + np.sum(step(xs)) * 0.1
            else:
                s = s + np.prod(step(xs[:2]))
            w = w * np.cos(s)
        return s
    """, vmap=vmap)  # fmt: skip
    by_hand = written("""
    def f(w, xs, n):
        s = 0.0
        for k in range(n):
            if k % 2 == 0:
                s = s * 0.5 + sum([np.tanh(x * s) @ w + s for x in xs]) * 0.1
            else:
                s = s + np.prod(np.array([np.tanh(x * s) @ w + s for x in xs[:2]]))
            w = w * np.cos(s)
        return s
    """)

    expected = grad(by_hand, argnums=(0, 1))(W, X, 4)
    np.testing.assert_allclose(flatten(grad(f, argnums=(0, 1))(W, X, 4)), flatten(expected), rtol=1e-10)


@pytest.mark.parametrize(("axis", "out"), [(0, 0), (1, 0), (-1, 1), (1, -1)])
def test_axes_of_arguments_and_of_results(axis: int, out: int) -> None:
    rows = np.moveaxis(X, 0, axis)

    def f(w, rows):
        return total(vmap(lambda w, x: np.outer(w, x) * x, in_axes=(None, axis), out_axes=out)(w, rows))

    def by_hand(w, rows):
        found = np.stack([np.outer(w, x) * x for x in np.moveaxis(rows, axis, 0)], axis=out)
        return total(found)

    expected = grad(by_hand, argnums=(0, 1))(W, rows)
    np.testing.assert_allclose(flatten(grad(f, argnums=(0, 1))(W, rows)), flatten(expected), rtol=1e-12)


def test_containers_in_and_out() -> None:
    def row(p, n):
        return {"y": p["w"] * p["b"][0], "z": (np.sum(p["w"]) * n, 2.0, n), "k": "name"}

    def f(p):
        out = vmap(row)(p, 3)
        sums, twos, n = out["z"]
        return np.sum(out["y"] ** 2) + np.sum(sums * np.arange(4.0)) + np.sum(twos) + n[0]

    p = {"w": X, "b": [np.arange(4.0)]}
    value, found = value_and_grad(f)(p)

    assert value == pytest.approx(
        np.sum((X * np.arange(4.0)[:, None]) ** 2) + 3 * np.sum(X.sum(axis=1) * np.arange(4.0)) + 8.0 + 3
    )
    k = np.arange(4.0)[:, None]
    np.testing.assert_allclose(found["w"], 2 * X * k**2 + 3 * k)
    np.testing.assert_allclose(found["b"][0], np.sum(2 * X**2 * k, axis=1))


def test_a_loop_left_early_row_by_row_is_differentiated() -> None:
    f = written("""
    def f(x):
        n = 0
        while x > 1.0:
            x = x * x * 0.3
            n = n + 1
            if n > 4:
                break
        return np.sin(x)
    """)
    x = np.array([0.5, 2.0, 3.0, 1.1])

    np.testing.assert_allclose(grad(lambda x: np.sum(vmap(f)(x)))(x), [grad(f)(v) for v in x])
    np.testing.assert_allclose(np.diag(jacobian(vmap(f))(x)), [grad(f)(v) for v in x])
    np.testing.assert_allclose(vmap(grad(grad(f)))(x), [grad(grad(f))(v) for v in x])


def test_a_map_of_a_map() -> None:
    each_pair = vmap(vmap(loss, in_axes=(None, 0)), in_axes=(0, None))
    ws = RNG.normal(size=(2, 3))

    assert_same(each_pair(ws, X), np.array([[loss(w, x) for x in X] for w in ws]))
    found = grad(lambda ws: np.sum(each_pair(ws, X) ** 2))(ws)
    one = grad(lambda w: sum(loss(w, x) ** 2 for x in X))
    np.testing.assert_allclose(found, stacked([one(w) for w in ws]))


def test_the_map_of_a_method_and_of_a_default() -> None:
    class Scale:
        def __init__(self, k):
            self.k = k

        def apply(self, x, *, power=2):
            return np.sum(x**power) * self.k

    scale = Scale(3.0)

    np.testing.assert_allclose(grad(lambda x: np.sum(vmap(scale.apply)(x)))(X), 6.0 * X)
    cubes = grad(lambda x: np.sum(vmap(lambda r: scale.apply(r, power=3))(x)))
    np.testing.assert_allclose(cubes(X), 9.0 * X**2)


@pytest.mark.parametrize(
    ("f", "error", "message"),
    [
        (lambda x: np.sum(vmap(lambda r: r * 2.0)(x[0, 0])), WrongArgument, "`vmap` needs an array that has"),
        (
            lambda x: np.sum(vmap(lambda r, k: r * k, in_axes=(0, 0))(x, 2.0)), WrongArgument,
            "`k` is a number, which has no rows",
        ),
        (lambda x: np.sum(vmap(lambda r: r, in_axes=2)(x)), WrongArgument, "`r` has 2 axes, and is mapped"),
        (lambda x: np.sum(vmap(lambda r: r, in_axes=(0, 0))(x)), WrongArgument, "`in_axes` has 2 entries"),
    ],
)  # fmt: skip
def test_what_has_no_rows_is_refused(f: Any, error: Any, message: str) -> None:
    with pytest.raises(error) as caught:
        grad(f)(X)

    assert str(caught.value).startswith(message), caught.value


def test_different_numbers_of_rows_are_noticed() -> None:
    f = grad(lambda x, y: np.sum(vmap(lambda a, b: a * b)(x, y)))

    assert f(X, X).shape == X.shape
    with pytest.raises(ValueError, match="what is mapped has different numbers of rows: 4, 1"):
        f(X, X[:1])


def test_a_function_that_writes_into_its_rows_is_refused_inside() -> None:
    f = written("""
    def f(x):
        y = x * 1.0

        def change(r):
            r[0] = 0.0
            return np.sum(r)
        return np.sum(vmap(change)(y)) + np.sum(y)
    """, vmap=vmap)  # fmt: skip
    with pytest.raises(UnsupportedSyntax) as caught:
        grad(f)(X)

    assert caught.value.reason == "`change`, which is mapped over rows, writes into its arguments"


# -- `linearize` inside --------------------------------------------------------------------------------------


def test_linearize_inside_a_function_is_differentiated() -> None:
    def f(x, v):
        value, push = linearize(lambda x: np.sin(x) * x[0], x)
        return np.sum(push(v) * push(x)) + np.sum(value)

    def by_hand(x, v):
        def derivative(d):
            return np.cos(x) * d * x[0] + np.sin(x) * d[0]

        return np.sum(derivative(v) * derivative(x)) + np.sum(np.sin(x) * x[0])

    expected = grad(by_hand, argnums=(0, 1))(X[0], W)
    np.testing.assert_allclose(flatten(grad(f, argnums=(0, 1))(X[0], W)), flatten(expected), rtol=1e-12)
    np.testing.assert_allclose(jvp(f, (X[0], W), (W, X[1]))[1], expected[0] @ W + expected[1] @ X[1])


def test_linearize_inside_of_several_arguments_and_containers() -> None:
    f = written("""
    def f(p, k):
        def model(p, k, n):
            s = p["w"] * k
            for _ in range(n):
                s = np.sin(s) * p["b"]
            return {"s": s, "n": (n, k * k)}

        out, push = linearize(model, p, k, 3)
        dot = push({"w": p["w"], "b": 1.0}, None, None)
        more = push({"w": np.ones(3), "b": k}, p["b"], None)
        return np.sum(dot["s"] * more["s"]) + more["n"][1] * np.sum(out["s"])
    """, linearize=linearize)  # fmt: skip
    with_jvp = written("""
    def f(p, k):
        def model(p, k):
            s = p["w"] * k
            for _ in range(3):
                s = np.sin(s) * p["b"]
            return {"s": s, "n": (3, k * k)}

        out, dot = jvp(model, (p, k), ({"w": p["w"], "b": 1.0}, None))
        _, more = jvp(model, (p, k), ({"w": np.ones(3), "b": k}, p["b"]))
        return np.sum(dot["s"] * more["s"]) + more["n"][1] * np.sum(out["s"])
    """, jvp=jvp)  # fmt: skip
    p = {"w": W, "b": 0.7}

    found, expected = (value_and_grad(g, argnums=(0, 1))(p, 1.3) for g in (f, with_jvp))
    np.testing.assert_allclose(flatten(found), flatten(expected), rtol=1e-12)


def test_what_linearize_gave_is_called_in_a_loop_and_not_after_the_one_it_was_made_in() -> None:
    power = written("""
    def f(x):
        _, push = linearize(lambda y: np.sin(y) * y[0], x)
        v = np.ones(3)
        for _ in range(3):
            v = push(v)
        return np.sum(v)
    """, linearize=linearize)  # fmt: skip
    by_hand = written("""
    def f(x):
        v = np.ones(3)
        for _ in range(3):
            v = np.cos(x) * v * x[0] + np.sin(x) * v[0]
        return np.sum(v)
    """)
    late = written("""
    def f(x, n):
        push = None
        for k in range(n):
            _, push = linearize(lambda y: y * k, x)
            v = push(x)
        return np.sum(push(v))
    """, linearize=linearize)  # fmt: skip

    np.testing.assert_allclose(grad(power)(W), grad(by_hand)(W), rtol=1e-12)
    with pytest.raises(DiffCompileError):
        grad(late)(W, 3)
