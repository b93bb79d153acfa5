"""Which way a Jacobian is faster, forward or backward, and which way `jacobian` takes.

    python tests/bench/jacobians.py

For functions from R^n to R^m, with n/m from 1/64 to 64: the time of `jacfwd` over that of `jacrev`, and the
way chosen. A choice is marked where the other way would have taken less than 0.7 of the time. The two are
timed in turn, so that what else the machine does falls on both.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from diffcompile import jacfwd, jacobian, jacrev

RATIOS = (1 / 64, 1 / 16, 1 / 4, 1 / 2, 1, 2, 4, 16, 64)
SIZE = 1024  # the larger of n and m
ROUNDS = 9
NEAR = 0.7
RNG = np.random.default_rng(0)


def layers(n: int, m: int) -> Callable[[Any], Any]:
    first, second = RNG.normal(size=(n, 64)) / n**0.5, RNG.normal(size=(64, m)) / 8

    def f(x):
        return np.tanh(np.tanh(x @ first) @ second)

    return f


def elementwise(n: int, m: int) -> Callable[[Any], Any]:
    """Each result depends on some of the arguments, each argument moves some of the results."""
    wide = max(n, m)

    def f(x):
        u = np.sin(np.resize(x, wide)) * np.exp(-np.resize(x, wide) ** 2)
        return u.reshape(m, -1).sum(axis=1)

    return f


def recurrence(n: int, m: int) -> Callable[[Any], Any]:
    matrix = RNG.normal(size=(n, m)) / n**0.5
    step = RNG.normal(size=(m, m)) / (2 * m**0.5)

    def f(x):
        h = np.tanh(x @ matrix)
        for _ in range(3):
            h = np.sin(h @ step) + h
        return h

    return f


FUNCTIONS = [layers, elementwise, recurrence]


def seconds(run: Callable[[], Any]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def compared(f: Callable[[Any], Any], n: int) -> tuple[float, bool]:
    """The time forward over that backward, and whether `jacobian` goes forward."""
    x = RNG.uniform(0.1, 0.9, n)
    forward, backward, chosen = jacfwd(f), jacrev(f), jacobian(f)
    for derivative in (forward, backward, chosen):
        derivative(x)
    times = [(seconds(lambda: forward(x)), seconds(lambda: backward(x))) for _ in range(ROUNDS)]
    text = " ".join(chosen.source.split())
    return statistics.median(a / b for a, b in times), "a direction for each number in the arguments" in text


def main() -> None:
    print(f"{'n / m':>12}" + "".join(f"{make.__name__:>22}" for make in FUNCTIONS))
    for ratio in RATIOS:
        n, m = (round(SIZE * ratio), SIZE) if ratio <= 1 else (SIZE, round(SIZE / ratio))
        row = f"{n:5} /{m:5}"
        for make in FUNCTIONS:
            quotient, ahead = compared(make(n, m), n)
            worse = (quotient if not ahead else 1 / quotient) < NEAR
            row += f"{quotient:10.2f} {'forward' if ahead else 'backward':>9}{' !' if worse else '  '}"
        print(row)


if __name__ == "__main__":
    main()
