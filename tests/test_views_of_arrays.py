"""Views of arrays that are written, or read in loops: rows with names, `x.flat`, `x.T`, `x.reshape(-1)`.

What is written through one is seen through all, and what flows back to an element lands in the array's own
cotangent, so that a loop over elements costs what it costs in Python.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from diffcompile import DiffCompileError, grad, vmap
from oracles import assert_every_mode

X = np.array([[0.7, 1.3, -0.4], [0.9, 0.2, 1.1]])
V = np.array([[0.3, -0.5, 0.2], [0.7, 0.1, -0.4]])
W = np.arange(6.0).reshape(2, 3)
Program = Callable[[Any], Any]
PROGRAMS: list[Program] = []


def program(f: Program) -> Program:
    PROGRAMS.append(f)
    return f


# -- x.flat -------------------------------------------------------------------------------------------------


@program
def flat_added_to(m):
    m = m * 1.0
    for k in range(m.size):
        m.flat[k] += 0.5 * m.flat[0] * m.flat[k - 1]
    return np.sum(m**2)


@program
def flat_multiplied(m):
    for k in range(1, m.size):
        m.flat[k] *= np.sin(m.flat[k - 1])
    return np.sum(m * W)


@program
def flat_at_one_place_twice(m):
    y = m * 1.0
    y.flat[[0, 0, 2]] += m[0, 1]
    y.T.flat[[3, 3, 1]] = m[1]
    return np.sum(y**2 * W)


@program
def flat_of_a_transpose(m):
    t = m.T
    for k in range(1, t.size):
        t.flat[k] = t.flat[k - 1] * t.flat[k]
    return np.sum(m * W)


@program
def flat_slices(m):
    m = m.copy()
    m.flat[::2] = 0.5 * m.flat[1::2]
    m.flat[1:4] += m.flat[0:3] ** 2
    m.flat[[0, 5]] *= 3.0
    return np.sum(m**2)


@program
def a_slice_of_flat_is_a_copy(m):
    r = m.flat[0:3]
    r[0] = 5.0 * m[1, 1]
    return np.sum(m**2) + np.sum(r**3)


@program
def flat_takes_elements_in_turn(m):
    z = np.zeros((3, 4))
    z.flat = m
    z.flat[1:6] += m.flat[0]
    z.flat[6:] = m[0, :2]
    return np.sum(z**2 * np.arange(12.0).reshape(3, 4))


@program
def flat_filled(m):
    m.flat = m[0, 0] * m[1, 1]
    return np.sum(m * W)


@program
def flat_run_over(m):
    s = 0.0
    for v in m.flat:
        s += v**3
    return s + sum(v * k for k, v in enumerate(m.flat) if v > 0.5)


@program
def flat_written_while_it_is_run_over(m):
    m = m.copy()
    s = 0.0
    for k, v in enumerate(m.flat):
        s += v * v
        m[1, 2] = m[1, 2] * v + k
    return s


@program
def flat_as_a_whole(m):
    return np.sum(np.exp(m.flat)) + np.array(m.flat)[3] ** 2 + list(m.flat)[1] + max(m.flat) * len(m.flat)


@program
def parts_assigned(m):
    z = np.zeros((2, 3), complex)
    z.real = m
    z.imag = m[0]
    return np.sum(np.abs(z) ** 2 * W)


# -- rows with names ----------------------------------------------------------------------------------------


@program
def rows_unpacked(m):
    p, q = m
    p += q
    q *= p
    m[1] += p**2
    return np.sum(m * W) + np.sum(q**2)


@program
def columns_unpacked(m):
    x, y, z = m.T
    for k in range(2):
        x[k] += y[k] * z[k]
        y[:] *= z[k]
    m[0] *= 2.0
    return np.sum(m**2 * W) + np.sum(y)


@program
def unpacked_and_kept(m):
    m = m.copy()
    p, q = m
    before = p.copy()
    m[0] = q**2
    return np.sum(p * before * q)


@program
def a_row_is_scanned(m):
    p = m[0]
    q = m[1]
    for k in range(1, 3):
        p[k] = p[k - 1] * 0.9 + np.sin(q[k]) * q[k - 1]
    return np.sum(m**2)


def scan(row, a):
    for k in range(1, len(row)):
        row[k] = row[k - 1] * a + row[k] ** 2


@program
def rows_scanned_by_a_helper(m):
    scan(m[0], 0.5)
    scan(m[1, ::-1], m[0, 0])
    for row in m:
        scan(row, 0.3)
    return np.sum(m * W)


@program
def views_of_views(m):
    g = m[:, 1:]
    for k in range(2):
        h = g[k]
        h[1] *= h[0] + m[k, 0]
        g[k, 0] += g[1 - k, 1]
    return np.sum(m**2 * W)


@program
def buffers_that_change_places(m):
    a = m.copy()
    cur, nxt = a[0], a[1]
    for _ in range(4):
        nxt[:] = np.sin(cur) + nxt
        cur, nxt = nxt, cur
    return np.sum(a * W) + np.sum(cur)


@program
def two_rows_element_by_element(m):
    a = np.zeros((2, 3))
    a[0] = m[0]
    cur, nxt = a
    for _ in range(3):
        for j in range(3):
            nxt[j] = cur[j - 1] * cur[j] + m[1, j]
        cur, nxt = nxt, cur
    return np.sum(cur)


@program
def the_row_before(m):
    out = np.zeros((4, 3))
    cur = out[0]
    cur[:] = m[0]
    for k in range(1, 4):
        nxt = out[k]
        nxt[0] = cur[0] * 0.5 + m[1, k - 2]
        nxt[1:] = cur[:-1] * m[1, 1:]
        cur = nxt
    return np.sum(out**2)


@program
def the_largest_row_is_written(m):
    best = m[0]
    for k in range(2):
        if m[k].sum() > best.sum():
            best = m[k]
    best *= 2.0
    return np.sum(m**3)


@program
def a_row_chosen_in_a_while(m):
    i = 0
    r = m[0]
    while i < 2:
        r[0] += r[1] * r[2]
        r = m[i]
        i += 1
    r[2] = r[1] ** 2
    return np.sum(m**2)


# -- other forms --------------------------------------------------------------------------------------------


@program
def reshaped_to_a_line(m):
    f = m.reshape(-1)
    g = np.ravel(m)
    for k in range(1, 6):
        f[k] = f[k - 1] * 0.9 + np.sin(g[k])
    return np.sum(m**2)


@program
def reshaped_to_a_table(m):
    g = m.reshape(3, 2)
    for i in range(1, 3):
        g[i, 0] += g[i - 1, 1] * g[i, 1]
    return np.sum(m**2)


@program
def read_by_way_of_views(m):
    s = 0.0
    for k in range(6):
        s += m.T[k % 3, k // 3] ** 2 * m.ravel()[k] + m.reshape(-1)[k - 1] * m[:, 1:][k % 2][0]
        s += np.transpose(m)[k // 2][k % 2] ** 3
    return s


@program
def numbers_side_by_side(m):
    out = np.zeros((3, 2))
    out[0] = m[0, 0], m[1, 1]
    for k in range(1, 3):
        x, y = out[k - 1]
        out[k] = x * 0.9 + m[0, k], y * x
    out[:, 1] += [m[0, 1], 2.0, m[1, 2] ** 2]
    return np.sum(out**2)


@program
def places_run_over(m):
    s = 0.0
    for i in np.ndindex(m.shape):
        s += m[i] ** 2 * i[0]
    for i, j in np.ndindex(*m.shape):
        s += m[i, j] * m[i - 1, j - 1]
    for i in np.ndindex(2, 3, 2):
        s += m[i[:2]] ** 3 * i[2]
    return s


@program
def elements_run_over(m):
    m = m.copy()
    s = 0.0
    for (i, j), v in np.ndenumerate(m):
        m[i - 1, j] += v * j
        s += m[i, j] * v
    for at, v in np.ndenumerate(m[0]):
        s += v * m[1][at] ** 2
    return s


@pytest.mark.parametrize("f", PROGRAMS, ids=lambda f: f.__name__)
def test_derivatives(f: Program) -> None:
    assert_every_mode(f, X, V)


@pytest.mark.parametrize("f", PROGRAMS, ids=lambda f: f.__name__)
def test_other_layouts(f: Program) -> None:
    """Of an array in the other order of memory, and of a part of one."""
    expected = grad(f)(X.copy())
    for given in (np.asfortranarray(X), np.repeat(X, 2, axis=1)[:, ::2]):
        try:
            found = grad(f)(given)
        except DiffCompileError as error:
            assert "a view of some layouts" in str(error)
        else:
            if f.__name__ != "reshaped_to_a_table" and "reshaped" not in f.__name__:
                np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_a_batch() -> None:
    def f(m):
        return np.sum(np.sin(m.flat) * m.flat[2])

    batch = np.stack([X, V])
    np.testing.assert_allclose(vmap(grad(f))(batch), [grad(f)(X), grad(f)(V)], rtol=1e-12)


@pytest.mark.parametrize(
    "f",
    [
        a_row_is_scanned, two_rows_element_by_element, reshaped_to_a_line, flat_added_to,
        read_by_way_of_views, numbers_side_by_side, places_run_over,
    ],
    ids=lambda f: f.__name__,
)  # fmt: skip
def test_elements_alone_are_saved_and_added_to(f: Program) -> None:
    derivative = grad(f)
    derivative(X.copy())

    text = derivative.source.partition(f"def {f.__name__}_grad")[2]
    loops = [line for line in text.splitlines() if line.startswith(" " * 8)]
    assert loops
    assert not any("copy" in line or "zeros_like" in line for line in loops)
