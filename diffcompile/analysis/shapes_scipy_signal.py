"""Facts of `scipy.signal`."""

from __future__ import annotations

import numpy as np
from scipy import signal

from ..ir.graph import Atom, Const
from ..ir.types import Type, array, number
from ..rules.scipy_filters import ends_fitted, run
from ..rules.scipy_signal import reached
from ..rules.scipy_spectral import median_bias, times
from .shapes_core import FLOAT64, NO, Undecided, array_of, constant, facts, is_none, promoted, shape_of
from .shapes_lengths import fresh_dim

LAST, FIRST = Const(-1), Const(0)


def filtered(x: Atom, *others: Atom) -> Type:
    """What a filter gives: the form of the signal."""
    known = array_of(x)
    return array(promoted(known.dtype, *[array_of(o).dtype for o in others]), shape_of(known))


def of_length(x: Type, axis: object) -> Type:
    """The signal, with another length along an axis."""
    shape = list(shape_of(x))
    if not isinstance(axis, int):  # it is known at run time
        return array(x.dtype, tuple(fresh_dim() for _ in shape))
    if not -len(shape) <= axis < len(shape):
        raise Undecided
    shape[axis] = fresh_dim()
    return array(x.dtype, tuple(shape))


@facts(signal.convolve, signal.fftconvolve, signal.oaconvolve, signal.correlate)
@facts(signal.convolve2d, signal.correlate2d)
def _(in1: Atom, in2: Atom, *options: Atom, **named: Atom) -> Type:
    x, y = array_of(in1), array_of(in2)
    return array(promoted(x.dtype, y.dtype), tuple(fresh_dim() for _ in shape_of(x)))


@facts(signal.lfilter)
def _(b: Atom, a: Atom, x: Atom, axis: Atom = LAST, zi: Atom = NO) -> Type:
    y, at = filtered(x, b, a), axis.value if isinstance(axis, Const) else None
    return y if is_none(zi) else Type("tuple", items=(y, of_length(y, at)))


@facts(run)
def _(b: Atom, a: Atom, x: Atom, axis: Atom) -> Type:
    return filtered(x, b, a)


@facts(signal.filtfilt)
def _(b: Atom, a: Atom, x: Atom, *options: Atom, **named: Atom) -> Type:
    return filtered(x, b, a)


@facts(signal.sosfilt)
def _(sos: Atom, x: Atom, axis: Atom = LAST, zi: Atom = NO) -> Type:
    if is_none(zi):
        return filtered(x, sos)
    known = x.type.kind == "array" and zi.type.kind == "array"
    states = array(array_of(zi).dtype, shape_of(array_of(zi))) if known else Type()
    return Type("tuple", items=(filtered(x, sos) if known else Type(), states))


@facts(signal.sosfiltfilt)
def _(sos: Atom, x: Atom, *options: Atom, **named: Atom) -> Type:
    return filtered(x, sos)


@facts(signal.lfilter_zi)
def _(b: Atom, a: Atom) -> Type:
    return array(promoted(array_of(b).dtype, array_of(a).dtype), (fresh_dim(),))


@facts(signal.deconvolve)
def _(signal: Atom, divisor: Atom) -> Type:
    dtype = promoted(array_of(signal).dtype, array_of(divisor).dtype)
    return Type("tuple", items=(array(dtype, (fresh_dim(),)), array(dtype, shape_of(array_of(signal)))))


@facts(signal.savgol_coeffs)
def _(window_length: Atom, *options: Atom, **named: Atom) -> Type:
    return array(FLOAT64, (fresh_dim(),))


@facts(ends_fitted)
def _(length: Atom, degree: Atom, order: Atom) -> Type:
    return array(FLOAT64, (fresh_dim(), fresh_dim()))


@facts(reached)
def _(n: Atom, size: Atom, boundary: Atom) -> Type:
    return array(np.dtype(np.int64), (fresh_dim(),))


@facts(signal.detrend, signal.savgol_filter)
def _(x: Atom, *options: Atom, **named: Atom) -> Type:
    return array(array_of(x).dtype, shape_of(array_of(x)))


@facts(signal.resample)
def _(x: Atom, num: Atom, t: Atom = NO, axis: Atom = FIRST, *options: Atom, **named: Atom) -> Type:
    if not is_none(t):
        raise Undecided
    return of_length(array_of(x), constant(axis))


@facts(signal.hilbert)
def _(x: Atom, N: Atom = NO, axis: Atom = LAST) -> Type:  # noqa: N803
    known = array(np.dtype(np.complex128), shape_of(array_of(x)))
    return known if is_none(N) else of_length(known, constant(axis))


# Spectra: frequencies, perhaps times, and the spectrum


def line() -> Type:
    """Frequencies, or times."""
    return array(FLOAT64, (fresh_dim(),))


def spectrum(x: Atom, *others: Atom, real: bool, more: int = 0) -> Type:
    """A spectrum, of as many axes as the signal has and `more`; single precision stays so."""
    found = promoted(*[array_of(o).dtype for o in (x, *others)])
    if found is None:
        raise Undecided
    dtype = np.result_type(found, np.complex64)
    dtype = np.empty(0, dtype).real.dtype if real else dtype
    return array(dtype, tuple(fresh_dim() for _ in range(len(shape_of(array_of(x))) + more)))


@facts(signal.welch, signal.periodogram)
def _(x: Atom, *options: Atom, **named: Atom) -> Type:
    return Type("tuple", items=(line(), spectrum(x, real=True)))


@facts(signal.coherence)
def _(x: Atom, y: Atom, *options: Atom, **named: Atom) -> Type:
    return Type("tuple", items=(line(), spectrum(x, y, real=True)))


@facts(signal.csd)
def _(x: Atom, y: Atom, *options: Atom, **named: Atom) -> Type:
    one, other = array_of(x), array_of(y)
    known = len(shape_of(one)) == len(shape_of(other)) and x is not y  # real if they are the same
    return Type("tuple", items=(line(), spectrum(x, y, real=False) if known else Type()))


@facts(signal.stft)
def _(x: Atom, *options: Atom, **named: Atom) -> Type:
    return Type("tuple", items=(line(), line(), spectrum(x, real=False, more=1)))


@facts(signal.spectrogram)
def _(x: Atom, *options: Atom, **named: Atom) -> Type:
    if len(options) > 8:
        raise Undecided
    mode = constant(named.get("mode", Const("psd")))
    return Type("tuple", items=(line(), line(), spectrum(x, real=mode != "complex", more=1)))


@facts(signal.istft)
def _(Zxx: Atom, *options: Atom, **named: Atom) -> Type:  # noqa: N803
    axes = len(shape_of(array_of(Zxx))) - 1
    return Type("tuple", items=(line(), array(None, tuple(fresh_dim() for _ in range(axes)))))


@facts(signal.get_window)
def _(window: Atom, Nx: Atom, *options: Atom, **named: Atom) -> Type:  # noqa: N803
    return line()


@facts(times)
def _(length: Atom, size: Atom, step: Atom) -> Type:
    return line()


@facts(median_bias)
def _(count: Atom) -> Type:
    return number(FLOAT64)
