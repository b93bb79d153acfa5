"""Least squares of sparse and dense matrices, damped or not: the solution alone is differentiated."""

# ruff: noqa: E501

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from diffcompile import grad, hessian, jacfwd, jacrev, jvp, vjp
from diffcompile.errors import DiffCompileError
from graphs import written

sparse = pytest.importorskip("scipy.sparse")
linalg = pytest.importorskip("scipy.sparse.linalg")

TALL = sparse.csr_array(np.array([[4.0, 1.0, 0.0], [0.5, 5.0, -1.0], [0.0, 0.3, 3.0], [1.0, 0.0, 2.0]]))
V = np.array([0.7, 1.3, -0.4, 0.9])
DENSE, EDGE = TALL.toarray(), np.outer([1.0, 2.0, -1.0, 0.5], [1.0, -1.0, 2.0])
SOLVED = {
    "tall": "TALL, v",
    "wide": "TALL.T, v[:3] * v[1:]",
    "damped": "TALL, v, 0.7",
    "damped, by name": "TALL.T, v[1:], damp=1.5",
    "a column": "TALL, v[:, None], 0.7",
    "damping that moves": "TALL, v, v[0]**2",
    "damping that moves alone, of a wide matrix": "TALL.T, np.ones(3), v[1]",
    "damping that moves, of an operator": "linalg.aslinearoperator(DENSE), np.ones(4), damp=v[0]",
    "a start": "TALL, v, 0.7, x0=v[1:]",
    "a start where the solution is not unique": "TALL.T, v[1:], x0=v",
    "a start and a damping": "TALL.T, v[1:], v[0], x0=v**2",
    "a dense matrix": "DENSE + np.outer(v, v[1:]), v",
    "a dense matrix that is damped": "DENSE * v[0] + np.outer(v, v[1:]), np.ones(4), 0.7",
    "a dense matrix with its damping": "DENSE * v[:, None], v, v[1]",
    "a dense matrix that stands still": "DENSE, v, damp=v[1]",
    "a wide matrix": "(DENSE * v[:, None]).T, v[1:]",
    "a wide matrix, damped, from a start": "(DENSE * v[:, None]).T, v[1:], v[0], x0=v",
    "a matrix of lower rank": "EDGE * v[:, None] * v[1:], v",
}


def program(text: str) -> Callable[..., Any]:
    return written(f"def f(v): {text}", linalg=linalg, sparse=sparse, TALL=TALL, DENSE=DENSE, EDGE=EDGE)


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


@pytest.mark.parametrize("solver", ["lsqr", "lsmr"])
@pytest.mark.parametrize("given", SOLVED.values(), ids=SOLVED)
def test_second_derivatives_agree_both_ways(solver: str, given: str) -> None:
    loss = program(f"return np.sum(np.sin(linalg.{solver}({given}, atol=1e-14, btol=1e-14)[0]))")
    _, pullback = vjp(grad(loss), V)
    rows = [pullback(h)[0] for h in np.eye(4)]

    np.testing.assert_allclose(rows, jacfwd(jacfwd(loss))(V), rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("solver", ["lsqr", "lsmr"])
def test_least_squares_in_a_loop_have_their_derivative(solver: str) -> None:
    f = program(
        "\n    x = v[:3]\n"
        "    for k in range(3):\n"
        f"        x = linalg.{solver}(DENSE * v[0], TALL @ x + v, 0.3 + v[1]**2, 1e-14, 1e-14)[0]\n"
        "    return np.sum(x**2)"
    )
    columns = [(f(V + h) - f(V - h)) / 2e-5 for h in 1e-5 * np.eye(4)]

    np.testing.assert_allclose(grad(f)(V), columns, rtol=1e-6)
    np.testing.assert_allclose(jacfwd(f)(V), columns, rtol=1e-6)


COMPLEX = {
    "lsqr, a real right side": "linalg.lsqr(TALL * SPUN, v, 0.3, 1e-14, 1e-14)[0]",
    "lsqr, everything": "linalg.lsqr(DENSE * v[:, None] * SPUN, v * SPUN, v[0], 1e-14, 1e-14)[0]",
    "lsqr, its damping": "linalg.lsqr(TALL * SPUN, v * (2.0 + 1.0j), v[0], 1e-14, 1e-14)[0]",
    "lsmr, wide, a start": "linalg.lsmr((DENSE * v[:, None] * SPUN).T, v[1:] * SPUN, 0.0, 1e-14, 1e-14, x0=v * (0.2 + 0.1j))[0]",
    "cg of a Hermitian matrix": "linalg.cg(HERMITIAN, v, rtol=1e-14)[0]",
    "cg of a Hermitian matrix that moves": "linalg.cg(HERMITIAN.toarray() * v[0], v * SPUN, rtol=1e-14)[0]",
    "gmres, a real right side": "linalg.gmres(HERMITIAN * SPUN, v, rtol=1e-14)[0]",
    "spsolve, a real right side": "linalg.spsolve(HERMITIAN, v)",
    "a product": "HERMITIAN @ v",
}  # fmt: skip
TURNED = np.array([[6.0, 1j, 0.3, 0.0], [-1j, 5.0, 1.0, 0.2j], [0.3, 1.0, 7.0, 0.0], [0.0, -0.2j, 0.0, 4.0]])
HERMITIAN = sparse.csc_array(TURNED)


@pytest.mark.parametrize("x", COMPLEX.values(), ids=COMPLEX)
def test_a_complex_matrix_gives_real_arguments_real_cotangents(x: str) -> None:
    names = {"linalg": linalg, "TALL": TALL, "DENSE": DENSE, "HERMITIAN": HERMITIAN, "SPUN": 1.0 + 0.4j}
    f = written(f"def f(v): return np.sum(np.abs({x})**3)", **names)
    columns = [(f(V + h) - f(V - h)) / 2e-5 for h in 1e-5 * np.eye(4)]
    gradient = grad(f)(V)

    assert gradient.dtype == V.dtype
    np.testing.assert_allclose(gradient, columns, rtol=1e-6)
    np.testing.assert_allclose(jacfwd(f)(V), columns, rtol=1e-6)


def test_a_negative_damping_is_what_the_solver_takes_it_for() -> None:
    f = program("return np.sum(linalg.lsqr(DENSE * v[0], np.ones(4), v[2], 1e-14, 1e-14)[0]**2)")
    g = program("return np.sum(linalg.lsmr(DENSE * v[0], np.ones(4), v[2], 1e-14, 1e-14)[0]**2)")

    assert grad(f)(V)[2] == 0.0  # `lsqr` takes it for none
    assert grad(g)(V)[2] == pytest.approx((g(V + np.eye(4)[2] * 1e-5) - g(V - np.eye(4)[2] * 1e-5)) / 2e-5)


def test_the_derivative_by_a_small_damping_keeps_its_accuracy() -> None:
    f = written("def f(d): return np.sum(np.sin(linalg.lsqr(TALL, b, d)[0]))", linalg=linalg, TALL=TALL, b=V)
    g = written("def f(d): return np.sum(np.sin(linalg.lsqr(DENSE, b, d)[0]))", linalg=linalg, DENSE=DENSE, b=V)

    assert grad(f)(1e-4) == pytest.approx(grad(g)(1e-4), rel=1e-5)
    assert grad(f)(0.0) == grad(g)(0.0) == 0.0


def test_what_a_damping_needs_is_shown_and_stands_alone() -> None:
    derivative = grad(written("def f(d): return np.sum(linalg.lsqr(TALL, b, d)[0]**2)", linalg=linalg, TALL=TALL, b=V))
    expected = derivative(0.6)
    scope: dict[str, Any] = {}
    exec(derivative.source, scope)

    assert "solve_normal(TALL, item, maximum_out, 1e-06)" in derivative.source
    assert "u, failed = linalg.cg(normal, w" in derivative.source
    assert "diffcompile" not in "".join(line for line in derivative.source.splitlines() if "import" in line)
    assert scope["f_grad"](0.6, TALL=TALL, b=V) == expected


def test_a_sparse_matrix_of_data_is_refused() -> None:
    assert "no derivative is known for `scipy.sparse.csr_array`" in refusal(
        grad, "return linalg.lsqr(sparse.csr_array(np.outer(v, v)), v)[0][0]"
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
