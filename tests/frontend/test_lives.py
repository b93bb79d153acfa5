"""Where a name is read no more."""

from __future__ import annotations

import ast
import textwrap

import pytest

from diffcompile.frontend.lives import Lives, lives


def of(body: str, params: str = "x, n") -> tuple[ast.FunctionDef, Lives]:
    text = f"def f({params}):\n{textwrap.indent(textwrap.dedent(body).strip(), '    ')}\n"
    function = ast.parse(text).body[0]
    assert isinstance(function, ast.FunctionDef)
    return function, lives(function)


def useless(body: str, params: str = "x, n") -> list[set[str]]:
    """The names that are of no use after each statement, in the order of the text."""
    function, found = of(body, params)
    statements = [s for s in ast.walk(function) if isinstance(s, ast.stmt) and s in found.after]
    return [set(found.after[s]) for s in sorted(statements, key=lambda s: (s.lineno, s.col_offset))]


AFTER = {
    "y = x * 2\nz = y + 1\nreturn z": [set(), {"y"}, {"z"}],
    "y = x\nif n:\n    z = y\nelse:\n    z = x\nreturn z": [set(), {"y"}, {"y"}, set(), {"z"}],
    "s = 0\nfor v in x:\n    w = v * v\n    s = s + w\nreturn s": [set(), {"v", "w"}, {"v"}, {"w"}, {"s"}],
    "a = x\nfor v in x:\n    b = a\n    a = v\nreturn b": [set(), {"a", "v"}, {"a"}, {"v"}, {"b"}],
    "k = 0\nwhile k < n:\n    k += 1\nreturn x": [set(), {"k"}, set(), set()],
    "a = [v for v in x]\nv = a[0]\nreturn v": [set(), {"a"}, {"v"}],
    "a = x\nf = lambda a: a + n\nreturn f(a)": [set(), set(), {"a", "f"}],
    "a = x\nf = lambda: a\nreturn f()": [set(), set(), {"f"}],
    "a = x\ng = (a * v for v in x)\nreturn sum(g)": [set(), set(), {"g"}],
    "a = x\na += 1\ndel a\nreturn x": [set(), set(), {"a"}, set()],
    "a, b = x\nc = a\nreturn c": [{"b"}, {"a"}, {"c"}],
    "y = x\ny[0] = 1\nreturn x": [set(), {"y"}, set()],
}  # fmt: skip


@pytest.mark.parametrize("body", AFTER)
def test_what_is_of_no_use_after_each_statement(body: str) -> None:
    assert useless(body) == AFTER[body]


def test_what_a_handler_or_a_later_function_reads_is_kept() -> None:
    caught = useless("a = x\ntry:\n    b = a\n    a = b / n\nexcept ValueError:\n    b = a\nreturn b")
    assert caught[:4] == [set(), {"a"}, set(), set()]
    inner = useless("a = x\ndef g(b):\n    c = b\n    return c + a\nc = g(x)\nreturn c")
    assert all("a" not in names for names in inner)
    assert inner[-1] == {"c"}
    assert all("a" not in names for names in useless("global a\na = x\nreturn x"))


def test_a_path_that_leaves_a_loop_keeps_what_the_next_turn_reads() -> None:
    body = "a = x\nwhile True:\n    a = a * 2\n    if n < 1:\n        c = a\n        break\nreturn c"
    found = useless(body)
    assert found[2] == set(), "a"
    assert found[4] == set(), "the value goes on to the end of the turn, whichever way it ends"


def test_what_a_hook_gives_back_is_read_at_the_end_of_its_body() -> None:
    function, found = of("with cotangent_of(x) as x_bar:\n    x_bar = x_bar * 2\nreturn x")
    (hook, _) = function.body
    assert isinstance(hook, ast.With)
    assert "x_bar" not in found.after[hook.body[0]]
    assert "x_bar" in found.after[hook]


def test_the_names_of_a_turn() -> None:
    function, found = of("s = 0\nfor row in x:\n    gap = row - n\n    s += gap\nreturn s")
    assert found.turns[function.body[1]] == {"row", "gap"}
