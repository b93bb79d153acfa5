"""Shuffles and draws out of lists and arrays: what is drawn is an item, by draws of Python and NumPy."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest

from diffcompile import UnsupportedSyntax, grad, jvp, value_and_grad
from oracles import assert_agrees, assert_every_mode, numeric_gradient

X = np.array([1.1, 0.7, 1.6, 0.4])
V = np.array([0.3, -1.2, 0.5, 0.8])


def order_of_a_batch(x: Any) -> Any:
    rng = random.Random(1)
    order = [0, 1, 2]
    rng.shuffle(order)
    items = [x[0], 2 * x[1], x[2] ** 2]
    return items[order[0]] + 2 * items[order[1]] ** 2


def values(x: Any) -> Any:
    items = [x[0], 2 * x[1], 3 * x[2]]
    random.Random(0).shuffle(items)
    return items[0] + items[1] ** 2


def of_the_module(x: Any) -> Any:
    random.seed(4)
    items = [x[0], 2 * x[1], 3 * x[2]]
    random.shuffle(items)
    return items[0] * random.random() + items[1] ** 2


def of_numpy(x: Any) -> Any:
    rng = np.random.default_rng(0)
    items = [x[0], 2 * x[1], 3 * x[2]]
    rng.shuffle(items)
    return items[0] * rng.random() + items[1] ** 2


def of_the_module_of_numpy(x: Any) -> Any:
    np.random.seed(2)
    items = [v * v for v in x]
    np.random.shuffle(items)
    a = x * x
    np.random.shuffle(a)
    return items[0] + items[1] ** 2 + a[0] ** 3


def of_a_random_state(x: Any) -> Any:
    rng = np.random.RandomState(3)
    items = [v * v for v in x]
    rng.shuffle(items)
    return items[0] + items[1] ** 2


def array(x: Any) -> Any:
    rng = np.random.default_rng(5)
    a = x * x
    rng.shuffle(a)
    rng.shuffle(a[1:])
    return a[0] + a[1] ** 2 + np.sum(a * x)


def array_by_python(x: Any) -> Any:
    a = x * x
    random.Random(6).shuffle(a)
    return a[0] + a[1] ** 2 + np.sum(a * x)


def columns(x: Any) -> Any:
    a = np.outer(x, x[1:])
    np.random.default_rng(7).shuffle(a, axis=1)
    np.random.default_rng(8).shuffle(a)
    return a[0, 0] ** 2 + a[1, 2]


def grown(x: Any) -> Any:
    items = []
    for v in x:
        items.append(v * v)
    random.Random(9).shuffle(items)
    return items[0] + items[1] ** 2


def epochs(x: Any) -> Any:
    rng = random.Random(2)
    order = list(range(len(x)))
    w = x[0]
    for _ in range(3):
        rng.shuffle(order)
        for k in order[:2]:
            w = w - 0.1 * (w * x[k] - 1.0) * x[k]
    return w**2


def choices(x: Any) -> Any:
    rng = random.Random(3)
    items = [v * v for v in x]
    a = rng.choice(items)
    b = rng.choices(items, k=3)
    c = rng.choices(items, [1.0, 2.0, 3.0, 4.0], k=2)
    d = rng.sample(items, 2)
    return a * b[0] + b[1] * c[1] + d[0] ** 2 * d[1] + rng.random() * b[2]


def choices_of_the_module(x: Any) -> Any:
    random.seed(11)
    items = [v * v for v in x]
    a = random.choice(items)
    b = random.choices(x, k=3)
    c = random.sample(items, k=2)
    return a * b[0] + b[1] * c[1]


PROGRAMS = [
    order_of_a_batch, values, of_the_module, of_numpy, of_the_module_of_numpy, of_a_random_state, array,
    array_by_python, columns, grown, epochs, choices, choices_of_the_module,
]  # fmt: skip


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda f: f.__name__)
def test_what_is_drawn_is_differentiated(program: Any) -> None:
    assert_every_mode(program, X, V)


@pytest.mark.parametrize("make", [random.Random, np.random.default_rng, np.random.RandomState])
def test_generator_that_is_handed_in_is_left_as_python_leaves_it(make: Any) -> None:
    def f(x: Any, rng: Any) -> Any:
        items = [x, 2 * x, x * x]
        rng.shuffle(items)
        return items[0] * items[1] ** 2 + items[2]

    value, slope = value_and_grad(f)(1.3, make(4))
    expected, error = numeric_gradient(lambda x: f(x, make(4)), lambda: (1.3,))
    mine, theirs = make(4), make(4)
    grad(f)(1.3, mine)
    f(1.3, theirs)

    assert value == pytest.approx(f(1.3, make(4)), rel=1e-13)
    assert_agrees(slope, expected, error)
    assert jvp(f, (1.3, make(4)), (1.0, None))[1] == pytest.approx(slope)
    draw = "rand" if make is np.random.RandomState else "random"
    assert getattr(mine, draw)() == getattr(theirs, draw)()


def test_source_that_shuffles_stands_alone() -> None:
    derivative = value_and_grad(values)
    expected = derivative(X)
    names: dict[str, Any] = {}
    exec(compile(derivative.source, "<alone>", "exec"), names)
    made = next(fn for name, fn in names.items() if name.endswith("value_and_grad"))

    np.testing.assert_array_equal(made(X)[1], expected[1])


def rows_by_python(x: Any) -> Any:
    a = np.outer(x, x)
    random.Random(0).shuffle(a)
    return a[0, 0]


def into_an_array(x: Any) -> Any:
    a = x * x
    np.random.default_rng(0).permuted(a, out=a)
    return a[0]


@pytest.mark.parametrize(
    ("program", "reason"),
    [
        (
            rows_by_python,
            "`shuffle` exchanges items of an array, and those that are arrays overwrite each other",
        ),
        (into_an_array, "`permuted` writes into the array that it is given as `out`"),
    ],
)
def test_what_is_not_shuffled_here_is_refused(program: Any, reason: str) -> None:
    with pytest.raises(UnsupportedSyntax) as refused:
        grad(program)(X)

    assert refused.value.reason == reason
    assert refused.value.remedy
