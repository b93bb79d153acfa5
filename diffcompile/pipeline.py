"""The compiler on one page: a function and the facts of its arguments in, a loaded program out.

    source -> graph -> derivative -> closed graph -> module text -> callables
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from .analysis.activity import can_vary
from .differentiate.derive import differentiable_again, gradient, pair, runnable
from .emit.module import Module, load
from .emit.python import Printer
from .errors import Span, WrongArgument
from .frontend.lower import Guard, Lowered, Parts, Spec, lower
from .ir.graph import Atom, Capture, Const, Graph, Store, Value
from .ir.types import Type, number
from .ir.walk import instructions
from .rules.register import REGISTRY

Mode = Literal["grad", "value_and_grad", "vjp"]
Watch = Callable[[str, Graph], None]


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

    def holds(self) -> bool:
        """Is everything that was folded into the program still what it was?"""
        return self.version == REGISTRY.version and all(guard.holds() for guard in self.guards)


def derive(
    fn: Any, specs: list[tuple[str, Spec]], wrt: tuple[int, ...] | int, mode: Mode, has_aux: bool = False,
    watch: Watch = lambda stage, graph: None,
) -> Program:  # fmt: skip
    """Compile the derivative of `fn`; `watch(stage, graph)` sees every step."""
    lowered = lowered_graph(fn, specs, "value" if mode == "value_and_grad" else "")
    watch("lowered", lowered.graph)
    indices = (wrt,) if isinstance(wrt, int) else wrt
    leaves = [differentiable(lowered, k, specs) for k in indices]
    if mode == "vjp":
        return _pullback(fn, specs, lowered, indices, leaves, watch)
    result, outputs = _scalar_result(lowered, has_aux)
    inputs = list(dict.fromkeys(v for group in leaves for v in group))
    kept = len(outputs) if mode == "value_and_grad" or has_aux else 0
    graph = gradient(lowered.graph, inputs, result, outputs, bool(kept))
    watch("reverse", graph)
    graph = runnable(graph, kept, inputs)
    watch("in place", graph)
    place = {v: kept + k for k, v in enumerate(inputs)}
    shown = [
        _structure_of(specs[k][1], iter([place[v] for v in group]))
        for k, group in zip(indices, leaves, strict=True)
    ]

    def returned(printer: Printer, graph: Graph) -> ast.expr:
        atoms = graph.region.results
        grads: list[ast.expr] = [_build(printer, s, atoms) for s in shown]
        answer = grads[0] if isinstance(wrt, int) else ast.Tuple(grads, ast.Load())
        if not kept:
            return answer
        aux = _returned(printer, lowered.returns, iter(range(kept)), atoms)
        if mode == "value_and_grad":
            return ast.Tuple([aux, answer], ast.Load())
        assert isinstance(aux, ast.Tuple)
        return ast.Tuple([answer, *aux.elts[1:]], ast.Load())

    name = _name_of(fn)
    suffix = "value_and_grad" if mode == "value_and_grad" else "grad"
    module = Module()
    function = f"{name}_{suffix}"
    doc = _doc(fn, mode, [specs[k][0] for k in indices], lowered)
    module.add(graph, function, doc, _signature(fn, lowered, specs), returned)
    return _loaded(module, (function,), graph, (graph,), lowered, "leaf")


def lowered_graph(fn: Any, specs: list[tuple[str, Spec]], result_name: str = "") -> Lowered:
    """The graph of a function, or of a derivative that is differentiated once more."""
    again = getattr(fn, "lowered", None)
    return again(specs) if again is not None else lower(fn, specs, result_name)


def lowered_derivative(
    fn: Any, specs: list[tuple[str, Spec]], wrt: tuple[int, ...] | int, mode: Mode, has_aux: bool
) -> Lowered:
    """The derivative of `fn` as a function to be differentiated."""
    lowered = lowered_graph(fn, specs)
    indices = (wrt,) if isinstance(wrt, int) else wrt
    leaves = [differentiable(lowered, k, specs) for k in indices]
    result, outputs = _scalar_result(lowered, has_aux)
    inputs = list(dict.fromkeys(v for group in leaves for v in group))
    kept = len(outputs) if mode == "value_and_grad" or has_aux else 0
    graph = differentiable_again(gradient(lowered.graph, inputs, result, outputs, bool(kept)))
    place = {v: kept + k for k, v in enumerate(inputs)}
    order: list[int] = []
    shapes = []
    for k, group in zip(indices, leaves, strict=True):
        order.extend(place[v] for v in group)
        shapes.append(_returned_shape(specs[k][1]))
    answer = shapes[0] if isinstance(wrt, int) else (tuple, tuple(range(len(shapes))), tuple(shapes))
    if kept:
        order = [*range(kept), *order]
        answer = (tuple, (0, 1), (lowered.returns, answer))
    results = tuple(graph.region.results[k] for k in order)
    graph = replace(graph, region=replace(graph.region, results=results), name=f"{graph.name}_grad")
    return replace(lowered, graph=graph, returns=answer)


def _returned_shape(spec: Spec) -> Any:
    if isinstance(spec, Parts):
        return (spec.kind, spec.keys, tuple(_returned_shape(p) for p in spec.items))
    return "leaf"


def _loaded(
    module: Module, names: tuple[str, ...], graph: Graph, graphs: tuple[Graph, ...], lowered: Lowered,
    returns: Any,
) -> Program:  # fmt: skip
    text = module.text()
    namespace = load(text, module, names[0])
    functions = {n: namespace[n] for n in names}
    return Program(
        text, functions, names, graph, graphs, lowered.graph.captures, lowered.guards, REGISTRY.version,
        tuple(dict.fromkeys(module.unwritable)), returns, lowered.graph.line,
        any(isinstance(i, Store) and i.visible for i in instructions(lowered.graph.region)),
    )  # fmt: skip


def _pullback(
    fn: Any, specs: list[tuple[str, Spec]], lowered: Lowered, indices: tuple[int, ...],
    leaves: list[list[Value]], watch: Watch,
) -> Program:  # fmt: skip
    """Two functions: forward gives the value and what is saved, backward takes that and a cotangent."""
    name = _name_of(fn)
    outputs = list(lowered.graph.region.results)
    single = lowered.returns == "leaf"
    cts: list[tuple[Atom, Value]] = []
    for k, atom in enumerate(outputs):
        known = atom.type if atom.type.kind in ("array", "number", "list") else Type()
        if atom.type.kind == "float":
            known = number(atom.type.numeric_dtype)
        cts.append((atom, Value(f"{name}_bar" if single else f"{name}_bar_{k}", known, True)))
    inputs = list(dict.fromkeys(v for group in leaves for v in group))
    arrays = tuple(v for group in lowered.leaves for v in group if isinstance(v, Value))
    front, back = pair(lowered.graph, inputs, outputs, cts, name, arrays)
    watch("forward", front)
    watch("backward", back)
    place = {v: k for k, v in enumerate(inputs)}
    shown = [
        _structure_of(specs[k][1], iter([place[v] for v in g])) for k, g in zip(indices, leaves, strict=True)
    ]
    count = len(outputs)

    def returned(printer: Printer, graph: Graph) -> ast.expr:
        atoms = graph.region.results
        value = _returned(printer, lowered.returns, iter(range(count)), atoms)
        return ast.Tuple([value, printer.atom(atoms[count])], ast.Load())

    def grads(printer: Printer, graph: Graph) -> ast.expr:
        return ast.Tuple([_build(printer, s, graph.region.results) for s in shown], ast.Load())

    module = Module()
    wrt = ", ".join(specs[k][0] for k in indices)
    ahead = f"Value of `{name}`, and what its pullback needs.\n\n    {_origin(lowered)}\n    "
    behind = (
        f"Cotangents of {wrt}, from what `{name}_forward` saved and the cotangent of its result.\n\n"
        "    `v_bar` is the cotangent of `v`: the derivative of the result with respect to `v`.\n    "
    )
    module.add(front, f"{name}_forward", ahead, _signature(fn, lowered, specs), returned)
    params = [ast.arg(p.name, None) for p in back.params]
    module.add(back, f"{name}_backward", behind, ast.arguments([], params, None, [], [], None, []), grads)
    names = (f"{name}_forward", f"{name}_backward")
    return _loaded(module, names, front, (front, back), lowered, lowered.returns)


def differentiable(lowered: Lowered, index: int, specs: list[tuple[str, Spec]]) -> list[Value]:
    """The numbers and arrays inside an argument that a derivative can be taken with respect to."""
    name, spec = specs[index]
    found = [a for a in lowered.leaves[index] if isinstance(a, Value) and can_vary(a)]
    if not found:
        what = (
            "an integer"
            if isinstance(spec, Type) and spec.is_integer
            else "not a float or an array of floats"
        )
        empty = isinstance(spec, Parts) and not spec.items
        if not empty:
            raise WrongArgument(
                f"`{lowered.graph.name}` cannot be differentiated with respect to `{name}`, which is {what}",
                lowered.graph.line,
                f"Pass `{name}` as a float (`3.0`, or `x.astype(float)`), or leave it out of `argnums`.",
            )
    return found


def _scalar_result(lowered: Lowered, has_aux: bool) -> tuple[Atom, list[Atom]]:
    """The number that is differentiated, and all that the function returns."""
    results = list(lowered.graph.region.results)
    name = lowered.graph.name
    if has_aux:
        if lowered.returns == "leaf" or len(lowered.returns[2]) != 2 or lowered.returns[2][0] != "leaf":
            raise WrongArgument(
                f"with `has_aux=True`, `{name}` returns a pair (number, anything)", lowered.graph.line,
                "Return two values.",
            )  # fmt: skip
    elif lowered.returns != "leaf":
        raise WrongArgument(
            f"`grad` needs a function that returns one number, and `{name}` returns several",
            lowered.graph.line,
            "Return their sum, say `has_aux=True` for (number, anything), or use `vjp`.",
        )
    known = results[0].type
    ok = known.is_scalar or known.kind == "unknown" or known.kind == "array" and known.rank in (0, None)
    if not ok:
        what = f"an array of rank {known.rank}" if known.kind == "array" else f"a {known.kind}"
        raise WrongArgument(
            f"`grad` needs a function that returns one number, and `{name}` returns {what}",
            lowered.graph.line,
            "Return its sum, or use `vjp`.",
        )
    if known.numeric_dtype is not None and known.numeric_dtype.kind == "c":
        raise WrongArgument(
            f"`grad` needs a real result, and `{name}` returns a complex one", lowered.graph.line,
            "Return its real part or its absolute value.",
        )  # fmt: skip
    return results[0], results


# -- what the user sees of arguments and results -----------------------------------------------------------


def _structure_of(spec: Spec, places: Any) -> Any:
    """The gradient's structure: that of the argument, with None where nothing can be differentiated."""
    if isinstance(spec, Parts):
        return (spec.kind, spec.keys, tuple(_structure_of(part, places) for part in spec.items))
    if isinstance(spec, Const) or not can_vary(Value("leaf", spec)):
        return None
    return next(places)


def _build(printer: Printer, shape: Any, atoms: tuple[Atom, ...]) -> ast.expr:
    if shape is None:
        return ast.Constant(None)
    if isinstance(shape, int):
        return printer.atom(atoms[shape])
    kind, keys, parts = shape
    return _display(printer, kind, keys, [_build(printer, part, atoms) for part in parts])


def _returned(printer: Printer, shape: Any, places: Any, atoms: tuple[Atom, ...]) -> ast.expr:
    if shape == "leaf":
        return printer.atom(atoms[next(places)])
    kind, keys, parts = shape
    return _display(printer, kind, keys, [_returned(printer, part, places, atoms) for part in parts])


def _display(printer: Printer, kind: type, keys: tuple[Any, ...], items: list[ast.expr]) -> ast.expr:
    if kind is dict:
        return ast.Dict([printer.plain(k) for k in keys], items)
    if kind is list:
        return ast.List(items, ast.Load())
    return ast.Tuple(items, ast.Load())


def _name_of(fn: Any) -> str:
    name = getattr(fn, "__name__", "function")
    name = name if name.isidentifier() else "function"
    return f"{name}_grad" if hasattr(fn, "lowered") else name


def _origin(lowered: Lowered) -> str:
    line = lowered.graph.line
    file = line.file.replace("\\", "/")
    short = "/".join(file.split("/")[-2:]) if "/" in file else file
    return f"Generated by diffcompile from {short}, line {line.line}."


def _doc(fn: Any, mode: Mode, wrt: list[str], lowered: Lowered) -> str:
    names = wrt[0] if len(wrt) == 1 else f"{', '.join(wrt[:-1])} and {wrt[-1]}"
    name = _name_of(fn)
    head = (
        f"Value of `{name}`, and its gradient with respect to {names}."
        if mode == "value_and_grad"
        else f"Gradient of `{name}` with respect to {names}."
    )
    return (
        f"{head}\n\n    {_origin(lowered)}\n"
        "    `v_bar` is the cotangent of `v`: the derivative of the result with respect to `v`.\n    "
    )


def _signature(fn: Any, lowered: Lowered, specs: list[tuple[str, Spec]]) -> ast.arguments:
    """The user's own parameters; what was captured follows, by keyword."""
    groups: dict[Any, list[ast.arg]] = {kind: [] for kind in inspect._ParameterKind}
    defaults: list[ast.expr] = []
    only_defaults: list[ast.expr | None] = []
    printer = Printer(Module(), {}, {}, False)
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

