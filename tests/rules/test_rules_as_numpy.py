"""Every declared rule, run as plain NumPy, against central differences.

Samples come from the `samples_*.py` beside this file. With a cotangent `c` and a direction `v`, both random,
the cotangents must satisfy `Re <c, J v> = Re <x_bar, v>`, where nothing is conjugated, for real and complex
arguments; a tangent must be `J v`. A function that is declared without samples fails.
"""

from __future__ import annotations

import copy
import importlib
import importlib.util
import inspect
import operator
import pkgutil
from pathlib import Path
from types import MethodType, ModuleType
from typing import Any

import numpy as np
import pytest

import diffcompile.rules
from diffcompile.ir.text import place_in_scipy
from diffcompile.rules.broadcast import unbroadcast
from diffcompile.rules.register import REGISTRY
from diffcompile.rules.solvers import SOLVERS

HERE = Path(__file__).parent
RULES = [
    importlib.import_module(f"diffcompile.rules.{module.name}")
    for module in pkgutil.iter_modules(diffcompile.rules.__path__)
]
STENCIL = {-2: 1 / 12, -1: -8 / 12, 1: 8 / 12, 2: -1 / 12}  # central differences of order 4
STEP = 1e-4


def load(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


SAMPLE_FILES = [load(path) for path in sorted(HERE.glob("samples_*.py"))]
SAMPLES: dict[Any, list[Any]] = {}
for _file in SAMPLE_FILES:
    for _fn, _samples in _file.SAMPLES.items():
        SAMPLES.setdefault(_fn, []).extend(_samples)
KINKS = [kink for file in SAMPLE_FILES for kink in getattr(file, "KINKS", ())]
SYMMETRIC = {fn for file in SAMPLE_FILES for fn in getattr(file, "SYMMETRIC", ())}
ELSEWHERE = {fn for file in SAMPLE_FILES for fn in getattr(file, "ELSEWHERE", ())}
WIDENED = {fn for file in SAMPLE_FILES for fn in getattr(file, "WIDENED", ())}


def called(fn: Any) -> str:
    """A function's name, with its owner's where it says so."""
    if isinstance(fn, MethodType) and place_in_scipy(fn.__self__):
        return f"{place_in_scipy(fn.__self__)}.{fn.__name__}"
    module = getattr(fn, "__module__", None) or ""
    owner = getattr(getattr(fn, "__objclass__", None), "__name__", module)
    self = getattr(fn, "__self__", None)
    owner = self.__name__ if isinstance(self, np.ufunc) else owner
    return f"{owner}.{getattr(fn, '__name__', fn)}"


CHANGING = {
    operator.setitem, np.add.at, np.subtract.at, np.multiply.at, np.divide.at, np.maximum.at, np.minimum.at,
    list.append,
    list.pop, np.copyto, np.put, np.place, np.putmask, np.put_along_axis, np.fill_diagonal, np.ndarray.fill,
    np.ndarray.sort, np.ndarray.partition,
}  # fmt: skip


GENERATORS = (np.random.Generator, np.random.RandomState)


def evaluate(fn: Any, args: list[Any], kwargs: dict[str, Any]) -> Any:
    """What `fn` returns; if it changes its first argument, the content after it and what it returned."""
    if getattr(fn, "__self__", None) is np.random.mtrand._rand:
        np.random.seed(3)
    args = [copy.deepcopy(a) if isinstance(a, GENERATORS) else a for a in args]
    if fn in CHANGING:
        target = copy.deepcopy(args[0])
        returned = fn(target, *args[1:], **kwargs)
        return target if returned is None else (target, returned)
    if inspect.isdatadescriptor(fn) and not callable(fn):
        found = fn.__get__(args[0])
        return found[:] if isinstance(found, np.flatiter) else found
    return fn(*args, **kwargs)


# A structure is a number or an array, or a list or tuple of structures; only floats and complexes are leaves.


def is_active(x: Any) -> bool:
    return isinstance(x, (float, complex, np.ndarray, np.generic)) and np.asarray(x).dtype.kind in "fc"


def each_leaf(f: Any, x: Any, *others: Any) -> Any:
    """`f` of every active leaf of `x`, and of what stands in its place in `others`; None for other leaves."""
    if isinstance(x, (list, tuple)):
        rest = [o if o is not None else [None] * len(x) for o in others]
        assert all(len(o) == len(x) for o in rest), "a cotangent has the structure of its argument"
        return [each_leaf(f, *items) for items in zip(x, *rest, strict=True)]
    return f(x, *others) if is_active(x) else None


def leaves(x: Any) -> list[Any]:
    if isinstance(x, (list, tuple)):
        return [leaf for item in x for leaf in leaves(item)]
    return [] if x is None else [x]


def random_like(rng: np.random.Generator, x: Any) -> Any:
    """A random structure like `x`; Python numbers for Python numbers, the dtype of arrays."""

    def draw(leaf: Any) -> Any:
        kind = np.asarray(leaf).dtype
        value = rng.uniform(0.4, 1.2, np.shape(leaf)) * rng.choice([-1.0, 1.0], np.shape(leaf))
        if kind.kind == "c":
            value = value + 1j * rng.uniform(-1.2, 1.2, np.shape(leaf))
        if type(leaf) in (float, complex):
            return type(leaf)(value)
        return np.asarray(value, kind) if isinstance(leaf, np.ndarray) else kind.type(value)

    return each_leaf(draw, x)


def ones_like(x: Any) -> Any:
    return each_leaf(lambda leaf: 1.0 if np.ndim(leaf) == 0 else np.ones_like(leaf), x)


def inner(x: Any, y: Any) -> float:
    """`Re sum(x * y)` over two structures; None counts as 0."""

    def product(leaf: Any, other: Any) -> float:
        return 0.0 if other is None else float(np.real(np.sum(leaf * other)))

    return sum(leaves(each_leaf(product, x, y)))


def moved(x: Any, v: Any, h: float) -> Any:
    """`x + h * v`, in the structure of `x`; what carries no derivative stays."""
    if isinstance(x, (list, tuple)):
        return type(x)([moved(item, d, h) for item, d in zip(x, v, strict=True)])
    if v is None:
        return x
    return np.asarray(x + h * v) if isinstance(x, np.ndarray) else x + h * v


class Call:
    """One sample: its positional arguments as the rule names them, and the rule bound to its keywords."""

    def __init__(self, fn: Any, rule: Any, args: Any, kwargs: dict[str, Any], leading: int) -> None:
        self.fn, self.args = fn, list(args)
        active = {name: x for name, x in kwargs.items() if leaves(each_leaf(lambda leaf: leaf, x))}
        self.names, self.kwargs = list(active), {k: x for k, x in kwargs.items() if k not in active}
        self.args += active.values()
        self.positional = len(args)
        parameters = list(inspect.signature(rule).parameters)[leading:]
        self.slots = [*range(self.positional), *[parameters.index(name) for name in self.names]]
        self.rule = rule

    def evaluate(self, *args: Any) -> Any:
        named = dict(zip(self.names, args[self.positional :], strict=True))
        return evaluate(self.fn, list(args[: self.positional]), {**self.kwargs, **named})

    def run_rule(self, *leading: Any) -> Any:
        named = dict(zip(self.names, self.args[self.positional :], strict=True))
        return self.rule(*leading, *self.args[: self.positional], **self.kwargs, **named)

    def per_argument(self, result: Any) -> list[Any]:
        """What the rule returned, one for each of `args`."""
        if not isinstance(result, tuple):
            return [result] + [None] * (len(self.args) - 1)
        return [result[slot] if slot < len(result) else None for slot in self.slots]


def difference(call: Call, v: list[Any]) -> Any:
    """The derivative of a call in the direction `v`, in the structure of its result."""
    results = [
        call.evaluate(*[moved(x, d, k * STEP) for x, d in zip(call.args, v, strict=True)]) for k in STENCIL
    ]

    def combine(_: Any, *values: Any) -> Any:
        return sum(w * np.asarray(y) for w, y in zip(STENCIL.values(), values, strict=True)) / STEP

    return each_leaf(combine, results[0], *results)


def cotangents(call: Call, declared: Any, ct: Any, out: Any) -> list[Any]:
    """The cotangents of the arguments; what the sweep does for an elementwise rule is done here."""
    if declared.form != "elementwise":
        return call.per_argument(call.run_rule(ct, out))
    partials = call.per_argument(call.run_rule(out))
    return [
        None if partial is None or not is_active(x) else unbroadcast(ct * partial, x)
        for x, partial in zip(call.args, partials, strict=True)
    ]


def tolerance(*structures: Any) -> float:
    dtypes = {np.asarray(leaf).dtype for s in structures for leaf in leaves(s)}
    return 2e-3 if dtypes & {np.dtype(np.float32), np.dtype(np.complex64)} else 1e-7


def direction(rng: np.random.Generator, call: Call) -> list[Any]:
    v = [random_like(rng, x) for x in call.args]
    return symmetrized(v) if call.fn in SYMMETRIC else v


def symmetrized(v: list[Any]) -> list[Any]:
    """Directions in which matrices stay symmetric (Hermitian)."""
    square = [np.ndim(d) > 1 and np.shape(d)[-1] == np.shape(d)[-2] for d in v]
    return [(d + np.conj(d).mT) / 2 if same else d for d, same in zip(v, square, strict=True)]


def alone(v: list[Any], i: int) -> list[Any]:
    """`v` in argument `i`, nothing in the others."""
    return [each_leaf(np.zeros_like, d) if j != i else d for j, d in enumerate(v)]


def samples(table: dict[Any, Any]) -> list[Any]:
    return [
        pytest.param(fn, *sample, id=f"{called(fn)}-{i}")
        for fn in table
        for i, sample in enumerate(SAMPLES.get(fn, ()))
    ]


def both_ways(fn: Any, *sample: Any, name: str) -> list[Any]:
    """A test with Python numbers as values of the program and, where its rule asks, as constants of it."""
    asks = hasattr(inspect.getmodule(REGISTRY.reverse[fn].rule), "is_literal")
    return [
        pytest.param(fn, *sample, literal, id=f"{called(fn)}-{name}{'-literal' * literal}")
        for literal in (False, True)[: 1 + asks]
    ]


REVERSE = [
    test
    for fn in REGISTRY.reverse
    if REGISTRY.reverse[fn].form != "equal"
    for i, sample in enumerate(SAMPLES.get(fn, ()))
    for test in both_ways(fn, *sample, name=str(i))
]
AT_KINKS = [test for i, kink in enumerate(KINKS) for test in both_ways(*kink, name=str(i))]


def treat_as_literals(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in RULES:
        if hasattr(module, "is_literal"):
            monkeypatch.setattr(module, "is_literal", lambda x: isinstance(x, (int, float)))


@pytest.mark.parametrize("fn", {**REGISTRY.reverse, **REGISTRY.tangent}, ids=called)
def test_declared_function_has_samples(fn: Any) -> None:
    if fn in ELSEWHERE:
        return
    if getattr(fn, "__module__", "") == "diffcompile.rules.differences":
        return  # they take functions of users: `test_custom_rules.py` has programs
    if fn in SOLVERS:  # they call functions: `test_solvers.py` has programs
        assert f".{fn.__name__}(" in (HERE / "test_solvers.py").read_text()
        return
    assert SAMPLES.get(fn), f"{called(fn)} is declared, and no samples_*.py has arguments for it"


@pytest.mark.parametrize(("fn", "args", "kwargs", "literal"), REVERSE)
def test_cotangents_agree_with_central_differences(
    fn: Any, args: Any, kwargs: Any, literal: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if literal:
        treat_as_literals(monkeypatch)
    rng = np.random.default_rng(3)
    declared = REGISTRY.reverse[fn]
    call = Call(fn, declared.rule, args, kwargs, leading=1 if declared.form == "elementwise" else 2)
    out = call.evaluate(*call.args)
    ct, v = random_like(rng, out), direction(rng, call)

    bars = cotangents(call, declared, ct, out)

    for i, (x, bar) in enumerate(zip(call.args, bars, strict=True)):
        each_leaf(lambda leaf, b: b is None or assert_shape(leaf, b), x, bar)
        is_setting = bar is None and isinstance(x, (float, complex))
        if leaves(v[i]) and not is_setting:
            along = difference(call, alone(v, i))
            tol = tolerance(x, out)
            np.testing.assert_allclose(inner(v[i], bar), inner(ct, along), rtol=tol, atol=tol)


def assert_shape(x: Any, bar: Any) -> None:
    assert np.shape(bar) == np.shape(x), f"a cotangent of shape {np.shape(bar)} for {np.shape(x)}"


EQUAL = {fn: d for fn, d in REGISTRY.reverse.items() if d.form == "equal"}


@pytest.mark.parametrize(("fn", "args", "kwargs"), samples(EQUAL))
def test_a_function_has_the_values_of_its_equal(fn: Any, args: Any, kwargs: Any) -> None:
    expected, actual = fn(*args, **kwargs), EQUAL[fn].rule(*args, **kwargs)

    each_leaf(
        lambda want, got: np.testing.assert_allclose(got, want, rtol=1e-7, atol=1e-9), expected, actual
    )


@pytest.mark.parametrize(("fn", "args", "kwargs", "literal"), REVERSE)
def test_float32_stays_float32(
    fn: Any, args: Any, kwargs: Any, literal: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if literal:
        treat_as_literals(monkeypatch)
    if fn in WIDENED:
        return
    declared = REGISTRY.reverse[fn]
    call = Call(fn, declared.rule, args, kwargs, leading=1 if declared.form == "elementwise" else 2)
    call.args = [narrowed(x) for x in call.args]
    out = call.evaluate(*call.args)
    chars = {np.asarray(leaf).dtype.char for leaf in leaves(each_leaf(lambda leaf: leaf, out))}
    if chars - {"f", "F"}:
        return

    bars = cotangents(call, declared, random_like(np.random.default_rng(3), out), out)

    for x, bar in zip(call.args, bars, strict=True):
        each_leaf(assert_narrow, x, bar)


def narrowed(x: Any) -> Any:
    """Arrays in single precision; Python numbers have none."""
    if isinstance(x, (list, tuple)):
        return type(x)([narrowed(item) for item in x])
    if isinstance(x, (np.ndarray, np.generic)) and x.dtype.char in "dD":
        return x.astype(x.dtype.char.replace("d", "f").replace("D", "F"))
    return x


def assert_narrow(x: Any, bar: Any) -> None:
    if isinstance(x, np.ndarray) and isinstance(bar, np.ndarray):
        assert bar.dtype.char in "fF", f"a cotangent of dtype {bar.dtype} for an argument of {x.dtype}"


@pytest.mark.parametrize(("fn", "args", "kwargs"), samples(REGISTRY.tangent))
def test_tangents_agree_with_central_differences(fn: Any, args: Any, kwargs: Any) -> None:
    call = Call(fn, REGISTRY.tangent[fn], args, kwargs, leading=2)
    out = call.evaluate(*call.args)
    v = direction(np.random.default_rng(5), call)
    parameters = list(inspect.signature(call.rule).parameters.values())[2:]
    named = sum(p.kind is p.POSITIONAL_OR_KEYWORD for p in parameters)
    width = max([named, *[slot + 1 for slot in call.slots]])
    active = [i for i in range(len(v)) if leaves(v[i])]
    for chosen in [active, *[[i] for i in active]]:
        tangents: list[Any] = [None] * width
        for i in chosen:
            tangents[call.slots[i]] = v[i]

        out_dot = call.run_rule(tuple(tangents), out)

        along = [v[i] if i in chosen else each_leaf(np.zeros_like, d) for i, d in enumerate(v)]
        expected = difference(call, along)
        tol = tolerance(call.args, out)
        each_leaf(lambda leaf, dot, want: assert_tangent(leaf, dot, want, tol), out, out_dot, expected)


def assert_tangent(leaf: Any, dot: Any, want: Any, tol: float) -> None:
    """`dot` is the tangent of `leaf`; None is 0."""
    dot = np.zeros(np.shape(leaf)) if dot is None else dot
    assert np.shape(dot) == np.shape(leaf), f"a tangent of shape {np.shape(dot)} for {np.shape(leaf)}"
    np.testing.assert_allclose(dot, want, rtol=tol, atol=tol)


@pytest.mark.parametrize(
    ("fn", "args", "kwargs"), samples({fn: d for fn, d in REGISTRY.reverse.items() if d.form == "linear"})
)
def test_linear_function_is_its_own_tangent(fn: Any, args: Any, kwargs: Any) -> None:
    call = Call(fn, REGISTRY.reverse[fn].rule, args, kwargs, leading=2)
    v = alone(direction(np.random.default_rng(5), call), 0)
    if not leaves(v[0]):
        return
    along = [v[0], *call.args[1:]]
    out = call.evaluate(*call.args)
    tol = tolerance(call.args, out)

    actual = call.evaluate(*along)

    expected = difference(call, v)
    each_leaf(lambda _, a, b: np.testing.assert_allclose(a, b, rtol=tol, atol=tol), out, actual, expected)


@pytest.mark.parametrize(("fn", "args", "expected", "literal"), AT_KINKS)
def test_convention_holds_at_kink(
    fn: Any, args: Any, expected: Any, literal: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if literal:
        treat_as_literals(monkeypatch)
    declared = REGISTRY.reverse[fn]
    call = Call(fn, declared.rule, args, {}, leading=1 if declared.form == "elementwise" else 2)
    out = call.evaluate(*call.args)

    bars = cotangents(call, declared, ones_like(out), out)

    for x, bar, want in zip(call.args, bars, expected, strict=False):
        each_leaf(lambda _, b, w: assert_convention(b, w), x, bar, want)


def assert_convention(bar: Any, want: Any) -> None:
    """`bar` is `want`; None is 0."""
    bar, want = 0.0 if bar is None else bar, 0.0 if want is None else want
    np.testing.assert_allclose(bar, want, rtol=1e-12, atol=1e-12)
