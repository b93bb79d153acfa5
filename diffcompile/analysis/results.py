"""What a derivative asks of the result of a function: one real number, or holomorphic complex ones."""

from __future__ import annotations

from ..errors import NoRule, Span, WrongArgument
from ..ir.graph import Atom, Graph, Value
from ..ir.text import function_name
from ..ir.types import Type
from .holomorphic import not_holomorphic


def number_only(name: str, known: Type | None, line: Span) -> None:
    """Refuse a result that is not one number; `known` is None if there are several."""
    if known is None:
        raise WrongArgument(
            f"`grad` needs a function that returns one number, and `{name}` returns several", line,
            "Return their sum, say `has_aux=True` for (number, anything), or use `vjp`.",
        )  # fmt: skip
    if known.is_scalar or known.kind == "unknown" or known.kind == "array" and known.rank in (0, None):
        return
    forms = {"array": f"an array of rank {known.rank}", "none": "nothing"}
    what = forms.get(known.kind, f"a {known.kind}")
    raise WrongArgument(
        f"`grad` needs a function that returns one number, and `{name}` returns {what}", line,
        "Return its sum, or use `vjp`.",
    )  # fmt: skip


def real_only(name: str, known: Type, line: Span) -> None:
    """Refuse a complex result."""
    if _is_complex(known):
        raise WrongArgument(
            f"`grad` needs a real result, and `{name}` returns a complex one", line,
            "Return its real part or its absolute value, or say `holomorphic=True` for a complex derivative.",
        )  # fmt: skip


def holomorphic_only(graph: Graph, inputs: list[Value], result: Atom) -> None:
    """Refuse what has no complex derivative: real arguments, a real result, `conj` or `abs` on the way."""
    name = graph.name
    for value in inputs:
        if value.type.is_real:
            raise WrongArgument(
                f"with `holomorphic=True`, `{value.name}` is a complex number or array, and it is real",
                graph.line,
                f"Pass `{value.name} + 0j`, or leave `holomorphic` out.",
            )
    if result.type.is_real:
        raise WrongArgument(
            f"with `holomorphic=True`, `{name}` returns a complex number, and it returns a real one",
            graph.line,
            "Leave `holomorphic` out.",
        )
    found = not_holomorphic(graph, inputs, result)
    if found is not None:
        raise NoRule(
            f"`{function_name(found.fn)}` is not holomorphic, so `{name}` has no complex derivative",
            found.line,
            "Return a real number and leave `holomorphic` out.",
        )


def one_jacobian(graph: Graph, inputs: list[Value], results: tuple[Atom, ...], backward: bool) -> None:
    """Refuse what one array cannot tell: how complex numbers move that are not holomorphic in complex ones,
    and, backward, how they move with real ones."""
    complex_inputs = [value for value in inputs if _is_complex(value.type)]
    for result in results:
        found = not_holomorphic(graph, complex_inputs, result) if complex_inputs else None
        if found is not None:
            raise NoRule(
                f"`{function_name(found.fn)}` is not holomorphic, so `{graph.name}` has no complex Jacobian",
                found.line,
                "Take its real and imaginary parts as arguments.",
            )
        if backward and len(complex_inputs) < len(inputs) and _is_complex(result.type):
            raise WrongArgument(
                f"`jacrev` needs real results of real arguments, and `{graph.name}` returns complex numbers",
                graph.line,
                "Use `jacfwd`, or return their real and imaginary parts.",
            )


def _is_complex(known: Type) -> bool:
    return known.numeric_dtype is not None and known.numeric_dtype.kind == "c"
