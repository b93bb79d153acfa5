"""Facts of tuples, lists and slices, and of what makes them."""

from __future__ import annotations

import builtins

from ..ir.graph import Atom, Const, literal, pack_dict, pack_list, pack_slice, pack_tuple, unpack
from ..ir.types import INT, RANGE, UNKNOWN, Type, join
from ..rules.definitions import place_of_largest, place_of_smallest, places_in_order
from .shapes_core import NO, Undecided, constant, element, facts, integer, is_integer
from .shapes_lengths import ANY_INT

SEQUENCES = ("tuple", "list")


def tuple_of(*items: Type) -> Type:
    shape = (ANY_INT,) * len(items) if items and all(map(is_integer, items)) else None
    return Type("tuple", items=items, shape=shape)


def list_of(*items: Type) -> Type:
    elem = items[0] if items else None
    for item in items[1:]:
        elem = join(elem, item) if elem is not None else item
    return Type("list", items=items, elem=elem)


def item_type(atom: Atom) -> Type:
    """The type of an item of an index or a tuple: a slice or an ellipsis that is known stays known."""
    if isinstance(atom, Const):
        if isinstance(atom.value, slice):
            fields = (atom.value.start, atom.value.stop, atom.value.step)
            return slice_of(*map(Const, fields))
        if atom.value is Ellipsis:
            return Type("object", items=())
    return atom.type


def slice_of(*fields: Atom) -> Type:
    """A slice as an object whose `items` are its fields, a known integer carried as a `shape`."""
    items = []
    for field in fields:
        value = integer(field)
        items.append(field.type if value is None else Type("int", shape=(value,)))
    return Type("object", items=tuple(items))


@facts(pack_tuple)
def _(*items: Atom) -> Type:
    types = tuple(map(item_type, items))
    if not all(map(is_integer, types)):
        return Type("tuple", items=types)
    values = (integer(item) for item in items)
    return Type("tuple", items=types, shape=tuple(ANY_INT if v is None else v for v in values))


@facts(unpack)
def _(items: Atom, count: Atom) -> Type:
    t = items.type
    if t.kind in SEQUENCES and t.items is not None:
        return Type("tuple", items=t.items)
    return Type("tuple", items=tuple(element(t) for _item in range(constant(count))))


@facts(literal)
def _(value: Atom) -> Type:
    return value.type


@facts(pack_list)
def _(*items: Atom) -> Type:
    return list_of(*(item.type for item in items))


@facts(pack_dict)
def _(keys: Atom, *items: Atom) -> Type:
    entries = zip(keys.value, (item.type for item in items), strict=True) if isinstance(keys, Const) else None
    elem = list_of(*(item.type for item in items)).elem
    return Type("dict", elem=elem, entries=None if entries is None else tuple(entries))


@facts(pack_slice)
def _(start: Atom, stop: Atom, step: Atom = NO) -> Type:
    return slice_of(start, stop, step)


@facts(builtins.list)
def _(iterable: Atom | None = None) -> Type:
    if iterable is None:
        return list_of()
    if iterable.type.items is not None and iterable.type.kind in SEQUENCES:
        return list_of(*iterable.type.items)
    return Type("list", elem=_element_or_none(iterable.type))


@facts(builtins.tuple)
def _(iterable: Atom | None = None) -> Type:
    if iterable is None:
        return tuple_of()
    t = iterable.type
    if t.kind in SEQUENCES and t.items is not None:
        return Type("tuple", items=t.items, shape=t.shape if t.kind == "tuple" else None)
    return Type("tuple")


@facts(builtins.sorted)
def _(iterable: Atom, *, key: Atom = NO, reverse: Atom = NO) -> Type:
    return Type("list", elem=_element_or_none(iterable.type))


@facts(places_in_order)
def _(keys: Atom, reverse: Atom) -> Type:
    return Type("list", elem=INT)


@facts(place_of_largest, place_of_smallest)
def _(keys: Atom) -> Type:
    return INT


@facts(builtins.dict)
def _(*args: Atom, **kwargs: Atom) -> Type:
    return Type("dict")


def _element_or_none(t: Type) -> Type | None:
    try:
        elem = element(t)
    except Undecided:
        return None
    return None if elem is UNKNOWN else elem


@facts(builtins.range)
def _(start: Atom, stop: Atom = NO, step: Atom = NO) -> Type:
    return RANGE


def joined_list(x: Type, y: Type) -> Type:
    if x.items is not None and y.items is not None:
        return list_of(*x.items, *y.items)
    if () in (x.items, y.items):
        return Type("list", elem=y.elem if x.items == () else x.elem)
    return Type("list", elem=None if x.elem is None or y.elem is None else join(x.elem, y.elem))


def repeated(x: Type, times: int | None) -> Type:
    if x.items is not None and times is not None and len(x.items) * times <= 64:
        items = x.items * times
        return list_of(*items) if x.kind == "list" else tuple_of(*items)
    return Type("list", elem=x.elem) if x.kind == "list" else Type("tuple")
