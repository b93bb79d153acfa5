"""Rules of the user's: they win over the source, hold for anyone's functions, and can hold for a while."""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np
import pytest

from diffcompile import (
    NoRule,
    UnsupportedSyntax,
    complex_step,
    defelementwise,
    defjvp,
    deflinear,
    defvjp,
    grad,
    jvp,
    nondifferentiable,
    numeric,
    override,
    value_and_grad,
    vjp,
)

V = np.array([0.3, 0.7, 1.1])


def squared(x):
    return x**2


def tripled(x):
    y = 2.0 * x
    return y + x


def summed(x, y):
    z = x + y
    return z


# -- a rule wins over the source ----------------------------------------------------------------------------


def test_a_declared_derivative_is_taken_in_place_of_the_source() -> None:
    def f(x):
        y = x**2
        return y

    @defvjp(f)
    def _(ct, out, x):
        return ct * 100.0

    @defjvp(f)
    def _(tangents, out, x):
        return tangents[0] * 10.0

    assert grad(lambda x: f(x))(3.0) == 100.0
    assert jvp(lambda x: f(x), (3.0,), (1.0,))[1] == 10.0


def test_elementwise_linear_and_constant_declarations_win_as_well() -> None:
    def a(x):
        return x * x

    def b(x):
        return x * 5.0

    def c(x):
        return x * 7.0

    @defelementwise(a)
    def _(out, x):
        return 2.5

    @deflinear(b)
    def _(ct, out, x):
        return ct * 0.5

    nondifferentiable(c)

    assert grad(lambda x: a(x) + b(x) + c(x))(1.0) == 3.0


def test_a_function_of_a_library_that_is_not_ours_gets_a_rule() -> None:
    opaque = operator.methodcaller("__pow__", 3)

    @defelementwise(opaque)
    def _(out, x):
        return 3.0 * x**2

    assert grad(lambda x: opaque(x))(2.0) == 12.0
    assert grad(grad(lambda x: opaque(x)))(2.0) == 12.0


def test_what_a_rule_reads_from_outside_is_what_it_is_at_the_call() -> None:
    factor = 2.0

    def f(x):
        return x * 1.0

    @defvjp(f)
    def _(ct, out, x):
        return ct * factor

    @defjvp(f)
    def _(tangents, out, x):
        return factor * tangents[0]

    uses = grad(lambda x: f(x))

    assert uses(1.0) == 2.0
    assert "factor" not in uses.source
    factor = 3.0
    assert uses(1.0) == 3.0
    assert jvp(lambda x: f(x), (1.0,), (1.0,))[1] == 3.0
    factor = 4.0
    assert vjp(lambda x: f(x), 1.0)[1](1.0) == (4.0,)


def test_a_number_that_is_a_default_of_a_rule_is_read() -> None:
    factor = 2.0

    def f(x):
        return x * 1.0

    @defelementwise(f)
    def _(out, x, factor=factor):
        return factor * 1.0

    assert grad(lambda x: f(x))(1.0) == 2.0


def test_the_rule_of_the_function_itself_is_taken() -> None:
    def f(x, *more, scale=1.0):
        y = x * 2.0
        return y

    @defvjp(f)
    def _(ct, out, x, *more, scale=1.0):
        return ct * 100.0 * scale

    assert value_and_grad(f)(3.0) == (6.0, 100.0)
    assert grad(f)(3.0, scale=2.0) == 200.0
    assert vjp(f, 3.0)[1](1.0) == (100.0,)


def test_a_rule_of_a_method_is_refused_not_passed_over() -> None:
    class Model:
        def step(self, x):
            y = x * 2.0
            return y

    @defvjp(Model.step)
    def _(ct, out, self, x):
        return None, ct

    model = Model()

    for f in (lambda x: model.step(x), lambda x: Model().step(x)):
        with pytest.raises(UnsupportedSyntax) as caught:
            grad(f)(1.0)
        said = "a derivative is declared for the method `step`, and those of methods are not taken"
        assert caught.value.reason == said
        assert caught.value.remedy == "Declare it for a function, and call that in the method."


# -- for a while --------------------------------------------------------------------------------------------


def test_an_overridden_rule_holds_inside_and_the_old_one_afterwards() -> None:
    slope = grad(lambda x: np.sin(x))
    before = slope(1.0)

    with override(np.sin):

        @defelementwise(np.sin)
        def _(out, x):
            return 5.0

        inside = slope(1.0)
        direction = jvp(lambda x: np.sin(x), (1.0,), (1.0,))[1]

    assert (inside, direction) == (5.0, 5.0)
    assert before == slope(1.0) == math.cos(1.0)


def test_afterwards_nothing_is_compiled_again() -> None:
    slope = grad(lambda x: np.cos(x))
    slope(1.0)
    program = slope._last

    with override(np.sin):
        pass
    slope(1.0)

    assert slope._last is program


def test_inside_a_function_of_the_users_is_read_unless_something_is_declared() -> None:
    def f(x):
        y = x**2
        return y

    nondifferentiable(f)
    g = grad(lambda x: f(x) + x)

    assert g(3.0) == 1.0
    with override(f):
        assert g(3.0) == 7.0
    assert g(3.0) == 1.0


def test_an_override_ends_with_an_exception_too() -> None:
    with pytest.raises(ZeroDivisionError), override(np.sin):
        nondifferentiable(np.sin)
        raise ZeroDivisionError

    assert grad(lambda x: np.sin(x))(0.0) == 1.0


def test_a_function_of_scipy_that_was_not_used_yet_has_its_rule_afterwards() -> None:
    special = pytest.importorskip("scipy.special")

    with override(special.expit):

        @defelementwise(special.expit)
        def _(out, x):
            return 9.0

        assert grad(lambda x: special.expit(x))(0.0) == 9.0
    assert grad(lambda x: special.expit(x))(0.0) == 0.25


def test_an_override_inside_an_override() -> None:
    slope = grad(lambda x: np.tanh(x))

    def declare(value: float) -> None:
        @defelementwise(np.tanh)
        def _(out, x, value=value):
            return value

    with override(np.tanh):
        declare(2.0)
        with override(np.tanh):
            declare(3.0)
            assert slope(0.0) == 3.0
        assert slope(0.0) == 2.0
    assert slope(0.0) == 1.0


# -- by evaluation ------------------------------------------------------------------------------------------


def polynomial(x, y):
    return x**3 * y + x * y**2


@pytest.mark.parametrize("by", [numeric, complex_step])
@pytest.mark.parametrize("x", [0.7, V, np.outer(V, V)])
def test_a_function_that_cannot_be_read_is_differentiated_by_evaluation(by: Any, x: Any) -> None:
    opaque = by(polynomial)
    tolerance = 1e-8 if by is numeric else 1e-14

    def f(x, y):
        return np.sum(np.sin(opaque(x, y)))

    def plain(x, y):
        return np.sum(np.sin(polynomial(x, y)))

    for k in (0, 1):
        np.testing.assert_allclose(grad(f, k)(x, 0.5), grad(plain, k)(x, 0.5), rtol=tolerance)
    moved = (x * 0.1, 0.3)
    np.testing.assert_allclose(jvp(f, (x, 0.5), moved)[1], jvp(plain, (x, 0.5), moved)[1], rtol=tolerance)
    assert f(x, 0.5) == plain(x, 0.5)


def test_evaluation_is_visible_in_the_code() -> None:
    opaque = numeric(polynomial, step=1e-5)
    derivative = grad(lambda x: opaque(x, 2.0))
    derivative(1.0)

    assert "cotangent_by_differences(polynomial, (x, 2.0), 0, " in derivative.source
    assert "1e-05" in derivative.source


def test_evaluation_asked_for_inside_a_function() -> None:
    assert grad(lambda x: numeric(polynomial)(x, 2.0))(1.0) == pytest.approx(10.0)


def test_a_derivative_by_evaluation_is_not_differentiated_again() -> None:
    opaque = numeric(polynomial)

    with pytest.raises(NoRule) as caught:
        grad(grad(lambda x: opaque(x, 2.0)))(1.0)

    assert caught.value.reason.endswith("a derivative by evaluation is not differentiated again")


def test_a_function_by_evaluation_is_the_function() -> None:
    opaque = numeric(polynomial)

    assert opaque.__name__ == "polynomial"
    assert opaque(2.0, 1.0) == 10.0
    assert vjp(lambda x: opaque(x, 1.0), 2.0)[0] == 10.0


def test_the_sign_passes_on_what_it_is_told_to() -> None:
    slope = grad(lambda x: np.sign(x) * 3.0)

    assert slope(2.0) == 0.0
    with override(np.sign):

        @defelementwise(np.sign)
        def _(out, x):
            return 1.0

        assert slope(2.0) == 3.0
        assert grad(lambda x: np.sum(np.sign(x)))(np.ones(2)).tolist() == [1.0, 1.0]
    assert slope(2.0) == 0.0
