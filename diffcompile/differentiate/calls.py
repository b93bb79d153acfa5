"""The adjoint of a call: its rule, or the adjoint of the function called, or what is missing.

y = a @ b        a_bar = y_bar @ b.T;  b_bar = a.T @ y_bar          (its rule, inlined)
y = step(x)      x_bar = step_backward(saved, y_bar)                (a user function)
"""

from __future__ import annotations

import inspect
import math
import operator
from dataclasses import replace
from typing import Any

import numpy as np

from ..analysis.activity import constant_call, varied
from ..analysis.layout import RESHAPING
from ..errors import NoRule
from ..frontend.build import Builder, repeats, unbroadcast_call
from ..frontend.lower import lower_rule
from ..ir.graph import (
    Atom,
    Call,
    Const,
    Function,
    If,
    Into,
    Method,
    Region,
    Step,
    Store,
    Value,
    literal,
    pack_function,
    pack_list,
    pack_slice,
    pack_tuple,
    unpack,
)
from ..ir.text import function_name
from ..ir.types import BOOL, OBJECT, Type, number
from ..ir.walk import free
from ..rules.broadcast import unbroadcast
from ..rules.containers import zeros_of
from ..rules.register import REGISTRY, Declared, Unknown
from ..rules.solvers import SOLVERS, Solver
from .containers import ContainerSweep
from .cotangents import NESTED, Cotangent, bar, mirror

PLAIN: dict[Any, Any] = {
    operator.iadd: operator.add, operator.isub: operator.sub, operator.imul: operator.mul,
    operator.itruediv: operator.truediv, operator.ifloordiv: operator.floordiv, operator.imod: operator.mod,
    operator.ipow: operator.pow, operator.imatmul: operator.matmul,
}  # fmt: skip
# Functions whose cotangent may be 0 where a mask hid something.
MASKING = frozenset({np.where, np.maximum, np.minimum, np.max, np.min, np.clip, np.ndarray.clip})
# What a ufunc takes beside its operands, and its derivative need not know.
UFUNC_OPTIONS = frozenset({"dtype", "casting", "order", "subok", "signature"})
SAFE = {np.arccosh: 2.0, math.acosh: 2.0}


class CallSweep(ContainerSweep):
    def call(self, instr: Call) -> None:
        cts = self.taken(instr)
        fn = method_of(instr)
        if not any(map(self.active, instr.args)) and not any(self.active(a) for _, a in instr.kwargs):
            return
        if constant_call(instr):
            return
        if isinstance(fn, Function):
            self.function(instr, cts)
        elif fn is pack_tuple or fn is pack_list:
            self.packed(instr, cts[0])
        elif fn is pack_function:
            self.captured(instr, cts[0])
        elif fn is getattr and self.solved(instr) is not None:
            self.field(instr, cts[0])
        elif self.contained(instr, cts):
            return
        elif fn is unpack:
            self.unpacked(instr, cts)
        elif fn is operator.getitem:
            self.item(instr, cts[0])
        elif instr.outs[0].type.kind == "list" and fn in (operator.add, operator.mul):
            self.joined_lists(instr, cts[0])
        elif fn is literal:
            return
        else:
            self.rule(instr, instr.args, instr.kwargs, cts, fn)

    def store(self, instr: Store) -> None:
        cts = self.taken(instr)
        if self.container_store(instr, cts):
            return
        if instr.fn in (operator.iadd, operator.isub) and (instr.path or instr.outs[0].type.kind == "array"):
            self.added(instr, cts[0])
        elif instr.fn in PLAIN:
            assert not instr.path, "only what is added to a part of an array is stored there"
            self.rule(instr, (instr.target, *instr.args), (), cts, PLAIN[instr.fn])
        elif instr.fn is operator.setitem:
            self.write(instr, cts[0])
        elif isinstance(instr.fn, Into):
            self.into(instr, instr.fn.fn, cts[0])
        else:
            self.changed(instr, cts)

    def into(self, instr: Store, fn: Any, ct: Cotangent) -> None:
        """`fn(*args, out=x, where=m)`: the rule of `fn` where it wrote; what it left alone flows on."""
        target, out = instr.target, instr.outs[0]
        whole = self.full(self.whole(ct, out), out, instr.path)
        kwargs = {k: a for k, a in instr.kwargs if k not in ("casting", "order", "subok", "dtype")}
        mask = kwargs.pop("where", Const(True)) if isinstance(fn, np.ufunc) else Const(True)
        everywhere = isinstance(mask, Const) and mask.value is True
        part, after = self.part(whole, instr.path), self.part(out, instr.path)
        assert isinstance(after, Value)
        args = instr.args
        if not everywhere:
            part = self.b.call(np.where, mask, part, Const(0.0))
            after = self.b.call(np.where, mask, after, Const(1.0))
            args = tuple(self.within(mask, a, fn) for a in args)
            assert isinstance(after, Value) and isinstance(part, Value)
            self.cts.masked.add(part)
        if isinstance(part, Value):
            self.cts.pinned.add(part)  # it may be handed on to several arguments
        self.rule(
            Call((after,), fn, args, tuple(kwargs.items()), instr.line),
            args,
            tuple(kwargs.items()),
            [part],
            fn,
        )
        for inner, atom in zip(args, instr.args, strict=True):
            if inner is not atom and isinstance(inner, Value):
                self.cts.add(atom, self.cts.take(inner))
        if isinstance(target, Value) and self.active(target) and not everywhere:
            kept = self.b.store(
                np.copyto, whole, Const(0.0), kwargs={"where": mask}, name=bar(target), path=instr.path
            )
            self._restore(target, kept)
        elif isinstance(target, Value) and self.active(target) and instr.path:
            self._restore(target, self.replaced_part(whole, instr.path, Const(...), Const(0.0), target))

    def within(self, mask: Atom, arg: Atom, fn: Any) -> Atom:
        """An argument of a masked function, harmless where the function did not look at it."""
        if not isinstance(arg, Value) or arg.type.is_scalar:
            return arg
        inner = self.b.call(np.where, mask, arg, Const(SAFE.get(fn, 0.5)))
        if self.active(arg) and isinstance(inner, Value):
            self.varied.add(inner)
        return inner

    def added(self, instr: Store, ct: Cotangent) -> None:
        """`x[i] += v`: what flows back to x goes on as it is, and v takes it where it was added."""
        (value,) = instr.args
        if self.active(value):
            whole = self.whole(ct, instr.outs[0])
            if instr.path:
                whole = self.full(whole, instr.outs[0], instr.path)
            part = self.flowing(whole, instr.path)
            masked = whole in self.cts.masked
            if instr.fn is operator.isub:
                part = self.b.call(operator.neg, part)
            self._contribute(value, part, masked)
        self.cts.add(instr.target, ct)

    def changed(self, instr: Store, cts: list[Cotangent]) -> None:
        """A store whose function has a rule, into the array or a part: `np.add.at`, `np.ndarray.sort`."""
        if not instr.path:
            self.rule(instr, (instr.target, *instr.args), instr.kwargs, cts, instr.fn)
            return
        target, out = instr.target, instr.outs[0]
        declared = find_rule(instr.fn)
        if declared is None:
            raise self.missing(instr.fn, instr, (target, *instr.args))
        whole = self.full(self.whole(cts[0], out), out, instr.path)
        before, after = self.part(target, instr.path), self.part(out, instr.path)
        ct = self.part(whole, instr.path)
        if isinstance(ct, Value):
            self.cts.pinned.add(ct)
        back = self.inlined(declared, [ct, after, before, *instr.args], dict(instr.kwargs), instr)
        part_bar, *others = back if isinstance(back, tuple) else (back,)
        if part_bar is ct:
            self.cts.add(target, whole)
        elif isinstance(target, Value) and self.active(target):
            zero = Const(0.0) if part_bar is None else part_bar
            self._restore(target, self.replaced_part(whole, instr.path, Const(...), zero, target))
        for atom, piece in zip(instr.args, others, strict=False):
            if piece is not None:
                self.cts.add(atom, piece)

    def flowing(self, whole: Atom, path: tuple[Step, ...]) -> Atom:
        """What flows back to a value that was written there; an imaginary part's sign is turned (see G6)."""
        part = self.part(whole, path)
        turned = any(step.fn in (np.imag, np.ndarray.imag) for step in path)
        return self.b.call(operator.neg, part) if turned else part

    def part(self, atom: Atom, path: tuple[Step, ...]) -> Atom:
        """The part of an array, or of its cotangent, that a path leads to."""
        for step in path:
            atom = self.b.call(step.fn, atom, *step.args, kwargs=dict(step.kwargs))
        return atom

    def replaced_part(
        self, whole: Atom, path: tuple[Step, ...], index: Atom, part: Atom, target: Value
    ) -> Value:
        """The cotangent `whole`, whose part at the end of the path has other content."""
        return self.b.store(operator.setitem, whole, index, part, name=bar(target), path=path)

    def _restore(self, target: Value, ct: Value) -> None:
        """`ct` is what flows back to `target` by way of a store; more may have flowed there already."""
        self.cts.masked.add(ct)
        known = self.cts.take(target)
        if known is None:
            self.cts.of[target] = ct
        else:
            self.cts.of[target] = known
            self.cts.add(target, ct)

    def full(self, ct: Atom, like: Value, path: tuple[Step, ...] = ()) -> Atom:
        """The cotangent of an array as an array that can be written into, through the steps of a path."""
        if ct.type.kind in ("float", "number", "int") and like.type.kind not in ("list", "dict"):
            return self.b.call(np.full_like, like, ct, name=bar(like))
        reshapes = any(step.fn in RESHAPING for step in path)
        if reshapes and ct.type.layout != "C":
            return self.b.call(np.ascontiguousarray, ct, name=bar(like))
        return ct

    def taken(self, instr: Call | Store) -> list[Cotangent]:
        cts = [self.cts.take(out) for out in instr.outs]
        self.cts.pinned = {ct for ct in cts if isinstance(ct, Value)}
        return cts

    def whole(self, ct: Cotangent, value: Value) -> Atom:
        return self.cts.whole(ct, value)

    # -- rules ----------------------------------------------------------------------------------------------

    def rule(
        self, instr: Call | Store, args: tuple[Atom, ...], kwargs: Any, cts: list[Cotangent], fn: Any
    ) -> None:
        declared = find_rule(fn)
        if declared is None:
            raise self.missing(fn, instr, args)
        named = dict(kwargs)
        first = (len(instr.outs) > 1 and tuple(instr.outs)) or instr.outs[0]
        if declared.form == "elementwise":
            if isinstance(fn, np.ufunc):
                named = {name: atom for name, atom in named.items() if name not in UFUNC_OPTIONS}
            self.elementwise(instr, declared, args, named, self.whole(cts[0], instr.outs[0]))
            return
        if declared.form == "equal":
            self.equal(instr, declared, args, named, cts)
            return
        ct = tuple(cts) if len(instr.outs) > 1 else cts[0]
        if fn is list.pop and len(instr.outs) == 1:
            ct = (cts[0], Const(0.0))  # the item itself was not read
        given, given_named = as_arrays(self.b, declared.rule, args, named)
        back = self.inlined(declared, [ct, first, *given], given_named, instr)
        placed = positions(declared.rule, args, named, 2)
        if not isinstance(back, tuple):
            back = (back,)
        back = (*map(_structured, back), *(None,) * (len(placed) - len(back)))
        masked = fn in MASKING if _hashable(fn) else False
        for atom, ct_in in zip(placed, back, strict=False):
            formed = ct_in is None and fn not in (np.full_like, np.arange, unbroadcast)
            if formed and isinstance(atom, Value) and self.active(atom) and atom.type.is_scalar:
                raise self.missing(fn, instr, (atom,))
            for part, piece in _pairs(atom, ct_in):
                self.check_known(instr, part, piece)
                if isinstance(piece, Value) and (masked or self.is_masked(piece) or self._masked(ct)):
                    self.cts.masked.add(piece)
                self.cts.add(part, piece)

    def equal(
        self,
        instr: Call | Store,
        declared: Declared,
        args: tuple[Atom, ...],
        kwargs: dict[str, Atom],
        cts: list[Cotangent],
    ) -> None:
        """The adjoint of what has the values of this call: of one call under another name, or of more."""
        with self.b.region() as body:
            result = self.inlined(declared, list(args), kwargs, instr)
        seeds = [v for v in free(Region((), tuple(body), ())) if v in self.varied]
        self.varied |= varied(Region((), tuple(body), ()), seeds)
        ct = cts[0]
        last = body[-1] if body else None
        if isinstance(last, Call) and last.outs == (result,) and find_rule(last.fn) is not None:
            # The result is at hand: it is not computed again.
            body[-1] = replace(last, outs=instr.outs)
            self.b.body.extend(body[:-1])
            self.varied.update(instr.outs)
            self.cts.of[instr.outs[0]] = ct
        else:
            self.b.body.extend(body)
            parts = result if isinstance(result, tuple) else (result,)
            pieces = self.cts.parts(ct, len(parts)) if isinstance(result, tuple) else (ct,)
            for atom, piece in zip(parts, pieces, strict=True):
                self.cts.add(atom, piece)
        for part in reversed(body):
            self.instr(part)

    def _masked(self, ct: Cotangent) -> bool:
        if isinstance(ct, tuple):
            return any(self._masked(c) for c in ct if c is not None)
        return ct in self.cts.masked

    def is_masked(self, atom: Atom) -> bool:
        made = self.b.defs.get(atom) if isinstance(atom, Value) else None
        return isinstance(made, Call) and made.fn is np.where

    def inlined(self, declared: Declared, args: list[Any], kwargs: dict[str, Any], instr: Any) -> Any:
        line = self.b.line
        try:
            return lower_rule(self.b, declared.rule, args, kwargs)
        except SyntaxError as cause:
            name = function_name(instr.fn)
            raise NoRule(
                f"the derivative of `{name}` is not known for this call: {getattr(cause, 'reason', cause)}",
                instr.line,
                f"Write it with other options, or declare a rule with `@defvjp({name})`.",
            ) from cause
        finally:
            self.b.line = line

    def missing(self, fn: Any, instr: Call | Store, args: tuple[Atom, ...]) -> NoRule:
        name = function_name(fn)
        which = next((a.name for a in args if isinstance(a, Value) and self.active(a)), "its argument")
        return NoRule(
            f"no derivative is known for `{name}` with respect to `{which}`",
            instr.line,
            f"Teach it one:  @defvjp({name})  def _(ct, out, ...): ...",
        )

    def check_known(self, instr: Call | Store, arg: Any, found: Any) -> None:
        """Refuse where a rule says that it does not know this derivative."""
        if isinstance(found, Const) and isinstance(found.value, Unknown) and self.active(arg):
            name = function_name(instr.fn)
            raise NoRule(
                f"no derivative is known for `{name}` with respect to `{arg.name}`: {found.value.reason}",
                instr.line,
                f"Keep `{arg.name}` constant: `stop_gradient({arg.name})`.",
            )

    def elementwise(
        self,
        instr: Call | Store,
        declared: Declared,
        args: tuple[Atom, ...],
        kwargs: dict[str, Atom],
        ct: Atom,
    ) -> None:
        out: Atom = instr.outs[0]
        masked = ct in self.cts.masked
        zero: Atom | None = None
        inputs = list(args)
        guarded = declared.singular and masked
        if guarded:
            scalar = ct.type.is_scalar and all(a.type.is_scalar for a in args)
            zero = self.b.call(operator.eq, ct, Const(0.0), type=BOOL if scalar else None)
            if scalar:
                self._guarded_scalar(declared, out, args, kwargs, ct, zero, instr)
                return
            safe = Const(SAFE.get(instr.fn, 0.5))
            where = np.where
            inputs = [self.b.call(where, zero, safe, a) if self._unsafe(a) else a for a in inputs]
            out = self.b.call(where, zero, safe, out)
        partials = self.inlined(declared, [out, *inputs], kwargs, instr)
        if not isinstance(partials, tuple):
            partials = (partials,)
        for arg, partial in zip(positions(declared.rule, args, kwargs, 1), partials, strict=False):
            if self.active(arg) and partial is not None:
                self.check_known(instr, arg, partial)
                self._contribute(arg, self.times(ct, partial), masked)

    def _unsafe(self, atom: Atom) -> bool:
        return isinstance(atom, Value)

    def _guarded_scalar(
        self,
        declared: Declared,
        out: Atom,
        args: tuple[Atom, ...],
        kwargs: Any,
        ct: Atom,
        zero: Atom,
        instr: Any,
    ) -> None:
        """A scalar whose cotangent may have been masked away: nothing is computed where it is 0."""
        with self.b.region() as body:
            partials = self.inlined(declared, [out, *args], kwargs, instr)
            partials = partials if isinstance(partials, tuple) else (partials,)
            placed = zip(positions(declared.rule, args, kwargs, 1), partials, strict=False)
            found = [(arg, p) for arg, p in placed if self.active(arg) and p is not None]
            for arg, partial in found:
                self.check_known(instr, arg, partial)
            products = [self.times(ct, partial) for _, partial in found]
        outs = tuple(Value(bar(arg), p.type, True) for (arg, _), p in zip(found, products, strict=True))
        zeros = Region((), (), tuple(Const(0.0) for _ in found))
        self.b.emit(
            If(outs, zero, zeros, Region((), tuple(body), tuple(products)), self.b.line, key=object())
        )
        for (arg, _), value in zip(found, outs, strict=True):
            self.cts.masked.add(value)
            self.cts.add(arg, value)

    def times(self, ct: Atom, partial: Atom) -> Atom:
        """`ct * partial`, written as a person would."""
        known = self.b.constant(partial)
        if known is not None and isinstance(known.value, (int, float)):
            if known.value == 1:
                return ct
            if known.value == -1:
                return self.b.call(operator.neg, ct)
            if known.value == 0:
                return Const(0.0)
        return self.b.call(operator.mul, ct, partial)

    def _contribute(self, arg: Atom, ct: Atom, masked: bool) -> None:
        result = unbroadcast_call(self.b, ct, arg)
        if masked and isinstance(result, Value):
            self.cts.masked.add(result)
        self.cts.add(arg, result)

    # -- containers and indices -----------------------------------------------------------------------------

    def packed(self, instr: Call, ct: Cotangent) -> None:
        for k, arg in enumerate(instr.args):
            if self.active(arg):
                self.cts.add(arg, ct[k] if isinstance(ct, tuple) else self.cts.part(ct, k, arg.type))

    def captured(self, instr: Call, ct: Cotangent) -> None:
        """A function handed to a solver: its cotangent has a part for each value that it captured."""
        for arg, part in zip(instr.args[1:], ct, strict=True):
            if self.active(arg):
                self.cts.add(arg, part)

    def solved(self, instr: Call) -> Solver | None:
        """The solver whose result this attribute is read from."""
        made = self.b.defs.get(instr.args[0]) if isinstance(instr.args[0], Value) else None
        return SOLVERS.get(made.fn) if isinstance(made, Call) and _hashable(made.fn) else None

    def field(self, instr: Call, ct: Cotangent) -> None:
        """`y = sol.x`: the cotangent of the solver's result has a part for each attribute."""
        solver, (result, attr) = self.solved(instr), instr.args
        assert solver is not None and isinstance(attr, Const)
        if attr.value not in solver.names:
            made = self.b.defs[result]  # type: ignore[index]
            raise NoRule(
                f"no derivative is known for `{attr.value}` of the result of `{function_name(made.fn)}`",
                instr.line,
                f"Use {' or '.join(f'`.{f}`' for f in solver.names)}, or `stop_gradient`.",
            )
        parts: list[Cotangent | None] = [None] * len(solver.names)
        parts[solver.names.index(attr.value)] = self.whole(ct, instr.outs[0])
        self.cts.add(result, tuple(parts))

    def unpacked(self, instr: Call, cts: list[Cotangent]) -> None:
        source = instr.args[0]
        assert isinstance(source, Value)
        if source.type.kind in ("tuple", "object") or source.type.items is not None:
            if source not in self.b.defs:  # what was saved: something goes out for each of its parts
                filled = zip(cts, instr.outs, strict=True)
                cts = [self.cts.zero(out) if self._hollow(ct, out) else ct for ct, out in filled]
            self.cts.add(source, tuple(cts))
            return
        for k, ct in enumerate(cts):
            if ct is not None:
                self.scatter(source, Const(k), self.whole(ct, instr.outs[k]), instr.outs[k].type)

    def _hollow(self, ct: Cotangent | None, out: Value) -> bool:
        """Does nothing flow back to this value, whose zeros are not a number?"""
        return ct is None and self.active(out) and out.type.kind in NESTED | {"array"}

    def item(self, instr: Call, ct: Cotangent) -> None:
        """`y = x[i]`: what flows back lands in the elements that were read."""
        base, index = instr.args
        if isinstance(base, Const):
            self.rule(instr, (index,), (), [ct], base.value.__getitem__)
            return
        assert isinstance(base, Value)
        if base.type.items is not None and isinstance(index, Const) and isinstance(index.value, int):
            parts: list[Cotangent | None] = [None] * len(base.type.items)
            parts[index.value] = ct
            self.cts.add(base, tuple(parts))
            return
        whole = self.whole(ct, instr.outs[0])
        if base.type.kind == "list" and isinstance(index, Const) and isinstance(index.value, slice):
            if index.value != slice(None, None, -1):
                zeros = self.cts.zero(base)
                name = bar(base)
                self.cts.add(base, self.b.store(operator.setitem, zeros, index, whole, name=name))
                return
            self.cts.add(base, self.b.call(operator.getitem, whole, index, type=whole.type))
            return
        self.scatter(base, index, whole, instr.outs[0].type)

    def joined_lists(self, instr: Call, ct: Cotangent) -> None:
        """`a + b` of lists: the first items of the cotangent belong to `a`, the rest to `b`."""
        if instr.fn is not operator.add:
            raise NoRule("a list that is repeated is differentiated", instr.line, "Build it with `append`.")
        a, b = instr.args
        whole = self.whole(ct, instr.outs[0])
        count = self.b.call(len, a)
        first = self.b.call(pack_slice, Const(None), count)
        rest = self.b.call(pack_slice, count, Const(None))
        for part, index in ((a, first), (b, rest)):
            if self.active(part):
                self.cts.add(part, self.b.call(operator.getitem, whole, index, type=whole.type))

    def scatter(self, base: Value, index: Atom, ct: Atom, read: Type) -> None:
        """Add `ct` to the cotangent of `base` at `index`."""
        if base not in self.varied:
            return
        ct = self.cts.real(ct, base)
        if read.kind == "array":
            ct = self.b.call(np.asarray, ct) if ct.type.kind == "unknown" else ct
        known = self.cts.take(base)
        fresh = known is None
        if known is None:
            buffer = self.cts.zero(base)
            if isinstance(buffer, Const):
                zeros = zeros_of if base.type.kind == "object" else np.zeros_like
                buffer = self.b.call(zeros, base, name=bar(base), type=mirror(base.type))
        else:
            buffer = self.whole(known, base)
            if buffer.type.kind not in ("array", "list", "unknown") or buffer.type.shape != base.type.shape:
                if base.type.kind == "array":
                    buffer = self.b.call(np.full_like, base, buffer, name=bar(base))
        kind = base.type if base.type.kind == "array" else buffer.type
        # A sum that the buffer began as may be wider than what it is the cotangent of.
        dtype = buffer.type.dtype if buffer.type.kind == "array" else kind.dtype
        kind = Type(kind.kind, dtype, kind.shape, None, kind.elem)
        if repeats(index, self.b) and buffer.type.kind != "list":
            new = self.b.store(np.add.at, buffer, index, ct, name=bar(base), type=kind)
        elif fresh:
            new = self.b.store(operator.setitem, buffer, index, ct, name=bar(base), type=kind)
        elif kind.kind == "array":
            place = (Step(operator.getitem, (index,)),)
            new = self.b.store(operator.iadd, buffer, ct, name=bar(base), type=kind, path=place)
        else:
            ct = self.b.call(operator.add, self.b.call(operator.getitem, buffer, index), ct)
            new = self.b.store(operator.setitem, buffer, index, ct, name=bar(base), type=kind)
        self.cts.masked.add(new)
        self.cts.of[base] = new

    def write(self, instr: Store, ct: Cotangent) -> None:
        """`x[i] = v`: v takes the cotangent of the elements written, whose own is 0 from there on."""
        index, value = instr.args
        out = instr.outs[0]
        whole = self.full(self.whole(ct, out), out, instr.path)
        target = instr.target
        if repeats(index, self.b) and target.type.kind != "list":
            declared = find_rule(operator.setitem)
            assert declared is not None
            part, before, after = (self.part(a, instr.path) for a in (whole, target, out))
            back = self.inlined(declared, [part, after, before, index, value], {}, instr)
            self.cts.add(value, back[2])
            if not instr.path:
                self.cts.add(target, back[0])
            elif isinstance(target, Value) and self.active(target):
                self._restore(target, self.replaced_part(whole, instr.path, Const(...), back[0], target))
            return
        if self.active(value):
            part = self.flowing(whole, instr.path)
            read = part if _all_of(index) else self.b.call(operator.getitem, part, index)
            if isinstance(read, Value):
                self.cts.masked.add(read)
            self.cts.add(value, unbroadcast_call(self.b, read, value))
        if isinstance(target, Value) and self.active(target) and not (_all_of(index) and not instr.path):
            self._restore(target, self.replaced_part(whole, instr.path, index, Const(0.0), target))

    # -- user functions -------------------------------------------------------------------------------------

    def function(self, instr: Call, cts: list[Cotangent]) -> None:
        active = tuple(map(self.active, instr.args))
        seeded = tuple(ct is not None for ct in cts)
        forward, backward = self.derive_callee(instr.fn, active, seeded)
        kept = forward.graph.region.results[-1].type if forward.graph is not None else OBJECT
        saved = Value(f"{instr.fn.name}_saved", kept, named=True)
        replacement = Call((*instr.outs, saved), forward, instr.args, (), instr.line)
        self.replaced[instr] = replacement
        whole = [self.whole(ct, out) for ct, out in zip(cts, instr.outs, strict=True) if ct is not None]
        outs = tuple(
            Value(bar(a), _cotangent_type(a.type), named=True)
            for a, on in zip(instr.args, active, strict=True) if on and isinstance(a, Value)
        )  # fmt: skip
        self.b.emit(Call(outs, backward, (saved, *whole), (), instr.line))
        for value, out in zip([a for a, on in zip(instr.args, active, strict=True) if on], outs, strict=True):
            self.cts.masked.add(out)
            assert isinstance(value, Value)
            parts = value.type.items if value.type.kind == "tuple" else None
            self.cts.add(value, out if parts is None else self.cts.parts(out, len(parts)))


def _all_of(index: Atom) -> bool:
    """Does this index select every element of any array?"""
    return isinstance(index, Const) and (index.value is Ellipsis or index.value == slice(None))


def _cotangent_type(known: Type) -> Type:
    if known.kind in ("float", "complex"):
        return number(np.dtype(known.numeric_dtype))
    if known.kind in ("list", "tuple"):
        return mirror(known)
    return known if known.kind in ("array", "number", "object") else Type()


def method_of(instr: Call) -> Any:
    """The function called; a method of a library's object is that of its class, where that is known."""
    cls = instr.args[0].type.cls if isinstance(instr.fn, Method) else None
    return instr.fn if cls is None else getattr(cls, instr.fn.name, instr.fn)


def find_rule(fn: Any) -> Declared | None:
    return REGISTRY.reverse.get(fn) if _hashable(fn) else None


def _hashable(fn: Any) -> bool:
    try:
        hash(fn)
    except TypeError:
        return False
    return True


def positions(rule: Any, args: tuple[Atom, ...], kwargs: dict[str, Atom], skip: int) -> list[Any]:
    """The arguments of a call in the order of the rule's own parameters, those after the first `skip`."""
    signature = inspect.signature(rule)
    bound = signature.bind(*[None] * skip, *args, **kwargs)
    result: list[Any] = []
    for name, parameter in list(signature.parameters.items())[skip:]:
        given = bound.arguments.get(name)
        if parameter.kind is parameter.VAR_POSITIONAL:
            result.extend(given or ())
        else:
            result.append(given)
    return result


def as_arrays(
    b: Builder, rule: Any, args: tuple[Atom, ...], kwargs: dict[str, Atom]
) -> tuple[tuple[Atom, ...], dict[str, Atom]]:
    """The arguments of a call as its rule reads them: a list where the rule has an `Array` is made one."""
    parameters = list(inspect.signature(rule).parameters.values())[2:]
    wanted = {p.name for p in parameters if p.annotation == "Array"}

    def read(name: str, atom: Atom) -> Atom:
        return b.call(np.asarray, atom) if name in wanted and _is_sequence(atom) else atom

    names = [p.name for p in parameters]
    given = tuple(read(name, a) for name, a in zip(names, args, strict=False))
    return (*given, *args[len(given) :]), {name: read(name, a) for name, a in kwargs.items()}


def _is_sequence(atom: Atom) -> bool:
    if isinstance(atom, Const):
        return isinstance(atom.value, (list, tuple))
    return atom.type.kind in ("list", "tuple")


def _structured(ct: Any) -> Any:
    """A rule's list of cotangents, for an argument that is a list, as the tuple that stands for it."""
    return tuple(map(_structured, ct)) if isinstance(ct, (list, tuple)) else ct


def _pairs(atom: Any, ct: Any) -> list[tuple[Any, Any]]:
    return [] if ct is None or atom is None else [(atom, ct)]
