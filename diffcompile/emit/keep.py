"""What a loop saves becomes a list that its turns append to, as soon as the saved values are there.

    x.2, saved = for i in n, carrying x.1 = x:      saved = []
      s = np.sin(x.1)                               x.2 = for i in n, carrying x.1 = x:
      x.3 = x.1 * s                          ->       s = np.sin(x.1)
      yield x.3, False, s                             store list.append(saved, s)
                                                      x.3 = x.1 * s
                                                      yield x.3, False

Early, so that what is saved and what replaces it need not have two names.
"""

from __future__ import annotations

from dataclasses import replace

from ..errors import NOWHERE
from ..ir.graph import Atom, Call, For, Instr, Region, Store, Value, While, pack_list, pack_tuple
from ..ir.walk import instructions, map_regions, reads, regions, values


def appended(region: Region) -> Region:
    """The region with every save written as an append."""
    body: list[Instr] = []
    for instr in region.body:
        instr = map_regions(appended, instr)
        if isinstance(instr, (For, While)):
            count = len(instr.init)
            memos = instr.outs[count:]
            body.extend(Call((memo,), pack_list, ()) for memo in memos)
            inner = instr.body
            for memo, value in zip(memos, inner.results[count + 1 :], strict=True):
                inner = _append(inner, memo, value)
            inner = replace(inner, results=inner.results[: count + 1])
            instr = replace(instr, outs=instr.outs[:count], saves=0, body=inner)
        body.append(instr)
    return replace(region, body=tuple(body))


def keeps(instr: Instr) -> bool:
    """Is this one of those appends? No value of the program depends on it."""
    return isinstance(instr, Store) and instr.fn is list.append and instr.line == NOWHERE


def _append(region: Region, memo: Value, value: Atom) -> Region:
    body = list(region.body)
    made = {out: instr for instr in body for out in instr.outs}
    turn = made.get(value) if isinstance(value, Value) else None
    packed: list[Instr] = []
    if isinstance(turn, Call) and turn.fn is pack_tuple and not _read(region.body, value):
        body.remove(turn)
        packed = [turn]
        needed = set(values(turn.args))
    else:
        needed = set(values((value,)))
    last = max((k for k, instr in enumerate(body) if needed & _makes(instr)), default=-1)
    store = Store((Value(memo.name, memo.type),), list.append, memo, (value,), visible=True)
    body[last + 1 : last + 1] = [*packed, store]
    return replace(region, body=tuple(body))


def _makes(instr: Instr) -> set[Value]:
    """What an instruction defines, and the lists that its turns append to."""
    inside = (i for part in regions(instr) for i in instructions(part))
    return {*instr.outs, *values(i.target for i in inside if isinstance(i, Store) and keeps(i))}


def _read(body: tuple[Instr, ...], value: Atom) -> bool:
    return any(value in reads(instr) for instr in body)
