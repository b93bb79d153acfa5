"""`try` and `raise`: what may raise is guarded, statement by statement, so that progress is exact.

    try:                                   y.1, error = try:
        y = math.sqrt(x)                     y = math.sqrt(x); yield y
    except ValueError:                     except ValueError: yield UNBOUND
        y = 0.0                            y.2 = if error is None: yield y.1  else: yield 0.0

Inside a `try`, the longest run of statements that changes nothing a handler could see, before its last point
that may raise, is one `Try`. What follows runs where it completed; the handlers run where it did not. An
explicit `raise` is control flow: its handler runs in its place, and no exception is thrown.
"""

from __future__ import annotations

import ast
import builtins
import operator
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from ..analysis.effects import catchable, pure
from ..ir.graph import (
    Atom,
    Call,
    Const,
    For,
    Function,
    If,
    Instr,
    Region,
    Store,
    Try,
    Value,
    While,
    raise_error,
)
from ..ir.types import BOOL, OBJECT
from ..ir.walk import instructions
from .export import Export
from .generators import Generators
from .heap import UNBOUND_REF, Cell, Obj, Ref, Scope, State, Tup
from .lives import contains

Classes = tuple[type[BaseException], ...]
SIMPLE = (
    ast.Assign, ast.AugAssign, ast.AnnAssign, ast.Expr, ast.Delete, ast.Pass, ast.Import, ast.ImportFrom,
    ast.FunctionDef, ast.Nonlocal, ast.Global,
)  # fmt: skip
LEAVING = (ast.Return, ast.Break, ast.Continue)
STRUCTURED = (ast.Return, ast.Raise, ast.Try, ast.With, ast.Yield, ast.YieldFrom)
WRITTEN_EARLY = (
    "what is written here stays written if the rest of the statement raises, in a `try`",
    "Compute first, then write; or move the `try` into the function that is called.",
)
FEW = 3  # a handler of several statements is lowered at so many places, and then at one


@dataclass(eq=False)
class Guard:
    """A `try` whose body is being lowered: what it catches, and what runs then."""

    handlers: list[tuple[Classes, ast.ExceptHandler]]
    final: list[ast.stmt] | None
    body: list[ast.stmt]
    depth: int
    managers: int
    label: str
    late: bool = False  # the handlers run after the body, not where it raised
    points: set[ast.AST] = field(default_factory=set)

    @property
    def classes(self) -> Classes:
        if self.final is not None:
            return (BaseException,)
        return tuple(c for classes, _ in self.handlers for c in classes)

    @property
    def text(self) -> list[ast.stmt]:
        """The statements that run when something is caught."""
        return [s for _, h in self.handlers for s in h.body] + (self.final or [])


@dataclass(frozen=True, slots=True, eq=False)
class Caught:
    """An exception on its way to a handler: its class if that is known, else classes that it is one of."""

    error: Atom
    exact: type[BaseException] | None
    bounds: Classes
    cause: tuple[Atom, ...] = ()


class Late(Exception):
    """The handlers of this guard have to run after its body."""

    def __init__(self, guard: Guard) -> None:
        super().__init__(guard.label)
        self.guard = guard


class Progress:
    """What the statements of a `with` change that a handler around it can see, before they may raise."""

    def __init__(self, frame: Attempts, classes: Classes, visible: Callable[[str], bool]) -> None:
        self.frame = frame
        self.classes = classes
        self.visible = visible
        self.exposed = self.torn = False
        self.end: int | None = None  # where the instructions end of a call whose statements were looked at

    def after(self, statement: ast.stmt, before: State, body: list[Instr], calls: bool) -> None:
        may_raise = any(catchable(i, self.classes) for i in body)
        changed = self.frame.changes(statement, before, self.visible)
        simple = isinstance(statement, (*SIMPLE, ast.Return))
        early = changed and (not simple or self.frame.changed_early(statement, before, self.visible, calls))
        self.torn |= may_raise and (self.exposed or early)
        self.exposed |= changed


class Attempts(Generators):
    guards: tuple[Guard, ...] = ()
    handling: tuple[Caught, ...] = ()
    managers = 0

    # -- provided above -------------------------------------------------------------------------------------

    def statement(self, node: ast.stmt) -> None:
        raise NotImplementedError

    def choose(self, test: Atom, node: ast.If, rest: list[ast.stmt]) -> None:
        raise NotImplementedError

    def give(self, ref: Ref) -> None:
        raise NotImplementedError

    def is_open(self, node: ast.With) -> bool:
        raise NotImplementedError

    def returned(self, node: ast.expr) -> Ref:
        """What a `return` gives; an iterator is run over once by whoever is given it."""
        return self.kept_iterator(node, self.expression(node, self.result_name))

    # -- try ------------------------------------------------------------------------------------------------

    def _Try(self, node: ast.Try) -> None:
        if node.finalbody:
            inner = [ast.copy_location(ast.Try(node.body, node.handlers, node.orelse, []), node)]
            body: list[ast.stmt] = list(inner) if node.handlers else node.body
            self._guard(self._guard_of([], node.finalbody, body, node), [])
            return
        handlers = [(self._classes(h.type), h) for h in node.handlers]
        self._guard(self._guard_of(handlers, None, node.body, node), node.orelse)

    def _guard_of(
        self,
        handlers: list[tuple[Classes, ast.ExceptHandler]],
        final: list[ast.stmt] | None,
        body: list[ast.stmt],
        node: ast.expr | ast.stmt,
    ) -> Guard:
        label = f"$caught:{node.lineno}:{node.col_offset}{'' if final is None else ':finally'}"
        return Guard(handlers, final, body, self.loop_depth, self.managers, label)

    def _classes(self, node: ast.expr | None) -> Classes:
        """The classes that an `except` names."""
        if node is None:
            return (BaseException,)
        known = self.constant(self.expression(node))
        found = known.value if known is not None else None
        classes = found if isinstance(found, tuple) else (found,)
        if not all(isinstance(c, type) and issubclass(c, BaseException) for c in classes):
            raise self.refuse("which exceptions are caught is not known here", "Name their classes.", node)
        return classes

    def _guard(self, guard: Guard, orelse: list[ast.stmt]) -> None:
        before, mark = self.state.copy(), len(self.b.body)
        if guard.final is not None and not self.guards:
            # An exception leaves the function: what the final statements do to its own variables is lost.
            self.block(guard.body)
            if not self.state.dead and self._finally(guard, Const(None)):
                return
            self.state = before.copy()
            del self.b.body[mark:]
        inside = self.inside()
        try:
            self._guarded_body(guard, orelse)
        except Late as late:
            if late.guard is not guard:
                raise
            self.again(inside)
            self.state = before
            del self.b.body[mark:]
            guard.late = True
            self._guarded_body(guard, orelse)

    def inside(self) -> tuple[Any, ...]:
        """What statements the lowering is inside of."""
        return self.guards, self.loop_depth, self.managers, self.handling

    def again(self, inside: tuple[Any, ...]) -> None:
        """Be inside of those again, after an attempt that was given up somewhere in them."""
        self.guards, self.loop_depth, self.managers, self.handling = inside

    def _guarded_body(self, guard: Guard, orelse: list[ast.stmt]) -> None:
        outer = self.guards
        flag = (self.scope, guard.label)
        self.state.vars[flag] = Const(None) if guard.late else Const(False)
        self.guards = (*outer, guard)
        self.unit.guarding += 1
        try:
            self.block(guard.body)
        finally:
            self.unit.guarding -= 1
        self.guards = outer
        if self.state.dead:
            return
        if orelse:
            done = self.b.constant(self.state.done)
            if done is None:
                self._unless_done(orelse)
            elif not done.value:
                self.block(orelse)
            if self.state.dead:
                return
        if guard.final is not None:
            ran = self.state.vars.pop(flag)
            if guard.late:
                self._finally(guard, ran)
            else:  # unless they ran where an exception was on its way out
                self.branch(self.atom(ran), lambda: None, lambda: self._finish(guard))
            return
        caught = self.state.vars.pop(flag)
        if guard.late:
            error = self.atom(caught)
            if isinstance(error, Value):
                self._completed(error, lambda: None, lambda: self._late(guard, error))
            return
        leaving = any(contains(guard.body + guard.text + orelse, kind) for kind in LEAVING)
        if leaving or self.guards:
            self.branch(self.atom(caught), self._resume, lambda: None)
        elif self.b.constant(self.atom(caught)) is None or self.b.constant(self.state.done) != Const(False):
            self._resume()

    def _late(self, guard: Guard, error: Atom) -> None:
        self._resume()
        self._route(Caught(error, None, self._caught_classes((*self.guards, guard))), (*self.guards, guard))

    def _resume(self) -> None:
        """Go on after the statement that was left."""
        self.state.done = Const(False)
        for name in ("$leave", "$returned"):
            if (self.scope, name) in self.state.vars:
                self.state.vars[self.scope, name] = Const(False)

    def _finish(self, guard: Guard) -> None:
        self._finally(guard, Const(None))

    def _finally(self, guard: Guard, error: Ref) -> bool:
        """Run the final statements, then go on with what was going on; False if they can be seen to."""
        names = ("$leave", "$returned", "$broke", "$result")
        leaving = any(contains(guard.final or [], kind) for kind in LEAVING)
        kept = {n: self.state.vars[self.scope, n] for n in names if (self.scope, n) in self.state.vars}
        done = self.state.done
        self._resume()
        with self.b.region() as body:
            self.block(guard.final or [])
        self.b.body.extend(body)
        quiet = not leaving and all(map(pure, body))
        if self.state.dead:
            return quiet

        def go_on() -> None:
            self.state.done = done
            for name, ref in kept.items():
                if name != "$broke" or not leaving:
                    self.state.vars[self.scope, name] = ref
            if guard.late and isinstance(error, (Value, Obj)):
                caught = self.atom(error)
                self._completed(caught, lambda: None, lambda: self._again(caught))

        self.branch(self.state.done, lambda: None, go_on)
        return quiet

    def _again(self, error: Atom) -> None:
        self._resume()
        self._route(Caught(error, None, (BaseException,)), self.guards)

    def _completed(self, error: Atom, then: Callable[[], None], orelse: Callable[[], None]) -> None:
        completed = Value("completed", BOOL)
        self.b.emit(Call((completed,), operator.is_, (error, Const(None)), (), self.b.line))
        self.branch(completed, then, orelse)

    # -- where an exception goes ----------------------------------------------------------------------------

    def _caught_classes(self, guards: tuple[Guard, ...]) -> Classes:
        """What the guards catch together, most general classes only."""
        found = dict.fromkeys(c for guard in reversed(guards) for c in guard.classes)
        return tuple(c for c in found if not any(c is not d and issubclass(c, d) for d in found))

    def _route(self, caught: Caught, guards: tuple[Guard, ...]) -> None:
        """Hand an exception to the first guard that catches it, from the inside out."""
        if not guards:
            self.b.emit(Call((), raise_error, (caught.error, *caught.cause), (), self.b.line))
            self.state.dead = True
            return
        *outer, guard = guards
        depth, managers, now, handling = self.loop_depth, self.managers, self.guards, self.handling
        here = len(self.guards) >= len(guards)  # on the way out of the body, not after it
        if here:
            guard.points.add(self.node)
            away = depth != guard.depth or managers != guard.managers
            leaving = any(contains(guard.text, kind) for kind in LEAVING)
            few = FEW if guard.final is None else 1
            many = len(guard.points) > few and len(guard.text) > 1
            if not guard.late and (away and leaving or managers != guard.managers or many):
                raise Late(guard)
            if guard.late:
                self.state.vars[self.scope, guard.label] = caught.error
                self._skip(guard)
                return
        self.guards = tuple(outer)
        try:
            if guard.final is not None:
                self.state.vars[self.scope, guard.label] = Const(True)
                self.block(guard.final)
                if not self.state.dead:
                    self.branch(self.state.done, lambda: None, lambda: self._route(caught, self.guards))
            else:
                self._handlers(caught, guard, guard.handlers, here)
        finally:
            self.guards, self.handling = now, handling
            self.loop_depth, self.managers = depth, managers

    def _skip(self, guard: Guard) -> None:
        """Leave the rest of the body, and the loops in it."""
        self.state.done = Const(True)
        if self.loop_depth > guard.depth:
            self.state.vars[self.scope, "$leave"] = Const(True)
            self.state.vars[self.scope, "$returned"] = Const(True)

    def _handlers(
        self, caught: Caught, guard: Guard, rest: list[tuple[Classes, ast.ExceptHandler]], here: bool
    ) -> None:
        if not rest:
            self._route(caught, self.guards)
            return
        (classes, handler), *more = rest
        matches = [issubclass(b, classes) for b in caught.bounds]
        if all(matches):
            self._handler(caught, guard, handler, here)
            return
        if caught.exact is not None:
            self._handlers(caught, guard, more, here)
            return
        left = tuple(b for b, certain in zip(caught.bounds, matches, strict=True) if not certain)
        related = any(issubclass(c, b) for c in classes for b in left) or any(matches)
        narrowed = replace(caught, bounds=left)
        if not related and not any(len(c.__bases__) > 1 for c in left):
            self._handlers(caught, guard, more, here)
            return
        wanted = Const(classes[0] if len(classes) == 1 else classes)
        line = self.b.line
        test = self.b.call(builtins.isinstance, caught.error, wanted, type=BOOL)
        self.branch(
            test,
            lambda: self._handler(caught, guard, handler, here),
            lambda: self._handlers(narrowed, guard, more, here),
        )
        self.b.line = line

    def _handler(self, caught: Caught, guard: Guard, handler: ast.ExceptHandler, here: bool) -> None:
        outer = self.guards
        if handler.name:
            self.bind(handler.name, caught.error)
        self.handling = (*self.handling, caught)
        self.block(handler.body)
        self.handling, self.guards = self.handling[:-1], outer
        if self.state.dead:
            return
        if handler.name:
            self.bind(handler.name, UNBOUND_REF)
        if here:

            def finish() -> None:
                self.state.vars[self.scope, guard.label] = Const(True)
                self._skip(guard)

            self.branch(self.state.done, lambda: None, finish)

    # -- raise ----------------------------------------------------------------------------------------------

    def _Raise(self, node: ast.Raise) -> None:
        if node.exc is None:
            if not self.handling:
                raise self.refuse("there is no exception to raise again", "Name the exception.")
            self._raise(self.handling[-1])
            return
        match node.exc:
            case ast.Call(ast.Name("NotImplementedError"), [ast.Constant(reason)]) if (
                self.in_library and len(self.b.around) == self.floor
            ):
                raise self.refuse(str(reason))  # the rule does not hold for these options
        cause = () if node.cause is None else (self.value(node.cause),)
        error, exact = self._exception(node.exc)
        self._raise(Caught(error, exact, (exact or BaseException,), cause))

    def _raise(self, caught: Caught) -> None:
        if not self.guards:
            self.b.emit(Call((), raise_error, (caught.error, *caught.cause), (), self.b.line))
            self.state.dead = True
            return
        if isinstance(caught.error, Const):
            made = self.b.call(caught.error.value, type=OBJECT)
            assert caught.exact is not None
            caught = replace(caught, error=made)
        for cause in caught.cause:
            if isinstance(cause, Const) and isinstance(cause.value, type):
                cause = self.b.call(cause.value, type=OBJECT)
            # It is not thrown, so nothing else sets it.
            self.b.emit(Call((), setattr, (caught.error, Const("__cause__"), cause), (), self.b.line))
        self._route(replace(caught, cause=()), self.guards)

    def _exception(self, node: ast.expr) -> tuple[Atom, type[BaseException] | None]:
        """The exception that a `raise` names, and its class if it is known."""
        if isinstance(node, ast.Call) and not node.keywords:
            fn = self.callee(node.func)
            if isinstance(fn, Const) and isinstance(fn.value, type) and issubclass(fn.value, BaseException):
                args = [self.expression(a) for a in node.args]
                made = self.b.call(fn.value, *map(self.atom, args), type=OBJECT)
                self.unit.raised[made] = (fn.value, tuple(args))
                return made, fn.value
        atom = self.value(node)
        if isinstance(atom, Const) and isinstance(atom.value, type):
            return atom, atom.value
        known = self.unit.raised.get(atom)
        return atom, known[0] if known is not None else None

    def _Assert(self, node: ast.Assert) -> None:
        def fail() -> None:
            self.b.line = self.span(node)
            args = () if node.msg is None else (self.expression(node.msg),)
            made = self.b.call(AssertionError, *map(self.atom, args), type=OBJECT)
            self.unit.raised[made] = (AssertionError, args)
            self._raise(Caught(made, AssertionError, (AssertionError,)))

        self.branch(self.truth(self.expression(node.test)), lambda: None, fail)

    # -- the statements of a guarded body -------------------------------------------------------------------

    def guarded(self, statements: list[ast.stmt]) -> None:
        """Lower the statements of a body whose exceptions are caught."""
        if not statements:
            return
        first, rest = statements[0], statements[1:]
        self.node = first
        self.b.line = self.span(first)

        def go_on() -> None:
            self._after(rest)

        match first:
            case ast.Return():
                value = first.value or ast.copy_location(ast.Constant(None), first)
                self._held(lambda: self.returned(value), self.give)
            case ast.Raise() if first.exc is not None:
                self._held_raise(first)
            case ast.Raise() | ast.Break() | ast.Continue():
                self.statement(first)
            case ast.Assert():
                negated = ast.UnaryOp(ast.Not(), first.test)
                args = [] if first.msg is None else [first.msg]
                error = ast.Call(ast.Constant(AssertionError), args, [])  # type: ignore[arg-type]
                check = ast.If(negated, [ast.Raise(error, None)], [])
                for part in ast.walk(check):
                    if isinstance(part, (ast.expr, ast.stmt)) and not hasattr(part, "lineno"):
                        ast.copy_location(part, first)
                self.guarded([check, *rest])
            case _ if self._runs(statements):
                return
            case ast.With() if not self.is_open(first):
                raise self.refuse(
                    "what a `with` changes before it may raise is seen by the `try` around it",
                    "Put the `try` inside the `with`.",
                )
            case ast.If():
                leaving = leaves(first.body) or leaves(first.orelse)
                inner = rest if leaving else []

                def choose(test: Ref) -> None:
                    self.choose(self.atom(test), first, inner)
                    if not leaving:
                        go_on()

                self._held(lambda: self.truth(self.expression(first.test)), choose)
            case ast.For():

                def run(what: Ref) -> None:
                    self.run_over(first, what)
                    go_on()

                self._held(lambda: self.iterated(first.iter), run)
            case _:
                self.statement(first)
                go_on()

    def _after(self, rest: list[ast.stmt]) -> None:
        """The statements that follow, unless this path has left them."""
        if not rest or self.state.dead:
            return
        done = self.b.constant(self.state.done)
        if done is None:
            self._unless_done(rest)
        elif not done.value:
            self.block(rest)

    def _held(self, compute: Callable[[], Ref], use: Callable[[Ref], None]) -> None:
        """Compute a value that may raise, then use it where it did not."""
        key = (self.scope, "$held")

        def run() -> None:
            self.state.vars[key] = compute()

        def go_on() -> None:
            use(self.state.vars.pop(key))

        before, inlined = self.state.copy(), self.unit.inlined
        guards, self.guards = self.guards, ()  # it is guarded as a whole
        with self.b.region() as body:
            run()
        self.guards = guards
        classes = self._caught_classes(guards)
        calls = self.unit.inlined != inlined or any(map(writes, body))
        if any(catchable(i, classes) for i in body):
            if self.changed_early(ast.Pass(), before, self._visible(), calls):
                raise self.refuse(*WRITTEN_EARLY)
        self._attempt(before, body, go_on)

    def _held_raise(self, node: ast.Raise) -> None:
        exact: list[type[BaseException] | None] = []
        assert node.exc is not None
        error = node.exc

        def compute() -> Ref:
            made, known = self._exception(error)
            exact.append(known)
            cause = () if node.cause is None else (self.value(node.cause),)
            _, args = self.unit.raised.get(made, (known, ()))
            return Tup((Tup(args), made, *cause))

        def use(held: Ref) -> None:
            assert isinstance(held, Tup)
            of, *rest = held.items
            made, *cause = map(self.atom, rest)
            if exact[0] is not None and isinstance(of, Tup) and of.items:
                self.unit.raised[made] = exact[0], of.items
            self._raise(Caught(made, exact[0], (exact[0] or BaseException,), tuple(cause)))

        self._held(compute, use)

    def _runs(self, statements: list[ast.stmt]) -> bool:
        """Lower the longest run of statements that can be one `Try`, then what follows; False if none can."""
        classes = self._caught_classes(self.guards)
        visible = self._visible()
        start = self.state.copy()
        first = 0  # where the instructions begin that need a guard
        count = 0  # how many statements are in the run
        risky = exposed = torn = False
        with self.b.region() as body:
            for statement in statements:
                if not runnable(statement):
                    break
                before, mark = self.state.copy(), len(body)
                self.node = statement
                self.b.line = self.span(statement)
                guards, self.guards = self.guards, ()
                inlined = self.unit.inlined
                inside = Progress(self, classes, visible)
                if isinstance(statement, ast.With):
                    self.watch = inside
                elif _calls_once(statement):
                    self.watch_call = inside
                self.statement(statement)
                self.guards, self.watch, self.watch_call = guards, None, None
                may_raise = any(catchable(i, classes) for i in body[mark:])
                changed = self.changes(statement, before, visible)
                whole = isinstance(statement, SIMPLE) or isinstance(statement, ast.With) and not inside.torn
                if may_raise and exposed and not risky:
                    start, first, exposed = before, mark, False
                if may_raise and (exposed or changed and not whole):
                    self.state = before
                    del body[mark:]
                    break
                calls = self.unit.inlined != inlined or any(map(writes, body[mark:]))
                if inside.end is not None:
                    later = any(catchable(i, classes) for i in body[inside.end :])
                    torn = inside.torn or inside.exposed and later
                elif isinstance(statement, SIMPLE):
                    torn = self.changed_early(statement, before, visible, calls)
                if may_raise and changed and (torn or self._torn(body[mark:], classes)):
                    raise self.refuse(*WRITTEN_EARLY)
                torn = False
                count += 1
                risky |= may_raise
                exposed |= changed
                if self.state.dead:
                    break
        if not count:
            return False
        rest = statements[count:]
        if not risky:
            first = len(body)
        self.b.body.extend(body[:first])
        self._attempt(start, body[first:], lambda: self._after(rest))
        return True

    def changed_early(
        self, statement: ast.stmt, before: State, visible: Callable[[str], bool], calls: bool
    ) -> bool:
        """Has this statement changed something before its end, where it may still raise?

        That is a name other than its targets, or, if it calls functions of the user, any object.
        """
        targets = getattr(statement, "targets", None) or [getattr(statement, "target", None)]
        parts = [p for t in targets for p in (t.elts if isinstance(t, (ast.Tuple, ast.List)) else [t])]
        names = [p.id for p in parts if isinstance(p, ast.Name)]
        own = frozenset((self.unit.homes.get((self.scope, n), self.scope), n) for n in names)
        return self.changes(statement, before, visible, own, objects=calls)

    def changes(
        self,
        statement: ast.stmt,
        before: State,
        visible: Callable[[str], bool],
        own: frozenset[tuple[Scope, str]] = frozenset(),
        objects: bool = True,
    ) -> bool:
        """Has this statement changed a name or an object that a handler, or what follows, can see?"""
        for (scope, name), ref in self.state.vars.items():
            if (scope, name) in own:
                continue
            if ref is not before.vars.get((scope, name)) and not name.startswith("$"):
                if scope is not self.scope and (scope, name) in before.vars or (
                    scope is self.scope and visible(name)
                ):
                    return True
        changed = [c for c, content in before.heap.items() if self.state.heap.get(c) is not content]
        if not changed or not objects:
            return False
        seen: set[Cell] = {c for c in changed if c.param or c.outside}
        for (scope, name), ref in before.vars.items():
            if scope is not self.scope or visible(name):
                seen |= self.cells(ref)
        return any(c in seen for c in changed)

    @staticmethod
    def _torn(body: list[Instr], classes: Classes) -> bool:
        """May something raise after a store into an object from outside, in these instructions?"""
        made = {o for i in body for n in (i, *_inside(i)) for o in n.outs if not isinstance(n, Store)}
        stored = False
        for instr in body:
            inner = list(_inside(instr))
            if stored and catchable(instr, classes):
                return True
            parts = [instr] if isinstance(instr, Store) else [i for i in inner if isinstance(i, Store)]
            outside = any(_root(i, [*body, *inner]) not in made for i in parts)
            if outside and not isinstance(instr, Store):
                if any(catchable(i, classes) for i in inner if not isinstance(i, Store)) or len(parts) > 1:
                    return True
            stored |= outside
        return False

    def _visible(self) -> Callable[[str], bool]:
        """Which names can be read where an exception is handled, or after that?"""
        inside: set[int] = set()
        guard = self.guards[0]
        for statement in guard.body:
            inside.update(map(id, ast.walk(statement)))
            for part in ast.walk(statement):  # a handler may call what is defined in the body
                if isinstance(part, (ast.FunctionDef, ast.Lambda)):
                    inside.difference_update(map(id, ast.walk(part)))
        for other in self.guards:
            for statement in other.text:
                inside.difference_update(map(id, ast.walk(statement)))
        loads: set[str] = set()
        kept: set[str] = set()
        for part in ast.walk(self.source.node):
            if isinstance(part, (ast.Nonlocal, ast.Global)):
                kept.update(part.names)
            elif isinstance(part, ast.Name) and id(part) not in inside and isinstance(part.ctx, ast.Load):
                loads.add(part.id)
            elif isinstance(part, ast.AugAssign) and isinstance(part.target, ast.Name):
                if id(part) not in inside:
                    loads.add(part.target.id)
        # An exception that nothing handles goes on after the final statements, which alone see what was done.
        if not any(guard.handlers for guard in self.guards):
            finals = [s for guard in self.guards for s in guard.text]
            if not any(contains(finals, kind) for kind in LEAVING):
                read = (p for s in finals for p in ast.walk(s))
                loads = {p.id for p in read if isinstance(p, ast.Name)}
                return lambda name: name in loads or name in kept
        looping = self.loop_depth > 0
        first = _first_uses(guard.body) if looping else {}

        def visible(name: str) -> bool:
            return name in loads or name in kept or (looping and first.get(name, True))

        return visible

    def _attempt(self, before: State, body: list[Instr], go_on: Callable[[], None]) -> None:
        """Emit instructions that may raise as a `Try`, with what follows them where they did not."""
        classes = self._caught_classes(self.guards)
        if not any(catchable(i, classes) for i in body):
            self.b.body.extend(body)
            if not self.state.dead:
                go_on()
            return
        line = self.b.line
        export = Export(self.state, before, body)
        completed, failed = export.states()
        clauses = [h.name or "" for g in reversed(self.guards) for _, h in g.handlers]
        names = [name for name in clauses if name.isidentifier()]
        error = Value(names[0] if names else "error", OBJECT, named=bool(names))
        region = Region((), tuple(body), tuple(export.results))
        otherwise = tuple(export.otherwise)
        self.b.emit(
            Try((*export.outs, error), region, otherwise, classes, Const(None), False, line, object())
        )

        def then() -> None:
            self.state = completed
            if not self.state.dead:
                go_on()

        def orelse() -> None:
            self.state = failed
            self.b.line = line
            self._route(Caught(error, None, classes), self.guards)

        self._completed(error, then, orelse)


def runnable(statement: ast.stmt) -> bool:
    """Can this statement stand inside a `Try` as a whole: does it neither leave nor guard anything itself?"""
    if isinstance(statement, SIMPLE):
        return True
    if not isinstance(statement, (ast.If, ast.For, ast.While, ast.With, ast.Match, ast.Try)):
        return False
    if isinstance(statement, (ast.With, ast.Try)):
        return isinstance(statement, ast.With) or not any(contains([statement], k) for k in LEAVING)
    if any(contains([statement], kind) for kind in STRUCTURED):
        return False
    jumps = any(contains([statement], kind) for kind in (ast.Break, ast.Continue))
    return isinstance(statement, (ast.For, ast.While)) or not jumps


def _calls_once(statement: ast.stmt) -> bool:
    """Is this a call of one function, of arguments that call none, whose result at most gets a name?"""
    call = getattr(statement, "value", None)
    named = isinstance(statement, ast.Expr) or isinstance(statement, ast.Assign) and all(
        isinstance(t, ast.Name) for t in statement.targets
    )
    inner = (p for p in ast.walk(call) if isinstance(p, (ast.Call, ast.IfExp, ast.BoolOp))) if call else ()
    return named and isinstance(call, ast.Call) and sum(1 for _ in inner) == 1


def leaves(statements: list[ast.stmt]) -> bool:
    """Does this block always end in `return`, `break`, `continue` or `raise`?"""
    if not statements:
        return False
    last = statements[-1]
    if isinstance(last, ast.If):
        return leaves(last.body) and leaves(last.orelse)
    return isinstance(last, (*LEAVING, ast.Raise))


def _first_uses(statements: list[ast.stmt]) -> dict[str, bool]:
    """For each name that these statements assign first of all, False: no earlier turn's value is read."""
    found: dict[str, bool] = {}
    for statement in statements:
        plain = isinstance(statement, ast.Assign)
        targets = statement.targets if isinstance(statement, ast.Assign) else []
        stored = {t.id for t in targets if isinstance(t, ast.Name)}
        for part in ast.walk(statement):
            if isinstance(part, ast.Name) and not (plain and part in targets):
                found.setdefault(part.id, True)
        for name in stored:
            found.setdefault(name, False)
    return found


def _inside(instr: Instr) -> list[Instr]:
    match instr:
        case If():
            return [*instructions(instr.then), *instructions(instr.orelse)]
        case For() | Try():
            return list(instructions(instr.body))
        case While():
            return [*instructions(instr.cond), *instructions(instr.body)]
    return []


def writes(instr: Instr) -> bool:
    """Does this, or something in it, call a function that writes into its arguments?"""
    if isinstance(instr, Call) and isinstance(instr.fn, Function):
        return instr.fn.graph is None or bool(instr.fn.graph.writes)
    return any(map(writes, _inside(instr)))


def _root(store: Store, body: list[Instr]) -> Atom:
    """The value whose memory a store changes, followed back through stores and what loops carry."""
    stores = {i.outs[0]: i.target for i in body if isinstance(i, Store)}
    for instr in body:
        if isinstance(instr, (For, While)):
            items = len(instr.items) if isinstance(instr, For) else 0
            stores.update(zip(instr.body.params[items:], instr.init, strict=True))
    target = store.target
    while isinstance(target, Value) and target in stores:
        target = stores[target]
    return target
