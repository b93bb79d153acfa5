"""Facts of functions that lay an array out anew: its shape, its axes, its order."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from ..ir.graph import Atom, Const
from ..ir.types import INT, OBJECT, Dim, Size, Type, array, not_one
from .shapes_core import (
    NO,
    ZERO,
    Undecided,
    array_of,
    axes_of,
    axis_of,
    facts,
    integer,
    integers,
    is_none,
    lengths,
    shape_of,
)
from .shapes_lengths import (
    ANY_INT,
    Shape,
    added,
    broadcast,
    fresh,
    fresh_dim,
    least,
    product,
    same,
    shortened,
)

ONE, FIRST_TWO = Const(1), Const((0, 1))


@facts(np.shape, np.ndarray.shape)
def _(a: Atom) -> Type:
    x = array_of(a)
    if x.shape is None:
        return Type("tuple", elem=INT)
    return Type("tuple", items=(INT,) * len(x.shape), shape=x.shape)


@facts(np.ndarray.dtype)
def _(a: Atom) -> Type:
    return replace(OBJECT, dtype=array_of(a).dtype)


# Another shape


def several(first: Atom, rest: tuple[Atom, ...]) -> Shape:
    """The integers given as one tuple, or one by one."""
    if not rest:
        return integers(first)
    values = [integer(atom) for atom in (first, *rest)]
    return tuple(ANY_INT if v is None else v for v in values)


def reshaped(x: Type, wanted: Shape) -> Type:
    """`x` in another shape, in which -1 stands for what is left."""
    if -1 not in wanted:
        return array(x.dtype, tuple(fresh_dim() if s == ANY_INT else s for s in wanted))
    at = wanted.index(-1)
    left = fresh_dim() if x.shape is None or ANY_INT in wanted else quotient(x.shape, _without(wanted, at))
    sizes = (*wanted[:at], left, *wanted[at + 1 :])
    return array(x.dtype, tuple(fresh_dim() if s == ANY_INT else s for s in sizes))


def _without(sizes: Shape, at: int) -> Shape:
    return (*sizes[:at], *sizes[at + 1 :])


def quotient(sizes: Shape, parts: Shape) -> Size:
    """The product of `sizes` divided by the product of `parts`, which is known to divide it."""
    dims: list[Size] = [s for s in sizes if isinstance(s, Dim)]
    for part in parts:
        if isinstance(part, Dim):
            found = next((d for d in dims if same(d, part)), None)
            if found is None:
                return fresh_dim()
            dims.remove(found)
    whole = math.prod(s for s in sizes if isinstance(s, int))
    divisor = math.prod(s for s in parts if isinstance(s, int))
    if divisor and whole % divisor == 0:
        return product((*dims, whole // divisor))
    return fresh_dim()


@facts(np.reshape)
def _(a: Atom, shape: Atom, order: Atom = NO, *, copy: Atom = NO) -> Type:
    return reshaped(array_of(a), integers(shape))


@facts(np.ndarray.reshape)
def _(a: Atom, shape: Atom, *rest: Atom, order: Atom = NO, copy: Atom = NO) -> Type:
    return reshaped(array_of(a), several(shape, rest))


@facts(np.ravel, np.ndarray.ravel, np.ndarray.flatten, np.ndarray.flat)
def _(a: Atom, order: Atom = NO) -> Type:
    x = array_of(a)
    return array(x.dtype, (fresh_dim() if x.shape is None else product(x.shape),))


@facts(np.expand_dims)
def _(a: Atom, axis: Atom) -> Type:
    x = array_of(a)
    shape = shape_of(x)
    rank = len(shape) + len(integers(axis))
    new = axes_of(axis, rank)
    sizes = iter(shape)
    return array(x.dtype, tuple(1 if i in new else next(sizes) for i in range(rank)))


@facts(np.squeeze, np.ndarray.squeeze)
def _(a: Atom, axis: Atom = NO) -> Type:
    if a.type.is_scalar:
        raise Undecided
    x = array_of(a)
    shape = shape_of(x)
    if not is_none(axis):
        gone = axes_of(axis, len(shape))
        return array(x.dtype, tuple(s for i, s in enumerate(shape) if i not in gone))
    if any(s != 1 and not not_one(s) for s in shape):
        return array(x.dtype)
    return array(x.dtype, tuple(s for s in shape if s != 1))


@facts(np.broadcast_to)
def _(array: Atom, shape: Atom, subok: Atom = NO) -> Type:
    # A number of Python's has a dtype then.
    known = array.type.numeric_dtype if array.type.is_scalar else array_of(array).dtype
    return Type("array", dtype=known, shape=lengths(shape))


@facts(np.broadcast_arrays)
def _(*args: Atom) -> Type:
    arrays = [array_of(a) for a in args]
    shape = broadcast(*map(shape_of, arrays))
    return Type("tuple", items=tuple(array(a.dtype, shape) for a in arrays))


def one_or_several(results: list[Type]) -> Type:
    """The result for one argument, the tuple of results for several."""
    return results[0] if len(results) == 1 else Type("tuple", items=tuple(results))


@facts(np.atleast_3d)
def _(*arys: Atom) -> Type:
    return one_or_several([array(x.dtype, at_least_3d(shape_of(x))) for x in map(array_of, arys)])


def at_least_3d(shape: Shape) -> Shape:
    if len(shape) == 1:
        return (1, *shape, 1)
    return (*shape, *(1,) * (3 - len(shape)))


@facts(np.atleast_1d)
def _(*arys: Atom) -> Type:
    return one_or_several([array(x.dtype, shape_of(x) or (1,)) for x in map(array_of, arys)])


@facts(np.atleast_2d)
def _(*arys: Atom) -> Type:
    return one_or_several([array(x.dtype, at_least_2d(shape_of(x))) for x in map(array_of, arys)])


def at_least_2d(shape: Shape) -> Shape:
    return (*(1,) * (2 - len(shape)), *shape)


# Another order of axes


def transposed(x: Type, axes: Shape | None) -> Type:
    shape = shape_of(x)
    if axes is None:
        return array(x.dtype, shape[::-1])
    if len(axes) != len(shape):
        raise Undecided
    if ANY_INT in axes:
        return array(x.dtype, fresh(len(shape)))
    return array(x.dtype, tuple(shape[i] for i in axes_of(Const(axes), len(shape))))


@facts(np.transpose)
def _(a: Atom, axes: Atom = NO) -> Type:
    if a.type.kind == "number":
        raise Undecided
    return transposed(array_of(a), None if is_none(axes) else integers(axes))


@facts(np.ndarray.transpose)
def _(a: Atom, *axes: Atom) -> Type:
    if a.type.kind != "array":
        raise Undecided
    if not axes or is_none(axes[0]):
        return transposed(array_of(a), None)
    return transposed(array_of(a), several(axes[0], axes[1:]))


@facts(np.ndarray.T)
def _(a: Atom) -> Type:
    return a.type if a.type.kind == "number" else transposed(array_of(a), None)


@facts(np.ndarray.mT, np.matrix_transpose, np.linalg.matrix_transpose)
def _(x: Atom) -> Type:
    return _swapped(array_of(x), -2, -1)


@facts(np.swapaxes, np.ndarray.swapaxes)
def _(a: Atom, axis1: Atom, axis2: Atom) -> Type:
    x = array_of(a)
    first, second = integer(axis1), integer(axis2)
    if first is None or second is None:
        return array(x.dtype, fresh(len(shape_of(x))))
    return _swapped(x, first, second)


def _swapped(x: Type, first: int, second: int) -> Type:
    shape = list(shape_of(x))
    i, j = axes_of(Const((first, second)), len(shape))
    shape[i], shape[j] = shape[j], shape[i]
    return array(x.dtype, tuple(shape))


@facts(np.moveaxis)
def _(a: Atom, source: Atom, destination: Atom) -> Type:
    x = array_of(a)
    shape = shape_of(x)
    if ANY_INT in (*integers(source), *integers(destination)):
        return array(x.dtype, fresh(len(shape)))
    sources, targets = axes_of(source, len(shape)), axes_of(destination, len(shape))
    if len(sources) != len(targets):
        raise Undecided
    order = [i for i in range(len(shape)) if i not in sources]
    for target, origin in sorted(zip(targets, sources, strict=True)):
        order.insert(target, origin)
    return array(x.dtype, tuple(shape[i] for i in order))


@facts(np.rot90)
def _(m: Atom, k: Atom = ONE, axes: Atom = FIRST_TWO) -> Type:
    x = array_of(m)
    turns = integer(k)
    if turns is None:
        return array(x.dtype, fresh(len(shape_of(x))))
    first, second = axes_of(axes, len(shape_of(x)))
    return _swapped(x, first, second) if turns % 2 else x


# Another order of elements


@facts(np.flip, np.flipud, np.fliplr)
def _(m: Atom, axis: Atom = NO) -> Type:
    return _kept(array_of(m))


@facts(np.roll)
def _(a: Atom, shift: Atom, axis: Atom = NO) -> Type:
    return _kept(array_of(a))


def _kept(x: Type) -> Type:
    if not x.shape:
        raise Undecided
    return x


@facts(np.tril, np.triu)
def _(m: Atom, k: Atom = ZERO) -> Type:
    x = array_of(m)
    shape = shape_of(x)
    return array(x.dtype, shape * 2 if len(shape) == 1 else shape)


@facts(np.tile)
def _(A: Atom, reps: Atom) -> Type:  # noqa: N803
    x = array_of(A)
    shape, times = shape_of(x), integers(reps)
    rank = max(len(shape), len(times))
    sizes = (*(1,) * (rank - len(shape)), *shape)
    times = (*(1,) * (rank - len(times)), *times)
    pairs = zip(sizes, times, strict=True)
    return array(x.dtype, tuple(fresh_dim() if t == ANY_INT else product((s, t)) for s, t in pairs))


@facts(np.repeat, np.ndarray.repeat)
def _(a: Atom, repeats: Atom, axis: Atom = NO) -> Type:
    x = array_of(a)
    shape = shape_of(x)
    times = integer(repeats)
    if is_none(axis):
        return array(x.dtype, (fresh_dim() if times is None else product((*shape, times)),))
    at = axis_of(axis, len(shape))
    size = fresh_dim() if times is None else product((shape[at], times))
    return array(x.dtype, (*shape[:at], size, *shape[at + 1 :]))


@facts(np.pad)
def _(array: Atom, *args: Atom, **kwargs: Atom) -> Type:
    x = array_of(array)
    return Type("array", dtype=x.dtype, shape=fresh(len(shape_of(x))))


# Diagonals


def diagonal_length(rows: Size, columns: Size, offset: Atom) -> Size:
    """The length of a diagonal."""
    k = integer(offset)
    if k is None:
        return fresh_dim()
    return least(shortened(rows, -k) if k < 0 else rows, shortened(columns, k) if k > 0 else columns)


@facts(np.diag)
def _(v: Atom, k: Atom = ZERO) -> Type:
    x = array_of(v)
    shape = shape_of(x)
    if len(shape) == 2:
        return array(x.dtype, (diagonal_length(*shape, k),))
    if len(shape) != 1:
        raise Undecided
    offset = integer(k)
    side = fresh_dim() if offset is None else added((shape[0], abs(offset)))
    return array(x.dtype, (side, side))


@facts(np.linalg.diagonal)
def _(x: Atom, *, offset: Atom = ZERO) -> Type:
    a = array_of(x)
    shape = shape_of(a)
    if len(shape) < 2:
        raise Undecided
    return array(a.dtype, (*shape[:-2], diagonal_length(shape[-2], shape[-1], offset)))


@facts(np.diagonal, np.ndarray.diagonal)
def _(a: Atom, offset: Atom = ZERO, axis1: Atom = ZERO, axis2: Atom = ONE) -> Type:
    x = array_of(a)
    shape = shape_of(x)
    first, second = axis_of(axis1, len(shape)), axis_of(axis2, len(shape))
    left = tuple(s for i, s in enumerate(shape) if i not in (first, second))
    return array(x.dtype, (*left, diagonal_length(shape[first], shape[second], offset)))


@facts(np.diagflat)
def _(v: Atom, k: Atom = ZERO) -> Type:
    side = fresh_dim()
    return array(array_of(v).dtype, (side, side))
