"""Are derivatives right? Inner products of them with random directions against central differences.

    check_grads(loss, (w, x))                    of a function, to second order, in reverse mode
    check_rule(softsign, [(0.5,), (x,)])         of a rule that one has declared

For a direction v of one argument and a cotangent y_bar of the result, `<x_bar, v>` in reverse mode,
`<y_bar, y_dot>` in forward mode and the slope of `<y_bar, f(x + t v)>` at t = 0 are one number. The slope is
taken with two step sizes, whose difference says how well it is known. Higher orders are the same for the
derivative of the order below, along that direction.
"""

from __future__ import annotations

import copy
import dataclasses
import inspect
import itertools
import linecache
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from .api import grad, jvp, vjp
from .errors import DiffCompileError, Span, WrongArgument, pointer
from .frontend.arguments import attributes_of, is_named_tuple, is_object
from .frontend.trees import is_number, opened, tree_map
from .ir.graph import Call
from .ir.text import function_name
from .rules.register import REGISTRY
from .structure import ravel

Direction = Literal["rev", "fwd"]
STEP = 1e-3
_FILES = itertools.count()


def check_grads(
    f: Callable[..., Any],
    args: tuple[Any, ...],
    order: int = 2,
    modes: tuple[Direction, ...] = ("rev",),
    *,
    tolerance: float = 1e-6,
    seed: int = 0,
) -> None:
    """Check the derivatives of a function at a point against central differences.

    Parameters
    ----------
    f : the function; it may return numbers, arrays and containers of them
    args : its arguments, of which those that hold floats are checked, one after the other
    order : how many derivatives are taken
    modes : "rev" (`vjp`) and "fwd" (`jvp`)
    tolerance : how far a derivative may be off, relative to 1 and to its size, in double precision; more is
        allowed in lower precision, and where the differences themselves are not known so well
    seed : of the random directions

    Returns nothing. Raises AssertionError that says which argument's derivative is off, of which order, in
    which mode and by how much, or that the differences do not settle (at a kink); `DiffCompileError` if the
    function cannot be differentiated; `WrongArgument` if no argument holds floats.

    >>> import numpy as np
    >>> from diffcompile import check_grads, defelementwise
    >>> check_grads(lambda x, y: np.sin(x) * y, (np.ones(3), 2.0), modes=("rev", "fwd"))
    >>> def wrong(x): return x**2
    >>> @defelementwise(wrong)
    ... def _(out, x): return 3 * x
    >>> def product(k, x): return k * wrong(x)
    >>> try: check_grads(product, (1.0, 2.0))
    ... except AssertionError as error: print(error)
    the derivative of `product` with respect to `x` is off, in reverse mode, to first order:
      5.8132 by differences (known to 4e-11), 8.7199 by derivative
    the derivative of `wrong` is off:
      File "<doctest diffcompile.testing.check_grads[5]>", line 1
        def product(k, x): return k * wrong(x)
                                      ^^^^^^^^
    """
    try:
        _check(f, tuple(args), order, modes, tolerance, seed, _named(f))
    except _OffError as error:
        line = _line_that_is_off(f, tuple(args), modes, tolerance, seed)
        raise AssertionError(f"{error}{line}") from None


def check_rule(
    f: Callable[..., Any],
    samples: list[tuple[Any, ...]],
    order: int = 2,
    *,
    tolerance: float = 1e-6,
    seed: int = 0,
) -> None:
    """Check the rules that are declared for a function, in each mode that they give, at sample arguments.

    Parameters
    ----------
    f : the function that the rules are declared for
    samples : argument tuples, such as `[(0.5,), (np.ones(3),)]`; `((x,), {"axis": 0})` has keyword options
    order : the derivatives that are taken; beyond the first where the rule itself can be differentiated

    `defelementwise` and `deflinear` rules are checked in reverse and forward mode, `defvjp` in reverse and
    `defjvp` in forward mode, and so against each other. Returns nothing. Raises AssertionError as
    `check_grads` does, `WrongArgument` if no rule is declared for `f`.

    >>> import numpy as np
    >>> from diffcompile import check_rule, defvjp
    >>> def scaled(x, k): return k * x
    >>> @defvjp(scaled)
    ... def _(ct, out, x, k): return k * ct, x * ct
    >>> check_rule(scaled, [(2.0, 3.0)])
    """
    f = getattr(f, "operation", f)  # of `numeric`
    modes = _modes_of(f)
    name = getattr(f, "__name__", str(f))
    for sample in samples:
        args, options = _sample(sample)
        _check_shapes(f, args, options, name)
        lines, given, args, names, held = _opened(args, _rule_names(f))
        given = [*given, *(f"{k}=option_{k}" for k in options)]
        called = _function(
            f"def called({_parameters(args)}):\n{''.join(lines)}    return f({', '.join(given)})\n",
            {"f": f, **held, **{f"option_{k}": v for k, v in options.items()}},
            "called",
        )
        for k in range(1, order + 1):
            try:
                _check(called, args, k, modes, tolerance, seed, name, first=k, names=names)
            except DiffCompileError:
                if k == 1:
                    raise


def _opened(
    args: tuple[Any, ...], labels: tuple[str, ...]
) -> tuple[list[str], list[str], tuple[Any, ...], tuple[str, ...], dict[str, Any]]:
    """What is done ahead of the call, what it is given, and what that is made of, by which names.

    In place of an object stand its attributes that hold numbers: the rule of a method has them as well.
    """
    lines: list[str] = []
    given: list[str] = []
    parts: list[Any] = []
    names: list[str] = []
    held: dict[str, Any] = {"copy": copy, "dataclasses": dataclasses}
    for k, arg in enumerate(args):
        label = labels[k] if k < len(labels) else f"x{k}"
        if not is_object(arg):
            given.append(f"x{len(parts)}")
            parts.append(arg)
            names.append(label)
            continue
        held[f"held{k}"] = arg
        given.append(f"object{k}")
        moving = [n for n in attributes_of(arg) if next(_numbers(getattr(arg, n)), None) is not None]
        values = {n: f"x{len(parts) + i}" for i, n in enumerate(moving)}
        parts.extend(getattr(arg, n) for n in moving)
        names.extend(f"{label}.{n}" for n in moving)
        if dataclasses.is_dataclass(arg):
            fields = ", ".join([f"held{k}", *(f"{n}={x}" for n, x in values.items())])
            lines.append(f"    object{k} = dataclasses.replace({fields})\n")
        else:
            lines.append(f"    object{k} = copy.copy(held{k})\n")
            lines.extend(f"    object{k}.{n} = {x}\n" for n, x in values.items())
    return lines, given, tuple(parts), tuple(names), held


def _check_shapes(f: Any, args: tuple[Any, ...], options: dict[str, Any], name: str) -> None:
    """The cotangents that a `defvjp` rule gives have the shapes of its arguments."""
    declared = REGISTRY.reverse.get(f)
    out = f(*copy.deepcopy(args), **options)
    if declared is None or declared.form != "vjp" or not is_number(out):
        return
    given = copy.deepcopy(args)
    cts = declared.rule(np.ones_like(out) if np.ndim(out) else type(out)(1), out, *given, **options)
    for label, ct, arg in zip(_rule_names(f), cts if isinstance(cts, tuple) else (cts,), args, strict=False):
        if ct is not None and is_number(arg) and np.shape(ct) != np.shape(arg):
            raise AssertionError(
                f"the rule of `{name}` gives a cotangent of shape {np.shape(ct)} for `{label}`, "
                f"which has shape {np.shape(arg)}"
            )


def _rule_names(f: Any) -> tuple[str, ...]:
    """What a function's own rule calls its arguments."""
    declared = REGISTRY.reverse.get(f)
    rule = declared.rule if declared is not None else REGISTRY.tangent.get(f)
    if rule is None:
        return ()
    skipped = 1 if declared is not None and declared.form == "elementwise" else 2
    parameters = list(inspect.signature(rule).parameters.values())[skipped:]
    return tuple(p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD)


def _modes_of(f: Any) -> tuple[Direction, ...]:
    """The modes in which a function's own rules are used."""
    declared = REGISTRY.reverse.get(f)
    modes: tuple[Direction, ...] = ("rev",) if declared is not None or f in REGISTRY.zero else ()
    both = f in REGISTRY.tangent or f in REGISTRY.zero
    if both or declared is not None and declared.form in ("elementwise", "linear"):
        modes = (*modes, "fwd")
    if not modes:
        raise WrongArgument(
            f"no rule is declared for `{getattr(f, '__name__', f)}`", None, "Check it with `check_grads`."
        )
    return modes


class _OffError(AssertionError):
    """A derivative differs from the differences."""


# -- which line ---------------------------------------------------------------------------------------------


def _line_that_is_off(
    f: Callable[..., Any], args: tuple[Any, ...], modes: tuple[Direction, ...], tolerance: float, seed: int
) -> str:
    """The first call in the function whose own derivative is off, with the line that it stands on."""
    _, pullback = vjp(f, *copy.deepcopy(args))
    seen: list[tuple[Call, tuple[Any, ...], dict[str, Any]]] = []
    counts: dict[tuple[Any, Span], int] = {}

    def watch(instr: Call, given: tuple[Any, ...], options: dict[str, Any], out: Any) -> None:
        if isinstance(instr.fn, Hashable) and _ruled(instr.fn) and instr.line.line:
            key = instr.fn, instr.line
            counts[key] = counts.get(key, 0) + 1
            if counts[key] <= _TURNS:
                seen.append((instr, copy.deepcopy(given), copy.deepcopy(options)))

    try:
        pullback.run(copy.deepcopy(args), watch)
    except Exception:  # noqa: BLE001 - the line is a help, not the finding
        return ""
    for instr, given, options in seen:
        moving = [k for k, arg in enumerate(given) if next(_numbers(arg), None) is not None]
        passed = [f"x{moving.index(k)}" if k in moving else f"given_{k}" for k in range(len(given))]
        passed += [f"{k}=option_{k}" for k in options]
        scope = {"f": instr.fn, **{f"given_{k}": v for k, v in enumerate(given)}}
        scope.update({f"option_{k}": v for k, v in options.items()})
        values = tuple(given[k] for k in moving)
        text = f"def called({_parameters(values)}):\n    return f({', '.join(passed)})\n"
        name = function_name(instr.fn)
        try:
            here = tuple(mode for mode in _modes_of(instr.fn) if mode in modes)
            _check(_function(text, scope, "called"), values, 1, here, tolerance, seed, name)
        except _OffError:
            return f"\nthe derivative of `{name}` is off:\n{pointer(instr.line)}"
        except Exception:  # noqa: BLE001 - what cannot be checked alone is passed over
            continue
    return ""


def _ruled(fn: Any) -> bool:
    return fn in REGISTRY.reverse or fn in REGISTRY.tangent or fn in REGISTRY.zero


_TURNS = 3  # how often one call is looked at


# -- one derivative -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class _Problem:
    """A function of one number: the inner product of a result with weights, along a direction of arguments.

    `exact` runs in the precision that the arguments have, `wide` in double precision.
    """

    exact: Callable[..., Any]
    wide: Callable[..., Any]
    args: tuple[Any, ...]
    wide_args: tuple[Any, ...]
    direction: tuple[Any, ...]  # a tangent for each argument, None where it stands still
    weights: Any  # a cotangent of the result
    precision: float


def _check(
    f: Callable[..., Any], args: tuple[Any, ...], order: int, modes: tuple[Direction, ...],
    tolerance: float, seed: int, name: str, first: int = 1, names: tuple[str, ...] = (),
) -> None:  # fmt: skip
    """Check the derivatives from the order `first` on, for each argument and for all of them at once."""
    for mode in modes:
        if mode not in _MODES:
            raise WrongArgument(f"there is no mode `{mode}`", None, 'Modes are "rev" and "fwd".')
    moving = [k for k, arg in enumerate(args) if next(_numbers(arg), None) is not None]
    if not moving:
        raise WrongArgument(f"no argument of `{name}` can be differentiated", None, "Pass floats.")
    names = (*names, *_parameter_names(f, len(args))[len(names) :])
    rng = np.random.default_rng(seed)
    groups = [(k,) for k in moving] + ([tuple(moving)] if len(moving) > 1 else [])
    for group in groups:
        label = " and ".join(f"`{names[k]}`" for k in group)
        problem = _along(f, args, group, rng)
        for level in range(1, order + 1):
            if level >= first:
                slope, error = _slope(_derived(problem.wide, level - 1), problem.wide_args)
                for mode in modes:
                    found = _MODES[mode](f, problem, level)
                    _compare(found, slope, error, tolerance, problem, mode, level, f"`{name}`", label)


def _derived(along: Callable[..., Any], times: int) -> Callable[..., Any]:
    for _ in range(times):
        along = grad(along)
    return along


def _reverse(f: Callable[..., Any], problem: _Problem, order: int) -> float:
    """`<x_bar, v>`, of the derivative of the order below."""
    if order > 1:
        return float(_derived(problem.exact, order)(0.0, *copy.deepcopy(problem.args)))
    _, pullback = vjp(f, *copy.deepcopy(problem.args))
    cts = pullback(problem.weights)
    return float(sum(_inner(ct, v) for ct, v in zip(cts, problem.direction, strict=True) if v is not None))


def _forward(f: Callable[..., Any], problem: _Problem, order: int) -> float:
    """`<y_bar, y_dot>`, of the derivative of the order below."""
    args = copy.deepcopy(problem.args)
    if order > 1:
        still = (None,) * len(args)
        return float(jvp(_derived(problem.exact, order - 1), (0.0, *args), (1.0, *still))[1])
    return _inner(problem.weights, jvp(f, args, problem.direction)[1])


# What `modes` names, each given the function, the problem and the order.
_MODES: dict[str, Callable[[Callable[..., Any], _Problem, int], float]] = {"rev": _reverse, "fwd": _forward}


def _slope(along: Callable[..., Any], args: tuple[Any, ...]) -> tuple[float, float]:
    """The derivative at 0 by central differences, and how well it is known: two steps, one extrapolation."""
    coarse, fine = (
        (float(along(h, *copy.deepcopy(args))) - float(along(-h, *copy.deepcopy(args)))) / (2.0 * h)
        for h in (STEP, STEP / 2.0)
    )
    size = abs(float(along(0.0, *copy.deepcopy(args))))
    rounding = 16.0 * float(np.finfo(np.float64).eps) * (size + abs(fine)) / STEP
    return (4.0 * fine - coarse) / 3.0, abs(fine - coarse) / 30.0 + rounding


def _compare(
    found: float, slope: float, error: float, tolerance: float, problem: _Problem, mode: str, order: int,
    name: str, label: str,
) -> None:  # fmt: skip
    size = 1.0 + abs(slope)
    if not error < 1e-3 * size:
        raise AssertionError(
            f"differences of {name} with respect to {label} do not settle, to {_ordinal(order)} order:\n"
            f"  {slope:.5g}, known to {error:.0e}. Is there a kink or a jump?"
        )
    if not abs(found - slope) <= max(tolerance, problem.precision) * size + 10.0 * error:
        way = {"rev": "reverse", "fwd": "forward"}[mode]
        raise _OffError(
            f"the derivative of {name} with respect to {label} is off, in {way} mode, to {_ordinal(order)} "
            f"order:\n  {slope:.5g} by differences (known to {error:.0e}), {found:.5g} by derivative"
        )


def _ordinal(order: int) -> str:
    return {1: "first", 2: "second", 3: "third"}.get(order, f"{order}th")


# -- the function along a direction -------------------------------------------------------------------------


def _along(
    f: Callable[..., Any], args: tuple[Any, ...], group: tuple[int, ...], rng: np.random.Generator
) -> _Problem:
    """The problem of moving some of the arguments in random directions."""
    out = f(*copy.deepcopy(args))
    paths = list(_paths(out, "out"))
    if not paths:
        raise WrongArgument(f"`{_named(f)}` returns no floats", None, "Return what is to be differentiated.")
    weights: dict[str, Any] = {}
    terms = []
    for k, (path, leaf) in enumerate(paths):
        weights[f"weights_{k}"] = _random_like(leaf, rng)
        product = f"weights_{k} * {path}"
        product = f"np.real({product})" if np.iscomplexobj(leaf) else product
        terms.append(f"np.sum({product})" if np.ndim(leaf) else product)
    rest = iter(weights.values())
    y_bar = tree_map(lambda leaf: next(rest), out)
    direction = tuple(
        tree_map(lambda leaf: _random_like(leaf, rng), arg) if k in group else None
        for k, arg in enumerate(args)
    )
    wide = tuple(tree_map(_widened, arg) for arg in args)
    both = []
    for given in (args, wide):
        scope: dict[str, Any] = {"f": f, **weights}
        passed = [f"x{k}" for k in range(len(args))]
        for k in group:
            flat, scope[f"unravel_{k}"] = ravel(given[k])
            scope[f"point_{k}"], scope[f"direction_{k}"] = flat, ravel(direction[k])[0].astype(flat.dtype)
            passed[k] = f"unravel_{k}(point_{k} + t * direction_{k})"
        text = (
            f"def along(t, {_parameters(args)}):\n"
            f"    out = f({', '.join(passed)})\n"
            f"    return {' + '.join(terms)}\n"
        )
        both.append(_function(text, scope, "along"))
    leaves = [np.asarray(leaf).dtype for arg in (*args, out) for leaf in _numbers(arg)]
    precision = max((20.0 * float(np.finfo(d).eps) ** 0.75 for d in leaves if d.itemsize < 8), default=0.0)
    return _Problem(both[0], both[1], args, wide, direction, y_bar, precision)


def _random_like(leaf: Any, rng: np.random.Generator) -> Any:
    """Numbers of the form of a leaf, between a half and one and a half, of either sign."""

    def drawn() -> Any:
        size = np.shape(leaf)
        return rng.uniform(0.5, 1.5, size) * np.where(rng.uniform(size=size) < 0.5, -1.0, 1.0)

    values = drawn() + 1j * drawn() if np.iscomplexobj(leaf) else drawn()
    if isinstance(leaf, np.ndarray):
        return np.asarray(values).astype(leaf.dtype)
    return type(leaf)(values)


def _widened(leaf: Any) -> Any:
    wide = np.complex128 if np.iscomplexobj(leaf) else np.float64
    if isinstance(leaf, np.ndarray):
        return leaf.astype(wide)
    return wide(leaf) if isinstance(leaf, np.generic) else leaf


def _inner(a: Any, b: Any) -> float:
    """The real inner product of a cotangent and a tangent of one structure."""
    total = 0.0
    for x, y in zip(_numbers(a), _numbers(b), strict=True):
        total += float(np.real(np.sum(np.asarray(x, complex) * np.asarray(y, complex))))
    return total


def _numbers(value: Any) -> Iterator[Any]:
    inside = opened(value)
    if inside is not None:
        for item in inside.items:
            yield from _numbers(item)
    elif is_number(value):
        yield value


def _paths(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Each number in a result, with the expression that reads it."""
    inside = opened(value)
    if inside is None:
        if is_number(value):
            yield path, value
        return
    attributes = is_named_tuple(value) or hasattr(type(value), "__dataclass_fields__")
    for key, item in zip(inside.keys, inside.items, strict=True):
        yield from _paths(item, f"{path}.{key}" if attributes else f"{path}[{key!r}]")


def _parameters(args: tuple[Any, ...]) -> str:
    return ", ".join(f"x{k}" for k in range(len(args)))


def _parameter_names(f: Any, count: int) -> list[str]:
    """What the arguments are called: the function's own names, where it has them."""
    try:
        names = list(inspect.signature(f).parameters)
    except (TypeError, ValueError):
        names = []
    return [names[k] if k < len(names) else f"argument {k}" for k in range(count)]


def _sample(sample: tuple[Any, ...]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments of a sample, and its options: those of `(args, {"axis": 0})`."""
    pair = len(sample) == 2 and isinstance(sample[0], tuple) and isinstance(sample[1], dict)
    return (sample[0], sample[1]) if pair else (tuple(sample), {})


def _named(f: Any) -> str:
    return getattr(f, "__name__", type(f).__name__)


def _function(text: str, scope: dict[str, Any], name: str) -> Any:
    """The function that a text defines, whose source can be read."""
    file = f"<diffcompile {name} {next(_FILES)}>"
    linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
    namespace = {"np": np, **scope}
    exec(compile(text, file, "exec"), namespace)
    return namespace[name]
