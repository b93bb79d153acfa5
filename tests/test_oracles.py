"""The oracles, and that the zoo is fit to be compared with them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from kernels import KERNELS, REFUSED, REFUSED_TWICE
from oracles import (
    arrays,
    assert_agrees,
    assert_close,
    assert_like,
    converged,
    flatten,
    leaves,
    numeric_gradient,
    same,
    select,
    silenced,
    tree_map,
    unflatten,
    widen,
)
from programs import PROGRAMS, Program


@dataclass
class Line:
    slope: float
    degree: int


TREE: dict[str, Any] = {
    "w": np.array([[1.0, 2.0]]),
    "b": (3.0, [np.float64(4.0), "name", 5]),
    "line": Line(6.0, 1),
    "point": np.array(7.0),
}


def test_flatten_orders_the_leaves_and_unflatten_puts_them_back() -> None:
    assert flatten(TREE).tolist() == [1.0, 2.0, 3.0, 4.0, 6.0, 7.0]
    assert same(unflatten(TREE, flatten(TREE)), TREE)


def test_map_leaves_what_is_not_a_float_alone() -> None:
    doubled = tree_map(lambda x: 2 * x, TREE)

    assert doubled["b"] == (6.0, [8.0, "name", 5])
    assert doubled["line"] == Line(12.0, 1)
    assert len(leaves(TREE)) == 5


def test_widen_copies() -> None:
    x = np.ones(2, np.float32)
    wide = widen(x)

    assert wide.dtype == np.float64
    assert not np.shares_memory(wide, x)


def test_gradient_of_a_tree_has_its_structure_and_a_small_error() -> None:
    def fn(p: Any) -> float:
        return p["w"][0] ** 3 * math.exp(p["b"])

    gradient, error = numeric_gradient(fn, lambda: ({"w": (2.0,), "b": 0.5},))

    assert_close(gradient, {"w": (12 * math.exp(0.5),), "b": 8 * math.exp(0.5)}, rtol=1e-9)
    assert converged(gradient, error, 1e-9)


def test_gradient_by_several_arguments_is_a_tuple() -> None:
    gradient, _ = numeric_gradient(lambda x, n, y: x**n * y, lambda: (2.0, 3, 5.0), wrt=(0, 2))

    assert_close(gradient, (60.0, 8.0))


def test_a_function_that_writes_into_its_argument_is_differenced_from_fresh_arguments() -> None:
    def fn(x: np.ndarray) -> Any:
        x *= 2.0
        return np.sum(x**2)

    gradient, _ = numeric_gradient(fn, lambda: (np.array([1.0, 3.0]),))

    assert_close(gradient, np.array([8.0, 24.0]))


@pytest.mark.parametrize(
    "fn, x",
    [
        (lambda x: x if x > 1 else 3 * x, 1.0005),
        (lambda x: abs(x), 0.0004),
        (lambda x: math.floor(x), 0.9999),
    ],
)
def test_error_is_large_near_a_kink(fn: Any, x: float) -> None:
    gradient, error = numeric_gradient(fn, lambda: (x,))

    assert not converged(gradient, error)


def test_a_wrong_gradient_is_reported() -> None:
    gradient, error = numeric_gradient(lambda x: np.sum(x**2), lambda: (np.array([1.0, 2.0]),))
    assert_agrees(np.array([2.0, 4.0]), gradient, error)

    with pytest.raises(AssertionError, match="central differences"):
        assert_agrees(np.array([2.0, 4.00001]), gradient, error)
    with pytest.raises(AssertionError, match="central differences"):
        assert_agrees(np.array([2.0, np.nan]), gradient, error)


@pytest.mark.parametrize(
    "gradient, argument",
    [
        (np.ones(2), np.ones(3)),
        (np.ones(2), np.ones(2, np.float32)),
        (np.float64(1.0), np.array(1.0)),
        (1.0, np.float64(1.0)),
        (np.array(1.0), 1.0),
        ([1.0], (1.0,)),
        ({"b": 1.0}, {"a": 1.0}),
        (1.0, "name"),
        (None, 1.0),
    ],
)
def test_a_gradient_of_another_kind_is_reported(gradient: Any, argument: Any) -> None:
    with pytest.raises(AssertionError):
        assert_like(gradient, argument)


def test_a_gradient_like_its_argument_passes() -> None:
    assert_like(
        unflatten(TREE, flatten(TREE)) | {"b": (3.0, [np.float64(4.0), None, 0]), "line": Line(6.0, 0)}, TREE
    )
    assert_like(np.float64(1.0), 1.0)


def test_same_is_to_the_bit() -> None:
    assert same((1.0, np.array([np.nan])), (1.0, np.array([np.nan])))
    assert not same(0.0, -0.0)
    assert not same(1.0, np.float64(1.0))
    assert not same(np.ones(1), np.ones(1, np.float32))
    assert not same(np.random.default_rng(0), np.random.default_rng(1))


def test_zoo_is_large_and_its_names_are_unique() -> None:
    names = {program.name for program in (*PROGRAMS, *KERNELS)}

    assert len(PROGRAMS) >= 90 and len(KERNELS) >= 90
    assert len(names) == len(PROGRAMS) + len(KERNELS)
    assert names >= {*REFUSED, *REFUSED_TWICE}


@pytest.mark.parametrize("program", [*PROGRAMS, *KERNELS], ids=lambda program: program.name)
def test_program_is_a_real_scalar_function_with_fresh_inputs_away_from_kinks(program: Program) -> None:
    args, again = program.make_inputs(), program.make_inputs()
    assert same(args, again)
    assert not any(np.shares_memory(a, b) for a in arrays(args) for b in arrays(again))
    assert leaves(select(args, program.wrt)), "no float among the arguments to differentiate by"

    with silenced():
        value = program.fn(*args)
    assert isinstance(value, float | np.floating | np.ndarray) and np.shape(value) == ()
    assert math.isfinite(value)

    gradient, error = numeric_gradient(program.fn, program.make_inputs, program.wrt)
    assert converged(gradient, error, 1e-7)
