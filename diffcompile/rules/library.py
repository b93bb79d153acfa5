"""A function of SciPy -> the file of its rules, imported the first time that a program calls such a function.

    special.erf(x)        imports `rules/scipy_special.py`, and nothing else of ours or of SciPy's

Importing diffcompile imports no SciPy, and what a user declared holds whichever came first.
"""

from __future__ import annotations

import importlib
import sys
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import numpy as np

from .register import REGISTRY

# A part of SciPy, and the file beside this one that holds its rules.
FILES = {
    "scipy.special": "scipy_special",
    "scipy.stats": "scipy_multivariate",  # which reads those of one variable first
    "scipy.linalg": "scipy_linalg",
    "scipy.optimize": "scipy_fits",  # which reads those of other solvers first
    "scipy.integrate": "scipy_integrate",
    "scipy.fft": "scipy_fft",
    "scipy.signal": "scipy_signal",
    "scipy.interpolate": "scipy_interpolate",
    "scipy.ndimage": "scipy_ndimage",
    "scipy.sparse": "scipy_sparse",
}
_read: set[str] = set()

# The names of the parameters that a function takes, in order: what is passed by name can go by position.
POSITIONAL: dict[Any, tuple[str, ...]] = {}
# What, called, gives an object whose methods are its own, with the arguments of that call behind theirs.
KEEPING: set[Any] = set()


def consult(fn: Any) -> None:
    """Have the rules of the part of SciPy that `fn` comes from, if it comes from one.

    >>> consult(np.sin)
    """
    part = part_of(fn)
    if part is not None and part not in _read:
        _read.add(part)
        with REGISTRY.kept():
            importlib.import_module(f"{__package__}.{FILES[part]}")


def override(*fns: Any) -> AbstractContextManager[None]:
    """A `with` in which other derivatives of some functions hold: those that are declared inside it.

    Parameters: the functions, of ours, of yours, or of anyone's.

    Inside, what was declared of them is forgotten, so a function with a source is read unless something is
    declared of it; afterwards it holds again. A derivative is compiled for the rules that hold when it is
    called. The rules are those of the whole process: other threads see them as well.

    >>> import numpy as np
    >>> from diffcompile import defelementwise, grad, override
    >>> slope = grad(lambda x: np.sin(x))
    >>> with override(np.sin):
    ...     @defelementwise(np.sin)
    ...     def _(out, x): return 1.0 - x**2 / 2
    ...     slope(1.0)
    0.5
    >>> float(slope(0.0))
    1.0
    """
    for fn in fns:
        consult(fn)  # what is read of SciPy later on would be forgotten
    return REGISTRY.without(fns)


def part_of(fn: Any) -> str | None:
    """The part of SciPy that makes `fn`, or the object that it is a method of.

    >>> from scipy import special
    >>> part_of(special.erf), part_of(np.sin)
    ('scipy.special', None)
    """
    if isinstance(fn, np.ufunc):  # a ufunc does not say where it lives
        name = fn.__name__.removeprefix("special_")
        return "scipy.special" if getattr(sys.modules.get("scipy.special"), name, None) is fn else None
    fn = fn.maker if isinstance(fn, Evaluation) else fn
    module = getattr(fn, "__module__", None) or getattr(type(fn), "__module__", None)
    if not isinstance(module, str) or not module.startswith("scipy."):
        return None
    part = ".".join(module.split(".")[:2])
    return part if part in FILES else None


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The operation of `maker(x, y)(t)` or `maker(x, y).method(t)`: an object made of data and used at once.

    Its first `data` arguments and its options are the maker's, the others those of the call, whose names and
    defaults are `call`.
    """

    maker: Any
    data: int = 2
    call: tuple[tuple[str, Any], ...] = ()
    method: str = "__call__"

    @property
    def __name__(self) -> str:
        return str(self.maker.__name__ if self.method == "__call__" else self.method)

    def __call__(self, *args: Any, **options: Any) -> Any:
        made = self.maker(*args[: self.data], **options)
        return getattr(made, self.method)(*args[self.data :])


@dataclass(frozen=True, slots=True)
class Called:
    """The operation of calling an object of a class of a library: its first argument is the object."""

    cls: Any

    @property
    def __name__(self) -> str:
        return str(self.cls.__name__)

    def __call__(self, thing: Any, *args: Any, **options: Any) -> Any:
        return thing(*args, **options)


# What makes objects that are differentiated by the data they are made of, by the operation of their call.
EVALUATED: dict[Any, Evaluation] = {}
# What makes objects of which methods are differentiated so, by the name of the method.
USED: dict[Any, dict[str, Evaluation]] = {}
# The classes of objects that are differentiated by what they are called with.
CALLED: dict[Any, Called] = {}
