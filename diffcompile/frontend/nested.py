"""A derivative taken inside a function -> a call of the graph of that derivative.

    def f(x, a):                                      graph inner_grad(y, a): ...
        def inner(y): return a * np.sin(y)    ->
        return x * grad(inner)(x)                     product = x * inner_grad(x, a)

The function differentiated is lowered where its derivative is called, as a graph of its own: what it is
called with are its first parameters, what it reads from around it its last (`apart.py`). The layer that
differentiates makes the graph of the derivative (`Builder.gradient`, `derive`, `direction`, `jacobian`).
What comes out is a function like any other: a derivative with respect to the captured values, or of the
derivative itself, is the derivative of that call, so no two derivatives can be confused.
"""

from __future__ import annotations

import inspect
import operator
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from ..analysis.activity import can_vary
from ..analysis.results import holomorphic_only, number_only, one_jacobian, real_only
from ..errors import UnsupportedSyntax, WrongArgument
from ..ir.graph import (
    Atom,
    Call,
    Const,
    For,
    Function,
    Region,
    Value,
    pack_dict,
    pack_object,
    pack_tuple,
    unpack,
)
from ..ir.types import INT, OBJECT, Type, article, element_of
from ..ir.walk import rename, resolve, substitute_in
from ..rules.broadcast import of_form
from .apart import Apart, lowered_apart
from .arguments import DERIVING
from .callbacks import cotangent_type
from .heap import Applied, Cell, Derived, Entries, Items, Obj, Pulled, Ref, Tup, View
from .layouts import Each, can_hold_floats, can_move, is_built, values_in
from .signatures import label_of

TAKEN = frozenset({"grad", "value_and_grad", "holomorphic"})
JACOBIANS = frozenset({"jacfwd", "jacrev"})
SHORT = 6  # a derivative of so few calls is written out where it is called


def derivation(frame: Any, fn: Any, args: list[Ref], kwargs: dict[str, Ref]) -> Ref:
    """A call of `grad`, `vjp`, `jvp`, `hessian` ..."""
    mode: str = DERIVING[fn]
    if mode == "vjp":
        return pulled_back(frame, args, kwargs)
    if mode == "jvp":
        return pushed_forward(frame, args, kwargs)
    if mode == "linearize":
        return linearized_at(frame, args, kwargs)
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
    if mode == "vmap":
        return Derived(inner, mode, axes=(options.get("in_axes", 0), options.get("out_axes", 0)))
    if options.pop("sparse", False):
        raise frame.refuse("a sparse derivative inside a function", "Take the dense one there: `hessian(f)`.")
    argnums = options.get("argnums", 0)
    if mode == "hessian":
        return Derived(Derived(inner, "grad", argnums), "jacfwd", argnums)
    return Derived(inner, mode, argnums, bool(options.get("has_aux", False)))


def _known(frame: Any, option: str, ref: Ref) -> Any:
    known = frame.constant(ref)
    if known is None:
        raise frame.refuse(f"`{option}` of a derivative is not a constant", "Write it out.")
    return known.value


# -- the derivative -----------------------------------------------------------------------------------------


def derived_call(frame: Any, derived: Derived, args: list[Ref], kwargs: dict[str, Ref], name: str) -> Ref:
    """A call of `grad(inner)`."""
    if derived.axes is not None:
        return rows_call(frame, derived, args, kwargs)
    if derived.mode in JACOBIANS:
        return jacobian_call(frame, derived, args, kwargs)
    if derived.mode not in TAKEN:
        reason = f"a derivative of the kind `{derived.mode}` inside a function is not taken yet"
        raise frame.refuse(
            reason, "Use `grad`, `value_and_grad`, `vjp`, `jvp`, `linearize` or a Jacobian there."
        )
    lowered = lowered_apart(frame, derived.fn, derived.argnums, args, kwargs)
    one = not isinstance(derived.argnums, (tuple, list))
    for shape, which in zip(lowered.shapes, (derived.argnums,) if one else derived.argnums, strict=True):
        _differentiable(frame, shape, lowered, which)
    _scalar_result(frame, lowered, derived)
    value_too = derived.mode == "value_and_grad" or derived.has_aux
    kept = range(0 if value_too else len(lowered.around), len(lowered.graph.region.results))
    inputs = lowered.inputs
    function = frame.b.gradient(lowered.function, tuple(lowered.places[v] for v in inputs), tuple(kept))
    outs = tuple(Value(f"{lowered.label}_out", lowered.graph.region.results[n].type) for n in kept)
    alone = one and not value_too and lowered.shapes[0] in inputs
    bars = _gradients(function, inputs, name if alone else "")
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


def _gradients(function: Function, inputs: list[Value], name: str) -> tuple[Value, ...]:
    """The gradients that a function gives, under the name that the one of them is given."""
    assert function.graph is not None
    results = function.graph.region.results
    found = results[len(results) - len(inputs) :]
    types = [_gradient_type(v.type, r.type) for v, r in zip(inputs, found, strict=True)]
    if len(types) == 1:
        return (Value(name or f"{function.name}_out", types[0], named=bool(name)),)
    return tuple(Value(f"{v.name}_bar", known) for v, known in zip(inputs, types, strict=True))


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
        assert isinstance(instr, Call)
        packed = frame.b.made_by(resolve(instr.args[0], given), pack_tuple) if instr.fn is unpack else None
        if packed is not None:  # what was saved is at hand, part by part
            given.update(zip(instr.outs, packed.args, strict=True))
            continue
        labels = {o: Value(named[o], o.type, named=True) for o in instr.outs if o in named}
        outs = tuple(labels.get(o, o) for o in instr.outs)
        frame.b.emit(replace(substitute_in(instr, given), outs=outs))
        given.update(labels)
    return [resolve(r, given) for r in region.results]


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
    if can_move(shape) or isinstance(shape, tuple) and not shape[2]:
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
    if isinstance(shape, Each):
        ct = of[shape.value]
        for step in shape.path:
            ct = frame.b.call(operator.getitem, ct, Const(step))
        return frame.own(_like(frame.b, shape.known, ct))  # type: ignore[no-any-return]
    if shape is None or isinstance(shape, Value):
        return Const(None)
    kind, keys, parts, how = shape
    items = tuple(_built(frame, part, of) for part in parts)
    return _container(frame, kind, keys, items, None if how is None else how[1])


def _like(b: Any, known: Type, ct: Atom) -> Atom:
    """A derivative with respect to what is of a type, of the structure of that."""
    if not is_built(known):
        return ct if can_hold_floats(known) else Const(None)
    if known.kind == "list":
        assert known.elem is not None
        item = Value("item_bar", element_of(ct.type))
        with b.region() as body:
            built = _like(b, known.elem, item)
        out = Value("items_bar", Type("list", elem=built.type))
        region = Region((item,), tuple(body), (Const(False), built))
        b.emit(For((out,), (ct,), (), region, 1, False, b.line, object()))
        return out
    items = known.items or ()
    pairs = known.entries or tuple(zip(known.keys or range(len(items)), items, strict=True))
    parts = []
    for k, (key, part) in enumerate(pairs):
        place = key if known.kind == "dict" else k
        parts.append(_like(b, part, b.call(operator.getitem, ct, Const(place))))
    keys = Const(tuple(key for key, _ in pairs))
    if known.kind == "tuple":
        return b.call(pack_tuple, *parts)  # type: ignore[no-any-return]
    if known.kind == "dict":
        return b.call(pack_dict, keys, *parts)  # type: ignore[no-any-return]
    kind = Type("object", items=tuple(p.type for p in parts), keys=known.keys, cls=known.cls)
    return b.call(pack_object, Const(known.cls), keys, *parts, type=kind)  # type: ignore[no-any-return]


def _returned(frame: Any, shape: Any, outs: list[tuple[Atom, set[Cell]]]) -> Ref:
    """What the function returned, of the results of its graph, which are taken off `outs`."""
    if isinstance(shape, Const):
        return shape
    if isinstance(shape, Value):
        return frame.own(shape)  # type: ignore[no-any-return]
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
    lowered = lowered_apart(frame, args[0], None, args[1:], {})
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
    *made, kept_atom = _called(frame, forward, lowered.atoms, (*outs, saved))
    _write_back(frame, lowered, made)
    value = _returned(frame, lowered.returns, list(zip(made, lowered.around, strict=False)))
    structures = lowered.returns, seeds[:shown], lowered.shapes
    return Tup((value, Pulled(lowered.label, backward, kept_atom, *structures, tuple(inputs))))


def pulled_call(frame: Any, pull: Pulled, args: list[Ref], kwargs: dict[str, Ref]) -> Ref:
    """A call of a pullback: the cotangents of the arguments, for one of the result."""
    if pull.primals is not None:
        return pushed_call(frame, pull, args, kwargs)
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
    made = _called(frame, pull.backward, (pull.saved, *cts), bars)
    of = dict(zip(pull.wanted, made, strict=True))
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


# -- directions and Jacobians -------------------------------------------------------------------------------


def pushed_forward(frame: Any, args: list[Ref], kwargs: dict[str, Ref]) -> Ref:
    """A call of `jvp`: the value of a function, and its derivative in a direction."""
    names = ("fun", "primals", "tangents")
    given = {**dict(zip(names, args, strict=False)), **kwargs}
    if len(args) + len(kwargs) != len(names) or given.keys() != set(names):
        raise frame.refuse("`jvp` takes a function, its arguments and their tangents", HOW_TO_PUSH)
    primals, tangents = (frame.static_items(given[name]) for name in names[1:])
    if primals is None or tangents is None:
        raise frame.refuse("what `jvp` is given are no tuples that are written out", HOW_TO_PUSH)
    if len(primals) != len(tangents):
        reason = f"`jvp` takes a tangent for each primal: {len(primals)}, not {len(tangents)}"
        raise WrongArgument(reason, frame.b.line)
    active = tuple(k for k, t in enumerate(tangents) if not (isinstance(t, Const) and t.value is None))
    label = label_of(given["fun"])
    if not active:
        reason = f"`jvp` of `{label}` has no direction: every tangent is None"
        raise WrongArgument(reason, frame.b.line, "Pass one.")
    lowered = lowered_apart(frame, given["fun"], None, list(primals), {}, moving=active)
    moving: dict[Value, Atom] = {}
    for k, shape in zip(active, lowered.shapes, strict=True):
        if not any(map(can_vary, values_in(shape))):
            reason = f"argument {k} of `{label}` has no tangent"
            raise WrongArgument(reason, frame.b.line, "Give None for it.")
        _directions(frame, tangents[k], shape, moving)
    for param, dot in moving.items():
        moving[param] = _of_form(frame, dot, lowered.atoms[lowered.places[param]])
    inputs = [v for v in lowered.inputs if v in moving]
    function = frame.b.direction(lowered.function, tuple(lowered.places[v] for v in inputs))
    results = lowered.graph.region.results
    ends = function.graph.region.results[len(results) :]
    outs = [Value(f"{lowered.label}_out", r.type) for r in results]
    dots = [Value(f"{lowered.label}_dot", end.type) for end in ends]
    atoms = (*lowered.atoms, *(moving[v] for v in inputs))
    made = _called(frame, function, atoms, (*outs, *dots))
    _write_back(frame, lowered, made[: len(outs)])
    shown = len(lowered.around)
    value = _returned(frame, lowered.returns, list(zip(made, lowered.around, strict=False)))
    found: list[tuple[Atom, set[Cell]]] = [
        (Const(None) if isinstance(end, Const) and end.value is None else atom, set())
        for end, atom in zip(ends[:shown], made[len(outs) :], strict=False)
    ]
    return Tup((value, _returned(frame, _at_rest(lowered.returns), found)))


def linearized_at(frame: Any, args: list[Ref], kwargs: dict[str, Ref]) -> Ref:
    """A call of `linearize`: the value of a function, and its derivative there."""
    args = [kwargs.pop("fun"), *args] if "fun" in kwargs else args
    if kwargs or not args:
        reason = "`linearize` takes a function and its arguments here"
        raise frame.refuse(reason, "Write `linearize(f, x, y)`.")
    lowered = lowered_apart(frame, args[0], None, args[1:], {})
    inputs = lowered.inputs
    if not inputs:
        reason = f"no argument of `{lowered.label}` can be differentiated"
        raise WrongArgument(reason, frame.b.line, "Pass floats.")
    ahead, push = frame.b.linear(lowered.function, tuple(lowered.places[v] for v in inputs))
    results = lowered.graph.region.results
    shown = len(lowered.around)  # what was written comes after them
    outs = tuple(Value(f"{lowered.label}_out", r.type) for r in results)
    saved = Value(f"{lowered.label}_saved", ahead.graph.region.results[-1].type, named=True)
    *made, kept = _called(frame, ahead, lowered.atoms, (*outs, saved))
    _write_back(frame, lowered, made)
    value = _returned(frame, lowered.returns, list(zip(made, lowered.around, strict=False)))
    moved = tuple(
        None if isinstance(end, Const) and end.value is None else end.type
        for end in push.graph.region.results[:shown]
    )
    primals = tuple(lowered.atoms[lowered.places[v]] for v in inputs)
    structures = lowered.returns, moved, lowered.shapes
    return Tup((value, Pulled(lowered.label, push, kept, *structures, tuple(inputs), primals)))


def pushed_call(frame: Any, push: Pulled, args: list[Ref], kwargs: dict[str, Ref]) -> Ref:
    """A call of what `linearize` gave: the tangent of the result, for those of the arguments."""
    if len(args) != len(push.shapes) or kwargs:
        reason = f"the derivative takes a tangent for each argument: {len(push.shapes)}, not {len(args)}"
        raise WrongArgument(reason, frame.b.line)
    assert push.primals is not None
    if not frame.b.at_hand(push.saved):
        raise frame.refuse(
            f"the derivative of `{push.name}` is taken after the loop or the branch in which it was made",
            "Call it there, and keep the tangents.",
        )
    moving: dict[Value, Atom] = {}
    for tangent, shape in zip(args, push.shapes, strict=True):
        _directions(frame, tangent, shape, moving)
    dots = []
    for value, primal in zip(push.wanted, push.primals, strict=True):
        dot = moving.get(value)
        dots.append(_zeros(frame, primal) if dot is None else _of_form(frame, dot, primal))
    moved = [known for known in push.seeds if known is not None]
    outs = tuple(Value(f"{push.name}_dot", known) for known in moved)
    ends = push.backward.graph.region.results
    spare = tuple(Value(f"{push.name}_dot", end.type) for end in ends[len(push.seeds) :])
    every, rest = [], iter(outs)
    for known, end in zip(push.seeds, ends, strict=False):
        every.append(Value("still", end.type) if known is None else next(rest))
    made = _called(frame, push.backward, (push.saved, *dots), (*every, *spare))
    found: list[tuple[Atom, set[Cell]]] = [
        (Const(None) if known is None else atom, set()) for known, atom in zip(push.seeds, made, strict=False)
    ]
    return _returned(frame, _at_rest(push.returns), found)


HOW_TO_PUSH = "Write `jvp(f, (x, y), (x_dot, y_dot))`."


def _directions(frame: Any, tangent: Ref, shape: Any, found: dict[Value, Atom]) -> None:
    """The tangents of the numbers and arrays in an argument."""
    if shape is None or isinstance(tangent, Const) and tangent.value is None:
        return
    if isinstance(shape, Each):
        what = "a direction in which a list of containers or objects moves"
        raise frame.refuse(what, "Differentiate with respect to arrays.")
    if not isinstance(shape, Value):
        kind, keys, parts, _ = shape
        items = issubclass(kind, (tuple, list, dict))
        for key, part in zip(keys, parts, strict=True):
            inner = frame.subscript(tangent, Const(key)) if items else frame.attribute(tangent, key)
            _directions(frame, inner, part, found)
        return
    if not can_vary(shape):
        return
    atom = frame.atom(tangent)
    known, given = shape.type, atom.type
    if isinstance(atom, Const) and type(atom.value) is int:
        atom = Const(float(atom.value))
    ranks = [0 if t.is_scalar else t.rank if t.kind == "array" else None for t in (known, given)]
    if None not in ranks and ranks[0] != ranks[1]:
        reason = f"the tangent of `{shape.name}` has rank {ranks[1]}, and `{shape.name}` has {ranks[0]}"
        raise WrongArgument(reason, frame.b.line, "Pass one number for each element.")
    dtype = given.numeric_dtype
    if known.kind == "array" and known.dtype is not None and dtype is not None and dtype != known.dtype:
        atom = frame.b.call(np.ndarray.astype, atom, Const(known.dtype))
    found[shape] = atom


def _of_form(frame: Any, dot: Atom, atom: Atom) -> Atom:
    """A tangent, which is seen to have the shape of what it is one of."""
    known, given = atom.type, dot.type
    if known.is_scalar and given.is_scalar or isinstance(atom, Const):
        return dot
    alike = known.kind == given.kind == "array"
    if alike and known.shape is not None and known.shape == given.shape:
        return dot
    return frame.b.call(of_form, dot, atom, type=replace(known, layout=""))  # type: ignore[no-any-return]


def _at_rest(shape: Any) -> Any:
    """The structure of a tangent: that of a result, in which constants do not move."""
    if isinstance(shape, Const):
        return Const(0.0 if isinstance(shape.value, (float, complex)) else None)
    if shape == "leaf":
        return shape
    kind, keys, parts = shape
    return (kind, keys, tuple(map(_at_rest, parts)))


def jacobian_call(frame: Any, derived: Derived, args: list[Ref], kwargs: dict[str, Ref]) -> Ref:
    """A call of `jacfwd(inner)` or `jacrev(inner)`."""
    lowered = lowered_apart(frame, derived.fn, derived.argnums, args, kwargs)
    one = not isinstance(derived.argnums, (tuple, list))
    for shape, which in zip(lowered.shapes, (derived.argnums,) if one else derived.argnums, strict=True):
        _differentiable(frame, shape, lowered, which)
    inputs = lowered.inputs
    if any(v.type.kind == "list" and is_built(v.type) for v in inputs):
        what = "the Jacobian with respect to a list of containers or objects"
        raise frame.refuse(what, "Differentiate with respect to arrays.")
    shown = lowered.graph.region.results[: len(lowered.around)]
    params = [lowered.graph.params[lowered.places[v]] for v in inputs]
    one_jacobian(lowered.graph, params, shown, derived.mode == "jacrev")
    unknown = next((r for r in shown if r.type.kind in ("list", "tuple", "dict", "object")), None)
    if unknown is not None:
        reason = f"the Jacobian of {article(unknown.type.kind)} whose items are not known here one by one"
        raise frame.refuse(reason, "Return an array: `np.array(...)` or `np.stack(...)` of it.")
    forward = derived.mode == "jacfwd"
    function = frame.b.jacobian(lowered.function, tuple(lowered.places[v] for v in inputs), forward)
    results = function.graph.region.results
    outs = tuple(Value(f"{lowered.label}_jacobian", r.type) for r in results)
    made = iter(_called(frame, function, lowered.atoms, outs))
    if lowered.writes:  # the Jacobian has been taken on copies
        every = tuple(Value(f"{lowered.label}_out", r.type) for r in lowered.graph.region.results)
        frame.b.emit(Call(every, lowered.function, lowered.atoms, (), frame.b.line))
        _write_back(frame, lowered, list(every))

    def block(still: bool = False) -> Ref:
        """The derivative of one result, in the structure of the arguments."""
        of = {v: _zeros(frame, lowered.atoms[lowered.places[v]]) if still else next(made) for v in inputs}
        built = tuple(_built(frame, shape, of) for shape in lowered.shapes)
        return built[0] if one else Tup(built)

    def each(shape: Any) -> Ref:
        if isinstance(shape, Const):
            return block(True) if isinstance(shape.value, (float, complex)) else Const(None)
        if shape == "leaf":
            return block()
        kind, keys, parts = shape
        return _container(frame, kind, keys, tuple(map(each, parts)), None)

    return each(lowered.returns)


# -- many rows ----------------------------------------------------------------------------------------------


def rows_call(frame: Any, derived: Derived, args: list[Ref], kwargs: dict[str, Ref]) -> Ref:
    """A call of `vmap(inner)`: the function of one row is lowered apart, and made one of many rows."""
    assert derived.axes is not None
    in_axes, out_axis = derived.axes
    lowered = lowered_apart(frame, derived.fn, None, args, kwargs, in_axes)
    if lowered.writes:
        reason = f"`{lowered.label}`, which is mapped over rows, writes into its arguments"
        raise frame.refuse(reason, "Work on a copy.")
    rows = [(atom, axis) for atom, axis in zip(lowered.atoms, lowered.axes, strict=True) if axis is not None]
    if not rows:
        raise WrongArgument("`vmap` needs an array that has rows", frame.b.line)
    lengths = [shape[axis] for atom, axis in rows if (shape := atom.type.shape) is not None]
    first = _rows_in(frame, *rows[0]) if any(length != lengths[0] for length in lengths) else None
    for (atom, axis), length in zip(rows, lengths, strict=True):
        if length != lengths[0]:
            frame.known(of_as_many_rows, [first, _rows_in(frame, atom, axis)], {}, "")
    function = frame.b.rows(lowered.function, lowered.axes, out_axis)
    outs = tuple(Value(f"{lowered.label}_out", r.type) for r in function.graph.region.results)
    made = _called(frame, function, lowered.atoms, outs)
    found: list[tuple[Atom, set[Cell]]] = [(atom, set()) for atom in made]
    return _returned(frame, _for_all(frame, lowered.returns, *rows[0]), found)


def of_as_many_rows(first: int, other: int) -> None:
    """Raise ValueError unless these numbers of rows are one."""
    if first != other:
        raise ValueError(f"what is mapped has different numbers of rows: {first}, {other}")


def _rows_in(frame: Any, atom: Atom, axis: int) -> Atom:
    shape = frame.b.call(np.ndarray.shape, atom)
    return frame.b.call(operator.getitem, shape, Const(axis), type=INT)  # type: ignore[no-any-return]


def _for_all(frame: Any, shape: Any, atom: Atom, axis: int) -> Any:
    """The structure of a result, in which a number that is the same for all rows is there once for each."""
    if isinstance(shape, Const):
        if not isinstance(shape.value, (int, float, complex)) or isinstance(shape.value, bool):
            return shape
        return frame.b.call(np.full, _rows_in(frame, atom, axis), shape)
    if shape == "leaf":
        return shape
    kind, keys, parts = shape
    return (kind, keys, tuple(_for_all(frame, part, atom, axis) for part in parts))


def _zeros(frame: Any, atom: Atom) -> Atom:
    """The derivative of a constant."""
    if atom.type.is_scalar or isinstance(atom, Const):
        return Const(0.0)
    return frame.b.call(np.zeros_like, atom)  # type: ignore[no-any-return]
