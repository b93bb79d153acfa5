"""Facts of the solvers of `scipy.sparse.linalg`."""

from __future__ import annotations

import numpy as np
from scipy.sparse import linalg

from ..ir.graph import Atom
from ..ir.types import INT, Type, array
from .shapes_core import Undecided, array_of, facts, is_dtype, shape_of


def like(b: Atom) -> Type:
    """A solution, of the form of the right side."""
    known = array_of(b)
    if not is_dtype(known.dtype, np.dtype(np.float64)) or not shape_of(known):
        raise Undecided
    return array(None, shape_of(known))


@facts(linalg.spsolve)
def _(A: Atom, b: Atom, *options: Atom, **named: Atom) -> Type:  # noqa: N803
    return like(b)


@facts(linalg.cg, linalg.bicg, linalg.bicgstab)
def _(A: Atom, b: Atom, *options: Atom, **named: Atom) -> Type:  # noqa: N803
    return Type("tuple", items=(like(b), INT))
