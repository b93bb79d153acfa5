"""A derivative taken inside a function -> a call of the graph of that derivative.

    def f(x, a):                                      graph inner_grad(y, a): ...
        def inner(y): return a * np.sin(y)    ->
        return x * grad(inner)(x)                     product = x * inner_grad(x, a)

The function differentiated is lowered where its derivative is called, as a graph of its own: what it is
called with are its first parameters, what it reads from around it its last (`callbacks.apart`). The reverse
sweep makes the graph of the derivative (`Builder.gradient`, `Builder.derive`), since nothing in this layer
differentiates. What comes out is a function like any other: a derivative with respect to the captured values,
or of the derivative itself, is the derivative of that call, so no two derivatives can be confused.
"""

from __future__ import annotations

import ast
import functools
import inspect
import operator
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import FunctionType, MethodType
from typing import Any

import numpy as np

from ..analysis.activity import can_vary
from ..analysis.results import holomorphic_only, number_only, real_only
from ..errors import UndecidedAlias, UnsupportedSyntax, WrongArgument
from ..ir.graph import Atom, Call, Const, Function, Graph, Pairs, Region, Value
from ..ir.types import OBJECT, Type, number
from ..ir.walk import instructions, rename, resolve, substitute_in
from .arguments import DERIVING, Place
from .callbacks import apart, cotangent_type, free_name
from .core import MUTABLE
from .heap import (
    Applied,
    Bound,
    Cell,
    Choice,
    Closure,
    Derived,
    Entries,
    Items,
    Obj,
    Pulled,
    Ref,
    State,
    Tup,
    View,
)

_KINDS = inspect.Parameter
SHORT = 6  # a derivative of so few calls is written out where it is called
LENT = "an argument of the function that is differentiated is written inside it"


# -- what `grad(f)` is --------------------------------------------------------------------------------------


def derivation(frame: Any, fn: Any, args: list[Ref], kwargs: dict[str, Ref], name: str) -> Ref:
    """A call of `grad`, `value_and_grad` or `vjp`."""
    mode: str = DERIVING[fn]
    if mode == "vjp":
        return pulled_back(frame, args, kwargs)
    try:
        given = inspect.signature(fn).bind(*args, **kwargs).arguments
    except TypeError as cause:
        raise UnsupportedSyntax(f"`{fn.__name__}`: {cause}", frame.b.line) from None
    inner = given.pop("fun", None)
    if inner is None:
        return Applied(Const(fn), (), tuple(given.items()))
    options = {k: _known(frame, k, ref) for k, ref in given.items()}
    if options.pop("backend", "numpy") != "numpy":
        raise frame.refuse("a derivative inside a function is of the function's own backend")
    if options.pop("holomorphic", False):
        mode = "holomorphic"
    return Derived(inner, mode, options.get("argnums", 0), bool(options.get("has_aux", False)))


def _known(frame: Any, option: str, ref: Ref) -> Any:
    known = frame.constant(ref)
    if known is None:
        raise frame.refuse(f"`{option}` of a derivative is not a constant", "Write it out.")
    return known.value


def as_derived(value: Any) -> Derived:
    """A derivative that was made outside: `dloss = grad(loss)`."""
    return Derived(Const(value.primal), *value.asked)


# -- the function that is differentiated --------------------------------------------------------------------


def _unwrapped(frame: Any, fn: Ref) -> tuple[Ref, list[Ref], dict[str, Ref]]:
    """The function behind a `functools.partial` or a bound method, and the arguments given already."""
    given: list[Ref] = []
    named: dict[str, Ref] = {}
    while True:
        more: list[Ref] = []
        if isinstance(fn, Applied):
            more, held, fn = list(fn.args), dict(fn.kwargs), fn.fn
        elif isinstance(fn, Bound) and isinstance(fn.fn, FunctionType):
            more, held, fn = [fn.receiver], {}, Const(fn.fn)
        elif isinstance(fn, Const) and isinstance(fn.value, functools.partial):
            more = [frame.held_value(a) for a in fn.value.args]
            held = {k: frame.held_value(a) for k, a in fn.value.keywords.items()}
            fn = Const(fn.value.func)
        elif isinstance(fn, Const) and isinstance(fn.value, MethodType):
            owner = fn.value.__self__
            more, held = [Const(owner) if isinstance(owner, type) else frame.constant_object(owner)], {}
            fn = Const(fn.value.__func__)
        elif isinstance(fn, Const) and hasattr(type(fn.value), "lowered"):
            fn, held = as_derived(fn.value), {}
        else:
            return fn, given, named
        given, named = [*more, *given], {**held, **named}


def _signature(frame: Any, fn: Ref, count: int) -> inspect.Signature:
    """The parameters of a function, the references of their defaults with them."""
    if isinstance(fn, Derived):
        inner, given, named = _unwrapped(frame, fn.fn)
        return _without(_signature(frame, inner, count + len(given)), given, named)
    if isinstance(fn, Choice):
        found = [_signature(frame, option, count) for _, option in fn.options]
        if any(list(s.parameters) != list(found[0].parameters) for s in found):
            raise frame.refuse(
                "one of several functions is differentiated, and their parameters have different names",
                "Choose one first, and differentiate it on each path.",
            )
        return found[0]
    if isinstance(fn, Closure):
        return _of_closure(fn)
    try:
        return inspect.signature(fn.value)  # type: ignore[union-attr]
    except (AttributeError, TypeError, ValueError):
        names = "xyzuvw"[:count] if count <= len("xyzuvw") else [f"x_{k}" for k in range(count)]
        return inspect.Signature([_KINDS(n, _KINDS.POSITIONAL_OR_KEYWORD) for n in names])


def _without(whole: inspect.Signature, given: list[Ref], named: dict[str, Ref]) -> inspect.Signature:
    """The parameters that are left when some are given."""
    kept = list(whole.parameters.values())[len(given) :]
    return inspect.Signature(
        [p.replace(kind=p.KEYWORD_ONLY, default=named[p.name]) if p.name in named else p for p in kept]
    )


def _of_closure(closure: Closure) -> inspect.Signature:
    args = closure.node.args
    defaults = dict(closure.defaults)

    def parameter(arg: ast.arg, kind: Any) -> inspect.Parameter:
        return _KINDS(arg.arg, kind, default=defaults.get(arg.arg, _KINDS.empty))

    found = [parameter(a, _KINDS.POSITIONAL_ONLY) for a in args.posonlyargs]
    found += [parameter(a, _KINDS.POSITIONAL_OR_KEYWORD) for a in args.args]
    found += [_KINDS(args.vararg.arg, _KINDS.VAR_POSITIONAL)] if args.vararg else []
    found += [parameter(a, _KINDS.KEYWORD_ONLY) for a in args.kwonlyargs]
    found += [_KINDS(args.kwarg.arg, _KINDS.VAR_KEYWORD)] if args.kwarg else []
    return inspect.Signature(found)


def _label(fn: Ref) -> str:
    """What the function is called in the generated module."""
    match fn:
        case Closure(node=ast.FunctionDef(name=name)) | Closure(name=name) if name:
            return name
        case Derived(fn=inner):
            return f"{_label(inner)}_grad"
        case Applied(fn=inner):
            return _label(inner)
        case Bound(name=name):
            return name
        case Const(value=value):
            name = getattr(value, "__name__", "function")
            return name if name.isidentifier() else "function"
    return "function"


# -- its arguments ------------------------------------------------------------------------------------------


@dataclass
class Loan:
    """The arguments of a function that is lowered apart: its parameters, and what they are given."""

    params: list[Value] = field(default_factory=list)
    atoms: list[Atom] = field(default_factory=list)
    given: list[Ref] = field(default_factory=list)  # the references that these are the values of
    contents: list[tuple[Cell, Any]] = field(default_factory=list)
    known: dict[Cell, Ref] = field(default_factory=dict)
    around: dict[Cell, set[Cell]] = field(default_factory=dict)  # by a cell inside, those outside that it is

    def one(self, frame: Any, ref: Ref, name: str) -> Ref:
        """A number or an array, as a parameter."""
        atom = frame.atom(ref)
        known = number(np.dtype(type(atom.value))) if _numpy(atom) else atom.type
        param = Value(free_name(name, {p.name for p in self.params}), known, named=True)
        self.params.append(param)
        self.atoms.append(atom)
        self.given.append(ref)
        if known.kind not in MUTABLE:
            return param
        seen = isinstance(ref, Obj) or isinstance(ref, View) and ref.sure
        cell = Cell(name, "" if seen and known.kind == "array" else LENT, param=True)
        self.contents.append((cell, param))
        self.around[cell] = frame.cells(ref) | {s for c in frame.cells(ref) for s in c.shares}
        return Obj(cell)

    def active(self, frame: Any, ref: Ref, name: str) -> Ref:
        """What is differentiated with respect to: each number and array in it is a parameter."""
        if isinstance(ref, Const):
            known = ref.value
            if isinstance(known, (tuple, list)):
                items = frame.static_items(ref)
                return Tup(tuple(self.active(frame, r, f"{name}_{k}") for k, r in enumerate(items)))
            floating = isinstance(known, (float, complex)) or _numpy(ref)
            return self.one(frame, ref, name) if floating else ref
        items = frame.static_items(ref) if isinstance(ref, (Tup, Value)) else None
        if items is not None:
            cls = ref.cls if isinstance(ref, Tup) else tuple
            names = getattr(cls, "_fields", None) or [f"{name}_{k}" for k in range(len(items))]
            return Tup(tuple(self.active(frame, r, n) for r, n in zip(items, names, strict=True)), cls)
        if not isinstance(ref, Obj):
            return self.one(frame, ref, name) if isinstance(ref, (Value, View)) else ref
        if ref.cell in self.known:
            return self.known[ref.cell]
        frame.looked_into(ref)
        content = frame.state.heap[ref.cell]
        if not isinstance(content, (Items, Entries)):
            return self.one(frame, ref, name)
        cell = Cell(name, LENT)
        lent = self.known[ref.cell] = Obj(cell)
        if isinstance(content, Items):
            parts = tuple(self.active(frame, r, f"{name}_{k}") for k, r in enumerate(content.items))
            self.contents.append((cell, replace(content, items=parts, handle=None)))
            return lent
        content = frame.whole_object(ref)
        pairs = tuple((k, self.active(frame, r, _part_name(name, k))) for k, r in content.entries)
        self.contents.append((cell, replace(content, entries=pairs, handle=None)))
        return lent

    def written(self, frame: Any) -> list[tuple[int, Atom]]:
        """The arrays that were written, by their place, and what they are afterwards."""
        now = ((self.params.index(p), frame.state.heap[cell]) for cell, p in self.contents if p in self.params)
        return [(k, held) for k, held in now if held is not self.params[k]]

    def passive(self, frame: Any, ref: Ref, name: str) -> Ref:
        """Another argument: a container, a function or a constant is what it is."""
        plain = isinstance(ref, (Value, View)) or (
            isinstance(ref, Obj) and not isinstance(frame.state.heap[ref.cell], (Items, Entries))
        )
        return self.one(frame, ref, name) if plain else ref


def _numpy(atom: Ref) -> bool:
    return isinstance(atom, Const) and isinstance(atom.value, np.generic) and atom.value.dtype.kind in "fc"


def _part_name(name: str, key: Any) -> str:
    return key if isinstance(key, str) and key.isidentifier() else f"{name}_{key}".replace("-", "_")


# -- the graph ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Apart:
    """A function that is lowered apart, and what it is called with.

    `returns` is the structure of its results: "leaf", a constant, or (class, keys, parts); `around` has, for
    each result, the cells outside whose memory it may be. What its arguments that it writes are afterwards are
    its last results: `writes` has those arguments. `shapes` are the structures of its derivatives, and
    `places` says where among the arguments the values are that they hold.
    """

    label: str
    function: Function
    atoms: tuple[Atom, ...]
    returns: Any
    around: tuple[set[Cell], ...]
    writes: tuple[Ref, ...]
    shapes: tuple[Any, ...]
    places: dict[Value, int]

    @property
    def graph(self) -> Graph:
        assert self.function.graph is not None, "a function is lowered before it is derived"
        return self.function.graph

    @property
    def inputs(self) -> list[Value]:
        """What is differentiated with respect to, in the order of the arguments, each once."""
        found = dict.fromkeys(v for shape in self.shapes for v in _values(shape) if can_vary(v))
        return sorted(found, key=self.places.__getitem__)


def _lowered(frame: Any, fn: Ref, argnums: Any, args: list[Ref], kwargs: dict[str, Ref]) -> Apart:
    """A function as a graph of its own, for these arguments; without `argnums`, all of them are active."""
    label = _label(fn)
    fn, given, named = _unwrapped(frame, fn)
    args, kwargs = [*given, *args], {**named, **kwargs}
    signature = _signature(frame, fn, len(args))
    try:
        bound = signature.bind(*args, **kwargs)
    except TypeError as cause:
        raise UnsupportedSyntax(f"`{label}`: {cause}", frame.b.line) from None
    if not isinstance(fn, Const) or isinstance(fn.value, FunctionType):
        bound.apply_defaults()
    every = argnums is None
    wanted = [] if every else _places(frame, argnums, list(signature.parameters), len(given), label)
    roots = {root for root, _ in wanted}
    loan = Loan()
    for name, value in bound.arguments.items():
        lend = loan.active if every or name in roots else loan.passive
        kind = signature.parameters[name].kind
        if kind is _KINDS.VAR_POSITIONAL:
            lent: Any = tuple(lend(frame, r, f"{name}_{k}") for k, r in enumerate(value))
        elif kind is _KINDS.VAR_KEYWORD:
            lent = {k: lend(frame, r, k) for k, r in value.items()}
        else:
            lent = lend(frame, _argument(frame, name, value), name)
        bound.arguments[name] = lent
    picked = [(ref, Place(0)) for ref in bound.args[len(given) :]] if every else []
    picked += [(bound.arguments[root], place) for root, place in wanted]
    shapes: list[Any] = []
    structure: list[Any] = []
    found: list[tuple[Atom, Ref]] = []
    written: list[tuple[int, Atom]] = []

    def run() -> tuple[Atom, ...]:
        frame.state.heap.update(loan.contents)
        shapes.extend(_shape_of(frame, ref, place) for ref, place in picked)
        frame.unit.deriving += 1
        result = frame.invoke(fn, list(bound.args), dict(bound.kwargs), "")
        frame.unit.deriving -= 1
        structure.append(_structure(frame, result, found, label))
        written.extend(loan.written(frame))
        return tuple(atom for atom, _ in (*found, *((held, None) for _, held in written)))

    region, captured, after = apart(frame, loan.params, run, f"`{label}`, which is differentiated,")
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
    changed = tuple(loan.given[k] for k, _ in written)
    return Apart(label, function, atoms, structure[0], around, changed, tuple(shapes), places)


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


def _shape_of(frame: Any, ref: Any, place: Place) -> Any:
    """The values in an argument, in the structure of their derivative."""
    if isinstance(ref, tuple):  # what `*args` took
        ref = Tup(ref)
    if isinstance(ref, dict):
        ref = frame.state.new(Entries(tuple(ref.items())))
    if not isinstance(ref, (Const, Value, Obj, View, Tup)):
        return None  # a function
    return frame.picked(ref, place)


def _structure(frame: Any, ref: Ref, found: list[tuple[Atom, Ref]], label: str, inside: bool = False) -> Any:
    """The structure of a result, whose numbers and arrays are appended to `found`."""
    if isinstance(ref, Const) and (inside or type(ref.value) not in (int, float, complex)):
        return ref
    if isinstance(ref, Tup):
        parts = tuple(_structure(frame, r, found, label, k > 0) for k, r in enumerate(ref.items))
        return (ref.cls, tuple(range(len(parts))), parts)
    content = frame.state.heap[ref.cell] if isinstance(ref, Obj) else None
    if isinstance(content, (Items, Entries)) and content.handle is not None:
        reason = f"`{label}`, which is differentiated, returns an object that it was not given"
        raise frame.refuse(reason, "Return what is in it.")
    if isinstance(content, Items) and content.cls is list:
        parts = tuple(_structure(frame, r, found, label, True) for r in content.items)
        return (list, tuple(range(len(parts))), parts)
    if isinstance(content, Entries) and content.factory is None:
        parts = tuple(_structure(frame, r, found, label, True) for r in content.refs)
        return (content.cls, content.keys, parts)
    if content is not None and not isinstance(content, (Const, Value)) or not isinstance(
        ref, (Const, Value, Obj, View)
    ):
        reason = f"what `{label}`, which is differentiated, returns is not made of numbers and arrays"
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
    function.graph = Graph(label, region, frame.b.line, (), writes, sees)
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


# -- the derivative -----------------------------------------------------------------------------------------


def derived_call(frame: Any, derived: Derived, args: list[Ref], kwargs: dict[str, Ref], name: str) -> Ref:
    """A call of `grad(inner)`."""
    lowered = _lowered(frame, derived.fn, derived.argnums, args, kwargs)
    one = not isinstance(derived.argnums, (tuple, list))
    for shape, which in zip(lowered.shapes, (derived.argnums,) if one else derived.argnums, strict=True):
        _differentiable(frame, shape, lowered, which)
    _scalar_result(frame, lowered, derived)
    value_too = derived.mode == "value_and_grad" or derived.has_aux
    kept = range(0 if value_too else len(lowered.around), len(lowered.graph.region.results))
    inputs = lowered.inputs
    function = frame.b.gradient(lowered.function, tuple(lowered.places[v] for v in inputs), tuple(kept))
    primal = [lowered.graph.region.results[n] for n in kept]
    results = function.graph.region.results[len(primal) :]
    alone = bool(name) and not value_too and lowered.shapes == (inputs[0],) and one if inputs else False
    types = [_gradient_type(v.type, r.type) for v, r in zip(inputs, results, strict=True)]
    labels = [f"{v.name}_bar" for v in inputs] if len(inputs) > 1 else [f"{function.name}_out"] * len(inputs)
    outs = tuple(Value(f"{lowered.label}_out", r.type) for r in primal)
    labels = [name] if alone else labels
    bars = tuple(Value(label, known, named=alone) for label, known in zip(labels, types, strict=True))
    made = _called(frame, function, lowered.atoms, (*outs, *bars))
    _write_back(frame, lowered, made[: len(outs)])
    of = dict(zip(inputs, made[len(outs) :], strict=True))
    built = tuple(_built(frame, shape, of) for shape in lowered.shapes)
    answer: Ref = built[0] if one else Tup(built)
    if not value_too:
        return answer
    value = _returned(frame, lowered.returns, list(zip(made, lowered.around, strict=False)))
    if derived.mode == "value_and_grad":
        return Tup((value, answer))
    assert isinstance(value, Tup)
    return Tup((answer, value.items[1]))


def _write_back(frame: Any, lowered: Apart, outs: list[Atom]) -> None:
    """The arguments that were written are what the last of these results are."""
    for ref, out in zip(lowered.writes, outs[len(outs) - len(lowered.writes) :], strict=True):
        if isinstance(ref, View):
            frame.store(ref, operator.setitem, Const(...), out)
        else:
            frame.write(ref, out)


def _called(frame: Any, function: Function, atoms: tuple[Atom, ...], outs: tuple[Value, ...]) -> list[Atom]:
    """The results of a function: a short one is written out where it is called."""
    graph = function.graph
    assert graph is not None
    plain = all(isinstance(i, Call) and not isinstance(i.fn, Function) and i.outs for i in graph.region.body)
    if not plain or len(graph.region.body) > SHORT:
        frame.b.emit(Call(outs, function, atoms, (), frame.b.line))
        return list(outs)
    table: dict[Value, Atom] = {}
    region = rename(graph.region, table)
    named = {r: out.name for r, out in zip(region.results, outs, strict=True) if out.named}
    given: dict[Value, Atom] = dict(zip(region.params, atoms, strict=True))
    for instr in region.body:
        labels = {o: Value(named[o], o.type, named=True) for o in instr.outs if o in named}
        outs = tuple(labels.get(o, o) for o in instr.outs)
        frame.b.emit(replace(substitute_in(instr, given), outs=outs))
        given.update(labels)
    return [resolve(r, given) for r in region.results]


def _values(shape: Any) -> Iterator[Value]:
    if isinstance(shape, Value):
        yield shape
    elif shape is not None:
        for part in shape[2]:
            yield from _values(part)


def _gradient_type(known: Type, found: Type) -> Type:
    """What is known of a gradient: the form and dtype of what it is taken with respect to."""
    if known.kind == "array":
        return replace(known, layout="")
    return cotangent_type(known) if known.kind in ("float", "number") else found


def _differentiable(frame: Any, shape: Any, lowered: Apart, which: Any) -> None:
    """Refuse an argument in which there is nothing that a derivative can be taken with respect to."""
    if isinstance(shape, tuple) and shape[3] is not None and not isinstance(shape[3][0], type):
        reason = "a derivative inside a function with respect to a registered container is not taken yet"
        raise WrongArgument(reason, frame.b.line, "Differentiate with respect to its attributes.")
    if any(map(can_vary, _values(shape))) or isinstance(shape, tuple) and not shape[2]:
        return
    raise WrongArgument(
        f"`{lowered.label}` cannot be differentiated with respect to its argument {which!r}, which is not a "
        "float or an array of floats",
        frame.b.line,
        "Pass it as a float (`3.0`, or `x.astype(float)`), or leave it out of `argnums`.",
    )


def _scalar_result(frame: Any, lowered: Apart, derived: Derived) -> None:
    """Refuse a function that does not return the number that a derivative is taken of."""
    label, line, returns = lowered.label, frame.b.line, lowered.returns
    if derived.has_aux:
        if not isinstance(returns, tuple) or len(returns[2]) != 2 or returns[2][0] != "leaf":
            reason = f"with `has_aux=True`, `{label}` returns a pair (number, anything)"
            raise WrongArgument(reason, line, "Return two values.")
    elif isinstance(returns, Const):
        number_only(label, returns.type, line)
    elif returns != "leaf":
        number_only(label, None, line)
    result = lowered.graph.region.results[0]
    number_only(label, result.type, line)
    if derived.mode == "holomorphic":
        params = lowered.graph.params
        holomorphic_only(lowered.graph, [params[lowered.places[v]] for v in lowered.inputs], result)
    else:
        real_only(label, result.type, line)


def _built(frame: Any, shape: Any, of: Mapping[Value, Atom]) -> Ref:
    """A derivative, in the structure of what it is taken with respect to."""
    if isinstance(shape, Value) and shape in of:
        return frame.own(of[shape])  # type: ignore[no-any-return]
    if shape is None or isinstance(shape, Value):
        return Const(None)
    kind, keys, parts, how = shape
    items = tuple(_built(frame, part, of) for part in parts)
    return _container(frame, kind, keys, items, None if how is None else how[1])


def _returned(frame: Any, shape: Any, outs: list[tuple[Atom, set[Cell]]]) -> Ref:
    """What the function returned, of the results of its graph, which are taken off `outs`."""
    if isinstance(shape, Const):
        return shape
    if shape != "leaf":
        kind, keys, parts = shape
        return _container(frame, kind, keys, tuple(_returned(frame, part, outs) for part in parts), None)
    out, around = outs.pop(0)
    ref = frame.own(out)
    if isinstance(ref, Obj):
        ref.cell.shares |= around
        ref.cell.param = any(cell.param for cell in around)
    return ref  # type: ignore[no-any-return]


def _container(frame: Any, kind: type, keys: tuple[Any, ...], items: tuple[Ref, ...], factory: Any) -> Ref:
    if kind is list:
        return frame.state.new(Items(items))  # type: ignore[no-any-return]
    if issubclass(kind, tuple):
        return Tup(items, kind)
    pairs = tuple(zip(keys, items, strict=True))
    return frame.state.new(Entries(pairs, None, kind, factory))  # type: ignore[no-any-return]


# -- the pullback -------------------------------------------------------------------------------------------


def pulled_back(frame: Any, args: list[Ref], kwargs: dict[str, Ref]) -> Ref:
    """A call of `vjp`: the value of a function, and its pullback."""
    args = [kwargs.pop("fun"), *args] if "fun" in kwargs else args
    if kwargs or not args:
        raise frame.refuse("`vjp` takes a function and its arguments", "Write `vjp(f, x, y)`.")
    lowered = _lowered(frame, args[0], None, args[1:], {})
    inputs = lowered.inputs
    if not inputs:
        reason = f"no argument of `{lowered.label}` can be differentiated"
        raise WrongArgument(reason, frame.b.line, "Pass floats.")
    active = {lowered.places[v] for v in inputs}
    wanted = tuple(k in active for k in range(len(lowered.atoms)))
    results = lowered.graph.region.results
    shown = len(lowered.around)  # what was written comes after them
    seeds = tuple(
        r.type if isinstance(r, Value) and can_vary(r) and n < shown else None for n, r in enumerate(results)
    )
    forward, backward = frame.b.derive(lowered.function, wanted, tuple(s is not None for s in seeds))
    kept = forward.graph.region.results[-1].type if forward.graph is not None else OBJECT
    outs = tuple(Value(f"{lowered.label}_out", r.type) for r in results)
    saved = Value(f"{lowered.label}_saved", kept, named=True)
    frame.b.emit(Call((*outs, saved), forward, lowered.atoms, (), frame.b.line))
    _write_back(frame, lowered, list(outs))
    value = _returned(frame, lowered.returns, list(zip(outs, lowered.around, strict=False)))
    structures = lowered.returns, seeds[:shown], lowered.shapes
    return Tup((value, Pulled(lowered.label, backward, saved, *structures, tuple(inputs))))


def pulled_call(frame: Any, pull: Pulled, args: list[Ref], kwargs: dict[str, Ref]) -> Ref:
    """A call of a pullback: the cotangents of the arguments, for one of the result."""
    if len(args) != 1 or kwargs:
        raise frame.refuse("a pullback takes the cotangent of the result", "Write `pull(ct)`.")
    if not frame.b.at_hand(pull.saved):
        raise frame.refuse(
            f"the pullback of `{pull.name}` is called after the loop or the branch in which it was made",
            "Call it there, and keep the cotangents.",
        )
    found: list[Ref] = []
    _leaves(frame, args[0], pull.returns, found)
    cts: list[Atom] = []
    for ref, known in zip(found, pull.seeds, strict=True):
        if known is None:
            continue
        ct = frame.atom(ref)
        if known.kind == "array" and known.rank and ct.type.is_scalar:
            raise frame.refuse(
                f"the result of `{pull.name}` is an array, and its cotangent is a number",
                "Pass an array: `np.ones_like(out)`.",
            )
        number = isinstance(ct, Const) and type(ct.value) is int
        cts.append(Const(float(ct.value)) if number else ct)
    bars = tuple(Value(f"{v.name}_bar", _gradient_type(v.type, Type())) for v in pull.wanted)
    frame.b.emit(Call(bars, pull.backward, (pull.saved, *cts), (), frame.b.line))
    of = dict(zip(pull.wanted, bars, strict=True))
    return Tup(tuple(_built(frame, shape, of) for shape in pull.shapes))


def _leaves(frame: Any, ct: Ref, shape: Any, found: list[Ref]) -> None:
    """The parts of a cotangent that belong to the numbers and arrays of a result."""
    if shape == "leaf":
        found.append(ct)
    elif not isinstance(shape, Const):
        kind, keys, parts = shape
        items = issubclass(kind, (tuple, list, dict))
        for key, part in zip(keys, parts, strict=True):
            inner = frame.subscript(ct, Const(key)) if items else frame.attribute(ct, key)
            _leaves(frame, inner, part, found)
