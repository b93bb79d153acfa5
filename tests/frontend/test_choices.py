"""Functions of which one is called: a branch for each."""

from __future__ import annotations

import math

from graphs import FLOAT, Type, lowered, shows, written


def test_a_list_of_functions_is_a_branch_for_each() -> None:
    text = "def f(x, k):\n    return [math.sin, math.cos][k](x)"

    shows(lowered(written(text, math=math), FLOAT, Type("int")), """
        items = pack_list(0, 1)
        item = operator.getitem(items, k)
        eq_out = operator.eq(item, 0)
        value = if eq_out:
          sin_out = math.sin(x)
          yield sin_out
        else:
          cos_out = math.cos(x)
          yield cos_out
        yield value
    """)
