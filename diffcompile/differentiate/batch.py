"""Many directions at once: a graph in which some values have one more axis, the first.

    y_dot = x_dot * np.cos(x)          x_dot: (n,)     ->     the same line, x_dot: (count, n)
    s_dot = np.sum(y_dot)                              ->     s_dot = np.sum(y_dot, axis=1)

A value that depends on a batched one is batched, all others stay as they are and are computed once. A call
does to the whole batch what `axes.py` says; where that file has no rule, or a test or a number of turns is
itself batched, the instruction runs in a loop over the batch, whose results are stacked.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from ..frontend.build import Builder
from ..ir.graph import (
    UNBOUND,
    Atom,
    Call,
    Const,
    For,
    Function,
    If,
    Instr,
    Region,
    Store,
    Try,
    Value,
    While,
    pack_dict,
    pack_list,
    pack_object,
    pack_slice,
    pack_tuple,
)
from ..ir.types import SCALARS, Dim, Type, array
from ..ir.walk import instructions, reads, rename

COUNT = Dim("count", 0, True)
Which = tuple[bool, ...]
DeriveCallee = Callable[[Function, Which], tuple[Function, Which, Which]]
CONTAINERS = frozenset({"list", "tuple", "dict", "object"})
# Functions whose result has a form that depends on the numbers they are given.
FORMING = frozenset({
    np.nonzero, np.flatnonzero, np.argwhere, np.unique, np.unique_values, np.extract, np.compress,
    np.ndarray.nonzero, np.ndarray.compress, np.trim_zeros, np.zeros, np.ones, np.empty, np.full, np.arange,
    np.linspace, np.eye, np.repeat, np.delete, np.insert, np.bincount, np.setdiff1d, np.intersect1d,
    np.union1d, pack_slice,
})  # fmt: skip
HEADS = {pack_tuple: 0, pack_list: 0, pack_dict: 1, pack_object: 2}


class Unbatchable(Exception):
    """This instruction is not known for a batch: it is to run in a loop over it."""


class OneByOne(Exception):
    """This program is not known for a batch: the whole of it is to run in a loop over the directions."""


class Batch:
    """One transformation under construction. `of` holds the batched form of each batched value."""

    def __init__(self, builder: Builder, count: Atom, derive_callee: DeriveCallee) -> None:
        self.b = builder
        self.count = count
        self.derive_callee = derive_callee
        self.dtype: np.dtype | None = None  # of all that the batch began with, where it is less than double
        self.of: dict[Value, Atom] = {}
        self.copies: dict[Value, Atom] = {}  # what stands for a value in what is built

    def renewed(self, values: set[Value]) -> set[Value]:
        """These values, and those that stand for them."""
        return values | {c for v, c in self.copies.items() if v in values and isinstance(c, Value)}

    def has(self, atom: Atom) -> bool:
        return isinstance(atom, Value) and atom in self.of

    def get(self, atom: Atom) -> Atom:
        """The batched form of an atom, or itself."""
        return self.of.get(atom, atom) if isinstance(atom, Value) else atom

    def region(self, region: Region) -> None:
        for instr in region.body:
            self.instr(instr)

    def instr(self, instr: Instr) -> None:
        if not any(value in self.of for value in reads(instr)):
            self.b.emit(instr)
            return
        outer, self.b.line = self.b.line, instr.line
        size, known = len(self.b.body), dict(self.of)
        try:
            match instr:
                case Call() if isinstance(instr.fn, Function):
                    self.function(instr)
                case Call():
                    self.call(instr)
                case Store():
                    self.store(instr)
                case If():
                    self.branch(instr)
                case For() | While():
                    self.loop(instr)
                case Try():
                    self.attempt(instr)
        except Unbatchable:
            self.b.forget(size)
            self.of = known
            self.one_by_one(instr)
        self.b.line = outer

    # `axes.py` says how.

    def call(self, instr: Call) -> None:
        raise NotImplementedError

    def store(self, instr: Store) -> None:
        raise NotImplementedError

    # -- the form of a batch --------------------------------------------------------------------------------

    def put(self, value: Value, batched: Atom) -> None:
        """`batched` is the form of `value`, under its name if it was just made."""
        made = self.b.body[-1] if self.b.body else None
        if isinstance(made, Call) and made.outs == (batched,) and isinstance(batched, Value):
            known = lifted_type(value.type) if batched.type.kind == "unknown" else batched.type
            renamed = Value(value.name, known, value.named)
            self.b.body[-1] = self.b.defs[renamed] = replace(made, outs=(renamed,))
            batched = renamed
        self.of[value] = self.copies[value] = batched

    def enter(self, atom: Atom, slot: Value) -> Atom:
        """An atom as a batch, as what a variable holds that several places assign to."""
        if (atom.type.kind in CONTAINERS) != (slot.type.kind in CONTAINERS) and not self.is_absent(atom):
            raise OneByOne  # a container of batches, and a row for each direction
        if slot.type.kind in SCALARS | {"array"}:
            return self.stacked(atom)
        return self.lift(atom)

    def stacked(self, atom: Atom) -> Atom:
        """A batch as one array, which it may not be where the form of a row is not known."""
        whole = self.lift(atom)
        one_by_one = whole.type.kind == "list" and atom.type.kind in SCALARS | {"array"}
        if atom.type.kind != "unknown" and not one_by_one:
            return whole
        return self.b.call(np.stack, whole, type=lifted_type(atom.type))

    @staticmethod
    def is_absent(atom: Atom) -> bool:
        return isinstance(atom, Const) and (atom.value is UNBOUND or atom.value is None)

    def lift(self, atom: Atom) -> Atom:
        """An atom as a batch of which every row is the same."""
        if self.has(atom):
            return self.get(atom)
        if isinstance(atom, Const):
            if atom.value is UNBOUND or atom.value is None or isinstance(atom.value, str):
                return atom
            return self.b.call(np.full, self.count, atom, *self.dtype_of(atom), type=array(None, (COUNT,)))
        kind = atom.type.kind
        made = self.b.made_by(atom, *HEADS)
        if made is not None:
            head = made.args[: HEADS[made.fn]]
            items = [self.lift(item) for item in made.args[len(head) :]]
            return self.b.call(made.fn, *head, *items, name=atom.name, type=atom.type)
        number = self.b.constant(atom)
        if kind in SCALARS and number is not None:
            return self.lift(number)
        if kind in SCALARS:
            return self.b.call(np.full, self.count, atom, type=array(atom.type.numeric_dtype, (COUNT,)))
        if kind == "array":
            zeros = self.b.made_by(atom, np.zeros_like)
            like = atom if zeros is None else zeros.args[0]
            shape = self.b.call(operator.add, self.b.call(pack_tuple, self.count), self.shape(like))
            if zeros is not None:
                kwargs = {"shape": shape}
                known = lifted_type(atom.type)
                return self.b.call(np.zeros_like, like, kwargs=kwargs, name=atom.name, type=known)
            known = lifted_type(atom.type)
            return self.b.call(np.copy, self.b.call(np.broadcast_to, atom, shape), type=known)
        raise OneByOne

    def dtype_of(self, number: Const) -> tuple[Const, ...]:
        """The dtype of a number of Python's in a batch: as alone, it is not to widen what it meets."""
        if self.dtype is None or not isinstance(number.value, (int, float)) or isinstance(number.value, bool):
            return ()
        return (Const(self.dtype),) if float(self.dtype.type(number.value)) == number.value else ()

    def shape(self, value: Atom) -> Atom:
        return self.b.call(np.ndarray.shape if value.type.kind == "array" else np.shape, value)

    # -- one after the other --------------------------------------------------------------------------------

    def one_by_one(self, instr: Instr) -> None:
        """The instruction in a loop over the batch."""
        moving = [value for value in reads(instr) if value in self.of]
        if any(out.type.maybe_unbound for out in instr.outs) or self.differs_in_form(instr):
            raise OneByOne
        if any(v.type.kind in CONTAINERS for v in (*moving, *instr.outs)) or any(
            isinstance(i, Store) and i.visible for i in (instr, *_inside(instr))
        ):
            raise OneByOne
        params = tuple(Value(v.name, v.type, v.named) for v in moving)
        table: dict[Value, Atom] = dict(zip(moving, params, strict=True))
        body: tuple[Instr, ...] = (instr,)
        if isinstance(instr, Store) and not self.has(instr.target) and isinstance(instr.target, Value):
            target = Value(instr.target.name, instr.target.type, instr.target.named)  # each row has its own
            body = (Call((target,), np.copy, (instr.target,)), replace(instr, target=target))
        inner = rename(Region((), body, instr.outs), table)
        self.copies.update(table)
        lists = tuple(Value(f"{o.name}_rows", Type("list", elem=o.type)) for o in instr.outs)
        turn = Region(params, inner.body, (Const(False), *inner.results))
        items = tuple(self.get(v) for v in moving)
        self.b.emit(For(lists, items, (), turn, len(lists), False, self.b.line, object()))
        for value, rows in zip(instr.outs, lists, strict=True):
            if value.type.kind in SCALARS | {"array"}:
                self.put(value, self.b.call(np.stack, rows, type=lifted_type(value.type)))
            elif value.type.kind == "unknown":
                self.of[value] = rows
            elif value.type.kind not in ("none", "unbound"):
                raise OneByOne

    def differs_in_form(self, instr: Instr) -> bool:
        """May this give an array of another form for each row?"""
        if not isinstance(instr, Call):
            return False
        if instr.fn is operator.getitem:
            return self.has(instr.args[1]) and instr.args[1].type.kind != "int" and not (
                instr.args[1].type.kind == "array" and instr.args[1].type.is_integer
                and instr.args[1].type.numeric_dtype != np.dtype(bool)
            )  # fmt: skip
        try:
            return instr.fn in FORMING
        except TypeError:
            return False

    # -- control flow ---------------------------------------------------------------------------------------

    def branch(self, instr: If) -> None:
        if self.has(instr.test):
            raise Unbatchable
        parts, places = self.parts((instr.then, instr.orelse), (), instr.outs)
        outs = self.outs(instr.outs, places)
        self.b.emit(replace(instr, outs=outs, then=parts[0], orelse=parts[1]))

    def parts(
        self, regions: tuple[Region, ...], others: tuple[tuple[Atom, ...], ...], outs: tuple[Value, ...]
    ) -> tuple[list[Region], set[int]]:
        """Regions that yield alike, and which of their results are batched: those that are in any of them."""
        bodies = []
        for part in regions:
            with self.b.region() as body:
                self.region(part)
            bodies.append(body)
        rows = [*(part.results for part in regions), *others]
        places = {k for row in rows for k, r in enumerate(row) if self.has(r)}
        found = []
        for part, body in zip(regions, bodies, strict=True):
            outer, self.b.body = self.b.body, body
            results = tuple(self.enter(r, outs[k]) if k in places else r for k, r in enumerate(part.results))
            self.b.body = outer
            found.append(Region(part.params, tuple(body), results))
        return found, places

    def outs(self, outs: tuple[Value, ...], places: set[int]) -> tuple[Value, ...]:
        """The outs of an instruction, of which those at `places` are batched."""
        found = []
        for k, value in enumerate(outs):
            out = value
            if k in places:
                out = self.of[value] = Value(value.name, lifted_type(value.type), value.named)
            found.append(out)
        return tuple(found)

    def attempt(self, instr: Try) -> None:
        if self.has(instr.manager):
            raise Unbatchable
        (body,), places = self.parts((instr.body,), (instr.otherwise,), instr.outs)
        otherwise = tuple(
            self.enter(a, instr.outs[k]) if k in places else a for k, a in enumerate(instr.otherwise)
        )
        self.b.emit(replace(instr, outs=self.outs(instr.outs, places), body=body, otherwise=otherwise))

    def loop(self, instr: For | While) -> None:
        items = instr.items if isinstance(instr, For) else ()
        count = len(instr.init)
        params, results = instr.body.params, instr.body.results
        along = tuple(self.along(item) for item in items)
        places = {k for k, init in enumerate(instr.init) if self.has(init)}
        before, size = dict(self.of), len(self.b.body)
        while True:
            self.of = dict(before)
            moving = [*map(self.has, items), *(k in places for k in range(count))]
            fresh = tuple(
                self._param(p, k < len(items)) if moving[k] else p for k, p in enumerate(params)
            )
            with self.b.region() as body:
                self.region(instr.body)
            if self.has(results[count]):
                raise Unbatchable
            more = {k for k in range(count) if self.has(results[k])} - places
            if not more:
                break
            places |= more
            self.b.forget(size)
        outer, self.b.body = self.b.body, body
        slots = params[len(items) :]
        ends = [self.enter(r, slots[k]) if k in places else r for k, r in enumerate(results[:count])]
        for result in results[count + 1 :]:
            if isinstance(result, Value) and self.has(result):
                known_part(result)
        saves = tuple(map(self.get, results[count + 1 :]))
        kept = {k for k, r in enumerate(results[count + 1 :], count) if self.has(r)}
        self.b.body = outer
        cond = instr.cond if isinstance(instr, While) else None
        if cond is not None:
            cond = self._test(cond, places)
        init = tuple(self.enter(a, slots[k]) if k in places else a for k, a in enumerate(instr.init))
        region = Region(fresh, tuple(body), (*ends, results[count], *saves))
        outs = self.outs(instr.outs, places | kept)
        if isinstance(instr, For):
            self.b.emit(replace(instr, outs=outs, items=along, init=init, body=region))
        else:
            assert cond is not None
            self.b.emit(replace(instr, outs=outs, init=init, cond=cond, body=region))

    def _param(self, param: Value, read: bool = False) -> Value:
        if read:
            known_part(param)
        out = Value(param.name, lifted_type(param.type), param.named)
        self.of[param] = out
        return out

    def _test(self, cond: Region, places: set[int]) -> Region:
        params = tuple(self._param(p) if k in places else p for k, p in enumerate(cond.params))
        with self.b.region() as body:
            self.region(cond)
        if self.has(cond.results[0]):
            raise Unbatchable
        return Region(params, tuple(body), cond.results)

    def along(self, item: Atom) -> Atom:
        """What a loop runs over: the rows of an array, each a batch."""
        if not self.has(item):
            return item
        if item.type.kind == "array":
            return self.b.call(np.swapaxes, self.get(item), Const(0), Const(1))
        if item.type.kind in ("list", "tuple"):
            return self.get(item)
        raise Unbatchable

    # -- user functions -------------------------------------------------------------------------------------

    def function(self, instr: Call) -> None:
        batched = tuple(map(self.has, instr.args))
        derived, taken, given = self.derive_callee(instr.fn, batched)
        assert instr.fn.graph is not None
        slots = instr.fn.graph.params
        args = tuple(self.enter(a, p) if on else a for a, p, on in zip(instr.args, slots, taken, strict=True))
        if any(o.type.kind in CONTAINERS for o, on in zip(instr.outs, given, strict=True) if on):
            raise OneByOne
        outs = self.outs(instr.outs, {k for k, on in enumerate(given) if on})
        self.b.emit(Call(outs, derived, (*args, self.count), (), self.b.line))


def known_part(value: Value) -> Value:
    """What is put into a container, or read out of one: in which form it is there must be known."""
    if value.type.kind == "unknown":
        raise OneByOne
    return value


def _inside(instr: Instr) -> list[Instr]:
    return list(instructions(Region((), (instr,), ())))[1:]


def lifted_type(known: Type) -> Type:
    """What is known of a batch of values of which this is known."""
    if known.kind in SCALARS:
        return array(known.numeric_dtype, (COUNT,))
    if known.kind == "array":
        shape = None if known.shape is None else (COUNT, *known.shape)
        return array(known.dtype, shape)
    if known.kind in ("list", "dict"):
        return Type(known.kind)
    return Type(known.kind) if known.kind in ("tuple", "object", "none", "unbound") else Type()
