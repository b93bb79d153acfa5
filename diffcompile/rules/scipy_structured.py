"""Derivatives of matrices that are held by their bands, or made of vectors and blocks.

    a = linalg.toeplitz(c, r)                    a = np.concatenate([c[::-1], r[1:]])[places]

Banded and Toeplitz matrices are transposed in their storage; what the storage holds beside the matrix gets a
cotangent of 0. A matrix that is made of vectors is those, read at places.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import linalg

from .matrices import real_part, refuse_stack
from .register import Array, defequal, defjvp, defvjp
from .scipy_special import total

# Banded matrices


def transposed_bands(bands: Any, lower: Any, upper: Any) -> Any:
    """The bands of the transposed matrix: diagonal `k` becomes diagonal `-k`."""
    return np.stack([np.roll(bands[row], row - upper) for row in range(lower + upper, -1, -1)])


def bands_of_product(x: Any, y: Any, lower: Any, upper: Any) -> Any:
    """The bands of `outer(x, y)`, in the storage of `solve_banded`."""
    rows = [shifted(x, row - upper) * y for row in range(lower + upper + 1)]
    return np.stack([np.sum(row, axis=1) if row.ndim == 2 else row for row in rows])


def shifted(x: Any, k: Any) -> Any:
    """`x[j + k]` at `j`, and 0 past the ends."""
    if k == 0:
        return x
    zeros = np.zeros_like(x[: abs(k)])
    return np.concatenate([x[k:], zeros]) if k > 0 else np.concatenate([zeros, x[:k]])


@defvjp(linalg.solve_banded)
def _(
    ct: Any, out: Any, l_and_u: Any, ab: Array, b: Array, overwrite_ab: Any = False,
    overwrite_b: Any = False, check_finite: Any = True,
) -> Any:  # fmt: skip
    refuse_stack(ab)
    lower, upper = l_and_u
    b_bar = linalg.solve_banded((upper, lower), transposed_bands(ab, lower, upper), ct)
    return None, bands_of_product(-b_bar, out, lower, upper), b_bar


def bands_times(bands: Any, x: Any, lower: Any, upper: Any) -> Any:
    """The product of a banded matrix and `x`."""
    wide = bands if x.ndim == 1 else bands[..., None]
    return total([shifted(wide[row] * x, upper - row) for row in range(lower + upper + 1)])


@defjvp(linalg.solve_banded)
def _(
    tangents: Any, out: Any, l_and_u: Any, ab: Array, b: Array, overwrite_ab: Any = False,
    overwrite_b: Any = False, check_finite: Any = True,
) -> Any:  # fmt: skip
    refuse_stack(ab)
    lower, upper = l_and_u
    side = 0.0 if tangents[2] is None else tangents[2]
    if tangents[1] is not None:
        side = side - bands_times(tangents[1], out, lower, upper)
    return linalg.solve_banded((lower, upper), ab, side)


# Hermitian banded matrices, of which one triangle is held


def both_triangles(bands: Any, lower: Any) -> Any:
    """All bands of a Hermitian matrix: the widths below and above its diagonal, and the bands."""
    width = bands.shape[0] - 1
    upper = transposed_bands(np.conj(bands), width, 0) if lower else bands
    below = np.conj(transposed_bands(upper, 0, width))[1:]
    return width, np.concatenate([upper[:-1], real_part(upper[-1:]), below])


def held_bands(x: Any, y: Any, width: Any, lower: Any) -> Any:
    """The cotangent of the held bands of a Hermitian matrix whose own cotangent is `outer(x, y)`."""
    below, above = (width, 0) if lower else (0, width)
    bands = bands_of_product(x, y, below, above) + np.conj(bands_of_product(y, x, below, above))
    diagonal = np.arange(width + 1)[:, None] == above
    return np.where(diagonal, 0.5 * bands, bands)


@defvjp(linalg.solveh_banded)
def _(
    ct: Any, out: Any, ab: Array, b: Array, overwrite_ab: Any = False, overwrite_b: Any = False,
    lower: Any = False, check_finite: Any = True,
) -> Any:  # fmt: skip
    refuse_stack(ab)
    b_bar = linalg.solveh_banded(np.conj(ab), ct, lower=lower)
    return held_bands(-b_bar, out, ab.shape[0] - 1, lower), b_bar


@defjvp(linalg.solveh_banded)
def _(
    tangents: Any, out: Any, ab: Array, b: Array, overwrite_ab: Any = False, overwrite_b: Any = False,
    lower: Any = False, check_finite: Any = True,
) -> Any:  # fmt: skip
    refuse_stack(ab)
    side = 0.0 if tangents[1] is None else tangents[1]
    if tangents[0] is not None:
        width, bands = both_triangles(tangents[0], lower)
        side = side - bands_times(bands, out, width, width)
    return linalg.solveh_banded(ab, side, lower=lower)


# Their Cholesky factors


def of_bands(bands: Any) -> Any:
    """The Hermitian matrix of which these are the diagonal and the bands below it."""
    i, j = np.arange(bands.shape[1])[:, None], np.arange(bands.shape[1])
    inside = (i >= j) & (i - j < bands.shape[0])
    below = np.where(inside, bands[np.where(inside, i - j, 0), j], 0.0)
    return real_part(below * (i == j)) + below * (i > j) + np.conj(below * (i > j)).T


@defequal(linalg.cholesky_banded)
def _(ab: Any, overwrite_ab: Any = False, lower: Any = False, check_finite: Any = True) -> Any:
    refuse_stack(ab)
    width, n = ab.shape[0] - 1, ab.shape[1]
    bands = ab if lower else np.conj(transposed_bands(ab, 0, width))
    factor = np.linalg.cholesky(of_bands(bands))
    # What is stored beside the matrix stays.
    rows = [np.concatenate([np.diag(factor, -k), bands[k, n - k :]]) for k in range(width + 1)]
    return np.stack(rows) if lower else np.conj(transposed_bands(np.stack(rows), width, 0))


@defvjp(linalg.cho_solve_banded)
def _(
    ct: Any, out: Any, cb_and_lower: Any, b: Array, overwrite_b: Any = False, check_finite: Any = True
) -> Any:
    cb, lower = cb_and_lower
    width = cb.shape[0] - 1
    b_bar = linalg.cho_solve_banded((np.conj(cb), lower), ct)
    bands = np.conj(transposed_bands(cb, width, 0) if lower else cb)
    first, second = [bands_times(bands, x, 0, width) for x in (out, np.conj(b_bar))]
    if lower:
        cb_bar = bands_of_product(b_bar, first, width, 0)
        return (-cb_bar - bands_of_product(np.conj(out), second, width, 0), None), b_bar
    third, fourth = [bands_times(bands, x, 0, width) for x in (b_bar, np.conj(out))]
    cb_bar = bands_of_product(third, out, 0, width) + bands_of_product(fourth, np.conj(b_bar), 0, width)
    return (-cb_bar, None), b_bar


@defjvp(linalg.cho_solve_banded)
def _(
    tangents: Any, out: Any, cb_and_lower: Any, b: Array, overwrite_b: Any = False, check_finite: Any = True
) -> Any:
    cb, lower = cb_and_lower
    width = cb.shape[0] - 1
    side = 0.0 if tangents[1] is None else tangents[1]
    if tangents[0] is not None and tangents[0][0] is not None:
        below, moved = [
            c if lower else np.conj(transposed_bands(c, 0, width)) for c in (cb, tangents[0][0])
        ]  # fmt: skip
        above, moved_above = [np.conj(transposed_bands(c, width, 0)) for c in (below, moved)]
        side = side - bands_times(moved, bands_times(above, out, 0, width), width, 0)
        side = side - bands_times(below, bands_times(moved_above, out, 0, width), width, 0)
    return linalg.cho_solve_banded((cb, lower), side)


# Toeplitz matrices


@defvjp(linalg.solve_toeplitz)
def _(ct: Any, out: Any, c_or_cr: Any, b: Array, check_finite: Any = True) -> Any:
    if isinstance(c_or_cr, tuple):
        c, r = c_or_cr
        # The first element of the row is not read: the diagonal is that of the column.
        b_bar = linalg.solve_toeplitz((np.concatenate([c[:1], r[1:]]), c), ct)
        c_bar, r_bar = toeplitz_cotangents(-b_bar, out, c)
        return (c_bar, r_bar), b_bar
    b_bar = linalg.solve_toeplitz((np.conj(c_or_cr), c_or_cr), ct)
    c_bar, r_bar = toeplitz_cotangents(-b_bar, out, c_or_cr)
    return c_bar + np.conj(r_bar), b_bar


def toeplitz_cotangents(x: Any, y: Any, c: Any) -> Any:
    """The cotangents of the first column and row of a Toeplitz matrix whose own is `outer(x, y)`."""
    columns = [(x, y)] if x.ndim == 1 else [(x[:, k], y[:, k]) for k in range(x.shape[1])]
    c_bar = total([linalg.hankel(u) @ v for u, v in columns])
    r_bar = total([linalg.hankel(v) @ u for u, v in columns])
    return c_bar, r_bar * (np.arange(c.shape[0]) > 0)


@defjvp(linalg.solve_toeplitz)
def _(tangents: Any, out: Any, c_or_cr: Any, b: Array, check_finite: Any = True) -> Any:
    side = 0.0 if tangents[1] is None else tangents[1]
    if isinstance(c_or_cr, tuple):
        c_dot, r_dot = (None, None) if tangents[0] is None else tangents[0]
        if c_dot is not None or r_dot is not None:
            c_dot = np.zeros_like(c_or_cr[0]) if c_dot is None else c_dot
            r_dot = np.zeros_like(c_or_cr[1]) if r_dot is None else r_dot
            side = side - linalg.toeplitz(c_dot, r_dot) @ out
    elif tangents[0] is not None:
        side = side - linalg.toeplitz(tangents[0]) @ out
    return linalg.solve_toeplitz(c_or_cr, side)


# Matrices made of vectors and blocks


@defequal(linalg.toeplitz)
def _(c: Any, r: Any = None) -> Any:
    row = np.conj(c) if r is None else r
    m, n = c.shape[0], row.shape[0]
    entries = np.concatenate([c[::-1], row[1:]])
    return entries[m - 1 - np.arange(m)[:, None] + np.arange(n)]


@defequal(linalg.hankel)
def _(c: Any, r: Any = None) -> Any:
    row = np.zeros_like(c) if r is None else r
    m, n = c.shape[0], row.shape[0]
    return np.concatenate([c, row[1:]])[np.arange(m)[:, None] + np.arange(n)]


@defequal(linalg.circulant)
def _(c: Any) -> Any:
    n = c.shape[0]
    return c[(np.arange(n)[:, None] - np.arange(n)) % n]


@defequal(linalg.companion)
def _(a: Any) -> Any:
    below = np.eye(a.shape[0] - 2, a.shape[0] - 1, dtype=a.dtype)
    return np.concatenate([(-a[1:] / a[0])[None, :], below])


@defequal(linalg.convolution_matrix)
def _(a: Any, n: Any, mode: Any = "full") -> Any:
    m = a.shape[0]
    zeros = np.zeros(n - 1, dtype=a.dtype)
    padded = np.concatenate([zeros, a, zeros])
    whole = padded[n - 1 + np.arange(m + n - 1)[:, None] - np.arange(n)]
    kept = min(m, n) - 1 if mode == "valid" else (min(m, n) - 1) // 2
    count = max(m, n) - min(m, n) + 1 if mode == "valid" else max(m, n)
    return whole if mode == "full" else whole[kept : kept + count]


@defequal(linalg.fiedler)
def _(a: Any) -> Any:
    return abs(a[:, None] - a)


@defequal(linalg.leslie)
def _(f: Any, s: Any) -> Any:
    return np.concatenate([f[None, :], np.diag(s)[:, :] @ np.eye(s.shape[0], f.shape[0], dtype=s.dtype)])


@defequal(linalg.khatri_rao)
def _(a: Any, b: Any) -> Any:
    return np.reshape(a[:, None, :] * b[None, :, :], (a.shape[0] * b.shape[0], a.shape[1]))


@defvjp(linalg.block_diag)
def _(ct: Any, out: Any, *arrs: Any) -> Any:
    bars: Any = ()
    i = j = 0
    for block in arrs:
        rows, columns = np.shape(np.atleast_2d(block))
        bars = (*bars, np.reshape(ct[i : i + rows, j : j + columns], np.shape(block)))
        i, j = i + rows, j + columns
    return bars


@defjvp(linalg.block_diag)
def _(tangents: Any, out: Any, *arrs: Any) -> Any:
    blocks = [np.zeros_like(a) if t is None else t for t, a in zip(tangents, arrs)]  # noqa: B905
    return linalg.block_diag(*blocks)
