"""Run a graph on values, one instruction after the other, with each call watched.

    y = np.sin(x)        watch(<the call>, (0.5,), {}, 0.479...)

What the emitted program does in one go is done here step by step, slowly: to look at what flows where. A
graph whose stores are safe in place is expected, as it is printed. `try` and functions handed to solvers are
not run (NotImplementedError).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .graph import (
    Atom,
    Call,
    Const,
    For,
    Function,
    Graph,
    If,
    Instr,
    Region,
    Store,
    Try,
    Value,
    While,
    pack_function,
)

Watch = Callable[[Call, tuple[Any, ...], dict[str, Any], Any], None]


def run(graph: Graph, args: tuple[Any, ...], watch: Watch) -> list[Any]:
    """The results of a graph for the values of its parameters."""
    return _Run(watch).region(graph.region, args, {})


class _Run:
    def __init__(self, watch: Watch) -> None:
        self.watch = watch

    def region(self, region: Region, args: tuple[Any, ...], known: dict[Value, Any]) -> list[Any]:
        known.update(zip(region.params, args, strict=True))
        for instr in region.body:
            self.instr(instr, known)
        return [self.atom(a, known) for a in region.results]

    def atom(self, atom: Atom, known: dict[Value, Any]) -> Any:
        return atom.value if isinstance(atom, Const) else known[atom]

    def instr(self, instr: Instr, known: dict[Value, Any]) -> None:
        match instr:
            case Call():
                self.call(instr, known)
            case Store():
                self.store(instr, known)
            case If():
                part = instr.then if self.atom(instr.test, known) else instr.orelse
                known.update(zip(instr.outs, self.region(part, (), known), strict=True))
            case For():
                self.loop(instr, known)
            case While():
                self.turns(instr, known)
            case Try():
                raise NotImplementedError("a `try` is not run step by step")

    def call(self, instr: Call, known: dict[Value, Any]) -> None:
        args = tuple(self.atom(a, known) for a in instr.args)
        if isinstance(instr.fn, Function):
            assert instr.fn.graph is not None, "a function is run after it has been lowered"
            results = self.region(instr.fn.graph.region, args, {})
            known.update(zip(instr.outs, results, strict=True))
            return
        if instr.fn is pack_function:
            raise NotImplementedError("a function that is handed on is not run step by step")
        kwargs = {k: self.atom(a, known) for k, a in instr.kwargs}
        attribute = not callable(instr.fn)  # `np.ndarray.T`
        found = instr.fn.__get__(args[0]) if attribute else instr.fn(*args, **kwargs)
        self.watch(instr, args, kwargs, found)
        known.update(zip(instr.outs, found if len(instr.outs) > 1 else (found,), strict=False))

    def store(self, instr: Store, known: dict[Value, Any]) -> None:
        target = part = self.atom(instr.target, known)
        for step in instr.path:
            given = [self.atom(a, known) for a in step.args]
            named = {k: self.atom(a, known) for k, a in step.kwargs}
            part = step.fn(part, *given, **named) if callable(step.fn) else step.fn.__get__(part)
        args = [self.atom(a, known) for a in instr.args]
        returned = instr.fn(part, *args, **{k: self.atom(a, known) for k, a in instr.kwargs})
        known.update(zip(instr.outs, (target, returned), strict=False))

    def loop(self, instr: For, known: dict[Value, Any]) -> None:
        sources = [self.atom(a, known) for a in instr.items]
        rows = zip(*(reversed(s) if instr.backwards else s for s in sources), strict=False)
        carried = [self.atom(a, known) for a in instr.init]
        saved: list[list[Any]] = [[] for _ in range(instr.saves)]
        for row in rows:
            leave = self.turn(instr.body, (*row, *carried), carried, saved, known)
            if leave:
                break
        known.update(zip(instr.outs, (*carried, *saved), strict=True))

    def turns(self, instr: While, known: dict[Value, Any]) -> None:
        carried = [self.atom(a, known) for a in instr.init]
        saved: list[list[Any]] = [[] for _ in range(instr.saves)]
        while self.region(instr.cond, tuple(carried), known)[0]:
            if self.turn(instr.body, tuple(carried), carried, saved, known):
                break
        known.update(zip(instr.outs, (*carried, *saved), strict=True))

    def turn(
        self, body: Region, args: tuple[Any, ...], carried: list[Any], saved: list[list[Any]], known: Any
    ) -> bool:
        """One turn: what it carries on and what it saves; is the loop left?"""
        results = self.region(body, args, known)
        count = len(carried)
        carried[:] = results[:count]
        for kept, value in zip(saved, results[count + 1 :], strict=True):
            kept.append(value)
        return bool(results[count])
