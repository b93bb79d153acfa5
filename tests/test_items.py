"""Items of lists and dicts that are written through them: `rows[i][j] = v`, `groups[k].append(v)`.

Each program that is accepted has the value that Python gives it, and the derivatives of every mode, to second
order; what may be reached in two ways is refused.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from diffcompile import UndecidedAlias, grad, hvp, jacfwd, jacrev, jvp, value_and_grad
from oracles import assert_agrees, numeric_gradient

X = np.array([0.3, -0.7, 1.1, 0.5])
T = np.array([0.2, -1.0, 0.4, 0.9])
Program = Callable[[Any], Any]
ACCEPTED: list[Program] = []
REFUSED: list[Program] = []


def accepted(program: Program) -> Program:
    ACCEPTED.append(program)
    return program


def refused(program: Program) -> Program:
    REFUSED.append(program)
    return program


@accepted
def a_table(x):
    rows = []
    for i in range(len(x)):
        rows.append([0.0] * len(x))
    for i in range(len(x)):
        for j in range(len(x)):
            rows[i][j] = x[i] * np.sin(x[j])
    s = 0.0
    for r in rows:
        for v in r:
            s += v * v
    return s


@accepted
def a_recurrence_in_a_table(x):
    n = len(x)
    t = [[0.0 for _ in range(n + 1)] for _ in range(n + 1)]
    for i in range(1, n + 1):
        for j in range(1, n + 1):
            t[i][j] = (
                0.5 * t[i - 1][j] + 0.3 * t[i][j - 1] + np.tanh(x[i - 1] * x[j - 1]) + 0.1 * t[i - 1][j - 1]
            )
    return t[n][n]


@accepted
def time_warping(x):
    n = len(x)
    D = [[1000.0] * (n + 1) for _ in range(n + 1)]
    D[0][0] = 0.0
    for i in range(n):
        for j in range(n):
            D[i + 1][j + 1] = (x[i] - 2 * x[j]) ** 2 + min(D[i][j], D[i][j + 1], D[i + 1][j])
    return D[n][n]


@accepted
def rows_at_constant_places(x):
    rows = []
    for v in x:
        rows.append([v, v * v])
    rows[1][0] += x[2]
    rows[0][1] *= x[3]
    return sum(a * b for a, b in rows)


@accepted
def arrays_that_were_appended(x):
    rows = []
    for v in x:
        rows.append(np.array([v, v * v]))
    for i in range(len(rows)):
        rows[i][0] += x[i - 1]
        rows[i][1] *= 2.0
    return sum(np.prod(r) for r in rows)


@accepted
def lists_that_are_sorted_into(x):
    groups = [[] for _ in range(3)]
    for i, v in enumerate(x):
        groups[i % 3].append(v)
    s = 0.0
    for g in groups:
        p = 1.0
        for v in g:
            p *= v
        s += np.sin(p)
    return s


@accepted
def lists_made_where_missing(x):
    d = {}
    for i, v in enumerate(x):
        d.setdefault(i % 2, []).append(v)
    return sum(np.sin(sum(l)) for l in d.values())


@accepted
def a_defaultdict_of_numbers_that_is_counted(x):
    d = defaultdict(int)
    for i in range(len(x)):
        d[i % 2] += x[i] ** 2
    return d[0] * d[1] + len(d) * x[0]


@accepted
def a_defaultdict_of_lists(x):
    d = defaultdict(list)
    for i, v in enumerate(x):
        d[i % 2].append(v * v)
    return sum(np.prod(np.array(l)) for l in d.values())


@accepted
def arrays_in_turn(x):
    bufs = [x[:2].copy(), x[2:].copy()]
    for i in range(3):
        b = bufs[i % 2]
        b[0] += np.sin(b[1] * x[i])
    return np.sum(bufs[0] * bufs[1])


@accepted
def rows_at_run_time(x):
    rows = [np.zeros(2) for _ in range(len(x))]
    k = int(np.argmax(x))
    rows[k][0] = x[0] * x[1]
    rows[k - 1] += x[2]
    return sum(np.sum(r**2) for r in rows)


@accepted
def particles_in_dicts(x):
    ps = []
    for v in x:
        ps.append({"p": v, "v": 0.0})
    for t in range(3):
        for a in ps:
            f = 0.0
            for b in ps:
                f += np.sin(b["p"] - a["p"])
            a["v"] += 0.1 * f
        for a in ps:
            a["p"] += 0.1 * a["v"]
    return sum(a["p"] ** 2 for a in ps)


@accepted
def slices_of_rows(x):
    rows = []
    for i in range(4):
        rows.append(np.zeros(3))
    for i in range(4):
        rows[i][:] = x[i]
        rows[i][1] = x[i] ** 2
    return np.sum(np.array(rows) ** 2)


@accepted
def a_row_written_by_its_own_name(x):
    rows = []
    for v in x:
        r = [v, 1.0]
        rows.append(r)
        r[1] = v * v
    return sum(a * b for a, b in rows)


@accepted
def a_row_taken_out(x):
    rows = []
    for v in x:
        rows.append([v])
    a = rows.pop()
    a[0] *= x[0]
    rows[0][0] += a[0]
    return rows[0][0] * a[0]


@accepted
def rows_read_and_written_in_a_loop_over_them(x):
    rows = []
    for v in x:
        rows.append([v])
    for r in rows:
        rows[0][0] += r[0]
    return rows[0][0] * rows[1][0]


@accepted
def two_rows_at_run_time(x):
    rows = []
    for v in x:
        rows.append([v])
    i = int(np.argmax(x))
    a = rows[i]
    b = rows[i - 1]
    a[0] = b[0] * 2
    b[0] = a[0] * x[0]
    return rows[i][0] * rows[i - 1][0]


@accepted
def a_view_of_a_row(x):
    rows = []
    for v in x:
        rows.append(np.array([v, v]))
    a = rows[0][1:]
    a[0] = x[3] ** 2
    return rows[0][1] * a[0]


@accepted
def rows_written_by_a_function(x):

    def put(rows, i, v):
        rows[i][0] = v

    rows = []
    for v in x:
        rows.append([v])
    for i in range(len(x)):
        put(rows, i, x[i] ** 2)
    return sum(r[0] for r in rows)


@accepted
def a_row_returned_by_a_function(x):

    def first(rows):
        return rows[0]

    rows = []
    for v in x:
        rows.append([v])
    a = first(rows)
    a[0] = x[1] * x[2]
    return rows[0][0] * x[3]


@accepted
def a_table_made_in_each_turn(x):
    grid = [[0.0] * 3 for _ in range(3)]
    for step in range(3):
        new = [[0.0] * 3 for _ in range(3)]
        for i in range(3):
            for j in range(3):
                new[i][j] = grid[i - 1][j] * 0.5 + x[i] * x[j]
        grid = new
    return grid[0][1] * grid[2][2]


@accepted
def arrays_in_a_dict(x):
    d = {}
    for i, v in enumerate(x):
        d[i] = np.array([v, v])
    e = d
    for i in range(len(x)):
        e[i][0] *= x[i]
    return sum(np.sum(d[i]) for i in range(len(x)))


@accepted
def a_row_chosen_before(x):
    rows = []
    if x[0] > 0:
        r = [x[0]]
    else:
        r = [x[1]]
    for i in range(2):
        rows.append([x[i]])
    rows.append(r)
    rows[2][0] = x[3] * x[3]
    return r[0] * rows[0][0]


@accepted
def rows_written_in_two_loops(x):
    rows = []
    for i in range(4):
        rows.append([0.0])
    for i in range(4):
        for r in rows:
            r[0] += x[i] * 0.5
        rows[i][0] *= x[i]
    return rows[0][0] * rows[3][0]


@accepted
def lists_that_grow_inside(x):
    rows = [[] for _ in range(len(x))]
    for i in range(len(x)):
        rows[i * 3 % 4].append(x[i] ** 2)
    while len(rows[0]) < 3:
        rows[0].append(rows[0][-1] * x[1])
    return rows[0][-1] + rows[1][0]


@accepted
def inserted_and_deleted(x):
    rows = []
    for v in x:
        rows.append([v])
    rows.insert(0, [x[3]])
    rows[0][0] *= x[0]
    del rows[1]
    return rows[0][0] * rows[1][0]


@accepted
def extended(x):
    rows = []
    for v in x:
        rows.append([v])
    rows += [[x[0] * x[1]]]
    rows.extend([[x[2]], [x[3]]])
    i = len(rows) - 2
    rows[i][0] *= x[0]
    return sum(r[0] ** 2 for r in rows)


@accepted
def lists_by_name(x):
    acc = {"a": [0.0, 0.0], "b": [0.0, 0.0]}
    for i in range(4):
        k = "a" if x[i] > 0 else "b"
        acc[k][i % 2] += x[i] ** 2
    return acc["a"][0] * acc["a"][1] + acc["b"][1]


@accepted
def written_before_an_exception(x):
    rows = []
    for v in x:
        rows.append([v])
    try:
        rows[0][0] = x[1] * x[2]
        rows[9][0] = 1.0
    except IndexError:
        rows[1][0] = x[3]
    return rows[0][0] * rows[1][0]


@accepted
def arrays_with_names(x):
    a = np.array([x[0], 1.0])
    b = np.array([x[1], 2.0])
    rows = [a, b]
    i = int(np.argmax(x)) % 2
    rows[i][1] = x[2]
    b[0] *= 3
    return np.sum(a * b) + rows[1 - i][0]


@accepted
def lists_with_names(x):
    a = [x[0], 1.0]
    b = [x[1], 2.0]
    rows = [a, b]
    for i in range(len(x)):
        rows[i % 2][1] += x[i]
    a[0] = a[1] * 2
    return a[0] * b[1] + rows[0][0]


@refused
def the_same_row_three_times(x):
    row = [x[0], x[1]]
    rows = []
    for i in range(3):
        rows.append(row)
    rows[1][0] = x[2]
    return rows[0][0] * rows[2][0] * row[0] + row[1]


@refused
def a_row_repeated(x):
    n = len(x)
    row = [0.0] * n
    rows = [row] * n
    for i in range(n):
        rows[i][i] = x[i] ** 2
    return sum(rows[0]) * rows[1][0]


@refused
def a_row_replaced_while_held(x):
    rows = []
    for v in x:
        rows.append([v])
    a = rows[0]
    rows[0] = [x[1]]
    a[0] = x[2] * x[2]
    return rows[0][0] * a[0]


@refused
def a_row_held_while_the_list_grows(x):
    rows = []
    for v in x:
        rows.append([v])
    a = rows[-1]
    rows.append([x[0] * 2])
    a[0] = x[2] * x[2]
    return rows[-1][0] * a[0] * rows[-2][0]


@refused
def a_copy_of_the_outer_list(x):
    rows = []
    for v in x:
        rows.append([v])
    snap = list(rows)
    rows[0][0] = x[1] * x[1]
    return snap[0][0] * x[2]


@accepted
def rows_swapped(x):
    rows = []
    for v in x:
        rows.append([v])
    i = int(np.argmax(x))
    rows[i], rows[0] = (rows[0], rows[i])
    rows[0][0] *= x[1]
    return rows[0][0] + 2 * rows[i][0]


@refused
def a_row_held_while_the_list_is_reversed(x):
    rows = []
    for v in x:
        rows.append(np.array([v, v]))
    rows.reverse()
    a = rows[0]
    rows.reverse()
    a[0] = x[0] * 3
    return rows[-1][0] * a[1]


@refused
def a_row_in_two_lists(x):
    rows = []
    keep = []
    for v in x:
        r = [v]
        rows.append(r)
        keep.append(r)
    rows[1][0] = x[0] * x[0]
    return keep[1][0] * rows[2][0]


@refused
def a_row_on_one_path(x):
    rows = []
    r = [x[0]]
    if x[1] < 0:
        rows.append(r)
    else:
        rows.append([x[2]])
    for i in range(2):
        rows.append([x[i]])
    rows[0][0] = x[3] * x[3]
    return r[0] * rows[1][0]


@refused
def an_array_repeated(x):
    out = x * 2
    rows = []
    for i in range(3):
        rows.append(out)
    i = int(np.argmax(x)) - 1
    rows[i][0] = x[3]
    return np.sum(out) * out[0]


@refused
def views_of_the_argument(x):
    rows = []
    for i in range(3):
        rows.append(x[i : i + 2])
    i = int(np.argmax(x)) - 1
    rows[i][0] = rows[0][1] * 2
    return np.sum(x * x)


@refused
def the_last_row_held(x):
    rows = []
    for v in x:
        r = np.array([v, 1.0])
        rows.append(r)
    r[1] = x[0] * 5
    rows[0][0] *= 2
    return sum(np.prod(q) for q in rows) * r[1]


def named(programs: list[Program]) -> Any:
    return pytest.mark.parametrize("program", programs, ids=lambda program: program.__name__)


@named(ACCEPTED)
def test_values_and_first_derivatives(program: Program) -> None:
    expected, error = numeric_gradient(program, lambda: (X.copy(),))
    value, found = value_and_grad(program)(X.copy())
    assert value == program(X.copy())
    assert_agrees(found, expected, error)
    assert_agrees(grad(program, check=True)(X.copy()), expected, error)
    assert_agrees(jacrev(program)(X.copy()), expected, error)
    assert_agrees(jacfwd(program)(X.copy()), expected, error)
    _, pushed = jvp(program, (X.copy(),), (T,))
    assert_agrees(pushed, expected @ T, np.abs(error) @ np.abs(T))


@named(ACCEPTED)
def test_second_derivatives(program: Program) -> None:
    gradient = grad(program)
    expected, error = numeric_gradient(lambda x: gradient(x) @ T, lambda: (X.copy(),))
    assert_agrees(hvp(program)(X.copy(), T), expected, error)
    assert_agrees(grad(lambda x: gradient(x) @ T)(X.copy()), expected, error)


@named(REFUSED)
def test_what_may_be_reached_in_two_ways_is_refused(program: Program) -> None:
    with pytest.raises(UndecidedAlias):
        grad(program)(X.copy())
