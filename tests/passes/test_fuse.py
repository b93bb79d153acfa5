"""Neighbouring branches of the adjoint on one test are one; those of the user stay two."""

from __future__ import annotations

from diffcompile.passes.fuse import fuse
from graphs import lowered, primal_values, shows, written

TEXT = """
def f(x, c):
    t = c > 0.0
    if t:
        a = x * 2.0
    else:
        a = x
    if t:
        b = a * a
    else:
        b = 1.0
    return b
"""


def test_two_branches_on_one_test_are_one() -> None:
    shows(fuse(lowered(written(TEXT)), set()), """
        t = operator.gt(c, 0.0)
        a.2, b.3 = if t:
          a = operator.mul(x, 2.0)
          b = operator.mul(a, a)
          yield a, b
        else:
          b.2 = literal(1.0)
          yield x, b.2
        yield b.3
    """)


def test_branches_of_the_primal_stay() -> None:
    graph = lowered(written(TEXT))

    assert str(fuse(graph, primal_values(graph))) == str(graph)


def test_what_a_try_handed_out_is_read_under_its_name_after_it() -> None:
    text = """
    def f(x):
        try:
            y = float(x)
        except ValueError:
            y = 0.0
        return y
    """
    graph = fuse(lowered(written(text)), set())

    assert "if completed" in str(graph)
