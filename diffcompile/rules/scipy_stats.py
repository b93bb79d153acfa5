"""Derivatives of the distributions of `scipy.stats`.

    y = stats.norm.logpdf(x, m, s)      z = (x - m) / s;  m_bar = y_bar * z / s
    y = stats.gamma.cdf(x, 2.0)         x_bar = y_bar * stats.gamma.pdf(x, 2.0)

A continuous family is stated once, for a location of 0 and a scale of 1: the score (the slope of the log
density) at `z`, the slope of the log density for each shape parameter, and how the quantile at `z` moves with
each shape parameter. From these follow `pdf`, `logpdf`, `cdf`, `logcdf`, `sf`, `logsf`, `ppf` and `isf`: a
distribution function moves by the density times how far its quantiles move (Figurnov, Mohamed and Mnih,
2018, Implicit reparameterization gradients). Where no formula is known for that, the derivative with respect
to the shape parameter is refused. Outside of the support all derivatives are 0.

A discrete family lives on the integers, so nothing is differentiated with respect to the outcome.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import special, stats

from .arithmetic import select
from .edges import at_tail
from .library import KEEPING, POSITIONAL
from .register import Unknown, defelementwise
from .scipy_special import beta_density, log, quotient

unknown_shift = Unknown("how a quantile moves with it has no closed form")
integers_alone = Unknown("a discrete distribution is defined at integers alone")

METHODS: list[Any] = []  # what is declared here: each gives float64, in the form of its arguments
Slopes = Callable[..., Any]


@dataclass(frozen=True)
class Family:
    """A continuous family of location 0 and scale 1.

    `log_slopes(z, *shapes)` is the score and the slopes for the shapes, `shifts(z, *shapes)` how a quantile
    moves with each shape, `inside` a point in a support that has an end.
    """

    dist: Any
    log_slopes: Slopes | None
    shifts: Slopes | None
    inside: float | None


def family(
    dist: Any, shifts: Slopes | None = None, inside: float | None = None
) -> Callable[[Slopes], Slopes]:
    """Declare a continuous family by the slopes of its log density."""

    def declare(log_slopes: Slopes) -> Slopes:
        known = Family(dist, log_slopes, shifts, inside)
        for name, slopes in OF_METHOD.items():
            declare_method(getattr(dist, name), dist, ("x", "loc", "scale"), known, slopes)
        return log_slopes

    return declare


def declare_method(method: Any, dist: Any, names: tuple[str, ...], known: Any, slopes: Slopes) -> None:
    """Declare one method of a distribution, whatever the number of its shape parameters is."""
    shapes = tuple(dist.shapes.split(", ")) if dist.shapes else ()
    POSITIONAL[method] = (names[0], *shapes, *names[1:])
    KEEPING.add(dist)
    METHODS.append(method)
    declare = (declare_plain, declare_one_shape, declare_two_shapes, declare_three_shapes)[len(shapes)]
    declare(method, known, slopes)


def declare_plain(method: Any, known: Any, slopes: Slopes) -> None:
    """A method of a family without shape parameters."""

    @defelementwise(method, singular=at_tail)
    def _(out: Any, x: Any, loc: Any = 0, scale: Any = 1) -> Any:
        return slopes(known, out, x, (), loc, scale)


def declare_one_shape(method: Any, known: Any, slopes: Slopes) -> None:
    """A method of a family with one shape parameter."""

    @defelementwise(method, singular=at_tail)
    def _(out: Any, x: Any, a: Any, loc: Any = 0, scale: Any = 1) -> Any:
        return slopes(known, out, x, (a,), loc, scale)


def declare_two_shapes(method: Any, known: Any, slopes: Slopes) -> None:
    """A method of a family with two shape parameters."""

    @defelementwise(method, singular=at_tail)
    def _(out: Any, x: Any, a: Any, b: Any, loc: Any = 0, scale: Any = 1) -> Any:
        return slopes(known, out, x, (a, b), loc, scale)


def declare_three_shapes(method: Any, known: Any, slopes: Slopes) -> None:
    """A method of a family with three shape parameters."""

    @defelementwise(method, singular=at_tail)
    def _(out: Any, x: Any, a: Any, b: Any, c: Any, loc: Any = 0, scale: Any = 1) -> Any:
        return slopes(known, out, x, (a, b, c), loc, scale)


# The methods of a continuous family


def standard(known: Any, x: Any, loc: Any, scale: Any, in_support: Any) -> Any:
    """`x` for a location of 0 and a scale of 1; a point inside of the support where it is outside."""
    z = (x - loc) / scale
    return z if known.inside is None else select(in_support, z, known.inside)


def log_density(known: Any, x: Any, shapes: Any, loc: Any, scale: Any, in_support: Any) -> Any:
    """The slopes of the log density."""
    z = standard(known, x, loc, scale, in_support)
    score, *by_shape = known.log_slopes(z, *shapes)
    slopes = (score / scale, *by_shape, -score / scale, -(1 + z * score) / scale)
    return slopes if known.inside is None else tuple([select(in_support, slope, 0) for slope in slopes])


def of_pdf(known: Any, out: Any, x: Any, shapes: Any, loc: Any, scale: Any) -> Any:
    return tuple([out * slope for slope in log_density(known, x, shapes, loc, scale, out != 0)])


def of_logpdf(known: Any, out: Any, x: Any, shapes: Any, loc: Any, scale: Any) -> Any:
    return log_density(known, x, shapes, loc, scale, out != -math.inf)


def distribution(known: Any, x: Any, shapes: Any, loc: Any, scale: Any, density: Any) -> Any:
    """The slopes of a function that moves by `density` with its quantiles."""
    z = standard(known, x, loc, scale, density != 0)
    if known.shifts is None:
        by_shape = [unknown_shift for _ in shapes]
    else:
        by_shape = [-density * scale * shift for shift in known.shifts(z, *shapes)]
    return (density, *by_shape, -density, -density * z)


def of_cdf(known: Any, out: Any, x: Any, shapes: Any, loc: Any, scale: Any) -> Any:
    return distribution(known, x, shapes, loc, scale, known.dist.pdf(x, *shapes, loc, scale))


def of_sf(known: Any, out: Any, x: Any, shapes: Any, loc: Any, scale: Any) -> Any:
    return distribution(known, x, shapes, loc, scale, -known.dist.pdf(x, *shapes, loc, scale))


def hazard(known: Any, out: Any, x: Any, shapes: Any, loc: Any, scale: Any) -> Any:
    """The density over the function whose logarithm is `out`."""
    return np.exp(known.dist.logpdf(x, *shapes, loc, scale) - select(out == -math.inf, 0, out))


def of_logcdf(known: Any, out: Any, x: Any, shapes: Any, loc: Any, scale: Any) -> Any:
    return distribution(known, x, shapes, loc, scale, hazard(known, out, x, shapes, loc, scale))


def of_logsf(known: Any, out: Any, x: Any, shapes: Any, loc: Any, scale: Any) -> Any:
    return distribution(known, x, shapes, loc, scale, -hazard(known, out, x, shapes, loc, scale))


def quantile(known: Any, out: Any, shapes: Any, loc: Any, scale: Any, density: Any) -> Any:
    """The slopes of a quantile, where the distribution function has the slope `density`."""
    z = (out - loc) / scale
    if known.shifts is None:
        return (1 / density, *[unknown_shift for _ in shapes], 1.0, z)
    return (1 / density, *[scale * shift for shift in known.shifts(z, *shapes)], 1.0, z)


def of_ppf(known: Any, out: Any, q: Any, shapes: Any, loc: Any, scale: Any) -> Any:
    return quantile(known, out, shapes, loc, scale, known.dist.pdf(out, *shapes, loc, scale))


def of_isf(known: Any, out: Any, q: Any, shapes: Any, loc: Any, scale: Any) -> Any:
    return quantile(known, out, shapes, loc, scale, -known.dist.pdf(out, *shapes, loc, scale))


OF_METHOD = {
    "pdf": of_pdf, "logpdf": of_logpdf, "cdf": of_cdf, "logcdf": of_logcdf, "sf": of_sf, "logsf": of_logsf,
    "ppf": of_ppf, "isf": of_isf,
}  # fmt: skip


# Continuous families without a shape parameter


@family(stats.norm)
def _(z: Any) -> Any:
    return (-z,)


def normal_hazard(x: Any) -> Any:
    """The normal density over its distribution function, far into both tails."""
    return math.sqrt(2 / math.pi) / special.erfcx(-x / math.sqrt(2))


def of_norm_logcdf(known: Any, out: Any, x: Any, shapes: Any, loc: Any, scale: Any) -> Any:
    return distribution(known, x, (), loc, scale, normal_hazard((x - loc) / scale) / scale)


def of_norm_logsf(known: Any, out: Any, x: Any, shapes: Any, loc: Any, scale: Any) -> Any:
    return distribution(known, x, (), loc, scale, -normal_hazard((loc - x) / scale) / scale)


NORM = Family(stats.norm, None, None, None)
declare_method(stats.norm.logcdf, stats.norm, ("x", "loc", "scale"), NORM, of_norm_logcdf)
declare_method(stats.norm.logsf, stats.norm, ("x", "loc", "scale"), NORM, of_norm_logsf)


@family(stats.laplace)
def _(z: Any) -> Any:
    return (-np.sign(z),)


@family(stats.logistic)
def _(z: Any) -> Any:
    return (-np.tanh(z / 2),)


@family(stats.hypsecant)
def _(z: Any) -> Any:
    return (-np.tanh(z),)


@family(stats.cauchy)
def _(z: Any) -> Any:
    return (-2 * z / (1 + z**2),)


@family(stats.gumbel_r)
def _(z: Any) -> Any:
    return (np.exp(-z) - 1,)


@family(stats.gumbel_l)
def _(z: Any) -> Any:
    return (1 - np.exp(z),)


@family(stats.expon, inside=1.0)
def _(z: Any) -> Any:
    return (-1.0,)


@family(stats.uniform, inside=0.5)
def _(z: Any) -> Any:
    return (0.0,)


@family(stats.halfnorm, inside=1.0)
def _(z: Any) -> Any:
    return (-z,)


@family(stats.halfcauchy, inside=1.0)
def _(z: Any) -> Any:
    return (-2 * z / (1 + z**2),)


@family(stats.rayleigh, inside=1.0)
def _(z: Any) -> Any:
    return (1 / z - z,)


@family(stats.maxwell, inside=1.0)
def _(z: Any) -> Any:
    return (2 / z - z,)


# Continuous families with shape parameters


@family(stats.beta, inside=0.5)
def _(z: Any, a: Any, b: Any) -> Any:
    total = special.digamma(a + b)
    score = quotient(a - 1, z) - quotient(b - 1, 1 - z)
    return score, log(z) - special.digamma(a) + total, log(1 - z) - special.digamma(b) + total


@family(stats.gamma, inside=1.0)
def _(z: Any, a: Any) -> Any:
    return quotient(a - 1, z) - 1, log(z) - special.digamma(a)


@family(stats.invgamma, inside=1.0)
def _(z: Any, a: Any) -> Any:
    return (1 / z - a - 1) / z, -np.log(z) - special.digamma(a)


@family(stats.chi2, inside=1.0)
def _(z: Any, df: Any) -> Any:
    return quotient(df / 2 - 1, z) - 0.5, 0.5 * (log(z / 2) - special.digamma(df / 2))


@family(stats.t)
def _(z: Any, df: Any) -> Any:
    spread = df + z**2
    heights = special.digamma((df + 1) / 2) - special.digamma(df / 2) - 1 / df
    df_slope = 0.5 * (heights - np.log1p(z**2 / df) + (df + 1) * z**2 / (df * spread))
    return -(df + 1) * z / spread, df_slope


@family(stats.f, inside=1.0)
def _(z: Any, dfn: Any, dfd: Any) -> Any:
    n, m = dfn / 2, dfd / 2
    spread = dfd + dfn * z
    common = 1 + special.digamma(n + m) - np.log(spread)
    n_slope = 0.5 * (common + np.log(dfn * z) - special.digamma(n)) - (n + m) * z / spread
    m_slope = 0.5 * (common + np.log(dfd) - special.digamma(m)) - (n + m) / spread
    return quotient(n - 1, z) - (n + m) * dfn / spread, n_slope, m_slope


def lognorm_shift(z: Any, s: Any) -> Any:
    return (z * np.log(z) / s,)


@family(stats.lognorm, lognorm_shift, inside=1.0)
def _(z: Any, s: Any) -> Any:
    t = np.log(z) / s
    return -(1 + t / s) / z, (t**2 - 1) / s


def power_shift(z: Any, c: Any) -> Any:
    """The shift of a quantile that is a power of exponent `1 / c`."""
    return (-z * np.log(z) / c,)


@family(stats.weibull_min, power_shift, inside=1.0)
def _(z: Any, c: Any) -> Any:
    return quotient(c - 1, z) - c * z ** (c - 1), 1 / c + (1 - z**c) * log(z)


@family(stats.powerlaw, power_shift, inside=0.5)
def _(z: Any, a: Any) -> Any:
    return quotient(a - 1, z), 1 / a + log(z)


@family(stats.fisk, power_shift, inside=1.0)
def _(z: Any, c: Any) -> Any:
    below = z**c / (1 + z**c)
    return (c - 1 - 2 * c * below) / z, 1 / c + (1 - 2 * below) * np.log(z)


@family(stats.pareto, power_shift, inside=2.0)
def _(z: Any, b: Any) -> Any:
    return -(b + 1) / z, 1 / b - np.log(z)


@family(stats.gennorm)
def _(z: Any, beta: Any) -> Any:
    size = np.abs(z)
    beta_slope = 1 / beta + special.digamma(1 / beta) / beta**2 - special.xlogy(size**beta, size)
    return -beta * np.sign(z) * size ** (beta - 1), beta_slope


def skewnorm_shift(z: Any, a: Any) -> Any:
    return (normal_hazard(a * z) / (1 + a**2),)


@family(stats.skewnorm, skewnorm_shift)
def _(z: Any, a: Any) -> Any:
    rate = normal_hazard(a * z)
    return a * rate - z, z * rate


@family(stats.invgauss, inside=1.0)
def _(z: Any, mu: Any) -> Any:
    return ((mu / z) ** 2 - 1) / (2 * mu**2) - 1.5 / z, (z - mu) / mu**3


def truncnorm_shift(z: Any, a: Any, b: Any) -> Any:
    at_a, at_b = np.exp((z**2 - a**2) / 2), np.exp((z**2 - b**2) / 2)
    return at_a * stats.truncnorm.sf(z, a, b), at_b * stats.truncnorm.cdf(z, a, b)


@family(stats.truncnorm, truncnorm_shift, inside=0.0)
def _(z: Any, a: Any, b: Any) -> Any:
    return -z, stats.truncnorm.pdf(a, a, b), -stats.truncnorm.pdf(b, a, b)


@family(stats.vonmises)
def _(z: Any, kappa: Any) -> Any:
    return -kappa * np.sin(z), np.cos(z) - special.i1e(kappa) / special.i0e(kappa)


def wrapcauchy_shift(z: Any, c: Any) -> Any:
    return (-2 * np.sin(z) / (1 - c**2),)


@family(stats.wrapcauchy, wrapcauchy_shift, inside=1.0)
def _(z: Any, c: Any) -> Any:
    spread = 1 + c**2 - 2 * c * np.cos(z)
    return -2 * c * np.sin(z) / spread, -2 * c / (1 - c**2) - 2 * (c - np.cos(z)) / spread


# Discrete families: the slopes of the log probability and of the distribution function


@dataclass(frozen=True)
class DiscreteFamily:
    """A discrete family of location 0, for `j` outcomes.

    `log_slopes(j, *shapes)` are the slopes of the log probability, `moves(j, *shapes)` those of the
    distribution function, for each shape; without them that has no derivative.
    """

    dist: Any
    log_slopes: Slopes
    moves: Slopes | None


def discrete(dist: Any, moves: Slopes | None = None) -> Callable[[Slopes], Slopes]:
    """Declare a discrete family by the slopes of its log probability."""

    def declare(log_slopes: Slopes) -> Slopes:
        known = DiscreteFamily(dist, log_slopes, moves)
        for name, slopes in OF_DISCRETE.items():
            if moves is not None or name in ("pmf", "logpmf"):
                declare_discrete(getattr(dist, name), dist, known, slopes)
        return log_slopes

    return declare


def declare_discrete(method: Any, dist: Any, known: Any, slopes: Slopes) -> None:
    """Declare one method of a discrete distribution."""
    shapes = tuple(dist.shapes.split(", "))
    POSITIONAL[method] = ("k", *shapes, "loc")
    KEEPING.add(dist)
    METHODS.append(method)
    (declare_one_parameter, declare_two_parameters, declare_three_parameters)[len(shapes) - 1](
        method, known, slopes
    )


def declare_one_parameter(method: Any, known: Any, slopes: Slopes) -> None:
    """A method of a discrete family with one parameter."""

    @defelementwise(method, singular=at_tail)
    def _(out: Any, k: Any, a: Any, loc: Any = 0) -> Any:
        return (integers_alone, *slopes(known, out, k - loc, (a,)), integers_alone)


def declare_two_parameters(method: Any, known: Any, slopes: Slopes) -> None:
    """A method of a discrete family with two parameters."""

    @defelementwise(method, singular=at_tail)
    def _(out: Any, k: Any, a: Any, b: Any, loc: Any = 0) -> Any:
        return (integers_alone, *slopes(known, out, k - loc, (a, b)), integers_alone)


def declare_three_parameters(method: Any, known: Any, slopes: Slopes) -> None:
    """A method of a discrete family with three parameters."""

    @defelementwise(method, singular=at_tail)
    def _(out: Any, k: Any, a: Any, b: Any, c: Any, loc: Any = 0) -> Any:
        return (integers_alone, *slopes(known, out, k - loc, (a, b, c)), integers_alone)


def times(factor: Any, slopes: Any) -> Any:
    """Each slope that is known, times a factor."""
    return tuple([slope if isinstance(slope, Unknown) else factor * slope for slope in slopes])


def of_pmf(known: Any, out: Any, j: Any, shapes: Any) -> Any:
    inside = out != 0
    return times(out, known.log_slopes(select(inside, j, 1), *shapes))


def of_logpmf(known: Any, out: Any, j: Any, shapes: Any) -> Any:
    inside = out != -math.inf
    return times(1.0 * inside, known.log_slopes(select(inside, j, 1), *shapes))


def of_discrete_cdf(known: Any, out: Any, j: Any, shapes: Any) -> Any:
    return known.moves(np.floor(j), *shapes)


def of_discrete_sf(known: Any, out: Any, j: Any, shapes: Any) -> Any:
    return times(-1.0, known.moves(np.floor(j), *shapes))


def reciprocal(out: Any) -> Any:
    """One over the function whose logarithm is `out`; 0 where that function is 0."""
    return np.exp(-select(out == -math.inf, math.inf, out))


def of_discrete_logcdf(known: Any, out: Any, j: Any, shapes: Any) -> Any:
    return times(reciprocal(out), known.moves(np.floor(j), *shapes))


def of_discrete_logsf(known: Any, out: Any, j: Any, shapes: Any) -> Any:
    return times(-reciprocal(out), known.moves(np.floor(j), *shapes))


OF_DISCRETE = {
    "pmf": of_pmf, "logpmf": of_logpmf, "cdf": of_discrete_cdf, "sf": of_discrete_sf,
    "logcdf": of_discrete_logcdf, "logsf": of_discrete_logsf,
}  # fmt: skip
whole_number = Unknown("it is a whole number")


def poisson_move(j: Any, mu: Any) -> Any:
    return (-stats.poisson.pmf(j, mu),)


@discrete(stats.poisson, poisson_move)
def _(j: Any, mu: Any) -> Any:
    return (quotient(j, mu) - 1,)


def bernoulli_move(j: Any, p: Any) -> Any:
    return (select(j == 0, -1.0, 0.0 * p),)


@discrete(stats.bernoulli, bernoulli_move)
def _(j: Any, p: Any) -> Any:
    return (quotient(j, p) - quotient(1 - j, 1 - p),)


def binom_move(j: Any, n: Any, p: Any) -> Any:
    return whole_number, -n * stats.binom.pmf(j, n - 1, p)


@discrete(stats.binom, binom_move)
def _(j: Any, n: Any, p: Any) -> Any:
    return whole_number, quotient(j, p) - quotient(n - j, 1 - p)


def geom_move(j: Any, p: Any) -> Any:
    trials = np.maximum(j, 0)
    return (trials * (1 - p) ** np.maximum(trials - 1, 0),)


@discrete(stats.geom, geom_move)
def _(j: Any, p: Any) -> Any:
    return (1 / p - quotient(j - 1, 1 - p),)


def nbinom_move(j: Any, n: Any, p: Any) -> Any:
    density = beta_density(n, np.maximum(j, 0) + 1, p)
    return unknown_shift, select(j < 0, 0.0, density)


@discrete(stats.nbinom, nbinom_move)
def _(j: Any, n: Any, p: Any) -> Any:
    return special.digamma(n + j) - special.digamma(n) + np.log(p), n / p - quotient(j, 1 - p)


@discrete(stats.betabinom)
def _(j: Any, n: Any, a: Any, b: Any) -> Any:
    total = special.digamma(a + b) - special.digamma(n + a + b)
    a_slope = special.digamma(a + j) - special.digamma(a) + total
    return whole_number, a_slope, special.digamma(b + n - j) - special.digamma(b) + total
