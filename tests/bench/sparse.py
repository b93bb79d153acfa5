"""What a sparse Hessian costs beside a product with it, for chains of 10^3 to 10^5 numbers: ratios.

    python tests/bench/sparse.py

Prints, for each function and length, the number of elements that are not zero, the number of sweeps, the time
of the Hessian with its pattern and colours found anew and found before, and that per element beside the
length before it: a ratio near 1 is time linear in the elements. The sizes are timed in turn, so that what
else the machine does falls on all of them.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from diffcompile import hessian, hvp

ROUNDS = 7


def chain(x):
    return np.sum((x[1:] - x[:-1]) ** 2 * (1.0 + x[1:] ** 2))


def rosenbrock(x):
    return np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)


def arrow(x):
    return np.exp(x[0]) * np.sum(x[1:] ** 3)


def chain_in_a_loop(x):
    total = 0.0
    for i in range(1, len(x)):
        total += (x[i] - x[i - 1]) ** 2 * (1.0 + x[i] ** 2)
    return total


PROGRAMS = [
    (chain, (10**3, 10**4, 10**5)),
    (rosenbrock, (10**3, 10**4, 10**5)),
    (arrow, (10**3, 10**4, 10**5)),
    (chain_in_a_loop, (10**2, 10**3, 10**4)),
]


def seconds(run: Callable[[], Any]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def main() -> None:
    head = f"{'':18}{'length':>8}{'elements':>10}{'sweeps':>8}{'anew':>12}{'again':>12}{'hvp':>12}"
    print(f"{head}{'anew, growth':>16}{'again, growth':>16}")
    for f, lengths in PROGRAMS:
        points = [np.linspace(0.1, 0.9, n) for n in lengths]
        anew = [hessian(f, sparse=True) for _ in points]
        again = [hessian(f, sparse=True) for _ in points]
        product = hvp(f)
        found = [taken(x) for taken, x in zip(again, points, strict=True)]
        for taken, x in zip(anew, points, strict=True):
            taken(x)
        rows = []
        for _ in range(ROUNDS):
            row = []
            for k, x in enumerate(points):
                anew[k].forget()
                row.append([
                    seconds(lambda k=k, x=x: anew[k](x)),
                    seconds(lambda k=k, x=x: again[k](x)),
                    seconds(lambda x=x: product(x, x)),
                ])  # fmt: skip
            rows.append(row)
        before: list[float] | None = None
        for k, n in enumerate(lengths):
            times = [statistics.median(row[k][j] for row in rows) for j in range(3)]
            each = [t / found[k].nnz for t in times]
            growth = [e / b for e, b in zip(each, before, strict=True)] if before else [1.0] * 3
            before = each
            print(
                f"{f.__name__:18}{n:8}{found[k].nnz:10}{again[k].colors:8}"
                + "".join(f"{t * 1e3:9.2f} ms" for t in times)
                + f"{growth[0]:16.2f}{growth[1]:16.2f}"
            )


if __name__ == "__main__":
    main()
