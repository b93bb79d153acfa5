"""Derivatives made of derivatives: products with Hessians, the Jacobian by the cheaper way.

    hvp(f)(x, v)        the derivative of `grad(f)` in the direction v
    jacobian(f)(x)      `jacfwd(f)(x)`, or `jacrev(f)(x)` if the result holds fewer numbers than x
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from .api import Argnums, grad, jacfwd, jacrev, jvp, pushed, vjp
from .compiled import Derivative
from .errors import WrongArgument
from .frontend.arguments import DERIVING, Parts, describe, kind_of
from .ir.types import Dim, Type
from .sparse.derivatives import SparseHessian, SparseJacobian


def hvp(fun: Callable[..., Any], argnums: Argnums = 0) -> HessianProduct:
    """The product of the Hessian with a direction, forward over reverse, without the Hessian.

    Parameters
    ----------
    fun : a function that returns one real number
    argnums : the position or name of the parameter to differentiate with respect to, or a tuple of them

    Returns an object that is called with the arguments of the function and, behind them, the direction: of
    the form of the argument, a tuple of those if `argnums` is one. It gives the product, in the form of the
    gradient; `.source` is its code. Raises as `grad` and `jvp` do.

    >>> import numpy as np
    >>> hvp(lambda x: np.sum(x**3))(np.array([1.0, 2.0]), np.array([1.0, 0.5]))
    array([6., 6.])
    """
    return HessianProduct(fun, argnums)


class HessianProduct:
    """What `hvp` returns: called with the arguments of the function and a direction."""

    def __init__(self, fun: Callable[..., Any], argnums: Argnums) -> None:
        self._gradient: Derivative = grad(fun, argnums)
        self._single = not isinstance(argnums, (tuple, list))
        places = self._gradient.places
        if any(place.steps or not isinstance(place.root, int) for place in places):
            raise WrongArgument(
                "`hvp` takes a direction for a whole argument, and `argnums` names a part of one", None,
                "Name the argument, and give None in the direction for what does not move.",
            )  # fmt: skip
        self._active = tuple(place.root for place in places if isinstance(place.root, int))

    def __call__(self, *args: Any) -> Any:
        """The product, for the arguments of the function and the direction behind them."""
        if not args:
            raise WrongArgument("`hvp` is called with the arguments of the function, and a direction", None)
        *primals, direction = args
        directions = (direction,) if self._single else tuple(direction)
        if len(directions) != len(self._active) or max(self._active) >= len(primals):
            raise WrongArgument(
                f"the direction has {len(directions)} parts, and {len(self._active)} arguments move", None,
                "Pass one for each of `argnums`, behind all arguments.",
            )  # fmt: skip
        tangents: list[Any] = [None] * len(primals)
        for place, tangent in zip(self._active, directions, strict=True):
            tangents[place] = tangent
        active = tuple(k for k in self._active if tangents[k] is not None)
        return pushed(self._gradient, active, "hvp").push(tuple(primals), tuple(tangents), active)

    @property
    def source(self) -> str:
        """The complete module: of the last call's arguments, or of the annotations before any call."""
        return pushed(self._gradient, self._active, "hvp").source

    def __repr__(self) -> str:
        return f"<hvp of {self._gradient.__name__}>"


def ggn_vp(
    fun: Callable[..., Any], loss: Callable[[Any], Any] | None = None
) -> Callable[[Any, Any], Any]:
    """The product of the Gauss-Newton matrix with a direction: `J.T @ H @ J @ v`, without the matrices.

    Parameters
    ----------
    fun : the inner function, of one argument: residuals, or the outputs of a model; J is its Jacobian
    loss : the outer function, from what `fun` returns to one real number; H is its Hessian, the identity if
        it is left out (that of half the sum of squares)

    Returns a function of the argument and a direction of its form, which gives the product in that form. The
    matrix is that of Schraudolph (2002, Fast curvature matrix-vector products for second-order gradient
    descent, section 3).

    >>> import numpy as np
    >>> ggn_vp(lambda x: x**2)(np.array([1.0, 3.0]), np.array([1.0, 1.0]))
    array([ 4., 36.])
    """

    def product(x: Any, v: Any) -> Any:
        out, out_dot = jvp(fun, (x,), (v,))
        curved = out_dot if loss is None else hvp(loss)(out, out_dot)
        _, pullback = vjp(fun, x)
        return pullback(curved)[0]

    return product


def elementwise_grad(fun: Callable[..., Any], argnum: int = 0) -> Callable[..., Any]:
    """The derivative of each element of the result by the same element of the argument.

    `fun` works element by element: what it gives in one place depends on the argument in that place alone.
    The result has the shape of the argument. Raises WrongArgument if `fun` gives another shape.

    >>> import numpy as np
    >>> elementwise_grad(np.tanh)(np.array([0.0, 0.5])).round(3)
    array([1.   , 0.786])
    """
    def derivative(*args: Any) -> Any:
        moving = np.ones_like(args[argnum]) if isinstance(args[argnum], np.ndarray) else 1.0
        tangents = tuple(moving if k == argnum else None for k in range(len(args)))
        _, dot = jvp(fun, args, tangents)
        if np.shape(dot) != np.shape(args[argnum]):
            raise WrongArgument(
                f"the function does not work element by element: shape {np.shape(args[argnum])} becomes "
                f"{np.shape(dot)}",
                None,
                "Use `jacobian`.",
            )
        return dot

    return derivative


def hessian(
    fun: Callable[..., Any] | None = None, argnums: Argnums = 0, *, sparse: bool = False
) -> Any:
    """The second derivatives of a function that returns one real number, forward over reverse.

    Parameters
    ----------
    fun : the function, as of `grad`
    argnums : the position or name of the parameter to differentiate with respect to, or a tuple of them
    sparse : give one `scipy.sparse.csr_matrix`, with a row and a column for each number of the arguments, as
        `ravel` counts them, those of a tuple one behind the other. It takes a sweep for each colour of a star
        colouring of its pattern (see `sparsity`), a few for a chain or a grid of any size: `.colors` says how
        many, `.source` is the code of one. `np.asarray` of it is the dense matrix.

    Returns an object that is called as the function is. Without `sparse` it gives for arguments of shapes `m`
    and `n` arrays of shape `m + n`: one for each pair of them, in the structure of the gradient. The methods
    are those of Gebremedhin, Manne and Pothen (2005, What color is your Jacobian?).

    >>> import numpy as np
    >>> hessian(lambda x: x[0] ** 2 * x[1])(np.array([1.0, 3.0]))
    array([[6., 2.],
           [2., 0.]])
    >>> chain = hessian(lambda x: np.sum((x[1:] - x[:-1]) ** 4), sparse=True)
    >>> chain(np.arange(10000.0)).nnz, chain.colors
    (29998, 3)
    """
    if fun is None:
        return lambda fn: hessian(fn, argnums, sparse=sparse)
    return SparseHessian(fun, argnums) if sparse else jacfwd(grad(fun, argnums), argnums)


def jacobian(
    fun: Callable[..., Any] | None = None, argnums: Argnums = 0, *, sparse: bool = False
) -> Any:
    """The Jacobian, forward or backward, whichever takes fewer directions for the sizes of the call.

    Takes and returns what `jacfwd` and `jacrev` do. The sizes of the result are worked out from those of the
    arguments. Where they cannot be, the function is called to see them, once for each combination of shapes;
    if that would be noticed (it prints, draws or writes), the Jacobian is taken forward. The source of the
    object returned says which way the last call took.

    With `sparse` it is one `scipy.sparse.csr_matrix`, with a row for each number of the result and a column
    for each of the arguments, as `ravel` counts them. It takes a sweep for each colour of the columns of its
    pattern (see `sparsity`), or of its rows, whichever are fewer: `.colors` says how many, `.source` is the
    code of one. `np.asarray` of it is the dense matrix, so it serves as `jac` of the solvers of SciPy, those
    that know no sparse matrices too. Raises `WrongArgument` if SciPy is not installed, an argument is complex
    or the function draws random numbers.

    >>> import numpy as np
    >>> @jacobian
    ... def f(x): return np.array([x @ x])
    >>> f(np.array([1.0, 2.0]))
    array([[2., 4.]])
    >>> "backward, a direction for each number in the result" in " ".join(f.source.split())
    True
    >>> banded = jacobian(lambda x: x[1:] * x[:-1], sparse=True)
    >>> banded(np.array([1.0, 2.0, 3.0])).toarray(), banded.colors
    (array([[2., 1., 0.],
           [0., 3., 2.]]), 2)
    """
    if fun is None:
        return lambda fn: jacobian(fn, argnums, sparse=sparse)
    return SparseJacobian(fun, argnums) if sparse else Jacobian(fun, argnums)


class Jacobian:
    """What `jacobian` returns: the derivative by both ways, and the choice between them."""

    def __init__(self, fun: Callable[..., Any], argnums: Argnums) -> None:
        self._forward: Derivative = jacfwd(fun, argnums)
        self._reverse: Derivative = jacrev(fun, argnums)
        self._last = self._forward
        self._results: dict[Any, tuple[tuple[Type, ...], bool]] = {}
        self._seen: dict[Any, int] = {}  # how many numbers the result holds, by the shapes of the arguments
        functools.update_wrapper(self, self._forward, updated=())

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The Jacobian at these arguments."""
        self._last = self._chosen(self._forward.bound(args, kwargs), args, kwargs)
        return self._last(*args, **kwargs)

    def _chosen(self, values: tuple[Any, ...], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Derivative:
        key = tuple(map(kind_of, values))
        if key not in self._results:
            self._results[key] = self._forward.result_types(values)
        results, unnoticed = self._results[key]
        lengths: dict[str, int] = {}
        for k, value in enumerate(values):
            lengths.update(_lengths(describe(value, self._name(k)), value))
        sizes = [_size(known, lengths) for known in results]
        size: int = sum(s for s in sizes if s is not None)
        if None in sizes:
            if not unnoticed:
                return self._forward
            key = (*key, *(_shapes(value) for value in values))
            if key not in self._seen:
                self._seen[key] = _numbers(self._forward.primal(*args, **kwargs))
            size = self._seen[key]
        roots = {place.root for place in self._forward.places if isinstance(place.root, int)}
        moving = sum(_numbers(values[root]) for root in roots)
        return self._forward if moving <= size else self._reverse

    def _name(self, k: int) -> str:
        return list(self._forward.signature.parameters)[k]

    @property
    def source(self) -> str:
        """The complete module: of the last call's arguments, or of the annotations before any call."""
        return str(self._last.source)

    def __repr__(self) -> str:
        return f"<jacobian of {self._forward.__name__}>"


def _lengths(spec: Any, value: Any) -> Iterator[tuple[str, int]]:
    """The lengths that the facts of an argument leave open, by name."""
    if isinstance(spec, Parts):
        items = value.values() if isinstance(value, dict) else value
        for part, item in zip(spec.items, items, strict=True):
            yield from _lengths(part, item)
    elif isinstance(spec, Type) and spec.shape is not None:
        for size, length in zip(spec.shape, np.shape(value), strict=True):
            if isinstance(size, Dim):
                yield size.name, length


def _size(known: Type, lengths: dict[str, int]) -> int | None:
    """How many numbers a result holds; None if that is not known."""
    if known.is_scalar:
        return 1
    if known.kind != "array" or known.shape is None:
        return None
    total = 1
    for size in known.shape:
        if isinstance(size, Dim):
            if size.name not in lengths:
                return None
            size = max(0, lengths[size.name] - size.minus)
        total *= size
    return total


def _shapes(value: Any) -> Any:
    """The shapes of the arrays in an argument."""
    if isinstance(value, dict):
        return tuple(map(_shapes, value.values()))
    if isinstance(value, (list, tuple)):
        return tuple(map(_shapes, value))
    if isinstance(value, np.ndarray):
        return value.shape
    return tuple(map(_shapes, vars(value).values())) if hasattr(value, "__dict__") else ()


def _numbers(value: Any) -> int:
    """How many numbers an argument holds that can be differentiated with respect to."""
    if isinstance(value, dict):
        return sum(map(_numbers, value.values()))
    if isinstance(value, (list, tuple)):
        return sum(map(_numbers, value))
    if isinstance(value, np.ndarray):
        return value.size if value.dtype.kind in "fc" else 0
    if hasattr(value, "__dict__"):
        return sum(map(_numbers, vars(value).values()))
    return int(isinstance(value, (float, complex, np.inexact)))


DERIVING[hessian] = "hessian"
