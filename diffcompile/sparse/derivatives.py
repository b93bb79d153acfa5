"""Sparse Jacobians and Hessians: a function in, its derivative as a sparse matrix out, in a few sweeps.

    jacobian(f, sparse=True)(x)     pattern (`pattern.py`), colours (`colouring.py`), a sweep for each, matrix

The program of a sweep is that of `linearize` or `vjp`: the function runs once, and what it saved is swept
once for each colour. The pattern and its colours are found again at each call, unless nothing but the forms
of what moves, and values that have not changed, decide on them.
"""

from __future__ import annotations

import types
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..api import Argnums, grad, linearization, pulling
from ..compiled import Case, Derivative
from ..errors import WrongArgument
from ..ir.graph import Graph
from .colouring import columns, symmetric
from .dependencies import unique
from .fingerprints import UnknownError, fingerprint
from .pattern import (
    UNKNOWN,
    Pattern,
    declared_elsewhere,
    flattened,
    following,
    full,
    matrix_of,
    numbers,
    placed,
    sparse_part,
)


def sparsity(fun: Callable[..., Any], *args: Any, argnums: Argnums = 0) -> Any:
    """Where the Jacobian of a function may not be zero, at these arguments.

    Parameters
    ----------
    fun : a function of numbers, arrays and containers of them, which returns the same
    args : its arguments
    argnums : the position or name of the parameter to differentiate with respect to, or a tuple of them

    Returns a `scipy.sparse.csr_matrix` of bools: a row for each number of the result, a column for each of
    the arguments, counted as `ravel` counts them; the arguments of a tuple stand one behind the other. It has
    every place in which the derivative can be other than zero, whatever its value is (`x * y` depends on `y`
    where `x` is 0), for the branches, the indices and the constants of this call: where those follow from
    values, others may have another. What is known of a function as a whole alone, as of a sort or a solver,
    counts as depending on all that it is given, so there may be places in which the derivative is zero.

    Raises `WrongArgument` where SciPy is not installed, or the function draws from the generator of random
    numbers that all programs share.

    >>> import numpy as np
    >>> sparsity(lambda x: x[1:] * x[:-1], np.zeros(4)).toarray().astype(int)
    array([[1, 1, 0, 0],
           [0, 1, 1, 0],
           [0, 0, 1, 1]])
    """
    sparse = sparse_part("sparsity")
    found = SparseJacobian(fun, argnums).found(args, {})
    places = np.ones(len(found.rows), bool), (found.rows, found.cols)
    return sparse.csr_matrix(places, shape=found.shape)


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """How a matrix is computed: its pattern, the direction of the sweeps, the colour of each column (or row),
    and for each element the number and the colour of the sweep's result that it is found in."""

    pattern: Pattern
    forward: bool
    colours: np.ndarray
    count: int
    number: np.ndarray
    colour: np.ndarray


class SparseJacobian:
    """What `jacobian(f, sparse=True)` returns: called as the function is, it gives a sparse matrix.

    `source` is the code of a sweep, `colors` says how many of them the last call took.
    """

    name = "jacobian"

    def __init__(self, fun: Callable[..., Any], argnums: Argnums) -> None:
        self._given = fun, argnums
        self._forward = linearization(self._swept(fun, argnums), argnums)
        self._reverse: Any = None
        self._graphs: dict[Any, Graph] = {}
        self._kept: tuple[Any, Plan] | None = None
        self._last: Plan | None = None
        self.__name__: str = getattr(fun, "__name__", self.name)
        self.__doc__ = getattr(fun, "__doc__", None)
        self.__wrapped__ = fun

    def _swept(self, fun: Any, argnums: Argnums) -> Any:
        return fun

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The matrix at these arguments."""
        sparse_part(f"{self.name}(..., sparse=True)")
        values = self._forward.bound(args, kwargs)
        moving = tuple(values[k] for k in self._roots())
        if any(np.iscomplexobj(leaf) for leaf in numbers(moving)):
            raise WrongArgument(
                f"the sparse {self.name} with respect to complex numbers", None,
                "Give their real and imaginary parts.",
            )  # fmt: skip
        case, outside = self._forward.case(values)
        key = self._key(case, outside, values)
        if key is not None and self._kept is not None and self._kept[0] == key:
            plan = self._kept[1]
        else:
            plan = self._plan(self._pattern(case, outside, values), values)
            self._kept = (key, plan) if key is not None and not plan.pattern.varies else None
        swept = self._ahead if plan.forward else self._back
        compressed, plan = swept(values, moving, plan)
        self._last = plan
        found = compressed[plan.number, plan.colour]
        ends = np.cumsum(np.bincount(plan.pattern.rows, minlength=plan.pattern.shape[0]))
        indices = plan.pattern.cols, np.concatenate([[0], ends])
        return matrix_of((found, *indices), plan.pattern.shape)

    def forget(self) -> None:
        """Have the next call find its pattern and colours anew."""
        self._kept = None

    def found(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Pattern:
        """The pattern for these arguments."""
        values = self._forward.bound(args, kwargs)
        found = self._pattern(*self._forward.case(values), values)
        if found is UNKNOWN:
            _, out, _ = self._forward.at(values)
            found = self._full(out, values)
        return found

    def _roots(self) -> tuple[int, ...]:
        places = self._forward.places
        if any(place.steps or not isinstance(place.root, int) for place in places):
            raise WrongArgument(
                f"a sparse {self.name} is with respect to whole arguments, and `argnums` names a part of one",
                None, "Name the argument.",
            )  # fmt: skip
        roots = tuple(place.root for place in places if isinstance(place.root, int))
        if len(set(roots)) < len(roots):
            raise WrongArgument(f"a sparse {self.name} with respect to the same argument twice", None)
        return roots

    def _pattern(self, case: Case, outside: dict[str, Any], values: tuple[Any, ...]) -> Pattern:
        program = case.program
        if program not in self._graphs:
            if len(self._graphs) >= _KEPT:
                self._graphs.clear()
            assert program.primal is not None, "a linearized program has its primal"
            self._graphs[program] = following().ready(program.primal)
        found: Pattern = following().pattern(self._graphs[program], case, outside, values, self._roots())
        return found

    def _full(self, out: Any, values: tuple[Any, ...]) -> Pattern:
        moving = tuple(values[k] for k in self._roots())
        return full((sum(map(np.size, numbers(out))), sum(map(np.size, numbers(moving)))))

    def _key(self, case: Case, outside: dict[str, Any], values: tuple[Any, ...]) -> Any:
        """What decides on the pattern where the program's way does not vary; None if that is not known."""
        roots = self._roots()
        try:
            given = [fingerprint(v, k in roots) for k, v in enumerate(values)]
            return case.program, (*given, *(fingerprint(v, False) for v in outside.values()))
        except UnknownError:
            return None

    # -- the sweeps -----------------------------------------------------------------------------------------

    def _plan(self, found: Pattern, values: tuple[Any, ...]) -> Plan:
        """Columns or rows, whichever need fewer colours."""
        rows, cols, (m, n) = found.rows, found.cols, found.shape
        if found is UNKNOWN:
            return Plan(found, True, rows, 0, rows, cols)
        ahead = columns(rows, cols, (m, n))
        count = int(ahead.max()) + 1 if len(rows) else 0
        tallest = int(np.bincount(cols).max()) if len(cols) else 0
        if count > tallest and found.real:  # rows cannot do with fewer than the tallest column has
            back = columns(cols, rows, (n, m))
            if int(back.max()) + 1 < count:
                return Plan(found, False, back, int(back.max()) + 1, cols, back[rows])
        return Plan(found, True, ahead, count, rows, ahead[cols])

    def _ahead(self, values: tuple[Any, ...], moving: tuple[Any, ...], plan: Plan) -> tuple[np.ndarray, Plan]:
        """The derivatives along the directions of the colours, side by side."""
        _, out, push = self._forward.at(values)
        if plan.pattern is UNKNOWN:
            found = self._full(out, values)
            plan = Plan(found, True, np.arange(found.shape[1]), found.shape[1], found.rows, found.cols)
        made = []
        for colour in range(plan.count):
            tangents, _ = placed(moving, (plan.colours == colour).astype(float))
            made.append(flattened(out, push(list(tangents))))
        return (np.stack(made, axis=1) if made else np.zeros((0, 0))), plan

    def _back(self, values: tuple[Any, ...], moving: tuple[Any, ...], plan: Plan) -> tuple[np.ndarray, Plan]:
        """The cotangents from the directions of the colours, side by side."""
        if self._reverse is None:
            self._reverse = pulling(*self._given)
        out, pullback = self._reverse.pull_at(values)
        single = not isinstance(self._given[1], (tuple, list))
        made = []
        for colour in range(plan.count):
            ct, _ = placed(out, (plan.colours == colour).astype(float))
            bars = pullback(ct)
            made.append(flattened(moving, (bars,) if single else bars))
        return np.stack(made, axis=1), plan

    # -- looking inside -------------------------------------------------------------------------------------

    @property
    def colors(self) -> int:
        """How many sweeps the last call took; 0 before any call."""
        return 0 if self._last is None else self._last.count

    @property
    def source(self) -> str:
        """The module that a sweep runs: of the last call's arguments, or of the annotations before any."""
        back = self._last is not None and not self._last.forward
        return str((self._reverse if back else self._forward).source)

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self if instance is None else types.MethodType(self, instance)

    def __reduce__(self) -> Any:
        return type(self), self._given

    def __repr__(self) -> str:
        return f"<sparse {self.name} of {self.__name__}>"


class SparseHessian(SparseJacobian):
    """What `hessian(f, sparse=True)` returns: the Jacobian of the gradient, its symmetry made use of."""

    name = "hessian"

    def _swept(self, fun: Any, argnums: Argnums) -> Any:
        self._gradient: Derivative = grad(fun, argnums)
        self._even: dict[Any, bool] = {}
        return self._gradient

    def _plan(self, found: Pattern, values: tuple[Any, ...]) -> Plan:
        if found is UNKNOWN or not self._symmetric(values):
            # What a hook does to a cotangent need not be the gradient of anything.
            return self._columns(found)
        n = found.shape[0]
        keys = unique(np.concatenate([found.rows * n + found.cols, found.cols * n + found.rows]))
        rows, cols = np.divmod(keys, max(n, 1))
        both = Pattern(rows, cols, found.shape, found.varies, found.real)
        colours = symmetric(rows, cols, n)
        count = int(colours.max()) + 1 if len(rows) else 0
        mine = np.bincount(rows * count + colours[cols], minlength=n * count)
        alone = mine[rows * count + colours[cols]] == 1
        number, colour = np.where(alone, rows, cols), np.where(alone, colours[cols], colours[rows])
        return Plan(both, True, colours, count, number, colour)

    def _columns(self, found: Pattern) -> Plan:
        if found is UNKNOWN:
            return super()._plan(found, ())
        colours = columns(found.rows, found.cols, found.shape)
        count = int(colours.max()) + 1 if len(found.rows) else 0
        return Plan(found, True, colours, count, found.rows, colours[found.cols])

    def _symmetric(self, values: tuple[Any, ...]) -> bool:
        case, _ = self._forward.case(values)
        if case.program not in self._even:
            if len(self._even) >= _KEPT:
                self._even.clear()
            self._even[case.program] = not declared_elsewhere(self._gradient.primal_graph(values))
        return self._even[case.program]


_KEPT = 8
