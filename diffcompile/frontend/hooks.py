"""What a class may define that Python calls unasked: how attributes are found, what is an instance, copies.

    level = AtLeast(2.0)               a descriptor: its `__get__` and `__set__` are read as methods are
    def __getattribute__(self, n)      every attribute is found by it: refused
    class Log(dict): def __setitem__   what is written into it is not what is found in it: refused

A method that is called by its name, or by an operator, needs no word here.
"""

from __future__ import annotations

import abc
import copyreg
import functools
import sys
import types
import typing
from collections import deque
from typing import Any

from .arguments import NOTHING, class_attribute, is_object_class

# -- descriptors ---------------------------------------------------------------------------------------------


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


# -- what is not followed ------------------------------------------------------------------------------------

_CONTAINERS = (dict, list, tuple, set, deque)
_ITEMS = frozenset({
    "__getitem__", "__iter__", "__len__", "__new__", "__bool__", "__reversed__", "__enter__", "__getattr__",
})  # fmt: skip
_MAKING = frozenset({
    "__init__", "__new__", "__repr__", "__str__", "__format__", "__init_subclass__", "__class_getitem__",
    "__doc__", "__dict__", "__module__", "__hash__", "__eq__", "__ne__", "__len__", "__contains__",
    "__reduce__", "__reduce_ex__",
})  # fmt: skip
COPYING = (
    "__copy__", "__deepcopy__", "__getstate__", "__setstate__", "__reduce__", "__reduce_ex__",
    "__getnewargs__", "__getnewargs_ex__",
)  # fmt: skip


@functools.lru_cache(maxsize=1024)
def unfollowed(cls: type) -> tuple[str, str] | None:
    """Why an object of this class is not what is read of it, and what to do; None if it is."""
    container = next((c for c in _CONTAINERS if issubclass(cls, c)), None)
    finder = class_attribute(cls, "__getattribute__")
    if isinstance(finder, types.FunctionType):
        return f"`{cls.__name__}` finds its attributes by `__getattribute__`", "Give it properties."
    if isinstance(class_attribute(cls, "__class__"), property):
        return f"`{cls.__name__}` says that it is of another class", "Leave out its `__class__`."
    if container is None:
        return None
    theirs = (c for c in cls.__mro__ if c.__flags__ & (1 << 9) and not _of_python(c))
    for name, held in (pair for c in theirs for pair in vars(c).items()):
        if container is tuple and hasattr(cls, "_fields"):
            lost = name in _ITEMS and not is_written(held) or _hides_a_field(cls, name, held)
        else:
            lost = name not in _MAKING and hasattr(container, name) and callable(held)
        if lost:
            return (
                f"`{cls.__name__}` is a {container.__name__} that defines its own `{name}`",
                "Give the method a name of its own, and call it.",
            )
    return None


def _of_python(cls: type) -> bool:
    """Is this a class of Python's own library?"""
    return cls.__module__.partition(".")[0] in sys.stdlib_module_names - {"__main__"}


def is_written(fn: Any) -> bool:
    """Was this method written by `dataclass` or `namedtuple`?"""
    code = getattr(getattr(fn, "__func__", fn), "__code__", None)
    return code is not None and code.co_filename.startswith("<string>")


def _hides_a_field(cls: type, name: str, held: Any) -> bool:
    return name in getattr(cls, "_fields", ()) and type(held).__name__ != "_tuplegetter"


@functools.lru_cache(maxsize=1024)
def says_how_to_copy(cls: type) -> bool:
    """Is an object of this class copied by what the class defines for it?"""
    found = (class_attribute(cls, method) for method in COPYING)
    own = (f for f in found if isinstance(f, (types.FunctionType, classmethod, staticmethod)))
    return cls in copyreg.dispatch_table or any(
        f.__module__ not in ("dataclasses", "collections") and not is_written(f) for f in own
    )


# -- what is an instance -------------------------------------------------------------------------------------


def is_instance(cls: type, classes: Any) -> bool | None:
    """`isinstance` of an object of class `cls`; None if one of the classes has its own way to tell."""
    if isinstance(classes, tuple):
        found = [is_instance(cls, c) for c in classes]
    elif isinstance(classes, types.UnionType) or typing.get_origin(classes) is typing.Union:
        found = [is_instance(cls, c) for c in typing.get_args(classes)]
    else:
        return _is_instance(cls, classes)
    return None if None in found else any(found)


def _is_instance(cls: type, wanted: Any) -> bool | None:
    if not isinstance(wanted, type):
        return None
    check = class_attribute(type(wanted), "__instancecheck__")
    if check is type.__instancecheck__:
        return wanted in cls.__mro__
    if check is abc.ABCMeta.__instancecheck__:
        return issubclass(cls, wanted)
    if wanted in cls.__mro__:
        return True
    if isinstance(check, types.FunctionType) and not _of_python(type(wanted)):
        return None
    try:
        return issubclass(cls, wanted)
    except TypeError:  # a protocol that names attributes, which are the object's own
        return None


def has_place_for(cls: type, attr: str) -> bool:
    """May an object of this class be given an attribute? One whose class has `__slots__` only those."""
    found = class_attribute(cls, attr)
    return bool(cls.__dictoffset__) or found is not NOTHING and hasattr(type(found), "__set__")
