"""Sample arguments of the rules for `scipy.linalg`."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import linalg

Sample = tuple[tuple[Any, ...], dict[str, Any]]

rng = np.random.default_rng(11)


def r(*shape: int) -> np.ndarray:
    return rng.uniform(0.3, 1.7, shape) * rng.choice([-1.0, 1.0], shape)


def c(*shape: int) -> np.ndarray:
    return r(*shape) + 1j * r(*shape)


def well(n: int) -> np.ndarray:
    """A matrix that is far from singular."""
    return r(n, n) + 4.0 * np.eye(n)


def spd(n: int) -> np.ndarray:
    """A positive definite matrix with separate eigenvalues."""
    a = 0.2 * r(n, n)
    return a @ a.T + np.diag(1.0 + np.arange(n))


def calls(*args: tuple[Any, ...]) -> list[Sample]:
    return [(xs, {}) for xs in args]


L = np.tril(well(3))
U = np.triu(well(3))
SMALL = 0.3 * r(3, 3)
STABLE = 0.2 * r(3, 3) - 2.0 * np.eye(3)
APART = np.array([[2.0, 0.5, 0.3], [0.5, 3.0, -0.4], [0.3, -0.4, 5.0]])
RIGHT = (r(3), r(3, 2))

BANDED = np.array([[4.0, 5.0, 4.5, 6.0], [0.5, -1.0, 0.7, 0.3], [0.2, 0.4, 0.1, -0.6]])
WAVES = BANDED + 1j * np.array([[0.0, 0.0, 0.0, 0.0], [0.4, 0.2, -0.3, 0.1], [0.3, -0.1, 0.2, 0.2]])
FACTOR = linalg.cholesky_banded(BANDED, lower=True)
WAVE_FACTOR = linalg.cholesky_banded(WAVES[::-1], lower=False)

SAMPLES: dict[Any, list[Sample]] = {
    linalg.inv: calls((well(3),), (well(2) + 1j * r(2, 2),)),
    linalg.det: calls((well(3),), (np.array([[1.0, 2.0], [2.0, 4.0]]),)),
    linalg.pinv: calls((r(4, 2),), (r(2, 4),)),
    linalg.norm: [*calls((r(4),), (r(3, 4),), (r(3, 4), 1)), ((r(3, 4),), {"axis": 1}), ((r(4), np.inf), {})],
    linalg.svdvals: calls((r(3, 3),), (r(4, 2),)),
    linalg.svd: [
        ((r(4, 2),), {"full_matrices": False}), ((r(3, 3),), {}), ((r(3, 2),), {"compute_uv": False}),
    ],
    linalg.cholesky: [*calls((spd(3),)), ((spd(3),), {"lower": True})],
    linalg.solve: [
        *calls((well(3), RIGHT[0]), (well(3), RIGHT[1]), (well(3) + 1j * r(3, 3), c(3))),
        ((well(3), RIGHT[0]), {"transposed": True}),
        ((L, RIGHT[1]), {"assume_a": "lower triangular"}),
        ((U, RIGHT[0]), {"assume_a": "upper triangular"}),
        ((np.diag(1 + rng.random(3)), RIGHT[0]), {"assume_a": "diagonal"}),
    ],
    linalg.solve_triangular: [
        ((L if low else U, b), {"trans": t, "lower": low, "unit_diagonal": unit})
        for b in RIGHT for t in (0, 1, "C") for low in (False, True) for unit in (False, True)
    ] + [((U + 0.3j * U, c(3)), {"trans": t}) for t in (0, 1, 2)],
    linalg.cho_solve: [(((L, True), b), {}) for b in RIGHT] + [(((U, False), b), {}) for b in RIGHT],
    linalg.cho_factor: [((spd(3),), {"lower": low}) for low in (False, True)],
    linalg.lu_factor: calls((well(3),), (r(3, 3),)),
    linalg.lu: [
        *calls((well(3),), (r(3, 3),), (r(4, 2),), (r(2, 4),)), ((r(3, 3),), {"permute_l": True}),
        ((r(4, 3),), {"permute_l": True}), ((r(3, 3),), {"p_indices": True}),
    ],
    linalg.lu_solve: [((linalg.lu_factor(r(3, 3)), b, t), {}) for b in RIGHT for t in (0, 1)],
    linalg.eigh: [
        *calls((APART,), (APART, spd(3))),
        ((spd(3),), {"eigvals_only": True}),
        ((spd(3), spd(3)), {"eigvals_only": True}),
        ((spd(4),), {"eigvals_only": True, "subset_by_index": [0, 1]}),
        ((spd(4),), {"subset_by_index": [1, 2]}),
        ((spd(4), np.eye(4) + 0.1 * spd(4)), {"subset_by_value": [1, 9]}),
    ],
    linalg.eigh_tridiagonal: [*calls((r(4), r(3))), ((r(4), r(3)), {"eigvals_only": True})],
    linalg.eigvalsh_tridiagonal: calls((r(4), r(3))),
    linalg.eig: [
        *calls((APART + SMALL,), (r(3, 3) + 1j * r(3, 3),)), ((APART + SMALL,), {"right": False}),
    ],
    linalg.eigvals: calls((APART + SMALL,), (r(3, 3),)),
    linalg.schur: [*calls((APART + SMALL,), (spd(4),))],
    linalg.lstsq: [
        *calls((r(4, 2), r(4)), (r(4, 2), r(4, 2)), (r(2, 4), r(2))),
        ((r(4, 2), r(4)), {"lapack_driver": "gelsy"}),
        ((c(4, 2), c(4)), {}),
    ],
    linalg.eigvalsh: calls((spd(3),), (spd(3), spd(3))),
    linalg.qr: [
        ((r(4, 2),), {"mode": "economic"}), ((r(3, 3),), {}), ((r(2, 3),), {}), ((r(4, 2),), {"mode": "r"}),
    ],
    linalg.polar: [*calls((well(3),), (r(4, 2),)), ((r(2, 4),), {"side": "left"})],
    linalg.expm: calls((SMALL,), (r(2, 2),), (0.5 * c(2, 2),)),
    linalg.expm_frechet: [*calls((SMALL, r(3, 3))), ((SMALL, r(3, 3)), {"compute_expm": False})],
    linalg.logm: calls((spd(3) + SMALL,)),
    linalg.cosm: calls((SMALL,)),
    linalg.sinm: calls((SMALL,)),
    linalg.tanm: calls((SMALL,)),
    linalg.coshm: calls((SMALL,)),
    linalg.sinhm: calls((SMALL,)),
    linalg.tanhm: calls((SMALL,)),
    linalg.sqrtm: calls((spd(3) + 0.1 * SMALL,)),
    linalg.fractional_matrix_power: calls((spd(3) + 0.1 * SMALL, 0.7)),
    linalg.solve_sylvester: calls((well(3), well(2), r(3, 2))),
    linalg.solve_continuous_lyapunov: calls((STABLE, r(3, 3))),
    linalg.solve_lyapunov: calls((STABLE, r(3, 3))),
    linalg.solve_discrete_lyapunov: calls((SMALL, r(3, 3))),
    linalg.solve_continuous_are: calls((r(3, 3), r(3, 2), spd(3), spd(2))),
    linalg.solve_banded: [
        (((low, up), np.abs(r(low + up + 1, 5)) + np.eye(low + up + 1)[:, [up]] * 6.0, b), {})
        for low, up in ((1, 1), (0, 2), (2, 1)) for b in (r(5), r(5, 2))
    ],
    linalg.solveh_banded: [
        ((np.abs(r(u + 1, 5)) + (7.0 * np.eye(u + 1)[:, [0 if low else u]]), b), {"lower": low})
        for u in (1, 2) for low in (False, True) for b in (r(5), r(5, 2))
    ] + [((np.concatenate([c(1, 4), 6.0 + r(1, 4)]), c(4)), {})],
    linalg.solve_toeplitz: calls(
        ((np.array([4.0, 0.5, -0.7]), np.array([9.0, 1.2, 0.3])), r(3)),
        ((np.array([4.0, 0.5, -0.7]), np.array([4.0, 1.2, 0.3])), r(3, 2)),
        (np.array([4.0, 0.5, -0.7]), r(3)),
    ),
    linalg.toeplitz: calls((r(3),), (r(3), r(4))),
    linalg.hankel: calls((r(3),), (r(3), r(4))),
    linalg.circulant: calls((r(4),)),
    linalg.companion: calls((r(4),)),
    linalg.convolution_matrix: [
        ((r(k), n), {"mode": mode}) for k, n in ((3, 4), (4, 2)) for mode in ("full", "same", "valid")
    ],
    linalg.fiedler: calls((r(4),)),
    linalg.leslie: calls((r(4), r(3))),
    linalg.khatri_rao: calls((r(3, 2), r(4, 2))),
    linalg.block_diag: calls((r(2, 3), r(1, 2)), (r(2), r(2, 2), r(1, 1))),
    linalg.qr_multiply: [
        *calls((r(4, 3), r(2, 4)), (r(4, 3), r(4)), (r(3, 3), r(3)), (r(4, 2), r(2), "left")),
        ((c(3, 3), c(3, 2)), {"mode": "left", "conjugate": True}),
    ],
    linalg.cholesky_banded: [
        ((BANDED,), {"lower": True}), ((BANDED[::-1].copy(),), {}), ((BANDED[:2],), {"lower": True}),
    ],
    linalg.cho_solve_banded: calls(
        ((FACTOR, True), r(4)), ((FACTOR[::-1].copy(), False), r(4, 2)),
        ((WAVE_FACTOR, False), c(4)), ((WAVE_FACTOR[::-1].copy(), True), c(4, 2)),
    ),
    linalg.hessenberg: [((r(4, 4),), {}), ((r(5, 5),), {"calc_q": True}), ((r(2, 2),), {"calc_q": True})],
}  # fmt: skip

SYMMETRIC = {linalg.cholesky, linalg.cho_factor, linalg.eigh, linalg.eigvalsh, linalg.solve_continuous_are}
# SciPy computes these in double precision.
WIDENED = {linalg.expm, linalg.logm}
