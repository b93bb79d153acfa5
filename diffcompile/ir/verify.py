"""What a valid graph is; run between passes in tests.

Every value is written once and before it is read; every region yields what its owner promises.
"""

from __future__ import annotations

from .graph import Const, For, Graph, If, Instr, Region, Try, Value, While
from .walk import operands, regions, values


def verify(graph: Graph) -> Graph:
    """Return the graph, or raise AssertionError in words."""
    _region(graph.region, set(), set())
    return graph


def _region(region: Region, scope: set[Value], written: set[Value]) -> None:
    scope = set(scope)
    _define(region.params, scope, written)
    for instr in region.body:
        for value in values(operands(instr)):
            assert value in scope, f"{value.name} is read before it is written, in {type(instr).__name__}"
        for part in regions(instr):
            _region(part, scope, written)
        _promises(instr)
        _define(instr.outs, scope, written)
    for value in values(region.results):
        assert value in scope, f"{value.name} is yielded but never written"


def _define(outs: tuple[Value, ...], scope: set[Value], written: set[Value]) -> None:
    for value in outs:
        assert value not in written, f"{value.name} is written twice"
        scope.add(value)
        written.add(value)


def _promises(instr: Instr) -> None:
    match instr:
        case If():
            assert len(instr.then.results) == len(instr.orelse.results) == len(instr.outs), (
                "an if's branches differ"
            )
            assert not instr.then.params and not instr.orelse.params, "a branch takes no parameters"
        case For():
            carried = len(instr.init)
            assert len(instr.body.params) == len(instr.items) + carried, (
                "a for's body takes its items and carried"
            )
            assert len(instr.body.results) == carried + 1 + instr.saves, "a for yields carried, leave, saves"
            assert len(instr.outs) == carried + instr.saves, "a for's outs are carried and saves"
        case While():
            carried = len(instr.init)
            assert len(instr.body.params) == len(instr.cond.params) == carried, (
                "a while's regions take its carried"
            )
            assert len(instr.cond.results) == 1, "a while's condition yields one test"
            assert len(instr.body.results) == carried + 1 + instr.saves, (
                "a while yields carried, leave, saves"
            )
            assert len(instr.outs) == carried + instr.saves, "a while's outs are carried and saves"
        case Try():
            entered = not (isinstance(instr.manager, Const) and instr.manager.value is None)
            assert len(instr.body.params) == entered, "a try's body takes what its manager gave"
            assert len(instr.body.results) == len(instr.otherwise), "a try yields as many values either way"
            assert len(instr.outs) == len(instr.otherwise) + 1, "a try's outs are its results and the error"
