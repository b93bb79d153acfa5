"""Jacobians and Hessians, all directions at once: forward against reverse, and against differences."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pytest

from diffcompile import NoRule, WrongArgument, grad, hessian, jacfwd, jacrev, jvp
from graphs import written
from kernels import REFUSED, REFUSED_TWICE
from oracles import flatten, leaves, same, silenced
from programs import Program
from test_forward import moving
from test_numeric import EVERY

RNG = np.random.default_rng(4)
x3, y4 = RNG.normal(size=3), RNG.normal(size=4)
a43, b33 = RNG.normal(size=(4, 3)), RNG.normal(size=(3, 3)) + 3 * np.eye(3)

ZOO = [p for p in EVERY if p.name not in REFUSED and p.name not in REFUSED_TWICE]


@pytest.mark.parametrize("program", ZOO, ids=lambda p: p.name)
def test_forward_jacobian_of_a_number_is_its_gradient(program: Program) -> None:
    places = moving(program)
    single = any(getattr(leaf, "dtype", None) == np.float32 for leaf in leaves(program.make_inputs()))
    args, plain = program.make_inputs(), program.make_inputs()
    with silenced():
        program.fn(*plain)
        expected = flatten(grad(program.fn, argnums=places)(*program.make_inputs()))
        found = flatten(jacfwd(program.fn, argnums=places)(*args))

    tolerance = 1e-5 if single else 1e-9
    scale = max(1.0, float(np.abs(expected).max(initial=0.0)))
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance * scale)
    assert same(args, plain), "the caller sees what a plain call would have done, once"


def differences(f: Callable[[Any], Any], x: np.ndarray) -> np.ndarray:
    """The Jacobian by central differences, extrapolated once."""
    columns = []
    for k in range(x.size):
        e = np.zeros(x.size)
        e[k] = 1.0
        e = e.reshape(x.shape)
        coarse, fine = ((np.asarray(f(x + h * e)) - np.asarray(f(x - h * e))) / (2 * h) for h in (1e-3, 5e-4))
        columns.append((4 * fine - coarse) / 3)
    return np.stack(columns, axis=-1).reshape(*np.shape(columns[0]), *x.shape)


def scan(x):
    y = np.zeros((3, len(x)))
    for i in range(3):
        y[i] = np.sin(x) * (i + 1)
        y[i, 1:] += y[i, :-1] * x[0]
    return y


def branches(x):
    y = x * 2.0
    if x[0] > -10.0:
        y = y * x[1]
    total = np.zeros_like(x)
    k = 0
    while k < 3:
        total = total + y**k
        k += 1
    return total


def helper(u, v):
    u[1:] += v[:-1] * u[:-1]
    v *= u


def changed(x):
    u, v = x.copy(), np.cos(x)
    for _ in range(2):
        helper(u, v)
    return u, v


def recursive(x, n):
    return x if n == 0 else recursive(np.sin(x) * x[0], n - 1)


FUNCTIONS: list[tuple[Any, Any]] = [
    (lambda x: np.sin(a43 @ x) * x[0], x3),
    (lambda x: np.outer(x, x) @ x, x3),
    (lambda x: x[None, :] * x[:, None] + np.sum(x), x3),
    (lambda x: np.linalg.solve(b33 + np.outer(x, x), x), x3),
    (lambda x: np.linalg.inv(b33 * x), x3),
    (lambda x: np.where(x > 0, x**2, np.exp(x)), x3),
    (lambda x: np.cumsum(x) / np.sum(x**2), x3),
    (lambda x: np.sort(x)[::-1] * np.max(x), x3),
    (lambda x: x.reshape(2, 2).T.ravel() * x[[0, 0, 3, 1]], y4),
    (lambda x: np.concatenate([x, x[:2] * 3.0, x**2]), x3),
    (lambda x: np.stack([x, x * x], axis=1).mean(axis=0), x3),
    (lambda x: np.einsum("i,ij,j->i", x, b33, x), x3),
    (lambda x: (x @ b33 @ x) * np.ones((2, 2)), x3),
    (lambda x: np.linalg.norm(x) * x, x3),
    (lambda x: np.prod(x, keepdims=True) - x, x3),
    (lambda x: np.tensordot(b33, x, 1), x3),
    (lambda x: np.array([x[0] * x[1], x[2]]), x3),
    (lambda x: [x[0] * x, x[1]][0], x3),
    (lambda x: np.roll(x, 1) * np.flip(x), x3),
    (lambda x: np.linalg.eigvalsh(b33 + b33.T + np.diag(x)), x3),
    (lambda x: np.fft.irfft(np.fft.rfft(x) ** 2, 4), y4),
    (lambda m: m @ m.T, a43),
    (lambda m: np.trace(m[:3]) * m[1], a43),
    (lambda m: m.sum(axis=1) * m[:, 0], a43),
    (lambda m: np.linalg.svd(m, compute_uv=False), a43),
    (scan, x3),
    (branches, x3),
    (lambda x: recursive(x, 3), x3),
    (lambda x: [f(x) for f in (np.sin, np.cos)][1], x3),
]


@pytest.mark.parametrize("mode", [jacfwd, jacrev])
@pytest.mark.parametrize("k", range(len(FUNCTIONS)))
def test_jacobian_agrees_with_central_differences(mode: Any, k: int) -> None:
    f, x = FUNCTIONS[k]

    np.testing.assert_allclose(mode(f)(x), differences(f, x), rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize("mode", [jacfwd, jacrev])
def test_the_structure_is_that_of_the_result_and_in_it_that_of_the_argument(mode: Any) -> None:
    def f(p, s):
        return {"a": p["w"] * s, "b": (p["b"] * s, 3)}

    p, s = {"w": np.array([1.0, 2.0]), "b": 5.0, "n": 2}, 4.0
    found = mode(f, argnums=(0, 1))(p, s)

    (a_p, a_s), ((b_p, b_s), nothing) = found["a"], found["b"]
    np.testing.assert_array_equal(a_p["w"], 4.0 * np.eye(2))
    np.testing.assert_array_equal(a_p["b"], np.zeros(2))
    np.testing.assert_array_equal(a_s, [1.0, 2.0])
    np.testing.assert_array_equal(b_p["w"], np.zeros(2))
    assert (b_p["b"], b_s, a_p["n"]) == (4.0, 5.0, None)
    assert nothing is None or np.all(np.asarray(nothing[1]) == 0)


@pytest.mark.parametrize("mode", [jacfwd, jacrev])
def test_what_a_called_function_writes_is_written_in_all_directions(mode: Any) -> None:
    u_jacobian, v_jacobian = mode(changed)(x3)

    np.testing.assert_allclose(u_jacobian, differences(lambda x: changed(x)[0], x3), rtol=1e-7, atol=1e-7)
    np.testing.assert_allclose(v_jacobian, differences(lambda x: changed(x)[1], x3), rtol=1e-7, atol=1e-7)


class Pair(NamedTuple):
    x: Any
    y: Any


@dataclass
class Model:
    w: np.ndarray
    k: float


def test_named_tuples_and_dataclasses_have_jacobians_of_their_own_kind() -> None:
    found = jacrev(lambda m: Pair(m.w * m.k, m.k**2))(Model(np.ones(2), 3.0))

    assert isinstance(found, Pair) and isinstance(found.x, Model)
    np.testing.assert_array_equal(found.x.w, 3.0 * np.eye(2))
    assert found.y.k == 6.0


@pytest.mark.parametrize(
    ("f", "x"),
    [
        (lambda x: np.sum(np.exp(x[1:] * x[:-1])), x3),
        (lambda x: np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2), y4),
        (lambda x: np.log(np.sum(np.exp(b33 @ x))), x3),
        (lambda x: np.linalg.slogdet(b33 + np.outer(x, x))[1], x3),
        (lambda x: np.sum(scan(x) ** 2), x3),
        (lambda x: np.sum(branches(x)), x3),
        (lambda x: np.sum(changed(x)[0] * changed(x)[1]), x3),
        (lambda m: np.sum(np.tanh(m @ m.T)), a43),
        (lambda x: x[0] ** 3 if x[0] > -9 else x[1], x3),
    ],
)
def test_hessian_agrees_with_differences_of_the_gradient_and_is_symmetric(f: Any, x: np.ndarray) -> None:
    found = hessian(f)(x)

    n = x.size
    np.testing.assert_allclose(found, differences(grad(f), x), rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(found.reshape(n, n), found.reshape(n, n).T, rtol=1e-9, atol=1e-9)


def test_a_hessian_of_several_arguments_has_a_block_for_each_pair() -> None:
    (xx, xy), (yx, yy) = hessian(lambda x, y: np.sum(x**2) * y**3, argnums=(0, 1))(x3, 2.0)

    np.testing.assert_allclose(xx, 16.0 * np.eye(3))
    np.testing.assert_allclose(xy, 24.0 * x3)
    np.testing.assert_allclose(yx, 24.0 * x3)
    np.testing.assert_allclose(yy, 12.0 * np.sum(x3**2))


def test_columns_of_the_jacobian_are_derivatives_in_the_directions_of_the_axes() -> None:
    f, x = FUNCTIONS[0]
    jacobian = jacfwd(f)(x)

    for k, e in enumerate(np.eye(3)):
        np.testing.assert_allclose(jacobian[:, k], jvp(f, (x,), (e,))[1])


@pytest.mark.parametrize("mode", [jacfwd, jacrev])
def test_single_precision_stays(mode: Any) -> None:
    x = x3.astype(np.float32)

    assert mode(lambda x: np.sin(x) * x[0])(x).dtype == np.float32


@pytest.mark.parametrize("mode", [jacfwd, jacrev])
def test_what_does_not_depend_on_the_argument_has_a_jacobian_of_zeros(mode: Any) -> None:
    np.testing.assert_array_equal(mode(lambda x: np.ones(2))(x3), np.zeros((2, 3)))


@pytest.mark.parametrize("mode", [jacfwd, jacrev])
@pytest.mark.parametrize("size", [1, 2])
def test_one_direction_is_a_batch_like_any_other(mode: Any, size: int) -> None:
    x = np.arange(1.0, 1.0 + size)

    expected = np.diag(np.full(size, x.sum())) + x[:, None]
    np.testing.assert_array_equal(mode(lambda x: x * x.sum())(x), expected)


def test_prints_happen_once(capsys: pytest.CaptureFixture[str]) -> None:
    def f(x):
        print("seen")
        return np.sin(x)

    jacfwd(f)(x3)
    jacrev(f)(x3)

    assert capsys.readouterr().out == "seen\nseen\n"


def test_what_can_only_be_taken_one_direction_at_a_time_changes_an_argument_once(
    capsys: pytest.CaptureFixture[str],
) -> None:
    f = written("""
    def f(x, log):
        rows = []
        for k in range(2):
            rows.append([x * k, [x]])
        log[0] += x[0]
        print("seen")
        total = 0.0
        for row in rows:
            for part in row[1]:
                total = total + part
        return total
    """)
    log = np.ones(1)

    np.testing.assert_allclose(jacfwd(f)(x3, log), 2.0 * np.eye(3))
    assert log[0] == 1.0 + x3[0]
    assert capsys.readouterr().out == "seen\n"


def test_a_program_taken_in_one_direction_after_the_other_leaves_its_arguments_as_a_plain_call() -> None:
    program = next(p for p in EVERY if p.name == "n_body")
    args, plain = program.make_inputs(), program.make_inputs()
    program.fn(*plain)
    found = jacfwd(program.fn, program.wrt)(*args)
    expected = grad(program.fn, program.wrt)(*program.make_inputs())

    assert same(args, plain)
    for block, gradient in zip(found, expected, strict=True):
        np.testing.assert_allclose(block, gradient, rtol=1e-9)


# -- positions apart, items of lists, what raises, what is the caller's --------------------------------------

a234 = RNG.normal(size=(2, 3, 4))
m22 = np.array([[1.0, 2.0], [3.0, 5.0]])


def scattered(t):
    y = np.zeros((2, 3, 2))
    y[[0, 1], :, [0, 1]] = t[:, :, 0]
    y[[0, 1], :, [1, 0]] += t[:, :, 1] ** 2
    y[0, :, [0, 1]] *= t[1, :, [1, 0]]
    return y


def rows_of_one(x):
    y = np.zeros((2, 3))
    y[0] = x[None, :] * 2.0
    np.copyto(y[1], x[None, :] ** 2)
    return y


APART: list[tuple[Any, Any]] = [
    (lambda t: t[[0, 1], :, [0, 1]], a234),
    (lambda t: t[0, :, [0, 1, 1]], a234),
    (lambda t: t[[0, 1], None, [0, 1]], a234),
    (lambda t: t[1, :, np.array([True, False, True, True])], a234),
    (lambda t: m22 @ t[[0, 1], :, [0, 1]], a234[:, :1, :2]),  # as many directions as positions
    (scattered, a234),
    (rows_of_one, x3),
    (lambda x: np.take_along_axis(x, np.array([1, 0]), 0), x3),
    (lambda x: np.outer(x, x)[np.ix_([0, 1], [1, 2])], x3),
    (lambda x: np.outer(x, x)[np.triu_indices(3)], x3),
    (lambda x: np.maximum.reduce([x, x**2, x**3]), x3),
    (lambda x: np.insert(x, [0, 2], [x[0], 2.0]), x3),
    (lambda x: np.append(x, [1.0, x[0]]), x3),
    (lambda x: np.r_[1:4, x, 0.0, x[0], [1, 2]], x3),
    (lambda x: np.r_[x[0]], x3),
    (lambda x: np.c_[x, [1.0, 2.0, 3.0], x**2], x3),
]


@pytest.mark.parametrize("mode", [jacfwd, jacrev])
@pytest.mark.parametrize("k", range(len(APART)))
def test_positions_apart_and_items_of_lists_in_all_directions(mode: Any, k: int) -> None:
    f, x = APART[k]

    np.testing.assert_allclose(mode(f)(x), differences(f, x), rtol=1e-7, atol=1e-7)


def caught_index(x):
    try:
        x[5]
        return x * 2.0
    except IndexError:
        return x * 3.0


def caught_shape(x):
    try:
        np.reshape(x, (2, 2))
        return x * 2.0
    except ValueError:
        return x * 3.0


def caught_logarithm(x):
    try:
        return math.log(x[0] - 100.0) + x[1]
    except ValueError:
        return x[1] ** 3


def caught_in_a_loop(x):
    total = 0.0
    for k in range(3):
        try:
            total += math.log(x[k] * (-1) ** k) + x[k]
        except ValueError:
            total += x[k] ** 2
    return total


def caught_warning(x):
    with np.errstate(divide="raise"):
        try:
            return 1 / (x * 0.0) + x
        except FloatingPointError:
            return x * 3.0


@pytest.mark.parametrize("mode", [jacfwd, jacrev])
@pytest.mark.parametrize(
    "f", [caught_index, caught_shape, caught_logarithm, caught_in_a_loop, caught_warning]
)
def test_what_is_caught_is_still_raised(mode: Any, f: Any) -> None:
    np.testing.assert_allclose(mode(f)(x3), differences(f, x3), rtol=1e-7, atol=1e-7)


def test_what_is_caught_is_still_raised_in_second_derivatives() -> None:
    for f in (caught_logarithm, caught_in_a_loop):
        np.testing.assert_allclose(hessian(f)(x3), differences(grad(f), x3), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("mode", [jacfwd, jacrev])
def test_what_the_function_raises_is_raised(mode: Any) -> None:
    def f(x, table):
        math.log(x[0])
        table[7]
        return x * 2.0

    with pytest.raises(ValueError):
        mode(f)(np.array([-1.0, 2.0]), np.zeros(9))
    with pytest.raises(IndexError):
        mode(f)(np.array([1.0, 2.0]), np.zeros(3))


@pytest.mark.parametrize("mode", [jacfwd, jacrev])
def test_a_container_of_the_callers_that_is_returned_has_the_jacobians_of_its_parts(mode: Any) -> None:
    def f(d, x):
        d["k"] = x * 2.0
        return d, x**2

    found, square = mode(f, argnums=1)({"a": 1.0}, x3)

    np.testing.assert_allclose(found["k"], 2.0 * np.eye(3))
    np.testing.assert_allclose(square, np.diag(2.0 * x3))
    np.testing.assert_array_equal(found["a"], np.zeros(3))


@pytest.mark.parametrize("mode", [jacfwd, jacrev])
def test_what_a_call_gives_several_of_has_a_jacobian_for_each(mode: Any) -> None:
    def f(x):
        return np.linalg.eigh(b33 + b33.T + np.diag(x))

    values, vectors = mode(f)(x3)
    first, second = mode(lambda x: np.array_split(x**2, 2))(x3)

    np.testing.assert_allclose(values, differences(lambda x: f(x)[0], x3), rtol=1e-7, atol=1e-7)
    np.testing.assert_allclose(vectors, differences(lambda x: f(x)[1], x3), rtol=1e-7, atol=1e-7)
    np.testing.assert_allclose(np.concatenate([first, second]), np.diag(2.0 * x3))


@pytest.mark.parametrize("mode", [jacfwd, jacrev])
def test_a_list_of_a_length_that_is_not_known_is_refused(mode: Any) -> None:
    with pytest.raises(NoRule, match="Jacobian of a list whose items are not known here"):
        mode(lambda x: [v * 2.0 for v in x])(x3)


def test_jacobians_of_complex_numbers_are_complex_derivatives_or_refused() -> None:
    z = x3 + 1j

    np.testing.assert_allclose(jacfwd(lambda z: z**2)(z), np.diag(2 * z))
    np.testing.assert_allclose(jacrev(lambda z: z**2)(z), np.diag(2 * z))
    np.testing.assert_allclose(jacfwd(lambda x: x * 1j)(x3), 1j * np.eye(3))
    with pytest.raises(WrongArgument, match="`jacrev` needs real results of real arguments"):
        jacrev(lambda x: x * 1j)(x3)
    for mode in (jacfwd, jacrev):
        with pytest.raises(NoRule, match="is not holomorphic"):
            mode(lambda z: np.abs(z) ** 2)(z)
    with pytest.raises(NoRule, match="is not holomorphic"):
        hessian(lambda z: np.sum(np.abs(z) ** 2))(z)


# -- how it reads --------------------------------------------------------------------------------------------


def body(derivative: Any, *args: Any) -> str:
    derivative(*args)
    return str(derivative.source).split('"""\n')[-1]


def test_a_forward_jacobian_is_the_tangent_of_an_identity() -> None:
    f = written("def f(x, a):\n    return np.sin(a @ x)")

    assert body(jacfwd(f), x3, a43) == """\
    x_dot = np.eye(x.size)
    sin_out_dot = x_dot @ a.T * np.cos(a @ x)

    return sin_out_dot.T
"""


def test_a_reverse_jacobian_is_the_pullback_of_an_identity() -> None:
    f = written("def f(x, a):\n    return np.sin(a @ x)")

    assert "product_bar" in body(jacrev(f), x3, a43) or "sin_out_bar" in body(jacrev(f), x3, a43)
    assert "np.eye(" in body(jacrev(f), x3, a43)
    assert "for " not in body(jacrev(f), x3, a43)


@pytest.mark.parametrize("program", ZOO, ids=lambda p: p.name)
def test_hessians_by_both_ways_agree(program: Program) -> None:
    places = moving(program)
    args = program.make_inputs()
    if any(getattr(leaf, "dtype", None) == np.float32 for leaf in leaves(args)) or len(flatten(args)) > 80:
        return
    gradient = grad(program.fn, argnums=places)
    try:
        with silenced():
            forward = jacfwd(gradient, argnums=places)(*program.make_inputs())
            reverse = jacrev(gradient, argnums=places)(*program.make_inputs())
    except NoRule as error:
        assert "in one direction after the other" in error.reason
        return

    one, other = numbers(forward), numbers(reverse)
    scale = max(1.0, float(np.abs(one).max(initial=0.0)))
    np.testing.assert_allclose(one, other, rtol=1e-8, atol=1e-8 * scale)


def numbers(tree: Any) -> np.ndarray:
    """All numbers of nested containers, in order."""
    if isinstance(tree, dict):
        tree = tuple(tree.values())
    elif hasattr(tree, "__dataclass_fields__"):
        tree = tuple(vars(tree).values())
    if isinstance(tree, (tuple, list)):
        return np.concatenate([np.zeros(0), *map(numbers, tree)])
    return np.zeros(0) if tree is None else np.ravel(tree).astype(float)


def leading_axes(x):
    y = np.zeros((2, 3))
    y[0] = (x * x)[None, None, :]
    y[1] = x[None]
    return y


def turned(x):
    return np.outer(x, x).reshape(3, 3, 1).transpose(2, 0, 1) * x


def listed(x):
    return [np.sin(x), [x[0] * 2.0, x[1:]]]


@pytest.mark.parametrize("mode", [jacfwd, jacrev])
@pytest.mark.parametrize("f", [leading_axes, turned], ids=lambda f: f.__name__)
def test_axes_in_front_and_axes_turned(mode: Any, f: Any) -> None:
    np.testing.assert_allclose(mode(f)(x3), differences(f, x3), rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize("mode", [jacfwd, jacrev])
def test_lists_that_are_returned_have_a_jacobian_for_each_item(mode: Any) -> None:
    first, (second, third) = mode(listed)(x3)

    np.testing.assert_allclose(first, np.diag(np.cos(x3)))
    np.testing.assert_allclose(second, [2.0, 0.0, 0.0])
    np.testing.assert_allclose(third, np.eye(3)[1:])


EMPTY = np.zeros(0)


@pytest.mark.parametrize("mode", [jacfwd, jacrev])
@pytest.mark.parametrize(
    "f",
    [
        lambda x: x * 2.0,
        lambda x: x.reshape(-1),
        lambda x: np.sort(x, axis=None),
        lambda x: np.concatenate([x, x]),
    ],
)
def test_of_no_numbers_there_are_no_directions(mode: Any, f: Any) -> None:
    assert mode(f)(EMPTY).shape == (0, 0)


@pytest.mark.parametrize("mode", [jacfwd, jacrev])
def test_a_reshape_is_one_for_all_directions(mode: Any) -> None:
    def f(m):
        return m.reshape(-1) * np.ravel(m)[::-1]

    derivative = mode(f)

    np.testing.assert_allclose(derivative(a43), differences(f, a43), rtol=1e-7, atol=1e-7)
    assert "for " not in body(derivative, a43)


@pytest.mark.parametrize("mode", [jacfwd, jacrev])
def test_results_that_are_equal_have_jacobians_of_their_own(mode: Any) -> None:
    def f(x):
        y = x * 3.0
        return x * 2.0, x * 2.0, y, y

    blocks = mode(f)(x3)

    for block, factor in zip(blocks, (2.0, 2.0, 3.0, 3.0), strict=True):
        np.testing.assert_allclose(block, factor * np.eye(3))
    assert not any(np.shares_memory(p, q) for k, p in enumerate(blocks) for q in blocks[:k])


def summed(x):
    total = 0.0
    for i in range(3):
        total += x[i] * x[i]
    return total * x


@pytest.mark.parametrize("mode", [jacfwd, jacrev])
def test_a_number_that_a_loop_begins_with_does_not_widen_single_precision(mode: Any) -> None:
    found = mode(summed)(x3.astype(np.float32))

    assert found.dtype == np.float32
    np.testing.assert_allclose(found, mode(summed)(x3), rtol=1e-5)


@pytest.mark.parametrize("mode", [jacfwd, jacrev])
def test_a_read_that_fails_is_noticed_though_nothing_needs_it(mode: Any) -> None:
    def f(x):
        x[5]
        return x * 2.0

    with pytest.raises(IndexError):
        mode(f)(x3)


@pytest.mark.parametrize("mode", [jacfwd, jacrev])
@pytest.mark.parametrize(
    ("f", "diagonal"),
    [
        (lambda x: np.sqrt(x), [np.inf, 0.25, 1 / 6]),
        (lambda x: x**0.5, [np.inf, 0.25, 1 / 6]),
        (lambda x: np.cbrt(x), [np.inf, 4 ** (-2 / 3) / 3, 9 ** (-2 / 3) / 3]),
        (lambda x: np.array([math.sqrt(v) for v in x]), [np.inf, 0.25, 1 / 6]),
        (lambda x: np.arccos(x / 9.0), [-1 / 9, -1 / 65**0.5, -np.inf]),
        (lambda x: rooted(x), [np.inf, 0.25, 1 / 6]),
    ],
)
def test_a_direction_that_does_not_move_a_steep_place_gives_zero_there(
    mode: Any, f: Any, diagonal: Any
) -> None:
    with np.errstate(all="ignore"):
        found = mode(f)(np.array([0.0, 4.0, 9.0]))

    np.testing.assert_allclose(found, np.where(np.eye(3, dtype=bool), np.diag(diagonal), 0.0), rtol=1e-12)


def rooted(x: Any) -> Any:
    y = np.zeros(3)
    for i in range(3):
        y[i] = np.sqrt(x[i])
    return y
