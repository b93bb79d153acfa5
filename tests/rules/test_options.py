"""Options of NumPy's functions, drawn by Hypothesis: axes, `where`, `initial`, modes, orders, shapes.

Each draw is a call. Its rules, run as plain NumPy, must agree with central differences in both modes, in double
and in complex arithmetic where the function has it, and must keep single precision; and so must the program that
makes the call, through the compiler.
"""

# ruff: noqa: E501
from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from diffcompile import DiffCompileError, grad, jvp
from diffcompile.rules.register import REGISTRY
from graphs import written
from rules.test_rules_as_numpy import (
    STENCIL,
    STEP,
    Call,
    alone,
    assert_shape,
    assert_tangent,
    cotangents,
    difference,
    direction,
    each_leaf,
    inner,
    is_active,
    leaves,
    narrowed,
    random_like,
)
from rules.test_rules_compiled import Written, directions, quiet, shifted

Draw = Callable[..., Any]
Drawn = tuple[Any, tuple[Any, ...], dict[str, Any]]
shapes = st.lists(st.integers(1, 4), min_size=1, max_size=3).map(tuple)
seeds = st.integers(0, 2**16)
LATER = settings(
    max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck), database=None
)
FEWER = settings(LATER, max_examples=15)


def array(seed: int, shape: tuple[int, ...], kind: str = "f") -> np.ndarray:
    """An array whose elements are apart from each other and from 0."""
    rng = np.random.default_rng(seed)
    steps = rng.permutation(np.prod(shape, dtype=int)).reshape(shape) + 1.0
    x = (0.3 * steps + rng.uniform(0.0, 0.1, shape)) * rng.choice([-1.0, 1.0], shape)
    return x + 1j * array(seed + 1, shape) if kind == "c" else x


def options(draw: Draw, **strategies: Any) -> dict[str, Any]:
    """Some of the options, each by its strategy."""
    return {name: draw(strategy) for name, strategy in strategies.items() if draw(st.booleans())}


def axes(rank: int, several: bool = True) -> Any:
    """An axis, from either end; or several; or None."""
    one = st.integers(-rank, rank - 1)
    if not several:
        return one
    many = st.lists(st.integers(0, rank - 1), unique=True, min_size=1).map(tuple)
    return st.one_of(st.none(), one, many, many.map(lambda a: tuple(k - rank for k in a)))


# Reductions


@st.composite
def reductions(draw: Draw) -> Drawn:
    fn = draw(st.sampled_from([
        np.sum, np.mean, np.prod, np.max, np.min, np.ptp, np.var, np.std, np.nansum, np.nanmean, np.nanprod,
        np.nanvar, np.nanstd, np.nanmax, np.nanmin, np.median, np.nanmedian, np.add.reduce, np.multiply.reduce,
        np.maximum.reduce, np.minimum.reduce, np.logaddexp.reduce, np.hypot.reduce, np.linalg.vector_norm,
    ]))  # fmt: skip
    shape, seed = draw(shapes), draw(seeds)
    x = array(seed, shape, draw(st.sampled_from("ffc")) if fn in COMPLEX_TOO else "f")
    name = getattr(fn, "__name__", "")
    kwargs = options(draw, axis=axes(len(shape)), keepdims=st.booleans())
    if name == "reduce" and fn.__self__ not in (np.add, np.multiply, np.maximum, np.minimum):
        kwargs["axis"] = draw(axes(len(shape), several=False))
    parameters = PARAMETERS.get(name, ())
    if "where" in parameters and draw(st.booleans()):
        kwargs["where"] = np.random.default_rng(seed).uniform(size=shape) < 0.7
        kwargs["where"][(0,) * len(shape)] = True
    if "initial" in parameters and draw(st.booleans()):
        kwargs["initial"] = draw(st.sampled_from([0.5, -3.0, 2.0]))
    elif name in ("max", "min", "amax", "amin", "nanmax", "nanmin") and "where" in kwargs:
        kwargs["initial"] = 0.5
    if name == "sum" and draw(st.booleans()):
        kwargs["dtype"] = np.complex128 if np.iscomplexobj(x) else np.float64
    if "ddof" in parameters:
        kwargs |= options(draw, ddof=st.sampled_from([0, 1]))
    if name.startswith("nan") and draw(st.booleans()) and np.size(x) > 2:
        x = np.where(np.random.default_rng(seed).uniform(size=shape) < 0.2, np.nan, x)
    return fn, (x,), kwargs


COMPLEX_TOO = {np.sum, np.mean, np.prod, np.var, np.std, np.nansum, np.nanmean, np.add.reduce, np.multiply.reduce}
PARAMETERS = {
    **dict.fromkeys(("sum", "prod", "nansum", "nanprod", "max", "min", "nanmax", "nanmin"), ("where", "initial")),
    **dict.fromkeys(("mean", "nanmean"), ("where",)),
    **dict.fromkeys(("var", "std", "nanvar", "nanstd"), ("where", "ddof")),
}


# Scans and orders


@st.composite
def scans(draw: Draw) -> Drawn:
    fn = draw(st.sampled_from([
        np.cumsum, np.cumprod, np.nancumsum, np.nancumprod, np.cumulative_sum, np.cumulative_prod,
        np.add.accumulate, np.multiply.accumulate, np.maximum.accumulate, np.logaddexp.accumulate, np.sort, np.diff,
        np.unwrap, np.trapezoid, np.gradient, np.quantile, np.percentile, np.nanquantile, np.partition,
    ]))  # fmt: skip
    name, shape, seed = fn.__name__, draw(shapes), draw(seeds)
    x, rank = array(seed, shape), len(shape)
    kwargs = options(draw, axis=axes(rank, several=False))
    if name in ("cumulative_sum", "cumulative_prod"):
        kwargs = {"axis": draw(axes(rank, several=False)), **options(draw, include_initial=st.booleans())}
    if name in ("quantile", "percentile", "nanquantile"):
        scale = 100 if name == "percentile" else 1
        q = draw(st.sampled_from([0.3137, 0.8119, np.array([0.2131, 0.7177])]))
        methods = st.sampled_from(["linear", "lower", "higher", "midpoint", "hazen", "weibull", "median_unbiased"])
        return fn, (x, q * scale), options(draw, axis=axes(rank), keepdims=st.booleans(), method=methods)
    if name == "diff":
        kwargs |= options(draw, n=st.integers(0, 2))
    if name == "partition":
        return fn, (x, 0), kwargs
    if name == "gradient":
        shape = tuple(n + 2 for n in shape)
        kwargs = options(draw, axis=axes(rank, several=False), edge_order=st.sampled_from([1, 2]))
        x = array(seed, shape)
        if "axis" not in kwargs and rank > 1:
            kwargs["axis"] = 0
        return fn, (x, *draw(st.sampled_from([(), (0.7,)]))), kwargs
    if name == "trapezoid":
        return fn, (x,), kwargs | options(draw, dx=st.sampled_from([0.3, 2.0]))
    return fn, (x,), kwargs


# Shapes


@st.composite
def layouts(draw: Draw) -> Drawn:
    shape, seed = draw(shapes), draw(seeds)
    x, rank = array(seed, shape, draw(st.sampled_from("ffc"))), len(shape)
    one, order = axes(rank, several=False), st.permutations(range(rank)).map(tuple)
    choices: list[Callable[[], Drawn]] = [
        lambda: (np.reshape, (x, draw(st.sampled_from([(-1,), (x.size,), (1, -1)]))),
                 options(draw, order=st.sampled_from("CFA"))),
        lambda: (np.ravel, (x,), options(draw, order=st.sampled_from("CFAK"))),
        lambda: (np.transpose, (x,), options(draw, axes=order)),
        lambda: (np.moveaxis, (x, draw(one), draw(one)), {}),
        lambda: (np.swapaxes, (x, draw(one), draw(one)), {}),
        lambda: (np.roll, (x, draw(st.integers(-5, 5))), options(draw, axis=one)),
        lambda: (np.flip, (x,), options(draw, axis=axes(rank))),
        lambda: (np.expand_dims, (x, draw(st.integers(-rank - 1, rank))), {}),
        lambda: (np.repeat, (x, draw(st.integers(0, 3))), options(draw, axis=one)),
        lambda: (np.tile, (x, draw(st.lists(st.integers(1, 2), min_size=1, max_size=3).map(tuple))), {}),
        lambda: (np.tril, (np.stack([x, 2 * x]), draw(st.integers(-2, 2))), {}),
        lambda: (np.triu, (np.stack([x, 2 * x]), draw(st.integers(-2, 2))), {}),
        lambda: (np.diagonal, (np.stack([x, 2 * x], -1),), options(draw, offset=st.integers(-1, 1))),
        lambda: (np.trace, (np.stack([x, 2 * x], -1),), options(draw, offset=st.integers(-1, 1))),
        lambda: (np.rot90, (np.stack([x, 2 * x]), draw(st.integers(-4, 5))),
                 options(draw, axes=st.sampled_from([(0, 1), (1, 0), (-1, 0)]))),
        lambda: (np.broadcast_to, (x, (2, *shape)), {}),
        lambda: (np.concatenate, ([x, x[:1] * 2],), {}),
        lambda: (np.stack, ([x, x * 2],), options(draw, axis=st.integers(-rank - 1, rank))),
        lambda: (np.pad, (x, draw(st.integers(0, 1))), options(draw, mode=st.sampled_from(PADS))),
        lambda: (np.take, (x, np.array([0, -1])), options(draw, axis=one, mode=st.sampled_from(["wrap", "clip"]))),
        lambda: (np.delete, (x, 0), options(draw, axis=one)),
        lambda: (np.append, (x, x), options(draw, axis=one)),
        lambda: (np.insert, (x, 0, 2.0), options(draw, axis=one)),
        lambda: (np.roll, (x, tuple(draw(st.integers(-3, 3)) for _ in shape)), {"axis": tuple(range(rank))}),
        lambda: (np.pad, (np.real(x), [(draw(st.integers(0, 2)), draw(st.integers(0, 2))) for _ in shape]),
                 {"mode": "constant", "constant_values": draw(st.sampled_from([0.5, 2.0]))}),
        lambda: (np.pad, (np.real(x), tuple((draw(st.integers(0, 3)), 1) for _ in shape)),
                 {"mode": draw(st.sampled_from(["reflect", "symmetric"])), "reflect_type": draw(REFLECTED)}),
        lambda: (np.pad, (np.real(x), 2),
                 {"mode": draw(st.sampled_from(["mean", "median", "minimum", "maximum"])),
                  **options(draw, stat_length=st.integers(1, 3))}),
        lambda: (np.split, (np.concatenate([x, x]), 2), {}),
        lambda: (np.array_split, (x, draw(st.integers(1, 3))), options(draw, axis=one)),
        lambda: (np.take_along_axis, (np.real(x), np.argsort(np.real(x), axis=0)), {"axis": 0}),
        lambda: (np.rollaxis, (x, draw(one)), options(draw, start=st.integers(0, rank))),
        lambda: (np.squeeze, (x[None],), options(draw, axis=st.just(0))),
        lambda: (np.resize, (x, draw(st.sampled_from([(3,), (2, 5)]))), {}),
        lambda: (np.column_stack, ([np.ravel(x), np.ravel(x)],), {}),
        lambda: (np.dstack, ([x, x],), {}),
        lambda: (np.clip, (np.real(x), -0.7, 0.8), {}),
        lambda: (np.clip, (np.real(x), None, array(seed + 3, shape)), {}),
        lambda: (np.where, (np.real(x) > 0, x, array(seed + 3, shape[-1:])), {}),
        lambda: (np.interp, (np.linspace(0.1, 2.9, 5), np.array([0.0, 1.0, 3.0]), array(seed, (3,))),
                 options(draw, left=st.just(0.5), right=st.just(0.7))),
        lambda: (np.fft.fft, (x,), options(draw, n=st.integers(1, 6), axis=one, norm=NORMS)),
        lambda: (np.fft.rfft, (np.real(x),), options(draw, n=st.integers(1, 6), axis=one, norm=NORMS)),
        lambda: (np.fft.irfft, (x + 0j,), options(draw, n=st.integers(2, 6), axis=one, norm=NORMS)),
        lambda: (np.fft.fftshift, (x,), options(draw, axes=axes(rank))),
    ]  # fmt: skip
    return draw(st.sampled_from(choices))()


PADS = ["constant", "edge", "reflect", "symmetric", "wrap", "linear_ramp", "mean", "maximum", "minimum"]
REFLECTED = st.sampled_from(["even", "odd"])
NORMS = st.sampled_from(["ortho", "forward", "backward"])


# Linear algebra


@st.composite
def algebra(draw: Draw) -> Drawn:
    seed, n, m = draw(seeds), draw(st.integers(2, 3)), draw(st.integers(2, 4))
    kind, batch = draw(st.sampled_from("ffc")), draw(st.sampled_from([(), (2,)]))
    a, b = array(seed, (*batch, n, m), kind), array(seed + 5, (m, n), kind)
    real = array(seed, (*batch, n, m))
    ords = [None, "fro", 1, -1, np.inf, -np.inf, 2, -2, "nuc"]
    choices: list[Callable[[], Drawn]] = [
        lambda: (np.matmul, (a, b), {}),
        lambda: (np.matmul, (a, b[:, 0].copy()), {}),
        lambda: (np.dot, (a, b), {}),
        lambda: (np.inner, (a, np.ascontiguousarray(b.T)), {}),
        lambda: (np.outer, (a, b), {}),
        lambda: (np.kron, (a, b), {}),
        lambda: (np.vecdot, (a, a * 2), {}),
        lambda: (np.tensordot, (a, b), {"axes": draw(st.sampled_from([1, (-1, 0), ([-1], [0]), 0]))}),
        lambda: (np.linalg.norm, (real[..., :, :] if not batch else real[0], draw(st.sampled_from(ords))), {}),
        lambda: (np.linalg.norm, (real,), options(draw, axis=axes(real.ndim, False), keepdims=st.booleans())),
        lambda: (np.linalg.matrix_norm, (real,),
                 {"ord": draw(st.sampled_from(ords[1:])), **options(draw, keepdims=st.booleans())}),
        lambda: (np.linalg.vector_norm, (real,),
                 {"ord": draw(st.sampled_from([1, 2, 3, 0.5, np.inf, -np.inf])), "axis": draw(axes(real.ndim)),
                  **options(draw, keepdims=st.booleans())}),
        lambda: (np.cross, (array(seed, (2, 3)), array(seed + 1, (3,))), {}),
        lambda: (np.einsum, (draw(st.sampled_from(["...ij,jk->...ik", "...ij,jk", "...ij,ji->..."])), a, b), {}),
        lambda: (np.linalg.svdvals, (real,), {}),
        lambda: (np.linalg.pinv, (real,), {}),
        lambda: (np.linalg.matrix_power, (well(seed, n, batch), draw(st.integers(-2, 3))), {}),
        lambda: (np.linalg.det, (well(seed, n, batch),), {}),
        lambda: (np.linalg.inv, (well(seed, n, batch),), {}),
        lambda: (np.linalg.solve, (well(seed, n, batch), array(seed, (n, m))), {}),
        lambda: (np.convolve, (array(seed, (n + 2,), kind), array(seed, (m,), kind), draw(MODES)), {}),
        lambda: (np.correlate, (array(seed, (n + 2,), kind), array(seed, (m,), kind), draw(MODES)), {}),
        lambda: (np.average, (real,), {"axis": draw(axes(real.ndim, False)), **options(draw, keepdims=st.booleans())}),
        lambda: (np.cov, (real.reshape(-1, m),), options(draw, rowvar=st.booleans(), bias=st.booleans())),
    ]  # fmt: skip
    return draw(st.sampled_from(choices))()


MODES = st.sampled_from(["full", "same", "valid"])


def well(seed: int, n: int, batch: tuple[int, ...]) -> np.ndarray:
    return 0.3 * array(seed, (*batch, n, n)) + 4.0 * np.eye(n)


# What must hold of each call


def runs(fn: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    """Does NumPy itself accept the call, and is something of its result active?"""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("error")
        try:
            result = fn(*args, **kwargs)
        except Exception:
            return False
    found = leaves(each_leaf(lambda leaf: leaf, result))
    return bool(found) and all(np.all(np.isfinite(leaf)) for leaf in found)


def rules_agree(drawn: Drawn) -> None:
    fn, args, kwargs = drawn
    if not runs(fn, args, kwargs):
        return
    declared = REGISTRY.reverse[fn]
    call = Call(fn, declared.rule, args, kwargs, leading=1 if declared.form == "elementwise" else 2)
    out = call.evaluate(*call.args)
    rng = np.random.default_rng(3)
    ct, v = random_like(rng, out), direction(rng, call)
    size = 1.0 + max(float(np.max(np.abs(leaf), initial=0.0)) for leaf in leaves(each_leaf(lambda y: y, out)))

    bars = cotangents(call, declared, ct, out)

    for i, (x, bar) in enumerate(zip(call.args, bars, strict=True)):
        if leaves(v[i]):
            each_leaf(lambda leaf, b: b is None or assert_shape(leaf, b), x, bar)
            along = finite(difference(call, alone(v, i)))
            np.testing.assert_allclose(inner(v[i], finite(bar)), inner(ct, along), rtol=1e-6, atol=1e-6 * size)
    if fn in REGISTRY.tangent and leaves(v):
        tangents_agree(fn, args, kwargs, v, out, size)


def finite(tree: Any) -> Any:
    """A structure with 0 for nan: the derivative with respect to a nan does not matter."""
    return each_leaf(lambda leaf: np.where(np.isnan(leaf), 0.0, leaf), tree) if tree is not None else None


def tangents_agree(fn: Any, args: Any, kwargs: Any, v: list[Any], out: Any, size: float) -> None:
    call = Call(fn, REGISTRY.tangent[fn], args, kwargs, leading=2)
    parameters = list(inspect.signature(call.rule).parameters.values())[2:]
    named = sum(p.kind is p.POSITIONAL_OR_KEYWORD for p in parameters)
    tangents: list[Any] = [None] * max([named, *[slot + 1 for slot in call.slots]])
    for slot, moved in zip(call.slots, v, strict=True):
        tangents[slot] = moved if leaves(moved) else None

    out_dot = call.run_rule(tuple(tangents), out)

    expected = difference(call, v)
    each_leaf(lambda y, dot, want: assert_tangent(y, dot, want, 1e-6 * size), out, out_dot, expected)


def single_precision_stays(drawn: Drawn) -> None:
    fn, args, kwargs = drawn
    args = tuple(narrowed(list(args)))
    if not runs(fn, args, kwargs):
        return
    declared = REGISTRY.reverse[fn]
    call = Call(fn, declared.rule, args, kwargs, leading=1 if declared.form == "elementwise" else 2)
    out = call.evaluate(*call.args)
    if {np.asarray(leaf).dtype.char for leaf in leaves(each_leaf(lambda y: y, out))} - {"f", "F"}:
        return

    bars = cotangents(call, declared, random_like(np.random.default_rng(3), out), out)

    for x, bar in zip(call.args, bars, strict=True):
        if isinstance(x, np.ndarray) and isinstance(bar, np.ndarray):
            assert bar.dtype.char in "fF"


def program_agrees(drawn: Drawn) -> None:
    """The call as a program, through the compiler, in both modes."""
    fn, args, kwargs = drawn
    if not runs(fn, args, kwargs) or any(np.any(np.isnan(a)) for a in args if is_active(a)):
        return
    sample = Written(fn, args, kwargs)
    v = directions(fn, sample.args, 5)
    values = [w * float(quiet(sample.fn, *shifted(sample.args, v, h * STEP))) for h, w in STENCIL.items()]
    expected, size = sum(values) / STEP, 1.0 + max(map(abs, values))

    gradient = quiet(grad(sample.fn, argnums=tuple(range(len(sample.args)))), *sample.args)
    _, dot = quiet(jvp, sample.fn, tuple(sample.args), tuple(v))

    np.testing.assert_allclose(inner(v, list(gradient)), expected, rtol=1e-6, atol=1e-6 * size)
    np.testing.assert_allclose(dot, expected, rtol=1e-6, atol=1e-6 * size)


FAMILIES = {"reductions": reductions(), "scans": scans(), "layouts": layouts(), "algebra": algebra()}


@pytest.mark.parametrize("family", FAMILIES)
def test_rules_hold_for_any_options(family: str) -> None:
    LATER(given(FAMILIES[family])(rules_agree))()


@pytest.mark.parametrize("family", FAMILIES)
def test_rules_keep_single_precision_for_any_options(family: str) -> None:
    LATER(given(FAMILIES[family])(single_precision_stays))()


@pytest.mark.parametrize("family", FAMILIES)
def test_programs_hold_for_any_options(family: str) -> None:
    FEWER(given(FAMILIES[family])(program_agrees))()


@pytest.mark.parametrize("text", ["x.T.ravel('K')", "np.ravel(x.T, 'A')", "x[::-1].T.flatten('K')", "x.ravel('K')"])
def test_what_is_read_in_the_order_of_memory(text: str) -> None:
    f = written(f"def f(x, w): return np.sum(w * {text} ** 2)")
    x, v, w = array(3, (2, 3)), array(7, (2, 3)), array(9, (6,))
    expected = (f(x + 1e-6 * v, w) - f(x - 1e-6 * v, w)) / 2e-6

    assert np.sum(grad(f)(x, w) * v) == pytest.approx(expected, rel=1e-7)
    assert jvp(f, (x, w), (v, None))[1] == pytest.approx(expected, rel=1e-7)


def test_what_memory_looks_like_is_asked_when_the_program_runs() -> None:
    f = written("def f(x): return np.sum(x if x.flags.f_contiguous else 2 * x) + (x.strides[0] > 8)")
    x = np.ones((2, 3))

    np.testing.assert_array_equal(grad(f)(x), np.full((2, 3), 2.0))
    np.testing.assert_array_equal(grad(f)(np.asfortranarray(x)), x)


def test_where_memory_is_cannot_be_asked() -> None:
    with pytest.raises(DiffCompileError, match=r"where an array lies in memory \(`.base`\) is not followed"):
        grad(written("def f(x): return np.sum(x if x.base is None else 2 * x)"))(np.ones(3))


AXES_AT_RUN_TIME = [
    "np.sum(np.split(a, [1, 4], axis=axis)[1]**2)",
    "np.sum(np.array_split(a, 2, axis)[0]**2)",
    "np.sum(lfilter([0.5, 0.3, 0.2], [1.0, -0.4], a, axis=axis, zi=np.ones((2, 3)))[1]**2)",
]


@pytest.mark.parametrize("text", AXES_AT_RUN_TIME)
def test_an_axis_may_be_known_at_run_time(text: str) -> None:
    lfilter = pytest.importorskip("scipy.signal").lfilter
    f = written(f"def f(a, axis): return {text}", lfilter=lfilter)
    a, v = array(3, (6, 3)), array(4, (6, 3))
    expected = (f(a + 1e-6 * v, 0) - f(a - 1e-6 * v, 0)) / 2e-6

    np.testing.assert_allclose(np.sum(grad(f)(a, 0) * v), expected, rtol=1e-7)
