"""Facts of the methods of distributions: float64, in the form that the arguments broadcast to."""

from __future__ import annotations

from ..ir.graph import Atom
from ..ir.types import Type
from ..rules.scipy_stats import METHODS
from .shapes_core import FLOAT64, array_of, facts, result, shape_of
from .shapes_lengths import broadcast


@facts(*METHODS)
def _(*args: Atom, **kwargs: Atom) -> Type:
    return result(FLOAT64, broadcast(*[shape_of(array_of(a)) for a in (*args, *kwargs.values())]))
