"""Sets of numbers and texts that are known when the program runs, in words that the compiler reads: a dict.

    seen = set()                         seen = {}
    seen.add(k)               ->         seen[k] = True
    if k in seen: ...                    if k in seen: ...

`full` has the members in the order in which they were added, which is all that the order of a set follows
from as long as they were added one by one. Members that are taken leave the others where they are. One that
is added after that, or a set that is made from another, leaves no order that is known: such a set is
`unordered`, and may be asked anything else.
"""

from __future__ import annotations

from typing import Any

from .register import nondifferentiable


class Members(set[Any]):
    """What such a set is to the compiler, which reads these methods where those of a set are called."""

    def __init__(self, iterable: Any = ()) -> None:
        self.marks: dict[Any, bool] = {}
        self.full: list[Any] = []
        self.shrunk = False
        self.unordered = isinstance(iterable, (set, frozenset, dict))
        for x in members_of(iterable):
            self.marks[x] = True
            self.full.append(x)

    def add(self, x: Any) -> None:
        if self.shrunk and x not in self.marks:
            self.unordered = True
        self.marks[x] = True
        self.full.append(x)

    def discard(self, x: Any) -> None:
        if x in self.marks:
            self.remove(x)

    def remove(self, x: Any) -> None:
        self.shrunk = True
        if x not in self.marks:
            raise KeyError(x)
        del self.marks[x]

    def clear(self) -> None:
        self.marks.clear()
        self.full.clear()
        self.shrunk = self.unordered = False

    def copy(self) -> Any:
        return set(self)

    def update(self, *others: Any) -> None:
        for other in others:
            if isinstance(other, (set, frozenset, dict)):
                self.unordered = True
            for x in members_of(other):
                self.add(x)

    def union(self, *others: Any) -> Any:
        made = set(self)
        for other in others:
            made.update(other)
        return made

    def intersection(self, other: Any) -> Any:  # type: ignore[override]
        theirs = set(other)
        return without_order([x for x in members_of(self) if x in theirs])

    def difference(self, other: Any) -> Any:  # type: ignore[override]
        theirs = set(other)
        return without_order([x for x in members_of(self) if x not in theirs])

    def symmetric_difference(self, other: Any) -> Any:
        return self.difference(other).union(set(other).difference(self))

    def difference_update(self, other: Any) -> None:  # type: ignore[override]
        for x in members_of(other):
            self.discard(x)

    def intersection_update(self, other: Any) -> None:  # type: ignore[override]
        theirs = set(other)
        for x in list(self.marks):
            if x not in theirs:
                self.discard(x)

    def symmetric_difference_update(self, other: Any) -> None:
        theirs = set(other)
        for x in members_of(theirs):
            if x in self.marks:
                self.discard(x)
            else:
                self.add(x)
        self.unordered = True

    def issubset(self, other: Any) -> bool:
        theirs = set(other)
        return all([x in theirs for x in members_of(self)])

    def issuperset(self, other: Any) -> bool:
        return all([x in self.marks for x in members_of(other)])

    def isdisjoint(self, other: Any) -> bool:
        return not any([x in self.marks for x in members_of(other)])

    def __contains__(self, x: Any) -> bool:
        return x in self.marks

    def __len__(self) -> int:
        return len(self.marks)

    def __bool__(self) -> bool:
        return len(self.marks) > 0

    def __or__(self, other: Any) -> Any:
        return self.union(other)

    def __and__(self, other: Any) -> Any:
        return self.intersection(other)

    def __sub__(self, other: Any) -> Any:
        return self.difference(other)

    def __xor__(self, other: Any) -> Any:
        return self.symmetric_difference(other)

    def __ior__(self, other: Any) -> Any:
        self.update(other)
        return self

    def __iand__(self, other: Any) -> Any:
        self.intersection_update(other)
        return self

    def __ixor__(self, other: Any) -> Any:
        self.symmetric_difference_update(other)
        return self

    def __isub__(self, other: Any) -> Any:
        self.difference_update(other)
        return self

    def __eq__(self, other: Any) -> bool:
        if not isinstance(other, (set, frozenset)):
            return False
        return len(self.marks) == len(other) and self.issubset(other)

    def __ne__(self, other: Any) -> bool:
        return not self == other

    def __le__(self, other: Any) -> bool:
        return self.issubset(other)

    def __ge__(self, other: Any) -> bool:
        return self.issuperset(other)

    def __lt__(self, other: Any) -> bool:
        return len(self.marks) < len(other) and self.issubset(other)

    def __gt__(self, other: Any) -> bool:
        return len(self.marks) > len(other) and self.issuperset(other)

    def __iter__(self) -> Any:
        if self.unordered:
            raise NotImplementedError(
                "a set made from others, or that lost members, is run over: sort it first"
            )
        if self.shrunk:
            return [x for x in in_order_of_a_set(self.full) if x in self.marks]
        return in_order_of_a_set(self.full)

    __hash__ = None


def without_order(members: list[Any]) -> Any:
    """A set of these, which were found in others."""
    made: Any = set(members)
    made.unordered = True
    return made


def members_of(x: Any) -> Any:
    """What is in a set, in no order that matters; anything else as it is."""
    return x.marks if isinstance(x, Members) else x


def in_order_of_a_set(members: list[Any]) -> list[Any]:
    """The members in the order in which a set that they were added to in turn is run over.

    >>> in_order_of_a_set([3, 1])
    [1, 3]
    """
    made = set()
    for x in members:
        made.add(x)
    return list(made)


nondifferentiable(in_order_of_a_set)
