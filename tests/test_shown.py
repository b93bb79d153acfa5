"""Results that are, or show, what was given: a write into one is seen in the other, or refused."""

from __future__ import annotations

import textwrap

import numpy as np
import pytest

from diffcompile import DiffCompileError, grad, jvp, linearize
from graphs import written

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
        coarse, fine = (
            np.array([(f(X + h * u) - f(X - h * u)) / (2 * h) for u in np.eye(4)]) for h in (1e-4, 5e-5)
        )
    except ValueError:
        return  # NumPy does not let it be written
    expected = (4 * fine - coarse) / 3
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
