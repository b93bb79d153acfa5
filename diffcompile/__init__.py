"""Derivatives of ordinary NumPy functions, as Python source that you can read, save and run.

>>> from diffcompile import grad
>>> @grad
... def f(x): return x**2 + 3.0 * x
>>> f(2.0)
7.0
"""

from .api import grad, jvp, stop_gradient, value_and_grad, vjp
from .errors import DiffCompileError, NoRule, NoSource, UndecidedAlias, UnsupportedSyntax, WrongArgument
from .frontend.arguments import register_container
from .rules.register import defelementwise, defjvp, deflinear, defvjp, nondifferentiable

__version__ = "0.1.0"
__all__ = [
    "DiffCompileError", "NoRule", "NoSource", "UndecidedAlias", "UnsupportedSyntax", "WrongArgument",
    "__version__", "defelementwise", "defjvp", "deflinear", "defvjp", "grad", "jvp", "nondifferentiable",
    "register_container", "stop_gradient", "value_and_grad", "vjp",
]  # fmt: skip
