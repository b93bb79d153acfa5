"""Programs that were once answered wrongly, or not at all. A mark goes when its program is mended."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from diffcompile import grad, jvp, linearize, value_and_grad, vjp
from diffcompile.errors import DiffCompileError
from graphs import written
from oracles import assert_agrees, assert_like, numeric_gradient, same

X = np.array([1.0, 2.0, 3.0])


def assert_right(fn: Callable[..., Any], *args: Any, wrt: int | tuple[int, ...] = 0) -> None:
    """Are the value and the gradient those of `fn` and of central differences? A refusal is neither."""
    value, gradient = value_and_grad(fn, argnums=wrt)(*_copies(args))
    slope, error = numeric_gradient(fn, lambda: _copies(args), wrt)

    assert same(value, fn(*_copies(args)))
    assert_agrees(gradient, slope, error)
    assert_like(gradient, tuple(args[i] for i in wrt) if isinstance(wrt, tuple) else args[wrt])


def _copies(args: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(np.copy(a) if isinstance(a, np.ndarray) else a for a in args)


LISTED = "the loop's cotangents of a list replace those of its items"


def test_list_that_a_loop_runs_over_and_indexes() -> None:
    def f(x):
        m = [v * v for v in x]
        t = 0.0
        for i, r in enumerate(m):
            t += r * m[i - 1]
        return t

    assert_right(f, X)


def test_list_that_two_nested_loops_run_over() -> None:
    def f(x):
        m = [v * v for v in x]
        t = 0.0
        for a in m:
            for b in m:
                t += a * b
        return t

    assert_right(f, X)


def test_list_of_arrays_that_a_loop_runs_over_and_indexes() -> None:
    def f(x):
        m = [v * x for v in x]
        t = 0.0
        for r in m:
            t += r @ m[0]
        return t

    assert_right(f, X)


def test_list_that_a_loop_leaves_early_and_indexes() -> None:
    def f(x):
        m = [v * v for v in x]
        t = 0.0
        for r in m:
            if r > 2:
                t += r * m[0]
                break
            t += m[1]
        return t

    assert_right(f, X)


def test_list_appended_to_and_read_in_two_loops() -> None:
    def f(x):
        m = []
        t = 0.0
        for v in x:
            m.append(v * v)
            t += m[0] * m[-1] * len(m)
        for v in m:
            t += v * m[-1]
        return t

    assert_right(f, X)


def test_write_into_an_array_without_axes() -> None:
    def f(x):
        y = x.copy()
        y[()] = x * x
        y += x
        return y * 2

    assert_right(f, np.array(1.5))


def test_two_writes_into_an_array_without_axes() -> None:
    def f(x):
        y = np.zeros(())
        y[...] = x * x
        y[...] *= x
        return y * 2.0

    assert_right(f, np.array(1.5))


def test_read_of_an_array_without_axes() -> None:
    def f(x):
        return np.sum(np.ones(3) * x) + x[()] + float(x) + x.item()

    assert_right(f, np.array(1.5))


def overwritten(x, y):
    x[0] = 5.0
    return np.sum(x * y)


def turned_round(x, y):
    for i in range(len(x)):
        y[i] = x[len(x) - 1 - i] * 2
    return np.sum(x * y)


def _joint(fn: Callable[..., Any]) -> Callable[..., Any]:
    def joint(z):
        z = z.copy()
        return fn(z, z)

    return joint


@pytest.mark.parametrize("fn", [overwritten, turned_round])
def test_one_array_as_two_arguments(fn: Callable[..., Any]) -> None:
    z = X.copy()
    try:
        value, (x_bar, y_bar) = value_and_grad(fn, argnums=(0, 1))(z, z)
    except DiffCompileError:
        return
    slope, error = numeric_gradient(_joint(fn), lambda: (X.copy(),))

    assert same(value, _joint(fn)(X))
    assert_agrees(x_bar + y_bar, slope, error)


def test_one_array_as_two_arguments_of_a_pullback() -> None:
    z = X.copy()
    try:
        value, _ = vjp(overwritten, z, z)
    except DiffCompileError:
        return

    assert same(value, _joint(overwritten)(X))


def test_one_array_as_two_items() -> None:
    def f(d):
        d["a"][0] = 5.0
        return np.sum(d["b"] ** 2)

    z, plain = X.copy(), X.copy()
    expected = f({"a": plain, "b": plain})
    try:
        value, _ = value_and_grad(f)({"a": z, "b": z})
    except DiffCompileError:
        return

    assert same(value, expected) and same(z, plain)


def test_strict_zip_raises() -> None:
    def f(x):
        s = 0.0
        for a, b in zip(x, [1.0, 2.0], strict=True):
            s += a * b
        return s

    assert_raises_as_it_does(f, X)


def assert_raises_as_it_does(fn: Callable[..., Any], *args: Any) -> None:
    """Does the gradient raise what the function raises? A refusal will do."""
    with pytest.raises(Exception) as plain:
        fn(*_copies(args))
    with pytest.raises((plain.type, DiffCompileError)) as raised:
        grad(fn)(*_copies(args))

    assert isinstance(raised.value, DiffCompileError) or str(raised.value) == str(plain.value)


def axis_that_is_not_there(x):
    np.sum(x, axis=3)
    return np.sum(x)


def write_out_of_range(x):
    y = np.zeros(2)
    y[3] = x[0]
    return np.sum(x)


def write_of_another_shape(x):
    y = np.zeros(2)
    y[:] = x
    return np.sum(x)


def test_of_an_array(x):
    if x > 1:
        pass
    return np.sum(x)


def choice_by_an_array(x):
    y = 1.0 if x > 1 else 2.0
    return np.sum(x)


def length_of_a_number(x):
    n = len(x[0])
    return np.sum(x)


def item_of_many(x):
    y = x.item()
    return np.sum(x)


def maximum_of_nothing(x):
    y = np.max(x[:0])
    return np.sum(x)


def loop_over_a_number(x):
    for _ in x[0]:
        pass
    return np.sum(x)


def subscripts_that_do_not_fit(x):
    y = np.einsum("ij,jk", x, x)
    return np.sum(x)


def attribute_that_is_not_there(x):
    y = x.foo
    return np.sum(x)


def keyword_that_is_not_there(x):
    y = np.sum(x, axes=0)
    return np.sum(x)


def step_of_zero(x):
    for _ in range(0, 3, 0):
        pass
    return np.sum(x)


def none_added(x):
    y = None + x
    return np.sum(x)


RAISING = [
    axis_that_is_not_there,
    write_out_of_range,
    write_of_another_shape,
    test_of_an_array,
    choice_by_an_array,
    length_of_a_number,
    item_of_many,
    maximum_of_nothing,
    loop_over_a_number,
    subscripts_that_do_not_fit,
    attribute_that_is_not_there,
    keyword_that_is_not_there,
    step_of_zero,
    none_added,
]
test_of_an_array.__test__ = False


@pytest.mark.parametrize("fn", RAISING)
def test_unread_work_raises(fn: Callable[..., Any]) -> None:
    assert_raises_as_it_does(fn, X)


def test_filtered_lists_in_a_list() -> None:
    def f(x):
        m = [[v * w for v in x if v > w] for w in x[:2]]
        return sum([sum(r) * r[0] for r in m])

    assert_right(f, X)


def test_continue_after_a_conditional_break() -> None:
    def f(x):
        while True:
            x = x * x
            if x > 10:
                break
            if x < 2:
                continue
            x = x + 1
        return x

    assert_right(f, 1.3)


def test_two_reads_of_lists_in_a_list() -> None:
    def f(x):
        m = [[v * w for v in x] for w in x]
        return m[0][1] * m[2][0]

    assert_right(f, X)


def test_lists_appended_to_a_list() -> None:
    def f(x):
        rows = []
        for i in range(2):
            row = []
            for v in x:
                row.append(v * i)
            rows.append(row)
        s = 0.0
        for row in rows:
            s += sum(row) * row[0]
        return s

    assert_right(f, X)


def square_sum(a):
    if len(a) == 0:
        return 0.0
    return a[0] * a[0] + square_sum(a[1:])


def total_of_halves(x):
    return np.sum(halves(x))


def halves(a):
    if a.shape[0] <= 1:
        return a
    h = a.shape[0] // 2
    left, right = halves(a[:h]), halves(a[h:])
    return np.concatenate([left + right, left * right])


def test_recursion_over_the_rest_of_an_array() -> None:
    assert_right(lambda x: square_sum(x), X)


def test_recursion_that_returns_its_argument() -> None:
    assert_right(total_of_halves, np.arange(1.0, 5.0))


@pytest.mark.parametrize("x", [X.astype(np.float32)])
def test_gradient_of_a_float_beside_single_precision(x: np.ndarray) -> None:
    def f(b, x):
        return np.sum(x * b)

    gradient = grad(f)(2.0, x)

    assert_like(gradient, 2.0)


def test_pullback_of_single_precision_from_a_double_cotangent() -> None:
    x = X.astype(np.float32)
    _, pullback = vjp(lambda x: x * 2.0, x)
    try:
        (x_bar,) = pullback(np.ones(3))
    except DiffCompileError:
        return

    assert_like(x_bar, x)


def test_reduction_over_chosen_elements_leaves_out_the_slope_of_the_others() -> None:
    steep = np.array([0.0, 4.0])

    np.testing.assert_array_equal(grad(lambda x: np.sum(np.sqrt(x), where=x > 0))(steep), [0.0, 0.25])
    np.testing.assert_array_equal(grad(lambda x: np.mean(np.sqrt(x), where=x > 0))(steep), [0.0, 0.25])


def test_letters_of_a_string_are_numbered_and_reversed() -> None:
    def numbered(x, first):
        d = {}
        for i, k in enumerate("abc"):
            d[k] = x[i] ** 2
        total = d["a"] * d["c"]
        for i, k in enumerate("abc", first):
            total = total + x[i - first] * i * d[k]
        return total

    def backwards(x):
        total = 0.0
        for c in reversed("abc"):
            total = total * x[0] + x["abc".index(c)]
        return total

    assert_right(numbered, X, 2)
    assert_right(backwards, X)


def test_views_saved_by_a_called_function_outlive_what_its_caller_writes() -> None:
    def rows(x):
        x *= 2.0
        s = 0.0
        for i in range(2):
            r = np.reshape(x[i], (1, 2))
            s = s * 0.5 + np.sum(np.sin(r) * s) + np.sum(r**2)
        return s

    def f(x):
        y = x * 1
        a = rows(y)
        y *= 2
        b = rows(y)
        y[...] = 0
        return a * b

    assert_right(f, np.arange(4.0).reshape(2, 2) / 5 + 0.3)


def test_pullback_of_a_function_that_calls_another_is_safe_from_later_writes() -> None:
    def inner(x, n):
        s = 0.0
        for i in range(n):
            s = s + np.sin(x[i]) * x[i]
            s = s * s
        return s + np.sum(x**3), np.exp(x)

    def f(x):
        return inner(x, 2)

    x = np.arange(4.0) + 1
    (_, grown), pullback = vjp(f, x)
    expected = pullback((1.0, np.ones(4)))
    x[:] = 0.0
    grown[:] = 0.0

    np.testing.assert_array_equal(pullback((1.0, np.ones(4))), expected)


def test_pullback_of_a_function_that_writes_into_its_argument_in_a_loop() -> None:
    def f(x):
        for i in range(1, len(x)):
            x[i] = x[i] * x[i - 1]
        return np.sum(x)

    x, plain = X.copy(), X.copy()
    f(plain)
    _, pullback = vjp(f, x)

    np.testing.assert_array_equal(x, plain)
    x[:] = 0.0
    np.testing.assert_array_equal(pullback(1.0)[0], [9.0, 4.0, 2.0])


@pytest.mark.parametrize(
    "index",
    [
        "np.ix_([0, 1], [0, 2])", "np.diag_indices(3)", "np.diag_indices_from(x)", "np.tril_indices(3)",
        "np.triu_indices_from(x, 1)", "np.unravel_index([0, 3, 8], (3, 3))", "np.mask_indices(3, np.triu)",
        "np.nonzero(x > 3.5)", "tuple(np.indices((2, 2)))",
    ],
)  # fmt: skip
def test_index_arrays_that_are_returned_stay_a_tuple(index: str) -> None:
    f = written(f"def f(x):\n    i = {index}\n    return x[i] ** 2, i")
    x = np.arange(1.0, 10.0).reshape(3, 3)
    (value, i), pullback = vjp(f, x)

    expected = np.zeros((3, 3))
    expected[i] = 2 * value * x[i]
    np.testing.assert_array_equal(pullback((value, i))[0], expected)
    np.testing.assert_array_equal(jvp(f, (x,), (x,))[1][0], 2 * x[i] ** 2)
    np.testing.assert_array_equal(linearize(f, x)[1](x)[0], 2 * x[i] ** 2)


def test_pullback_refuses_a_cotangent_of_another_shape() -> None:
    _, pullback = vjp(lambda x: x * x, X)

    with pytest.raises(DiffCompileError) as caught:
        pullback(np.ones((1, 3)))
    assert caught.value.reason == "a cotangent of shape (1, 3) for a result of `<lambda>` of shape (3,)"


def test_pullback_takes_none_for_nothing() -> None:
    _, pullback = vjp(lambda x: (x * x, np.sum(x)), X)
    try:
        (x_bar,) = pullback((np.ones(3), None))
    except DiffCompileError:
        return

    np.testing.assert_allclose(x_bar, 2 * X)
