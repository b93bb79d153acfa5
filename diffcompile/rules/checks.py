"""Has anything that the backward pass reads been changed since it was computed?

    h = np.tanh(x)
    h_digest = digest(h)
    ...
    unchanged(h, h_digest, "`h` of line 4 of model.py")

The checks that `check=True` asks for; they stand in the generated code.
"""

from __future__ import annotations

from typing import Any

import numpy as np


def digest(value: Any) -> Any:
    """A number that is another one when an array in `value` holds something else.

    >>> x = np.ones(3)
    >>> before = digest([x, 2.0])
    >>> x[0] = 5.0
    >>> digest([x, 2.0]) == before
    False
    """
    if isinstance(value, np.ndarray):
        return hash((value.shape, value.dtype.str, value.tobytes()))
    if isinstance(value, (list, tuple)):
        return hash(tuple([digest(item) for item in value]))
    if isinstance(value, dict):
        return hash(tuple([(key, digest(item)) for key, item in value.items()]))
    return hash(value) if isinstance(value, (bool, int, float, complex, str)) else 0


def unchanged(value: Any, known: Any, what: str) -> None:
    """Raise RuntimeError if `value` has another digest than it had: a list of them for the turns of a loop.

    >>> unchanged([1.0, 2.0], digest([1.0, 2.0]), "a list")
    >>> unchanged([1.0, 2.0], [digest(1.0), digest(3.0)], "what the loop of line 3 saved")
    Traceback (most recent call last):
    ...
    RuntimeError: what the loop of line 3 saved was changed, and the backward pass reads it
    """
    found = [digest(turn) for turn in value] if isinstance(known, list) else digest(value)
    if found != known:
        raise RuntimeError(f"{what} was changed, and the backward pass reads it")
