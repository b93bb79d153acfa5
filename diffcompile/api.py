"""What a user decorates with, or calls: `grad`, `value_and_grad`, `vjp`, `jvp`, `linearize` ..."""

from __future__ import annotations

import copy
import dataclasses
import types
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from .compiled import Case, Derivative, Pullback, Pushforward
from .directions import form_of, like
from .errors import WrongArgument
from .frontend.arguments import DERIVING, REGISTERED, Place, Same, field_names
from .rules.register import nondifferentiable

if TYPE_CHECKING:
    from .pipeline import Mode

Argnums = int | str | tuple[int | str, ...]
Backend = Literal["numpy"]


def _decorate(mode: Mode, fun: Any, argnums: Argnums, has_aux: bool, check: bool, backend: str) -> Any:
    if backend != "numpy":
        raise WrongArgument(f"there is no backend `{backend}`", None, 'Use `backend="numpy"`.')
    if fun is None:
        return lambda fn: _decorate(mode, fn, argnums, has_aux, check, backend)
    if isinstance(fun, (int, str, tuple)):
        raise WrongArgument(f"`{mode}` needs a function first", None, f"Write `@{mode}(argnums={fun!r})`.")
    return Derivative(fun, mode, argnums, has_aux, check)


def grad(
    fun: Callable[..., Any] | None = None,
    argnums: Argnums = 0,
    has_aux: bool = False,
    *,
    holomorphic: bool = False,
    check: bool = False,
    backend: Backend = "numpy",
) -> Any:
    """The gradient of a function that returns one real number.

    Parameters
    ----------
    fun : the function; left out when used as `@grad(argnums=...)`
    argnums : the position or name of the parameter to differentiate with respect to, or a tuple of them
    has_aux : the function returns (number, anything); the derivative then returns (gradient, anything)
    holomorphic : the function takes and returns complex numbers, and its complex derivative is wanted
    check : for debugging: compare what the backward pass reads with what it was when it was computed, and
        raise RuntimeError, with the line, where something (another thread, a function that keeps what it was
        given) has changed it

    With respect to a complex argument `x + iy` the gradient of a real number f is `df/dx - i df/dy`, the
    conjugate of the direction of steepest ascent. A derivative taken inside a function is differentiated with
    it, over all that it captures.

    Returns an object that is called as the function is and returns the gradient: of the kind, dtype, shape
    and structure of the argument, a tuple of those if `argnums` is one. `.source` is the code. Raises
    `DiffCompileError` at the first call if the function is outside the language or lacks a rule.

    >>> import numpy as np
    >>> @grad
    ... def energy(x): return np.sum(x**2)
    >>> energy(np.array([1.0, 2.0]))
    array([2., 4.])
    >>> grad(lambda x: x * grad(lambda y: x * y**2)(x))(3.0)
    54.0
    >>> grad(lambda z: z**3, holomorphic=True)(1 + 2j)
    (-9+12j)
    """
    return _decorate("holomorphic" if holomorphic else "grad", fun, argnums, has_aux, check, backend)


def value_and_grad(
    fun: Callable[..., Any] | None = None,
    argnums: Argnums = 0,
    has_aux: bool = False,
    *,
    check: bool = False,
    backend: Backend = "numpy",
) -> Any:
    """As `grad`, returning (value, gradient), both from one pass over the function.

    >>> value_and_grad(lambda x: x**3)(2.0)
    (8.0, 12.0)
    """
    return _decorate("value_and_grad", fun, argnums, has_aux, check, backend)


def stop_gradient(x: Any) -> Any:
    """The value of `x`, through which no derivative flows, at any order.

    >>> grad(lambda x: x * stop_gradient(x))(3.0)
    3.0
    """
    return x


nondifferentiable(stop_gradient)


def vjp(
    fun: Callable[..., Any], *primals: Any, argnums: Argnums | None = None, check: bool = False
) -> tuple[Any, Pullback]:
    """The value of `fun(*primals)`, and its pullback: from the result's cotangent to those of the primals.

    Parameters
    ----------
    fun : the function; it may return anything
    primals : its arguments
    argnums : the position, name or dotted path (`"model.w"`) of what a cotangent is wanted of, or a tuple of
        those; without it the pullback returns a tuple with one for each primal
    check : each call of the pullback compares what it reads with what it was, and raises RuntimeError where
        something has changed it

    The cotangent of the result has the structure of the result; those that the pullback returns have the
    structure of their primals, one alone if `argnums` is one. Without `argnums`, a primal that cannot be
    differentiated (an int, a string) has None for its cotangent. What the pullback reads is safe from later
    writes into the primals. Raises `WrongArgument` if there is nothing that can be differentiated.

    >>> import numpy as np
    >>> out, pullback = vjp(lambda a, b: a * b, 2.0, 3.0)
    >>> out, pullback(1.0)
    (6.0, (3.0, 2.0))
    >>> out, pullback = vjp(lambda p, x: p["w"] * x, {"w": 2.0, "b": 1.0}, 3.0, argnums=("p.w", "x"))
    >>> pullback(1.0)
    (3.0, 2.0)
    """
    wanted = tuple(argnums) if isinstance(argnums, list) else argnums
    key = _identity(fun), wanted, check
    derivative = _PULLBACKS.get(key)
    if derivative is None:
        derivative = Pulling(fun, "vjp", 0 if wanted is None else wanted, check=check)
        while len(_PULLBACKS) >= _KEPT:
            _PULLBACKS.pop(next(iter(_PULLBACKS), None), None)
        _PULLBACKS[key] = derivative
    return derivative.pull(primals) if wanted is None else derivative.pull_chosen(primals)


def _identity(fun: Callable[..., Any]) -> Any:
    """A key that is this function's alone: two bound methods of equal objects are equal, and not the same."""
    return (fun.__func__, Same(fun.__self__)) if isinstance(fun, types.MethodType) else Same(fun)


class Pulling(Derivative):
    """The pair of functions behind `vjp`."""

    def pull(self, primals: tuple[Any, ...]) -> tuple[Any, Pullback]:
        active = tuple(k for k, p in enumerate(primals) if _differentiable(p))
        if not active:
            raise WrongArgument(
                f"no argument of `{self.__name__}` can be differentiated", None, "Pass floats."
            )
        values = self._bind(primals, {})
        case, outside = self._case(values, tuple(map(self.of_argument, active)))
        out, saved = self._run(case.functions[0], values, outside)
        backward = case.functions[1]

        def full(*cts: Any) -> Any:
            grads = iter(backward(saved, *cts))
            return tuple(next(grads) if k in active else None for k in range(len(primals)))

        return out, Pullback(self.__name__, case.program, full, out)

    def pull_chosen(self, primals: tuple[Any, ...]) -> tuple[Any, Pullback]:
        """As `pull`, with the cotangents that `argnums` names alone."""
        return self.pull_at(self._bind(primals, {}))

    def pull_at(self, values: tuple[Any, ...]) -> tuple[Any, Pullback]:
        """As `pull_chosen`, for values of all parameters."""
        case, outside = self._case(values, self._wrt)
        out, saved = self._run(case.functions[0], values, outside)
        backward, single = case.functions[1], isinstance(self._wrt, Place)

        def chosen(*cts: Any) -> Any:
            grads = backward(saved, *cts)
            return grads[0] if single else grads

        return out, Pullback(self.__name__, case.program, chosen, out)


def jvp(fun: Callable[..., Any], primals: tuple[Any, ...], tangents: tuple[Any, ...]) -> tuple[Any, Any]:
    """The value of `fun(*primals)`, and its derivative in the direction `tangents`.

    Parameters
    ----------
    fun : the function; it may return anything
    primals : its arguments
    tangents : one for each, of the form of its primal (an array of the same shape, a dict of the same keys);
        None for a primal that does not move, and for one that cannot, such as an int or a string

    Returns (value, tangent), the second of the form of the first. Tangents are only read. Raises
    `WrongArgument` if a tangent is not of the form of its primal.

    >>> import numpy as np
    >>> jvp(lambda x: x**2, (np.array([1.0, 3.0]),), (np.array([1.0, 0.5]),))
    (array([1., 9.]), array([2., 3.]))
    """
    if not isinstance(primals, (tuple, list)) or not isinstance(tangents, (tuple, list)):
        raise WrongArgument(
            "`jvp` takes the arguments of the function in a tuple, and their tangents in another", None,
            "Write `jvp(f, (x,), (v,))`.",
        )  # fmt: skip
    primals, tangents = tuple(primals), tuple(tangents)
    if len(primals) != len(tangents):
        raise WrongArgument(f"`jvp` takes a tangent for each primal: {len(primals)}, not {len(tangents)}")
    active = tuple(k for k, t in enumerate(tangents) if t is not None)
    return pushed(fun, active).push(primals, tangents, active)  # type: ignore[no-any-return]


def linearize(
    fun: Callable[..., Any], *primals: Any, argnums: Argnums | None = None
) -> tuple[Any, Pushforward]:
    """The value of `fun(*primals)`, and its derivative there: from tangents of the primals to the result's.

    Parameters
    ----------
    fun : the function; it may return anything
    primals : its arguments
    argnums : the position or name of what moves, or a tuple of those; without it every primal does

    Where `jvp` runs the function once for each direction, this runs it once: what the derivative needs is
    saved, and `push(*tangents)` computes the derivative in a direction from that, as often as wished. It
    takes a tangent for each primal, or for each of `argnums`, of the form of its primal; None for one that
    does not move, or cannot; and returns that of the result. What is saved is safe from later writes into
    the primals. Raises `WrongArgument` if there is nothing that can be differentiated.

    >>> import numpy as np
    >>> value, push = linearize(lambda x, k: k * np.sin(x), np.array([0.0, np.pi]), 2.0)
    >>> push(np.array([1.0, 0.5]), None)
    array([ 2., -1.])
    >>> push(None, 1.0).round(3)
    array([0., 0.])
    """
    wanted = tuple(argnums) if isinstance(argnums, list) else argnums
    key = _identity(fun), wanted
    derivative = _LINEAR.get(key)
    if derivative is None:
        derivative = Linearization(fun, "linearize", 0 if wanted is None else wanted)
        while len(_LINEAR) >= _KEPT:
            _LINEAR.pop(next(iter(_LINEAR), None), None)
        _LINEAR[key] = derivative
    return derivative.linearized(primals, wanted is None)


class Linearization(Derivative):
    """The pair of functions behind `linearize`."""

    def linearized(self, primals: tuple[Any, ...], every: bool) -> tuple[Any, Pushforward]:
        """`every` primal that can be differentiated moves, or those that `argnums` names."""
        values = self._bind(primals, {})
        active = tuple(k for k, p in enumerate(primals) if _differentiable(p))
        marks = self.by_parameter(tuple(True if k in active else None for k in range(len(primals))))
        moving = tuple(Place(k) for k, mark in enumerate(marks) if mark is not None)
        places = moving if every else self.places
        if any(place.steps or not isinstance(place.root, int) for place in places):
            raise WrongArgument(
                "`linearize` takes a direction for a whole argument, and `argnums` names a part of one", None,
                "Name the argument, and give None in the direction for what does not move.",
            )  # fmt: skip
        if not places:
            raise WrongArgument(
                f"no argument of `{self.__name__}` can be differentiated", None, "Pass floats."
            )
        roots = [place.root for place in places if isinstance(place.root, int)]
        case, out, along = self.at(values, places)

        def push(*tangents: Any) -> Any:
            wanted = len(primals) if every else len(roots)
            if len(tangents) != wanted:
                raise WrongArgument(
                    f"`push` takes a tangent for each argument: {wanted}, not {len(tangents)}"
                )
            given = self.by_parameter(tangents)
            return along([given[k] for k in roots] if every else list(tangents))

        return out, Pushforward(self.__name__, case.program, push)

    def case(self, values: tuple[Any, ...]) -> tuple[Case, dict[str, Any]]:
        """The program for these values of all parameters, and what it reads from outside."""
        return self._case(values, self.places)

    def at(
        self, values: tuple[Any, ...], places: tuple[Place, ...] | None = None
    ) -> tuple[Case, Any, Callable[[list[Any]], Any]]:
        """The program, the value, and the derivative in the direction of a tangent for each place."""
        places = self.places if places is None else places
        case, outside = self._case(values, places)
        roots = [place.root for place in places if isinstance(place.root, int)]
        forms = [(self._parameters[k][0], form_of(values[k])) for k in roots]
        out, saved = self._run(case.functions[0], values, outside)
        behind = case.functions[1]

        def along(tangents: list[Any]) -> Any:
            given = zip(tangents, forms, strict=True)
            return behind(saved, *(like(t, form, name) for t, (name, form) in given))

        return case, out, along


def jacfwd(fun: Callable[..., Any] | None = None, argnums: Argnums = 0) -> Any:
    """The Jacobian, by pushing forward one direction for each number in the arguments, all at once.

    Parameters
    ----------
    fun : a function of numbers, arrays and containers of them, which returns the same
    argnums : the position or name of the parameter to differentiate with respect to, or a tuple of them

    Returns an object that is called as the function is, and returns for a result of shape `m` and an argument
    of shape `n` an array of shape `m + n`; in the structure of the result, and in each place of it in that of
    the argument. The better choice where the arguments hold fewer numbers than the result.

    >>> import numpy as np
    >>> jacfwd(lambda x: x**2)(np.array([1.0, 2.0]))
    array([[2., 0.],
           [0., 4.]])
    """
    return _decorate("jacfwd", fun, argnums, False, False, "numpy")


def jacrev(fun: Callable[..., Any] | None = None, argnums: Argnums = 0) -> Any:
    """The Jacobian, by pulling back one direction for each number in the result, all at once.

    Takes and returns what `jacfwd` does. The better choice where the result holds fewer numbers.

    >>> import numpy as np
    >>> jacrev(lambda x: np.array([x @ x, x[0]]))(np.array([1.0, 2.0]))
    array([[2., 4.],
           [1., 0.]])
    """
    return _decorate("jacrev", fun, argnums, False, False, "numpy")


def linearization(fun: Callable[..., Any], argnums: Argnums) -> Linearization:
    """The object behind `linearize` with respect to `argnums`; its `source` is the code.

    >>> import numpy as np
    >>> _, value, along = linearization(lambda x: x**2, 0).at((3.0,))
    >>> value, along([1.0])
    (9.0, 6.0)
    """
    return Linearization(fun, "linearize", argnums)


def pulling(fun: Callable[..., Any], argnums: Argnums) -> Pulling:
    """The object behind `vjp` with respect to `argnums`; its `source` is the code.

    >>> value, pullback = pulling(lambda x: x**2, 0).pull_at((3.0,))
    >>> value, pullback(1.0)
    (9.0, 6.0)
    """
    return Pulling(fun, "vjp", argnums)


def pushed(fun: Callable[..., Any], active: tuple[int, ...], mode: Mode = "jvp") -> _Pushed:
    """The object behind `jvp` of a function of which these arguments move; its `source` is the code.

    In the mode "hvp" it gives the derivative alone.

    >>> def cube(x): return x**3
    >>> jvp(cube, (2.0,), (1.0,))
    (8.0, 12.0)
    >>> print(pushed(cube, (0,)).source.splitlines()[-1].strip())
    return x**3, x_dot * (3 * x**2)
    """
    key = (_identity(fun), active, mode)
    derivative = _PUSHES.get(key)
    if derivative is None:
        derivative = _Pushed(fun, mode)
        while len(_PUSHES) >= _KEPT:
            _PUSHES.pop(next(iter(_PUSHES), None), None)
        _PUSHES[key] = derivative
    return derivative


class _Pushed(Derivative):
    """The function behind `jvp`, for one choice of the arguments that move."""

    def push(self, primals: tuple[Any, ...], tangents: tuple[Any, ...], active: tuple[int, ...]) -> Any:
        for k in active:
            if not _differentiable(primals[k]):
                kind = type(primals[k]).__name__
                raise WrongArgument(
                    f"argument {k} of `{self.__name__}`, {kind}, has no tangent", None, "Give None for it."
                )
        if not active:
            raise WrongArgument(
                f"`jvp` of `{self.__name__}` has no direction: every tangent is None", None, "Pass one."
            )
        values = self._bind(primals, {})
        primals, tangents = self.by_parameter(primals), self.by_parameter(tangents)
        active = tuple(k for k, tangent in enumerate(tangents) if tangent is not None)
        case, outside = self._case(values, tuple(map(Place, active)))
        labels = case.program.tangents
        given = copy.deepcopy(tangents) if case.program.writes else tangents  # they may be what is written
        moving = {
            label: like(given[k], primals[k], self._parameters[k][0])
            for label, k in zip(labels, active, strict=True)
        }
        return self._run(case.functions[0], values, {**outside, **moving})


def _differentiable(value: Any) -> bool:
    if isinstance(value, (bool, int, str, bytes, type(None))):
        return False
    if isinstance(value, (np.ndarray, np.generic)):
        return value.dtype.kind in "fc"
    if isinstance(value, dict):
        return any(map(_differentiable, value.values()))
    if isinstance(value, (tuple, list)):
        return any(map(_differentiable, value))
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return any(_differentiable(getattr(value, name, None)) for name in field_names(value))
    if type(value) in REGISTERED:
        return True
    return isinstance(value, (float, complex))


DERIVING.update({grad: "grad", value_and_grad: "value_and_grad", vjp: "vjp", jvp: "jvp"})
DERIVING.update({linearize: "linearize", jacfwd: "jacfwd", jacrev: "jacrev"})

_PULLBACKS: dict[Any, Pulling] = {}
_PUSHES: dict[Any, _Pushed] = {}
_LINEAR: dict[Any, Linearization] = {}
_KEPT = 256  # functions whose pullbacks stay compiled
