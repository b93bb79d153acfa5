"""The same program gives the same text, whatever the order of sets and dicts of strings in the interpreter."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
NAMES = [
    "black_scholes_call", "pursuit", "huber", "thomas_algorithm", "bubble_sort", "runge_kutta", "mlp_with_a_dict",
    "ten_layers", "attention", "lstm", "kalman_matrix", "nested_parameters",
]  # fmt: skip
RUN = """
import json, sys
sys.path.insert(0, "tests")
from diffcompile import value_and_grad
from programs import PROGRAMS

sources = {}
for program in PROGRAMS:
    if program.name in sys.argv[1:]:
        derivative = value_and_grad(program.fn, argnums=program.wrt)
        derivative(*program.make_inputs())
        sources[program.name] = derivative.source + derivative.graph_text
json.dump(sources, sys.stdout)
"""


def sources(seed: str) -> dict[str, str]:
    """Source and graph of each program, from an interpreter of its own."""
    command = [sys.executable, "-c", RUN, *NAMES]
    environment = {**os.environ, "PYTHONHASHSEED": seed}
    run = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120)

    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


@pytest.fixture(scope="module")
def both() -> tuple[dict[str, str], dict[str, str]]:
    return sources("1"), sources("4242")


@pytest.mark.parametrize("name", NAMES)
def test_source_and_graph_do_not_depend_on_the_hash_seed(
    name: str, both: tuple[dict[str, str], dict[str, str]]
) -> None:
    one, other = both

    assert one[name] == other[name]


def test_compiling_again_gives_the_same_source() -> None:
    assert sources("7") == sources("7")
