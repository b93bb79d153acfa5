"""Linear algebra in use: typical models, random shapes and options, singular and degenerate points."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diffcompile import grad, vjp
from diffcompile.errors import NoRule
from graphs import written

PEERS = [name for name in ("autograd", "jax") if importlib.util.find_spec(name) is not None]
rng = np.random.default_rng(5)
SPD = np.array([[2.0, 0.5, -0.3], [0.5, 1.5, 0.2], [-0.3, 0.2, 1.0]])
MATRIX = np.array([[1.1, -0.3, 0.7], [0.4, -1.2, 0.6], [-0.5, 0.9, 1.4]])


def slopes(f: Callable[..., Any], args: tuple[Any, ...], k: int, symmetric: bool = False) -> Any:
    """The gradient by central differences of order 4, at two step sizes that must agree."""
    x = np.asarray(args[k], float)
    found = []
    for h in (1e-3, 5e-4):
        out = np.zeros_like(x)
        for at in np.ndindex(*x.shape):
            unit = np.zeros_like(x)
            unit[at] = h
            if symmetric:
                unit = (unit + unit.swapaxes(-1, -2)) / 2
            values = [f(*args[:k], x + s * unit, *args[k + 1 :]) for s in (-2, -1, 1, 2)]
            out[at] = np.dot([1 / 12, -8 / 12, 8 / 12, -1 / 12], values) / h
        found.append(out)
    np.testing.assert_allclose(found[0], found[1], rtol=1e-5, atol=1e-7)
    return found[1]


def assert_gradients(f: Callable[..., Any], *args: Any, symmetric: bool = False) -> None:
    gradients = grad(f, argnums=tuple(range(len(args))))(*args)
    for k, gradient in enumerate(gradients):
        expected = slopes(f, args, k, symmetric and k == 0)
        np.testing.assert_allclose(gradient, expected, rtol=1e-6, atol=1e-7)
        assert gradient.shape == np.shape(args[k])


MODELS = {
    "ridge regression": """
        def f(X, y, w):
            A = X.T @ X + 0.5 * np.eye(3)
            beta = np.linalg.solve(A, X.T @ y)
            return np.sum(w * (y - X @ beta) ** 2)
    """,
    "principal components": """
        def f(X):
            centred = X - np.mean(X, axis=0)
            u, s, vt = np.linalg.svd(centred, full_matrices=False)
            return np.sum((u[:, :2] * s[:2]) ** 4) + np.sum(vt[0] ** 4)
    """,
    "attention": """
        def f(q, k, v):
            s = np.einsum('hqd,hkd->hqk', q, k) / np.sqrt(q.shape[-1])
            p = np.exp(s - np.max(s, axis=-1, keepdims=True))
            p = p / np.sum(p, axis=-1, keepdims=True)
            return np.sum(np.einsum('hqk,hkd->hqd', p, v) ** 2)
    """,
    "whitening": """
        def f(X):
            C = X.T @ X / X.shape[0]
            w, v = np.linalg.eigh(C)
            Z = X @ (v / np.sqrt(w)) @ v.T
            return np.sum(Z ** 4)
    """,
    "a chain of products": """
        def f(a, b, c):
            return np.sum(np.linalg.multi_dot([a, b.T, c]) ** 2) + np.trace(np.linalg.pinv(a) @ c)
    """,
    "a filter in the frequencies": """
        def f(x, h):
            n = 8
            y = np.fft.irfft(np.fft.rfft(x.ravel(), n) * np.fft.rfft(h.ravel(), n), n)
            return np.sum(y ** 3)
    """,
}
DATA = {
    "ridge regression": (rng.normal(size=(5, 3)), rng.normal(size=5), rng.uniform(0.5, 1.5, 5)),
    "principal components": (rng.normal(size=(5, 3)),),
    "attention": tuple(rng.normal(size=(2, 3, 4)) for _ in range(3)),
    "whitening": (rng.normal(size=(6, 3)),),
    "a chain of products": tuple(rng.normal(size=(3, 3)) for _ in range(3)),
    "a filter in the frequencies": (rng.normal(size=(2, 3)), rng.normal(size=3)),
}


@pytest.mark.parametrize("name", MODELS)
def test_gradient_of_a_model_agrees_with_differences(name: str) -> None:
    assert_gradients(written(MODELS[name]), *DATA[name])


@pytest.mark.parametrize("name", [n for n in MODELS if n != "a chain of products"])
@pytest.mark.parametrize("peer", PEERS)
def test_gradient_of_a_model_agrees_with_others(peer: str, name: str) -> None:
    if peer == "jax":
        importlib.import_module("jax").config.update("jax_enable_x64", True)
    other = importlib.import_module(f"{peer}.numpy")
    expected = importlib.import_module(peer).grad(written(MODELS[name], np=other))(*DATA[name])

    np.testing.assert_allclose(grad(written(MODELS[name]))(*DATA[name]), expected, rtol=1e-8, atol=1e-9)


def test_gaussian_log_likelihood_by_cholesky_agrees_with_symmetric_differences() -> None:
    f = written("""
        def f(K, y):
            L = np.linalg.cholesky(K)
            z = np.linalg.solve(L, y)
            return 0.5 * z @ z + np.sum(np.log(np.diag(L)))
    """)
    y = np.array([1.0, -0.5, 0.3])

    assert_gradients(f, SPD, y, symmetric=True)
    alpha = np.linalg.solve(SPD, y)
    np.testing.assert_allclose(grad(f)(SPD, y), 0.5 * (np.linalg.inv(SPD) - np.outer(alpha, alpha)))


# Random shapes and options

SIZES = st.integers(1, 3)
BATCH = st.lists(SIZES, max_size=2).map(tuple)


@given(BATCH, BATCH, SIZES, SIZES, SIZES, st.integers(0, 1000))
@settings(max_examples=30, deadline=None)
def test_product_of_stacks_broadcasts(left: Any, right: Any, n: int, m: int, k: int, seed: int) -> None:
    pairs = zip(left[::-1], (*right[::-1], *left), strict=False)
    left = tuple(a if a == b or b == 1 else 1 for a, b in pairs)[::-1]
    random = np.random.default_rng(seed)
    a, b = random.normal(size=(*left, n, m)), random.normal(size=(*right, m, k))
    f = written("def f(a, b): return np.sum((a @ b) ** 2)")

    assert_gradients(f, a, b)


@given(st.data())
@settings(max_examples=40, deadline=None)
def test_contraction_of_any_letters(data: st.DataObject) -> None:
    letters = "ijk"
    sizes = dict(zip(letters, data.draw(st.tuples(SIZES, SIZES, SIZES)), strict=True))
    terms = [data.draw(st.text(letters, max_size=3)) for _ in range(data.draw(st.integers(1, 3)))]
    used = sorted(set("".join(terms)))
    output = "".join(data.draw(st.permutations(used)))[: data.draw(st.integers(0, len(used)))]
    random = np.random.default_rng(data.draw(st.integers(0, 1000)))
    args = tuple(random.normal(size=tuple(sizes[c] for c in term)) for term in terms)
    names = "abc"[: len(terms)]
    spec = f"{','.join(terms)}->{output}"
    f = written(f"def f({', '.join(names)}): return np.sum(np.einsum('{spec}', {', '.join(names)}) ** 2)")

    assert_gradients(f, *args)


@given(
    st.sampled_from([None, 1, 2, 3, 2.5, np.inf, -np.inf]), st.sampled_from([None, 0, 1, -1]), st.booleans(),
    st.integers(0, 1000),
)  # fmt: skip
@settings(max_examples=30, deadline=None)
def test_norm_of_any_order(order: Any, axis: Any, keepdims: bool, seed: int) -> None:
    random = np.random.default_rng(seed)
    x = (0.3 + 0.2 * random.permutation(12)) * random.choice([-1.0, 1.0], 12)
    x = x if axis is None else x.reshape(3, 4)
    body = "np.sum(np.linalg.norm(x, ORDER, AXIS, KEEP) ** 2)"
    f = written(f"def f(x): return {body}", ORDER=order, AXIS=axis, KEEP=keepdims)

    assert_gradients(f, x)


@given(st.integers(1, 6), st.integers(1, 8), st.sampled_from([None, "ortho", "forward"]), st.integers(0, 99))
@settings(max_examples=30, deadline=None)
def test_transform_of_any_length(length: int, n: int, norm: Any, seed: int) -> None:
    random = np.random.default_rng(seed)
    x, w = random.normal(size=(2, length)), random.normal(size=(2, n // 2 + 1))
    body = "np.sum(np.real(np.fft.rfft(x, N, norm=NORM) * np.exp(1j * w)) ** 2)"
    f = written(f"def f(x, w): return {body}", N=n, NORM=norm)

    assert_gradients(f, x, w)


# Awkward points


def test_empty_and_one_by_one_matrices() -> None:
    f = written("def f(a, b): return np.sum(np.linalg.solve(a, b)) + np.linalg.det(a)")

    empty = grad(f, argnums=(0, 1))(np.zeros((0, 0)), np.zeros((0, 2)))
    single = grad(f, argnums=(0, 1))(np.array([[2.0]]), np.array([[6.0]]))

    assert [g.shape for g in empty] == [(0, 0), (0, 2)]
    np.testing.assert_allclose(single, [[[-1.5 + 1.0]], [[0.5]]])


def test_second_derivative_of_a_determinant_exists_at_singular_matrices() -> None:
    f = written("def f(a): return np.linalg.det(a)")
    a, v = np.array([[1.0, 2.0, 0.5], [2.0, 4.0, 1.0], [0.3, -0.2, 0.8]]), MATRIX
    h = 1e-5

    _, pullback = vjp(grad(f), a)

    expected = (grad(f)(a + h * v) - grad(f)(a - h * v)) / (2 * h)
    np.testing.assert_allclose(pullback(v)[0], expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("np.sum(np.linalg.eigh(a)[0] ** 2)", 2 * np.eye(3)),
        ("np.sum(np.linalg.eigvalsh(a) ** 3)", 3 * np.eye(3)),
        ("np.sum(np.linalg.svd(a, compute_uv=False) ** 2)", 2 * np.eye(3)),
        ("np.linalg.norm(a, 'nuc')", np.eye(3)),
        ("np.real(np.sum(np.linalg.eigvals(a) ** 2))", 2 * np.eye(3)),
        ("np.linalg.cond(a)", np.zeros((3, 3))),
    ],
)
def test_symmetric_functions_of_a_degenerate_spectrum_are_finite(body: str, expected: Any) -> None:
    np.testing.assert_allclose(grad(written(f"def f(a): return {body}"))(np.eye(3)), expected, atol=1e-12)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("np.sum(np.linalg.eigh(a)[1] * W)", "the vectors of repeated values have no derivative"),
        ("np.sum(np.linalg.svd(a)[0] * W)", "the vectors of repeated values have no derivative"),
        (
            "np.sum(np.linalg.svd(a[:, :2])[0] * W)",
            "the vectors that complete a basis have no derivative: use the reduced factorisation",
        ),
        (
            "np.sum(np.linalg.qr(a[:, :2], mode='complete')[0] * W)",
            "the vectors that complete a basis have no derivative: use the reduced factorisation",
        ),
        (
            "np.real(np.sum(np.roots(np.array([1.0, -2.0, 1.0]) * a[0, 0])))",
            "a repeated root has no derivative",
        ),
    ],
)
def test_vectors_that_are_not_determined_are_reported(body: str, reason: str) -> None:
    f = written(f"def f(a): return {body}", W=MATRIX)

    with pytest.raises(np.linalg.LinAlgError) as caught:
        grad(f)(np.eye(3))

    assert str(caught.value) == reason


def test_vectors_of_separate_values_are_fine_where_others_are_repeated() -> None:
    f = written("def f(a): return np.linalg.eigh(a)[1][2, 2] ** 2")

    np.testing.assert_allclose(grad(f)(np.diag([1.0, 1.0, 3.0])), np.zeros((3, 3)), atol=1e-12)


def test_full_singular_vectors_may_be_computed_where_the_first_ones_are_used() -> None:
    f = written("def f(a): return np.sum(np.linalg.svd(a)[0][:, :2] ** 4)")

    assert_gradients(f, MATRIX[:, :2])


def test_pseudo_inverse_of_a_matrix_without_full_rank_moves_with_matrices_of_that_rank() -> None:
    f = written("def f(b, c): return np.sum(np.linalg.pinv(np.outer(b, c)) ** 3)")

    assert_gradients(f, np.array([1.0, -0.5, 2.0]), np.array([0.3, 1.2]))


def test_fields_of_named_results_are_read() -> None:
    f = written("""
        def f(a):
            q = np.linalg.qr(a)
            s = np.linalg.svd(a)
            e = np.linalg.eigh(a @ a.T)
            logdet = np.linalg.slogdet(a).logabsdet
            return np.sum(q.Q**3 + q.R**2) + np.sum(s.S) + np.sum(e.eigenvalues**2) + logdet
    """)

    assert_gradients(f, MATRIX)


def test_lists_of_numbers_are_matrices() -> None:
    f = written("""
        def f(x):
            a = [[x[0], 1.0], [2.0, x[1]]]
            y = np.linalg.solve(a, [x[1], x[0]])
            return np.linalg.det(a) + np.sum(y) + np.dot([x[0], x[1]], [x[1], 3.0])
    """)

    assert_gradients(f, np.array([3.0, 5.0]))


def test_second_derivative_of_a_list_that_was_read_as_an_array() -> None:
    f = written("def f(x): return np.linalg.norm([x * x, 2.0 * x])")
    h = 1e-5

    _, pullback = vjp(grad(f), 1.5)

    assert pullback(1.0)[0] == pytest.approx((grad(f)(1.5 + h) - grad(f)(1.5 - h)) / (2 * h), rel=1e-7)


def test_order_of_a_norm_is_differentiated() -> None:
    f = written("def f(p, x): return np.linalg.norm(x, p)")
    x = np.array([1.0, -2.0, 0.5])
    h = 1e-6

    assert grad(f)(2.5, x) == pytest.approx((f(2.5 + h, x) - f(2.5 - h, x)) / (2 * h), rel=1e-8)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (
            "np.sum(np.linalg.qr(a, mode='raw')[0])",
            "no derivative is known for `np.linalg.qr` with respect to `a`: the factor q is given by its "
            "reflectors",
        ),
        (
            "np.sum(np.matmul(a, a.T, dtype=np.float64))",
            "the derivative of `np.matmul` is not known for this call: `_`: got an unexpected keyword "
            "argument 'dtype'",
        ),
        (
            "np.polyfit(a[0], a[1], 1, cov=True)[1][0, 0]",
            "no derivative is known for `np.polyfit` with respect to `item`: the statistics of the fit are "
            "differentiated",
        ),
    ],
)
def test_what_has_no_rule_is_refused(body: str, reason: str) -> None:
    with pytest.raises(NoRule) as caught:
        grad(written(f"def f(a): return {body}"))(np.arange(12.0).reshape(3, 4))

    assert caught.value.reason == reason


# What reads well


def test_gradient_of_a_log_determinant_is_one_inverse() -> None:
    gradient = grad(written("def f(a): return np.linalg.slogdet(a)[1]"))
    gradient(SPD)

    assert "    a_bar = np.linalg.inv(a).T\n\n    return a_bar\n" in gradient.source


def test_gradient_of_a_least_squares_solution_reads_as_two_solves() -> None:
    gradient = grad(written("def f(a, b): return np.sum(np.linalg.solve(a, b) ** 2)"), argnums=(0, 1))
    gradient(SPD, SPD[0])

    assert "b_bar = np.linalg.solve(a.T, 2 * solve_out)" in gradient.source
    assert "a_bar = -np.outer(b_bar, solve_out)" in gradient.source
