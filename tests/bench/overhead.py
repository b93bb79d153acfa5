"""What a gradient costs beside the one written by hand: `python tests/bench/overhead.py`.

Everything is a ratio of times taken in turns in one run. The targets: a call costs at most 1.5 of the one by
hand for a scalar function in `np.*`, and 4 in `math.*`; the first gradient, compilation included, comes at
least 5 times sooner than that of `jax.jit(jax.grad(f))`, where jax is installed; importing diffcompile adds
at most half of NumPy's own import time.
"""

import importlib
import importlib.util
import math
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter
from timeit import Timer
from types import ModuleType

import numpy as np

from diffcompile import grad

Function = Callable[..., object]


def with_np(x, y):
    return np.sin(x) * y + np.exp(-y * x)


def with_np_by_hand(x, y):
    decay = np.exp(-y * x)
    return np.cos(x) * y - y * decay, np.sin(x) - x * decay


def with_math(x, y):
    return math.sin(x) * y + math.exp(-y * x)


def with_math_by_hand(x, y):
    decay = math.exp(-y * x)
    return math.cos(x) * y - y * decay, math.sin(x) - x * decay


def per_call(
    compiled: Function, by_hand: Function, calls: int = 2000, rounds: int = 50
) -> tuple[float, float]:
    """Best seconds of one call of each."""
    assert np.allclose(compiled(0.7, 1.3), by_hand(0.7, 1.3), rtol=1e-12)
    timers = [Timer("f(x, y)", globals={"f": f, "x": 0.7, "y": 1.3}) for f in (compiled, by_hand)]
    times = [[timer.timeit(calls) / calls for timer in timers] for _ in range(rounds)]
    ours, hand = (min(column) for column in zip(*times, strict=True))
    return ours, hand


ROUNDS = 6
BODY = """
def f{i}(x, y):
    return np.sin(x) * y + np.exp(-y * x) + {i}.0
"""


def functions(folder: Path, numpy: str) -> list[Function]:
    """The same functions on either NumPy; each has its own code, so that no cache knows it."""
    path = folder / f"{numpy.replace('.', '_')}_functions.py"
    path.write_text(f"import {numpy} as np\n" + "\n".join(BODY.format(i=i) for i in range(ROUNDS)))
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return [getattr(module, f"f{i}") for i in range(ROUNDS)]


def first_gradients(jax: ModuleType) -> tuple[float, float]:
    """Median seconds from a new function to its first gradient, ours and jax's, after one of each."""
    with tempfile.TemporaryDirectory() as folder:
        ours, theirs = functions(Path(folder), "numpy"), functions(Path(folder), "jax.numpy")
        times = []
        for f, g in zip(ours, theirs, strict=True):
            start = perf_counter()
            grad(f)(0.7, 1.3)
            middle = perf_counter()
            jax.block_until_ready(jax.jit(jax.grad(g))(0.7, 1.3))
            times.append((middle - start, perf_counter() - middle))
    first, second = (median(column) for column in zip(*times[1:], strict=True))
    return first, second


IMPORT = """
from time import perf_counter
start = perf_counter()
import numpy
middle = perf_counter()
import diffcompile
print(middle - start, perf_counter() - middle)
"""


def import_times(rounds: int = 9) -> tuple[float, float]:
    """Median seconds to import NumPy, and then diffcompile, in a new interpreter that finds them compiled."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "PYTHONPYCACHEPREFIX": folder, "PYTHONDONTWRITEBYTECODE": ""}
        command = [sys.executable, "-c", IMPORT]
        runs = [
            subprocess.check_output(command, env=environment, text=True).split() for _ in range(rounds + 1)
        ]
    first, then = (median(map(float, column)) for column in zip(*runs[1:], strict=True))
    return first, then


def report(what: str, numerator: float, denominator: float, target: str) -> None:
    times = f"{1e6 * numerator:.2f} / {1e6 * denominator:.2f} us"
    print(f"{what:<36}{numerator / denominator:8.2f}   {target:<14}{times}")


def main() -> None:
    print(f"{'':<36}{'ratio':>8}   {'target':<14}")
    both = grad(with_np, argnums=(0, 1)), grad(with_math, argnums=(0, 1))
    report("a call in np.* / by hand", *per_call(both[0], with_np_by_hand), "at most 1.5")
    report("a call in math.* / by hand", *per_call(both[1], with_math_by_hand), "at most 4")
    if importlib.util.find_spec("jax") is None:
        print(f"{'first gradient of jax / ours':<36}{'-':>8}   {'at least 5':<14}jax is not installed")
    else:
        ours, theirs = first_gradients(importlib.import_module("jax"))
        report("first gradient of jax / ours", theirs, ours, "at least 5")
    numpy_seconds, our_seconds = import_times()
    report("import of diffcompile / NumPy", our_seconds, numpy_seconds, "at most 0.5")


if __name__ == "__main__":
    main()
