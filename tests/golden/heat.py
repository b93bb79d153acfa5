"""Element writes into a local array inside two loops: the reverse moves single elements.

    heat(0.1, np.linspace(0.0, 1.0, 8))
"""

import numpy as np

from diffcompile import grad


@grad(argnums="rate")
def heat(rate, u0):
    u = u0.copy()
    for _ in range(10):
        v = np.zeros_like(u)
        for i in range(1, len(u) - 1):
            v[i] = u[i] + rate * (u[i - 1] - 2.0 * u[i] + u[i + 1])
        u = v
    return np.sum(u**2)
