"""Facts of functions with several results: how many there are, and what each of them is.

x: (6)      np.split(x, 3): list[(?0), (?1), (?2)]      np.meshgrid(x, y): tuple[(m, 6), (m, 6)]
"""

from __future__ import annotations

import math

import numpy as np

from ..ir.graph import Atom, Const
from ..ir.types import FLOAT, INT, Type, array
from .shapes_containers import list_of
from .shapes_core import (
    FALSE,
    FLOAT64,
    INT64,
    NO,
    ZERO,
    Undecided,
    array_of,
    axis_of,
    facts,
    flag,
    inexact,
    is_dtype,
    is_none,
    promoted,
    shape_of,
)
from .shapes_lengths import fresh_dim

MANY = 64  # results that are told apart


def number_of_parts(sections: Atom) -> int | None:
    """Into how many parts these sections or places cut."""
    if isinstance(sections, Const):
        value = sections.value
        if isinstance(value, int):
            return value
        return len(value) + 1 if isinstance(value, (list, tuple)) else None
    items = sections.type.items if sections.type.kind in ("list", "tuple") else None
    return None if items is None else len(items) + 1


def cut(ary: Atom, sections: Atom, axis: int) -> Type:
    x = array_of(ary)
    shape = shape_of(x)
    if axis >= len(shape):
        raise Undecided
    n = number_of_parts(sections)
    lead, rest = shape[:axis], shape[axis + 1 :]
    if n is None or not 0 < n <= MANY:
        return Type("list", elem=array(x.dtype, (*lead, fresh_dim(), *rest)))
    return list_of(*(array(x.dtype, (*lead, fresh_dim(), *rest)) for _ in range(n)))


@facts(np.split, np.array_split)
def _(ary: Atom, indices_or_sections: Atom, axis: Atom = ZERO) -> Type:
    if not isinstance(axis, Const):
        x = array_of(ary)
        return Type("list", elem=array(x.dtype, tuple(fresh_dim() for _ in shape_of(x))))
    return cut(ary, indices_or_sections, axis_of(axis, len(shape_of(array_of(ary)))))


@facts(np.vsplit)
def _(ary: Atom, indices_or_sections: Atom) -> Type:
    return cut(ary, indices_or_sections, 0)


@facts(np.hsplit)
def _(ary: Atom, indices_or_sections: Atom) -> Type:
    return cut(ary, indices_or_sections, 1 if len(shape_of(array_of(ary))) > 1 else 0)


@facts(np.dsplit)
def _(ary: Atom, indices_or_sections: Atom) -> Type:
    return cut(ary, indices_or_sections, 2)


@facts(np.unstack)
def _(x: Atom, *, axis: Atom = ZERO) -> Type:
    shape = shape_of(array_of(x))
    at = axis_of(axis, len(shape))
    part = array(array_of(x).dtype, (*shape[:at], *shape[at + 1 :]))
    n = shape[at]
    if not isinstance(n, int) or n > MANY:
        return Type("tuple", elem=part)
    return Type("tuple", items=(part,) * n)


@facts(np.meshgrid)
def _(*xi: Atom, copy: Atom = NO, sparse: Atom = FALSE, indexing: Atom = NO) -> Type:
    arrays = [array_of(x) for x in xi]
    sizes = [shape_of(a)[0] if shape_of(a) else 1 for a in arrays]
    order = list(range(len(sizes)))
    if is_none(indexing) or (isinstance(indexing, Const) and indexing.value == "xy"):
        order[:2] = order[:2][::-1]
    grids = []
    for i, a in enumerate(arrays):
        thin = flag(sparse)
        grids.append(array(a.dtype, tuple(sizes[k] if k == i or not thin else 1 for k in order)))
    return Type("tuple", items=tuple(grids))


@facts(np.gradient)
def _(f: Atom, *varargs: Atom, axis: Atom = NO, edge_order: Atom = NO) -> Type:
    x = array_of(f)
    slopes = array(inexact(x.dtype) if len(varargs) == 0 else None, shape_of(x))
    if is_none(axis):
        n = len(shape_of(x))
    elif isinstance(axis, Const):
        n = len(axis.value) if isinstance(axis.value, tuple) else 1
    else:
        raise Undecided
    return slopes if n == 1 else Type("tuple", items=(slopes,) * n)


@facts(np.histogram)
def _(a: Atom, bins: Atom = NO, range: Atom = NO, density: Atom = NO, weights: Atom = NO) -> Type:
    n = bins.value if isinstance(bins, Const) and isinstance(bins.value, int) else None
    n = 10 if is_none(bins) else n
    counted = is_none(weights) and is_none(density)
    dtype = FLOAT64 if is_dtype(array_of(a).dtype, FLOAT64) and n is not None else None
    edges = array(dtype, (n + 1,) if n else None)
    return Type("tuple", items=(array(INT64 if counted else None, (n,) if n else (fresh_dim(),)), edges))


@facts(np.unique)
def _(
    ar: Atom, return_index: Atom = FALSE, return_inverse: Atom = FALSE, return_counts: Atom = FALSE,
    axis: Atom = NO, *, equal_nan: Atom = NO, sorted: Atom = NO,
) -> Type:  # fmt: skip
    x = array_of(ar)
    size = fresh_dim()
    values = array(x.dtype, (size,))
    if not is_none(axis):
        shape = shape_of(x)
        at = axis_of(axis, len(shape))
        values = array(x.dtype, (*shape[:at], size, *shape[at + 1 :]))
    extras = [array(INT64, (size,))] * flag(return_index)
    extras += [array(INT64, x.shape if is_none(axis) else None)] * flag(return_inverse)
    extras += [array(INT64, (size,))] * flag(return_counts)
    return Type("tuple", items=(values, *extras)) if extras else values


@facts(math.modf)
def _(x: Atom) -> Type:
    return Type("tuple", items=(FLOAT, FLOAT))


@facts(math.frexp)
def _(x: Atom) -> Type:
    return Type("tuple", items=(FLOAT, INT))


@facts(np.random.default_rng)
def _(seed: Atom = NO) -> Type:
    return Type("object", cls=np.random.Generator)


@facts(np.random.RandomState)
def _(seed: Atom = NO) -> Type:
    return Type("object", cls=np.random.RandomState)


@facts(np.union1d)
def _(ar1: Atom, ar2: Atom) -> Type:
    return array(promoted(array_of(ar1).dtype, array_of(ar2).dtype), (fresh_dim(),))


@facts(np.setdiff1d)
def _(ar1: Atom, ar2: Atom, assume_unique: Atom = FALSE) -> Type:
    return array(array_of(ar1).dtype, (fresh_dim(),))
