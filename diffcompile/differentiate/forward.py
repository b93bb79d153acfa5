"""The forward sweep: each instruction, and beside it what it does to the direction in which its inputs move.

    y = np.sin(x)            y_dot = x_dot * np.cos(x);  y = np.sin(x)

Before: a graph, and tangents of some of its parameters. After: the same program, in which every value that
the direction moves has its tangent beside it. A loop carries both, a branch yields both, what changes an
array changes its tangent alike; nothing is saved, since nothing runs backwards (Griewank and Walther,
Evaluating Derivatives, 2008, section 3.1).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import reduce

from ..analysis.effects import raises
from ..frontend.build import Builder
from ..ir.graph import (
    Atom,
    Call,
    For,
    Function,
    If,
    Instr,
    Region,
    Store,
    Try,
    Value,
    While,
)
from ..ir.types import UNKNOWN, Type, join
from ..ir.walk import reads
from .tangents import Tangents, dot, tangent_type

Which = tuple[bool, ...]
DeriveCallee = Callable[[Function, Which], tuple[Function, Which, Which]]


class Forward:
    """One forward sweep under construction: `b` collects the program, `dots` knows the tangents.

    `varied` are the values that the direction can move, `needed` those that the results are computed from.
    A `visible` store into an argument of the function's caller is one into the tangent too if `shared`.
    """

    def __init__(
        self, builder: Builder, dots: Tangents, varied: set[Value], needed: set[Value], shared: bool,
        derive_callee: DeriveCallee,
    ) -> None:  # fmt: skip
        self.b = builder
        self.dots = dots
        self.varied = varied
        self.needed = needed
        self.shared = shared
        self.derive_callee = derive_callee
        self.starts = frozenset(dots.of)  # what the direction is given for

    def region(self, region: Region) -> None:
        """Append the instructions of `region`, and their tangents."""
        for instr in region.body:
            self.instr(instr)

    def moves(self, value: Value) -> bool:
        """Is this value to have a tangent?"""
        return value in self.varied and value in self.needed

    def instr(self, instr: Instr) -> None:
        if not any(map(self.moves, instr.outs)) or any(out in self.starts for out in instr.outs):
            self.b.body.append(instr)
            return
        outer, self.b.line = self.b.line, instr.line
        match instr:
            case Call() | Store():
                self.plain(instr)
            case If():
                self.branch(instr)
            case For() | While():
                self.loop(instr)
            case Try():
                self.attempt(instr)
        self.b.line = outer

    def plain(self, instr: Call | Store) -> None:
        """A call or a store. Its tangent stands before it, where the inputs still are what it read."""
        since = len(self.b.body)
        again = self.call(instr) if isinstance(instr, Call) else self.store(instr)
        made = self.b.body[since:]
        results = set(instr.outs)
        ahead = raises(instr) or any(results & reads(i).keys() for i in made)
        self.b.body[since:] = [again, *made] if ahead else [*made, again]

    # `pushes.py` says how. Each sets the tangents of the outs, and gives the instruction that computes them.

    def call(self, instr: Call) -> Instr:
        raise NotImplementedError

    def store(self, instr: Store) -> Instr:
        raise NotImplementedError

    # -- control flow ---------------------------------------------------------------------------------------

    def branch(self, instr: If) -> None:
        places = [k for k, out in enumerate(instr.outs) if self.moves(out)]
        then, orelse = (
            self.part(part, [part.results[k] for k in places]) for part in (instr.then, instr.orelse)
        )
        outs = self.joined(instr, places, (then, orelse))
        self.b.emit(
            replace(instr, outs=(*instr.outs, *outs), then=then, orelse=orelse, expression=False)
            if outs
            else replace(instr, then=then, orelse=orelse)
        )

    def part(self, part: Region, results: list[Atom]) -> Region:
        """A region with the tangents of these results behind its own."""
        with self.b.region() as body:
            self.region(part)
            ends = tuple(map(self.dots.whole, results))
        return Region(part.params, tuple(body), (*part.results, *ends))

    def joined(self, instr: If | Try, places: list[int], parts: tuple[Region, ...]) -> tuple[Value, ...]:
        """The tangents of an instruction's outs, of which each region yields one behind its own results."""
        outs = []
        for n, k in enumerate(places):
            value = instr.outs[k]
            ends = [part.results[n - len(places)] for part in parts]
            known = reduce(join, [end.type for end in ends])
            out = Value(dot(value), known, value.named)
            if any(end in self.dots.masked for end in ends) or known.kind not in ("float", "number"):
                self.dots.masked.add(out)
            self.dots.of[value] = out
            outs.append(out)
        return tuple(outs)

    def attempt(self, instr: Try) -> None:
        places = [k for k, out in enumerate(instr.outs[:-1]) if self.moves(out)]
        body = self.part(instr.body, [instr.body.results[k] for k in places])
        missing = tuple(self.dots.whole(instr.otherwise[k]) for k in places)
        outs = self.joined(instr, places, (body, Region((), (), missing)))
        if self.moves(instr.error):
            # What it carries may move: whoever reads that has to be told how, which is not known.
            self.dots.of[instr.error] = instr.error
        self.b.emit(
            replace(
                instr,
                outs=(*instr.outs[:-1], *outs, instr.error),
                body=body,
                otherwise=(*instr.otherwise, *missing),
            )
        )

    def loop(self, instr: For | While) -> None:
        items = instr.items if isinstance(instr, For) else ()
        count = len(instr.init)
        params = instr.body.params
        carried = params[len(items) :]
        slots = [k for k in range(count) if self.carries(instr, carried[k], k)]
        saves = [k for k in range(count, len(instr.outs)) if self.moves(instr.outs[k])]
        along = [
            (item, param)
            for item, param in zip(items, params, strict=False)
            if param in self.varied and param in self.needed and self.dots.has(item)
        ]
        item_dots = tuple(self.dots.whole(item) for item, _ in along)
        starts = tuple(self.dots.whole(instr.init[k]) for k in slots)
        types = [start.type for start in starts]
        since = len(self.b.body)
        for _ in range(6):
            parts = self.turn(instr, along, slots, saves, types)
            ends = parts[1].results[count : count + len(slots)]
            found = [join(t, end.type) for t, end in zip(types, ends, strict=True)]
            if found == types:
                break
            types = found
            del self.b.body[since:]
        else:
            types = [UNKNOWN] * len(slots)
            parts = self.turn(instr, along, slots, saves, types)
        cond_params, body = parts
        dots = [Value(dot(instr.outs[k]), t, instr.outs[k].named) for k, t in zip(slots, types, strict=True)]
        memos = [Value(dot(instr.outs[k]), instr.outs[k].type, instr.outs[k].named) for k in saves]
        for k, out in zip([*slots, *saves], [*dots, *memos], strict=True):
            self.dots.of[instr.outs[k]] = out
            if out.type.kind not in ("float", "number"):
                self.dots.masked.add(out)
        outs = (*instr.outs[:count], *dots, *instr.outs[count:], *memos)
        init = (*instr.init, *starts)
        if isinstance(instr, For):
            grown: Instr = replace(
                instr, outs=outs, items=(*items, *item_dots), init=init, body=body,
                saves=instr.saves + len(saves),
            )  # fmt: skip
        else:
            cond = replace(instr.cond, params=(*instr.cond.params, *cond_params))
            grown = replace(instr, outs=outs, init=init, cond=cond, body=body, saves=instr.saves + len(saves))
        self.b.emit(grown)

    def carries(self, instr: For | While, param: Value, k: int) -> bool:
        return self.moves(param) or self.moves(instr.outs[k])

    def turn(
        self, instr: For | While, along: list[tuple[Atom, Value]], slots: list[int], saves: list[int],
        types: list[Type],
    ) -> tuple[tuple[Value, ...], Region]:  # fmt: skip
        """The body of a loop that carries tangents of these types, and as many parameters for its test."""
        items = len(instr.items) if isinstance(instr, For) else 0
        count = len(instr.init)
        params, results = instr.body.params, instr.body.results
        item_params = []
        for _, param in along:
            out = Value(dot(param), tangent_type(param.type), param.named)
            self.dots.of[param] = out
            self.dots.masked.add(out)
            item_params.append(out)
        carried = []
        for k, known in zip(slots, types, strict=True):
            param = params[items + k]
            out = Value(dot(param), known, param.named)
            self.dots.of[param] = out
            if known.kind not in ("float", "number"):
                self.dots.masked.add(out)
            carried.append(out)
        with self.b.region() as body:
            self.region(instr.body)
            ends = [self.dots.whole(results[k]) for k in slots]
            kept = [self.dots.whole(results[k + 1]) for k in saves]
        region = Region(
            (*params[:items], *item_params, *params[items:], *carried),
            tuple(body),
            (*results[:count], *ends, *results[count:], *kept),
        )
        return tuple(Value(p.name, p.type, p.named) for p in carried), region
