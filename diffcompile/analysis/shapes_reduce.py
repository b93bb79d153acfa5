"""Facts of reductions and scans: which axes remain, and in which dtype they add up."""

from __future__ import annotations

import numpy as np

from ..ir.graph import Atom, Const
from ..ir.types import Type, array
from .shapes_core import (
    BOOLEAN,
    FALSE,
    FLOAT64,
    INT64,
    NO,
    ZERO,
    Undecided,
    array_of,
    axes_of,
    axis_of,
    dtype_of,
    facts,
    flag,
    inexact,
    is_dtype,
    is_integer,
    is_none,
    none_or_undecided,
    promoted,
    real_of,
    result,
    shape_of,
)
from .shapes_lengths import fresh, fresh_dim, product, shortened

LAST = Const(-1)
ONE = Const(1)


def reduced(x: Type, dtype: np.dtype | None, axis: Atom, keepdims: Atom = FALSE) -> Type:
    """What remains of `x` when `axis` is reduced."""
    keep = flag(keepdims)
    if is_none(axis) and not keep:
        return result(dtype, ())
    shape = shape_of(x)
    if not shape:
        raise Undecided
    if not isinstance(axis, Const) and is_integer(axis.type):
        return result(dtype, fresh(len(shape) if keep else len(shape) - 1))
    axes = axes_of(axis, len(shape))
    if keep:
        return array(dtype, tuple(1 if i in axes else s for i, s in enumerate(shape)))
    return result(dtype, tuple(s for i, s in enumerate(shape) if i not in axes))


def summed(dtype: np.dtype | None) -> np.dtype | None:
    """The dtype that NumPy adds up in."""
    if dtype is None or dtype.kind not in "biu":
        return dtype
    return np.promote_types(dtype, np.uint64 if dtype.kind == "u" else np.int64)


@facts(np.sum, np.ndarray.sum, np.prod, np.ndarray.prod, np.nansum, np.nanprod)
def _(
    a: Atom,
    axis: Atom = NO,
    dtype: Atom = NO,
    out: Atom = NO,
    keepdims: Atom = FALSE,
    initial: Atom = NO,
    where: Atom = NO,
) -> Type:
    none_or_undecided(out)
    x = array_of(a)
    return reduced(x, dtype_of(dtype, summed(x.dtype)), axis, keepdims)


@facts(np.mean, np.ndarray.mean, np.nanmean)
def _(
    a: Atom,
    axis: Atom = NO,
    dtype: Atom = NO,
    out: Atom = NO,
    keepdims: Atom = FALSE,
    *,
    where: Atom = NO,
) -> Type:
    none_or_undecided(out)
    x = array_of(a)
    return reduced(x, dtype_of(dtype, inexact(x.dtype)), axis, keepdims)


@facts(np.var, np.std, np.ndarray.var, np.ndarray.std, np.nanvar, np.nanstd)
def _(
    a: Atom,
    axis: Atom = NO,
    dtype: Atom = NO,
    out: Atom = NO,
    ddof: Atom = ZERO,
    keepdims: Atom = FALSE,
    *,
    where: Atom = NO,
    mean: Atom = NO,
    correction: Atom = NO,
) -> Type:
    none_or_undecided(out)
    x = array_of(a)
    return reduced(x, inexact(real_of(x.dtype)) if is_none(dtype) else None, axis, keepdims)


@facts(np.max, np.min, np.amax, np.amin, np.ndarray.max, np.ndarray.min, np.nanmax, np.nanmin)
def _(
    a: Atom,
    axis: Atom = NO,
    out: Atom = NO,
    keepdims: Atom = FALSE,
    initial: Atom = NO,
    where: Atom = NO,
) -> Type:
    none_or_undecided(out)
    x = array_of(a)
    return reduced(x, x.dtype if is_none(initial) else None, axis, keepdims)


@facts(np.ptp)
def _(a: Atom, axis: Atom = NO, out: Atom = NO, keepdims: Atom = FALSE) -> Type:
    none_or_undecided(out)
    x = array_of(a)
    return reduced(x, x.dtype, axis, keepdims)


@facts(np.any, np.all, np.ndarray.any, np.ndarray.all)
def _(a: Atom, axis: Atom = NO, out: Atom = NO, keepdims: Atom = FALSE, *, where: Atom = NO) -> Type:
    none_or_undecided(out)
    return reduced(array_of(a), BOOLEAN, axis, keepdims)


@facts(np.argmax, np.argmin, np.ndarray.argmax, np.ndarray.argmin, np.nanargmax, np.nanargmin)
def _(a: Atom, axis: Atom = NO, out: Atom = NO, *, keepdims: Atom = FALSE) -> Type:
    none_or_undecided(out)
    return reduced(array_of(a), INT64, axis, keepdims)


@facts(np.count_nonzero)
def _(a: Atom, axis: Atom = NO, *, keepdims: Atom = FALSE) -> Type:
    return reduced(array_of(a), INT64, axis, keepdims)


@facts(np.median, np.nanmedian)
def _(
    a: Atom, axis: Atom = NO, out: Atom = NO, overwrite_input: Atom = FALSE, keepdims: Atom = FALSE
) -> Type:
    none_or_undecided(out)
    x = array_of(a)
    return reduced(x, inexact(x.dtype), axis, keepdims)


@facts(np.quantile, np.percentile, np.nanquantile, np.nanpercentile)
def _(
    a: Atom,
    q: Atom,
    axis: Atom = NO,
    out: Atom = NO,
    overwrite_input: Atom = FALSE,
    method: Atom = NO,
    keepdims: Atom = FALSE,
) -> Type:
    none_or_undecided(out)
    x = array_of(a)
    dtype = FLOAT64 if is_dtype(x.dtype, FLOAT64) and is_none(method) else None
    rest = reduced(x, dtype, axis, keepdims)
    return result(dtype, (*shape_of(array_of(q)), *(rest.shape or ())))


@facts(np.average)
def _(
    a: Atom, axis: Atom = NO, weights: Atom = NO, returned: Atom = FALSE, *, keepdims: Atom = FALSE
) -> Type:
    x = array_of(a)
    dtype = inexact(x.dtype) if is_none(weights) else inexact(promoted(x.dtype, array_of(weights).dtype))
    mean = reduced(x, dtype, axis, keepdims)
    return Type("tuple", items=(mean, mean)) if flag(returned) else mean


@facts(np.trapezoid)
def _(y: Atom, x: Atom = NO, dx: Atom = ONE, axis: Atom = LAST) -> Type:
    a = array_of(y)
    return reduced(a, FLOAT64 if is_dtype(a.dtype, FLOAT64) and is_none(x) and dx is ONE else None, axis)


@facts(np.trace, np.ndarray.trace)
def _(
    a: Atom, offset: Atom = ZERO, axis1: Atom = ZERO, axis2: Atom = ONE, dtype: Atom = NO, out: Atom = NO
) -> Type:
    none_or_undecided(out)
    x = array_of(a)
    shape = shape_of(x)
    both = {axis_of(axis1, len(shape)), axis_of(axis2, len(shape))}
    left = tuple(s for i, s in enumerate(shape) if i not in both)
    return result(dtype_of(dtype, summed(x.dtype)), left)


@facts(np.cumulative_sum, np.cumulative_prod)
def _(
    x: Atom, *, axis: Atom = NO, dtype: Atom = NO, out: Atom = NO, include_initial: Atom = FALSE
) -> Type:
    none_or_undecided(out)
    a = array_of(x)
    shape = shape_of(a)
    if not flag(include_initial):
        return array(dtype_of(dtype, summed(a.dtype)), shape)
    at = 0 if is_none(axis) else axis_of(axis, len(shape))
    return array(dtype_of(dtype, summed(a.dtype)), (*shape[:at], shortened(shape[at], -1), *shape[at + 1 :]))


@facts(np.cumsum, np.cumprod, np.ndarray.cumsum, np.ndarray.cumprod, np.nancumsum, np.nancumprod)
def _(a: Atom, axis: Atom = NO, dtype: Atom = NO, out: Atom = NO) -> Type:
    none_or_undecided(out)
    x = array_of(a)
    return along(x, dtype_of(dtype, summed(x.dtype)), axis)


def along(x: Type, dtype: np.dtype | None, axis: Atom) -> Type:
    """The result of a function that keeps the length of `axis`, or flattens for None."""
    if is_none(axis):
        return array(dtype, (fresh_dim() if x.shape is None else product(x.shape),))
    if not x.shape:
        raise Undecided
    return array(dtype, x.shape)


@facts(np.sort)
def _(a: Atom, axis: Atom = LAST, kind: Atom = NO, order: Atom = NO, *, stable: Atom = NO) -> Type:
    x = array_of(a)
    return along(x, x.dtype, axis)


@facts(np.argsort, np.ndarray.argsort)
def _(a: Atom, axis: Atom = LAST, kind: Atom = NO, order: Atom = NO, *, stable: Atom = NO) -> Type:
    return along(array_of(a), INT64, axis)


@facts(np.partition)
def _(a: Atom, kth: Atom, axis: Atom = LAST, kind: Atom = NO, order: Atom = NO) -> Type:
    x = array_of(a)
    return along(x, x.dtype, axis)


@facts(np.argpartition, np.ndarray.argpartition)
def _(a: Atom, kth: Atom, axis: Atom = LAST, kind: Atom = NO, order: Atom = NO) -> Type:
    return along(array_of(a), INT64, axis)


@facts(np.diff)
def _(a: Atom, n: Atom = ONE, axis: Atom = LAST, prepend: Atom = NO, append: Atom = NO) -> Type:
    none_or_undecided(prepend, append)
    x = array_of(a)
    shape = shape_of(x)
    at = axis_of(axis, len(shape))
    cut = n.value if isinstance(n, Const) and isinstance(n.value, int) and n.value >= 0 else None
    size = fresh_dim() if cut is None else shortened(shape[at], cut)
    return array(x.dtype, (*shape[:at], size, *shape[at + 1 :]))


@facts(np.convolve, np.correlate)
def _(a: Atom, v: Atom, mode: Atom = NO) -> Type:
    x, y = array_of(a), array_of(v)
    return array(promoted(x.dtype, y.dtype), (fresh_dim(),))


@facts(np.bincount)
def _(x: Atom, weights: Atom = NO, minlength: Atom = ZERO) -> Type:
    return array(INT64 if is_none(weights) else FLOAT64, (fresh_dim(),))


# Methods of binary ufuncs


def declare_methods(ufunc: np.ufunc) -> None:
    """What is known of `reduce`, `accumulate`, `outer` and `reduceat` of floats."""

    def dtype_after(x: Type, dtype: Atom) -> np.dtype | None:
        known = dtype_of(dtype, x.dtype)
        return known if known is not None and known.kind in "fc" else None

    @facts(ufunc.reduce)
    def _(
        x: Atom, axis: Atom = ZERO, dtype: Atom = NO, out: Atom = NO, keepdims: Atom = FALSE,
        initial: Atom = NO, where: Atom = NO,
    ) -> Type:  # fmt: skip
        none_or_undecided(out)
        a = array_of(x)
        return reduced(a, dtype_after(a, dtype) if is_none(initial) else None, axis, keepdims)

    @facts(ufunc.accumulate)
    def _(x: Atom, axis: Atom = ZERO, dtype: Atom = NO, out: Atom = NO) -> Type:
        none_or_undecided(out)
        a = array_of(x)
        return along(a, dtype_after(a, dtype), ZERO)

    @facts(ufunc.outer)
    def _(A: Atom, B: Atom) -> Type:
        x, y = array_of(A), array_of(B)
        dtype = promoted(x.dtype, y.dtype)
        return result(dtype if dtype is not None and dtype.kind in "fc" else None, shape_of(x) + shape_of(y))

    @facts(ufunc.reduceat)
    def _(x: Atom, indices: Atom, axis: Atom = ZERO, dtype: Atom = NO, out: Atom = NO) -> Type:
        none_or_undecided(out)
        a = array_of(x)
        shape, n = shape_of(a), shape_of(array_of(indices))
        at = axis_of(axis, len(shape))
        return array(dtype_after(a, dtype), (*shape[:at], *n, *shape[at + 1 :]))


for _ufunc in (
    np.add, np.subtract, np.multiply, np.divide, np.power, np.float_power, np.maximum, np.minimum, np.fmax,
    np.fmin, np.hypot, np.arctan2, np.logaddexp, np.logaddexp2, np.remainder, np.fmod, np.copysign,
):  # fmt: skip
    declare_methods(_ufunc)


@facts(np.cov)
def _(
    m: Atom, y: Atom = NO, rowvar: Atom = NO, bias: Atom = NO, ddof: Atom = NO, fweights: Atom = NO,
    aweights: Atom = NO, *, dtype: Atom = NO,
) -> Type:  # fmt: skip
    return covariance(m, y, dtype)


@facts(np.corrcoef)
def _(x: Atom, y: Atom = NO, rowvar: Atom = NO, *, dtype: Atom = NO) -> Type:
    return covariance(x, y, dtype)


def covariance(x: Atom, y: Atom, dtype: Atom) -> Type:
    """A square matrix, of one row for each variable."""
    parts = [array_of(a) for a in (x, y) if not is_none(a)]
    to = dtype_of(dtype, promoted(FLOAT64, *(p.dtype for p in parts)))
    if len(parts) == 1:
        return array(to)
    n = 2 if all(len(shape_of(p)) == 1 for p in parts) else None
    return array(to, (n, n) if n else (fresh_dim(), fresh_dim()))
