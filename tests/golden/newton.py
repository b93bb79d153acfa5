"""A `while` whose trip count depends on the data, with an early `break`.

    root(2.0, 1.0)
"""

from diffcompile import grad


@grad
def root(a, x):
    step = 1.0
    while abs(step) > 1e-12:
        if x == 0.0:
            break
        step = (x * x - a) / (2.0 * x)
        x = x - step
    return x
