"""Rewrite adjoint arithmetic by identities that a person would use; the primal is left bit for bit alone.

1.0 * y -> y        a * (1 / b) -> a / b        a + -b -> a - b        (-a) * b -> -(a * b)
"""

from __future__ import annotations

import operator
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from ..analysis.shapes import infer
from ..frontend.build import noun
from ..ir.graph import Atom, Call, Const, Graph, Instr, Region, Store, Value
from ..ir.types import Dim, Size, Type, not_one
from ..ir.walk import operands, regions, resolve, same_atom, substitute_in, swap, values, with_regions

Rewrite = Callable[["Rewriter", Call], "Atom | None"]
TABLE: dict[Any, list[Rewrite]] = {}


def rewrite(*fns: Any) -> Callable[[Rewrite], Rewrite]:
    def declare(rule: Rewrite) -> Rewrite:
        for fn in fns:
            TABLE.setdefault(fn, []).append(rule)
        return rule

    return declare


def simplify(graph: Graph, primal: set[Value]) -> Graph:
    """The graph with every call outside `primal` rewritten until no identity applies."""
    return replace(graph, region=Rewriter(primal, read_counts(graph.region)).region(graph.region))


def read_counts(region: Region) -> Counter[Value]:
    """How often each value is read."""
    found: Counter[Value] = Counter(values(region.results))
    for instr in region.body:
        found.update(values(operands(instr)))
        for part in regions(instr):
            found.update(read_counts(part))
    return found


_OPPOSITE = {operator.iadd: operator.isub, operator.isub: operator.iadd}


class Rewriter:
    def __init__(self, primal: set[Value], reads: Counter[Value]) -> None:
        self.primal = primal
        self.reads = reads
        self.table: dict[Value, Atom] = {}
        self.defs: dict[Value, Call] = {}
        self.body: list[Instr] = []
        self.line: Any = None

    def region(self, region: Region) -> Region:
        outer, self.body = self.body, []
        for instr in region.body:
            parts = regions(instr)
            if parts:
                instr = with_regions(instr, tuple(map(self.region, parts)))
                self.body.append(substitute_in(instr, self.table))
                continue
            instr = substitute_in(instr, self.table)
            if isinstance(instr, Call) and len(instr.outs) == 1:
                self.call(instr)
            else:
                self.body.append(self.store(instr) if isinstance(instr, Store) else instr)
        body, self.body = self.body, outer
        return replace(region, body=tuple(body), results=swap(region.results, self.table))

    def store(self, instr: Store) -> Store:
        """x[i] += -v -> x[i] -= v        x[i] = 0; x[i] += v -> x[i] = v"""
        if instr.fn in _OPPOSITE and instr.outs[0] not in self.primal:
            negative = self.made(instr.args[0], operator.neg)
            if negative is not None:
                instr = replace(instr, fn=_OPPOSITE[instr.fn], args=(negative.args[0],))
        if instr.fn is operator.iadd and instr.path and instr.outs[0] not in self.primal:
            zeroed = next((i for i in self.body if instr.target in i.outs), None)
            if isinstance(zeroed, Store) and _zeroes(zeroed, instr) and self.reads[zeroed.outs[0]] == 1:
                self.body.remove(zeroed)
                return replace(zeroed, outs=instr.outs, args=(zeroed.args[0], *instr.args))
        return instr

    def call(self, instr: Call) -> None:
        out = instr.outs[0]
        if out not in self.primal:
            self.line = instr.line
            for rule in _rules(instr.fn):
                result = rule(self, instr)
                if result is not None and not _boxed(result.type, out.type):
                    self.settle(out, result)
                    return
        self.defs[out] = instr
        self.body.append(instr)

    def settle(self, out: Value, result: Atom) -> None:
        """`out` is `result`; where that was just made for it, it takes the name of `out`."""
        result = resolve(result, self.table)
        made = self.defs.get(result) if isinstance(result, Value) else None
        last = self.body[-1] if self.body else None
        if isinstance(result, Value) and made and made is last and not made.outs[0].named:
            self.body.pop()
            named = Value(out.name, made.outs[0].type, out.named)
            made = replace(made, outs=(named,))
            self.defs[named] = made
            self.table[result] = named
            self.body.append(made)
            result = named
        self.table[out] = result

    def said(self, call: Call) -> Atom:
        """The same call, written otherwise."""
        out = Value(noun(call.fn), call.outs[0].type)
        self.call(replace(call, outs=(out,)))
        return resolve(out, self.table)

    def make(self, fn: Any, *args: Atom) -> Atom:
        """A call built for a rewrite, itself simplified."""
        out = Value(noun(fn), infer(fn, args, {}))
        self.call(Call((out,), fn, args, (), self.line))
        return resolve(out, self.table)

    def made(self, atom: Atom, *fns: Any) -> Call | None:
        call = self.defs.get(atom) if isinstance(atom, Value) else None
        return call if call is not None and call.fn in fns and not call.kwargs else None


def _zeroes(store: Store, added: Store) -> bool:
    """Does this store write 0 where `added` adds?"""
    if store.fn is not operator.setitem or not is_number(store.args[1], 0):
        return False
    *before, last = added.path
    if last.fn is not operator.getitem or not same_atom(last.args[0], store.args[0]):
        return False
    return len(before) == len(store.path) and all(
        a.fn is b.fn and not a.kwargs and not b.kwargs and len(a.args) == len(b.args)
        and all(map(same_atom, a.args, b.args))
        for a, b in zip(before, store.path, strict=True)
    )  # fmt: skip


def _rules(fn: Any) -> list[Rewrite]:
    try:
        return TABLE.get(fn, [])
    except TypeError:
        return []


def is_number(atom: Atom, number: float) -> bool:
    return isinstance(atom, Const) and type(atom.value) in (int, float) and atom.value == number


def _floating(known: Type) -> bool:
    dtype = known.numeric_dtype
    return dtype is not None and dtype.kind in "fc"


def _boxed(found: Type, wanted: Type) -> bool:
    """Is this an array without axes where arithmetic would have made a number of it?"""
    return found.kind == "array" and found.rank == 0 and wanted.kind != "array"


def _covers(a: Type, b: Type) -> bool:
    """Has a value of form `a` the form of its meeting with `b` in a broadcast?"""
    if a.is_scalar and b.is_scalar:
        return True
    if (
        not (a.kind == b.kind == "array")
        or a.shape is None
        or b.shape is None
        or len(a.shape) != len(b.shape)
    ):
        return False
    return all(not_one(n) or _same_length(n, m) for n, m in zip(a.shape, b.shape, strict=True))


def _same_form(a: Type, b: Type) -> bool:
    """Is a value of form `a` known to have the form `b`?"""
    if a.is_scalar and b.is_scalar:
        return True
    if (
        not (a.kind == b.kind == "array")
        or a.shape is None
        or b.shape is None
        or len(a.shape) != len(b.shape)
    ):
        return False
    return all(map(_same_length, a.shape, b.shape))


def _same_length(n: Size, m: Size) -> bool:
    return n == m and not (isinstance(n, Dim) and n.name == "~")


@rewrite(operator.mul)
def _(r: Rewriter, call: Call) -> Atom | None:
    """x * 1 -> x    x * -1 -> -x    a * (1 / b) -> a / b    (-a) * b -> -(a * b)    x * 2 -> 2 * x

    A number times a number that fills an array fills it with their product.
    """
    a, b = call.args
    for x, y in ((a, b), (b, a)):
        if is_number(y, 1) and (_floating(x.type) or isinstance(y, Const) and isinstance(y.value, int)):
            return x
        if is_number(y, -1):
            return r.make(operator.neg, x)
        negative = r.made(x, operator.neg)
        if negative is not None:
            return r.make(
                operator.neg,
                r.make(operator.mul, *((negative.args[0], y) if x is a else (y, negative.args[0]))),
            )
        spread = r.made(x, np.broadcast_to)
        if spread is not None and _covers(y.type, x.type):
            return r.make(operator.mul, *((spread.args[0], y) if x is a else (y, spread.args[0])))
        if spread is not None and spread.args[0].type.is_scalar and _plain_float(y):
            return r.make(np.broadcast_to, r.make(operator.mul, y, spread.args[0]), spread.args[1])
    for x, y in ((a, b), (b, a)):
        inverse = r.made(y, operator.truediv)
        if inverse is not None and is_number(inverse.args[0], 1):
            return r.make(operator.truediv, x, inverse.args[1])
    if isinstance(b, Const) and not isinstance(a, Const):
        return r.make(operator.mul, b, a)
    inner = r.made(a, operator.mul)
    if inner is not None and is_number(inner.args[0], 1) and _floating(b.type):
        return r.make(operator.mul, inner.args[1], b)
    inner = r.made(b, operator.mul)
    if isinstance(a, Const) and inner is not None and isinstance(inner.args[0], Const):
        if (
            type(a.value) in (int, float)
            and type(inner.args[0].value) in (int, float)
            and not inner.args[0].spelling
        ):
            return r.make(operator.mul, Const(a.value * inner.args[0].value), inner.args[1])
    return _factors_met(r, a, inner)


def _factors_met(r: Rewriter, a: Atom, inner: Call | None) -> Atom | None:
    """3 * (x * (2 * y)) -> x * (6 * y), one pass over an array less"""
    if not isinstance(a, Const) or type(a.value) not in (int, float) or a.spelling or inner is None:
        return None
    for k, factor in enumerate(inner.args):
        scaled = r.made(factor, operator.mul)
        if scaled is None or not isinstance(scaled.args[0], Const):
            continue
        if factor in r.primal or r.reads[scaled.outs[0]] > 1:
            continue  # it is computed anyway
        known = scaled.args[0]
        if type(known.value) in (int, float) and not known.spelling:
            met = r.make(operator.mul, Const(a.value * known.value), scaled.args[1])
            return r.make(operator.mul, *((met, inner.args[1]) if k == 0 else (inner.args[0], met)))
    return None


def _plain_float(atom: Atom) -> bool:
    """Is this a float of Python's, which widens nothing?"""
    return isinstance(atom, Const) and type(atom.value) in (int, float)


@rewrite(operator.truediv)
def _(r: Rewriter, call: Call) -> Atom | None:
    """x / 1 -> x    (-a) / b -> -(a / b)"""
    a, b = call.args
    if is_number(b, 1) and _floating(a.type):
        return a
    negative = r.made(a, operator.neg)
    if negative is not None:
        return r.make(operator.neg, r.make(operator.truediv, negative.args[0], b))
    spread = r.made(a, np.broadcast_to)
    if spread is not None and _covers(b.type, a.type):
        return r.make(operator.truediv, spread.args[0], b)
    return None


@rewrite(operator.add)
def _(r: Rewriter, call: Call) -> Atom | None:
    """x + 0 -> x    a + -b -> a - b    -a + b -> b - a    p @ q.T + q @ p.T -> s + s.T"""
    a, b = call.args
    if a.type.rank == 2 and a is not b and _turned_factors(r, a) == _turned_factors(r, b)[::-1] != ():
        return r.make(operator.add, a, r.make(np.ndarray.T, a))
    if a is b and _floating(a.type):
        return r.make(operator.mul, Const(2), a)
    for x, y in ((a, b), (b, a)):
        if is_number(y, 0) and (_floating(x.type) or not isinstance(y, Const)):
            return x
    negative = r.made(b, operator.neg)
    if negative is not None:
        return r.make(operator.sub, a, negative.args[0])
    negative = r.made(a, operator.neg)
    if negative is not None:
        return r.make(operator.sub, b, negative.args[0])
    for x, y in ((a, b), (b, a)):
        zeros = r.made(x, np.zeros_like)
        if zeros is not None and _same_form(y.type, x.type) and y.type.dtype == x.type.dtype:
            return y
        spread = r.made(x, np.broadcast_to)
        if spread is not None and _covers(y.type, x.type):
            return r.make(operator.add, *((spread.args[0], y) if x is a else (y, spread.args[0])))
    return None


def _turned_factors(r: Rewriter, product: Atom) -> tuple[Atom, ...]:
    """p and q of p @ q.T"""
    made = r.made(product, operator.matmul)
    turned = None if made is None else r.made(made.args[1], np.ndarray.T)
    return () if made is None or turned is None else (made.args[0], turned.args[0])


@rewrite(operator.sub)
def _(r: Rewriter, call: Call) -> Atom | None:
    """x - 0 -> x    0 - x -> -x    a - -b -> a + b"""
    a, b = call.args
    counted = a.type.kind == "int" and isinstance(b, Const) and type(b.value) is int
    if is_number(b, 0) and (_floating(a.type) or counted):
        return a
    if is_number(a, 0) and _floating(b.type):
        return r.make(operator.neg, b)
    negative = r.made(b, operator.neg)
    if negative is not None:
        return r.make(operator.add, a, negative.args[0])
    return None


@rewrite(operator.neg)
def _(r: Rewriter, call: Call) -> Atom | None:
    """-(-x) -> x    -(2) -> -2    -(a - b) -> b - a"""
    (x,) = call.args
    if isinstance(x, Const) and type(x.value) in (int, float) and not x.spelling:
        return Const(-x.value)
    negative = r.made(x, operator.neg)
    if negative is not None:
        return negative.args[0]
    spread = r.made(x, np.broadcast_to)
    if spread is not None:
        return r.make(np.broadcast_to, r.make(operator.neg, spread.args[0]), spread.args[1])
    return None


@rewrite(operator.pow)
def _(r: Rewriter, call: Call) -> Atom | None:
    """x ** 1 -> x"""
    x, y = call.args
    return x if is_number(y, 1) and _floating(x.type) else None


@rewrite(np.conj, np.conjugate, np.real)
def _(r: Rewriter, call: Call) -> Atom | None:
    """conj(x) -> x and real(x) -> x for a real x"""
    (x,) = call.args
    return x if x.type.is_real else None


@rewrite(np.ndarray.shape, np.ndarray.size)
def _(r: Rewriter, call: Call) -> Atom | None:
    """(x + y).shape -> x.shape where x is known to have that form: the sum need not be kept for it"""
    first = found = call.args[0]
    while (operand := _of_its_form(r, found)) is not None:
        found = operand
    return None if found is first else r.make(call.fn, found)


def _of_its_form(r: Rewriter, x: Atom) -> Value | None:
    """An operand of an array's making that has its form, or what it was given the form of."""
    made = r.defs.get(x) if isinstance(x, Value) else None
    if made is not None and made.fn in (np.reshape, np.zeros_like) and x.type.kind == "array":
        form = r.made(made.args[1], np.ndarray.shape) if made.fn is np.reshape else made
        given = None if form is None or form.kwargs else form.args[0]
        return given if isinstance(given, Value) and given.type.kind == "array" else None
    if made is None or not (
        isinstance(made.fn, np.ufunc) or getattr(made.fn, "__module__", "") == "_operator"
    ):
        return None
    for operand in made.args:
        if isinstance(operand, Value) and _same_form(operand.type, x.type) and operand.type.kind == "array":
            return operand
    return None


@rewrite(np.zeros_like)
def _(r: Rewriter, call: Call) -> Atom | None:
    """zeros_like(zeros_like(x)) -> zeros_like(x)"""
    zeros = r.made(call.args[0], np.zeros_like) if not call.kwargs and len(call.args) == 1 else None
    return None if zeros is None else r.make(np.zeros_like, *zeros.args)


@rewrite(np.broadcast_to)
def _(r: Rewriter, call: Call) -> Atom | None:
    """broadcast_to(x, y.shape) -> x where x is known to have that form"""
    x, shape = call.args
    made = r.made(shape, np.ndarray.shape)
    if made is not None and x.type.kind == "array" and _same_form(x.type, made.args[0].type):
        return x
    return None


# Options that say what goes without saying, of functions that sum, multiply or compare along an axis.
_REDUCTIONS = frozenset({
    np.sum, np.ndarray.sum, np.mean, np.ndarray.mean, np.prod, np.ndarray.prod, np.max, np.min,
    np.ndarray.max, np.ndarray.min, np.any, np.all, np.var, np.std, np.ndarray.var, np.ndarray.std,
})  # fmt: skip
_UNSAID: dict[str, Any] = {"axis": None, "dtype": None, "out": None, "keepdims": False, "where": True}


@rewrite(*_REDUCTIONS)
def _(r: Rewriter, call: Call) -> Atom | None:
    """sum(x, None, None, keepdims=False, where=True) -> sum(x)"""
    args = call.args
    while len(args) > 1 and isinstance(args[-1], Const) and args[-1].value is None:
        args = args[:-1]
    kwargs = tuple(
        (name, a)
        for name, a in call.kwargs
        if not (isinstance(a, Const) and name in _UNSAID and a.value is _UNSAID[name])
    )
    if args == call.args and kwargs == call.kwargs:
        return None
    return r.said(replace(call, args=args, kwargs=kwargs))
