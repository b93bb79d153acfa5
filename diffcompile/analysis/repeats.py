"""Which reads cannot raise, since the same was read or written before.

    r = m[i]            an index out of range is found here
    m.2 = store m[i]
    r.2 = m.2[i]        and so not here: if nothing reads `r.2`, it need not run

Whether an index, a new shape or an axis is right depends on an array's form, which a write leaves alone; so
does a write into an item of a list, or of another item in its place.
"""

from __future__ import annotations

import operator
from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np

from ..ir.graph import Atom, Call, Const, Instr, Region, Store, Value
from ..ir.walk import instructions, key_of, regions, same_atom
from .effects import pure
from .forms import first_versions
from .liveness import SEES


def repeats(region: Region) -> set[Value]:
    """The results of all reads that repeat one that comes before them on every path.

    So does the read of an item that is taken out of its list right after it.
    """
    return _Forms(first_versions(region)).region(region, {}) | _taken_out(region)


def _taken_out(region: Region) -> set[Value]:
    bodies = [region.body, *(part.body for i in instructions(region) for part in regions(i))]
    pairs = (pair for body in bodies for pair in zip(body, body[1:], strict=False))
    return {out for instr, after in pairs if _raises_alike(instr, after) for out in instr.outs}


def _raises_alike(instr: Instr, after: Instr) -> bool:
    """Is this `items[i]`, followed by `items.pop(i)`?"""
    if not isinstance(instr, Call) or instr.fn is not operator.getitem or not isinstance(after, Store):
        return False
    if after.fn is not list.pop or after.path or instr.args[0] is not after.target:
        return False
    return same_atom(instr.args[1], after.args[0] if after.args else Const(-1))


_CONTAINERS = ("list", "dict")
_KEEPING = (operator.setitem, operator.iadd, operator.isub)


def _is_slice(store: Store) -> bool:
    """Is another part of a list put in the place of one, of another length perhaps?"""
    index = store.args[0]
    if store.fn is not operator.setitem:
        return False
    return isinstance(index, Const) and isinstance(index.value, slice) or index.type.kind == "object"


class _Forms:
    """The form of each value: by the array that it is a version of, and by how it was read out of one."""

    def __init__(self, first: dict[Value, Value]) -> None:
        self.first = first
        self.same: dict[Value, Any] = {}

    def region(self, region: Region, known: dict[Any, Any]) -> set[Value]:
        """The repeated reads; `known` forms have been read on the way to here."""
        found: set[Value] = set()
        ahead: dict[Any, Value] = {}  # reads that a write into the same item may follow at once
        for instr in region.body:
            ahead = ahead if pure(instr) else {}
            match instr:
                case Call(outs=(out,), args=(base, *rest)) if _decided_by_form(instr):
                    key = self._key(instr.fn, self.of(base), rest, instr.kwargs)
                    if key in known:
                        found.add(out)
                    elif base.type.kind in _CONTAINERS:
                        ahead[key] = out
                    self.same[out] = known.setdefault(key, out)
                case Store(target=Value() as target) if target.type.kind in _CONTAINERS:
                    form = self.of(target)
                    for step in instr.path:
                        key = self._key(step.fn, form, step.args, step.kwargs)
                        found.update(() if key not in ahead else (ahead[key],))
                        form = known.setdefault(key, key)
                    if instr.fn in _KEEPING and not _is_slice(instr):
                        self.first[instr.outs[0]] = self.first.get(target, target)
                case Store(target=Value() as target) if target.type.kind == "array":
                    form = self.of(target)
                    for step in instr.path:
                        form = known.setdefault(k := self._key(step.fn, form, step.args, step.kwargs), k)
                    if instr.fn is operator.setitem:
                        key = self._key(operator.getitem, form, instr.args[:1], ())
                        known.setdefault(key, key)
            for part in regions(instr):
                found |= self.region(part, dict(known))
        return found

    def of(self, atom: Atom) -> Any:
        if isinstance(atom, Const):
            return key_of(atom.value)
        atom = self.first.get(atom, atom)
        return self.same.get(atom, atom)

    @staticmethod
    def _key(fn: Any, form: Any, args: Sequence[Atom], named: Sequence[tuple[str, Atom]]) -> Any:
        def asked(atom: Atom) -> Any:
            return key_of(atom.value) if isinstance(atom, Const) else atom

        return (fn, form, tuple(map(asked, args)), tuple((name, asked(a)) for name, a in named))


def _decided_by_form(instr: Call) -> bool:
    """Does the form of an array, or of a list, decide whether this raises, and what form the result has?"""
    kind = instr.args[0].type.kind
    if kind in _CONTAINERS:
        return instr.fn is operator.getitem
    if not isinstance(instr.fn, Hashable) or kind != "array":
        return False
    return instr.fn in SEES and instr.fn not in (np.trim_zeros, np.real_if_close)
