"""Sample inputs of the rules in `rules/arithmetic.py`, `elementwise.py` and `broadcast.py`, and their kinks.

Each sample is (args, kwargs) of one call, away from kinks. A kink is (function, args, the cotangents of its
arguments for a cotangent of ones), None where nothing flows back.
"""

from __future__ import annotations

import builtins
import math
import operator
from typing import Any

import numpy as np

from diffcompile.rules.broadcast import broadcast_like, of_form, rebroadcast, unbroadcast
from diffcompile.rules.containers import (
    in_first,
    in_part,
    in_repeated,
    in_second,
    of_first,
    of_repeated,
    of_second,
    part_of,
)

Sample = tuple[tuple[Any, ...], dict[str, Any]]

V = np.array([0.7, -1.3, 2.1])
U = np.array([0.2, -0.5, 0.8])
P = np.array([0.4, 1.3, 2.2])
A = np.array([[0.5, -1.2, 2.0], [1.5, 0.3, -0.7]])
Q = np.array([[0.6, 1.7, 2.4], [1.1, 0.3, 0.9]])
COLUMN = np.array([[0.8], [1.9]])
Z = np.array([0.3 + 0.8j, -0.6 + 0.2j])
W = np.array([1.2 - 0.4j, 0.5 + 0.9j])
F32 = np.float32(0.75)


def each(*xs: Any) -> list[Sample]:
    """One sample for each single argument."""
    return [((x,), {}) for x in xs]


def pairs(*args: tuple[Any, ...]) -> list[Sample]:
    return [(xs, {}) for xs in args]


REAL = each(0.4, np.float64(-0.7), V, A, np.array(0.3), F32)
UNIT = each(0.4, np.float64(-0.7), U, np.array([[0.1, -0.9]]))
POSITIVE = each(0.4, np.float64(1.7), P, Q)
BEYOND_ONE = each(1.4, np.float64(3.7), 1 + P)
COMPLEX = each(Z, np.complex128(0.4 - 0.3j))
SCALARS = each(0.4, -0.7, np.float64(1.3))
POSITIVE_SCALARS = each(0.4, 1.7, np.float64(1.3))

BROADCASTING = pairs(
    (1.4, 0.6), (1.4, Q), (A, 0.6), (A, Q), (V, Q), (A, COLUMN), (COLUMN, P), (P[None], COLUMN),
    (A, np.float64(0.6)), (A[:, None], P),
)  # fmt: skip
COMPLEX_PAIRS = pairs((Z, W), (Z, 0.6), (Z, np.array([0.5, 1.5])), (1j, W), (1.5, W), (W, 2.0 + 1.0j))
SCALAR_PAIRS = pairs((1.4, 0.6), (np.float64(-1.4), 0.6), (3, 1.7))
POWERS = pairs(
    (1.4, 0.6), (1.4, 3), (-1.4, 3), (-1.4, -2), (1.4, 0), (2, 0.7), (1.4, 1.0), (1.4, 0.5), (1.4, 2),
    (1.4, 2.0),
)  # fmt: skip
ARRAY_POWERS = pairs(
    (Q, 0.6), (A, 3), (A, 2), (Q, 2.0), (A, 1), (A, 0), (A, -1), (A, np.array([2, 0, 3])), (Q, V),
    (Q, COLUMN), (1.4, A), (2, A), (np.float64(1.4), A), (Q, np.float64(0.6)), (Z, 2), (Z, 0.7), (Z, W),
    (1.5, W), (-1.5, W), (W, 1.5 + 0.5j),
)  # fmt: skip
MODULI = pairs(
    (1.4, 0.6), (-1.4, 0.6), (1.4, -0.6), (1.4, Q), (A, 0.37), (A, Q + 0.02), (V, COLUMN),
    (A, np.float64(0.37)),
)  # fmt: skip
APART = pairs((1.4, 0.6), (0.2, 0.6), (1.4, Q), (A, 0.6), (A, Q), (V, Q), (A, COLUMN), (COLUMN, P))

ARITHMETIC: dict[Any, list[Sample]] = {
    operator.add: BROADCASTING + COMPLEX_PAIRS,
    np.add: BROADCASTING + COMPLEX_PAIRS,
    operator.sub: BROADCASTING + COMPLEX_PAIRS,
    np.subtract: BROADCASTING + COMPLEX_PAIRS,
    operator.mul: BROADCASTING + COMPLEX_PAIRS,
    np.multiply: BROADCASTING + COMPLEX_PAIRS,
    operator.truediv: BROADCASTING + COMPLEX_PAIRS,
    np.divide: BROADCASTING + COMPLEX_PAIRS,
    operator.mod: MODULI,
    np.remainder: MODULI,
    np.fmod: MODULI,
    operator.neg: REAL + COMPLEX,
    np.negative: REAL + COMPLEX,
    operator.pos: REAL + COMPLEX,
    np.positive: REAL + COMPLEX,
    builtins.float: SCALARS + each(np.array(0.4)),
    np.float64: SCALARS + each(V),
    np.float32: SCALARS + each(V),
    np.square: REAL + COMPLEX,
    np.reciprocal: REAL + COMPLEX,
    builtins.abs: REAL + COMPLEX + each(0.3 - 0.4j),
    operator.abs: REAL + COMPLEX,
    np.abs: REAL + COMPLEX,
    np.fabs: REAL,
    math.fabs: SCALARS,
    operator.pow: POWERS + ARRAY_POWERS,
    np.power: POWERS[:3] + ARRAY_POWERS,
    np.float_power: POWERS + ARRAY_POWERS,
    math.pow: POWERS,
    builtins.pow: POWERS + ARRAY_POWERS,
    np.maximum: APART,
    np.minimum: APART,
    np.fmax: APART + pairs((np.array([0.4, np.nan]), np.array([np.nan, 0.3]))),
    np.fmin: APART,
    builtins.max: pairs((1.4, 0.6), (0.6, 1.4), (0.1, 0.9, 0.4), (0.1, 0.2, 0.4, -0.3), ([0.1, 0.9, 0.4],)),
    builtins.min: pairs((1.4, 0.6), (0.6, 1.4), (0.1, 0.9, 0.4), (0.1, 0.2, 0.4, -0.3), ([0.1, 0.9, 0.4],)),
    broadcast_like: [((V, np.ones((2, 3), int)), {}), ((1.5, np.ones(3, int)), {}), ((A, A.astype(int)), {})],
    of_form: [((V, np.ones(V.shape, int)), {}), ((A, A.astype(int)), {})],
    rebroadcast: [((V, np.ones((2, 3), int)), {}), ((A, A.astype(int)), {}), ((V, 0), {}), ((1.5, 1), {})],
    unbroadcast: pairs((A, V), (A, 1.5), (A, COLUMN), (A, A), (A[None], P[None]), (1.5, 0.5)),
}  # fmt: skip

NUMPY: dict[Any, list[Sample]] = {
    np.exp: REAL + COMPLEX,
    np.exp2: REAL + COMPLEX,
    np.expm1: REAL + COMPLEX,
    np.log: POSITIVE + COMPLEX,
    np.log2: POSITIVE + COMPLEX,
    np.log10: POSITIVE + COMPLEX,
    np.log1p: POSITIVE + UNIT + COMPLEX,
    np.logaddexp: BROADCASTING,
    np.logaddexp2: BROADCASTING,
    np.sqrt: POSITIVE + COMPLEX,
    np.cbrt: REAL,
    np.hypot: BROADCASTING,
    np.sin: REAL + COMPLEX,
    np.cos: REAL + COMPLEX,
    np.tan: REAL + COMPLEX,
    np.arcsin: UNIT + COMPLEX,
    np.arccos: UNIT + COMPLEX,
    np.arctan: REAL + COMPLEX,
    np.arctan2: BROADCASTING + pairs((-0.4, -0.3), (A, V)),
    np.sinc: REAL,
    np.deg2rad: REAL,
    np.radians: REAL,
    np.rad2deg: REAL,
    np.degrees: REAL,
    np.sinh: REAL + COMPLEX,
    np.cosh: REAL + COMPLEX,
    np.tanh: REAL + COMPLEX,
    np.arcsinh: REAL + COMPLEX,
    np.arccosh: BEYOND_ONE + COMPLEX,
    np.arctanh: UNIT + COMPLEX,
    np.copysign: BROADCASTING + pairs((-1.4, 0.6), (1.4, -0.6), (V, -0.3)),
    np.heaviside: BROADCASTING,
    np.nan_to_num: REAL + [((np.array([0.3, np.nan, np.inf]),), {"nan": 2, "posinf": 3})],
    np.real: REAL + COMPLEX,
    np.real_if_close: REAL + COMPLEX,
    np.imag: REAL + COMPLEX,
    np.conjugate: REAL + COMPLEX,
    np.ndarray.conj: each(V, Z),
    np.ndarray.conjugate: each(V, Z),
    np.angle: COMPLEX + REAL + [((Z,), {"deg": True})],
    np.where: [
        ((True, 1.4, 0.6), {}),
        ((False, 1.4, Q), {}),
        ((V > 0, A, 0.6), {}),
        ((A > 0, V, COLUMN), {}),
        ((A > 0, A, Z[:, None]), {}),
        ((np.array([[True], [False]]), P, 1.5), {}),
    ],
    np.clip: [
        ((1.4, 0.5, 1.0), {}),
        ((A, -0.6, 1.1), {}),
        ((A, None, 1.1), {}),
        ((A, -0.6), {"a_max": None}),
        ((A,), {"min": -0.6, "max": 1.1}),
        ((A,), {"a_min": -0.6, "a_max": np.array([1.1, 0.7, 1.3])}),
        ((V, COLUMN - 1.7, COLUMN), {}),
        ((0.4, np.array([-0.5, 0.6, 0.0]), 0.9), {}),
    ],
    np.ndarray.clip: [
        ((A, -0.6, 1.1), {}),
        ((A,), {"max": 1.1}),
        ((A, -0.6), {}),
        ((A, COLUMN - 1.7), {"max": COLUMN}),
    ],
}

MATH: dict[Any, list[Sample]] = {
    math.sqrt: POSITIVE_SCALARS,
    math.cbrt: SCALARS,
    math.exp: SCALARS,
    math.exp2: SCALARS,
    math.expm1: SCALARS,
    math.log: POSITIVE_SCALARS + pairs((1.4, 3.0), (0.4, 2), (3, 1.7)),
    math.log2: POSITIVE_SCALARS,
    math.log10: POSITIVE_SCALARS,
    math.log1p: SCALARS,
    math.sin: SCALARS,
    math.cos: SCALARS,
    math.tan: SCALARS,
    math.asin: each(0.4, -0.7),
    math.acos: each(0.4, -0.7),
    math.atan: SCALARS,
    math.atan2: SCALAR_PAIRS + pairs((-0.4, -0.3)),
    math.hypot: SCALAR_PAIRS + pairs((0.3, 0.4, -1.2), (-0.7,)),
    math.sinh: SCALARS,
    math.cosh: SCALARS,
    math.tanh: SCALARS,
    math.asinh: SCALARS,
    math.acosh: each(1.4, 3.7),
    math.atanh: each(0.4, -0.7),
    math.radians: SCALARS,
    math.degrees: SCALARS,
    math.erf: SCALARS,
    math.erfc: SCALARS,
    math.fmod: SCALAR_PAIRS + pairs((-1.4, 0.6), (1.4, -0.6)),
    math.remainder: SCALAR_PAIRS + pairs((-1.4, 0.6), (1.4, -0.6)),
    math.ldexp: pairs((1.4, 3), (-0.7, -2)),
    math.copysign: SCALAR_PAIRS + pairs((-1.4, 0.6), (1.4, -0.6)),
}

SAMPLES: dict[Any, list[Sample]] = {**ARITHMETIC, **NUMPY, **MATH}

O = np.zeros(1)
ONES = np.ones(1)
INF = np.array([np.inf])
HALF = np.array([0.5])

KINKS: list[tuple[Any, tuple[Any, ...], tuple[Any, ...]]] = [
    (np.abs, (0.0,), (0.0,)),
    (np.abs, (O,), (O,)),
    (np.abs, (np.zeros(1, complex),), (O,)),
    (abs, (0.0,), (0.0,)),
    (abs, (O,), (O,)),
    (math.fabs, (0.0,), (0.0,)),
    (np.sqrt, (0.0,), (math.inf,)),
    (np.sqrt, (np.array([0.0, 4.0]),), (np.array([math.inf, 0.25]),)),
    (np.sqrt, (np.float32(0.0),), (math.inf,)),
    (math.sqrt, (0.0,), (math.inf,)),
    (math.cbrt, (0.0,), (math.inf,)),
    (np.cbrt, (O,), (INF,)),
    (np.arcsin, (ONES,), (INF,)),
    (math.asin, (-1.0,), (math.inf,)),
    (np.arccos, (ONES,), (-INF,)),
    (math.acos, (1.0,), (-math.inf,)),
    (np.arccosh, (ONES,), (INF,)),
    (math.acosh, (1.0,), (math.inf,)),
    (math.atan, (1e200,), (0.0,)),
    (math.asinh, (1e200,), (0.0,)),
    (np.hypot, (0.0, 0.0), (0.0, 0.0)),
    (np.hypot, (O, O), (O, O)),
    (math.hypot, (0.0, 0.0), (0.0, 0.0)),
    (np.arctan2, (0.0, 0.0), (0.0, 0.0)),
    (np.arctan2, (O, O), (O, O)),
    (math.atan2, (0.0, 0.0), (0.0, 0.0)),
    (np.angle, (np.zeros(1, complex),), (np.zeros(1, complex),)),
    (np.sinc, (0.0,), (0.0,)),
    (np.sinc, (O,), (O,)),
    (np.logaddexp, (0.0, 800.0), (0.0, 1.0)),
    (np.logaddexp, (-np.inf, -np.inf), (0.0, 0.0)),
    (np.logaddexp, (np.array([-np.inf]), ONES), (O, ONES)),
    (np.maximum, (1.0, 1.0), (0.5, 0.5)),
    (np.maximum, (ONES, 1.0), (HALF, 0.5)),
    (np.maximum, (-INF, -INF), (HALF, HALF)),
    (np.minimum, (ONES, ONES), (HALF, HALF)),
    (np.fmax, (ONES, ONES), (HALF, HALF)),
    (np.fmin, (ONES, ONES), (HALF, HALF)),
    (np.fmax, (ONES, np.array([np.nan])), (ONES, O)),
    (max, (1.0, 1.0), (1.0, 0.0)),
    (max, (0.0, 1.0, 1.0), (0.0, 1.0, 0.0)),
    (min, (1.0, 1.0), (1.0, 0.0)),
    (np.clip, (1.0, 0.0, 1.0), (1.0, 0.0, 0.0)),
    (np.clip, (np.array([0.0, 1.0]), 0.0, 1.0), (np.ones(2), 0.0, 0.0)),
    (np.ndarray.clip, (np.array([0.0, 1.0]), 0.0, 1.0), (np.ones(2), 0.0, 0.0)),
    (np.where, (np.array([True, False]), np.array([0.0, np.inf]), 1.0), (None, np.array([1.0, 0.0]), 1.0)),
    (np.copysign, (0.0, -1.0), (0.0, None)),
    (math.copysign, (0.0, -1.0), (0.0, None)),
    (np.heaviside, (O, 0.5), (None, 1.0)),
    (operator.pow, (0.0, 0), (0.0, 0.0)),
    (operator.pow, (0.0, 0.0), (0.0, 0.0)),
    (operator.pow, (0.0, 1), (1.0, 0.0)),
    (operator.pow, (0.0, 1.0), (1.0, 0.0)),
    (operator.pow, (0.0, 2), (0.0, 0.0)),
    (operator.pow, (0.0, 2.0), (0.0, 0.0)),
    (operator.pow, (0.0, 0.5), (math.inf, 0.0)),
    (operator.pow, (-2.0, 3), (12.0, 0.0)),
    (operator.pow, (-2.0, 3.0), (12.0, 0.0)),
    (operator.pow, (O, 0), (O, 0.0)),
    (operator.pow, (O, 0.0), (O, 0.0)),
    (operator.pow, (O, 1.0), (ONES, 0.0)),
    (operator.pow, (O, 2.0), (O, 0.0)),
    (operator.pow, (O, 0.5), (INF, 0.0)),
    (np.power, (np.zeros(3), np.array([0.0, 1.0, 0.5])), (np.array([0.0, 1.0, np.inf]), np.zeros(3))),
    (np.power, (np.zeros(3), np.array([0, 1, 2])), (np.array([0.0, 1.0, 0.0]), np.zeros(3))),
    (np.power, (np.array([-2.0, -3.0]), np.array([3.0, 2.0])), (np.array([12.0, -6.0]), np.zeros(2))),
    (math.pow, (0.0, 0.5), (math.inf, 0.0)),
    (operator.mod, (-7.0, 3.0), (1.0, 3.0)),
]

# What is seen when the program runs: `test_joined.py` and `test_linked.py` have programs.
ELSEWHERE = {of_first, of_second, in_first, in_second, of_repeated, in_repeated, part_of, in_part}
