"""The adjoint of containers whose items are not known one by one: lists that grow, dicts with run-time keys.

    rows.append(row)          row_bar = rows_bar.pop()
    total += memo[k]          memo_bar[k] = memo_bar.get(k, 0.0) + total_bar
    memo[k] = v               v_bar = memo_bar.pop(k, 0.0)

The cotangent of a list is a list of as many cotangents, that of a dict a dict. Every change is undone by its
mirror image: what was appended is popped, what was popped is put back, with nothing flowing to it.
"""

from __future__ import annotations

import builtins
import copy
import operator
from typing import Any

import numpy as np

from ..errors import NoRule
from ..frontend.build import Builder
from ..ir.graph import (
    Atom,
    Call,
    Const,
    For,
    Method,
    Region,
    Step,
    Store,
    Value,
    pack_dict,
    pack_object,
    pack_slice,
    pack_tuple,
    part_type,
)
from ..ir.types import INT, OBJECT, Type, element_of
from ..ir.walk import operands, values
from ..rules.containers import copy_of, entry, keys_of, sum_of, values_of, with_keys, zeros_of
from .cotangents import Cotangent, bar, changed_kind, mirror, mirrored, place_of, way_back
from .reverse import Sweep

CONTAINERS = frozenset({"list", "dict"})
# What shows the elements of an array in another form, and what shows those of its cotangent in that form.
SHOWN: dict[Any, Any] = {
    fn: fn for fn in (
        np.transpose, np.swapaxes, np.ndarray.T, np.ndarray.mT, np.ndarray.transpose, np.ndarray.swapaxes,
        np.ndarray.flat,
    )
}  # fmt: skip
RESHAPES = frozenset({np.reshape, np.ndarray.reshape})
SHOWN.update(dict.fromkeys((np.ravel, np.ndarray.ravel, np.ndarray.flatten, *RESHAPES), np.ndarray.flat))
BACK = slice(None, None, -1)


def is_basic(index: Atom, b: Builder) -> bool:
    """Does this select by position, so that an array shows a part of itself?"""
    if isinstance(index, Const):
        many = index.value if isinstance(index.value, tuple) else (index.value,)
        return all(n is None or n is ... or type(n) in (int, slice) for n in many)
    made = b.made_by(index, pack_tuple)
    if made is not None:
        return all(is_basic(a, b) for a in made.args)
    return index.type.kind == "int" or b.made_by(index, pack_slice) is not None


def maps(base: Atom, index: Atom) -> bool:
    """Is this a dict, as its type says or as the key does that it is read at?"""
    text = isinstance(index, Const) and isinstance(index.value, str)
    return base.type.kind == "dict" or text and base.type.kind == "unknown"


class ContainerSweep(Sweep):
    def contained(self, instr: Call, cts: list[Cotangent]) -> bool:
        """Append the adjoint of a call on a list or dict; False if it is of another kind."""
        fn = instr.fn
        base = instr.args[0] if instr.args else None
        if fn in (operator.getitem, getattr) and base is not None and base.type.keys is not None:
            index = instr.args[1]
            assert isinstance(index, Const)
            inside = self.home(base) if self.inside and isinstance(base, Value) else None
            if inside is not None:
                outer, path = inside
                self.added_inside(outer, path, index, self.cts.whole(cts[0], instr.outs[0]), instr.outs[0])
                return True
            parts: list[Cotangent | None] = [None] * len(base.type.keys)
            parts[base.type.keys.index(index.value)] = cts[0]
            self.cts.add(base, tuple(parts))
        elif fn is pack_dict:
            self.made_dict(instr, self.cts.whole(cts[0], instr.outs[0]))
        elif fn is pack_object:
            self.made_object(instr, cts[0])
        elif fn is sum_of:
            for arg in instr.args:
                self.cts.add(arg, cts[0])
        elif fn is values_of:
            whole = self.cts.whole(cts[0], instr.outs[0])
            keys = self.b.call(keys_of, instr.args[0], type=Type("list"))
            self.cts.add(instr.args[0], self.b.call(with_keys, keys, whole, type=mirror(instr.args[0].type)))
        elif fn in (builtins.list, builtins.dict) and base is not None and base.type.kind == fn.__name__:
            whole = self.cts.whole(cts[0], instr.outs[0])
            self.cts.add(base, self.b.call(fn, whole, type=whole.type))
        elif fn is builtins.tuple and base is not None and base.type.kind == "list":
            self.cts.add(base, self.cts.whole(cts[0], instr.outs[0]))
        elif fn in (builtins.list, builtins.tuple) and base is not None and base.type.kind == "array":
            self.cts.add(base, self.b.call(np.array, self.cts.whole(cts[0], instr.outs[0])))
        elif fn is with_keys:
            self.entries_of(instr, self.cts.whole(cts[0], instr.outs[0]))
        elif fn in (copy_of, copy.deepcopy, copy.copy) and base is not None and base.type.kind != "array":
            whole = self.cts.whole(cts[0], instr.outs[0])
            self.cts.add(base, self.b.call(copy_of, whole, type=whole.type))
        elif fn in (operator.getitem, entry) and base is not None:
            holds = base.type.kind in CONTAINERS or maps(base, instr.args[1])
            return holds and self.item_of(instr, cts[0])
        else:
            return False
        return True

    def entries_of(self, instr: Call, ct: Atom) -> None:
        """The adjoint of `dict(zip(keys, values))`: one cotangent for each of the values, in order."""
        keys, found = instr.args
        if not isinstance(found, Value) or found not in self.varied:
            return
        key, item = Value("key"), Value("item", element_of(found.type))
        with self.b.region() as body:
            read = self.b.call(entry, ct, key, self.cts.zero(item), type=mirror(item.type))
        out = Value(bar(found), Type("list", elem=read.type), True)
        needed = item in set(values(a for i in body for a in operands(i)))
        params, items = ((key, item), (keys, found)) if needed else ((key,), (keys,))
        region = Region(params, tuple(body), (Const(False), read))
        self.b.emit(For((out,), items, (), region, 1, False, self.b.line, object()))
        self.cts.add(found, out)

    def made_dict(self, instr: Call, ct: Atom) -> None:
        keys, *items = instr.args
        assert isinstance(keys, Const)
        for key, item in zip(keys.value, items, strict=True):
            if isinstance(item, Value) and item in self.varied:
                read = self.b.call(entry, ct, Const(key), self.cts.zero(item), type=mirror(item.type))
                self.cts.add(item, read)

    def made_object(self, instr: Call, ct: Cotangent) -> None:
        items = instr.args[2:]
        ct = self.cts.told(ct, instr.outs[0])
        for item, part in zip(items, self.cts.parts(ct, len(items)), strict=True):
            self.cts.add(item, part)

    def item_of(self, instr: Call, ct: Cotangent) -> bool:
        """`y = x[i]` of a list or a dict."""
        base, index = instr.args[0], instr.args[1]
        out = instr.outs[0]
        if not isinstance(base, Value) or base not in self.varied:
            return True
        sliced = isinstance(index, Const) and isinstance(index.value, slice)
        whole = self.cts.whole(ct, out)
        if sliced or self.b.made_by(index, pack_slice) is not None:
            if sliced and isinstance(index, Const) and index.value == BACK:
                self.cts.add(base, self.b.call(operator.getitem, whole, index, type=whole.type))
                return True
            zeros = self.cts.zero(base, bound=True)
            self.cts.add(base, self.b.store(operator.setitem, zeros, index, whole, name=bar(base)))
            return True
        wanted, found = out.type.dtype, whole.type.dtype
        if out.type.kind == whole.type.kind == "array" and wanted is not None and found is not None:
            if wanted != found:  # a list keeps what it is given
                whole = self.b.call(np.ndarray.astype, whole, Const(wanted))
        inside = self.home(base)
        if inside is not None:
            self.added_inside(*inside, index, whole, out)
            return True
        known = self.cts.take(base)
        fresh, mapping = known is None, maps(base, index)
        if known is not None:
            buffer = self.cts.whole(known, base)
        elif mapping and base.type.kind != "dict":
            buffer = self.b.call(pack_dict, Const(()), name=bar(base), type=Type("dict"))
        else:
            buffer = self.cts.zero(base, bound=True)
        if not fresh:
            read = entry if mapping else operator.getitem
            rest = (self.cts.zero(out),) if mapping else ()
            old = self.b.call(read, buffer, index, *rest, type=mirror(out.type))
            whole = self.cts.plus(old, whole, out)
        new = self.b.store(operator.setitem, buffer, index, whole, name=bar(base))
        self.cts.masked.add(new)
        self.cts.of[base] = new
        return True

    def home(self, base: Value) -> tuple[Value, tuple[Step, ...]] | None:
        """What this is an item or a view of, or an item of an item, and the way to it from there."""
        steps: list[Step] = []
        while (made := self.b.made_by(base, operator.getitem, getattr, *SHOWN)) is not None:
            outer, *index = made.args
            known = isinstance(outer, Value) and outer in self.varied and self.reachable(outer)
            if outer.type.kind == "array":
                steady = self.shows(made) and (self.local is None or base in self.local)
            else:
                steady = outer.type.is_record or outer.type.kind == "list" and not self.is_slice(index[0])
            if not known or not steady or steps and SHOWN.get(made.fn, made.fn) is np.ndarray.flat:
                break
            assert isinstance(outer, Value)
            fn = SHOWN.get(made.fn, made.fn)
            steps.insert(0, Step(fn, () if fn is np.ndarray.flat else tuple(index)))
            base = outer
        return (base, tuple(steps)) if steps else None

    def shows(self, made: Call) -> bool:
        """Is what this call makes of an array a view of it, one element of which is one of the array?"""
        if made.fn is operator.getitem:
            return is_basic(made.args[1], self.b)
        if self.cts.many:
            return False  # for many results at once, views have another axis
        if SHOWN.get(made.fn) is np.ndarray.flat:
            shape = made.args[1:] if made.fn in RESHAPES else ()
            return made.outs[0].type.rank == 1 and len(made.args) == 1 + len(shape) < 3 and not made.kwargs
        return made.fn in SHOWN and not made.kwargs

    def added_inside(
        self, base: Value, path: tuple[Step, ...], index: Atom, ct: Atom, out: Value
    ) -> None:
        """Add to the cotangent of a list what flows back to a part of one of its items."""
        held = part_type(base.type, path)
        base_kind = held.kind
        if held.is_record:
            index = place_of(held, index)
        known = self.cts.take(base)
        if path and base.type.is_record and (known is None or isinstance(known, tuple)):
            self.cts.of[base] = self.added_to_part(base, known, path, index, ct, out)
            return
        path = mirrored(base.type, path)
        buffer = self.cts.zero(base, bound=True) if known is None else self.cts.whole(known, base)
        if base_kind == "dict":
            part = self.part(buffer, path)
            old = self.b.call(entry, part, index, self.cts.zero(out), type=mirror(out.type))
            total = self.cts.plus(old, ct, out)
            new = self.b.store(operator.setitem, buffer, index, total, name=bar(base), path=path)
        elif out.type.is_scalar or out.type.kind == "array":
            place = (*path, Step(operator.getitem, (index,)))
            new = self.b.store(operator.iadd, buffer, ct, name=bar(base), path=place)
        else:
            old = self.b.call(operator.getitem, self.part(buffer, path), index, type=mirror(out.type))
            total = self.cts.plus(old, ct, out)
            new = self.b.store(operator.setitem, buffer, index, total, name=bar(base), path=path)
        self.cts.masked.add(new)
        self.cts.of[base] = new

    def added_to_part(
        self, base: Value, known: tuple[Cotangent | None, ...] | None, path: tuple[Step, ...], index: Atom,
        ct: Atom, out: Value,
    ) -> Cotangent:  # fmt: skip
        """The cotangents of the attributes of an object, that of one of them with more to a part of it."""
        (name,) = path[0].args
        assert isinstance(name, Const)
        part = self.b.call(getattr, base, name, type=base.type.attribute(name.value))
        assert isinstance(part, Value)
        parts = list(known or (None,) * len(base.type.items or ()))
        k = place_of(base.type, name).value
        before = parts[k]
        if before is not None:
            self.cts.of[part] = before
        self.varied.add(part)
        if len(path) == 1 and isinstance(index, Const) and part.type.is_record:
            inner: list[Cotangent | None] = [None] * len(part.type.items or ())
            inner[index.value] = ct
            self.cts.add(part, tuple(inner))
        else:
            self.added_inside(part, path[1:], index, ct, out)
        parts[k] = self.cts.take(part)
        return tuple(parts)

    def reachable(self, value: Value) -> bool:
        """May what flows back be added to the cotangent of this value where the sweep stands?"""
        return self.open is None or value in self.open

    def part(self, atom: Atom, path: tuple[Step, ...]) -> Atom:
        """The part of an object, or of its cotangent, that a path leads to."""
        for step in path:
            known = None
            if atom.type.kind in CONTAINERS:
                place, items = step.args[0], atom.type.items
                if items is not None and isinstance(place, Const) and isinstance(place.value, int):
                    known = mirror(items[place.value])
                else:
                    known = mirror(element_of(atom.type))
            atom = self.b.call(step.fn, atom, *step.args, kwargs=dict(step.kwargs), type=known)
        return atom

    # -- changes --------------------------------------------------------------------------------------------

    def container_store(self, instr: Store, cts: list[Cotangent]) -> bool:
        """Append the adjoint of a change of a list or dict; False if it is of another kind."""
        target, out = instr.target, instr.outs[0]
        kind = changed_kind(instr)
        if kind not in CONTAINERS | {"object"} or len(instr.outs) > 1:
            return False
        whole = self.cts.whole(cts[0], out)
        changes = {"list": self.changed_list, "dict": self.changed_dict, "object": self.changed_object}
        change = changes[kind](instr, whole)
        if isinstance(target, Value) and target in self.varied:
            known = self.cts.take(target)
            self.cts.of[target] = change
            self.cts.masked.add(change)
            if known is not None:
                self.cts.add(target, known)
        return True

    def changed_list(self, instr: Store, whole: Atom) -> Value:
        fn, args = instr.fn, instr.args
        path = way_back(instr)
        named = instr.target
        name = bar(named) if isinstance(named, Value) else "items_bar"

        def stored(fn: Any, *given: Atom) -> Value:
            return self.b.store(fn, whole, *given, name=name, path=path)

        def give(index: Atom, item: Atom) -> None:
            if isinstance(item, Value) and item in self.varied:
                part = self.part(whole, path)
                nested = item.type.kind in CONTAINERS or item.type.is_record
                # Where others are None, what flows back to an item may be the number 0.0.
                unsure = nested and element_of(part_type(instr.outs[0].type, instr.path)).maybe_unbound
                known = Type() if unsure else mirror(item.type)
                found = self.b.call(operator.getitem, part, index, type=known)
                if unsure:
                    found = self.b.call(sum_of, self.cts.zero(item), found, type=mirror(item.type))
                self.cts.add(item, found)

        if fn is list.append:
            give(Const(-1), args[0])
            return stored(list.pop)
        if fn is list.pop or fn is operator.delitem and not self.is_slice(args[0]):
            index = args[0] if args else Const(-1)
            gone = self.b.call(operator.getitem, self.read(instr), index)
            nothing = self.nothing(gone)
            if isinstance(index, Const) and index.value == -1:
                return stored(list.append, nothing)
            return stored(list.insert, self.place(index, self.part(whole, path), 1), nothing)
        if fn is list.insert:
            index = self.inserted_at(args[0], self.part(whole, path))
            give(index, args[1])
            return stored(list.pop, index)
        if fn is operator.setitem and not self.is_slice(args[0]):
            give(args[0], args[1])
            gone = self.b.call(operator.getitem, self.read(instr), args[0])
            nothing = self.nothing(gone)
            return stored(operator.setitem, args[0], nothing)
        if fn is list.reverse:
            return stored(list.reverse)
        if fn is list.extend and args[0].type.kind == "list":
            count = self.b.call(len, self.read(instr), type=INT)
            rest = self.b.call(pack_slice, count, Const(None))
            give(rest, args[0])
            return stored(operator.delitem, rest)
        if fn is list.clear:
            before = self.read(instr)
            assert isinstance(before, Value)
            return stored(list.extend, self.cts.zero(before))
        if fn is operator.delitem and args[0].type.kind == "object":
            return self.put_back(instr, whole, args[0])
        if fn is operator.setitem and args[1].type.kind == "list":
            start = self.start_of(args[0])
            if start is not None:
                end = self.b.call(operator.add, Const(start), self.b.call(len, args[1], type=INT))
                there = self.b.call(pack_slice, Const(start), end)
                give(there, args[1])
                before = self.read(instr)
                gone = self.b.call(operator.getitem, before, args[0], type=before.type)
                return stored(operator.setitem, there, self.zeros(gone))
        what = getattr(fn, "__name__", "this change").strip("_")
        raise NoRule(
            f"`{what}` of a list that grew is differentiated",
            instr.line,
            "Build another list, item by item.",
        )

    def changed_object(self, instr: Store, whole: Atom) -> Value:
        """`items[i].name = value`: what has flowed back to the attribute is the value's."""
        name, item = instr.args
        assert isinstance(name, Const)
        target = instr.target
        held = part_type(target.type, instr.path)
        path, place = way_back(instr), place_of(held, name)
        if isinstance(item, Value) and item in self.varied:
            part = self.part(whole, path)
            self.cts.add(item, self.b.call(operator.getitem, part, place, type=mirror(item.type)))
        gone = self.b.call(getattr, self.read(instr), name, type=held.attribute(name.value))
        label = bar(target) if isinstance(target, Value) else "items_bar"
        return self.b.store(operator.setitem, whole, place, self.nothing(gone), name=label, path=path)

    def nothing(self, gone: Atom) -> Atom:
        """The cotangent of what was an item of a list: zeros in its form, if they are written into later."""
        if not isinstance(gone, Value):
            return Const(0.0)
        if gone.type.kind == "unknown" and self.inside:
            return self.b.call(zeros_of, gone, type=Type())
        return self.cts.zero(gone)

    def start_of(self, part: Atom) -> int | None:
        """Where a slice of a list begins that is counted from its start and leaves out nothing."""
        made = self.b.made_by(part, pack_slice)
        start: Any = None
        if isinstance(part, Const) and part.value.step is None:
            start = part.value.start or 0
        elif made is not None and len(made.args) == 2 and isinstance(made.args[0], Const):
            start = made.args[0].value or 0
        return start if isinstance(start, int) and start >= 0 else None

    def zeros(self, gone: Atom) -> Atom:
        """The cotangents of what were several items of a list."""
        if isinstance(gone, Value) and element_of(gone.type).is_record:
            return self.cts.zero(gone)
        return self.b.call(zeros_of, gone, type=mirror(gone.type))

    def read(self, instr: Store) -> Atom:
        """The list or dict that is changed, as it was before."""
        atom = instr.target
        for step in instr.path:
            known = part_type(atom.type, (step,)) if atom.type.kind in CONTAINERS else None
            atom = self.b.call(step.fn, atom, *step.args, kwargs=dict(step.kwargs), type=known)
        return atom

    def put_back(self, instr: Store, whole: Atom, cut: Atom) -> Value:
        """The cotangent of a list of which the items from a place on were cut off."""
        made = self.b.made_by(cut, pack_slice)
        stop = made.args[1] if made is not None else Const(0)
        if made is None or not isinstance(stop, Const) or stop.value is not None or len(made.args) > 2:
            raise NoRule("`del` of a slice of a list that grew", instr.line, "Build another list.")
        before = self.read(instr)
        assert isinstance(instr.target, Value)
        tail = self.b.call(operator.getitem, before, cut, type=before.type)
        assert isinstance(tail, Value)
        zeros = self.cts.zero(tail)
        return self.b.store(list.extend, whole, zeros, name=bar(instr.target), path=instr.path)

    def changed_dict(self, instr: Store, whole: Atom) -> Value:
        fn, args = instr.fn, instr.args
        path = way_back(instr)
        name = bar(instr.target) if isinstance(instr.target, Value) else "entries_bar"
        if fn is operator.setitem:
            key, item = args
            if isinstance(item, Value) and item in self.varied:
                part = self.part(whole, path)
                read = self.b.call(entry, part, key, self.cts.zero(item), type=mirror(item.type))
                self.cts.add(item, read)
            return self.b.store(dict.pop, whole, key, Const(None), name=name, path=path)
        if fn in (operator.delitem, dict.pop):
            return self.b.store(dict.pop, whole, args[0], Const(None), name=name, path=path)
        what = getattr(fn, "__name__", "this change").strip("_")
        raise NoRule(f"`{what}` of a dict is differentiated", instr.line, "Write it key by key.")

    def is_slice(self, index: Atom) -> bool:
        if isinstance(index, Const):
            return isinstance(index.value, slice)
        return self.b.made_by(index, pack_slice) is not None

    def place(self, index: Atom, whole: Atom, more: int) -> Atom:
        """The place that an index means in a list that is `more` longer than `whole`."""
        if isinstance(index, Const) and index.value >= 0:
            return index
        length = self.b.call(operator.add, self.b.call(len, whole, type=INT), Const(more))
        return self.b.call(operator.mod, index, length)

    def inserted_at(self, index: Atom, whole: Atom) -> Atom:
        """Where `insert(index, item)` put the item of a list that is now as long as `whole`."""
        if isinstance(index, Const) and index.value == 0:
            return index
        length = self.b.call(operator.sub, self.b.call(len, whole, type=INT), Const(1))
        part = self.b.call(pack_slice, index, Const(None))
        bounds = self.b.call(Method("indices"), part, length, type=OBJECT)
        return self.b.call(operator.getitem, bounds, Const(0), type=INT)
