"""Sets of numbers and texts that are known when the program runs, in words that the compiler reads: a dict.

    seen = set()                         seen = {}
    seen.add(k)               ->         seen[k] = True
    if k in seen: ...                    if k in seen: ...
"""

from __future__ import annotations

from typing import Any

from .register import nondifferentiable


class Members(set[Any]):
    """What such a set is to the compiler, which reads these methods where those of a set are called."""

    def __init__(self, iterable: Any = ()) -> None:
        self.marks: dict[Any, bool] = {}
        self.shrunk = False
        for x in members_of(iterable):
            self.marks[x] = True

    def add(self, x: Any) -> None:
        self.marks[x] = True

    def discard(self, x: Any) -> None:
        self.shrunk = True
        if x in self.marks:
            del self.marks[x]

    def remove(self, x: Any) -> None:
        self.shrunk = True
        if x not in self.marks:
            raise KeyError(x)
        del self.marks[x]

    def clear(self) -> None:
        self.marks.clear()

    def copy(self) -> Any:
        return set(self)

    def update(self, *others: Any) -> None:
        for other in others:
            for x in members_of(other):
                self.marks[x] = True

    def union(self, *others: Any) -> Any:
        made = set(self)
        for other in others:
            made.update(other)
        return made

    def intersection(self, other: Any) -> Any:  # type: ignore[override]
        theirs = set(other)
        return set([x for x in members_of(self) if x in theirs])

    def difference(self, other: Any) -> Any:  # type: ignore[override]
        theirs = set(other)
        return set([x for x in members_of(self) if x not in theirs])

    def symmetric_difference(self, other: Any) -> Any:
        return self.difference(other).union(set(other).difference(self))

    def difference_update(self, other: Any) -> None:  # type: ignore[override]
        for x in members_of(other):
            self.discard(x)

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

    def __isub__(self, other: Any) -> Any:
        self.difference_update(other)
        return self

    def __eq__(self, other: Any) -> bool:
        return len(self.marks) == len(other) and self.issubset(other)

    def __le__(self, other: Any) -> bool:
        return self.issubset(other)

    def __ge__(self, other: Any) -> bool:
        return self.issuperset(other)

    def __lt__(self, other: Any) -> bool:
        return len(self.marks) < len(other) and self.issubset(other)

    def __gt__(self, other: Any) -> bool:
        return len(self.marks) > len(other) and self.issuperset(other)

    def __iter__(self) -> Any:
        if self.shrunk:
            raise NotImplementedError("a set from which members were taken is run over: sort it first")
        return in_order_of_a_set(list(self.marks))

    __hash__ = None


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
