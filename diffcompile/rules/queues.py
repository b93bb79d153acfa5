"""`collections.deque` in the words of the language that the compiler reads: a list, and how long it may be.

    window = deque(maxlen=3)                    window = []
    window.append(v)                   ->       window.append(v)
                                                if len(window) > 3: window.pop(0)
"""

from __future__ import annotations

from collections import deque
from typing import Any


class Queue(deque[Any]):
    """What a deque is to the compiler, which reads these methods where those of a deque are called."""

    def __init__(self, iterable: Any = (), maxlen: Any = None) -> None:
        self.items = list(iterable)
        self.longest = maxlen
        if maxlen is not None:
            if len(self.items) > maxlen:
                self.items = self.items[len(self.items) - maxlen :]

    @property
    def maxlen(self) -> Any:
        return self.longest

    def append(self, x: Any) -> None:
        self.items.append(x)
        if self.longest is not None:
            if len(self.items) > self.longest:
                self.items.pop(0)

    def appendleft(self, x: Any) -> None:
        self.items.insert(0, x)
        if self.longest is not None:
            if len(self.items) > self.longest:
                self.items.pop()

    def pop(self) -> Any:  # type: ignore[override]
        return self.items.pop()

    def popleft(self) -> Any:
        return self.items.pop(0)

    def extend(self, iterable: Any) -> None:
        for x in iterable:
            self.append(x)

    def extendleft(self, iterable: Any) -> None:
        for x in iterable:
            self.appendleft(x)

    def rotate(self, n: Any = 1) -> None:
        if len(self.items) > 0:
            k = n % len(self.items)
            self.items[:] = self.items[len(self.items) - k :] + self.items[: len(self.items) - k]

    def clear(self) -> None:
        self.items.clear()

    def reverse(self) -> None:
        self.items.reverse()

    def insert(self, i: Any, x: Any) -> None:
        if self.longest is not None:
            if len(self.items) >= self.longest:
                raise IndexError("deque already at its maximum size")
        self.items.insert(i, x)

    def remove(self, value: Any) -> None:
        self.items.remove(value)

    def index(self, x: Any) -> Any:  # type: ignore[override]
        return self.items.index(x)

    def count(self, x: Any) -> Any:
        return self.items.count(x)

    def copy(self) -> Any:
        return deque(self.items, self.longest)

    def __len__(self) -> int:
        return len(self.items)

    def __bool__(self) -> bool:
        return len(self.items) > 0

    def __getitem__(self, index: Any) -> Any:
        return self.items[index]

    def __setitem__(self, index: Any, value: Any) -> None:
        self.items[index] = value

    def __delitem__(self, index: Any) -> None:
        del self.items[index]

    def __contains__(self, x: Any) -> bool:
        return x in self.items

    def __iter__(self) -> Any:
        return self.items
