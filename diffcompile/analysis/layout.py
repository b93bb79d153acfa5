"""Which results see the memory of an argument, and which arrays are laid out so that a reshape does.

    y = x[1:]              sees x
    y = x.T.reshape(-1)    may see x: that is decided by the layout of x.T in memory
    y = x[[0, 1]]          is an array of its own

`SURE`, `MAYBE` and `NEVER` are the three answers. A layout is known for arrays just made, and for what
elementwise arithmetic makes of such arrays (NumPy lays a result out as its operands are).
"""

from __future__ import annotations

import operator
from collections.abc import Hashable, Mapping
from typing import Any, Literal

import numpy as np

from ..ir.graph import Atom, Const
from ..ir.types import Type, not_one

Sight = Literal["sure", "maybe", "never"]
Layout = Literal["", "C", "F"]
SURE: Sight = "sure"
MAYBE: Sight = "maybe"
NEVER: Sight = "never"

# The result sees the first argument's memory, whatever its layout.
_ALWAYS = frozenset({
    np.transpose, np.swapaxes, np.moveaxis, np.rollaxis, np.squeeze, np.expand_dims, np.broadcast_to,
    np.diagonal,
    np.flip, np.flipud, np.fliplr, np.rot90, np.atleast_1d, np.atleast_2d, np.atleast_3d, np.matrix_transpose,
    np.permute_dims, np.split, np.array_split, np.hsplit, np.vsplit, np.dsplit, np.linalg.diagonal,
    np.linalg.matrix_transpose, getattr(np, "unstack", np.split), np.lib.stride_tricks.sliding_window_view,
    np.ndarray.transpose, np.ndarray.swapaxes, np.ndarray.squeeze, np.ndarray.diagonal, np.ndarray.view,
    np.ndarray.T, getattr(np.ndarray, "mT", np.ndarray.T), np.ndarray.flat,
})  # fmt: skip
RESHAPING = frozenset({np.reshape, np.ravel, np.ndarray.reshape, np.ndarray.ravel})
_CONJUGATES = frozenset({np.ndarray.conj, np.ndarray.conjugate})  # a real array gives itself
_UNDECIDED = frozenset({np.trim_zeros, np.polyder})
_PARTS = frozenset({np.real, np.imag, np.ndarray.real, np.ndarray.imag})
_SAME = frozenset({
    np.asarray, np.asanyarray, np.ascontiguousarray, np.asfortranarray, np.require, np.asarray_chkfinite,
})  # fmt: skip
LAID_OUT = RESHAPING | _SAME  # whose answer depends on how the array is laid out
_COPYING = {
    np.nan_to_num: True,
    np.ndarray.astype: True,
    np.astype: True,
    np.array: True,
}  # unless copy=False


def sight(fn: Any, args: tuple[Atom, ...], kwargs: Mapping[str, Atom]) -> Sight:
    """Does `fn(*args, **kwargs)` return an array that sees the memory of `args[0]`?

    >>> from diffcompile.ir.graph import Value
    >>> from diffcompile.ir.types import array
    >>> x = Value("x", array(np.dtype(float), (2, 3)))
    >>> sight(np.transpose, (x,), {}), sight(np.reshape, (x, Const(6)), {}), sight(np.sin, (x,), {})
    ('sure', 'maybe', 'never')
    """
    if not isinstance(fn, Hashable) or not args:
        return NEVER
    known = args[0].type
    if fn in _ALWAYS:
        return SURE
    if fn in _CONJUGATES:
        if known.numeric_dtype is None:
            return MAYBE
        return NEVER if known.numeric_dtype.kind == "c" else SURE
    if fn in _UNDECIDED or isinstance(fn, type) and issubclass(fn, np.generic):
        return MAYBE if known.kind in ("array", "unknown") else NEVER
    if fn is np.linalg.matrix_power:
        power = args[1] if len(args) > 1 else kwargs.get("n")
        return NEVER if isinstance(power, Const) and power.value != 1 else MAYBE
    if fn is np.diag:
        return {1: NEVER, 2: SURE}.get(known.rank or 0, MAYBE)
    if fn in RESHAPING:
        forced = kwargs.get("copy")
        if isinstance(forced, Const) and forced.value is True:
            return NEVER
        order = _order(fn, args, kwargs)
        if order not in ("C", "F"):
            return MAYBE
        if known.layout == order or known.rank == 1 and known.layout:
            return SURE
        return NEVER if _matrix(known) and known.layout and _flat(fn, args) else MAYBE
    if fn is np.real_if_close:
        return SURE if known.is_real else MAYBE
    if fn in _PARTS:
        if known.numeric_dtype is None:
            return MAYBE
        if known.numeric_dtype.kind == "c":
            return SURE
        return SURE if fn in (np.real, np.ndarray.real) else NEVER
    if fn in _SAME:
        dtype = args[1] if len(args) > 1 else kwargs.get("dtype", Const(None))
        bare = set(kwargs) <= {"dtype"} and isinstance(dtype, Const)
        if known.kind != "array" or not bare:
            return MAYBE
        assert isinstance(dtype, Const)
        if dtype.value is not None:
            if known.dtype is None:
                return MAYBE
            if np.dtype(dtype.value) != known.dtype:
                return NEVER
        return SURE if fn in (np.asarray, np.asanyarray) or known.layout == "C" else MAYBE
    if fn in _COPYING:
        copy = kwargs.get("copy", Const(True))
        return NEVER if isinstance(copy, Const) and copy.value is True else MAYBE
    return NEVER


def _order(fn: Any, args: tuple[Atom, ...], kwargs: Mapping[str, Atom]) -> Any:
    """In which order a reshape reads the elements: a constant, or None."""
    place = 1 if fn in (np.ravel, np.ndarray.ravel) else 2 if fn is np.reshape else len(args)
    order = args[place] if place < len(args) else kwargs.get("order", Const("C"))
    return order.value if isinstance(order, Const) else None


def _matrix(known: Type) -> bool:
    """Is this a matrix that is in one order in memory, and not in the other as well?"""
    return known.rank == 2 and all(map(not_one, known.shape or ()))


def _flat(fn: Any, args: tuple[Atom, ...]) -> bool:
    """Does this reshape into one axis?"""
    if fn in (np.ravel, np.ndarray.ravel):
        return True
    shape = args[1] if len(args) == 2 else Const(None)
    return (
        shape.type.kind == "int"
        or isinstance(shape, Const)
        and len(np.shape(shape.value)) == 1 == len(shape.value)
    )


# Arrays that these make are laid out in C order, if no `order` says otherwise.
_MAKING = frozenset({
    np.zeros, np.ones, np.empty, np.ndarray, np.full, np.arange, np.linspace, np.eye, np.identity,
    np.ascontiguousarray, np.ndarray.copy, np.ndarray.flatten, np.repeat, np.logspace, np.geomspace,
})  # fmt: skip
_LIKE = frozenset(
    {np.zeros_like, np.ones_like, np.empty_like, np.full_like, np.copy, np.array, np.ndarray.astype}
)
_PRODUCTS = frozenset({operator.matmul, np.matmul, np.dot, np.ndarray.dot})
_TRANSPOSING = frozenset({np.ndarray.T, np.transpose, np.ndarray.transpose, np.matrix_transpose})
_OTHER: dict[str, Layout] = {"C": "F", "F": "C", "": ""}


def layout(fn: Any, args: tuple[Atom, ...], kwargs: Mapping[str, Atom]) -> Layout:
    """How the array that this call returns is laid out in memory."""
    if not isinstance(fn, Hashable) or "out" in kwargs:
        return ""
    source = args[0].type if args else Type()
    if fn in RESHAPING:
        order = _order(fn, args, kwargs)
        return source.layout if source.layout == order else ""
    if "order" in kwargs or any(isinstance(a, Const) and _is_order(a.value) for a in args[1:]):
        return ""
    if fn in _MAKING or fn in _PRODUCTS:
        return "C"
    if fn in _LIKE:
        return "C" if fn is np.array and source.kind in ("list", "tuple") else source.layout
    if fn is operator.getitem:
        return "C" if source.layout == "C" and _leading(args[1]) else ""
    if isinstance(fn, np.ufunc) or getattr(fn, "__module__", "") == "_operator":
        found = {a.type.layout for a in args if a.type.kind == "array"}
        known = all(a.type.is_scalar or a.type.kind == "array" for a in args)
        same = found == {"C"} or found == {"F"} and len({a.type.rank for a in args if a.type.rank}) == 1
        return found.pop() if known and same else ""
    if fn in _TRANSPOSING:
        return _OTHER[source.layout] if source.rank == 2 and len(args) == 1 else ""
    if fn in (np.expand_dims, np.squeeze, np.atleast_1d, np.asarray):
        return "C" if source.layout == "C" else ""
    return ""


def _is_order(value: Any) -> bool:
    """May this be an `order` that is given by position?"""
    return isinstance(value, str) and value in ("F", "A", "K")


def _leading(index: Atom) -> bool:
    """Does this index cut off whole rows at the beginning or the end, or pick one?"""
    if isinstance(index, Const):
        value = index.value
        if isinstance(value, slice):
            return value.step in (None, 1)
        return isinstance(value, int) and not isinstance(value, bool)
    return index.type.kind == "int"
