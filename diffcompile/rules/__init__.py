"""The derivative book: importing this package declares every rule."""

from . import arithmetic, elementwise, index, linalg, products, reduce, shape
from .register import REGISTRY, defelementwise, defjvp, deflinear, defvjp, nondifferentiable

__all__ = [
    "REGISTRY", "arithmetic", "defelementwise", "defjvp", "deflinear", "defvjp", "elementwise", "index",
    "linalg", "nondifferentiable", "products", "reduce", "shape",
]  # fmt: skip
