"""Random programs that write into arrays through every name they have: plain Python to the bit, or a refusal.

    def f(x, y, m, a):
        v1 = x[1:]
        w2 = m.T
        v1 *= np.tanh(a)
        for i3 in range(2):
            w2[i3, :] += v1[i3] * 0.7
            x, y = y, x
        halve(m[1])
        return np.sum(np.sin(x)) + np.sum(np.sin(v1)) + ...

Names are bound to names, to views of views, to rows; they are swapped, kept in lists, dicts and objects,
closed over, handed to helpers that write into them. Compiled, the value and what the arguments hold
afterwards are plain Python's to the bit, and the gradient is that of central differences; only a refusal is
as good. Right-hand sides pass through a sine or a hyperbolic tangent, so values stay tame. Points near the
threshold of a branch are discarded.
"""

from __future__ import annotations

import contextlib
import os
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, assume, event, given, note, settings
from hypothesis import strategies as st

from diffcompile import DiffCompileError, grad, jvp, linearize, value_and_grad
from oracles import arrays, assert_agrees, assert_like, converged, flatten, numeric_gradient, same
from test_random_programs import load

PRELUDE = """\
import numpy as np


def halve(v):
    v *= 0.5


def raise_ends(v, s):
    v[0] += s
    v[-1] = np.sin(v[0] * s)


def mix(v, w):
    v[:] = 0.5 * v + 0.3 * w
    w[0] = v[-1]


def accumulate(v):
    for k in range(1, len(v)):
        v[k] += 0.5 * v[k - 1]


def scaled(v, s):
    v *= s
    return v


def tail(v):
    return v[1:]


def first_if(v, w, s):
    if s > 0.2:
        return v
    return w


class Box:
    def __init__(self, v):
        self.v = v

    def scale(self, s):
        self.v *= s

    def renew(self, s):
        self.v = self.v * s

"""
POINT: tuple[Any, ...] = (
    np.array([0.731, -1.193, 0.417, 0.902]),
    np.array([-0.344, 0.618, 1.277, -0.859]),
    np.array([[0.512, -0.733, 0.291, 1.127], [-1.019, 0.466, 0.838, -0.275], [0.647, 1.341, -0.582, 0.193]]),
    0.569,
)
WRT = (0, 1, 2, 3)
Choose = Callable[[Sequence[Any]], Any]
Shape = tuple[int, ...]


@dataclass(frozen=True)
class Scope:
    """What may be read and written where a statement stands."""

    named: tuple[tuple[str, Shape], ...] = (("x", (4,)), ("y", (4,)), ("m", (3, 4)))
    places: tuple[tuple[str, int], ...] = ()  # vectors in lists, dicts and objects: `kept[0]`, of this length
    closures: tuple[str, ...] = ()  # of one argument, a float; they write
    floats: tuple[str, ...] = ("a",)
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

    def of_shape(self, shape: Shape) -> list[str]:
        return [name for name, its in self.named if its == shape]

    def bind(self, name: str, shape: Shape) -> Scope:
        if (name, shape) in self.named:
            return self
        return replace(self, named=(*self.named, (name, shape)))


CONSTANTS = ("0.37", "1.3", "-0.81", "0.6", "-0.45")
Lines = tuple[list[str], Scope]


def position(choose: Choose, scope: Scope, size: int) -> str:
    """An index that is inside an axis of this size."""
    counted = [f"{i} % {size}" for i in scope.ints]
    return str(choose(["0", "1", "-1", *counted, *counted]))


def views(choose: Choose, scope: Scope) -> list[tuple[str, Shape]]:
    """Views that can be read and written, one step from a name."""
    found: list[tuple[str, Shape]] = []
    for name, shape in scope.named:
        if len(shape) == 1:
            (n,) = shape
            found += [(f"{name}[::-1]", shape), (f"{name}[:]", shape), (f"{name}[::2]", ((n + 1) // 2,))]
            if n > 2:
                found += [(f"{name}[1:]", (n - 1,)), (f"{name}[:-1]", (n - 1,))]
        else:
            r, c = shape
            found += [
                (f"{name}[{position(choose, scope, r)}]", (c,)),
                (f"{name}[:, {position(choose, scope, c)}]", (r,)),
                (f"{name}.T", (c, r)),
                (f"{name}.T[{position(choose, scope, c)}]", (r,)),
                (f"{name}[:2, 1:]", (2, c - 1)),
                (f"{name}[::-1]", shape),
            ]
    found += [(place, (n,)) for place, n in scope.places]
    return [(text, shape) for text, shape in found if min(shape) > 1]


def scalar(choose: Choose, scope: Scope, depth: int = 1) -> str:
    """A float."""
    kind = choose(["name", "constant", "element", "element", "sum", "product"])
    if kind == "name":
        return str(choose(scope.floats))
    if kind == "element":
        return element(choose, scope)
    if kind == "sum":
        return f"np.sum({choose(scope.named)[0]})"
    if kind == "product" and depth:
        return f"{scalar(choose, scope, 0)} * {scalar(choose, scope, 0)}"
    return str(choose(CONSTANTS))


def element(choose: Choose, scope: Scope) -> str:
    """One element of an array: it can be read and written."""
    name, shape = choose(scope.named)
    if len(shape) == 1:
        return f"{name}[{position(choose, scope, shape[0])}]"
    i, j = position(choose, scope, shape[0]), position(choose, scope, shape[1])
    return str(choose([f"{name}[{i}, {j}]", f"{name}[{i}][{j}]"]))


def array(choose: Choose, scope: Scope, shape: Shape, depth: int = 1) -> str:
    """An expression with an array of this shape, perhaps a view of one that is written later."""
    here = [*scope.of_shape(shape), *(text for text, its in views(choose, scope) if its == shape)]
    u = str(choose(here)) if here else f"np.full({shape}, {scalar(choose, scope)})"
    kind = choose(["plain", "plain", "scaled", "sum", "product", "where", "sine"])
    if kind == "plain" or not depth:
        return u
    match kind:
        case "scaled":
            return f"{u} * {scalar(choose, scope)}"
        case "sum":
            return f"{u} + {array(choose, scope, shape, 0)}"
        case "product":
            return f"{u} * {array(choose, scope, shape, 0)}"
        case "where":
            return f"np.where({u} > {choose(CONSTANTS)}, {u}, {array(choose, scope, shape, 0)})"
        case _:
            return f"np.sin({u})"


def tame(choose: Choose, text: str) -> str:
    return f"{choose(['np.tanh', 'np.sin'])}({text})"


def target(choose: Choose, scope: Scope) -> tuple[str, Shape]:
    """A part of an array that can be assigned to."""
    names = [(f"{name}[{choose([':', '...'])}]", shape) for name, shape in scope.named]
    return choose([*names, *((text, its) for text, its in views(choose, scope) if not text.endswith(".T"))])


def alias(choose: Choose, scope: Scope) -> Lines:
    """Another name for an array, a fresh one or one that had something else."""
    source, shape = choose(scope.named)
    name = choose([scope.fresh("v"), *scope.of_shape(shape)])
    return [scope.line(f"{name} = {source}")], scope.bind(name, shape)


def view(choose: Choose, scope: Scope) -> Lines:
    source, shape = choose(views(choose, scope))
    name = choose([scope.fresh("v"), scope.fresh("v"), *scope.of_shape(shape)])
    return [scope.line(f"{name} = {source}")], scope.bind(name, shape)


def fresh_array(choose: Choose, scope: Scope) -> Lines:
    source, shape = choose([*scope.named, *views(choose, scope)])
    text = choose(
        [
            f"{source}.copy()",
            f"np.zeros_like({source})",
            tame(choose, array(choose, scope, shape)),
            f"{source} * 0.9",
        ]
    )
    name = choose([scope.fresh("v"), *scope.of_shape(shape)])
    return [scope.line(f"{name} = {text}")], scope.bind(name, shape)


def number(choose: Choose, scope: Scope) -> Lines:
    name = choose([scope.fresh("t"), *scope.floats])
    line = scope.line(f"{name} = {tame(choose, scalar(choose, scope))}")
    return [line], replace(scope, floats=tuple(dict.fromkeys((*scope.floats, name))))


def write(choose: Choose, scope: Scope) -> Lines:
    place, shape = target(choose, scope)
    value = choose(
        [array(choose, scope, shape), tame(choose, array(choose, scope, shape)), scalar(choose, scope)]
    )
    return [scope.line(f"{place} = {value}")], scope


def write_element(choose: Choose, scope: Scope) -> Lines:
    operator = choose(["=", "+=", "-="])
    return [scope.line(f"{element(choose, scope)} {operator} {tame(choose, scalar(choose, scope))}")], scope


def augment(choose: Choose, scope: Scope) -> Lines:
    place, shape = choose([*scope.named, *scope.named, target(choose, scope)])
    text = choose(
        [
            f"{place} += 0.5 * {tame(choose, array(choose, scope, shape))}",
            f"{place} -= {tame(choose, scalar(choose, scope))}",
            f"{place} *= {tame(choose, scalar(choose, scope))}",
            f"{place} *= {choose(['0.7', '-1.1'])}",
            f"{place} /= 1.5 + {array(choose, scope, shape, 0)} ** 2",
        ]
    )
    return [scope.line(text)], scope


def masked(choose: Choose, scope: Scope) -> Lines:
    name, shape = choose(scope.named)
    mask = f"{choose([name, *scope.of_shape(shape)])} > {choose(CONSTANTS)}"
    line = choose(
        [
            f"{name}[{mask}] = {tame(choose, scalar(choose, scope))}",
            f"{name}[{mask}] *= 0.8",
            f"{name}[[0, 2]] {choose(['=', '+=', '*='])} {tame(choose, scalar(choose, scope))}"
            if shape[0] > 2
            else "",
            f"{name}[[0, 1]] = {name}[[1, 0]]",
        ]
    )
    return [scope.line(line or f"{name}[{mask}] = 0.25")], scope


def swap(choose: Choose, scope: Scope) -> Lines:
    one, shape = choose(scope.named)
    other = choose(scope.of_shape(shape))
    p, q = element(choose, scope), element(choose, scope)
    return [scope.line(choose([f"{one}, {other} = {other}, {one}", f"{p}, {q} = {q}, {p}"]))], scope


def helper(choose: Choose, scope: Scope) -> Lines:
    vectors = [(text, its) for text, its in [*scope.named, *views(choose, scope)] if len(its) == 1]
    one, shape = choose(vectors)
    other = choose([text for text, its in vectors if its == shape])
    s, name = tame(choose, scalar(choose, scope)), scope.fresh("v")
    call, result = choose(
        [
            (f"halve({one})", None),
            (f"raise_ends({one}, {s})", None),
            (f"mix({one}, {other})", None),
            (f"accumulate({one})", None),
            (f"{name} = scaled({one}, {s})", shape),
            (f"{name} = tail({one})", (shape[0] - 1,)),
            (f"{name} = first_if({one}, {other}, {s})", shape),
        ]
    )
    inside = scope.bind(name, result) if result is not None and min(result) > 1 else scope
    return [scope.line(call)], inside


def into_out(choose: Choose, scope: Scope) -> Lines:
    place, shape = choose([*scope.named, target(choose, scope)])
    u, v = array(choose, scope, shape, 0), array(choose, scope, shape, 0)
    line = choose([f"np.add({u}, {v}, out={place})", f"np.sin({u}, out={place})", f"np.copyto({place}, {u})"])
    return [scope.line(line), scope.line(f"np.tanh({place}, out={place})")], scope


def keep(choose: Choose, scope: Scope) -> Lines:
    """A list, a dict or an object that holds arrays, and what is done with it."""
    vectors = [(text, its) for text, its in [*scope.named, *views(choose, scope)] if len(its) == 1]
    one, shape = choose(vectors)
    other = choose([text for text, its in vectors if its == shape])
    kept, item, s = scope.fresh("kept"), scope.fresh("v"), tame(choose, scalar(choose, scope))
    match choose(["list", "list", "dict", "object"]):
        case "list":
            first, second = f"{kept}[0]", f"{kept}[1]"
            made = f"{kept} = [{one}, {other}]"
            uses = [
                f"{first} += {s}", f"{second} = {first} * 0.5", f"{first}, {second} = {second}, {first}",
                f"for {item} in {kept}:\n    {item} *= 0.9", f"halve({kept}[1])", f"{kept}[0][1] = {s}",
            ]  # fmt: skip
        case "dict":
            first, second = f"{kept}['p']", f"{kept}['q']"
            made = f"{kept} = {{'p': {one}, 'q': {other}}}"
            uses = [
                f"{first} += {s}", f"{second} = {first} * 0.5", f"raise_ends({first}, {s})",
                f"for {item} in {kept}:\n    {kept}[{item}] *= 0.9", f"{first}[0] = {s}",
            ]  # fmt: skip
        case _:
            first = second = f"{kept}.v"
            made = f"{kept} = Box({one})"
            uses = [
                f"{kept}.scale({s})", f"{kept}.renew({s})", f"{first} += {s}", f"{first} = {other}",
                f"{first}[-1] *= {s}", f"accumulate({first})",
            ]  # fmt: skip
    lines = [made, *choose([[], [choose(uses)], [choose(uses), choose(uses)]])]
    after = replace(scope, places=(*scope.places, *dict.fromkeys([(first, shape[0]), (second, shape[0])])))
    return [scope.line(line) for text in lines for line in text.split("\n")], after


def closure(choose: Choose, scope: Scope) -> Lines:
    """A function that writes what it closes over: called now, perhaps later."""
    name = scope.fresh("touch")
    place = element(choose, scope)
    body = choose([f"{place} += s", f"{place} = np.sin(s * {place})", f"{choose(scope.named)[0]}[:] *= s"])
    lines = [
        scope.line(f"def {name}(s):"),
        scope.inner().line(body),
        scope.line(f"{name}({choose(CONSTANTS)})"),
    ]
    return lines, replace(scope, closures=(*scope.closures, name))


def call_closure(choose: Choose, scope: Scope) -> Lines:
    if not scope.closures:
        return closure(choose, scope)
    return [scope.line(f"{choose(scope.closures)}({tame(choose, scalar(choose, scope))})")], scope


def condition(choose: Choose, scope: Scope) -> str:
    return f"{scalar(choose, scope, 0)} {choose(['<', '>'])} {choose(CONSTANTS)}"


def branch(choose: Choose, scope: Scope) -> Lines:
    lines = []
    for keyword in choose([("if",), ("if", "else")]):
        lines.append(scope.line("else:" if keyword == "else" else f"if {condition(choose, scope)}:"))
        lines += block(choose, scope.inner(), 2)[0]
    return lines, scope


def loop(choose: Choose, scope: Scope) -> Lines:
    i, row = scope.fresh("i"), scope.fresh("v")
    matrices = [(name, shape) for name, shape in scope.named if len(shape) == 2]
    header, inside = (
        f"for {i} in range({choose([1, 2, 3])}):",
        scope.inner(ints=(*scope.ints, i), in_loop=True),
    )
    if choose([False, False, True]):
        name, (_, columns) = choose(matrices)
        header, inside = f"for {row} in {name}:", scope.inner(in_loop=True).bind(row, (columns,))
    body, inside = block(choose, inside, 3)
    if choose([False, False, False, True]):
        body.append(inside.line(f"if {condition(choose, inside)}:"))
        body.append(inside.inner().line(choose(["break", "continue"])))
    return [scope.line(header), *body], scope


SIMPLE = (
    alias, view, view, fresh_array, number, write, write, write_element, write_element, augment, augment,
    masked, swap, helper, into_out, keep, keep, call_closure,
)  # fmt: skip
COMPOUND = (branch, loop, loop)


def block(choose: Choose, scope: Scope, size: int) -> Lines:
    """One to `size` statements, and what can be read after them."""
    lines: list[str] = []
    for _ in range(choose(range(1, size + 1))):
        statement = choose([*SIMPLE, *(COMPOUND if scope.indent < 3 else ())])
        added, scope = statement(choose, scope)
        lines += added
    return lines, scope


def program(choose: Choose) -> str:
    """The text of a module with a function `f(x, y, m, a)`."""
    body, scope = block(choose, Scope(), 6)
    terms = [*scope.floats, *(f"np.sum(np.sin({name}))" for name, _ in scope.named)]
    terms += [f"np.sum(np.cos({place}))" for place, _ in scope.places]
    return "\n".join([PRELUDE, "def f(x, y, m, a):", *body, scope.line(f"return {' + '.join(terms)}"), ""])


@st.composite
def sources(draw: Callable[[st.SearchStrategy[Any]], Any]) -> str:
    return program(lambda options: draw(st.sampled_from(options)))


def fresh_inputs() -> tuple[Any, ...]:
    return (*(array.copy() for array in POINT[:3]), POINT[3])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("random_mutation")


def check(fn: Callable[..., Any], expected: Any, error: Any) -> None:
    """Is `fn` compiled right, with this gradient? A refusal is a DiffCompileError."""
    plain, args = fresh_inputs(), fresh_inputs()
    wanted = fn(*plain)
    value, gradient = value_and_grad(fn, argnums=WRT)(*args)

    assert same(value, wanted), "the value is not that of plain Python"
    assert same(args, plain), "the arguments do not end as after a plain call"
    assert_like(gradient, args)
    assert_agrees(gradient, expected, error, tolerance=1e-7)
    found = arrays(gradient)
    assert not any(np.shares_memory(g, a) for g in found for a in arrays(args))
    assert not any(np.shares_memory(g, h) for i, g in enumerate(found) for h in found[:i])


# Programs that were drawn and failed, cut down by hand.
FOUND = {
    "element of a row": """
        m[1][1] += 1.3
        return np.sum(m)
    """,
    "rows added in reverse": """
        v = m[::-1]
        v += 0.5 * np.where(m > -0.81, m, m[::-1])
        return np.sum(v)
    """,
    "column read after an element of a row was written": """
        v = m[:, 0]
        m[1][0] -= m[-1][-1]
        return np.sum(v)
    """,
    "elements of a row swapped": """
        m[-1][0], m[-1][1] = m[-1][1], m[-1][0]
        return np.sum(m)
    """,
    "whole slice under a loop": """
        y = x[:]
        for i in range(2):
            y[1:] -= y[i % 4]
        v = m[:, -1]
        return np.sum(v)
    """,
    "view of an argument subtracted from": """
        v = y[:]
        v -= np.sum(y)
        return np.sum(v)
    """,
    "view scaled by a helper that returns it": """
        v = scaled(y[::2], -0.81 * np.sum(y))
        return np.sum(v)
    """,
    "tail of a view permuted": """
        v = tail(x[:-1])
        v[[0, 1]] = v[[1, 0]]
        return np.sum(v)
    """,
    "column of a block and a view mixed": """
        v = m[:2, 1:]
        w = v
        mix(v[:, 0], x[::2])
        return np.sum(w)
    """,
    "view of a view that a helper returned": """
        v = tail(y[:])
        halve(v[::2])
        return np.sum(v)
    """,
    "list of views": """
        kept = [y[::2], x[::2]]
        kept[0] += np.sum(x) * y[1]
        return np.sum(kept[0] * kept[1])
    """,
    "list of a view and an array": """
        v = x[:-1] * y[1]
        kept = [v, y[1:]]
        kept[0] += 0.6 * np.sum(v)
        return np.sum(v)
    """,
    "list of one row twice": """
        kept = [m[-1], m[-1]]
        kept[0] += np.sum(y)
        return np.sum(kept[0] * kept[1])
    """,
    "argument scaled in a loop": """
        for i in range(3):
            x *= -1.1
        return np.sum(m)
    """,
    "argument scaled in a loop by what is read": """
        for i in range(3):
            y *= m[0][i % 4]
        v = m
        return np.sum(v)
    """,
    "argument shifted in a loop by a number": """
        for i in range(3):
            m -= a
        return np.sum(m)
    """,
    "argument shifted in a loop by itself": """
        for i in range(1):
            y -= np.sum(y) * y[i % 4]
        return np.sum(m)
    """,
    "matrix scaled in a loop over its rows": """
        for v in m:
            m *= 1.3
        return np.sum(x)
    """,
    "matrix and its reverse in a loop over its rows": """
        for v in m:
            m += 0.5 * m[::-1]
        return np.sum(m)
    """,
    "matrix bound to itself in a loop over its rows": """
        for v in m:
            m = m
        m[::-1] = 1.3
        return np.sum(m)
    """,
    "matrix swapped with itself in a loop": """
        for i in range(2):
            m, m = m, m
        m[m > 0.37] *= 0.8
        v = m[:2, 1:]
        return np.sum(v)
    """,
    "row read after the matrix was shifted in a loop": """
        for v in m:
            m -= -0.81
        kept = [m[1], x[::-1]]
        return np.sum(kept[0] * kept[1])
    """,
    "arguments swapped in a branch": """
        if m[0, 1] > -0.81:
            y, x = x, y
        y *= m[0][0] * y[1]
        return np.sum(m)
    """,
    "arguments swapped in a loop": """
        v = x[:-1]
        for r in m:
            y, x = x, y
            for i in range(2):
                x[i % 4] = a
        return np.sum(v)
    """,
    "element written in a branch and a copy of a view": """
        v = x[::2] * 0.9
        if np.sum(v) > 0.6:
            x[0] -= a * np.sum(m)
        w = x[::2]
        v[...] = w[:]
        return np.sum(w)
    """,
    "view written in a branch that is not taken": """
        if a < -0.45:
            y[:-1] = x[:-1] * m[0, 0]
        x -= a * 0.37
        return np.sum(x) + np.sum(y)
    """,
    "loop over a reversed matrix that ends at once": """
        v = m[::-1]
        m[0] = x[-1]
        for i in range(2):
            for r in v:
                break
        return np.sum(v)
    """,
    "name bound anew in every turn": """
        for i in range(3):
            y = x[::-1] * 0.9
        return np.sum(y)
    """,
    "test of a branch that is overwritten afterwards": """
        if y[1] > 0.37:
            x[1], x[0] = x[0], x[1]
        v = x[:]
        y[:] = m[0]
        return np.sum(y) + np.sum(np.sin(v))
    """,
    "row swapped with a name that is written": """
        for r in m:
            x[-1] = r[-1]
            x, r = r, x
        return np.sum(m)
    """,
    "name that is a row from the second turn on": """
        for r in m:
            y[0], x[0] = x[0], y[0]
            y = r[::-1]
        return np.sum(m)
    """,
    "view of the last turn's array": """
        for i in range(3):
            y = x[:] * y[::-1]
            x = y[::-1]
        v = y[::2]
        x += 0.5 * y[::-1]
        return np.sum(v)
    """,
    "arguments swapped in a branch and written in a loop": """
        if y[1] > -0.81:
            x, y = y, x
        for r in m:
            y[1:] = r[1]
        return np.sum(m)
    """,
    "name bound to an argument in every turn": """
        y = y * 1.0
        for i in range(3):
            y = x
        return np.sum(y)
    """,
    "row of a block that was written from outside": """
        m = m * 1.0
        v = m[:2, 1:]
        m[1][-1] += 0.37
        for i in range(1):
            w = v[i % 2]
        return np.sum(x)
    """,
    "argument written in a branch and listed": """
        if y[-1] > -0.81:
            x /= 1.5 + m[1] ** 2
        y *= -1.1
        kept = [x[::-1], y[:]]
        return np.sum(kept[0] * kept[1])
    """,
    "name bound to a view of itself in a loop": """
        x = x * 1.0
        v = x[::2]
        for i in range(2):
            v *= 0.7
            x = x[:]
        return np.sum(x)
    """,
    "row written and the matrix swapped with itself": """
        m = m * 1.0
        v = y[:] * 1.0
        for r in m:
            r[0] += v[1]
            m, m = m, m
        return np.sum(m)
    """,
    "view in an object and its base bound anew in a branch": """
        x = x * 1.0
        v = x[::-1]
        kept = Box(v[1:])
        accumulate(kept.v)
        if a > -0.81:
            w = m.T
        else:
            v = v[::-1]
        return np.sum(np.cos(kept.v))
    """,
    "column read in the branch that is not taken": """
        y = y * 1.0
        m = m * 1.0
        v = m[:, 1]
        m /= 1.5 + m[::-1] ** 2
        if m[-1, 1] > -0.81:
            w = y[:-1].copy()
        else:
            y[-1] = v[0]
        return np.sum(v)
    """,
    "one array written in each branch": """
        x = x * 1.0
        m = m * 1.0
        if np.sum(x) > 0.6:
            x[:] *= 0.6
        else:
            m[::-1] /= 1.5 + m**2
        return np.sum(m)
    """,
    "transpose of a reversed matrix whose rows were swapped": """
        m = m * 1.0
        v = m[::-1]
        m[[0, 1]] = m[[1, 0]]
        for i in range(1):
            w = v.T[i % 4]
        return np.sum(v)
    """,
    "argument written in a branch that is not taken and again after it": """
        if a < -0.45:
            y[1] = x[0]
        y[1], y[-1] = y[-1], y[1]
        return np.sum(m)
    """,
    "argument written in a branch and by a helper after it": """
        if np.sum(m) < 0.6:
            y /= 1.5 + y**2
        halve(y)
        return np.sum(y)
    """,
    "rows written while the matrix is bound to itself": """
        for r in m:
            r[0] *= 0.5
            m = m
        return np.sum(m)
    """,
    "rows written while the matrix is turned over": """
        for r in m:
            r[::2] = np.sin(r[::2])
            m = m[::-1]
        return np.sum(m[:, 1])
    """,
    "masked elements of rows while the matrix is bound to itself": """
        m = m * 1.0
        for r in m:
            m = m
            r[r > 0.37] = np.tanh(a)
        return np.sum(np.sin(m))
    """,
    "elements of a row and of its matrix swapped": """
        for r in m:
            m = m
            m[1][1], r[-1] = r[-1], m[1][1]
        return np.sum(m)
    """,
    "item of a list of views bound anew in a loop": """
        kept = [y[:-1], y[1:]]
        for i in range(2):
            y *= 2.0
            kept[0] = x[1:] * 1.0
        return np.sum(kept[1])
    """,
    "column written in a branch, rows kept in a loop": """
        if y[0] < -0.45:
            accumulate(m[:, -1])
        for r in m:
            kept = [m[:, -1], r[:-1]]
            halve(kept[1])
        return np.sum(m)
    """,
    "closure that is made in one branch of a loop": """
        m[::-1] = m + m
        for i in range(3):
            if m[i % 3][1] > 0.37:
                def touch(s):
                    x[i % 4] += s
            else:
                np.sin(m, out=m)
        return np.sum(m)
    """,
    "arguments swapped in a loop and elements after it": """
        for i in range(3):
            x, y = y, x
        y[1], x[0] = x[0], y[1]
        return np.sum(m)
    """,
    "object made in a loop around a name bound anew": """
        for i in range(2):
            x = y[:] * 0.9
            box = Box(x)
            accumulate(box.v)
        kept = [x[::-1], x[:]]
        return np.sum(np.cos(kept[1]))
    """,
    "views of arguments that were swapped in a branch": """
        if a < 1.3:
            x, y = y, x
        kept = {"p": y[:-1], "q": x[1:]}
        y[0] += 0.6
        x[0] = np.sum(m)
        return np.sum(np.cos(kept["p"])) + np.sum(np.cos(kept["q"]))
    """,
    "three names of two arrays": """
        y = y * 1.0
        x = x * 1.0
        v = x
        for i in range(3):
            x = x
            y, v = v, y
            y[-1] -= a
        x[1] = np.sum(v)
        return np.sum(v)
    """,
}


@pytest.mark.parametrize("name", FOUND)
def test_program_that_was_found_is_right_or_refused(name: str, folder: Path) -> None:
    body = textwrap.indent(textwrap.dedent(FOUND[name]), "    ")
    fn = load(f"{PRELUDE}\ndef f(x, y, m, a):{body}", folder)
    expected, error = numeric_gradient(fn, fresh_inputs, WRT)

    assert converged(expected, error, 1e-7)
    with contextlib.suppress(DiffCompileError):
        check(fn, expected, error)


often = settings(
    max_examples=60,
    deadline=None,
    derandomize="CI" in os.environ,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)


def check_drawn(source: str, folder: Path) -> None:
    fn = load(source, folder)
    expected, error = numeric_gradient(fn, fresh_inputs, WRT)
    assume(converged(expected, error, 1e-7))
    note(source[len(PRELUDE) :])
    try:
        check(fn, expected, error)
    except DiffCompileError:
        event("refused")


@settings(often, max_examples=40, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(source=sources())
def test_random_program_that_writes_its_own_arrays_is_right_or_refused(source: str, folder: Path) -> None:
    own = "    x = x * 1.0\n    y = y * 1.0\n    m = m * 1.0\n"
    head = "def f(x, y, m, a):\n"
    check_drawn(source.replace(head, head + own), folder)


@settings(often, max_examples=40, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(source=sources())
def test_random_program_that_writes_its_arguments_is_right_or_refused(source: str, folder: Path) -> None:
    check_drawn(source, folder)


CALLER = """

def g(x, y, m, a):
    p, q, n = x * 1.0, y * 1.0, m * 1.0
    s = f(p, q, n, a)
    return s * np.sum(np.sin(p)) + np.sum(np.cos(n)) * f(q * 0.5, p, n.copy(), s * 0.1) + np.sum(q)
"""


@settings(often, max_examples=40, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(source=sources())
def test_random_program_is_right_or_refused_where_another_calls_it(source: str, folder: Path) -> None:
    """In both modes, and its second derivatives: the slope of the gradient in one direction."""
    fn = load(source + CALLER, folder).__globals__["g"]
    expected, error = numeric_gradient(fn, fresh_inputs, WRT)
    assume(converged(expected, error, 1e-7))
    note(source[len(PRELUDE) :])
    slopes = grad(fn, argnums=WRT)
    point = fresh_inputs()
    turn = tuple(np.cos(2.0 * v) for v in point)
    try:
        check(fn, expected, error)
        _, pushed = jvp(fn, fresh_inputs(), turn)
        _, push = linearize(fn, *fresh_inputs())
        moved = jvp(slopes, fresh_inputs(), turn)[1]
    except DiffCompileError:
        event("refused")
        return
    slack = np.abs(flatten(error)) @ np.abs(flatten(turn))
    for found in (pushed, push(*turn)):
        assert_agrees(found, flatten(expected) @ flatten(turn), slack, tolerance=1e-7)

    def at(step: float) -> np.ndarray:
        return flatten(slopes(*(v + step * t for v, t in zip(fresh_inputs(), turn, strict=True))))

    wide, narrow = ((at(h) - at(-h)) / (2 * h) for h in (2e-4, 1e-4))
    slope, slack = (4 * narrow - wide) / 3, np.abs(narrow - wide)
    assume(converged(slope, slack, 1e-4))
    assert_agrees(flatten(moved), slope, slack, tolerance=1e-6)
