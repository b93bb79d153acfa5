"""A saved gradient gives the same numbers where diffcompile cannot be imported.

The interpreter that runs the files never sees diffcompile; arguments and results travel as pickles.
"""

import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from diffcompile import DiffCompileError, grad
from programs import PROGRAMS, Program

NAMES = [
    "neuron", "black_scholes_call", "pursuit", "newton_two_variables", "thomas_algorithm",
    "convolution_by_hand", "runge_kutta", "lennard_jones", "mlp_with_a_dict", "attention",
    "softmax_cross_entropy", "kalman_matrix", "unrolled_training", "single_precision_layer",
]  # fmt: skip
CHOSEN = [program for program in PROGRAMS if program.name in NAMES]
RUN = """
import pickle, sys
sys.modules["diffcompile"] = None
sys.path.insert(0, sys.argv[1])
from saved import {name}_grad

with open(sys.argv[1] + "/arguments.pickle", "rb") as file:
    result = {name}_grad(*pickle.load(file))
with open(sys.argv[1] + "/result.pickle", "wb") as file:
    pickle.dump(result, file)
"""


def same(one: Any, other: Any) -> bool:
    """Equal to the last bit, kind, dtype and structure included."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return list(one) == list(other) and all(same(one[k], other[k]) for k in one)
    if isinstance(one, tuple | list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, np.ndarray | np.generic):
        return one.dtype == other.dtype and np.array_equal(one, other, equal_nan=True)
    return one == other


def test_every_chosen_program_is_in_the_zoo() -> None:
    assert sorted(program.name for program in CHOSEN) == sorted(NAMES)


@pytest.mark.parametrize("program", CHOSEN, ids=lambda program: program.name)
def test_saved_file_gives_the_same_numbers_without_diffcompile(program: Program, tmp_path: Path) -> None:
    derivative = grad(program.fn, argnums=program.wrt)
    expected = derivative(*program.make_inputs())
    derivative.save(tmp_path / "saved.py")
    (tmp_path / "arguments.pickle").write_bytes(pickle.dumps(program.make_inputs()))
    command = [sys.executable, "-W", "error", "-c", RUN.format(name=program.name), str(tmp_path)]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)

    assert run.returncode == 0, run.stderr
    assert same(pickle.loads((tmp_path / "result.pickle").read_bytes()), expected)


def test_saved_file_is_the_source(tmp_path: Path) -> None:
    derivative = grad(CHOSEN[0].fn, argnums=CHOSEN[0].wrt)
    derivative(*CHOSEN[0].make_inputs())
    derivative.save(str(tmp_path / "saved.py"))

    assert (tmp_path / "saved.py").read_text() == derivative.source
    assert [path.name for path in tmp_path.iterdir()] == ["saved.py"]


class Gauge:
    """An object that no text can stand for."""

    def read(self) -> float:
        return 2.0


GAUGE = Gauge()


def test_object_that_was_captured_is_a_keyword_parameter_of_the_saved_function(tmp_path: Path) -> None:
    class Scale:
        factor = 2.0

    scale = Scale()

    def f(x):
        return scale.factor * x * x

    derivative = grad(f)
    expected = derivative(3.0)
    derivative.save(tmp_path / "saved.py")
    namespace: dict[str, Any] = {}
    exec((tmp_path / "saved.py").read_text(), namespace)

    assert expected == 12.0
    assert namespace["f_grad"](3.0, scale=scale) == 12.0


def test_what_cannot_be_written_down_is_refused_and_no_file_is_left(tmp_path: Path) -> None:
    def f(x, reading):
        return reading() * x * x

    derivative = grad(f)
    assert derivative(3.0, GAUGE.read) == 12.0
    with pytest.raises(DiffCompileError, match="read"):
        derivative.save(tmp_path / "saved.py")

    assert list(tmp_path.iterdir()) == []


def test_captured_numbers_and_arrays_are_keyword_parameters_of_the_saved_function(tmp_path: Path) -> None:
    weights, offset = np.array([1.0, 2.0]), 3.0

    def f(x):
        return np.sum(weights * x**2) + offset * x[0]

    derivative = grad(f)
    expected = derivative(np.array([0.5, -1.0]))
    derivative.save(tmp_path / "saved.py")
    namespace: dict[str, Any] = {}
    exec(derivative.source, namespace)

    assert expected.tolist() == [4.0, -4.0]
    assert namespace["f_grad"](np.array([0.5, -1.0]), weights=weights, offset=offset).tolist() == [4.0, -4.0]
