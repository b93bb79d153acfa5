"""Programs that write into arrays, through every kind of view, argument and call, against plain Python.

Each is run as its user wrote it and as its compiled gradient: the value bit for bit, the arguments as they
are afterwards, the gradient with respect to the first argument against central differences, and a second call.
"""

# ruff: noqa: E501

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from diffcompile import grad, value_and_grad

M = np.array([[0.3, 0.7, 1.3], [1.1, 0.2, 0.4]])
V = np.array([0.3, 0.7, 1.1, 0.55])
W = np.array([1.0, 2.0, 0.5])
MASK = np.array([True, False, True, True])
PROGRAMS: list[tuple[Callable[..., Any], tuple[Any, ...]]] = []


def program(*args: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def add(fn: Callable[..., Any]) -> Callable[..., Any]:
        PROGRAMS.append((fn, args))
        return fn

    return add


@program(M)
def copy_of_a_transpose_reshaped(x):
    y = x * 1.0
    z = y.T.reshape(-1)
    z[0] = 0.0
    return np.sum(y**2) + np.sum(z**3)


@program(M)
def slice_of_a_reshape(x):
    y = x.copy()
    z = y.reshape(-1)
    z[1:3] *= 2.0
    return np.sum(y**2)


@program(M)
def ravel_seen_through(x):
    y = x.copy()
    z = y.ravel()
    y[0, 1] = 3.0 * x[1, 1]
    return np.sum(z**2 * np.arange(6.0))


@program(M)
def diagonal_of_a_transposed_copy(x):
    y = x.T.copy()
    np.fill_diagonal(y, 2.0)
    return np.sum(y**2)


@program(M)
def diagonal_seen_through(x):
    y = x.copy()
    d = np.diagonal(y)
    y[0, 0] = x[1, 1] ** 2
    return np.sum(d**2)


@program(V)
def real_and_imaginary_parts(x):
    y = x * (1 + 2j)
    r = y.real
    r[0] = x[1] ** 2
    y.imag[1] = 5 * x[2]
    return np.sum(np.abs(y) ** 2)


@program(M)
def flat(x):
    y = x.copy()
    y.flat[2] = x[0, 0] ** 2
    return np.sum(y**3)


@program(V)
def reversed_onto_itself(x):
    y = x.copy()
    y[::-1][1:] = y[1:] * 2
    return np.sum(y**2 * np.arange(4.0))


@program(V)
def view_of_a_view(x):
    y = x.copy()
    a = y[1:]
    b = a[::-1]
    b[0] += x[0] ** 2
    a *= x[1]
    return np.sum(y**2)


@program(M)
def columns_in_a_loop(x):
    y = x.copy()
    for i in range(3):
        row = y[:, i]
        row *= x[0, i]
        row[1] -= y[0, 0]
    return np.sum(y**2)


@program(M)
def rows_run_over(x):
    y = x.copy()
    for row in y:
        row[0] *= 2.0
        row[1:] += row[0]
    return np.sum(y**2)


@program(V)
def argument_written(x):
    x += 1.0
    x[0] *= x[1]
    return np.sum(x**2)


@program(V)
def alias_of_an_argument(x):
    y = x
    y[1:] = y[:-1] * 2
    return np.sum(x**2)


@program(V)
def squeezed(x):
    y = np.squeeze(x[None])
    y[0] = x[1] ** 2
    return np.sum(x**3)


@program(M)
def swapped_axes(x):
    y = np.swapaxes(x, 0, 1)
    y[0] *= 2
    y = y[1:]
    y -= x[0, 0]
    return np.sum(x**3)


@program(V)
def fancy_and_MASKed(x):
    z = np.zeros(4)
    z[[0, 2]] += x[:2]
    z[x > 0.6] *= x[0]
    z[z > 1] -= 1.0
    return np.sum(z**2)


@program(V)
def every_augmented_operator(x):
    y = x.copy()
    y[1] /= y[0]
    y[2] **= 2
    y[3] -= y[2]
    y[0] //= 0.25
    y[1:3] %= 0.4
    return np.sum(y**2)


@program(V)
def nan_to_num_is_a_copy(x):
    y = np.nan_to_num(x)
    y[0] = 5.0
    return np.sum(y * x)


@program(V)
def astype_is_a_copy(x):
    y = x.astype(float)
    y[0] = 5.0
    return np.sum(y * x)


@program(V)
def asarray_is_the_same(x):
    y = np.asarray(x)
    y[0] = 5.0 * y[1]
    return np.sum(y * x)


@program(V)
def asarray_of_the_same_dtype(x):
    y = np.asarray(x, dtype=float)
    y[0] = 5.0 * y[1]
    return np.sum(y * x)


@program(V)
def whole_array_indices(x):
    y = x.copy()
    y[...] = y * y
    y[:] += 1.0
    y[()] -= x
    return np.sum(y**2)


@program(V)
def added_axes(x):
    y = x.copy()
    y[:, None][:, 0] *= 2
    y[None, 1:] += x[0]
    return np.sum(y**2)


@program(V)
def reshaped_argument(x):
    y = x.reshape(2, 2)
    y[0, 1] = x[0] * 3
    return np.sum(x**2)


@program(V)
def ping_pong(x):
    a, b = (x.copy(), x * 2)
    for _ in range(3):
        a[1:-1] = b[2:] + b[:-2]
        a, b = (b, a)
    return np.sum(a * b)


@program(V)
def two_halves_swapped(x):
    y = x.copy()
    u = y[:2]
    v = y[2:]
    u[:], v[:] = (v * 2, u * 3)
    return np.sum(y**2 * np.arange(4.0))


@program(V)
def swaps(x):
    y = x.copy()
    y[[0, 1]] = y[[1, 0]]
    y[0], y[1] = (y[1], y[0] * 2)
    return np.sum(y**2 * np.arange(4.0))


@program(M)
def rows_of_an_argument(x):
    for row in x:
        row[0] *= 2.0
        row[1:] += row[0]
    return np.sum(x**2)


@program(M)
def rows_of_two_arrays(x):
    y = x.copy()
    s = 0.0
    for i, (a, b) in enumerate(zip(y, x)):
        a += b * i
        s += np.sum(a * y[0])
    return s


@program(M)
def rows_in_reverse(x):
    y = x.copy()
    for row in reversed(y):
        row *= y[1, 0]
    return np.sum(y**2)


@program(V)
def elements_while_the_first_grows(x):
    y = x * 1.0
    for v in y:
        y[0] += v * v
    return np.sum(y)


@program(V)
def out_and_where(x):
    z = np.ones(4)
    np.multiply(x, x, out=z, where=MASK)
    np.exp(z, out=z)
    np.add(z[1:], z[:-1], out=z[1:])
    return np.sum(z * x)


@program(V)
def division_where_it_is_defined(x):
    z = np.zeros(4)
    np.divide(1.0, x - 0.5, out=z, where=x != 0.5)
    return np.sum(z**2)


@program(M)
def out_by_position(x):
    z = np.empty((2, 3))
    np.add(x, 1.0, z)
    np.sin(z, z)
    z.fill(2.0) if x[0, 0] > 5 else np.cos(x, out=z)
    return np.sum(z**2)


@program(M)
def sorted_both_ways(x):
    A = x.copy()
    np.fill_diagonal(A, x[0, 1])
    A.sort(axis=1)
    A.T.sort(axis=1)
    return np.sum(A**2 * np.arange(6.0).reshape(2, 3))


@program(M)
def out_of_functions(x):
    z = np.zeros(3)
    np.sum(x, axis=0, out=z)
    w = np.zeros((2, 2))
    np.dot(x, x.T, out=w)
    np.matmul(x, x.T, out=w)
    np.clip(w, 0.2, 1.0, out=w)
    return np.sum(z**2) + np.sum(w**2)


@program(V)
def unbuffered(x):
    y = x.copy()
    np.add.at(y, [0, 0, 2], x[:3])
    np.subtract.at(y[1:], [0, 0], x[:2])
    np.multiply.at(y, [1, 1], np.array([2.0, 3.0]))
    np.maximum.at(y, [3, 3], x[:2])
    return np.sum(y**2)


@program(V)
def masked_writers(x):
    y = x.copy()
    np.copyto(y, x**2, where=MASK)
    np.put(y, [0, -1], [x[1], 5.0])
    np.putmask(y, y > 1, y * 0.5)
    np.place(y, MASK, [1.0, 2.0])
    return np.sum(y**3)


@program(V)
def partition_and_sort_of_a_view(x):
    y = x.copy()
    y.partition(2)
    y[::2].sort()
    return np.sum(y * np.arange(4.0))


@program(M)
def put_along_axis(x):
    A = x.copy()
    np.put_along_axis(A, np.argmax(A, axis=1, keepdims=True), 99.0, axis=1)
    return np.sum(A * x)


@program(V)
def blocks_by_index(x):
    y = np.zeros((3, 4))
    y[:, 1] = x[:3]
    y[1] += x
    y[y > 0.5] *= 2
    y[[0, 2]] = y[[2, 0]]
    y[np.ix_([0, 1], [1, 2])] -= x[0]
    return np.sum(y**2)


@program(V)
def argument_sorted(x):
    x.sort()
    return np.sum(x * np.arange(4.0))


@program(V)
def argument_as_out(x):
    np.exp(x, out=x)
    x[:] = x[::-1]
    return np.sum(x * np.arange(4.0))


@program(V)
def elements_of_an_argument(x):
    s = 0.0
    for i in range(4):
        x[i] *= 2
        s += x[i] * x[i - 1]
    return s


@program(V)
def growing_slices(x):
    y = np.zeros(4)
    for i in range(4):
        y[i:] += x[i]
        y[:i] -= y[i:][0]
    return np.sum(y**2)


@program(W, 0.1)
def argument_in_a_loop(w, r):
    for t in range(3):
        w -= r * w
    return np.sum(w)


@program(W, 0.1)
def argument_grown_in_a_loop(w, r):
    for t in range(3):
        w += r
    return np.sum(w**2)


@program(W, 0.1)
def argument_normalised(w, r):
    for t in range(3):
        w /= np.linalg.norm(w)
        w[:] = r * w
    return np.sum(w**2)


@program(W, 0.1)
def argument_in_a_while_loop(w, r):
    i = 0
    while i < 3:
        i += 1
        if i > 1:
            w *= r
    return np.sum(w**2)


@program(W, 0.1)
def argument_in_branches(w, r):
    if r > 0:
        w *= r
    else:
        w[0] = 1.0
    w += w[0] * r
    return np.sum(w**2)


@program(W, 0.1)
def argument_from_its_copy(w, r):
    for i in range(3):
        old = w.copy()
        w[1:] += r * old[:-1] ** 2
        if i == 1:
            w[0] = w[1] ** 2
    return np.sum(w**2)


@program(W * 0.7, W + 0.3)
def arguments_swapped(u, v):
    for i in range(3):
        v[1:-1] = u[2:] - u[:-2]
        u, v = (v, u)
    return np.sum(u**2)


@program(W * 0.7, W + 0.3)
def argument_and_buffer_swapped(u, v):
    new = np.empty_like(u)
    for i in range(3):
        new[...] = u * v
        new[0] = u[1]
        u, new = (new, u)
    return np.sum(u * v)


@program(W * 0.7, W + 0.3)
def tails_of_an_argument(u, v):
    for i in range(3):
        w = u[i:]
        w *= v[i]
    return np.sum(u**2)


@program(W * 0.7, W + 0.3)
def nested_loops(u, v):
    n = 0
    while n < 2:
        u *= v
        n += 1
        for k in range(2):
            u[k] -= v[k] * u[2]
    return np.sum(u)


def step(u, v, dt):
    a = np.sin(u)
    u += dt * v
    v -= dt * a


@program(V, V[::-1] + 0.1, 3)
def helper_in_a_loop(u, v, n):
    for _ in range(n):
        step(u, v, 0.1)
    return np.sum(u * v)


@program(V, V[::-1] + 0.1, 3)
def helpers_in_turn(u, v, n):
    u = u.copy()
    v = v.copy()
    for _ in range(n):
        step(u, v, 0.1)
        step(v, u, 0.2)
    return np.sum(u * v)


def pairs(u, v):
    s = u * v
    t = s + u
    return (s, t)


@program(V, V[::-1] + 0.1, 3)
def helper_of_two_results(u, v, n):
    a, b = pairs(u, v)
    c, d = pairs(b, a)
    return np.sum(c * d)


def rec(x, n):
    if n == 0:
        return x
    y = x * 2.0
    y = np.sin(y)
    return rec(y, n - 1)


@program(V, V[::-1] + 0.1, 3)
def recursion_that_returns_its_argument(u, v, n):
    return np.sum(rec(u, 3) * v)


def fill(u, k):
    if k >= len(u):
        return
    u[k] = u[k - 1] * u[k]
    u[k] += 1.0
    fill(u, k + 1)


@program(V, V[::-1] + 0.1, 3)
def recursion_that_writes(u, v, n):
    fill(u, 1)
    return np.sum(u * v)


def fft(x):
    n = len(x)
    if n == 1:
        return x
    e = fft(x[::2])
    o = fft(x[1::2])
    w = np.exp(-2j * np.pi * np.arange(n // 2) / n) * o
    return np.concatenate([e + w, e - w])


@program(V, V[::-1] + 0.1, 3)
def fourier_transform_by_halves(u, v, n):
    return np.sum(np.abs(fft(u)) ** 2 * np.arange(len(u)))


def relax(u, w):
    r = u[1:-1] * 0.5
    u[1:-1] = r + w * (u[2:] + u[:-2])
    return u


@program(V, V[::-1] + 0.1, 3)
def helper_that_returns_what_it_wrote(u, v, n):
    u = u.copy()
    for _ in range(n):
        u = relax(u, 0.2)
    return np.sum(u**2)


@program(V, V[::-1] + 0.1, 3)
def helper_on_views(u, v, n):
    step(u[1:], v[:-1], 0.1)
    step(u[:-1], v[1:], 0.3)
    return np.sum(u * v)


@program(V, V[::-1] + 0.1, 3)
def helper_on_one_array_twice(u, v, n):
    step(u, u, 0.1)
    return np.sum(u * v)


def bump(u):
    t = u[0]
    u[0] = t * t
    return t


@program(V, V[::-1] + 0.1, 3)
def helper_that_writes_and_returns(u, v, n):
    s = 0.0
    for i in range(3):
        s += bump(u) * v[i]
        s += bump(v)
    return s + np.sum(u)


@pytest.mark.parametrize(("fn", "args"), PROGRAMS, ids=[fn.__name__ for fn, _ in PROGRAMS])
def test_value_arguments_and_gradient_are_those_of_the_program(fn: Callable[..., Any], args: Any) -> None:
    compiled = value_and_grad(fn)
    plain, given, again = (copy.deepcopy(args) for _ in range(3))
    expected = fn(*plain)
    value, gradient = compiled(*given)

    assert value == expected
    for a, b in zip(given, plain, strict=True):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(compiled(*again)[1], gradient)
    for k in np.ndindex(args[0].shape):
        up, down = copy.deepcopy(args), copy.deepcopy(args)
        up[0][k] += 1e-6
        down[0][k] -= 1e-6
        assert gradient[k] == pytest.approx((fn(*up) - fn(*down)) / 2e-6, rel=2e-6, abs=2e-7)


def test_an_element_that_is_multiplied_by_the_one_before_it_copies_nothing_in_a_turn() -> None:
    def scan(x):
        x = x * 1.0
        for i in range(1, len(x)):
            x[i] = 0.7 * x[i - 1] * x[i]
        return np.sum(x)

    gradient = grad(scan)
    np.testing.assert_allclose(gradient(np.array([2.0, 3.0, 5.0])), [1 + 2.1 + 7.35, 1.4 + 4.9, 2.94])
    inside = [line for line in gradient.source.splitlines() if line.startswith("        ")]
    assert inside and not any("copy" in line for line in inside)
    assert "items" not in gradient.source
