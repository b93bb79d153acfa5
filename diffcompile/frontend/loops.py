"""Loops and comprehensions: what they carry from turn to turn, found by lowering the body to a fixed point.

for row in x:              total.2 = for row in x, carrying total = 0.0:
    total += row.sum()       ...
"""

from __future__ import annotations

import ast
import itertools
import operator
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from ..errors import Span, UndecidedAlias, UnsupportedSyntax
from ..ir.graph import (
    UNBOUND,
    Atom,
    Call,
    Const,
    For,
    Function,
    Region,
    Store,
    Value,
    While,
    pack_slice,
    pack_tuple,
    replay_begins,
    replay_ends,
)
from ..ir.types import INT, RANGE, UNKNOWN, Type, array, element_of, join, join_names, number
from ..ir.walk import instructions, same_atom
from ..rules.containers import keys_of
from ..rules.definitions import places_in_order
from ..rules.sets import Members
from .calls import Calls, in_order
from .core import UnknownSetError, still_held, without
from .expressions import UNROLLED
from .heap import (
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
    Obj,
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
    related,
    shown,
)
from .layers import names_in
from .lives import NO_NAMES, contains, replaced_first

Gathering = ast.ListComp | ast.GeneratorExp | ast.SetComp
WRITTEN = "what this loop runs over is written inside it"
SEVERAL = 16  # a loop over so many items is unrolled where it cannot be a loop
Key = tuple[Scope, str] | Cell
Place = tuple[int, int]  # a slot of what a loop carries, and which of the objects in it
LEAF = "leaf"
SAME = "same"  # a part of a container that stays what it was before the loop


@dataclass(slots=True)
class Carried:
    """What one lowering of a loop has taught about what it carries; the next starts from there."""

    keys: list[Key]
    shapes: dict[int, Any]
    types: dict[int, list[Type]]
    packed: set[int]
    foreign: bool = False  # does a variable hold one of the caller's containers at first?
    callers: set[Place] = field(default_factory=set)  # those that may be an object of the caller
    # What each may be after a turn, of the objects outside; and the pairs that may be one object.
    shares: dict[Place, set[Cell]] = field(default_factory=dict)
    together: set[tuple[Place, Place]] = field(default_factory=set)
    moved: set[Cell] = field(default_factory=set)  # objects that a turn knows as items of a container alone
    mixed: set[Place] = field(default_factory=set)  # lists with items that may be reached in other ways

    def without(self, gone: Callable[[Key], bool]) -> Carried:
        """What is known of the slots that are left."""
        kept = [k for k, key in enumerate(self.keys) if not gone(key)]
        number = {k: position for position, k in enumerate(kept)}

        def moved(known: dict[int, Any]) -> dict[int, Any]:
            return {number[k]: what for k, what in known.items() if k in number}

        return Carried(
            [self.keys[k] for k in kept], moved(self.shapes), moved(self.types),
            {number[k] for k in self.packed if k in number}, self.foreign,
            {(number[k], n) for k, n in self.callers if k in number},
            moved=self.moved, mixed={(number[k], n) for k, n in self.mixed if k in number},
        )  # fmt: skip


class WritingTest(Exception):
    """The test of a `while` changes something: it is no test alone."""


class Loops(Calls):
    loop_depth = 0

    # -- statements -----------------------------------------------------------------------------------------

    guards: tuple[Any, ...] = ()

    consumer: Any = None

    def run_over(self, node: ast.For, sequence: Ref) -> None:
        assert isinstance(sequence, Sequence)
        if sequence.refs is not None:
            self._unrolled(node, sequence)
            return
        if node in self.unit.unrolled:
            refs = self.items_of(sequence.items[0]) if len(sequence.items) == 1 else None
            if refs is not None:
                self._unrolled(node, Sequence((), 0, refs=refs, snapshots=sequence.snapshots))
                return
        if sequence.layout is not None:
            layout = replace(sequence.layout, names=names_in(node.target, sequence.layout))
            sequence = replace(sequence, layout=layout)
            self.name_parts(sequence, layout)
        elif len(sequence.items) == 1 and isinstance(node.target, (ast.Tuple, ast.List)):
            labels = tuple(p.id if isinstance(p, ast.Name) else "" for p in node.target.elts)
            self.unit.part_names.setdefault(sequence.items[0], labels)
        items = in_order(sequence) if sequence.known is not None and len(sequence.known) <= SEVERAL else None
        makes = contains(node.body, (ast.Lambda, ast.FunctionDef)) or self._binds_function(node)
        if items is None and (makes or self.unit.session.one_by_one):
            items = self.known_items(sequence)
        if sequence.snapshots is not None:
            items = None
        if items is None:
            self._loop(node, sequence, None)
            return
        before, mark, depth = self.state.copy(), len(self.b.body), self.loop_depth
        try:
            self._loop(node, sequence, None)
        except (UnsupportedSyntax, UndecidedAlias) as refusal:
            # Items are written, or a function of every turn is kept: one copy of the body each.
            self.state, self.loop_depth = before, depth
            self.b.forget(mark)
            try:
                self._unrolled(node, Sequence((), 0, refs=items, lists=sequence.lists))
            except (UnsupportedSyntax, UndecidedAlias):
                raise refusal from None

    def _binds_function(self, node: ast.For) -> bool:
        """Is a name that holds a function bound anew in every turn?  `f = grad(f)`"""
        stored = (p.id for p in ast.walk(node) if isinstance(p, ast.Name) and isinstance(p.ctx, ast.Store))
        held = (self.state.vars.get((self.scope, name)) for name in stored)
        return any(ref is not None and self.is_function(ref) for ref in held)

    def known_items(self, sequence: Sequence) -> tuple[Ref, ...] | None:
        """The numbers of a short range whose ends are constants."""
        made = self.b.made_by(sequence.items[0], range) if len(sequence.items) == 1 else None
        ends = [self.b.constant(a) for a in made.args] if made is not None else [None]
        if any(end is None for end in ends):
            return None
        numbers = range(*(end.value for end in ends if end is not None))
        most = SEVERAL if self.unit.session.one_by_one else UNROLLED
        return tuple(map(Const, numbers)) if len(numbers) <= most else None

    def _While(self, node: ast.While) -> None:
        self._loop(node, None, node.test)

    def _unrolled(self, node: ast.For, sequence: Sequence) -> None:
        """A short container whose items differ in kind: one copy of the body an item.

        If it is checkpointed, each of them is run again by its adjoint.
        """
        outer = self._enter(node)
        refs = list(sequence.refs or ())
        again = sequence.snapshots is not None
        with self.holding(tuple(refs)):
            self._turns(node, refs[::-1] if sequence.backwards else refs, sequence.lists, again)
        self.forget(self.of_a_turn(node))
        self._leave(node, outer)

    def of_a_turn(self, node: ast.stmt) -> frozenset[str]:
        """The names that are of no use once a turn of this loop is over."""
        return self.in_scope(self.unit.lives_of(self.source.node).turns.get(node, NO_NAMES))

    def useless_after(self, node: ast.stmt) -> frozenset[str]:
        """The names that are of no use after a statement."""
        return self.in_scope(self.unit.lives_of(self.source.node).after.get(node, NO_NAMES))

    def in_scope(self, names: frozenset[str]) -> frozenset[str]:
        """Those of the names that are this function's own; none where a handler may read them."""
        if self.guards:
            return NO_NAMES
        return frozenset(n for n in names if (self.scope, n) not in self.unit.homes)

    def forget(self, names: frozenset[str]) -> None:
        for name in names:
            self.state.vars.pop((self.scope, name), None)

    def _turns(
        self, node: ast.For, refs: list[Ref], lists: tuple[tuple[Cell, Content], ...], again: bool
    ) -> None:
        if not refs:
            return
        if again:
            name = Const(f"{self.source.fn.__name__}_turn")
            self.b.emit(Call((), replay_begins, (name,), (), self.b.line))
        self.assign(node.target, refs[0])
        self.state.done = Const(False)
        self.block(node.body)
        if again:
            self.b.emit(Call((), replay_ends, (), (), self.b.line))
        if self.state.dead:
            return
        self.unwritten(lists, refs[1:])
        self.state.done = Const(False)
        left = self.atom(self.state.vars[self.scope, "$leave"])
        self.branch(left, lambda: None, lambda: self._turns(node, refs[1:], lists, again))

    def _enter(self, node: ast.For | ast.While) -> dict[str, Ref | None]:
        """Fresh flags for this loop; the outer loop's are put back by `_leave`."""
        outer = {name: self.state.vars.get((self.scope, name)) for name in ("$leave", "$broke", "$returned")}
        for name in outer:
            self.state.vars.pop((self.scope, name), None)
        self.state.vars[self.scope, "$leave"] = Const(False)
        if node.orelse:
            self.state.vars[self.scope, "$broke"] = Const(False)
        if self.guards or self.consumer is not None or contains(node.body, ast.Return):
            self.state.vars[self.scope, "$returned"] = Const(False)
            self.state.vars.setdefault((self.scope, "$result"), UNBOUND_REF)
        self.loop_depth += 1
        return outer

    def _leave(self, node: ast.For | ast.While, outer: dict[str, Ref | None]) -> None:
        self.loop_depth -= 1
        if self.state.dead:
            return
        returned = self.state.vars.pop((self.scope, "$returned"), None)
        broke = self.state.vars.pop((self.scope, "$broke"), None)
        self.state.vars.pop((self.scope, "$leave"), None)
        for name, ref in outer.items():
            if ref is not None:
                self.state.vars[self.scope, name] = ref
        self.state.done = Const(False) if returned is None else self.atom(returned)
        if returned is not None and self.loop_depth:
            outer_left = self.state.vars.get((self.scope, "$leave"), Const(False))
            for name in ("$leave", "$returned"):
                known = self.b.constant(self.state.done)
                if known is None or known.value:
                    self.state.vars[self.scope, name] = self.state.done
            assert isinstance(outer_left, (Const, Value))
        if node.orelse:
            skip = self.atom(broke) if broke is not None else Const(False)
            done = self.state.done

            def run() -> None:
                if self.b.constant(done) is None:
                    self._unless_done(node.orelse)
                else:
                    self.block(node.orelse)

            self.branch(skip, lambda: None, run)

    def _unless_done(self, rest: list[ast.stmt]) -> None:
        raise NotImplementedError

    def assign(self, target: ast.expr, ref: Ref) -> None:
        raise NotImplementedError

    def inside(self) -> tuple[Any, ...]:
        raise NotImplementedError

    def again(self, inside: tuple[Any, ...]) -> None:
        raise NotImplementedError

    def _loop(self, node: ast.For | ast.While, sequence: Sequence | None, test: ast.expr | None) -> None:
        outer = self._enter(node)
        mine = self.of_a_turn(node)
        self.forget(mine)
        names = [n for n in assigned(node) if n not in mine]
        inner_test = test is not None and (
            bool(self.guards) or any(isinstance(n, ast.NamedExpr) for n in ast.walk(test))
        )

        def body(items: list[Value]) -> None:
            turn(items)
            self.forget(mine)

        def turn(items: list[Value]) -> None:
            if sequence is not None:
                assert isinstance(node, ast.For)
                self.assign(node.target, self.build(sequence.shape, items, sequence))
            if self.guards and test is not None:
                self._held(lambda: self.condition(test), lambda go_on: self._go_on(go_on, node))
                return
            if inner_test and test is not None:
                self._go_on(self.condition(test), node)
                return
            self.block(node.body)

        condition: Callable[[], Atom] | None = None
        if test is not None:
            condition = (lambda: Const(True)) if inner_test else (lambda: self.condition(test))
        given, wholes = sequence, None if sequence is None else self.of_whole_lists(sequence)
        by_number = wholes is not None and self.countable(wholes)
        sliced = by_number and wholes is not given

        def fold(numbered: bool) -> None:
            nonlocal sequence
            held: tuple[Any, ...] = ()
            if numbered and wholes is not None:
                sequence = self.by_index(wholes)
                held = (*wholes.sources, *self._any_items(wholes)), wholes.cells
            elif given is not None:
                sequence, held = given, (given.sources, given.cells)
            with self.holding(*(held or ((),))):
                self.fold(node, sequence, condition, body, names)

        before, size, inside = self.state.copy(), len(self.b.body), self.inside()
        try:
            fold(sliced)
        except WritingTest:
            # It is made in the turn, whose end it is where it fails.
            self.state, inner_test, condition = before, True, lambda: Const(True)
            self.again(inside)
            self.b.forget(size)
            fold(sliced)
        except UndecidedAlias:
            # The items are written, or what they are parts of is: they are run over by number. Those of
            # slices are so from the first, as long as none of them changes its place meanwhile.
            if not by_number:
                raise
            self.state = before
            self.again(inside)
            self.b.forget(size)
            fold(not sliced)
        self._leave(node, outer)

    def _go_on(self, test: Ref, node: ast.For | ast.While) -> None:
        """Run the turn if the test, made inside it, says so."""
        stop = self.b.call(operator.not_, self.atom(test))
        self.branch(stop, self._stop_here, lambda: self.block(node.body))

    def _held(self, compute: Callable[[], Ref], use: Callable[[Ref], None]) -> None:
        raise NotImplementedError

    def countable(self, sequence: Sequence) -> bool:
        """Are all the objects that are run over arrays, or lists whose items are objects of their own?"""
        dicts = any(s is not None and self.type_of(s).kind == "dict" for s in sequence.sources)
        held = bool(sequence.cells) or dicts
        return all(map(self._by_number, sequence.sources)) and held and not sequence.indexed

    def of_whole_lists(self, sequence: Sequence) -> Sequence:
        """The sequence with the lists themselves in place of slices of them: an item is an item of those."""
        found = [self._slice_of(source) for source in sequence.sources]
        if not any(found):
            return sequence
        sources = list(sequence.sources)
        places: list[tuple[Atom, int] | None] = [None] * len(sources)
        cells = sequence.cells
        for k, (source, part) in enumerate(zip(sequence.sources, found, strict=True)):
            if part is not None and isinstance(source, Obj):
                sources[k], places[k] = Obj(part[0]), part[1:]
                cells = cells - {source.cell} | {part[0]}
        return replace(sequence, sources=tuple(sources), places=tuple(places), cells=cells)

    def _slice_of(self, source: Ref | None) -> tuple[Cell, Atom, int] | None:
        """The list of which this is a slice, where it begins there, and how far apart its items are."""
        content = self.state.heap.get(source.cell) if isinstance(source, Obj) else None
        if not isinstance(content, Value) or content.type.kind != "list":
            return None
        made = self.b.made_by(content, operator.getitem)
        bounds = None if made is None else self._bounds(made.args[1])
        if made is None or bounds is None:
            return None
        base = made.args[0]
        cells = [cell for cell, held in self.state.heap.items() if held is base]
        start, stop, step = bounds
        if len(cells) != 1 or not isinstance(step, int) or step < 1:
            return None
        first = start.value if isinstance(start, Const) else None
        if isinstance(start, Const) and first is None:
            return cells[0], Const(0), step
        if isinstance(first, int) and first >= 0:
            return cells[0], Const(first), step
        if isinstance(stop, Const) and stop.value is None and step == 1:
            lengths = self.b.call(len, base), self.b.call(len, content)
            return cells[0], self.b.call(operator.sub, *lengths, type=INT), 1
        return None

    def _bounds(self, index: Atom) -> tuple[Atom, Atom, int | None] | None:
        """The three parts of a slice, the last as a number, if it is known."""
        if isinstance(index, Const) and isinstance(index.value, slice):
            whole = index.value
            return Const(whole.start), Const(whole.stop), 1 if whole.step is None else whole.step
        made = self.b.made_by(index, pack_slice)
        if made is None:
            return None
        start, stop, *more = made.args
        step = more[0] if more else Const(1)
        return start, stop, step.value if isinstance(step, Const) else None

    def _any_items(self, sequence: Sequence) -> tuple[Ref, ...]:
        """An item of each list that a slice is run over of, so that none changes its place meanwhile."""
        pairs = zip(sequence.sources, sequence.places, strict=False)
        lists = [source for source, place in pairs if place is not None and isinstance(source, Obj)]
        at = Value("place", INT)
        return tuple(View(s, operator.getitem, (at,), (), element_of(self.type_of(s)), "") for s in lists)

    def _by_number(self, source: Ref | None) -> bool:
        """Can the items of this be written by their numbers?"""
        if source is None or self.type_of(source).kind in ("array", "dict"):
            return True
        root = source.root if isinstance(source, View) else source
        return isinstance(root, Obj) and self.type_of(source).kind == "list" and root.cell.apart is True

    def by_index(self, sequence: Sequence) -> Sequence:
        """The sequence of the numbers of the items, where the items are parts of arrays."""

        def numbers(item: Atom, source: Ref | None) -> Atom:
            if source is not None and self.type_of(source).kind == "dict":
                return self.b.call(keys_of, self.whole(source), type=Type("list"))
            return item if source is None else self.b.call(range, self.b.call(len, item), type=RANGE)

        items = tuple(map(numbers, sequence.items, sequence.sources))
        return replace(sequence, items=items, cells=frozenset(), indexed=True)

    def _stop_here(self) -> None:
        self.state.vars[self.scope, "$leave"] = Const(True)
        self.state.done = Const(True)

    # -- comprehensions -------------------------------------------------------------------------------------

    @contextmanager
    def comprehending(self, node: ast.expr) -> Iterator[None]:
        """In the scope of a comprehension, whose names are of no use after it."""
        outer = self.scope
        self.scope = inner = self._inner_scope(node)
        try:
            yield
        finally:
            self.scope = outer
            if not any(isinstance(part, ast.Lambda) for part in ast.walk(node)):
                for key in [k for k in self.state.vars if k[0] is inner]:
                    del self.state.vars[key]

    def _inner_scope(self, node: ast.expr) -> Scope:
        """The scope of a comprehension: what `:=` assigns in it is the function's own."""
        outer = home = self.scope
        inner = Scope("comprehension", outer)
        while home.name == "comprehension" and home.parent is not None:
            home = home.parent
        for part in ast.walk(node):
            if isinstance(part, ast.NamedExpr):
                name = part.target.id
                self.unit.homes[inner, name] = self.unit.homes.get((home, name), home)
        return inner

    def _ListComp(self, node: ast.ListComp, name: str) -> Ref:
        return self.comprehension(node, name)

    def _DictComp(self, node: ast.DictComp, name: str) -> Ref:
        """A dict: its loop, over an empty one; unrolled where the keys are known one by one."""
        target = "$items"
        with self.comprehending(node):
            self.state.vars[self.scope, target] = self.state.new(Entries(()), name)
            place = ast.Subscript(ast.Name(target, ast.Load()), node.key, ast.Store())
            inner = self._nest(node, ast.Assign([place], node.value))
            self.unit.unrolled.update(part for part in ast.walk(inner) if isinstance(part, ast.For))
            depth, self.loop_depth = self.loop_depth, 0
            self.block([inner])
            self.loop_depth = depth
            return self.state.vars[self.scope, target]

    def _SetComp(self, node: ast.SetComp, name: str) -> Ref:
        with self.comprehending(node):
            listed = self._appended(node, name, unrolled=not self.unit.session.sets)
        if self.unit.session.sets:
            return self.made_by_init(Members, [listed], {}, name)
        items = self.items_of(listed)
        if items is None:
            raise UnknownSetError
        return self.set_of(items, name)

    def comprehension(self, node: ast.ListComp | ast.GeneratorExp, name: str) -> Ref:
        """A list: item by item if it runs over items known one by one, else a loop that saves its element."""
        generator = node.generators[0]
        over = self.expression(generator.iter)
        over = self.iterated_object(over) or over
        if isinstance(over, Generated):
            return self._appended(node, name)
        sequence = self.sequence(over)
        if sequence.refs is None and any(isinstance(part, ast.Lambda) for part in ast.walk(node.elt)):
            items = self.known_items(sequence)
            sequence = sequence if items is None else Sequence((), 0, refs=items)
        if sequence.known is not None and self.unit.session.one_by_one and len(sequence.known) <= SEVERAL:
            sequence = Sequence((), 0, refs=in_order(sequence))
        home = self.scope
        while home.name == "comprehension" and home.parent is not None:
            home = home.parent
        for part in ast.walk(node):
            if isinstance(part, ast.NamedExpr):
                self.state.vars.setdefault((home, part.target.id), UNBOUND_REF)
        with self.comprehending(node):
            if sequence.refs is not None and len(node.generators) == 1:
                before, size, inside = self.state.copy(), len(self.b.body), self.inside()
                found = self._static_comprehension(node, sequence)
                if found is not None:
                    return found
                if not isinstance(over, Obj) or self.type_of(over).kind != "list":
                    raise self.refuse(
                        "a comprehension over a short container with a test that is not known here",
                        "Write it as a loop that appends.",
                    )
                self.state = before
                self.again(inside)
                self.b.forget(size)
                self.materialise(over.cell)
                sequence = self.sequence(over)
            source = self._gathered_from(node, sequence)
            if len(node.generators) > 1 or generator.ifs:
                return self._appended(node, name, source=source)
            out: list[Atom] = []
            apart = True
            held: set[Cell] = set()  # what may be, or may lead to, one of its items

            def body(items: list[Value]) -> None:
                nonlocal apart
                self.assign(generator.target, self.build(sequence.shape, items, sequence))
                before = self.state.copy()
                item = self.expression(node.elt)
                apart = source is not None or self.made_since(before, item)
                if not apart:
                    held.update(self.sharing(self.cells(item)))
                out[:] = [self.whole(item) if apart else self.atom(item)]

            with self.holding(sequence.sources, sequence.cells):
                (result,) = self.fold(node, sequence, None, body, [], saves=lambda: out, name=name)
            made = self.own(result, name)
            assert isinstance(made, Obj)
            made.cell.apart = apart and not self.unit.rule
            if source is not None:
                held |= self.sharing(self.cells(source))
            made.cell.may_hold({cell for cell in held if cell in self.state.heap})
            return made

    def _gathered_from(self, node: Gathering, sequence: Sequence) -> Ref | None:
        """The list of which a comprehension gives each item at most once, if its items are told apart.

            [p for p in particles if p.alive];  [items[k] for k in places], where these are an order
        """
        generator, element = node.generators[0], node.elt
        one = len(node.generators) == 1 and len(sequence.items) == 1
        if not one or not isinstance(generator.target, ast.Name) or self.unit.rule:
            return None
        source = sequence.sources[0] if sequence.sources else None
        if isinstance(element, ast.Subscript) and isinstance(element.value, ast.Name):
            ordered = self.b.made_by(sequence.items[0], places_in_order) is not None
            source, element = self.lookup(element.value.id) if ordered else None, element.slice
        same = isinstance(element, ast.Name) and element.id == generator.target.id
        if not same or not isinstance(source, (Obj, View)) or self.type_of(source).kind != "list":
            return None
        root = source.root if isinstance(source, View) else source
        return source if self._by_number(source) and root.cell.mirror is None else None

    def _static_comprehension(
        self, node: ast.ListComp | ast.GeneratorExp, sequence: Sequence
    ) -> Ref | None:
        """Item by item; None if a test is not known."""
        generator = node.generators[0]
        kept = []
        with self.holding(sequence.refs or ()):
            for ref in sequence.refs or ():
                self.assign(generator.target, ref)
                tests = [self.constant(self.expression(t)) for t in generator.ifs]
                if any(t is None for t in tests):
                    return None
                if all(t.value for t in tests if t is not None):
                    kept.append(self.expression(node.elt))
        return self.state.new(Items(tuple(kept)))

    def _appended(
        self, node: Gathering, name: str, unrolled: bool = False, source: Ref | None = None
    ) -> Ref:
        """Several `for`s, or an `if`: the loop nest that appends, items of `source` each at most once."""
        target = "$items"
        append = ast.Expr(
            ast.Call(ast.Attribute(ast.Name(target, ast.Load()), "append", ast.Load()), [node.elt], [])
        )
        inner = self._nest(node, append)
        if unrolled:
            self.unit.unrolled.update(part for part in ast.walk(inner) if isinstance(part, ast.For))
        made = self.state.vars[self.scope, target] = self.state.new(Items(()), name)
        made.cell.gathers = set() if source is None else self.sharing(self.cells(source))
        depth, self.loop_depth = self.loop_depth, 0
        self.block([inner])
        self.loop_depth = depth
        ref = self.state.vars[self.scope, target]
        if source is not None and isinstance(ref, Obj):
            ref.cell.may_hold(made.cell.gathers)
        made.cell.gathers = set()
        return ref

    def summed(self, node: ast.Call, generator: ast.GeneratorExp, name: str) -> Ref:
        """A sum over a generator is the loop that adds up, where it is not run over item by item."""
        start = node.args[1:] or [k.value for k in node.keywords]
        target = name or "total"
        with self.comprehending(generator):
            self.state.vars[self.scope, target] = self.expression(start[0]) if start else Const(0)
            return self._summed(generator, target)

    def _summed(self, generator: ast.GeneratorExp, target: str) -> Ref:
        total = ast.Name(target, ast.Load())
        grown = ast.Assign([ast.Name(target, ast.Store())], ast.BinOp(total, ast.Add(), generator.elt))
        depth, self.loop_depth = self.loop_depth, 0
        try:
            self.block([self._nest(generator, grown)])
            return self.state.vars[self.scope, target]
        finally:
            self.loop_depth = depth

    @staticmethod
    def _nest(
        node: ast.ListComp | ast.GeneratorExp | ast.SetComp | ast.DictComp, inner: ast.stmt
    ) -> ast.stmt:
        """The loop nest of a comprehension around a statement."""
        for generator in reversed(node.generators):
            for test in reversed(generator.ifs):
                inner = ast.If(test, [inner], [])
            inner = ast.For(generator.target, generator.iter, [inner], [])
        for part in ast.walk(inner):
            if isinstance(part, (ast.expr, ast.stmt)) and not hasattr(part, "lineno"):
                ast.copy_location(part, node)
        return inner

    # -- sequences ------------------------------------------------------------------------------------------

    def build(self, shape: Any, items: list[Value], sequence: Sequence) -> Ref:
        """The loop target's reference out of this turn's items, which may be parts of what is run over."""
        if isinstance(shape, int) and sequence.layout is not None:
            return self.layer(items[shape], sequence.layout)
        if isinstance(shape, int):
            source = sequence.sources[shape] if sequence.indexed else None
            if source is not None:
                at: Atom = items[shape]
                place = sequence.places[shape] if sequence.places else None
                if place is not None:
                    first, step = place
                    at = at if step == 1 else self.b.call(operator.mul, Const(step), at, type=INT)
                    from_start = isinstance(first, Const) and first.value == 0
                    at = at if from_start else self.b.call(operator.add, at, first, type=INT)
                item: Ref | None = None
                if isinstance(source, (Obj, View)) and self.type_of(source).kind == "list":
                    item = self.item(source, at, "", there=True)
                return item or self.subscript(source, at)
            ref = self.own(items[shape], items[shape].name)
            self.item_of(ref, set(sequence.cells))
            if isinstance(ref, Obj):
                if sequence.cells or sequence.items[shape].type.kind != "array":
                    ref.cell.outside = "an item of what a loop runs over is written here"
            return ref
        return Tup(tuple(self.build(s, items, sequence) for s in shape))

    def item_type(self, known: Type) -> Type:
        """What is known of the items of a value that is iterated."""
        match known.kind:
            case "range":
                return INT
            case "array" if known.shape is not None and known.shape:
                if len(known.shape) == 1:
                    return number(known.dtype)
                return array(known.dtype, known.shape[1:])
            case "list" | "tuple":
                if known.items:
                    result = known.items[0]
                    for item in known.items[1:]:
                        result = join(result, item)
                    return result
                return known.elem or UNKNOWN
        return UNKNOWN

    # -- the fixed point ------------------------------------------------------------------------------------

    def fold(
        self,
        node: ast.AST,
        sequence: Sequence | None,
        condition: Callable[[], Atom] | None,
        body: Callable[[list[Value]], None],
        names: list[str],
        saves: Callable[[], list[Atom]] = list,
        name: str = "",
    ) -> tuple[Value, ...]:
        """Emit the loop; the state becomes that after it. Returns the saved lists."""
        line = self.b.line
        before = self.state
        names = [n for n in names if not self._changed_in_place(node, n)]
        slot_key = (node, self.scope.name, self.unit.depth)
        carried = self.unit.loops.get(slot_key)
        flags = [n for n in ("$broke", "$returned", "$result") if (self.scope, n) in before.vars]
        if carried is None:
            homes = [(self.unit.homes.get((self.scope, n), self.scope), n) for n in names + flags]
            carried = Carried(list(dict.fromkeys(homes)), {}, {}, set())
            self.unit.loops[slot_key] = carried
        else:
            carried = self.unit.loops[slot_key] = carried.without(lambda key: not self._alive(key, before))
            for key in dict.fromkeys(
                (self.unit.homes.get((self.scope, n), self.scope), n) for n in names + flags
            ):
                if key not in carried.keys:
                    carried.keys.append(key)
        for attempt in range(60):
            self._kept_before(carried, before)
            self.state = before.copy()
            turn = Turn(self, carried, node, give_up=attempt > 12)
            result = turn.lower(sequence, condition, body, saves)
            if result is not None:
                break
        else:
            raise self.refuse("what this loop carries does not settle", "Keep each variable of one kind.")
        params, init, items, cond, region, outs = result
        if sequence is not None and not sequence.cells.isdisjoint(
            k for k in carried.keys if isinstance(k, Cell)
        ):
            raise UndecidedAlias(WRITTEN, line, "Run over a copy, or over its indices.")
        if sequence is not None:
            self._dicts_kept(sequence, carried, region, line)
        self.state = before.copy()
        self.b.line = line
        token = object()
        count = len(saves())
        saved = tuple(Value(name or "items", Type("list", elem=a.type), named=bool(name)) for a in saves())
        if sequence is not None:
            assert cond is None
            if sequence.snapshots is not None and saved:
                raise self.refuse("a comprehension is not checkpointed", "Write a loop that appends.")
            self.b.emit(
                For(
                    (*outs, *saved),
                    sequence.items,
                    init,
                    region,
                    count,
                    sequence.backwards,
                    line,
                    token,
                    sequence.snapshots,
                )
            )
        else:
            assert cond is not None
            self.b.emit(While((*outs, *saved), init, cond, region, count, line, token))
        turn.rebind(outs)
        return saved

    def _dicts_kept(self, sequence: Sequence, carried: Carried, region: Region, line: Span) -> None:
        """Refuse to run over the values of a dict that the loop writes at other keys than its own."""
        run = {cell: content for cell, content in sequence.lists if cell in carried.keys}
        parts = [] if sequence.indexed else [s for s in sequence.sources if isinstance(s, (Obj, View))]
        sources = [s.root.cell if isinstance(s, View) else s.cell for s in parts]
        if not any(cell in sources or isinstance(content, Entries) for cell, content in run.items()):
            return
        own: set[Value] = set()
        pairs: set[Value] = set()
        for item, param in zip(sequence.items, region.params, strict=False):
            keys = self.b.made_by(item, keys_of)
            if keys is not None and keys.args[0] in run.values():
                own.add(param)
            elif self.b.made_by(item, pack_tuple) is not None:
                pairs.add(param)
        for instr in instructions(region):
            if isinstance(instr, Call) and instr.fn is operator.getitem and instr.args[0] in pairs:
                own.update(instr.outs if instr.args[1] == Const(0) else ())
            if isinstance(instr, Store) and "dict" in (instr.target.type.kind, instr.outs[0].type.kind):
                first = instr.path[0].args[0] if instr.path else instr.args[0] if instr.args else None
                if first in own and (instr.path or instr.fn is operator.setitem):
                    continue
            elif not isinstance(instr, Call) or not isinstance(instr.fn, Function) or not instr.fn.writes:
                continue
            raise UndecidedAlias(WRITTEN, line, "Run over a copy, or over its indices.")

    def _kept_before(self, carried: Carried, before: State) -> None:
        """What a turn turned out to need of the state before the loop: lists as values, views of items."""
        self.state = before
        for k in carried.packed:
            key = carried.keys[k]
            if isinstance(key, Cell):
                self.materialise(key)
        for cell in carried.moved:
            if cell in before.kept:
                self.moved(cell)

    def _changed_in_place(self, node: ast.AST, name: str) -> bool:
        """Is this name bound to an object that the loop changes by `+=` and its like, and not bound anew?"""
        held = self.state.vars.get((self.unit.homes.get((self.scope, name), self.scope), name))
        return isinstance(held, (Obj, View)) and only_augmented(node, name)

    @staticmethod
    def _alive(key: Key, state: State) -> bool:
        return key in state.heap if isinstance(key, Cell) else True


class Turn:
    """One attempt at lowering a loop's body with a guess of what is carried; what fails corrects it."""

    def __init__(self, frame: Loops, carried: Carried, node: ast.AST, give_up: bool) -> None:
        self.frame = frame
        self.node = node
        self.carried = carried
        self.give_up = give_up
        self.apart: set[Cell] = set()  # the containers that may have items of their own
        self.there: set[Cell] = set()  # what was there before the loop
        self.sequence: Sequence | None = None
        self.starts: list[list[set[Cell]]] = []  # for each slot, what the objects in it are at first
        self.replaced = set() if frame.guards else replaced_first(node)  # a handler may read them

    def lower(
        self,
        sequence: Sequence | None,
        condition: Callable[[], Atom] | None,
        body: Callable[[list[Value]], None],
        saves: Callable[[], list[Atom]],
    ) -> Any:
        frame, carried = self.frame, self.carried
        before = frame.state.copy()
        self.sequence = sequence
        self.there = set(before.heap)
        self.apart = {cell for cell in before.heap if cell.apart is not False}
        init: list[Atom] = []
        params: list[Value] = []
        packed = set(carried.packed)
        for k, key in enumerate(carried.keys):
            self._prepare(k, key, init)
            objects = self._objects(self.carried.shapes[k], self._current(key))
            self.starts.append([cells for _, cells in objects])
            for n, (ref, _) in enumerate(objects):
                if not (isinstance(ref, Obj) and ref.cell.apart):
                    carried.mixed.add((k, n))
        if carried.packed - packed:
            return None
        names = self._leaf_names()
        for atom, (k, leaf, label) in zip(init, names, strict=True):
            known = carried.types.setdefault(k, [])
            while len(known) <= leaf:
                known.append(atom.type)
            frame.meet(known[leaf], atom.type)
            known[leaf] = join_names(known[leaf], atom.type) if not self.give_up else UNKNOWN
            params.append(Value(shown(label), known[leaf], named=label[:1] != "$"))
        entry_init = tuple(init)
        cond = self._condition(params, condition, names) if condition is not None else None
        items = self._items(sequence)
        with frame.b.region() as instrs:
            self._enter(params)  # what is read of an object is read in the turn
            entry = frame.state.copy()
            frame.unit.turning.append(self.node)
            again = sequence is not None and sequence.snapshots is not None
            frame.unit.replaying += again
            try:
                body(items)
            finally:
                frame.unit.turning.pop()
                frame.unit.replaying -= again
            if frame.state.dead:
                results: list[Atom] | None = list(params)
                left: Atom = Const(False)
                frame.state.dead = False
            else:
                left_ref = frame.state.vars.get((frame.scope, "$leave"), Const(False))
                assert isinstance(left_ref, (Const, Value))
                left = left_ref
                results = self._results(before, entry)
            kept = saves()
        if results is None:
            return None
        changed = False
        for atom, (k, leaf, _) in zip(results, names, strict=True):
            frame.meet(carried.types[k][leaf], atom.type)
            joined = UNKNOWN if self.give_up else join_names(carried.types[k][leaf], atom.type)
            if joined != carried.types[k][leaf]:
                carried.types[k][leaf] = joined
                changed = True
        if changed and not self.give_up:
            return None
        region = Region((*items, *params), tuple(instrs), (*results, left, *kept))
        outs = tuple(Value(p.name, p.type, p.named) for p in params)
        return params, entry_init, items, cond, region, outs

    # -- slots ----------------------------------------------------------------------------------------------

    def _current(self, key: Key) -> Ref | Content:
        if isinstance(key, Cell):
            return self.frame.state.heap[key]
        return self.frame.state.vars.get(key, UNBOUND_REF)

    def _prepare(self, k: int, key: Key, init: list[Atom]) -> None:
        """The slot's initial atoms, in the shape that it is known to need."""
        current = self._current(key)
        wanted = self.carried.shapes.get(k)
        shape, atoms = self._flatten(current, k in self.carried.packed, wanted)
        if wanted is not None and wanted != shape and self._lacks(current, wanted):
            assert isinstance(current, Entries)
            found = dict(current.entries)
            current = replace(current, entries=tuple((n, found.get(n, UNBOUND_REF)) for n in wanted[4]))
            shape, atoms = self._flatten(current, False, wanted)
            if shape != wanted:
                shape, atoms = wanted, self._padded(current, wanted)
        if wanted is not None and wanted != shape and (weaker := common(wanted, shape)) is not None:
            wanted = weaker
            shape, atoms = self._flatten(current, False, wanted)
        if wanted is not None and wanted != shape:
            if shape == LEAF and isinstance(current, Const) and current.value is UNBOUND:
                shape, atoms = wanted, [Const(UNBOUND)] * leaf_count(wanted)
            else:
                self.carried.packed.add(k)
                self.carried.shapes[k] = LEAF
                self.carried.types.pop(k, None)
                shape, atoms = self._flatten(self._current(key), True)
        self.carried.shapes[k] = shape
        init.extend(atoms)

    @staticmethod
    def _lacks(current: Ref | Content, wanted: Any) -> bool:
        """Does an object lack attributes that the loop gives it?"""
        if not isinstance(current, Entries) or current.is_dict or wanted[0] != "entries":
            return False
        return set(current.keys) < set(wanted[4]) and wanted[2:4] == (current.cls, current.handle)

    def _padded(self, current: Entries, wanted: Any) -> list[Atom]:
        atoms: list[Atom] = []
        for ref, shape in zip(current.refs, wanted[1], strict=True):
            if ref is UNBOUND_REF:
                atoms.extend([Const(UNBOUND)] * leaf_count(shape))
            else:
                atoms.extend(self._flatten(ref, False, shape)[1])
        return atoms

    def _flatten(
        self, ref: Ref | Content, packed: bool, wanted: Any = None, old: Ref | Content | None = None
    ) -> tuple[Any, list[Atom]]:
        """The shape of what is in a slot, and its atoms.

        A part that is `wanted` to be the `SAME` must be what was `old`, where that is given. The parts of a
        container of which nothing is wanted yet all are, until it turns out that they change.
        """
        frame = self.frame
        if wanted == SAME and (old is None or isinstance(ref, Ref) and self._same(ref, old)):
            return SAME, []
        match ref:
            case Const(value=value) if value is UNBOUND:
                return LEAF, [ref]
            case Tup(items, cls) if not packed:
                shape, atoms = self._several("tuple", items, wanted, old)
                return (*shape, cls), atoms
            case Items(items, handle, cls) if not packed:
                shape, atoms = self._several("items", items, wanted, old)
                return (*shape, cls, handle), atoms
            case Entries(_, handle, cls, factory) if not packed:
                shape, atoms = self._several("entries", ref.refs, wanted, old)
                return (*shape, cls, handle, ref.keys, factory), atoms
            case Obj(cell) if isinstance(frame.state.heap[cell], (Items, Entries)) and not packed:
                content = frame.state.heap[cell]
                assert isinstance(content, (Items, Entries))
                if content.handle is not None or cell.param:
                    # Another object may take its place: which one is written is not known.
                    self.carried.foreign = True
                inside = wanted[1] if wanted is not None and wanted[0] == "object" else wanted
                was = frame.state.heap.get(old.cell) if isinstance(old, Obj) else None
                shape, atoms = self._flatten(without(content), packed, inside, was)
                return ("object", shape), atoms
            case (
                Closure() | Bound() | Applied() | Super() | Choice() | Derived() | Pulled() | Sequence()
                | Generated() | Conflict()
            ):  # fmt: skip
                return ("fixed", ref), []
            case View() if not packed and ref.root.cell in self.there and (place := frame.place_of(ref)):
                root, reads, at = place
                return ("item", (LEAF,) * len(at), root, reads), list(at)
            case Items() | Entries():
                if isinstance(ref, Entries) and not ref.is_dict:
                    if isinstance(old, Entries) and not old.is_dict and old.cls is not ref.cls:
                        frame.meet(frame.record_type(old), frame.record_type(ref))
                    raise frame.refuse(
                        f"an object of class `{ref.cls.__name__}` changes its form from turn to turn",
                        "Give it the same attributes, of the same kinds, in every turn.",
                    )
                return LEAF, [frame.pack(ref)]
        assert isinstance(ref, (Const, Value, Obj, View, Tup))
        return LEAF, [frame.whole(ref)]

    def _several(
        self, kind: str, items: tuple[Ref, ...], wanted: Any, old: Ref | Content | None
    ) -> tuple[Any, list[Atom]]:
        shapes, atoms = [], []
        known: tuple[Any, ...] = (SAME if wanted is None else LEAF,) * len(items)
        if isinstance(wanted, tuple) and wanted[0] == kind and len(wanted[1]) == len(items):
            known = wanted[1]
        before: tuple[Ref | None, ...] = parts_of(old)
        if len(before) != len(items):
            before = (None if old is None else UNBOUND_REF,) * len(items)
        for item, form, was in zip(items, known, before, strict=True):
            shape, more = self._flatten(item, False, form, was)
            shapes.append(shape)
            atoms.extend(more)
        return (kind, tuple(shapes)), atoms

    @staticmethod
    def _same(ref: Ref, old: Ref | Content) -> bool:
        if isinstance(ref, Obj) and isinstance(old, Obj):
            return ref.cell is old.cell
        if isinstance(ref, (Const, Value)) and isinstance(old, (Const, Value)):
            return same_atom(ref, old)
        return ref is old

    def _objects(self, shape: Any, ref: Any) -> list[tuple[Ref, set[Cell]]]:
        """Each part of a slot that is bound anew in every turn, in order, and the cells that it shows."""
        frame = self.frame
        if shape == LEAF:
            ref = Tup(parts_of(ref)) if isinstance(ref, (Items, Entries)) else ref
            return [(ref, frame.reached(ref))]
        if shape == SAME or shape[0] in ("fixed", "item"):
            return []
        if shape[0] == "object":  # its parts come one by one
            cell = ref.cell if isinstance(ref, Obj) else None
            inside = self._objects(shape[1], None if cell is None else frame.state.heap.get(cell))
            return [(ref, set() if cell is None else {cell} | frame.holders(cell)), *inside]
        parts = parts_of(ref)
        if isinstance(ref, Entries):
            parts = tuple(ref.get(key) or UNBOUND_REF for key in shape[4])
        if len(parts) != len(shape[1]):
            parts = (UNBOUND_REF,) * len(shape[1])
        return [found for s, part in zip(shape[1], parts, strict=True) for found in self._objects(s, part)]

    def _leaf_names(self) -> list[tuple[int, int, str]]:
        names = []
        for k, key in enumerate(self.carried.keys):
            label = key.name or "items" if isinstance(key, Cell) else key[1]
            for leaf, name in enumerate(leaf_labels(self.carried.shapes[k], label)):
                names.append((k, leaf, name))
        return names

    def _enter(self, params: list[Value]) -> None:
        """Bind every slot to its parameters."""
        rest = iter(params)
        self._bind_all(rest, entering=True)

    def rebind(self, outs: tuple[Value, ...]) -> None:
        """After the loop: bind every slot to its outs."""
        for k, key in enumerate(self.carried.keys):
            if k in self.carried.packed and isinstance(key, Cell):
                self.frame.state.heap[key] = Const(None)  # replaced below
        self._bind_all(iter(outs), entering=False)

    def _bind_all(self, atoms: Any, entering: bool) -> None:
        frame = self.frame
        rebuilt: list[tuple[Key, Ref | Content]] = []
        for k, key in enumerate(self.carried.keys):
            shape, old = self.carried.shapes[k], self._current(key)
            if isinstance(key, Cell):
                rebuilt.append((key, self._content(shape, atoms, key.name, old)))
            elif shape[0] == "fixed":
                rebuilt.append((key, old))
            else:
                rebuilt.append((key, self._rebuild(shape, atoms, key[1], old)))
        made: dict[Place, Cell] = {}
        for k, (_, what) in enumerate(rebuilt):
            for n, (ref, _) in enumerate(self._objects(self.carried.shapes[k], what)):
                if isinstance(ref, Obj):
                    made[k, n] = ref.cell
        for key, what in rebuilt:
            if isinstance(key, Cell):
                frame.state.heap[key] = what  # type: ignore[assignment]
            elif entering and key[0] is frame.scope and key[1] in self.replaced:
                frame.state.vars[key] = UNBOUND_REF
            else:
                frame.state.vars[key] = what  # type: ignore[assignment]
        self._relate(made)

    def _relate(self, made: dict[Place, Cell]) -> None:
        """Of each object that is bound anew: what else it may be, of all that is still held.

        At first it is what it was before the loop, and later what a turn left.
        """
        carried = self.carried
        held = self.frame.held(self.frame.state) if made else set()
        starts = {place: self.starts[place[0]][place[1]] for place in made}
        for count, (place, cell) in enumerate(made.items()):
            cell.shares |= still_held(around(starts[place]) | carried.shares.get(place, set()), held)
            cell.param = place in carried.callers or any(c.param for c in cell.shares)
            if cell.apart is None:
                cell.apart = place not in carried.mixed and not cell.param
            for other, its in itertools.islice(made.items(), count):
                if (other, place) in carried.together or related(starts[other], starts[place]):
                    cell.shares.add(its)

    def _content(self, shape: Any, atoms: Any, name: str, old: Ref | Content | None) -> Content:
        if shape == LEAF:
            value: Atom = next(atoms)
            return value
        kind, shapes, cls, handle, *more = shape
        refs = self._parts(shapes, atoms, name, old)
        if kind == "entries":
            keys, factory = more
            return Entries(tuple(zip(keys, refs, strict=True)), handle, cls, factory)
        return Items(refs, handle, cls)

    def _parts(
        self, shapes: tuple[Any, ...], atoms: Any, name: str, old: Ref | Content | None
    ) -> tuple[Ref, ...]:
        before = parts_of(old)
        if len(before) != len(shapes):
            before = (UNBOUND_REF,) * len(shapes)
        return tuple(self._rebuild(s, atoms, name, was) for s, was in zip(shapes, before, strict=True))

    def _rebuild(self, shape: Any, atoms: Any, name: str, old: Any) -> Ref:
        if shape == SAME:
            assert old is not UNBOUND_REF, f"a part of `{name}` stays what it was, and was nothing"
            ref: Ref = old
            return ref
        if shape == LEAF:
            atom = next(atoms)
            if isinstance(atom, Const):
                return atom
            return self.frame.own(atom, shown(name))
        if shape[0] == "object":
            was = self.frame.state.heap.get(old.cell) if isinstance(old, Obj) else None
            made = self.frame.state.new(self._content(shape[1], atoms, name, was), name)
            if self.carried.foreign:
                made.cell.outside = f"`{name}` is another object from turn to turn, and is changed here"
            return made
        if shape[0] == "fixed":
            return Conflict(f"`{name}` holds a function that changes from turn to turn")
        if shape[0] == "item":
            _, indices, root, reads = shape
            item = at_place(root, reads, tuple(next(atoms) for _ in indices), Type(), name)
            assert isinstance(item, View)
            return replace(item, type=self.frame.type_of(item))
        return Tup(self._parts(shape[1], atoms, name, old), shape[2])

    # -- the turn itself ------------------------------------------------------------------------------------

    def _condition(self, params: list[Value], condition: Callable[[], Atom], names: list[Any]) -> Region:
        frame = self.frame
        mine = [Value(p.name, p.type, p.named) for p in params]
        before = frame.state.copy()
        with frame.b.region() as instrs:
            self._bind_all(iter(mine), entering=True)
            bound = frame.state.copy()
            test = condition()
        changed = (_is_other(held, frame.state.heap.get(cell)) for cell, held in bound.heap.items())
        if any(changed) or any(frame.state.vars.get(key) is not ref for key, ref in bound.vars.items()):
            raise WritingTest
        frame.state = before
        return Region(tuple(mine), tuple(instrs), (test,))

    def _items(self, sequence: Sequence | None) -> list[Value]:
        if sequence is None:
            return []
        items = []
        for k, atom in enumerate(sequence.items):
            name = target_name(self.node, sequence.shape, k)
            items.append(Value(name or "item", self.frame.item_type(atom.type), named=bool(name)))
        return items

    def _results(self, before: State, entry: State) -> list[Atom] | None:
        """What the turn leaves behind in every slot; None if something else turned out to change."""
        frame, carried = self.frame, self.carried
        after = frame.state
        if self._kept(before, entry):
            return None
        added = False
        for variable, ref in after.vars.items():
            scope, name = variable
            mine = name == "$leave" and scope is frame.scope
            if variable in carried.keys or ref is entry.vars.get(variable) or mine:
                continue
            if variable in before.vars or (scope is frame.scope and name[:1] != "$"):
                carried.keys.append(variable)
                added = True
        for cell, content in after.heap.items():
            if cell in before.heap and cell not in carried.keys and content is not entry.heap.get(cell):
                was = entry.heap.get(cell)
                if isinstance(was, (Items, Entries)) and type(was) is type(content):
                    shape, _ = self._flatten(was, False)
                    changed, _ = self._flatten(content, False, shape, was)
                    if common(shape, changed) is not None:
                        carried.shapes[len(carried.keys)] = changed
                carried.keys.append(cell)
                added = True
        if added:
            return None
        results: list[Atom] = []
        ends: dict[Place, set[Cell]] = {}
        for k, key in enumerate(carried.keys):
            current = self._current(key)
            wanted = carried.shapes[k]
            old = entry.heap[key] if isinstance(key, Cell) else entry.vars.get(key, UNBOUND_REF)
            shape, atoms = self._flatten(current, k in carried.packed, wanted, old)
            if shape != wanted:
                if shape == LEAF and wanted[0] == "item" and self._of_what_runs(current):
                    raise UndecidedAlias(WRITTEN, frame.b.line, "Run over a copy, or over its indices.")
                weaker = common(wanted, shape)
                if weaker is not None:
                    carried.shapes[k] = weaker
                    carried.types.pop(k, None)
                    return None
                if wanted == LEAF and k not in carried.packed and self._unbound(before, key):
                    carried.shapes[k] = shape
                    carried.types.pop(k, None)
                    return None
                if (
                    isinstance(shape, tuple)
                    and shape[0] == "fixed"
                    or isinstance(wanted, tuple)
                    and wanted[0] == "fixed"
                ):
                    held = key.name if isinstance(key, Cell) else key[1]
                    raise frame.refuse(f"`{held}` holds a function that changes from turn to turn")
                if self._gained(wanted, shape):
                    carried.shapes[k] = shape
                    carried.types.pop(k, None)
                    return None
                carried.packed.add(k)
                carried.shapes[k] = LEAF
                carried.types.pop(k, None)
                return None
            results.extend(atoms)
            for n, (part, cells) in enumerate(self._objects(shape, current)):
                place = (k, n)
                if place not in carried.mixed and not (isinstance(part, Obj) and part.cell.apart):
                    carried.mixed.add(place)
                    added = True
                ends[place] = cells
                outside = {c for c in around(cells) if c in before.heap}
                if not outside <= carried.shares.setdefault(place, set()):
                    carried.shares[place] |= outside
                    added = True
                if place not in carried.callers and any(cell.param for cell in cells):
                    carried.callers.add(place)
                    added = True
        pairs = {(p, q) for p in ends for q in ends if p < q and related(ends[p], ends[q])}
        if added or not pairs <= carried.together:
            carried.together |= pairs
            return None
        return results

    def _of_what_runs(self, ref: Ref | Content) -> bool:
        """Is this an item of what is run over, which is told by its place if that is run over by number?"""
        sequence = self.sequence
        if sequence is None or not isinstance(ref, Obj) or not self.frame.countable(sequence):
            return False
        return not sequence.cells.isdisjoint(ref.cell.shares)

    def _kept(self, before: State, entry: State) -> bool:
        """Did the turn put something from outside into a container, or write what was in one?"""
        frame, carried = self.frame, self.carried
        after = frame.state
        written = {cell for cell in before.kept if cell not in after.kept}
        written |= {cell for cell in before.heap if cell not in after.heap}
        again = bool(written - carried.moved) or any(
            cell.apart is False for cell in before.heap if cell in self.apart
        )
        if written - carried.moved:
            self._values_now(before)
        carried.moved |= written
        for cell in [c for c in after.kept if c in before.heap and after.kept[c] is not before.kept.get(c)]:
            root = after.kept[cell].root.cell
            if isinstance(before.heap.get(root), (Items, Entries)):
                self._values_now(before)  # what it is an item of is a value before the loop
            else:
                frame.given_up(cell)  # the same object, in every turn
            again = True
        return again

    def _values_now(self, before: State) -> None:
        """The lists and dicts that the turn made values of are values before the loop."""
        frame, carried = self.frame, self.carried
        for cell, was in before.heap.items():
            now = frame.state.heap.get(cell)
            if isinstance(was, (Items, Entries)) and isinstance(now, (Const, Value)):
                if cell not in carried.keys:
                    carried.keys.append(cell)
                k = carried.keys.index(cell)
                carried.packed.add(k)
                carried.shapes[k] = LEAF
                carried.types.pop(k, None)

    @staticmethod
    def _gained(wanted: Any, shape: Any) -> bool:
        """Is this the shape of an object that was given more attributes?"""
        if LEAF in (wanted, shape):
            return False
        if wanted[0] != "entries" or shape[0] != "entries" or wanted[2:4] != shape[2:4]:
            return False
        return not issubclass(shape[2], dict) and set(wanted[4]) < set(shape[4])

    def _unbound(self, before: State, key: Key) -> bool:
        if isinstance(key, Cell):
            return False
        ref = before.vars.get(key, UNBOUND_REF)
        return isinstance(ref, Const) and ref.value is UNBOUND


def common(one: Any, other: Any) -> Any:
    """The shape of what may be of either, if they differ only in what stays the same; else None."""
    if one == other:
        return one
    if SAME in (one, other):
        return one if other == SAME else other
    if LEAF in (one, other) or one[0] != other[0] or one[0] == "fixed":
        return None
    if one[0] == "object":
        inside = common(one[1], other[1])
        return None if inside is None else ("object", inside)
    if one[2:] != other[2:] or len(one[1]) != len(other[1]):
        return None
    parts = tuple(map(common, one[1], other[1]))
    return None if None in parts else (one[0], parts, *one[2:])


def _is_other(before: Content, now: Content | None) -> bool:
    """Was this container changed? One of which an attribute was looked up for the first time was not."""
    if isinstance(before, Entries) and isinstance(now, Entries) and before.cls is now.cls:
        looked_up = dict(now.entries)
        return any(looked_up.get(key) is not ref for key, ref in before.entries)
    return now is not before


def leaf_labels(shape: Any, label: str) -> list[str]:
    """What each leaf of a slot is called: the attribute or key that it is, or the slot itself."""
    if shape == LEAF:
        return [label]
    if shape == SAME or shape[0] == "fixed":
        return []
    if shape[0] == "object":
        return leaf_labels(shape[1], label)
    labels = [at_name(label) if shape[0] == "item" else label] * len(shape[1])
    if shape[0] == "entries":
        labels = [k if isinstance(k, str) and k.isidentifier() else label for k in shape[4]]
    return [name for part, inner in zip(shape[1], labels, strict=True) for name in leaf_labels(part, inner)]


def leaf_count(shape: Any) -> int:
    if shape == LEAF:
        return 1
    if shape == SAME or shape[0] == "fixed":
        return 0
    if shape[0] == "object":
        return leaf_count(shape[1])
    return sum(map(leaf_count, shape[1]))


def target_name(node: ast.AST, shape: Any, position: int) -> str:
    """The user's name for an item: the part of the loop's target that it lands in."""
    target = getattr(node, "target", None)
    if target is None and isinstance(node, (ast.ListComp, ast.GeneratorExp)):
        target = node.generators[0].target
    return _target_name(target, shape, position)


def _target_name(target: Any, shape: Any, position: int) -> str:
    if isinstance(shape, int):
        return target.id if shape == position and isinstance(target, ast.Name) else ""
    if isinstance(target, (ast.Tuple, ast.List)) and len(target.elts) == len(shape):
        for inner, part in zip(target.elts, shape, strict=True):
            found = _target_name(inner, part, position)
            if found:
                return found
    return ""


def assigned(node: ast.AST) -> list[str]:
    """The names that a loop's body assigns, in order of appearance; nested functions keep their own."""
    names: dict[str, None] = {}

    def visit(part: ast.AST) -> None:
        if isinstance(part, (ast.Lambda, ast.ListComp, ast.GeneratorExp)):
            return
        if isinstance(part, ast.FunctionDef):
            names[part.name] = None
            return
        if isinstance(part, ast.Name) and isinstance(part.ctx, (ast.Store, ast.Del)):
            names[part.id] = None
        for child in ast.iter_child_nodes(part):
            visit(child)

    for part in (*getattr(node, "body", ()), getattr(node, "target", None), getattr(node, "test", None)):
        if part is not None:
            visit(part)
    return list(names)


def only_augmented(node: ast.AST, name: str) -> bool:
    """Is a name assigned in a loop by nothing but augmented assignments?"""
    augmented = {part.target for part in ast.walk(node) if isinstance(part, ast.AugAssign)}
    stores = [
        part
        for part in ast.walk(node)
        if isinstance(part, ast.Name) and part.id == name and isinstance(part.ctx, (ast.Store, ast.Del))
    ]
    return all(part in augmented for part in stores)
