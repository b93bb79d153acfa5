"""Facts of the filters of `scipy.ndimage`: the form and dtype of their input."""

from __future__ import annotations

from scipy import ndimage

from ..ir.graph import Atom
from ..ir.types import Type, array
from .shapes_core import Undecided, array_of, facts, shape_of


@facts(ndimage.correlate1d, ndimage.convolve1d, ndimage.uniform_filter1d)
@facts(ndimage.gaussian_filter1d, ndimage.gaussian_filter)
def _(input: Atom, *options: Atom, **named: Atom) -> Type:
    x = array_of(input)
    if x.dtype is None or x.dtype.kind != "f" or "output" in named:
        raise Undecided
    return array(x.dtype, shape_of(x))
