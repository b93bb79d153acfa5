"""Lists of the caller's that hold lists, arrays and dicts, written at places known at run time."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from diffcompile import DiffCompileError, grad, jvp, value_and_grad
from graphs import written

ROWS = [[0.7, 1.3], [0.4, 0.9], [1.1, 0.2], [0.6, 0.8]]
SQUARE = [[3.2, 0.5, -0.3], [0.4, 2.9, 0.7], [-0.6, 0.2, 3.4]]
ARRAYS = [np.array([0.3, 0.8, 0.5]), np.array([0.9, 0.1, 0.7]), np.array([0.6, 0.4, 0.2])]
CUBE = [[[0.7, 1.3], [0.4, 0.9]], [[1.1, 0.2], [0.6, 0.8]]]
DICTS = [{"p": np.array([0.3, 0.8]), "v": np.zeros(2)}, {"p": np.array([0.9, 0.1]), "v": np.zeros(2)}]

ON_ROWS = """
for i in range(len(A)):
    A[i].append(A[i][0] * 2)
return sum(sum(r) for r in A)

for i in range(len(A)):
    A[i] = [A[i][0] ** 2]
    A[i].append(A[i][0] * 3)
    A[i][0] *= 2
return sum(sum(r) for r in A)

for i in range(len(A)):
    row = A[i]
    row[0] = row[1] * 2
    row[1] += A[i - 1][0]
return sum(sum(r) for r in A)

for row in A:
    for j in range(len(row)):
        row[j] = row[j] ** 2
return sum(sum(r) for r in A)

B = [row for row in A]
for i in range(len(A)):
    A[i][0] = A[i][1]
return B[0][0] + A[1][0]

r = A[0]
for i in range(len(A)):
    A[i][0] = A[i][1] * 2
return r[0] * r[1]

A[0][0] = A[1][1]
for i in range(len(A)):
    A[i][1] = A[i][0] * 2
A[1][0] = A[0][1]
return sum(sum(r) for r in A)

for i in range(len(A)):
    A.append([A[i][0] * 2, 1.0])
for i in range(len(A)):
    A[i][1] *= 2
del A[0]
return sum(sum(r) for r in A)

def step(A, i):
    A[i][0] = A[i][1] * A[i - 1][0]
for i in range(len(A)):
    step(A, i)
return sum(sum(r) for r in A)

for t in range(2):
    old = [row[:] for row in A]
    for i in range(len(A)):
        for j in range(len(A[0])):
            A[i][j] = 0.5 * old[i][j] + 0.5 * old[i - 1][j] ** 2
return sum(sum(r) for r in A)

if A[0][0] > 0:
    for i in range(len(A)):
        A[i][0] *= A[i][1]
else:
    A[0][0] = A[1][1]
return sum(sum(r) for r in A)

for i in range(1, len(A)):
    for j in range(len(A[i])):
        A[i][j] += 0.5 * min(A[i - 1])
return min(A[-1])
""".strip("\n").split("\n\n")

ON_SQUARES = """
n = len(A)
det = 1.0
for k in range(n):
    det *= A[k][k]
    for i in range(k + 1, n):
        m = A[i][k] / A[k][k]
        for j in range(k, n):
            A[i][j] -= m * A[k][j]
return det

n = len(A)
for k in range(n):
    p = max(range(k, n), key=lambda i: abs(A[i][k]))
    A[k], A[p] = A[p], A[k]
    for i in range(k + 1, n):
        m = A[i][k] / A[k][k]
        for j in range(k, n):
            A[i][j] -= m * A[k][j]
d = 1.0
for k in range(n):
    d *= A[k][k]
return d

for t in range(3):
    for i in range(1, len(A) - 1):
        for j in range(1, len(A[0]) - 1):
            A[i][j] = 0.25 * (A[i - 1][j] + A[i + 1][j] + A[i][j - 1] + A[i][j + 1])
return sum(sum(r) for r in A)
""".strip("\n").split("\n\n")

ON_ARRAYS = """
for i in range(len(A)):
    A[i][0] = A[i - 1][1] * 2
return sum(np.sum(r**2) for r in A)

for i in range(len(A)):
    A[i] += A[i - 1]
    A[i][1:] *= 2
    A[i] = A[i] * A[0][0]
return sum(np.sum(r**2) for r in A)

for r in A:
    r -= 0.3
    r[r > 0.25] = 0.5 * A[0][0]
return sum(np.sum(r**3) for r in A)
""".strip("\n").split("\n\n")

ON_CUBES = """
for i in range(len(A)):
    for j in range(len(A[i])):
        for k in range(len(A[i][j])):
            A[i][j][k] *= A[i][j][k - 1]
return sum(v for a in A for b in a for v in b)
""".strip("\n").split("\n\n")

ON_DICTS = """
for i in range(len(A)):
    A[i]['v'][0] = A[i]['v'][1] + A[i - 1]['p'][0]
    A[i]['p'][1] = A[i]['v'][0] * 2
    A[i]['n'] = 3.0
return sum(np.sum(b['v']) * np.sum(b['p']) * b['n'] for b in A)

for i in range(len(A)):
    for j in range(len(A)):
        if i != j:
            A[i]['v'] += 0.1 * (A[j]['p'] - A[i]['p'])
for b in A:
    b['p'] += 0.1 * b['v']
return sum(np.sum(b['p'] ** 2) for b in A)
""".strip("\n").split("\n\n")

TABLES = ((ON_ROWS, ROWS), (ON_SQUARES, SQUARE), (ON_ARRAYS, ARRAYS), (ON_CUBES, CUBE), (ON_DICTS, DICTS))
PROGRAMS = [(program, given) for programs, given in TABLES for program in programs]


def leaves(tree: Any) -> list[float]:
    if isinstance(tree, dict):
        tree = list(tree.values())
    if isinstance(tree, list):
        return [leaf for part in tree for leaf in leaves(part)]
    return [float(v) for v in np.ravel(tree)]


def filled(tree: Any, values: Iterator[float]) -> Any:
    """A tree of the form of another one, with these leaves."""
    if isinstance(tree, dict):
        return {key: filled(part, values) for key, part in tree.items()}
    if isinstance(tree, list):
        return [filled(part, values) for part in tree]
    if isinstance(tree, np.ndarray):
        return np.array([next(values) for _ in range(tree.size)]).reshape(tree.shape)
    return float(next(values))


def made(program: str) -> Any:
    lines = "".join(f"    {line}\n" for line in program.splitlines())
    return written(f"def f(A):\n{lines}", "f")


@pytest.mark.parametrize("program, given", PROGRAMS)
def test_a_row_of_the_callers_is_written_and_seen(program: str, given: Any) -> None:
    f = made(program)
    x = np.array(leaves(given))

    def flat(x: Any) -> Any:
        return f(filled(given, iter(x)))

    steps = [[(flat(x + h * e) - flat(x - h * e)) / (2 * h) for e in np.eye(len(x))] for h in (1e-4, 5e-5)]
    expected = (4 * np.array(steps[1]) - np.array(steps[0])) / 3
    mine, plain = copy.deepcopy(given), copy.deepcopy(given)
    value, gradient = value_and_grad(f)(mine)
    np.testing.assert_allclose(value, f(plain), rtol=1e-12)
    np.testing.assert_allclose(leaves(gradient), expected, rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(leaves(mine), leaves(plain), rtol=1e-12, err_msg="what the caller sees")
    direction = filled(given, iter(np.cos(np.arange(len(x)))))
    pushed = jvp(f, (copy.deepcopy(given),), (direction,))[1]
    np.testing.assert_allclose(pushed, expected @ leaves(direction), rtol=1e-6, atol=1e-8)


HELD = """
for k in range(len(A)):
    p = max(range(k, len(A)), key=lambda i: A[i][0])
    A[k], A[p] = A[p], A[k]
    A[k].append(1.0)
    A[p][0] *= 2
return sum(sum(r) for r in A)

i = int(A[0][0] > 0)
A[i][0] *= 2
A.insert(0, [A[i][1], 2.0])
A[i][1] *= 3
A[i + 1][1] *= 5
return sum(k * r[1] for k, r in enumerate(A))

i = int(A[0][0] > 0)
A.reverse()
A[i][0] *= 2
return sum(k * r[0] for k, r in enumerate(A))

for r in A:
    r[:] = [r[1], r[0] * 2]
return sum(k * r[1] for k, r in enumerate(A))

for i in range(len(A)):
    A[i] += [A[i][0]]
    A[i][0] = 4.0 * A[i][1]
return sum(sum(r) for r in A)

m = max(A, key=lambda r: r[0])
m[1] = m[0] * 3
return sum(r[1] for r in A)

i = int(A[0][0] > 0)
p = A.pop(i)
p[0] = 5.0 * p[1]
return p[0] + A[0][0]

i = int(A[0][0] > 0)
A.sort(key=lambda r: -r[0])
A[i][1] = A[0][0] * 2
return sum(sum(r) for r in A)

B = sorted(A, key=lambda r: r[0])
A = None
for i in range(len(B)):
    B[i][0] = B[i][1] * 2
return sum(r[0] for r in B)
""".strip("\n").split("\n\n")


@pytest.mark.parametrize("program", HELD)
def test_rows_that_the_caller_holds_are_those_that_are_changed(program: str) -> None:
    f = made(program)
    mine, plain = copy.deepcopy(ROWS), copy.deepcopy(ROWS)
    held, expected = list(mine), list(plain)
    f(plain)
    try:
        grad(f)(mine)
    except DiffCompileError:
        assert program in HELD[-3:], "those that take rows out, or put others in their places"
        return
    assert mine == plain
    assert held == expected, "the rows themselves"
    assert [[a is b for b in held] for a in mine] == [[a is b for b in expected] for a in plain]


@pytest.mark.parametrize("program", [ON_ROWS[0], ON_SQUARES[0]])
def test_one_row_in_two_places_is_refused(program: str) -> None:
    row = [1.0, 2.0, 3.0]
    with pytest.raises(DiffCompileError):
        grad(made(program))([row, row, [2.0, 1.0, 0.5]])
