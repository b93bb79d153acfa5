"""Functions of one row made functions of many: `vmap`.

    vmap(f)(x)      np.stack([f(row) for row in x]), in one pass over the function
"""

from __future__ import annotations

import dataclasses
import functools
import inspect
import keyword
import linecache
from collections.abc import Callable
from typing import Any

import numpy as np

from .compiled import Case, Derivative, told_apart
from .errors import WrongArgument
from .frontend.arguments import DERIVING, describe
from .frontend.trees import tree_map

Axes = int | tuple[int | None, ...]


def vmap(fun: Callable[..., Any] | None = None, in_axes: Axes = 0, out_axes: int = 0) -> Any:
    """The function of many rows that `fun` is of one, without a loop where NumPy has one.

    Parameters
    ----------
    fun : a function of arrays, numbers and containers of them, which may return any of those
    in_axes : the axis of each argument that the rows lie along, or one for all; None for an argument that is
        the same for all rows. That of a container is that of all its arrays, and is 0
    out_axes : the axis of the results that the rows lie along

    What depends on no row is computed once, prints and random draws among it. A function without a rule for
    many rows runs in a loop over them, and so does an `if` or a `while` whose test differs from row to row.
    Returns an object that is called as the function is; `.source` is its code. Raises `WrongArgument` where
    the arguments have different numbers of rows.

    >>> vmap(lambda x, k: np.sum(x) * k, in_axes=(0, None))(np.array([[1.0, 2.0], [3.0, 4.0]]), 10.0)
    array([30., 70.])
    """
    if fun is None:
        return lambda fn: Mapped(fn, in_axes, out_axes)
    return Mapped(fun, in_axes, out_axes)


class Mapped(Derivative):
    """What `vmap` returns: compiled once for each pattern of the kinds and ranks of its arguments."""

    def __init__(self, fn: Callable[..., Any], in_axes: Axes = 0, out_axes: int = 0) -> None:
        super().__init__(fn, "vmap")
        self._in_axes = in_axes
        self._out_axis = out_axes
        self.axes = in_axes, out_axes

    @functools.cached_property
    def written(self) -> Callable[..., Any]:
        """The function that does nothing but call this one."""
        name = self.__name__ if self.__name__.isidentifier() and not keyword.iskeyword(self.__name__) else "f"
        parameters = [p.replace(annotation=p.empty) for p in self._signature.parameters.values()]
        head = inspect.Signature([p.replace(default=p.empty) for p in parameters])
        given = ", ".join(_handed_on(p) for p in parameters)
        text = f"def {name}{head}:\n    return rows_of_{name}({given})\n"
        file = f"<vmap of {name}>"
        linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
        scope: dict[str, Any] = {f"rows_of_{name}": self, "__name__": __name__}
        exec(compile(text, file, "exec"), scope)
        made = scope[name]
        defaults = {p.name: p.default for p in parameters if p.default is not p.empty}
        named = {p.name for p in parameters if p.kind is p.KEYWORD_ONLY}
        made.__defaults__ = tuple(d for n, d in defaults.items() if n not in named) or None
        made.__kwdefaults__ = {n: d for n, d in defaults.items() if n in named}
        return made  # type: ignore[no-any-return]

    def _axis(self, k: int, value: Any) -> int | None:
        if isinstance(self._in_axes, tuple):
            if len(self._in_axes) != len(self._parameters):
                raise WrongArgument(
                    f"`in_axes` has {len(self._in_axes)} entries, and `{self.__name__}` takes "
                    f"{len(self._parameters)} arguments"
                )
            return self._in_axes[k]
        return self._in_axes if _arrays(value) else None

    def _call(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        values = self._bind(args, kwargs)
        counts: dict[int, str] = {}
        for k, value in enumerate(values):
            axis = self._axis(k, value)
            name = self._parameters[k][0]
            for array in _arrays(value) if axis is not None else ():
                if not -array.ndim <= (axis or 0) < array.ndim:
                    raise WrongArgument(f"`{name}` has {array.ndim} axes, and is mapped along axis {axis}")
                counts.setdefault(array.shape[axis or 0], name)
        if len(counts) != 1:
            found = ", ".join(f"`{name}` has {n}" for n, name in counts.items()) or "no argument has any"
            raise WrongArgument(f"`vmap` needs one number of rows: {found}")
        if 0 in counts:
            raise WrongArgument("`vmap` needs at least one row")
        case, outside = self._case(values, self._wrt)
        return self._run(case.functions[0], values, outside)

    def _compile(self, key: Any, values: tuple[Any, ...], wrt: Any) -> tuple[Case, dict[str, Any]]:
        specs, axes = [], {}
        path: tuple[int, tuple[Any, ...]] | None = None
        for k, ((name, _), value) in enumerate(zip(self._parameters, values, strict=True)):
            axis = self._axis(k, value)
            if axis is not None:
                axes[k] = axis % (value.ndim if isinstance(value, np.ndarray) else 1)
                path = path or (k, _way(value))
                value = _row(value, axis, name)
            specs.append((name, describe(value, name)))
        assert path is not None
        program = self.vectorized(specs, axes, path, self._out_axis)
        if not told_apart(program, values):
            program = self.vectorized(specs, axes, path, self._out_axis, one_by_one=True)
        case = Case.of(program, values)
        self._cases[key] = (case, *self._cases.get(key, ()))
        return case, {c.label: c.read() for c in case.program.captures}

    def __reduce__(self) -> str | tuple[Any, ...]:
        found = super().__reduce__()
        return found if isinstance(found, str) else (type(self), (self.primal, self._in_axes, self._out_axis))

    def __repr__(self) -> str:
        return f"<vmap of {self.__name__}>"


def _handed_on(parameter: inspect.Parameter) -> str:
    """A parameter as the argument of the function that it is handed on to."""
    if parameter.kind is parameter.VAR_POSITIONAL:
        return f"*{parameter.name}"
    if parameter.kind is parameter.VAR_KEYWORD:
        return f"**{parameter.name}"
    named = f"{parameter.name}=" if parameter.kind is parameter.KEYWORD_ONLY else ""
    return f"{named}{parameter.name}"


def _arrays(value: Any) -> list[np.ndarray]:
    """The arrays in an argument that can have rows."""
    found: list[np.ndarray] = []
    tree_map(lambda leaf: found.append(leaf) if isinstance(leaf, np.ndarray) and leaf.ndim else None, value)
    return found


def _row(value: Any, axis: int, name: str) -> Any:
    """An argument as one row of it."""

    def row(leaf: Any) -> Any:
        if not isinstance(leaf, np.ndarray):
            raise WrongArgument(f"`{name}` holds a number, which has no rows", None, "Make it an array.")
        return np.take(leaf, 0, axis) if leaf.ndim > 1 else leaf.dtype.type(leaf[0])

    return row(value) if isinstance(value, np.ndarray) else tree_map(row, value)


def _way(value: Any) -> tuple[Any, ...]:
    """The keys that lead to the first array in a container."""
    if isinstance(value, np.ndarray):
        return ()
    if dataclasses.is_dataclass(value) or not isinstance(value, (dict, list, tuple)):
        raise WrongArgument("`vmap` maps arrays, lists, tuples and dicts of them", None, "Pass its arrays.")
    for key, item in value.items() if isinstance(value, dict) else enumerate(value):
        if _arrays(item):
            return (key, *_way(item))
    raise WrongArgument("`vmap` needs an array that has rows")


DERIVING[vmap] = "vmap"
