"""The order in which sets are run over is Python's, whatever they were made of, or it is refused."""

from typing import Any

import numpy as np
import pytest

from diffcompile import DiffCompileError, value_and_grad
from oracles import numeric_gradient

X = np.array([0.4, 0.7, 1.3])
# 7, 15 and 23 go to one place in a small table, so their order is not that of their sizes or of their coming.


def mixed(members: Any, x: Any) -> Any:
    """A number that depends on the order of the members."""
    total = 0.0
    for k in members:
        total = total * x[1] + (k + 1) * x[k % 3]
    return total


def chosen(numbers: Any, x: Any) -> Any:
    """A set that is known when the program runs."""
    made = set()
    for k in numbers:
        if x[0] > 0:
            made.add(k)
    return made


def of_axes(x):
    return mixed(set(range(3)) - {1}, x)


def of_a_small_display(x):
    return mixed({0, 1, 2}, x)


def of_a_range(x):
    return mixed(set(range(6)), x)


def of_a_display_of_two(x):
    return mixed({7, 15}, x)


def of_a_grown_set(x):
    return mixed(chosen([7, 15, 23, 2], x), x)


def of_a_comprehension(x):
    return mixed({k for k in (7, 15, 23, 32, 0, 39, 16) if x[k % 3] > 0}, x)


def of_its_list(x):
    return mixed(list(chosen([7, 15, 2], x)), x)


def by_number(x):
    found = [k * x[i] for i, k in enumerate(chosen([7, 15], x))]
    return found[0] * 2.0 + found[1]


def beside_another(x):
    found = [k * p for k, p in zip(chosen([7, 15], x), x[:2], strict=True)]
    return found[0] * 3.0 + found[1]


def sorted_by_one_key(x):
    a, b = sorted(chosen([7, 15], x), key=lambda k: 0)
    return a * x[0] + b * x[1]


def largest_by_one_key(x):
    return max(chosen([7, 15], x), key=lambda k: 0) * x[0]


def unpacked(x):
    a, b = chosen([7, 15], x)
    return a * x[0] + b * x[1]


def narrowed_in_place(x):
    made = chosen([7, 15, 2], x)
    same = made
    same &= chosen([7, 1], x)
    return x[1] * len(made) + x[2] * len(same)


def flipped_in_place(x):
    made = chosen([7, 15, 2], x)
    same = made
    same ^= chosen([7, 1], x)
    return x[1] * len(made) + x[2] * len(same) * (1 in made)


def compared(x):
    made = chosen([7, 15, 2], x)
    total = x[1]
    if made == [7, 15, 2]:
        total *= 3
    if made != {7, 15, 2}:
        total *= 5
    if made == {2, 7, 15}:
        total *= 7
    return total * (2 if made == None else 3)  # noqa: E711


def sorted_union(x):
    return mixed(sorted(chosen([7, 15], x) | {1, 2}), x)


@pytest.mark.parametrize("fn", [
    of_axes, of_a_small_display, of_a_range, of_a_display_of_two, of_a_grown_set, of_a_comprehension,
    of_its_list, by_number, beside_another, sorted_by_one_key, largest_by_one_key, unpacked,
    narrowed_in_place, flipped_in_place, compared, sorted_union,
])  # fmt: skip
def test_the_order_is_that_of_python(fn: Any) -> None:
    expected, error = numeric_gradient(fn, lambda: (X.copy(),))
    value, gradient = value_and_grad(fn)(X)

    np.testing.assert_allclose(value, fn(X), rtol=1e-14)
    assert np.all(np.abs(gradient - expected) <= 1e-7 * (1 + np.abs(expected)) + 10 * error)


def of_a_union(x):
    return mixed(chosen([3], x) | chosen([7, 15], x), x)


def of_an_intersection(x):
    return mixed(chosen([7, 15, 1, 4], x) & chosen([7, 15, 2], x), x)


def of_a_difference(x):
    return mixed(chosen([7, 15, 2], x) - chosen([2, 3, 4], x), x)


def of_an_update(x):
    made = set()
    made.update(chosen([7, 15], x))
    return mixed(made, x)


def of_a_copy(x):
    return mixed(set(chosen([7, 15, 2, 32, 0, 39], x)), x)


def of_loaded_constants(x):
    return mixed({7, 15, 2}, x)


def after_a_loss(x):
    made = {7, 15, 2}
    made.discard(7)
    made.add(7)
    return mixed(made, x)


@pytest.mark.parametrize("fn", [
    of_a_union, of_an_intersection, of_a_difference, of_an_update, of_a_copy, of_loaded_constants,
    after_a_loss,
])  # fmt: skip
def test_an_order_that_is_not_known_is_refused(fn: Any) -> None:
    with pytest.raises(DiffCompileError, match="is run over: sort it first"):
        value_and_grad(fn)(X)


def least_of_none(x):
    import heapq

    return sum(heapq.nsmallest(-1, [x[0], x[1]])) + x[2] + sum(heapq.nlargest(-1, [x[0], x[1]]))


def test_fewer_than_none_are_none() -> None:
    value, gradient = value_and_grad(least_of_none)(X)

    assert value == least_of_none(X)
    assert gradient.tolist() == [0.0, 0.0, 1.0]
