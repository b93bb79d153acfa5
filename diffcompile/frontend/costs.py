"""What a fit of a function makes smallest, and what else is made of that function: functions in graphs.

    residual(p, a)     ->    residual_cost(p, a)              0.5 * sum(residual(p, a)**2)
    model(x, *p)       ->    model_misfit(params, x, ydata)   0.5 * sum((model(x, *params) - ydata)**2)

A rule of a fit asks for these of the user's function (`rules/solvers.py`).
"""

from __future__ import annotations

import operator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..analysis.shapes import fresh_dim
from ..errors import Span
from ..ir.graph import Atom, Call, Const, Function, Graph, Region, Value, pack_list, pack_tuple
from ..ir.types import FLOAT, array
from .build import Builder
from .loans import free_name

DOUBLE = np.dtype(np.float64)


@dataclass(frozen=True)
class Robust:
    """The loss of an error in units of its scale, and its stiffness: functions of the rules."""

    name: str
    rho: Function
    stiffness: Function

    def total(self, b: Builder, error: Atom, scale: Atom) -> Atom:
        """The sum of the losses of the errors, in their own units."""
        rho = self.applied(b, self.rho, error, scale)
        return b.call(operator.mul, b.call(operator.pow, scale, Const(2)), b.call(np.sum, rho))

    def applied(self, b: Builder, fn: Function, error: Atom, scale: Atom) -> Atom:
        out = Value(f"{fn.name}_out", error.type)
        b.emit(Call((out,), fn, (b.call(operator.truediv, error, scale, name="unit"),), (), b.line))
        return out


def cost(function: Function, robust: Robust | None, b: Builder) -> Function:
    """Half the square of a function, or half the sum of a loss, whose scale is then the second parameter."""
    key: Any = ("cost", robust and robust.name)
    if key not in function.derived:
        assert function.graph is not None
        region = function.graph.region
        inner, params, errors = Builder(b.folded), region.params, region.results[0]
        if robust is None:
            total = inner.call(np.sum, inner.call(operator.pow, errors, Const(2)))
        else:
            scale = Value(free_name("f_scale", {p.name for p in params}), FLOAT, True)
            params, total = (params[0], scale, *params[1:]), robust.total(inner, errors, scale)
        half = inner.call(operator.mul, Const(0.5), total)
        made = Function(f"{function.name}_cost", function.fn, half.type)
        body = (*region.body, *inner.body)
        made.graph = replace(function.graph, name=made.name, region=Region(params, body, (half,)))
        function.derived[key] = made
    return function.derived[key]  # type: ignore[no-any-return]


# Curves


@dataclass(frozen=True)
class Fit:
    """A curve `function(x, *p)` of `n` parameters; `sigma` is a value like the spread, if one is given."""

    function: Function
    n: int
    sigma: Atom | None
    line: Span

    def key(self, *what: Any) -> Any:
        return (*what, self.n, self.sigma and self.sigma.type.rank)


class Curve:
    """A function of parameters and data that is being written, and what it can say of the curve."""

    def __init__(self, fit: Fit, b: Builder) -> None:
        graph, self.fit, self.b = fit.function.graph, fit, Builder(b.folded)
        assert graph is not None
        self.x, *rest = (Value(p.name, p.type, p.named) for p in graph.params)
        self.names = {p.name for p in graph.params}
        self.numbers, self.rest = rest[: fit.n], tuple(rest[fit.n :])
        self.p = self.parameter("params", array(DOUBLE, (fit.n,)))
        self.y = self.parameter("ydata", array(DOUBLE, fit.function.result.shape or (fresh_dim(),)))
        self.spread = None if fit.sigma is None else self.parameter("sigma", fit.sigma.type)
        data = (self.p, self.x, self.y, self.spread)
        self.data = tuple(v for v in data if v is not None)

    @property
    def params(self) -> tuple[Value, ...]:
        return (*self.data, *self.rest)

    def parameter(self, name: str, known: Any) -> Value:
        return Value(free_name(name, self.names), known, True)

    def error(self) -> Atom:
        out = Value(f"{self.fit.function.name}_out", self.fit.function.result)
        given = [
            self.b.call(operator.getitem, self.p, Const(k), name=number.name)
            for k, number in enumerate(self.numbers)
        ]
        self.b.emit(Call((out,), self.fit.function, (self.x, *given, *self.rest), (), self.b.line))
        return self.b.call(operator.sub, out, self.y)

    def in_units_of_spread(self) -> Atom:
        """The error, in units of one spread or of one for each number, or apart for given covariances."""
        error = self.error()
        if self.spread is None:
            return error
        if self.spread.type.rank == 2:
            return self.b.call(np.linalg.solve, self.b.call(np.linalg.cholesky, self.spread), error)
        return self.b.call(operator.truediv, error, self.spread)

    def square(self) -> Atom:
        """The sum of the squares of the error, in units of its spread."""
        if self.spread is not None and self.spread.type.rank == 2:
            error = self.error()
            square = self.b.call(operator.mul, error, self.b.call(np.linalg.solve, self.spread, error))
        else:
            square = self.b.call(operator.pow, self.in_units_of_spread(), Const(2))
        return self.b.call(np.sum, square)

    def finished(self, suffix: str, result: Atom, *more: Value) -> Function:
        """The function of parameters and data, of `more`, and of what the curve captured."""
        made = Function(f"{self.fit.function.name}_{suffix}", self.fit.function.fn, result.type)
        region = Region((*self.data, *more, *self.rest), tuple(self.b.body), (result,))
        made.graph = Graph(made.name, region, self.fit.line)
        return made


def misfit(fit: Fit, robust: Robust | None, b: Builder) -> Function:
    """Half the square of the error of a curve, or half the sum of a loss, with its scale behind the data."""
    key, derived = fit.key("misfit", robust and robust.name), fit.function.derived
    if key not in derived:
        curve = Curve(fit, b)
        scale = curve.parameter("f_scale", FLOAT)
        if robust is None:
            total = curve.square()
        else:
            total = robust.total(curve.b, curve.in_units_of_spread(), scale)
        half = curve.b.call(operator.mul, Const(0.5), total)
        derived[key] = curve.finished("misfit", half, *(() if robust is None else (scale,)))
    return derived[key]  # type: ignore[no-any-return]


def weighted(function: Function, b: Builder) -> Function:
    """The sum of a function with weights, which are its last parameter."""
    assert function.graph is not None
    region = function.graph.region
    count = sum(p.name.startswith("weights") for p in region.params)
    weights = Value(f"weights_{count}" if count else "weights", function.result)
    inner = Builder(b.folded)
    total = inner.call(np.sum, inner.call(operator.mul, weights, region.results[0]))
    made = Function(f"{function.name}_weighted", function.fn, total.type)
    whole = Region((*region.params, weights), (*region.body, *inner.body), (total,))
    made.graph = replace(function.graph, name=made.name, region=whole)
    return made


def covariances(fit: Fit, absolute: bool, robust: Robust | None, b: Builder) -> Function:
    """What a fit of a curve says of the covariances of its parameters: `s**2 * inv(J.T @ J)`.

    `J` holds the slopes of the errors, weighed by the stiffness of a loss; `s**2` is their square, or twice
    their cost, for each degree of freedom, or, where `sigma` is `absolute`, 1.
    """
    key, derived = fit.key("covariances", absolute, robust and robust.name), fit.function.derived
    if key not in derived:
        errors, curve = Curve(fit, b), Curve(fit, b)
        error, slopes = slopes_of(errors.finished("errors", errors.in_units_of_spread()), curve, b)
        scale, inner, weighed = curve.parameter("f_scale", FLOAT), curve.b, slopes
        if robust is not None:
            stiffness = robust.applied(inner, robust.stiffness, error, scale)
            weighed = inner.call(operator.mul, inner.call(np.expand_dims, stiffness, Const(1)), slopes)
        normal = inner.call(operator.matmul, inner.call(np.transpose, slopes), weighed)
        result = inner.call(np.linalg.inv, normal)
        if not absolute:
            square = inner.call(np.sum, inner.call(operator.pow, error, Const(2)))
            total = square if robust is None else robust.total(inner, error, scale)
            freedom = inner.call(operator.sub, inner.call(len, error), Const(fit.n))
            result = inner.call(operator.mul, result, inner.call(operator.truediv, total, freedom))
        derived[key] = curve.finished("covariances", result, *(() if robust is None else (scale,)))
    return derived[key]  # type: ignore[no-any-return]


def slopes_of(errors: Function, curve: Curve, b: Builder) -> tuple[Atom, Atom]:
    """The errors of a curve, and their slopes with respect to its parameters, a column for each."""
    assert b.tangent is not None, "a tangent is asked for where a covariance is differentiated"
    params, inner = curve.params, curve.b
    pushed, moved, _ = b.tangent(errors, (True, *(False for _ in params[1:])))
    if not any(moved):
        error = Value("error", errors.result)
        inner.emit(Call((error,), errors, params, (), curve.fit.line))
        shape = inner.call(pack_tuple, inner.call(len, error), Const(curve.fit.n))
        return error, inner.call(np.zeros, shape)
    columns = []
    for unit in np.eye(curve.fit.n):
        error, column = Value("error", errors.result), Value("error_dot", errors.result)
        inner.emit(Call((error, column), pushed, (*params, Const(unit)), (), curve.fit.line))
        columns.append(column)
    return error, inner.call(np.stack, inner.call(pack_list, *columns), Const(1), name="slopes")
