"""Parameters as one vector: nested containers flattened for an optimiser, and built again.

    flat, unravel = ravel({"w": w, "b": 0.5})
    minimize(lambda v: loss(unravel(v)), flat, jac=lambda v: ravel(grad(loss)(unravel(v)))[0])

`unravel` is a function that is written for the container, so it can be read and differentiated:

    def unravel(flat):
        return {"w": flat[0:6].reshape((2, 3)), "b": float(flat[6])}
"""

from __future__ import annotations

import dataclasses
import itertools
import linecache
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from .frontend.arguments import is_named_tuple
from .frontend.trees import is_number, made_by_init, opened

_NUMBERS = itertools.count()


def ravel(params: Any) -> tuple[np.ndarray, Callable[[Any], Any]]:
    """All the numbers of a nested container in one vector, and the function that builds the container again.

    Parameters
    ----------
    params : nested lists, tuples, named tuples, dicts, dataclasses and registered containers, or one array or
        number

    Returns
    -------
    flat : array of shape (n,), a new one: the floats, complex numbers and their arrays, in the order of the
        container; of the dtype that all of them have, or else of the one that holds them all
    unravel : takes an array of shape (n,) and gives a container like `params` in which each number and array
        has the kind, shape and dtype that it has there

    Integers, bools, None, strings and other objects are not in `flat`: `unravel` gives those of `params`. It
    raises ValueError for an array of another shape, and may stand in a function that is differentiated. The
    gradient with respect to a container has its structure, so `ravel(gradient)[0]` fits `flat`.

    >>> import numpy as np
    >>> from diffcompile import grad, ravel
    >>> params = {"w": np.array([[1.0, 2.0]]), "b": 0.5, "name": "line"}
    >>> flat, unravel = ravel(params)
    >>> flat
    array([1. , 2. , 0.5])
    >>> unravel(2.0 * flat)
    {'w': array([[2., 4.]]), 'b': 1.0, 'name': 'line'}
    >>> grad(lambda v: np.sum(unravel(v)["w"] ** 2) * unravel(v)["b"])(flat)
    array([1., 2., 5.])
    """
    leaves = list(_leaves(params))
    flat = np.concatenate([np.ravel(leaf) for leaf in leaves]) if leaves else np.zeros(0)
    kept: dict[str, Any] = {"np": np}
    built = _written(params, flat.dtype, itertools.count(), kept)
    text = (
        "def unravel(flat):\n"
        f"    if np.shape(flat) != ({flat.size},):\n"
        f'        raise ValueError("`unravel` takes an array of shape ({flat.size},)")\n'
        f"    return {built}\n"
    )
    file = f"<diffcompile unravel {next(_NUMBERS)}>"
    linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
    exec(compile(text, file, "exec"), kept)
    unravel: Callable[[Any], Any] = kept["unravel"]
    weakref.finalize(unravel, linecache.cache.pop, file, None)
    return flat, unravel


def _leaves(value: Any) -> Iterator[Any]:
    inside = opened(value)
    if inside is not None:
        for item in inside.items:
            yield from _leaves(item)
    elif is_number(value):
        yield value


def _written(value: Any, dtype: np.dtype, position: Iterator[int], kept: dict[str, Any]) -> str:
    """The expression that builds `value` out of `flat`; `kept` gets what it refers to."""
    inside = opened(value)
    if inside is None:
        return _leaf(value, dtype, position, kept) if is_number(value) else _constant(value, kept)
    parts = [_written(item, dtype, position, kept) for item in inside.items]
    kind = type(value)
    if kind is dict and all(type(key) in (str, int, bool) for key in inside.keys):
        return "{" + ", ".join(f"{k!r}: {part}" for k, part in zip(inside.keys, parts, strict=True)) + "}"
    if kind is list:
        return f"[{', '.join(parts)}]"
    if kind is tuple:
        return "(" + "".join(f"{part}, " for part in parts) + ")"
    if is_named_tuple(value) or dataclasses.is_dataclass(value) and made_by_init(value):
        named = ", ".join(f"{k}={part}" for k, part in zip(inside.keys, parts, strict=True))
        return f"{_name(kind, kind.__name__, kept)}({named})"
    return f"{_name(inside.build, 'build', kept)}([{', '.join(parts)}])"


def _leaf(value: Any, dtype: np.dtype, position: Iterator[int], kept: dict[str, Any]) -> str:
    places = list(itertools.islice(position, np.size(value)))
    first = places[0] if places else 0
    real = np.asarray(value).dtype.kind == "f" and dtype.kind == "c"
    if not isinstance(value, np.ndarray):
        item = f"flat[{first}]"
        item = f"np.real({item})" if real else item
        kind = type(value)
        return f"{kind.__name__ if kind in (float, complex) else _name(kind, kind.__name__, kept)}({item})"
    part = f"flat[{first}:{first + value.size}]"
    part = f"np.real({part})" if real else part
    part = part if value.ndim == 1 else f"{part}.reshape({value.shape})"
    have = np.empty(0, dtype).real.dtype if real else dtype
    return f"{part}.copy()" if have == value.dtype else f"{part}.astype({_name(value.dtype, 'dtype', kept)})"


def _constant(value: Any, kept: dict[str, Any]) -> str:
    """What is not in the vector: written out, or kept by name."""
    return repr(value) if type(value) in (int, bool, str, type(None)) else _name(value, "kept", kept)


def _name(thing: Any, name: str, kept: dict[str, Any]) -> str:
    candidate, number = name, 0
    while candidate in kept and kept[candidate] is not thing or candidate in ("flat", "unravel"):
        number += 1
        candidate = f"{name}_{number}"
    kept[candidate] = thing
    return candidate
