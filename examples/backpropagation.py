"""Backpropagation with memoized errors: each layer's error is computed once, from that of the next layer.

The generated code is the textbook's: Eo = (yhat - y) R'(Zo), Eh = Eo Wo R'(Zh), dWo = Eo H, dWh = Eh x.
Ten hidden layers take ten such steps; counting the lines that run shows that each further layer costs the
same.
"""

import sys

import numpy as np

from diffcompile import grad


@grad(argnums=("Wh", "Wo"))
def cost(Wh, Wo, x, y):
    Zh = Wh * x
    H = max(0.0, Zh)
    Zo = Wo * H
    yhat = max(0.0, Zo)
    return (yhat - y) ** 2 / 2


@grad(argnums="weights")
def deep_cost(weights, x, y):
    h = x
    for w in weights:
        h = max(0.0, w * h)
    return (h - y) ** 2 / 2


def lines_run(call, *args):
    """How many lines of Python `call(*args)` runs."""
    count = 0

    def trace(frame, event, arg):
        nonlocal count
        count += event == "line"
        return trace

    sys.settrace(trace)
    try:
        call(*args)
    finally:
        sys.settrace(None)
    return count


Wh, Wo, x, y = 0.5, 1.5, 2.0, 1.0
H = Wh * x
Eo = Wo * H - y
Eh = Eo * Wo
print(f"dWh, dWo = {cost(Wh, Wo, x, y)}")
assert cost(Wh, Wo, x, y) == (Eh * x, Eo * H) == (1.5, 0.5)
assert cost(-Wh, Wo, x, y) == (0.0, 0.0), "a relu that is off passes nothing back"

weights = np.linspace(0.8, 1.3, 11)
activations = [x]
for w in weights:
    activations.append(w * activations[-1])
error = activations[-1] - y
expected = []
for w, h in zip(reversed(weights), reversed(activations[:-1]), strict=True):
    expected.append(error * h)
    error = error * w
assert np.allclose(deep_cost(weights, x, y), expected[::-1], rtol=1e-12)

ten, twenty, thirty = (lines_run(deep_cost, np.ones(n + 1), x, y) for n in (10, 20, 30))
print(f"lines run for ten, twenty and thirty hidden layers: {ten}, {twenty}, {thirty}")
assert twenty - ten == thirty - twenty

print(cost.source)
print(deep_cost.source)
