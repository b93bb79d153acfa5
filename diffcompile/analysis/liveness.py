"""When each value is written and last read, and which values may be one object in memory.

Positions count instructions in the order of the text, two to an instruction: reads at the even one, writes at
the odd one. A read inside a loop of a value made outside it lasts until the loop ends, since the next turn
reads again.
"""

from __future__ import annotations

import copy
import operator
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

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
    literal,
    pack_dict,
    pack_list,
    pack_object,
    raise_error,
    unpack,
)
from ..ir.walk import operands, values
from ..rules.containers import copy_of, entry, keys_of, sum_of, values_of, with_keys, zeros_of
from ..rules.fft import fitted
from ..rules.linalg import cofactors, minors, minors_cotangent
from ..rules.matrices import inverse_gaps
from .forms import form_asked

SEES = frozenset({
    np.reshape, np.ravel, np.transpose, np.swapaxes, np.moveaxis, np.rollaxis, np.squeeze, np.expand_dims,
    np.broadcast_to, np.diagonal, np.real, np.imag, np.flip, np.flipud, np.fliplr, np.rot90, np.atleast_1d,
    np.atleast_2d, np.atleast_3d, np.asarray, np.asanyarray, np.ascontiguousarray, np.matrix_transpose,
    np.broadcast_arrays, np.split, np.array_split, np.diag, np.hsplit, np.vsplit, np.dsplit, np.trim_zeros,
    np.linalg.matrix_transpose, np.linalg.diagonal, np.nan_to_num, np.require, np.real_if_close,
    getattr(np, "unstack", np.split),
    np.lib.stride_tricks.sliding_window_view,
    np.ndarray.reshape, np.ndarray.ravel, np.ndarray.transpose, np.ndarray.swapaxes, np.ndarray.squeeze,
    np.ndarray.diagonal, np.ndarray.view, np.ndarray.T, np.ndarray.real, np.ndarray.imag, np.ndarray.flat,
    operator.getitem, np.ndarray.astype,
})  # fmt: skip
_HOLDERS = frozenset({"object", "dict"})
_NEW_LISTS = frozenset({
    pack_list, pack_dict, list, dict, operator.mul, operator.add, zeros_of, sum_of, copy_of, keys_of,
    values_of, with_keys,
})  # fmt: skip
READ_ONLY = frozenset({
    np.broadcast_to, np.diagonal, np.ndarray.diagonal, np.linalg.diagonal, np.broadcast_arrays, np.diag,
})  # fmt: skip
# Helpers of our own whose result is always a new array.
_FRESH = frozenset({
    copy_of, zeros_of, copy.deepcopy, fitted, inverse_gaps, cofactors, minors, minors_cotangent,
})  # fmt: skip
MUTABLE = frozenset({"array", "list", "unknown", "object", "dict", "tuple"})


def sees_memory(instr: Call) -> bool:
    """May the result of this call share memory with one of its arguments?"""
    if not any(out.type.kind in MUTABLE for out in instr.outs) or instr.fn is literal:
        return False
    fn = instr.fn
    if isinstance(fn, Function):
        return False  # its results are its own; what it saves is settled where it is called
    if fn is unpack:
        return True
    if new_list(instr):
        return False  # what its items share is settled where they enter it (`passes/inplace.py`)
    try:
        if fn in _FRESH:
            return False
        if fn in SEES or (getattr(np, "ndarray", None) and fn is getattr(np.ndarray, "mT", object())):
            return True
    except TypeError:
        return True
    if isinstance(fn, np.ufunc) or getattr(fn, "__module__", "") == "_operator":
        return any(a.type.kind in ("list", "tuple", "object") for a in instr.args)
    return not (getattr(fn, "__module__", "") or "").startswith(
        ("numpy", "math", "scipy")
    ) and not isinstance(fn, type(np.ndarray.sum))


def _of_first(fn: Any) -> bool:
    """Is it the first argument alone that the result may be a view of?"""
    return isinstance(fn, Hashable) and fn in SEES and fn is not np.broadcast_arrays


def new_list(instr: Call) -> bool:
    """Is the result a list of its own (its items may be shared)? An item that is a list is not."""
    if instr.fn is pack_object:
        return instr.outs[0].type.is_record
    if instr.outs[0].type.kind not in ("list", "dict") or not isinstance(instr.fn, Hashable):
        return False
    if instr.fn is operator.getitem:
        index = instr.args[1]
        return isinstance(index, Const) and isinstance(index.value, slice) or index.type.kind == "object"
    return instr.fn in _NEW_LISTS


def reach(starts: list[Value], edges: Mapping[Value, list[Value]]) -> set[Value]:
    """Everything that can be reached from the starts, themselves included."""
    found = set(starts)
    stack = list(starts)
    while stack:
        for other in edges.get(stack.pop(), ()):
            if other not in found:
                found.add(other)
                stack.append(other)
    return found


@dataclass(eq=False)
class Liveness:
    """`start[v]`, `end[v]`: the positions where v is written and last read; `loops[v]`: the loops around."""

    start: dict[Value, int] = field(default_factory=dict)
    end: dict[Value, int] = field(default_factory=dict)
    loops: dict[Value, tuple[Any, ...]] = field(default_factory=dict)
    at: dict[Instr, int] = field(default_factory=dict)
    span: dict[Any, tuple[int, int]] = field(default_factory=dict)
    inside: dict[Instr, tuple[Any, ...]] = field(default_factory=dict)
    flows: dict[Value, list[Value]] = field(default_factory=dict)  # b may be (a view, a later version of) a
    items: set[Value] = field(default_factory=set)  # what was read out of a list or a dict
    parts: set[Value] = field(default_factory=set)  # what is inside the caller's containers and objects
    turns: dict[Value, list[Value]] = field(
        default_factory=dict
    )  # a result -> the next turn's parameter
    reads: dict[Value, list[int]] = field(default_factory=dict)
    branches: list[tuple[int, int, list[tuple[int, int]]]] = field(default_factory=list)
    raising: list[tuple[int, int]] = field(default_factory=list)  # branches ending in `raise`

    def stretches(self, value: Value) -> list[tuple[int, int]]:
        """The parts of the text in which the value is held: in a branch, until its last read there."""
        reads = self.reads.get(value, [])
        return (
            self._stretches(self.start[value], reads) if reads else [(self.start[value], self.start[value])]
        )

    def live_after(self, value: Value, position: int) -> bool:
        """Is the value read after this position, on some path that comes by it?"""
        for first, last in self.raising:
            if first <= position <= last:
                return any(position < read <= last for read in self.reads.get(value, ()))
        return any(start <= position < end for start, end in self.stretches(value))

    def _stretches(self, start: int, reads: list[int]) -> list[tuple[int, int]]:
        end = max(reads)
        for begin, finish, sides in self.branches:
            if start <= begin and begin < end < finish:
                found = [(start, begin)]
                for first, last in sides:
                    inner = [p for p in reads if first <= p <= last]
                    if inner:
                        found.extend(self._stretches(first, inner))
                return found
        return [(start, end)]


def liveness(
    region: Region, nested: Mapping[Value, Instr] | None = None, content: bool = False
) -> Liveness:
    """Positions for a whole function. `nested` values are read where their one reader stands.

    With `content`, to ask an array for its form is not to read it.
    """
    walk = _Walk(dict(nested or {}), {p for p in region.params if p.type.kind in _HOLDERS}, content)
    walk.region(region, ())
    walk.settle()
    return walk.live


class _Walk:
    def __init__(self, nested: dict[Value, Instr], holders: set[Value], content: bool) -> None:
        self.nested = nested
        self.content = content
        self.holders = holders  # the caller's containers and objects
        self.live = Liveness()
        self.position = 0
        self.reads: list[tuple[Value, int, tuple[Any, ...]]] = []

    def define(self, value: Value, loops: tuple[Any, ...]) -> None:
        self.live.start[value] = self.position + 1
        self.live.end.setdefault(value, self.position + 1)
        self.live.loops[value] = loops

    def part(self, instr: Call) -> bool:
        """Is this one of the things inside a container or object of the caller's?

        No two of them overlap: where something of the caller's is written, each call is checked for that.
        """
        if instr.fn not in (operator.getitem, getattr) or not isinstance(instr.args[1], Const):
            return False
        if instr.args[0] not in self.holders:
            return False
        self.holders.update(out for out in instr.outs if out.type.kind in _HOLDERS)
        self.live.parts.update(instr.outs)
        return True

    def read(self, atom: Atom, loops: tuple[Any, ...]) -> None:
        if not isinstance(atom, Value):
            return
        if atom in self.nested:
            for inner in self.content_read(self.nested[atom], _everything(self.nested[atom])):
                self.read(inner, loops)
        self.reads.append((atom, self.position, loops))

    def content_read(self, instr: Instr, atoms: Sequence[Atom]) -> Sequence[Atom]:
        """Those of the atoms of which more is asked than their form, where that is the question."""
        form = form_asked(instr) if self.content else None
        return atoms if form is None else [a for k, a in enumerate(atoms) if k != form]

    def flow(self, a: Atom, b: Value) -> None:
        if isinstance(a, Value) and a.type.kind in MUTABLE:
            self.live.flows.setdefault(a, []).append(b)

    def region(self, region: Region, loops: tuple[Any, ...]) -> None:
        for param in region.params:
            self.define(param, loops)
        for instr in region.body:
            self.position += 2
            self.instr(instr, loops)
        self.position += 2
        for result in region.results:
            self.read(result, loops)

    def instr(self, instr: Instr, loops: tuple[Any, ...]) -> None:
        live = self.live
        live.at[instr] = self.position
        live.inside[instr] = loops
        if isinstance(instr, Try):
            self.read(instr.manager, loops)
        elif not any(out in self.nested for out in instr.outs):
            for atom in self.content_read(instr, operands(instr)):
                self.read(atom, loops)
        match instr:
            case Call() if self.part(instr):
                pass
            case Call():
                if sees_memory(instr):
                    reading = instr.fn in (operator.getitem, entry, unpack, getattr)
                    if reading and instr.args[0].type.kind != "array":
                        live.items.update(instr.outs)
                    for arg in instr.args[:1] if _of_first(instr.fn) else instr.args:
                        for out in instr.outs:
                            self.flow(arg, out)
                if isinstance(instr.fn, Function):
                    for k, n in (*instr.fn.writes, *instr.fn.sees):
                        self.flow(instr.args[k], instr.outs[n])
            case Store():
                for out in instr.outs:
                    self.flow(instr.target, out)
            case If():
                begin = self.position
                sides: list[tuple[int, int]] = []
                slot = len(live.branches)
                live.branches.append((0, 0, sides))
                for part in (instr.then, instr.orelse):
                    first = self.position + 1
                    self.region(part, loops)
                    sides.append((first, self.position))
                    last = part.body[-1] if part.body else None
                    if isinstance(last, Call) and last.fn is raise_error:
                        live.raising.append((first, self.position))
                    for result, out in zip(part.results, instr.outs, strict=True):
                        self.flow(result, out)
                self.position += 2
                live.branches[slot] = (begin, self.position, sides)
            case For() | While():
                self.loop(instr, loops)
            case Try():
                self.region(instr.body, loops)
                for result, other, out in zip(
                    instr.body.results, instr.otherwise, instr.outs, strict=False
                ):
                    self.flow(result, out)
                    self.flow(other, out)
                    # Until the body has ended; a store in it that fails leaves its target as it was.
                    if not stores_into(instr.body, result, other):
                        self.read(other, loops)
                self.position += 2
        for out in instr.outs:
            self.define(out, loops)
        if isinstance(instr, (For, While)):
            for memo in instr.outs[len(instr.init) :]:
                live.start[memo] = live.span[instr][0] + 1  # the list is made before the first turn

    def loop(self, instr: For | While, loops: tuple[Any, ...]) -> None:
        begin = self.position
        inner = (*loops, instr)
        items = instr.items if isinstance(instr, For) else ()
        carried = instr.body.params[len(items) :]
        for init, param in zip(instr.init, carried, strict=True):
            self.flow(init, param)
        for item, param in zip(items, instr.body.params, strict=False):
            self.flow(item, param)
        if isinstance(instr, While):
            for init, param in zip(instr.init, instr.cond.params, strict=True):
                self.flow(init, param)
            self.region(instr.cond, inner)
        self.region(instr.body, inner)
        count = len(carried)
        for result, param, out in zip(instr.body.results, carried, instr.outs, strict=False):
            self.flow(result, out)
            if isinstance(result, Value) and result.type.kind in MUTABLE:
                self.live.turns.setdefault(result, []).append(param)
        for init, out in zip(instr.init, instr.outs, strict=False):
            self.flow(init, out)
        for result, out in zip(instr.body.results[count + 1 :], instr.outs[count:], strict=True):
            self.flow(result, out)
        self.position += 2
        self.live.span[instr] = (begin, self.position)
        for item in items:
            self.read(item, loops)  # the items are read until the loop ends

    def settle(self) -> None:
        live = self.live
        for value, position, loops in self.reads:
            home = live.loops.get(value, ())
            if len(loops) > len(home):
                position = live.span[loops[len(home)]][1]
            live.end[value] = max(live.end.get(value, 0), position)
            live.reads.setdefault(value, []).append(position)


def stores_into(body: Region, result: Atom, target: Atom) -> bool:
    """Is `result` the target as stores of this body have changed it?"""
    made = {out: i for i in body.body if isinstance(i, Store) for out in i.outs[:1]}
    while isinstance(result, Value) and result in made and result is not target:
        result = made[result].target
    return result is target and isinstance(target, Value)


def _everything(instr: Instr) -> list[Atom]:
    from_regions: list[Atom] = list(operands(instr))
    if isinstance(instr, If):
        for part in (instr.then, instr.orelse):
            from_regions.extend(part.results)
            for inner in part.body:
                from_regions.extend(values(operands(inner)))
    return from_regions
