"""Objects inside lists and dicts: what a write into an item changes, and under which names it is seen.

    rows.append([0.0] * n)           the item is an object that nothing else refers to, so `rows[i]` is a view
    rows[i][j] = v                   of `rows`, and the write is one store of it
    row = rows[i]; row[j] = v        the same

An object that is put into a list and keeps its name is told twice until one of the two is written: from then
on the name is a view of the list. Where an object may be reached in yet another way, its list is no longer
`apart`, and none of its items is written any more.
"""

from __future__ import annotations

import builtins
import contextlib
import operator
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ..errors import UndecidedAlias
from ..ir.graph import Atom, Const, Step, Value
from ..ir.types import Type, element_of
from .choices import Choices
from .core import CONTAINERS, MUTABLE
from .heap import ITEM, UNBOUND_REF, Bound, Cell, Entries, Items, Obj, Ref, State, Tup, View, parts_of

KEPT = "an array that is also kept in a list is written here"
# The methods of lists and dicts that change them.
MUTATORS = frozenset({
    "append", "extend", "insert", "pop", "remove", "reverse", "clear", "sort", "update", "setdefault",
    "popitem",
})  # fmt: skip
_WRITABLE = frozenset({"array", "list", "dict"})
_LOOKING = (builtins.len, builtins.print)
_LENGTHENING = (list.append, list.extend)


class Keeping(Choices):
    def item(self, base: Obj | View, at: Atom, name: str, there: bool = False) -> Ref | None:
        """An item of a list or a dict that can be written through it; None where that is not so.

        It is read at once, and raises where there is none, unless it is known to be `there`.
        """
        root = base.root if isinstance(base, View) else base
        known = self.type_of(base)
        elem = known.at(at.value) if isinstance(at, Const) else element_of(known)
        empty = known.elem is None and not known.items
        writable = elem.kind in _WRITABLE or empty or _changes(elem)
        if not root.cell.apart or self.unit.rule or not writable:
            return None
        if there:
            return View(base, operator.getitem, (at,), (), elem, name)
        return self.part_at(base, operator.getitem, at, elem, name)

    def part_at(self, base: Obj | View, fn: Any, at: Atom, known: Type, name: str) -> View:
        """The part of a container that `fn(base, at)` reads, as what is written through it."""
        whole = self.whole(base)
        view = View(base, fn, (at,), (), known, name)
        view.cache.append((whole, self.b.call(fn, whole, at, name=name, type=known)))
        return view

    def attributes(self, ref: View) -> Entries:
        """An object inside a container: its attributes, each of which is written through the container."""
        whole = self.type_of(ref)
        keys, kinds, cls = whole.keys, whole.items, whole.cls
        assert keys is not None and kinds is not None and cls is not None
        pairs = zip(keys, kinds, strict=True)
        return Entries(tuple((key, self.part_of(ref, str(key), known)) for key, known in pairs), None, cls)

    def part_of(self, ref: View, attr: str, known: Type, name: str = "") -> Ref:
        """An attribute of an object inside a container."""
        if known.kind in _WRITABLE or _changes(known):
            return self.part_at(ref, getattr, Const(attr), known, name)
        part = self.own(self.b.call(getattr, self.whole(ref), Const(attr), type=known, name=name), name)
        if isinstance(part, Obj):
            part.cell.outside = ITEM
        self.item_of(part, {ref.root.cell})
        return part

    @contextlib.contextmanager
    def peeking(self, fn: Any) -> Iterator[None]:
        """While a call is lowered whose result may show none of the items of a list given to it."""
        before = self.unit.peeking
        self.unit.peeking = any(fn is look for look in _LOOKING) or _makes_arrays(fn)
        try:
            yield
        finally:
            self.unit.peeking = before

    # -- what is put into a container -----------------------------------------------------------------------

    def taken_in(self, cell: Cell, content: Items | Entries) -> None:
        """The list or dict in `cell` becomes one value of the graph, with these items."""
        if cell.apart is None:
            theirs = cell.param or content.handle is not None
            cell.apart = not self.unit.rule and (not theirs or cell.mirror is not None)
        self.keep(cell, (), steps_into(content))

    def keep(self, cell: Cell, way: tuple[Step, ...], items: Iterable[tuple[Ref, Step | None]]) -> None:
        """These references are items of a container from now on: of that in `cell`, or of a part of it.

        With each comes the step that leads to it, if that is known.
        """
        seen: set[Cell] = set()
        for ref, at in items:
            inner = self.cells(ref)
            if not inner:
                continue
            if cell.apart and seen.isdisjoint(inner) and self._alone(ref, inner, cell, at, way):
                seen |= inner
                continue
            if cell.apart and cell.gathers and not way:
                continue
            cell.apart = False
            cell.may_hold(self.sharing(inner))
            for kept in inner:
                if kept in self.state.kept:
                    self.given_up(kept)
                kept.outside = kept.outside or KEPT

    def _alone(self, ref: Ref, inner: set[Cell], cell: Cell, at: Step | None, way: tuple[Step, ...]) -> bool:
        """Is this an object that can be told from all others, by its place in the container alone?"""
        if not isinstance(ref, Obj) or cell in inner:
            return False
        for part in inner:
            theirs = part.param and cell.mirror is None
            if theirs or part.outside or part.pick is not None or part in self.state.kept:
                return False
            if any(map(self.in_use, self.sharers(part))):
                return False
        content = self.state.heap[ref.cell]
        if isinstance(content, (Const, Value)) and content.type.kind in CONTAINERS:
            if ref.cell.apart is False or (ref.cell.apart is None and not _flat(content.type)):
                return False
        elif not isinstance(content, (Const, Value)):
            if any(isinstance(r, (Tup, View)) and self.cells(r) for r in parts_of(content)):
                return False
        named = ref.cell.param or self.in_use(ref.cell)
        if any(self.in_use(part) for part in inner - {ref.cell}) and not named:
            return False
        if named and (at is None or not self._named_alone(ref, inner)):
            return False
        if named and at is not None:
            base: Obj | View = Obj(cell)
            for step in way:
                base = View(base, step.fn, step.args, step.kwargs, Type("list"), "")
            self._kept_at(ref, base, at)
        return True

    def _kept_at(self, ref: Obj, base: Obj | View, step: Step) -> None:
        """The object is seen by this step from a container, and what it holds by further ones."""
        content = self.state.heap[ref.cell]
        known = self.type_of(ref)
        if isinstance(content, Entries) and not content.is_dict:
            known = self.record_type(content)
        seen = View(base, step.fn, step.args, step.kwargs, known, ref.cell.name)
        self.state.kept[ref.cell] = seen
        if isinstance(content, (Items, Entries)):
            for part, inner in steps_into(content):
                if isinstance(part, Obj):
                    self._kept_at(part, seen, inner)

    def made_since(self, before: State, ref: Ref) -> bool:
        """Is this an object made since then that nothing refers to but this reference?"""
        inner = self.cells(ref)
        if not inner.isdisjoint(before.heap):
            return False
        return not inner or self._alone(ref, inner, Cell(), None, ())

    def _named_alone(self, ref: Obj, inner: set[Cell]) -> bool:
        """Is the object known by names alone, or by what names see of it, and its parts by nothing else?"""
        for held in self.state.vars.values():
            if inner.isdisjoint(self.cells(held)):
                continue
            at = held
            while isinstance(at, View):
                at = at.base
            if not isinstance(at, Obj) or at.cell is not ref.cell:
                return False
        return True

    def entrusted(self, holder: Ref, given: Sequence[Ref], name: str) -> None:
        """An object that is not known may hold what it is given: nothing that it shows is written."""
        held = self.held(self.state)
        cells = {c for c in self.cells(*given) if c in held or c.param}
        if isinstance(holder, Obj) and cells and not self.unit.rule:
            holder.cell.shares |= {s for c in cells for s in (c, *c.shares)} - {holder.cell}
            holder.cell.outside = holder.cell.outside or f"what `{name}` may show is written"

    # -- what is written ------------------------------------------------------------------------------------

    def as_item(self, ref: Obj | View) -> Obj | View:
        """What is to be written, as a part of the container that it was put into, if it was."""
        root = ref.root if isinstance(ref, View) else ref
        if root.cell not in self.state.kept or root.cell.outside:
            return ref
        seen = self.moved(root.cell, ref)
        assert isinstance(seen, (Obj, View))
        return seen

    def written(self, ref: Ref) -> Ref:
        """What is about to be changed, as it is to be seen then."""
        return self.as_item(ref) if isinstance(ref, (Obj, View)) else ref

    def items_written(self, cell: Cell) -> None:
        """An item of the container in this cell is written: names of items see it there from now on."""
        for kept, view in list(self.state.kept.items()):
            if view.root.cell is cell:
                self.moved(kept)

    def moved(self, cell: Cell, ref: Ref = UNBOUND_REF) -> Ref:
        """Every name of the object in `cell` is a view of the container that holds it; so is `ref`."""
        place = self.state.kept.pop(cell)
        table: dict[Ref, Ref] = {}

        def seen(ref: Ref) -> Ref:
            if ref not in table:
                table[ref] = made(ref)
            return table[ref]

        def made(ref: Ref) -> Ref:
            match ref:
                case Obj() if ref.cell is cell:
                    return place
                case View() if ref.root.cell is cell:
                    base = seen(ref.base)
                    assert isinstance(base, (Obj, View))
                    return replace(ref, base=base, cache=[])
            return ref

        for key, held in list(self.state.vars.items()):
            if cell in self.cells(held):
                self.state.vars[key] = seen(held)
        found = seen(ref)
        del self.state.heap[cell]  # whoever still refers to it is told so, not shown what it once held
        return found

    def given_up(self, cell: Cell) -> None:
        """The object in `cell` may be an item too, and where is not known from here on: none is written."""
        view = self.state.kept.pop(cell)
        if self.in_use(cell):
            view.root.cell.apart = False
            cell.outside = cell.outside or KEPT

    # -- items that change their places ---------------------------------------------------------------------

    def rearranged(self, ref: Obj | View, fn: Any, args: tuple[Atom, ...]) -> bool:
        """The items of a list or dict are about to change places: names of items are not views of it then.

        Is there such a name, whose object may be reached in another way too?
        """
        root, depth = (ref.root.cell, len(ref.path)) if isinstance(ref, View) else (ref.cell, 0)
        if not holds_any(element_of(self.type_of(ref))):
            return False
        index = args[0] if fn in (operator.setitem, setattr) else None
        found = False
        for kept, view in list(self.state.kept.items()):
            if view.root.cell is root and not self._stays(view, depth, fn, index):
                del self.state.kept[kept]
                if self.in_use(kept):
                    kept.outside = kept.outside or KEPT
                    kept.shares.add(root)
                    found = True
        for key, held in list(self.state.vars.items()):
            for view in self.views_in(held):
                if view.root.cell is not root or self._stays(view, depth, fn, index):
                    continue
                if view is not held:
                    raise UndecidedAlias(
                        "the items of a list change places here while one of them is held", self.b.line,
                        "Change the list first, or hold a copy of the item.",
                    )  # fmt: skip
                own = self.own(self.atom(view), view.name)
                if isinstance(own, Obj):
                    own.cell.shares.add(root)
                    own.cell.outside = ITEM
                self.state.vars[key] = own
                found = True
        return found

    def views_in(self, ref: Ref) -> list[View]:
        """The views in a reference, inside tuples and containers too whose items are known one by one."""
        found: list[View] = []
        seen: set[Cell] = set()
        stack = [ref]
        while stack:
            match stack.pop():
                case View() as view:
                    found.append(view)
                case Tup(items):
                    stack.extend(items)
                case Bound(receiver=receiver):
                    stack.append(receiver)
                case Obj(cell) if cell not in seen:
                    seen.add(cell)
                    content = self.state.heap.get(cell)
                    if isinstance(content, (Items, Entries)):
                        stack.extend(parts_of(content))
        return found

    def _stays(self, view: View, depth: int, fn: Any, index: Atom | None) -> bool:
        """Is this view, of a part of a container, the same after a change so many steps inside?"""
        path = view.path
        if len(path) <= depth:
            return True
        step = path[depth]
        at = step.args[0] if step.args else Const(None)
        if fn in _LENGTHENING:
            if isinstance(at, Const):
                return not isinstance(at.value, int) or at.value >= 0
            return self.b.made_by(at, len) is not None
        if isinstance(index, Const) and isinstance(index.value, slice):
            return False
        if index is not None and isinstance(index, Const) and isinstance(at, Const):
            other = index.value != at.value
            numbers = isinstance(index.value, int) and isinstance(at.value, int)
            return other and (not numbers or (index.value < 0) == (at.value < 0))
        return False

    def lengthened(self, ref: Obj | View) -> None:
        """Refuse to change the length of a list whose items are being run over by their numbers.

        A list that is inside of one of those items may be longer afterwards.
        """
        cell, depth = (ref.root.cell, len(ref.path)) if isinstance(ref, View) else (ref.cell, 0)
        for (_, name), held in self.state.vars.items():
            if name.startswith("$held") and isinstance(held, Tup):
                views = ((r.root.cell, len(r.path)) for r in held.items if isinstance(r, View))
                lists = ((r.cell, 0) for r in held.items if isinstance(r, Obj))
                if any(c is cell and depth <= inside for c, inside in (*views, *lists)):
                    raise UndecidedAlias(
                        "what this loop runs over is written inside it", self.b.line,
                        "Run over a copy, or over its indices.",
                    )  # fmt: skip


def _makes_arrays(fn: Any) -> bool:
    """Is this a function of NumPy, to which a list is an array that is yet to be made?"""
    module = getattr(fn, "__module__", None) or ""
    return isinstance(fn, np.ufunc) or module.split(".")[0] == "numpy"


def holds_any(elem: Type) -> bool:
    return elem.kind in MUTABLE | {"tuple"}


def _changes(known: Type) -> bool:
    """Is this an object whose attributes can be written?"""
    return known.is_record and known.cls is not None and not issubclass(known.cls, tuple)


def steps_into(content: Items | Entries) -> list[tuple[Ref, Step]]:
    """What a container or an object holds, and the step that leads to each."""
    if isinstance(content, Items):
        return [(ref, Step(operator.getitem, (Const(k),))) for k, ref in enumerate(content.items)]
    read = operator.getitem if content.is_dict else getattr
    return [(ref, Step(read, (Const(key),))) for key, ref in content.entries]


def _flat(known: Type) -> bool:
    """Does a list of this type hold nothing that can be changed?"""
    return not holds_any(element_of(known))
