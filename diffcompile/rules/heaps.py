"""`heapq` in the words of the language that the compiler reads: a list, no item of it less than its parent.

    heapq.heappush(heap, item)        ->        heap.append(item)
                                                the item goes up as long as its parent is larger

The list is in the same order after each call as the library leaves it in.
"""

from __future__ import annotations

import heapq
from typing import Any

from .definitions import defines


def risen(heap: Any, start: int, place: int) -> None:
    """The item at a place goes up, as long as its parent is larger."""
    item = heap[place]
    while place > start:
        above = (place - 1) // 2
        parent = heap[above]
        if not item < parent:
            break
        heap[place] = parent
        place = above
    heap[place] = item


def sunk(heap: Any, place: int) -> None:
    """The smaller child comes up all the way to a leaf; the item at the place goes there, and rises again."""
    start, end = place, len(heap)
    item = heap[place]
    child = 2 * place + 1
    while child < end:
        if child + 1 < end and not heap[child] < heap[child + 1]:
            child += 1
        heap[place] = heap[child]
        place = child
        child = 2 * place + 1
    heap[place] = item
    risen(heap, start, place)


@defines(heapq.heappush)
def _(heap: Any, item: Any) -> None:
    heap.append(item)
    risen(heap, 0, len(heap) - 1)


@defines(heapq.heappop)
def _(heap: Any) -> Any:
    last = heap.pop()
    if len(heap) > 0:
        first = heap[0]
        heap[0] = last
        sunk(heap, 0)
        return first
    return last


@defines(heapq.heapify)
def _(x: Any) -> None:
    for place in range(len(x) // 2 - 1, -1, -1):
        sunk(x, place)


@defines(heapq.heappushpop)
def _(heap: Any, item: Any) -> Any:
    if len(heap) > 0 and heap[0] < item:
        first = heap[0]
        heap[0] = item
        sunk(heap, 0)
        return first
    return item


@defines(heapq.heapreplace)
def _(heap: Any, item: Any) -> Any:
    first = heap[0]
    heap[0] = item
    sunk(heap, 0)
    return first


@defines(heapq.nsmallest)
def _(n: int, iterable: Any, key: Any = None) -> Any:
    ordered = sorted(iterable) if key is None else sorted(iterable, key=key)
    return ordered[: max(n, 0)]


@defines(heapq.nlargest)
def _(n: int, iterable: Any, key: Any = None) -> Any:
    ordered = sorted(iterable, reverse=True) if key is None else sorted(iterable, key=key, reverse=True)
    return ordered[: max(n, 0)]
