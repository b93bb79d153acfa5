"""`with`: a region inside its manager; `suppress`, `nullcontext` and `closing` are what they stand for.

    with lock:                    y = try with lock as entered:
        y = x * x                   y = operator.mul(x, x); yield y

An exception leaves through the manager, so a `try` around a `with` guards all of it. The adjoint of a body
that runs in `np.errstate(...)` runs in the same.
"""

from __future__ import annotations

import ast
import contextlib
import sys
from types import FunctionType
from typing import Any

import numpy as np

from ..analysis.activity import can_vary
from ..ir.graph import Atom, Call, Const, Hook, Region, Try, Value
from ..ir.types import OBJECT, UNKNOWN, Type, array
from ..ir.walk import free
from ..rules.hooks import cotangent_of
from .arguments import class_attribute
from .attempts import Attempts
from .export import Export
from .heap import Entries, Items, Obj, Ref, Tup, View
from .objects import Live
from .source import read_source

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
        known = self._manager_call(item.context_expr)
        if known is contextlib.suppress:
            assert isinstance(item.context_expr, ast.Call)
            args = item.context_expr.args
            caught: ast.expr = args[0] if len(args) == 1 else ast.Tuple(list(args), ast.Load())
            ast.copy_location(caught, node)
            handler = ast.ExceptHandler(caught, None, [ast.copy_location(ast.Pass(), node)])
            handlers = [(self._classes(caught), handler)]
            if item.optional_vars is not None:
                self.assign(item.optional_vars, Const(None))
            self._guard(self._guard_of(handlers, None, inner, item.context_expr), [])
            return
        if known is cotangent_of:
            assert isinstance(item.context_expr, ast.Call)
            self._hook(item.context_expr, item.optional_vars, inner)
            return
        if known is contextlib.nullcontext:
            assert isinstance(item.context_expr, ast.Call)
            given = item.context_expr.args
            entered = self.expression(given[0]) if given else Const(None)
            if item.optional_vars is not None:
                self.assign(item.optional_vars, entered)
            self.block(inner)
            return
        if known is contextlib.closing:
            assert isinstance(item.context_expr, ast.Call)
            name = f"$closing:{node.lineno}:{item.context_expr.col_offset}"
            thing = ast.copy_location(ast.Name(name, ast.Load()), node)
            self.state.vars[self.scope, name] = self.expression(item.context_expr.args[0])
            if item.optional_vars is not None:
                self.assign(item.optional_vars, self.state.vars[self.scope, name])
            close: ast.stmt = ast.Expr(ast.Call(ast.Attribute(thing, "close", ast.Load()), [], []))
            for part in ast.walk(close):
                if isinstance(part, (ast.expr, ast.stmt)):
                    ast.copy_location(part, node)
            self._guard(self._guard_of([], [close], inner, item.context_expr), [])
            return
        if _is_contextmanager(known):
            self._generated_manager(item, inner, known)
            return
        if isinstance(known, type) and _of_the_library(known):
            self._managed(self._made_by(known, item.context_expr), item.optional_vars, inner)
            return
        ref = self.expression(item.context_expr)
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

    def _generated_manager(self, item: ast.withitem, body: list[ast.stmt], fn: Any) -> None:
        """What `contextlib.contextmanager` made of a generator function: it is called, and entered."""
        body_of = read_source(fn.__wrapped__).node
        if any(isinstance(part, ast.ExceptHandler) for part in ast.walk(body_of)):
            raise self.refuse(
                f"`{fn.__name__}` may end an exception in its `with`", "Use `contextlib.suppress` or a `try`."
            )
        self._managed(self._made_by(fn, item.context_expr), item.optional_vars, body)

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
        entered = self.expression(enter, target.id if isinstance(target, ast.Name) else "")
        if target is not None:
            self.assign(target, entered)
        self.block([*before, attempt])

    def _manager_call(self, node: ast.expr) -> Any:
        """The class or function whose call makes the manager, if it is known."""
        if isinstance(node, ast.Call) and isinstance(node.func, (ast.Name, ast.Attribute)):
            found = self.callee(node.func)
            return found.value if isinstance(found, Const) else None
        return None

    def is_open(self, node: ast.With) -> bool:
        """Are exceptions handled the same inside this `with` and outside of it?"""
        known = (contextlib.suppress, contextlib.nullcontext, contextlib.closing, cotangent_of, np.errstate)
        makers = [self._manager_call(item.context_expr) for item in node.items]
        return all(
            m in known or isinstance(m, type) and isinstance(class_attribute(m, "__exit__"), FunctionType)
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


def _is_contextmanager(fn: Any) -> bool:
    """Is this what `contextlib.contextmanager` returned?"""
    made = isinstance(fn, FunctionType) and hasattr(fn, "__wrapped__")
    return made and fn.__code__.co_filename == contextlib.__file__


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
