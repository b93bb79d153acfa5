"""A running sum over elements: it is linear, so the forward pass saves nothing.

    dot(np.ones(4), np.ones(4))
"""

import numpy as np

from diffcompile import grad


@grad(argnums=("w", "x"))
def dot(w, x):
    s = 0.0
    for i in range(len(w)):
        s += w[i] * x[i]
    return s
