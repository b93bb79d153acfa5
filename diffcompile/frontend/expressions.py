"""Expressions -> references: names, operators, attributes, subscripts, displays, comprehensions.

    (a + b) * x[i]      ->      total = operator.add(a, b)
                                item = operator.getitem(x, i)
                                operator.mul(total, item)
"""

from __future__ import annotations

import ast
import builtins
import enum
import operator
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import replace
from types import CellType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

from ..analysis.layout import LAID_OUT, MAYBE, NEVER, SURE, sight
from ..ir.graph import (
    UNBOUND,
    Atom,
    Call,
    Capture,
    Const,
    Method,
    Value,
    format_string,
    pack_slice,
    pack_tuple,
    write_outside,
)
from ..ir.types import BOOL, OBJECT, Type, element_of, type_of_constant
from ..rules.register import REGISTRY
from . import plain
from .arguments import is_object, is_object_class
from .choices import all_functions, is_function
from .core import CONTAINERS, MUTABLE, UnknownSetError
from .heap import (
    ITEM,
    Applied,
    Bound,
    Cell,
    Closure,
    Conflict,
    Content,
    Derived,
    Entries,
    Generated,
    Items,
    Obj,
    Pulled,
    Ref,
    Scope,
    Sequence,
    Super,
    Tup,
    View,
)
from .keeping import Keeping
from .subset import sentence

BINARY: dict[type[ast.operator], Any] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv, ast.Mod: operator.mod, ast.Pow: operator.pow,
    ast.MatMult: operator.matmul, ast.LShift: operator.lshift, ast.RShift: operator.rshift,
    ast.BitOr: operator.or_, ast.BitXor: operator.xor, ast.BitAnd: operator.and_,
}  # fmt: skip
UNARY: dict[type[ast.unaryop], Any] = {
    ast.USub: operator.neg, ast.UAdd: operator.pos, ast.Not: operator.not_, ast.Invert: operator.invert,
}
COMPARE: dict[type[ast.cmpop], Any] = {
    ast.Eq: operator.eq, ast.NotEq: operator.ne, ast.Lt: operator.lt, ast.LtE: operator.le,
    ast.Gt: operator.gt, ast.GtE: operator.ge, ast.Is: operator.is_, ast.IsNot: operator.is_not,
}  # fmt: skip
LOGGING = frozenset({"append", "extend", "insert"})  # what is written without a look at what is there
UNARY_METHODS = {operator.neg: "__neg__", operator.pos: "__pos__", operator.invert: "__invert__"}
# Attributes of an array that see the array's own memory, and those that tell of its form.
VIEW_ATTRIBUTES = {
    "T": np.ndarray.T,
    "mT": getattr(np.ndarray, "mT", None),
    "flat": np.ndarray.flat,
    "real": np.ndarray.real,
    "imag": np.ndarray.imag,
}
FORM_ATTRIBUTES = {
    "shape": np.ndarray.shape, "size": np.ndarray.size, "ndim": np.ndarray.ndim, "dtype": np.ndarray.dtype,
    "itemsize": np.ndarray.itemsize, "nbytes": np.ndarray.nbytes, "flags": np.ndarray.flags,
    "strides": np.ndarray.strides,
}  # fmt: skip
# The fields of the named tuples that NumPy returns.
FIELDS: dict[Any, tuple[str, ...]] = {
    np.linalg.qr: ("Q", "R"), np.linalg.eig: ("eigenvalues", "eigenvectors"),
    np.linalg.eigh: ("eigenvalues", "eigenvectors"), np.linalg.svd: ("U", "S", "Vh"),
    np.linalg.slogdet: ("sign", "logabsdet"),
}  # fmt: skip
ARRAY_KINDS = frozenset({"array", "number", "unknown", "float", "int", "complex", "bool"})
Held = tuple[Scope, str] | None  # the name of a part of a container that is held for a while
UNROLLED = 64  # a container whose items differ in kind is run over item by item up to this length


LIBRARIES = frozenset({"numpy", "scipy", "math", "cmath", "operator", "builtins"})


def _attribute_of(scope: Any, name: str) -> str:
    return "cell_contents" if isinstance(scope, CellType) else name


def _library(name: str, value: Any) -> bool:
    """Is this an imported module of a library, or a function or class of one under its own name?"""
    if isinstance(value, ModuleType):
        return value.__name__.partition(".")[0] in LIBRARIES
    if not callable(value) or getattr(value, "__name__", None) != name:
        return False
    if isinstance(value, np.ufunc):
        return getattr(np, name, None) is value
    return str(getattr(value, "__module__", "")).partition(".")[0] in LIBRARIES


def is_flat(ref: Ref) -> bool:
    """Is this `x.flat`? Its slices are copies, and it is written with the elements of a value in turn."""
    return isinstance(ref, View) and ref.fn is np.ndarray.flat


def _ruled(value: Any) -> bool:
    """Is this an object whose call has a rule?"""
    return isinstance(value, Hashable) and value in REGISTRY.reverse


# What gives another sparse matrix, asked of one.
_OF_MATRICES = frozenset({
    "T", "transpose", "tocsr", "tocsc", "tocoo", "todia", "tobsr", "tolil", "todok", "asformat", "copy",
    "astype", "conj", "conjugate",
})  # fmt: skip


UNCOUNTED = "`*` of a sequence whose length is not known here"


class Expressions(Keeping):
    def is_function(self, ref: Ref) -> bool:
        return is_function(ref)

    def expression(self, node: ast.expr, name: str = "", whole: bool = True) -> Ref:
        """The reference that an expression evaluates to; a value made on top of it is called `name`.

        The items of a list or dict of the caller's are described when it is first read as a `whole`.
        """
        outer, self.node = self.node, node
        line, self.b.line = self.b.line, self.span(node)
        try:
            method = getattr(self, f"_{type(node).__name__}", None)
            if method is None:
                raise self.refuse(*sentence(node))
            result: Ref = method(node, name)
            if whole:
                self.looked_into(result)
            return result
        finally:
            self.node = outer
            self.b.line = line

    def value(self, node: ast.expr, name: str = "") -> Atom:
        return self.atom(self.expression(node, name))

    # -- names ----------------------------------------------------------------------------------------------

    def _Constant(self, node: ast.Constant, name: str) -> Ref:
        return Const(node.value)

    def _Name(self, node: ast.Name, name: str) -> Ref:
        return self.lookup(node.id)

    def lookup(self, name: str) -> Ref:
        scope: Scope | None = self.scope
        while scope is not None:
            ref = self.state.vars.get((self.unit.homes.get((scope, name), scope), name))
            if ref is not None:
                if isinstance(ref, Conflict):
                    raise self.refuse(ref.reason, "Use one kind of value on every path.")
                if isinstance(ref, Const) and ref.value is UNBOUND:
                    raise self.refuse(f"`{name}` has no value here", "Assign it before it is read.")
                return ref
            scope = scope.parent
        if name in self.own_names:
            raise self.refuse(f"`{name}` has no value here", "Assign it before it is read.")
        return self.outer_name(name)

    def outer_name(self, name: str) -> Ref:
        """A name from the function's closure, its globals or Python itself."""
        fn = self.source.fn
        written = self.unit.outside_scope(fn.__globals__)
        if written is not None and name not in fn.__code__.co_freevars and (written, name) in self.state.vars:
            return self.state.vars[written, name]
        if name in fn.__code__.co_freevars and fn.__closure__ is not None:
            cell = fn.__closure__[fn.__code__.co_freevars.index(name)]
            try:
                return self.outside(name, cell.cell_contents, cell)
            except ValueError:
                raise self.refuse(f"`{name}` has no value yet in the enclosing function") from None
        if name in fn.__globals__:
            return self.outside(name, fn.__globals__[name], fn.__globals__)
        if hasattr(builtins, name):
            return Const(getattr(builtins, name))
        raise self.refuse(f"the name `{name}` is not defined")

    def outside(self, name: str, value: Any, scope: Any) -> Ref:
        """A global or closure object: numbers and arrays are read live at every call, the rest is folded."""
        sentence = None if self.unit.rule else plain.of_value(value)
        if sentence is not None:
            raise self.refuse(f"`{name}`: {sentence[0]}", sentence[1])
        live = isinstance(value, (float, complex, np.ndarray, np.generic)) and not isinstance(value, bool)
        written = self.unit.session.written
        if (id(scope), name) in written:
            owner = Const(written[id(scope), name])
            return self.own(self.b.call(getattr, owner, Const(_attribute_of(scope, name))))
        if isinstance(value, (list, dict)) and not self.unit.rule:
            items = list(value.values()) if isinstance(value, dict) else value
            if all_functions(map(Const, items)):
                self.unit.session.guard(name, scope, value)
                self.unit.session.guard("", value, tuple(items))
                return Const(value)
        plain_object = isinstance(value, (list, dict)) or is_object(value) and not _ruled(value)
        if not self.unit.rule and plain_object:
            return self.captured_object(name, value, scope)
        if self.unit.rule or not (live or self._instance(value)):
            ours = self.unit.rule and (self.source.fn.__module__ or "").startswith("diffcompile.")
            if not ours and not _library(name, value):
                self.unit.session.guard(name, scope, value)
            return Const(value, name if isinstance(value, (bool, int, float)) and ours else "")
        return self.captured(Capture(name, scope, name), type_of_constant(value))

    def captured(self, capture: Capture, known: Type) -> Ref:
        """The reference to a captured number or array: an extra parameter of the graph, one per name."""
        key = (id(capture.scope), capture.name)
        if key not in self.unit.captures:
            label = self._free_name(capture.name)
            capture = Capture(capture.name, capture.scope, label)
            param = Value(label, known, named=True)
            ref: Ref = param
            if known.kind in MUTABLE:
                ref = Obj(
                    Cell(capture.name, f"`{capture.name}` is a global or closure array, and is written here")
                )
            self.unit.captures[key] = (capture, param, ref)
        _, param, ref = self.unit.captures[key]
        if isinstance(ref, Obj):
            self.state.heap.setdefault(ref.cell, param)
        return ref

    def captured_object(self, name: str, value: Any, scope: Any) -> Ref:
        raise NotImplementedError

    def _free_name(self, name: str) -> str:
        raise NotImplementedError

    def class_of(self, ref: Ref) -> type | None:
        raise NotImplementedError

    def object_content(self, ref: Ref) -> Entries | None:
        raise NotImplementedError

    def content(self, ref: Ref) -> Content | None:
        return self.state.heap[ref.cell] if isinstance(ref, Obj) else None

    def dicted(self, ref: Ref) -> Entries | None:
        raise NotImplementedError

    def joined_dicts(self, left: Ref, right: Ref, name: str) -> Ref:
        raise NotImplementedError

    def looked_into(self, ref: Ref) -> None:
        raise NotImplementedError

    def entries_of(self, ref: Ref) -> dict[Any, Ref] | None:
        raise NotImplementedError

    def entry_at(self, ref: Obj, content: Entries, key: Const | None) -> Ref | None:
        raise NotImplementedError

    def items_of(self, ref: Ref) -> tuple[Ref, ...] | None:
        raise NotImplementedError

    def iterated_object(self, ref: Ref) -> Ref | None:
        raise NotImplementedError

    def items_of_object(self, ref: Ref) -> Ref | None:
        raise NotImplementedError

    def defined(self, definition: Any, args: list[Ref], kwargs: dict[str, Ref], name: str) -> Ref:
        raise NotImplementedError

    def set_item(self, base: Ref, index: Ref, value: Ref) -> None:
        raise NotImplementedError

    def lists_of(self, *refs: Ref) -> tuple[tuple[Cell, Content], ...]:
        raise NotImplementedError

    def operated(self, op: Any, left: Ref, right: Ref, name: str, inplace: bool = False) -> Ref | None:
        raise NotImplementedError

    def compared(self, op: Any, left: Ref, right: Ref, name: str) -> Ref | None:
        raise NotImplementedError

    def special_method(self, ref: Ref, method: str) -> Ref | None:
        raise NotImplementedError

    def super_attribute(self, ref: Super, attr: str) -> Ref:
        raise NotImplementedError

    def bound_to(self, cls: type, attr: str, static: Any, receiver: Ref | None, name: str = "") -> Ref:
        raise NotImplementedError

    def found_in(self, cls: type, attr: str) -> Any:
        raise NotImplementedError

    def field(self, ref: Tup, attr: str) -> Ref:
        raise NotImplementedError

    def object_attribute(self, ref: Obj | View, attr: str, name: str = "") -> Ref:
        raise NotImplementedError

    @staticmethod
    def _instance(value: Any) -> bool:
        """Is this an ordinary object: nothing that is folded (function, class, module, plain constant)?"""
        folded = (FunctionType, ModuleType, type, str, int, bool, bytes, np.dtype, slice, range, np.ufunc)
        if value is None or value is Ellipsis or callable(value) or isinstance(value, folded):
            return False
        return not (isinstance(value, tuple) and not any(map(Expressions._instance, value)))

    def _NamedExpr(self, node: ast.NamedExpr, name: str) -> Ref:
        ref = self.expression(node.value, node.target.id)
        inner = self.scope
        while self.scope.name == "comprehension" and self.scope.parent is not None:
            self.scope = self.scope.parent  # the name is the function's own
        self.bind(node.target.id, ref)
        self.scope = inner
        return ref

    def bind(self, name: str, ref: Ref) -> None:
        home = self.unit.homes.get((self.scope, name), self.scope)
        self.state.vars[home, name] = ref
        if home.outside is not None:
            self._write_outside(name, home.outside, ref)

    def _write_outside(self, name: str, owner: Any, ref: Ref) -> None:
        """A name declared `global`, or `nonlocal` of a function outside: written at once."""
        static = self._sequence(ref) is not None or not isinstance(ref, (Const, Value, Obj, View))
        if static or isinstance(ref, Const) and ref.value is UNBOUND:
            raise self.refuse(
                f"`{name}`, which lives outside of the function, is given a container or a function here",
                "Return it instead.",
            )
        attribute = Const("cell_contents" if isinstance(owner, CellType) else name)
        self.b.emit(Call((), write_outside, (Const(owner), attribute, self.atom(ref)), (), self.b.line))
        self.unit.writes_outside = True

    # -- operators ------------------------------------------------------------------------------------------

    def _BinOp(self, node: ast.BinOp, name: str) -> Ref:
        # Down the left side in a loop: a sum of 2,000 terms is as deep as it is long.
        spine = [node]
        while isinstance(spine[-1].left, ast.BinOp):
            spine.append(spine[-1].left)
        ref = self.expression(spine[-1].left)
        for part in reversed(spine):
            held = self.hold(ref, [part.right])
            right = self.expression(part.right)
            ref = self.let_go(held, ref)
            if not self.unit.rule:
                self.b.line = self.span(part)
            ref = self.operate(BINARY[type(part.op)], ref, right, name if part is node else "")
        return ref

    def _call_number(self, op: Any, left: Ref, right: Ref) -> Const | None:
        """A number that counts calls, `n - 1` of a function that is lowered where it is called."""
        if self.source.node not in self.unit.inlining or op not in (operator.add, operator.sub):
            return None
        a, b = (r.value if isinstance(r, Const) and not r.spelling else None for r in (left, right))
        return Const(op(a, b)) if type(a) is int and type(b) is int else None

    def operate(self, op: Any, left: Ref, right: Ref, name: str = "") -> Ref:
        """A binary operator; lists and tuples known item by item are joined and repeated as such."""
        own = self.operated(op, left, right, name)
        if own is not None:
            return own
        for ref, other in ((left, right), (right, left)):
            if isinstance(ref, Const) and isinstance(ref.value, type) and self.constant(other) is None:
                cls = ref.value.__name__
                raise self.refuse(f"the class `{cls}` itself is computed with", "Use an object of it.")
        counted = self._call_number(op, left, right)
        if counted is not None:
            return counted
        if op is operator.or_ and self.type_of(left).kind == self.type_of(right).kind == "dict":
            return self.joined_dicts(left, right, name)
        a, b = self._sequence(left), self._sequence(right)
        if op is operator.add and a is not None and b is not None:
            return self._like(left, a + b)
        if op is operator.mul and (a is None) != (b is None):
            items, times = (a, right) if a is not None else (b, left)
            count = self.constant(times)
            assert items is not None
            if count is not None and isinstance(count.value, int) and count.value * len(items) <= UNROLLED:
                return self._like(left if a is not None else right, items * count.value)
        x, y = self.atom(left), self.atom(right)
        if op is operator.mul and not self.unit.rule and self._matrix(x) != self._matrix(y):
            other = y if self._matrix(x) else x
            if other.type.kind == "unknown" and self.b.made_by(other, operator.matmul) is None:
                raise self.refuse("a sparse matrix times what may be a number or an array", "Write `A @ x`.")
            if not other.type.is_scalar and other.type.rank != 0:
                op = operator.matmul  # which is what the star of a sparse matrix is
        made = self.own(self.b.call(op, x, y, name=name))
        known = self.type_of(made)
        if isinstance(made, Obj) and known.kind == "list" and element_of(known).kind == "none":
            made.cell.apart = not self.unit.rule  # nothing is in it yet
        return made

    def _matrix(self, atom: Atom) -> bool:
        """Is this a sparse matrix of SciPy, of the kind whose `*` is that of matrices, or made of one?"""
        if atom.type.kind == "object" and atom.type.cls is not None:
            return any(c.__name__ == "spmatrix" for c in atom.type.cls.__mro__)
        made = self.b.defs.get(atom) if isinstance(atom, Value) and atom.type.kind == "unknown" else None
        if not isinstance(made, Call):
            return False
        name = made.fn.name if isinstance(made.fn, Method) else ""
        if made.fn is getattr and isinstance(made.args[1], Const):
            name = made.args[1].value
        if name in _OF_MATRICES or made.fn is operator.neg:
            return self._matrix(made.args[0])
        scaled = made.fn in (operator.mul, operator.truediv)
        return scaled and any(a.type.is_scalar for a in made.args) and any(map(self._matrix, made.args))

    def _sequence(self, ref: Ref) -> tuple[Ref, ...] | None:
        if isinstance(ref, (Tup, Obj)) or (isinstance(ref, Const) and isinstance(ref.value, (tuple, list))):
            if isinstance(ref, Obj) and isinstance(self.state.heap[ref.cell], Entries):
                return None
            return self.static_items(ref)
        return None

    def _like(self, ref: Ref, items: tuple[Ref, ...]) -> Ref:
        return self.state.new(Items(items)) if isinstance(ref, Obj) else Tup(items)

    def _UnaryOp(self, node: ast.UnaryOp, name: str) -> Ref:
        op = UNARY[type(node.op)]
        if op is operator.neg and isinstance(node.operand, ast.Constant):
            value = node.operand.value
            if isinstance(value, (int, float)) and not isinstance(value, bool):
                return Const(-value)
        ref = self.expression(node.operand)
        if op is operator.not_:
            items = self.static_items(ref)
            if items is not None:
                return Const(not items)
            if self.class_of(ref) is not None:
                return self.own(self.b.call(op, self.truth(ref), name=name))
        method = self.special_method(ref, UNARY_METHODS[op]) if op in UNARY_METHODS else None
        if method is not None:
            return self.invoke(method, [], {}, name)
        return self.own(self.b.call(op, self.atom(ref), name=name))

    def _Compare(self, node: ast.Compare, name: str) -> Ref:
        return self._chain(
            self.expression(node.left), list(zip(node.ops, node.comparators, strict=True)), name
        )

    def _chain(self, left: Ref, rest: list[tuple[ast.cmpop, ast.expr]], name: str) -> Ref:
        (op, node), *more = rest
        held = self.hold(left, [node])
        right = self.expression(node)
        left = self.let_go(held, left)
        test = self._compare(op, left, right, name if not more else "")
        if not more:
            return test
        result = self.branch(self.atom(test), lambda: self._chain(right, more, name), lambda: test)
        assert result is not None
        return result

    def _compare(self, op: ast.cmpop, left: Ref, right: Ref, name: str) -> Ref:
        if isinstance(op, (ast.In, ast.NotIn)):
            return self._contains(left, right, isinstance(op, ast.NotIn))
        if isinstance(op, (ast.Is, ast.IsNot)):
            return self._identity(left, right, isinstance(op, ast.IsNot))
        own = self.compared(COMPARE[type(op)], left, right, name)
        if own is not None:
            return own
        return self.own(self.b.call(COMPARE[type(op)], self.atom(left), self.atom(right), name=name))

    def _contains(self, left: Ref, right: Ref, negated: bool) -> Ref:
        method = self.special_method(right, "__contains__")
        if method is not None:
            answer = self.truth(self.invoke(method, [left], {}))
            return self.b.call(operator.not_, answer) if negated else answer
        key, items = self.constant(left), self.static_items(right)
        if key is not None and items is not None:
            values = [self.constant(r) for r in items]
            if all(v is not None for v in values):
                found = key.value in [v.value for v in values if v is not None]
                return Const(found != negated)
        test = self.b.call(operator.contains, self.whole(right), self.atom(left), type=BOOL)
        return self.b.call(operator.not_, test) if negated else test

    def is_there(self, ref: Ref) -> Ref:
        """Is this not None?"""
        return self._identity(ref, Const(None), True)

    def _identity(self, left: Ref, right: Ref, negated: bool) -> Ref:
        for a, b in ((left, right), (right, left)):
            if isinstance(b, Const) and b.value is None:
                if isinstance(a, (Closure, Bound, Derived, Pulled)):
                    return Const(negated)
                if isinstance(a, Const):
                    return Const((a.value is None) != negated)
                content = a if isinstance(a, Value) else self.content(a)
                if isinstance(content, Value) and content in self.unit.present:
                    return Const(negated)
                known = self.type_of(a)
                decided = known.is_record or known.kind not in ("unknown", "object")
                if isinstance(content, (Items, Entries)) or decided and not known.maybe_unbound:
                    return Const((known.kind == "none") != negated)
                item = self.record_in(a)
                if item is not None and known.maybe_unbound:
                    return self.b.call(operator.is_not if negated else operator.is_, item, b, type=BOOL)
            if isinstance(b, Const) and not callable(b.value) and self.type_of(a).kind == "function":
                return Const(negated)
        seen = [atom for r in (left, right) if (atom := self.record_in(r)) is not None]
        if len(seen) == 2:
            return self.b.call(operator.is_not if negated else operator.is_, *seen, type=BOOL)
        if seen:
            raise self.refuse("whether this is an item of a list is asked", "Compare its attributes.")
        if self._container(left) or self._container(right):
            same = isinstance(left, Obj) and isinstance(right, Obj) and left.cell is right.cell
            return Const((same or left is right) != negated)
        op = operator.is_not if negated else operator.is_
        return self.b.call(op, self.whole(left), self.whole(right), type=BOOL)

    def record_in(self, ref: Ref) -> Value | None:
        """The object itself, if it is an item of a container that is one value of the graph."""
        if isinstance(ref, Obj) and ref.cell.seen is not None:
            return ref.cell.seen
        if isinstance(ref, Obj):
            ref = self.state.kept.get(ref.cell, ref)
        found = self.whole(ref) if isinstance(ref, View) and self.type_of(ref).is_record else None
        return found if isinstance(found, Value) else None

    def _container(self, ref: Ref) -> bool:
        """Is this a container or an object that is known item by item?"""
        if isinstance(ref, View):
            return self.type_of(ref).is_record
        return isinstance(ref, Tup) or isinstance(self.content(ref), (Items, Entries))

    def _BoolOp(self, node: ast.BoolOp, name: str) -> Ref:
        first, *rest = node.values
        return self._bool(isinstance(node.op, ast.And), self.expression(first), rest)

    def _bool(self, conjunction: bool, left: Ref, rest: list[ast.expr]) -> Ref:
        if not rest:
            return left

        def go_on() -> Ref:
            return self._bool(conjunction, self.expression(rest[0]), rest[1:])

        def stop() -> Ref:
            return left

        then, orelse = (go_on, stop) if conjunction else (stop, go_on)
        result = self.branch(self.truth(left), then, orelse)
        assert result is not None
        return result

    def truth(self, ref: Ref) -> Atom:
        """The atom to branch on."""
        items = self.static_items(ref) if isinstance(ref, (Tup, Obj)) else None
        if items is not None:
            return Const(bool(items))
        if isinstance(ref, (Closure, Bound, Applied, Derived, Pulled)):
            return Const(True)
        if self.class_of(ref) is not None:
            if self.type_of(ref).maybe_unbound:
                there = self.is_there(ref)
                if self.special_method(ref, "__bool__") or self.special_method(ref, "__len__"):
                    raise self.refuse("the truth of an object that may be None", "Ask whether it `is None`.")
                return self.atom(there)
            for method in ("__bool__", "__len__"):
                fn = self.special_method(ref, method)
                if fn is not None:
                    return self.truth(self.invoke(fn, [], {}))
            return Const(True)
        return self.whole(ref)

    def condition(self, node: ast.expr) -> Atom:
        """The truth of an expression, of whose `and` and `or` the values are not asked for."""
        if not isinstance(node, ast.BoolOp):
            return self.truth(self.expression(node))

        def among(parts: list[ast.expr]) -> Atom:
            first = self.condition(parts[0])
            if len(parts) == 1:
                return first
            go_on, stop = (lambda: among(parts[1:])), (lambda: first)
            then, orelse = (go_on, stop) if isinstance(node.op, ast.And) else (stop, go_on)
            return self.atom(self.branch(first, then, orelse) or first)

        return among(node.values)

    def _IfExp(self, node: ast.IfExp, name: str) -> Ref:
        test = self.condition(node.test)
        result = self.branch(
            test, lambda: self.expression(node.body), lambda: self.expression(node.orelse), name
        )
        assert result is not None
        return result

    # -- attributes and subscripts --------------------------------------------------------------------------

    def _Attribute(self, node: ast.Attribute, name: str) -> Ref:
        return self.attribute(self.expression(node.value), node.attr, name)

    def callee(self, node: ast.expr) -> Ref:
        """What stands before the parentheses of a call; an attribute of an object is its method."""
        if isinstance(node, ast.Attribute):
            base = self.expression(node.value, whole=node.attr not in LOGGING)
            known = isinstance(base, (Const, Tup, Super)) or self._container(base)
            static = known or self.class_of(base) is not None
            if not static and self.type_of(base).kind in ("unknown", "object"):
                return Bound(base, node.attr)
            return self.attribute(base, node.attr)
        return self.expression(node)

    def attribute(self, base: Ref, attr: str, name: str = "") -> Ref:
        if isinstance(base, Const) and base.value is not UNBOUND:
            return self._constant_attribute(base, attr)
        if self.type_of(base).cls is set:
            raise UnknownSetError
        if attr == "args" and isinstance(base, Value) and base in self.unit.raised:
            cls, args = self.unit.raised[base]
            if cls.__init__ is Exception.__init__ or cls.__module__ == "builtins" and cls is not OSError:
                return Tup(args)
        if attr in ("__context__", "__suppress_context__", "__traceback__"):
            raise self.refuse(
                f"`{attr}` of an exception is about how it was raised, which is another way here",
                "Keep what is needed of it in a variable where it is raised.",
            )
        if isinstance(base, Super):
            return self.super_attribute(base, attr)
        if isinstance(base, View) and base.type.is_record:
            return self.object_attribute(base, attr, name)
        if isinstance(base, Obj) and self.class_of(base) is not None:
            return self.object_attribute(base, attr, name)
        if isinstance(base, Tup) and base.cls is not tuple:
            return self.field(base, attr)
        if self._container(base):
            return Bound(base, attr)
        kind = self.type_of(base).kind
        made = self.b.made_by(base, *FIELDS) if isinstance(base, Value) else None
        if made is not None and kind == "tuple" and attr in FIELDS[made.fn]:
            return self.subscript(base, Const(FIELDS[made.fn].index(attr)), name)
        if isinstance(base, (Tup, Closure, Bound)) or kind in ("list", "dict", "tuple", "str"):
            return Bound(base, attr)
        if kind in ARRAY_KINDS:
            if attr in FORM_ATTRIBUTES:
                return self._form(base, attr, name)
            if attr in VIEW_ATTRIBUTES and VIEW_ATTRIBUTES[attr] is not None:
                return self.seen(base, VIEW_ATTRIBUTES[attr], [], {}, name)
            if kind == "array" and not hasattr(np.ndarray, attr):
                raise self.refuse(f"an array has no attribute `{attr}`")
            if kind == "array" and not callable(getattr(np.ndarray, attr)):
                raise self.refuse(f"where an array lies in memory (`.{attr}`) is not followed")
            if callable(getattr(np.ndarray, attr, None)) or kind not in ("unknown", "array"):
                return Bound(base, attr)
        owner = self.atom(base)
        if isinstance(owner, Value) and owner.type.is_record:
            return self.attribute(self.looked_at(owner, ""), attr, name)
        known = self.unit.solved.get(owner, {}).get(attr)
        return self.own(self.b.call(getattr, owner, Const(attr), name=name, type=known), name)

    def _form(self, base: Ref, attr: str, name: str) -> Ref:
        known = self.type_of(base)
        if attr == "ndim" and known.rank is not None:
            return Const(known.rank)
        if attr == "shape" and known.rank is not None:
            shape = known.shape if known.kind == "array" else ()
            assert shape is not None
            if all(isinstance(size, int) for size in shape) and self.unit.rule:
                return Const(tuple(shape))
        if (
            attr == "dtype"
            and known.kind in ("array", "number")
            and known.dtype is not None
            and self.unit.rule
        ):
            return Const(known.dtype)
        return self.own(self.b.call(FORM_ATTRIBUTES[attr], self.atom(base), name=name))

    def _constant_attribute(self, base: Const, attr: str) -> Ref:
        owner = base.value
        inner = isinstance(owner, type) and any(attr in vars(c) for c in owner.__mro__[:-1])
        if inner and is_object_class(owner) and not self.unit.rule:
            return self.bound_to(owner, attr, self.found_in(owner, attr), None)
        if not hasattr(owner, attr):
            raise self.refuse(f"`{getattr(owner, '__name__', owner)}` has no attribute `{attr}`")
        value = getattr(owner, attr)
        if isinstance(owner, enum.Enum):
            own = isinstance(value, MethodType) and isinstance(value.__func__, FunctionType)
            of_python = own and value.__func__.__module__ != "enum"
            return Bound(base, attr, value.__func__) if of_python else Const(value)
        if isinstance(owner, (str, int, float, complex, tuple, list, dict, np.ndarray)):
            return Bound(base, attr)
        if isinstance(owner, enum.EnumMeta) and isinstance(value, owner):
            return Const(value)  # a member, which stays what it is
        if isinstance(owner, ModuleType):
            library = owner.__name__.split(".")[0] in ("numpy", "math", "scipy", "cmath", "operator")
            short = {"numpy": "np"}.get(owner.__name__, owner.__name__)
            if isinstance(value, (float, complex)) and library:
                return Const(value, f"{short}.{attr}")
            if not library and not self.unit.rule:
                return self.outside(attr, value, vars(owner))
        if isinstance(owner, type) and not self.unit.rule and owner.__module__.split(".")[0] not in LIBRARIES:
            holder = next(c for c in owner.__mro__ if attr in vars(c)) if attr in dir(owner) else owner
            if attr in vars(holder) and not isinstance(value, (FunctionType, MethodType)):
                return self.outside(attr, value, holder)
        return Const(value)

    def view(
        self, base: Ref, fn: Any, *args: Atom, kwargs: dict[str, Atom] | None = None, name: str = "",
        sure: bool = True,
    ) -> Ref:  # fmt: skip
        """`fn(base, *args)` where the result sees the memory of an array."""
        named = tuple((kwargs or {}).items())
        result = self.b.call(fn, self.atom(base), *args, kwargs=kwargs, name=name)
        if not isinstance(base, (Obj, View)) or isinstance(result, Const):
            return self.own(result)
        if result.type.is_scalar:
            return result
        view = View(base, fn, args, named, result.type, name, sure=sure)
        view.cache.append((self.atom(base), result))
        return view

    def seen(self, base: Ref, fn: Any, args: list[Atom], kwargs: dict[str, Atom], name: str = "") -> Ref:
        """A call of a library function on an array whose memory its result may see."""
        whose = self.atom(base)
        answer = sight(fn, (whose, *args), kwargs) if isinstance(base, (Obj, View)) else NEVER
        if fn is np.lib.stride_tricks.as_strided and isinstance(base, (Obj, View)):
            windows = self.own(self.b.call(fn, whose, *args, kwargs=kwargs, name=name), name)
            if isinstance(windows, Obj):
                windows.cell.shares |= self.cells(base)
                windows.cell.outside = "what `as_strided` shows is written, and elements may be shown twice"
            return windows
        if answer is NEVER:
            return self.own(self.b.call(fn, whose, *args, kwargs=kwargs, name=name), name)
        if whose.type.layout or answer is MAYBE:
            self.unit.session.layouts |= fn in LAID_OUT
        same = fn in (np.asarray, np.asanyarray) and answer is SURE and whose.type.kind == "array"
        return base if same else self.view(base, fn, *args, kwargs=kwargs, name=name, sure=answer is SURE)

    def flattened(self, base: Ref) -> Ref:
        """`x.flat` where the whole of it is read."""
        return self.seen(base, np.ravel, [], {})

    def _Subscript(self, node: ast.Subscript, name: str) -> Ref:
        base = self.expression(node.value)
        held = self.hold(base, [node.slice])
        if held is not None:
            index = self.index(node.slice)
            return self.subscript(self.let_go(held, base), index, name)
        if node in self.unit.run_over and isinstance(base, (Obj, View)) and self.type_of(base).kind == "list":
            return self._run_over(base, self.atom(self.index(node.slice)), name)
        return self.subscript(base, self.index(node.slice), name)

    def _run_over(self, base: Obj | View, at: Atom, name: str) -> Ref:
        """A slice of a list that a loop runs over: its items are those of the list, and no one else's."""
        known = None if isinstance(at, Const) else Type("list", elem=element_of(self.type_of(base)))
        part = self.own(self.b.call(operator.getitem, self.whole(base), at, name=name, type=known), name)
        if isinstance(part, Obj):
            part.cell.may_hold(self.sharing({base.root.cell if isinstance(base, View) else base.cell}))
        return part

    def index(self, node: ast.expr) -> Ref:
        """What stands between the brackets, slices included."""
        if isinstance(node, ast.Slice):
            outer, self.node = self.node, node
            try:
                parts = [
                    self.value(p) if p is not None else Const(None)
                    for p in (node.lower, node.upper, node.step)
                ]
            finally:
                self.node = outer
            if node.step is None:
                parts.pop()
            return self.b.call(pack_slice, *parts)
        if isinstance(node, ast.Tuple):
            return Tup(tuple(self.index(item) for item in node.elts))
        return self.expression(node)

    def subscript(self, base: Ref, index: Ref, name: str = "") -> Ref:
        method = self.special_method(base, "__getitem__")
        if method is not None:
            return self.invoke(method, [index], {}, name)
        items = self._sequence(base)
        known = self.constant(index)
        if known is None and isinstance(base, Const) and isinstance(base.value, type):
            raise self.refuse(
                f"the class `{base.value.__name__}` is asked for an item", "Call a function that gives it."
            )
        if known is not None and self.unit.solved and self.type_of(base) == OBJECT:
            if known.value in self.unit.solved.get(self.atom(base), {}):  # a solver's result is a dict too
                return self.attribute(base, known.value, name)
        if items is not None:
            if known is not None and isinstance(known.value, (int, np.integer)):
                if -len(items) <= known.value < len(items):
                    return items[known.value]
                if not isinstance(base, Obj) or not self.unit.turning:
                    raise self.refuse(f"index {known.value} is out of range for {len(items)} items")
            if known is not None and isinstance(known.value, slice):
                return self._like(base, items[known.value])
            if known is None and all_functions(items):
                return self.chosen_item(items, index, not isinstance(base, Tup))
            if isinstance(base, Obj):
                self.materialise(base.cell)
        if isinstance(base, Obj):
            content = self.state.heap[base.cell]
            if isinstance(content, Entries):
                if known is None and all_functions(content.refs):
                    return self.chosen_entry(content.entries, index)
                entry = self.entry_at(base, content, known)
                if entry is not None:
                    return entry
                self.materialise(base.cell)
        if isinstance(base, Const) and isinstance(base.value, dict) and known is None:
            entries = tuple((k, Const(v)) for k, v in base.value.items())
            if all_functions(r for _, r in entries):
                return self.chosen_entry(entries, index)
        if isinstance(base, Const) and base.value in (np.s_, np.index_exp):
            return index if base.value is np.s_ or isinstance(index, Tup) else Tup((index,))
        if isinstance(base, Const) and known is not None and isinstance(base.value, (dict, str, range)):
            return Const(base.value[known.value])
        if isinstance(base, Sequence):
            base = self.atom(base)
        at = self.atom(index)
        kind = self.type_of(base).kind
        if is_flat(base):
            assert isinstance(base, View)
            line = self.whole(base) if self._basic(index) else self.atom(self.flattened(base.base))
            return self.own(self.b.call(operator.getitem, line, at, name=name), name)
        if isinstance(base, (Obj, View)) and kind in ("array", "unknown") and self._basic(index):
            return self.view(base, operator.getitem, at, name=name)
        sliced = kind == "list" and self._is_slice(index)  # a list of its own
        if isinstance(base, (Obj, View)) and kind in CONTAINERS and not sliced:
            if isinstance(base, Obj) and base.cell.factory is not None:
                self.entry_made(base, at)
            part = self.item(base, at, name)
            if part is not None:
                return part
            item = self._item_read(base, at, name)
        elif kind == "dict":
            held = self.type_of(base)
            elem = held.at(at.value) if isinstance(at, Const) else held.elem
            item = self.own(self.b.call(operator.getitem, self.atom(base), at, name=name, type=elem), name)
        else:
            cut: Type | None = None
            if sliced and not isinstance(at, Const):
                whole = self.type_of(base)
                cut = Type("list", elem=element_of(whole) if whole.items else whole.elem)
            item = self.own(self.b.call(operator.getitem, self.atom(base), at, name=name, type=cut), name)
        if kind == "tuple" and isinstance(base, Value):
            self.parts_of_tuple(base, (item,))
        if kind != "array" and not sliced:
            for cell in self.cells(item):
                cell.outside = ITEM
        return item

    def entry_made(self, base: Obj, at: Atom) -> None:
        raise NotImplementedError

    def _item_read(self, base: Obj | View, at: Atom, name: str) -> Ref:
        """An item of a list or a dict that is not written through it."""
        known = self.type_of(base)
        elem = None
        if known.kind == "dict":
            elem = known.at(at.value) if isinstance(at, Const) else known.elem
        item = self.own(self.b.call(operator.getitem, self.whole(base), at, name=name, type=elem), name)
        self.item_of(item, {base.root.cell if isinstance(base, View) else base.cell})
        return item

    def _is_slice(self, index: Ref) -> bool:
        if isinstance(index, Value):
            return self.b.made_by(index, pack_slice) is not None
        return isinstance(index, Const) and isinstance(index.value, slice)

    def _basic(self, index: Ref) -> bool:
        """Does this index select by position, so that the result is a view (or one element)?"""
        if isinstance(index, Tup):
            return all(map(self._basic, index.items))
        if isinstance(index, Const):
            value = index.value
            if isinstance(value, tuple):
                return all(v is None or v is Ellipsis or isinstance(v, (int, slice)) for v in value)
            return value is None or value is Ellipsis or isinstance(value, (int, slice))
        type = self.type_of(index)
        made = self.b.made_by(index, pack_slice) if isinstance(index, Value) else None
        return made is not None or type.kind in ("int",) or (type.kind == "number" and type.is_integer)

    def materialise(self, cell: Cell) -> None:
        """Turn a list or dict known item by item into one value of the graph."""
        content = self.state.heap[cell]
        if self.unit.session.one_by_one and isinstance(content, Items) and content.items:
            raise self.refuse("a list that is known item by item is indexed by what is not known here")
        if isinstance(content, (Const, Value)) or isinstance(content, Entries) and not content.is_dict:
            return
        if isinstance(content, Entries) and content.factory is not None and content.handle is None:
            cell.factory = content.cls, content.factory
            content = replace(content, cls=dict, factory=None)
        if isinstance(content, Entries) and content.cls is OrderedDict and content.handle is None:
            content = replace(content, cls=dict)  # which keeps the order as well
        value = self.pack(content)
        if content.handle is not None:
            made = self.b.defs.get(content.handle) if isinstance(content.handle, Value) else None
            if made is not None and made not in self.unit.entry:
                raise self.refuse(
                    "a container that was just made the caller's is indexed by what is not known here",
                    "Keep it in a variable first, and assign it at the end.",
                )
            cell.mirror = content.handle
        self.state.heap[cell] = value
        self.taken_in(cell, content)

    # -- displays -------------------------------------------------------------------------------------------

    def _elements(self, nodes: list[ast.expr], more: list[ast.expr] | None = None) -> tuple[Ref, ...]:
        """What these are, in order; `more` is evaluated after them."""
        items: list[tuple[Ref, Held]] = []
        rest = [*nodes, *(more or ())]
        for k, node in enumerate(nodes, 1):
            found: tuple[Ref, ...]
            if isinstance(node, ast.Starred):
                inner = self._starred(self.expression(node.value))
                if inner is None:
                    raise self.refuse(UNCOUNTED, "Index its items instead.", node)
                found = inner
            else:
                found = (self.expression(node),)
            items.extend((ref, self.hold(ref, rest[k:])) for ref in found)
        return tuple(self.let_go(held, ref) for ref, held in items)

    def hold(self, ref: Ref, rest: list[ast.expr]) -> Held:
        """Give a part of a container a name of its own while the rest of an expression is evaluated.

        A call in there may put another object into its place: what is held is the one that was there.
        """
        calls = (isinstance(n, (ast.Call, ast.NamedExpr)) for node in rest for n in ast.walk(node))
        return self.held_part(ref) if self.views_in(ref) and any(calls) else None

    def held_part(self, ref: Ref) -> Held:
        self.unit.held_parts += 1
        key = self.scope, f"$part:{self.unit.held_parts}"
        self.state.vars[key] = ref
        return key

    def let_go(self, held: Held, ref: Ref) -> Ref:
        """What was held, as it is known now."""
        return ref if held is None else self.state.vars.pop(held)

    def _starred(self, ref: Ref) -> tuple[Ref, ...] | None:
        """The items of `*ref`, where they are known one by one."""
        inner = self.items_of(ref)
        iterated = self.items_of_object(ref) if inner is None else None
        return inner if iterated is None else self.items_of(iterated)

    def _Tuple(self, node: ast.Tuple, name: str) -> Ref:
        return Tup(self._kept_elements(node.elts))

    def _kept_elements(self, nodes: list[ast.expr]) -> tuple[Ref, ...]:
        """The items of a tuple or a list that is written out; an iterator among them is one from here on."""
        refs = self._elements(nodes)
        if any(isinstance(node, ast.Starred) for node in nodes):
            return refs
        return tuple(self.kept_iterator(node, ref) for node, ref in zip(nodes, refs, strict=True))

    def kept_iterator(self, node: ast.expr, ref: Ref) -> Ref:
        """An iterator that is kept goes on where it was left."""
        raise NotImplementedError

    def _List(self, node: ast.List, name: str) -> Ref:
        if not any(isinstance(element, ast.Starred) for element in node.elts):
            known = Items(self._kept_elements(node.elts))  # in a state that is another one after a branch
            return self.state.new(known, name)
        made: Ref | None = None
        items: list[Ref] = []
        for element in node.elts:
            starred = isinstance(element, ast.Starred)
            found = self.expression(element.value if isinstance(element, ast.Starred) else element)
            parts = self._starred(found) if starred else (found,)
            if parts is None and self.type_of(found).kind not in ("list", "array"):
                found = self.items_of_object(found) or found if starred else found
                if not isinstance(found, (Sequence, Generated)) and self.type_of(found).kind != "list":
                    raise self.refuse(UNCOUNTED, "Index its items instead.", element)
            if parts is None and made is None and not items:
                made = self.invoke(Const(list), [found], {}, name)
                continue
            if parts is None and made is None:
                made = self.state.new(Items(tuple(items)), name)
            if made is None:
                items.extend(parts or ())
            elif starred:
                self.invoke(Bound(made, "extend"), [found], {})
            else:
                self.invoke(Bound(made, "append"), [found], {})
        return self.state.new(Items(tuple(items)), name) if made is None else made

    def _Dict(self, node: ast.Dict, name: str) -> Ref:
        entries: dict[Any, Ref] = {}
        held: dict[Any, Held] = {}
        for k, (key, value) in enumerate(zip(node.keys, node.values, strict=True)):
            if key is None:
                more = self.expression(value)
                inner = self.entries_of(more)
                if inner is None and self.type_of(more).kind != "dict":
                    raise self.refuse("`**` of something that is not a dict known here", node=value)
                if inner is None:
                    before = self.state.new(Entries(tuple(entries.items())), name)
                    after = self._Dict(ast.Dict(node.keys[k + 1 :], node.values[k + 1 :]), "")
                    return self.joined_dicts(self.joined_dicts(before, more, name), after, name)
                entries.update(inner)
                continue
            ref = self.expression(key)
            known = self.constant(ref)
            if known is None:
                begun = tuple((key, self.let_go(held.get(key), ref)) for key, ref in entries.items())
                made = self.state.new(Entries(begun), name)
                self.set_item(made, ref, self.expression(value))
                for key, value in zip(node.keys[k + 1 :], node.values[k + 1 :], strict=True):
                    if key is None:
                        self.invoke(Bound(made, "update"), [self.expression(value)], {})
                    else:
                        self.set_item(made, self.expression(key), self.expression(value))
                return made
            found = entries[known.value] = self.expression(value)
            later = [part for part in (*node.keys[k + 1 :], *node.values[k + 1 :]) if part is not None]
            held[known.value] = self.hold(found, later)
        pairs = tuple((key, self.let_go(held.get(key), ref)) for key, ref in entries.items())
        return self.state.new(Entries(pairs), name)

    def _JoinedStr(self, node: ast.JoinedStr, name: str) -> Ref:
        parts: list[Any] = []
        values: list[Atom] = []
        for part in node.values:
            if isinstance(part, ast.Constant):
                parts.append(part.value)
            elif isinstance(part, ast.FormattedValue):
                spec = ""
                if part.format_spec is not None:
                    known = self.constant(self.expression(part.format_spec))
                    if known is None:
                        raise self.refuse(
                            "a format width that is not a constant", "Write the width as a number.", part
                        )
                    spec = known.value
                conversion = chr(part.conversion) if part.conversion > 0 else ""
                parts.append((conversion, spec))
                values.append(self.value(part.value))
        if not values:
            return Const("".join(parts))
        return self.b.call(format_string, Const(tuple(parts)), *values, name=name)

    def _Lambda(self, node: ast.Lambda, name: str) -> Ref:
        return self.closure(node, name)

    def closure(self, node: ast.Lambda | ast.FunctionDef, name: str = "") -> Closure:
        names = [a.arg for a in (*node.args.posonlyargs, *node.args.args)]
        values = node.args.defaults
        defaults = {
            n: self.expression(d) for n, d in zip(names[len(names) - len(values) :], values, strict=True)
        }
        for arg, default in zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True):
            if default is not None:
                defaults[arg.arg] = self.expression(default)
        return Closure(node, self.scope, self.source, tuple(defaults.items()), None, name)

    def _Slice(self, node: ast.Slice, name: str) -> Ref:
        return self.index(node)

    def _Starred(self, node: ast.Starred, name: str) -> Ref:
        raise self.refuse("`*` is not understood here")

    def _Call(self, node: ast.Call, name: str) -> Ref:
        raise NotImplementedError

    def tuple_of(self, atoms: list[Atom]) -> Atom:
        return self.b.call(pack_tuple, *atoms)
