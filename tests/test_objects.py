"""Objects: methods, properties, operators, state. Values and side effects as in plain Python."""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest

from diffcompile import (
    DiffCompileError,
    UndecidedAlias,
    UnsupportedSyntax,
    WrongArgument,
    grad,
    jacfwd,
    jacrev,
    register_container,
    value_and_grad,
    vjp,
)
from oracles import assert_agrees, assert_like, numeric_gradient, same

X = np.array([0.5, -1.0, 2.0])


class Unit:
    """A tanh unit with state; nothing in it is a dataclass."""

    gain = 2.0

    def __init__(self, w, b):
        self.w = w
        self.b = b
        self.calls = 0
        self.log = []

    def __call__(self, x):
        self.calls += 1
        return np.sum(np.tanh(self.w * x + self.b)) * self.gain

    def step(self, x):
        self.w = self.w + x
        self.b *= 2.0
        self.log.append(self.b)
        return self(x)

    @property
    def twice(self):
        return 2 * self.b

    @twice.setter
    def twice(self, value):
        self.b = value / 2

    @functools.cached_property
    def norm(self):
        return np.sum(self.w**2)

    @staticmethod
    def square(x):
        return x * x

    @classmethod
    def made(cls, x):
        return cls(x, 1.0)

    def __add__(self, other):
        return type(self)(self.w + other.w, self.b + other.b)

    def __iadd__(self, other):
        self.b = self.b + other
        return self

    def __mul__(self, scale):
        return Unit(self.w * scale, self.b)

    __rmul__ = __mul__

    def __neg__(self):
        return Unit(-self.w, self.b)

    def __getitem__(self, k):
        return self.w[k]

    def __setitem__(self, k, value):
        self.w[k] = value

    def __len__(self):
        return 3

    def __iter__(self):
        return iter([self.b, self.b * 2])

    def __contains__(self, name):
        return name in ("w", "b")

    def __lt__(self, other):
        return self.b < other.b


class Scaled(Unit):
    def __init__(self, w, b, c):
        super().__init__(w, b)
        self.c = c

    def __call__(self, x):
        return super().__call__(x) * self.c


@dataclass(frozen=True)
class Point:
    x: float
    y: np.ndarray
    name: str = "p"
    power: int = 3

    def norm(self):
        return np.sum(self.y**2) * self.x


@dataclass
class Net:
    point: Point
    weights: list
    bias: dict = field(default_factory=dict)
    total: float = 0.5

    def shift(self):
        self.total += 1.0
        self.weights[0] = self.weights[0] * 2


Case = tuple[Callable[..., Any], Callable[[], tuple[Any, ...]], int]
CASES: dict[str, Case] = {}


def case(make: Callable[[], tuple[Any, ...]], wrt: int = 0) -> Callable[..., Any]:
    def add(fn: Callable[..., Any]) -> Callable[..., Any]:
        CASES[fn.__name__] = (fn, make, wrt)
        return fn

    return add


@case(lambda: (X.copy(), Unit(X * 2, 0.3)))
def called(x, unit):
    return unit(x) + unit(x * x)


@case(lambda: (X.copy(), Unit(X * 2, 0.3)))
def state(x, unit):
    return unit.step(x) * unit.step(2 * x) + unit.calls + sum(unit.log)


@case(lambda: (X.copy(), Scaled(X * 2, 0.3, 5.0)))
def inherited(x, unit):
    return unit.step(x) * unit.square(x[0]) + Scaled.square(x[1])


@case(lambda: (X.copy(),))
def made_here(x):
    unit = Unit(x, 0.1)
    other = unit + Unit.made(x * x)
    other += 0.5
    unit[0] = 3.0
    return other(X) + unit(X) + unit.calls + x[0] + (2.0 * -other)(X) + unit.norm + unit[1]


@case(lambda: (1.7,))
def protocols(x):
    unit = Unit(X * x, x)
    unit.twice = unit.twice * x
    total = sum(v * v for v in unit) + len(unit) + ("w" in unit) + ("z" in unit)
    first, second = unit
    low = unit if unit < Unit(X, 9.0) else Unit(X, x)
    return total + first * second + (low.b if isinstance(low, Unit) else 0.0)


@case(lambda: (0.7, Unit(X, 1.0)))
def branches(x, unit):
    if x > 0:
        unit.b = x * 3
        unit.extra = x
    else:
        unit.b = x
    while unit.b < 50:
        unit.b = unit.b * 2 + x
        unit.last = unit.b
    return unit.b * unit.last


@case(lambda: (0.7, Unit(X, 1.0)))
def two_names(x, unit):
    other = unit
    other.b = x
    held = [unit]
    held[0].b *= x
    return unit.b * other.b


@case(lambda: (X.copy(),))
def copies(x):
    unit = Unit(x * 1.0, 1.0)
    deep, shallow = copy.deepcopy(unit), copy.copy(unit)
    unit.w[0] = x[1]
    return np.sum(deep.w**2) + np.sum(shallow.w**3)


@case(lambda: (Point(1.5, X.copy()),))
def dataclass_parameter(p):
    return p.norm() * p.x + p.x**p.power


@case(lambda: (0.7,))
def dataclass_made_here(x):
    p = replace(Point(x, x * X), y=x * x * X)
    net = Net(p, [x, 2.0], {"b": x})
    net.shift()
    return net.point.norm() + net.weights[0] * net.bias["b"] + net.total


@case(lambda: (Net(Point(1.5, X.copy()), [2.0, 3.0, 4], {"a": {"b": 1.5, "n": "s"}}),))
def nested_dataclasses(net):
    net.shift()
    return net.point.norm() * net.weights[0] + net.bias["a"]["b"] * net.weights[1] ** 2 * net.total


@case(lambda: (X.copy(), Net(Point(1.5, X.copy()), [2.0])))
def attribute_names(x, net):
    for name in ("x", "y"):
        x = x * getattr(net.point, name)
    setattr(net, "total", np.sum(x))
    return net.total * hasattr(net, "total") + getattr(net, "missing", 1.0)


@pytest.mark.parametrize("name", CASES)
def test_value_gradient_and_side_effects(name: str) -> None:
    fn, make, wrt = CASES[name]
    plain, args = make(), make()
    expected = fn(*plain)
    value, gradient = value_and_grad(fn, argnums=wrt)(*args)

    assert same(value, expected)
    assert same([snapshot(a) for a in args], [snapshot(a) for a in plain])
    assert_agrees(gradient, *numeric_gradient(fn, make, wrt))
    assert_like(gradient, make()[wrt])


def snapshot(value: Any) -> Any:
    """What can be seen of an object."""
    if isinstance(value, (list, tuple)):
        return [snapshot(v) for v in value]
    if isinstance(value, dict):
        return {k: snapshot(v) for k, v in value.items()}
    return snapshot(vars(value)) if isinstance(value, (Unit, Net, Point)) else value


def test_bound_method_and_object_with_call_are_differentiated() -> None:
    plain, unit = Unit(X * 2, 0.3), Unit(X * 2, 0.3)
    for name in ("__call__", "step"):
        w, b = plain.w, plain.b
        expected, _ = numeric_gradient(lambda x: getattr(Unit(w, b), name)(x), lambda: (X,))  # noqa: B023
        assert np.allclose(grad(getattr(unit, name))(X), expected)
        getattr(plain, name)(X)

        assert same(snapshot(unit), snapshot(plain))
    assert np.allclose(grad(unit)(X), numeric_gradient(Unit(plain.w, plain.b), lambda: (X,))[0])


def test_attributes_are_read_at_every_call() -> None:
    unit = Unit(1.0, 0.0)
    derivative = grad(lambda x: unit.w * x * x)

    assert derivative(3.0) == 6.0
    unit.w = 2.0
    assert derivative(3.0) == 12.0
    unit.w = np.float32(2.0)
    assert derivative(3.0) == 12.0


def test_one_object_given_twice_is_one_object() -> None:
    def f(x, a, b):
        a.b = x
        return b.b * x

    derivative = grad(f)
    shared = Unit(X, 3.0)

    assert derivative(0.7, Unit(X, 1.0), Unit(X, 2.0)) == 2.0
    assert derivative(0.7, shared, shared) == pytest.approx(1.4)
    assert derivative(0.7, Unit(X, 1.0), Unit(X, 2.0)) == 2.0


def test_argnums_names_an_attribute() -> None:
    def f(unit, x):
        return unit(x)

    expected, _ = numeric_gradient(lambda w: Unit(w, 0.3)(X), lambda: (X * 2,))
    w_bar, x_bar = grad(f, argnums=("unit.w", "x"))(Unit(X * 2, 0.3), X)

    assert np.allclose(w_bar, expected)
    assert np.allclose(x_bar, numeric_gradient(Unit(X * 2, 0.3), lambda: (X,))[0])
    assert np.allclose(grad(Unit(X * 2, 0.3), argnums="self.w")(X), expected)
    with pytest.raises(WrongArgument, match="there is no gradient with respect to an object of class `Unit`"):
        grad(f)(Unit(X * 2, 0.3), X)


class Line:
    def __init__(self, slope, offset, label):
        self.slope, self.offset, self.label = slope, offset, label

    def at(self, x):
        return self.slope * x + self.offset


def parts(line):
    return (line.slope, line.offset), line.label


def test_class_of_the_user_is_registered_as_a_container() -> None:
    class Curve(Line):
        pass

    register_container(Curve, parts, lambda label, items: Curve(*items, label))
    gradient = grad(lambda line, x: line.at(x) ** 2)(Curve(2.0, 1.0, "l"), 3.0)

    assert type(gradient) is Curve
    assert (gradient.slope, gradient.offset, gradient.label) == (42.0, 14.0, "l")


def test_partial_is_differentiated_and_made() -> None:
    def f(a, b, c=1.0):
        return a * b * c

    def g(x):
        return functools.partial(f, x, c=3.0)(x)

    assert grad(functools.partial(f, 2.0))(3.0) == 2.0
    assert grad(functools.partial(f, c=4.0))(3.0, 5.0) == 20.0
    assert grad(g)(0.5) == 3.0


def test_pullback_of_a_dataclass() -> None:
    out, pullback = vjp(lambda p: p.norm(), Point(2.0, X))
    (p_bar,) = pullback(1.0)

    assert type(p_bar) is Point and p_bar.name is None
    assert p_bar.x == pytest.approx(np.sum(X**2)) and np.allclose(p_bar.y, 4 * X)


def test_gradients_of_parts_are_not_the_arguments_nor_each_other() -> None:
    @dataclass
    class Two:
        a: np.ndarray
        b: np.ndarray

    array = X.copy()
    for given in (Two(array, array), Two(array, 2 * array)):
        gradient = grad(lambda t: np.sum(t.a * t.b))(given)
        parts = [gradient.a, gradient.b, given.a]
        assert not any(np.shares_memory(p, q) for i, p in enumerate(parts) for q in parts[:i])
        assert np.allclose(gradient.a, given.b) and np.allclose(gradient.b, given.a)


def test_attribute_that_is_written_is_refused_where_another_overlaps() -> None:
    def f(unit):
        unit.w[0] = 5.0
        return np.sum(unit.w * unit.b)

    numbers = np.arange(6.0)
    assert grad(f, argnums="unit.b")(Unit(X.copy(), X.copy()))[0] == 5.0
    with pytest.raises(UndecidedAlias):
        grad(f, argnums="unit.b")(Unit(numbers[:3], numbers[1:4]))


def test_exception_leaves_what_a_plain_call_leaves() -> None:
    def f(x, unit):
        unit.b = unit.b + 1
        if x > 0:
            raise ValueError("no")
        unit.b = 0.0
        return x

    for fn in (f, grad(f)):
        unit = Unit(X, 1.0)
        with pytest.raises(ValueError, match="no"):
            fn(1.0, unit)
        assert unit.b == 2.0


def test_network_of_objects_that_is_changed_between_calls() -> None:
    class Layer:
        def __init__(self, W, act=np.tanh):
            self.W, self.act = W, act

        def __call__(self, h):
            return self.act(self.W @ h)

    class Network:
        def __init__(self, layers):
            self.layers, self.training = layers, True

        def loss(self, x):
            for layer in self.layers:
                x = layer(x)
            return np.sum(x**2) + (np.sum(self.layers[0].W ** 2) if self.training else 0.0)

    def agrees() -> bool:
        return bool(np.allclose(derivative(X), numeric_gradient(network.loss, lambda: (X,))[0]))

    W = np.arange(9.0).reshape(3, 3) / 10
    network = Network([Layer(W), Layer(-W)])
    derivative = grad(network.loss)
    assert agrees()
    network.training = False
    assert agrees()
    network.layers.append(Layer(W, np.sin))
    assert agrees()
    network.layers[0].act = np.cos
    assert agrees()
    network.layers[1] = network.layers[0]
    assert agrees()
    network.layers[0].W = np.ones((1, 3))
    network.layers = network.layers[:1]
    assert agrees()


def test_second_derivative_through_an_object() -> None:
    def f(x):
        unit = Unit(x * X, x)
        return unit(X) * unit.twice

    h = 1e-5
    assert grad(grad(f))(0.7) == pytest.approx((grad(f)(0.7 + h) - grad(f)(0.7 - h)) / (2 * h), rel=1e-6)


REFUSED: dict[str, tuple[Callable[..., Any], str]] = {
    "frozen": (lambda x: written(Point(x, X), "x", x), "`Point` is frozen, and `x` is written"),
    "missing": (lambda x: Unit(x, x).nothing, "`Unit` has no attribute `nothing` here"),
    "arguments": (lambda x: Unit(x), "missing a required argument: 'b'"),
    "operator": (lambda x: Unit(x, x) @ x, "`Unit` has no `__matmul__` for this operand"),
    "value": (lambda x: np.sum(Unit(x, x)), "an object of class `Unit` is used as a value"),
    "not called": (lambda x: Point(x, X)(x), "an object of class `Point` is called, and has no `__call__`"),
}


def written(point, name, value):
    setattr(point, name, value)
    return point.x


@pytest.mark.parametrize("name", REFUSED)
def test_refusal_says_why(name: str) -> None:
    fn, reason = REFUSED[name]
    with pytest.raises(DiffCompileError) as caught:
        grad(fn)(0.7)

    assert reason in caught.value.reason
    assert isinstance(caught.value, UnsupportedSyntax)


# -- with respect to a part of a list that is run over ------------------------------------------------------


@dataclass
class Stage:
    scale: float
    shift: Any


def through(stages, x):
    for stage in stages:
        x = x * stage.scale + np.sum(stage.shift)
    return x


class Holding:
    def __init__(self, stages):
        self.stages = stages


def through_those_of(holding, x):
    return through(holding.stages, x)


def stages(scale: float = 3.0) -> list[Stage]:
    return [Stage(2.0, X), Stage(scale, 2.0 * X), Stage(1.5, X)]


MODES: dict[str, Callable[..., Any]] = {
    "grad": grad,
    "value_and_grad": lambda f, argnums: lambda *args: value_and_grad(f, argnums=argnums)(*args)[1],
    "jacrev": jacrev,
    "jacfwd": jacfwd,
    "with the whole": lambda f, argnums: (
        lambda *args: grad(f, argnums=(argnums.partition(".")[0], argnums))(*args)[1]
    ),
}


@pytest.mark.parametrize("mode", MODES.values(), ids=MODES)
def test_one_item_of_a_list_that_is_run_over_is_differentiated_with_respect_to(mode: Any) -> None:
    slope = (through(stages(3.0 + 1e-6), 0.7) - through(stages(3.0 - 1e-6), 0.7)) / 2e-6

    found = mode(through, argnums="stages.1.scale")(stages(), 0.7)
    inside = mode(through_those_of, argnums="holding.stages.1.scale")

    assert found == pytest.approx(slope, rel=1e-8)
    if mode is not MODES["with the whole"]:
        assert inside(Holding(stages()), 0.7) == pytest.approx(slope, rel=1e-8)
        np.testing.assert_allclose(
            mode(through, argnums="stages.1.shift")(stages(), 0.7), np.full(3, 1.5), rtol=1e-12
        )


def test_one_item_of_a_list_of_tuples_or_dicts_is_differentiated_with_respect_to() -> None:
    def of_tuples(pairs, x):
        for a, b in pairs:
            x = x * a + b
        return x

    def of_dicts(rows, x):
        for row in rows:
            x = x * row["a"] + row["b"]
        return x

    assert grad(of_tuples, argnums="pairs.1.0")([(2.0, 1.0), (3.0, 1.0)], 1.0) == 3.0
    assert grad(of_dicts, argnums="rows.1.a")([{"a": 2.0, "b": 1.0}, {"a": 3.0, "b": 1.0}], 1.0) == 3.0
