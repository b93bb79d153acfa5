"""Equality where objects are compared, or containers that hold some: by identity, by fields, by `__eq__`.

    p == q;  p in [q, r];  items.index(p)       the same object, if the class has no `__eq__`
    Vec(1.0, x) == Vec(y, 2.0)                  (1.0, x) == (y, 2.0), of a dataclass

An object that is put into a list of the graph is one of equal attributes from then on, so what compares by
identity is decided here or refused.
"""

from __future__ import annotations

import ast
import dataclasses
import operator
from typing import Any

from ..ir.graph import Atom, Const
from ..ir.types import BOOL, Type
from .arguments import class_attribute
from .containers import Containers
from .heap import Cell, Entries, Items, Obj, Ref, Tup, View, parts_of

_ALONE = frozenset({"str", "none", "range", "function"})


def by_identity(known: Type) -> bool:
    """Is there an object in what is of this type that equals itself alone, or whose class is not known?"""
    cls = known.cls
    alone = known.is_record and cls is not None and class_attribute(cls, "__eq__") is object.__eq__
    return alone or any(map(by_identity, known.parts))


class Equality(Containers):
    def holds_object(self, ref: Ref, seen: frozenset[Cell] = frozenset()) -> bool:
        """Is this an object, or a container with one inside?"""
        if self.class_of(ref) is not None:
            return True
        self.looked_into(ref)
        parts = parts_of(ref if isinstance(ref, Tup) else self.content(ref))
        if isinstance(ref, Obj):
            seen |= {ref.cell}
        inner = (part for part in parts if not (isinstance(part, Obj) and part.cell in seen))
        return any(self.holds_object(part, seen) for part in inner) or self.type_of(ref).holds_records

    def _compare(self, op: ast.cmpop, left: Ref, right: Ref, name: str) -> Ref:
        objects = self.class_of(left) is not None or self.class_of(right) is not None
        inside = not objects and (self.holds_object(left) or self.holds_object(right))
        if inside and isinstance(op, (ast.Eq, ast.NotEq)):
            same = self.equal(left, right)
            return same if isinstance(op, ast.Eq) else self.b.call(operator.not_, same, type=BOOL)
        return super()._compare(op, left, right, name)

    def _contains(self, left: Ref, right: Ref, negated: bool) -> Ref:
        if self.class_of(right) is not None and self.special_method(right, "__contains__") is None:
            right = self.iterated_object(right) or right
        items = self.static_items(right)
        if items is not None and any(map(self.holds_object, (left, *items))):
            found = self._any_equal(items, left)
            return self.b.call(operator.not_, found, type=BOOL) if negated else found
        if self.class_of(right) is None:
            self.of_values(right, left)
        return super()._contains(left, right, negated)

    def _any_equal(self, items: tuple[Ref, ...], wanted: Ref) -> Atom:
        if not items:
            return Const(False)
        rest = items[1:]
        found = self.branch(
            self.equal(items[0], wanted), lambda: Const(True), lambda: self._any_equal(rest, wanted)
        )
        assert found is not None
        return self.atom(found)

    def of_values(self, container: Ref, wanted: Ref) -> None:
        """Refuse to look for an object in what is one value of the graph, where it is told by identity."""
        known, sought = self.type_of(container), self.type_of(wanted)
        if self.record_in(wanted) is not None and sought.is_record and not hasattr(sought.cls, "members"):
            return  # an item of a list, which is what it was there
        if self._told_by_identity(wanted) or sought.kind != "none" and by_identity(known):
            raise self.refuse(
                "an object is looked for in a list whose items are not known one by one",
                "Compare what tells the objects apart: `any(p.key == q.key for p in items)`.",
            )

    def equal(self, left: Ref, right: Ref) -> Atom:
        """`left is right or left == right`, as containers compare their items."""
        if left is right or isinstance(left, Obj) and isinstance(right, Obj) and left.cell is right.cell:
            return Const(True)
        if self.class_of(left) is not None or self.class_of(right) is not None:
            answer = self.compared(operator.eq, left, right, "")
            assert answer is not None
            return self.truth(answer)
        if not (self.holds_object(left) or self.holds_object(right)):
            return self._equal_values(left, right)
        some, others = self._items_in_order(left), self._items_in_order(right)
        if some is None or others is None:
            if (some is None and self._is_alone(left)) or (others is None and self._is_alone(right)):
                return Const(False)
            raise self.refuse(
                "containers of objects are compared that are not known item by item",
                "Compare what tells the objects apart, in a loop.",
            )
        if some[0] != others[0]:
            return Const(False)
        return self.all_equal(some[1], others[1])

    def _equal_values(self, left: Ref, right: Ref) -> Atom:
        if self._container(left) or self._container(right) or not self._is_alone(left, right):
            left, right = Tup((left,)), Tup((right,))  # which may hold one array
        return self.truth(super()._compare(ast.Eq(), left, right, ""))

    def _is_alone(self, *refs: Ref) -> bool:
        """Are these numbers or other plain values?"""
        return all(self.type_of(r).is_scalar or self.type_of(r).kind in _ALONE for r in refs)

    def _items_in_order(self, ref: Ref) -> tuple[Any, tuple[Ref, ...]] | None:
        """What a container must have in common with an equal one, and the items that are compared."""
        content = self.content(ref)
        if isinstance(content, Entries) and content.is_dict:
            order = sorted(content.entries, key=lambda entry: (str(type(entry[0])), repr(entry[0])))
            return (dict, tuple(key for key, _ in order)), tuple(item for _, item in order)
        if isinstance(content, Items):
            return (content.cls, len(content.items)), content.items
        items = self.static_items(ref)
        if items is None:
            return None
        listed = isinstance(ref, Const) and isinstance(ref.value, list)
        return (list if listed else tuple, len(items)), items

    def all_equal(self, left: tuple[Ref, ...], right: tuple[Ref, ...]) -> Atom:
        """Are the items equal, one by one? They are compared up to the first that are not."""
        if not left:
            return Const(True)
        found = self.branch(
            self.equal(left[0], right[0]), lambda: self.all_equal(left[1:], right[1:]), lambda: Const(False)
        )
        assert found is not None
        return self.atom(found)

    def by_fields(self, op: Any, static: Any, left: Ref, right: Ref) -> Ref:
        """Two objects of a dataclass are compared by the method that `dataclass` wrote."""
        cls = self.class_of(left)
        assert cls is not None
        owner = next(c for c in cls.__mro__ if static in vars(c).values())
        names = [f.name for f in dataclasses.fields(owner) if f.compare]
        some, others = (Tup(tuple(self.attribute(r, n) for n in names)) for r in (left, right))
        if op is operator.eq:
            return self.equal(some, others)
        if self.holds_object(some) or self.holds_object(others):
            raise self.refuse(
                f"objects of class `{cls.__name__}` are put in order, and have others inside",
                "Compare what the order goes by.",
            )
        return self.own(self.b.call(op, self.atom(some), self.atom(others), type=BOOL))

    # -- lists ----------------------------------------------------------------------------------------------

    def _equal(self, a: Ref, b: Ref) -> bool | None:
        if not (self.holds_object(a) or self.holds_object(b)):
            return super()._equal(a, b)
        known = self.b.constant(self.equal(a, b))
        if known is None and (self._told_by_identity(a) or self._told_by_identity(b)):
            raise self.refuse(
                "which of these objects is equal to it is known only when the program runs",
                "Compare them in a loop.",
            )
        return None if known is None else bool(known.value)

    def _told_by_identity(self, ref: Ref) -> bool:
        """As `by_identity`, of what a reference is to."""
        content = self.object_content(ref)
        if content is not None:
            return by_identity(self.record_type(content))
        parts = parts_of(ref if isinstance(ref, Tup) else self.content(ref))
        return any(map(self._told_by_identity, parts)) or by_identity(self.type_of(ref))

    def _count(self, items: tuple[Ref, ...], wanted: Ref) -> Ref:
        if not any(map(self.holds_object, (wanted, *items))):
            return super()._count(items, wanted)
        total: Atom = Const(0)
        for item in items:
            total = self.b.call(operator.add, total, self.equal(item, wanted))
        return total

    def grown_list_method(
        self, receiver: Obj | View, method: str, args: list[Ref], kwargs: dict[str, Ref], name: str
    ) -> Ref:
        if method in ("index", "count", "remove") and args:
            self.of_values(receiver, args[0])
        return super().grown_list_method(receiver, method, args, kwargs, name)

    # -- dicts ----------------------------------------------------------------------------------------------

    def no_key(self, base: Ref, key: Ref) -> None:
        if self.class_of(base) is None and self.type_of(base).kind == "dict" and self.holds_object(key):
            raise self.refuse(
                "an object is a key of a dict", "Give the objects numbers or names, and use these as keys."
            )

    def subscript(self, base: Ref, index: Ref, name: str = "") -> Ref:
        self.no_key(base, index)
        return super().subscript(base, index, name)

    def grown_dict_method(
        self, receiver: Obj | View, method: str, args: list[Ref], kwargs: dict[str, Ref], name: str
    ) -> Ref:
        if args and method in ("get", "pop", "setdefault"):
            self.no_key(receiver, args[0])
        return super().grown_dict_method(receiver, method, args, kwargs, name)
