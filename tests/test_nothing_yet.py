"""Names that no path has assigned yet, handed on by branches, loops and attempts."""

import numpy as np
import pytest

from diffcompile import value_and_grad
from oracles import assert_every_mode


def late_return_behind_attempts(x):
    a, b, c, d = (x[0], x[1], 1.0, x[0] * x[1])
    try:
        try:
            k = 0
            while k < 1:
                k += 1
                c += x[1] * c
        except ValueError:
            for _ in range(4):
                d = -b
        c = x[1] * d
        for _ in range(3):
            b = 0.3 * a * a
    except ValueError:
        c -= 1.0
    if c > 0.0:
        if c > 0.9:
            raise ValueError
    elif c > -0.0:
        c = x[0]
    else:
        return 0.3 * a * d
    return a + 2.0 * b + 3.0 * c + 4.0 * d


def late_name_behind_attempts(x):
    total = 0.0
    for turn in range(3):
        try:
            try:
                k = 0
                while k < 2:
                    k += 1
                    total += x[0] * x[1]
            except ValueError:
                for _ in range(2):
                    total = -total
            for _ in range(turn):
                total *= 1.5
        except ValueError:
            total = 0.0
        if total > 0.8:
            late = total * x[1]
            if total > 2.0:
                return late
    return late + x[0]


@pytest.mark.parametrize("fn", [late_return_behind_attempts, late_name_behind_attempts])
@pytest.mark.parametrize("x", [[0.4, 0.7], [0.9, 0.8]])
def test_what_has_no_value_yet_is_not_handed_on(fn, x):
    assert_every_mode(fn, np.array(x), np.array([0.3, -0.8]))


def test_a_name_read_without_a_value_raises_as_in_python():
    x = np.array([-0.6, 0.9])
    with pytest.raises(UnboundLocalError):
        late_name_behind_attempts(x)
    with pytest.raises(UnboundLocalError):
        value_and_grad(late_name_behind_attempts)(x)
