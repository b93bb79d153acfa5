"""Facts of the solvers of `scipy.sparse.linalg`."""

from __future__ import annotations

import numpy as np
from scipy.sparse import linalg

from ..ir.graph import Atom
from ..ir.types import FLOAT, INT, Type, array
from ..rules import scipy_sparse as _rules  # noqa: F401 - it declares what these are facts of
from ..rules.library import EVALUATED, USED
from ..rules.scipy_least_squares import solve_normal
from .shapes_core import FLOAT64, array_of, facts, is_dtype, shape_of
from .shapes_lengths import fresh_dim


def like(b: Atom, A: Atom | None = None) -> Type:  # noqa: N803
    """A solution, of the form of the right side; nothing where that is not known.

    It is of doubles where `b` is and the matrix is real.
    """
    if b.type.kind != "array":
        return Type()
    known = array_of(b)
    double = is_dtype(known.dtype, np.dtype(np.float64)) and A is not None and A.type.is_real
    return array(FLOAT64 if double else None, shape_of(known)) if shape_of(known) else Type()


def least(A: Atom, b: Atom) -> Type:  # noqa: N803
    """A solution of least squares: as long as the rows of the matrix are."""
    known = A.type.kind == "array" and A.type.rank == 2 and A.type.shape
    return array(like(b, A).dtype, (known[1] if known else fresh_dim(),))


@facts(linalg.spsolve, linalg.spsolve_triangular, linalg.expm_multiply)
def _(A: Atom, b: Atom, *options: Atom, **named: Atom) -> Type:  # noqa: N803
    found = like(b)
    return array(None, found.shape) if found.kind == "array" else found


@facts(USED[linalg.splu]["solve"], USED[linalg.spilu]["solve"], EVALUATED[linalg.factorized])
def _(A: Atom, rhs: Atom, *options: Atom, **named: Atom) -> Type:  # noqa: N803
    found = like(rhs)
    return array(None, found.shape) if found.kind == "array" else found


@facts(linalg.cg, linalg.bicg, linalg.bicgstab, linalg.minres, linalg.gmres, linalg.lgmres, linalg.cgs)
@facts(linalg.tfqmr)
def _(A: Atom, b: Atom, *options: Atom, **named: Atom) -> Type:  # noqa: N803
    return Type("tuple", items=(like(b, A), INT))


@facts(linalg.lsqr)
def _(A: Atom, b: Atom, *options: Atom, **named: Atom) -> Type:  # noqa: N803
    found = least(A, b)
    return Type("tuple", items=(found, INT, INT, *(FLOAT,) * 6, found))


@facts(solve_normal)
def _(A: Atom, w: Atom, damp: Atom, rtol: Atom) -> Type:  # noqa: N803
    return like(w, A)


@facts(linalg.lsmr)
def _(A: Atom, b: Atom, *options: Atom, **named: Atom) -> Type:  # noqa: N803
    found = least(A, b)
    return Type("tuple", items=(found, INT, INT, *(FLOAT,) * 5))
