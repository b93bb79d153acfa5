"""Facts of discrete Fourier transforms."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np

from ..ir.graph import Atom, Const
from ..ir.types import Size, Type, array, not_one
from ..rules.fft import fitted
from .shapes_core import NO, array_of, axes_of, axis_of, constant, facts, integer, is_none, lengths, shape_of
from .shapes_lengths import fresh_dim

LAST, LAST_TWO = Const(-1), Const((-2, -1))


@lru_cache(maxsize=256)
def transformed(transform: Any, char: str) -> np.dtype[Any] | None:
    """The dtype that a transform makes of another one, as NumPy says."""
    try:
        dtype: np.dtype[Any] = transform(np.ones(2, char)).dtype
    except TypeError:
        return None
    return dtype


def dtype_after(transform: Any, x: Type) -> np.dtype[Any] | None:
    return None if x.dtype is None else transformed(transform, x.dtype.char)


def unchanged(size: Size) -> Size:
    return size


def halved(size: Size) -> Size:
    # The length is not 0, so it is at least 2 where it is not 1.
    return size // 2 + 1 if isinstance(size, int) else fresh_dim(not not_one(size))


def doubled(size: Size) -> Size:
    return 2 * (size - 1) if isinstance(size, int) else fresh_dim(False)


def one_axis(transform: Any, given: Callable[[Size], Size], default: Callable[[Size], Size]) -> None:
    """Declare a transform along one axis: what it makes of a given length, and of the axis' own."""

    @facts(transform)
    def _(a: Atom, n: Atom = NO, axis: Atom = LAST, norm: Atom = NO) -> Type:
        x = array_of(a)
        shape = list(shape_of(x))
        k = axis_of(axis, len(shape))
        known = integer(n)
        size: Size = fresh_dim() if known is None else known
        shape[k] = default(shape[k]) if is_none(n) else given(size)
        return array(dtype_after(transform, x), tuple(shape))


one_axis(np.fft.fft, unchanged, unchanged)
one_axis(np.fft.ifft, unchanged, unchanged)
one_axis(np.fft.rfft, halved, halved)
one_axis(np.fft.ihfft, halved, halved)
one_axis(np.fft.irfft, unchanged, doubled)
one_axis(np.fft.hfft, unchanged, doubled)


def several_axes(
    transform: Any, one: Any, last: Atom, given: Callable[[Size], Size], default: Callable[[Size], Size]
) -> None:
    """Declare a transform along several axes, of which the last one is changed in length."""

    @facts(transform)
    def _(a: Atom, s: Atom = NO, axes: Atom = last, norm: Atom = NO) -> Type:
        x = array_of(a)
        shape = list(shape_of(x))
        sizes = None if is_none(s) else lengths(s)
        if is_none(axes):
            over = tuple(range(0 if sizes is None else len(shape) - len(sizes), len(shape)))
        else:
            constant(axes)
            over = axes_of(axes, len(shape))
        if sizes is not None:
            for k, size in zip(over, sizes, strict=True):
                shape[k] = size
        shape[over[-1]] = (default if sizes is None else given)(shape[over[-1]])
        return array(dtype_after(one, x), tuple(shape))


for _two, _many, _one, _given, _default in (
    (np.fft.fft2, np.fft.fftn, np.fft.fft, unchanged, unchanged),
    (np.fft.ifft2, np.fft.ifftn, np.fft.fft, unchanged, unchanged),
    (np.fft.rfft2, np.fft.rfftn, np.fft.rfft, halved, halved),
    (np.fft.irfft2, np.fft.irfftn, np.fft.irfft, unchanged, doubled),
):
    several_axes(_two, _one, LAST_TWO, _given, _default)
    several_axes(_many, _one, NO, _given, _default)


@facts(np.fft.fftshift, np.fft.ifftshift)
def _(x: Atom, axes: Atom = NO) -> Type:
    a = array_of(x)
    return array(a.dtype, shape_of(a))


@facts(np.fft.fftfreq)
def _(n: Atom, d: Atom = NO) -> Type:
    size = integer(n)
    return array(np.dtype(np.float64), (fresh_dim() if size is None else size,))


@facts(np.fft.rfftfreq)
def _(n: Atom, d: Atom = NO) -> Type:
    size = integer(n)
    return array(np.dtype(np.float64), (fresh_dim() if size is None else halved(size),))


@facts(fitted)
def _(x: Atom, like: Atom) -> Type:
    return array(array_of(x).dtype, shape_of(array_of(like)))
