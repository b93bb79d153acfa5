"""A function and the facts of its arguments -> its graph.

    def f(x): return np.sin(x) * x            graph f(x):
                                                sin_out = np.sin(x)
                                                product = operator.mul(sin_out, x)
                                                yield product

The lowering interprets the AST once, with references for names and values for what they hold (see `heap.py`),
so a graph has values only. A loop's body is lowered until what it carries has settled.
"""

from __future__ import annotations

import ast
import inspect
import operator
import sys
from collections.abc import Callable, Iterable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass, replace
from functools import partial
from types import CellType, FunctionType, MethodType
from typing import Any, NamedTuple

from ..analysis.activity import can_vary
from ..analysis.shapes import reset_dims
from ..errors import DiffCompileError, Span, UndecidedAlias, UnsupportedSyntax
from ..ir.graph import (
    Atom,
    Const,
    Function,
    Graph,
    Instr,
    Pairs,
    Region,
    Value,
    pack_list,
    pack_object,
    pack_tuple,
)
from ..ir.types import INT, UNKNOWN, Dim, Type, array, join
from ..ir.walk import free, operands, same_atom, values, without_unbound
from ..rules.register import REGISTRY, Ownerless
from .arguments import Place, Read, Spec, Target, class_attribute
from .build import FOLDED, FOLDED_IN_RULES, Builder
from .core import CONTAINERS, Unit, UnknownSetError
from .families import Family, MeetingError, with_met
from .heap import Cell, Entries, Items, Obj, Ref, Scope, Tup, View
from .layers import Run, UnrollError
from .layouts import Each, values_in
from .lifting import Lifted, calls_itself
from .objects import form_of
from .source import Source, read_source
from .statements import Statements

LEAF = "leaf"


@dataclass(frozen=True, slots=True, eq=False)
class Guard:
    """A global or closure object that was folded: the program holds while the name still means it."""

    name: str
    scope: Any
    value: Any

    def holds(self) -> bool:
        if not self.name:  # the items of a container of functions
            items = list(self.scope.values()) if isinstance(self.scope, dict) else self.scope
            return len(items) == len(self.value) and all(map(operator.is_, items, self.value))
        if isinstance(self.scope, dict):
            return self.name in self.scope and self.scope[self.name] is self.value
        if isinstance(self.scope, type):
            return class_attribute(self.scope, self.name) is self.value
        return self.scope.cell_contents is self.value


@dataclass(frozen=True, slots=True, eq=False)
class Lowered:
    """A graph, and how its parameters and results are built from and into what the user sees.

    `given` are the numbers and arrays that come from the caller. `wrt` has, for each thing that a derivative
    is wanted of, its values in the structure that the derivative has: a value, None, or (kind, keys, parts,
    how to build it). `returns` is the structure of the result, over the results: "leaf", or (kind, keys,
    parts, whole), where `whole` says that the caller's own object, the next result, is what is returned.
    """

    graph: Graph
    given: tuple[Value, ...]
    wrt: tuple[Any, ...]
    returns: Any
    guards: tuple[Guard, ...]
    reads: tuple[Read, ...] = ()
    objects: tuple[Read, ...] = ()
    same: tuple[int, ...] = ()
    lists: tuple[tuple[Read, Type], ...] = ()
    layouts: bool = False  # was it asked how an argument is laid out in memory?


class Deriving(NamedTuple):
    """What the layer that differentiates makes of a function: its forward and backward functions, and the
    functions of its gradient, of its tangents, of its Jacobian, of its derivative at a point, and of many
    rows."""

    pair: Callable[[Function, tuple[bool, ...], tuple[bool, ...]], tuple[Function, Function]]
    gradient: Callable[[Function, tuple[int, ...], tuple[int, ...]], Function]
    direction: Callable[[Function, tuple[int, ...]], Function]
    jacobian: Callable[[Function, tuple[int, ...], bool], Function]
    linear: Callable[[Function, tuple[int, ...]], tuple[Function, Function]]
    rows: Callable[[Function, tuple[int | None, ...], int], Function]


class Session:
    """What the lowerings of one program share: the graphs of the functions it calls, the guards."""

    def __init__(self, deriving: Deriving | None = None) -> None:
        self.deriving = deriving
        self.unfinished: list[Function] = []  # those that are being lowered
        self.functions: dict[Any, Called | None] = {}
        self.lifted: dict[ast.AST, Lifted] = {}  # functions that were defined inside another one
        self.lowering: list[FunctionType | Lifted] = []  # a call inside itself is of arrays of any length
        self.guards: dict[tuple[int, str], Guard] = {}
        self.written: dict[tuple[int, str], Any] = {}  # names outside: whose they are
        self.kept: dict[int, dict[str, Any]] = {}  # mutable defaults, by the name of their parameter
        self.cells: dict[int, CellType] = {}
        self.layouts = False  # did what is a view depend on how arrays are laid out in memory?
        self.families: tuple[Family, ...] = ()  # classes whose objects meet
        self.sets = False  # are there sets of what is known only when the program runs?
        self.one_by_one = False  # are short lists run over item by item where they cannot be otherwise?

    def cell_of(self, value: Any) -> CellType:
        """A cell that holds an object which no name does: one for each object."""
        held = self.cells.get(id(value))
        if held is None:
            held = self.cells[id(value)] = CellType(value)
        return held

    def guard(self, name: str, scope: Any, value: Any) -> None:
        self.guards.setdefault((id(scope), name), Guard(name, scope, value))

    def function(self, fn: FunctionType | Lifted, specs: list[tuple[str, Any]], line: Span) -> Called | None:
        """The graph of a user function at these facts, shared by call sites; None if it must be inlined."""
        if fn in self.lowering and self._key_of(fn, specs) not in self.functions:
            specs = [(n, _any_length(s) if isinstance(s, Type) else s) for n, s in specs]
        key = self._key_of(fn, specs)
        if key in self.functions:
            known = self.functions[key]
            if known is not None and known.function in self.unfinished:
                known.assumed = True
            return known
        self.lowering.append(fn)
        try:
            return self._lowered(fn, specs, key)
        finally:
            self.lowering.pop()

    @staticmethod
    def _key_of(fn: FunctionType | Lifted, specs: list[tuple[str, Any]]) -> Any:
        known = ((n, s if isinstance(s, Type) else ("const", type(s.value), _key(s.value))) for n, s in specs)
        return (fn, tuple(known))

    def _lowered(self, fn: FunctionType | Lifted, specs: list[tuple[str, Any]], key: Any) -> Called | None:
        # A recursive call has the outcome that is assumed here; it holds if lowering confirms it.
        label = fn.__name__ if fn.__name__.isidentifier() else "function"
        called = self.functions[key] = Called(Function(label, fn), LEAF, (INT,))
        self.unfinished.append(called.function)
        try:
            return self._settled(called, fn, specs, key)
        except DiffCompileError:
            del self.functions[key]  # who reads it another way does not find it half done
            raise
        finally:
            self.unfinished.pop()

    def _settled(
        self, called: Called, fn: FunctionType | Lifted, specs: list[tuple[str, Any]], key: Any
    ) -> Called | None:
        known = set(self.functions)
        for attempt in range(10):
            called.assumed = False
            lowered = lower_function(fn, specs, self)
            if lowered is None:
                self.functions[key] = None
                return None
            graph, shape, types, called.apart = lowered
            called.function.graph = graph
            sees = graph.sees
            recursive = called.assumed
            settled = called.settles(shape, types, graph.writes, sees)
            called.take(shape, types, graph.writes, sees, bool(attempt) and recursive)
            if settled or not recursive:
                return called
            for other in set(self.functions) - known:
                del self.functions[other]  # it was lowered for what was assumed
        raise UnsupportedSyntax(
            f"what the recursive function `{fn.__name__}` returns does not settle",
            None,
            "Return values of one kind.",
        )


@dataclass(eq=False)
class Called:
    """A called function, and its outcome: what it returns (`shape`, over the first results), their types."""

    function: Function
    shape: Any
    types: tuple[Type, ...]
    apart: frozenset[int] = frozenset()  # the results that are lists or dicts of their own items
    assumed: bool = False  # was it called while it was lowered, by itself or by what it calls?

    def settles(self, shape: Any, types: tuple[Type, ...], writes: Pairs, sees: Pairs) -> bool:
        """Is this the outcome that its own recursive calls were lowered for?"""
        same = (
            _alike(shape, self.shape)
            and writes == self.function.writes
            and set(sees) <= set(self.function.sees)
        )
        return same and all(join(a, b) == a for a, b in zip(self.types, types, strict=True))

    def take(self, shape: Any, types: tuple[Type, ...], writes: Pairs, sees: Pairs, joined: bool) -> None:
        """Assume this outcome; `joined` to what was assumed before, so that this ends."""
        if joined and len(types) == len(self.types):
            types = tuple(map(join, self.types, types))
            sees = tuple(dict.fromkeys((*self.function.sees, *sees)))
        self.shape, self.types = shape, types
        self.function.writes, self.function.sees = writes, sees
        self.function.result = types[0] if types else UNKNOWN


def _alike(a: Any, b: Any) -> bool:
    """Are these the same structure of results?"""
    if isinstance(a, Const) and isinstance(b, Const):
        return same_atom(a, b)
    if isinstance(a, tuple) and isinstance(b, tuple):
        return a[0] is b[0] and len(a[1]) == len(b[1]) and all(map(_alike, a[1], b[1]))
    return bool(a == b)


def _key(value: Any) -> Any:
    try:
        hash(value)
    except TypeError:
        return id(value)
    return value


def _any_length(known: Type) -> Type:
    if known.kind != "array" or known.shape is None:
        return known
    return array(known.dtype, tuple(Dim("~") for _ in known.shape))


def lower(
    fn: Target | FunctionType, specs: list[tuple[str, Spec]], result_name: str = "",
    wrt: tuple[Place, ...] = (), runs: bool = False, deriving: Deriving | None = None,
) -> Lowered:  # fmt: skip
    """The graph of a function for arguments described by `specs`, one per parameter in order.

    A result that has no name of its own is called `result_name`. With `runs`, a list whose items are all of
    one form may be run over as it is. `deriving` makes the derivatives that are taken inside it.
    """
    if runs:
        try:
            return _lower(fn, specs, result_name, wrt, True, deriving)
        except (UnrollError, UnsupportedSyntax, UndecidedAlias):
            pass  # unrolled, or refused for good
    try:
        return _lower(fn, specs, result_name, wrt, False, deriving)
    except (UnsupportedSyntax, UndecidedAlias) as refusal:
        try:
            return _lower(fn, specs, result_name, wrt, False, deriving, one_by_one=True)
        except (UnsupportedSyntax, UndecidedAlias):
            raise refusal from None


def _lower(
    fn: Target | FunctionType, specs: list[tuple[str, Spec]], result_name: str, wrt: tuple[Place, ...],
    runs: bool, deriving: Deriving | None, one_by_one: bool = False,
) -> Lowered:  # fmt: skip
    """As `lower`, again with each family of classes whose objects are found to meet, and for sets."""
    families: tuple[Family, ...] = ()
    sets = False
    while True:
        session = Session(deriving)
        session.one_by_one, session.families, session.sets = one_by_one, families, sets
        try:
            return _lowered(fn, specs, result_name, wrt, runs, session)
        except MeetingError as met:
            families = with_met(families, met.records)
        except UnknownSetError:
            sets = True


def _lowered(
    fn: Target | FunctionType, specs: list[tuple[str, Spec]], result_name: str, wrt: tuple[Place, ...],
    runs: bool, session: Session,
) -> Lowered:  # fmt: skip
    reset_dims()
    target = fn if isinstance(fn, Target) else Target(fn)
    frame, params, refs = _frame(target, specs, session)
    frame.result_name = result_name
    frame.unit.runs_allowed = runs
    bound = {name: frame.outside(name, cell.cell_contents, cell) for name, cell in target.bound}
    for name, ref in bound.items():
        frame.state.vars[frame.scope, name] = ref
    picked = tuple(frame.picked(bound[p.root] if isinstance(p.root, str) else refs[p.root], p) for p in wrt)
    given = {**bound, **{name: ref for (name, _), ref in zip(specs, refs, strict=True)}}
    declared = _declared(frame, target, bound)
    if declared is not None:
        result = _called(
            frame, given, lambda args, kwargs: frame.declared_call(declared, args, kwargs, result_name)
        )
    elif hasattr(target.fn, "__wrapped__"):
        called = target.fn
        result = _called(
            frame, given, lambda args, kwargs: frame.user_call(called, args, kwargs, result_name)
        )
    else:
        result = _run(frame)
    frame.handed_out(result)
    atoms: list[Atom] = []
    returns = _structure(frame, result, atoms)
    if frame.unit.runs:
        read = {*free(Region((), tuple(frame.b.body), ())), *values(atoms)}
        if any(read & run.parts or handle in read for handle, run in frame.unit.runs.items()):
            raise UnrollError
        picked = tuple(_run_over(shape, frame.unit.runs.values()) for shape in picked)
        left = {v for shape in picked for v in values_in(shape)}
        if any(left & run.parts for run in frame.unit.runs.values()):
            raise UnrollError  # a derivative with respect to some of its items
    picked = tuple(_named(shape, frame.unit.part_names) for shape in picked)
    picks = {v for shape in picked for v in values_in(shape) if can_vary(v)}
    _drop_unread(frame, {*picks, *values(atoms)})
    graph = _graph(frame, frame.source, params, atoms)
    return Lowered(
        graph, tuple(frame.unit.given), picked, returns, tuple(session.guards.values()),
        tuple(frame.unit.reads), tuple(frame.unit.objects), tuple(frame.unit.same),
        tuple(frame.unit.lists), session.layouts,
    )  # fmt: skip


def _named(shape: Any, names: dict[Atom, tuple[str, ...]]) -> Any:
    """The structure of a derivative, in which the parts of items are called what a loop calls them."""
    if isinstance(shape, Each) and shape.layout is None:
        return replace(shape, names=names.get(shape.value, ()))
    if not isinstance(shape, tuple):
        return shape
    return (*shape[:2], tuple(_named(part, names) for part in shape[2]), shape[3])


def _run_over(shape: Any, runs: Iterable[Run]) -> Any:
    """The structure of a derivative, in which each list that is run over is one value."""
    if not isinstance(shape, tuple):
        return shape
    inside = set(values_in(shape))
    for run in runs:
        if shape[0] is list and inside and inside <= run.parts:
            return Each(run.out, run.layout)
    return (*shape[:2], tuple(_run_over(part, runs) for part in shape[2]), shape[3])


def _drop_unread(frame: Statements, wanted: set[Value]) -> None:
    """What is read of the caller's objects and serves nothing is left out: it cannot fail."""
    body = frame.b.body
    wanted = {*wanted, *free(Region((), tuple(body), ()))}
    kept: list[Instr] = []
    for instr in reversed(frame.unit.entry):
        if not wanted.isdisjoint(instr.outs):
            kept.append(instr)
            wanted.update(values(operands(instr)))
    frame.unit.entry[:] = kept[::-1]
    made = {*wanted, *(p for p in frame.unit.given if p not in frame.b.defs)}
    frame.unit.given[:] = [v for v in frame.unit.given if v in made]


def lower_function(
    fn: FunctionType | Lifted, specs: list[tuple[str, Any]], session: Session
) -> tuple[Graph, Any, tuple[Type, ...], frozenset[int]] | None:
    """The graph of a called function, the structure and the types of its results; None if it is inlined.

    Last come those of the results that are lists or dicts whose items nothing else refers to.

    It is inlined if it writes outside, changes a container that it is given or returns one that can grow, or
    writes an array that may be an argument: whether the caller still reads that is known where it is called.
    """
    frame, params, refs = _frame(Target(fn), specs, session)
    source = frame.source
    result = _run(frame)
    if frame.unit.writes_outside:
        return None
    given = [
        (frame.cells(ref), ref)
        for ref, (_, spec) in zip(refs, specs, strict=True)
        if not isinstance(spec, Const)
    ]
    atoms: list[Atom] = []
    sees: list[tuple[int, int]] = []
    apart: set[int] = set()
    results: list[set[Cell]] = []

    def visit(ref: Ref) -> Any:
        if isinstance(ref, Const) and not isinstance(ref.value, (int, float, complex)):
            return ref
        if isinstance(ref, Tup):
            return (ref.cls, tuple(map(visit, ref.items)))
        if not isinstance(ref, (Const, Value, Obj, View)):
            raise _Inlined
        if isinstance(ref, Obj) and isinstance(frame.state.heap[ref.cell], (Items, Entries)):
            raise _Inlined
        held = frame.cells(ref) | {s for c in frame.cells(ref) for s in c.shares}
        if any(held & other for other in results):
            raise _Inlined  # two results that may be one object
        results.append(held)
        sees.extend((k, len(atoms)) for k, (cells, _) in enumerate(given) if held & cells)
        if isinstance(ref, Obj) and ref.cell.apart and not ref.cell.param and held == {ref.cell}:
            apart.add(len(atoms))
        atoms.append(frame.atom(ref))
        return LEAF

    writes: list[tuple[int, int]] = []
    try:
        shape = visit(result)
        for k, (cells, ref) in enumerate(given):
            if any(cells & cell.shares for cell in frame.unit.written):
                raise _Inlined
            if not cells & frame.unit.written:
                continue
            if not isinstance(ref, Obj) or isinstance(frame.state.heap[ref.cell], (Items, Entries)):
                raise _Inlined
            kind = frame.type_of(ref).kind
            same = ref.cell.shares - ref.cell.holds
            if same or kind != "array" and not (kind in CONTAINERS and calls_itself(fn)):
                raise _Inlined
            writes.append((k, len(atoms)))
            atoms.append(frame.atom(ref))
    except _Inlined:
        return None
    if not atoms or isinstance(shape, tuple) and not writes and _brief(source.node):
        return None
    graph = replace(_graph(frame, source, params, atoms), writes=tuple(writes), sees=tuple(sees))
    return graph, shape, tuple(a.type for a in atoms), frozenset(apart)


def _brief(node: ast.AST) -> bool:
    """Is this a function of a few plain lines, which reads best where it is called?"""
    body = getattr(node, "body", [])
    return isinstance(body, list) and len(body) <= 4 and all(
        isinstance(s, (ast.Assign, ast.AugAssign, ast.Return, ast.Expr)) for s in body
    )  # fmt: skip


class _Inlined(Exception):
    """This function has no graph of its own."""


def _frame(
    target: Target, specs: list[tuple[str, Any]], session: Session
) -> tuple[Statements, list[Value], list[Ref]]:
    alone = isinstance(target.fn, Lifted)
    source = target.fn.source if alone else read_source(target.fn)
    unit = Unit(session, Builder(FOLDED))
    if session.deriving is not None:
        b = unit.builder
        b.derive, b.gradient, b.direction, b.jacobian, b.linear, b.rows = session.deriving
    unit.parameters = frozenset(name for name, _ in specs)
    for part in ast.walk(source.node):
        if isinstance(part, ast.Global):
            names = source.fn.__globals__
            owner = sys.modules.get(names.get("__name__", ""))
            session.written.update({(id(names), name): owner for name in part.names})
    frame = Statements(unit, source, Scope(getattr(source.node, "name", "lambda")))
    frame.b.line = source.span(source.node)
    params: list[Value] = []
    refs: list[Ref] = []
    for k, (name, spec) in enumerate(specs):
        if isinstance(spec, Const):
            ref: Ref = spec
        else:
            value = Value(name, form_of(spec), named=True)
            params.append(value)
            ref = frame.entry(value, spec, name, Read(k, (), None))
        refs.append(ref)
        frame.state.vars[frame.scope, name] = ref
    if alone:
        inner = target.fn.closed(frame.scope)
        frame.state.vars.update({(frame.scope, name): closure for name, closure in inner.items()})
    return frame, params, refs


def _run(frame: Statements) -> Ref:
    node = frame.source.node
    if isinstance(node, ast.FunctionDef):
        frame.block(node.body)
        if frame.state.dead:
            return Const(None)
        return frame.state.vars.get((frame.scope, "$result"), Const(None))
    return frame.expression(node.body, frame.result_name)


def _declared(frame: Statements, target: Target, bound: dict[str, Ref]) -> Any:
    """What is called where something is declared of the function itself; None if its source is read."""
    if isinstance(target.fn, Lifted):
        return None
    method = isinstance(target.given, MethodType) or not isinstance(target.given, FunctionType | partial)
    owned = frame.owned(target.fn, next(iter(bound.values()))) if bound and method else None
    return owned or (target.fn if REGISTRY.declares(target.fn) else None)


def _called(
    frame: Statements, given: dict[str, Ref], call: Callable[[list[Ref], dict[str, Ref]], Ref]
) -> Ref:
    """The result of a function that is called, not read: its wrapper is, or something is declared of it."""
    args: list[Ref] = []
    kwargs: dict[str, Ref] = {}
    for parameter in inspect.signature(frame.source.fn).parameters.values():
        ref = given[parameter.name]
        if parameter.kind is parameter.KEYWORD_ONLY:
            kwargs[parameter.name] = ref
        elif parameter.kind is parameter.VAR_POSITIONAL:
            args.extend(frame.static_items(ref) or ())
        elif parameter.kind is parameter.VAR_KEYWORD:
            content = frame.state.heap[ref.cell] if isinstance(ref, Obj) else None
            kwargs.update(content.entries if isinstance(content, Entries) else ())
        else:
            args.append(ref)
    return call(args, kwargs)


def _structure(frame: Statements, ref: Ref, atoms: list[Atom]) -> Any:
    """What a function returns, its leaves in `atoms`."""
    items: tuple[Ref, ...] | None = None
    keys: tuple[Any, ...] = ()
    kind: type = tuple
    handle: Atom | None = None
    if isinstance(ref, Tup):
        items, kind = ref.items, ref.cls
    elif isinstance(ref, Obj):
        content = frame.state.heap[ref.cell]
        if isinstance(content, (Items, Entries)):
            kind, handle = content.cls, content.handle
            if isinstance(content, Items):
                items = content.items
            else:
                content = frame.whole_object(ref)
                items, keys = content.refs, content.keys
    if items is None:
        atoms.append(frame.atom(ref))
        return "leaf"
    parts = tuple(_structure(frame, item, atoms) for item in items)
    if handle is not None:
        atoms.append(handle)
    return (kind, keys or tuple(range(len(items))), parts, handle is not None)


def _graph(frame: Statements, source: Source, params: list[Value], results: list[Atom]) -> Graph:
    captures = tuple(c for c, _, _ in frame.unit.captures.values())
    inputs = (*params, *(v for _, v, _ in frame.unit.captures.values()))
    region = without_unbound(Region(inputs, (*frame.unit.entry, *frame.b.body), tuple(results)))
    name = getattr(source.node, "name", source.fn.__name__)
    line = source.span(source.node)
    return Graph(name if name.isidentifier() else "function", region, line, captures, origin=source)


def lower_rule(builder: Builder, fn: Any, args: list[Any], kwargs: dict[str, Any]) -> Any:
    """Inline a rule: `builder` builds its body. Arguments and result are atoms, None, or tuples of those."""
    folded, builder.folded = builder.folded, FOLDED_IN_RULES
    if isinstance(fn, Ownerless):
        args, fn = [*args[: fn.ahead], *args[fn.ahead + 1 :]], fn.rule
    try:
        unit = Unit(RULES, builder, rule=True)
        unit.present = frozenset(_leaves(args[0]))
        source = read_source(fn)
        frame = Statements(unit, source, Scope("rule"))
        line = builder.line
        named = frame.bind_arguments(
            fn, [_given(frame, a) for a in args], {k: _given(frame, a) for k, a in kwargs.items()}
        )
        inner = frame.inline(source, None, named, "")
        builder.line = line
        return _taken(frame, inner)
    finally:
        builder.folded = folded


def _leaves(value: Any) -> Iterator[Value]:
    if isinstance(value, Value):
        yield value
    inside = value.values() if isinstance(value, dict) else value
    for item in inside if isinstance(value, (tuple, list, dict)) else ():
        yield from _leaves(item)


def _given(frame: Statements, value: Any) -> Ref:
    if isinstance(value, dict):
        return frame.state.new(Entries(tuple((k, _given(frame, v)) for k, v in value.items())))
    if isinstance(value, (tuple, list)):
        items = tuple(_given(frame, v) for v in value)
        return Tup(items) if isinstance(value, tuple) else frame.state.new(Items(items))
    if value is None:
        return Const(None)
    made = frame.b.made_by(value, pack_tuple, pack_list)
    if made is not None:
        # A tuple or a list that was written out is known to the rule item by item.
        return _given(frame, made.args if made.fn is pack_tuple else list(made.args))
    made = frame.b.made_by(value, pack_object)
    if made is not None and isinstance(made.args[1], Const):
        return _object_given(frame, value, made.args[1].value, made.args[2:])
    return frame.own(value)


def _object_given(frame: Statements, value: Value, names: tuple[str, ...], items: tuple[Atom, ...]) -> Ref:
    """An object whose attributes are known to a rule one by one."""
    cls = value.type.cls
    assert cls is not None
    parts = tuple(_given(frame, item) for item in items)
    if issubclass(cls, tuple):
        return Tup(parts, cls)
    ref = frame.state.new(Entries(tuple(zip(names, parts, strict=True)), None, cls), value.name)
    ref.cell.seen = value
    return ref


def _taken(frame: Statements, ref: Ref) -> Any:
    content = frame.content(ref) if isinstance(ref, Obj) else None
    if isinstance(content, Entries):
        return {key: _taken(frame, part) for key, part in content.entries}
    items = frame.static_items(ref) if isinstance(ref, (Tup, Obj)) else None
    if items is not None:
        taken = [_taken(frame, item) for item in items]
        return tuple(taken) if isinstance(ref, Tup) else taken
    if isinstance(ref, Const) and ref.value is None:
        return None
    return frame.atom(ref)


class Rules(Session):
    """What the lowerings of all rules share. What a rule of the user's reads is guarded by each program."""

    def guard(self, name: str, scope: Any, value: Any) -> None:
        RULE_GUARDS.get({}).setdefault((id(scope), name), Guard(name, scope, value))


RULES = Rules()
# What the rules read that the program being compiled was made with.
RULE_GUARDS: ContextVar[dict[tuple[int, str], Guard]] = ContextVar("RULE_GUARDS")
Watch = Callable[[str, Graph], Graph]
