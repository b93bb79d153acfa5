"""Which values are written where they are read: anonymous, pure, read once, on the same source line.

    total = a + b; h = np.tanh(total)        ->        h = np.tanh(a + b)
"""

from __future__ import annotations

from collections import Counter

from ..analysis.effects import pure, pure_function
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
    Value,
    While,
    literal,
    unpack,
)
from ..ir.walk import instructions, operands, regions, values

WIDTH = 84  # an expression longer than this gets a name


def nested(region: Region) -> dict[Value, Instr]:
    """Each value that is written inside the expression that reads it, with its instruction."""
    counts: Counter[Value] = Counter()
    _count(region, counts)
    found: dict[Value, Instr] = {}
    lengths: dict[Value, int] = {}
    _region(region, counts, found, lengths)
    return found


def _count(region: Region, counts: Counter[Value]) -> None:
    for instr in region.body:
        counts.update(values(operands(instr)))
        for part in regions(instr):
            _count(part, counts)
    counts.update(values(region.results))


def _region(
    region: Region, counts: Counter[Value], found: dict[Value, Instr], lengths: dict[Value, int]
) -> None:
    readers = _readers(region)
    position = {instr: k for k, instr in enumerate(region.body)}
    barriers = [0]
    for instr in region.body:
        barriers.append(barriers[-1] + _writes(instr))
    for k, instr in enumerate(region.body):
        for part in regions(instr):
            _region(part, counts, found, lengths)
        if len(instr.outs) != 1 or not counts[instr.outs[0]]:
            continue
        if isinstance(instr, Call) and instr.fn is range and not instr.outs[0].named:
            found[instr.outs[0]] = instr  # written out wherever it is run over
            continue
        if counts[instr.outs[0]] != 1:
            continue
        out = instr.outs[0]
        reader = readers.get(out)
        if reader is None or out.named or isinstance(reader, Store) and reader.target is out:
            continue
        if not _expression(instr, found):
            continue
        end = len(region.body) if isinstance(reader, Region) else position[reader]
        if isinstance(reader, Region):
            if instr.line.line != _last_line(region):
                continue
        elif reader.line.line != instr.line.line and not isinstance(reader, (For, If)):
            continue
        if barriers[end] != barriers[k + 1] and _reads_memory(instr, found):
            continue
        length = _length(instr, lengths)
        if length > WIDTH:
            continue
        lengths[out] = length
        found[out] = instr


def _last_line(region: Region) -> int:
    return region.body[-1].line.line if region.body else 0


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
            case _:
                atoms = operands(instr)
        for value in values(atoms):
            found[value] = instr
    for value in values(region.results):
        found[value] = region
    return found


def _writes(instr: Instr) -> bool:
    """May this instruction change memory, or be seen?"""
    if isinstance(instr, Store) or not pure(instr):
        return True
    return any(isinstance(i, Store) for part in regions(instr) for i in instructions(part))


def _reads_memory(instr: Instr, found: dict[Value, Instr]) -> bool:
    scalars = ("float", "int", "bool", "complex", "number", "str", "range", "none")
    if isinstance(instr, If):
        return True
    for value in values(operands(instr)):
        if value in found:
            if _reads_memory(found[value], found):
                return True
        elif value.type.kind not in scalars:
            return True
    return False


def _length(instr: Instr, lengths: dict[Value, int]) -> int:
    """About how many characters the expression takes."""
    if isinstance(instr, If):
        inner = [r for p in regions(instr) for r in p.results]
        return 12 + sum(_atom_length(a, lengths) for a in (*inner, instr.test))
    assert isinstance(instr, Call)
    name = len(getattr(instr.fn, "__name__", "xxx"))
    operator_like = getattr(instr.fn, "__module__", "") == "_operator"
    extra = 4 if operator_like else name + 5
    args = sum(_atom_length(a, lengths) + 2 for a in instr.args)
    return extra + args + sum(len(k) + 3 + _atom_length(a, lengths) for k, a in instr.kwargs)


def _atom_length(atom: Atom, lengths: dict[Value, int]) -> int:
    if isinstance(atom, Const):
        return len(atom.spelling or repr(atom.value)) if not callable(atom.value) else 8
    return lengths.get(atom, len(atom.name))
