"""Random draws out of a list or an array: the places are drawn, and what stands there is taken.

    rng.shuffle(items)         items[:] = [items[k] for k in shuffled_places(rng, len(items))]
    y = random.choice(items)   y = items[random.choice(range(len(items)))]

That draws what Python and NumPy draw, number by number, so the value is the same to the bit; what is drawn
has a derivative: it is an item.
"""

from __future__ import annotations

import operator
import random
from typing import Any

import numpy as np

from ..ir.graph import Const, Method
from ..ir.types import INT, RANGE, Type
from ..rules.definitions import put_in_order, taken_from
from ..rules.random import OWNERS, shuffled_places
from .heap import Obj, Ref, View

# What draws of what is handed to it first, and how many arguments more it takes by position.
PICKING = {"choice": 0, "choices": 3, "sample": 1}
_SEVERAL = Type("list", elem=INT)


def is_python(frame: Any, rng: Ref) -> bool:
    """Is this a generator of Python's own?"""
    made = frame.b.made_by(frame.atom(rng), random.Random)
    cls = frame.type_of(rng).cls
    return made is not None or isinstance(cls, type) and issubclass(cls, random.Random)


def is_numpy(frame: Any, rng: Ref) -> bool:
    """Is this a generator of NumPy's?"""
    made = frame.b.made_by(frame.atom(rng), np.random.default_rng, *OWNERS)
    return made is not None or frame.type_of(rng).cls in OWNERS


def shuffled(frame: Any, rng: Ref | None, args: list[Ref], kwargs: dict[str, Ref], module: Any = None) -> Ref:
    """`rng.shuffle(x)`, or that of `module`."""
    if len(args) != 1 or not kwargs.keys() <= {"axis"}:
        raise frame.refuse("`shuffle` with such arguments", "Hand it the list or the array alone.")
    kind = frame.type_of(args[0]).kind
    base = frame.written(args[0])
    numpy = module is np.random or rng is not None and is_numpy(frame, rng)
    axis = kwargs.get("axis", Const(0))
    if not isinstance(base, (Obj, View)) or kind not in ("list", "array"):
        raise frame.refuse("`shuffle` of what is not known to be a list or an array", "Make it one first.")
    if kind == "array" and not numpy and frame.type_of(base).rank != 1:
        raise frame.refuse(
            "`shuffle` exchanges items of an array, and those that are arrays overwrite each other",
            "Use `rng.shuffle` of a generator of NumPy: `rng = np.random.default_rng(0)`.",
        )
    count = frame.atom(frame.known(len, [base], {}, ""))
    if kind == "array" and "axis" in kwargs:
        count = frame.b.call(operator.getitem, frame.b.call(np.shape, frame.atom(base)), frame.atom(axis))
    if module is np.random:
        places = frame.b.call(np.random.permutation, count)
    elif numpy:
        places = frame.b.call(Method("permutation"), frame.atom(rng), count)
    else:
        places = frame.b.call(
            shuffled_places, Const(module) if rng is None else frame.atom(rng), count, type=_SEVERAL
        )
    if kind == "list":
        frame.defined(put_in_order, [base, frame.own(places)], {}, "")
        return Const(None)
    whole = frame.atom(base)
    mixed = frame.b.call(np.take, whole, places, kwargs={"axis": frame.atom(axis)}, type=whole.type)
    frame.store(base, operator.setitem, Const(Ellipsis), mixed)
    return Const(None)


def picked(
    frame: Any, fn: Any, rng: Ref | None, args: list[Ref], kwargs: dict[str, Ref], name: str
) -> Ref | None:
    """`random.choice(x)`, `choices`, `sample`; None where nothing that may vary is drawn."""
    label = fn.name if isinstance(fn, Method) else fn.__name__
    if not args or len(args) - 1 > PICKING[label] or "counts" in kwargs:
        return None
    items, *more = args
    if frame.type_of(items).kind not in ("list", "tuple", "array") or frame.constant(items) is not None:
        return None
    count = frame.atom(frame.known(len, [items], {}, ""))
    atoms = [frame.b.call(range, count, type=RANGE), *map(frame.argument, more)]
    named = {k: frame.argument(ref) for k, ref in kwargs.items()}
    given = atoms if rng is None else [frame.atom(rng), *atoms]
    drawn = frame.own(frame.b.call(fn, *given, kwargs=named, type=INT if label == "choice" else _SEVERAL))
    if label == "choice":
        return frame.subscript(items, drawn, name)  # type: ignore[no-any-return]
    return frame.defined(taken_from, [items, drawn], {}, name)  # type: ignore[no-any-return]


def _shuffle(module: Any) -> Any:
    def lowered(frame: Any, args: list[Ref], kwargs: dict[str, Ref], name: str) -> Ref:
        return shuffled(frame, None, args, kwargs, module)

    return lowered


def _pick(fn: Any) -> Any:
    def lowered(frame: Any, args: list[Ref], kwargs: dict[str, Ref], name: str) -> Ref | None:
        return picked(frame, fn, None, args, kwargs, name)

    return lowered


# The functions of the modules, which draw from the generator that all share.
DRAWING: dict[Any, Any] = {
    random.shuffle: _shuffle(random), np.random.shuffle: _shuffle(np.random),
    **{fn: _pick(fn) for fn in (random.choice, random.choices, random.sample)},
}  # fmt: skip
