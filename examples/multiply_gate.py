"""A multiply gate and a neuron: a small step along the gradient raises the output; many steps learn AND."""

import math

from diffcompile import grad, value_and_grad


@value_and_grad(argnums=("x", "y"))
def gate(x, y):
    return x * y


def sigmoid(z):
    return 1.0 / (1.0 + math.exp(-z))


@grad(argnums=("a", "b", "c", "x", "y"))
def neuron(a, b, c, x, y):
    return sigmoid(a * x + b * y + c)


@value_and_grad(argnums=("a", "b", "c"))
def misfit(a, b, c, points):
    total = 0.0
    for x, y, target in points:
        total += (sigmoid(a * x + b * y + c) - target) ** 2
    return total


x, y = -2.0, 3.0
value, (x_bar, y_bar) = gate(x, y)
print(f"gate({x}, {y}) = {value}, gradient ({x_bar}, {y_bar})")
assert (value, x_bar, y_bar) == (-6.0, 3.0, -2.0)

stepped, _ = gate(x + 0.01 * x_bar, y + 0.01 * y_bar)
print(f"one step of 0.01 along the gradient: {stepped:.4f}")
assert abs(stepped - -5.8706) < 1e-12

h = 1e-4
numerical = (gate.primal(x + h, y) - value) / h, (gate.primal(x, y + h) - value) / h
assert max(abs(numerical[0] - x_bar), abs(numerical[1] - y_bar)) < 1e-9

weights = 1.0, 2.0, -3.0, -1.0, 3.0
before = neuron.primal(*weights)
after = neuron.primal(*(w + 0.01 * w_bar for w, w_bar in zip(weights, neuron(*weights), strict=True)))
print(f"neuron: {before:.4f} before a step, {after:.4f} after it")
assert (round(before, 4), round(after, 4)) == (0.8808, 0.8826)

AND = [(0.0, 0.0, 0.0), (0.0, 1.0, 0.0), (1.0, 0.0, 0.0), (1.0, 1.0, 1.0)]
a = b = c = 0.0
for _ in range(2000):
    cost, (a_bar, b_bar, c_bar) = misfit(a, b, c, AND)
    a, b, c = a - a_bar, b - b_bar, c - c_bar
print(f"AND after 2000 steps: misfit {cost:.4f}")
assert cost < 0.02
assert all(round(sigmoid(a * x + b * y + c)) == target for x, y, target in AND)

print(neuron.source)
