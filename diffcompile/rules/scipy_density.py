"""Derivatives of densities that are estimated from samples: `gaussian_kde`.

    y = stats.gaussian_kde(data)(points)       y = sum over samples of weight * exp(-energy) / height

The density at a point is the mean of normal densities around the samples, whose covariance is that of the
samples, scaled. It moves with the points, the samples, and their weights, in the covariance as well.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy import special, stats

from .library import CALLED, EVALUATED, POSITIONAL, USED, Called, Evaluation
from .register import defequal, nondifferentiable

KDE = stats.gaussian_kde
AT_POINTS, AT_X = (("points", None),), (("x", None),)
EVALUATED[KDE] = Evaluation(KDE, 1, AT_POINTS)
POSITIONAL[KDE] = ("dataset", "bw_method", "weights")
USED[KDE] = {
    "evaluate": Evaluation(KDE, 1, AT_POINTS, "evaluate"),
    "pdf": Evaluation(KDE, 1, AT_X, "pdf"),
    "logpdf": Evaluation(KDE, 1, AT_X, "logpdf"),
}
CALLED[KDE] = Called(KDE)


def normalized(weights: Any, count: Any) -> Any:
    """The weights of the samples, whose sum is 1."""
    return np.ones(count) / count if weights is None else np.asarray(weights) / np.sum(weights)


def factor(bw_method: Any, weights: Any, d: Any) -> Any:
    """What the spread of the samples is scaled by, for that around each one."""
    if callable(bw_method):
        raise NotImplementedError("a density with a function for `bw_method` is not differentiated")
    if bw_method is None or isinstance(bw_method, str):
        count = 1.0 / np.sum(weights**2)
        count = count * (d + 2.0) / 4.0 if bw_method == "silverman" else count
        return count ** (-1.0 / (d + 4))
    return bw_method


def as_points(points: Any, d: Any) -> Any:
    """Points as columns; one point may be given as a row."""
    rows = np.atleast_2d(points)
    return rows.T if rows.shape[0] == 1 and rows.shape[1] == d else rows


def log_kernels(data: Any, covariance: Any, points: Any) -> Any:
    """The logarithms of the densities around the samples, one a row, at each point."""
    d = data.shape[0]
    diff = points[:, None, :] - data[:, :, None]
    scaled = np.einsum("ij,jkl->ikl", np.linalg.inv(covariance), diff)
    height = np.linalg.slogdet(covariance)[1] + d * math.log(2 * math.pi)
    return -0.5 * (np.sum(diff * scaled, axis=0) + height)


def estimated(dataset: Any, points: Any, bw_method: Any, weights: Any) -> Any:
    """The weights of the samples, and the logarithms of the densities around them."""
    data = np.atleast_2d(dataset)
    shares = normalized(weights, data.shape[1])
    spread = np.reshape(np.cov(data, bias=False, aweights=shares), (data.shape[0], data.shape[0]))
    covariance = spread * factor(bw_method, shares, data.shape[0]) ** 2
    return shares, log_kernels(data, covariance, as_points(points, data.shape[0]))


@defequal(EVALUATED[KDE], USED[KDE]["evaluate"])
def _(dataset: Any, points: Any, *, bw_method: Any = None, weights: Any = None) -> Any:
    shares, kernels = estimated(dataset, points, bw_method, weights)
    return shares @ np.exp(kernels)


@defequal(USED[KDE]["pdf"])
def _(dataset: Any, x: Any, *, bw_method: Any = None, weights: Any = None) -> Any:
    shares, kernels = estimated(dataset, x, bw_method, weights)
    return shares @ np.exp(kernels)


@defequal(USED[KDE]["logpdf"])
def _(dataset: Any, x: Any, *, bw_method: Any = None, weights: Any = None) -> Any:
    shares, kernels = estimated(dataset, x, bw_method, weights)
    return special.logsumexp(kernels, axis=0, b=shares[:, None])


def made_of(kde: Any) -> Any:
    """The samples of a density that was made outside, their covariance and their weights."""
    return kde.dataset, kde.covariance, kde.weights


nondifferentiable(made_of)


@defequal(CALLED[KDE])
def _(kde: Any, points: Any) -> Any:
    data, covariance, weights = made_of(kde)
    return weights @ np.exp(log_kernels(data, covariance, as_points(points, data.shape[0])))
