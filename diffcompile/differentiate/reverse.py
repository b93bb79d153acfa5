"""The reverse sweep: instructions, last first, each handing what flowed into its outputs on to its inputs.

    y = np.sin(x)            x_bar = y_bar * np.cos(x)

Before: a graph and the cotangents of its results. After: the adjoint's instructions, which read the forward
values where they stand. Values made inside a loop or a branch are read across regions for the moment;
`analysis/residuals.py` decides how each one gets there. The notation is that of Griewank and Walther,
Evaluating Derivatives (2008), chapter 3.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ..frontend.build import Builder
from ..ir.graph import Atom, Call, For, If, Instr, Region, Store, Try, Value, While
from .cotangents import Cotangents


@dataclass(eq=False)
class Sweep:
    """One reverse sweep under construction."""

    b: Builder
    cts: Cotangents
    varied: set[Value]
    replaced: dict[Instr, Instr] = field(
        default_factory=dict
    )  # forward calls that must save for their adjoint
    derive_callee: Any = None
    derive_replay: Any = None
    completed: dict[Value, Value] = field(default_factory=dict)  # by the error of a `try`: whether it is None
    certain: set[Value] = field(default_factory=set)  # the errors after which nothing runs
    reached: set[Value] = field(default_factory=set)  # what has an adjoint
    there: dict[Store, int] = field(default_factory=dict)  # how many steps lead to what has a cotangent
    inside: bool = False  # are items of lists or dicts written?
    open: set[Value] | None = None  # in a loop: what a cotangent may be added to there
    local: set[Value] | None = None  # in a loop: what its turn makes
    inputs: frozenset[Value] = (
        frozenset()
    )  # what is differentiated with respect to; their cotangents are the answer

    def region(self, region: Region) -> None:
        """Append the adjoint of `region`."""
        for instr in reversed(region.body):
            self.instr(instr)

    def instr(self, instr: Instr) -> None:
        if not any(out in self.cts.of and out not in self.inputs for out in instr.outs):
            return
        self.reached.update(instr.outs)
        outer, self.b.line = self.b.line, instr.line
        match instr:
            case Call():
                self.call(instr)
            case Store():
                self.store(instr)
            case If():
                self.branch(instr)
            case For() | While():
                self.loop(instr)
            case Try():
                self.attempt(instr)
        self.b.line = outer

    # `calls.py` and `control.py` say how.

    def call(self, instr: Call) -> None:
        raise NotImplementedError

    def store(self, instr: Store) -> None:
        raise NotImplementedError

    def branch(self, instr: If) -> None:
        raise NotImplementedError

    def loop(self, instr: For | While) -> None:
        raise NotImplementedError

    def attempt(self, instr: Try) -> None:
        raise NotImplementedError

    def active(self, atom: Atom) -> bool:
        return isinstance(atom, Value) and atom in self.varied
