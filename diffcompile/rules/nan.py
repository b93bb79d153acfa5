"""Derivatives of the reductions and scans that leave nans out: nothing flows back to a nan.

    y = np.nanmean(x, axis=0)     x_bar = np.where(np.isnan(x), 0.0, y_bar / np.sum(~np.isnan(x), axis=0))

`np.nanmax` and `np.nanmin` share the rule of `np.max` in `reduce.py`: a nan equals no extremum.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .broadcast import unbroadcast
from .reduce import cumprod_bar, cumprod_dot, nonzero, product_of_others, restored, suffix_sum
from .register import defjvp, defvjp


def left_out(a: Any, where: Any) -> Any:
    """The elements of `a` that a reduction does not see."""
    if where is True:
        return np.isnan(a)
    return np.isnan(a) | ~np.asarray(where)


def seen(mask: Any, axis: Any, dtype: Any) -> Any:
    """How many elements are not left out, in `dtype`; the reduced axes stay, and 0 counts as 1."""
    return np.maximum(np.sum(~mask, axis, dtype, keepdims=True), 1)


@defvjp(np.nansum)
def _(
    ct: Any, out: Any, a: Any, axis: Any = None, dtype: Any = None, into: Any = None, keepdims: Any = False,
    initial: Any = 0, where: Any = True,
) -> Any:  # fmt: skip
    a_bar = np.where(left_out(a, where), 0.0, restored(ct, axis, keepdims))
    return a_bar, None, None, None, None, np.sum(ct), None


@defjvp(np.nansum)
def _(
    tangents: Any, out: Any, a: Any, axis: Any = None, dtype: Any = None, into: Any = None,
    keepdims: Any = False, initial: Any = 0, where: Any = True,
) -> Any:  # fmt: skip
    if tangents[0] is None:
        return np.full_like(out, tangents[5])
    out_dot = np.sum(np.where(left_out(a, where), 0.0, tangents[0]), axis, dtype, keepdims=keepdims)
    return out_dot if tangents[5] is None else out_dot + tangents[5]


@defvjp(np.nanprod)
def _(
    ct: Any, out: Any, a: Any, axis: Any = None, dtype: Any = None, into: Any = None, keepdims: Any = False,
    initial: Any = None, where: Any = True,
) -> Any:  # fmt: skip
    mask = left_out(a, where)
    factors = np.where(mask, 1.0, a)
    a_bar = restored(ct, axis, keepdims) * product_of_others(factors, axis)
    if initial is not None:
        a_bar = a_bar * initial
    a_bar = np.where(mask, 0.0, a_bar)
    return a_bar, None, None, None, None, np.sum(ct * np.prod(factors, axis, keepdims=keepdims)), None


@defjvp(np.nanprod)
def _(
    tangents: Any, out: Any, a: Any, axis: Any = None, dtype: Any = None, into: Any = None,
    keepdims: Any = False, initial: Any = None, where: Any = True,
) -> Any:  # fmt: skip
    mask = left_out(a, where)
    factors = np.where(mask, 1.0, a)
    if tangents[0] is None:
        return tangents[5] * np.prod(factors, axis, keepdims=keepdims)
    a_dot = np.where(mask, 0.0, tangents[0] * product_of_others(factors, axis))
    out_dot = np.sum(a_dot, axis, keepdims=keepdims)
    if initial is not None:
        out_dot = out_dot * initial
    if tangents[5] is not None:
        out_dot = out_dot + tangents[5] * np.prod(factors, axis, keepdims=keepdims)
    return out_dot


@defvjp(np.nanmean)
def _(
    ct: Any, out: Any, a: Any, axis: Any = None, dtype: Any = None, into: Any = None, keepdims: Any = False,
    *, where: Any = True,
) -> Any:  # fmt: skip
    mask = left_out(a, where)
    return np.where(mask, 0.0, restored(ct, axis, keepdims) / seen(mask, axis, out.dtype))


@defjvp(np.nanmean)
def _(
    tangents: Any, out: Any, a: Any, axis: Any = None, dtype: Any = None, into: Any = None,
    keepdims: Any = False, *, where: Any = True,
) -> Any:  # fmt: skip
    mask = left_out(a, where)
    return np.sum(np.where(mask, 0.0, tangents[0]) / seen(mask, axis, out.dtype), axis, keepdims=keepdims)


# Moments


def distance(a: Any, mask: Any, n: Any, axis: Any) -> Any:
    """The (conjugate) distance of each element that is seen from their mean, 0 for the others."""
    mean = np.sum(np.where(mask, 0.0, a), axis, keepdims=True) / n
    away = np.where(mask, 0.0, a - mean)
    return np.conj(away) if np.iscomplexobj(a) else away


@defvjp(np.nanvar)
def _(
    ct: Any, out: Any, a: Any, axis: Any = None, dtype: Any = None, into: Any = None, ddof: Any = 0,
    keepdims: Any = False, *, where: Any = True, mean: Any = None, correction: Any = None,
) -> Any:  # fmt: skip
    mask = left_out(a, where)
    n = seen(mask, axis, out.dtype)
    freedom = n - (ddof if correction is None else correction)
    if mean is not None:
        away = np.where(mask, 0.0, np.conj(a - mean))
        a_bar = 2 * restored(ct, axis, keepdims) / freedom * away
        return a_bar, None, None, None, None, None, None, unbroadcast(-a_bar, mean)
    return 2 * restored(ct, axis, keepdims) / freedom * distance(a, mask, n, axis)


@defjvp(np.nanvar)
def _(
    tangents: Any, out: Any, a: Any, axis: Any = None, dtype: Any = None, into: Any = None, ddof: Any = 0,
    keepdims: Any = False, *, where: Any = True, mean: Any = None, correction: Any = None,
) -> Any:  # fmt: skip
    mask = left_out(a, where)
    n = seen(mask, axis, out.dtype)
    freedom = n - (ddof if correction is None else correction)
    away_dot = np.zeros_like(a) if tangents[0] is None else np.where(mask, 0.0, tangents[0])
    if mean is None:
        away = distance(a, mask, n, axis)
    else:
        away = np.where(mask, 0.0, np.conj(a - mean))
        away_dot = away_dot if tangents[7] is None else away_dot - tangents[7]
    return np.sum(np.real(2 / freedom * away * away_dot), axis, keepdims=keepdims)


@defvjp(np.nanstd)
def _(
    ct: Any, out: Any, a: Any, axis: Any = None, dtype: Any = None, into: Any = None, ddof: Any = 0,
    keepdims: Any = False, *, where: Any = True, mean: Any = None, correction: Any = None,
) -> Any:  # fmt: skip
    mask = left_out(a, where)
    n = seen(mask, axis, out.dtype)
    freedom = n - (ddof if correction is None else correction)
    ct = restored(ct / nonzero(out), axis, keepdims) / freedom
    if mean is not None:
        a_bar = ct * np.where(mask, 0.0, np.conj(a - mean))
        return a_bar, None, None, None, None, None, None, unbroadcast(-a_bar, mean)
    return ct * distance(a, mask, n, axis)


@defjvp(np.nanstd)
def _(
    tangents: Any, out: Any, a: Any, axis: Any = None, dtype: Any = None, into: Any = None, ddof: Any = 0,
    keepdims: Any = False, *, where: Any = True, mean: Any = None, correction: Any = None,
) -> Any:  # fmt: skip
    mask = left_out(a, where)
    n = seen(mask, axis, out.dtype)
    freedom = n - (ddof if correction is None else correction)
    away_dot = np.zeros_like(a) if tangents[0] is None else np.where(mask, 0.0, tangents[0])
    if mean is None:
        away = distance(a, mask, n, axis)
    else:
        away = np.where(mask, 0.0, np.conj(a - mean))
        away_dot = away_dot if tangents[7] is None else away_dot - tangents[7]
    return np.sum(np.real(away * away_dot / freedom), axis, keepdims=keepdims) / nonzero(out)


# Scans


@defvjp(np.nancumsum)
def _(ct: Any, out: Any, a: Any, axis: Any = None, dtype: Any = None, into: Any = None) -> Any:
    a_bar = np.reshape(suffix_sum(ct, 0), np.shape(a)) if axis is None else suffix_sum(ct, axis)
    return np.where(np.isnan(a), 0.0, a_bar)


@defjvp(np.nancumsum)
def _(tangents: Any, out: Any, a: Any, axis: Any = None, dtype: Any = None, into: Any = None) -> Any:
    return np.cumsum(np.where(np.isnan(a), 0.0, tangents[0]), axis)


@defvjp(np.nancumprod)
def _(ct: Any, out: Any, a: Any, axis: Any = None, dtype: Any = None, into: Any = None) -> Any:
    mask = np.isnan(a)
    factors = np.where(mask, 1.0, a)
    if axis is None:
        a_bar = np.reshape(cumprod_bar(ct, out, np.ravel(factors), 0), np.shape(a))
    else:
        a_bar = cumprod_bar(ct, out, factors, axis)
    return np.where(mask, 0.0, a_bar)


@defjvp(np.nancumprod)
def _(tangents: Any, out: Any, a: Any, axis: Any = None, dtype: Any = None, into: Any = None) -> Any:
    mask = np.isnan(a)
    factors, a_dot = np.where(mask, 1.0, a), np.where(mask, 0.0, tangents[0])
    if axis is None:
        return cumprod_dot(np.ravel(a_dot), out, np.ravel(factors), 0)
    return cumprod_dot(a_dot, out, factors, axis)
