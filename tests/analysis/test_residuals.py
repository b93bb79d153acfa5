"""What the forward pass saves, and what the backward pass computes again."""
# ruff: noqa: E501

from __future__ import annotations

import numpy as np
import pytest

from diffcompile import value_and_grad
from graphs import written

X = np.array([0.3, 0.7, 1.1])


def source(text: str, *args: object) -> str:
    derivative = value_and_grad(written(text))
    derivative(*args)
    return "\n".join(line for line in derivative.source.splitlines() if not line.lstrip().startswith("#"))


def loop(*turn: str, params: str = "x, w", before: str = "s = 0.0", after: str = "s") -> str:
    body = "".join(f"        {line}\n" for line in turn)
    return f"def f({params}):\n    {before}\n    for i in range(len(w)):\n{body}    return {after}"


NOTHING = {
    "a sum of products": "s = s + x[i] * w[i]",
    "a scaled step": "s = s * 2.0 + x[i]",
    "an augmented sum": "s += w[i] * x[i]",
    "a recomputed product": "s = s + (x[i] * w[i])**2",
    "a sign": "s = s + (x[i] if x[i] > w[i] else 0.0)",
}


@pytest.mark.parametrize("turn", NOTHING.values(), ids=NOTHING)
def test_nothing_is_saved_for(turn: str) -> None:
    assert ".append(" not in source(loop(turn), X, X[::-1].copy())


def test_what_the_next_turn_overwrites_is_saved() -> None:
    text = source(loop("s = np.sin(s) + x[i]"), X, X)

    assert text.count(".append(") == 1


def test_only_what_is_read_is_saved() -> None:
    text = source(loop("a = np.exp(x[i])", "b = np.floor(a)", "s = s + a * b"), X, X)

    assert text.count(".append(") <= 1


def test_one_list_holds_all_that_a_turn_saves() -> None:
    text = source(loop("a = np.sin(s)", "b = np.exp(a) * s", "s = a * b + x[i]"), X, X)

    assert text.count(".append(") == 1


def test_a_chain_of_layers_grows_linearly() -> None:
    def lines(n: int) -> int:
        layers = "".join(f"    h{k + 1} = np.tanh(w @ h{k})\n" for k in range(n))
        return len(source(f"def f(h0, w):\n{layers}    return h{n}.sum()", X, np.eye(3)).splitlines())

    assert lines(30) - lines(20) == lines(20) - lines(10)


def test_every_intermediate_is_computed_once() -> None:
    text = source("def f(x):\n    a = np.exp(x)\n    b = np.tanh(a)\n    return np.sum(b * a)", X)

    assert (text.count("np.exp("), text.count("np.tanh(")) == (1, 1)


def test_a_value_of_a_branch_is_at_hand_in_its_adjoint() -> None:
    text = source("def f(x):\n    if x > 0.0:\n        a = np.exp(x)\n        y = a * a\n    else:\n        y = x\n    return y", 0.5)

    assert text.count("np.exp(") == 1


def test_an_element_that_is_written_over_is_kept_and_not_the_array() -> None:
    text = source("def f(x, w):\n    y = x * 1.0\n    for i in range(1, len(w)):\n        y[i] = y[i] * y[i - 1]\n    return y.sum()", X, X)

    inside = [line for line in text.splitlines() if line.startswith("        ")]
    assert inside and not any("copy" in line for line in inside)
