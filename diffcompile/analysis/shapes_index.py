"""Facts of `x[index]`: slices keep what is known of a length, arrays of indices broadcast, masks count.

x: (n, k)      x[1:-1]: (n-2, k)      x[:, 0]: (n)      x[x > 0]: (?0)
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..ir.graph import Atom, Const
from ..ir.types import INT, STR, Dim, Size, Type, array, minus, type_of_constant
from .shapes_containers import item_type
from .shapes_core import (
    INT64,
    NO,
    Undecided,
    array_of,
    as_array,
    axis_of,
    element,
    facts,
    integer,
    is_integer,
    is_none,
    none_or_undecided,
    result,
    shape_of,
    weakly_promoted,
)
from .shapes_lengths import Shape, broadcast, fresh_dim

LAST = Const(-1)


@dataclass(frozen=True, slots=True)
class Slice:
    """A slice with integers where they are known, None where absent; `known` if all three are."""

    start: int | None
    stop: int | None
    step: int | None
    known: bool

    def length(self, size: Size) -> Size:
        """How many of `size` elements it picks."""
        if not self.known:
            return fresh_dim()
        start, stop, step = self.start, self.stop, 1 if self.step is None else self.step
        if isinstance(size, int):
            return len(range(*slice(start, stop, step).indices(size))) if step else fresh_dim()
        if step == 1:
            if stop is not None and stop >= 0:
                return 0 if start is not None and 0 <= start >= stop else self._named(size)
            if start is None or start >= 0:
                return minus(size, (start or 0) - (stop or 0))
        if step == -1 and (start is None or start < 0) and (stop is None or stop >= 0):
            return minus(size, (0 if start is None else -start - 1) + (0 if stop is None else stop + 1))
        return self._named(size)

    def _named(self, size: Dim) -> Dim:
        """The length that this slice leaves of that one: the same wherever it is cut."""
        if "~" in size.name:
            return fresh_dim()
        place = ":".join("" if part is None else str(part) for part in (self.start, self.stop, self.step))
        return Dim(f"{size}[{place}]")


NEW, ELLIPSIS = "new axis", "ellipsis"
Entry = Slice | Type | str


def entry(t: Type) -> Entry:
    """One entry of an index: a slice, a new axis, an ellipsis, or the integers or bools that it picks by."""
    if t.kind == "none":
        return NEW
    if t.kind == "object":
        if t.items is None:
            raise Undecided  # a list, say, that was made elsewhere
        return _slice(t.items) if t.items else ELLIPSIS
    if is_integer(t):
        return INT
    if t.items == ():
        return array(INT64, (0,))
    if t.elem is not None and t.items is None and t.elem.kind in ("bool", "int"):
        return array(t.elem.numeric_dtype, (fresh_dim(),))
    if t.kind in ("array", "list", "tuple"):
        picked = as_array(t)
        if picked.dtype is not None and picked.dtype.kind in "iub" and picked.shape is not None:
            return picked
    raise Undecided


def _slice(fields: Sequence[Type]) -> Slice:
    values: list[int | None] = []
    for field in fields:
        if field.kind == "none":
            values.append(None)
        elif field.kind == "int" and field.shape and isinstance(field.shape[0], int):
            values.append(field.shape[0])
        else:
            return Slice(None, None, None, known=False)
    start, stop, step = values
    return Slice(start, stop, step, known=True)


def entries(index: Atom) -> list[Entry]:
    """The entries of an index."""
    if isinstance(index, Const):
        items = index.value if isinstance(index.value, tuple) else (index.value,)
        return list(map(_entry_of, items))
    if index.type.kind == "tuple":
        if index.type.items is None:
            raise Undecided
        return list(map(entry, index.type.items))
    return [entry(index.type)]


def _entry_of(item: Any) -> Entry:
    if type(item) is int:
        return INT
    if isinstance(item, list):
        return entry(Type("list", items=tuple(map(type_of_constant, item))))
    return entry(item_type(Const(item)))


def width(e: Entry) -> int:
    """How many axes of the array an entry takes."""
    if e in (NEW, ELLIPSIS):
        return 0
    if isinstance(e, Type) and e.dtype is not None and e.dtype.kind == "b":
        return len(shape_of(e))
    return 1


def indexed(x: Type, index: list[Entry]) -> Type:
    """The type of an array at an index."""
    if x.shape is None:
        if any(isinstance(e, Slice | str) or e.shape for e in index):
            return array(x.dtype)
        raise Undecided
    rank = len(x.shape)
    taken = sum(map(width, index))
    if taken > rank or index.count(ELLIPSIS) > 1:
        raise Undecided
    whole: list[Entry] = [Slice(None, None, None, known=True)] * (rank - taken)
    at = index.index(ELLIPSIS) if ELLIPSIS in index else len(index)
    full = [*index[:at], *whole, *index[at + 1 :]]
    shape = _picked_shape(x.shape, full, _advanced_apart(index))
    return array(x.dtype, shape) if ELLIPSIS in index else result(x.dtype, shape)


def _advanced_apart(index: list[Entry]) -> bool:
    """Are there arrays of indices with a slice, an ellipsis or a new axis between them?"""
    places = [i for i, e in enumerate(index) if isinstance(e, Type)]
    return bool(places) and places[-1] - places[0] + 1 != len(places)


def _picked_shape(sizes: Shape, index: list[Entry], apart: bool) -> Shape:
    fancy = any(isinstance(e, Type) and e.kind == "array" for e in index)
    picked: list[Shape] = []
    before: list[Size] = []
    after: list[Size] = []
    axis = 0
    for e in index:
        rest = after if picked else before
        if e == NEW:
            rest.append(1)
        elif isinstance(e, Slice):
            rest.append(e.length(sizes[axis]))
        elif isinstance(e, Type) and fancy:
            picked.append((fresh_dim(),) if width(e) != 1 or _is_mask(e) else () if e is INT else shape_of(e))
        axis += width(e)
    middle = broadcast(*picked)
    return (*middle, *before, *after) if apart else (*before, *middle, *after)


def _is_mask(e: Type) -> bool:
    return e.dtype is not None and e.dtype.kind == "b"


@facts(operator.getitem)
def _(a: Atom, b: Atom) -> Type:
    x = a.type
    if x.kind == "array":
        return indexed(x, entries(b))
    if x.kind == "str":
        return STR
    if isinstance(b, Const) and isinstance(b.value, slice):
        return _sliced(x, b.value)
    if x.kind == "range" and isinstance(entry(b.type), Slice):
        return x
    if x.kind == "dict" and x.elem is not None:
        return x.at(b.value) if isinstance(b, Const) else x.elem
    if (x.may_be_tuple or x.kind == "tuple" and x.items is None) and is_integer(b.type):
        return Type(cls=tuple)  # one inside another
    if x.kind not in ("tuple", "list", "range") or not is_integer(b.type):
        raise Undecided
    place = integer(b)
    if x.items is not None and place is not None:
        if not -len(x.items) <= place < len(x.items):
            raise Undecided
        return x.items[place]
    return element(x)


def _sliced(x: Type, place: slice) -> Type:
    if x.kind == "range":
        return x
    if x.kind == "tuple" and x.items is not None:
        return Type("tuple", items=x.items[place], shape=None if x.shape is None else x.shape[place])
    if x.kind == "list":
        return Type("list", items=None if x.items is None else x.items[place], elem=x.elem)
    raise Undecided


# Functions that pick


def positions(mask: Type) -> Type:
    """The tuple of index arrays that `np.nonzero` gives."""
    count = fresh_dim()
    return Type("tuple", items=(array(INT64, (count,)),) * len(shape_of(mask)))


@facts(np.nonzero, np.ndarray.nonzero)
def _(a: Atom) -> Type:
    return positions(array_of(a))


@facts(
    np.ix_, np.diag_indices, np.diag_indices_from, np.tril_indices, np.tril_indices_from, np.triu_indices,
    np.triu_indices_from, np.mask_indices,
)
def _(*args: Atom) -> Type:
    return Type("tuple")


@facts(np.unravel_index)
def _(indices: Atom, shape: Atom) -> Type:
    return Type("tuple")


@facts(np.flatnonzero)
def _(a: Atom) -> Type:
    return array(INT64, (fresh_dim(),))


@facts(np.argwhere)
def _(a: Atom) -> Type:
    return array(INT64, (fresh_dim(), len(shape_of(array_of(a)))))


@facts(np.where)
def _(condition: Atom, x: Atom = NO, y: Atom = NO) -> Type:
    mask = array_of(condition)
    if is_none(x) and is_none(y):
        return positions(mask)
    shapes = [a.shape for a in (mask, array_of(x), array_of(y))]
    known = [shape for shape in shapes if shape is not None]
    dtype = weakly_promoted(x.type, y.type)
    return array(dtype, broadcast(*known) if len(known) == 3 else None)


@facts(np.take, np.ndarray.take)
def _(a: Atom, indices: Atom, axis: Atom = NO, out: Atom = NO, mode: Atom = NO) -> Type:
    none_or_undecided(out)
    x, picked = array_of(a), shape_of(array_of(indices))
    if is_none(axis):
        return result(x.dtype, picked)
    shape = shape_of(x)
    at = axis_of(axis, len(shape))
    return result(x.dtype, (*shape[:at], *picked, *shape[at + 1 :]))


@facts(np.take_along_axis)
def _(arr: Atom, indices: Atom, axis: Atom = LAST) -> Type:
    x, picked = array_of(arr), shape_of(array_of(indices))
    if is_none(axis):
        return array(x.dtype, picked[:1])
    at = axis_of(axis, len(shape_of(x)))
    sizes = broadcast((*shape_of(x)[:at], 1, *shape_of(x)[at + 1 :]), (*picked[:at], 1, *picked[at + 1 :]))
    return array(x.dtype, (*sizes[:at], picked[at], *sizes[at + 1 :]))


@facts(np.delete)
def _(arr: Atom, obj: Atom, axis: Atom = NO) -> Type:
    return _resized(arr, axis)


@facts(np.insert)
def _(arr: Atom, obj: Atom, values: Atom, axis: Atom = NO) -> Type:
    return _resized(arr, axis)


def _resized(arr: Atom, axis: Atom) -> Type:
    x = array_of(arr)
    if is_none(axis):
        return array(x.dtype, (fresh_dim(),))
    shape = shape_of(x)
    at = axis_of(axis, len(shape))
    return array(x.dtype, (*shape[:at], fresh_dim(), *shape[at + 1 :]))
