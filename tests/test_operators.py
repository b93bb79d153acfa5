"""Products with Hessians and Gauss-Newton matrices, the Jacobian by the cheaper way, derivatives by element.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from diffcompile import WrongArgument, elementwise_grad, ggn_vp, grad, hessian, hvp, jacfwd, jacobian
from graphs import written

RNG = np.random.default_rng(9)
x4, v4 = RNG.normal(size=4), RNG.normal(size=4)
a = RNG.normal(size=(6, 4))
labels = (RNG.random(6) > 0.5).astype(float)


def logistic(w, x, y):
    p = 1 / (1 + np.exp(-(x @ w)))
    return -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))


def test_product_with_the_hessian_of_a_logistic_loss() -> None:
    p = 1 / (1 + np.exp(-(a @ x4)))
    by_hand = a.T @ ((p * (1 - p)) * (a @ v4)) / 6

    np.testing.assert_allclose(hvp(logistic)(x4, a, labels, v4), by_hand, rtol=1e-12)
    np.testing.assert_allclose(hessian(logistic)(x4, a, labels) @ v4, by_hand, rtol=1e-12)


def test_a_direction_has_a_part_for_each_argument_that_moves() -> None:
    def f(x, k, y):
        return np.sum(x**2) * y**3 * k

    product = hvp(f, argnums=(0, 2))(x4, 2, 3.0, (v4, 0.5))

    expected_x = 2 * 2 * 27.0 * v4 + 2 * 2 * x4 * 27.0 * 0.5
    expected_y = 2 * (2 * x4 @ v4) * 27.0 + 2 * np.sum(x4**2) * 18.0 * 0.5
    np.testing.assert_allclose(product[0], expected_x)
    np.testing.assert_allclose(product[1], expected_y)


def test_products_of_containers_have_their_structure() -> None:
    def f(p):
        return np.sum(p["w"] ** 3) * p["b"]

    found = hvp(f)({"w": x4, "b": 2.0}, {"w": v4, "b": None})

    np.testing.assert_allclose(found["w"], 12.0 * x4 * v4)
    np.testing.assert_allclose(found["b"], np.sum(3 * x4**2 * v4))


def test_hvp_shows_its_source_and_needs_no_hessian() -> None:
    product = hvp(lambda x: np.sum(np.sin(x) * x))
    n = 10**5
    found = product(np.ones(n), np.ones(n))

    np.testing.assert_allclose(found[0], 2 * np.cos(1.0) - np.sin(1.0))
    assert "x_dot" in product.source and "np.eye" not in product.source


@pytest.mark.parametrize(
    ("argnums", "args", "message"),
    [
        (0, (), "`hvp` is called with the arguments of the function, and a direction"),
        ((0, 1), (1.0, 2.0, (1.0,)), "the direction has 1 parts, and 2 arguments move"),
        (1, (1.0, 1.0), "the direction has 1 parts, and 1 arguments move"),
    ],
)
def test_a_direction_of_another_form_is_refused(argnums: Any, args: Any, message: str) -> None:
    with pytest.raises(WrongArgument) as caught:
        hvp(lambda x, y: x * y, argnums)(*args)

    assert str(caught.value).startswith(message)


def test_a_direction_is_of_a_whole_argument() -> None:
    with pytest.raises(WrongArgument, match="`argnums` names a part of one"):
        hvp(lambda m: m["w"] ** 2, "m.w")


def test_gauss_newton_of_squares_is_the_jacobian_twice() -> None:
    def residuals(x):
        return np.sin(a @ x) - labels

    jacobian_matrix = jacfwd(residuals)(x4)

    np.testing.assert_allclose(ggn_vp(residuals)(x4, v4), jacobian_matrix.T @ jacobian_matrix @ v4)


def test_gauss_newton_takes_the_curvature_of_the_loss() -> None:
    def model(x):
        return np.tanh(a @ x)

    def loss(out):
        return np.sum(out**4)

    j = jacfwd(model)(x4)
    middle = hessian(loss)(model(x4))

    np.testing.assert_allclose(ggn_vp(model, loss)(x4, v4), j.T @ middle @ j @ v4)


@pytest.mark.parametrize(
    ("text", "args", "way"),
    [
        ("def f(x):\n    return np.array([x @ x])", (x4,), "backward"),
        ("def f(x):\n    return np.concatenate([x, x])", (x4,), "forward"),
        ("def f(x, m):\n    return m @ x", (x4, a), "forward"),
        ("def f(x):\n    return np.sum(x)", (x4,), "backward"),
        ("def f(x):\n    return x * np.ones(3)", (2.0,), "forward"),
        ("def f(x):\n    return x[1:] - x[:-1]", (x4,), "backward"),
        ("def f(x):\n    return x[x > 0]", (np.abs(x4),), "forward"),
        ("def f(x):\n    return x[x > 0]", (np.array([1.0, -1.0, 2.0]),), "backward"),
        ("def f(x):\n    return np.resize(x, x.size * 3).reshape(2, -1).sum(axis=1)", (x4,), "backward"),
        ("def f(x):\n    print()\n    return np.resize(x, 2)", (x4,), "forward"),
    ],
)
def test_jacobian_takes_the_way_with_fewer_directions_and_says_so(text: str, args: Any, way: str) -> None:
    f = written(text)
    derivative = jacobian(f)

    np.testing.assert_allclose(derivative(*args), jacfwd(f)(*args))
    assert f": {way}, a direction for each number" in " ".join(derivative.source.split())


def test_the_way_is_chosen_anew_for_other_sizes() -> None:
    f = jacobian(written("def f(x, m):\n    return m @ x"))

    f(x4, a)
    first = f.source
    f(x4, a[:2])

    assert "forward, a direction" in " ".join(first.split())
    assert "backward, a direction" in " ".join(f.source.split())


def test_jacobian_decorates() -> None:
    @jacobian(argnums="y")
    def f(x, y):
        return x * y

    np.testing.assert_allclose(f(x4, 2.0), x4)
    assert f.__name__ == "f"


@pytest.mark.parametrize("x", [0.3, np.float32(0.3), x4, x4.reshape(2, 2), x4.astype(np.float32)])
def test_derivative_element_by_element(x: Any) -> None:
    def f(x):
        return np.where(x > 0, np.sin(x) * x, np.exp(x))

    found = elementwise_grad(f)(x)

    expected = np.where(np.asarray(x) > 0, np.cos(x) * x + np.sin(x), np.exp(x))
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    assert np.shape(found) == np.shape(x)


def test_derivative_element_by_element_of_a_derivative() -> None:
    second = elementwise_grad(elementwise_grad_of_cube)

    np.testing.assert_allclose(second(x4), 6 * x4)


def elementwise_grad_of_cube(x):
    return 3 * x**2


def test_what_does_not_work_element_by_element_is_refused() -> None:
    with pytest.raises(WrongArgument) as caught:
        elementwise_grad(np.sum)(x4)

    message = "the function does not work element by element: shape (4,) becomes ()"
    assert str(caught.value).startswith(message)


def test_derivatives_of_every_order_agree() -> None:
    def f(x):
        total = 0.0
        for k in range(3):
            total = total + np.sin(x) ** (k + 1)
        return total

    third = grad(grad(grad(f)))(0.7)
    h = 1e-3
    second = grad(grad(f))
    np.testing.assert_allclose(third, (second(0.7 + h) - second(0.7 - h)) / (2 * h), rtol=1e-5)
