"""Sample arguments of the rules for `scipy.ndimage`: every boundary mode."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import ndimage

Sample = tuple[tuple[Any, ...], dict[str, Any]]

rng = np.random.default_rng(17)
MODES = ("reflect", "constant", "nearest", "mirror", "wrap", "grid-mirror", "grid-constant", "grid-wrap")


def r(*shape: int) -> np.ndarray:
    return rng.uniform(0.3, 1.7, shape) * rng.choice([-1.0, 1.0], shape)


SAMPLES: dict[Any, list[Sample]] = {
    ndimage.correlate1d: [
        *[((r(5), r(3)), {"mode": mode}) for mode in MODES],
        ((r(4, 3), r(4)), {"axis": 0}),
        ((r(6), r(3)), {"origin": 1}),
    ],
    ndimage.convolve1d: [((r(5), r(3)), {}), ((r(4, 3), r(4)), {"axis": 0}), ((r(6), r(3)), {"origin": 1})],
    ndimage.gaussian_filter1d: [
        ((r(7), 1), {}),
        ((r(7), 1.3), {}),
        ((r(4, 5), 1), {"axis": 0, "mode": "wrap", "truncate": 2}),
    ],
    ndimage.gaussian_filter: [((r(5, 4), 0.9), {}), ((r(5, 4), 2), {"axes": (1,), "mode": "nearest"})],
    ndimage.uniform_filter1d: [((r(7), 3), {}), ((r(4, 5), 4), {"axis": 0, "mode": "mirror"})],
}

# SciPy's filters compute in double precision.
WIDENED = set(SAMPLES)
