"""A generator function of one `yield`, taken apart there: what a `with` runs before its body and after it.

    @contextmanager                         with scaled(a) as b:        a *= 2
    def scaled(a):                              total += b.sum()   ->   b = a
        a *= 2                                                          try: total += b.sum()
        try: yield a                                                    finally: a /= 2
        finally: a /= 2

What is the generator's runs among its own names, as an expression of the function with the `with`.
"""

from __future__ import annotations

import ast
from typing import Any

from .lives import contains

LEAVING = (ast.Return, ast.Break, ast.Continue)
YIELDS = (ast.Yield, ast.YieldFrom)


class Elsewhere(ast.expr):
    """An expression, a target, or statements whose value is None, of another function than they stand in."""

    _fields = ()

    def __init__(self, frame: Any, what: ast.expr | list[ast.stmt], at: ast.expr) -> None:
        super().__init__()
        self.frame = frame
        self.what = what
        ast.copy_location(self, at)


class Afterwards(ast.Try):
    """`body`, and then `finalbody` unless it raised: after a `return` or a `break` in it, too."""


class NotTaken(Exception):
    """What a generator does around its `yield` that is not taken apart: the reason, and the remedy."""

    def __init__(self, reason: str, remedy: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.remedy = remedy


def taken_apart(
    node: ast.FunctionDef, frame: Any, target: ast.expr | None, body: list[ast.stmt], at: ast.expr
) -> list[ast.stmt]:
    """The statements that a `with` of this generator stands for: `body` where its `yield` is."""

    def part(what: ast.expr | list[ast.stmt]) -> Elsewhere:
        return Elsewhere(frame, what, at)

    def run(statements: list[ast.stmt]) -> list[ast.stmt]:
        parts = [statements] if contains(statements, ast.Return) else [[s] for s in statements]
        return [ast.copy_location(ast.Expr(part(p)), at) for p in parts]

    def inside(value: ast.expr | None) -> list[ast.stmt]:
        given = part(value or ast.copy_location(ast.Constant(None), at))
        first = ast.Expr(given) if target is None else ast.Assign([target], given)
        return [ast.copy_location(first, at), *body]

    def around(statement: ast.stmt) -> list[ast.stmt]:
        match statement:
            case ast.Expr(ast.Yield(value)):
                return inside(value)
            case ast.Try() if statement.handlers:
                reason = f"`{node.name}` may end an exception in its `with`"
                raise NotTaken(reason, "Use `contextlib.suppress` or a `try`.")
            case ast.Try() if contains(statement.body, YIELDS):
                attempt = ast.Try(taken(statement.body), [], [], run(statement.finalbody))
                return [ast.copy_location(attempt, at)]
            case ast.With(items):
                parts = [(i.context_expr, i.optional_vars) for i in items]
                managers = [ast.withitem(part(made), name and part(name)) for made, name in parts]
                return [ast.copy_location(ast.With(managers, taken(statement.body)), at)]
        raise NotTaken(*_placed(node))

    def taken(statements: list[ast.stmt]) -> list[ast.stmt]:
        place = next(k for k, s in enumerate(statements) if contains([s], YIELDS))
        before, after = statements[:place], statements[place + 1 :]
        outermost = statements is node.body
        if contains(before, ast.Return) or contains(after, ast.Return) and not outermost:
            raise NotTaken(
                f"`{node.name}` returns before its `yield`, or from inside the `try` or `with` around it",
                "Let what is run before and after the `with` end by itself.",
            )
        middle = around(statements[place])
        if not after or not contains(body, LEAVING):
            return [*run(before), *middle, *run(after)]
        return [*run(before), ast.copy_location(Afterwards(middle, [], [], run(after)), at)]

    if _count(node) != 1:
        raise NotTaken(*_placed(node))
    return taken(node.body)


def _placed(node: ast.FunctionDef) -> tuple[str, str]:
    return (
        f"what `{node.name}` runs before and after the body of its `with` is not known: its `yield` is not "
        "one statement of the function, of a `try` or of a `with`",
        "Let it yield once, outside of loops and branches.",
    )


def _count(node: ast.FunctionDef) -> int:
    """How often `yield` stands in a generator, nested functions left out."""
    stack: list[ast.AST] = list(node.body)
    found = 0
    while stack:
        part = stack.pop()
        found += isinstance(part, YIELDS)
        if not isinstance(part, (ast.FunctionDef, ast.Lambda)):
            stack.extend(ast.iter_child_nodes(part))
    return found


def unless_raised(node: Afterwards, flag: str) -> list[ast.stmt]:
    """The same in statements of Python, for where what is raised is caught around it."""
    statements = ast.parse(_UNLESS_RAISED).body
    for part in (p for s in statements for p in ast.walk(s)):
        if isinstance(part, ast.Name) and part.id == "_open_":
            part.id = flag
        if isinstance(part, (ast.expr, ast.stmt, ast.ExceptHandler)):
            ast.copy_location(part, node)
    attempt = statements[1]
    assert isinstance(attempt, ast.Try)
    inner, last = attempt.body[0], attempt.finalbody[0]
    assert isinstance(inner, ast.Try) and isinstance(last, ast.If)
    inner.body, last.body = node.body, node.finalbody
    return statements


_UNLESS_RAISED = """
_open_ = True
try:
    try:
        pass
    except BaseException:
        _open_ = False
        raise
finally:
    if _open_:
        pass
"""
