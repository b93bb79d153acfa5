"""The mistakes diffcompile reports, one class each, every one able to point at the user's line.

>>> raise NoRule("no derivative is known for `jv`", Span("bessel.py", 9, 12, 9, 20, "    return jv(0, x)"))
Traceback (most recent call last):
  ...
diffcompile.errors.NoRule: no derivative is known for `jv` (bessel.py, line 9)
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Span:
    """Where something stands in the user's source: file, lines (from 1) and columns (from 0)."""

    file: str
    line: int
    column: int = 0
    end_line: int = 0
    end_column: int = 0
    text: str = ""


NOWHERE = Span("<diffcompile>", 0)


class DiffCompileError(Exception):
    """A function, or a call of its derivative, that diffcompile refuses.

    Attributes: `reason` (one sentence), `span` (where in the user's source, may be None),
    `remedy` (what to write instead; also attached as a note, so tracebacks print it).
    """

    def __init__(self, reason: str, span: Span | None = None, remedy: str = "") -> None:
        self.reason = reason
        self.span = span if span is not None and span.line else None
        self.remedy = remedy
        super().__init__(reason)
        if self.span is not None and not isinstance(self, SyntaxError):
            self.add_note(_pointer(self.span))
        if remedy:
            self.add_note(remedy)

    def __str__(self) -> str:
        if self.span is None:
            return self.reason
        return f"{self.reason} ({self.span.file}, line {self.span.line})"


def _pointer(span: Span) -> str:
    """The user's line with a caret range below it, laid out as Python lays out a SyntaxError."""
    text = span.text.rstrip("\n")
    indent = len(text) - len(text.lstrip())
    end = span.end_column if span.end_line == span.line and span.end_column else len(text)
    carets = "^" * max(1, min(end, len(text)) - span.column)
    return (
        f'  File "{span.file}", line {span.line}\n'
        f"    {text[indent:]}\n"
        f"    {' ' * max(0, span.column - indent)}{carets}"
    )


class UnsupportedSyntax(DiffCompileError, SyntaxError):
    """A piece of Python outside the subset; Python itself draws the caret."""

    def __init__(self, reason: str, span: Span | None = None, remedy: str = "") -> None:
        DiffCompileError.__init__(self, reason, span, remedy)
        if span is not None and span.line:
            SyntaxError.__init__(
                self,
                reason,
                (
                    span.file,
                    span.line,
                    span.column + 1,
                    span.text,
                    span.end_line or None,
                    span.end_column + 1 if span.end_column else None,
                ),
            )


class NoSource(DiffCompileError):
    """The text of a function cannot be found, so it cannot be differentiated."""


class NoRule(DiffCompileError):
    """A function has no derivative rule and no readable source."""


class UndecidedAlias(DiffCompileError):
    """A write whose effect on other names cannot be decided."""


class WrongArgument(DiffCompileError, TypeError):
    """A derivative was asked for, or called, with an argument it cannot take."""
