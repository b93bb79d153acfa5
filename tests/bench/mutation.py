"""What writing in place costs in a gradient, and how compile time grows: `python tests/bench/mutation.py`.

A loop of n element writes should take time and memory in proportion to n, in both passes: the table gives
both at 10 times as many writes over 10 times what they were, so 1 is linear and 10 quadratic. An in-place
stencil is set beside the same adjoint written by hand. Compile time is that of the first gradient less that
of the second, for programs of growing length, with the exponent of its growth. Last, the kernels of the zoo
whose loops copy whole arrays. Name the parts to run some of them: writes, stencils, compile, copies.
"""

import importlib.util
import math
import re
import sys
import tempfile
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from time import perf_counter, process_time
from types import ModuleType

import numpy as np

from diffcompile import grad

Function = Callable[..., object]
COUNTS = (10_000, 100_000, 1_000_000)


def filled(x, c):
    """A recurrence in a table made here."""
    y = np.zeros(len(x))
    y[0] = x[0]
    for i in range(1, len(x)):
        y[i] = c * y[i - 1] + x[i] * x[i]
    return y[-1]


def overwritten(x, c):
    """A recurrence in place of its argument; the old elements are read by the adjoint."""
    for i in range(1, len(x)):
        x[i] = c * x[i - 1] * x[i] + 0.5
    return np.sum(x)


def accumulated(x, c):
    """Additions to elements that are hit again and again; nothing need be saved."""
    bins = np.zeros(100)
    for i in range(len(x)):
        bins[i % 100] += c * x[i]
    return np.sum(bins * bins)


def swapped(x, c):
    """Neighbours change places."""
    for i in range(len(x) - 1):
        if i % 3:
            x[i], x[i + 1] = x[i + 1], c * x[i]
    return np.sum(x * x)


def tabulated(x, c):
    """A recurrence in each row of a table that is a list of lists."""
    rows = [[0.0] * 100 for _ in range(len(x) // 100)]
    for i in range(len(rows)):
        for j in range(1, 100):
            rows[i][j] = c * rows[i][j - 1] + x[100 * i + j] ** 2
    return sum(row[99] for row in rows)


def call(derivative: Function, n: int) -> float:
    """Seconds of one gradient of n writes."""
    x = np.linspace(0.1, 0.9, n)
    start = perf_counter()
    derivative(x, 0.9)
    return perf_counter() - start


def peak(derivative: Function, n: int) -> int:
    """Bytes that one gradient of n writes holds at most, beside its argument."""
    x = np.linspace(0.1, 0.9, n)
    tracemalloc.start()
    derivative(x, 0.9)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return most


def element_writes(rounds: int = 2) -> None:
    print(
        f"{'n element writes':<24}{'n':>10}{'seconds':>10}{'growth':>8}{'MB':>10}{'growth':>8}{'bytes/n':>9}"
    )
    for fn in (filled, overwritten, accumulated, swapped, tabulated):
        derivative = grad(fn, argnums=(0, 1))
        call(derivative, 100)
        exponents = [
            math.log(cost(derivative, 12_800) / cost(derivative, 800)) / math.log(16) for cost in (call, peak)
        ]
        if max(exponents) > 1.5:
            grown = "time grows as n to the {:.1f}, memory as n to the {:.1f}".format(*exponents)
            print(f"{fn.__name__:<24}   {grown}: not run for long")
            continue
        times = [[call(derivative, n) for n in COUNTS] for _ in range(rounds)]
        seconds = [min(column) for column in zip(*times, strict=True)]
        most = [peak(derivative, n) for n in COUNTS]
        for k, n in enumerate(COUNTS):
            growth = [f"{row[k] / row[k - 1] / 10:8.2f}" if k else f"{'':8}" for row in (seconds, most)]
            sizes = f"{most[k] / 1e6:10.2f}{growth[1]}{most[k] / n:9.0f}"
            print(f"{fn.__name__ if not k else '':<24}{n:>10}{seconds[k]:10.4f}{growth[0]}{sizes}")


STEPS = 50


def reaction(u, r):
    """A reaction and its diffusion, in place."""
    for _ in range(STEPS):
        u[1:-1] += r * (u[2:] - 2.0 * u[1:-1] + u[:-2]) + 0.01 * u[1:-1] * (1.0 - u[1:-1])
    return np.sum(u * u)


def reaction_by_hand(u, r):
    saved = []
    for _ in range(STEPS):
        saved.append(u.copy())
        u[1:-1] += r * (u[2:] - 2.0 * u[1:-1] + u[:-2]) + 0.01 * u[1:-1] * (1.0 - u[1:-1])
    u_bar = 2.0 * u
    r_bar = 0.0
    for old in reversed(saved):
        inner_bar = u_bar[1:-1].copy()
        r_bar += np.sum(inner_bar * (old[2:] - 2.0 * old[1:-1] + old[:-2]))
        lap_bar = r * inner_bar
        u_bar[1:-1] += 0.01 * inner_bar * (1.0 - 2.0 * old[1:-1]) - 2.0 * lap_bar
        u_bar[2:] += lap_bar
        u_bar[:-2] += lap_bar
    return u_bar, r_bar


def diffusion(u, r):
    """The same without the reaction: with respect to u nothing need be saved."""
    for _ in range(STEPS):
        u[1:-1] += r * (u[2:] - 2.0 * u[1:-1] + u[:-2])
    return np.sum(u * u)


def diffusion_by_hand(u, r):
    for _ in range(STEPS):
        u[1:-1] += r * (u[2:] - 2.0 * u[1:-1] + u[:-2])
    u_bar = 2.0 * u
    for _ in range(STEPS):
        lap_bar = r * u_bar[1:-1]
        u_bar[1:-1] -= 2.0 * lap_bar
        u_bar[2:] += lap_bar
        u_bar[:-2] += lap_bar
    return u_bar


def stencils(rounds: int = 15) -> None:
    print(f"\n{'in-place stencil / by hand':<34}{'time':>8}{'peak':>8}")
    for fn, by_hand, argnums in ((reaction, reaction_by_hand, (0, 1)), (diffusion, diffusion_by_hand, 0)):
        derivative = grad(fn, argnums=argnums)
        for n in (1_000, 100_000):
            u = 0.5 + 0.4 * np.sin(np.arange(n))
            ours, theirs = (np.hstack(f(u.copy(), 0.1)) for f in (derivative, by_hand))
            assert np.allclose(ours, theirs, rtol=1e-9)
            times = []
            for _ in range(rounds):
                for f in (derivative, by_hand):
                    given = u.copy()
                    start = perf_counter()
                    f(given, 0.1)
                    times.append(perf_counter() - start)
            most = []
            for f in (derivative, by_hand):
                given = u.copy()
                tracemalloc.start()
                f(given, 0.1)
                most.append(tracemalloc.get_traced_memory()[1])
                tracemalloc.stop()
            ratio = min(times[::2]) / min(times[1::2])
            print(f"{f'{fn.__name__}, {n} points':<34}{ratio:8.2f}{most[0] / most[1]:8.2f}")


def statements(n: int) -> str:
    lines = (f"    x[{k % 5}] = np.sin(x[{(k + 1) % 5}]) * c + x[{k % 5}]" for k in range(n))
    return "def f(x, c):\n    x = x * c\n" + "\n".join(lines) + "\n    return np.sum(x)\n"


def assignments(n: int) -> str:
    lines = (f"    t{k % 7} = np.sin(t{(k + 1) % 7}) * c + t{k % 7}" for k in range(n))
    start = "".join(f"    t{k} = c * {k}.5\n" for k in range(7))
    return f"def f(x, c):\n{start}" + "\n".join(lines) + "\n    return np.sum(x * t0)\n"


def branches(n: int) -> str:
    lines = (
        f"    if c > {k}.5:\n        s = s * c\n    else:\n        x[{k % 5}] += s" for k in range(n // 4)
    )
    return "def f(x, c):\n    x = x * c\n    s = c * 0.3\n" + "\n".join(lines) + "\n    return np.sum(x)\n"


def expression(n: int) -> str:
    terms = " + ".join(f"x[{k % 5}] * c" for k in range(n // 2))
    return f"def f(x, c):\n    return {terms}\n"


def loops(n: int) -> str:
    """n loops of 1000 turns, one in the other; the innermost stops them all."""
    lines = [f"{'    ' * (k + 1)}for i{k} in range(1000):" for k in range(n)]
    inner = "    " * (n + 1)
    return (
        "def f(x, c):\n    x = x * c\n"
        + "\n".join(lines)
        + f"\n{inner}x[i0 % 5] = np.sin(x[{n % 5}]) * c\n"
        + f"{inner}if i{n - 1} == 3:\n{inner}    return np.sum(x)\n    return np.sum(x)\n"
    )


def helpers(n: int) -> str:
    defs = "".join(
        f"def h{k}(x, c):\n    x[{k % 5}] *= c\n    x[1] += x[{k % 5}]\n\n\n" for k in range(n // 3)
    )
    return defs + "def f(x, c):\n    x = x * c\n" + "".join(f"    h{k}(x, c)\n" for k in range(n // 3)) + (
        "    return np.sum(x)\n"
    )  # fmt: skip


LENGTHS = (100, 500, 2000)
SHAPES: list[tuple[str, Callable[[int], str], tuple[int, ...]]] = [
    ("element writes", statements, LENGTHS),
    ("assignments", assignments, LENGTHS),
    ("branches that write", branches, LENGTHS),
    ("helpers that write", helpers, LENGTHS),
    ("operations in one expression", expression, LENGTHS),
    ("nested loops of 1000 turns", loops, (1, 2, 4, 8)),
]


def module(text: str, folder: Path, name: str) -> ModuleType:
    path = folder / f"{name}.py"
    path.write_text("import numpy as np\n\n\n" + text)
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


def compile_times(limit: float = 20.0) -> None:
    print(f"\n{'compile time of n':<34}{'n':>8}{'CPU s':>10}{'exponent':>10}")
    with tempfile.TemporaryDirectory() as folder:
        for title, text, lengths in SHAPES:
            before: tuple[int, float] | None = None
            for n in lengths:
                f = module(text(n), Path(folder), f"{text.__name__}_{n}").f
                derivative, x = grad(f, argnums=(0, 1)), np.linspace(0.1, 0.9, 5)
                times = []
                try:
                    for _ in range(2):
                        start = process_time()
                        derivative(x.copy(), 0.9)
                        times.append(process_time() - start)
                except Exception as error:
                    print(f"{title:<34}{n:>8}   {type(error).__name__}: {str(error).splitlines()[0][:60]}")
                    break
                seconds = max(times[0] - times[1], 1e-9)
                exponent = math.log(seconds / before[1]) / math.log(n / before[0]) if before else math.nan
                print(f"{title if not before else '':<34}{n:>8}{seconds:10.3f}{exponent:10.2f}", flush=True)
                before = n, seconds
                if seconds > limit:
                    break


COPIED = re.compile(r"^ {8,}(\w+?)(?:_\d+)? = np\.copy\(\1(?:_\d+)?\)$", re.MULTILINE)


def copies() -> None:
    """Kernels whose generated loops copy a whole array, where the adjoint might do with the part written."""
    sys.path.insert(0, str(Path(__file__).parents[1]))
    kernels = importlib.import_module("kernels")
    print(f"\n{'copies of whole arrays inside loops':<40}{'forward':<24}backward")
    for program in kernels.KERNELS:
        if program.name not in kernels.REFUSED:
            derivative = grad(program.fn, argnums=program.wrt)
            derivative(*program.make_inputs())
            forward, _, backward = derivative.source.partition("# backward")
            found = [", ".join(dict.fromkeys(COPIED.findall(part))) for part in (forward, backward)]
            if any(found):
                print(f"{program.name:<40}{found[0]:<24}{found[1]}")


def main() -> None:
    parts = {"writes": element_writes, "stencils": stencils, "compile": compile_times, "copies": copies}
    for name in sys.argv[1:] or parts:
        parts[name]()


if __name__ == "__main__":
    main()
