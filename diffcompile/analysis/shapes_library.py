"""A function of SciPy -> the file of its facts, imported the first time that facts of one are asked."""

from __future__ import annotations

import importlib
from typing import Any

from ..rules.library import consult, part_of

FILES = {
    "scipy.special": "shapes_scipy_special",
    "scipy.stats": "shapes_scipy_stats",
    "scipy.linalg": "shapes_scipy_linalg",
    "scipy.fft": "shapes_scipy_fft",
    "scipy.sparse": "shapes_scipy_sparse",
    "scipy.signal": "shapes_scipy_signal",
    "scipy.interpolate": "shapes_scipy_interpolate",
    "scipy.ndimage": "shapes_scipy_ndimage",
}
_read: set[str] = set()


def learn(fn: Any) -> None:
    """Have the facts of the part of SciPy that `fn` comes from, if it comes from one."""
    part = part_of(fn)
    if part in FILES and part not in _read:
        _read.add(part)
        consult(fn)
        importlib.import_module(f"{__package__}.{FILES[part]}")
