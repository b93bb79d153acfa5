"""`with`: a region inside its manager; `suppress`, `nullcontext` and `closing` are what they stand for.

    with lock:                    y = try with lock as entered:
        y = x * x                   y = operator.mul(x, x); yield y

An exception leaves through the manager, so a `try` around a `with` guards all of it. The adjoint of a body
that runs in `np.errstate(...)` runs in the same.
"""

from __future__ import annotations

import ast
import contextlib
from typing import Any

import numpy as np

from ..ir.graph import Atom, Const, Region, Try, Value
from ..ir.types import OBJECT, UNKNOWN, Type
from .attempts import Attempts
from .export import Export


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
            self._guard(self._guard_of(handlers, None, inner), [])
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
            name = f"$closing{node.lineno}"
            thing = ast.copy_location(ast.Name(name, ast.Load()), node)
            self.state.vars[self.scope, name] = self.expression(item.context_expr.args[0])
            if item.optional_vars is not None:
                self.assign(item.optional_vars, self.state.vars[self.scope, name])
            close: ast.stmt = ast.Expr(ast.Call(ast.Attribute(thing, "close", ast.Load()), [], []))
            for part in ast.walk(close):
                if isinstance(part, (ast.expr, ast.stmt)):
                    ast.copy_location(part, node)
            self._guard(self._guard_of([], [close], inner), [])
            return
        manager = self.value(item.context_expr)
        self._managed(manager, item.optional_vars, inner)

    def _manager_call(self, node: ast.expr) -> Any:
        """The class or function whose call makes the manager, if it is known."""
        if isinstance(node, ast.Call) and isinstance(node.func, (ast.Name, ast.Attribute)):
            found = self.callee(node.func)
            return found.value if isinstance(found, Const) else None
        return None

    def is_open(self, node: ast.With) -> bool:
        """Are exceptions handled the same inside this `with` and outside of it?"""
        known = (contextlib.suppress, contextlib.nullcontext, contextlib.closing, np.errstate)
        return all(self._manager_call(item.context_expr) in known for item in node.items)

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
