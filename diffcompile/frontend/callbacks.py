"""A function handed to a solver -> a graph of its own, whose captured values are its last parameters.

    def residual(x): return x**3 + a * x - b          graph residual(x, a, b): ...
    sol = optimize.root(residual, x0)                  sol = root(pack_function(residual, a, b), x0)

The body is lowered where the solver is called, and what it reads from around it becomes parameters. A rule
of a solver asks for the function's pullback, gradient and tangent here (`rules/solvers.py`); the sweeps
provide them (`Builder.derive`), since nothing in this layer differentiates.
"""

from __future__ import annotations

import contextlib
import inspect
from dataclasses import replace
from types import FunctionType
from typing import Any

import numpy as np

from ..analysis.activity import can_vary
from ..analysis.effects import repeatable
from ..analysis.shapes import fresh_dim
from ..errors import UnsupportedSyntax
from ..ir.graph import (
    Atom,
    Call,
    Const,
    Function,
    Graph,
    Region,
    Value,
    pack_function,
    pack_list,
    pack_tuple,
    unpack,
)
from ..ir.types import OBJECT, Type, array, number
from ..ir.walk import without_unbound
from ..rules.losses import LOSSES, STIFFNESS
from ..rules.solvers import (
    SOLVERS,
    Solver,
    active_places,
    bound,
    covariances_of,
    doubled,
    gradient_of,
    half_square_of,
    linearize,
    misfit_of,
    pullback_of,
    pulled_places,
    push,
    run_back,
    tangent_of,
    weighted_sum_of,
)
from .apart import apart
from .build import Builder
from .costs import Fit, Robust, cost, covariances, misfit, weighted
from .heap import Applied, Bound, Closure, Derived, Obj, Pullback, Ref, Tup
from .loans import free_name
from .source import read_source

FUNCTION = Type("function")


def solver_call(frame: Any, fn: Any, args: list[Ref], kwargs: dict[str, Ref], name: str) -> Ref:
    """A call of a solver: the functions handed to it become values that say what they captured."""
    solver = SOLVERS[fn]
    try:
        given = inspect.signature(fn).bind(*args, **kwargs).arguments
    except TypeError as cause:
        raise UnsupportedSyntax(f"`{fn.__name__}`: {cause}", frame.b.line) from None
    fitted = _fitted(frame, solver, given)
    leading = [form for how in solver.takes for form in _taken(frame, how, given, fitted)]
    if solver.swapped_by in given:
        swapped = frame.constant(given[solver.swapped_by])
        if swapped is None:
            raise frame.refuse(f"`{solver.swapped_by}` of `{fn.__name__}` is not a constant")
        leading = leading[::-1] if swapped.value else leading
    extras = _extras(frame, given.get("args"))
    table: dict[Any, Atom] = {}
    for parameter in filter(None, (solver.callback, *solver.others)):
        ref = given.get(parameter)
        if _can_be_called(ref):
            table[ref] = lowered_callback(frame, given[parameter], leading, extras)
        elif parameter == solver.callback:
            raise frame.refuse(
                f"`{parameter}` of `{fn.__name__}` is not a function that is known when compiling",
                "Hand it a function that is written out.",
            )
    atoms = [table.get(a) or frame.argument(a) for a in args]
    named = {k: table.get(a) or frame.argument(a) for k, a in kwargs.items()}
    whole = Type() if "full_output" in given else _form(frame, solver.result, given)
    if solver.result == "callback":
        whole = _integral(table[given[solver.callback]], frame)
    if solver.result == "fit" and "full_output" not in given:
        sizes = ((fitted,), (fitted, fitted))
        whole = Type("tuple", items=tuple(array(np.dtype(np.float64), size) for size in sizes))
    out = frame.b.call(fn, *atoms, kwargs=named, name=name, type=OBJECT if solver.fields else whole)
    frame.unit.solved[out] = {field: _form(frame, how, given) for field, how in solver.fields}
    return frame.own(out, name)  # type: ignore[no-any-return]


def _can_be_called(ref: Any) -> bool:
    """Is this a function that is known now?"""
    if isinstance(ref, Const):
        return callable(ref.value)
    return isinstance(ref, (Applied, Bound, Closure, Derived))


def _taken(frame: Any, how: str, given: dict[str, Ref], fitted: int) -> list[Type]:
    """What is known of the arguments of a callback of one form: one, but for the numbers of a fit."""
    if how.startswith("numbers "):
        return [number(np.dtype(np.float64))] * fitted
    return [_form(frame, how, given)]


def _fitted(frame: Any, solver: Solver, given: dict[str, Ref]) -> int:
    """How many parameters a fit has: as many as its starting point, or as its function takes after data."""
    at = [how for how in solver.takes if how.startswith("numbers ")]
    if not at:
        return 0
    start = given.get(at[0].partition(" ")[2])
    known = Type() if start is None else frame.type_of(start)
    if known.items is not None:
        return len(known.items)
    if known.kind == "array" and known.shape is not None and isinstance(known.shape[0], int):
        return known.shape[0]
    names = _own_names(given[solver.callback])
    if names is None:
        raise frame.refuse(
            "how many parameters are fitted is not known when compiling",
            "Let the function that is fitted name its parameters, or hand a starting point on.",
        )
    return len(names) - len(solver.takes) + 1


def _own_names(ref: Ref) -> list[str] | None:
    """The positional parameters of a function; None if it takes any number of them, or does not say."""
    if isinstance(ref, Closure):
        spec = ref.node.args
        return None if spec.vararg else [a.arg for a in (*spec.posonlyargs, *spec.args)]
    if not (isinstance(ref, Const) and isinstance(ref.value, FunctionType)):
        return None
    parameters = inspect.signature(ref.value).parameters.values()
    if any(p.kind is p.VAR_POSITIONAL for p in parameters):
        return None
    return [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]


def solver_in_rule(frame: Any, fn: Any, args: list[Ref], kwargs: dict[str, Ref], name: str) -> Ref:
    """A call of a solver that a rule makes, whose function is a value already."""
    solver = SOLVERS[fn]
    named = {k: frame.atom(a) for k, a in kwargs.items()}
    named = {k: a for k, a in named.items() if not (isinstance(a, Const) and a.value is None)}
    atoms = [frame.atom(a) for a in args]
    whole = OBJECT if solver.fields else _form(frame, solver.result, {})
    if solver.result == "callback":
        whole = _integral(atoms[0], frame)
    out = frame.b.call(fn, *atoms, kwargs=named, name=name, type=whole)
    frame.unit.solved[out] = {field: _form(frame, how, {}) for field, how in solver.fields}
    return frame.own(out, name)  # type: ignore[no-any-return]


def _integral(callback: Atom, frame: Any) -> Type:
    """What is known of an integral of a function, and of its error."""
    made = frame.b.made_by(callback, pack_function)
    return Type("tuple", items=(made.args[0].value.result, number(np.dtype(np.float64))))


def _form(frame: Any, how: str, given: dict[str, Ref]) -> Type:
    """What is known of a value of a solver from the form that is said of it."""
    form, _, parameter = how.partition(" ")
    one = number(np.dtype(np.float64))
    pair = Type("tuple", items=(one, one))
    plain = {"number": one, "pair": pair, "": Type(), "callback": Type(), "fit": Type()}
    if form in plain:
        return plain[form]
    if form in ("times", "matrix"):
        return array(np.dtype(np.float64), tuple(fresh_dim() for _ in range(1 + (form == "matrix"))))
    known = frame.type_of(given[parameter]) if parameter in given else Type()
    if form == "states":
        return array(_state_dtype(known), (fresh_dim(), fresh_dim()))
    if form == "state":
        return replace(_form(frame, f"vector {parameter}", given), dtype=_state_dtype(known))
    if form == "data":
        rank = known.rank if known.kind == "array" else None
        return array(np.dtype(np.float64), known.shape) if rank is not None else Type("array")
    if form in ("spectrum", "square"):
        sizes = (known.kind == "array" and known.rank == 2 and known.shape) or (fresh_dim(),) * 2
        return array(np.dtype(np.complex128), sizes[:1]) if form == "spectrum" else array(None, sizes)
    if form == "like":
        return number(np.dtype(np.float64)) if known.is_scalar else known
    if known.kind == "array" and known.rank == 1 and known.shape is not None:
        return array(np.dtype(np.float64), known.shape)
    if known.is_scalar:
        return array(np.dtype(np.float64), (1,))
    if known.items is not None:
        return array(np.dtype(np.float64), (len(known.items),))
    return array(np.dtype(np.float64), (fresh_dim(),))


def _state_dtype(known: Type) -> np.dtype | None:
    """Of what numbers a state is that begins with this: complex ones, floats, or not known which."""
    dtypes = [known.numeric_dtype] if known.items is None else [t.numeric_dtype for t in known.items]
    if any(dtype is not None and dtype.kind == "c" for dtype in dtypes):
        return np.dtype(np.complex128)
    return None if any(dtype is None for dtype in dtypes) else np.dtype(np.float64)


def _extras(frame: Any, ref: Ref | None) -> list[Ref]:
    """The arguments that a solver appends: `args=(a, b)`, or one that is not a tuple."""
    if ref is None or isinstance(ref, Const) and ref.value in (None, ()):
        return []
    items = frame.static_items(ref) if isinstance(ref, (Tup, Const)) else None
    return list(items) if items is not None else [ref]


def lowered_callback(frame: Any, ref: Ref, leading: list[Type], extras: list[Ref]) -> Atom:
    """A function of the user as a value: its graph, and what it captured."""
    names = _parameters(ref, len(leading) + len(extras))
    types = [*leading, *(frame.type_of(extra) for extra in extras)]
    params = [Value(n, t, named=True) for n, t in zip(names, types, strict=True)]
    source = ref.source if isinstance(ref, Closure) else None
    if isinstance(ref, Const) and isinstance(ref.value, FunctionType):
        source = read_source(ref.value)

    def run() -> tuple[Atom, ...]:
        refs = [_lent(frame, p) for p in params]
        if isinstance(ref, Const) and source is not None:
            result = frame.inline(source, None, frame.bind_arguments(ref.value, refs, {}), "")
        else:
            result = frame.invoke(ref, refs, {}, "")
        atom = frame.atom(result)
        return (frame.b.call(np.asarray, atom) if atom.type.kind in ("list", "tuple") else atom,)

    region, captured, _ = apart(frame, params, run, "a function handed to a solver")
    (atom,) = region.results
    label = _label(ref)
    function = Function(label, ref if source is None else source.fn, atom.type)
    function.graph = Graph(label, without_unbound(region), frame.b.line, (), origin=source)
    return _packed(frame, function, captured)


def _label(ref: Ref) -> str:
    """What to call a function."""
    match ref:
        case Const(value):
            label = getattr(value, "__name__", "")
        case Closure():
            label = getattr(ref.node, "name", "")
        case Applied(fn):
            label = _label(fn)
        case _:
            label = getattr(ref, "name", "")
    return label if label.isidentifier() else "function"


def _packed(frame: Any, function: Function, given: tuple[Atom, ...]) -> Atom:
    """A function with its last arguments given, as a value."""
    out = Value(function.name, FUNCTION)
    frame.b.emit(Call((out,), pack_function, (Const(function), *given), (), frame.b.line))
    return out


def _lent(frame: Any, param: Value) -> Ref:
    """A parameter of a callback: an array of it is the solver's own."""
    ref = frame.own(param, param.name)
    if isinstance(ref, Obj):
        ref.cell.outside = f"`{param.name}` belongs to the solver, and is written here"
    return ref  # type: ignore[no-any-return]


def _parameters(ref: Ref, count: int) -> list[str]:
    """The names of the first `count` parameters of a function."""
    names = ["x"]
    if isinstance(ref, Closure):
        names = [a.arg for a in (*ref.node.args.posonlyargs, *ref.node.args.args)]
    elif isinstance(ref, Const):
        with contextlib.suppress(ValueError):  # written in C, it may not say
            names = list(inspect.signature(ref.value).parameters)
    return [*names, *(f"arg{k}" for k in range(len(names), count))][:count]


# -- what a rule asks of a callback ------------------------------------------------------------------------


def _callback(frame: Any, ref: Ref) -> tuple[Function, tuple[Atom, ...]]:
    made = frame.b.made_by(frame.atom(ref), pack_function)
    if made is None:
        raise frame.refuse(
            "which function is handed to this solver is not known where it is differentiated",
            "Define it, or import it, beside the call.",
        )
    function = made.args[0].value
    return function, made.args[1:]


def _pure_callback(frame: Any, ref: Ref) -> tuple[Function, tuple[Atom, ...]]:
    """A callback that a derivative calls again."""
    function, captured = _callback(frame, ref)
    if not repeatable(function):
        raise frame.refuse(
            f"`{function.name}` is handed to a solver and prints, draws or raises",
            "Its derivative calls it again: leave that out of it.",
        )
    return function, captured


def _linearize(frame: Any, args: list[Ref], kwargs: dict[str, Ref], name: str) -> Ref:
    function, captured = _pure_callback(frame, args[0])
    given = [frame.atom(a) for a in args[1:]]
    atoms = (*given, *captured)
    wanted = tuple(
        isinstance(a, Value) and can_vary(a) and (k < len(given) or frame.b.active(a))
        for k, a in enumerate(atoms)
    )
    forward, backward = frame.b.derive(function, wanted, (True,))
    out = Value(f"{function.name}_out", function.result)
    kept = forward.graph.region.results[-1].type if forward.graph is not None else OBJECT
    saved = Value(f"{function.name}_saved", kept, named=True)
    frame.b.emit(Call((out, saved), forward, atoms, (), frame.b.line))
    return Tup((out, Pullback(backward, saved, atoms, wanted, len(given))))


def pulled(frame: Any, pull: Pullback, args: list[Ref]) -> Ref:
    """The cotangents of a callback's arguments, and of what it captured."""
    outs = [
        Value(f"{a.name}_bar" if isinstance(a, Value) else "bar", cotangent_type(a.type))
        for a, on in zip(pull.atoms, pull.wanted, strict=True)
        if on
    ]
    frame.b.emit(Call(tuple(outs), pull.backward, (pull.saved, frame.atom(args[0])), (), frame.b.line))
    rest = iter(outs)
    bars: list[Ref] = [frame.own(next(rest)) if on else Const(None) for on in pull.wanted]
    return Tup((*bars[: pull.given], Tup(tuple(bars[pull.given :]))))


def cotangent_type(known: Type) -> Type:
    if known.kind in ("float", "complex"):
        return number(np.dtype(known.numeric_dtype))
    return known if known.kind in ("array", "number") else Type()


def _push(frame: Any, args: list[Ref], kwargs: dict[str, Ref], name: str) -> Ref:
    function, captured = _pure_callback(frame, args[0])
    given = _atoms_of(frame, args[1])
    dots = (*_dots(frame, args[2], len(given)), *_dots(frame, args[3], len(captured)))
    return Tup(_pushed(frame.b, function, (*given, *captured), dots))


def _tangent_of(frame: Any, args: list[Ref], kwargs: dict[str, Ref], name: str) -> Ref:
    function, given, dots = _with_tangents(frame, args)
    params, moving = _renewed(function, dots)
    inner = Builder(frame.b.folded)
    inner.tangent = frame.b.tangent
    _, result = _pushed(inner, function, params, moving)
    tangent = Function(f"{function.name}_tangent", function.fn, result.type)
    region = Region((*params, *(m for m in moving if m is not None)), tuple(inner.body), (result,))
    tangent.graph = Graph(tangent.name, region, frame.b.line)
    return _packed(frame, tangent, (*given, *(dot for dot in dots if dot is not None)))


def _with_tangents(
    frame: Any, args: list[Ref]
) -> tuple[Function, tuple[Atom, ...], tuple[Atom | None, ...]]:
    """A callback, its last arguments and what it captured, and the tangents of those."""
    function, captured = _pure_callback(frame, args[0])
    extras = _atoms_of(frame, args[1])
    dots = (*_dots(frame, args[2], len(extras)), *_dots(frame, args[3], len(captured)))
    return function, (*extras, *captured), dots


def _renewed(
    function: Function, dots: tuple[Atom | None, ...]
) -> tuple[tuple[Value, ...], tuple[Value | None, ...]]:
    """Parameters like those of a callback, and one for the tangent of each of the last ones that has one."""
    assert function.graph is not None
    params = tuple(Value(p.name, p.type, p.named) for p in function.graph.params)
    leading = len(params) - len(dots)
    names = {p.name for p in params}
    moving: list[Value | None] = [None] * leading
    for param, dot in zip(params[leading:], dots, strict=True):
        label = free_name(f"{param.name}_dot", names)
        moving.append(None if dot is None else Value(label, dot.type, True))
        names.add(label)
    return params, tuple(moving)


def _doubled(frame: Any, args: list[Ref], kwargs: dict[str, Ref], name: str) -> Ref:
    function, given, dots = _with_tangents(frame, args)
    params, moving = _renewed(function, dots)
    leading = len(params) - len(given)
    inner = Builder(frame.b.folded)
    inner.tangent = frame.b.tangent
    lent, ahead = list(params), list(moving)
    for k, param in enumerate(params[:leading]):
        if param.type.kind == "array":
            lent[k] = Value(f"{param.name}_pair", array(param.type.dtype, (fresh_dim(),)), True)
            halves = inner.call(np.split, lent[k], Const(2))
            ahead[k] = Value(f"{param.name}_dot", param.type, True)
            inner.emit(Call((param, ahead[k]), unpack, (halves, Const(2)), (), inner.line))  # type: ignore[arg-type]
    results = _ends(inner, function, params, tuple(ahead))
    twofold = Function(f"{function.name}_doubled", function.fn, results[0].type)
    region = Region((*lent, *(m for m in moving if m is not None)), tuple(inner.body), results)
    twofold.graph = Graph(twofold.name, region, frame.b.line)
    return _packed(frame, twofold, (*given, *(dot for dot in dots if dot is not None)))


def _ends(
    b: Builder, function: Function, params: tuple[Value, ...], dots: tuple[Value | None, ...]
) -> tuple[Atom, ...]:
    """The results of a function, each with its tangent: the first end to end, the others as pairs."""
    assert b.tangent is not None and function.graph is not None
    pushed, moved, _ = b.tangent(function, tuple(dot is not None for dot in dots))
    outs = tuple(
        Value(r.name if isinstance(r, Value) else f"{function.name}_out", r.type)
        for r in function.graph.region.results
    )
    ends = [Value(f"{out.name}_dot", out.type) if on else None for out, on in zip(outs, moved, strict=True)]
    carried = tuple(end for end in ends if end is not None)
    given = tuple(dot for dot in dots if dot is not None)
    b.emit(Call((*outs, *carried), pushed, (*params, *given), (), b.line))
    results: list[Atom] = []
    for out, end in zip(outs, ends, strict=True):
        pair = [out, b.call(np.zeros_like, out) if end is None else end]
        if not results and out.type.is_scalar:  # one slope for all
            state = next(p for p, dot in zip(params, dots, strict=True) if dot is not None)
            pair = [b.call(np.full_like, state, half) for half in pair]
        results.append(b.call(np.stack if results else np.concatenate, b.call(pack_list, *pair)))
    return tuple(results)


def _dots(frame: Any, ref: Ref, count: int) -> tuple[Atom | None, ...]:
    """The tangents in a tuple, of which None is one of nothing that moves."""
    if isinstance(ref, Const) and ref.value is None:
        return (None,) * count
    atoms = _atoms_of(frame, ref)
    assert len(atoms) == count, "a tangent, or None, for each argument"
    return tuple(None if isinstance(a, Const) and a.value is None else a for a in atoms)


def _pushed(
    b: Builder, function: Function, atoms: tuple[Atom, ...], dots: tuple[Atom | None, ...]
) -> tuple[Atom, Atom]:
    """A call of a callback, and its tangent: zeros if these arguments do not move it."""
    assert b.tangent is not None, "a tangent is asked for where one is pushed forward"
    active = tuple(dot is not None for dot in dots)
    pushed, moved, _ = b.tangent(function, active)
    out = Value(f"{function.name}_out", function.result)
    if not any(moved):
        b.emit(Call((out,), function, atoms, (), b.line))
        return out, Const(0.0) if out.type.is_scalar else b.call(np.zeros_like, out)
    assert pushed.graph is not None
    out_dot = Value(f"{function.name}_dot", pushed.graph.region.results[-1].type)
    given = (dot for dot in dots if dot is not None)
    b.emit(Call((out, out_dot), pushed, (*atoms, *given), (), b.line))
    return out, out_dot


def _gradient_of(frame: Any, args: list[Ref], kwargs: dict[str, Ref], name: str) -> Ref:
    function, captured = _callback(frame, args[0])
    k = frame.constant(args[1]).value if len(args) > 1 else 0
    derived = frame.b.gradient(function, (k,))
    return _packed(frame, derived, captured)


def _half_square_of(frame: Any, args: list[Ref], kwargs: dict[str, Ref], name: str) -> Ref:
    function, captured = _callback(frame, args[0])
    return _packed(frame, cost(function, _loss(frame, args[1]), frame.b), captured)


def _loss(frame: Any, ref: Ref) -> Robust | None:
    """Which loss the errors of a fit have, if it is another than the square."""
    loss = frame.constant(ref)
    if loss is None or loss.value not in ("linear", *LOSSES):
        raise frame.refuse(
            "the loss of a fit is not one of those that have a name",
            f"Write out which it is: {', '.join(map(repr, LOSSES))}.",
        )
    if loss.value == "linear":
        return None
    unit = array(np.dtype(np.float64), (fresh_dim(),))
    lowered = [
        frame.b.made_by(lowered_callback(frame, Const(table[loss.value]), [unit], []), pack_function)
        for table in (LOSSES, STIFFNESS)
    ]
    return Robust(loss.value, *(made.args[0].value for made in lowered))


def _fit(frame: Any, args: list[Ref]) -> tuple[Fit, tuple[Atom, ...]]:
    function, captured = _callback(frame, args[0])
    n, sigma = frame.constant(args[1]).value, frame.atom(args[2])
    given = None if isinstance(sigma, Const) and sigma.value is None else sigma
    return Fit(function, n, given, frame.b.line), captured


def _misfit_of(frame: Any, args: list[Ref], kwargs: dict[str, Ref], name: str) -> Ref:
    fit, captured = _fit(frame, args)
    return _packed(frame, misfit(fit, _loss(frame, args[3]), frame.b), captured)


def _covariances_of(frame: Any, args: list[Ref], kwargs: dict[str, Ref], name: str) -> Ref:
    fit, captured = _fit(frame, args)
    absolute = frame.constant(args[4])
    if absolute is None:
        raise frame.refuse("whether `absolute_sigma` is true is not known when compiling", "Write it out.")
    made = covariances(fit, bool(absolute.value), _loss(frame, args[3]), frame.b)
    return _packed(frame, made, captured)


def _carries(frame: Any, atom: Atom) -> bool:
    """Does a cotangent of this value go anywhere?"""
    return isinstance(atom, Value) and can_vary(atom) and frame.b.active(atom)


def _active_places(frame: Any, args: list[Ref], kwargs: dict[str, Ref], name: str) -> Ref:
    function, captured = _callback(frame, args[0])
    assert function.graph is not None
    extras = _atoms_of(frame, args[1])
    first = len(function.graph.params) - len(captured) - len(extras)
    on = [Const(first + k if _carries(frame, a) else None) for k, a in enumerate((*extras, *captured))]
    return Tup((Tup(tuple(on[: len(extras)])), Tup(tuple(on[len(extras) :]))))


def _atoms_of(frame: Any, ref: Ref) -> tuple[Atom, ...]:
    """The items of a tuple, as they were before they were packed."""
    if isinstance(ref, Tup):
        return tuple(map(frame.atom, ref.items))
    atom = frame.atom(ref)
    made = frame.b.made_by(atom, pack_tuple)
    if made is not None:
        return made.args  # type: ignore[no-any-return]
    return tuple(map(Const, atom.value)) if isinstance(atom, Const) else (atom,)


def _weighted_sum_of(frame: Any, args: list[Ref], kwargs: dict[str, Ref], name: str) -> Ref:
    function, captured = _callback(frame, args[0])
    return _packed(frame, weighted(function, frame.b), (*captured, frame.atom(args[1])))


def _pullback_of(frame: Any, args: list[Ref], kwargs: dict[str, Ref], name: str) -> Ref:
    function, captured = _callback(frame, args[0])
    assert function.graph is not None
    extras = _atoms_of(frame, args[1])
    lent = function.graph.params
    leading = len(lent) - len(extras) - len(captured)
    inside = [p.type.kind == "array" for p in lent[:leading]]
    asked = tuple(not (isinstance(a, Const) and a.value is None) for a in _atoms_of(frame, args[2]))
    further = (False,) * (len(extras) + len(captured) - len(asked))
    wanted = (*inside, *asked, *further)
    forward, backward = frame.b.derive(function, wanted, (True,))
    params = tuple(Value(p.name, p.type, p.named) for p in lent)
    active = [p for p, on in zip(params, wanted, strict=True) if on]
    bars = tuple(Value(f"{p.name}_bar", cotangent_type(p.type), True) for p in active)
    one = function.result.is_scalar  # one slope for all
    state = next(p.type.dtype for p in lent[:leading] if p.type.kind == "array")
    ct = Value(f"{function.name}_bar", array(state, (fresh_dim(),)), named=True)
    out, saved = Value("out", function.result), Value("saved", OBJECT, named=True)
    inner = Builder(frame.b.folded)
    inner.emit(Call((out, saved), forward, params))
    seed = inner.call(np.sum, ct, type=function.result) if one else ct
    if function.result.is_real and state is not None and state.kind == "c":
        seed = inner.call(np.real, seed)
    inner.emit(Call(bars, backward, (saved, seed)))
    body = tuple(inner.body)
    pull = Function(f"{function.name}_pullback", function.fn, Type())
    region = Region((*params[:leading], ct, *params[leading:]), body, bars)
    pull.graph = Graph(pull.name, region, frame.b.line)
    pull.derived["pulled"] = wanted[leading:]
    return _packed(frame, pull, (*extras, *captured))


def _run_back(frame: Any, args: list[Ref], kwargs: dict[str, Ref], name: str) -> Ref:
    pull, _ = _callback(frame, args[2])
    assert pull.graph is not None
    parts = tuple(_of_doubles(r.type) for r in pull.graph.region.results)
    atoms = [frame.atom(a) for a in args[1:]]
    adjoint = frame.constant(args[0]).value
    bars = frame.b.call(adjoint, *atoms, name=name, type=Type("tuple", items=parts))
    return frame.own(bars, name)  # type: ignore[no-any-return]


def _of_doubles(known: Type) -> Type:
    """A number or an array like this, in double precision."""
    dtype = known.numeric_dtype
    double = None if dtype is None else np.dtype(np.complex128 if dtype.kind == "c" else np.float64)
    if known.is_scalar:
        return number(double)
    return array(double, known.shape) if known.kind == "array" else Type()


def _pulled_places(frame: Any, args: list[Ref], kwargs: dict[str, Ref], name: str) -> Ref:
    pull, captured = _callback(frame, args[0])
    known = pull.derived["pulled"]
    assert len(known) == len(captured), "a pullback captures what the function does"
    return Tup(tuple(Const(k if on else None) for k, on in enumerate(known)))


def call_handed(frame: Any, fn: Value, args: list[Ref], name: str) -> Ref | None:
    """In a rule: a call of the user's function."""
    if fn.type != FUNCTION or frame.b.made_by(fn, pack_function) is None:
        return None
    function, captured = _callback(frame, fn)
    results = () if function.graph is None else function.graph.region.results  # of a pullback, cotangents
    if len(results) > 1 or "pulled" in function.derived:
        outs = tuple(Value(r.name if isinstance(r, Value) else "part", r.type) for r in results)
        frame.b.emit(Call(outs, function, (*map(frame.atom, args), *captured), (), frame.b.line))
        return Tup(tuple(map(frame.own, outs)))
    out = Value(name or f"{function.name}_out", function.result, named=bool(name))
    frame.b.emit(Call((out,), function, (*map(frame.atom, args), *captured), (), frame.b.line))
    return frame.own(out, name)  # type: ignore[no-any-return]


def _bound(frame: Any, args: list[Ref], kwargs: dict[str, Ref], name: str) -> Ref:
    function, captured = _callback(frame, args[0])
    given = [frame.atom(a) for a in args[1:]]
    return _packed(frame, function, (*given, *captured))


ASKED: dict[Any, Any] = {
    linearize: _linearize, gradient_of: _gradient_of, half_square_of: _half_square_of,
    active_places: _active_places, weighted_sum_of: _weighted_sum_of, pullback_of: _pullback_of,
    bound: _bound, push: _push, tangent_of: _tangent_of, doubled: _doubled,
    misfit_of: _misfit_of, covariances_of: _covariances_of, pulled_places: _pulled_places,
    run_back: _run_back,
}  # fmt: skip

