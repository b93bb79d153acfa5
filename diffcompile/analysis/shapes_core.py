"""The table of facts, and the arithmetic of lengths and dtypes that its rules share.

A rule takes atoms, named as the function that it describes names its arguments, and returns the `Type` of the
result. It raises `Undecided` where nothing is proved.

    @facts(np.expand_dims)
    def _(a: Atom, axis: Atom) -> Type: ...

Three facts ride on a type beside what `Type` says of it: a tuple of integers carries them as its `shape`
(those of `x.shape` are lengths; `ANY_INT` where one is unknown), an object that is a dtype carries it as its
`dtype`, and an object that is a slice carries its three fields as its `items` (an ellipsis carries none).
"""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, TypeVar

import numpy as np

from ..ir.graph import Atom, Const
from ..ir.types import BOOL, COMPLEX, FLOAT, INT, SCALARS, STR, UNKNOWN, Size, Type, array, join, number
from .shapes_lengths import ANY_INT, Shape, fresh_dim, unify

F = TypeVar("F", bound=Callable[..., Type])

NO, YES, ZERO = Const(None), Const(True), Const(0)
FALSE = Const(False)
FLOAT64, INT64, BOOLEAN = np.dtype(np.float64), np.dtype(np.int64), np.dtype(bool)


class Undecided(Exception):
    """Nothing is proved of this result."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What is known of the result of a function, and how its arguments bind."""

    function: Callable[..., Type]
    positional: tuple[str, ...]
    names: frozenset[str]
    required: tuple[str, ...]
    variadic: bool
    keywords: bool

    def binds(self, args: Sequence[Atom], kwargs: Mapping[str, Atom]) -> bool:
        if len(args) > len(self.positional) and not self.variadic:
            return False
        if not (self.keywords or kwargs.keys() <= self.names):
            return False
        given = self.positional[: len(args)]
        return kwargs.keys().isdisjoint(given) and all(n in given or n in kwargs for n in self.required)


RULES: dict[Any, Rule] = {}


def facts(*fns: Any) -> Callable[[F], F]:
    """Declare what is known of the results of `fns`."""

    def declare(function: F) -> F:
        parameters = inspect.signature(function).parameters.values()
        kinds = {p.kind for p in parameters}
        positional = tuple(p for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD)
        keyword_only = tuple(p for p in parameters if p.kind is p.KEYWORD_ONLY)
        rule = Rule(
            function,
            positional=tuple(p.name for p in positional),
            names=frozenset(p.name for p in positional + keyword_only),
            required=tuple(p.name for p in positional if p.default is p.empty),
            variadic=inspect.Parameter.VAR_POSITIONAL in kinds,
            keywords=inspect.Parameter.VAR_KEYWORD in kinds,
        )
        RULES.update(dict.fromkeys(fns, rule))
        return function

    return declare


# What an atom says


def constant(atom: Atom) -> Any:
    if isinstance(atom, Const):
        return atom.value
    raise Undecided


def flag(atom: Atom) -> bool:
    value = constant(atom)
    if isinstance(value, bool | int | np.bool | None):
        return bool(value)
    raise Undecided


def is_none(atom: Atom) -> bool:
    return isinstance(atom, Const) and atom.value is None


def none_or_undecided(*atoms: Atom) -> None:
    """The rule holds only when these arguments are None."""
    if not all(map(is_none, atoms)):
        raise Undecided


def integer(atom: Atom) -> int | None:
    """The integer that this atom is, None if that is unknown."""
    if isinstance(atom, Const) and isinstance(atom.value, int | np.integer):
        return int(atom.value)
    return None


def is_integer(t: Type) -> bool:
    """Is this one integer (not a bool)?"""
    return t.kind == "int" or (t.kind == "number" and t.dtype is not None and t.dtype.kind in "iu")


def integers(atom: Atom) -> Shape:
    """The integers of a tuple, or of one integer, `ANY_INT` where unknown."""
    if isinstance(atom, Const):
        values = atom.value if isinstance(atom.value, tuple | list) else (atom.value,)
        if all(isinstance(v, int | np.integer) for v in values):
            return tuple(map(int, values))
        raise Undecided
    if is_integer(atom.type):
        return (ANY_INT,)
    if atom.type.kind == "tuple" and atom.type.shape is not None:
        return atom.type.shape
    items = atom.type.items if atom.type.kind in ("tuple", "list") else None
    if items is not None and all(map(is_integer, items)):
        return (ANY_INT,) * len(items)
    raise Undecided


def lengths(atom: Atom) -> Shape:
    """The shape that a shape argument asks for."""
    return tuple(fresh_dim() if s == ANY_INT else s for s in integers(atom))


def axes_of(axis: Atom, rank: int) -> tuple[int, ...]:
    """The axes that an axis argument names, all of them for None."""
    if is_none(axis):
        return tuple(range(rank))
    return tuple(normal(a, rank) for a in integers(axis))


def axis_of(axis: Atom, rank: int) -> int:
    value = integer(axis)
    if value is None:
        raise Undecided
    return normal(value, rank)


def normal(axis: Size, rank: int) -> int:
    if not isinstance(axis, int) or not -rank <= axis < rank:
        raise Undecided
    return axis % rank


def dtype_of(atom: Atom, default: np.dtype | None) -> np.dtype | None:
    """The dtype that a dtype argument asks for, None if unknown."""
    if is_none(atom):
        return default
    if not isinstance(atom, Const):
        return atom.type.dtype if atom.type.kind == "object" else None
    try:
        dtype: np.dtype = np.dtype(atom.value)
    except (TypeError, ValueError):
        raise Undecided from None
    return dtype


# What NumPy makes of a value


def is_dtype(a: np.dtype | None, b: np.dtype | None) -> bool:
    """Are these the same? (To NumPy, None is float64.)"""
    return a is b or (a is not None and b is not None and a == b)


def numeric(dtype: np.dtype | None) -> bool:
    return dtype is None or dtype.kind in "biufc"


def as_array(t: Type) -> Type:
    """The array that `np.asarray` makes of a value."""
    if t.kind == "array":
        out = t
    elif t.kind in SCALARS:
        out = array(t.numeric_dtype, ())
    elif t.kind in ("tuple", "list"):
        out = _of_sequence(t)
    else:
        raise Undecided
    if not numeric(out.dtype):
        raise Undecided
    return out


def _of_sequence(t: Type) -> Type:
    if t.items is None:
        if t.elem is None:
            raise Undecided
        elem = as_array(t.elem)
        # an empty list becomes an array of floats
        dtype = elem.dtype if is_dtype(elem.dtype, FLOAT64) else None
        return array(dtype, (fresh_dim(),) if elem.shape == () else None)
    if not t.items:
        return array(FLOAT64, (0,))
    parts = [as_array(item) for item in t.items]
    dtype = promoted(*(p.dtype for p in parts))
    shapes = [p.shape for p in parts]
    shape = shapes[0]
    for other in shapes[1:]:
        if shape is None or other is None or len(shape) != len(other):
            return array(dtype)
        shape = tuple(map(unify, shape, other))
    return array(dtype, None if shape is None else (len(parts), *shape))


def array_of(atom: Atom) -> Type:
    return as_array(atom.type)


def shape_of(t: Type) -> Shape:
    if t.shape is None:
        raise Undecided
    return t.shape


def result(dtype: np.dtype | None, shape: Shape | None) -> Type:
    """What NumPy returns for an array of this shape: a scalar where it has no axes."""
    if shape is None or (shape == () and not numeric(dtype)):
        raise Undecided
    return array(dtype, shape) if shape else number(dtype)


def element(t: Type) -> Type:
    """What iterating over a value yields.

    A length named `?3` belongs to one element, so it is not known to be that of another.
    """
    if t.kind == "array":
        shape = shape_of(t)
        if not shape:
            raise Undecided
        return result(t.dtype, shape[1:])
    if t.kind == "str":
        return STR
    if t.kind not in ("tuple", "list", "range"):
        raise Undecided
    if t.items:
        out = t.items[0]
        for item in t.items[1:]:
            out = join(out, item)
        return forget(out)
    return forget(t.elem) if t.elem is not None else UNKNOWN


def forget(t: Type) -> Type:
    """The type without what ties its lengths to one element of a list."""
    if t.shape is not None:
        t = replace(t, shape=tuple(map(_forget_size, t.shape)))
    if t.items is not None:
        t = replace(t, items=tuple(map(forget, t.items)))
    return t if t.elem is None else replace(t, elem=forget(t.elem))


def _forget_size(size: Size) -> Size:
    if isinstance(size, int) or not size.name.startswith("?") or size == ANY_INT:
        return size
    return fresh_dim(size.maybe_one)


# Dtypes


Token = np.dtype | type
WEAK: dict[np.dtype, type] = {FLOAT64: float, INT64: int, np.dtype(np.complex128): complex}
PYTHON: dict[str, Token] = {"bool": BOOLEAN, "int": int, "float": float, "complex": complex}


def tokens(t: Type) -> tuple[Token, ...]:
    """What this operand may be to a promotion: a Python number is weak, and a "number" may be one."""
    if t.kind in PYTHON:
        return (PYTHON[t.kind],)
    dtype = as_array(t).dtype
    if dtype is None:
        return ()
    return (dtype, WEAK[dtype]) if t.kind == "number" and dtype in WEAK else (dtype,)


def ufunc_dtypes(ufunc: np.ufunc, operands: Sequence[Type]) -> tuple[np.dtype | None, ...]:
    """The dtypes of the results of a ufunc, None where unknown."""
    return _resolve(ufunc, tuple(map(tokens, operands)))


@lru_cache(maxsize=4096)
def _resolve(ufunc: np.ufunc, operands: tuple[tuple[Token, ...], ...]) -> tuple[np.dtype | None, ...]:
    if not all(operands):
        return _regardless(ufunc)
    found: set[tuple[np.dtype, ...]] = set()
    for combination in itertools.product(*operands):
        try:
            dtypes = ufunc.resolve_dtypes((*combination, *(None,) * ufunc.nout))
        except TypeError:
            continue  # NumPy raises for this one
        found.add(dtypes[ufunc.nin :])
    if not found:
        raise Undecided
    return tuple(each[0] if len(set(each)) == 1 else None for each in zip(*found, strict=True))


@lru_cache(maxsize=1024)
def _regardless(ufunc: np.ufunc) -> tuple[np.dtype | None, ...]:
    """The dtypes of the results whatever the operands are: bools, for a predicate."""
    loops = [loop.split("->")[1] for loop in ufunc.types if "O" not in loop]
    each = [set(column) for column in zip(*loops, strict=True)]
    return tuple(BOOLEAN if column == {"?"} else None for column in each) or (None,) * ufunc.nout


def promoted(*dtypes: np.dtype | None) -> np.dtype | None:
    """The dtype of what these are all cast to; Python numbers count as their arrays do."""
    if any(d is None for d in dtypes):
        return None
    return np.result_type(*[d for d in dtypes if d is not None])


def weakly_promoted(*types: Type) -> np.dtype | None:
    """The dtype of what these are all cast to; Python numbers give way."""
    found = set()
    for combination in itertools.product(*map(tokens, types)):
        found.add(np.result_type(*[c if isinstance(c, np.dtype) else c(0) for c in combination]))
    return found.pop() if len(found) == 1 else None


def inexact(dtype: np.dtype | None) -> np.dtype | None:
    """The dtype after integers became floats."""
    return FLOAT64 if dtype is not None and dtype.kind in "biu" else dtype


def real_of(dtype: np.dtype | None) -> np.dtype | None:
    """The dtype of the magnitude of a number."""
    return np.dtype(dtype.type(0).real.dtype) if dtype is not None and numeric(dtype) else dtype


def python_number(dtype: np.dtype | None) -> Type:
    """The Python number that `.item()` gives."""
    for known, chars in ((BOOL, "?"), (INT, "bBhHiIlLqQ"), (FLOAT, "efd"), (COMPLEX, "FD")):
        if dtype is not None and dtype.char in chars:
            return known
    return number(dtype)
