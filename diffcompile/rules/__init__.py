"""The derivative book: importing this package declares every rule."""

from . import (
    arithmetic,
    complexes,
    containers,
    contractions,
    elementwise,
    factorisations,
    fft,
    heaps,
    index,
    join,
    linalg,
    methods,
    mutation,
    nan,
    norms,
    numeric,
    order,
    pad,
    polynomials,
    products,
    python,
    random,
    reduce,
    series,
    shape,
    special,
    statistics,
)
from .register import REGISTRY, defelementwise, defjvp, deflinear, defvjp, nondifferentiable

__all__ = [
    "REGISTRY", "arithmetic", "complexes", "containers", "contractions", "defelementwise", "defjvp",
    "deflinear", "defvjp", "elementwise", "factorisations", "fft", "heaps", "index", "join", "linalg",
    "methods", "mutation", "nan", "nondifferentiable", "norms", "numeric", "order", "pad", "polynomials",
    "products", "python", "random", "reduce", "series", "shape", "special", "statistics",
]  # fmt: skip
