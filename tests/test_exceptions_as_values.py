"""What a caught exception carries: its arguments, its cause, and what is refused of it."""

from __future__ import annotations

from typing import Any

import pytest

from diffcompile import DiffCompileError, NoRule, UnsupportedSyntax, grad, jvp, linearize, value_and_grad
from oracles import assert_agrees, numeric_gradient

X = 1.1


class NoConvergence(Exception):
    def __init__(self, text: str, best: Any) -> None:
        super().__init__(text)
        self.best = best


def solve(a: Any) -> Any:
    if a < 0:
        return a
    raise NoConvergence("limit", a * a)


def attribute(x: Any) -> Any:
    try:
        r = solve(x)
    except NoConvergence as e:
        r = e.best * 2
    return r


def attribute_of_one_raised_here(x: Any) -> Any:
    try:
        raise NoConvergence("limit", x * x)
    except NoConvergence as e:
        return e.best * 2


def argument_of_one_raised_elsewhere(x: Any) -> Any:
    try:
        r = root(x)
    except ValueError as e:
        r = e.args[1]
    return r


def root(a: Any) -> Any:
    if a > 0:
        raise ValueError("x", a * a)
    return a


def attribute_of_the_cause(x: Any) -> Any:
    try:
        try:
            solve(x)
        except NoConvergence as e:
            raise ValueError("outer") from e
    except ValueError as f:
        return f.__cause__.best


def kept_behind_the_handler(x: Any) -> Any:
    kept = None
    try:
        r = solve(x)
    except NoConvergence as e:
        kept = e
        r = x
    return r if kept is None else kept.best


@pytest.mark.parametrize(
    "program",
    [
        attribute, attribute_of_one_raised_here, argument_of_one_raised_elsewhere, attribute_of_the_cause,
        kept_behind_the_handler,
    ],
    ids=lambda f: f.__name__,
)  # fmt: skip
def test_number_that_an_exception_carries_is_refused_in_every_mode(program: Any) -> None:
    for derivative in (
        grad(program), lambda x: jvp(program, (x,), (1.0,)), lambda x: linearize(program, x)[1](1.0),
    ):  # fmt: skip
        with pytest.raises(NoRule, match="no derivative is known for"):
            derivative(X)


def argument_of_one_raised_here(x: Any) -> Any:
    try:
        raise ValueError("a", x * x)
    except ValueError as e:
        text, best = e.args
        return best * len(text)


def with_a_cause(x: Any) -> Any:
    try:
        try:
            raise KeyError("k")
        except KeyError as e:
            raise ValueError(x * x) from e
    except ValueError as e:
        return e.args[0] + (x if isinstance(e.__cause__, KeyError) else 0.0)


def with_no_cause(x: Any) -> Any:
    try:
        raise ValueError(x * x) from None
    except ValueError as f:
        return f.args[0] + (x if f.__cause__ is None else 0.0)


def with_a_class_as_its_cause(x: Any) -> Any:
    try:
        raise ValueError(x * x) from KeyError
    except ValueError as f:
        return f.args[0] + (x if isinstance(f.__cause__, KeyError) else 0.0)


def with_a_cause_of_a_function(x: Any) -> Any:
    def g() -> Any:
        try:
            raise KeyError("k")
        except KeyError as e:
            raise ValueError("v") from e

    try:
        return g()
    except ValueError as f:
        return x * 3 if f.__cause__ is None else x * x


def with_a_note(x: Any) -> Any:
    try:
        raise ValueError("v")
    except ValueError as e:
        e.add_note("hello")
        return x * x * len(e.__notes__)


@pytest.mark.parametrize(
    "program",
    [
        argument_of_one_raised_here, with_a_cause, with_no_cause, with_a_class_as_its_cause,
        with_a_cause_of_a_function, with_a_note,
    ],
    ids=lambda f: f.__name__,
)  # fmt: skip
def test_what_is_known_of_an_exception_is_read_of_it(program: Any) -> None:
    value, slope = value_and_grad(program)(X)
    expected, error = numeric_gradient(program, lambda: (X,))

    assert value == pytest.approx(program(X), rel=1e-13)
    assert_agrees(slope, expected, error)
    assert jvp(program, (X,), (1.0,))[1] == pytest.approx(slope)
    assert grad(grad(program))(X) == pytest.approx(
        (grad(program)(X + 1e-5) - grad(program)(X - 1e-5)) / 2e-5, rel=1e-6, abs=1e-6
    )


@pytest.mark.parametrize("name", ["__context__", "__suppress_context__", "__traceback__"])
def test_how_an_exception_was_raised_is_not_read_of_it(name: str) -> None:
    def context(x: Any) -> Any:
        try:
            raise ValueError(x)
        except ValueError as e:
            return x if e.__context__ is None else x * x

    def suppressed(x: Any) -> Any:
        try:
            raise ValueError(x) from None
        except ValueError as e:
            return x if e.__suppress_context__ else x * x

    def traceback(x: Any) -> Any:
        try:
            raise ValueError(x)
        except ValueError as e:
            return x if e.__traceback__ is None else x * x

    programs = {"__context__": context, "__suppress_context__": suppressed, "__traceback__": traceback}
    with pytest.raises(UnsupportedSyntax) as refused:
        grad(programs[name])(X)

    assert refused.value.reason == (
        f"`{name}` of an exception is about how it was raised, which is another way here"
    )
    assert refused.value.remedy == "Keep what is needed of it in a variable where it is raised."


def test_attribute_of_an_exception_is_not_written() -> None:
    def f(x: Any) -> Any:
        try:
            raise ValueError(x)
        except ValueError as e:
            e.args = (x * x,)
            return e.args[0]

    with pytest.raises(DiffCompileError):
        grad(f)(X)


def test_text_of_an_exception_is_still_printed(capsys: pytest.CaptureFixture[str]) -> None:
    def f(x: Any) -> Any:
        try:
            r = solve(x)
        except NoConvergence as e:
            print("stopped:", e)
            r = x**3
        return r

    assert grad(f)(2.0) == 12.0
    assert jvp(f, (2.0,), (1.0,))[1] == 12.0
    assert capsys.readouterr().out == "stopped: limit\n" * 2
