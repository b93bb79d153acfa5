"""Facts of `numpy.polynomial`: the six families of series have the same functions."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from numpy.polynomial import chebyshev, hermite, hermite_e, laguerre, legendre, polynomial

from ..ir.graph import Atom, Const
from ..ir.types import Size, Type, array
from .shapes_core import (
    FALSE,
    FLOAT64,
    NO,
    YES,
    ZERO,
    Undecided,
    array_of,
    axis_of,
    facts,
    flag,
    inexact,
    integer,
    promoted,
    result,
    shape_of,
    weakly_promoted,
)
from .shapes_lengths import Shape, fresh_dim
from .shapes_polynomials import ONE, coefficients, longer

FAMILIES: tuple[tuple[ModuleType, str], ...] = (
    (polynomial, "poly"), (chebyshev, "cheb"), (legendre, "leg"), (hermite, "herm"), (hermite_e, "herme"),
    (laguerre, "lag"),
)  # fmt: skip


def of_every_family(part: str) -> tuple[Any, ...]:
    return tuple(getattr(module, f"{name}{part}") for module, name in FAMILIES)


@facts(*of_every_family("val"))
def _(x: Atom, c: Atom, tensor: Atom = YES) -> Type:
    points, series = array_of(x), array_of(c)
    shape = shape_of(series)
    if not shape or (len(shape) > 1 and not flag(tensor)):
        raise Undecided
    dtype = inexact(weakly_promoted(x.type if x.type.is_scalar else points, series))
    return result(dtype, (*shape[1:], *shape_of(points)))


@facts(*of_every_family("vander"))
def _(x: Atom, deg: Atom) -> Type:
    points = array_of(x)
    return array(inexact(points.dtype), (*(shape_of(points) or (1,)), longer(1, integer(deg))))


def along(shape: Shape, axis: Atom, change: int | None) -> Shape:
    """The shape with a length along `axis` that differs by `change`, and is at least 1."""
    k = axis_of(axis, len(shape))
    size: Size = shape[k]
    found: Size = max(1, size + change) if isinstance(size, int) and change is not None else fresh_dim()
    return (*shape[:k], found, *shape[k + 1 :])


@facts(*of_every_family("der"))
def _(c: Atom, m: Atom = ONE, scl: Atom = ONE, axis: Atom = ZERO) -> Type:
    series, times = array_of(c), integer(m)
    shape = shape_of(series) or (1,)
    return array(inexact(series.dtype), along(shape, axis, None if times is None else -times))


@facts(*of_every_family("int"))
def _(
    c: Atom, m: Atom = ONE, k: Atom = NO, lbnd: Atom = ZERO, scl: Atom = ONE, axis: Atom = ZERO
) -> Type:
    series = array_of(c)
    return array(inexact(series.dtype), along(shape_of(series) or (1,), axis, integer(m)))


@facts(*of_every_family("add"), *of_every_family("sub"), *of_every_family("mul"))
def _(c1: Atom, c2: Atom) -> Type:
    (x, _m), (y, _n) = coefficients(c1), coefficients(c2)
    return array(inexact(promoted(x.dtype, y.dtype)), (fresh_dim(),))  # zeros at the end are dropped


@facts(*of_every_family("div"))
def _(c1: Atom, c2: Atom) -> Type:
    (x, _m), (y, _n) = coefficients(c1), coefficients(c2)
    dtype = inexact(promoted(x.dtype, y.dtype))
    return Type("tuple", items=(array(dtype, (fresh_dim(),)), array(dtype, (fresh_dim(),))))


@facts(*of_every_family("pow"))
def _(c: Atom, pow: Atom, maxpower: Atom = NO) -> Type:
    x, _size = coefficients(c)
    return array(inexact(x.dtype), (fresh_dim(),))


@facts(*of_every_family("companion"))
def _(c: Atom) -> Type:
    x, size = coefficients(c)
    less = size - 1 if isinstance(size, int) else fresh_dim()
    return array(inexact(x.dtype), (less, less))


@facts(*of_every_family("roots"))
def _(c: Atom) -> Type:
    coefficients(c)
    return array(None, (fresh_dim(),))


@facts(*of_every_family("fromroots"))
def _(roots: Atom) -> Type:
    x, size = coefficients(roots)
    return array(promoted(x.dtype, FLOAT64), (longer(size, 1),))


@facts(*of_every_family("fit"))
def _(x: Atom, y: Atom, deg: Atom, rcond: Atom = NO, full: Atom = FALSE, w: Atom = NO) -> Type:
    points, values = array_of(x), array_of(y)
    weights = (array_of(w).dtype,) if not (isinstance(w, Const) and w.value is None) else ()
    dtype = inexact(promoted(points.dtype, values.dtype, *weights))
    c = array(dtype, (longer(1, integer(deg)), *shape_of(values)[1:]))
    return Type("tuple", items=(c, Type())) if flag(full) else c
