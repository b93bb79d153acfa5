"""Every trap is avoided, or its program is refused; none is silently wrong."""

from __future__ import annotations

import numpy as np
import pytest

from oracles import arrays, flatten, numeric_gradient
from traps import TRAPS, Trap, check_symmetric_part

SHAPE = {"A": 15, "B": 18, "C": 18, "D": 14, "E": 26, "F": 6, "G": 7, "H": 9, "I": 8}


def expectation(trap: Trap) -> object:
    """A trap that waits for a milestone must be refused, and may not give a wrong number."""
    if trap.later is None:
        return pytest.param(trap, id=trap.id)
    from diffcompile.errors import DiffCompileError

    mark = pytest.mark.xfail(
        strict=True, raises=(DiffCompileError, ImportError), reason=f"later: {trap.later}"
    )
    return pytest.param(trap, id=trap.id, marks=mark)


@pytest.mark.parametrize("trap", [expectation(trap) for trap in TRAPS])
def test_trap_is_avoided(trap: Trap) -> None:
    trap.run()


def test_every_trap_is_here() -> None:
    expected = [f"{letter}{i}" for letter, count in SHAPE.items() for i in range(1, count + 1)]

    assert expected == [trap.id for trap in TRAPS]


@pytest.mark.parametrize("trap", [trap for trap in TRAPS if trap.source == "fd"], ids=lambda trap: trap.id)
def test_answer_agrees_with_central_differences(trap: Trap) -> None:
    gradient, error = numeric_gradient(trap.fn, trap.args, trap.wrt, trap.kwargs)
    if trap.check is check_symmetric_part:
        gradient = (gradient + gradient.T) / 2
    got, want = flatten(gradient), flatten(trap.expected)

    assert np.all(np.abs(got - want) <= 1e-7 * (1 + np.abs(want)) + 10 * flatten(error))


@pytest.mark.parametrize("trap", TRAPS, ids=lambda trap: trap.id)
def test_arguments_are_fresh(trap: Trap) -> None:
    first, second = trap.args(), trap.args()

    assert not any(np.shares_memory(a, b) for a in arrays(first) for b in arrays(second))
