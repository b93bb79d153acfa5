"""Generators: what runs over one is run at each of its `yield`s, in place.

    def squares(x):                       for v in x:
        for v in x:                           s = v * v          (the generator's statement)
            yield v * v                       total = total + s  (the body of the loop over it)
    for s in squares(x):           ->
        total = total + s

A generator is run over where it stands, once; `break` and `return` in the loop over it end it as well.
"""

from __future__ import annotations

import ast
import builtins
import operator
from collections import Counter, OrderedDict
from collections.abc import Callable
from typing import Any

import numpy as np

from ..analysis.effects import pure
from ..ir.graph import Call, Const, Instr, Store, Value, raise_error
from ..ir.walk import instructions, regions
from .calls import CONSUMERS
from .heap import UNBOUND_REF, Bound, Cell, Closure, Generated, Ref, Scope, Sequence, Tup, around
from .iteration import (
    ELEMENTS,
    GENERATORS,
    ONCE,
    PLACES,
    iterated,
    mapped,
    true_ones,
    zipped_after,
    zipped_before,
)
from .loops import Loops, assigned
from .source import Source, read_source
from .subset import sentence

IN_TURNS = (
    "`zip` runs iterators in turns with each other and with the loop, and what one of them sees is changed "
    "there",
    "Make lists of what they give first, or write the loop out.",
)


class Generators(Loops):
    consumer: Callable[[Ref], None] | None = None  # what runs at each `yield` of this function

    # -- making one -----------------------------------------------------------------------------------------

    def generated(self, source: Source, parent: Scope | None, named: list[tuple[str, Ref]]) -> Generated:
        cell = Cell("generator")
        self.state.heap[cell] = Const(False)
        return Generated(source, parent, tuple(named), cell, len(self.unit.turning))

    def _GeneratorExp(self, node: ast.GeneratorExp, name: str) -> Ref:
        """A generator expression that is kept: a generator function of what it runs over first."""
        first = node.generators[0]
        inner: ast.stmt = ast.Expr(ast.Yield(node.elt))
        given = ast.Name("$items", ast.Load())
        nest = ast.GeneratorExp(
            node.elt, [ast.comprehension(first.target, given, first.ifs, 0), *node.generators[1:]]
        )
        for part in (given, nest, inner):
            ast.copy_location(part, node)
        body = [self._nest(nest, inner)]
        arguments = ast.arguments([], [ast.arg("$items")], None, [], [], None, [])
        definition = ast.copy_location(ast.FunctionDef("comprehension", arguments, body, [], None), node)
        source = Source(self.source.fn, definition, self.source.file, self.source.lines, self.source.offset)
        return self.generated(source, self.scope, [("$items", self.expression(first.iter))])

    # -- running over one -----------------------------------------------------------------------------------

    def _For(self, node: ast.For) -> None:
        self.run_over(node, self.iterated(node.iter))

    def iterated(self, node: ast.expr) -> Ref:
        """What a `for` runs over: a generator, or a sequence."""
        self.unit.run_over |= slices_in(node)
        self.unit.read_ahead = []
        ref = self.expression(node)
        ref = self.iterated_object(ref) or ref
        return ref if isinstance(ref, Generated) else self.sequence(ref)

    def run_over(self, node: ast.For, what: Ref) -> None:
        if not isinstance(what, Generated):
            ahead, self.unit.read_ahead = self.unit.read_ahead, []
            super().run_over(node, what)
            if any(self.state.heap.get(c, was) is not was for c, was in ahead):
                raise self.refuse(*IN_TURNS, node)
            return
        if self.guards:
            raise self.refuse(
                "a generator is run over in a `try`", "Make a list of it first, or put the `try` inside it."
            )
        outer = self._enter(node)
        for name in assigned(node):
            home = self.unit.homes.get((self.scope, name), self.scope)
            self.state.vars.setdefault((home, name), UNBOUND_REF)

        def turn(ref: Ref) -> None:
            self.assign(node.target, ref)
            self.state.done = Const(False)
            self.block(node.body)

        self.consume(what, turn)
        if not self.state.dead:
            self.state.done = Const(False)
        self._leave(node, outer)

    def consume(self, made: Generated, turn: Callable[[Ref], None]) -> None:
        """Run the generator, and `turn` at each of its values; `$leave` of this scope ends both."""
        flag = self.state.heap[made.cell]
        assert isinstance(flag, (Const, Value)), "whether a generator was run over is a flag"
        used = self.b.constant(flag)
        if used is None or used.value or made.depth != len(self.unit.turning):
            raise self.refuse(
                "a generator is run over a second time, or in another loop than it was made in",
                "Make a list of it, or call the generator function where it is run over.",
            )
        if made.count is not None:
            self._counted(made, turn)
            return
        self.state.heap[made.cell] = Const(True)
        source = made.source
        if self.unit.inlining.count(source.node) > 12:
            raise self.refuse(
                "a generator that runs over itself, to a depth that is not known here", "Write it as a loop."
            )
        frame = type(self)(self.unit, source, Scope(getattr(source.node, "name", "lambda"), made.scope))
        for parameter, ref in made.named:
            self.state.vars[frame.scope, parameter] = ref
        line, node = self.b.line, self.node

        def at_yield(ref: Ref) -> None:
            inner = self.b.line
            turn(ref)
            if self.state.dead:
                return
            self.state.done = Const(False)
            left = self.atom(self.state.vars[self.scope, "$leave"])
            self.branch(left, frame.stop, lambda: None)
            self.b.line, self.node = inner, node

        frame.consumer = at_yield
        frame.ours = source.fn.__module__ == mapped.__module__
        self.unit.depth += 1
        self.unit.inlining.append(source.node)
        try:
            assert isinstance(source.node, ast.FunctionDef)
            self.state.done = Const(False)
            frame.block(source.node.body)
        finally:
            self.unit.inlining.pop()
            self.unit.depth -= 1
            self.b.line = line

    def _counted(self, made: Generated, turn: Callable[[Ref], None]) -> None:
        """`enumerate` of a generator: its values with their numbers."""
        key = (self.scope, f"$count:{len(self.unit.inlining)}")
        assert made.count is not None
        self.state.vars[key] = made.count

        def numbered(ref: Ref) -> None:
            number = self.state.vars[key]
            self.state.vars[key] = self.operate(operator.add, number, Const(1))
            turn(Tup((number, ref)))

        plain = Generated(made.source, made.scope, made.named, made.cell, made.depth)
        self.consume(plain, numbered)
        self.state.vars.pop(key, None)

    def stop(self) -> None:
        """End this generator, and the loops that it is in."""
        self.state.done = Const(True)
        if self.loop_depth:
            self.state.vars[self.scope, "$leave"] = Const(True)
            self.state.vars[self.scope, "$returned"] = Const(True)

    # -- yield ----------------------------------------------------------------------------------------------

    def _Yield(self, node: ast.Yield, name: str) -> Ref:
        if self.consumer is None:
            raise self.refuse(*sentence(node), node)
        raise self.refuse(
            "`yield` as an expression has no derivative here", "Yield the value, and read nothing back.", node
        )

    def yielded(self, node: ast.Yield | ast.YieldFrom) -> None:
        """The statement `yield value`, or `yield from values`."""
        if self.consumer is None:
            raise self.refuse(*sentence(node), node)
        if self.guards:
            raise self.refuse("a generator yields in a `try`", "Yield after it.", node)
        if isinstance(node, ast.Yield):
            self.consumer(Const(None) if node.value is None else self.expression(node.value))
            return
        each = ast.Name("$each", ast.Store())
        again: ast.stmt = ast.Expr(ast.Yield(ast.Name("$each", ast.Load())))
        loop = ast.For(each, node.value, [again], [])
        for part in (each, *ast.walk(again), loop):
            if isinstance(part, (ast.expr, ast.stmt)):
                ast.copy_location(part, node)
        self.block([loop])

    # -- calls that run over one ----------------------------------------------------------------------------

    def consumed(self, fn: Any, args: list[Ref], kwargs: dict[str, Ref], name: str) -> Ref | None:
        """A call of a builtin on generators, which are run over here; None if it is of something else."""
        first = args[0] if args else None
        if fn is builtins.enumerate and isinstance(first, Generated):
            start = args[1] if len(args) > 1 else kwargs.get("start", Const(0))
            return Generated(first.source, first.scope, first.named, first.cell, first.depth, start)
        if isinstance(first, Generated) and fn in (builtins.any, builtins.all):
            return self._decided(first, fn is builtins.any)
        if isinstance(first, Generated) and fn is builtins.sum:
            return self._total(first, args[1] if len(args) > 1 else kwargs.get("start", Const(0)), name)
        if isinstance(first, Generated) and fn is builtins.next:
            return self._next(first, args[1] if len(args) > 1 else None)
        if isinstance(first, Sequence) and fn in (list, tuple) and first.refs is None:
            return self._kept_sequence(first, fn, name)
        if fn is builtins.zip and any(isinstance(a, Generated) for a in args):
            return self._zipped(args, kwargs, name)
        if any(isinstance(a, Generated) for a in args):
            if fn in CONSUMERS:
                if fn is OrderedDict:
                    return self.known(fn, [self.known(dict, args, {}, "")], kwargs, name)
                lists = [self._listed(a) if isinstance(a, Generated) else a for a in args]
                return lists[0] if fn is list else self.known(fn, lists, kwargs, name)
            raise self.refuse(
                f"a generator is handed to `{getattr(fn, '__name__', fn)}`", "Make a list of it first."
            )
        return None

    def _zipped(self, args: list[Ref], kwargs: dict[str, Ref], name: str) -> Ref:
        """`zip` of generators: of the lists of what they give, if nothing can tell when they give it."""
        made = list(dict.fromkeys(a.cell for a in args if isinstance(a, Generated)))
        times = sum(isinstance(a, Generated) for a in args)
        strict = self.constant(kwargs["strict"]) if "strict" in kwargs else Const(False)
        whole = self._at_leisure(args)
        if whole is not None and times == len(made):
            return self.known(zip, whole, kwargs, name)
        if strict is None or strict.value:
            raise self.refuse(
                "`zip(strict=True)` of an iterator that something else runs on, or sees running",
                "Make lists first.",
            )
        if whole is not None and len(made) == 1 and times == len(args):
            # Each row is of as many of its items as it is named: `zip(*[iter(x)] * 2)`.
            parts = [self.subscript(whole[0], Const(slice(k, None, times))) for k in range(times)]
            return self.known(zip, parts, {}, name)
        if times == 1 and len(args) == 2:
            (at,) = (k for k, a in enumerate(args) if isinstance(a, Generated))
            source = read_source(zipped_after if at else zipped_before)
            names = [a.arg for a in source.node.args.args]
            args = [self._counted_list(a) for a in args]
            return self.generated(source, None, list(zip(names, args, strict=True)))
        raise self.refuse(*IN_TURNS)

    def _counted_list(self, ref: Ref) -> Ref:
        """What an iterator goes over, as that is: a list, or something else that has a length and indices."""
        if isinstance(ref, Generated) or self.type_of(ref).kind in ("list", "tuple", "array", "range"):
            return ref
        return self.known(list, [ref], {}, "")

    def _at_leisure(self, args: list[Ref]) -> list[Ref] | None:
        """The arguments, lists for the generators among them; None if it is seen when those are run.

        They are if they write, draw, print or raise, or read a name that is bound anew by something else.
        """
        found = dict.fromkeys(a for a in args if isinstance(a, Generated))
        read: list[Ref] = []
        if any(map(_endless, found)) or any(self._sees_changes(a, read) for a in found):
            return None
        ahead = around({c for ref in read for c in self.cells(ref)})
        before, mark = self.state.copy(), len(self.b.body)
        flags = {a.cell for a in found}
        lists = {a.cell: self._listed(a) for a in found}
        known = [(c, content) for c, content in before.heap.items() if c not in flags]
        same = all(self.state.heap.get(c) is content for c, content in known)
        same &= all(self.state.vars.get(k) is ref for k, ref in before.vars.items() if k[1][:1] != "$")
        if same and not self.state.dead and not any(map(_seen_outside, self.b.body[mark:])):
            self.unit.read_ahead = [(c, self.state.heap[c]) for c in ahead if c in self.state.heap]
            return [lists[a.cell] if isinstance(a, Generated) else a for a in args]
        self.state = before
        self.b.forget(mark)
        return None

    def _sees_changes(self, made: Generated, read: list[Ref]) -> bool:
        """Does a generator, or a function that it is given, read a name that is bound more than once?

        What it reads besides goes into `read`.
        """
        read += [ref for _, ref in made.named if not isinstance(ref, Generated)]
        stack: list[tuple[ast.AST, Scope | None]] = [(made.source.node, made.scope)]
        stack += [(r.node, r.scope) for _, r in made.named if isinstance(r, Closure)]
        seen: set[ast.AST] = set()
        bound = Counter(
            part.id
            for part in ast.walk(read_source(self.source.fn).node)
            if isinstance(part, ast.Name) and not isinstance(part.ctx, ast.Load)
        )
        while stack:
            node, scope = stack.pop()
            if node in seen or scope is None:
                continue
            seen.add(node)
            for part in ast.walk(node):
                if not isinstance(part, ast.Name) or not isinstance(part.ctx, ast.Load):
                    continue
                where: Scope | None = scope
                while where is not None and (where, part.id) not in self.state.vars:
                    where = where.parent
                ref = None if where is None else self.state.vars[where, part.id]
                if isinstance(ref, Closure):
                    stack.append((ref.node, ref.scope))
                elif ref is not None and bound[part.id] > 1:
                    return True
                elif ref is not None and not isinstance(ref, Generated):
                    read.append(ref)
        return False

    def stand_in(self, fn: Any, args: list[Ref]) -> Ref | None:
        """The generator that stands in for an iterator of the library over what may vary."""
        written = GENERATORS.get((fn, len(args)))
        if fn is np.ndindex and len(args) == 1 and self.type_of(args[0]).kind == "tuple":
            args = list(self.static_items(args[0]) or args)
        if fn in (np.ndindex, np.ndenumerate):
            axes = len(args) if fn is np.ndindex else self.type_of(args[0]).rank
            written = (PLACES if fn is np.ndindex else ELEMENTS).get(axes or 0)
        elif fn is filter and isinstance(args[0], Const) and args[0].value is None:
            written, args = true_ones, args[1:]
        fixed = ("range", "int", "str")
        known = all(self.constant(a) is not None or self.type_of(a).kind in fixed for a in args)
        if written is None or known and fn not in (map, filter, np.ndindex):
            return None
        source = read_source(written)
        names = [a.arg for a in source.node.args.args]
        return self.generated(source, None, list(zip(names, args, strict=True)))

    def kept_iterator(self, node: ast.expr, ref: Ref) -> Ref:
        """An iterator that gets a name goes on where it was left: it may be run over once."""
        if not isinstance(ref, (Tup, Sequence)) or not isinstance(node, ast.Call):
            return ref
        fn = self.callee(node.func) if isinstance(node.func, ast.Name) else Const(None)
        if not isinstance(fn, Const) or not any(fn.value is made for made in ONCE):
            return ref
        return self.generated(read_source(iterated), None, [("items", ref)])

    def first_of(self, fn: Any, node: ast.Call, name: str) -> Ref | None:
        """`next(iter(...))`, if this is that, of a list, a tuple or a dict."""
        inner = node.args[0] if fn is builtins.next and len(node.args) == 1 else None
        if not isinstance(inner, ast.Call) or len(inner.args) != 1 or isinstance(inner.args[0], ast.Starred):
            return None
        of = self.callee(inner.func) if isinstance(inner.func, ast.Name) else Const(None)
        if not isinstance(of, Const) or of.value is not iter:
            return None
        (ref,) = self.over_items(iter, [self.expression(inner.args[0])])
        if isinstance(ref, (Generated, Sequence)):
            ref = self.known(list, [ref], {}, "")
        there = self.known(len, [ref], {}, "")
        if isinstance(there, Const) and there.value:
            return self.subscript(ref, Const(0), name)
        self.branch(self.truth(there), lambda: None, self._exhausted)
        return self.subscript(ref, Const(0), name)

    def _kept_sequence(self, sequence: Sequence, fn: Any, name: str) -> Ref:
        """`list(zip(...))`, `list(enumerate(...))`: a comprehension over it."""
        each, items = ast.Name("$each", ast.Load()), ast.Name("$items", ast.Load())
        target = ast.Name("$each", ast.Store())
        node = ast.ListComp(each, [ast.comprehension(target, items, [], 0)])
        for part in ast.walk(node):
            if isinstance(part, ast.expr):
                ast.copy_location(part, self.node)
        self.state.vars[self.scope, "$items"] = sequence
        made = self.comprehension(node, name)
        self.state.vars.pop((self.scope, "$items"), None)
        return made if fn is list else self.known(tuple, [made], {}, name)

    def _gather(
        self, made: Generated, start: Ref, turn: Callable[[Ref, Ref], Ref], name: str = "$gathered"
    ) -> Ref:
        """What `turn` has made, value by value, of `start`."""
        outer = self.scope
        self.scope = Scope("comprehension", outer)
        depth, self.loop_depth = self.loop_depth, 0
        key = (self.scope, name or "$gathered")
        try:
            self.state.vars[key] = start
            self.state.vars[self.scope, "$leave"] = Const(False)
            done = self.state.done

            def one(ref: Ref) -> None:
                self.state.vars[key] = turn(self.state.vars[key], ref)

            self.consume(made, one)
            self.state.done = done
            self.state.vars.pop((self.scope, "$leave"), None)
            return self.state.vars[key]
        finally:
            self.loop_depth = depth
            self.scope = outer

    def _listed(self, made: Generated) -> Ref:
        def append(items: Ref, ref: Ref) -> Ref:
            self.invoke(Bound(items, "append"), [ref], {})
            return items

        return self._gather(made, self.known(list, [], {}, ""), append)

    def _total(self, made: Generated, start: Ref, name: str) -> Ref:
        return self._gather(made, start, lambda total, ref: self.operate(operator.add, total, ref), name)

    def _decided(self, made: Generated, wanted: bool) -> Ref:
        """`any` (`all`): whether a value is true (false), none being made after the first that is."""

        def stop() -> Ref:
            self._stop_at_once()
            return Const(wanted)

        def go_on() -> Ref:
            return Const(not wanted)

        def turn(found: Ref, ref: Ref) -> Ref:
            then, orelse = (stop, go_on) if wanted else (go_on, stop)
            result = self.branch(self.truth(ref), then, orelse)
            assert result is not None
            return result

        return self._gather(made, Const(not wanted), turn)

    def _stop_at_once(self) -> None:
        self.state.vars[self.scope, "$leave"] = Const(True)

    def _next(self, made: Generated, default: Ref | None) -> Ref:
        """The first value; the generator is left there, and may not be run over again."""
        scope = self.scope
        found_key = (Scope("comprehension", scope), "$found")
        self.state.vars[found_key] = Const(False)

        def turn(_: Ref, ref: Ref) -> Ref:
            self.state.vars[found_key] = Const(True)
            self._stop_at_once()
            return ref

        value = self._gather(made, UNBOUND_REF if default is None else default, turn)
        found = self.atom(self.state.vars.pop(found_key))
        if default is None:
            self.branch(found, lambda: None, self._exhausted)
        return value

    def _exhausted(self) -> None:
        error = self.b.call(StopIteration)
        self.b.emit(Call((), raise_error, (error,), (), self.b.line))
        self.state.dead = True

    def block(self, statements: list[ast.stmt]) -> None:
        raise NotImplementedError


def _seen_outside(instr: Instr) -> bool:
    """Does this, or something in it, do more than give a value, or raise an exception of its own?"""
    inner = [i for region in regions(instr) for i in instructions(region)]
    return any(isinstance(i, (Call, Store)) and not pure(i) for i in (instr, *inner))


def _endless(ref: Ref) -> bool:
    """May this generator have no end of its own?"""
    return isinstance(ref, Generated) and any(isinstance(p, ast.While) for p in ast.walk(ref.source.node))


def slices_in(node: ast.expr) -> set[ast.expr]:
    """The slices that a loop runs over, alone or in a `zip`: lists that nothing else sees."""
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Slice):
        return {node}
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _LOCKSTEP:
        return set().union(*map(slices_in, node.args))
    return set()


_LOCKSTEP = frozenset({"zip", "enumerate", "reversed"})
