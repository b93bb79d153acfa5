"""Objects of several classes in one place: which class one is of is told when the program runs.

    shapes.append(Circle(x) if x > 1 else Square(x))     shapes.append(SimpleNamespace(of=0, r=x, side=0.0))
    total += shapes[k].area()                            if shapes[k].of == 0: ...   else: ...

Classes whose objects meet, in a list, under a name or round a loop, are a family. Which do is not known
before they have met: the program is read again then, and each of their objects is one of the family from the
start. It has the attributes of all the classes, and the number of its own. Where that number is known, as it
is of an object that has met no other, nothing is asked when the program runs.
"""

from __future__ import annotations

import dataclasses
import functools
import operator
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..ir.graph import Atom, Call, Const, Value, raise_error
from ..ir.types import BOOL, INT, Type, join
from ..rules.queues import Queue
from ..rules.sets import Members
from .arguments import NOTHING, class_attribute
from .heap import Bound, Cell, Entries, Items, Obj, Ref, Tup, View
from .objects import Objects

TAG = "of"


class MeetingError(Exception):
    """Objects of these classes meet, which are no family so far."""

    def __init__(self, *records: Type) -> None:
        super().__init__(*(r.cls.__name__ for r in records if r.cls is not None))
        self.records = records


@dataclass(frozen=True, slots=True, eq=False)
class Family:
    """Classes of which an object is one; `cls` stands for them.

    `kinds` says what is known of each attribute, `own` which of them an object of each class has.
    """

    cls: type
    members: tuple[type, ...]
    tag: str
    kinds: dict[str, Type]
    own: tuple[frozenset[str], ...]

    def has(self, member: type, attr: str) -> bool:
        """Does an object of this class of the family have such an attribute?"""
        own = attr in self.own[self.members.index(member)]
        return own or class_attribute(member, attr) is not NOTHING


@functools.cache
def _standing_for(members: tuple[type, ...]) -> type:
    return type("Or".join(m.__name__ for m in members), (), {"members": members})


def with_met(families: tuple[Family, ...], records: tuple[Type, ...]) -> tuple[Family, ...]:
    """The families after these records have met."""
    known: dict[type, Type] = {}
    rest: list[Family] = []
    for family in families:
        if any(r.cls is family.cls or r.cls in family.members for r in records):
            for member, mine in zip(family.members, family.own, strict=True):
                keys = tuple(k for k in family.kinds if k in mine)
                known[member] = Type(
                    "object", keys=keys, items=tuple(family.kinds[k] for k in keys), cls=member
                )
        else:
            rest.append(family)
    for record in records:
        if record.cls is not None and not hasattr(record.cls, "members"):
            known.setdefault(record.cls, record)
    kinds: dict[str, Type] = {}
    for record in known.values():
        for key, kind in zip(record.keys or (), record.items or (), strict=True):
            kinds[str(key)] = join(kinds[str(key)], kind) if key in kinds else kind
    tag = TAG
    while tag in kinds:
        tag += "_"
    members = tuple(known)
    own = tuple(frozenset(map(str, record.keys or ())) for record in known.values())
    return (*rest, Family(_standing_for(members), members, tag, kinds, own))


class Families(Objects):
    def meet(self, a: Type, b: Type) -> None:
        """Are objects of several classes described by these two types? Then they are a family."""
        if a.is_record and b.is_record:
            known = self.family_of(a.cls)
            if {a.cls, b.cls} & {Queue, Members}:
                return
            if a.cls is not b.cls and (known is None or known is not self.family_of(b.cls)):
                if not any(issubclass(r.cls, tuple) for r in (a, b) if r.cls is not None):
                    raise MeetingError(a, b)
            return
        if a.kind == b.kind and a.kind in ("list", "dict"):
            for x in (*(a.items or ()), *((a.elem,) if a.elem else ())):
                for y in (*(b.items or ()), *((b.elem,) if b.elem else ())):
                    self.meet(x, y)

    def family_of(self, cls: type | None) -> Family | None:
        """The family that a class stands for, or is of."""
        families: tuple[Family, ...] = self.unit.session.families
        for family in families:
            if cls is family.cls or cls in family.members:
                return family
        return None

    # -- making one -----------------------------------------------------------------------------------------

    def instantiate(self, cls: type, args: list[Ref], kwargs: dict[str, Ref], name: str) -> Ref:
        made = super().instantiate(cls, args, kwargs, name)
        content = self.content(made)
        if isinstance(made, Obj) and isinstance(content, Entries) and self.family_of(content.cls) is not None:
            self.state.heap[made.cell] = self.as_family(content)
        return made

    def as_family(self, content: Entries) -> Entries:
        """An object as one of its family: it has the attributes of the other classes too."""
        family = self.family_of(content.cls)
        if family is None or content.cls is family.cls or content.handle is not None:
            return content
        here = dict(content.entries)
        extra = [key for key in here if key not in family.kinds and key != family.tag]
        if extra:
            raise self.refuse(
                f"not all objects of class `{content.cls.__name__}` have the attribute `{extra[0]}`",
                "Give the objects of a class the same attributes in `__init__`.",
            )
        entries: list[tuple[str, Ref]] = [(family.tag, Const(family.members.index(content.cls)))]
        for key, kind in family.kinds.items():
            entries.append((key, here[key] if key in here else self._absent(kind)))
        return Entries(tuple(entries), None, family.cls)

    def _absent(self, kind: Type) -> Ref:
        """What stands for an attribute that the class does not have."""
        if kind.is_scalar:
            dtype = kind.numeric_dtype
            return Const(np.zeros((), dtype or float).item())
        if kind.kind == "array" and kind.rank is not None:
            shape = Const((0,) * kind.rank)
            return self.own(self.b.call(np.zeros, shape, Const(kind.dtype or np.dtype(float))))
        if kind.kind == "list":
            return self.state.new(Items(()))
        if kind.kind == "dict":
            return self.state.new(Entries(()))
        if kind.kind == "tuple" and kind.items is not None:
            return Tup(tuple(map(self._absent, kind.items)))
        if kind.is_record and kind.cls is not None and not issubclass(kind.cls, tuple):
            pairs = zip(kind.keys or (), kind.items or (), strict=True)
            return self.state.new(Entries(tuple((k, self._absent(t)) for k, t in pairs), None, kind.cls))
        return Const("" if kind.kind == "str" else None)

    # -- which it is ----------------------------------------------------------------------------------------

    def undecided(self, ref: Ref) -> Family | None:
        """The family of an object that may be of any class of it."""
        cls = self.class_of(ref)
        family = self.family_of(cls)
        return family if family is not None and cls is family.cls else None

    def by_class(self, ref: Obj | View, run: Callable[[Obj | View], Ref | None], name: str = "") -> Ref:
        """What `run` gives of the object, seen as one of the class that it is of."""
        family = self.undecided(ref)
        assert family is not None
        tag = self._tag(ref, family)

        def pick(k: int) -> Ref | None:
            if k == len(family.members) - 1:
                return self._seen_as(ref, family, k, run)
            return self.branch(
                self.is_member(tag, k), lambda: self._seen_as(ref, family, k, run), lambda: pick(k + 1), name
            )

        found = self._seen_as(ref, family, tag.value, run) if isinstance(tag, Const) else pick(0)
        return Const(None) if found is None else found

    def _tag(self, ref: Obj | View, family: Family) -> Atom:
        """The number of the class, read once of each version of the object."""
        content = self.content(ref) if isinstance(ref, Obj) else None
        if isinstance(content, Entries):
            return self.atom(content.get(family.tag) or Const(0))
        whole = self.whole(ref)
        known = self.unit.tags.get(whole)
        if known is None or not self.b.at_hand(known):
            known = self.b.call(getattr, whole, Const(family.tag), type=INT)
            self.unit.tags[whole] = known
        constant = self.b.constant(known)
        return known if constant is None else constant

    def is_member(self, tag: Atom, k: int) -> Atom:
        """Is the object with this number of the class `k` of its family?"""
        test = self.unit.tags.get((tag, k))
        if test is None or not self.b.at_hand(test):
            test = self.unit.tags[tag, k] = self.b.call(operator.eq, tag, Const(k), type=BOOL)
        return test

    def _seen_as(
        self, ref: Obj | View, family: Family, k: int, run: Callable[[Obj | View], Ref | None]
    ) -> Ref | None:
        member = family.members[k]
        if isinstance(ref, View):
            return run(replace(ref, type=replace(self.type_of(ref), cls=member)))
        content = self.content(ref)
        if not isinstance(content, Entries):
            whole = self.whole(ref)
            names = [key for key in family.kinds if key in family.own[k]]
            entries = []
            for key in names:
                part = self.own(
                    self.b.call(getattr, whole, Const(key), type=whole.type.attribute(key)), key
                )
                for cell in self.cells(part):
                    cell.outside = "an object of one of several classes is written"
                    self.found_inside(cell, {ref.cell})
                entries.append((key, part))
            seen = self.state.new(Entries(tuple(entries), None, member), ref.cell.name)
            seen.cell.outside = "an object of one of several classes is written"
            return run(seen)
        mine = tuple((key, r) for key, r in content.entries if key in family.own[k])
        self.state.heap[ref.cell] = replace(content, entries=mine, cls=member)
        result = run(ref)
        after = self.state.heap.get(ref.cell)
        if isinstance(after, Entries) and after.cls is member:
            others = {key: r for key, r in content.entries if key not in family.own[k]}
            whole_again = self.as_family(after)
            pairs = tuple((key, others.get(key, r)) for key, r in whole_again.entries)
            self.state.heap[ref.cell] = replace(whole_again, entries=pairs)
        return result

    def one_of(self, ref: Obj | View, classes: Any) -> Ref:
        """`isinstance(ref, classes)`."""
        family = self.undecided(ref)
        assert family is not None
        tag = self._tag(ref, family)
        found = [k for k, member in enumerate(family.members) if self.instance_of(member, classes)]
        if isinstance(tag, Const):
            return Const(tag.value in found)
        if len(found) in (0, len(family.members)):
            return Const(bool(found))

        def among(rest: list[int]) -> Ref | None:
            if len(rest) == 1:
                return self.is_member(tag, rest[0])
            return self.branch(self.is_member(tag, rest[0]), lambda: Const(True), lambda: among(rest[1:]))

        return among(found) or Const(False)

    # -- what is asked of it --------------------------------------------------------------------------------

    def object_attribute(self, ref: Obj | View, attr: str, name: str = "") -> Ref:
        family = self.undecided(ref)
        if family is None:
            cls = self.class_of(ref)
            mine = self.family_of(cls)
            if cls is not None and mine is not None and attr in mine.kinds and not mine.has(cls, attr):
                return self._lacking(cls, attr)
            return super().object_attribute(ref, attr, name)
        statics = [class_attribute(m, attr) for m in family.members]
        held = [attr in own for own in family.own]
        plain = all(held) and not any(map(_goes_first, statics))
        if plain:
            return super().object_attribute(ref, attr, name)
        if not any(held) and any(callable(s) and not isinstance(s, type) for s in statics):
            return Bound(ref, attr)
        return self.by_class(ref, lambda seen: self._attribute_of(seen, attr, name), name)

    def _attribute_of(self, seen: Obj | View, attr: str, name: str) -> Ref:
        cls = self.class_of(seen)
        family = self.family_of(cls)
        assert family is not None and cls is not None
        if not family.has(cls, attr) and attr != "__class__":
            return self._lacking(cls, attr)
        return self.object_attribute(seen, attr, name)

    def _lacking(self, cls: type, attr: str) -> Ref:
        """An attribute that objects of this class do not have is asked for."""
        error = self.b.call(AttributeError, Const(f"'{cls.__name__}' object has no attribute '{attr}'"))
        self.b.emit(Call((), raise_error, (error,), (), self.b.line))
        self.state.dead = True
        return Const(None)

    def set_attribute(self, ref: Ref, attr: str, value: Ref) -> None:
        family = self.undecided(ref)
        if family is None or not isinstance(ref, (Obj, View)):
            super().set_attribute(ref, attr, value)
            return
        if isinstance(ref, Obj) and not isinstance(self.content(ref), Entries):
            raise self.refuse(
                "an attribute of an object of one of several classes is written",
                "Write it through the list that it is in: `items[k].x = ...`.",
            )
        statics = [class_attribute(m, attr) for m in family.members]
        if all(attr in own for own in family.own) and not any(map(_goes_first, statics)):
            self._put(ref, attr, value)
            return

        def write(seen: Obj | View) -> Ref | None:
            Objects.set_attribute(self, seen, attr, value)
            return None

        self.by_class(ref, write)

    def special_method(self, ref: Ref, method: str) -> Ref | None:
        family = self.undecided(ref)
        if family is None:
            return super().special_method(ref, method)
        statics = [class_attribute(m, method) for m in family.members]
        base = getattr(object, method, NOTHING)
        if all(s is NOTHING or s is None or s is base for s in statics):
            return None
        return Bound(ref, method)

    def family_method(self, ref: Bound, args: list[Ref], kwargs: dict[str, Ref], name: str) -> Ref:
        """A method of an object of a family is called: that of its class is."""
        assert isinstance(ref.receiver, (Obj, View))

        def call(seen: Obj | View) -> Ref:
            fn = self._attribute_of(seen, ref.name, "")
            return fn if self.state.dead else self.invoke(fn, args, kwargs, name)

        return self.by_class(ref.receiver, call, name)

    def truth(self, ref: Ref) -> Atom:
        if self.undecided(ref) is None or not isinstance(ref, (Obj, View)):
            return super().truth(ref)
        return self.atom(self.by_class(ref, self.truth))

    def operated(self, op: Any, left: Ref, right: Ref, name: str, inplace: bool = False) -> Ref | None:
        """Whether an object has the method of an operator is asked of each class apart."""
        if self.undecided(left) is not None and isinstance(left, (Obj, View)):
            return self.by_class(left, lambda seen: self.operated(op, seen, right, name, inplace), name)
        if self.undecided(right) is not None and isinstance(right, (Obj, View)):
            return self.by_class(right, lambda seen: self.operated(op, left, seen, name, inplace), name)
        return super().operated(op, left, right, name, inplace)

    def compared(self, op: Any, left: Ref, right: Ref, name: str) -> Ref | None:
        for ref in (left, right):
            family = self.undecided(ref)
            if family is not None and any(dataclasses.is_dataclass(m) for m in family.members):
                names = " or ".join(f"`{m.__name__}`" for m in family.members)
                raise self.refuse(f"an object of class {names} is compared", "Compare their fields.")
        return super().compared(op, left, right, name)

    def widened(self, known: Type) -> Type:
        """What is known of an object seen as one of its class, as one of its family."""
        family = self.family_of(known.cls)
        return known if family is None else replace(known, cls=family.cls)

    def handed_out(self, ref: Ref) -> None:
        """Refuse to show an object of a family to others: it is of none of the classes of it."""
        for cell in self.cells(ref):
            content = self.state.heap.get(cell)
            cls = content.cls if isinstance(content, Entries) else None
            family = self.family_of(cls)
            for known in (content.type,) if isinstance(content, (Const, Value)) else ():
                family = family or self._family_in(known)
            if family is not None:
                names = " or ".join(f"`{m.__name__}`" for m in family.members)
                raise self.refuse(
                    f"an object of class {names}, one of several in one place, is handed out of the function",
                    "Hand out its attributes.",
                )

    def _family_in(self, known: Type) -> Family | None:
        """The family of an object that may be in a container of this type."""
        found = self.family_of(known.cls)
        for part in known.parts:
            found = found or self._family_in(part)
        return found

    def one_value(self, ref: Ref, inside: tuple[Cell, ...] = ()) -> Ref:
        self.handed_out(ref)
        return super().one_value(ref, inside)

    def packed_object(self, content: Entries) -> Atom:
        return super().packed_object(self.as_family(content))

    def record_type(self, content: Entries) -> Type:
        return super().record_type(self.as_family(content))


def _goes_first(static: Any) -> bool:
    """Is an attribute found, or written, by what the class holds under its name?"""
    return hasattr(type(static), "__set__") and type(static).__name__ != "member_descriptor"
