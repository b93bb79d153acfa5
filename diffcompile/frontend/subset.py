"""What is accepted of Python, and the sentence said about each thing that is not.

>>> sentence(ast.parse("await x", mode="eval").body)[0]
'`await` has no derivative here'
"""

from __future__ import annotations

import ast

REFUSED: dict[str, tuple[str, str]] = {
    "AsyncFunctionDef": ("an `async` function has no derivative here", "Differentiate the synchronous part."),
    "AsyncFor": ("`async for` has no derivative here", "Differentiate the synchronous part."),
    "AsyncWith": ("`async with` has no derivative here", "Differentiate the synchronous part."),
    "Await": ("`await` has no derivative here", "Differentiate the synchronous part."),
    "Yield": ("`yield` has no derivative here", "Return a list or an array of the values."),
    "YieldFrom": ("`yield from` has no derivative here", "Return a list or an array of the values."),
    "ClassDef": ("a class defined inside a differentiated function", "Define the class outside it."),
    "TryStar": ("`except*` is not differentiated", "Test for the condition with an `if` instead."),
    "TypeAlias": ("a type alias inside a differentiated function", "Define it outside the function."),
    "TemplateStr": ("a template string is not differentiated", "Use an f-string."),
    "Interpolation": ("a template string is not differentiated", "Use an f-string."),
}  # fmt: skip


def sentence(node: ast.AST) -> tuple[str, str]:
    """The reason and the remedy for a node outside the subset."""
    name = type(node).__name__
    return REFUSED.get(name, (f"`{name}` is not part of the language that is differentiated", ""))
