"""Programs that automatic differentiation gets wrong, each with the right answer.

    @trap("B5", "overwrite kills the old gradient", lambda: (np.array([3.0, 4.0]),), np.array([0.0, 8.0]))
    def b5(x): ...

`source` says where the answer comes from: "fd", it agrees with central differences; "rule", the derivative
does not exist there and the answer is the project's convention; "hand", derived by hand. A trap whose
question is not "what is the gradient?" has a check of its own. `later` names the milestone it waits for.

diffcompile is imported where a check runs, so that the programs can be read without it.
"""

from __future__ import annotations

import dataclasses
import io
import math
import threading
import traceback
import tracemalloc
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
import scipy.special

from oracles import arrays, assert_close, assert_like, same, select, silenced

Check = Callable[["Trap"], None]


@dataclass(frozen=True)
class Trap:
    """A program, its arguments, and what its gradient must be."""

    id: str
    title: str
    build: Callable[[], Callable[..., Any]]
    args: Callable[[], tuple[Any, ...]]
    expected: Any
    source: str = "fd"
    wrt: int | tuple[int, ...] = 0
    kwargs: dict[str, Any] = field(default_factory=dict)
    check: Check | None = None
    later: str | None = None

    @property
    def fn(self) -> Callable[..., Any]:
        return self.build()

    def run(self) -> None:
        """Is the trap avoided?"""
        (self.check or check_gradient)(self)


TRAPS: list[Trap] = []


def trap(
    id: str,
    title: str,
    args: Callable[[], tuple[Any, ...]],
    expected: Any,
    *,
    source: str = "fd",
    wrt: int | tuple[int, ...] = 0,
    kwargs: dict[str, Any] | None = None,
    check: Check | None = None,
    lazy: bool = False,
    later: str | None = None,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Put a program among the traps; a `lazy` one is a factory of the program."""

    def register(fn: Callable[..., Any]) -> Callable[..., Any]:
        build = fn if lazy else (lambda: fn)
        TRAPS.append(Trap(id, title, build, args, expected, source, wrt, kwargs or {}, check, later))
        return fn

    return register


def check_gradient(trap: Trap) -> None:
    """Gradient as expected, kinds as the arguments, value and arguments as after a plain call."""
    from diffcompile import value_and_grad

    fn = trap.fn
    plain_args, args, before = trap.args(), trap.args(), trap.args()
    with silenced():
        plain = fn(*plain_args, **trap.kwargs)
        value, gradient = value_and_grad(fn, argnums=trap.wrt)(*args, **trap.kwargs)

    assert same(value, plain), f"value {value!r}, plain call {plain!r}"
    assert_close(gradient, trap.expected)
    assert_like(gradient, select(before, trap.wrt))
    assert same(args, plain_args), "the caller's arguments are not as after one plain call"
    assert not any(np.shares_memory(g, a) for g in arrays(gradient) for a in arrays(args))


def gradient_of(fn: Callable[..., Any], *args: Any, wrt: Any = 0, **kwargs: Any) -> Any:
    """The compiled gradient of `fn` at `args`."""
    from diffcompile import grad

    return grad(fn, argnums=wrt)(*args, **kwargs)


def hessian_of(fn: Callable[..., Any], x: np.ndarray) -> np.ndarray:
    """Rows of second derivatives, one pullback of the gradient for each element of a vector."""
    from diffcompile import grad, vjp

    _, pullback = vjp(grad(fn), x)
    rows = [pullback(row) for row in np.eye(x.size)]
    return np.stack([row[0] if isinstance(row, tuple) else row for row in rows])


# --- A. Broadcasting, shapes, reductions ------------------------------------------------------------


@trap(
    "A1",
    "unbroadcast sums the cotangent over broadcast axes",
    lambda: (np.array([1.0, 2.0, 3.0]), np.array([[4.0, 5.0, 6.0], [7.0, 8.0, 9.0]])),
    np.array([11.0, 13.0, 15.0]),
)
def a1(a, b):
    return np.sum(a * b)


@trap("A2", "the cotangent of a scalar is a scalar", lambda: (2.0, np.array([1.0, 2.0, 3.0])), 14.0)
def a2(c, x):
    return np.sum(c * x**2)


@trap(
    "A3",
    "axes of size 1 are summed and kept",
    lambda: (np.array([[1.0], [2.0]]), np.array([[1.0, 0.0, 2.0]])),
    np.array([[12.0], [18.0]]),
)
def a3(a, b):
    return np.sum((a + b) ** 2)


@trap("A4", "leading axes added by broadcast_to", lambda: (np.ones(3),), np.array([18.0, 22.0, 26.0]))
def a4(x):
    return np.sum(np.broadcast_to(x, (4, 3)) * np.arange(12.0).reshape(4, 3))


@trap(
    "A5",
    "sum over negative and tuple axes",
    lambda: (np.ones((2, 3, 2)),),
    np.array([[[1.0, 1.0], [10.0, 10.0], [100.0, 100.0]]] * 2),
)
def a5(x):
    s = np.sum(x, axis=(-1, 0))
    return np.sum(s * np.array([1.0, 10.0, 100.0]))


@trap(
    "A6", "masked entries of a sum get zero", lambda: (np.array([1.0, 2.0, 3.0]),), np.array([1.0, 0.0, 1.0])
)
def a6(x):
    return np.sum(x, where=np.array([True, False, True]))


@trap("A7", "mean, and var with ddof", lambda: (np.array([1.0, 2.0, 4.0]),), np.array([-1.0, 0.0, 2.0]))
def a7(x):
    return np.mean(x) + np.var(x, ddof=1)


def check_three_kinds_of_scalar(trap: Trap) -> None:
    for x in (2.0, np.float64(2.0), np.array(2.0)):
        gradient = gradient_of(trap.fn, x)
        assert_close(gradient, trap.expected)
        assert_like(gradient, x)


@trap(
    "A8",
    "0-d array, NumPy scalar and Python float are three different things",
    lambda: (2.0,),
    2 * math.cos(2) + math.sin(2),
    check=check_three_kinds_of_scalar,
)
def a8(x):
    return np.sin(x) * x


@trap("A9", "empty arrays", lambda: (np.zeros(0),), np.zeros(0))
def a9(x):
    return np.sum(x**2)


@trap(
    "A10",
    "reshape in Fortran order is undone in Fortran order",
    lambda: (np.ones((2, 3)),),
    np.array([[0.0, 4.0, 3.0], [2.0, 1.0, 5.0]]),
)
def a10(x):
    return np.sum(np.reshape(x, (3, 2), order="F") * np.arange(6.0).reshape(3, 2))


@trap(
    "A11",
    "transpose with axes is undone by the inverse permutation",
    lambda: (np.ones((2, 3, 4)),),
    np.transpose(np.arange(24.0).reshape(4, 2, 3), (1, 2, 0)),
)
def a11(x):
    y = np.transpose(x, (2, 0, 1))
    return np.sum(y * np.arange(24.0).reshape(4, 2, 3))


@trap("A12", "one array concatenated twice", lambda: (np.array([1.0, 1.0]),), np.array([8.0, 7.0]))
def a12(x):
    return np.sum(np.concatenate([x, 2 * x, x[:1]]) * np.arange(5.0))


@trap("A13", "repeat with a count for each element", lambda: (np.array([1.0, 1.0]),), np.array([0.0, 6.0]))
def a13(x):
    return np.sum(np.repeat(x, [1, 3]) * np.arange(4.0))


@trap("A14", "cumsum is undone by a reversed cumsum", lambda: (np.ones(3),), np.array([6.0, 5.0, 3.0]))
def a14(x):
    return np.sum(np.cumsum(x) * np.array([1.0, 2.0, 3.0]))


@trap("A15", "edge padding folds back on the edge", lambda: (np.ones(3),), np.array([3.0, 3.0, 15.0]))
def a15(x):
    return np.sum(np.pad(x, 2, mode="edge") * np.arange(7.0))


# --- B. Indexing, mutation, aliasing ----------------------------------------------------------------


@trap("B1", "fancy read with repeated indices", lambda: (np.array([5.0, 7.0]),), np.array([3.0, 3.0]))
def b1(x):
    return np.sum(x[[0, 0, 1]] * np.array([1.0, 2.0, 3.0]))


@trap(
    "B2",
    "z[idx] += v is buffered: the last write wins",
    lambda: (np.array([3.0, 5.0]),),
    np.array([0.0, 10.0]),
)
def b2(v):
    z = np.zeros(2)
    z[[0, 0]] += v
    return z[0] ** 2


@trap("B3", "np.add.at is not buffered", lambda: (np.array([3.0, 5.0]),), np.array([16.0, 16.0]))
def b3(v):
    z = np.zeros(2)
    np.add.at(z, [0, 0], v)
    return z[0] ** 2


@trap("B4", "scatter with repeated indices", lambda: (np.array([3.0, 5.0]),), np.array([0.0, 10.0]))
def b4(v):
    z = np.zeros(2)
    z[[1, 1]] = v
    return np.sum(z * z)


@trap("B5", "overwrite kills the old gradient", lambda: (np.array([3.0, 4.0]),), np.array([0.0, 8.0]))
def b5(x):
    y = x**2
    y[0] = 5.0
    return np.sum(y)


@trap("B6", "a scalar written to a slice", lambda: (3.0, 3), 36.0)
def b6(c, n):
    z = np.zeros((n, n))
    z[1:, :] = c
    return np.sum(z**2)


@trap(
    "B7", "view mutated, base read later", lambda: (np.array([1.0, 2.0, 3.0]),), np.array([18.0, 36.0, 6.0])
)
def b7(x):
    y = x * 1.0
    w = y[:2]
    w *= 3
    return np.sum(y**2)


@trap(
    "B8", "base mutated, view read later", lambda: (np.array([2.0, 3.0, 5.0]),), np.array([15.0, 10.0, 6.0])
)
def b8(x):
    y = x.copy()
    w = y[::-1]
    y[0] = x[1] * x[2]
    return w[2] * x[0]


@trap(
    "B9",
    "transpose and reshape are views only sometimes",
    lambda: (np.array([[1.0, 2.0], [3.0, 4.0]]),),
    np.array([[2.0, 4.0], [0.0, 8.0]]),
)
def b9(x):
    y = x * 1.0
    y.T[0, 1] = 7.0
    z = y.T.reshape(-1)
    z[0] = 0.0
    return np.sum(y**2)


def b10_in_place(x):
    y = x
    y += 1.0
    return np.sum(x * y)


def check_rebinding_and_in_place(trap: Trap) -> None:
    check_gradient(trap)
    check_gradient(dataclasses.replace(trap, build=lambda: b10_in_place, expected=np.array([4.0, 6.0])))


@trap(
    "B10",
    "y = y + 1 rebinds, y += 1 writes into the caller's array",
    lambda: (np.array([1.0, 2.0]),),
    np.array([3.0, 5.0]),
    check=check_rebinding_and_in_place,
)
def b10(x):
    y = x
    y = y + 1.0
    return np.sum(x * y)


@trap(
    "B11",
    "an in-place operation destroys what an earlier adjoint needs",
    lambda: (np.array([0.0, 1.0]),),
    np.array([3.0, 3 * math.e]),
)
def b11(x):
    y = np.exp(x)
    s = np.sum(y)
    y *= 2.0
    return s + np.sum(y)


@trap("B12", "in-place multiplication by itself", lambda: (np.array([2.0, 3.0]),), np.array([4.0, 7.0]))
def b12(x):
    y = x * 1.0
    y *= y
    y[0] += x[1]
    return np.sum(y)


@trap("B13", "assignment through a mask", lambda: (np.array([-2.0, 3.0]),), np.array([-1.0, 6.0]))
def b13(x):
    y = x**2
    y[x < 0] = -x[x < 0]
    return np.sum(y)


@trap("B14", "swap and overlapping shift", lambda: (np.array([1.0, 2.0, 3.0]),), np.array([120.0, 2.0, 0.0]))
def b14(x):
    y = x * 1.0
    y[1:] = y[:-1] * 2.0
    y[0], y[2] = y[2], y[0]
    return np.sum(y * np.array([1.0, 10.0, 100.0]))


@trap("B15", "out= and where= of a ufunc", lambda: (np.array([2.0, 3.0, 4.0]),), np.array([4.0, 0.0, 8.0]),
)
def b15(x):
    z = np.ones(3)
    np.multiply(x, x, out=z, where=np.array([True, False, True]))
    return np.sum(z)


def check_same_array_twice(trap: Trap) -> None:
    check_gradient(trap)
    x = np.array([2.0, 3.0])
    left, right = gradient_of(trap.fn, x, x, wrt=(0, 1))
    assert_close((left, right), (x, x))
    assert not np.shares_memory(left, right)
    assert_close(gradient_of(lambda x: b16(x, x), x), np.array([4.0, 6.0]))


@trap(
    "B16",
    "the same array passed twice",
    lambda: (np.array([2.0, 3.0]), np.array([2.0, 3.0])),
    np.array([2.0, 3.0]),
    check=check_same_array_twice,
)
def b16(a, b):
    return np.sum(a * b)


@trap("B17", "list built in a loop", lambda: (np.array([1.0, 2.0, 3.0]),), np.array([0.0, 4.0, 24.0]))
def b17(x):
    out = []
    for i in range(len(x)):
        out.append(x[i] * i)
    return np.sum(np.array(out) ** 2)


@trap("B18", "recurrence filled in place", lambda: (2.0,), 0.25)
def b18(r):
    x = np.zeros(4)
    x[0] = 0.5
    for i in range(3):
        x[i + 1] = r * x[i] * (1 - x[i])
    return x[3]


# --- C. Control flow --------------------------------------------------------------------------------


@trap("C1", "the derivative of the branch taken", lambda: (2.0,), 12.0)
def c1(x):
    if x > 1.0:
        return x**3
    return 2 * x


@trap("C2", "overwritten variable in a loop", lambda: (3.0, 3), 28.0)
def c2(x, n):
    s = 1.0
    for i in range(n):
        s = s * x + i
    return s


@trap("C3", "while loop whose trip count depends on data", lambda: (2.0,), 0.5 / math.sqrt(2))
def c3(a):
    y = a
    while abs(y * y - a) > 1e-12:
        y = 0.5 * (y + a / y)
    return y


@trap("C4", "zero-trip loop", lambda: (3.0, 0), 6.0)
def c4(x, n):
    s = x * x
    for i in range(n):
        s = s * x
    return s


@trap("C5", "break and continue", lambda: (2.0,), 36.0)
def c5(x):
    s = 0.0
    for i in range(10):
        if i % 2 == 1:
            continue
        if i > 5:
            break
        s += x**i
    return s


@trap("C6", "early return in nested loops", lambda: (np.array([1.0, 2.0, 3.0]),), np.array([0.0, 3.0, 2.0]))
def c6(x):
    for i in range(3):
        for j in range(3):
            if i * j == 2:
                return x[i] * x[j]
    return x[0]


@trap("C7", "for/else", lambda: (3.0,), 24.0)
def c7(x):
    for v in (1.0, 2.0):
        if v > 5:
            break
    else:
        x = x * v
    return x**2


@trap("C8", "variable defined on one branch only", lambda: (-1.0,), 3.0)
def c8(x):
    if x > 0:
        t = x**2
    y = 3 * x
    if x > 0:
        y = y + t
    return y


@trap("C9", "loop and body variables read after the loop", lambda: (2.0,), 9.0)
def c9(x):
    for i in range(1, 4):
        t = x * i
    return t * i


@trap(
    "C10",
    "triangular nested loop",
    lambda: (np.array([[1.0, 2.0], [3.0, 4.0]]),),
    np.array([[1.0, 1.0], [0.0, 1.0]]),
)
def c10(x):
    s = 0.0
    for i in range(2):
        for j in range(i, 2):
            s += x[i, j]
    return s


@trap("C11", "and/or return an operand; a conditional expression evaluates one side", lambda: (2.0,), 8.0)
def c11(x):
    y = x and 2 * x
    return (y if y > 3 else np.sqrt(-1.0)) * x


@trap("C12", "short circuit guards a bad operation", lambda: (0.0,), 3.0, source="rule")
def c12(x):
    if x != 0.0 and 1.0 / x > 0.1:
        return x * x
    return 3.0 * x


@trap(
    "C13",
    "enumerate, zip, reversed in a comprehension",
    lambda: (np.array([1.0, 2.0, 3.0]), np.array([4.0, 5.0, 6.0])),
    np.array([12.0, 5.0, 0.0]),
)
def c13(x, w):
    return sum(i * a * b for i, (a, b) in enumerate(zip(reversed(x), w)))


@trap("C14", "try/except: the path that ran", lambda: (-2.0,), -5.0)
def c14(x):
    try:
        if x < 0:
            raise ValueError("neg")
        return x**2
    except ValueError:
        return -5.0 * x


@trap("C15", "recursion", lambda: (2.0,), 12.0)
def c15(x, n=3):
    return 1.0 if n == 0 else x * c15(x, n - 1)


def check_linear_loop_saves_nothing(trap: Trap) -> None:
    from diffcompile import grad

    check_gradient(trap)
    derivative = grad(trap.fn)
    derivative(0.3, 10)
    tracemalloc.start()
    try:
        gradient = derivative(0.3, 100_000)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert_close(gradient, math.cos(0.3) * 0.1)
    assert peak < 1_000_000, f"{peak} bytes for a loop that needs no memo"


@trap(
    "C16",
    "a long loop of linear accumulation needs no memo",
    lambda: (0.3, 1000),
    math.cos(0.3) * 1e-3,
    check=check_linear_loop_saves_nothing,
)
def c16(x, n):
    s = 0.0
    for i in range(n):
        s = s + np.sin(x) * 1e-6
    return s


def check_exception_passes_through(trap: Trap) -> None:
    args = trap.args()
    with pytest.raises(ValueError, match="^negative input$") as caught:
        gradient_of(trap.fn, *args)
    assert caught.type is ValueError
    assert "raise ValueError(" in "".join(traceback.format_exception(caught.value))
    assert same(args, trap.args())
    assert_close(gradient_of(trap.fn, np.array([1.0, 4.0])), np.array([0.5, 0.25]))


@trap(
    "C17",
    "an exception keeps its type, message and line",
    lambda: (np.array([-1.0, 4.0]),),
    None,
    source="hand",
    check=check_exception_passes_through,
)
def c17(x):
    if np.any(x < 0):
        raise ValueError("negative input")
    return np.sum(np.sqrt(x))


@trap("C18", "match", lambda: (3.0, "sq"), 6.0)
def c18(x, kind):
    match kind:
        case "sq":
            return x**2
        case _:
            return -x


# --- D. Names, calls, containers --------------------------------------------------------------------


@trap("D1", "closure over the differentiated variable", lambda: (2.0,), 7.0)
def d1(x):
    def g(y):
        return x * y

    return g(3.0) + g(x)


@trap("D2", "closures in a loop bind late", lambda: (5.0,), 6.0,
)
def d2(x):
    fs = [lambda: x * i for i in range(3)]
    return sum(h() for h in fs)


k = 2.0


def check_global_is_read_live(trap: Trap) -> None:
    from diffcompile import grad

    global k
    derivative = grad(trap.fn)
    assert derivative(3.0) == 10.0
    k = 4.0
    try:
        assert derivative(3.0) == 4.0
    finally:
        k = 10.0


@trap("D3", "globals are read at call time", lambda: (3.0,), 10.0, check=check_global_is_read_live)
def d3(x):
    return k * x


k = 10.0


@trap("D4", "nonlocal", lambda: (3.0,), 30.0)
def d4(x):
    s = 0.0

    def add(v):
        nonlocal s
        s = s + v * v

    add(x)
    add(2 * x)
    return s


def check_mutable_default(trap: Trap) -> None:
    from diffcompile import grad

    fn = trap.fn
    derivative = grad(fn)
    assert derivative(3.0) == 1.0
    assert derivative(3.0) == 2.0
    assert fn(3.0) == 9.0


@trap(
    "D5",
    "a mutable default keeps state between calls",
    lambda: (3.0,),
    1.0,
    source="rule",
    check=check_mutable_default,
    lazy=True,
)
def d5():
    def f(x, seen=[]):
        seen.append(1)
        return x * len(seen)

    return f


@trap(
    "D6",
    "keyword-only, *args, **kwargs, defaults",
    lambda: (3.0, 5.0),
    16.0,
    source="hand",
    kwargs={"b": 1.0},
)
def d6(x, *args, scale=2.0, **kw):
    return scale * x * args[0] + kw["b"] * x**2


@trap(
    "D7",
    "the gradient of nested containers has their structure",
    lambda: ({"w": (2.0, 3.0), "b": 4.0},),
    {"w": (3.0, 2.0), "b": 8.0},
    source="hand",
)
def d7(p):
    return p["w"][0] * p["w"][1] + p["b"] ** 2


@dataclass
class P:
    a: float
    n: int


@trap("D8", "dataclass parameter", lambda: (P(2.0, 3),), P(12.0, 0), source="hand",
)
def d8(p):
    return p.a**p.n


def double_use(a):
    return a * a


@trap("D9", "same function, two types of argument", lambda: (np.array([1.0, 3.0]),), np.array([2.0, 6.0]))
def d9(x):
    return double_use(2.0) + np.sum(double_use(x)) + double_use(np.float32(1.0))


class M:
    def __init__(self, w):
        self.w = w
        self.n = 0

    def f(self, x):
        self.n += 1
        return np.sum(self.w * x**2)


def check_method_runs_once(trap: Trap) -> None:
    model = M(np.array([1.0, 2.0]))
    assert_close(gradient_of(model.f, *trap.args()), trap.expected)
    assert model.n == 1


@trap(
    "D10",
    "method with state",
    lambda: (np.array([3.0, 4.0]),),
    np.array([6.0, 16.0]),
    source="hand",
    check=check_method_runs_once,
    lazy=True,
)
def d10():
    return M(np.array([1.0, 2.0])).f


def check_unused_argument(trap: Trap) -> None:
    check_gradient(trap)
    gradient = gradient_of(trap.fn, np.array([1.0, 2.0]), np.ones((2, 2), np.float32), wrt=1)
    assert same(gradient, np.zeros((2, 2), np.float32))
    assert gradient.flags.writeable


@trap(
    "D11",
    "an unused argument gets zeros of its shape and dtype",
    lambda: (np.array([1.0, 2.0]), np.ones((2, 2))),
    np.array([2.0, 4.0]),
    check=check_unused_argument,
)
def d11(x, y):
    return np.sum(x**2)


@trap("D12", "a function passed in", lambda: (D12_SQUARE, 3.0), 30.0, source="hand", wrt=1)
def d12(g, x):
    return g(x) + g(2 * x)


D12_SQUARE = lambda t: t**2


@trap(
    "D13",
    "math.* and builtins next to np.*",
    lambda: (2.0,),
    math.exp(-2) * (math.cos(2) - math.sin(2)) + 1 + 4 + 1,
)
def d13(x):
    return math.sin(x) * math.exp(-x) + abs(x) + pow(x, 2) + max(x, 0.5)


def d14_item(x):
    return x[0].item() * np.sum(x)


def check_float_and_item(trap: Trap) -> None:
    check_gradient(trap)
    check_gradient(dataclasses.replace(trap, build=lambda: d14_item))


@trap(
    "D14",
    "float(x) and x.item() do not cut the derivative",
    lambda: (np.array([2.0, 3.0]),),
    np.array([7.0, 2.0]),
    check=check_float_and_item,
)
def d14(x):
    return float(x[0]) * np.sum(x)


# --- E. Points where the derivative is a convention -------------------------------------------------


def also(fn: Callable[..., Any], args: Callable[[], tuple[Any, ...]], expected: Any) -> Check:
    """The trap's own gradient, and that of a second program."""

    def check(trap: Trap) -> None:
        check_gradient(trap)
        check_gradient(dataclasses.replace(trap, build=lambda: fn, args=args, expected=expected))

    return check


@trap("E1", "abs at 0", lambda: (0.0,), 0.0, source="rule")
def e1(x):
    return np.abs(x)


@trap(
    "E2",
    "sqrt at 0",
    lambda: (0.0,),
    math.inf,
    source="rule",
    check=also(lambda x: math.sqrt(x), lambda: (0.0,), math.inf),
)
def e2(x):
    return np.sqrt(x)


@trap("E3", "norm at 0", lambda: (np.zeros(2),), np.zeros(2), source="rule")
def e3(x):
    return np.linalg.norm(x)


@trap("E4", "squared norm at 0", lambda: (np.zeros(2),), np.zeros(2))
def e4(x):
    return np.linalg.norm(x) ** 2


@trap("E5", "ties of max", lambda: (np.array([1.0, 1.0, 0.0]),), np.array([0.5, 0.5, 0.0]), source="rule")
def e5(x):
    return np.max(x)


@trap("E6", "maximum(x, x)", lambda: (3.0,), 1.0)
def e6(x):
    return np.maximum(x, x)


@trap("E7", "ties of sort", lambda: (np.array([1.0, 1.0]),), np.array([1.0, 2.0]), source="rule")
def e7(x):
    return np.sort(x)[0] + 2 * np.sort(x)[1]


@trap("E8", "clip at the bound", lambda: (1.0,), 1.0, source="rule")
def e8(x):
    return np.clip(x, 0.0, 1.0)


@trap("E9", "where hides a bad branch", lambda: (np.array([0.0, 4.0]),), np.array([0.0, 0.25]), source="rule")
def e9(x):
    return np.sum(np.where(x > 0, np.sqrt(x), 0.0))


@trap("E10", "where with scalar branches", lambda: (np.array([0.0, 2.0]),), np.array([1.0, 4.0]))
def e10(x):
    return np.sum(np.where(x > 1, x**2, 3.0) + np.where(x > 1, 2.0, x))


@trap("E11", "integer powers at 0", lambda: (0.0,), 5.0)
def e11(x):
    return x**0.0 + 5 * x**1.0 + x**2.0


@trap("E12", "negative base, integer exponent", lambda: (-2.0,), 12.0)
def e12(x):
    return x**3


@trap("E13", "0**y with respect to y", lambda: (2.0,), 0.0)
def e13(y):
    return 0.0**y


@trap("E14", "xlogy at 0", lambda: (0.0,), -math.inf, source="rule")
def e14(x):
    return scipy.special.xlogy(x, x)


@trap(
    "E15",
    "prod with zeros",
    lambda: (np.array([2.0, 0.0, 3.0]),),
    np.array([0.0, 6.0, 0.0]),
    check=also(lambda x: np.prod(x), lambda: (np.array([2.0, 0.0, 0.0]),), np.zeros(3)),
)
def e15(x):
    return np.prod(x)


@trap("E16", "cumprod with a zero", lambda: (np.array([2.0, 0.0, 3.0]),), np.array([1.0, 8.0, 0.0]))
def e16(x):
    return np.sum(np.cumprod(x))


@trap("E17", "floor, sign, round, int", lambda: (2.5,), 8.0)
def e17(x):
    return np.floor(x) * x + np.sign(x) * x + round(2.6) * x + int(x) * x


@trap(
    "E18",
    "x % y floors, fmod truncates",
    lambda: (3.0,),
    3.0,
    check=also(lambda y: math.fmod(-7.0, y), lambda: (3.0,), 2.0),
)
def e18(y):
    return (-7.0) % y


@trap(
    "E19",
    "hypot and arctan2 at the origin",
    lambda: (0.0,),
    0.0,
    source="rule",
    check=also(lambda x: np.arctan2(x, 0.0), lambda: (0.0,), 0.0),
)
def e19(x):
    return np.hypot(x, 0.0)


@trap("E20", "sinc at 0", lambda: (0.0,), 0.0)
def e20(x):
    return np.sinc(x)


@trap(
    "E21",
    "var and std of a constant array",
    lambda: (np.ones(3),),
    np.zeros(3),
    check=also(lambda x: np.std(x), lambda: (np.ones(3),), np.zeros(3)),
)
def e21(x):
    return np.var(x)


@trap(
    "E22",
    "det of a singular matrix",
    lambda: (np.array([[1.0, 2.0], [2.0, 4.0]]),),
    np.array([[4.0, -2.0], [-2.0, 1.0]]),
)
def e22(m):
    return np.linalg.det(m)


@trap("E23", "eigh with repeated eigenvalues", lambda: (np.eye(2),), np.eye(2))
def e23(m):
    return np.sum(np.linalg.eigh(m)[0])


@trap("E24", "svd at repeated singular values", lambda: (np.eye(2),), np.eye(2))
def e24(m):
    return np.sum(np.linalg.svd(m, compute_uv=False))


@trap("E25", "norm of order inf", lambda: (np.array([1.0, -3.0, 2.0]),), np.array([0.0, -1.0, 0.0]))
def e25(x):
    return np.linalg.norm(x, ord=np.inf)


@trap("E26", "np.interp", lambda: (np.array([1.0, 2.0, 5.0]),), np.array([0.5, 0.5, 0.0]))
def e26(fp):
    return np.interp(0.25, [0.0, 0.5, 1.0], fp)


# --- F. Numerical stability -------------------------------------------------------------------------


@trap("F1", "logsumexp of large arguments", lambda: (np.array([1000.0, 1000.0]),), np.array([0.5, 0.5]))
def f1(x):
    m = np.max(x)
    return m + np.log(np.sum(np.exp(x - m)))


@trap("F2", "softplus tail", lambda: (800.0,), 1.0)
def f2(x):
    return np.logaddexp(0.0, x)


@trap("F3", "naive log(1 + exp(x)) at 100", lambda: (100.0,), 1.0)
def f3(x):
    return np.log(1 + np.exp(x))


@trap("F4", "log1p and expm1 near 0", lambda: (1e-18,), 2.0, source="rule")
def f4(x):
    return np.log1p(x) + np.expm1(x)


SOFTMAX_OF_ONE_AND_TWO = 1 / (1 + math.e)


@trap(
    "F5",
    "softmax cross entropy",
    lambda: (np.array([1.0, 2.0]),),
    np.array([SOFTMAX_OF_ONE_AND_TWO - 1, 1 - SOFTMAX_OF_ONE_AND_TWO]),
)
def f5(z):
    p = np.exp(z - np.max(z))
    p = p / np.sum(p)
    return -np.log(p[0])


@trap("F6", "-inf mask in logsumexp", lambda: (np.array([0.0, 100.0]),), np.array([1.0, 0.0]))
def f6(x):
    y = np.where(np.array([True, False]), x, -np.inf)
    m = np.max(y)
    return m + np.log(np.sum(np.exp(y - m)))


# --- G. Dtypes --------------------------------------------------------------------------------------


@trap(
    "G1",
    "float32 stays float32",
    lambda: (np.array([1.0, 2.0], np.float32),),
    np.array([4.0, 8.0], np.float32),
)
def g1(x):
    return np.sum(2.0 * x**2 + 1.0)


def check_integer_input_is_refused(trap: Trap) -> None:
    from diffcompile import grad

    check_gradient(trap)
    with pytest.raises(TypeError, match="float"):
        grad(trap.fn)(np.array([1, 2, 3, 4]))


@trap(
    "G2",
    "integer input is refused",
    lambda: (np.array([1.0, 2.0, 3.0, 4.0]),),
    np.exp([1.0, 2.0, 3.0, 4.0]) / np.sum(np.exp([1.0, 2.0, 3.0, 4.0])),
    check=check_integer_input_is_refused,
)
def g2(a):
    m = np.max(a)
    return m + np.log(np.sum(np.exp(a - m)))


@trap("G3", "integer and boolean intermediates", lambda: (np.array([3.0, 2.0]),), np.array([2.0, 1.0]))
def g3(x):
    k = int(np.argmax(x))
    return x[k] * (x > 1.0).sum() + x[np.argsort(x)[0]]


@trap(
    "G4",
    "astype(int) stops the cotangent, astype(float32) passes it",
    lambda: (np.array([2.5, 3.5]),),
    np.array([2.0, 3.0]),
    check=also(
        lambda x: np.sum(x.astype(np.float32) * x), lambda: (np.array([2.5, 3.5]),), np.array([5.0, 7.0])
    ),
)
def g4(x):
    return np.sum(x.astype(np.int64) * x)


@trap(
    "G5",
    "real input, complex intermediate",
    lambda: (np.array([0.3, 1.1]),),
    -2 * np.sin([0.3, 1.1]),
)
def g5(x):
    return np.sum(np.abs(np.exp(1j * x) + 1.0) ** 2)


def check_complex_convention(trap: Trap) -> None:
    gradient = gradient_of(trap.fn, *trap.args())
    np.testing.assert_allclose(gradient, trap.expected, rtol=1e-12)


@trap(
    "G6",
    "complex input: the conjugate of steepest ascent",
    lambda: (3 + 4j,),
    6 - 8j,
    source="hand",
    check=check_complex_convention,
)
def g6(z):
    return np.abs(z) ** 2


@trap("G7", "a branch that returns a constant", lambda: (np.array([-1.0, -2.0]),), np.zeros(2))
def g7(x):
    s = x.sum()
    return s if s > 0 else 0.0


# --- H. Linear algebra shapes -----------------------------------------------------------------------


@trap(
    "H1",
    "matmul with vectors",
    lambda: (np.array([1.0, 2.0]), np.array([[1.0, 2.0], [3.0, 4.0]])),
    np.array([21.0, 43.0]),
)
def h1(v, M):
    return np.sum((v @ M) * np.array([1.0, 10.0]))


@trap(
    "H2",
    "matmul with broadcast batches",
    lambda: (np.ones((4, 3, 1)),),
    np.array([[[45.0], [51.0], [57.0]]] * 4),
)
def h2(b):
    A = np.arange(18.0).reshape(2, 1, 3, 3)
    return np.sum(A @ b)


@trap(
    "H3",
    "einsum with a repeated index",
    lambda: (np.array([[1.0, 2.0], [3.0, 4.0]]),),
    np.array([[3.0, 0.0], [0.0, 9.0]]),
)
def h3(m):
    return np.einsum("ii", m) + np.sum(np.einsum("ii->i", m) ** 2)


@trap(
    "H4",
    "einsum index in one operand only",
    lambda: (np.ones((2, 2)), np.array([1.0, 2.0])),
    np.full((2, 2), 3.0),
)
def h4(a, b):
    return np.einsum("ij,k->", a, b)


@trap(
    "H5",
    "solve with a vector",
    lambda: (np.array([[2.0, 0.0], [0.0, 4.0]]), np.array([2.0, 4.0])),
    np.array([[-0.5, -0.5], [-0.25, -0.25]]),
)
def h5(A, b):
    return np.sum(np.linalg.solve(A, b))


@trap(
    "H6",
    "inverse",
    lambda: (np.array([[2.0, 1.0], [0.0, 4.0]]),),
    np.array([[0.0625, -0.125], [-0.015625, 0.03125]]),
)
def h6(A):
    return np.linalg.inv(A)[0, 1]


def check_symmetric_part(trap: Trap) -> None:
    gradient = gradient_of(trap.fn, *trap.args())
    assert_close((gradient + gradient.T) / 2, trap.expected)


@trap(
    "H7",
    "cholesky reads one triangle",
    lambda: (np.diag([4.0, 9.0]),),
    np.array([[0.0, 0.0], [0.0, 1 / 6]]),
    check=check_symmetric_part,
)
def h7(A):
    return np.linalg.cholesky(A)[1, 1]


@trap(
    "H8",
    "eigh of a symmetrised matrix",
    lambda: (np.array([[2.0, 1.0], [1.0, 3.0]]),),
    np.array([[0.5 + 0.5 / math.sqrt(5), -1 / math.sqrt(5)], [-1 / math.sqrt(5), 0.5 - 0.5 / math.sqrt(5)]]),
)
def h8(A):
    return np.linalg.eigh((A + A.T) / 2)[0][0]


@trap(
    "H9",
    "diagonal with an offset",
    lambda: (np.ones((3, 3)),),
    np.array([[0.0, 3.0, 0.0], [0.0, 0.0, 5.0], [0.0, 0.0, 0.0]]),
    check=also(
        lambda v: np.sum(np.diag(v) * np.arange(4.0).reshape(2, 2)),
        lambda: (np.ones(2),),
        np.array([0.0, 3.0]),
    ),
)
def h9(m):
    return np.sum(np.diag(m, 1) * np.array([3.0, 5.0]))


# --- I. Higher order, nesting, effects --------------------------------------------------------------


@trap("I1", "perturbation confusion", lambda: (1.0,), 1.0, source="hand", lazy=True)
def i1():
    from diffcompile import grad

    def f(x):
        return x * grad(lambda y: x + y)(1.0)

    return f


def check_second_derivative_through_while(trap: Trap) -> None:
    from diffcompile import grad

    check_gradient(trap)
    assert_close(grad(grad(trap.fn))(2.0), 48.0)


@trap(
    "I2",
    "second derivative through a data-dependent while",
    lambda: (2.0,),
    32.0,
    check=check_second_derivative_through_while,
)
def i2(x):
    y = x
    while y < 10:
        y = y * x
    return y


def check_stopped_at_every_order(trap: Trap) -> None:
    from diffcompile import grad

    check_gradient(trap)
    assert_close(grad(grad(trap.fn))(3.0), 0.0)


@trap(
    "I3",
    "stop_gradient at every order",
    lambda: (3.0,),
    3.0,
    source="hand",
    check=check_stopped_at_every_order,
    lazy=True,
    )
def i3():
    from diffcompile import stop_gradient

    def f(x):
        return x * stop_gradient(x)

    return f


def check_hessian(trap: Trap) -> None:
    check_gradient(trap)
    hessian = hessian_of(trap.fn, *trap.args())
    assert_close(hessian, np.array([[4.0, 2.0], [2.0, -math.sin(2)]]))


@trap(
    "I4",
    "the Hessian is symmetric",
    lambda: (np.array([1.0, 2.0]),),
    np.array([4.0, 1 + math.cos(2)]),
    check=check_hessian,
)
def i4(x):
    return x[0] ** 2 * x[1] + np.sin(x[1])


@trap(
    "I5",
    "value and gradient share one random draw",
    lambda: (1.0, np.random.default_rng(0)),
    2 * (1 + np.random.default_rng(0).normal()),
    source="hand",
)
def i5(mu, rng):
    e = rng.normal()
    return (mu + e) ** 2


calls: list[int] = []


def check_effects_happen_once(trap: Trap) -> None:
    from diffcompile import grad, value_and_grad

    for derivative, expected in ((grad(trap.fn), 6.0), (value_and_grad(trap.fn), (9.0, 6.0))):
        calls.clear()
        with redirect_stdout(io.StringIO()) as printed:
            assert derivative(3.0) == expected
        assert printed.getvalue() == "f called\n"
        assert len(calls) == 1


@trap(
    "I6",
    "prints and counters happen once",
    lambda: (3.0,),
    6.0,
    source="rule",
    check=check_effects_happen_once,
)
def i6(x):
    calls.append(1)
    print("f called")
    return x * x


@trap("I7", "a custom rule for a user function", lambda: (0.0,), 4 * math.e, source="hand", lazy=True)
def i7():
    from diffcompile import defvjp

    def g(x):
        return np.exp(x)

    @defvjp(g)
    def _(ct, out, x):
        return ct * out * 2.0

    def f(x):
        return g(g(x))

    return f


def check_reentrant(trap: Trap) -> None:
    from diffcompile import grad

    check_gradient(trap)
    derivative = grad(trap.fn)
    points = np.linspace(-1.0, 1.0, 50)
    found: dict[int, list[float]] = {}

    def work(worker: int) -> None:
        found[worker] = [derivative(float(x)) for x in points]

    threads = [threading.Thread(target=work, args=(worker,)) for worker in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    expected = -4 * np.tanh(points) * (1 - np.tanh(points) ** 2) ** 2
    for worker in range(2):
        np.testing.assert_allclose(found[worker], expected, rtol=1e-9, atol=1e-12)


@trap(
    "I8",
    "grad inside f, and from two threads",
    lambda: (0.5,),
    -4 * math.tanh(0.5) * (1 - math.tanh(0.5) ** 2) ** 2,
    source="hand",
    check=check_reentrant,
    lazy=True,
)
def i8():
    from diffcompile import grad

    def f(x):
        return grad(np.tanh)(x) ** 2

    return f
