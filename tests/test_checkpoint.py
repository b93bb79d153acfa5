"""Checkpointed functions and loops: the derivative of the program without the checkpoints, in less memory.

Each program is written once and taken twice: with `checkpoint`, and with what gives back what it is given.
"""

# ruff: noqa: E501

from __future__ import annotations

import copy
import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from diffcompile import DiffCompileError, UnsupportedSyntax, checkpoint, grad, value_and_grad, vjp
from diffcompile.rules.checkpoints import middle
from oracles import assert_agrees, assert_close, flatten, numeric_gradient

V = np.array([0.3, 0.7, 1.1, 0.55, 0.2])
K = 0.7
PROGRAMS: list[tuple[Callable[..., Any], tuple[Any, ...]]] = []


def unchanged(what, snapshots=None):
    return what


def program(*args: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def add(make: Callable[..., Any]) -> Callable[..., Any]:
        PROGRAMS.append((make, args))
        return make

    return add


V = np.array([0.3, 0.7, 1.1, 0.55, 0.2])
K = 0.7


@program(V, 10)
def a_stencil_in_place(checkpoint):
    def f(u0, n):
        u = u0.copy()
        for t in checkpoint(range(n)):
            u[1:-1] += 0.1 * (u[2:] - 2 * u[1:-1] + u[:-2]) * u[1:-1]
        return np.sum(u**3)

    return f


@program(V, 10)
def a_stencil_in_place_with_snapshots(checkpoint):
    def f(u0, n):
        u = u0.copy()
        for t in checkpoint(range(n), snapshots=2):
            u[1:-1] += 0.1 * (u[2:] - 2 * u[1:-1] + u[:-2]) * u[1:-1]
        return np.sum(u**3)

    return f


@program(K, 13)
def break_ends_the_loop(checkpoint):
    def f(k, n):
        x = 1.0
        for t in checkpoint(range(n)):
            x = x * k * 1.3 + np.sin(x)
            if x > 3.0:
                break
        return x * x

    return f


@program(K, 13)
def the_else_of_a_loop(checkpoint):
    def f(k, n):
        x = 1.0
        y = 0.0
        for t in checkpoint(range(n)):
            x = x * k * 1.3 + np.sin(x)
            if x > 3.0:
                y = x
                break
        else:
            x = x * 2
        return x * x + y

    return f


@program(V, 13)
def states_that_swap(checkpoint):
    def f(a, n):
        x = a * 1.0
        v = np.zeros_like(a)
        for t in checkpoint(range(n)):
            x, v = np.cos(x) + v * 0.1, x * 0.5
        return np.sum(x * v)

    return f


@program(V, 13)
def states_that_swap_with_snapshots(checkpoint):
    def f(a, n):
        x = a * 1.0
        v = np.zeros_like(a)
        for t in checkpoint(range(n), snapshots=3):
            x, v = np.cos(x) + v * 0.1, x * 0.5
        return np.sum(x * v)

    return f


@program(V, 13)
def arrays_that_change_places_and_are_written(checkpoint):
    def f(a, n):
        x = np.sin(a)
        v = np.cos(a)
        for t in checkpoint(range(n)):
            x, v = v, x
            x[0] += v[1] * x[2]
        return np.sum(x * v * x)

    return f


@program(
    V,
)
def over_array(checkpoint):
    def f(a):
        s = 1.0
        for v in checkpoint(a):
            s = s * np.sin(v) + v
        return s

    return f


@program(
    V,
)
def over_array_with_snapshots(checkpoint):
    def f(a):
        s = 1.0
        for v in checkpoint(a, 2):
            s = s * np.sin(v) + v
        return s

    return f


@program(
    V,
)
def over_reversed(checkpoint):
    def f(a):
        s = 1.0
        for v in checkpoint(reversed(a)):
            s = s * np.sin(v) + v
        for v in reversed(checkpoint(a)):
            s = s * np.sin(v) + v
        return s

    return f


@program(
    V,
)
def over_zip(checkpoint):
    def f(a):
        s = 1.0
        b = np.cos(a)
        for v, w in checkpoint(zip(a, b[1:])):
            s = s * np.sin(v) + v * w
        return s

    return f


@program(
    V,
)
def indexed(checkpoint):
    def f(a):
        s = 1.0
        for i in checkpoint(range(len(a))):
            s = s * np.sin(a[i]) + a[i - 1]
        return s

    return f


@program(
    V,
)
def indexed_with_snapshots(checkpoint):
    def f(a):
        s = 1.0
        for i in checkpoint(range(len(a)), snapshots=2):
            s = s * np.sin(a[i]) + a[i - 1]
        return s

    return f


@program(
    [0.3, 0.4, 0.9, 1.2, 0.1],
)
def over_list(checkpoint):
    def f(a):
        s = 1.0
        for v in checkpoint(a):
            s = s * np.sin(v) + v
        return s

    return f


@program([(V, V + 1), (V - 1, V * 2)], V)
def layers(checkpoint):
    def f(ls, x):
        for w, b in checkpoint(ls):
            x = np.tanh(w * x + b)
        return np.sum(x)

    return f


@program(V, 7)
def nested(checkpoint):
    def f(a, n):
        x = a * 1.0
        for i in checkpoint(range(n)):
            for j in checkpoint(range(i)):
                x = np.sin(x) * a + j * 0.1
            x = x * 1.1
        return np.sum(x**2)

    return f


@program(V, 7)
def nested_with_snapshots(checkpoint):
    def f(a, n):
        x = a * 1.0
        for i in checkpoint(range(n), snapshots=2):
            for j in checkpoint(range(i)):
                x = np.sin(x) * a + j * 0.1
            x = x * 1.1
        return np.sum(x**2)

    return f


@program(V, 7)
def in_plain_loop(checkpoint):
    def f(a, n):
        x = a * 1.0
        for i in range(n):
            if i % 2:
                for j in checkpoint(range(i)):
                    x = np.sin(x) * a + j * 0.1
            x = x * 1.1
        return np.sum(x**2)

    return f


@program(V, 7)
def history(checkpoint):
    def f(a, n):
        x = a * 1.0
        seen = []
        for i in checkpoint(range(n)):
            x = np.sin(x) * a
            seen.append(np.sum(x))
        return np.sum(np.array(seen) ** 2)

    return f


@program(V, 7)
def record(checkpoint):
    def f(a, n):
        x = a * 1.0
        seen = np.zeros(n)
        for i in checkpoint(range(n)):
            x = np.sin(x) * a
            seen[i] = np.sum(x)
        return np.sum(seen**2)

    return f


def stepper(x, a):
    y = np.sin(x) * a
    z = y * y + x
    return np.cos(z)


@program(V, 7)
def function(checkpoint):
    step = checkpoint(stepper)

    def f(a, n):
        x = a * 1.0
        for i in range(n):
            x = step(x, a)
        return np.sum(x)

    return f


@program(V, 7)
def function_made_in_the_loop(checkpoint):
    def f(a, n):
        x = a * 1.0
        for i in range(n):
            x = checkpoint(stepper)(x, a)
        return np.sum(x)

    return f


@program(V, 7)
def closure(checkpoint):
    def f(a, n):
        x = a * 1.0
        g = checkpoint(lambda y: np.sin(y * a) * np.cos(y))
        for i in range(n):
            x = g(x)
        return np.sum(x)

    return f


def layer(p, x):
    h = p["w"] * x + p["b"]
    return {"out": np.tanh(h), "n": h}


@program({"w": V, "b": V + 1}, V)
def function_of_dicts(checkpoint):
    lay = checkpoint(layer)

    def f(p, x):
        y = lay(p, x)
        z = lay(p, y["out"])
        return np.sum(z["out"] * y["n"])

    return f


def inplace_step(u, dt):
    u[1:] += dt * np.sin(u[:-1])


@program(V, 7)
def function_that_writes(checkpoint):
    st = checkpoint(inplace_step)

    def f(a, n):
        u = a.copy()
        for i in range(n):
            st(u, 0.1)
        return np.sum(u**2)

    return f


@program(V, 7)
def calls_that_write(checkpoint):
    def f(a, n):
        u = a.copy()
        for i in checkpoint(range(n)):
            inplace_step(u, 0.1)
            u *= u[0]
        return np.sum(u**2)

    return f


class M:
    def __init__(self, w):
        self.w = w

    def step(self, x):
        y = self.w * x
        return np.sin(y) + y


@program(V, 7)
def attributes_that_change(checkpoint):
    def f(a, n):
        m = M(a)
        x = a
        for i in checkpoint(range(n)):
            x = m.step(x)
            m.w = m.w * 0.9
        return np.sum(x)

    return f


def fact(x, n):
    if n == 0:
        return x
    return np.sin(fact(x, n - 1)) * x


@program(0.7, 5)
def recursive(checkpoint):
    ff = checkpoint(fact)

    def f(a, n):
        return ff(a, n) * ff(a, n + 1)

    return f


@program(V, 0)
def no_turns(checkpoint):
    def f(a, n):
        x = a * 1.0
        for i in checkpoint(range(n)):
            x = np.sin(x)
        for i in checkpoint(range(n), snapshots=2):
            x = np.sin(x)
        return np.sum(x**2)

    return f


@program(V, 9)
def argument_is_the_state(checkpoint):
    def f(x, n):
        for i in checkpoint(range(n)):
            x = np.sin(x)
        return np.sum(x**2)

    return f


@program(V, 9)
def argument_is_the_state_for_a_while(checkpoint):
    def f(x, n):
        for i in checkpoint(range(n)):
            if i > 3:
                x = np.sin(x)
        return np.sum(x**2)

    return f


@program(V, 9)
def exceptions_inside(checkpoint):
    def f(x, n):
        total = 0.0
        i = 0
        for i in checkpoint(range(n)):
            try:
                total += x[i] ** 2
            except IndexError:
                total = total * 1.5 + x[0]
        return total

    return f


@program(V, 9)
def while_inside(checkpoint):
    def f(x, n):
        total = 1.0
        for i in checkpoint(range(n)):
            y = x[0]
            while y < 3.0:
                y = y * 1.5 + x[1]
            total = total * 0.5 + y
        return total

    return f


@program(np.arange(6.0).reshape(2, 3) / 5, np.ones(3))
def two_calls(checkpoint):
    def f(W, x):
        def go(x):
            for i in checkpoint(range(4)):
                x = np.tanh(W @ x) @ W
            return x

        return np.sum(go(x) * go(x + 1))

    return f


@program(V, 6)
def captured_array_is_overwritten_later(checkpoint):
    def f(a, n):
        w = a.copy()
        x = a * 0.5
        for _ in checkpoint(range(n)):
            x = np.sin(w * x)
        w[0] = x[1]
        for _ in checkpoint(range(n), snapshots=2):
            x = np.sin(w * x)
        w *= 2.0
        return np.sum(x * w)

    return f


@program(V, 6)
def state_is_overwritten_later(checkpoint):
    def f(a, n):
        x = a * 0.5
        for _ in checkpoint(range(n)):
            x = np.sin(a * x)
        x[0] = 3.0 * a[1]
        x *= x
        return np.sum(x)

    return f


@program(V, 6)
def a_view_of_the_state(checkpoint):
    def f(a, n):
        x = a * 0.5
        half = x[1:]
        for _ in checkpoint(range(n)):
            half *= a[1:]
            x[0] += half[0]
        return np.sum(x**2)

    return f


@program(V, 6)
def enumerated(checkpoint):
    def f(a, n):
        total = 1.0
        for k, v in checkpoint(enumerate(a, 2)):
            total = total * np.sin(v) + k * v
        return total

    return f


@program(V, 6)
def number_of_snapshots_is_an_argument(checkpoint):
    def f(a, n):
        x = a
        for k in checkpoint(range(17), snapshots=n):
            x = np.sin(x) * a
        return np.sum(x)

    return f


@program(V, 6)
def floats_and_an_integer_count(checkpoint):
    def f(a, n):
        hits = 0
        x = 1.0
        for k in checkpoint(range(n), snapshots=2):
            if k % 2:
                hits += 1
                x = x * a[hits]
        return x * hits

    return f


@program(V.astype(np.complex128) + 0.3j, 6)
def complex_states(checkpoint):
    def f(a, n):
        x = a
        for _ in checkpoint(range(n)):
            x = np.exp(1j * x) * a
        return np.sum(abs(x) ** 2)

    return f


@program(V, 5)
def nothing_that_varies(checkpoint):
    def f(a, n):
        s = 1.0
        for k in checkpoint(range(n)):
            s = s * 0.5 + k
        return np.sum(a) * s

    return f


@program(V, 4)
def nested_on_a_branch_that_is_not_taken(checkpoint):
    def f(a, n):
        x = np.zeros(5)
        for i in checkpoint(range(n)):
            if a[1] < -1.0:
                for _ in checkpoint(range(n)):
                    x = np.sin(x + x[i % 5] * a)
            x[0] = np.tanh(a[0] + x[0])
        return np.sum(x * a)

    return f


@program((0.1, 0.2, 0.3, 0.4), V)
def tuple_beside_numbers(checkpoint):
    def f(a, x):
        total = 1.0
        for i, (p, q) in checkpoint(enumerate(zip(a, x), start=1)):
            total = total * np.sin(p + q) ** i + p
        for p in checkpoint(a, snapshots=2):
            total = total * p + p**2
        return total

    return f


@program(V, 9)
def writes_into_the_callers_array(checkpoint):
    def f(u, n):
        for _ in checkpoint(range(n)):
            u[1:] += 0.1 * u[:-1] * u[1:]
        for k in checkpoint(range(n), snapshots=2):
            if k % 2:
                u[0] *= 1.1
        return np.sum(u**2)

    return f


@program(V, 9)
def calls_that_write_into_the_callers_array(checkpoint):
    step = checkpoint(inplace_step)

    def f(u, n):
        for _ in checkpoint(range(n)):
            inplace_step(u, 0.1)
        for _ in range(n):
            step(u, 0.2)
        return np.sum(u**2)

    return f


@program(V, 5)
def writes_through_a_view_of_the_callers_array(checkpoint):
    def f(u, n):
        for k in checkpoint(range(n)):
            part = u[1:4]
            for _ in range(2):
                part *= u[0]
            u[k % 5] = np.sum(part)
        return np.sum(u**2)

    return f


def names(value: Any) -> str | None:
    return value.__name__ if callable(value) else ""


each = pytest.mark.parametrize(("make", "args"), PROGRAMS, ids=names)


@each
def test_value_and_gradient_are_those_of_the_program_without_checkpoints(make: Any, args: Any) -> None:
    given = copy.deepcopy(args)
    value, gradient = value_and_grad(make(checkpoint))(*given)
    plain_value, plain_gradient = value_and_grad(make(unchanged))(*copy.deepcopy(args))

    assert value == plain_value
    assert_close(gradient, plain_gradient, rtol=1e-11)
    plain = copy.deepcopy(args)
    make(unchanged)(*plain)
    np.testing.assert_array_equal(flatten(given[0]), flatten(plain[0]))


def is_complex(x: Any) -> bool:
    return isinstance(x, np.ndarray) and x.dtype.kind == "c"


# The oracle is of real numbers.
@pytest.mark.parametrize(("make", "args"), [(m, a) for m, a in PROGRAMS if not is_complex(a[0])], ids=names)
def test_gradient_agrees_with_central_differences(make: Any, args: Any) -> None:
    gradient = grad(make(checkpoint))(*copy.deepcopy(args))

    assert_agrees(gradient, *numeric_gradient(make(unchanged), lambda: copy.deepcopy(args)))


@each
def test_pullback_gives_the_gradient_each_time_it_is_called(make: Any, args: Any) -> None:
    _, pullback = vjp(make(checkpoint), *copy.deepcopy(args))
    first, again = pullback(1.0)[0], pullback(1.0)[0]

    assert_close(first, grad(make(unchanged))(*copy.deepcopy(args)), rtol=1e-11)
    assert_close(again, first)


# `history` is not differentiated twice without checkpoints either.
@pytest.mark.parametrize(
    ("make", "args"),
    [
        (m, a)
        for m, a in PROGRAMS
        if not isinstance(a[0], (list, dict, tuple)) and not is_complex(a[0]) and m is not history
    ],
    ids=names,
)
def test_second_derivative_is_that_of_the_program_without_checkpoints(make: Any, args: Any) -> None:
    first, rest = args[0], args[1:]

    def second(program: Any) -> float:
        return grad(grad(lambda t, *more: program(first * t, *more)))(1.0, *copy.deepcopy(rest))

    assert second(make(checkpoint)) == pytest.approx(second(make(unchanged)), rel=1e-9)


@each
def test_source_runs_without_diffcompile(make: Any, args: Any) -> None:
    derivative = value_and_grad(make(checkpoint))
    expected = derivative(*copy.deepcopy(args))
    scope: dict[str, Any] = {}
    if "tests." in derivative.source:  # it builds an object of a class of this file
        assert derivative.source.count("import ") == derivative.source.count("import numpy as np") + 1
    exec(derivative.source, scope)
    value, gradient = scope["f_value_and_grad"](*copy.deepcopy(args))

    assert "diffcompile." not in derivative.source
    assert value == expected[0]
    assert_close(gradient, expected[1])


# -- memory -------------------------------------------------------------------------------------------------


def peak(derivative: Any, *args: Any) -> float:
    """The most memory that a call holds, in numbers of 8 bytes."""
    derivative(*args)
    tracemalloc.start()
    derivative(*args)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return most / 8


def simulation(checkpoint: Any, **options: Any) -> Any:
    snapshots = options.get("snapshots")

    def f(k, x, n):
        for _ in checkpoint(range(n), snapshots=snapshots):
            x = x + 1e-3 * np.sin(k * x)
        return np.sum(x**2)

    return f


def test_a_checkpointed_loop_keeps_about_the_square_root_of_its_states() -> None:
    x, turns = np.linspace(0.0, 1.0, 1000), 2500

    most = peak(grad(simulation(checkpoint)), 1.5, x, turns)

    assert peak(grad(simulation(unchanged)), 1.5, x, turns) > 2500 * 1000
    assert most < (2 * 50 + 12) * 1150


def test_a_loop_with_snapshots_keeps_about_so_many_states() -> None:
    x, turns = np.linspace(0.0, 1.0, 1000), 400

    most = peak(grad(simulation(checkpoint, snapshots=5)), 1.5, x, turns)

    assert most < (5 + 12) * 1150


def test_a_checkpointed_function_keeps_its_arguments_alone() -> None:
    def block(x):
        for _ in range(50):
            x = np.sin(x) * x
        return x

    run = checkpoint(block)

    def f(x):
        for _ in range(10):
            x = run(x)
        return np.sum(x)

    assert peak(grad(f), np.linspace(0.1, 1.0, 1000)) < (10 + 2 * 50 + 15) * 1150


def test_a_second_derivative_of_a_checkpointed_loop_does_not_keep_every_state() -> None:
    x, turns = np.linspace(0.0, 1.0, 1000), 900

    assert peak(grad(grad(simulation(checkpoint))), 1.5, x, turns) < 600 * 1150


# -- the schedule -------------------------------------------------------------------------------------------


def cost(count: int, snapshots: int, split: Any, known: dict[tuple[int, int], int]) -> int:
    """How many turns are run ahead when `count` are reversed with `snapshots` states."""
    if count < 2:
        return 0
    if (count, snapshots) not in known:
        parts = [split(count, snapshots)] if split else range(1, count) if snapshots > 1 else [count - 1]
        known[count, snapshots] = min(
            m + cost(count - m, snapshots - 1, split, known) + cost(m, snapshots, split, known) for m in parts
        )
    return known[count, snapshots]


def test_turns_are_run_again_as_rarely_as_the_snapshots_allow() -> None:
    best: dict[tuple[int, int], int] = {}
    ours: dict[tuple[int, int], int] = {}
    pairs = [(n, s) for n in range(1, 60) for s in range(1, 7)]

    assert [cost(n, s, middle, ours) for n, s in pairs] == [cost(n, s, None, best) for n, s in pairs]


def test_one_snapshot_does_not_recurse() -> None:
    def f(x, n):
        for _ in checkpoint(range(n), snapshots=1):
            x = 0.999 * x
        return x

    assert grad(f)(1.0, 1500) == pytest.approx(0.999**1500)


# -- effects ------------------------------------------------------------------------------------------------


def told(x, k):
    y = x * 1.5
    print("turn", k)
    return np.sin(y)


@pytest.mark.parametrize("snapshots", [None, 2])
def test_prints_happen_once_and_in_order(snapshots: int | None, capsys: Any) -> None:
    def f(x, n):
        for k in checkpoint(range(n), snapshots=snapshots):
            print("before", k)
            x = told(x, k)
        return x

    f(1.0, 5)
    said = capsys.readouterr().out
    value_and_grad(f)(1.0, 5)

    assert capsys.readouterr().out == said


def test_prints_of_a_checkpointed_function_happen_once(capsys: Any) -> None:
    again = checkpoint(told)

    def f(x):
        return again(x, 0) * again(x, 1)

    f(1.0)
    said = capsys.readouterr().out
    value_and_grad(f)(1.0)

    assert capsys.readouterr().out == said


def test_an_assertion_inside_still_fails_where_it_would() -> None:
    def f(x, n):
        for _ in checkpoint(range(n)):
            assert x < 5.0, "too large"
            x = 2.0 * x
        return x

    assert grad(f)(1.0, 3) == 8.0
    with pytest.raises(AssertionError, match="too large"):
        grad(f)(1.0, 4)


def draws(k, n, rng):
    x = k
    for _ in checkpoint(range(n)):
        x = x * k + rng.normal()
    return x


def writes(x, items):
    for k in checkpoint(range(3)):
        items[0] = items[0] * x
    return items[0]


def shift(x):
    x[0] += x[1] ** 2
    x[1] *= 2.0


def calls_what_writes(x, n):
    for k in checkpoint(range(n)):
        shift(x[1:])
    return np.sum(x)


class Body:
    speed = 1.0


def sets_an_attribute(k, body):
    for _ in checkpoint(range(3)):
        body.speed = body.speed * k
    return body.speed


TOTAL = 0


def counts_outside(k):
    global TOTAL
    for _ in checkpoint(range(3)):
        TOTAL = TOTAL + 1
        k = k * k
    return k


def not_there_before(k, n):
    if n > 2:
        y = k
    for i in checkpoint(range(n)):
        if i > 1:
            y = y * k
    return y


def numbered_outside(k, n):
    for i, _ in enumerate(checkpoint(range(n))):
        k = k * i
    return k


def comprehension(k, n):
    return np.sum(np.array([k * i for i in checkpoint(range(n))]))


def no_states(k, n):
    for _ in checkpoint(range(n), snapshots=0):
        k = k * k
    return k


def states_of_a_function(k):
    return checkpoint(told, snapshots=2)(k, 0)


AGAIN = "would happen again when what is checkpointed is run again"
OUTSIDE = "Do it outside of what is checkpointed: draw ahead and hand the numbers in, write into a copy."
REFUSED = [
    (draws, (1.1, 3, np.random.default_rng(0)), "rng.normal()", f"the call of `normal` {AGAIN}", OUTSIDE),
    (writes, (1.1, [2.0]), "items[0] =", f"a write into what is the caller's {AGAIN}", OUTSIDE),
    (calls_what_writes, (V, 3), "shift(x[1:])", f"a write into an argument {AGAIN}", OUTSIDE),
    (sets_an_attribute, (1.1, Body()), "body.speed", f"a write into what is the caller's {AGAIN}", OUTSIDE),
    (counts_outside, (1.1,), "TOTAL", f"the assignment of a name outside of the function {AGAIN}", OUTSIDE),
    (
        not_there_before,
        (1.1, 3),
        "checkpoint",
        "`y` may have no value before this checkpointed loop, and is read after it",
        "Give `y` a value before the loop.",
    ),
    (
        numbered_outside,
        (1.1, 3),
        "enumerate",
        "what is checkpointed is run over together with something else",
        "Checkpoint the whole: `checkpoint(enumerate(...))`, `checkpoint(zip(...))`.",
    ),
    (
        comprehension,
        (1.1, 3),
        "checkpoint",
        "a comprehension is not checkpointed",
        "Write a loop that appends.",
    ),
    (
        no_states,
        (1.1, 3),
        "snapshots=0",
        "a loop cannot be run again from 0 states",
        "Let `snapshots` be a positive number.",
    ),
    (
        states_of_a_function,
        (1.1,),
        "checkpoint",
        "`snapshots` is for loops: a function keeps its arguments",
        "Leave `snapshots` out.",
    ),
]


@pytest.mark.parametrize(("fn", "args", "place", "reason", "remedy"), REFUSED, ids=names)
def test_what_cannot_be_run_again_is_refused_at_its_line(
    fn: Any, args: Any, place: str, reason: str, remedy: str
) -> None:
    with pytest.raises(UnsupportedSyntax) as caught:
        grad(fn)(*copy.deepcopy(args))

    assert (caught.value.reason, caught.value.remedy) == (reason, remedy)
    assert caught.value.span is not None and place in caught.value.span.text


def test_a_list_that_grows_is_not_differentiated_twice() -> None:
    f = history(checkpoint)

    with pytest.raises(DiffCompileError) as caught:
        grad(grad(lambda t: f(V * t, 4)))(1.0)

    assert caught.value.reason == "a list or a dict that what is checkpointed changes is differentiated twice"
    assert caught.value.remedy == "Write the numbers into an array."


# -- without a derivative -----------------------------------------------------------------------------------


def test_without_a_derivative_it_is_what_it_was_given() -> None:
    turns, items = range(3), [1.0, 2.0]

    assert checkpoint(turns) is turns
    assert checkpoint(items, snapshots=2) is items
    assert checkpoint(np.sum)(np.ones(3)) == 3.0
    assert checkpoint(told).__name__ == "told"


@pytest.mark.parametrize(
    ("what", "snapshots", "kind", "message"),
    [
        (range(3), 0, ValueError, "at least one state is kept, so `snapshots` is not 0"),
        (range(3), 2.0, TypeError, "`snapshots` is a number of states, not 2.0"),
        (told, 2, TypeError, "`snapshots` is for loops: a function keeps its arguments"),
        (3, None, TypeError, "'int' object is not iterable"),
    ],
)
def test_what_cannot_be_checkpointed_is_said_at_once(
    what: Any, snapshots: Any, kind: type[Exception], message: str
) -> None:
    with pytest.raises(kind) as caught:
        checkpoint(what, snapshots)

    assert str(caught.value) == message


def test_a_checkpointed_method_and_a_decorated_function() -> None:
    class Model:
        @checkpoint
        def step(self, x):
            y = self.w * x
            return np.sin(y) * y

    @checkpoint
    def square(x):
        return x * x

    model = Model()
    model.w = 1.3

    def f(x):
        return square(model.step(model.step(x)))

    def plain(x):
        for _ in range(2):
            y = 1.3 * x
            x = np.sin(y) * y
        return x * x

    assert f(0.7) == pytest.approx(plain(0.7))
    assert grad(f)(0.7) == pytest.approx(grad(plain)(0.7))
    assert grad(square)(3.0) == 6.0
