"""What of a `try` becomes one guarded run, where an exception goes, what an explicit raise is."""

from __future__ import annotations

import math

import pytest

from diffcompile.errors import DiffCompileError
from graphs import VECTOR, lowered, shows, written


def test_what_may_raise_is_guarded_and_the_handler_runs_where_it_did_not_complete() -> None:
    text = """
    def f(x):
        try:
            y = math.sqrt(x)
        except ValueError:
            y = -x
        return y
    """

    shows(lowered(written(text, math=math)), """
        y.2, error = try:
          y = math.sqrt(x)
          yield y
        except ValueError: yield UNBOUND
        completed = operator.is_(error, None)
        caught, y.4, done = if completed:
          yield False, y.2, False
        else:
          y.3 = operator.neg(x)
          yield True, y.3, True
        yield y.4
    """)


def test_what_a_handler_can_see_of_the_progress_splits_the_run() -> None:
    text = """
    def f(x):
        t = 0.0
        try:
            t = x * 2.0
            t = math.log(t)
            n = math.sqrt(t)
        except ValueError:
            n = t
        return n
    """
    graph = lowered(written(text, math=math))

    assert str(graph).count("= try:") == 2
    assert str(graph).index("t.2 = operator.mul(x, 2.0)") < str(graph).index("= try:")


def test_what_no_handler_sees_is_one_run() -> None:
    text = """
    def f(x):
        try:
            t = math.log(x)
            n = math.sqrt(t)
        except ValueError:
            n = x
        return n
    """

    assert str(lowered(written(text, math=math))).count("= try:") == 1


def test_an_explicit_raise_is_a_branch() -> None:
    text = """
    def f(x):
        try:
            if x < 0.0:
                raise ValueError("negative")
            return x
        except ValueError:
            return -x
    """

    shows(lowered(written(text)), """
        lt_out = operator.lt(x, 0.0)
        result = if lt_out:
          ValueError_out = ValueError('negative')
          negative = operator.neg(x)
          yield negative
        else:
          yield x
        yield result
    """)


def test_what_cannot_raise_needs_no_guard() -> None:
    text = "def f(x):\n    try:\n        y = x * x\n    except ValueError:\n        y = 0.0\n    return y"

    shows(lowered(written(text)), """
        y = operator.mul(x, x)
        yield y
    """)


def test_final_statements_that_nobody_sees_need_no_guard() -> None:
    text = "def f(x):\n    try:\n        y = math.sqrt(x)\n    finally:\n        z = 2.0\n    return y * z"

    assert "try" not in str(lowered(written(text, math=math)))


def test_final_statements_that_print_run_on_the_way_out() -> None:
    text = "def f(x):\n    try:\n        y = math.sqrt(x)\n    finally:\n        print(1)\n    return y"

    shows(lowered(written(text, math=math)), """
        y.2, error = try:
          y = math.sqrt(x)
          yield y
        except BaseException: yield UNBOUND
        completed = operator.is_(error, None)
        if completed:
          yield
        else:
          print(1)
          raise_error(error)
          yield
        print(1)
        yield y.2
    """)


def test_an_array_that_a_failing_store_leaves_alone_is_handed_on() -> None:
    text = """
    def f(x):
        y = x * 1.0
        try:
            y[7] = 2.0
        except IndexError:
            pass
        return y
    """
    graph = lowered(written(text), VECTOR)

    assert "except IndexError: yield y\n" in str(graph)


def test_a_write_that_the_rest_of_its_statement_may_follow_is_refused() -> None:
    text = """
    def f(x):
        y = x * 1.0
        try:
            y[0], y[7] = 1.0, 2.0
        except IndexError:
            pass
        return y
    """
    with pytest.raises(DiffCompileError) as refused:
        lowered(written(text), VECTOR)

    assert refused.value.reason == (
        "what is written here stays written if the rest of the statement raises, in a `try`"
    )
