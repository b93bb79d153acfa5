"""Derivatives taken inside functions that are differentiated: each program against central differences.

A program is called at its defaults and differentiated with respect to the first of them. Called plainly, its
inner derivatives are derivatives like any other; differentiated, they are part of the graph. The value is the
same to the bit, and the gradient is that of the plain calls.
"""

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pytest

from diffcompile import grad, value_and_grad, vjp
from oracles import assert_agrees, assert_like, numeric_gradient, same

PROGRAMS: list[Callable[..., Any]] = []
POINTS = np.array([0.5, -1.0, 2.0])
MATRIX = np.array([[2.0, 0.5], [0.5, 1.0]])


def program(f: Callable[..., Any]) -> Callable[..., Any]:
    PROGRAMS.append(f)
    return f


def cube(z):
    return z**3


def loss(w, xs, ys):
    return np.mean((np.tanh(xs * w[0] + w[1]) - ys) ** 2)


def ridge(w, penalty):
    total = 0.0
    for k in range(2):
        total = total + (w[k] - k - 1.0) ** 4
    return total + penalty * np.sum(w * w)


dcube = grad(cube)
dloss = grad(loss)
dridge = grad(ridge)


@grad
def dsquare(z):
    return z * z * z


# -- which variable is meant ---------------------------------------------------------------------------------


@program
def the_classic(x=3.0):
    return x * grad(lambda y: x + y)(1.0)


@program
def the_same_name_inside(x=3.0):
    return x * grad(lambda x: x * x * x)(x)


@program
def the_product_of_both(x=1.5):
    return grad(lambda y: x * y * y)(x * 2.0)


@program
def the_outer_variable_under_another_name(x=1.5):
    z = x * x
    return x * grad(lambda y: z * y + y * y)(z)


@program
def inside_of_inside(x=1.5):
    return grad(lambda y: y * grad(lambda z: x * y * z * z)(y))(x)


@program
def one_name_at_three_levels(x=1.2):
    return x * grad(lambda x: x * grad(lambda x: x**4)(x))(x)


@program
def capturing_at_three_levels(x=0.8):
    def first(y):
        def second(z):
            return np.sin(x * z) * y**2

        return grad(second)(y * x) * x

    return grad(first)(x) + x


@program
def third_order(x=0.7):
    return grad(grad(grad(lambda y: np.sin(x * y) * y)))(x)


@program
def the_derivative_of_what_does_not_depend(x=2.0):
    return x * grad(lambda y: x * x)(x) + grad(lambda y: 3.0)(x) + x


@program
def captured_twice(x=0.7):
    def inner(y):
        return x * y + x * np.sin(y)

    return grad(inner)(x) * grad(inner)(2.0 * x)


@program
def the_second_argument_is_captured_too(x=0.7):
    return grad(lambda y, z: x * y * z**2)(x, x) + grad(lambda y, z: x * y * z**2, argnums=1)(x, x)


# -- forms of the call ---------------------------------------------------------------------------------------


@program
def decorated_function(x=0.7):
    @grad
    def inner(y):
        return x * np.exp(y * x)

    return inner(x)


@program
def decorated_with_options(x=0.7):
    @grad(argnums="z")
    def inner(y, z):
        return y * z**3 * x

    return inner(2.0, x)


@program
def derivative_of_the_module(x=1.3):
    return x * dcube(x) + dsquare(x)


@program
def derivative_of_a_derivative_of_the_module(x=1.3):
    return grad(dcube)(x) * grad(grad(cube))(x * x)


@program
def derivative_of_a_loss(w=np.array([0.3, -0.2])):
    g = dloss(w, POINTS, POINTS * 0.5)
    return g[0] ** 2 + g @ w


@program
def by_name(x=0.7):
    return grad(ridge_of_two, argnums="b")(x, x * x)


def ridge_of_two(a, b):
    return a * b**3 + np.sin(a * b)


@program
def several_argnums(x=0.7):
    a, b = grad(ridge_of_two, argnums=(0, 1))(x, x * x)
    (c,) = grad(ridge_of_two, argnums=("b",))(1.0, x)
    return a * b + c


@program
def last_argument(x=0.7):
    return grad(ridge_of_two, argnums=-1)(x, x)


@program
def keyword_arguments(x=0.7):
    return grad(ridge_of_two, argnums=1)(b=x, a=2.0 * x) + grad(ridge_of_two)(x, b=3.0)


@program
def default_arguments(x=0.7):
    def inner(y, k=2.0, *, scale=x):
        return scale * y**k

    return grad(inner)(x) + grad(inner)(x, 3.0, scale=1.0)


@program
def starred_arguments(x=0.7):
    def inner(*parts):
        return parts[0] * parts[1] ** 2

    first, second = grad(inner)(x, x * x)
    return first * second


@program
def value_and_gradient(x=0.7):
    value, slope = value_and_grad(lambda y: np.sin(y) * x)(x * x)
    return value * slope


@program
def value_and_gradients(w=np.array([0.3, -0.2])):
    value, (w_bar, p_bar) = value_and_grad(ridge, argnums=(0, 1))(w, w[0])
    return value + w_bar @ w + p_bar


@program
def auxiliary(x=0.7):
    def inner(y):
        s = np.sin(y) * x
        return s**2, {"s": s, "n": 3, "parts": [y, x]}

    slope, aux = grad(inner, has_aux=True)(x)
    return slope * aux["s"] ** aux["n"] + aux["parts"][0] * aux["parts"][1]


@program
def auxiliary_with_the_value(x=0.7):
    (value, aux), slope = value_and_grad(lambda y: (y * y * x, y * 2.0), has_aux=True)(x)
    return value * slope * aux


@program
def a_pullback(x=0.7):
    out, pull = vjp(lambda y: np.sin(y) * x, x * x)
    (bar,) = pull(x)
    return out * bar


@program
def a_pullback_of_arrays(w=np.array([0.3, -0.2])):
    out, pull = vjp(lambda a, b: np.tanh(MATRIX @ a) * b, w, w * 2.0)
    first, second = pull(out * w)
    third, _ = pull(np.ones(2))
    return np.sum(first * second + third)


@program
def a_pullback_of_a_tuple(x=0.7):
    def inner(y, n):
        return y**n, {"s": np.sin(y) * x}

    (power, sines), pull = vjp(inner, x, 3)
    bar, nothing = pull((x, {"s": power}))
    assert nothing is None
    return bar * sines["s"]


@program
def a_partial(x=0.7):
    inner = functools.partial(ridge_of_two, x)
    other = functools.partial(ridge_of_two, b=x * x)
    return grad(inner)(2.0 * x) + grad(other)(x)


@program
def a_partial_of_grad(x=0.7):
    slope = functools.partial(grad, argnums=1)
    return slope(ridge_of_two)(x, x)


@program
def a_function_with_a_rule(x=0.7):
    return grad(lambda y: np.tanh(y))(x) ** 2


# -- handed around -------------------------------------------------------------------------------------------


def slope_at(f, at):
    return grad(f)(at)


def descended(f, start, rate, steps):
    for _ in range(steps):
        start = start - rate * grad(f)(start)
    return start


def newton(f, x, steps):
    df = grad(f)
    for _ in range(steps):
        x = x - f(x) / df(x)
    return x


def derivative_of(f):
    return grad(f)


@program
def inside_a_helper(x=0.7):
    return slope_at(lambda y: x * y**3, x) + slope_at(cube, x)


@program
def made_by_a_helper(x=0.7):
    d = derivative_of(lambda y: x * y**3)
    return d(x) + derivative_of(d)(x)


@program
def gradient_descent(x=0.7):
    best = descended(lambda y: (y - x) ** 2 + 0.1 * y**4, 0.0, 0.1, 8)
    return best * x


@program
def gradient_descent_on_an_array(w=np.array([0.3, -0.2])):
    def objective(v):
        return np.sum((MATRIX @ v - w) ** 2) + 0.1 * np.sum(v**4)

    best = descended(objective, np.zeros(2), 0.05, 5)
    return best @ w


@program
def newtons_loop(a=2.0):
    return newton(lambda y: y * y * y - a, 1.5, 6)


@program
def newtons_loop_while(a=2.0):
    y = 1.5
    f = lambda y: y * y - a  # noqa: E731
    while abs(f(y)) > 1e-9:
        y = y - f(y) / grad(f)(y)
    return y * a


@program
def newton_on_the_gradient(a=0.8):
    def objective(y):
        return np.cosh(y) - a * y

    slope = grad(objective)
    curvature = grad(slope)
    y = 0.3
    for _ in range(5):
        y = y - slope(y) / curvature(y)
    return y**2


@program
def maml(w=np.array([0.3, -0.2])):
    tasks = [(POINTS, 0.5 * POINTS), (POINTS + 1.0, np.sin(POINTS))]
    total = 0.0
    for xs, ys in tasks:
        adapted = w
        for _ in range(2):
            adapted = adapted - 0.1 * grad(loss)(adapted, xs, ys)
        total = total + loss(adapted, xs, ys)
    return total


@program
def learning_rate(rate=0.05):
    w = np.array([0.3, -0.2])
    for _ in range(4):
        w = w - rate * dridge(w, 0.1)
    return ridge(w, 0.0)


@program
def momentum(parameters=np.array([0.05, 0.9])):
    w, velocity = np.array([0.3, -0.2]), np.zeros(2)
    for _ in range(4):
        velocity = parameters[1] * velocity - parameters[0] * dridge(w, 0.1)
        w = w + velocity
    return np.sum(w**2)


@program
def implicit_penalty(p=0.3):
    w = np.array([0.8, 1.6])
    hessian = np.zeros((2, 2))
    for _ in range(4):
        g = dridge(w, p)
        for k in range(2):
            hessian[k] = grad(lambda v, k=k: dridge(v, p)[k])(w)
        w = w - np.linalg.solve(hessian, g)
    return w[0] * w[1]


@program
def adversary(w=np.array([0.3, -0.2])):
    def hinge(x):
        return np.sum(np.tanh(x * w[0] + w[1]) ** 2)

    worst = POINTS + 0.1 * np.tanh(grad(hinge)(POINTS))
    return hinge(worst)


@program
def euler_lagrange(k=1.7):
    def lagrangian(q, v):
        return 0.5 * v**2 - 0.5 * k * q**2 - 0.1 * q**4

    q, v = 1.0, 0.0
    for _ in range(5):
        force = grad(lagrangian, argnums=0)(q, v)
        mass = grad(grad(lagrangian, argnums=1), argnums=1)(q, v)
        v = v + 0.1 * force / mass
        q = q + 0.1 * v
    return q * q


@program
def hessian_vector_product(w=np.array([0.3, -0.2])):
    def directional(v):
        return np.sum(dridge(v, 0.5) * w)

    return np.sum(grad(directional)(w) * w)


# -- control flow --------------------------------------------------------------------------------------------


@program
def a_captured_loop_variable(x=0.7):
    total = 0.0
    for k in range(4):
        total = total + grad(lambda y: x * y**2 + k * y * x)(x * k)  # noqa: B023
    return total


@program
def a_captured_array_item(w=np.array([0.3, -0.2, 0.9])):
    total = 0.0
    for u in w:
        total = total + grad(lambda y: u * y**2 + np.sin(u * y))(u * 2.0)  # noqa: B023
    return total


@program
def one_function_before_the_loop(x=0.7):
    scale = x
    g = grad(lambda y: scale * y**3)
    total = 0.0
    for k in range(3):
        scale = scale * x + k
        total = total + g(x)
    return total


@program
def in_a_branch(x=0.7):
    if x > 0.0:
        slope = grad(lambda y: x * y**2)(x)
    else:
        slope = grad(lambda y: y * x)(x)
    return slope * x


@program
def a_branch_inside(x=0.7):
    def inner(y):
        if y > x:
            return y * x
        return y**3 * x

    return grad(inner)(0.5 * x) + grad(inner)(2.0 * x)


@program
def one_of_two_functions(x=0.7):
    f = cube if x > 0.5 else np.sin
    g = grad(lambda y: f(y) * x) if x < 5.0 else dcube
    return g(x)


@program
def one_of_several(x=0.7):
    total = 0.0
    slopes = [dcube, dsquare, grad(lambda y: y * y)]
    for g in slopes:
        total = total + g(x) * x
    return total


def settle(x, n):
    if n == 0:
        return x
    return settle(x - 0.1 * dcube(x) * grad(lambda y: y * x)(x), n - 1)


@program
def in_a_recursion(x=0.7):
    return settle(x, 3)


@program
def an_order_counted_by_a_loop_that_is_written_out(x=0.7):
    f = lambda y: x * y**4  # noqa: E731
    for derived in (grad, grad, grad):
        f = derived(f)
    return f(x)


@program
def a_while_inside(x=1.3):
    def inner(y):
        while y < 10.0:
            y = y * x * y
        return y

    return grad(inner)(x + 0.2)


@program
def a_recursive_function_inside(x=0.7):
    def inner(y):
        return power(y, 3) * x

    return grad(inner)(x)


def power(y, n):
    if n == 0:
        return 1.0
    return y * power(y, n - 1)


@program
def in_a_comprehension(x=0.7):
    return sum([grad(lambda y: x * y**k)(x) for k in (1, 2, 3)])  # noqa: B023


@program
def in_a_try(x=0.7):
    try:
        slope = grad(lambda y: math.sqrt(y) * x)(x)
    except ValueError:
        slope = 0.0
    return slope * x


# -- what is differentiated with respect to ------------------------------------------------------------------


@dataclass
class Line:
    slope: float
    offset: float


class Pair(NamedTuple):
    a: float
    b: float


def of_a_dict(p):
    return p["w"] ** 2 * p["b"] + np.sin(p["w"])


@program
def a_dict(x=0.7):
    g = grad(of_a_dict)({"w": x, "b": 2.0})
    return g["w"] * g["b"]


@program
def a_dict_of_the_callers(p={"w": 0.7, "b": 2.0}):  # noqa: B006
    g = grad(of_a_dict)(p)
    return g["w"] * g["b"] * p["w"]


@program
def a_list_of_layers(w=np.array([0.3, -0.2])):
    def network(layers):
        h = w
        for weight, bias in layers:
            h = np.tanh(weight @ h + bias)
        return np.sum(h)

    layers = [(MATRIX, np.ones(2)), (MATRIX * 0.5, w)]
    bars = grad(network)(layers)
    return np.sum(bars[0][0] ** 2) + bars[1][1] @ w


@program
def a_dataclass(x=0.7):
    def inner(line):
        return line.slope**2 * line.offset * x

    bar = grad(inner)(Line(x, x * x))
    return bar.slope * bar.offset


@program
def a_named_tuple(x=0.7):
    bar = grad(lambda p: p.a**2 * p.b * x)(Pair(x, 3.0))
    return bar.a + bar.b


@program
def a_path_inside(x=0.7):
    return grad(of_a_dict, argnums="p.w")({"w": x, "b": x})


@program
def a_dict_that_is_updated(x=0.7):
    p = {"w": x, "b": 0.5}
    for _ in range(3):
        g = grad(of_a_dict)(p)
        p = {k: p[k] - 0.1 * g[k] for k in p}
    return p["w"] * p["b"]


@program
def a_captured_dict(x=0.7):
    p = {"w": x, "b": x * x}
    return grad(lambda y: p["w"] * y**2 + p["b"] * y)(x)


class Model:
    def __init__(self, w):
        self.w = w

    def energy(self, q):
        return self.w * q**2 + np.sin(q * self.w)

    def force(self, q):
        return -grad(self.energy)(q)


@program
def a_method(x=0.7):
    return Model(x).force(x) * x


# -- writing -------------------------------------------------------------------------------------------------


@program
def a_function_that_writes_into_a_copy(w=np.array([0.3, -0.2, 0.9])):
    def inner(v):
        u = v.copy()
        u[1:] += u[:-1] * w[0]
        u[0] = u[2] ** 2
        return np.sum(u * w)

    return grad(inner)(w) @ w


@program
def an_array_that_is_written_between(w=np.array([0.3, -0.2])):
    buffer = np.zeros(2)
    buffer[:] = w
    first = grad(lambda y: y * buffer[0] * buffer[1])(1.0)
    buffer[0] = 3.0 * w[1]
    second = grad(lambda y: y * buffer[0] * buffer[1])(1.0)
    return first * second


@program
def a_pullback_after_a_write(w=np.array([0.3, -0.2])):
    buffer = w.copy()
    out, pull = vjp(lambda a: np.sum(a**3), buffer)
    buffer[0] = 10.0
    (bar,) = pull(1.0)
    bar[1] = bar[1] * buffer[0]
    return out * np.sum(bar * buffer)


@program
def gradients_kept_in_an_array(x=0.7):
    table = np.zeros(3)
    for k in range(3):
        table[k] = grad(lambda y, k=k: x * y ** (k + 1))(x)
    return np.sum(table * table)


@program
def a_gradient_that_is_written(w=np.array([0.3, -0.2])):
    g = dridge(w, 0.1)
    g[0] = g[1] * w[0]
    g *= 2.0
    return g @ w


# -- the tests -----------------------------------------------------------------------------------------------


def arguments(f: Callable[..., Any]) -> tuple[Any, ...]:
    return tuple(f.__defaults__ or ())


@pytest.mark.parametrize("f", PROGRAMS, ids=lambda f: f.__name__)
def test_the_gradient_is_that_of_the_plain_calls(f: Callable[..., Any]) -> None:
    args = arguments(f)
    gradient = grad(f)(*args)

    assert_like(gradient, args[0])
    assert_agrees(gradient, *numeric_gradient(f, lambda: args))


@pytest.mark.parametrize("f", PROGRAMS, ids=lambda f: f.__name__)
def test_the_value_is_that_of_the_plain_call(f: Callable[..., Any]) -> None:
    args = arguments(f)
    value, _ = value_and_grad(f)(*args)

    assert same(float(value), float(f(*args)))
