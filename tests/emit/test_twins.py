"""Functions that differ in nothing but their names, and in which of each other they call, are one."""

from __future__ import annotations

import numpy as np

from diffcompile import grad
from diffcompile.emit.twins import merged

HALF = "def {name}(n):\n    return n if n < 1 else {other}(n // 2)"


def test_a_function_and_its_like_inside_are_one() -> None:
    texts = {"f_2": HALF.format(name="f_2", other="f_2"), "f": HALF.format(name="f", other="f_2")}
    assert merged({**texts, "main": "def main(n):\n    return f(n)"}, {"f", "f_2"}) == [
        HALF.format(name="f", other="f"), "def main(n):\n    return f(n)"
    ]  # fmt: skip


def test_functions_that_call_each_other_are_told_apart_by_what_they_do() -> None:
    even = "def even{k}(n):\n    return 1 if n == 0 else odd{k}(n - 1)"
    odd = "def odd{k}(n):\n    return 0 if n == 0 else even{k}(n - 1)"
    both = (("even", even), ("odd", odd))
    texts = {f"{name}{k}": text.format(k=k) for k in ("", "_2") for name, text in both}
    assert merged(texts, set(texts)) == [even.format(k=""), odd.format(k="")]


def test_what_a_module_is_made_for_keeps_its_name() -> None:
    texts = {"f": "def f(x):\n    return x", "g": "def g(x):\n    return x"}
    assert merged(texts, {"f"}) == list(texts.values())


def test_a_recursion_has_one_forward_and_one_backward_function() -> None:
    @grad
    def f(x):
        def total(v):
            if len(v) == 1:
                return v[0] ** 2
            k = len(v) // 2
            return total(v[:k]) * total(v[k:]) + v[0]

        return total(x)

    x = np.array([0.3, -0.7, 1.1, 0.5])
    f(x)
    heads = [line for line in f.source.splitlines() if line.startswith("def ")]
    assert heads == ["def total_forward(v):", "def total_backward(saved, total_bar):", "def f_grad(x):"]
