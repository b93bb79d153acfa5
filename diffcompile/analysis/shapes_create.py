"""Facts of functions that make arrays, from nothing or out of other arrays."""

from __future__ import annotations

import numpy as np

from ..ir.graph import Atom, Const, Value
from ..ir.types import SCALARS, Size, Type, array, number
from .shapes_core import (
    FALSE,
    FLOAT64,
    INT64,
    NO,
    YES,
    ZERO,
    Undecided,
    array_of,
    as_array,
    axis_of,
    dtype_of,
    element,
    facts,
    flag,
    integer,
    is_none,
    lengths,
    none_or_undecided,
    normal,
    promoted,
    shape_of,
)
from .shapes_layout import at_least_2d, at_least_3d
from .shapes_lengths import Shape, added, fresh_dim, unify

FIFTY = Const(50)


# From nothing


def size_of(n: Atom) -> Size:
    """The length that an integer argument asks for; a negative one counts as 0."""
    value = integer(n)
    return fresh_dim() if value is None else max(0, value)


@facts(np.zeros, np.ones, np.empty, np.ndarray)
def _(shape: Atom, dtype: Atom = NO, order: Atom = NO, *, device: Atom = NO) -> Type:
    return array(dtype_of(dtype, FLOAT64), lengths(shape))


@facts(np.full)
def _(shape: Atom, fill_value: Atom, dtype: Atom = NO, order: Atom = NO) -> Type:
    default = array_of(fill_value).dtype if is_none(dtype) else None
    return array(dtype_of(dtype, default), lengths(shape))


@facts(np.zeros_like, np.ones_like, np.empty_like)
def _(a: Atom, dtype: Atom = NO, order: Atom = NO, subok: Atom = YES, shape: Atom = NO) -> Type:
    return _like(a, dtype, shape)


@facts(np.full_like)
def _(
    a: Atom,
    fill_value: Atom,
    dtype: Atom = NO,
    order: Atom = NO,
    subok: Atom = YES,
    shape: Atom = NO,
) -> Type:
    return _like(a, dtype, shape)


def _like(a: Atom, dtype: Atom, shape: Atom) -> Type:
    x = array_of(a)
    return array(dtype_of(dtype, x.dtype), x.shape if is_none(shape) else lengths(shape))


@facts(np.eye)
def _(N: Atom, M: Atom = NO, k: Atom = ZERO, dtype: Atom = NO, order: Atom = NO) -> Type:  # noqa: N803
    return _eye(N, M, dtype)


@facts(np.tri)
def _(N: Atom, M: Atom = NO, k: Atom = ZERO, dtype: Atom = NO) -> Type:  # noqa: N803
    return _eye(N, M, dtype)


@facts(np.identity)
def _(n: Atom, dtype: Atom = NO) -> Type:
    return _eye(n, NO, dtype)


def _eye(n: Atom, m: Atom, dtype: Atom) -> Type:
    rows = size_of(n)
    return array(dtype_of(dtype, FLOAT64), (rows, rows if is_none(m) else size_of(m)))


@facts(np.arange)
def _(start: Atom, stop: Atom = NO, step: Atom = NO, dtype: Atom = NO) -> Type:
    given = [a for a in (start, stop, step) if not is_none(a)]
    ends = [integer(a) for a in given]
    size: Size = fresh_dim()
    if None not in ends and ends[2:] != [0]:
        size = len(range(*[e for e in ends if e is not None]))
    return array(dtype_of(dtype, _spanned(given, INT64)), (size,))


def _spanned(given: list[Atom], integral: np.dtype) -> np.dtype | None:
    """float64 if one of these is a float, `integral` if all are integers, None if that is unknown."""
    dtypes = {array_of(a).dtype for a in given}
    if dtypes == {INT64}:
        return integral
    return FLOAT64 if FLOAT64 in dtypes and dtypes <= {FLOAT64, INT64} else None


@facts(np.linspace)
def _(
    start: Atom,
    stop: Atom,
    num: Atom = FIFTY,
    endpoint: Atom = YES,
    retstep: Atom = FALSE,
    dtype: Atom = NO,
    axis: Atom = ZERO,
) -> Type:
    if shape_of(array_of(start)) or shape_of(array_of(stop)):
        raise Undecided
    to = dtype_of(dtype, _spanned([start, stop], FLOAT64))
    grid = array(to, (size_of(num),))
    return Type("tuple", items=(grid, number(to))) if flag(retstep) else grid


@facts(np.array, np.asarray, np.asanyarray)
def _(a: Atom, dtype: Atom = NO, order: Atom = NO, *, copy: Atom = NO, device: Atom = NO) -> Type:
    return _made(a, dtype)


@facts(np.copy, np.ndarray.copy)
def _(a: Atom, order: Atom = NO) -> Type:
    return a.type if a.type.kind == "array" else _made(a, NO)


def _made(a: Atom, dtype: Atom) -> Type:
    try:
        x = array_of(a)
    except Undecided:
        if a.type.kind not in ("list", "tuple", "array"):
            raise
        x = a.type if a.type.kind == "array" else array()
    to = dtype_of(dtype, x.dtype)
    return array(to, x.shape)


@facts(np.ascontiguousarray, np.asfortranarray)
def _(a: Atom, dtype: Atom = NO) -> Type:
    x = array_of(a)
    return array(dtype_of(dtype, x.dtype), shape_of(x) or (1,))


# Put together


def parts_of(arrays: Atom) -> tuple[list[Type], bool]:
    """The arrays of a sequence, and whether these are all of them; otherwise one stands for any number."""
    t = arrays.type
    if t.kind in ("tuple", "list") and t.items:
        return list(map(as_array, t.items)), True
    length = t.shape[0] if t.shape else None
    if t.kind == "array" and isinstance(length, int):
        return [as_array(element(t))] * length, True
    return [as_array(element(t))], False


def one_shape(shapes: list[Shape]) -> list[Size]:
    """The shape that these all have."""
    if len(set(map(len, shapes))) != 1:
        raise Undecided
    out = list(shapes[0])
    for shape in shapes[1:]:
        out = list(map(unify, out, shape))
    return out


def joined(parts: list[Type], all_known: bool, axis: int, dtype: np.dtype | None) -> Type:
    """Arrays one behind another along an axis."""
    if any(p.shape is None for p in parts):
        return array(dtype)
    shapes = [shape_of(p) for p in parts]
    sizes = one_shape(shapes)
    axis = normal(axis, len(sizes))
    sizes[axis] = added(s[axis] for s in shapes) if all_known else fresh_dim()
    return array(dtype, tuple(sizes))


def common_dtype(parts: list[Type]) -> np.dtype | None:
    return promoted(*(p.dtype for p in parts))


@facts(np.concatenate, np.concat)
def _(arrays: Atom, axis: Atom = ZERO, out: Atom = NO, *, dtype: Atom = NO, casting: Atom = NO) -> Type:
    none_or_undecided(out)
    parts, all_known = parts_of(arrays)
    to = dtype_of(dtype, common_dtype(parts))
    if is_none(axis):
        return array(to, (fresh_dim(),))
    place = integer(axis)
    if place is None:
        raise Undecided
    return joined(parts, all_known, place, to)


@facts(np.stack)
def _(arrays: Atom, axis: Atom = ZERO, out: Atom = NO, *, dtype: Atom = NO, casting: Atom = NO) -> Type:
    none_or_undecided(out)
    parts, all_known = parts_of(arrays)
    to = dtype_of(dtype, common_dtype(parts))
    if any(p.shape is None for p in parts):
        return array(to)
    sizes = one_shape([shape_of(p) for p in parts])
    sizes.insert(axis_of(axis, len(sizes) + 1), len(parts) if all_known else fresh_dim())
    return array(to, tuple(sizes))


@facts(np.vstack)
def _(tup: Atom, *, dtype: Atom = NO, casting: Atom = NO) -> Type:
    parts, all_known = parts_of(tup)
    rows = [array(p.dtype, at_least_2d(shape_of(p))) for p in parts]
    return joined(rows, all_known, 0, dtype_of(dtype, common_dtype(parts)))


@facts(np.hstack)
def _(tup: Atom, *, dtype: Atom = NO, casting: Atom = NO) -> Type:
    parts, all_known = parts_of(tup)
    rows = [array(p.dtype, shape_of(p) or (1,)) for p in parts]
    axis = 0 if len(shape_of(rows[0])) == 1 else 1
    return joined(rows, all_known, axis, dtype_of(dtype, common_dtype(parts)))


@facts(np.column_stack)
def _(tup: Atom) -> Type:
    parts, all_known = parts_of(tup)
    shapes = [shape_of(p) for p in parts]
    columns = [array(p.dtype, (*s, *(1,) * (2 - len(s)))) for p, s in zip(parts, shapes, strict=True)]
    return joined(columns, all_known, 1, common_dtype(parts))


@facts(np.dstack)
def _(tup: Atom) -> Type:
    parts, all_known = parts_of(tup)
    slabs = [array(p.dtype, at_least_3d(shape_of(p))) for p in parts]
    return joined(slabs, all_known, 2, common_dtype(parts))


@facts(np.append)
def _(arr: Atom, values: Atom, axis: Atom = NO) -> Type:
    parts = [array_of(arr), array_of(values)]
    if is_none(axis):
        return array(common_dtype(parts), (fresh_dim(),))
    place = integer(axis)
    if place is None:
        raise Undecided
    return joined(parts, True, place, common_dtype(parts))


@facts(np.r_.__getitem__)
def _(key: Atom) -> Type:
    parts = [array_of(part) for part in pieces_of(key)]
    if any(len(shape_of(p)) > 1 for p in parts):
        raise Undecided
    return array(common_dtype(parts), (fresh_dim(),))


@facts(np.c_.__getitem__)
def _(key: Atom) -> Type:
    parts = [array_of(part) for part in pieces_of(key)]
    if any(len(shape_of(p)) not in (1, 2) for p in parts):
        raise Undecided
    columns = [array(p.dtype, shape_of(p) if len(shape_of(p)) == 2 else (*shape_of(p), 1)) for p in parts]
    return joined(columns, True, 1, common_dtype(parts))


def pieces_of(key: Atom) -> list[Atom]:
    """What `np.r_` joins: numbers and arrays, one by one."""
    items = key.type.items if key.type.kind == "tuple" else (key.type,)
    if items is None or any(t.kind not in (*SCALARS, "array") for t in items):
        raise Undecided
    return [Value("piece", t) for t in items]
