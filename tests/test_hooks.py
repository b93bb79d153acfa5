"""`with cotangent_of(x) as x_bar:`: its body runs in the backward pass, where the cotangent is complete."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest

from diffcompile import UnsupportedSyntax, checkpoint, cotangent_of, grad, jvp, value_and_grad, vjp

V = np.array([0.3, 0.7, 1.1])


def test_the_body_sees_all_that_flows_back_from_what_follows() -> None:
    seen: list[Any] = []

    def f(x, seen):
        y = 2.0 * x
        before = y * 10.0
        with cotangent_of(y) as y_bar:
            seen.append(y_bar)
        return y * 3.0 + y * 4.0 + before

    assert grad(f)(1.0, seen) == 2.0 * 17.0
    assert seen == [7.0]


def test_what_the_body_assigns_flows_on() -> None:
    def f(x):
        y = np.exp(x)
        with cotangent_of(y) as y_bar:
            y_bar = np.clip(y_bar, -1.0, 1.0)
        return np.sum(5.0 * y)

    np.testing.assert_allclose(grad(f)(V), np.exp(V))


def test_a_cotangent_is_changed_in_place_on_some_path() -> None:
    def f(x, limit):
        y = np.sin(x)
        with cotangent_of(y) as y_bar:
            size = np.sqrt(np.sum(y_bar**2))
            if size > limit:
                y_bar *= limit / size
            y_bar[0] = 0.0
        return np.sum(y**2 * 10.0)

    def expected(limit):
        y_bar = 20.0 * np.sin(V)
        size = np.sqrt(np.sum(y_bar**2))
        y_bar = y_bar * min(1.0, limit / size)
        y_bar[0] = 0.0
        return y_bar * np.cos(V)

    for limit in (0.5, 1000.0):
        np.testing.assert_allclose(grad(f)(V, limit), expected(limit))


def test_prints_of_the_body_happen_in_the_backward_pass_alone(capsys: Any) -> None:
    def f(x):
        print("forward")
        y = x * x
        with cotangent_of(y) as y_bar:
            print("backward", y_bar)
        print("after")
        return 3.0 * y

    assert f(2.0) == 12.0
    assert capsys.readouterr().out == "forward\nafter\n"
    assert value_and_grad(f)(2.0) == (12.0, 12.0)
    assert capsys.readouterr().out == "forward\nafter\nbackward 3.0\n"
    assert jvp(f, (2.0,), (1.0,)) == (12.0, 12.0)
    assert capsys.readouterr().out == "forward\nafter\n"


def test_the_turns_of_a_loop_are_seen_last_turn_first() -> None:
    seen: list[Any] = []

    def f(x, n, seen):
        for k in range(n):
            x = x * 2.0
            with cotangent_of(x) as x_bar:
                seen.append((k, x_bar))
                x_bar = x_bar + k
        return x

    # 1; 1 + 2 -> 3 * 2 = 6; 6 + 1 -> 7 * 2; 14 + 0 -> 28
    assert grad(f)(1.0, 3, seen) == 28.0
    assert seen == [(2, 1.0), (1, 6.0), (0, 14.0)]


def test_the_names_in_the_body_have_the_values_that_they_have_at_the_with() -> None:
    def f(x):
        factor = 2.0
        y = x * 1.0
        with cotangent_of(y) as y_bar:
            y_bar = y_bar * factor + x
        factor = 100.0
        return y * factor

    assert grad(f)(5.0) == 205.0


def test_what_the_body_assigns_beside_the_cotangent_is_its_own() -> None:
    def f(x):
        z = 1.0
        y = x * 3.0
        with cotangent_of(y) as y_bar:
            z = 7.0
            y_bar = y_bar * z
        return y * z

    assert f(1.0) == 3.0
    assert value_and_grad(f)(1.0) == (3.0, 21.0)


def halved(x):
    y = np.sin(x)
    with cotangent_of(y) as y_bar:
        y_bar = 0.5 * y_bar
    return y * 1.0


@pytest.mark.parametrize("around", [lambda f: f, checkpoint])
def test_a_function_that_is_called_has_hooks_too(around: Any) -> None:
    inner = around(halved)

    def f(x):
        return np.sum(inner(inner(x)))

    def loop(x):
        for _ in checkpoint(range(2)):
            x = halved(x)
        return np.sum(x)

    expected = 0.25 * np.cos(np.sin(V)) * np.cos(V)
    np.testing.assert_allclose(grad(f)(V), expected)
    np.testing.assert_allclose(grad(loop)(V), expected)
    np.testing.assert_allclose(vjp(f, V)[1](1.0)[0], expected)


def test_a_hook_is_part_of_the_derivative_that_is_differentiated_again() -> None:
    def f(x):
        y = x**3
        with cotangent_of(y) as y_bar:
            y_bar = y_bar * x
        return 1.0 * y

    # the gradient is x * 3 x**2
    assert grad(grad(f))(2.0) == pytest.approx(36.0)


def test_an_array_keeps_its_aliases_and_its_dtype() -> None:
    def f(x):
        y = x * np.float32(2.0)
        same = y
        with cotangent_of(y) as y_bar:
            y_bar = y_bar * 3.0
        same[0] = 0.0
        return np.sum(y)

    gradient = grad(f)(V.astype(np.float32))

    assert gradient.dtype == np.float32
    assert gradient.tolist() == [0.0, 6.0, 6.0]


def test_nothing_runs_where_nothing_flows_back(capsys: Any) -> None:
    def f(x, n):
        y = x * 2.0
        k = n + 1
        with cotangent_of(y) as y_bar:
            print("y")
        with cotangent_of(k) as k_bar:
            print("k")
        return x * k

    assert grad(f)(3.0, 1) == 2.0
    assert capsys.readouterr().out == ""


def test_a_with_without_a_name_and_several_in_one(capsys: Any) -> None:
    def f(x):
        y = x * 2.0
        with cotangent_of(x), cotangent_of(y) as y_bar:
            print(y_bar)
        return x * y

    assert f(3.0) == 18.0
    assert grad(f)(3.0) == 12.0


def test_a_plain_call_leaves_the_tracing_of_a_debugger_as_it_was() -> None:
    lines: list[int] = []

    def tracer(frame: Any, event: str, arg: Any) -> Any:
        lines.append(frame.f_lineno)
        return tracer

    sys.settrace(tracer)
    try:
        halved(1.0)
        found = sys.gettrace()
    finally:
        sys.settrace(None)

    first = halved.__code__.co_firstlineno
    assert found is tracer
    assert first + 4 in lines and first + 3 not in lines


# -- what is refused ----------------------------------------------------------------------------------------


def returns(x):
    y = x * 2.0
    with cotangent_of(y) as y_bar:
        return 1.0
    return y


def breaks(x):
    for _ in range(3):
        x = x * 2.0
        with cotangent_of(x) as x_bar:
            break
    return x


def of_an_expression(x):
    with cotangent_of(x * 2.0) as y_bar:
        pass
    return x


def of_a_container(x):
    p = [x, 2.0 * x]
    with cotangent_of(p) as p_bar:
        pass
    return p[0] * p[1]


def of_a_view(x):
    y = x * 1.0
    part = y[1:]
    with cotangent_of(part) as part_bar:
        pass
    return np.sum(part)


def changes_the_forward_pass(x):
    y = x * 2.0
    kept = np.zeros(3)
    with cotangent_of(y) as y_bar:
        kept[0] = y_bar[0]
    return np.sum(y * kept)


REFUSED = [
    (returns, "the body of `cotangent_of` runs in the backward pass, where there is nothing to leave",
     "Assign to the name of the cotangent."),
    (breaks, "the body of `cotangent_of` runs in the backward pass, where there is nothing to leave",
     "Assign to the name of the cotangent."),
    (of_an_expression, "`cotangent_of` takes a variable, and its cotangent is given a name",
     "Write `with cotangent_of(x) as x_bar:`."),
    (of_a_container, "`cotangent_of` of a container", "Give what is in it a name: `w = params[...]`."),
    (of_a_view, "`cotangent_of` of a part of an array", "Copy it: `y = x[1:].copy()`."),
    (changes_the_forward_pass,
     "the body of `cotangent_of` changes `kept`, which the forward pass reads",
     "Change the cotangent, or what the caller hands in."),
]  # fmt: skip


@pytest.mark.parametrize(("fn", "reason", "remedy"), REFUSED, ids=lambda v: getattr(v, "__name__", ""))
def test_a_hook_that_cannot_stand_in_the_backward_pass_is_refused(fn: Any, reason: str, remedy: str) -> None:
    with pytest.raises(UnsupportedSyntax) as caught:
        grad(fn)(V if fn in (of_a_view, changes_the_forward_pass) else 1.0)

    assert (caught.value.reason, caught.value.remedy) == (reason, remedy)
    assert caught.value.span is not None and caught.value.span.line > fn.__code__.co_firstlineno
