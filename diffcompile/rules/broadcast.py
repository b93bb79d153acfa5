"""Undo broadcasting: the cotangent of a broadcast result becomes that of the argument.

    y = x + np.ones((2, 3))       x: (3,)         x_bar = unbroadcast(y_bar, x)       # y_bar.sum(axis=0)

Where the shapes are known the call is folded away, or into one `sum`; where they are not it stays.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .register import deflinear


def unbroadcast(ct: Any, x: Any) -> Any:
    """Sum `ct` over the axes along which `x` was broadcast; a scalar for a scalar.

    >>> unbroadcast(np.ones((2, 3)), np.zeros((2, 1))), float(unbroadcast(np.ones(3), 1.0))
    (array([[3.],
           [3.]]), 3.0)
    """
    if np.ndim(x) == 0:
        return np.sum(ct) if np.ndim(ct) else ct
    if np.ndim(ct) < np.ndim(x):
        return np.broadcast_to(ct, np.shape(x))  # nothing flows back, which is the number 0
    extra = np.ndim(ct) - np.ndim(x)
    stretched = [extra + i for i, n in enumerate(np.shape(x)) if n != ct.shape[extra + i]]
    if extra or stretched:
        ct = np.sum(ct, axis=(*range(extra), *stretched), keepdims=True)
    return np.reshape(ct, np.shape(x)) if extra else ct


@deflinear(unbroadcast)
def _(ct: Any, out: Any, y: Any, x: Any) -> Any:
    return rebroadcast(ct, y)


def rebroadcast(ct: Any, y: Any) -> Any:
    """`ct`, in the shape of the cotangent `y` that was summed; a number for the number 0.

    >>> rebroadcast(np.ones(1), np.zeros(2)), float(rebroadcast(np.ones(2), 0.0))
    (array([1., 1.]), 2.0)
    """
    if np.ndim(ct) > np.ndim(y):
        return np.sum(ct)
    return ct if np.shape(ct) == np.shape(y) else np.copy(np.broadcast_to(ct, np.shape(y)))


@deflinear(rebroadcast)
def _(ct: Any, out: Any, x: Any, y: Any) -> Any:
    return unbroadcast(ct, x)


def broadcast_like(dot: Any, out: Any) -> Any:
    """`dot` in the shape of `out`, which its operands were broadcast to; a number for a number.

    >>> broadcast_like(np.ones(2), np.zeros((2, 2)))
    array([[1., 1.],
           [1., 1.]])
    """
    return dot if np.shape(dot) == np.shape(out) else np.broadcast_to(dot, np.shape(out))


@deflinear(broadcast_like)
def _(ct: Any, out: Any, x: Any, like: Any) -> Any:
    return unbroadcast(ct, x)


def of_form(dot: Any, x: Any) -> Any:
    """`dot`, which is a tangent of `x`. Raises ValueError where it has another shape.

    >>> of_form(np.ones(1), np.zeros(2))
    Traceback (most recent call last):
    ...
    ValueError: a tangent has shape (1,), and what it is one of has (2,)
    """
    if np.shape(dot) != np.shape(x):
        raise ValueError(f"a tangent has shape {np.shape(dot)}, and what it is one of has {np.shape(x)}")
    return dot


@deflinear(of_form)
def _(ct: Any, out: Any, dot: Any, x: Any) -> Any:
    return ct
