"""Calls that change their arguments, or may: statements in other words, and functions that cannot be read.

    operator.setitem(y, 0, v)            y[0] = v
    list.append(items, v)          ->    items.append(v)
    y.__iadd__(v)                        operator.iadd(y, v)
    heapq.heapify(items)                 refused: whether it changes `items` is not known
"""

from __future__ import annotations

import operator
from types import MethodDescriptorType, WrapperDescriptorType
from typing import Any

import numpy as np

from ..analysis.effects import pure_function
from ..rules.register import REGISTRY
from .heap import Ref

# Modules of the standard library, and others, whose functions leave their arguments as they are.
_LEAVING = frozenset({
    "logging", "warnings", "json", "pprint", "pickle", "_pickle", "time", "datetime", "sys", "os", "posix",
    "io", "_io", "tqdm", "matplotlib", "traceback", "hashlib", "_hashlib", "textwrap", "string", "re",
    "statistics", "_statistics", "fractions", "decimal", "functools", "_functools", "itertools", "math",
    "cmath", "operator", "_operator", "numpy", "scipy", "builtins", "copy", "collections", "_collections",
    "gc", "weakref", "types", "contextlib", "inspect", "typing", "platform", "psutil", "secrets", "uuid",
    "zlib", "pathlib",
})  # fmt: skip
_READING = frozenset({
    "bisect", "bisect_left", "bisect_right", "nlargest", "nsmallest", "merge", "choice", "choices", "sample",
    "getsizeof",
})  # fmt: skip
_SHARING = (memoryview, np.frombuffer, np.nditer, np.nested_iters, np.from_dlpack, setattr, delattr)
_CONTAINERS = (list, dict, set)
_TYPES = (*_CONTAINERS, tuple, np.ndarray, float, int, complex)
_ANSWERS = {"__len__": len, "__abs__": abs, "__bool__": bool, "__float__": float, "__int__": int}


def statement_of(fn: Any, args: list[Ref]) -> tuple[str, Any] | None:
    """A method called as a function, or an operator by the name of its method: what stands for it.

    Either ("method", its name) or ("operator", the function).
    """
    owner = getattr(fn, "__objclass__", None)
    name = getattr(fn, "__name__", "")
    if isinstance(fn, MethodDescriptorType) and owner in _CONTAINERS and args:
        return dunder(name) or ("method", name)
    if isinstance(fn, WrapperDescriptorType) and owner in _TYPES:
        return dunder(name)
    return None


def dunder(name: str) -> tuple[str, Any] | None:
    """The function that calls the method of this name: `__setitem__`, `__iadd__`, `__len__`."""
    if name in _ANSWERS:
        return "operator", _ANSWERS[name]
    if not (name.startswith("__") and name.endswith("__")):
        return None
    found = getattr(operator, name, None)
    return None if found is None or name in ("__name__", "__call__") else ("operator", found)


def may_change(fn: Any) -> bool:
    """May a call of this function, which cannot be read, change what it is given, or share its memory?"""
    if any(fn is shares for shares in _SHARING):
        return True
    try:
        if REGISTRY.declares(fn) or pure_function(fn):
            return False
    except TypeError:
        return False
    owner = getattr(fn, "__self__", None)
    module = getattr(fn, "__module__", None) or type(owner).__module__ or ""
    name = getattr(fn, "__name__", "")
    return module.split(".")[0] not in _LEAVING and name not in _READING and not isinstance(fn, type)
