"""The zoo: functions as scientists write them, each with sample inputs.

    @program(inputs=lambda: (3.0, np.array([1.0, 2.0])), wrt=(0, 1))
    def scaled_energy(c, x): ...

Every function returns a real scalar and is smooth around its sample inputs. `inputs` makes fresh arguments
each time; `wrt` says which of them are differentiated; `order2` whether a second derivative may be checked.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from math import cos, pi, sin
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Program:
    """A function of the zoo, and what to call it with."""

    name: str
    fn: Callable[..., Any]
    make_inputs: Callable[[], tuple[Any, ...]]
    wrt: int | tuple[int, ...] = 0
    order2: bool = True


PROGRAMS: list[Program] = []


def program(
    inputs: Callable[[], tuple[Any, ...]], wrt: int | tuple[int, ...] = 0, order2: bool = True
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Put a function in the zoo; the function itself is unchanged."""

    def register(fn: Callable[..., Any]) -> Callable[..., Any]:
        PROGRAMS.append(Program(fn.__name__, fn, inputs, wrt, order2))
        return fn

    return register


def normal(*shape: int, seed: int = 0) -> np.ndarray:
    """Fixed standard normal numbers."""
    return np.random.default_rng(seed).standard_normal(shape)


def uniform(*shape: int, seed: int = 0) -> np.ndarray:
    """Fixed numbers between 0.5 and 1.5."""
    return np.random.default_rng(seed).uniform(0.5, 1.5, shape)


# --- Formulas of Python floats -------------------------------------------------------------------------


@program(inputs=lambda: (-2.0, 3.0), wrt=(0, 1))
def multiply_gate(x, y):
    return x * y


@program(inputs=lambda: (1.0, 2.0, -3.0, -1.0, 3.0), wrt=(0, 1, 2, 3, 4))
def neuron(a, b, c, x, y):
    return 1 / (1 + math.exp(-(a * x + b * y + c)))


@program(inputs=lambda: (2.0, 1.0), wrt=(0, 1))
def shared_sum(a, b):
    c = a + b
    d = b + 1
    return c * d


@program(inputs=lambda: (1.5, -0.5), wrt=(0, 1))
def shared_nodes(x, y):
    return x * x + x * y + (x + y) ** 2


@program(inputs=lambda: (-1.2, 1.0), wrt=(0, 1))
def rosenbrock(x, y):
    """The banana function."""
    return (1 - x) ** 2 + 100 * (y - x**2) ** 2


@program(inputs=lambda: (0.9, 0.04, 0.85, 0.3), wrt=(0, 1, 2, 3))
def haversine(lat1, lon1, lat2, lon2):
    half_lat = sin((lat2 - lat1) / 2)
    half_lon = sin((lon2 - lon1) / 2)
    a = half_lat**2 + cos(lat1) * cos(lat2) * half_lon**2
    return 2 * 6371.0 * math.asin(math.sqrt(a))


@program(inputs=lambda: (100.0, 95.0, 0.05, 0.2, 0.5), wrt=(0, 2, 3, 4))
def black_scholes_call(spot, strike, rate, volatility, maturity):
    def cdf(z):
        return 0.5 * (1 + math.erf(z / math.sqrt(2)))

    spread = volatility * math.sqrt(maturity)
    d1 = (math.log(spot / strike) + (rate + volatility**2 / 2) * maturity) / spread
    d2 = d1 - spread
    return spot * cdf(d1) - strike * math.exp(-rate * maturity) * cdf(d2)


@program(inputs=lambda: (0.6, 1.7), wrt=(0, 1))
def math_functions(x, y):
    a = math.tan(x) + math.atan2(x, y) + math.hypot(x, y) + math.log1p(x) + math.expm1(x)
    b = math.log2(y) * math.log10(y) + math.sinh(x) - math.cosh(y) * math.tanh(x)
    c = math.asinh(x) + math.acosh(y) + math.atanh(x) + math.acos(x) - math.atan(y)
    d = math.fabs(-x) + math.pow(y, x) + math.radians(x) + math.degrees(y) + math.log(y, 3)
    return a + b * c + d / pi + math.floor(y) * x


@program(inputs=lambda: (1.3, 2.4), wrt=(0, 1))
def power_tower(x, y):
    return x**y + y**x + pow(x, 3) + 2**x + x**-1.5 + pow(x, y) * x**2


@program(inputs=lambda: (7.3, 2.1), wrt=(0, 1))
def python_operators(x, y):
    return -x * +y + x % y - x // y + abs(-x) / y + (-x) % y + divmod(x, y)[1]


@program(inputs=lambda: (2.6,))
def rounding(x):
    return int(x) * x + round(x) * x**2 + round(x, 1) + math.floor(x) * math.ceil(x) * x


@program(inputs=lambda: (1.4, 0.2, -0.7), wrt=(0, 1, 2))
def builtin_extremes(x, y, z):
    largest = max(x, y, z)
    smallest = min(x * y, z)
    middle = sum((x, y, z)) - max([x, y, z]) - min((x, y, z))
    return largest**2 - smallest + 3 * middle + abs(z) + max(x, 0.0) * min(1.0, y)


@program(inputs=lambda: (0.8, 1.9), wrt=(0, 1))
def numpy_on_floats(x, y):
    u = np.exp(-x) * np.sin(y) + np.arctan2(y, x) + np.log1p(x) - np.expm1(-y)
    v = np.tanh(x) + np.sqrt(y) + np.maximum(x, y) * np.minimum(x, y) + np.abs(x - y)
    w = np.hypot(x, y) + np.logaddexp(x, y) + np.power(y, x) + np.square(x) + np.reciprocal(y)
    return u * v + w * np.sign(y)


@program(inputs=lambda: (np.float64(0.4),))
def numpy_scalar(x):
    return np.cosh(x) - np.arcsinh(x) * np.arctanh(x) + np.arcsin(x) * np.arccos(x) + np.tan(x) ** 2


@program(inputs=lambda: (np.array(1.7),))
def zero_dimensional_array(x):
    return np.log(x) * x + np.sinh(x) / x


@program(inputs=lambda: (1.1, 300.0), wrt=(0, 1))
def planck(wavelength, temperature):
    x = 14.388 / (wavelength * temperature / 100)
    return 1e2 / (wavelength**5 * math.expm1(x))


@program(inputs=lambda: (1.3,))
def constant_result(x):
    return 4.0 if x > 0 else x


# --- Assignment and unpacking --------------------------------------------------------------------------


@program(inputs=lambda: (1.2, 0.4, -0.9), wrt=(0, 1, 2))
def nested_unpacking(x, y, z):
    (a, b), c = (x * y, y + z), z * x
    [d, (e, f)] = a, (b, c)
    return d * e + f**2


@program(inputs=lambda: (1.2, 0.4, -0.9, 2.0), wrt=(0, 1, 2, 3))
def starred_unpacking(x, y, z, w):
    first, *middle, last = x, y * y, z, w
    head, *tail = middle
    *rest, end = (first, last)
    return first * sum(middle) + last * head + tail[0] * end + rest[0] * len(middle)


@program(inputs=lambda: (1.0, 2.0), wrt=(0, 1))
def tuple_swap(a, b):
    for _ in range(5):
        a, b = b, 0.5 * a + b
    a, b = b, a
    return a * b


@program(inputs=lambda: (1.5, 0.7), wrt=(0, 1))
def augmented_assignments(x, y):
    t = x
    t += y
    t *= x
    t -= y**2
    t /= x + y
    t **= 2
    t %= 5.0
    return t


@program(inputs=lambda: (1.5,))
def chained_assignment(x):
    a = b = x * x
    a += 1.0
    c: float = a * b
    return c


@program(inputs=lambda: (np.array([1.0, -2.0, 0.5]),))
def unpack_an_array(x):
    a, b, c = x
    row, (p, q) = np.outer(x, x)[0], x[:2]
    return a * b + c**2 + row[2] * p * q


@program(inputs=lambda: ((1.0, (2.0, 3.0)), [0.5, 0.25]), wrt=(0, 1))
def unpack_parameters(nested, pair):
    a, (b, c) = nested
    slope, offset = pair
    return a * b * c * slope + offset**2


@program(inputs=lambda: (0.7, 1.9), wrt=(0, 1))
def reassigned_names(x, y):
    x = x * y
    y = x + y
    x = math.sin(x) * y
    y = x
    return x * y


# --- Branches ------------------------------------------------------------------------------------------


@program(inputs=lambda: (0.4, 1.0, 2.0), wrt=(0, 1, 2))
def huber(x, target, delta):
    r = x - target
    if abs(r) <= delta:
        return 0.5 * r**2
    return delta * (abs(r) - 0.5 * delta)


@program(inputs=lambda: (2.2,))
def tax(income):
    if income < 1:
        owed = 0.0
    elif income < 2:
        owed = 0.1 * (income - 1)
    elif income < 3:
        owed = 0.1 + 0.2 * (income - 2) ** 2
    else:
        owed = 0.3 + 0.4 * (income - 3)
    return owed * income


@program(inputs=lambda: (0.5, 1.5), wrt=(0, 1))
def chained_comparison(x, y):
    if 0 < x < y <= 2:
        return x * y
    if x > y > 0 or x == y:
        return x / y
    return x + y


@program(inputs=lambda: (1.5, 0.3), wrt=(0, 1))
def operands_of_and_or(x, y):
    a = x and y
    b = 0.0 or x * y
    c = x > 1 and y < 1 and x - y
    d = (y > 1 and 100.0) or x**2
    return a + b * c + d


@program(inputs=lambda: (0.0, 2.0), wrt=1)
def short_circuit(x, y):
    if x != 0 and y / x > 1:
        return x
    if not x or 1 / x < 0:
        return y**2
    return 1.0


@program(inputs=lambda: (-0.8,))
def selu(x):
    scale, alpha = 1.0507, 1.6733
    return scale * (x if x > 0 else alpha * (math.exp(x) - 1) if x > -5 else -alpha)


@program(inputs=lambda: (1.3, 0.2), wrt=(0, 1))
def nested_branches(x, y):
    if x > 0:
        if y > x:
            z = x * y
        else:
            if x > 1:
                z = x**2 + y
                x = x + z
            else:
                z = y
    else:
        z = -x
    return x * z


@program(inputs=lambda: (1.3,))
def defined_on_one_branch(x):
    if x > 0:
        t = x**2
        sign = 1
    y = 3 * x
    if x > 0:
        y = y + sign * t
    return y


@program(inputs=lambda: (1.3, None, "soft", True), wrt=0)
def options(x, weight=None, kind="hard", bias=False):
    if weight is None:
        weight = 2.0
    out = weight * x
    if kind == "soft":
        out = np.log1p(np.exp(out))
    elif kind in ("hard", "relu"):
        out = max(out, 0.0)
    if bias and not isinstance(out, str):
        out += 1.0
    return out * x


@program(inputs=lambda: (np.array([0.5, -1.5]), np.array([2.0, 1.0])), wrt=(0, 1))
def branch_on_arrays(x, y):
    if np.any(x < 0) and x.shape == y.shape:
        z = np.where(x < 0, -x * y, x + y)
    else:
        z = x * y
    return z @ z


@program(inputs=lambda: (0.3,))
def branch_changes_several_names(x):
    a, b, c = x, 2 * x, 3.0
    if a < b:
        a, c = b * c, a * b
    else:
        b = a
    return a * b + c


# --- For loops -----------------------------------------------------------------------------------------


@program(inputs=lambda: (1.7,))
def horner(x):
    total = 0.0
    for coefficient in (2.0, -1.0, 0.5, 3.0):
        total = total * x + coefficient
    return total


@program(inputs=lambda: (np.array([0.3, 1.2, -0.7]), 0.9), wrt=(0, 1))
def discounted_sum(rewards, gamma):
    total, factor = 0.0, 1.0
    for reward in rewards:
        total += factor * reward
        factor *= gamma
    return total


@program(inputs=lambda: (normal(3, 2), normal(2, seed=1)), wrt=(0, 1))
def loop_over_rows(m, v):
    s = 0.0
    for row in m:
        s = s + np.tanh(row @ v) * row[0]
    return s


@program(inputs=lambda: (normal(4), normal(4, seed=1)), wrt=(0, 1))
def dot_product_by_index(w, x):
    s = 0.0
    for i in range(len(x)):
        s += w[i] * x[i]
    return s


@program(inputs=lambda: ([0.5, 1.5, -1.0], np.array([1.0, 2.0, 3.0])), wrt=(0, 1))
def loop_with_zip(weights, x):
    s = 1.0
    for w, value in zip(weights, x):
        s = s * (1 + w * value)
    return s


@program(inputs=lambda: (np.array([1.0, 0.5, 2.0]), (0.1, 0.2, 0.3)), wrt=(0, 1))
def loop_with_enumerate(x, shifts):
    s = 0.0
    for i, (value, shift) in enumerate(zip(x, shifts), start=1):
        s += i * math.sin(value + shift) ** i
    return s


@program(inputs=lambda: (np.array([1.0, 0.5, 2.0]),))
def continued_fraction(a):
    value = 0.0
    for term in reversed(a):
        value = 1 / (term + value)
    return value


@program(inputs=lambda: (np.array([1.0, 0.5, 2.0, -1.0]),))
def reversed_range(x):
    s = 0.0
    for i in reversed(range(len(x))):
        s = s * 0.5 + x[i] ** 2
    for i in range(len(x) - 1, 0, -2):
        s = s + x[i] * x[i - 1]
    return s


@program(inputs=lambda: (normal(3, 3),))
def upper_triangle(x):
    s = 0.0
    for i in range(3):
        for j in range(i, 3):
            s += x[i, j] ** 2 * (i + 1)
    return s


@program(inputs=lambda: (1.1,))
def break_and_continue(x):
    s = 0.0
    for i in range(10):
        if i % 2 == 1:
            continue
        if i > 5:
            break
        s += x**i
    return s


@program(inputs=lambda: (1.2,))
def break_on_a_value(x):
    s, n = 1.0, 0
    for n in range(100):
        if s > 3.0:
            break
        s = s * x + 0.05
    return s * n


@program(inputs=lambda: (np.array([0.5, 0.2, 0.9]), 5.0), wrt=(0, 1))
def loop_else(x, y):
    for v in x:
        if v > 2:
            break
        y = y * v
    else:
        y = y + v
    for v in x:
        if v < 0.3:
            y = y * v
            break
    else:
        y = 1000.0
    return y


@program(inputs=lambda: (np.array([1.0, 2.0, 3.0]),))
def return_from_nested_loops(x):
    for i in range(3):
        for j in range(3):
            if i * j == 2:
                return x[i] * x[j]
    return x[0]


@program(inputs=lambda: (np.array([0.2, 0.3, 0.9]), 1.0), wrt=0)
def return_at_a_threshold(x, limit):
    total = 0.0
    for v in x:
        total = total + v * v
        if total > limit:
            return total**2
    return 3.0 * total


@program(inputs=lambda: (3.0, 0))
def zero_trips(x, n):
    s = x * x
    for i in range(n):
        s = s * x + i
    return s


@program(inputs=lambda: (2.0,))
def names_after_a_loop(x):
    for i in range(1, 4):
        t = x * i
    return t * i


@program(inputs=lambda: (1.1, 3))
def overwritten_in_a_loop(x, n):
    s = 1.0
    for i in range(n):
        s = s * x + i
        s = math.sin(s) * s
    return s


@program(inputs=lambda: (np.array([1.3, -0.4, 0.8, -2.0]),))
def branch_in_a_loop(x):
    up = down = 0.0
    for v in x:
        if v > 0:
            up += v**2
        else:
            step = v * up
            down -= step
    return up * down


@program(inputs=lambda: (0.4,))
def nested_loops_with_carried_state(x):
    a, b = x, 1.0
    for i in range(3):
        c = a
        for j in range(i + 1):
            c = c * b + j
            b = math.cos(c)
        a = a + c / (i + 1)
    return a * b


@program(inputs=lambda: (0.9, np.array([2.0, 1.5, -1.0, 0.25])), wrt=(0, 1))
def pursuit(k, targets):
    x, cost = 0.0, 0.0
    for target in targets:
        gap = target - x
        step = k * np.sign(gap) if abs(gap) > 1.0 else k * gap
        x = x + step
        cost = cost + gap**2
    return cost


@program(inputs=lambda: (np.array([0.5, 1.5, 1.0]),))
def loop_over_linspace(c):
    s = 0.0
    for t in np.linspace(0.0, 1.0, 5):
        s += (c[0] + c[1] * t + c[2] * t**2) ** 2
    return s / 5


# --- While loops ---------------------------------------------------------------------------------------


@program(inputs=lambda: (2.0,))
def newton_sqrt(a):
    y = a
    while abs(y * y - a) > 1e-12:
        y = 0.5 * (y + a / y)
    return y


@program(inputs=lambda: (0.8, 0.4), wrt=(0, 1))
def kepler(mean_anomaly, eccentricity):
    e = mean_anomaly
    while True:
        step = (e - eccentricity * math.sin(e) - mean_anomaly) / (1 - eccentricity * math.cos(e))
        e = e - step
        if abs(step) < 1e-13:
            break
    return e


@program(inputs=lambda: (1.0, 0.6), wrt=(0, 1))
def arithmetic_geometric_mean(a, b):
    while abs(a - b) > 1e-14:
        a, b = (a + b) / 2, math.sqrt(a * b)
    return a


@program(inputs=lambda: (1.9,))
def power_until_large(x):
    y = x
    while y < 10:
        y = y * x
    return y


@program(inputs=lambda: (6.0, 0.9))
def collatz(x, damping):
    n, s = 6, x
    while n != 1:
        if n % 2 == 0:
            n = n // 2
            s = s * damping
        else:
            n = 3 * n + 1
            s = s + math.log(x)
    return s


@program(inputs=lambda: (1.5,))
def while_else(x):
    n = 0
    while n < 4:
        n += 1
        if n == 2:
            continue
        x = x + math.sin(n * x)
        if x > 50:
            break
    else:
        x = x**2
    while n > 10:
        x = 0.0
    return x


@program(inputs=lambda: (0.4,))
def return_from_while(x):
    total, k = 0.0, 1
    term = x
    while True:
        total += term
        k += 1
        term = term * x / k
        if abs(term) < 1e-15:
            return total


@program(inputs=lambda: (np.array([0.3, 0.9, 0.1]),))
def while_over_an_array(x):
    i, s = 0, 1.0
    while i < len(x) and s > 0.2:
        s = s * math.cos(x[i])
        i += 1
    return s * i


@program(inputs=lambda: (0.7, 0.5), wrt=(0, 1))
def fixed_point_iteration(a, x0):
    x = x0
    previous = x + 1
    count = 0
    while abs(x - previous) > 1e-13 and count < 200:
        previous, x = x, math.cos(a * x)
        count += 1
    return x


# --- Functions -----------------------------------------------------------------------------------------


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def relu(z):
    return np.maximum(z, 0.0)


def logsumexp(x):
    m = np.max(x)
    return m + np.log(np.sum(np.exp(x - m)))


def softmax(x, axis=-1):
    e = np.exp(x - np.max(x, axis=axis, keepdims=True))
    return e / np.sum(e, axis=axis, keepdims=True)


def quadratic_roots(a, b, c):
    d = math.sqrt(b * b - 4 * a * c)
    return (-b - d) / (2 * a), (-b + d) / (2 * a)


def power(x, n=2, *, scale=1.0):
    """x to the n, scaled."""
    if n == 0:
        return scale
    return scale * x**n


def factorial_like(x, n):
    return 1.0 if n == 0 else (x + n) * factorial_like(x, n - 1)


def is_even_path(x, n):
    if n == 0:
        return x
    return is_odd_path(x * 1.1, n - 1)


def is_odd_path(x, n):
    if n == 0:
        return -x
    return is_even_path(math.sin(x), n - 1)


def add_up(fn, xs):
    total = 0.0
    for x in xs:
        total += fn(x)
    return total


GRAVITY = 9.81


@program(inputs=lambda: (1.0, -5.0, 6.5 - 1.0), wrt=(0, 1, 2))
def call_returning_a_tuple(a, b, c):
    low, high = quadratic_roots(a, b, c)
    return high - low * high


@program(inputs=lambda: (1.3,))
def keyword_arguments(x):
    return power(x) + power(x, 3) + power(x=x, n=4, scale=0.5) + power(x, 0, scale=x)


@program(inputs=lambda: (0.7,))
def same_helper_float_and_array(x):
    return sigmoid(x) + np.sum(sigmoid(np.array([x, 2 * x]))) + np.mean(sigmoid(np.ones((2, 2)) * x))


@program(inputs=lambda: (1.2, 4))
def recursion(x, n):
    return factorial_like(x, n)


@program(inputs=lambda: (0.9,))
def mutual_recursion(x):
    return is_even_path(x, 4) * is_odd_path(x, 2)


@program(inputs=lambda: (0.9, 5))
def self_recursion(x, depth=3):
    if depth == 0:
        return x
    half = self_recursion(x / 2, depth - 1)
    return half + math.sin(half)


@program(inputs=lambda: (1.4,))
def lambdas(x):
    square = lambda t: t * t
    cube, shifted = (lambda t: t**3), (lambda t, by=2.0: t + by)
    return square(x) + cube(x) * shifted(x) + shifted(x, by=x) + (lambda: x)()


@program(inputs=lambda: (2.0, 0.5), wrt=(0, 1))
def closure_over_active(x, y):
    slope = x * y

    def line(t):
        return slope * t + x

    return line(3.0) + line(y)


@program(inputs=lambda: (0.8,))
def nested_functions(x):
    """A function in a function in a function."""

    def outer(a):
        b = a * x

        def inner(c):
            return c * b + x

        return inner(a) + inner(2.0)

    return outer(x) + outer(1.0)


@program(inputs=lambda: (np.array([0.3, 0.8]), 1.5), wrt=(0, 1))
def function_as_argument(xs, k):
    return add_up(math.sin, xs) + add_up(lambda t: k * t**2, xs) * k


@program(inputs=lambda: (1.2,))
def global_constant(t):
    return 0.5 * GRAVITY * t**2


@program(inputs=lambda: (0.3, 1.1), wrt=(0, 1))
def integrate_a_function(a, b):
    def simpson(f, lo, hi, n=4):
        h = (hi - lo) / n
        s = f(lo) + f(hi)
        for i in range(1, n):
            s += (4 if i % 2 else 2) * f(lo + i * h)
        return s * h / 3

    return simpson(lambda t: math.exp(-t * t), a, b)


# --- Assertions, exceptions, printing ------------------------------------------------------------------


@program(inputs=lambda: (np.array([0.2, 0.5, 0.3]),))
def entropy_with_checks(p):
    assert p.ndim == 1, "a vector is expected"
    assert abs(np.sum(p) - 1.0) < 0.1
    if np.any(p <= 0):
        raise ValueError(f"probabilities must be positive, got {p}")
    return -np.sum(p * np.log(p))


@program(inputs=lambda: (2.0, "fahrenheit"))
def raise_on_unknown(x, unit):
    if unit == "celsius":
        return x
    elif unit == "fahrenheit":
        return (x - 32) / 1.8 * x
    else:
        raise KeyError(unit)


@program(inputs=lambda: (0.5, 3))
def descent_with_prints(x, steps):
    print("start", x)
    for i in range(steps):
        slope = 4 * x**3 - 2 * x
        x = x - 0.1 * slope
        print(f"step {i}: x = {x:.4f}, slope = {slope!r}")
    message = f"ended at {x:.3f} after {steps} steps"
    print(message, end="\n\n")
    return x**4 - x**2


@program(inputs=lambda: (np.array([1.0, 2.0]),))
def print_an_array(x):
    y = x**2
    print("y =", y, "sum", y.sum(), sep=" | ")
    y[0] = 0.0
    print(y)
    return np.sum(y * x)


# --- Array methods and attributes ----------------------------------------------------------------------


@program(inputs=lambda: (normal(3, 4),))
def reduction_methods(x):
    a = x.sum(axis=0).mean() + x.mean(axis=1).sum()
    b = x.max() - x.min(axis=0).sum() + x.prod(axis=1).max()
    c = x.var() + x.std(axis=0).sum() + x.var(axis=1, ddof=1).sum()
    return a * b + c


@program(inputs=lambda: (normal(2, 3), normal(3, seed=1)), wrt=(0, 1))
def shape_attributes(x, y):
    n, m = x.shape
    z = (x @ y) / x.shape[1] + len(x) * x.T.reshape(m, n)[0]
    return z.dot(z) * x.ndim / x.size + y.sum() / len(y)


@program(inputs=lambda: (normal(2, 6),))
def reshape_and_transpose(x):
    y = x.reshape(2, 3, -1)
    z = np.transpose(y, (2, 0, 1)).reshape((4, 3))
    w = y.transpose(1, 0, 2).reshape(-1)
    return np.sum(z[1] * z[2]) + np.sum(w * np.arange(12.0)) + x.T[0] @ x.T[1]


@program(inputs=lambda: (np.array([1.5, -0.5]),))
def scalars_out_of_arrays(x):
    return float(x[0]) * x.sum().item() + x[1].item() ** 2 + float(np.sum(x**2))


@program(inputs=lambda: (normal(4),))
def copies(x):
    y = x.copy()
    y[0] = 2.0
    z = np.array(x)
    z[1] = x[0] ** 2
    w = np.asarray(x)
    v = np.copy(x) * 2
    return np.sum(x * y) + np.sum(z * w) + v @ x


@program(inputs=lambda: (normal(3, 3),))
def cumulative_sums(x):
    c = np.cumsum(x, axis=1)
    return np.sum(c * c) + x.cumsum(axis=0)[1, 2] * np.cumsum(x)[4]


@program(inputs=lambda: (normal(3), normal(2, seed=1)), wrt=(0, 1))
def join_and_stack(x, y):
    a = np.concatenate([x, y, 2 * x[:1]])
    b = np.stack([x, x**2, np.sin(x)], axis=1)
    c = np.concatenate((b, np.outer(y, x)), axis=0)
    return np.sum(a**2) + np.sum(np.tanh(c)) + np.sum(np.stack((y, y)) * np.array([[1.0, 2.0], [3.0, 4.0]]))


@program(inputs=lambda: (normal(3), normal(2, 3, seed=1)), wrt=(0, 1))
def broadcasting(x, m):
    column = np.expand_dims(x, 1)
    grid = column * x + x[None, :] / (2 + np.cos(x[:, np.newaxis]))
    big = np.broadcast_to(x, (2, 3)) * m
    thin = np.squeeze(m[:1] + 1.0) * m
    return np.sum(grid) + np.sum(big - x) + np.sum(thin) * np.sum(m * 2.0 + x[0])


@program(inputs=lambda: (np.array([-1.5, 0.3, 2.5]),))
def clip_and_where(x):
    y = np.clip(x, -1.0, 1.0) * x
    z = np.where(x > 0, np.sqrt(np.where(x > 0, x, 1.0)), 0.0)
    return np.sum(y) + np.sum(z) + np.sum(np.where(x < 0, x**2, 5.0)) + x.clip(0.0, 1.0).sum()


@program(inputs=lambda: (np.array([1.0, 2.0, 4.0]), np.array([True, False, True])))
def masked_mean(x, mask):
    return np.sum(x**2, where=mask) / np.sum(mask) + np.mean(x, where=mask)


@program(inputs=lambda: (normal(5),))
def argmax_and_counts(x):
    k = int(np.argmax(x))
    return x[k] * (x > 0.0).sum() + x[np.argsort(x)[0]] * len(x[x > 0])


# --- Reading elements and slices -----------------------------------------------------------------------


@program(inputs=lambda: (normal(6),))
def total_variation(x):
    d = x[1:] - x[:-1]
    return np.sum(np.sqrt(d**2 + 0.01)) + np.sum(x[::2] * x[1::2]) + x[::-1][0] * x[-2]


@program(inputs=lambda: (normal(3, 4),))
def rows_and_columns(m):
    return (
        m[0] @ m[1]
        + np.sum(m[:, 1] * m[:, -1])
        + m[1, 2] * m[-1][0]
        + np.sum(m[1:, ::2] ** 2)
        + np.sum(m[..., 3])
    )


@program(inputs=lambda: (normal(5, 3), np.array([0, 2, 2, 4])))
def embedding_lookup(table, ids):
    vectors = table[ids]
    return np.sum(vectors[0] * vectors[1]) + np.sum(vectors**2)


@program(inputs=lambda: (np.array([-1.0, 2.0, 0.5, -3.0]),))
def boolean_selection(x):
    positive = x[x > 0]
    return np.sum(positive**2) * np.mean(x[x < 0])


@program(inputs=lambda: (normal(4, 4), 2))
def computed_index(m, k):
    s = 0.0
    for i in range(4):
        j = (i * k + 1) % 4
        s += m[i, j] * m[j][i]
    return s


# --- Writing elements and slices -----------------------------------------------------------------------


@program(inputs=lambda: (3.2, 0.4), wrt=(0, 1))
def logistic_map(r, x0):
    x = np.zeros(6)
    x[0] = x0
    for i in range(5):
        x[i + 1] = r * x[i] * (1 - x[i])
    return x[-1] + np.sum(x)


@program(inputs=lambda: (uniform(5),))
def cumulative_product_by_hand(x):
    out = np.empty_like(x)
    running = 1.0
    for i in range(len(x)):
        running *= x[i]
        out[i] = running
    return np.sum(out * np.arange(1.0, 6.0))


@program(inputs=lambda: (normal(4),))
def overwrites(x):
    y = x**2
    y[0] = 5.0
    y[1] *= y[2]
    y[3] += y[0] * x[0]
    y[2] = y[1] + y[2]
    return np.sum(y * y)


@program(inputs=lambda: (normal(2, 3), normal(3, seed=1)), wrt=(0, 1))
def slice_writes(m, v):
    z = np.zeros((4, 3))
    z[:2] = m
    z[2:, :] = v
    z[1, :] += v * v
    z[:, 0] *= 2.0
    z[3, 1:] -= m[0, :2]
    z[0] = z[1] * z[2]
    return np.sum(np.sin(z))


@program(inputs=lambda: (uniform(3, 3), uniform(3, 3, seed=1)), wrt=(0, 1))
def matmul_by_hand(a, b):
    c = np.zeros((3, 3))
    for i in range(3):
        for j in range(3):
            for k in range(3):
                c[i, j] += a[i, k] * b[k, j]
    return np.sum(c**2)


@program(inputs=lambda: (normal(6), 0.1), wrt=(0, 1))
def heat_equation(u0, r):
    u = u0.copy()
    for _ in range(4):
        u[1:-1] = u[1:-1] + r * (u[2:] - 2 * u[1:-1] + u[:-2])
        u[0] = u[1]
        u[-1] = 0.5
    return np.sum(u**2)


@program(inputs=lambda: (normal(4, 4), 0.2), wrt=(0, 1))
def heat_equation_2d(u, r):
    for _ in range(3):
        new = u.copy()
        new[1:-1, 1:-1] += r * (u[2:, 1:-1] + u[:-2, 1:-1] + u[1:-1, 2:] + u[1:-1, :-2] - 4 * u[1:-1, 1:-1])
        u = new
    return np.sum(u[1:-1, 1:-1] ** 2)


@program(inputs=lambda: (np.tril(uniform(3, 3)) + np.eye(3), normal(3)), wrt=(0, 1))
def forward_substitution(lower, b):
    x = np.zeros(3)
    for i in range(3):
        x[i] = (b[i] - lower[i, :i] @ x[:i]) / lower[i, i]
    return x @ x


@program(inputs=lambda: (uniform(3), uniform(4) + 3, uniform(3, seed=1), normal(4)), wrt=(0, 1, 2, 3))
def thomas_algorithm(low, diagonal, high, rhs):
    n = len(diagonal)
    c, d = np.zeros(n), np.zeros(n)
    c[0] = high[0] / diagonal[0]
    d[0] = rhs[0] / diagonal[0]
    for i in range(1, n):
        pivot = diagonal[i] - low[i - 1] * c[i - 1]
        if i < n - 1:
            c[i] = high[i] / pivot
        d[i] = (rhs[i] - low[i - 1] * d[i - 1]) / pivot
    x = d.copy()
    for i in range(n - 2, -1, -1):
        x[i] -= c[i] * x[i + 1]
    return np.sum(x**2)


@program(inputs=lambda: (np.array([[4.0, 1.0, 0.5], [1.0, 3.0, 0.2], [0.5, 0.2, 2.0]]),))
def cholesky_by_hand(a):
    n = a.shape[0]
    low = np.zeros((n, n))
    for i in range(n):
        for j in range(i + 1):
            s = a[i, j]
            for k in range(j):
                s = s - low[i, k] * low[j, k]
            if i == j:
                low[i, j] = np.sqrt(s)
            else:
                low[i, j] = s / low[j, j]
    return np.sum(low * np.arange(9.0).reshape(3, 3))


@program(inputs=lambda: (np.array([0.9, -1.2, 0.4, 0.1]),))
def bubble_sort(x):
    y = x.copy()
    n = len(y)
    for i in range(n):
        for j in range(n - 1 - i):
            if y[j] > y[j + 1]:
                y[j], y[j + 1] = y[j + 1], y[j]
    return np.sum(y * np.array([1.0, 10.0, 100.0, 1000.0]))


@program(inputs=lambda: (normal(3), normal(4, seed=1)), wrt=(0, 1))
def soft_time_warping(x, y):
    n, m = len(x), len(y)
    cost = np.full((n + 1, m + 1), 1e3)
    cost[0, 0] = 0.0
    for i in range(1, n + 1):
        for j in range(1, m + 1):
            best = -np.logaddexp(-cost[i - 1, j], np.logaddexp(-cost[i, j - 1], -cost[i - 1, j - 1]))
            cost[i, j] = (x[i - 1] - y[j - 1]) ** 2 + best
    return cost[n, m]


@program(inputs=lambda: (np.array([0.5, -0.3, 1.2]),))
def write_in_a_branch(x):
    y = np.ones(3)
    for i in range(3):
        if x[i] > 0:
            y[i] = x[i] ** 2
        elif i == 1:
            y[i] -= x[i] * y[0]
    return np.sum(y) * y[1]


@program(inputs=lambda: (normal(5), normal(3, seed=1)), wrt=(0, 1))
def convolution_by_hand(signal, kernel):
    n, k = len(signal), len(kernel)
    out = np.zeros(n - k + 1)
    for i in range(n - k + 1):
        out[i] = np.sum(signal[i : i + k] * kernel[::-1])
    return np.sum(np.tanh(out))


@program(inputs=lambda: (normal(3),))
def polynomial_matrix(x):
    v = np.ones((3, 4))
    for j in range(1, 4):
        v[:, j] = v[:, j - 1] * x
    return np.sum(v @ np.array([1.0, -1.0, 0.5, 0.25]) * np.array([1.0, 2.0, 3.0]))


@program(inputs=lambda: (1.3, 4))
def write_an_active_scalar_everywhere(c, n):
    z = np.zeros((n, n))
    z[1:, :] = c
    z[0] = np.sin(c)
    for i in range(n):
        z[i, i] = c**i
    return np.sum(z**2)


# --- Simulation ----------------------------------------------------------------------------------------


def lotka_volterra(state, a, b):
    prey, predator = state
    return np.array([a * prey - b * prey * predator, b * prey * predator - predator])


@program(inputs=lambda: (np.array([1.0, 0.5]), 1.1, 0.8), wrt=(0, 1, 2))
def runge_kutta(y, a, b):
    h = 0.1
    for _ in range(5):
        k1 = lotka_volterra(y, a, b)
        k2 = lotka_volterra(y + h / 2 * k1, a, b)
        k3 = lotka_volterra(y + h / 2 * k2, a, b)
        k4 = lotka_volterra(y + h * k3, a, b)
        y = y + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
    return y[0] * y[1]


@program(inputs=lambda: (0.4, 0.0, 1.2), wrt=(0, 1, 2))
def pendulum_leapfrog(theta, omega, length):
    dt = 0.05
    for _ in range(10):
        omega = omega - 0.5 * dt * GRAVITY / length * math.sin(theta)
        theta = theta + dt * omega
        omega = omega - 0.5 * dt * GRAVITY / length * math.sin(theta)
    return 0.5 * omega**2 + theta**2


@program(inputs=lambda: (0.4, 0.1), wrt=(0, 1))
def sir_epidemic(beta, gamma):
    s, i, r = 0.99, 0.01, 0.0
    peak = 0.0
    for day in range(20):
        infected = beta * s * i
        recovered = gamma * i
        s, i, r = s - infected, i + infected - recovered, r + recovered
        peak = max(peak, i)
    return peak + r


@program(inputs=lambda: (normal(4, 2) * 2,))
def lennard_jones(positions):
    energy = 0.0
    n = len(positions)
    for i in range(n):
        for j in range(i + 1, n):
            d = positions[i] - positions[j]
            inverse6 = 1 / np.sum(d * d) ** 3
            energy += 4 * (inverse6**2 - inverse6)
    return energy


@program(inputs=lambda: (np.array([0.0, 1.1, 1.9, 3.2]), 2.0, 1.0), wrt=(0, 1, 2))
def spring_chain(x, stiffness, rest):
    stretch = x[1:] - x[:-1] - rest
    return 0.5 * stiffness * np.sum(stretch**2) + np.sum(np.cosh(0.1 * x))


@program(inputs=lambda: (1.0, 20.0, np.array([0.5, 0.4])), wrt=(0, 1, 2))
def projectile_with_drag(angle, speed, drag):
    position = np.zeros(2)
    velocity = speed * np.array([np.cos(angle), np.sin(angle)])
    dt = 0.05
    for _ in range(8):
        velocity = velocity + dt * (
            np.array([0.0, -GRAVITY]) - drag * np.linalg.norm(velocity) * velocity / 10
        )
        position = position + dt * velocity
    return position[0] - 0.5 * position[1]


@program(inputs=lambda: (1.5, np.random.default_rng(3)))
def noisy_walk(drift, rng):
    x = 0.0
    for _ in range(4):
        x = x * 0.9 + drift * rng.normal() + 0.1 * drift**2
    return x**2


# --- Linear algebra ------------------------------------------------------------------------------------


@program(inputs=lambda: (normal(3, 3) + 3 * np.eye(3), normal(3, seed=1)), wrt=(0, 1))
def linear_solve(a, b):
    x = np.linalg.solve(a, b)
    return x @ x + b @ x


@program(inputs=lambda: (normal(3, 3) + 3 * np.eye(3),))
def inverse_and_determinant(a):
    return np.sum(np.linalg.inv(a) ** 2) + np.log(np.linalg.det(a)) + np.linalg.norm(a)


@program(inputs=lambda: (normal(3, 3) + 3 * np.eye(3), normal(3, seed=1)), wrt=(0, 1))
def power_iteration(a, v):
    for _ in range(6):
        v = a @ v
        v = v / np.linalg.norm(v)
    return v @ a @ v


@program(inputs=lambda: (np.array([1.2, 0.7]),))
def newton_two_variables(p):
    x = np.array([1.0, 1.0])
    for _ in range(6):
        residual = np.array([x[0] ** 2 + x[1] - p[0] - 1, x[0] - x[1] ** 3 + p[1]])
        jacobian = np.array([[2 * x[0], 1.0], [1.0, -3 * x[1] ** 2]])
        x = x - np.linalg.solve(jacobian, residual)
    return x[0] * x[1]


@program(inputs=lambda: (normal(3, 3),))
def matrix_exponential_series(a):
    term = np.eye(3)
    total = np.eye(3)
    for k in range(1, 8):
        term = term @ a / k
        total = total + term
    return np.sum(total)


@program(inputs=lambda: (uniform(4, 4),))
def page_rank(weights):
    p = weights / np.sum(weights, axis=0)
    r = np.ones(4) / 4
    for _ in range(6):
        r = 0.85 * (p @ r) + 0.15 / 4
    return r[0] * r[2]


@program(inputs=lambda: (normal(4, 4) @ normal(4, 4).T + 4 * np.eye(4), normal(4, seed=1)), wrt=(0, 1))
def conjugate_gradient(a, b):
    x = np.zeros_like(b)
    r = b - a @ x
    p = r
    rr = r @ r
    for _ in range(3):
        ap = a @ p
        alpha = rr / (p @ ap)
        x = x + alpha * p
        r = r - alpha * ap
        rr_next = r @ r
        p = r + rr_next / rr * p
        rr = rr_next
    return np.sum(x)


@program(inputs=lambda: (normal(2, 3), normal(3, 4, seed=1), normal(2, 4, seed=2)), wrt=(0, 1, 2))
def einsum_products(a, b, c):
    bilinear = np.einsum("ij,jk,ik->", a, b, c)
    rows = np.einsum("ij,jk->ik", a, b) * c
    return bilinear + np.sum(np.sin(rows)) + np.einsum("ij,ij", a, a) + np.sum(np.einsum("ij->j", a) ** 2)


@program(inputs=lambda: (normal(2, 3, 2), normal(3, 2, 2, seed=1), normal(2, seed=2)), wrt=(0, 1, 2))
def tensor_products(a, b, v):
    c = np.tensordot(a, b, axes=([1, 2], [0, 1]))
    d = np.tensordot(a, v, axes=1)
    return np.sum(c**2) + np.sum(d) + np.dot(c, v) @ np.outer(v, v) @ v + np.dot(v, v)


@program(inputs=lambda: (normal(2, 3, 3), normal(3, 2, seed=1), normal(3, seed=2)), wrt=(0, 1, 2))
def matmul_ranks(batch, m, v):
    a = batch @ m
    b = batch @ v
    c = v @ batch
    d = np.matmul(v, m)
    return np.sum(a**2) + np.sum(b * c) + np.sum(np.dot(m.T, v) * d) + np.dot(v, v) * np.sum(m.dot(d))


@program(inputs=lambda: (normal(3, 3), normal(3, 2, seed=1)), wrt=(0, 1))
def layer_sum(x, w):
    n = x @ w
    s = sigmoid(n)
    return np.sum(s)


@program(inputs=lambda: (normal(4, 3), normal(3, seed=1)))
def rayleigh_quotient(x, v):
    centred = x - x.mean(axis=0)
    covariance = centred.T @ centred / (len(x) - 1)
    return (v @ covariance @ v) / (v @ v)


# --- Statistics and learning ---------------------------------------------------------------------------


@program(inputs=lambda: (normal(3), normal(6, 3, seed=1), (normal(6, seed=2) > 0) * 1.0))
def logistic_loss(w, x, y):
    p = 1 / (1 + np.exp(-(x @ w)))
    return -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))


@program(inputs=lambda: (normal(3), 0.1, normal(5, 3, seed=1), normal(5, seed=2), 0.3), wrt=(0, 1, 4))
def ridge(w, b, x, y, penalty):
    residual = x @ w + b - y
    return np.mean(residual**2) + penalty * np.sum(w**2)


@program(
    inputs=lambda: (np.array([0.9, -0.05, -1.3]), normal(5, 3, seed=1), normal(5, seed=2), 0.1), wrt=(0, 3)
)
def lasso_proximal_step(w, x, y, penalty):
    slope = x.T @ (x @ w - y) / len(y)
    moved = w - 0.1 * slope
    shrunk = np.sign(moved) * np.maximum(np.abs(moved) - 0.1 * penalty, 0.0)
    return 0.5 * np.sum((x @ shrunk - y) ** 2) + penalty * np.sum(np.abs(shrunk))


@program(inputs=lambda: (normal(4) * 3,))
def log_sum_exp(x):
    return logsumexp(x)


@program(inputs=lambda: (normal(4, 3), np.array([0, 2, 1, 1])))
def softmax_cross_entropy(logits, labels):
    shifted = logits - np.max(logits, axis=1, keepdims=True)
    log_p = shifted - np.log(np.sum(np.exp(shifted), axis=1, keepdims=True))
    return -np.mean(log_p[np.arange(len(labels)), labels])


def mlp_parameters() -> dict[str, np.ndarray]:
    return {"w1": normal(3, 4), "b1": normal(4, seed=1) / 5, "w2": normal(4, seed=2), "b2": np.array(0.1)}


@program(inputs=lambda: (mlp_parameters(), normal(5, 3, seed=3), normal(5, seed=4)))
def mlp_with_a_dict(params, x, y):
    hidden = np.tanh(x @ params["w1"] + params["b1"])
    predicted = hidden @ params["w2"] + params["b2"]
    return np.mean((predicted - y) ** 2)


@program(
    inputs=lambda: (
        [(normal(3, 4), normal(4, seed=1)), (normal(4, 2), normal(2, seed=2))],
        normal(5, 3, seed=3),
    )
)
def mlp_with_a_list_of_layers(layers, x):
    h = x
    for w, b in layers[:-1]:
        h = relu(h @ w + b)
    w, b = layers[-1]
    return np.mean(logsumexp(h @ w + b) ** 2)


@program(inputs=lambda: (0.5, np.array([0.6, 0.4, 1.2]), np.array([0.2, -0.3, 0.7])), wrt=(1, 2))
def ten_layers(x, w, v):
    h = x
    for _ in range(10):
        h = np.maximum(0.0, h * w[0] + w[1]) * w[2] + np.tanh(v[0] * h + v[1]) * v[2]
    return (h - 1.0) ** 2 / 2


@program(inputs=lambda: (0.8, 1.4, 0.6, 0.9), wrt=(1, 2))
def backpropagation(x, wh, wo, y):
    zh = x * wh
    h = np.maximum(zh, 0.0)
    zo = h * wo
    yhat = np.maximum(zo, 0.0)
    cost = (yhat - y) ** 2 / 2
    return cost


@program(
    inputs=lambda: (normal(4, 3), normal(3, 3, seed=1), normal(3, 3, seed=2), normal(3, 3, seed=3)),
    wrt=(1, 2, 3),
)
def attention(x, wq, wk, wv):
    q, k, v = x @ wq, x @ wk, x @ wv
    scores = q @ k.T / np.sqrt(q.shape[-1])
    return np.sum(softmax(scores) @ v * np.arange(12.0).reshape(4, 3))


@program(inputs=lambda: (normal(2, 12) / 2, normal(3, 12, seed=1) / 2, normal(4, 2, seed=2)), wrt=(0, 1))
def lstm(w, u, xs):
    n = u.shape[0]
    h, c = np.zeros(n), np.zeros(n)
    for x in xs:
        z = x @ w + h @ u
        i, f, o = sigmoid(z[:n]), sigmoid(z[n : 2 * n]), sigmoid(z[2 * n : 3 * n])
        c = f * c + i * np.tanh(z[3 * n :])
        h = o * np.tanh(c)
    return np.sum(h**2)


@program(inputs=lambda: (normal(3, 4), uniform(4), normal(4, seed=1)), wrt=(0, 1, 2))
def layer_norm(x, scale, shift):
    mean = np.mean(x, axis=-1, keepdims=True)
    var = np.var(x, axis=-1, keepdims=True)
    y = (x - mean) / np.sqrt(var + 1e-5) * scale + shift
    return np.sum(np.sin(y))


@program(
    inputs=lambda: (normal(4, 2), normal(3, 2, seed=1), np.array([0.2, 0.5, 0.3]), uniform(3)), wrt=(1, 2, 3)
)
def gaussian_mixture(x, means, weights, scales):
    total = 0.0
    for point in x:
        d = (point - means) / scales[:, None]
        log_density = -0.5 * np.sum(d**2, axis=1) - 2 * np.log(scales) - np.log(2 * np.pi)
        total += logsumexp(np.log(weights) + log_density)
    return -total / len(x)


@program(inputs=lambda: (normal(4), normal(4, seed=1), np.array([0.2, -0.3, 0.1])), wrt=2)
def gaussian_process(x, y, log_hyper):
    scale, length, noise = np.exp(log_hyper)
    gap = x[:, None] - x[None, :]
    k = scale * np.exp(-0.5 * (gap / length) ** 2) + noise * np.eye(len(x))
    fit = y @ np.linalg.solve(k, y)
    return 0.5 * (fit + np.log(np.linalg.det(k)) + len(x) * np.log(2 * np.pi))


@program(inputs=lambda: (0.1, 0.3, normal(5)), wrt=(0, 1, 2))
def kalman_scalar(q, r, observations):
    mean, var, nll = 0.0, 1.0, 0.0
    for z in observations:
        var = var + q
        innovation = z - mean
        s = var + r
        gain = var / s
        mean = mean + gain * innovation
        var = (1 - gain) * var
        nll += 0.5 * (np.log(s) + innovation**2 / s)
    return nll


@program(inputs=lambda: (np.array([[1.0, 0.1], [0.0, 0.9]]), np.array([0.3, 0.2]), normal(4)), wrt=(0, 1))
def kalman_matrix(a, noise, observations):
    h = np.array([[1.0, 0.0]])
    mean, cov, nll = np.zeros(2), np.eye(2), 0.0
    for z in observations:
        mean = a @ mean
        cov = a @ cov @ a.T + noise[0] * np.eye(2)
        s = h @ cov @ h.T + noise[1]
        gain = cov @ h.T @ np.linalg.inv(s)
        innovation = z - h @ mean
        mean = mean + gain @ innovation
        cov = (np.eye(2) - gain @ h) @ cov
        nll = nll + 0.5 * (np.log(s[0, 0]) + innovation[0] ** 2 / s[0, 0])
    return nll


@program(inputs=lambda: (np.array([0.3, 0.2, 0.3]), normal(6) / 2))
def garch(params, returns):
    omega, alpha, beta = params
    variance = np.empty(len(returns))
    variance[0] = omega / (1 - alpha - beta)
    for t in range(1, len(returns)):
        variance[t] = omega + alpha * returns[t - 1] ** 2 + beta * variance[t - 1]
    return 0.5 * np.sum(np.log(variance) + returns**2 / variance)


@program(inputs=lambda: (uniform(3, 3), uniform(3, 2, seed=1), np.array([0, 1, 1, 0])), wrt=(0, 1))
def hidden_markov_forward(transition, emission, symbols):
    transition = transition / transition.sum(axis=1, keepdims=True)
    emission = emission / emission.sum(axis=1, keepdims=True)
    alpha = emission[:, symbols[0]] / 3
    log_likelihood = 0.0
    for symbol in symbols[1:]:
        alpha = (alpha @ transition) * emission[:, symbol]
        total = np.sum(alpha)
        log_likelihood += np.log(total)
        alpha = alpha / total
    return log_likelihood


@program(inputs=lambda: (np.array([0.3, -0.2]), normal(5, 2), np.array([1.0, 0.0, 2.0, 3.0, 1.0])))
def poisson_regression(w, x, counts):
    log_rate = np.dot(x, w)
    return np.sum(np.exp(log_rate) - counts * log_rate)


@program(inputs=lambda: (normal(2), normal(2, seed=1), normal(4, 2, seed=2)), wrt=(0, 1))
def evidence_lower_bound(mu, log_sigma, noise):
    total = 0.0
    for e in noise:
        z = mu + np.exp(log_sigma) * e
        total += -0.5 * np.sum((z - 1) ** 2) - np.sum(np.cos(z))
    return total / len(noise) + np.sum(log_sigma)


@program(inputs=lambda: (normal(3), normal(3, seed=1)), wrt=(0, 1))
def cosine_similarity(u, v):
    return np.dot(u, v) / (np.linalg.norm(u) * np.linalg.norm(v))


@program(inputs=lambda: (normal(4, 2), normal(3, 2, seed=1)), wrt=(0, 1))
def soft_k_means(x, centres):
    d2 = np.sum((x[:, None, :] - centres[None, :, :]) ** 2, axis=-1)
    return -np.sum(np.log(np.sum(np.exp(-d2), axis=1)))


@program(inputs=lambda: (np.array([0.5, -0.2]), 0.1, normal(4, 2), normal(4, seed=1)), wrt=(0, 1))
def unrolled_training(w, rate, x, y):
    for _ in range(5):
        error = x @ w - y
        w = w - rate * 2 * x.T @ error / len(y)
    return np.mean((x @ w - y) ** 2)


@program(inputs=lambda: (np.array([0.3, 0.5, 0.2]), normal(3), normal(3, 3, seed=1)), wrt=(0, 1))
def portfolio(weights, expected, factor):
    covariance = factor @ factor.T + 0.1 * np.eye(3)
    risk = np.sqrt(weights @ covariance @ weights)
    return (weights @ expected - 0.02) / risk


@program(inputs=lambda: (uniform(4),))
def products(x):
    return np.prod(x) + np.prod(np.outer(x, x), axis=0)[1] + x.prod() * np.max(x)


@program(inputs=lambda: (normal(8),))
def discrete_fourier_power(x):
    n = len(x)
    power_sum = 0.0
    for k in range(1, 4):
        angle = 2 * np.pi * k * np.arange(n) / n
        re = np.sum(x * np.cos(angle))
        im = np.sum(x * np.sin(angle))
        power_sum += (re**2 + im**2) / k
    return power_sum


@program(
    inputs=lambda: (
        {"line": {"slope": 2.0, "offset": np.float64(0.5)}, "noise": [0.3, 0.1]},
        np.array([1.0, 2.0]),
    )
)
def nested_parameters(p, t):
    line = p["line"]
    y = line["slope"] * t + line["offset"]
    return np.sum(y**2) * p["noise"][0] + math.exp(p["noise"][1])


@program(inputs=lambda: (np.full(3, 0.5), np.zeros((0, 3)), 4))
def empty_batch(w, x, n):
    return np.sum((x @ w) ** 2) / n + np.sum(w**3)


# --- Single precision ----------------------------------------------------------------------------------


@program(
    inputs=lambda: (normal(3).astype(np.float32), normal(4, 3, seed=1).astype(np.float32)),
    wrt=(0, 1),
    order2=False,
)
def single_precision_layer(w, x):
    z = np.tanh(x @ w) * 2.0 + 1.0
    return np.mean(z**2) + 0.5 * np.sum(np.abs(w))


@program(inputs=lambda: (np.float32(0.7),), order2=False)
def single_precision_scalar(x):
    return np.sin(x) * x**2 + 1.0 / x


@program(inputs=lambda: (normal(4).astype(np.float32),), order2=False)
def single_precision_writes(x):
    y = np.zeros_like(x)
    for i in range(1, 4):
        y[i] = 0.5 * y[i - 1] + x[i] ** 2
    return y.sum() * x[0]
