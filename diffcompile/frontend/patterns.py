"""`match`: each pattern becomes a test, and the names that it captures; a case is the branch on its test.

    match shape:                              if isinstance(shape, Circle):
        case Circle(radius=r): return r**2        return shape.radius**2
        case (a, b): return a * b             elif ...

What is known of the subject decides a test when compiling, so `case "adam":` on a known string leaves one
branch. The names of a pattern are bound when all of it has matched, before its guard is asked.
"""

from __future__ import annotations

import ast
import builtins
import collections.abc
import operator
from typing import Any

from ..ir.graph import Const, Value
from ..ir.types import BOOL
from .heap import UNBOUND_REF, Entries, Obj, Ref, Tup
from .managers import Managers

# Classes whose one positional pattern is matched against the subject itself.
WHOLE = frozenset({bool, bytearray, bytes, dict, float, frozenset, int, list, set, str, tuple})


class Patterns(Managers):
    parts: set[Ref] = set()  # what a pattern may capture that is there whether it matches or not

    def _Match(self, node: ast.Match) -> None:
        if self.guards:
            self._held(lambda: self.expression(node.subject), lambda ref: self._cases(ref, node.cases))
        else:
            self._cases(self.expression(node.subject), node.cases)

    def _cases(self, subject: Ref, cases: list[ast.match_case]) -> None:
        if not cases:
            return
        case, *rest = cases
        self.node = case.pattern
        self.b.line = self.span(case.pattern)
        names = _captured(case.pattern)
        for name in names:
            self.state.vars[self.scope, f"$match:{name}"] = UNBOUND_REF
        self.parts = self._parts_of(subject)
        matched = self.truth(self.matches(case.pattern, subject))
        guard = case.guard

        def bound() -> None:
            for name in names:
                self.bind(name, self.state.vars[self.scope, f"$match:{name}"])

        def asked(guard: ast.expr) -> Ref:
            bound()
            return self.truth(self.expression(guard))

        def body() -> None:
            if guard is None:
                bound()
            self.block(case.body)

        test: Ref | None = matched
        if guard is not None:
            test = self.branch(matched, lambda: asked(guard), lambda: Const(False))
        assert test is not None
        self.b.line = self.span(case.pattern)
        self.branch(self.truth(test), body, lambda: self._cases(subject, rest))
        for name in names:
            self.state.vars.pop((self.scope, f"$match:{name}"), None)

    def _parts_of(self, subject: Ref) -> set[Ref]:
        """The items inside the subject, however deep, that are known one by one."""
        found: set[Ref] = set()
        stack = [subject]
        while stack:
            ref = stack.pop()
            found.add(ref)
            content = self.state.heap.get(ref.cell) if isinstance(ref, Obj) else None
            if isinstance(content, Entries):
                stack.extend(r for _, r in content.entries)
            else:
                stack.extend(self._sequence(ref) or ())
        return found

    def matches(self, pattern: ast.pattern, subject: Ref) -> Ref:
        """Does the subject match? What the pattern captures is kept aside."""
        match pattern:
            case ast.MatchValue(value=node):
                return self._compare(ast.Eq(), subject, self.expression(node), "")
            case ast.MatchSingleton(value=value):
                return self._is(subject, value)
            case ast.MatchAs(pattern=None, name=name):
                return self._capture(name, subject)
            case ast.MatchAs(pattern=inner, name=name) if inner is not None:
                found = self.matches(inner, subject)
                return self._both(found, lambda: self._capture(name, subject))
            case ast.MatchOr(patterns=patterns):
                return self._either(patterns, subject)
            case ast.MatchSequence(patterns=patterns):
                return self._matches_sequence(patterns, subject)
            case ast.MatchMapping():
                return self._matches_mapping(pattern, subject)
            case ast.MatchClass():
                return self._matches_class(pattern, subject)
        raise self.refuse(f"`{type(pattern).__name__}` is not a pattern that is understood", node=pattern)

    def _capture(self, name: str | None, ref: Ref) -> Ref:
        if name is not None:
            self.state.vars[self.scope, f"$match:{name}"] = ref
        return Const(True)

    def _both(self, first: Ref, then: Any) -> Ref:
        captured: dict[tuple[Any, str], Ref] = {}

        def run() -> Ref:
            result: Ref = then()
            captured.update({k: r for k, r in self.state.vars.items() if k[1].startswith("$match:")})
            return result

        result = self.branch(self.truth(first), run, lambda: Const(False))
        for key, ref in captured.items():
            if isinstance(ref, Const) or ref in self.parts:
                self.state.vars[key] = ref
        assert result is not None
        return result

    def _either(self, patterns: list[ast.pattern], subject: Ref) -> Ref:
        first, *more = patterns
        found = self.matches(first, subject)
        if not more:
            return found
        result = self.branch(self.truth(found), lambda: Const(True), lambda: self._either(more, subject))
        assert result is not None
        return result

    def _is(self, subject: Ref, value: Any) -> Ref:
        if value is None:
            return self._identity(subject, Const(None), False)
        known = self.constant(subject)
        if known is not None:
            return Const(known.value is value)
        if isinstance(subject, (Value, Obj)) and self.type_of(subject).kind != "tuple":
            return self.b.call(operator.is_, self.atom(subject), Const(value), type=BOOL)
        return Const(False)

    def is_instance(self, subject: Ref, classes: Any) -> Ref:
        return self.known(builtins.isinstance, [subject, Const(classes)], {}, "")

    # -- sequences ------------------------------------------------------------------------------------------

    def _matches_sequence(self, patterns: list[ast.pattern], subject: Ref) -> Ref:
        stars = [k for k, p in enumerate(patterns) if isinstance(p, ast.MatchStar)]
        count = len(patterns) - len(stars)
        items = self._sequence(subject)
        if items is None and isinstance(subject, Value):
            items = self.static_items(subject)
        if items is not None:
            if len(items) < count or not stars and len(items) != count:
                return Const(False)
            return self._matches_all(self._pairs(patterns, items, subject))
        kind = self.type_of(subject).kind
        if isinstance(subject, Const):
            sequence = isinstance(subject.value, collections.abc.Sequence)
            if not sequence or isinstance(subject.value, (str, bytes, bytearray)):
                return Const(False)
        if kind not in ("list", "range", "unknown", "object"):
            return Const(False)
        found: Ref = Const(True)
        if kind in ("unknown", "object"):
            wanted = self.is_instance(subject, collections.abc.Sequence)
            found = self._both(
                wanted,
                lambda: self.b.call(
                    operator.not_, self.atom(self.is_instance(subject, (str, bytes, bytearray))), type=BOOL
                ),
            )

        def inner() -> Ref:
            length = self.known(builtins.len, [subject], {}, "")
            compare = operator.ge if stars else operator.eq
            fits = self.b.call(compare, self.atom(length), Const(count), type=BOOL)
            return self._both(fits, lambda: self._matches_all(self._picked(patterns, subject)))

        return self._both(found, inner)

    def _pairs(
        self, patterns: list[ast.pattern], items: tuple[Ref, ...], subject: Ref
    ) -> list[tuple[ast.pattern, Any]]:
        """Each pattern with what gives its part of items that are known one by one."""
        pairs: list[tuple[ast.pattern, Any]] = []
        after = len(patterns)
        for k, pattern in enumerate(patterns):
            after -= 1
            if isinstance(pattern, ast.MatchStar):
                middle = items[k : len(items) - after]
                pairs.append((pattern, lambda middle=middle: self.list_of(middle)))
            elif any(isinstance(p, ast.MatchStar) for p in patterns[:k]):
                pairs.append((pattern, lambda k=after: items[-k - 1]))
            else:
                pairs.append((pattern, lambda k=k: items[k]))
        return pairs

    def _picked(self, patterns: list[ast.pattern], subject: Ref) -> list[tuple[ast.pattern, Any]]:
        """Each pattern with what reads its part of a sequence of a length known at run time."""
        pairs: list[tuple[ast.pattern, Any]] = []
        starred = False
        for k, pattern in enumerate(patterns):
            after = len(patterns) - k - 1
            if isinstance(pattern, ast.MatchStar):
                starred = True
                stop = -after or None
                part = Const(slice(k, stop))
                pairs.append((pattern, lambda part=part: self._as_list(self.subscript(subject, part))))
            else:
                index = Const(-after - 1 if starred else k)
                pairs.append((pattern, lambda index=index: self.subscript(subject, index)))
        return pairs

    def _as_list(self, ref: Ref) -> Ref:
        if self.type_of(ref).kind == "list":
            return ref
        return self.known(builtins.list, [ref], {}, "")

    def list_of(self, items: tuple[Ref, ...]) -> Ref:
        return self.known(builtins.list, [Tup(items)], {}, "")

    def _matches_all(self, pairs: list[tuple[ast.pattern, Any]]) -> Ref:
        if not pairs:
            return Const(True)
        (pattern, part), *more = pairs
        if isinstance(pattern, ast.MatchStar):
            found = self._capture(pattern.name, part()) if pattern.name else Const(True)
        elif isinstance(pattern, ast.MatchAs) and pattern.pattern is None and pattern.name is None:
            found = Const(True)
        else:
            found = self.matches(pattern, part())
        return self._both(found, lambda: self._matches_all(more)) if more else found

    # -- mappings and classes -------------------------------------------------------------------------------

    def _matches_mapping(self, pattern: ast.MatchMapping, subject: Ref) -> Ref:
        content = self.state.heap[subject.cell] if isinstance(subject, Obj) else None
        if isinstance(subject, Const):
            if not isinstance(subject.value, collections.abc.Mapping):
                return Const(False)
            content = Entries(tuple((k, Const(v)) for k, v in subject.value.items()))
        if not isinstance(content, Entries) or not content.is_dict:
            if self.type_of(subject).kind in ("dict", "unknown", "object"):
                raise self.refuse(
                    "a mapping pattern on a dict whose keys are not known here",
                    "Pass the dict as an argument.",
                    pattern,
                )
            return Const(False)
        pairs: list[tuple[ast.pattern, Any]] = []
        taken = []
        for key, inner in zip(pattern.keys, pattern.patterns, strict=True):
            known = self.constant(self.expression(key))
            ref = content.get(known.value) if known is not None else None
            if known is None or ref is None:
                return Const(False)
            taken.append(known.value)
            pairs.append((inner, lambda ref=ref: ref))
        found = self._matches_all(pairs)
        if pattern.rest is None:
            return found
        left = tuple((k, r) for k, r in content.entries if k not in taken)
        rest = pattern.rest
        return self._both(found, lambda: self._capture(rest, self.state.new(Entries(left), rest)))

    def _matches_class(self, pattern: ast.MatchClass, subject: Ref) -> Ref:
        known = self.constant(self.expression(pattern.cls))
        if known is None or not isinstance(known.value, type):
            raise self.refuse("which class is matched is not known here", "Name the class.", pattern)
        cls = known.value

        def inner() -> Ref:
            pairs: list[tuple[ast.pattern, Any]] = []
            if cls in WHOLE and pattern.patterns:
                pairs.append((pattern.patterns[0], lambda: subject))
            elif pattern.patterns:
                names = getattr(cls, "__match_args__", ())
                if len(pattern.patterns) > len(names):
                    raise self.refuse(
                        f"`{cls.__name__}` has {len(names)} positional patterns, not {len(pattern.patterns)}",
                        node=pattern,
                    )
                pairs.extend(self._fields(subject, zip(names, pattern.patterns, strict=False)))
            pairs.extend(self._fields(subject, zip(pattern.kwd_attrs, pattern.kwd_patterns, strict=True)))
            return self._matches_all(pairs)

        return self._both(self.is_instance(subject, cls), inner)

    def _fields(self, subject: Ref, named: Any) -> list[tuple[ast.pattern, Any]]:
        return [(p, lambda name=name: self.attribute(subject, name)) for name, p in named]


def _captured(pattern: ast.pattern) -> list[str]:
    """The names that a pattern binds."""
    names: dict[str, None] = {}
    for part in ast.walk(pattern):
        match part:
            case ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
                names[name] = None
            case ast.MatchMapping(rest=str(name)):
                names[name] = None
    return list(names)

