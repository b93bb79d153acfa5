"""Facts of `scipy.ndimage`: filters give the form and dtype of their input, transforms their own form."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from ..ir.graph import Atom, Const
from ..ir.types import INT, Type, array
from ..rules.scipy_ndimage import folded
from ..rules.scipy_resampling import is_outside, knot_places, rotated, turns, zoomed
from .shapes_core import FLOAT64, NO, YES, Undecided, array_of, facts, flag, is_none, shape_of
from .shapes_lengths import fresh_dim


def filtered(input: Atom, shape: bool, **named: Atom) -> Type:
    """What comes of an image: of its dtype, and of its shape too, or only of its rank."""
    x = array_of(input)
    if x.dtype is None or x.dtype.kind != "f" or "output" in named:
        raise Undecided
    return array(x.dtype, shape_of(x) if shape else tuple(fresh_dim() for _ in shape_of(x)))


@facts(ndimage.correlate1d, ndimage.convolve1d, ndimage.uniform_filter1d, ndimage.gaussian_filter1d)
@facts(ndimage.correlate, ndimage.convolve, ndimage.uniform_filter, ndimage.gaussian_filter)
@facts(ndimage.gaussian_laplace, ndimage.gaussian_gradient_magnitude, ndimage.laplace)
@facts(ndimage.sobel, ndimage.prewitt)
def _(input: Atom, *options: Atom, **named: Atom) -> Type:
    return filtered(input, True, **named)


@facts(ndimage.shift)
def _(input: Atom, *options: Atom, **named: Atom) -> Type:
    return filtered(input, True, **named)


@facts(ndimage.zoom)
def _(input: Atom, *options: Atom, **named: Atom) -> Type:
    return filtered(input, False, **named)


@facts(ndimage.affine_transform)
def _(
    input: Atom, matrix: Atom, offset: Atom = NO, output_shape: Atom = NO, *options: Atom, **named: Atom
) -> Type:  # fmt: skip
    return filtered(input, is_none(output_shape), **named)


@facts(ndimage.rotate)
def _(input: Atom, angle: Atom, axes: Atom = NO, reshape: Atom = YES, *options: Atom, **named: Atom) -> Type:
    return filtered(input, not flag(reshape), **named)


@facts(ndimage.map_coordinates)
def _(input: Atom, coordinates: Atom, output: Atom = NO, *options: Atom, **named: Atom) -> Type:
    x = array_of(input)
    if x.dtype is None or x.dtype.kind != "f" or not is_none(output):
        raise Undecided
    return array(x.dtype, shape_of(array_of(coordinates))[1:])


@facts(folded, knot_places)
def _(places: Atom, n: Atom, mode: Atom) -> Type:
    return array(np.dtype(np.int64), shape_of(array_of(places)))


@facts(is_outside)
def _(at: Atom, n: Atom) -> Type:
    return array(np.dtype(np.bool_), shape_of(array_of(at)))


@facts(turns)
def _(at: Atom, n: Atom) -> Type:
    return array(FLOAT64, shape_of(array_of(at)))


@facts(rotated)
def _(shape: Atom, angle: Atom) -> Type:
    return Type("tuple", items=(INT, INT))


@facts(zoomed)
def _(shape: Atom, zoom: Atom) -> Type:
    sizes = shape.value if isinstance(shape, Const) else shape.type.items
    if sizes is None:
        raise Undecided
    return Type("tuple", items=tuple(INT for _ in sizes))
