"""Does the derivative of a program do what the program does, and is its gradient right?

    assert_right(f, 2.0)      the value, the prints and the exception of `f`; central differences, twice
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable
from typing import Any

import numpy as np

from diffcompile import grad, value_and_grad
from oracles import assert_agrees, assert_like, numeric_gradient, same


def copies(args: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(np.copy(a) if isinstance(a, np.ndarray) else a for a in args)


def observed(fn: Callable[..., Any], args: tuple[Any, ...]) -> tuple[Any, Exception | None, str]:
    """What a call returns or raises, and what it prints."""
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        try:
            return fn(*args), None, printed.getvalue()
        except Exception as error:  # noqa: BLE001 - the user's own
            return None, error, printed.getvalue()


def assert_right(fn: Callable[..., Any], *args: Any, twice: bool = True) -> None:
    """The value bit for bit, the prints, what is left of the arguments; the gradient, and its gradient."""
    mine, theirs = copies(args), copies(args)
    result, raised, printed = observed(value_and_grad(fn), mine)
    value, error, expected = observed(fn, theirs)

    assert printed == expected
    assert (type(raised), str(raised)) == (type(error), str(error))
    assert all(map(same, mine, theirs))
    if error is not None:
        return
    assert same(result[0], value)
    with contextlib.redirect_stdout(io.StringIO()):
        slope, slack = numeric_gradient(fn, lambda: copies(args))
        assert_agrees(result[1], slope, slack)
        assert_like(result[1], args[0])
        if twice and isinstance(args[0], float):
            curvature, slack = numeric_gradient(lambda *a: grad(fn)(*a), lambda: copies(args))
            assert_agrees(grad(grad(fn))(*copies(args)), curvature, slack)
