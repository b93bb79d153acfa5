"""Checkpointed loops that are left early, and names that they give their first value, in each mode.

Each program is written once and taken twice: with `checkpoint`, and with what gives back what it is given.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from diffcompile import (
    checkpoint,
    grad,
    hessian,
    jacfwd,
    jacrev,
    jvp,
    linearize,
    value_and_grad,
    vjp,
    vmap,
)

WEIGHTS = np.array([1.0, 2.0, 3.0])


def unchanged(what):
    return what


def left_by_break(checkpoint):
    def f(k, n):
        for _ in checkpoint(range(n)):
            k = k * k
            if k > 5.0:
                break
        return k

    return f


def left_by_return(checkpoint):
    def f(k, n):
        for _ in checkpoint(range(n)):
            k = k * k
            if k > 5.0:
                return 3.0 * k
        return k

    return f


def named_first_inside(checkpoint):
    def f(k, n):
        for i in checkpoint(range(n)):
            y = k * k * i
            k = k * 1.1
        return y * k

    return f


def left_inside_and_outside(checkpoint):
    def f(k, n):
        for i in checkpoint(range(n)):
            for j in checkpoint(range(n)):
                k = k * (1.0 + 0.1 * j)
                if k > 3.0 + i:
                    break
            if k > 5.0:
                return k * k
        return k

    return f


def returned_from_a_loop_inside(checkpoint):
    def f(k, n):
        for _ in checkpoint(range(n)):
            for j in range(n):
                k = k * (1.0 + 0.1 * j)
                if k > 4.0:
                    return k * k * j
        return k

    return f


def returned_from_a_checkpointed_loop_in_a_plain_one(checkpoint):
    def f(k, n):
        for i in range(n):
            for j in checkpoint(range(n)):
                k = k * (1.0 + 0.1 * j)
                if k > 4.0:
                    return k * k * i
        return k

    return f


def arrays_that_may_not_be_there(checkpoint):
    def turns(k, n):
        x = np.array([k, 0.5 * k, 1.0])
        for _ in checkpoint(range(n)):
            x = x * x[::-1] * 1.5 + 0.1
            x[0] += k
            if np.sum(x) > 6.0:
                return x * k
            z = x * 2.0
        return np.sum(x) * WEIGHTS + z

    def f(k, n):
        return np.sum(turns(k, n) ** 2)

    return f


def left_in_a_helper(checkpoint):
    def walk(k, n):
        v = k
        w = 2.0 * k
        u = v + w
        for _ in checkpoint(range(n)):
            u = u * v * 0.5
            if u > 30.0:
                return u * w
            t = u * 2.0
        u = u + t
        return u

    def f(k, n):
        return walk(k, n) + walk(k * 0.7, n) ** 2

    return f


def left_with_an_else(checkpoint):
    def f(k, n):
        for x in checkpoint(WEIGHTS):
            k = k * x * 0.5
            if k > n:
                break
        else:
            k = k * k
        return k * x

    return f


PROGRAMS = [
    left_by_break, left_by_return, named_first_inside, left_inside_and_outside, returned_from_a_loop_inside,
    returned_from_a_checkpointed_loop_in_a_plain_one, arrays_that_may_not_be_there, left_in_a_helper,
    left_with_an_else,
]  # fmt: skip
MODES: dict[str, Callable[..., Any]] = {
    "value": lambda f, k, n: value_and_grad(f)(k, n)[0],
    "grad": lambda f, k, n: grad(f)(k, n),
    "vjp": lambda f, k, n: vjp(lambda k: f(k, n), k)[1](1.0)[0],
    "jvp": lambda f, k, n: jvp(f, (k, n), (1.0, None))[1],
    "linearize": lambda f, k, n: linearize(lambda k: f(k, n), k)[1](1.0),
    "jacrev": lambda f, k, n: jacrev(f)(k, n),
    "grad of grad": lambda f, k, n: grad(grad(f))(k, n),
    "jvp of grad": lambda f, k, n: jvp(grad(f), (k, n), (1.0, None))[1],
    "third": lambda f, k, n: grad(grad(grad(f)))(k, n),
}


@pytest.mark.parametrize("states", [None, 1, 3])
@pytest.mark.parametrize("make", PROGRAMS, ids=lambda make: make.__name__)
def test_each_derivative_is_that_of_the_program_without_checkpoints(make: Any, states: int | None) -> None:
    run = checkpoint if states is None else functools.partial(checkpoint, snapshots=states)
    f, plain = make(run), make(unchanged)

    for k, n in ((1.1, 7), (1.5, 5), (1.01, 3), (1.2, 1)):
        for name, mode in MODES.items():
            assert mode(f, k, n) == pytest.approx(mode(plain, k, n), rel=1e-9), (name, k, n)


@pytest.mark.parametrize("make", PROGRAMS, ids=lambda make: make.__name__)
def test_a_gradient_agrees_with_central_differences(make: Any) -> None:
    f = make(checkpoint)

    for k, n in ((1.1, 7), (1.5, 5)):
        slope = (f(k + 1e-6, n) - f(k - 1e-6, n)) / 2e-6
        assert grad(f)(k, n) == pytest.approx(slope, rel=1e-6)


def written_in_turns(checkpoint):
    def f(k, n):
        u = np.array([k, 1.1, 1.1 * k])
        for i in checkpoint(range(n)):
            u[1] += 0.1 * u[0] * u[2]
            u[i % 3] *= 1.1
        return np.sum(u)

    return f


def scaled(f: Any) -> Any:
    return lambda k, w: f(k * w, 4)


def rows(f: Any) -> Any:
    """`f` of every pair of these."""
    return vmap(vmap(f, in_axes=(0, None)), in_axes=(None, 0))


K = np.array([0.3, 1.2])
N = np.array([1.1, 0.7])
THIRD: dict[str, Callable[..., Any]] = {
    "rows of third": lambda f: rows(grad(grad(grad(f))))(K, N),
    "grad of rows of second": lambda f: grad(lambda k: np.sum(rows(grad(grad(f)))(k, N)))(K),
    "second of rows of grad": lambda f: grad(grad(lambda t: np.sum(rows(grad(f))(t * K, N))))(1.0),
    "jacrev twice of rows of grad": lambda f: jacrev(jacrev(lambda k: rows(grad(f))(k, N)))(K),
    "jacfwd of jacrev of rows": lambda f: jacfwd(jacrev(lambda k: rows(grad(f))(k, N)))(K),
    "hessian of rows of grad": lambda f: hessian(lambda k: np.sum(rows(grad(f))(k, N)))(K),
    "rows of hessian of grad": lambda f: rows(hessian(grad(f)))(K, N),
}


@pytest.mark.parametrize("states", [None, 2])
@pytest.mark.parametrize("make", [left_by_break, left_by_return, written_in_turns], ids=lambda m: m.__name__)
def test_third_derivatives_through_rows_of_rows(make: Any, states: int | None) -> None:
    run = checkpoint if states is None else functools.partial(checkpoint, snapshots=states)
    f, plain = make(run), make(unchanged)

    for name, mode in THIRD.items():
        found, right = (mode(scaled(g)) for g in (f, plain))
        np.testing.assert_allclose(found, right, rtol=1e-9, err_msg=name)


@pytest.mark.parametrize("states", [None, 2])
def test_a_name_that_got_no_value_is_read_as_python_reads_it(states: int | None) -> None:
    def f(k, n):
        for i in checkpoint(range(n), snapshots=states):
            y = k * i
        return y

    for mode in (value_and_grad(f), lambda k, n: vjp(f, k, n), lambda k, n: jvp(f, (k, n), (1.0, None))):
        with pytest.raises(UnboundLocalError):
            mode(1.1, 0)


def test_what_is_returned_from_a_checkpointed_loop_reads_plainly() -> None:
    slope = grad(left_by_return(functools.partial(checkpoint, snapshots=3)))
    slope(1.1, 7)

    assert "ran += 1" in slope.source
    assert "turns[:ran]" in slope.source
    assert "UNBOUND" not in slope.source
