"""Which checks that lengths agree are made elsewhere too: they need not be made by what nothing reads.

    y * np.log(p)               nothing reads it, and it fails if `y` and `p` differ in length
    y_bar = scale * y / p       is read, and fails as well

Only what is sure to run, and is not preceded by anything that would be seen, counts.
"""

from __future__ import annotations

import operator
from collections import Counter
from collections.abc import Hashable
from typing import Any

import numpy as np

from ..ir.graph import Call, Graph, Instr, Store, Try, Value, backward_begins
from ..ir.walk import instructions, operands, regions, values
from .effects import form_assumed, pure

_PRODUCTS = frozenset({operator.matmul, np.matmul, np.dot, np.ndarray.dot})


def assured(graph: Graph, unread: set[Value]) -> set[Value]:
    """Those of the values that nothing reads whose operands meet, in the same way, in what is read."""
    everything = list(instructions(graph.region))
    if any(isinstance(i, Try) or isinstance(i, (Call, Store)) and _seen(i) for i in everything):
        return set()
    reads: Counter[Value] = Counter(values(graph.region.results))
    for instr in everything:
        reads.update(values(operands(instr)))
        for part in regions(instr):
            reads.update(values(part.results))
    found: set[Value] = set()
    met: set[Any] = set()
    checks: list[tuple[Value, Any]] = []
    for instr in graph.region.body:
        meeting = _meeting(instr)
        if meeting is None or not isinstance(instr, Call):
            continue
        if instr.outs[0] in unread and not reads[instr.outs[0]]:
            checks.append((instr.outs[0], meeting))
        else:
            met.add(meeting)
    found.update(out for out, meeting in checks if meeting in met)
    return found


def _seen(instr: Call | Store) -> bool:
    """Would the order of this and an exception be noticed?"""
    if isinstance(instr, Store):
        return instr.visible
    return instr.fn is not backward_begins and not pure(instr)


def _meeting(instr: Instr) -> Any:
    """How the operands of an operation meet whose lengths have to agree."""
    if not form_assumed(instr) or not isinstance(instr, Call) or not isinstance(instr.fn, Hashable):
        return None
    shapes = [arg.type.shape for arg in instr.args]
    if any("~" in str(arg.type) for arg in instr.args):
        return None
    return ("product", *shapes) if instr.fn in _PRODUCTS else frozenset(shapes)

