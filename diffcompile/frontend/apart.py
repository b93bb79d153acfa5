"""A function, lowered where it is called as a graph of its own.

    def f(x, a):
        def inner(y): return a * np.sin(y)          graph inner(y, a): ...
        return x * grad(inner)(x)

What it is called with are its first parameters, what it reads from around it its last.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from types import FunctionType
from typing import Any

import numpy as np

from ..analysis.activity import can_vary
from ..errors import UndecidedAlias, UnsupportedSyntax, WrongArgument
from ..ir.graph import Atom, Call, Const, Function, Graph, Pairs, Region, Value
from ..ir.types import Type
from ..ir.walk import free, instructions, substitute, without_unbound
from .arguments import Place
from .heap import Cell, Closure, Entries, Items, Obj, Ref, State, Tup, View, shown
from .layouts import values_in
from .loans import Loan, free_name, has_rows
from .signatures import KINDS, label_of, signature_of, unwrapped


def apart(
    frame: Any, params: list[Value], run: Callable[[], tuple[Atom, ...]], what: str
) -> tuple[Region, tuple[Value, ...], State]:
    """What `run` lowers as a region of its own, its results those that it returns.

    What is read from around it are its last parameters, also given as they are called outside. The state
    that it ends in comes third; it may not change anything that was there before.
    """
    before, line = frame.state, frame.b.line
    frame.state = before.copy()
    with frame.b.region() as body:
        results = run()
    after, frame.state, frame.b.line = frame.state, before, line
    cells = {cell for cell, held in before.heap.items() if after.heap.get(cell) is not held}
    changed = [key[1] for key, held in before.vars.items() if after.vars.get(key) is not held]
    if changed or cells:
        known = (key[1] for key, held in before.vars.items() if not cells.isdisjoint(frame.cells(held)))
        name = next(iter(changed), None) or next(known, None)
        raise frame.refuse(
            f"{what} changes {f'`{shown(name)}`' if name else 'an object'}, which is outside of it",
            "Return the value instead.",
        )
    region = Region(tuple(params), tuple(body), results)
    captured = tuple(free(region))
    names = {p.name for p in params}
    inside: dict[Value, Value] = {}
    for value in captured:
        inside[value] = Value(free_name(value.name, names), value.type, value.named)
        names.add(inside[value].name)
    region = substitute(Region((*params, *inside.values()), region.body, region.results), inside)
    return region, captured, after


ALL = object()  # every argument is whole


@dataclass(frozen=True)
class Apart:
    """A function that is lowered apart, and what it is called with.

    `returns` is the structure of its results: "leaf", a constant, or (class, keys, parts); `around` has, for
    each result, the cells outside whose memory it may be. `writes` are the arguments that it writes: what
    they are afterwards are its last results. `shapes` are the structures of its derivatives, and `places`
    says where among the arguments the values are that they hold. `axes` are those that the rows lie along, of
    the arguments that are rows inside.
    """

    label: str
    function: Function
    atoms: tuple[Atom, ...]
    returns: Any
    around: tuple[set[Cell], ...]
    writes: tuple[Ref, ...]
    shapes: tuple[Any, ...]
    places: dict[Value, int]
    axes: tuple[int | None, ...] = ()

    @property
    def graph(self) -> Graph:
        assert self.function.graph is not None, "a function is lowered before it is derived"
        return self.function.graph

    @property
    def inputs(self) -> list[Value]:
        """What is differentiated with respect to, in the order of the arguments, each once."""
        found = dict.fromkeys(v for shape in self.shapes for v in values_in(shape) if can_vary(v))
        return sorted(found, key=self.places.__getitem__)


def lowered_apart(
    frame: Any, fn: Ref, argnums: Any, args: list[Ref], kwargs: dict[str, Ref], rows: Any = ALL,
    moving: tuple[int, ...] | None = None,
) -> Apart:  # fmt: skip
    """A function as a graph of its own, for these arguments; without `argnums`, all of them are active.

    With `moving`, those of the arguments are that are in these positions.
    With `rows`, the axes of the arguments, or one for all, none is active, and inside each is one row.
    """
    done = "differentiated" if rows is ALL else "mapped"
    label = label_of(fn)
    fn, given, named = unwrapped(frame, fn)
    args, kwargs = [*given, *args], {**named, **kwargs}
    signature = signature_of(frame, fn, len(args))
    try:
        bound = signature.bind(*args, **kwargs)
    except TypeError as cause:
        raise UnsupportedSyntax(f"`{label}`: {cause}", frame.b.line) from None
    if not isinstance(fn, Const) or isinstance(fn.value, FunctionType):
        bound.apply_defaults()
    every = argnums is None and rows is ALL
    wanted = [] if argnums is None else _places(frame, argnums, list(signature.parameters), len(given), label)
    active = set(bound.arguments) if every else {root for root, _ in wanted}
    if moving is not None:
        active = {_parameter(signature, len(given) + k) for k in moving}
    loan = (
        _lent(frame, bound, active) if rows is ALL else _rows(frame, bound, rows, len(given), label)
    )
    mine = bound.args[len(given) :]
    picked = [(mine[k], Place(0)) for k in (range(len(mine)) if moving is None else moving)] if every else []
    picked += [(bound.arguments[root], place) for root, place in wanted]
    shapes: list[Any] = []
    structure: list[Any] = []
    found: list[tuple[Atom, Ref]] = []
    written: list[tuple[int, Atom]] = []

    def run() -> tuple[Atom, ...]:
        frame.state.heap.update(loan.contents)
        shapes.extend(_shape_of(frame, ref, place) for ref, place in picked)
        frame.unit.deriving += 1
        try:
            with frame.holding((), frozenset(cell for cell, _ in loan.contents)):
                result = frame.invoke(fn, list(bound.args), dict(bound.kwargs), "")
        finally:
            frame.unit.deriving -= 1
        structure.append(_structure(frame, result, found, f"`{label}`, which is {done},"))
        written.extend(loan.written(frame))
        return tuple(atom for atom, _ in (*found, *((held, None) for _, held in written)))

    region, captured, after = apart(frame, loan.params, run, f"`{label}`, which is {done},")
    inside = [_memory_of(frame, ref, after) for _, ref in found]
    held = [{after.heap.get(cell) for cell in cells} for cells in inside]
    atoms = (*loan.atoms, *captured)
    there = (*loan.params, *captured)
    sees = tuple((k, n) for n, contents in enumerate(held) for k, v in enumerate(there) if v in contents)
    around = tuple(
        {c for cell in cells for c in loan.around.get(cell, {cell}) if c in frame.state.heap}
        for cells in inside
    )
    for k, _ in written:
        _alone(frame, loan.given, k, captured)
    writes = tuple((k, len(found) + n) for n, (k, _) in enumerate(written))
    function, atoms, places = _function(frame, label, fn, region, atoms, writes, sees)
    along = {p: loan.axes[k] for k, p in enumerate(loan.params) if k in loan.axes}
    axes: list[int | None] = [None] * len(atoms)
    for param, at in places.items():
        axes[at] = along.get(param)
    changed = tuple(loan.given[k] for k, _ in written)
    return Apart(label, function, atoms, structure[0], around, changed, tuple(shapes), places, tuple(axes))


def _lent(frame: Any, bound: inspect.BoundArguments, active: set[str]) -> Loan:
    """The arguments as they are inside, in their own places; what they are the parameters of."""
    loan = Loan()
    for name, value in bound.arguments.items():
        lend = loan.active if name in active else loan.passive
        kind = bound.signature.parameters[name].kind
        if kind is KINDS.VAR_POSITIONAL:
            lent: Any = tuple(lend(frame, r, f"{name}_{k}") for k, r in enumerate(value))
        elif kind is KINDS.VAR_KEYWORD:
            lent = {k: lend(frame, r, k) for k, r in value.items()}
        else:
            lent = lend(frame, _argument(frame, name, value), name)
        bound.arguments[name] = lent
    return loan


def _rows(frame: Any, bound: inspect.BoundArguments, axes: Any, given: int, label: str) -> Loan:
    """The arguments as one row of each that has an axis, what was given ahead of them apart."""
    loan = Loan()
    names = list(bound.signature.parameters)
    several = axes if isinstance(axes, (tuple, list)) else None
    if several is not None and len(several) != len(names) - given:
        raise WrongArgument(
            f"`in_axes` has {len(several)} entries, and `{label}` takes {len(names) - given} arguments",
            frame.b.line,
        )

    def lent(ref: Ref, name: str, axis: int | None) -> Ref:
        alone = several is None and not has_rows(frame, ref)
        return loan.rows(frame, ref, name, None if alone else axis)

    for k, name in enumerate(names):
        if name not in bound.arguments:
            continue
        value, kind = bound.arguments[name], bound.signature.parameters[name].kind
        axis = None if k < given else axes if several is None else several[k - given]
        if kind is KINDS.VAR_POSITIONAL:
            bound.arguments[name] = tuple(lent(r, f"{name}_{n}", axis) for n, r in enumerate(value))
        elif kind is KINDS.VAR_KEYWORD:
            bound.arguments[name] = {key: lent(r, key, axis) for key, r in value.items()}
        else:
            bound.arguments[name] = lent(_argument(frame, name, value), name, axis)
    return loan


def _alone(frame: Any, given: list[Ref], k: int, captured: tuple[Value, ...]) -> None:
    """Refuse to write an argument that another argument, or an array from outside, may share memory with."""
    inside = set(captured)
    read = [Obj(cell) for cell, held in frame.state.heap.items() if held in inside]
    if not frame._apart([*given, *read], k):
        raise UndecidedAlias(
            "the function that is differentiated writes into an argument that may be another array, too",
            frame.b.line,
            "Pass a copy: `x.copy()`.",
        )


def _argument(frame: Any, name: str, value: Any) -> Ref:
    """An argument; the default of a parameter is an object of Python's."""
    return value if isinstance(value, Ref) else frame._default(name, value)


def _places(frame: Any, argnums: Any, names: list[str], given: int, label: str) -> list[tuple[str, Place]]:
    """The parameters that `argnums` names, and the way to what is meant inside of each."""
    found: list[tuple[str, Place]] = []
    for which in argnums if isinstance(argnums, (tuple, list)) else (argnums,):
        if isinstance(which, str):
            root, *steps = which.split(".")
            if root not in names:
                reason = f"`{label}` has no parameter `{root}`"
                raise WrongArgument(reason, frame.b.line, f"It has {', '.join(names[given:])}.")
            found.append((root, Place(0, tuple(steps))))
            continue
        if isinstance(which, bool) or not isinstance(which, (int, np.integer)):
            reason = f"`argnums` takes positions or names of parameters, not {which!r}"
            raise WrongArgument(reason, frame.b.line)
        at = int(which) + (given if which >= 0 else len(names))
        if not given <= at < len(names):
            reason = f"`argnums={which}`, and `{label}` has {len(names) - given} parameters"
            raise WrongArgument(reason, frame.b.line)
        found.append((names[at], Place(0)))
    if not found:
        reason = "`argnums` is empty: there is nothing to differentiate with respect to"
        raise WrongArgument(reason, frame.b.line)
    return found


def _parameter(signature: inspect.Signature, position: int) -> str:
    """The parameter that takes the argument in this position."""
    for k, (name, parameter) in enumerate(signature.parameters.items()):
        if k == position or parameter.kind is KINDS.VAR_POSITIONAL:
            return name
    raise AssertionError("an argument is bound to a parameter")


def _shape_of(frame: Any, ref: Any, place: Place) -> Any:
    """The values in an argument, in the structure of their derivative."""
    if isinstance(ref, tuple):  # what `*args` took
        ref = Tup(ref)
    if isinstance(ref, dict):
        ref = frame.state.new(Entries(tuple(ref.items())))
    if not isinstance(ref, (Const, Value, Obj, View, Tup)):
        return None  # a function
    return frame.picked(ref, place)


def _structure(frame: Any, ref: Ref, found: list[tuple[Atom, Ref]], what: str, inside: bool = False) -> Any:
    """The structure of a result, whose numbers and arrays are appended to `found`."""
    if isinstance(ref, Const) and (inside or type(ref.value) not in (int, float, complex)):
        return ref
    if isinstance(ref, Tup):
        parts = tuple(_structure(frame, r, found, what, k > 0) for k, r in enumerate(ref.items))
        return (ref.cls, tuple(range(len(parts))), parts)
    content = frame.state.heap[ref.cell] if isinstance(ref, Obj) else None
    if isinstance(content, (Items, Entries)) and content.handle is not None:
        reason = f"{what} returns an object that it was not given"
        raise frame.refuse(reason, "Return what is in it.")
    if isinstance(content, Items) and content.cls is list:
        parts = tuple(_structure(frame, r, found, what, True) for r in content.items)
        return (list, tuple(range(len(parts))), parts)
    if isinstance(content, Entries) and content.factory is None:
        parts = tuple(_structure(frame, r, found, what, True) for r in content.refs)
        return (content.cls, content.keys, parts)
    if content is not None and not isinstance(content, (Const, Value)) or not isinstance(
        ref, (Const, Value, Obj, View)
    ):
        reason = f"what {what} returns is not made of numbers and arrays"
        raise frame.refuse(reason, "Return numbers, arrays, tuples, lists or dicts.")
    found.append((frame.atom(ref), ref))
    return "leaf"


def _memory_of(frame: Any, ref: Ref, state: State) -> set[Cell]:
    """Every cell whose memory a result may be, or be a part of."""
    outer, frame.state = frame.state, state
    cells = frame.cells(ref)
    frame.state = outer
    return {*cells, *(s for c in cells for s in c.shares)}


def _function(
    frame: Any, label: str, fn: Ref, region: Region, atoms: tuple[Atom, ...], writes: Pairs, sees: Pairs
) -> tuple[Function, tuple[Atom, ...], dict[Value, int]]:
    """The function of a region, what it is called with, and where its parameters are among that."""
    _refuse_unfinished(frame, region)
    last = region.body[-1] if region.body else None
    if len(region.body) == 1 and isinstance(last, Call) and isinstance(last.fn, Function):
        # It calls another function and that is all: that one is differentiated in its place.
        once = len(set(last.args)) == len(last.args) and set(region.params) <= set(last.args)
        if last.outs == region.results and once and not last.fn.writes:
            given = dict(zip(region.params, atoms, strict=True))
            passed = tuple(given[a] if isinstance(a, Value) else a for a in last.args)
            return last.fn, passed, {a: k for k, a in enumerate(last.args) if isinstance(a, Value)}
    origin = fn.source.fn if isinstance(fn, Closure) else getattr(fn, "value", None)
    result = region.results[0].type if region.results else Type()
    function = Function(label, origin, result, writes, sees)
    function.graph = Graph(label, without_unbound(region), frame.b.line, (), writes, sees)
    return function, atoms, {p: k for k, p in enumerate(region.params)}


def of_unknown_order(name: str) -> tuple[str, str]:
    """What is said of a recursion in which each call takes a derivative of the next."""
    return (
        f"`{name}` takes a derivative of itself, of an order that is known only at run time",
        "Write one function for each order.",
    )


def _refuse_unfinished(frame: Any, region: Region) -> None:
    """A function that is not read to its end has no derivative yet."""
    stack, known = [region], set[Function]()
    while stack:
        for instr in instructions(stack.pop()):
            fn = instr.fn if isinstance(instr, Call) else None
            if not isinstance(fn, Function) or fn in known:
                continue
            known.add(fn)
            if fn.graph is None or fn in frame.unit.session.unfinished:
                raise frame.refuse(*of_unknown_order(fn.name))
            stack.append(fn.graph.region)
