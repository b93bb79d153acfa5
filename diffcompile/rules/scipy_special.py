"""Derivatives of the special functions of `scipy.special`.

    y = special.gammaln(x)        x_bar = y_bar * special.digamma(x)
    y = special.jv(2, x)          x_bar = y_bar * ((special.jv(1, x) - special.jv(3, x)) / 2)

The formulas are those of the NIST Digital Library of Mathematical Functions (DLMF), cited by section. A
derivative with respect to an order or a shape parameter that has no closed form is refused, by name. What is
smooth at a point where the usual formula divides by 0 is stated by another one, so that second derivatives
are right there as well. At 0, `xlogy`, `entr` and `rel_entr` have the slope of the logarithm, which is
infinite, and never nan.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy import special

from .arithmetic import select, slope, tangent
from .broadcast import unbroadcast
from .edges import (
    at_argument_minus_one,
    at_argument_one,
    at_argument_zero,
    at_either_zero,
    at_second_edge,
    at_second_minus_one,
    at_second_zero,
    at_third_edge,
    at_zero,
)
from .register import Unknown, defelementwise, defjvp, defvjp, nondifferentiable

nondifferentiable(special.gammasgn, special.round, special.bernoulli, special.euler)

no_closed_form = Unknown("it has no closed form")


def log(x: Any) -> Any:
    """The logarithm, -inf at 0, without a warning."""
    return select(x == 0, -math.inf, np.log(select(x == 0, 1, x)))


def quotient(x: Any, y: Any) -> Any:
    """`x / y`; where `y` is 0, infinite with the sign of `x`, and 0 if `x` is 0."""
    steep = select(x > 0, math.inf, select(x < 0, -math.inf, x))
    return select(y == 0, steep, x / select(y == 0, 1, y))


def weak(x: Any) -> Any:
    """A scalar as a Python float, which does not promote single precision."""
    return float(x) if np.ndim(x) == 0 else x


# Gamma and related functions (DLMF 5)


@defelementwise(special.gamma)
def _(out: Any, z: Any) -> Any:
    return out * special.digamma(z)


@defelementwise(special.gammaln, special.loggamma)
def _(out: Any, z: Any) -> Any:
    return special.digamma(z)


@defelementwise(special.rgamma, singular=True)
def _(out: Any, z: Any) -> Any:
    # By reflection (5.5.3) on the left, where 1 / gamma is smooth through the poles of gamma.
    small = np.real(z) < 0.5
    t = select(small, z, 0)
    left = np.cos(math.pi * t) - special.digamma(1 - t) * np.sin(math.pi * t) / math.pi
    return select(small, special.gamma(1 - t) * left, -special.digamma(select(small, 1, z)) * out)


@defelementwise(special.digamma)
def _(out: Any, z: Any) -> Any:
    return special.zeta(2, z)  # 5.15.1


@defelementwise(special.polygamma)
def _(out: Any, n: Any, x: Any) -> Any:
    return None, special.polygamma(n + 1, x)


@defelementwise(special.zeta)
def _(out: Any, x: Any, q: Any = None, result: Any = None) -> Any:
    if q is None:
        return no_closed_form
    return no_closed_form, -x * special.zeta(x + 1, q)


@defelementwise(special.multigammaln)
def _(out: Any, a: Any, d: Any) -> Any:
    return sum([special.digamma(a - 0.5 * k) for k in range(d)])


@defelementwise(special.beta)
def _(out: Any, a: Any, b: Any) -> Any:
    total = special.digamma(a + b)
    return out * (special.digamma(a) - total), out * (special.digamma(b) - total)


@defelementwise(special.betaln)
def _(out: Any, a: Any, b: Any) -> Any:
    total = special.digamma(a + b)
    return special.digamma(a) - total, special.digamma(b) - total


@defelementwise(special.poch)
def _(out: Any, z: Any, m: Any) -> Any:
    last = special.digamma(z + m)
    return out * (last - special.digamma(z)), out * last


def binomial_slopes(out: Any, n: Any, k: Any) -> Any:
    """The derivatives of the binomial coefficient `out` with respect to `n` and `k`."""
    rest = special.digamma(n - k + 1)
    return out * (special.digamma(n + 1) - rest), out * (rest - special.digamma(k + 1))


@defelementwise(special.binom)
def _(out: Any, n: Any, k: Any) -> Any:
    return binomial_slopes(out, n, k)


@defelementwise(special.comb)
def _(out: Any, N: Any, k: Any, exact: Any = False, repetition: Any = False) -> Any:
    if exact:
        return 0.0, 0.0
    n = N + k - 1 if repetition else N
    inside = out != 0
    n_slope, k_slope = binomial_slopes(out, select(inside, n, 1.5), select(inside, k, 0.5))
    return n_slope, n_slope + k_slope if repetition else k_slope


@defelementwise(special.factorial)
def _(out: Any, n: Any, exact: Any = False) -> Any:
    if exact:
        return 0.0
    return out * special.digamma(select(n < 0, 0, n) + 1)


# Incomplete gamma and beta functions (DLMF 8.8.13, 8.17.20)


def gamma_density(a: Any, x: Any) -> Any:
    """The density at `x` of the gamma distribution of shape `a`: the derivative of `gammainc`."""
    return np.exp(special.xlogy(a - 1, x) - x - weak(special.gammaln(a)))


def beta_density(a: Any, b: Any, x: Any) -> Any:
    """The density at `x` of the beta distribution: the derivative of `betainc`."""
    return np.exp(special.xlogy(a - 1, x) + special.xlog1py(b - 1, -x) - weak(special.betaln(a, b)))


@defelementwise(special.gammainc, singular=at_second_zero)
def _(out: Any, a: Any, x: Any) -> Any:
    return no_closed_form, gamma_density(a, x)


@defelementwise(special.gammaincc, singular=at_second_zero)
def _(out: Any, a: Any, x: Any) -> Any:
    return no_closed_form, -gamma_density(a, x)


@defelementwise(special.gammaincinv, singular=at_second_edge)
def _(out: Any, a: Any, y: Any) -> Any:
    return no_closed_form, 1 / gamma_density(a, out)


@defelementwise(special.gammainccinv, singular=at_second_edge)
def _(out: Any, a: Any, y: Any) -> Any:
    return no_closed_form, -1 / gamma_density(a, out)


@defelementwise(special.betainc, singular=at_third_edge)
def _(out: Any, a: Any, b: Any, x: Any) -> Any:
    return no_closed_form, no_closed_form, beta_density(a, b, x)


@defelementwise(special.betaincinv, singular=at_third_edge)
def _(out: Any, a: Any, b: Any, y: Any) -> Any:
    return no_closed_form, no_closed_form, 1 / beta_density(a, b, out)


def betaincc_slopes(out: Any, a: Any, b: Any, x: Any) -> Any:
    """The partial derivatives of `betaincc`."""
    return no_closed_form, no_closed_form, -beta_density(a, b, x)


def betainccinv_slopes(out: Any, a: Any, b: Any, y: Any) -> Any:
    """The partial derivatives of `betainccinv`."""
    return no_closed_form, no_closed_form, -1 / beta_density(a, b, out)


if hasattr(special, "betaincc"):  # since SciPy 1.11
    defelementwise(special.betaincc, singular=at_third_edge)(betaincc_slopes)
    defelementwise(special.betainccinv, singular=at_third_edge)(betainccinv_slopes)


# Error functions (DLMF 7)


@defelementwise(special.erf)
def _(out: Any, z: Any) -> Any:
    return 2 / math.sqrt(math.pi) * np.exp(-(z**2))


@defelementwise(special.erfc)
def _(out: Any, z: Any) -> Any:
    return -2 / math.sqrt(math.pi) * np.exp(-(z**2))


@defelementwise(special.erfi)
def _(out: Any, z: Any) -> Any:
    return 2 / math.sqrt(math.pi) * np.exp(z**2)


@defelementwise(special.erfcx)
def _(out: Any, z: Any) -> Any:
    return 2 * z * out - 2 / math.sqrt(math.pi)


@defelementwise(special.erfinv, singular=True)
def _(out: Any, y: Any) -> Any:
    return math.sqrt(math.pi) / 2 * np.exp(out**2)


@defelementwise(special.erfcinv, singular=True)
def _(out: Any, y: Any) -> Any:
    return -math.sqrt(math.pi) / 2 * np.exp(out**2)


@defelementwise(special.dawsn)
def _(out: Any, z: Any) -> Any:
    return 1 - 2 * z * out


@defelementwise(special.wofz)
def _(out: Any, z: Any) -> Any:
    return 2j / math.sqrt(math.pi) - 2 * z * out


@defelementwise(special.voigt_profile)
def _(out: Any, x: Any, sigma: Any, gamma: Any) -> Any:
    z = (x + 1j * gamma) / (math.sqrt(2) * sigma)
    w_slope = (2j / math.sqrt(math.pi) - 2 * z * special.wofz(z)) / (2 * math.sqrt(math.pi) * sigma**2)
    x_slope, gamma_slope = np.real(w_slope), -np.imag(w_slope)
    return x_slope, -(out + x * x_slope + gamma * gamma_slope) / sigma, gamma_slope


@defelementwise(special.ndtr)
def _(out: Any, x: Any) -> Any:
    return 1 / math.sqrt(2 * math.pi) * np.exp(-0.5 * x**2)


@defelementwise(special.log_ndtr)
def _(out: Any, x: Any) -> Any:
    # phi(x) / Phi(x), without the exponentials that underflow on the left.
    return math.sqrt(2 / math.pi) / special.erfcx(-x / math.sqrt(2))


@defelementwise(special.ndtri, singular=True)
def _(out: Any, y: Any) -> Any:
    return math.sqrt(2 * math.pi) * np.exp(0.5 * out**2)


@defelementwise(special.ndtri_exp, singular=True)
def _(out: Any, y: Any) -> Any:
    return math.sqrt(2 * math.pi) * np.exp(y + 0.5 * out**2)


@defelementwise(special.owens_t)
def _(out: Any, h: Any, a: Any) -> Any:
    square = 0.5 * h**2
    h_slope = -np.exp(-square) * special.erf(a * h / math.sqrt(2)) / (2 * math.sqrt(2 * math.pi))
    return h_slope, np.exp(-square * (1 + a**2)) / (2 * math.pi * (1 + a**2))


# Logistic functions, entropies, and elementary ones near the points where they cancel


@defelementwise(special.expit)
def _(out: Any, x: Any) -> Any:
    return out * special.expit(-x)


@defelementwise(special.log_expit)
def _(out: Any, x: Any) -> Any:
    return special.expit(-x)


def softplus_slope(out: Any, x: Any) -> Any:
    """The derivative of `softplus`."""
    return special.expit(x)


if hasattr(special, "softplus"):  # since SciPy 1.16
    defelementwise(special.softplus)(softplus_slope)


@defelementwise(special.logit, singular=True)
def _(out: Any, x: Any) -> Any:
    return slope(1, x * (1 - x))


@defelementwise(special.xlogy, singular=at_second_zero)
def _(out: Any, x: Any, y: Any) -> Any:
    return log(y), quotient(x, y)


@defelementwise(special.xlog1py, singular=at_second_minus_one)
def _(out: Any, x: Any, y: Any) -> Any:
    return select(y == -1, -math.inf, np.log1p(select(y == -1, 0, y))), quotient(x, 1 + y)


@defelementwise(special.entr, singular=at_argument_zero)
def _(out: Any, x: Any) -> Any:
    return -log(x) - 1


@defelementwise(special.rel_entr, singular=at_either_zero)
def _(out: Any, x: Any, y: Any) -> Any:
    return log(quotient(x, y)) + 1, -quotient(x, y)


@defelementwise(special.kl_div, singular=at_either_zero)
def _(out: Any, x: Any, y: Any) -> Any:
    return log(quotient(x, y)), 1 - quotient(x, y)


@defelementwise(special.huber)
def _(out: Any, delta: Any, r: Any) -> Any:
    return np.maximum(np.abs(r) - delta, 0), np.clip(r, -delta, delta)


@defelementwise(special.pseudo_huber)
def _(out: Any, delta: Any, r: Any) -> Any:
    root = np.hypot(1, r / delta)
    return 2 * out / delta - (r / delta) ** 2 * delta / root, r / root


@defelementwise(special.expm1)
def _(out: Any, x: Any) -> Any:
    return out + 1


@defelementwise(special.log1p, singular=True)
def _(out: Any, x: Any) -> Any:
    return slope(1, 1 + x)


@defelementwise(special.cosm1)
def _(out: Any, x: Any) -> Any:
    return -np.sin(x)


@defelementwise(special.exp2)
def _(out: Any, x: Any) -> Any:
    return out * math.log(2)


@defelementwise(special.exp10)
def _(out: Any, x: Any) -> Any:
    return out * math.log(10)


@defelementwise(special.cbrt, singular=at_zero)
def _(out: Any, x: Any) -> Any:
    return slope(1, 3 * out**2)


@defelementwise(special.exprel)
def _(out: Any, x: Any) -> Any:
    return 0.5 * special.hyp1f1(2, 3, x)


@defelementwise(special.boxcox, singular=at_argument_zero)
def _(out: Any, x: Any, lmbda: Any) -> Any:
    return boxcox_slopes(x, log(x), lmbda)


@defelementwise(special.boxcox1p, singular=at_argument_minus_one)
def _(out: Any, x: Any, lmbda: Any) -> Any:
    return boxcox_slopes(1 + x, special.log1p(x), lmbda)


def boxcox_slopes(x: Any, log_x: Any, lmbda: Any) -> Any:
    """The derivatives of `(x**lmbda - 1) / lmbda`, which is `log(x) * exprel(lmbda * log(x))`."""
    finite = select(x == 0, 0, log_x)
    lmbda_slope = 0.5 * finite**2 * special.hyp1f1(2, 3, lmbda * finite)
    return np.exp(special.xlogy(lmbda - 1, x)), select(x == 0, slope(1, lmbda**2), lmbda_slope)


@defelementwise(special.inv_boxcox)
def _(out: Any, y: Any, lmbda: Any) -> Any:
    return out ** (1 - lmbda), -0.5 * out * y**2 * special.hyp2f1(2, 2, 3, -lmbda * y)


@defelementwise(special.inv_boxcox1p)
def _(out: Any, y: Any, lmbda: Any) -> Any:
    return (1 + out) ** (1 - lmbda), -0.5 * (1 + out) * y**2 * special.hyp2f1(2, 2, 3, -lmbda * y)


# Exponential, sine and cosine integrals (DLMF 6, 8.19)


@defelementwise(special.expi, singular=True)
def _(out: Any, x: Any) -> Any:
    return np.exp(x) / x


@defelementwise(special.exp1, singular=True)
def _(out: Any, z: Any) -> Any:
    return -np.exp(-z) / z


@defelementwise(special.expn, singular=at_second_zero)
def _(out: Any, n: Any, x: Any) -> Any:
    lower = special.expn(np.maximum(n - 1, 0), x)
    return no_closed_form, -select(n < 1, np.exp(-x) * (1 + x) / x**2, lower)


@defvjp(special.sici)
def _(ct: Any, out: Any, x: Any) -> Any:
    sine = None if ct[0] is None else ct[0] * np.sinc(x / math.pi)
    cosine = None if ct[1] is None else ct[1] * np.cos(x) / x
    return both(sine, cosine)


@defjvp(special.sici)
def _(tangents: Any, out: Any, x: Any) -> Any:
    return tangents[0] * np.sinc(x / math.pi), tangents[0] * np.cos(x) / x


@defvjp(special.shichi)
def _(ct: Any, out: Any, x: Any) -> Any:
    sine = None if ct[0] is None else ct[0] * np.sinh(x) / x
    cosine = None if ct[1] is None else ct[1] * np.cosh(x) / x
    return both(sine, cosine)


@defjvp(special.shichi)
def _(tangents: Any, out: Any, x: Any) -> Any:
    return tangents[0] * np.sinh(x) / x, tangents[0] * np.cosh(x) / x


@defvjp(special.fresnel)
def _(ct: Any, out: Any, z: Any) -> Any:
    angle = 0.5 * math.pi * z**2
    sine = None if ct[0] is None else ct[0] * np.sin(angle)
    cosine = None if ct[1] is None else ct[1] * np.cos(angle)
    return both(sine, cosine)


@defjvp(special.fresnel)
def _(tangents: Any, out: Any, z: Any) -> Any:
    angle = 0.5 * math.pi * z**2
    return tangents[0] * np.sin(angle), tangents[0] * np.cos(angle)


def both(x: Any, y: Any) -> Any:
    """The sum of two cotangents, either of which may be absent."""
    if x is None:
        return y
    return x if y is None else x + y


@defelementwise(special.spence)
def _(out: Any, z: Any) -> Any:
    step = 1 - z
    # The line is the limit of the quotient, so that the second derivative at 1 is right as well.
    return select(step == 0, -1 - 0.5 * step, np.log(z) / select(step == 0, 1, step))


# Bessel functions (DLMF 10.6, 10.29) and Struve functions (11.4)


def declare_bessel(fn: Any) -> None:
    """Declare a solution of Bessel's equation: they all have the same recurrence (10.6.1)."""

    @defelementwise(fn)
    def _(out: Any, v: Any, z: Any) -> Any:
        return no_closed_form, (fn(v - 1, z) - fn(v + 1, z)) / 2


declare_bessel(special.jv)
declare_bessel(special.yv)
declare_bessel(special.hankel1)
declare_bessel(special.hankel2)


def require_real(z: Any) -> None:
    """Refuse a complex argument of a function that is scaled by a factor without a complex derivative."""
    if np.iscomplexobj(z):
        raise TypeError("an exponentially scaled Bessel function has no derivative at a complex argument")


@defelementwise(special.jve)
def _(out: Any, v: Any, z: Any) -> Any:
    require_real(z)
    return no_closed_form, (special.jv(v - 1, z) - special.jv(v + 1, z)) / 2


@defelementwise(special.yve)
def _(out: Any, v: Any, z: Any) -> Any:
    require_real(z)
    return no_closed_form, (special.yv(v - 1, z) - special.yv(v + 1, z)) / 2


@defelementwise(special.yn)
def _(out: Any, n: Any, x: Any) -> Any:
    return None, (special.yv(n - 1, x) - special.yv(n + 1, x)) / 2


@defelementwise(special.iv)
def _(out: Any, v: Any, z: Any) -> Any:
    return no_closed_form, (special.iv(v - 1, z) + special.iv(v + 1, z)) / 2


@defelementwise(special.ive)
def _(out: Any, v: Any, z: Any) -> Any:
    require_real(z)
    return no_closed_form, (special.ive(v - 1, z) + special.ive(v + 1, z)) / 2 - np.sign(z) * out


@defelementwise(special.kv)
def _(out: Any, v: Any, z: Any) -> Any:
    return no_closed_form, -(special.kv(v - 1, z) + special.kv(v + 1, z)) / 2


@defelementwise(special.kve)
def _(out: Any, v: Any, z: Any) -> Any:
    return no_closed_form, out - (special.kve(v - 1, z) + special.kve(v + 1, z)) / 2


@defelementwise(special.kn)
def _(out: Any, n: Any, x: Any) -> Any:
    return None, -(special.kv(n - 1, x) + special.kv(n + 1, x)) / 2


@defelementwise(special.j0)
def _(out: Any, x: Any) -> Any:
    return -special.j1(x)


@defelementwise(special.j1)
def _(out: Any, x: Any) -> Any:
    return (special.j0(x) - special.jv(2, x)) / 2


@defelementwise(special.y0)
def _(out: Any, x: Any) -> Any:
    return -special.y1(x)


@defelementwise(special.y1)
def _(out: Any, x: Any) -> Any:
    return (special.y0(x) - special.yv(2, x)) / 2


@defelementwise(special.i0)
def _(out: Any, x: Any) -> Any:
    return special.i1(x)


@defelementwise(special.i1)
def _(out: Any, x: Any) -> Any:
    return (special.i0(x) + special.iv(2, x)) / 2


@defelementwise(special.i0e)
def _(out: Any, x: Any) -> Any:
    return special.i1e(x) - np.sign(x) * out


@defelementwise(special.i1e)
def _(out: Any, x: Any) -> Any:
    return (special.i0e(x) + special.ive(2, x)) / 2 - np.sign(x) * out


@defelementwise(special.k0)
def _(out: Any, x: Any) -> Any:
    return -special.k1(x)


@defelementwise(special.k1)
def _(out: Any, x: Any) -> Any:
    return -(special.k0(x) + special.kv(2, x)) / 2


@defelementwise(special.k0e)
def _(out: Any, x: Any) -> Any:
    return out - special.k1e(x)


@defelementwise(special.k1e)
def _(out: Any, x: Any) -> Any:
    return out - (special.k0e(x) + special.kve(2, x)) / 2


def struve_term(v: Any, x: Any) -> Any:
    """The inhomogeneous term in the recurrence of the Struve functions."""
    return (0.5 * x) ** v / (2 * math.sqrt(math.pi) * special.gamma(v + 1.5))


@defelementwise(special.struve)
def _(out: Any, v: Any, x: Any) -> Any:
    middle = (special.struve(v - 1, x) - special.struve(v + 1, x)) / 2
    return no_closed_form, middle + struve_term(v, x)


@defelementwise(special.modstruve)
def _(out: Any, v: Any, x: Any) -> Any:
    middle = (special.modstruve(v - 1, x) + special.modstruve(v + 1, x)) / 2
    return no_closed_form, middle + struve_term(v, x)


def declare_spherical(fn: Any, sign: int, outer: int) -> None:
    """Declare a spherical Bessel function (10.51.2, 10.51.5); its recurrence divides by no argument."""

    @defelementwise(fn)
    def _(out: Any, n: Any, z: Any, derivative: Any = False) -> Any:
        if not derivative:
            return None, fn(n, z, derivative=True)
        below = n * fn(np.maximum(n - 1, 0), z, derivative=True)
        above = (n + 1) * fn(n + 1, z, derivative=True)
        return None, outer * (below + sign * above) / (2 * n + 1)


declare_spherical(special.spherical_jn, -1, 1)
declare_spherical(special.spherical_yn, -1, 1)
declare_spherical(special.spherical_in, 1, 1)
declare_spherical(special.spherical_kn, 1, -1)


@defvjp(special.airy)
def _(ct: Any, out: Any, z: Any) -> Any:
    factors = (out[1], z * out[0], out[3], z * out[2])
    return total([c * f for c, f in zip(ct, factors) if c is not None])  # noqa: B905


def total(terms: Any) -> Any:
    """The sum of the terms, of which there is one at least."""
    result = terms[0]
    for term in terms[1:]:
        result = result + term
    return result


@defjvp(special.airy)
def _(tangents: Any, out: Any, z: Any) -> Any:
    z_dot = tangents[0]
    return z_dot * out[1], z_dot * (z * out[0]), z_dot * out[3], z_dot * (z * out[2])


# Hypergeometric functions (DLMF 13.3, 15.5, 16.3)


@defelementwise(special.hyp0f1)
def _(out: Any, v: Any, z: Any) -> Any:
    return no_closed_form, special.hyp0f1(v + 1, z) / v


@defelementwise(special.hyp1f1)
def _(out: Any, a: Any, b: Any, x: Any) -> Any:
    return no_closed_form, no_closed_form, a / b * special.hyp1f1(a + 1, b + 1, x)


@defelementwise(special.hyp2f1)
def _(out: Any, a: Any, b: Any, c: Any, z: Any) -> Any:
    z_slope = a * b / c * special.hyp2f1(a + 1, b + 1, c + 1, z)
    return no_closed_form, no_closed_form, no_closed_form, z_slope


@defelementwise(special.hyperu)
def _(out: Any, a: Any, b: Any, x: Any) -> Any:
    return no_closed_form, no_closed_form, -a * special.hyperu(a + 1, b + 1, x)


# Elliptic integrals (DLMF 19.4, 19.5) and functions (22.13)


@defelementwise(special.ellipk, singular=True)
def _(out: Any, m: Any) -> Any:
    return math.pi / 8 * special.hyp2f1(1.5, 1.5, 2, m)


@defelementwise(special.ellipkm1, singular=True)
def _(out: Any, p: Any) -> Any:
    # Not by the series in 1 - p, which loses a small p.
    return (out - special.ellipe(1 - p) / p) / (2 * (1 - p))


@defelementwise(special.ellipe, singular=at_argument_one)
def _(out: Any, m: Any) -> Any:
    return -math.pi / 8 * special.hyp2f1(0.5, 1.5, 2, m)


def sine_integrals(phi: Any) -> Any:
    """The integrals from 0 to `phi` of the square and of the fourth power of the sine."""
    double, quadruple = np.sin(2 * phi), np.sin(4 * phi)
    return phi / 2 - double / 4, (12 * phi - 8 * double + quadruple) / 32


@defelementwise(special.ellipkinc)
def _(out: Any, phi: Any, m: Any) -> Any:
    root = np.sqrt(1 - m * np.sin(phi) ** 2)
    square, fourth = sine_integrals(phi)
    safe = select(m == 0, 0.5, m)
    m_slope = (special.ellipeinc(phi, m) / (1 - m) - out) / (2 * safe)
    m_slope = m_slope - np.sin(2 * phi) / (4 * (1 - m) * root)
    return 1 / root, select(m == 0, square / 2 + 0.75 * fourth * m, m_slope)


@defelementwise(special.ellipeinc)
def _(out: Any, phi: Any, m: Any) -> Any:
    square, fourth = sine_integrals(phi)
    m_slope = (out - special.ellipkinc(phi, m)) / (2 * select(m == 0, 0.5, m))
    return np.sqrt(1 - m * np.sin(phi) ** 2), select(m == 0, -square / 2 - 0.25 * fourth * m, m_slope)


@defvjp(special.ellipj)
def _(ct: Any, out: Any, u: Any, m: Any) -> Any:
    sn, cn, dn = out[0], out[1], out[2]
    factors = (cn * dn, -sn * dn, -m * sn * cn, dn)
    u_bar = total([c * f for c, f in zip(ct, factors) if c is not None])  # noqa: B905
    return unbroadcast(u_bar, u), no_closed_form


@defjvp(special.ellipj)
def _(tangents: Any, out: Any, u: Any, m: Any) -> Any:
    sn, cn, dn = out[0], out[1], out[2]
    u_dot = tangents[0]
    return u_dot * cn * dn, -u_dot * sn * dn, -u_dot * m * sn * cn, u_dot * dn


# Orthogonal polynomials (DLMF 18.9), spherical harmonics (14.30), Lambert's W


def lowered_degree(n: Any) -> Any:
    """`n - 1`, or 0 for the degree 0, whose derivative has the factor `n`."""
    return np.maximum(n - 1, 0)


@defelementwise(special.eval_legendre)
def _(out: Any, n: Any, x: Any) -> Any:
    return no_closed_form, (n + 1) / 2 * special.eval_jacobi(n - 1, 1, 1, x)


@defelementwise(special.eval_chebyt)
def _(out: Any, n: Any, x: Any) -> Any:
    return no_closed_form, n * special.eval_chebyu(n - 1, x)


@defelementwise(special.eval_chebyu)
def _(out: Any, n: Any, x: Any) -> Any:
    return no_closed_form, 2 * special.eval_gegenbauer(n - 1, 2, x)


@defelementwise(special.eval_gegenbauer)
def _(out: Any, n: Any, alpha: Any, x: Any) -> Any:
    return no_closed_form, no_closed_form, 2 * alpha * special.eval_gegenbauer(n - 1, alpha + 1, x)


@defelementwise(special.eval_jacobi)
def _(out: Any, n: Any, alpha: Any, beta: Any, x: Any) -> Any:
    factor = (n + alpha + beta + 1) / 2
    x_slope = factor * special.eval_jacobi(n - 1, alpha + 1, beta + 1, x)
    return no_closed_form, no_closed_form, no_closed_form, x_slope


@defelementwise(special.eval_laguerre)
def _(out: Any, n: Any, x: Any) -> Any:
    return no_closed_form, -special.eval_genlaguerre(n - 1, 1, x)


@defelementwise(special.eval_genlaguerre)
def _(out: Any, n: Any, alpha: Any, x: Any) -> Any:
    return no_closed_form, no_closed_form, -special.eval_genlaguerre(n - 1, alpha + 1, x)


@defelementwise(special.eval_hermite)
def _(out: Any, n: Any, x: Any) -> Any:
    return None, 2 * n * special.eval_hermite(lowered_degree(n), x)


@defelementwise(special.eval_hermitenorm)
def _(out: Any, n: Any, x: Any) -> Any:
    return None, n * special.eval_hermitenorm(lowered_degree(n), x)


def polar_slope(n: Any, m: Any, theta: Any, phi: Any) -> Any:
    """The derivative of a spherical harmonic along `theta`: ladder operators, which divide by no sine."""
    turn = np.exp(1j * phi)
    up = np.sqrt(np.maximum((n - m) * (n + m + 1), 0)) / turn * special.sph_harm_y(n, m + 1, theta, phi)
    down = np.sqrt(np.maximum((n + m) * (n - m + 1), 0)) * turn * special.sph_harm_y(n, m - 1, theta, phi)
    return (up - down) / 2


def harmonic_cotangents(ct: Any, out: Any, n: Any, m: Any, theta: Any, phi: Any) -> Any:
    """The cotangents of the angles of a spherical harmonic."""
    theta_bar, phi_bar = np.real(ct * polar_slope(n, m, theta, phi)), np.real(ct * (1j * m * out))
    return None, None, unbroadcast(theta_bar, theta), unbroadcast(phi_bar, phi)


def harmonic_tangent(tangents: Any, out: Any, n: Any, m: Any, theta: Any, phi: Any) -> Any:
    """The tangent of a spherical harmonic."""
    along_phi = 1j * m * out * tangent(tangents[3])
    return polar_slope(n, m, theta, phi) * tangent(tangents[2]) + along_phi


if hasattr(special, "sph_harm_y"):  # since SciPy 1.15
    defvjp(special.sph_harm_y)(harmonic_cotangents)
    defjvp(special.sph_harm_y)(harmonic_tangent)


@defvjp(special.lambertw)
def _(ct: Any, out: Any, z: Any, k: Any = 0, tol: Any = 1e-8) -> Any:
    z_bar = ct * (np.exp(-out) / (1 + out))
    return unbroadcast(z_bar if np.iscomplexobj(z) else np.real(z_bar), z)


@defjvp(special.lambertw)
def _(tangents: Any, out: Any, z: Any, k: Any = 0, tol: Any = 1e-8) -> Any:
    return tangents[0] * (np.exp(-out) / (1 + out))


@defelementwise(special.wrightomega)
def _(out: Any, z: Any) -> Any:
    return out / (1 + out)


# Sums of exponentials


def weights_of(out: Any, a: Any, axis: Any, keepdims: Any) -> Any:
    """`exp(a - out)`, where `out` is a logarithm of a sum of exponentials of `a`; 0 where that sum is."""
    if axis is not None and not keepdims:
        out = np.expand_dims(out, axis)
    return np.exp(a - np.where(out == -np.inf, 0, out))


@defvjp(special.logsumexp)
def _(
    ct: Any, out: Any, a: Any, axis: Any = None, b: Any = None, keepdims: Any = False,
    return_sign: Any = False,
) -> Any:  # fmt: skip
    if return_sign:
        if ct[0] is None:
            return None
        ct, out = ct[0] * out[1], out[0]
    weights = weights_of(out, a, axis, keepdims)
    if axis is not None and not keepdims:
        ct = np.expand_dims(ct, axis)
    if b is None:
        return ct * weights
    return unbroadcast(ct * b * weights, a), None, unbroadcast(ct * weights, b)


@defjvp(special.logsumexp)
def _(
    tangents: Any, out: Any, a: Any, axis: Any = None, b: Any = None, keepdims: Any = False,
    return_sign: Any = False,
) -> Any:  # fmt: skip
    weights = weights_of(out[0] if return_sign else out, a, axis, keepdims)
    moved = 0.0
    if tangents[0] is not None:
        moved = tangents[0] * weights if b is None else b * tangents[0] * weights
    if b is not None and tangents[2] is not None:
        moved = moved + tangents[2] * weights
    out_dot = np.sum(moved, axis=axis, keepdims=keepdims)
    return (out_dot * out[1], np.zeros_like(out[1])) if return_sign else out_dot


@defvjp(special.softmax)
def _(ct: Any, out: Any, x: Any, axis: Any = None) -> Any:
    weighted = ct * out
    return weighted - out * np.sum(weighted, axis=axis, keepdims=True)


@defjvp(special.softmax)
def _(tangents: Any, out: Any, x: Any, axis: Any = None) -> Any:
    weighted = tangents[0] * out
    return weighted - out * np.sum(weighted, axis=axis, keepdims=True)


@defvjp(special.log_softmax)
def _(ct: Any, out: Any, x: Any, axis: Any = None) -> Any:
    return ct - np.exp(out) * np.sum(ct, axis=axis, keepdims=True)


@defjvp(special.log_softmax)
def _(tangents: Any, out: Any, x: Any, axis: Any = None) -> Any:
    return tangents[0] - np.sum(np.exp(out) * tangents[0], axis=axis, keepdims=True)
