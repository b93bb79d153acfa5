"""One computation in many spellings has one value, one gradient and one second derivative.

    x = x + v        x += v        x[...] = x + v        np.add(x, v, out=x)        add_into(x, v)

A family is a few texts with a hole and the ways to fill it; the first way is the plainest, and the others are
compared with it.
"""

from __future__ import annotations

import functools
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from diffcompile import grad, value_and_grad, vjp
from oracles import assert_agrees, assert_close, numeric_gradient, same
from test_random_programs import load

PRELUDE = """\
import dataclasses
import functools
import itertools
import operator
from collections import namedtuple
from dataclasses import dataclass

import numpy as np

"""

# --- A vector that another is added to -----------------------------------------------------------------

ADD_HELPERS = """
def add_into(x, v):
    x += v


def add_elements(x, v):
    for k in range(len(x)):
        x[k] = x[k] + v[k]


def added(x, v):
    x += v
    return x


def same_array(x):
    return x


class Buffer:
    def __init__(self, content):
        self.content = content

    def add(self, v):
        self.content += v

"""
ADD = {
    "x = x + v": "x = x + v",
    "x += v": "x += v",
    "x[...] = x + v": "x[...] = x + v",
    "x[:] = x + v": "x[:] = x + v",
    "x[:] += v": "x[:] += v",
    "x -= -v": "x -= -v",
    "x[::-1] += v[::-1]": "x[::-1] += v[::-1]",
    "x[:2] += v[:2]; x[2:] += v[2:]": "x[:2] += v[:2]\nx[2:] += v[2:]",
    "np.add(x, v, out=x)": "np.add(x, v, out=x)",
    "np.add(x, v, x)": "np.add(x, v, x)",
    "x = np.add(x, v, out=x)": "x = np.add(x, v, out=x)",
    "np.copyto(x, x + v)": "np.copyto(x, x + v)",
    "np.add.at(x, everything, v)": "np.add.at(x, np.arange(len(x)), v)",
    "operator.iadd": "x = operator.iadd(x, v)",
    "elements": "for k in range(len(x)):\n    x[k] += v[k]",
    "elements by while": "k = 0\nwhile k < len(x):\n    x[k] = x[k] + v[k]\n    k += 1",
    "comprehension": "x = np.array([x[k] + v[k] for k in range(len(x))])",
    "comprehension of pairs": "x = np.array([p + q for p, q in zip(x, v)])",
    "elements that are collected": (
        "parts = []\nfor p, q in zip(x, v):\n    parts.append(p + q)\nx = np.array(parts)"
    ),
    "x[indices] += v": "x[np.arange(len(x))] += v",
    "x[mask] += v": "x[np.full(len(x), True)] += v",
    "np.where": "x = np.where(np.full(len(x), True), x + v, x)",
    "helper that writes": "add_into(x, v)",
    "helper that writes into a view": "add_into(x[:], v)",
    "helper that writes elements": "add_elements(x, v)",
    "helper that returns what it wrote": "x = added(x, v)",
    "helper that returns its argument": "y = same_array(x)\ny += v",
    "another name": "y = x\ny += v",
    "a view": "y = x[:]\ny += v",
    "a view of a view": "y = x[::-1][::-1]\ny[:] += v",
    "two halves": "low, high = x[:2], x[2:]\nlow += v[:2]\nhigh += v[2:]",
    "reshape": "y = x.reshape(1, -1)\ny += v",
    "ravel": "x.ravel()[...] += v",
    "column of a view": "y = x[:, None]\ny[:, 0] += v",
    "transpose": "x.T[...] += v",
    "a copy": "y = x.copy()\ny += v\nx = y",
    "an array made empty": "y = np.empty_like(x)\ny[:] = x\ny += v\nx = y",
    "swapped buffers": "y = np.empty_like(x)\nnp.add(x, v, out=y)\nx, y = y, x",
    "list": "items = [x, v]\nitems[0] += items[1]",
    "dict": "state = {'x': x}\nstate['x'] += v",
    "object": "buffer = Buffer(x)\nbuffer.add(v)\nx = buffer.content",
    "closure": "def add():\n    x[:] = x + v\n\nadd()",
    "lambda": "x = (lambda p, q: p + q)(x, v)",
    "both arms": "if c > 0:\n    x += v\nelse:\n    x = x + v",
    "broadcast row": "x += np.broadcast_to(v, (1, len(v)))[0]",
}  # fmt: skip
SLOPES = {
    "ode step": "0.1 * (np.roll(x, 1) - c * np.sin(x) * x)",
    "stencil": "c * np.concatenate([x[1:2], x[2:] - 2 * x[1:-1] + x[:-2], x[-2:-1]])",
    "polynomial": "c * x * x - 0.3 * x**3",
    "scan": "0.2 * np.cumsum(x) * c",
    "masked": "np.where(x > 0, -c * x, 0.2 * x * x)",
}
LOOP = """\
def f(x0, c):
    x = x0 * c
    for i in range(3):
        v = {slope}
        @
    return np.sum(np.sin(x) * c)
"""
FUNCTION = """\
def step(x, c):
    v = {slope}
    @
    return x


def f(x0, c):
    x = step(x0 * c, c)
    x = step(x, c)
    return np.sum(np.sin(x) * c)
"""
ARGUMENT = """\
def f(x, c):
    v = {slope}
    @
    return np.sum(np.sin(x) * c)
"""
BRANCH = """\
def f(x0, c):
    x = x0 * c
    for i in range(3):
        v = {slope}
        if np.sum(x) > i - 1:
            @
    return np.sum(np.sin(x) * c)
"""
VECTOR = (np.array([0.7, -1.2, 0.4, 1.6, -0.3]), 0.6)
MATRIX = (np.arange(12.0).reshape(3, 4) / 7 - 0.6, 0.6)
ADDITIONS = {
    "ode step in a loop": LOOP.format(slope=SLOPES["ode step"]),
    "stencil in a function": FUNCTION.format(slope=SLOPES["stencil"]),
    "scan of the argument": ARGUMENT.format(slope=SLOPES["scan"]),
    "masked in a branch": BRANCH.format(slope=SLOPES["masked"]),
    "polynomial in single precision": LOOP.format(slope=SLOPES["polynomial"]),
}

# --- A step that is repeated ---------------------------------------------------------------------------

REPEAT_HELPERS = """
def again(x, c, k):
    if k == 0:
        return x
    return again(advance(x, c), c, k - 1)


def again_in_place(x, c, k):
    if k > 0:
        x[:] = advance(x, c)
        again_in_place(x, c, k - 1)


def chain(n):
    k = 0
    while k < n:
        yield k
        k += 1

"""
REPEAT = {
    "for": "for i in range(4):\n    x = advance(x, c)",
    "for in place": "for i in range(4):\n    x[:] = advance(x, c)",
    "for reversed": "for i in reversed(range(4)):\n    x = advance(x, c)",
    "for over a list": "for i in [0, 1, 2, 3]:\n    x = advance(x, c)",
    "for that breaks": "for i in range(100):\n    if i == 4:\n        break\n    x = advance(x, c)",
    "for that skips": "for i in range(8):\n    if i % 2:\n        continue\n    x = advance(x, c)",
    "two loops": "for i in range(2):\n    for j in range(2):\n        x = advance(x, c)",
    "while": "k = 0\nwhile k < 4:\n    x = advance(x, c)\n    k += 1",
    "while down": "k = 4\nwhile k:\n    k -= 1\n    x[...] = advance(x, c)",
    "while True": "k = 0\nwhile True:\n    if k == 4:\n        break\n    x = advance(x, c)\n    k += 1",
    "unrolled": "x = advance(x, c)\nx = advance(x, c)\nx = advance(x, c)\nx = advance(x, c)",
    "nested calls": "x = advance(advance(advance(advance(x, c), c), c), c)",
    "recursion": "x = again(x, c, 4)",
    "recursion in place": "again_in_place(x, c, 4)",
    "list of states": (
        "states = [x]\nfor i in range(4):\n    states.append(advance(states[-1], c))\nx = states[-1]"
    ),
    "table of states": (
        "table = np.zeros((5, len(x)))\ntable[0] = x\nfor i in range(4):\n"
        "    table[i + 1] = advance(table[i], c)\nx = table[4]"
    ),
    "rolling buffer": (
        "buffer = np.zeros((2, len(x)))\nbuffer[-1] = x\nfor i in range(4):\n"
        "    buffer[:-1] = buffer[1:]\n    buffer[-1] = advance(buffer[0], c)\nx = buffer[-1]"
    ),
    "ping and pong": "y = np.empty_like(x)\nfor i in range(4):\n    y[:] = advance(x, c)\n    x, y = y, x",
    "comprehension with a walrus": "[x := advance(x, c) for i in range(4)]",
    "comprehension that writes": "[np.copyto(x, advance(x, c)) for i in range(4)]",
    "reduce": "x = functools.reduce(lambda state, i: advance(state, c), range(4), x)",
    "generator": "for i in chain(4):\n    x = advance(x, c)",
    "composition": "steps = [advance] * 4\nfor step in steps:\n    x = step(x, c)",
    "closure": "def move():\n    x[:] = advance(x, c)\n\nfor i in range(4):\n    move()",
    "nonlocal": "def move():\n    nonlocal x\n    x = advance(x, c)\n\nfor i in range(4):\n    move()",
}
ADVANCE = """\
def advance(x, c):
    return np.tanh(c * x) + 0.1 * x[::-1]
"""
ADVANCE_IN_PLACE = """\
def advance(x, c):
    y = np.zeros_like(x)
    y[1:] = np.sin(c * x[:-1])
    y += 0.3 * x
    return y
"""
REPEATED = """\


def f(x0, c):
    x = x0 * c
    @
    return np.sum(np.sin(x) * c)
"""
REPETITIONS = {
    "of a formula": ADVANCE + REPEATED,
    "of what is written in single precision": ADVANCE_IN_PLACE + REPEATED,
}

# --- Where the state is kept ---------------------------------------------------------------------------

HOLDER_HELPERS = """
@dataclass
class Point:
    x: np.ndarray
    v: np.ndarray


@dataclass(frozen=True)
class Frozen:
    x: np.ndarray
    v: np.ndarray


Pair = namedtuple("Pair", ["x", "v"])


class Body:
    def __init__(self, x, v):
        self.x = x
        self.v = v

    def move(self, c):
        self.v = self.v - 0.1 * c * np.sin(self.x)
        self.x = self.x + 0.1 * self.v

    def move_in_place(self, c):
        self.v -= 0.1 * c * np.sin(self.x)
        self.x += 0.1 * self.v


class Slotted:
    __slots__ = ("x", "v")


def pushed(x, v, c):
    v = v - 0.1 * c * np.sin(x)
    return x + 0.1 * v, v


def push(x, v, c):
    v -= 0.1 * c * np.sin(x)
    x += 0.1 * v


def push_dict(s, c):
    s["v"] -= 0.1 * c * np.sin(s["x"])
    s["x"] += 0.1 * s["v"]

"""
LOOP3 = "for i in range(3):\n    "
HOLD = {
    "names": LOOP3 + "v = v - 0.1 * c * np.sin(x)\n    x = x + 0.1 * v",
    "names in place": LOOP3 + "v -= 0.1 * c * np.sin(x)\n    x += 0.1 * v",
    "function of a tuple": LOOP3 + "x, v = pushed(x, v, c)",
    "function that writes": LOOP3 + "push(x, v, c)",
    "tuple": "s = (x, v)\n" + LOOP3 + "s = pushed(s[0], s[1], c)\nx, v = s",
    "starred tuple": "s = (x, v)\n" + LOOP3 + "s = pushed(*s, c)\nx, v = s",
    "list": "s = [x, v]\n" + LOOP3
    + "s[1] = s[1] - 0.1 * c * np.sin(s[0])\n    s[0] = s[0] + 0.1 * s[1]\nx, v = s",
    "list in place": "s = [x, v]\n" + LOOP3
    + "s[1] -= 0.1 * c * np.sin(s[0])\n    s[0] += 0.1 * s[1]\nx, v = s",
    "dict": "s = {'x': x, 'v': v}\n" + LOOP3
    + "s['v'] = s['v'] - 0.1 * c * np.sin(s['x'])\n    s['x'] = s['x'] + 0.1 * s['v']\nx, v = s['x'], s['v']",
    "dict in place": "s = dict(x=x, v=v)\n" + LOOP3 + "push_dict(s, c)\nx, v = s['x'], s['v']",
    "dict made anew": "s = {'x': x, 'v': v}\n" + LOOP3
    + "p, q = pushed(s['x'], s['v'], c)\n    s = {**s, 'x': p, 'v': q}\nx, v = s['x'], s['v']",
    "dataclass": "s = Point(x, v)\n" + LOOP3
    + "s.v = s.v - 0.1 * c * np.sin(s.x)\n    s.x = s.x + 0.1 * s.v\nx, v = s.x, s.v",
    "dataclass in place": "s = Point(x, v)\n" + LOOP3 + "push(s.x, s.v, c)\nx, v = s.x, s.v",
    "frozen dataclass": "s = Frozen(x, v)\n" + LOOP3 + "s = Frozen(*pushed(s.x, s.v, c))\nx, v = s.x, s.v",
    "dataclass replaced": "s = Frozen(x, v)\n" + LOOP3
    + "p, q = pushed(s.x, s.v, c)\n    s = dataclasses.replace(s, x=p, v=q)\nx, v = s.x, s.v",
    "namedtuple": "s = Pair(x, v)\n" + LOOP3 + "s = Pair(*pushed(s.x, s.v, c))\nx, v = s",
    "namedtuple replaced": "s = Pair(x, v)\n" + LOOP3
    + "p, q = pushed(s.x, s.v, c)\n    s = s._replace(x=p, v=q)\nx, v = s",
    "class": "s = Body(x, v)\n" + LOOP3 + "s.move(c)\nx, v = s.x, s.v",
    "class in place": "s = Body(x, v)\n" + LOOP3 + "s.move_in_place(c)\nx, v = s.x, s.v",
    "slots": "s = Slotted()\ns.x, s.v = x, v\n" + LOOP3 + "s.x, s.v = pushed(s.x, s.v, c)\nx, v = s.x, s.v",
    "closure": "def move():\n    push(x, v, c)\n\n" + LOOP3 + "move()",
    "rows of a matrix": "s = np.array([x, v])\n" + LOOP3
    + "s[1] -= 0.1 * c * np.sin(s[0])\n    s[0] += 0.1 * s[1]\nx, v = s",
    "views of a matrix": "s = np.array([x, v])\nx, v = s[0], s[1]\n" + LOOP3 + "push(x, v, c)",
    "halves of a vector": "n = len(x)\ns = np.concatenate([x, v])\n" + LOOP3
    + "push(s[:n], s[n:], c)\nx, v = s[:n], s[n:]",
    "columns of a matrix": "s = np.stack([x, v], axis=1)\n" + LOOP3 + "push(s[:, 0], s[:, 1], c)\nx, v = s.T",
}  # fmt: skip
HELD = """\
def f(x0, c):
    x = x0 * c
    v = x0 - 0.1
    @
    return np.sum(x * v) + np.sum(np.cos(x))
"""
HOLDERS = {"oscillators": HELD, "oscillators in single precision": HELD}

# --- Which elements are written ------------------------------------------------------------------------

SELECT = {
    "slice": "x[::2] *= c",
    "slice assigned": "x[::2] = c * x[::2]",
    "view": "y = x[::2]\ny *= c",
    "fancy": "x[[0, 2, 4]] *= c",
    "fancy array": "k = np.array([4, 2, 0])\nx[k] = x[k] * c",
    "mask": "even = np.arange(len(x)) % 2 == 0\nx[even] *= c",
    "mask assigned": "even = np.arange(len(x)) % 2 == 0\nx[even] = x[even] * c",
    "other mask": "odd = np.arange(len(x)) % 2 == 1\nx[~odd] *= c",
    "places of a mask": "x[np.nonzero(np.arange(len(x)) % 2 == 0)] *= c",
    "np.where": "x = np.where(np.arange(len(x)) % 2 == 0, c * x, x)",
    "factors": "x = x * np.array([c, 1.0, c, 1.0, c])",
    "factors written": "w = np.ones(len(x))\nw[::2] = c\nx *= w",
    "loop": "for k in range(0, len(x), 2):\n    x[k] *= c",
    "loop and test": "for k in range(len(x)):\n    if k % 2 == 0:\n        x[k] = x[k] * c",
    "loop over places": "for k in (0, 2, 4):\n    x[k] *= c",
    "comprehension": "x = np.array([c * e if k % 2 == 0 else e for k, e in enumerate(x)])",
    "ufunc where": "np.multiply(x, c, out=x, where=np.arange(len(x)) % 2 == 0)",
    "copyto where": "np.copyto(x, c * x, where=np.arange(len(x)) % 2 == 0)",
    "put": "np.put(x, [0, 2, 4], c * x[::2])",
    "add.at": "np.add.at(x, [0, 2, 4], (c - 1.0) * x[::2])",
    "reversed": "y = x[::-1]\ny[::2] *= c",
    "rest subtracted": "y = x * c\ny[1::2] = x[1::2]\nx = y",
}
ONCE = """\
def f(x0, c):
    x = np.sin(x0)
    @
    return np.sum(x**3) * c
"""
TWICE = """\
def f(x0, c):
    x = np.sin(x0)
    for i in range(2):
        @
        x = np.sin(x[::-1])
    return np.sum(x**3) * c
"""
SELECTIONS = {"straight": ONCE, "in a loop": TWICE, "in single precision": ONCE}

# --- A row and a column of a matrix --------------------------------------------------------------------

CROSS_HELPERS = """
def shift_all(v, s):
    for k in range(len(v)):
        v[k] += s

"""
CROSS = {
    "slices": "m[1, :] += c\nm[:, 2] += c",
    "assigned": "m[1] = m[1] + c\nm[:, 2] = m[:, 2] + c",
    "views": "row = m[1]\nrow += c\ncolumn = m[:, 2]\ncolumn += c",
    "transposed": "m.T[:, 1] += c\nm.T[2] += c",
    "view of the transpose": "t = m.T\nt[:, 1] += c\nt[2] += c",
    "np.transpose": "t = np.transpose(m)\nt[:, 1] += c\nt[2] += c",
    "swapaxes": "t = m.swapaxes(0, 1)\nt[:, 1] += c\nt[2] += c",
    "reshape": "flat = m.reshape(-1)\nflat[4:8] += c\nflat[2::4] += c",
    "ravel": "flat = m.ravel()\nflat[4:8] += c\nflat[2::4] += c",
    "loops": "for j in range(4):\n    m[1, j] += c\nfor i in range(3):\n    m[i, 2] += c",
    "chained indices": "for j in range(4):\n    m[1][j] += c\nfor i in range(3):\n    m[i][2] += c",
    "loop over rows": "for i, row in enumerate(m):\n    row[2] += c\n    if i == 1:\n        row += c",
    "fancy": "m[[1]] += c\nm[:, [2]] += c",
    "masks": "m[np.arange(3) == 1] += c\nm[:, np.arange(4) == 2] += c",
    "matrix added": "w = np.zeros((3, 4))\nw[1] = 1.0\nw[:, 2] += 1.0\nm = m + c * w",
    "np.where": (
        "m = np.where(np.arange(3)[:, None] == 1, m + c, m)\nm = np.where(np.arange(4) == 2, m + c, m)"
    ),
    "helper": "shift_all(m[1], c)\nshift_all(m[:, 2], c)",
    "helper of the transpose": "shift_all(m.T[:, 1], c)\nshift_all(m.T[2], c)",
    "blocks": "top, low = m[:1], m[1:]\nlow[0] += c\ntop[:, 2] += c\nlow[:, 2] += c",
    "rows unpacked": "p, q, r = m\nq += c\nm[:, 2] += c",
    "stacked": "m = np.stack([m[0], m[1] + c, m[2]])\nm[..., 2] += c",
    "copy": "n = m.copy()\nn[1] += c\nn[:, 2] += c\nm = n",
    "flat": "for k in (4, 5, 6, 7, 2, 6, 10):\n    m.flat[k] += c",
}
CROSSES = {
    name: text.replace("x0", "m0").replace("x", "m").replace("[::-1]", "")
    for name, text in SELECTIONS.items()
}

FAMILIES: dict[str, tuple[str, dict[str, str], dict[str, str], tuple[np.ndarray, float]]] = {
    "add": (ADD_HELPERS, ADDITIONS, ADD, VECTOR),
    "repeat": (REPEAT_HELPERS, REPETITIONS, REPEAT, VECTOR),
    "hold": (HOLDER_HELPERS, HOLDERS, HOLD, VECTOR),
    "select": ("", SELECTIONS, SELECT, VECTOR),
    "cross": (CROSS_HELPERS, CROSSES, CROSS, MATRIX),
}


def fill(family: str, kernel: str, spelling: str) -> str:
    """The text of a module with the function `f`: the kernel, its hole filled."""
    helpers, kernels, spellings, _ = FAMILIES[family]
    lines = []
    for line in kernels[kernel].split("\n"):
        margin = line[: len(line) - len(line.lstrip())]
        lines.append(textwrap.indent(spellings[spelling], margin) if line.strip() == "@" else line)
    return PRELUDE + helpers + "\n" + "\n".join(lines)


def arguments(family: str, single: bool = False) -> tuple[Any, ...]:
    array, number = FAMILIES[family][3]
    return (array.astype(np.float32), np.float32(number)) if single else (array.copy(), number)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("spellings")


def is_single(kernel: str) -> bool:
    return "single" in kernel


def derivatives(fn: Callable[..., Any], family: str, kernel: str) -> dict[str, Any]:
    """Value and gradient; in the first kernel of a family also the second derivative along a direction."""
    args, plain = arguments(family, is_single(kernel)), arguments(family, is_single(kernel))
    expected = fn(*plain)
    value, gradient = value_and_grad(fn, argnums=(0, 1))(*args)
    assert same(value, expected), "the value is not that of plain Python"
    assert same(args, plain), "the arguments do not end as after a plain call"
    answer = {"value": value, "gradient": gradient}
    if kernel == next(iter(FAMILIES[family][1])):
        given = arguments(family)
        _, pullback = vjp(grad(fn), *given)
        answer["second"] = pullback(np.cos(np.arange(given[0].size)).reshape(given[0].shape))[0]
    return answer


@functools.cache
def plainest(family: str, kernel: str, folder: Path) -> dict[str, Any]:
    """The derivatives of the first spelling; they are those of differences."""
    fn = load(fill(family, kernel, next(iter(FAMILIES[family][2]))), folder)
    answer = derivatives(fn, family, kernel)
    gradient, error = numeric_gradient(fn, lambda: arguments(family), (0, 1))
    assert_agrees(answer["gradient"], gradient, error, tolerance=1e-5 if is_single(kernel) else 1e-8)
    if "second" in answer:
        array, number = arguments(family)
        step = 1e-4 * np.cos(np.arange(array.size)).reshape(array.shape)
        slope = grad(fn)
        along = (slope(array + step, number) - slope(array - step, number)) / 2e-4
        np.testing.assert_allclose(answer["second"], along, rtol=1e-5, atol=1e-6)
    return answer


CASES = [
    pytest.param(family, kernel, spelling, id=f"{family}, {kernel}: {spelling}")
    for family, (_, kernels, spellings, _) in FAMILIES.items()
    for kernel in kernels
    for spelling in spellings
]


@pytest.mark.parametrize("family, kernel, spelling", CASES)
def test_spelling_changes_no_derivative(family: str, kernel: str, spelling: str, folder: Path) -> None:
    expected = plainest(family, kernel, folder)
    answer = derivatives(load(fill(family, kernel, spelling), folder), family, kernel)

    tolerance = 1e-4 if is_single(kernel) else 1e-11
    assert_close(answer, expected, rtol=tolerance, atol=tolerance)
