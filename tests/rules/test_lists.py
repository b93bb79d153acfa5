"""Lists and tuples of numbers where NumPy reads arrays: `np.maximum([x, y], (1.0, z))`.

Each sample of a function of NumPy is written with its arrays spelled out as lists, and is compared with
central differences in both modes.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from diffcompile import grad, jvp, vjp
from diffcompile.differentiate.rule import is_numeric
from diffcompile.rules.register import REGISTRY
from graphs import written
from rules.test_rules_as_numpy import CHANGING, STENCIL, STEP, called, inner, leaves
from rules.test_rules_compiled import SAMPLES, Written, directions, quiet, shifted

# NumPy itself does not take lists here.
ARRAYS_ALONE = {"take_along_axis", "split", "vsplit", "hsplit", "dsplit", "astype", "unstack", "float32"}


class Spelled(Written):
    """A sample whose arrays of one or two axes are lists of their elements."""

    def spell(self, value: Any) -> str:
        name = super().spell(value)
        if not is_short(value) or name not in self.params:
            return name
        if value.ndim == 1:
            return listed([f"{name}[{i}]" for i in range(len(value))])
        columns = range(value.shape[1])
        return listed([listed([f"{name}[{i}, {j}]" for j in columns]) for i in range(len(value))])


def listed(items: list[str]) -> str:
    return "[" + ", ".join(items) + "]"


def is_short(value: Any) -> bool:
    if not isinstance(value, np.ndarray) or value.dtype != np.float64:
        return False
    return value.ndim in (1, 2) and 0 < value.size < 7


def samples_as_lists() -> list[Any]:
    """Of each function the first sample with one axis, and the first with two."""
    found = []
    for fn in REGISTRY.reverse:
        of_numpy = is_numeric(fn) and not str(getattr(fn, "__module__", "")).startswith("scipy")
        if fn in CHANGING or fn.__name__ in ARRAYS_ALONE or not of_numpy:
            continue
        if getattr(fn, "__objclass__", None) is np.ndarray:
            continue
        ranks = set()
        for k, (args, kwargs) in enumerate(SAMPLES.get(fn, ())):
            if args and is_short(args[0]) and args[0].ndim not in ranks:
                ranks.add(args[0].ndim)
                found.append(pytest.param(fn, args, kwargs, id=f"{called(fn)}-{k}"))
    return found


@pytest.mark.parametrize(("fn", "args", "kwargs"), samples_as_lists())
def test_lists_are_read_as_arrays(fn: Any, args: Any, kwargs: Any) -> None:
    sample = Spelled(fn, args, kwargs)
    v = directions(fn, sample.args, 5)
    moved = [w * float(quiet(sample.fn, *shifted(sample.args, v, h * STEP))) for h, w in STENCIL.items()]
    expected = sum(moved) / STEP

    gradient = quiet(grad(sample.fn, argnums=tuple(range(len(sample.args)))), *sample.args)
    _, tangent = quiet(jvp, sample.fn, tuple(sample.args), tuple(v))

    assert leaves(v)
    np.testing.assert_allclose(inner(v, list(gradient)), expected, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(tangent, expected, rtol=1e-6, atol=1e-6)


TUPLES = [
    "np.sum((x[0], x[1]))",
    "np.prod((x[0], 2.0))",
    "np.sort((x[0], x[1]))",
    "np.maximum((x[0], x[1]), (0.3, 0.1))",
    "np.power((x[0], x[1]), (2.0, 3.0))",
    "np.diag((x[0], x[1]))",
    "np.average((x[0], x[1]), weights=(1.0, 2.0))",
    "np.pad(x, 2, constant_values=(x[0], x[1]))",
    "np.concatenate([x, [1.0, x[0]]])",
    "np.clip(x, (0.1, 0.15, 0.05), 0.3)",
    "np.mean([x[:2], x[1:]], axis=0)",
    "np.concatenate((x, (1.0, 2.0)))",
    "np.linalg.norm((x[0], x[1]))",
]


@pytest.mark.parametrize("text", TUPLES)
def test_tuples_are_read_as_arrays(text: str) -> None:
    first = grad(written(f"def f(x): return np.sum(np.sin({text}))"))
    f = written(f"def f(x): return np.sum(np.sin({text}))")
    x, v = np.array([0.5, 0.2, 0.12]), np.array([0.7, -0.4, 0.3])

    _, pullback = vjp(first, x)
    assert np.sum(first(x) * v) == pytest.approx((f(x + 1e-6 * v) - f(x - 1e-6 * v)) / 2e-6, rel=1e-6)
    expected = (first(x + 1e-6 * v) - first(x - 1e-6 * v)) / 2e-6
    np.testing.assert_allclose(np.reshape(pullback(v), 3), expected, rtol=1e-6, atol=1e-8)
