"""Facts of `scipy.signal`."""

from __future__ import annotations

import numpy as np
from scipy import signal

from ..ir.graph import Atom
from ..ir.types import Type, array
from .shapes_core import NO, array_of, facts, is_none, promoted, shape_of
from .shapes_lengths import fresh_dim


@facts(signal.convolve, signal.fftconvolve, signal.oaconvolve, signal.correlate)
@facts(signal.convolve2d, signal.correlate2d)
def _(in1: Atom, in2: Atom, *options: Atom, **named: Atom) -> Type:
    x, y = array_of(in1), array_of(in2)
    return array(promoted(x.dtype, y.dtype), tuple(fresh_dim() for _ in shape_of(x)))


@facts(signal.lfilter)
def _(b: Atom, a: Atom, x: Atom, axis: Atom = NO, zi: Atom = NO) -> Type:
    known = array_of(x)
    dtype = promoted(array_of(b).dtype, array_of(a).dtype, known.dtype)
    return array(dtype, shape_of(known)) if is_none(zi) else Type()


@facts(signal.detrend)
def _(data: Atom, *options: Atom, **named: Atom) -> Type:
    return array(array_of(data).dtype, shape_of(array_of(data)))


@facts(signal.hilbert)
def _(x: Atom, N: Atom = NO, axis: Atom = NO) -> Type:  # noqa: N803
    return array(np.dtype(np.complex128), shape_of(array_of(x))) if is_none(N) else Type()
