"""Lists, dicts, sets and tuples: what their methods and operators do to references known item by item.

    items.append(x); items[0] += 1          the list's cell holds other items: no instruction is needed
    p["w"] = p["w"] + 1                     so too, and where `p` is the caller's, `p["w"] = total` as well

A container whose items are not known one by one (grown in a loop, indexed by a number known at run time) is
one value of the graph, and each change of it a `Store`.
"""

from __future__ import annotations

import ast
import copy
import operator
import sys
from collections.abc import Set
from dataclasses import replace
from typing import Any

from ..errors import UndecidedAlias
from ..ir.graph import Atom, Call, Const, Method, Step, Value
from ..ir.types import BOOL, INT, Type, article, element_of, join, join_items
from ..rules.containers import keys_of, values_of
from ..rules.definitions import (
    cleared,
    first_taken_out,
    last_taken_out,
    moved_to_end,
    moved_to_front,
    updated,
    updated_by_pairs,
)
from ..rules.sets import Members, without_order
from .core import UnknownSetError, holds_objects
from .expressions import UNROLLED, Expressions, is_flat
from .heap import ITEM, Bound, Entries, Generated, Items, Obj, Ref, Sequence, Tup, View
from .iteration import iterated
from .keeping import KEPT


class Containers(Expressions):
    # -- contents -------------------------------------------------------------------------------------------

    def listed(self, ref: Ref) -> Items | None:
        """The content of a list or set that is known item by item."""
        content = self.content(ref)
        return content if isinstance(content, Items) else None

    def dicted(self, ref: Ref) -> Entries | None:
        """The content of a dict whose keys are known."""
        content = self.content(ref)
        return content if isinstance(content, Entries) and content.is_dict else None

    def change(self, ref: Obj, content: Items | Entries, fn: Any, *args: Ref) -> None:
        """Give a container another content; `fn(container, *args)` does so where the caller sees it."""
        if ref.cell in self.state.kept:
            raise UndecidedAlias(KEPT, self.b.line, "Change it before it is put into the list.")
        self.check_write(ref.cell, self.type_of(ref).kind, inside=False)
        if content.handle is not None:
            atoms = tuple(map(self.exposed, args))
            self.b.emit(Call((), fn, (content.handle, *atoms), (), self.b.line))
        self.state.heap[ref.cell] = content
        self.unit.written.add(ref.cell)

    def exposed(self, ref: Ref) -> Atom:
        """A reference's value as it is handed to the caller, who sees what is written into it from now on."""
        match ref:
            case Tup(items, cls):
                return self.built(cls, tuple(map(self.exposed, items)))
            case View():
                self.exposed(ref.base)
                return self.atom(ref)
            case Obj(cell):
                content = self.state.heap[cell]
                if not isinstance(content, (Items, Entries)):
                    if cell.outside and not cell.param:
                        raise UndecidedAlias(cell.outside.replace("written", "handed on"), self.b.line)
                    cell.param = True
                    return content
                if content.handle is None:
                    if isinstance(content, Items):
                        shown: Items | Entries = replace(
                            content, items=tuple(map(self._shown, content.items))
                        )
                    else:
                        pairs = tuple((k, self._shown(r)) for k, r in content.entries)
                        shown = replace(content, entries=pairs)
                    content = replace(shown, handle=self.pack(shown))
                    self.state.heap[cell] = content
                    cell.param = True
                assert content.handle is not None
                return content.handle
        return self.atom(ref)

    def _shown(self, ref: Ref) -> Ref:
        atom = self.exposed(ref)
        return atom if isinstance(ref, (Const, Value)) else ref

    # -- lists ----------------------------------------------------------------------------------------------

    def list_method(
        self, receiver: Obj, method: str, args: list[Ref], kwargs: dict[str, Ref], name: str
    ) -> Ref:
        content = self.listed(receiver)
        if content is None:
            return self.grown_list_method(receiver, method, args, kwargs, name)
        items = content.items
        at = [self.constant(a) for a in args]

        def become(new: tuple[Ref, ...], fn: Any, *given: Ref) -> Ref:
            self.change(receiver, replace(content, items=new), fn, *given)
            return Const(None)

        match method, args:
            case "append", [item]:
                return become((*items, item), list.append, item)
            case "extend", [more]:
                found = self.items_of(more)
                if found is not None:
                    return become(items + found, list.extend, self.state.new(Items(found)))
            case "insert", [_, item] if at[0] is not None:
                new = list(items)
                new.insert(at[0].value, item)
                return become(tuple(new), list.insert, at[0], item)
            case "pop", _ if all(a is not None for a in at) and len(args) < 2:
                place = at[0].value if at and at[0] is not None else -1
                if not -len(items) <= place < len(items) and self.unit.turning:
                    self.materialise(receiver.cell)  # in another turn there may be more
                    return self.grown_list_method(receiver, method, args, kwargs, name)
                if not -len(items) <= place < len(items):
                    raise self.refuse(f"index {place} is out of range for {len(items)} items")
                new = list(items)
                found_item = new.pop(place)
                become(tuple(new), list.pop, *args)
                return found_item
            case "remove", [item]:
                where = self._find(items, item, "remove")
                if where is not None:
                    return become(items[:where] + items[where + 1 :], operator.delitem, Const(where))
            case "index", [item]:
                where = self._find(items, item, "index")
                if where is not None:
                    return Const(where)
            case "count", [item]:
                return self._count(items, item)
            case "reverse", []:
                return become(items[::-1], list.reverse)
            case "clear", []:
                return become((), list.clear)
            case "copy", []:
                return self.state.new(Items(items), name)
            case "sort", []:
                ordered = self.sorted_items(items, kwargs)
                if ordered is not None and content.handle is None:
                    return become(ordered, list.sort)
                if ordered is not None:
                    everything, listed = Const(slice(None, None)), self.state.new(Items(ordered))
                    return become(ordered, operator.setitem, everything, listed)
        self.materialise(receiver.cell)
        return self.grown_list_method(receiver, method, args, kwargs, name)

    def sorted_items(self, items: tuple[Ref, ...], kwargs: dict[str, Ref]) -> tuple[Ref, ...] | None:
        """The items in the order of their keys; None if that is not known now."""
        unknown = set(kwargs) - {"key", "reverse"}
        if unknown:
            raise self.refuse(f"`sort` has no option `{unknown.pop()}`")
        by = kwargs.get("key", Const(None))
        keys = items
        if not (isinstance(by, Const) and by.value is None):
            keys = tuple(self.invoke(by, [item], {}) for item in items)
        known = [self.constant(k) for k in keys]
        backwards = self.constant(kwargs.get("reverse", Const(False)))
        if any(k is None for k in known) or backwards is None:
            return None
        values = [k.value for k in known if k is not None]
        order = sorted(range(len(items)), key=values.__getitem__, reverse=bool(backwards.value))
        return tuple(items[k] for k in order)

    def _find(self, items: tuple[Ref, ...], wanted: Ref, what: str) -> int | None:
        """Where a value stands among items; None if that is not known here."""
        for k, item in enumerate(items):
            if item is wanted or (
                isinstance(item, Obj) and isinstance(wanted, Obj) and item.cell is wanted.cell
            ):
                return k
            same = self._equal(item, wanted)
            if same is None:
                return None
            if same:
                return k
        raise self.refuse(f"`{what}` of a value that is not there")

    def _equal(self, a: Ref, b: Ref) -> bool | None:
        """Are two references equal; None if that is not known here."""
        if isinstance(a, Tup) and isinstance(b, Tup):
            if len(a.items) != len(b.items):
                return False
            parts = [x is y or self._equal(x, y) for x, y in zip(a.items, b.items, strict=True)]
            return False if False in parts else None if None in parts else True
        x, y = self.constant(a), self.constant(b)
        if x is not None and y is not None:
            return bool(x.value == y.value)
        kinds = {self.type_of(r).kind in ("str", "none") for r in (a, b)}
        scalars = {self.type_of(r).is_scalar for r in (a, b)}
        return False if kinds == {True, False} == scalars else None

    def _count(self, items: tuple[Ref, ...], wanted: Ref) -> Ref:
        same = [self._equal(item, wanted) for item in items]
        if None not in same:
            return Const(sum(map(bool, same)))
        total: Atom = Const(0)
        for item in items:
            total = self.b.call(
                operator.add, total, self.b.call(operator.eq, self.atom(item), self.atom(wanted), type=BOOL)
            )
        return total

    def grown_list_method(
        self, receiver: Obj | View, method: str, args: list[Ref], kwargs: dict[str, Ref], name: str
    ) -> Ref:
        """A method of a list that is one value of the graph."""
        known = self.type_of(receiver)
        match method, args:
            case "append", [item]:
                place = self.b.call(len, self.whole(receiver), type=INT)
                self.put(receiver, list.append, item, place=place)
                return Const(None)
            case "insert", [where, item]:
                self.put(receiver, list.insert, item, self.atom(where), place=None)
                return Const(None)
            case "extend", [more]:
                if self.type_of(more).kind == "array":
                    more = self.invoke(Const(list), [more], {}, "")
                value = self.whole(more)
                self.shares_items(receiver, more)
                elem = element_of(value.type)
                self.stored(receiver, list.extend, value, type=self.grown(known, elem))
                return Const(None)
            case "pop", [] | [_]:
                at = self.atom(args[0]) if args else Const(-1)
                given = (at,) if args else ()
                return self.taken_out(receiver, at, name, list.pop, *given, type=loose(known))
            case (("reverse" | "clear"), []):
                self.stored(receiver, getattr(list, method), type=loose(known))
                return Const(None)
            case "copy", []:
                return self.own(self.b.call(list, self.atom(receiver), type=loose(known), name=name), name)
            case (("index" | "count"), [item]):
                return self.b.call(Method(method), self.atom(receiver), self.atom(item), name=name, type=INT)
            case "remove", [item]:
                where = self.b.call(Method("index"), self.atom(receiver), self.atom(item), type=INT)
                self.delete_item(receiver, where)
                return Const(None)
            case "sort", []:
                ordered = self.invoke(Const(sorted), [receiver], kwargs, name)
                self.stored(receiver, operator.setitem, Const(slice(None, None)), self.whole(ordered))
                root = receiver.root if isinstance(receiver, View) else receiver
                if root.cell.mirror is not None:
                    self.let_out(root.cell)  # the caller's own rows are not those that it is given
                return Const(None)
        raise self.refuse(f"`list.{method}` is not differentiated yet", "Build the list with `append`.")

    def stored(
        self, receiver: Obj | View, fn: Any, *args: Atom, type: Type | None = None, mirrored: bool = True
    ) -> None:
        """`fn(receiver, *args)` changes a list or dict that is one value of the graph."""
        receiver = self.as_item(receiver)
        if fn is not operator.setitem and self.type_of(receiver).kind == "list":
            self.lengthened(receiver)
        self.rearranged(receiver, fn, args)
        self.store(receiver, fn, *args, type=type, mirrored=mirrored)

    def put(self, receiver: Obj | View, fn: Any, item: Ref, *at: Atom, place: Atom | None) -> None:
        """`fn(receiver, *at, item)` puts an item into a list or dict that is one value of the graph."""
        receiver = self.as_item(receiver)
        value = self.whole(item)
        known = self.type_of(receiver)
        self.meet(Type(known.kind, elem=value.type), known)
        if known.kind == "dict" and known.entries is not None and isinstance(at[0], Const):
            after = known.with_value(at[0].value, value.type)
        elif known.kind == "dict":
            after = Type("dict", elem=join_elem(known, value.type))
        else:
            after = self.grown(known, value.type)
        self.stored(receiver, fn, *at, value, type=after)
        root, way = (receiver.root, receiver.path) if isinstance(receiver, View) else (receiver, ())
        self.keep(root.cell, way, [(item, None if place is None else Step(operator.getitem, (place,)))])

    def taken_out(self, receiver: Obj | View, at: Atom, name: str, fn: Any, *args: Atom, type: Type) -> Ref:
        """An item, read before `fn(receiver, *args)` takes it out of its container."""
        root = receiver.root if isinstance(receiver, View) else receiver
        elem = element_of(self.type_of(receiver))
        item = self.own(
            self.b.call(operator.getitem, self.whole(receiver), at, name=name, type=elem), name
        )
        elsewhere = self.rearranged(receiver, fn, args)
        theirs = root.cell.param or root.cell.mirror is not None  # an object that the caller may hold
        shared = any(self.relied_on(c, root.cell) for c in self.sharers(root.cell))
        alone = root.cell.apart and not elsewhere and not shared
        if isinstance(item, Obj) and alone and not theirs:
            self.set_free(item)
        elif isinstance(item, Obj):
            item.cell.outside = ITEM
            if not alone:
                self.found_inside(item.cell, {root.cell})
        self.stored(receiver, fn, *args, type=type)
        return item

    def set_free(self, item: Obj) -> None:
        """What was taken out of a container is an object that nothing else refers to."""
        for cell in self.cells(item):
            cell.outside, cell.seen = "", None

    def shares_items(self, receiver: Obj | View, more: Ref) -> None:
        """The items of another list are items of this one as well."""
        root, way = (receiver.root, receiver.path) if isinstance(receiver, View) else (receiver, ())
        content = self.content(more)
        passing = isinstance(more, Obj) and not self.in_use(more.cell) and not more.cell.outside
        if isinstance(content, Items):
            self.keep(root.cell, way, [(ref, None) for ref in content.items])
        elif holds_objects(self.type_of(more)):
            if isinstance(more, Obj) and passing and more.cell.apart and not more.cell.shares:
                return
            for cell in (root.cell, *self.cells(more)):
                self.let_out(cell)

    @staticmethod
    def grown(known: Type, item: Type) -> Type:
        """A list's type after an item was added."""
        elem = item
        for old in (*(known.items or ()), *((known.elem,) if known.elem is not None else ())):
            elem = join_items(elem, old)
        return Type("list", elem=elem)

    # -- tuples ---------------------------------------------------------------------------------------------

    def tuple_method(self, receiver: Ref, method: str, args: list[Ref], kwargs: dict[str, Ref]) -> Ref:
        items = self.static_items(receiver) or ()
        cls = receiver.cls if isinstance(receiver, Tup) else tuple
        match method, args:
            case "index", [item]:
                where = self._find(items, item, "index")
                if where is not None:
                    return Const(where)
                return self.b.call(Method("index"), self.atom(receiver), self.atom(item), type=INT)
            case "count", [item]:
                return self._count(items, item)
            case "_replace", []:
                fields = dict(zip(cls._fields, items, strict=True))  # type: ignore[attr-defined]
                fields.update(kwargs)
                return Tup(tuple(fields.values()), cls)
            case "_asdict", []:
                return self.state.new(Entries(tuple(zip(cls._fields, items, strict=True))))  # type: ignore[attr-defined]
        raise self.refuse(f"`.{method}` of a tuple is not differentiated yet", "Use an index.")

    # -- dicts ----------------------------------------------------------------------------------------------

    def dict_method(
        self, receiver: Obj, method: str, args: list[Ref], kwargs: dict[str, Ref], name: str
    ) -> Ref:
        content = self.dicted(receiver)
        if content is None:
            return self.grown_dict_method(receiver, method, args, kwargs, name)
        given = args, kwargs
        args, kwargs, last = self._arguments_of(method, args, kwargs)
        key = self.constant(args[0]) if args else None
        found = content.get(key.value) if key is not None and _hashes(key.value) else None

        def become(entries: dict[Any, Ref], fn: Any, *given: Ref) -> None:
            self.change(receiver, replace(content, entries=tuple(entries.items())), fn, *given)

        entries = dict(content.entries)
        match method, args:
            case "keys", []:
                return Tup(tuple(map(Const, content.keys)), lists=((receiver.cell, content),))
            case "values", []:
                return Tup(content.refs, lists=((receiver.cell, content),))
            case "items", []:
                pairs = tuple(Tup((Const(k), r)) for k, r in content.entries)
                return Tup(pairs, lists=((receiver.cell, content),))
            case "get", [_, *default] if key is not None:
                return found if found is not None else (default[0] if default else Const(None))
            case "setdefault", [_, *default] if key is not None:
                if found is None:
                    found = default[0] if default else Const(None)
                    entries[key.value] = found
                    become(entries, operator.setitem, key, found)
                return found
            case "pop", [_, *default] if key is not None:
                if found is None:
                    if not default:
                        raise self.refuse(f"there is no key {key.value!r} here")
                    return default[0]
                entries = {k: r for k, r in entries.items() if k != key.value}
                become(entries, operator.delitem, key)
                return found
            case "popitem", []:
                if not entries:
                    raise self.refuse("`popitem` of an empty dict")
                gone = list(entries)[-1 if last else 0]
                ref = entries.pop(gone)
                become(entries, operator.delitem, Const(gone))
                return Tup((Const(gone), ref))
            case "clear", []:
                become({}, dict.clear)
                return Const(None)
            case "copy", []:
                return self.state.new(replace(content, handle=None), name)
            case "update", _:
                return self._updated(receiver, args, kwargs)
            case "move_to_end", [_] if key is not None and found is not None:
                behind = [] if last else [k for k in entries if k != key.value]
                for k in (key.value, *behind):  # each goes to the end, in the caller's dict as well
                    ref = entries.pop(k)
                    become(entries, operator.delitem, Const(k))
                    entries[k] = ref
                    become(entries, operator.setitem, Const(k), ref)
                return Const(None)
        if method in ("get", "setdefault", "pop", "move_to_end"):
            self.materialise(receiver.cell)
            return self.grown_dict_method(receiver, method, *given, name)
        raise self.refuse(
            f"`dict.{method}` is not differentiated yet", "Read and write the dict with constant keys."
        )

    def _arguments_of(
        self, method: str, args: list[Ref], kwargs: dict[str, Ref]
    ) -> tuple[list[Ref], dict[str, Ref], bool]:
        """The arguments of a method of a dict by position, and which end it is about: is it the last?"""
        names, ends = _DICT_ARGUMENTS.get(method), method in ("popitem", "move_to_end")
        if names is None:
            return args, kwargs, True
        given = dict(zip(names, args, strict=False))
        unknown = [k for k in kwargs if k not in names or k in given]
        if unknown or len(args) > len(names):
            raise self.refuse(
                f"`dict.{method}` with such arguments", f"It takes {' and '.join(map(repr, names))}."
            )
        given |= kwargs
        last = self.constant(given.pop("last", Const(True))) if ends else Const(True)
        if last is None:
            raise self.refuse(f"which end `{method}` is about is not known here", "Write `last` out.")
        return [given[k] for k in names if k in given], {}, bool(last.value)

    def _updated(self, receiver: Obj, args: list[Ref], kwargs: dict[str, Ref]) -> Ref:
        more: dict[Any, Ref] = {}
        for arg in args:
            other = self.entries_of(arg)
            if other is None:
                self.materialise(receiver.cell)
                return self.grown_dict_method(receiver, "update", args, kwargs, "")
            more.update(other)
        more.update(kwargs)
        for k, ref in more.items():
            self.set_entry(receiver, k, ref)
        return Const(None)

    def set_entry(self, receiver: Obj, key: Any, ref: Ref) -> None:
        content = self.state.heap[receiver.cell]
        assert isinstance(content, Entries)
        entries = dict(content.entries)
        entries[key] = ref
        self.change(
            receiver, replace(content, entries=tuple(entries.items())), operator.setitem, Const(key), ref
        )

    def entries_of(self, ref: Ref) -> dict[Any, Ref] | None:
        """The entries of a dict, or of pairs, whose keys are known."""
        content = self.dicted(ref)
        if content is not None:
            return dict(content.entries)
        if isinstance(ref, Const) and isinstance(ref.value, dict):
            return {k: self.constant_ref(v) for k, v in ref.value.items()}
        pairs = self.items_of(ref)
        if pairs is None:
            return None
        found: dict[Any, Ref] = {}
        for pair in pairs:
            parts = self.static_items(pair)
            key = self.constant(parts[0]) if parts is not None and len(parts) == 2 else None
            if key is None or parts is None:
                return None
            found[key.value] = parts[1]
        return found

    def items_of(self, ref: Ref) -> tuple[Ref, ...] | None:
        """What running over a reference gives, where that is known item by item."""
        if isinstance(ref, Value):
            made = self.b.made_by(ref, range)
            bounds = [] if made is None else [self.b.constant(a) for a in made.args]
            if bounds and all(a is not None for a in bounds):
                numbers = range(*(a.value for a in bounds if a is not None))
                return tuple(map(Const, numbers)) if len(numbers) <= UNROLLED else None
            return self.static_items(ref)
        if isinstance(ref, Sequence):
            return None if ref.refs is None else ref.refs[::-1] if ref.backwards else ref.refs
        if isinstance(ref, Const) and isinstance(ref.value, (str, range, dict, set, frozenset)):
            return tuple(map(Const, ref.value)) if len(ref.value) <= UNROLLED else None
        return self.static_items(ref)

    def grown_dict_method(
        self, receiver: Obj | View, method: str, args: list[Ref], kwargs: dict[str, Ref], name: str
    ) -> Ref:
        """A method of a dict that is one value of the graph."""
        known = self.type_of(receiver)
        whole = self.whole(receiver)
        args, kwargs, last = self._arguments_of(method, args, kwargs)
        match method, args:
            case (("get" | "pop"), [key, *default]):
                at = self.atom(key)
                there = self.b.call(operator.contains, whole, at, type=BOOL)
                if default or method == "get":
                    missing = default[0] if default else Const(None)

                    def read() -> Ref:
                        return self._item_read(receiver, at, name)

                    item = self.branch(there, read, lambda: missing, name or "item")
                    assert item is not None
                    for cell in self.cells(item) if isinstance(item, Obj) else ():
                        cell.outside = ITEM
                    if method == "pop":

                        def drop() -> None:
                            self.stored(receiver, operator.delitem, at, type=known)

                        self.branch(there, drop, lambda: None)
                    return item
                return self.taken_out(receiver, at, name, operator.delitem, at, type=known)
            case "setdefault", [key, default]:
                at = self.atom(key)
                there = self.b.call(operator.contains, whole, at, type=BOOL)
                self.branch(
                    there, lambda: None, lambda: self.put(receiver, operator.setitem, default, at, place=None)
                )
                return self.subscript(receiver, at, name)
            case ("keys" | "values" | "items"), []:
                parts: list[Atom] = []
                if method != "values":
                    parts.append(self.b.call(keys_of, whole, type=Type("list")))
                if method != "keys":
                    parts.append(self.b.call(values_of, whole, type=Type("list", elem=known.elem)))
                shape: Any = (0, 1) if method == "items" else 0
                sources = {"keys": (None,), "values": (receiver,), "items": (None, receiver)}[method]
                return Sequence(tuple(parts), shape, sources=sources, lists=self.lists_of(receiver))
            case "copy", []:
                return self.invoke(Const(copy.copy), [receiver], {}, name)
            case "update", _ if len(args) + bool(kwargs) == 1:
                given = args[0] if args else self.state.new(Entries(tuple(kwargs.items())))
                pairs = self.type_of(given).kind != "dict"
                return self.defined(updated_by_pairs if pairs else updated, [receiver, given], {}, name)
            case "popitem", []:
                return self.defined(last_taken_out if last else first_taken_out, [receiver], {}, name)
            case "move_to_end", [key]:
                return self.defined(moved_to_end if last else moved_to_front, [receiver, key], {}, name)
            case "clear", []:
                return self.defined(cleared, [receiver], {}, name)
        raise self.refuse(
            f"`dict.{method}` of a dict whose keys are not known here is not differentiated yet",
            "Read and write it by key.",
        )

    # -- sets of values that are known ----------------------------------------------------------------------

    def set_method(self, receiver: Obj, method: str, args: list[Ref], name: str) -> Ref:
        content = self.listed(receiver)
        assert content is not None
        mine = self.constant(receiver)
        given = [self.constant(a) for a in args]
        if mine is None or any(a is None for a in given):
            raise UnknownSetError
        values = set(mine.value)
        result = getattr(values, method)(*(a.value for a in given if a is not None))
        if values != mine.value:
            if receiver.cell in self.unit.thinned:
                raise UnknownSetError  # where a member was, the next is not put
            if not values >= mine.value:
                self.unit.thinned.add(receiver.cell)
            after = replace(content, items=self.set_in_order(values))
            self.change(receiver, after, getattr(set, method), *args)
        if not isinstance(result, set):
            return Const(result)
        made = self.state.new(Items(self.set_in_order(result), None, set), name)
        if not result >= mine.value:
            self.unit.thinned.add(made.cell)
        return made

    def set_in_order(self, values: set[Any]) -> tuple[Ref, ...]:
        """The members of a set in its order, where a set that they are added to in turn is in the same."""
        if not sets_in_one_order(values, values):
            raise UnknownSetError
        return tuple(map(Const, values))

    def _Set(self, node: ast.Set, name: str) -> Ref:
        refs = self._elements(node.elts)
        joined = any(isinstance(part, ast.Starred) for part in node.elts)
        if len(refs) < 3 or joined or any(isinstance(part, ast.Name) for part in ast.walk(node)):
            return self.set_of(refs, name, joined)
        # Python loads a display of constants as a frozen set, and makes the set from that.
        loaded = frozenset([k.value for k in map(self.constant, refs) if k is not None])
        made: set[Any] = set()
        made.update(loaded)
        if self.unit.session.sets:
            again = sets_in_one_order(made, loaded)
            return self.set_of(tuple(map(Const, made)) if again else refs, name, not again)
        if list(made) != list(loaded):
            raise UnknownSetError
        return self.state.new(Items(self.set_in_order(made), None, set), name)

    def set_of(self, refs: tuple[Ref, ...], name: str, joined: bool = False) -> Ref:
        """A set that these are added to in turn; it has no order that is known where some were `joined`."""
        if self.unit.session.sets:
            listed = self.state.new(Items(refs))
            if joined:
                return self.defined(without_order, [listed], {}, name)
            return self.made_by_init(Members, [listed], {}, name)
        known = [self.constant(r) for r in refs]
        if joined or any(k is None for k in known):
            raise UnknownSetError
        values: set[Any] = set()
        for k in known:
            assert k is not None
            values.add(k.value)
        return self.state.new(Items(self.set_in_order(values), None, set), name)

    # -- items ----------------------------------------------------------------------------------------------

    def delete_item(self, base: Ref, index: Ref) -> None:
        """`del base[index]`."""
        method = self.special_method(base, "__delitem__")
        if method is not None:
            self.invoke(method, [index], {})
            return
        known = self.constant(index)
        base = self.written(base)
        content = self.content(base)
        if isinstance(base, Obj) and known is not None:
            if isinstance(content, Items) and content.cls is list and isinstance(known.value, (int, slice)):
                items = list(content.items)
                try:
                    del items[known.value]
                except IndexError:
                    raise self.refuse(f"index {known.value} is out of range for {len(items)} items") from None
                self.change(base, replace(content, items=tuple(items)), operator.delitem, known)
                return
            if isinstance(content, Entries) and content.is_dict:
                if content.get(known.value) is None:
                    raise self.refuse(f"there is no key {known.value!r} here")
                entries = tuple((k, r) for k, r in content.entries if k != known.value)
                self.change(base, replace(content, entries=entries), operator.delitem, known)
                return
        if isinstance(base, Obj):
            self.materialise(base.cell)
        kind = self.type_of(base)
        if isinstance(base, (Obj, View)) and kind.kind in ("list", "dict"):
            self.stored(base, operator.delitem, self.atom(index), type=loose(kind))
            return
        raise self.refuse(
            f"`del` of an item of {article(kind.kind)} is not differentiated", "Build another one."
        )

    def set_part(self, base: Obj | View, index: Atom, value: Ref) -> None:
        """`base[a:b] = value` of a list that is one value of the graph."""
        base = self.as_item(base)
        self.lengthened(base)
        items = self.whole(value)
        self.meet(self.type_of(base), items.type)
        after = self.grown(self.type_of(base), element_of(items.type))
        self.stored(base, operator.setitem, index, items, type=after)
        self.shares_items(base, value)

    def set_slice(self, base: Obj, content: Items, index: slice, value: Ref) -> bool:
        """`base[a:b] = value` of a list known item by item; False if that cannot be done so."""
        found = self.items_of(value)
        if found is None:
            return False
        items = list(content.items)
        try:
            items[index] = found
        except ValueError as cause:
            raise self.refuse(str(cause)) from None
        listed = self.state.new(Items(found))
        self.change(base, replace(content, items=tuple(items)), operator.setitem, Const(index), listed)
        return True

    def joined_dicts(self, left: Ref, right: Ref, name: str) -> Ref:
        """`left | right`."""
        a, b = self.dicted(left), self.dicted(right)
        if a is None or b is None:
            made = self.invoke(Const(dict), [left], {}, name)
            assert isinstance(made, Obj)
            self.dict_method(made, "update", [right], {}, name)
            return made
        return self.dict_of(a.cls, a.factory, {**dict(a.entries), **dict(b.entries)}, name)

    def entry_at(self, ref: Obj, content: Entries, key: Const | None) -> Ref | None:
        """`d[key]` of a dict whose keys are known; None where it has to be found when the program runs."""
        if key is None:
            return None
        found = content.get(key.value)
        if found is None and content.factory is not None:
            found = self.invoke(content.factory, [], {})
            self.set_entry(ref, key.value, found)
        if found is None:
            raise self.refuse(f"there is no key {key.value!r} here", "Write the entry before it is read.")
        return found

    def entry_made(self, base: Obj, at: Atom) -> None:
        """Make the entry of a `defaultdict` at a key that is known at run time, if there is none."""
        assert base.cell.factory is not None
        _, factory = base.cell.factory
        there = self.b.call(operator.contains, self.whole(base), at, type=BOOL)

        def make() -> None:
            self.put(base, operator.setitem, self.invoke(factory, [], {}), at, place=None)

        self.branch(there, lambda: None, make)

    def field(self, ref: Tup, attr: str) -> Ref:
        """An attribute of a named tuple."""
        names = getattr(ref.cls, "_fields", ())
        if attr in names:
            return ref.items[names.index(attr)]
        if attr == "_fields":
            return Const(names)
        if attr in ("_replace", "_asdict", "index", "count"):
            return Bound(ref, attr)
        static = self.found_in(ref.cls, attr)
        if isinstance(static, property) and static.fget is not None:
            return self.user_call(static.fget, [ref], {}, "")
        return self.bound_to(ref.cls, attr, static, ref)

    def user_call(self, fn: Any, args: list[Ref], kwargs: dict[str, Ref], name: str) -> Ref:
        raise NotImplementedError

    def made_by_init(self, cls: type, args: list[Ref], kwargs: dict[str, Ref], name: str) -> Ref:
        raise NotImplementedError

    def iterated_object(self, ref: Ref) -> Ref | None:
        """What an object's `__iter__`, or its `__len__` and `__getitem__`, give to run over."""
        if is_flat(ref):
            assert isinstance(ref, View)
            return self.flattened(ref.base)
        if self.class_of(ref) is None:
            return None
        method = self.special_method(ref, "__iter__")
        if method is not None:
            found = self.invoke(method, [], {})
            if isinstance(found, Generated):
                # A new `iter(items)`, which nothing else runs over.
                return dict(found.named)["items"] if found.source.fn is iterated else found
            cls = self.class_of(found)
            if cls is not None and self.special_method(found, "__next__") is not None:
                raise self.refuse(
                    f"an object of class `{cls.__name__}` is run over by its `__next__`",
                    "Make `__iter__` a generator, which yields the items.",
                )
            return found
        length, item = self.special_method(ref, "__len__"), self.special_method(ref, "__getitem__")
        count = None if length is None else self.constant(self.invoke(length, [], {}))
        if item is None or count is None:
            raise self.refuse("an object that cannot be run over here", "Give it a method `__iter__`.")
        return Tup(tuple(self.invoke(item, [Const(k)], {}) for k in range(count.value)))

    def dict_of(self, cls: type, factory: Ref | None, entries: dict[Any, Ref], name: str) -> Ref:
        return self.state.new(Entries(tuple(entries.items()), None, cls, factory), name)


# What methods of dicts, and of those in order, take.
_DICT_ARGUMENTS: dict[str, tuple[str, ...]] = {
    "popitem": ("last",), "move_to_end": ("key", "last"), "pop": ("key", "default"),
    "setdefault": ("key", "default"), "get": ("key", "default"), "keys": (), "values": (), "items": (),
    "clear": (), "copy": (),
}  # fmt: skip


def join_elem(known: Type, more: Type) -> Type:
    return more if known.elem is None else join(known.elem, more)


def loose(known: Type) -> Type:
    """A container's type, its length not counted."""
    if known.kind == "list" and known.items is not None:
        return Type("list", elem=element_of(known) if known.items else None)
    return known


def _hashes(value: Any) -> bool:
    try:
        hash(value)
    except TypeError:
        return False
    return True


def sets_in_one_order(values: set[Any], others: Set[Any]) -> bool:
    """Are these two, and the set that the first's members are added to in turn, laid out alike?"""
    again: set[Any] = set()
    for value in values:
        again.add(value)
    orders = list(again) == list(values) == list(others)
    return orders and sys.getsizeof(again) == sys.getsizeof(values)
