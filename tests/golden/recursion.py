"""A recursive function: its forward and backward functions call themselves.

    total(1.5, 4)
"""

from diffcompile import grad


def power(x, n):
    if n == 0:
        return 1.0
    return x * power(x, n - 1)


@grad
def total(x, n):
    return power(x, n) + x
