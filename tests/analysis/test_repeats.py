"""Reads that repeat another one cannot raise."""

from __future__ import annotations

import numpy as np
import pytest

from diffcompile import grad, value_and_grad
from diffcompile.analysis.repeats import repeats
from graphs import MATRIX, VECTOR, Type, lowered, written


def repeated(text: str, *specs: Type) -> list[str]:
    graph = lowered(written(text), *specs)
    return sorted(v.name for v in repeats(graph.region))


def test_a_row_read_again_after_a_write() -> None:
    text = "def f(m):\n    r = m[2]\n    m[0] = 1.0\n    s = m[2]\n    return np.sum(s)"

    assert repeated(text, MATRIX) == ["s"]


def test_a_row_read_after_it_was_written() -> None:
    assert repeated("def f(m):\n    m[2] = 1.0\n    s = m[2]\n    return np.sum(s)", MATRIX) == ["s"]


def test_a_row_read_in_one_branch_may_be_missing_in_the_other() -> None:
    text = """
        def f(m, a):
            m[0] = 1.0
            if a > 0.0:
                r = m[2]
                m[0] = np.sum(r)
            s = m[2]
            return np.sum(s)
    """

    assert "s" not in repeated(text, MATRIX)


def test_another_array_is_another_question() -> None:
    text = "def f(x):\n    r = x[2:]\n    x = x[1:]\n    s = x[2:]\n    return np.sum(s)"

    assert repeated(text, VECTOR) == []


def test_what_depends_on_the_numbers_is_asked_again() -> None:
    text = """
        def f(x):
            x[0] = 1.0
            r = np.sum(np.trim_zeros(x))
            x[0] = 0.0
            s = np.sum(np.trim_zeros(x))
            return s * r
    """

    assert repeated(text, VECTOR) == []


@pytest.mark.parametrize("statement", ["r = m[i]", "r = m[i, :]", "r = m[i][::-1]", "r = m.T[i]"])
def test_no_read_is_left_for_itself(statement: str) -> None:
    gradient = grad(
        written(f"""
        def f(x):
            m = x.copy().reshape(2, 2)
            for i in range(2):
                {statement}
                r[:] = r[::-1] * x[i]
            return np.sum(m)
    """)
    )
    gradient(np.array([1.0, 2.0, 3.0, 4.0]))

    assert "_ = " not in gradient.source
    assert "r[:] = r[::-1] * x[i]" in gradient.source
    assert gradient.source.count("reshape(2, 2)") == 2  # the line, and the comment that shows it
    inside = [line for line in gradient.source.splitlines() if line.startswith("        ")]
    assert sum("copy" in line for line in inside) == 2  # of the row, in each pass


def test_an_index_out_of_range_is_still_found() -> None:
    fn = written("def f(x):\n    y = x * 1.0\n    y[0] = 2.0\n    unused = y[k]\n    return np.sum(y)", k=5)

    with pytest.raises(IndexError):
        value_and_grad(fn)(np.ones(3))
