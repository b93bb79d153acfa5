"""Complex numbers: the convention, gradients of real results, complex derivatives, `cmath`.

The gradient of a real number with respect to `x + iy` is `df/dx - i df/dy`, as autograd and JAX have it; they
are asked where they are installed, and central differences along both axes everywhere.
"""

from __future__ import annotations

import cmath
import importlib
import importlib.util
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diffcompile import grad, value_and_grad, vjp
from diffcompile.errors import DiffCompileError, NoRule, WrongArgument
from graphs import written

PEERS = [name for name in ("autograd", "jax") if importlib.util.find_spec(name) is not None]
Z = np.array([0.7 - 0.4j, -1.1 + 0.3j, 0.2 + 1.6j])
A = np.array([[2.0 - 1.0j, 0.3j, 0.5], [0.1, 3.0 + 0.5j, -0.2j], [0.4 - 0.3j, 0.2, 2.5]])


def function(body: str, **names: Any) -> Callable[..., Any]:
    return written(f"def f(z): return {body}", cmath=cmath, math=math, **names)


def differences(f: Callable[[Any], Any], z: Any, h: float = 1e-6) -> Any:
    """`df/dx - i df/dy` at every element."""

    def slope(step: Any) -> float:
        return float((f(z + step) - f(z - step)) / (2 * h))

    if np.ndim(z) == 0:
        return slope(h) - 1j * slope(1j * h)
    found = np.zeros(np.shape(z), complex)
    for k in np.ndindex(*np.shape(z)):
        unit = np.zeros(np.shape(z))
        unit[k] = h
        found[k] = slope(unit) - 1j * slope(1j * unit)
    return found


def test_gradient_of_a_squared_modulus_is_twice_the_conjugate() -> None:
    assert grad(lambda z: abs(z) ** 2)(3.0 + 4.0j) == pytest.approx(6.0 - 8.0j)
    assert grad(lambda z: np.abs(z) ** 2)(np.complex128(3.0 + 4.0j)) == pytest.approx(6.0 - 8.0j)


REAL_RESULTS = [
    "np.sum(np.abs(z) ** 3)",
    "np.sum(np.real(z) * np.imag(z) ** 2)",
    "np.real(np.conj(z) @ z)",
    "np.real(np.sum(z**2 * np.exp(1j * z)))",
    "np.sum(np.angle(z))",
    "np.linalg.norm(z)",
    "np.real(np.vdot(z, z * (1 + 2j)))",
    "np.imag(np.prod(z))",
    "np.sum(np.abs(np.fft.fft(z) * np.arange(3.0)) ** 2)",
    "np.real(np.einsum('i,j,ij->', z, np.conj(z), A))",
    "np.sum(np.abs(np.linalg.solve(A, z)) ** 2)",
    "np.real(np.sum(np.sin(z) / np.cosh(z) + np.sqrt(z) - np.log(z) + z ** (1.5 - 0.5j)))",
]


@pytest.mark.parametrize("body", REAL_RESULTS)
def test_gradient_of_a_real_result_agrees_with_differences(body: str) -> None:
    f = function(body, A=A)

    np.testing.assert_allclose(grad(f)(Z), differences(f, Z), rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("body", [body for body in REAL_RESULTS if "vdot" not in body])
@pytest.mark.parametrize("peer", PEERS)
def test_gradient_of_a_real_result_agrees_with_others(peer: str, body: str) -> None:
    if peer == "jax":
        importlib.import_module("jax").config.update("jax_enable_x64", True)
    other = importlib.import_module(f"{peer}.numpy")

    expected = importlib.import_module(peer).grad(written(f"def f(z): return {body}", np=other, A=A))(Z)

    np.testing.assert_allclose(grad(function(body, A=A))(Z), expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(
    "body",
    [
        "np.sum(np.abs(np.linalg.inv(z)) ** 2)",
        "np.abs(np.linalg.det(z)) ** 2",
        "np.linalg.slogdet(z)[1]",
        "np.real(np.linalg.slogdet(z)[0])",
        "np.sum(np.linalg.svd(z, compute_uv=False) ** 3)",
        "np.sum(np.abs(np.linalg.qr(z)[1]) ** 3)",
        "np.sum(np.abs(np.linalg.eigvals(z)) ** 3)",
        "np.sum(np.abs(np.linalg.pinv(z[:, :2])) ** 2)",
        "np.linalg.eigvalsh(z @ np.conj(z).T)[0]",
        "np.sum(np.abs(np.linalg.cholesky(z @ np.conj(z).T)) ** 3)",
    ],
)
def test_gradient_through_complex_linear_algebra_agrees_with_differences(body: str) -> None:
    f = function(body)

    np.testing.assert_allclose(grad(f)(A), differences(f, A), rtol=1e-6, atol=1e-6)


def test_real_argument_of_a_complex_computation_has_a_real_gradient() -> None:
    f = written("def f(x): return np.sum(np.abs(np.exp(1j * x) + 1.0) ** 2)")
    x = np.array([0.3, 1.1])

    gradient = grad(f)(x)

    assert gradient.dtype == np.float64
    np.testing.assert_allclose(gradient, -2 * np.sin(x), rtol=1e-12)


def test_real_eigenvalue_problem_with_complex_results_has_a_real_gradient() -> None:
    f = written("def f(a): return np.max(np.abs(np.linalg.eigvals(a)))")
    a = np.array([[1.0, 3.2, -0.1], [-2.9, 2.1, 3.1], [0.2, -3.0, 3.3]])

    gradient = grad(f)(a)

    assert gradient.dtype == np.float64
    step = 1e-6
    unit = np.eye(9).reshape(9, 3, 3) * step
    expected = [(f(a + u) - f(a - u)) / (2 * step) for u in unit]
    np.testing.assert_allclose(gradient.ravel(), expected, rtol=1e-6, atol=1e-8)


PYTHON_COMPLEX = [
    "abs(z) ** 3 * z.real",
    "(z * z.conjugate()).real + z.imag",
    "abs(complex(z.real, 2.0 * z.imag))",
    "cmath.phase(z) * abs(z)",
    "cmath.polar(z)[0] * cmath.polar(z)[1]",
    "abs(cmath.rect(z.real, z.imag) + 1j)",
    "(cmath.exp(z) * cmath.sin(z) / cmath.cosh(z)).real",
    "(cmath.log(z) + cmath.sqrt(z) + cmath.asin(z) + cmath.atanh(z)).imag",
    "cmath.log(z, 2.0).real + cmath.log10(z).imag",
]


@pytest.mark.parametrize("body", PYTHON_COMPLEX)
def test_gradient_with_respect_to_a_python_complex_number(body: str) -> None:
    f = function(body)

    gradient = grad(f)(0.6 - 0.3j)

    assert isinstance(gradient, complex)
    assert gradient == pytest.approx(differences(f, 0.6 - 0.3j), rel=1e-7)


def test_modulus_and_phase_have_slope_zero_at_the_origin() -> None:
    assert grad(function("abs(z)"))(0j) == 0.0
    assert grad(function("cmath.phase(z)"))(0j) == 0.0
    assert not grad(function("np.sum(np.abs(z)) + np.sum(np.angle(z))"))(np.zeros(2, complex)).any()


def test_second_derivative_of_a_complex_gradient_agrees_with_differences() -> None:
    f = function("np.sum(np.abs(z) ** 3)")
    v = np.array([1.0 + 1.0j, -0.5j, 0.3])

    _, pullback = vjp(grad(f), Z)
    (product,) = pullback(v)

    h = 1e-6
    along = (grad(f)(Z + h * v) - grad(f)(Z - h * v)) / (2 * h)
    np.testing.assert_allclose(np.real(np.sum(v * product)), np.real(np.sum(v * along)), rtol=1e-7)


# Complex derivatives of holomorphic functions


@given(
    st.sampled_from(
        [
            "z**3 - 2 * z",
            "np.exp(2 * z) / (np.sin(z) + 3)",
            "cmath.exp(z) * cmath.cos(z)",
            "1 / (z + 4) ** 2",
            "np.tanh(z) * z",
        ]
    ),
    st.complex_numbers(max_magnitude=1.2),
)
@settings(max_examples=40, deadline=None)
def test_complex_derivative_agrees_with_differences(body: str, z: complex) -> None:
    f = function(body)
    h = 1e-5

    derivative = grad(f, holomorphic=True)(z)

    expected = (f(z + h) - f(z - h)) / (2 * h)
    assert derivative == pytest.approx(expected, rel=1e-6, abs=1e-6)


def test_complex_derivative_along_the_imaginary_axis_is_the_same() -> None:
    f = function("np.sum(np.linalg.solve(A + 0 * z, A[0] * z[0]) ** 2)", A=A)
    h = 1e-6

    derivative = grad(f, holomorphic=True)(Z)

    for step in (h, 1j * h):
        unit = np.array([step, 0, 0])
        assert derivative[0] == pytest.approx((f(Z + unit) - f(Z - unit)) / (2 * step), rel=1e-7)


def test_complex_derivative_of_a_loop_with_a_test_on_the_modulus() -> None:
    f = written("""
        def f(z):
            w = z
            while abs(w) < 10.0:
                w = w * w + z
            return w
    """)
    h = 1e-7

    derivative = grad(f, holomorphic=True)(1.2 + 0.4j)

    expected = (f(1.2 + 0.4j + h) - f(1.2 + 0.4j - h)) / (2 * h)
    assert derivative == pytest.approx(expected, rel=1e-6)


def test_complex_derivative_can_be_taken_twice() -> None:
    f = function("z**4")

    second = grad(grad(f, holomorphic=True), holomorphic=True)

    assert second(0.7 - 0.4j) == pytest.approx(12 * (0.7 - 0.4j) ** 2)


@pytest.mark.parametrize(
    ("body", "z", "error", "reason", "remedy"),
    [
        (
            "z * np.conj(z)", 1j, NoRule,
            "`np.conjugate` is not holomorphic, so `f` has no complex derivative",
            "Return a real number and leave `holomorphic` out.",
        ),
        (
            "z + abs(z)", 1j, NoRule, "`abs` is not holomorphic, so `f` has no complex derivative",
            "Return a real number and leave `holomorphic` out.",
        ),
        (
            "z * z", 0.5, WrongArgument,
            "with `holomorphic=True`, `z` is a complex number or array, and it is real",
            "Pass `z + 0j`, or leave `holomorphic` out.",
        ),
        (
            "abs(z)", 1j, WrongArgument,
            "with `holomorphic=True`, `f` returns a complex number, and it returns a real one",
            "Leave `holomorphic` out.",
        ),
    ],
)  # fmt: skip
def test_what_has_no_complex_derivative_is_refused(
    body: str, z: Any, error: type[DiffCompileError], reason: str, remedy: str
) -> None:
    with pytest.raises(error) as caught:
        grad(function(body), holomorphic=True)(z)

    assert caught.value.reason == reason
    assert remedy in caught.value.__notes__


def test_a_called_function_that_is_not_holomorphic_is_refused() -> None:
    f = written("""
        def squared(z):
            w = 2 * z
            return w * np.conj(w)

        def f(z):
            return squared(z) + 1.0
    """, "f")  # fmt: skip

    with pytest.raises(NoRule, match="not holomorphic"):
        grad(f, holomorphic=True)(1.0 + 1.0j)


def test_a_complex_result_is_refused_with_the_way_to_a_complex_derivative() -> None:
    with pytest.raises(WrongArgument) as caught:
        value_and_grad(function("z * z"))(1j)

    assert caught.value.reason == "`grad` needs a real result, and `f` returns a complex one"
    assert (
        "Return its real part or its absolute value, or say `holomorphic=True` for a complex derivative."
        in caught.value.__notes__
    )


def test_what_is_saved_of_a_complex_intermediate_has_a_real_cotangent_where_it_is_real() -> None:
    f = written("""
        def wound(z, x):
            s = abs(z)
            if s:
                v = np.conjugate(z) / s
            else:
                v = 0.0
            return 2 * x * s * v

        def f(x):
            g = wound(x + 1j, x)
            return g.real**2 + g.imag
    """, "f")  # fmt: skip

    assert grad(f)(1.5) == pytest.approx(16 * 1.5**3 - 2)
    assert grad(grad(f))(1.5) == pytest.approx(48 * 1.5**2)
