"""What functions of libraries do to the arrays that they are given: change them, fill them, or show them.

    np.copyto(y, v)                    changes `y`
    np.cumsum(x, out=y)                fills `y`; so does `x.cumsum(0, None, y)`
    np.broadcast_arrays(x, y)          shows both
    linalg.solve(a, b, overwrite_a=True)    may leave anything in `a`: that leave is not passed on
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Hashable
from typing import Any

import numpy as np

from ..ir.graph import Const
from .heap import Ref

CHANGING = frozenset({
    np.copyto, np.put, np.place, np.putmask, np.put_along_axis, np.fill_diagonal, np.ndarray.fill,
    np.ndarray.put,
    np.ndarray.sort, np.ndarray.partition, np.ndarray.resize, np.ndarray.setfield, np.ndarray.setflags,
    np.ndarray.byteswap, np.random.shuffle,
})  # fmt: skip

# What shows each of several arrays in another form.
SHOWING = (np.broadcast_arrays, np.atleast_1d, np.atleast_2d, np.atleast_3d)


def rearranges(subscripts: Ref) -> bool:
    """Do these subscripts of `einsum` take a diagonal of one array, or its axes in another order?"""
    if not isinstance(subscripts, Const) or not isinstance(subscripts.value, str):
        return True
    given, arrow, wanted = subscripts.value.replace(" ", "").partition("->")
    once = {c for c in given if given.count(c) == 1}
    return set(given) == set(wanted) if arrow else set(given) == once


def changes_argument(fn: Any) -> bool:
    """Does this function change its first argument in place?"""
    if isinstance(getattr(fn, "__self__", None), np.ufunc):
        return bool(fn.__name__ == "at")
    return isinstance(fn, Hashable) and fn in CHANGING


@functools.lru_cache(maxsize=1024)
def parameters_of(fn: Any) -> tuple[str, ...]:
    """The names of the parameters that can be given by position; none if they are not told."""
    try:
        parameters = inspect.signature(fn).parameters.values()
    except (TypeError, ValueError):
        return ()
    return tuple(p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD))


def without_overwriting(
    fn: Any, args: list[Ref], kwargs: dict[str, Ref]
) -> tuple[list[Ref], dict[str, Ref]]:
    """The arguments without the leave to overwrite them: what is left of them then is not defined."""
    module = (getattr(fn, "__module__", "") or "").partition(".")[0]
    if module not in ("numpy", "scipy") or not isinstance(fn, Hashable):
        return args, kwargs
    kwargs = {k: r for k, r in kwargs.items() if not k.startswith("overwrite")}
    names = parameters_of(fn) if len(args) > 2 else ()
    leave = {k for k, name in enumerate(names) if name.startswith("overwrite")}
    return [Const(False) if k in leave else a for k, a in enumerate(args)], kwargs


# Where the methods of an array take the array for their result, the array itself counted.
_OUT_OF_METHODS = {
    **dict.fromkeys((
        np.ndarray.max, np.ndarray.min, np.ndarray.any, np.ndarray.all, np.ndarray.argmax, np.ndarray.argmin,
        np.ndarray.round, np.ndarray.choose, np.ndarray.dot,
    ), 2),
    **dict.fromkeys((
        np.ndarray.sum, np.ndarray.prod, np.ndarray.cumsum, np.ndarray.cumprod, np.ndarray.mean,
        np.ndarray.std, np.ndarray.var, np.ndarray.clip, np.ndarray.take, np.ndarray.compress,
    ), 3),
    np.ndarray.trace: 5,
}  # fmt: skip


def out_position(fn: Any) -> int | None:
    """Where a function that is no ufunc takes the array for its result, if it may be given by position."""
    if isinstance(fn, Hashable) and fn in _OUT_OF_METHODS:
        return _OUT_OF_METHODS[fn]
    if isinstance(fn, np.ufunc) or not (getattr(fn, "__module__", "") or "").startswith("numpy"):
        return None
    names = parameters_of(fn) if isinstance(fn, Hashable) else ()
    return names.index("out") if "out" in names else None
