"""Value and gradient of every program of both zoos, against plain Python and central differences."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from diffcompile import grad, value_and_grad, vjp
from kernels import KERNELS, REFUSED, REFUSED_TWICE, Refusal
from oracles import (
    STEP,
    arrays,
    assert_agrees,
    assert_like,
    flatten,
    leaves,
    numeric_gradient,
    same,
    select,
    silenced,
    tree_map,
    unflatten,
)
from programs import PROGRAMS, Program


def each(programs: list[Program], refused: dict[str, str] = REFUSED) -> list[Any]:
    """The programs as parameters; a refused one must stop with an error, never give a wrong number."""
    return [
        pytest.param(
            program,
            id=program.name,
            marks=pytest.mark.xfail(strict=True, raises=Refusal, reason=refused[program.name])
            if program.name in refused
            else [],
        )
        for program in programs
    ]


EVERY = [*PROGRAMS, *KERNELS]
zoo = pytest.mark.parametrize("program", each(EVERY))


@functools.cache
def derivative(program: Program) -> Callable[..., Any]:
    """The compiled value and gradient, one object for all tests of a program."""
    return value_and_grad(program.fn, argnums=program.wrt)


def is_single(tree: Any) -> bool:
    """Is any leaf in single precision?"""
    return any(getattr(leaf, "dtype", None) == np.float32 for leaf in leaves(tree))


@zoo
def test_value_is_that_of_the_function_bit_for_bit(program: Program) -> None:
    with silenced():
        expected = program.fn(*program.make_inputs())
        value, _ = derivative(program)(*program.make_inputs())

    assert same(value, expected), f"{value!r} where the function gives {expected!r}"


@pytest.mark.parametrize("step", [STEP, STEP / 4])
@zoo
def test_gradient_agrees_with_central_differences(program: Program, step: float) -> None:
    args = program.make_inputs()
    with silenced():
        _, gradient = derivative(program)(*args)
    expected, error = numeric_gradient(program.fn, program.make_inputs, program.wrt, step=step)

    assert_agrees(gradient, expected, error, tolerance=1e-5 if is_single(args) else 1e-8)


@zoo
def test_gradient_alone_is_the_gradient(program: Program) -> None:
    with silenced():
        gradient = grad(program.fn, argnums=program.wrt)(*program.make_inputs())
        _, expected = derivative(program)(*program.make_inputs())

    np.testing.assert_allclose(flatten(gradient), flatten(expected), rtol=1e-12)


@zoo
def test_gradient_has_the_structure_of_the_argument(program: Program) -> None:
    with silenced():
        _, gradient = derivative(program)(*program.make_inputs())

    assert_like(gradient, select(program.make_inputs(), program.wrt))


@zoo
def test_arguments_end_as_after_a_plain_call(program: Program) -> None:
    plain, args = program.make_inputs(), program.make_inputs()
    with silenced():
        program.fn(*plain)
        derivative(program)(*args)

    assert same(args, plain)


@zoo
def test_gradients_are_writable_and_share_no_memory(program: Program) -> None:
    args = program.make_inputs()
    with silenced():
        _, gradient = derivative(program)(*args)
    found = arrays(gradient)

    assert all(g.flags.writeable for g in found)
    assert not any(np.shares_memory(g, a) for g in found for a in arrays(args))
    assert not any(np.shares_memory(g, h) for i, g in enumerate(found) for h in found[:i])


@zoo
def test_prints_happen_once_and_in_order(program: Program) -> None:
    with silenced() as expected:
        program.fn(*program.make_inputs())
    with silenced() as printed:
        derivative(program)(*program.make_inputs())

    assert printed.getvalue() == expected.getvalue()


@zoo
def test_second_call_gives_the_same_numbers(program: Program) -> None:
    with silenced():
        first = derivative(program)(*program.make_inputs())
        second = derivative(program)(*program.make_inputs())

    assert same(first, second)


def direction_like(tree: Any) -> Any:
    """A fixed direction, shaped and typed like the floats of `tree`; what is no float stays as it is."""
    return unflatten(tree, np.cos(1.0 + np.arange(flatten(tree).size)))


smooth = each([p for p in EVERY if p.order2], REFUSED | REFUSED_TWICE)


@pytest.mark.parametrize("program", smooth)
def test_second_derivative_agrees_with_differences_of_the_gradient(program: Program) -> None:
    """A pullback of the gradient along v is the Hessian times v, as the Hessian is symmetric."""
    position = program.wrt[0] if isinstance(program.wrt, tuple) else program.wrt
    first = grad(program.fn, argnums=position)
    args = program.make_inputs()
    point, v = program.make_inputs()[position], direction_like(args[position])

    def gradient_at(t: float) -> np.ndarray:
        moved = list(program.make_inputs())
        moved[position] = tree_map(lambda x, d: x + t * d, point, v)
        with silenced():
            return flatten(first(*moved))

    with silenced():
        _, pullback = vjp(first, *args)
        product = pullback(v)[position]
    h = 2e-4
    coarse = (gradient_at(h) - gradient_at(-h)) / (2 * h)
    fine = (gradient_at(h / 2) - gradient_at(-h / 2)) / h
    expected = (4 * fine - coarse) / 3
    scale = 1 + np.max(np.abs(expected), initial=0.0) + np.max(np.abs(gradient_at(0.0)), initial=0.0)

    assert np.all(np.abs(flatten(product) - expected) <= 1e-6 * scale)


def scaled_sum(x, c):
    return np.sum(c * x)


def row_of_sums(x, c):
    e = np.zeros((2, 2))
    e[0] = np.sum(c * x), np.sum(x * x)
    return np.sum(e**2)


@pytest.mark.parametrize(
    "fn, c",
    [(scaled_sum, 0.5), (row_of_sums, np.full(3, 0.5, np.float32))],
)
def test_gradient_of_a_single_precision_program_has_the_kinds_of_its_arguments(fn: Any, c: Any) -> None:
    args = np.arange(3, dtype=np.float32), c
    _, gradient = value_and_grad(fn, argnums=(0, 1))(*args)

    assert_like(gradient, args)


@pytest.mark.parametrize("name", ["sum", "prod", "max", "min", "cumsum", "nansum", "nanmean", "ptp"])
@pytest.mark.parametrize("axis", [0, -1])
def test_an_array_without_axes_is_reduced_along_its_first_or_last(name: str, axis: int) -> None:
    reduce = getattr(np, name)
    gradient = grad(lambda x: np.sum(reduce(x, axis=axis) * 2.0))(np.array(0.7))

    assert gradient.shape == ()
    assert gradient == (0.0 if name == "ptp" else 2.0)
