"""Sample arguments of the rules for polynomials."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.polynomial import chebyshev, hermite, hermite_e, laguerre, legendre, polynomial

from diffcompile.rules import polynomials

Sample = tuple[tuple[Any, ...], dict[str, Any]]

rng = np.random.default_rng(13)


def r(*shape: int) -> np.ndarray:
    return rng.uniform(0.3, 1.7, shape) * rng.choice([-1.0, 1.0], shape)


def c(*shape: int) -> np.ndarray:
    return r(*shape) + 1j * r(*shape)


def args_only(*samples: tuple[Any, ...]) -> list[Sample]:
    return [(args, {}) for args in samples]


POINTS = np.array([-1.0, -0.3, 0.4, 0.9, 1.6])
FITS: list[Sample] = [
    ((POINTS, r(5), 2), {}),
    ((POINTS, r(5), 0), {}),
    ((POINTS, r(5, 2), 2), {}),
    ((POINTS, r(5), 2), {"w": abs(r(5))}),
    ((POINTS, r(5, 2), 1), {"w": abs(r(5))}),
    ((POINTS, r(5), 4), {"rcond": 1e-12}),
]
SAMPLES: dict[Any, list[Sample]] = {
    np.polyval: args_only(
        (r(4), r(3)), (r(4), r(2, 3)), (r(1), r(3)), (r(3), 0.7), (c(3), c(2)), (r(3), c(2))
    ),
    np.polyadd: args_only((r(3), r(3)), (r(2), r(4)), (r(4), r(2)), (c(2), r(3))),
    np.polysub: args_only((r(3), r(3)), (r(2), r(4)), (r(4), r(2)), (c(2), r(3))),
    np.polymul: args_only((r(3), r(3)), (r(2), r(4)), (r(4), r(1)), (c(2), r(3))),
    np.polydiv: args_only((r(5), r(3)), (r(3), r(3)), (r(4), r(2)), (r(2), r(3)), (c(4), c(2))),
    np.polyder: args_only((r(4),), (r(4), 2), (r(1),), (r(3), 0), (c(3),), (r(2), 3)),
    np.polyint: [
        *args_only((r(3),), (r(3), 2), (r(3), 1, r(1)), (r(3), 2, r(2)), (c(3),), (r(3), 1, 0.5)),
        ((r(3),), {"m": 2, "k": 0.5}),
    ],
    np.roots: args_only((np.array([1.0, -6.0, 11.0, -5.5]),), (r(4),), (c(4),), (np.array([2.0, 3.0]),)),
    np.poly: args_only((r(3),), (r(1),), (c(3),), (np.diag([1.0, 2.0, 4.0]) + 0.2 * r(3, 3),)),
    np.polyfit: [*FITS, ((POINTS, c(5), 2), {}), ((POINTS, r(5), 2), {"w": abs(r(5)), "rcond": 1e-9})],
    polynomials.complete: args_only((r(3), 3)),
    polynomials.simple_slopes: args_only((r(4), r(2)), (c(3), c(2))),
}


def of_family(module: Any, name: str) -> dict[Any, list[Sample]]:
    """The functions of one family of series, which are alike."""
    functions = {part: getattr(module, f"{name}{part}") for part in PARTS}
    return {
        functions["val"]: args_only(
            (r(3), r(4)), (r(2, 3), r(4)), (0.7, r(3)), (r(3), r(4, 2)), (r(2), r(1)), (c(2), c(3)),
            (0.4, r(3, 2)),
        ),
        functions["vander"]: args_only((r(3), 3), (r(3), 0), (r(2, 3), 2), (c(2), 2)),
        functions["der"]: [
            *args_only((r(4),), (r(4), 2), (r(1),), (r(4), 1, 0.5), (c(3),)), ((r(2, 4),), {"axis": 1})
        ],
        functions["int"]: [
            *args_only((r(4),), (r(3), 2), (r(1),), (c(3),)), ((r(2, 3),), {"axis": 1}),
            ((r(3),), {"lbnd": -1, "scl": 2}),
        ],
        functions["add"]: args_only((r(3), r(3)), (r(2), r(4)), (r(4), r(2)), (c(2), r(3))),
        functions["sub"]: args_only((r(3), r(3)), (r(2), r(4)), (r(4), r(2)), (c(2), r(3))),
        functions["mul"]: args_only((r(3), r(3)), (r(2), r(4)), (r(1), r(2)), (c(2), c(3))),
        functions["div"]: args_only((r(4), r(2)), (r(3), r(3)), (c(3), c(2))),
        functions["pow"]: args_only((r(2), 3), (r(3), 1), (r(2), 0), (c(2), 2)),
        functions["roots"]: args_only((r(4),), (c(3),), (np.array([2.0, 3.0]),)),
        functions["companion"]: args_only((r(4),), (c(3),), (np.array([2.0, 3.0]),)),
        functions["fromroots"]: args_only((r(3),), (r(1),), (c(2),)),
        functions["fit"]: FITS,
    }  # fmt: skip


PARTS = (
    "val", "der", "int", "vander", "add", "sub", "mul", "div", "pow", "roots", "companion", "fromroots",
    "fit",
)  # fmt: skip
for _module, _name in (
    (polynomial, "poly"), (chebyshev, "cheb"), (legendre, "leg"), (hermite, "herm"), (hermite_e, "herme"),
    (laguerre, "lag"),
):  # fmt: skip
    SAMPLES.update(of_family(_module, _name))
