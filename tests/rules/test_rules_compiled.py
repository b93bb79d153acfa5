"""Every rule of the registry on every sample, through the compiler: gradient, and gradient of the gradient.

Each sample becomes a function in a file of its own, whose differentiable arguments are parameters:

    def f(a):
        out = np.sum(a, axis=0)
        return np.sum(c0 * out)

The gradient must agree with central differences of the function, and so must its derivative in a direction
by forward mode; the pullback of the gradient along `v`, and the derivative of the gradient in the direction
`v`, are the Hessian times `v`, and must agree with central differences of the gradient. Samples that do not
yet are listed in `FIRST`, `FORWARD`, `SECOND` and `MIXED`, each with its reason.
"""
# ruff: noqa: E501

from __future__ import annotations

import builtins
import copy
import inspect
import math
import operator
import warnings
from collections.abc import Callable
from fnmatch import fnmatch
from typing import Any

import numpy as np
import pytest

from diffcompile import grad, jvp, vjp
from diffcompile.rules.register import REGISTRY
from graphs import written
from rules.test_rules_as_numpy import (
    CHANGING,
    SAMPLES,
    STENCIL,
    STEP,
    SYMMETRIC,
    called,
    each_leaf,
    evaluate,
    inner,
    is_active,
    leaves,
    moved,
    random_like,
    symmetrized,
    tolerance,
)

INFIX = {
    operator.add: "+", operator.sub: "-", operator.mul: "*", operator.truediv: "/", operator.floordiv: "//",
    operator.mod: "%", operator.pow: "**", operator.matmul: "@",
}  # fmt: skip
AUGMENTED = {
    operator.iadd: "+=", operator.isub: "-=", operator.imul: "*=", operator.itruediv: "/=",
    operator.ipow: "**=", operator.ifloordiv: "//=", operator.imod: "%=", operator.imatmul: "@=",
}  # fmt: skip
PREFIX = {operator.neg: "-", operator.pos: "+"}

# What does not work yet: (pattern of a sample's name, reason).
FIRST: list[tuple[str, str]] = []
FORWARD: list[tuple[str, str]] = []
SECOND: list[tuple[str, str]] = [
    *[(f"{name}-4", "the sample is a tie, where no second derivative exists")
      for name in ("numpy.maximum", "numpy.minimum", "numpy.fmax", "numpy.fmin")],
    *[(name, "SciPy has no trigamma function of complex numbers")
      for name in (".gamma-[56]", ".loggamma-[56]", ".rgamma-[78]")],
]
MIXED: list[tuple[str, str]] = [*SECOND, *FORWARD]


class Written:
    """A sample as a function of its differentiable arguments: `fn`, `args`, and the weights of its result."""

    def __init__(self, fn: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.names: dict[str, Any] = {"fn": fn, "operator": operator, "math": math}
        self.args: list[Any] = []
        self.params: list[str] = []
        given = [self.spell(a) for a in args]
        named = {k: self.spell(a) for k, a in kwargs.items()}
        lines = self.call(fn, given, named)
        result = evaluate(fn, [copy.deepcopy(a) for a in args], kwargs)
        terms = self.weighted("out", result)
        text = "\n    ".join([*lines, f"return {' + '.join(terms)}"])
        self.text = f"def f({', '.join(self.params)}):\n    {text}\n"
        self.fn = written(self.text, "f", **self.names)

    def spell(self, value: Any) -> str:
        if type(value) is float and math.isinf(value):
            return repr(value).replace("inf", "math.inf")
        if leaves(each_leaf(lambda leaf: leaf, value)):
            self.params.append("abcdeghpqr"[len(self.params)])
            self.args.append(value)
            return self.params[-1]
        if value is None or isinstance(value, (int, str, slice)) and not isinstance(value, np.generic):
            return repr(value)
        if isinstance(value, (tuple, list)) and all(map(is_setting, value)):
            return repr(value).replace("Ellipsis", "...")
        name = f"k{len(self.names)}"
        self.names[name] = value
        return name

    def call(self, fn: Any, given: list[str], named: dict[str, str]) -> list[str]:
        inside = ", ".join([*given[1:], *(f"{k}={v}" for k, v in named.items())])
        if getattr(fn, "__self__", None) is np.random.mtrand._rand:
            return ["np.random.seed(3)", f"out = np.random.{fn.__name__}({', '.join([given[0], inside])})"]
        owner = str(getattr(fn, "__qualname__", "")).partition(".")[0]
        maker = {"Generator": "default_rng", "RandomState": "RandomState"}.get(owner)
        if maker is not None:
            return [f"rng = np.random.{maker}(3)", f"out = rng.{fn.__name__}({inside})"]
        if fn in INFIX:
            return [f"out = {given[0]} {INFIX[fn]} {given[1]}"]
        if fn in AUGMENTED:
            return [f"out = {given[0]} * 1.0", f"out {AUGMENTED[fn]} {given[1]}"]
        if fn in PREFIX:
            return [f"out = {PREFIX[fn]}{given[0]}"]
        if fn is operator.getitem:
            return [f"out = {given[0]}[{given[1]}]"]
        if fn is operator.setitem:
            return [f"out = {given[0]}.copy()", f"out[{given[1]}] = {given[2]}"]
        if fn in CHANGING and fn not in (list.append, list.pop):
            method = getattr(fn, "__objclass__", None) is np.ndarray
            change = f"out.{fn.__name__}({inside})" if method else f"change(out, {inside})"
            self.names["change"] = fn
            return [f"out = {given[0]}.copy()", change]
        if fn is list.append:
            return [f"out = list({given[0]})", f"out.append({inside})"]
        if fn is list.pop:
            return [f"rest = list({given[0]})", f"last = rest.pop({inside})", "out = (rest, last)"]
        if fn is np.ndarray.flat:  # which runs over the elements
            return [f"out = {given[0]}.flat[:]"]
        if inspect.isdatadescriptor(fn) and not callable(fn):
            return [f"out = {given[0]}.{fn.__name__}"]
        if getattr(fn, "__objclass__", None) is np.ndarray:
            return [f"out = {given[0]}.{fn.__name__}({inside})"]
        inside = ", ".join([*given, *(f"{k}={v}" for k, v in named.items())])
        if getattr(builtins, getattr(fn, "__name__", ""), None) is fn:
            return [f"out = {fn.__name__}({inside})"]
        return [f"out = fn({inside})"]

    def weighted(self, place: str, result: Any) -> list[str]:
        """One term for each number or array in the result."""
        if isinstance(result, (list, tuple)):
            return [t for k, part in enumerate(result) for t in self.weighted(f"{place}[{k}]", part)]
        if not is_active(result):
            return []
        name = f"w{len(self.names)}"
        self.names[name] = random_like(np.random.default_rng(len(self.names)), result)
        product = f"{name} * {place}"
        if np.asarray(result).dtype.kind == "c":
            product = f"np.real({product})"
        return [product if isinstance(result, float) else f"np.sum({product})"]


def is_setting(value: Any) -> bool:
    """Integers and ellipses, and tuples and lists of those."""
    if isinstance(value, (tuple, list)):
        return all(map(is_setting, value))
    return value is ... or isinstance(value, int)


def quiet(f: Callable[..., Any], *args: Any) -> Any:
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return f(*(a if callable(a) else copy.deepcopy(a) for a in args))


def cases(allowed: list[tuple[str, str]], order: int) -> list[Any]:
    found = []
    for fn in REGISTRY.reverse:
        for k, (args, kwargs) in enumerate(SAMPLES.get(fn, ())):
            if order == 2 and is_single((args, list(kwargs.values()))):
                continue
            name = f"{called(fn)}-{k}"
            reasons = [reason for pattern, reason in allowed if fnmatch(name, pattern)]
            marks = [pytest.mark.xfail(strict=True, reason=reasons[0])] if reasons else []
            found.append(pytest.param(fn, args, kwargs, id=name, marks=marks))
    return found


def is_single(tree: Any) -> bool:
    return any(np.asarray(x).dtype.char in "fF" for x in leaves(each_leaf(lambda leaf: leaf, tree)))


def directions(fn: Any, args: list[Any], seed: int) -> list[Any]:
    v = [random_like(np.random.default_rng(seed + k), x) for k, x in enumerate(args)]
    return symmetrized(v) if fn in SYMMETRIC else v


def shifted(args: list[Any], v: list[Any], h: float) -> list[Any]:
    return [moved(x, d, h) for x, d in zip(args, v, strict=True)]


@pytest.mark.parametrize(("fn", "args", "kwargs"), cases(FIRST, 1))
def test_gradient_agrees_with_central_differences(fn: Any, args: Any, kwargs: Any) -> None:
    sample = Written(fn, args, kwargs)
    gradient = quiet(grad(sample.fn, argnums=tuple(range(len(sample.args)))), *sample.args)
    value = quiet(sample.fn, *sample.args)
    everywhere = directions(fn, sample.args, 5)
    tol = tolerance(sample.args, value)

    for k, (x, g) in enumerate(zip(sample.args, gradient, strict=True)):
        each_leaf(lambda leaf, bar: assert_form(leaf, bar), x, g)
        v = [d if j == k else each_leaf(lambda leaf: leaf * 0, d) for j, d in enumerate(everywhere)]
        parts = [w * float(quiet(sample.fn, *shifted(sample.args, v, h * STEP))) for h, w in STENCIL.items()]
        np.testing.assert_allclose(inner(v[k], g), sum(parts) / STEP, rtol=tol, atol=tol * (1 + abs(value)))


def assert_form(leaf: Any, bar: Any) -> None:
    """A cotangent has the shape and the dtype of its argument; an array's is an array."""
    assert np.shape(bar) == np.shape(leaf), f"{np.shape(bar)} for {np.shape(leaf)}"
    assert np.asarray(bar).dtype == np.asarray(leaf).dtype, (
        f"{np.asarray(bar).dtype} for {np.asarray(leaf).dtype}"
    )
    assert isinstance(bar, np.ndarray) == isinstance(leaf, np.ndarray), f"{type(bar)} for {type(leaf)}"


@pytest.mark.parametrize(("fn", "args", "kwargs"), cases(FORWARD, 1))
def test_tangent_agrees_with_central_differences(fn: Any, args: Any, kwargs: Any) -> None:
    sample = Written(fn, args, kwargs)
    value = quiet(sample.fn, *sample.args)
    everywhere = directions(fn, sample.args, 5)
    tol = tolerance(sample.args, value)
    alone = [(k,) for k in range(len(everywhere))] if len(everywhere) > 1 else []

    for moving in [tuple(range(len(everywhere))), *alone]:
        tangents = tuple(d if k in moving else None for k, d in enumerate(everywhere))
        found, dot = quiet(jvp, sample.fn, tuple(sample.args), tangents)
        v = [d if k in moving else each_leaf(lambda leaf: leaf * 0, d) for k, d in enumerate(everywhere)]
        parts = [w * float(quiet(sample.fn, *shifted(sample.args, v, h * STEP))) for h, w in STENCIL.items()]
        np.testing.assert_array_equal(found, value)
        np.testing.assert_allclose(dot, sum(parts) / STEP, rtol=tol, atol=tol * (1 + abs(value)))


@pytest.mark.parametrize(("fn", "args", "kwargs"), cases(MIXED, 2))
def test_tangent_of_the_gradient_agrees_with_differences_of_the_gradient(
    fn: Any, args: Any, kwargs: Any
) -> None:
    sample = Written(fn, args, kwargs)
    first = grad(sample.fn, argnums=tuple(range(len(sample.args))))
    v, u = directions(fn, sample.args, 5), directions(fn, sample.args, 50)

    _, product = quiet(jvp, first, tuple(sample.args), tuple(v))

    grads = {h: quiet(first, *shifted(sample.args, v, h * STEP)) for h in STENCIL}
    expected = sum(w * inner(u, list(grads[h])) for h, w in STENCIL.items()) / STEP
    np.testing.assert_allclose(inner(u, list(product)), expected, rtol=1e-6, atol=1e-6 * (1 + abs(expected)))


@pytest.mark.parametrize(("fn", "args", "kwargs"), cases(SECOND, 2))
def test_pullback_of_the_gradient_agrees_with_differences_of_the_gradient(
    fn: Any, args: Any, kwargs: Any
) -> None:
    sample = Written(fn, args, kwargs)
    first = grad(sample.fn, argnums=tuple(range(len(sample.args))))
    v, u = directions(fn, sample.args, 5), directions(fn, sample.args, 50)

    _, pullback = quiet(vjp, first, *sample.args)
    product = quiet(pullback, tuple(v))

    grads = {h: quiet(first, *shifted(sample.args, v, h * STEP)) for h in STENCIL}
    expected = sum(w * inner(u, list(grads[h])) for h, w in STENCIL.items()) / STEP
    np.testing.assert_allclose(inner(u, list(product)), expected, rtol=1e-6, atol=1e-6 * (1 + abs(expected)))
