"""Facts: what is known of a value when its program is compiled.

    x: array float64 (n, 3)        y = x[1:] * 2.0        y: array float64 (n - 1, 3)

A fact is only ever used to simplify, and only when it is proved; `UNKNOWN` is always right. A length is an
`int`, or a `Dim`: a length known only at run time, which may be 1 unless the signature checked that it is
not. Two lengths that are both known to differ from 1 and that meet in a broadcast are equal, since NumPy
would have raised otherwise; nothing else about lengths is ever assumed.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

Kind = Literal[
    "unknown", "unbound", "none", "bool", "int", "float", "complex", "number", "str", "array",
    "tuple", "list", "dict", "range", "object", "function",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Dim:
    """The length `max(0, name - minus)`; `maybe_one` unless it is proved to differ from 1."""

    name: str
    minus: int = 0
    maybe_one: bool = True

    def __str__(self) -> str:
        return f"{self.name}-{self.minus}" if self.minus else self.name


Size = int | Dim


@dataclass(frozen=True, slots=True, eq=False)
class Type:
    """What is known of one value.

    kind    "bool" "int" "float" "complex": exactly that Python scalar. "number": an immutable scalar
            that may be a Python number or a NumPy scalar. "array": an ndarray (0-d included).
    dtype   of numbers, arrays and sparse matrices, None where unknown.
    shape   of arrays, None where even the rank is unknown.
    items   of tuples (and of lists of fixed length): one type each.   elem: of lists, the type of every item.
    maybe_unbound   the name may have no value on some path (reading it then raises as Python does).
    keys            of dicts and objects: the keys or attributes that `items` are the types of.
    cls             of objects, their class; of what is a tuple or list on some path alone, `tuple` or `list`.
    layout          of arrays: "C" or "F" if laid out in that order without gaps, "" if that is not known.
    """

    kind: Kind = "unknown"
    dtype: np.dtype | None = None
    shape: tuple[Size, ...] | None = None
    items: tuple[Type, ...] | None = None
    elem: Type | None = None
    maybe_unbound: bool = False
    layout: Literal["", "C", "F"] = ""
    keys: tuple[object, ...] | None = None
    cls: type | None = None
    entries: tuple[tuple[object, Type], ...] | None = None  # of dicts: of the values at some of the keys

    def __eq__(self, other: object) -> bool:
        # Field by field with the dtypes' own text: NumPy holds that `np.dtype(float) == None`.
        return isinstance(other, Type) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def _key(self) -> tuple[object, ...]:
        dtype = None if self.dtype is None else self.dtype.str
        known = (self.kind, dtype, self.shape, self.items, self.elem, self.maybe_unbound)
        return (*known, self.layout, self.keys, self.cls, self.entries)

    @property
    def rank(self) -> int | None:
        if self.kind in SCALARS:
            return 0
        return len(self.shape) if self.kind == "array" and self.shape is not None else None

    def at(self, key: object) -> Type:
        """What is known of the value at a key of a dict."""
        return next((t for k, t in self.entries or () if type(k) is type(key) and k == key), element_of(self))

    def with_value(self, key: object, known: Type) -> Type:
        """The dict in which the value at a key is described by `known`, and the others as before."""
        entries = tuple((k, t) for k, t in self.entries or () if k != key)
        elem = known if self.elem is None else join(self.elem, known)
        return Type("dict", elem=elem, entries=(*entries, (key, known)))

    @property
    def may_be_row(self) -> bool:
        """Is this a tuple or a list on some path, and something else on another?"""
        return self.kind == "unknown" and self.cls in (tuple, list)

    @property
    def may_be_tuple(self) -> bool:
        """Is this a tuple on some path, and something else on another?"""
        return self.kind == "unknown" and self.cls is tuple

    @property
    def is_record(self) -> bool:
        """An object of a class written in Python, whose attributes are known by name and type."""
        return None not in (self.keys, self.cls, self.items) and self.kind == "object"

    def attribute(self, name: object) -> Type:
        """What is known of an attribute of a record."""
        keys, items = self.keys or (), self.items or ()
        return items[keys.index(name)] if name in keys else UNKNOWN

    def with_attribute(self, name: object, known: Type) -> Type:
        """The record of which an attribute is described by `known`."""
        assert self.keys is not None and self.items is not None
        pairs = zip(self.keys, self.items, strict=True)
        return replace(self, items=tuple(known if key == name else item for key, item in pairs))

    @property
    def holds_records(self) -> bool:
        """Is this a record, or may it hold one?"""
        return self.is_record or any(part.holds_records for part in self.parts)

    @property
    def holds_tuples(self) -> bool:
        """May there be tuples in a container of this type?"""
        return any(part.kind == "tuple" or part.holds_tuples for part in self.parts)

    @property
    def parts(self) -> list[Type]:
        """What is known of all that is in a container or an object."""
        found = [*(self.items or ()), *(known for _, known in self.entries or ())]
        return found if self.elem is None else [*found, self.elem]

    @property
    def is_scalar(self) -> bool:
        """An immutable number, Python's or NumPy's."""
        return self.kind in SCALARS

    @property
    def is_real(self) -> bool:
        """Known to be a real number or an array of reals (floats, integers or bools)."""
        dtype = self.numeric_dtype
        return dtype is not None and dtype.kind in "fiub"

    @property
    def is_integer(self) -> bool:
        """Known to hold integers or bools, which carry no cotangent."""
        dtype = self.numeric_dtype
        return dtype is not None and dtype.kind in "iub"

    @property
    def numeric_dtype(self) -> np.dtype | None:
        return PYTHON_DTYPES.get(self.kind, self.dtype)

    def __str__(self) -> str:
        if self.kind == "array":
            shape = "?" if self.shape is None else f"({', '.join(map(str, self.shape))})"
            return f"array[{self.dtype or '?'}]{shape}"
        if self.kind == "tuple" and self.items is not None:
            return f"tuple[{', '.join(map(str, self.items))}]"
        if self.kind == "list":
            return f"list[{self.elem or '?'}]"
        if self.kind == "number":
            return f"number[{self.dtype or '?'}]"
        return self.kind


SCALARS = frozenset({"bool", "int", "float", "complex", "number"})
PYTHON_DTYPES = {
    "bool": np.dtype(bool), "int": np.dtype(np.int64), "float": np.dtype(np.float64),
    "complex": np.dtype(np.complex128),
}  # fmt: skip

UNKNOWN = Type()
NONE = Type("none")
BOOL, INT, FLOAT = Type("bool"), Type("int"), Type("float")
COMPLEX, STR = Type("complex"), Type("str")
RANGE = Type("range", elem=INT)
OBJECT = Type("object")


def number(dtype: np.dtype | None = None) -> Type:
    return Type("number", dtype=dtype)


def array(dtype: np.dtype | None = None, shape: tuple[Size, ...] | None = None) -> Type:
    return Type("array", dtype=dtype, shape=shape)


def not_one(size: Size) -> bool:
    """Is this length proved to differ from 1?"""
    return size != 1 if isinstance(size, int) else not size.maybe_one


def minus(size: Size, k: int) -> Size:
    """The length that remains when `k` elements are cut off: `max(0, size - k)`."""
    if isinstance(size, int):
        return max(0, size - k)
    return size if k == 0 else Dim(size.name, size.minus + k)


def article(kind: str) -> str:
    """A kind of value as a sentence speaks of one: `an array`, `a list`."""
    return f"{'an' if kind[:1] in 'aeiou' else 'a'} {'unknown value' if kind == 'unknown' else kind}"


def type_of_constant(value: object) -> Type:
    """The fact that a constant is itself.

    >>> str(type_of_constant(2.0)), str(type_of_constant(np.ones((2, 3))))
    ('float', 'array[float64](2, 3)')
    """
    if value is None:
        return NONE
    for known, cls in ((BOOL, bool), (INT, int), (FLOAT, float), (COMPLEX, complex), (STR, str)):
        if type(value) is cls or isinstance(value, enum.Enum) and isinstance(value, cls):
            return known
    if isinstance(value, np.generic):
        return number(value.dtype)
    if isinstance(value, np.ndarray):
        return array(value.dtype, value.shape)
    if isinstance(value, tuple):
        return Type("tuple", items=tuple(type_of_constant(v) for v in value))
    if isinstance(value, range):
        return RANGE
    if isinstance(value, (np.random.Generator, np.random.RandomState)):
        return Type("object", cls=type(value))
    if type(value).__module__.startswith("scipy.sparse"):
        return Type("object", dtype=getattr(value, "dtype", None), cls=type(value))
    return OBJECT


def join(a: Type, b: Type) -> Type:
    """What is known of a value that is described by `a` on one path and by `b` on the other.

    >>> str(join(FLOAT, number(np.dtype(np.float64)))), str(join(array(None, (2,)), array(None, (3,))))
    ('number[float64]', 'array[?](~)')
    """
    if a == b:
        return a
    if a.kind == "unbound":
        return replace(b, maybe_unbound=True)
    if b.kind == "unbound":
        return replace(a, maybe_unbound=True)
    if a.maybe_unbound or b.maybe_unbound:
        return replace(
            join(replace(a, maybe_unbound=False), replace(b, maybe_unbound=False)), maybe_unbound=True
        )
    if a.kind in SCALARS and b.kind in SCALARS:
        return number(_common(a.numeric_dtype, b.numeric_dtype) or _real_or_none(a, b))
    if a.kind != b.kind or a.kind == "unknown":
        kinds = {t.cls if t.may_be_row else {"tuple": tuple, "list": list}.get(t.kind) for t in (a, b)}
        return Type(cls=tuple) if tuple in kinds else Type(cls=list) if list in kinds else UNKNOWN
    if a.kind == "array":
        dtype, layout = _common(a.dtype, b.dtype), a.layout if a.layout == b.layout else ""
        if a.shape is None or b.shape is None or len(a.shape) != len(b.shape):
            return replace(array(dtype, None), layout=layout)
        return replace(array(dtype, tuple(map(_join_size, a.shape, b.shape))), layout=layout)
    if a.kind == "tuple" and a.items is not None and b.items is not None and len(a.items) == len(b.items):
        items = tuple(map(join, a.items, b.items))
        pairs = zip(a.items, b.items, items, strict=True)
        grown = any(both.kind == "unknown" and "tuple" in (x.kind, y.kind) for x, y, both in pairs)
        return Type("tuple", items=None if grown else items)  # of any depth: `n = (v, n)`
    if a.kind == "list":
        elem = b.elem if a.elem is None else a.elem if b.elem is None else join_items(a.elem, b.elem)
        return Type("list", elem=elem)
    if a.kind == "dict":
        elem = b.elem if a.elem is None else a.elem if b.elem is None else join(a.elem, b.elem)
        x, y = dict(a.entries or ()), dict(b.entries or ())
        both = tuple((k, join(x[k], y[k])) for k in x if k in y)
        return Type("dict", elem=elem, entries=both or None)
    if a.kind == "object" and a.cls is b.cls and a.keys == b.keys and a.items and b.items:
        return Type("object", items=tuple(map(join, a.items, b.items)), keys=a.keys, cls=a.cls)
    return Type(a.kind)


def join_items(a: Type, b: Type) -> Type:
    """As `join`, of items of a list: one that is None has not got its value yet."""
    for none, other in ((a, b), (b, a)):
        if none.kind == "none" and other.kind in ("list", "dict", "array", "object"):
            return replace(other, maybe_unbound=True)
    return join(a, b)


def join_names(a: Type, b: Type) -> Type:
    """As `join`, of what a name is: an object that is None on one path is one that may not be there."""
    for none, other in ((a, b), (b, a)):
        if none.kind == "none" and (other.is_record or other.kind == "tuple" and other.items):
            return replace(other, maybe_unbound=True)
    return join(a, b)


def element_of(known: Type) -> Type:
    """What is known of the items of a list, a tuple or a dict."""
    found = known.elem
    for item in known.items or ():
        found = item if found is None else join(found, item)
    return found or Type()


def _real_or_none(a: Type, b: Type) -> np.dtype | None:
    """An int on one path and a float on the other: a float64, as far as cotangents are concerned."""
    x, y = a.numeric_dtype, b.numeric_dtype
    if x is None or y is None:
        return None
    return (
        np.dtype(np.float64) if {x.str, y.str} == {np.dtype(np.float64).str, np.dtype(np.int64).str} else None
    )


def _common(a: np.dtype | None, b: np.dtype | None) -> np.dtype | None:
    return a if a is not None and b is not None and a.str == b.str else None


def _join_size(a: Size, b: Size) -> Size:
    if a == b:
        return a
    return Dim("~", 0, maybe_one=not (not_one(a) and not_one(b)))
