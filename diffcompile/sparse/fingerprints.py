"""A value -> something that equals that of another value where the two are the same to a program.

Of what moves, the form: `np.ones(3)` and `np.zeros(3)` have the same. Of what does not, the content.
"""

from __future__ import annotations

import types
from typing import Any

import numpy as np

from ..frontend.trees import is_number, opened


class UnknownError(Exception):
    """Whether this is what it was cannot be told."""


_BY_IDENTITY = (
    types.FunctionType, types.BuiltinFunctionType, types.ModuleType, type, np.ufunc, np.dtype,
)  # fmt: skip


def fingerprint(value: Any, moves: bool) -> Any:
    """Hashable, and equal for values that are the same, or of the same form if they move.

    >>> fingerprint(np.ones(3), True) == fingerprint(np.zeros(3), True)
    True
    >>> fingerprint(np.ones(3), False) == fingerprint(np.zeros(3), False)
    False
    """
    if moves and is_number(value):
        return type(value), getattr(value, "dtype", None), np.shape(value)
    if value is None or isinstance(value, (bool, int, float, complex, str, bytes)):
        return type(value), value
    if isinstance(value, (np.ndarray, np.generic)) and value.dtype.kind in "biufcSU":
        return value.dtype, value.shape, value.tobytes()
    if isinstance(value, (slice, range)):
        return type(value), value.start, value.stop, value.step
    if isinstance(value, _BY_IDENTITY):
        return value
    if hasattr(value, "tocoo"):
        coo = value.tocoo()
        return type(value), *(fingerprint(part, False) for part in (coo.shape, coo.row, coo.col, coo.data))
    if type(value) in (list, tuple, dict):
        inside = opened(value)
        assert inside is not None, "these are containers"
        return type(value), inside.keys, tuple(fingerprint(item, moves) for item in inside.items)
    raise UnknownError(type(value).__name__)
