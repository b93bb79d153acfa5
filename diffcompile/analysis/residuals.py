"""Decide what the forward pass must save, and let every read of the backward pass reach what it reads.

A value is saved only if the backward pass reads it *and* it is gone by then. Straight-line values are never
gone; values made inside a loop are, at the next turn; values made inside a branch are out of sight.

    for t in range(n):            with respect to h
        s = k * h                 h is not saved: the adjoint of this line reads only k
        h = h + np.sin(s)         s is saved: the adjoint of this line reads np.cos(s)

Before: the reverse sweep's program, whose adjoint loops and branches read forward values across regions.
After: a valid graph; each forward loop yields its residuals as saves and each adjoint loop runs over them,
last turn first. A value that costs little (arithmetic, a comparison, a load from an array that is not
overwritten) is computed again where what it needs is at hand anyway. This is the to-be-recorded analysis of
Hascoët, Naumann and Pascual (2005); there is no checkpointing across turns.
"""

from __future__ import annotations

import builtins
import itertools
import math
import operator
from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from ..analysis.effects import touched
from ..ir.graph import (
    UNBOUND,
    Atom,
    Call,
    Const,
    For,
    Graph,
    If,
    Instr,
    Mirror,
    Region,
    Try,
    Turns,
    Value,
    While,
    literal,
    pack_slice,
    pack_tuple,
    unpack,
)
from ..ir.types import INT, RANGE, Type
from ..ir.walk import (
    changes,
    free,
    instructions,
    operands,
    reads,
    regions,
    same_atom,
    substitute,
    substitute_in,
    values,
)
from ..rules.containers import copy_of

CHEAP = frozenset({
    operator.add, operator.sub, operator.mul, operator.neg, operator.pos, operator.truediv, operator.getitem,
    operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne, operator.not_,
    operator.and_, operator.or_, operator.invert, operator.mod, operator.floordiv, operator.is_,
    operator.is_not, np.add, np.subtract, np.multiply, np.divide, np.negative, np.sign, np.square,
    builtins.abs, operator.abs, np.abs, np.ndarray.T, np.transpose, np.ndarray.flat, np.ravel, np.reshape,
    np.ndarray.ravel, np.ndarray.reshape, np.ndarray.transpose, np.ndarray.shape, np.shape, pack_tuple,
    pack_slice, np.expand_dims, builtins.len, literal, np.greater, np.less, np.greater_equal, np.less_equal,
    np.equal, np.not_equal, math.fabs, builtins.int, builtins.float, np.ndarray.size, range,
})  # fmt: skip


def close(graph: Graph) -> Graph:
    """The graph in which every value is read where it can be."""
    stored = {target for i in instructions(graph.region) for target, _ in changes(i)}
    stored |= touched(graph.region)
    closing = _Closing(stored)
    region, _ = closing.region(graph.region, graph.region)
    return replace(graph, region=filled(substitute(region, closing.spliced)))


def filled(region: Region, copied: Iterable[Value] = ()) -> Region:
    """A value that is saved, or copied, though no branch may have made it is None there: that reads it."""
    saved: set[Value] = set(copied)
    _saved(region, saved, _uncertain(region))
    return _filled(region, saved) if saved else region


def _uncertain(region: Region) -> set[Value]:
    """What a `try` hands out only where its body completed."""
    found: set[Value] = set()
    for instr in instructions(region):
        if isinstance(instr, Try) and instr.classes:
            pairs = zip(instr.outs, instr.otherwise, strict=False)
            found.update(o for o, a in pairs if isinstance(a, Const) and a.value is UNBOUND)
    return found


def _saved(region: Region, found: set[Value], uncertain: set[Value]) -> None:
    """The values that are saved, and those that they come from by way of branches and loops."""
    for instr in reversed(region.body):
        match instr:
            case Call() if instr.fn is pack_tuple:
                found.update(v for v in values(instr.args) if v.type.maybe_unbound or v in uncertain)
            case Call() if instr.fn in (np.copy, copy_of) and instr.outs[0] in found:
                found.update(values(instr.args))
            case If():
                for part in (instr.then, instr.orelse):
                    found.update(
                        values(r for o, r in zip(instr.outs, part.results, strict=True) if o in found)
                    )
                    _saved(part, found, uncertain)
            case Try():
                kept = {o for o in instr.outs[:-1] if o in found}
                for o, a, b in zip(instr.outs, instr.body.results, instr.otherwise, strict=False):
                    if o in kept:
                        found.update(values((a, b)))
                _saved(instr.body, found, uncertain)
            case For() | While():
                count = len(instr.init)
                kept_turns = values(instr.body.results[count + 1 :])
                found.update(v for v in kept_turns if v.type.maybe_unbound or v in uncertain)
                items = len(instr.items) if isinstance(instr, For) else 0
                for _ in range(2):
                    for k, (out, param) in enumerate(
                        zip(instr.outs, instr.body.params[items:], strict=False)
                    ):
                        if k < count and (out in found or param in found):
                            found.update(values((instr.body.results[k], instr.init[k], param, out)))
                    _saved(instr.body, found, uncertain)


def _filled(region: Region, saved: set[Value]) -> Region:
    none = Const(None)

    def fill(atoms: tuple[Atom, ...], wanted: list[bool]) -> tuple[Atom, ...]:
        return tuple(
            none if on and isinstance(a, Const) and a.value is UNBOUND else a
            for a, on in zip(atoms, wanted, strict=True)
        )

    body: list[Instr] = []
    for instr in region.body:
        match instr:
            case If():
                on = [o in saved for o in instr.outs]
                then, orelse = (_filled(p, saved) for p in (instr.then, instr.orelse))
                instr = replace(
                    instr,
                    then=replace(then, results=fill(then.results, on)),
                    orelse=replace(orelse, results=fill(orelse.results, on)),
                )
            case Try():
                on = [o in saved for o in instr.outs[:-1]]
                instr = replace(
                    instr, otherwise=fill(instr.otherwise, on), body=_filled(instr.body, saved)
                )
            case For() | While():
                items = len(instr.items) if isinstance(instr, For) else 0
                on = [p in saved for p in instr.body.params[items:]]
                instr = replace(instr, init=fill(instr.init, on), body=_filled(instr.body, saved))
        body.append(instr)
    return replace(region, body=tuple(body))


class _Closing:
    def __init__(self, stored: set[Atom]) -> None:
        self.stored = stored
        self.aliases: set[Value] = set()
        self.spliced: dict[Value, Atom] = {}  # what a block that needs no owner handed on

    def region(self, forward: Region, backward: Region) -> tuple[Region, Region]:
        """Close every pair of a forward instruction in `forward` and its mirror in `backward`."""
        same = forward is backward
        mirrors = {
            i.key.of: i
            for i in backward.body
            if isinstance(i, (If, For, While, Try)) and isinstance(i.key, Mirror)
        }
        fwd: dict[Instr, tuple[Instr, ...]] = {}
        back: dict[Instr, tuple[Instr, ...]] = {}
        # A rule that is differentiated in place of a call puts both halves of a loop in the backward region.
        for instr in forward.body if same else (*forward.body, *backward.body):
            key = getattr(instr, "key", None)
            mirror = mirrors.get(key) if key is not None else None
            if mirror is None:
                continue
            if isinstance(instr, If):
                assert isinstance(mirror, If)
                fwd[instr], back[mirror] = self.branch(instr, mirror)
            elif isinstance(instr, Try):
                assert isinstance(mirror, (If, Try))
                fwd[instr], back[mirror] = self.attempt(instr, mirror)
            elif isinstance(instr, (For, While)):
                assert isinstance(mirror, For)
                fwd[instr], back[mirror] = self.loop(instr, mirror)

        def rebuilt(region: Region, table: dict[Instr, tuple[Instr, ...]]) -> Region:
            body = itertools.chain.from_iterable(table.get(i, (i,)) for i in region.body)
            return replace(region, body=tuple(body))

        if same:
            both = rebuilt(forward, {**fwd, **back})
            return both, both
        return rebuilt(forward, fwd), rebuilt(backward, {**fwd, **back})

    # -- branches -------------------------------------------------------------------------------------------

    def branch(self, instr: If, mirror: If) -> tuple[tuple[Instr, ...], tuple[Instr, ...]]:
        parts = []
        exported: list[tuple[int, Value]] = []
        mirrored = []
        for side, (ahead, behind) in enumerate(((instr.then, mirror.then), (instr.orelse, mirror.orelse))):
            ahead, behind = narrowed(*self.region(ahead, behind))
            defined = _defined(ahead)
            behind, needed = self.recompute(ahead, behind, defined, set())
            exported.extend((side, v) for v in needed)
            parts.append(ahead)
            mirrored.append(behind)
        outs: list[Value] = []
        table: dict[Value, Atom] = {}
        results: tuple[list[Atom], list[Atom]] = ([], [])
        for side, value in exported:
            known = _result_of(instr, side, value)
            if known is not None:
                table[value] = known
                continue
            out = Value(value.name, replace(value.type, maybe_unbound=True), value.named)
            outs.append(out)
            results[side].append(value)
            results[1 - side].append(Const(UNBOUND))
            table[value] = out
        then, orelse = (
            replace(part, results=(*part.results, *more)) for part, more in zip(parts, results, strict=True)
        )
        grown = replace(instr, outs=(*instr.outs, *outs), then=then, orelse=orelse)
        closed = replace(
            mirror, key=None, then=substitute(mirrored[0], table), orelse=substitute(mirrored[1], table)
        )
        return (grown,), (closed,)

    def attempt(self, instr: Try, mirror: If | Try) -> tuple[tuple[Instr, ...], tuple[Instr, ...]]:
        """What the adjoint reads of a body that completed is handed out of it."""
        behind = mirror.then if isinstance(mirror, If) else mirror.body
        ahead, behind = narrowed(*self.region(instr.body, behind))
        behind, needed = self.recompute(ahead, behind, _defined(ahead), set())
        results, outs = list(ahead.results), list(instr.outs[:-1])
        table: dict[Value, Atom] = {}
        for value in needed:
            if value in results:
                table[value] = outs[results.index(value)]
                continue
            sure = not instr.classes or isinstance(mirror, Try)
            known = value.type if sure else replace(value.type, maybe_unbound=True)
            table[value] = out = Value(value.name, known, value.named)
            outs.append(out)
            results.append(value)
        missing = (Const(UNBOUND),) * (len(outs) - len(instr.otherwise))
        grown = replace(
            instr,
            outs=(*outs, instr.error),
            otherwise=(*instr.otherwise, *missing),
            body=replace(ahead, results=tuple(results)),
        )
        behind = substitute(behind, table)
        if isinstance(mirror, If):
            return (grown,), (replace(mirror, key=None, then=behind),)
        if mirror.silent:
            return (grown,), (replace(mirror, key=None, body=behind),)
        self.spliced.update(zip(mirror.outs, behind.results, strict=False))
        return (grown,), behind.body

    # -- loops ----------------------------------------------------------------------------------------------

    def loop(self, instr: For | While, mirror: For) -> tuple[tuple[Instr, ...], tuple[Instr, ...]]:
        ahead, behind = narrowed(*self.region(instr.body, mirror.body))
        leave = ahead.results[len(instr.init)]
        early = not (isinstance(leave, Const) and leave.value is False)
        again = {} if early else self._iterated(instr)
        defined = _defined(ahead)
        behind, needed = self.recompute(ahead, behind, defined, set(again))
        saved = [v for v in needed if v not in again]
        iterated = [v for v in needed if v in again]

        prefix: list[Instr] = []
        items: list[Atom] = []
        params: list[Value] = []
        table: dict[Value, Atom] = {}
        numbers, *memo_params = behind.params[: len(mirror.items)]
        memos = list(mirror.items[1:])
        rest = behind.params[len(mirror.items) :]
        numbered = numbers in free(replace(behind, params=()))
        turns = mirror.items[0]
        assert isinstance(turns, Const) and isinstance(turns.value, Turns)
        for value in iterated:
            param = Value(value.name, value.type, value.named)
            source = again[value]
            if isinstance(instr, For) and instr.backwards:
                source = _emit(prefix, operator.getitem, (source, _BACK), source.type, instr)
            items.append(source)
            params.append(param)
            table[value] = param
        grown: For | While = instr
        outs: list[Value] = list(instr.outs)
        if saved:
            if len(saved) == 1:
                kept: Atom = saved[0]
                extra: tuple[Instr, ...] = ()
                memo_item = Value(saved[0].name, saved[0].type, saved[0].named)
                table[saved[0]] = memo_item
                unpacked: tuple[Instr, ...] = ()
            else:
                packed = Value("turn", Type("tuple", items=tuple(v.type for v in saved)))
                extra = (Call((packed,), pack_tuple, tuple(saved), (), instr.line),)
                kept = packed
                memo_item = Value("turn", packed.type)
                fresh = tuple(Value(v.name, v.type, v.named) for v in saved)
                table.update(zip(saved, fresh, strict=True))
                unpacked = (Call(fresh, unpack, (memo_item, Const(len(saved))), (), instr.line),)
            names = Value("saved", Type("list", elem=kept.type), True)
            ahead = replace(ahead, body=(*ahead.body, *extra), results=(*ahead.results, kept))
            outs.append(names)
            items.append(names)
            params.append(memo_item)
            behind = replace(behind, body=(*unpacked, *behind.body))
        length: Atom | None = None
        told = items or (memos if mirror.backwards or not (early or self._uneven(instr)) else [])
        if numbered or not told:
            length, ahead, grown, outs = self._turn_count(
                instr, ahead, outs, items, memos if mirror.backwards else [], early, prefix, bool(saved)
            )
            bounds: tuple[Atom, ...] = (length,)
            if early and turns.value.flipped:  # what was run over are the last
                size = _emit(prefix, len, (instr.items[0],), INT, instr)  # type: ignore[union-attr]
                bounds = (_emit(prefix, operator.sub, (size, length), INT, instr), size)
            source = _emit(prefix, range, bounds, RANGE, instr)
            if turns.value.flipped:
                source = _emit(prefix, operator.getitem, (source, _BACK), RANGE, instr)
            items.insert(0, source)
            params.insert(0, numbers)
        grown = replace(grown, body=ahead, outs=tuple(outs), saves=instr.saves + bool(saved))
        behind = substitute(behind, table)
        closed = replace(
            mirror,
            key=None,
            items=(*items, *memos),
            body=replace(behind, params=(*params, *memo_params, *rest)),
        )
        return (grown,), (*prefix, closed)

    @staticmethod
    def _uneven(instr: For | While) -> bool:
        """May one of the things that are run over be longer than another?"""
        return not isinstance(instr, For) or sum(not _endless(a) for a in instr.items) != 1

    def _iterated(self, instr: For | While) -> dict[Value, Atom]:
        """The item values that the adjoint loop can have by running over the same items again."""
        if not isinstance(instr, For):
            return {}
        found: dict[Value, Atom] = {}
        sources = [a for a in instr.items if not _endless(a)]
        if len(sources) == 1:
            for item, param in zip(instr.items, instr.body.params, strict=False):
                if (
                    not _endless(item)
                    and not self._overwritten(item)
                    and item.type.kind in ("range", "array", "list", "tuple")
                ):
                    found[param] = item
        return found

    def _turn_count(
        self, instr: For | While, ahead: Region, outs: list[Value], items: list[Atom], memos: list[Atom],
        early: bool, prefix: list[Instr], saved: bool,
    ) -> tuple[Atom, Region, For | While, list[Value]]:  # fmt: skip
        """How many turns the forward loop ran: the length of what it saved or ran over, or its own count."""
        if saved or (items and not early) or memos:
            known = items[-1] if items else memos[0]
            return _emit(prefix, len, (known,), INT, instr), ahead, instr, outs
        if isinstance(instr, For) and not early:
            lengths = [a for a in instr.items if not _endless(a)]
            if len(lengths) == 1:
                return _emit(prefix, len, (lengths[0],), INT, instr), ahead, instr, outs
        position = len(instr.init)
        param, out, total = (Value("turns", INT, True) for _ in range(3))
        step = Call((total,), operator.add, (param, Const(1)), (), instr.line)
        ahead = replace(
            ahead,
            params=(*ahead.params, param),
            body=(step, *ahead.body),
            results=(*ahead.results[:position], total, *ahead.results[position:]),
        )
        outs = [*outs[:position], out, *outs[position:]]
        grown: For | While = replace(instr, init=(*instr.init, Const(0)))
        if isinstance(grown, While):
            extra = Value("turns", INT, True)
            grown = replace(grown, cond=replace(grown.cond, params=(*grown.cond.params, extra)))
        return out, ahead, grown, outs

    def _overwritten(self, atom: Atom) -> bool:
        return atom in self.stored

    # -- recomputing ----------------------------------------------------------------------------------------

    def recompute(
        self, ahead: Region, behind: Region, defined: dict[Value, Instr | None], at_hand: set[Value]
    ) -> tuple[Region, list[Value]]:
        """Compute cheap values again in `behind` if their operands are at hand; `ahead` hands on the rest."""
        needed = {v: None for v in free(behind) if v in defined}
        chosen: dict[Value, Call] = {}
        while True:
            for value in list(needed):
                if value in at_hand:
                    continue
                plan = self._plan(value, defined, set(needed) - {value} | at_hand, 0)
                if plan is not None:
                    del needed[value]
                    for call in plan:
                        chosen.setdefault(call.outs[0], call)
                        for operand in values(operands(call)):
                            if operand in defined and operand not in chosen and operand not in needed:
                                needed[operand] = None
                    break
            else:
                break
        ordered = [i for i in ahead.body if isinstance(i, Call) and i.outs and i.outs[0] in chosen]
        table: dict[Value, Atom] = {}
        prefix: list[Instr] = []
        for call in ordered:
            fresh = Value(call.outs[0].name, call.outs[0].type, call.outs[0].named)
            prefix.append(replace(substitute_in(call, table), outs=(fresh,)))
            table[call.outs[0]] = fresh
        behind = substitute(behind, table)
        behind = replace(behind, body=(*prefix, *behind.body))
        order = [*ahead.params, *(o for i in ahead.body for o in i.outs)]
        wanted = set(free(behind))
        return behind, [v for v in order if v in wanted and (v in needed or v in defined)]

    def _plan(
        self, value: Value, defined: dict[Value, Instr | None], known: set[Value], depth: int
    ) -> list[Call] | None:
        """The calls that compute `value` from what is known, or None."""
        instr = defined[value]
        if not isinstance(instr, Call) or len(instr.outs) != 1 or depth > 6 or not _cheap(instr):
            return None
        plan: list[Call] = []
        for operand in values(operands(instr)):
            if self._volatile(instr, operand):
                return None
            if operand not in defined or operand in known:
                continue
            part = self._plan(operand, defined, known, depth + 1)
            if part is None:
                return None
            plan.extend(part)
        return [*plan, instr]

    def _volatile(self, instr: Call, operand: Value) -> bool:
        """Is this a read of memory that has been written over by then?"""
        changes = ("array", "list", "unknown", "object", "dict")
        return operand.type.kind in changes and self._overwritten(operand)


_BACK = Const(slice(None, None, -1))


def narrowed(ahead: Region, behind: Region) -> tuple[Region, Region]:
    """What `behind` reads of a list or an object alone is read in `ahead`: the rest of it is not kept.

    rows[i] = x * 2.0        the adjoint asks for the form of the row that was there: that row is kept
    """
    while True:
        made = _defined(ahead)
        known = {*made, *free(ahead)}
        used = {v for i in instructions(behind) for v in reads(i)} | set(values(behind.results))
        idle = [i for i in behind.body if _reads_part(i) and used.isdisjoint(i.outs)]
        behind = replace(behind, body=tuple(i for i in behind.body if i not in idle))
        for whole in free(behind):
            if whole in made and whole.type.kind in ("list", "object"):
                parts = _parts_read(whole, behind, known)
                if parts:
                    ahead, behind = _read_ahead(parts, ahead, behind, made)
                    break
        else:
            return ahead, behind


def _parts_read(whole: Value, behind: Region, known: set[Value]) -> list[Call]:
    """The calls that read a part of this, the same in each turn, if nothing else reads it."""
    top = set(behind.body)
    parts: list[Call] = []
    for instr in instructions(behind):
        if whole in reads(instr):
            if not isinstance(instr, Call) or instr not in top or not _reads_part(instr):
                return []
            if instr.args[0] is not whole or not all(a in known for a in values(instr.args)):
                return []
            parts.append(instr)
    ends = {r for part in (behind, *_inner(behind)) for r in part.results}
    return [] if whole in ends else parts


def _reads_part(instr: Instr) -> bool:
    return isinstance(instr, Call) and instr.fn in (operator.getitem, getattr)


def _inner(region: Region) -> list[Region]:
    return [part for instr in instructions(region) for part in regions(instr)]


def _read_ahead(
    parts: list[Call], ahead: Region, behind: Region, made: dict[Value, Instr | None]
) -> tuple[Region, Region]:
    """The two regions with these calls in the first."""
    body, table = list(ahead.body), dict[Value, Atom]()
    for call in parts:
        same = (i for i in body if isinstance(i, Call) and i.fn is call.fn and _equal(i.args, call.args))
        again = next(same, None)
        if again is None:
            makers = (made.get(a) for a in values(call.args))
            at = max((body.index(m) + 1 for m in makers if m is not None), default=0)
            again = replace(call, outs=tuple(Value(o.name, o.type, o.named) for o in call.outs))
            body.insert(at, again)
        table[call.outs[0]] = again.outs[0]
    rest = tuple(i for i in behind.body if i not in parts)
    return replace(ahead, body=tuple(body)), substitute(replace(behind, body=rest), table)


def _equal(some: tuple[Atom, ...], others: tuple[Atom, ...]) -> bool:
    return len(some) == len(others) and all(map(same_atom, some, others))


def _cheap(instr: Call) -> bool:
    if instr.fn in (operator.is_, operator.is_not) and not any(isinstance(a, Const) for a in instr.args):
        return False  # what was one object may be a copy of it by then
    try:
        return instr.fn in CHEAP
    except TypeError:
        return False


def _emit(prefix: list[Instr], fn: object, args: tuple[Atom, ...], type: Type, instr: Instr) -> Value:
    out = Value(getattr(fn, "__name__", "value") + "_out", type)
    prefix.append(Call((out,), fn, args, (), instr.line))
    return out


def _endless(atom: Atom) -> bool:
    """Is this `itertools.count`, which ends with the others?"""
    return atom.type == Type("range", elem=INT) and isinstance(atom, Value) and atom.name == "count_out"


def _defined(region: Region) -> dict[Value, Instr | None]:
    """The values that a region's own level defines, and by which instruction."""
    found: dict[Value, Instr | None] = dict.fromkeys(region.params)
    for instr in region.body:
        for out in instr.outs:
            found[out] = instr
    return found


def _result_of(instr: If, side: int, value: Value) -> Value | None:
    """The out of the `if` that is this value when that side ran."""
    part = (instr.then, instr.orelse)[side]
    for out, result in zip(instr.outs, part.results, strict=False):
        if result is value:
            return out
    return None

