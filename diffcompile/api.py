"""What a user decorates with: `grad`, `value_and_grad`, `vjp`."""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from .compiled import Derivative, Pullback
from .errors import WrongArgument
from .frontend.arguments import DERIVING, REGISTERED, Place, Same, field_names
from .rules.register import nondifferentiable

if TYPE_CHECKING:
    from .pipeline import Mode

Argnums = int | str | tuple[int | str, ...]
Backend = Literal["numpy"]


def _decorate(mode: Mode, fun: Any, argnums: Argnums, has_aux: bool, backend: str) -> Any:
    if backend != "numpy":
        raise WrongArgument(f"there is no backend `{backend}`", None, 'Use `backend="numpy"`.')
    if fun is None:
        return lambda fn: _decorate(mode, fn, argnums, has_aux, backend)
    if isinstance(fun, (int, str, tuple)):
        raise WrongArgument(f"`{mode}` needs a function first", None, f"Write `@{mode}(argnums={fun!r})`.")
    return Derivative(fun, mode, argnums, has_aux)


def grad(
    fun: Callable[..., Any] | None = None,
    argnums: Argnums = 0,
    has_aux: bool = False,
    *,
    holomorphic: bool = False,
    backend: Backend = "numpy",
) -> Any:
    """The gradient of a function that returns one real number.

    Parameters
    ----------
    fun : the function; left out when used as `@grad(argnums=...)`
    argnums : the position or name of the parameter to differentiate with respect to, or a tuple of them
    has_aux : the function returns (number, anything); the derivative then returns (gradient, anything)
    holomorphic : the function takes and returns complex numbers, and its complex derivative is wanted

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
    return _decorate("holomorphic" if holomorphic else "grad", fun, argnums, has_aux, backend)


def value_and_grad(
    fun: Callable[..., Any] | None = None,
    argnums: Argnums = 0,
    has_aux: bool = False,
    *,
    backend: Backend = "numpy",
) -> Any:
    """As `grad`, returning (value, gradient), both from one pass over the function.

    >>> value_and_grad(lambda x: x**3)(2.0)
    (8.0, 12.0)
    """
    return _decorate("value_and_grad", fun, argnums, has_aux, backend)


def stop_gradient(x: Any) -> Any:
    """The value of `x`, through which no derivative flows, at any order.

    >>> grad(lambda x: x * stop_gradient(x))(3.0)
    3.0
    """
    return x


nondifferentiable(stop_gradient)


def vjp(fun: Callable[..., Any], *primals: Any) -> tuple[Any, Pullback]:
    """The value of `fun(*primals)`, and its pullback: from the result's cotangent to a tuple, one per primal.

    A primal that cannot be differentiated (an int, a string) has None for its cotangent. What the pullback
    reads is safe from later writes into the primals.

    >>> import numpy as np
    >>> out, pullback = vjp(lambda a, b: a * b, 2.0, 3.0)
    >>> out, pullback(1.0)
    (6.0, (3.0, 2.0))
    """
    # Two bound methods of equal objects are equal, and are not the same function.
    key = (fun.__func__, Same(fun.__self__)) if isinstance(fun, types.MethodType) else Same(fun)
    derivative = _PULLBACKS.get(key)
    if derivative is None:
        derivative = _Pulled(fun, "vjp")
        while len(_PULLBACKS) >= _KEPT:
            _PULLBACKS.pop(next(iter(_PULLBACKS), None), None)
        _PULLBACKS[key] = derivative
    return derivative.pull(primals)


class _Pulled(Derivative):
    """The pair of functions behind `vjp`."""

    def pull(self, primals: tuple[Any, ...]) -> tuple[Any, Pullback]:
        active = tuple(k for k, p in enumerate(primals) if _differentiable(p))
        if not active:
            raise WrongArgument(
                f"no argument of `{self.__name__}` can be differentiated", None, "Pass floats."
            )
        values = self._bind(primals, {})
        case, outside = self._case(values, tuple(map(Place, active)))
        out, saved = self._run(case.functions[0], values, outside)
        backward = case.functions[1]

        def full(*cts: Any) -> Any:
            grads = iter(backward(saved, *cts))
            return tuple(next(grads) if k in active else None for k in range(len(primals)))

        return out, Pullback(self.__name__, case.program, full)


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


DERIVING.update({grad: "grad", value_and_grad: "value_and_grad", vjp: "vjp"})

_PULLBACKS: dict[Any, _Pulled] = {}
_KEPT = 256  # functions whose pullbacks stay compiled
