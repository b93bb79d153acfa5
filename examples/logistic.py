"""Logistic regression in two lines of NumPy: the generated gradient fits noisy labels by plain descent."""

import numpy as np

from diffcompile import grad


@grad
def loss(w, x, y):
    p = 1 / (1 + np.exp(-(x @ w)))
    return -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))


rng = np.random.default_rng(0)
truth = np.array([1.5, -2.0, 0.5])
x = rng.normal(size=(2000, 3))
y = (rng.uniform(size=2000) < 1 / (1 + np.exp(-(x @ truth)))).astype(float)

w = np.zeros(3)
assert np.allclose(loss(w, x, y), x.T @ (0.5 - y) / 2000, rtol=1e-9, atol=1e-12)

for _ in range(300):
    w = w - 2.0 * loss(w, x, y)
print(f"true weights {truth}, fitted {np.round(w, 2)}, loss {loss.primal(w, x, y):.4f}")
assert np.max(np.abs(loss(w, x, y))) < 1e-6, "the gradient vanishes at the fit"
assert np.max(np.abs(w - truth)) < 0.25
assert loss.primal(w, x, y) < loss.primal(truth, x, y) < loss.primal(np.zeros(3), x, y)

print(loss.source)
