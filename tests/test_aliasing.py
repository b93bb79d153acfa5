"""Names that share memory: the gradient of what the function computes, or a refusal, never a wrong number."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from diffcompile import grad, hessian, hvp, jacfwd, jvp, linearize, value_and_grad, vjp
from diffcompile.errors import DiffCompileError, UndecidedAlias
from oracles import arrays, assert_agrees, assert_close, numeric_gradient, same, tree_map

VECTOR = np.array([1.0, 2.0, 3.0])
MATRIX = np.array([[1.0, 2.0], [3.0, 4.0]])
SMALL = np.array([0.5, -0.7, 0.9])


def written_through_a_chosen_name(x):
    a = x * 1.0
    c = x * 2.0
    b = a if x[0] > 0 else c
    b[0] *= 3.0
    return np.sum(a * a)


def written_below_a_chosen_name(x):
    a = x * 1.0
    c = x * 2.0
    b = a if x[0] > 0 else c
    a[0] = 9.0
    return np.sum(b * b)


def written_through_a_chosen_view(x):
    a = x * 1.0
    b = a[:1] if x[0] > 0 else a[1:]
    b[0] *= 3.0
    return np.sum(a * a)


def rows_of_a_written_array(x):
    a = x * 1.0
    s = 0.0
    for r in a:
        s += r[0] * r[1]
        a[1, 0] = s
    return s


def items_of_a_written_array(x):
    a = x * 1.0
    s = 0.0
    for e in a:
        s += e * e
        a[2] = s
    return s


def items_counted_of_a_written_array(x):
    a = x * 1.0
    s = 0.0
    for _i, e in enumerate(a):
        s += e * e
        a[2] = s
    return s


def items_paired_of_a_written_array(x):
    a = x * 1.0
    s = 0.0
    for e, f in zip(a, a[::-1], strict=False):
        s += e * f
        a[2] = s
    return s


def items_of_a_written_list(x):
    a = [x[0], x[1], x[2]]
    s = 0.0
    for e in a:
        s += e * e
        a[2] = s
    return s


def items_reversed_of_a_written_array(x):
    a = x * 1.0
    s = 0.0
    for e in reversed(a):
        s += e * e
        a[0] = s
    return s


def rows_that_are_written(x):
    a = x * 1.0
    for r in a:
        r[0] = 9.0 * r[1]
    return np.sum(a * a)


def rows_kept_and_written(x):
    a = x * 1.0
    kept = [r for r in a]
    kept[0][0] = 9.0
    return np.sum(a * a)


def buffers_that_swap(x):
    u = x * 1.0
    following = u.copy()
    for _ in range(3):
        following[1:] = u[1:] * u[:-1]
        u, following = following, u
    return np.sum(u**2)


def view_written_in_a_loop(x):
    a = x**2
    for i in range(2):
        w = a[1:]
        w[i] += a[0]
    return np.sum(a * a)


def view_written_after_its_base_is_read(x):
    a = x**2
    w = a[1:]
    for i in range(2):
        w[i] += a[i]
    return np.sum(a * a)


def zero(a):
    for i in range(len(a)):
        a[i] = 0.0


def view_written_by_a_helper(x):
    q = x * x
    zero(q[1:])
    return np.sum(q)


def same_in_both_arms(x):
    a = x * 1.0
    if x[0] > 0:
        b = a
    else:
        b = a
    b[0] *= 3.0
    return np.sum(a * a)


REFUSED = [
    (written_through_a_chosen_name, VECTOR),
    (written_below_a_chosen_name, VECTOR),
    (written_through_a_chosen_view, VECTOR),
    (rows_of_a_written_array, MATRIX),
    (items_of_a_written_array, VECTOR),
    (items_counted_of_a_written_array, VECTOR),
    (items_paired_of_a_written_array, VECTOR),
    (items_of_a_written_list, VECTOR),
    (items_reversed_of_a_written_array, VECTOR),
    (rows_that_are_written, MATRIX),
    (rows_kept_and_written, MATRIX),
]
RIGHT = [
    (buffers_that_swap, VECTOR),
    (view_written_in_a_loop, VECTOR),
    (view_written_after_its_base_is_read, VECTOR),
    (view_written_by_a_helper, VECTOR),
    (same_in_both_arms, VECTOR),
]


def written_through_a_view(z):
    w = z.copy()
    a = w[1:]
    a[0] = a[0] * z[2] * a[1]
    return w


def written_through_a_reversed_view(z):
    w = z * 1.0
    a = w[::-1]
    a[0] = a[0] * z[1]
    return w


def written_through_two_views(z):
    w = z.copy()
    a = w[1:]
    a[0] = a[0] * z[2]
    b = a[::-1]
    b[0] *= b[1] * w[0]
    return w


def written_through_a_row(z):
    m = np.outer(z, z)
    r = m[1]
    r[0] = r[1] * r[2]
    m.T[2][1] *= r[0]
    return m


def written_through_a_transpose(z):
    m = np.outer(z, np.sin(z))
    t = m.T
    t[0] = t[1] * z
    t[2, 1:] *= t[0, :2]
    return m


def written_through_a_view_in_a_branch(z):
    w = z.copy()
    a = w[1:]
    if a[0] > 0.0:
        a[0] = a[0] * z[0]
    else:
        a[1] = a[1] * w[0]
    return w * a[0]


def written_through_a_view_in_a_loop(z):
    w = z.copy()
    a = w[1:]
    for i in range(2):
        a[i] = a[i] * w[i] * z[i]
    return w


def written_through_a_view_of_an_argument(z):
    w = z.copy()
    a = w[1:]
    square_the_first(a)
    return w * z


def square_the_first(a):
    head = a[:1]
    head[0] = head[0] * a[1]


CALLED = [
    written_through_a_view,
    written_through_a_reversed_view,
    written_through_two_views,
    written_through_a_row,
    written_through_a_transpose,
    written_through_a_view_in_a_branch,
    written_through_a_view_in_a_loop,
    written_through_a_view_of_an_argument,
]
NAMED = [fn.__name__ for fn in CALLED]


def assert_right(fn: Callable[..., Any], x: np.ndarray) -> None:
    """Are the value, the gradient and the argument afterwards those of `fn` and of central differences?"""
    plain, given = x.copy(), x.copy()
    expected = fn(plain)
    value, gradient = value_and_grad(fn)(given)
    slope, error = numeric_gradient(fn, lambda: (x.copy(),))

    assert same(value, expected) and same(given, plain)
    assert_agrees(gradient, slope, error)


@pytest.mark.parametrize("fn, x", REFUSED, ids=[fn.__name__ for fn, _ in REFUSED])
def test_undecided_sharing_is_refused_or_right(fn: Callable[..., Any], x: np.ndarray) -> None:
    try:
        assert_right(fn, x)
    except DiffCompileError as error:
        assert isinstance(error, UndecidedAlias)
        assert error.span is not None and error.remedy


@pytest.mark.parametrize("fn, x", RIGHT, ids=[fn.__name__ for fn, _ in RIGHT])
def test_decided_sharing_is_differentiated(fn: Callable[..., Any], x: np.ndarray) -> None:
    assert_right(fn, x)


def hessian_of_slopes(fn: Callable[..., Any], x: np.ndarray) -> np.ndarray:
    """Central differences of the gradient, which is held to those of the function first."""
    assert_right(fn, x)
    turns = np.eye(x.size) * 1e-5
    return np.stack([(grad(fn)(x + turn) - grad(fn)(x - turn)) / 2e-5 for turn in turns])


@pytest.mark.parametrize("fn", CALLED, ids=NAMED)
def test_a_called_function_that_writes_through_a_view_has_second_derivatives(fn: Callable[..., Any]) -> None:
    def program(x):
        return np.sum(fn(x) * fn(x * x))

    expected = hessian_of_slopes(program, SMALL)

    assert_close(hessian(program)(SMALL), expected, 1e-6, 1e-7)
    for k, row in enumerate(expected):
        turn = np.eye(3)[k]
        assert_close(hvp(program)(SMALL, turn), row, 1e-6, 1e-7)
        assert_close(jvp(grad(program), (SMALL,), (turn,))[1], row, 1e-6, 1e-7)
        assert_close(grad(lambda x, k=k: grad(program)(x)[k])(SMALL), row, 1e-6, 1e-7)


@pytest.mark.parametrize("fn", CALLED, ids=NAMED)
def test_its_direction_inside_a_function_has_second_derivatives(fn: Callable[..., Any]) -> None:
    def program(x):
        value, turned = jvp(fn, (x,), (x * 2.0,))
        return np.sum(value * turned)

    assert_close(hessian(program)(SMALL), hessian_of_slopes(program, SMALL), 1e-6, 1e-6)


def product_of_neighbours(x):
    return np.sum(x[1:] * x[:-1])


def layers(x, w):
    h = x
    for _ in range(2):
        h = np.tanh(h @ w)
    return np.sum(h)


def product_of_items(d):
    return d["a"] @ d["b"]


PULLED = [
    (product_of_neighbours, lambda: (np.array([1.0, 2.0, 3.0]),)),
    (layers, lambda: (np.ones(2), np.array([[1.0, 0.2], [0.3, 0.4]]))),
    (product_of_items, lambda: ({"a": np.ones(2), "b": np.full(2, 3.0)},)),
]


@pytest.mark.parametrize("fn, make", PULLED, ids=[fn.__name__ for fn, _ in PULLED])
def test_pullback_is_safe_from_writes_of_the_caller(fn: Callable[..., Any], make: Callable[[], Any]) -> None:
    args = make()
    _, pullback = vjp(fn, *args)
    before = tree_map(np.copy, pullback(1.0))
    for array in [*arrays(args), *arrays(pullback(1.0))]:
        array[...] = -7.0
    expected, error = numeric_gradient(fn, make, tuple(range(len(args))))

    assert same(pullback(1.0), before)
    assert_agrees(before, expected, error)


def test_pullback_is_safe_from_writes_into_the_result() -> None:
    def exponential(x):
        return np.exp(x)

    out, pullback = vjp(exponential, VECTOR.copy())
    out[...] = -7.0

    np.testing.assert_allclose(pullback(np.ones(3))[0], np.exp(VECTOR), rtol=1e-15)


def two_arrays(a, k):
    """Too long to be read where it is called; the tangents of its results are one array, that of `a`."""
    s = 0
    for i in range(3):
        if k > i:
            s = s + 1
    for i in range(2):
        if k > i + 5:
            s = s + 2
    if s > 10:
        a = a * 2
    return a + 1, a + s


def one_array(a, k):
    s = 0
    for i in range(3):
        if k > i:
            s = s + 1
    for i in range(2):
        if k > i + 5:
            s = s + 2
    return a + s


def both_written(x, k):
    a = x * 2
    p, q = two_arrays(a, k)
    p[0] *= x[1]
    q[1] += p[0] * 3
    return np.sum(a * p * q)


def result_written_and_argument_read(x, k):
    a = x * 2
    p = one_array(a, k)
    p[0] *= x[1]
    p[2] = 0.0
    return np.sum(a * p)


def both_written_in_a_loop(x, k):
    a = x * 2
    t = 0.0
    for i in range(3):
        p, q = two_arrays(a, k)
        p[i] = 0.5 * q[i + 1]
        a[i] *= 1.1
        q *= 2
        t = t + np.sum(p * q * a)
    return t


@pytest.mark.parametrize("fn", [both_written, result_written_and_argument_read, both_written_in_a_loop])
def test_results_of_a_function_share_no_tangent(fn: Callable[..., Any]) -> None:
    x, turn = np.array([0.3, -0.7, 1.1, 0.5]), np.array([0.2, -1.0, 0.4, 0.9])
    expected, error = numeric_gradient(lambda x: fn(x, 2), lambda: (x.copy(),))
    slack = np.abs(error) @ np.abs(turn)
    assert_agrees(grad(fn)(x.copy(), 2), expected, error)
    assert_agrees(jvp(fn, (x.copy(), 2), (turn, None))[1], expected @ turn, slack)
    assert_agrees(linearize(lambda x: fn(x, 2), x.copy())[1](turn), expected @ turn, slack)
    assert_agrees(jacfwd(fn)(x.copy(), 2), expected, error)
    slopes, error = numeric_gradient(lambda x: grad(fn)(x, 2) @ turn, lambda: (x.copy(),))
    assert_agrees(hessian(fn)(x.copy(), 2) @ turn, slopes, error)
