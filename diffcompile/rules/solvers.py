"""Functions that call a function of the user, and what a rule can ask of that function.

    x = optimize.brentq(f, a, b)         f, with what it captured, is an argument like any other

A rule of a solver is read by the frontend like every rule. The user's function reaches it as a value that it
can call, and of which it asks more by the markers here, which `frontend/callbacks.py` understands:

    out, pull = linearize(f, x, *args)   `f(x, *args)`, and its pullback: `pull(ct)` is a tuple with a
                                         cotangent for each argument, and last that of `f` itself
    gradient_of(f, k)                    the function with the arguments of `f` that is its derivative with
                                         respect to argument `k`
    push(f, args, args_dot, f_dot)       `f(*args)`, and its tangent
    tangent_of(f, args, args_dot, f_dot) the function that is the tangent of `f` with `args` after its own
    doubled(f, args, args_dot, f_dot)    the function of states with their tangents at their ends, likewise
    misfit_of(f, n, sigma, loss)         the function of `n` parameters `p`, data `x`, `y` (and `sigma`) that
                                         is half the square, or a loss, of `(f(x, *p) - y) / sigma`
    covariances_of(f, n, sigma, loss, known)  the function of the same that gives the covariances of `p`
    half_square_of(f, loss)              the function `0.5 * sum(f**2)`; likewise `weighted_sum_of(f, w)`
    bound(f, *args)                      the function with its last arguments given

The cotangent of `f` is a tuple with one for each value that it captured: what a solver hands back for its
parameter `f`. Its tangent is such a tuple too. In the generated module all of these are ordinary functions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Solver:
    """How a solver calls back.

    `callback` names the parameter that is the function, if there is one; `takes` says what it is called with
    before `args`, in the other order where the option `swapped_by` is true. The result is differentiated as a
    whole, of form `result`, or by its attributes, `fields`. `others` name further parameters that are
    functions called with the same. A form is "vector x0", the flat array that `x0` becomes, "like x0", what
    `x0` is, "number", "times" (a vector), "matrix", "pair" (of a number and its error), "callback" (the pair
    of what the function gives and its error), "data x" (the array that `x` becomes), "numbers p0" (as many as
    `p0` has, or as the function takes), "fit" (an array of so many, and their covariances), "spectrum A" (a
    complex number for each row of `A`), "square A" (a matrix of its size) or "" for what is not known.
    """

    callback: str
    takes: tuple[str, ...]
    result: str = ""
    fields: tuple[tuple[str, str], ...] = ()
    others: tuple[str, ...] = ()
    swapped_by: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """The attributes of the result that are differentiated."""
        return tuple(name for name, _ in self.fields)


SOLVERS: dict[Any, Solver] = {}


def calls_back(solver: Solver, *fns: Any) -> None:
    """Say how these functions call the function that is handed to them."""
    SOLVERS.update(dict.fromkeys(fns, solver))


def linearize(f: Any, *args: Any) -> Any:
    """The value of `f` and its pullback, in a rule."""
    raise NotImplementedError("a rule asks this of the compiler")


def gradient_of(f: Any, k: int = 0) -> Any:
    """The derivative of `f` with respect to its argument `k`, in a rule."""
    raise NotImplementedError("a rule asks this of the compiler")


def push(f: Any, args: Any, args_dot: Any, f_dot: Any) -> Any:
    """The value of `f(*args)` and its tangent, of those of `args` and of what `f` captured; in a rule.

    None stands for what does not move.
    """
    raise NotImplementedError("a rule asks this of the compiler")


def tangent_of(f: Any, args: Any, args_dot: Any, f_dot: Any) -> Any:
    """The function `x` to the tangent of `f(x, *args)` where `x` stands still, in a rule."""
    raise NotImplementedError("a rule asks this of the compiler")


def doubled(f: Any, args: Any, args_dot: Any, f_dot: Any) -> Any:
    """The function `f(x, *args)` of `x` and its tangent end to end, whose result is so too; in a rule.

    Results after the first are pairs of the result and its tangent.
    """
    raise NotImplementedError("a rule asks this of the compiler")


def half_square_of(f: Any, loss: Any) -> Any:
    """The function `0.5 * sum(f**2)`, or half the sum of a loss in the place of a square; in a rule.

    The scale of a loss comes behind its first argument.
    """
    raise NotImplementedError("a rule asks this of the compiler")


def misfit_of(f: Any, n: Any, sigma: Any, loss: Any) -> Any:
    """The function of parameters and of data that a fit of `f` makes smallest, in a rule.

    It is half the square, or half the sum of the loss, of `(f(x, *p) - y) / sigma`, of `p`, `x`, `y` and, if
    given, `sigma`; a matrix `sigma` is that of the covariances. The scale of a loss comes behind those.
    """
    raise NotImplementedError("a rule asks this of the compiler")


def covariances_of(f: Any, n: Any, sigma: Any, loss: Any, known: Any) -> Any:
    """The covariances of the parameters of a fit of `f`, as a function of what `misfit_of` is one of.

    Where the spread is not `known`, it is estimated from the errors. In a rule.
    """
    raise NotImplementedError("a rule asks this of the compiler")


def active_places(f: Any, args: Any) -> Any:
    """The places among the arguments of `f` of `args`, and of what it captured, in a rule.

    None stands for one that carries no cotangent.
    """
    raise NotImplementedError("a rule asks this of the compiler")


def weighted_sum_of(f: Any, weights: Any) -> Any:
    """The function `sum(weights * f)`, in a rule."""
    raise NotImplementedError("a rule asks this of the compiler")


def pullback_of(f: Any, args: Any, places: Any) -> Any:
    """The function `(t, y, ct)` that gives the cotangents of `y`, of `args` and of captures; in a rule.

    `places` has None for one of `args` and captures of which no cotangent is asked.
    """
    raise NotImplementedError("a rule asks this of the compiler")


def run_back(adjoint: Any, f: Any, pullback: Any, *args: Any) -> Any:
    """`adjoint(f, pullback, *args)`, which gives cotangents of what the pullback gives some of; in a rule."""
    raise NotImplementedError("a rule asks this of the compiler")


def pulled_places(pullback: Any) -> Any:
    """The places among what a pullback captured, None for one of which it gives no cotangent; in a rule."""
    raise NotImplementedError("a rule asks this of the compiler")


def bound(f: Any, *args: Any) -> Any:
    """`f` with its last arguments given, so that it is called with those before, in a rule."""
    raise NotImplementedError("a rule asks this of the compiler")
