"""What is known of the result of a call, from what is known of its arguments.

    x: array[float64](n, 3)       np.sum(x[1:] * 2.0, axis=1): array[float64](n-1)

A fact is claimed only if it is proved, since passes rely on it; whatever is not decided is `UNKNOWN`.
The rules are in a table keyed by the function itself (`shapes_core.facts`), one file for each family of
functions; every ufunc is known without a rule of its own.
"""

from __future__ import annotations

import operator
import types
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..ir.graph import Atom, Const, Value
from ..ir.types import UNKNOWN, Type, not_one, type_of_constant
from . import (  # noqa: F401
    shapes_builtins,
    shapes_create,
    shapes_fft,
    shapes_index,
    shapes_layout,
    shapes_polynomials,
    shapes_reduce,
    shapes_series,
    shapes_several,
)
from .shapes_containers import list_of
from .shapes_core import RULES, Undecided, constant, element, facts
from .shapes_elementwise import scalar_class_result, ufunc_result
from .shapes_lengths import fresh_dim, reset_dims, same
from .shapes_library import learn

__all__ = ["broadcast_axes", "element_type", "fresh_dim", "infer", "reset_dims"]


def infer(fn: Any, args: tuple[Atom, ...], kwargs: Mapping[str, Atom]) -> Type:
    """What is known of `fn(*args, **kwargs)`.

    >>> from diffcompile.ir.types import Dim, array
    >>> x = Value("x", array(np.dtype("float64"), (Dim("n"), 3)))
    >>> str(infer(np.sum, (x,), {"axis": Const(1)}))
    'array[float64](n)'
    """
    if fn is operator.getitem and isinstance(args[0], Const) and args[0].value in (np.r_, np.c_):
        fn, args = args[0].value.__getitem__, args[1:]
    args = tuple(map(_read, args))
    kwargs = {name: _read(a) for name, a in kwargs.items()}
    try:
        rule = RULES.get(fn)
    except TypeError:  # unhashable
        return UNKNOWN
    if rule is None:
        learn(fn)
        rule = RULES.get(fn)
    try:
        if rule is not None:
            return rule.function(*args, **kwargs) if rule.binds(args, kwargs) else UNKNOWN
        if isinstance(fn, np.ufunc):
            return ufunc_result(fn, args, kwargs)
        if isinstance(fn, type) and issubclass(fn, np.number | np.bool):
            return scalar_class_result(fn, args, kwargs)
    except Undecided:
        pass
    return UNKNOWN


@dataclass(frozen=True, slots=True, eq=False)
class Sequence(Const):
    """A constant list, or a tuple that holds one, with the types of its items."""

    @property
    def type(self) -> Type:
        return _type_of_items(self.value)


def _type_of_items(value: Any) -> Type:
    if not isinstance(value, list | tuple):
        return type_of_constant(value)
    items = tuple(map(_type_of_items, value))
    return list_of(*items) if isinstance(value, list) else Type("tuple", items=items)


def _read(atom: Atom) -> Atom:
    """The atom as a rule reads it: a list has items, and a name that is read has a value."""
    if isinstance(atom, Const):
        return Sequence(atom.value) if isinstance(atom.value, list | tuple) else atom
    if atom.type.maybe_unbound:
        return Value(atom.name, replace(atom.type, maybe_unbound=False))
    return atom


@facts(getattr)
def _(obj: Atom, name: Atom) -> Type:
    if obj.type.is_record:
        return obj.type.attribute(constant(name))
    descriptor = getattr(np.ndarray, str(constant(name)), None)
    if not isinstance(descriptor, types.GetSetDescriptorType) or obj.type.kind not in ("array", "number"):
        raise Undecided
    return infer(descriptor, (obj,), {})


def element_type(t: Type) -> Type:
    """What iterating over a value yields.

    >>> from diffcompile.ir.types import array
    >>> str(element_type(array(np.dtype("float32"), (4, 3))))
    'array[float32](3)'
    """
    try:
        return element(t)
    except Undecided:
        return UNKNOWN


def broadcast_axes(out: Type, x: Type) -> tuple[tuple[int, ...], tuple[int, ...]] | None:
    """The axes of `out` along which `x` was broadcast to it, None if that is not decided.

    The first are leading axes that `x` lacks, the second those that it has with length 1, both in `out`.

    >>> from diffcompile.ir.types import Dim, array
    >>> n = Dim("n")
    >>> broadcast_axes(array(None, (4, n, 3)), array(None, (n, 1)))
    ((0,), (2,))
    """
    if out.rank is None or x.rank is None or x.rank > out.rank:
        return None
    lead = out.rank - x.rank
    large, small = out.shape or (), x.shape or ()
    kept = []
    for axis, size in enumerate(small, start=lead):
        if same(size, large[axis]) or large[axis] == 1 or not_one(size):
            continue
        if size != 1:
            return None
        kept.append(axis)
    return tuple(range(lead)), tuple(kept)
