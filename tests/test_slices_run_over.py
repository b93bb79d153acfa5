"""Loops over slices of lists, whose items are written: `for a, b in zip(cells, cells[1:])`.

An item is one of the list itself. What would put the items into other places meanwhile is refused.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from diffcompile import DiffCompileError, grad
from oracles import assert_every_mode

X = np.array([0.7, 1.3, -0.4, 0.9, 1.1])
V = np.array([0.3, -0.5, 0.2, 0.7, 0.1])
Program = Callable[[Any], Any]
ACCEPTED: list[Program] = []
REFUSED: list[Program] = []


def accepted(f: Program) -> Program:
    ACCEPTED.append(f)
    return f


def refused(f: Program) -> Program:
    REFUSED.append(f)
    return f


class Cell:
    def __init__(self, u, k):
        self.u = u
        self.k = k


def cells(x):
    return [Cell(v, 0.3) for v in x]


def weighed(cs):
    return sum(c.u**2 * (k + 1) for k, c in enumerate(cs))


@accepted
def neighbours(x):
    cs = cells(x)
    for a, b in zip(cs[:-1], cs[1:], strict=True):
        f = (a.u - b.u) * a.k
        a.u -= f
        b.u += f
    return weighed(cs)


@accepted
def a_list_and_its_rest(x):
    cs = cells(x)
    for a, b in zip(cs, cs[1:]):  # noqa: B905
        f = (a.u - b.u) * a.k
        a.u -= f
        b.u += f
    return weighed(cs)


@accepted
def three_in_a_row(x):
    rows = [[v, v**2] for v in x]
    for a, b, c in zip(rows, rows[1:], rows[2:]):  # noqa: B905
        b[0] = 0.5 * (a[0] + c[0])
    return sum(r[0] * r[1] for r in rows)


@accepted
def arrays(x):
    rows = [x * v for v in x]
    for a, b in zip(rows[:-1], rows[1:], strict=True):
        b += a * 0.5
    return np.sum(rows[-1] ** 2)


@accepted
def elimination(x):
    A = [x * v + k for k, v in enumerate(x)]
    for k in range(len(A)):
        for r in A[k + 1 :]:
            r -= A[k] * (r[0] / A[k][0]) * 0.1
    return np.sum(np.array(A) ** 2)


@accepted
def pairs_by_number(x):
    cs = cells(x)
    for i in range(len(cs)):
        for b in cs[i + 1 :]:
            d = cs[i].u - b.u
            cs[i].u -= d * b.k * 0.1
            b.u += d * 0.1
    return weighed(cs)


@accepted
def pairs_in_a_loop_over_the_list(x):
    cs = cells(x)
    for i, a in enumerate(cs):
        for b in cs[i + 1 :]:
            d = a.u - b.u
            a.u -= d * 0.1
            b.u += d * 0.1
    return weighed(cs)


@accepted
def parts_of_the_list(x):
    cs = cells(x)
    for c in cs[1:-1]:
        c.u *= 2
    for c in cs[:2]:
        c.u *= 3
    for c in cs[-2:]:
        c.u *= 5
    for c in cs[::2]:
        c.u *= 7
    for c in cs[1::3]:
        c.u *= 11
    return weighed(cs)


@accepted
def counted(x):
    cs = cells(x)
    for k, c in enumerate(cs[2:], 2):
        c.u *= k
    for c in reversed(cs[1:]):
        c.u *= c.k
        c.k += cs[0].u
    return sum(c.u * c.k * (k + 1) for k, c in enumerate(cs))


@accepted
def left_early(x):
    cs = cells(x)
    for c in cs[1:]:
        if c.u > 1:
            break
        c.u *= 2
    return weighed(cs)


@accepted
def kept_and_read(x):
    cs = cells(x)
    kept = []
    for c in cs[1:]:
        kept.append(c)
    return sum(c.u**2 for c in kept) * cs[0].u


@refused
def taken_out_meanwhile(x):
    cs = cells(x)
    for c in cs[1:]:
        c.u *= 2
        cs.pop(0)
    return weighed(cs)


@refused
def swapped_meanwhile(x):
    cs = cells(x)
    for c in cs[1:]:
        cs[0], cs[1] = cs[1], cs[0]
        c.u *= 2
    return weighed(cs)


@refused
def turned_round_before(x):
    cs = cells(x)
    part = cs[1:]
    cs.reverse()
    for c in part:
        c.u *= 2
    return weighed(cs)


@refused
def kept_and_written(x):
    cs = cells(x)
    kept = []
    for c in cs[1:]:
        kept.append(c)
    cs[1].u = cs[0].u * 3
    return weighed(kept)


@pytest.mark.parametrize("f", ACCEPTED, ids=lambda f: f.__name__)
def test_accepted(f: Program) -> None:
    assert_every_mode(f, X, V)


@pytest.mark.parametrize("f", REFUSED, ids=lambda f: f.__name__)
def test_refused(f: Program) -> None:
    with pytest.raises(DiffCompileError):
        grad(f)(X)


def test_a_strict_zip_of_three() -> None:
    def f(x, y, z):
        s = 0.0
        for a, b, c in zip(x, y, z, strict=True):
            s += a * b * c
        return s

    derivative = grad(f)
    x, y, z = np.arange(1.0, 4.0), np.arange(2.0, 5.0), np.arange(3.0, 6.0)
    np.testing.assert_array_equal(derivative(x, y, z), y * z)
    for given in ((x, y[:2], z), (x, y, np.ones(4))):
        with pytest.raises(ValueError, match="zip") as expected:
            f(*given)
        with pytest.raises(ValueError, match="zip") as found:
            derivative(*given)
        assert str(found.value) == str(expected.value)
