"""Random programs in random modes, one inside the other: derivatives against differences of the order below.

    def f1(u, b):                              # a program that writes into arrays, and what is made of it:
        return f(u * 1.0, Y.copy(), M.copy(), b)

    def f2(u, b):                              # a mode of it, inside of a function,
        out, push = linearize(f1, u, b)
        return push(u, 1.0) * push(np.sin(u), b)

    def f3(u, b):                              # which another mode is taken of, in a loop
        s = 0.0
        for k in range(2):
            s = 0.5 * s + np.sum(np.sin(grad(f2)(u * (1.0 + 0.1 * k), b)))
        return s

Each of these functions is called as it stands, which takes the modes inside it one by one, and derived as a
whole, which takes them inside of one program. The values are the same, and the derivatives of each are those
of its differences; only a refusal is as good.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, assume, event, given, note, settings
from hypothesis import strategies as st

from diffcompile import DiffCompileError, jvp, linearize, value_and_grad, vjp, vmap
from oracles import assert_agrees, converged, flatten, numeric_gradient, silenced
from test_random_mutation import PRELUDE, Scope, block
from test_random_programs import load

Choose = Callable[[Sequence[Any]], Any]
HEAD = """\
from diffcompile import (
    checkpoint, grad, hessian, jacfwd, jacobian, jacrev, jvp, linearize, value_and_grad, vjp, vmap,
)
"""
GIVEN = """

Y = np.array([-0.344, 0.618, 1.277, -0.859])
M = np.array([[0.512, -0.733, 0.291, 1.127], [-1.019, 0.466, 0.838, -0.275], [0.647, 1.341, -0.582, 0.193]])
"""
# What is made of a function `{f}` of a vector and a number that gives a number. Those that take a derivative
# are first, and how many orders they take.
MODES: dict[str, tuple[int, str]] = {
    "grad": (1, """
        d, e = grad({f}, argnums=(0, 1))(u, b)
        return np.sum(np.sin(d)) + e * 0.3
    """),
    "grad of one": (1, """
        return np.sum(grad({f})(u, b) * np.cos(u))
    """),
    "value and grad": (1, """
        value, d = value_and_grad({f}, argnums="b")(u, b)
        return np.sin(value) * d
    """),
    "jvp": (1, """
        value, t = jvp({f}, (u, b), (np.cos(u), 0.3 * b))
        return t * np.cos(value)
    """),
    "vjp": (1, """
        value, pull = vjp({f}, u, b)
        d, e = pull(np.sin(value))
        return np.sum(d * u) + np.sin(e)
    """),
    "linearize": (1, """
        value, push = linearize({f}, u, b)
        return push(u, 1.0) * np.sin(push(np.sin(u), b)) + value
    """),
    "container": (1, """
        p = {{"u": u, "rest": [b, u[1:] * 0.5]}}
        d = grad(lambda p: {f}(p["u"], p["rest"][0]) * np.sum(p["rest"][1] ** 2))(p)
        return np.sum(np.sin(d["u"])) + d["rest"][0] + np.sum(d["rest"][1])
    """),
    "jacobian": (1, """
        J = jacobian(lambda v: np.array([{f}(v, b), {f}(v * 0.5, v[0]), np.sum(v) * b]))(u)
        return np.sum(np.sin(J))
    """),
    "jacfwd": (1, """
        w = jacfwd(lambda v: v * {f}(v, b))(u)
        return np.sum(np.sin(w @ u))
    """),
    "jacrev": (1, """
        w, e = jacrev(lambda v, c: np.sin(v) * {f}(v, c), argnums=(0, 1))(u, b)
        return np.sum(np.sin(w @ u)) + np.sum(e)
    """),
    "hessian": (2, """
        return np.sum(np.sin(hessian({f})(u, b)))
    """),
    "captured": (1, """
        d = grad(lambda c: {f}(u * c, b) * c)(b)
        return np.sin(d) + np.sum(u)
    """),
    "rows of gradients": (1, """
        rows = np.stack([u, 0.5 * u, np.cos(u)])
        d = vmap(grad({f}), in_axes=(0, None))(rows, b)
        return np.sum(np.sin(d) * d)
    """),
    "gradient of rows": (1, """
        d = grad(lambda v: np.sum(np.sin(vmap(lambda c: {f}(v, c))(np.array([b, 0.5, 1.1])))))(u)
        return np.sum(d * d)
    """),
}  # fmt: skip
PLAIN: dict[str, tuple[int, str]] = {
    "rows": (0, """
        rows = np.stack([u, 0.5 * u, np.cos(u)])
        return np.sum(np.sin(vmap({f}, in_axes=(0, None))(rows, b)))
    """),
    "rows of both": (0, """
        out = vmap({f})(np.stack([u, 0.5 * u]), np.array([b, 0.7]))
        return out[0] * np.sin(out[1])
    """),
    "loop": (0, """
        s = 0.0
        for k in range(2):
            s = 0.5 * s + {f}(u * (1.0 + 0.1 * k), b + 0.1 * s)
            u = np.sin(u)
        return s
    """),
    "while": (0, """
        s, n = 0.0, 0
        while n < 3:
            n += 1
            if n == 2:
                continue
            s = s + np.sin({f}(u, b * 0.5 + 0.1 * s))
        return s
    """),
    "checkpointed": (0, """
        s = b
        for k in checkpoint(range(4)):
            s = np.sin({f}(u * 0.7, s)) + 0.1 * k
        return s
    """),
    "branch": (0, """
        if b > 0.2:
            return {f}(u, b) * 1.3
        return {f}(-u, b * 0.5)
    """),
    "writes": (0, """
        w = u * 1.0
        w[1:] = w[:-1] * b
        out = [0.0]
        for k in range(2):
            w[k] += 0.3 * np.sin({f}(w, w[-1]))
            out.append(w[k] * b)
        return sum(out) + np.sum(w)
    """),
    "closure": (0, """
        kept = [b]
        def inner(v):
            kept.append(np.sum(v) * 0.1)
            return {f}(v, kept[0])
        return inner(u) * np.sin(inner(u * 0.5)) + kept[-1]
    """),
    "tried": (0, """
        try:
            if b > 1e3:
                raise ValueError("far")
            s = {f}(u, b)
        except ValueError:
            s = b
        return s * np.sum(u)
    """),
}  # fmt: skip
BASES = (
    "return f(u * 1.0, Y.copy(), M.copy(), b)",
    "return f(u.copy(), u[::-1] * 0.5, M * b, np.sin(b))",
    "x, y = np.cos(u), Y * b\n        s = f(x, y, np.outer(u[1:], u), b)\n        return s + np.sum(x * y)",
)


def made(choose: Choose, orders: int, levels: int) -> tuple[str, list[str]]:
    """The text of functions `f1`, `f2` ... of a vector and a number, each made of the one before it."""
    body, scope = block(choose, Scope(), 3)
    terms = [*scope.floats, *(f"np.sum(np.sin({name}))" for name, _ in scope.named)]
    lines = ["def f(x, y, m, a):", *body, scope.line(f"return ({' + '.join(terms)}) * 0.3"), "", ""]
    lines += ["def f1(u, b):", f"    {choose(BASES)}".replace("\n        ", "\n    "), "", ""]
    names = ["f1"]
    for level in range(2, levels + 2):
        table = MODES if choose([True, True, False]) else PLAIN
        taken, text = table[choose([name for name, (n, _) in table.items() if n <= orders] or ["grad"])]
        if taken > orders:
            taken, text = PLAIN[choose(list(PLAIN))]
        orders -= taken
        lines.append(f"def f{level}(u, b):")
        lines += [line[4:] for line in text.format(f=names[-1]).strip("\n").splitlines()]
        lines.append("")
        names.append(f"f{level}")
    head = PRELUDE.replace("import numpy as np\n", f"import numpy as np\n{HEAD}", 1)
    return "\n".join([head, GIVEN, *lines]), names


def inputs() -> tuple[Any, ...]:
    return np.array([0.731, -1.193, 0.417, 0.902]), 0.569


def check(fn: Callable[..., Any], tolerance: float) -> None:
    """Are the derivatives of this function those of its differences, in every mode?"""
    with silenced(), np.errstate(all="ignore"):
        try:
            wanted = fn(*inputs())
        except DiffCompileError:
            event("refused as it stands")
            return
        assume(np.all(np.isfinite(wanted)) and np.max(np.abs(wanted)) < 1e3)
        try:
            value, gradient = value_and_grad(fn, argnums=(0, 1))(*inputs())
        except DiffCompileError:
            event("refused")
            return
        expected, error = numeric_gradient(fn, inputs, (0, 1))
    np.testing.assert_allclose(value, wanted, rtol=1e-9, atol=1e-9)
    assume(converged(expected, error, tolerance))
    assert_agrees(gradient, expected, error, tolerance=tolerance)
    turn = (np.cos(np.arange(4.0)), 0.7)
    along = float(np.dot(flatten(gradient), flatten(turn)))
    scale = 1.0 + float(np.max(np.abs(flatten(gradient))))
    for name, slope in {
        "jvp": lambda: jvp(fn, inputs(), turn)[1],
        "linearize": lambda: linearize(fn, *inputs())[1](*turn),
        "vjp": lambda: float(np.dot(flatten(vjp(fn, *inputs())[1](1.0)), flatten(turn))),
    }.items():
        with silenced(), np.errstate(all="ignore"):
            try:
                found = slope()
            except DiffCompileError:
                event(f"{name} refused")
                continue
        assert abs(found - along) <= 1e-8 * scale, f"{name} gives {found}, the gradient {along}"
    u, b = inputs()
    rows, numbers = np.stack([u, 0.5 * u]), np.array([b, 0.8])
    with silenced(), np.errstate(all="ignore"):
        try:
            out = vmap(fn)(rows, numbers)
        except DiffCompileError:
            event("vmap refused")
            return
        one = [fn(row.copy(), float(number)) for row, number in zip(rows, numbers, strict=True)]
    np.testing.assert_allclose(out, one, rtol=1e-8, atol=1e-8)


@st.composite
def sources(draw: Callable[[st.SearchStrategy[Any]], Any], orders: int, levels: int) -> tuple[str, list[str]]:
    return made(lambda options: draw(st.sampled_from(options)), orders, levels)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("random_modes")


often = settings(
    max_examples=8,
    deadline=None,
    derandomize="RANDOM" not in os.environ,  # each takes a second: these are some, RANDOM=1 draws others
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)


@often
@given(drawn=sources(1, 2))
def test_a_mode_of_a_random_program_inside_another_function(drawn: Any, folder: Path) -> None:
    source, names = drawn
    note(source[source.index("def f(x") :])
    check(load(source, folder).__globals__[names[-1]], 1e-6)


@often
@given(drawn=sources(2, 3))
def test_two_modes_of_a_random_program_one_inside_the_other(drawn: Any, folder: Path) -> None:
    source, names = drawn
    note(source[source.index("def f(x") :])
    check(load(source, folder).__globals__[names[-1]], 1e-5)
