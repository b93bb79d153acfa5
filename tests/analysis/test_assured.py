"""What nothing reads need not check lengths that something read checks as well."""

from __future__ import annotations

import numpy as np
import pytest

from diffcompile import grad, hvp, jvp
from graphs import written

LOSS = written("""
def loss(w, x, y):
    p = 1 / (1 + np.exp(-(x @ w)))
    return -np.mean(y * np.log(p))
""")
W, X, Y = np.ones(3), np.ones((5, 3)), np.ones(5)


def test_a_product_that_nothing_reads_is_not_made_where_its_operands_meet_again() -> None:
    derivative = grad(LOSS)
    derivative(W, X, Y)

    assert "np.log" not in derivative.source.replace("return -np.mean(y * np.log(p))", "")


@pytest.mark.parametrize("run", [grad(LOSS), lambda *a: hvp(LOSS)(*a, W)], ids=["grad", "hvp"])
def test_lengths_that_differ_are_noticed_all_the_same(run) -> None:
    with pytest.raises(ValueError, match="could not be broadcast"):
        run(W, X, np.ones(4))


def test_what_meets_nowhere_else_is_checked() -> None:
    f = written("def f(x, k):\n    x * k\n    return np.sum(x**2)")

    for run in (grad(f), lambda x, k: jvp(f, (x, k), (x, None))):
        with pytest.raises(ValueError, match="could not be broadcast"):
            run(np.ones(3), np.ones(4))


def test_what_would_be_seen_before_the_error_is_not_passed(capsys: pytest.CaptureFixture[str]) -> None:
    f = written("""
    def f(x, k):
        unread = x * k
        print("passed")
        y = np.exp(x)
        return np.sum(y * np.sin(k))
    """)
    with pytest.raises(ValueError, match="could not be broadcast"):
        grad(f)(np.ones(3), np.ones(4))

    assert capsys.readouterr().out == ""
