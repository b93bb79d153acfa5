"""What may not be dropped, moved or merged: prints, draws, raises, writes, calls into the unknown."""

from __future__ import annotations

import builtins
import copy
import itertools
import math
import operator
from collections import OrderedDict, defaultdict
from collections.abc import Hashable, Iterator
from typing import Any

import numpy as np

from ..ir.graph import (
    PACKS,
    Atom,
    Call,
    Const,
    For,
    Function,
    Hook,
    If,
    Instr,
    Method,
    Region,
    Store,
    Try,
    Value,
    While,
    backward_begins,
    format_string,
    literal,
    pack_function,
    raise_error,
    replay_begins,
    replay_ends,
    unpack,
    write_outside,
)  # fmt: skip
from ..ir.walk import instructions, regions, values
from ..rules.containers import copy_of, sum_of, zeros_of
from ..rules.random import shuffled_places
from ..rules.register import REGISTRY, Owned
from ..rules.solvers import SOLVERS

_PURE_MODULES = (
    "numpy", "math", "cmath", "_operator", "scipy", "itertools", "statistics", "_bisect", "diffcompile.rules",
)  # fmt: skip
_PURE = frozenset({*PACKS, literal, unpack, format_string}) | {
    getattr, len, abs, float, int, bool, complex, str, min, max, sum, round, range, list, tuple, isinstance,
    pow, repr, divmod, hash, type, any, all, sorted, dict, defaultdict,
    OrderedDict, copy.copy, copy.deepcopy,
}  # fmt: skip
# Every call gives another object, so two equal calls are not one.
FRESH = frozenset({
    # What is used up by running over it.
    itertools.count, itertools.cycle, itertools.repeat, itertools.chain, itertools.islice,
    itertools.accumulate,
    itertools.pairwise, itertools.product, itertools.zip_longest, zip, map, filter, enumerate, reversed, iter,
    pack_function,  # written out where it is handed on, so it must not wait for another reader
    np.zeros, np.ones, np.empty, np.ndarray, np.full, np.zeros_like, np.ones_like, np.empty_like,
    np.full_like, np.array, np.copy, np.ndarray.copy, copy_of, zeros_of, sum_of, copy.copy, copy.deepcopy,
    list, np.eye, np.identity, np.arange,
    np.errstate, dict, defaultdict, OrderedDict,
})  # fmt: skip
_RAISING_OPERATORS = frozenset(
    {operator.truediv, operator.floordiv, operator.mod, operator.pow, builtins.pow}
)


_MARKS = frozenset({print, raise_error, write_outside, replay_begins, replay_ends, backward_begins})
_WRITE = "a write into what is the caller's"
_RANDOM = (np.random.Generator, np.random.RandomState)


def _known_mark(fn: Any) -> bool:
    """Is this called for what it does alone?"""
    return isinstance(fn, Hashable) and fn in _MARKS


def happens(instr: Instr) -> str:
    """What the user would notice if this were run twice, in words. A print is left out the second time."""
    if isinstance(instr, Store):
        return _WRITE if instr.visible else ""
    if not isinstance(instr, Call):
        return ""
    fn = instr.fn
    if isinstance(fn, Function):
        return next(filter(None, map(happens, _within(fn, set()))), "")
    if fn is write_outside:
        return "the assignment of a name outside of the function"
    if _known_mark(fn):
        return ""
    if not instr.outs:  # a container or an object of the caller's is changed
        return _WRITE
    if pure_function(fn):
        return ""
    known = declared(fn) or isinstance(fn, Hashable) and fn in SOLVERS
    return "" if known else f"the call of `{getattr(fn, '__name__', None) or fn.name}`"


def declared(fn: Any) -> bool:
    """Is this a function that has a derivative, whose result is all there is to it?"""
    return not isinstance(fn, Method) and not draws(fn) and isinstance(fn, Hashable) and REGISTRY.declares(fn)


def draws(fn: Any) -> bool:
    """Is this a function or a method that draws random numbers?"""
    owner = getattr(fn, "__objclass__", None) or type(getattr(fn, "__self__", None))
    module = getattr(fn, "__module__", None) or ""
    return owner in _RANDOM or fn is shuffled_places or module.startswith(("numpy.random", "random"))


def _within(fn: Function, seen: set[Function]) -> Iterator[Instr]:
    """The calls and stores of a function and of those that it calls."""
    seen.add(fn)
    for instr in instructions(fn.graph.region) if fn.graph is not None else ():
        if isinstance(instr, Call) and isinstance(instr.fn, Function):
            if instr.fn not in seen:
                yield from _within(instr.fn, seen)
        elif not (isinstance(instr, Store) and fn.writes):  # that is settled where it is called
            yield instr


def touched(region: Region) -> set[Value]:
    """The objects that calls into the unknown may change: what is read of them is not the same later.

    With an object goes what it was read out of, and all that is read out of that.
    """
    found: set[Value] = set()
    parts: list[tuple[Value, Value]] = []
    for instr in instructions(region):
        if not isinstance(instr, Call) or _known_mark(instr.fn):
            continue
        if instr.fn in (operator.getitem, getattr) and isinstance(instr.args[0], Value):
            parts.extend((instr.args[0], out) for out in instr.outs if out.type.kind in _CHANGING)
        elif not isinstance(instr.fn, Function) and not pure_function(instr.fn):
            found.update(v for v in values(instr.args) if v.type.kind in _CHANGING)
    for whole, part in reversed(parts):
        if part in found and whole.type.kind != "array":
            found.add(whole)
    for whole, part in parts:
        if whole in found:
            found.add(part)
    return found


_CHANGING = frozenset({"object", "dict", "list", "unknown"})


def pure(instr: Instr) -> bool:
    """May this instruction be dropped when nothing reads it?"""
    match instr:
        case Call(outs=()):
            return False  # what it is called for is what it does
        case Call(fn=fn):
            return pure_function(fn)
        case Store():
            return not instr.visible
        case If() | For():
            return not refuses(instr) and all(map(pure_region, regions(instr)))
        case Try():
            return (instr.silent or not instr.body.params) and pure_region(instr.body)
        case While():
            return False  # it may not end, and dropping it would
    return False


def refuses(instr: If | For) -> bool:
    """May Python refuse to test this value, an array of several, or to run over it, a number?"""
    if isinstance(instr, If):
        return instr.test.type.kind == "array" and instr.test.type.rank != 0
    return any(a.type.is_scalar or a.type.kind == "array" and a.type.rank == 0 for a in instr.items)


def pure_region(region: Region) -> bool:
    return all(pure(instr) for instr in region.body)


def pure_function(fn: Any) -> bool:
    if isinstance(fn, Function):
        return fn.graph is not None and not fn.writes and _pure_graph(fn, {fn})
    if isinstance(fn, Hook):
        return True
    if _known_mark(fn) or isinstance(fn, Owned) or fn is shuffled_places:
        return False
    try:
        if fn in _PURE:
            return True
        if fn in SOLVERS:
            return False  # the function that it calls may do anything
    except TypeError:
        return False
    if isinstance(fn, (np.ufunc, type(np.ndarray.T), type(np.ndarray.sum))):
        return True
    module = getattr(fn, "__module__", "") or ""
    if module.startswith("numpy.random") or isinstance(fn, type) and issubclass(fn, BaseException):
        return isinstance(fn, type)
    return module.startswith(_PURE_MODULES)


def gives_fields(call: Call) -> bool:
    """Is this a solver whose result is differentiated by its attributes?"""
    return isinstance(call.fn, Hashable) and call.fn in SOLVERS and bool(SOLVERS[call.fn].fields)


def repeatable(fn: Function) -> bool:
    """Would nobody notice if this function of the user, which a solver calls, were called once more?"""
    return fn.graph is not None and not fn.writes and _pure_graph(fn, {fn}, solving=True)


def packed_function(instr: Call) -> Function:
    """The function that this makes a value of."""
    function = instr.args[0]
    assert isinstance(function, Const)
    return function.value  # type: ignore[no-any-return]


def _pure_graph(fn: Function, seen: set[Function], solving: bool = False) -> bool:
    """Is every instruction pure? If `solving`, a solver is as pure as the functions that it calls."""
    assert fn.graph is not None
    for instr in instructions(fn.graph.region):
        inner = instr.fn if isinstance(instr, Call) else None
        if solving and isinstance(instr, Call) and instr.fn is pack_function:
            inner = packed_function(instr)
        if isinstance(inner, Function):
            if inner not in seen:
                seen.add(inner)
                if inner.graph is None or not _pure_graph(inner, seen, solving):
                    return False
        elif solving and isinstance(inner, Hashable) and inner in SOLVERS:
            continue
        elif isinstance(instr, (Call, Store)) and not pure(instr):
            return False
    return True


def raises(instr: Instr) -> bool:
    """May this instruction of the user's program raise on ordinary numbers, so that its lack is noticed?"""
    if not isinstance(instr, Call):
        return False
    fn = instr.fn
    if getattr(fn, "__module__", "") in ("math", "cmath") and fn not in (
        math.sin,
        math.cos,
        math.atan,
        math.tanh,
    ):
        return True
    if getattr(fn, "__module__", "") == "numpy.linalg" or fn in (float, int, unpack):
        return True
    if fn in _RAISING_OPERATORS:
        kinds = {a.type.kind for a in instr.args}
        return not (kinds & {"array", "number"}) and not _safe(instr)
    return False


def _safe(instr: Call) -> bool:
    last = instr.args[-1]
    value = getattr(last, "value", None)
    if instr.fn in (operator.pow, builtins.pow):
        return isinstance(value, int) and value >= 0
    return isinstance(value, (int, float)) and value != 0


_TOTAL = frozenset({
    *PACKS, literal, format_string, str, bool, np.copy, np.ndarray.copy, np.zeros_like, np.ones_like,
    np.empty_like, np.shape, np.ndim, np.size, type, isinstance, abs, repr, itertools.count,
})  # fmt: skip
_ARITHMETIC = frozenset({
    operator.add, operator.sub, operator.mul, operator.neg, operator.pos, operator.abs, operator.lt,
    operator.le, operator.gt, operator.ge, operator.eq, operator.ne, operator.is_, operator.is_not,
    operator.not_,
})  # fmt: skip
_DIVISIONS = frozenset({operator.truediv, operator.floordiv, operator.mod})
_UNROLLING = frozenset({np.ravel, np.ndarray.ravel, np.ndarray.flatten})
_NUMERIC = frozenset({"bool", "int", "float", "complex", "number", "array"})


def may_fail(instr: Instr) -> bool:
    """May this instruction of the user's program raise, on an index, a shape or a kind?

    Then it runs, read or not; where it has an adjoint, that fails as well.
    """
    if isinstance(instr, Store):
        return instr.fn is not list.append
    if not isinstance(instr, Call) or not instr.outs:
        return False
    fn, kinds = instr.fn, [a.type.kind for a in instr.args]
    if isinstance(fn, type(np.ndarray.T)):
        return False
    if not isinstance(fn, Hashable) or isinstance(fn, (Function, Hook)):
        return not isinstance(fn, (Function, Hook))
    if fn in _TOTAL or fn is np.errstate or isinstance(fn, type) and issubclass(fn, BaseException):
        return False
    if fn is operator.getitem:
        base, index = instr.args
        return base.type.kind != "tuple" and not (isinstance(index, Const) and _in_range(base, index.value))
    if fn is getattr:
        return instr.args[0].type.keys is None
    if fn is len:
        return not (kinds[0] in ("list", "tuple", "range", "str") or bool(instr.args[0].type.rank))
    if fn is range:
        return len(kinds) > 2 or not set(kinds) <= {"int", "bool"}
    if fn in _ARITHMETIC or isinstance(fn, np.ufunc):
        return not set(kinds) <= _NUMERIC or sum(a.type.rank != 0 for a in instr.args) > 1
    if fn in _DIVISIONS:
        return not set(kinds) <= _NUMERIC or not _safe(instr)
    if fn in _UNROLLING:
        return kinds != ["array"] or bool(instr.kwargs)
    return True


def _in_range(base: Atom, index: Any) -> bool:
    """Is this an index of a base whose length is known to reach that far?"""
    if isinstance(index, slice):
        return True
    shape = base.type.shape if base.type.kind == "array" else None
    many = index if isinstance(index, tuple) else (index,)
    if shape is None or len(many) > len(shape) or not all(type(n) in (int, slice) for n in many):
        return False
    return all(
        isinstance(n, slice) or isinstance(size, int) and -size <= n < size
        for n, size in zip(many, shape, strict=False)
    )


def form_assumed(instr: Instr) -> bool:
    """Does this check that lengths agree which nothing else proves equal? Then it runs, read or not."""
    if not isinstance(instr, Call) or not isinstance(instr.fn, Hashable) or len(instr.args) != 2:
        return False
    a, b = (arg.type.shape if arg.type.kind == "array" else None for arg in instr.args)
    if not a or not b:
        return False
    if instr.fn in (operator.matmul, np.matmul, np.dot, np.ndarray.dot):
        return a[-1] != b[-2 if len(b) > 1 else -1]
    if not (isinstance(instr.fn, np.ufunc) or getattr(instr.fn, "__module__", "") == "_operator"):
        return False
    return any(n != m and n != 1 and m != 1 for n, m in zip(a[::-1], b[::-1], strict=False))


def may_raise(region: Region) -> set[Value]:
    """The outs of all instructions that may raise; they are kept alive."""
    found = {out for instr in instructions(region) if raises(instr) for out in instr.outs}
    for instr in instructions(region):
        if isinstance(instr, Try) and instr.classes:
            inside = (i for i in instructions(instr.body) if catchable(i, instr.classes))
            found.update(out for i in inside for out in i.outs)
    return found


_FLOATING = (FloatingPointError, RuntimeWarning)  # what arithmetic on arrays raises where it was told to
_SCALAR_ERRORS: dict[Any, tuple[type[BaseException], ...]] = {
    operator.truediv: (ZeroDivisionError, OverflowError), operator.floordiv: (ZeroDivisionError,),
    operator.mod: (ZeroDivisionError,), operator.pow: (OverflowError, ZeroDivisionError),
    builtins.pow: (OverflowError, ZeroDivisionError),
}  # fmt: skip


def catchable(instr: Instr, classes: tuple[type[BaseException], ...]) -> bool:
    """May this instruction raise an exception of one of these classes?"""
    match instr:
        case If() | For() if refuses(instr):
            return True
        case If() | For() | While():
            return any(catchable(i, classes) for part in regions(instr) for i in part.body)
        case Try():
            return bool(instr.body.params and not instr.silent) or any(
                catchable(i, classes) for i in instr.body.body
            )
        case Store():
            return instr.fn is not list.append
    fn = instr.fn
    if not isinstance(fn, Hashable):
        return True
    kinds = {a.type.kind for a in instr.args}
    if fn in (builtins.print, replay_begins, replay_ends):
        return False
    arithmetic = fn in _ARITHMETIC or fn in _SCALAR_ERRORS or isinstance(fn, np.ufunc)
    if arithmetic and kinds <= _NUMERIC:
        arrays = bool(kinds & {"array", "number"})
        found: tuple[type[BaseException], ...] = ()
        if fn in _SCALAR_ERRORS and kinds - {"array"} and not (fn not in _POWERS and _safe(instr)):
            found += _SCALAR_ERRORS[fn]
        if arrays and any(issubclass(c, (ArithmeticError, Warning)) for c in classes):
            found += _FLOATING
        if sum(a.type.rank != 0 for a in instr.args) > 1:
            found += (ValueError,)
        return any(issubclass(f, c) for f in found for c in classes)
    if isinstance(fn, type) and issubclass(fn, BaseException) or fn is np.errstate:
        return False
    return raises(instr) or may_fail(instr) or not pure_function(fn) or isinstance(fn, Function)


_POWERS = frozenset({operator.pow, builtins.pow})
