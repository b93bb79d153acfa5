"""Random programs with lists of lists, of arrays or of objects, written through every name they have.

    rows = []
    for v in x:
        t = [v, a]
        rows.append(t)
        t.append(0.3)
    r1 = rows[k]
    rows[-1][0] *= r1[1]
    ...

The value is plain Python's to the bit and the derivatives are those of central differences, in both modes;
only a refusal is as good. What plain Python itself refuses, and points near a kink, are discarded.
"""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, assume, event, given, note, settings
from hypothesis import strategies as st

from diffcompile import DiffCompileError, grad, jvp, value_and_grad
from oracles import assert_agrees, converged, numeric_gradient
from test_random_programs import load

HEAD = """\
import numpy as np


class Row:
    def __init__(self, a, b, c):
        self.a = a
        self.b = b
        self.c = c

    def turn(self, s):
        self.a, self.b = self.b * s, self.a

    def __iter__(self):
        return iter((self.a, self.b, self.c))


def put(rows, k, v):
    rows[k][0] = v


def put_object(rows, k, v):
    rows[k].a = v


def touch_object(r, s):
    r.c = r.a * s


def make_objects(x, a):
    out = []
    for v in x:
        out.append(Row(v, a, v * a))
    return out


def touch(r, s):
    r[-1] = r[0] * s


def first(rows):
    return rows[0]


def add(rows, r):
    rows.append(r)


def make(x, a):
    out = []
    for v in x:
        out.append([v, a, v * a])
    return out


"""
BEGINNINGS = {
    "list": (
        ("rows = []", "for v in x:", "    rows.append([v, a, v * a])"),
        ("rows = [[0.5] * 3 for _ in range(len(x))]",),
        ("rows = []", "for v in x:", "    t = [v, a]", "    rows.append(t)", "    t.append(0.3)"),
        ("rows = make(x, a)",),
    ),
    "object": (
        ("rows = []", "for v in x:", "    rows.append(Row(v, a, v * a))"),
        ("rows = [Row(0.5, 0.5, 0.5) for _ in range(len(x))]",),
        ("rows = []", "for v in x:", "    t = Row(v, a, 0.3)", "    rows.append(t)", "    t.c = v * 2"),
        ("rows = make_objects(x, a)",),
    ),
    "array": (
        ("rows = []", "for v in x:", "    rows.append(np.array([v, a, v * a]))"),
        ("rows = [np.zeros(3) for _ in range(len(x))]",),
        ("rows = []", "for v in x:", "    t = np.zeros(3)", "    rows.append(t)", "    t[1] = v"),
    ),
}
Lines = list[str]


def indented(lines: Lines) -> Lines:
    return ["    " + line for line in lines]


class Program:
    """One random program; the names that it has so far of lists of rows, and of rows."""

    def __init__(self, choices: random.Random) -> None:
        self.choices = choices
        self.kind = choices.choice(("list", "object", "object", "array"))
        self.lists = ["rows"]
        self.rows: list[str] = []
        self.count = 0
        self.looping = False
        self.running = False  # over rows, which do not grow meanwhile: a loop over what grows has no end
        body = [
            "k = int(np.argmax(x)) % 3",
            *self.pick(*BEGINNINGS[self.kind]),
            *(line for _ in range(choices.randrange(2, 7)) for line in self.statement(True)),
        ]
        sums = (f"sum(np.sin(v) * (p + 1) for z in {n} for p, v in enumerate(z))" for n in self.lists)
        one, two = (".a", ".c") if self.kind == "object" else ("[0]", "[-1]")
        ends = (f"np.cos({n}{one}) * 2 + {n}{two}" for n in self.rows)
        body.append("return " + " + ".join((*sums, *ends)))
        self.text = HEAD + "def f(x, a):\n" + "\n".join(indented(body)) + "\n"

    def pick(self, *options: Any) -> Any:
        return self.choices.choice(options)

    def name(self, kind: str) -> str:
        self.count += 1
        return f"{kind}{self.count}"

    def index(self) -> str:
        return str(self.pick("0", "1", "-1", "2", "k", *(["i"] if self.looping else [])))

    def place(self) -> str:
        if self.kind == "object":
            return str(self.pick(".a", ".b", ".c"))
        return str(self.pick("[0]", "[1]", "[-1]"))

    def row(self) -> str:
        """A row that is there already."""
        return str(self.pick(f"{self.pick(*self.lists)}[{self.index()}]", *self.rows))

    def value(self, deep: bool = True) -> str:
        text = str(self.pick(f"x[{self.choices.randrange(4)}]", "a", f"{self.row()}{self.place()}", "0.7"))
        if deep and self.pick(True, True, False):
            other = self.value(False)
            text = str(
                self.pick(
                    f"np.sin({text})", f"{text} * {other}", f"np.tanh({text} + {other})", f"0.5 * {text}"
                )
            )
        return text

    def fresh(self) -> str:
        text = f"[{self.value()}, {self.value()}, {self.value()}]"
        if self.kind == "object":
            return f"Row({text[1:-1]})"
        return text if self.kind == "list" else f"np.array({text})"

    def write(self, what: str) -> str:
        return f"{what}{self.place()} {self.pick('=', '=', '+=', '*=')} {self.value()}"

    def statement(self, outer: bool) -> Lines:
        rows = self.pick(*self.lists)
        forms = [
            self.element, self.element, self.element, self.named, self.by_name, self.by_name, self.appended,
            self.appended_with_a_name, self.replaced, self.taken, self.called, self.listed, self.removed,
            self.filtered, self.sorted, self.largest, self.renamed, self.renamed,
        ]  # fmt: skip
        if self.running:
            forms = [self.element, self.element, self.named, self.by_name, self.called, self.renamed]
        if outer:
            forms += [self.over_rows, self.over_numbers, self.branch]
        lines: Lines = self.pick(*forms)(rows)
        return lines

    def element(self, rows: str) -> Lines:
        return [self.write(f"{rows}[{self.index()}]")]

    def named(self, rows: str) -> Lines:
        line = f"{self.name('r')} = {self.pick(self.row(), f'first({rows})')}"
        self.rows.append(line.split()[0])
        return [line]

    def by_name(self, rows: str) -> Lines:
        return [self.write(self.pick(*self.rows))] if self.rows else self.element(rows)

    def appended(self, rows: str) -> Lines:
        item = self.pick(self.fresh(), self.fresh(), self.row())
        return [self.pick(f"{rows}.append({item})", f"add({rows}, {item})", f"{rows}.insert(1, {item})")]

    def appended_with_a_name(self, rows: str) -> Lines:
        name = self.name("r")
        lines = [f"{name} = {self.fresh()}", f"{rows}.append({name})"]
        self.rows.append(name)
        return [*lines, self.write(name)] if self.pick(True, False) else lines

    def replaced(self, rows: str) -> Lines:
        one, two = f"{rows}[{self.index()}]", f"{rows}[{self.index()}]"
        return [self.pick(f"{one} = {self.fresh()}", f"{one} = {self.row()}", f"{one}, {two} = {two}, {one}")]

    def taken(self, rows: str) -> Lines:
        line = f"{self.name('r')} = {rows}.pop({self.pick('', '0', '1')})"
        lines = [f"{rows}.append({self.fresh()})", line]
        self.rows.append(line.split()[0])
        return lines

    def removed(self, rows: str) -> Lines:
        return [f"del {rows}[{self.pick('0', '-1')}]", f"{rows}.append({self.fresh()})", f"{rows}.reverse()"]

    def called(self, rows: str) -> Lines:
        end = "_object" if self.kind == "object" else ""
        put = f"put{end}({rows}, {self.index()}, {self.value()})"
        turn = f"{self.row()}.turn({self.value()})" if end else put
        return [self.pick(put, turn, f"touch{end}({self.row()}, {self.value()})")]

    def listed(self, rows: str) -> Lines:
        copies = f"[list(z) for z in {rows}]" if self.kind == "list" else f"[z.copy() for z in {rows}]"
        made = f"make(x, {self.value()})" if self.kind == "list" else f"[x[:3] * {self.value()} for _ in x]"
        if self.kind == "object":
            copies = f"[Row(z.a, z.b, z.c) for z in {rows}]"
            made = f"make_objects(x, {self.value()})"
        items = self.pick(rows, f"{rows}[1:] + [{self.fresh()}]", copies, f"[z for z in {rows}]", made)
        name = self.name("q")
        self.lists.append(name)
        return [f"{name} = {items}"]

    def key(self) -> str:
        return "z.a" if self.kind == "object" else "z[0]"

    def filtered(self, rows: str) -> Lines:
        """A list with some of the rows of another, or of itself."""
        made = f"[z for z in {rows} if {self.key()} > {self.pick('-5.0', '0.2', 'a')}]"
        if self.pick(True, False):
            return [f"{rows} = {made}", f"{rows}.append({self.fresh()})"]
        line = f"{self.name('q')} = {made} + [{self.fresh()}]"
        self.lists.append(line.split()[0])
        return [line]

    def sorted(self, rows: str) -> Lines:
        name = self.name("q")
        if self.pick(True, False):
            return [f"{rows}.sort(key=lambda z: {self.key()})"]
        self.lists.append(name)
        return [f"{name} = sorted({rows}, key=lambda z: {self.key()})"]

    def largest(self, rows: str) -> Lines:
        line = f"{self.name('r')} = {self.pick('max', 'min')}({rows}, key=lambda z: {self.key()})"
        self.rows.append(line.split()[0])
        return [line]

    def renamed(self, rows: str) -> Lines:
        """A name of a row becomes that of another."""
        if not self.rows:
            return self.named(rows)
        name = self.pick(*self.rows)
        lines = [f"{name} = {self.row()}"]
        if self.pick(True, False) and len(self.rows) > 1:
            one, two = self.pick(*self.rows), self.pick(*self.rows)
            lines = [f"{one}, {two} = {two}, {one}"] if one != two else lines
        return [*lines, self.write(name)] if self.pick(True, False) else lines

    def over_rows(self, rows: str) -> Lines:
        name = self.name("v")
        self.rows.append(name)
        self.running = True
        body = [self.write(name), *(self.statement(False) if self.pick(True, False) else [])]
        self.running = False
        self.rows.remove(name)
        return [f"for {name} in {rows}:", *indented(body)]

    def over_numbers(self, rows: str) -> Lines:
        self.looping = True
        body = self.element(rows) + self.statement(False)
        self.looping = False
        return [f"for i in range({self.pick('3', 'len(x)')}):", *indented(body)]

    def branch(self, rows: str) -> Lines:
        test = self.value(False)
        before = list(self.rows), list(self.lists)
        sides = []
        for _ in range(2):
            sides.append(self.statement(False))
            self.rows, self.lists = list(before[0]), list(before[1])
        return [f"if {test} > 0.31:", *indented(sides[0]), "else:", *indented(sides[1])]


def inputs() -> tuple[np.ndarray, float]:
    return np.array([0.3, -0.7, 1.1, 0.5]), 0.4


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("items")


@settings(
    max_examples=30, deadline=None, suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)  # fmt: skip
@given(choices=st.randoms(use_true_random=False))
def test_random_program_is_right_or_refused(choices: random.Random, folder: Path) -> None:
    source = Program(choices).text
    fn = load(source, folder)
    try:
        expected, error = numeric_gradient(fn, inputs, (0, 1))
    except (IndexError, ValueError):
        assume(False)
    assume(converged(expected, error, 1e-7))
    note(source[len(HEAD) :])
    tangents = np.array([0.2, -1.0, 0.4, 0.9]), 0.3
    try:
        value, found = value_and_grad(fn, argnums=(0, 1))(*inputs())
        _, pushed = jvp(fn, inputs(), tangents)
        slope = grad(lambda x, a: grad(fn)(x, a) @ tangents[0])(*inputs())
    except DiffCompileError:
        event("refused")
        return
    assert value == fn(*inputs())
    assert_agrees(found, expected, error, tolerance=1e-7)
    wanted = expected[0] @ tangents[0] + expected[1] * tangents[1]
    slack = np.abs(error[0]) @ np.abs(tangents[0]) + abs(error[1]) * tangents[1]
    assert_agrees(pushed, wanted, slack, tolerance=1e-7)

    def turned(x: Any, a: Any) -> Any:
        return grad(fn)(x, a) @ tangents[0]

    expected, error = numeric_gradient(turned, inputs, 0)
    if converged(expected, error, 1e-5):
        assert_agrees(slope, expected, error, tolerance=1e-6)
