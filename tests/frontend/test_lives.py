"""The names that a loop's turns leave behind for nobody."""

from __future__ import annotations

import ast
import textwrap

import pytest

from diffcompile.frontend.lives import turn_names


def forgotten(text: str) -> list[list[str]]:
    """What each loop of a function forgets, in the order of the text."""
    (function,) = ast.parse(textwrap.dedent(text)).body
    found = turn_names(function)
    loops = [n for n in ast.walk(function) if isinstance(n, (ast.For, ast.While))]
    return [sorted(found[loop]) for loop in sorted(loops, key=lambda n: n.lineno)]


def test_what_is_read_in_the_turn_alone() -> None:
    assert forgotten("""
        def f(m, x):
            s = 0.0
            for row in m:
                gap = row - x
                s += gap @ gap
            return s
    """) == [["gap", "row"]]


@pytest.mark.parametrize(
    "after",
    ["return gap", "return lambda: gap", "del gap", "gap += 1.0", "return [gap for _ in m]", "return {gap}"],
)
def test_what_is_read_after_the_loop_is_kept(after: str) -> None:
    assert forgotten(f"def f(m):\n    for row in m:\n        gap = row + 1\n    {after}") == [["row"]]


@pytest.mark.parametrize(
    "body",
    [
        "s = s + gap\n        gap = row",  # of the turn before
        "if row > 0: gap = row\n        s = s + gap",  # of some turn before
        "if row > 0: continue\n        gap = row\n        s = s + gap",
        "gap += row\n        s = s + gap",
        "for gap in row: pass\n        s = s + gap",  # if it was empty
        "try: gap = row\n        except ValueError: s = s + gap",
        "gap = row\n        later.append(lambda: gap)",
        "gap = row\n        later.append(gap for _ in row)",
    ],
)
def test_what_may_be_that_of_another_turn_is_kept(body: str) -> None:
    names = forgotten(f"def f(m, s, gap, later):\n    for row in m:\n        {body}\n    return s")[0]

    assert "gap" not in names


def test_a_name_of_two_loops_is_forgotten_by_each() -> None:
    assert forgotten("""
        def f(m, s):
            for z in m:
                s = s + z
            for z in m:
                s = s * z
            return s
    """) == [["z"], ["z"]]


def test_a_name_that_an_inner_loop_binds_is_kept_where_the_outer_one_reads_it() -> None:
    assert forgotten("""
        def f(m, s):
            for z in m:
                for z in m:
                    s = s + z
                s = s * z
            return s
    """) == [["z"], []]


def test_a_name_of_an_inner_loop_is_forgotten_there() -> None:
    assert forgotten("""
        def f(m, s):
            for _ in range(3):
                s[0] = 1.0
                for z in m:
                    z[0] = 2.0
            return s
    """) == [["_"], ["z"]]


def test_the_end_of_a_loop_and_its_test_are_outside_of_its_turns() -> None:
    assert forgotten("""
        def f(m, s):
            for z in m:
                s = s + z
            else:
                s = s * z
            while z > 0:
                z = s
                s = s + z
            return s
    """) == [[], []]
