"""The state after a region that may be left before its end: what it made is handed out of it.

    y = math.sqrt(x)                 yields sqrt_out; the name `y` refers to the out of the instruction
                                     that owns the region, or, where it was left, to what it was before
"""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from typing import Any

from ..ir.graph import Atom, Const, Instr, Value
from .heap import (
    UNBOUND_REF,
    Applied,
    Bound,
    Choice,
    Closure,
    Content,
    Derived,
    Entries,
    Generated,
    Items,
    Made,
    Obj,
    Pulled,
    Ref,
    Sequence,
    State,
    Super,
    Tup,
    View,
)


class Export:
    """What a region made that the state after it refers to, handed out of the region."""

    def __init__(self, after: State, before: State, body: list[Instr]) -> None:
        self.after = after
        self.before = before
        self.made = {out for instr in body for out in instr.outs}
        self.outs: list[Value] = []
        self.results: list[Atom] = []
        self.otherwise: list[Atom] = []
        self.table: dict[Value, Value] = {}
        self.refs: dict[Ref, Ref] = {}

    def states(self, whole: bool = False) -> tuple[State, State]:
        """The state where the region completed, and that where it did not."""
        completed, failed = self.after.copy(), self.before.copy()
        for cell, content in self.after.heap.items():
            old = self.before.heap.get(cell)
            if isinstance(content, Value) and content in self.made and isinstance(old, Value) and not whole:
                completed.heap[cell] = failed.heap[cell] = self._out(content, old)
            else:
                completed.heap[cell] = self.content(content)
        for key, ref in self.after.vars.items():
            completed.vars[key] = self.ref(ref)
        completed.done = self.atom(self.after.done)
        return completed, failed

    def _out(self, value: Value, otherwise: Atom) -> Value:
        out = Value(value.name, value.type, value.named)
        self.outs.append(out)
        self.results.append(value)
        self.otherwise.append(otherwise)
        return out

    def atom(self, atom: Atom) -> Atom:
        if isinstance(atom, Const) or atom not in self.made:
            return atom
        if atom not in self.table:
            self.table[atom] = self._out(atom, UNBOUND_REF)
        return self.table[atom]

    def _handle(self, handle: Atom | None) -> Atom | None:
        return None if handle is None else self.atom(handle)

    def content(self, content: Content) -> Content:
        match content:
            case Items(items, handle):
                return replace(content, items=tuple(map(self.ref, items)), handle=self._handle(handle))
            case Entries(entries, handle):
                pairs = tuple((k, self.ref(r)) for k, r in entries)
                return replace(content, entries=pairs, handle=self._handle(handle))
        return self.atom(content)

    def ref(self, ref: Ref) -> Ref:
        known = self.refs.get(ref)
        if known is None:
            changed = self._ref(ref)
            known = self.refs[ref] = ref if _same(ref, changed) else changed
        return known

    def _ref(self, ref: Ref) -> Ref:
        match ref:
            case Const() | Value():
                return self.atom(ref)
            case Tup(items, cls):
                return Tup(tuple(map(self.ref, items)), cls)
            case View():
                base = self.ref(ref.base)
                assert isinstance(base, (Obj, View))
                cache = [(self.atom(a), self.atom(b)) for a, b in ref.cache]
                args = tuple(map(self.atom, ref.args))
                kwargs = tuple((k, self.atom(a)) for k, a in ref.kwargs)
                return replace(ref, base=base, args=args, kwargs=kwargs, cache=cache)
            case Bound() | Super():
                return replace(ref, receiver=self.ref(ref.receiver))
            case Made():
                options = tuple((k, self.ref(r)) for k, r in ref.kwargs)
                return replace(ref, args=tuple(map(self.ref, ref.args)), kwargs=options)
            case Choice():
                return replace(
                    ref, at=self.atom(ref.at), options=tuple((k, self.ref(r)) for k, r in ref.options)
                )
            case Generated():
                return replace(ref, named=tuple((n, self.ref(r)) for n, r in ref.named))
            case Applied(fn, args, kwargs):
                held = tuple((k, self.ref(r)) for k, r in kwargs)
                return Applied(self.ref(fn), tuple(map(self.ref, args)), held)
            case Derived():
                return replace(ref, fn=self.ref(ref.fn))
            case Pulled():
                primals = None if ref.primals is None else tuple(map(self.atom, ref.primals))
                return replace(ref, saved=self.atom(ref.saved), primals=primals)
            case Closure():
                return replace(ref, defaults=tuple((n, self.ref(r)) for n, r in ref.defaults))
            case Sequence():
                refs = None if ref.refs is None else tuple(map(self.ref, ref.refs))
                return replace(ref, items=tuple(map(self.atom, ref.items)), refs=refs)
        return ref


def _same(old: Any, new: Any) -> bool:
    """Do two references have the same parts? Then the one is the other, for all that tells them apart."""
    if old is new:
        return True
    if isinstance(old, (tuple, list)) and isinstance(new, (tuple, list)):
        return len(old) == len(new) and all(map(_same, old, new))
    if type(old) is type(new) and is_dataclass(old) and not isinstance(old, (Const, Value)):
        return all(_same(getattr(old, f.name), getattr(new, f.name)) for f in fields(old))
    return isinstance(old, str) and old == new
