"""Derivatives of functions of Python's own over sequences: `math.fsum`, `math.prod`, `math.dist`, `operator`.

    y = math.prod(items)      item_bar = y_bar * (the product of the other items)
"""

from __future__ import annotations

import bisect
import builtins
import math
import operator
from typing import Any

import numpy as np

from .reduce import product_of_others_in_row
from .register import defelementwise, defjvp, deflinear, defvjp, nondifferentiable

nondifferentiable(bisect.bisect_left, bisect.bisect_right)
nondifferentiable(operator.countOf, operator.indexOf, operator.length_hint, builtins.hash, builtins.id)


def as_given(bars: Any, items: Any) -> Any:
    """An array of cotangents in the form of the items: a list of numbers for a list or a tuple."""
    if isinstance(items, np.ndarray):
        return bars
    return [bars[i] for i in range(len(items))]


@deflinear(math.fsum)
def _(ct: Any, out: Any, seq: Any) -> Any:
    if isinstance(seq, np.ndarray):
        return np.full_like(seq, ct)
    return [ct for _ in range(len(seq))]


def as_numbers(items: Any) -> Any:
    """A list or a tuple of numbers as an array."""
    return items if isinstance(items, np.ndarray) else np.asarray(items, float)


@defvjp(math.prod)
def _(ct: Any, out: Any, iterable: Any, *, start: Any = 1) -> Any:
    items = as_numbers(iterable)
    return as_given(ct * start * product_of_others_in_row(items), iterable), ct * np.prod(items)


@defjvp(math.prod)
def _(tangents: Any, out: Any, iterable: Any, *, start: Any = 1) -> Any:
    items = as_numbers(iterable)
    out_dot = 0.0 if len(tangents) < 2 or tangents[1] is None else tangents[1] * np.prod(items)
    if tangents[0] is None:
        return out_dot
    return out_dot + start * np.sum(np.asarray(tangents[0]) * product_of_others_in_row(items))


@defvjp(math.dist)
def _(ct: Any, out: Any, p: Any, q: Any) -> Any:
    toward = ct / (out if out else 1.0) * (np.asarray(p) - np.asarray(q))
    return as_given(toward, p), as_given(-toward, q)


@defjvp(math.dist)
def _(tangents: Any, out: Any, p: Any, q: Any) -> Any:
    p_dot = 0.0 if tangents[0] is None else np.asarray(tangents[0])
    q_dot = 0.0 if tangents[1] is None else np.asarray(tangents[1])
    return np.sum((np.asarray(p) - np.asarray(q)) * (p_dot - q_dot)) / (out if out else 1.0)


# Python 3.12 and 3.13 have these.


def sumprod_bars(ct: Any, out: Any, p: Any, q: Any) -> Any:
    """The cotangents of the two sequences of `math.sumprod`."""
    return as_given(ct * as_numbers(q), p), as_given(ct * as_numbers(p), q)


def sumprod_dot(tangents: Any, out: Any, p: Any, q: Any) -> Any:
    """The tangent of `math.sumprod`."""
    out_dot = 0.0 if tangents[0] is None else np.sum(np.asarray(tangents[0]) * as_numbers(q))
    return out_dot if tangents[1] is None else out_dot + np.sum(as_numbers(p) * np.asarray(tangents[1]))


def fma_partials(out: Any, x: Any, y: Any, z: Any) -> Any:
    """The partial derivatives of `x * y + z`."""
    return y, x, 1.0


if hasattr(math, "sumprod"):
    defvjp(math.sumprod)(sumprod_bars)
    defjvp(math.sumprod)(sumprod_dot)
if hasattr(math, "fma"):
    defelementwise(math.fma)(fma_partials)
