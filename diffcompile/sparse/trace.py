"""A graph, run on values, and what each number of its results depends on.

    y = x[1:] * x[:-1]        values: [2., 6.]      nodes: [{x[0], x[1]}, {x[1], x[2]}]

The primal runs step by step beside its shadow (`shadows.py`): loops turn as often as they do, the branch that
is taken is the one that counts, an index selects what it selects. What is derived of it holds for these
arguments; `varies` says whether other values of the arguments of which it is derived could change it. The
graph is one whose stores run in place. This is the index domain propagation of Walther (2008, Computing
sparse Hessians with automatic differentiation, section 2), whose index sets are formed at the end.
"""

from __future__ import annotations

import builtins
import operator
import random
from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..analysis.effects import draws
from ..errors import WrongArgument
from ..ir.graph import (
    Atom,
    Call,
    Const,
    For,
    Function,
    Graph,
    Hook,
    If,
    Instr,
    Into,
    Method,
    Region,
    Step,
    Store,
    Try,
    Value,
    While,
    pack_dict,
    pack_function,
    pack_list,
    pack_object,
    pack_slice,
    pack_tuple,
    unpack,
    write_outside,
)
from ..rules.register import REGISTRY, of_others
from .dependencies import NUMBER, Dependencies, Nodes
from .functions import (
    FORM_ONLY,
    HANDLERS,
    STEPS,
    Applied,
    Handler,
    elementwise,
    everything,
    handler,
    is_elementwise,
)
from .shadows import Attributes, Shadow, Whole, blank, carries, filled, is_blank, nodes_in, nodes_of

# A value of the program, its shadow, and whether it may differ where the arguments do.
Seen = tuple[Any, Shadow, bool]
_PACKS = frozenset({pack_tuple, pack_list, pack_dict, pack_object})
_PLAIN = frozenset({*_PACKS, pack_slice, unpack})


class UntracedError(BaseException):
    """The program does something that is not followed here: every result may depend on every argument."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What is known of a function: is it elementwise, is what it gives constant almost everywhere, does no
    argument of it say what it does, does it see the form of its arguments alone, is it not known at all, does
    it draw random numbers."""

    elementwise: bool
    still: bool
    plain: bool
    form_only: bool
    unknown: bool
    draws: bool
    handler: Handler


class Trace:
    """One run: the nodes so far, and whether the run would be another for other values."""

    def __init__(self, size: int) -> None:
        self.deps = Dependencies(size)
        self.varies = False
        self.kinds: dict[Any, Kind] = {}

    def run(self, graph: Graph, args: list[Seen]) -> list[Seen]:
        """The results of a graph."""
        return self.region(graph.region, args, {})

    def region(self, region: Region, args: list[Seen], known: dict[Value, Seen]) -> list[Seen]:
        known.update(zip(region.params, args, strict=True))
        for instr in region.body:
            self.instr(instr, known)
        return [self.atom(a, known) for a in region.results]

    def atom(self, atom: Atom, known: dict[Value, Seen]) -> Seen:
        return (atom.value, None, False) if isinstance(atom, Const) else known[atom]

    def instr(self, instr: Instr, known: dict[Value, Seen]) -> None:
        match instr:
            case Call():
                self.call(instr, known)
            case Store():
                self.store(instr, known)
            case If():
                test = self.atom(instr.test, known)
                self.decided(test)
                part = instr.then if test[0] else instr.orelse
                known.update(zip(instr.outs, self.region(part, [], known), strict=True))
            case For():
                self.loop(instr, known)
            case While():
                self.turns(instr, known)
            case Try():
                self.attempt(instr, known)

    def decided(self, seen: Seen) -> None:
        """What the program does next depends on this value."""
        if seen[2]:
            self.varies = True

    # -- calls ----------------------------------------------------------------------------------------------

    def call(self, instr: Call, known: dict[Value, Seen]) -> None:
        fn = instr.fn
        args = [self.atom(a, known) for a in instr.args]
        if isinstance(fn, Function):
            assert fn.graph is not None, "a function is run after it has been lowered"
            known.update(zip(instr.outs, self.region(fn.graph.region, args, {}), strict=True))
            return
        if fn is pack_function:
            known[instr.outs[0]] = self.packed(args)
            return
        if fn is builtins.print or fn is write_outside:
            known.update((out, (None, None, False)) for out in instr.outs)
            return
        kind = self.kind(fn)
        if kind.draws or isinstance(fn, Method):
            self.drawn(instr, args)
        named = {k: self.atom(a, known) for k, a in instr.kwargs}
        values, options = tuple([a[0] for a in args]), {k: a[0] for k, a in named.items()}
        out = _called(fn, values, options)
        seen = self.seen(kind, fn, out, args, named)
        if len(instr.outs) < 2 and fn is not unpack:
            known.update((o, seen) for o in instr.outs)
            return
        many = isinstance(seen[1], (tuple, list))
        shadows = seen[1] if many else [filled(part, _whole(seen[1])) for part in out]
        for value, part, shadow in zip(instr.outs, out, shadows, strict=True):
            known[value] = part, shadow, seen[2]

    def drawn(self, instr: Call, args: list[Seen]) -> None:
        """A random number is drawn, from a generator that is a copy."""
        generator = bool(args) and isinstance(args[0][0], GENERATORS)
        if draws(instr.fn) and not generator:
            raise WrongArgument(
                "the sparsity of a function that draws from the generator that all share", instr.line,
                "Pass a generator: `np.random.default_rng(0)`.",
            )  # fmt: skip
        self.varies = self.varies or generator

    def seen(self, kind: Kind, fn: Any, out: Any, args: list[Seen], named: dict[str, Seen]) -> Seen:
        """What a call gave, with its shadow."""
        given = [*args, *named.values()] if named else args
        active = moving = False
        for _, shadow, moves in given:
            active = active or shadow is not None
            moving = moving or moves
        if not moving or kind.form_only:
            return out, None, False
        if not kind.plain:
            self.guided(kind, fn, args, named)
        if not active or kind.still or not carries(out):
            return out, None, True
        if kind.elementwise and type(out) in _FLOATS and all(type(s) in _NODE for _, s, _ in given):
            node = 0
            for _, shadow, _ in given:
                node = self.deps.union(node, shadow or 0)
            return out, node or None, True
        if isinstance(fn, Hook):
            return out, args[0][1], True
        applied = Applied(
            self.deps, fn, out, tuple([a[0] for a in args]), tuple([a[1] for a in args]),
            {k: a[0] for k, a in named.items()}, {k: a[1] for k, a in named.items()},
            tuple([not a[2] for a in args]),
        )  # fmt: skip
        try:
            shadow = kind.handler(applied)
        except _ASTRAY:
            shadow, self.varies = everything(applied), True
        if not isinstance(out, (np.ndarray, list, dict)) and is_blank(shadow):
            shadow = None  # what may be written into keeps a shadow that is written into
        return out, shadow, True

    def kind(self, fn: Any) -> Kind:
        """What is known of a function."""
        if not isinstance(fn, Hashable):
            return Kind(False, False, False, False, True, draws(fn), everything)
        found = self.kinds.get(fn)
        if found is None:
            how = handler(fn)
            still = fn in REGISTRY.zero or fn in STEPS and not of_others(fn)
            plain = is_elementwise(fn) or fn in STEPS or fn in _PLAIN or isinstance(fn, Hook)
            unknown = how is everything and fn not in HANDLERS and not still
            found = self.kinds[fn] = Kind(
                how is elementwise, still, plain, fn in FORM_ONLY, unknown, draws(fn), how
            )  # fmt: skip
        return found

    def guided(self, kind: Kind, fn: Any, args: list[Seen], named: dict[str, Seen]) -> None:
        """Does a value that moves say what the function does, rather than on what?"""
        if kind.unknown:
            self.varies = True
        for k, (value, shadow, moves) in enumerate((*args, *named.values())):
            mask = k == 0 and fn is np.where and len(args) == 3
            if moves and not mask and (kind.still or shadow is None and not _inert(value)):
                self.varies = True

    def packed(self, args: list[Seen]) -> Seen:
        """A function of the user as a value, for a solver; what it captured is what it depends on."""
        function, *captured = args
        graph = function[0].graph

        def called(*given: Any) -> Any:
            inner = [(value, None, True) for value in given]
            results = Trace(0).region(graph.region, [*inner, *((v, None, True) for v, _, _ in captured)], {})
            return results[0][0] if len(results) == 1 else tuple(r[0] for r in results)

        node = self.deps.together(_all([c[1] for c in captured]))
        self.varies = self.varies or any(c[2] for c in captured)
        return called, Whole(node) if node else None, any(c[2] for c in captured)

    # -- stores ---------------------------------------------------------------------------------------------

    def store(self, instr: Store, known: dict[Value, Seen]) -> None:
        target, shadow, moves = self.atom(instr.target, known)
        args = [self.atom(a, known) for a in instr.args]
        named = {k: self.atom(a, known) for k, a in instr.kwargs}
        steps = [self.step(step, known) for step in instr.path]
        given = [*args, *named.values()]
        for fn, inner, _ in steps:
            if fn is operator.getitem:
                self.decided(inner[0])
        if instr.fn is operator.setitem:
            self.decided(args[0])
        elif instr.fn not in _AUGMENTED:
            for seen in given:
                if seen[2] and seen[1] is None:
                    self.varies = True
        part, parts = target, [target]
        for fn, inner, options in steps:
            part = _stepped(fn, part, [a[0] for a in inner], options)
            parts.append(part)
        active = shadow is not None or any(s is not None for _, s, _ in given)
        way = self.followed(target, shadow, parts, steps, instr.fn) if active else []
        returned = instr.fn(part, *(a[0] for a in args), **{k: a[0] for k, a in named.items()})
        if instr.fn in _AUGMENTED and steps and steps[-1][0] is operator.getitem:
            parts[-2][steps[-1][1][0][0]] = returned
        gave: Shadow = None
        if active:
            try:
                shadow, gave = self.shade(instr.fn, way, part, steps, args, named, returned)
            except _ASTRAY as cause:
                raise UntracedError("a write that is not followed") from cause
        moves = moves or any(m for _, _, m in given)
        known.update(zip(instr.outs, ((target, shadow, moves), (returned, gave, moves)), strict=False))

    def step(self, step: Step, known: dict[Value, Seen]) -> tuple[Any, list[Seen], dict[str, Any]]:
        inner = [self.atom(a, known) for a in step.args]
        return step.fn, inner, {k: self.atom(a, known)[0] for k, a in step.kwargs}

    def followed(
        self, target: Any, shadow: Shadow, parts: list[Any], steps: list[Any], fn: Any
    ) -> list[Shadow]:
        """The shadows along the way to what is about to be written: those that were none are blank now."""
        if shadow is None:
            shadow = blank(target)
        way = [shadow]
        if isinstance(shadow, Whole):
            return way
        for k, (step, given, options) in enumerate(steps):
            inner = way[-1]
            try:
                found = _stepped(step, inner, [a[0] for a in given], options)
                if found is None:
                    found = blank(parts[k + 1])
                    inner[given[0][0]] = found
            except _ASTRAY as cause:
                raise UntracedError("a write that is not followed") from cause
            if isinstance(found, Whole):
                raise UntracedError("a write into an object that is not looked into")
            put_back = k == len(steps) - 1 and step is operator.getitem and fn in _AUGMENTED
            if isinstance(inner, np.ndarray) and not put_back and not np.may_share_memory(found, inner):
                raise UntracedError("a write through what is no view of the nodes")
            way.append(found)
        return way

    def shade(
        self, fn: Any, way: list[Shadow], part: Any, steps: list[Any], args: list[Seen],
        named: dict[str, Seen], returned: Any,
    ) -> tuple[Shadow, Shadow]:  # fmt: skip
        """Write into the shadow what was written into the target: it, and that of what was returned."""
        if isinstance(way[0], Whole):
            node = self.deps.together(_all([way[0], *(s for _, s, _ in (*args, *named.values()))]))
            return Whole(node), filled(returned, node)
        if not (steps and steps[-1][0] is operator.getitem and fn in _AUGMENTED):
            return way[0], self.written(fn, part, way[-1], args, named, returned)
        made, inner, index = self.augmented(fn, part, way[-1], args), way[-2], steps[-1][1][0][0]
        if isinstance(inner, np.ndarray) and not isinstance(made, int):
            self.put(inner, index, made, False)
        else:
            inner[index] = made
        return way[0], None

    def augmented(self, fn: Any, part: Any, shadow: Shadow, args: list[Seen]) -> Shadow:
        """The shadow of `part += value`, to be put where that of `part` was."""
        if isinstance(part, list):
            shadow += _items(args[0])
            return shadow
        value, given, _ = args[0]
        shadow = int(shadow) if isinstance(shadow, np.generic) else shadow
        if type(shadow) in _NODE and type(given) in _NODE and not isinstance(value, np.ndarray):
            return self.deps.union(shadow or 0, given or 0)
        nodes = nodes_of(part, shadow)
        if fn not in _ELEMENTWISE_WRITES:
            return filled(part, self.deps.together(_all([nodes, given])))
        joined = self.deps.joined(nodes, np.broadcast_to(nodes_of(value, given), np.shape(part)))
        return joined if isinstance(part, np.ndarray) else int(joined)

    def written(
        self, fn: Any, part: Any, shadow: Any, args: list[Seen], named: dict[str, Seen], returned: Any
    ) -> Shadow:
        """Write into the shadow of `part`, in place, what `fn` wrote into it; what it returned."""
        if fn in _AUGMENTED:
            found = self.augmented(fn, part, shadow, args)
            if isinstance(part, np.ndarray):
                shadow[...] = found
        elif isinstance(shadow, np.ndarray):
            self.written_array(fn, shadow, args, named)
        elif isinstance(shadow, list) and fn in _LISTS:
            return self.written_list(fn, shadow, args)
        elif isinstance(shadow, dict) and not isinstance(shadow, Attributes) and fn is operator.setitem:
            shadow[args[0][0]] = args[1][1]
        elif isinstance(shadow, list) and fn is operator.setitem:
            shadow[args[0][0]] = _items(args[1]) if isinstance(args[0][0], slice) else args[1][1]
        elif isinstance(shadow, Attributes) and fn is setattr:
            shadow[args[0][0]] = args[1][1]
        elif isinstance(shadow, (list, dict)) and not isinstance(shadow, Attributes):
            node = self.deps.together(_all([shadow, *(s for _, s, _ in (*args, *named.values()))]))
            made = filled(part, node) or blank(part)
            shadow.clear()
            if isinstance(shadow, list):
                shadow.extend(made)
            else:
                shadow.update(made)
            return filled(returned, node)
        else:
            raise UntracedError("a write that is not followed")
        return None

    def written_list(self, fn: Any, shadow: list[Any], args: list[Seen]) -> Shadow:
        if fn is list.append:
            shadow.append(args[0][1])
        elif fn is list.insert:
            shadow.insert(args[0][0], args[1][1])
        elif fn is list.extend:
            shadow.extend(_items(args[0]))
        else:
            return fn(shadow, *(a[0] for a in args))
        return None

    def written_array(self, fn: Any, nodes: Nodes, args: list[Seen], named: dict[str, Seen]) -> None:
        owner, name = getattr(fn, "__self__", None), getattr(fn, "__name__", "")
        if fn is operator.setitem:
            self.put(nodes, args[0][0], nodes_of(*args[1][:2]), False)
        elif isinstance(owner, np.ufunc) and name == "at":
            if len(args) > 1:
                self.put(nodes, args[0][0], nodes_of(*args[1][:2]), True)
        elif fn is np.ndarray.fill:
            nodes[...] = nodes_of(*args[0][:2])
        elif isinstance(fn, Into) and is_elementwise(fn.fn):
            joined = nodes if "where" in named else np.zeros(nodes.shape, NUMBER)
            for value, shadow, _ in args:
                joined = self.deps.joined(joined, np.broadcast_to(nodes_of(value, shadow), nodes.shape))
            nodes[...] = joined
        else:
            given = [s for _, s, _ in (*args, *named.values())]
            nodes[...] = self.deps.together(_all([nodes, *given]))

    def put(self, nodes: Nodes, index: Any, value: Nodes, added: bool) -> None:
        """`x[index] = value`, or `np.add.at(x, index, value)`, where an index may select an element twice."""
        if not any(map(_lists_places, index if isinstance(index, tuple) else (index,))):
            nodes[index] = self.deps.joined(nodes[index], value) if added else value
            return
        places = np.arange(nodes.size, dtype=NUMBER).reshape(nodes.shape)[index]
        distinct, which = np.unique(places, return_inverse=True)
        if np.ndim(value) > np.ndim(places):
            value = value.reshape(value.shape[np.ndim(value) - np.ndim(places) :])
        value = np.broadcast_to(value, places.shape).ravel()
        places, which = places.ravel(), which.ravel()
        if len(distinct) == len(places):
            nodes.flat[places] = self.deps.joined(nodes.flat[places], value) if added else value
            return
        found = self.deps.fresh(distinct.shape)
        self.deps.connect(found[which], value)
        reached = np.zeros(distinct.shape, bool)
        reached[which[value > 0]] = True
        if added:
            self.deps.connect(found, nodes.flat[distinct])
            reached |= nodes.flat[distinct] > 0
        nodes.flat[distinct] = np.where(reached, found, 0)

    # -- control flow ---------------------------------------------------------------------------------------

    def loop(self, instr: For, known: dict[Value, Seen]) -> None:
        sources = [self.atom(a, known) for a in instr.items]
        for value, shadow, moves in sources:
            if moves and not (shadow is not None and isinstance(value, (np.ndarray, list, tuple))):
                self.varies = True  # so many turns, or such
        rows = zip(*(_turns(s, instr.backwards) for s in sources), strict=False)
        carried = [self.atom(a, known) for a in instr.init]
        saved: list[tuple[list[Any], list[Shadow]]] = [([], []) for _ in range(instr.saves)]
        moving = False
        for row in rows:
            leave, moved = self.turn(instr.body, [*row, *carried], carried, saved, known)
            moving = moving or moved
            if leave:
                break
        self.ended(instr, carried, saved, moving, known)

    def turns(self, instr: While, known: dict[Value, Seen]) -> None:
        carried = [self.atom(a, known) for a in instr.init]
        saved: list[tuple[list[Any], list[Shadow]]] = [([], []) for _ in range(instr.saves)]
        moving = False
        while True:
            (test,) = self.region(instr.cond, carried, known)
            self.decided(test)
            if not test[0]:
                break
            leave, moved = self.turn(instr.body, carried, carried, saved, known)
            moving = moving or moved
            if leave:
                break
        self.ended(instr, carried, saved, moving, known)

    def turn(
        self, body: Region, args: list[Seen], carried: list[Seen],
        saved: list[tuple[list[Any], list[Shadow]]], known: dict[Value, Seen],
    ) -> tuple[bool, bool]:  # fmt: skip
        """One turn: is the loop left, and does anything move that it saved?"""
        results = self.region(body, args, known)
        count = len(carried)
        carried[:] = results[:count]
        for (values, shadows), (value, shadow, _) in zip(saved, results[count + 1 :], strict=True):
            values.append(value)
            shadows.append(shadow)
        self.decided(results[count])
        return bool(results[count][0]), any(r[2] for r in results[count + 1 :])

    def ended(
        self, instr: For | While, carried: list[Seen], saved: list[tuple[list[Any], list[Shadow]]],
        moving: bool, known: dict[Value, Seen],
    ) -> None:  # fmt: skip
        kept = [(values, shadows, moving) for values, shadows in saved]
        known.update(zip(instr.outs, (*carried, *kept), strict=True))

    def attempt(self, instr: Try, known: dict[Value, Seen]) -> None:
        manager = self.atom(instr.manager, known)[0]
        self.varies = self.varies or bool(instr.classes)
        try:
            if manager is None:
                results = self.region(instr.body, [], known)
            else:
                with manager as entered:
                    given: list[Seen] = [(entered, None, False)] if instr.body.params else []
                    results = self.region(instr.body, given, known)
        except instr.classes as error:
            otherwise = [self.atom(a, known) for a in instr.otherwise]
            known.update(zip(instr.outs, (*otherwise, (error, None, True)), strict=True))
            return
        known.update(zip(instr.outs, (*results, (None, None, False)), strict=True))


_ASTRAY = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
_NODE = frozenset({int, type(None)})
_FLOATS = frozenset({float, np.float64})
GENERATORS = (np.random.Generator, np.random.RandomState, random.Random)
_ELEMENTWISE_WRITES = frozenset({
    operator.iadd, operator.isub, operator.imul, operator.itruediv, operator.ipow, operator.imod,
    operator.ifloordiv,
})  # fmt: skip
# `x[i] += v` sets what it has made of x[i].
_AUGMENTED = _ELEMENTWISE_WRITES | {
    operator.imatmul, operator.iand, operator.ior, operator.ixor, operator.ilshift, operator.irshift,
    operator.iconcat,
}  # fmt: skip
_LISTS = frozenset({list.append, list.insert, list.extend, list.pop, list.reverse, list.clear})


def _inert(value: Any) -> bool:
    """Is this an array of floats or a float, rather than what an option or an index is?"""
    return isinstance(value, (np.ndarray, float, np.floating)) and carries(value)


def _lists_places(index: Any) -> bool:
    """Is this part of an index an array or a list of positions?"""
    return not isinstance(index, (int, slice)) and np.ndim(index) > 0 and np.asarray(index).dtype.kind != "b"


def _whole(shadow: Shadow) -> int:
    return shadow.node if isinstance(shadow, Whole) else shadow or 0


def _all(shadows: list[Shadow]) -> Nodes:
    pieces = [piece for shadow in shadows for piece in nodes_in(shadow)]
    return np.concatenate(pieces) if pieces else np.zeros(0, NUMBER)


def _stepped(fn: Any, part: Any, given: list[Any], options: dict[str, Any]) -> Any:
    """One step of the way to what is written, for the values and for their shadows."""
    if isinstance(part, Attributes):
        return part.get(given[0])
    return _called(fn, (part, *given), options)


def _called(fn: Any, values: tuple[Any, ...], options: dict[str, Any]) -> Any:
    """What an operation gives: methods and attributes of arrays are those of NumPy's scalars too."""
    owner = getattr(fn, "__objclass__", None)
    if owner is np.ndarray and not isinstance(values[0], np.ndarray):
        found = getattr(values[0], fn.__name__)
        return found(*values[1:], **options) if callable(fn) else found
    return fn(*values, **options) if callable(fn) else fn.__get__(values[0])


def _items(seen: Seen) -> list[Shadow]:
    """The shadows of the items of a sequence."""
    value, shadow, _ = seen
    if isinstance(shadow, np.ndarray):
        return [row if row.ndim else int(row) or None for row in map(np.asarray, shadow)]
    if isinstance(shadow, (list, tuple)):
        return list(shadow)
    return [filled(item, _whole(shadow)) for item in value]


def _turns(seen: Seen, backwards: bool) -> Iterator[Seen]:
    """The items of what a loop runs over."""
    value, shadow, moves = seen
    if isinstance(value, (np.ndarray, list, tuple)) and isinstance(shadow, (np.ndarray, list, tuple)):
        rows, shades = (reversed(value), reversed(shadow)) if backwards else (iter(value), iter(shadow))
        for row, shade in zip(rows, shades, strict=True):
            if isinstance(shade, np.generic):
                shade = int(shade) or None
            yield row, shade, moves
        return
    node = _whole(shadow) if not isinstance(shadow, (dict, np.ndarray)) else 0
    if isinstance(shadow, (np.ndarray, dict)) and not isinstance(value, dict):
        raise UntracedError("a loop over something of another form")
    for row in reversed(value) if backwards else value:
        yield row, filled(row, node), moves
