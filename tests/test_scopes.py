"""Names and scopes: what a program reads and writes outside of itself, and which function a call means."""

from __future__ import annotations

import contextlib
import functools
import math
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from diffcompile import DiffCompileError, grad, jvp, value_and_grad
from differing import assert_right

PROGRAMS: list[Callable[..., Any]] = []
LOG: list[Any] = []
SCALE = 2.0
COUNT = 3
WEIGHTS = np.array([1.0, 2.0])
CHOSEN = math.sin
count = 0
HERE = sys.modules[__name__]


def right(fn: Callable[..., Any]) -> Callable[..., Any]:
    PROGRAMS.append(fn)
    return fn



class Config:
    scale = 2.5
    n = 2
    table = (1.0, 2.0)


@right
def late_binding(x):
    fs = [lambda: x * i for i in range(3)]
    return sum(h() for h in fs)


@right
def functions_appended_in_a_loop(x):
    fs = []
    for i in range(3):
        fs.append(lambda y: x * i * y)
    return sum(h(2.0) for h in fs)


@right
def dict_of_functions(x):
    fs = {'a': lambda y: y * x, 'b': lambda y: y + x}
    t = 0.0
    for k in ('a', 'b', 'a'):
        t += fs[k](3.0)
    return t


@right
def early_binding_by_a_default(x):
    fs = []
    for i in range(3):
        fs.append(lambda y, i=i: x * i * y)
    return fs[0](1.0) + fs[1](x) + fs[2](2.0)


@right
def global_counter(x):
    global count
    count += 1
    return x * x


@right
def global_log(x):
    LOG.append(1)
    return x * x * 2


@right
def nonlocal_two_levels(x):
    t = 0.0

    def outer():
        nonlocal t

        def inner(v):
            nonlocal t
            t += v
        inner(x)
        inner(2 * x)
    outer()
    return t * x


@right
def walrus_in_a_comprehension(x):
    return sum([(y := (v * x)) * 2 for v in (1.0, 2.0)]) + y


@right
def walrus_in_a_test(x):
    if (z := (x * 2)) > 1:
        return z * z
    return z


@right
def class_constants(x):
    return x ** Config.n * Config.scale + Config.table[1]


def deco(f):

    @functools.wraps(f)
    def wrapper(*args, **kwargs):
        return 2.0 * f(*args, **kwargs)
    return wrapper


@deco
def helper(x, k=2.0):
    return x * x * k


@functools.lru_cache
def cached(x):
    return x * 3.0


@right
def decorated_helpers(x):
    return helper(x) + helper(x, k=3.0) + cached(x)


def plain_deco(f):

    def w(y):
        return f(y) + y
    return w


@plain_deco
def helper2(x):
    return x * x


@right
def decorator_without_wraps(x):
    return helper2(x)


OPS = [np.sin, np.cos, lambda t: t * t]


@right
def list_of_functions_by_number(x):
    t = 0.0
    for k in range(3):
        t += OPS[k](x)
    return t


@right
def dict_of_functions_by_string(x):
    ops = {'sin': math.sin, 'sq': lambda t: t * t}
    t = 0.0
    for k in ['sin', 'sq', 'sin']:
        t += ops[k](x)
    return t


@right
def conditional_function(x):
    g = math.sin if x > 1 else math.cos
    return g(x) * x


@right
def definition_in_a_branch(x):
    if x > 1:

        def g(t):
            return t * t
    else:

        def g(t):
            return t
    return g(x)


def even(n, x):
    return x if n == 0 else odd(n - 1, x * 2)


def odd(n, x):
    return x * x if n == 0 else even(n - 1, x + 1)


@right
def mutual_recursion(x):
    return even(3, x)


def rec(x, n=3, *, k=2.0):
    return x if n == 0 else k * rec(x * x, n - 1, k=k)


@right
def recursion_with_defaults(x):
    return rec(x)


def fibonacci(n, x, memo):
    if n in memo:
        return memo[n]
    memo[n] = x if n < 2 else fibonacci(n - 1, x, memo) * x + fibonacci(n - 2, x, memo)
    return memo[n]


@right
def recursion_with_a_memo(x):
    return fibonacci(7, x, {})


@right
def recursion_with_a_memo_outside(x):
    memo = {0: x, 1: 1.0}

    def at(n):
        if n not in memo:
            memo[n] = at(n - 1) * x - at(n - 2)
        return memo[n]

    return at(5)


def lattice_paths(i, j, x, memo):
    if i == 0 or j == 0:
        return x
    if (i, j) not in memo:
        memo[i, j] = lattice_paths(i - 1, j, x, memo) * x + lattice_paths(i, j - 1, x, memo)
    return memo[i, j]


@right
def recursion_with_a_memo_of_pairs(x):
    return lattice_paths(3, 2, x, {})


@right
def recursion_that_fills_a_list(x):
    def fill(n, items):
        if n == 0:
            return items
        items.append(x * n)
        return fill(n - 1, items)

    return sum(fill(20, []))


@right
def imports_inside(x):
    import math as m

    from numpy import sin
    return m.cos(x) * sin(x)


@right
def deleted_name(x):
    y = x * 2
    z = y
    del y
    y = z * x
    return y


@right
def mutable_default(x, seen=[]):
    seen.append(1)
    return x * x


def with_default(x, acc=[]):
    acc.append(1.0)
    return x * 2.0


@right
def mutable_default_of_a_helper(x):
    return with_default(x) * x


@right
def comprehension_scope(x):
    i = 5.0
    ys = [i * x for i in (1.0, 2.0)]
    return i * sum(ys)


@right
def walrus_in_a_loop(x):
    t = 0.0
    for v in [1.0, 2.0]:
        if (n := (v * x)) > 3:
            t += n
        else:
            t -= n
    return t + n


@right
@deco
def decorated(x, k=3.0):
    return x * x * k


compose = functools.partial(helper, k=4.0)


@right
def partial_function(x):
    return compose(x)


@right
def tuple_of_functions_by_number(x):
    fns = (math.sin, math.cos)
    k = int(x)
    f = fns[k]
    return f(x)


@right
def functions_as_arguments(x):

    def apply(f, *a):
        return f(*a)
    return apply(lambda a, b: a * b, x, x + 1) + apply(math.sin, x)


@right
def list_of_an_enclosing_function(x):
    acc = []

    def push(v):
        acc.append(v)
        return v
    push(x)
    push(x * x)
    return acc[0] * acc[1]


@pytest.mark.parametrize("fn", PROGRAMS, ids=lambda fn: fn.__name__)
def test_program_is_right(fn: Callable[..., Any]) -> None:
    assert_right(fn, 1.3)


# -- what is outside is read at every call -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "values", "slopes"),
    [
        ("SCALE", (2.0, 5.0), (2.0, 5.0)),
        ("COUNT", (3, 4), (3.0, 4.0)),
        ("WEIGHTS", (np.array([1.0, 2.0]), np.array([5.0, 2.0, 1.0])), (3.0, 8.0)),
        ("CHOSEN", (math.sin, math.cos), (math.cos(0.5), -math.sin(0.5))),
    ],
)
def test_global_that_is_bound_anew_is_seen(
    monkeypatch: pytest.MonkeyPatch, name: str, values: tuple[Any, ...], slopes: tuple[float, ...]
) -> None:
    functions = {
        "SCALE": lambda x: SCALE * x, "COUNT": lambda x: COUNT * x,
        "WEIGHTS": lambda x: np.sum(WEIGHTS * x), "CHOSEN": lambda x: CHOSEN(x),
    }  # fmt: skip
    derivative = grad(functions[name])
    for value, slope in zip(values, slopes, strict=True):
        monkeypatch.setattr(HERE, name, value)

        assert derivative(0.5) == pytest.approx(slope)


def test_class_constant_is_read_at_every_call(monkeypatch: pytest.MonkeyPatch) -> None:
    derivative = grad(lambda x: x * Config.scale)
    first = derivative(1.0)
    monkeypatch.setattr(Config, "scale", 7.5)

    assert (first, derivative(1.0)) == (2.5, 7.5)


def test_item_of_a_list_of_functions_is_seen_to_change(monkeypatch: pytest.MonkeyPatch) -> None:
    derivative = grad(lambda x, k: OPS[k](x))
    first = derivative(0.5, 0)
    monkeypatch.setattr(HERE, "OPS", [math.exp, *OPS[1:]])
    second = derivative(0.5, 0)
    OPS[0] = math.tan
    third = derivative(0.5, 0)

    assert (first, second, third) == (
        pytest.approx(math.cos(0.5)), math.exp(0.5), pytest.approx(1 + math.tan(0.5) ** 2),
    )  # fmt: skip


def test_index_of_a_list_of_functions_out_of_range() -> None:
    def f(x, k):
        return OPS[k](x)

    assert grad(f)(0.5, -1) == 1.0
    with pytest.raises(IndexError, match="list index out of range"):
        grad(f)(0.5, 3)


def test_key_that_a_dict_of_functions_lacks() -> None:
    def f(x, keys):
        return {"a": math.sin, "b": math.cos}[keys[0]](x)

    assert grad(f)(0.5, ["b"]) == -math.sin(0.5)
    with pytest.raises((KeyError, DiffCompileError)):
        grad(f)(0.5, ["c"])


def scaled_by(k: float) -> Callable[[float], float]:
    def g(x):
        y = x * 1.0
        return k * y

    return g


def test_closures_over_variables_of_one_name() -> None:
    g, h = scaled_by(2.0), scaled_by(3.0)

    assert grad(lambda x, k: g(x) * h(x) * k)(1.0, 10.0) == 120.0


# -- what is written outside is written once ---------------------------------------------------------------


def test_global_counter_counts_calls() -> None:
    def f(x):
        global count
        count += 1
        return x * count

    start = count
    gradients = [grad(f)(1.0), value_and_grad(f)(1.0)[1]]

    assert gradients == [start + 1.0, start + 2.0]
    assert count == start + 2


def test_global_log_is_written_once() -> None:
    def f(x):
        LOG.append("called")
        return x * x

    LOG.clear()
    grad(f)(2.0)

    assert LOG == ["called"]


def test_variable_of_an_enclosing_function_is_written_once() -> None:
    calls = 0

    def f(x):
        nonlocal calls
        calls += 1
        return x * x * calls

    assert [grad(f)(1.0), grad(f)(1.0)] == [2.0, 4.0]
    assert calls == 2


def test_mutable_default_keeps_state() -> None:
    def f(x, seen=[]):  # noqa: B006 - that is the point
        before = len(seen)
        seen.append(1)
        return x * (len(seen) + 10 * before)

    derivative = grad(f)

    assert [derivative(3.0), derivative(3.0), value_and_grad(f)(3.0)] == [1.0, 12.0, (69.0, 23.0)]


def test_list_given_for_a_mutable_default() -> None:
    def f(x, seen=[]):  # noqa: B006 - that is the point
        seen.append(1)
        return x * len(seen)

    mine = [5]

    assert grad(f)(3.0, mine) == 2.0
    assert mine == [5, 1]


def test_value_that_varies_is_not_written_outside() -> None:
    def f(x):
        global count
        count = x * 2.0
        return x * x

    with pytest.raises(DiffCompileError) as refused:
        grad(f)(2.0)

    assert refused.value.reason == "`count`, outside of the function, is given a value that is differentiated"
    assert refused.value.remedy == "Return it, or write `stop_gradient(...)` of it."


def test_manager_made_by_a_generator() -> None:
    log = []

    @contextlib.contextmanager
    def logged(name):
        log.append(f"enter {name}")
        try:
            yield 3.0
        finally:
            log.append(f"leave {name}")

    def f(x):
        with logged("a") as factor:
            y = math.sqrt(x) * factor
        return y * y

    assert grad(f)(4.0) == pytest.approx(9.0)
    with pytest.raises(ValueError, match="math domain error|nonnegative"):
        grad(f)(-4.0)
    assert log == ["enter a", "leave a"] * 2


def kept_by_its_test(x):
    return sum([y for v in x if (y := v * v) > 0.3])


def kept_and_read_behind(x):
    return sum([y * v for v in x if (y := v * v) > 0.3]) * y  # noqa: F821


def made_in_each_turn(x):
    doubled = [(y := v * 2) for v in x]
    return sum(doubled) * y  # noqa: F821


def summed_as_it_is_tested(x):
    return sum(y for v in x if (y := v * v) > 0.3)


def in_a_dict(x):
    squares = {i: y for i, v in enumerate(x) if (y := v * v) > 0.3}
    return sum(squares.values())


def none_is_no_value(x):
    y = None
    found = [0.0 if y is None else y for v in x if (y := v * v) > 0.3]
    return sum(found)


@pytest.mark.parametrize(
    "fn",
    [
        kept_by_its_test, kept_and_read_behind, made_in_each_turn, summed_as_it_is_tested, in_a_dict,
        none_is_no_value,
    ],
)  # fmt: skip
def test_what_a_comprehension_assigns_is_the_function_s_own(fn: Any) -> None:
    x, dot = np.array([0.5, 0.6, 0.7, 0.8]), np.array([0.3, -0.2, 0.7, 0.5])
    expected = np.array([(fn(x + 1e-6 * u) - fn(x - 1e-6 * u)) / 2e-6 for u in np.eye(4)])
    np.testing.assert_allclose(grad(fn)(x), expected, rtol=1e-8, atol=1e-9)
    np.testing.assert_allclose(jvp(fn, (x,), (dot,))[1], expected @ dot, rtol=1e-8)
