"""Names that share memory: the gradient of what the function computes, or a refusal, never a wrong number."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from diffcompile import value_and_grad, vjp
from diffcompile.errors import DiffCompileError, UndecidedAlias
from oracles import arrays, assert_agrees, numeric_gradient, same, tree_map

VECTOR = np.array([1.0, 2.0, 3.0])
MATRIX = np.array([[1.0, 2.0], [3.0, 4.0]])


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
