"""The tangent of a call or of a store: its rule, the tangent function of what is called, or what is missing.

y = a @ b        y_dot = a_dot @ b + a @ b_dot       (its rule, inlined)
y = step(x)      y, y_dot = step_jvp(x, x_dot)       (a user function)
x[i] = v         x_dot[i] = v_dot;  x[i] = v         (what changes a value changes its tangent alike)
"""

from __future__ import annotations

import builtins
import copy
import inspect
import operator
from dataclasses import replace
from typing import Any

import numpy as np

from ..analysis.activity import can_vary, constant_call, varied
from ..errors import NoRule
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
    Store,
    Value,
    items_of_list,
    literal,
    pack_dict,
    pack_function,
    pack_list,
    pack_object,
    pack_tuple,
    unpack,
)
from ..ir.text import function_name
from ..ir.types import SCALARS
from ..ir.walk import free, instructions
from ..rules.containers import copy_of, entry, sum_of, values_of, with_keys
from ..rules.register import REGISTRY, Declared, Owned, Ownerless, of_others
from ..rules.solvers import SOLVERS
from .cotangents import changed_kind
from .forward import Forward
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
from .tangents import Tangent, dot, plus, tangent_type

# Functions of containers that do to the tangents what they do to the values, and which arguments those are.
ALIKE: dict[Any, tuple[int, ...]] = {
    builtins.list: (0,), builtins.tuple: (0,), builtins.dict: (0,), items_of_list: (0,), values_of: (0,),
    copy_of: (0,), with_keys: (1,), sum_of: (0, 1), entry: (0, 2), copy.copy: (0,), copy.deepcopy: (0,),
}  # fmt: skip
# Changes of containers, and which of their arguments become part of them.
ENTERING: dict[Any, tuple[int, ...]] = {
    list.append: (0,), list.insert: (1,), list.extend: (0,), list.reverse: (), list.clear: (),
    operator.delitem: (), list.pop: (), dict.pop: (1,), dict.update: (0,), dict.clear: (),
    operator.setitem: (1,), dict.setdefault: (1,), setattr: (1,),
}  # fmt: skip


class Push(Forward):
    def call(self, instr: Call) -> Instr:
        fn = method_of(instr)
        if isinstance(fn, Function):
            return self.function(instr)
        if constant_call(instr) or fn is literal or not any(map(self.dots.has, _atoms(instr))):
            return instr
        since = len(self.b.body)
        if fn is unpack:
            self.unpacked(instr)
            return instr
        for out, found in zip(instr.outs, self.pushed(instr, fn), strict=True):
            self.dots.set(out, found, since)
            self.mask(instr, fn, out)
        return instr

    def mask(self, instr: Call, fn: Any, out: Value) -> None:
        """A tangent may be 0 because of a mask if one that it is made of may, or if this is a mask."""
        found = self.dots.get(out)
        moved = [self.dots.get(a) for a in _atoms(instr)]
        masked = any(isinstance(m, Value) and m in self.dots.masked for m in moved)
        if isinstance(found, Value) and (masked or hashable(fn) and fn in MASKING):
            self.dots.masked.add(found)

    def pushed(self, instr: Call, fn: Any) -> tuple[Tangent | None, ...]:
        """The tangents of what a call gives."""
        args = instr.args
        if isinstance(fn, Hook):
            return (self.dots.get(args[0]),)
        if fn in (pack_tuple, pack_list):
            return (tuple(map(self.dots.get, args)),)
        if fn is pack_dict:
            return (tuple(map(self.dots.get, args[1:])),)
        if fn is pack_object:
            return (tuple(map(self.dots.get, args[2:])),)
        if fn is pack_function:
            return (tuple(map(self.dots.get, args[1:])),)
        if fn in (operator.getitem, getattr) and self.dots.has(args[0]):
            return (self.item(instr),)
        if fn is operator.getitem and isinstance(args[0], Const):  # `np.r_[...]` joins its index
            return (self.rule(instr, args[0].value.__getitem__, args[1:], {}, instr.outs),)
        kind = instr.outs[0].type.kind
        if fn in (operator.add, operator.mul) and kind in ("list", "tuple"):
            whole = (k for k, a in enumerate(args) if fn is operator.add or a.type.kind in ("list", "tuple"))
            return (self.alike(instr, fn, tuple(whole)),)
        if fn in (operator.add, operator.mul) and joins(self.b, fn, args):
            places = (k for k, a in enumerate(args) if fn is operator.add or not is_count(a))
            return (self.alike(instr, fn, tuple(places)),)
        if hashable(fn) and fn in ALIKE and (kind != "array" or fn in (entry, sum_of, copy_of)):
            return (self.alike(instr, fn, ALIKE[fn]),)
        found = self.rule(instr, fn, args, dict(instr.kwargs), instr.outs)
        return found if len(instr.outs) > 1 and isinstance(found, tuple) else (found,)

    def alike(self, instr: Call, fn: Any, places: tuple[int, ...]) -> Atom:
        args = [self.dots.whole(a) if k in places else a for k, a in enumerate(instr.args)]
        named = {k: self.dots.whole(a) for k, a in instr.kwargs}  # the entries of a dict
        return self.b.call(fn, *args, kwargs=named, type=tangent_type(instr.outs[0].type))

    def item(self, instr: Call) -> Tangent | None:
        """`y = x[i]`: the same part of the tangent."""
        base, index = instr.args[0], instr.args[1]
        found = self.dots.get(base)
        if isinstance(found, tuple):
            if isinstance(index, Const) and not isinstance(index.value, slice):
                at = self.place(base, index.value)
                if at is not None:
                    return found[at]
            if method_of(instr) is getattr:
                self.unsolved(instr)
            found = self.dots.whole(base)
        elif method_of(instr) is getattr and base.type.keys is None and not self.is_given(base):
            raise missing(self.b, getattr, instr, base)  # it may be a property, or a constant of the class
        assert isinstance(found, (Const, Value))
        found = self.dots.known(found, base)
        out = instr.outs[0]
        known = None if out.type.kind in ("unknown", "object") else tangent_type(out.type)
        return self.b.call(
            method_of(instr), found, *instr.args[1:], type=known if base.type.kind != "array" else None
        )

    def is_given(self, atom: Atom) -> bool:
        """Is this an object that the function was given, or a part of one, whose attributes are known?"""
        while isinstance(atom, Value) and atom not in self.starts:
            made = self.b.defs.get(atom)
            if not isinstance(made, Call) or made.fn not in (getattr, operator.getitem):
                return False
            atom = made.args[0]
        return isinstance(atom, Value)

    def unsolved(self, instr: Call) -> None:
        """Refuse an attribute of a solver's result that is none of those that are differentiated."""
        base, attr = instr.args
        made = self.b.made_by(base, *SOLVERS)
        if made is None or not isinstance(attr, Const):
            return
        raise NoRule(
            f"no derivative is known for `{attr.value}` of the result of `{function_name(made.fn)}`",
            instr.line,
            f"Use {' or '.join(f'`.{f}`' for f in SOLVERS[made.fn].names)}, or `stop_gradient`.",
        )

    def place(self, base: Atom, key: Any) -> int | None:
        """Where among the parts of a value that was put together the one of this key, or number, is."""
        made = self.b.made_by(base, pack_dict, pack_object)
        if made is not None:
            keys = made.args[made.fn is pack_object]
            assert isinstance(keys, Const)
            return list(keys.value).index(key) if key in keys.value else None
        if base.type.keys is not None:
            return base.type.keys.index(key)
        solved = self.b.defs.get(base) if isinstance(base, Value) else None
        if isinstance(key, str) and isinstance(solved, Call) and hashable(solved.fn):
            solver = SOLVERS.get(solved.fn)
            return None if solver is None or key not in solver.names else solver.names.index(key)
        return key if isinstance(key, int) else None

    def unpacked(self, instr: Call) -> None:
        source = instr.args[0]
        found = self.dots.get(source)
        if isinstance(found, tuple):
            for out, part in zip(instr.outs, found, strict=True):
                self.dots.set(out, part, len(self.b.body))
            return
        outs = tuple(Value(dot(o), tangent_type(o.type), o.named) for o in instr.outs)
        self.b.emit(Call(outs, unpack, (self.dots.whole(source), instr.args[1]), (), self.b.line))
        for value, out in zip(instr.outs, outs, strict=True):
            if can_vary(value):
                self.dots.of[value] = out
                self.dots.masked.add(out)

    # -- rules ----------------------------------------------------------------------------------------------

    def rule(
        self, instr: Call | Store, fn: Any, args: tuple[Atom, ...], kwargs: dict[str, Atom],
        outs: tuple[Value, ...],
    ) -> Tangent | None:  # fmt: skip
        """The tangent of a function's result by what is declared for it."""
        refuse_objects(instr, (*args, *kwargs.values()))
        pushed = REGISTRY.tangent.get(fn) if hashable(fn) else None
        if pushed is not None:
            return self.declared(instr, pushed, args, kwargs, outs)
        declared = find_rule(fn)
        active = next((a for a in (*args, *kwargs.values()) if self.dots.has(a)), None)
        if declared is None:
            raise missing(self.b, fn, instr, active)
        if declared.form == "elementwise":
            if isinstance(fn, np.ufunc):
                kwargs = {name: atom for name, atom in kwargs.items() if name not in UFUNC_OPTIONS}
            return self.elementwise(instr, declared, args, kwargs, outs[0])
        if declared.form == "linear":
            return self.linear(instr, fn, args, kwargs, outs[0])
        if declared.form == "equal":
            return self.equal(instr, declared, args, kwargs, outs)
        name = function_name(fn)
        raise NoRule(
            f"no tangent is known for `{name}`",
            instr.line,
            f"Teach it one:  @defjvp({name})  def _(tangents, out, ...): ...",
        )

    def declared(
        self, instr: Call | Store, rule: Any, args: tuple[Atom, ...], kwargs: dict[str, Atom],
        outs: tuple[Value, ...],
    ) -> Tangent | None:  # fmt: skip
        parameters = list(inspect.signature(rule).parameters.values())[2:]
        named = sum(p.kind is p.POSITIONAL_OR_KEYWORD for p in parameters)
        starred = any(p.kind is p.VAR_POSITIONAL for p in parameters)
        names = [p.name for p in parameters]
        beyond = [k for k in kwargs if k not in names]  # options that the rule takes by any name
        for k in beyond:
            if self.dots.has(kwargs[k]):
                raise missing(self.b, instr.fn, instr, kwargs[k])
        slots = [*range(len(args)), *(names.index(k) if k in names else -1 for k in kwargs)]
        given, given_named = as_arrays(self.b, instr.fn, rule, args, kwargs)
        atoms, read = (*args, *kwargs.values()), (*given, *given_named.values())
        moved = [
            (slot, atom, found is not atom) for slot, atom, found in zip(slots, atoms, read, strict=True)
            if self.dots.has(atom)
        ]  # fmt: skip
        numeric = [slot for slot, atom in zip(slots, atoms, strict=True) if _numeric(atom)]
        width = len(args) if starred else max([named, *(slot + 1 for slot in numeric)])
        tangents: list[Any] = [None] * width
        for slot, atom, as_array in moved:
            tangents[slot] = self.handed(atom) if instr.fn in SOLVERS else self.given(atom, as_array)
        first = tuple(outs) if len(outs) > 1 else outs[0]
        if isinstance(rule, Ownerless):
            if tangents[0] is not None:
                raise untold(instr, args[0])
            del tangents[0]
        found = inlined(self.b, rule, [tuple(tangents), first, *given], given_named, instr)
        check_known(instr, next(atom for _, atom, _ in moved if isinstance(atom, Value)), found)
        return found

    def given(self, atom: Atom, as_array: bool) -> Any:
        """The tangent of an argument as a rule reads it: item by item where it is known so."""
        found = self.dots.get(atom)
        known = atom.type
        if isinstance(found, Value) and known.kind == "object" and known.keys and known.items:
            return {
                key: self.b.call(getattr, found, Const(key), type=tangent_type(kind))
                if holds_numbers(Value(str(key), kind)) else None
                for key, kind in zip(known.keys, known.items, strict=True)
            }  # fmt: skip
        if as_array and atom.type.kind in ("list", "tuple"):
            return self.b.call(np.asarray, self.dots.whole(atom))
        if not isinstance(found, tuple):
            return None if found is None else self.dots.known(found, atom)
        whole = self.b.made_by(atom, pack_dict, pack_object)
        if whole is not None:
            at = 1 + (whole.fn is pack_object)
            keys = whole.args[at - 1]
            assert isinstance(keys, Const)
            pairs = zip(keys.value, whole.args[at:], strict=True)
            return {key: self.given(item, False) if self.dots.has(item) else None for key, item in pairs}
        made = self.b.made_by(atom, pack_tuple, pack_list)
        if made is None:
            return found
        parts = [
            self.dots.zero(item) if part is None else self.given(item, False)
            for item, part in zip(made.args, found, strict=True)
        ]
        return parts if made.fn is pack_list else tuple(parts)

    def handed(self, atom: Atom) -> Any:
        """The tangent of what a solver is given: of a tuple, and of a function, item by item."""
        made = self.b.made_by(atom, pack_tuple, pack_function)
        if made is None:
            return self.dots.whole(atom)
        items = made.args[made.fn is pack_function :]
        return tuple(self.dots.whole(item) if self.dots.has(item) else None for item in items)

    def linear(
        self, instr: Call | Store, fn: Any, args: tuple[Atom, ...], kwargs: dict[str, Atom], out: Value
    ) -> Tangent | None:
        """A function that is linear in its first argument is its own tangent."""
        at = int(isinstance(fn, Owned))
        rest = (*args[:at], *args[at + 1 :], *kwargs.values())
        others = [a for a in rest if self.dots.has(a) and (a.type.is_scalar or of_others(fn))]
        if others and others[0] is args[0]:
            raise untold(instr, args[0])
        if others and fn not in FORMED:
            raise missing(self.b, fn, instr, others[0])
        if not self.dots.has(args[at]):
            return None
        known = out.type if out.type.kind in ("list", "array") else None
        moved = self.dots.whole(args[at])
        return self.b.call(fn, *args[:at], moved, *args[at + 1 :], kwargs=kwargs, type=known)

    def equal(
        self, instr: Call | Store, declared: Declared, args: tuple[Atom, ...], kwargs: dict[str, Atom],
        outs: tuple[Value, ...],
    ) -> Tangent | None:  # fmt: skip
        """The tangent of what has the values of this call: of one call under another name, or of more."""
        with self.b.region() as body:
            result = inlined(self.b, declared.rule, list(args), kwargs, instr)
        region = Region((), tuple(body), ())
        self.varied |= varied(region, [v for v in free(region) if self.dots.has(v)])
        self.needed.update(out for i in instructions(region) for out in i.outs)
        last = body[-1] if body else None
        if isinstance(last, Call) and last.outs == (result,) and find_rule(last.fn) is not None:
            # The result is at hand: it is not computed again.
            for part in body[:-1]:
                self.instr(part)
            moved = any(map(self.dots.has, _atoms(last)))
            return self.pushed(replace(last, outs=outs), last.fn)[0] if moved else None
        for part in body:
            self.instr(part)
        return self.parts(result)

    def parts(self, result: Any) -> Tangent | None:
        return tuple(map(self.parts, result)) if isinstance(result, (tuple, list)) else self.dots.get(result)

    def elementwise(
        self, instr: Call | Store, declared: Declared, args: tuple[Atom, ...], kwargs: dict[str, Atom],
        out: Value,
    ) -> Tangent | None:  # fmt: skip
        """The partial derivatives, each times the tangent of its argument."""
        placed = positions(declared.rule, args, kwargs, 1)
        args, kwargs = as_arrays(self.b, instr.fn, declared.rule, args, kwargs, 1)
        moved = [a for a in placed if a is not None and self.dots.has(a)]
        many = self.dots.many and steep(instr.fn, args)
        masked = any(self.dots.get(a) in self.dots.masked for a in moved)
        guarded = steep(instr.fn, args) and masked and not many
        terms: list[Atom] = []
        if guarded:
            for k, arg in enumerate(placed):
                if arg is not None and self.dots.has(arg):
                    terms.append(self.guarded(instr, declared, args, kwargs, out, k, arg))
        else:
            partials = inlined(self.b, declared.rule, [out, *args], kwargs, instr)
            for arg, partial in zip(placed, shifted(instr, declared.rule, partials), strict=False):
                if isinstance(arg, Value) and arg.type.kind == "object" and self.dots.has(arg):
                    terms.extend(self.of_attributes(instr, arg, partial))
                    continue
                if partial is not None and arg is not None and self.dots.has(arg):
                    check_known(instr, arg, partial)
                    dot = self.single(arg)
                    terms.append(
                        in_many(self.b, declared, instr, dot, partial, out, tuple(args), kwargs)
                        if many
                        else times(self.b, dot, partial)
                    )
        total = plus(self.b, [t for t in terms if not _is_zero(t)])
        if total is None:
            return None
        spread = self.dots.spread(total, out)
        if guarded:
            self.dots.masked.add(spread)
        return spread

    def of_attributes(self, instr: Call | Store, arg: Value, partial: Any) -> list[Atom]:
        """What the attributes of an object contribute, each by its own partial."""
        moved = self.given(arg, False)
        if not isinstance(partial, dict) or not isinstance(moved, dict):
            raise untold(instr, arg)
        made = self.b.made_by(arg, pack_object)
        assert made is not None
        terms: list[Atom] = []
        for k, (key, tangent) in enumerate(moved.items()):
            if tangent is None:
                continue
            if key not in partial:
                raise untold(instr, arg, str(key))
            inner = made.args[2 + k]
            if isinstance(tangent, dict) and isinstance(inner, Value) and partial[key] is not None:
                terms.extend(self.of_attributes(instr, inner, partial[key]))
            elif partial[key] is not None:
                terms.append(times(self.b, tangent, partial[key]))
        return terms

    def single(self, atom: Atom) -> Atom:
        """The tangent of an operand; of a list, as the array that it is read as."""
        whole = self.dots.whole(atom)
        return self.b.call(np.asarray, whole) if atom.type.kind in ("list", "tuple") else whole

    def guarded(
        self, instr: Call | Store, declared: Declared, args: tuple[Atom, ...], kwargs: dict[str, Atom],
        out: Value, k: int, arg: Value,
    ) -> Atom:  # fmt: skip
        """What argument `k`, which is `arg`, contributes where its partial can be infinite."""
        moved = self.single(arg)

        def product(after: Atom, inputs: tuple[Atom, ...], named: dict[str, Atom]) -> Atom:
            found = inlined(self.b, declared.rule, [after, *inputs], named, instr)
            partials = shifted(instr, declared.rule, found)
            partial = partials[k] if k < len(partials) else None
            if partial is None:
                return Const(0.0)
            check_known(instr, arg, partial)
            return times(self.b, moved, partial)

        scalar = moved.type.is_scalar and all(a.type.is_scalar for a in args)
        zero = hidden(self.b, declared, instr, moved, out, args, kwargs, scalar)
        if not scalar:
            safe = Const(SAFE.get(instr.fn, 0.5))
            inputs = tuple(self.b.call(np.where, zero, safe, a) if isinstance(a, Value) else a for a in args)
            after = self.b.call(np.where, zero, safe, out)
            return product(after, inputs, kwargs)
        with self.b.region() as body:
            found = product(out, args, kwargs)
        value = Value("part", found.type)
        rest = Region((), tuple(body), (found,))
        self.b.emit(If((value,), zero, Region((), (), (Const(0.0),)), rest, self.b.line, key=object()))
        return value

    # -- what changes a value -------------------------------------------------------------------------------

    def store(self, instr: Store) -> Instr:
        since = len(self.b.body)
        out, target = instr.outs[0], instr.target
        moving = (target, *instr.args, *(a for _, a in instr.kwargs))
        if not any(map(self.dots.has, moving)) or constant_call(instr):
            return instr
        if changed_kind(instr) not in SCALARS | {"array", "unknown"}:
            self.contained(instr)
        elif instr.fn in (operator.iadd, operator.isub):
            self.added(instr)
        elif instr.fn in PLAIN:
            found = self.rule(
                Call((out,), PLAIN[instr.fn], (target, *instr.args), (), instr.line),
                PLAIN[instr.fn], (target, *instr.args), {}, (out,),
            )  # fmt: skip
            self.replaced(instr, found, since)
        elif instr.fn is operator.setitem:
            index, value = instr.args
            self.written(instr, operator.setitem, index, self.dots.whole(value))
        elif isinstance(instr.fn, Into):
            self.into(instr, instr.fn.fn)
        else:
            self.changed(instr)
        return instr

    def visible(self, instr: Store) -> bool:
        return instr.visible and self.shared

    def written(self, instr: Store, fn: Any, *args: Atom, kwargs: dict[str, Atom] | None = None) -> None:
        """Change the tangent of the target as the target is changed."""
        before = self.dots.whole(instr.target)
        out = instr.outs[0]
        known = before.type if before.type.kind != "unknown" else tangent_type(out.type)
        after = self.b.store(
            fn, before, *args, kwargs=kwargs, name=dot(out), type=known, visible=self.visible(instr),
            path=instr.path,
        )  # fmt: skip
        self.dots.of[out] = after
        self.dots.masked.add(after)

    def replaced(self, instr: Store, found: Tangent | None, since: int) -> None:
        """The tangent of what a store made of the whole target, or of the part at the end of its path."""
        out = instr.outs[0]
        if instr.path or self.visible(instr):
            part = Const(0.0) if found is None else found
            self.written(instr, operator.setitem, Const(...), part)
        elif found is not None:
            self.dots.set(out, found, since)
            self.dots.masked.add(self.dots.whole(out))

    def added(self, instr: Store) -> None:
        """`x[i] += v`: the tangent of v is added to that of x at the same place."""
        (value,) = instr.args
        if not self.dots.has(value):
            if self.dots.has(instr.target):
                self.dots.of[instr.outs[0]] = self.dots.get(instr.target)
            return
        self.written(instr, instr.fn, self.single(value))

    def into(self, instr: Store, fn: Any) -> None:
        """`fn(*args, out=x, where=m)`: the tangent of `fn` where it wrote."""
        kwargs = {k: a for k, a in instr.kwargs if k not in ("casting", "order", "subok", "dtype")}
        mask = kwargs.pop("where", Const(True)) if isinstance(fn, np.ufunc) else Const(True)
        since = len(self.b.body)
        after: Atom = instr.outs[0]
        for step in instr.path:
            after = self.b.call(step.fn, after, *step.args, kwargs=dict(step.kwargs))
        assert isinstance(after, Value)
        everywhere = isinstance(mask, Const) and mask.value is True
        args = instr.args if everywhere else tuple(self.within(mask, a, fn) for a in instr.args)
        call = Call((after,), fn, args, tuple(kwargs.items()), instr.line)
        found = self.rule(call, fn, args, kwargs, (after,)) if any(map(self.dots.has, args)) else None
        if everywhere:
            self.replaced(instr, found, since)
        else:
            part = Const(0.0) if found is None else found
            self.written(instr, np.copyto, part, kwargs={"where": mask})

    def within(self, mask: Atom, arg: Atom, fn: Any) -> Atom:
        """An argument of a masked function, harmless where the function did not look at it."""
        if not isinstance(arg, Value) or arg.type.is_scalar:
            return arg
        inner = self.b.call(np.where, mask, arg, Const(SAFE.get(fn, 0.5)))
        if self.dots.has(arg) and isinstance(inner, Value):
            self.dots.of[inner] = self.b.call(np.where, mask, self.single(arg), Const(0.0))
            self.dots.masked.add(self.dots.of[inner])
        return inner

    def changed(self, instr: Store) -> None:
        """A store whose function has a rule, into the array or a part: `np.add.at`, `np.ndarray.sort`."""
        since = len(self.b.body)
        rule = REGISTRY.tangent.get(instr.fn) if hashable(instr.fn) else None
        if rule is None:
            moving = next(a for a in (instr.target, *instr.args) if self.dots.has(a))
            raise missing(self.b, instr.fn, instr, moving)
        before: Atom = instr.target
        after: Atom = instr.outs[0]
        moved = self.dots.get(before)
        for step in instr.path:
            before, after = (
                self.b.call(step.fn, a, *step.args, kwargs=dict(step.kwargs)) for a in (before, after)
            )
            if moved is not None:
                moved = self.b.call(step.fn, moved, *step.args, kwargs=dict(step.kwargs))
        assert isinstance(after, Value) and isinstance(before, Value)
        if moved is not None:
            self.dots.of[before] = moved
        found = self.declared(instr, rule, (before, *instr.args), dict(instr.kwargs), (after,))
        self.replaced(instr, found, since)

    def contained(self, instr: Store) -> None:
        """A change of a list, a dict or an object: the same one of its tangent."""
        fn = instr.fn
        if fn not in ENTERING:
            what = getattr(fn, "__name__", "this change").strip("_")
            raise NoRule(
                f"`{what}` of a container is differentiated", instr.line, "Build another one, item by item."
            )
        args = [self.dots.whole(a) if k in ENTERING[fn] else a for k, a in enumerate(instr.args)]
        before = self.dots.whole(instr.target)
        outs = tuple(Value(dot(o), tangent_type(o.type), o.named) for o in instr.outs)
        line = self.b.line
        seen = self.visible(instr)
        self.b.emit(Store(outs, fn, before, tuple(args), instr.kwargs, line, seen, instr.path))
        for value, out in zip(instr.outs, outs, strict=True):
            if can_vary(value):
                self.dots.of[value] = out
                self.dots.masked.add(out)

    # -- user functions -------------------------------------------------------------------------------------

    def function(self, instr: Call) -> Instr:
        """`y = f(x)`: one call of its tangent function gives both."""
        active = tuple(map(self.dots.has, instr.args))
        pushed, moved, taken = self.derive_callee(instr.fn, active)
        given = tuple(self.dots.whole(a) for a, on in zip(instr.args, taken, strict=True) if on)
        moving = [o for o, on in zip(instr.outs, moved, strict=True) if on]
        outs = tuple(Value(dot(o), tangent_type(o.type), o.named) for o in moving)
        for value, out in zip(moving, outs, strict=True):
            self.dots.of[value] = out
            self.dots.masked.add(out)
        return Call((*instr.outs, *outs), pushed, (*instr.args, *given), (), instr.line)


def _atoms(instr: Call) -> tuple[Atom, ...]:
    return (*instr.args, *(a for _, a in instr.kwargs))


def _numeric(atom: Atom) -> bool:
    """Can this hold floating-point numbers?"""
    if isinstance(atom, Value):
        return can_vary(atom)
    return isinstance(atom.value, (float, complex, np.inexact))


def _is_zero(atom: Atom) -> bool:
    return isinstance(atom, Const) and isinstance(atom.value, float) and atom.value == 0.0
