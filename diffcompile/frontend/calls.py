"""Calls: library functions become instructions, user functions graphs of their own, small ones are inlined.

sigmoid(h @ W)      ->      the body of `sigmoid`, its names kept          (one expression)
simulate(x, 10)     ->      a call of the graph of `simulate`              (anything longer)
"""

from __future__ import annotations

import ast
import builtins
import contextlib
import functools
import inspect
import itertools
import math
import operator
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import replace
from types import FunctionType, MethodType
from typing import Any

import numpy as np
from numpy.polynomial._polybase import ABCPolyBase

from ..analysis.shapes import broadcast_axes
from ..errors import NoSource, UnsupportedSyntax
from ..ir.graph import (
    Atom,
    Call,
    Capture,
    Const,
    Into,
    Method,
    Value,
    pack_slice,
    pack_tuple,
    replay_begins,
    replay_ends,
)
from ..ir.text import function_name
from ..ir.types import INT, RANGE, Type, join, type_of_constant
from ..rules.broadcast import broadcast_like, rebroadcast, unbroadcast
from ..rules.checkpoints import checkpoint
from ..rules.containers import keys_of
from ..rules.definitions import DEFINITIONS, WITH, columns_of, element_by_element, managed
from ..rules.differences import complex_step, numeric
from ..rules.facts import STATIC_FUNCTIONS, is_literal
from ..rules.index import is_repeating
from ..rules.library import CALLED, EVALUATED, KEEPING, POSITIONAL, USED, Evaluation, consult
from ..rules.queues import Queue
from ..rules.refused import sentence_of
from ..rules.register import REGISTRY, Owned, in_class
from ..rules.sets import Members
from ..rules.solvers import SOLVERS
from . import opaque
from . import plain as sentences
from .apart import of_unknown_order
from .arguments import DERIVING, class_attribute, is_object, is_object_class
from .build import repeats, unbroadcast_call
from .callbacks import ASKED, call_handed, pulled, solver_call, solver_in_rule
from .choices import all_functions
from .core import UnknownSetError, holds_objects
from .draws import DRAWING, PICKING, is_python, picked, shuffled
from .expressions import UNCOUNTED, UNROLLED
from .filled import (
    SHOWING,
    changes_argument,
    out_position,
    parameters_of,
    rearranges,
    without_overwriting,
)
from .heap import (
    Applied,
    Bound,
    Cell,
    Choice,
    Closure,
    Content,
    Derived,
    Entries,
    Generated,
    Items,
    Made,
    Obj,
    Pullback,
    Pulled,
    Ref,
    Scope,
    Sequence,
    Tup,
    View,
)
from .iteration import LISTING, RUN_OVER, of_one_length, strictly_zipped
from .keeping import MUTATORS
from .layers import Layers
from .lifting import Endless, Lifted, calls_itself, lifted, plain
from .nested import derivation, derived_call, pulled_call
from .objects import UNARY
from .signatures import as_derived
from .source import Source, read_source
from .special import SPECIAL as CONTAINERS

# What NumPy makes of coefficients besides arrays: `np.poly1d`, and `Polynomial`, `Chebyshev` and their kin.
POLYNOMIALS = (np.poly1d, ABCPolyBase)
# They run over a generator to its end, and over nothing else meanwhile.
CONSUMERS = frozenset({
    list, tuple, sorted, min, max, set, frozenset, dict, OrderedDict, np.fromiter, math.fsum, math.prod,
    functools.reduce,
})  # fmt: skip
FEW = 8  # items that a definition runs over one by one
OURS = f"{__name__.partition('.')[0]}.api"  # where what makes derivatives is defined
DEPTH = 60  # inlined calls inside inlined calls
REPEATED = 400  # inlined calls of functions inside themselves, all together


class Calls(Layers):
    watch: Any = None  # looks at the statements that are lowered next
    watch_call: Any = None  # at those of the function that is lowered in place next

    def _Call(self, node: ast.Call, name: str) -> Ref:
        fn = self.callee(node.func)
        if isinstance(fn, Const) and fn.value is builtins.print:
            return self._print(node)
        if isinstance(fn, Const) and fn.value is builtins.super:
            return self.super_of(list(self._elements(node.args)))
        if isinstance(fn, Const) and fn.value is builtins.sum and isinstance(node.args[0], ast.GeneratorExp):
            return self.summed(node, node.args[0], name)
        known = fn.value if isinstance(fn, Const) else None
        first = self.first_of(known, node, name)
        if first is not None:
            return first
        if known is zip and len(node.args) == 1 and isinstance(node.args[0], ast.Starred):
            rows = self.expression(node.args[0].value)
            columns = self._starred(rows)
            if columns is None and node.keywords:
                raise self.refuse("`zip(*rows, strict=True)`", "Compare the lengths, then `zip`.")
            if columns is None and self.type_of(rows).kind in ("list", "array"):
                row = self.type_of(rows).elem or Type()
                width = len(row.items) if row.kind == "tuple" and row.items else None
                return self.defined(columns_of, [rows, Const(width)], {}, name)
            if columns is None:
                raise self.refuse(UNCOUNTED, "Index its items instead.", node.args[0])
            options = {k.arg: self.expression(k.value) for k in node.keywords if k.arg is not None}
            return self.invoke(fn, list(columns), options, name)
        at_once = isinstance(fn, Bound) or _hashable(known) and known in CONSUMERS
        after = [keyword.value for keyword in node.keywords]
        held = self.hold(fn, [*node.args, *after])
        args = list(self._elements(_as_lists(node.args) if at_once else node.args))
        if len(args) == len(node.args) and (isinstance(fn, Closure) or _theirs(known)):
            args = [self.kept_iterator(part, a) for part, a in zip(node.args, args, strict=True)]
        kwargs: dict[str, Ref] = {}
        waiting = [self.hold(ref, after) for ref in args]
        for keyword in node.keywords:
            ref = self.expression(keyword.value)
            if keyword.arg is not None:
                kwargs[keyword.arg] = ref
                continue
            entries = self.entries_of(ref)
            if entries is None:
                raise self.refuse("`**` of something that is not a dict known here")
            kwargs.update({str(k): r for k, r in entries.items()})
        args = [self.let_go(key, ref) for key, ref in zip(waiting, args, strict=True)]
        return self.invoke(self.let_go(held, fn), args, kwargs, name)

    def generated(self, source: Source, parent: Scope | None, named: list[tuple[str, Ref]]) -> Ref:
        """The generator that a call of a generator function makes."""
        raise NotImplementedError

    def stand_in(self, fn: Any, args: list[Ref]) -> Ref | None:
        """The generator that stands in for an iterator of the library."""
        raise NotImplementedError

    def consumed(self, fn: Any, args: list[Ref], kwargs: dict[str, Ref], name: str) -> Ref | None:
        """A call of a builtin on generators."""
        raise NotImplementedError

    def kept_iterator(self, node: ast.expr, ref: Ref) -> Ref:
        """An iterator that gets a name goes on where it was left."""
        raise NotImplementedError

    def first_of(self, fn: Any, node: ast.Call, name: str) -> Ref | None:
        """`next(iter(...))`, if this is that."""
        raise NotImplementedError

    def summed(self, node: ast.Call, generator: ast.GeneratorExp, name: str) -> Ref:
        """`sum(... for ...)`."""
        raise NotImplementedError

    def _print(self, node: ast.Call) -> Ref:
        shown = list(self._elements(node.args))
        for ref in shown:
            self.handed_out(ref)
        args = [self.atom(r) for r in shown]
        kwargs = tuple((k.arg, self.value(k.value)) for k in node.keywords if k.arg is not None)
        self.b.emit(Call((), builtins.print, tuple(args), kwargs, self.b.line))
        return Const(None)

    def invoke(self, fn: Ref, args: list[Ref], kwargs: dict[str, Ref], name: str = "") -> Ref:
        match fn:
            case Closure():
                return self.inline_closure(fn, args, kwargs, name)
            case Bound(receiver, _, fn=function) if function is not None:
                owned = self.owned(function, receiver)
                if owned is not None:
                    return self.declared_call(owned, [receiver, *args], kwargs, name)
                if isinstance(function, type):  # the `__init__` that `dataclass` wrote for a base class
                    return self.init_base(receiver, function, args, kwargs)
                return self.user_call(function, [receiver, *args], kwargs, name)
            case Bound(receiver) if self.undecided(receiver) is not None:
                return self.family_method(fn, args, kwargs, name)
            case Bound(receiver, method):
                return self.method(receiver, method, args, kwargs, name)
            case Applied(function, given, named):
                return self.invoke(function, [*given, *args], {**dict(named), **kwargs}, name)
            case Const(value=value):
                return self.known(value, args, kwargs, name)
            case Choice():
                return self.choose_from(fn, args, kwargs, name)
            case Made() if fn.maker in EVALUATED:
                return self.evaluation(EVALUATED[fn.maker], fn, args, kwargs, name)
            case Pullback():
                return pulled(self, fn, args)
            case Derived():
                return derived_call(self, fn, args, kwargs, name)
            case Pulled():
                return pulled_call(self, fn, args, kwargs)
            case Value() if (outcome := call_handed(self, fn, args, name)) is not None:
                return outcome
        called = self.called_object(fn, args, kwargs, name)
        if called is not None:
            return called
        made = self.b.defs.get(self.atom(fn)) if isinstance(fn, (Value, Obj)) else None  # type: ignore[arg-type]
        maker = function_name(made.fn) if isinstance(made, Call) else ""
        said = sentence_of(maker)
        if said is not None:
            raise self.refuse(f"`{maker}` is not differentiated: {said[0]}", said[1])
        raise self.refuse(
            "which function is called is not known here",
            "Pass the function as an argument, or call it by its name.",
        )

    def owned(self, function: Any, owner: Ref) -> Any:
        """The operation of a method of `owner`, if something is declared of it; None if nothing is."""
        if not isinstance(function, FunctionType):
            return None
        if isinstance(owner, Const) and isinstance(owner.value, type):
            return self.owned_by_class(function, owner.value)
        content = self.object_content(owner)
        live = owner.cell.live if isinstance(owner, Obj) and content is not None else None
        if live is not None and REGISTRY.declares(MethodType(function, live.value)):
            return Owned(MethodType(function, live.value))
        if not REGISTRY.declares(function):
            return None
        cls = content.cls if content is not None else owner.cls if isinstance(owner, Tup) else object
        found = class_attribute(cls, function.__name__) is function
        return Owned(function, found) if in_class(function) else function

    def owned_by_class(self, function: FunctionType, cls: type) -> Any:
        for base in cls.__mro__:
            method = MethodType(function, base)
            if REGISTRY.declares(method):
                if base is cls:
                    return Owned(method)
                name = function.__name__
                raise self.refuse(
                    f"a derivative is declared for `{base.__name__}.{name}`, and this is "
                    f"`{cls.__name__}.{name}`",
                    f"Declare it for `{cls.__name__}.{name}` too.",
                )
        return function if REGISTRY.declares(function) else None

    def declared_call(self, fn: Any, args: list[Ref], kwargs: dict[str, Ref], name: str) -> Ref:
        """A call of what something is declared of; an object that it is given is one value."""
        method = fn.fn if isinstance(fn, Owned) else fn
        if args and self.object_content(args[0]) is not None and changes_owner(method):
            raise self.refuse(
                f"`{method.__name__}` changes its object, and is not read: a derivative is declared of it",
                "Declare it of what gives the value, and change the object outside of that.",
            )
        wholes = [self.one_value(ref) for ref in args]
        return self.library(fn, wholes, {k: self.one_value(r) for k, r in kwargs.items()}, name)

    def is_method_of(self, fn: FunctionType, ref: Ref) -> bool:
        """Is this a method of the class of an object?"""
        content = self.object_content(ref)
        return content is not None and any(fn is vars(c).get(fn.__name__) for c in content.cls.__mro__)

    def evaluation(
        self, operation: Evaluation, made: Made, args: list[Ref], kwargs: dict[str, Ref], name: str
    ) -> Ref:
        """A call of an object made of data, or of a method of it: `CubicSpline(x, y)(t)`."""
        given = dict(zip(POSITIONAL[made.maker], made.args, strict=False))
        options = {k: r for k, r in given.items() if k in POSITIONAL[made.maker][operation.data :]}
        args, kwargs = list(args), dict(kwargs)
        for k, (parameter, default) in enumerate(operation.call):
            if len(args) <= k and any(later in kwargs for later, _ in operation.call[k:]):
                args.append(kwargs.pop(parameter, Const(default)))
        data = [*made.args[: operation.data], *args]
        return self.library(operation, data, {**options, **dict(made.kwargs), **kwargs}, name)

    def known(self, fn: Any, args: list[Ref], kwargs: dict[str, Ref], name: str) -> Ref:
        """A call of a function that is known now."""
        fn = getattr(fn, "operation", fn) if isinstance(fn, FunctionType) else fn
        sentence = None if self.unit.rule else sentences.of_function(fn)
        if sentence is not None:
            raise self.refuse(*sentence)
        if isinstance(fn, POLYNOMIALS) or (isinstance(fn, type) and issubclass(fn, POLYNOMIALS)):
            raise self.refuse(
                "an object that is a polynomial is not differentiated",
                "Keep its coefficients in an array: `np.polynomial.polynomial.polyval(x, c)`, or "
                "`np.polyval(p, x)`.",
            )
        if _hashable(fn) and fn in DERIVING:
            return derivation(self, fn, args, kwargs)
        if hasattr(type(fn), "lowered"):
            return derived_call(self, as_derived(fn), args, kwargs, name)
        consult(fn)
        said = None if self.unit.rule else opaque.statement_of(fn, args)
        if said is not None:
            kind, what = said
            if kind == "method":
                return self.method(args[0], what, args[1:], kwargs, name)
            fn = what
        if not self.unit.rule and not kwargs and _hashable(fn) and opaque.SPELLED.get(fn) == len(args):
            return self.spelled(fn, args, name)
        if not self.unit.rule and _hashable(fn) and not isinstance(fn, FunctionType):
            args = self.over_items(fn, args, "key" in kwargs)
        if _hashable(fn) and fn in DEFINITIONS and (fn not in WITH or not WITH[fn].isdisjoint(kwargs)):
            return self.defined(DEFINITIONS[fn], args, kwargs, name)
        if isinstance(fn, np.vectorize):
            return self.defined(element_by_element, [Const(fn.pyfunc), Tup(tuple(args))], kwargs, name)
        if _hashable(fn) and kwargs and fn in POSITIONAL:
            args, kwargs = by_position(POSITIONAL[fn], args, kwargs)
        if _hashable(fn) and fn in SOLVERS:
            call = solver_in_rule if self.unit.rule else solver_call
            return call(self, fn, args, kwargs, name)
        if _hashable(fn) and len(args) >= data_of(fn) > 0 and not kwargs.get("x"):
            options = tuple((k, self.argument(r)) for k, r in kwargs.items())
            return Made(fn, tuple(map(self.atom, args)), options)
        if type(fn) in CALLED:
            return self.library(CALLED[type(fn)], [Const(fn), *args], kwargs, name)
        if _hashable(fn) and fn in KEEPING:
            return Made(fn, tuple(args), tuple(kwargs.items()))
        if _hashable(fn) and not kwargs and not self.unit.rule:
            made = self.stand_in(fn, args)
            if made is not None:
                return made
        if any(isinstance(a, (Generated, Sequence)) for a in args) and not isinstance(fn, FunctionType):
            consumed = self.consumed(fn, args, kwargs, name)
            if consumed is not None:
                return consumed
        wrapped = getattr(fn, "__wrapped__", None)
        if isinstance(wrapped, FunctionType) and isinstance(fn, functools._lru_cache_wrapper):
            return self.known(wrapped, args, kwargs, name)
        for table in (CONTAINERS, SPECIAL, DRAWING):
            special = table.get(fn) if _hashable(fn) else None
            if special is not None:
                result: Ref | None = special(self, args, kwargs, name)
                if result is not None:
                    return result
        if args and _hashable(fn) and fn in UNARY:
            method = self.special_method(args[0], UNARY[fn])
            if method is not None:
                return self.invoke(method, args[1:], kwargs, name)
        theirs = isinstance(fn, type) and not ours(fn)  # a rule of the user's may make an object
        if not self.unit.rule or theirs and is_object_class(fn):
            made = self._known_object(fn, args, kwargs, name)
            if made is not None:
                return made
        if _hashable(fn) and fn in STATIC_FUNCTIONS:
            return self._static(fn, args, kwargs)
        ruled = _hashable(fn) and REGISTRY.declares(fn)
        if isinstance(fn, FunctionType) and not ruled:
            module = getattr(fn, "__module__", None) or ""
            if module == OURS:
                raise self.refuse(
                    f"`{fn.__name__}` inside a function that is differentiated is not taken yet",
                    "Use `grad`, `vjp`, `jvp`, `hessian` or a Jacobian there.",
                )
            if module.split(".")[0] not in LIBRARIES:
                return self.user_call(fn, args, kwargs, name)
        if ruled and isinstance(fn, FunctionType) and not ours(fn):
            owned = self.owned(fn, args[0]) if args and self.is_method_of(fn, args[0]) else None
            return self.declared_call(owned or fn, args, kwargs, name)
        return self.library(fn, args, kwargs, name)

    def _known_object(self, fn: Any, args: list[Ref], kwargs: dict[str, Ref], name: str) -> Ref | None:
        """A call of a class, a bound method, a `functools.partial`, an object; None if it is none of them."""
        if isinstance(fn, type):
            self.followed(fn)
            named = issubclass(fn, tuple) and hasattr(fn, "_fields")
            return self.instantiate(fn, args, kwargs, name) if named or is_object_class(fn) else None
        if isinstance(fn, MethodType) and isinstance(fn.__func__, FunctionType):
            owner = fn.__self__
            if fn.__func__.__module__.split(".")[0] in LIBRARIES:
                return None  # a library's own: `scipy.stats.norm.logpdf`
            receiver: Ref = Const(owner) if isinstance(owner, type) else self.constant_object(owner)
            return self.invoke(Bound(receiver, fn.__name__, fn.__func__), args, kwargs, name)
        if isinstance(fn, functools.partial):
            given = [self.held_value(a) for a in fn.args]
            named_args = {k: self.held_value(a) for k, a in fn.keywords.items()}
            return self.known(fn.func, [*given, *args], {**named_args, **kwargs}, name)
        if isinstance(fn, (operator.itemgetter, operator.attrgetter)):
            wanted: Any = fn.__reduce__()[1]
            get = self.subscript if isinstance(fn, operator.itemgetter) else self._attribute_path
            found = [get(args[0], Const(w)) for w in wanted]
            return found[0] if len(found) == 1 else Tup(tuple(found))
        if isinstance(fn, operator.methodcaller):
            return None
        if is_object(fn) and _hashable(fn) and fn not in REGISTRY.reverse:
            return self.called_object(self.constant_object(fn), args, kwargs, name)
        return None

    def _attribute_path(self, ref: Ref, path: Const) -> Ref:
        for part in path.value.split("."):
            ref = self.attribute(ref, part)
        return ref

    def held_value(self, value: Any) -> Ref:
        """What a `functools.partial` or a default holds: numbers and arrays are read live."""
        if isinstance(value, (float, complex, np.ndarray, np.generic, list, dict)) or is_object(value):
            return self.outside("given", value, self.unit.session.cell_of(value))
        return Const(value)

    def defined(self, definition: Any, args: list[Ref], kwargs: dict[str, Ref], name: str) -> Ref:
        """A library function that is read where it is called."""
        named = self.bind_arguments(definition, args, kwargs)
        return self.inline(read_source(definition), None, named, name)

    def _static(self, fn: Any, args: list[Ref], kwargs: dict[str, Ref]) -> Ref:
        constants = [self.constant(a) for a in args]
        named = {k: self.constant(a) for k, a in kwargs.items()}
        if any(c is None for c in (*constants, *named.values())):
            raise self.refuse(f"`{fn.__name__}` needs arguments that are known when compiling")
        values = [c.value for c in constants if c is not None]
        return Const(fn(*values, **{k: c.value for k, c in named.items() if c is not None}))

    def _of_dtype(self, fn: Any, args: list[Ref], kwargs: dict[str, Ref]) -> sentences.Sentence | None:
        """What is said of the dtype that a call asks for, if it is not that of numbers."""
        at = sentences.DTYPE_AT.get(fn) if _hashable(fn) else None
        asked = args[at] if at is not None and len(args) > at else kwargs.get("dtype")
        known = self.constant(asked) if asked is not None else None
        return sentences.of_dtype(known.value) if known is not None else None

    # -- library functions ----------------------------------------------------------------------------------

    def library(self, fn: Any, args: list[Ref], kwargs: dict[str, Ref], name: str = "") -> Ref:
        with self.peeking(fn):
            made = self._library(fn, args, kwargs, name)
        if opaque.may_hold(fn):
            self.entrusted(made, [*args, *kwargs.values()], label(fn))
        if self.unit.rule:
            return made
        if fn is np.einsum and len(args) == 2 and isinstance(made, Obj) and rearranges(args[0]):
            made.cell.shares |= self.cells(args[1])
            made.cell.outside = "what `einsum` shows of one array is written, and may be a part of it"
        elif fn in SHOWING and len(args) > 1 or fn is np.meshgrid and "copy" in kwargs:
            for cell in self.cells(*args):
                cell.outside = cell.outside or f"an array that `{label(fn)}` shows is written"
        return made

    def _library(self, fn: Any, args: list[Ref], kwargs: dict[str, Ref], name: str) -> Ref:
        sentence = None if self.unit.rule else self._of_dtype(fn, args, kwargs)
        if sentence is not None:
            raise self.refuse(*sentence)
        if not self.unit.rule and opaque.may_change(fn):
            held = self.held(self.state)
            if any(c in held or c.param for c in self.cells(*args, *kwargs.values())):
                raise self.refuse(
                    f"whether `{label(fn)}` changes what it is given is not known",
                    "Pass it a copy, such as `x.copy()`.",
                )
        if not self.unit.rule:
            args, kwargs = without_overwriting(fn, args, kwargs)
            into = self.output_of(fn, args, kwargs)
            if into is not None:
                return into
        if changes_argument(fn) and args:
            return self.changed(args[0], fn, [self.argument(a) for a in args[1:]],
                                {k: self.argument(a) for k, a in kwargs.items()})  # fmt: skip
        target = self.written_into(fn, args, kwargs)
        if target is not None:
            into, args, kwargs = target
            self.changed(into, Into(fn), [self.argument(a) for a in args],
                         {k: self.argument(a) for k, a in kwargs.items()})  # fmt: skip
            return into
        if args and isinstance(args[0], (Obj, View)) and self._sequence(args[0]) is None:
            rest = [self.argument(a) for a in args[1:]]
            named = {k: self.argument(a) for k, a in kwargs.items()}
            return self.seen(args[0], fn, rest, named, name)
        atoms = [self.argument(a) for a in args]
        named = {k: self.argument(a) for k, a in kwargs.items()}
        if self.unit.rule:
            atoms, named = without_defaults(fn, atoms, named)
        return self.own(self.b.call(fn, *atoms, kwargs=named, name=name), name)

    def changed(self, ref: Ref, fn: Any, args: list[Atom], kwargs: dict[str, Atom]) -> Ref:
        """A call that changes an array in place and returns nothing."""
        if not isinstance(ref, (Obj, View)) or self.type_of(ref).kind not in ("array", "unknown"):
            raise self.refuse(
                f"`{label(fn)}` changes its argument in place, which is not an array here",
                "Give the array a name first.",
            )
        self.store(ref, fn, *args, kwargs=kwargs)
        return Const(None)

    def written_into(
        self, fn: Any, args: list[Ref], kwargs: dict[str, Ref]
    ) -> tuple[Ref, list[Ref], dict[str, Ref]] | None:
        """The array that a function is given for its result, if it is, and its other arguments."""
        kwargs = dict(kwargs)
        out = kwargs.pop("out", Const(None))
        if isinstance(fn, np.ufunc) and len(args) > fn.nin:
            args, out = args[: fn.nin], Tup(tuple(args[fn.nin :]))
        place = out_position(fn)
        if place is not None and len(args) > place:
            out = args[place]
            args = [*args[:place], *([] if len(args) == place + 1 else [Const(None)]), *args[place + 1 :]]
        if isinstance(out, Tup):
            if len(out.items) > 1:
                raise self.refuse(f"`{label(fn)}` with several arrays for its results", "Assign the results.")
            (out,) = out.items
        return None if isinstance(out, Const) and out.value is None else (out, args, kwargs)

    def output_of(self, fn: Any, args: list[Ref], kwargs: dict[str, Ref]) -> Ref | None:
        """`fn(..., output=y)` of SciPy, where `y` is an array: `y[...] = fn(...)`."""
        names = parameters_of(fn) if (getattr(fn, "__module__", "") or "").startswith("scipy.") else ()
        place = names.index("output") if "output" in names else len(args)
        given = args[place] if place < len(args) else kwargs.get("output")
        if given is None or self.type_of(given).kind not in ("array", "unknown"):
            return None
        rest = [Const(None) if k == place else a for k, a in enumerate(args)]
        made = self.library(fn, rest, {k: r for k, r in kwargs.items() if k != "output"})
        self.set_item(given, Const(Ellipsis), made)
        return given

    def argument(self, ref: Ref) -> Atom:
        """An argument of a library function; options that are constants arrive as constants."""
        if isinstance(ref, (Tup, Obj)):
            known = self.constant(ref)
            if known is not None and not any(isinstance(v, float) for v in _flat(known.value)):
                return known
        return self.atom(ref)

    # -- methods --------------------------------------------------------------------------------------------

    def method(self, receiver: Ref, method: str, args: list[Ref], kwargs: dict[str, Ref], name: str) -> Ref:
        if isinstance(receiver, Made):
            operation = USED.get(receiver.maker, {}).get(method)
            if operation is not None:
                return self.evaluation(operation, receiver, args, kwargs, name)
            own = getattr(receiver.maker, method, None)
            if own in REGISTRY.reverse:
                return self.known(own, [*args, *receiver.args], {**kwargs, **dict(receiver.kwargs)}, name)
        if method in MUTATORS:
            receiver = self.written(receiver)
        kind = self.type_of(receiver).kind
        if method == "shuffle" and (kind == "object" or kind == "unknown" and is_python(self, receiver)):
            return shuffled(self, receiver, args, kwargs)
        if method in PICKING and kind in ("object", "unknown") and is_python(self, receiver):
            found = picked(self, Method(method), receiver, args, kwargs, name)
            if found is not None:
                return found
        said = opaque.dunder(method) if isinstance(receiver, (Obj, View, Tup, Value)) else None
        if said is not None and not self.unit.rule and self.special_method(receiver, method) is None:
            return self.known(said[1], [receiver, *args], kwargs, name)
        if isinstance(receiver, Tup) or isinstance(receiver, Const) and isinstance(receiver.value, tuple):
            return self.tuple_method(receiver, method, args, kwargs)
        if isinstance(receiver, Const) and isinstance(receiver.value, dict) and not args and not kwargs:
            entries = tuple((Const(k), Const(v)) for k, v in receiver.value.items())
            if method in ("items", "values", "keys") and all_functions(v for _, v in entries):
                listed: dict[str, tuple[Ref, ...]] = {
                    "items": tuple(map(Tup, entries)), "values": tuple(v for _, v in entries),
                    "keys": tuple(k for k, _ in entries),
                }  # fmt: skip
                return Tup(listed[method])
        content = self.content(receiver)
        if isinstance(receiver, Obj) and isinstance(content, Items) and content.cls is not list:
            return self.set_method(receiver, method, args, name)
        if isinstance(receiver, Obj) and (isinstance(content, Items) or kind == "list"):
            return self.list_method(receiver, method, args, kwargs, name)
        if isinstance(receiver, Obj) and (isinstance(content, Entries) or kind == "dict"):
            return self.dict_method(receiver, method, args, kwargs, name)
        if isinstance(receiver, View) and kind in ("list", "dict"):
            grown = self.grown_list_method if kind == "list" else self.grown_dict_method
            return grown(receiver, method, args, kwargs, name)
        if isinstance(receiver, Const) and isinstance(receiver.value, (str, dict, list, range)):
            known = [self.constant(a) for a in args]
            if all(k is not None for k in known):
                found = getattr(receiver.value, method)(*(k.value for k in known if k is not None))
                return Const(found if not isinstance(found, (list, dict)) else tuple(found))
        if isinstance(receiver, Const) and method in ("__setattr__",):
            return self.known(getattr(receiver.value, method), args, kwargs, name)
        if kind in ("array", "number", "unknown", "float", "int", "complex") and hasattr(np.ndarray, method):
            return self.library(getattr(np.ndarray, method), [receiver, *args], kwargs, name)
        if method in _ENTERING and any(self.object_content(a) is not None for a in args):
            raise self.refuse(
                f"an object is handed to `{method}`, and what leaving it does is not known",
                "Enter it in a `with` of its own.",
            )
        if isinstance(kwargs.get("out"), (Obj, View)):
            reason = f"`{method}` writes into the array that it is given as `out`"
            raise self.refuse(reason, "Assign its result: `x[...] = ...`.")
        atoms = [self.atom(receiver), *map(self.argument, args)]
        named = {k: self.argument(a) for k, a in kwargs.items()}
        given = self.own(self.b.call(Method(method), *atoms, kwargs=named, name=name), name)
        if self.type_of(receiver).cls not in (np.random.Generator, np.random.RandomState):
            self.entrusted(receiver, [*args, *kwargs.values()], method)
            self.entrusted(given, [receiver], method)
        return given

    def spelled(self, fn: Any, args: list[Ref], name: str) -> Ref:
        """What is written as a function and means `y[i]`, `y[i] = v`, `del y[i]`, `a + b`, `a += b`."""
        if fn is operator.getitem:
            return self.subscript(args[0], args[1], name)
        if fn is operator.setitem:
            self.set_item(*args)
            return Const(None)
        if fn is operator.delitem:
            self.delete_item(*args)
            return Const(None)
        if fn in opaque.AUGMENTED:
            target = self.node if isinstance(self.node, (ast.Name, ast.Attribute, ast.Subscript)) else None
            place = target or ast.copy_location(ast.Name(name or "x", ast.Store()), self.node)
            node = ast.AugAssign(place, opaque.AUGMENTED[fn](), ast.Constant(...))
            return self.augmented(args[0], args[1], ast.copy_location(node, self.node), name)
        return self.operate(opaque.JOINED.get(fn, fn), args[0], args[1], name)

    def set_item(self, base: Ref, index: Ref, value: Ref) -> None:
        raise NotImplementedError

    def augmented(self, current: Ref, right: Ref, node: ast.AugAssign, name: str = "") -> Ref:
        raise NotImplementedError

    # -- functions with a source ----------------------------------------------------------------------------

    def bind_arguments(
        self, fn: Any, args: list[Ref], kwargs: dict[str, Ref], defaults: bool = True
    ) -> list[tuple[str, Ref]]:
        """Arguments by parameter name, defaults included, `*args` as a tuple and `**kwargs` as a dict."""
        try:
            signature = inspect.signature(fn, follow_wrapped=False)
            bound = signature.bind(*args, **kwargs)
        except TypeError as cause:
            raise UnsupportedSyntax(f"`{fn.__name__}`: {cause}", self.b.line) from None
        if not defaults:
            return list(bound.arguments.items())
        named: list[tuple[str, Ref]] = []
        for parameter in signature.parameters.values():
            if parameter.name in bound.arguments:
                given = bound.arguments[parameter.name]
                if parameter.kind is parameter.VAR_POSITIONAL:
                    given = Tup(tuple(given))
                elif parameter.kind is parameter.VAR_KEYWORD:
                    given = self.state.new(Entries(tuple(given.items())))
                named.append((parameter.name, given))
            elif parameter.kind is parameter.VAR_POSITIONAL:
                named.append((parameter.name, Tup(())))
            elif parameter.kind is parameter.VAR_KEYWORD:
                named.append((parameter.name, self.state.new(Entries(()))))
            else:
                named.append((parameter.name, self._default(parameter.name, parameter.default)))
        return named

    def _default(self, name: str, value: Any) -> Ref:
        if isinstance(value, (list, dict, set, np.ndarray)):
            kept = self.unit.session.kept.setdefault(id(value), {name: value})
            if isinstance(value, (list, dict)):
                return self.captured_object(name, value, kept)
            return self.captured(Capture(name, kept, name), type_of_constant(value))
        return self.held_value(value) if is_object(value) else Const(value)

    def init_base(self, receiver: Ref, cls: type, args: list[Ref], kwargs: dict[str, Ref]) -> Ref:
        """`super().__init__(...)` of a dataclass."""
        made = self.instantiate(cls, args, kwargs, "")
        content = self.object_content(made)
        assert content is not None and isinstance(receiver, Obj)
        for attr, ref in content.entries:
            self._put(receiver, attr, ref)
        return Const(None)

    def user_call(self, fn: FunctionType, args: list[Ref], kwargs: dict[str, Ref], name: str) -> Ref:
        again = getattr(fn, "checkpointed", None)
        if again is not None:
            return self.replayed(Const(again), args, kwargs, name)
        if is_contextmanager(fn):
            return managing(self.user_call(fn.__wrapped__, args, kwargs, ""))  # type: ignore[attr-defined]
        manager = _decorator(fn)
        if manager is not None:
            make = self.manager_again(manager)
            given = [make, Const(inspect.getclosurevars(fn).nonlocals["func"]), Tup(tuple(args))]
            return self.defined(managed, [*given, self.state.new(Entries(tuple(kwargs.items())))], {}, name)
        if not self.in_library and REGISTRY.declares(fn):  # a property, or what an operator stands for
            return self.declared_call(fn, args, kwargs, name)
        try:
            source = read_source(fn)
        except NoSource as cause:
            if not self.unit.rule:
                raise NoSource(cause.reason, self.b.line, cause.remedy) from None
            raise
        named = self.bind_arguments(fn, args, kwargs)
        recursive = calls_itself(fn)
        lowering = source.node in self.unit.inlining or fn in self.unit.session.lowering
        separate = (recursive or lowering or not small(source.node)) and not is_generator(source.node)
        if recursive and not all(isinstance(r, Const) for _, r in named):
            separate = separate and all(plain(self, r) for _, r in named)
        if any(map(self.may_write_into, (r for _, r in named))):
            separate = recursive or lowering
        if not self.unit.rule and separate and all(map(self._plain, (r for _, r in named))):
            ref = self._call_graph(fn, named, name)
            if ref is not None:
                return ref
        return self.inline(source, None, named, name)

    def manager_again(self, manager: Any) -> Ref:
        """What makes a manager like this one, of a function, or gives the object that it is."""
        if isinstance(manager, contextlib._GeneratorContextManager):
            given = tuple(map(self.held_value, manager.args))
            named = tuple((k, self.held_value(v)) for k, v in manager.kwds.items())
            return Applied(Const(made_manager), (Const(manager.func), *given), named)
        return Applied(Const(same), (self.held_value(manager),), ())

    def replayed(self, fn: Ref, args: list[Ref], kwargs: dict[str, Ref], name: str) -> Ref:
        """A call of a checkpointed function: what is between two marks is run again by its adjoint."""
        called = fn.value if isinstance(fn, Const) else fn
        label = str(getattr(called, "__name__", None) or self.closure_name(fn))
        line = self.b.line
        self.b.emit(Call((), replay_begins, (Const(label),), (), line))
        self.unit.replaying += 1
        try:
            result = self.invoke(fn, args, kwargs, name)
        finally:
            self.unit.replaying -= 1
        self.b.emit(Call((), replay_ends, (), (), line))
        return result

    @staticmethod
    def closure_name(fn: Ref) -> str:
        """What a nested function is called."""
        node = fn.node if isinstance(fn, Closure) else None
        return getattr(node, "name", "function")

    def may_write_into(self, ref: Ref) -> bool:
        """Can a function that is given this write into objects inside of it?"""
        if isinstance(ref, View) and self.type_of(ref).is_record:
            return True
        root = ref.root if isinstance(ref, View) else ref
        return isinstance(root, Obj) and root.cell.apart is True and holds_objects(self.type_of(ref))

    def _plain(self, ref: Ref) -> bool:
        """Can this argument be handed to a graph of its own (one value, or a constant)?"""
        if isinstance(ref, Const):
            return not is_object(ref.value)
        return (
            isinstance(ref, (Value, Obj, View))
            and self._sequence(ref) is None
            and not (isinstance(ref, Obj) and isinstance(self.state.heap[ref.cell], (Items, Entries)))
        )

    def _call_graph(
        self, fn: FunctionType | Lifted, named: list[tuple[str, Ref]], name: str
    ) -> Ref | None:
        specs: list[tuple[str, Any]] = []
        atoms: list[Atom] = []
        passed: list[bool] = []
        for parameter, ref in named:
            known = ref if isinstance(ref, Const) else None
            passed.append(known is None or type(known.value) in (int, float, complex))
            if known is not None and not passed[-1]:
                specs.append((parameter, known))
                continue
            atom = self.atom(ref)
            form = self.type_of(ref)  # an object may be seen as one of its class
            specs.append((parameter, replace(atom.type, cls=form.cls) if form.is_record else atom.type))
            atoms.append(atom)
        called = self.unit.session.function(fn, specs, self.b.line)
        while called is not None and (wider := widened(specs, passed, called)) is not None:
            specs = wider
            called = self.unit.session.function(fn, specs, self.b.line)
        if called is None:
            return None
        callee, given = called.function, [r for (_, r), a in zip(named, passed, strict=True) if a]
        if not all(self._apart(given, k) for k, _ in callee.writes):
            return None
        if callee.graph is not None:
            for capture, param in zip(callee.graph.captures, callee.graph.params[len(atoms) :], strict=True):
                atoms.append(self.atom(self.captured(capture, param.type)))
        labels = {n: a.name for k, n in callee.writes if isinstance(a := atoms[k], Value) and a.named}
        outs = tuple(
            Value(labels.get(n) or name or f"{callee.name}_out", known, named=bool(labels.get(n) or name))
            for n, known in enumerate(called.types)
        )
        self.b.emit(Call(outs, callee, tuple(atoms), (), self.b.line))
        for k, n in callee.writes:
            changed = given[k]
            if isinstance(changed, Obj) and self.picked_from(changed.cell) is None:
                self.write(changed, outs[n])
            elif isinstance(changed, (Obj, View)):
                self.store(changed, operator.setitem, Const(...), outs[n])
        places = iter(range(len(outs)))
        seen = [(given[k], n) for k, n in callee.sees]
        return self._returned(called.shape, outs, places, seen, name, called.apart)

    def _returned(
        self,
        shape: Any,
        outs: tuple[Value, ...],
        places: Iterator[int],
        seen: list[tuple[Ref, int]],
        name: str,
        apart: frozenset[int],
    ) -> Ref:
        """What a called function returned, made of the results of its graph."""
        if isinstance(shape, Const):
            return shape
        if isinstance(shape, tuple):
            cls, parts = shape
            return Tup(tuple(self._returned(part, outs, places, seen, "", apart) for part in parts), cls)
        place = next(places)
        ref = self.own(outs[place], name)
        if isinstance(ref, Obj):
            for given, n in seen:
                if n == place:
                    ref.cell.shares |= self.cells(given) | {s for c in self.cells(given) for s in c.shares}
            ref.cell.param = any(cell.param for cell in ref.cell.shares)
            ref.cell.apart = True if place in apart else ref.cell.apart
        return ref

    def _apart(self, given: list[Ref], k: int) -> bool:
        """Is an argument that is written an array that no other argument may be, or be a part of?"""
        ref = given[k]
        if not isinstance(ref, (Obj, View)) or isinstance(ref, View) and not ref.sure:
            return False

        def around(other: Ref) -> set[Cell]:
            return self.cells(other) | {s for c in self.cells(other) for s in c.shares}

        others = [around(other) for n, other in enumerate(given) if n != k]
        return all(around(ref).isdisjoint(cells) for cells in others)

    def inline_closure(self, closure: Closure, args: list[Ref], kwargs: dict[str, Ref], name: str) -> Ref:
        node = closure.node
        names = [a.arg for a in (*node.args.posonlyargs, *node.args.args)]
        only = [a.arg for a in node.args.kwonlyargs]
        given: dict[str, Ref] = dict(closure.defaults)
        given.update(zip(names, args, strict=False))
        extra = args[len(names) :]
        if extra and node.args.vararg is None:
            raise self.refuse(f"{len(args)} arguments for {len(names)} parameters")
        if node.args.vararg is not None:
            given[node.args.vararg.arg] = Tup(tuple(extra))
        unknown = {k: r for k, r in kwargs.items() if k not in names and k not in only}
        given.update({k: r for k, r in kwargs.items() if k not in unknown})
        if node.args.kwarg is not None:
            given[node.args.kwarg.arg] = self.state.new(Entries(tuple(unknown.items())))
        elif unknown:
            raise self.refuse(f"an unexpected keyword argument `{next(iter(unknown))}`")
        missing = [n for n in (*names, *only) if n not in given]
        if missing:
            raise self.refuse(f"the argument `{missing[0]}` is missing")
        ref = self._lifted_call(closure, given, name)
        if ref is not None:
            return ref
        source: Source = closure.source
        inner = Source(source.fn, node, source.file, source.lines, source.offset)
        if node in self.unit.inlining:
            return self.inline(inner, closure.scope, list(given.items()), name)
        before, mark, depth = self.state.copy(), len(self.b.body), self.unit.depth
        try:
            return self.inline(inner, closure.scope, list(given.items()), name)
        except Endless:
            after, self.state, self.unit.depth = self.state, before, depth
            self.b.forget(mark)
            ref = self._lifted_call(closure, given, name, endless=True)
            if ref is None:
                self.state = after
                raise
            return ref

    def _lifted_call(
        self, closure: Closure, given: dict[str, Ref], name: str, endless: bool = False
    ) -> Ref | None:
        """A call of a closure that calls itself, as a function of its own."""
        alone = lifted(self, closure, list(given.items()), endless)
        if alone is None:
            return None
        fn, outer = alone
        return self._call_graph(fn, [*given.items(), *zip(fn.names, outer, strict=True)], name)

    def inline(self, source: Source, parent: Scope | None, named: list[tuple[str, Ref]], name: str) -> Ref:
        """Lower a function's body here: its parameters are bound to the arguments themselves."""
        if is_generator(source.node):
            return self.generated(source, parent, named)
        if self.unit.depth > DEPTH:
            raise self.refuse(
                "calls inside calls without an end", "Give the recursion a function of its own."
            )
        counting = any(isinstance(r, Const) and type(r.value) is int for _, r in named)
        static = any(self._container(ref) for _, ref in named)  # of a structure that ends
        limit = DEPTH if static else 12 if counting else 2
        inside = self.unit.inlining.count(source.node)
        self.unit.repeated += inside > 0
        if not self.unit.rule and (inside > limit or self.unit.repeated > REPEATED):
            if any(isinstance(r, (Closure, Applied, Derived)) for _, r in named):
                raise self.refuse(
                    "a recursion hands on a function made here, and where it ends is known only at run time",
                    "Make it a loop.",
                )
            if self.unit.deriving:
                raise self.refuse(*of_unknown_order(getattr(source.node, "name", "this function")))
            outer = [n for p in ast.walk(source.node) if isinstance(p, ast.Nonlocal) for n in p.names]
            if outer:
                raise self.refuse(
                    f"a function that calls itself assigns `{outer[0]}` of the function around it",
                    f"Keep it in a list: `{outer[0]}[0] = ...`.",
                )
            raise Endless(
                "a recursive function that returns or writes into its argument is not differentiated yet",
                self.span(),
                "Return a copy: `x.copy()`.",
            )
        frame = type(self)(self.unit, source, Scope(getattr(source.node, "name", "lambda"), parent))
        progress = frame.watch = self.watch_call
        self.watch_call = None
        for parameter, ref in named:
            self.state.vars[frame.scope, parameter] = ref
        frame.result_name = name
        line = self.b.line
        self.unit.depth += 1
        self.unit.inlining.append(source.node)
        self.unit.inlined += 1
        try:
            if isinstance(source.node, ast.Lambda):
                return frame.expression(source.node.body, name)
            done, self.state.done = self.state.done, Const(False)
            try:
                frame.block(source.node.body)
            except RecursionError:
                raise self.refuse(
                    "calls inside calls without an end", "Give the recursion a function of its own."
                ) from None
            self.state.done = done
            if progress is not None:
                progress.end = len(self.b.body)
            result = self.state.vars.get((frame.scope, "$result"), Const(None))
            return result
        finally:
            self.unit.inlining.pop()
            self.unit.depth -= 1
            self.b.line = line
            if not escapes(source.node):
                for key in [k for k in self.state.vars if k[0] is frame.scope]:
                    del self.state.vars[key]

    # -- sequences ------------------------------------------------------------------------------------------

    def sequence(self, ref: Ref) -> Sequence:
        """What a `for` runs over."""
        if isinstance(ref, Sequence):
            self.unwritten(ref.lists, None if ref.known is None and ref.refs is None else list(in_order(ref)))
            return ref
        if self.type_of(ref).cls is set:
            raise UnknownSetError
        iterated = self.iterated_object(ref)
        if iterated is not None:
            return self.sequence(iterated)
        layered = self.layered(ref)
        if layered is not None:
            return layered
        items = self.items_of(ref) if not (isinstance(ref, Value)) else None
        if items is not None:
            few = self.source.library and len(items) <= FEW
            if self.unit.rule or few or self._differ(items):
                if len(items) > UNROLLED and not self.unit.rule:
                    raise self.refuse(f"a loop over {len(items)} items that differ in kind", "Use an array.")
                return Sequence((), 0, refs=items, lists=self.lists_of(ref))
            if isinstance(ref, Const):
                return Sequence((ref,), 0, sources=(None,))
        if self.type_of(ref).kind == "dict":
            return Sequence((self.keys_listed(ref),), 0, sources=(None,))
        lists = self.lists_of(ref)
        return Sequence(
            (self.whole(ref),), 0, cells=frozenset(c for c, _ in lists).union(self.cells(ref)),
            sources=(ref,), known=items, lists=lists,
        )  # fmt: skip

    def keys_listed(self, ref: Ref) -> Atom:
        """The list of the keys of a dict, which are known when the program runs."""
        return self.b.call(keys_of, self.whole(ref), type=Type("list"))

    def over_items(self, fn: Any, args: list[Ref], by_key: bool = False) -> list[Ref]:
        """The arguments of a function of a library, with what it runs over in them in their place.

        The keys of a dict; the list of its values, or of its items; the list that `zip` gives.
        """
        args = [self.viewed(a) if isinstance(a, Sequence) else a for a in args]
        if fn in RUN_OVER and any(self.type_of(a).cls is set for a in args):
            raise UnknownSetError
        over = range(len(args))[RUN_OVER.get(fn, _NONE)] if fn not in (min, max) or len(args) == 1 else ()
        if fn not in _ORDERLESS or by_key:
            for k in over:
                if self.class_of(args[k]) is Members:
                    args[k] = self.items_of_object(args[k]) or args[k]
        if fn not in _OF_OBJECTS:
            args = list(map(self.unqueued, args))
        for k in over:
            args[k] = self.items_of_object(args[k]) or args[k]
            if self.type_of(args[k]).kind == "dict" and fn not in (set, frozenset):
                keys = self.items_of(args[k])
                args[k] = self.keys_listed(args[k]) if keys is None else Tup(keys)
        if fn in DEFINITIONS or fn in LISTING:
            args = [
                self.consumed(list, [a], {}, "items") or a if isinstance(a, Sequence) else a for a in args
            ]
        return args

    def items_of_object(self, ref: Ref) -> Ref | None:
        """The list of what running over an object gives, generators run to their end."""
        found = self.iterated_object(ref)
        return self.consumed(list, [found], {}, "items") if isinstance(found, Generated) else found

    def unqueued(self, ref: Ref) -> Ref:
        """The list that a deque is, or the dict that a set is, for a function of a library."""
        cls = self.class_of(ref)
        return self.attribute(ref, "items" if cls is Queue else "marks") if cls in (Queue, Members) else ref

    def viewed(self, ref: Sequence) -> Ref:
        """The list that running over something gives, where that is one."""
        plain = ref.shape == 0 and not ref.backwards and ref.layout is None and ref.snapshots is None
        if not plain or len(ref.items) != 1 or ref.refs is not None or ref.items[0].type.kind != "list":
            return ref
        return self.own(self.atom(ref))

    def lists_of(self, *refs: Ref) -> tuple[tuple[Cell, Content], ...]:
        """The lists, dicts and arrays whose items running over these gives, and what they hold now."""
        found: list[tuple[Cell, Content]] = []
        for ref in refs:
            if isinstance(ref, (Tup, Sequence)):
                found.extend(ref.lists)
            elif isinstance(ref, (Obj, View)):
                cell = ref.root.cell if isinstance(ref, View) else ref.cell
                found.append((cell, self.state.heap[cell]))
        return tuple(found)

    def _differ(self, items: tuple[Ref, ...]) -> bool:
        """Do the items differ in kind, or have a structure of their own?"""
        kinds = set()
        for item in items:
            if isinstance(item, (Tup, Closure, Bound, Applied, Derived, Pulled)):
                return True
            if self._sequence(item) is not None:
                return True
            if isinstance(item, Const) and (
                callable(item.value) or isinstance(item.value, (str, tuple, type(None)))
            ):
                return True
            if self._container(item):
                return True
            known = self.type_of(item)
            kinds.add("number" if known.is_scalar else (known.kind, known.rank))
        return len(kinds) > 1


_NONE = slice(0, 0)
# The code of what `contextmanager` makes of a function, and of what a manager makes of one it decorates.
_MAKING = contextlib.contextmanager(lambda: iter(())).__code__
_DECORATED = contextlib.ContextDecorator()(lambda: None).__code__
_ENTERING = ("enter_context", "push", "callback")  # of `contextlib.ExitStack`
_ORDERLESS = frozenset({set, frozenset, sorted, any, all, min, max})  # a set's order is nothing to these
_OF_OBJECTS = (isinstance, type, hasattr, getattr, setattr, len)


@functools.lru_cache(maxsize=1024)
def changes_owner(fn: Any) -> bool:
    """Does a method write an attribute of its object, or into one?"""
    try:
        source = read_source(getattr(fn, "__func__", fn))
    except NoSource:
        return False
    first = next((a.arg for a in (*source.node.args.posonlyargs, *source.node.args.args)), None)

    def owned(node: ast.AST) -> bool:
        inside = isinstance(node, (ast.Attribute, ast.Subscript))
        while isinstance(node, (ast.Attribute, ast.Subscript)):
            node = node.value
        return inside and isinstance(node, ast.Name) and node.id == first

    for node in ast.walk(source.node):
        written = isinstance(getattr(node, "ctx", None), (ast.Store, ast.Del))
        called = node.func if isinstance(node, ast.Call) else None
        changing = isinstance(called, ast.Attribute) and called.attr in MUTATORS and owned(called.value)
        if written and owned(node) or changing:
            return True
    return False


def ours(fn: Any) -> bool:
    """Is this a function of this package?"""
    return str(getattr(fn, "__module__", "")).partition(".")[0] == OURS.partition(".")[0]


def _theirs(fn: Any) -> bool:
    """Is this a function that is written in Python, and not by us?"""
    return isinstance(fn, FunctionType) and not ours(fn)


def widened(
    specs: list[tuple[str, Any]], passed: list[bool], called: Any
) -> list[tuple[str, Any]] | None:
    """The facts of arguments with those of what the function leaves in them: `{}` may hold numbers then."""
    places = [k for k, on in enumerate(passed) if on]
    found = list(specs)
    for k, n in called.function.writes:
        name, known = specs[places[k]]
        if known.kind in ("list", "dict"):
            after = join(known, called.types[n])
            if after.elem is not None and (known.elem is None or after.elem != known.elem):
                found[places[k]] = (name, Type(known.kind, elem=after.elem))
    return None if found == specs else found


@functools.lru_cache(maxsize=1024)
def defaults_of(fn: Any) -> dict[str, Any]:
    """The parameters of a library function that can be given by position, with their defaults."""
    if fn is np.take_along_axis:
        return {}  # before NumPy 2.3, its axis has no default
    try:
        parameters = inspect.signature(fn).parameters.values()
    except (TypeError, ValueError):
        return {}
    return {p.name: p.default for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD}


def without_defaults(
    fn: Any, args: list[Atom], kwargs: dict[str, Atom]
) -> tuple[list[Atom], dict[str, Atom]]:
    """The arguments of a call in a rule, without options that a reader would leave out."""
    defaults = defaults_of(getattr(fn, "maker", fn)) if _hashable(fn) else {}

    def is_default(name: str, atom: Atom) -> bool:
        if not isinstance(atom, Const) or not isinstance(atom.value, (bool, int, str, type(None))):
            return False
        default = defaults.get(name, inspect.Parameter.empty)
        return type(default) is type(atom.value) and bool(default == atom.value)

    named = {k: a for k, a in kwargs.items() if not is_default(k, a)}
    names = list(defaults)[: len(args)]
    if len(names) == len(args) and not hasattr(fn, "maker"):
        while args and is_default(names[len(args) - 1], args[-1]):
            args = args[:-1]
    return args, named


def by_position(
    names: tuple[str, ...], args: list[Ref], kwargs: dict[str, Ref]
) -> tuple[list[Ref], dict[str, Ref]]:
    """The same call, with what was passed by name passed by position as far as that goes."""
    args, kwargs = list(args), dict(kwargs)
    while len(args) < len(names) and names[len(args)] in kwargs:
        args.append(kwargs.pop(names[len(args)]))
    return args, kwargs


def data_of(maker: Any) -> int:
    """How many arguments are the data of which this makes an object that is used at once; 0 for others."""
    operations = [*filter(None, [EVALUATED.get(maker)]), *USED.get(maker, {}).values()]
    return operations[0].data if operations else 0


def label(fn: Any) -> str:
    """A function's name in an error."""
    inner = fn.fn if isinstance(fn, Into) else fn
    owner = getattr(inner, "__self__", None)
    name = str(getattr(inner, "__name__", inner))
    return f"{owner.__name__}.{name}" if isinstance(owner, np.ufunc) else name


def _flat(value: Any) -> Any:
    if isinstance(value, (tuple, list)):
        for item in value:
            yield from _flat(item)
    else:
        yield value


def _hashable(fn: Any) -> bool:
    try:
        hash(fn)
    except TypeError:
        return False
    return True


LIBRARIES = frozenset({
    "numpy", "scipy", "math", "builtins", "operator", "functools", "itertools", "cmath", "random", "warnings",
    "logging",
})  # fmt: skip


def small(node: ast.FunctionDef | ast.Lambda) -> bool:
    """Is this function a single expression?"""
    if isinstance(node, ast.Lambda):
        return True
    body = [s for s in node.body if not (isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant))]
    return len(body) == 1 and isinstance(body[0], ast.Return)


def is_generator(node: ast.AST) -> bool:
    """Is this the definition of a generator function?"""
    if not isinstance(node, ast.FunctionDef):
        return False
    stack: list[ast.AST] = list(node.body)
    while stack:
        part = stack.pop()
        if isinstance(part, (ast.Yield, ast.YieldFrom)):
            return True
        if not isinstance(part, (ast.FunctionDef, ast.Lambda, ast.AsyncFunctionDef)):
            stack.extend(ast.iter_child_nodes(part))
    return False


def _as_lists(nodes: list[ast.expr]) -> list[ast.expr]:
    """Arguments whose generator expressions are run over at once: as list comprehensions."""
    return [
        ast.copy_location(ast.ListComp(n.elt, n.generators), n) if isinstance(n, ast.GeneratorExp) else n
        for n in nodes
    ]


def escapes(node: ast.AST) -> bool:
    """Does this function define functions, which may outlive the call?"""
    inner = (ast.FunctionDef, ast.Lambda)
    return any(isinstance(part, inner) for part in ast.walk(node) if part is not node)


# -- builtins that the frontend understands itself ---------------------------------------------------------


def _range(frame: Calls, args: list[Ref], kwargs: dict[str, Ref], name: str) -> Ref:
    if frame.in_library:
        known = [frame.constant(a) for a in args]
        if all(k is not None for k in known):
            numbers = range(*(k.value for k in known if k is not None))
            if frame.unit.rule or len(numbers) <= FEW:
                return Tup(tuple(map(Const, numbers)))
    return frame.b.call(range, *map(frame.atom, args), type=RANGE, name=name)


def _shift(shape: Any, by: int) -> Any:
    return shape + by if isinstance(shape, int) else tuple(_shift(s, by) for s in shape)


def _zip(frame: Calls, args: list[Ref], kwargs: dict[str, Ref], name: str) -> Ref:
    strict = frame.constant(kwargs["strict"]) if "strict" in kwargs else Const(False)
    if not frame.unit.rule and (strict is None or strict.value):
        sized = all(isinstance(a, (Obj, View, Tup, Const)) for a in args)
        lengths = [frame.invoke(Const(len), [a], {}, "") for a in args] if sized else []
        told = {n.value for n in lengths if isinstance(n, Const)}
        # In a `try`, what was done before it raises is seen.
        ahead = sized and not frame.unit.guarding and len(told) < 2
        if strict is None or len(args) != 2 and not ahead:
            raise frame.refuse("`zip(strict=True)` of other than two", "Compare the lengths, then `zip`.")
        if not ahead:
            source = read_source(strictly_zipped)
            return frame.generated(source, None, [("first", args[0]), ("second", args[1])])
        for k, length in enumerate(lengths[1:], 2):
            others = "argument 1" if k == 2 else f"arguments 1-{k - 1}"
            words = [Const(f"zip() argument {k} is {word} than {others}") for word in ("shorter", "longer")]
            given: list[Ref] = [lengths[0], length, *words]
            names = ("first", "other", "shorter", "longer")
            frame.inline(read_source(of_one_length), None, list(zip(names, given, strict=True)), "")
    statics = [frame.static_items(a) if not isinstance(a, (Sequence, Value)) else None for a in args]
    if all(s is not None for s in statics) and args:
        rows = zip(*(s for s in statics if s is not None), strict=False)
        return Tup(tuple(map(Tup, rows)), lists=frame.lists_of(*args))
    parts = [frame.sequence(a) for a in args]
    items: list[Atom] = []
    sources: list[Ref | None] = []
    shapes = []
    for part in parts:
        if part.refs is not None:
            part = Sequence((frame.b.call(pack_tuple, *map(frame.atom, part.refs)),), 0, sources=(None,))
        atoms, shape = _forward(frame, part)
        shapes.append(_shift(shape, len(items)))
        items.extend(atoms)
        sources.extend(part.sources)
    cells = frozenset().union(*(part.cells for part in parts))
    known = None
    if parts and all(part.known is not None for part in parts):
        known = tuple(Tup(row) for row in zip(*map(in_order, parts), strict=False))
    lists = tuple(pair for part in parts for pair in part.lists)
    return Sequence(
        tuple(items), tuple(shapes), cells=cells, sources=tuple(sources), known=known, lists=lists
    )


def in_order(sequence: Sequence) -> tuple[Ref, ...]:
    """The known items of a sequence, the first that is run over first."""
    known = sequence.known or ()
    return known[::-1] if sequence.backwards else known


def _forward(frame: Calls, part: Sequence) -> tuple[tuple[Atom, ...], Any]:
    """A sequence's items in forward order: what runs backwards is sliced backwards."""
    if part.snapshots is not None:
        raise frame.refuse(
            "what is checkpointed is run over together with something else",
            "Checkpoint the whole: `checkpoint(enumerate(...))`, `checkpoint(zip(...))`.",
        )
    if not part.backwards:
        return part.items, part.shape
    back = Const(slice(None, None, -1))
    return tuple(frame.b.call(operator.getitem, a, back, type=a.type) for a in part.items), part.shape


def _enumerate(frame: Calls, args: list[Ref], kwargs: dict[str, Ref], name: str) -> Ref:
    start = args[1] if len(args) > 1 else kwargs.get("start", Const(0))
    statics = frame.static_items(args[0]) if not isinstance(args[0], (Sequence, Value)) else None
    known = frame.constant(start)
    if statics is not None and known is not None and (frame.unit.rule or frame._differ(statics)):
        numbered = tuple(Tup((Const(k), item)) for k, item in enumerate(statics, known.value))
        return Tup(numbered, lists=frame.lists_of(args[0]))
    part = frame.sequence(args[0])
    if part.refs is not None:  # one by one, as the letters of a string
        places = range(len(part.refs))
        if known is None:
            numbers = [frame.b.call(operator.add, frame.atom(start), Const(k)) for k in places]
        else:
            numbers = [Const(known.value + k) for k in places]
        return Tup(tuple(map(Tup, zip(numbers, part.refs, strict=True))), lists=part.lists)
    atoms, shape = _forward(frame, part)
    count = frame.b.call(itertools.count, frame.atom(start), type=Type("range", elem=INT))
    rows: tuple[Ref, ...] | None = None
    if part.known is not None and known is not None:
        rows = tuple(Tup((Const(k), item)) for k, item in enumerate(in_order(part), known.value))
    return Sequence(
        (count, *atoms), (0, _shift(shape, 1)), cells=part.cells, sources=(None, *part.sources), known=rows,
        lists=part.lists,
    )  # fmt: skip


def _reversed(frame: Calls, args: list[Ref], kwargs: dict[str, Ref], name: str) -> Ref:
    statics = frame.static_items(args[0]) if not isinstance(args[0], (Sequence, Value)) else None
    if statics is not None:
        return Tup(statics[::-1], lists=frame.lists_of(args[0]))
    part = frame.sequence(args[0])
    if part.refs is not None:
        return Tup(part.refs[::-1], lists=part.lists)
    if len(part.items) != 1:
        raise frame.refuse("`reversed` of `zip` or `enumerate`", "Reverse the sequences inside.")
    return replace(part, backwards=not part.backwards)


def _len(frame: Calls, args: list[Ref], kwargs: dict[str, Ref], name: str) -> Ref | None:
    items = frame.static_items(args[0]) if not isinstance(args[0], Value) else None
    if items is not None:
        return Const(len(items))
    known = frame.type_of(args[0])
    if known.items is not None and known.kind in ("tuple", "list"):
        return Const(len(known.items))
    return None


def _isinstance(frame: Calls, args: list[Ref], kwargs: dict[str, Ref], name: str) -> Ref | None:
    classes = frame.constant(args[1])
    if classes is None:
        return None
    if isinstance(args[0], Const):
        return Const(isinstance(args[0].value, classes.value))
    known = frame.type_of(args[0])
    wanted = classes.value if isinstance(classes.value, tuple) else (classes.value,)
    concrete: dict[str, type] = {
        "float": float, "int": int, "bool": bool, "complex": complex, "str": str, "tuple": tuple,
        "list": list, "dict": dict, "array": np.ndarray, "none": type(None), "range": range,
    }  # fmt: skip
    unsure = known.maybe_unbound and not frame.unit.rule
    if known.kind == "object" and known.cls is not None and known.cls.__module__.startswith("scipy.sparse"):
        apart = all(c in (np.ndarray, list, tuple, dict, str) for c in wanted)
        return Const(False) if apart and not unsure else None
    if unsure or known.kind not in (*concrete, "number"):
        return None
    tells = [frame.instance_of(float, c) for c in wanted]
    if known.kind == "number":
        if known.dtype == np.dtype(np.float64) and any(tells):
            return Const(True)
        return Const(False) if all(c in (np.ndarray, list, tuple, dict, str) for c in wanted) else None
    return Const(any(frame.instance_of(concrete[known.kind], c) for c in wanted))


def _sum(frame: Calls, args: list[Ref], kwargs: dict[str, Ref], name: str) -> Ref | None:
    items = frame.static_items(args[0]) if not isinstance(args[0], (Value, Sequence)) else None
    if items is None:
        return None
    start = args[1] if len(args) > 1 else kwargs.get("start", Const(0))
    total = frame.atom(start)
    for k, item in enumerate(items):
        zero = k == 0 and isinstance(total, Const) and total.value == 0 and not isinstance(total.value, float)
        total = frame.atom(item) if zero else frame.b.call(operator.add, total, frame.atom(item))
    return frame.own(total)


def _min_max(fn: Any) -> Any:
    def lowered(frame: Calls, args: list[Ref], kwargs: dict[str, Ref], name: str) -> Ref | None:
        if len(args) == 1 and not kwargs:
            items = frame.static_items(args[0]) if not isinstance(args[0], (Value, Sequence)) else None
            if items:
                return frame.library(fn, list(items), {}, name) if len(items) > 1 else items[0]
            if items is None and frame.type_of(args[0]).kind == "list":  # the first of those equal to it
                values = frame.atom(args[0])
                best = frame.b.call(fn, values)
                place = frame.b.call(list.index, values, best, type=INT)
                return frame.own(frame.b.call(operator.getitem, values, place, name=name), name)
        return None

    return lowered


def _divmod(frame: Calls, args: list[Ref], kwargs: dict[str, Ref], name: str) -> Ref:
    left, right = args
    own = frame.operated(divmod, left, right, name)
    if own is not None:
        return own
    return Tup(tuple(frame.operate(op, left, right) for op in (operator.floordiv, operator.mod)))


def _attribute_of(attr: str) -> Any:
    def lowered(frame: Calls, args: list[Ref], kwargs: dict[str, Ref], name: str) -> Ref | None:
        """`np.ndim(x)` where it is a constant, or `x` is known to be an array."""
        if isinstance(args[0], Const) and len(args) == 1 and np.isscalar(args[0].value):
            return Const(getattr(np.asarray(args[0].value), attr))
        known = frame.type_of(args[0])
        if known.rank is None or len(args) > 1 or not isinstance(args[0], (Value, Obj, View)):
            return None
        if attr == "ndim":
            return Const(known.rank)
        if known.is_scalar:
            return Const(()) if attr == "shape" else Const(1)
        return frame.attribute(args[0], attr, name) if frame.unit.rule else None

    return lowered


def _is_complex(frame: Calls, args: list[Ref], kwargs: dict[str, Ref], name: str) -> Ref | None:
    dtype = frame.type_of(args[0]).numeric_dtype
    if isinstance(args[0], Const):
        return Const(bool(np.iscomplexobj(args[0].value)))
    return None if dtype is None else Const(dtype.kind == "c")


def _repeating(frame: Calls, args: list[Ref], kwargs: dict[str, Ref], name: str) -> Ref:
    return Const(repeats(frame.atom(args[0]), frame.b))


def _is_literal(frame: Calls, args: list[Ref], kwargs: dict[str, Ref], name: str) -> Ref:
    return Const(frame.constant(args[0]) is not None)


def _unbroadcast(frame: Calls, args: list[Ref], kwargs: dict[str, Ref], name: str) -> Ref:
    return frame.own(unbroadcast_call(frame.b, frame.atom(args[0]), frame.atom(args[1])))


def _rebroadcast(frame: Calls, args: list[Ref], kwargs: dict[str, Ref], name: str) -> Ref | None:
    """`np.broadcast_to`, where the ranks say that it is that."""
    ranks = [0 if known.is_scalar else known.rank for known in map(frame.type_of, args)]
    if any(rank is None for rank in ranks) or ranks[0] > ranks[1]:  # type: ignore[operator]
        return None
    return frame.known(np.broadcast_to, [args[0], frame.known(np.shape, args[1:], {}, "")], {}, name)


def _broadcast_like(frame: Calls, args: list[Ref], kwargs: dict[str, Ref], name: str) -> Ref | None:
    """A tangent as it is, where its value is known to be a number."""
    return args[0] if frame.type_of(args[1]).is_scalar else None


def _broadcast_to(frame: Calls, args: list[Ref], kwargs: dict[str, Ref], name: str) -> Ref | None:
    """In a rule: nothing to do where the value is known to have that shape."""
    shape = args[1] if len(args) > 1 else kwargs["shape"]
    made = frame.b.made_by(shape, np.ndarray.shape, np.shape) if isinstance(shape, Value) else None
    known = frame.type_of(args[0])
    if frame.unit.rule and made is not None:
        wanted = made.args[0].type
        if wanted.is_scalar and known.is_scalar:
            return args[0]
        if known.kind == "array" == wanted.kind and broadcast_axes(wanted, known) == ((), ()):
            return args[0]
    return None


def _checkpoint(frame: Calls, args: list[Ref], kwargs: dict[str, Ref], name: str) -> Ref:
    """A function that is run again, or what a loop runs over with its adjoint running it again."""
    what = args[0]
    snapshots = frame.atom(args[1] if len(args) > 1 else kwargs.get("snapshots", Const(None)))
    if frame.is_function(what) or isinstance(what, (Bound, Applied)):
        if not isinstance(snapshots, Const) or snapshots.value is not None:
            raise frame.refuse(
                "`snapshots` is for loops: a function keeps its arguments", "Leave `snapshots` out."
            )
        return Applied(Const(_run_again), (what,), ())
    known = snapshots.value if isinstance(snapshots, Const) else 1
    if known is not None and (isinstance(known, bool) or not isinstance(known, int) or known < 1):
        raise frame.refuse(
            f"a loop cannot be run again from {known!r} states", "Let `snapshots` be a positive number."
        )
    sequence = frame.sequence(what)
    items = list(sequence.items)
    for k, item in enumerate(items):
        made = frame.b.made_by(item, itertools.count)
        if made is not None:  # the numbers of `enumerate`, as many as there are items
            start, other = made.args[0], items[k - 1]
            stop = frame.b.call(operator.add, start, frame.b.call(len, other))
            items[k] = frame.b.call(range, start, stop, type=RANGE)
    return replace(sequence, items=tuple(items), snapshots=snapshots)


def _by_evaluation(fn: Any) -> Any:
    """`numeric(f)` inside a function: `f` and the step are known when compiling."""

    def lowered(frame: Calls, args: list[Ref], kwargs: dict[str, Ref], name: str) -> Ref:
        given = [frame.constant(a) for a in args]
        named = {k: frame.constant(a) for k, a in kwargs.items()}
        if any(c is None for c in (*given, *named.values())):
            raise frame.refuse(
                f"`{fn.__name__}` of a function that is not known here", "Make it outside of the function."
            )
        values = [c.value for c in given if c is not None]
        return Const(fn(*values, **{k: c.value for k, c in named.items() if c is not None}))

    return lowered


def _run_again(frame: Calls, args: list[Ref], kwargs: dict[str, Ref], name: str) -> Ref:
    return frame.replayed(args[0], args[1:], kwargs, name)


def _slice(frame: Calls, args: list[Ref], kwargs: dict[str, Ref], name: str) -> Ref:
    """`slice(a, b)` is `a:b` between brackets."""
    atoms = list(map(frame.atom, args))
    return frame.b.call(pack_slice, *(atoms if len(atoms) > 1 else [Const(None), *atoms]), name=name)


def _locals(frame: Calls, args: list[Ref], kwargs: dict[str, Ref], name: str) -> Ref:
    raise frame.refuse(
        "a function that looks at its own names or runs text is not differentiated", "Write it out."
    )


def same(fn: Any) -> Any:
    """The decorator that changes nothing: what `functools.wraps(f)` is to a derivative."""
    return fn


def _same(frame: Calls, args: list[Ref], kwargs: dict[str, Ref], name: str) -> Ref:
    return args[0]


def _transparent(frame: Calls, args: list[Ref], kwargs: dict[str, Ref], name: str) -> Ref:
    return Const(same)


def is_contextmanager(fn: Any) -> bool:
    """Is this what `contextlib.contextmanager` returned?"""
    return isinstance(fn, FunctionType) and fn.__code__ is _MAKING


def _decorator(fn: FunctionType) -> Any:
    """The manager that is the decorator of a function; None if this is something else."""
    return inspect.getclosurevars(fn).nonlocals["self"] if fn.__code__ is _DECORATED else None


def managing(ref: Ref) -> Ref:
    """The manager that is made of a generator."""
    return replace(ref, managing=True) if isinstance(ref, Generated) else ref


def made_manager(fn: Any, *args: Any, **kwargs: Any) -> Any:
    """The manager that a function makes which `contextmanager` is the decorator of."""
    return contextlib.contextmanager(fn)(*args, **kwargs)


def _contextmanager(frame: Calls, args: list[Ref], kwargs: dict[str, Ref], name: str) -> Ref:
    return Applied(Const(made_manager), (args[0],), ())


def _made_manager(frame: Calls, args: list[Ref], kwargs: dict[str, Ref], name: str) -> Ref:
    return managing(frame.invoke(args[0], args[1:], kwargs, name))


def _cached(frame: Calls, args: list[Ref], kwargs: dict[str, Ref], name: str) -> Ref:
    """A cached function gives what the function gives."""
    return args[0] if args and frame.is_function(args[0]) else Const(same)


SPECIAL: dict[Any, Any] = {
    checkpoint: _checkpoint, _run_again: _run_again, numeric: _by_evaluation(numeric),
    complex_step: _by_evaluation(complex_step),
    **ASKED,
    range: _range, slice: _slice, zip: _zip, enumerate: _enumerate, reversed: _reversed, len: _len,
    isinstance: _isinstance, sum: _sum, min: _min_max(min), max: _min_max(max),
    is_literal: _is_literal, is_repeating: _repeating, divmod: _divmod, np.ndim: _attribute_of("ndim"),
    np.shape: _attribute_of("shape"), np.size: _attribute_of("size"), np.iscomplexobj: _is_complex,
    functools.wraps: _transparent, functools.lru_cache: _cached, functools.cache: _cached, same: _same,
    contextlib.contextmanager: _contextmanager, made_manager: _made_manager,
    unbroadcast: _unbroadcast, rebroadcast: _rebroadcast, broadcast_like: _broadcast_like,
    np.broadcast_to: _broadcast_to,
    **dict.fromkeys((eval, exec, compile, locals, globals), _locals),
}  # fmt: skip
