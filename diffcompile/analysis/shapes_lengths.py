"""Lengths: what is known of the length of an axis that came out of other lengths.

n against 1: n        n against 3: 3        n against m: what is proved not to be 1, or a fresh one
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable

from ..ir.types import Dim, Size, minus, not_one

Shape = tuple[Size, ...]
ANY_INT = Dim("?")

_counter = itertools.count()


def reset_dims() -> None:
    """Name fresh lengths from the start again, so that one program always gets the same names."""
    global _counter
    _counter = itertools.count()


def fresh_dim(maybe_one: bool = True) -> Dim:
    """A length of which nothing else is known."""
    return Dim(f"?{next(_counter)}", 0, maybe_one)


def fresh(rank: int) -> Shape:
    return tuple(fresh_dim() for _ in range(rank))


def same(a: Size, b: Size) -> bool:
    """Are these two lengths proved equal? (`~` stands for whatever two paths brought together.)"""
    return a == b and not (isinstance(a, Dim) and a.name == "~")


def meet(a: Size, b: Size) -> Size:
    """The length of the broadcast of an axis of length `a` against one of length `b`."""
    if a == 1:
        return b
    if b == 1 or same(a, b):
        return a
    if isinstance(a, int):
        return a
    if isinstance(b, int):
        return b
    if not_one(a):
        return a
    return b if not_one(b) else fresh_dim()


def broadcast(*shapes: Shape) -> Shape:
    """The shape of a broadcast.

    >>> broadcast((Dim("n"), 1), (Dim("k", maybe_one=False),))
    (Dim(name='n', minus=0, maybe_one=True), Dim(name='k', minus=0, maybe_one=False))
    """
    out: Shape = ()
    for shape in shapes:
        if len(shape) < len(out):
            shape, out = out, shape
        lead = len(shape) - len(out)
        out = (*shape[:lead], *map(meet, shape[lead:], out))
    return out


def unify(a: Size, b: Size) -> Size:
    """One length that is described by both `a` and `b`."""
    if isinstance(a, int) or (not_one(a) and not isinstance(b, int)):
        return a
    return b if isinstance(b, int) or not_one(b) else a


def added(sizes: Iterable[Size]) -> Size:
    """The sum of lengths."""
    sizes = [s for s in sizes if s != 0]
    known = sum(s for s in sizes if isinstance(s, int))
    dims = [s for s in sizes if isinstance(s, Dim)]
    if not dims:
        return known
    if len(dims) == 1 and not known:
        return dims[0]
    return fresh_dim(maybe_one=known < 2 and not all(map(not_one, sizes)))


def product(sizes: Iterable[Size]) -> Size:
    """The product of lengths."""
    sizes = [s for s in sizes if s != 1]
    if not sizes or all(isinstance(s, int) for s in sizes):
        return math.prod(s for s in sizes if isinstance(s, int))
    if 0 in sizes:
        return 0
    return sizes[0] if len(sizes) == 1 else fresh_dim(maybe_one=not any(map(not_one, sizes)))


def least(a: Size, b: Size) -> Size:
    """The smaller of two lengths."""
    if isinstance(a, int) and isinstance(b, int):
        return min(a, b)
    if isinstance(a, Dim) and isinstance(b, Dim) and a.name == b.name != "~":
        return a if a.minus >= b.minus else b
    return fresh_dim(maybe_one=not (not_one(a) and not_one(b)))


def shortened(size: Size, k: int) -> Size:
    """`size - k`, where a negative `k` lengthens."""
    if k >= 0:
        return minus(size, k)
    return added((size, -k))
