"""Random programs of numbers in loops that are left in the middle: what a path carries out is not lost.

    for i in range(3):
        if a > 0.3:
            b = a * 0.5 + b
            continue
        b = 1.0
        ...

Values are plain Python's and derivatives those of central differences, in both modes. Where two step sizes
disagree, at a kink, the value alone is compared.
"""

from __future__ import annotations

import random
import textwrap
from typing import Any

import numpy as np
import pytest

from diffcompile import grad, jvp, value_and_grad
from graphs import written

NAMES = ("a", "b", "c", "d")
X = np.array([0.4, 0.7])
V = np.array([1.0, 2.0])


class Writer:
    """Writes one program, of statements picked by a seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.loops = 0

    def pick(self, *texts: str) -> str:
        """One of the texts, each `?` of it one of the names."""
        text = self.random.choice(texts)
        while "?" in text:
            text = text.replace("?", self.random.choice(NAMES), 1)
        return text

    def value(self) -> str:
        return self.pick(
            "? * 0.5 + ?", "np.sin(?)", "0.3 * ? * ?", "? - ?", "1.0", "x[0]", "x[1] * ?", "? + 0.7", "-?"
        )

    def test(self, loops: list[str]) -> str:
        of_turns = [f"{name} % 2 == 0" for name in loops] + [f"{name} == 1" for name in loops]
        return self.pick("? > -0.4", "? > 0.3", "? < ?", "? < ?", *of_turns)

    def block(self, depth: int, loops: list[str], inside: bool) -> list[str]:
        count = self.random.randint(1, 3)
        lines = [line for _ in range(count) for line in self.statement(depth, loops, inside)]
        if inside and self.random.random() < 0.25:
            lines.append(self.pick("continue", "continue", "break"))
        elif depth < 3 and self.random.random() < 0.06:
            lines.append(f"return {self.value()}")
        return lines

    def statement(self, depth: int, loops: list[str], inside: bool) -> list[str]:
        kind = self.random.random()
        if depth == 0 or kind < 0.4:
            return [f"{self.pick('?')} {self.pick('=', '=', '+=')} {self.value()}"]
        if kind < 0.68:
            lines = [f"if {self.test(loops)}:", *self.under(depth, loops, inside)]
            return [*lines, "else:", *self.under(depth, loops, inside)] if kind < 0.5 else lines
        if kind < 0.92:
            self.loops += 1
            name, turns = f"i{self.loops}", self.random.randint(1, 4)
            body = self.under(depth, [*loops, name], True)
            if kind < 0.82:
                rest = ["else:", *self.under(depth, loops, inside)] if kind < 0.71 else []
                return [f"for {name} in range({turns}):", *body, *rest]
            return [f"{name} = 0", f"while {name} < {turns}:", f"    {name} += 1", *body]
        lines = ["try:", *self.under(depth, loops, inside), f"    if {self.test(loops)}:"]
        lines += ["        raise ValueError", "except ValueError:", *self.under(depth, loops, inside)]
        return [*lines, "finally:", f"    {self.pick('?')} = {self.value()}"] if kind < 0.95 else lines

    def under(self, depth: int, loops: list[str], inside: bool) -> list[str]:
        return ["    " + line for line in self.block(depth - 1, loops, inside)]

    def program(self) -> str:
        lines = [line for _ in range(3) for line in self.statement(3, [], False)]
        ends = ["a, b, c, d = x[0], x[1], 1.0, x[0] * x[1]", *lines, "return a + 2.0 * b + 3.0 * c + 4.0 * d"]
        return "def f(x):\n" + textwrap.indent("\n".join(ends), "    ")


def assert_right(f: Any, x: np.ndarray, v: np.ndarray) -> None:
    value, gradient = value_and_grad(f)(x)
    primal, tangent = jvp(f, (x,), (v,))
    assert (value, primal) == (f(x), f(x))
    coarse, fine = (
        np.array([(f(x + h * unit) - f(x - h * unit)) / (2 * h) for unit in np.eye(len(x))])
        for h in (2e-6, 1e-6)
    )
    if np.allclose(coarse, fine, rtol=1e-4, atol=1e-4):
        np.testing.assert_allclose(gradient, fine, rtol=1e-4, atol=1e-4)
        np.testing.assert_allclose(tangent, fine @ v, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("seed", range(60))
def test_random_program(seed: int) -> None:
    text = Writer(seed).program()
    with np.errstate(all="ignore"):
        assert_right(written(text, np=np, file=f"<exits {seed}>"), X, V)


BRANCH = """
    def f(v):
        y, s = 1.5, 0.0
        for i in range(8):
            if y > 0:
                y = y - 0.4
                continue
            y = 1.0
            s = s + v
            v = 1.1 * v
        return s
"""
INNER = """
    def f(v):
        y, s = 1.5, 0.0
        for i in range(8):
            for j in range(3):
                if y > 0:
                    y = y - 0.4
                    break
                y = 1.0
                s = s + v
        return s
"""
FLAG = """
    def f(v):
        up, s = True, 0.0
        for i in range(8):
            if up:
                up = i < 3
                continue
            s = s + v
            up = i == 5
        return s
"""
BOUNCE = """
    def f(v):
        y, log = 1.5, []
        while len(log) < 2:
            yn = y + v * 0.05 - 0.1
            if yn > 0:
                y = yn
                v = v - 0.5
                continue
            y = 0.0
            v = -0.8 * v
            log.append(v)
        return sum(log)
"""
MATCHED = """
    def f(v):
        y, s = 2, 0.0
        for i in range(8):
            match y:
                case 0:
                    y = 5
                    s = s + v
                case _:
                    y = y - 1
                    continue
            y = y - 3
            v = v * 1.2
        return s
"""
GUARDED = """
    def f(v):
        y, s = 1.5, 0.0
        for i in range(8):
            try:
                if y > 0:
                    y = y - 0.4
                    continue
                s = s + v
            finally:
                s = s * 1.1
            y = 1.0
            v = 1.1 * v
        return s
"""


@pytest.mark.parametrize("text", [BRANCH, INNER, FLAG, BOUNCE, MATCHED, GUARDED])
def test_what_a_path_that_leaves_assigns_is_kept(text: str) -> None:
    f = written(textwrap.dedent(text).strip())

    assert np.isclose(jvp(f, (1.0,), (1.0,))[0], f(1.0))
    slope = (f(1.0 + 1e-6) - f(1.0 - 1e-6)) / 2e-6
    np.testing.assert_allclose((grad(f)(1.0), jvp(f, (1.0,), (1.0,))[1]), slope, rtol=1e-7)


FINALLY = """
    def f(v):
        a, b = v, 0.7
        for i in range(2):
            try:
                b = b + a
                break
            finally:
                a = b * 3.0
            b = a * 2.0
        return a + 10.0 * b
"""
AGAIN = """
    def f(v):
        a, b = v, 0.7
        for i in range(3):
            try:
                b = b + a
                if b < 4.0:
                    continue
            finally:
                a = b * v
            b = a * 2.0
        return a + 10.0 * b
"""
ELSE = """
    def f(v):
        d, c, s = v, 1.0, 0.0
        for i in range(3):
            for j in range(2):
                d = v * d
                if d > 0.1 * i:
                    break
            else:
                d = 0.7
            c -= c * 0.5 + d
            s += c
        return s
"""
INVARIANT = """
    def f(v):
        a, b = v, 1.7 * v
        if a < b:
            for i in range(2):
                a = v * v
        return 0.3 * a
"""


@pytest.mark.parametrize("text", [FINALLY, AGAIN, ELSE, INVARIANT])
def test_what_is_live_at_the_end_of_another_path(text: str) -> None:
    f = written(textwrap.dedent(text).strip())

    assert np.isclose(value_and_grad(f)(0.4)[0], f(0.4))
    slope = (f(0.4 + 1e-6) - f(0.4 - 1e-6)) / 2e-6
    np.testing.assert_allclose((grad(f)(0.4), jvp(f, (0.4,), (1.0,))[1]), slope, rtol=1e-7)
