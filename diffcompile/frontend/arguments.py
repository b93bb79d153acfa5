"""The facts of what a function is given, and the key under which arguments of the same facts meet.

    describe({"w": np.ones(3), "n": 2}, "p")     ->     Parts(dict, ("w", "n"), (array[float64](p.w0), int))

A tuple, a list or a dict is described item by item. An object is described by its class alone: which of its
attributes matter is known only when the function has been read, so each attribute that is read is described
then and checked at every call (`Read`). A dataclass that is differentiated with respect to is read whole.
"""

from __future__ import annotations

import dataclasses
import functools
import inspect
import sys
import types
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, replace
from importlib.machinery import EXTENSION_SUFFIXES
from typing import Any, Literal

import numpy as np

from ..errors import WrongArgument
from ..ir.graph import Capture, Const
from ..ir.types import COMPLEX, FLOAT, INT, Dim, Type, array, number, type_of_constant

FOLDED = (
    str, bytes, bool, type(None), type, types.FunctionType, types.BuiltinFunctionType, types.ModuleType,
    np.dtype, np.ufunc, functools.partial, slice, types.MethodType,
)  # fmt: skip
NUMBERS: dict[type, Type] = {float: FLOAT, int: INT, complex: COMPLEX}
SCALARS = frozenset(np.dtype(c).type for c in "?bhilqBHILQefdgFDG") | frozenset(NUMBERS)
LONG = 64  # a list of more numbers than this is one value, not an argument an item
LIBRARIES = frozenset({
    "numpy", "scipy", "math", "builtins", "operator", "functools", "itertools", "cmath", "random",
    "collections", "enum", "pathlib", "logging", "re", "threading", "datetime", "decimal", "fractions", "os",
    "io", "abc", "typing", "array",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Parts:
    """The facts of an argument that is a container: its class, its keys, the facts of its items."""

    kind: type
    keys: tuple[Any, ...]
    items: tuple[Spec, ...]
    factory: Any = None  # of a `defaultdict`


@dataclass(frozen=True, slots=True, eq=False)
class Instance:
    """An argument that is an object of a class written in Python, at hand while the function is read."""

    value: Any
    name: str


Spec = Type | Const | Parts | Instance


@dataclass(frozen=True, slots=True)
class Read:
    """An attribute of an object that a program reads: from which parameter or capture, and by which steps.

    A step is `(True, name)` for an attribute, `(False, key)` for an item. `kind` is what `kind_of` gave for
    it, or its type alone, where what is inside is not looked at.
    """

    root: int | Capture
    steps: tuple[tuple[bool, Any], ...]
    kind: Any
    whole: bool = True

    def holds(self, values: tuple[Any, ...]) -> bool:
        found = self.value(values)
        return bool((kind_of(found) if self.whole else type(found)) == self.kind)

    def value(self, values: tuple[Any, ...]) -> Any:
        found = values[self.root] if isinstance(self.root, int) else self.root.read()
        for attribute, key in self.steps:
            found = getattr(found, key) if attribute else found[key]
        return found


@dataclass(frozen=True, slots=True)
class Place:
    """What a derivative is taken with respect to: a parameter, by position (or the name of what a method is
    bound to), or what is found from there by the names of attributes, keys and positions."""

    root: int | str
    steps: tuple[str, ...] = ()

    def label(self, names: list[str]) -> str:
        return ".".join((self.root if isinstance(self.root, str) else names[self.root], *self.steps))


@dataclass(frozen=True, slots=True, eq=False)
class Target:
    """A callable that is differentiated: the function with the source, and what its first or named
    parameters are bound to, each in a cell of its own."""

    fn: Any
    bound: tuple[tuple[str, types.CellType], ...] = ()
    given: Any = None  # what the user calls


def target_of(fn: Any) -> Target:
    """The function behind a bound method, a `functools.partial`, or an object that is called."""
    found = _target_of(fn)
    return Target(found.fn, found.bound, fn)


def _target_of(fn: Any) -> Target:
    if isinstance(fn, types.MethodType):
        inner = _target_of(fn.__func__)
        return _bound(inner, (fn.__self__,)) or Target(fn)
    if isinstance(fn, functools.partial):
        inner = _target_of(fn.func)
        return _bound(inner, fn.args) or Target(fn)
    if not isinstance(fn, (types.FunctionType, type)) and is_object(fn) and not hasattr(fn, "lowered"):
        call = class_attribute(type(fn), "__call__")
        if isinstance(call, types.FunctionType):
            return _bound(_target_of(call), (fn,)) or Target(fn)
    return Target(fn)


def _bound(inner: Target, values: tuple[Any, ...]) -> Target | None:
    if not isinstance(inner.fn, types.FunctionType):
        return None
    taken = {name for name, _ in inner.bound}
    kinds = inspect.Parameter
    names = [
        p.name
        for p in inspect.signature(inner.fn).parameters.values()
        if p.name not in taken and p.kind in (kinds.POSITIONAL_ONLY, kinds.POSITIONAL_OR_KEYWORD)
    ]
    if len(names) < len(values):
        return None
    cells = ((name, types.CellType(value)) for name, value in zip(names, values, strict=False))
    return Target(inner.fn, (*inner.bound, *cells))


# -- containers of the user's own ----------------------------------------------------------------------------

REGISTERED: dict[type, tuple[Callable[[Any], Any], Callable[[Any, Any], Any]]] = {}


def register_container(
    cls: type, flatten: Callable[[Any], tuple[Any, Any]], unflatten: Callable[[Any, Any], Any]
) -> type:
    """Let functions be differentiated with respect to objects of a class.

    `flatten(obj)` returns what is inside (a tuple or list of numbers, arrays and containers) and anything
    else that is needed to build such an object; `unflatten(rest, items)` builds one. The gradient is what
    `unflatten` makes of the gradients of the items. `flatten` is read by the compiler, as the function is.
    Dataclasses and named tuples need no registration.

    >>> from diffcompile import grad, register_container
    >>> class Line:
    ...     def __init__(self, slope, offset):
    ...         self.slope, self.offset = slope, offset
    >>> def parts(line): return (line.slope, line.offset), None
    >>> _ = register_container(Line, parts, lambda rest, items: Line(*items))
    >>> grad(lambda line: line.slope ** 2 + line.offset)(Line(3.0, 1.0)).slope
    6.0
    """
    if not isinstance(cls, type):
        raise WrongArgument(f"`register_container` takes a class, not {cls!r}")
    REGISTERED[cls] = (flatten, unflatten)
    return cls


# The functions that make derivatives, by what they make: a call of one inside a function is read, not run.
DERIVING: dict[
    Any, Literal["grad", "value_and_grad", "vjp", "jvp", "linearize", "jacfwd", "jacrev", "hessian", "vmap"]
] = {}


# -- what kind of thing an argument is -----------------------------------------------------------------------

_PLAIN_OBJECTS: dict[type, bool] = {}


def is_object(value: Any) -> bool:
    """Is this an ordinary object, of a class written in Python, whose attributes can be read one by one?"""
    return is_object_class(type(value))


def attributes_of(value: Any) -> list[str]:
    """The names of what an object holds itself, in an order that is always the same."""
    slots = [
        name for cls in type(value).__mro__ for name, held in vars(cls).items()
        if isinstance(held, types.MemberDescriptorType) and hasattr(value, name)
    ]  # fmt: skip
    return list(dict.fromkeys((*getattr(value, "__dict__", ()), *slots)))


def is_object_class(cls: type) -> bool:
    known = _PLAIN_OBJECTS.get(cls)
    if known is None:
        known = _PLAIN_OBJECTS[cls] = _is_object_class(cls)
    return known


def _compiled(name: str) -> bool:
    """Is this a module of Python's own or of an extension, in which nothing is written in Python?"""
    file = getattr(sys.modules.get(name), "__file__", None)
    extension = isinstance(file, str) and file.endswith(tuple(EXTENSION_SUFFIXES))
    return name != "__main__" and (name in sys.builtin_module_names or extension)


def _is_object_class(cls: type) -> bool:
    if not cls.__flags__ & (1 << 9) or issubclass(cls, (BaseException, type)):
        return False  # not made by a `class` statement
    if _compiled(cls.__module__):
        return False  # `io.StringIO`, which Python 3.13 does not tell from one that is
    if str(cls.__module__).startswith("_cython"):
        return False  # a function that Cython compiled
    builtin = (int, float, complex, str, bytes, tuple, list, dict, set, frozenset, np.ndarray, np.generic)
    if issubclass(cls, builtin) or hasattr(cls, "__array_function__") or hasattr(cls, "__array_ufunc__"):
        return False
    if str(cls.__module__).partition(".")[0] in LIBRARIES or hasattr(cls, "lowered"):
        return False  # a derivative is a function
    return not any(c.__module__ == "enum" for c in cls.__mro__) and not issubclass(cls, types.ModuleType)


NOTHING = object()


def class_attribute(cls: type, name: str) -> Any:
    """What the classes of an object hold under a name, unbound."""
    for base in cls.__mro__:
        if name in vars(base):
            return vars(base)[name]
    return NOTHING


class Same:
    """An object that cannot be hashed, as a key: equal to itself alone, and alive as long as the key."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __hash__(self) -> int:
        return id(self.value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Same) and other.value is self.value


def kind_of(value: Any) -> Any:
    """The part of a signature that stands for an argument: arguments of one kind have the same facts.

    >>> kind_of(np.ones((5, 3))) == kind_of(np.ones((2, 3))) != kind_of(np.ones((1, 3)))
    True
    """
    kind = type(value)
    if kind in SCALARS:
        return kind
    if kind is np.ndarray:
        shape = value.shape
        return value.dtype, tuple([n == 1 for n in shape]) if 1 in shape else len(shape)
    if kind is tuple or kind is list:
        if len(value) > LONG and type(value[0]) in NUMBERS and len(set(map(type, value))) == 1:
            return "long", kind, type(value[0])
        return kind, tuple(map(kind_of, value))
    if kind is dict:
        return dict, tuple(value), tuple(map(kind_of, value.values()))
    if is_object(value):
        return kind
    if isinstance(value, np.generic) and value.dtype.kind in "fiubc":
        return kind, value.dtype
    if isinstance(value, FOLDED) or callable(value):
        known = (value.start, value.stop, value.step) if kind is slice else value
        if kind is types.MethodType:
            return "method", value.__func__, Same(value.__self__)
        return "constant", kind, known if hashable(known) else Same(value)
    if isinstance(value, dict):
        factory = getattr(value, "default_factory", None)
        return kind, tuple(value), tuple(map(kind_of, value.values())), factory
    if is_named_tuple(value):
        return kind, tuple(map(kind_of, value))
    if isinstance(value, (set, frozenset)):
        return kind, frozenset(map(type, value))
    return kind


def whole_kind(value: Any) -> Any:
    """As `kind_of`, with the fields of the dataclasses inside."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return type(value), tuple(whole_kind(getattr(value, n, None)) for n in field_names(value))
    if isinstance(value, (tuple, list)):
        return type(value), tuple(map(whole_kind, value))
    if isinstance(value, dict):
        return type(value), tuple(value), tuple(map(whole_kind, value.values()))
    return kind_of(value)


def field_names(value: Any) -> tuple[str, ...]:
    """The fields of a dataclass, in order."""
    return tuple(f.name for f in dataclasses.fields(value))


def describe(value: Any, name: str) -> Spec:
    """The facts of an argument."""
    known = NUMBERS.get(type(value))
    if known is not None:
        return known
    if type(value) is np.ndarray:
        if value.dtype.kind not in "fiubc":
            raise WrongArgument(f"`{name}` is an array of {value.dtype}, which has no derivative")
        shape = tuple(1 if n == 1 else Dim(f"{name}{k}", 0, False) for k, n in enumerate(value.shape))
        flags = value.flags
        layout: Literal["", "C", "F"] = "C" if flags.c_contiguous else "F" if flags.f_contiguous else ""
        return replace(array(value.dtype, shape), layout=layout)
    if isinstance(value, np.generic) and value.dtype.kind in "fiubc":
        return number(value.dtype)
    if is_object(value):
        return Instance(value, name)
    if isinstance(value, FOLDED) or callable(value):
        return Const(value)
    if type(value) in (list, tuple) or isinstance(value, dict) or is_named_tuple(value):
        return _container(value, name)
    if isinstance(value, (np.ma.MaskedArray, np.matrix)):
        raise WrongArgument(
            f"`{name}` is a {type(value).__name__}", None, "Pass a plain array: `np.asarray(...)`."
        )
    return array(None, None) if hasattr(value, "__array_function__") else type_of_constant(value)


def _container(value: Any, name: str) -> Spec:
    if isinstance(value, dict):
        keys: tuple[Any, ...] = tuple(value)
        items = list(value.values())
    else:
        keys = tuple(range(len(value)))
        items = list(value)
        kinds = {type(v) for v in items}
        if len(items) > LONG and len(kinds) == 1 and kinds <= set(NUMBERS):
            return Type("list", elem=NUMBERS[kinds.pop()])
    # A dot, so that no parameter's own name gives the same dimension.
    parts = tuple(describe(v, f"{name}.{k}") for k, v in zip(keys, items, strict=True))
    return Parts(type(value), keys, parts, getattr(value, "default_factory", None))


def is_named_tuple(value: Any) -> bool:
    return (
        isinstance(value, tuple)
        and hasattr(type(value), "_fields")
        and type(value).__new__ is not tuple.__new__
    )


def hashable(value: Any) -> bool:
    try:
        hash(value)
    except TypeError:
        return False
    return isinstance(value, Hashable)


def arrays_in(value: Any) -> Iterator[Any]:
    """The arrays inside containers, and the containers that can be changed."""
    if isinstance(value, np.ndarray):
        yield value
    elif isinstance(value, (tuple, list, dict)):
        if not isinstance(value, tuple):
            yield value
        for item in value.values() if isinstance(value, dict) else value:
            yield from arrays_in(item)
