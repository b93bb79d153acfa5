"""Make every store safe to run in place: what is still read of the old content is copied before it is lost.

    y = np.exp(x)                       y = np.exp(x)
    y *= 2.0             ->             y_1 = y.copy();  y_1 *= 2.0        (the adjoint of exp reads y)

Before: stores are functional updates. After: every store may change its target's memory; nothing that another
value still shows is lost, nothing that belongs to the caller is changed except as the caller's own function
does.
"""

from __future__ import annotations

import bisect
import copy
import itertools
import operator
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from ..analysis.effects import FRESH
from ..analysis.liveness import MUTABLE, READ_ONLY, Liveness, liveness, new_list, reach, sees_memory
from ..errors import NOWHERE, UndecidedAlias
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
    pack_object,
    pack_tuple,
    unpack,
)
from ..ir.types import SCALARS
from ..ir.walk import (
    changes,
    instructions,
    map_regions,
    operands,
    reads,
    regions,
    resolve,
    substitute_in,
    swap,
    values,
    with_regions,
)
from ..rules.containers import copy_of, sum_of, zeros_of
from .items import deep, items_apart, whole_copier, written_inside


def inplace(
    graph: Graph, kept: Collection[Value] = (), shown: Collection[Value] = (),
    lent: Collection[Value] = (),
) -> Graph:  # fmt: skip
    """The graph in which all stores can run in place.

    The containers `kept` are read after it has run, when `shown`, and what sees its memory, has been written.
    The parameters `lent` are only read, by the functions called here, too: tangents of what is the caller's.
    """
    apart, owners = items_apart(graph.region)
    region = _guard_captures(apart, owners, set(kept), shown)
    for _ in range(200):
        live = liveness(region, content=True)
        step = _conflict(region, live, lent)
        if step is None:
            return replace(graph, region=deep(region, apart) if written_inside(region) else region)
        region = step
    raise UndecidedAlias(
        f"which names see what `{graph.name}` writes is more than can be decided",
        graph.line,
        "Copy what is written: `y = x.copy()`.",
    )


def _conflict(region: Region, live: Liveness, lent: Collection[Value]) -> Region | None:
    """Mend the first store that would destroy something; None if there is none."""
    sharing = _Sharing(live)
    foreign = _foreign(region)
    sharing.stain(foreign)
    ours = set(region.params) - set(lent)
    for instr in region.body:  # and what is found in the containers and objects among them
        if isinstance(instr, Call) and _reads_item(instr) and instr.args[0] in ours:
            ours.update(instr.outs)
    views = {
        out
        for instr in instructions(region)
        if isinstance(instr, Call) and sees_memory(instr) and not _reads_item(instr)
        for out in instr.outs
    }
    for instr in instructions(region):
        for target, out in changes(instr):
            step = _mended(region, instr, target, out, live, sharing, foreign, views, ours)
            if step is not None:
                return step
    return None


def _mended(
    region: Region, instr: Instr, target: Atom, out: Value, live: Liveness, sharing: _Sharing,
    foreign: set[Value], views: set[Value], ours: set[Value],
) -> Region | None:  # fmt: skip
    """The region in which `instr` may change `target` in place; None if it may already."""
    if not isinstance(target, Value):
        return _copy_target(region, instr, target)
    if isinstance(instr, Store):
        mine, path = instr.visible, instr.path
    else:  # a call of a function that changes its argument: the caller's, where it is one
        turning = reach([target], sharing.around)
        mine, path = bool(turning & ours) and target not in views, ()
    stained = None if mine else sharing.stained.get(target)
    if stained and not isinstance(instr, Store):  # what it works on is written back
        return _copy_target(region, instr, target)
    if stained is not None:
        turning = reach([target], sharing.around)
        return _copy_init(region, instr, turning, foreign, sharing) or _copy_target(region, instr, target)
    elsewhere = live.loops.get(target) != live.inside[instr] and target not in live.inside[instr]
    if not sharing.near(target, live.at[instr]):
        return _copy_target(region, instr, target) if not mine and elsewhere else None
    turning = reach([target], sharing.around)
    depth = len(live.inside[instr])
    outside = {v for v in reach(list(turning), live.flows) if len(live.loops.get(v, ())) < depth}
    if (target.type.kind in ("list", "dict") or target.type.is_record) and not path:
        # Another item takes the place of one: the items themselves stay as they are.
        whole = reach([target], {b: [] if b in live.items else a for b, a in sharing.back.items()})
        ahead = {a: [b for b in outs if b not in live.items] for a, outs in live.flows.items()}
        family = reach(list(whole), ahead)
    else:
        family = reach(sharing.held_with(target), live.flows) | outside
    later = reach([out], live.flows)
    position = live.at[instr]
    for value in sorted(family - later - {out}, key=lambda v: live.start.get(v, 0)):
        if not live.live_after(value, position) or _holds(value, target, bool(path)):
            continue
        same_place = live.loops.get(value) == live.inside[instr]
        called = isinstance(instr, Call) and target in views
        if same_place and not mine and (value not in views or called):
            return _copy_target(region, instr, target)
        handed = reach([a for i in instructions(region) for a in handed_over(i)], sharing.around)
        return (
            _copy_value(region, value, turning | _ways(region, value, sharing) | handed)
            or _copy_start(region, instr, turning, live)
            or _copy_target(region, instr, target)
        )
    return _copy_target(region, instr, target) if not mine and elsewhere else None


def _ways(region: Region, value: Value, sharing: _Sharing) -> set[Value]:
    """The values by which an object of the caller gets from `value` to what changes it."""
    found: set[Value] = set()
    for instr in instructions(region):
        if isinstance(instr, Store) and not instr.visible:
            continue
        for target, _ in changes(instr):
            way = reach([target], sharing.around) if isinstance(target, Value) else set()
            if value in way:
                found |= way
    return found


def _holds(value: Value, target: Value, inside: bool) -> bool:
    """Is this a container or an object that the target is a part of, and which is itself not written?

    Where what is written is `inside` of a container, it may be an item of it that was read before.
    """
    kind, written = value.type.kind, target.type.kind
    if kind in ("list", "dict"):
        return kind != written and not (inside and written in ("list", "dict"))
    return kind in ("object", "tuple")


class _Sharing:
    """Which values may hold one object, now or in another turn of a loop."""

    def __init__(self, live: Liveness) -> None:
        self.live = live
        self.ahead = _joined(live.flows, live.turns)
        self.back = _turned(live.flows)
        self.before = _turned(live.turns)
        self.around = _turned(self.ahead)
        self.stained: dict[Value, bool] = {}  # what may be foreign, in this turn or (False) only in another
        self.families: dict[Value, _Family] = {}

    def stain(self, foreign: set[Value]) -> None:
        """Find all that may be what is not ours to write."""
        self.stained = dict.fromkeys(reach(list(foreign), self.ahead), False)
        self.stained.update(dict.fromkeys(reach(list(foreign), self.live.flows), True))

    def near(self, target: Value, position: int) -> bool:
        """May anything that may be the same object be read after this position?"""
        if target not in self.families:
            both = _joined(self.ahead, self.around)
            family = _Family(reach([target], both), self.live)
            self.families.update(dict.fromkeys(family.members, family))
        return self.families[target].held_at(position)

    def held_with(self, atom: Value) -> list[Value]:
        """The values that may hold the same object as `atom`: made in this turn, or handed on with it."""
        live = self.live
        mine = reach([atom], self.back)
        siblings: list[Value] = []
        for param in mine:
            earlier = reach(list(reach(self.before.get(param, []), self.back)), live.flows)
            beside = (p for r in earlier for p in live.turns.get(r, ()))
            siblings.extend(p for p in beside if live.loops.get(p) == live.loops.get(param))
        return [*mine, *siblings]


class _Family:
    """The values that may be one object, and when any of them is held."""

    def __init__(self, members: set[Value], live: Liveness) -> None:
        self.members = members
        spans = sorted((live.start.get(v, 0), live.end.get(v, 0)) for v in members)
        self.starts = [start for start, _ in spans]
        self.latest = list(itertools.accumulate((end for _, end in spans), max))

    def held_at(self, position: int) -> bool:
        at = bisect.bisect_right(self.starts, position)
        return at > 0 and self.latest[at - 1] > position


def _copy_init(
    region: Region, instr: Instr, turning: set[Value], foreign: set[Value], sharing: _Sharing
) -> Region | None:
    """The loop around the store begins with a copy of what is not ours to write."""
    for loop in sharing.live.inside[instr]:
        items = len(loop.items) if isinstance(loop, For) else 0
        for k, (init, param) in enumerate(zip(loop.init, loop.body.params[items:], strict=True)):
            if param in turning and isinstance(init, Value) and reach([init], sharing.around) & foreign:
                fresh = Value(param.name, init.type, param.named)
                copy = Call((fresh,), copier(init), (init,), (), loop.line)
                begins = (*loop.init[:k], fresh, *loop.init[k + 1 :])
                return _replace_instr(region, loop, (copy, replace(loop, init=begins)))
    return None


def _foreign(region: Region) -> set[Value]:
    """Values whose memory is not ours to write: the caller's, items of containers, read-only views."""
    found = set(region.params)
    for instr in instructions(region):
        if isinstance(instr, For):
            found.update(instr.body.params[: len(instr.items)])
        elif isinstance(instr, Call) and not isinstance(instr.fn, Function) and _gives_foreign(instr):
            found.update(instr.outs)
    return found


_JOINING = frozenset({list, dict, zeros_of, sum_of, copy_of, np.array, np.asarray, np.stack, np.concatenate})


def handed_over(instr: Instr) -> list[Value]:
    """What the caller has from here on in an object of its own: it sees what is written there later."""
    if not isinstance(instr, Call) or instr.outs or not instr.args:
        return []
    holder, *given = instr.args
    return list(values(given)) if holder.type.kind in ("object", "list", "dict") else []


def _reads_item(instr: Call) -> bool:
    """Is this an object itself, as it is found in a container or in another object?"""
    reads = instr.fn in (getattr, operator.getitem) if _hashable(instr.fn) else False
    return reads and instr.args[0].type.kind in ("list", "tuple", "dict", "object")


def _gives_foreign(instr: Call) -> bool:
    if not _hashable(instr.fn) or instr.fn in READ_ONLY or instr.fn is unpack:
        return True
    if instr.fn in FRESH:
        return False
    container = bool(instr.args) and instr.args[0].type.kind in ("list", "tuple", "dict", "object")
    kept = not instr.outs or new_list(instr) or instr.fn in _JOINING
    return container and not kept


def _hashable(fn: Any) -> bool:
    try:
        hash(fn)
    except TypeError:
        return False
    return True


def copier(value: Atom) -> Any:
    """The function that copies such a value; None stands for one that may not be there."""
    if value.type.maybe_unbound and value.type.kind in ("list", "dict"):
        return whole_copier(value.type)
    if value.type.is_record:
        return copy.copy
    return {"list": list, "dict": dict, "unknown": copy_of}.get(value.type.kind, np.copy)


def _copy_target(region: Region, instr: Instr, target: Atom) -> Region:
    """`instr` works on a copy of what it changes."""
    name = target.name if isinstance(target, Value) else "buffer"
    fresh = Value(name, target.type, isinstance(target, Value) and target.named)
    copy = Call((fresh,), copier(target), (target,), (), instr.line)
    changed: Instr
    if isinstance(instr, Store):
        changed = replace(instr, target=fresh)
    else:
        assert isinstance(instr, Call)
        changed = replace(instr, args=tuple(fresh if a is target else a for a in instr.args))
    return _replace_instr(region, instr, (copy, changed))


def _replace_instr(region: Region, old: Instr, new: tuple[Instr, ...]) -> Region:
    body: list[Instr] = []
    for instr in region.body:
        if instr is old:
            body.extend(new)
        else:
            body.append(map_regions(lambda part: _replace_instr(part, old, new), instr))
    return replace(region, body=tuple(body))


def _copy_start(region: Region, instr: Instr, turning: set[Value], live: Liveness) -> Region | None:
    """The innermost loop around the store begins with a copy of what is changed there."""
    for loop in live.inside[instr][::-1]:
        items = len(loop.items) if isinstance(loop, For) else 0
        for k, (init, param) in enumerate(zip(loop.init, loop.body.params[items:], strict=True)):
            if param in turning and isinstance(init, Value):
                fresh = Value(param.name, init.type, param.named)
                copy = Call((fresh,), copier(init), (init,), (), loop.line)
                begins = (*loop.init[:k], fresh, *loop.init[k + 1 :])
                return _replace_instr(region, loop, (copy, replace(loop, init=begins)))
    return None


def _copy_value(region: Region, value: Value, sources: set[Value]) -> Region | None:
    """Whoever reads `value`, except on the way to the store, reads a copy made where it was written.

    None if nobody does.
    """
    if value.type.maybe_unbound:
        owner = next((i for i in instructions(region) if value in i.outs), None)
        if isinstance(owner, (If, For, While)):
            return copy_results(region, owner, owner.outs.index(value))
    fresh = Value(value.name, value.type, value.named)
    table: dict[Value, Atom] = {value: fresh}
    maker = next((i for i in instructions(region) if value in i.outs), None)
    line = NOWHERE if maker is None else maker.line
    copy = Call((fresh,), copier(value), (value,), (), line)

    def visit(part: Region, onward: tuple[bool, ...]) -> Region:
        body: list[Instr] = []
        if value in part.params:
            body.append(copy)
        for instr in part.body:
            kept = any(out in sources for out in instr.outs) or _feeds(instr, value, sources)
            kept = kept or value in handed_over(instr)
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

    copied = visit(region, (False,) * len(region.results))
    read = any(fresh in reads(i) for i in instructions(copied))
    ends = (r for part in _parts(copied) for r in part.results)
    return copied if read or any(r is fresh for r in ends) else None


def _parts(region: Region) -> Iterator[Region]:
    """The region, and all regions inside."""
    yield region
    for instr in region.body:
        for part in regions(instr):
            yield from _parts(part)


def copy_results(region: Region, owner: If | For | While, k: int) -> Region:
    """What may not be there after a branch or a loop is copied where it is made."""

    def with_copy(part: Region) -> Region:
        result = part.results[k]
        if not isinstance(result, Value):
            return part
        fresh = Value(result.name, result.type, result.named)
        copy = Call((fresh,), copier(result), (result,), (), owner.line)
        results = (*part.results[:k], fresh, *part.results[k + 1 :])
        return replace(part, body=(*part.body, copy), results=results)

    if isinstance(owner, If):
        return _replace_instr(
            region, owner, (replace(owner, then=with_copy(owner.then), orelse=with_copy(owner.orelse)),)
        )
    return _replace_instr(region, owner, (replace(owner, body=with_copy(owner.body)),))


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
    # What is no part of the way is written as a copy, too.
    return value in sources and any(target is value for target, _ in changes(instr))


def _keep_flow(instr: Instr, value: Value, table: dict[Value, Atom]) -> Instr:
    """Substitute, but leave the operand through which the memory flows."""
    if isinstance(instr, Store):
        args = swap(instr.args, table)
        target = instr.target if instr.target is value else resolve(instr.target, table)
        return replace(instr, args=args, target=target)
    if isinstance(instr, Call) and changes(instr):
        return replace(instr, args=tuple(a if a is value else resolve(a, table) for a in instr.args))
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


def _turned(edges: dict[Value, list[Value]]) -> dict[Value, list[Value]]:
    """The same edges, the other way."""
    back: dict[Value, list[Value]] = {}
    for a, outs in edges.items():
        for b in outs:
            back.setdefault(b, []).append(a)
    return back


def _joined(*edges: dict[Value, list[Value]]) -> dict[Value, list[Value]]:
    found: dict[Value, list[Value]] = {}
    for part in edges:
        for a, outs in part.items():
            found.setdefault(a, []).extend(outs)
    return found


def kept_by_calls(region: Region) -> dict[Value, list[Value]]:
    """What a forward function was given, or gave, and may have kept in what it saved: to that.

    It keeps none of what it changes or hands back itself (`differentiate/derive.py`).
    """
    found: dict[Value, list[Value]] = {}
    for instr in instructions(region):
        if isinstance(instr, Call) and isinstance(instr.fn, Function) and instr.fn.keeps:
            pairs = (*instr.fn.writes, *instr.fn.sees)
            own_args, own_outs = {k for k, _ in pairs}, {n for _, n in pairs}
            holders = _holders(instr)
            for k, arg in enumerate(instr.args):
                if k not in own_args and isinstance(arg, Value):
                    found.setdefault(arg, []).extend(holders)
            for n, out in enumerate(instr.outs):
                if n not in own_outs and out not in holders:
                    found.setdefault(out, []).extend(holders)
    return found


def _holders(instr: Call) -> list[Value]:
    """What a forward function saved: its last result, and others that a derivative of one gives."""
    *others, last = instr.outs
    return [*(o for o in others if o.type.kind not in SCALARS | {"array"}), last]


def _containers(region: Region, kept: set[Value]) -> set[Value]:
    """These containers, and those that they are made of."""
    found = set(kept)
    while found:
        before = len(found)
        for instr in instructions(region):
            outs = [k for k, out in enumerate(instr.outs) if out in found]
            if not outs:
                continue
            match instr:
                case Call(fn=fn) if fn is pack_tuple:
                    found.update(a for a in instr.args if isinstance(a, Value) and a.type.kind != "array")
                case If():
                    for part in (instr.then, instr.orelse):
                        found.update(r for k in outs if isinstance(r := part.results[k], Value))
                case Try():
                    for atoms in (instr.body.results, instr.otherwise):
                        ends = (atoms[k] for k in outs if k < len(atoms))
                        found.update(r for r in ends if isinstance(r, Value))
                case For() | While():
                    count = len(instr.init)
                    items = len(instr.items) if isinstance(instr, For) else 0
                    for k in outs:
                        both = (instr.body.results[k + (k >= count)], *instr.init[k : k + 1])
                        found.update(r for r in both if isinstance(r, Value))
                        if k < count:
                            found.add(instr.body.params[items + k])
        if len(found) == before:
            break
    return found


def captured(region: Region, kept: Collection[Value]) -> set[Value]:
    """What is put into these containers, and into those that they are made of."""
    keeping = _containers(region, set(kept))
    found = {v for v, saved in kept_by_calls(region).items() if not keeping.isdisjoint(saved)}
    for instr in instructions(region):
        if isinstance(instr, Call) and instr.fn is pack_tuple and instr.outs[0] in keeping:
            found.update(values(instr.args))
        elif isinstance(instr, (For, While)):
            count = len(instr.init)
            saves = zip(instr.outs[count:], instr.body.results[count + 1 :], strict=True)
            found.update(r for out, r in saves if out in keeping and isinstance(r, Value))
    return found


def _guard_captures(
    region: Region, owners: set[Value], kept: set[Value], shown: Collection[Value]
) -> Region:
    """What a loop saves, or a container keeps, is copied if its memory is written later on.

    The `owners` are containers whose items are nobody else's: what they keep is written through them.
    """
    live = liveness(region)
    sharing = _Sharing(live)
    keeping = _containers(region, kept)
    exposed = reach(list(reach(list(shown), _turned(live.flows))), live.flows) if kept else set()
    targets: dict[Value, list[Instr]] = {}
    for instr in instructions(region):
        for target, _ in changes(instr):
            if isinstance(target, Value):
                targets.setdefault(target, []).append(instr)

    def written_later(atom: Atom, position: int, loops: tuple[Any, ...]) -> bool:
        if not isinstance(atom, Value) or atom.type.kind not in MUTABLE - {"tuple", "object"}:
            return False
        now = reach(sharing.held_with(atom), live.flows)
        # In another turn it is the same object only where it was handed on to that.
        later = reach([p for value in now for p in live.turns.get(value, ())], sharing.ahead)
        for member in now | later:
            if atom.type.kind in ("list", "dict") and member.type.kind == "array":
                continue  # an item of it, which a copy of the container does not keep
            for store in targets.get(member, ()):
                again = member in later and set(loops) & set(live.inside[store])
                if live.at[store] > position or again:
                    return True
        return False

    def changes_later(atom: Atom, holder: Value, position: int, loops: tuple[Any, ...]) -> bool:
        """Is it written over in here, or after this has run, while what holds it is kept?"""
        later = holder in keeping and atom in exposed and atom.type.kind in MUTABLE - {"tuple", "object"}
        return later or written_later(atom, position, loops)

    params = {p for i in instructions(region) for part in regions(i) for p in part.params}
    uses = Counter(v for i in instructions(region) for v in values(operands(i)))
    handed = Counter(v for i in instructions(region) for v in handed_over(i))

    results = {r for i in instructions(region) for part in regions(i) for r in part.results}

    def for_caller(holder: Value) -> bool:
        """Is this made for the caller alone, who sees what is written into its parts later?"""
        return handed[holder] > 0 and handed[holder] == uses[holder] and holder not in results

    def visit(part: Region) -> Region:
        body: list[Instr] = []
        for instr in part.body:
            if isinstance(instr, Call) and instr.fn in (pack_tuple, pack_list, pack_object):
                instr = guarded(instr, instr.args, body)
            elif isinstance(instr, Store) and instr.target.type.kind in ("list", "dict") and instr.args:
                args = list(instr.args)
                if written_later(args[-1], live.at[instr], live.inside[instr]):
                    args[-1] = fresh(args[-1], body, instr)
                    instr = replace(instr, args=tuple(args))
            elif isinstance(instr, (For, While)):
                instr = loop(instr)
            elif isinstance(instr, Call) and isinstance(instr.fn, Function):
                body.extend(called(instr, body))
                continue
            body.append(map_regions(visit, instr) if not isinstance(instr, Call) else instr)
        return replace(part, body=tuple(body))

    def guarded(instr: Call, args: tuple[Atom, ...], body: list[Instr]) -> Call:
        if for_caller(instr.outs[0]):
            return instr
        position, loops = live.at[instr], live.inside[instr]
        safe = tuple(
            held(a, body, instr) if changes_later(a, instr.outs[0], position, loops) else a for a in args
        )
        return replace(instr, args=safe)

    def called(instr: Call, body: list[Instr]) -> list[Instr]:
        """What a forward function was given and what it returned may be kept in what it saved."""
        if not instr.fn.keeps:
            return [instr]
        position, loops = live.at[instr], live.inside[instr]
        pairs = (*instr.fn.writes, *instr.fn.sees)
        own_args, own_outs = {k for k, _ in pairs}, {n for _, n in pairs}
        holders = _holders(instr)

        def kept_and_changed(atom: Atom) -> bool:
            return any(changes_later(atom, holder, position, loops) for holder in holders)

        args = list(instr.args)
        for k, arg in enumerate(args):
            if k not in own_args and kept_and_changed(arg):
                args[k] = held(arg, body, instr)
        outs = list(instr.outs)
        copies: list[Instr] = []
        for n, out in enumerate(outs):
            if n not in own_outs and kept_and_changed(out):
                outs[n] = Value(out.name, out.type, out.named)
                copies.append(Call((out,), copier(out), (outs[n],), (), instr.line))
        return [replace(instr, args=tuple(args), outs=tuple(outs)), *copies]

    def fresh(atom: Atom, body: list[Instr], instr: Instr) -> Value:
        assert isinstance(atom, Value)
        fresh = Value(atom.name, atom.type, atom.named)
        body.append(Call((fresh,), copier(atom), (atom,), (), instr.line))
        return fresh

    def held(atom: Atom, body: list[Instr], instr: Instr) -> Value:
        """A copy of what is kept, made as soon as it is there: what follows may write over it."""
        made = next((k + 1 for k, i in enumerate(body) if atom in i.outs), None)
        if made is None:
            made = 0 if atom in params else len(body)
        head: list[Instr] = []
        copy = fresh(atom, head, instr)
        body[made:made] = head
        return copy

    def loop(instr: For | While) -> Instr:
        count = len(instr.init)
        body = list(instr.body.body)
        results = list(instr.body.results)
        inner = (*live.inside[instr], instr)
        for k in range(count + 1, len(results)):
            if instr.outs[k - 1] in owners:
                continue
            if changes_later(results[k], instr.outs[k - 1], live.span[instr][1], inner):
                results[k] = held(results[k], body, instr)
        return replace(instr, body=replace(instr.body, body=tuple(body), results=tuple(results)))

    return visit(region)
