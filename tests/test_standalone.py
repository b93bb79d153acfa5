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

from diffcompile import DiffCompileError, grad, value_and_grad
from kernels import KERNELS, REFUSED
from oracles import same
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


COMPILED = [program for program in KERNELS if program.name not in REFUSED]
RUN_EACH = """
import importlib, pickle, sys
sys.modules["diffcompile"] = None
sys.path.insert(0, sys.argv[1])

with open(sys.argv[1] + "/arguments.pickle", "rb") as file:
    arguments = pickle.load(file)
results = {}
for name, args in arguments.items():
    results[name] = getattr(importlib.import_module(name), name + "_value_and_grad")(*args), args
with open(sys.argv[1] + "/results.pickle", "wb") as file:
    pickle.dump(results, file)
"""


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Any, Any]]:
    """What each kernel gives and leaves in its arguments: here, and from its saved file elsewhere."""
    folder = tmp_path_factory.mktemp("kernels")
    expected = {}
    for program in COMPILED:
        derivative, args = value_and_grad(program.fn, argnums=program.wrt), program.make_inputs()
        expected[program.name] = derivative(*args), args
        derivative.save(folder / f"{program.name}.py")
    arguments = {program.name: program.make_inputs() for program in COMPILED}
    (folder / "arguments.pickle").write_bytes(pickle.dumps(arguments))
    command = [sys.executable, "-W", "error", "-c", RUN_EACH, str(folder)]
    run = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)

    assert run.returncode == 0, run.stderr
    found = pickle.loads((folder / "results.pickle").read_bytes())
    return {name: (expected[name], found[name]) for name in expected}


@pytest.mark.parametrize("name", [program.name for program in COMPILED])
def test_saved_kernel_gives_the_same_numbers_without_diffcompile(
    name: str, pairs: dict[str, tuple[Any, Any]]
) -> None:
    expected, found = pairs[name]

    assert same(found, expected)


def test_saved_file_is_the_source(tmp_path: Path) -> None:
    derivative = grad(CHOSEN[0].fn, argnums=CHOSEN[0].wrt)
    derivative(*CHOSEN[0].make_inputs())
    derivative.save(str(tmp_path / "saved.py"))

    assert (tmp_path / "saved.py").read_text() == derivative.source
    assert [path.name for path in tmp_path.iterdir()] == ["saved.py"]


OPAQUE = {2.0: 2.0}.get  # bound to an object that has no name of its own


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
        return reading(2.0) * x * x

    derivative = grad(f)
    assert derivative(3.0, OPAQUE) == 12.0
    with pytest.raises(DiffCompileError, match="`get` cannot be written into a file"):
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
