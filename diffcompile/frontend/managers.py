"""`with`: a region inside its manager; `suppress`, `nullcontext` and `closing` are what they stand for.

    with lock:                    y = try with lock as entered:
        y = x * x                   y = operator.mul(x, x); yield y

What `contextmanager` makes of a generator function runs around the body, in its place (`yields.py`).
An exception leaves through the manager, so a `try` around a `with` guards all of it. The adjoint of a body
that runs in `np.errstate(...)` runs in the same.
"""

from __future__ import annotations

import ast
import contextlib
import sys
from collections.abc import Callable
from types import FunctionType
from typing import Any

import numpy as np

from ..analysis.activity import can_vary
from ..ir.graph import Atom, Call, Const, Hook, Region, Try, Value
from ..ir.types import OBJECT, UNKNOWN, Type, array
from ..ir.walk import free
from ..rules.hooks import cotangent_of
from .arguments import class_attribute
from .attempts import SIMPLE, Attempts
from .calls import escapes, is_contextmanager, made_manager
from .export import Export
from .heap import Applied, Bound, Entries, Generated, Items, Obj, Ref, Scope, Tup, View
from .objects import Live
from .source import read_source
from .yields import Afterwards, Elsewhere, NotTaken, taken_apart, unless_raised

# How a manager is left whose `__exit__` looks at the exception, or may end it; and how any other is.
EXIT = """
is_open = True
try:
    try:
        pass
    except BaseException as _error_:
        is_open = False
        if not manager.__exit__(type(_error_), _error_, None):
            raise
finally:
    if is_open:
        manager.__exit__(None, None, None)
"""
PLAIN_EXIT = """
try:
    pass
finally:
    manager.__exit__(None, None, None)
"""
DEEP = 12  # managers that enter themselves


class Managers(Attempts):
    def _With(self, node: ast.With) -> None:
        self._with(node.items, node.body, node)

    def _with(self, items: list[ast.withitem], body: list[ast.stmt], node: ast.With) -> None:
        if not items:
            self.block(body)
            return
        item, *more = items
        inner: list[ast.stmt] = body
        if more:
            nested = ast.With(more, body)
            inner = [ast.copy_location(nested, node)]
        made, at = item.context_expr, self
        if isinstance(item.context_expr, Elsewhere):
            assert isinstance(item.context_expr.what, ast.expr)
            made, at = item.context_expr.what, item.context_expr.frame
        known = self._manager_call(item.context_expr)
        if known is contextlib.suppress:
            assert isinstance(made, ast.Call)
            caught: ast.expr = made.args[0] if len(made.args) == 1 else ast.Tuple(list(made.args), ast.Load())
            ast.copy_location(caught, node)
            handler = ast.ExceptHandler(caught, None, [ast.copy_location(ast.Pass(), node)])
            handlers = [(at._classes(caught), handler)]
            if item.optional_vars is not None:
                self.assign(item.optional_vars, Const(None))
            self._guard(self._guard_of(handlers, None, inner, item.context_expr), [])
            return
        if known is cotangent_of and at is self:
            assert isinstance(made, ast.Call)
            self._hook(made, item.optional_vars, inner)
            return
        if known is contextlib.nullcontext:
            assert isinstance(made, ast.Call)
            given = made.args[0] if made.args else ast.copy_location(ast.Constant(None), made)
            target = item.optional_vars

            def as_it_is(entered: Ref) -> None:
                if target is not None:
                    self.assign(target, entered)
                self.block(inner)

            self._evaluated(lambda: at.expression(given), as_it_is)
            return
        if known is contextlib.closing:
            assert isinstance(made, ast.Call)
            name = f"$closing:{node.lineno}:{item.context_expr.col_offset}"
            thing = ast.copy_location(ast.Name(name, ast.Load()), node)
            closed = made.args[0]
            target = item.optional_vars
            close: ast.stmt = ast.Expr(ast.Call(ast.Attribute(thing, "close", ast.Load()), [], []))
            for part in ast.walk(close):
                if isinstance(part, (ast.expr, ast.stmt)):
                    ast.copy_location(part, node)

            def to_be_closed(thing: Ref) -> None:
                self.state.vars[self.scope, name] = thing
                if target is not None:
                    self.assign(target, thing)
                self._guard(self._guard_of([], [close], inner, item.context_expr), [])

            self._evaluated(lambda: at.expression(closed), to_be_closed)
            return
        if isinstance(known, type) and _of_the_library(known):
            self._managed(at._made_by(known, made), item.optional_vars, inner)
            return
        self._evaluated(
            lambda: self.expression(item.context_expr), lambda ref: self._with_manager(ref, item, inner)
        )

    def _evaluated(self, compute: Callable[[], Ref], use: Callable[[Ref], None]) -> None:
        """What makes a manager may raise inside of a `try`, before there is one."""
        if self.guards:
            self._held(compute, use)
        else:
            use(compute())

    def _with_manager(self, ref: Ref, item: ast.withitem, inner: list[ast.stmt]) -> None:
        if isinstance(ref, Generated):
            self._generated_manager(ref, item, inner)
            return
        content = self.object_content(ref)
        leave = class_attribute(content.cls, "__exit__") if content is not None else None
        if content is not None and isinstance(leave, FunctionType):
            self._entered(ref, content.cls, item, inner)
            return
        live = ref.cell.live if isinstance(ref, Obj) else None
        manager = live.atom if isinstance(live, Live) else self.atom(ref)
        self._managed(manager, item.optional_vars, inner)

    def _hook(self, call: ast.Call, target: ast.expr | None, body: list[ast.stmt]) -> None:
        """`with cotangent_of(x) as x_bar:`: the body belongs to the backward pass."""
        place = call.args[0] if len(call.args) == 1 and not call.keywords else None
        if not isinstance(place, ast.Name) or not isinstance(target, (ast.Name, type(None))):
            raise self.refuse(
                "`cotangent_of` takes a variable, and its cotangent is given a name",
                "Write `with cotangent_of(x) as x_bar:`.",
            )
        if _leaves(body):
            raise self.refuse(
                "the body of `cotangent_of` runs in the backward pass, where there is nothing to leave",
                "Assign to the name of the cotangent.",
            )
        ref = self.expression(place)
        if isinstance(ref, Tup) or self._container(ref):
            raise self.refuse(
                "`cotangent_of` of a container", "Give what is in it a name: `w = params[...]`."
            )
        if isinstance(ref, View):
            raise self.refuse("`cotangent_of` of a part of an array", "Copy it: `y = x[1:].copy()`.")
        x = self.atom(ref)
        if not isinstance(x, Value) or not can_vary(x):
            return  # it has no cotangent
        name = target.id if target is not None else ""
        ct = Value(name or f"{x.name}_bar", _cotangent_type(x.type), named=True)
        before, line = self.state.copy(), self.b.line
        with self.b.region() as instrs:
            held = self.own(ct, name)
            if target is not None:
                self.assign(target, held)
            self.block(body)
            left = self.atom(self.lookup(name) if name else held)
        for cell, content in before.heap.items():
            kept = isinstance(content, (Items, Entries)) and content.handle is not None
            if self.state.heap.get(cell) is not content and not kept:
                changed = cell.name or "what is made before it"
                raise self.refuse(
                    f"the body of `cotangent_of` changes `{changed}`, which the forward pass reads",
                    "Change the cotangent, or what the caller hands in.",
                )
        self.state, self.b.line = before, line
        region = Region((ct,), tuple(instrs), (left,))
        given = tuple(free(region))
        same = Value(x.name, x.type, x.named)
        self.b.emit(Call((same,), Hook(region, given), (x, *given), (), line))
        if isinstance(ref, Obj):
            self.state.heap[ref.cell] = same
        else:
            self.bind(place.id, same)

    # -- of a generator -------------------------------------------------------------------------------------

    def _generated_manager(self, made: Generated, item: ast.withitem, body: list[ast.stmt]) -> None:
        """What `contextlib.contextmanager` makes of a generator: the body runs where it yields."""
        flag, source = self.state.heap[made.cell], made.source
        assert isinstance(flag, (Const, Value)), "whether a manager was entered is a flag"
        used = self.b.constant(flag)
        if not made.managing or used is None or used.value or made.depth != len(self.unit.turning):
            raise self.refuse(
                "a manager is entered a second time, or in another loop than it was made in",
                "Call what makes it in the `with`.",
            )
        if self.unit.inlining.count(source.node) > DEEP:
            raise self.refuse(
                "a manager that enters itself, to a depth that is not known here", "Write it as a loop."
            )
        self.state.heap[made.cell] = Const(True)
        frame = type(self)(self.unit, source, Scope(source.node.name, made.scope))
        for parameter, ref in made.named:
            self.state.vars[frame.scope, parameter] = ref
        try:
            statements = taken_apart(source.node, frame, item.optional_vars, body, item.context_expr)
        except NotTaken as what:
            raise self.refuse(what.reason, what.remedy, item.context_expr) from None
        self.unit.inlining.append(source.node)
        try:
            self.block(statements)
        finally:
            self.unit.inlining.pop()
        if not escapes(source.node):
            for key in [k for k in self.state.vars if k[0] is frame.scope]:
                del self.state.vars[key]

    def _Elsewhere(self, node: Elsewhere, name: str) -> Ref:
        """What is another function's runs there; whether this one is done is not its to say."""
        line, frame = self.b.line, node.frame
        self.unit.depth += 1
        one = isinstance(node.what, list) and len(node.what) == 1 and isinstance(node.what[0], SIMPLE)
        self.unit.inlined += not one  # what is done there is not only what is done last
        try:
            if isinstance(node.what, ast.expr):
                ref: Ref = frame.expression(node.what, name)
                return ref
            done, self.state.done = self.state.done, Const(False)
            frame.block(node.what)
            self.state.done = done
            return Const(None)
        finally:
            self.unit.depth -= 1
            self.b.line = line

    def _Afterwards(self, node: Afterwards) -> None:
        if self.guards:
            self.block(unless_raised(node, f"$open:{node.lineno}:{node.col_offset}"))
            return
        self.block(node.body)
        if not self.state.dead:
            self._finally(self._guard_of([], node.finalbody, node.body, node), Const(None))

    # -- of the library, or of a class ----------------------------------------------------------------------

    def _made_by(self, fn: Any, call: ast.expr) -> Atom:
        """The manager that this call makes when the program runs."""
        assert isinstance(call, ast.Call)
        args = [self.value(a) for a in call.args]
        kwargs = {k.arg: self.value(k.value) for k in call.keywords if k.arg is not None}
        return self.b.call(fn, *args, kwargs=kwargs, type=None if fn is np.errstate else OBJECT)

    def _entered(self, ref: Ref, cls: type, item: ast.withitem, body: list[ast.stmt]) -> None:
        """A manager of a class written in Python: its methods are called as Python calls them."""
        node, target = item.context_expr, item.optional_vars
        name = f"$manager:{node.lineno}:{node.col_offset}"
        self.state.vars[self.scope, name] = ref
        leave = read_source(class_attribute(cls, "__exit__")).node
        assert isinstance(leave, ast.FunctionDef)
        text = EXIT if _reads_error(leave) or _may_end_error(leave) else PLAIN_EXIT
        statements = ast.parse(text.replace("manager", "_manager_").replace("is_open", "_is_open_")).body
        names = {"_manager_": name, "_is_open_": f"$open:{name}", "_error_": f"$error:{name}"}
        for part in (p for s in statements for p in ast.walk(s)):
            if isinstance(part, ast.Name):
                part.id = names.get(part.id, part.id)
            if isinstance(part, ast.ExceptHandler) and part.name:
                part.name = names[part.name]
            if isinstance(part, (ast.expr, ast.stmt, ast.ExceptHandler)):
                ast.copy_location(part, node)
        *before, attempt = statements
        assert isinstance(attempt, ast.Try)
        inner = attempt.body[0]
        (inner if isinstance(inner, ast.Try) else attempt).body = body
        enter = ast.parse("_manager_.__enter__()", mode="eval").body
        for part in ast.walk(enter):
            if isinstance(part, ast.Name):
                part.id = name
            if isinstance(part, ast.expr):
                ast.copy_location(part, node)
        first = ast.Expr(enter) if target is None else ast.Assign([target], enter)
        self.block([ast.copy_location(first, node), *before, attempt])

    def _manager_call(self, node: ast.expr) -> Any:
        """The class or function whose call makes the manager, if it is known."""
        if isinstance(node, Elsewhere):
            return node.frame._manager_call(node.what)
        if isinstance(node, ast.Call) and isinstance(node.func, (ast.Name, ast.Attribute)):
            found = self.callee(node.func)
            if isinstance(found, Applied):
                found = found.fn
            if isinstance(found, Bound):
                return found.fn
            return found.value if isinstance(found, Const) else None
        return None

    def is_open(self, node: ast.With) -> bool:
        """Are exceptions handled the same inside this `with` and outside of it?"""
        known = (
            contextlib.suppress, contextlib.nullcontext, contextlib.closing, cotangent_of, np.errstate,
            made_manager,
        )  # fmt: skip
        makers = [self._manager_call(item.context_expr) for item in node.items]
        return all(
            m in known
            or is_contextmanager(m)
            or isinstance(m, type)
            and isinstance(class_attribute(m, "__exit__"), FunctionType)
            for m in makers
        )

    def _managed(self, manager: Atom, target: ast.expr | None, body: list[ast.stmt]) -> None:
        silent = self.b.made_by(manager, np.errstate) is not None
        line = self.b.line
        name = target.id if isinstance(target, ast.Name) else ""
        entered = Value(name or "entered", UNKNOWN if not silent else Type("none"), named=bool(name))
        before = self.state.copy()
        guards, self.managers = self.guards, self.managers + 1
        if not silent:
            self.guards = ()  # an exception leaves through the manager
        with self.b.region() as instrs:
            if target is not None:
                self.assign(target, self.own(entered, name) if not silent else Const(None))
            self.block(body)
        self.managers -= 1
        self.guards = guards
        self.b.line = line
        export = Export(self.state, before, instrs)
        after, _ = export.states(whole=True)
        if after.dead and not silent:
            raise self.refuse("a `with` whose body always raises", "Raise outside of it.")
        error = Value("error", OBJECT)
        region = Region((entered,), tuple(instrs), tuple(export.results))
        otherwise = tuple(export.otherwise)
        self.b.emit(Try((*export.outs, error), region, otherwise, (), manager, silent, line, object()))
        self.state = after


def _of_the_library(cls: type) -> bool:
    """Is this a class of Python's own library, or of NumPy?"""
    root = cls.__module__.split(".")[0]
    return root in sys.stdlib_module_names and root != "__main__" or root == "numpy"


def _leaves(body: list[ast.stmt]) -> bool:
    """Does this block leave the function, or a loop around it?"""
    stack: list[tuple[ast.AST, bool]] = [(part, False) for part in body]
    while stack:
        node, looped = stack.pop()
        if isinstance(node, (ast.Return, ast.Yield, ast.YieldFrom)):
            return True
        if isinstance(node, (ast.Break, ast.Continue)) and not looped:
            return True
        if not isinstance(node, (ast.FunctionDef, ast.Lambda)):
            inside = looped or isinstance(node, (ast.For, ast.While))
            stack.extend((part, inside) for part in ast.iter_child_nodes(node))
    return False


def _cotangent_type(known: Type) -> Type:
    """What is known of a cotangent: its shape, and not how wide its numbers are."""
    if known.kind == "array":
        return array(None, known.shape)
    return Type("number", np.dtype(np.float64)) if known.kind == "float" else Type()


def _reads_error(leave: ast.FunctionDef) -> bool:
    """Does this `__exit__` look at the exception that it is given?"""
    args = leave.args
    given = {a.arg for a in (*args.posonlyargs, *args.args)[1:]}
    given |= {a.arg for a in (args.vararg, args.kwarg) if a is not None}
    return any(isinstance(part, ast.Name) and part.id in given for part in ast.walk(leave))


def _may_end_error(leave: ast.FunctionDef) -> bool:
    """May this `__exit__` return something true?"""
    returned = [part.value for part in ast.walk(leave) if isinstance(part, ast.Return)]
    values = [v for v in returned if v is not None]
    return not all(isinstance(v, ast.Constant) and not v.value for v in values)
