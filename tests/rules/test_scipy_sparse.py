"""Least squares of sparse matrices: the solution is differentiated, nothing else that a solver returns."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from diffcompile import grad, hessian, jacfwd, jacrev, jvp
from diffcompile.errors import DiffCompileError
from graphs import written

sparse = pytest.importorskip("scipy.sparse")
linalg = pytest.importorskip("scipy.sparse.linalg")

TALL = sparse.csr_array(np.array([[4.0, 1.0, 0.0], [0.5, 5.0, -1.0], [0.0, 0.3, 3.0], [1.0, 0.0, 2.0]]))
V = np.array([0.7, 1.3, -0.4, 0.9])
SOLVED = {
    "tall": "TALL, v",
    "wide": "TALL.T, v[:3] * v[1:]",
    "damped": "TALL, v, 0.7",
    "damped, by name": "TALL.T, v[1:], damp=1.5",
}


def program(text: str) -> Callable[..., Any]:
    return written(f"def f(v): {text}", linalg=linalg, TALL=TALL)


@pytest.mark.parametrize("solver", ["lsqr", "lsmr"])
@pytest.mark.parametrize("given", SOLVED.values(), ids=SOLVED)
def test_derivatives_of_a_solution_agree_with_differences(solver: str, given: str) -> None:
    x = f"linalg.{solver}({given}, atol=1e-14, btol=1e-14)[0]"
    f = program(f"return {x} * np.sum({x}**2)")
    columns = [(f(V + h) - f(V - h)) / 2e-5 for h in 1e-5 * np.eye(4)]

    np.testing.assert_allclose(jacrev(f)(V), np.stack(columns, axis=1), rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(jacfwd(f)(V), jacrev(f)(V), rtol=1e-8, atol=1e-10)
    loss = program(f"return np.sum(np.sin({x}))")
    slopes = [(grad(loss)(V + h) - grad(loss)(V - h)) / 2e-5 for h in 1e-5 * np.eye(4)]
    np.testing.assert_allclose(hessian(loss)(V), slopes, rtol=1e-6, atol=1e-8)


def refusal(derivative: Callable[..., Any], text: str) -> str:
    with pytest.raises(DiffCompileError) as caught:
        derivative(program(text))(V)
    assert caught.value.span is not None
    return caught.value.reason


ALONE = "of what a solver of least squares returns, the solution alone is differentiated"
UNPACKED = (
    "\n    x, stop, count, norm, *rest = linalg.lsqr(TALL, v)\n    return np.sum(x) + norm",
    "return linalg.lsmr(TALL, v)[3]",
    "\n    x, *rest = linalg.lsqr(TALL, v)\n    return rest[2]",
    "return linalg.lsqr(TALL, v)[-1][0]",
    "return np.sum(linalg.lsqr(TALL, v)[-1])",
)


@pytest.mark.parametrize("text", UNPACKED)
def test_other_results_are_refused_in_both_modes(text: str) -> None:
    assert refusal(grad, text).endswith(ALONE)
    assert refusal(jacfwd, text).endswith(ALONE)


def test_other_results_may_be_read() -> None:
    unpacked = "\n    x, stop, count, norm, *rest = linalg.lsqr(TALL, v)\n"
    f = program(f"{unpacked}    return np.sum(x) if norm < 9.0 else 0.0")

    np.testing.assert_allclose(jacfwd(f)(V), grad(f)(V), rtol=1e-5)


@pytest.mark.parametrize("derivative", [grad, jacfwd])
def test_matrices_and_damping_are_refused(derivative: Callable[..., Any]) -> None:
    dense = "return linalg.lsqr(np.outer(v, v[:2]) + np.eye(4, 2), np.ones(4))[0][0]"

    assert "`np.linalg.lstsq` gives that of a dense one" in refusal(derivative, dense)
    assert "how much a solution is damped is a constant" in refusal(
        derivative, "return linalg.lsmr(TALL, v, damp=v[0])[0][0]"
    )


SQUARE = sparse.csr_matrix(np.array([[0.0, 1.0, 2.0], [3.0, 0.0, 0.0], [0.0, 0.5, 1.0]]))


@pytest.mark.parametrize(
    "product",
    ["S * v", "v * S", "S.T * v", "(2.0 * S).tocsc() * v", "S * (S * v)", "v * S.transpose()", "-S * v"],
)
def test_the_star_of_a_sparse_matrix_is_the_product_of_matrices(product: str) -> None:
    f = written(f"def f(v): return {product}", S=SQUARE)
    v = np.array([0.7, 1.3, -0.4])
    expected = np.stack([f(h) for h in np.eye(3)], axis=1)

    np.testing.assert_allclose(jacfwd(f)(v), expected)
    np.testing.assert_allclose(jacrev(f)(v), expected)
    np.testing.assert_array_equal(jvp(f, (v,), (v,))[0], f(v))


@pytest.mark.parametrize("product", ["S.diagonal() * v", "S[0, 1] * v", "(S @ v) * v", "S.data[:3] * v"])
def test_what_is_no_matrix_any_more_is_multiplied_element_by_element(product: str) -> None:
    f = written(f"def f(v): return {product}", S=SQUARE)
    v = np.array([0.7, 1.3, -0.4])
    columns = [(f(v + h) - f(v - h)) / 2e-6 for h in 1e-6 * np.eye(3)]

    np.testing.assert_array_equal(jvp(f, (v,), (v,))[0], f(v))
    np.testing.assert_allclose(jacfwd(f)(v), np.stack(columns, axis=1), rtol=1e-7, atol=1e-8)
    np.testing.assert_allclose(jacrev(f)(v), np.stack(columns, axis=1), rtol=1e-7, atol=1e-8)


def test_a_sparse_matrix_times_what_may_be_anything_is_refused() -> None:
    f = written("def f(v): return S * (v if v[0] > 0 else v[1])", S=SQUARE)

    with pytest.raises(DiffCompileError) as refused:
        jacfwd(f)(V[:3])

    assert refused.value.reason == "a sparse matrix times what may be a number or an array"
    assert refused.value.remedy == "Write `A @ x`."
