"""Building regions: a call with its facts, folded where its arguments are constants."""

from __future__ import annotations

import builtins
import math
import operator
from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np

from ..analysis.layout import layout
from ..analysis.shapes import broadcast_axes, infer
from ..errors import NOWHERE, Span, UnsupportedSyntax
from ..ir.graph import (
    Atom,
    Call,
    Const,
    Instr,
    Step,
    Store,
    Value,
    literal,
    pack_list,
    pack_object,
    pack_slice,
    pack_tuple,
    part_type,
)
from ..ir.types import Type, array, number
from ..ir.walk import key_of
from ..rules.broadcast import unbroadcast
from ..rules.register import REGISTRY

# Always folded: nothing a reader would miss in the generated code.
FOLDED = frozenset({
    operator.not_, operator.eq, operator.ne, operator.lt, operator.le, operator.gt, operator.ge, operator.is_,
    operator.is_not, operator.contains, builtins.isinstance, builtins.len, builtins.bool, builtins.callable,
    pack_tuple, pack_slice, builtins.type, builtins.hasattr,
})  # fmt: skip
# Folded inside rules, whose constants are ours.
FOLDED_IN_RULES = FOLDED | {
    operator.add, operator.sub, operator.mul, operator.truediv, operator.floordiv, operator.mod, operator.pow,
    operator.neg, operator.pos, operator.abs, operator.getitem, builtins.abs, builtins.min, builtins.max,
    builtins.sum, builtins.range, builtins.tuple, builtins.list, builtins.sorted, builtins.int,
    builtins.float, math.sqrt, math.log, np.argsort, operator.and_, operator.or_,
}  # fmt: skip

NOUNS: dict[Any, str] = {
    operator.add: "total", operator.sub: "diff", operator.mul: "product", operator.truediv: "ratio",
    operator.pow: "power", operator.matmul: "product", operator.neg: "negative", operator.mod: "remainder",
    operator.floordiv: "quotient", operator.getitem: "item", operator.contains: "present",
    operator.iadd: "total", operator.isub: "diff",
    operator.imul: "product", operator.itruediv: "ratio", pack_tuple: "pair", pack_list: "items",
    pack_slice: "part",
}  # fmt: skip


# What an index is made of.
_INDEXING = frozenset({pack_slice, pack_tuple, operator.add, operator.sub, operator.mul})


# The methods that stand for an operation, on its left and on its right.
_METHODS: dict[Any, tuple[str, str]] = {
    getattr(operator, name): (f"__{name}__", f"__r{name}__")
    for name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow")
} | {operator.neg: ("__neg__", "__neg__"), operator.pos: ("__pos__", "__pos__")}


class Builder:
    """Collects instructions. `defs` finds the call that made a value, across all regions of one function."""

    def __init__(self, folded: frozenset[Any] = FOLDED) -> None:
        self.body: list[Instr] = []
        self.around: list[list[Instr]] = []  # the bodies of the regions that this one stands in
        self.homes: dict[Value, list[Instr]] = {}  # the body that a value was made in
        self.defs: dict[Value, Call | Store] = {}
        self.line: Span = NOWHERE
        self.folded = folded
        # What a rule about a function of the user, or a derivative inside a function, asks for; the layer
        # that differentiates says.
        self.active: Callable[[Atom], bool] = lambda atom: True
        self.derive: Callable[..., Any] | None = None
        self.gradient: Callable[..., Any] | None = None
        self.tangent: Callable[..., Any] | None = None
        self.direction: Callable[..., Any] | None = None
        self.jacobian: Callable[..., Any] | None = None
        self.linear: Callable[..., Any] | None = None
        self.rows: Callable[..., Any] | None = None
        # Of the arrays of one shape: what an index known at run time selects.
        self.parts: dict[Any, Type] = {}

    @contextmanager
    def region(self) -> Iterator[list[Instr]]:
        """Instructions built inside go to a list of their own."""
        outer, self.body = self.body, []
        self.around.append(outer)
        try:
            yield self.body
        finally:
            self.around.pop()
            self.body = outer

    def at_hand(self, atom: Atom) -> bool:
        """Can this be read here? What was made in a branch or a loop is out of sight after it."""
        home = self.homes.get(atom) if isinstance(atom, Value) else None
        return home is None or home is self.body or any(home is body for body in self.around)

    def forget(self, size: int) -> None:
        """Drop the instructions after the first `size`."""
        for instr in self.body[size:]:
            self.homes.update((out, []) for out in instr.outs)
        del self.body[size:]

    def _plain(self, fn: Any, const: Const) -> Const:
        """A number of a class of its own, as one of Python's: what is computed with it is that number."""
        value = const.value
        kind = next((c for c in (int, float, complex) if isinstance(value, c)), None)
        if kind is None or type(value) in (bool, kind) or isinstance(value, np.generic):
            return const
        cls, (there, back) = type(value), _METHODS[fn]
        if any(getattr(cls, m, None) is not getattr(kind, m, None) for m in (there, back)):
            raise UnsupportedSyntax(
                f"a number of class `{cls.__name__}`, which has its own `{there}`", self.line,
                "Make the class one that is no number, or convert it: `float(...)`.",
            )  # fmt: skip
        return Const(kind(value))

    def emit(self, instr: Instr) -> None:
        self.body.append(instr)
        for out in instr.outs:
            self.homes[out] = self.body
            if isinstance(instr, (Call, Store)):
                self.defs[out] = instr

    def call(
        self,
        fn: Any,
        *args: Atom,
        kwargs: Mapping[str, Atom] | None = None,
        name: str = "",
        type: Type | None = None,
    ) -> Atom:
        """`fn(*args, **kwargs)`: its value, or a constant where that is what it is."""
        named = dict(kwargs or {})
        if fn in self.folded:
            constants = [self.constant(a) for a in args]
            if all(c is not None for c in constants) and not named:
                try:
                    return Const(fn(*(c.value for c in constants if c is not None)))
                except Exception:  # noqa: BLE001 - it will raise where the user would see it
                    pass
        if fn in _METHODS:
            args = tuple(self._plain(fn, a) if isinstance(a, Const) else a for a in args)
        known = self.inferred(fn, args, named) if type is None else type
        if fn is operator.getitem and known.kind == "array":
            known = self.selected(args[0].type, args[1], known)
        out = Value(name or noun(fn, args), known, named=bool(name))
        self.emit(Call((out,), fn, args, tuple(named.items()), self.line))
        return out

    def selected(self, whole: Type, index: Atom, known: Type) -> Type:
        """The form of `x[i:j]`: that of every part cut out by the same index of an array of that form."""
        if "~" in str(whole) or whole.shape is None or isinstance(index, Const):
            return known
        first = self.parts.setdefault((whole.shape, self.written_as(index)), known)
        return replace(known, shape=first.shape)

    def written_as(self, index: Atom) -> Any:
        """A key under which indices meet that select the same."""
        if isinstance(index, Const):
            return key_of(index.value)
        made = self.defs.get(index)
        if isinstance(made, Call) and made.fn in _INDEXING and not made.kwargs:
            return (id(made.fn), *map(self.written_as, made.args))
        return index

    @staticmethod
    def inferred(fn: Any, args: tuple[Atom, ...], kwargs: Mapping[str, Atom]) -> Type:
        """The facts of a call, its layout in memory included."""
        known = Builder._form(fn, args, kwargs)
        return replace(known, layout=layout(fn, args, kwargs)) if known.kind == "array" else known

    @staticmethod
    def _form(fn: Any, args: tuple[Atom, ...], kwargs: Mapping[str, Atom]) -> Type:
        """One declared elementwise has the form that its arguments broadcast to."""
        known = infer(fn, args, kwargs)
        if known.kind == "unknown" and isinstance(fn, Hashable) and args:
            declared = REGISTRY.reverse.get(fn)
            if declared is not None and declared.form == "elementwise":
                form: Atom = args[0]
                for arg in args[1:]:
                    form = Value("form", infer(operator.add, (form, arg), {}))
                dtype = form.type.numeric_dtype
                if form.type.kind == "array" and dtype is not None and dtype.kind in "fc":
                    return form.type
                if form.type.is_scalar and dtype is not None and dtype.kind in "fc":
                    return number(dtype)
        return known

    def store(
        self,
        fn: Any,
        target: Atom,
        *args: Atom,
        kwargs: Mapping[str, Atom] | None = None,
        name: str = "",
        type: Type | None = None,
        visible: bool = False,
        path: tuple[Step, ...] = (),
    ) -> Value:
        """`target` as it is after `fn(part, *args)`, where the part is what `path` leads to."""
        whole = fn is operator.setitem and path and path[-1].fn is operator.getitem and _whole(args[0])
        if whole and part_type(target.type, path[:-1]).kind == "array":
            path, args = path[:-1], (path[-1].args[0], args[1])  # x[1:][...] is x[1:]
        base = target.name if isinstance(target, Value) else noun(fn)
        named = bool(name) or (isinstance(target, Value) and target.named)
        out = Value(name or base, target.type if type is None else type, named=named)
        self.emit(Store((out,), fn, target, args, tuple((kwargs or {}).items()), self.line, visible, path))
        return out

    def constant(self, atom: Atom) -> Const | None:
        """The constant that this atom is known to be, seen through a name given to it."""
        if isinstance(atom, Const):
            return atom
        made = self.defs.get(atom)
        if isinstance(made, Call) and made.fn is literal:
            return self.constant(made.args[0])
        return None

    def made_by(self, atom: Atom, *fns: Any) -> Call | None:
        """The call of one of `fns` that made this value, if it was one."""
        made = self.defs.get(atom) if isinstance(atom, Value) else None
        return made if isinstance(made, Call) and made.fn in fns else None


def _whole(index: Atom) -> bool:
    return isinstance(index, Const) and index.value is Ellipsis


def noun(fn: Any, args: tuple[Atom, ...] = ()) -> str:
    """What to call an anonymous result: a noun for an operator, `sin_out` for a function.

    An attribute has its own name, an object that of its class.
    """
    if fn in NOUNS:
        return NOUNS[fn]
    first, second = (a.value if isinstance(a, Const) else None for a in (*args, None, None)[:2])
    if fn is getattr and isinstance(second, str) and second.isidentifier():
        return second.strip("_") or "value"
    if fn is pack_object and first is SimpleNamespace:
        return "item"
    if fn is pack_object and isinstance(first, type):
        return first.__name__.strip("_").lower()
    name = getattr(fn, "__name__", None) or getattr(fn, "name", "value")
    name = str(name).strip("_")
    return f"{name}_out" if name.isidentifier() else "value"


def repeats(index: Atom, b: Builder) -> bool:
    """May this index select an element twice?"""
    if isinstance(index, Const):
        parts = index.value if isinstance(index.value, tuple) else (index.value,)
        picking = [p for p in parts if not isinstance(p, slice) and np.ndim(p) > 0]
        return any(np.asarray(p).dtype.kind != "b" for p in picking) and not _distinct(picking)
    listed = b.made_by(index, pack_list)
    if listed is not None and all(isinstance(a, Const) for a in listed.args):
        return not _distinct([[a.value for a in listed.args if isinstance(a, Const)]])
    made = b.made_by(index, pack_tuple)
    if made is not None:
        return any(repeats(a, b) for a in made.args)
    if b.made_by(index, pack_slice) is not None:
        return False
    kind = index.type
    if kind.kind == "array":
        return kind.dtype is None or kind.dtype.kind != "b"
    return kind.kind in ("list", "tuple", "unknown", "object")


def _distinct(picking: list[Any]) -> bool:
    """Is this one list of positions, all counted from the same end, no two alike?"""
    if len(picking) != 1:
        return False
    positions = np.asarray(picking[0])
    same_end = positions.dtype.kind in "iu" and (bool(np.all(positions >= 0)) or bool(np.all(positions < 0)))
    return same_end and len(np.unique(positions)) == positions.size


def unbroadcast_call(b: Builder, ct: Atom, x: Atom) -> Atom:
    """`unbroadcast(ct, x)`, as far as the facts decide it: nothing to sum, one sum, or the general form."""
    known, target = ct.type, x.type
    if known.is_scalar and (target.is_scalar or target.kind == "array"):
        return ct
    if target.is_scalar and known.kind == "array":
        return b.call(np.sum, ct)
    axes = broadcast_axes(known, target)
    if axes is None:
        form = target if target.is_scalar or target.kind == "array" else Type()
        if target.kind == "list" and target.items is None:
            form = array(None)
        if target.is_scalar and known.numeric_dtype is None:
            form = Type("number")  # of any dtype: it may be complex
        return b.call(unbroadcast, ct, x, type=replace(form, dtype=known.numeric_dtype, layout=""))
    dropped, kept = axes
    if kept:
        ct = b.call(
            np.ndarray.sum,
            ct,
            kwargs={"axis": Const(kept[0] if len(kept) == 1 else kept), "keepdims": Const(True)},
        )
    if dropped:
        ct = b.call(np.ndarray.sum, ct, kwargs={"axis": Const(dropped[0] if len(dropped) == 1 else dropped)})
    return ct
