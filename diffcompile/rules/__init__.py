"""The derivative book: importing this package declares every rule."""

from . import (
    arithmetic,
    complexes,
    containers,
    contractions,
    elementwise,
    factorisations,
    fft,
    index,
    linalg,
    mutation,
    norms,
    polynomials,
    products,
    reduce,
    series,
    shape,
)
from .register import REGISTRY, defelementwise, defjvp, deflinear, defvjp, nondifferentiable

__all__ = [
    "REGISTRY", "arithmetic", "complexes", "containers", "contractions", "defelementwise", "defjvp",
    "deflinear", "defvjp", "elementwise", "factorisations", "fft", "index", "linalg", "mutation",
    "nondifferentiable", "norms", "polynomials", "products", "reduce", "series", "shape",
]  # fmt: skip
