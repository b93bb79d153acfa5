"""Facts of builtins and `math`."""

from __future__ import annotations

import builtins
import cmath
import math
import operator
from typing import Any

import numpy as np

from ..ir.graph import Atom, format_string
from ..ir.types import BOOL, COMPLEX, FLOAT, INT, NONE, OBJECT, SCALARS, STR, UNKNOWN, Type, join
from .shapes_containers import SEQUENCES
from .shapes_core import (
    NO,
    ZERO,
    Undecided,
    array_of,
    element,
    facts,
    is_integer,
    is_none,
    python_number,
    shape_of,
)
from .shapes_operators import arithmetic, both_worlds, no_complex, plus


def _always(t: Type, *fns: Any) -> None:
    @facts(*fns)
    def _(*args: Atom, **kwargs: Atom) -> Type:
        return t


_always(FLOAT, float, math.fsum, math.dist, cmath.phase)
MATH = """
    acos acosh asin asinh atan atan2 atanh cbrt copysign cos cosh degrees erf erfc exp
    exp2 expm1 fabs fmod gamma hypot ldexp lgamma log log10 log1p log2 nextafter pow
    radians remainder sin sinh sqrt tan tanh ulp
""".split()
CMATH = """
    acos acosh asin asinh atan atanh cos cosh exp log log10 sin sinh sqrt tan tanh
""".split()
_always(FLOAT, *(getattr(math, name) for name in MATH))
_always(COMPLEX, *(getattr(cmath, name) for name in CMATH))
_always(INT, int, len, ord, hash, id, operator.length_hint, math.comb, math.perm)
_always(INT, math.gcd, math.lcm, math.factorial, math.isqrt, np.ndim, np.size)
_always(BOOL, bool, isinstance, issubclass, callable, hasattr, any, all, operator.not_, operator.truth)
_always(BOOL, operator.is_, operator.is_not, operator.contains)
_always(BOOL, math.isnan, math.isinf, math.isfinite, math.isclose)
_always(BOOL, cmath.isnan, cmath.isinf, cmath.isfinite, cmath.isclose)
_always(COMPLEX, complex, cmath.rect)
_always(STR, str, repr, format, chr, format_string)
_always(NONE, print)
_always(Type("tuple", items=(FLOAT, FLOAT)), math.modf, cmath.polar)
_always(Type("tuple", items=(FLOAT, INT)), math.frexp)
_always(OBJECT, type, np.dtype, np.result_type, np.finfo, np.iinfo)


@facts(np.ndarray.size, np.ndarray.ndim, np.ndarray.nbytes, np.ndarray.itemsize)
def _(a: Atom) -> Type:
    if a.type.kind not in ("array", "number"):
        raise Undecided
    return INT


@facts(math.floor, math.ceil, math.trunc)
def _(x: Atom) -> Type:
    if x.type.kind not in SCALARS:
        raise Undecided
    return INT


@facts(builtins.round)
def _(number: Atom, ndigits: Atom = NO) -> Type:
    t = number.type
    if t.kind in ("bool", "int"):
        return INT
    if t.kind == "float" and (is_none(ndigits) or is_integer(ndigits.type)):
        return INT if is_none(ndigits) else FLOAT
    if t.kind == "number" and t.dtype is not None and t.dtype.kind in "iuf":
        if is_none(ndigits):
            return INT
        if is_integer(ndigits.type):
            return t
    raise Undecided


@facts(builtins.divmod)
def _(a: Atom, b: Atom) -> Type:
    x, y = a.type, b.type
    if not arithmetic(x, y):
        raise Undecided
    parts = (both_worlds(ufunc, no_complex, x, y) for ufunc in (np.floor_divide, np.remainder))
    return Type("tuple", items=tuple(parts))


@facts(builtins.max, builtins.min)
def _(*args: Atom, key: Atom = NO, default: Atom | None = None) -> Type:
    if len(args) == 1:
        out = element(args[0].type)
    else:
        out = args[0].type
        for arg in args[1:]:
            out = join(out, arg.type)
    return out if default is None else join(out, default.type)


@facts(builtins.sum)
def _(iterable: Atom, start: Atom = ZERO) -> Type:
    t = iterable.type
    if t.kind in SEQUENCES and t.items is not None:
        out = start.type
        for item in t.items:
            out = plus(out, item)
        return out
    elem = element(t)
    out = start.type
    while True:
        wide = join(out, plus(out, elem))
        if wide in (out, UNKNOWN):
            return wide
        out = wide


@facts(operator.index)
def _(a: Atom) -> Type:
    if not is_integer(a.type):
        raise Undecided
    return INT


@facts(np.ndarray.item)
def _(a: Atom, *args: Atom) -> Type:
    return python_number(array_of(a).dtype)


@facts(np.ndarray.tolist)
def _(a: Atom) -> Type:
    x = array_of(a)
    out = python_number(x.dtype)
    for _axis in shape_of(x):
        out = Type("list", elem=out)
    return out
