"""What the compiler may know about a rule's helpers, stated beside them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

F = TypeVar("F", bound=Callable[..., Any])

STATIC_FUNCTIONS: set[Callable[..., Any]] = set()
# Functions that find at run time whether what they make of real numbers is complex.
COMPLEX_OF_REAL: set[Any] = {np.linalg.eig, np.linalg.eigvals, np.roots}


def static(fn: F) -> F:
    """Declare `fn` pure: where all its arguments are constants, the compiler calls it and keeps the result.

    >>> @static
    ... def doubled(axes): return axes + axes
    >>> doubled in STATIC_FUNCTIONS
    True
    """
    STATIC_FUNCTIONS.add(fn)
    return fn


def is_literal(x: object) -> bool:
    """Is `x` a constant of the program? Folded by the compiler; run as plain Python it is not known."""
    return False
