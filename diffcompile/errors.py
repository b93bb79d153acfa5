"""The mistakes diffcompile reports, one class each, every one able to point at the user's line.

>>> error = NoRule("no derivative is known for `jv`", Span("bessel.py", 9, 11, 9, 19, "    return jv(0, x)"))
>>> print(error)
no derivative is known for `jv` (bessel.py, line 9)
>>> print(error.__notes__[0])
  File "bessel.py", line 9
    return jv(0, x)
           ^^^^^^^^
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

    >>> from diffcompile import grad
    >>> try: grad(len)(2.0)
    ... except DiffCompileError as error: print(error.reason)
    `len` is not a Python function, so it has no source to read
    """

    def __init__(self, reason: str, span: Span | None = None, remedy: str = "") -> None:
        self.reason = reason
        self.span = span if span is not None and span.line else None
        self.remedy = remedy
        super().__init__(reason)
        if self.span is not None and not isinstance(self, SyntaxError):
            self.add_note(pointer(self.span))
        if remedy:
            self.add_note(remedy)

    def __str__(self) -> str:
        if self.span is None:
            return self.reason
        return f"{self.reason} ({self.span.file}, line {self.span.line})"


def pointer(span: Span) -> str:
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
    """A piece of Python outside the subset; Python itself draws the caret.

    >>> from diffcompile import grad
    >>> def f(x):
    ...     async def g(): return x
    >>> try: grad(f)(2.0)
    ... except UnsupportedSyntax as error: print(error.reason)
    an `async` function has no derivative here
    """

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
    """The text of a function cannot be found, so it cannot be differentiated.

    >>> from diffcompile import grad
    >>> scope = {}
    >>> exec("def square(x): return x * x", scope)
    >>> try: grad(scope["square"])(2.0)
    ... except NoSource as error: print(error.reason)
    the source of `square` cannot be found
    """


class NoRule(DiffCompileError):
    """A function has no derivative rule and no readable source.

    >>> import numpy as np
    >>> from diffcompile import grad
    >>> try: grad(lambda x: np.sum(np.packbits(x)))(np.ones(3))
    ... except NoRule as error: print(error.reason)
    no derivative is known for `np.packbits` with respect to `x`
    """


class UndecidedAlias(DiffCompileError):
    """A write whose effect on other names cannot be decided.

    >>> import numpy as np
    >>> from diffcompile import grad
    >>> def f(x, n):
    ...     rows = []
    ...     for k in range(n):
    ...         rows.append(x if k == 0 else x + k)
    ...     for row in rows:
    ...         row[0] = 1.0
    ...     return np.sum(x)
    >>> try: grad(f)(np.ones(3), 2)
    ... except UndecidedAlias as error: print(error.reason)
    an item of what a loop runs over is written here
    """


class WrongArgument(DiffCompileError, TypeError):
    """A derivative was asked for, or called, with an argument it cannot take.

    >>> from diffcompile import grad
    >>> def square(x): return x * x
    >>> try: grad(square)("2")
    ... except WrongArgument as error: print(error.reason)
    `square` cannot be differentiated with respect to `x`, which is not a float or an array of floats
    """
