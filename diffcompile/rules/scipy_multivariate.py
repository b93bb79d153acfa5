"""Derivatives of multivariate distributions and of summary statistics of `scipy.stats`.

    y = stats.multivariate_normal.logpdf(x, mean, cov)       y = -0.5 * (mahalanobis + log det + d log 2 pi)

Each function is stated as its maths in NumPy (`defequal`), which is differentiated in its place.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy import special, stats

from . import scipy_density
from .library import KEEPING, POSITIONAL
from .register import defequal, nondifferentiable
from .scipy_stats import METHODS

__all__ = ["METHODS", "scipy_density"]  # the distributions of one variable are read first

NORMAL, DIRICHLET, MULTINOMIAL = stats.multivariate_normal, stats.dirichlet, stats.multinomial
for _dist, _methods, _names in (
    (NORMAL, ("pdf", "logpdf"), ("x", "mean", "cov", "allow_singular")),
    (NORMAL, ("entropy",), ("mean", "cov")),
    (DIRICHLET, ("pdf", "logpdf"), ("x", "alpha")),
    (MULTINOMIAL, ("pmf", "logpmf"), ("x", "n", "p")),
):
    KEEPING.add(_dist)
    for _method in _methods:
        POSITIONAL[getattr(_dist, _method)] = _names


@defequal(NORMAL.logpdf)
def _(x: Any, mean: Any = None, cov: Any = 1, allow_singular: Any = False) -> Any:
    return normal_log_density(x, mean, cov, allow_singular)


@defequal(NORMAL.pdf)
def _(x: Any, mean: Any = None, cov: Any = 1, allow_singular: Any = False) -> Any:
    return np.exp(normal_log_density(x, mean, cov, allow_singular))


def normal_log_density(x: Any, mean: Any, cov: Any, allow_singular: Any) -> Any:
    """The log density of a normal distribution: `cov` a matrix, a variance for each coordinate, or one."""
    if allow_singular:
        raise NotImplementedError("a normal distribution with a singular covariance is not differentiated")
    diff = np.asarray(x) if mean is None else np.asarray(x) - np.asarray(mean)
    d = diff.shape[-1]
    if np.ndim(cov) == 2:
        if cov.shape[0] != d:
            raise ValueError("points of one coordinate are to be passed with an axis of length 1")
        scaled = np.linalg.solve(cov, diff[..., None])[..., 0]
        height = np.linalg.slogdet(cov)[1] + d * math.log(2 * math.pi)
        return -0.5 * (np.sum(diff * scaled, axis=-1) + height)
    if mean is None:
        raise NotImplementedError("pass the mean: without it the number of coordinates is not known here")
    variances = cov * np.ones(d)
    return -0.5 * np.sum(diff**2 / variances + np.log(2 * math.pi * variances), axis=-1)


@defequal(NORMAL.entropy)
def _(mean: Any = None, cov: Any = 1) -> Any:
    return 0.5 * (np.linalg.slogdet(cov)[1] + cov.shape[0] * (1 + math.log(2 * math.pi)))


@defequal(DIRICHLET.logpdf)
def _(x: Any, alpha: Any) -> Any:
    return dirichlet_log_density(x, alpha)


@defequal(DIRICHLET.pdf)
def _(x: Any, alpha: Any) -> Any:
    return np.exp(dirichlet_log_density(x, alpha))


def dirichlet_log_density(x: Any, alpha: Any) -> Any:
    """The log density of a Dirichlet distribution; points are columns."""
    x = np.asarray(x)
    if x.shape[0] != np.shape(alpha)[0]:
        raise NotImplementedError("pass all coordinates of a point of the simplex")
    height = special.gammaln(np.sum(alpha)) - np.sum(special.gammaln(alpha))
    return height + np.sum(special.xlogy(alpha - 1, x.T).T, axis=0)


@defequal(MULTINOMIAL.logpmf)
def _(x: Any, n: Any, p: Any) -> Any:
    return multinomial_log_probability(x, n, p)


@defequal(MULTINOMIAL.pmf)
def _(x: Any, n: Any, p: Any) -> Any:
    return np.exp(multinomial_log_probability(x, n, p))


def multinomial_log_probability(x: Any, n: Any, p: Any) -> Any:
    """The log probability of counts; as in SciPy, the last probability is what the others leave."""
    rest = 1.0 - np.sum(p[..., :-1], axis=-1, keepdims=True)
    whole = np.concatenate([p[..., :-1], rest], axis=-1)
    counts = np.asarray(x)
    terms = special.xlogy(counts, whole) - special.gammaln(counts + 1)
    return special.gammaln(n + 1) + np.sum(terms, axis=-1)


# Summary statistics

nondifferentiable(stats.rankdata)


@defequal(stats.entropy)
def _(
    pk: Any, qk: Any = None, base: Any = None, axis: Any = 0, *, nan_policy: Any = "propagate",
    keepdims: Any = False,
) -> Any:  # fmt: skip
    p = pk / np.sum(pk, axis=axis, keepdims=True)
    terms = special.entr(p) if qk is None else special.rel_entr(p, qk / np.sum(qk, axis=axis, keepdims=True))
    total = np.sum(terms, axis=axis, keepdims=keepdims)
    return total if base is None else total / np.log(base)


@defequal(stats.zscore)
def _(a: Any, axis: Any = 0, ddof: Any = 0, nan_policy: Any = "propagate") -> Any:
    return (a - np.mean(a, axis=axis, keepdims=True)) / np.std(a, axis=axis, ddof=ddof, keepdims=True)


@defequal(stats.sem)
def _(a: Any, axis: Any = 0, ddof: Any = 1, nan_policy: Any = "propagate", *, keepdims: Any = False) -> Any:
    count = a.size if axis is None else a.shape[axis]
    return np.std(a, axis=axis, ddof=ddof, keepdims=keepdims) / np.sqrt(count)


@defequal(stats.variation)
def _(a: Any, axis: Any = 0, nan_policy: Any = "propagate", ddof: Any = 0, *, keepdims: Any = False) -> Any:
    spread = np.std(a, axis=axis, ddof=ddof, keepdims=keepdims)
    return spread / np.mean(a, axis=axis, keepdims=keepdims)


def averaged(x: Any, axis: Any, weights: Any, keepdims: Any) -> Any:
    """The mean, weighted or not."""
    if weights is None:
        return np.mean(x, axis=axis, keepdims=keepdims)
    weighted = np.sum(weights * x, axis=axis, keepdims=keepdims)
    return weighted / np.sum(weights * np.ones_like(x), axis=axis, keepdims=keepdims)


@defequal(stats.gmean)
def _(
    a: Any, axis: Any = 0, dtype: Any = None, weights: Any = None, *, nan_policy: Any = "propagate",
    keepdims: Any = False,
) -> Any:  # fmt: skip
    return np.exp(averaged(np.log(a), axis, weights, keepdims))


@defequal(stats.hmean)
def _(
    a: Any, axis: Any = 0, dtype: Any = None, *, weights: Any = None, nan_policy: Any = "propagate",
    keepdims: Any = False,
) -> Any:  # fmt: skip
    return 1.0 / averaged(1.0 / a, axis, weights, keepdims)


def central_moment(a: Any, order: Any, axis: Any, keepdims: Any) -> Any:
    """The mean of a power of the distance from the mean."""
    return np.mean((a - np.mean(a, axis=axis, keepdims=True)) ** order, axis=axis, keepdims=keepdims)


@defequal(stats.skew)
def _(
    a: Any, axis: Any = 0, bias: Any = True, nan_policy: Any = "propagate", *, keepdims: Any = False
) -> Any:
    value = central_moment(a, 3, axis, keepdims) / central_moment(a, 2, axis, keepdims) ** 1.5
    if bias:
        return value
    n = a.size if axis is None else a.shape[axis]
    return value * (np.sqrt(n * (n - 1)) / (n - 2))


@defequal(stats.kurtosis)
def _(
    a: Any, axis: Any = 0, fisher: Any = True, bias: Any = True, nan_policy: Any = "propagate", *,
    keepdims: Any = False,
) -> Any:  # fmt: skip
    value = central_moment(a, 4, axis, keepdims) / central_moment(a, 2, axis, keepdims) ** 2
    if not bias:
        n = a.size if axis is None else a.shape[axis]
        value = ((n**2 - 1) * value - 3.0 * (n - 1) ** 2) / ((n - 2) * (n - 3)) + 3.0
    return value - 3.0 if fisher else value
