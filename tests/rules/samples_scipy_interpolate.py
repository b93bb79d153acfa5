"""Sample arguments of the rules for interpolants: integer knots, which carry no derivative."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import interpolate

from diffcompile.rules.library import CALLED, EVALUATED, consult

consult(interpolate.CubicSpline)

Sample = tuple[tuple[Any, ...], dict[str, Any]]

X = np.array([0, 1, 3, 4, 6])
Y = np.array([1.0, 2.0, 0.5, 3.0, 1.0])
ROWS = np.stack([Y, Y[::-1], Y**2]).T
T = np.array([0.3, 2.2, 5.1])
CUBIC, LINE = interpolate.CubicSpline, interpolate.interp1d

SAMPLES: dict[Any, list[Sample]] = {
    EVALUATED[CUBIC]: [
        ((X, Y, T), {}),
        ((X, Y, 2.4), {}),
        ((X, Y, T.reshape(3, 1), 1), {}),
        ((X, ROWS, T), {"bc_type": "natural"}),
    ],
    EVALUATED[LINE]: [((X, Y, T), {}), ((X, Y, 2.4), {})],
    EVALUATED[interpolate.PchipInterpolator]: [((X, Y.astype(int), T), {})],
    EVALUATED[interpolate.Akima1DInterpolator]: [((X, Y.astype(int), T), {})],
    CALLED[CUBIC]: [((CUBIC(X, Y), T), {}), ((CUBIC(X, Y), 2.4, 1), {}), ((CUBIC(X, ROWS), T), {})],
    CALLED[interpolate.PchipInterpolator]: [((interpolate.PchipInterpolator(X, Y), T), {})],
    CALLED[interpolate.Akima1DInterpolator]: [((interpolate.Akima1DInterpolator(X, Y), T), {})],
    CALLED[interpolate.PPoly]: [((interpolate.PPoly(CUBIC(X, Y).c, X), T), {})],
    CALLED[interpolate.BSpline]: [((interpolate.make_interp_spline(X, Y), T), {})],
}
