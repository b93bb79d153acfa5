"""Refuse what would carry a number that varies out of the sight of its derivative.

    log.push(x)             an object that is not known may tell of `x` later: if the result depends on it,
    y = log.total()         what it tells is not a constant, and its derivative is not known
"""

from __future__ import annotations

import ast
import operator

import numpy as np

from ..analysis.activity import constant_call, reaching
from ..errors import NoRule, UnsupportedSyntax
from ..ir.graph import (
    Atom,
    Call,
    Const,
    For,
    Graph,
    If,
    Instr,
    Method,
    Store,
    Value,
    While,
    format_string,
    pack_list,
    pack_tuple,
    part_type,
    write_outside,
)
from ..ir.walk import instructions, values
from ..rules.containers import entry, keys_of
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
    _refuse_keys(graph, active)
    _refuse_texts(graph, active)
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


# What makes text of a number, and what makes numbers of text.
_WRITING = (str, repr, format, ascii, format_string, np.array2string, np.array_str, np.array_repr)
_READING = (
    float, complex, int, np.float64, np.float32, np.longdouble, np.complex128, ast.literal_eval,
    np.ndarray.astype, np.astype,
)  # fmt: skip
_GATHERING = (pack_list, pack_tuple, np.array, np.asarray)


def _refuse_texts(graph: Graph, active: set[Value]) -> None:
    """A number that varies may be written as text, but not be read from it again.

        float(f"{x}")       refused; so is `np.array([str(v) for v in x]).astype(float)`
    """
    texts: set[Value] = set()
    while True:
        before = len(texts)
        for instr in instructions(graph.region):
            _text_made(instr, texts, active)
        if len(texts) == before:
            break
    for instr in instructions(graph.region) if texts else ():
        if isinstance(instr, Call) and instr.fn in _READING and not texts.isdisjoint(values(instr.args)):
            raise UnsupportedSyntax(
                "a number is read from the text of a value that is differentiated",
                instr.line,
                "Compute with the value itself; `np.round` of it has as few digits.",
            )


def _text_made(instr: Instr, texts: set[Value], active: set[Value]) -> None:
    """Add to `texts` what this instruction makes of them, or of numbers that vary."""
    if isinstance(instr, For):
        first = len(instr.init)
        pairs = zip(instr.outs[first:], instr.body.results[first + 1 :], strict=True)
        texts.update(out for out, result in pairs if result in texts)
    elif isinstance(instr, Call):
        given = values(instr.args)
        written = instr.fn in _WRITING and not active.isdisjoint(given)
        if written or instr.fn in _GATHERING and not texts.isdisjoint(given):
            texts.update(instr.outs)


# What gives keys of keys.
_KEPT = (operator.getitem, list, tuple, sorted, reversed)


def _refuse_keys(graph: Graph, active: set[Value]) -> None:
    """A number that varies may be the key of a dict, but what is found there is a constant.

        d[v] = k            # v varies
        for v in d:
            s += v          # refused; `s += d[v]` is not
    """
    listed = [i for i in instructions(graph.region) if isinstance(i, Call) and i.fn is keys_of]
    if not listed:
        return
    keyed = next(
        (
            i for i in instructions(graph.region)
            if isinstance(i, Store) and i.fn is operator.setitem and i.args[0] in active
            and part_type(i.target.type, i.path).kind == "dict"
        ),
        None,
    )  # fmt: skip
    if keyed is None:
        return
    keys = {out for i in listed for out in i.outs}
    while True:
        before = len(keys)
        for instr in instructions(graph.region):
            _keys_handed_on(instr, keys)
        if len(keys) == before:
            break
    computed = any(
        isinstance(i, Call | Store) and not _by_key(i, keys) for i in instructions(graph.region)
    )
    if computed or not keys.isdisjoint(values(graph.region.results)):
        raise UnsupportedSyntax(
            "the keys of this dict are values that are differentiated, and are computed with later",
            keyed.line,
            "Keep such values in a list, or as the values of a dict.",
        )


def _keys_handed_on(instr: Instr, keys: set[Value]) -> None:
    """Add to `keys` what this instruction gives that is a key, or holds keys."""
    if isinstance(instr, Call) and instr.fn in _KEPT and instr.args[0] in keys:
        keys.update(instr.outs)
    if isinstance(instr, If):
        ends = zip(instr.outs, instr.then.results, instr.orelse.results, strict=True)
        keys.update(out for out, a, b in ends if a in keys or b in keys)
    if isinstance(instr, For | While):
        items = instr.items if isinstance(instr, For) else ()
        count = len(instr.init)
        results = instr.body.results[:count] + instr.body.results[count + 1 :]
        carried = instr.body.params[len(items) :]
        keys.update(p for i, p in zip(items, instr.body.params, strict=False) if i in keys)
        slots = zip(instr.init, results, carried, strict=False)
        keys.update(param for init, result, param in slots if init in keys or result in keys)
        keys.update(out for out, r in zip(instr.outs, results, strict=True) if r in keys)
        keys.update(out for out, p in zip(instr.outs, carried, strict=False) if p in keys)


def _by_key(instr: Call | Store, keys: set[Value]) -> bool:
    """Does this use keys only to find entries with?"""
    used = [k for k, a in enumerate(instr.args) if a in keys]
    if isinstance(instr, Store):
        return not used or used == [0] and instr.fn in (operator.setitem, operator.delitem)
    finding = (operator.getitem, operator.contains, entry)
    if not used or instr.fn is len or used == [0] and instr.fn in _KEPT:
        return True
    return used == [1] and instr.fn in finding


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
