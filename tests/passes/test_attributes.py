"""What a solver returns is read behind its call, and once."""

from __future__ import annotations

import pytest

from diffcompile.passes.attributes import read_where_solved
from diffcompile.passes.dce import dce
from graphs import lowered, shows, written

optimize = pytest.importorskip("scipy.optimize")

LOOP = """
    def f(x):
        sol = optimize.root_scalar(lambda y: y**3 - x, bracket=(0.0, 9.0))
        for _ in range(3):
            x = x + sol.root * sol.root
        return x
"""


def test_an_attribute_that_a_loop_reads_is_read_behind_the_call() -> None:
    graph = dce(lowered(written(LOOP, optimize=optimize)))

    shows(read_where_solved(graph, everywhere=False), """
        function = pack_function(<Function>, x)
        sol = scipy.optimize.root_scalar(function, bracket=(0.0, 9.0))
        root = getattr(sol, 'root')
        range_out = range(3)
        x.4 = for _ in range_out, carrying x.2 = x:
          product = operator.mul(root, root)
          x.3 = operator.add(x.2, product)
          yield x.3, False
        yield x.4
    """)


def test_what_is_read_where_the_solver_is_called_stays_there() -> None:
    graph = dce(lowered(written("""
        def f(x):
            sol = optimize.root_scalar(lambda y: y**3 - x, bracket=(0.0, 9.0))
            y = x * 2.0
            return y * sol.root
    """, optimize=optimize)))

    assert read_where_solved(graph, everywhere=False) is graph


def test_a_program_without_a_solver_is_left_alone() -> None:
    graph = lowered(written("def f(x): return x * 2.0"))

    assert read_where_solved(graph) is graph
