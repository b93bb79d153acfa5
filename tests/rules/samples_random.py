"""Sample inputs of every rule in `rules/random.py`: each evaluation draws from a generator seeded afresh."""

from __future__ import annotations

from typing import Any

import numpy as np

Sample = tuple[tuple[Any, ...], dict[str, Any]]

V = np.array([0.7, -1.3, 2.1])
P = np.array([0.3, 1.7, 0.9])

TWO: list[Sample] = [
    ((0.5, 1.5), {}),
    ((V, P), {}),
    ((0.5, P), {}),
    ((V, 1.5, (2, 3)), {}),
    ((0.5, 1.5), {"size": 4}),
]
ENDS: list[Sample] = [((0.5, 1.5), {}), ((V, V + P), {}), ((0.5, 1.5, 4), {}), ((V, 3.5, (2, 3)), {})]
ONE: list[Sample] = [((1.5,), {}), ((P,), {}), ((1.5, 4), {}), ((P, (2, 3)), {})]
SHAPES: dict[str, list[Sample]] = {
    "normal": TWO, "laplace": TWO, "logistic": TWO, "gumbel": TWO, "lognormal": TWO, "uniform": ENDS,
    "exponential": ONE, "rayleigh": ONE, "weibull": ONE, "power": ONE, "pareto": ONE,
    "gamma": [((2, 1.5), {}), ((2, P), {}), ((3, 1.5, 4), {})],
}  # fmt: skip
GLOBAL = ("normal", "laplace", "logistic", "gumbel", "uniform", "exponential", "rayleigh")


def drawn_from(rng: Any, samples: list[Sample]) -> list[Sample]:
    return [((rng, *args), kwargs) for args, kwargs in samples]


SAMPLES: dict[Any, list[Sample]] = {
    **{
        getattr(np.random.Generator, name): drawn_from(np.random.default_rng(3), samples)
        for name, samples in SHAPES.items()
    },
    **{
        getattr(np.random.RandomState, name): drawn_from(np.random.RandomState(3), samples)
        for name, samples in SHAPES.items()
    },
    **{getattr(np.random, name): SHAPES[name] for name in GLOBAL},
}
