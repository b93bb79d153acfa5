"""Derivatives of discrete Fourier transforms.

    y = np.fft.fft(x)         x_bar = np.fft.fft(y_bar)
    y = np.fft.rfft(x)        x_bar = np.real(np.fft.fft(y_bar, len(x)))
    y = np.fft.irfft(x)       x_bar = np.conj(np.fft.rfft(y_bar, norm="forward")), all but the ends doubled

Every transform is linear, and the matrix of `fft` is symmetric, so it is its own transpose: nothing is
conjugated. A transform of a real array keeps half of the spectrum, so its transpose fills up the other half
with zeros. One of half a spectrum reads every element twice but the first and, of an even length, the last.
An input that was padded gets the beginning of the cotangent; one that was cropped gets zeros beyond it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .facts import static
from .register import Array, defjvp, deflinear, defvjp

REVERSED: dict[Any, str] = {None: "forward", "backward": "forward", "forward": "backward", "ortho": "ortho"}


@static
def reversed_norm(norm: Any) -> Any:
    """The normalisation of the transform the other way.

    >>> reversed_norm(None), reversed_norm("ortho")
    ('forward', 'ortho')
    """
    return REVERSED[norm]


@static
def transformed_axes(count: int | None, axes: Any, rank: int) -> tuple[int, ...]:
    """The axes along which a transform of several axes runs; `count` is that of the lengths given for them.

    >>> transformed_axes(None, None, 2), transformed_axes(1, None, 3), transformed_axes(None, (-1, 0), 3)
    ((0, 1), (2,), (2, 0))
    """
    if axes is None:
        return tuple(range(0 if count is None else rank - count, rank))
    return tuple(axis % rank for axis in axes)


def fitted(x: Any, like: Any) -> Any:
    """`x`, cropped or filled up with zeros to the shape of `like`.

    >>> fitted(np.ones((3, 1)), np.zeros((2, 2)))
    array([[1., 0.],
           [1., 0.]])
    """
    kept = x[tuple([slice(n) for n in np.shape(like)])]
    return np.pad(kept, [(0, n - m) for n, m in zip(np.shape(like), kept.shape, strict=True)])


@deflinear(fitted)
def _(ct: Any, out: Any, x: Any, like: Any) -> Any:
    return fitted(ct, x)


def ends_once(spectrum: Any, n: Any, axis: Any) -> Any:
    """Half of a spectrum of length `n`, its elements doubled but the first and, if `n` is even, the last."""
    k = np.arange(spectrum.shape[axis])
    inner = (k > 0) & (2 * k < n)
    if axis != -1:
        inner = np.reshape(inner, (-1,) + (1,) * (spectrum.ndim - 1 - axis % spectrum.ndim))
    return np.where(inner, 2.0 * spectrum, spectrum)


# Along one axis


def whole_spectrum(transform: Any) -> None:
    """Declare a transform from n numbers to n numbers."""

    @deflinear(transform)
    def _(ct: Any, out: Any, a: Array, n: Any = None, axis: Any = -1, norm: Any = None) -> Any:
        a_bar = transform(ct, axis=axis, norm=norm)
        return a_bar if n is None else fitted(a_bar, a)


whole_spectrum(np.fft.fft)
whole_spectrum(np.fft.ifft)


@deflinear(np.fft.rfft)
def _(ct: Any, out: Any, a: Array, n: Any = None, axis: Any = -1, norm: Any = None) -> Any:
    if n is None:
        return np.real(np.fft.fft(ct, a.shape[axis], axis=axis, norm=norm))
    return fitted(np.real(np.fft.fft(ct, n, axis=axis, norm=norm)), a)


@deflinear(np.fft.ihfft)
def _(ct: Any, out: Any, a: Array, n: Any = None, axis: Any = -1, norm: Any = None) -> Any:
    if n is None:
        return np.real(np.fft.fft(np.conj(ct), a.shape[axis], axis=axis, norm=reversed_norm(norm)))
    return fitted(np.real(np.fft.fft(np.conj(ct), n, axis=axis, norm=reversed_norm(norm))), a)


@deflinear(np.fft.irfft)
def _(ct: Any, out: Any, a: Array, n: Any = None, axis: Any = -1, norm: Any = None) -> Any:
    spectrum = np.conj(np.fft.rfft(ct, axis=axis, norm=reversed_norm(norm)))
    a_bar = ends_once(spectrum, ct.shape[axis], axis)
    return a_bar if n is None else fitted(a_bar, a)


@deflinear(np.fft.hfft)
def _(ct: Any, out: Any, a: Array, n: Any = None, axis: Any = -1, norm: Any = None) -> Any:
    a_bar = ends_once(np.fft.rfft(ct, axis=axis, norm=norm), ct.shape[axis], axis)
    return a_bar if n is None else fitted(a_bar, a)


# Along several axes


def whole_spectra(transform: Any, last: Any) -> None:
    """Declare a transform along several axes, by default the axes `last`, that keeps their lengths."""

    @deflinear(transform)
    def _(ct: Any, out: Any, a: Array, s: Any = None, axes: Any = last, norm: Any = None) -> Any:
        if s is None:
            return transform(ct, axes=axes, norm=norm)
        return fitted(transform(ct, axes=transformed_axes(len(s), axes, a.ndim), norm=norm), a)


whole_spectra(np.fft.fft2, (-2, -1))
whole_spectra(np.fft.ifft2, (-2, -1))
whole_spectra(np.fft.fftn, None)
whole_spectra(np.fft.ifftn, None)


def half_spectra(forward: Any, backward: Any, last: Any) -> None:
    """Declare a pair of transforms along several axes, from and to real arrays."""

    @deflinear(forward)
    def _(ct: Any, out: Any, a: Array, s: Any = None, axes: Any = last, norm: Any = None) -> Any:
        over = transformed_axes(None if s is None else len(s), axes, a.ndim)
        n = a.shape[over[-1]] if s is None else s[-1]
        lengths = (*[ct.shape[k] for k in over[:-1]], n)
        a_bar = np.real(np.fft.fftn(ct, lengths, over, norm=norm))
        return a_bar if s is None else fitted(a_bar, a)

    @deflinear(backward)
    def _(ct: Any, out: Any, a: Array, s: Any = None, axes: Any = last, norm: Any = None) -> Any:
        over = transformed_axes(None if s is None else len(s), axes, a.ndim)
        spectrum = np.conj(np.fft.rfftn(ct, axes=over, norm=reversed_norm(norm)))
        a_bar = ends_once(spectrum, ct.shape[over[-1]], over[-1])
        return a_bar if s is None else fitted(a_bar, a)


half_spectra(np.fft.rfft2, np.fft.irfft2, (-2, -1))
half_spectra(np.fft.rfftn, np.fft.irfftn, None)


# Order and frequencies


@deflinear(np.fft.fftshift)
def _(ct: Any, out: Any, x: Array, axes: Any = None) -> Any:
    return np.fft.ifftshift(ct, axes)


@deflinear(np.fft.ifftshift)
def _(ct: Any, out: Any, x: Array, axes: Any = None) -> Any:
    return np.fft.fftshift(ct, axes)


@defvjp(np.fft.fftfreq, np.fft.rfftfreq)
def _(ct: Any, out: Any, n: Any, d: Any = 1.0) -> Any:
    return None, -np.sum(ct * out) / d


@defjvp(np.fft.fftfreq, np.fft.rfftfreq)
def _(tangents: Any, out: Any, n: Any, d: Any = 1.0) -> Any:
    return -out / d * tangents[1]
