"""Graph -> Python AST -> text: statements in the user's order, expressions nested, comments that lead back.

The only file that knows astor. Its generator is subclassed for `x**2`, comments and blank lines; negative
constants are written as unary minus, since astor prints `(-2.0) ** x` without its parentheses otherwise.
"""

from __future__ import annotations

import ast
import enum
import itertools
import math
import operator
import re
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, Protocol, TypeGuard

import numpy as np

from ..analysis.effects import pure
from ..errors import NOWHERE
from ..ir.graph import (
    UNBOUND,
    Atom,
    Call,
    Const,
    For,
    Function,
    Hook,
    If,
    Inside,
    Instr,
    Into,
    Method,
    Region,
    Step,
    Store,
    Try,
    Value,
    While,
    backward_begins,
    exchange,
    format_string,
    is_keyworded,
    items_of_list,
    literal,
    pack_dict,
    pack_function,
    pack_list,
    pack_object,
    pack_slice,
    pack_tuple,
    raise_error,
    replay_begins,
    replay_ends,
    unpack,
    write_outside,
)
from ..ir.types import UNKNOWN, Type
from ..ir.walk import changes, free, instructions, operands, regions, same_atom, swap, values
from ..rules.containers import entry, keys_of, values_of, with_attributes, with_keys

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # astor reads names that Python 3.12 deprecates
    import astor.code_gen
    from astor.code_gen import set_precedence
    from astor.op_util import Precedence, get_op_symbol

BINARY: dict[Any, type[ast.operator]] = {
    operator.add: ast.Add, operator.sub: ast.Sub, operator.mul: ast.Mult, operator.truediv: ast.Div,
    operator.floordiv: ast.FloorDiv, operator.mod: ast.Mod, operator.pow: ast.Pow,
    operator.matmul: ast.MatMult, operator.lshift: ast.LShift, operator.rshift: ast.RShift,
    operator.or_: ast.BitOr, operator.xor: ast.BitXor, operator.and_: ast.BitAnd, operator.iadd: ast.Add,
    operator.isub: ast.Sub, operator.imul: ast.Mult, operator.itruediv: ast.Div,
    operator.ifloordiv: ast.FloorDiv, operator.imod: ast.Mod, operator.ipow: ast.Pow,
    operator.imatmul: ast.MatMult,
}  # fmt: skip
INPLACE = frozenset({
    operator.iadd, operator.isub, operator.imul, operator.itruediv, operator.ifloordiv, operator.imod,
    operator.ipow, operator.imatmul,
})  # fmt: skip
UNARY: dict[Any, type[ast.unaryop]] = {
    operator.neg: ast.USub, operator.pos: ast.UAdd, operator.not_: ast.Not, operator.invert: ast.Invert,
}
COMPARE: dict[Any, type[ast.cmpop]] = {
    operator.eq: ast.Eq, operator.ne: ast.NotEq, operator.lt: ast.Lt, operator.le: ast.LtE,
    operator.gt: ast.Gt, operator.ge: ast.GtE, operator.is_: ast.Is, operator.is_not: ast.IsNot,
}  # fmt: skip
_AGAINST: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
}  # fmt: skip
LIMIT = 100
HEADER = 48  # a loop's target longer than this is unpacked on the next line


class Comment(ast.stmt):
    """A comment line; not part of Python's own AST, printed and then forgotten."""

    _fields = ("text",)

    def __init__(self, text: str = "") -> None:
        super().__init__()
        self.text = text


class Blank(ast.stmt):
    """An empty line."""

    _fields = ()


class _Generator(astor.code_gen.SourceGenerator):  # type: ignore[misc]
    """astor's generator with the house's spacing."""

    new_lines: int

    def visit_BinOp(self, node: ast.BinOp) -> None:
        op, left, right = node.op, node.left, node.right
        with self.delimit(node, op) as delimiters:
            power = isinstance(op, ast.Pow)
            set_precedence((Precedence.Pow + 1) if power else delimiters.p, left)
            set_precedence(Precedence.PowRHS if power else (delimiters.p + 1), right)
            tight = power and _simple(left) and _simple(right)
            self.write(left, get_op_symbol(op, "%s" if tight else " %s "), right)

    def visit_Constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, str):
            self.write(_quoted(node.value))
        else:
            super().visit_Constant(node)

    def visit_Slice(self, node: ast.Slice) -> None:
        bounds = [b for b in (node.lower, node.upper, node.step) if b is not None]
        set_precedence(Precedence.Comma, *bounds)
        wide = not all(map(_simple, bounds))
        if node.lower is not None:
            self.write(node.lower, " " * wide)
        self.write(":")
        if node.upper is not None:
            self.write(" " * wide, node.upper)
        if node.step is not None:
            self.write(" " * (wide and node.upper is not None), ":", " " * wide, node.step)

    def visit_Dict(self, node: ast.Dict) -> None:
        set_precedence(Precedence.Comma, *node.values)
        set_precedence(Precedence.Comma, *(key for key in node.keys if key is not None))
        with self.delimit("{}"):
            for k, (key, value) in enumerate(zip(node.keys, node.values, strict=True)):
                self.write(", " if k else "", *(("**",) if key is None else (key, ": ")), value)

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        # Python's own printer: astor reads node classes here that Python 3.14 no longer has.
        text = ast.unparse(ast.fix_missing_locations(node))
        if text.startswith("f'") and '"' not in text and "\\" not in text and text.count("'") == 2:
            text = 'f"' + text[2:-1] + '"'
        self.write(text)

    def visit_Expr(self, node: ast.Expr) -> None:
        text = node.value.value if isinstance(node.value, ast.Constant) else None
        if isinstance(text, str) and '"' not in text and "\\" not in text:
            self.statement(node, '"""', text, '"""')
        else:
            super().visit_Expr(node)

    def visit_Comment(self, node: Comment) -> None:
        self.statement(node, "# ", node.text)

    def visit_Blank(self, node: Blank) -> None:
        self.newline(node)
        self.new_lines = max(self.new_lines, 2)


def _quoted(text: str) -> str:
    """A string literal in double quotes, if that needs no more escapes than single ones."""
    shown = repr(text)
    if shown[0] == "'" and '"' not in text:
        return '"' + shown[1:-1].replace("\\'", "'") + '"'
    return shown


def _simple(node: ast.expr) -> bool:
    if isinstance(node, ast.UnaryOp):
        return _simple(node.operand)
    if isinstance(node, ast.Attribute):
        return _simple(node.value)
    return isinstance(node, (ast.Name, ast.Constant))


def print_python(tree: ast.AST) -> str:
    """The text of a tree, lines past 100 columns folded at their outermost brackets."""
    generator = _Generator("    ")
    generator.visit(tree)
    text = "".join(generator.result).strip("\n")
    return "\n".join(itertools.chain.from_iterable(map(_fold, text.split("\n")))) + "\n"


_HEAD = re.compile(
    r"(\s*(?:(?:return|if|elif|while|assert) |[^()=<>!]*? (?:[-+*/@|&^%]|//|\*\*|<<|>>)?= ))(.*?)(:?)"
)  # what a statement begins with, its value, the colon


def _fold(line: str, inside: bool = False) -> list[str]:
    """A long line as several: one item of its widest bracket a line, or broken at its operators.

    `inside`: the line stands in brackets already.
    """
    if len(line) <= LIMIT:
        return [line.rstrip()]
    if line.lstrip().startswith("#"):
        return [line[: LIMIT - 4].rstrip() + " ..."]
    pad = " " * (len(line) - len(line.lstrip()))
    spans, commas, found = _scan(line)
    operators = next((found[k] for k in ("if", "or", "and", "+", "*") if k in found), [])
    outer = [s for s in spans if not any(o[0] < s[0] and s[1] < o[1] for o in spans) and s[1] - s[0] > 1]
    widest = max(outer, key=lambda s: s[1] - s[0], default=None)
    if widest is not None and 2 * (widest[1] - widest[0]) > len(line) - len(pad) - 8:
        return _at_commas(line, pad, widest, spans)
    if inside and operators:
        cuts = [0, *operators, len(line)]
        parts = [line[a:b].strip() for a, b in itertools.pairwise(cuts)]
        return list(itertools.chain.from_iterable(_fold(pad + part, True) for part in parts))
    head = None if inside else _HEAD.fullmatch(line)
    if head and " " in head[2] and len(head[1]) < LIMIT - 2:
        tail = f"{pad}){head[3]}"
        if commas and commas[-1] > len(head[1]):
            return [head[1] + "(", *_packed(pad + "    ", _pieces(head[2] + ",")), tail]
        return [head[1] + "(", *_fold(f"{pad}    {head[2]}", True), tail]
    if head and " = " in line and commas and commas[0] < len(head[1]):
        return [pad + "(", *_packed(pad + "    ", _pieces(head[1].strip(" =") + ",")), f"{pad}) = {head[2]}"]
    if widest is not None:
        return _at_commas(line, pad, widest, spans)
    return [line.rstrip()]


def _scan(line: str) -> tuple[list[tuple[int, int]], list[int], dict[str, list[int]]]:
    """The brackets of a line, and its commas and operators outside of them, by how loosely they bind."""
    spans: list[tuple[int, int]] = []
    stack: list[int] = []
    commas: list[int] = []
    found: dict[str, list[int]] = {}
    quote, k = "", 0
    while k < len(line):
        c = line[k]
        if quote:
            if c == "\\":
                k += 1
            elif line.startswith(quote, k):
                k += len(quote) - 1
                quote = ""
        elif c in "'\"":
            quote = line[k : k + 3] if line[k : k + 3] in ("'''", '"""') else c
            k += len(quote) - 1
        elif c in "([{":
            stack.append(k)
        elif c in ")]}" and stack:
            spans.append((stack.pop(), k))
        elif c == "," and not stack:
            commas.append(k)
        elif c == " " and not stack:
            for level in _LEVELS:
                if line.startswith(level, k) and line[:k].strip():
                    found.setdefault(_LEVELS[level], []).append(k)
        k += 1
    return spans, commas, found


_LEVELS = {
    " for ": "for", " if ": "if", " else ": "if", " or ": "or", " and ": "and", " + ": "+", " - ": "+",
    " * ": "*", " @ ": "*", " / ": "*",
}  # fmt: skip


def _pieces(text: str) -> list[str]:
    """What stands between the outermost commas, each with its comma; those of a lambda stay in it."""
    cuts = [0, *(k + 1 for k in _scan(text)[1]), len(text)]
    pieces: list[str] = []
    for piece in (text[a:b].strip() for a, b in itertools.pairwise(cuts)):
        if pieces and pieces[-1].startswith("lambda ") and ":" not in pieces[-1]:
            pieces[-1] += " " + piece
        elif piece:
            pieces.append(piece)
    return pieces


def _packed(pad: str, pieces: list[str]) -> list[str]:
    """One piece a line; many short ones share lines."""
    lines: list[str] = []
    for piece in pieces:
        if lines and len(pieces) > 6 and len(lines[-1]) + 1 + len(piece) <= LIMIT:
            lines[-1] += " " + piece
        else:
            lines.append(pad + piece)
    return list(itertools.chain.from_iterable(_fold(text, True) for text in lines))


def _at_commas(line: str, pad: str, bracket: tuple[int, int], spans: list[tuple[int, int]]) -> list[str]:
    opened, closed = bracket
    while (opened + 1, closed - 1) in spans:
        opened, closed = opened + 1, closed - 1
    content = line[opened + 1 : closed]
    clauses = _scan(content)[2].get("for")
    if clauses:  # a comprehension: what it makes, then what it runs over
        parts = (content[: clauses[0]], content[clauses[0] :].strip())
        inside = itertools.chain.from_iterable(_fold(f"{pad}    {part}", True) for part in parts)
        return [line[: opened + 1], *inside, *_fold(pad + line[closed:])]
    pieces = _pieces(content)
    last = pieces[-1]
    if len(pieces) > 1 and line[opened] != "[" and not last.startswith("*") and not last.endswith(","):
        pieces[-1] = last + ","
    foot = _fold(pad + line[closed:])
    return [line[: opened + 1], *_packed(pad + "    ", pieces), *foot]


class Refer(Protocol):
    """What an expression has to be, in this module, to mean a callable, a class, or the thing at a path."""

    def __call__(self, thing: Any) -> ast.expr: ...

    def dotted(self, path: str) -> ast.expr: ...


# How the branch of an `if` is printed: the `if`, the branch, whether it is the first one.
Finish = Callable[[If, Region, bool], list[ast.stmt]]


class Printer:
    """Prints one graph as the statements of a function."""

    def __init__(
        self, refer: Refer, named: dict[Value, str], nested: dict[Value, Instr], comments: bool
    ) -> None:
        self.refer = refer  # a callable or class -> the AST expression that means it in this module
        self.named = named
        self.nested = nested
        self.unread = "_" if "_" not in named.values() else "unread"  # a parameter may be called `_`
        self.comments = comments
        self.backward = False
        self.line = 0
        self.said = 0
        self.handling: list[Atom] = []  # the exceptions whose `except` clause is being printed
        self.copied: set[Value] = set()  # what may have no value, and is given another name
        self.memos: list[ast.stmt] = []  # the statements that make the lists of what loops save

    # -- expressions ----------------------------------------------------------------------------------------

    def atom(self, atom: Atom) -> ast.expr:
        if isinstance(atom, Const):
            return self.constant(atom)
        instr = self.nested.get(atom)
        if instr is None:
            return _name(self.named[atom])
        if isinstance(instr, If):
            return self.conditional(instr)
        assert isinstance(instr, Call)
        return self.call(instr)

    def constant(self, const: Const) -> ast.expr:
        value = const.value
        if const.spelling:
            return self.refer.dotted(const.spelling)
        if value is UNBOUND:
            return ast.Constant(None)
        return self.plain(value)

    def plain(self, value: Any) -> ast.expr:
        """A constant spelled out."""
        if isinstance(value, enum.Enum):
            return self.member(value)
        if isinstance(value, (int, float, complex, str, bytes)) and type(value) not in _BUILT_IN:
            if not isinstance(value, np.generic):
                return self.refer(value)  # of a class of the user's, which may do as it likes
        if isinstance(value, bool) or value is None or isinstance(value, (str, bytes)) or value is Ellipsis:
            return ast.Constant(value)
        if isinstance(value, int) and not isinstance(value, np.integer):
            return _negated(ast.Constant(-value)) if value < 0 else ast.Constant(value)
        if type(value) is float:
            return self.floating(value)
        if type(value) is complex:
            parts = (value.real, value.imag)
            if not np.isfinite(value) or any(v == 0 and math.copysign(1, v) < 0 for v in parts):
                return _call(_name("complex"), [self.floating(value.real), self.floating(value.imag)])
            real, imag = self.floating(value.real), ast.Constant(complex(0, abs(value.imag)))
            if value.real == 0 and value.imag > 0:
                return imag
            op: ast.operator = ast.Sub() if math.copysign(1, value.imag) < 0 else ast.Add()
            return ast.BinOp(real, op, imag)
        if isinstance(value, tuple):
            return ast.Tuple([self.plain(v) for v in value], ast.Load())
        if isinstance(value, list):
            return ast.List([self.plain(v) for v in value], ast.Load())
        if isinstance(value, dict):
            return ast.Dict([self.plain(k) for k in value], [self.plain(v) for v in value.values()])
        if isinstance(value, slice):
            pair = [value.start, value.stop] + ([value.step] if value.step is not None else [])
            return _call(_name("slice"), [self.plain(p) for p in pair])
        if isinstance(value, range):
            return _call(_name("range"), [self.plain(v) for v in (value.start, value.stop, value.step)])
        if isinstance(value, np.dtype):
            name = value.type.__name__
            return (
                self.refer.dotted(f"np.{name}")
                if hasattr(np, name)
                else _call(self.refer.dotted("np.dtype"), [ast.Constant(value.str)])
            )
        if isinstance(value, np.generic):
            return _call(self.refer(type(value)), [self.plain(value.item())])
        if isinstance(value, np.ndarray):
            args = [self.plain(value.tolist())]
            return _call(self.refer.dotted("np.array"), args, {"dtype": self.plain(value.dtype)})
        return self.refer(value)

    def member(self, value: enum.Enum) -> ast.expr:
        """A member of an enumeration, by its name; what is made of several flags, by its value."""
        cls = self.refer(type(value))
        if isinstance(value.name, str) and value.name.isidentifier():
            return ast.Attribute(cls, value.name, ast.Load())
        return _call(cls, [self.plain(value.value)])

    def floating(self, value: float) -> ast.expr:
        if math.isnan(value):
            return self.refer.dotted("math.nan")
        if math.isinf(value):
            infinite = self.refer.dotted("math.inf")
            return _negated(infinite) if value < 0 else infinite
        return _negated(ast.Constant(-value)) if math.copysign(1, value) < 0 else ast.Constant(value)

    def conditional(self, instr: If) -> ast.expr:
        test, (a,), (b,) = instr.test, instr.then.results, instr.orelse.results
        if same_atom(b, test):
            return _bool(ast.And(), self.atom(test), self.atom(a))
        if same_atom(a, test):
            return _bool(ast.Or(), self.atom(test), self.atom(b))
        return ast.IfExp(self.atom(test), self.atom(a), self.atom(b))

    def call(self, instr: Call) -> ast.expr:
        fn, args = instr.fn, instr.args
        if fn in BINARY if _hashable(fn) else False:
            left, right = map(self.atom, args)
            if fn is operator.add and self.backward and _is_negative(right):
                return ast.BinOp(left, ast.Sub(), right.operand)
            return ast.BinOp(left, BINARY[fn](), right)
        if _hashable(fn):
            if fn in UNARY:
                operand = self.atom(args[0])
                if fn is operator.not_ and isinstance(operand, ast.Compare):
                    against = _AGAINST.get(type(operand.ops[0])) if len(operand.ops) == 1 else None
                    if against is not None:  # `key not in d`
                        return ast.Compare(operand.left, [against()], operand.comparators)
                return ast.UnaryOp(UNARY[fn](), operand)
            if fn in (operator.eq, operator.ne) and isinstance(args[0], Const) and isinstance(args[1], Value):
                args = (args[1], args[0])
            if fn in COMPARE:
                return ast.Compare(self.atom(args[0]), [COMPARE[fn]()], [self.atom(args[1])])
            if fn is operator.contains:
                return ast.Compare(self.atom(args[1]), [ast.In()], [self.atom(args[0])])
            special = _SPECIAL.get(fn)
            if special is not None:
                result: ast.expr = special(self, instr)
                return result
        # What a checkpointed call is given by keyword is for its adjoint.
        keywords = {} if isinstance(fn, Function) else {k: self.atom(a) for k, a in instr.kwargs}
        # The operations of `rules/library.py`, `differences.py`, `register.py`: this layer imports none.
        if isinstance(fn, Hook):
            return self.atom(args[0])
        if type(fn).__name__ == "Numeric":
            return _call(self.refer(fn.fn), [self.atom(a) for a in args], keywords)
        if type(fn).__name__ == "Evaluation":  # `CubicSpline(x, y)(t)`
            made = _call(self.refer(fn.maker), [self.atom(a) for a in args[: fn.data]], keywords)
            used = made if fn.method == "__call__" else _attribute(made, fn.method)
            return _call(used, [self.atom(a) for a in args[fn.data :]])
        if type(fn).__name__ == "Called":  # `spline(t)`
            return _call(self.atom(args[0]), [self.atom(a) for a in args[1:]], keywords)
        if type(fn).__name__ == "Owned":  # `model.energy(x)`
            owner, *rest = map(self.atom, args)
            if not fn.found:
                return _call(self.refer(fn.fn), [owner, *rest], keywords)
            method = owner if fn.__name__ == "__call__" else _attribute(owner, fn.__name__)
            return _call(method, rest, keywords)
        if isinstance(fn, Method):
            return _call(_attribute(self.atom(args[0]), fn.name), [self.atom(a) for a in args[1:]], keywords)
        if isinstance(fn, (type(np.ndarray.sum), type(np.ndarray.T))):
            if fn is np.ndarray.T and isinstance(args[0], Value):
                inner = self.nested.get(args[0])
                if isinstance(inner, Call) and inner.fn is np.ndarray.T:
                    return self.atom(inner.args[0])
            owner = _attribute(self.atom(args[0]), fn.__name__)
            if isinstance(fn, type(np.ndarray.T)):
                return owner
            return _call(owner, [self.atom(a) for a in args[1:]], keywords)
        return _call(self.refer(fn), [self.atom(a) for a in args], keywords)

    def index(self, atom: Atom) -> ast.expr:
        """What stands between brackets: slices as slices."""
        if isinstance(atom, Const):
            value = atom.value
            if isinstance(value, slice):
                parts = (value.start, value.stop, value.step)
                return ast.Slice(*(None if p is None else self.plain(p) for p in parts))
            if isinstance(value, tuple) and value:
                return ast.Tuple([self.index(Const(v)) for v in value], ast.Load())
            return self.constant(atom)
        instr = self.nested.get(atom)
        if isinstance(instr, Call) and instr.fn is pack_slice:
            bounds = [None if isinstance(a, Const) and a.value is None else self.atom(a) for a in instr.args]
            return ast.Slice(*bounds)
        if isinstance(instr, Call) and instr.fn is pack_tuple and instr.args:
            return ast.Tuple([self.index(a) for a in instr.args], ast.Load())
        return self.atom(atom)

    # -- statements -----------------------------------------------------------------------------------------

    def block(self, region: Region) -> list[ast.stmt]:
        """The statements of a region, without what its owner does with its results."""
        out: list[ast.stmt] = []
        rest = list(region.body)
        while rest:
            instr = rest.pop(0)
            if any(o in self.nested for o in instr.outs):
                continue
            self.say(instr, out)
            if isinstance(instr, Try):
                completed, choice = self.routing(instr, rest)
                del rest[: (completed is not None) + (choice is not None)]
                after = Region((), tuple(rest), region.results)
                self.attempt(instr, completed, choice, after, self.finished, out)
            else:
                self.statement(instr, out)
        return out

    def say(self, instr: Instr, out: list[ast.stmt]) -> None:
        """In the backward pass: the user's line, above the adjoint of it."""
        if not (self.comments and self.backward) or isinstance(instr, (For, While, Try)):
            return
        if instr.line.line and not isinstance(instr, If):
            self.comment(instr, out)

    def comment(self, instr: Instr, out: list[ast.stmt]) -> None:
        if not (self.comments and self.backward) or instr.line.line == self.line:
            return
        if out and not isinstance(out[-1], Comment):
            out.append(Blank())
        self.line = instr.line.line
        self.said += 1
        out.append(Comment(text=f"{instr.line.line}: {instr.line.text.strip()}"))

    def statement(self, instr: Instr, out: list[ast.stmt]) -> None:
        match instr:
            case Call():
                self.call_statement(instr, out)
            case Store():
                self.store(instr, out)
            case If():
                self.branch(instr, out)
            case For() | While():
                self.loop(instr, out)

    def call_statement(self, instr: Call, out: list[ast.stmt]) -> None:
        if instr.fn is backward_begins:
            out.extend([Blank(), Comment(text="backward")])
            self.backward = True
            return
        if instr.fn in (replay_begins, replay_ends):
            return
        if instr.fn is raise_error:
            if instr.args[0] in self.handling and len(instr.args) == 1:
                out.append(ast.Raise(None, None))
                return
            error, *cause = map(self.atom, instr.args)
            out.append(ast.Raise(error, cause[0] if cause else None))
            return
        if instr.fn is write_outside:
            owner, attribute, given = instr.args
            assert isinstance(attribute, Const)
            place = ast.Attribute(self.atom(owner), attribute.value, ast.Store())
            out.append(ast.Assign([place], self.atom(given)))
            return
        if instr.fn is unpack:
            names: list[ast.expr] = [_name(self.named[o], ast.Store()) for o in instr.outs]
            out.append(ast.Assign([ast.Tuple(names, ast.Store())], self.atom(instr.args[0])))
            return
        if not instr.outs and (isinstance(instr.fn, Inside) or instr.fn in _CHANGES):
            out.append(self.change(instr))
            return
        value = self.call(instr)
        changed = {after for _, after in changes(instr)}
        outs = tuple(o for o in instr.outs if o not in changed)
        if not outs or len(outs) == 1 and self.named[outs[0]] == self.unread and isinstance(value, ast.Call):
            out.append(ast.Expr(value))
        elif len(outs) == 1:
            name = self.named[outs[0]]
            same = [a for a in instr.args if isinstance(a, Value) and self.named.get(a) == name]
            fixed = all(a.type.is_scalar or a.type.kind == "str" for a in same)
            out.append(_assignment(name, value, outs[0].type if fixed else UNKNOWN))
            if instr.fn is pack_list and instr.line == NOWHERE:
                self.memos.append(out[-1])
        else:
            targets: list[ast.expr] = [_name(self.named[o], ast.Store()) for o in outs]
            out.append(ast.Assign([ast.Tuple(targets, ast.Store())], value))

    def change(self, instr: Call) -> ast.stmt:
        """What is done to an object of the caller's, or to a part of it."""
        fn, (whole, *args) = instr.fn, instr.args
        target = self.atom(whole)
        if isinstance(fn, Inside):
            path = tuple(Step(read, (at,)) for read, at in zip(fn.reads, args, strict=False))
            target, args, fn = self.place(whole, path), args[len(path) :], fn.fn
        if fn in _CHANGES:
            made: ast.stmt = _CHANGES[fn](self, target, *args)
            return made
        return ast.Expr(_call(_attribute(target, fn.__name__), list(map(self.atom, args))))

    def store(self, instr: Store, out: list[ast.stmt]) -> None:
        target = self.place(instr.target, instr.path)
        if instr.fn in (operator.setitem, setattr):
            index, value = instr.args
            place: ast.Subscript | ast.Attribute
            if instr.fn is setattr:
                place = ast.Attribute(target, _text_of(index), ast.Store())
            else:
                place = ast.Subscript(target, self.index(index), ast.Store())
            made = self.nested.get(value) if isinstance(value, Value) else None
            # An item of a list may be an array that others see, so it is not changed in place.
            own = instr.target.type.kind not in ("list", "tuple") or value.type.is_scalar
            if own and isinstance(made, Call) and made.fn in BINARY and made.fn is not operator.matmul:
                here = ast.dump(_loaded(place))
                left, right = map(self.atom, made.args)
                if isinstance(made.args[0], Const) and made.fn is operator.mul:
                    left, right = right, left
                if ast.dump(left) == here:
                    out.append(ast.AugAssign(place, BINARY[made.fn](), right))
                    return
            out.append(ast.Assign([place], self.atom(value)))
        elif instr.fn in INPLACE:
            named = bool(instr.path) and instr.path[-1].fn is getattr
            if isinstance(target, ast.Attribute) and named:
                out.append(ast.AugAssign(target, BINARY[instr.fn](), self.atom(instr.args[0])))
                return
            if not isinstance(target, (ast.Name, ast.Subscript)):
                target = ast.Subscript(target, ast.Constant(...), ast.Store())
            out.append(ast.AugAssign(target, BINARY[instr.fn](), self.atom(instr.args[0])))
        elif instr.fn is operator.delitem:
            out.append(ast.Delete([ast.Subscript(target, self.index(instr.args[0]), ast.Del())]))
        else:
            call = self.changing(instr, target)
            if len(instr.outs) > 1:
                out.append(ast.Assign([_name(self.named[instr.outs[1]], ast.Store())], call))
            else:
                out.append(ast.Expr(call))

    def place(self, atom: Atom, path: tuple[Step, ...]) -> ast.expr:
        """The expression for a part of an object that is written."""
        node = self.atom(atom)
        for step in path:
            if step.fn is operator.getitem:
                node = ast.Subscript(node, self.index(step.args[0]), ast.Load())
                continue
            if step.fn is getattr:
                node = _attribute(node, _text_of(step.args[0]))
                continue
            args, keywords = [self.atom(a) for a in step.args], {k: self.atom(a) for k, a in step.kwargs}
            if isinstance(step.fn, type(np.ndarray.T)):
                node = _attribute(node, step.fn.__name__)
            elif isinstance(step.fn, type(np.ndarray.sum)):
                node = _call(_attribute(node, step.fn.__name__), args, keywords)
            else:
                node = _call(self.refer(step.fn), [node, *args], keywords)
        return node

    def changing(self, instr: Store, target: ast.expr) -> ast.expr:
        """The call that changes its first argument, or what it is a method of."""
        args, keywords = [self.atom(a) for a in instr.args], {k: self.atom(a) for k, a in instr.kwargs}
        if isinstance(instr.fn, Into):
            return _call(self.refer(instr.fn.fn), args, {**keywords, "out": target})
        if isinstance(instr.fn, type(np.ndarray.sum)):  # a method, of an array or of a list
            return _call(_attribute(target, instr.fn.__name__), args, keywords)
        return _call(self.refer(instr.fn), [target, *args], keywords)

    def moves(self, pairs: list[tuple[Value, Atom]], out: list[ast.stmt]) -> None:
        """Assignments that run together: `a, b = b, a` where one's target is another's source."""
        needed: list[tuple[str, Atom]] = []
        for target, source in pairs:
            name = self.named[target]
            if isinstance(source, Const) and source.value is UNBOUND:
                continue
            if isinstance(source, Value) and source not in self.nested and self.named[source] == name:
                continue
            if isinstance(source, Value) and source.type.maybe_unbound:
                self.copied.add(source)
            needed.append((name, source))
        targets = {n for n, _ in needed}
        read = [_names_in(self.atom(s)) for _, s in needed]
        tangled = any(targets & r - {n} for (n, _), r in zip(needed, read, strict=True)) and len(needed) > 1
        if tangled:
            names: list[ast.expr] = [_name(n, ast.Store()) for n, _ in needed]
            values = [self.atom(s) for _, s in needed]
            out.append(ast.Assign([ast.Tuple(names, ast.Store())], ast.Tuple(values, ast.Load())))
            return
        for name, source in needed:
            out.append(_assignment(name, self.atom(source), source.type))

    def branch(self, instr: If, out: list[ast.stmt]) -> None:
        if instr.line.line and _lines(instr) == {instr.line.line}:
            self.comment(instr, out)  # all of it is the adjoint of one line
        elif self.comments and self.backward and out and not isinstance(out[-1], Comment):
            out.append(Blank())
        line, said = self.line, self.said
        paths = []
        for part in (instr.then, instr.orelse):
            self.line = line
            body = self.block(part)
            self.moves(list(zip(instr.outs, part.results, strict=True)), body)
            paths.append(body)
        self.line = line if self.said == said else 0
        then, orelse = paths
        if not then and not orelse:
            if not pure(instr):  # an array of several numbers is neither true nor false
                out.append(ast.Expr(_call(_name("bool"), [self.atom(instr.test)])))
            return
        test = self.atom(instr.test)
        if not then and len(orelse) == 1 and isinstance(orelse[0], ast.Raise):
            raised = orelse[0].exc
            if (
                isinstance(raised, ast.Call)
                and isinstance(raised.func, ast.Name)
                and raised.func.id == "AssertionError"
            ):
                out.append(ast.Assert(test, raised.args[0] if raised.args else None))
                return
        if not then:
            out.append(ast.If(_not(test), orelse, []))
        else:
            out.append(ast.If(test, then, orelse))

    def finished(self, choice: If, part: Region, taken: bool) -> list[ast.stmt]:
        """The statements of a branch, with what it hands on."""
        body = self.block(part)
        self.moves(list(zip(choice.outs, part.results, strict=True)), body)
        return body

    def routing(self, instr: Try, rest: list[Instr]) -> tuple[Call | None, If | None]:
        """The test whether the body of a `try` completed, and the `if` on it, where they follow it."""
        test = rest[0] if rest else None
        asked = isinstance(test, Call) and test.fn is operator.is_ and test.args[0] is instr.error
        if not isinstance(test, Call) or not asked:
            return None, None
        choice = rest[1] if len(rest) > 1 else None
        fits = isinstance(choice, If) and choice.test is test.outs[0] and not choice.expression
        return test, choice if fits and isinstance(choice, If) else None

    def attempt(
        self,
        instr: Try,
        completed: Call | None,
        choice: If | None,
        after: Region,
        finish: Finish,
        out: list[ast.stmt],
    ) -> None:
        """`try`, with the branches of the `if` on its success as its clauses; or `with`."""
        line, said = self.line, self.said
        body = self.block(instr.body)
        self.moves(list(zip(instr.outs, instr.body.results, strict=False)), body)
        if instr.body.params:
            (entered,) = instr.body.params
            named = _name(self.named[entered], ast.Store()) if entered in _read_values(instr.body) else None
            body = [ast.With([ast.withitem(self.atom(instr.manager), named)], body or [ast.Pass()])]
        if not instr.classes:
            if self.comments and self.backward and out and not isinstance(out[-1], (Comment, Blank)):
                out.append(Blank())
            out.extend(body)
            self.line = line if self.said == said else 0
            return
        error = self.named[instr.error]
        caught: list[ast.stmt] = []
        self.moves(list(zip(instr.outs, instr.otherwise, strict=False)), caught)
        if completed is not None and completed.outs[0] not in self.nested:
            flag = self.named[completed.outs[0]]
            body.append(ast.Assign([_name(flag, ast.Store())], ast.Constant(True)))
            caught.append(ast.Assign([_name(flag, ast.Store())], ast.Constant(False)))
        name: str | None = None
        beyond = free(after) | (free(choice.then) if choice is not None else {})
        asked = completed is not None and completed.outs[0] in self.nested and completed.outs[0] in beyond
        if instr.error in beyond or asked:
            name = _unused(f"{error}_caught", self.named)
            body.append(ast.Assign([_name(error, ast.Store())], ast.Constant(None)))
            caught.insert(0, ast.Assign([_name(error, ast.Store())], _name(name)))
        elif choice is not None:
            name = error
        self.handling.append(instr.error)
        completing: list[ast.stmt] = []
        handlers = []
        if choice is None:
            handlers.append(self.clause(instr.classes, name, caught))
        else:
            completing = finish(choice, choice.then, True)
            handlers.extend(self.clauses(instr, choice, choice.orelse, name, caught, finish))
        self.handling.pop()
        out.append(ast.Try(body or [ast.Pass()], handlers, completing, []))
        self.line = line if self.said == said else 0

    def clause(
        self, classes: tuple[type[BaseException], ...], name: str | None, body: list[ast.stmt]
    ) -> ast.ExceptHandler:
        wanted = [self.refer(c) for c in classes]
        caught = wanted[0] if len(wanted) == 1 else ast.Tuple(wanted, ast.Load())
        ends = [k for k, statement in enumerate(body) if isinstance(statement, ast.Raise)]
        body = body[: ends[0] + 1] if ends else body
        read = any(name in _names_in(statement) for statement in body)
        return ast.ExceptHandler(caught, name if read else None, body or [ast.Pass()])

    def clauses(
        self,
        instr: Try,
        choice: If,
        part: Region,
        name: str | None,
        begin: list[ast.stmt],
        finish: Finish,
    ) -> list[ast.ExceptHandler]:
        """The `except` clauses: a branch on the class of the exception is a clause of its own."""
        found: list[ast.ExceptHandler] = []
        left = instr.classes
        while (split := _by_class(instr.error, part)) is not None:
            test, inner = split
            classes = test.args[1].value if isinstance(test.args[1], Const) else ()
            classes = classes if isinstance(classes, tuple) else (classes,)
            flag = self.named.get(test.outs[0]) if test.outs[0] not in self.nested else None
            sides = []
            for side in (inner.then, inner.orelse):
                table = dict(zip(inner.outs, side.results, strict=True))
                sides.append(replace(side, results=swap(part.results, table)))
            matched, part = sides
            said: list[ast.stmt] = list(begin)
            if flag is not None:
                said.append(ast.Assign([_name(flag, ast.Store())], ast.Constant(True)))
                begin = [*begin, ast.Assign([_name(flag, ast.Store())], ast.Constant(False))]
            found.append(self.clause(classes, name, [*said, *finish(choice, matched, False)]))
            left = tuple(c for c in left if not issubclass(c, classes))
        found.append(self.clause(left, name, [*begin, *finish(choice, part, False)]))
        return found

    def loop(self, instr: For | While, out: list[ast.stmt]) -> None:
        count = len(instr.items) if isinstance(instr, For) else 0
        carried = instr.body.params[count:]
        lists = []
        while out and any(out[-1] is memo for memo in self.memos):
            lists.append(out.pop())
        self.moves(list(zip(carried, instr.init, strict=True)), out)
        out.extend(reversed(lists))
        if self.comments and self.backward and out and not isinstance(out[-1], (Comment, Blank)):
            if not isinstance(out[-1], ast.Assign):
                out.append(Blank())
        line, said = self.line, self.said
        self.line = 0
        body: list[ast.stmt] = []
        header: ast.stmt
        region = instr.body
        if isinstance(instr, While):
            test = self.condition(instr, body)
        else:
            region, target = self.targets(instr, body)
        body.extend(self.turn(instr, region, carried))
        if not body:
            body = [ast.Pass()]
        if isinstance(instr, While):
            header = ast.While(test, body, [])
        else:
            header = ast.For(target, self.iterable(instr), body, [])
        out.append(header)
        self.line = line if self.said == said else 0
        if self.comments and self.backward and self.said != said:
            out.append(Blank())

    def condition(self, instr: While, body: list[ast.stmt]) -> ast.expr:
        statements = self.block(instr.cond)
        test = instr.cond.results[0]
        if not statements:
            return self.atom(test)
        body.extend(statements)
        body.append(ast.If(_not(self.atom(test)), [ast.Break()], []))
        return ast.Constant(True)

    def turn(self, instr: For | While, region: Region, carried: tuple[Value, ...]) -> list[ast.stmt]:
        """One turn: the body, what it carries on, and whether it is the last."""
        *results, leave = region.results
        return self.tail(region, list(zip(carried, results, strict=True)), leave)

    def tail(self, region: Region, pairs: list[tuple[Value, Atom]], leave: Atom) -> list[ast.stmt]:
        last = region.body[-1] if region.body else None
        if isinstance(last, If) and isinstance(leave, Value) and leave in (*last.outs, last.test):
            return self.leaving_branch(region, last, pairs, leave)
        out = self.block(region)
        flag: Atom | None = leave
        if isinstance(leave, Const):
            flag = None
        self.moves(pairs, out)
        if flag is not None:
            out.append(ast.If(self.atom(flag), [ast.Break()], []))
        elif isinstance(leave, Const) and leave.value is True:
            out.append(ast.Break())
        return out

    def leaving_branch(
        self, region: Region, last: If, pairs: list[tuple[Value, Atom]], leave: Atom
    ) -> list[ast.stmt]:
        """The turn ends in an `if` that decides whether to leave: `break` stands inside it."""
        line = self.line

        def finish(choice: If, part: Region, taken: bool) -> list[ast.stmt]:
            self.line = line
            table: dict[Value, Atom] = dict(zip(choice.outs, part.results, strict=True))
            if isinstance(choice.test, Value):
                table[choice.test] = Const(taken)
            inner = [(t, table.get(s, s) if isinstance(s, Value) else s) for t, s in pairs]
            return self.tail(part, inner, table.get(leave, leave) if isinstance(leave, Value) else leave)

        attempt = region.body[-3] if len(region.body) > 2 else None
        if isinstance(attempt, Try):
            completed, choice = self.routing(attempt, list(region.body[-2:]))
            if choice is last:
                out = self.block(Region((), region.body[:-3], ()))
                self.attempt(attempt, completed, choice, Region((), (), ()), finish, out)
                self.line = 0
                return out
        out = self.block(replace(region, body=region.body[:-1]))
        line = self.line
        then, orelse = finish(last, last.then, True), finish(last, last.orelse, False)
        self.line = 0
        test = self.atom(last.test)
        if then and isinstance(then[-1], ast.Break):
            out.append(ast.If(test, then, []))
            out.extend(orelse)
        elif orelse and isinstance(orelse[-1], ast.Break):
            out.append(ast.If(_not(test), orelse, []))
            out.extend(then)
        elif not then:
            if orelse:
                out.append(ast.If(_not(test), orelse, []))
        else:
            out.append(ast.If(test, then, orelse))
        return out

    # -- loop headers ---------------------------------------------------------------------------------------

    def targets(self, instr: For, body: list[ast.stmt]) -> tuple[Region, ast.expr]:
        """The loop's target, an unpacked turn's names standing in it directly if there are not too many."""
        params = instr.body.params[: len(instr.items)]
        used = _read_values(instr.body)
        region = instr.body
        nodes: list[ast.expr] = []
        for param in params:
            first = region.body[0] if region.body else None
            if isinstance(first, Call) and first.fn is unpack and first.args[0] is param:
                names: list[ast.expr] = [_name(self.named[o], ast.Store()) for o in first.outs]
                unpacked = ast.Tuple(names, ast.Store())
                region = Region(region.params, region.body[1:], region.results)
                long = sum(len(self.named[o]) + 2 for o in first.outs) > HEADER - 20 * (len(params) > 1)
                if long or param in _read_values(region):
                    nodes.append(_name(self.named[param], ast.Store()))
                    body.append(ast.Assign([unpacked], _name(self.named[param])))
                    if self.backward:
                        body.append(Blank())
                else:
                    nodes.append(unpacked)
            else:
                nodes.append(_name(self.named[param] if param in used else self.unread, ast.Store()))
        if instr.items and _is_count(instr.items[0], self) and len(nodes) > 1:
            rest = nodes[1] if len(nodes) == 2 else ast.Tuple(nodes[1:], ast.Store())
            return region, ast.Tuple([nodes[0], rest], ast.Store())
        return region, nodes[0] if len(nodes) == 1 else ast.Tuple(nodes, ast.Store())

    def iterable(self, instr: For) -> ast.expr:
        counted = len(instr.items) > 1 and _is_count(instr.items[0], self)
        parts = [self.source(atom, instr.backwards) for atom in instr.items[counted:]]
        if len(instr.items) == 1 and instr.body.params[0] not in _read_values(instr.body):
            turns = self.turns(instr.items[0])
            if turns is not None:
                return self.atom(turns)
        if counted:
            rest = parts[0] if len(parts) == 1 else _call(_name("zip"), parts)
            start = _count_start(instr.items[0], self)
            extra = [] if _is_zero(start) else [self.atom(start)]
            return _call(_name("enumerate"), [rest, *extra])
        # What an adjoint runs over last turn first has one item for each turn.
        alike = instr.backwards or instr.strict
        strict: dict[str, ast.expr] = {"strict": ast.Constant(True)} if alike else {}
        return parts[0] if len(parts) == 1 else _call(_name("zip"), parts, strict)

    def turns(self, atom: Atom) -> Atom | None:
        """A range with as many items as this one, of which only the number matters."""
        made = self.nested.get(atom) if isinstance(atom, Value) else None
        if not isinstance(made, Call) or made.fn is not range:
            return None
        number = made.args[0]
        count = self.nested.get(number) if len(made.args) == 1 and isinstance(number, Value) else None
        if isinstance(count, Call) and count.fn is len and isinstance(count.args[0], Value):
            inner = self.nested.get(count.args[0])
            if isinstance(inner, Call) and inner.fn is range:
                return count.args[0]
        return atom

    def source(self, atom: Atom, backwards: bool) -> ast.expr:
        made = self.nested.get(atom) if isinstance(atom, Value) else None
        if isinstance(made, Call) and made.fn is operator.getitem and isinstance(made.args[1], Const):
            if made.args[1].value == slice(None, None, -1) and made.args[0].type.kind in (
                "range",
                "list",
                "array",
            ):
                return self.source(made.args[0], not backwards)
        node = self.atom(atom)
        return _call(_name("reversed"), [node]) if backwards else node


def _assignment(name: str, value: ast.expr, known: Type) -> ast.stmt:
    """`name = value`, in place where that is the same: numbers and strings cannot be changed."""
    if isinstance(value, ast.BinOp) and (known.is_scalar or known.kind == "str"):
        left, op, right = value.left, value.op, value.right
        if _is_named(left, name):
            return ast.AugAssign(_name(name, ast.Store()), op, right)
        if _is_named(right, name) and isinstance(op, (ast.Add, ast.Mult)) and known.is_scalar:
            return ast.AugAssign(_name(name, ast.Store()), op, left)
    return ast.Assign([_name(name, ast.Store())], value)


def _by_class(error: Value, part: Region) -> tuple[Call, If] | None:
    """The test of an exception's class and the branch on it, if that is all that a handler is."""
    if len(part.body) != 2:
        return None
    test, choice = part.body
    asked = isinstance(test, Call) and test.fn is isinstance and test.args[0] is error
    if asked and isinstance(test, Call) and isinstance(choice, If) and not choice.expression:
        return (test, choice) if choice.test is test.outs[0] else None
    return None


def _unused(name: str, named: dict[Value, str]) -> str:
    """This name, or one like it that nothing has."""
    taken = set(named.values())
    number, base = 0, name
    while name in taken:
        number += 1
        name = f"{base}_{number}"
    return name


def _is_negative(node: ast.expr) -> TypeGuard[ast.UnaryOp]:
    return isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub)


def _is_named(node: ast.expr, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def _lines(instr: If) -> set[int]:
    """The source lines that a branch and all in it come from."""
    found = {instr.line.line}
    for part in (instr.then, instr.orelse):
        for inner in instructions(part):
            found.add(inner.line.line)
    return found - {0}


def _read_values(region: Region) -> set[Value]:
    found: set[Value] = set(values(region.results))
    for instr in region.body:
        found.update(values(operands(instr)))
        for part in regions(instr):
            found |= _read_values(part)
    return found


def _is_count(atom: Atom, printer: Printer) -> bool:
    made = printer.nested.get(atom) if isinstance(atom, Value) else None
    return isinstance(made, Call) and made.fn is itertools.count


def _count_start(atom: Atom, printer: Printer) -> Atom:
    assert isinstance(atom, Value)
    made = printer.nested[atom]
    assert isinstance(made, Call)
    return made.args[0]


def _is_zero(atom: Atom) -> bool:
    return isinstance(atom, Const) and atom.value == 0


def _loaded(place: ast.Subscript | ast.Attribute) -> ast.expr:
    if isinstance(place, ast.Attribute):
        return ast.Attribute(place.value, place.attr, ast.Load())
    return ast.Subscript(place.value, place.slice, ast.Load())


def _names_in(node: ast.AST) -> set[str]:
    return {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}


def _none(atom: Atom) -> bool:
    return isinstance(atom, Const) and atom.value is None


def _hashable(fn: Any) -> bool:
    try:
        hash(fn)
    except TypeError:
        return False
    return True


def _name(name: str, ctx: ast.expr_context | None = None) -> ast.Name:
    return ast.Name(name, ctx or ast.Load())


def _attribute(node: ast.expr, name: str) -> ast.expr:
    return ast.Attribute(node, name, ast.Load())


def _call(fn: ast.expr, args: list[ast.expr], kwargs: dict[str, ast.expr] | None = None) -> ast.expr:
    return ast.Call(fn, args, [ast.keyword(k, v) for k, v in (kwargs or {}).items()])


def _negated(node: ast.expr) -> ast.expr:
    return ast.UnaryOp(ast.USub(), node)


def _bool(op: ast.boolop, a: ast.expr, b: ast.expr) -> ast.expr:
    values = [*(a.values if isinstance(a, ast.BoolOp) and type(a.op) is type(op) else [a]), b]
    return ast.BoolOp(op, values)


_BUILT_IN = (bool, int, float, complex, str, bytes)
_OPPOSITE: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn,
}  # fmt: skip


def _not(node: ast.expr) -> ast.expr:
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        return node.operand
    if isinstance(node, ast.Compare) and len(node.ops) == 1 and type(node.ops[0]) in _OPPOSITE:
        return ast.Compare(node.left, [_OPPOSITE[type(node.ops[0])]()], node.comparators)
    return ast.UnaryOp(ast.Not(), node)


def _set_attribute(p: Printer, target: ast.expr, name: Atom, value: Atom) -> ast.stmt:
    return ast.Assign([ast.Attribute(target, _text_of(name), ast.Store())], p.atom(value))


def _set_item(p: Printer, target: ast.expr, index: Atom, value: Atom) -> ast.stmt:
    return ast.Assign([ast.Subscript(target, p.index(index), ast.Store())], p.atom(value))


def _delete_attribute(p: Printer, target: ast.expr, name: Atom) -> ast.stmt:
    return ast.Delete([ast.Attribute(target, _text_of(name), ast.Del())])


def _delete_item(p: Printer, target: ast.expr, index: Atom) -> ast.stmt:
    return ast.Delete([ast.Subscript(target, p.index(index), ast.Del())])


def _exchange(p: Printer, target: ast.expr, *places: Atom) -> ast.stmt:
    """`rows[i], rows[j] = rows[j], rows[i]`."""
    ends: list[ast.expr] = [ast.Subscript(target, p.index(at), ast.Load()) for at in places]
    count = len(ends) // 2
    return ast.Assign([ast.Tuple(ends[:count], ast.Store())], ast.Tuple(ends[count:], ast.Load()))


def _text_of(name: Atom) -> str:
    assert isinstance(name, Const) and isinstance(name.value, str)
    return name.value


def _add(op: type[ast.operator]) -> Any:
    """`rows[i][...] += v`: what is added to an array of the caller's."""

    def added(p: Printer, target: ast.expr, value: Atom) -> ast.stmt:
        return ast.AugAssign(ast.Subscript(target, ast.Constant(...), ast.Store()), op(), p.atom(value))

    return added


# What is called for what it does to an object of the caller's.
_CHANGES: dict[Any, Any] = {
    setattr: _set_attribute, operator.setitem: _set_item, delattr: _delete_attribute,
    operator.delitem: _delete_item, operator.iadd: _add(ast.Add), operator.isub: _add(ast.Sub),
    exchange: _exchange,
}  # fmt: skip


def _print_object(p: Printer, instr: Call) -> ast.expr:
    of, names, *items = instr.args
    assert isinstance(names, Const)
    if isinstance(of, Const) and is_keyworded(of.value):
        return _call(p.atom(of), [], dict(zip(names.value, map(p.atom, items), strict=True)))
    attributes = ast.Dict([ast.Constant(n) for n in names.value], list(map(p.atom, items)))
    cls = p.atom(of) if isinstance(of, Const) else _call(_name("type"), [p.atom(of)])
    return _call(p.refer(with_attributes), [cls, attributes])


def _print_items(p: Printer, instr: Call) -> ast.expr:
    return p.atom(instr.args[0])


def _print_entry(p: Printer, instr: Call) -> ast.expr:
    mapping, *rest = map(p.atom, instr.args)
    return _call(_attribute(mapping, "get"), rest)


def _print_keys(p: Printer, instr: Call) -> ast.expr:
    return _call(_name("list"), [p.atom(instr.args[0])])


def _print_values(p: Printer, instr: Call) -> ast.expr:
    return _call(_name("list"), [_call(_attribute(p.atom(instr.args[0]), "values"), [])])


def _print_with_keys(p: Printer, instr: Call) -> ast.expr:
    pairs = _call(_name("zip"), list(map(p.atom, instr.args)), {"strict": ast.Constant(True)})
    return _call(_name("dict"), [pairs])


def _print_tuple(p: Printer, instr: Call) -> ast.expr:
    return ast.Tuple([p.atom(a) for a in instr.args], ast.Load())


def _print_list(p: Printer, instr: Call) -> ast.expr:
    return ast.List([p.atom(a) for a in instr.args], ast.Load())


def _print_dict(p: Printer, instr: Call) -> ast.expr:
    keys, *items = instr.args
    assert isinstance(keys, Const)
    return ast.Dict([p.plain(k) for k in keys.value], [p.atom(a) for a in items])


def _print_slice(p: Printer, instr: Call) -> ast.expr:
    return _call(_name("slice"), [p.atom(a) for a in instr.args])


def _print_function(p: Printer, instr: Call) -> ast.expr:
    """The function itself, or `lambda x: f(x, a)` where it captured something."""
    function, *captured = instr.args
    assert isinstance(function, Const)
    graph = function.value.graph
    name = p.refer(function.value)
    if not captured:
        return name
    given = [p.atom(a) for a in captured]
    taken = {n.id for e in given for n in ast.walk(e) if isinstance(n, ast.Name)}
    own = []
    for param in graph.params[: len(graph.params) - len(captured)]:
        own.append(next(n for n in _numbered(param.name) if n not in taken and n not in own))
    params = ast.arguments([], [ast.arg(n, None) for n in own], None, [], [], None, [])
    return ast.Lambda(params, _call(name, [*(_name(n) for n in own), *given]))


def _numbered(name: str) -> Iterator[str]:
    yield name
    yield from (f"{name}_{k}" for k in itertools.count(1))


def _print_item(p: Printer, instr: Call) -> ast.expr:
    return ast.Subscript(p.atom(instr.args[0]), p.index(instr.args[1]), ast.Load())


def _print_getattr(p: Printer, instr: Call) -> ast.expr:
    name = instr.args[1]
    assert isinstance(name, Const)
    return _attribute(p.atom(instr.args[0]), name.value)


def _print_literal(p: Printer, instr: Call) -> ast.expr:
    return p.atom(instr.args[0])


def _print_format(p: Printer, instr: Call) -> ast.expr:
    spec, *items = instr.args
    assert isinstance(spec, Const)
    rest = iter(items)
    parts: list[ast.expr] = []
    for part in spec.value:
        if isinstance(part, str):
            parts.append(ast.Constant(part))
        else:
            conversion, width = part
            form = ast.JoinedStr([ast.Constant(width)]) if width else None
            parts.append(ast.FormattedValue(p.atom(next(rest)), ord(conversion) if conversion else -1, form))
    return ast.JoinedStr(parts)


_SPECIAL: dict[Any, Any] = {
    pack_tuple: _print_tuple, pack_list: _print_list, pack_dict: _print_dict, pack_slice: _print_slice,
    pack_object: _print_object, pack_function: _print_function, entry: _print_entry, keys_of: _print_keys,
    values_of: _print_values, with_keys: _print_with_keys, items_of_list: _print_items,
    operator.getitem: _print_item, getattr: _print_getattr, literal: _print_literal,
    format_string: _print_format,
}  # fmt: skip
