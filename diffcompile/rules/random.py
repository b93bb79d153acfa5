"""Derivatives of random draws with respect to what shifts, stretches or shapes them: the draw is shared.

    y = rng.normal(mu, sigma)     mu_bar = y_bar,  sigma_bar = y_bar * (y - mu) / sigma
    y = rng.uniform(a, b)         a_bar = y_bar * (b - y) / (b - a),  b_bar = y_bar * (y - a) / (b - a)

What was drawn is found again from the result, so nothing is drawn twice: the value and its derivative belong
to one draw. Distributions that are drawn by rejection have no such derivative in their shape; those of whole
numbers have none at all.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .broadcast import unbroadcast
from .register import defjvp, defvjp, nondifferentiable

OWNERS = (np.random.Generator, np.random.RandomState)


def methods(*names: str) -> list[Any]:
    """The methods of those names of both kinds of generators."""
    return [getattr(owner, name) for owner in OWNERS for name in names if hasattr(owner, name)]


def shuffled_places(rng: Any, n: int) -> list[int]:
    """Where each item of a list of `n` comes from when `rng` shuffles it."""
    places = list(range(n))
    rng.shuffle(places)
    return places


nondifferentiable(
    shuffled_places,
    *methods(
        "random", "rand", "randn", "random_sample", "standard_normal", "standard_exponential",
        "standard_cauchy", "integers", "randint", "poisson", "binomial", "geometric", "negative_binomial",
        "hypergeometric", "multinomial", "logseries", "zipf", "bytes", "tomaxint",
    ),
    np.random.default_rng, np.random.seed, np.random.rand, np.random.randn, np.random.random,
    np.random.random_sample, np.random.standard_normal, np.random.standard_exponential, np.random.randint,
    np.random.poisson, np.random.binomial, np.random.geometric,
)  # fmt: skip


def absent(tangents: Any, i: Any) -> Any:
    """The tangent of argument `i`, 0 where there is none."""
    return 0.0 if len(tangents) <= i or tangents[i] is None else tangents[i]


# A place and a scale


def place_and_scale(ct: Any, out: Any, loc: Any, scale: Any) -> Any:
    """The cotangents of the place and the scale of a draw."""
    return unbroadcast(ct, loc), unbroadcast(ct * ((out - loc) / scale), scale)


@defvjp(*methods("normal", "laplace", "logistic", "gumbel"))
def _(ct: Any, out: Any, rng: Any, loc: Any = 0.0, scale: Any = 1.0, size: Any = None) -> Any:
    loc_bar, scale_bar = place_and_scale(ct, out, loc, scale)
    return None, loc_bar, scale_bar, None


@defjvp(*methods("normal", "laplace", "logistic", "gumbel"))
def _(tangents: Any, out: Any, rng: Any, loc: Any = 0.0, scale: Any = 1.0, size: Any = None) -> Any:
    dot = absent(tangents, 1) + (out - loc) / scale * absent(tangents, 2)
    return np.broadcast_to(dot, np.shape(out))


@defvjp(np.random.normal, np.random.laplace, np.random.logistic, np.random.gumbel)
def _(ct: Any, out: Any, loc: Any = 0.0, scale: Any = 1.0, size: Any = None) -> Any:
    return place_and_scale(ct, out, loc, scale)


@defjvp(np.random.normal, np.random.laplace, np.random.logistic, np.random.gumbel)
def _(tangents: Any, out: Any, loc: Any = 0.0, scale: Any = 1.0, size: Any = None) -> Any:
    dot = absent(tangents, 0) + (out - loc) / scale * absent(tangents, 1)
    return np.broadcast_to(dot, np.shape(out))


# Two ends


def both_ends(ct: Any, out: Any, low: Any, high: Any) -> Any:
    """The cotangents of the ends that a draw lies between."""
    part = (out - low) / (high - low)
    return unbroadcast(ct * (1.0 - part), low), unbroadcast(ct * part, high)


@defvjp(*methods("uniform"))
def _(ct: Any, out: Any, rng: Any, low: Any = 0.0, high: Any = 1.0, size: Any = None) -> Any:
    low_bar, high_bar = both_ends(ct, out, low, high)
    return None, low_bar, high_bar, None


@defjvp(*methods("uniform"))
def _(tangents: Any, out: Any, rng: Any, low: Any = 0.0, high: Any = 1.0, size: Any = None) -> Any:
    part = (out - low) / (high - low)
    dot = (1.0 - part) * absent(tangents, 1) + part * absent(tangents, 2)
    return np.broadcast_to(dot, np.shape(out))


@defvjp(np.random.uniform)
def _(ct: Any, out: Any, low: Any = 0.0, high: Any = 1.0, size: Any = None) -> Any:
    return both_ends(ct, out, low, high)


@defjvp(np.random.uniform)
def _(tangents: Any, out: Any, low: Any = 0.0, high: Any = 1.0, size: Any = None) -> Any:
    part = (out - low) / (high - low)
    dot = (1.0 - part) * absent(tangents, 0) + part * absent(tangents, 1)
    return np.broadcast_to(dot, np.shape(out))


# A scale alone


@defvjp(*methods("exponential", "rayleigh"))
def _(ct: Any, out: Any, rng: Any, scale: Any = 1.0, size: Any = None) -> Any:
    return None, unbroadcast(ct * (out / scale), scale), None


@defjvp(*methods("exponential", "rayleigh"))
def _(tangents: Any, out: Any, rng: Any, scale: Any = 1.0, size: Any = None) -> Any:
    return np.broadcast_to(out / scale * tangents[1], np.shape(out))


@defvjp(np.random.exponential, np.random.rayleigh)
def _(ct: Any, out: Any, scale: Any = 1.0, size: Any = None) -> Any:
    return unbroadcast(ct * (out / scale), scale), None


@defjvp(np.random.exponential, np.random.rayleigh)
def _(tangents: Any, out: Any, scale: Any = 1.0, size: Any = None) -> Any:
    return np.broadcast_to(out / scale * tangents[0], np.shape(out))


@defvjp(*methods("gamma"))
def _(ct: Any, out: Any, rng: Any, shape: Any, scale: Any = 1.0, size: Any = None) -> Any:
    return None, None, unbroadcast(ct * (out / scale), scale), None


@defjvp(*methods("gamma"))
def _(tangents: Any, out: Any, rng: Any, shape: Any, scale: Any = 1.0, size: Any = None) -> Any:
    return np.broadcast_to(out / scale * tangents[2], np.shape(out))


# A shape: the quantile of a draw that stays


@defvjp(*methods("lognormal"))
def _(ct: Any, out: Any, rng: Any, mean: Any = 0.0, sigma: Any = 1.0, size: Any = None) -> Any:
    rate = ct * out
    sigma_bar = unbroadcast(rate * ((np.log(out) - mean) / sigma), sigma)
    return None, unbroadcast(rate, mean), sigma_bar, None


@defjvp(*methods("lognormal"))
def _(tangents: Any, out: Any, rng: Any, mean: Any = 0.0, sigma: Any = 1.0, size: Any = None) -> Any:
    dot = absent(tangents, 1) + (np.log(out) - mean) / sigma * absent(tangents, 2)
    return np.broadcast_to(out * dot, np.shape(out))


@defvjp(*methods("weibull", "power"))
def _(ct: Any, out: Any, rng: Any, a: Any, size: Any = None) -> Any:
    return None, unbroadcast(-ct * (out * np.log(out)) / a, a), None


@defjvp(*methods("weibull", "power"))
def _(tangents: Any, out: Any, rng: Any, a: Any, size: Any = None) -> Any:
    return np.broadcast_to(-out * np.log(out) / a * tangents[1], np.shape(out))


@defvjp(*methods("pareto"))
def _(ct: Any, out: Any, rng: Any, a: Any, size: Any = None) -> Any:
    return None, unbroadcast(-ct * ((1 + out) * np.log1p(out)) / a, a), None


@defjvp(*methods("pareto"))
def _(tangents: Any, out: Any, rng: Any, a: Any, size: Any = None) -> Any:
    return np.broadcast_to(-(1 + out) * np.log1p(out) / a * tangents[1], np.shape(out))
