"""Facts of operators.

An operator between numbers is Python's when both are Python's and NumPy's otherwise. A "number" may be
either, so its result is claimed only where the two worlds agree: a power that is nan in one is complex in the
other.
"""

from __future__ import annotations

import builtins
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from ..ir.graph import Atom, Const, Value
from ..ir.types import BOOL, COMPLEX, FLOAT, INT, SCALARS, STR, Type, number
from .shapes_containers import SEQUENCES, joined_list, repeated
from .shapes_core import (
    BOOLEAN,
    NO,
    RULES,
    Undecided,
    constant,
    facts,
    integer,
    is_dtype,
    is_integer,
    none_or_undecided,
)
from .shapes_elementwise import elementwise
from .shapes_linalg import matmul

PYTHON = ("bool", "int", "float", "complex")


def arithmetic(x: Type, y: Type) -> bool:
    """Is an operator between these an operation on numbers or arrays?"""
    return "array" in (x.kind, y.kind) or (x.kind in SCALARS and y.kind in SCALARS)


def both_worlds(ufunc: np.ufunc, python: Callable[..., Type], *operands: Type) -> Type:
    """The result of an operator on these operands, which is `ufunc` where NumPy is involved."""
    kinds = [t.kind for t in operands]
    if all(kind in PYTHON for kind in kinds):
        return python(*operands)
    if not all(kind in SCALARS for kind in kinds):
        return elementwise(ufunc, operands)
    try:
        numpy = elementwise(ufunc, operands)
    except Undecided:
        numpy = None  # NumPy raises
    twins = [_python_twin(t) for t in operands]
    if None in twins:
        return numpy if numpy is not None else number()
    alike = python(*twins)
    if numpy is None or is_dtype(numpy.dtype, alike.numeric_dtype):
        return number(alike.numeric_dtype)
    return number()


def _python_twin(t: Type) -> Type | None:
    """The Python number that this number may be, None if it is NumPy's."""
    if t.kind in PYTHON or t.dtype is None:
        return t
    for twin in (BOOL, INT, FLOAT, COMPLEX):
        if is_dtype(twin.numeric_dtype, t.dtype):
            return twin
    return None


def wider(*operands: Type) -> Type:
    """The kind that Python's arithmetic gives: a bool counts as an int."""
    if any(t.kind == "number" for t in operands):
        return number()
    return (INT, INT, FLOAT, COMPLEX)[max(PYTHON.index(t.kind) for t in operands)]


def divided(*operands: Type) -> Type:
    kind = wider(*operands)
    return FLOAT if kind is INT else kind


def no_complex(*operands: Type) -> Type:
    kind = wider(*operands)
    if kind is COMPLEX:
        raise Undecided
    return kind


def integral(*operands: Type) -> Type:
    if all(t.kind == "bool" for t in operands):
        return BOOL
    return no_complex(*operands)


def compared(*operands: Type) -> Type:
    return BOOL


def magnitude(x: Type) -> Type:
    kind = wider(x)
    return FLOAT if kind is COMPLEX else kind


BINARY: tuple[tuple[Callable[..., Any], Callable[..., Any] | None, np.ufunc, Callable[..., Type]], ...] = (
    (operator.add, operator.iadd, np.add, wider),
    (operator.sub, operator.isub, np.subtract, wider),
    (operator.mul, operator.imul, np.multiply, wider),
    (operator.truediv, operator.itruediv, np.true_divide, divided),
    (operator.floordiv, operator.ifloordiv, np.floor_divide, no_complex),
    (operator.mod, operator.imod, np.remainder, no_complex),
    (operator.and_, operator.iand, np.bitwise_and, integral),
    (operator.or_, operator.ior, np.bitwise_or, integral),
    (operator.xor, operator.ixor, np.bitwise_xor, integral),
    (operator.lshift, operator.ilshift, np.left_shift, wider),
    (operator.rshift, operator.irshift, np.right_shift, wider),
    (operator.lt, None, np.less, compared),
    (operator.le, None, np.less_equal, compared),
    (operator.gt, None, np.greater, compared),
    (operator.ge, None, np.greater_equal, compared),
    (operator.eq, None, np.equal, compared),
    (operator.ne, None, np.not_equal, compared),
)


def _binary(op: Callable[..., Any], ufunc: np.ufunc, python: Callable[..., Type]) -> Callable[..., Type]:
    def rule(a: Atom, b: Atom) -> Type:
        x, y = a.type, b.type
        if not arithmetic(x, y):
            return _of_others(op, a, b)
        return both_worlds(ufunc, python, x, y)

    return rule


def _in_place(rule: Callable[..., Type]) -> Callable[..., Type]:
    def in_place(a: Atom, b: Atom) -> Type:
        return a.type if a.type.kind == "array" else rule(a, b)

    return in_place


for _op, _iop, _ufunc, _python in BINARY:
    _rule = facts(_op)(_binary(_op, _ufunc, _python))
    if _iop is not None:
        facts(_iop)(_in_place(_rule))


def plus(x: Type, y: Type) -> Type:
    """The type of `x + y`."""
    return RULES[operator.add].function(Value("x", x), Value("y", y))


def _of_others(op: Callable[..., Any], a: Atom, b: Atom) -> Type:
    """Operators on sequences, strings and None."""
    x, y = a.type, b.type
    plain = {"str", "none", "tuple", "list", "range", *PYTHON}
    if op in (operator.eq, operator.ne) and x.kind in plain and y.kind in plain:
        return BOOL
    if op is operator.add and x.kind == y.kind:
        if x.kind == "str":
            return STR
        if x.kind == "list":
            return joined_list(x, y)
        if x.kind == "tuple" and x.items is not None and y.items is not None:
            both = None if x.shape is None or y.shape is None else (*x.shape, *y.shape)
            return Type("tuple", items=(*x.items, *y.items), shape=both)
    if op is operator.mul and x.kind in SEQUENCES and is_integer(y):
        return repeated(x, integer(b))
    if op is operator.mul and y.kind in SEQUENCES and is_integer(x):
        return repeated(y, integer(a))
    if op is operator.mod and x.kind == "str":
        return STR
    raise Undecided


@facts(operator.pow, operator.ipow, builtins.pow)
def _(base: Atom, exp: Atom, mod: Atom = NO) -> Type:
    none_or_undecided(mod)
    low = constant(base) if isinstance(base, Const) else None
    high = constant(exp) if isinstance(exp, Const) else None

    def python(x: Type, y: Type) -> Type:
        kind = wider(x, y)
        if kind is INT:
            if y.kind == "bool" or (high is not None and high >= 0):
                return INT
            return FLOAT if high is not None else number()
        if kind is FLOAT and y.kind == "float":
            real = (high is not None and float(high).is_integer()) or (low is not None and low >= 0)
            return FLOAT if real else number()
        return kind

    x, y = base.type, exp.type
    if not arithmetic(x, y):
        raise Undecided
    if x.kind == "array" and is_dtype(x.dtype, BOOLEAN):
        return elementwise(np.power, (x, y), cast=True)  # its square is an int8, its other powers are not
    return both_worlds(np.power, python, x, y)


@facts(operator.neg, operator.pos)
def _(a: Atom) -> Type:
    return both_worlds(np.negative, wider, a.type)


@facts(operator.abs, builtins.abs)
def _(x: Atom) -> Type:
    return both_worlds(np.absolute, magnitude, x.type)


@facts(operator.invert)
def _(a: Atom) -> Type:
    return both_worlds(np.invert, no_complex, a.type)


@facts(operator.matmul)
def _(a: Atom, b: Atom) -> Type:
    return matmul(a, b)


@facts(operator.imatmul)
def _(a: Atom, b: Atom) -> Type:
    return a.type if a.type.kind == "array" else matmul(a, b)
