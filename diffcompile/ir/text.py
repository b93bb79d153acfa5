"""Graph -> readable text, one instruction a line, regions indented.

graph f(x):
  y = operator.mul(x, 2.0)
  yield y
"""

from __future__ import annotations

import re
import sys
from types import MethodType

import numpy as np

from .graph import (
    Atom,
    Call,
    Const,
    For,
    Function,
    Graph,
    Hook,
    If,
    Instr,
    Method,
    Region,
    Store,
    Try,
    Value,
    While,
)

# The parts of SciPy in which its functions and distributions are found.
SCIPY = tuple(f"scipy.{part}" for part in (
    "special", "linalg", "fft", "signal", "stats", "integrate", "optimize", "interpolate", "ndimage",
    "sparse", "sparse.linalg", "spatial",
))  # fmt: skip
_ADDRESS = re.compile(r" at 0x[0-9a-f]+")


class _Names:
    """A name for every value: its own, with a version where two values share it."""

    def __init__(self) -> None:
        self.given: dict[Value, str] = {}
        self.counts: dict[str, int] = {}

    def of(self, value: Value) -> str:
        if value not in self.given:
            count = self.counts[value.name] = self.counts.get(value.name, 0) + 1
            self.given[value] = value.name if count == 1 else f"{value.name}.{count}"
        return self.given[value]


def graph_text(graph: Graph, types: bool = False) -> str:
    """The whole graph as text; with `types`, each value carries its facts."""
    names = _Names()
    params = ", ".join(_declare(p, names, types) for p in graph.params)
    lines = [f"graph {graph.name}({params}):"]
    _region(graph.region, names, types, 1, lines)
    return "\n".join(lines) + "\n"


def function_name(fn: object) -> str:
    """How an operation is written: its path, never its address."""
    if isinstance(fn, (Graph, Function, Hook, Method)):
        return fn.name
    method = getattr(fn, "fn", None) if type(fn).__name__ == "Owned" else None
    if method is not None:  # an operation of `rules/register.py`
        return ".".join(method.__qualname__.rpartition("<locals>.")[2].split(".")[-2:])
    ufunc = getattr(fn, "__self__", None)
    if type(ufunc).__name__ == "ufunc":
        return f"{function_name(ufunc)}.{getattr(fn, '__name__', '')}"
    if isinstance(fn, MethodType) and place_in_scipy(fn.__self__):
        return f"{place_in_scipy(fn.__self__)}.{fn.__name__}"
    module = getattr(fn, "__module__", None) or ""
    owner = getattr(fn, "__objclass__", None)
    name = getattr(fn, "__name__", None) or type(fn).__name__
    if owner is not None:
        return f"{owner.__name__}.{name}"
    short = {"numpy": "np", "builtins": "", "_operator": "operator"}.get(
        module, module.replace("numpy.", "np.")
    )
    if type(fn).__name__ == "ufunc":
        short = "np" if getattr(np, name, None) is fn else "scipy.special"
    elif short.startswith("scipy."):
        short = _public(short, name, fn)
    if short.startswith("diffcompile"):
        short = ""
    return f"{short}.{name}" if short else name


def place_in_scipy(thing: object) -> str | None:
    """Where SciPy keeps an object that does not know its own name: `scipy.stats.norm`."""
    if not (getattr(type(thing), "__module__", "") or "").startswith("scipy."):
        return None
    for module in SCIPY:
        for name, value in vars(sys.modules.get(module, object)).items():
            if value is thing:
                return f"{module}.{name}"
    return None


def _public(module: str, name: str, fn: object) -> str:
    """The module without its private part, where the function is found without it."""
    shown = module.partition("._")[0]
    return shown if getattr(sys.modules.get(shown), name, None) is fn else module


def _declare(value: Value, names: _Names, types: bool) -> str:
    return f"{names.of(value)}: {value.type}" if types else names.of(value)


def _atom(atom: Atom, names: _Names) -> str:
    if isinstance(atom, Const):
        if callable(atom.value):
            return function_name(atom.value)
        text = " ".join((atom.spelling or repr(atom.value)).split())
        return f"<{type(atom.value).__name__}>" if _ADDRESS.search(text) else text
    return names.of(atom)


def _listed(args: tuple[Atom, ...], kwargs: tuple[tuple[str, Atom], ...], names: _Names) -> list[str]:
    return [*(_atom(a, names) for a in args), *(f"{k}={_atom(a, names)}" for k, a in kwargs)]


def _region(region: Region, names: _Names, types: bool, depth: int, lines: list[str]) -> None:
    for instr in region.body:
        _instr(instr, names, types, depth, lines)
    results = ", ".join(_atom(a, names) for a in region.results)
    lines.append("  " * depth + f"yield {results}".rstrip())


def _instr(instr: Instr, names: _Names, types: bool, depth: int, lines: list[str]) -> None:
    pad = "  " * depth

    def atoms(items: tuple[Atom, ...]) -> str:
        return ", ".join(_atom(a, names) for a in items)

    def head() -> str:
        outs = ", ".join(_declare(o, names, types) for o in instr.outs)
        return f"{pad}{outs} = " if outs else pad

    def carrying(params: tuple[Value, ...], init: tuple[Atom, ...]) -> str:
        pairs = zip(params, init, strict=True)
        return ", ".join(f"{_declare(p, names, types)} = {_atom(i, names)}" for p, i in pairs)

    match instr:
        case Call():
            text = f"{function_name(instr.fn)}({', '.join(_listed(instr.args, instr.kwargs, names))})"
            lines.append(head() + text)
        case Store():
            place = _atom(instr.target, names)
            for step in instr.path:
                place = (
                    f"{function_name(step.fn)}({', '.join([place, *_listed(step.args, step.kwargs, names)])})"
                )
            args = ", ".join([place, *_listed(instr.args, instr.kwargs, names)])
            lines.append(head() + f"store {function_name(instr.fn)}({args})")
        case If():
            inner: list[str] = []
            _region(instr.then, names, types, depth + 1, inner)
            inner.append(pad + "else:")
            _region(instr.orelse, names, types, depth + 1, inner)
            lines.append(head() + f"if {_atom(instr.test, names)}:")
            lines.extend(inner)
        case For():
            count = len(instr.items)
            items, params = instr.body.params[:count], instr.body.params[count:]
            bound = ", ".join(_declare(p, names, types) for p in items) or "_"
            where = "reversed " if instr.backwards else ""
            where += "checkpointed " if instr.snapshots is not None else ""
            text = f"for {bound} in {where}{atoms(instr.items)}, carrying {carrying(params, instr.init)}:"
            inner = []
            _region(instr.body, names, types, depth + 1, inner)
            lines.append(head() + text)
            lines.extend(inner)
        case While():
            inner = []
            text = f"while, carrying {carrying(instr.body.params, instr.init)}:"
            _region(instr.cond, names, types, depth + 1, inner)
            inner.append(pad + "do:")
            _region(instr.body, names, types, depth + 1, inner)
            lines.append(head() + text)
            lines.extend(inner)
        case Try():
            inner = []
            entered = ", ".join(_declare(p, names, types) for p in instr.body.params)
            manager = f" with {_atom(instr.manager, names)} as {entered}" if entered else ""
            _region(instr.body, names, types, depth + 1, inner)
            if instr.classes:
                caught = ", ".join(function_name(c) for c in instr.classes)
                inner.append(f"{pad}except {caught}: yield {atoms(instr.otherwise)}".rstrip())
            lines.append(f"{head()}try{manager}:")
            lines.extend(inner)


Graph.__str__ = graph_text  # type: ignore[method-assign, assignment]  # so that `print(graph)` reads well
