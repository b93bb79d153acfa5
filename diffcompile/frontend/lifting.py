"""Functions defined inside another one that call themselves: graphs of their own, with what they close over.

    memo = {}
    def cost(i): ... memo[i] = ...            cost(i, memo), a function that writes its second argument
    cost(n)

What such a function reads of the scopes around it is handed to it as further arguments.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, replace
from types import FunctionType
from typing import Any

from ..errors import UnsupportedSyntax
from ..ir.graph import Const
from .heap import Closure, Entries, Items, Obj, Ref, Scope
from .lives import contains
from .source import Source


@dataclass(frozen=True, eq=False)
class Lifted:
    """A function that was defined inside another one, and the names that it reads of the scopes around it.

    `closures` are the function itself and those of the scopes around it that it calls, and that may call it.
    """

    source: Source
    names: tuple[str, ...]
    closures: tuple[tuple[str, Closure], ...]

    @property
    def __name__(self) -> str:
        return str(getattr(self.source.node, "name", "function"))

    def closed(self, scope: Scope) -> dict[str, Closure]:
        """These functions as the body refers to them, where the names around them are parameters."""
        return {name: replace(closure, scope=scope) for name, closure in self.closures}


def calls_itself(fn: FunctionType | Lifted) -> bool:
    """Does the body of this function refer to it by its own name?"""
    return isinstance(fn, Lifted) or fn.__name__ in fn.__code__.co_names


class Endless(UnsupportedSyntax):
    """A recursion that is read in place and does not end there."""


def lifted(
    frame: Any, closure: Closure, named: list[tuple[str, Ref]], endless: bool = False
) -> tuple[Lifted, list[Ref]] | None:
    """The function of a closure that calls itself, and what it closes over; None if it is read in place.

    Where it is called with constants alone, as `fib(8)` is, how often it calls itself may be known here; it
    was tried in vain if it is `endless`.
    """
    node = closure.node
    if frame.unit.rule or not isinstance(node, ast.FunctionDef):
        return None
    known = frame.unit.session.lifted.get(node)
    inside = known is not None and known in frame.unit.session.lowering
    if not inside and not endless and all(isinstance(ref, Const) for _, ref in named):
        return None
    outer: dict[str, Ref] = {}
    beside: dict[str, Closure] = {node.name: closure}
    again = False
    waiting = [closure]
    while waiting:
        one = waiting.pop()
        reads = _reads(one)
        if reads is None:
            return None
        again = again or node.name in reads
        for name in sorted(reads - set(beside)):
            ref = _around(frame, closure.scope, name)
            if isinstance(ref, Closure):
                beside[name] = ref
                waiting.append(ref)
            elif ref is not None:
                outer[name] = ref
    if not again or not all(plain(frame, ref) for ref in (*outer.values(), *(ref for _, ref in named))):
        return None
    if known is None:
        source = replace(closure.source, node=node)
        known = frame.unit.session.lifted[node] = Lifted(source, tuple(outer), tuple(beside.items()))
    return (known, list(outer.values())) if known.names == tuple(outer) else None


def _reads(closure: Closure) -> set[str] | None:
    """The names that a function reads and does not bind itself; None if it is not one to be lifted."""
    node = closure.node
    if not isinstance(node, ast.FunctionDef) or not all(isinstance(r, Const) for _, r in closure.defaults):
        return None
    if contains(node.body, (ast.Nonlocal, ast.Global, ast.Yield, ast.YieldFrom)):
        return None
    names = [n for n in ast.walk(node) if isinstance(n, ast.Name)]
    own = {n.id for n in names if not isinstance(n.ctx, ast.Load)}
    own |= {a.arg for a in ast.walk(node) if isinstance(a, ast.arg)}
    return {n.id for n in names if isinstance(n.ctx, ast.Load)} - own


def plain(frame: Any, ref: Ref) -> bool:
    """Can this be handed on as one value? A list or a dict that was made here becomes one."""
    content = frame.state.heap[ref.cell] if isinstance(ref, Obj) else None
    if isinstance(ref, Obj) and isinstance(content, (Items, Entries)):
        mine = content.handle is None and not ref.cell.param and content.cls in (list, dict)
        if mine and not frame.cells(ref) - {ref.cell}:
            frame.materialise(ref.cell)
    return bool(frame._plain(ref))


def _around(frame: Any, scope: Scope | None, name: str) -> Ref | None:
    """What a name is bound to in this scope or those around it; None if it is not one of theirs."""
    while scope is not None:
        ref: Ref | None = frame.state.vars.get((frame.unit.homes.get((scope, name), scope), name))
        if ref is not None:
            return ref
        scope = scope.parent
    return None
