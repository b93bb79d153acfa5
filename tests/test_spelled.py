"""What can be said to a dict or a list, in every mode, for each way in which the container came to be."""

from __future__ import annotations

import bisect
import copy
import functools
import itertools
import math
import operator
import statistics
import textwrap
from collections import OrderedDict, defaultdict
from typing import Any

import numpy as np
import pytest

import spelled
from diffcompile import DiffCompileError, grad, jacfwd, jacrev, jvp, linearize, vmap
from graphs import written
from oracles import slopes

X = np.array([0.53, 1.21, 0.37, 2.1])
DOT = np.array([0.4, -0.3, 0.9, 0.2])
NAMES: dict[str, Any] = {
    "bisect": bisect, "copy": copy, "functools": functools, "itertools": itertools, "math": math,
    "operator": operator, "statistics": statistics, "OrderedDict": OrderedDict, "defaultdict": defaultdict,
}  # fmt: skip


def made(build: str, program: str) -> Any:
    body = textwrap.dedent(build).strip("\n") + "\n" + program
    return written("def f(x):\n" + textwrap.indent(body, "    "), "f", **NAMES)


def cases(builds: dict[str, str], programs: list[str]) -> list[Any]:
    return [pytest.param(text, p, id=f"{n}-{p[:40]}") for p in programs for n, text in builds.items()]


def ways(f: Any) -> list[Any]:
    return [lambda: grad(f)(X) @ DOT, lambda: jvp(f, (X,), (DOT,))[1], lambda: linearize(f, X)[1](DOT)]


EVERY = cases(spelled.DICTS, spelled.ON_DICTS) + cases(spelled.LISTS, spelled.ON_LISTS)


@pytest.mark.parametrize(("build", "program"), EVERY)
def test_a_container_has_one_derivative_however_it_was_made(build: str, program: str) -> None:
    f = made(build, program)
    try:
        expected = slopes(f, X)
    except (AttributeError, TypeError):
        assert build == spelled.LISTS["array"]  # which has no `index`, no `pop`, and is no list
        return
    np.testing.assert_allclose(grad(f)(X), expected, rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(jvp(f, (X,), (DOT,))[1], expected @ DOT, rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(linearize(f, X)[1](DOT), expected @ DOT, rtol=1e-7, atol=1e-9)


def in_turn(builds: dict[str, str], programs: list[str]) -> list[Any]:
    """Each program with one of the builds."""
    names = list(builds)
    picked = [(names[k % len(names)], p) for k, p in enumerate(programs)]
    return [pytest.param(builds[n], p, id=f"{n}-{p[:40]}") for n, p in picked]


@pytest.mark.parametrize(
    ("build", "program"),
    in_turn(spelled.DICTS, spelled.ON_DICTS) + in_turn(spelled.LISTS, spelled.ON_LISTS),
)
def test_it_has_that_derivative_along_all_directions_at_once(build: str, program: str) -> None:
    f = made(build, program)
    try:
        expected = slopes(f, X)
    except (AttributeError, TypeError):
        assert build == spelled.LISTS["array"]
        return
    rows = np.stack([X, X])
    for way in (lambda: jacfwd(f)(X), lambda: jacrev(f)(X), lambda: vmap(grad(f))(rows)[1]):
        try:
            found = way()
        except DiffCompileError:
            continue  # what is written is not always known to be nobody else's
        np.testing.assert_allclose(found, expected, rtol=1e-7, atol=1e-9)


PARTLY = cases(spelled.DICTS, spelled.PARTLY_ON_DICTS) + cases(spelled.LISTS, spelled.PARTLY_ON_LISTS)


@pytest.mark.parametrize(("build", "program"), PARTLY)
def test_it_is_right_or_refused(build: str, program: str) -> None:
    f = made(build, program)
    expected = slopes(f, X) @ DOT
    for way in ways(f):
        try:
            found = way()
        except DiffCompileError:
            continue
        np.testing.assert_allclose(found, expected, rtol=1e-7, atol=1e-9)


LATER = "what is run over here was written meanwhile"
INSIDE = "what this loop runs over is written inside it"
AGAIN = "a generator is run over a second time, or in another loop than it was made in"
KEYS = "the keys of this dict are values that are differentiated, and are computed with later"
TEXT = "a number is read from the text of a value that is differentiated"
REFUSED = {
    "e = {v: k for k, v in d.items()}\nreturn sum(e)": KEYS,
    "e = {v: k for k, v in d.items()}\nreturn list(e)[0]": KEYS,
    "items = d.items()\nd[0] = x[1] * 5\nreturn sum(v for k, v in items)": LATER,
    "vals = d.values()\nd[0] = x[1] * 5\nreturn sum(vals)": LATER,
    "ks = d.keys()\nd[9] = x[1] * 5\nreturn sum(d[k] for k in ks)": LATER,
    "def g(vs):\n    d[0] = x[3]\n    return sum(vs)\nreturn g(d.values())": LATER,
    "it = iter(d.values())\na = next(it)\nb = next(it)\nreturn a * b": AGAIN,
    "z = zip(d, d.values())\ns = sum(k * v for k, v in z)\nreturn s + sum(v for _, v in z)": AGAIN,
    "e = enumerate(d.values())\nreturn sum(i * v for i, v in e) + sum(v for i, v in e)": AGAIN,
    "m = map(lambda v: v * v, d.values())\nreturn sum(m) + 5 * sum(m)": AGAIN,
    "def two(it):\n    return sum(it) + 2 * sum(it)\nreturn two(iter(d.values()))": AGAIN,
    "def two(it):\n    return sum(a * b for a, b in it) + sum(a for a, b in it)\n"
    "return two(zip(d.values(), x))": AGAIN,
    "return float(str(d[0]))": TEXT,
    'return float(f"{d[0]:.3f}") + d[1]': TEXT,
    "return np.sum(np.array([str(v) for v in d.values()]).astype(float))": TEXT,
}  # fmt: skip


@pytest.mark.parametrize("build", spelled.DICTS.values(), ids=list(spelled.DICTS))
@pytest.mark.parametrize("program", REFUSED, ids=list(range(len(REFUSED))))
def test_what_would_be_a_guess_is_refused(build: str, program: str) -> None:
    for way in ways(made(build, program)):
        with pytest.raises(DiffCompileError) as caught:
            way()
        assert caught.value.reason == REFUSED[program]
        assert caught.value.remedy


def test_values_that_are_written_while_they_are_run_over() -> None:
    loop = "for (k, v), w in zip(d.items(), x):\n    d[(k + 1) % 3] += v * w\n"
    f = made(spelled.DICTS["displayed"], loop + "return d[0]")
    with pytest.raises(DiffCompileError) as caught:
        grad(f)(X)
    assert caught.value.reason == INSIDE


@pytest.mark.parametrize("build", spelled.LISTS.values(), ids=list(spelled.LISTS))
@pytest.mark.parametrize("made_of", ["zip(d, x)", "enumerate(d)", "zip(d, d[1:])"])
def test_an_iterator_over_a_list_that_is_written_meanwhile(build: str, made_of: str) -> None:
    f = made(build, f"it = {made_of}\nd[0] = x[1] * 5\nreturn sum(a * b for a, b in it)")
    for way in ways(f):
        with pytest.raises(DiffCompileError) as caught:
            way()
        assert caught.value.reason == LATER


def test_the_next_of_a_list_that_is_written_meanwhile() -> None:
    f = made(spelled.LISTS["displayed"], "it = iter(d)\nd[0] = x[1] * 5\nreturn next(it) * 2")
    for way in ways(f):
        with pytest.raises(DiffCompileError) as caught:
            way()
        assert caught.value.reason == LATER


@pytest.mark.parametrize(
    "program",
    [
        "return sum(d[v] for v in d)",
        "s = 0.0\nfor v in d:\n    d[v] = d[v] * 2\n    s = s + d[v]\nreturn s",
        "return sum(d.values()) * len(d) + (x[1] in d)",
        "d[x[0]] = d[x[0]] * x[1]\nreturn sum(d[k] for k in list(d))",
    ],
)
def test_values_that_are_keys_only_are_no_reason_to_refuse(program: str) -> None:
    f = made("d = {}\nfor v in x:\n    d[v] = v * v", program)
    expected = slopes(f, X)
    np.testing.assert_allclose(grad(f)(X), expected, rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(jvp(f, (X,), (DOT,))[1], expected @ DOT, rtol=1e-7, atol=1e-9)
