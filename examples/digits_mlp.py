"""Handwritten digits: a two-layer network, its parameters in a dict, its gradient a dict of the same keys.

You will see the accuracy on held-out digits after thirty epochs of stochastic gradient descent with momentum.
"""

import numpy as np
from sklearn.datasets import load_digits

from diffcompile import stop_gradient, value_and_grad


def log_softmax(z):
    z = z - stop_gradient(z.max(axis=1, keepdims=True))
    return z - np.log(np.sum(np.exp(z), axis=1, keepdims=True))


def predict(params, x):
    h = np.maximum(x @ params["W1"] + params["b1"], 0.0)
    return log_softmax(h @ params["W2"] + params["b2"])


@value_and_grad
def loss(params, x, labels):
    return -np.sum(labels * predict(params, x)) / len(x)


images, digits = load_digits(return_X_y=True)
rng = np.random.default_rng(0)
rows = rng.permutation(len(digits))
x, labels, digits = images[rows] / 16.0, np.eye(10)[digits[rows]], digits[rows]
train_x, train_labels = x[:1400], labels[:1400]

params = {
    "W1": rng.normal(size=(64, 64)) * np.sqrt(2 / 64),
    "b1": np.zeros(64),
    "W2": rng.normal(size=(64, 10)) * np.sqrt(2 / 64),
    "b2": np.zeros(10),
}
velocity = {name: np.zeros_like(value) for name, value in params.items()}

for epoch in range(30):
    order = rng.permutation(len(train_x))
    for start in range(0, len(order), 50):
        batch = order[start : start + 50]
        value, gradient = loss(params, train_x[batch], train_labels[batch])
        for name in params:
            velocity[name] = 0.9 * velocity[name] - 0.05 * gradient[name]
            params[name] = params[name] + velocity[name]
    if epoch % 10 == 9:
        print(f"epoch {epoch + 1}: loss {value:.4f}")

accuracy = np.mean(np.argmax(predict(params, x[1400:]), axis=1) == digits[1400:])
print(f"held-out accuracy {accuracy:.3f}")
assert accuracy > 0.95

value, gradient = loss(params, x[1400:], labels[1400:])
h, direction = 1e-5, rng.normal(size=10)
above = loss.primal({**params, "b2": params["b2"] + h * direction}, x[1400:], labels[1400:])
below = loss.primal({**params, "b2": params["b2"] - h * direction}, x[1400:], labels[1400:])
assert list(gradient) == list(params)
assert np.isclose(gradient["b2"] @ direction, (above - below) / (2 * h), rtol=1e-5)

print(loss.source)
