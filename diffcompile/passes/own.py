"""Results that are handed out are fresh: disjoint from the arguments, from each other and from what is saved.

    yield x_bar, x_bar        ->        yield x_bar, np.copy(x_bar)
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import numpy as np

from ..analysis.liveness import READ_ONLY, liveness, reach
from ..ir.graph import Atom, Call, Graph, Instr, Value
from ..ir.walk import instructions
from .inplace import copier

OWNED = frozenset({"array", "unknown"})


def own(
    graph: Graph, first: int, names: tuple[str, ...] = (), seeing: Collection[int] = ()
) -> Graph:
    """The graph whose results from `first` on share memory with nothing that the caller can see.

    Those `seeing` an argument, as the caller knows, are left as they are.
    """
    live = liveness(graph.region)
    back: dict[Value, list[Value]] = {}
    for a, outs in live.flows.items():
        for b in outs:
            back.setdefault(b, []).append(a)
    shown = {*graph.params, *live.parts}
    for instr in instructions(graph.region):
        if isinstance(instr, Call) and not isinstance(instr.fn, dict) and _read_only(instr):
            shown.update(instr.outs)
    claimed: set[Value] = set()
    results: list[Atom] = list(graph.region.results)
    body: list[Instr] = list(graph.region.body)
    for k, atom in enumerate(results):
        if not isinstance(atom, Value):
            continue
        roots = reach([atom], back)
        family = {m for r in roots for m in reach([r], live.flows)}
        if (
            k >= first
            and k not in seeing
            and atom.type.kind in OWNED
            and (roots & shown or family & claimed)
        ):
            name = names[k - first] if names else atom.name
            fresh = Value(name, atom.type, True)
            body.append(Call((fresh,), np.copy if names else copier(atom), (atom,)))
            results[k] = fresh
            continue
        claimed |= family
    return replace(graph, region=replace(graph.region, body=tuple(body), results=tuple(results)))


def _read_only(instr: Call) -> bool:
    try:
        return instr.fn in READ_ONLY
    except TypeError:
        return False
