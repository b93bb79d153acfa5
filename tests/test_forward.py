"""Forward mode: the derivative in a direction, against reverse mode and against differences; its text.

`<gradient, v>` is the derivative in the direction `v`; the derivative of the gradient in the direction `v` is
the Hessian times `v`.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from diffcompile import (
    DiffCompileError,
    NoRule,
    WrongArgument,
    defvjp,
    grad,
    jacfwd,
    jacrev,
    jvp,
    linearize,
    value_and_grad,
)
from diffcompile.api import pushed
from diffcompile.rules.register import defequal
from graphs import written
from kernels import REFUSED, REFUSED_TWICE
from oracles import flatten, leaves, same, silenced, tree_map
from programs import Program
from test_numeric import EVERY, each

zoo = pytest.mark.parametrize("program", each(EVERY))
twice = pytest.mark.parametrize(
    "program",
    [p for p in EVERY if p.name not in REFUSED_TWICE and p.name not in REFUSED],
    ids=lambda p: p.name,
)


def moving(program: Program) -> tuple[int, ...]:
    """The positions of the parameters that are differentiated with respect to."""
    names = list(inspect.signature(program.fn).parameters)
    wrt = program.wrt if isinstance(program.wrt, tuple) else (program.wrt,)
    return tuple(names.index(w) if isinstance(w, str) else w for w in wrt)


def direction(x: Any, seed: int) -> Any:
    rng = np.random.default_rng(seed)

    def draw(leaf: Any) -> Any:
        v = rng.normal(size=np.shape(leaf))
        return np.asarray(v, leaf.dtype) if isinstance(leaf, np.ndarray) else type(leaf)(v)

    return tree_map(draw, x)


def directions(program: Program, args: tuple[Any, ...]) -> tuple[Any, ...]:
    places = moving(program)
    return tuple(direction(a, k) if k in places else None for k, a in enumerate(args))


def moved_by(x: Any, d: Any) -> Any:
    return np.asarray(x + d) if isinstance(x, np.ndarray) else type(x)(x + d)


@zoo
def test_derivative_in_a_direction_is_the_gradient_along_it(program: Program) -> None:
    places = moving(program)
    args = program.make_inputs()
    v = directions(program, args)
    with silenced():
        expected = program.fn(*program.make_inputs())
        _, gradient = value_and_grad(program.fn, argnums=places)(*program.make_inputs())
        value, dot = jvp(program.fn, args, v)

    along = sum(float(np.dot(flatten(v[k]), flatten(g))) for k, g in zip(places, gradient, strict=True))
    single = any(getattr(leaf, "dtype", None) == np.float32 for leaf in leaves(args))
    assert same(value, expected), f"{value!r} where the function gives {expected!r}"
    np.testing.assert_allclose(dot, along, rtol=1e-4 if single else 1e-9, atol=1e-5 if single else 1e-9)


@zoo
def test_tangents_and_the_callers_arguments_are_as_after_a_plain_call(program: Program) -> None:
    args, plain = program.make_inputs(), program.make_inputs()
    v = directions(program, args)
    before = flatten(v)
    with silenced():
        program.fn(*plain)
        jvp(program.fn, args, v)

    assert same(args, plain), "the caller sees what a plain call would have done"
    np.testing.assert_array_equal(flatten(v), before)


@twice
def test_derivative_of_the_gradient_is_the_hessian_along_the_direction(program: Program) -> None:
    places = moving(program)
    args = program.make_inputs()
    if any(getattr(leaf, "dtype", None) == np.float32 for leaf in leaves(args)):
        return
    v = directions(program, args)
    gradient = grad(program.fn, argnums=places)

    def along(h: float) -> np.ndarray:
        moved = list(program.make_inputs())
        for k in places:
            moved[k] = tree_map(lambda x, d: moved_by(x, h * d), moved[k], v[k])
        return flatten(gradient(*moved))

    with silenced():
        _, product = jvp(gradient, args, v)
        coarse, fine = ((along(h) - along(-h)) / (2 * h) for h in (1e-4, 5e-5))
    expected = (4 * fine - coarse) / 3

    scale = max(1.0, float(np.abs(expected).max(initial=0.0)))
    np.testing.assert_allclose(flatten(product), expected, rtol=1e-5, atol=1e-6 * scale)


# -- what is given and what comes back -----------------------------------------------------------------------


@dataclass
class Model:
    w: np.ndarray
    b: float
    steps: int = 2

    def __call__(self, x: Any) -> Any:
        return np.sum(self.w * x) + self.b


def test_the_result_and_its_tangent_have_the_structure_of_what_the_function_returns() -> None:
    def f(x, n):
        return {"a": x * 2.0, "b": (x[0], n)}, [np.ones(2)]

    value, dot = jvp(f, (np.arange(3.0), 4), (np.ones(3), None))

    assert value[0]["b"] == (0.0, 4)
    np.testing.assert_array_equal(dot[0]["a"], [2.0, 2.0, 2.0])
    assert dot[0]["b"] == (1.0, None)
    np.testing.assert_array_equal(dot[1][0], [0.0, 0.0])


def test_an_object_moves_by_its_attributes() -> None:
    model, v = Model(np.ones(2), 1.0), Model(np.array([1.0, 0.0]), 2.0)
    value, dot = jvp(lambda m, x: m(x), (model, 3.0), (v, 1.0))

    assert (value, dot) == (7.0, 3.0 + 2.0 + 2.0)


def test_a_tangent_of_an_object_may_be_a_dict_of_the_attributes_that_move() -> None:
    assert jvp(lambda m: m(3.0), (Model(np.ones(2), 1.0),), ({"b": 5.0},))[1] == 5.0


def test_none_in_a_tangent_stands_for_what_does_not_move() -> None:
    def f(p):
        return np.sum(p["w"] ** 2) * p["k"]

    primal = {"w": np.array([1.0, 2.0]), "k": 3.0, "name": "m"}

    assert jvp(f, (primal,), ({"w": np.array([1.0, 1.0]), "k": None},))[1] == 18.0
    assert jvp(f, (primal,), ({"k": 1.0},))[1] == 5.0


def test_a_tangent_is_read_in_the_dtype_of_its_primal() -> None:
    value, dot = jvp(lambda x: x * 2, (np.ones(2, np.float32),), ([1, 2],))

    assert (value.dtype, dot.dtype) == (np.float32, np.float32)


def test_the_same_array_may_be_primal_and_tangent_of_a_function_that_writes_into_it() -> None:
    def f(x):
        x[0] = x[1] * 3.0
        return x.sum()

    x = np.array([1.0, 2.0])

    assert jvp(f, (x,), (x,))[1] == 8.0
    np.testing.assert_array_equal(x, [6.0, 2.0])


def test_what_is_returned_is_the_callers_own() -> None:
    v = np.ones(2)
    _, dot = jvp(lambda x: x, (np.zeros(2),), (v,))
    dot[0] = 7.0

    np.testing.assert_array_equal(v, [1.0, 1.0])


@pytest.mark.parametrize("x", [0.5, np.float64(0.5), np.array([0.5, 0.7]), np.array([0.5, 0.7], np.float32)])
@pytest.mark.parametrize(
    "f",
    [
        lambda x: float(np.sum(x)),
        lambda x: np.sum(np.ones(3)),
        lambda x: 0.0 * np.sum(x),
        lambda x: x if np.sum(x) > 1e9 else np.sum(x) * 0.5,
        lambda x: (3.0, np.float32(2.0), np.array(np.sum(x))),
        lambda x: np.where(x > 0, x, 0.0),
    ],
)
def test_a_tangent_is_of_the_kind_of_its_value(f: Any, x: Any) -> None:
    def kind(value: Any) -> Any:
        if isinstance(value, tuple):
            return tuple(map(kind, value))
        return type(value), getattr(value, "dtype", None)

    expected = kind(f(x))
    value, dot = jvp(f, (x,), (x,))
    assert (kind(value), kind(dot)) == (expected, expected)
    assert kind(linearize(f, x)[1](x)) == expected


@pytest.mark.parametrize(
    ("primals", "tangents", "message"),
    [
        ((np.ones(3),), (np.ones(2),), "the tangent of `x` has shape (2,), and `x` has (3,)"),
        (({"a": 1.0},), ({"b": 1.0},), "the tangent of `x` has another form: it is dict"),
        ((1.0,), (np.ones(2),), "the tangent of `x` has another form: it is ndarray"),
        ((1,), (1.0,), "argument 0 of `<lambda>`, int, has no tangent"),
        ((1.0,), (None,), "`jvp` of `<lambda>` has no direction: every tangent is None"),
        ((1.0,), (1.0, 2.0), "`jvp` takes a tangent for each primal: 1, not 2"),
        (np.ones(3), np.ones(3), "`jvp` takes the arguments of the function in a tuple"),
    ],
)
def test_a_tangent_of_another_form_is_refused(primals: Any, tangents: Any, message: str) -> None:
    with pytest.raises(WrongArgument) as caught:
        jvp(lambda x: x, primals, tangents)

    assert str(caught.value).startswith(message)


def test_a_function_with_a_cotangent_rule_alone_has_no_tangent() -> None:
    def halved(x):
        return 0.5 * x

    defvjp(halved)(lambda ct, out, x: 0.5 * ct)
    f = written("def f(x):\n    return halved(x)", halved=halved)

    with pytest.raises(NoRule) as caught:
        jvp(f, (1.0,), (1.0,))

    name = f"{__name__}.halved"
    assert caught.value.reason == f"no tangent is known for `{name}`"
    assert caught.value.__notes__[-1] == f"Teach it one:  @defjvp({name})  def _(tangents, out, ...): ..."
    assert issubclass(NoRule, DiffCompileError)


# -- how it reads --------------------------------------------------------------------------------------------


def text(f: Callable[..., Any], primals: tuple[Any, ...], tangents: tuple[Any, ...]) -> str:
    """The body of the generated function."""
    jvp(f, primals, tangents)
    source = pushed(f, tuple(k for k, t in enumerate(tangents) if t is not None)).source
    return source.split('"""\n')[-1]


def test_a_loop_carries_value_and_tangent() -> None:
    f = written("""
    def newton(a):
        x = a
        while abs(x * x - a) > 1e-9:
            x = 0.5 * (x + a / x)
        return x
    """)

    assert text(f, (2.0,), (1.0,)) == """\
    x = a
    x_dot = a_dot
    while abs(x * x - a) > 1e-09:
        ratio = a / x
        x_dot = 0.5 * (x_dot + (a_dot / x - x_dot * (ratio / x)))
        x = 0.5 * (x + ratio)

    return x, x_dot
"""


def test_what_changes_an_array_changes_its_tangent_alike() -> None:
    f = written("""
    def f(x):
        y = np.zeros(4)
        for i in range(1, 4):
            y[i] = y[i - 1] + x[i]
        return y
    """)

    assert text(f, (np.ones(4),), (np.ones(4),)) == """\
    y = np.zeros(4)
    y_dot = np.zeros_like(y)
    for i in range(1, 4):
        y_dot[i] = y_dot[i - 1] + x_dot[i]
        y[i] = y[i - 1] + x[i]

    return y, y_dot
"""


def folded(x: Any) -> Any:
    return abs(x)


@defequal(folded)
def _(x: Any) -> Any:
    if np.sum(x) > 1.0:
        rows = np.stack([x, -x])
    else:
        rows = np.stack([-x, x])
    return np.max(rows, axis=0)


def rounded(x: Any, y: Any) -> Any:
    return np.sum(np.floor(x)) * np.ones(2) + y


@defequal(rounded)
def _(x: Any, y: Any) -> Any:
    return np.add(np.sum(np.floor(x)) * np.ones(2), y)


def test_what_stands_in_a_branch_of_an_equal_moves() -> None:
    x, v = np.array([0.7, -0.4, 1.2]), np.array([0.3, 0.5, -0.2])
    f = written("def f(x): return np.sum(folded(x) ** 2)", folded=folded)

    assert jvp(f, (x,), (v,))[1] == pytest.approx(2 * np.sum(x * v))


def test_an_equal_that_does_not_move_has_no_tangent() -> None:
    x, y = np.array([0.7, 1.4]), np.ones(2)
    f = written("def f(x, y): return np.sum(rounded(x, y))", rounded=rounded)

    assert jvp(f, (x, y), (x, None))[1] == 0.0


@pytest.mark.parametrize(
    "run",
    [
        lambda f, x: grad(f)(x),
        lambda f, x: jvp(f, (x,), (np.ones_like(x),))[1],
        lambda f, x: jacfwd(f)(x),
    ],
    ids=["grad", "jvp", "jacfwd"],
)
def test_a_function_of_five_hundred_lines_in_every_mode(run: Any) -> None:
    lines = ["def f(x):", "    a = x"]
    lines += [f"    a = np.sin(a) * x + {k % 3}.0" for k in range(500)]
    f = written("\n".join([*lines, "    return np.sum(a)"]))
    x = np.array([0.3, 0.7])

    h = 1e-6
    slope = (f(x + h) - f(x - h)) / (2 * h)
    np.testing.assert_allclose(np.sum(run(f, x)), slope, rtol=1e-6)


@pytest.mark.parametrize(
    "run", [lambda f, x, k: jvp(f, (x, k), (np.ones(2), None)), lambda f, x, k: jacfwd(f)(x, k)]
)
@pytest.mark.parametrize(
    ("line", "error"),
    [
        ("k[9]", IndexError),
        ("x[9]", IndexError),
        ("math.sqrt(k[0])", ValueError),
        ("k + np.ones(7)", ValueError),
        ("1 / int(k[0] + 1)", ZeroDivisionError),
    ],
)
def test_what_the_function_raises_is_raised_though_nothing_reads_it(run: Any, line: str, error: Any) -> None:
    f = written(f"def f(x, k):\n    unread = {line}\n    return x * 2.0", math=math)

    with pytest.raises(error):
        run(f, np.ones(2), np.array([-1.0, 2.0]))


def test_a_container_of_the_callers_that_is_returned_has_the_tangents_of_its_parts() -> None:
    def f(d, x):
        d["k"] = x * 2.0
        return d

    def g(items, x):
        items[0] = x**2
        items.append(x[0])
        return items

    x = np.array([1.0, 3.0])

    _, dot = jvp(f, ({"a": 1.0}, x), (None, np.ones(2)))
    assert dot["a"] == 0.0
    np.testing.assert_array_equal(dot["k"], [2.0, 2.0])
    _, (square, first) = jvp(g, ([1.0], x), (None, np.ones(2)))
    np.testing.assert_array_equal(square, [2.0, 6.0])
    assert first == 1.0


def test_what_numpys_index_tricks_join_moves() -> None:
    x = np.array([1.0, 3.0])
    _, row = jvp(lambda x: np.r_[1:3, x, x[0]], (x,), (x,))
    _, columns = jvp(lambda x: np.c_[x, x**2], (x,), (x,))

    np.testing.assert_array_equal(row, [0.0, 0.0, 1.0, 3.0, 1.0])
    np.testing.assert_array_equal(columns, [[1.0, 2.0], [3.0, 18.0]])


@pytest.mark.parametrize(
    ("x", "v"), [(np.ones(2), 1j * np.ones(2)), (2.0, 1j), (2.0, "a"), (np.ones(2), ["a", "b"])]
)
def test_a_tangent_that_is_not_of_the_kind_of_its_primal_is_refused(x: Any, v: Any) -> None:
    with pytest.raises(WrongArgument, match="has another form"):
        jvp(lambda x: x * 2.0, (x,), (v,))


def powered(kind, x, y):
    return x**2 * y if kind == "square" else x


def test_what_moves_is_found_behind_an_argument_that_is_folded_into_the_program() -> None:
    assert jvp(powered, ("square", 2.0, 5.0), (None, 1.0, None)) == (20.0, 20.0)
    assert jvp(powered, ("square", 2.0, 5.0), (None, None, 1.0)) == (20.0, 4.0)
    assert grad(lambda x: jvp(powered, ("square", x, 5.0), (None, 1.0, None))[1])(2.0) == 10.0


@pytest.mark.parametrize("made", ["u * 1.0", "+u", "u - 3.0", "u.copy()", "np.array(u)"])
def test_tangents_are_only_read_by_functions_that_write_into_what_they_are_given(made: str) -> None:
    f = written(f"""
    def inner(x, a):
        for k in range(1, len(x)):
            x[k] += 0.5 * x[k - 1]
        return a * np.sum(np.sin(x))

    def outer(u, b):
        return inner({made}, b) + np.sum(u**2)

    def between(u, b):
        w = jacrev(lambda v, c: np.sin(v) * outer(v, c))(u, b)
        return np.sum(np.sin(w @ u))

    def f(u, b):
        return outer(u, b) + between(u, b) * np.sum(u) + outer(u * 2.0, b)
    """, jacrev=jacrev)  # fmt: skip
    u, v = np.array([0.731, -1.193, 0.417, 0.902]), np.array([0.7, 0.4, -0.9, 0.2])
    h = 1e-6
    slope = (f(u + h * v, 0.5 + h) - f(u - h * v, 0.5 - h)) / (2 * h)
    moved = v.copy()

    np.testing.assert_allclose(jvp(f, (u, 0.5), (moved, 1.0))[1], slope, rtol=1e-7)
    push = linearize(f, u, 0.5)[1]
    np.testing.assert_allclose([push(moved, 1.0), push(moved, 1.0)], [slope, slope], rtol=1e-7)
    np.testing.assert_array_equal(moved, v)


def sum_of_products(x):
    return sum([x * i for i in range(3)])


def sum_of_zeros(b):
    q = [v * 1.1 for v in b]
    s = 0.0
    for _ in range(3):
        s += q[0] * b[0]
    t = [b[0] * 0.0 for _ in range(3)]
    return np.sum(s * s + sum(t) * q[0])


def sum_of_sums(b):
    q = [v * v for v in b]
    t = [b[0] * v for v in q]
    return np.sum(sum(t) * sum(q, b[1]))


def sum_of_a_list_joined(b):
    q = [v * 2 for v in b] * 2
    r = q + [b[0]]
    return np.sum(sum(r) * r[0])


def test_tangent_of_the_sum_of_a_list_of_floats_is_a_float() -> None:
    value, tangent = jvp(sum_of_products, (1.5,), (1.0,))

    assert (value, tangent) == (4.5, 3.0)
    assert type(tangent) is float


@pytest.mark.parametrize("program", [sum_of_zeros, sum_of_sums, sum_of_a_list_joined])
@pytest.mark.parametrize(
    "b",
    [
        [1.0, 2.0], [np.array([1.0, 2.0]), np.array([0.5, -1.0])], np.array([1.0, 2.0]),
        np.array([[1.0, 2.0], [0.3, 0.2]]),
    ],
    ids=["numbers", "arrays", "array", "rows"],
)  # fmt: skip
def test_tangent_of_the_gradient_of_a_sum_is_of_its_form(program, b) -> None:
    derivative = grad(program)
    v = [0.7 * part + 0.1 for part in b] if isinstance(b, list) else 0.7 * b + 0.1

    def moved(step: float):
        return [p + step * q for p, q in zip(b, v)] if isinstance(b, list) else b + step * v

    tangent = jvp(derivative, (b,), (v,))[1]
    ends = [derivative(moved(step)) for step in (1e-6, -1e-6)]
    slope = [(plus - minus) / 2e-6 for plus, minus in zip(*ends, strict=True)]

    np.testing.assert_allclose(np.array(tangent), np.array(slope), rtol=1e-6, atol=1e-6)
    for part, of in zip(tangent, b, strict=True):
        assert isinstance(part, float) if isinstance(of, float) else np.shape(part) == np.shape(of)
