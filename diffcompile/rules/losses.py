"""The losses of robust fits, of an error in units of its scale, and how stiff they are there.

    huber(unit)        unit**2 up to 1, then 2 * abs(unit) - 1

A loss `rho(z)` of `z = unit**2` (Triggs, McLauchlan, Hartley and Fitzgibbon, 2000, Bundle adjustment, section
3) weighs the square of a slope by `rho' + 2 z rho''`, of which SciPy takes the smallest number for one that
is not positive. They are read by the compiler, like rules.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Loss = Callable[[Any], Any]


def huber(unit: Any) -> Any:
    return np.where(np.abs(unit) <= 1.0, unit**2, 2.0 * np.abs(unit) - 1.0)


def soft_l1(unit: Any) -> Any:
    return 2.0 * (np.sqrt(1.0 + unit**2) - 1.0)


def cauchy(unit: Any) -> Any:
    return np.log1p(unit**2)


def arctan(unit: Any) -> Any:
    return np.arctan(unit**2)


def huber_stiffness(unit: Any) -> Any:
    return np.where(np.abs(unit) <= 1.0, 1.0, np.finfo(float).eps)


def soft_l1_stiffness(unit: Any) -> Any:
    return (1.0 + unit**2) ** -1.5


def cauchy_stiffness(unit: Any) -> Any:
    return np.maximum((1.0 - unit**2) / (1.0 + unit**2) ** 2, np.finfo(float).eps)


def arctan_stiffness(unit: Any) -> Any:
    return np.maximum((1.0 - 3.0 * unit**4) / (1.0 + unit**4) ** 2, np.finfo(float).eps)


LOSSES: dict[str, Loss] = {"huber": huber, "soft_l1": soft_l1, "cauchy": cauchy, "arctan": arctan}
STIFFNESS: dict[str, Loss] = {
    "huber": huber_stiffness, "soft_l1": soft_l1_stiffness, "cauchy": cauchy_stiffness,
    "arctan": arctan_stiffness,
}  # fmt: skip
