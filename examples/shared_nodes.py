"""A graph with shared nodes: `x`, `y` and `x + y` are used more than once, and each is one variable.

One reverse sweep gives both partial derivatives of f; forward differences need one sweep for each input. With
two outputs the Jacobian takes two pullbacks.
"""

import ast

from diffcompile import value_and_grad, vjp


@value_and_grad(argnums=("x", "y"))
def f(x, y):
    return x * x + x * y + (x + y) ** 2


def parts(x, y):
    return x * x + x * y, (x + y) ** 2


x, y = 3.0, 2.0
value, (x_bar, y_bar) = f(x, y)
print(f"f({x}, {y}) = {value}, df/dx = {x_bar}, df/dy = {y_bar}")
assert (value, x_bar, y_bar) == (40.0, 18.0, 13.0)

h = 1e-5
along_x = (f.primal(x + h, y) - f.primal(x - h, y)) / (2 * h)
along_y = (f.primal(x, y + h) - f.primal(x, y - h)) / (2 * h)
print(f"forward, one input at a time: {along_x:.6f}, {along_y:.6f}")
assert max(abs(along_x - x_bar), abs(along_y - y_bar)) < 1e-8

out, pullback = vjp(parts, x, y)
jacobian = pullback((1.0, 0.0)), pullback((0.0, 1.0))
print(f"Jacobian of {out}: {jacobian}")
assert out == (15.0, 25.0)
assert jacobian == ((8.0, 3.0), (10.0, 10.0))

operations = [ast.dump(node) for node in ast.walk(ast.parse(f.source)) if isinstance(node, ast.BinOp)]
assert len(operations) == len(set(operations)), "no expression is computed twice"

print(f.graph)
print(f.source)
