"""Builtins and library functions of containers and objects that the frontend understands itself.

    getattr(layer, "W"); dataclasses.replace(p, x=1.0); dict(a=1.0); sorted(names, key=len)

Each takes the lowering, the references of the arguments, and the name that the result will have; it returns a
reference, or None to be called as any library function is.
"""

from __future__ import annotations

import ast
import bisect
import builtins
import copy
import dataclasses
import functools
import operator
from collections import OrderedDict, defaultdict, deque
from typing import Any

from ..ir.graph import Const, Value
from ..ir.types import SCALARS, Type
from ..rules.definitions import DEFINITIONS, dict_of_keys, dict_of_pairs, itself, places_in_order, unread
from ..rules.queues import Queue
from ..rules.sets import Members, members_of
from .arguments import NOTHING, REGISTERED, class_attribute
from .core import UnknownSetError
from .heap import (
    UNBOUND_REF,
    Applied,
    Bound,
    Closure,
    Conflict,
    Derived,
    Entries,
    Items,
    Obj,
    Pulled,
    Ref,
    Sequence,
    Tup,
    View,
)
from .hooks import goes_first
from .iteration import iterated
from .source import read_source
from .trees import tree_map

Args = list[Ref]
Named = dict[str, Ref]


def _getattr(frame: Any, args: Args, kwargs: Named, name: str) -> Ref | None:
    attr = frame.constant(args[1])
    if attr is None:
        raise frame.refuse("`getattr` of a name that is not known here", "Write the attribute out.")
    if len(args) > 2 and not _has(frame, args[0], attr.value):
        return args[2]
    found: Ref = frame.attribute(args[0], attr.value, name)
    return found


def _tree_map(frame: Any, args: Args, kwargs: Named, name: str) -> Ref:
    """`tree_map(f, tree, *rest)`: a call of `f` for each number and array in the tree."""
    if kwargs or len(args) < 2:
        raise frame.refuse("`tree_map` takes its arguments by position", "Write `tree_map(f, tree, *rest)`.")
    return _mapped(frame, args[0], args[1], args[2:])


def _mapped(frame: Any, fn: Ref, tree: Ref, rest: Args) -> Ref:
    inside = _inside(frame, tree)
    if inside is None:
        known = frame.type_of(tree)
        if known.kind in ("list", "dict", "tuple", "object", "unknown"):
            raise frame.refuse(
                "`tree_map` of what is not known item by item", "Write a loop, or a comprehension."
            )
        if known.numeric_dtype is None or known.numeric_dtype.kind not in "fc":
            return tree
        found: Ref = frame.invoke(fn, [tree, *rest], {})
        return found
    keys, items, content = inside
    others = []
    for other in rest:
        same = _inside(frame, other)
        if same is None or same[0] != keys:
            raise frame.refuse(
                "`tree_map` of containers that differ in structure", "Give them the same keys and lengths."
            )
        others.append(same[1])
    made = [_mapped(frame, fn, item, list(more)) for item, *more in zip(items, *others, strict=True)]
    if isinstance(tree, Tup):
        return Tup(tuple(made), tree.cls)
    if isinstance(content, Items):
        built: Ref = frame.state.new(Items(tuple(made), None, content.cls))
    else:
        built = frame.state.new(Entries(tuple(zip(keys, made, strict=True)), None, content.cls))
    return built


def _inside(frame: Any, tree: Ref) -> tuple[tuple[Any, ...], tuple[Ref, ...], Any] | None:
    """The keys and the items of a container that is known item by item, and its content."""
    if isinstance(tree, Tup):
        return tuple(range(len(tree.items))), tree.items, None
    content = frame.content(tree) if isinstance(tree, Obj) else None
    if isinstance(content, Items):
        return tuple(range(len(content.items))), content.items, content
    if not isinstance(content, Entries):
        return None
    if content.cls in REGISTERED or not (content.is_dict or dataclasses.is_dataclass(content.cls)):
        raise frame.refuse(
            f"`tree_map` of an object of class `{content.cls.__name__}` is not differentiated",
            "Map its attributes one by one.",
        )
    whole = content if content.is_dict else frame.whole_object(tree)
    return whole.keys, whole.refs, whole


def _of_each_class(special: Any) -> Any:
    """Asked of an object of one of several classes: asked of one of each."""

    def lowered(frame: Any, args: Args, kwargs: Named, name: str) -> Ref | None:
        if not args or frame.undecided(args[0]) is None:
            return special(frame, args, kwargs, name)  # type: ignore[no-any-return]
        rest = args[1:]
        found: Ref = frame.by_class(args[0], lambda seen: special(frame, [seen, *rest], kwargs, name), name)
        return found

    return lowered


def _has(frame: Any, ref: Ref, attr: str) -> bool:
    family = frame.family_of(frame.class_of(ref))
    if family is not None:
        return bool(family.has(frame.class_of(ref), attr))
    content = frame.object_content(ref)
    if content is None:
        if isinstance(ref, Const):
            return hasattr(ref.value, attr)
        raise frame.refuse("whether this has such an attribute is not known here", "Write it out.")
    static = class_attribute(content.cls, attr)
    if goes_first(static):
        raise frame.refuse(f"whether there is `{attr}` is said by a descriptor", "Read it without asking.")
    found = content.get(attr) or (frame._expanded(ref, attr) if isinstance(ref, Obj) else None)
    if found in (None, UNBOUND_REF) and class_attribute(content.cls, "__getattr__") is not NOTHING:
        raise frame.refuse(f"`{content.cls.__name__}` finds `{attr}` by `__getattr__`", "Name the attribute.")
    return found is not UNBOUND_REF and (found is not None or static is not NOTHING)


def _hasattr(frame: Any, args: Args, kwargs: Named, name: str) -> Ref | None:
    attr = frame.constant(args[1])
    if frame.object_content(args[0]) is None or attr is None:
        return None
    return Const(_has(frame, args[0], attr.value))


def _setattr(frame: Any, args: Args, kwargs: Named, name: str) -> Ref:
    attr = frame.constant(args[1])
    if attr is None:
        raise frame.refuse("`setattr` of a name that is not known here", "Write the attribute out.")
    frame.set_attribute(args[0], attr.value, args[2])
    return Const(None)


def _put(frame: Any, args: Args, kwargs: Named, name: str) -> Ref:
    """`object.__setattr__(self, "name", value)`, as frozen dataclasses do it."""
    attr = frame.constant(args[1])
    if attr is None or frame.object_content(args[0]) is None:
        raise frame.refuse("`object.__setattr__` of a name that is not known here")
    frame.set_as_object(args[0], attr.value, args[2])
    return Const(None)


def _delattr(frame: Any, args: Args, kwargs: Named, name: str) -> Ref:
    attr = frame.constant(args[1])
    if attr is None:
        raise frame.refuse("`delattr` of a name that is not known here", "Write the attribute out.")
    frame.delete_attribute(args[0], attr.value)
    return Const(None)


def class_of(frame: Any, ref: Ref) -> type | None:
    """The class of what a reference is, where it is a container or an object known here, and not None."""
    if isinstance(ref, Tup):
        return ref.cls
    if frame.type_of(ref).maybe_unbound:
        return None
    content = frame.object_content(ref) or frame.content(ref)
    return content.cls if isinstance(content, (Items, Entries)) else None


def _type(frame: Any, args: Args, kwargs: Named, name: str) -> Ref | None:
    cls = class_of(frame, args[0]) if len(args) == 1 else None
    return None if cls is None else Const(cls)


NOT_CALLED = SCALARS | {"array", "list", "tuple", "dict", "str"}


def _callable(frame: Any, args: Args, kwargs: Named, name: str) -> Ref | None:
    if isinstance(args[0], (Closure, Bound, Applied, Derived, Pulled)):
        return Const(True)
    if isinstance(args[0], Value) and args[0].type.kind in NOT_CALLED:
        return Const(False)
    content = frame.object_content(args[0])
    cls = class_of(frame, args[0]) if content is None else content.cls
    return None if cls is None else Const(class_attribute(cls, "__call__") is not NOTHING)


def _vars(frame: Any, args: Args, kwargs: Named, name: str) -> Ref:
    content = frame.object_content(args[0]) if args else None
    if content is None:
        raise frame.refuse(
            "a function that looks at its own names or runs text is not differentiated", "Write it out."
        )
    content = frame.whole_object(args[0])
    copied: Obj = frame.state.new(Entries(content.entries), name)
    copied.cell.outside = "`vars(...)` is written here"
    return copied


def _copy(deep: bool) -> Any:
    def lowered(frame: Any, args: Args, kwargs: Named, name: str) -> Ref:
        found: Ref = frame.copied(args[0], deep, name)
        return found

    return lowered


def _replace(frame: Any, args: Args, kwargs: Named, name: str) -> Ref:
    found: Ref = frame.replaced(args, kwargs, name)
    return found


def _fields_of(frame: Any, ref: Ref) -> Entries:
    content = frame.object_content(ref)
    if content is None or not dataclasses.is_dataclass(content.cls):
        raise frame.refuse("this is no dataclass known here")
    whole: Entries = frame.whole_object(ref)
    return whole


def _asdict(frame: Any, args: Args, kwargs: Named, name: str) -> Ref:
    def plain(ref: Ref) -> Ref:
        content = frame.object_content(ref)
        if content is not None and dataclasses.is_dataclass(content.cls):
            whole = _fields_of(frame, ref)
            made: Ref = frame.state.new(Entries(tuple((k, plain(r)) for k, r in whole.entries)))
            return made
        held = frame.content(ref)
        if isinstance(held, Entries):
            return frame.state.new(Entries(tuple((k, plain(r)) for k, r in held.entries), None, held.cls))  # type: ignore[no-any-return]
        if isinstance(held, Items):
            return frame.state.new(Items(tuple(map(plain, held.items))))  # type: ignore[no-any-return]
        if isinstance(ref, Tup):
            return Tup(tuple(map(plain, ref.items)), ref.cls)
        return frame.copied(ref, True, "")  # type: ignore[no-any-return]

    _fields_of(frame, args[0])
    return plain(args[0])


def _astuple(frame: Any, args: Args, kwargs: Named, name: str) -> Ref:
    def plain(ref: Ref) -> Ref:
        content = frame.object_content(ref)
        if content is not None and dataclasses.is_dataclass(content.cls):
            return Tup(tuple(plain(r) for r in _fields_of(frame, ref).refs))
        held = frame.content(ref)
        if isinstance(held, Items):
            return frame.state.new(Items(tuple(map(plain, held.items))))  # type: ignore[no-any-return]
        if isinstance(ref, Tup):
            return Tup(tuple(map(plain, ref.items)), ref.cls)
        return frame.copied(ref, True, "")  # type: ignore[no-any-return]

    return plain(args[0])


def _fields(frame: Any, args: Args, kwargs: Named, name: str) -> Ref | None:
    cls = args[0].value if isinstance(args[0], Const) else class_of(frame, args[0])
    return Const(dataclasses.fields(cls)) if isinstance(cls, type) and dataclasses.is_dataclass(cls) else None


def _dict(frame: Any, args: Args, kwargs: Named, name: str) -> Ref | None:
    entries: dict[Any, Ref] = {}
    if args:
        found = frame.entries_of(args[0])
        if found is None:
            return _dict_of_others(frame, args[0], kwargs, name)
        entries.update(found)
    entries.update(kwargs)
    made: Ref = frame.dict_of(dict, None, entries, name)
    return made


def _dict_of_others(frame: Any, given: Ref, kwargs: Named, name: str) -> Ref | None:
    """`dict(given)` where the keys are not known here."""
    known = frame.type_of(given)
    if known.kind == "dict":
        if isinstance(given, (Obj, View)):
            frame.leaked(given)
        made: Ref = frame.own(frame.b.call(dict, frame.whole(given), type=known, name=name), name)
    elif isinstance(given, Sequence) or known.kind in ("list", "tuple"):
        made = frame.defined(dict_of_pairs, [given], {}, name)
    else:
        return None
    if kwargs:
        frame.invoke(Bound(made, "update"), [], kwargs)
    return made


def _ordered(frame: Any, args: Args, kwargs: Named, name: str) -> Ref | None:
    entries = frame.entries_of(args[0]) if args else {}
    if entries is None:
        return _dict_of_others(frame, args[0], kwargs, name)
    made: Ref = frame.dict_of(OrderedDict, None, {**entries, **kwargs}, name)
    return made


def _default_dict(frame: Any, args: Args, kwargs: Named, name: str) -> Ref | None:
    entries = frame.entries_of(args[1]) if len(args) > 1 else {}
    if entries is None or not args:
        return None
    made: Ref = frame.dict_of(defaultdict, args[0], {**entries, **kwargs}, name)
    return made


def _fromkeys(frame: Any, args: Args, kwargs: Named, name: str) -> Ref | None:
    keys = frame.items_of(args[0])
    known = None if keys is None else [frame.constant(k) for k in keys]
    value = args[1] if len(args) > 1 else Const(None)
    if known is None or any(k is None for k in known):
        return frame.defined(dict_of_keys, [args[0], value], {}, name)  # type: ignore[no-any-return]
    made: Ref = frame.dict_of(dict, None, {k.value: value for k in known}, name)
    return made


def _set(cls: type) -> Any:
    def lowered(frame: Any, args: Args, kwargs: Named, name: str) -> Ref | None:
        if frame.unit.session.sets:
            return frame.made_by_init(Members, args, kwargs, name)  # type: ignore[no-any-return]
        items = frame.items_of(args[0]) if args else ()
        known = None if items is None else [frame.constant(i) for i in items]
        if known is None or any(k is None for k in known):
            raise UnknownSetError
        given = frame.constant(args[0]) if args else None
        if args and frame.type_of(args[0]).kind == "dict":
            values = set(dict.fromkeys(k.value for k in known if k is not None))
        elif given is not None and isinstance(given.value, (set, frozenset, dict)):
            values = set(given.value)
        else:
            values = set()
            for k in known:
                values.add(k.value if k is not None else None)
        found: Ref = frame.state.new(Items(frame.set_in_order(values), None, set), name)
        return found if cls is set else Const(frozenset(frame.constant(found).value))

    return lowered


def _sorted(frame: Any, args: Args, kwargs: Named, name: str) -> Ref | None:
    items = frame.items_of(args[0])
    if items is None and (frame.type_of(args[0]).elem or Type()).kind in ("tuple", "list"):
        return frame.defined(DEFINITIONS[sorted], args, {"key": Const(itself), **kwargs}, name)  # type: ignore[no-any-return]
    if items is None:
        return None
    by = kwargs.get("key", Const(None))
    plain = isinstance(by, Const) and by.value is None
    if plain and any(frame.constant(i) is None for i in items):
        if not any(isinstance(i, Tup) for i in items):
            return None
        return frame.defined(DEFINITIONS[sorted], args, {**kwargs, "key": Const(itself)}, name)  # type: ignore[no-any-return]
    ordered = frame.sorted_items(items, kwargs)  # which may leave another state
    if ordered is None:
        return None
    made: Ref = frame.state.new(Items(ordered), name)
    return made


def _places_in_order(frame: Any, args: Args, kwargs: Named, name: str) -> Ref | None:
    keys = frame.items_of(args[0])
    known = None if keys is None else [frame.constant(key) for key in keys]
    backwards = frame.constant(args[1])
    if known is None or backwards is None or any(key is None for key in known):
        return None
    places = places_in_order([key.value for key in known if key is not None], bool(backwards.value))
    made: Ref = frame.state.new(Items(tuple(map(Const, places))), name)
    return made


def _list(frame: Any, args: Args, kwargs: Named, name: str) -> Ref | None:
    if not args:
        return frame.state.new(Items(()), name)  # type: ignore[no-any-return]
    items = frame.items_of(args[0])
    if items is not None:
        return frame.state.new(Items(items), name)  # type: ignore[no-any-return]
    iterated = frame.items_of_object(args[0])
    if iterated is not None:
        return _list(frame, [iterated], kwargs, name)
    if isinstance(args[0], Obj) and frame.type_of(args[0]).kind == "list":
        atom = frame.atom(args[0])
        return frame.own(frame.b.call(list, atom, type=frame.type_of(args[0]), name=name))  # type: ignore[no-any-return]
    return None


def _tuple(frame: Any, args: Args, kwargs: Named, name: str) -> Ref | None:
    if not args:
        return Tup(())
    items = frame.items_of(args[0])
    if items is not None:
        return Tup(items)
    iterated = frame.items_of_object(args[0])
    return None if iterated is None else _tuple(frame, [iterated], kwargs, name)


def _any_all(fn: Any) -> Any:
    def lowered(frame: Any, args: Args, kwargs: Named, name: str) -> Ref | None:
        items = frame.items_of(args[0])
        known = None if items is None else [frame.constant(i) for i in items]
        if known is None or any(k is None for k in known):
            return None
        return Const(fn(k.value for k in known))

    return lowered


def _map(frame: Any, args: Args, kwargs: Named, name: str) -> Ref | None:
    columns = [frame.items_of(a) for a in args[1:]]
    if any(c is None for c in columns):
        return None
    rows = zip(*columns, strict=False)
    return Tup(tuple(frame.invoke(args[0], list(row), {}) for row in rows))


def _filter(frame: Any, args: Args, kwargs: Named, name: str) -> Ref | None:
    items = frame.items_of(args[1])
    if items is None:
        return None
    kept = []
    for item in items:
        by = args[0]
        test = item if isinstance(by, Const) and by.value is None else frame.invoke(by, [item], {})
        known = frame.constant(frame.truth(test))
        if known is None:
            return None
        if known.value:
            kept.append(item)
    return Tup(tuple(kept))


def _reduce(frame: Any, args: Args, kwargs: Named, name: str) -> Ref | None:
    items = frame.items_of(args[1])
    if items is None:
        return None
    rest = list(items)
    total: Ref = args[2] if len(args) > 2 else rest.pop(0)
    for item in rest:
        total = frame.invoke(args[0], [total, item], {})
    return total


def _attrgetter(fn: Any) -> Any:
    def lowered(frame: Any, args: Args, kwargs: Named, name: str) -> Ref | None:
        known = [frame.constant(a) for a in args]
        if any(k is None for k in known):
            return None
        return Const(fn(*(k.value for k in known)))

    return lowered


def _partial(frame: Any, args: Args, kwargs: Named, name: str) -> Ref:
    return Applied(args[0], tuple(args[1:]), tuple(kwargs.items()))


def _iter(frame: Any, args: Args, kwargs: Named, name: str) -> Ref | None:
    items = frame.items_of(args[0]) if len(args) == 1 else None
    if items is not None:
        return Tup(items, lists=frame.lists_of(args[0]))
    if len(args) == 1 and (isinstance(args[0], Sequence) or frame.type_of(args[0]).kind in ("list", "array")):
        return frame.generated(read_source(iterated), None, [("items", args[0])])  # type: ignore[no-any-return]
    return None


def _extreme(fn: Any) -> Any:
    """`max` and `min` of tuples, which are compared item by item."""

    def lowered(frame: Any, args: Args, kwargs: Named, name: str) -> Ref | None:
        items = tuple(args) if len(args) > 1 else frame.items_of(args[0])
        elem = frame.type_of(args[0]).elem or Type()
        if not (any(isinstance(i, Tup) for i in items) if items is not None else elem.kind == "tuple"):
            return None
        return frame.defined(DEFINITIONS[fn], args, {**kwargs, "key": Const(itself)}, name)  # type: ignore[no-any-return]

    return lowered


def _unread(frame: Any, args: Args, kwargs: Named, name: str) -> Ref:
    return Conflict(frame.constant(args[0]).value, frame.b.line)


def _identity(frame: Any, args: Args, kwargs: Named, name: str) -> Ref | None:
    if class_of(frame, args[0]) is None:
        return None
    raise frame.refuse("`id` of a container or an object", "Compare with `is`.")


def _insort(place: Any) -> Any:
    """`bisect.insort(items, x)`: the item is inserted at its place."""

    def lowered(frame: Any, args: Args, kwargs: Named, name: str) -> Ref:
        items, item, *bounds = args
        key = kwargs.get("key")
        sought = item if key is None else frame.invoke(key, [item], {}, "")
        at = frame.invoke(Const(place), [items, sought, *bounds], dict(kwargs), "")
        inserted: Ref = frame.invoke(Bound(items, "insert"), [at, item], {}, "")
        return inserted

    return lowered


def _members_of(frame: Any, args: Args, kwargs: Named, name: str) -> Ref:
    marks: Ref = frame.attribute(args[0], "marks") if frame.class_of(args[0]) is Members else args[0]
    return marks


def _deque(frame: Any, args: Args, kwargs: Named, name: str) -> Ref:
    made: Ref = frame.made_by_init(Queue, args, kwargs, name)
    return made


def _isinstance(frame: Any, args: Args, kwargs: Named, name: str) -> Ref | None:
    classes, cls = frame.constant(args[1]), class_of(frame, args[0])
    known = frame.type_of(args[0])
    if classes is not None and frame.undecided(args[0]) is not None:
        return frame.one_of(args[0], classes.value)  # type: ignore[no-any-return]
    if classes is not None and known.is_record and known.maybe_unbound:
        none = frame.instance_of(type(None), classes.value)
        if not frame.instance_of(known.cls, classes.value):
            return Const(none)
        is_it: Ref = frame.is_there(args[0])
        return Const(True) if none else is_it
    if classes is None or cls is None:
        return None
    return Const(frame.instance_of(cls, classes.value))


def _comparison(op: type[ast.cmpop]) -> Any:
    """`operator.eq(p, q)` and its like, of what holds objects."""

    def lowered(frame: Any, args: Args, kwargs: Named, name: str) -> Ref | None:
        if len(args) != 2 or not any(map(frame.holds_object, args)):
            return None
        left, right = args[::-1] if op is ast.In else args
        return frame._compare(op(), left, right, name)  # type: ignore[no-any-return]

    return lowered


def _among(method: str) -> Any:
    """`operator.countOf(items, p)` and `operator.indexOf(items, p)`, of objects."""

    def lowered(frame: Any, args: Args, kwargs: Named, name: str) -> Ref | None:
        if len(args) != 2 or not any(map(frame.holds_object, args)):
            return None
        return frame.invoke(frame.attribute(args[0], method), args[1:], {}, name)  # type: ignore[no-any-return]

    return lowered


def _hash(frame: Any, args: Args, kwargs: Named, name: str) -> Ref | None:
    if frame.special_method(args[0], "__hash__") is None and any(map(frame.holds_object, args)):
        raise frame.refuse("`hash` of an object, or of a container of some", "Give the objects numbers.")
    return None


SPECIAL: dict[Any, Any] = {
    operator.eq: _comparison(ast.Eq), operator.ne: _comparison(ast.NotEq), operator.lt: _comparison(ast.Lt),
    operator.le: _comparison(ast.LtE), operator.gt: _comparison(ast.Gt), operator.ge: _comparison(ast.GtE),
    operator.is_: _comparison(ast.Is), operator.is_not: _comparison(ast.IsNot),
    operator.contains: _comparison(ast.In), operator.countOf: _among("count"), hash: _hash,
    operator.indexOf: _among("index"),
    tree_map: _tree_map,
    getattr: _of_each_class(_getattr), setattr: _setattr, hasattr: _of_each_class(_hasattr),
    delattr: _delattr, type: _of_each_class(_type), callable: _of_each_class(_callable),
    vars: _vars, copy.copy: _copy(False), copy.deepcopy: _copy(True),
    dataclasses.replace: _replace, dataclasses.asdict: _asdict, dataclasses.astuple: _astuple,
    dataclasses.fields: _fields, dict: _dict, OrderedDict: _ordered, defaultdict: _default_dict,
    dict.fromkeys: _fromkeys, set: _set(set), frozenset: _set(frozenset), sorted: _sorted,
    places_in_order: _places_in_order, unread: _unread, list: _list,
    tuple: _tuple, any: _any_all(any), all: _any_all(all), map: _map, filter: _filter,
    functools.reduce: _reduce, functools.partial: _partial, id: _identity, object.__setattr__: _put,
    operator.attrgetter: _attrgetter(operator.attrgetter),
    operator.itemgetter: _attrgetter(operator.itemgetter), builtins.isinstance: _isinstance,
    bisect.insort_right: _insort(bisect.bisect_right), bisect.insort_left: _insort(bisect.bisect_left),
    members_of: _members_of, builtins.iter: _iter, max: _extreme(max), min: _extreme(min), deque: _deque,
}  # fmt: skip
