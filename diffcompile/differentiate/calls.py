"""The adjoint of a call: its rule, or the adjoint of the function called, or what is missing.

y = a @ b        a_bar = y_bar @ b.T;  b_bar = a.T @ y_bar          (its rule, inlined)
y = step(x)      x_bar = step_backward(saved, y_bar)                (a user function)
"""

from __future__ import annotations

import operator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..analysis.activity import can_vary, constant_call, varied
from ..analysis.layout import RESHAPING
from ..errors import NoRule
from ..frontend.build import repeats, unbroadcast_call
from ..ir.graph import (
    Atom,
    Call,
    Const,
    Function,
    Hook,
    If,
    Instr,
    Into,
    Region,
    Step,
    Store,
    Value,
    backward_begins,
    literal,
    pack_dict,
    pack_function,
    pack_list,
    pack_object,
    pack_slice,
    pack_tuple,
    part_type,
    unpack,
)
from ..ir.text import function_name
from ..ir.types import BOOL, OBJECT, SCALARS, Type, element_of
from ..ir.walk import free, instructions, rename
from ..rules.containers import of_first, of_repeated, of_second, sum_of, sum_of_copies, zeros_of
from ..rules.register import Declared, of_others
from ..rules.solvers import SOLVERS, Solver
from .containers import ContainerSweep
from .cotangents import NESTED, Cotangent, bar, cotangent_type, mirror, way_back
from .rule import (
    FORMED,
    MASKING,
    PLAIN,
    SAFE,
    UFUNC_OPTIONS,
    as_arrays,
    check_known,
    find_rule,
    hashable,
    hidden,
    holds_numbers,
    in_many,
    inlined,
    is_count,
    is_numeric,
    joins,
    method_of,
    missing,
    positions,
    refuse_objects,
    shifted,
    steep,
    times,
    untold,
)

_HALVES = frozenset({np.ndarray.real, np.ndarray.imag, np.real, np.imag})  # of a complex array


@dataclass(frozen=True, slots=True, eq=False)
class Replay:
    """A function that runs another one again, and gives the cotangents of its active arguments.

    `reads` says which it takes, of the arguments and of the cotangents of the results. `passed` has, for each
    of the active arguments, the number of the cotangent that flows to it unchanged, or None: it is a result.
    """

    function: Function
    reads: tuple[bool, ...]
    passed: tuple[int | None, ...]


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
        elif isinstance(fn, Hook):
            self.hooked(instr, fn, cts[0])
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
        entry = self.entry_written(instr)
        if entry is not None:
            self.if_there(instr, entry)
            return
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

    def entry_written(self, instr: Store) -> int | None:
        """The step of the path to an entry of a dict, of which it is not known whether it has a cotangent."""
        for k in range(self.there.get(instr, 0), len(instr.path)):
            if part_type(instr.outs[0].type, instr.path[:k]).kind == "dict":
                return k
        return None

    def if_there(self, instr: Store, k: int) -> None:
        """What flows back to an entry of a dict flows on; where nothing has flowed back, nothing does."""
        out = instr.outs[0]
        whole = self.whole(self.cts.take(out), out)
        key = instr.path[k].args[0]
        test = self.b.call(operator.contains, self.part(whole, way_back(instr)[:k]), key, type=BOOL)
        outer, self.there[instr] = self.there.get(instr, 0), k + 1
        then, orelse = Region((), (instr,), (out,)), Region((), (), (instr.target,))
        self.alternatives(test, {0: whole}, then, orelse)
        self.there[instr] = outer  # it may be an entry of an entry

    def alternatives(
        self, test: Atom, seeds: dict[int, Cotangent], then: Region, orelse: Region
    ) -> None:
        raise NotImplementedError

    def into(self, instr: Store, fn: Any, ct: Cotangent) -> None:
        """`fn(*args, out=x, where=m)`: the rule of `fn` where it wrote; what it left alone flows on."""
        target, out = instr.target, instr.outs[0]
        whole = self.full(self.whole(ct, out), out, instr.path)
        kwargs = {k: a for k, a in instr.kwargs if k not in ("casting", "order", "subok", "dtype")}
        mask = kwargs.pop("where", Const(True)) if isinstance(fn, np.ufunc) else Const(True)
        everywhere = isinstance(mask, Const) and mask.value is True
        part, after = self.part(whole, way_back(instr)), self.part(out, instr.path)
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
                np.copyto, whole, Const(0.0), kwargs={"where": mask}, name=bar(target), path=way_back(instr)
            )
            self._restore(target, kept)
        elif isinstance(target, Value) and self.active(target) and instr.path:
            self._restore(target, self.replaced_part(whole, way_back(instr), Const(...), Const(0.0), target))

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
            part = self.flowing(whole, way_back(instr))
            masked = whole in self.cts.masked
            if instr.fn is operator.isub:
                part = self.b.call(operator.neg, part)
            numbers = self._numbers(part, value)
            if numbers is None:
                self._contribute(value, part, masked)
            else:
                self.cts.add(value, numbers)
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
        ct = self.part(whole, way_back(instr))
        if isinstance(ct, Value):
            self.cts.pinned.add(ct)
        back = self.inlined(declared, [ct, after, before, *instr.args], dict(instr.kwargs), instr)
        part_bar, *others = back if isinstance(back, tuple) else (back,)
        if part_bar is ct:
            self.cts.add(target, whole)
        elif isinstance(target, Value) and self.active(target):
            zero = Const(0.0) if part_bar is None else part_bar
            self._restore(target, self.replaced_part(whole, way_back(instr), Const(...), zero, target))
        for atom, piece in zip(instr.args, others, strict=False):
            if piece is not None:
                self.cts.add(atom, piece)

    def flowing(self, whole: Atom, path: tuple[Step, ...]) -> Atom:
        """What flows back to a value that was written there; an imaginary part's sign is turned (see G6)."""
        part = self.part(whole, path)
        turned = any(step.fn in (np.imag, np.ndarray.imag) for step in path)
        return self.b.call(operator.neg, part) if turned else part

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
        halves = any(step.fn in _HALVES for step in path)
        if halves and (ct.type.dtype is None or ct.type.dtype.kind != "c"):  # of one half alone so far
            return self.b.call(operator.add, ct, Const(0j), name=bar(like))
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
        refuse_objects(instr, (*args, *dict(kwargs).values()))
        named = dict(kwargs)
        first = (len(instr.outs) > 1 and tuple(instr.outs)) or instr.outs[0]
        if joins(self.b, fn, args):
            self.joined(fn, args, self.whole(cts[0], instr.outs[0]))
            return
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
        given, given_named = as_arrays(self.b, fn, declared.rule, args, named)
        try:
            found = self.inlined(declared, [ct, first, *given], given_named, instr)
        except NoRule:
            # The number 0.0 stands for no cotangent so far, of a value whose form is not known.
            out = instr.outs[0]
            if isinstance(ct, tuple) or not ct.type.is_scalar or out.type.kind != "unknown":
                raise
            found = self.inlined(declared, [self.in_form(ct, out), first, *given], given_named, instr)
        back = shifted(instr, declared.rule, found, declared.form == "linear")
        placed = positions(declared.rule, args, named, 2)
        back = (*back, *(None,) * (len(placed) - len(back)))
        masked = hashable(fn) and (fn in MASKING or "where" in named)
        for atom, ct_in in zip(placed, back, strict=False):
            if self.is_object(atom):
                self.attributes(instr, atom, ct_in)
                continue
            ct_in = self.told(instr, atom, ct_in)
            formed = ct_in is None and fn not in FORMED
            told = declared.form != "linear" or not of_others(fn)
            if formed and isinstance(atom, Value) and self.active(atom) and (atom.type.is_scalar or not told):
                raise self.missing(fn, instr, (atom,))
            for part, piece in _pairs(atom, ct_in):
                self.check_known(instr, part, piece)
                grown = isinstance(part, Value) and part.type.kind == "list" and part.type.items is None
                if grown and isinstance(piece, Value) and piece.type.kind == "unknown" and is_numeric(fn):
                    piece = self.cts.as_list(piece, part)
                if isinstance(piece, Value) and (masked or self.is_masked(piece) or self._masked(ct)):
                    self.cts.masked.add(piece)
                self.cts.add(part, piece)

    @staticmethod
    def is_object(atom: Any) -> bool:
        """Is this an object whose attributes are known?"""
        return isinstance(atom, Value) and atom.type.kind == "object" and atom.type.keys is not None

    def attributes(self, instr: Call | Store, atom: Value, told: Any) -> None:
        """Add what a rule gives for an object, attribute by attribute."""
        if self.active(atom):
            self.cts.add(atom, self.of_attributes(instr, atom, told))

    def of_attributes(self, instr: Call | Store, atom: Value, told: Any) -> tuple[Cotangent | None, ...]:
        """The cotangents of the attributes of an object, in their order, as a rule tells them."""
        keys, kinds = atom.type.keys, atom.type.items
        assert keys is not None and kinds is not None
        if isinstance(told, tuple) and len(told) == len(keys):
            told = dict(zip(keys, told, strict=True))
        if not isinstance(told, dict):
            raise untold(instr, atom)
        made = self.b.made_by(atom, pack_object)
        parts = made.args[2:] if made is not None else list(map(_attribute, keys, kinds))
        found: list[Cotangent | None] = []
        for key, part in zip(keys, parts, strict=True):
            moves = self.active(part) if made is not None else holds_numbers(part)
            if moves and key not in told:
                raise untold(instr, atom, str(key))
            found.append(self.told(instr, part, told.get(key) if moves else None))
        unknown = [key for key in told if key not in keys]
        if unknown:
            raise NoRule(
                f"the rule of `{function_name(instr.fn)}` gives a derivative with respect to "
                f"`{atom.name}.{unknown[0]}`, which is no attribute",
                instr.line,
                f"Name one of {', '.join(f'`{k}`' for k in keys)}.",
            )
        return tuple(found)

    def told(self, instr: Call | Store, part: Any, given: Any) -> Cotangent | None:
        """What a rule gives for an argument or for a part of one, in the structure that cotangents have."""
        if given is None:
            return None
        if self.is_object(part):
            return self.of_attributes(instr, part, given)
        made = self.b.made_by(part, pack_dict, pack_list, pack_tuple) if isinstance(part, Value) else None
        if isinstance(given, dict):
            keys = made.args[0] if made is not None and made.fn is pack_dict else None
            inner: dict[Any, Atom] = {}
            if made is not None and isinstance(keys, Const):
                inner = dict(zip(keys.value, made.args[1:], strict=True))
            some = {k: self.told(instr, inner.get(k), v) for k, v in given.items() if v is not None}
            named = {k: v if isinstance(v := inner.get(k), Value) else Value(str(k)) for k in some}
            parts = [self.whole(ct, named[k]) for k, ct in some.items()]
            return self.b.call(pack_dict, Const(tuple(some)), *parts)
        if isinstance(given, (list, tuple)):
            items = made.args if made is not None and len(made.args) == len(given) else [None] * len(given)
            return tuple(self.told(instr, item, ct) for item, ct in zip(items, given, strict=True))
        return given

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
        return inlined(self.b, declared.rule, args, kwargs, instr)

    def missing(self, fn: Any, instr: Call | Store, args: tuple[Atom, ...]) -> NoRule:
        return missing(self.b, fn, instr, next((a for a in args if self.active(a)), None))

    def check_known(self, instr: Call | Store, arg: Any, found: Any) -> None:
        if self.active(arg):
            check_known(instr, arg, found)

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
        read, kwargs = as_arrays(self.b, instr.fn, declared.rule, args, kwargs, 1)
        inputs = list(read)
        many = self.cts.many and steep(instr.fn, read)
        guarded = declared.singular and masked and not many
        if guarded:
            scalar = ct.type.is_scalar and all(a.type.is_scalar for a in args)
            zero = hidden(self.b, declared, instr, ct, out, read, kwargs, scalar)
            if scalar:
                self._guarded_scalar(declared, out, args, kwargs, ct, zero, instr)
                return
            safe = Const(SAFE.get(instr.fn, 0.5))
            where = np.where
            inputs = [self.b.call(where, zero, safe, a) if self._unsafe(a) else a for a in inputs]
            out = self.b.call(where, zero, safe, out)
        partials = shifted(instr, declared.rule, self.inlined(declared, [out, *inputs], kwargs, instr))
        for arg, partial in zip(positions(declared.rule, args, kwargs, 1), partials, strict=False):
            if self.is_object(arg):
                self.attributes(instr, arg, self.products(instr, arg, ct, partial))
                continue
            if self.active(arg) and partial is not None:
                self.check_known(instr, arg, partial)
                part = (
                    in_many(self.b, declared, instr, ct, partial, out, read, kwargs)
                    if many
                    else self.times(ct, partial)
                )
                self._contribute(arg, part, masked)

    def products(self, instr: Call | Store, arg: Value, ct: Atom, partial: Any) -> Any:
        """What flows to the attributes of an object, of which these are the partials."""
        if not isinstance(partial, dict):
            return partial
        made = self.b.made_by(arg, pack_object)
        keys = arg.type.keys or ()
        found: dict[Any, Any] = {}
        for key, part in partial.items():
            at = keys.index(key) if key in keys else None
            inner = None if made is None or at is None else made.args[2 + at]
            if part is None:
                found[key] = None
            elif isinstance(part, dict) and isinstance(inner, Value):
                found[key] = self.products(instr, inner, ct, part)
            else:
                product = self.times(ct, part)
                found[key] = product if inner is None else unbroadcast_call(self.b, product, inner)
        return found

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
        """A scalar whose cotangent may have been masked away: nothing is computed where it is hidden."""
        with self.b.region() as body:
            partials = shifted(instr, declared.rule, self.inlined(declared, [out, *args], kwargs, instr))
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
        return times(self.b, ct, partial)

    def _contribute(self, arg: Atom, ct: Atom, masked: bool) -> None:
        result = unbroadcast_call(self.b, ct, arg)
        if masked and isinstance(result, Value):
            self.cts.masked.add(result)
        self.cts.add(arg, result)

    def hooked(self, instr: Call, hook: Hook, ct: Cotangent) -> None:
        """`with cotangent_of(x) as x_bar: ...`: the body stands here, and what it leaves flows on."""
        x, *given = instr.args
        if not self.active(x):
            return
        out = instr.outs[0]
        whole = self.whole(ct, out)
        whole = self.full(whole, out) if out.type.kind == "array" else whole
        pairs = zip(hook.given, given, strict=True)
        table: dict[Value, Atom] = {inside: atom for inside, atom in pairs if inside is not atom}
        table[hook.body.params[0]] = whole
        body = rename(replace(hook.body, params=()), table)
        for part in body.body:
            self.b.emit(part)
        (left,) = body.results
        if any(map(_keeps, instructions(hook.body))) and not left.type.is_scalar:
            left = self.b.call(np.copy, left)  # a list may have it by now, and it is added to from here on
        if isinstance(left, Value):
            self.cts.masked.add(left)
        self.cts.add(x, left)

    # -- containers and indices -----------------------------------------------------------------------------

    def packed(self, instr: Call, ct: Cotangent) -> None:
        ct = self.cts.told(ct, instr.outs[0])
        for k, arg in enumerate(instr.args):
            if self.active(arg):
                self.cts.add(arg, ct[k] if isinstance(ct, tuple) else self.cts.part(ct, k, arg.type))

    def captured(self, instr: Call, ct: Cotangent) -> None:
        """A function handed to a solver: its cotangent has a part for each value that it captured."""
        for k, arg in enumerate(instr.args[1:]):
            if self.active(arg):
                self.cts.add(arg, ct[k] if isinstance(ct, tuple) else self.cts.part(ct, k, arg.type))

    def solved(self, instr: Call) -> Solver | None:
        """The solver whose result this attribute is read from."""
        made = self.b.defs.get(instr.args[0]) if isinstance(instr.args[0], Value) else None
        return SOLVERS.get(made.fn) if isinstance(made, Call) and hashable(made.fn) else None

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
                zeros = self.cts.zero(base, bound=True)
                name = bar(base)
                self.cts.add(base, self.b.store(operator.setitem, zeros, index, whole, name=name))
                return
            self.cts.add(base, self.b.call(operator.getitem, whole, index, type=whole.type))
            return
        self.scatter(base, index, whole, instr.outs[0].type)

    def joined_lists(self, instr: Call, ct: Cotangent) -> None:
        """`a + b` of lists: the first items of the cotangent belong to `a`, the rest to `b`."""
        if instr.fn is not operator.add:
            self.repeated_list(instr, ct)
            return
        a, b = instr.args
        whole = self.whole(ct, instr.outs[0])
        count = self.b.call(len, a)
        first = self.b.call(pack_slice, Const(None), count)
        rest = self.b.call(pack_slice, count, Const(None))
        for part, index in ((a, first), (b, rest)):
            if self.active(part):
                self.cts.add(part, self.b.call(operator.getitem, whole, index, type=whole.type))

    def joined(self, fn: Any, args: tuple[Atom, ...], ct: Atom) -> None:
        """`a + b`, `a * n` of what may be lists: that is seen when the program runs."""
        a, b = args
        parts: list[tuple[Atom, Any, Atom]]
        if fn is operator.add:
            parts = [(a, of_first, b), (b, of_second, b)]
        else:
            parts = [(b, of_repeated, a) if is_count(a) else (a, of_repeated, b)]
        for arg, helper, other in parts:
            if self.active(arg):
                first = arg if helper is of_repeated else a
                kind = arg.type if arg.type.may_be_row else None
                self.cts.add(arg, self.b.call(helper, ct, first, other, type=kind))

    def repeated_list(self, instr: Call, ct: Cotangent) -> None:
        """`a * n` of a list: every item of it has come in several places."""
        base = next(a for a in instr.args if a.type.kind == "list")
        if element_of(base.type).kind not in SCALARS | {"array", "unknown"}:
            raise NoRule("a list that is repeated is differentiated", instr.line, "Build it with `append`.")
        whole = self.whole(ct, instr.outs[0])
        self.cts.add(base, _structured(inlined(self.b, sum_of_copies, [whole, base], {}, instr)))

    def scatter(self, base: Value, index: Atom, ct: Atom, read: Type) -> None:
        """Add `ct` to the cotangent of `base` at `index`."""
        if base not in self.varied:
            return
        ct = self.cts.real(ct, base)
        if read.kind == "array":
            ct = self.b.call(np.asarray, ct) if ct.type.kind == "unknown" else ct
        apart = base.type.kind != "array" or base in self.cts.of or repeats(index, self.b)
        inside = None if apart else self.home(base)
        way: tuple[Step, ...] = ()
        if inside is not None and (inside[1][-1].fn is not np.ndarray.flat or self.in_line(index)):
            if inside[0].type.kind != "array":
                self.added_inside(*inside, index, ct, Value("item", read))
                return
            base, way = inside
        known = self.cts.take(base)
        fresh = known is None
        if known is None:
            buffer = self.cts.zero(base)
            if isinstance(buffer, Const):
                of_parts = base.type.kind == "object" or base.type.may_be_tuple
                zeros = zeros_of if of_parts else np.zeros_like
                buffer = self.b.call(zeros, base, name=bar(base), type=mirror(base.type))
        else:
            buffer = self.whole(known, base)
            if buffer.type.kind not in ("array", "list", "unknown") or buffer.type.shape != base.type.shape:
                if base.type.kind == "array":
                    buffer = self.b.call(np.full_like, base, buffer, name=bar(base))
            if base.type.kind == "unknown":
                buffer = self.in_form(buffer, base)
        kind = base.type if base.type.kind == "array" else buffer.type
        # A sum that the buffer began as may be wider than what it is the cotangent of.
        dtype = buffer.type.dtype if buffer.type.kind == "array" else kind.dtype
        row = kind.cls if kind.may_be_row else None
        kind = Type(kind.kind, dtype, kind.shape, None, kind.elem, cls=row)
        if repeats(index, self.b) and buffer.type.kind != "list":
            new = self.b.store(np.add.at, buffer, index, ct, name=bar(base), type=kind)
        elif fresh:
            new = self.b.store(operator.setitem, buffer, index, ct, name=bar(base), type=kind, path=way)
        elif kind.kind == "array":
            place = (*way, Step(operator.getitem, (index,)))
            new = self.b.store(operator.iadd, buffer, ct, name=bar(base), type=kind, path=place)
        else:
            ct = self.cts.plus(self.b.call(operator.getitem, buffer, index), ct, Value(base.name, read))
            new = self.b.store(operator.setitem, buffer, index, ct, name=bar(base), type=kind)
        self.cts.masked.add(new)
        self.cts.of[base] = new

    def _numbers(self, ct: Atom, value: Atom) -> tuple[Cotangent | None, ...] | None:
        """The cotangents of numbers that are written side by side: `x[i] = a, b`, whose own is `ct`."""
        made = self.b.made_by(value, pack_tuple, pack_list)
        if made is None or ct.type.rank != 1 or len(made.args) < 2:
            return None
        if not all(a.type.is_scalar for a in made.args):
            return None
        known = Type("number", ct.type.dtype)
        outs = tuple(Value(bar(a) if isinstance(a, Value) else "item_bar", known) for a in made.args)
        self.b.emit(Call(outs, unpack, (ct, Const(len(outs))), (), self.b.line))
        pairs = zip(outs, made.args, strict=True)
        return tuple(out if self.active(a) else None for out, a in pairs)

    def in_form(self, ct: Atom, value: Value) -> Atom:
        """The cotangent of a value of unknown form, in that form even where it is the number 0.0 so far."""
        made = self.b.defs.get(ct) if isinstance(ct, Value) else None
        told = ct in self.cts.formed or isinstance(made, (Call, Store))
        if told or ct.type.kind not in ("unknown", *SCALARS):
            return ct
        if value.type.may_be_row or value.type.may_be_tuple or ct.type.may_be_row:
            zeros = self.b.call(zeros_of, value, type=mirror(value.type))
            return self.b.call(sum_of, zeros, ct, name=bar(value), type=mirror(value.type))
        return self.b.call(np.add, self.b.call(np.zeros_like, value), ct, name=bar(value), type=Type())

    def in_line(self, index: Atom) -> bool:
        """Is this an index that the elements of an array in one line take: a number or a slice?"""
        return index.type.is_scalar and index.type.is_integer or self.is_slice(index)

    def write(self, instr: Store, ct: Cotangent) -> None:
        """`x[i] = v`: v takes the cotangent of the elements written, whose own is 0 from there on."""
        index, value = instr.args
        out = instr.outs[0]
        whole = self.full(self.whole(ct, out), out, instr.path)
        target = instr.target
        if repeats(index, self.b) and target.type.kind != "list":
            declared = find_rule(operator.setitem)
            assert declared is not None
            part = self.part(whole, _as_arrays(way_back(instr)))
            before, after = (self.part(a, _as_arrays(instr.path)) for a in (target, out))
            back = self.inlined(declared, [part, after, before, index, value], {}, instr)
            self.cts.add(value, back[2])
            if not instr.path:
                self.cts.add(target, back[0])
            elif isinstance(target, Value) and self.active(target):
                self._restore(target, self.replaced_part(whole, way_back(instr), Const(...), back[0], target))
            return
        if self.active(value):
            part = self.flowing(whole, way_back(instr))
            whole_part = _all_of(index) and self.b.made_by(part, np.ndarray.flat) is None
            read = part if whole_part else self.b.call(operator.getitem, part, index)
            if isinstance(read, Value):
                self.cts.masked.add(read)
            self.cts.add(value, self._numbers(read, value) or unbroadcast_call(self.b, read, value))
        if isinstance(target, Value) and self.active(target) and not (_all_of(index) and not instr.path):
            self._restore(target, self.replaced_part(whole, way_back(instr), index, Const(0.0), target))

    # -- user functions -------------------------------------------------------------------------------------

    def replayed(self, instr: Call, cts: list[Cotangent], snapshots: Atom) -> None:
        """The adjoint of a call that saved nothing: the function is run again, from its arguments."""
        scheduling = not (isinstance(snapshots, Const) and snapshots.value is None)
        active = tuple(map(self.active, instr.args))
        seeded = tuple(ct is not None for ct in cts)
        if scheduling:  # whatever varies in the state is handed back from part to part
            seeded = tuple(map(self.active, instr.outs))
            active = (False, *seeded, *active[1 + len(seeded) :])
        again = any(isinstance(i, Call) and i.fn is backward_begins for i in instr.fn.graph.region.body)
        kinds = {a.type.kind for a, on in zip(instr.args, active, strict=True) if on}
        if again and kinds & {"list", "dict"}:
            raise NoRule(
                "a list or a dict that what is checkpointed changes is differentiated twice",
                instr.fn.graph.line,
                "Write the numbers into an array.",
            )
        replay: Replay = self.derive_replay(instr.fn, active, seeded, scheduling)
        flowing = [
            self.cts.zero(out) if ct is None else self.whole(ct, out)
            for ct, out, on in zip(cts, instr.outs, seeded, strict=True)
            if on
        ]
        extra, kwargs = ((snapshots,), ()) if scheduling else ((), (("snapshots", snapshots),))
        given = [a for a, on in zip(instr.args, active, strict=True) if on]
        params = [p for p, on in zip(instr.fn.graph.params, active, strict=True) if on]
        outs = [
            Value(bar(a) if isinstance(a, Value) else bar(p), cotangent_type(p.type), named=True)
            for a, p in zip(given, params, strict=True)
        ]
        args = instr.args
        if "ran" in dict(instr.kwargs):  # the turns up to the one in which the loop was left
            taken = self.b.call(pack_slice, Const(None), instr.outs[-1])
            args = (self.b.call(operator.getitem, args[0], taken, type=args[0].type), *args[1:])
        read = [a for a, on in zip((*args, *extra, *flowing), replay.reads, strict=True) if on]
        made = tuple(out for out, k in zip(outs, replay.passed, strict=True) if k is None)
        self.b.emit(Call(made, replay.function, tuple(read), kwargs, instr.line))
        for value, out, k in zip(given, outs, replay.passed, strict=True):
            if k is None:
                self.flow_to([value], (out,))
            else:
                self.cts.add(value, flowing[k])

    def flow_to(self, args: list[Atom], outs: tuple[Value, ...]) -> None:
        """What the adjoint of a function gave flows to the arguments of the function."""
        for value, out in zip(args, outs, strict=True):
            self.cts.masked.add(out)
            parts = value.type.items if value.type.kind == "tuple" else None
            self.cts.add(value, out if parts is None else self.cts.parts(out, len(parts)))

    def function(self, instr: Call, cts: list[Cotangent]) -> None:
        snapshots = dict(instr.kwargs).get("snapshots")
        if snapshots is not None:
            self.replayed(instr, cts, snapshots)
            return
        tables = {k: n for k, n in instr.fn.writes if instr.args[k].type.kind in ("list", "dict")}
        cts = self.filled(instr, cts, set(tables.values()))
        changed = {k for k, n in tables.items() if cts[n] is not None}
        active = tuple(self.active(a) or k in changed for k, a in enumerate(instr.args))
        seeded = tuple(ct is not None for ct in cts)
        forward, backward = self.derive_callee(instr.fn, active, seeded)
        kept = forward.graph.region.results[-1].type if forward.graph is not None else OBJECT
        saved = Value(f"{instr.fn.name}_saved", kept, named=True)
        replacement = Call((*instr.outs, saved), forward, instr.args, (), instr.line)
        self.replaced[instr] = replacement
        pairs = zip(cts, instr.outs, strict=True)
        whole = [self.narrowed(self.whole(ct, out), out) for ct, out in pairs if ct is not None]
        outs = tuple(
            Value(bar(a), cotangent_type(a.type), named=True)
            for a, on in zip(instr.args, active, strict=True) if on and isinstance(a, Value)
        )  # fmt: skip
        self.b.emit(Call(outs, backward, (saved, *whole), (), instr.line))
        self.flow_to([a for a, on in zip(instr.args, active, strict=True) if on], outs)

    def narrowed(self, ct: Atom, out: Value) -> Atom:
        """The cotangent of an array in single precision, as one: its function takes no wider one."""
        wanted, have = out.type.dtype, ct.type.dtype
        single = wanted is not None and wanted.kind in "fc" and np.finfo(wanted).bits < 64
        if out.type.kind != "array" or not single or ct.type.kind != "array":
            return ct
        if wanted is None or have is not None and have.str == wanted.str:
            return ct
        return self.b.call(np.ndarray.astype, ct, Const(wanted), name=bar(out))

    def filled(self, instr: Call, cts: list[Cotangent], tables: set[int]) -> list[Cotangent]:
        """The cotangents of the results; one of each list or dict that the function changes in any case.

        So the same adjoint serves the first call of a recursion, whose table is empty, and those inside it.
        """
        return [
            self.cts.zero(out) if ct is None and n in tables and can_vary(out) else ct
            for n, (ct, out) in enumerate(zip(cts, instr.outs, strict=True))
        ]


def _attribute(name: Any, known: Type) -> Atom:
    return Value(str(name), known)


def _keeps(instr: Instr) -> bool:
    """May this put what it is given into a container?"""
    if isinstance(instr, Store):
        return instr.target.type.kind != "array"
    return isinstance(instr, Call) and not instr.outs and instr.fn is not print


def _as_arrays(path: tuple[Step, ...]) -> tuple[Step, ...]:
    """The way to what is read alone: `x.flat`, which has no shape, as an array of the same elements."""
    return tuple(Step(np.ravel) if step.fn is np.ndarray.flat else step for step in path)


def _all_of(index: Atom) -> bool:
    """Does this index select every element of any array?"""
    return isinstance(index, Const) and (index.value is Ellipsis or index.value == slice(None))


def _structured(ct: Any) -> Any:
    """A rule's list of cotangents, for an argument that is a list, as the tuple that stands for it."""
    return tuple(map(_structured, ct)) if isinstance(ct, (list, tuple)) else ct


def _pairs(atom: Any, ct: Any) -> list[tuple[Any, Any]]:
    return [] if ct is None or atom is None else [(atom, ct)]
