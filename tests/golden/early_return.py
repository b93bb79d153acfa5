"""Early returns on different branches, and a conditional expression.

    huber(3.0, 1.0)
"""

from diffcompile import grad


@grad(argnums=("x", "delta"))
def huber(x, delta):
    size = x if x > 0 else -x
    if size <= delta:
        return x * x / 2
    return delta * (size - delta / 2)
