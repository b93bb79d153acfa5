"""Nested containers as trees: what is inside one, and the same function on every number and array in it.

    tree_map(lambda p, g: p - 0.1 * g, params, gradient)

Containers are lists, tuples, named tuples, dicts, dataclasses and what is registered; everything else is a
leaf. A leaf that has no derivative (an integer, a bool, None, a string) stays what it is.
"""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import WrongArgument
from ..rules.containers import with_attributes
from .arguments import REGISTERED, field_names, is_named_tuple


@dataclass(frozen=True, slots=True, eq=False)
class Opened:
    """A container: what its items are called, the items, and how one of its kind is made of other items."""

    keys: tuple[Any, ...]
    items: tuple[Any, ...]
    build: Callable[[list[Any]], Any]


def opened(value: Any) -> Opened | None:
    """What is inside a container; None for a leaf."""
    kind = type(value)
    if kind in REGISTERED:
        flatten, unflatten = REGISTERED[kind]
        items, rest = flatten(value)
        return Opened(tuple(range(len(items))), tuple(items), lambda made: unflatten(rest, type(items)(made)))
    if isinstance(value, dict):
        return Opened(tuple(value), tuple(value.values()), lambda made: _dict_like(value, made))
    if is_named_tuple(value):
        return Opened(kind._fields, tuple(value), lambda made: kind(*made))
    if isinstance(value, (list, tuple)):
        return Opened(tuple(range(len(value))), tuple(value), kind)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        names = field_names(value)

        def build(made: list[Any]) -> Any:
            attributes = dict(zip(names, made, strict=True))
            return kind(**attributes) if made_by_init(value) else with_attributes(kind, attributes)

        return Opened(names, tuple(getattr(value, n) for n in names), build)
    return None


def made_by_init(value: Any) -> bool:
    """Does calling a dataclass with its fields give one with those fields?"""
    return not hasattr(value, "__post_init__") and all(f.init for f in dataclasses.fields(value))


def _dict_like(value: dict[Any, Any], made: list[Any]) -> Any:
    if type(value) is dict:
        return dict(zip(value, made, strict=True))
    fresh = copy.copy(value)
    fresh.update(zip(value, made, strict=True))
    return fresh


def is_number(value: Any) -> bool:
    """Is this leaf a float, a complex number, or an array of those?"""
    if isinstance(value, (np.ndarray, np.generic)):
        return value.dtype.kind in "fc"
    return isinstance(value, (float, complex))


def tree_map(f: Callable[..., Any], tree: Any, *rest: Any) -> Any:
    """A container like `tree` with `f(leaf, *leaves)` for each of its floats and arrays of floats.

    Parameters
    ----------
    f : a function of a leaf of `tree`, and of what stands in the same place in each of `rest`
    tree : nested lists, tuples, named tuples, dicts, dataclasses and registered containers
    rest : containers of the structure of `tree`, such as its gradient

    Complex numbers are mapped as floats are. Integers, bools, None, strings and other objects of `tree` stay
    what they are, so a gradient, in which they are None, fits. Raises WrongArgument, with the place, where a
    structure differs. It may stand in a function that is differentiated.

    >>> from diffcompile import grad, tree_map
    >>> params = {"w": 3.0, "layers": [1.0, 2.0], "steps": 5}
    >>> gradient = grad(lambda p: p["w"] * sum(p["layers"]) / p["steps"])(params)
    >>> tree_map(lambda p, g: p - g, params, gradient)
    {'w': 2.4, 'layers': [0.4, 1.4], 'steps': 5}
    """
    return _mapped(f, tree, rest, "")


def _mapped(f: Callable[..., Any], tree: Any, rest: tuple[Any, ...], place: str) -> Any:
    inside = opened(tree)
    if inside is None:
        return f(tree, *rest) if is_number(tree) else tree
    others = []
    for other in rest:
        found = opened(other)
        if found is None or found.keys != inside.keys:
            raise WrongArgument(
                f"the containers differ in structure at {f'`{place[1:]}`' if place else 'the top'}",
                None,
                "Pass containers with the same keys and lengths.",
            )
        others.append(found.items)
    return inside.build(
        [
            _mapped(f, item, tuple(items), f"{place}.{key}")
            for key, item, *items in zip(inside.keys, inside.items, *others, strict=True)
        ]
    )
