"""Sample arguments of the rules for `scipy.ndimage`: every boundary mode of filters and of splines."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import ndimage

Sample = tuple[tuple[Any, ...], dict[str, Any]]

rng = np.random.default_rng(17)
MODES = ("reflect", "constant", "nearest", "mirror", "wrap", "grid-mirror", "grid-constant", "grid-wrap")


def r(*shape: int) -> np.ndarray:
    return rng.uniform(0.3, 1.7, shape) * rng.choice([-1.0, 1.0], shape)


# Coordinates inside and outside of an image, and a matrix that turns and stretches.
AT = np.array([[0.3, 2.7, 4.2, -1.3, 5.6, 1.4], [3.2, 0.6, 1.1, 2.4, -2.7, 7.3]])
TURN = np.array([[0.9371, 0.2143], [-0.3317, 0.7829]])

SAMPLES: dict[Any, list[Sample]] = {
    ndimage.correlate1d: [
        *[((r(5), r(3)), {"mode": mode}) for mode in MODES],
        ((r(4, 3), r(4)), {"axis": 0}),
        ((r(6), r(3)), {"origin": 1}),
    ],
    ndimage.convolve1d: [((r(5), r(3)), {}), ((r(4, 3), r(4)), {"axis": 0}), ((r(6), r(3)), {"origin": 1})],
    ndimage.correlate: [
        *[((r(5, 4), r(3, 2)), {"mode": mode, "cval": 1}) for mode in MODES],
        ((r(5, 4), r(2, 3)), {"origin": (0, -1)}),
        ((r(3, 4, 3), r(2, 1, 3)), {}),
    ],
    ndimage.convolve: [((r(5, 4), r(3, 2)), {}), ((r(5, 4), r(4, 3)), {"origin": (1, 0), "mode": "wrap"})],
    ndimage.uniform_filter1d: [((r(7), 3), {}), ((r(4, 5), 4), {"axis": 0, "mode": "mirror"})],
    ndimage.uniform_filter: [((r(5, 4),), {}), ((r(5, 4), (4, 2)), {"mode": ("nearest", "wrap")})],
    ndimage.gaussian_filter1d: [
        ((r(7), 1), {}),
        ((r(7), 1.3), {}),
        ((r(4, 5), 1), {"axis": 0, "mode": "wrap", "truncate": 2}),
        ((r(7), 1.3), {"order": 2}),
    ],
    ndimage.gaussian_filter: [
        ((r(5, 4), 0.9), {}),
        ((r(5, 4), 2), {"axes": (1,), "mode": "nearest"}),
        ((r(5, 4), [0.9, 1.3]), {"order": (1, 0)}),
        ((r(5, 4), 1), {"order": 3, "radius": 2}),
    ],
    ndimage.gaussian_laplace: [((r(5, 4), 0.9), {}), ((r(5, 4), [0.9, 1.3]), {"mode": "constant"})],
    ndimage.gaussian_gradient_magnitude: [((r(5, 4), 0.9), {})],
    ndimage.sobel: [((r(5, 4),), {}), ((r(5, 4), 0), {"mode": "wrap"})],
    ndimage.prewitt: [((r(5, 4),), {})],
    ndimage.laplace: [((r(5, 4),), {"mode": "constant"})],
    ndimage.map_coordinates: [
        # SciPy's own filter is off by a part in a million on small images that are reflected.
        *[((r(14, 14) if mode in ("reflect", "grid-mirror") and order == 3 else r(6, 5), AT),
           {"order": order, "mode": mode}) for mode in MODES for order in (0, 1, 3)],
        ((r(6, 5), AT), {"prefilter": False}),
        ((r(6), AT[:1].reshape(1, 2, 3)), {"order": 1}),
    ],
    ndimage.shift: [((r(6, 5), 0.3), {}), ((r(6, 5), np.array([0.3, -1.2])), {"order": 1, "mode": "wrap"})],
    ndimage.zoom: [
        ((r(6, 5), 2), {}),
        ((r(6, 5), (1, 2)), {"order": 1, "grid_mode": True, "mode": "grid-constant"}),
        ((r(3, 4), 1.6), {}),
    ],
    ndimage.affine_transform: [
        ((r(6, 5), TURN), {"order": 1}),
        ((r(6, 5), TURN, np.array([0.3, 0.4])), {"output_shape": (4, 7)}),
        ((r(6, 5), np.concatenate([TURN, [[0.14], [0.27]]], axis=1)), {"mode": "nearest"}),
        ((r(6, 5), np.array([0.83, 1.17]), 0.4), {"order": 1}),
    ],
    ndimage.rotate: [((r(6, 5), 21.3), {}), ((r(6, 5), -37.2), {"reshape": False, "order": 1})],
}  # fmt: skip

# SciPy's filters compute in double precision.
WIDENED = set(SAMPLES)
