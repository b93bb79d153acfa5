"""The facts of what a function is given, and the key under which arguments of the same facts meet.

    describe({"w": np.ones(3), "n": 2}, "p")     ->     Parts(dict, ("w", "n"), (array[float64](p.w0), int))

A tuple, a list or a dict is described item by item. An object is described by its class alone: which of its
attributes matter is known only when the function has been read, so each attribute that is read is described
then and checked at every call (`Read`). A dataclass that is differentiated with respect to is read whole.

A list of containers or objects that are all of one form is one value of any length (`Alike`). It is described
item by item only where a program of it is refused so, or where one of its objects is found elsewhere too.
"""

from __future__ import annotations

import dataclasses
import functools
import inspect
import sys
import types
from collections.abc import Callable, Hashable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass, replace
from importlib.machinery import EXTENSION_SUFFIXES
from typing import Any, Literal

import numpy as np

from ..errors import WrongArgument
from ..ir.graph import Capture, Const
from ..ir.types import COMPLEX, FLOAT, INT, Dim, Type, array, join, number, type_of_constant

FOLDED = (
    str, bytes, bool, type(None), type, types.FunctionType, types.BuiltinFunctionType, types.ModuleType,
    np.dtype, np.ufunc, functools.partial, slice, types.MethodType,
)  # fmt: skip
NUMBERS: dict[type, Type] = {float: FLOAT, int: INT, complex: COMPLEX}
SCALARS = frozenset(np.dtype(c).type for c in "?bhilqBHILQefdgFDG") | frozenset(NUMBERS)
LONG = 64  # a list of more numbers than this is one value, not an argument an item
MANY = 1  # and so is a list of more containers or objects than this, if all are of one form
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
    exact: Any = None  # of a list that would be `Alike`: the kind that holds for this very length


@dataclass(frozen=True, slots=True, eq=False)
class Instance:
    """An argument that is an object of a class written in Python, at hand while the function is read."""

    value: Any
    name: str


@dataclass(frozen=True, slots=True, eq=False)
class Alike:
    """An argument that is a list of containers or objects of one form: one value, of any length."""

    known: Type
    value: list[Any]
    name: str

    def one_by_one(self) -> Parts:
        """The same list, described item by item."""
        return replace(_listed(self.value, self.name), exact=kind_of_each(self.value))


class Described:
    """How the lists of a program are described: those that are `Alike` as such, or item by item."""

    def __init__(self, one_by_one: bool = False) -> None:
        self.one_by_one = one_by_one
        self.can_be_taken_apart = False  # has a list that is short enough been one value?


DESCRIBED: ContextVar[Described] = ContextVar("DESCRIBED")


def item_by_item(spec: Spec) -> Spec:
    """The facts of an argument, each of whose lists is described item by item."""
    if isinstance(spec, Alike):
        spec = spec.one_by_one()
    return replace(spec, items=tuple(map(item_by_item, spec.items))) if isinstance(spec, Parts) else spec


Spec = Type | Const | Parts | Instance | Alike


@dataclass(frozen=True, slots=True)
class Read:
    """An attribute of an object that a program reads: from which parameter or capture, and by which steps.

    A step is `(True, name)` for an attribute, `(False, key)` for an item. `kind` is what `kind_of` gave for
    it, or its type alone, where what is inside is not looked at.
    """

    root: int | Capture
    steps: tuple[tuple[bool, Any], ...]
    kind: Any
    look: Callable[[Any], Any] | None = None  # what gives the kind, if it is not `kind_of`

    def holds(self, values: tuple[Any, ...]) -> bool:
        return bool((self.look or kind_of)(self.value(values)) == self.kind)

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
    names = list(getattr(value, "__dict__", ()))
    slots = _slots_of(type(value))  # type: ignore[arg-type]
    return [*names, *(n for n in slots if n not in names and hasattr(value, n))] if slots else names


@functools.lru_cache(maxsize=1024)
def _slots_of(cls: type) -> tuple[str, ...]:
    """The attributes for which the objects of a class have a place of their own."""
    found = (pair for base in cls.__mro__ for pair in vars(base).items())
    return tuple({name: None for name, held in found if isinstance(held, types.MemberDescriptorType)})


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
        form = form_of_items(value)
        return ("alike", form) if form is not None else (kind, tuple(map(kind_of, value)))
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


def kind_of_each(value: Any) -> Any:
    """As `kind_of`, of a list whose items are described one by one."""
    return type(value), tuple(map(kind_of, value))


def form_of_items(value: Any) -> Any:
    """The form of each item of a list of many containers or objects; None if this is none, or they differ.

    >>> form_of_items([[1.0, 2.0]] * 20) == form_of_items([[0.5]] * 9), form_of_items([[1.0]] * 10 + [[1]])
    (True, None)
    """
    if type(value) is not list or len(value) <= MANY:
        return None
    if not (type(value[0]) in (list, tuple, dict) or is_object(value[0])):
        return None
    first = _form(value[0])
    return first if first is not None and all(map(_of_form(first), value)) else None


def _form(value: Any, depth: int = 6) -> Any:
    """What the items of a list must have in common to be run over; None of what has to be seen itself.

    As `kind_of`, but every attribute of an object counts, and the length of a list does not.
    """
    kind = type(value)
    if kind in SCALARS or kind is str or kind is bool or value is None:
        return kind
    if kind is np.ndarray:
        return kind_of(value) if value.dtype.kind in "fiubc" else None
    if depth == 0:
        return None
    if kind is list:
        found = {_form(item, depth - 1) for item in value}
        return (list, *found) if len(found) < 2 and None not in found else None
    keys: Any
    if kind is tuple:
        keys, parts = len(value), value
    elif kind is dict:
        keys, parts = tuple(value), value.values()
        if not all(type(key) is str for key in keys):
            return None
    elif is_object(value) and kind not in REGISTERED and _is_plain(kind):
        keys = record_keys(value)
        parts = [getattr(value, key, NOTHING) for key in keys]
        if dataclasses.is_dataclass(kind) and len(attributes_of(value)) != len(keys):
            return None  # it has more than its fields
    else:
        return None
    forms = [_form(part, depth - 1) for part in parts]
    return None if None in forms else (kind, keys, *forms)


@functools.lru_cache(maxsize=256)
def _of_form(form: Any) -> Callable[[Any], bool]:
    """What tells whether a value has this form."""
    if isinstance(form, type):
        return lambda value: type(value) is form
    kind = form[0]
    if isinstance(kind, np.dtype):
        return lambda value: type(value) is np.ndarray and kind_of(value) == form
    if kind is list:
        inner = _of_form(form[1]) if len(form) > 1 else None
        if inner is None:
            return lambda value: type(value) is list and not value
        return lambda value: type(value) is list and bool(value) and all(map(inner, value))
    keys, parts = form[1], tuple(map(_of_form, form[2:]))
    if kind is tuple:
        return lambda value: (
            type(value) is tuple
            and len(value) == keys
            and all([part(v) for part, v in zip(parts, value, strict=True)])
        )
    if kind is dict:
        return lambda value: (
            type(value) is dict
            and tuple(value) == keys
            and all([part(v) for part, v in zip(parts, value.values(), strict=True)])
        )
    return lambda value: (
        type(value) is kind
        and len(attributes_of(value)) == len(keys)
        and all([part(getattr(value, key, NOTHING)) for key, part in zip(keys, parts, strict=True)])
    )


def _is_plain(cls: type) -> bool:
    """Is an object of this class what its attributes are, and no more?"""
    return all(c is object or c.__flags__ & (1 << 9) for c in cls.__mro__)


def record_keys(value: Any) -> tuple[str, ...]:
    """The attributes of an object, in the order in which it is made of them."""
    return field_names(value) if dataclasses.is_dataclass(value) else tuple(attributes_of(value))


def type_of_items(value: Any) -> Type:
    """The type of what has a form: that of all that are of the same one."""
    kind = type(value)
    if kind is np.ndarray:
        return array(value.dtype, tuple(1 if n == 1 else Dim("~", 0, False) for n in value.shape))
    if kind is list:
        return Type("list", elem=type_of_items(value[0]) if value else None)
    if kind is tuple:
        return Type("tuple", items=tuple(map(type_of_items, value)))
    if kind is dict:
        entries = tuple((key, type_of_items(item)) for key, item in value.items())
        elem = functools.reduce(join, (known for _, known in entries)) if entries else None
        return Type("dict", elem=elem, entries=entries)
    if is_object(value):
        keys = record_keys(value)
        parts = tuple(type_of_items(getattr(value, key)) for key in keys)
        return Type("object", items=parts, keys=keys, cls=kind)
    return NUMBERS.get(kind) or type_of_constant(value)


def objects_in(value: Any, known: Type) -> Iterator[Any]:
    """The objects in what is of this type."""
    if known.is_record:
        yield value
        parts = zip(known.keys or (), known.items or (), strict=True)
        inner = [(getattr(value, str(key)), part) for key, part in parts if part.holds_records]
    elif known.kind == "list" and known.elem is not None:
        if known.elem.is_record and not any(part.holds_records for part in known.elem.items or ()):
            yield from value
            return
        inner = [(item, known.elem) for item in value]
    else:
        entries = known.entries or enumerate(known.items or ())
        inner = [(value[key], part) for key, part in entries if part.holds_records]
    for item, part in inner:
        yield from objects_in(item, part)


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
    if form_of_items(value) is not None:
        alike = Alike(Type("list", elem=type_of_items(value[0])), value, name)
        return alike.one_by_one() if DESCRIBED.get(Described()).one_by_one else alike
    if type(value) in (list, tuple) or isinstance(value, dict) or is_named_tuple(value):
        return _container(value, name)
    if isinstance(value, (np.ma.MaskedArray, np.matrix)):
        raise WrongArgument(
            f"`{name}` is a {type(value).__name__}", None, "Pass a plain array: `np.asarray(...)`."
        )
    return array(None, None) if hasattr(value, "__array_function__") else type_of_constant(value)


def _container(value: Any, name: str) -> Spec:
    if not isinstance(value, dict):
        kinds = {type(v) for v in value}
        if len(value) > LONG and len(kinds) == 1 and kinds <= set(NUMBERS):
            return Type("list", elem=NUMBERS[kinds.pop()])
    return _listed(value, name)


def _listed(value: Any, name: str) -> Parts:
    pairs = list(value.items() if isinstance(value, dict) else enumerate(value))
    # A dot, so that no parameter's own name gives the same dimension.
    parts = tuple(describe(v, f"{name}.{k}") for k, v in pairs)
    return Parts(type(value), tuple(k for k, _ in pairs), parts, getattr(value, "default_factory", None))


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


def arrays_in(value: Any, objects: bool = False) -> Iterator[Any]:
    """The arrays inside containers, and the containers that can be changed.

    With `objects`, those inside the objects of a list of many of one form as well, and the objects.
    """
    if isinstance(value, np.ndarray):
        yield value
    elif isinstance(value, (tuple, list, dict)):
        if not isinstance(value, tuple):
            yield value
        alike = objects and form_of_items(value) is not None
        for item in value.values() if isinstance(value, dict) else value:
            yield from _parts_in(item) if alike else arrays_in(item, objects)


def _parts_in(value: Any) -> Iterator[Any]:
    """What can be changed in an item of such a list, and the item if it can be."""
    if isinstance(value, np.ndarray):
        yield value
    elif isinstance(value, (tuple, list, dict)):
        if not isinstance(value, tuple):
            yield value
        for item in value.values() if isinstance(value, dict) else value:
            yield from _parts_in(item)
    elif is_object(value):
        yield value
        for key in record_keys(value):
            yield from _parts_in(getattr(value, key))
