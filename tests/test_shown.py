"""Results that are, or show, what was given: a write into one is seen in the other, or refused."""

from __future__ import annotations

import textwrap
from typing import Any

import numpy as np
import pytest

from diffcompile import DiffCompileError, grad, jvp, linearize
from graphs import written
from oracles import slopes

X = np.array([0.5, 1.2, 0.3, 2.1])
DOT = np.array([0.3, -0.2, 0.7, 0.5])
RESULTS = """
y.conj()
y.conjugate()
np.conj(y)
np.conjugate(y)
np.asarray(y)
np.asanyarray(y)
np.asarray_chkfinite(y)
np.ascontiguousarray(y)
np.require(y)
np.positive(y)
+y
np.real(y)
y.real
np.real_if_close(y)
np.trim_zeros(y)
np.polyder(y, 0)
np.unwrap(y)
np.around(y, 3)
np.where(True, y, y)
np.pad(y, 0)
np.ravel(y)
y.ravel()
y.flatten()
y.squeeze()
y.view()
y[...]
y[:]
y[[0, 1, 2, 3]]
y[y > 0]
y.take([0, 1, 2, 3])
y.swapaxes(0, 0)
y.clip(0, 9)
y.astype(float)
y.astype(float, copy=False)
y.copy()
np.copy(y)
np.nan_to_num(y)
np.nan_to_num(y, copy=False)
np.array(y)
np.roll(y, 1)
np.repeat(y, 1)
np.tile(y, 1)
np.concatenate([y])
np.sort(y)
np.fft.fftshift(y)
np.compress([1, 1, 1, 1], y)
np.vstack([y])[0]
np.array([y])[0]
np.block([y])
np.triu(np.array([y]))[0]
np.atleast_1d(y)
np.atleast_2d(y)[0]
np.squeeze(y[None])
np.broadcast_to(y, (2, 4))[1]
np.linalg.matrix_power(np.diag(y), 1)[0]
np.einsum('i->i', y)
np.einsum('ii->i', np.outer(y, y))
np.einsum('ij->j', np.outer(y, y))
np.einsum('i,i->i', y, x)
np.broadcast_arrays(y, np.zeros((2, 4)))[0][1]
np.atleast_1d(y, x)[0]
np.meshgrid(y, copy=False)[0]
np.split(y, 1)[0]
np.flip(np.flip(y))
np.reshape(y, (2, 2)).reshape(-1)
np.outer(y, y).T.reshape(-1)[:4]
np.diag(np.outer(y, y))
np.diagonal(np.outer(y, y)) * 1
""".strip("\n").split("\n")
WRITES = {
    "into the result": "r[0] = x[2]\nreturn np.sum(y * r)",
    "into what was given": "y[0] = x[2] * x[1]\nreturn np.sum(y * r)",
    "into both": "y[0] = x[2] * r[1]\nr[1] = y[0] * x[3]\nreturn np.sum(y * r)",
}


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize("result", RESULTS)
def test_a_write_is_seen_where_numpy_shows_it_or_refused(result: str, write: str) -> None:
    body = textwrap.indent(f"y = x * 1\nr = {result}\n{WRITES[write]}", "    ")
    f = written(f"def f(x):\n{body}", "f")
    try:
        expected = slopes(f, X)
    except ValueError:
        return  # NumPy does not let it be written
    for way in (
        lambda: grad(f)(X) @ DOT,
        lambda: jvp(f, (X,), (DOT,))[1],
        lambda: linearize(f, X)[1](DOT),
    ):
        try:
            found = way()
        except DiffCompileError:
            continue
        np.testing.assert_allclose(found, expected @ DOT, rtol=1e-8, atol=1e-9)


# A is a matrix in Fortran's order, S a symmetric one, b and o are vectors.
OVERWRITING = """
r = sl.solve(A, b, overwrite_a=True, overwrite_b=True)
r = sl.solve(A, b, False, True, True)
r = sl.inv(A, overwrite_a=True)
r = sl.lu_solve(sl.lu_factor(A, overwrite_a=True), b, overwrite_b=True)
r = sl.cholesky(S, overwrite_a=True)
r = sl.cho_solve(sl.cho_factor(S, overwrite_a=True), b, overwrite_b=True)
r = sl.det(A, overwrite_a=True)
r = sl.eigvalsh(S, overwrite_a=True) ** 2
r = sl.eigh(S, overwrite_a=True)[0] ** 3
r = np.diag(sl.qr(A, overwrite_a=True)[1])
r = sl.svd(A, overwrite_a=True)[1]
r = sl.solve_triangular(A, b, lower=True, overwrite_b=True)
r = sl.lstsq(A, b, overwrite_a=True, overwrite_b=True)[0]
r = np.abs(sf.fft(b + 0j, overwrite_x=True)) ** 2
r = sf.dct(b, overwrite_x=True)
r = sl.solve_banded((0, 0), b[None] + 1, b, overwrite_b=True)
r = ss.detrend(b, overwrite_data=True)
r = np.median(b, overwrite_input=True)
r = np.percentile(b, 30, overwrite_input=True)
r = np.quantile(b, 0.3, None, None, True)
r = np.nanmedian(b, overwrite_input=True)
nd.gaussian_filter(b * 1, 1.0, output=b); r = b
nd.gaussian_filter(b, 1.0, output=o); r = o
nd.gaussian_filter(b, 1.0, 0, o); r = o
nd.convolve(b, np.array([1.0, 2.0, 0.5]), o); r = o
b.cumsum(0, None, o); r = o
b.clip(0.0, 2.0, o); r = o
b.take([0, 1, 1, 3], None, o); r = o
np.cumsum(b, 0, None, o); r = o
np.dot(A, b, o); r = o
A.dot(b, o); r = o
""".strip("\n").split("\n")


@pytest.mark.parametrize("program", OVERWRITING)
def test_leave_to_overwrite_changes_no_derivative(program: str) -> None:
    linalg = pytest.importorskip("scipy.linalg")
    fft, signal = pytest.importorskip("scipy.fft"), pytest.importorskip("scipy.signal")
    names = {"sl": linalg, "sf": fft, "ss": signal, "nd": pytest.importorskip("scipy.ndimage")}
    lines = [
        "A = np.asfortranarray(np.outer(x, x[::-1]) + 3 * np.eye(4))",
        "S = np.asfortranarray(np.outer(x, x) + 3 * np.eye(4))",
        "b, o = x * 2.0, np.zeros(4)",
        *program.split("; "),
        "return np.sum(r**2) + np.sum(r * x[0])",
    ]
    f = written("def f(x):\n" + "".join(f"    {line}\n" for line in lines), "f", **names)
    expected = slopes(f, X)
    np.testing.assert_allclose(grad(f)(X), expected, rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(jvp(f, (X,), (DOT,))[1], expected @ DOT, rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(linearize(f, X)[1](DOT), expected @ DOT, rtol=1e-6, atol=1e-7)


def test_what_a_generator_shuffles_is_another_order() -> None:
    def picked(x: Any, rng: Any) -> Any:
        order = np.arange(4)
        rng.shuffle(order)
        return x[order[0]] ** 2 * x[order[3]]

    def mixed(x: Any, rng: Any) -> Any:
        y = x * 2
        rng.shuffle(y)
        return np.sum(x * y)

    def given() -> Any:
        return np.random.default_rng(3)

    for f in (picked, mixed):
        expected = [(f(X + 1e-6 * u, given()) - f(X - 1e-6 * u, given())) / 2e-6 for u in np.eye(4)]
        np.testing.assert_allclose(grad(f)(X, given()), expected, rtol=1e-7, atol=1e-8)
