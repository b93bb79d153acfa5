"""Declare derivatives: five declarators, the same for us and for users.

    @defelementwise(np.tanh)                 # the partial derivative; both modes follow from it
    def _(out, x):
        return 1.0 - out**2

    @deflinear(np.transpose)                 # its own tangent; only the transpose is given
    def _(ct, out, a, axes=None): ...

    @defvjp(np.linalg.solve)                 # cotangent in, cotangents out; None stands for "none"
    def _(ct, out, a, b): ...

    @defjvp(np.linalg.solve)                 # tangents in (None where absent), tangent out
    def _(tangents, out, a, b): ...

    nondifferentiable(np.floor, np.argmax)   # nothing flows back

A rule is read by the frontend and inlined, so it is written in the language that the compiler reads, and it
can be run as plain NumPy. The order of arguments is fixed: what comes in, what came out, what went in.

The three questions that every author asks:

- *Which subgradient at a kink?* The conventions: `abs'(0) = 0`; `norm`, `hypot`, `std`, `arctan2` at their
  singular point 0; `sqrt'(0) = inf`; ties of `max`, `maximum`, `min`, `minimum` share equally; `clip` passes
  the cotangent on the closed interval; integer powers are exact at 0; `prod` and `cumprod` are exact with
  zeros.
- *What about dtype?* A cotangent has the dtype of its primal; Python constants do not promote, so write
  `0.5`, not `np.float64(0.5)`. The sweep casts where a dtype changes and takes the real part where a real
  value meets a complex one.
- *What about broadcasting?* `defelementwise` rules ignore it: the sweep sums over what was broadcast. Other
  rules return cotangents of exactly the shape of their argument.

A parameter annotated `Array` is an array in the rule, whatever array-like the caller gave.

A rule of a method has `self` where the method has it. What moves of an object is told attribute by attribute:

    @defvjp(Model.energy)                    # for every object of the class, and of those derived from it
    def _(ct, out, self, x):
        return {"w": ct * x**2}, ct * 2 * self.w * x

    @defjvp(Model.energy)                    # None for an attribute that does not move, or for all of `self`
    def _(tangents, out, self, x):
        return tangents[1] * 2 * self.w * x if tangents[0] is None else tangents[0]["w"] * x**2

A bound method is declared as it is called: the rules of `model.energy` and of a classmethod `Model.of` have
no `self` and no `cls`. So `deflinear(Model.apply)` is linear in the first argument after `self`.

A partial that can be infinite or nan is declared: by `singular=True` where it is so only where the function
itself is not finite, otherwise by a predicate, `singular=at_zero` of a square root. Where a mask lies on the
cotangent's path the product is then guarded, so that `0 * inf` is 0, there and only there: a cotangent that
is 0 by chance still moves.
"""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from types import FunctionType, MethodType
from typing import Any, Literal, TypeVar

Rule = Callable[..., Any]
Array = Any  # the annotation of a rule's parameter that is an array: a list given for it is read as one
R = TypeVar("R", bound=Rule)
Form = Literal["elementwise", "linear", "vjp", "equal"]


@dataclass(frozen=True, slots=True)
class Declared:
    """One declared derivative: its form, the function that states it, can its partials be infinite."""

    form: Form
    rule: Rule
    singular: bool | Rule = False


@dataclass(frozen=True, slots=True)
class Owned:
    """The operation of a method that something is declared of: its first argument is whose method it is.

    `found` says that the owner has it under its own name, so that it is written `owner.name(...)`.
    """

    fn: Any
    found: bool = field(default=True, compare=False)

    @property
    def __name__(self) -> str:
        return str(self.fn.__name__)

    def __call__(self, owner: Any, *args: Any, **options: Any) -> Any:
        return getattr(self.fn, "__func__", self.fn)(owner, *args, **options)


@dataclass(frozen=True, slots=True)
class Ownerless:
    """The rule of a bound method: whose method it is, which stands behind the first `ahead`, it is not told.

    Nothing flows to the owner: where it moves, that is refused as what the rule gives nothing for.
    """

    rule: Rule
    ahead: int

    @property
    def __signature__(self) -> inspect.Signature:
        first, *rest = inspect.signature(self.rule, follow_wrapped=False).parameters.values()
        ahead, behind = rest[: self.ahead - 1], rest[self.ahead - 1 :]
        by_place = behind and behind[0].kind is inspect.Parameter.POSITIONAL_ONLY
        kind = inspect.Parameter.POSITIONAL_ONLY if by_place else inspect.Parameter.POSITIONAL_OR_KEYWORD
        return inspect.Signature([first, *ahead, inspect.Parameter("_owner", kind), *behind])

    def __call__(self, *args: Any, **options: Any) -> Any:
        return self.rule(*args[: self.ahead], *args[self.ahead + 1 :], **options)


def in_class(fn: Any) -> bool:
    """Was this function written in the body of a class, of someone's who is not a library's author?"""
    around = getattr(fn, "__qualname__", "").rpartition(".")[0]
    library = str(getattr(fn, "__module__", "")).partition(".")[0] in ("numpy", "scipy")
    return isinstance(fn, FunctionType) and bool(around) and not around.endswith("<locals>") and not library


def with_owned(fns: Iterable[Any]) -> Iterator[Any]:
    """These functions, and for each method the operation of its call."""
    for fn in fns:
        yield fn
        if in_class(getattr(fn, "__func__", fn)):
            yield Owned(fn)


def rule_for(fn: Any, rule: Rule, ahead: int) -> Rule:
    """A rule as it is for `fn`, `ahead` of whose arguments it has others."""
    return Ownerless(rule, ahead) if isinstance(fn, Owned) and isinstance(fn.fn, MethodType) else rule


class Registry:
    """Every declared derivative, by the function it is of. `version` grows with each declaration."""

    def __init__(self) -> None:
        self.reverse: dict[Any, Declared] = {}
        self.tangent: dict[Any, Rule] = {}
        self.zero: set[Any] = set()
        self.version = 0
        self._versions = itertools.count(1)

    def changed(self) -> None:
        """Programs compiled so far hold no longer."""
        self.version = next(self._versions)

    def declares(self, fn: Any) -> bool:
        """Is something declared of this function? Then its source is not read."""
        return fn in self.reverse or fn in self.tangent or fn in self.zero

    def declare(self, fns: tuple[Any, ...], declared: Declared) -> None:
        ahead = 1 if declared.form == "elementwise" else 2
        for fn in with_owned(fns):
            rule, singular = rule_for(fn, declared.rule, ahead), declared.singular
            edge = singular if isinstance(singular, bool) else rule_for(fn, singular, 1)
            self.reverse[fn] = replace(declared, rule=rule, singular=edge)
            self.zero.discard(fn)
        self.changed()

    @contextmanager
    def kept(self) -> Iterator[None]:
        """What is declared inside yields to what was declared before."""
        reverse, tangent, zero = dict(self.reverse), dict(self.tangent), set(self.zero)
        try:
            yield
        finally:
            self.zero = (self.zero - {*reverse, *tangent}) | zero
            for fn in (*reverse, *zero):
                self.tangent.pop(fn, None)
            self.reverse.update(reverse)
            self.tangent.update(tangent)


    @contextmanager
    def without(self, fns: tuple[Any, ...]) -> Iterator[None]:
        """Nothing is declared of these functions but what is inside; afterwards what was before."""
        fns = tuple(with_owned(fns))
        before = dict(self.reverse), dict(self.tangent), set(self.zero)
        version = self.version
        for fn in fns:
            self.reverse.pop(fn, None)
            self.tangent.pop(fn, None)
            self.zero.discard(fn)
        self.changed()
        try:
            yield
        finally:
            for fn in fns:
                for now, then in ((self.reverse, before[0]), (self.tangent, before[1])):
                    now.pop(fn, None)
                    if fn in then:
                        now[fn] = then[fn]
                (self.zero.add if fn in before[2] else self.zero.discard)(fn)
            self.changed()
            if (self.reverse, self.tangent, self.zero) == before:
                self.version = version  # what was compiled before holds again


REGISTRY = Registry()


def of_others(fn: Any) -> bool:
    """Has someone else than this package declared a derivative of this function?"""
    declared = REGISTRY.reverse.get(fn)
    rules = (None if declared is None else declared.rule, REGISTRY.tangent.get(fn))
    told = (r.rule if isinstance(r, Ownerless) else r for r in rules)
    return any(r is not None and not (r.__module__ or "").startswith(f"{__package__}.") for r in told)


@dataclass(frozen=True, slots=True)
class Unknown:
    """What a rule returns for an argument whose derivative is not known, with the reason.

    >>> from scipy.special import jv
    >>> from diffcompile import grad
    >>> try: grad(lambda v: jv(v, 2.0))(1.5)
    ... except Exception as error: print(error.reason)
    no derivative is known for `scipy.special.jv` with respect to `v`: it has no closed form
    """

    reason: str


def defelementwise(*fns: Any, singular: bool | Rule = False) -> Callable[[R], R]:
    """Declare the partial derivatives of elementwise functions: `rule(out, *args)` returns one per argument.

    Parameters: the functions it holds for; `singular` if a partial can be infinite or nan: True if only where
    the function is not finite, otherwise a predicate of what came out and what went in.

    >>> import numpy as np
    >>> def softsign(x): return x / (1 + abs(x))
    >>> @defelementwise(softsign)
    ... def _(out, x): return 1 / (1 + abs(x)) ** 2
    """

    def declare(rule: R) -> R:
        REGISTRY.declare(fns, Declared("elementwise", rule, singular))
        return rule

    return declare


def deflinear(*fns: Any) -> Callable[[R], R]:
    """Declare a function linear in its first argument; `rule(ct, out, *args)` is its transpose.

    >>> def halved(x): return 0.5 * x
    >>> @deflinear(halved)
    ... def _(ct, out, x): return 0.5 * ct
    """

    def declare(rule: R) -> R:
        REGISTRY.declare(fns, Declared("linear", rule))
        return rule

    return declare


def defvjp(*fns: Any, singular: bool | Rule = False) -> Callable[[R], R]:
    """Declare the cotangents of a function's arguments: `rule(ct, out, *args)` returns one for each.

    A rule for one differentiable argument may return that one cotangent alone. `None` means that nothing
    flows back.

    >>> from diffcompile import grad
    >>> def clipped(x): return x
    >>> @defvjp(clipped)
    ... def _(ct, out, x): return min(ct, 1.0)
    >>> grad(lambda x: 5.0 * clipped(x))(2.0)
    1.0
    """

    def declare(rule: R) -> R:
        REGISTRY.declare(fns, Declared("vjp", rule, singular))
        return rule

    return declare


def defequal(*fns: Any) -> Callable[[R], R]:
    """Declare functions that have the values of this one: its derivative is taken in their place.

    The function is called as it was; what its adjoint needs of this one is computed beside the adjoint. Where
    this one is a single call, its result is that of the function, and only its rule is borrowed.

    >>> import numpy as np
    >>> from diffcompile import grad
    >>> def spread(x): return max(x) - min(x)
    >>> @defequal(spread)
    ... def _(x): return np.max(x) - np.min(x)
    >>> grad(lambda x: spread(x))(np.array([1.0, 3.0, 2.0]))
    array([-1.,  1.,  0.])
    """

    def declare(rule: R) -> R:
        REGISTRY.declare(fns, Declared("equal", rule))
        return rule

    return declare


def defjvp(*fns: Any) -> Callable[[R], R]:
    """Declare the tangent of a function: `rule(tangents, out, *args)`, one tangent (or None) per argument.

    >>> def scaled(x, k): return k * x
    >>> @defjvp(scaled)
    ... def _(tangents, out, x, k): return k * tangents[0]
    """

    def declare(rule: R) -> R:
        for fn in with_owned(fns):
            REGISTRY.tangent[fn] = rule_for(fn, rule, 2)
        REGISTRY.changed()
        return rule

    return declare


def nondifferentiable(*fns: Any) -> None:
    """Declare that nothing flows back through these functions (they are locally constant, or not numeric).

    >>> from diffcompile import grad
    >>> def constant(x): return x
    >>> nondifferentiable(constant)
    >>> grad(lambda x: x * constant(x))(3.0)
    3.0
    """
    REGISTRY.zero.update(with_owned(fns))
    REGISTRY.changed()
