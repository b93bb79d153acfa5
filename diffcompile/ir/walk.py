"""Walking a program: what an instruction reads, the regions it owns, rebuilding it with other parts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace

from .graph import (
    UNBOUND,
    Atom,
    Call,
    Const,
    For,
    Function,
    If,
    Instr,
    Region,
    Step,
    Store,
    Try,
    Value,
    While,
)


def operands(instr: Instr) -> tuple[Atom, ...]:
    """The atoms that an instruction reads itself, its regions left out."""
    match instr:
        case Call():
            return instr.args + tuple(a for _, a in instr.kwargs)
        case Store():
            ways = (a for step in instr.path for a in (*step.args, *(a for _, a in step.kwargs)))
            return (instr.target, *ways, *instr.args, *(a for _, a in instr.kwargs))
        case If():
            return (instr.test,)
        case For():
            return instr.items + instr.init + (() if instr.snapshots is None else (instr.snapshots,))
        case While():
            return instr.init
        case Try():
            return (instr.manager, *instr.otherwise)


def changes(instr: Instr) -> tuple[tuple[Atom, Value], ...]:
    """The objects that an instruction changes, each with the value that it is afterwards."""
    if isinstance(instr, Store):
        return ((instr.target, instr.outs[0]),)
    if isinstance(instr, Call) and isinstance(instr.fn, Function):
        return tuple((instr.args[k], instr.outs[n]) for k, n in instr.fn.writes)
    return ()


def regions(instr: Instr) -> tuple[Region, ...]:
    """The regions that an instruction owns."""
    match instr:
        case If():
            return (instr.then, instr.orelse)
        case For():
            return (instr.body,)
        case While():
            return (instr.cond, instr.body)
        case Try():
            return (instr.body,)
    return ()


def with_regions(instr: Instr, parts: tuple[Region, ...]) -> Instr:
    """The same instruction, owning other regions."""
    match instr:
        case If():
            return replace(instr, then=parts[0], orelse=parts[1])
        case For() | Try():
            return replace(instr, body=parts[0])
        case While():
            return replace(instr, cond=parts[0], body=parts[1])
    return instr


def map_regions(change: Callable[[Region], Region], instr: Instr) -> Instr:
    owned = regions(instr)
    return with_regions(instr, tuple(map(change, owned))) if owned else instr


def values(atoms: Iterable[Atom]) -> Iterator[Value]:
    return (a for a in atoms if isinstance(a, Value))


def free(region: Region) -> dict[Value, None]:
    """The values that a region reads from outside, in the order of their first use."""
    found: dict[Value, None] = {}
    _free(region, set(), found)
    return found


def _free(region: Region, known: set[Value], found: dict[Value, None]) -> None:
    known.update(region.params)
    for instr in region.body:
        for value in values(operands(instr)):
            if value not in known:
                found[value] = None
        for part in regions(instr):
            _free(part, known, found)
        known.update(instr.outs)
    for value in values(region.results):
        if value not in known:
            found[value] = None


def reads(instr: Instr) -> dict[Value, None]:
    """Everything an instruction reads from outside itself, its regions included."""
    found = dict.fromkeys(values(operands(instr)))
    for part in regions(instr):
        found.update(free(part))
    return found


def instructions(region: Region) -> Iterator[Instr]:
    """Every instruction of a region, nested ones after their owner."""
    for instr in region.body:
        yield instr
        for part in regions(instr):
            yield from instructions(part)


def substitute(region: Region, table: Mapping[Value, Atom]) -> Region:
    """The region with every read of a key replaced by its atom."""
    if not table:
        return region
    return replace(
        region,
        body=tuple(substitute_in(instr, table) for instr in region.body),
        results=swap(region.results, table),
    )


def swap(atoms: tuple[Atom, ...], table: Mapping[Value, Atom]) -> tuple[Atom, ...]:
    return tuple(resolve(a, table) for a in atoms)


def resolve(atom: Atom, table: Mapping[Value, Atom]) -> Atom:
    while isinstance(atom, Value) and atom in table:
        atom = table[atom]
    return atom


def substitute_in(instr: Instr, table: Mapping[Value, Atom]) -> Instr:
    match instr:
        case Call():
            kwargs = tuple((k, resolve(a, table)) for k, a in instr.kwargs)
            return replace(instr, args=swap(instr.args, table), kwargs=kwargs)
        case Store():
            kwargs = tuple((k, resolve(a, table)) for k, a in instr.kwargs)
            return replace(
                instr,
                target=resolve(instr.target, table),
                args=swap(instr.args, table),
                kwargs=kwargs,
                path=tuple(_swap_step(step, table) for step in instr.path),
            )
        case If():
            return replace(
                instr,
                test=resolve(instr.test, table),
                then=substitute(instr.then, table),
                orelse=substitute(instr.orelse, table),
            )
        case For():
            return replace(
                instr,
                items=swap(instr.items, table),
                init=swap(instr.init, table),
                body=substitute(instr.body, table),
                snapshots=None if instr.snapshots is None else resolve(instr.snapshots, table),
            )
        case While():
            return replace(
                instr,
                init=swap(instr.init, table),
                cond=substitute(instr.cond, table),
                body=substitute(instr.body, table),
            )
        case Try():
            return replace(
                instr,
                manager=resolve(instr.manager, table),
                otherwise=swap(instr.otherwise, table),
                body=substitute(instr.body, table),
            )


def _swap_step(step: Step, table: Mapping[Value, Atom]) -> Step:
    kwargs = tuple((k, resolve(a, table)) for k, a in step.kwargs)
    return Step(step.fn, swap(step.args, table), kwargs)


def rename(region: Region, table: dict[Value, Atom]) -> Region:
    """A copy of the region whose own values are fresh; `table` maps old to new and grows on the way."""

    def fresh(value: Value) -> Value:
        table[value] = copy = Value(value.name, value.type, value.named)
        return copy

    params = tuple(map(fresh, region.params))
    body: list[Instr] = []
    for instr in region.body:
        renamed = substitute_in(with_regions(instr, tuple(rename(r, table) for r in regions(instr))), table)
        body.append(replace(renamed, outs=tuple(map(fresh, instr.outs))))
    return Region(params, tuple(body), swap(region.results, table))


def without_unbound(region: Region) -> Region:
    """The region in which no branch or loop hands on a name that no path has assigned so far.

    Such a value has no statement behind it, so a name that took it over would read what is not there.
    """

    def plain(atoms: tuple[Atom, ...]) -> tuple[Atom, ...]:
        return tuple(Const(UNBOUND) if a.type.kind == "unbound" else a for a in atoms)

    body: list[Instr] = []
    for instr in region.body:
        if isinstance(instr, (For, While)):
            instr = replace(instr, init=plain(instr.init))
        elif isinstance(instr, Try):
            instr = replace(instr, otherwise=plain(instr.otherwise))
        body.append(map_regions(without_unbound, instr))
    return replace(region, body=tuple(body), results=plain(region.results))


def same_atom(a: Atom, b: Atom) -> bool:
    """Are these two atoms the same value? Constants are compared by type and value, objects by identity."""
    if a is b:
        return True
    if isinstance(a, Const) and isinstance(b, Const):
        return same_constant(a.value, b.value)
    return False


def same_constant(a: object, b: object) -> bool:
    if a is b:
        return True
    if type(a) is not type(b):
        return False
    if isinstance(a, (float, complex)):
        return repr(a) == repr(b)
    if isinstance(a, (bool, int, str, slice)):
        return bool(a == b)
    if isinstance(a, tuple) and isinstance(b, tuple):
        return len(a) == len(b) and all(map(same_constant, a, b))
    return False


def key_of(value: object) -> object:
    """A hashable stand-in under which equal constants (in the sense of `same_constant`) meet."""
    if isinstance(value, (bool, int, float, complex, str)):
        return (type(value), repr(value))
    if isinstance(value, tuple):
        return (tuple, *map(key_of, value))
    if isinstance(value, slice):
        return (slice, key_of(value.start), key_of(value.stop), key_of(value.step))
    return (object, id(value))
