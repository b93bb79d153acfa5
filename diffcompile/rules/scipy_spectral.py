"""Derivatives of spectra over time: periodograms, cross spectra, coherence, short-time Fourier transforms.

    f, p = signal.welch(x, fs)       p = mean over segments of abs(rfft(window * segment))**2 * scale

A signal is cut into segments that overlap, each is freed of its trend, windowed and transformed; a spectrum
is the average of products of such transforms. Each function is stated so in NumPy (`defequal`), and
differentiated in its place: by the signal, by a window given as an array, and by the rate of sampling.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import signal

from .facts import COMPLEX_OF_REAL
from .register import defequal, nondifferentiable
from .scipy_filters import with_ends

nondifferentiable(signal.get_window)
COMPLEX_OF_REAL.update({signal.csd, signal.spectrogram, signal.stft, signal.istft})


def window_of(window: Any, nperseg: Any, length: Any) -> Any:
    """The window as an array, and how long the segments are."""
    if isinstance(window, (str, tuple)):
        size = min(256 if nperseg is None else nperseg, length)
        return signal.get_window(window, size), size
    return np.asarray(window), window.shape[0]


def frequencies(nfft: Any, fs: Any, onesided: Any) -> Any:
    """The frequencies that a transform is of."""
    return np.fft.rfftfreq(nfft, 1.0 / fs) if onesided else np.fft.fftfreq(nfft, 1.0 / fs)


def height(win: Any, fs: Any, scaling: Any) -> Any:
    """What the square of a transform of a windowed segment is multiplied by."""
    return 1.0 / (fs * np.sum(win * win)) if scaling == "density" else 1.0 / np.sum(win) ** 2


def transforms(x: Any, win: Any, step: Any, nfft: Any, detrend: Any, onesided: Any) -> Any:
    """The transforms of the segments along the last axis: their numbers, then the frequencies."""
    if callable(detrend):
        raise NotImplementedError("a spectrum with a function for `detrend` is not differentiated")
    size = win.shape[0]
    first = step * np.arange((x.shape[-1] - size) // step + 1)
    segments = x[..., first[:, None] + np.arange(size)]
    if detrend:
        segments = signal.detrend(segments, -1, detrend)
    return np.fft.rfft(win * segments, nfft) if onesided else np.fft.fft(win * segments, nfft)


def doubled_inside(power: Any, nfft: Any) -> Any:
    """A power on one side stands for two, but where there is no other: at 0, and at the highest if even."""
    place = np.arange(power.shape[-1])
    return power * np.where((place > 0) & (2 * place != nfft), 2.0, 1.0)


def lengthened(x: Any, length: Any) -> Any:
    """A signal along the last axis, with zeros after it."""
    return np.concatenate([x, np.zeros((*x.shape[:-1], length - x.shape[-1]), dtype=x.dtype)], axis=-1)


def median_bias(count: Any) -> Any:
    """How much more than its mean the median of so many powers is (Allen and others, 2012, appendix B)."""
    even = 2.0 * np.arange(1, (count - 1) // 2 + 1)
    return 1.0 + np.sum(1.0 / (even + 1.0) - 1.0 / even)


nondifferentiable(median_bias)


def averaged(power: Any, average: Any) -> Any:
    """The average of powers over segments, which are counted by the axis before the last."""
    if average == "mean":
        return np.mean(power, axis=-2)
    bias = median_bias(power.shape[-2])
    if np.iscomplexobj(power):
        return (np.median(np.real(power), axis=-2) + 1j * np.median(np.imag(power), axis=-2)) / bias
    return np.median(power, axis=-2) / bias


def of_both(x: Any, y: Any, onesided: Any) -> Any:
    """Is a spectrum of these on one side?"""
    return onesided and not np.iscomplexobj(x) and not np.iscomplexobj(y)


@defequal(signal.csd)
def _(
    x: Any, y: Any, fs: Any = 1.0, window: Any = "hann", nperseg: Any = None, noverlap: Any = None,
    nfft: Any = None, detrend: Any = "constant", return_onesided: Any = True, scaling: Any = "density",
    axis: Any = -1, average: Any = "mean",
) -> Any:  # fmt: skip
    x, y = np.moveaxis(x, axis, -1), np.moveaxis(y, axis, -1)
    length = max(x.shape[-1], y.shape[-1])
    win, size = window_of(window, nperseg, length)
    step = size - (size // 2 if noverlap is None else noverlap)
    count, onesided = size if nfft is None else nfft, of_both(x, y, return_onesided)
    from_x = transforms(lengthened(x, length), win, step, count, detrend, onesided)
    from_y = transforms(lengthened(y, length), win, step, count, detrend, onesided)
    power = np.conj(from_x) * from_y * height(win, fs, scaling)
    power = averaged(doubled_inside(power, count) if onesided else power, average)
    return frequencies(count, fs, onesided), np.moveaxis(power, -1, axis)


@defequal(signal.welch)
def _(
    x: Any, fs: Any = 1.0, window: Any = "hann", nperseg: Any = None, noverlap: Any = None, nfft: Any = None,
    detrend: Any = "constant", return_onesided: Any = True, scaling: Any = "density", axis: Any = -1,
    average: Any = "mean",
) -> Any:  # fmt: skip
    x = np.moveaxis(x, axis, -1)
    win, size = window_of(window, nperseg, x.shape[-1])
    step = size - (size // 2 if noverlap is None else noverlap)
    f, power = powers(x, fs, win, step, size if nfft is None else nfft, detrend, return_onesided, scaling)
    return f, np.moveaxis(averaged(power, average), -1, axis)


def powers(
    x: Any, fs: Any, win: Any, step: Any, nfft: Any, detrend: Any, return_onesided: Any, scaling: Any
) -> Any:
    """The frequencies, and the powers of the segments along the last axis."""
    onesided = return_onesided and not np.iscomplexobj(x)
    found = transforms(x, win, step, nfft, detrend, onesided)
    power = (np.real(found) ** 2 + np.imag(found) ** 2) * height(win, fs, scaling)
    return frequencies(nfft, fs, onesided), doubled_inside(power, nfft) if onesided else power


@defequal(signal.periodogram)
def _(
    x: Any, fs: Any = 1.0, window: Any = "boxcar", nfft: Any = None, detrend: Any = "constant",
    return_onesided: Any = True, scaling: Any = "density", axis: Any = -1,
) -> Any:  # fmt: skip
    x = np.moveaxis(x, axis, -1)
    count = x.shape[-1] if nfft is None else nfft
    x = x[..., :count]
    win, size = window_of("boxcar" if window is None else window, x.shape[-1], x.shape[-1])
    f, power = powers(x, fs, win, size, count, detrend, return_onesided, scaling)
    return f, np.moveaxis(power[..., 0, :], -1, axis)


@defequal(signal.coherence)
def _(
    x: Any, y: Any, fs: Any = 1.0, window: Any = "hann", nperseg: Any = None, noverlap: Any = None,
    nfft: Any = None, detrend: Any = "constant", axis: Any = -1,
) -> Any:  # fmt: skip
    if x.shape[axis] != y.shape[axis]:
        raise NotImplementedError("the coherence of signals of different lengths is not differentiated")
    x, y = np.moveaxis(x, axis, -1), np.moveaxis(y, axis, -1)
    win, size = window_of(window, nperseg, x.shape[-1])
    step = size - (size // 2 if noverlap is None else noverlap)
    count, onesided = size if nfft is None else nfft, of_both(x, y, True)
    from_x = transforms(x, win, step, count, detrend, onesided)
    from_y = transforms(y, win, step, count, detrend, onesided)
    cross = np.mean(np.conj(from_x) * from_y, axis=-2)
    power_x = np.mean(np.real(from_x) ** 2 + np.imag(from_x) ** 2, axis=-2)
    power_y = np.mean(np.real(from_y) ** 2 + np.imag(from_y) ** 2, axis=-2)
    found = (np.real(cross) ** 2 + np.imag(cross) ** 2) / power_x / power_y
    return frequencies(count, fs, onesided), np.moveaxis(found, -1, axis)


# Spectra that change with time


def times(length: Any, size: Any, step: Any) -> Any:
    """The middles of the segments, counted in samples."""
    return np.arange(size / 2, length - size / 2 + 1, step)


nondifferentiable(times)


def over_time(power: Any, axis: Any) -> Any:
    """What stands on the last two axes, segments and frequencies, with the segments last."""
    return np.moveaxis(np.moveaxis(power, -2, -1), -2, axis if axis >= 0 else axis - 1)


@defequal(signal.spectrogram)
def _(
    x: Any, fs: Any = 1.0, window: Any = ("tukey", 0.25), nperseg: Any = None, noverlap: Any = None,
    nfft: Any = None, detrend: Any = "constant", return_onesided: Any = True, scaling: Any = "density",
    axis: Any = -1, mode: Any = "psd",
) -> Any:  # fmt: skip
    x = np.moveaxis(x, axis, -1)
    win, size = window_of(window, nperseg, x.shape[-1])
    step = size - (size // 8 if noverlap is None else noverlap)
    count = size if nfft is None else nfft
    t = times(x.shape[-1], size, step) / fs
    if mode == "psd":
        f, power = powers(x, fs, win, step, count, detrend, return_onesided, scaling)
        return f, t, over_time(power, axis)
    onesided = return_onesided and not np.iscomplexobj(x)
    found = transforms(x, win, step, count, detrend, onesided) * np.sqrt(height(win, fs, scaling))
    f, found = frequencies(count, fs, onesided), over_time(found, axis)
    if mode == "complex":
        return f, t, found
    if mode == "magnitude":
        return f, t, np.abs(found)
    phases = np.angle(found)
    return f, t, np.unwrap(phases, axis=axis if axis >= 0 else axis - 1) if mode == "phase" else phases


def extended(x: Any, edge: Any, boundary: Any) -> Any:
    """A signal along the last axis, continued at both ends."""
    if boundary == "zeros":
        zeros = np.zeros((*x.shape[:-1], edge), dtype=x.dtype)
        return np.concatenate([zeros, x, zeros], axis=-1)
    return with_ends(x, edge, boundary)


@defequal(signal.stft)
def _(
    x: Any, fs: Any = 1.0, window: Any = "hann", nperseg: Any = 256, noverlap: Any = None, nfft: Any = None,
    detrend: Any = False, return_onesided: Any = True, boundary: Any = "zeros", padded: Any = True,
    axis: Any = -1, scaling: Any = "spectrum",
) -> Any:  # fmt: skip
    x = np.moveaxis(x, axis, -1)
    win, size = window_of(window, nperseg, x.shape[-1])
    step = size - (size // 2 if noverlap is None else noverlap)
    count, onesided = size if nfft is None else nfft, return_onesided and not np.iscomplexobj(x)
    x = extended(x, size // 2, boundary)
    if padded:
        x = lengthened(x, x.shape[-1] + (-(x.shape[-1] - size) % step) % size)
    scale = height(win, fs, "density" if scaling == "psd" else "spectrum")
    found = transforms(x, win, step, count, detrend, onesided) * np.sqrt(scale)
    middles = times(x.shape[-1], size, step) - (0 if boundary is None else size / 2)
    return frequencies(count, fs, onesided), middles / fs, over_time(found, axis)


@defequal(signal.istft)
def _(
    Zxx: Any, fs: Any = 1.0, window: Any = "hann", nperseg: Any = None, noverlap: Any = None,
    nfft: Any = None, input_onesided: Any = True, boundary: Any = True, time_axis: Any = -1,
    freq_axis: Any = -2, scaling: Any = "spectrum",
) -> Any:  # fmt: skip
    found = np.moveaxis(Zxx, (time_axis, freq_axis), (-2, -1))
    lines = 2 * (found.shape[-1] - 1) if input_onesided else found.shape[-1]
    size = lines if nperseg is None else nperseg
    odd = input_onesided and size == lines + 1
    count = (size if odd else lines) if nfft is None else nfft
    step = size - (size // 2 if noverlap is None else noverlap)
    win = window_of(window, size, size)[0]
    segments = np.fft.irfft(found, count) if input_onesided else np.fft.ifft(found, count)
    scale = np.sum(win) if scaling == "spectrum" else np.sqrt(fs * np.sum(win**2))
    x = overlapped(segments[..., :size] * scale * win, step)
    weight = overlapped(np.zeros((found.shape[-2], size)) + win**2, step)
    if boundary:
        x, weight = x[..., size // 2 : -(size // 2)], weight[size // 2 : -(size // 2)]
    x = x / np.where(weight > 1e-10, weight, 1.0)
    place, other = time_axis % np.ndim(Zxx), freq_axis % np.ndim(Zxx)
    x = np.moveaxis(x, -1, place - 1 if other < place else place)
    return np.arange(x.shape[0]) / fs, x


def overlapped(segments: Any, step: Any) -> Any:
    """The sum of segments along the last axis, each `step` further than the one before."""
    count, size = segments.shape[-2], segments.shape[-1]
    whole = np.zeros((*segments.shape[:-2], size + (count - 1) * step), dtype=segments.dtype)
    for k in range(count):
        whole[..., k * step : k * step + size] += segments[..., k, :]
    return whole
