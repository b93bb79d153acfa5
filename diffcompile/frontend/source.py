"""A function's text: its AST, its file and line, and the spans that errors and comments point with.

The whole file is parsed (once per content) and the function is found in it by position, so lambdas that share
a line are told apart and line numbers are the user's own.
"""

from __future__ import annotations

import ast
import inspect
import linecache
import textwrap
from dataclasses import dataclass
from types import CodeType, FunctionType
from typing import Any

from ..errors import NoSource, Span, UnsupportedSyntax
from ..rules import definitions
from .private import class_around, is_called, with_private_names
from .subset import sentence

FunctionNode = ast.FunctionDef | ast.Lambda
_NAMED = (ast.FunctionDef, ast.AsyncFunctionDef)


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """A function as it was written."""

    fn: FunctionType
    node: FunctionNode
    file: str
    lines: tuple[str, ...]
    offset: int = 0  # added to node line numbers to get the file's

    @property
    def library(self) -> bool:
        """Is this a definition that is read in place of a library function?"""
        return str(self.fn.__module__).startswith(f"{definitions.__package__}.")

    def span(self, node: ast.AST) -> Span:
        line = getattr(node, "lineno", 1)
        end_line = getattr(node, "end_lineno", None) or line
        text = self.lines[line - 1] if 0 < line <= len(self.lines) else ""
        return Span(
            self.file,
            line + self.offset,
            _characters(text, getattr(node, "col_offset", 0)),
            end_line + self.offset,
            _characters(text, getattr(node, "end_col_offset", None) or 0) if end_line == line else 0,
            text.rstrip("\n"),
        )


def _characters(text: str, column: int) -> int:
    """A column counted in UTF-8 bytes, as `ast` counts, to one counted in characters."""
    return len(text.encode()[:column].decode(errors="ignore")) if not text.isascii() else column


_PARSED: dict[str, tuple[tuple[str, ...], ast.Module]] = {}


def _parse(file: str, lines: tuple[str, ...]) -> ast.Module | None:
    known = _PARSED.get(file)
    if known is not None and known[0] == lines:
        return known[1]
    try:
        tree = ast.parse("".join(lines))
    except (SyntaxError, ValueError):
        return None
    with_private_names(tree)
    _PARSED[file] = (lines, tree)
    return tree


def read_source(fn: Any) -> Source:
    """The source of a plain Python function, or `NoSource` with the reason."""
    if not isinstance(fn, FunctionType):
        raise NoSource(
            f"`{getattr(fn, '__name__', fn)!s}` is not a Python function, so it has no source to read"
        )
    code = fn.__code__
    file = code.co_filename
    lines = tuple(linecache.getlines(file, fn.__globals__))
    tree = _parse(file, lines) if lines else None
    node = _find(tree, code) if tree is not None else None
    return _from_inspect(fn) if node is None else _source(fn, node, file, lines)


def _source(
    fn: FunctionType, node: FunctionNode | ast.AsyncFunctionDef, file: str, lines: tuple[str, ...],
    offset: int = 0,
) -> Source:  # fmt: skip
    if isinstance(node, ast.AsyncFunctionDef):
        reason, remedy = sentence(node)
        text = lines[node.lineno - 1].rstrip("\n")
        line = node.lineno + offset
        raise UnsupportedSyntax(reason, Span(file, line, node.col_offset, line, len(text), text), remedy)
    return Source(fn, node, file, lines, offset)


def _from_inspect(fn: FunctionType) -> Source:
    try:
        block, first = inspect.getsourcelines(fn)
        text = textwrap.dedent("".join(block))
        tree = ast.parse(text)
    except (OSError, TypeError, SyntaxError) as cause:
        raise NoSource(
            f"the source of `{fn.__name__}` cannot be found",
            None,
            "Define it in a file or a notebook cell; what `exec` makes needs its text in `linecache`.",
        ) from cause
    lines = tuple(text.splitlines(keepends=True))
    with_private_names(tree, class_around(fn.__qualname__))
    for node in ast.walk(tree):
        if isinstance(node, _NAMED) and is_called(node, fn.__code__.co_name):
            return _source(fn, node, fn.__code__.co_filename, lines, first - 1)
    raise NoSource(f"the source of `{fn.__name__}` cannot be told apart from its surroundings")


CHANGING = frozenset({
    "append", "extend", "insert", "pop", "remove", "clear", "update", "setdefault", "add", "sort", "reverse",
    "popitem", "discard",
})  # fmt: skip


def changed_names(node: ast.AST) -> set[str]:
    """The names whose objects this function changes itself: `seen.append(...)`, `table[k] = ...`."""
    found: set[str] = set()
    for part in ast.walk(node):
        match part:
            case ast.Attribute(value=ast.Name(id=name), attr=attr) if attr in CHANGING:
                found.add(name)
            case ast.Subscript(value=ast.Name(id=name), ctx=ast.Store() | ast.Del()):
                found.add(name)
            case ast.AugAssign(target=ast.Name(id=name)):
                found.add(name)
    return found


def _find(tree: ast.Module, code: CodeType) -> FunctionNode | ast.AsyncFunctionDef | None:
    """The node that this code was compiled from: by name and line, and for lambdas by position."""
    found: list[ast.Lambda] = []
    for node in ast.walk(tree):
        if isinstance(node, _NAMED) and is_called(node, code.co_name):
            first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
            if first == code.co_firstlineno:
                return node
        elif (
            isinstance(node, ast.Lambda) and code.co_name == "<lambda>" and node.lineno == code.co_firstlineno
        ):
            found.append(node)
    if len({ast.dump(node) for node in found}) > 1:
        standing = [node for node in found if _covers(node, code)]
        # Python 3.12 does not say where a constant is returned from: it is told by what it is.
        found = standing or [node for node in found if _does_as(node, code)]
    return found[0] if found else None


def _does_as(node: ast.Lambda, code: CodeType) -> bool:
    """Is this the code that the lambda compiles to?"""
    made = compile(ast.Expression(node), "<lambda>", "eval").co_consts
    wanted = code.co_code, code.co_consts, code.co_names
    return any(isinstance(c, CodeType) and (c.co_code, c.co_consts, c.co_names) == wanted for c in made)


def _covers(node: ast.Lambda, code: CodeType) -> bool:
    """Does every instruction of the code stand inside the lambda's body, with its body's end reached?"""
    places = [p for p in code.co_positions() if p[0] is not None and p[2] is not None and p[3]]
    body = node.body
    inside = all(
        (body.lineno, body.col_offset) <= (p[0], p[2])
        and (p[1], p[3]) <= (body.end_lineno, body.end_col_offset)
        for p in places
    )
    starts = {(p[0], p[2]) for p in places}
    return inside and bool(starts) and (body.lineno, body.col_offset) in starts
