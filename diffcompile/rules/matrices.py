"""What rules about stacks of matrices share: transposes, and numbers that broadcast against a matrix.

    per_column(np.array([2.0, 3.0])) * a        the columns of `a`, scaled

The last two axes are the matrix, those before it a batch.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .register import defjvp, defvjp


def transpose(a: Any) -> Any:
    """The matrices of `a`, transposed."""
    return a.T if a.ndim == 2 else a.mT


def adjoint(a: Any) -> Any:
    """The matrices of `a`, transposed and conjugated."""
    return np.conj(transpose(a))


def refuse_stack(a: Any) -> None:
    """A rule for one matrix does not hold for a stack of them."""
    if a.ndim > 2:
        raise NotImplementedError("of a stack of matrices this is not differentiated: take them one by one")


def hermitian(a: Any) -> Any:
    """The symmetric (Hermitian) part of the matrices of `a`."""
    return 0.5 * (a + adjoint(a))


def per_matrix(x: Any, a: Any) -> Any:
    """`x`, one number for each matrix of `a`, so that it broadcasts against `a`."""
    return x if a.ndim == 2 else x[..., None, None]


def per_column(x: Any) -> Any:
    """`x`, one number for each column of a matrix, so that it broadcasts against the matrix."""
    return x if x.ndim == 1 else x[..., None, :]


def real_part(z: Any) -> Any:
    """The real part; a real number as it is."""
    return np.real(z) if np.iscomplexobj(z) else z


def diagonal(a: Any) -> Any:
    """The diagonals of the matrices of `a`."""
    return np.diagonal(a, axis1=-2, axis2=-1)


def identity(a: Any) -> Any:
    """The identity matrix of the width and dtype of `a`."""
    return np.eye(a.shape[-1], dtype=a.dtype)


def hermitian_from_lower(m: Any) -> Any:
    """The symmetric matrix whose lower triangle is that of `m`."""
    if np.iscomplexobj(m):
        lower = np.tril(m) - 0.5 * m * identity(m)
        return lower + adjoint(lower)
    return np.tril(m) + transpose(np.tril(m, -1))


def inverse_gaps(w: Any, coupling: Any) -> Any:
    """`1 / (w[j] - w[i])` at (i, j); 0 on the diagonal, and where two equal values are not coupled.

    Vectors that belong to equal values span a space, in which they are not determined: they have no
    derivative, and asking for one raises.
    """
    gap = w[..., None, :] - w[..., :, None]
    largest = np.max(abs(w), axis=-1, initial=0.0)[..., None, None]
    same = abs(gap) <= w.shape[-1] * np.finfo(w.dtype).eps * largest
    if np.any(same & (coupling != 0.0) & ~np.eye(w.shape[-1], dtype=bool)):
        raise np.linalg.LinAlgError("the vectors of repeated values have no derivative")
    return 1.0 / np.where(same, np.inf, gap)


@defvjp(inverse_gaps)
def _(ct: Any, out: Any, w: Any, coupling: Any) -> Any:
    gap_bar = -(out**2) * ct
    return np.sum(gap_bar, axis=-2) - np.sum(gap_bar, axis=-1), None


@defjvp(inverse_gaps)
def _(tangents: Any, out: Any, w: Any, coupling: Any) -> Any:
    w_dot = tangents[0]
    return None if w_dot is None else out**2 * (w_dot[..., :, None] - w_dot[..., None, :])


def determined(ct: Any, count: Any) -> Any:
    """The first `count` columns of a cotangent, the others being 0: those vectors are not determined."""
    if np.any(ct[..., count:]):
        raise np.linalg.LinAlgError(
            "the vectors that complete a basis have no derivative: use the reduced factorisation"
        )
    return ct[..., :count]


@defvjp(determined)
def _(ct: Any, out: Any, x: Any, count: Any) -> Any:
    rest = np.zeros_like(x[..., count:])
    return np.concatenate([ct, rest], axis=-1), None


@defjvp(determined)
def _(tangents: Any, out: Any, x: Any, count: Any) -> Any:
    return tangents[0][..., :count]


def of_full_width(x_dot: Any, x: Any) -> Any:
    """`x_dot`, which must have a column for each one of `x`: the others have no derivative."""
    if x_dot.shape[-1] < x.shape[-1]:
        raise np.linalg.LinAlgError(
            "the vectors that complete a basis have no derivative: use the reduced factorisation"
        )
    return x_dot


@defvjp(of_full_width)
def _(ct: Any, out: Any, x_dot: Any, x: Any) -> Any:
    return ct, None


@defjvp(of_full_width)
def _(tangents: Any, out: Any, x_dot: Any, x: Any) -> Any:
    return tangents[0]
