"""What the backward pass reads is watched: its digest is taken when it is computed, and compared.

    h = np.tanh(x)                    h = np.tanh(x)
    backward                          h_digest = digest(h)
    x_bar = ct * (1 - h**2)    ->     backward
                                      unchanged(h, h_digest, "`h` of line 4 of model.py")
                                      x_bar = ct * (1 - h**2)
                                      unchanged(h, h_digest, "`h` of line 4 of model.py")

Before: a closed derivative (`analysis/residuals.py`) whose stores are still values, so that the readers added
here are as safe from them as all others. After: the same, which raises where something else wrote over what
is saved: another thread, a function that keeps its argument, a mistake of this compiler.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ..analysis.forms import form_asked
from ..errors import NOWHERE, Span
from ..ir.graph import Call, Const, For, Graph, Instr, Region, Value, While, backward_begins
from ..ir.types import INT, Type
from ..ir.walk import free, instructions, operands, regions, values
from ..rules.checks import digest, unchanged

_KINDS = frozenset({"array", "list", "tuple", "dict", "unknown", "object"})


def watched(graph: Graph, given: tuple[Value, ...]) -> Graph:
    """The graph in which all that the backward pass reads is compared with what it was.

    `given` are the parameters of the function itself: not the cotangents that a pullback is given.
    """
    body = graph.region.body
    at = next((k for k, i in enumerate(body) if isinstance(i, Call) and i.fn is backward_begins), None)
    if at is None:
        return graph
    behind = Region((), body[at + 1 :], graph.region.results)
    held = set(_held(behind))
    read = [v for v in free(behind) if v in held and v.type.kind in _KINDS and not v.type.maybe_unbound]
    found: dict[Value, tuple[Value, str]] = {}
    ahead: list[Instr] = []
    for param in given:
        if param in read:
            ahead.append(_taken(param, f"the argument `{param.name}`", NOWHERE, found))
    for instr in body[:at]:
        mine = [v for v in read if v in instr.outs]
        if isinstance(instr, (For, While)):
            instr = _loop(instr, mine, found)
        ahead.append(instr)
        for value in mine:
            if value not in found:
                what = f"`{value.name}`" if value.named else "a value"
                what = f"{what} of {_place(instr.line)}" if instr.line.line else f"the argument {what}"
                ahead.append(_taken(value, what, instr.line, found))
    checks = [Call((), unchanged, (v, known, Const(what))) for v, (known, what) in found.items()]
    return replace(
        graph, region=replace(graph.region, body=(*ahead, body[at], *checks, *body[at + 1 :], *checks))
    )


def _held(region: Region) -> Iterator[Value]:
    """What is read for what it holds, and not for its form alone."""
    for instr in instructions(region):
        form = form_asked(instr)
        yield from values(a for k, a in enumerate(operands(instr)) if k != form)
        for part in regions(instr):
            yield from values(part.results)
    yield from values(region.results)


def _place(line: Span) -> str:
    file = line.file.replace("\\", "/").rsplit("/", 1)[-1]
    return f"line {line.line} of {file}"


def _taken(value: Value, what: str, line: Span, found: dict[Value, tuple[Value, str]]) -> Instr:
    known = Value(f"{value.name}_digest", INT, True)
    found[value] = known, what
    return Call((known,), digest, (value,), (), line)


def _loop(instr: For | While, memos: list[Value], found: dict[Value, tuple[Value, str]]) -> For | While:
    """The loop that also saves the digest of what each turn saves."""
    count = len(instr.init)
    outs, saves, body = list(instr.outs), instr.saves, instr.body
    for memo in memos:
        k = instr.outs.index(memo)
        kept = body.results[k + 1] if k >= count else None
        if not isinstance(kept, Value):
            continue
        known = Value(f"{kept.name}_digest", INT)
        made = next((n + 1 for n, i in enumerate(body.body) if kept in i.outs), 0)
        call = Call((known,), digest, (kept,), (), instr.line)
        inside = (*body.body[:made], call, *body.body[made:])
        body = replace(body, body=inside, results=(*body.results, known))
        out = Value(f"{memo.name}_digests", Type("list", elem=INT), True)
        outs.append(out)
        saves += 1
        found[memo] = out, f"what the loop of {_place(instr.line)} saved"
    return replace(instr, outs=tuple(outs), saves=saves, body=body)
