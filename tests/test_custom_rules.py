"""Rules of the user's: they win over the source, hold for anyone's functions, and can hold for a while."""

from __future__ import annotations

import dataclasses
import functools
import math
import operator
from typing import Any, NamedTuple

import numpy as np
import pytest

from diffcompile import (
    NoRule,
    UnsupportedSyntax,
    check_rule,
    complex_step,
    defelementwise,
    defjvp,
    deflinear,
    defvjp,
    grad,
    hessian,
    hvp,
    jacfwd,
    jacrev,
    jvp,
    linearize,
    nondifferentiable,
    numeric,
    override,
    value_and_grad,
    vjp,
    vmap,
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


def test_a_rule_that_returns_a_dict_gives_the_cotangents_of_the_entries() -> None:
    def weighed(p, x):
        y = p["w"] * x + p["b"]
        return y

    @defvjp(weighed)
    def _(ct, out, p, x):
        return {"w": ct * x * 10.0, "b": None}, ct * p["w"]

    @defjvp(weighed)
    def _(tangents, out, p, x):
        moved = tangents[0]
        return moved["w"] * x * 10.0

    assert grad(weighed)({"w": 2.0, "b": 1.0}, 3.0) == {"w": 30.0, "b": 0.0}
    assert grad(lambda w: weighed({"w": w, "b": 1.0}, 3.0))(2.0) == 30.0
    assert jvp(lambda w: weighed({"w": w, "b": 1.0}, 3.0), (2.0,), (1.0,))[1] == 30.0


def test_a_function_declared_linear_in_its_first_argument_is_refused_with_respect_to_the_second() -> None:
    def applied(x, a):
        y = a @ x
        return y

    @deflinear(applied)
    def _(ct, out, x, a):
        return a.T @ ct

    def total(x, a):
        return np.sum(applied(x, a))

    a = np.outer(V, V)
    for call in (lambda: grad(total, 1)(V, a), lambda: jvp(lambda a: total(V, a), (a,), (a,))):
        with pytest.raises(NoRule) as caught:
            call()
        assert caught.value.reason.endswith("applied` with respect to `a`")
    np.testing.assert_allclose(grad(total)(V, a), a.T @ np.ones(3))


# -- rules of methods ---------------------------------------------------------------------------------------


class Model:
    def __init__(self, w, b=0.5):
        self.w = w
        self.b = b
        self.activation = np.tanh

    def energy(self, x):
        y = self.w * x**2
        return y + self.b

    def applied(self, x):
        y = self.w * x
        return y

    def bent(self, x):
        y = self.activation(x) * self.w
        return y

    def rank(self, x):
        y = 3.0 * x
        return y

    @staticmethod
    def scaled(x):
        y = 2.0 * x
        return y

    @classmethod
    def shifted(cls, x):
        y = x + 1.0
        return y

    @property
    def weight(self):
        y = self.w * 1.0
        return y

    def __call__(self, x):
        y = self.w * x
        return y

    def __add__(self, x):
        y = self.w + x
        return y


class Derived(Model):
    pass


class Overriding(Model):
    def energy(self, x):
        below = super().energy(x)
        return 2.0 * below


# Each is off by a factor of its own, so that it is seen which was taken.
@defvjp(Model.energy)
def _(ct, out, self, x):
    return {"w": ct * x**2 * 10.0, "b": None}, ct * 2.0 * self.w * x * 10.0


@defjvp(Model.energy)
def _(tangents, out, self, x):
    moved, x_dot = tangents
    total = 0.0 * out
    if moved is not None:
        if moved["w"] is not None:
            total = total + moved["w"] * x**2 * 10.0
    if x_dot is not None:
        total = total + x_dot * 2.0 * self.w * x * 10.0
    return total


@deflinear(Model.applied)
def _(ct, out, self, x):
    return ct * self.w * 7.0


@defelementwise(Model.bent)
def _(out, self, x):
    return {"w": self.activation(x), "b": 0.0}, 5.0 * self.w


nondifferentiable(Model.rank)


@defelementwise(Model.scaled, Model.shifted)
def _(out, x):
    return 11.0


@defvjp(Model.weight.fget)
def _(ct, out, self):
    return {"w": ct * 12.0, "b": None}


@defvjp(Model.__call__)
def _(ct, out, self, x):
    return None, ct * 13.0


@defvjp(Model.__add__)
def _(ct, out, self, x):
    return {"w": ct * 14.0, "b": None}, ct * 15.0


def energy_of(model, x):
    return model.energy(x)


@pytest.mark.parametrize(
    ("f", "expected"),
    [
        (lambda model, x: model.energy(x), 120.0),
        (lambda model, x: Model.energy(model, x), 120.0),
        (lambda model, x: Derived(model.w).energy(x), 120.0),
        (lambda model, x: Overriding(model.w).energy(x), 240.0),
        (lambda model, x: model.bent(x), 15.0),
        (lambda model, x: model.applied(x), 21.0),
        (lambda model, x: model.rank(x) * x, 6.0),
        (lambda model, x: model.scaled(x) + Model.scaled(x), 22.0),
        (lambda model, x: model.shifted(x) + Model.shifted(x), 22.0),
        (lambda model, x: model(x), 13.0),
        (lambda model, x: model + x, 15.0),
        (lambda model, x: energy_of(model, x), 120.0),
        (lambda model, x: functools.partial(model.energy)(x), 120.0),
        (lambda model, x: sum(f(x) for f in (model.energy, Model(1.0).energy)), 160.0),
    ],
)
def test_a_rule_of_a_method_is_taken_however_it_is_called(f: Any, expected: float) -> None:
    assert grad(f, argnums="x")(Model(3.0), 2.0) == expected


def test_a_rule_of_a_method_holds_for_the_method_itself() -> None:
    model = Model(3.0)

    assert grad(model.energy)(2.0) == grad(Derived(3.0).energy)(2.0) == 120.0
    assert grad(Model.energy, argnums="x")(model, 2.0) == 120.0
    assert grad(Model.energy, argnums="self.w")(model, 2.0) == 40.0
    assert grad(model)(2.0) == 13.0
    assert grad(Model.shifted)(2.0) == 11.0
    assert grad(functools.partial(Model.energy, model))(2.0) == 120.0
    assert value_and_grad(model.energy)(2.0) == (12.5, 120.0)


def test_what_flows_to_the_attributes_of_an_object_is_what_the_rule_says() -> None:
    model = Model(3.0)

    assert grad(lambda model: model.energy(2.0), argnums="model.w")(model) == 40.0
    assert grad(lambda model: model.energy(2.0), argnums="model.b")(model) == 0.0
    assert grad(lambda model: model.bent(2.0), argnums="model.w")(model) == np.tanh(2.0)
    assert grad(lambda w: Model(w).energy(2.0))(3.0) == 40.0
    assert grad(lambda w: Model(w).weight)(3.0) == 12.0
    assert grad(lambda w: Model(w) + 2.0)(3.0) == 14.0
    assert jvp(lambda w, x: Model(w).energy(x), (3.0, 2.0), (1.0, 1.0))[1] == 160.0
    assert jvp(lambda w, x: Model(w).bent(x), (3.0, 2.0), (1.0, 1.0))[1] == np.tanh(2.0) + 15.0


def test_a_rule_of_a_method_holds_in_each_mode() -> None:
    model = Model(3.0)
    slopes = np.diag(60.0 * V)

    def f(x):
        return model.energy(x)

    assert grad(grad(lambda x: model.energy(x)))(2.0) == 60.0
    assert grad(grad(lambda w: Model(w).energy(w)))(3.0) == 10.0 * 2.0 * 3.0 + 10.0 * 4.0 * 3.0
    assert jvp(f, (2.0,), (1.0,))[1] == linearize(f, 2.0)[1](1.0) == 120.0
    assert hvp(lambda x: model.energy(x))(2.0, 1.0) == 60.0
    for made in (jacrev, jacfwd):
        np.testing.assert_allclose(made(f)(V), slopes)
    np.testing.assert_allclose(hessian(lambda x: np.sum(model.energy(x)))(V), 60.0 * np.eye(3))
    np.testing.assert_allclose(vmap(grad(f))(V), 60.0 * V)
    np.testing.assert_allclose(vmap(grad(lambda w: Model(w).energy(2.0)))(V), 40.0 * np.ones(3))
    rows = vmap(grad(lambda model, x: model.energy(x) ** 2, argnums="model.w"), in_axes=(None, 0))(model, V)
    np.testing.assert_allclose(rows, 2.0 * (3.0 * V**2 + 0.5) * 10.0 * V**2)
    assert isinstance(rows, np.ndarray)


def test_objects_in_lists_and_loops_and_branches_are_told_by_the_rule() -> None:
    def grown(w, n):
        models = []
        for i in range(n):
            models.append(Model(w * (i + 1.0)))
        total = 0.0
        for model in models:
            total = total + model.energy(2.0)
        return total

    def either(w, flag):
        if flag:
            model = Model(w)
        else:
            model = Model(2.0 * w)
        return model.energy(2.0)

    assert grad(grown)(3.0, 3) == 40.0 * 6.0
    assert jvp(lambda w: grown(w, 3), (3.0,), (1.0,))[1] == 40.0 * 6.0
    assert grad(either)(3.0, True) == 40.0
    assert grad(either)(3.0, False) == 80.0


def test_a_call_of_a_method_with_a_rule_reads_as_the_user_wrote_it() -> None:
    slope = grad(lambda model, x: model.energy(x) ** 2, argnums=("model.w", "x"))
    slope(Model(3.0), 2.0)

    assert "energy_out = model.energy(x)" in slope.source
    assert "Model" not in slope.source
    assert "activation" not in slope.source


def test_an_object_that_was_written_is_called_with_what_it_holds_then() -> None:
    class Layer:
        def __init__(self, a):
            self.a = a

    class Net:
        def __init__(self, a):
            self.layer = Layer(a)
            self.scales = [1.0, {"b": 2.0}]
            self.name = "net"

        def out(self, x):
            y = self.layer.a @ x * self.scales[0]
            return y + self.scales[1]["b"]

    @defvjp(Net.out)
    def _(ct, out, self, x):
        a, scale = self.layer.a, self.scales[0]
        scales = [np.sum(ct * (a @ x)), {"b": np.sum(ct)}]
        return {"layer": {"a": scale * np.outer(ct, x)}, "scales": scales}, scale * (a.T @ ct)

    def written(net, x):
        net.layer.a[0, 0] = 5.0 * x[0]
        net.name = "other"
        return np.sum(net.out(x) ** 2)

    def plain(a, x):
        a = a.copy()
        a[0, 0] = 5.0 * x[0]
        return np.sum((a @ x + 2.0) ** 2)

    def made(a, b, x):
        net = Net(a)
        net.scales = [b, {"b": b}]
        return np.sum(net.out(x) ** 2)

    a = np.outer(V, V + 1.0)

    np.testing.assert_allclose(grad(written, argnums="x")(Net(a.copy()), V), grad(plain, 1)(a, V))
    expected = grad(lambda a, b, x: np.sum((a @ x * b + b) ** 2), (0, 1, 2))(a, 0.7, V)
    for found, right in zip(grad(made, (0, 1, 2))(a, 0.7, V), expected, strict=True):
        np.testing.assert_allclose(found, right)
    found = grad(lambda net, x: np.sum(net.out(x)), argnums="net.scales")(Net(a), V)
    assert found == [pytest.approx(np.sum(a @ V)), {"b": 3.0}]


def test_classes_of_each_kind_have_rules_of_their_methods() -> None:
    @dataclasses.dataclass(frozen=True)
    class Frozen:
        w: float

        def f(self, x):
            y = self.w * x
            return y

    class Named(NamedTuple):
        w: float

        def f(self, x):
            y = self.w * x
            return y

    class Slotted:
        __slots__ = ("w",)

        def __init__(self, w):
            self.w = w

        def f(self, x):
            y = self.w * x
            return y

    @defvjp(Frozen.f)
    def _(ct, out, self, x):
        return Frozen(ct * x * 10.0), ct * self.w * 20.0

    @defvjp(Named.f, Slotted.f)
    def _(ct, out, self, x):
        return {"w": ct * x * 10.0}, ct * self.w * 20.0

    assert grad(lambda m, x: m.f(x), (0, 1))(Frozen(2.0), 3.0) == (Frozen(30.0), 40.0)
    assert grad(lambda m, x: m.f(x), (0, 1))(Named(2.0), 3.0) == (Named(30.0), 40.0)
    assert grad(lambda m, x: m.f(x), ("m.w", 1))(Slotted(2.0), 3.0) == (30.0, 40.0)


def test_a_function_that_is_given_an_object_has_a_rule_of_the_same_form() -> None:
    def bare(model, x):
        y = model.w * x
        return y

    @defvjp(bare)
    def _(ct, out, model, x):
        return {"w": ct * x * 10.0, "b": None}, ct * model.w * 20.0

    assert grad(lambda m, x: bare(m, x), ("m.w", 1))(Model(2.0), 3.0) == (30.0, 40.0)
    assert grad(bare, argnums="model.w")(Model(2.0), 3.0) == 30.0


def test_a_rule_of_the_method_of_one_object_holds_for_that_object_alone() -> None:
    class Own:
        def __init__(self, w):
            self.w = w

        def f(self, x):
            y = self.w * x
            return y

    mine, other = Own(2.0), Own(2.0)

    @defelementwise(mine.f)
    def _(out, x):
        return 100.0

    assert grad(lambda x: mine.f(x))(3.0) == grad(mine.f)(3.0) == 100.0
    assert grad(lambda own, x: own.f(x), argnums="x")(mine, 3.0) == 100.0
    assert jvp(mine.f, (3.0,), (1.0,))[1] == 100.0
    assert grad(lambda x: other.f(x))(3.0) == 2.0
    with pytest.raises(NoRule) as caught:
        grad(lambda own: own.f(3.0), argnums="own.w")(mine)
    assert caught.value.reason == "the rule of `Own.f` gives no derivative with respect to `own`"
    with override(mine.f):
        assert grad(lambda x: mine.f(x))(3.0) == 2.0


def test_an_overridden_rule_of_a_method() -> None:
    slope = grad(lambda model, x: model.energy(x), argnums="x")
    model = Model(3.0)

    assert slope(model, 2.0) == 120.0
    with override(Model.energy):
        assert slope(model, 2.0) == 12.0
        assert jvp(model.energy, (2.0,), (1.0,))[1] == 12.0
    assert slope(model, 2.0) == 120.0


def test_what_a_rule_of_a_method_does_not_say_is_refused() -> None:
    model = Model(3.0)

    def reason(f: Any, **options: Any) -> Any:
        with pytest.raises(NoRule) as caught:
            grad(f, **options)(model)
        assert caught.value.remedy == (
            'Return one for each attribute of an object, `{"w": ...}`, and None where nothing flows.'
        )
        return caught.value.reason

    said = "the rule of `Model.%s` gives no derivative with respect to `m`"
    assert reason(lambda m: m(2.0), argnums="m.w") == said % "__call__"
    assert reason(lambda m: m.applied(2.0), argnums="m.w") == said % "applied"
    with pytest.raises(NoRule, match="of `Model.applied` gives no derivative with respect to `model`"):
        jvp(lambda w: Model(w).applied(2.0), (1.0,), (1.0,))


def test_a_rule_names_the_attributes_that_there_are() -> None:
    class Wrong:
        def __init__(self, w):
            self.w = w

        def f(self, x):
            y = self.w * x
            return y

        def g(self, x):
            y = self.w * x
            return y

    @defvjp(Wrong.f)
    def _(ct, out, self, x):
        return {"w": ct, "v": ct}, ct

    @defvjp(Wrong.g)
    def _(ct, out, self, x):
        return {}, ct

    with pytest.raises(NoRule) as caught:
        grad(lambda m: m.f(2.0), argnums="m.w")(Wrong(1.0))
    assert caught.value.reason == (
        "the rule of `Wrong.f` gives a derivative with respect to `m.v`, which is no attribute"
    )
    assert caught.value.remedy == "Name one of `w`."
    with pytest.raises(NoRule) as caught:
        grad(lambda m: m.g(2.0), argnums="m.w")(Wrong(1.0))
    assert caught.value.reason == "the rule of `Wrong.g` gives no derivative with respect to `m.w`"


def test_a_method_that_changes_its_object_is_not_called_without_being_read() -> None:
    class Counting:
        def __init__(self, w):
            self.w = w

        def f(self, x):
            self.w = self.w + 1.0
            return self.w * x

    @defvjp(Counting.f)
    def _(ct, out, self, x):
        return {"w": ct * x}, ct * self.w

    with pytest.raises(UnsupportedSyntax) as caught:
        grad(lambda m, x: m.f(x) + m.w, argnums="x")(Counting(1.0), 2.0)

    assert caught.value.reason == (
        "`f` changes its object, and is not read: a derivative is declared of it"
    )
    assert caught.value.remedy == (
        "Declare it of what gives the value, and change the object outside of that."
    )


def test_a_classmethod_of_a_derived_class_asks_for_a_rule_of_its_own() -> None:
    with pytest.raises(UnsupportedSyntax) as caught:
        grad(lambda x: Derived.shifted(x))(1.0)

    assert caught.value.reason == (
        "a derivative is declared for `Model.shifted`, and this is `Derived.shifted`"
    )
    assert caught.value.remedy == "Declare it for `Derived.shifted` too."


def test_an_object_that_holds_itself_or_lost_an_attribute_is_refused() -> None:
    model = Model(3.0)
    model.me = model

    def lost(model, x):
        del model.b
        return model.energy(x)

    with pytest.raises(UnsupportedSyntax) as caught:
        grad(lambda x: model.energy(x))(1.0)
    assert caught.value.reason == (
        "an object of class `Model` holds itself, and is given to what has a rule"
    )
    assert caught.value.remedy == "Hand on what is read of it."
    with pytest.raises(UnsupportedSyntax) as caught:
        grad(lost, argnums="x")(Model(3.0), 1.0)
    assert caught.value.reason == (
        "an object of class `Model` without its `b` is given to what has a rule"
    )


def test_check_rule_looks_at_what_flows_to_the_attributes_of_an_object() -> None:
    class Right:
        def __init__(self, w):
            self.w = w

        def f(self, x):
            y = self.w * x**2
            return y

    class Off(Right):
        def f(self, x):
            y = self.w * x**2
            return y

    @defvjp(Right.f)
    def _(ct, out, self, x):
        return {"w": ct * x**2}, ct * 2.0 * self.w * x

    @defvjp(Off.f)
    def _(ct, out, self, x):
        return {"w": ct * x}, ct * 2.0 * self.w * x

    check_rule(Right.f, [(Right(2.0), 3.0), (Right(V), V)])
    with pytest.raises(AssertionError, match="the derivative of `f` with respect to `self.w` is off"):
        check_rule(Off.f, [(Off(2.0), 3.0)])


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
