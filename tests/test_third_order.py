"""Third derivatives of programs with loops, branches, mutation and containers, and what is below them."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from diffcompile import grad, hessian, hvp, jacfwd, jvp
from graphs import written


@dataclass
class Body:
    place: Any
    speed: Any = 0.0


PROGRAMS = """
s = x
for k in range(4):
    s = np.sin(s * x) + 0.1 * k
return s

n, s = 0, x
while s < 3.0:
    s = s + x * np.exp(0.2 * s)
    n += 1
return s * n

if x > 0.5:
    y = x**3 * np.log(x)
else:
    y = np.sin(x)
return y * x

total = 0.0
for k in range(6):
    if k == 3:
        continue
    total += np.tanh(x * k) ** 2
    if total > 2.0:
        break
return total * x

y = np.full(5, x)
for k in range(1, 5):
    y[k] = y[k - 1] * np.sin(y[k]) + x
y[1:] += y[:-1] ** 2
y *= x
return np.sum(y)

u = np.linspace(0.1, 0.9, 6) * x
for t in range(3):
    u[1:-1] += 0.2 * x * (u[2:] - 2 * u[1:-1] + u[:-2]) * u[1:-1]
return u @ u

items = [x]
for k in range(4):
    items.append(items[-1] * np.cos(x) + k)
return sum(v**2 for v in items) * items.pop()

table = [[x * (i + 1), np.sin(x)] for i in range(3)]
for row in table:
    row[0] *= row[1]
    row.append(row[0] ** 2)
return sum(v for row in table for v in row)

memo = {}
for k in range(5):
    memo[k] = x if k < 2 else memo[k - 1] * memo[k - 2] + x
return memo[4]

bodies = [Body(x * (k + 1)) for k in range(3)]
for t in range(3):
    for body in bodies:
        body.speed -= 0.3 * np.sin(body.place)
    for body in bodies:
        body.place += 0.3 * body.speed
return sum(body.place**2 for body in bodies)

window = deque([x, x**2], maxlen=2)
for k in range(4):
    window.append(np.sin(window[0]) * window[1] + x)
return sum(window)

def power(b, n):
    if n == 0:
        return 1.0
    return b * power(b, n - 1)
return power(np.sin(x), 5) + power(x, 3)

p = {"w": x, "b": [x**2, 1.0]}
p["w"] = p["w"] * p["b"][0]
p["b"][1] += p["w"] ** 2
return p["b"][1] * np.exp(-p["w"])
""".strip("\n").split("\n\n")

X = 0.8


def made(program: str) -> Any:
    lines = "".join(f"    {line}\n" for line in program.splitlines())
    return written(f"def f(x):\n{lines}", "f", Body=Body, deque=deque)


def slope(f: Any, x: float) -> float:
    """The derivative by central differences of two sizes, extrapolated."""
    coarse, fine = ((f(x + h) - f(x - h)) / (2 * h) for h in (2e-3, 1e-3))
    return (4 * fine - coarse) / 3


@pytest.mark.parametrize("program", PROGRAMS)
def test_each_derivative_is_the_slope_of_the_one_below(program: str) -> None:
    f = made(program)
    first, second, third = grad(f), grad(grad(f)), grad(grad(grad(f)))
    for above, below in ((first, f), (second, first), (third, second)):
        np.testing.assert_allclose(above(X), slope(below, X), rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_modes_agree_on_the_third_derivative(program: str) -> None:
    f = made(program)
    third = grad(grad(grad(f)))(X)
    np.testing.assert_allclose(jvp(grad(grad(f)), (X,), (1.0,))[1], third, rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(hvp(grad(f))(X, 1.0), third, rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(grad(hessian(f))(X), third, rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(jacfwd(jacfwd(grad(f)))(X), third, rtol=1e-8, atol=1e-10)
