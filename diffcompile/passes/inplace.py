"""Make every store safe to run in place: what is still read of the old content is copied before it is lost.

    y = np.exp(x)                       y = np.exp(x)
    y *= 2.0             ->             y_1 = y.copy();  y_1 *= 2.0        (the adjoint of exp reads y)

Before: stores are functional updates. After: every store may change its target's memory; nothing that another
value still shows is lost, nothing that belongs to the caller is changed except as the caller's own function
does.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from ..analysis.liveness import MUTABLE, READ_ONLY, Liveness, liveness, new_list, reach
from ..ir.graph import (
    Atom,
    Call,
    For,
    Function,
    Graph,
    If,
    Instr,
    Region,
    Store,
    Try,
    Value,
    While,
    pack_list,
    pack_tuple,
    unpack,
)
from ..ir.walk import instructions, map_regions, regions, resolve, substitute_in, swap, with_regions
from ..rules.containers import sum_of, zeros_of


def inplace(graph: Graph) -> Graph:
    """The graph in which all stores can run in place."""
    region = _guard_captures(graph.region)
    for _ in range(200):
        live = liveness(region)
        step = _conflict(region, live)
        if step is None:
            return replace(graph, region=region)
        region = step
    raise AssertionError("the copies that make the stores safe do not settle")


def _conflict(region: Region, live: Liveness) -> Region | None:
    """Mend the first store that would destroy something; None if there is none."""
    back: dict[Value, list[Value]] = {}
    for a, outs in live.flows.items():
        for b in outs:
            back.setdefault(b, []).append(a)
    foreign = _foreign(region)
    for store in instructions(region):
        if not isinstance(store, Store):
            continue
        target, out = store.target, store.outs[0]
        if not isinstance(target, Value):
            return _copy_target(region, store)
        mine = store.visible
        sources = reach([target], back)
        if not mine and sources & foreign:
            return _copy_target(region, store)
        if target.type.kind in ("list", "dict"):
            # Another item takes the place of one: the items themselves stay as they are.
            whole = reach([target], {b: [] if b in live.items else a for b, a in back.items()})
            ahead = {a: [b for b in outs if b not in live.items] for a, outs in live.flows.items()}
            family = reach(list(whole), ahead)
        else:
            family = reach(list(sources), live.flows)
        later = reach([out], live.flows)
        position = live.at[store]
        for value in sorted(family - later - {out}, key=lambda v: live.start.get(v, 0)):
            if not live.live_after(value, position) or _holds(value, target):
                continue
            same_place = live.loops.get(value) == live.inside[store]
            if same_place and not mine:
                return _copy_target(region, store)
            return _copy_value(region, value, sources)
        if live.loops.get(target) != live.inside[store] and target not in live.inside[store]:
            if not _own_param(target, live, store):
                return _copy_target(region, store)
    return None


def _holds(value: Value, target: Value) -> bool:
    """Is this a container or an object that the target is a part of, and which is itself not written?"""
    if value.type.kind in ("object", "dict", "tuple"):
        return True
    return value.type.kind == "list" != target.type.kind


def _own_param(target: Value, live: Liveness, store: Store) -> bool:
    """Is the target made in the loop turn in which it is written?"""
    return live.loops.get(target, ()) == live.inside[store]


def _foreign(region: Region) -> set[Value]:
    """Values whose memory is not ours to write: the caller's, items of containers, read-only views."""
    found = set(region.params)
    for instr in instructions(region):
        if isinstance(instr, For):
            found.update(instr.body.params[: len(instr.items)])
        elif isinstance(instr, Call) and not isinstance(instr.fn, Function) and _gives_foreign(instr):
            found.update(instr.outs)
    return found


_JOINING = frozenset({list, dict, zeros_of, sum_of, np.array, np.asarray, np.stack, np.concatenate})


def _gives_foreign(instr: Call) -> bool:
    if not _hashable(instr.fn) or instr.fn in READ_ONLY or instr.fn is unpack:
        return True
    container = bool(instr.args) and instr.args[0].type.kind in ("list", "tuple", "dict", "object")
    kept = not instr.outs or new_list(instr) or instr.fn in _JOINING
    return container and not kept


def _hashable(fn: Any) -> bool:
    try:
        hash(fn)
    except TypeError:
        return False
    return True


def _copier(value: Atom) -> Any:
    return {"list": list, "dict": dict}.get(value.type.kind, np.copy)


def _copy_target(region: Region, store: Store) -> Region:
    """`store` works on a copy of its target."""
    target = store.target
    name = target.name if isinstance(target, Value) else "buffer"
    fresh = Value(name, target.type, isinstance(target, Value) and target.named)
    copy = Call((fresh,), _copier(target), (target,), (), store.line)
    return _replace_instr(region, store, (copy, replace(store, target=fresh)))


def _replace_instr(region: Region, old: Instr, new: tuple[Instr, ...]) -> Region:
    body: list[Instr] = []
    for instr in region.body:
        if instr is old:
            body.extend(new)
        else:
            body.append(map_regions(lambda part: _replace_instr(part, old, new), instr))
    return replace(region, body=tuple(body))


def _copy_value(region: Region, value: Value, sources: set[Value]) -> Region:
    """Whoever reads `value`, except on the way to the store, reads a copy made where it was written."""
    fresh = Value(value.name, value.type, value.named)
    table: dict[Value, Atom] = {value: fresh}
    copy = Call((fresh,), _copier(value), (value,))

    def visit(part: Region, onward: tuple[bool, ...]) -> Region:
        body: list[Instr] = []
        if value in part.params:
            body.append(copy)
        for instr in part.body:
            kept = any(out in sources for out in instr.outs) or _feeds(instr, value, sources)
            owned = regions(instr)
            if owned:
                instr = with_regions(instr, tuple(visit(r, _onward(instr, r, sources)) for r in owned))
            body.append(_shallow(instr, table) if not kept else _keep_flow(instr, value, table))
            if value in instr.outs:
                body.append(copy)
        results = tuple(
            atom if on and atom is value else resolve(atom, table)
            for atom, on in zip(part.results, onward, strict=True)
        )
        return Region(part.params, tuple(body), results)

    return visit(region, (False,) * len(region.results))


def _onward(instr: Instr, part: Region, sources: set[Value]) -> tuple[bool, ...]:
    """Which results of a region are handed on to the store."""
    if isinstance(instr, If):
        return tuple(out in sources for out in instr.outs)
    if isinstance(instr, Try):
        return tuple(out in sources for out in instr.outs[:-1])
    if isinstance(instr, (For, While)) and part is instr.body:
        items = len(instr.items) if isinstance(instr, For) else 0
        params = part.params[items:]
        on = [p in sources or o in sources for p, o in zip(params, instr.outs, strict=False)]
        return (*on, *(False for _ in part.results[len(on) :]))
    return tuple(False for _ in part.results)


def _feeds(instr: Instr, value: Value, sources: set[Value]) -> bool:
    """Does a loop hand `value` on to the store as its initial value?"""
    if isinstance(instr, (For, While)):
        items = len(instr.items) if isinstance(instr, For) else 0
        pairs = zip(instr.init, instr.body.params[items:], strict=True)
        return any(a is value and p in sources for a, p in pairs)
    return isinstance(instr, Store) and instr.target is value and instr.outs[0] in sources or (
        isinstance(instr, Store) and instr.target is value
    )


def _keep_flow(instr: Instr, value: Value, table: dict[Value, Atom]) -> Instr:
    """Substitute, but leave the operand through which the memory flows."""
    if isinstance(instr, Store):
        args = swap(instr.args, table)
        target = instr.target if instr.target is value else resolve(instr.target, table)
        return replace(instr, args=args, target=target)
    if isinstance(instr, For):
        return replace(instr, items=swap(instr.items, table))
    if isinstance(instr, Try):
        return replace(instr, manager=resolve(instr.manager, table))
    return instr


def _shallow(instr: Instr, table: dict[Value, Atom]) -> Instr:
    """Substitute in the instruction's own operands; its regions have been seen to."""
    match instr:
        case If():
            return replace(instr, test=resolve(instr.test, table))
        case For():
            return replace(instr, items=swap(instr.items, table), init=swap(instr.init, table))
        case While():
            return replace(instr, init=swap(instr.init, table))
        case Try():
            return replace(
                instr, manager=resolve(instr.manager, table), otherwise=swap(instr.otherwise, table)
            )
    return substitute_in(instr, table)


def _guard_captures(region: Region) -> Region:
    """What a loop saves, or a container keeps, is copied if its memory is written later on."""
    live = liveness(region)
    ahead: dict[Value, list[Value]] = {}
    back: dict[Value, list[Value]] = {}
    for edges in (live.flows, live.turns):
        for a, outs in edges.items():
            for b in outs:
                ahead.setdefault(a, []).append(b)
                back.setdefault(b, []).append(a)
    targets: dict[Value, list[Store]] = {}
    for instr in instructions(region):
        if isinstance(instr, Store) and isinstance(instr.target, Value):
            targets.setdefault(instr.target, []).append(instr)

    def written_later(atom: Atom, position: int, loops: tuple[Any, ...]) -> bool:
        if not isinstance(atom, Value) or atom.type.kind not in MUTABLE - {"tuple", "object"}:
            return False
        family = reach(list(reach([atom], back)), ahead)
        for member in family:
            for store in targets.get(member, ()):
                if live.at[store] > position or set(loops) & set(live.inside[store]):
                    return True
        return False

    def visit(part: Region) -> Region:
        body: list[Instr] = []
        for instr in part.body:
            if isinstance(instr, Call) and instr.fn in (pack_tuple, pack_list):
                instr = guarded(instr, instr.args, body)
            elif isinstance(instr, Store) and instr.target.type.kind in ("list", "dict") and instr.args:
                args = list(instr.args)
                if written_later(args[-1], live.at[instr], live.inside[instr]):
                    args[-1] = copied(args[-1], body, instr)
                    instr = replace(instr, args=tuple(args))
            elif isinstance(instr, (For, While)):
                instr = loop(instr)
            elif isinstance(instr, Call) and isinstance(instr.fn, Function):
                body.extend(called(instr, body))
                continue
            body.append(map_regions(visit, instr) if not isinstance(instr, Call) else instr)
        return replace(part, body=tuple(body))

    def guarded(instr: Call, args: tuple[Atom, ...], body: list[Instr]) -> Call:
        position, loops = live.at[instr], live.inside[instr]
        kept = tuple(copied(a, body, instr) if written_later(a, position, loops) else a for a in args)
        return replace(instr, args=kept)

    def called(instr: Call, body: list[Instr]) -> list[Instr]:
        """What a forward function was given and what it returned may be kept in what it saved."""
        if len(instr.outs) < 2:
            return [instr]
        position, loops = live.at[instr], live.inside[instr]
        given = guarded(instr, instr.args, body)
        outs = list(instr.outs)
        copies: list[Instr] = []
        for k, out in enumerate(outs):
            if written_later(out, position, loops):
                outs[k] = Value(out.name, out.type, out.named)
                copies.append(Call((out,), _copier(out), (outs[k],), (), instr.line))
        return [replace(given, outs=tuple(outs)), *copies]

    def copied(atom: Atom, body: list[Instr], instr: Instr) -> Value:
        assert isinstance(atom, Value)
        fresh = Value(atom.name, atom.type, atom.named)
        body.append(Call((fresh,), _copier(atom), (atom,), (), instr.line))
        return fresh

    def loop(instr: For | While) -> Instr:
        count = len(instr.init)
        body = list(instr.body.body)
        results = list(instr.body.results)
        inner = (*live.inside[instr], instr)
        for k in range(count + 1, len(results)):
            if written_later(results[k], live.span[instr][1], inner):
                results[k] = copied(results[k], body, instr)
        return replace(instr, body=replace(instr.body, body=tuple(body), results=tuple(results)))

    return visit(region)

