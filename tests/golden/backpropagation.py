"""Two relu layers: each layer's error is computed once.

    cost(0.5, 1.5, 2.0, 1.0)
"""

from diffcompile import grad


@grad(argnums=("Wh", "Wo"))
def cost(Wh, Wo, x, y):
    Zh = Wh * x
    H = max(0.0, Zh)
    Zo = Wo * H
    yhat = max(0.0, Zo)
    return (yhat - y) ** 2 / 2
