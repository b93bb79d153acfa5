"""Sample arguments of the rules for densities that are estimated from samples."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import stats

from diffcompile.rules.library import CALLED, EVALUATED, USED, consult

consult(stats.gaussian_kde)

Sample = tuple[tuple[Any, ...], dict[str, Any]]

KDE = stats.gaussian_kde
ROW = np.array([0.3, -1.2, 0.8, 1.9, -0.4])
PLANE = np.array([[0.3, -1.2, 0.8, 1.9, -0.4, 0.1], [1.1, 0.2, -0.7, 0.9, 0.4, -1.3]])
AT = np.array([[0.2, 1.1, -0.6], [0.5, -0.4, 0.3]])
WEIGHTS = np.array([0.5, 1.5, 0.7, 1.2, 0.9, 1.1])

SAMPLES: dict[Any, list[Sample]] = {
    EVALUATED[KDE]: [
        ((ROW, AT[0]), {}),
        ((ROW, 0.4), {}),
        ((PLANE, AT), {}),
        ((PLANE, AT[:, 0].copy()), {}),
        ((PLANE, AT), {"bw_method": "silverman"}),
        ((PLANE, AT), {"bw_method": 0.6, "weights": WEIGHTS}),
    ],
    USED[KDE]["evaluate"]: [((PLANE, AT), {"weights": WEIGHTS})],
    USED[KDE]["pdf"]: [((ROW, AT[1]), {"bw_method": 0.8})],
    USED[KDE]["logpdf"]: [((PLANE, AT), {}), ((ROW, AT[0]), {"weights": WEIGHTS[:5]})],
    CALLED[KDE]: [((KDE(ROW), AT[0]), {}), ((KDE(PLANE, weights=WEIGHTS), AT), {})],
}

# SciPy computes these in double precision.
WIDENED = set(SAMPLES)
