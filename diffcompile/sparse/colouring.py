"""Colours: a sparsity pattern -> which columns (or rows) one direction can serve together.

    x x . .        the columns 0 and 2 have no row in common, nor have 1 and 3:
    . x x .        two directions, (1, 0, 1, 0) and (0, 1, 0, 1), give the whole matrix
    . . x x

`columns` colours greedily, in the order of the columns and in that of their lengths (Curtis, Powell and Reid,
On the estimation of sparse Jacobian matrices, 1974). `symmetric` colours the columns of a symmetric matrix so
that each element, or the one across the diagonal, stands alone: a star colouring (Gebremedhin, Manne and
Pothen, What color is your Jacobian?, 2005, section 4.2; the bookkeeping of two-coloured stars is that of
Gebremedhin, Tarafdar, Manne and Pothen, 2007). An arrow takes two. Sets of colours are the bits of an int, so
that a column costs as many steps as it has elements.
"""

from __future__ import annotations

import numpy as np

_LONG = 1000  # from so many on, a band is not coloured column by column


def columns(rows: np.ndarray, cols: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """A colour for each column, such that no two columns of a colour have an element in the same row.

    >>> columns(np.array([0, 0, 1, 1, 2, 2]), np.array([0, 1, 1, 2, 2, 3]), (3, 4))
    array([0, 1, 0, 1])
    """
    m, n = shape
    found = _periodic(rows, cols, n)
    if found is not None:
        return found
    fewest = int(np.bincount(rows).max())
    lengths = np.bincount(cols, minlength=n)
    if fewest == np.count_nonzero(lengths):
        return np.where(lengths > 0, np.cumsum(lengths > 0) - 1, 0)  # a row is full
    order = np.lexsort((rows, cols))
    given, starts = rows[order].tolist(), np.concatenate([[0], np.cumsum(lengths)]).tolist()
    found = _greedy(range(n), given, starts, m, n)
    if found.max() + 1 > fewest:
        longest = np.argsort(-lengths, kind="stable").tolist()
        other = _greedy(longest, given, starts, m, n)
        found = min(found, other, key=lambda colours: int(colours.max()))
    return found


def _periodic(rows: np.ndarray, cols: np.ndarray, n: int) -> np.ndarray | None:
    """The colours 0, 1, 2, 0, 1, 2 ..., as many as the longest row has elements, of a band or of blocks."""
    count = int(np.bincount(rows).max()) if len(rows) else 1
    colours = np.arange(n) % count
    keys = np.sort(rows * count + colours[cols])
    return None if np.any(keys[1:] == keys[:-1]) else colours


def _greedy(order: object, rows: list[int], starts: list[int], m: int, n: int) -> np.ndarray:
    """The first colour that is free, one column after the other."""
    taken = [0] * m  # the colours in each row
    colours = [0] * n
    for j in order:  # type: ignore[attr-defined]
        mine = rows[starts[j] : starts[j + 1]]
        used = 0
        for i in mine:
            used |= taken[i]
        free = ~used & (used + 1)
        colours[j] = free.bit_length() - 1
        for i in mine:
            taken[i] |= free
    return np.array(colours, dtype=np.int64)


def symmetric(rows: np.ndarray, cols: np.ndarray, n: int) -> np.ndarray:
    """A star colouring of the columns of a symmetric pattern: an element stands alone in its row among those
    of its column's colour, or the element across the diagonal does.

    >>> arrow = np.array([0, 0, 0, 1, 2, 1, 2]), np.array([0, 1, 2, 0, 0, 1, 2])
    >>> symmetric(*arrow, 3)
    array([0, 1, 1])
    """
    if n > _LONG:
        found = _periodic(rows, cols, n)
        count = 0 if found is None else int(found.max()) + 1
        if found is not None and count * n <= len(rows) + count**2 // 2:
            return found  # but for the ends of a band, all rows are as long
    beside = rows != cols
    order = np.lexsort((cols[beside], rows[beside]))
    near = cols[beside][order].tolist()
    starts = np.concatenate([[0], np.cumsum(np.bincount(rows[beside], minlength=n))]).tolist()
    colours = [-1] * n
    present, twice = [0] * n, [0] * n  # of the neighbours of a vertex: their colours, those of several
    barred = [0] * n  # the colours of neighbours to which this vertex is one of several of its colour
    first: dict[tuple[int, int], int] = {}  # the neighbour of a vertex that was the first of a colour
    for v in range(n):
        mine = near[starts[v] : starts[v + 1]]
        several = twice[v]
        used = 0
        for w in mine:
            c = colours[w]
            if c >= 0:
                used |= 1 << c | barred[w]
                if several >> c & 1:
                    used |= present[w]
        free = ~used & (used + 1)
        c = colours[v] = free.bit_length() - 1
        for w in mine:
            other = colours[w]
            if not present[w] & free:
                present[w] |= free
                first[w, c] = v
            else:
                if not twice[w] & free and other >= 0:
                    barred[first[w, c]] |= 1 << other
                twice[w] |= free
                if other >= 0:
                    barred[v] |= 1 << other
            if other >= 0 and several >> other & 1:
                barred[w] |= free
    return np.array(colours, dtype=np.int64)
