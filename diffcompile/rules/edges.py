"""Where functions have partial derivatives that are not finite: what `singular=` of a rule names.

    at_zero(np.sqrt(x), x)         True where the slope of a root is infinite

Each is true wherever the function itself is not finite, too.
"""

from __future__ import annotations

from typing import Any

import numpy as np


def at_zero(out: Any, x: Any) -> Any:
    """Where a root is 0."""
    return (out == 0) | ~np.isfinite(out)


def at_one(out: Any, x: Any) -> Any:
    """Where the argument is 1 or -1."""
    return (x**2 == 1) | ~np.isfinite(out)


def at_i(out: Any, z: Any) -> Any:
    """Where the argument is i or -i."""
    return (z**2 == -1) | ~np.isfinite(out)


def at_argument_zero(out: Any, x: Any, *rest: Any) -> Any:
    """Where the first argument is 0."""
    return (x == 0) | ~np.isfinite(out)


def at_argument_one(out: Any, x: Any) -> Any:
    """Where the argument is 1."""
    return (x == 1) | ~np.isfinite(out)


def at_argument_minus_one(out: Any, x: Any, *rest: Any) -> Any:
    """Where the first argument is -1."""
    return (x == -1) | ~np.isfinite(out)


def at_second_zero(out: Any, x: Any, y: Any) -> Any:
    """Where the second argument is 0."""
    return (y == 0) | ~np.isfinite(out)


def at_second_minus_one(out: Any, x: Any, y: Any) -> Any:
    """Where the second argument is -1."""
    return (y == -1) | ~np.isfinite(out)


def at_second_edge(out: Any, a: Any, y: Any) -> Any:
    """Where the second argument is 0 or 1."""
    return (y == 0) | (y == 1) | ~np.isfinite(out)


def at_third_edge(out: Any, a: Any, b: Any, y: Any) -> Any:
    """Where the third argument is 0 or 1."""
    return (y == 0) | (y == 1) | ~np.isfinite(out)


def at_either_zero(out: Any, x: Any, y: Any) -> Any:
    """Where one of two arguments is 0."""
    return (x == 0) | (y == 0) | ~np.isfinite(out)


def at_tail(out: Any, *args: Any) -> Any:
    """Where a density or a distribution ends."""
    return (out == 0) | (out == 1) | ~np.isfinite(out)
