"""What a class may define that Python calls unasked: how its attributes are found, copied and compared.

    level = AtLeast(2.0)               a descriptor: its `__get__` and `__set__` are read as methods are
    def __getattribute__(self, n)      every attribute is found by it: not followed

A method that is called by its name, or by an operator, needs no word here.
"""

from __future__ import annotations

import functools
import types
from typing import Any

from .arguments import class_attribute, is_object_class


def descriptor(static: Any, method: str) -> types.FunctionType | None:
    """`__get__`, `__set__` or `__delete__` of what a class holds, where that is written in Python."""
    cls = type(static)
    if isinstance(static, functools.cached_property) or not is_object_class(cls) or hasattr(cls, "lowered"):
        return None
    found = class_attribute(cls, method)
    return found if isinstance(found, types.FunctionType) else None


def goes_first(static: Any) -> bool:
    """Is an attribute found by this descriptor even where the object has one of that name itself?"""
    return bool(descriptor(static, "__set__") or descriptor(static, "__delete__"))
