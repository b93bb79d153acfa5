"""Derivatives of arithmetic: Python's operators, NumPy's functions of the same meaning, builtins.

    y = u / v         u_bar = y_bar / v,  v_bar = -y_bar * y / v
    y = x**3          x_bar = y_bar * (3 * x**2)

A power is exact at 0: the slope of `x**0`, `x**1` and `x**2` there is 0, 1 and 0, that of `x**0.5` is inf.
Its derivative with respect to the exponent is 0 where the base is not positive. Builtin `max` and `min`
credit the argument that they return, `np.maximum` and its kin share a tie equally.
"""

from __future__ import annotations

import builtins
import math
import operator
from typing import Any

import numpy as np

from .broadcast import unbroadcast
from .edges import at_argument_zero
from .facts import is_literal
from .register import defelementwise, defjvp, defvjp, nondifferentiable

nondifferentiable(
    operator.floordiv, np.floor_divide, builtins.int, builtins.round, builtins.bool,
    operator.lt, operator.le, operator.eq, operator.ne, operator.gt, operator.ge,
    operator.not_, operator.truth, operator.is_, operator.is_not, operator.contains, operator.index,
    operator.and_, operator.or_, operator.xor, operator.invert, operator.lshift, operator.rshift,
)  # fmt: skip


def slope(rise: Any, run: Any) -> Any:
    """`rise / run`, and inf where `run` is 0, without a warning."""
    if np.ndim(run) == 0:
        return rise / run if run else math.inf
    return np.where(run == 0, np.inf, rise / np.where(run == 0, 1, run))


def ratio(x: Any, y: Any) -> Any:
    """`x / y` where `x` is 0 wherever `y` is, and so is the result."""
    if np.ndim(y) == 0:
        return x / y if y else 0.0
    return x / np.where(y == 0, 1, y)


def select(condition: Any, x: Any, y: Any) -> Any:
    """`np.where(condition, x, y)`; a scalar for scalars."""
    if np.ndim(condition) == 0 and np.ndim(x) == 0 and np.ndim(y) == 0:
        return x if condition else y
    return np.where(condition, x, y)


def tangent(x_dot: Any) -> Any:
    """`x_dot`, and 0 for a tangent that is absent."""
    return 0.0 if x_dot is None else x_dot


# Sums and products


@defelementwise(operator.add, np.add)
def _(out: Any, x: Any, y: Any) -> Any:
    return 1.0, 1.0


@defelementwise(operator.sub, np.subtract)
def _(out: Any, x: Any, y: Any) -> Any:
    return 1.0, -1.0


@defelementwise(operator.mul, np.multiply)
def _(out: Any, x: Any, y: Any) -> Any:
    return y, x


@defelementwise(operator.truediv, np.divide, singular=True)
def _(out: Any, x: Any, y: Any) -> Any:
    return 1 / y, -out / y


@defelementwise(operator.mod, np.remainder, singular=True)
def _(out: Any, x: Any, y: Any) -> Any:
    return 1.0, -(x // y)


@defelementwise(np.fmod, singular=True)
def _(out: Any, x: Any, y: Any) -> Any:
    return 1.0, -np.trunc(x / y)


@defelementwise(operator.neg, np.negative)
def _(out: Any, x: Any) -> Any:
    return -1.0


@defelementwise(operator.pos, np.positive, builtins.float, np.float64, np.float32)
def _(out: Any, x: Any) -> Any:
    return 1.0


@defelementwise(np.square)
def _(out: Any, x: Any) -> Any:
    return 2 * x


@defelementwise(np.reciprocal, singular=True)
def _(out: Any, x: Any) -> Any:
    return -(out**2)


@defelementwise(builtins.abs, operator.abs, math.fabs)
def _(out: Any, x: Any) -> Any:
    if isinstance(x, float):
        return math.copysign(1.0, x) if x else 0.0
    return ratio(np.conj(x), out) if np.iscomplexobj(x) else np.sign(x)


@defelementwise(np.abs, np.fabs)
def _(out: Any, x: Any) -> Any:
    return ratio(np.conj(x), out) if np.iscomplexobj(x) else np.sign(x)


# Powers


def base_slope(x: Any, y: Any) -> Any:
    """The derivative of `x**y` with respect to `x`."""
    if is_literal(y) and isinstance(y, (int, float)):
        if y == 0:
            return 0.0
        if y == 1:
            return 1.0
        if y == 2:
            return 2 * x
        if 0 < y < 1:
            return slope(y, x ** (1 - y))
        return y * x ** (y - 1)
    if isinstance(y, int):
        return y * x ** (y - 1) if y else 0.0
    if np.iscomplexobj(x) or np.iscomplexobj(y):
        return y * x ** (y - 1)
    if np.ndim(x) == 0 and np.ndim(y) == 0:
        if x == 0 and y < 1:
            return y * math.inf if y else 0.0
        return y * x ** (y - 1)
    steep = (x == 0) & (y >= 0) & (y < 1)
    partial = y * np.where(steep, 1, x) ** (y - 1)
    return np.where(steep & (y > 0), np.inf, partial)


def exponent_slope(out: Any, x: Any, y: Any) -> Any:
    """The derivative of `x**y` with respect to `y`."""
    if np.iscomplexobj(x) or np.iscomplexobj(y):
        return out * np.log(np.where(x == 0, 1, np.asarray(x, np.result_type(out))))
    if isinstance(x, (int, float)):
        return out * math.log(x) if x > 0 else 0.0
    return out * np.log(np.where(x > 0, x, 1))


@defelementwise(operator.pow, np.power, np.float_power, math.pow, singular=at_argument_zero)
def _(out: Any, x: Any, y: Any) -> Any:
    return base_slope(x, y), exponent_slope(out, x, y)


@defelementwise(builtins.pow, singular=at_argument_zero)
def _(out: Any, base: Any, exp: Any, mod: Any = None) -> Any:
    return base_slope(base, exp), exponent_slope(out, base, exp)


# The larger and the smaller


@defvjp(np.maximum)
def _(ct: Any, out: Any, x: Any, y: Any) -> Any:
    share = select(x == y, 0.5 * ct, ct)
    return unbroadcast(select(x >= y, share, 0.0), x), unbroadcast(select(y >= x, share, 0.0), y)


@defvjp(np.minimum)
def _(ct: Any, out: Any, x: Any, y: Any) -> Any:
    share = select(x == y, 0.5 * ct, ct)
    return unbroadcast(select(x <= y, share, 0.0), x), unbroadcast(select(y <= x, share, 0.0), y)


@defvjp(np.fmax, np.fmin)
def _(ct: Any, out: Any, x: Any, y: Any) -> Any:
    share = select(x == y, 0.5 * ct, ct)
    return unbroadcast(select(x == out, share, 0.0), x), unbroadcast(select(y == out, share, 0.0), y)


@defjvp(np.maximum, np.minimum, np.fmax, np.fmin)
def _(tangents: Any, out: Any, x: Any, y: Any) -> Any:
    x_dot, y_dot = tangent(tangents[0]), tangent(tangents[1])
    out_dot = select(x == out, x_dot, y_dot)
    return np.broadcast_to(select(x == y, 0.5 * (x_dot + y_dot), out_dot), np.shape(out))


def credited(ct: Any, out: Any, items: Any) -> Any:
    """`ct` for the first of `items` that is `out`, 0 for the others."""
    cts: Any = ()
    for x in items[:-1]:
        cts = (*cts, ct if x == out else 0.0)
        ct = 0.0 if x == out else ct
    return (*cts, ct)


@defvjp(builtins.max, builtins.min)
def _(ct: Any, out: Any, *args: Any) -> Any:
    if len(args) > 1:
        return credited(ct, out, args)
    if isinstance(args[0], np.ndarray):
        x_bar = np.zeros_like(args[0])
        x_bar[np.argmax(args[0] == out)] = ct
        return x_bar
    return list(credited(ct, out, args[0]))


@defjvp(builtins.max, builtins.min)
def _(tangents: Any, out: Any, *args: Any) -> Any:
    if len(args) == 1:
        if isinstance(args[0], np.ndarray):
            return tangents[0][np.argmax(args[0] == out)]
        args, tangents = args[0], tangents[0]
    out_dot = tangent(tangents[-1])
    for x, x_dot in zip(args[-2::-1], tangents[-2::-1], strict=True):
        out_dot = tangent(x_dot) if x == out else out_dot
    return out_dot
