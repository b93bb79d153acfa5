"""A fact never lies: what is inferred of a call describes what the call returns.

Every call of the table is made with real arguments,
    and inferred from several descriptions of them: exact lengths,
lengths known not to be 1, lengths known by name only, no shape, no dtype, constants.
"""

from __future__ import annotations

import cmath
import math
import operator
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from diffcompile.analysis.shapes import broadcast_axes, element_type, infer, reset_dims
from diffcompile.ir.graph import Atom, Const, Value, literal, pack_list, pack_slice, pack_tuple, unpack
from diffcompile.ir.types import (
    FLOAT,
    INT,
    OBJECT,
    UNKNOWN,
    Dim,
    Type,
    array,
    join,
    number,
    type_of_constant,
)

F64, F32, I64 = np.dtype("f8"), np.dtype("f4"), np.dtype("i8")


def describes(t: Type, value: Any, lengths: dict[str, int]) -> bool:
    """Is this fact true of this value? Names stand for these lengths; fresh ones are bound on first sight."""
    match t.kind:
        case "unknown":
            return True
        case "none":
            return value is None
        case "bool" | "int" | "float" | "complex" | "str":
            return type(value).__name__ == t.kind
        case "number":
            if isinstance(value, (int, np.int64)) and t.dtype is not None and t.dtype == F64:
                return True  # an int on one path, a float on the other: `join` calls that float64
            plain = isinstance(value, (bool, int, float, complex, np.generic))
            return plain and (t.dtype is None or np.asarray(value).dtype == t.dtype)
        case "array":
            if not isinstance(value, np.ndarray) or (t.dtype is not None and value.dtype != t.dtype):
                return False
            return t.shape is None or has_shape(t, value.shape, lengths)
        case "tuple":
            if not isinstance(value, tuple):
                return False
            if t.shape is not None and not has_shape(t, value, lengths):
                return False
            return t.items is None or (
                len(value) == len(t.items) and all(describes(i, v, lengths) for i, v in zip(t.items, value))
            )
        case "list":
            if not isinstance(value, list):
                return False
            if t.items is not None and not (
                len(value) == len(t.items) and all(describes(i, v, lengths) for i, v in zip(t.items, value))
            ):
                return False
            return t.elem is None or all(describes(t.elem, v, dict(lengths)) for v in value)
        case "dict" | "range":
            return type(value).__name__ == t.kind
    return t.dtype is None or value == t.dtype


def has_shape(t: Type, shape: tuple[int, ...], lengths: dict[str, int]) -> bool:
    assert t.shape is not None
    return len(shape) == len(t.shape) and all(is_length(s, n, lengths) for s, n in zip(t.shape, shape))


def is_length(size: int | Dim, n: int, lengths: dict[str, int]) -> bool:
    if isinstance(size, int):
        return size == n
    if n == 1 and not size.maybe_one:
        return False
    if size.name in ("~", "?"):
        return True
    if size.minus and size.name not in lengths:
        return True
    return max(0, lengths.setdefault(size.name, n) - size.minus) == n


# How arguments are described


def exact(value: Any) -> Type:
    if isinstance(value, list):
        items = tuple(map(exact, value))
        return Type("list", items=items, elem=joined(items))
    if isinstance(value, tuple):
        return Type("tuple", items=tuple(map(exact, value)))
    return type_of_constant(value)


def joined(items: tuple[Type, ...]) -> Type | None:
    out = items[0] if items else None
    for item in items[1:]:
        out = join(out, item)
    return out


def by_name(value: Any, maybe_one: bool) -> Type:
    """Equal lengths by one name; a length of 1 stays known where the others are known not to be."""
    if isinstance(value, np.ndarray):
        known = [1 if n == 1 and not maybe_one else Dim(f"d{n}", 0, maybe_one) for n in value.shape]
        return array(value.dtype, tuple(known))
    if isinstance(value, (list, tuple)):
        items = tuple(by_name(v, maybe_one) for v in value)
        if isinstance(value, list):
            return Type("list", items=items, elem=joined(items))
        return Type("tuple", items=items)
    return type_of_constant(value)


def vague(value: Any) -> Type:
    """Numbers that may be NumPy's, lists of any length."""
    if isinstance(value, np.ndarray):
        return array(value.dtype, tuple(Dim(f"v{k}") for k in range(value.ndim)))
    if isinstance(value, list):
        return Type("list", elem=joined(tuple(map(vague, value))))
    if isinstance(value, tuple):
        return Type("tuple", items=tuple(map(vague, value)))
    if isinstance(value, (bool, int, float, complex)):
        return number(np.asarray(value).dtype)
    return type_of_constant(value)


def shapeless(value: Any) -> Type:
    return array(value.dtype) if isinstance(value, np.ndarray) else exact(value)


def typeless(value: Any) -> Type:
    if isinstance(value, np.ndarray):
        return array(None, value.shape)
    return number() if isinstance(value, (int, float, complex, np.generic)) else exact(value)


DESCRIPTIONS: list[Callable[[Any], Type]] = [
    exact,
    lambda v: by_name(v, maybe_one=False),
    lambda v: by_name(v, maybe_one=True),
    vague,
    shapeless,
    typeless,
    lambda v: UNKNOWN,
]


def seen(value: Any, describe: Callable[[Any], Type], constants: bool) -> Atom:
    """The atom for an argument: options and indices are constants, if constants are."""
    if isinstance(value, slice):
        if constants:
            return Const(value)
        fields = [
            Value("i", describe(f)) if isinstance(f, int) else Const(f)
            for f in (value.start, value.stop, value.step)
        ]
        return Value("s", infer(pack_slice, tuple(fields), {}))
    if isinstance(value, tuple) and any(isinstance(v, (slice, type(...), type(None))) for v in value):
        items = tuple(seen(v, describe, constants) for v in value)
        return Value("t", infer(pack_tuple, items, {}))
    plain = value is None or isinstance(value, (bool, str, type, np.dtype, type(...)))
    if plain or (constants and _plain(value)):
        return Const(value)
    return Value("x", describe(value))


def _plain(value: Any) -> bool:
    if isinstance(value, (tuple, list)):
        return all(map(_plain, value))
    return value is None or isinstance(value, (int, str))


# The calls


def a(*shape: int, dtype: Any = "f8") -> np.ndarray:
    values = np.random.default_rng(0).uniform(0.5, 2.0, shape)
    return (values * 3).astype(dtype) if np.dtype(dtype).kind in "iu" else values.astype(dtype)


def spd(n: int, dtype: Any = "f8") -> np.ndarray:
    m = a(n, n, dtype=dtype)
    return (m @ m.T + n * np.eye(n)).astype(dtype)


def call(fn: Any, *args: Any, **kwargs: Any) -> tuple[Any, tuple[Any, ...], dict[str, Any]]:
    return fn, args, kwargs


CALLS: list[tuple[Any, tuple[Any, ...], dict[str, Any]]] = []

# fmt: off
OPERANDS = [
    True, 2, 3.0, -2.0, 1j, np.float64(2.0), np.float32(2.0), np.int64(3), np.int32(3), np.bool(True),
    np.complex64(1j), np.array(2.0), a(3), a(1), a(4, 3), a(4, 1), a(3, dtype="f4"), a(3, dtype="i8"),
    a(3, dtype="i4"), a(3) > 1, a(3, dtype="c16"),
]
OPERATORS = [
    operator.add, operator.sub, operator.mul, operator.truediv, operator.floordiv, operator.mod,
    operator.pow, operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne,
    operator.and_, operator.or_, operator.xor, operator.lshift, operator.rshift, operator.matmul, divmod,
    pow, max, min, np.add, np.power, np.arctan2, np.maximum, np.logical_and, np.less, np.hypot,
    np.floor_divide, np.divmod, np.matmul, np.dot, np.inner, np.outer, np.copysign, np.kron, np.vdot,
    np.multiply, np.isclose, np.where,
]
for fn in OPERATORS:
    for x in OPERANDS:
        for y in OPERANDS:
            CALLS.append(call(fn, np.array(True), x, y) if fn is np.where else call(fn, x, y))

UNARY = [
    operator.neg, operator.pos, operator.abs, operator.invert, operator.not_, operator.truth, abs, round,
    float, int, bool, complex, str, np.sin, np.sqrt, np.exp, np.negative, np.sign, np.isnan, np.floor,
    np.abs, np.square, np.conj, np.real, np.imag, np.angle, np.modf, np.frexp, np.sinc, np.nan_to_num,
    np.round, np.float32, np.float64, np.int64, np.complex128, math.sin, math.sqrt, math.floor,
    math.ceil, math.trunc, math.isnan, math.modf, math.frexp, cmath.exp, cmath.phase, np.ndarray.real,
    np.ndarray.imag, np.ndarray.T, np.ndarray.shape, np.ndarray.ndim, np.ndarray.size, np.ndarray.dtype,
    np.ndarray.item, np.ndarray.tolist, np.ndarray.copy, np.ndarray.conj, np.shape, np.ndim, np.size,
    np.copy, np.array, np.asarray, np.ascontiguousarray, np.zeros_like, np.ones_like, np.empty_like,
    np.ravel, np.transpose, np.squeeze, np.atleast_1d, np.atleast_2d, np.flip, np.sort, np.argsort,
    np.cumsum, np.cumprod, np.diff, np.tril, np.triu, np.diag, np.diagonal, np.trace, np.nonzero,
    np.flatnonzero, np.argwhere, np.unique, np.isreal, np.linalg.norm, np.median, np.average, np.ptp,
    np.count_nonzero, np.trapezoid, np.matrix_transpose, np.ndarray.flatten, len, list, tuple,
    operator.index, literal, np.linalg.cond, np.linalg.matrix_rank, np.linalg.svd, np.linalg.qr,
    np.linalg.pinv, np.broadcast_arrays, np.flatnonzero, sum, max, sorted, any, all, repr,
    np.iscomplexobj, np.logical_not, np.reciprocal,
]
MATRICES = [
    a(4, 3), a(3, 4, dtype="f4"), a(2, 4, 3), a(1, 3), a(3, 3, dtype="i8"), a(3, 3, dtype="c8"), a(4, 1),
    a(1, 1), np.zeros((0, 3)), [1.0, 2.0], [1, 2.0], [[1, 2], [3, 4]], [a(3), a(3)], (1.0, 2.0),
    [a(3), 2 * a(3), a(3)], [np.float32(1), np.float32(2)], [True, False], [1, 2, 3], [],
]
CALLS += [call(fn, x) for fn in UNARY for x in OPERANDS + MATRICES]

REDUCTIONS = [
    np.sum, np.ndarray.sum, np.mean, np.ndarray.mean, np.prod, np.max, np.ndarray.max, np.min, np.var,
    np.std, np.any, np.all, np.argmax, np.argmin, np.ptp, np.median, np.count_nonzero, np.nansum,
    np.average, np.linalg.norm, np.nanmax, np.amax, np.ndarray.std, np.ndarray.argmax,
]
for fn in REDUCTIONS:
    for x in MATRICES[:8] + OPERANDS[5:]:
        for axis in (None, 0, -1, 1, (0, 1), (1,), (-1, 0)):
            CALLS.append(call(fn, x, axis=axis))
            CALLS.append(call(fn, x, axis=axis, keepdims=True))
for fn in (np.sum, np.mean, np.cumsum, np.prod):
    CALLS += [call(fn, a(4, 3), 0, t) for t in (np.float32, "f4", np.dtype("i8"), None)]
for fn in (np.cumsum, np.cumprod, np.sort, np.argsort, np.flip, np.ndarray.cumsum, np.ndarray.argsort,
           np.expand_dims, np.squeeze, np.ndarray.squeeze, np.trapezoid):
    CALLS += [call(fn, x, axis=axis) for x in MATRICES[:9] for axis in (None, 0, -1, 1)]
CALLS += [call(np.diff, x, n, axis) for x in MATRICES[:9] for n in (1, 2) for axis in (0, -1)]
CALLS += [
    call(fn, a(4, 3), q, axis)
    for fn in (np.quantile, np.percentile)
    for q in (0.5, a(2) / 3)
    for axis in (None, 0)
]
CALLS += [call(np.std, a(4, 3), ddof=1), call(np.var, a(4, 3), 0, None, None, 1, True)]
CALLS += [call(np.average, a(4, 3), 0, w) for w in (None, a(4), a(4, 3, dtype="f4"))]
CALLS += [call(np.trace, a(3, 3), k) for k in (0, 1)] + [call(np.trace, a(2, 3, 4), 0, 1, 2)]

X = a(5, 4, 3)
I = np.array([0, 2, 1, 1])
INDICES = [
    0, -1, slice(None), slice(1, None), slice(None, -1), slice(1, -1), slice(2, None), slice(None, 2),
    slice(-2, None), slice(None, None, -1), slice(None, None, 2), slice(-2, None, -1), slice(-2, 0, -1),
    slice(3, 1), slice(7, None), slice(None, -9), slice(1, 3), slice(2, -2), slice(-3, -1), ..., None, I,
    I.reshape(2, 2), X > 1, X[0] > 1, np.array(1), (0, 1), (0, 1, 2), (0, ..., 2), (..., 0), (0, ...),
    (0, 1, 2, ...), (slice(1, None), slice(None, -1)), (None, 0), (slice(None), None), (..., None),
    (None, ..., None), (slice(None), 0, slice(1, -1)), (I, I), (I, I % 3, I % 3),
    (0, slice(None), I % 3), (slice(None), I, I % 3), (I, slice(None), I % 3), (slice(None), I, 0),
    (I, 0), (0, I), (I[:1], slice(None), 0), (None, I), (I, None, 0),
    (np.array(0), np.array(1), np.array(2)), (np.array(0), ...), (I, ..., I % 3), (..., I % 3),
    (X[:, :, 0] > 1, 0), (slice(None), X[0] > 1), (X[:, 0, 0] > 1, 0), (X[:, 0, 0] > 1, slice(None), 0),
    [0, 1], [], ([0, 1], [0, 1]), (slice(None), [0, 1]), np.int64(1),
    (slice(1, None, None), ..., slice(None, -1)), [True, False, True, True, False],
    (I.reshape(2, 2), I[:2]), (slice(-2, 0, -1), slice(None, None, -1)), range(2), (),
]
CALLS += [call(operator.getitem, X, i) for i in INDICES]
for x in (a(3), a(1), a(2), np.zeros(0), a(1, 1), np.array(1.0)):
    for i in (0, -1, slice(1, None), slice(None, -1), slice(1, -1), slice(None, 1), slice(None, None, -1),
              ..., None, (), x > 1):
        CALLS.append(call(operator.getitem, x, i))
for x in ((1, 2.0, a(3)), [1.0, 2.0], [a(3), a(4)], range(5), X.shape, "abc"):
    CALLS += [call(operator.getitem, x, i) for i in (0, -1, 1, slice(1, None), slice(None, 1))]

SHAPES = [
    (20, 3), (-1,), -1, (3, -1), (5, 12), (5, -1, 2), (60,), 60, [5, 12], (5, 4, 3), (4, 15), (1, -1),
    (-1, 1), (-1, 3),
]
CALLS += [call(np.reshape, X, s) for s in SHAPES] + [call(np.ndarray.reshape, X, s) for s in SHAPES]
CALLS += [call(np.ndarray.reshape, X, *s) for s in SHAPES if isinstance(s, tuple)]
CALLS += [call(np.reshape, np.array(2.0), s) for s in ((), (1,), -1)] + [call(np.reshape, 2.0, (1, 1))]
CALLS += [call(fn, X, (2, 0, 1)) for fn in (np.transpose, np.ndarray.transpose)]
CALLS += [
    call(np.ndarray.transpose, X, 2, 0, 1),
    call(np.ndarray.transpose, X),
    call(np.transpose, X, (-1, 0, 1)),
]
CALLS += [
    call(fn, X, i, j)
    for fn in (np.swapaxes, np.ndarray.swapaxes, np.moveaxis)
    for i in (0, -1)
    for j in (1, 2, -3)
]
CALLS += [
    call(np.moveaxis, X, (0, 1), (2, 0)),
    call(np.expand_dims, X, (0, -1)),
    call(np.expand_dims, a(3), 1),
]
CALLS += [
    call(np.broadcast_to, x, s) for x in (2.0, a(3), a(1, 3), np.array(1.0)) for s in ((4, 3), (3,), 3, ())
]
CALLS += [call(np.tile, x, r) for x in (a(3), a(2, 3), 2.0) for r in (2, (2,), (2, 1), (1, 2, 3), 1, (1, 1))]
CALLS += [
    call(np.repeat, x, r, axis) for x in (a(3), a(2, 3), a(1)) for r in (2, 1, 0) for axis in (None, 0, -1)
]
CALLS += [call(np.repeat, a(3), np.array([1, 0, 2]))]
CALLS += [call(np.roll, a(2, 3), 1, axis) for axis in (None, 0)] + [
    call(np.rot90, a(2, 3), k) for k in (0, 1, 2)
]
CALLS += [
    call(fn, x, k)
    for fn in (np.diag, np.tril, np.triu, np.diagonal)
    for x in (a(3), a(3, 3), a(2, 3), a(4, 1))
    for k in (0, 1, -1, 2)
]
CALLS += [call(np.diagonal, X, 0, 1, 2), call(np.diagonal, X, 1, -1, 0), call(np.pad, a(2, 3), 1)]

PARTS = [
    [a(3), a(3)], [a(3), a(4)], (a(2, 3), a(4, 3)), [a(2, 3), a(2, 1)], [1.0, 2.0],
    [a(3, dtype="f4"), a(3)], [[1, 2], [3.0]], [a(0), a(1)], [a(1), a(1)], a(4, 3),
    [a(3), 2 * a(3), 3 * a(3)],
]
for fn in (np.concatenate, np.stack, np.vstack, np.hstack, np.column_stack, np.array):
    CALLS += [call(fn, p) for p in PARTS]
CALLS += [call(fn, p, axis=axis) for fn in (np.concatenate, np.stack) for p in PARTS for axis in (0, 1, -1)]
CALLS += [
    call(np.concatenate, [a(2, 3), a(3)], axis=None),
    call(np.append, a(3), 1.0),
    call(np.append, a(2, 3), a(1, 3), 0),
]
CALLS += [call(np.split, a(6, 2), n) for n in (3, [1, 3])] + [
    call(np.array_split, a(5), 2),
    call(np.vsplit, a(6, 2), 3),
]
CALLS += [
    call(np.where, a(4, 3) > 1, x, y)
    for x in (a(3), 0.0, a(4, 1), a(3, dtype="f4"), 1)
    for y in (0.0, a(3, dtype="f4"), 2, 1j)
]
CALLS += [
    call(np.where, a(4, 3) > 1),
    call(np.clip, a(3), 0.0, 1.0),
    call(np.clip, a(3, dtype="f4"), a(4, 1), None),
]
CALLS += [
    call(np.clip, 2.0, 0, 1),
    call(np.clip, a(3, dtype="i8"), 0.5, 1),
    call(np.ndarray.clip, a(3), 0, 1),
]
CALLS += [
    call(np.clip, a(3), None, 1),
    call(np.clip, a(3, dtype="f4"), np.float64(0), 1),
    call(np.clip, 2.0, np.float32(1), None),
]

for fn in (np.zeros, np.ones, np.empty):
    CALLS += [
        call(fn, s, t)
        for s in (3, (2, 3), (), [2, 3], (1,))
        for t in (None, float, "f4", int, bool, np.complex128)
    ]
CALLS += [call(np.full, s, v) for s in (3, (2, 3), ()) for v in (1, 2.0, True, np.float32(1), a(3))]
CALLS += [
    call(fn, x, dtype=t)
    for fn in (np.zeros_like, np.ones_like)
    for x in (a(3), 2.0, [1, 2])
    for t in (None, "f4", int)
]
CALLS += [call(np.full_like, a(3, dtype="f4"), 2.0), call(np.zeros_like, a(3), shape=(2, 2))]
CALLS += [
    call(np.eye, 3),
    call(np.eye, 3, 4),
    call(np.eye, 3, dtype=int),
    call(np.identity, 3),
    call(np.tri, 3),
]
CALLS += [
    call(np.arange, *r)
    for r in ((3,), (1, 4), (0, 10, 3), (3.0,), (0, 1, 0.25), (5, 0, -1), (0,), (np.float32(3),))
]
CALLS += [
    call(np.linspace, 0, 1, 5),
    call(np.linspace, 0.0, 1.0),
    call(np.linspace, np.float32(0), np.float32(1), 5),
    call(np.linspace, 0, 1, 1),
]
CALLS += [
    call(fn, x, t)
    for fn in (np.ndarray.astype, np.astype)
    for x in (a(3), np.array(1.0))
    for t in (int, "f4", np.complex128, bool)
]
CALLS += [call(np.array, x, t) for x in ([1, 2], 2, a(3)) for t in (None, float, "f4")]
CALLS += [
    call(np.take, x, i, axis)
    for x in (a(4, 3),)
    for i in (0, I % 3, [0, 1], I.reshape(2, 2) % 3)
    for axis in (None, 0, -1)
]
CALLS += [
    call(np.take_along_axis, a(4, 3), np.argsort(a(4, 3), 0), 0),
    call(np.interp, a(4), a(3), a(3)),
    call(np.interp, 0.5, [0, 1], [0.0, 1.0]),
]
CALLS += [call(np.searchsorted, a(4), v) for v in (1.0, a(3))] + [
    call(np.convolve, a(4), a(3), m) for m in ("full", "same", "valid")
]
CALLS += [
    call(np.bincount, I),
    call(np.bincount, I, a(4)),
    call(np.delete, a(4, 3), 0, 0),
    call(np.insert, a(4), 0, 1.0),
]

for x, y in [
    ((3,), (3,)), ((4, 3), (3,)), ((3,), (3, 4)), ((4, 3), (3, 2)), ((2, 4, 3), (3, 2)),
    ((2, 4, 3), (2, 3, 5)), ((1, 4, 3), (2, 3, 1)), ((1, 1), (1, 1)), ((5, 1, 4, 3), (2, 3, 2)),
    ((3,), (2, 3, 4)), ((2, 4, 3), (3,)),
]:
    CALLS += [call(fn, a(*x), a(*y)) for fn in (operator.matmul, np.matmul, np.dot, np.ndarray.dot)]
    CALLS += [call(np.matmul, a(*x, dtype="f4"), a(*y, dtype="i8")), call(np.dot, a(*x, dtype="f4"), a(*y))]
for x, y in [((3,), (3,)), ((4, 3), (3,)), ((4, 3), (2, 3)), ((2, 4, 3), (4, 3))]:
    CALLS += [call(fn, a(*x), a(*y)) for fn in (np.inner, np.vecdot, np.cross, np.outer, np.kron)]
CALLS += [
    call(np.tensordot, a(2, 3, 4), a(3, 4, 5)),
    call(np.tensordot, a(2, 3), a(3, 4), 1),
    call(np.tensordot, a(2, 3), a(2, 3)),
]
CALLS += [
    call(np.tensordot, a(2, 3), a(2, 4), ([0], [0])),
    call(np.tensordot, a(2, 3), a(4, 2), (0, 1)),
    call(np.tensordot, a(2), a(3), 0),
]
for text, shapes in [
    ("ij,jk->ik", ((2, 3), (3, 4))), ("ij,jk", ((2, 3), (3, 4))), ("ij,ij->", ((2, 3), (2, 3))),
    ("ii->i", ((3, 3),)), ("ii", ((3, 3),)), ("...ij,...jk->...ik", ((5, 2, 3), (1, 3, 4))),
    ("i,j->ij", ((2,), (3,))), ("bi , ij -> b j", ((4, 2), (2, 3))), ("ij->ji", ((2, 3),)),
    ("ij,ij->ij", ((1, 3), (2, 3))), ("...i->...", ((4, 2, 3),)), ("i...->...", ((4, 2, 3),)),
    ("ba", ((2, 3),)), ("i->", ((1,),)),
]:
    CALLS.append(call(np.einsum, text, *(a(*s) for s in shapes)))
    CALLS.append(call(np.einsum, text, *(a(*s) for s in shapes), optimize=True))
CALLS.append(call(np.einsum, ",i->i", 2.0, a(3, dtype="f4")))

for dtype in ("f8", "f4"):
    m = spd(3, dtype)
    for fn in (
        np.linalg.inv, np.linalg.det, np.linalg.cholesky, np.linalg.slogdet, np.linalg.eigh,
        np.linalg.eigvalsh, np.linalg.eig, np.linalg.eigvals, np.linalg.svd, np.linalg.qr, np.linalg.pinv,
        np.linalg.cond, np.linalg.norm, np.linalg.svdvals,
    ):
        CALLS += [
            call(fn, m),
            call(fn, np.stack([m, m])),
            call(fn, m.astype("i8") + 9 * np.eye(3, dtype="i8")),
            call(fn, spd(1, dtype)),
        ]
    CALLS += [
        call(np.linalg.solve, x, b)
        for x in (m, np.stack([m, m]))
        for b in (a(3), a(3, 2), a(2, 3, 1), a(1, 3, 2), a(3, dtype="f4"))
    ]
    CALLS += [call(np.linalg.svd, a(4, 3, dtype=dtype), full_matrices=f) for f in (True, False)]
    CALLS += [
        call(np.linalg.svd, a(2, 4, 3), compute_uv=False),
        call(np.linalg.matrix_power, m, 2),
        call(np.linalg.matrix_power, m, -1),
    ]
    CALLS += [
        call(np.linalg.qr, a(*s, dtype=dtype), mode)
        for s in ((4, 3), (3, 4))
        for mode in ("reduced", "complete", "r")
    ]
    CALLS += [call(np.linalg.lstsq, a(4, 3, dtype=dtype), b) for b in (a(4), a(4, 2))]
    CALLS += [
        call(np.linalg.norm, a(4, 3, dtype=dtype), o, axis)
        for o in (None, 1, 2, np.inf)
        for axis in (None, 0, 1, (0, 1))
    ]
CALLS += [
    call(np.linalg.norm, a(4, 3), axis=(0, 1), keepdims=True),
    call(np.linalg.vector_norm, a(4, 3)),
    call(np.linalg.matrix_norm, a(4, 3)),
]

CALLS += [
    call(fn, *v)
    for fn in (pack_tuple, pack_list)
    for v in ((), (1, 2), (1.0, a(3)), (a(3), a(4)), (1, None), ("a",))
]
CALLS += [
    call(unpack, v, n)
    for v, n in (((1, 2.0), 2), ([1.0, 2.0], 2), (a(2, 3), 2), (a(2), 2), (range(3), 3), (X.shape, 3))
]
CALLS += [
    call(operator.add, (1, 2), (3.0,)),
    call(operator.add, [1], [2.0]),
    call(operator.add, [], [2.0]),
    call(operator.mul, [0.0], 3),
]
CALLS += [
    call(operator.mul, 2, (1, 2)),
    call(operator.add, "a", "b"),
    call(operator.eq, (1, 2), (1, 2)),
    call(operator.eq, "a", "b"),
]
CALLS += [
    call(operator.eq, None, 2),
    call(operator.mod, "%s", 1),
    call(operator.add, a(2), [1, 2]),
    call(operator.mul, [1, 2], a(2)),
]
CALLS += [
    call(operator.eq, a(2), None),
    call(operator.is_, None, None),
    call(operator.contains, [1, 2], 1),
    call(isinstance, 1, int),
]
CALLS += [
    call(operator.pow, x, y) for x in (-2.0, 2.0, 2, -2, 0.5, True) for y in (2, 0.5, 2.0, -1, 0, True, -2.0)
]
CALLS += [call(sum, v) for v in ([1, 2], [1.0, 2.0], [], [a(3), a(3)], range(4), a(3), a(2, 3), (1, 2.0))] + [
    call(sum, [1.0], 0.0)
]
CALLS += [call(max, v) for v in ([1.0, 2.0], (1, 2.0), a(3))] + [
    call(max, 1, 2.0, 3),
    call(min, [], default=0.0),
    call(max, [2.0], default=0),
]
CALLS += [call(round, v, 1) for v in (2.5, np.float64(2.5), 3, np.float32(1.5))] + [
    call(round, 2.5, None),
    call(range, 3),
    call(len, a(3)),
]
CALLS += [
    call(math.hypot, 1.0, 2.0),
    call(math.gcd, 4, 6),
    call(math.comb, 4, 2),
    call(math.isclose, 1.0, 1.0),
    call(math.atan2, 1, 2),
]
CALLS += [call(getattr, a(3), n) for n in ("shape", "T", "ndim", "real", "dtype", "size")] + [
    call(getattr, 2 + 1j, "real")
]
CALLS += [
    call(operator.iadd, a(3, dtype="f4"), 1.0),
    call(operator.iadd, 1.0, 2),
    call(operator.imul, np.array(1.0), 2.0),
]
CALLS += [
    call(np.add, a(3), a(3), dtype=np.float32, casting="same_kind"),
    call(np.add, a(3), 1, where=True),
    call(np.allclose, a(3), a(3)),
]
CALLS += [
    call(np.sum, a(3), 0, None, None, False, 0.0),
    call(np.max, a(3), initial=0.0),
    call(np.shape, 2.0),
    call(np.unique, a(3)),
]
# fmt: on


def label(case: Any) -> str:
    fn, args, _ = case
    return getattr(fn, "__name__", str(fn))


GROUPS: dict[str, list[Any]] = {}
for case in CALLS:
    GROUPS.setdefault(label(case), []).append(case)


def lies(fn: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[str]:
    """What is claimed of this call, however its arguments are described, and is not so."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            out, raised = fn(*args, **kwargs), False
        except Exception:
            out, raised = None, True
    arrays = [x for x in args if isinstance(x, np.ndarray)]
    lone = len(arrays) == 1 and not any(isinstance(x, (list, tuple)) for x in args)
    lengths = {f"d{n}": n for n in range(30)}
    lengths |= {f"v{i}": n for i, n in enumerate(arrays[0].shape)} if lone else {}
    found = []
    for describe in DESCRIPTIONS:
        for constants in (True, False):
            atoms = tuple(seen(x, describe, constants) for x in args)
            named = {name: seen(x, describe, constants) for name, x in kwargs.items()}
            t = infer(fn, atoms, named)  # whatever the arguments, this does not raise
            if raised or (describe is vague and not lone) or describes(t, out, dict(lengths)):
                continue
            shown = f"{type(out).__name__} {getattr(out, 'dtype', '')} {getattr(out, 'shape', out)}"
            found.append(f"{fn}({', '.join(str(x.type) for x in atoms)}, {kwargs}) -> {t}, but {shown}")
    return found


@pytest.mark.parametrize("name", GROUPS)
def test_facts_never_lie(name: str) -> None:
    assert [lie for case in GROUPS[name] for lie in lies(*case)] == []


# What is claimed

N, K, M = Dim("n"), Dim("k", maybe_one=False), Dim("m", maybe_one=False)
NK, COLUMN, ROW = array(F64, (N, K)), array(F64, (N, 1)), array(F64, (K,))
SHAPE = infer(np.ndarray.shape, (Value("x", NK),), {})


def fact(fn: Any, *args: Any, **kwargs: Any) -> str:
    """The fact as text; types stand for values of theirs, everything else for itself."""
    reset_dims()

    def atom(x: Any) -> Atom:
        return Value("x", x) if isinstance(x, Type) else Const(x)

    return str(infer(fn, tuple(map(atom, args)), {name: atom(x) for name, x in kwargs.items()}))


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        (fact(operator.mul, NK, 2.0), "array[float64](n, k)"),
        (fact(operator.mul, array(F32, (3,)), FLOAT), "array[float32](3)"),
        (fact(operator.mul, array(F32, (3,)), number(F64)), "array[?](3)"),
        (fact(operator.add, NK, COLUMN), "array[float64](n, k)"),
        (fact(operator.add, array(F64, (N,)), array(F64, (Dim("m"),))), "array[float64](?0)"),
        (fact(operator.add, array(F64, (N,)), array(F64, (M,))), "array[float64](m)"),
        (fact(operator.add, array(F64, (Dim("~"),)), array(F64, (Dim("~"),))), "array[float64](?0)"),
        (fact(operator.mul, FLOAT, INT), "float"),
        (fact(operator.truediv, INT, INT), "float"),
        (fact(operator.pow, FLOAT, 2), "float"),
        (fact(operator.pow, FLOAT, FLOAT), "number[?]"),
        (fact(operator.pow, INT, 2), "int"),
        (fact(operator.add, number(F64), FLOAT), "number[float64]"),
        (fact(np.sin, FLOAT), "number[float64]"),
        (fact(np.sin, array(F64)), "unknown"),
        (fact(operator.add, array(F64), ROW), "array[float64]?"),
        (fact(np.sum, NK), "number[float64]"),
        (fact(np.sum, NK, axis=0), "array[float64](k)"),
        (fact(np.sum, NK, axis=-1, keepdims=True), "array[float64](n, 1)"),
        (fact(np.sum, array(np.dtype(bool))), "number[int64]"),
        (fact(operator.getitem, NK, 0), "array[float64](k)"),
        (fact(operator.getitem, NK, slice(1, -1)), "array[float64](n-2, k)"),
        (fact(operator.getitem, NK, (slice(None, -1), slice(None, None, -1))), "array[float64](n-1, k)"),
        (fact(operator.getitem, NK, Type("tuple", items=(INT, INT))), "number[float64]"),
        (fact(operator.getitem, NK, array(np.dtype(bool), (N, K))), "array[float64](?0)"),
        (fact(operator.getitem, NK, array(I64, (5,))), "array[float64](5, k)"),
        (fact(np.zeros, SHAPE), "array[float64](n, k)"),
        (fact(np.broadcast_to, number(F64), SHAPE), "array[float64](n, k)"),
        (fact(np.reshape, NK, -1), "array[float64](?0)"),
        (fact(np.reshape, array(F64, (N, 3)), (-1, 3)), "array[float64](n, 3)"),
        (fact(np.reshape, ROW, (-1, 1)), "array[float64](k, 1)"),
        (fact(np.zeros, INT), "array[float64](?0)"),
        (fact(np.concatenate, Type("list", items=(ROW, ROW))), "array[float64](?0)"),
        (fact(np.stack, Type("list", items=(ROW, ROW))), "array[float64](2, k)"),
        (fact(np.stack, Type("list", elem=ROW)), "array[float64](?0, k)"),
        (fact(operator.matmul, NK, ROW), "array[float64](n)"),
        (fact(np.linalg.eigh, array(F64, (M, M))), "tuple[array[float64](m), array[float64](m, m)]"),
        (fact(pack_tuple, 1, ROW), "tuple[int, array[float64](k)]"),
        (fact(np.sin, UNKNOWN), "unknown"),
        (fact(len), "int"),
        (fact(np.sum), "unknown"),
        (fact(np.sum, NK, nonsense=1), "unknown"),
        (fact(np.sum, NK, axis=7), "unknown"),
        (fact(np.sum, NK, out=NK), "unknown"),
        (fact([].append, 1), "unknown"),
    ],
)
def test_claims(known: str, expected: str) -> None:
    assert known == expected


def test_an_index_that_was_packed_keeps_its_slices() -> None:
    index = infer(pack_tuple, (Value("i", INT), Const(slice(1, -1))), {})
    assert fact(operator.getitem, NK, index) == "array[float64](k-2)"
    index = infer(pack_tuple, (Const(...), Value("i", INT)), {})
    assert fact(operator.getitem, NK, index) == "array[float64](n)"


def test_an_unknown_object_may_be_any_index() -> None:
    assert fact(operator.getitem, NK, OBJECT) == "unknown"
    assert fact(operator.getitem, NK, Type("tuple", items=(OBJECT, INT))) == "unknown"
    assert fact(operator.getitem, array(F64, (N, K, 3)), Type("tuple", items=(OBJECT, INT))) == "unknown"


def test_two_items_of_a_list_need_not_be_of_one_length() -> None:
    ragged = Type("list", elem=array(F64, (Dim("?7"),)))
    one, other = (infer(operator.getitem, (Value("xs", ragged), Value("i", INT)), {}) for _ in range(2))
    assert one != other
    assert element_type(ragged) not in (one, other)


def test_a_derived_length_may_be_one() -> None:
    t = infer(operator.getitem, (Value("x", ROW), Const(slice(1, None))), {})
    assert t.shape is not None and isinstance(t.shape[0], Dim) and t.shape[0].maybe_one


def test_a_value_that_was_read_is_bound() -> None:
    maybe = Type("float", maybe_unbound=True)
    assert infer(operator.neg, (Value("x", maybe),), {}) == FLOAT


@pytest.mark.parametrize(
    ("out", "x", "expected"),
    [
        (NK, NK, ((), ())),
        (NK, ROW, ((0,), ())),
        (NK, FLOAT, ((0, 1), ())),
        (number(F64), FLOAT, ((), ())),
        (array(F64, (N, K)), COLUMN, ((), (1,))),
        (array(F64, (4, N, 3)), array(F64, (N, 1)), ((0,), (2,))),
        (array(F64, (1, K)), array(F64, (N, K)), ((), ())),
        (array(F64, (M, K)), array(F64, (N, K)), None),
        (array(F64, (Dim("~"),)), array(F64, (Dim("~"),)), None),
        (array(F64, (Dim("p"), K)), array(F64, (M, K)), ((), ())),
        (array(F64), ROW, None),
        (ROW, UNKNOWN, None),
        (ROW, NK, None),
    ],
)
def test_broadcast_axes(out: Type, x: Type, expected: Any) -> None:
    assert broadcast_axes(out, x) == expected
