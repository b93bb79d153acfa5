"""A helper called in a loop with a tuple carried from turn to turn.

    energy(0.5, 1.0)
"""

import math

from diffcompile import value_and_grad


def kick(q, p, stiffness, dt):
    p = p - dt * stiffness * math.sin(q)
    return q + dt * p, p


@value_and_grad(argnums=("stiffness", "q"))
def energy(stiffness, q):
    p = 0.0
    for _ in range(20):
        q, p = kick(q, p, stiffness, 0.1)
    return p * p / 2 + stiffness * (1.0 - math.cos(q))
