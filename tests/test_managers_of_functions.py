"""What `contextlib.contextmanager` makes a manager of: the body runs where the generator function yields."""

from __future__ import annotations

import contextlib
import math
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from diffcompile import UnsupportedSyntax, grad, jvp, value_and_grad
from oracles import assert_agrees, assert_every_mode, numeric_gradient

X = np.array([1.1, 0.7, 1.6])
V = np.array([0.3, -1.2, 0.5])
STATE = {"scale": 1.0}
LEVEL = 1.0
LOCK = threading.Lock()


class Box:
    def __init__(self, v: Any) -> None:
        self.v = v

    @contextlib.contextmanager
    def holding(self, v: Any) -> Iterator[Any]:
        old = self.v
        self.v = v
        try:
            yield old
        finally:
            self.v = old


@contextlib.contextmanager
def temporarily(box: Any, v: Any) -> Iterator[Any]:
    old = box.v
    box.v = v
    try:
        yield box
    finally:
        box.v = old


@contextlib.contextmanager
def entry(d: Any, k: Any) -> Iterator[None]:
    old = d["s"]
    d["s"] = old * k
    yield
    d["s"] = old + k


@contextlib.contextmanager
def doubled(a: Any) -> Iterator[None]:
    a *= 2
    yield
    a /= 3


@contextlib.contextmanager
def squared(k: Any) -> Iterator[Any]:
    yield k * k


@contextlib.contextmanager
def setting(v: Any) -> Iterator[None]:
    old = STATE["scale"]
    STATE["scale"] = v
    try:
        yield
    finally:
        STATE["scale"] = old


@contextlib.contextmanager
def level(v: Any) -> Iterator[None]:
    global LEVEL
    before = LEVEL
    LEVEL = v
    try:
        yield
    finally:
        LEVEL = before


@contextlib.contextmanager
def counted(box: Any, by: Any = 2.0, *, after: Any = 1.0) -> Iterator[Any]:
    for _ in range(2):
        box.v = box.v * by
    yield box.v, box
    if after > 0.5:
        box.v = box.v + after


@contextlib.contextmanager
def quietly(box: Any, v: Any) -> Iterator[Any]:
    with np.errstate(all="ignore"), temporarily(box, v) as held:
        yield held
    box.v = box.v * 2


@contextlib.contextmanager
def nested(box: Any, v: Any) -> Iterator[Any]:
    first = box.v
    try:
        box.v = v
        with contextlib.suppress(ZeroDivisionError):
            yield first
        box.v = box.v * 3
    finally:
        box.v = box.v + first


@contextlib.contextmanager
def locked(box: Any) -> Iterator[Any]:
    with LOCK:
        yield box.v


def attribute(x: Any) -> Any:
    b = Box(x[0])
    with temporarily(b, x[1] * x[2]):
        r = b.v * x[0]
    return r + b.v


def yielded_object(x: Any) -> Any:
    b = Box(x[0])
    with temporarily(b, x[1] * x[2]) as c:
        c.v = c.v * x[1]
        r = c.v * x[0]
    return r + b.v * x[2]


def dict_entry(x: Any) -> Any:
    d = {"s": x[0]}
    with entry(d, x[1]):
        r = d["s"] * x[2]
    return r + d["s"] ** 2


def array(x: Any) -> Any:
    a = x * x
    with doubled(a):
        r = np.sum(a * x)
    return r + np.sum(a**2)


def yielded_number(x: Any) -> Any:
    with squared(x[0]) as q:
        return q * x[1]


def global_entry(x: Any) -> Any:
    with setting(x[0] * x[1]):
        r = STATE["scale"] * x[2]
    return r


def global_name(x: Any) -> Any:
    with level(x[0] * x[1]):
        r = LEVEL * x[2]
    return r + LEVEL * x[0]


def method(x: Any) -> Any:
    b = Box(x[0])
    with b.holding(x[1] ** 2) as old:
        r = b.v * old
    return r + b.v * x[2]


def defaults_and_tuples(x: Any) -> Any:
    b = Box(x[0])
    with counted(b, after=x[1]) as (v, held):
        r = v * x[2]
        held.v = held.v * x[1]
    return r + b.v


def local(x: Any) -> Any:
    total = x[0]

    @contextlib.contextmanager
    def adding(v: Any) -> Iterator[Any]:
        nonlocal total
        total = total + v
        yield total
        total = total * v

    with adding(x[1]) as t:
        r = t * x[2]
    return r + total


def held_in_a_name(x: Any) -> Any:
    b = Box(x[0])
    m = temporarily(b, x[1])
    with m as c:
        r = c.v * x[2]
    return r + b.v


def several(x: Any) -> Any:
    b = Box(x[0])
    with temporarily(b, x[1]) as c, squared(c.v) as q:
        r = c.v * q
    return r + b.v


def inside_one_another(x: Any) -> Any:
    b = Box(x[0])
    with temporarily(b, x[1]):
        with temporarily(b, b.v * x[2]):
            r = b.v * x[0]
        r = r + b.v**2
    return r * b.v


def in_a_loop(x: Any) -> Any:
    b = Box(x[0])
    total = 0.0
    for i in range(3):
        with counted(b, x[1]) as (v, _):
            total += v * x[2] + i
    return total + b.v


def left_from_the_body(x: Any) -> Any:
    b = Box(x[0])
    total = 0.0
    for i in range(4):
        with counted(b, x[1]) as (v, _):
            if v > 2.0:
                break
            if i == 1:
                continue
            total += v * x[2]
    return total + b.v


def returned(b: Any, x: Any) -> Any:
    with counted(b, x[1]) as (v, _):
        if v > 0.0:
            return v * x[2]
    return v


def after_a_return(x: Any) -> Any:
    b = Box(x[0])
    return returned(b, x) * b.v


def managers_inside(x: Any) -> Any:
    b = Box(x[0])
    with quietly(b, x[1]) as c:
        r = c.v * x[2]
    return r * b.v


def suppressing(x: Any) -> Any:
    b = Box(x[0])
    r = x[2]
    with nested(b, x[1]) as first:
        r = first * b.v
        if b.v > 0.0:
            raise ZeroDivisionError
        r = r * 100.0
    return r * b.v


def body_that_raises(x: Any) -> Any:
    b = Box(x[0])
    r = x[2]
    try:
        with temporarily(b, x[1]) as c:
            r = c.v * r
            if r > 0.0:
                raise ValueError
            r = r * 10.0
    except ValueError:
        r = r * b.v
    return r + b.v


def body_that_raises_and_no_try(x: Any) -> Any:
    b = Box(x[0])
    try:
        with counted(b, x[1]) as (v, _):
            if v > 0.0:
                raise ValueError
    except ValueError:
        return b.v * x[2]
    return b.v


def whole_in_a_try(x: Any) -> Any:
    b = Box(x[0])
    try:
        with temporarily(b, x[1]):
            r = b.v * x[2]
    except ValueError:
        r = x[0]
    return r + b.v


def as_it_is_called(x: Any) -> Any:
    b = Box(x[0])
    with contextlib.nullcontext(b) as c:
        r = c.v * x[1]
    with contextlib.suppress(ValueError):
        r = r * x[2]
    return r


def in_a_branch(x: Any) -> Any:
    b = Box(x[0])
    if x[1] > 0.0:
        with temporarily(b, x[1]):
            r = b.v * x[2]
    else:
        r = x[2]
    return r + b.v


def in_a_lock(x: Any) -> Any:
    b = Box(x[0])
    with locked(b) as v:
        r = v * x[1]
    return r + b.v


PROGRAMS = [
    attribute, yielded_object, dict_entry, array, yielded_number, method, defaults_and_tuples,
    local, held_in_a_name, several, inside_one_another, in_a_loop, left_from_the_body, after_a_return,
    managers_inside, suppressing, body_that_raises, body_that_raises_and_no_try, whole_in_a_try,
    as_it_is_called, in_a_branch,
]  # fmt: skip


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda f: f.__name__)
def test_what_a_manager_writes_and_yields_is_differentiated(program: Any) -> None:
    assert_every_mode(program, X, V)


def test_what_a_manager_sets_in_an_object_outside_is_set_back() -> None:
    value, gradient = value_and_grad(global_entry)(X)
    expected, error = numeric_gradient(global_entry, lambda: (X.copy(),))

    assert value == global_entry(X)
    assert_agrees(gradient, expected, error)
    np.testing.assert_allclose(jvp(global_entry, (X,), (V,))[1], gradient @ V)
    assert STATE["scale"] == 1.0


@contextlib.contextmanager
def either(box: Any) -> Iterator[Any]:
    if box.v > 0.0:
        yield box.v
    else:
        yield -box.v


@contextlib.contextmanager
def looping(box: Any) -> Iterator[Any]:
    for v in [box.v, 1.0]:
        yield v * 2


@contextlib.contextmanager
def caught(box: Any) -> Iterator[Any]:
    old = box.v
    try:
        box.v = old * 2
        yield old
    except ValueError:
        box.v = old


@contextlib.contextmanager
def returning(box: Any) -> Iterator[Any]:
    old = box.v
    try:
        yield old
        if old > 0.0:
            return
        box.v = 2.0
    finally:
        box.v = old


@contextlib.contextmanager
def receiving(box: Any) -> Iterator[Any]:
    got = yield box.v
    box.v = got


def entered(make: Any) -> Any:
    def f(x: Any) -> Any:
        b = Box(x)
        with make(b) as v:
            r = b.v * v
        return r * b.v

    return f


def twice(x: Any) -> Any:
    b = Box(x)
    m = temporarily(b, x * x)
    with m:
        r = b.v
    with m:
        r = r * b.v
    return r


def stacked(x: Any) -> Any:
    b = Box(x)
    with contextlib.ExitStack() as stack:
        c = stack.enter_context(temporarily(b, x * x))
        r = c.v * x
    return r + b.v


def begun_by_hand(x: Any) -> Any:
    b = Box(x)
    m = temporarily(b, x * x)
    m.__enter__()
    return b.v * x


def decorating(x: Any) -> Any:
    b = Box(x)

    @temporarily(b, x * x)
    def f() -> Any:
        return b.v

    return f() * x


@temporarily(Box(1.0), 2.0)
def decorated(x: Any) -> Any:
    return x * x


PLACED = (
    "what `{0}` runs before and after the body of its `with` is not known: its `yield` is not one statement "
    "of the function, of a `try` or of a `with`"
)
REFUSED = [
    (entered(either), PLACED.format("either")),
    (entered(looping), PLACED.format("looping")),
    (entered(receiving), PLACED.format("receiving")),
    (entered(caught), "`caught` may end an exception in its `with`"),
    (
        entered(returning),
        "`returning` returns before its `yield`, or from inside the `try` or `with` around it",
    ),
    (twice, "a manager is entered a second time, or in another loop than it was made in"),
    (stacked, "a manager that `contextmanager` makes is handed on, and not entered here"),
    (begun_by_hand, "a manager that `contextmanager` makes is handed on, and not entered here"),
    (decorating, "which function is called is not known here"),
]


@pytest.mark.parametrize(("program", "reason"), REFUSED)
def test_manager_that_is_not_taken_apart_is_refused(program: Any, reason: str) -> None:
    for derivative in (grad(program), lambda x: jvp(program, (x,), (1.0,))):
        with pytest.raises(UnsupportedSyntax) as refused:
            derivative(1.1)

        assert refused.value.reason == reason
        assert refused.value.remedy


def test_name_of_a_module_is_not_given_what_varies() -> None:
    with pytest.raises(UnsupportedSyntax, match="`LEVEL`, outside of the function"):
        grad(global_name)(X)


def test_function_decorated_with_a_manager() -> None:
    assert grad(decorated)(1.5) == 3.0


@setting(3.0)
def with_a_scale(x: Any, *, k: Any = 2.0) -> Any:
    return STATE["scale"] * x * k


def test_manager_that_decorates_a_function_is_entered_at_each_call() -> None:
    def f(x: Any) -> Any:
        return with_a_scale(x, k=x) * STATE["scale"]

    assert grad(with_a_scale)(1.5) == 6.0
    assert grad(f)(1.5) == 9.0


class Holding:
    def __init__(self, box: Any, v: Any) -> None:
        self.box = box
        self.v = v

    def __enter__(self) -> Any:
        self.box.v = self.v
        self.box.v = math.sqrt(-self.v)
        return self.box

    def __exit__(self, *error: object) -> None:
        self.box.v = 1.0


def test_object_that_an_exit_stack_enters_is_refused() -> None:
    def f(x: Any) -> Any:
        b = Box(x)
        with contextlib.ExitStack() as stack:
            stack.enter_context(Holding(b, -x))
            return b.v * x

    with pytest.raises(UnsupportedSyntax) as refused:
        grad(f)(1.1)

    assert refused.value.reason == (
        "an object is handed to `enter_context`, and what leaving it does is not known"
    )
    assert refused.value.remedy == "Enter it in a `with` of its own."


@contextlib.contextmanager
def rooted_first(b: Any, x: Any) -> Iterator[Any]:
    y = math.sqrt(-x)
    b.v = y
    try:
        yield y
    finally:
        b.v = y * 2


@contextlib.contextmanager
def written_first(b: Any, x: Any) -> Iterator[Any]:
    b.v = x
    y = math.sqrt(-x)
    b.v = y
    yield y


@contextlib.contextmanager
def written_last(b: Any, x: Any) -> Iterator[Any]:
    try:
        yield x
        b.v = x * x
        y = math.sqrt(-x)
        b.v = y
    finally:
        b.v = b.v * x


@contextlib.contextmanager
def raising(b: Any, x: Any) -> Iterator[Any]:
    b.v = x
    if x > 0:
        raise ValueError
    yield x


def tried(make: Any) -> Any:
    def f(x: Any) -> Any:
        b = Box(1.0)
        r = x
        try:
            with make(b, x):
                r = r * b.v
        except ValueError:
            r = r * b.v * x
        return r * b.v

    return f


@pytest.mark.parametrize("make", [rooted_first, written_first, written_last], ids=lambda f: f.__name__)
@pytest.mark.parametrize("x", [1.1, -1.1])
def test_manager_that_raises_as_it_enters_or_leaves_in_a_try(make: Any, x: float) -> None:
    f = tried(make)
    value, slope = value_and_grad(f)(x)
    expected, error = numeric_gradient(f, lambda: (x,))

    assert value == pytest.approx(f(x), rel=1e-13)
    assert_agrees(slope, expected, error)
    assert jvp(f, (x,), (1.0,))[1] == pytest.approx(slope)


@pytest.mark.parametrize("x", [1.1, -0.5])
def test_manager_that_writes_and_then_raises(x: float) -> None:
    f = tried(raising)

    slope = (f(x + 1e-6) - f(x - 1e-6)) / 2e-6
    assert grad(f)(x) == pytest.approx(slope)
    assert jvp(f, (x,), (1.0,))[1] == pytest.approx(slope)


def test_manager_that_writes_and_may_then_raise_is_refused() -> None:
    with pytest.raises(UnsupportedSyntax) as refused:
        grad(tried(Holding))(1.1)

    assert refused.value.reason == (
        "what is written here stays written if the rest of the statement raises, in a `try`"
    )


def rooted(x: Any) -> Any:
    return math.sqrt(-x)


def evaluated(x: Any) -> Any:
    b = Box(1.0)
    try:
        with temporarily(b, rooted(x)) as c:
            return c.v * x
    except ValueError:
        return x * x


def nothing_entered(x: Any) -> Any:
    try:
        with contextlib.nullcontext(rooted(x)) as v:
            return v
    except ValueError:
        return x * x


@pytest.mark.parametrize("f", [evaluated, nothing_entered])
@pytest.mark.parametrize("x", [1.1, -1.1])
def test_what_makes_a_manager_may_raise_in_a_try(f: Any, x: float) -> None:
    expected, error = numeric_gradient(f, lambda: (x,))

    assert_agrees(grad(f)(x), expected, error)
