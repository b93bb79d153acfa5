"""Derivatives of elementwise functions of NumPy and of `math`.

    y = np.tanh(x)        x_bar = y_bar * (1 - y**2)
    y = math.sin(x)       x_bar = y_bar * math.cos(x)

A rule that holds for arrays and for Python floats is written once, for both; `x * x` stands where `x**2` of a
large Python float would raise. The derivatives of `math.gamma`, `math.lgamma` and `np.i0` are functions that
neither `math` nor NumPy has: they are in `special.py`, and are written into the generated module.
"""

from __future__ import annotations

import builtins
import math
from typing import Any

import numpy as np

from .arithmetic import ratio, select, slope, tangent
from .broadcast import unbroadcast
from .edges import at_one, at_zero
from .register import defelementwise, defjvp, deflinear, defvjp, nondifferentiable

nondifferentiable(
    np.floor, np.ceil, np.rint, np.round, np.around, np.trunc, np.fix, np.signbit,
    np.isnan, np.isfinite, np.isinf, np.isneginf, np.isposinf, np.isclose, np.allclose,
    np.isreal, np.iscomplex, np.isrealobj, np.iscomplexobj, np.isscalar,
    np.greater, np.greater_equal, np.less, np.less_equal, np.equal, np.not_equal,
    np.array_equal, np.array_equiv, np.logical_and, np.logical_or, np.logical_not, np.logical_xor,
    np.bitwise_and, np.bitwise_or, np.bitwise_xor, np.invert, np.left_shift, np.right_shift,
    np.argmax, np.argmin, np.nanargmax, np.nanargmin, np.argsort, np.argpartition, np.argwhere, np.lexsort,
    np.nonzero, np.flatnonzero, np.count_nonzero, np.searchsorted, np.any, np.all, np.result_type,
    np.ndarray.argmax, np.ndarray.argmin, np.ndarray.argsort, np.ndarray.argpartition,
    np.ndarray.searchsorted, np.ndarray.round, np.ndarray.any, np.ndarray.all, np.ndarray.nonzero,
    math.floor, math.ceil, math.trunc, math.isnan, math.isinf, math.isfinite, math.isclose,
    math.comb, math.perm, math.factorial, math.gcd, math.lcm, math.isqrt, math.ulp,
    np.spacing, np.gcd, np.lcm, np.bitwise_count,
)  # fmt: skip


# Exponentials and logarithms


@defelementwise(np.exp, math.exp, singular=True)
def _(out: Any, x: Any) -> Any:
    return out


@defelementwise(np.exp2, math.exp2, singular=True)
def _(out: Any, x: Any) -> Any:
    return out * math.log(2)


@defelementwise(np.expm1, math.expm1, singular=True)
def _(out: Any, x: Any) -> Any:
    return out + 1


@defelementwise(np.log, singular=True)
def _(out: Any, x: Any) -> Any:
    return 1 / x


@defelementwise(math.log, singular=True)
def _(out: Any, x: Any, base: Any = None) -> Any:
    if base is None:
        return 1 / x
    return 1 / (x * math.log(base)), -out / (base * math.log(base))


@defelementwise(np.log2, math.log2, singular=True)
def _(out: Any, x: Any) -> Any:
    return 1 / (x * math.log(2))


@defelementwise(np.log10, math.log10, singular=True)
def _(out: Any, x: Any) -> Any:
    return 1 / (x * math.log(10))


@defelementwise(np.log1p, math.log1p, singular=True)
def _(out: Any, x: Any) -> Any:
    return 1 / (1 + x)


@defelementwise(np.logaddexp)
def _(out: Any, x: Any, y: Any) -> Any:
    total = np.where(out == -np.inf, 0, out)
    return np.exp(x - total), np.exp(y - total)


@defelementwise(np.logaddexp2)
def _(out: Any, x: Any, y: Any) -> Any:
    total = np.where(out == -np.inf, 0, out)
    return np.exp2(x - total), np.exp2(y - total)


# Roots


@defelementwise(np.sqrt, math.sqrt, singular=at_zero)
def _(out: Any, x: Any) -> Any:
    return slope(0.5, out)


@defelementwise(np.cbrt, math.cbrt, singular=at_zero)
def _(out: Any, x: Any) -> Any:
    return slope(1, 3 * out**2)


@defelementwise(np.hypot)
def _(out: Any, x: Any, y: Any) -> Any:
    return ratio(x, out), ratio(y, out)


@defelementwise(math.hypot)
def _(out: Any, *coordinates: Any) -> Any:
    return tuple([x / out if out else 0.0 for x in coordinates])


# Angles


@defelementwise(np.sin)
def _(out: Any, x: Any) -> Any:
    return np.cos(x)


@defelementwise(math.sin)
def _(out: Any, x: Any) -> Any:
    return math.cos(x)


@defelementwise(np.cos)
def _(out: Any, x: Any) -> Any:
    return -np.sin(x)


@defelementwise(math.cos)
def _(out: Any, x: Any) -> Any:
    return -math.sin(x)


@defelementwise(np.tan, math.tan)
def _(out: Any, x: Any) -> Any:
    return 1 + out**2


@defelementwise(np.arcsin, singular=at_one)
def _(out: Any, x: Any) -> Any:
    return slope(1, np.sqrt(1 - x**2))


@defelementwise(math.asin, singular=at_one)
def _(out: Any, x: Any) -> Any:
    return slope(1, math.sqrt(1 - x**2))


@defelementwise(np.arccos, singular=at_one)
def _(out: Any, x: Any) -> Any:
    return -slope(1, np.sqrt(1 - x**2))


@defelementwise(math.acos, singular=at_one)
def _(out: Any, x: Any) -> Any:
    return -slope(1, math.sqrt(1 - x**2))


@defelementwise(np.arctan, math.atan)
def _(out: Any, x: Any) -> Any:
    return 1 / (1 + x * x)


@defelementwise(np.arctan2, math.atan2)
def _(out: Any, y: Any, x: Any) -> Any:
    square = x * x + y * y
    return ratio(x, square), -ratio(y, square)


@defelementwise(np.sinc)
def _(out: Any, x: Any) -> Any:
    chord = (np.cos(np.pi * x) - out) / np.where(x == 0, 1, x)
    # The line is the chord's limit, so that the second derivative at 0 is right as well.
    return np.where(x == 0, -(np.pi**2) / 3 * x, chord)


@defelementwise(np.deg2rad, np.radians, math.radians)
def _(out: Any, x: Any) -> Any:
    return math.pi / 180


@defelementwise(np.rad2deg, np.degrees, math.degrees)
def _(out: Any, x: Any) -> Any:
    return 180 / math.pi


# Hyperbolic functions


@defelementwise(np.sinh, singular=True)
def _(out: Any, x: Any) -> Any:
    return np.cosh(x)


@defelementwise(math.sinh, singular=True)
def _(out: Any, x: Any) -> Any:
    return math.cosh(x)


@defelementwise(np.cosh, singular=True)
def _(out: Any, x: Any) -> Any:
    return np.sinh(x)


@defelementwise(math.cosh, singular=True)
def _(out: Any, x: Any) -> Any:
    return math.sinh(x)


@defelementwise(np.tanh, math.tanh)
def _(out: Any, x: Any) -> Any:
    return 1 - out**2


@defelementwise(np.arcsinh)
def _(out: Any, x: Any) -> Any:
    return 1 / np.sqrt(1 + x * x)


@defelementwise(math.asinh)
def _(out: Any, x: Any) -> Any:
    return 1 / math.sqrt(1 + x * x)


@defelementwise(np.arccosh, singular=at_one)
def _(out: Any, x: Any) -> Any:
    return slope(1, np.sqrt(x - 1) * np.sqrt(x + 1))


@defelementwise(math.acosh, singular=at_one)
def _(out: Any, x: Any) -> Any:
    return slope(1, math.sqrt(x - 1) * math.sqrt(x + 1))


@defelementwise(np.arctanh, math.atanh, singular=True)
def _(out: Any, x: Any) -> Any:
    return 1 / (1 - x**2)


# Of `math` alone


@defelementwise(math.erf)
def _(out: Any, x: Any) -> Any:
    return 2 / math.sqrt(math.pi) * math.exp(-x * x)


@defelementwise(math.erfc)
def _(out: Any, x: Any) -> Any:
    return -2 / math.sqrt(math.pi) * math.exp(-x * x)


@defelementwise(math.fmod)
def _(out: Any, x: Any, y: Any) -> Any:
    return 1.0, -math.trunc(x / y)


@defelementwise(math.remainder)
def _(out: Any, x: Any, y: Any) -> Any:
    return 1.0, -builtins.round((x - out) / y)


@defelementwise(math.ldexp)
def _(out: Any, x: Any, i: Any) -> Any:
    return math.ldexp(1.0, i), None


@defelementwise(np.ldexp)
def _(out: Any, x1: Any, x2: Any) -> Any:
    return np.ldexp(np.ones_like(x1), x2), None


@defelementwise(np.nextafter, math.nextafter)
def _(out: Any, x: Any, y: Any) -> Any:
    return 1.0, None


# Functions of two results: `ct` is the pair of their cotangents


@defvjp(np.modf, math.modf)
def _(ct: Any, out: Any, x: Any) -> Any:
    return ct[0]


@defjvp(np.modf, math.modf)
def _(tangents: Any, out: Any, x: Any) -> Any:
    return tangents[0], 0.0 * tangents[0]


@defvjp(np.frexp)
def _(ct: Any, out: Any, x: Any) -> Any:
    return None if ct[0] is None else np.ldexp(ct[0], -out[1])


@defjvp(np.frexp)
def _(tangents: Any, out: Any, x: Any) -> Any:
    return np.ldexp(tangents[0], -out[1]), None


@defvjp(math.frexp)
def _(ct: Any, out: Any, x: Any) -> Any:
    return None if ct[0] is None else math.ldexp(ct[0], -out[1])


@defjvp(math.frexp)
def _(tangents: Any, out: Any, x: Any) -> Any:
    return math.ldexp(tangents[0], -out[1]), None


@defvjp(np.divmod)
def _(ct: Any, out: Any, x: Any, y: Any) -> Any:
    if ct[1] is None:
        return 0.0, 0.0
    return unbroadcast(ct[1], x), unbroadcast(-ct[1] * out[0], y)


@defjvp(np.divmod)
def _(tangents: Any, out: Any, x: Any, y: Any) -> Any:
    rest_dot = np.broadcast_to(tangent(tangents[0]), np.shape(out[1]))
    if tangents[1] is not None:
        rest_dot = rest_dot - out[0] * tangents[1]
    return np.zeros_like(out[0]), rest_dot


# Signs and steps


@defelementwise(np.copysign)
def _(out: Any, x: Any, y: Any) -> Any:
    return np.sign(x) * np.sign(out), None


@defelementwise(math.copysign)
def _(out: Any, x: Any, y: Any) -> Any:
    return math.copysign(1.0, x) * math.copysign(1.0, y) if x else 0.0, None


@defelementwise(np.heaviside)
def _(out: Any, x: Any, at_zero: Any) -> Any:
    return None, x == 0


@defelementwise(np.nan_to_num)
def _(out: Any, x: Any, copy: Any = True, nan: Any = 0.0, posinf: Any = None, neginf: Any = None) -> Any:
    return np.isfinite(x)


# Complex numbers


@defelementwise(np.real)
def _(out: Any, val: Any) -> Any:
    return 1.0


@defvjp(np.real_if_close)
def _(ct: Any, out: Any, a: Any, tol: Any = 100) -> Any:
    return ct if np.iscomplexobj(out) else np.real(ct)


@defjvp(np.real_if_close)
def _(tangents: Any, out: Any, a: Any, tol: Any = 100) -> Any:
    return tangents[0] if np.iscomplexobj(out) else np.real(tangents[0])


@defelementwise(np.imag)
def _(out: Any, val: Any) -> Any:
    if np.iscomplexobj(val):
        return -1j
    return 0.0


@deflinear(np.conjugate, np.ndarray.conj, np.ndarray.conjugate)
def _(ct: Any, out: Any, z: Any) -> Any:
    return np.conj(ct)


@defelementwise(np.angle)
def _(out: Any, z: Any, deg: Any = False) -> Any:
    if not np.iscomplexobj(z):
        return 0.0
    partial = -1j * ratio(np.conj(z), np.abs(z) ** 2)
    return partial * (180 / math.pi) if deg else partial


# Selection


@defvjp(np.where)
def _(ct: Any, out: Any, condition: Any, x: Any = None, y: Any = None) -> Any:
    x_bar, y_bar = select(condition, ct, 0.0), select(condition, 0.0, ct)
    return None, unbroadcast(x_bar, x), unbroadcast(y_bar, y)


@defjvp(np.where)
def _(tangents: Any, out: Any, condition: Any, x: Any = None, y: Any = None) -> Any:
    out_dot = select(condition, tangent(tangents[1]), tangent(tangents[2]))
    return np.broadcast_to(out_dot, np.shape(out))


def clip_cotangents(ct: Any, x: Any, lower: Any, upper: Any) -> Any:
    """The cotangents of `x`, `lower` and `upper` in `np.clip(x, lower, upper)`, where None is no bound."""
    if lower is None and upper is None:
        return ct, None, None
    if upper is None:
        x_bar, lower_bar = select(x >= lower, ct, 0.0), select(x < lower, ct, 0.0)
        return unbroadcast(x_bar, x), unbroadcast(lower_bar, lower), None
    if lower is None:
        x_bar, upper_bar = select(x <= upper, ct, 0.0), select(x > upper, ct, 0.0)
        return unbroadcast(x_bar, x), None, unbroadcast(upper_bar, upper)
    x_bar = select((x >= lower) & (x <= upper), ct, 0.0)
    lower_bar, upper_bar = select(x < lower, ct, 0.0), select(x > upper, ct, 0.0)
    return unbroadcast(x_bar, x), unbroadcast(lower_bar, lower), unbroadcast(upper_bar, upper)


def clip_tangent(x_dot: Any, lower_dot: Any, upper_dot: Any, out: Any, x: Any, lower: Any, upper: Any) -> Any:
    """The tangent of `np.clip(x, lower, upper)`."""
    out_dot = tangent(x_dot)
    if lower is not None:
        out_dot = select(x < lower, tangent(lower_dot), out_dot)
    if upper is not None:
        out_dot = select(x > upper, tangent(upper_dot), out_dot)
    return np.broadcast_to(out_dot, np.shape(out))


@defvjp(np.clip)
def _(
    ct: Any, out: Any, a: Any, a_min: Any = None, a_max: Any = None, min: Any = None, max: Any = None
) -> Any:
    lower, upper = min if a_min is None else a_min, max if a_max is None else a_max
    a_bar, lower_bar, upper_bar = clip_cotangents(ct, a, lower, upper)
    return a_bar, lower_bar, upper_bar, lower_bar, upper_bar


@defjvp(np.clip)
def _(
    tangents: Any, out: Any, a: Any, a_min: Any = None, a_max: Any = None, min: Any = None, max: Any = None
) -> Any:
    lower, upper = min if a_min is None else a_min, max if a_max is None else a_max
    lower_dot = tangents[3] if a_min is None else tangents[1]
    upper_dot = tangents[4] if a_max is None else tangents[2]
    return clip_tangent(tangents[0], lower_dot, upper_dot, out, a, lower, upper)


@defvjp(np.ndarray.clip)
def _(ct: Any, out: Any, a: Any, min: Any = None, max: Any = None) -> Any:
    return clip_cotangents(ct, a, min, max)


@defjvp(np.ndarray.clip)
def _(tangents: Any, out: Any, a: Any, min: Any = None, max: Any = None) -> Any:
    return clip_tangent(tangents[0], tangents[1], tangents[2], out, a, min, max)
