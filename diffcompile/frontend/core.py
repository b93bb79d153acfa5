"""What every part of the frontend shares: reading and writing references, branching and merging states.

if c: y = x * 2          If(c) yields the `y` of the branch that ran, and the new version of every
else: x[0] = 1; y = x    cell that either branch wrote
"""

from __future__ import annotations

import ast
import contextlib
import operator
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np

from ..analysis.liveness import READ_ONLY
from ..errors import DiffCompileError, Span, UndecidedAlias, UnsupportedSyntax
from ..ir.graph import (
    UNBOUND,
    Atom,
    Call,
    Capture,
    Const,
    If,
    Inside,
    Instr,
    Region,
    Step,
    Value,
    exchange,
    pack_dict,
    pack_list,
    pack_object,
    pack_tuple,
    unpack,
)
from ..ir.types import OBJECT, UNKNOWN, Type, element_of, join, join_items, join_names
from ..ir.walk import same_atom
from .arguments import Read
from .build import Builder
from .heap import (
    ITEM,
    UNBOUND_REF,
    Applied,
    Bound,
    Cell,
    Choice,
    Closure,
    Conflict,
    Content,
    Derived,
    Entries,
    Generated,
    Items,
    Made,
    Obj,
    Pick,
    Pulled,
    Ref,
    Scope,
    Sequence,
    State,
    Super,
    Tup,
    View,
    around,
    at_name,
    at_place,
    parts_of,
    place_in,
    related,
    shown,
)
from .lives import Lives, lives
from .source import Source

# What changes an array in place by more than adding: a part of one is computed and stored.
_MULTIPLYING: dict[Any, Any] = {
    operator.imul: operator.mul, operator.itruediv: operator.truediv, operator.ifloordiv: operator.floordiv,
    operator.imod: operator.mod, operator.ipow: operator.pow, operator.imatmul: operator.matmul,
}  # fmt: skip
MUTABLE = frozenset({"array", "list", "unknown", "object", "dict"})
CONTAINERS = frozenset({"list", "dict"})
HOLDERS = CONTAINERS | {"object"}
# What is done to a part of the caller's own list as it is done to the copy of it that is worked on.
MIRRORED = frozenset({operator.setitem, operator.delitem, operator.iadd, operator.isub, setattr, exchange})


class UnknownSetError(Exception):
    """A set holds what is known only when the program runs: the program is read again, with such sets."""


class Unit:
    """The lowering of one graph: its instructions, the program state, what it captured, what it folded."""

    def __init__(self, session: Any, builder: Builder, rule: bool = False) -> None:
        self.session = session
        self.builder = builder
        self.state = State()
        self.rule = rule
        self.present: frozenset[Value] = frozenset()  # the cotangents or tangents of a rule: none is None
        self.parameters: frozenset[str] = frozenset()
        self.outsides: dict[int, Scope] = {}  # by a globals dict or a closure cell
        self.writes_outside = False
        self.captures: dict[tuple[int, str], tuple[Capture, Value, Ref]] = {}
        self.written: set[Cell] = set()
        # The results of solvers, and what is known of their attributes.
        self.solved: dict[Atom, dict[str, Type]] = {}
        self.depth = 0
        self.inlining: list[ast.AST] = []  # the functions whose bodies are being lowered in place
        # What is known of each loop's carried values, from one lowering to the next.
        self.loops: dict[Any, Any] = {}
        self.inlined = 0  # how many bodies of functions were lowered in place so far
        self.deriving = 0  # how many functions are being lowered for derivatives that are taken of them
        self.repeated = 0  # how many of those were inside themselves
        self.turning: list[ast.AST] = []  # those whose turns are being lowered
        self.tags: dict[Any, Atom] = {}  # the number of an object's class, and whether it is a given one
        self.decided: dict[Atom, bool] = {}  # what the tests of the branches around have given
        self.peeking = False  # do the results of what is called show none of the items of its arguments?
        self.picking: list[Cell] = []  # the containers and objects whose parts a derivative is taken by
        self.held_parts = 0  # how many parts of containers were given a name while an expression is evaluated
        self.holdings = 0  # how many loops and calls hold what they run over or are given
        self.lives: dict[ast.AST, Lives] = {}  # for each function, where its names are of no use any more
        self.homes: dict[tuple[Scope, str], Scope] = {}  # names declared `nonlocal`
        # The exceptions made here: their classes and what they were made of.
        self.thinned: set[Cell] = set()  # the sets from which members were taken
        self.raised: dict[Atom, tuple[type[BaseException], tuple[Ref, ...]]] = {}
        self.replaying = 0  # how many checkpointed loops and functions are being lowered
        self.unrolled: set[ast.AST] = set()  # the loops of a set or dict that is made here, run item by item
        # What is read out of the caller's containers and objects, ahead of everything else.
        self.entry: list[Instr] = []
        self.given: list[Value] = []  # the numbers and arrays that are the caller's
        self.reads: list[Read] = []
        self.objects: list[Read] = []
        self.lists: list[tuple[Read, Type]] = []  # of objects, each of which is one value
        self.same: list[int] = []  # for each of `objects`, the place of the first that is the same object
        self.instances: dict[int, Obj] = {}  # the caller's objects, by identity
        self.runs: dict[Atom, Any] = {}  # the caller's lists that loops run over as they are
        self.runs_allowed = False
        self.guarding = 0  # of how many `try` statements the body is being lowered
        # What generators read of which the next loop runs over lists, and what that held when they ran.
        self.read_ahead: list[tuple[Cell, Content]] = []
        self.tuples: dict[Atom, set[Cell]] = {}  # the containers that a tuple is an item of
        self.run_over: set[ast.expr] = set()  # slices that are loops' alone
        self.part_names: dict[Atom, tuple[str, ...]] = {}  # what loops call the parts of items of such lists

    def lives_of(self, function: ast.AST) -> Lives:
        """Where the names of a function are of no use any more."""
        if function not in self.lives:
            self.lives[function] = lives(function)
        return self.lives[function]

    def outside_scope(self, names: Any) -> Scope | None:
        """The scope of the names of a globals dict, or a closure cell, that are written here."""
        return self.outsides.get(id(names))


class Core:
    """One function activation: `Expressions`, `Calls` and `Statements` add what they are named after."""

    def __init__(self, unit: Unit, source: Source, scope: Scope) -> None:
        self.unit = unit
        self.source = source
        self.scope = scope
        self.node: ast.AST = source.node
        code = source.fn.__code__
        mine = isinstance(source.node, ast.FunctionDef) and source.node.name == code.co_name
        self.own_names = frozenset((*code.co_varnames, *code.co_cellvars)) if mine else frozenset()
        self.ours = False  # not the user's text
        self.floor = len(unit.builder.around)  # the blocks around the call
        self.result_name = ""  # what the caller calls the result

    # -- where we are ---------------------------------------------------------------------------------------

    @property
    def b(self) -> Builder:
        return self.unit.builder

    @property
    def state(self) -> State:
        return self.unit.state

    @state.setter
    def state(self, value: State) -> None:
        self.unit.state = value

    @property
    def in_library(self) -> bool:
        """Is a rule or a definition read, rather than the user's own text?"""
        return self.unit.rule or self.ours or self.source.library

    def span(self, node: ast.AST | None = None) -> Span:
        """Where a node stands; what a rule builds stands on the line that it is the derivative of."""
        if self.in_library:
            return self.b.line
        return self.source.span(node if node is not None else self.node)

    def refuse(self, reason: str, remedy: str = "", node: ast.AST | None = None) -> DiffCompileError:
        return UnsupportedSyntax(reason, self.span(node), remedy)

    # -- provided by the layers above -----------------------------------------------------------------------

    def expression(self, node: ast.expr, name: str = "", whole: bool = True) -> Ref:
        raise NotImplementedError

    def block(self, statements: list[ast.stmt]) -> None:
        raise NotImplementedError

    def invoke(self, fn: Ref, args: list[Ref], kwargs: dict[str, Ref], name: str = "") -> Ref:
        raise NotImplementedError

    def is_function(self, ref: Ref) -> bool:
        raise NotImplementedError

    def as_item(self, ref: Obj | View) -> Obj | View:
        raise NotImplementedError

    def items_written(self, cell: Cell) -> None:
        raise NotImplementedError

    def moved(self, cell: Cell, ref: Ref = UNBOUND_REF) -> Ref:
        raise NotImplementedError

    def given_up(self, cell: Cell) -> None:
        raise NotImplementedError

    def record_type(self, content: Entries) -> Type:
        """The type of a local object as one value."""
        raise NotImplementedError

    def meet(self, a: Type, b: Type) -> None:
        raise NotImplementedError

    def as_family(self, content: Entries) -> Entries:
        raise NotImplementedError

    def taken_in(self, cell: Cell, content: Items | Entries) -> None:
        raise NotImplementedError

    # -- references -----------------------------------------------------------------------------------------

    def own(self, atom: Atom, name: str = "") -> Ref:
        """A reference to a value just made: a new cell if it is an object that could be changed."""
        if isinstance(atom, Const) or atom.type.kind not in MUTABLE:
            return atom
        if atom.type.is_record and not atom.type.maybe_unbound:
            return self.looked_at(atom, name)
        return self.state.new(atom, name)

    def looked_at(self, atom: Value, name: str) -> Ref:
        """An object of a known class that others may know of: its attributes are read, not written."""
        keys, types = atom.type.keys, atom.type.items
        assert keys is not None and types is not None and atom.type.cls is not None
        entries = []
        for key, known in zip(keys, types, strict=True):
            part = self.own(self.b.call(getattr, atom, Const(key), type=known))
            if isinstance(part, Obj):
                part.cell.outside = ITEM
            entries.append((key, part))
        if issubclass(atom.type.cls, tuple):
            return Tup(tuple(part for _, part in entries), atom.type.cls)
        made = self.state.new(Entries(tuple(entries), None, atom.type.cls), name)
        made.cell.outside = ITEM
        made.cell.seen = atom
        return made

    def read(self, ref: Ref) -> Atom | Items | Entries:
        """What a reference holds now: an atom, or the content of a static container."""
        match ref:
            case Obj(cell):
                if cell not in self.state.heap:
                    raise self.refuse(
                        "an object is read here that was put into a list and changed there meanwhile",
                        "Read it before it is put into the list.",
                    )
                return self.state.heap[cell]
            case View():
                return self.read_view(ref)
            case Const() | Value():
                return ref
        raise TypeError(ref)

    def read_view(self, view: View) -> Atom:
        base = self.whole(view.base)
        for seen, result in reversed(view.cache):
            if seen is base and self.b.at_hand(result):
                return result
        result = self.b.call(
            view.fn, base, *view.args, kwargs=dict(view.kwargs), name="" if view.cache else view.name
        )
        view.cache.append((base, result))
        return result

    def whole(self, ref: Ref) -> Atom:
        """The graph's own value for a reference, of which no item gets another name."""
        content = self.read(ref) if isinstance(ref, (Obj, View)) else None
        return content if isinstance(content, (Const, Value)) else self.atom(ref)

    def leaked(self, ref: Obj | View) -> None:
        """The items of a list or dict may be reached in other ways from here on."""
        cell = ref.root.cell if isinstance(ref, View) else ref.cell
        if self.unit.peeking or not holds_objects(self.type_of(ref)):
            return
        if cell.apart or any(other.apart for other in self.sharers(cell)):
            self.let_out(cell)

    def let_out(self, cell: Cell) -> None:
        """Items of this list may be reached in other ways, and so may those of lists that hold the same."""
        for other in self.sharing({cell}):
            other.apart = False
            if cell in other.shares - other.holds:  # it may be one of those items
                other.outside = other.outside or ITEM

    def atom(self, ref: Ref) -> Atom:
        """The graph's own value for a reference; static containers are packed."""
        match ref:
            case Const() | Value():
                if isinstance(ref, Const) and ref.value is UNBOUND:
                    raise self.refuse("a name is read before it has a value")
                return ref
            case View(base, np.ndarray.flat):
                return self.atom(self.flattened(base))
            case Obj() | View():
                self.leaked(ref)
                if isinstance(ref, Obj) and ref.cell.seen is not None:
                    return ref.cell.seen
                content = self.read(ref)
                if isinstance(ref, Obj) and ref.cell.factory is not None and not self.unit.peeking:
                    cls, factory = ref.cell.factory
                    return self.b.call(cls, self.atom(factory), self.pack(content))
                return self.pack(content)
            case Tup(items, cls):
                return self.built(cls, tuple(map(self.atom, items)))
            case Made(maker, args, kwargs):
                named = {name: self.atom(r) for name, r in kwargs}
                return self.b.call(maker, *map(self.atom, args), kwargs=named)
            case Conflict(reason, span):
                raise UnsupportedSyntax(reason, span or self.span(), "Use one kind of value on every path.")
            case Bound() | Closure() | Choice() | Applied() | Super() | Derived() | Pulled():
                raise self.refuse(
                    "a function defined here is used as a value",
                    "Call it, or pass it to a function that calls it.",
                )
            case Sequence(items=items) if len(items) == 1 and ref.refs is None:
                self.unwritten(ref.lists, None)
                for source in ref.sources:
                    if isinstance(source, (Obj, View)):
                        self.leaked(source)
                return items[0]
        if isinstance(ref, Generated) and ref.managing:
            raise self.refuse(
                "a manager that `contextmanager` makes is handed on, and not entered here",
                "Enter it in a `with` of this function.",
            )
        if isinstance(ref, Generated):
            raise self.refuse("a generator is kept, and not run over here", "Make a list of it.")
        raise self.refuse("`zip` and `enumerate` can be looped over, not kept")

    def flattened(self, base: Ref) -> Ref:
        raise NotImplementedError

    def pack(self, content: Content) -> Atom:
        match content:
            case Items(items, _, cls):
                atoms = tuple(map(self.atom, items))
                for a, b in pairwise(atoms):
                    self.meet(a.type, b.type)
                packed = self.b.call(pack_list, *atoms)
                return packed if cls is list else self.b.call(cls, packed, type=Type("object", cls=cls))
            case Entries(entries) if content.cls is dict:
                return self.b.call(pack_dict, Const(content.keys), *(self.atom(r) for _, r in entries))
            case Entries(entries) if content.is_dict:
                plain = self.b.call(pack_dict, Const(content.keys), *(self.atom(r) for _, r in entries))
                if content.factory is not None:
                    return self.b.call(content.cls, self.atom(content.factory), plain)
                return self.b.call(content.cls, plain)
            case Entries():
                return self.packed_object(content)
        return content

    def built(self, cls: type, atoms: tuple[Atom, ...]) -> Atom:
        """A tuple, or a named tuple, of these items."""
        if cls is tuple:
            return self.b.call(pack_tuple, *atoms)
        fields: tuple[str, ...] = cls._fields  # type: ignore[attr-defined]
        known = Type("object", items=tuple(a.type for a in atoms), keys=fields, cls=cls)
        return self.b.call(pack_object, Const(cls), Const(fields), *atoms, type=known)

    def packed_object(self, content: Entries) -> Atom:
        """A local object as one value."""
        raise NotImplementedError

    def type_of(self, ref: Ref) -> Type:
        match ref:
            case Const() | Value():
                return ref.type
            case Obj(cell):
                content = self.state.heap[cell]
                if isinstance(content, Items) and content.cls is not list:
                    return OBJECT
                if isinstance(content, Items):
                    types = tuple(map(self.type_of, content.items))
                    return Type("list", items=types)
                if isinstance(content, Entries):
                    return Type("dict" if content.is_dict else "object")
                return content.type
            case View():
                return self.type_inside(ref)
            case Tup(items):
                return Type("tuple", items=tuple(map(self.type_of, items)))
        return OBJECT

    def type_inside(self, view: View) -> Type:
        """What is known of a part of a container as it is now: a list in it may have got other items."""
        content = self.state.heap.get(view.root.cell)
        known = content.type if isinstance(content, (Const, Value)) else Type()
        for step in view.path:
            place = step.args[0] if step.args else None
            if step.fn is getattr and known.is_record and isinstance(place, Const):
                known = known.attribute(place.value)
            elif step.fn is operator.getitem and known.kind in CONTAINERS:
                known = known.at(place.value) if isinstance(place, Const) else element_of(known)
            elif step.fn is operator.getitem and known.kind == "array" and view.type.kind == "unknown":
                known = self.b.inferred(step.fn, (Value("whole", known), *step.args), {})
            else:
                return view.type
        told = view.type.kind != "unknown" and known.kind in ("unknown", "array")
        if view.type.cls in getattr(known.cls, "members", ()):  # an object seen as one of its class
            return replace(known, cls=view.type.cls)
        return view.type if told else known

    def place_of(self, ref: Ref) -> tuple[Cell, tuple[Any, ...], tuple[Atom, ...]] | None:
        """Where in an array, or in a list of its own, this is an item."""
        if not isinstance(ref, View):
            return None
        return place_in(ref, self.type_of(ref.root).kind == "array")

    def static_items(self, ref: Ref) -> tuple[Ref, ...] | None:
        """The items of a tuple or list that are known one by one."""
        if isinstance(ref, Tup):
            self.unwritten(ref.lists, list(ref.items))
            return ref.items
        if isinstance(ref, Obj):
            content = self.state.heap[ref.cell]
            if isinstance(content, Items):
                return content.items
            if isinstance(content, Entries) and content.is_dict:
                return tuple(map(Const, content.keys))
            if isinstance(content, Entries):
                return None
            made = self.b.made_by(content, pack_list) if self.unit.rule else None
            if made is not None:  # a rule changes no list, so what one was made of it still holds
                return tuple(map(self.own, made.args))
        if isinstance(ref, Const) and isinstance(ref.value, (tuple, list)):
            return tuple(self.constant_ref(v) for v in ref.value)
        if isinstance(ref, Value) and ref.type.kind == "tuple" and ref.type.items is not None:
            count = len(ref.type.items)
            parts = tuple(self.own(self.b.call(operator.getitem, ref, Const(k))) for k in range(count))
            self.parts_of_tuple(ref, parts)
            return parts
        return None

    def unwritten(self, lists: tuple[tuple[Cell, Content], ...], rest: list[Ref] | None) -> None:
        """Refuse to run on over a list or a dict in which what comes next is no longer what it was.

        The `rest` is what comes next; where that is not known it may be anything that they hold.
        """
        if not lists:
            return
        ahead: set[Ref] = set()
        stack = [part for _, content in lists for part in parts_of(content)] if rest is None else list(rest)
        while stack:
            ref = stack.pop()
            ahead.add(ref)
            stack.extend(ref.items if isinstance(ref, Tup) else ())
        for cell, content in lists:
            now = self.state.heap.get(cell)
            before, after = parts_of(content), parts_of(now)
            pairs = zip(before, after, strict=False)
            other = isinstance(content, (Const, Value)) and now is not content
            if other or len(before) != len(after) or any(b in ahead and a is not b for b, a in pairs):
                raise UndecidedAlias(
                    "what is run over here was written meanwhile", self.b.line,
                    "Run over a copy, or over its indices.",
                )  # fmt: skip

    def constant_ref(self, value: Any, spelling: str = "") -> Ref:
        return Const(value, spelling)

    def constant(self, ref: Ref) -> Const | None:
        """The constant that a reference is known to be, named literals and tuples of constants included."""
        if isinstance(ref, (Const, Value)):
            return self.b.constant(ref)
        if isinstance(ref, Tup):
            parts = [self.constant(r) for r in ref.items]
            if all(p is not None for p in parts):
                return Const(tuple(p.value for p in parts if p is not None))
        if isinstance(ref, Obj):
            content = self.state.heap[ref.cell]
            if isinstance(content, Items):
                parts = [self.constant(r) for r in content.items]
                if all(p is not None for p in parts):
                    return Const(content.cls([p.value for p in parts if p is not None]))
        return None

    # -- writing --------------------------------------------------------------------------------------------

    def store(
        self, ref: Obj | View, fn: Any, *args: Atom, kwargs: Mapping[str, Atom] | None = None,
        path: tuple[Step, ...] = (), name: str = "", type: Type | None = None, mirrored: bool = True,
    ) -> None:  # fmt: skip
        """`fn(part, *args)` changes what `ref` refers to, or the part of it that `path` leads to.

        Where that is a copy of the caller's, the caller's is changed as well, unless that was done already.
        """
        ref = self.settled(self.as_item(ref))
        root, way = (ref.root, ref.path) if isinstance(ref, View) else (ref, ())
        if way and root.cell.apart is False and self.type_of(root).kind in CONTAINERS:
            raise UndecidedAlias(ITEM, self.b.line, "Write into a copy: `y = x.copy()`.")
        pick = self.picked_from(root.cell)
        if pick is not None and any(self.relied_on(c, root.cell) for c in self.sharers(root.cell)):

            def into(part: Obj | View) -> None:
                steps = (*way, *path)
                if isinstance(part, View) and not steps and fn in _MULTIPLYING:
                    changed = self.b.call(_MULTIPLYING[fn], self.atom(part), *args)
                    self.store(part, operator.setitem, Const(...), changed)
                else:
                    self.store(part, fn, *args, kwargs=kwargs, path=steps)

            self.branch(pick.test, lambda: into(pick.then), lambda: into(pick.orelse))
            return
        self.check_write(root.cell, "" if path else self.type_of(ref).kind, inside=bool(way or path))
        if mirrored and root.cell.mirror is not None:
            self.mirror(root.cell.mirror, fn, (*way, *path), args, bool(kwargs))
        before = self.whole(root)
        if way and before.type.kind in CONTAINERS:
            self.items_written(root.cell)
            type = with_part(before.type, way, type)
        new = self.b.store(
            fn, before, *args, kwargs=kwargs, path=(*way, *path), name=name, type=type,
            visible=root.cell.param,
        )  # fmt: skip
        self.state.heap[root.cell] = new
        self.unit.written.add(root.cell)
        self._picked_again(root.cell)

    def mirror(
        self, whole: Atom, fn: Any, path: tuple[Step, ...], args: tuple[Atom, ...], options: bool = False
    ) -> None:
        """Do to the caller's own list or dict what is done to the copy of it that is worked on."""
        again = bool(path) and self.unit.replaying > 0  # it would be done again
        known = fn in MIRRORED or getattr(fn, "__objclass__", None) in (list, dict)
        steps = all(step.fn in (operator.getitem, getattr) for step in path)
        if again or options or not known or not steps:
            raise UndecidedAlias(ITEM, self.b.line, "Write into a copy: `y = x.copy()`.")
        places = (step.args[0] for step in path)
        operation = Inside(fn, tuple(step.fn for step in path)) if path else fn
        self.b.emit(Call((), operation, (whole, *places, *args), (), self.b.line))

    def picked_from(self, cell: Cell) -> Pick | None:
        """The two objects of which the one in the cell is one, where which one it is can be told here."""
        pick = cell.pick
        if pick is None or not self.b.at_hand(pick.test):
            return None
        return pick if all(root in self.state.heap for root in pick.roots) else None

    def _picked_again(self, written: Cell) -> None:
        """What may be the object in a cell that was written is read again."""
        for cell in list(self.state.heap):
            pick = self.picked_from(cell) if cell.pick is not None and written in cell.pick.within else None
            if pick is not None and self.relied_on(cell, written):
                self.state.heap[cell] = self._chosen(pick, cell.name)

    def _chosen(self, pick: Pick, name: str) -> Atom:
        """What the object that was picked holds now."""
        now = self.branch(pick.test, lambda: self.atom(pick.then), lambda: self.atom(pick.orelse), name)
        assert now is not None
        return self.atom(now)

    def sharers(self, cell: Cell) -> list[Cell]:
        """The other cells whose object may be that of this one."""
        return [c for c in self.state.heap if c is not cell and (c in cell.shares or cell in c.shares)]

    def sharing(self, cells: set[Cell]) -> set[Cell]:
        """These cells, and all others whose object may be that of one of them, or hold it."""
        known = around(cells)
        return known.union(*map(self.sharers, known))

    def parts_of_tuple(self, whole: Atom, parts: Iterable[Ref]) -> None:
        """What these items of a tuple are is not written through them, unless the tuple was just made."""
        made = self.b.defs.get(whole) if isinstance(whole, Value) else None
        new = isinstance(made, Call) and made.fn not in (operator.getitem, getattr, unpack)
        if new or self.unit.rule:
            return
        roots = {cell for cell in self.unit.tuples.get(whole, ()) if cell in self.state.heap}
        roots = roots or {cell for cell in self.state.heap if self.type_of(Obj(cell)).holds_tuples}
        for part in parts:
            if isinstance(part, Value) and part.type.kind == "tuple":
                self.unit.tuples[part] = roots
            for cell in self.cells(part):
                cell.outside = cell.outside or ITEM
                self.found_inside(cell, roots - {cell})

    def item_of(self, ref: Ref, roots: set[Cell]) -> None:
        """What was read is an item of these containers, or is found in one of them."""
        if isinstance(ref, Value) and ref.type.kind == "tuple":
            self.unit.tuples[ref] = roots
        for cell in self.cells(ref):
            self.found_inside(cell, roots)

    def found_inside(self, cell: Cell, roots: set[Cell]) -> None:
        """The object in `cell` was found inside those of `roots`: it may be in whatever holds the same."""
        known = self.sharing(roots) - {cell}
        above = {c for c in known - roots if roots & c.holds and all(c not in root.shares for root in roots)}
        cell.shares |= known - above
        for holder in above:
            holder.may_hold({cell})

    def write(self, ref: Obj, new: Atom) -> None:
        """Make `new` the current version of the object in a cell."""
        self.check_write(ref.cell)
        if ref.cell.mirror is not None and new.type.kind == "list":
            whole = Const(slice(None, None))
            self.b.emit(Call((), operator.setitem, (ref.cell.mirror, whole, new), (), self.b.line))
        elif ref.cell.mirror is not None:
            raise UndecidedAlias(ITEM, self.b.line, "Write into a copy: `y = x.copy()`.")
        self.state.heap[ref.cell] = new
        self.unit.written.add(ref.cell)
        self._picked_again(ref.cell)

    def check_write(self, cell: Cell, kind: str = "", inside: bool = True) -> None:
        """Refuse to change the object in a cell, or what is of this `kind` inside, if others may be it.

        The objects that are found inside do not change where the container alone is given another item.
        """
        if cell.outside:
            raise UndecidedAlias(cell.outside, self.b.line, "Write into a copy: `y = x.copy()`.")
        for other in self.sharers(cell):
            known = self.type_of(Obj(other))
            same = other in cell.shares - cell.holds or cell in other.shares - other.holds
            if inside or same:
                seen = may_be(known, kind)
            else:
                seen = cell in other.holds and any(may_be(part, kind) for part in inner(known))
            if not seen:
                continue
            pick = self.picked_from(other)
            if pick is not None and cell in pick.within:
                continue  # it is picked again
            if self.relied_on(other, cell):
                name = other.name or "another array"
                raise UndecidedAlias(
                    f"this write may also change `{name}`: whether the two are the same array is not decided",
                    self.b.line,
                    "Copy one of them first: `y = x.copy()`.",
                )
        for (_, name), ref in self.state.vars.items():
            doubtful = self.doubtful(ref, cell)
            if doubtful is not None:
                via = getattr(doubtful.fn, "__name__", "reshape")
                raise UndecidedAlias(
                    f"whether `{shown(name)}` sees this write is not decided: `{via}` is a view of some"
                    " layouts of memory, and a copy of others",
                    self.b.line,
                    "Copy it: `y = x.reshape(...).copy()`, or reshape an array that was just made.",
                )

    def doubtful(self, ref: Ref, cell: Cell) -> View | None:
        """A view of the cell's object, reached from `ref`, of which it is not sure that it is one."""
        stack: list[Ref] = [ref]
        while stack:
            match stack.pop():
                case View() as view:
                    if not view.sure and view.root.cell is cell:
                        return view
                    stack.append(view.base)
                case Tup(items):
                    stack.extend(items)
                case Obj(held) if isinstance(content := self.state.heap.get(held), Items):
                    stack.extend(content.items)
        return None

    def settled(self, ref: Obj | View) -> Obj | View:
        """A view that may be a copy, of an array that nothing else refers to, is an array of its own."""
        at = ref
        while isinstance(at, View) and at.sure:
            at = at.base
        if not isinstance(at, View):
            return ref
        root = at.root.cell
        mine = [key for key, held in self.state.vars.items() if held is at]
        holders = [key for key, held in self.state.vars.items() if root in self.cells(held)]
        if root.param or holders != mine:
            return ref
        own = self.state.new(self.atom(at), at.name)
        for key in mine:
            self.state.vars[key] = own
        return own if at is ref else ref

    def standing_alone(self, view: View) -> Ref:
        """A view of what nothing else refers to is an array of its own: `x.copy().reshape(2, 2)`."""
        root = view.root.cell
        arrays = view.type.kind == self.type_of(view.root).kind == "array"
        writable = not any(step.fn in READ_ONLY for step in view.path)
        if not arrays or not writable or root.param or root.outside or root in self.held(self.state):
            return view
        return self.state.new(self.atom(view), view.name)

    def in_use(self, cell: Cell) -> bool:
        return any(cell in self.cells(ref) for ref in self.state.vars.values())

    def relied_on(self, cell: Cell, written: Cell) -> bool:
        """Does a name lead to this cell, or to one that is picked out of it and is not the one written?

        So does one of an object that was put into it and is known by that name still.
        """
        kept = (c for c, view in self.state.kept.items() if view.root.cell is cell)
        if self.in_use(cell) or any(map(self.in_use, kept)):
            return True
        picked = (c for c in self.state.heap if c.pick is not None and cell in c.pick.within)
        return any(self.in_use(c) for c in picked if c is not written)

    def cells(self, *refs: Ref, state: State | None = None) -> set[Cell]:
        """Every cell that can be reached from these references."""
        heap = (state or self.state).heap
        found: set[Cell] = set()
        stack: list[Ref] = list(refs)
        while stack:
            match stack.pop():
                case Obj(cell) if cell not in found:
                    found.add(cell)
                    content = heap.get(cell)
                    if isinstance(content, Items):
                        stack.extend(content.items)
                    elif isinstance(content, Entries):
                        stack.extend(content.refs)
                case View(base=base):
                    stack.append(base)
                case Tup(items):
                    stack.extend(items)
                case Bound(receiver=receiver) | Super(receiver=receiver):
                    stack.append(receiver)
                case Derived(fn=fn):
                    stack.append(fn)
                case Made(args=args, kwargs=kwargs):
                    stack.extend((*args, *(r for _, r in kwargs)))
                case Choice(options=options):
                    stack.extend(r for _, r in options)
                case Applied(fn, args, kwargs):
                    stack.extend((fn, *args, *(r for _, r in kwargs)))
        return found

    def reached(self, ref: Ref, state: State | None = None) -> set[Cell]:
        """Every cell that can be reached from a reference, and those of containers that hold one of them."""
        found = self.cells(ref, state=state)
        return found.union(*(self.holders(c, state) for c in found))

    def holders(self, cell: Cell, state: State | None = None) -> set[Cell]:
        """Those of the container that holds the object in this cell, if one does."""
        view = (state or self.state).kept.get(cell)
        return set() if view is None else self.cells(view, state=state)

    def held(self, state: State, *more: Ref) -> set[Cell]:
        """Every cell that a name leads to."""
        return self.cells(*state.vars.values(), *more, state=state)

    @contextlib.contextmanager
    def holding(
        self, sources: tuple[Ref | None, ...], cells: frozenset[Cell] = frozenset()
    ) -> Iterator[None]:
        """What a loop runs over, or a function is given, is held as long, whatever becomes of its name."""
        self.unit.holdings += 1
        key = self.scope, f"$held while this runs:{self.unit.holdings}"
        refs = (*(s for s in sources if s is not None), *map(Obj, cells))
        self.state.vars[key] = Tup(refs)
        try:
            yield
        finally:
            self.unit.holdings -= 1
            self.state.vars.pop(key, None)

    # -- branches -------------------------------------------------------------------------------------------

    def branch(
        self, test: Atom, then: Callable[[], Ref | None], orelse: Callable[[], Ref | None], name: str = ""
    ) -> Ref | None:
        """Run one of two continuations: decided now if `test` is a constant, at run time otherwise."""
        known = self.b.constant(test)
        if known is None and test in self.unit.decided:
            known = Const(self.unit.decided[test])
        if known is not None:
            return then() if known.value else orelse()
        line = self.b.line
        before = self.state
        paths = []
        for run in (then, orelse):
            self.state = before.copy()
            self.unit.decided[test] = run is then
            try:
                with self.b.region() as body:
                    ref = run()
            finally:
                del self.unit.decided[test]
            paths.append(Path(self.state, body, ref))
        merge = Merge(self, paths[0], paths[1], name)
        merge.remember(test)
        self.state = merge.state
        self.b.line = line
        empty = not paths[0].body and not paths[1].body and test.type.kind == "bool"
        if empty and isinstance(merge.ref, Value) and merge.outs == [merge.ref]:
            a, b = paths[0].results[0], paths[1].results[0]
            if isinstance(a, Const) and isinstance(b, Const) and a.value is True and b.value is False:
                return test
        regions = [Region((), tuple(p.body), tuple(p.results)) for p in paths]
        self.b.emit(
            If(tuple(merge.outs), test, regions[0], regions[1], line, object(), merge.ref is not None)
        )
        return merge.ref


def inner(known: Type) -> list[Type]:
    """The types of what an object of this type may hold."""
    return known.parts or ([UNKNOWN] if known.kind in HOLDERS else [])


def may_be(known: Type, kind: str) -> bool:
    """Can an object of this type be one of that kind, or lead to one?"""
    if kind not in HOLDERS or known.kind in (kind, "unknown"):
        return True
    return any(may_be(part, kind) for part in inner(known))


def holds_objects(known: Type) -> bool:
    """May a list or a dict of this type hold objects that could be changed?"""
    if known.kind not in CONTAINERS:
        return False
    kinds = {t.kind for t in (*(known.items or ()), *((known.elem,) if known.elem is not None else ()))}
    return not kinds.isdisjoint(MUTABLE | {"tuple"})


def with_part(known: Type, way: tuple[Step, ...], part: Type | None) -> Type:
    """The type of a container in which the part that these steps lead to is of type `part` from now on."""
    if part is None or not way:
        return part or known
    step, *rest = way
    if known.is_record and isinstance(step.args[0], Const):
        name = step.args[0].value
        return known.with_attribute(name, with_part(known.attribute(name), tuple(rest), part))
    if known.kind not in CONTAINERS:
        return known
    if known.entries is not None and isinstance(step.args[0], Const):
        key = step.args[0].value
        return known.with_value(key, with_part(known.at(key), tuple(rest), part))
    elem = with_part(element_of(known), tuple(rest), part)
    return Type(known.kind, elem=join_items(element_of(known), elem))


def without(content: Items | Entries) -> Items | Entries:
    """The content of an object that the caller does not see."""
    return replace(content, handle=None)


class Path:
    """One branch after it has been lowered: its state, its instructions, its value, what it will yield."""

    def __init__(self, state: State, body: list[Instr], ref: Ref | None) -> None:
        self.state = state
        self.body = body
        self.ref = ref
        self.results: list[Atom] = []


class Merge:
    """The state after an `if`: what both branches agree on, and an out for each thing that they do not."""

    def __init__(self, frame: Core, then: Path, orelse: Path, name: str) -> None:
        self.frame = frame
        self.paths = (then, orelse)
        self.outs: list[Value] = []
        self.joined: dict[tuple[Ref, Ref], Ref] = {}
        # Each merged object, and what it is on each path.
        self.made: list[tuple[Cell, tuple[set[Cell], set[Cell]]]] = []
        self.picks: list[tuple[Cell, Obj | View, Obj | View]] = []
        self.function = frame.is_function
        self.ref: Ref | None = None
        if then.state.dead or orelse.state.dead:
            live = orelse if then.state.dead else then
            self.state = live.state
            self._kept_inside(live)
            self._export(live)
            return
        self._kept()
        self.state = then.state.copy()
        self._cells()
        self._names()
        self.state.done = self._done()
        if then.ref is not None and orelse.ref is not None:
            self.ref = self.merge(then.ref, orelse.ref, name or "value")
        self._relate()

    def _export(self, live: Path) -> None:
        """The other branch raises, so the live one's values go on: all that changed becomes an out."""
        which = self.paths.index(live)
        state = live.state.copy()
        table: dict[Value, Ref] = {}

        def out(atom: Atom, name: str) -> Atom:
            if isinstance(atom, Const) or not self._made_in(live, atom):
                return atom
            if atom not in table:
                a, b = (atom, UNBOUND_REF) if which == 0 else (UNBOUND_REF, atom)
                table[atom] = self._out(a, b, name)
            result = table[atom]
            assert isinstance(result, (Const, Value))
            return result

        def visit(ref: Ref, name: str) -> Ref:
            match ref:
                case Const() | Value():
                    return out(ref, name)
                case Tup(items, cls):
                    parts = tuple(visit(r, name) for r in items)
                    return ref if all(map(operator.is_, parts, items)) else Tup(parts, cls)
            return ref

        for cell, content in list(state.heap.items()):
            match content:
                case Items(items, handle):
                    now = None if handle is None else out(handle, cell.name)
                    parts = tuple(visit(r, cell.name) for r in items)
                    if now is not handle or any(map(operator.is_not, parts, items)):
                        state.heap[cell] = replace(content, items=parts, handle=now)
                case Entries(entries, handle):
                    now = None if handle is None else out(handle, cell.name)
                    found = tuple((k, visit(r, str(k))) for k, r in entries)
                    if now is not handle or any(a is not b for (_, a), (_, b) in zip(found, entries)):  # noqa: B905
                        state.heap[cell] = replace(content, entries=found, handle=now)
                case _:
                    state.heap[cell] = out(content, cell.name)
        for key, ref in list(state.vars.items()):
            state.vars[key] = visit(ref, key[1])
        state.done = out(state.done, "done")
        if live.ref is not None:
            self.ref = visit(live.ref, "value")
        self.state = state

    def _kept_inside(self, live: Path) -> None:
        """What was put into a container on the only path that goes on is not told by its place there."""
        made = {out for instr in live.body for out in instr.outs}
        for cell, view in list(live.state.kept.items()):
            if any(a in made for step in view.path for a in step.args):
                self._on(live, partial(self.frame.given_up, cell))

    def _kept(self) -> None:
        """What is an item of a container too is so on both paths, or was written on neither."""
        before = [dict(path.state.kept) for path in self.paths]
        for path, other, mine, its in zip(self.paths, self.paths[::-1], before, before[::-1], strict=True):
            for cell in mine:
                if mine[cell] is its.get(cell):
                    continue
                if cell not in other.state.heap and cell not in its:  # it was written there
                    self._on(path, partial(self.frame.moved, cell))
                else:
                    self._on(path, partial(self.frame.given_up, cell))

    def _on(self, path: Path, run: Callable[[], Any]) -> Any:
        """Run something in the state and the instructions of one path."""
        outer_state, outer_body = self.frame.state, self.frame.b.body
        self.frame.state, self.frame.b.body = path.state, path.body
        try:
            return run()
        finally:
            self.frame.state, self.frame.b.body = outer_state, outer_body

    def _made_in(self, live: Path, value: Value) -> bool:
        made = {out for instr in live.body for out in instr.outs}
        return value in made

    def _out(self, a: Atom, b: Atom, name: str, named: bool | None = None) -> Value:
        name = shown(name)
        self.frame.meet(a.type, b.type)
        type = join_names(a.type, b.type)
        if UNBOUND_REF in (a, b) and (self.paths[0].state.dead or self.paths[1].state.dead):
            type = b.type if a is UNBOUND_REF else a.type
        user = any(isinstance(x, Value) and x.named for x in (a, b)) if named is None else named
        out = Value(name, type, named=user)
        self.outs.append(out)
        self.paths[0].results.append(a)
        self.paths[1].results.append(b)
        return out

    def _cells(self) -> None:
        then, orelse = self.paths
        for cell in list(then.state.heap):
            if cell not in orelse.state.heap:
                continue
            a, b = then.state.heap[cell], orelse.state.heap[cell]
            if a is not b:
                self.state.heap[cell] = self._content(a, b, cell)
        for cell in orelse.state.heap:
            self.state.heap.setdefault(cell, orelse.state.heap[cell])

    def _content(self, a: Content, b: Content, cell: Cell) -> Content:
        a, b = self._of_family(0, a), self._of_family(1, b)
        if isinstance(a, Items) and isinstance(b, Items) and len(a.items) == len(b.items) and a.cls is b.cls:
            items = tuple(self.merge(x, y, cell.name) for x, y in zip(a.items, b.items, strict=True))
            return replace(a, items=items, handle=self._handle(a.handle, b.handle, cell))
        if isinstance(a, Entries) and isinstance(b, Entries) and a.cls is b.cls:
            entries = self._entries(a, b)
            if entries is not None:
                return replace(a, entries=entries, handle=self._handle(a.handle, b.handle, cell))
        seen = isinstance(a, (Items, Entries)) and a.handle is not None
        if seen or isinstance(a, Entries) and not a.is_dict:
            both = isinstance(a, Entries) and isinstance(b, Entries) and not (a.is_dict or b.is_dict)
            if isinstance(a, Entries) and isinstance(b, Entries) and both and a.cls is not b.cls:
                self._met(a, b)
                raise self.frame.refuse(
                    f"`{cell.name or 'an object'}` is of class `{a.cls.__name__}` on one path, and of class"
                    f" `{b.cls.__name__}` on the other",
                    "Do what is done with it on each path, or give one class a flag.",
                )
            raise self.frame.refuse(
                f"`{cell.name or 'a container'}` has another length, or other keys, on each path",
                "Give it the same ones on every path.",
            )
        x, y = self._packed(0, a, cell), self._packed(1, b, cell)
        given = next((v.name for v in (x, y) if isinstance(v, Value) and v.named), "value")
        return self._out(x, y, cell.name or given)

    def _of_family(self, which: int, content: Content) -> Content:
        """An object that was seen as one of its class is one of its family again."""
        if isinstance(content, Entries) and not content.is_dict:
            return self._on(self.paths[which], partial(self.frame.as_family, content))  # type: ignore[no-any-return]
        return content

    def _met(self, a: Entries, b: Entries) -> None:
        """Two objects of different classes are in one place."""
        if a.handle is None and b.handle is None:
            pairs = zip(self.paths, (a, b), strict=True)
            x, y = (self._on(path, partial(self.frame.record_type, content)) for path, content in pairs)
            self.frame.meet(x, y)

    def _entries(self, a: Entries, b: Entries) -> tuple[tuple[Any, Ref], ...] | None:
        """The entries of a dict that has the same keys on both paths; an object may lack some on one."""
        if a.is_dict and a.keys != b.keys:
            return None
        left, right = dict(a.entries), dict(b.entries)
        return tuple(
            (k, self.merge(left.get(k, UNBOUND_REF), right.get(k, UNBOUND_REF), str(k)))
            for k in dict.fromkeys((*a.keys, *b.keys))
        )

    def _handle(self, a: Atom | None, b: Atom | None, cell: Cell) -> Atom | None:
        """The object that the caller sees, if it sees one."""
        if a is b:
            return a
        if a is None or b is None:
            raise self.frame.refuse(
                f"`{cell.name or 'a container'}` becomes the caller's on one path only",
                "Assign it on every path.",
            )
        return self._out(a, b, cell.name or "value", False)

    def _packed(self, which: int, content: Content, cell: Cell) -> Atom:
        """The content as one atom, packed at the end of its own branch."""
        if isinstance(content, (Const, Value)):
            return content

        def pack() -> Atom:
            value = self.frame.pack(content)
            if cell in self.frame.state.heap:
                self.frame.state.heap[cell] = value
                self.frame.taken_in(cell, content)
            return value

        found: Atom = self._on(self.paths[which], pack)
        return found

    def _atom(self, which: int, ref: Ref) -> Atom:
        found: Atom = self._on(self.paths[which], lambda: self.frame.whole(ref))
        return found

    def _names(self) -> None:
        then, orelse = (p.state.vars for p in self.paths)
        for key in dict.fromkeys([*then, *orelse]):
            a, b = then.get(key, UNBOUND_REF), orelse.get(key, UNBOUND_REF)
            if key[1] == "$result" and UNBOUND_REF in (a, b) and _is_none(a if b is UNBOUND_REF else b):
                self.state.vars[key] = Const(None)  # what falls off the end returns None as well
            elif a is not b:
                self.state.vars[key] = self.merge(a, b, key[1])

    def _done(self) -> Atom:
        a, b = (p.state.done for p in self.paths)
        return a if same_atom(a, b) else self._out(a, b, "done", False)

    def merge(self, a: Ref, b: Ref, name: str) -> Ref:
        """One reference for what is `a` on the first path and `b` on the second."""
        if a is b or (isinstance(a, (Const, Value)) and isinstance(b, (Const, Value)) and same_atom(a, b)):
            return a
        if isinstance(a, Obj) and isinstance(b, Obj) and a.cell is b.cell:
            return a
        known = self.joined.get((a, b))
        if known is None:
            known = self.joined[a, b] = self._merge(a, b, name)
        return known

    def _merge(self, a: Ref, b: Ref, name: str) -> Ref:
        if isinstance(a, Tup) and isinstance(b, Tup) and len(a.items) == len(b.items) and a.cls is b.cls:
            return Tup(tuple(self.merge(x, y, name) for x, y in zip(a.items, b.items, strict=True)), a.cls)
        if self.function(a) and self.function(b):
            return Choice(self._out(Const(0), Const(1), name, False), ((0, a), (1, b)))
        opaque = (Closure, Bound, Applied, Super, Choice, Derived, Pulled, Sequence, Generated, Conflict)
        if isinstance(a, opaque) or isinstance(b, opaque):
            if UNBOUND_REF in (a, b):
                return b if a is UNBOUND_REF else a
            reason = f"`{name}` is a function on one path and something else on another"
            if isinstance(a, Pulled) and isinstance(b, Pulled):
                reason = f"`{name}` is a pullback that is made on each path, and called after them"
            return Conflict(reason, self.frame.b.line)
        static = self._static(a, b, name) or self._item(a, b, name)
        if static is not None:
            return static
        if self._object(a) != self._object(b) and UNBOUND_REF not in (a, b):
            for which, ref in enumerate((a, b)):
                content = self._object_content(which, ref)
                if self._or_none(content, (b, a)[which]):
                    break
                if isinstance(content, (Items, Entries)):
                    return Conflict(
                        f"`{name}` is a container on one path and not on another", self.frame.b.line
                    )
        left = a if a is UNBOUND_REF else self._atom(0, a)
        right = b if b is UNBOUND_REF else self._atom(1, b)
        assert isinstance(left, (Const, Value)) and isinstance(right, (Const, Value))
        out = self._out(left, right, name, name != "value")
        if out.type.kind not in MUTABLE:
            return out
        cell = Cell(name)
        cell.apart = all(isinstance(r, Obj) and r.cell.apart is True for r in (a, b))
        self.state.heap[cell] = out
        self.made.append((cell, (self._cells_of(0, a), self._cells_of(1, b))))
        if isinstance(a, (Obj, View)) and isinstance(b, (Obj, View)):
            self.picks.append((cell, a, b))
        return Obj(cell)

    def _or_none(self, content: Content | None, other: Ref) -> bool:
        """Is this an object of the program's own, and the other None, or what may be such an object?"""
        mine = isinstance(content, Entries) and not content.is_dict and content.handle is None
        known = other.type if isinstance(other, (Const, Value)) else None
        return mine and known is not None and known.kind == "none"

    def remember(self, test: Atom) -> None:
        """Which object each merged one is, where `test` tells that."""
        before = set(self.paths[0].state.heap) & set(self.paths[1].state.heap)
        for cell, a, b in self.picks:
            kinds = {self._kind(0, a), self._kind(1, b)}
            if not isinstance(test, Value) or kinds != {"array"} or not (sure(a) and sure(b)):
                continue
            pick = Pick(test, a, b)
            fresh = [ref for ref, root in zip((a, b), pick.roots, strict=True) if root not in before]
            if len(fresh) > 1 or any(isinstance(ref, View) or ref.cell.shares for ref in fresh):
                continue
            for ref in fresh:  # what was made on one path is there after it by the merged name alone
                assert isinstance(ref, Obj)
                self.state.heap[ref.cell] = self.state.heap[cell]
            cell.pick = pick

    def _kind(self, which: int, ref: Obj | View) -> str:
        if isinstance(ref, View):
            return ref.type.kind
        content = self.paths[which].state.heap[ref.cell]
        return content.type.kind if isinstance(content, (Const, Value)) else ""

    def _cells_of(self, which: int, ref: Ref) -> set[Cell]:
        return self.frame.reached(ref, self.paths[which].state)

    def _static(self, a: Ref, b: Ref, name: str) -> Ref | None:
        """Two lists or dicts of one structure, made on different paths, are merged item by item."""
        if not (isinstance(a, Obj) and isinstance(b, Obj)):
            return None
        x, y = self.paths[0].state.heap[a.cell], self.paths[1].state.heap[b.cell]
        if isinstance(x, (Items, Entries)) and isinstance(y, (Items, Entries)):
            merged = self.state.new(self._content(without(x), without(y), Cell(name)), name)
            self.made.append((merged.cell, ({a.cell}, {b.cell})))  # their parts are merged one by one
            if x.handle is not None or y.handle is not None:
                merged.cell.outside = (
                    f"`{name}` is one of the caller's objects on one path, and is changed here"
                )
            return merged
        return None

    def _item(self, a: Ref, b: Ref, name: str) -> Ref | None:
        """Two items of one list are the item at the place that is the one's or the other's."""
        both = tuple(zip(self.paths, (a, b), strict=True))
        x, y = (self._on(path, partial(self.frame.place_of, ref)) for path, ref in both)
        if x is None or y is None or x[0] is not y[0] or x[1] != y[1]:
            return None
        at = tuple(self.merge(i, j, at_name(name)) for i, j in zip(x[2], y[2], strict=True))
        known = join(*(self._on(path, partial(self.frame.type_of, ref)) for path, ref in both))
        return at_place(x[0], x[1], at, known, name)  # type: ignore[arg-type]

    def _object(self, ref: Ref) -> bool:
        return isinstance(ref, (Obj, View))

    def _object_content(self, which: int, ref: Ref) -> Content | None:
        return self.paths[which].state.heap.get(ref.cell) if isinstance(ref, Obj) else None

    def _relate(self) -> None:
        """Of each merged object: what else it may be, of all that is still held."""
        if not self.made:
            return
        held = self.frame.held(self.state, *(() if self.ref is None else (self.ref,)))
        for k, (cell, origins) in enumerate(self.made):
            for which, cells in enumerate(origins):
                cell.shares |= still_held(around(cells), held)
                for other, its in self.made[:k]:
                    if related(cells, its[which]):
                        cell.shares.add(other)
            cell.param = any(shared.param for shared in cell.shares)


def sure(ref: Obj | View) -> bool:
    """Is it sure that this sees the memory of its root?"""
    while isinstance(ref, View):
        if not ref.sure:
            return False
        ref = ref.base
    return True


def still_held(cells: set[Cell], held: set[Cell]) -> set[Cell]:
    """Of these cells, those that something still refers to: a name, or the function's caller."""
    return {c for c in cells if c in held or c.param or c.outside}


def _is_none(ref: Ref) -> bool:
    return isinstance(ref, Const) and ref.value is None
