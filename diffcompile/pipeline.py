"""The compiler on one page: a function and the facts of its arguments in, a loaded program out.

    source -> graph -> derivative -> closed graph -> module text -> callables
"""

from __future__ import annotations

import ast
import builtins
import dataclasses
import functools
import inspect
import itertools
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeVar

from .analysis.activity import can_vary
from .analysis.results import holomorphic_only, number_only, one_jacobian, real_only
from .differentiate.derive import differentiable_again, gradient, listed, pair, runnable
from .differentiate.direction import directional
from .differentiate.jacobian import forward_jacobian, noticeable, reverse_jacobian
from .differentiate.linear import linearized
from .differentiate.mapping import DERIVING, mapped
from .emit.module import Module, load
from .emit.python import Printer
from .errors import DiffCompileError, NoRule, Span, WrongArgument
from .frontend.arguments import (
    DESCRIBED,
    Described,
    Parts,
    Place,
    Read,
    Spec,
    Target,
    item_by_item,
)
from .frontend.layouts import Each, Layout, can_hold_floats, can_move, is_built, values_in
from .frontend.lower import RULE_GUARDS, Guard, Lowered, lower
from .ir.graph import (
    Atom,
    Call,
    Capture,
    Const,
    Graph,
    Instr,
    Region,
    Store,
    Value,
    backward_begins,
    raise_error,
    replay_begins,
    replay_ends,
    unpack,
)
from .ir.types import Type, number
from .ir.walk import changes, instructions, substitute
from .passes.views import views
from .rules.checks import unchanged
from .rules.containers import with_attributes
from .rules.register import REGISTRY

Mode = Literal[
    "grad", "value_and_grad", "holomorphic", "vjp", "jvp", "hvp", "linearize", "jacfwd", "jacrev", "vmap",
]  # fmt: skip
Watch = Callable[[str, Graph], None]
T = TypeVar("T")


@dataclass(frozen=True, slots=True, eq=False)
class Like:
    """A result that is a derivative, or a part of one: of the structure of what is of this type."""

    known: Type
    path: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Program:
    """One compiled specialisation: its text, its functions, and when it holds."""

    text: str
    functions: dict[str, Callable[..., Any]]
    names: tuple[str, ...]
    graph: Graph
    graphs: tuple[Graph, ...]
    captures: tuple[Capture, ...]
    guards: tuple[Guard, ...]
    version: int
    unwritable: tuple[str, ...] = ()
    returns: Any = "leaf"
    span: Span | None = field(default=None)
    writes: bool = False  # into its arguments
    reads: tuple[Read, ...] = ()  # attributes of objects, with their kinds
    objects: tuple[Read, ...] = ()  # where those objects are found
    same: tuple[int, ...] = ()  # which of them are one and the same
    lists: tuple[tuple[Read, Type], ...] = ()  # where lists of objects are found that are one value
    tangents: tuple[str, ...] = ()  # the parameters that are tangents
    layouts: bool = False  # did how its arguments are laid out in memory decide what is a view of what?
    one_by_one: bool = False  # are the lists of its arguments described item by item?
    primal: Graph | None = None  # the function itself: what `linearize` was asked of, to be run step by step,
    given: tuple[int, ...] = ()  # and the parameters of the function that are its parameters

    def holds(self) -> bool:
        """Is everything that was folded into the program still what it was?"""
        return self.version == REGISTRY.version and all(guard.holds() for guard in self.guards)


def either_way(compiling: Callable[..., T]) -> Callable[..., T]:
    """This, with the lists of the arguments described item by item where it is refused as it is asked."""

    @functools.wraps(compiling)
    def compiled(
        target: Target, specs: list[tuple[str, Spec]], *args: Any, one_by_one: bool = False, **kwargs: Any
    ) -> T:
        described = Described(one_by_one)
        specs = [(name, item_by_item(spec)) for name, spec in specs] if one_by_one else specs
        before = DESCRIBED.set(described)
        try:
            return compiling(target, specs, *args, **kwargs)
        except DiffCompileError as refusal:
            if not described.can_be_taken_apart:
                raise
            DESCRIBED.set(Described(one_by_one=True))
            specs = [(name, item_by_item(spec)) for name, spec in specs]
            try:
                return compiling(target, specs, *args, **kwargs)
            except DiffCompileError:
                raise refusal from None
        finally:
            DESCRIBED.reset(before)

    return compiled


@either_way
def derive(
    target: Target, specs: list[tuple[str, Spec]], wrt: tuple[Place, ...] | Place, mode: Mode,
    has_aux: bool = False, check: bool = False, watch: Watch = lambda stage, graph: None,
) -> Program:  # fmt: skip
    """Compile the derivative of a function; `watch(stage, graph)` sees every step.

    With `check`, the program finds out whether anything that its backward pass reads was changed.
    """
    RULE_GUARDS.set({})
    fn = target.fn
    places = (wrt,) if isinstance(wrt, Place) else wrt
    # What a pullback reads of a list is safe from later writes into its items.
    runs = mode not in ("vjp", "linearize")
    lowered = lowered_graph(target, specs, "value" if mode == "value_and_grad" else "", places, runs)
    watch("lowered", lowered.graph)
    names = [place.label([n for n, _ in specs]) for place in places]
    for name, shape, place in zip(names, lowered.wrt, places, strict=True):
        differentiable(lowered, name, shape, place, specs)
    inputs = inputs_of(lowered.wrt)
    if mode == "vjp":
        return _pullback(target, lowered, names, inputs, check, watch)
    if mode == "linearize":
        wrt_params = _params(lowered, specs, [p.root for p in places])
        return replace(_linearized(target, lowered, wrt_params, watch), given=_given(specs))
    if mode in ("jvp", "hvp"):
        wanted = _params(lowered, specs, [p.root for p in places])
        return _push(target, lowered, wanted, watch, mode == "hvp")
    if mode in ("jacfwd", "jacrev"):
        return _jacobian(target, lowered, names, mode, isinstance(wrt, Place), watch)
    result, outputs = _scalar_result(lowered, has_aux, mode, inputs)
    kept = len(outputs) if mode == "value_and_grad" or has_aux else 0
    graph = gradient(lowered.graph, inputs, result, outputs, bool(kept), check)
    watch("reverse", graph)
    graph = views(runnable(graph, kept, inputs))
    watch("in place", graph)
    cotangent = {v: kept + k for k, v in enumerate(inputs)}

    def returned(printer: Printer, graph: Graph) -> ast.expr:
        atoms = graph.region.results
        grads: list[ast.expr] = [_build(printer, s, atoms, cotangent) for s in lowered.wrt]
        answer = grads[0] if isinstance(wrt, Place) else ast.Tuple(grads, ast.Load())
        if not kept:
            return answer
        aux = _returned(printer, lowered.returns, iter(range(kept)), atoms)
        if mode == "value_and_grad":
            return ast.Tuple([aux, answer], ast.Load())
        assert isinstance(aux, ast.Tuple)
        return ast.Tuple([answer, *aux.elts[1:]], ast.Load())

    name = _name_of(fn)
    suffix = "value_and_grad" if mode == "value_and_grad" else "grad"
    module = Module(views)
    function = f"{name}_{suffix}"
    doc = _doc(fn, mode, names, lowered)
    module.reserved = {function}
    module.add(graph, function, doc, _signature(target, lowered, module), returned)
    return _loaded(module, (function,), graph, (graph,), lowered, "leaf")


def lowered_graph(
    target: Target, specs: list[tuple[str, Spec]], result_name: str = "", wrt: tuple[Place, ...] = (),
    runs: bool = False,
) -> Lowered:  # fmt: skip
    """The graph of a function, or of a derivative that is differentiated once more."""
    again = getattr(target.fn, "lowered", None)
    if again is not None:
        return again(specs, wrt)  # type: ignore[no-any-return]
    return lower(target, specs, result_name, wrt, runs, DERIVING)


def lowered_derivative(
    target: Target, specs: list[tuple[str, Spec]], inner: tuple[Place, ...] | Place, mode: Mode,
    has_aux: bool, wrt: tuple[Place, ...],
) -> Lowered:  # fmt: skip
    """The derivative of a function with respect to `inner`, as a function to be differentiated with respect
    to `wrt`."""
    places = (inner,) if isinstance(inner, Place) else inner
    lowered = lowered_graph(target, specs, "", (*places, *wrt))
    shapes = lowered.wrt[: len(places)]
    for place, shape in zip(places, shapes, strict=True):
        differentiable(lowered, place.label([n for n, _ in specs]), shape, place, specs)
    inputs = inputs_of(shapes)
    if mode in ("jacfwd", "jacrev"):
        return _lowered_jacobian(lowered, inputs, shapes, isinstance(inner, Place), mode)
    result, outputs = _scalar_result(lowered, has_aux, mode, inputs)
    kept = len(outputs) if mode == "value_and_grad" or has_aux else 0
    graph = differentiable_again(gradient(lowered.graph, inputs, result, outputs, bool(kept)))
    cotangent = {v: kept + k for k, v in enumerate(inputs)}
    order: list[int] = []
    returned = tuple(_as_returned(shape, cotangent, order, lowered) for shape in shapes)
    several = (tuple, tuple(range(len(returned))), returned, False)
    answer: Any = returned[0] if isinstance(inner, Place) else several
    if mode == "value_and_grad":
        order = [*range(kept), *order]
        answer = (tuple, (0, 1), (lowered.returns, answer), False)
    elif has_aux:
        order = [*order, *range(1, kept)]
        answer = (tuple, (0, 1), (answer, lowered.returns[2][1]), False)
    results = tuple(graph.region.results[k] for k in order)
    graph = replace(graph, region=replace(graph.region, results=results), name=f"{graph.name}_grad")
    return replace(lowered, graph=graph, returns=answer, wrt=lowered.wrt[len(places) :])


def _lowered_jacobian(
    lowered: Lowered, inputs: list[Value], shapes: tuple[Any, ...], single: bool, mode: Mode
) -> Lowered:
    """As `lowered_derivative`, of a Jacobian: a block in place of each number or array of the result."""
    _numbers_alone(inputs, lowered.graph)
    lowered = _opened(lowered)
    one_jacobian(lowered.graph, inputs, lowered.graph.region.results, mode == "jacrev")
    build = forward_jacobian if mode == "jacfwd" else reverse_jacobian
    graph = differentiable_again(build(lowered.graph, inputs))
    count, order = itertools.count(), list[int]()

    def block() -> Any:
        first = next(count) * len(inputs)
        places = {v: first + k for k, v in enumerate(inputs)}
        parts = tuple(_as_returned(shape, places, order, lowered) for shape in shapes)
        return parts[0] if single else (tuple, tuple(range(len(parts))), parts, False)

    def each(shape: Any) -> Any:
        if shape is None:
            return None
        return block() if shape == "leaf" else (*shape[:2], tuple(map(each, shape[2])), False)

    returns = each(lowered.returns)
    results = tuple(graph.region.results[k] for k in order)
    graph = replace(graph, region=replace(graph.region, results=results), name=f"{graph.name}_jacobian")
    return replace(lowered, graph=graph, returns=returns, wrt=lowered.wrt[len(shapes) :])


def inputs_of(shapes: tuple[Any, ...]) -> list[Value]:
    """The values in the structures that derivatives have, each once."""
    return list(dict.fromkeys(v for shape in shapes for v in values_in(shape) if can_vary(v)))


def _as_returned(shape: Any, cotangent: dict[Value, int], order: list[int], lowered: Lowered) -> Any:
    """The structure of a derivative, as that of what a function returns."""
    if isinstance(shape, Value) and shape in cotangent:
        order.append(cotangent[shape])
        return "leaf"
    if isinstance(shape, Each):
        order.append(cotangent[shape.value])
        return Like(shape.known, shape.path)
    if shape is None or isinstance(shape, Value):
        return None
    kind, keys, parts, built = shape
    if built is not None:
        raise WrongArgument(
            "a second derivative with respect to a registered container is not differentiated yet",
            lowered.graph.line,
            "Differentiate with respect to its attributes.",
        )
    return (kind, keys, tuple(_as_returned(p, cotangent, order, lowered) for p in parts), False)


def _loaded(
    module: Module, names: tuple[str, ...], graph: Graph, graphs: tuple[Graph, ...], lowered: Lowered,
    returns: Any,
) -> Program:  # fmt: skip
    text = module.text()
    namespace = load(text, module, names[0])
    functions = {n: namespace[n] for n in names}
    return Program(
        text, functions, names, graph, graphs, lowered.graph.captures,
        (*lowered.guards, *RULE_GUARDS.get({}).values()), REGISTRY.version,
        tuple(dict.fromkeys(module.unwritable)), returns, lowered.graph.line,
        any(map(_writes, instructions(lowered.graph.region))), lowered.reads, lowered.objects, lowered.same,
        lists=lowered.lists, layouts=lowered.layouts, one_by_one=DESCRIBED.get(Described()).one_by_one,
    )  # fmt: skip


def unnoticed(graph: Graph) -> bool:
    """Does nobody notice if this is run once more? It writes, prints and draws nothing."""
    return not any(map(noticeable, instructions(graph.region)))


_UNSEEN = (builtins.print, raise_error, backward_begins, replay_begins, replay_ends, unchanged)


def _writes(instr: Instr) -> bool:
    """Does this change something of the caller's?"""
    if isinstance(instr, Call):
        unseen = instr.outs or instr.fn in _UNSEEN
        return bool(changes(instr)) or not unseen
    return isinstance(instr, Store) and instr.visible


def _pullback(
    target: Target, lowered: Lowered, wrt: list[str], inputs: list[Value], check: bool, watch: Watch
) -> Program:
    """Two functions: forward gives the value and what is saved, backward takes that and a cotangent."""
    name = _name_of(target.fn)
    outputs = list(lowered.graph.region.results)
    single = lowered.returns == "leaf"
    cts: list[tuple[Atom, Value]] = []
    if _has_items(lowered.returns):
        raise of_items("pullback", lowered.graph)
    wholes = _wholes(lowered.returns)
    for k, atom in enumerate(outputs):
        if k in wholes:
            continue
        if atom.type.holds_records:
            what = "a list of objects" if atom.type.kind == "list" else "an object of a list"
            raise NoRule(
                f"the pullback of {what}, which `{name}` returns", lowered.graph.line,
                "Return arrays.",
            )  # fmt: skip
        known = atom.type if atom.type.kind in ("array", "number", "list") else Type()
        if atom.type.kind == "float":
            known = number(atom.type.numeric_dtype)
        cts.append((atom, Value(f"{name}_bar" if single else f"{name}_bar_{k}", known, True)))
    front, back = map(views, pair(lowered.graph, inputs, outputs, cts, name, lowered.given, check))
    watch("forward", front)
    watch("backward", back)
    cotangent = {v: k for k, v in enumerate(inputs)}
    count = len(outputs)

    def returned(printer: Printer, graph: Graph) -> ast.expr:
        atoms = graph.region.results
        value = _returned(printer, lowered.returns, iter(range(count)), atoms)
        return ast.Tuple([value, printer.atom(atoms[count])], ast.Load())

    def grads(printer: Printer, graph: Graph) -> ast.expr:
        atoms = graph.region.results
        return ast.Tuple([_build(printer, s, atoms, cotangent) for s in lowered.wrt], ast.Load())

    module = Module(views)
    ahead = f"Value of `{name}`, and what its pullback needs.\n\n    {_origin(lowered)}\n    "
    behind = (
        f"Cotangents of {', '.join(wrt)}, from what `{name}_forward` saved and the cotangent of its result."
        "\n\n"
        "    `v_bar` is the cotangent of `v`: the derivative of the result with respect to `v`.\n    "
    )
    module.reserved = {f"{name}_forward", f"{name}_backward"}
    module.add(front, f"{name}_forward", ahead, _signature(target, lowered, module), returned)
    params = [ast.arg(p.name, None) for p in back.params]
    module.add(back, f"{name}_backward", behind, ast.arguments([], params, None, [], [], None, []), grads)
    names = (f"{name}_forward", f"{name}_backward")
    return _loaded(module, names, front, (front, back), lowered, lowered.returns)


def _params(lowered: Lowered, specs: list[tuple[str, Spec]], positions: Iterable[Any]) -> list[Value]:
    """The parameters of the graph that these of the function are: what is folded into it is none of it."""
    given = _given(specs)
    return [lowered.graph.params[given.index(k)] for k in positions]


def _given(specs: list[tuple[str, Spec]]) -> tuple[int, ...]:
    """The parameters of the function that are parameters of its graph."""
    return tuple(k for k, (_, spec) in enumerate(specs) if not isinstance(spec, Const))


def _push(target: Target, lowered: Lowered, wrt: list[Value], watch: Watch, alone: bool) -> Program:
    """One function, which gives the value and its derivative in the direction of further arguments.

    Or the derivative `alone`: that of a gradient, the product of a Hessian with the direction.
    """
    name = _name_of(target.fn)
    count = len(lowered.graph.region.results)
    wholes = _wholes(lowered.returns)
    graph = views(directional(lowered.graph, wrt, wholes, alone))
    watch("forward", graph)
    dots = _apart_from(graph.params[len(lowered.graph.params) :], {p.name for p in lowered.graph.params})
    graph = replace(graph, region=_with_params(graph.region, dots))

    def returned(printer: Printer, graph: Graph) -> ast.expr:
        atoms, first = graph.region.results, 0 if alone else count
        parts = (printer.atom(atoms[first + k]) for k in range(count) if k not in wholes)
        dots = _each(printer, lowered.returns, lambda: next(parts))
        if alone:
            return dots
        value = _returned(printer, lowered.returns, iter(range(count)), atoms)
        return ast.Tuple([value, dots], ast.Load())

    module = Module(views)
    labels = [out.name for out in dots.values()]
    directions = labels[0] if len(labels) == 1 else f"{', '.join(labels[:-1])} and {labels[-1]}"
    head = f"Value of `{name}`, and its derivative in the direction of {directions}."
    function = f"{name}_jvp"
    if alone:
        base = name.removesuffix("_grad")
        head = f"Product of the Hessian of `{base}` with {directions}: how its gradient changes."
        function = f"{base}_hvp"
    doc = (
        f"{head}\n\n    {_origin(lowered)}\n"
        "    `v_dot` is the tangent of `v`: how `v` changes as the arguments move in that direction.\n    "
    )
    signature = _signature(target, lowered, module)
    tangents = [ast.arg(label, None) for label in labels]
    signature.kwonlyargs[:0] = tangents
    signature.kw_defaults[:0] = [None] * len(tangents)
    module.reserved = {function}
    module.add(graph, function, doc, signature, returned)
    program = _loaded(module, (function,), graph, (graph,), lowered, lowered.returns)
    return replace(program, tangents=tuple(labels))


def _linearized(target: Target, lowered: Lowered, wrt: list[Value], watch: Watch) -> Program:
    """Two functions: one gives the value and what is saved, the other takes that and a direction."""
    name = _name_of(target.fn)
    graph = lowered.graph
    count = len(graph.region.results)
    wholes = _wholes(lowered.returns)
    front, back = map(views, linearized(graph, wrt, name, lowered.given, wholes))
    watch("forward", front)
    watch("push", back)
    dots = back.params[1:]

    def returned(printer: Printer, graph: Graph) -> ast.expr:
        atoms = graph.region.results
        value = _returned(printer, lowered.returns, iter(range(count)), atoms)
        return ast.Tuple([value, printer.atom(atoms[count])], ast.Load())

    def pushed(printer: Printer, graph: Graph) -> ast.expr:
        parts = (printer.atom(a) for k, a in enumerate(graph.region.results) if k not in wholes)
        return _each(printer, lowered.returns, lambda: next(parts))

    module = Module(views)
    names = (f"{name}_linearized", f"{name}_push")
    ahead = f"Value of `{name}`, and what its derivative needs.\n\n    {_origin(lowered)}\n    "
    behind = (
        f"Derivative of `{name}` in the direction of {listed([d.name for d in dots])}, from what "
        f"`{names[0]}` saved."
        "\n\n    `v_dot` is the tangent of `v`: how `v` changes as the arguments move in that direction."
        "\n    "
    )
    module.reserved = set(names)
    module.add(front, names[0], ahead, _signature(target, lowered, module), returned)
    params = [ast.arg(p.name, None) for p in back.params]
    module.add(back, names[1], behind, ast.arguments([], params, None, [], [], None, []), pushed)
    program = _loaded(module, names, front, (front, back), lowered, lowered.returns)
    parts = tuple(atom for k, atom in enumerate(graph.region.results) if k not in wholes)
    return replace(program, primal=replace(graph, region=replace(graph.region, results=parts)))


def _jacobian(
    target: Target, lowered: Lowered, wrt: list[str], mode: Mode, single: bool, watch: Watch
) -> Program:
    """One function, which gives the derivative of each number of the result by each of the arguments."""
    name = _name_of(target.fn)
    inputs = inputs_of(lowered.wrt)
    _numbers_alone(inputs, lowered.graph)
    lowered = _opened(lowered)
    one_jacobian(lowered.graph, inputs, lowered.graph.region.results, mode == "jacrev")
    build = forward_jacobian if mode == "jacfwd" else reverse_jacobian
    graph = views(build(lowered.graph, inputs))
    watch("jacobian", graph)

    def returned(printer: Printer, graph: Graph) -> ast.expr:
        atoms = graph.region.results

        positions = itertools.count()

        def block() -> ast.expr:
            position = next(positions)
            places = {v: position * len(inputs) + k for k, v in enumerate(inputs)}
            parts: list[ast.expr] = [_build(printer, s, atoms, places) for s in lowered.wrt]
            return parts[0] if single else ast.Tuple(parts, ast.Load())

        return _each(printer, lowered.returns, block)

    way = "forward, a direction for each number in the arguments"
    if mode == "jacrev":
        way = "backward, a direction for each number in the result"
    names = wrt[0] if len(wrt) == 1 else f"{', '.join(wrt[:-1])} and {wrt[-1]}"
    mark = "`v_dot` is the tangent of `v`" if mode == "jacfwd" else "`v_bar` is the cotangent of `v`"
    doc = (
        f"Jacobian of `{name}` with respect to {names}: {way}.\n\n    {_origin(lowered)}\n"
        f"    {mark}, along all directions at once: its first axis counts them.\n    "
    )
    module = Module(views)
    module.reserved = {f"{name}_jacobian"}
    module.add(graph, f"{name}_jacobian", doc, _signature(target, lowered, module), returned)
    return _loaded(module, (f"{name}_jacobian",), graph, (graph,), lowered, "leaf")


@either_way
def vectorized(
    target: Target, specs: list[tuple[str, Spec]], axes: dict[int, int], path: tuple[int, tuple[Any, ...]],
    out_axis: int,
) -> Program:  # fmt: skip
    """The program of a function of many rows: `specs` are the facts of one row of each mapped argument."""
    RULE_GUARDS.set({})
    lowered = lowered_graph(target, specs)
    name = _name_of(target.fn)
    given = dict(zip(_params(lowered, specs, axes), axes.values(), strict=True))
    (first,) = _params(lowered, specs, path[:1])
    graph = views(mapped(lowered.graph, given, (first, path[1]), out_axis))

    def returned(printer: Printer, graph: Graph) -> ast.expr:
        return _returned(printer, lowered.returns, itertools.count(), graph.region.results)

    module = Module(views)
    module.reserved = {f"{name}_rows"}
    rows = [p.name for p in given]
    listed = rows[0] if len(rows) == 1 else f"{', '.join(rows[:-1])} and {rows[-1]}"
    doc = f"Values of `{name}` for all rows of {listed}.\n\n    {_origin(lowered)}\n    "
    module.add(graph, f"{name}_rows", doc, _signature(target, lowered, module), returned)
    return _loaded(module, (f"{name}_rows",), graph, (graph,), lowered, "leaf")


def _numbers_alone(inputs: list[Value], graph: Graph) -> None:
    """Refuse a Jacobian with respect to lists that hold more than numbers."""
    if any(v.type.kind == "list" and v.type.elem is not None and not v.type.elem.is_scalar for v in inputs):
        raise NoRule(
            "the Jacobian with respect to a list of containers or objects", graph.line,
            "Differentiate with respect to arrays, and make the items of their rows.",
        )  # fmt: skip


def _opened(lowered: Lowered) -> Lowered:
    """The function with each number and array that it returns as a result of its own.

    What is in a container that a call gave is unpacked, and an object of the caller's is left out: its parts
    are there.
    """
    given = iter(lowered.graph.region.results)
    body, results = list(lowered.graph.region.body), []

    def parts_of(atom: Atom) -> Any:
        known = atom.type
        if known.kind not in ("list", "tuple", "dict", "object"):
            results.append(atom)
            return "leaf"
        if known.kind not in ("list", "tuple") or known.items is None:
            raise NoRule(
                f"the Jacobian of a {known.kind} whose items are not known here one by one",
                lowered.graph.line,
                "Return an array: `np.array(...)` or `np.stack(...)` of it.",
            )
        outs = tuple(Value("part", t) for t in known.items)
        body.append(Call(outs, unpack, (atom, Const(len(outs))), (), lowered.graph.line))
        kind: type = list if known.kind == "list" else tuple
        return (kind, tuple(range(len(outs))), tuple(map(parts_of, outs)), False)

    def opened(shape: Any) -> Any:
        if isinstance(shape, Like):
            raise of_items("Jacobian", lowered.graph)
        if shape is None:
            return None
        if shape == "leaf":
            return parts_of(next(given))
        kind, keys, parts, whole = shape
        found = tuple(map(opened, parts))
        if whole:
            next(given)
        return (kind, keys, found, False)

    returns = opened(lowered.returns)
    region = replace(lowered.graph.region, body=tuple(body), results=tuple(results))
    return replace(lowered, graph=replace(lowered.graph, region=region), returns=returns)


def _each(printer: Printer, shape: Any, block: Callable[[], ast.expr]) -> ast.expr:
    """What a function returns, with the next block in place of each number or array."""
    if shape is None:
        return ast.Constant(None)
    if shape == "leaf":
        return block()
    if isinstance(shape, Like):
        return _Builder(printer).part(shape.known, block(), shape.path)
    kind, keys, parts, _ = shape
    return _display(printer, kind, keys, [_each(printer, part, block) for part in parts])


def _with_params(region: Region, table: dict[Value, Value]) -> Region:
    return replace(substitute(region, table), params=tuple(table.get(p, p) for p in region.params))


def _apart_from(params: tuple[Value, ...], taken: set[str]) -> dict[Value, Value]:
    """These parameters under names that no other one has."""
    found: dict[Value, Value] = {}
    for param in params:
        names = itertools.chain([param.name], (f"{param.name}_{k}" for k in itertools.count(1)))
        name = next(n for n in names if n not in taken)
        taken = {*taken, name}
        found[param] = Value(name, param.type, True)
    return found


def differentiable(
    lowered: Lowered, name: str, shape: Any, place: Place, specs: list[tuple[str, Spec]]
) -> None:
    """Refuse an argument in which there is nothing that a derivative can be taken with respect to."""
    if can_move(shape):
        return
    spec = specs[place.root][1] if isinstance(place.root, int) and not place.steps else None
    if isinstance(spec, Parts) and not spec.items:
        return
    whole = shape.type if isinstance(shape, Value) else None
    integer = whole is not None and whole.is_integer
    what = "an integer" if integer else "not a float or an array of floats"
    raise WrongArgument(
        f"`{lowered.graph.name}` cannot be differentiated with respect to `{name}`, which is {what}",
        lowered.graph.line,
        f"Pass `{name}` as a float (`3.0`, or `x.astype(float)`), or leave it out of `argnums`.",
    )


def _scalar_result(
    lowered: Lowered, has_aux: bool, mode: Mode, inputs: list[Value]
) -> tuple[Atom, list[Atom]]:
    """The number that is differentiated, and all that the function returns."""
    results = list(lowered.graph.region.results)
    name = lowered.graph.name
    if has_aux:
        parts: tuple[Any, ...] = () if lowered.returns in ("leaf", None) else lowered.returns[2]
        if len(parts) != 2 or parts[0] != "leaf":
            raise WrongArgument(
                f"with `has_aux=True`, `{name}` returns a pair (number, anything)", lowered.graph.line,
                "Return two values.",
            )  # fmt: skip
    elif lowered.returns != "leaf":
        number_only(name, None, lowered.graph.line)
    number_only(name, results[0].type, lowered.graph.line)
    if mode == "holomorphic":
        holomorphic_only(lowered.graph, inputs, results[0])
    else:
        real_only(name, results[0].type, lowered.graph.line)
    return results[0], results


# -- what the user sees of arguments and results -----------------------------------------------------------


def _build(printer: Printer, shape: Any, atoms: tuple[Atom, ...], places: dict[Value, int]) -> ast.expr:
    """The derivative as the caller gets it, in the structure of what it is taken with respect to."""
    if isinstance(shape, Value) and shape in places:
        return printer.atom(atoms[places[shape]])
    if isinstance(shape, Each):
        whole = printer.atom(atoms[places[shape.value]])
        if shape.layout is None:
            return _Builder(printer).part(shape.known, whole, shape.path, shape.value.name, shape.names)
        return _build_each(printer, shape.layout, whole)
    if shape is None or isinstance(shape, Value):
        return ast.Constant(None)
    kind, keys, parts, how = shape
    items = [_build(printer, part, atoms, places) for part in parts]
    if how is None:
        return _display(printer, kind, keys, items)
    build, rest = how
    if isinstance(build, type):  # a `defaultdict`
        return ast.Call(printer.refer(build), [printer.atom(rest), _display(printer, dict, keys, items)], [])
    return ast.Call(printer.refer(build), [printer.atom(rest), ast.Tuple(items, ast.Load())], [])


def _build_each(printer: Printer, layout: Layout, whole: ast.expr) -> ast.expr:
    """`[(W_bar, b_bar) for W_bar, b_bar in layers_bar]`."""
    labels = layout.names or tuple(map(str, layout.keys))
    parts: list[ast.expr] = []
    names: list[ast.expr] = []
    for k, (label, constant, known) in enumerate(zip(labels, layout.constants, layout.types, strict=True)):
        varies = constant is None and can_vary(Value("part", known))
        name = "_" if not varies else f"{label}_bar" if label.isidentifier() else f"part_{k}"
        names.append(ast.Name(name, ast.Store()))
        parts.append(ast.Name(name, ast.Load()) if varies else ast.Constant(None))
    item = _display(printer, layout.cls, layout.keys, parts)
    return ast.ListComp(item, [ast.comprehension(ast.Tuple(names, ast.Store()), whole, [], 0)])


class _Builder:
    """The derivative with respect to lists, of the structure of their items: `[Body(p=p_bar, m=m_bar) for
    p_bar, m_bar in bodies_bar]`."""

    def __init__(self, printer: Printer) -> None:
        self.printer = printer
        self.taken: set[str] = set()

    def part(
        self, known: Type, whole: ast.expr, path: tuple[Any, ...], label: str = "item",
        names: tuple[str, ...] = (),
    ) -> ast.expr:  # fmt: skip
        """The derivative with respect to a part of a list, which is found by a path of places and keys."""
        for step in path:
            whole = ast.Subscript(whole, self.printer.plain(step), ast.Load())
        return self.like(known, whole, label, names)

    def like(self, known: Type, whole: ast.expr, label: str, names: tuple[str, ...] = ()) -> ast.expr:
        """The derivative with respect to what is of a type, of what was computed for it."""
        if not is_built(known):
            return whole if can_hold_floats(known) else ast.Constant(None)
        if known.kind == "list":
            target, item = self._item(known.elem or Type(), label, names)
            return ast.ListComp(item, [ast.comprehension(target, whole, [], 0)])
        kind, pairs = _parts(known)
        places: list[Any] = [key for key, _ in pairs] if kind is dict else list(range(len(pairs)))
        items = [
            self.like(part, ast.Subscript(whole, self.printer.plain(place), ast.Load()), str(key))
            for place, (key, part) in zip(places, pairs, strict=True)
        ]
        return _display(self.printer, kind, tuple(key for key, _ in pairs), items)

    def _item(self, known: Type, label: str, names: tuple[str, ...] = ()) -> tuple[ast.expr, ast.expr]:
        """What a comprehension calls an item, and what it makes of it."""
        if known.kind == "tuple" or known.is_record:
            kind, pairs = _parts(known)
            labels = [str(key) for key, _ in pairs] if known.keys else ["item"] * len(pairs)
            if len(names) == len(pairs):
                labels = [name or label for name, label in zip(names, labels, strict=True)]
            found = [self._item(part, label) for label, (_, part) in zip(labels, pairs, strict=True)]
            target = ast.Tuple(_without_rest([name for name, _ in found]), ast.Store())
            keys = tuple(key for key, _ in pairs)
            return target, _display(self.printer, kind, keys, [item for _, item in found])
        if not can_hold_floats(known):
            return ast.Name("_", ast.Store()), ast.Constant(None)
        name = self._name(label)
        return ast.Name(name, ast.Store()), self.like(known, ast.Name(name, ast.Load()), label)

    def _name(self, label: str) -> str:
        stem = label if label.isidentifier() else "item"
        names = itertools.chain([f"{stem}_bar"], (f"{stem}_bar_{k}" for k in itertools.count(1)))
        found = next(name for name in names if name not in self.taken)
        self.taken.add(found)
        return found


def _without_rest(names: list[ast.expr]) -> list[ast.expr]:
    """`p_bar, _, _` as `p_bar, *_`."""
    count = sum(1 for _ in itertools.takewhile(_is_unused, reversed(names)))
    rest = ast.Starred(ast.Name("_", ast.Store()), ast.Store())
    return names if count < 2 else [*names[: len(names) - count], rest]


def _is_unused(name: ast.expr) -> bool:
    return isinstance(name, ast.Name) and name.id == "_"


def _parts(known: Type) -> tuple[type, list[tuple[Any, Type]]]:
    """The class of a tuple, a dict or an object, and the types of what is in it."""
    if known.kind == "dict":
        return dict, list(known.entries or ())
    items = known.items or ()
    return known.cls or tuple, list(zip(known.keys or range(len(items)), items, strict=True))


def _returned(printer: Printer, shape: Any, places: Any, atoms: tuple[Atom, ...]) -> ast.expr:
    """What the function returns, as its caller gets it."""
    if shape is None:
        return ast.Constant(None)
    if isinstance(shape, Like):
        return _Builder(printer).part(shape.known, printer.atom(atoms[next(places)]), shape.path)
    if shape == "leaf":
        return printer.atom(atoms[next(places)])
    kind, keys, parts, whole = shape
    items = [_returned(printer, part, places, atoms) for part in parts]
    return printer.atom(atoms[next(places)]) if whole else _display(printer, kind, keys, items)


def _wholes(shape: Any) -> set[int]:
    """The positions among a function's results that are the caller's own objects."""
    found: set[int] = set()

    def visit(shape: Any, position: int) -> int:
        if shape == "leaf" or isinstance(shape, Like):
            return position + 1
        if shape is None:
            return position
        for part in shape[2]:
            position = visit(part, position)
        if shape[3]:
            found.add(position)
            position += 1
        return position

    visit(shape, 0)
    return found


def _has_items(shape: Any) -> bool:
    """Is a list of containers or objects in this structure of a result?"""
    return isinstance(shape, Like) or isinstance(shape, tuple) and any(map(_has_items, shape[2]))


def of_items(what: str, graph: Graph) -> NoRule:
    """There is no such derivative of a gradient that is a list of objects."""
    return NoRule(
        f"the {what} of a gradient with respect to a list of containers or objects", graph.line,
        "Differentiate with respect to arrays, and make the objects of their rows.",
    )  # fmt: skip


def _display(printer: Printer, kind: type, keys: tuple[Any, ...], items: list[ast.expr]) -> ast.expr:
    if kind is dict:
        return ast.Dict([printer.plain(k) for k in keys], items)
    if issubclass(kind, dict):
        return ast.Call(printer.refer(kind), [ast.Dict([printer.plain(k) for k in keys], items)], [])
    if kind is list:
        return ast.List(items, ast.Load())
    if kind is set:
        return ast.Call(printer.refer(set), [ast.List(items, ast.Load())], [])
    if kind is tuple:
        return ast.Tuple(items, ast.Load())
    if issubclass(kind, tuple):
        named = zip(kind._fields, items, strict=True)  # type: ignore[attr-defined]
    elif dataclasses.is_dataclass(kind) and all(f.init for f in dataclasses.fields(kind)):
        named = zip(keys, items, strict=True)
        if not hasattr(kind, "__post_init__"):
            return ast.Call(printer.refer(kind), [], [ast.keyword(k, v) for k, v in named])
        fields = ast.Dict([ast.Constant(k) for k in keys], items)
        return ast.Call(printer.refer(with_attributes), [printer.refer(kind), fields], [])
    else:
        fields = ast.Dict([ast.Constant(k) for k in keys], items)
        return ast.Call(printer.refer(with_attributes), [printer.refer(kind), fields], [])
    return ast.Call(printer.refer(kind), [], [ast.keyword(k, v) for k, v in named])


def _name_of(fn: Any) -> str:
    name = getattr(fn, "__name__", "function").strip("_")
    name = name if name.isidentifier() else "function"
    return f"{name}_grad" if hasattr(fn, "lowered") else name


def _origin(lowered: Lowered) -> str:
    line = lowered.graph.line
    file = line.file.replace("\\", "/")
    short = "/".join(file.split("/")[-2:]) if "/" in file else file
    return f"Generated by diffcompile from {short}, line {line.line}."


def _doc(fn: Any, mode: Mode, wrt: list[str], lowered: Lowered) -> str:
    names = listed(wrt)
    name = _name_of(fn)
    head = f"Gradient of `{name}` with respect to {names}."
    if mode == "value_and_grad":
        head = f"Value of `{name}`, and its gradient with respect to {names}."
    elif mode == "holomorphic":
        head = f"Complex derivative of `{name}` with respect to {names}."
    return (
        f"{head}\n\n    {_origin(lowered)}\n"
        "    `v_bar` is the cotangent of `v`: the derivative of the result with respect to `v`.\n    "
    )


def _signature(target: Target, lowered: Lowered, module: Module) -> ast.arguments:
    """The user's own parameters; what was captured follows, by keyword."""
    fn = target.given
    groups: dict[Any, list[ast.arg]] = {kind: [] for kind in inspect._ParameterKind}
    defaults: list[ast.expr] = []
    only_defaults: list[ast.expr | None] = []
    printer = Printer(module, {}, {}, False)
    for parameter in inspect.signature(fn).parameters.values():
        groups[parameter.kind].append(ast.arg(parameter.name, None))
        plain = isinstance(parameter.default, (int, float, str, type(None), bool, tuple))
        given = printer.plain(parameter.default) if plain else ast.Constant(None)
        if parameter.kind is parameter.KEYWORD_ONLY:
            only_defaults.append(None if parameter.default is parameter.empty else given)
        elif parameter.default is not parameter.empty:
            defaults.append(given)
    kind = inspect.Parameter
    captured = [ast.arg(c.label, None) for c in lowered.graph.captures]
    star = groups[kind.VAR_POSITIONAL]
    double = groups[kind.VAR_KEYWORD]
    return ast.arguments(
        groups[kind.POSITIONAL_ONLY], groups[kind.POSITIONAL_OR_KEYWORD], star[0] if star else None,
        [*groups[kind.KEYWORD_ONLY], *captured], [*only_defaults, *(None for _ in captured)],
        double[0] if double else None, defaults,
    )  # fmt: skip

