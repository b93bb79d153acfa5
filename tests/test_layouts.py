"""Writes through what reads an array in another order, which is a view of some layouts of memory.

    v = z.T.ravel(order="F")     sees z, if z is in C order
    v = z.ravel("F")             is a copy, if z is a matrix in C order
"""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from diffcompile.errors import UndecidedAlias
from oracles import converged, numeric_gradient
from test_random_mutation import PRELUDE, WRT, check, fresh_inputs
from test_random_programs import load

RIGHT = {
    "ravel F of C": """
        z = m * 1.0
        v = z.ravel("F")
        v[1] = a
        return np.sum(z * m)
    """,
    "np.ravel F of C": """
        z = m * 1.0
        v = np.ravel(z, "F")
        v[1] = a
        return np.sum(z * m)
    """,
    "np.ravel order F of C": """
        z = m * 1.0
        v = np.ravel(z, order="F")
        v[1] = a
        return np.sum(z * m)
    """,
    "ravel F of T": """
        z = m * 1.0
        v = z.T.ravel(order="F")
        v[1] = a * v[2]
        return np.sum(z * m * z)
    """,
    "ravel F of T positional": """
        z = m * 1.0
        v = z.T.ravel("F")
        v[1] = a * v[2]
        return np.sum(z * m * z)
    """,
    "reshape F of T": """
        z = m * 1.0
        v = z.T.reshape(-1, order="F")
        v[1] = a * v[2]
        return np.sum(z * m * z)
    """,
    "reshape F of T two axes": """
        z = m * 1.0
        v = z.T.reshape((6, 2), order="F")
        v[1] = a * v[2]
        return np.sum(z * m * z)
    """,
    "np.reshape F of T two axes": """
        z = m * 1.0
        v = np.reshape(z.T, (6, 2), "F")
        v[1, :] *= a
        return np.sum(z * m * z)
    """,
    "ravel F of vector": """
        z = x * 1.0
        v = z.ravel(order="F")
        v[1] = a * v[2]
        return np.sum(z * x * z)
    """,
    "ravel F of T in loop": """
        z = m * 1.0
        v = z.T.ravel(order="F")
        for i in range(5):
            v[i + 1] = a * v[i] * z[1, 1]
        return np.sum(z * m * z)
    """,
    "reshaped in F order and again": """
        z = m * 1.0
        w = np.reshape(z.T, (6, 2), "F")
        v = w.ravel("F")
        v[1] = a * v[2]
        return np.sum(z * m * z)
    """,
    "reshaped in F order and raveled": """
        z = m * 1.0
        w = np.reshape(z.T, (6, 2), "F")
        v = w.ravel()
        v[1] = a * v[2]
        return np.sum(z * m * z)
    """,
}

UNDECIDED = {
    "reshape F of C": """
        z = m * 1.0
        v = np.reshape(z, (4, 3), "F")
        v[1] = a
        return np.sum(z * m)
    """,
    "reshape method F of C": """
        z = m * 1.0
        v = z.reshape((4, 3), order="F")
        v[1] = a
        return np.sum(z * m)
    """,
    "ravel A": """
        z = m * 1.0
        v = z.ravel(order="A")
        v[1] = a * v[2]
        return np.sum(z * m * z)
    """,
    "ravel K of T": """
        z = m * 1.0
        v = z.T.ravel(order="K")
        v[1] = a * v[2]
        return np.sum(z * m * z)
    """,
    "a matrix made in F order": """
        z = np.zeros((3, 4), float, "F")
        z += m
        v = z.ravel()
        v[1] = a * v[2]
        return np.sum(z * m * z)
    """,
    "a copy in F order": """
        z = m.copy("F")
        v = z.ravel()
        v[1] = a * v[2]
        return np.sum(z * m * z)
    """,
    "a copy in F order raveled in it": """
        z = np.copy(m, "F")
        v = z.ravel("F")
        v[1] = a * v[2]
        return np.sum(z * m * z)
    """,
    "a cast in F order": """
        z = m.astype(float, "F")
        v = z.reshape(12)
        v[1] = a * v[2]
        return np.sum(z * m * z)
    """,
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("layouts")


@pytest.mark.parametrize("name", [*RIGHT, *UNDECIDED])
def test_write_through_another_order(name: str, folder: Path) -> None:
    body = textwrap.indent(textwrap.dedent((RIGHT | UNDECIDED)[name]), "    ")
    fn = load(f"{PRELUDE}\ndef f(x, y, m, a):{body}", folder)
    expected, error = numeric_gradient(fn, fresh_inputs, WRT)

    assert converged(expected, error, 1e-7)
    if name in RIGHT:
        check(fn, expected, error)
    else:
        with pytest.raises(UndecidedAlias):
            check(fn, expected, error)
