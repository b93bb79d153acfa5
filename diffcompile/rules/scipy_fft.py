"""Derivatives of `scipy.fft`: Fourier transforms take NumPy's rules, cosine and sine transforms are linear.

    y = fft.dct(x, type=2)       x_bar = fft.dct(2-weighted y_bar, type=3)

The transforms of types 1 and 4 are symmetric up to the weights of the ends, those of types 2 and 3 each
other's transpose (Strang, 1999, The discrete cosine transform).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import fft

from .register import Unknown, defequal, deflinear


def declare_line(name: str) -> None:
    """A transform along one axis."""
    like = getattr(np.fft, name)

    @defequal(getattr(fft, name))
    def _(
        x: Any, n: Any = None, axis: Any = -1, norm: Any = None, overwrite_x: Any = False,
        workers: Any = None, *, plan: Any = None,
    ) -> Any:  # fmt: skip
        return like(x, n, axis, norm)


def declare_plane(name: str) -> None:
    """A transform along two axes."""
    like = getattr(np.fft, name)

    @defequal(getattr(fft, name))
    def _(
        x: Any, s: Any = None, axes: Any = (-2, -1), norm: Any = None, overwrite_x: Any = False,
        workers: Any = None, *, plan: Any = None,
    ) -> Any:  # fmt: skip
        return like(x, s, axes, norm)


def declare_grid(name: str) -> None:
    """A transform along several axes."""
    like = getattr(np.fft, name)

    @defequal(getattr(fft, name))
    def _(
        x: Any, s: Any = None, axes: Any = None, norm: Any = None, overwrite_x: Any = False,
        workers: Any = None, *, plan: Any = None,
    ) -> Any:  # fmt: skip
        return like(x, s, axes, norm)


def declare_shift(name: str) -> None:
    """A shift of the frequencies; SciPy may hand on NumPy's."""
    like = getattr(np.fft, name)
    if getattr(fft, name) is not like:

        @defequal(getattr(fft, name))
        def _(x: Any, axes: Any = None) -> Any:
            return like(x, axes)


declare_shift("fftshift")
declare_shift("ifftshift")
for _name in ("fft", "ifft", "rfft", "irfft", "hfft", "ihfft"):
    declare_line(_name)
for _name in ("fft2", "ifft2", "rfft2", "irfft2"):
    declare_plane(_name)
for _name in ("fftn", "ifftn", "rfftn", "irfftn"):
    declare_grid(_name)

other_length = Unknown("a transform to another length is not differentiated: pad or cut the array first")


def weighted_ends(x: Any, first: Any, last: Any, axis: Any) -> Any:
    """`x` with its first and last element along `axis` scaled."""
    place = np.arange(x.shape[axis])
    weights = np.where(place == 0, first, np.where(place == x.shape[axis] - 1, last, 1)).astype(x.dtype)
    return np.moveaxis(np.moveaxis(x, axis, -1) * weights, -1, axis)


@deflinear(fft.dct)
def _(
    ct: Any, out: Any, x: Any, type: Any = 2, n: Any = None, axis: Any = -1, norm: Any = None,
    overwrite_x: Any = False, workers: Any = None, orthogonalize: Any = None,
) -> Any:  # fmt: skip
    if n is not None or orthogonalize is not None:
        return other_length
    if type == 4 or norm == "ortho" and type == 1:
        return fft.dct(ct, type, axis=axis, norm=norm)
    if norm == "ortho":
        return fft.dct(ct, 5 - type, axis=axis, norm=norm)
    if type == 1:
        return weighted_ends(fft.dct(weighted_ends(ct, 2, 2, axis), 1, axis=axis, norm=norm), 0.5, 0.5, axis)
    if type == 2:
        return fft.dct(weighted_ends(ct, 2, 1, axis), 3, axis=axis, norm=norm)
    return weighted_ends(fft.dct(ct, 2, axis=axis, norm=norm), 0.5, 1, axis)


@deflinear(fft.dst)
def _(
    ct: Any, out: Any, x: Any, type: Any = 2, n: Any = None, axis: Any = -1, norm: Any = None,
    overwrite_x: Any = False, workers: Any = None, orthogonalize: Any = None,
) -> Any:  # fmt: skip
    if n is not None or orthogonalize is not None:
        return other_length
    if type == 1 or type == 4:
        return fft.dst(ct, type, axis=axis, norm=norm)
    if norm == "ortho":
        return fft.dst(ct, 5 - type, axis=axis, norm=norm)
    if type == 2:
        return fft.dst(weighted_ends(ct, 1, 2, axis), 3, axis=axis, norm=norm)
    return weighted_ends(fft.dst(ct, 2, axis=axis, norm=norm), 1, 0.5, axis)


def inverse_norm(norm: Any) -> Any:
    """The norm of the forward transform that an inverse one with this norm is."""
    if norm is None or norm == "backward":
        return "forward"
    return "backward" if norm == "forward" else norm


def inverse_type(type: Any) -> Any:
    """The type of the forward transform that an inverse one of this type is."""
    return 5 - type if type in (2, 3) else type


@defequal(fft.idct)
def _(
    x: Any, type: Any = 2, n: Any = None, axis: Any = -1, norm: Any = None, overwrite_x: Any = False,
    workers: Any = None, orthogonalize: Any = None,
) -> Any:  # fmt: skip
    return fft.dct(x, inverse_type(type), n, axis, inverse_norm(norm), orthogonalize=orthogonalize)


@defequal(fft.idst)
def _(
    x: Any, type: Any = 2, n: Any = None, axis: Any = -1, norm: Any = None, overwrite_x: Any = False,
    workers: Any = None, orthogonalize: Any = None,
) -> Any:  # fmt: skip
    return fft.dst(x, inverse_type(type), n, axis, inverse_norm(norm), orthogonalize=orthogonalize)


def declare_several(name: str) -> None:
    """A cosine or sine transform along several axes: one after the other."""
    single = getattr(fft, name)

    @defequal(getattr(fft, f"{name}n"))
    def _(
        x: Any, type: Any = 2, s: Any = None, axes: Any = None, norm: Any = None, overwrite_x: Any = False,
        workers: Any = None, *, orthogonalize: Any = None,
    ) -> Any:  # fmt: skip
        if s is not None:
            raise NotImplementedError("a transform to another shape is not differentiated")
        for axis in range(x.ndim) if axes is None else axes:
            x = single(x, type, axis=axis, norm=norm, orthogonalize=orthogonalize)
        return x


for _name in ("dct", "idct", "dst", "idst"):
    declare_several(_name)
