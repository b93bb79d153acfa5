"""Matrices that are said to be symmetric, and the text that comes of `scipy.linalg`."""

from typing import Any

import numpy as np
import pytest

from diffcompile import NoRule, grad, jacfwd
from graphs import written

linalg = pytest.importorskip("scipy.linalg")

A = np.array([[4.0, 0.5, 0.3], [0.5, 5.0, -0.4], [0.3, -0.4, 6.0]])
B = np.array([1.0, -2.0, 0.5])
V = np.array([[0.3, -0.2, 0.5], [-0.2, 0.7, 0.1], [0.5, 0.1, -0.4]])


@pytest.mark.parametrize("kind", ["sym", "her", "pos", "positive definite", "symmetric"])
@pytest.mark.parametrize("lower", [False, True])
def test_a_symmetric_matrix_gets_a_symmetric_cotangent(kind: str, lower: bool) -> None:
    text = f"def f(a, b): return np.sum(linalg.solve(a, b, assume_a={kind!r}, lower={lower})**2)"
    fn = written(text, linalg=linalg)
    a_bar, b_bar = grad(fn, (0, 1))(A, B)

    expected = (fn(A + 1e-6 * V, B) - fn(A - 1e-6 * V, B)) / 2e-6
    np.testing.assert_allclose(a_bar, a_bar.T)
    np.testing.assert_allclose(np.sum(a_bar * V), expected, rtol=1e-7)
    np.testing.assert_allclose(b_bar, 2 * np.linalg.solve(A.T, np.linalg.solve(A, B)))


def loss(a: Any, b: Any) -> Any:
    factor = linalg.cho_factor(a, lower=True)
    x = linalg.cho_solve(factor, b)
    return b @ x + 2.0 * np.sum(np.log(np.diag(factor[0])))


def test_a_gaussian_log_likelihood_by_cholesky_factors() -> None:
    a_bar, b_bar = grad(loss, (0, 1))(A, B)
    x = np.linalg.solve(A, B)

    np.testing.assert_allclose(a_bar, np.linalg.inv(A) - np.outer(x, x), rtol=1e-12)
    np.testing.assert_allclose(b_bar, 2 * x, rtol=1e-12)


def test_what_numpy_has_is_not_computed_again() -> None:
    derivative = grad(written("def f(a): return np.sum(linalg.svd(a)[1]**2)", linalg=linalg))
    np.testing.assert_allclose(derivative(A), 2 * A)

    assert "np.linalg.svd" not in derivative.source


def test_eigenvectors_of_a_part_are_those_of_the_whole() -> None:
    text = "def f(a): return np.sum(linalg.eigh(a, subset_by_{})[1]**3)"
    whole = grad(written("def f(a): return np.sum(linalg.eigh(a)[1][:, 1:]**3)", linalg=linalg))(A)

    for part in ("index=[1, 2]", "value=[4.5, 9.0]"):
        a_bar = grad(written(text.format(part), linalg=linalg))(A)
        np.testing.assert_allclose(abs(a_bar), abs(whole), rtol=1e-9)


def test_a_schur_form_with_complex_eigenvalues_is_refused() -> None:
    turning = np.array([[1.0, 2.0], [-2.0, 1.0]])
    real = written("def f(a): return np.sum(linalg.schur(a)[0]**2)", linalg=linalg)
    with pytest.raises(np.linalg.LinAlgError, match="where all eigenvalues are real"):
        grad(real)(turning)

    program = written("def f(a): return np.sum(abs(linalg.schur(a, 'complex')[1]))", linalg=linalg)
    with pytest.raises(NoRule) as caught:
        grad(program)(turning)
    assert "but for their phases" in caught.value.reason


@pytest.mark.parametrize("text", ["linalg.expm(np.stack([a, a]))", "linalg.solve(np.stack([a, a]), B)"])
def test_a_stack_of_matrices_is_refused_where_the_rule_is_of_one(text: str) -> None:
    program = written(f"def f(a): return np.sum({text})", linalg=linalg, B=np.stack([B, B])[:, :, None])
    with pytest.raises(NoRule) as caught:
        grad(program)(A)

    assert "of a stack of matrices this is not differentiated" in caught.value.reason


NEGATIVE = -A @ A.T
COMPLEX = [
    "np.sum(np.imag(linalg.sqrtm(a) ** 3))",
    "np.sum(np.abs(linalg.logm(a)))",
    "np.sum(np.real(linalg.logm(a) ** 2))",
    "np.sum(np.real(linalg.fractional_matrix_power(a, 0.3) ** 2))",
]


@pytest.mark.parametrize("text", COMPLEX)
def test_a_function_of_a_real_matrix_may_be_complex_in_both_modes(text: str) -> None:
    f = written(f"def f(a): return {text}", linalg=linalg)
    assert linalg.sqrtm(NEGATIVE).dtype.kind == "c"
    expected = (f(NEGATIVE + 1e-5 * V) - f(NEGATIVE - 1e-5 * V)) / 2e-5

    np.testing.assert_allclose(np.sum(grad(f)(NEGATIVE) * V), expected, rtol=1e-6)
    np.testing.assert_allclose(np.sum(jacfwd(f)(NEGATIVE) * V), expected, rtol=1e-6)


def test_a_form_of_hessenberg_has_no_derivative_where_a_column_is_in_it_already() -> None:
    program = written("def f(a): return np.sum(linalg.hessenberg(a)**2)", linalg=linalg)
    with pytest.raises(np.linalg.LinAlgError):
        grad(program)(np.triu(A))
    complex_form = written("def f(a): return np.sum(abs(linalg.hessenberg(a * 1j)))", linalg=linalg)
    with pytest.raises(NoRule) as caught:
        grad(complex_form)(A)

    assert "but for their phases" in caught.value.reason


BANDED = np.array([[4.0, 5.0, 4.5], [0.5, -1.0, 0.7]])
INSIDE = [
    "\n    r = 0.0\n    for k in range(2):\n        r = r + np.sum({}) * (k + 1.0)\n    return r",
    "\n    r = 0.0\n    if b[0, 0] > 0.0:\n        r = np.sum({})\n    return r",
]


@pytest.mark.parametrize("text", INSIDE, ids=["loop", "branch"])
def test_a_rule_with_a_loop_of_its_own_holds_inside_loops_and_branches(text: str) -> None:
    f = written(f"def f(b): {text.format('linalg.cholesky_banded(b, lower=True)**2')}", linalg=linalg)
    v = np.array([[0.3, -0.2, 0.5], [0.7, 0.1, -0.4]])
    expected = (f(BANDED + 1e-5 * v) - f(BANDED - 1e-5 * v)) / 2e-5

    np.testing.assert_allclose(np.sum(grad(f)(BANDED) * v), expected, rtol=1e-7)
