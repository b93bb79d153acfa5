"""Which values are written where they are read: anonymous, pure, read once, on the same source line.

    total = a + b; h = np.tanh(total)        ->        h = np.tanh(a + b)

What is short and cheap, and whose variables stand as they were, is written at every place that reads it:
`u[i - 1]`, `a.T`, `len(x)`, `if x > 0`.
"""

from __future__ import annotations

import operator
from collections import Counter
from collections.abc import Hashable

import numpy as np

from ..analysis.effects import pure, pure_function
from ..analysis.liveness import Liveness, liveness
from ..ir.graph import (
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
    format_string,
    items_of_list,
    literal,
    pack_function,
    pack_slice,
    pack_tuple,
    unpack,
)
from ..ir.walk import changes, instructions, operands, regions, values
from .keep import keeps
from .memory import Memory

SHORT = 22  # an expression longer than this is not written twice
_INDEX = frozenset({operator.add, operator.sub, operator.mul})
_TESTS = frozenset({operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne})
_COUNTS = frozenset({np.ndarray.ndim, np.ndarray.size, len})
_FORMS = frozenset({np.ndarray.T, np.ndarray.shape, np.ndarray.ndim, np.ndarray.size})
WIDTH = 84  # an expression longer than this gets a name


def nested(region: Region) -> dict[Value, Instr]:
    """Each value that is written inside the expression that reads it, with its instruction."""
    counts: Counter[Value] = Counter()
    _count(region, counts)
    found: dict[Value, Instr] = {}
    lengths: dict[Value, int] = {}
    again = _Again(region)
    _region(region, counts, found, lengths, again)
    return found


class _Again:
    """Which values may be written wherever they are read, the text being short and its variables standing."""

    def __init__(self, region: Region) -> None:
        self.live: Liveness = liveness(region)
        self.memory = Memory(region, self.live)
        self.written: set[Value] = set()  # an array's versions
        self.passed: set[Value] = set()  # what becomes another variable's next value
        self.variables: set[Value] = set()  # what is assigned more than once
        self.used: set[Value] = set()  # what is read by more than the test of an `if`
        self.touched: set[Value] = set()  # what a call may change
        self.accepted: set[Value] = set()  # what may be written wherever it is read
        self.used.update(values(region.results))
        for instr in instructions(region):
            if not isinstance(instr, If):
                self.used.update(values(operands(instr)))
            if isinstance(instr, Call) and not pure(instr):
                self.touched.update(values(operands(instr)))
            if isinstance(instr, Store):
                self.written.update(values((instr.target, *instr.outs)))
            elif isinstance(instr, (For, While)):
                self.passed.update(values((*instr.init, *instr.body.results)))
                self.variables.update(instr.outs, instr.body.params[-len(instr.init) :] if instr.init else ())
                if isinstance(instr, While):
                    self.variables.update(instr.cond.params)
            elif isinstance(instr, Try):
                self.passed.update(values((*instr.otherwise, *instr.body.results)))
                self.variables.update(instr.outs)
            elif isinstance(instr, If) and not instr.expression:
                self.passed.update(values((*instr.then.results, *instr.orelse.results)))
                self.variables.update(instr.outs)
        self.given = set(region.params) - self.written - self.touched  # what nothing changes
        self.variables |= self.passed
        self.variables -= set(region.params)

    def __call__(self, instr: Instr, found: dict[Value, Instr], lengths: dict[Value, int]) -> bool:
        if not isinstance(instr, Call) or len(instr.outs) != 1 or instr.outs[0].named or instr.kwargs:
            return False
        (out,) = instr.outs
        if out in self.written or out in self.passed or not isinstance(instr.fn, Hashable):
            return False
        if not self._part(instr, found):
            if _length(instr, lengths) > SHORT or not self._cheap(instr, found):
                return False
            if not all(
                v in self.accepted if v in found else self._stands(v, out) for v in values(instr.args)
            ):
                return False
        self.accepted.add(out)
        return True

    def _part(self, instr: Call, found: dict[Value, Instr]) -> bool:
        """Is this an item of a container that was handed in, `params["w"]`, or an attribute of an object?"""
        if instr.fn not in (operator.getitem, getattr) or len(instr.args) != 2:
            return False
        if not isinstance(instr.args[1], Const):
            return False
        base, key = instr.args[0], instr.args[1].value
        if instr.outs[0] in self.touched or not isinstance(base, Value):
            return False
        if base.type.kind not in ("tuple", "list", "dict", "object"):
            return False
        outer = found.get(base)
        whole = base in self.given or isinstance(outer, Call) and self._part(outer, found)
        return whole and isinstance(key, (int, str))

    def _stands(self, value: Value, out: Value) -> bool:
        return value not in self.variables or self.live.end[value] >= self.live.end[out]

    def _cheap(self, instr: Call, found: dict[Value, Instr]) -> bool:
        fn, args = instr.fn, instr.args
        if fn in _INDEX:
            return all(_whole(a) for a in args)
        if fn in _TESTS:
            counted = [isinstance(a, Value) and getattr(found.get(a), "fn", None) in _COUNTS for a in args]
            scalars = all(a.type.is_scalar or c for a, c in zip(args, counted, strict=True))
            return scalars and instr.outs[0] not in self.used
        if fn is pack_tuple or fn is pack_slice:
            return bool(args) and all(_whole(a) or isinstance(a, Const) and a.value is None for a in args)
        if fn is len:
            return args[0].type.kind == "array"
        return fn in _FORMS


def _whole(atom: Atom) -> bool:
    return atom.type.kind == "int"


def _count(region: Region, counts: Counter[Value]) -> None:
    for instr in region.body:
        counts.update(values(operands(instr)))
        for part in regions(instr):
            _count(part, counts)
    counts.update(values(region.results))


def _region(
    region: Region,
    counts: Counter[Value],
    found: dict[Value, Instr],
    lengths: dict[Value, int],
    again: _Again,
) -> None:
    readers = _readers(region)
    position = {instr: k for k, instr in enumerate(region.body)}
    writes = again.memory.writes(region)
    rebound = _Rebound(region)
    for k, instr in enumerate(region.body):
        for part in regions(instr):
            _region(part, counts, found, lengths, again)
        if len(instr.outs) != 1 or not counts[instr.outs[0]]:
            continue
        if isinstance(instr, Call) and instr.fn is items_of_list:
            found[instr.outs[0]] = instr
            continue
        if isinstance(instr, Call) and instr.fn is range and not instr.outs[0].named:
            found[instr.outs[0]] = instr  # written out wherever it is run over
            continue
        if isinstance(instr, Call) and instr.fn is pack_function:
            found[instr.outs[0]] = instr  # a function is written out wherever it is handed on
            continue
        out = instr.outs[0]
        if again(instr, found, lengths):
            lengths[out] = _length(instr, lengths)
            found[out] = instr
            continue
        reader = readers.get(out)
        if isinstance(instr, Call) and instr.fn is np.copy and counts[out] == 1 and _is_kept(reader):
            assert not isinstance(reader, Region) and reader is not None
            if not writes.between(k + 1, position[reader], _memory_read(instr, found)):
                found[out] = instr  # what a loop saves of an array that it goes on to change
                continue
        if counts[out] != 1 or reader is None or out.named:
            continue
        if isinstance(reader, Try) and position[reader] == k + 1:
            found[out] = instr  # entered as soon as it is made
            lengths[out] = _length(instr, lengths)
            continue
        if isinstance(reader, (Store, Call)) and any(target is out for target, _ in changes(reader)):
            continue
        if not _expression(instr, found):
            continue
        if _repeated(instr, reader, counts) and writes.between(
            k + 1, len(region.body), _memory_read(instr, found)
        ):
            continue  # it is another number by the time that it is written out again
        end = len(region.body) if isinstance(reader, Region) else position[reader]
        if isinstance(reader, Region):
            if instr.line.line != _last_line(region):
                continue
        elif reader.line.line != instr.line.line:
            if not isinstance(reader, (For, If)) and not _is_kept(reader):
                continue
        if writes.between(k + 1, end, _memory_read(instr, found)):
            continue
        if rebound.between(k + 1, end, _variables(instr, found)):
            continue  # written there, it would need the old value beside the next one
        length = _length(instr, lengths)
        if length > WIDTH and not _is_kept(reader):
            continue
        lengths[out] = length
        found[out] = instr


def _repeated(instr: Instr, reader: Instr | Region, counts: Counter[Value]) -> bool:
    """Is this an end of a range that is written out in several places, and no length of an array?"""
    if not isinstance(reader, Call) or reader.fn is not range or counts[reader.outs[0]] < 2:
        return False
    return not (isinstance(instr, Call) and instr.fn is len and instr.args[0].type.kind == "array")


def _is_kept(reader: Instr | Region | None) -> bool:
    """Is this the append of what a loop saves, or the tuple that it appends?"""
    if isinstance(reader, Call):
        return reader.fn is pack_tuple and reader.outs[0].name == "turn" and not reader.outs[0].named
    return isinstance(reader, Store) and keeps(reader)


def _last_line(region: Region) -> int:
    return next((i.line.line for i in reversed(region.body) if not keeps(i)), 0)


def _expression(instr: Instr, found: dict[Value, Instr]) -> bool:
    """Can this instruction be written as an expression?"""
    if isinstance(instr, Call):
        return (
            instr.fn not in (literal, unpack)
            and pure_function(instr.fn)
            and not isinstance(instr.fn, Function)
        )
    if isinstance(instr, If) and instr.expression and len(instr.outs) == 1:
        return all(
            all(o in found for o in inner.outs) and inner.outs for p in regions(instr) for inner in p.body
        )
    return False


def _readers(region: Region) -> dict[Value, Instr | Region]:
    """Who reads each value on the region's own level (not a loop's carried values, which are variables)."""
    found: dict[Value, Instr | Region] = {}
    for instr in region.body:
        match instr:
            case For():
                atoms: tuple[Atom, ...] = instr.items
            case While():
                atoms = ()
            case Try():
                atoms = (instr.manager,)
            case _:
                atoms = operands(instr)
        for value in values(atoms):
            found[value] = instr
    for value in values(region.results):
        found[value] = region
    return found


class _Rebound:
    """Where in a region each of the user's variables gets its next value."""

    def __init__(self, region: Region) -> None:
        self.at: dict[str, list[int]] = {}
        for k, instr in enumerate(region.body):
            for out in instr.outs:
                if out.named:
                    self.at.setdefault(out.name, []).append(k)

    def between(self, start: int, end: int, variables: set[str]) -> bool:
        return any(start <= k < end for name in variables for k in self.at.get(name, ()))


def _variables(instr: Instr, found: dict[Value, Instr]) -> set[str]:
    """The names of the user's variables that an expression reads."""
    names: set[str] = set()
    for value in values(operands(instr)):
        if value in found:
            names |= _variables(found[value], found)
        elif value.named:
            names.add(value.name)
    return names


def _memory_read(instr: Instr, found: dict[Value, Instr]) -> list[Value] | None:
    """The variables whose memory an expression reads; None if that is not known."""
    scalars = ("float", "int", "bool", "complex", "number", "str", "range", "none")
    if isinstance(instr, If):
        return None
    read: list[Value] = []
    for value in values(operands(instr)):
        if value in found:
            inner = _memory_read(found[value], found)
            if inner is None:
                return None
            read.extend(inner)
        elif value.type.kind not in scalars:
            read.append(value)
    return read


def _length(instr: Instr, lengths: dict[Value, int]) -> int:
    """About how many characters the expression takes."""
    if isinstance(instr, If):
        inner = [r for p in regions(instr) for r in p.results]
        return 12 + sum(_atom_length(a, lengths) for a in (*inner, instr.test))
    assert isinstance(instr, Call)
    name = len(getattr(instr.fn, "__name__", "xxx"))
    operator_like = getattr(instr.fn, "__module__", "") == "_operator"
    if instr.fn is format_string:
        assert isinstance(instr.args[0], Const)
        texts = sum(len(part) for part in instr.args[0].value if isinstance(part, str))
        return texts + sum(_atom_length(a, lengths) + 6 for a in instr.args[1:])
    display = instr.fn is pack_tuple or instr.fn is pack_slice
    extra = 0 if display else 2 if operator_like else name + 3
    args = sum(_atom_length(a, lengths) + 2 for a in instr.args)
    return extra + args + sum(len(k) + 3 + _atom_length(a, lengths) for k, a in instr.kwargs)


def _atom_length(atom: Atom, lengths: dict[Value, int]) -> int:
    if isinstance(atom, Const):
        return len(atom.spelling or repr(atom.value)) if not callable(atom.value) else 8
    return lengths.get(atom, len(atom.name))
