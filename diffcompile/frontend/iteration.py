"""Python's iterators as generators that the frontend reads: `map`, `filter`, `itertools`, a strict `zip`.

    for v in itertools.chain(x, y): ...        for v in x: ...
                                               for v in y: ...

They stand in for the iterators of the library where what these run over is not known, so it may vary.
"""

from __future__ import annotations

import builtins
import functools
import itertools
import math
from collections.abc import Iterator
from typing import Any

import numpy as np


def mapped(fn: Any, items: Any) -> Iterator[Any]:
    for item in items:
        yield fn(item)


def mapped_pairs(fn: Any, first: Any, second: Any) -> Iterator[Any]:
    for a, b in zip(first, second, strict=False):
        yield fn(a, b)


def filtered(fn: Any, items: Any) -> Iterator[Any]:
    for item in items:
        kept = item if fn is None else fn(item)
        if kept:
            yield item


def true_ones(items: Any) -> Iterator[Any]:
    for item in items:
        if item:
            yield item


def iterated(items: Any) -> Iterator[Any]:
    yield from items


def strictly_zipped(first: Any, second: Any) -> Iterator[Any]:
    yield from zip(first, second, strict=False)
    if len(second) < len(first):
        raise ValueError("zip() argument 2 is shorter than argument 1")
    if len(second) > len(first):
        raise ValueError("zip() argument 2 is longer than argument 1")


def of_one_length(first: int, other: int, shorter: str, longer: str) -> None:
    """Raise ValueError, as a strict `zip` does, unless two lengths are one."""
    if other < first:
        raise ValueError(shorter)
    if other > first:
        raise ValueError(longer)


def zipped_after(first: Any, items: Any) -> Iterator[Any]:
    """`zip(first, items)`: what is made last is asked for last, and not once more behind the end."""
    k = 0
    if len(first) > 0:
        for item in items:
            yield first[k], item
            k += 1
            if k == len(first):
                break


def zipped_before(items: Any, second: Any) -> Iterator[Any]:
    """`zip(items, second)`: one item is made of which nothing comes."""
    k = 0
    for item in items:
        if k == len(second):
            break
        yield item, second[k]
        k += 1


def chained(first: Any, second: Any) -> Iterator[Any]:
    for item in first:
        yield item
    for item in second:
        yield item


def chained_three(first: Any, second: Any, third: Any) -> Iterator[Any]:
    for item in first:
        yield item
    for item in second:
        yield item
    for item in third:
        yield item


def paired(items: Any) -> Iterator[Any]:
    for k in range(len(items) - 1):
        yield items[k], items[k + 1]


def sliced(items: Any, stop: Any) -> Iterator[Any]:
    yield from items[:stop]


def sliced_from(items: Any, start: Any, stop: Any) -> Iterator[Any]:
    yield from items[start:stop]


def product_of_two(first: Any, second: Any) -> Iterator[Any]:
    for a in first:
        for b in second:
            yield a, b


def cycled(items: Any) -> Iterator[Any]:
    while True:
        yield from items


def repeated(value: Any, times: Any) -> Iterator[Any]:
    for _ in range(times):
        yield value


def starmapped(fn: Any, items: Any) -> Iterator[Any]:
    for a, b in items:
        yield fn(a, b)


def taken_while(fn: Any, items: Any) -> Iterator[Any]:
    for item in items:
        if not fn(item):
            break
        yield item


def index_of_one(n: int) -> Iterator[Any]:
    for i in range(n):
        yield (i,)


def index_of_two(n: int, m: int) -> Iterator[Any]:
    for i in range(n):
        for j in range(m):
            yield i, j


def index_of_three(n: int, m: int, p: int) -> Iterator[Any]:
    for i in range(n):
        for j in range(m):
            for k in range(p):
                yield i, j, k


def numbered_line(x: Any) -> Iterator[Any]:
    for i in range(x.shape[0]):
        yield (i,), x[i]


def numbered_matrix(x: Any) -> Iterator[Any]:
    for i in range(x.shape[0]):
        for j in range(x.shape[1]):
            yield (i, j), x[i, j]


def numbered_block(x: Any) -> Iterator[Any]:
    for i in range(x.shape[0]):
        for j in range(x.shape[1]):
            for k in range(x.shape[2]):
                yield (i, j, k), x[i, j, k]


# By the number of axes: what stands in for `np.ndindex` and `np.ndenumerate`.
PLACES = {1: index_of_one, 2: index_of_two, 3: index_of_three}
ELEMENTS = {1: numbered_line, 2: numbered_matrix, 3: numbered_block}

# By the iterator and the number of its arguments: the generator that stands in for it.
GENERATORS: dict[tuple[Any, int], Any] = {
    (builtins.map, 2): mapped, (builtins.map, 3): mapped_pairs, (builtins.filter, 2): filtered,
    (itertools.chain, 2): chained, (itertools.chain, 3): chained_three, (itertools.pairwise, 1): paired,
    (itertools.islice, 2): sliced, (itertools.islice, 3): sliced_from,
    (itertools.product, 2): product_of_two, (itertools.cycle, 1): cycled, (itertools.repeat, 2): repeated,
    (itertools.starmap, 2): starmapped, (itertools.takewhile, 2): taken_while,
}  # fmt: skip

# Which of their arguments these run over: of a dict, that is its keys.
_FIRST, _ALL, _REST = slice(0, 1), slice(None), slice(1, None)
RUN_OVER: dict[Any, slice] = {
    **dict.fromkeys((
        list, tuple, set, frozenset, sorted, reversed, iter, enumerate, any, all, sum, min, max,
        dict.fromkeys, math.fsum, math.prod, np.fromiter, itertools.accumulate, itertools.pairwise,
        itertools.islice, itertools.cycle, itertools.combinations, itertools.permutations,
    ), _FIRST),
    zip: _ALL, itertools.chain: _ALL, itertools.product: _ALL,
    map: _REST, filter: _REST, functools.reduce: slice(1, 2), itertools.starmap: _REST,
    itertools.takewhile: _REST, itertools.dropwhile: _REST,
}  # fmt: skip
# What gives an iterator, which is run over once.
ONCE = (iter, zip, enumerate, reversed, map, filter)
# What needs the whole of what it runs over at once.
LISTING = frozenset({sorted, min, max})
