"""A matrix product and a sigmoid: the generated gradient is X_bar = N_bar @ W.T and W_bar = X.T @ N_bar."""

import numpy as np

from diffcompile import defelementwise, value_and_grad


def sigmoid(z):
    return 1.0 / (1.0 + np.exp(-z))


@defelementwise(sigmoid)
def _(out, z):
    return out * (1.0 - out)


@value_and_grad(argnums=("X", "W"))
def total(X, W):
    N = X @ W
    S = sigmoid(N)
    return np.sum(S)


X = np.array([[0.1, -0.2, 0.3], [0.4, 0.5, -0.6], [-0.7, 0.8, 0.9]])
W = np.array([[0.3, -0.1], [0.2, 0.5], [-0.4, 0.6]])

L, (X_bar, W_bar) = total(X, W)
S = sigmoid(X @ W)
assert np.allclose(X_bar, (S * (1 - S)) @ W.T, rtol=1e-12)
assert np.allclose(W_bar, X.T @ (S * (1 - S)), rtol=1e-12)

moved = X.copy()
moved[0, 0] += 0.01
change = total.primal(moved, W) - L
print(f"X[0, 0] moved by 0.01: L moved by {change:.6f}, its gradient says {0.01 * X_bar[0, 0]:.6f}")
assert abs(change - 0.01 * X_bar[0, 0]) < 1e-5

print(total.source)
assert "N_bar @ W.T" in total.source and "X.T @ N_bar" in total.source
