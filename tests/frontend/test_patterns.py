"""What is decided of a `match` when compiling, and what is left to branch on."""

from __future__ import annotations

from diffcompile.ir.graph import Const
from graphs import FLOAT, lowered, shows, written


def test_a_known_subject_leaves_one_branch() -> None:
    text = "def f(x, k):\n    match k:\n        case 'a': return x * x\n        case _: return x"

    shows(lowered(written(text), FLOAT, Const("a")), """
        product = operator.mul(x, x)
        yield product
    """)


def test_items_known_one_by_one_are_captured_without_an_instruction() -> None:
    text = """
    def f(x):
        match (x, 2.0):
            case (a, b, c): return c
            case (a, b) if a > b: return a
            case _: return 0.0
    """

    shows(lowered(written(text)), """
        gt_out = operator.gt(x, 2.0)
        result = if gt_out:
          yield x
        else:
          yield 0.0
        yield result
    """)
