"""Derivatives of ordinary NumPy functions, as Python source that you can read, save and run.

>>> from diffcompile import grad
>>> @grad
... def f(x): return x**2 + 3.0 * x
>>> f(2.0)
7.0
"""

from .api import grad, jacfwd, jacrev, jvp, linearize, stop_gradient, value_and_grad, vjp
from .errors import DiffCompileError, NoRule, NoSource, UndecidedAlias, UnsupportedSyntax, WrongArgument
from .frontend.arguments import register_container
from .frontend.trees import tree_map
from .operators import elementwise_grad, ggn_vp, hessian, hvp, jacobian
from .rules.checkpoints import checkpoint
from .rules.differences import complex_step, numeric
from .rules.hooks import cotangent_of
from .rules.library import override
from .rules.register import defelementwise, defjvp, deflinear, defvjp, nondifferentiable
from .sparse.derivatives import sparsity
from .structure import ravel
from .testing import check_grads, check_rule
from .vectorize import vmap

__version__ = "0.1.0"
__all__ = [
    "DiffCompileError", "NoRule", "NoSource", "UndecidedAlias", "UnsupportedSyntax", "WrongArgument",
    "__version__", "check_grads", "check_rule", "checkpoint", "complex_step", "cotangent_of",
    "defelementwise", "defjvp", "deflinear", "defvjp", "elementwise_grad", "ggn_vp", "grad", "hessian", "hvp",
    "jacfwd", "jacobian", "jacrev", "jvp", "linearize", "nondifferentiable", "numeric", "override", "ravel",
    "register_container", "sparsity", "stop_gradient", "tree_map", "value_and_grad", "vjp", "vmap",
]  # fmt: skip
