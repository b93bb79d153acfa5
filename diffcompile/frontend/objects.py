"""Objects: attributes as entries of a cell, methods inlined, the caller's objects read where they are needed.

    self.n += 1                      n = self.n + 1;  self.n = n       (the caller sees the write, once)
    p = Point(x, 2.0); p.x * p.y     x * 2.0                           (a local object needs no instruction)

An object made here is a cell whose entries are its attributes. The caller's objects are expanded attribute
by attribute, as they are read: each such read stands at the entry of the program, and what was read is
checked at every call (`frontend/arguments.py`).
"""

from __future__ import annotations

import builtins
import dataclasses
import functools
import inspect
import math
import operator
import types
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np

from ..errors import WrongArgument
from ..ir.graph import Atom, Capture, Const, Step, Value, is_keyworded, literal, maker_of, pack_object
from ..ir.types import OBJECT, Type, article
from ..rules.queues import Queue
from .arguments import (
    DESCRIBED,
    NOTHING,
    REGISTERED,
    Alike,
    Described,
    Instance,
    Parts,
    Place,
    Read,
    Spec,
    attributes_of,
    class_attribute,
    describe,
    is_object,
    kind_of,
    kind_of_each,
)
from .core import MUTABLE
from .equality import Equality
from .expressions import UNROLLED
from .heap import (
    ITEM,
    UNBOUND_REF,
    Applied,
    Bound,
    Cell,
    Closure,
    Content,
    Entries,
    Items,
    Obj,
    Ref,
    Super,
    Tup,
    View,
)
from .hooks import descriptor, goes_first, has_place_for, is_instance, says_how_to_copy, unfollowed
from .layouts import Each, classes_in, is_built

DUNDERS: dict[Any, str] = {
    operator.add: "add", operator.sub: "sub", operator.mul: "mul", operator.truediv: "truediv",
    operator.floordiv: "floordiv", operator.mod: "mod", operator.pow: "pow", operator.matmul: "matmul",
    operator.and_: "and", operator.or_: "or", operator.xor: "xor", operator.lshift: "lshift",
    operator.rshift: "rshift", divmod: "divmod",
}  # fmt: skip
COMPARISONS: dict[Any, tuple[str, str]] = {
    operator.eq: ("__eq__", "__eq__"), operator.ne: ("__ne__", "__ne__"), operator.lt: ("__lt__", "__gt__"),
    operator.le: ("__le__", "__ge__"), operator.gt: ("__gt__", "__lt__"), operator.ge: ("__ge__", "__le__"),
}  # fmt: skip
UNARY: dict[Any, str] = {
    operator.neg: "__neg__", operator.pos: "__pos__", operator.invert: "__invert__", operator.abs: "__abs__",
    builtins.abs: "__abs__", builtins.len: "__len__", builtins.float: "__float__", builtins.int: "__int__",
    builtins.bool: "__bool__", builtins.round: "__round__", builtins.iter: "__iter__",
    builtins.next: "__next__", builtins.hash: "__hash__", builtins.str: "__str__", builtins.repr: "__repr__",
    math.floor: "__floor__", math.ceil: "__ceil__", math.trunc: "__trunc__", operator.index: "__index__",
    builtins.complex: "__complex__", builtins.reversed: "__reversed__",
}  # fmt: skip

# The attributes of an array that can be assigned to, and where in them that writes.
WRITTEN_WHOLE = {"flat": slice(None), "real": ..., "imag": ...}


def form_of(spec: Spec) -> Type:
    """The type of the value that a container or an object is for the graph."""
    if isinstance(spec, Type):
        return spec
    if isinstance(spec, Alike):
        return spec.known
    if isinstance(spec, Parts):
        return Type("dict" if issubclass(spec.kind, dict) else "object")
    return OBJECT

_HEAP_TYPE = 1 << 9  # of a class that is made as the program runs, and is not built in


class Objects(Equality):
    # -- what the caller hands in ---------------------------------------------------------------------------

    def entry(self, value: Atom, spec: Any, name: str, read: Read, live: Any = None) -> Ref:
        """The reference to something of the caller's; a container's items are read out of it one by one.

        `live`: a list or dict whose items are described when one of them is read; a log that is only appended
        to is of no fixed length.
        """
        match spec:
            case Const():
                return spec
            case Parts():
                if live is not None and spec.kind in (list, dict):
                    return self._deferred(value, spec, name, read, live)
                return self._entry_parts(value, spec, name, read)
            case Instance():
                return self._entry_object(value, spec, name, read)
            case Alike():
                return self._entry_alike(value, spec, name, read, live)
        assert isinstance(value, Value)
        self.unit.given.append(value)
        if value.type.kind in MUTABLE:
            cell = Cell(name, param=True)
            self._everywhere(cell, value)
            return Obj(cell)
        return value

    def _entry_alike(self, value: Atom, spec: Alike, name: str, read: Read, live: Any) -> Ref:
        assert isinstance(value, Value)
        if isinstance(read.root, Capture) and not read.steps:
            self.unit.reads.append(replace(read, kind=kind_of(live)))
        if spec.known.holds_records:
            self.unit.lists.append((read, spec.known))
        if len(spec.value) <= UNROLLED:
            DESCRIBED.get(Described()).can_be_taken_apart = True
        self.unit.given.append(value)
        cell = Cell(name, param=True)
        cell.apart = True
        self._everywhere(cell, value)
        for state in self.state.all:  # the caller has it as long as this runs
            state.vars[self.scope, f"$given:{len(self.unit.given)}"] = Obj(cell)
        return Obj(cell)

    def _entry_parts(self, value: Atom, spec: Parts, name: str, read: Read) -> Ref:
        self.followed(spec.kind)
        if spec.exact is not None:
            self.unit.reads.append(replace(read, kind=spec.exact, look=kind_of_each))
        items: list[Ref] = []
        for key, part in zip(spec.keys, spec.items, strict=True):
            if isinstance(part, Const):
                items.append(part)
                continue
            with self.at_entry():
                item = self.b.call(operator.getitem, value, Const(key), type=form_of(part))
            inner = Read(read.root, (*read.steps, (False, key)), None)
            items.append(self.entry(item, part, str(key), inner))
        if issubclass(spec.kind, tuple):
            return Tup(tuple(items), spec.kind)
        cell = Cell(name, param=True)
        if spec.kind is list:
            self._everywhere(cell, Items(tuple(items), value))
        else:
            factory = None if spec.factory is None else Const(spec.factory)
            pairs = tuple(zip(spec.keys, items, strict=True))
            self._everywhere(cell, Entries(pairs, value, spec.kind, factory))
        return Obj(cell)

    def _deferred(self, value: Atom, spec: Parts, name: str, read: Read, live: Any) -> Ref:
        assert isinstance(value, Value)
        fresh = Value(value.name, Type("list" if spec.kind is list else "dict"), value.named)
        instr = self.b.defs.get(value)
        if instr is not None:
            self.unit.entry[self.unit.entry.index(instr)] = changed = replace(instr, outs=(fresh,))
            self.b.defs[fresh] = changed
        cell = Cell(name, param=True)
        cell.live = Live(live, fresh, name, read, -1, spec=spec)
        self._everywhere(cell, fresh)
        self.unit.reads.append(replace(read, kind=spec.kind, look=type))
        return Obj(cell)

    def looked_into(self, ref: Ref) -> None:
        """Describe the items of a list or dict of the caller's, if it was not done, and none is written."""
        live = ref.cell.live if isinstance(ref, Obj) else None
        if not isinstance(ref, Obj) or not isinstance(live, Live) or live.spec is None:
            return
        if ref.cell in self.unit.written:
            return
        spec, live.spec = live.spec, None
        self.unit.reads.append(replace(live.read, kind=kind_of(live.value)))
        made = self._entry_parts(live.atom, spec, ref.cell.name, live.read)
        assert isinstance(made, Obj)
        self._everywhere(ref.cell, self.state.heap[made.cell])

    def _entry_object(self, value: Atom, spec: Instance, name: str, read: Read) -> Ref:
        self.followed(type(spec.value))
        found = self.unit.instances.get(id(spec.value))
        self.unit.objects.append(replace(read, kind=type(spec.value)))
        first = None if found is None else found.cell.live.place
        self.unit.same.append(len(self.unit.same) if first is None else first)
        if found is None:
            cell = Cell(name, param=True)
            cell.live = Live(spec.value, value, spec.name, read, len(self.unit.same) - 1)
            self._everywhere(cell, Entries((), value, type(spec.value)))
            found = self.unit.instances[id(spec.value)] = Obj(cell)
        return found

    @contextmanager
    def at_entry(self) -> Iterator[None]:
        """Instructions built inside stand ahead of the whole program."""
        outer, self.b.body = self.b.body, self.unit.entry
        try:
            yield
        finally:
            self.b.body = outer

    def _everywhere(self, cell: Cell, content: Content) -> None:
        """A cell that was there at entry, found only now."""
        for state in self.state.all:
            state.heap[cell] = content

    def _expanded(self, ref: Obj, name: str) -> Ref | None:
        """An attribute of a caller's object that is read, or about to be written, for the first time."""
        live: Live | None = ref.cell.live
        if live is None or name in live.seen:
            return None
        live.seen.add(name)
        held = getattr(live.value, "__dict__", {})
        static = class_attribute(type(live.value), name)
        if name not in held and not isinstance(static, types.MemberDescriptorType) and not is_live(static):
            return None
        try:
            value = getattr(live.value, name)
        except AttributeError:
            return None
        spec = describe(value, f"{live.name}.{name}")
        read = Read(live.read.root, (*live.read.steps, (True, name)), kind_of(value))
        deferred = isinstance(spec, Parts) and spec.kind in (list, dict)
        if not deferred:
            self.unit.reads.append(read)
        if isinstance(spec, Const):
            found: Ref = spec
        else:
            with self.at_entry():
                atom = self.b.call(getattr, live.atom, Const(name), name=name, type=form_of(spec))
            if isinstance(atom, Value):
                atom = self._unnamed(atom)
            found = self.entry(atom, spec, name, read, value)
        grown: dict[Entries, Entries] = {}
        for state in self.state.all:
            content = state.heap.get(ref.cell)
            if isinstance(content, Entries) and content.get(name) is None:
                if content not in grown:
                    grown[content] = replace(content, entries=(*content.entries, (name, found)))
                state.heap[ref.cell] = grown[content]
        return found

    def _unnamed(self, value: Value) -> Value:
        """The same value under a name that the printer is free to write out."""
        instr = self.unit.entry.pop()
        fresh = Value(value.name, value.type)
        self.unit.entry.append(replace(instr, outs=(fresh,)))
        self.b.defs[fresh] = self.unit.entry[-1]  # type: ignore[assignment]
        return fresh

    def whole_object(self, ref: Ref) -> Entries:
        """The content of a dict, or of an object, all of its attributes read."""
        if isinstance(ref, View):
            return self.attributes(ref)
        assert isinstance(ref, Obj)
        content = self.state.heap[ref.cell]
        assert isinstance(content, Entries)
        if not content.is_dict and dataclasses.is_dataclass(content.cls):
            for field in dataclasses.fields(content.cls):
                self._expanded(ref, field.name)
            content = self.state.heap[ref.cell]
            assert isinstance(content, Entries)
            order = [f.name for f in dataclasses.fields(content.cls)]
            entries = dict(content.entries)
            pairs = tuple((n, entries[n]) for n in order if n in entries)
            content = replace(content, entries=pairs)
        elif not content.is_dict and ref.cell.live is not None:
            for name in getattr(ref.cell.live.value, "__dict__", {}):
                self._expanded(ref, name)
            content = self.state.heap[ref.cell]
            assert isinstance(content, Entries)
        return content

    # -- what is differentiated with respect to -------------------------------------------------------------

    def picked(self, ref: Ref, place: Place) -> Any:
        """The values inside an argument, or an attribute of it, in the structure of their derivative."""
        for k, step in enumerate(place.steps):
            self.looked_into(ref)
            content = self.content(ref)
            if isinstance(content, Value) and content.type.kind == "list":
                return self._inside(content, place.steps[k:], place)
            ref = self._step(ref, step, place)
        return self.derivative_of(ref)

    def _inside(self, whole: Value, steps: tuple[str, ...], place: Place) -> Each:
        """A part of a list whose items are not known one by one."""
        known, path = whole.type, list[Any]()
        for step in steps:
            number = int(step) if step.lstrip("-").isdigit() else None
            items = known.items or ()
            keys = known.keys if known.is_record else tuple(key for key, _ in known.entries or ())
            if known.kind == "list" and number is not None and known.elem is not None:
                path.append(number)
                known = known.elem
            elif known.kind == "tuple" and number is not None and number in range(-len(items), len(items)):
                path.append(number)
                known = items[number]
            elif keys and step in keys:
                path.append(keys.index(step) if known.is_record else step)
                known = known.attribute(step) if known.is_record else known.at(step)
            else:
                raise self._no_such(step, place)
        self._of_dataclasses(known, ".".join(map(str, place.steps)))
        return Each(whole, path=tuple(path), part=known)

    def _step(self, ref: Ref, step: str, place: Place) -> Ref:
        self.looked_into(ref)
        items = ref.items if isinstance(ref, Tup) else None
        content = self.content(ref)
        number = int(step) if step.lstrip("-").isdigit() else None
        if isinstance(content, Items):
            items = content.items
        if items is not None and number is not None and -len(items) <= number < len(items):
            return items[number]
        if isinstance(ref, Tup) and step in getattr(ref.cls, "_fields", ()):
            return ref.items[ref.cls._fields.index(step)]  # type: ignore[attr-defined]
        if isinstance(content, Entries):
            assert isinstance(ref, Obj)
            found = content.get(step) if content.is_dict else content.get(step) or self._expanded(ref, step)
            if found is None and number is not None:
                found = content.get(number)
            if found is not None:
                return found
        raise self._no_such(step, place)

    def _no_such(self, step: str, place: Place) -> WrongArgument:
        return WrongArgument(
            f"`argnums` names `{'.'.join(map(str, place.steps))}`, and there is no `{step}`",
            self.span(),
            "Name attributes, keys and positions, with dots between.",
        )

    def derivative_of(self, ref: Ref) -> Any:
        if isinstance(ref, Const):
            return None
        if isinstance(ref, Value):
            return ref
        if isinstance(ref, Tup):
            return (ref.cls, tuple(range(len(ref.items))), tuple(map(self.derivative_of, ref.items)), None)
        self.looked_into(ref)
        content = self.content(ref)
        if isinstance(content, (Items, Entries)):
            assert isinstance(ref, Obj)
            if ref.cell in self.unit.picking:
                raise WrongArgument(
                    "there is no gradient with respect to objects that refer to each other", self.span(),
                    f'Name their attributes, `argnums="{ref.cell.name}.w"`.',
                )  # fmt: skip
            self.unit.picking.append(ref.cell)
            try:
                return self._picked_parts(ref, content)
            finally:
                self.unit.picking.pop()
        if not isinstance(content, Value) or not is_built(content.type):
            return content
        assert isinstance(ref, Obj)
        self._of_dataclasses(content.type, f"{ref.cell.name}.0")
        return Each(content)

    def _picked_parts(self, ref: Obj, content: Items | Entries) -> Any:
        if isinstance(content, Entries):
            return self._picked_object(ref, content)
        parts = tuple(map(self.derivative_of, content.items))
        return (list, tuple(range(len(parts))), parts, None)

    def _picked_object(self, ref: Obj, content: Entries) -> Any:
        cls = content.cls
        registered = REGISTERED.get(cls)
        if registered is not None:
            flatten, unflatten = registered
            flat = self.invoke(Const(flatten), [ref], {})
            pair = self.static_items(flat)
            items = self.static_items(pair[0]) if pair is not None and len(pair) == 2 else None
            if pair is None or items is None:
                raise WrongArgument(
                    f"`{flatten.__name__}`, registered for `{cls.__name__}`, returns (items, the rest)"
                )
            parts = tuple(map(self.derivative_of, items))
            return (tuple, tuple(range(len(items))), parts, (unflatten, self.atom(pair[1])))
        if content.is_dict:
            parts = tuple(map(self.derivative_of, content.refs))
            factory = None if content.factory is None else (cls, self.atom(content.factory))
            return (cls, content.keys, parts, factory)
        if not dataclasses.is_dataclass(cls):
            raise self._no_gradient(cls, f"{ref.cell.name}.w")
        content = self.whole_object(ref)
        return (cls, content.keys, tuple(map(self.derivative_of, content.refs)), None)

    def _of_dataclasses(self, known: Type, place: str) -> None:
        """Refuse a derivative with respect to objects that cannot be made of their attributes."""
        cls = next((c for c in classes_in(known) if not dataclasses.is_dataclass(c)), None)
        if cls is not None:
            raise self._no_gradient(cls, f"{place}.w")

    def _no_gradient(self, cls: type, place: str) -> WrongArgument:
        return WrongArgument(
            f"there is no gradient with respect to an object of class `{cls.__name__}` as a whole",
            self.span(),
            f'Name its attributes, `argnums="{place}"`, or call `register_container`.',
        )

    # -- what is captured -----------------------------------------------------------------------------------

    def captured_object(self, name: str, value: Any, scope: Any) -> Ref:
        """A container or an object from the globals, a closure, or what a method is bound to."""
        if is_object(value) and id(value) in self.unit.instances:
            return self.unit.instances[id(value)]
        capture = Capture(name, scope)
        key = (id(scope), name)
        if key not in self.unit.captures:
            spec = describe(value, name)
            param = Value(self._free_name(name), form_of(spec), named=True)
            capture = Capture(name, scope, param.name)
            ref = self.entry(param, spec, name, Read(capture, (), None), value)
            if isinstance(ref, Obj) and isinstance(ref.cell.live, Live) and ref.cell.live.spec is not None:
                assert isinstance(ref.cell.live.atom, Value)
                param = ref.cell.live.atom
            self.unit.captures[key] = (capture, param, ref)
        return self.unit.captures[key][2]

    def _free_name(self, name: str) -> str:
        taken = {*self.unit.parameters, *(c.label for c, _, _ in self.unit.captures.values())}
        found, number = name, 1
        while found in taken:
            number += 1
            found = f"{name}_{number}"
        return found

    def constant_object(self, value: Any) -> Ref:
        """An object found as a constant: a bound method's own, an attribute of a class."""
        cell = self.unit.session.cell_of(value)
        return self.captured_object(type(value).__name__.lower(), value, cell)

    # -- attributes -----------------------------------------------------------------------------------------

    def class_of(self, ref: Ref) -> type | None:
        """The class of an object whose attributes are known by name; None if this is none."""
        if isinstance(ref, View):
            known = self.type_of(ref)
            return known.cls if known.is_record else None
        content = self.content(ref)
        if self._read_alone(ref):
            return self.type_of(ref).cls
        return content.cls if isinstance(content, Entries) and not content.is_dict else None

    def _read_alone(self, ref: Ref) -> bool:
        """Is this an object that may be None, or one of several, read where it is asked for?"""
        content = self.content(ref) if isinstance(ref, Obj) else None
        return isinstance(content, Value) and content.type.is_record

    def object_content(self, ref: Ref) -> Entries | None:
        if isinstance(ref, View) and self.type_of(ref).is_record:
            return self.attributes(ref)
        content = self.content(ref)
        return content if isinstance(content, Entries) and not content.is_dict else None

    def object_attribute(self, ref: Obj | View, attr: str, name: str = "") -> Ref:
        """`obj.attr`, by Python's order: properties, the object's own attributes, those of its classes."""
        cls = self.class_of(ref)
        assert cls is not None
        static = class_attribute(cls, attr)
        if isinstance(static, property):
            self.guard_attribute(cls, attr, static)
            assert static.fget is not None
            return self.user_call(static.fget, [ref], {}, name)
        if goes_first(static) and descriptor(static, "__get__"):
            return self.bound_to(cls, attr, static, ref, name)
        found: Ref | None = None
        if isinstance(ref, Obj) and self._read_alone(ref):
            known, whole = self.type_of(ref), self.whole(ref)
            if attr in (known.keys or ()):
                part = self.b.call(getattr, whole, Const(attr), type=known.attribute(attr), name=name)
                found = self.own(part, name)
                for cell in self.cells(found):
                    cell.outside = ITEM
                    self.found_inside(cell, {ref.cell})
        elif isinstance(ref, Obj):
            content = self.object_content(ref)
            found = content.get(attr) if content is not None else None
            found = found or self._expanded(ref, attr)
        elif attr in (self.type_of(ref).keys or ()):
            found = self.part_of(ref, attr, self.type_of(ref).attribute(attr), name)
        if found is UNBOUND_REF:
            raise self.refuse(f"`{attr}` of this object has no value here", "Assign it on every path.")
        if found is not None:
            return found
        if isinstance(static, functools.cached_property):
            self.guard_attribute(cls, attr, static)
            value = self.user_call(static.func, [ref], {}, name)
            self._put(ref, attr, value)
            return value
        if attr == "__class__":
            return Const(cls)
        if static is NOTHING:
            if class_attribute(cls, "__getattr__") is not NOTHING:
                raise self.refuse(f"`{cls.__name__}` finds `{attr}` by `__getattr__`", "Name the attribute.")
            raise self.refuse(f"`{cls.__name__}` has no attribute `{attr}` here")
        return self.bound_to(cls, attr, static, ref, name)

    def bound_to(self, cls: type, attr: str, static: Any, receiver: Ref | None, name: str = "") -> Ref:
        """What a class holds under a name, as it is found from an object, or from the class itself."""
        if descriptor(static, "__get__"):
            return self.by_descriptor(cls, attr, "__get__", receiver or Const(None), Const(cls), name=name)
        if isinstance(static, (types.MemberDescriptorType, property)):
            raise self.refuse(f"`{attr}` of this object has no value here", "Assign it first.")
        self.guard_attribute(cls, attr, static)
        if isinstance(static, staticmethod):
            return Const(static.__func__)
        if isinstance(static, classmethod):
            return Bound(Const(cls), attr, static.__func__)
        if isinstance(static, types.FunctionType):
            return Const(static) if receiver is None else Bound(receiver, attr, static)
        if hasattr(type(static), "lowered"):  # a derivative is a function like any other
            return Const(static) if receiver is None else Applied(Const(static), (receiver,), ())
        if is_live(static):
            owner = next(c for c in cls.__mro__ if attr in vars(c))
            return self.outside(attr, static, owner)
        if is_object(static) or isinstance(static, (list, dict)):
            return self.constant_object(static)
        if hasattr(type(static), "__get__") and not callable(static):
            raise self.refuse(f"`{attr}` is a descriptor", "Use a property.")
        if receiver is not None and hasattr(type(static), "__get__") and not isinstance(static, type):
            if isinstance(static, types.BuiltinFunctionType):
                return Const(static)
            raise self.refuse(f"the method `{attr}` has no source to read", "Write it out.")
        return Const(static)

    def by_descriptor(self, cls: type, attr: str, method: str, *args: Ref, name: str = "") -> Ref:
        """An attribute is found, written or deleted by a method of what the class holds under its name."""
        static = class_attribute(cls, attr)
        fn = descriptor(static, method)
        if fn is None:
            raise self.refuse(f"`{attr}` is found by a descriptor without `{method}`", "Define it.")
        self.guard_attribute(cls, attr, static)
        self.guard_attribute(type(static), method, fn)
        return self.user_call(fn, [self.constant_object(static), *args], {}, name)

    def guard_attribute(self, cls: type, attr: str, static: Any) -> None:
        if not self.unit.rule and not is_live(static):
            self.unit.session.guard(attr, cls, static)

    def set_attribute(self, ref: Ref, attr: str, value: Ref) -> None:
        """`obj.attr = value`."""
        cls = self.class_of(ref)
        if attr in WRITTEN_WHOLE and self.type_of(ref).kind == "array":
            self.set_item(self.attribute(ref, attr), Const(WRITTEN_WHOLE[attr]), value)
            return
        if cls is None or not isinstance(ref, (Obj, View)) or self._read_alone(ref):
            raise self.refuse(
                f"an attribute of {article(self.type_of(ref).kind)} is written",
                "Keep the value in a variable.",
            )
        own = class_attribute(cls, "__setattr__")
        if own is not object.__setattr__:
            if dataclasses.is_dataclass(cls) and cls.__dataclass_params__.frozen:  # type: ignore[attr-defined]
                raise self.refuse(
                    f"`{cls.__name__}` is frozen, and `{attr}` is written", "Use `dataclasses.replace`."
                )
            raise self.refuse(f"`{cls.__name__}` defines `__setattr__`", "Write the attributes as they are.")
        self.set_as_object(ref, attr, value)

    def is_written_by(self, ref: Ref, attr: str) -> bool:
        """Does the class of an object have its own way to write this attribute?"""
        cls = self.class_of(ref)
        classes: tuple[type, ...] = () if cls is None else getattr(cls, "members", (cls,))
        return any(
            written_by(c, attr) or class_attribute(c, "__setattr__") is not object.__setattr__
            for c in classes
        )

    def set_as_object(self, ref: Obj | View, attr: str, value: Ref) -> None:
        """`object.__setattr__(obj, attr, value)`: by a property or a descriptor, where the class has one."""
        cls = self.class_of(ref)
        static = NOTHING if cls is None else class_attribute(cls, attr)
        if isinstance(static, property):
            assert cls is not None
            if static.fset is None:
                raise self.refuse(f"the property `{attr}` has no setter")
            self.guard_attribute(cls, attr, static)
            self.user_call(static.fset, [ref, value], {}, "")
        elif goes_first(static):
            assert cls is not None
            self.by_descriptor(cls, attr, "__set__", ref, value)
        elif cls is not None and not has_place_for(cls, attr):
            raise self.refuse(f"`{cls.__name__}` has no slot for `{attr}`", "Name it in `__slots__`.")
        else:
            self._put(ref, attr, value)

    def _put(self, ref: Obj | View, attr: str, value: Ref) -> None:
        """Write an attribute, whatever the class says about it."""
        ref = self.as_item(ref)
        if isinstance(ref, View):
            self._put_inside(ref, attr, value)
            return
        self._expanded(ref, attr)
        content = self.object_content(ref)
        assert content is not None
        entries = dict(content.entries)
        entries[attr] = value
        self.change(ref, replace(content, entries=tuple(entries.items())), setattr, Const(attr), value)

    def _put_inside(self, ref: View, attr: str, value: Ref) -> None:
        """Write an attribute of an object that is inside a container."""
        if attr not in (self.type_of(ref).keys or ()):
            raise self.refuse(
                f"an object in a list is given an attribute `{attr}`, which it was made without",
                "Set it in `__init__`.",
            )
        part = self.as_item(ref)
        assert isinstance(part, View)
        atom = self.whole(value)
        known = self.widened(self.type_of(part)).with_attribute(attr, atom.type)
        self.stored(part, setattr, Const(attr), atom, type=known)
        self.keep(part.root.cell, part.path, [(value, Step(getattr, (Const(attr),)))])

    def widened(self, known: Type) -> Type:
        raise NotImplementedError

    def delete_attribute(self, ref: Ref, attr: str) -> None:
        content = self.object_content(ref)
        if content is None or not isinstance(ref, Obj):
            raise self.refuse("`del` of an attribute of something that is no object known here")
        cls = content.cls
        static = class_attribute(cls, attr)
        if class_attribute(cls, "__delattr__") is not object.__delattr__:
            raise self.refuse(f"`{cls.__name__}` defines `__delattr__`", "Call a method that does the same.")
        if isinstance(static, property):
            if static.fdel is None:
                raise self.refuse(f"the property `{attr}` has no deleter")
            self.guard_attribute(cls, attr, static)
            self.user_call(static.fdel, [ref], {}, "")
            return
        if goes_first(static):
            self.by_descriptor(cls, attr, "__delete__", ref)
            return
        self.object_attribute(ref, attr)
        content = self.object_content(ref)
        assert content is not None
        entries = dict(content.entries)
        entries[attr] = UNBOUND_REF
        self.change(ref, replace(content, entries=tuple(entries.items())), delattr, Const(attr))

    def found_in(self, cls: type, attr: str) -> Any:
        found = class_attribute(cls, attr)
        if found is NOTHING:
            raise self.refuse(f"`{cls.__name__}` has no attribute `{attr}`")
        return found

    # -- making objects -------------------------------------------------------------------------------------

    def instantiate(self, cls: type, args: list[Ref], kwargs: dict[str, Ref], name: str) -> Ref:
        """`cls(*args, **kwargs)` of a class written in Python."""
        self.followed(cls)
        if isinstance(class_attribute(cls, "__del__"), types.FunctionType):
            raise self.refuse(
                f"`{cls.__name__}` defines `__del__`, which is called when its object is no longer used",
                "Call a method where it is to be done.",
            )
        if issubclass(cls, tuple):
            names = self.bind_arguments(cls, args, kwargs)
            return Tup(tuple(r for _, r in names), cls)
        if type(cls).__call__ is not type.__call__ or class_attribute(cls, "__new__") is not object.__new__:
            raise self.refuse(
                f"`{cls.__name__}` makes its objects by `__new__` or a metaclass", "Use `__init__`."
            )
        if getattr(cls, "__abstractmethods__", None):
            raise self.refuse(f"`{cls.__name__}` has abstract methods")
        return self.made_by_init(cls, args, kwargs, name)

    def followed(self, cls: type) -> None:
        """Refuse objects of a class that are not what is read of them."""
        said = None if self.unit.rule else unfollowed(cls)
        if said is not None:
            raise self.refuse(*said)

    def instance_of(self, cls: type, classes: Any) -> bool:
        """`isinstance` of an object of class `cls`."""
        known = is_instance(cls, classes)
        if known is None:
            raise self.refuse(
                "a class has its own way to say what is an instance of it",
                "Compare the class: `type(p) is Circle`.",
            )
        return known

    def made_by_init(self, cls: type, args: list[Ref], kwargs: dict[str, Ref], name: str) -> Ref:
        """A new object of a class, with the attributes that `__init__` gives it."""
        ref = self.state.new(Entries((), None, cls), name or cls.__name__.lower())
        init = class_attribute(cls, "__init__")
        if init is object.__init__:
            if args or kwargs:
                raise self.refuse(f"`{cls.__name__}()` takes no arguments")
            return ref
        if dataclasses.is_dataclass(cls) and generated(init):
            self._init_dataclass(ref, cls, args, kwargs)
            return ref
        if not isinstance(init, types.FunctionType):
            raise self.refuse(f"`{cls.__name__}.__init__` has no source to read")
        self.guard_attribute(cls, "__init__", init)
        self.user_call(init, [ref, *args], kwargs, "")
        return ref

    def _init_dataclass(self, ref: Obj, cls: type, args: list[Ref], kwargs: dict[str, Ref]) -> None:
        fields = {f.name: f for f in dataclasses.fields(cls)}
        given = dict(self.bind_arguments(cls, args, kwargs, defaults=False))
        entries: list[tuple[str, Ref]] = []
        extra: list[Ref] = []
        for name, field in fields.items():
            if name in given:
                entries.append((name, given[name]))
            elif field.default is not dataclasses.MISSING:
                entries.append((name, self._default(name, field.default)))
            elif field.default_factory is not dataclasses.MISSING:
                entries.append((name, self.invoke(Const(field.default_factory), [], {}, name)))
        for n, parameter in inspect.signature(cls).parameters.items():
            if n not in fields:  # an `InitVar`
                extra.append(given[n] if n in given else self._default(n, parameter.default))
        frozen = cls.__dataclass_params__.frozen  # type: ignore[attr-defined]
        own = not frozen and class_attribute(cls, "__setattr__") is not object.__setattr__
        if own or any(written_by(cls, name) for name, _ in entries):
            for name, value in entries:
                (self.set_as_object if frozen else self.set_attribute)(ref, name, value)
        else:
            self.state.heap[ref.cell] = Entries(tuple(entries), None, cls)
        after = class_attribute(cls, "__post_init__")
        if after is not NOTHING:
            self.guard_attribute(cls, "__post_init__", after)
            self.user_call(after, [ref, *extra], {}, "")

    def replaced(self, args: list[Ref], kwargs: dict[str, Ref], name: str) -> Ref:
        """`dataclasses.replace(obj, **changes)`."""
        content = self.object_content(args[0])
        if content is None or not dataclasses.is_dataclass(content.cls):
            raise self.refuse("`replace` of something that is no dataclass known here")
        content = self.whole_object(args[0])
        fields = [f.name for f in dataclasses.fields(content.cls) if f.init]
        values = {n: r for n, r in content.entries if n in fields}
        return self.instantiate(content.cls, [], {**values, **kwargs}, name)

    def record_type(self, content: Entries) -> Type:
        """The type of a local object as one value."""
        names = attributes_in_order(content)
        refs = [content.get(n) or UNBOUND_REF for n in names]
        inner = map(self.object_content, refs)
        types = tuple(
            self.type_of(ref) if part is None else self.record_type(part)
            for ref, part in zip(refs, inner, strict=True)
        )
        return Type("object", items=types, keys=names, cls=content.cls)

    def one_value(self, ref: Ref, inside: tuple[Cell, ...] = ()) -> Ref:
        """An object as one value, for a function whose source is not read; anything else as it is.

        One of the caller's is the caller's, which is known to have the attributes that it has here: what
        moves of it are those.
        """
        content = self.object_content(ref)
        if content is None or not isinstance(ref, Obj):
            return ref
        if ref.cell.seen is not None:
            return ref.cell.seen
        live: Live | None = ref.cell.live
        for name in attributes_of(live.value) if live is not None else ():
            self._expanded(ref, name)
        content = self.object_content(ref)
        assert content is not None
        if ref.cell in inside:
            raise self.refuse(
                f"an object of class `{content.cls.__name__}` holds itself, and is given to what has a rule",
                "Hand on what is read of it.",
            )
        items = [self._attribute_value(ref, name, (*inside, ref.cell)) for name in content.keys]
        if live is None:
            content = replace(content, entries=tuple(zip(content.keys, items, strict=True)), handle=None)
            return self.packed_object(content)
        known = Type("object", items=tuple(a.type for a in items), keys=tuple(content.keys), cls=content.cls)
        names = Const(tuple(content.keys))
        return self.b.call(pack_object, live.atom, names, *items, type=known, name=live.name)

    def _attribute_value(self, ref: Obj, name: str, inside: tuple[Cell, ...]) -> Atom:
        """An attribute as one value. A constant of the caller's that was written is none any longer."""
        content = self.object_content(ref)
        assert content is not None
        part = content.get(name)
        if part is None or part is UNBOUND_REF:
            cls = content.cls.__name__
            raise self.refuse(
                f"an object of class `{cls}` without its `{name}` is given to what has a rule",
                "Hand on what is read of it.",
            )
        if isinstance(part, Const) and ref.cell.live is not None:
            as_it_was = getattr(ref.cell.live.value, name, NOTHING) is part.value
            return part if as_it_was else self.b.call(literal, part, type=part.type)
        return self.atom(self.one_value(part, inside))

    def packed_object(self, content: Entries) -> Atom:
        cls = content.cls
        if cls is Queue:  # for all that is not done to it here, it is a list
            return self.atom(content.get("items") or UNBOUND_REF)
        names = attributes_in_order(content)
        plain = all(c is object or c.__flags__ & _HEAP_TYPE for c in cls.__mro__)
        unknown = content.handle is not None or any(content.get(n) in (None, UNBOUND_REF) for n in names)
        if unknown or not plain:
            raise self.refuse(
                f"an object of class `{cls.__name__}` is used as a value", "Use its attributes."
            )
        atoms = [self.atom(content.get(n)) for n in names]  # type: ignore[arg-type]
        known = Type("object", items=tuple(a.type for a in atoms), keys=names, cls=cls)
        return self.b.call(pack_object, Const(maker_of(cls)), Const(names), *atoms, type=known)

    # -- calls and operators --------------------------------------------------------------------------------

    def special_method(self, ref: Ref, method: str) -> Ref | None:
        """A method such as `__add__`, looked up in the object's class; None if there is none."""
        cls = self.class_of(ref)
        if cls is not None:
            static = class_attribute(cls, method)
            if static is NOTHING or static is None or static is getattr(object, method, NOTHING):
                return None
            return self.bound_to(cls, method, static, ref)
        if isinstance(ref, Tup) and ref.cls is not tuple:
            static = class_attribute(ref.cls, method)
            if isinstance(static, types.FunctionType):
                return self.bound_to(ref.cls, method, static, ref)
        return None

    def operated(self, op: Any, left: Ref, right: Ref, name: str, inplace: bool = False) -> Ref | None:
        """`left op right` by the methods of an object; None if neither is one."""
        if self.class_of(left) is None and self.class_of(right) is None:
            if not any(isinstance(r, Tup) and r.cls is not tuple for r in (left, right)):
                return None
        stem = DUNDERS[op]
        tries = [(left, f"__{stem}__", right), (right, f"__r{stem}__", left)]
        if inplace:
            tries.insert(0, (left, f"__i{stem}__", right))
        a, b = self.class_of(left), self.class_of(right)
        if a is not None and b is not None and a is not b and issubclass(b, a):
            tries[-2:] = tries[-2:][::-1]
        for receiver, method, other in tries:
            fn = self.special_method(receiver, method)
            if fn is None:
                continue
            result = self.invoke(fn, [other], {}, name)
            if not (isinstance(result, Const) and result.value is NotImplemented):
                return result
        if isinstance(left, Tup) or isinstance(right, Tup):
            return None
        classes = " and ".join(f"`{c.__name__}`" for c in (a, b) if c is not None)
        raise self.refuse(f"{classes} has no `__{stem}__` for this operand")

    def compared(self, op: Any, left: Ref, right: Ref, name: str) -> Ref | None:
        """`left < right` by the methods of an object; None if neither is one."""
        a, b = self.class_of(left), self.class_of(right)
        if a is None and b is None:
            return None
        ahead, back = COMPARISONS[op]
        for receiver, method, other in ((left, ahead, right), (right, back, left)):
            cls = self.class_of(receiver)
            if cls is None:
                continue
            static = class_attribute(cls, method)
            if generated(static):
                if a is b:
                    self.guard_attribute(cls, method, static)
                    return self.by_fields(op, static, left, right)
                continue
            fn = self.special_method(receiver, method)
            if fn is not None:
                result = self.invoke(fn, [other], {}, name)
                if not (isinstance(result, Const) and result.value is NotImplemented):
                    return result
        if op is operator.ne:
            equal = self.compared(operator.eq, left, right, "")
            return None if equal is None else self.own(self.b.call(operator.not_, self.atom(equal)))
        if op is operator.eq:
            return self._same_object(left, right)
        raise self.refuse("these objects have no order")

    def _same_object(self, left: Ref, right: Ref) -> Ref:
        """Are these the same object, one of which is an object? An array is compared item by item."""
        for ref in (left, right):
            if self.class_of(ref) is None and self.type_of(ref).kind in ("array", "unknown", "object"):
                raise self.refuse("an object is compared to what is none", "Compare its attributes.")
        both = self.class_of(left) is not None and self.class_of(right) is not None
        if both or any(isinstance(r, Const) and r.value is None for r in (left, right)):
            return self._identity(left, right, False)
        return Const(False)

    def user_call(self, fn: Any, args: list[Ref], kwargs: dict[str, Ref], name: str) -> Ref:
        raise NotImplementedError

    def bind_arguments(
        self, fn: Any, args: list[Ref], kwargs: dict[str, Ref], defaults: bool = True
    ) -> list[tuple[str, Ref]]:
        raise NotImplementedError

    def _default(self, name: str, value: Any) -> Ref:
        raise NotImplementedError

    def called_object(self, ref: Ref, args: list[Ref], kwargs: dict[str, Ref], name: str) -> Ref | None:
        """`obj(...)`."""
        cls = self.class_of(ref)
        if cls is None:
            return None
        fn = self.special_method(ref, "__call__")
        if fn is None:
            raise self.refuse(f"an object of class `{cls.__name__}` is called, and has no `__call__`")
        return self.invoke(fn, args, kwargs, name)

    def super_of(self, args: list[Ref]) -> Ref:
        """`super()`: the object, seen from the class after the one whose method this is."""
        fn = self.source.fn
        if args:
            owner = self.constant(args[0])
            receiver: Ref | None = args[1] if len(args) > 1 else None
            cls = None if owner is None else owner.value
        else:
            free = fn.__code__.co_freevars
            cells = fn.__closure__ or ()
            cls = cells[free.index("__class__")].cell_contents if "__class__" in free else None
            receiver = self.state.vars.get((self.scope, fn.__code__.co_varnames[0]))
        if cls is None or receiver is None:
            raise self.refuse("`super()` outside of a method")
        return Super(receiver, cls)

    def super_attribute(self, ref: Super, attr: str) -> Ref:
        cls = self.class_of(ref.receiver)
        if cls is not None:
            pass
        elif isinstance(ref.receiver, Const) and isinstance(ref.receiver.value, type):
            cls = ref.receiver.value
        else:
            raise self.refuse("`super()` of something that is no object known here")
        after = cls.__mro__[cls.__mro__.index(ref.owner) + 1 :]
        for base in after:
            if attr in vars(base):
                static = vars(base)[attr]
                if static is object.__init__:
                    return Const(nothing)
                if isinstance(static, property):
                    assert static.fget is not None
                    return self.user_call(static.fget, [ref.receiver], {}, "")
                if isinstance(static, functools.cached_property):
                    raise self.refuse(
                        f"`super().{attr}` is a cached property", "Call a method that computes it."
                    )
                if dataclasses.is_dataclass(base) and attr == "__init__" and generated(static):
                    return Bound(ref.receiver, attr, base)
                if isinstance(static, classmethod):
                    return Bound(Const(cls), attr, static.__func__)
                return self.bound_to(base, attr, static, ref.receiver)
        raise self.refuse(f"`super()` has no attribute `{attr}`")

    def copied(self, ref: Ref, deep: bool, name: str, known: dict[Any, Ref] | None = None) -> Ref:
        """`copy.copy(x)` and `copy.deepcopy(x)`, of what is known item by item.

        `known`: the copies that were made so far, since what is found twice is copied once.
        """
        if known is None:
            known = {}
        key = ref.cell if isinstance(ref, Obj) else ref
        if key not in known:
            copy = self._copied(ref, deep, name, known)
            known[key] = copy
        return known[key]

    def _copied(self, ref: Ref, deep: bool, name: str, known: dict[Any, Ref]) -> Ref:
        match ref:
            case Const() | Value():
                return ref
            case Tup(items, cls):
                if says_how_to_copy(cls):
                    raise self.refuse(f"`{cls.__name__}` says how it is copied", "Make the copy itself.")
                return Tup(tuple(self.copied(r, True, "", known) for r in items), cls) if deep else ref
            case Closure() | Bound():
                return ref
        content = self.content(ref)
        if isinstance(ref, View) and self.type_of(ref).is_record:
            content = self.attributes(ref)
        if isinstance(content, Entries) and isinstance(ref, (Obj, View)):
            if not content.is_dict:
                if says_how_to_copy(content.cls):
                    raise self.refuse(
                        f"`{content.cls.__name__}` says how it is copied", "Make the copy itself."
                    )
                content = self.whole_object(ref)
            made = self.state.new(replace(content, handle=None), name)
            if deep:
                known[ref.cell if isinstance(ref, Obj) else ref] = made
                pairs = tuple((k, self.copied(r, True, "", known)) for k, r in content.entries)
                self.state.heap[made.cell] = replace(content, entries=pairs, handle=None)
            return made
        if isinstance(content, Items):
            made = self.state.new(replace(content, handle=None), name)
            if deep:
                known[ref.cell if isinstance(ref, Obj) else ref] = made
                items = tuple(self.copied(r, True, "", known) for r in content.items)
                self.state.heap[made.cell] = replace(content, items=items, handle=None)
            return made
        kind = self.type_of(ref).kind
        if kind == "array":
            return self.own(self.b.call(np.copy, self.atom(ref), name=name), name)
        if kind == "list" and not deep:
            return self.own(self.b.call(list, self.atom(ref), name=name), name)
        if kind == "dict" and (not deep or (self.type_of(ref).elem or Type()).is_scalar):
            given = self.invoke(Const(dict), [ref], {}, name)
            if isinstance(ref, Obj) and isinstance(given, Obj):
                given.cell.factory = ref.cell.factory
            return given
        raise self.refuse(f"`copy` of {article(kind)} is not differentiated yet", "Use its own `.copy()`.")


@dataclasses.dataclass(slots=True, eq=False)
class Live:
    """A caller's object at hand while its program is compiled: where it is found, and what was read of it."""

    value: Any
    atom: Atom
    name: str
    read: Read
    place: int  # among the objects that the program was given
    seen: set[str] = dataclasses.field(default_factory=set)
    spec: Parts | None = None  # of a list or dict whose items have not been looked at


def attributes_in_order(content: Entries) -> tuple[str, ...]:
    """The attributes of a local object, in the order in which it is made as one value."""
    if is_keyworded(content.cls):
        return tuple(f.name for f in dataclasses.fields(content.cls))
    return content.keys


def is_live(value: Any) -> bool:
    """Is this an attribute of a class that is read at every call?"""
    return isinstance(value, (float, complex, np.ndarray, np.generic)) and not isinstance(value, bool)


def written_by(cls: type, attr: str) -> bool:
    """Is this attribute written by a property or a descriptor?"""
    static = class_attribute(cls, attr)
    return isinstance(static, property) or goes_first(static)


def nothing(*args: Any, **kwargs: Any) -> None:
    """What `object.__init__` does."""


def generated(fn: Any) -> bool:
    """Is this a method that `dataclass` wrote?"""
    code = getattr(inspect.unwrap(fn) if callable(fn) else fn, "__code__", None)
    return code is not None and code.co_filename == "<string>"
