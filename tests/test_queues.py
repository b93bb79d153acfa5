"""Deques, and rows that are turned into columns, in every mode."""

from __future__ import annotations

import itertools
from collections import deque
from typing import Any

import numpy as np
import pytest

from diffcompile import DiffCompileError, grad, hvp, jacfwd, jacrev, jvp, linearize
from graphs import written
from oracles import slopes

X = np.array([0.5, 1.6, -0.7, 0.8, 1.1])
DOT = np.array([0.3, -0.2, 0.7, 0.5, -0.4])

PROGRAMS = """
q = deque()
for v in x:
    q.append(v * v)
s = 0.0
while q:
    a = q.popleft()
    if q:
        s += a * q[0]
return s

window = deque([0.0] * 3, maxlen=3)
s = 0.0
for v in x:
    window.append(v)
    s += sum(window) ** 2
return s

window = deque(maxlen=3)
means = []
for v in x:
    window.append(v * v)
    means.append(np.mean(window))
return np.sum(np.array(means) ** 2)

q = deque([(0, x[0])])
s = 0.0
while q:
    i, v = q.popleft()
    s += v
    for j in (2 * i + 1, 2 * i + 2):
        if j < len(x):
            q.append((j, v * x[j]))
return s

d = deque(x)
d.rotate(2)
d.appendleft(x[0] * 2)
d.extendleft([1.0, x[1]])
d.extend(x[:2])
return sum(k * v for k, v in enumerate(d))

d = deque()
for v in x:
    d.append(v)
d.rotate(-1)
a, b, *c = d
return a * b + sum(c) * np.mean(d) + max(d) + np.array(d)[2] + len(d) * d[-1]

past = deque([np.zeros(5)] * 2, maxlen=2)
h = x
for t in range(4):
    h = np.tanh(h + 0.5 * past[0] - 0.2 * past[1])
    past.append(h)
return np.sum(h)

d = deque(list(x))
s = 0.0
for v in reversed(d):
    s = s * 0.5 + v
for i, v in enumerate(d):
    s += i * v
for a, b in zip(d, x):
    s += a * b
if 2.0 in d:
    s += 1
return s + sum(v * v for v in d) + sum([w for w in d if w > 0])

d = deque(x[:2])
e = d
e.append(x[2])
d[0] = x[3]
del d[1]
return sum(d) * len(e) + e[0] if isinstance(d, deque) else x[0]

d = deque([x[0], x[1]], maxlen=2)
d.appendleft(x[2])
d.insert(0, d.pop() * 3)
d.reverse()
return d[0] * d[1] ** 2 + d.maxlen

q = deque([1.0, 2.0], maxlen=2)
try:
    q.insert(0, x[0])
    s = x[1] * len(q)
except IndexError:
    s = x[2] * len(q)
return s

d = deque(x)
d.clear()
d.append(x[1])
return d[0] * len(d) * (1 if d else 2)

def smoothed(values, width):
    window = deque(maxlen=width)
    for v in values:
        window.append(v)
        yield sum(window) / len(window)
return sum(v**2 for v in smoothed(x, 2))

rows = []
for k in range(len(x)):
    rows.append([x[k], x[k] ** 2])
a, b = zip(*rows)
return np.dot(np.array(a), np.array(b))

rows = []
for k in range(len(x)):
    rows.append((x[k], x[k] ** 2, k))
a, b, c = map(np.array, zip(*rows))
return np.dot(a, b) + np.sum(c * a)

m = [[v * (w + 1) for w in x] for v in x]
return sum(sum(a * b for a, b in zip(r, c)) for r in m for c in zip(*m))

rows = []
for v in x:
    rows.append([v, v * v, 1.0])
s = 0.0
for column in zip(*rows):
    s = s * 0.5 + column[0] * column[-1]
return s

grid = np.outer(x, x)
return sum(max(column) for column in zip(*grid))

rows = []
for v in x:
    if v > 5:
        rows.append((v, v))
return sum(sum(c) for c in zip(*rows)) + x[0]
""".strip("\n").split("\n\n")


def made(program: str) -> Any:
    lines = "".join(f"    {line}\n" for line in program.splitlines())
    return written(f"def f(x):\n{lines}", "f", deque=deque, itertools=itertools)


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_program_with_deques_and_columns(program: str) -> None:
    f = made(program)
    expected = slopes(f, X)
    np.testing.assert_allclose(grad(f)(X), expected, rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(jvp(f, (X,), (DOT,))[1], expected @ DOT, rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(linearize(f, X)[1](DOT), expected @ DOT, rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(jacrev(f)(X), expected, rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(jacfwd(f)(X), expected, rtol=1e-7, atol=1e-9)
    g = grad(f)
    steps = [(g(X + h * DOT) - g(X - h * DOT)) / (2 * h) for h in (1e-4, 5e-5)]
    np.testing.assert_allclose(hvp(f)(X, DOT), (4 * steps[1] - steps[0]) / 3, rtol=1e-6, atol=1e-8)


def test_a_window_reads_as_a_list_that_is_cut() -> None:
    source = grad(made(PROGRAMS[2]))
    source(X)
    assert "items.pop(0)" in source.source
    assert "_ = " not in source.source
    assert "deque" not in source.source


REFUSED = ["return deque(x) + deque(x)", "d = deque(x)\nreturn np.sum(d.__reversed__())"]


@pytest.mark.parametrize("program", REFUSED)
def test_what_a_deque_cannot_be_asked_for_is_refused(program: str) -> None:
    with pytest.raises(DiffCompileError):
        grad(made(program))(X)
