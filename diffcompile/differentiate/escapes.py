"""Refuse what would carry a number that varies out of the sight of its derivative.

    log.push(x)             an object that is not known may tell of `x` later: if the result depends on it,
    y = log.total()         what it tells is not a constant, and its derivative is not known
"""

from __future__ import annotations

import operator

from ..analysis.activity import constant_call, reaching
from ..errors import NoRule, UnsupportedSyntax
from ..ir.graph import Atom, Call, Const, Graph, Method, Value, write_outside
from ..ir.walk import instructions, values
from .rule import find_rule, method_of


def refuse_escapes(graph: Graph, active: set[Value]) -> None:
    """A number that varies may not be kept where it is found as a constant later on."""
    for instr in instructions(graph.region):
        if isinstance(instr, Call) and instr.fn is write_outside and active & set(values(instr.args)):
            name = instr.args[1].value if isinstance(instr.args[1], Const) else ""
            raise UnsupportedSyntax(
                f"`{name}`, outside of the function, is given a value that is differentiated",
                instr.line,
                "Return it, or write `stop_gradient(...)` of it.",
            )
    calls = [i for i in instructions(graph.region) if isinstance(i, Call)]
    keeping = [i for i in calls if _may_keep(i, active)]
    if not keeping:
        return
    telling = reaching(graph.region, graph.region.results)
    makers = {out: i for i in calls for out in i.outs}
    read: dict[Atom, list[Call]] = {}
    for instr in calls:
        if instr.outs and not telling.isdisjoint(instr.outs):
            read.setdefault(instr.args[0] if instr.args else Const(None), []).append(instr)
    for instr in keeping:
        if telling.isdisjoint(instr.outs) and any(h in telling or h in read for h in _holders(instr, makers)):
            assert isinstance(instr.fn, Method)
            raise NoRule(
                f"what `{instr.fn.name}` does with a value that is differentiated is not known",
                instr.line,
                "Keep the value in a list, a dict or an object of a class written in Python, or write"
                " `stop_gradient(...)` of it.",
            )


def _may_keep(instr: Call, active: set[Value]) -> bool:
    """May this method, of whatever it is one, keep a number that varies?"""
    if not isinstance(instr.fn, Method) or find_rule(method_of(instr)) is not None or constant_call(instr):
        return False
    return not active.isdisjoint(values((*instr.args[1:], *(a for _, a in instr.kwargs))))


def _holders(instr: Call, makers: dict[Value, Call]) -> list[Value]:
    """The object whose method is called, and those of which it is a part."""
    found: list[Value] = []
    holder = instr.args[0]
    while isinstance(holder, Value):
        found.append(holder)
        made = makers.get(holder)
        if made is None or not (made.fn in (operator.getitem, getattr) or isinstance(made.fn, Method)):
            break
        holder = made.args[0]
    return found
