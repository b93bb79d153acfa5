"""Sparse derivatives: the pattern misses nothing, and the matrix is the dense one, a sweep for each colour.

A pattern is held against quotients of differences and against the dense derivative, column by column; where
its exact form is known (a band, blocks, an arrow), against that.
"""

from __future__ import annotations

import copy
import importlib
import math
import os
import pickle
import random
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import HealthCheck, event, given, note, settings
from hypothesis import strategies as st
from scipy import integrate, linalg, optimize, special

import test_random_mutation as mutation
import test_random_programs as drawn
from diffcompile import (
    DiffCompileError,
    UnsupportedSyntax,
    WrongArgument,
    cotangent_of,
    defelementwise,
    grad,
    hessian,
    jacobian,
    jvp,
    override,
    ravel,
    sparsity,
    stop_gradient,
)
from diffcompile.sparse.colouring import columns, symmetric
from diffcompile.sparse.pattern import UNKNOWN, flattened
from oracles import flatten, silenced
from programs import PROGRAMS, Program

x6 = np.array([0.3, -1.2, 2.1, 0.7, -0.4, 1.5])
zeros = np.zeros(6)
A = np.array([[0, 1.0, 0, 0, 0, 0], [2, 0, 0, 3, 0, 0], [0, 0, 0, 0, 0, 0], [1, 1, 1, 1, 1, 1]])
S = sp.csr_matrix(A)
CUBE = A.reshape(2, 2, 6)


def dense(fn: Callable[..., Any], args: tuple[Any, ...], wrt: tuple[int, ...] = (0,)) -> np.ndarray:
    """The Jacobian, one direction at a time."""
    flat, unravel = ravel(tuple(args[k] for k in wrt))
    made = []
    for unit in np.eye(flat.size, dtype=flat.dtype):
        tangents = dict(zip(wrt, unravel(unit), strict=True))
        given = copy.deepcopy(args)
        out, dot = jvp(fn, given, tuple(tangents.get(k) for k in range(len(args))))
        made.append(flattened(out, dot))
    return np.stack(made, axis=1)


def quotients(fn: Callable[..., Any], args: tuple[Any, ...]) -> np.ndarray:
    """The same by central differences with respect to the first argument."""
    flat, unravel = ravel(args[0])

    def at(vector: np.ndarray) -> np.ndarray:
        return np.array(ravel(fn(unravel(vector), *copy.deepcopy(args[1:])))[0], float)

    step = 1e-6
    return np.stack([(at(flat + step * u) - at(flat - step * u)) / (2 * step) for u in np.eye(flat.size)], 1)


def assert_is(found: Any, expected: np.ndarray, tolerance: float = 1e-9) -> None:
    """Is `found` this matrix, and in its pattern wherever it is not zero?"""
    there = found.copy()
    there.data = np.ones_like(there.data)

    assert found.shape == expected.shape
    assert not np.any((expected != 0) & (there.toarray() == 0)), "the pattern lacks what is not zero"
    np.testing.assert_allclose(found.toarray(), expected, rtol=1e-7, atol=tolerance)


# -- what a result depends on ------------------------------------------------------------------------------


@dataclass
class Point:
    u: float
    v: np.ndarray
    kind: int = 3


def adds_at(x):
    y = np.zeros(4)
    np.add.at(y, [0, 1, 0, 3, 3, 3], x)
    return y


def writes_twice(x):
    y = np.zeros(4)
    y[[0, 1, 0, 3, 3, 3]] = x
    return y


def writes_columns_twice(x):
    y = np.zeros((2, 3))
    y[:, [0, 1, 0]] = x.reshape(2, 3)
    return y * x[0]


def writes_transposed(x):
    y = np.zeros(3)
    y[np.array([[0, 1], [1, 0], [2, 0]])] = x.reshape(2, 3).T
    return y


def augments_twice(x):
    y = np.ones(4) * x[5]
    y[[0, 1, 0]] += x[:3]
    y[1:] *= x[2:5]
    return y


def scales_at(x):
    y = x[:4].copy()
    np.subtract.at(y, [1, 1, 2], x[3:])
    np.multiply.at(y, [0, 0], x[4:])
    return y


def through_a_view(x):
    y = x.copy()
    z = y[1:4]
    z[0] = x[5]
    y[2] *= z[0]
    z += x[:3]
    return np.concatenate([y, z])


def swaps(x):
    y = x.copy()
    y[0], y[1] = y[1], y[0]
    y[2:4], y[4:] = y[4:].copy(), y[2:4].copy()
    return y


def through_views_of_views(x):
    y = x.copy()
    y[::-1][:3] = x[:3]
    y.reshape(2, 3).T[1] = x[4:]
    y.reshape(2, 3)[0] += 1
    return y


def overlaps(x):
    y = x.copy()
    y[1:] = y[:-1]
    y[:-1] += y[1:]
    return y


def into_out(x):
    y = np.empty_like(x)
    np.multiply(x, x[::-1], out=y)
    np.add(y, x[0], out=y, where=x > 0)
    return y


def fills(x):
    y = x.copy()
    y.fill(x[2])
    y[0] = 1.0
    return y


def list_methods(x):
    items = []
    for v in x:
        items.append(v * x[0])
    items[2] = items[3]
    items.pop(0)
    items.insert(0, x[5])
    items.extend([x[1], 2.0])
    items.reverse()
    return np.array(items)


def dict_of_numbers(x):
    d = {}
    for i in range(3):
        d[i] = x[i] * x[i + 1]
    d["k"] = x[5]
    d[1] += d["k"]
    total = 0.0
    for v in d.values():
        total = total + v
    return np.array([d[0], d[1], d[2], d.get("k"), total])


def nested_containers(x):
    a = {"u": [x[:2], x[2:4]], "v": (x[4], x[5])}
    return {"p": a["u"][1] * a["v"][0], "q": [a["v"][1] ** 2, a["u"][0]]}


def stencil_in_two_dimensions(x):
    v = np.zeros((4, 5))
    v[1:-1, 1:-1] = x.reshape(2, 3)
    return v[1:-1, 1:-1] * 4 - v[:-2, 1:-1] - v[2:, 1:-1] - v[1:-1, :-2] * v[1:-1, 2:]


def time_steps(x):
    u = x.copy()
    for _ in range(2):
        u[1:-1] += 0.1 * (u[2:] - 2 * u[1:-1] + u[:-2])
    return u


def gauss_seidel(x):
    u = x.copy()
    for i in range(1, 5):
        u[i] = 0.5 * (u[i - 1] + u[i + 1])
    return u


def runs_while(x):
    i, s = 0, x[0]
    while s < 5 and i < 6:
        s = s + abs(x[i]) + 1
        i += 1
    return np.array([s, x[i - 1]])


def leaves_the_loop(x):
    out = x * 1.0
    for i in range(6):
        if x[i] > 1:
            break
        out[i] = out[i] * x[i - 1]
    else:
        out = out * 2
    return out


def catches(x):
    try:
        y = x * 2
        y[0] = x[1] / math.sqrt(x[1])
    except ValueError:
        y = x[::-1] * 1.0
    return y


def calls_itself(x, n):
    if n == 0:
        return x
    return calls_itself(x[1:] * x[:-1], n - 1)


def multiplies_in_place(v, i):
    v[i] = v[i] * v[i - 1]
    return v[i]


def calls_what_writes(x):
    y = x.copy()
    s = multiplies_in_place(y, 2) + multiplies_in_place(y, 3)
    return np.append(y, s)


def closes_over(x):
    def product(i):
        return x[i] * x[i + 1]

    return np.array([product(i) for i in range(5)])


def reductions(x):
    m = x.reshape(2, 3)
    return np.concatenate([
        m.sum(0), m.sum(1), m.mean(axis=0, keepdims=True)[0], m.max(1), m.min(0), m.prod(0), m.std(1),
        m.var(0), np.median(m, axis=0), np.percentile(m, [20, 50], axis=1).ravel(), np.linalg.norm(m, axis=1),
        np.ptp(m, axis=0), np.average(m, axis=0, weights=[1, 2]), np.average(m, axis=1, weights=x[:3]),
        special.logsumexp(m, axis=0), special.softmax(m, axis=1).ravel(), np.trapezoid(m),
    ])  # fmt: skip


def numbers_of_python(x):
    return np.array([
        sum(x[:3]), sum([x[1], 2.0, x[3]]), max(x[0], x[1]), min(x), math.fsum(x[:2]), math.prod(x[1:3]),
        math.hypot(x[0], x[4]), math.dist(x[:2], x[2:4]), float(x[0]), int(x[1]), x[2].item(),
    ])  # fmt: skip


def root_of(x):
    return optimize.brentq(lambda t: t**3 + t - x[1] - x[2], -10, 10) * x


def integral_of(x):
    return np.array([integrate.quad(lambda t: np.exp(-x[0] * t * t), 0, 1)[0], x[3]])


def of_a_dict(p):
    return np.array([p["a"] * p["b"][0], p["b"][1] ** 2, 3.0 * p["c"]["d"][0, 1]])


def of_an_object(p):
    return p.v * p.u + p.kind


def through_an_object(x):
    p = Point(x[0], x[1:3] * x[5])
    p.u = p.u * x[4]
    return p.v * p.u


def layers(given):
    h = np.ones(2)
    for W, b in given:
        h = np.tanh(W @ h + b)
    return h


def drawing(x, rng):
    if rng.random() < 0.5:
        return x[1:] * x[:-1]
    return x[1:] + rng.normal(size=5) * x[0]


def solves(x):
    stack = np.stack([np.diag(x[:2] ** 2 + 1), np.diag(x[2:4] ** 2 + 1)])
    return np.linalg.solve(stack, x[:4].reshape(2, 2, 1))


BAND = np.array([[0, 1, 1, 1, 1, 1.0], [4] * 6, [1, 1, 1, 1, 1, 0]])
W, E = [1.0, 0.0, 2.0], np.arange(6.0)
CASES: list[tuple[Callable[..., Any], tuple[Any, ...]]] = [
    *((f, (x6,)) for f in (
        adds_at, writes_twice, writes_columns_twice, writes_transposed, augments_twice, scales_at,
        through_a_view, swaps, through_views_of_views, overlaps, into_out, fills, list_methods,
        dict_of_numbers, nested_containers, stencil_in_two_dimensions, time_steps, gauss_seidel, runs_while,
        leaves_the_loop, catches, calls_what_writes, closes_over, reductions, numbers_of_python, root_of,
        integral_of, through_an_object, solves,
    )),
    (calls_itself, (x6, 3)),
    (of_a_dict, ({"a": 2.0, "n": 3, "b": [1.0, -1.0], "c": {"d": np.arange(4.0).reshape(2, 2)}, "s": "hi"},)),
    (of_an_object, (Point(2.0, np.arange(3.0)),)),
    (layers, ([(np.eye(2), np.zeros(2)), (np.ones((2, 2)), np.ones(2)), (np.eye(2) * 2, np.ones(2))],)),
]  # fmt: skip
LINES: list[Callable[..., Any]] = [
    lambda x: x[1:] * x[:-1],
    lambda x: A @ x,
    lambda x: S @ x,
    lambda x: sp.csr_array(A) @ x,
    lambda x: x @ A.T,
    lambda x: S.T @ (S @ x),
    lambda x: A @ np.stack([x, x**2], 1),
    lambda x: np.dot(A, x),
    lambda x: A.reshape(2, 2, 6) @ x,
    lambda x: x @ CUBE.transpose(0, 2, 1),
    lambda x: (x.reshape(2, 3) @ x.reshape(3, 2)) @ A[:2, :2],
    lambda x: np.matmul(x.reshape(2, 1, 3), x.reshape(2, 3, 1)),
    lambda x: np.einsum("ij,j->i", A, x),
    lambda x: np.einsum("ij,j,k->ik", A, x, x),
    lambda x: np.einsum("i,i", x, x),
    lambda x: np.einsum("...i,i->...i", A, x),
    lambda x: np.einsum("ii->i", np.outer(x, x)),
    lambda x: np.tensordot(A, x, axes=1),
    lambda x: np.tensordot(x.reshape(2, 3), A.reshape(4, 2, 3), axes=([0, 1], [1, 2])),
    lambda x: np.inner(A, x),
    lambda x: np.outer(x, x),
    lambda x: np.kron(x, x),
    lambda x: np.cross(x[:3], x[3:]),
    lambda x: np.vdot(x, x) * x,
    lambda x: np.linalg.multi_dot([A, x.reshape(6, 1), x.reshape(1, 6)]),
    lambda x: np.convolve(x, W),
    lambda x: np.convolve(x, [1.0, 2.0], "same"),
    lambda x: np.convolve(x, [0.0, 2.0, 3.0, 4.0], "same"),
    lambda x: np.convolve(x, np.arange(8.0), "same"),
    lambda x: np.convolve(x, W, "valid"),
    lambda x: np.convolve(x[:3], x[2:]),
    lambda x: np.correlate(x, [1.0, 2.0], "same"),
    lambda x: np.correlate(x, np.arange(7.0), "same"),
    lambda x: np.correlate(x, np.arange(8.0), "same"),
    lambda x: np.correlate(x, np.arange(8.0), "valid"),
    lambda x: np.correlate(x, [0.0, 2.0, 1.0], "full"),
    lambda x: np.cumsum(x),
    lambda x: np.cumsum(x.reshape(2, 3), axis=0),
    lambda x: np.cumprod(x),
    lambda x: np.sort(x.reshape(2, 3), axis=0),
    lambda x: x[np.argsort(x)],
    lambda x: np.partition(x, 2),
    lambda x: np.diff(x, n=2),
    lambda x: np.diff(x.reshape(2, 3), axis=0),
    lambda x: np.diff(x, prepend=x[2]),
    lambda x: np.gradient(x),
    lambda x: np.gradient(x, 0.5, edge_order=2),
    lambda x: np.where(x > 0, x[::-1], x),
    lambda x: np.where(E > 2, x, 0.0),
    lambda x: np.maximum(x, x[::-1]),
    lambda x: np.clip(x, x[::-1] - 1, x[::-1] + 1),
    lambda x: np.abs(x),
    lambda x: x[[0, 0, 3, -1]],
    lambda x: x[x > 0],
    lambda x: x.reshape(2, 3)[[0, 1, 0], [2, 1, 0]],
    lambda x: x.reshape(2, 3)[..., None, 1],
    lambda x: np.linalg.solve(np.eye(3) + np.outer(x[:3], x[:3]), x[3:]),
    lambda x: np.linalg.det(np.stack([np.diag(x[:2] ** 2 + 1), np.diag(x[2:4] ** 2 + 1)])),
    lambda x: linalg.solve_banded((1, 1), BAND, x),
    lambda x: np.abs(np.fft.rfft(x)),
    lambda x: np.pad(x, 2, mode="wrap"),
    lambda x: np.pad(x, 1, constant_values=3.0),
    lambda x: np.pad(x, 2, mode="mean"),
    lambda x: np.triu(np.outer(x, x), 1),
    lambda x: np.diag(np.outer(x, x), 1),
    lambda x: np.roll(x, 2) * np.tile(x[:3], 2) * np.repeat(x[:3], 2),
    lambda x: np.take_along_axis(x, np.argsort(x), 0),
    lambda x: x.reshape(2, 3).T.ravel(),
    lambda x: x.reshape(2, 3).T.ravel("K") * np.arange(6.0),
    lambda x: np.asfortranarray(x.reshape(2, 3)).ravel("K"),
    lambda x: x.reshape((2, 3), order="F"),
    lambda x: np.concatenate([x, np.arange(3.0), x[::-1]]),
    lambda x: np.insert(x, 2, 7),
    lambda x: np.insert(np.delete(x, 1), 2, x[0]),
    lambda x: np.block([[x.reshape(2, 3), np.ones((2, 1))]]),
    lambda x: np.meshgrid(x[:2], x[2:])[0] * np.meshgrid(x[:2], x[2:])[1],
    lambda x: np.split(x, 3)[1] * np.broadcast_to(x[5], (2,)),
    lambda x: np.interp(x, [-2.0, 0.0, 3.0], [1.0, 2.0, -1.0]),
    lambda x: np.interp([0.1, 0.2], np.arange(6.0), x),
    lambda x: np.polyval(x[:3], x[3:]),
    lambda x: np.select([x > 1, x > 0], [x**2, x[::-1]], default=x[0]),
    lambda x: np.choose([0, 1, 0, 1, 0, 1], [x, x[::-1]]),
    lambda x: np.sign(x) * x[::-1],
    lambda x: np.floor(x) * x + np.round(x) * x[0],
    lambda x: np.modf(x)[0] * x[0],
    lambda x: np.divmod(x, x[::-1] ** 2 + 1)[1],
    lambda x: x.astype(int) * x[::-1],
    lambda x: x * np.array([1.0, 0, 2, 0, 1, 0]),
    lambda x: (np.outer(x > 0, x < 0) * 1.0) @ x,
    lambda x: np.linalg.norm(x) * x,
    lambda x: np.unique(x),
    lambda x: np.array([v for v in x if v > 0]),
    lambda x: np.add.accumulate(x) * np.maximum.accumulate(x),
    lambda x: np.multiply.outer(x[:2], x[2:]),
    lambda x: np.array([v * 2 for v in (x * x[0]).tolist()]),
    lambda x: x[:0],
    lambda x: np.ones(3),
    lambda x: (2.0, x[0], 3),
]
EVERY = [*CASES, *((f, (x6,)) for f in LINES)]


@pytest.mark.parametrize("k", range(len(EVERY)), ids=lambda k: f"{k}_{EVERY[k][0].__name__}")
def test_the_sparse_jacobian_is_the_dense_one(k: int) -> None:
    f, args = EVERY[k]
    taken = jacobian(f, sparse=True)
    found = taken(*copy.deepcopy(args))
    pattern = sparsity(f, *copy.deepcopy(args))

    assert_is(found, dense(f, args))
    assert taken.colors <= min(found.shape)
    assert (pattern.shape, pattern.dtype, pattern.nnz) == (found.shape, np.dtype(bool), found.nnz)
    nonzero = np.abs(quotients(f, args)) > 1e-4
    assert not np.any(nonzero & ~pattern.toarray())


def scalar_of(f: Callable[..., Any]) -> Callable[..., Any]:
    def total(x, *rest):
        out = f(x, *rest)
        return np.sum(np.sin(out) * np.cos(0.5 * out + 1.0))

    return total


ARRAYS = [(f, args) for f, args in EVERY if isinstance(f(*copy.deepcopy(args)), np.ndarray)]


@pytest.mark.parametrize("k", range(len(ARRAYS)), ids=lambda k: f"{k}_{ARRAYS[k][0].__name__}")
def test_the_sparse_hessian_is_the_dense_one(k: int) -> None:
    f, args = ARRAYS[k]
    total = scalar_of(f)
    taken = hessian(total, sparse=True)
    found = taken(*copy.deepcopy(args))

    assert_is(found, dense(grad(total), args), 1e-7)


@pytest.mark.parametrize("f", [f for f, args in CASES if args[0] is x6 and len(args) == 1])
def test_no_program_is_too_much_to_follow(f: Callable[..., Any]) -> None:
    taken = jacobian(f, sparse=True)
    values = (x6,)

    assert taken._pattern(*taken._forward.case(values), values) is not UNKNOWN


@pytest.mark.parametrize("k", range(len(LINES)))
def test_what_is_zero_at_a_point_may_be_other_than_zero_elsewhere(k: int) -> None:
    """The pattern at zero, where it does not depend on values, has what the derivative elsewhere has."""
    f = LINES[k]
    taken = jacobian(f, sparse=True)
    elsewhere = dense(f, (x6,)) != 0
    pattern = taken.found((zeros,), {})

    assert pattern.varies or not np.any(elsewhere & ~sparsity(f, zeros).toarray())


def product_over_a_minimum(x):
    return x[1:] * x[:-1] if x[0] > 0 else x[1:] + x[0]


def test_a_pattern_is_found_again_where_a_branch_depends_on_values() -> None:
    taken = jacobian(product_over_a_minimum, sparse=True)

    for point in (x6, -x6, x6):
        assert_is(taken(point), dense(product_over_a_minimum, (point,)))


def weighted(x, w, n):
    return (w * x)[n:] * x[: len(x) - n]


def test_a_pattern_is_found_again_where_what_does_not_move_is_another() -> None:
    taken = jacobian(weighted, sparse=True)
    weights = np.array([1.0, 0, 1, 0, 1, 0])

    for w, n, x in ((weights, 1, x6), (1 - weights, 1, x6), (weights, 2, x6), (weights[:4], 2, x6[:4])):
        assert_is(taken(x, w, n), dense(weighted, (x, w, n)))
    weights[:] = 1.0
    assert_is(taken(x6, weights, 1), dense(weighted, (x6, weights, 1)))


SCALE = np.array([1.0, 0.0])


def scaled_by_a_global(x):
    return SCALE * x


def test_a_pattern_is_found_again_where_a_global_array_is_another() -> None:
    taken = jacobian(scaled_by_a_global, sparse=True)
    first = taken(np.ones(2)).toarray()
    SCALE[:] = [0.0, 3.0]
    second = taken(np.ones(2)).toarray()
    SCALE[:] = [1.0, 0.0]

    assert (first.tolist(), second.tolist()) == ([[1.0, 0.0], [0.0, 0.0]], [[0.0, 0.0], [0.0, 3.0]])


def test_a_pattern_that_depends_on_sizes_alone_is_found_once(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = jacobian(lambda x: x[1:] * np.maximum(x[:-1], 0.5), sparse=True)
    taken(x6)
    monkeypatch.setattr(taken, "_pattern", None)

    assert taken(2 * x6).nnz == 10


# -- programs that others wrote, or that are drawn ---------------------------------------------------------

FOLLOWED = [p for p in PROGRAMS if p.order2]


@pytest.mark.parametrize("program", FOLLOWED, ids=lambda p: p.name)
def test_hessians_of_the_zoo_are_the_dense_ones(program: Program) -> None:
    wrt = program.wrt if isinstance(program.wrt, tuple) else (program.wrt,)
    with silenced():
        taken = hessian(program.fn, wrt, sparse=True)
        found = taken(*program.make_inputs())
        expected = dense(grad(program.fn, wrt), program.make_inputs(), wrt)

    assert_is(found, expected, 1e-8)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("random_sparse")


often = settings(
    max_examples=40,
    deadline=None,
    derandomize="CI" in os.environ,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)


def check_hessian(fn: Callable[..., Any], inputs: Callable[[], tuple[Any, ...]]) -> None:
    wrt = tuple(range(len(inputs())))
    taken = hessian(fn, wrt, sparse=True)
    try:
        found, expected = taken(*inputs()), dense(grad(fn, wrt), inputs(), wrt)
    except DiffCompileError:
        event("refused")
        return

    assert_is(found, expected, 1e-7)


@often
@given(source=drawn.sources())
def test_the_hessian_of_a_random_program_is_the_dense_one(source: str, folder: Path) -> None:
    note(source[len(drawn.PRELUDE) :])
    check_hessian(drawn.load(source, folder), drawn.fresh_inputs)


@often
@given(source=mutation.sources())
def test_the_hessian_of_a_random_program_that_writes_is_the_dense_one(source: str, folder: Path) -> None:
    own = "    x = x * 1.0\n    y = y * 1.0\n    m = m * 1.0\n"
    head = "def f(x, y, m, a):\n"
    note(source[len(mutation.PRELUDE) :])
    check_hessian(drawn.load(source.replace(head, head + own), folder), mutation.fresh_inputs)


@st.composite
def arrays_out(draw: Callable[[st.SearchStrategy[Any]], Any]) -> str:
    """The text of a module with a function of arrays that returns all the numbers it has made."""
    body, scope = mutation.block(lambda options: draw(st.sampled_from(options)), mutation.Scope(), 6)
    parts = [*scope.floats, *(name for name, _ in scope.named), *(place for place, _ in scope.places)]
    listed = ", ".join(f"np.ravel({part})" for part in parts)
    back = scope.line(f"return np.concatenate([{listed}])")
    return "\n".join([mutation.PRELUDE, "def f(x, y, m, a):", *body, back, ""])


@often
@given(source=arrays_out())
def test_the_jacobian_of_a_random_program_is_the_dense_one(source: str, folder: Path) -> None:
    note(source[len(mutation.PRELUDE) :])
    fn = drawn.load(source, folder)
    taken = jacobian(fn, (0, 1, 2, 3), sparse=True)
    plain, args = mutation.fresh_inputs(), mutation.fresh_inputs()
    fn(*plain)
    try:
        found = taken(*args)
        expected = dense(fn, mutation.fresh_inputs(), (0, 1, 2, 3))
    except DiffCompileError:
        event("refused")
        return

    assert_is(found, expected)
    np.testing.assert_array_equal(flatten(args), flatten(plain))


# -- colours -----------------------------------------------------------------------------------------------


def chain(x):
    return np.sum((x[1:] - x[:-1]) ** 4)


def chain_in_a_loop(x):
    total = 0.0
    for i in range(1, len(x)):
        total += (x[i] - x[i - 1]) ** 4
    return total


def arrow(x):
    return x[0] ** 2 * np.sum(x[1:] ** 3)


def grid(x):
    u = x.reshape(20, 20)
    return np.sum((u[1:] - u[:-1]) ** 4) + np.sum((u[:, 1:] - u[:, :-1]) ** 4)


def blocks(x):
    total = 0.0
    for b in x.reshape(-1, 4):
        total = total + np.prod(b)
    return total


@pytest.mark.parametrize(
    ("f", "count", "elements"),
    [
        (chain, 3, 3 * 400 - 2),
        (chain_in_a_loop, 3, 3 * 400 - 2),
        (arrow, 2, 3 * 400 - 2),
        (grid, 6, 400 + 4 * 380),
        (blocks, 4, 3 * 400),  # a product is linear in each of its factors
    ],
)
def test_a_structured_hessian_takes_as_few_sweeps_as_its_structure(
    f: Callable[..., Any], count: int, elements: int
) -> None:
    x = np.random.default_rng(0).normal(size=400)
    taken = hessian(f, sparse=True)
    found = taken(x)

    assert (found.nnz, taken.colors <= count) == (elements, True)
    np.testing.assert_allclose(found.toarray(), dense(grad(f), (x,)), rtol=1e-10, atol=1e-12)


def test_rows_are_swept_backwards_where_they_need_fewer_colours() -> None:
    def sums(x):
        return np.array([np.sum(x[:50] ** 2), np.sum(x[50:] ** 3), x[0] * x[99]])

    taken = jacobian(sums, sparse=True)
    x = np.random.default_rng(0).normal(size=100)
    found = taken(x)

    assert taken.colors == 2
    assert "def sums_backward(saved, sums_bar):" in taken.source
    np.testing.assert_allclose(found.toarray(), dense(sums, (x,)))


def test_the_source_is_that_of_a_sweep() -> None:
    taken = jacobian(lambda x: x[1:] * x[:-1], sparse=True)
    taken(x6)

    assert "def function_push(saved, x_dot):" in taken.source
    assert repr(taken) == "<sparse jacobian of <lambda>>"
    assert repr(hessian(chain, sparse=True)) == "<sparse hessian of chain>"


def random_pattern(m: int, n: int, seed: int) -> np.ndarray:
    rng = random.Random(seed)
    density = rng.random()
    return np.array([[rng.random() < density for _ in range(n)] for _ in range(m)])


@pytest.mark.parametrize("seed", range(40))
def test_columns_of_a_colour_have_no_row_in_common(seed: int) -> None:
    there = random_pattern(1 + seed % 9, 1 + seed % 13, seed)
    colours = columns(*np.nonzero(there), there.shape)

    for row in there:
        assert len(set(colours[row])) == np.count_nonzero(row)


@pytest.mark.parametrize("seed", range(40))
def test_each_element_or_its_mirror_image_stands_alone_in_its_row(seed: int) -> None:
    there = random_pattern(1 + seed % 13, 1 + seed % 13, seed)
    there |= there.T
    colours = symmetric(*np.nonzero(there), len(there))

    for i, j in zip(*np.nonzero(there), strict=True):
        alone = np.count_nonzero(colours[there[i]] == colours[j]) == 1
        assert alone or np.count_nonzero(colours[there[j]] == colours[i]) == 1


# -- what is asked for, and how ----------------------------------------------------------------------------


def test_arguments_of_a_tuple_stand_one_behind_the_other() -> None:
    def f(a, n, p):
        return a[:n] * p["w"]

    taken = jacobian(f, argnums=("p", "a"), sparse=True)
    found = taken(np.array([1.0, 2.0, 3.0]), p={"w": np.array([4.0, 5.0])}, n=2)

    assert found.toarray().tolist() == [[1.0, 0.0, 4.0, 0.0, 0.0], [0.0, 2.0, 0.0, 5.0, 0.0]]


def test_it_decorates() -> None:
    @jacobian(sparse=True)
    def f(x):
        return x**2

    @hessian(sparse=True)
    def g(x):
        return np.sum(x**3)

    assert f(np.array([1.0, 2.0])).toarray().tolist() == [[2.0, 0.0], [0.0, 4.0]]
    assert g(np.array([1.0, 2.0])).toarray().tolist() == [[6.0, 0.0], [0.0, 12.0]]


def test_single_precision_stays() -> None:
    x = np.array([1.0, 2.0, 3.0], np.float32)
    found = jacobian(lambda x: x[1:] * x[:-1], sparse=True)(x)
    second = hessian(lambda x: np.sum(x[1:] * x[:-1] ** 2), sparse=True)(x)

    assert (found.dtype, second.dtype) == (np.float32, np.float32)
    assert found.toarray().tolist() == [[2.0, 1.0, 0.0], [0.0, 3.0, 2.0]]


def test_what_the_function_does_to_its_arguments_is_done_once() -> None:
    def f(x, log):
        x += 1.0
        log.append(x[0])
        return x[1:] * x[:-1]

    x, log = np.array([1.0, 2.0, 3.0]), []
    found = jacobian(f, sparse=True)(x, log)

    assert (x.tolist(), log) == ([2.0, 3.0, 4.0], [2.0])
    assert found.toarray().tolist() == [[3.0, 2.0, 0.0], [0.0, 4.0, 3.0]]


def test_what_the_function_prints_is_printed_once(capsys: pytest.CaptureFixture[str]) -> None:
    def f(x):
        print("here")
        return x[1:] * x[:-1]

    jacobian(f, sparse=True)(x6)

    assert capsys.readouterr().out == "here\n"


@pytest.mark.parametrize("seed", range(4))
def test_a_generator_that_is_passed_draws_once(seed: int) -> None:
    rng, other = np.random.default_rng(seed), np.random.default_rng(seed)
    taken = jacobian(drawing, sparse=True)
    found = taken(x6, rng)
    plain = drawing(x6, other)

    assert rng.random() == other.random()
    assert_is(found, dense(drawing, (x6, np.random.default_rng(seed))))
    assert len(plain) == found.shape[0]


def test_what_the_function_raises_is_raised() -> None:
    def f(x):
        if x[0] > 0:
            raise KeyError("positive")
        return x

    with pytest.raises(KeyError, match="positive"):
        jacobian(f, sparse=True)(x6)


def test_a_program_that_is_not_followed_is_full(monkeypatch: pytest.MonkeyPatch) -> None:
    module = importlib.import_module("diffcompile.sparse.following")
    monkeypatch.setattr(module, "pattern", lambda *args: UNKNOWN)
    f = LINES[0]
    taken, second = jacobian(f, sparse=True), hessian(chain, sparse=True)

    assert_is(taken(x6), dense(f, (x6,)))
    assert_is(second(x6), dense(grad(chain), (x6,)))
    assert sparsity(f, x6).nnz == 30


def test_a_hook_that_makes_second_derivatives_asymmetric_is_heard() -> None:
    def f(x):
        y = x * 1.0
        with cotangent_of(y) as y_bar:
            y_bar = y_bar * np.array([1.0, 3.0])
        return y[0] ** 2 * y[1]

    x = np.array([1.0, 2.0])
    expected = dense(grad(f), (x,))

    assert not np.array_equal(expected, expected.T)
    np.testing.assert_array_equal(hessian(f, sparse=True)(x).toarray(), expected)


def tilted(a, b):
    return a * b


@defelementwise(tilted)
def _(out, a, b):
    return b, 3.0 * a


def test_a_rule_of_the_user_that_is_no_gradient_is_obeyed() -> None:
    def f(x):
        return tilted(x[0], x[1]) * 2.0

    x = np.array([1.0, 2.0])

    np.testing.assert_array_equal(hessian(f, sparse=True)(x).toarray(), [[0.0, 2.0], [6.0, 0.0]])


def test_what_a_gradient_stops_at_is_no_dependency() -> None:
    found = sparsity(lambda x: stop_gradient(x) * x[::-1], np.ones(2))

    assert found.toarray().tolist() == [[False, True], [True, False]]


@pytest.mark.parametrize("step", [np.sign, np.round, np.floor])
def test_a_step_that_is_told_to_pass_something_on_is_a_dependency(step: Any) -> None:
    def f(x):
        return step(x) * 2.0

    with override(step):

        @defelementwise(step)
        def _(out, x):
            return np.ones_like(x)

        assert jacobian(f, sparse=True)(x6).toarray().tolist() == (2.0 * np.eye(6)).tolist()
    assert jacobian(f, sparse=True)(x6).nnz == 0


def test_the_sign_of_a_complex_number_moves() -> None:
    def f(x):
        return np.real(np.sign(x + 1j * x[::-1] ** 2))

    assert_is(jacobian(f, sparse=True)(x6), dense(f, (x6,)))


def test_no_numbers_are_no_columns_or_no_rows() -> None:
    none = np.zeros(0)

    assert jacobian(lambda x: x * 2, sparse=True)(none).shape == (0, 0)
    assert jacobian(lambda x: x[:0], sparse=True)(x6).shape == (0, 6)
    assert hessian(lambda x: np.sum(x**2), sparse=True)(none).shape == (0, 0)
    assert sparsity(lambda x: x[:0], x6).shape == (0, 6)


def runs_over(x, positions):
    total = 0.0
    for k in positions:
        total = total + x[k] * x[0]
    return total * x


@pytest.mark.parametrize("make", [lambda: iter([1, 2]), lambda: (k for k in (1, 2))], ids=["copied", "not"])
def test_an_iterator_that_is_passed_is_used_up_once(make: Callable[[], Any]) -> None:
    found = jacobian(runs_over, sparse=True)(x6, make())

    assert_is(found, dense(runs_over, (x6, [1, 2])))


def test_a_result_of_which_a_part_does_not_move_has_its_rows() -> None:
    stack = np.stack([np.eye(2) * 2, np.array([[1.0, 2.0], [0.5, -1.0]])])
    found = jacobian(lambda a: np.linalg.slogdet(a), sparse=True)(stack)

    assert found.shape == (4, 8) and not found[:2].toarray().any()
    expected = np.linalg.inv(stack).transpose(0, 2, 1)
    np.testing.assert_allclose(found[2].toarray()[0], [*expected[0].ravel(), 0, 0, 0, 0])
    np.testing.assert_allclose(found[3].toarray()[0], [0, 0, 0, 0, *expected[1].ravel()])


def test_the_star_of_a_sparse_matrix_is_its_product() -> None:
    square = sp.csr_matrix(np.array([[0, 1.0], [2.0, 0]]))

    assert jacobian(lambda x: square * x, sparse=True)(np.ones(2)).toarray().tolist() == [[0, 1], [2, 0]]


def test_it_is_a_matrix_of_scipy_that_numpy_reads() -> None:
    found = jacobian(lambda x: x**2, sparse=True)(np.array([1.0, 2.0]))

    assert sp.issparse(found) and isinstance(found, sp.csr_matrix)
    assert found.has_canonical_format and found.indices.dtype == np.int32
    np.testing.assert_array_equal(np.asarray(found), [[2.0, 0.0], [0.0, 4.0]])
    np.testing.assert_array_equal(np.array([1.0, 1.0]) @ found, [2.0, 4.0])
    np.testing.assert_array_equal((found.T @ found).toarray(), [[4.0, 0.0], [0.0, 16.0]])
    assert pickle.loads(pickle.dumps(found)).nnz == 2


def test_it_is_pickled_as_the_function() -> None:
    taken = pickle.loads(pickle.dumps(hessian(chain, sparse=True)))

    assert taken(x6).nnz == 16


# -- the solvers of SciPy ----------------------------------------------------------------------------------

N = 40


def reaction(u):
    """Bratu's problem: its residuals depend on neighbours."""
    padded = np.concatenate([[0.0], u, [0.0]])
    return (padded[2:] - 2 * u + padded[:-2]) * (N + 1) ** 2 + np.exp(u)


def heat(t, u):
    return reaction(u)


def rosenbrock(x):
    return np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)


@pytest.mark.parametrize("method", ["hybr", "lm"])
def test_root_takes_it(method: str) -> None:
    taken = jacobian(reaction, sparse=True)
    found = optimize.root(reaction, np.zeros(N), jac=taken, method=method)

    assert found.success and taken.colors == 3
    np.testing.assert_allclose(reaction(found.x), 0.0, atol=1e-8)


@pytest.mark.parametrize("solver", ["lsmr", "exact"])
def test_least_squares_takes_it(solver: str) -> None:
    jac = jacobian(reaction, sparse=True)
    given = jac if solver == "lsmr" else lambda u: np.asarray(jac(u))
    found = optimize.least_squares(reaction, np.zeros(N), jac=given, tr_solver=solver)

    assert found.cost < 1e-12


@pytest.mark.parametrize("method", ["Radau", "BDF"])
def test_solve_ivp_takes_it(method: str) -> None:
    def scaled(t, u):
        return 1e-3 * heat(t, u)

    taken = jacobian(scaled, argnums="u", sparse=True)
    start = np.sin(np.linspace(0, np.pi, N + 2)[1:-1])
    found = integrate.solve_ivp(scaled, (0, 1), start, method=method, jac=taken, rtol=1e-8, atol=1e-10)
    plain = integrate.solve_ivp(scaled, (0, 1), start, method=method, rtol=1e-8, atol=1e-10)

    assert found.success and taken.colors == 3
    np.testing.assert_allclose(found.y[:, -1], plain.y[:, -1], rtol=1e-6)


def test_minimize_takes_them() -> None:
    second = hessian(rosenbrock, sparse=True)
    bound = jacobian(lambda x: x[1:] * x[:-1], sparse=True)
    limit = optimize.NonlinearConstraint(lambda x: x[1:] * x[:-1], -np.inf, 2.0, jac=bound)
    found = optimize.minimize(
        rosenbrock, np.full(12, -0.5), jac=grad(rosenbrock), hess=second, method="trust-constr",
        constraints=[limit], options={"gtol": 1e-9, "maxiter": 500},
    )  # fmt: skip

    np.testing.assert_allclose(found.x, 1.0, rtol=1e-4)
    assert second.colors == 3


# -- what is refused, and the words ------------------------------------------------------------------------


def test_complex_arguments_are_refused() -> None:
    with pytest.raises(WrongArgument, match="the sparse jacobian with respect to complex numbers"):
        jacobian(lambda z: z**2, sparse=True)(np.array([1j, 2.0]))


def test_complex_results_are_taken_forward() -> None:
    found = jacobian(lambda x: 1j * x[1:] * x[:-1], sparse=True)(np.array([1.0, 2.0, 3.0]))

    assert found.toarray().tolist() == [[2j, 1j, 0], [0, 3j, 2j]]


def shared_noise(x):
    return x * np.random.normal()


def test_the_generator_that_all_share_is_refused() -> None:
    with pytest.raises(WrongArgument) as refused:
        jacobian(shared_noise, sparse=True)(x6)

    assert refused.value.reason == "the sparsity of a function that draws from the generator that all share"
    assert refused.value.remedy == "Pass a generator: `np.random.default_rng(0)`."


def test_an_argument_twice_is_refused() -> None:
    with pytest.raises(WrongArgument, match="a sparse jacobian with respect to the same argument twice"):
        jacobian(LINES[0], (0, "x"), sparse=True)(x6)


class Plain:
    def __init__(self, w):
        self.w = w


def test_an_object_that_is_no_container_is_refused() -> None:
    with pytest.raises(WrongArgument) as refused:
        jacobian(lambda p: p.w * 2.0, sparse=True)(Plain(1.0))

    assert refused.value.reason.endswith("with respect to an object of class `Plain` as a whole")


def test_parts_of_an_argument_are_refused() -> None:
    with pytest.raises(WrongArgument, match="a sparse jacobian is with respect to whole arguments"):
        jacobian(of_an_object, "p.v", sparse=True)(Point(1.0, np.ones(2)))


def test_a_sparse_derivative_inside_a_function_is_refused() -> None:
    def f(x):
        return np.sum(hessian(chain, sparse=True)(x))

    with pytest.raises(UnsupportedSyntax) as refused:
        grad(f)(x6)

    assert refused.value.reason == "a sparse derivative inside a function"
    assert refused.value.remedy == "Take the dense one there: `hessian(f)`."


def test_scipy_is_asked_for_where_it_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "scipy.sparse", None)
    taken = jacobian(LINES[0], sparse=True)

    with pytest.raises(WrongArgument) as refused:
        taken(x6)

    assert refused.value.reason == (
        "`jacobian(..., sparse=True)` returns a sparse matrix of SciPy, which is not installed"
    )
    assert refused.value.remedy == 'Install it: `pip install "diffcompile[scipy]"`.'


def test_importing_and_asking_imports_no_scipy() -> None:
    program = (
        "import sys, numpy as np\n"
        "from diffcompile import jacobian, hessian\n"
        "J = jacobian(lambda x: x, sparse=True)\n"
        "print([m for m in sys.modules if m.startswith('scipy')])\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
