"""Facts of functions that act on each element: the ufuncs, and what is like them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ..ir.graph import Atom
from ..ir.types import BOOL, FLOAT, INT, Type, array, number
from .shapes_core import (
    BOOLEAN,
    FLOAT64,
    INT64,
    NO,
    YES,
    ZERO,
    Undecided,
    array_of,
    as_array,
    dtype_of,
    facts,
    flag,
    inexact,
    is_dtype,
    is_none,
    none_or_undecided,
    real_of,
    result,
    shape_of,
    ufunc_dtypes,
    weakly_promoted,
)
from .shapes_lengths import broadcast

NEUTRAL = frozenset({"casting", "order", "subok"})


def ufunc_result(ufunc: np.ufunc, args: Sequence[Atom], kwargs: Mapping[str, Atom]) -> Type:
    """The result of calling a ufunc."""
    options = {name: atom for name, atom in kwargs.items() if name not in NEUTRAL}
    none_or_undecided(options.pop("out", NO))
    where, dtype = options.pop("where", YES), options.pop("dtype", NO)
    if options or len(args) != ufunc.nin or ufunc.signature is not None or not flag(where):
        raise Undecided
    return elementwise(ufunc, [atom.type for atom in args], cast=not is_none(dtype))


def elementwise(ufunc: np.ufunc, operands: Sequence[Type], cast: bool = False) -> Type:
    """The result of a ufunc of these operands; `cast` if the call asked for a dtype."""
    try:
        arrays = [as_array(t) for t in operands]
    except Undecided:
        if not any(t.kind == "list" and t.items is None for t in operands):
            raise
        of_list = array(None)  # how many axes it has is not known: one at least
        return of_list if ufunc.nout == 1 else Type("tuple", items=(of_list,) * ufunc.nout)
    dtypes = (None,) * ufunc.nout if cast else ufunc_dtypes(ufunc, operands)
    if all(t.shape is not None for t in arrays):
        shape = broadcast(*map(shape_of, arrays))
        outs = tuple(result(dtype, shape) for dtype in dtypes)
    elif any(t.shape for t in arrays):
        outs = tuple(map(array, dtypes))
    else:
        raise Undecided  # a scalar, if no operand has an axis
    return outs[0] if ufunc.nout == 1 else Type("tuple", items=outs)


def _clipped(a: Atom, *bounds: Atom) -> Type:
    x = array_of(a)
    given = [b.type for b in bounds if not is_none(b)]
    shapes = [shape_of(as_array(t)) for t in given]
    return result(weakly_promoted(x, *given), broadcast(shape_of(x), *shapes))


@facts(np.clip)
def _(a: Atom, a_min: Atom = NO, a_max: Atom = NO, out: Atom = NO, *, min: Atom = NO, max: Atom = NO) -> Type:
    none_or_undecided(out)
    return _clipped(a, a_min, a_max, min, max)


@facts(np.ndarray.clip)
def _(a: Atom, min: Atom = NO, max: Atom = NO, out: Atom = NO) -> Type:
    none_or_undecided(out)
    return _clipped(a, min, max)


@facts(np.round, np.around, np.ndarray.round)
def _(a: Atom, decimals: Atom = ZERO, out: Atom = NO) -> Type:
    none_or_undecided(out)
    x = array_of(a)
    return result(None if is_dtype(x.dtype, BOOLEAN) else x.dtype, x.shape)


@facts(np.nan_to_num)
def _(x: Atom, copy: Atom = YES, nan: Atom = NO, posinf: Atom = NO, neginf: Atom = NO) -> Type:
    a = array_of(x)
    return result(a.dtype, a.shape)


@facts(np.sinc)
def _(x: Atom) -> Type:
    a = array_of(x)
    return result(inexact(a.dtype), a.shape)


@facts(np.angle)
def _(z: Atom, deg: Atom = NO) -> Type:
    a = array_of(z)
    return result(inexact(real_of(a.dtype)), a.shape)


@facts(np.real_if_close)
def _(a: Atom, tol: Atom = NO) -> Type:
    x = array_of(a)
    real = x.dtype is not None and x.dtype.kind != "c"
    return array(x.dtype if real else None, x.shape)  # whether it is close is seen at run time


@facts(np.real, np.imag, np.ndarray.real, np.ndarray.imag)
def _(val: Atom) -> Type:
    t = val.type
    if t.kind in ("bool", "int"):
        return INT
    if t.kind in ("float", "complex"):
        return FLOAT
    a = as_array(t)
    return number(real_of(a.dtype)) if t.kind == "number" else array(real_of(a.dtype), a.shape)


@facts(np.ndarray.conj, np.ndarray.conjugate)
def _(x: Atom) -> Type:
    a = array_of(x)
    if x.type.kind == "array" and not shape_of(a):
        raise Undecided  # a real array without axes is returned as it is
    return result(a.dtype, a.shape)


@facts(np.isclose)
def _(a: Atom, b: Atom, rtol: Atom = NO, atol: Atom = NO, equal_nan: Atom = NO) -> Type:
    return result(BOOLEAN, broadcast(shape_of(array_of(a)), shape_of(array_of(b))))


@facts(np.isreal, np.iscomplex)
def _(x: Atom) -> Type:
    return result(BOOLEAN, array_of(x).shape)


@facts(np.interp)
def _(x: Atom, xp: Atom, fp: Atom, left: Atom = NO, right: Atom = NO, period: Atom = NO) -> Type:
    y = array_of(fp).dtype
    dtype = None if y is None else np.dtype(np.complex128) if y.kind == "c" else FLOAT64
    return result(dtype, array_of(x).shape)


@facts(np.searchsorted)
def _(a: Atom, v: Atom, side: Atom = NO, sorter: Atom = NO) -> Type:
    return result(INT64, array_of(v).shape)


@facts(
    np.allclose,
    np.array_equal,
    np.array_equiv,
    np.isscalar,
    np.iscomplexobj,
    np.isrealobj,
)
def _(*args: Atom, **kwargs: Atom) -> Type:
    return BOOL


@facts(np.ndarray.astype)
def _(a: Atom, dtype: Atom, order: Atom = NO, casting: Atom = NO, subok: Atom = NO, copy: Atom = YES) -> Type:
    return _cast(a, dtype)


@facts(np.astype)
def _(x: Atom, dtype: Atom, *, copy: Atom = YES, device: Atom = NO) -> Type:
    return _cast(x, dtype)


def _cast(a: Atom, dtype: Atom) -> Type:
    to = dtype_of(dtype, FLOAT64)
    if a.type.kind == "number":
        return result(to, ())
    if a.type.kind != "array":
        raise Undecided
    return array(to, a.type.shape)


def scalar_class_result(cls: type, args: Sequence[Atom], kwargs: Mapping[str, Atom]) -> Type:
    """The result of `np.float64(x)` and its like."""
    if kwargs or len(args) != 1:
        raise Undecided
    return result(np.dtype(cls), array_of(args[0]).shape)
