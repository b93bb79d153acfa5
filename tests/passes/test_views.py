"""What is written is written through the view that is at hand; no view is taken twice."""

from __future__ import annotations

import numpy as np
import pytest

from diffcompile import grad
from diffcompile.passes.inplace import inplace
from diffcompile.passes.views import views
from graphs import MATRIX, VECTOR, Type, body, lowered, written


def with_views(text: str, *specs: Type) -> str:
    return body(views(inplace(lowered(written(text), *specs))))


def test_a_named_row_is_written_by_its_name_and_read_by_it() -> None:
    text = "def f(m):\n    a = np.exp(m)\n    r = a[0]\n    r[:] = 2.0\n    return np.sum(r)"
    shown = with_views(text, MATRIX)

    assert shown.count("getitem") == 1 and "setitem(r, slice(None, None, None), 2.0)" in shown


def test_a_row_without_a_name_is_written_where_it_is() -> None:
    text = with_views("def f(m):\n    a = np.exp(m)\n    a[0][:] = 2.0\n    return np.sum(a)", MATRIX)

    assert "setitem(a, 0, 2.0)" in text and "getitem" not in text


def test_a_row_that_is_read_before_another_is_written_is_kept_for_the_exchange() -> None:
    text = with_views("def f(m):\n    m[0, :], m[1, :] = m[1, :], m[2, :]\n    return np.sum(m)", MATRIX)

    assert text.count("getitem") == 2  # the sides of the exchange, each once


@pytest.mark.parametrize(
    "write",
    ["r = a[np.array([0, 1])]\n    a[np.array([0, 1])] += 2.0", "r = a[a > 0.5]\n    a[a > 0.5] += 2.0"],
)
def test_a_selection_is_a_copy_and_is_not_written(write: str) -> None:
    fn = written(f"def f(m):\n    a = m * m\n    {write}\n    return np.sum(a) + np.sum(r)")
    m = np.array([[1.0, 2.0], [0.5, 3.0]])

    expected = 4 * m if "0, 1" in write else 2 * m * (1 + (m * m > 0.5))
    np.testing.assert_allclose(grad(fn)(m), expected)


def test_a_view_of_what_has_become_another_array_is_taken_again() -> None:
    fn = written("""
        def f(m):
            a = m * 1.0
            r = a[0]
            a = a * 2.0
            s = a[0]
            s[:] = 3.0 * s * r
            return np.sum(a) + np.sum(r)
    """)
    m = np.array([[1.0, 2.0], [0.5, 3.0]])

    np.testing.assert_allclose(grad(fn)(m), [12 * m[0] + 1, [2.0, 2.0]])


def test_a_copy_of_one_number_in_many_places_is_filled() -> None:
    gradient = grad(written("def f(x):\n    y = x * x\n    y[0] = 2.0\n    return y.sum()"))

    np.testing.assert_allclose(gradient(np.array([3.0, 4.0])), [0.0, 8.0])
    assert "np.ones(" in gradient.source and "broadcast_to" not in gradient.source


def test_one_number_in_many_places_outside_of_a_loop_is_copied_in_every_turn() -> None:
    fn = written("""
        def f(x):
            total = 0.0
            zero = np.broadcast_to(0.0, (2,))
            for i in range(2):
                y = zero.copy()
                y[i] = x[i]
                total += np.sum(y * y * (i + 1))
            return total
    """)

    np.testing.assert_allclose(grad(fn)(np.array([3.0, 4.0])), [6.0, 16.0])


def test_scalars_are_no_views() -> None:
    text = "def f(x):\n    y = np.exp(x)\n    r = y[0]\n    y[0] = 2.0\n    s = y[0]\n    return r + s"

    assert with_views(text, VECTOR).count("getitem(y") == 2


def test_a_row_that_is_read_for_nothing_and_then_again() -> None:
    fn = written("""
        def f(x):
            v = x * 1.0
            v[1:][:] = v[:-1] * 2.0
            v[1:] += 1.0
            return np.sum(v * v)
    """)

    np.testing.assert_allclose(grad(fn)(np.array([1.0, 2.0, 3.0])), [2.0 + 4 * 3.0, 4 * 5.0, 0.0])
