"""Which elements of the arguments each element of a result depends on, gathered while a program runs.

    a = x[0] * x[1]; b = a + x[2]         node 4 = {1, 2}, node 5 = {4, 3}: b depends on 1, 2 and 3

Every number of the program that depends on the arguments has the number of a node, 0 if it depends on none of
them. Nodes 1 to n are the elements of the arguments themselves; another one stands for the union of those
that it points to, which are older. A number that depends on what another one does shares its node. Unions are
written down, not formed, so that a sum that grows in a loop costs what its terms do; `rows` forms those of
the results alone, all at once.
"""

from __future__ import annotations

import numpy as np

Nodes = np.ndarray  # an array of the numbers of nodes
NUMBER = np.int64


class Dependencies:
    """The nodes of one run over `size` elements of the arguments."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.count = size + 1
        # The edges one by one, and many at once.
        self._ends: list[int] = []
        self._starts: list[int] = []
        self._many: list[tuple[Nodes, Nodes]] = []

    def union(self, a: int, b: int) -> int:
        """The node of what depends on both."""
        if not a or a == b:
            return b
        if not b:
            return a
        node = self.count
        self.count += 1
        self._ends += (node, node)
        self._starts += (a, b)
        return node

    def fresh(self, shape: tuple[int, ...]) -> Nodes:
        """Nodes that do not depend on anything yet."""
        size = int(np.prod(shape, dtype=np.int64))
        first = self.count
        self.count += size
        return np.arange(first, first + size, dtype=NUMBER).reshape(shape)

    def connect(self, ends: Nodes, starts: Nodes) -> None:
        """Have each of the nodes `ends` depend on what the one of `starts` beside it does."""
        ends, starts = np.broadcast_arrays(ends, starts)
        real = starts > 0
        self._many.append((ends[real], starts[real]))

    def joined(self, a: Nodes, b: Nodes) -> Nodes:
        """The unions of nodes in the same places; a new array."""
        a, b = np.broadcast_arrays(a, b)
        found = np.where(a > 0, a, b)
        both = (a > 0) & (b > 0) & (a != b)
        if both.any():
            nodes = self.fresh((int(np.count_nonzero(both)),))
            self.connect(nodes, a[both])
            self.connect(nodes, b[both])
            found[both] = nodes
        return found

    def together(self, nodes: Nodes) -> int:
        """The node of what depends on all of these."""
        distinct = unique(nodes)
        distinct = distinct[distinct > 0]
        if len(distinct) < 2:
            return int(distinct[0]) if len(distinct) else 0
        node = self.fresh(())
        self.connect(node, distinct)
        return int(node)

    def rows(self, results: Nodes) -> tuple[np.ndarray, np.ndarray]:
        """The elements that each of these results depends on: positions of results, positions of elements.

        Every pair appears once, in order. A node that one other alone points to is taken for that one first;
        then all results go down from the highest nodes to the lowest at once, and each pair of a result and a
        node is looked at once.
        """
        ends, starts = self._edges(results)
        level = self._levels(ends, starts)
        order = np.argsort(ends, kind="stable")
        starts = starts[order]
        first = np.searchsorted(ends[order], np.arange(self.count + 1))
        waiting: dict[int, list[np.ndarray]] = {}

        def wait(pairs: np.ndarray) -> None:
            heights = level[pairs % self.count]
            low, high = (int(heights.min()), int(heights.max())) if len(heights) else (0, -1)
            if low == high:
                waiting.setdefault(low, []).append(pairs)
                return
            by_height = np.argsort(heights, kind="stable")
            cuts = np.flatnonzero(np.diff(heights[by_height])) + 1
            for part in np.split(pairs[by_height], cuts):
                if len(part):
                    waiting.setdefault(int(level[part[0] % self.count]), []).append(part)

        real = np.flatnonzero(results > 0)
        wait(real * self.count + results[real])
        top = max(waiting, default=0)
        for height in range(top, 0, -1):
            if height not in waiting:
                continue
            pairs = unique(np.concatenate(waiting.pop(height)))
            row, node = pairs // self.count, pairs % self.count
            lengths = first[node + 1] - first[node]
            offsets = np.cumsum(lengths) - lengths
            places = np.arange(lengths.sum()) + np.repeat(first[node] - offsets, lengths)
            wait(np.repeat(row, lengths) * self.count + starts[places])
        pairs = unique(np.concatenate(waiting.get(0, [np.zeros(0, NUMBER)])))
        return pairs // self.count, pairs % self.count - 1

    def _edges(self, results: Nodes) -> tuple[np.ndarray, np.ndarray]:
        """All edges, those through nodes that only one other points to drawn together."""
        ends = np.concatenate([np.array(self._ends, NUMBER), *(e for e, _ in self._many)])
        starts = np.concatenate([np.array(self._starts, NUMBER), *(s for _, s in self._many)])
        uses = np.bincount(starts, minlength=self.count)
        uses[: self.size + 1] = 2  # the elements stay what they are
        uses[results[results > 0]] = 2
        single = uses[starts] == 1
        owner = np.arange(self.count)
        owner[starts[single]] = ends[single]
        while True:
            further = owner[owner]
            if np.array_equal(further, owner):
                break
            owner = further
        ends = owner[ends]
        kept = ~single
        return ends[kept], starts[kept]

    def _levels(self, ends: np.ndarray, starts: np.ndarray) -> np.ndarray:
        """How many unions each node is above the elements, at most."""
        level = np.zeros(self.count, NUMBER)
        # A node is newer than those that it points to, and its level is known once theirs are.
        order = np.argsort(ends, kind="stable")
        ends, starts = ends[order], starts[order]
        inner = starts > self.size
        level[ends] = 1
        ends, starts = ends[inner], starts[inner]
        if not len(ends):
            return level
        pending = np.bincount(ends, minlength=self.count)
        by_start = np.argsort(starts, kind="stable")
        up, down = ends[by_start], starts[by_start]
        first = np.searchsorted(down, np.arange(self.count + 1))
        ready = unique(down)
        ready = ready[pending[ready] == 0]
        height = 1
        while len(ready):
            level[ready] = height
            lengths = first[ready + 1] - first[ready]
            offsets = np.cumsum(lengths) - lengths
            reached = up[np.arange(lengths.sum()) + np.repeat(first[ready] - offsets, lengths)]
            if not len(reached):
                break
            nodes, counts = np.unique(reached, return_counts=True)
            pending[nodes] -= counts
            ready = nodes[pending[nodes] == 0]
            height += 1
        return level


def unique(numbers: np.ndarray) -> np.ndarray:
    """The distinct ones of these numbers, in order.

    >>> unique(np.array([3, 1, 3]))
    array([1, 3])
    """
    ordered = np.sort(numbers, axis=None)
    return ordered[np.concatenate([[True], ordered[1:] != ordered[:-1]])] if len(ordered) else ordered
