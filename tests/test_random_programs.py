"""Random programs: the compiled value is plain Python's to the bit, the gradient that of central differences.

    def f(x, a):
        z = np.zeros(3)
        t = math.sin(a) * x[1]
        for i in range(3):
            z[i] += np.tanh(t * x[i])
            if t > 0.3:
                t = math.tanh(z[i] - a)
        return t + np.sum(z)

Every assigned number passes through a sine or a hyperbolic tangent, so values stay tame. Points near the
threshold of a branch are discarded: there the difference quotients disagree among themselves.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, note, settings
from hypothesis import strategies as st

from oracles import arrays, assert_agrees, assert_like, converged, numeric_gradient, same

PRELUDE = """\
import math

import numpy as np


def squash(u, v=0.5):
    if u > v:
        return math.tanh(u - v)
    return u * math.cos(v)


def pair(u, v):
    w = u * v
    return np.sin(w), math.sin(u - w)


def energy(z, scale):
    total = 0.0
    for i in range(len(z)):
        total += scale * z[i] ** 2
    return np.tanh(total)

"""
POINT: tuple[Any, ...] = (np.array([0.731, -1.193, 0.417]), 0.569)


@dataclass(frozen=True)
class Scope:
    """What may be read where a statement stands."""

    floats: tuple[str, ...] = ("a",)
    locals: tuple[str, ...] = ()
    ints: tuple[str, ...] = ()
    indent: int = 1
    in_loop: bool = False
    counter: list[int] = field(default_factory=lambda: [0])

    def fresh(self, stem: str) -> str:
        self.counter[0] += 1
        return f"{stem}{self.counter[0]}"

    def line(self, text: str) -> str:
        return "    " * self.indent + text

    def inner(self, **changes: Any) -> Scope:
        return replace(self, indent=self.indent + 1, **changes)


Draw = Callable[[st.SearchStrategy[Any]], Any]
CONSTANTS = ("0.37", "1.3", "-0.81", "2.1", "-1.45")


def one_of(draw: Draw, *options: Any) -> Any:
    return draw(st.sampled_from(options))


def index(draw: Draw, scope: Scope) -> str:
    return str(one_of(draw, "0", "1", "2", "-1", *(f"{i} % 3" for i in scope.ints)))


def atom(draw: Draw, scope: Scope) -> str:
    """A float that is at hand."""
    kind = one_of(draw, "name", "name", "constant", "element", "element", "int")
    if kind == "int" and scope.ints:
        return f"({one_of(draw, *scope.ints)} + 0.5)"
    if kind == "element":
        return f"{one_of(draw, 'x', *scope.locals)}[{index(draw, scope)}]"
    return str(one_of(draw, *CONSTANTS) if kind == "constant" else one_of(draw, *scope.floats))


def expression(draw: Draw, scope: Scope, depth: int = 2) -> str:
    """A float expression."""
    if depth == 0:
        return atom(draw, scope)
    kind = one_of(
        draw, "atom", "sum", "product", "quotient", "call", "helper", "choice", "power", "extreme", "reduce"
    )
    u = expression(draw, scope, depth - 1)
    if kind == "atom":
        return u
    v = expression(draw, scope, depth - 1)
    match kind:
        case "sum":
            return f"({u} {one_of(draw, '+', '-')} {v})"
        case "product":
            return f"{u} * {v}"
        case "quotient":
            return f"{u} / (1.5 + ({v}) ** 2)"
        case "call":
            return f"{one_of(draw, 'np.sin', 'math.sin', 'np.tanh', 'math.cos', 'abs')}({u})"
        case "helper":
            return f"squash({u}, {v})" if draw(st.booleans()) else f"squash({u})"
        case "choice":
            return f"({u} if {condition(draw, scope)} else {v})"
        case "power":
            return f"({u}) ** 2"
        case "extreme":
            return f"{one_of(draw, 'max', 'min', 'np.maximum')}({u}, {v})"
        case _:
            array = one_of(draw, "x", *scope.locals)
            return one_of(
                draw, f"np.sum({array})", f"energy({array}, {u})", f"{array}[:2].sum()", f"({array} @ x)"
            )


def tame(draw: Draw, scope: Scope) -> str:
    """A float expression between -1 and 1."""
    return f"{one_of(draw, 'math.sin', 'np.tanh', 'math.tanh', 'np.sin')}({expression(draw, scope)})"


def condition(draw: Draw, scope: Scope) -> str:
    """A comparison of floats, perhaps two."""
    test = f"{atom(draw, scope)} {one_of(draw, '<', '>')} {one_of(draw, *CONSTANTS)}"
    match one_of(draw, "one", "one", "and", "or", "not", "chain"):
        case "and":
            return f"({test} and {atom(draw, scope)} < 0.93)"
        case "or":
            return f"({test} or {atom(draw, scope)} > 0.77)"
        case "not":
            return f"not {test}"
        case "chain":
            return f"-0.63 < {atom(draw, scope)} < 1.07"
        case _:
            return test


def assign(draw: Draw, scope: Scope) -> tuple[list[str], Scope]:
    name = one_of(draw, scope.fresh("t"), *scope.floats)
    text = scope.line(f"{name} = {tame(draw, scope)}")
    return [text], replace(scope, floats=tuple(dict.fromkeys((*scope.floats, name))))


def unpack(draw: Draw, scope: Scope) -> tuple[list[str], Scope]:
    first, second = scope.fresh("t"), one_of(draw, *scope.floats)
    value = one_of(
        draw,
        f"pair({atom(draw, scope)}, {atom(draw, scope)})",
        f"{tame(draw, scope)}, {tame(draw, scope)}",
    )
    return [scope.line(f"{first}, {second} = {value}")], replace(scope, floats=(*scope.floats, first))


def augment(draw: Draw, scope: Scope) -> tuple[list[str], Scope]:
    operator = one_of(draw, "+=", "-=", "*=")
    return [scope.line(f"{one_of(draw, *scope.floats)} {operator} {tame(draw, scope)}")], scope


def make_array(draw: Draw, scope: Scope) -> tuple[list[str], Scope]:
    name = scope.fresh("z")
    value = one_of(
        draw, "np.zeros(3)", "x.copy()", f"x * {atom(draw, scope)}", "np.sin(x)", "np.full(3, 0.2)"
    )
    return [scope.line(f"{name} = {value}")], replace(scope, locals=(*scope.locals, name))


def write(draw: Draw, scope: Scope) -> tuple[list[str], Scope]:
    """A write of an element or a slice of a local array."""
    if not scope.locals:
        return make_array(draw, scope)
    name = one_of(draw, *scope.locals)
    place = one_of(draw, index(draw, scope), "1:", ":2", ":", "::2")
    text = f"{name}[{place}] {one_of(draw, '=', '+=', '*=')} {tame(draw, scope)}"
    if ":" in place and draw(st.booleans()):
        text = f"{name}[1:] {one_of(draw, '=', '+=')} np.tanh({one_of(draw, 'x', *scope.locals)}[:-1])"
    return [scope.line(text)], scope


def rebind_array(draw: Draw, scope: Scope) -> tuple[list[str], Scope]:
    if not scope.locals:
        return make_array(draw, scope)
    name = one_of(draw, *scope.locals)
    return [scope.line(f"{name} = np.sin({name} + {atom(draw, scope)} * x)")], scope


def branch(draw: Draw, scope: Scope) -> tuple[list[str], Scope]:
    """The branches assign different names; one that all of them assign can be read afterwards."""
    shared = scope.fresh("t")
    lines, endings = [], one_of(draw, ("if", "else"), ("if", "elif", "else"))
    for keyword in endings:
        test = "" if keyword == "else" else f" {condition(draw, scope)}"
        lines.append(scope.line(f"{keyword}{test}:"))
        body, inside = block(draw, scope.inner(), 1)
        lines += [*body, inside.line(f"{shared} = {tame(draw, inside)}")]
    return lines, replace(scope, floats=(*scope.floats, shared))


def lone_if(draw: Draw, scope: Scope) -> tuple[list[str], Scope]:
    body, inside = block(draw, scope.inner(), 2)
    if scope.in_loop and draw(st.booleans()):
        body.append(inside.line(one_of(draw, "break", "continue")))
    elif draw(st.integers(0, 2)) == 0:
        body.append(inside.line(f"return {tame(draw, inside)}"))
    return [scope.line(f"if {condition(draw, scope)}:"), *body], scope


def for_loop(draw: Draw, scope: Scope) -> tuple[list[str], Scope]:
    i, v = scope.fresh("i"), scope.fresh("v")
    trips = draw(st.integers(0, 3))
    array = one_of(draw, "x", *(f"{name}.copy()" for name in scope.locals))
    header, floats, ints = one_of(
        draw,
        (f"for {i} in range({trips}):", (), (i,)),
        (f"for {i} in reversed(range({trips})):", (), (i,)),
        (f"for {v} in {array}:", (v,), ()),
        (f"for {i}, {v} in enumerate({array}):", (v,), (i,)),
        (f"for {v} in (0.4, -1.2):", (v,), ()),
    )
    inside = scope.inner(floats=(*scope.floats, *floats), ints=(*scope.ints, *ints), in_loop=True)
    body, _ = block(draw, inside, 2)
    lines = [scope.line(header), *body]
    if draw(st.integers(0, 3)) == 0:
        otherwise, _ = block(draw, scope.inner(), 1)
        lines += [scope.line("else:"), *otherwise]
    return lines, scope


def while_loop(draw: Draw, scope: Scope) -> tuple[list[str], Scope]:
    """Trips depend on data, at most four of them."""
    n = scope.fresh("n")
    inside = scope.inner(ints=(*scope.ints, n), in_loop=True)
    body, _ = block(draw, inside, 2)
    test = one_of(draw, f"{n} < 3", f"{n} < 4 and {condition(draw, scope)}")
    lines = [scope.line(f"{n} = 0"), scope.line(f"while {test}:"), inside.line(f"{n} += 1"), *body]
    return lines, replace(scope, ints=(*scope.ints, n))


SIMPLE = (assign, assign, unpack, augment, make_array, write, write, rebind_array)
COMPOUND = (branch, lone_if, for_loop, for_loop, while_loop)


def block(draw: Draw, scope: Scope, size: int) -> tuple[list[str], Scope]:
    """One to `size` statements, and what can be read after them."""
    lines: list[str] = []
    for _ in range(draw(st.integers(1, size))):
        statement = one_of(draw, *SIMPLE, *(COMPOUND if scope.indent < 4 else ()))
        added, scope = statement(draw, scope)
        lines += added
    return lines, scope


@st.composite
def sources(draw: Draw) -> str:
    """The text of a module with a function `f(x, a)`, x an array of three floats and a a float."""
    body, scope = block(draw, Scope(), 6)
    terms = [*(f"{name}" for name in scope.floats), *(f"np.sum({name} * x)" for name in scope.locals)]
    return "\n".join([PRELUDE, "def f(x, a):", *body, scope.line(f"return {' + '.join(terms)}"), ""])


def load(source: str, folder: Path) -> Callable[..., Any]:
    """The function `f` of a module written to a file, where its source can be found."""
    path = folder / f"random_{hashlib.sha256(source.encode()).hexdigest()[:12]}.py"
    path.write_text(source)
    namespace: dict[str, Any] = {"__name__": path.stem, "__file__": str(path)}
    exec(compile(source, str(path), "exec"), namespace)
    fn: Callable[..., Any] = namespace["f"]
    return fn


def fresh_inputs() -> tuple[Any, ...]:
    return POINT[0].copy(), POINT[1]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("random_programs")


tame_settings = settings(
    max_examples=60,
    deadline=None,
    derandomize="CI" in os.environ,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)


@tame_settings
@given(source=sources())
def test_random_program_has_the_value_of_python_and_the_gradient_of_differences(
    source: str, folder: Path
) -> None:
    from diffcompile import value_and_grad

    fn = load(source, folder)
    expected, error = numeric_gradient(fn, fresh_inputs, (0, 1))
    assume(converged(expected, error, 1e-7))
    note(source[len(PRELUDE) :])

    args = fresh_inputs()
    value, gradient = value_and_grad(fn, argnums=(0, 1))(*args)

    assert same(value, fn(*fresh_inputs())), "the value is not that of plain Python"
    assert_like(gradient, args)
    assert_agrees(gradient, expected, error, tolerance=1e-7)
    assert same(args, POINT)
    assert not any(np.shares_memory(g, a) for g in arrays(gradient) for a in arrays(args))
