"""Derivatives taken inside functions that are differentiated: each program against central differences.

A program is called at its defaults and differentiated with respect to the first of them. Called plainly, its
inner derivatives are derivatives like any other; differentiated, they are part of the graph. The value is the
same to the bit, and the gradient is that of the plain calls.
"""

import functools
import inspect
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy import integrate, optimize

import programs
from diffcompile import DiffCompileError, defvjp, grad, hessian, jacfwd, jacrev, jvp, value_and_grad, vjp
from graphs import written
from oracles import assert_agrees, assert_like, is_leaf, numeric_gradient, same, silenced

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


def derived_often(f, n):
    for _ in range(n):
        f = grad(f)
    return f


@program
def an_order_counted_by_a_loop(x=0.7):
    return derived_often(lambda y: x * np.sin(x * y), 3)(x)


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


def settle_down(v, w):
    for k in range(len(v)):
        v[k] = v[k] * w[k] + np.sin(v[k])
    return v


@program
def an_argument_that_is_written(x=0.7):
    a = np.array([x, x * x])
    b = a

    def inner(v):
        v[0] = v[0] * 2.0 * x
        v *= np.sin(v)
        return np.sum(v**2)

    return np.sum(grad(inner)(a) * b)


@program
def a_view_that_is_written(x=0.7):
    a = np.array([x, x * x, 2.0 * x])

    def inner(v):
        v *= np.sin(v)
        return np.sum(v**2)

    return np.sum(grad(inner)(a[1:])) * np.sum(a)


@program
def an_argument_that_is_written_by_a_helper(x=0.7):
    a = np.array([x, x * x, 2.0 * x])
    total = 0.0
    for _ in range(3):
        value, g = value_and_grad(lambda v, w: np.sum(settle_down(v, w) ** 2))(a, a.copy())
        a = a * 0.3 + 0.01 * g
        total = total + value
    return np.sum(a) * total


@program
def an_argument_that_is_written_before_a_pullback(x=0.7):
    a = np.array([x, x * x, 2.0 * x])
    out, pull = vjp(lambda v: np.sum(settle_down(v, v.copy()) ** 2), a)
    return np.sum(a * pull(out)[0]) * out


@program
def an_array_in_a_dict_that_is_written(x=0.7):
    p = {"w": np.array([x, 1.0]), "b": x}

    def inner(p):
        p["w"] *= p["b"]
        return np.sum(p["w"] ** 2)

    g = grad(inner)(p)
    return np.sum(g["w"]) * g["b"] * np.sum(p["w"])


@program
def an_argument_that_is_written_and_returned(x=0.7):
    def inner(v):
        v *= x
        return np.sum(v**2), v

    g, aux = grad(inner, has_aux=True)(np.array([x, 1.0]))
    return np.sum(g * aux)


@program
def a_sum_kept_in_another_argument(x=0.7):
    a, kept = np.array([x, 1.0]), np.zeros(2)

    def inner(v, s):
        s[0] += v[0] * v[1]
        return np.sum(s * v)

    total = 0.0
    for _ in range(3):
        total = total + np.sum(grad(inner)(a, kept))
    return total * kept[0]


# -- among everything else -----------------------------------------------------------------------------------

SCALE = 2.0
WEIGHTS = np.array([1.0, 2.0])


def of_globals(y):
    return SCALE * y**2 * np.sum(WEIGHTS) * y


@grad
def of_a_loop(y):
    s = y
    for _ in range(3):
        s = np.sin(s * y)
    return s


def slopes(x):
    for k in range(3):
        yield grad(lambda y: y**2 * x * k)(x)  # noqa: B023


class Net:
    def __init__(self, w):
        self.w = w
        self.steps = 0

    def loss(self, x):
        return np.sum(np.tanh(self.w * x) ** 2)

    def update(self, x):
        self.w = self.w - 0.1 * grad(lambda w: np.sum(np.tanh(w * x) ** 2))(self.w)
        self.steps += 1

    @property
    def slope(self):
        return grad(self.loss)


@program
def globals_read(x=0.7):
    return grad(of_globals)(x) * of_a_loop(x) + grad(of_a_loop)(x)


@program
def a_function_of_a_library(x=0.7):
    return grad(np.tanh)(x) ** 2 + grad(math.sin)(x) * grad(np.hypot, argnums=1)(2.0, x)


@program
def a_generator(x=0.7):
    return sum(slopes(x)) + grad(lambda y: sum(s for s in slopes(y)) * x)(x)


@program
def an_object_that_learns(x=0.7):
    net = Net(np.array([x, 2.0 * x]))
    for _ in range(3):
        net.update(x)
    return np.sum(net.w) * net.steps


@program
def a_property(x=0.7):
    return Net(x).slope(x * 2.0)


@program
def a_jacobian_row_by_row(x=0.7):
    def jacobian(f, v):
        return np.stack([grad(lambda u: f(u)[k])(v) for k in range(2)])  # noqa: B023

    return np.linalg.det(jacobian(lambda u: np.array([u[0] * u[1] * x, np.sin(u[0])]), np.array([x, 2.0])))


@program
def a_hessian_by_pullbacks(x=0.7):
    def objective(w):
        return np.sum(w**4) + x * np.sum(w)

    out, pull = vjp(grad(objective), np.array([x, 1.0]))
    hessian = np.stack([pull(e)[0] for e in np.eye(2)])
    return np.sum(np.linalg.solve(hessian, out))


@program
def a_pullback_in_a_loop(x=0.7):
    total = 0.0
    for k in range(3):
        out, pull = vjp(lambda y: y**3 * x * k, x)  # noqa: B023
        if k > 0:
            total = total + pull(x)[0] * out
    return total


@program
def a_test_on_a_derivative(x=0.7):
    return x**3 if grad(lambda y: y * y)(x) > 1.0 else x


@program
def until_the_gradient_is_small(x=1.3):
    y = x
    while True:
        slope = grad(lambda t: (t - 2.0 * x) ** 2 + 0.1 * t**4)(y)
        if abs(slope) < 1e-9:
            break
        y = y - slope / grad(grad(lambda t: (t - 2.0 * x) ** 2 + 0.1 * t**4))(y)
    return y


@program
def early_returns(x=0.7):
    def inner(y):
        if y < 0.0:
            return 0.0
        for k in range(3):
            if y * k > 2.0:
                return y * x * k
        return y**2 * x

    return grad(inner)(x) + grad(inner)(3.0 * x) + grad(inner)(-x)


@program
def a_list_that_grows(x=0.7):
    items = []
    for k in range(4):
        items.append(x * k)
    bars = grad(lambda l: sum([t * t * x for t in l]))(items)
    return bars[1] + bars[2]


@program
def a_list_that_grows_inside(x=0.7):
    def inner(y):
        items = [y]
        for _ in range(3):
            items.append(items[-1] * y * x)
        return sum(items)

    return grad(inner)(x)


@program
def an_array_that_is_filled_inside(x=0.7):
    def inner(y):
        buffer = np.zeros(3)
        for k in range(3):
            buffer[k] = y**k * x
        buffer[1:] += buffer[:-1]
        return buffer[2] * buffer[1]

    table = np.zeros(3)
    for k in range(3):
        table[k] = grad(inner)(x + k)
    return np.sum(table**2)


@program
def a_row_that_is_written_afterwards(x=0.7):
    m = np.array([[x, 1.0], [2.0, x]])
    row = m[0]
    g = grad(lambda r: np.sum(r**2 * m[1]))(row)
    row[0] = 5.0 * x
    return np.sum(g * m[0])


@program
def a_view_beside_its_base(w=np.array([0.5, 0.7, 0.2])):
    v = w[1:]
    return np.sum(grad(lambda u: np.sum(u**2) * np.sum(w**2) * np.sum(v))(v))


@program
def containers_in_containers(x=0.7):
    def tree(d):
        return d["l"][0]["w"] * d["l"][1] * x + d["t"][1] ** 2

    bars = grad(tree)({"l": [{"w": x, "k": 1}, x * x], "t": (1, x)})
    assert bars["t"][0] is None
    return bars["l"][0]["w"] + bars["l"][1] + bars["t"][1]


@program
def keyword_dictionary(x=0.7):
    return grad(lambda **kw: kw["a"] * kw["b"] * x, argnums="kw")(a=x, b=2.0)["a"]


@program
def chosen_by_a_string(x=0.7):
    return grad(lambda y, kind: np.sin(y) * x if kind == "sin" else y)(x, "sin")


@program
def mapped_and_reduced(x=0.7):
    total = sum(map(grad(lambda y: y**2 * x), [x, 2.0 * x]))
    return functools.reduce(lambda acc, k: acc + grad(lambda y: y**k * x)(acc), [1, 2, 3], total)


@program
def element_by_element(x=0.7):
    f = np.vectorize(lambda t: grad(lambda y: y**2 * x * t)(t))
    return np.sum(f(np.array([1.0, x])))


@program
def a_number_of_numpy(x=0.7):
    return grad(lambda v: v**3 * x)(np.float64(2.0)) + grad(lambda v: v**2 * x)(np.float64(x))


@program
def an_undecided_exception(x=1.3):
    def inner(y):
        try:
            return math.sqrt(y - 1.0) * x
        except ValueError:
            return y * x

    return grad(inner)(x) + grad(inner)(0.5 * x)


@program
def a_complex_number(x=1.3):
    g = grad(lambda z: abs(z) ** 2 * x)(x + 1j)
    return g.real**2 + g.imag


@program
def a_holomorphic_function(x=1.3):
    return abs(grad(lambda z: z**3 * x, holomorphic=True)(x + 1j))


@program
def a_solver_of_a_derivative(x=1.3):
    return optimize.brentq(lambda y: grad(lambda z: z**4 / 4 - x * z)(y), 0.1, 5.0)


@program
def the_derivative_of_a_solver(x=1.3):
    return grad(lambda a: optimize.brentq(lambda y: y**3 - a * x, 0.1, 5.0))(x)


@program
def the_derivative_of_an_integral(x=1.3):
    return grad(lambda a: integrate.quad(lambda t: t**2 * a * x, 0.0, a)[0])(x)


def squared(x):
    return x**2


@defvjp(squared)
def _(ct, out, x):
    return ct * grad(lambda z: z**2)(x)


@program
def a_rule_that_takes_a_derivative(x=1.3):
    return squared(x) * x


# -- directions and Jacobians -------------------------------------------------------------------------------


def quartic(y):
    return np.sum(y**4) + y @ MATRIX @ y


squares = jacfwd(lambda y: y**2 * MATRIX)
curvature = hessian(quartic)


@program
def a_tangent(x=0.7):
    return jvp(lambda y: y**3 * x, (x,), (1.0,))[1]


@program
def a_tangent_along_an_integer(x=0.7):
    return jvp(lambda y: y**3 * x, (x,), (1,))[1]


@program
def a_tangent_of_two_arguments(x=0.7):
    value, d = jvp(lambda y, z: y**3 * z * x, (x, x**2), (x, 2.0 * x))
    return value * d


@program
def a_tangent_of_an_array(w=np.array([0.3, -0.2])):
    value, d = jvp(lambda y: np.sin(y) * w, (w,), (w * 2,))
    return value @ d


@program
def a_tangent_of_a_dict(w=np.array([0.3, -0.2])):
    def scaled(p):
        return {"s": p["a"] * p["b"], "t": p["b"]}

    value, d = jvp(scaled, ({"a": w, "b": w[0]},), ({"a": w * 2, "b": None},))
    return d["s"] @ w + value["t"] + d["t"]


@program
def a_tangent_beside_what_stands_still(w=np.array([0.3, -0.2])):
    value, d = jvp(lambda y, n: y**n, (w, 3), (w * 2, None))
    return value @ d


@program
def a_tangent_of_a_gradient(w=np.array([0.3, -0.2])):
    _, d = jvp(grad(quartic), (w,), (w * 2,))
    return d @ d


@program
def a_gradient_of_a_tangent(w=np.array([0.3, -0.2])):
    g = grad(lambda y: jvp(quartic, (y,), (w,))[1])(w)
    return g @ g


@program
def a_tangent_of_a_tangent(x=0.7):
    return jvp(lambda y: jvp(lambda z: z**4 * y, (y,), (1.0,))[1], (x,), (1.0,))[1]


@program
def a_hessian(w=np.array([0.3, -0.2])):
    return np.sum(hessian(quartic)(w)**2)


@program
def a_hessian_of_a_number(x=0.7):
    return hessian(lambda y: np.sin(y) * x)(x)


@program
def newtons_step(w=np.array([0.3, -0.2])):
    w = w - np.linalg.solve(hessian(quartic)(w), grad(quartic)(w))
    return np.sum(w**2)


@program
def newtons_steps_on_what_is_captured(a=np.array([0.3, -0.2])):
    w = np.ones(2)

    def energy(y):
        return np.sum((y - a) ** 4) + y @ y

    for k in range(3):
        w = w - np.linalg.solve(hessian(energy)(w), grad(energy)(w))
    return np.sum(w**2)


@program
def a_forward_jacobian(w=np.array([0.3, -0.2])):
    return np.sum(jacfwd(lambda y: np.array([y[0] * y[1], np.sin(y[0]), y @ w]))(w)**2)


@program
def a_reverse_jacobian(w=np.array([0.3, -0.2])):
    return np.sum(jacrev(lambda y: np.array([y[0] * y[1], np.sin(y[0]), y @ w]))(w)**2)


@program
def the_determinant_of_a_jacobian(w=np.array([0.3, -0.2])):
    J = jacfwd(lambda y: MATRIX @ np.tanh(y * w))(w)
    return np.linalg.det(J)


@program
def the_determinant_of_a_reverse_jacobian(w=np.array([0.3, -0.2])):
    J = jacrev(lambda y: MATRIX @ np.tanh(y * w))(w)
    return np.linalg.det(J)


@program
def a_jacobian_by_two_arguments(w=np.array([0.3, -0.2])):
    A, B = jacfwd(lambda y, z: y * z**2, argnums=(0, 1))(w, w[0])
    return np.sum(A) + np.sum(B**2)


@program
def a_reverse_jacobian_by_two_arguments(w=np.array([0.3, -0.2])):
    A, B = jacrev(lambda y, z: y * z**2, argnums=(0, 1))(w, w[0])
    return np.sum(A) + np.sum(B**2)


@program
def a_jacobian_of_a_pair(w=np.array([0.3, -0.2])):
    a, b = jacfwd(lambda y: (y @ y, y**2))(w)
    return np.sum(a**3) + np.sum(b**2)


@program
def a_jacobian_by_a_dict(w=np.array([0.3, -0.2])):
    J = jacrev(lambda p: p['a'] * p['b'])({'a': w, 'b': w[0]})
    return np.sum(J['a']**2) + np.sum(J['b'])


@program
def a_jacobian_of_the_module(w=np.array([0.3, -0.2])):
    return np.sum(squares(w)**2)


@program
def a_hessian_of_the_module(w=np.array([0.3, -0.2])):
    return np.sum(curvature(w)**2)


@program
def a_hessian_by_two_arguments(w=np.array([0.3, -0.2])):
    H = hessian(lambda a, b: np.sum(a**2 * b), argnums=(0, 1))(w, w[1])
    return np.sum(H[0][1]**2) + np.sum(H[0][0]) + np.sum(H[1][0])


@program
def a_hessian_of_a_loop(w=np.array([0.3, -0.2])):
    def g(y):
        s = 0.0
        for i in range(2):
            s = s + np.sin(y[i]) * y[1-i]**2
        return s
    return np.sum(hessian(g)(w)**2)


@program
def a_hessian_of_a_branch(w=np.array([0.3, -0.2])):
    def g(y):
        if y[0] > 0:
            return y[0]**2 * y[1]**3
        return y[1]**2
    return np.sum(hessian(g)(w)**2)


@program
def a_tangent_that_is_written(w=np.array([0.3, -0.2])):
    v = w * 2.0
    _, d = jvp(lambda y: y, (w,), (v,))
    d[0] = 5.0
    return np.sum(d * v)


@program
def a_tangent_of_what_writes(w=np.array([0.3, -0.2])):
    y = w.copy()
    def g(y):
        y[0] = y[1]**2
        return y @ y
    v, d = jvp(g, (y,), (w * 3,))
    return v + d * y[0] + y[1]


@program
def a_tangent_in_a_loop(w=np.array([0.3, -0.2])):
    t = 0.0
    for k in range(3):
        t = t + jvp(lambda y: np.sum(y**k * w), (w,), (w,))[1]
    return t


@program
def a_jacobian_of_four_axes(w=np.array([0.3, -0.2])):
    A = np.outer(w, w)
    J = jacfwd(lambda X: X @ X)(A)
    return np.sum(J**2)


@program
def a_hessian_of_a_root(w=np.array([0.3, -0.2])):
    def root(y):
        return optimize.brentq(lambda x: x**3 + x * y[0]**2 - y[1]**2 - 1, 0, 3)

    return np.sum(hessian(root)(w) ** 2)


@program
def a_divergence(w=np.array([0.3, -0.2])):
    return np.trace(jacfwd(lambda y: np.sin(y) * y[::-1])(w))


@program
def a_third_derivative(x=0.7):
    return jacfwd(lambda y: hessian(lambda z: z**4 * y)(y))(x)


@program
def a_third_derivative_of_an_array(w=np.array([0.3, -0.2])):
    return np.sum(jacfwd(hessian(quartic))(w)**2)


@program
def a_tangent_of_a_hessian(w=np.array([0.3, -0.2])):
    return np.sum(jvp(hessian(quartic), (w,), (w,))[1]**2)


@program
def a_pullback_of_a_jacobian(w=np.array([0.3, -0.2])):
    _, pull = vjp(jacfwd(lambda y: y**3 * w), w)
    return np.sum(pull(np.ones((2, 2)))[0]**2)


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


SECOND = [f for f in PROGRAMS if isinstance(arguments(f)[0], float)]


@pytest.mark.parametrize("f", SECOND, ids=lambda f: f.__name__)
def test_the_derivative_of_the_derivative(f: Callable[..., Any]) -> None:
    args = arguments(f)

    assert_agrees(grad(grad(f))(*args), *numeric_gradient(grad(f), lambda: args), tolerance=1e-7)


@pytest.mark.parametrize("f", PROGRAMS, ids=lambda f: f.__name__)
def test_what_is_generated_stands_by_itself(f: Callable[..., Any]) -> None:
    args = arguments(f)
    derivative = grad(f)
    gradient = derivative(*args)
    scope: dict[str, Any] = {}
    exec(compile(derivative.source, "<generated>", "exec"), scope)
    captured = {k: v for k, v in globals().items() if k in ("SCALE", "WEIGHTS", "POINTS", "MATRIX")}
    function = scope[f"{f.__name__}_grad"]
    wanted = inspect.signature(function).parameters

    assert "diffcompile" not in derivative.source.replace("Generated by diffcompile", "")
    assert same(function(*args, **{k: v for k, v in captured.items() if k in wanted}), gradient)


SMALL = [
    p for p in programs.PROGRAMS
    if p.order2 and isinstance(p.wrt, int) and is_leaf(p.make_inputs()[p.wrt])
    and np.size(p.make_inputs()[p.wrt]) <= 12
]  # fmt: skip


@pytest.mark.parametrize("inner", SMALL[::4], ids=lambda p: p.name)
def test_a_program_of_the_zoo_is_differentiated_inside_another(inner: programs.Program) -> None:
    count, at = len(inner.make_inputs()), inner.wrt
    names = [f"a{k}" for k in range(count)]
    given = [f"{name} * c" if k == at else name for k, name in enumerate(names)]
    f = written(
        f"""
        def f(c, {", ".join(names)}):
            g = grad(inner, argnums={at})({", ".join(given)})
            return np.sum(g * a{at} * c)
        """,
        "f", grad=grad, inner=inner.fn,
    )  # fmt: skip
    with silenced():
        first, second = grad(f)(1.0, *inner.make_inputs()), grad(grad(f))(1.0, *inner.make_inputs())

        assert_agrees(first, *numeric_gradient(f, lambda: (1.0, *inner.make_inputs())), tolerance=1e-6)
        assert_agrees(second, *numeric_gradient(grad(f), lambda: (1.0, *inner.make_inputs())), tolerance=1e-5)


def test_which_variable_is_meant() -> None:
    assert grad(the_classic)(3.0) == 1.0
    assert grad(lambda x: x * grad(lambda y: x * y)(1.0))(3.0) == 6.0
    assert grad(lambda x: grad(lambda y: grad(lambda z: x * y * z)(1.0))(1.0))(5.0) == 1.0
    assert grad(lambda x: x * grad(lambda x: x * x)(x))(3.0) == 12.0


def test_integer_leaves_have_no_derivative() -> None:
    def f(x):
        g = grad(lambda p: p["w"] * p["n"])({"w": x, "n": 3, "name": "s"})
        return x * g["w"] if g["n"] is None and g["name"] is None else 0.0

    assert grad(f)(2.0) == 3.0


def test_what_is_printed_inside_is_printed_once(capsys: pytest.CaptureFixture[str]) -> None:
    def f(x):
        def inner(y):
            print("called")
            return y * y * x

        return grad(inner)(x)

    assert grad(f)(3.0) == 12.0
    assert capsys.readouterr().out == "called\n"


def test_an_error_inside_is_raised_where_it_would_be() -> None:
    def f(x):
        def inner(y):
            assert y > 0.0, "negative"
            return y**3 * x

        return grad(inner)(x)

    assert grad(f)(1.0) == 9.0
    with pytest.raises(AssertionError, match="negative"):
        grad(f)(-1.0)


def test_a_derivative_given_as_an_argument() -> None:
    derivative = grad(lambda g, x: g(x) * x, argnums="x")

    assert [derivative(g, 2.0) for g in (dcube, grad(lambda z: z * z))] == [36.0, 8.0]


def test_a_derivative_of_the_module_that_is_bound_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    derivative = grad(lambda x: dcube(x) * x)
    assert derivative(2.0) == 36.0
    monkeypatch.setitem(globals(), "dcube", grad(lambda z: z * z))

    assert derivative(2.0) == 8.0


def test_single_precision_stays_single() -> None:
    def f(x):
        return np.sum(grad(lambda v: np.sum(v**3))(x) * x)

    gradient = grad(f)(np.array([1.0, 2.0], dtype=np.float32))

    assert gradient.dtype == np.float32
    np.testing.assert_allclose(gradient, [9.0, 36.0], rtol=1e-6)


# -- what is refused -----------------------------------------------------------------------------------------


def appends_outside(x):
    seen = []
    return grad(lambda y: seen.append(y) or y * x)(x)


def assigns_outside(x):
    k = 0.0

    def inner(y):
        nonlocal k
        k = k + y
        return y * y * x

    return grad(inner)(x) * k


def writes_outside(x):
    a = np.array([x, x])

    def inner(y):
        a[0] = a[0] * y
        return np.sum(a)

    return grad(inner)(x) + a[0]


def writes_outside_again(x):
    a = np.array([x, x])
    a[1] = 2.0 * x

    def inner(y):
        a[1] = a[1] * y
        return np.sum(a)

    return grad(inner)(x) + a[1]


def writes_what_it_captures_too(x):
    a = np.array([x, x * x])

    def inner(v):
        v[0] = v[0] * 2.0
        return np.sum(v**2 * a)

    return np.sum(grad(inner)(a))


def writes_one_array_given_twice(x):
    a = np.array([x, x * x])
    return np.sum(grad(lambda v, w: np.sum(settle_down(v, w) * w))(a, a))


def adds_to_a_dict(x):
    def inner(p):
        p["b"] = 1.0
        return p["a"] * x

    return grad(inner)({"a": x})["a"]


def advances_an_iterator(x):
    rest = iter([x, 2.0 * x])
    return grad(lambda y: y * next(rest))(x) + next(rest)


def writes_what_was_handed_on(x):
    a = np.array([x, 2.0 * x])
    g, aux = grad(lambda v: (np.sum(v**3), v), has_aux=True)(a)
    aux[0] = 5.0
    return g[0] * a[0]


def of_an_integer(x):
    return grad(lambda y: y * y)(3) * x


def of_an_array(x):
    return np.sum(grad(lambda y: y * np.ones(2))(x))


def of_several(x):
    return grad(lambda y: [y * x, y])(x)


def of_nothing(x):
    return grad(lambda y: None)(x)


def of_a_complex_number(x):
    return grad(lambda y: y * 1j)(x)


def of_what_is_not_holomorphic(x):
    return abs(grad(lambda z: np.conj(z) * x, holomorphic=True)(x + 1j))


def by_a_position_that_is_not_there(x):
    return grad(lambda y: y * x, argnums=3)(x)


def by_a_name_that_is_not_there(x):
    return grad(lambda y: y * x, argnums="q")(x)


def without_an_argument(x):
    return grad(lambda y, z: y * z)(x)


def a_tangent_of_fewer(x):
    return jvp(lambda y: y * x, (x,), ())[1]


def a_tangent_without_a_direction(x):
    return jvp(lambda y: y * x, (x,), (None,))[1]


def a_tangent_of_an_integer(x):
    return jvp(lambda n: n * x, (2,), (1.0,))[1]


def a_tangent_of_another_rank(x):
    return jvp(lambda y: np.sum(y) * x, (POINTS * x,), (1.0,))[1]


def a_tangent_outside_of_a_tuple(x):
    return jvp(lambda y: y * x, x, 1.0)[1]


def a_jacobian_that_is_complex(x):
    return np.sum(np.abs(jacrev(lambda y: y * POINTS * 1j)(x)))


def order_by_recursion(x, n=2):
    if n <= 0:
        return x**5
    return grad(lambda z: order_by_recursion(z, n - 1))(x)


def of_unknown_order(x):
    return order_by_recursion(x, 2)


def pullback_of_a_branch(x):
    if x > 0.0:
        _, pull = vjp(lambda y: y**3 * x, x)
    else:
        _, pull = vjp(lambda y: y**2 * x, x)
    return pull(1.0)[0]


def pullback_of_an_array(x):
    _, pull = vjp(lambda y: np.array([y * x, y * y]), x)
    return pull(1.0)[0]


REFUSED = {
    appends_outside: "`function`, which is differentiated, changes `seen`, which is outside of it",
    assigns_outside: "`inner`, which is differentiated, changes `k`, which is outside of it",
    writes_outside: "`inner`, which is differentiated, changes `a`, which is outside of it",
    writes_outside_again: "`inner`, which is differentiated, changes `a`, which is outside of it",
    writes_what_it_captures_too: "the function that is differentiated writes into an argument that may be",
    writes_one_array_given_twice: "the function that is differentiated writes into an argument that may be",
    adds_to_a_dict: "an argument of the function that is differentiated is written inside it",
    advances_an_iterator: "`function`, which is differentiated, changes an object, which is outside of it",
    writes_what_was_handed_on: "this write may also change `a`",
    of_an_integer: "`function` cannot be differentiated with respect to its argument 0",
    of_an_array: "`grad` needs a function that returns one number, and `function` returns an array of rank 1",
    of_several: "`grad` needs a function that returns one number, and `function` returns several",
    of_nothing: "`grad` needs a function that returns one number, and `function` returns nothing",
    of_a_complex_number: "`grad` needs a real result, and `function` returns a complex one",
    of_what_is_not_holomorphic: "`np.conjugate` is not holomorphic, so `function` has no complex derivative",
    by_a_position_that_is_not_there: "`argnums=3`, and `function` has 1 parameters",
    by_a_name_that_is_not_there: "`function` has no parameter `q`",
    without_an_argument: "`function`: missing a required argument: 'z'",
    a_tangent_of_fewer: "`jvp` takes a tangent for each primal: 1, not 0",
    a_tangent_without_a_direction: "`jvp` of `function` has no direction: every tangent is None",
    a_tangent_of_an_integer: "argument 0 of `function` has no tangent",
    a_tangent_of_another_rank: "the tangent of `y` has rank 0, and `y` has 1",
    a_tangent_outside_of_a_tuple: "what `jvp` is given are no tuples that are written out",
    a_jacobian_that_is_complex: "`jacrev` needs real results of real arguments, and `function` returns",
    of_unknown_order: "`order_by_recursion` takes a derivative of itself, of an order that is known only at",
    pullback_of_a_branch: "`pull` is a pullback that is made on each path, and called after them",
    pullback_of_an_array: "the result of `function` is an array, and its cotangent is a number",
}


@pytest.mark.parametrize("f", REFUSED, ids=lambda f: f.__name__)
def test_what_is_refused_names_the_line_and_the_reason(f: Callable[..., Any]) -> None:
    with pytest.raises(DiffCompileError) as caught:
        grad(f)(1.3)
    span = caught.value.span

    assert caught.value.reason.startswith(REFUSED[f])
    assert span is not None and span.file == __file__ and span.text.strip()


@pytest.mark.parametrize("dot", [np.ones(1), np.ones(3), np.ones((2, 1))], ids=lambda dot: str(dot.shape))
def test_a_tangent_of_another_shape_is_no_tangent(dot: Any) -> None:
    f = written("def f(w, dot): return np.sum(jvp(lambda y: y**2 * w, (w,), (dot,))[1])", jvp=jvp)

    with pytest.raises((ValueError, DiffCompileError), match="tangent"):
        grad(f)(np.array([0.3, -0.2]), dot)


# -- random programs -----------------------------------------------------------------------------------------
#
# A term is a variable, a number, (operator, terms...), or ("d", variable, body, at): the derivative of the
# body with respect to the variable, which may hide one of the same name, at a point. Its derivative is known
# from the rules of school; the names are few, so that they meet.

Term = Any
NAMES = ("x", "y")


def terms(depth: int) -> st.SearchStrategy[Term]:
    plain = st.sampled_from([*NAMES, 0.5, 2.0])
    if depth == 0:
        return plain
    inner = terms(depth - 1)
    sums = st.tuples(st.sampled_from(["+", "*", "-"]), inner, inner)
    sines = st.tuples(st.just("sin"), inner)
    return st.one_of(plain, sums, sines, st.tuples(st.just("d"), st.sampled_from(NAMES), inner, inner))


def text(term: Term) -> str:
    match term:
        case ("d", name, body, at):
            return f"grad(lambda {name}: {text(body)})({text(at)})"
        case ("sin", a):
            return f"np.sin({text(a)})"
        case ("cos", a):
            return f"np.cos({text(a)})"
        case (op, a, b):
            return f"({text(a)} {op} {text(b)})"
    return str(term)


def worked_out(term: Term, values: dict[str, Term]) -> Term:
    """The term without derivatives in it, its variables replaced."""
    match term:
        case ("d", name, body, at):
            fresh = f"{name}{len(values)}"
            inner = worked_out(body, {**values, name: fresh})
            return put_in(slope(inner, fresh), fresh, worked_out(at, values))
        case (op, *parts):
            return (op, *(worked_out(p, values) for p in parts))
    return values.get(term, term)


def slope(term: Term, name: str) -> Term:
    """The derivative of a term that has none in it."""
    match term:
        case ("sin", a):
            return ("*", ("cos", a), slope(a, name))
        case ("cos", a):
            return ("-", 0.0, ("*", ("sin", a), slope(a, name)))
        case ("*", a, b):
            return ("+", ("*", slope(a, name), b), ("*", a, slope(b, name)))
        case (op, a, b):
            return (op, slope(a, name), slope(b, name))
    return 1.0 if term == name else 0.0


def put_in(term: Term, name: str, value: Term) -> Term:
    match term:
        case (op, *parts):
            return (op, *(put_in(p, name, value) for p in parts))
    return value if term == name else term


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(terms(4))
def test_random_nest_of_derivatives(term: Term) -> None:
    program = f"def f(x, y):\n    return x * {text(term)} + y"
    numbers = {"x": 0.7, "y": -1.3}
    known = slope(("*", "x", worked_out(term, {"x": "x", "y": "y"})), "x")
    expected = eval(text(known), {"np": np, **numbers})

    assert grad(written(program, "f", grad=grad))(**numbers) == pytest.approx(expected, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("mode", [jacfwd, jacrev])
def test_jacobian_inside_of_a_function_that_writes_into_its_arguments(
    mode: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    def fill(x, y):
        print("filled")
        x[0] = y[1] * x[1]
        for _ in range(2):
            x[1] += 0.3 * np.sin(x[0])
        return np.sin(x) * y

    def f(x, y):
        x = x * 1.0
        z = x * 2.0
        by_x, by_y = mode(fill, argnums=(0, 1))(x, y)
        again = mode(fill)(z[:2], y)
        return np.sum(by_x * x) + np.sum(np.cos(by_y)) + np.sum(z) * np.sum(again)

    x, y = np.array([0.9, 0.8]), np.array([0.4, 0.8])
    found = grad(f, argnums=(0, 1))(x.copy(), y)
    assert capsys.readouterr().out == "filled\nfilled\n"
    h = 1e-6 * np.eye(2)
    for k, gradient in enumerate(found):
        steps = [(e, 0.0) if k == 0 else (0.0, e) for e in h]
        slopes = [(f(x + d, y + e) - f(x - d, y - e)) / 2e-6 for d, e in steps]
        np.testing.assert_allclose(gradient, slopes, rtol=1e-7, atol=1e-8)
