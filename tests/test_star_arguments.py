"""Functions of any number of arguments: each has a tangent of its own, and `argnums` names all or one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from diffcompile import (
    DiffCompileError,
    WrongArgument,
    elementwise_grad,
    grad,
    hessian,
    hvp,
    jacfwd,
    jacrev,
    jvp,
    linearize,
    value_and_grad,
    vjp,
)


def all_of_them(*z: Any) -> Any:
    return z[0] * z[1] ** 2


def first_and_more(a: Any, *z: Any, k: float = 2.0) -> Any:
    return a * z[0] * z[1] ** 2 * k / 2


def test_argnums_names_all_of_them_or_one() -> None:
    assert grad(all_of_them)(1.0, 2.0) == (4.0, 4.0)
    assert grad(all_of_them, argnums="z")(1.0, 2.0) == (4.0, 4.0)
    assert grad(all_of_them, argnums="z.1")(1.0, 2.0) == 4.0
    assert grad(first_and_more, argnums=("a", "z.0", "z.1"))(1.0, 2.0, 3.0) == (18.0, 9.0, 12.0)
    assert value_and_grad(first_and_more, argnums=(0, 1))(1.0, 2.0, 3.0) == (18.0, (18.0, (9.0, 12.0)))
    assert jacfwd(first_and_more, argnums=("a", "z.1"))(1.0, 2.0, 3.0) == (18.0, 12.0)
    assert jacrev(first_and_more, argnums=("a", "z.1"))(1.0, 2.0, 3.0) == (18.0, 12.0)


def test_tangents_are_of_the_arguments() -> None:
    assert jvp(all_of_them, (1.0, 2.0), (1.0, 1.0)) == (4.0, 8.0)
    assert jvp(first_and_more, (1.0, 2.0, 3.0), (1.0, None, 1.0)) == (18.0, 30.0)
    assert jvp(first_and_more, (1.0, 2.0, 3.0), (None, None, 1.0)) == (18.0, 12.0)
    assert jvp(first_and_more, (1.0, 2.0, 3.0), (1.0, None, None)) == (18.0, 18.0)
    assert linearize(all_of_them, 1.0, 2.0)[1](1.0, 1.0) == 8.0
    assert linearize(first_and_more, 1.0, 2.0, 3.0)[1](1.0, None, 1.0) == 30.0
    assert linearize(first_and_more, 1.0, 2.0, 3.0, argnums=(0, 1))[1](1.0, (0.0, 1.0)) == 30.0
    assert linearize(first_and_more, 1.0, 2, 3.0)[1](1.0, None, 1.0) == 30.0


def test_cotangents_are_of_the_arguments() -> None:
    assert vjp(all_of_them, 1.0, 2.0)[1](1.0) == (4.0, 4.0)
    assert vjp(first_and_more, 1.0, 2, 3.0)[1](1.0) == (18.0, None, 12.0)
    assert vjp(first_and_more, 1.0, 2.0, 3.0, argnums=("z.0", "z.1"))[1](1.0) == (9.0, 12.0)


def test_second_derivatives_by_arguments() -> None:
    assert hessian(first_and_more, argnums=("a", "z.1"))(1.0, 2.0, 3.0) == ((0.0, 12.0), (12.0, 4.0))
    assert hvp(first_and_more)(1.0, 2.0, 3.0, 1.0) == 0.0
    ones = np.ones(2)
    np.testing.assert_array_equal(elementwise_grad(lambda *z: z[0] * z[1] * 3)(ones, ones), 3 * ones)


def of_one(x: Any) -> Any:
    return grad(all_of_them)(x, x * x)[0]


def of_another(x: Any) -> Any:
    return grad(all_of_them, argnums="z.1")(x, x * x)


def of_both(x: Any) -> Any:
    a, b = grad(all_of_them, argnums=("z.0", "z.1"))(x, x * x)
    return a * b


def along(x: Any) -> Any:
    return jvp(all_of_them, (x, x * x), (1.0, 0.5))[1]


def back(x: Any) -> Any:
    return vjp(all_of_them, x, x * x)[1](1.0)[1]


@pytest.mark.parametrize("outer", [of_one, of_another, of_both, along, back])
def test_derivatives_inside_a_function_are_alike(outer: Callable[[Any], Any]) -> None:
    slope = (outer(1.5 + 1e-6) - outer(1.5 - 1e-6)) / 2e-6

    assert grad(outer)(1.5) == pytest.approx(slope, rel=1e-7)


def test_position_behind_the_parameters_is_refused() -> None:
    with pytest.raises(WrongArgument) as refused:
        grad(all_of_them, argnums=(0, 1))(1.0, 2.0)

    assert refused.value.reason == "`argnums=1`, and `all_of_them` has 1 parameters"
    assert refused.value.remedy == 'Name one of `*z`: `argnums="z.1"`.'
    with pytest.raises(DiffCompileError):
        grad(all_of_them, argnums="z.5")(1.0, 2.0)
