"""A scalar program in `math`, with a helper that becomes a function of its own or is written in place.

    neuron(1.0, 2.0, -3.0, -1.0, 3.0)
"""

import math

from diffcompile import value_and_grad


def sigmoid(z):
    return 1.0 / (1.0 + math.exp(-z))


@value_and_grad(argnums=("a", "b", "c"))
def neuron(a, b, c, x, y):
    return sigmoid(a * x + b * y + c)
