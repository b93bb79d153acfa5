"""Where a name is read no more: what it held may be written from there on, and no branch or loop carries it.

    for row in m:
        gap = row - x         after this turn nothing reads `row` and `gap`
        s += gap @ gap
    gap = s / 2               after this line nothing reads `s`

The live variables of a function, by the usual equations, backwards over its statements.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import dataclass, field

Loop = ast.For | ast.While
Names = frozenset[str]
NO_NAMES: Names = frozenset()
_LEAVING = (ast.Break, ast.Continue, ast.Return, ast.Raise, ast.Try, ast.With, ast.Yield, ast.YieldFrom)
_LATER = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)


@dataclass
class Lives:
    """The names that are of no use after a statement of a function, and after a turn of a loop."""

    after: dict[ast.stmt, Names] = field(default_factory=dict)
    turns: dict[ast.stmt, Names] = field(default_factory=dict)


def lives(function: ast.AST) -> Lives:
    """Where in a function its names are of no use any more; its parameters are always of use."""
    found = Lives()
    if isinstance(function, ast.FunctionDef):
        walk = _Backwards(found, own_names(function) - kept_names(function))
        walk.block(function.body, NO_NAMES, _Around())
    return found


def kept_names(function: ast.FunctionDef) -> Names:
    """Names that others may read: the caller's, those of functions and generators that run later."""
    found = parameter_names(function)
    for part in ast.walk(function):
        if isinstance(part, (ast.Global, ast.Nonlocal)):
            found.update(part.names)
        elif isinstance(part, ast.GeneratorExp):
            found |= mentioned(part)
        elif isinstance(part, _LATER) and part is not function:
            names = {n.id for n in ast.walk(part) if isinstance(n, ast.Name)}
            found |= names - own_names(part) if isinstance(part, (ast.FunctionDef, ast.Lambda)) else names
            found.add(getattr(part, "name", ""))
    return frozenset(found)


def own_names(function: ast.FunctionDef | ast.Lambda) -> Names:
    """The parameters of a function, and the names that it assigns for itself."""
    body = function.body if isinstance(function, ast.FunctionDef) else []
    inside = [part for statement in body for part in ast.walk(statement)]
    others = {name for n in inside if isinstance(n, (ast.Global, ast.Nonlocal)) for name in n.names}
    bound = {n.id for n in inside if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    return frozenset(parameter_names(function) | (bound - others))


def parameter_names(function: ast.FunctionDef | ast.Lambda) -> set[str]:
    args = function.args
    several = (*args.posonlyargs, *args.args, *args.kwonlyargs, *filter(None, (args.vararg, args.kwarg)))
    return {a.arg for a in several}


@dataclass(frozen=True)
class _Around:
    """What is live where `break`, `continue` and an exception lead to."""

    leave: Names = NO_NAMES
    turn: Names = NO_NAMES
    caught: Names = NO_NAMES


class _Backwards:
    def __init__(self, found: Lives, names: Names) -> None:
        self.found = found
        self.names = names  # that may be forgotten

    def useless(self, node: ast.stmt, live: Names) -> Names:
        return (mentioned(node) & self.names) - live

    def block(self, statements: list[ast.stmt], live: Names, around: _Around) -> Names:
        """What is live before these statements, of what is live after them."""
        for statement in reversed(statements):
            live |= around.caught
            self.found.after[statement] = self.useless(statement, live | self.elsewhere(statement, around))
            live = self.statement(statement, live, around)
        return live

    @staticmethod
    def elsewhere(node: ast.stmt, around: _Around) -> Names:
        """What is live where a path through this statement leads that does not come to its end."""
        turn = around.turn if contains([node], ast.Continue) else NO_NAMES
        return turn | (around.leave if contains([node], ast.Break) else NO_NAMES)

    def statement(self, node: ast.stmt, live: Names, around: _Around) -> Names:
        match node:
            case ast.If():
                both = self.block(node.body, live, around) | self.block(node.orelse, live, around)
                return both | read_in(node.test)
            case ast.For():
                return self.loop(node, live, around) | read_in(node.iter)
            case ast.While():
                return self.loop(node, live, around)
            case ast.Try():
                return self.attempt(node, live, around)
            case ast.With():
                named = (item.optional_vars for item in node.items if item.optional_vars is not None)
                at_end = live.union(*map(mentioned, named))  # a hook's cotangent is read there
                inside = _Around(around.leave, around.turn, around.caught | live)
                live |= self.block(node.body, at_end, inside)  # what a hook's body binds is its own
                for item in reversed(node.items):
                    if item.optional_vars is not None:
                        live = (live - bound_by(item.optional_vars)) | read_in(item.optional_vars)
                    live |= read_in(item.context_expr)
                return live
            case ast.Match():
                several = [self.case(c, live, around) for c in node.cases]
                return live.union(*several) | read_in(node.subject)
            case ast.Break():  # in the graph each path goes on to the end of the turn, or of the function
                return live | around.leave
            case ast.Continue():
                return live | around.turn
        return (live - bound_by(node)) | read_in(node)

    def loop(self, node: Loop, live: Names, around: _Around) -> Names:
        ended = self.block(node.orelse, live, around)
        test = read_in(node.test) if isinstance(node, ast.While) else NO_NAMES
        bound = bound_by(node.target) if isinstance(node, ast.For) else NO_NAMES
        also = read_in(node.target) if isinstance(node, ast.For) else NO_NAMES
        head = ended | test
        while True:
            inside = _Around(live, head, around.caught)
            turn = (self.block(node.body, head, inside) - bound) | also | ended | test
            if turn <= head:
                break
            head |= turn
        left = live if contains(node.body, ast.Break) else NO_NAMES  # what `else` does not see to
        self.found.turns[node] = self.useless(node, head | left)
        return head

    def attempt(self, node: ast.Try, live: Names, around: _Around) -> Names:
        last = self.block(node.finalbody, live | self.elsewhere(node, around), around)
        every = _Around(around.leave | last, around.turn | last, around.caught | last)
        caught = last.union(*(self.block(h.body, last, every) for h in node.handlers))
        caught |= NO_NAMES.union(*(read_in(h.type) for h in node.handlers if h.type is not None))
        after = self.block(node.orelse, last, every)
        return self.block(node.body, after | caught, _Around(every.leave, every.turn, caught)) | caught

    def case(self, node: ast.match_case, live: Names, around: _Around) -> Names:
        inside = self.block(node.body, live, around)
        return inside | read_in(node.pattern) | (NO_NAMES if node.guard is None else read_in(node.guard))


def read_in(node: ast.AST) -> Names:
    """The names that are read in a piece of the program, those that its comprehensions bind left out."""
    found: set[str] = set()
    stack: list[tuple[ast.AST, Names]] = [(node, NO_NAMES)]
    while stack:
        part, hidden = stack.pop()
        match part:
            case ast.Name(id=name, ctx=ctx):
                if name not in hidden and not isinstance(ctx, ast.Store):
                    found.add(name)
                continue
            case ast.AugAssign(target=ast.Name(id=name)):
                found.add(name)
            case ast.Lambda():
                stack.append((part.args, hidden))
                stack.append((part.body, hidden | parameter_names(part)))
                continue
            case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
                first, *rest = part.generators
                own = hidden | bound_by(*(generator.target for generator in part.generators))
                values = (part.key, part.value) if isinstance(part, ast.DictComp) else (part.elt,)
                stack.append((first.iter, hidden))
                stack.extend((inner, own) for inner in (first.target, *first.ifs, *rest, *values))
                continue
        stack.extend((inner, hidden) for inner in ast.iter_child_nodes(part))
    return frozenset(found)


def bound_by(*nodes: ast.AST) -> Names:
    """The names that these pieces of the program bind, whatever happens in them."""
    targets: Iterable[ast.AST] = nodes
    if len(nodes) == 1 and isinstance(nodes[0], ast.Assign):
        targets = nodes[0].targets
    elif len(nodes) == 1 and isinstance(nodes[0], ast.AnnAssign):
        targets = (nodes[0].target,) if nodes[0].value is not None else ()
    elif len(nodes) == 1 and isinstance(nodes[0], ast.stmt):
        targets = ()
    names = (part for target in targets for part in ast.walk(target))
    return frozenset(n.id for n in names if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store))


def mentioned(node: ast.AST) -> Names:
    """The names that are read or bound in a piece of the program."""
    inside = {t for part in ast.walk(node) if isinstance(part, _COMPREHENSIONS) for t in ast.walk(part)}
    own = {n for n in inside if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    bound = {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and n not in own and _is_bound(n)}
    other = {n.name for n in ast.walk(node) if isinstance(n, (ast.ExceptHandler, ast.MatchAs)) and n.name}
    return read_in(node) | bound | other


_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


def _is_bound(node: ast.Name) -> bool:
    return isinstance(node.ctx, ast.Store)


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
