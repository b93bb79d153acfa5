"""Calls that change their arguments, or may: statements in other words, and functions that cannot be read.

    operator.setitem(y, 0, v)            y[0] = v
    list.append(items, v)          ->    items.append(v)
    y.__iadd__(v)                        operator.iadd(y, v)
    heapq.heapify(items)                 refused: whether it changes `items` is not known
"""

from __future__ import annotations

import ast
import operator
from types import BuiltinFunctionType, MethodDescriptorType, WrapperDescriptorType
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


JOINED = {operator.concat: operator.add}
AUGMENTED: dict[Any, type[ast.operator]] = {
    operator.iadd: ast.Add, operator.isub: ast.Sub, operator.imul: ast.Mult, operator.itruediv: ast.Div,
    operator.ifloordiv: ast.FloorDiv, operator.imod: ast.Mod, operator.ipow: ast.Pow,
    operator.imatmul: ast.MatMult, operator.iconcat: ast.Add, operator.ior: ast.BitOr,
    operator.iand: ast.BitAnd, operator.ixor: ast.BitXor,
}  # fmt: skip
_PLAIN = (
    operator.add, operator.sub, operator.mul, operator.truediv, operator.floordiv, operator.mod, operator.pow,
    operator.matmul, operator.or_, operator.and_, operator.xor,
)  # fmt: skip
# Functions that stand for a statement or an expression, and how many arguments they have then.
SPELLED: dict[Any, int] = {
    operator.getitem: 2, operator.setitem: 3, operator.delitem: 2,
    **dict.fromkeys((*_PLAIN, *JOINED, *AUGMENTED), 2),
}  # fmt: skip


def may_hold(fn: Any) -> bool:
    """Is this a class, of which an object may hold what it is made of: `deque`, `SimpleNamespace`?"""
    if not isinstance(fn, type) or issubclass(fn, (*_TYPES, str, bytes, np.generic, BaseException)):
        return False
    return not REGISTRY.declares(fn) and fn.__module__.split(".")[0] not in ("numpy", "scipy")


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
    found = vars(operator).get(name) if name.startswith("__") and name.endswith("__") else None
    return ("operator", found) if isinstance(found, BuiltinFunctionType) else None


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
