"""Adding up what flows back; zeros that are never made until something needs them.

A cotangent is an atom of the program under construction, or a tuple of cotangents (with None where nothing
flows) for a value that is a tuple or a list known item by item.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from ..frontend.build import Builder
from ..ir.graph import (
    Atom,
    Const,
    For,
    Instr,
    Region,
    Step,
    Store,
    Value,
    pack_dict,
    pack_list,
    pack_object,
    pack_tuple,
    part_type,
)
from ..ir.types import FLOAT, INT, OBJECT, RANGE, SCALARS, Type, element_of, number
from ..ir.walk import reads
from ..rules.containers import part_of, sum_of, zeros_of

# Functions whose result is real, of whatever dtype it is.
REAL_VALUED = frozenset({
    np.real, np.imag, np.ndarray.real, np.ndarray.imag, np.abs, operator.abs, abs, np.angle, np.linalg.norm,
    np.linalg.vector_norm, np.linalg.matrix_norm,
})  # fmt: skip
NESTED = frozenset({"list", "tuple", "dict", "object"})
PLAIN = SCALARS | {"array"}
LATEST = 24  # how far back a cotangent that a rule made is looked for, to name it
Cotangent = Any  # Atom | tuple[Cotangent | None, ...]


class Cotangents:
    """The cotangent of each value that something has flowed back to."""

    def __init__(
        self, builder: Builder, varied: set[Value], complex: bool = False,
        sizes: frozenset[str] = frozenset(), many: bool = False,
    ) -> None:  # fmt: skip
        self.b = builder
        self.many = many  # is this to be done for many results, most of which most things do not reach?
        self.varied = varied
        self.complex = complex  # may a value of unknown dtype be complex?
        self.sizes = sizes  # the kinds of floats that arrays hold
        self.of: dict[Value, Cotangent] = {}
        self.renamed: dict[Value, Value] = {}
        self.pinned: set[Value] = set()  # the cotangents being handed on, which keep their names
        self.uncertain: set[Value] = set()  # what has no value on the path where a `try` was left
        self.formed: set[Value] = set()  # cotangents of unknown form that are not the number 0.0
        self.masked: set[Value] = set()  # cotangents that may be 0 because something was masked away

    def take(self, value: Value) -> Cotangent | None:
        return self.of.pop(value, None)

    def add(self, atom: Atom, ct: Cotangent | None) -> None:
        """What flows back to `atom` grows by `ct`."""
        if ct is None or not isinstance(atom, Value) or atom not in self.varied:
            return
        if isinstance(ct, Const) and isinstance(ct.value, float) and ct.value == 0.0:
            return
        known = self.of.get(atom)
        if isinstance(ct, Value):
            ct = self.renamed.get(ct, ct)
        if not isinstance(ct, tuple):
            real = self.real(ct, atom)
            ct = self.named(ct, atom) if known is None and real is ct else real
        self.of[atom] = ct if known is None else self._sum(known, ct, atom)

    def named(self, ct: Atom, atom: Value) -> Atom:
        """The cotangent under the name `v_bar`, where it was just made, is not read and has no other."""
        made = self.b.defs.get(ct) if isinstance(ct, Value) else None
        if not isinstance(ct, Value) or ct.named or made is None or len(made.outs) != 1 or ct in self.pinned:
            return ct
        at = self._place(made, ct)
        if at is None:
            return ct
        renamed = Value(bar(atom), ct.type, named=atom.named)
        again = type(made)(**{**{s: getattr(made, s) for s in made.__slots__}, "outs": (renamed,)})
        self.b.body[at] = again
        self.b.defs[renamed] = again
        self.renamed[ct] = renamed
        if ct in self.masked:
            self.masked.add(renamed)
        return renamed

    def _place(self, made: Instr, ct: Value) -> int | None:
        """Where among the latest instructions it was made, if none of those after it reads it."""
        for at in range(len(self.b.body) - 1, max(len(self.b.body) - LATEST, -1), -1):
            if self.b.body[at] is made:
                return at
            if ct in reads(self.b.body[at]):
                return None
        return None

    def real(self, ct: Atom, atom: Value) -> Atom:
        """The cotangent of a real value is real."""
        dtype = ct.type.numeric_dtype
        may_be_complex = self.complex if dtype is None else dtype.kind == "c"
        real = atom.type.is_real or self.b.made_by(atom, *REAL_VALUED) is not None
        if not may_be_complex or not real or ct.type.kind in ("list", "tuple", "object"):
            return ct
        if self.b.made_by(ct, np.real) is not None:
            return ct
        return self.b.call(np.real, ct, name=bar(atom))

    def _sum(self, a: Cotangent, b: Cotangent, atom: Value) -> Cotangent:
        if isinstance(a, tuple) and isinstance(b, tuple):
            kinds = atom.type.items or (element_of(atom.type),) * len(a)
            return tuple(
                y if x is None else x if y is None else self._sum(x, y, Value(atom.name, kind, atom.named))
                for x, y, kind in zip(a, b, kinds, strict=True)
            )
        if isinstance(a, tuple) or isinstance(b, tuple):
            count = len(a if isinstance(a, tuple) else b)
            known = atom.type.items
            return self._sum(self.parts(a, count, known), self.parts(b, count, known), atom)
        if self._nested(a, b, atom):
            return self.plus(a, b, atom)
        total = self.named(self.b.call(operator.add, a, b), atom)
        if isinstance(total, Value) and (a in self.masked or b in self.masked):
            self.masked.add(total)
        return total

    def parts(
        self, ct: Cotangent, count: int, kinds: tuple[Type, ...] | None = None
    ) -> tuple[Cotangent | None, ...]:
        """The cotangent of a container of `count` items, of these kinds, item by item."""
        if isinstance(ct, tuple):
            return ct
        return tuple(self.part(ct, k, Type() if kinds is None else kinds[k]) for k in range(count))

    def part(self, ct: Atom, k: int, known: Type) -> Atom:
        """The cotangent of item `k`, of a container whose cotangent is `ct`."""
        told = known.kind in NESTED or known.is_scalar and known.is_real
        kind = OBJECT if known.kind == "object" else mirror(known) if told else Type()
        if ct.type.kind != "unknown":
            return self.b.call(operator.getitem, ct, Const(k), type=kind)
        nested = known.kind in NESTED or known.may_be_row
        found = self.b.call(part_of, ct, Const(k), type=Type(cls=tuple) if nested else Type())
        if isinstance(found, Value):
            self.masked.add(found)
        return found

    def _nested(self, a: Atom, b: Atom, atom: Atom) -> bool:
        """Are these, or what they are the cotangents of, lists or tuples, or may they be?"""
        listed = any(self._listed(ct) or ct.type.may_be_row for ct in (a, b))
        return listed or atom.type.kind in NESTED or atom.type.may_be_row

    @staticmethod
    def _listed(ct: Atom) -> bool:
        return ct.type.kind == "list"

    def plus(self, a: Atom, b: Atom, atom: Value) -> Atom:
        """The sum of two cotangents of a value that may be a container."""
        kind = atom.type.kind
        if kind == "list" and element_of(atom.type).kind in PLAIN:
            return self._sum_of_lists(a, b, atom)
        if self._nested(a, b, atom):
            return self.b.call(sum_of, a, b, name=bar(atom), type=mirror(atom.type))
        if PLAIN.isdisjoint((kind, a.type.kind, b.type.kind)):  # of lists, `+` would make one
            return self.b.call(sum_of, a, b, name=bar(atom) if atom.named else "", type=OBJECT)
        return self.b.call(operator.add, a, b)

    def _sum_of_lists(self, a: Atom, b: Atom, atom: Value) -> Atom:
        """Two lists of cotangents, added item by item."""
        elem = element_of(atom.type)
        inner = Type("list", elem=element_of(elem)) if elem.kind in ("tuple", "list") else Type()
        if elem.kind in SCALARS:
            inner = mirror(elem)
        x, y = (Value("item_bar", inner) for _ in range(2))
        with self.b.region() as body:
            total = self._sum(x, y, Value("item", elem))
        out = Value(bar(atom), Type("list", elem=total.type if elem.kind in SCALARS else Type()), True)
        region = Region((x, y), tuple(body), (Const(False), total))
        self.b.emit(For((out,), (a, b), (), region, 1, False, self.b.line, object()))
        return out

    def whole(self, ct: Cotangent, atom: Value) -> Atom:
        """The cotangent as one atom: the items of a tuple are packed, absent ones are zeros."""
        if not isinstance(ct, tuple):
            assert isinstance(ct, (Const, Value))
            return self.as_list(ct, atom) if atom.type.kind == "list" and ct.type.kind == "array" else ct
        kinds = atom.type.items or (Type(),) * len(ct)
        made = self.b.made_by(atom, pack_list, pack_tuple)
        inner = made.args if made is not None else (Const(None),) * len(ct)
        parts = [
            self._part(part, arg if isinstance(arg, Value) else self._read(atom, k, kind, part), kind)
            for k, (part, arg, kind) in enumerate(zip(ct, inner, kinds, strict=True))
        ]
        return self.b.call(pack_list, *parts, name=bar(atom))

    def as_list(self, ct: Atom, atom: Value) -> Atom:
        """The cotangent of a list, of which what reads it as an array has told an array."""
        count = self.b.call(len, ct, type=INT)
        numbers = self.b.call(range, count, type=RANGE)
        k = Value("k", INT)
        with self.b.region() as body:
            item = self.b.call(operator.getitem, ct, k)
        out = Value(bar(atom), Type("list", elem=item.type), True)
        region = Region((k,), tuple(body), (Const(False), item))
        self.b.emit(For((out,), (numbers,), (), region, 1, False, self.b.line, object()))
        return out

    def told(self, ct: Cotangent, made: Value) -> Cotangent:
        """The cotangent of a list or an object that was just made, which is not the number 0.0."""
        if isinstance(ct, tuple) or ct.type.kind in ("list", "tuple", "array"):
            return ct
        return self.b.call(sum_of, self.zero(made), ct, name=bar(made), type=mirror(made.type))

    def _read(self, atom: Atom, k: int, known: Type, part: Cotangent | None) -> Value | None:
        """An item to which nothing flows back, whole or in parts, and whose zeros are not a number."""
        told = part is not None and not isinstance(part, tuple)
        if told or known.kind not in NESTED | {"array"} or atom.type.items is None:
            return None
        read = getattr if atom.type.kind == "object" else operator.getitem
        key = k if atom.type.keys is None else atom.type.keys[k]
        item = self.b.call(read, atom, Const(key), type=known)
        return item if isinstance(item, Value) else None

    def _part(self, part: Cotangent | None, item: Value | None, known: Type) -> Atom:
        if part is None:
            return self.zero(item) if item is not None else Const(0.0)
        return self.whole(part, item if item is not None else Value("item", known))

    def zero(self, value: Value, bound: bool = False) -> Atom:
        """The cotangent of a value to which nothing has flowed back, `bound` where it is sure to have one."""
        kind = value.type.kind
        if kind in ("object", "tuple") and value.type.items and all(t.is_scalar for t in value.type.items):
            return self.b.call(pack_list, *(Const(0.0) for _ in value.type.items))
        if not bound and (value in self.uncertain or value.type.maybe_unbound):
            return Const(0.0)
        if kind == "array":
            out = self.b.call(np.zeros_like, value, name=bar(value))
            assert isinstance(out, Value)
            self.masked.add(out)
            return out
        made = self.b.made_by(value, pack_list, pack_tuple, pack_object)
        if made is not None:
            parts = made.args[2:] if made.fn is pack_object else made.args
            return self.b.call(
                pack_list, *(self.zero(a) if isinstance(a, Value) else Const(0.0) for a in parts)
            )
        if kind == "dict":
            return self.b.call(pack_dict, Const(()), name=bar(value), type=mirror(value.type))
        if value.type.is_record:
            return self.b.call(pack_list, *map(self.zero, attributes_of(self.b, value)), name=bar(value))
        if kind == "list" and element_of(value.type).holds_records:
            return for_each(self.b, value, self.zero, bar(value))
        if kind in ("list", "tuple") and element_of(value.type).kind not in SCALARS:
            zeros = self.b.call(zeros_of, value, name=bar(value), type=mirror(value.type))
            if isinstance(zeros, Value):
                self.masked.add(zeros)
            return zeros
        if kind in ("list", "tuple"):
            count = self.b.call(len, value)
            zeros = self.b.call(pack_list, Const(0.0), type=Type("list", elem=FLOAT))
            return self.b.call(operator.mul, zeros, count, name=bar(value), type=Type("list", elem=Type()))
        return Const(0.0)


def attributes_of(b: Builder, record: Value) -> list[Value]:
    """The attributes of an object, in the order of its class."""
    assert record.type.keys is not None and record.type.items is not None
    pairs = zip(record.type.keys, record.type.items, strict=True)
    found = [b.call(getattr, record, Const(key), type=known) for key, known in pairs]
    return [part for part in found if isinstance(part, Value)]


def for_each(b: Builder, items: Atom, make: Callable[[Value], Atom], name: str) -> Value:
    """The list of what is made of each item of a list."""
    item = Value("item", element_of(items.type))
    with b.region() as body:
        made = make(item)
    out = Value(name, Type("list", elem=made.type), True)
    region = Region((item,), tuple(body), (Const(False), made))
    b.emit(For((out,), (items,), (), region, 1, False, b.line, object()))
    return out


def mirror(known: Type) -> Type:
    """What is known of the cotangent of a value, a full one."""
    if known.is_record and known.items is not None:  # that of an array may be the number 0.0
        parts = (Type() if item.kind == "array" else mirror(item) for item in known.items)
        return Type("list", items=tuple(parts))
    if known.kind in ("float", "number") and known.is_real:
        return number(np.dtype(np.float64))
    if known.kind == "array" or known.may_be_row:
        return known
    if known.kind in ("list", "tuple"):
        elem = element_of(known)
        return Type("list", elem=Type() if elem.kind == "unknown" else mirror(elem))
    return Type("dict", elem=mirror(known.elem or Type())) if known.kind == "dict" else Type()


def mirrored(known: Type, path: tuple[Step, ...]) -> tuple[Step, ...]:
    """The way to the cotangent of a part of a value: that of an object is a list, in its class's order."""
    steps: list[Step] = []
    for k, step in enumerate(path):
        held = part_type(known, path[:k])
        if held.is_record and step.fn is getattr:
            step = Step(operator.getitem, (place_of(held, step.args[0]),))
        steps.append(step)
    return tuple(steps)


def way_back(instr: Store) -> tuple[Step, ...]:
    """The way to the cotangent of what a store changes, in that of its target."""
    return mirrored(instr.outs[0].type, instr.path)


def place_of(record: Type, name: Atom) -> Const:
    """Where in the cotangent of an object that of an attribute is."""
    assert record.keys is not None and isinstance(name, Const)
    return Const(record.keys.index(name.value))


def changed_kind(instr: Store) -> str:
    """The kind of what is changed, which a method of lists or dicts tells where its type does not."""
    owner = getattr(instr.fn, "__objclass__", None)
    if owner is list or owner is dict:
        return owner.__name__
    return part_type(instr.outs[0].type, instr.path).kind


def bar(value: Value) -> str:
    """The name of a value's cotangent."""
    return f"{value.name}_bar"


def cotangent_type(known: Type) -> Type:
    """What is known of the cotangent that a caller hands in."""
    if known.maybe_unbound and known.kind == "array":
        return Type()  # of what has no value it is a number: nothing flows
    if known.kind in ("float", "complex"):
        return number(np.dtype(known.numeric_dtype))
    if known.kind in ("tuple", "object"):
        return Type("list", elem=Type())
    if known.kind == "dict" or known.kind == "list" and known.holds_records:
        return mirror(known)
    return known if known.kind in ("array", "number", "list") or known.may_be_row else Type()
