"""The tangent of each value that has one, and the zeros that stand for those that have none.

A tangent has the form of its value: an array of its shape, a list of as many, a dict of the same keys. It is
an atom of the program under construction, or, for a value that was just put together, a tuple of the
tangents of its parts (None where a part has none), which is made into one when something reads it whole.
"""

from __future__ import annotations

import operator
from dataclasses import replace
from typing import Any

import numpy as np

from ..analysis.shapes import broadcast_axes
from ..errors import NoRule
from ..frontend.build import Builder
from ..ir.graph import (
    Atom,
    Call,
    Const,
    Instr,
    Value,
    maker_of,
    pack_dict,
    pack_list,
    pack_object,
    pack_tuple,
)
from ..ir.text import function_name
from ..ir.types import OBJECT, SCALARS, Type, element_of
from ..ir.walk import reads
from ..rules.broadcast import broadcast_like
from ..rules.containers import zeros_of
from ..rules.register import Unknown
from ..rules.solvers import SOLVERS
from .cotangents import REAL_VALUED, attributes_of, for_each

Tangent = Any  # Atom | tuple[Tangent | None, ...]
PACKED = (pack_tuple, pack_list, pack_dict, pack_object)


class Tangents:
    """The tangent of each value that a direction moves."""

    def __init__(self, builder: Builder, complex: bool = False, many: bool = False) -> None:
        self.b = builder
        self.many = many  # is this to be done for many directions, most of which leave most things unmoved?
        self.complex = complex  # may a value of unknown dtype be complex?
        self.of: dict[Value, Tangent] = {}
        self.masked: set[Atom] = set()  # tangents that may be 0 where a partial is infinite

    def get(self, atom: Atom) -> Tangent | None:
        return self.of.get(atom) if isinstance(atom, Value) else None

    def has(self, atom: Atom) -> bool:
        return isinstance(atom, Value) and atom in self.of

    def set(self, value: Value, tangent: Tangent | None, since: int) -> None:
        """`tangent` is that of `value`; made after the first `since` instructions, it is named after it."""
        if tangent is None:
            return
        if isinstance(tangent, list):
            tangent = tuple(tangent)
        if not isinstance(tangent, tuple):
            if isinstance(tangent, Const) and isinstance(tangent.value, float) and tangent.value == 0.0:
                return
            tangent = self.named(self.real(tangent, value), value, since)
        self.of[value] = tangent

    def named(self, tangent: Atom, value: Value, since: int) -> Atom:
        """The tangent under the name `v_dot`, where it was just made and has no name yet."""
        if not isinstance(tangent, Value) or tangent.named:
            return tangent
        for at in range(len(self.b.body) - 1, since - 1, -1):
            made = self.b.body[at]
            if tangent in made.outs:
                break
            if tangent in reads(made):
                return tangent
        else:
            return tangent
        renamed = Value(dot(value), tangent.type, named=value.named)
        outs = tuple(renamed if out is tangent else out for out in made.outs)
        again: Instr = replace(made, outs=outs)
        self.b.body[at] = again
        if isinstance(again, Call) or len(outs) == 1:
            self.b.defs[renamed] = again  # type: ignore[assignment]
        if tangent in self.masked:
            self.masked.add(renamed)
        return renamed

    def real(self, tangent: Atom, value: Value) -> Atom:
        """The tangent of a real value is real."""
        dtype = tangent.type.numeric_dtype
        may_be_complex = self.complex if dtype is None else dtype.kind == "c"
        real = value.type.is_real or self.b.made_by(value, *REAL_VALUED) is not None
        plain = tangent.type.kind in SCALARS | {"array", "unknown"}
        if not may_be_complex or not real or not plain or self.b.made_by(tangent, np.real) is not None:
            return tangent
        return self.b.call(np.real, tangent)

    # -- in full --------------------------------------------------------------------------------------------

    def whole(self, atom: Atom) -> Atom:
        """The tangent of an atom as one value: packed where it was in parts, zeros where there is none."""
        found = self.get(atom)
        if found is None:
            return self.zero(atom)
        assert isinstance(atom, Value)
        if isinstance(found, tuple):
            return self.packed(atom, found)
        assert isinstance(found, (Const, Value))
        return self.known(found, atom)

    def known(self, tangent: Atom, atom: Atom) -> Atom:
        """The tangent of an atom; refused if a rule said that it does not know this part of its result."""
        if isinstance(tangent, Const) and isinstance(tangent.value, Unknown):
            name = atom.name if isinstance(atom, Value) else "this part"
            made = self.b.defs.get(atom) if isinstance(atom, Value) else None
            raise NoRule(
                f"no tangent is known for `{name}`: {tangent.value.reason}",
                self.b.line if made is None else made.line,
                f"Keep `{name}` constant: `stop_gradient({name})`.",
            )
        return tangent

    def packed(self, value: Value, parts: tuple[Tangent | None, ...]) -> Atom:
        made = self.b.made_by(value, *PACKED)
        solved = self.b.made_by(value, *(fn for fn, solver in SOLVERS.items() if solver.fields))
        if solved is not None:
            names = " or ".join(f"`.{name}`" for name in SOLVERS[solved.fn].names)
            raise NoRule(
                f"the result of `{function_name(solved.fn)}` is handed on as a whole, and has no tangent",
                solved.line,
                f"Hand on its {names}.",
            )
        if made is None:
            filled = [self._part(part, Const(0.0)) for part in parts]
            pack = pack_list if value.type.kind == "list" else pack_tuple
            return self.b.call(pack, *filled, name=dot(value))
        head = _head(made)
        filled = [self._part(part, item) for part, item in zip(parts, made.args[len(head) :], strict=True)]
        return self.b.call(made.fn, *head, *filled, name=dot(value), type=value.type)

    def _part(self, part: Tangent | None, item: Atom) -> Atom:
        if part is None:
            return self.zero(item)
        if isinstance(part, tuple):
            return self.packed(item if isinstance(item, Value) else Value("item"), part)
        assert isinstance(part, (Const, Value))
        return self.known(part, item)

    def zero(self, atom: Atom) -> Atom:
        """The tangent of what no direction moves."""
        if isinstance(atom, Const):
            if isinstance(atom.value, np.ndarray):
                return self.b.call(np.zeros_like, atom)
            numeric = isinstance(atom.value, (int, float, complex, np.number))
            return Const(0.0) if numeric else atom
        kind = atom.type.kind
        if kind in SCALARS:
            return Const(0.0)
        made = self.b.made_by(atom, *PACKED)
        if made is not None:
            head = _head(made)
            items = [self.zero(item) for item in made.args[len(head) :]]
            return self.b.call(made.fn, *head, *items, name=dot(atom), type=atom.type)
        if kind in ("str", "none", "function", "range"):
            return Const(None)
        if atom.type.is_record:
            assert atom.type.keys is not None and atom.type.cls is not None
            parts = map(self.zero, attributes_of(self.b, atom))
            head = Const(maker_of(atom.type.cls)), Const(atom.type.keys)
            return self.b.call(pack_object, *head, *parts, name=dot(atom), type=tangent_type(atom.type))
        if kind == "list" and element_of(atom.type).is_record:
            return for_each(self.b, atom, self.zero, dot(atom))
        if kind == "unbound":
            return Const(0.0)  # where there is no such value, there is none to ask for its form
        if kind == "array":
            out = self.b.call(np.zeros_like, atom, name=dot(atom))
        else:
            out = self.b.call(zeros_of, atom, name=dot(atom), type=tangent_type(atom.type))
        self.masked.add(out)
        return out

    def spread(self, tangent: Atom, value: Value) -> Atom:
        """The tangent of a result that its operands were broadcast to, in the shape of that result."""
        known, wanted = tangent.type, value.type
        if wanted.is_scalar:
            return tangent
        if known.kind == wanted.kind == "array" and broadcast_axes(wanted, known) == ((), ()):
            return tangent
        masked = tangent in self.masked
        if wanted.kind == "array" and known.is_scalar:
            tangent = self.b.call(np.full_like, value, tangent)
        elif wanted.kind == "array":
            shape = self.b.call(np.ndarray.shape, value)
            tangent = self.b.call(np.broadcast_to, tangent, shape)
        else:
            form = replace(wanted, dtype=known.numeric_dtype, layout="")
            tangent = self.b.call(broadcast_like, tangent, value, type=form)
        if masked:
            self.masked.add(tangent)
        return tangent


def _head(made: Call) -> tuple[Atom, ...]:
    """What a packing call takes before the items: the keys of a dict, the class and fields of an object."""
    return made.args[: {pack_dict: 1, pack_object: 2}.get(made.fn, 0)]


def tangent_type(known: Type) -> Type:
    """What is known of the tangent of a value, a full one."""
    if known.kind == "object" and known.keys is not None and known.items is not None:
        return replace(known, items=tuple(map(tangent_type, known.items)))
    if known.kind == "object":
        return OBJECT  # a container: what a function saved
    return known if known.kind in ("float", "number", "array", "list", "dict", "tuple") else Type()


def dot(value: Atom) -> str:
    """The name of a value's tangent."""
    return f"{value.name}_dot" if isinstance(value, Value) else "dot"


def plus(b: Builder, terms: list[Atom]) -> Atom | None:
    """The sum of what each argument contributes."""
    total: Atom | None = None
    for term in terms:
        total = term if total is None else b.call(operator.add, total, term)
    return total
