"""`linearize`: the derivative at a point, applied to many directions: against `jvp` and against the pullback.

The function is evaluated once, whatever is done to its arguments and to what it returned meanwhile.
"""

from __future__ import annotations

import pickle
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from diffcompile import WrongArgument, checkpoint, grad, hessian, jvp, linearize, vjp
from graphs import written
from oracles import flatten, leaves, same, silenced, tree_map
from programs import Program
from test_forward import direction, directions, moving
from test_numeric import EVERY, each

zoo = pytest.mark.parametrize("program", each(EVERY))


def spoiled(x: Any) -> None:
    """Overwrite every array in an argument."""

    def spoil(leaf: Any) -> Any:
        if isinstance(leaf, np.ndarray) and leaf.flags.writeable:
            leaf[...] = np.nan if leaf.dtype.kind in "fc" else 0
        return leaf

    tree_map(spoil, x)


@zoo
def test_the_push_is_the_derivative_in_every_direction(program: Program) -> None:
    places = moving(program)
    args = program.make_inputs()
    v = directions(program, args)
    other = tuple(direction(a, 7 + k) if k in places else None for k, a in enumerate(args))
    given = tuple(d for d in v if d is not None)
    with silenced():
        value, dot = jvp(program.fn, program.make_inputs(), v)
        _, second = jvp(program.fn, program.make_inputs(), other)
        found, push = linearize(program.fn, *args, argnums=places)
        plain = program.make_inputs()
        program.fn(*plain)
        assert same(found, value)
        assert same(args, plain), "the caller sees what a plain call would have done"
        spoiled(args)
        spoiled(found)
        results = push(*given), push(*(other[k] for k in places)), push(*given)

    single = any(getattr(leaf, "dtype", None) == np.float32 for leaf in leaves(plain))
    tolerance = {"rtol": 1e-4, "atol": 1e-5} if single else {"rtol": 1e-9, "atol": 1e-9}
    for result, expected in zip(results, (dot, second, dot), strict=True):
        np.testing.assert_allclose(flatten(result), flatten(expected), **tolerance)
    assert type(results[0]) is type(dot)


@zoo
def test_the_push_is_the_transpose_of_the_pullback(program: Program) -> None:
    places = moving(program)
    args = program.make_inputs()
    v = tuple(d for d in directions(program, args) if d is not None)
    with silenced():
        _, push = linearize(program.fn, *args, argnums=places)
        out, pull = vjp(program.fn, *program.make_inputs(), argnums=places)
        ct = direction(out, 3)
        along = float(np.dot(flatten(push(*v)), flatten(ct)))
        back = float(np.dot(flatten(v), flatten(pull(ct))))

    single = any(getattr(leaf, "dtype", None) == np.float32 for leaf in leaves(args))
    np.testing.assert_allclose(along, back, rtol=1e-4 if single else 1e-9, atol=1e-4 if single else 1e-9)


@zoo
def test_a_pullback_is_safe_from_writes_into_the_arguments_and_the_result(program: Program) -> None:
    args = program.make_inputs()
    with silenced():
        out, pull = vjp(program.fn, *args, argnums=moving(program))
        plain = program.make_inputs()
        program.fn(*plain)
        assert same(args, plain), "the caller sees what a plain call would have done"
        ct = direction(out, 3)
        expected = flatten(pull(ct))
        spoiled(args)
        spoiled(out)
        found = flatten(pull(ct))

    np.testing.assert_array_equal(found, expected)


# -- what is given and what comes back -----------------------------------------------------------------------


def test_each_primal_has_a_tangent_and_none_does_not_move() -> None:
    value, push = linearize(lambda p, n, x: (p["w"] * x**n, n), {"w": np.ones(2), "b": 1.0}, 2, 3.0)

    np.testing.assert_array_equal(value[0], [9.0, 9.0])
    moved, still = push({"w": [1.0, 2.0]}, None, 1.0)
    np.testing.assert_array_equal(moved, [15.0, 24.0])
    assert still is None
    np.testing.assert_array_equal(push(None, None, 1.0)[0], [6.0, 6.0])


def test_argnums_choose_what_moves() -> None:
    f = written("def f(x, y): return x * y**2")

    assert linearize(f, 3.0, 2.0, argnums="y")[1](1.0) == 12.0
    assert linearize(f, 3.0, 2.0, argnums=1)[1](1.0) == 12.0
    assert linearize(f, 3.0, 2.0, argnums=("y", 0))[1](1.0, 10.0) == 52.0


@dataclass
class Model:
    w: np.ndarray
    b: float

    def __call__(self, x):
        return np.sum(self.w * x) + self.b


def test_an_object_moves_by_its_attributes() -> None:
    _, push = linearize(lambda m, x: m(x), Model(np.ones(2), 1.0), 3.0)

    assert push(Model(np.array([1.0, 0.0]), 2.0), 1.0) == 7.0
    assert push({"b": 5.0}, None) == 5.0


def test_the_function_runs_once_with_its_prints_and_draws(capsys: pytest.CaptureFixture[str]) -> None:
    def f(x, rng):
        print("running")
        return x * rng.normal()

    rng, plain = np.random.default_rng(3), np.random.default_rng(3)
    factor = plain.normal()
    _, push = linearize(f, 2.0, rng, argnums=0)

    assert [push(1.0), push(2.0), push(1.0)] == [factor, 2 * factor, factor]
    assert capsys.readouterr().out == "running\n"
    assert rng.normal() == plain.normal()


def test_a_gradient_is_linearized_into_products_with_the_hessian() -> None:
    def f(x):
        s = 0.0
        for i in range(len(x) - 1):
            s = s * 0.5 + np.sin(x[i] * x[i + 1]) * s + x[i] ** 3
        return s

    x = np.linspace(0.3, 0.9, 4)
    slope, push = linearize(grad(f), x)

    np.testing.assert_array_equal(slope, grad(f)(x))
    np.testing.assert_allclose(np.stack([push(v) for v in np.eye(4)]), hessian(f)(x), rtol=1e-12)


def test_what_is_checkpointed_is_saved_whole() -> None:
    def f(x):
        for _ in checkpoint(range(9)):
            x = np.sin(x) * 1.3
        return x

    _, push = linearize(f, np.array([0.4, 0.7]))

    expected = jvp(f, (np.array([0.4, 0.7]),), (np.array([1.0, -2.0]),))[1]
    np.testing.assert_allclose(push(np.array([1.0, -2.0])), expected, rtol=1e-14)


@pytest.mark.parametrize("stop", [2.0, 100.0])
def test_a_loop_that_is_left_early_over_items_that_move(stop: float) -> None:
    f = written("""
    def f(xs, ys, stop):
        s, out = 0.0, []
        for x, y in zip(xs, ys):
            s = s + np.sin(x) * y
            out.append(s * s)
            if s > stop:
                break
        return s, out
    """)
    xs, ys = np.linspace(0.5, 1.5, 5), np.linspace(1.0, 2.0, 4)
    given = (np.ones(5), np.linspace(0.0, 1.0, 4))
    _, push = linearize(f, xs, ys, stop, argnums=(0, 1))

    found, expected = push(*given), jvp(f, (xs, ys, stop), (*given, None))[1]
    np.testing.assert_allclose(flatten(found), flatten(expected), rtol=1e-13)
    assert len(found[1]) == len(expected[1])


@pytest.mark.parametrize(
    ("tangents", "message"),
    [
        ((np.ones(2),), "the tangent of `x` has shape (2,), and `x` has (3,)"),
        ((1.0,), "the tangent of `x` has shape (), and `x` has (3,)"),
        ((np.ones(3), 1.0), "`push` takes a tangent for each argument: 1, not 2"),
    ],
)
def test_a_tangent_of_another_form_is_refused(tangents: tuple[Any, ...], message: str) -> None:
    _, push = linearize(lambda x: x * 2.0, np.ones(3))
    with pytest.raises(WrongArgument) as caught:
        push(*tangents)

    assert str(caught.value).startswith(message)


def test_nothing_to_move_is_refused() -> None:
    with pytest.raises(WrongArgument, match="no argument of `f` can be differentiated"):
        linearize(written("def f(n): return n * 2"), 3)
    with pytest.raises(WrongArgument, match="`argnums` names a part of one"):
        linearize(lambda m: m.b * 2.0, Model(np.ones(2), 1.0), argnums="m.b")


# -- how it reads --------------------------------------------------------------------------------------------


def test_the_push_is_a_linear_program_over_what_was_saved() -> None:
    f = written("""
    def newton(a):
        x = a
        while abs(x * x - a) > 1e-9:
            x = 0.5 * (x + a / x)
        return x
    """)
    _, push = linearize(f, 2.0)

    assert push.push_source.split('"""\n')[-1] == """\
    saved, a = saved
    x_dot = a_dot
    for x in saved:
        x_dot = 0.5 * (x_dot + (a_dot / x - x_dot * (a / x / x)))

    return x_dot
"""


def test_what_depends_on_no_direction_is_computed_once() -> None:
    _, push = linearize(written("def f(x): return np.sum(np.sin(x) * np.exp(x))"), np.ones(3))

    assert push.push_source.split('"""\n')[-1] == """\
    cos_out, exp_out, sin_out = saved

    return np.sum(x_dot * cos_out * exp_out + x_dot * exp_out * sin_out)
"""


RUN = """
import pickle, sys
sys.modules["diffcompile"] = None
sys.path.insert(0, sys.argv[1])
from saved import scaled_linearized, scaled_push

value, kept = scaled_linearized(*pickle.loads(bytes.fromhex(sys.argv[2])))
print(pickle.dumps((value, scaled_push(kept, 1.0, 0.5))).hex())
"""


def test_the_module_runs_where_diffcompile_is_not(tmp_path: Path) -> None:
    f = written("""
    def helper(x, n):
        return x if n == 0 else np.sin(x * helper(x, n - 1))

    def scaled(x, k):
        return k * helper(x, 3)
    """)
    value, push = linearize(f, 0.8, 2.0)
    push.save(tmp_path / "saved.py")
    args = [sys.executable, "-W", "error", "-c", RUN, str(tmp_path), pickle.dumps((0.8, 2.0)).hex()]
    run = subprocess.run(args, capture_output=True, text=True, timeout=60)

    assert run.returncode == 0, run.stderr
    assert pickle.loads(bytes.fromhex(run.stdout)) == (value, push(1.0, 0.5))
    assert (tmp_path / "saved.py").read_text() == push.source
    assert "scaled" in repr(push)


def powered(kind, x, y):
    return x**2 * y if kind == "square" else x


def test_what_moves_is_found_behind_an_argument_that_is_folded_into_the_program() -> None:
    _, push = linearize(powered, "square", 2.0, 5.0, argnums="x")

    assert push(1.0) == 20.0


@pytest.mark.parametrize("mode", [vjp, linearize])
def test_what_one_called_function_gives_and_saves_may_be_written(mode: Any) -> None:
    f = written("""
    def grown(x):
        y = np.exp(x)
        if y[0] > 100:
            y = y + 1.0
        return y

    def f(x):
        return grown(x)
    """)
    x = np.array([0.1, 0.2, 0.3])
    out, derivative = mode(f, x)
    expected = np.array(derivative(np.ones(3)))
    out[...] = 7.0
    x[...] = 5.0

    np.testing.assert_array_equal(derivative(np.ones(3)), expected)


def test_tangents_saved_by_a_called_function_outlive_what_is_written_after_it() -> None:
    f = written("""
    def inner(x, y):
        y[:2] = np.sin(x[:2])
        return np.sum(np.sin(y) * x)

    def middle(u):
        w = u * 1.0
        for k in range(2):
            w[k] += 0.3 * np.sin(inner(w * 1.0, np.ones(4)))
        return np.sum(w)

    def f(u):
        return np.sum(np.sin(grad(middle)(u)))
    """, grad=grad)  # fmt: skip
    u, v = np.array([0.731, -1.193, 0.417, 0.902]), np.cos(np.arange(4.0))
    slope = (f(u + 1e-6 * v) - f(u - 1e-6 * v)) / 2e-6

    np.testing.assert_allclose(linearize(f, u)[1](v), slope, rtol=1e-7)
    np.testing.assert_allclose(jvp(f, (u,), (v,))[1], slope, rtol=1e-7)


# -- one floating-point state around both halves ----------------------------------------------------------


def whitened(x: Any) -> Any:
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = x / np.sqrt(x)
        with np.errstate(over="ignore"):
            ratio = np.exp(ratio) * x
    return np.sum(ratio * np.sin(x))


def in_turns(x: Any, how: str = "ignore") -> Any:
    total = 0.0
    for k in range(3):
        with np.errstate(divide=how):
            total = np.sin(total) + np.sum(np.exp(k * x) / x)
    return total


def of_a_name(x: Any) -> Any:
    quiet = np.errstate(divide="ignore")
    with quiet:
        y = x / x[0] ** 2
    return np.sum(y**3)


def into_a_list(x: Any) -> Any:
    rows = [[v] for v in x]
    with np.errstate(all="ignore"):
        row = [x[0]]
        rows.append(row)
        row[0] += x[2]
    row[0] *= x[1]
    return rows[-1][0] * row[0]


def called(x: Any) -> Any:
    def scaled(z: Any) -> Any:
        with np.errstate(all="ignore"):
            return np.sum(z / np.sqrt(z))

    return scaled(x) * scaled(2 * x)


@pytest.mark.parametrize("fn", [whitened, in_turns, of_a_name, into_a_list, called])
def test_each_half_enters_a_manager_of_its_own(fn: Any) -> None:
    x, dot = np.array([0.7, 1.3, 2.1, 0.4]), np.array([0.3, -0.2, 0.5, 1.0])
    value, push = linearize(fn, x)
    assert same(value, fn(x))
    expected = [(fn(x + h * dot) - fn(x - h * dot)) / (2 * h) for h in (1e-4, 5e-5)]
    first, again = push(dot), push(dot)
    assert first == again
    assert np.isclose(first, (4 * expected[1] - expected[0]) / 3, rtol=1e-8, atol=1e-8)
    assert np.isclose(push(-2 * dot), -2 * first)


def test_the_push_runs_in_the_settings_of_the_body() -> None:
    def steep(x: Any) -> Any:
        with np.errstate(divide="ignore", over="raise"):
            return np.sum(np.exp(x))

    _, push = linearize(steep, np.array([700.0]))
    with pytest.raises(FloatingPointError, match="overflow"):
        push(np.array([1e10]))


SHORT = np.array([1.0, 2.0])


def first_only(x: Any) -> Any:
    first = 0.0
    for v in x:
        first = v
        break
    return first * first


def left_when_large(x: Any) -> Any:
    total = 0.0
    for v in reversed(x):
        total = total + 2 * v
        if total > 3.1:
            break
    return total


def beside_fewer(x: Any) -> Any:
    total = 0.0
    for v, _ in zip(x, SHORT, strict=False):
        total = total + v
    return total


def numbered(x: Any) -> Any:
    total = 0.0
    for _, v in zip(range(3), x, strict=False):
        total = total + v
    return total


def returned_early(x: Any) -> Any:
    total = 0.0
    for k, v in enumerate(x):
        if k == 2:
            return total
        total = total + v
    return total


def gathered(x: Any) -> Any:
    kept = []
    for v, _ in zip(x, SHORT, strict=False):
        kept.append(v)
    return sum(kept) + sum([v for v, _ in zip(x, SHORT, strict=False)])


def inner_left(x: Any) -> Any:
    total = 0.0
    for r in x:
        if r < 0.4:
            continue
        for q in x:
            if q > 1:
                break
            total = total + 2 * q + r
    return total


def of_a_generator(x: Any) -> Any:
    it = iter(x)
    first = next(it)
    return first * 3


@pytest.mark.parametrize(
    "fn",
    [
        first_only, left_when_large, beside_fewer, numbered, returned_early, gathered, inner_left,
        of_a_generator,
    ],
)  # fmt: skip
def test_the_push_makes_as_many_turns_as_the_program_did(fn: Any) -> None:
    x, dot = np.array([0.7, 1.3, 0.3, 0.9]), np.array([0.3, -0.2, 0.5, 1.0])
    expected = (fn(x + 1e-6 * dot) - fn(x - 1e-6 * dot)) / 2e-6
    _, push = linearize(fn, x)
    assert np.isclose(push(dot), expected, rtol=1e-8)
    assert np.isclose(push(-2 * dot), -2 * expected, rtol=1e-8)
    assert np.isclose(jvp(fn, (x,), (dot,))[1], expected, rtol=1e-8)
    assert np.isclose(grad(fn)(x) @ dot, expected, rtol=1e-8)
