"""Sample arguments of the rules for `scipy.stats`: every method of every family, and the ends of supports."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy import stats

Sample = tuple[tuple[Any, ...], dict[str, Any]]

V = np.array([0.7, -1.3, 2.1])
P = np.array([0.4, 1.3, 2.2])
U = np.array([0.2, 0.5, 0.9])
COLUMN = np.array([[0.8], [1.9]])

DENSITIES = ("pdf", "logpdf", "cdf", "logcdf", "sf", "logsf")
QUANTILES = ("ppf", "isf")
LEVELS = (0.3, np.array([0.2, 0.6, 0.9]))

# Each continuous family: points of its support for a location of 0 and a scale of 1, values of its shapes,
# and whether the derivative with respect to those is known for distribution functions and quantiles.
REAL = (0.4, V)
POSITIVE = (0.4, P)
CONTINUOUS: dict[Any, tuple[tuple[Any, ...], list[tuple[Any, ...]], bool]] = {
    stats.norm: (REAL, [()], True),
    stats.laplace: (REAL, [()], True),
    stats.logistic: (REAL, [()], True),
    stats.hypsecant: (REAL, [()], True),
    stats.cauchy: (REAL, [()], True),
    stats.gumbel_r: (REAL, [()], True),
    stats.gumbel_l: (REAL, [()], True),
    stats.expon: (POSITIVE, [()], True),
    stats.uniform: ((0.4, U), [()], True),
    stats.halfnorm: (POSITIVE, [()], True),
    stats.halfcauchy: (POSITIVE, [()], True),
    stats.rayleigh: (POSITIVE, [()], True),
    stats.maxwell: (POSITIVE, [()], True),
    stats.beta: ((0.4, U), [(1.4, 2.3), (P, 0.7)], False),
    stats.gamma: (POSITIVE, [(1.4,), (P,)], False),
    stats.invgamma: (POSITIVE, [(1.4,), (P,)], False),
    stats.chi2: (POSITIVE, [(3.4,), (P,)], False),
    stats.t: (REAL, [(3.4,), (P,)], False),
    stats.f: (POSITIVE, [(3.4, 5.2), (1 + P, 2.5)], False),
    stats.lognorm: (POSITIVE, [(1.4,), (P,)], True),
    stats.weibull_min: (POSITIVE, [(1.4,), (P,)], True),
    stats.powerlaw: ((0.4, U), [(1.4,), (P,)], True),
    stats.fisk: (POSITIVE, [(1.4,), (P,)], True),
    stats.pareto: ((1.4, 1 + P), [(1.4,), (P,)], True),
    stats.gennorm: (REAL, [(1.4,), (P,)], False),
    stats.skewnorm: (REAL, [(1.4,), (V,)], True),
    stats.invgauss: (POSITIVE, [(1.4,), (P,)], False),
    stats.truncnorm: ((0.4, U), [(-1.4, 1.3), (-P, 1.0)], True),
    stats.vonmises: ((0.4, V), [(1.4,), (P,)], False),
    stats.wrapcauchy: ((0.4, 1.3 * P), [(0.4,), (U,)], True),
}
# Each discrete family: outcomes, values of its parameters (integers where it is a whole number), and whether
# the derivatives of its distribution functions are known.
J = np.array([0, 1, 3])
DISCRETE: dict[Any, tuple[tuple[Any, ...], list[tuple[Any, ...]], bool]] = {
    stats.poisson: ((2, J), [(1.4,), (P,), (COLUMN,)], True),
    stats.bernoulli: ((1, np.array([0, 1, 0])), [(0.4,), (U,)], True),
    stats.binom: ((2, J), [(4, 0.4), (4, U)], True),
    stats.geom: ((2, 1 + J), [(0.4,), (U,)], True),
    stats.nbinom: ((2, J), [(2.4, 0.4), (P, U)], False),
    stats.betabinom: ((2, J), [(4, 1.4, 0.7), (4, P, 1.2)], False),
}

SAMPLES: dict[Any, list[Sample]] = {}


def whole(parameters: tuple[Any, ...]) -> tuple[Any, ...]:
    """The parameters as integers, with respect to which nothing is differentiated."""
    return tuple(np.asarray(np.ceil(p), dtype=int) if np.ndim(p) else math.ceil(p) for p in parameters)


for _dist, (_points, _shapes, _known) in CONTINUOUS.items():
    for _name in (*DENSITIES, *QUANTILES):
        _free = _known or "pdf" in _name
        _first, _last = (_g if _free else whole(_g) for _g in (_shapes[0], _shapes[-1]))
        _x, _xs = LEVELS if _name in QUANTILES else _points
        _moved = _xs if _name in QUANTILES else 0.7 + 1.3 * _xs
        SAMPLES[getattr(_dist, _name)] = [((_x, *_first), {}), ((_moved, *_last, 0.7, 1.3), {})]
for _dist in (stats.norm, stats.gamma):
    for _name in ("pdf", "logpdf", "cdf"):
        _given = (2,) if _dist is stats.gamma else ()
        SAMPLES[getattr(_dist, _name)] += [
            ((0.9 + COLUMN, *_given, 0.7, P), {}),
            ((COLUMN, *_given), {"scale": P}),
            ((1.4, *_given), {"scale": 1.6, "loc": 0.5}),
        ]
for _dist, (_points, _shapes, _known) in DISCRETE.items():
    _all = ("pmf", "logpmf", "cdf", "sf", "logcdf", "logsf")
    for _name in _all[:2] if _dist is stats.betabinom else _all:
        SAMPLES[getattr(_dist, _name)] = _samples = []
        for _k, _given in zip(_points, (_shapes[0], _shapes[-1]), strict=True):
            _fixed = _given
            if not _known and "pmf" not in _name:
                _fixed = (3, *_given[1:]) if _dist is stats.nbinom else whole(_given)
            if _dist is stats.bernoulli and _name == "logsf":
                _k = 0 * _k
            _samples += [((_k, *_fixed), {}), ((_k + 1, *_fixed), {"loc": 1})]

inf = math.inf
KINKS: list[tuple[Any, tuple[Any, ...], tuple[Any, ...]]] = [
    (stats.expon.logpdf, (-1.0,), (0.0,)),
    (stats.expon.pdf, (np.array([-1.0, 0.0]),), (np.array([0.0, -1.0]),)),
    (stats.uniform.cdf, (np.array([-1.0, 0.5, 2.0]),), (np.array([0.0, 1.0, 0.0]),)),
    (stats.beta.logpdf, (-0.5, 2.0, 3.0), (0.0, 0.0, 0.0)),
    (stats.gamma.logpdf, (0.0, 1.0), (-1.0, -inf)),
    (stats.gamma.pdf, (-1.0, 2.5), (0.0, 0.0)),
    (stats.lognorm.cdf, (-1.0, 0.5), (0.0, 0.0)),
    (stats.laplace.logpdf, (0.0,), (0.0,)),
    (stats.norm.logcdf, (np.array([-1e5, 1e3]),), (np.array([1e5 + 1e-5, 0.0]),)),
    (stats.poisson.logpmf, (0, 0.0), (None, -1.0)),
    (stats.poisson.logpmf, (-1, 2.0), (None, 0.0)),
    (stats.bernoulli.logpmf, (np.array([0, 1]), np.array([0.0, 1.0])), (None, np.array([-1.0, 1.0]))),
    (stats.binom.cdf, (7, 4, 0.3), (None, None, 0.0)),
]
