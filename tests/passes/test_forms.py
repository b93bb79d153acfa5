"""What asks only for an array's form asks the first version of it."""

from __future__ import annotations

import pytest

from diffcompile.passes.forms import forms
from graphs import VECTOR, body, lowered, written


def asked(text: str) -> str:
    return body(forms(lowered(written(text), VECTOR)))


def test_the_form_after_a_write_is_that_before_it() -> None:
    text = asked("def f(x):\n    y = np.exp(x)\n    y[0] = 2.0\n    return np.sum(y) * len(y)")

    assert "len(y)" in text and "np.sum(y.2)" in text


def test_the_form_after_a_loop_of_writes_is_that_before_it() -> None:
    text = asked("""
        def f(x):
            y = np.exp(x)
            for i in range(3):
                y[i] = y[i] * y.size
            return np.sum(np.zeros_like(y))
    """)

    assert "np.zeros_like(y)" in text and "size(y)" in text


@pytest.mark.parametrize("change", ["y = y[1:] * 1.0", "y = np.append(y, 1.0)", "y = y * 2.0"])
def test_another_array_has_its_own_form(change: str) -> None:
    text = asked(f"def f(x):\n    y = np.exp(x)\n    for i in range(2):\n        {change}\n    return len(y)")

    assert "len(y)" not in text


def test_a_list_is_asked_itself() -> None:
    text = "def f(x):\n    y = []\n    for i in range(3):\n        y.append(x)\n    return np.sum(x) * len(y)"

    assert "len(y)" not in asked(text).splitlines()[-2]
