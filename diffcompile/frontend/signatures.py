"""The parameters of a function that is known here: of a closure, a partial, a method, a derivative.

    inner = functools.partial(loss, x)       unwrapped: `loss`, the reference of x;  signature_of: (w, x, y)
"""

from __future__ import annotations

import ast
import functools
import inspect
from types import FunctionType, MethodType
from typing import Any

from ..ir.graph import Const
from .heap import Applied, Bound, Choice, Closure, Derived, Ref

KINDS = inspect.Parameter


def as_derived(value: Any) -> Derived:
    """A derivative that was made outside: `dloss = grad(loss)`."""
    mode, argnums, has_aux = value.asked
    return Derived(Const(value.primal), mode, argnums, has_aux, value.axes)


def unwrapped(frame: Any, fn: Ref) -> tuple[Ref, list[Ref], dict[str, Ref]]:
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


def signature_of(frame: Any, fn: Ref, count: int) -> inspect.Signature:
    """The parameters of a function, the references of their defaults with them."""
    if isinstance(fn, Derived):
        inner, given, named = unwrapped(frame, fn.fn)
        return _without(signature_of(frame, inner, count + len(given)), given, named)
    if isinstance(fn, Choice):
        found = [signature_of(frame, option, count) for _, option in fn.options]
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
        return inspect.Signature([KINDS(n, KINDS.POSITIONAL_OR_KEYWORD) for n in names])


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
        return KINDS(arg.arg, kind, default=defaults.get(arg.arg, KINDS.empty))

    found = [parameter(a, KINDS.POSITIONAL_ONLY) for a in args.posonlyargs]
    found += [parameter(a, KINDS.POSITIONAL_OR_KEYWORD) for a in args.args]
    found += [KINDS(args.vararg.arg, KINDS.VAR_POSITIONAL)] if args.vararg else []
    found += [parameter(a, KINDS.KEYWORD_ONLY) for a in args.kwonlyargs]
    found += [KINDS(args.kwarg.arg, KINDS.VAR_KEYWORD)] if args.kwarg else []
    return inspect.Signature(found)


def label_of(fn: Ref) -> str:
    """What the function is called in the generated module."""
    match fn:
        case Closure(node=ast.FunctionDef(name=name)) | Closure(name=name) if name:
            return name
        case Derived(fn=inner, axes=axes):
            return f"{label_of(inner)}_grad" if axes is None else f"{label_of(inner)}_rows"
        case Applied(fn=inner):
            return label_of(inner)
        case Bound(name=name):
            return name
        case Const(value=value):
            name = getattr(value, "__name__", "function")
            return name if name.isidentifier() else "function"
    return "function"
