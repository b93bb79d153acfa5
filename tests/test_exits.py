"""Loops that end early, over everything that can be run over: what was not run over has no derivative."""

from __future__ import annotations

import itertools
import textwrap
from typing import Any

import numpy as np
import pytest

from diffcompile import grad, hvp, jvp, linearize
from graphs import written
from oracles import slopes

X = np.array([0.71, 1.33, 0.27, 0.94])
DOT = np.array([0.3, -0.2, 0.7, 0.5])
NAMES = {"c": np.array([1.1, 0.7]), "B": np.arange(16.0).reshape(4, 4) / 7, "itertools": itertools}

# What is run over, under which names; and what makes `v` of them.
OVER = {
    "array": ("v", "x"), "reversed": ("v", "reversed(x)"), "backwards": ("v", "x[::-1]"),
    "part": ("v", "x[1:]"), "enumerated": ("i, v", "enumerate(x)"),
    "numbered backwards": ("i, v", "enumerate(reversed(x))"), "beside fewer": ("v, w", "zip(x, c)"),
    "fewer beside": ("w, v", "zip(c, x)"), "both ways": ("v, w", "zip(reversed(x), x)"),
    "neighbours": ("v, w", "zip(x[:-1], x[1:])"), "list": ("v", "[q * q for q in x]"),
    "reversed list": ("v", "reversed([q * q for q in x])"),
    "enumerated list": ("i, v", "enumerate([q * q for q in x])"),
    "list beside array": ("v, w", "zip([q * q for q in x], x)"),
    "rows": ("r", "np.outer(x, x)", "v = r[1]"),
    "reversed rows": ("r", "reversed(np.outer(x, x))", "v = r[1]"),
    "columns": ("r", "(B * x).T", "v = np.sum(r)"),
    "rows beside": ("r, q", "zip(np.outer(x, x), x)", "v = q * r[0]"),
    "numbers": ("i", "range(len(x))", "v = x[i]"),
    "numbers down": ("i", "range(len(x) - 1, -1, -1)", "v = x[i]"),
    "reversed numbers": ("i", "reversed(range(4))", "v = x[i]"),
    "every other": ("i", "range(1, 4, 2)", "v = x[i]"), "sliced": ("v", "itertools.islice(x, 3)"),
    "chained": ("v", "itertools.chain(x, x)"), "generated": ("v", "(q * q for q in x)"),
    "mapped": ("v", "map(np.sin, x)"), "sorted": ("v", "sorted(x)"),
    "items": ("k, v", "{i: q * q for i, q in enumerate(x)}.items()"),
    "pairs": ("v, w", "[(q * q, q) for q in x]"),
    "reversed pairs": ("v, w", "reversed([(q * q, q) for q in x])"),
    "lists": ("l", "[[q, q * q] for q in x]", "v = l[1]"),
    "reversed lists": ("l", "reversed([[q, q * q] for q in x])", "v = l[1]"),
    "arrays": ("a", "[np.array([q, 1.0]) * q for q in x]", "v = a[0]"),
    "reversed arrays": ("a", "reversed([np.array([q, 1.0]) * q for q in x])", "v = a[0]"),
    "nested": ("v", "[q * p for q in x for p in c]"),
}  # fmt: skip
TURNS = {
    "left before": "if v > 0.9: break\ns = s + v * v",
    "left after": "s = s + 2 * v\nif s > 0.5: break",
    "returns": "if v > 0.9: return s * 3 + v\ns = s + v * v",
    "goes on": "if v > 0.9: continue\ns = s * 0.5 + v",
    "appends": "kept.append(v * 2)\nif v > 0.9: break",
    "writes": "y[n] = v * v\nn = n + 1\nif v > 0.9: break",
    "inner": "for u in x:\n    if u > v: break\n    s = s + u * v\nif s > 0.5: break",
    "raises": "try:\n    if v > 0.9: raise ValueError\n    s = s + v * v\nexcept ValueError:\n    break",
    "keeps the last": "pass",
}


def looped(over: str, turn: str) -> Any:
    names, iterated, *made = OVER[over]
    turns = textwrap.indent("\n".join([*made, TURNS[turn]]), " " * 8)
    return written(
        "def f(x):\n"
        "    s, v, n = 0.0, x[0], 0\n"
        "    kept, y = [], np.zeros(16)\n"
        f"    for {names} in {iterated}:\n{turns}\n"
        "    return s + v * v + sum(kept) + np.sum(y * y)",
        "f",
        **NAMES,
    )


@pytest.mark.parametrize("turn", TURNS)
@pytest.mark.parametrize("over", OVER)
def test_a_loop_that_is_left(over: str, turn: str) -> None:
    f = looped(over, turn)
    expected = slopes(f, X)
    np.testing.assert_allclose(grad(f)(X), expected, rtol=1e-8, atol=1e-9)
    np.testing.assert_allclose(jvp(f, (X,), (DOT,))[1], expected @ DOT, rtol=1e-8, atol=1e-9)
    np.testing.assert_allclose(linearize(f, X)[1](DOT), expected @ DOT, rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize(
    "over", ["reversed", "reversed list", "reversed rows", "beside fewer", "reversed pairs"]
)
@pytest.mark.parametrize("turn", ["left before", "returns", "inner"])
def test_its_second_derivative(over: str, turn: str) -> None:
    f = looped(over, turn)
    np.testing.assert_allclose(hvp(f)(X, DOT), slopes(grad(f), X).T @ DOT, rtol=1e-7, atol=1e-8)
