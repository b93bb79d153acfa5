"""A graph -> the graph of its gradient, or the pair of graphs of its forward and backward functions."""

from __future__ import annotations

import copy
import itertools
import operator
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from ..analysis.activity import can_vary, reaching, varied
from ..analysis.assured import assured
from ..analysis.effects import form_assumed, may_fail, may_raise
from ..analysis.forms import held_in, last_versions
from ..analysis.liveness import MUTABLE, liveness, reach
from ..analysis.repeats import repeats
from ..analysis.residuals import close, filled
from ..errors import NOWHERE
from ..frontend.build import FOLDED, Builder
from ..ir.graph import (
    UNBOUND,
    Atom,
    Call,
    Const,
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
    backward_begins,
    pack_dict,
    pack_list,
    pack_tuple,
    raise_error,
    unpack,
)
from ..ir.types import FLOAT, OBJECT, SCALARS, UNKNOWN, Type, element_of
from ..ir.walk import (
    changes,
    free,
    instructions,
    map_regions,
    operands,
    regions,
    substitute,
    substitute_in,
    swap,
    values,
)
from ..passes import optimize
from ..passes.accumulate import accumulate
from ..passes.attributes import read_where_solved
from ..passes.checkpoint import checkpointed, on_copies, segmented
from ..passes.dce import dce
from ..passes.fuse import fuse
from ..passes.inplace import captured, copier, copy_results, handed_over, inplace, kept_by_calls
from ..passes.items import whole_copier, written_inside
from ..passes.own import own
from ..passes.watched import watched
from ..rules.containers import entry, sum_of, zeros_of
from ..rules.facts import COMPLEX_OF_REAL
from .calls import Replay
from .control import ControlSweep
from .cotangents import Cotangents, bar, cotangent_type
from .escapes import refuse_escapes
from .replay import quiet, scheduled


def sweep(
    graph: Graph, wrt: list[Value], seeds: list[tuple[Atom, Any]], many: bool = False
) -> tuple[list[Instr], set[Value], Cotangents]:
    """The forward instructions, what has an adjoint, and the cotangents with the adjoint's instructions.

    The seeds may be those of `many` results, of which each is 0 at most of the numbers.
    """
    builder = Builder(FOLDED)
    for instr in instructions(graph.region):
        if isinstance(instr, (Call, Store)):
            for out in instr.outs:
                builder.defs[out] = instr
                if instr.fn is operator.getitem and out.type.kind == "array":
                    builder.selected(instr.args[0].type, instr.args[1], out.type)
    active = varied(graph.region, wrt)
    refuse_escapes(graph, active)
    cotangents = Cotangents(
        builder,
        active,
        complex=any(map(may_be_complex, instructions(graph.region))),
        sizes=frozenset(p for v in active for p in _precision(v)),
        many=many,
    )
    state = ControlSweep(
        builder, cotangents, active, derive_callee=partial(derive_function, many=many),
        derive_replay=partial(derive_replay, many=many), inputs=frozenset(wrt),
        inside=bool(written_inside(graph.region)),
    )  # fmt: skip
    for instr in instructions(graph.region):
        if isinstance(instr, Try):
            cotangents.uncertain.update(
                out
                for out, other in zip(instr.outs, instr.otherwise, strict=False)
                if isinstance(other, Const) and other.value is UNBOUND
            )
        elif isinstance(instr, Call) and instr.fn is operator.is_ and isinstance(instr.args[0], Value):
            state.completed.setdefault(instr.args[0], instr.outs[0])
    errors = {test: error for error, test in state.completed.items()}
    for instr in instructions(graph.region):
        if isinstance(instr, If) and instr.test in errors and _raises(instr.orelse):
            state.certain.add(errors[instr.test])
    builder.active, builder.derive, builder.gradient = state.active, derive_function, derive_gradient
    builder.tangent = FORWARD.get("tangent")
    for atom, ct in seeds:
        cotangents.add(atom, ct)
    state.region(graph.region)

    def swapped(region: Region) -> Region:
        return replace(
            region, body=tuple(map_regions(swapped, state.replaced.get(i, i)) for i in region.body)
        )

    return list(swapped(graph.region).body), state.reached, cotangents


# How a callee is pushed forward, which a rule of reverse mode may ask too: `direction.py` says, which is made
# of what is here.
FORWARD: dict[str, Callable[..., Any]] = {}


def _precision(value: Value) -> list[str]:
    """The size of the floats in this value, where they are known and are not a Python number's."""
    dtype = value.type.dtype
    if dtype is None or dtype.kind not in "fc" or value.type.is_scalar:
        return []
    return [str(np.dtype(dtype.type(0).real.dtype))]


def may_be_complex(instr: Instr, within: frozenset[Function] = frozenset()) -> bool:
    """Does this instruction make, or read, a number known to be complex, or one that may turn out so?"""
    if isinstance(instr, Call) and isinstance(instr.fn, Function):
        graph = instr.fn.graph
        inside = instructions(graph.region) if graph is not None and instr.fn not in within else ()
        if any(may_be_complex(i, within | {instr.fn}) for i in inside):
            return True
    if isinstance(instr, Call) and isinstance(instr.fn, Hashable) and instr.fn in COMPLEX_OF_REAL:
        return True
    dtypes = [a.type.numeric_dtype for a in (*operands(instr), *instr.outs)]
    return any(d is not None and d.kind == "c" for d in dtypes)


def _raises(region: Region) -> bool:
    last = region.body[-1] if region.body else None
    return isinstance(last, Call) and last.fn is raise_error


def gradient(
    graph: Graph, wrt: list[Value], result: Atom, outputs: list[Atom], value_too: bool, check: bool = False
) -> Graph:
    """The closed graph whose results are `outputs` (if `value_too`), then the cotangent of each of `wrt`.

    With `check`, what the backward pass reads is watched.
    """
    closed = closed_gradient(graph, wrt, [(result, Const(1.0))], tuple(outputs) if value_too else ())
    return watched(closed, graph.params) if check else closed


def closed_gradient(
    graph: Graph, wrt: list[Value], seeds: list[tuple[Atom, Any]], outputs: tuple[Atom, ...] = (),
    many: bool = False,
) -> Graph:  # fmt: skip
    """The closed graph that gives `outputs`, then the cotangent of each of `wrt` for those that are seeds.

    A seed that is a value is a further parameter.
    """
    graph = read_where_solved(_cut(graph, wrt, [*outputs, *(atom for atom, _ in seeds)]), everywhere=False)
    primal = primal_values(graph)
    forward, reached, cotangents = sweep(graph, wrt, seeds, many)
    builder = cotangents.b
    grads = finished_all(cotangents, wrt, forward)
    marker = Call((), backward_begins, ())
    body = (*forward, *((marker, *builder.body) if builder.body else ()))
    params = (*graph.params, *(ct for _, ct in seeds if isinstance(ct, Value)))
    combined = replace(graph, region=Region(params, body, (*outputs, *grads)))
    return closed_halves(combined, graph, primal, reached, runs=True)


def _cut(graph: Graph, wrt: list[Value], results: list[Atom]) -> Graph:
    """The graph in which what is checkpointed is a call, of a function of what is needed of it alone."""
    if not any(map(checkpointed, instructions(graph.region))):
        return graph
    keep = may_raise(graph.region)
    keep |= {o for i in instructions(graph.region) if may_fail(i) or form_assumed(i) for o in i.outs}
    slim = dce(replace(graph, region=replace(graph.region, results=tuple(results))), keep)
    cut = segmented(slim, varied(slim.region, wrt))
    return replace(cut, region=replace(cut.region, results=graph.region.results))


def closed_halves(
    combined: Graph, graph: Graph, primal: set[Value], reached: set[Value], runs: bool = False
) -> Graph:
    """The optimised, closed program, in which the user's function still raises where it would.

    If it `runs` as a whole, what is checked in either half is checked.
    """
    combined, keep = read_where_solved(combined), may_raise(graph.region)
    unread = {
        o
        for i in instructions(graph.region)
        if may_fail(i)
        for o in i.outs
        if o not in reached or form_assumed(i)
    } - keep
    unread -= repeats(graph.region)
    if unread:
        unread -= _read_backward(optimize(combined, primal, keep))
    keep |= unread
    closed = fuse(dce(close(optimize(combined, primal, keep)), keep), primal)
    if runs:
        keep -= assured(closed, unread)
    return accumulate(dce(closed, keep), primal)


def _read_backward(graph: Graph) -> set[Value]:
    """What the backward pass reads of the forward pass: it raises there too if computed again."""
    body = graph.region.body
    at = [k for k, i in enumerate(body) if isinstance(i, Call) and i.fn is backward_begins]
    if not at:
        return set()
    return set(free(Region((), body[at[0] + 1 :], graph.region.results)))


def runnable(graph: Graph, first: int, wrt: list[Value]) -> Graph:
    """The graph with every store safe in place, and the results from `first` on the caller's own."""
    return own(inplace(graph), first, tuple(map(bar, wrt)))


def differentiable_again(graph: Graph) -> Graph:
    """A closed derivative as a primal: no marker between its halves, its control flow keyed afresh."""

    def visit(region: Region) -> Region:
        body = []
        for instr in region.body:
            if isinstance(instr, Call) and instr.fn is backward_begins:
                continue
            instr = map_regions(visit, instr)
            body.append(instr if isinstance(instr, (Call, Store)) else replace(instr, key=object()))
        return replace(region, body=tuple(body))

    return replace(graph, region=visit(graph.region))


def _inner_params(instr: Instr) -> list[Value]:
    return [p for part in regions(instr) for p in part.params]


def finished_all(cotangents: Cotangents, wrt: list[Value], forward: Sequence[Instr]) -> list[Atom]:
    """The cotangents handed to the caller. A list whose arrays alone were written still has its form."""
    last = last_versions(Region((), tuple(forward), ()), inside=True)
    found = []
    for value in wrt:
        end = last.get(value, value) if value.type.kind == "list" else value
        if end is not value and value in cotangents.of:
            cotangents.of[end] = cotangents.of[value]
        found.append(finished(cotangents, end))
    return found


def finished(cotangents: Cotangents, value: Value) -> Atom:
    """The cotangent handed to the caller: of the form and dtype of `value`, zeros if nothing flowed back."""
    b = cotangents.b
    ct = cotangents.of.get(value)
    name = f"{value.name}_bar"
    known = value.type
    if ct is None:
        if known.kind == "array":
            return b.call(np.zeros_like, value, name=name)
        if known.kind == "object":  # what a called function saved, or a container
            return b.call(zeros_of, value, name=name, type=OBJECT)
        if known.kind in ("list", "dict"):
            return cotangents.zero(value)
        if known.kind == "unknown":
            return b.call(np.zeros_like, value, name=name)
        return (
            Const(0.0)
            if known.kind in ("float", "complex") or known.dtype is None
            else _cast(b, Const(0.0), known, name)
        )
    atom = cotangents.whole(ct, value)
    if known.kind == "list" and known.elem is not None and known.elem.items is not None:
        return _finished_items(cotangents, value, atom)
    if known.kind == "list" and known.elem is not None and known.elem.kind in ("list", "dict", "array"):
        return _finished_list(cotangents, value, atom)
    if known.kind == "list" and element_of(known).is_scalar and atom.type.kind == "array":
        return b.call(list, atom, name=name, type=Type("list", elem=FLOAT))
    if known.kind == "list" and element_of(known).is_scalar and atom.type.kind == "unknown":
        return b.call(sum_of, cotangents.zero(value), atom, name=name, type=Type("list", elem=FLOAT))
    if known.is_record or known.kind == "tuple" and known.items:
        return _finished_parts(cotangents, value, atom)
    if known.kind == "dict" and known.entries:
        return _finished_entries(cotangents, value, atom)
    if known.kind == "array":
        made = b.made_by(atom, np.broadcast_to)
        if made is not None and made.args[0].type.is_scalar:
            return _filled_with(b, value, made.args[0], name)
        if atom.type.is_scalar:
            return _filled_with(b, value, atom, name)
        if atom.type.kind != "array" or atom.type.rank != known.rank:
            atom = b.call(np.add, b.call(np.zeros_like, value), atom, name=name)
    return _cast(b, atom, known, name, cotangents.sizes)


def _finished_items(cotangents: Cotangents, value: Value, ct: Atom) -> Atom:
    """The cotangents of the items of a list whose items have known parts, each of the form of its part."""
    b = cotangents.b
    elem = value.type.elem
    assert elem is not None and elem.items is not None
    item = Value("item", elem)
    item_ct = Value("item_bar", ct.type.elem or Type())
    with b.region() as body:
        packed = _finished_parts(cotangents, item, item_ct)
    out = Value(bar(value), Type("list", elem=packed.type), True)
    region = Region((item_ct,), tuple(body), (Const(False), packed))
    read_too = item in reaching(region, region.results)
    region = replace(region, params=(item, item_ct)) if read_too else region
    both = (value, ct) if read_too else (ct,)
    b.emit(For((out,), both, (), region, 1, False, NOWHERE, object(), strict=True))
    return out


def _finished_parts(cotangents: Cotangents, value: Value, ct: Atom) -> Atom:
    """The cotangents of the parts of a tuple or an object, each of the form of its part."""
    b = cotangents.b
    known = value.type
    assert known.items is not None
    read = getattr if known.kind == "object" else operator.getitem
    parts: list[Atom] = []
    for k, item in enumerate(known.items):
        part = b.call(read, value, Const(k if known.keys is None else known.keys[k]), type=item)
        assert isinstance(part, Value)
        if not can_vary(part):
            parts.append(Const(None))
            continue
        found = b.call(operator.getitem, ct, Const(k))
        cotangents.of[part] = found
        done = finished(cotangents, part)
        parts.append(b.call(np.copy, done) if done is found and item.kind == "array" else done)
    return b.call(pack_list, *parts)


def _finished_list(cotangents: Cotangents, value: Value, ct: Atom) -> Atom:
    """The cotangents of the items of a list of lists, dicts or arrays, each of the form of its item."""
    b = cotangents.b
    assert value.type.elem is not None
    item, item_ct = Value("item", value.type.elem), Value("item_bar", ct.type.elem or Type())
    with b.region() as body:
        cotangents.of[item] = item_ct
        done = finished(cotangents, item)
    if done is item_ct:
        return ct
    out = Value(bar(value), Type("list", elem=done.type), True)
    region = Region((item, item_ct), tuple(body), (Const(False), done))
    b.emit(For((out,), (value, ct), (), region, 1, False, NOWHERE, object(), strict=True))
    return out


def _finished_entries(cotangents: Cotangents, value: Value, ct: Atom) -> Atom:
    """The cotangents of the values of a dict whose keys are known, in their order."""
    b = cotangents.b
    parts: list[Atom] = []
    for key, known in value.type.entries or ():
        part = b.call(operator.getitem, value, Const(key), type=known)
        assert isinstance(part, Value)
        if not can_vary(part):
            parts.append(Const(None))
            continue
        nested = known.is_record or known.kind in ("list", "dict", "tuple")
        zero = cotangents.zero(part) if nested else Const(0.0)
        cotangents.of[part] = b.call(entry, ct, Const(key), zero, name=bar(part), type=Type())
        parts.append(finished(cotangents, part))
    keys = Const(tuple(key for key, _ in value.type.entries or ()))
    return b.call(pack_dict, keys, *parts, name=bar(value))


def have_other(known: Type, dtype: np.dtype) -> bool:
    """Is this known to be of another dtype?"""
    found = known.numeric_dtype
    return found is not None and found.str != dtype.str


def _filled_with(b: Builder, value: Value, number: Atom, name: str) -> Atom:
    if isinstance(number, Const) and number.value == 1:
        return b.call(np.ones_like, value, name=name)
    return b.call(np.full_like, value, number, name=name)


def _cast(b: Builder, atom: Atom, known: Type, name: str, sizes: frozenset[str] = frozenset()) -> Atom:
    """To the dtype of the value, where it is not known to have it.

    What is known of a cotangent is an upper bound: simplifying `1.0 * x` narrows it to `x`. In a program in
    which the floats of arrays are of several `sizes` it may so be narrower than the value.
    """
    wanted, have = known.dtype, atom.type.numeric_dtype
    narrow = bool(sizes - {"float64"}) or have_other(atom.type, np.dtype(np.float64))
    if known.kind == "float" and (atom.type.kind not in ("float", "number") or narrow):
        if isinstance(atom, Const) and isinstance(atom.value, (int, float)):
            return Const(float(atom.value))
        return b.call(float, atom, name=name)
    if wanted is None or wanted.kind not in "fc":
        return atom
    if len(sizes) > 1 and known.kind == "array" and isinstance(atom, Value):
        return b.call(np.ndarray.astype, atom, Const(wanted), name=name)
    if have is not None and have.str == wanted.str and (known.kind != "number" or atom.type.kind == "number"):
        return atom
    if have is None and wanted.str == np.dtype(np.float64).str and not isinstance(atom, Const):
        return atom
    if known.kind == "array":
        return b.call(np.ndarray.astype, atom, Const(wanted), name=name)
    return b.call(wanted.type, atom, name=name) if known.kind == "number" else atom


def pair(
    graph: Graph,
    wrt: list[Value],
    outputs: list[Atom],
    cts: list[tuple[Atom, Value]],
    name: str,
    callers: tuple[Value, ...] | None = None,
    check: bool = False,
    many: bool = False,
) -> tuple[Graph, Graph]:
    """The forward graph (to `outputs`, then what is saved) and the backward graph (from saved, cts).

    With `callers`, the arrays that belong to the caller, what is saved is safe from later writes into them
    and into the result.
    """

    def combine(graph: Graph) -> Graph:
        graph = read_where_solved(_cut(graph, wrt, [*outputs, *(atom for atom, _ in cts)]), everywhere=False)
        primal = primal_values(graph)
        forward, reached, cotangents = sweep(graph, wrt, list(cts), many)
        grads = finished_all(cotangents, wrt, forward)
        marker = Call((), backward_begins, ())
        region = Region(
            (*graph.params, *(c for _, c in cts)), (*forward, marker, *cotangents.b.body), (*outputs, *grads)
        )
        combined = closed_halves(replace(graph, region=region), graph, primal, reached)
        return watched(combined, graph.params) if check else combined

    front, back = halved(graph, combine, len(outputs), [c for _, c in cts], callers)
    backward = runnable(back, 0, wrt)
    again = not graph.doc or name.endswith(("_forward", "_backward"))
    said = "" if again else f"{graph.doc.rstrip('.')}, and what its pullback needs."
    front = replace(front, name=f"{name}_forward", doc=said)
    return front, replace(backward, name=f"{name}_backward", doc="")


def primal_values(graph: Graph) -> set[Value]:
    """What the user's function itself computes."""
    primal = {o for i in instructions(graph.region) for o in i.outs} | set(graph.params)
    return primal | {p for i in instructions(graph.region) for p in _inner_params(i)}


def halved(
    graph: Graph, combine: Callable[[Graph], Graph], count: int, given: list[Value],
    callers: tuple[Value, ...] | None,
) -> tuple[Graph, Graph]:  # fmt: skip
    """The two functions of the program that `combine` makes of a graph: what runs ahead, and the rest.

    The first gives `count` results and what is saved; the second takes that, and `given`.
    """
    combined = combine(graph)
    body = combined.region.body
    at = next(k for k, i in enumerate(body) if isinstance(i, Call) and i.fn is backward_begins)
    ahead, behind = body[:at], body[at + 1 :]
    results = combined.region.results
    outs, ends = list(results[:count]), list(results[count:])
    back = Region(tuple(given), behind, tuple(ends))
    needed = list(free(back))
    # Of an array that is asked for its form alone, the last version will do, and need not be kept apart.
    last, held = last_versions(Region((), ahead, ())), held_in(back)
    formal = [v for v in needed if v in last and v not in held and v.type.kind not in CONTAINERS]
    back = substitute(back, table := {v: last[v] for v in formal})
    needed = list(dict.fromkeys(table.get(v, v) for v in needed))
    # The form of an array stays what it is, whatever is written into it.
    contents = [v for v in needed if v in held_in(back) or v.type.kind != "array"]
    by_calls = {v for saved in kept_by_calls(Region((), ahead, ())).values() for v in saved}
    copies: list[Instr] = []
    shown: list[Value] = []
    if callers is not None:
        apart = _shown(graph, ahead, contents, callers, outs)
        if apart:
            rest = tuple(v for v in callers if v not in apart)
            return halved(_copied(graph, apart), combine, count, given, rest)
        containers = [v for v in contents if v.type.kind not in _PLAIN or v in by_calls]
        ahead, outs = _handed_out(graph, ahead, outs, callers, containers)
        shown = [*values(outs), *_written(graph, ahead, callers)]
    elif graph.writes or graph.sees:
        pairs = (*graph.writes, *graph.sees)
        shown = [*(graph.params[k] for k, _ in pairs), *values(outs[n] for _, n in pairs)]
    deep = callers is not None and _sees_objects(ahead, callers, shown)
    ahead, parts = _apart(graph, ahead, needed, contents, shown, copies, deep)
    saved = Value("saved", OBJECT, True)
    prefix: tuple[Instr, ...] = ()
    if len(needed) > 1:
        fresh = tuple(Value(v.name, v.type, v.named) for v in needed)
        prefix = (Call(fresh, unpack, (saved, Const(len(needed)))),)
        back = substitute(back, dict(zip(needed, fresh, strict=True)))
        bundle = Value("saved", Type("tuple", items=tuple(v.type for v in needed)), True)
        kept: Atom = bundle
        ahead = (*ahead, *copies, Call((bundle,), pack_tuple, tuple(parts)))
    elif needed:
        taken = {v.name for v in given}
        label = next(n for n in _numbered(needed[0].name) if n not in taken)
        saved = Value(label, needed[0].type, needed[0].named)
        back = substitute(back, {needed[0]: saved})
        ahead = (*ahead, *copies)
        kept = parts[0]
    else:
        kept = Const(None)
    back = replace(back, params=(saved, *back.params), body=(*prefix, *back.body))
    copied = [v for c in copies if isinstance(c, Call) for v in values(c.args) if v.type.maybe_unbound]
    front = replace(graph, region=filled(Region(graph.params, ahead, (*outs, kept)), copied))
    front = inplace(front, [v for v in parts if v.type.kind not in _PLAIN or v in by_calls], shown)
    return front, replace(graph, region=back, captures=(), writes=(), sees=())


_PLAIN = SCALARS | {"array"}
CONTAINERS = frozenset({"list", "dict", "object"})


def _handed_out(
    graph: Graph, ahead: tuple[Instr, ...], outs: list[Atom], callers: tuple[Value, ...],
    containers: list[Value],
) -> tuple[tuple[Instr, ...], list[Atom]]:  # fmt: skip
    """The results, as copies where a container that is saved keeps what they see: one copy, not one a turn.

    What belongs to the caller, or is seen by two results, is handed out as it is.
    """
    region = Region(graph.params, ahead, tuple(outs))
    flows = liveness(region).flows
    sources: dict[Value, list[Value]] = {}
    for a, seen in flows.items():
        for b in seen:
            sources.setdefault(b, []).append(a)
    families = [reach(list(reach(list(values((out,))), sources)), flows) for out in outs]
    inside = captured(region, containers)
    copies: list[Instr] = []
    handed: list[Atom] = []
    for k, (out, family) in enumerate(zip(outs, families, strict=True)):
        others = set(callers).union(*families[:k], *families[k + 1 :])
        if isinstance(out, Value) and out.type.kind == "array" and family & inside and not family & others:
            fresh = Value(out.name, out.type, out.named)
            copies.append(Call((fresh,), np.copy, (out,)))
            out = fresh
        handed.append(out)
    return (*ahead, *copies), handed


def _written(graph: Graph, ahead: tuple[Instr, ...], callers: tuple[Value, ...]) -> list[Value]:
    """Those of the caller's arrays that the function writes, as the caller sees."""
    live = liveness(Region(graph.params, ahead, ()))
    flows = {v: [*live.flows.get(v, ()), *live.turns.get(v, ())] for v in (*live.flows, *live.turns)}
    seen = (i for i in instructions(Region((), ahead, ())) if not isinstance(i, Store) or i.visible)
    targets = {target for i in seen for target, _ in changes(i)}
    return [v for v in callers if not targets.isdisjoint(reach([v], flows))]


def _shown(
    graph: Graph, ahead: tuple[Instr, ...], needed: list[Value], callers: tuple[Value, ...],
    outs: list[Atom],
) -> set[Value]:  # fmt: skip
    """Those of the caller's arrays, not written here, that something saved may be, or see.

    Those alone that the caller does not find again, whole or in parts, where it gets something.
    """
    region = Region(graph.params, ahead, tuple(needed))
    flows = {v: list(outs) for v, outs in liveness(region).flows.items()}
    for value, saved in kept_by_calls(region).items():
        flows.setdefault(value, []).extend(saved)
    kept, written = set(needed), _written(graph, ahead, callers)
    theirs = [v for v in callers if v.type.kind in ("array", "list", "unknown") and v not in written]
    handed = {a for i in instructions(region) for a in handed_over(i)}
    ahead_of = {v: reach([v], flows) for v in theirs}
    given = {v: handed | set(values(outs)) if v.type.kind == "list" else handed for v in theirs}
    seen = {v for v in theirs if not given[v].isdisjoint(ahead_of[v])}
    return {v for v in theirs if v not in seen and not kept.isdisjoint(ahead_of[v])}


def _sees_objects(ahead: tuple[Instr, ...], callers: tuple[Value, ...], shown: list[Value]) -> bool:
    """Does the caller find what was computed in an object of its own, or write into one that is saved?"""
    region = Region((), ahead, ())
    if any(map(handed_over, instructions(region))):
        return True
    lists = [v for v in callers if v.type.kind in CONTAINERS]
    flows = liveness(region).flows
    return any(not reach([v], flows).isdisjoint(shown) for v in lists)


def _copied(graph: Graph, shown: set[Value]) -> Graph:
    """The graph that works on copies of some of its arguments."""
    table: dict[Value, Atom] = {}
    copies: dict[Value, Instr] = {}
    given: dict[Value, Value] = {}  # a list, whose length may change too, is the copy throughout
    for value in shown:
        fresh = Value(value.name, value.type, value.named)
        if value.type.kind == "list":
            given[value] = fresh
            copies[value] = Call((value,), whole_copier(value.type), (fresh,))
        else:
            table[value] = fresh
            copies[value] = Call((fresh,), copier(value), (value,))
    params = tuple(given.get(p, p) for p in graph.params)
    graph = replace(graph, region=replace(graph.region, params=params))
    lists = {fresh: value for value, fresh in given.items()}
    body: list[Instr] = [copies[q] for p in graph.params if (q := lists.get(p, p)) in copies]
    for instr in graph.region.body:
        instr = replace(instr, outs=tuple(given.get(o, o) for o in instr.outs))
        body.append(substitute_in(instr, table))
        body.extend(copies[lists[o]] for o in instr.outs if o in lists)
        body.extend(copies[o] for o in instr.outs if o in copies)
    return replace(
        graph, region=replace(graph.region, body=tuple(body), results=swap(graph.region.results, table))
    )


def _apart(
    graph: Graph, ahead: tuple[Instr, ...], needed: list[Value], contents: list[Value],
    shown: Sequence[Value], copies: list[Instr], deep: bool,
) -> tuple[tuple[Instr, ...], list[Value]]:  # fmt: skip
    """What is saved: an array that is read for what it holds is a copy where it sees memory of `shown`.

    With `deep`, all that could be written into is.
    """
    live = liveness(Region(graph.params, ahead, (*shown, *needed)))
    sources: dict[Value, list[Value]] = {}
    for a, flows in live.flows.items():
        for b in flows:
            sources.setdefault(b, []).append(a)
    given = reach(list(reach(list(shown), sources)), live.flows) & set(contents)
    parts = []
    for value in needed:
        if deep and value.type.kind in MUTABLE - {"array"}:
            fresh = Value(value.name, value.type, value.named)
            copies.append(Call((fresh,), copy.deepcopy, (value,)))
            parts.append(fresh)
            continue
        if not deep and value not in given or value.type.kind not in ("array", "unknown"):
            parts.append(value)
            continue
        owner = next((i for i in ahead if value in i.outs), None)
        if value.type.maybe_unbound and isinstance(owner, (If, For, While)):
            # What may not be there is copied where it is made.
            ahead = copy_results(Region((), ahead, ()), owner, owner.outs.index(value)).body
        else:
            fresh = Value(value.name, value.type, value.named)
            copies.append(Call((fresh,), copier(value), (value,)))
            value = fresh
        parts.append(value)
    return ahead, parts


def derive_function(
    function: Function, active: tuple[bool, ...], seeded: tuple[bool, ...], many: bool = False
) -> tuple[Function, Function]:
    """The forward and backward functions of a callee, for its active arguments and seeded results."""
    known: tuple[Function, Function] | None = function.derived.get((active, seeded, many))
    if known is not None:
        return known
    forward = Function(f"{function.name}_forward", function.fn, UNKNOWN, function.writes, function.sees)
    backward = Function(f"{function.name}_backward", function.fn)
    forward.keeps = True
    function.derived[active, seeded, many] = (forward, backward)
    assert function.graph is not None, "a function is derived after it has been lowered"
    graph = differentiable_again(function.graph)
    wrt = [p for p, on in zip(graph.params, active, strict=True) if on]
    cts = _seeds(graph, function, seeded)
    forward.graph, backward.graph = pair(
        graph, wrt, list(graph.region.results), cts, function.name, many=many
    )
    return forward, backward


def _numbered(name: str) -> Iterator[str]:
    yield name
    yield from (f"{name}_{k}" for k in itertools.count(1))


def derive_replay(
    function: Function, active: tuple[bool, ...], seeded: tuple[bool, ...], scheduling: bool,
    many: bool = False,
) -> Replay:  # fmt: skip
    """How a callee is run again, for its active arguments and seeded results."""
    key = ("replay", active, seeded, scheduling, many)
    known: Replay | None = function.derived.get(key)
    if known is not None:
        return known
    wanted = sum(active)
    if scheduling:  # the turns, as many that are carried as there are results, the rest
        vjp = derive_replay(function, active, seeded, False, many)
        again = scheduled(function, vjp, seeded, active[1 + len(seeded) :])
        known = Replay(again, (True,) * (len(active) + 1 + sum(seeded)), (None,) * wanted)
        function.derived[key] = known
        return known
    name = f"{function.name}_vjp"
    adjoint = Function(name, function.fn)
    # A function that calls itself takes and gives everything.
    everything = Replay(adjoint, (True,) * (len(active) + sum(seeded)), (None,) * wanted)
    function.derived[key] = everything
    assert function.graph is not None, "a function is derived after it has been lowered"
    graph = quiet(differentiable_again(function.graph))
    wrt = [p for p, on in zip(graph.params, active, strict=True) if on]
    seeds = _seeds(graph, function, seeded, [p.name for p in graph.params])
    derived = closed_gradient(graph, wrt, list(seeds), many=many)
    known, derived, wrt = _slim(everything, derived, wrt, [ct for _, ct in seeds])
    function.derived[key] = known
    doc = f"Cotangents of the arguments of `{function.name}`, which is run again."
    derived = replace(derived, region=on_copies(derived.region))
    adjoint.graph = replace(runnable(derived, 0, wrt), name=name, captures=(), doc=doc)
    return known


def _slim(
    replay: Replay, graph: Graph, wrt: list[Value], cts: list[Value]
) -> tuple[Replay, Graph, list[Value]]:
    """The replay that takes what it reads and gives what it makes; as it is if it has called itself."""
    region = graph.region
    if any(isinstance(i, Call) and i.fn is replay.function for i in instructions(region)):
        return replay, graph, wrt
    passed = tuple(cts.index(r) if isinstance(r, Value) and r in cts else None for r in region.results)
    made = [k for k, p in enumerate(passed) if p is None]
    results = tuple(region.results[k] for k in made)
    read = free(Region((), region.body, results))
    reads = tuple(p in read for p in region.params)
    params = tuple(p for p in region.params if p in read)
    slim = replace(graph, region=Region(params, region.body, results))
    return Replay(replay.function, reads, passed), slim, [wrt[k] for k in made]


def _seeds(
    graph: Graph, function: Function, seeded: tuple[bool, ...], names: Iterable[str] = ()
) -> list[tuple[Atom, Value]]:
    """The results of a callee that something flows back to, with the parameters that their cotangents are.

    These stand beside parameters of other `names`.
    """
    results = list(graph.region.results)
    changed = {n for _, n in function.writes}
    cts: list[tuple[Atom, Value]] = []
    for n, (result, on) in enumerate(zip(results, seeded, strict=True)):
        if on:
            several = len(results) > 1 or n in changed or function.fn is None
            label = result.name if isinstance(result, Value) and several else function.name
            label = label if label.isidentifier() else "item"
            taken = [*names, *(ct.name for _, ct in cts)]
            name = next(n for n in _numbered(f"{label}_bar") if n not in taken)
            cts.append((result, Value(name, cotangent_type(result.type), True)))
    return cts


def listed(names: list[str]) -> str:
    """Names in a sentence: `a, b and c`."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}" if names else ""


def derive_gradient(function: Function, wrt: tuple[int, ...] = (0,), kept: tuple[int, ...] = ()) -> Function:
    """The function that gives the derivatives of a callee's first result with respect to its arguments `wrt`.

    Those of the callee's own results that are `kept` come before them.
    """
    key: Any = ("gradient", wrt, kept)
    known: Any = function.derived.get(key)
    if known is None:
        assert function.graph is not None, "a function is derived after it has been lowered"
        graph = differentiable_again(function.graph)
        params = [graph.params[k] for k in wrt]
        results = graph.region.results
        place = {n: k for k, n in enumerate(kept)}
        writes, sees = (
            tuple((p, place[n]) for p, n in pairs if n in place) for pairs in (function.writes, function.sees)
        )
        handed = replace(graph, writes=writes, sees=sees)
        derived = gradient(handed, params, results[0], [results[n] for n in kept], bool(kept))
        value_too = 0 in place
        named = "value_and_grad" if value_too else "grad"
        name = f"{function.name}_{named}" if wrt[:1] == (0,) else f"{function.name}_{named}_{params[0].name}"
        known = function.derived[key] = Function(name, function.fn, params[0].type)
        known.writes, known.sees = writes, sees
        said = "Value of `{}`, and its gradient" if value_too else "Gradient of `{}`"
        doc = f"{said.format(function.name)} with respect to {listed([p.name for p in params])}."
        derived = runnable(replace(derived, doc=doc), len(kept), params)
        known.graph = replace(differentiable_again(derived), name=name)
    return known  # type: ignore[no-any-return]

