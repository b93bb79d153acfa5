"""Sample arguments of the rules for `scipy.sparse.linalg`: a sparse matrix, and right sides that move."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
from scipy import sparse
from scipy.sparse import linalg

from diffcompile.rules.library import EVALUATED, USED, consult

consult(linalg.spsolve)

from diffcompile.rules.scipy_least_squares import solve_normal  # noqa: E402

Sample = tuple[tuple[Any, ...], dict[str, Any]]

rng = np.random.default_rng(5)


def r(*shape: int) -> np.ndarray:
    return rng.uniform(0.3, 1.7, shape)


DENSE = np.array([[4.0, 1.0, 0.0], [0.5, 5.0, -1.0], [0.0, 0.3, 3.0]])
A = sparse.csr_array(DENSE)
C = sparse.csc_matrix(DENSE)
S = sparse.csr_array((DENSE + DENSE.T) / 2)
TINY = Fraction(1, 10**13)  # not a float, with respect to which it would be differentiated
TIGHT = {"rtol": TINY}

SAMPLES: dict[Any, list[Sample]] = {
    linalg.spsolve: [((A, r(3)), {}), ((C, r(3)), {})],
    linalg.spsolve_triangular: [
        ((sparse.csr_array(np.tril(DENSE)), r(3)), {}),
        ((sparse.csr_array(np.triu(DENSE)), r(3, 2)), {"lower": False}),
    ],
    linalg.cg: [((S, r(3)), TIGHT), ((S.toarray(), r(3)), TIGHT)],
    linalg.minres: [((S, r(3)), TIGHT)],
    **{
        fn: [((A, r(3)), TIGHT), ((DENSE, r(3)), TIGHT)]
        for fn in (linalg.bicgstab, linalg.bicg, linalg.gmres, linalg.lgmres, linalg.cgs, linalg.tfqmr)
    },
    USED[linalg.splu]["solve"]: [*[((C, r(3), trans), {}) for trans in ("N", "T", "H")], ((C, r(3, 2)), {})],
    USED[linalg.spilu]["solve"]: [((C, r(3)), {})],
    EVALUATED[linalg.factorized]: [((C, r(3)), {})],
    linalg.expm_multiply: [((0.1 * A, r(3)), {})],
    solve_normal: [((A, r(3), 0.7, TINY), {}), ((A[:, :2], r(2), 0.0, TINY), {})],
}

ELSEWHERE = {linalg.lsqr, linalg.lsmr}  # of which one result alone is differentiated: `test_scipy_sparse.py`
SYMMETRIC = {linalg.cg}
# SciPy iterates, and factorizes a double matrix, in double precision.
WIDENED = set(SAMPLES)
