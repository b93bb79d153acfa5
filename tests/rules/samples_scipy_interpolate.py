"""Sample arguments of the rules for interpolants; integer knots where they carry no derivative."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import interpolate

from diffcompile.rules.library import CALLED, EVALUATED, USED, consult

consult(interpolate.CubicSpline)

Sample = tuple[tuple[Any, ...], dict[str, Any]]

X = np.array([0, 1, 3, 4, 6])
Y = np.array([1.0, 2.0, 0.5, 3.0, 1.0])
ROWS = np.stack([Y, Y[::-1], Y**2]).T
T = np.array([0.3, 2.2, 5.1])
OUT = np.array([-0.7, 2.2, 6.4])
CUBIC, LINE, SPLINE = interpolate.CubicSpline, interpolate.interp1d, interpolate.make_interp_spline
AKIMA, PCHIP, HERMITE = (
    interpolate.Akima1DInterpolator, interpolate.PchipInterpolator, interpolate.CubicHermiteSpline,
)  # fmt: skip
GRID, PLANE, BASIS = (
    interpolate.RegularGridInterpolator, interpolate.RectBivariateSpline, interpolate.BSpline,
)  # fmt: skip
FITPACK = interpolate.InterpolatedUnivariateSpline
LINES = (np.array([0.0, 1.1, 2.9, 4.0]), np.array([0.2, 1.0, 1.9]))
Z = np.array([[1.0, 2.0, 0.5], [0.3, -1.0, 1.2], [0.7, 1.6, -0.4], [2.0, 0.1, 0.9]])
AT = np.array([[0.3, 0.5], [2.2, 1.7], [3.6, 0.9]])
EDGE = np.concatenate([AT, np.array([[4.5, 0.5], [1.2, -0.1]])])
PLANE_X, PLANE_Y = np.arange(5), np.array([0, 1, 3, 4])
SURFACE = np.stack([Y, Y[::-1], Y**2, np.sqrt(Y)]).T

SAMPLES: dict[Any, list[Sample]] = {
    EVALUATED[CUBIC]: [
        ((X, Y, T), {}),
        ((X, Y, 2.4), {}),
        ((X, Y, T.reshape(3, 1), 1), {}),
        ((X, ROWS, T), {"bc_type": "natural"}),
        ((X, ROWS.T, T), {"axis": 1}),
    ],
    EVALUATED[SPLINE]: [
        ((X, Y, T), {}),
        ((X, Y, T, 1), {"k": 2}),
        ((X, ROWS, 2.4), {"bc_type": "natural"}),
        ((X, ROWS.T, T), {"axis": 1, "k": 1}),
    ],
    EVALUATED[FITPACK]: [((X, Y, T), {}), ((X, Y, OUT, 1), {"k": 2})],
    EVALUATED[BASIS]: [((np.arange(9), Y, 3, T), {}), ((np.arange(8), ROWS, 2, T, 1), {})],
    interpolate.splrep: [((X, Y), {}), ((X, Y), {"k": 2})],
    interpolate.splev: [
        ((T, (np.arange(9), Y, 3)), {}),
        ((T, (np.arange(8), Y, 2), 1), {}),
        ((2.4, (np.arange(9), Y, 3)), {}),
    ],
    EVALUATED[LINE]: [
        ((X, Y, T), {}),
        ((X, Y, 2.4), {}),
        ((X, ROWS.T, T), {"kind": "quadratic"}),
        ((X, ROWS, T), {"kind": 3, "axis": 0}),
        ((X, ROWS.T, OUT), {"bounds_error": False, "fill_value": (1, 2)}),
        ((X, Y, OUT), {"fill_value": "extrapolate"}),
        ((X[::-1], Y, T), {}),
        *[((X, ROWS.T, T), {"kind": kind}) for kind in ("nearest", "nearest-up", "previous", "next", "zero")],
    ],
    EVALUATED[PCHIP]: [
        ((X + 0.0, Y, T), {}),
        ((X + 0.0, ROWS, 2.4, 1), {}),
        ((X + 0.0, ROWS.T, T), {"axis": 1}),
        ((X[:2] + 0.0, Y[:2], T[:1]), {}),
    ],
    EVALUATED[AKIMA]: [
        ((X + 0.0, Y, T), {}),
        ((X + 0.0, ROWS, T), {"method": "makima"}),
        ((X + 0.0, Y, OUT), {"extrapolate": True}),
    ],
    EVALUATED[HERMITE]: [
        ((X + 0.0, Y, Y[::-1].copy(), T), {}), ((X + 0.0, ROWS.T, ROWS.T**2, T, 2), {"axis": 1}),
    ],
    EVALUATED[GRID]: [
        ((LINES, Z, AT), {}),
        ((LINES, np.stack([Z, Z**2], axis=-1), AT), {}),
        ((LINES, Z, (AT[:, 0].copy(), AT[:, 1].copy())), {}),
        ((LINES, Z, AT[0].copy()), {}),
        ((LINES[:1], Z, np.array([[0.3], [2.2]])), {}),
        ((LINES, Z, EDGE), {"bounds_error": False, "fill_value": 1}),
        ((LINES, Z, EDGE), {"bounds_error": False, "fill_value": None}),
        ((LINES, Z, AT), {"method": "nearest"}),
    ],
    interpolate.interpn: [((LINES, Z, AT), {}), ((LINES, Z, AT, "nearest"), {})],
    EVALUATED[PLANE]: [
        ((PLANE_X, PLANE_Y, SURFACE, np.array([0.3, 2.2]), np.array([0.7, 1.6, 3.3])), {}),
        ((PLANE_X, PLANE_Y, SURFACE, np.array([0.3, 2.2]), np.array([1.6]), 1, 0), {"kx": 2, "ky": 1}),
        ((PLANE_X, PLANE_Y, SURFACE, np.array([0.3, 2.2]), np.array([0.7, 1.6]), 0, 0, False), {}),
    ],
    USED[PLANE]["ev"]: [
        ((PLANE_X, PLANE_Y, SURFACE, np.array([0.3, 4.8]), np.array([0.7, 1.6])), {}),
        ((PLANE_X, PLANE_Y, SURFACE, 0.3, 2.2, 0, 1), {}),
    ],
    CALLED[CUBIC]: [
        ((CUBIC(X, Y), T), {}), ((CUBIC(X, Y), 2.4, 1), {}), ((CUBIC(X, ROWS), T), {}),
        ((CUBIC(X, ROWS.T, axis=1), T), {}),
    ],
    CALLED[PCHIP]: [((PCHIP(X, Y), T), {})],
    CALLED[AKIMA]: [((AKIMA(X, Y), T), {})],
    CALLED[HERMITE]: [((HERMITE(X, Y, Y), T), {})],
    CALLED[interpolate.PPoly]: [((interpolate.PPoly(CUBIC(X, Y).c, X), T), {})],
    CALLED[BASIS]: [((SPLINE(X, Y), T), {}), ((SPLINE(X, ROWS.T, axis=1), T), {})],
}  # fmt: skip

# SciPy's interpolants compute in double precision.
WIDENED = set(SAMPLES)
