"""Where a name is read no more: names of a loop that every turn binds anew, and that nothing reads outside.

    for row in m:
        gap = row - x         `row` and `gap` hold nothing once the turn is over: what they
        s += gap @ gap        showed may be written, and neither is carried to the next turn
"""

from __future__ import annotations

import ast

Loop = ast.For | ast.While
_LEAVING = (ast.Break, ast.Continue, ast.Return, ast.Raise, ast.Try, ast.With, ast.Yield, ast.YieldFrom)
_LATER = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.GeneratorExp)


def turn_names(function: ast.AST) -> dict[ast.AST, frozenset[str]]:
    """For each loop of a function, the names that are of no use after one of its turns."""
    reads = _Reads()
    for statement in getattr(function, "body", ()) if isinstance(function, ast.FunctionDef) else ():
        reads.visit(statement)
    found: dict[ast.AST, frozenset[str]] = {}
    for loop, outside in reads.loops.items():

        def bound_before(name: str, at: tuple[Loop, ...], here: Loop, outside: tuple[Loop, ...]) -> bool:
            """Is the name bound anew on the way from the end of a turn to where it is read?"""
            elsewhere = (around for around in at if around is not here and around not in outside)
            return here in at or any(name in reads.bound[around] for around in elsewhere)

        found[loop] = frozenset(
            name
            for name in reads.bound[loop] - reads.kept
            if all(bound_before(name, at, loop, outside) for at in reads.at.get(name, ()))
        )
    return found


class _Reads(ast.NodeVisitor):
    """Inside which loops each name is read; what each loop binds at the start of every turn."""

    def __init__(self) -> None:
        self.around: tuple[Loop, ...] = ()
        self.loops: dict[Loop, tuple[Loop, ...]] = {}
        self.bound: dict[Loop, set[str]] = {}
        self.at: dict[str, list[tuple[Loop, ...]]] = {}
        self.kept: set[str] = set()  # read later on, or by others: by functions, generators, `del`

    def _loop(self, node: Loop, inside: list[ast.stmt], names: set[str]) -> None:
        self.loops[node] = self.around
        self.bound[node] = names
        self.around = (*self.around, node)
        for statement in inside:
            self.visit(statement)
        self.around = self.around[:-1]
        for statement in node.orelse:
            self.visit(statement)

    def visit_For(self, node: ast.For) -> None:
        self.visit(node.iter)
        targets = {t.id for t in ast.walk(node.target) if isinstance(t, ast.Name)}
        if not all(isinstance(t, (ast.Name, ast.Tuple, ast.List, ast.Store)) for t in ast.walk(node.target)):
            self.visit(node.target)
            targets = set()
        self._loop(node, node.body, targets | replaced_first(node))

    def visit_While(self, node: ast.While) -> None:
        self.visit(node.test)
        self._loop(node, node.body, replaced_first(node))

    def visit_Name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Load):
            self.at.setdefault(node.id, []).append(self.around)
        elif isinstance(node.ctx, ast.Del):
            self.kept.add(node.id)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        if isinstance(node.target, ast.Name):
            self.at.setdefault(node.target.id, []).append(self.around)
        self.generic_visit(node)

    def _others(self, node: ast.AST) -> None:
        self.kept.update(part.id for part in ast.walk(node) if isinstance(part, ast.Name))
        self.kept.update([node.name] if isinstance(node, ast.FunctionDef) else [])

    visit_FunctionDef = visit_AsyncFunctionDef = visit_Lambda = visit_GeneratorExp = _others
    visit_ClassDef = visit_Try = visit_With = _others

    def _elsewhere(self, node: ast.Global | ast.Nonlocal) -> None:
        self.kept.update(node.names)

    visit_Global = visit_Nonlocal = _elsewhere


def replaced_first(node: ast.AST) -> set[str]:
    """The names that every turn of a loop binds anew before it could read or leave what the last one left."""
    if not isinstance(node, (ast.For, ast.While)):
        return set()
    found: set[str] = set()
    read = _read_names(node.test) if isinstance(node, ast.While) else set()
    for statement in node.body:
        if isinstance(statement, ast.Assign):
            read |= _read_names(statement.value)
            for target in statement.targets:
                names = target.elts if isinstance(target, (ast.Tuple, ast.List)) else [target]
                read |= set().union(*map(_read_names, names))
                found |= {t.id for t in names if isinstance(t, ast.Name)} - read
        elif isinstance(statement, (ast.Expr, ast.AugAssign, ast.AnnAssign)):
            read |= _read_names(statement) | _read_names(getattr(statement, "target", statement))
        elif isinstance(statement, (ast.For, ast.While, ast.If)) and not contains([statement], _LEAVING):
            read |= _read_names(statement)
        else:
            break
    return found


def _read_names(node: ast.AST) -> set[str]:
    """The names that are read in a piece of the program, those that are assigned in part included."""
    assigned = isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    names = (part for part in ast.walk(node) if isinstance(part, ast.Name))
    return set() if assigned else {n.id for n in names if isinstance(n.ctx, ast.Load)} | _changed(node)


def _changed(node: ast.AST) -> set[str]:
    """The names that are augmented: read and assigned."""
    parts = (p.target for p in ast.walk(node) if isinstance(p, ast.AugAssign))
    return {t.id for t in parts if isinstance(t, ast.Name)}


def contains(statements: list[ast.stmt], kind: type[ast.AST] | tuple[type[ast.AST], ...]) -> bool:
    """Is there such a node in these statements, nested functions left out?"""
    stack: list[ast.AST] = list(statements)
    while stack:
        node = stack.pop()
        if isinstance(node, kind):
            return True
        if not isinstance(node, (ast.FunctionDef, ast.Lambda)):
            stack.extend(ast.iter_child_nodes(node))
    return False
