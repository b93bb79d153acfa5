"""Facts of interpolants: a value for each point, of the form of one of the values that they go through."""

from __future__ import annotations

from ..ir.graph import Atom
from ..ir.types import Type, array
from ..rules.library import EVALUATED
from .shapes_core import FLOAT64, NO, Undecided, array_of, facts, is_none, shape_of


@facts(*EVALUATED.values())
def _(x: Atom, y: Atom, t: Atom, *rest: Atom, **options: Atom) -> Type:
    if not is_none(options.get("axis", options.get("fill_value", NO))):
        raise Undecided
    values, points = array_of(y), array_of(t)
    if values.dtype is None or values.dtype.kind == "c":
        raise Undecided
    return array(FLOAT64, (*shape_of(points), *shape_of(values)[1:]))
