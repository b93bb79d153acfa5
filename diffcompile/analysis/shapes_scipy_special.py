"""Facts of the functions of `scipy.special` that are not ufuncs."""

from __future__ import annotations

import numpy as np
from scipy import special

from ..ir.graph import Atom
from ..ir.types import Type, array
from .shapes_core import (
    FALSE,
    FLOAT64,
    NO,
    array_of,
    facts,
    flag,
    inexact,
    is_none,
    none_or_undecided,
    real_of,
    result,
    shape_of,
)
from .shapes_elementwise import elementwise
from .shapes_reduce import reduced


@facts(special.logsumexp)
def _(a: Atom, axis: Atom = NO, b: Atom = NO, keepdims: Atom = FALSE, return_sign: Atom = FALSE) -> Type:
    x = array_of(a) if is_none(b) else elementwise(np.multiply, [a.type, b.type])
    dtype = inexact(x.dtype)
    value = reduced(x, dtype, axis, keepdims)
    if not flag(return_sign):
        return value
    return Type("tuple", items=(reduced(x, real_of(dtype), axis, keepdims), value))


@facts(special.softmax, special.log_softmax)
def _(x: Atom, axis: Atom = NO) -> Type:
    a = array_of(x)
    return array(inexact(a.dtype), shape_of(a)) if shape_of(a) else Type()


@facts(special.multigammaln)
def _(a: Atom, d: Atom) -> Type:
    x = array_of(a)
    return result(inexact(x.dtype), shape_of(x))


@facts(special.polygamma)
def _(n: Atom, x: Atom) -> Type:
    return result(FLOAT64, shape_of(elementwise_form(n, x)))


@facts(special.lambertw)
def _(z: Atom, k: Atom = NO, tol: Atom = NO) -> Type:
    if not is_none(k):
        return result(np.dtype(np.complex128), shape_of(elementwise_form(z, k)))
    return result(np.dtype(np.complex128), shape_of(array_of(z)))


@facts(special.zeta)
def _(x: Atom, q: Atom = NO, out: Atom = NO) -> Type:
    none_or_undecided(out)
    form = array_of(x) if is_none(q) else elementwise_form(x, q)
    return result(inexact(form.dtype), shape_of(form))


def elementwise_form(a: Atom, b: Atom) -> Type:
    """What `a` and `b` broadcast to."""
    known = elementwise(np.multiply, [a.type, b.type])
    return array(known.dtype, known.shape) if known.kind == "array" else array(known.dtype, ())


def harmonic(n: Atom, m: Atom, theta: Atom, phi: Atom) -> Type:
    """What is known of a spherical harmonic of one degree and order."""
    if array_of(n).shape or array_of(m).shape:
        return Type()
    return result(np.dtype(np.complex128), shape_of(elementwise_form(theta, phi)))


if hasattr(special, "sph_harm_y"):
    facts(special.sph_harm_y)(harmonic)
