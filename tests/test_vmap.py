"""`vmap`: the function of many rows gives what the function gives for each of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from diffcompile import DiffCompileError, NoRule, WrongArgument, grad, vmap
from graphs import written
from kernels import REFUSED
from oracles import leaves, silenced
from test_forward import moving
from test_jacobian import FUNCTIONS
from test_numeric import EVERY

RNG = np.random.default_rng(12)
x53, k5 = RNG.normal(size=(5, 3)), RNG.normal(size=5)
a532 = RNG.normal(size=(5, 3, 2))

# Programs that change what is the caller's, and cannot be taken for all rows at once.
IN_TURN_ONLY = {"n_body"}


def rows_of(value: np.ndarray, count: int) -> np.ndarray:
    """Rows that are like this one."""
    scales = 1.0 + 0.01 * np.arange(count)
    return value * scales.reshape(-1, *[1] * value.ndim).astype(value.dtype)


def stacked(results: list[Any]) -> Any:
    first = results[0]
    if isinstance(first, dict):
        return {key: stacked([r[key] for r in results]) for key in first}
    if isinstance(first, (tuple, list)):
        return type(first)(stacked([r[k] for r in results]) for k in range(len(first)))
    return np.stack([np.asarray(r) for r in results])


def assert_same(found: Any, expected: Any) -> None:
    if isinstance(expected, dict):
        assert list(found) == list(expected)
        for key, item in expected.items():
            assert_same(found[key], item)
    elif isinstance(expected, (tuple, list)):
        assert len(found) == len(expected)
        for one, other in zip(found, expected, strict=True):
            assert_same(one, other)
    else:
        np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("k", range(len(FUNCTIONS)))
def test_many_rows_give_what_each_gives(k: int, count: int) -> None:
    f, x = FUNCTIONS[k]
    rows = rows_of(x, count)

    assert_same(vmap(f)(rows), stacked([f(row) for row in rows]))


@pytest.mark.parametrize(
    "program", [p for p in EVERY if p.name not in {*REFUSED, *IN_TURN_ONLY}], ids=lambda p: p.name
)
def test_programs_of_the_zoo_for_rows_of_their_arrays(program: Any) -> None:
    args = program.make_inputs()
    places = [k for k in moving(program) if isinstance(args[k], np.ndarray) and args[k].ndim]
    if not places or any(leaf.dtype == np.float32 for leaf in leaves(args) if isinstance(leaf, np.ndarray)):
        return
    axes = tuple(0 if k in places else None for k in range(len(args)))
    rows = [rows_of(a, 2) if k in places else a for k, a in enumerate(args)]
    alone = []
    with silenced():
        for n in range(2):
            again = list(program.make_inputs())
            for k in places:
                again[k] = rows[k][n].copy()
            alone.append(program.fn(*again))
        try:
            found = vmap(program.fn, in_axes=axes)(*rows)
        except DiffCompileError as error:
            assert "and this would happen each time" in str(error), error
            return

    np.testing.assert_allclose(found, alone, rtol=1e-9, atol=1e-9)


def test_gradients_of_each_sample() -> None:
    def loss(w, x, y):
        return (np.tanh(x @ w) - y) ** 2

    w = np.ones(3)
    found = vmap(grad(loss), in_axes=(None, 0, 0))(w, x53, k5)

    np.testing.assert_allclose(found, np.stack([grad(loss)(w, x, y) for x, y in zip(x53, k5, strict=True)]))


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_rows_may_lie_along_another_axis(axis: int) -> None:
    def f(x, a):
        return np.sin(x) @ a

    found = vmap(f, in_axes=(axis, 0))(np.moveaxis(x53, 0, axis), a532)

    np.testing.assert_allclose(found, np.stack([f(x, a) for x, a in zip(x53, a532, strict=True)]))


def test_results_may_have_the_rows_along_another_axis() -> None:
    found = vmap(lambda x: np.outer(x, x), out_axes=1)(x53)

    np.testing.assert_allclose(found, np.stack([np.outer(x, x) for x in x53], axis=1))


def test_containers_have_rows_in_all_their_arrays() -> None:
    def f(p, n):
        return {"y": p["w"] * p["b"][0], "z": (p["w"].sum(), n)}

    found = vmap(f)({"w": x53, "b": [k5, a532]}, 3)

    assert_same(found, stacked([f({"w": x, "b": [k]}, 3) for x, k in zip(x53, k5, strict=True)]))


def test_a_test_that_differs_from_row_to_row() -> None:
    f = written("""
    def f(x):
        if x[0] > 0:
            return np.sum(x) * 2.0
        return np.prod(x)
    """)

    np.testing.assert_allclose(vmap(f)(x53), [f(x) for x in x53])


def test_a_number_of_turns_that_differs_from_row_to_row() -> None:
    f = written("""
    def f(x):
        n = 0
        while x > 1.0:
            x = x * 0.5
            n = n + 1
        return x, n
    """)
    x = np.array([0.5, 3.0, 9.0])

    assert_same(vmap(f)(x), stacked([f(v) for v in x]))


def test_what_depends_on_no_row_happens_once(capsys: pytest.CaptureFixture[str]) -> None:
    def f(x, k):
        print("seen", k)
        return x * k

    np.testing.assert_allclose(vmap(f, in_axes=(0, None))(x53, 2.0), 2.0 * x53)
    assert capsys.readouterr().out == "seen 2.0\n"


def test_a_write_into_what_all_rows_share_is_refused() -> None:
    f = written("""
    def f(x, log):
        log[0] = x[0]
        return np.sum(x)
    """)

    with pytest.raises(NoRule) as caught:
        vmap(f, in_axes=(0, None))(x53, np.zeros(1))

    assert caught.value.reason == "the rows are taken one after the other, and this would happen each time"


def test_a_write_into_a_row_is_seen_by_the_caller() -> None:
    f = written("""
    def f(x):
        x[0] = 7.0
        return np.sum(x)
    """)
    x = x53.copy()

    np.testing.assert_allclose(vmap(f)(x), 7.0 + x53[:, 1:].sum(axis=1))
    np.testing.assert_array_equal(x[:, 0], np.full(5, 7.0))


@pytest.mark.parametrize(
    ("axes", "args", "message"),
    [
        (0, (x53, k5[:4]), "`vmap` needs one number of rows: `x` has 5, `y` has 4"),
        (0, (1.0, 2.0), "`vmap` needs one number of rows: no argument has any"),
        ((0,), (x53, 2.0), "`in_axes` has 1 entries, and `<lambda>` takes 2 arguments"),
        ((2, None), (x53, 2.0), "`x` has 2 axes, and is mapped along axis 2"),
        (0, (np.zeros((0, 3)), 2.0), "`vmap` needs at least one row"),
    ],
)
def test_arguments_without_rows_are_refused(axes: Any, args: Any, message: str) -> None:
    with pytest.raises(WrongArgument) as caught:
        vmap(lambda x, y: x * y, in_axes=axes)(*args)

    assert str(caught.value).startswith(message)


def test_the_generated_code_works_on_all_rows() -> None:
    derivative = vmap(written("def f(x, k):\n    return np.sum(np.sin(x)) * k"), in_axes=(0, None))
    derivative(x53, 2.0)

    assert derivative.source.splitlines()[-1].strip() == "return np.sum(np.sin(x), axis=1) * k"


def test_single_precision_stays_where_a_loop_begins_with_a_number() -> None:
    def f(x):
        total = 0.0
        for i in range(3):
            total += x[i] * x[i]
        return total * x

    x = x53.astype(np.float32)

    found = vmap(f)(x)
    assert found.dtype == f(x[0]).dtype == np.float32
    np.testing.assert_allclose(found, np.stack([f(row) for row in x]), rtol=1e-6)


def test_a_read_that_fails_is_noticed_though_nothing_needs_it() -> None:
    def f(x):
        x[5]
        return x * 2.0

    with pytest.raises(IndexError):
        vmap(f)(x53)


def scaled(kind, x, y):
    return x * y if kind == "product" else x


def test_rows_are_found_behind_an_argument_that_is_folded_into_the_program() -> None:
    found = vmap(scaled, in_axes=(None, 0, None))("product", np.array([1.0, 2.0]), 3.0)

    np.testing.assert_array_equal(found, [3.0, 6.0])
