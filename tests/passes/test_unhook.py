"""A hooked value is the value, wherever it is read."""

from __future__ import annotations

from diffcompile.passes.dce import dce
from diffcompile.passes.unhook import unhooked
from diffcompile.rules.hooks import cotangent_of
from graphs import lowered, shows, written


def test_hooks_are_dropped_and_what_they_gave_is_what_they_took() -> None:
    fn = written("""
        def f(x, n):
            y = x * 2.0
            with cotangent_of(y) as y_bar:
                y_bar = y_bar * x
            for _ in range(3):
                with cotangent_of(y) as y_bar:
                    y_bar = y_bar + 1.0
                y = y * y
            return y
    """, cotangent_of=cotangent_of)
    graph = dce(lowered(fn))

    shows(graph, """
        y = operator.mul(x, 2.0)
        y.2 = cotangent_of(y, x)
        range_out = range(3)
        y.6 = for _ in range_out, carrying y.3 = y.2:
          y.4 = cotangent_of(y.3)
          y.5 = operator.mul(y.4, y.4)
          yield y.5, False
        yield y.6
    """)
    shows(unhooked(graph), """
        y = operator.mul(x, 2.0)
        range_out = range(3)
        y.4 = for _ in range_out, carrying y.2 = y:
          y.3 = operator.mul(y.2, y.2)
          yield y.3, False
        yield y.4
    """)
