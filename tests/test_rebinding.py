"""Names, items and attributes that are bound anew in loops and branches while what they held is written.

    for row in m:             `m` is another matrix after the first turn, and the rows are still those of the
        row[0] = x[0]         first: what is written is known at run time only, and that is said
        m = m * 2.0

A name that is bound anew is a new object for the compiler, which may still be the old one. Whatever else may
be that one must not be read as if the write had not happened.
"""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from diffcompile.errors import UndecidedAlias
from oracles import converged, numeric_gradient
from test_random_mutation import PRELUDE, WRT, check, fresh_inputs
from test_random_programs import load

RIGHT = {
    "another attribute than the view is bound anew": """
        b = Box(y[1:])
        b.n = 0.0
        for i in range(2):
            y *= 2.0
            b.n = b.n + a
        return np.sum(b.v) * b.n
    """,
    "a tuple is built again around a view": """
        t = (y[1:], 0.0)
        for i in range(2):
            y *= 2.0
            t = (t[0], t[1] + a)
        return np.sum(t[0]) * t[1]
    """,
    "rows are written by their numbers and the matrix is bound to itself": """
        m = m * 1.0
        i = 0
        while i < 3:
            r = m[i]
            r[0] += x[0]
            m = m
            i += 1
        return np.sum(m * m)
    """,
    "three names change places": """
        u = x * 1.0
        v = y * 1.0
        w = x * 2.0
        for i in range(2):
            u, v, w = v, w, u
        u[0] = a
        return np.sum(u * v * w)
    """,
    "two names change places and one is written": """
        u = x * 1.0
        v = y * 1.0
        for i in range(3):
            u, v = v, u
            u[i] += a * v[i]
        return np.sum(u * u * v)
    """,
    "two arrays in a list change places and one is written": """
        k = [x * 1.0, y * 1.0]
        for i in range(3):
            k[0], k[1] = k[1], k[0]
            k[0][i] += a * k[1][i]
        return np.sum(k[0] * k[1] * k[1])
    """,
    "an array is written that is also in a list that changes": """
        u = x * 1.0
        k = [u, 0.0]
        for i in range(3):
            u[i] += a
            k[1] = k[1] + np.sum(k[0])
        return k[1] * np.sum(u)
    """,
    "an object's array is written that is also in a list that changes": """
        b = Box(x * 1.0)
        k = [b, 0.0]
        for i in range(3):
            b.v[i] += a
            k[1] = k[1] + np.sum(k[0].v)
        return k[1]
    """,
    "two objects change places and the array of one is written": """
        b = Box(x * 1.0)
        c = Box(y * 1.0)
        for i in range(3):
            b, c = c, b
            b.v[i] += a
        return np.sum(b.v * c.v * c.v)
    """,
    "a view of what is one of two arrays": """
        u = x * 1.0
        if a < 0.0:
            u = y * 1.0
        w = u[1:]
        u[1] = a * a
        return np.sum(w * w)
    """,
    "a tuple is built again with its items in the other order": """
        t = (x * 1.0, y * 1.0)
        for i in range(3):
            t = (t[1], t[0])
            t[0][i] += a
        return np.sum(t[0] * t[1] * t[1])
    """,
    "two arrays in a dict change places and one is written": """
        d = {"p": x * 1.0, "q": y * 1.0}
        for i in range(3):
            d["p"], d["q"] = d["q"], d["p"]
            d["p"][i] += a
        return np.sum(d["p"] * d["q"] * d["q"])
    """,
    "a closure writes an array that is another in the next turn": """
        u = x * 1.0
        def touch(s):
            u[0] += s
        for i in range(2):
            touch(a)
            u = u * 2.0
        return np.sum(u)
    """,
    "one of two arrays whose names are gone": """
        u = x * 1.0
        v = y * 1.0
        w = u if a > 0 else v
        u = None
        v = None
        w[0] = a
        return np.sum(w * w)
    """,
    "rows of a generator are written and the matrix is bound to itself": """
        u = m * 1.0
        for r in (row for row in u):
            r[0] = a
            u = u
        return np.sum(u)
    """,
    "two arguments change places and one is written": """
        for i in range(3):
            x, y = y, x
            x[i] += a * y[i]
        return np.sum(x * y * y)
    """,
    "an item of a list in a list, and its neighbour bound anew": """
        k = [[x * 1.0], [y * 1.0]]
        first = k[0]
        for i in range(2):
            k[1] = [x * 2.0]
            first[0] = first[0] * a
        return np.sum(k[0][0] * k[1][0])
    """,
}

UNDECIDED = {
    "rows are written and the matrix is swapped with itself": """
        m = m * 1.0
        v = y[:] * 1.0
        for r in m:
            r[0] += v[1]
            m, m = m, m
        return np.sum(m)
    """,
    "rows are masked and the matrix is bound to itself": """
        m = m * 1.0
        for r in m:
            m = m
            r[r > 0.37] = np.tanh(a)
        return np.sum(np.sin(m))
    """,
    "one of two views in a list is bound anew": """
        kept = [y[:-1], y[1:]]
        for i in range(2):
            y *= 2.0
            kept[0] = x[1:] * 1.0
        return np.sum(kept[1])
    """,
    "two names of one array, both of others on the other path": """
        u = x * 1.0
        v = u
        if a > -5:
            pass
        else:
            u = y * 2.0
            v = y * 3.0
        u[0] = 5 * a
        return np.sum(v * x)
    """,
    "two names of one array, both of others on this path": """
        u = x * 1.0
        v = u
        if a < -5:
            pass
        else:
            u = y * 2.0
            v = y * 3.0
        u[0] = 5 * a
        return np.sum(v * x)
    """,
    "two names that begin as one array and part in the loop": """
        u = x * 1.0
        v = u
        for i in range(2):
            u[0] = a * v[1]
            y[0] += v[0] * x[0]
            u = u * 2.0
            v = v * 3.0
        return np.sum(u) + np.sum(v) + y[0]
    """,
    "one array twice in a list, one of them another on this path": """
        kept = [x * 1.0] * 2
        if a > 0:
            kept[0] = y * 1.0
        kept[0][0] = 5 * a
        return np.sum(kept[1] * x) + np.sum(kept[0])
    """,
    "one array twice in a list, one of them another on the other path": """
        kept = [x * 1.0] * 2
        if a < 0:
            kept[0] = y * 1.0
        kept[0][0] = 5 * a
        return np.sum(kept[1] * x) + np.sum(kept[0])
    """,
    "one array twice in a list, one of them another after a turn": """
        kept = [x * 1.0] * 2
        for i in range(2):
            kept[0][0] = 5 * a
            kept[0] = y * 1.0
        return np.sum(kept[1] * x) + np.sum(kept[0])
    """,
    "rows are written, the matrix is another after the first": """
        m = m * 1.0
        for r in m:
            r[0] = x[0] * a
            if a > 0:
                m = m * 2.0
        return np.sum(m)
    """,
    "rows are written, the matrix might be another after the first": """
        m = m * 1.0
        for r in m:
            r[0] = x[0] * a
            if a < 0:
                m = m * 2.0
        return np.sum(m)
    """,
    "rows are written, the matrix is another in every turn": """
        m = m * 1.0
        for r in m:
            r[0] = x[0] * a
            m = m * 2.0
        return np.sum(m)
    """,
    "one of two views in a dict is bound anew": """
        d = {"p": y[1:], "q": y[:-1]}
        for i in range(2):
            y *= 2.0
            d["p"] = x[1:] * 1.0
        return np.sum(d["q"])
    """,
    "numbered rows are written and the matrix is bound to itself": """
        m = m * 1.0
        for i, r in enumerate(m):
            r[0] += x[i]
            m = m
        return np.sum(m * m)
    """,
    "rows in lockstep are written and the matrix is bound to itself": """
        m = m * 1.0
        for r, s in zip(m, m[::-1]):
            r[0] += s[1] * a
            m = m
        return np.sum(m * m)
    """,
    "the matrix whose rows are written is swapped with another": """
        u = m * 1.0
        v = m * 2.0
        for r in u:
            r[0] += x[0]
            u, v = v, u
        return np.sum(u * v * v)
    """,
    "the name of an argument is another array on one path of a helper": """
        def g(v, s):
            if s < 0.0:
                v = v * 2.0
            v[0] = s * 3.0
            return np.sum(v)
        t = g(x, a)
        return t * np.sum(x)
    """,
    "the name of an argument may be another array after a loop of a helper": """
        def g(v, s):
            for i in range(2):
                if s < 0.0:
                    v = v * 2.0
            v[0] = s * 3.0
            return np.sum(v)
        z = x * 1.0
        t = g(z, a)
        t += g(y, a)
        return t * np.sum(z * y)
    """,
    "what a comprehension runs over is bound anew in it": """
        acc = m * 1.0
        w = acc
        t = [np.sum(acc := acc * 2.0) for r in acc]
        acc[0, 0] = a
        return np.sum(w) + np.sum(acc) + t[1]
    """,
    "two names become one array in one turn": """
        u = x * 1.0
        v = y * 1.0
        for i in range(3):
            if i == 1:
                u = v
            u[i] += a
        return np.sum(u * u) + np.sum(v ** 3)
    """,
    "an array is written that was in a list": """
        u = x * 1.0
        k = [u, 0.0]
        for i in range(3):
            u[i] += a
            k[1] = k[1] + np.sum(k[0])
            k[0] = k[0] * 2.0
        return k[1] * np.sum(u) * np.sum(k[0])
    """,
    "an attribute is written, then another array": """
        b = Box(x * 1.0)
        w = b.v
        for i in range(3):
            b.v[i] += a
            b.v = b.v * 2.0
        return np.sum(w * x) + np.sum(b.v)
    """,
    "two objects begin with one array": """
        u = x * 1.0
        b = Box(u)
        c = Box(u)
        for i in range(2):
            b.v[i] = a
            c.v = c.v * 2.0
        return np.sum(b.v * c.v)
    """,
    "an array is written, then another, in a loop in a loop": """
        u = x * 1.0
        w = u
        for i in range(2):
            for j in range(2):
                u[j] += a
                u = u * 1.5
        return np.sum(u) + np.sum(w * x)
    """,
    "rows are written in a loop in a loop and the matrix is bound to itself": """
        m = m * 1.0
        k = 0
        while k < 3:
            for r in m:
                r[k] *= a
                m = m
            k += 1
        return np.sum(m * m)
    """,
    "items of a list are written while its name is another list": """
        rows = [m[0] * 1.0, m[1] * 1.0]
        for r in rows:
            r[0] = a
            rows = [r, r]
        return np.sum(rows[0]) + np.sum(rows[1])
    """,
    "items of a list with two names are written while one is another list": """
        rows = [m[0] * 1.0, m[1] * 1.0]
        keep = rows
        for r in rows:
            r[0] = a
            rows = [r * 2.0, r]
        return np.sum(rows[0]) + np.sum(rows[1]) + np.sum(keep[0] * x) + np.sum(keep[1] * y)
    """,
    "an array that a loop runs over is written by its name, which is another on this path": """
        u = x * 1.0
        v = y * 1.0
        for r in (u, v):
            if a > 0.0:
                u = u * 2.0
            u[0] = a
            r[1] = a * a
        return np.sum(u * v)
    """,
    "an array that a loop runs over is written by its name, which is another on the other path": """
        u = x * 1.0
        v = y * 1.0
        for r in (u, v):
            if a < 0.0:
                u = u * 2.0
            u[0] = a
            r[1] = a * a
        return np.sum(u * v)
    """,
    "two names of one array part in one of three paths": """
        u = x * 1.0
        v = u
        if a > 0.0:
            if a > 5.0:
                v = y * 2.0
        else:
            u = y * 3.0
        v[0] = a * a
        return np.sum(u * x)
    """,
    "a view, and its base another on one path": """
        u = x * 1.0
        w = u[1:]
        if a < 0.0:
            u = y * 1.0
        u[1] = a * a
        return np.sum(w * w)
    """,
    "a tuple begins with one array twice": """
        u = x * 1.0
        t = (u, u)
        for i in range(3):
            t[0][i] += a
            t = (t[0], t[1] * 2.0)
        return np.sum(t[0] * t[1])
    """,
    "rows in reverse are written and the matrix is another in every turn": """
        u = m * 1.0
        for r in reversed(u):
            r[0] = a
            u = u * 1.0
        return np.sum(u)
    """,
    "rows of an argument are written and its name is another matrix": """
        for r in m:
            r[0] += a
            m = m * 2.0
        return np.sum(m)
    """,
    "two lists in a list change places": """
        k = [[x * 1.0, 1.0], [y * 1.0, 2.0]]
        first = k[0]
        for i in range(2):
            k[0], k[1] = k[1], k[0]
            k[0][1] = k[0][1] * a
        return first[1] * np.sum(x)
    """,
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("rebinding")


@pytest.mark.parametrize("name", [*RIGHT, *UNDECIDED])
def test_write_is_seen_through_every_name(name: str, folder: Path) -> None:
    body = textwrap.indent(textwrap.dedent((RIGHT | UNDECIDED)[name]), "    ")
    fn = load(f"{PRELUDE}\ndef f(x, y, m, a):{body}", folder)
    expected, error = numeric_gradient(fn, fresh_inputs, WRT)

    assert converged(expected, error, 1e-7)
    if name in RIGHT:
        check(fn, expected, error)
    else:
        with pytest.raises(UndecidedAlias):
            check(fn, expected, error)
