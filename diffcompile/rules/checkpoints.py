"""Trading memory for computing again: what a user writes around a function or what a loop runs over.

    for i in checkpoint(range(n)):        one state is kept for every sqrt(n) turns
    for i in checkpoint(x, snapshots=8):  eight states are kept
    y = checkpoint(layer)(w, x)           w and x are kept, and nothing that `layer` computes of them
"""

from __future__ import annotations

import functools
import math
from typing import Any, TypeVar

T = TypeVar("T")


def checkpoint(what: T, snapshots: int | None = None) -> T:
    """A function, or what a loop runs over, whose intermediate values are computed again, not saved.

    Parameters
    ----------
    what : a function, or a range, array, list or tuple that a `for` runs over
    snapshots : of a loop: how many states may be kept at once; None: about the square root of its turns

    Without a derivative it changes nothing: the function gives what it gave, the loop runs over the same
    items. In a derivative, the forward pass keeps the arguments of the function, or the state of the loop at
    the first turn of each segment; the backward pass runs that part again, with all that it needs, and then
    back. With `snapshots` the turns are run again as rarely as so many states allow (Griewank and Walther,
    2000). A loop may be left by `break` or `return`: the turns that it ran are run again. Checkpoints may
    stand inside each other, and be differentiated again.

    Prints happen once. Arrays of the caller's that a loop writes are written after each segment (so, if a
    turn raises, without the turns of its own segment). What is checkpointed may not draw random numbers, nor
    change lists, dicts and objects of the caller's: that would happen twice, and is refused
    (`UnsupportedSyntax`) when the derivative is compiled. Raises TypeError for what is neither a function nor
    can be run over, ValueError for fewer snapshots than 1.

    >>> from diffcompile import grad
    >>> def orbit(k, n):
    ...     x = 0.5
    ...     for _ in checkpoint(range(n)):
    ...         x = k * x * (1.0 - x)
    ...     return x
    >>> grad(orbit)(2.0, 100)
    0.25
    >>> @checkpoint
    ... def square(x): return x * x
    >>> grad(lambda x: square(x) + x)(3.0)
    7.0
    """
    if snapshots is not None and (isinstance(snapshots, bool) or not isinstance(snapshots, int)):
        raise TypeError(f"`snapshots` is a number of states, not {snapshots!r}")
    if snapshots is not None and snapshots < 1:
        raise ValueError(f"at least one state is kept, so `snapshots` is not {snapshots}")
    if callable(what) and not hasattr(what, "__iter__"):
        if snapshots is not None:
            raise TypeError("`snapshots` is for loops: a function keeps its arguments")
        made: T = _checkpointed(what)
        return made
    iter(what)  # type: ignore[call-overload]
    return what


def _checkpointed(fn: Any) -> Any:
    """The function that the frontend knows to be one that is run again."""

    @functools.wraps(fn)
    def called(*args: Any, **kwargs: Any) -> Any:
        return fn(*args, **kwargs)

    called.checkpointed = fn  # type: ignore[attr-defined]
    return called


def middle(count: int, snapshots: int) -> int:
    """Where to split `count` turns so that, with so many states, the fewest are run again.

    The first part is run with as many states, the second with one fewer. Griewank and Walther, Algorithm 799
    (2000): with s states and no turn run more than r times, C(s + r, s) turns can be reversed.

    >>> [middle(n, 2) for n in (2, 3, 6, 10)]
    [1, 1, 3, 6]
    """
    if snapshots < 1:
        return count - 1
    runs = 1
    while math.comb(snapshots + runs, snapshots) < count:
        runs += 1
    behind = math.comb(snapshots + runs - 2, snapshots - 1)
    before = math.comb(snapshots + runs - 2, snapshots)
    return max(min(count - behind, math.comb(snapshots + runs - 1, snapshots)), before, 1)
