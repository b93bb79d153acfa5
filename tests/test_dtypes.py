"""Dtypes: every family keeps its precision, integers are replayed, what holds no numbers is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from diffcompile import grad, value_and_grad
from diffcompile.errors import DiffCompileError
from graphs import written

X = np.array([[1.1, -0.3, 0.7], [0.4, -1.2, 0.6], [-0.5, 0.9, 1.4]])
FAMILIES = [
    "np.sum(np.linalg.solve(x, x[0]) ** 2)",
    "np.sum(np.linalg.inv(x) ** 2)",
    "np.linalg.det(x)",
    "np.linalg.slogdet(x)[1]",
    "np.linalg.norm(x) + np.linalg.norm(x, np.inf) + np.linalg.norm(x[0], 3)",
    "np.sum(np.linalg.svd(x, full_matrices=False)[0][:, 0] ** 4)",
    "np.sum(np.linalg.eigh(x @ x.T)[1][:, 0] ** 4)",
    "np.sum(np.abs(np.linalg.eigvals(x)))",
    "np.sum(np.linalg.cholesky(x @ x.T + np.eye(3, dtype=x.dtype)))",
    "np.sum(np.linalg.qr(x)[0] ** 3)",
    "np.sum(np.linalg.lstsq(x[:, :2], x[:, 2], rcond=None)[0] ** 2)",
    "np.sum(np.linalg.pinv(x[:, :2]) ** 2)",
    "np.linalg.cond(x)",
    "np.sum(np.linalg.matrix_power(x, 3))",
    "np.sum(np.linalg.multi_dot([x, x, x]))",
    "np.sum((x @ x) * x)",
    "np.einsum('ij,jk,ik->', x, x, x)",
    "np.tensordot(x, x, 2)",
    "np.sum(np.kron(x, x) ** 2)",
    "np.sum(np.cross(x, x[::-1]) ** 2)",
    "np.sum(np.abs(np.fft.fft(x)) ** 2)",
    "np.sum(np.abs(np.fft.rfftn(x)) ** 2)",
    "np.sum(np.fft.irfft(np.fft.rfft(x), 3) ** 3)",
    "np.sum(np.polyval(x[0], x[1]))",
    "np.sum(np.polymul(x[0], x[1]) ** 2)",
    "np.sum(np.polynomial.chebyshev.chebval(x[0], x[1]))",
    "np.sum(np.polynomial.chebyshev.chebfit(x[0], x[1], 1) ** 2)",
]
TOLERANCE = {np.float16: 0.1, np.float32: 2e-3, np.longdouble: 1e-9}


def function(body: str, **names: Any) -> Callable[..., Any]:
    return written(f"def f(x): return {body}", **names)


def taken(f: Callable[..., Any], x: Any) -> bool:
    """Does NumPy itself take an array of this dtype here?"""
    try:
        f(x)
    except (TypeError, ValueError, np.linalg.LinAlgError):
        return False
    return True


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("body", FAMILIES)
def test_gradient_has_the_precision_of_its_argument(body: str, dtype: Any) -> None:
    f = function(body)
    x = X.astype(dtype)
    if not taken(f, x):
        with pytest.raises((TypeError, ValueError, np.linalg.LinAlgError)):
            grad(f)(x)
        return

    value, gradient = value_and_grad(f)(x)

    assert np.asarray(value).dtype == np.asarray(f(x)).dtype
    assert gradient.dtype == dtype
    expected = grad(f)(X)
    bound = TOLERANCE[dtype] * (1.0 + np.abs(expected).max())
    np.testing.assert_allclose(gradient.astype(float), expected, rtol=TOLERANCE[dtype], atol=bound)


@pytest.mark.parametrize(
    "body",
    [
        "np.sum(np.asarray(x, np.float32) ** 2)",
        "np.sum(x.astype(np.float32) ** 2)",
        "np.sum(x.astype(np.float16) * np.float16(2.0))",
        "np.sum(np.linalg.inv(x.astype(np.float32)))",
    ],
)
def test_gradient_of_a_narrowed_computation_has_the_precision_of_the_argument(body: str) -> None:
    assert grad(function(body))(X).dtype == np.float64


def test_integers_and_bools_carry_nothing_and_are_replayed() -> None:
    f = written("""
        def f(x):
            order = np.argsort(x)
            count = int(np.sum(x > 1.0))
            steps = x.astype(np.int64)
            return x[order[0]] * count + np.sum(steps * x) + np.linalg.matrix_rank(np.outer(x, x)) * x[1]
    """)

    np.testing.assert_allclose(grad(f)(np.array([3.7, 2.2, 0.4])), [3.0, 3.0, 2.0])


ARGUMENTS = [
    (np.ma.masked_array(np.ones(3), [0, 1, 0]), "`x` is a MaskedArray"),
    (np.ones((1, 3)).view(np.matrix), "`x` is a matrix"),
    (np.ones(3, object), "`x` is an array of object, which has no derivative"),
    (np.array(["a", "b"]), "`x` is an array of <U1, which has no derivative"),
    (np.ones(3, [("v", "f8")]), "`x` is an array of [('v', '<f8')], which has no derivative"),
    (np.array(["2020-01-01"], "M8[D]"), "`x` is an array of datetime64[D], which has no derivative"),
    (np.array([1], "m8[s]"), "`x` is an array of timedelta64[s], which has no derivative"),
]


@pytest.mark.parametrize(("x", "reason"), ARGUMENTS, ids=[reason for _, reason in ARGUMENTS])
def test_an_argument_that_is_no_plain_array_is_refused(x: Any, reason: str) -> None:
    with pytest.raises(DiffCompileError) as caught:
        grad(written("def f(y, x): return np.sum(y * x)"))(np.ones(3), x)

    assert caught.value.reason == reason


MASKED = (
    "a masked array is not differentiated",
    "Keep the mask beside the data: `np.where(mask, 0.0, x)`, or `np.sum(x, where=~mask)`.",
)
MATRIX = ("an `np.matrix` is not differentiated", "Use arrays: `@` is their matrix product.")
OBJECTS = ("an array of objects is not differentiated", "Use a list, or an array of floats.")
INTERMEDIATE = [
    ("np.sum(np.ma.masked_array(x, [0, 1, 0]) ** 2)", *MASKED),
    ("np.ma.masked_where(x > 1.0, x).sum()", *MASKED),
    ("np.sum(np.matrix(x))", *MATRIX),
    ("np.sum(np.asmatrix(x))", *MATRIX),
    ("np.sum(x.astype(object) ** 2)", *OBJECTS),
    ("np.sum(np.array(x, dtype=object) ** 2)", *OBJECTS),
    ("np.sum(np.array(x, 'O') ** 2)", *OBJECTS),
    (
        "np.sum(x.astype(str).astype(float))", "an array of text is not differentiated",
        "Make numbers of it outside: `x.astype(float)`.",
    ),
    (
        "np.sum(x.astype('m8[s]').astype(float))", "an array of time spans is not differentiated",
        "Count the time in floats.",
    ),
    (
        "np.sum(x * np.zeros(3, [('v', float)])['v'])", "a structured array is not differentiated",
        "Use one array for each field.",
    ),
    (
        "np.sum(np.zeros(3, 'M8[s]').astype(float) * x)", "an array of dates is not differentiated",
        "Count the time in floats.",
    ),
    (
        "np.sum(np.polynomial.Polynomial(x)(2.0))", "an object that is a polynomial is not differentiated",
        "Keep its coefficients in an array: `np.polynomial.polynomial.polyval(x, c)`, or `np.polyval(p, x)`.",
    ),
    (
        "np.poly1d(x)(2.0)", "an object that is a polynomial is not differentiated",
        "Keep its coefficients in an array: `np.polynomial.polynomial.polyval(x, c)`, or `np.polyval(p, x)`.",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("body", "reason", "remedy"), INTERMEDIATE, ids=[body for body, *_ in INTERMEDIATE])
def test_an_intermediate_that_is_no_plain_array_is_refused(body: str, reason: str, remedy: str) -> None:
    with pytest.raises(DiffCompileError) as caught:
        grad(function(body))(np.ones(3))

    assert caught.value.reason == reason
    assert remedy in caught.value.__notes__


OUTSIDE = [
    (np.ma.masked_array(np.ones(3), [0, 1, 0]), MASKED[0]),
    (np.ones(3, object), OBJECTS[0]),
    (np.array([1, 2, 3], "m8[s]"), "an array of time spans is not differentiated"),
    (np.polynomial.Polynomial([1.0, 2.0]), "an object that is a polynomial is not differentiated"),
]


@pytest.mark.parametrize(("m", "reason"), OUTSIDE, ids=[reason for _, reason in OUTSIDE])
def test_a_global_that_is_no_plain_array_is_refused(m: Any, reason: str) -> None:
    called = isinstance(m, np.polynomial.Polynomial)

    with pytest.raises(DiffCompileError) as caught:
        grad(function("np.sum(M(x))" if called else "np.sum(x * M)", M=m))(np.ones(3))

    assert caught.value.reason == (reason if called else f"`M`: {reason}")


@pytest.mark.parametrize("text", ["np.split(a, 2)", "np.array_split(a, [2])", "np.hsplit(a, 2)"])
def test_parts_of_single_precision_give_single_precision_back(text: str) -> None:
    weights = np.ones(3, np.float32)
    total = "np.sum(W[:out[0].size] * out[0]) + np.sum(out[1])"
    f = written(f"def f(a):\n    out = {text}\n    return {total}", W=weights)
    found = grad(f)(np.arange(6, dtype=np.float32))

    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, np.ones(6))


def test_gradient_through_a_called_function_is_in_single_precision() -> None:
    def scale(x, g):
        unused = 1  # noqa: F841
        return g * x

    def f(x, g):
        h = scale(x, g)
        rows, columns = x.shape
        return np.sum(h / columns) * rows

    x, g = np.ones((3, 4), np.float32), np.ones(4, np.float32)
    assert [a.dtype for a in grad(f, (0, 1))(x, g)] == [np.float32, np.float32]
