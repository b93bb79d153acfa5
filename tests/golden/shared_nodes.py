"""Python scalars and shared sub-expressions: no array code, and nothing computed twice.

    f(3.0, 2.0)
"""

from diffcompile import value_and_grad


@value_and_grad(argnums=("x", "y"))
def f(x, y):
    return x * x + x * y + (x + y) ** 2
