"""Derivatives of Python's complex numbers: the constructor and the functions of `cmath`.

    w = cmath.exp(z)              z_bar = w_bar * w
    r, phi = cmath.polar(z)       z_bar = r_bar * conj(z) / r - 1j * phi_bar * conj(z) / r**2

The cotangent of a complex number is that of a linear map: `w_bar` in, `w_bar * dw/dz` out, nothing is
conjugated. Of a function with a real result it is `df/dx - 1j * df/dy`, the conjugate of the direction of
steepest ascent: `2 * conj(z)` for `abs(z)**2`. At 0 the modulus and the phase have slope 0, the square root
and the logarithm have slope inf.
"""

from __future__ import annotations

import builtins
import cmath
from typing import Any

import numpy as np

from .arithmetic import slope
from .edges import at_i, at_one, at_zero
from .register import defelementwise, defjvp, defvjp, nondifferentiable

nondifferentiable(cmath.isclose, cmath.isfinite, cmath.isinf, cmath.isnan)


@defelementwise(builtins.complex)
def _(out: Any, real: Any = 0.0, imag: Any = 0.0) -> Any:
    return 1.0, 1j


@defelementwise(np.complex128, np.complex64)
def _(out: Any, z: Any) -> Any:
    return 1.0


# The sign of a complex number is the number of modulus 1 with its phase; that of a real one is constant.


@defvjp(np.sign)
def _(ct: Any, out: Any, x: Any) -> Any:
    if not np.iscomplexobj(x):
        return np.zeros_like(x)
    size = np.abs(x)
    across = ct - np.conj(out) * np.real(ct * out)
    return np.where(size == 0, 0.0, across / np.where(size == 0, 1.0, size))


@defjvp(np.sign)
def _(tangents: Any, out: Any, x: Any) -> Any:
    if not np.iscomplexobj(x):
        return np.zeros_like(x)
    size = np.abs(x)
    across = tangents[0] - out * np.real(np.conj(out) * tangents[0])
    return np.where(size == 0, 0.0, across / np.where(size == 0, 1.0, size))


# Exponentials and logarithms


@defelementwise(cmath.exp)
def _(out: Any, z: Any) -> Any:
    return out


@defelementwise(cmath.log, singular=True)
def _(out: Any, z: Any, base: Any = cmath.e) -> Any:
    return slope(1.0, z * cmath.log(base)), -out / (base * cmath.log(base))


@defelementwise(cmath.log10, singular=True)
def _(out: Any, z: Any) -> Any:
    return slope(1.0, z * cmath.log(10.0))


@defelementwise(cmath.sqrt, singular=at_zero)
def _(out: Any, z: Any) -> Any:
    return slope(0.5, out)


# Trigonometric and hyperbolic functions


@defelementwise(cmath.sin)
def _(out: Any, z: Any) -> Any:
    return cmath.cos(z)


@defelementwise(cmath.cos)
def _(out: Any, z: Any) -> Any:
    return -cmath.sin(z)


@defelementwise(cmath.tan)
def _(out: Any, z: Any) -> Any:
    return 1.0 + out**2


@defelementwise(cmath.sinh)
def _(out: Any, z: Any) -> Any:
    return cmath.cosh(z)


@defelementwise(cmath.cosh)
def _(out: Any, z: Any) -> Any:
    return cmath.sinh(z)


@defelementwise(cmath.tanh)
def _(out: Any, z: Any) -> Any:
    return 1.0 - out**2


@defelementwise(cmath.asin, singular=at_one)
def _(out: Any, z: Any) -> Any:
    return slope(1.0, cmath.cos(out))


@defelementwise(cmath.acos, singular=at_one)
def _(out: Any, z: Any) -> Any:
    return slope(-1.0, cmath.sin(out))


@defelementwise(cmath.atan, singular=True)
def _(out: Any, z: Any) -> Any:
    return slope(1.0, 1.0 + z**2)


@defelementwise(cmath.asinh, singular=at_i)
def _(out: Any, z: Any) -> Any:
    return slope(1.0, cmath.cosh(out))


@defelementwise(cmath.acosh, singular=at_one)
def _(out: Any, z: Any) -> Any:
    return slope(1.0, cmath.sinh(out))


@defelementwise(cmath.atanh, singular=True)
def _(out: Any, z: Any) -> Any:
    return slope(1.0, 1.0 - z**2)


# Polar coordinates


def radial(z: Any) -> Any:
    """The derivative of the modulus."""
    return np.conj(z) / abs(z) if z else 0.0


def angular(z: Any) -> Any:
    """The derivative of the phase."""
    return -1j * np.conj(z) / abs(z) ** 2 if z else 0.0


@defelementwise(cmath.phase)
def _(out: Any, z: Any) -> Any:
    return angular(z)


@defvjp(cmath.polar)
def _(ct: Any, out: Any, z: Any) -> Any:
    r_bar, phi_bar = ct
    if phi_bar is None:
        return r_bar * radial(z)
    if r_bar is None:
        return phi_bar * angular(z)
    return r_bar * radial(z) + phi_bar * angular(z)


@defjvp(cmath.polar)
def _(tangents: Any, out: Any, z: Any) -> Any:
    return np.real(radial(z) * tangents[0]), np.real(angular(z) * tangents[0])


@defelementwise(cmath.rect)
def _(out: Any, r: Any, phi: Any) -> Any:
    return cmath.rect(1.0, phi), 1j * out
