"""What is written for every program of both zoos is clean under ruff, and no line of it is too long."""

import ast
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

from diffcompile import value_and_grad
from kernels import KERNELS, REFUSED
from programs import PROGRAMS

EVERY = [*PROGRAMS, *(program for program in KERNELS if program.name not in REFUSED)]
RUFF = ["ruff", "check", "--isolated", "--no-cache", "--select", "E,F,I", "--line-length", "100"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file for each program: its value and gradient."""
    folder = tmp_path_factory.mktemp("generated")
    for program in EVERY:
        derivative = value_and_grad(program.fn, argnums=program.wrt)
        derivative(*program.make_inputs())
        (folder / f"{program.name}.py").write_text(derivative.source)
    return folder


@pytest.mark.parametrize("name", [program.name for program in EVERY])
def test_no_line_is_longer_than_100_columns_or_ends_in_a_space(name: str, folder: Path) -> None:
    lines = (folder / f"{name}.py").read_text().split("\n")

    assert [line for line in lines if len(line) > 100 or line != line.rstrip()] == []


def test_every_source_is_clean_under_ruff(folder: Path) -> None:
    command = [sys.executable, "-m", *RUFF, "--output-format", "concise", "."]
    run = subprocess.run(command, cwd=folder, capture_output=True, text=True)

    assert run.returncode == 0, run.stdout + run.stderr


@pytest.mark.parametrize("name", [program.name for program in EVERY])
def test_python_has_no_warning_about_the_source(name: str, folder: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        compile((folder / f"{name}.py").read_text(), name, "exec")


@pytest.mark.parametrize("name", [program.name for program in EVERY])
def test_every_function_of_the_source_is_called(name: str, folder: Path) -> None:
    tree = ast.parse((folder / f"{name}.py").read_text())
    functions = [node.name for node in tree.body if isinstance(node, ast.FunctionDef)]
    read = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}

    assert set(functions[:-1]) <= read
