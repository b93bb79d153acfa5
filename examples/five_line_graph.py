"""e = (a + b) * (b + 1): every edge of the graph is a term of the gradient, and one sweep serves all inputs.

The sweep's cost does not depend on how many inputs there are: for a million of them the time of the gradient
is compared with that of the function itself.
"""

from time import perf_counter

import numpy as np

from diffcompile import grad, value_and_grad


@value_and_grad(argnums=("a", "b"))
def e(a, b):
    c = a + b
    d = b + 1
    return c * d


@grad
def energy(x):
    return np.sum(np.sin(x) * x)


def seconds(call, *args):
    start = perf_counter()
    call(*args)
    return perf_counter() - start


value, (a_bar, b_bar) = e(2.0, 1.0)
print(f"e = {value}, de/da = {a_bar}, de/db = {b_bar}")
assert (value, a_bar, b_bar) == (6.0, 2.0, 5.0)

x = np.linspace(-3.0, 3.0, 1_000_000)
assert np.allclose(energy(x), np.cos(x) * x + np.sin(x), rtol=1e-12)

rounds = [(seconds(energy, x), seconds(energy.primal, x)) for _ in range(9)]
ratio = min(gradient for gradient, _ in rounds) / min(primal for _, primal in rounds)
print(f"a million derivatives in {ratio:.1f} times the time of the function")
assert ratio < 10

print(e.source)
print(energy.source)
