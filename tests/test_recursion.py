"""Functions that call themselves: nested ones too, with what they close over, and tables that they fill."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from diffcompile import DiffCompileError, grad, hvp, jacrev, jvp, value_and_grad
from oracles import assert_agrees, numeric_gradient

X = np.array([0.3, -0.7, 1.1, 0.5])
T = np.array([0.2, -1.0, 0.4, 0.9])
Program = Callable[[Any], Any]
PROGRAMS: list[Program] = []


def program(fn: Program) -> Program:
    PROGRAMS.append(fn)
    return fn


@program
def a_product(x):
    def product(n):
        return 1.0 if n < 0 else np.sin(x[n]) * product(n - 1)

    return product(len(x) - 1)


@program
def with_an_accumulator(x):
    w = x * 2

    def product(n, s):
        if n < 0:
            return s
        return product(n - 1, s * w[n] + x[0])

    return product(len(x) - 1, x[1])


@program
def halves(x):
    def total(v):
        if len(v) == 1:
            return v[0] ** 2
        k = len(v) // 2
        return total(v[:k]) * total(v[k:]) + v[0]

    return total(x)


@program
def a_memo_in_a_dict(x):
    memo = {}

    def f(n):
        if n < 2:
            return x[n]
        if n in memo:
            return memo[n]
        memo[n] = f(n - 1) * 0.5 + np.sin(f(n - 2))
        return memo[n]

    return f(len(x) + 4)


@program
def a_memo_in_a_list(x):
    memo = [None] * 20

    def f(n):
        if n < 2:
            return x[n]
        if memo[n] is not None:
            return memo[n]
        memo[n] = f(n - 1) * 0.5 + np.sin(f(n - 2))
        return memo[n]

    return f(len(x) + 4)


@program
def a_memo_of_pairs(x):
    memo = {}

    def cost(i, j):
        key = (i, j)
        if key not in memo:
            if i == 0:
                memo[key] = x[j]
            elif j == 0:
                memo[key] = x[i] * x[0]
            else:
                memo[key] = min(cost(i - 1, j), cost(i, j - 1)) + x[i] * x[j]
        return memo[key]

    s = 0.0
    for k in range(len(x)):
        s += cost(k, len(x) - 1)
    return s


@program
def a_cached_function(x):
    @functools.lru_cache(None)
    def f(n):
        if n < 2:
            return x[n]
        return f(n - 1) * 0.5 + np.sin(f(n - 2))

    return f(len(x) + 4)


def remembered(n, x, memo):
    if n < 2:
        return x[n]
    if n in memo:
        return memo[n]
    r = remembered(n - 1, x, memo) * 0.5 + np.sin(remembered(n - 2, x, memo))
    memo[n] = r
    return r


@program
def a_memo_as_an_argument(x):
    return remembered(len(x) + 3, x, {})


@program
def into_an_array(x):
    bins = np.zeros(3)

    def visit(n):
        if n >= len(x):
            return
        bins[n % 3] += x[n] ** 2
        visit(2 * n + 1)
        visit(2 * n + 2)

    visit(0)
    return np.sum(bins**2)


@program
def in_order(x):
    out = []

    def walk(n):
        if n >= len(x):
            return
        walk(2 * n + 1)
        out.append(np.sin(x[n]))
        walk(2 * n + 2)

    walk(0)
    return sum(v * (k + 1) for k, v in enumerate(out))


@program
def a_number_in_a_list(x):
    c = [0.0]

    def walk(n):
        if n < 0:
            return
        c[0] += x[n] * c[0] + x[n]
        walk(n - 1)

    walk(len(x) - 1)
    return c[0]


@program
def with_defaults(x):
    def product(n, k=2):
        return x[n] * k if n == 0 else product(n - 1, k + 1) * x[n]

    def summed(n, *, s=1.0):
        return s if n < 0 else summed(n - 1, s=s * x[n] + 1)

    return product(len(x) - 1) * summed(len(x) - 1)


@program
def in_turn(x):
    def even(n):
        return x[0] if n == 0 else odd(n - 1) * x[n]

    def odd(n):
        return x[1] if n == 0 else even(n - 1) + x[n]

    return even(len(x) - 1)


@program
def into_an_array_and_counted(x):
    buffer = np.zeros(len(x))

    def fill(n):
        if n >= len(x):
            return 0
        buffer[n] = x[n] * (buffer[n - 1] if n > 0 else 1.0)
        return fill(n + 1) + 1

    count = fill(0)
    return np.sum(buffer) * count


@program
def sorted_by_parts(x):
    def quick(v):
        if len(v) <= 1:
            return v
        rest = v[1:]
        return np.concatenate([quick(rest[rest < v[0]]), v[:1], quick(rest[rest >= v[0]])])

    return np.sum(quick(x) ** 2 * np.arange(len(x)))


@program
def a_cycle_of_grids(x):
    u = x.copy()

    def cycle(level):
        if level <= 1:
            u[:] = u * 0.5
            return
        u[1:-1] += 0.25 * (u[2:] - 2 * u[1:-1] + u[:-2])
        cycle(level // 2)
        u[1:-1] += 0.25 * (u[2:] - 2 * u[1:-1] + u[:-2]) * x[0]

    cycle(len(x))
    return np.sum(u * u)


@program
def an_adaptive_integral(x):
    def adapt(a, b, depth):
        m = 0.5 * (a + b)
        whole = (b - a) * np.sin(x[0] * m)
        half = 0.5 * (b - a) * (np.sin(x[0] * (a + m) / 2) + np.sin(x[0] * (m + b) / 2))
        if depth == 0 or abs(whole - half) < 1e-4:
            return half
        return adapt(a, m, depth - 1) + adapt(m, b, depth - 1)

    return adapt(0.0, x[2], 6)


def count(n):
    return 0 if n <= 0 else count(n - 1) + 1


@program
def times_a_whole_number(x):
    u = x.copy()
    u[0] = u[1] * u[0]
    u[1] *= 0.5
    return np.sum(u) * count(len(x))


def first(n, x):
    return 0 if n < 0 else second(n - 1, x) + 1


def second(n, x):
    return 0 if n < 0 else third(n - 1, x) + x[n]


def third(n, x):
    return 1 if n < 0 else first(n - 1, x) * x[n]


@program
def three_in_turn(x):
    return first(len(x) - 1, x) * x[0] + third(len(x) - 1, x)


def named(programs: list[Program]) -> Any:
    return pytest.mark.parametrize("program", programs, ids=lambda program: program.__name__)


@named(PROGRAMS)
def test_first_derivatives(program: Program) -> None:
    expected, error = numeric_gradient(program, lambda: (X.copy(),))
    value, found = value_and_grad(program)(X.copy())
    assert value == program(X.copy())
    assert_agrees(found, expected, error)
    assert_agrees(grad(program, check=True)(X.copy()), expected, error)
    assert_agrees(jacrev(program)(X.copy()), expected, error)
    _, pushed = jvp(program, (X.copy(),), (T,))
    assert_agrees(pushed, expected @ T, np.abs(error) @ np.abs(T))


@named(PROGRAMS)
def test_second_derivatives(program: Program) -> None:
    gradient = grad(program)
    expected, error = numeric_gradient(lambda x: gradient(x) @ T, lambda: (X.copy(),))
    assert_agrees(hvp(program)(X.copy(), T), expected, error)
    assert_agrees(grad(lambda x: gradient(x) @ T)(X.copy()), expected, error)


def test_a_deep_recursion_with_a_memo() -> None:
    def chain(x):
        memo = {}

        def f(n):
            if n == 0:
                return x[0]
            if n not in memo:
                memo[n] = np.sin(f(n - 1)) + x[n] * 0.1
            return memo[n]

        return f(len(x) - 1)

    x = np.linspace(0.1, 1.0, 400)
    slope, total = np.zeros(400), 1.0
    states = [x[0]]
    for n in range(1, 400):
        states.append(np.sin(states[-1]) + x[n] * 0.1)
    for n in range(399, 0, -1):
        slope[n] = 0.1 * total
        total *= np.cos(states[n - 1])
    slope[0] = total
    np.testing.assert_allclose(grad(chain)(x), slope, rtol=1e-12)


def test_a_name_of_the_function_around_is_assigned() -> None:
    @grad
    def f(x):
        total = 0.0

        def walk(n):
            nonlocal total
            if n < 0:
                return
            total += x[n] ** 2
            walk(n - 1)

        walk(len(x) - 1)
        return total * x[0]

    with pytest.raises(DiffCompileError) as caught:
        f(X)
    assert caught.value.reason == "a function that calls itself assigns `total` of the function around it"
    assert caught.value.remedy == "Keep it in a list: `total[0] = ...`."
