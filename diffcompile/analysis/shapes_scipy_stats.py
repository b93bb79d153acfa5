"""Facts of distributions: their methods give float64, in the form that the arguments broadcast to."""

from __future__ import annotations

from ..ir.graph import Atom
from ..ir.types import Type, array
from ..rules.library import CALLED, EVALUATED, USED
from ..rules.scipy_density import KDE, made_of
from ..rules.scipy_stats import METHODS
from .shapes_core import FLOAT64, array_of, constant, facts, result, shape_of
from .shapes_lengths import broadcast, fresh_dim


@facts(*METHODS)
def _(*args: Atom, **kwargs: Atom) -> Type:
    return result(FLOAT64, broadcast(*[shape_of(array_of(a)) for a in (*args, *kwargs.values())]))


@facts(EVALUATED[KDE], *USED[KDE].values(), CALLED[KDE])
def _(made: Atom, points: Atom, *options: Atom, **named: Atom) -> Type:
    return array(FLOAT64, (fresh_dim(),))


@facts(made_of)
def _(kde: Atom) -> Type:
    return Type("tuple", items=tuple(array(FLOAT64, part.shape) for part in made_of(constant(kde))))
