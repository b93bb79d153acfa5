"""With `check=True` a program finds out that what its backward pass reads was changed, and says where."""

from __future__ import annotations

import pickle
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from diffcompile import grad, nondifferentiable, value_and_grad, vjp
from diffcompile.passes import inplace as inplace_module
from graphs import written
from kernels import KERNELS, REFUSED
from oracles import same
from programs import PROGRAMS, Program

X = np.array([0.3, -0.2, 0.5])
kept: list[np.ndarray] = []


def remember(v: Any) -> None:
    """A function that keeps what it is given, as a logger or a plot does."""
    kept.append(v)


def spoil(k: int) -> int:
    """Later on it writes over that."""
    kept[k][0] = 9.0
    return 0


nondifferentiable(remember, spoil)


@pytest.fixture(autouse=True)
def nothing_kept() -> None:
    kept.clear()


def tampered(body: str) -> Any:
    return written(f"def f(x):\n{body}", remember=remember, spoil=spoil, file="<model>")


def test_an_array_that_is_changed_between_the_forward_pass_and_the_pullback() -> None:
    fn = tampered("    h = np.tanh(x)\n    remember(h)\n    return h * h")
    _, pullback = vjp(fn, X, check=True)
    pullback(np.ones(3))
    kept[0][1] = 7.0

    with pytest.raises(RuntimeError, match="`h` of line 2 of <model> was changed, and the backward pass"):
        pullback(np.ones(3))


def test_without_check_nothing_is_said() -> None:
    fn = tampered("    h = np.tanh(x)\n    remember(h)\n    return h * h")
    _, pullback = vjp(fn, X)
    before = pullback(np.ones(3))
    kept[0][1] = 7.0

    assert not same(pullback(np.ones(3)), before)


def test_another_thread_changes_an_array() -> None:
    fn = tampered("    h = np.exp(x)\n    remember(h)\n    return np.sin(h)")
    _, pullback = vjp(fn, X, check=True)
    other = threading.Thread(target=lambda: kept[0].fill(0.0))
    other.start()
    other.join()

    with pytest.raises(RuntimeError, match="`h` of line 2 of <model>"):
        pullback(np.ones(3))


def test_a_change_during_the_forward_pass() -> None:
    fn = tampered("""
    h = np.tanh(x)
    remember(h)
    y = h * h
    spoil(0)
    return np.sum(y * x)
    """)

    for derivative in (grad(fn, check=True), value_and_grad(fn, check=True)):
        kept.clear()
        with pytest.raises(RuntimeError, match="`h` of line 3 of <model>"):
            derivative(X)


def test_a_change_of_what_a_turn_of_a_loop_saved() -> None:
    fn = tampered("""
    s = x
    for i in range(3):
        s = np.exp(np.sin(s))
        remember(s)
        if i == 2:
            spoil(0)
    return np.sum(s)
    """)

    with pytest.raises(RuntimeError, match="what the loop of line 4 of <model> saved was changed"):
        grad(fn, check=True)(X)


def test_an_argument_that_is_changed_while_the_function_runs() -> None:
    fn = tampered("    y = np.sin(x)\n    spoil(0)\n    return np.sum(y * y)")
    kept.append(mine := X.copy())

    with pytest.raises(RuntimeError, match="the argument `x` was changed"):
        grad(fn, check=True)(mine)


def test_a_change_of_what_nothing_reads_is_nobodys_business() -> None:
    fn = tampered("    h = 2.0 * x\n    remember(h)\n    spoil(0)\n    return np.sum((h + 1.0) * 3.0)")

    np.testing.assert_array_equal(grad(fn, check=True)(X), [6.0, 6.0, 6.0])


def test_a_store_that_runs_where_it_must_not_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """A mistake of the compiler itself: no copy is made for those who still read the old content."""
    monkeypatch.setattr(inplace_module, "_conflict", lambda *given: None)
    fn = written("def f(x):\n    y = np.exp(x)\n    z = np.sin(y)\n    y *= 2.0\n    return np.sum(y * z)")

    assert not np.allclose(grad(fn)(X), np.exp(X) * 2 * (np.sin(np.exp(X)) + np.exp(X) * np.cos(np.exp(X))))
    with pytest.raises(RuntimeError, match="`y` of line 2"):
        grad(fn, check=True)(X)


@pytest.mark.parametrize(
    "program", [p for p in (*PROGRAMS, *KERNELS) if p.name not in REFUSED], ids=lambda p: p.name
)
def test_nothing_is_found_where_nothing_is_changed(program: Program) -> None:
    expected = value_and_grad(program.fn, argnums=program.wrt)(*program.make_inputs())
    found = value_and_grad(program.fn, argnums=program.wrt, check=True)(*program.make_inputs())

    assert same(found, expected)


def test_the_checks_are_plain_code_of_the_module(tmp_path: Path) -> None:
    fn = written("def f(x):\n    h = np.tanh(x)\n    return np.sum(h * h)", file="<model>")
    derivative = grad(fn, check=True)
    expected = derivative(X)
    derivative.save(tmp_path / "checked.py")
    script = "import sys, checked, numpy as np; print(list(checked.f_grad(np.array([0.3, -0.2, 0.5]))))"
    run = subprocess.run(
        [sys.executable, "-c", f"{script}; assert 'diffcompile' not in sys.modules"],
        cwd=tmp_path, capture_output=True, text=True, check=True,
    )  # fmt: skip

    assert run.stdout.strip() == str(list(expected))
    lines = [line.strip() for line in derivative.source.splitlines()]
    assert "h_digest = digest(h)" in lines
    assert lines.count('unchanged(h, h_digest, "`h` of line 2 of <model>")') == 2


def test_checking_is_part_of_what_was_asked_for() -> None:
    derivative = grad(_square, check=True)

    assert "unchanged" in _called(derivative)
    assert "unchanged" in _called(pickle.loads(pickle.dumps(derivative)))
    assert "unchanged" not in _called(grad(_square))


def _square(x: Any) -> Any:
    return np.sum(np.sin(x) ** 2)


def _called(derivative: Any) -> str:
    derivative(X)
    return str(derivative.source)
