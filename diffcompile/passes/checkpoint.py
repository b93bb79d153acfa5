"""Cut checkpointed loops into segments: functions that are called again instead of saving what they computed.

    for i in checkpoint(range(n)):        for start in range(0, n, size):
        x = step(x, i)            ->          x = steps(turns[start : start + size], x)     (snapshots=None)

What the adjoint of such a call needs is its arguments, and those are what a loop saves anyway: so the loop
above keeps one state for every `size`, about sqrt(n), turns. With a number of snapshots there is one call for
all the turns, and how it is run again is the adjoint's matter (`differentiate/replay.py`).

Before: loops with `snapshots`, calls between `replay_begins` and `replay_ends`. After: calls with the keyword
`snapshots` of functions of their own. Segments nest: a checkpointed loop inside one is cut when the adjoint
of that one is made. The two-level scheme is in chapter 12 of Griewank and Walther, Evaluating Derivatives
(2008).
"""

from __future__ import annotations

import builtins
import math
import operator
from dataclasses import dataclass, replace

from ..analysis.effects import happens
from ..analysis.liveness import MUTABLE, liveness, reach
from ..errors import NOWHERE, Span, UnsupportedSyntax
from ..frontend.build import FOLDED, Builder
from ..ir.graph import (
    UNBOUND,
    Atom,
    Call,
    Const,
    For,
    Function,
    Graph,
    Hook,
    If,
    Instr,
    Region,
    Store,
    Try,
    Value,
    While,
    pack_slice,
    replay_begins,
    replay_ends,
)
from ..ir.types import BOOL, INT, RANGE
from ..ir.walk import changes, free, instructions, map_regions, reads, rename, substitute, values
from .inplace import copier, inplace

_BACK = Const(slice(None, None, -1))


def segmented(graph: Graph, varied: set[Value]) -> Graph:
    """The graph in which what is checkpointed, and varies, is a call that saves nothing."""
    if not any(map(checkpointed, instructions(graph.region))):
        return graph
    graph = replace(graph, region=_without_unbound(graph.region))
    flows = liveness(graph.region).flows
    cutting = _Cutting(graph.name, varied, reach(list(graph.params), flows))
    return replace(graph, region=cutting.region(graph.region, set()))


def checkpointed(instr: Instr) -> bool:
    """Does something begin here that is run again?"""
    if isinstance(instr, For):
        return instr.snapshots is not None
    return isinstance(instr, Call) and instr.fn is replay_begins


def _without_unbound(region: Region) -> Region:
    """The region in which what is returned from within a loop is None where nothing was."""

    def none(atom: Atom, out: Value) -> Atom:
        unbound = isinstance(atom, Const) and atom.value is UNBOUND
        return Const(None) if unbound and not out.named else atom

    def visit(instr: Instr) -> Instr:
        instr = map_regions(_without_unbound, instr)
        match instr:
            case If():
                then, orelse = (
                    replace(part, results=tuple(map(none, part.results, instr.outs)))
                    for part in (instr.then, instr.orelse)
                )
                return replace(instr, then=then, orelse=orelse)
            case For() | While():
                return replace(instr, init=tuple(map(none, instr.init, instr.outs)))
            case Try():
                return replace(instr, otherwise=tuple(map(none, instr.otherwise, instr.outs)))
        return instr

    return replace(region, body=tuple(map(visit, region.body)))


def _until_end(rest: list[Instr]) -> list[Instr]:
    """Take the instructions up to the mark that ends what has begun; marks inside are left in."""
    inside: list[Instr] = []
    depth = 1
    while True:
        instr = rest.pop(0)
        if isinstance(instr, Call) and instr.fn in (replay_begins, replay_ends):
            depth += 1 if instr.fn is replay_begins else -1
            if not depth:
                return inside
        inside.append(instr)


@dataclass(frozen=True, slots=True, eq=False)
class _Cutting:
    name: str
    varied: set[Value]
    callers: set[Value]  # what may be an object of the caller

    def region(self, region: Region, after: set[Value]) -> Region:
        """`after` are the values that are read after the region, apart from its results."""
        body: list[Instr] = []
        rest = list(region.body)
        while rest:
            instr = rest.pop(0)
            if isinstance(instr, Call) and instr.fn is replay_begins:
                inside = _until_end(rest)
                read = {v for i in rest for v in reads(i)} | set(values(region.results)) | after
                outs = tuple(o for i in inside for o in i.outs if o in read)
                if self.varied.isdisjoint(outs):
                    body.extend(inside)
                else:
                    body.append(self.outlined(instr, tuple(inside), outs))
            elif isinstance(instr, Call) and instr.fn is replay_ends:
                continue
            elif isinstance(instr, For) and instr.snapshots is not None:
                plain = replace(instr, snapshots=None)
                if self.varied.isdisjoint(instr.outs):
                    body.append(plain)
                else:
                    body.extend(self.segments(_on_turns(plain, body), instr))
            else:
                body.append(map_regions(lambda part: self.region(part, after), instr))
        return replace(region, body=tuple(body))

    # -- a function -----------------------------------------------------------------------------------------

    def outlined(self, mark: Call, body: tuple[Instr, ...], outs: tuple[Value, ...]) -> Call:
        """The call of a function that does what these instructions do."""
        name = str(mark.args[0].value) if isinstance(mark.args[0], Const) else self.name
        (called,) = body if len(body) == 1 else (mark,)
        if isinstance(called, Call) and isinstance(called.fn, Function) and not called.kwargs:
            # What it writes into its arguments it writes when it is called; it is run again on copies.
            self.refuse_effects(Region((), body, ()), set(values(target for target, _ in changes(called))))
            return replace(called, kwargs=(("snapshots", Const(None)),))
        inside = tuple(Value(o.name, o.type, o.named) for o in outs)
        region = rename(Region((), body, outs), dict(zip(outs, inside, strict=True)))
        return self.replayed(name, region, (), outs, Const(None), mark.line)

    def replayed(
        self, name: str, region: Region, args: tuple[Atom, ...], outs: tuple[Value, ...], snapshots: Atom,
        line: Span, doc: str = "", ours: frozenset[Value] = frozenset(),
    ) -> Call:  # fmt: skip
        """The call, for its adjoint to run again, of the function that a region is, on what it reads.

        It writes into copies of its arguments; what it writes into `ours` is seen to by the caller of this.
        """
        self.refuse_effects(region, ours)
        given = tuple(free(region))
        whole = on_copies(_apart(rename(replace(region, params=(*region.params, *given)), {})))
        flows = liveness(whole).flows
        seen = tuple(
            (k, n)
            for k, param in enumerate(whole.params)
            for n, result in enumerate(whole.results)
            if param.type.kind in MUTABLE and result in reach([param], flows)
        )
        function = Function(name, None, outs[0].type, (), seen)
        function.graph = inplace(Graph(name, whole, line, sees=seen, doc=doc))
        return Call(outs, function, (*args, *given), (("snapshots", snapshots),), line)

    def refuse_effects(self, region: Region, ours: set[Value] | frozenset[Value]) -> None:
        """What is run again may neither draw nor write what the caller sees: that happens once."""
        for instr in instructions(region):
            found = happens(instr)
            if not found and isinstance(instr, Call):
                written = (t for t, _ in changes(instr) if t not in ours)
                found = "a write into an argument" if any(t in self.callers for t in written) else ""
            if found:
                raise UnsupportedSyntax(
                    f"{found} would happen again when what is checkpointed is run again",
                    instr.line,
                    "Do it outside of what is checkpointed: draw ahead and hand the numbers in, write into a "
                    "copy.",
                )

    # -- a loop ---------------------------------------------------------------------------------------------

    def segments(self, loop: For, marked: For) -> tuple[Instr, ...]:
        """The loop over the segments of a loop, or the call for all its turns."""
        places = _places(loop)
        ours = frozenset(v for k in places for v in places[k])
        written = [k for k in places if _is_written(loop.body, places[k], loop.init[k] in self.callers)]
        loop = replace(loop, body=_unseen(loop.body, ours))
        self.refuse_effects(loop.body, ours)
        for init, out in zip(loop.init, loop.outs, strict=True):
            if out.named and isinstance(init, Value) and init.type.maybe_unbound:
                raise UnsupportedSyntax(
                    f"`{out.name}` may have no value before this checkpointed loop, and is read after it",
                    loop.line,
                    f"Give `{out.name}` a value before the loop.",
                )
        assert marked.snapshots is not None and not loop.saves
        loop, given = _given(loop)
        b = Builder(FOLDED)
        b.line = loop.line
        count, items = _indexable(b, loop)
        if any(item.type.kind == "tuple" for item in items):  # its parts have names of their own
            loop, items = _by_number(b, loop, count, items)
        name, doc = f"{self.name}_turns", f"Some turns of the loop of line {loop.line.line}."
        if not (isinstance(marked.snapshots, Const) and marked.snapshots.value is None):
            if _leaves(loop):
                loop = _counted(loop)
            if len(items) > 1 or items[0].type.kind != "range":
                loop, items = _by_number(b, loop, count, items)
            region = _over(loop, items, False)
            args = (*items, *loop.init)
            outs = tuple(_like(o) if k in written else o for k, o in enumerate(loop.outs))
            call = self.replayed(name, region, args, outs, marked.snapshots, loop.line, doc, ours)
            b.emit(replace(call, kwargs=(*call.kwargs, ("ran", Const(True)))) if _leaves(loop) else call)
            for k in written:
                b.emit(_written_back(loop.init[k], outs[k], loop.outs[k], loop.line))
            return (*b.body, *given)
        root = b.call(math.isqrt, count, type=INT)
        size = b.call(builtins.max, root, Const(1), type=INT, name="size")
        starts = b.call(range, Const(0), count, size, type=RANGE)
        start = Value("start", INT, True)
        # What is carried from segment to segment is called what it is called behind them.
        params = tuple(map(_called, loop.outs, loop.body.params[len(items) :]))
        name_of_part = "segment" if len(items) == 1 else ""
        with b.region() as body:
            b.line = NOWHERE  # the comment above the loop is the only one
            stop = b.call(operator.add, start, size, type=INT)
            part = b.call(pack_slice, start, stop)
            pieces = tuple(b.call(operator.getitem, item, part, name=name_of_part) for item in items)
            region = _over(loop, pieces)
            outs = tuple(_like(r) for r in region.results if isinstance(r, Value))
            outs = (*map(_called, loop.outs, outs), *outs[len(loop.outs) :])
            call = self.replayed(name, region, (*pieces, *params), outs, Const(None), loop.line, doc, ours)
            b.emit(replace(call, line=NOWHERE))
            ends = list(outs)
            for k in written:
                ends[k] = _like(outs[k])
                b.emit(_written_back(params[k], outs[k], ends[k], NOWHERE))
            outs = tuple(ends)
        leave = outs[len(loop.outs) :] or (Const(False),)
        around = Region((start, *params), tuple(body), (*outs[: len(loop.outs)], *leave))
        b.emit(replace(loop, items=(starts,), body=around, backwards=False))
        return (*b.body, *given)


def _on_turns(loop: For, before: list[Instr]) -> For:
    """The loop, run over `turns`: a range that is written where it is run over gets that name."""
    item = loop.items[0]
    at = next((k for k, i in enumerate(before) if item in i.outs), None)
    made = None if at is None else before[at]
    if at is None or not isinstance(made, Call) or made.fn is not range or made.outs[0].named:
        return loop
    turns = Value("turns", made.outs[0].type, True)
    before[at] = replace(made, outs=(turns,))
    return replace(loop, items=(turns, *loop.items[1:]))


def _written_back(target: Atom, content: Value, out: Value, line: Span) -> Store:
    """`u[...] = content`: the caller sees, after a segment, what its turns have written."""
    return Store((out,), operator.setitem, target, (Const(...), content), (), line, visible=True)


def _places(loop: For) -> dict[int, set[Value]]:
    """For each array that is carried from turn to turn and never another one: all its versions in a turn."""
    found: dict[int, set[Value]] = {}
    count = len(loop.items)
    for k, param in enumerate(loop.body.params[count:]):
        if param.type.kind == "array":
            held = {param}
            _versions(loop.body, held)
            if loop.body.results[k] in held:
                found[k] = held
    return found


def _versions(region: Region, held: set[Value]) -> None:
    """Add to the versions of an array those that are made of them in a region, whatever way it takes."""
    for instr in region.body:
        for target, out in changes(instr):
            if target in held:
                held.add(out)
        match instr:
            case Call(fn=Hook()) if instr.args[0] in held:
                held.add(instr.outs[0])
            case If():
                _versions(instr.then, held)
                _versions(instr.orelse, held)
                both = zip(instr.outs, instr.then.results, instr.orelse.results, strict=True)
                held.update(o for o, a, b in both if a in held and b in held)
            case For() | While():
                items = len(instr.items) if isinstance(instr, For) else 0
                carried = instr.body.params[items:]
                slots = list(zip(carried, instr.init, instr.body.results, instr.outs, strict=False))
                slots = [slot for slot in slots if slot[1] in held]
                while True:
                    trial = held | {param for param, _, _, _ in slots}
                    _versions(instr.body, trial)
                    kept = [slot for slot in slots if slot[2] in trial]
                    if kept == slots:
                        break
                    slots = kept
                held |= trial | {out for _, _, _, out in slots}
            case Try():
                _versions(instr.body, held)
                both = zip(instr.outs, instr.body.results, instr.otherwise, strict=False)
                held.update(o for o, a, b in both if a in held and b in held)


def _is_written(region: Region, versions: set[Value], callers: bool) -> bool:
    """Is this array, which may be the caller's, written where the caller sees it?"""
    for instr in instructions(region):
        if isinstance(instr, Store) and instr.visible and instr.target in versions:
            return True
        if callers and isinstance(instr, Call) and any(t in versions for t, _ in changes(instr)):
            return True
    return False


def _unseen(region: Region, versions: frozenset[Value]) -> Region:
    """The region whose stores into these arrays are into its own copies."""

    def unseen(instr: Instr) -> Instr:
        if isinstance(instr, Store) and instr.target in versions:
            return replace(instr, visible=False)
        return map_regions(lambda part: _unseen(part, versions), instr)

    return replace(region, body=tuple(map(unseen, region.body)))


def _like(value: Value) -> Value:
    return Value(value.name, value.type, value.named)


def _given(loop: For) -> tuple[For, list[Instr]]:
    """The loop whose segments can be handed what it carries: None is in the place of what has no value.

    Behind it, a name that may have got none has one where it is not None.
    """
    behind: list[Instr] = []
    outs = list(loop.outs)
    missing = [k for k, a in enumerate(loop.init) if isinstance(a, Const) and a.value is UNBOUND]
    for k in missing:
        if not loop.outs[k].named:  # what is returned, which is read only where the loop was left so
            continue
        outs[k] = Value(f"{loop.outs[k].name}_last", loop.outs[k].type, True)
        there = Value("there", BOOL)
        behind.append(Call((there,), operator.is_not, (outs[k], Const(None)), (), loop.line))
        then, orelse = Region((), (), (outs[k],)), Region((), (), (Const(UNBOUND),))
        behind.append(If((loop.outs[k],), there, then, orelse, loop.line, key=object()))
    init = tuple(Const(None) if k in missing else a for k, a in enumerate(loop.init))
    return replace(loop, outs=tuple(outs), init=init), behind


def _counted(loop: For) -> For:
    """The loop that counts the turns that it runs."""
    before, ran, out = (Value("ran", INT, True) for _ in range(3))
    body = loop.body
    count = Call((ran,), operator.add, (before, Const(1)), (), NOWHERE)
    results = (*body.results[:-1], ran, body.results[-1])
    body = replace(body, params=(*body.params, before), body=(count, *body.body), results=results)
    return replace(loop, outs=(*loop.outs, out), init=(*loop.init, Const(0)), body=body)


def _called(out: Value, value: Value) -> Value:
    """A value like this one; it has the name of `out`, where that is one that may be None."""
    return Value(out.name if out.name == f"{value.name}_last" else value.name, value.type, value.named)


def _leaves(loop: For) -> bool:
    leave = loop.body.results[len(loop.init)]
    return not (isinstance(leave, Const) and leave.value is False)


def _over(loop: For, items: tuple[Atom, ...], telling: bool = True) -> Region:
    """The region whose parameters are items and what is carried: it runs the loop over those items.

    A last result says whether the loop was left, if it can be and this is `telling`.
    """
    count = len(items)
    names = [i.name if isinstance(i, Value) and i.named else "turns" for i in items]
    turns = tuple(Value(n, i.type, True) for n, i in zip(names, items, strict=True))
    params = tuple(map(_like, loop.body.params[count:]))
    outs, init, body = tuple(map(_like, loop.outs)), params, loop.body
    atoms: tuple[Atom, ...] = init
    if telling and _leaves(loop):
        left = body.results[-1]
        atoms = (*init, Const(False))
        outs = (*outs, Value("left", BOOL, True))
        body = replace(
            body, params=(*body.params, Value("left", BOOL, True)), results=(*body.results[:-1], left, left)
        )
    inner = replace(loop, outs=outs, items=turns, init=atoms, body=body, backwards=False, key=object())
    return Region((*turns, *params), (inner,), outs)


def _indexable(b: Builder, loop: For) -> tuple[Atom, tuple[Atom, ...]]:
    """How many turns there are, and what is run over as things that can be sliced, first turn first."""
    for item in loop.items:
        if item.type.kind not in ("range", "array", "list", "tuple", "unknown"):
            raise UnsupportedSyntax(
                f"a checkpointed loop over a {item.type.kind} is not differentiated",
                loop.line,
                "Run over a range, an array or a list.",
            )
    name = "count" if len(loop.items) == 1 else ""
    lengths = tuple(b.call(len, item, type=INT, name=name) for item in loop.items)
    count = lengths[0] if len(lengths) == 1 else b.call(builtins.min, *lengths, type=INT, name="count")
    items: list[Atom] = []
    for item in loop.items:
        items.append(b.call(operator.getitem, item, _BACK, type=item.type) if loop.backwards else item)
    return count, tuple(items)


def _by_number(b: Builder, loop: For, count: Atom, items: tuple[Atom, ...]) -> tuple[For, tuple[Atom, ...]]:
    """The same loop over the numbers of its turns: what varies in its items is not cut into parts."""
    number = Value("number", INT, True)
    with b.region() as body:
        for item, param in zip(items, loop.body.params, strict=False):
            b.emit(Call((param,), operator.getitem, (item, number), (), loop.line))
    turns = b.call(range, count, type=RANGE, name="turns")
    params = (number, *loop.body.params[len(items) :])
    inner = replace(loop.body, params=params, body=(*body, *loop.body.body))
    return replace(loop, items=(turns,), body=inner), (turns,)


def _apart(region: Region) -> Region:
    """The function whose parameters have names of their own."""
    taken: dict[str, int] = {}
    table: dict[Value, Atom] = {}
    for param in region.params:
        base = param.name if param.name.isidentifier() else "item"
        number = taken[base] = taken.get(base, -1) + 1
        if number or base != param.name:
            name = f"{base}_{number}" if number else base
            table[param] = Value(name, param.type, param.named)
    params = tuple(p if isinstance(p := table.get(v, v), Value) else v for v in region.params)
    return replace(substitute(region, table), params=params)


def on_copies(region: Region) -> Region:
    """The function that works on copies of those of its arguments that it changes."""
    flows = liveness(region).flows
    written = {target for i in instructions(region) for target, _ in changes(i)}
    table: dict[Value, Atom] = {}
    copies: list[Instr] = []
    for param in region.params:
        if param.type.kind in MUTABLE and not written.isdisjoint(reach([param], flows)):
            table[param] = fresh = _like(param)
            copies.append(Call((fresh,), copier(param), (param,)))
    if not copies:
        return region
    inner = substitute(region, table)
    return replace(inner, body=(*copies, *inner.body))
