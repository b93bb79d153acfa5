"""Functions that the derivatives of NumPy and `math` need and that neither has, and their own derivatives.

    y = math.lgamma(x)        x_bar = y_bar * polygamma(0, x)
    y = np.i0(x)              x_bar = y_bar * bessel_i1(x)

They are written into the generated module where it uses them.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .register import defelementwise


def polygamma(n: int, x: float) -> float:
    """The derivative of order `n` of the digamma function, by its recurrence and asymptotic series.

    >>> round(polygamma(0, 1.0), 12), round(polygamma(1, 1.0), 12)
    (-0.577215664902, 1.644934066848)
    """
    if x <= 0.0:
        return _reflected(n, x)
    sign, order, total = -1.0 if n % 2 == 0 else 1.0, math.factorial(n), 0.0
    while x < 20.0:
        total += order / x ** (n + 1)
        x += 1.0
    total += order / (2 * x ** (n + 1)) + (-math.log(x) if n == 0 else math.factorial(n - 1) / x**n)
    bernoulli = (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510)
    for k, b in enumerate(bernoulli, start=1):
        total += b * math.factorial(2 * k + n - 1) / (math.factorial(2 * k) * x ** (2 * k + n))
    return sign * total


def _reflected(n: int, x: float) -> float:
    """`polygamma(n, x)` for `x` at or below 0: that of `1 - x`, and a derivative of the cotangent."""
    if x == math.floor(x):
        return math.nan
    # The n-th derivative of pi * cot(pi * x) is a polynomial in the cotangent c, since c' = -pi * (1 + c**2).
    powers = [0.0, math.pi]
    for _ in range(n):
        slopes = [k * p for k, p in enumerate(powers)][1:]
        shifted = [0.0, 0.0, *slopes]
        powers = [-math.pi * (a + b) for a, b in zip([*slopes, 0.0, 0.0], shifted, strict=True)]
    c = 1.0 / math.tan(math.pi * (x - math.floor(x)))
    return (-1.0) ** n * polygamma(n, 1.0 - x) - sum([p * c**k for k, p in enumerate(powers)])


@defelementwise(polygamma)
def _(out: Any, n: Any, x: Any) -> Any:
    return None, polygamma(n + 1, x)


@defelementwise(math.gamma, singular=True)
def _(out: Any, x: Any) -> Any:
    return out * polygamma(0, x)


@defelementwise(math.lgamma, singular=True)
def _(out: Any, x: Any) -> Any:
    return polygamma(0, x)


def bessel(order: int, x: Any) -> Any:
    """The derivative of that order of the Bessel function `np.i0`: the mean of a cosine's powers.

    >>> float(bessel(1, 1.0))
    0.5651591039924851
    """
    cosine = np.asarray(np.cos(np.pi * (np.arange(64) + 0.5) / 128), np.result_type(x))
    wave = np.cosh if order % 2 == 0 else np.sinh
    return np.mean(wave(np.expand_dims(x, -1) * cosine) * cosine**order, axis=-1)


@defelementwise(bessel)
def _(out: Any, order: Any, x: Any) -> Any:
    return None, bessel(order + 1, x)


@defelementwise(np.i0)
def _(out: Any, x: Any) -> Any:
    return bessel(1, x)
