"""What a `with` becomes: a region in its manager, or what the manager stands for."""

from __future__ import annotations

import contextlib
import math

from graphs import VECTOR, lowered, shows, written


def test_a_floating_point_state_is_a_manager() -> None:
    text = "def f(x):\n    with np.errstate(all='ignore'):\n        y = np.sqrt(x)\n    return y"

    shows(lowered(written(text), VECTOR), """
        errstate_out = np.errstate(all='ignore')
        y.2, error = try with errstate_out as entered:
          y = np.sqrt(x)
          yield y
        yield y.2
    """)


def test_suppress_is_a_try() -> None:
    text = "def f(x):\n    y = x\n    with suppress(ValueError):\n        y = math.sqrt(x)\n    return y"
    graph = lowered(written(text, suppress=contextlib.suppress, math=math))

    assert "except ValueError: yield UNBOUND" in str(graph)


def test_a_null_context_is_nothing() -> None:
    text = "def f(x):\n    with nullcontext(x) as y:\n        z = y * y\n    return z"

    shows(lowered(written(text, nullcontext=contextlib.nullcontext)), """
        z = operator.mul(x, x)
        yield z
    """)
