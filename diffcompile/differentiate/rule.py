"""What is declared for a function, and a declared rule applied to a call of it: read, and inlined there.

    y = np.tanh(x)        inlined(b, rule, [y, x], {}, instr)        ->        1.0 - y**2

Both sweeps, the reverse and the forward one, apply rules by the functions here.
"""

from __future__ import annotations

import builtins
import inspect
import math
import operator
from types import FunctionType
from typing import Any

import numpy as np

from ..analysis.activity import can_vary
from ..errors import NoRule, UnsupportedSyntax
from ..frontend.build import Builder
from ..frontend.lower import lower_rule
from ..ir.graph import Atom, Call, Const, Into, Method, Store, Value
from ..ir.text import function_name
from ..ir.types import BOOL, Type
from ..rules.broadcast import broadcast_like, of_form, rebroadcast, unbroadcast
from ..rules.refused import sentence_of
from ..rules.register import REGISTRY, Declared, Owned, Ownerless, Unknown, of_others

PLAIN: dict[Any, Any] = {
    operator.iadd: operator.add, operator.isub: operator.sub, operator.imul: operator.mul,
    operator.itruediv: operator.truediv, operator.ifloordiv: operator.floordiv, operator.imod: operator.mod,
    operator.ipow: operator.pow, operator.imatmul: operator.matmul,
}  # fmt: skip
# Functions whose cotangent may be 0 where a mask hid something.
MASKING = frozenset({np.where, np.maximum, np.minimum, np.max, np.min, np.clip, np.ndarray.clip})
# What a ufunc takes beside its operands, and its derivative need not know.
UFUNC_OPTIONS = frozenset({"dtype", "casting", "order", "subok", "signature"})
SAFE = {np.arccosh: 2.0, math.acosh: 2.0}
# Functions that reduce an array, or run along it.
ALONG = frozenset({
    np.sum, np.prod, np.max, np.min, np.any, np.all, np.ptp, np.cumsum, np.cumprod, np.nansum, np.nanprod,
    np.nanmean, np.nanmax, np.nanmin, np.nancumsum, np.nancumprod, np.ndarray.sum, np.ndarray.prod,
    np.ndarray.max, np.ndarray.min, np.ndarray.cumsum, np.ndarray.cumprod, np.add.reduce, np.multiply.reduce,
    np.maximum.reduce, np.minimum.reduce, np.add.accumulate, np.multiply.accumulate,
})  # fmt: skip
# Functions of which an argument gives no more than its form.
FORMED = frozenset({
    np.full_like, np.arange, unbroadcast, rebroadcast, broadcast_like, of_form,
})  # fmt: skip
# The parameters of NumPy's functions that are sequences, and the functions that make arrays of those.
SEQUENCES = frozenset({
    "arrays", "arys", "args", "tup", "object", "xi", "condlist", "choicelist", "choices", "operands", "key",
})  # fmt: skip
CONVERTING = frozenset({
    np.asarray, np.asanyarray, np.ascontiguousarray, np.asfortranarray, np.asarray_chkfinite, np.require,
    np.copy,
})  # fmt: skip
# Operators whose results are numbers and arrays.
ARITHMETIC = frozenset({
    operator.sub, operator.truediv, operator.pow, operator.neg, operator.matmul, operator.floordiv,
    operator.mod, operator.abs, builtins.abs, builtins.float, builtins.pow,
})  # fmt: skip
DEEP = 8  # so many sums and products are looked into, for what a value may be
# Of the functions whose partials can be infinite, those that are finite there themselves.
STEEP = frozenset({
    np.sqrt, math.sqrt, np.cbrt, math.cbrt, np.arcsin, math.asin, np.arccos, math.acos, np.arccosh,
    math.acosh, operator.pow, builtins.pow, np.power, np.float_power, math.pow,
})  # fmt: skip


def method_of(instr: Call) -> Any:
    """The function called; a method of a library's object is that of its class, where that is known."""
    cls = instr.args[0].type.cls if isinstance(instr.fn, Method) else None
    return instr.fn if cls is None else getattr(cls, instr.fn.name, instr.fn)


def find_rule(fn: Any) -> Declared | None:
    return REGISTRY.reverse.get(fn) if hashable(fn) else None


def hashable(fn: Any) -> bool:
    try:
        hash(fn)
    except TypeError:
        return False
    return True


def positions(rule: Any, args: tuple[Atom, ...], kwargs: dict[str, Atom], skip: int) -> list[Any]:
    """The arguments of a call in the order of the rule's own parameters, those after the first `skip`."""
    signature = inspect.signature(rule)
    bound = signature.bind(*[None] * skip, *args, **kwargs)
    result: list[Any] = []
    for name, parameter in list(signature.parameters.items())[skip:]:
        given = bound.arguments.get(name)
        if parameter.kind is parameter.VAR_POSITIONAL:
            result.extend(given or ())
        else:
            result.append(given)
    return result


def as_arrays(
    b: Builder, fn: Any, rule: Any, args: tuple[Atom, ...], kwargs: dict[str, Atom], skip: int = 2
) -> tuple[tuple[Atom, ...], dict[str, Atom]]:
    """The arguments of a call as its rule reads them: a list where the rule has an `Array` is made one.

    So is a list of numbers that a function of NumPy reads as one array, and a tuple where it is no option.
    """
    parameters = list(inspect.signature(rule).parameters.values())[skip:]
    wanted = {p.name for p in parameters if p.annotation == "Array"}
    numeric = is_numeric(fn)
    data = {p.name for p in (parameters if isinstance(fn, np.ufunc) else parameters[:1])}

    flat = bool(args) and args[0].type.kind == "array" and args[0].type.rank == 0

    def read(name: str, atom: Atom) -> Atom:
        if flat and name == "axis" and fn in ALONG:
            return Const(None)  # an array without axes may be reduced along its first or last
        kinds = ("list", "tuple") if name in data else ("list",)
        if name in wanted and _is_sequence(atom):
            return b.call(np.asarray, atom)
        if numeric and name not in SEQUENCES and _holds_numbers(atom, kinds):
            return b.call(np.asarray, atom)
        return atom

    names = [p.name for p in parameters]
    given = tuple(read(name, a) for name, a in zip(names, args, strict=False))
    return (*given, *args[len(given) :]), {name: read(name, a) for name, a in kwargs.items()}


def joins(b: Builder, fn: Any, args: tuple[Atom, ...]) -> bool:
    """May this `+` or `*` be one of lists, which is not known before the program runs?"""
    if fn is operator.add:
        return all(may_be_row(b, a) for a in args) and any(a.type.kind == "unknown" for a in args)
    return fn is operator.mul and any(
        a.type.kind == "unknown" and is_count(n) and may_be_row(b, a) for a, n in (args, args[::-1])
    )


def is_count(atom: Atom) -> bool:
    """Is this an integer that a list may be multiplied by?"""
    if isinstance(atom, Const):
        return isinstance(atom.value, int) and not isinstance(atom.value, bool)
    return atom.type.is_scalar and atom.type.is_integer


def may_be_row(b: Builder, atom: Atom, depth: int = 0) -> bool:
    """May this be a list or a tuple?"""
    if isinstance(atom, Const):
        return isinstance(atom.value, (list, tuple))
    if atom.type.kind != "unknown":
        return atom.type.kind in ("list", "tuple")
    made = b.defs.get(atom)
    if not isinstance(made, Call) or depth > DEEP:
        return True
    if made.fn is operator.add:
        return all(may_be_row(b, a, depth + 1) for a in made.args)
    if made.fn is operator.mul:
        return any(may_be_row(b, a, depth + 1) for a in made.args)
    return made.fn not in ARITHMETIC and not isinstance(made.fn, np.ufunc) and not is_numeric(made.fn)


def is_numeric(fn: Any) -> bool:
    """Is this a function of NumPy, or a ufunc, that reads a list as an array?"""
    if fn in CONVERTING:
        return False
    owner = getattr(fn, "__self__", None)
    module = getattr(fn, "__module__", None) or ""
    return isinstance(fn, np.ufunc) or isinstance(owner, np.ufunc) or module.split(".")[0] == "numpy"


def _holds_numbers(atom: Atom, kinds: tuple[str, ...]) -> bool:
    """Is this a list or a tuple, as `kinds` say, of numbers, some of which are not integers?"""
    if isinstance(atom, Const):
        return type(atom.value).__name__ in kinds and np.asarray(atom.value).dtype.kind in "fc"
    return atom.type.kind in kinds


def _is_sequence(atom: Atom) -> bool:
    if isinstance(atom, Const):
        return isinstance(atom.value, (list, tuple))
    return atom.type.kind in ("list", "tuple")


def refuse_objects(instr: Call | Store, atoms: tuple[Atom, ...]) -> None:
    """A function that has a rule for numbers may ask an object for what it is: that is not followed.

    What the user has declared something of is told what moves of an object attribute by attribute.
    """
    if isinstance(instr.fn, (Owned, FunctionType)) and of_others(instr.fn):
        return
    for atom in atoms:
        cls = _class_in(atom.type)
        if cls is not None:
            raise UnsupportedSyntax(
                f"an object of class `{cls.__name__}` is used as a value", instr.line, "Use its attributes."
            )


def _class_in(known: Type) -> type | None:
    """The class of an object of the user's, or of those in a container."""
    if known.kind in ("list", "tuple", "dict") and known.keys is None:
        parts = (*(known.items or ()), *(() if known.elem is None else (known.elem,)))
        return next((c for c in map(_class_in, parts) if c is not None), None)
    mine = known.kind == "object" and known.keys is not None and known.cls is not None
    return known.cls if mine and known.cls is not None and not issubclass(known.cls, tuple) else None


def inlined(b: Builder, rule: Any, args: list[Any], kwargs: dict[str, Any], instr: Call | Store) -> Any:
    """What a rule gives for these arguments, its body built where the builder stands."""
    line = b.line
    try:
        return lower_rule(b, rule, args, kwargs)
    except SyntaxError as cause:
        name = function_name(instr.fn)
        raise NoRule(
            f"the derivative of `{name}` is not known for this call: {getattr(cause, 'reason', cause)}",
            instr.line,
            f"Write it with other options, or declare a rule with `@defvjp({name})`.",
        ) from cause
    finally:
        b.line = line


def missing(b: Builder, fn: Any, instr: Call | Store, arg: Atom | None) -> NoRule:
    """The refusal of a function that has no rule, or of a part of what such a one made."""
    made = b.defs.get(arg) if isinstance(arg, Value) else None
    name = function_name(fn)
    for refused in (name, function_name(made.fn) if isinstance(made, Call) else ""):
        said = sentence_of(refused)
        if said is not None:
            return NoRule(f"`{refused}` is not differentiated: {said[0]}", instr.line, said[1])
    which = arg.name if isinstance(arg, Value) else "its argument"
    if fn is getattr and isinstance(instr, Call) and isinstance(instr.args[1], Const):
        return NoRule(
            f"no derivative is known for the attribute `{instr.args[1].value}` of `{which}`",
            instr.line,
            f"Keep `{which}` constant: `stop_gradient({which})`.",
        )
    return NoRule(
        f"no derivative is known for `{name}` with respect to `{which}`",
        instr.line,
        f"Teach it one:  @defvjp({name})  def _(ct, out, ...): ...",
    )


def check_known(instr: Call | Store, arg: Value, found: Any) -> None:
    """Refuse where a rule says that it does not know this derivative."""
    if isinstance(found, Const) and isinstance(found.value, Unknown):
        name = function_name(instr.fn)
        raise NoRule(
            f"no derivative is known for `{name}` with respect to `{arg.name}`: {found.value.reason}",
            instr.line,
            f"Keep `{arg.name}` constant: `stop_gradient({arg.name})`.",
        )


def shifted(instr: Call | Store, rule: Any, found: Any, linear: bool = False) -> tuple[Any, ...]:
    """What a rule gives, one for each argument of the call: it may say nothing of whose method it is."""
    parts = found if isinstance(found, tuple) else (found,)
    untold = isinstance(rule, Ownerless) or linear and isinstance(instr.fn, Owned)
    return (None, *parts) if untold else parts


def holds_numbers(part: Atom) -> bool:
    """Can what an object holds move? A function, and an object of which nothing is known, cannot."""
    opaque = part.type.kind in ("object", "function") and part.type.keys is None
    return isinstance(part, Value) and can_vary(part) and not opaque


def untold(instr: Call | Store, atom: Atom, attribute: str = "") -> NoRule:
    """The refusal of an object that moves, and of which the rule says nothing."""
    name = function_name(instr.fn)
    which = atom.name if isinstance(atom, Value) else "its argument"
    return NoRule(
        f"the rule of `{name}` gives no derivative with respect to `{which}{attribute and '.'}{attribute}`",
        instr.line,
        "Return one for each attribute of an object, `{\"w\": ...}`, and None where nothing flows.",
    )


def hidden(
    b: Builder, declared: Declared, instr: Call | Store, moved: Atom, out: Atom, args: tuple[Atom, ...],
    kwargs: dict[str, Atom], scalar: bool,
) -> Atom:  # fmt: skip
    """Where nothing flows: `moved`, a cotangent or a tangent, is 0, and a partial is not finite.

    A 0 of `moved` alone does not tell that a mask put it there: where the partial is finite it moves.
    """
    zero = b.call(operator.eq, moved, Const(0.0), type=BOOL if scalar else None)
    if callable(declared.singular) and not is_whole_power(args):
        placed = positions(declared.rule, args, kwargs, 1)
        given = [a for a in placed if a is not None]
        edge = inlined(b, declared.singular, [out, *given], {}, instr)
    else:
        edge = b.call(operator.invert, b.call(np.isfinite, out))
    return b.call(operator.and_, zero, edge, type=BOOL if scalar else None)


def steep(fn: Any, args: tuple[Atom, ...]) -> bool:
    """Can a partial be infinite where the function is not? That of a power cannot, if the exponent is one."""
    if isinstance(fn, Into):
        fn = fn.fn
    if not hashable(fn) or fn not in STEEP:
        return False
    if len(args) < 2 or not isinstance(args[1], Const) or not isinstance(args[1].value, (int, float)):
        return True
    return isinstance(args[1].value, float) and args[1].value < 1


def in_many(
    b: Builder, declared: Declared, instr: Call | Store, moved: Atom, partial: Atom, out: Atom,
    args: tuple[Atom, ...], kwargs: dict[str, Atom],
) -> Atom:  # fmt: skip
    """`moved * partial`, of many directions: 0 in those that do not move what has an infinite partial.

    The partial is computed once, for all of them.
    """
    zero = hidden(b, declared, instr, moved, out, args, kwargs, False)
    return times(b, moved, b.call(np.where, zero, Const(0.0), partial))


def is_whole_power(args: tuple[Atom, ...]) -> bool:
    """Is the second argument a constant from 1 on? The slope of such a power is finite."""
    if len(args) != 2 or not isinstance(args[1], Const) or not isinstance(args[1].value, (int, float)):
        return False
    return args[1].value >= 1


def times(b: Builder, ct: Atom, partial: Atom) -> Atom:
    """`ct * partial`, written as a person would."""
    known = b.constant(partial)
    if known is not None and isinstance(known.value, (int, float)):
        if known.value == 1:
            return ct
        if known.value == -1:
            return b.call(operator.neg, ct)
        if known.value == 0:
            return Const(0.0)
    return b.call(operator.mul, ct, partial)
