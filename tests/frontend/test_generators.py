"""A generator is run over in place."""

from __future__ import annotations

from graphs import VECTOR, lowered, written


def test_the_body_of_the_loop_stands_at_the_yield() -> None:
    text = """
    def squares(x):
        for v in x:
            yield v * v
    def f(x):
        t = 0.0
        for s in squares(x):
            t = t + s
        return t
    """
    graph = str(lowered(written(text), VECTOR))

    assert graph.count("for v in x") == 1
    assert "product = operator.mul(v, v)\n    t.3 = operator.add(t.2, product)\n" in graph


def test_iterators_of_the_library_stand_for_loops() -> None:
    text = "def f(x):\n    t = 0.0\n    for v in map(lambda v: v * v, x):\n        t = t + v\n    return t"

    assert "product = operator.mul(item, item)" in str(lowered(written(text), VECTOR))
