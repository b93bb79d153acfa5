"""Facts of `scipy.fft`, which are those of `numpy.fft`, and of its cosine and sine transforms."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import fft

from ..ir.graph import Atom, Const
from ..ir.types import Type, array
from .shapes_core import NO, RULES, array_of, facts, inexact, is_none, shape_of

LAST, PLANE = Const(-1), Const((-2, -1))


def as_in_numpy(name: str) -> None:
    """A transform along one axis, a plane or all axes, as its name says."""
    rule: Any = RULES[getattr(np.fft, name)]
    default = PLANE if name.endswith("2") else NO if name.endswith("n") else LAST

    @facts(getattr(fft, name))
    def _(
        x: Atom,
        n: Atom = NO,
        axis: Atom = default,
        norm: Atom = NO,
        overwrite_x: Atom = NO,
        workers: Atom = NO,
        s: Atom = NO,
        axes: Atom = NO,
    ) -> Type:
        known: Type = rule.function(x, n if is_none(s) else s, axis if is_none(axes) else axes)
        return known


for _name in (
    "fft", "ifft", "rfft", "irfft", "hfft", "ihfft", "fft2", "ifft2", "rfft2", "irfft2", "fftn", "ifftn",
    "rfftn", "irfftn",
):  # fmt: skip
    if getattr(np.fft, _name) in RULES:
        as_in_numpy(_name)


def shifted(x: Atom, axes: Atom = NO) -> Type:
    """What a shift gives: the form of what it shifts."""
    return array(array_of(x).dtype, shape_of(array_of(x)))


for _name in ("fftshift", "ifftshift"):
    if getattr(fft, _name) is not getattr(np.fft, _name):
        facts(getattr(fft, _name))(shifted)


@facts(fft.dct, fft.idct, fft.dst, fft.idst, fft.dctn, fft.idctn, fft.dstn, fft.idstn)
def _(x: Atom, type: Atom = NO, **options: Atom) -> Type:
    a = array_of(x)
    if not all(is_none(options.get(name, NO)) for name in ("n", "s")):
        return Type()
    return array(inexact(a.dtype), shape_of(a))
