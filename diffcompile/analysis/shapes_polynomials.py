"""Facts of `np.poly*`, whose arguments and results are arrays of coefficients."""

from __future__ import annotations

import numpy as np

from ..ir.graph import Atom, Const
from ..ir.types import Size, Type, array
from ..rules import polynomials
from .shapes_core import (
    FALSE,
    FLOAT64,
    INT64,
    NO,
    Undecided,
    array_of,
    facts,
    flag,
    inexact,
    integer,
    promoted,
    real_of,
    result,
    shape_of,
)
from .shapes_lengths import fresh_dim

ONE = Const(1)


def coefficients(a: Atom) -> tuple[Type, Size]:
    """A polynomial, and how many coefficients it has."""
    x = array_of(a)
    shape = shape_of(x)
    if len(shape) > 1:
        raise Undecided
    return x, shape[0] if shape else 1


def longer(a: Size, by: int | None) -> Size:
    return a + by if isinstance(a, int) and by is not None else fresh_dim()


@facts(np.polyval)
def _(p: Atom, x: Atom) -> Type:
    (c, _length), points = coefficients(p), array_of(x)
    return result(promoted(c.dtype, points.dtype), shape_of(points))


@facts(np.polyadd, np.polysub)
def _(a1: Atom, a2: Atom) -> Type:
    (x, m), (y, n) = coefficients(a1), coefficients(a2)
    size = max(m, n) if isinstance(m, int) and isinstance(n, int) else m if m == n else fresh_dim()
    return array(promoted(x.dtype, y.dtype), (size,))


@facts(np.polymul)
def _(a1: Atom, a2: Atom) -> Type:
    (x, _m), (y, _n) = coefficients(a1), coefficients(a2)
    return array(promoted(x.dtype, y.dtype), (fresh_dim(),))  # leading zeros are dropped


@facts(np.polydiv)
def _(u: Atom, v: Atom) -> Type:
    (x, _m), (y, _n) = coefficients(u), coefficients(v)
    dtype = inexact(promoted(x.dtype, y.dtype))
    return Type("tuple", items=(array(dtype, (fresh_dim(),)), array(dtype, (fresh_dim(),))))


@facts(np.polyder)
def _(p: Atom, m: Atom = ONE) -> Type:
    x, size = coefficients(p)
    times = integer(m)
    dtype = promoted(x.dtype, INT64) if times else None
    if isinstance(size, int) and times is not None:
        return array(dtype, (max(0, size - times),))
    return array(dtype, (fresh_dim(),))


@facts(np.polyint)
def _(p: Atom, m: Atom = ONE, k: Atom = NO) -> Type:
    x, size = coefficients(p)
    times = integer(m)
    return array(promoted(x.dtype, FLOAT64) if times and k is NO else None, (longer(size, times),))


@facts(np.vander)
def _(x: Atom, N: Atom = NO, increasing: Atom = FALSE) -> Type:  # noqa: N803
    points, size = coefficients(x)
    columns = integer(N)
    dtype = None if points.dtype is None else np.promote_types(points.dtype, int)
    return array(dtype, (size, size if N is NO else fresh_dim() if columns is None else columns))


@facts(np.roots)
def _(p: Atom) -> Type:
    coefficients(p)
    return array(None, (fresh_dim(),))


@facts(np.polyfit)
def _(
    x: Atom, y: Atom, deg: Atom, rcond: Atom = NO, full: Atom = FALSE, w: Atom = NO, cov: Atom = FALSE
) -> Type:
    points, values = array_of(x), array_of(y)
    dtype = promoted(points.dtype, values.dtype, FLOAT64)
    size = longer(1, integer(deg))
    c = array(dtype, (size, *shape_of(values)[1:]))
    if flag(full):
        residuals, singular = array(real_of(dtype), (fresh_dim(),)), array(real_of(dtype), (size,))
        return Type("tuple", items=(c, residuals, result(None, ()), singular, Type()))
    if isinstance(cov, Const) and cov.value is False:
        return c
    return Type("tuple", items=(c, array(real_of(dtype), (size, size, *shape_of(values)[1:]))))


@facts(polynomials.complete)
def _(ct: Atom, length: Atom) -> Type:
    return array_of(ct)


@facts(polynomials.simple_slopes)
def _(p: Atom, r: Atom) -> Type:
    return array(promoted(array_of(p).dtype, array_of(r).dtype), shape_of(array_of(r)))
