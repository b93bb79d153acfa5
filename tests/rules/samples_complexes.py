"""Sample arguments of the rules for Python's complex numbers."""

from __future__ import annotations

import builtins
import cmath
from typing import Any

import numpy as np

Sample = tuple[tuple[Any, ...], dict[str, Any]]


def args_only(*samples: tuple[Any, ...]) -> list[Sample]:
    return [(args, {}) for args in samples]


NUMBERS = args_only((0.7 - 0.4j,), (-1.3 + 0.8j,), (0.6,))
SAMPLES: dict[Any, list[Sample]] = {
    **dict.fromkeys(
        (
            cmath.exp, cmath.log10, cmath.sqrt, cmath.sin, cmath.cos, cmath.tan, cmath.sinh, cmath.cosh,
            cmath.tanh, cmath.asin, cmath.acos, cmath.atan, cmath.asinh, cmath.atanh,
        ),
        NUMBERS,
    ),
    cmath.acosh: args_only((0.7 - 0.4j,), (-1.3 + 0.8j,), (1.6,)),
    cmath.log: [*NUMBERS, *args_only((0.7 - 0.4j, 2.0 + 0.3j), (1.2, 3.0))],
    cmath.phase: args_only((0.7 - 0.4j,), (-1.3 + 0.8j,)),
    cmath.polar: args_only((0.7 - 0.4j,), (-1.3 + 0.8j,)),
    cmath.rect: args_only((0.7, 0.4), (1.3, -2.0)),
    builtins.complex: args_only((0.7, 0.4), (1.3,), (0.5 + 0.1j,)),
    np.sign: args_only(
        (np.array([0.7 - 0.4j, -1.3 + 0.8j, 0.2j]),), (np.array([0.7, -1.3]),), (np.complex128(0.7 - 0.4j),)
    ),
    np.complex128: args_only((0.7 - 0.4j,), (np.float64(0.6),)),
    np.complex64: args_only((np.complex64(0.7 - 0.4j),)),
}  # fmt: skip

KINKS: list[tuple[Any, tuple[Any, ...], tuple[Any, ...]]] = [
    (cmath.sqrt, (0j,), (cmath.inf,)),
    (cmath.phase, (0j,), (0.0,)),
    (cmath.polar, (0j,), (0.0,)),
    (np.sign, (np.zeros(2, complex),), (np.zeros(2),)),
    (cmath.phase, (3.0 + 4.0j,), ((-4.0 - 3.0j) / 25.0,)),
]
