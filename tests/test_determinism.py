"""The same program gives the same text in every interpreter, whatever its hash seed."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
NAMES = [
    "black_scholes_call", "pursuit", "huber", "thomas_algorithm", "bubble_sort", "runge_kutta",
    "mlp_with_a_dict", "ten_layers", "attention", "lstm", "kalman_matrix", "nested_parameters",
]  # fmt: skip
RUN = """
import json, sys
sys.path.insert(0, "tests")
from diffcompile import value_and_grad
from programs import PROGRAMS

texts = {}
for program in PROGRAMS:
    if program.name in sys.argv[1:]:
        derivative = value_and_grad(program.fn, argnums=program.wrt)
        derivative(*program.make_inputs())
        texts[program.name] = derivative.source, derivative.graph_text
json.dump(texts, sys.stdout)
"""


def texts(seed: str) -> dict[str, list[str]]:
    """Source and graph of each program, from an interpreter of its own."""
    command = [sys.executable, "-c", RUN, *NAMES]
    environment = {**os.environ, "PYTHONHASHSEED": seed}
    run = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120)

    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


@pytest.fixture(scope="module")
def three() -> list[dict[str, list[str]]]:
    return [texts(seed) for seed in ("1", "4242", "4242")]


@pytest.mark.parametrize("name", NAMES)
def test_source_is_the_same_in_every_interpreter(name: str, three: list[dict[str, list[str]]]) -> None:
    one, other, again = (run[name][0] for run in three)

    assert one == other == again


@pytest.mark.parametrize("name", NAMES)
def test_graph_is_the_same_in_every_interpreter(name: str, three: list[dict[str, list[str]]]) -> None:
    one, other, again = (run[name][1] for run in three)

    assert one == other == again
