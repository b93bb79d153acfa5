"""What a call does to a batch: the same, on the axes that lie behind the first one.

    np.sum(x, axis=0)     ->     np.sum(x, axis=1)         x[i]     ->     x[:, i]
    a @ x                 ->     x @ a.T                   x + k    ->     x + k[None]

A function without a rule here, or one whose form is not known well enough, runs in a loop over the batch.
"""

from __future__ import annotations

import builtins
import operator
import string
from collections.abc import Callable
from typing import Any

import numpy as np

from ..ir.graph import (
    Atom,
    Call,
    Const,
    Into,
    Step,
    Store,
    Value,
    items_of_list,
    pack_dict,
    pack_list,
    pack_object,
    pack_slice,
    pack_tuple,
    part_type,
    unpack,
)
from ..ir.types import INT, SCALARS, Type
from ..rules.containers import copy_of
from ..rules.register import REGISTRY
from .batch import CONTAINERS, Batch, OneByOne, Unbatchable, known_part, lifted_type
from .cotangents import changed_kind
from .rule import hashable

ALL = slice(None)
PACKS = frozenset({pack_list, pack_tuple, pack_dict, pack_object})
# Functions that act on each element alone, beside the ufuncs and those with an elementwise rule.
ELEMENTWISE = frozenset({
    np.where, np.real, np.imag, np.conj, np.conjugate, np.clip, operator.neg, operator.pos, operator.abs,
    operator.add, operator.sub, operator.mul, operator.truediv, operator.floordiv, operator.mod, operator.pow,
    operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne, operator.invert,
    operator.and_, operator.or_, operator.xor, np.nan_to_num, np.around, np.round, builtins.abs,
})  # fmt: skip
# Those that give an array of the form of the one they are given.
ALIKE = frozenset({
    np.copy, np.ndarray.copy, np.ascontiguousarray, np.zeros_like, np.ones_like, np.empty_like,
    np.ndarray.astype, np.tril, np.triu, np.ndarray.real, np.ndarray.imag,
})  # fmt: skip
# Those that NumPy applies to each matrix of a stack.
STACKED = frozenset({
    np.linalg.inv, np.linalg.det, np.linalg.cholesky, np.linalg.eigh, np.linalg.eigvalsh, np.linalg.svd,
    np.linalg.slogdet, np.linalg.pinv, np.linalg.qr, np.linalg.matrix_power,
})  # fmt: skip
# Reductions and scans, and which axis they take where none is said.
REDUCTIONS: dict[Any, Any] = {
    **dict.fromkeys((
        np.sum, np.ndarray.sum, np.mean, np.ndarray.mean, np.prod, np.ndarray.prod, np.max, np.ndarray.max,
        np.min, np.ndarray.min, np.var, np.std, np.any, np.all,
    )),
    np.flip: None,
}  # fmt: skip
# Functions of containers, whose items may be batches.
OF_CONTAINERS = frozenset({
    *PACKS, operator.getitem, getattr, items_of_list, copy_of, builtins.list, builtins.tuple,
    np.concatenate, np.stack, np.array, np.asarray,
})  # fmt: skip
SCANS = frozenset({np.cumsum, np.ndarray.cumsum, np.cumprod, np.ndarray.cumprod})

Axis = Callable[["Axes", Call], Atom]
TABLE: dict[Any, Axis] = {}


def of(*fns: Any) -> Callable[[Axis], Axis]:
    def declare(rule: Axis) -> Axis:
        TABLE.update(dict.fromkeys(fns, rule))
        return rule

    return declare


class Axes(Batch):
    def call(self, instr: Call) -> None:
        fn = instr.fn
        if fn is unpack:
            self.unpacked(instr)
            return
        outs = instr.outs
        if fn in (operator.is_, operator.is_not) and not any(isinstance(a, Const) for a in instr.args):
            raise OneByOne  # a row of a batch is an object of its own
        if len(outs) != 1 or not hashable(fn):
            raise Unbatchable
        if fn in (np.ndarray.shape, np.shape, np.ndarray.ndim, np.ndim, builtins.len):
            self.form(instr)
            return
        atoms = (*instr.args, *(a for _, a in instr.kwargs))
        plain = all(a.type.kind != "object" for a in atoms)  # of what an object holds the form is not known
        rule = TABLE.get(fn) or (elementwise if plain and self.is_elementwise(fn) else None)
        contained = any(self.has(a) and a.type.kind in CONTAINERS for a in atoms)
        if rule is None or contained and fn not in OF_CONTAINERS:  # the batch is in the items
            raise Unbatchable
        self.put(outs[0], rule(self, instr))

    @staticmethod
    def is_elementwise(fn: Any) -> bool:
        declared = REGISTRY.reverse.get(fn)
        return isinstance(fn, np.ufunc) or fn in ELEMENTWISE or declared is not None and (
            declared.form == "elementwise"
        )

    def form(self, instr: Call) -> None:
        """The shape of each row of a batch, which is that of all."""
        x, out = instr.args[0], instr.outs[0]
        if x.type.kind in CONTAINERS:
            self.b.emit(Call((out,), instr.fn, (self.get(x),), (), instr.line))
            return
        whole = self.b.call(np.shape, self.get(x))
        rest = self.b.call(operator.getitem, whole, Const(slice(1, None)))
        made: tuple[Any, tuple[Atom, ...]] = (operator.getitem, (whole, Const(slice(1, None))))
        if instr.fn in (np.ndarray.ndim, np.ndim):
            made = (builtins.len, (rest,))
        elif instr.fn is builtins.len:
            made = (operator.getitem, (whole, Const(1)))
        self.b.emit(Call((out,), made[0], made[1], (), instr.line))

    def unpacked(self, instr: Call) -> None:
        source, count = instr.args
        kind = source.type.kind
        rows = self.get(source)
        if kind == "array":
            rows = self.b.call(np.swapaxes, rows, Const(0), Const(1))
        elif kind not in ("list", "tuple", "object"):
            raise Unbatchable
        outs = tuple(Value(o.name, lifted_type(o.type), o.named) for o in instr.outs)
        for out in instr.outs:
            known_part(out)
        self.b.emit(Call(outs, unpack, (rows, count), (), instr.line))
        self.of.update(zip(instr.outs, outs, strict=True))

    # -- what rules ask -------------------------------------------------------------------------------------

    def rank(self, atom: Atom) -> int:
        """The number of axes of a row."""
        if isinstance(atom, Const):
            return int(np.ndim(atom.value))
        if atom.type.kind in SCALARS:
            return 0
        rank = atom.type.rank if atom.type.kind == "array" else None
        if rank is None:
            raise Unbatchable
        return int(rank)

    def at_rank(self, atom: Atom, rank: int) -> Atom:
        """An operand of a broadcast in which rows have so many axes."""
        if not self.has(atom):
            return atom
        missing = rank - self.rank(atom)
        if missing <= 0:
            return self.get(atom)
        return self.b.call(operator.getitem, self.get(atom), Const((ALL, *(None,) * missing)))

    def only_first(self, instr: Call) -> Atom:
        """The batched first argument of a function whose others are the same for all rows."""
        rest = (*instr.args[1:], *(a for _, a in instr.kwargs))
        if not self.has(instr.args[0]) or any(map(self.has, rest)):
            raise Unbatchable
        return self.get(instr.args[0])

    def option(self, instr: Call, name: str, place: int, default: Any) -> Any:
        """The constant that is given for an option."""
        given: Atom = Const(default)
        if place < len(instr.args):
            given = instr.args[place]
        given = dict(instr.kwargs).get(name, given)
        known = self.b.constant(given)
        if known is None:
            raise Unbatchable
        return known.value

    def index(self, index: Atom) -> Atom:
        """The index that selects in every row what `index` selects."""
        if self.has(index):
            raise Unbatchable
        known = self.b.constant(index)
        if known is not None:
            parts = known.value if isinstance(known.value, tuple) else (known.value,)
            check_adjacent([kind_of_part(p) for p in parts])
            return Const((ALL, *parts))
        made = self.b.made_by(index, pack_tuple)
        if made is not None:
            check_adjacent([self._part(a) for a in made.args])
            return self.b.call(pack_tuple, Const(ALL), *made.args)
        if index.type.kind in ("int", "number", "bool", "array", "list") or self.b.made_by(index, pack_slice):
            return self.b.call(pack_tuple, Const(ALL), index)
        if index.type.kind == "tuple" and index.type.items is not None:
            check_adjacent([kind_of_type(t) for t in index.type.items])
            return self.b.call(operator.add, Const((ALL,)), index)
        raise Unbatchable

    def _part(self, atom: Atom) -> str:
        known = self.b.constant(atom)
        if known is not None:
            return kind_of_part(known.value)
        if self.has(atom):
            raise Unbatchable
        return "slice" if self.b.made_by(atom, pack_slice) else kind_of_type(atom.type)

    # -- stores ---------------------------------------------------------------------------------------------

    def store(self, instr: Store) -> None:
        out, target = instr.outs[0], instr.target
        if changed_kind(instr) in ("list", "dict", "object"):
            self.contained(instr)
            return
        if len(instr.outs) != 1:
            raise Unbatchable
        items, rest = self.to_item(instr)
        path = (*items, *map(self.step, rest))
        part = Value("part", part_type(target.type, items))
        for step in rest:
            part = Value("part", self.b.inferred(step.fn, (part, *step.args), dict(step.kwargs)))
        args, kwargs = instr.args, dict(instr.kwargs)
        if instr.fn is operator.setitem and self.is_path(rest):
            read = Value("read", self.b.inferred(operator.getitem, (part, args[0]), {}))
            args = (self.index(args[0]), self.stored(args[1], self.rank(read)))
        elif instr.fn == np.add.at:
            read = Value("read", self.b.inferred(operator.getitem, (part, args[0]), {}))
            args = (self.index(args[0]), self.at_rank(args[1], self.rank(read)))
        elif instr.fn in (operator.iadd, operator.isub, operator.imul, operator.itruediv):
            args = (self.at_rank(args[0], self.rank(part)),)
        elif instr.fn is np.copyto and not any(map(self.has, kwargs.values())):
            args = (self.stored(args[0], self.rank(part)),)
        elif isinstance(instr.fn, Into) and isinstance(instr.fn.fn, np.ufunc):
            if any(self.rank(a) > self.rank(part) for a in args) or any(map(self.has, kwargs.values())):
                raise Unbatchable
            args = tuple(self.at_rank(a, self.rank(part)) for a in args)
        elif any(map(self.has, args)) or instr.fn is not np.ndarray.fill:
            raise Unbatchable
        if instr.visible and not self.has(target):
            raise OneByOne  # it is the caller's, and holds one value for all rows
        whole = self.lift(target)
        self.of[out] = self.copies[out] = self.b.store(
            instr.fn, whole, *args, kwargs=kwargs, name=out.name if out.named else "",
            type=lifted_type(out.type), visible=instr.visible, path=path,
        )  # fmt: skip

    def stored(self, atom: Atom, rank: int) -> Atom:
        """What is written to a place where rows have so many axes: NumPy drops those of size 1 in front."""
        extra = self.rank(atom) - rank
        if not self.has(atom) or extra <= 0:
            return self.at_rank(atom, rank)
        return self.b.call(operator.getitem, self.get(atom), Const((ALL, *(0,) * extra)))

    def to_item(self, instr: Store) -> tuple[tuple[Step, ...], tuple[Step, ...]]:
        """The steps that lead to an item of a container, the same for each row; and the rest, inside it."""
        count = 0
        while count < len(instr.path) and self._holds(instr, count):
            count += 1
        if any(self.has(a) for step in instr.path[:count] for a in step.args):
            raise Unbatchable
        return instr.path[:count], instr.path[count:]

    @staticmethod
    def _holds(instr: Store, count: int) -> bool:
        return part_type(instr.target.type, instr.path[:count]).kind in ("list", "dict")

    @staticmethod
    def is_path(path: tuple[Step, ...]) -> bool:
        return all(step.fn is operator.getitem for step in path)

    def step(self, step: Step) -> Step:
        if step.fn is not operator.getitem:
            raise Unbatchable
        return Step(step.fn, (self.index(step.args[0]),))

    def contained(self, instr: Store) -> None:
        """A change of a container: the items that enter it are batches."""
        if len(instr.outs) != 1 or self.to_item(instr)[1]:
            raise Unbatchable
        places = {list.append: (0,), list.insert: (1,), operator.setitem: (1,)}.get(instr.fn, ())
        if any(self.has(a) for k, a in enumerate(instr.args) if k not in places):
            raise Unbatchable
        for k in places:
            if isinstance(instr.args[k], Value):
                known_part(instr.args[k])  # type: ignore[arg-type]
        args = [self.lift(a) if k in places else a for k, a in enumerate(instr.args)]
        whole, out = self.lift(instr.target), instr.outs[0]
        self.of[out] = self.b.store(
            instr.fn, whole, *args, kwargs=dict(instr.kwargs), name=out.name, type=lifted_type(out.type),
            visible=instr.visible, path=instr.path,
        )  # fmt: skip


def kind_of_part(part: Any) -> str:
    if part is None or part is Ellipsis or isinstance(part, slice):
        return "slice"
    return "int" if isinstance(part, (int, np.integer)) and not isinstance(part, bool) else "array"


def kind_of_type(known: Type) -> str:
    if known.kind in ("object", "none"):  # a slice or an ellipsis, and a new axis
        return "slice"
    return {"int": "int", "array": "array", "list": "array"}.get(known.kind, "unknown")


def check_adjacent(kinds: list[str]) -> None:
    """Refuse arrays of positions that stand apart: NumPy would put what they select in front of the batch."""
    advanced = [k for k, kind in enumerate(kinds) if kind != "slice"]
    if "unknown" in kinds and len(advanced) > 1:
        raise Unbatchable
    if "array" in kinds and advanced != list(range(advanced[0], advanced[0] + len(advanced))):
        raise Unbatchable


# -- element by element --------------------------------------------------------------------------------------


def elementwise(s: Axes, call: Call) -> Atom:
    if any(name not in ("dtype",) for name, _ in call.kwargs):
        raise Unbatchable
    fn = call.fn
    if getattr(fn, "__module__", "") == "math":
        fn = getattr(np, {"fabs": "abs", "pow": "power"}.get(fn.__name__, fn.__name__), None)
        if fn is None:
            raise Unbatchable
    rank = max(map(s.rank, call.args))
    args = [s.at_rank(a, rank) for a in call.args]
    return s.b.call(fn, *args, kwargs=dict(call.kwargs))


@of(builtins.float, np.float64)
def _(s: Axes, call: Call) -> Atom:
    return s.get(call.args[0])


@of(*ALIKE)
def _(s: Axes, call: Call) -> Atom:
    return s.b.call(call.fn, s.only_first(call), *call.args[1:], kwargs=dict(call.kwargs))


@of(np.full_like)
def _(s: Axes, call: Call) -> Atom:
    like, fill = call.args
    if s.has(like):
        return s.b.call(np.full_like, s.get(like), s.at_rank(fill, s.rank(like)))
    shape = s.b.call(operator.add, s.b.call(pack_tuple, s.count), s.shape(like))
    return s.b.call(np.copy, s.b.call(np.broadcast_to, s.at_rank(fill, s.rank(like)), shape))


# -- along axes ----------------------------------------------------------------------------------------------


def shifted(axis: Any) -> Any:
    """An axis of a row as one of the batch."""
    if isinstance(axis, (tuple, list)):
        return tuple(map(shifted, axis))
    return axis + 1 if axis >= 0 else axis


@of(*REDUCTIONS)
def _(s: Axes, call: Call) -> Atom:
    x = s.only_first(call)
    axis = s.option(call, "axis", 1, None)
    rank = s.rank(call.args[0])
    axis = tuple(range(1, rank + 1)) if axis is None else shifted(axis)
    axis = axis[0] if isinstance(axis, tuple) and len(axis) == 1 else axis
    kwargs = {name: a for name, a in call.kwargs if name != "axis"}
    if any(name not in ("keepdims", "dtype", "ddof") for name in kwargs) or len(call.args) > 2:
        raise Unbatchable
    return s.b.call(call.fn, x, kwargs={"axis": Const(axis), **kwargs})


@of(*SCANS)
def _(s: Axes, call: Call) -> Atom:
    x = s.only_first(call)
    axis = s.option(call, "axis", 1, None)
    if axis is None and s.rank(call.args[0]) != 1 or len(call.args) > 2 or len(call.kwargs) > 1:
        raise Unbatchable
    return s.b.call(call.fn, x, kwargs={"axis": Const(1 if axis is None else shifted(axis))})


@of(np.sort)
def _(s: Axes, call: Call) -> Atom:
    axis = s.option(call, "axis", 1, -1)
    if axis is None:
        raise Unbatchable
    return s.b.call(call.fn, s.only_first(call), kwargs={"axis": Const(shifted(axis))})


@of(np.roll)
def _(s: Axes, call: Call) -> Atom:
    axis = s.option(call, "axis", 2, None)
    x = s.only_first(call)
    if axis is None and s.rank(call.args[0]) == 1:
        axis = 0
    if axis is None:
        raise Unbatchable
    return s.b.call(np.roll, x, call.args[1], Const(shifted(axis)))


# -- the form ------------------------------------------------------------------------------------------------


@of(np.reshape, np.ndarray.reshape)
def _(s: Axes, call: Call) -> Atom:
    x, shape = s.only_first(call), call.args[1:]
    if not shape or not in_c_order(s, call):
        raise Unbatchable
    if len(shape) > 1:
        return s.b.call(np.reshape, x, s.b.call(pack_tuple, s.count, *shape))
    known, made = s.b.constant(shape[0]), s.b.made_by(shape[0], pack_tuple)
    if known is not None:
        sizes = tuple(known.value) if isinstance(known.value, (tuple, list)) else (known.value,)
        if sizes == (-1,):
            return flat(s, call.args[0])
        return s.b.call(np.reshape, x, s.b.call(pack_tuple, s.count, *map(Const, sizes)))
    if made is not None:
        return s.b.call(np.reshape, x, s.b.call(pack_tuple, s.count, *made.args))
    if shape[0].type.kind == "int":
        return s.b.call(np.reshape, x, s.b.call(pack_tuple, s.count, shape[0]))
    if shape[0].type.kind != "tuple":
        raise Unbatchable
    return s.b.call(np.reshape, x, s.b.call(operator.add, s.b.call(pack_tuple, s.count), shape[0]))


@of(np.ravel, np.ndarray.ravel, np.ndarray.flatten, np.ndarray.flat)
def _(s: Axes, call: Call) -> Atom:
    s.only_first(call)
    if len(call.args) > 1 or not in_c_order(s, call):
        raise Unbatchable
    return flat(s, call.args[0])


def in_c_order(s: Axes, call: Call) -> bool:
    """Are the elements of a row taken in the order in which those of the batch lie behind each other?"""
    options = {name: s.b.constant(a) for name, a in call.kwargs}
    order = options.pop("order", Const("C"))
    return not options and order is not None and order.value == "C"


def flat(s: Axes, row: Atom) -> Atom:
    """The rows of a batch, each in one line. Its length is said: of none, NumPy could not tell."""
    x, rank = s.get(row), s.rank(row)
    if rank == 1:
        return x
    length: Atom = Const(1)
    shape = s.b.call(np.ndarray.shape, x)
    for k in range(1, rank + 1):
        size = s.b.call(operator.getitem, shape, Const(k), type=INT)
        length = size if k == 1 else s.b.call(operator.mul, length, size, type=INT)
    return s.b.call(np.reshape, x, s.b.call(pack_tuple, s.count, length))


@of(np.transpose, np.ndarray.transpose, np.ndarray.T)
def _(s: Axes, call: Call) -> Atom:
    x, rank = s.only_first(call), s.rank(call.args[0])
    given = [s.b.constant(a) for a in call.args[1:]]
    if len(given) < 2:
        axes = s.option(call, "axes", 1, None)
    else:
        axes = tuple(a.value if a is not None else None for a in given)
    if axes is not None and None in axes:
        raise Unbatchable
    order = tuple(reversed(range(rank))) if axes is None else tuple(a % rank for a in axes)
    if rank == 2 and order == (1, 0):
        return s.b.call(np.swapaxes, x, Const(1), Const(2))
    return x if rank < 2 else s.b.call(np.transpose, x, Const((0, *(k + 1 for k in order))))


@of(np.swapaxes, np.moveaxis, np.ndarray.swapaxes)
def _(s: Axes, call: Call) -> Atom:
    x = s.only_first(call)
    a, b = s.option(call, "source", 1, None), s.option(call, "destination", 2, None)
    if a is None or b is None or call.kwargs:
        raise Unbatchable
    return s.b.call(call.fn, x, Const(shifted(a)), Const(shifted(b)))


@of(np.expand_dims, np.squeeze)
def _(s: Axes, call: Call) -> Atom:
    axis = s.option(call, "axis", 1, None)
    if axis is None:
        raise Unbatchable
    return s.b.call(call.fn, s.only_first(call), Const(shifted(axis)))


@of(np.broadcast_to)
def _(s: Axes, call: Call) -> Atom:
    s.only_first(call)
    rank = s.rank(call.outs[0])
    x = s.at_rank(call.args[0], rank)
    shape = call.args[1]
    if shape.type.kind != "tuple":
        raise Unbatchable
    return s.b.call(np.broadcast_to, x, s.b.call(operator.add, s.b.call(pack_tuple, s.count), shape))


@of(operator.getitem)
def _(s: Axes, call: Call) -> Atom:
    base, index = call.args
    if not s.has(base) or s.has(index):
        raise Unbatchable
    if base.type.kind in CONTAINERS:
        known_part(call.outs[0])
        return s.b.call(operator.getitem, s.get(base), index, type=lifted_type(call.outs[0].type))
    if base.type.kind != "array":
        raise Unbatchable
    return s.b.call(operator.getitem, s.get(base), s.index(index))


@of(getattr)
def _(s: Axes, call: Call) -> Atom:
    known_part(call.outs[0])
    return s.b.call(getattr, s.only_first(call), call.args[1], type=lifted_type(call.outs[0].type))


# -- products ------------------------------------------------------------------------------------------------


@of(operator.matmul, np.matmul, np.dot, np.ndarray.dot)
def _(s: Axes, call: Call) -> Atom:
    if call.kwargs or len(call.args) != 2:
        raise Unbatchable
    a, b = call.args
    m, n = s.rank(a), s.rank(b)
    x, y = s.get(a), s.get(b)
    if m == 0 or n == 0:
        return elementwise(s, Call(call.outs, operator.mul, call.args))
    if max(m, n) > 2:
        raise Unbatchable

    def product(p: Atom, q: Atom) -> Atom:
        return s.b.call(operator.matmul, p, q)

    def part(p: Atom, *index: Any) -> Atom:
        return s.b.call(operator.getitem, p, Const(index))

    if not s.has(b):
        return product(x, y)
    if not s.has(a):
        if n == 2:
            return product(x, y)
        return product(y, x if m == 1 else s.b.call(np.ndarray.T, x))
    if m == n == 2:
        return product(x, y)
    if m == n == 1:
        return s.b.call(np.sum, s.b.call(operator.mul, x, y), kwargs={"axis": Const(1)})
    if n == 1:
        return part(product(x, part(y, ..., None)), ..., 0)
    return part(product(part(x, ALL, None), y), ALL, 0)


@of(np.outer)
def _(s: Axes, call: Call) -> Atom:
    a, b = call.args
    if s.rank(a) != 1 or s.rank(b) != 1 or call.kwargs:
        raise Unbatchable
    x = s.b.call(operator.getitem, s.get(a), Const((..., None)))
    y = s.b.call(operator.getitem, s.get(b), Const((ALL, None) if s.has(b) else (None,)))
    return s.b.call(operator.mul, x, y)


@of(np.einsum)
def _(s: Axes, call: Call) -> Atom:
    known = s.b.constant(call.args[0])
    if known is None or not isinstance(known.value, str) or "." in known.value or "->" not in known.value:
        raise Unbatchable
    if call.kwargs and any(name != "optimize" for name, _ in call.kwargs):
        raise Unbatchable
    spec = known.value.replace(" ", "")
    letter = next(c for c in string.ascii_letters if c not in spec)
    given, result = spec.split("->")
    parts = [
        letter + part if s.has(a) else part for part, a in zip(given.split(","), call.args[1:], strict=True)
    ]
    args = map(s.get, call.args[1:])
    return s.b.call(np.einsum, Const(f"{','.join(parts)}->{letter}{result}"), *args, kwargs=dict(call.kwargs))


@of(np.linalg.solve)
def _(s: Axes, call: Call) -> Atom:
    a, b = call.args
    if s.rank(a) != 2 or s.rank(b) not in (1, 2):
        raise Unbatchable
    if s.rank(b) == 2:
        return s.b.call(np.linalg.solve, s.get(a), s.get(b))
    if not s.has(a):
        columns = s.b.call(np.linalg.solve, a, s.b.call(np.ndarray.T, s.get(b)))
        return s.b.call(np.ndarray.T, columns)
    column = s.b.call(operator.getitem, s.get(b), Const((..., None)))
    found = s.b.call(np.linalg.solve, s.get(a), column)
    return s.b.call(operator.getitem, found, Const((..., 0)))


@of(*STACKED)
def _(s: Axes, call: Call) -> Atom:
    if s.rank(call.args[0]) != 2:
        raise Unbatchable
    known = lifted_type(call.outs[0].type)
    return s.b.call(call.fn, s.only_first(call), *call.args[1:], kwargs=dict(call.kwargs), type=known)


@of(np.trace, np.diagonal, np.ndarray.trace, np.ndarray.diagonal)
def _(s: Axes, call: Call) -> Atom:
    if s.rank(call.args[0]) != 2 or len(call.args) > 2 or call.kwargs:
        raise Unbatchable
    kwargs = {"axis1": Const(1), "axis2": Const(2)}
    return s.b.call(call.fn, s.only_first(call), *call.args[1:], kwargs=kwargs)


# -- containers ----------------------------------------------------------------------------------------------


@of(*PACKS)
def _(s: Axes, call: Call) -> Atom:
    head = 0 if call.fn in (pack_list, pack_tuple) else 1 if call.fn is pack_dict else 2
    items = [s.lift(known_part(a) if isinstance(a, Value) else a) for a in call.args[head:]]
    return s.b.call(call.fn, *call.args[:head], *items, type=lifted_type(call.outs[0].type))


@of(items_of_list, copy_of, builtins.list, builtins.tuple)
def _(s: Axes, call: Call) -> Atom:
    if call.args[0].type.kind not in CONTAINERS:
        raise Unbatchable
    return s.b.call(call.fn, s.only_first(call), type=lifted_type(call.outs[0].type))


@of(np.concatenate, np.stack, np.array, np.asarray)
def _(s: Axes, call: Call) -> Atom:
    alone = call.fn in (np.array, np.asarray)
    if call.args[0].type.kind not in ("list", "tuple"):
        if alone:
            return s.b.call(call.fn, s.only_first(call), *call.args[1:], kwargs=dict(call.kwargs))
        raise Unbatchable
    axis = 0 if alone else s.option(call, "axis", 1, 0)
    if axis is None or len(call.args) > 2 or any(name != "axis" for name, _ in call.kwargs):
        raise Unbatchable
    made = s.b.made_by(call.args[0], pack_list, pack_tuple)
    if made is None or any(a.type.kind in CONTAINERS for a in made.args):
        raise Unbatchable
    items = s.b.call(pack_list, *map(s.lift, made.args))
    join = np.concatenate if call.fn is np.concatenate else np.stack
    return s.b.call(join, items, kwargs={"axis": Const(shifted(axis))})

