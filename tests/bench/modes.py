"""What each mode costs beside the function itself, on arrays of 10^5 numbers: ratios, and their medians.

    python tests/bench/modes.py

Prints, for each program, the time of the function, and the times of its derivative in a direction (`jvp`), of
its gradient and of a product with its Hessian, as multiples of it. The four are timed in turn, so that what
else the machine does falls on all of them.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from diffcompile import grad, hvp, jvp

N = 10**5
ROUNDS = 15
RNG = np.random.default_rng(0)


def rosenbrock(x):
    return np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)


def softplus_norm(x):
    return np.sqrt(np.sum(np.log1p(np.exp(x)) ** 2))


def logistic(x):
    p = 1.0 / (1.0 + np.exp(-x))
    return -np.mean(np.log(p) + 0.3 * np.log(1.0 - p))


def chain(x):
    for _ in range(8):
        x = np.sin(x) * np.cos(x) + 0.5
    return np.sum(x)


def stencil(x):
    u = x.copy()
    for _ in range(8):
        u[1:-1] += 0.1 * (u[2:] - 2.0 * u[1:-1] + u[:-2])
    return np.sum(u**2)


def masked(x):
    return np.sum(np.where(x > 0.5, np.exp(-x), x**3))


def matrices(x):
    m = x.reshape(316, -1)
    return np.sum(np.tanh(m @ m.T))


def moments(x):
    d = x - np.mean(x)
    return np.mean(d**4) / np.mean(d**2) ** 2


PROGRAMS = [rosenbrock, softplus_norm, logistic, chain, stencil, masked, matrices, moments]


def seconds(run: Callable[[], Any]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def ratios(f: Callable[[Any], Any]) -> tuple[float, list[float]]:
    """The time of the function, and those of the three derivatives as multiples of it."""
    x = RNG.uniform(0.1, 0.9, N if f is not matrices else 316 * 316)
    v = np.ones_like(x)
    gradient, product = grad(f), hvp(f)
    runs = [lambda: f(x), lambda: jvp(f, (x,), (v,)), lambda: gradient(x), lambda: product(x, v)]
    for run in runs:
        run()
    times = [[seconds(run) for run in runs] for _ in range(ROUNDS)]
    primal = statistics.median(row[0] for row in times)
    return primal, [statistics.median(row[k] / row[0] for row in times) for k in (1, 2, 3)]


def main() -> None:
    found = []
    print(f"{'':14}{'function':>12}{'jvp':>8}{'grad':>8}{'hvp':>8}")
    for f in PROGRAMS:
        primal, row = ratios(f)
        found.append(row)
        print(f"{f.__name__:14}{primal * 1e3:9.2f} ms" + "".join(f"{r:8.2f}" for r in row))
    medians = [statistics.median(column) for column in zip(*found, strict=True)]
    print(f"{'median':26}" + "".join(f"{r:8.2f}" for r in medians))


if __name__ == "__main__":
    main()
