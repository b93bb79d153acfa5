"""The adjoint of `if`, `try`, `for` and `while`: an `if` on the same test, a loop over the same turns.

    for x in xs: s = s * x              for x in reversed(...): x_bar = s_bar * s; s_bar = s_bar * x
"""

from __future__ import annotations

import operator
from dataclasses import replace
from functools import partial, reduce
from typing import Any

import numpy as np

from ..analysis.activity import loop_reaching, useful_slots
from ..errors import NoRule
from ..ir.graph import (
    UNBOUND,
    Atom,
    Call,
    Const,
    For,
    If,
    Instr,
    Mirror,
    Region,
    Store,
    Try,
    Turns,
    Value,
    While,
    pack_list,
    pack_slice,
)
from ..ir.types import BOOL, FLOAT, INT, NONE, OBJECT, SCALARS, UNKNOWN, Type, array, element_of, join, number
from ..ir.walk import free, instructions
from ..rules.containers import zeros_of
from .calls import CallSweep
from .cotangents import Cotangent, bar, for_each, mirror


class ControlSweep(CallSweep):
    def branch(self, instr: If) -> None:
        seeds = {k: ct for k, out in enumerate(instr.outs) if (ct := self.cts.take(out)) is not None}
        parts = self._parts(seeds, (instr.then, instr.orelse))
        if parts is not None:
            outs, then, orelse = parts
            self.b.emit(If(outs, instr.test, then, orelse, instr.line, Mirror(instr.key)))

    def alternatives(
        self, test: Atom, seeds: dict[int, Cotangent], then: Region, orelse: Region
    ) -> None:
        parts = self._parts(seeds, (then, orelse))
        if parts is not None:
            self.b.emit(If(parts[0], test, parts[1], parts[2], self.b.line, object()))

    def attempt(self, instr: Try) -> None:
        """The adjoint of a body that completed, or of nothing; in the same floating-point state."""
        seeds = {k: ct for k, out in enumerate(instr.outs) if (ct := self.cts.take(out)) is not None}
        if len(instr.otherwise) in seeds:
            raise NoRule(
                "a number that an exception carries is differentiated",
                instr.line,
                "Keep the number in a variable.",
            )
        if instr.classes and instr.error not in self.certain:
            completed: Atom | None = self.completed.get(instr.error)
            if completed is None:
                completed = self.b.call(operator.is_, instr.error, Const(None), type=BOOL)
            parts = self._parts(seeds, (instr.body, Region((), (), instr.otherwise)))
            if parts is not None:
                outs, then, orelse = parts
                self.b.emit(If(outs, completed, then, orelse, instr.line, Mirror(instr.key)))
            return
        parts = self._parts(seeds, (instr.body,))
        if any(p in self.cts.of for p in instr.body.params):
            raise NoRule(
                "what a manager makes of a number that is differentiated is not known",
                instr.line,
                "Hand the number to the statements inside the `with`.",
            )
        if parts is None:
            return
        outs, then = parts
        manager: Atom = Const(None)
        made = self.b.made_by(instr.manager, np.errstate)
        if made is not None:
            manager = self.b.call(np.errstate, *made.args, kwargs=dict(made.kwargs))
        then = replace(then, params=(Value("state", NONE),) if made is not None else ())
        missing = (Const(UNBOUND),) * len(outs)
        error = Value("error", OBJECT)
        self.b.emit(
            Try(
                (*outs, error), then, missing, (), manager, made is not None, instr.line, Mirror(instr.key)
            )
        )

    def _parts(
        self, seeds: dict[int, Cotangent], regions: tuple[Region, ...]
    ) -> tuple[Any, ...] | None:
        """What the adjoints of regions of which one ran hand on, then those adjoints."""
        before = dict(self.cts.of)
        paths: list[tuple[list[Instr], dict[Value, Cotangent]]] = []
        for part in regions:
            self.cts.of = dict(before)
            if self.open is not None and self.local is not None:
                made = {out for instr in part.body for out in instr.outs}
                self.open |= made
                self.local |= made
            with self.b.region() as body:
                for k, ct in seeds.items():
                    self.cts.add(part.results[k], ct)
                self.region(part)
            inner = {out for i in part.body for out in i.outs}
            paths.append((body, {v: ct for v, ct in self.cts.of.items() if v not in inner}))
        changed = [
            v
            for v in dict.fromkeys(v for _, found in paths for v in found)
            if any(found.get(v) is not before.get(v) for _, found in paths)
        ]
        self.cts.of = before
        if not changed and not any(body for body, _ in paths):
            return None
        outs: list[Value] = []
        results: tuple[list[Atom], ...] = tuple([] for _ in paths)
        for value in changed:
            ends = []
            for (body, found), list_ in zip(paths, results, strict=True):
                outer, self.b.body = self.b.body, body
                ct = found.get(value)
                atom = self.cts.zero(value) if ct is None else self.cts.whole(ct, value)
                self.b.body = outer
                list_.append(atom)
                ends.append(atom)
            sure = [
                a.type for a, (_, found) in zip(ends, paths, strict=True)
                if value in found or value not in self.cts.uncertain
            ]  # fmt: skip
            out = Value(bar(value), reduce(join, sure), named=True)
            if any(a in self.cts.masked for a in ends) or value.type.kind == "array":
                self.cts.masked.add(out)
            if any(isinstance(a, Const) for a in ends):
                self.cts.absent.add(out)
            outs.append(out)
            self.cts.of[value] = out
        parts = (Region((), tuple(body), tuple(r)) for (body, _), r in zip(paths, results, strict=True))
        return (tuple(outs), *parts)

    def loop(self, instr: For | While) -> None:
        items = instr.items if isinstance(instr, For) else ()
        count = len(instr.init)
        params = instr.body.params
        carried = params[len(items) :]
        seeds = {k: ct for k, out in enumerate(instr.outs) if (ct := self.cts.take(out)) is not None}
        wanted = {instr.outs[k] for k in seeds}
        slots = [k for k in useful_slots(instr, wanted) if carried[k] in self.varied]
        inside = loop_reaching(instr, wanted)
        outer_values = [v for v in free(instr.body) if v in self.varied and v in inside]
        for item, param in zip(items, params, strict=False):
            if isinstance(item, Value) and item in self.varied and item not in outer_values:
                if item.type.kind == "array" and param in inside:
                    outer_values.append(item)
        listed = [
            (item, param)
            for item, param in zip(items, params, strict=False)
            if isinstance(item, Value)
            and item in self.varied
            and item.type.kind != "array"
            and param in inside
        ]

        starts = [
            self.cts.whole(seeds[k], instr.outs[k]) if k in seeds else self._nothing_at(instr, carried[k], k)
            for k in slots
        ]
        sums = []
        for value in outer_values:
            known = self.cts.take(value)
            sums.append(self._start(value) if known is None else self.cts.whole(known, value))
        memos = [self.cts.whole(seeds[k], instr.outs[k]) for k in seeds if k >= count]

        types = [self._start_type(s, v) for s, v in zip(starts, (carried[k] for k in slots), strict=True)]
        sum_types = [self._start_type(s, v) for s, v in zip(sums, outer_values, strict=True)]
        for _ in range(6):
            body, adjoint_params, results, kept = self._turn(
                instr, items, slots, outer_values, types, sum_types, listed, seeds, count
            )
            found = [join(t, r.type) for t, r in zip([*types, *sum_types], results, strict=True)]
            if found == [*types, *sum_types]:
                break
            types, sum_types = found[: len(types)], found[len(types) :]
        else:
            types, sum_types = [UNKNOWN] * len(types), [UNKNOWN] * len(sum_types)
            body, adjoint_params, results, kept = self._turn(
                instr, items, slots, outer_values, types, sum_types, listed, seeds, count
            )
        names = [bar(carried[k]) for k in slots] + [bar(v) for v in outer_values]
        outs = tuple(Value(n, t, named=True) for n, t in zip(names, [*types, *sum_types], strict=True))
        for out in outs:
            if out.type.kind not in ("float", "number"):
                self.cts.masked.add(out)
        flipped = isinstance(instr, For) and instr.backwards
        index: tuple[Atom, ...] = (Const(Turns(instr.key, flipped)),)
        region = Region(adjoint_params, tuple(body), (*results, Const(False), *kept))
        lists = tuple(
            Value(bar(v), Type("list", elem=a.type), True) for (v, _), a in zip(listed, kept, strict=True)
        )
        init = (*starts, *sums)
        self.b.emit(
            For(
                (*outs, *lists),
                (*index, *memos),
                init,
                region,
                len(kept),
                True,
                instr.line,
                Mirror(instr.key),
            )
        )
        whole = len(items) == 1 and _constant_false(instr.body.results[count])
        for value, out in zip(outer_values, outs[len(slots) :], strict=True):
            self.cts.of[value] = out
        for (value, _), found_list in zip(listed, lists, strict=True):
            self.cts.add(value, self._in_order(found_list, value, flipped, whole))
        for k, out in zip(slots, outs, strict=False):
            self.cts.add(instr.init[k], out)

    def _nothing_at(self, instr: For | While, param: Value, k: int) -> Atom:
        """The zero cotangent of what a loop carries: of its form, if it is of unknown form and indexed."""
        out = instr.outs[k]
        if out.type.kind == "unknown" and any(map(partial(_indexes, param), instructions(instr.body))):
            return self.b.call(zeros_of, out, name=bar(out), type=UNKNOWN)
        return self.cts.zero(out)

    def _start(self, value: Value) -> Atom:
        """The zero that a loop adds to: indexed, if the value is, so that of an unknown one has its form."""
        if value.type.kind == "unknown":
            return self.b.call(np.zeros_like, value, name=bar(value))
        return self.cts.zero(value)

    def _turn(
        self,
        instr: For | While,
        items: tuple[Atom, ...],
        slots: list[int],
        outer_values: list[Value],
        types: list[Type],
        sum_types: list[Type],
        listed: list[tuple[Value, Value]],
        seeds: dict[int, Cotangent],
        count: int,
    ) -> tuple[list[Instr], tuple[Value, ...], list[Atom], list[Atom]]:
        """The adjoint of one turn, for the given facts of what it carries."""
        carried = instr.body.params[len(items) :]
        index = Value("k", INT, named=False)
        memo_params = [
            Value(f"{instr.outs[k].name}_bar", _item_type(instr.body.results[k + 1]))
            for k in seeds
            if k >= count
        ]
        ct_params = [Value(bar(carried[k]), t, named=True) for k, t in zip(slots, types, strict=True)]
        sum_params = [Value(bar(v), t, named=True) for v, t in zip(outer_values, sum_types, strict=True)]
        for param in (*ct_params, *sum_params):
            if param.type.kind not in ("float", "number"):
                self.cts.masked.add(param)
        outer, self.cts.of = self.cts.of, dict(zip(outer_values, sum_params, strict=True))
        around = self.open, self.local
        self.local = {out for part in instr.body.body for out in part.outs}
        self.open = {*outer_values, *instr.body.params, *self.local}
        with self.b.region() as body:
            for k, param in zip(slots, ct_params, strict=True):
                self.cts.add(instr.body.results[k], param)
            for k, param in zip([k for k in seeds if k >= count], memo_params, strict=True):
                self.cts.add(instr.body.results[k + 1], param)
            self.region(instr.body)
            results = []
            for k, param in zip(slots, ct_params, strict=True):
                ct = self.cts.take(carried[k])
                value = carried[k]
                results.append(self._absent(param, value) if ct is None else self.cts.whole(ct, value))
            kept = []
            for _, param in listed:
                ct = self.cts.take(param)
                kept.append(_nothing(self, param) if ct is None else self.cts.whole(ct, param))
            for item, param in zip(items, instr.body.params, strict=False):
                ct = self.cts.take(param)
                if ct is not None and isinstance(item, Value):
                    self.scatter(item, index, self.cts.whole(ct, param), param.type)
            for value in outer_values:
                ct = self.cts.take(value)
                assert ct is not None
                results.append(self.cts.whole(ct, value))
        self.cts.of, (self.open, self.local) = outer, around
        return body, (index, *memo_params, *ct_params, *sum_params), results, kept

    def _absent(self, param: Value, value: Value) -> Atom:
        """What a turn hands back where nothing flows back: zeros of the form that the next turn hands on."""
        if param.type.kind != "array" and value.type.kind == "array":
            return self.cts.zero(value)
        if value.type.kind in ("object", "tuple") and value.type.items:
            return self.cts.zero(value)
        if value.type.kind in ("list", "dict"):
            unbound = value.type.maybe_unbound or value in self.cts.uncertain
            return self.b.call(zeros_of, param, type=param.type) if unbound else self.cts.zero(value)
        return self.b.call(np.zeros_like, param) if param.type.kind == "array" else Const(0.0)

    def _in_order(self, found: Value, value: Value, flipped: bool, whole: bool) -> Atom:
        """The cotangents of a list's items, collected last turn first, in the list's own order and length.

        A loop that was left ran over the first of them: over the last, if it is `flipped`.
        """
        ordered: Atom = found
        if not flipped:
            ordered = self.b.call(operator.getitem, found, Const(slice(None, None, -1)), type=found.type)
        if not whole:
            missing = self.b.call(operator.sub, self.b.call(len, value), self.b.call(len, ordered))
            elem = element_of(value.type)
            if elem.items is not None and not elem.is_record and not _holds_containers(elem):
                one = self.b.call(pack_list, self.b.call(pack_list, *(Const(0.0) for _ in elem.items)))
                zeros = self.b.call(operator.mul, one, missing, type=Type("list", elem=Type()))
                both = (zeros, ordered) if flipped else (ordered, zeros)
                return self.b.call(operator.add, *both, type=Type("list", elem=Type()))
            if elem.kind in SCALARS:
                one = self.b.call(pack_list, Const(0.0))
                zeros = self.b.call(operator.mul, one, missing, type=found.type)
            else:
                ran = self.b.call(len, ordered)
                bounds = (Const(None), missing) if flipped else (ran, Const(None))
                rest = self.b.call(operator.getitem, value, self.b.call(pack_slice, *bounds), type=value.type)
                if elem.is_record:
                    zeros = for_each(self.b, rest, self.cts.zero, bar(value))
                else:
                    zeros = self.b.call(zeros_of, rest, type=found.type)
            both = (zeros, ordered) if flipped else (ordered, zeros)
            ordered = self.b.call(operator.add, *both, type=found.type)
        return ordered

    @staticmethod
    def _start_type(start: Atom, value: Value) -> Type:
        if isinstance(start, Const):
            return FLOAT
        if value.type.kind == "array" and start.type.kind == "array":
            return array(start.type.dtype, start.type.shape)
        return start.type

def _indexes(value: Value, instr: Instr) -> bool:
    """Does this read or write a part of the value?"""
    if isinstance(instr, Store):
        return instr.target is value
    return isinstance(instr, Call) and instr.fn is operator.getitem and instr.args[0] is value


def _constant_false(atom: Atom) -> bool:
    return isinstance(atom, Const) and atom.value is False


def _item_type(saved: Atom) -> Type:
    """What is known of the cotangent of a saved value: an absent one is the number 0.0."""
    if saved.type.kind in ("float", "number") and saved.type.is_real:
        return number(np.dtype(np.float64))
    if saved.type.is_record and saved.type.items is not None:
        told = (t.kind in ("list", "dict") or t.is_record for t in saved.type.items)
        parts = zip(told, saved.type.items, strict=True)
        return Type("list", items=tuple(mirror(t) if on else UNKNOWN for on, t in parts))
    if saved.type.kind == "tuple" and saved.type.items is not None:  # one for each part, absent or not
        return Type("list", elem=UNKNOWN)
    return mirror(saved.type) if saved.type.kind in ("dict", "list") else UNKNOWN


def _nothing(sweep: ControlSweep, item: Value) -> Atom:
    """The zero cotangent of an item of a list."""
    if item.type.kind in ("list", "dict", "array") or item.type.is_record:
        return sweep.cts.zero(item)
    if _holds_containers(item.type):
        return sweep.b.call(zeros_of, item, type=UNKNOWN)
    return _plain_nothing(sweep, item.type)


def _holds_containers(known: Type) -> bool:
    """Is this a tuple in which there are lists or dicts, each with cotangents of its own form?"""
    items = known.items or ()
    return known.kind == "tuple" and any(i.kind in ("list", "dict") or _holds_containers(i) for i in items)


def _plain_nothing(sweep: ControlSweep, known: Type) -> Atom:
    if known.kind == "tuple" and known.items is not None:
        return sweep.b.call(pack_list, *(_plain_nothing(sweep, item) for item in known.items))
    return Const(0.0)
