"""Every idiom of `idioms.py`, differentiated twice and compared with central differences.

An idiom becomes a function of the active inputs that it names, whose result is weighed and squared:

    def f(x): return np.sum(w * out**2 + w * out)        where `out` is the idiom

`REFUSED` has what has no derivative, with the sentence that is said about it.
"""

from __future__ import annotations

import ast
import warnings
from typing import Any

import numpy as np
import pytest

from diffcompile import grad, vjp
from diffcompile.errors import DiffCompileError
from graphs import written
from rules.idioms import ACTIVE, IDIOMS, PASSIVE, REFUSED

STENCIL = {-2: 1 / 12, -1: -8 / 12, 1: 8 / 12, 2: -1 / 12}
STEP = 1e-4


def quiet(f: Any, *args: Any) -> Any:
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return f(*args)


class Program:
    """An idiom as a function of its inputs: `fn` and `args`."""

    def __init__(self, idiom: str) -> None:
        tree = ast.parse(idiom)
        used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        names = [name for name in ACTIVE if name in used]
        body = idiom if not isinstance(tree.body[-1], ast.Expr) else f"out = {idiom}"
        head = f"def f({', '.join(names)}):\n    " + body.replace("; ", "\n    ")
        self.args = [np.copy(ACTIVE[n]) if np.ndim(ACTIVE[n]) else ACTIVE[n] for n in names]
        self.names = dict(PASSIVE)
        self.rng = np.random.default_rng(11)
        exec(f"{head}\n    return out\n", self.names)
        terms = self.weighed("out", quiet(self.names.pop("f"), *self.args))
        self.fn = written(f"{head}\n    return {' + '.join(terms)}\n", "f", **self.names)

    def weighed(self, place: str, result: Any) -> list[str]:
        if isinstance(result, (list, tuple)):
            return [term for k, part in enumerate(result) for term in self.weighed(f"{place}[{k}]", part)]
        kind = np.asarray(result).dtype.kind
        if kind not in "fc":
            return []
        weight = like(self.rng, result)
        name = f"w{len(self.names)}"
        self.names[name] = weight
        term = f"{name} * {place}**2 + {name} * {place}"
        term = f"np.real({term})" if kind == "c" else term
        return [f"np.sum({term})" if np.ndim(result) else term]


def like(rng: np.random.Generator, x: Any) -> Any:
    """Random numbers, 0 in the place of a nan, in the form of `x`."""
    found = rng.uniform(0.4, 1.2, np.shape(x)) * rng.choice([-1.0, 1.0], np.shape(x))
    if np.asarray(x).dtype.kind == "c":
        found = found + 1j * rng.uniform(-1.0, 1.0, np.shape(x))
    found = np.where(np.isnan(x), 0.0, found)
    return found if np.ndim(x) else found.item()


def inner(x: Any, y: Any) -> float:
    return sum(float(np.real(np.sum(np.asarray(a) * np.asarray(b)))) for a, b in zip(x, y, strict=True))


def moved(args: list[Any], v: list[Any], h: float) -> list[Any]:
    return [a + h * d for a, d in zip(args, v, strict=True)]


WORKING = [pytest.param(idiom, id=f"{group}: {idiom}") for group, idiom in IDIOMS if idiom not in REFUSED]


@pytest.mark.parametrize("idiom", WORKING)
def test_idiom_has_the_derivatives_of_differences(idiom: str) -> None:
    program = Program(idiom)
    rng = np.random.default_rng(1)
    u, v = ([like(rng, x) for x in program.args] for _ in range(2))
    gradient = grad(program.fn, argnums=tuple(range(len(program.args))))
    value = quiet(program.fn, *program.args)

    first = quiet(gradient, *program.args)
    _, pullback = quiet(vjp, gradient, *program.args)
    second = quiet(pullback, tuple(u))

    for x, bar in zip(program.args, first, strict=True):
        assert np.shape(bar) == np.shape(x)
        assert np.asarray(bar).dtype == np.asarray(x).dtype
        assert isinstance(bar, np.ndarray) == isinstance(x, np.ndarray)
    around = {h: moved(program.args, v, h * STEP) for h in STENCIL}
    slope = sum(w * quiet(program.fn, *around[h]) for h, w in STENCIL.items()) / STEP
    curve = sum(w * inner(u, quiet(gradient, *around[h])) for h, w in STENCIL.items()) / STEP
    np.testing.assert_allclose(inner(v, first), slope, rtol=1e-6, atol=1e-6 * (1 + abs(value)))
    np.testing.assert_allclose(inner(v, second), curve, rtol=1e-5, atol=1e-5 * (1 + abs(value)))


@pytest.mark.parametrize("idiom", REFUSED)
def test_idiom_is_refused_with_a_sentence(idiom: str) -> None:
    program = Program(idiom)

    with pytest.raises(DiffCompileError) as caught:
        quiet(grad(program.fn, argnums=tuple(range(len(program.args)))), *program.args)

    assert REFUSED[idiom] in caught.value.reason
