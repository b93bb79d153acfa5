"""Derivatives by evaluation, of functions whose source cannot be read: asked for, and visible in the code.

    slow = numeric(library.simulate)                   y = library.simulate(x)
    grad(lambda x: slow(x) ** 2)          ->           x_bar = cotangent_by_differences(
                                                           library.simulate, (x,), 0, 2 * y, 1e-06)
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from .register import REGISTRY, Unknown, defjvp, defvjp


@dataclass(frozen=True, slots=True)
class Numeric:
    """A function with a derivative by evaluation; called, it is that function."""

    fn: Callable[..., Any]
    step: float
    complex: bool

    @property
    def __name__(self) -> str:
        return str(getattr(self.fn, "__name__", "function"))

    def __call__(self, *args: Any) -> Any:
        return self.fn(*args)


def numeric(f: Callable[..., Any], step: float = 1e-6) -> Callable[..., Any]:
    """A function whose derivative is taken by central differences: `f` is called twice for each number in x.

    Parameters
    ----------
    f : a function of numbers and float arrays that returns a number or an array; positional arguments alone
    step : of the differences, times the size of the number if that is more than 1

    For a function whose source cannot be read (of an extension module, of a service) and that has no rule.
    The derivative is right to about 9 digits for a smooth function of double precision; the generated code
    says where it is used. It is not differentiated again. An integer argument has no derivative.

    >>> import operator
    >>> from diffcompile import grad, numeric
    >>> opaque = numeric(operator.methodcaller("__pow__", 2))
    >>> round(grad(lambda x: 3.0 * opaque(x))(2.0), 6)
    12.0
    """
    return _declared(Numeric(f, step, False))


def complex_step(f: Callable[..., Any], step: float = 1e-30) -> Callable[..., Any]:
    """As `numeric`, by evaluating `f` a little off the real line: right to the last digits.

    `f` has to be analytic and to accept complex numbers (no `abs`, no comparison, no cast to float); it is
    called once for each number in x.

    >>> import operator
    >>> from diffcompile import complex_step, grad
    >>> opaque = complex_step(operator.methodcaller("__pow__", 3))
    >>> grad(lambda x: opaque(x))(2.0)
    12.0
    """
    return _declared(Numeric(f, step, True))


def _declared(op: Numeric) -> Callable[..., Any]:
    """The function, which the frontend knows to be that operation, with its rules; equal ones share them."""
    if op not in REGISTRY.reverse:
        cotangent = cotangent_by_complex_step if op.complex else cotangent_by_differences
        tangent = tangent_by_complex_step if op.complex else tangent_by_differences
        fn = op.fn

        @defvjp(op)
        def _(ct: Any, out: Any, *args: Any, step: float = op.step) -> Any:
            return tuple([cotangent(fn, args, k, ct, step) for k in range(len(args))])

        @defjvp(op)
        def _(tangents: Any, out: Any, *args: Any, step: float = op.step) -> Any:
            return tangent(fn, args, tuple([0.0 if t is None else t for t in tangents]), step)

    def called(*args: Any) -> Any:
        return op(*args)

    functools.update_wrapper(called, op.fn, updated=())
    called.operation = op  # type: ignore[attr-defined]
    return called


def cotangent_by_differences(fn: Any, args: Any, k: Any, ct: Any, step: Any) -> Any:
    """The cotangent of argument `k` of `fn(*args)`, by central differences."""
    x = np.asarray(args[k], dtype=float)
    found = np.zeros_like(x)
    for place in np.ndindex(x.shape):
        width = step * max(1.0, abs(x[place]))
        ends = []
        for moved in (x[place] + width, x[place] - width):
            near = x.copy()
            near[place] = moved
            ends.append(fn(*args[:k], near if x.ndim else float(near), *args[k + 1 :]))
        found[place] = np.sum(ct * (ends[0] - ends[1])) / (2.0 * width)
    return found if x.ndim else float(found)


def tangent_by_differences(fn: Any, args: Any, tangents: Any, step: Any) -> Any:
    """The derivative of `fn(*args)` in the direction `tangents`, by central differences."""
    size = max(float(np.max(np.abs(t), initial=0.0)) for t in tangents)
    width = step / size if size else step
    ends = [
        fn(*(x + h * t if np.any(t) else x for x, t in zip(args, tangents, strict=True)))
        for h in (width, -width)
    ]
    return (ends[0] - ends[1]) / (2.0 * width)


def cotangent_by_complex_step(fn: Any, args: Any, k: Any, ct: Any, step: Any) -> Any:
    """The cotangent of argument `k` of `fn(*args)`, by evaluating it a little off the real line."""
    x = np.asarray(args[k], dtype=float)
    found = np.zeros_like(x)
    for place in np.ndindex(x.shape):
        near = x.astype(complex)
        near[place] += step * 1j
        moved = fn(*args[:k], near if x.ndim else complex(near), *args[k + 1 :])
        found[place] = np.sum(ct * np.imag(moved)) / step
    return found if x.ndim else float(found)


def tangent_by_complex_step(fn: Any, args: Any, tangents: Any, step: Any) -> Any:
    """The derivative of `fn(*args)` in the direction `tangents`, by a step off the real line."""
    moved = (x + step * 1j * t if np.any(t) else x for x, t in zip(args, tangents, strict=True))
    return np.imag(fn(*moved)) / step


once = Unknown("a derivative by evaluation is not differentiated again")


@defvjp(cotangent_by_differences, cotangent_by_complex_step)
def _(ct: Any, out: Any, fn: Any, args: Any, k: Any, inner: Any, step: Any) -> Any:
    return None, once, None, once, None


@defvjp(tangent_by_differences, tangent_by_complex_step)
def _(ct: Any, out: Any, fn: Any, args: Any, tangents: Any, step: Any) -> Any:
    return None, once, once, None
