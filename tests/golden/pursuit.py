"""A loop and an `if`: the reverse has both, and saves only what it reads.

    pursuit(0.5, 0.0, np.array([0.3, 2.0, -1.0]))
"""

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
