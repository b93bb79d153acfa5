"""A function of SciPy -> the file of its rules, imported the first time that a program calls such a function.

    special.erf(x)        imports `rules/scipy_special.py`, and nothing else of ours or of SciPy's

Importing diffcompile imports no SciPy, and what a user declared holds whichever came first.
"""

from __future__ import annotations

import importlib
import sys
from typing import Any

import numpy as np

from .register import REGISTRY

# A part of SciPy, and the file beside this one that holds its rules.
FILES = {
    "scipy.special": "scipy_special",
    "scipy.stats": "scipy_multivariate",  # which reads those of one variable first
    "scipy.linalg": "scipy_linalg",
    "scipy.optimize": "scipy_optimize",
    "scipy.integrate": "scipy_integrate",
    "scipy.fft": "scipy_fft",
    "scipy.signal": "scipy_signal",
    "scipy.sparse": "scipy_sparse",
}
_read: set[str] = set()

# The names of the parameters that a function takes, in order: what is passed by name can go by position.
POSITIONAL: dict[Any, tuple[str, ...]] = {}
# What, called, gives an object whose methods are its own, with the arguments of that call behind theirs.
KEEPING: set[Any] = set()


def consult(fn: Any) -> None:
    """Have the rules of the part of SciPy that `fn` comes from, if it comes from one.

    >>> consult(np.sin)
    """
    part = part_of(fn)
    if part is not None and part not in _read:
        _read.add(part)
        with REGISTRY.kept():
            importlib.import_module(f"{__package__}.{FILES[part]}")


def part_of(fn: Any) -> str | None:
    """The part of SciPy that makes `fn`, or the object that it is a method of.

    >>> from scipy import special
    >>> part_of(special.erf), part_of(np.sin)
    ('scipy.special', None)
    """
    if isinstance(fn, np.ufunc):  # a ufunc does not say where it lives
        name = fn.__name__.removeprefix("special_")
        return "scipy.special" if getattr(sys.modules.get("scipy.special"), name, None) is fn else None
    module = getattr(fn, "__module__", None) or getattr(type(fn), "__module__", None)
    if not isinstance(module, str) or not module.startswith("scipy."):
        return None
    part = ".".join(module.split(".")[:2])
    return part if part in FILES else None
