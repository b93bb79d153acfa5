"""A pursuer with a speed limit: a loop and an `if`, and a gradient that has the same loop and `if`."""

import numpy as np

from diffcompile import grad


@grad(argnums="k")
def pursuit(k, x0, targets):
    x = x0
    cost = 0.0
    for target in targets:
        gap = target - x
        if abs(gap) > 1.0:
            step = k * np.sign(gap)
        else:
            step = k * gap
        x = x + 0.1 * np.sin(step)
        cost = cost + gap**2
    return cost


k, x0 = 0.5, 0.0
targets = 1.5 * np.sin(np.linspace(0.0, 6.0, 40))

slope = pursuit(k, x0, targets)
h = 1e-6
numerical = (pursuit.primal(k + h, x0, targets) - pursuit.primal(k - h, x0, targets)) / (2 * h)
print(f"d cost / d k = {slope:.6f}, by central differences {numerical:.6f}")
assert abs(slope - numerical) < 1e-6 * abs(slope)
assert pursuit.primal(k - 0.01 * np.sign(slope), x0, targets) < pursuit.primal(k, x0, targets)

print(pursuit.source)
