"""Derivatives by central differences, over nested containers of floats and arrays.

    numeric_gradient(lambda p: p["w"] ** 2 * p["b"], lambda: ({"w": 3.0, "b": 2.0},))
    -> gradient {"w": 12.0, "b": 9.0}, error of a few 1e-12

Every evaluation gets fresh arguments from a factory, so a function may write into them. A gradient comes
with an error estimate: the step is halved twice, two Richardson extrapolations are compared, and rounding
is added. At a kink or at the threshold of a branch the extrapolations disagree and the error says so.
"""

from __future__ import annotations

import contextlib
import dataclasses
import io
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from diffcompile import grad, hvp, jvp, linearize, value_and_grad

STEP = 1e-3
EPSILON = float(np.finfo(np.float64).eps)


def is_leaf(tree: Any) -> bool:
    """Is this a value that has a derivative: a float, a NumPy float, or an array of floats?"""
    if isinstance(tree, np.ndarray | np.generic):
        return bool(np.issubdtype(tree.dtype, np.floating))
    return isinstance(tree, float)


def tree_map(fn: Callable[..., Any], tree: Any, *rest: Any) -> Any:
    """Apply `fn` to every leaf of `tree` (and the same places of `rest`); all else stays as it is."""
    match tree:
        case dict():
            return {key: tree_map(fn, item, *(other[key] for other in rest)) for key, item in tree.items()}
        case tuple() if hasattr(tree, "_fields"):
            return type(tree)(*(tree_map(fn, *items) for items in zip(tree, *rest, strict=True)))
        case tuple() | list():
            return type(tree)(tree_map(fn, *items) for items in zip(tree, *rest, strict=True))
        case _ if dataclasses.is_dataclass(tree) and not isinstance(tree, type):
            names = [field.name for field in dataclasses.fields(tree)]
            mapped = {
                name: tree_map(fn, getattr(tree, name), *(getattr(other, name) for other in rest))
                for name in names
            }
            return dataclasses.replace(tree, **mapped)
        case _:
            return fn(tree, *rest) if is_leaf(tree) else tree


def leaves(tree: Any) -> list[Any]:
    """The leaves of `tree`, in order."""
    found: list[Any] = []
    tree_map(found.append, tree)
    return found


def flatten(tree: Any) -> np.ndarray:
    """All leaves in one float64 vector."""
    return np.concatenate([np.zeros(0), *(np.ravel(leaf).astype(np.float64) for leaf in leaves(tree))])


def unflatten(tree: Any, vector: np.ndarray) -> Any:
    """A tree like `tree` with the numbers of `vector`; every leaf keeps its kind, in double precision."""
    position = 0

    def take(leaf: Any) -> Any:
        nonlocal position
        part = vector[position : position + np.size(leaf)]
        position += np.size(leaf)
        match leaf:
            case np.ndarray():
                return part.reshape(leaf.shape).copy()
            case np.generic():
                return part[0]
            case _:
                return float(part[0])

    result = tree_map(take, tree)
    assert position == vector.size, f"{vector.size} numbers for {position} places"
    return result


def widen(tree: Any) -> Any:
    """The same tree in double precision, arrays copied."""
    return unflatten(tree, flatten(tree))


def select(args: tuple[Any, ...], wrt: int | tuple[int, ...]) -> Any:
    """The arguments that a derivative is taken with respect to."""
    return tuple(args[i] for i in wrt) if isinstance(wrt, tuple) else args[wrt]


def put(args: tuple[Any, ...], wrt: int | tuple[int, ...], chosen: Any) -> tuple[Any, ...]:
    """`args` with `chosen` in the places named by `wrt`."""
    places = dict(zip(wrt, chosen, strict=True)) if isinstance(wrt, tuple) else {wrt: chosen}
    return tuple(places.get(i, arg) for i, arg in enumerate(args))


def differences(
    fn: Callable[[np.ndarray], Any], point: np.ndarray, direction: np.ndarray, step: float
) -> tuple[Any, Any]:
    """The derivative of `fn` at `point` along `direction`, and an estimate of its error."""
    sizes = [step, step / 2, step / 4]
    ends = [(fn(point + h * direction), fn(point - h * direction)) for h in sizes]
    slopes = [(plus - minus) / (2 * h) for (plus, minus), h in zip(ends, sizes, strict=True)]
    coarse, fine = ((4 * slopes[i + 1] - slopes[i]) / 3 for i in (0, 1))
    magnitude = np.max(np.abs(ends), axis=(0, 1))
    return fine, np.abs(fine - coarse) + 16 * EPSILON * magnitude / sizes[-1]


def numeric_gradient(
    fn: Callable[..., Any],
    make_inputs: Callable[[], tuple[Any, ...]],
    wrt: int | tuple[int, ...] = 0,
    kwargs: dict[str, Any] | None = None,
    step: float = STEP,
) -> tuple[Any, Any]:
    """The gradient of `fn(*make_inputs(), **kwargs)` and the estimated error of each of its numbers.

    Both are shaped like the arguments named by `wrt`; single-precision arguments are taken in double
    precision, so that the answer is the derivative and not the rounding.
    """
    chosen = select(make_inputs(), wrt)
    point = flatten(chosen)

    def at(vector: np.ndarray) -> float:
        args = put(tuple(widen(arg) for arg in make_inputs()), wrt, unflatten(chosen, vector))
        with silenced():
            return float(fn(*args, **(kwargs or {})))

    slopes, errors = np.zeros_like(point), np.zeros_like(point)
    for i, coordinate in enumerate(point):
        direction = np.zeros_like(point)
        direction[i] = max(1.0, abs(coordinate))
        slope, error = differences(at, point, direction, step)
        slopes[i], errors[i] = slope / direction[i], error / direction[i]
    return unflatten(chosen, slopes), unflatten(chosen, errors)


def converged(gradient: Any, error: Any, tolerance: float = 1e-6) -> bool:
    """Is every number of `gradient` known to `tolerance`, relative to its size or to 1?"""
    return bool(np.all(flatten(error) <= tolerance * (1 + np.abs(flatten(gradient)))))


def assert_agrees(actual: Any, expected: Any, error: Any, tolerance: float = 1e-8) -> None:
    """Is `actual` within `tolerance` (relative to size or to 1), and the error estimate, of `expected`?"""
    got, want, slack = flatten(actual), flatten(expected), flatten(error)
    assert got.shape == want.shape, f"{got.size} numbers where the argument has {want.size}"
    bound = tolerance * (1 + np.abs(want)) + 10 * slack
    wrong = ~(np.abs(got - want) <= bound)
    assert not wrong.any(), f"gradient {got[wrong]}, central differences {want[wrong]} +- {slack[wrong]}"


def assert_close(actual: Any, expected: Any, rtol: float = 1e-9, atol: float = 1e-11) -> None:
    """Are the numbers of two trees of the same structure close?"""
    tree_map(lambda want, got: np.testing.assert_allclose(got, want, rtol=rtol, atol=atol), expected, actual)


def assert_like(gradient: Any, argument: Any) -> None:
    """Has `gradient` the structure of `argument`, and each leaf its kind, shape and dtype?

    The gradient of a Python float is a Python float or np.float64 (which is one); what has no derivative
    is None or zero.
    """
    match argument:
        case dict():
            assert type(gradient) is type(argument) and list(gradient) == list(argument)
            for key in argument:
                assert_like(gradient[key], argument[key])
        case tuple() | list():
            assert type(gradient) is type(argument) and len(gradient) == len(argument)
            for part, item in zip(gradient, argument, strict=True):
                assert_like(part, item)
        case _ if dataclasses.is_dataclass(argument):
            assert type(gradient) is type(argument)
            for field in dataclasses.fields(argument):
                assert_like(getattr(gradient, field.name), getattr(argument, field.name))
        case np.ndarray() if is_leaf(argument):
            assert type(gradient) is np.ndarray, f"{type(gradient)} for an array"
            assert (gradient.shape, gradient.dtype) == (argument.shape, argument.dtype)
        case np.generic() if is_leaf(argument):
            assert type(gradient) is type(argument), f"{type(gradient)} for {type(argument)}"
        case float():
            assert isinstance(gradient, float), f"{type(gradient)} for a float"
        case _:
            assert gradient is None or not np.any(gradient), f"{gradient!r} for {argument!r}"


def same(a: Any, b: Any) -> bool:
    """Are `a` and `b` the same to the bit: structure, types, dtypes, shapes, numbers?"""
    if type(a) is not type(b):
        return False
    match a:
        case dict():
            return list(a) == list(b) and all(same(a[key], b[key]) for key in a)
        case tuple() | list():
            return len(a) == len(b) and all(map(same, a, b))
        case np.ndarray() | np.generic():
            return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
        case float():
            return np.float64(a).tobytes() == np.float64(b).tobytes()
        case np.random.Generator():
            return bool(a.bit_generator.state == b.bit_generator.state)
        case _ if dataclasses.is_dataclass(a) and not isinstance(a, type):
            return all(same(getattr(a, f.name), getattr(b, f.name)) for f in dataclasses.fields(a))
        case _:
            return bool(a == b)


def arrays(tree: Any) -> list[np.ndarray]:
    """The arrays among the leaves of `tree`."""
    return [leaf for leaf in leaves(tree) if isinstance(leaf, np.ndarray)]


@contextlib.contextmanager
def silenced() -> Iterator[io.StringIO]:
    """Capture what is printed."""
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        yield printed


def assert_every_mode(f: Any, x: np.ndarray, v: np.ndarray, twice: bool = True) -> None:
    """Do value, gradient, tangent and second derivatives, along `v`, agree with Python and differences?

    `f` gives a number for an array. It is handed copies: it may write into what it is given. Reverse over
    reverse is left out where it is not to be done `twice`.
    """
    value, gradient = value_and_grad(f)(x.copy())
    np.testing.assert_allclose(value, f(x.copy()), rtol=1e-13)
    expected, error = numeric_gradient(f, lambda: (x.copy(),))
    assert_agrees(gradient, expected, error)
    along = np.sum(gradient * v)
    np.testing.assert_allclose(jvp(f, (x.copy(),), (v.copy(),))[1], along, rtol=1e-9, atol=1e-11)
    np.testing.assert_allclose(linearize(f, x.copy())[1](v.copy()), along, rtol=1e-9, atol=1e-11)
    derivative = grad(f)
    slope = (derivative(x + 1e-5 * v) - derivative(x - 1e-5 * v)) / 2e-5
    np.testing.assert_allclose(hvp(f)(x.copy(), v.copy()), slope, rtol=1e-5, atol=1e-5)
    if not twice:
        return
    again = grad(lambda x: np.sum(derivative(x) * v))
    np.testing.assert_allclose(again(x.copy()), slope, rtol=1e-5, atol=1e-5)


def slopes(f: Any, x: Any) -> Any:
    """The gradient of a function of a few numbers, by central differences of two step sizes."""
    columns = []
    for unit in np.eye(x.size):
        coarse, fine = ((f(x + h * unit) - f(x - h * unit)) / (2 * h) for h in (1e-4, 5e-5))
        columns.append((4 * fine - coarse) / 3)
    return np.array(columns)
