"""Malignant or benign: regularised logistic regression on 569 biopsies, fitted by SciPy.

You will see the accuracy on held-out rows, the time of the fit beside autograd's and finite differences', and
the generated gradient that SciPy was given.
"""

from time import perf_counter
from types import FunctionType

import autograd
import autograd.numpy
import numpy as np
from scipy.optimize import minimize
from sklearn.datasets import load_breast_cancer

from diffcompile import value_and_grad


def loss(w, x, y, strength):
    margin = y * (x @ w[1:] + w[0])
    return np.mean(np.logaddexp(0.0, -margin)) + strength * np.sum(w[1:] ** 2)


def fit(fun, jac):
    start = perf_counter()
    result = minimize(fun, np.zeros(31), args=(train_x, train_y, 1e-3), jac=jac, method="L-BFGS-B")
    return result.x, perf_counter() - start


x, y = load_breast_cancer(return_X_y=True)
y = 2.0 * y - 1.0
rows = np.random.default_rng(0).permutation(len(y))
train, held_out = rows[:400], rows[400:]
mean, std = x[train].mean(axis=0), x[train].std(axis=0)
x = (x - mean) / std
train_x, train_y = x[train], y[train]

compiled = value_and_grad(loss)
traced = autograd.value_and_grad(FunctionType(loss.__code__, {"np": autograd.numpy}))

w, seconds = fit(compiled, jac=True)
w_traced, seconds_traced = fit(traced, jac=True)
w_differences, seconds_differences = fit(loss, jac=None)

accuracy = np.mean((x[held_out] @ w[1:] + w[0] > 0) == (y[held_out] > 0))
print(f"held-out accuracy    {accuracy:.3f}")
print(f"diffcompile          {1000 * seconds:7.1f} ms, compilation included")
print(f"autograd             {1000 * seconds_traced:7.1f} ms")
print(f"finite differences   {1000 * seconds_differences:7.1f} ms")
assert accuracy > 0.95

value, gradient = compiled(w, train_x, train_y, 1e-3)
value_traced, gradient_traced = traced(w, train_x, train_y, 1e-3)
assert value == loss(w, train_x, train_y, 1e-3)
assert np.allclose(gradient, gradient_traced, rtol=1e-9, atol=1e-12)
assert np.max(np.abs(gradient)) < 1e-3, "the gradient vanishes at the fit"
assert np.isclose(loss(w_traced, train_x, train_y, 1e-3), value, rtol=1e-3)
assert np.isclose(loss(w_differences, train_x, train_y, 1e-3), value, rtol=1e-3)

print()
print(compiled.source)
