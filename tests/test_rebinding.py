"""Names, items and attributes that are bound anew in loops and branches while what they held is written.

    for row in m:             `m` is another matrix after the first turn, and the rows are still those of the
        row[0] = x[0]         first: what is written is known at run time only, and that is said
        m = m * 2.0

A name that is bound anew is a new object for the compiler, which may still be the old one. Whatever else may
be that one must not be read as if the write had not happened.
"""

from __future__ import annotations

import itertools
import textwrap
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from diffcompile import value_and_grad
from diffcompile.errors import UndecidedAlias, UnsupportedSyntax
from oracles import assert_agrees, converged, numeric_gradient
from test_random_mutation import PRELUDE, WRT, check, fresh_inputs
from test_random_programs import load

RIGHT = {
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
    "one of two views in a dict is bound anew": """
        d = {"p": y[1:], "q": y[:-1]}
        for i in range(2):
            y *= 2.0
            d["p"] = x[1:] * 1.0
        return np.sum(d["q"])
    """,
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
    "the name of an argument is another array on one path of a helper": """
        def g(v, s):
            if s < 0.0:
                v = v * 2.0
            v[0] = s * 3.0
            return np.sum(v)
        t = g(x, a)
        return t * np.sum(x)
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
    "two names become one array in one turn": """
        u = x * 1.0
        v = y * 1.0
        for i in range(3):
            if i == 1:
                u = v
            u[i] += a
        return np.sum(u * u) + np.sum(v ** 3)
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
    "an array is written that was in a list": """
        u = x * 1.0
        k = [u, 0.0]
        for i in range(3):
            u[i] += a
            k[1] = k[1] + np.sum(k[0])
            k[0] = k[0] * 2.0
        return k[1] * np.sum(u) * np.sum(k[0])
    """,
    "an object's array is written that is also in a list that changes": """
        b = Box(x * 1.0)
        k = [b, 0.0]
        for i in range(3):
            b.v[i] += a
            k[1] = k[1] + np.sum(k[0].v)
        return k[1]
    """,
    "an attribute is written, then another array": """
        b = Box(x * 1.0)
        w = b.v
        for i in range(3):
            b.v[i] += a
            b.v = b.v * 2.0
        return np.sum(w * x) + np.sum(b.v)
    """,
    "two objects change places and the array of one is written": """
        b = Box(x * 1.0)
        c = Box(y * 1.0)
        for i in range(3):
            b, c = c, b
            b.v[i] += a
        return np.sum(b.v * c.v * c.v)
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
    "a view, and its base another on one path": """
        u = x * 1.0
        w = u[1:]
        if a < 0.0:
            u = y * 1.0
        u[1] = a * a
        return np.sum(w * w)
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
    "a tuple begins with one array twice": """
        u = x * 1.0
        t = (u, u)
        for i in range(3):
            t[0][i] += a
            t = (t[0], t[1] * 2.0)
        return np.sum(t[0] * t[1])
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
    "two lists in a list change places": """
        k = [[x * 1.0, 1.0], [y * 1.0, 2.0]]
        first = k[0]
        for i in range(2):
            k[0], k[1] = k[1], k[0]
            k[0][1] = k[0][1] * a
        return first[1] * np.sum(x)
    """,
    "own item replaced through enumerate": """
        k = [x * 1.0, y * 1.0]
        for i, v in enumerate(k):
            k[i] = v * a
        return np.sum(k[0] * k[1])
    """,
    "own item replaced through zip": """
        k = [x * 1.0, y * 1.0]
        g = [y * 1.0, x * 1.0]
        for i, (v, w) in enumerate(zip(k, g)):
            k[i] = v * a - w
        return np.sum(k[0] * k[1] * k[1])
    """,
    "dict items own": """
        d = {"p": x * 1.0, "q": y * 1.0}
        for k, v in d.items():
            d[k] = v * a
        return np.sum(d["p"] * d["q"])
    """,
    "dict keys changed": """
        d = {"p": x * 1.0, "q": y * 1.0}
        s = 0.0
        for k in d:
            s = s + np.sum(d[k])
            d["q"] = x * s * a
        return s
    """,
    "map kept and the list changed": """
        k = [a, 2.0 * a]
        v = map(np.sin, k)
        k[1] = 5.0
        return sum(v) * np.sum(x)
    """,
    "generator kept and the list changed": """
        k = [a, 2.0 * a]
        v = (np.sin(u) for u in k)
        k[1] = 5.0
        return sum(v) * np.sum(x)
    """,
    "items of a copied dict": """
        d = {"p": x * 1.0, "q": y * 1.0}
        for k, v in dict(d).items():
            d["q"] = v * a
        return np.sum(d["p"] * d["q"])
    """,
    "items of list(items)": """
        d = {"p": x * 1.0, "q": y * 1.0}
        for k, v in list(d.items()):
            d["q"] = v * a
        return np.sum(d["p"] * d["q"])
    """,
    "enumerate of rows, the matrix written in the loop": """
        z = m * 1.0
        for i, r in enumerate(z):
            z[2, 0] = z[2, 0] + r[0]
            r[1] = a
        return np.sum(z * z)
    """,
    "one of two arrays is written on this path": """
        u = x * 2.0
        v = x * 3.0
        w = u if a > 0 else v
        w[0] = x[1] * 5.0
        return np.sum(u * v) + np.sum(w * y)
    """,
    "one of two arrays is written on the other path": """
        u = x * 2.0
        v = x * 3.0
        w = u if a < 0 else v
        w[0] = x[1] * 5.0
        return np.sum(u * v) + np.sum(w * y)
    """,
    "one of two arrays is written, chosen by a statement": """
        u = x * 2.0
        v = x * 3.0
        if a > 0:
            w = u
        else:
            w = v
        w += 1.0
        w[1:] *= a
        return np.sum(u * v * v)
    """,
    "an array or a new one is written on this path": """
        u = x * 2.0
        if a > 0:
            w = u
        else:
            w = x * 4.0
        w[1:] *= a
        return np.sum(u * y * y) + np.sum(w)
    """,
    "an array or a new one is written on the other path": """
        u = x * 2.0
        if a < 0:
            w = u
        else:
            w = x * 4.0
        w[1:] *= a
        return np.sum(u * y * y) + np.sum(w)
    """,
    "both arrays are written, of which one was chosen": """
        u = x * 2.0
        v = y * 3.0
        w = u if a > 0 else v
        u[0] = a
        v[1] = a * a
        return np.sum(w * y)
    """,
    "both arrays are written, of which the other was chosen": """
        u = x * 2.0
        v = y * 3.0
        w = u if a < 0 else v
        u[0] = a
        v[1] = a * a
        return np.sum(w * y)
    """,
    "one of two views of one array is written": """
        u = x * 2.0
        w = u[1:] if a > 0 else u[:-1]
        w[0] = a
        u[2] = a * a
        w[1] *= 2.0
        return np.sum(u * y) + np.sum(w * w)
    """,
    "one of two arrays is chosen and written in a loop": """
        u = x * 2.0
        v = y * 3.0
        for i in range(len(x)):
            w = u if x[i] > 0.45 else v
            w[i] = a * v[i - 1]
        return np.sum(u * v) * np.sum(u)
    """,
    "one of two arrays is chosen before a loop that writes it": """
        u = x * 2.0
        v = y * 3.0
        w = u if a > 0 else v
        for i in range(len(x)):
            w[i] = a * v[i - 1]
            v[i] *= u[i]
        return np.sum(u * v) * np.sum(u) + np.sum(w * y)
    """,
    "one of two arguments is written": """
        w = x if a > 0 else y
        w[0] = a * y[1]
        x[1] = w[2]
        return np.sum(x * y * y) + np.sum(w)
    """,
    "two arrays are chosen, each the other": """
        u = x * 2.0
        v = y * 3.0
        p = u if a > 0 else v
        q = v if a > 0 else u
        p[0] = q[1]
        q[0] = p[1] * a
        return np.sum(u * u * v) + np.sum(p * q * q)
    """,
    "two choices of the same arrays": """
        u = x * 2.0
        v = y * 3.0
        p = u if a > 0 else v
        q = u if a < 1 else v
        p[0] = q[1]
        q[0] = p[1] * a
        return np.sum(u * u * v) + np.sum(p * q * q)
    """,
    "a choice whose test is another by then": """
        u = x * 2.0
        v = y * 3.0
        c = a > 0
        w = u if c else v
        c = False
        w[1] = a * a
        return np.sum(u * u * v) + np.sum(w)
    """,
    "a choice of a helper": """
        def pick(p, q, s):
            return p if s > 0 else q
        u = x * 2.0
        v = y * 3.0
        w = pick(u, v, a)
        w[1] = a * a
        return np.sum(u * u * v) + np.sum(w)
    """,
    "a choice is handed to a helper that writes": """
        u = x * 2.0
        v = y * 3.0
        w = u if a > 0 else v
        halve(w)
        raise_ends(w, a)
        return np.sum(u * u * v) + np.sum(w)
    """,
    "one of two arrays is sorted in place": """
        u = x * 2.0
        v = y * 3.0
        w = u if a > 0 else v
        w.sort()
        return np.sum(u * v * y)
    """,
    "one of two arrays is what a function writes into": """
        u = x * 2.0
        v = y * 3.0
        w = u if a > 0 else v
        np.multiply(w, x, out=w)
        return np.sum(u * v * y)
    """,
    "one of two rows is written": """
        w = m[0] if a > 0 else m[1]
        w[1] = a
        w *= x
        return np.sum(m * m)
    """,
    "another attribute than the view is bound anew, any number of times": """
        b = Box(y[1:])
        b.n = 0.0
        for i in range(len(x) - 2):
            y *= 2.0
            b.n = b.n + a
        return np.sum(b.v) * b.n
    """,
    "a tuple is built again around a view, any number of times": """
        t = (y[1:], 0.0)
        for i in range(len(x) - 2):
            y *= 2.0
            t = (t[0], t[1] + a)
        return np.sum(t[0]) * t[1]
    """,
    "three names change places, any number of times": """
        u = x * 1.0
        v = y * 1.0
        w = x * 2.0
        for i in range(len(x) - 2):
            u, v, w = v, w, u
        u[0] = a
        return np.sum(u * v * w)
    """,
    "two names change places and one is written, any number of times": """
        u = x * 1.0
        v = y * 1.0
        for i in range(len(x) - 1):
            u, v = v, u
            u[i] += a * v[i]
        return np.sum(u * u * v)
    """,
    "two arrays in a list change places and one is written, any number of times": """
        k = [x * 1.0, y * 1.0]
        for i in range(len(x) - 1):
            k[0], k[1] = k[1], k[0]
            k[0][i] += a * k[1][i]
        return np.sum(k[0] * k[1] * k[1])
    """,
    "an array is written that is also in a list that changes, any number of times": """
        u = x * 1.0
        k = [u, 0.0]
        for i in range(len(x) - 1):
            u[i] += a
            k[1] = k[1] + np.sum(k[0])
        return k[1] * np.sum(u)
    """,
    "an object's array is written that is also in a list that changes, any number of times": """
        b = Box(x * 1.0)
        k = [b, 0.0]
        for i in range(len(x) - 1):
            b.v[i] += a
            k[1] = k[1] + np.sum(k[0].v)
        return k[1]
    """,
    "two objects change places and the array of one is written, any number of times": """
        b = Box(x * 1.0)
        c = Box(y * 1.0)
        for i in range(len(x) - 1):
            b, c = c, b
            b.v[i] += a
        return np.sum(b.v * c.v * c.v)
    """,
    "a tuple is built again with its items in the other order, any number of times": """
        t = (x * 1.0, y * 1.0)
        for i in range(len(x) - 1):
            t = (t[1], t[0])
            t[0][i] += a
        return np.sum(t[0] * t[1] * t[1])
    """,
    "two arrays in a dict change places and one is written, any number of times": """
        d = {"p": x * 1.0, "q": y * 1.0}
        for i in range(len(x) - 1):
            d["p"], d["q"] = d["q"], d["p"]
            d["p"][i] += a
        return np.sum(d["p"] * d["q"] * d["q"])
    """,
    "a closure writes an array that is another in the next turn, any number of times": """
        u = x * 1.0
        def touch(s):
            u[0] += s
        for i in range(len(x) - 2):
            touch(a)
            u = u * 2.0
        return np.sum(u)
    """,
    "two arguments change places and one is written, any number of times": """
        for i in range(len(x) - 1):
            x, y = y, x
            x[i] += a * y[i]
        return np.sum(x * y * y)
    """,
    "an item of a list in a list, and its neighbour bound anew, any number of times": """
        k = [[x * 1.0], [y * 1.0]]
        first = k[0]
        for i in range(len(x) - 2):
            k[1] = [x * 2.0]
            first[0] = first[0] * a
        return np.sum(k[0][0] * k[1][0])
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
    "one of a choice and another array": """
        u = x * 2.0
        v = y * 3.0
        t = x * y
        p = u if a > 0 else v
        q = p if a < 0 else t
        q[0] = a * p[1]
        p[1] = a * q[2]
        return np.sum(u * u * v) + np.sum(p * q * q) * np.sum(t)
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
    "list appended while run over": """
        k = [x * 1.0, y * 2.0]
        n = 0
        for v in k:
            if n < 1:
                k.append(v * 2.0)
            n += 1
        return np.sum(k[2]) + n * a
    """,
    "list's next item replaced": """
        k = [x * 1.0, 2.0, a]
        s = 0.0
        for v in k:
            k[2] = s
            s = s + np.sum(v)
        return s
    """,
    "next item replaced through zip": """
        k = [x * 1.0, y * 1.0]
        s = 0.0
        for v, w in zip(k, [y, x]):
            s = s + np.sum(v * w)
            k[1] = x * s
        return s
    """,
    "reversed next item replaced": """
        k = [x * 1.0, y * 1.0]
        s = 0.0
        for v in reversed(k):
            s = s + np.sum(v)
            k[0] = x * s * a
        return s
    """,
    "unrolled list item popped": """
        k = [x * 1.0, 2.0, y]
        s = 0.0
        for v in k:
            s = s + np.sum(v) * a
            k.pop()
        return s
    """,
    "numbers": """
        k = [a, 2.0, a * a]
        s = 0.0
        for v in k:
            s = s + v
            k[2] = s
        return s
    """,
    "dict items changed ahead": """
        d = {"p": x * 1.0, "q": y * 1.0}
        s = 0.0
        for k, v in d.items():
            s = s + np.sum(v)
            d["q"] = x * s * a
        return s
    """,
    "dict values changed ahead": """
        d = {"p": x * 1.0, "q": y * 1.0}
        s = 0.0
        for v in d.values():
            s = s + np.sum(v)
            d["q"] = x * s * a
        return s
    """,
    "values kept and the dict changed": """
        d = {"p": x * 1.0, "q": y * 1.0}
        v = d.values()
        d["q"] = x * a
        s = 0.0
        for w in v:
            s = s + np.sum(w * w)
        return s
    """,
    "zip kept and the list changed": """
        k = [x * 1.0, y * 1.0]
        v = zip(k, k)
        k[1] = x * a
        s = 0.0
        for w, u in v:
            s = s + np.sum(w * u)
        return s
    """,
    "reversed kept and the list changed": """
        k = [a, 2.0 * a]
        v = reversed(k)
        k[0] = 5.0
        return sum(v) * np.sum(x)
    """,
    "enumerate kept and the list changed": """
        k = [x * 1.0, y * 1.0]
        v = enumerate(k)
        k[1] = x * a
        return sum(np.sum(w * i) for i, w in v)
    """,
    "enumerate of an array kept and the array changed": """
        z = x * 1.0
        v = enumerate(z)
        z[1] = a
        s = 0.0
        for i, w in v:
            s = s + w * w * i
        return s
    """,
    "zip of arrays kept and one changed": """
        z = x * 1.0
        v = zip(z[1:], y)
        z[1] = a
        s = 0.0
        for i, w in v:
            s = s + w * i
        return s
    """,
    "a choice that is made in a branch": """
        u = x * 2.0
        v = y * 3.0
        if x[0] > 0:
            w = u if a > 0 else v
            w[0] = a
        else:
            w = u
        w[1] = a * a
        return np.sum(u * u * v) + np.sum(w)
    """,
    "a choice of a helper that returns early": """
        u = x * 2.0
        v = y * 3.0
        w = first_if(u, v, a)
        w[1] = a * a
        return np.sum(u * u * v) + np.sum(w)
    """,
    "one of three arrays is written": """
        u = x * 2.0
        v = y * 3.0
        t = x * y
        if a > 1:
            w = u
        elif a > 0.5:
            w = v
        else:
            w = t
        w[1] = a * a
        return np.sum(u * u * v * t) + np.sum(w)
    """,
    "one of two views in a list is bound anew, any number of times": """
        kept = [y[:-1], y[1:]]
        for i in range(len(x) - 2):
            y *= 2.0
            kept[0] = x[1:] * 1.0
        return np.sum(kept[1])
    """,
    "two names that begin as one array and part in the loop, any number of times": """
        u = x * 1.0
        v = u
        for i in range(len(x) - 2):
            u[0] = a * v[1]
            y[0] += v[0] * x[0]
            u = u * 2.0
            v = v * 3.0
        return np.sum(u) + np.sum(v) + y[0]
    """,
    "one array twice in a list, one of them another after a turn, any number of times": """
        kept = [x * 1.0] * 2
        for i in range(len(x) - 2):
            kept[0][0] = 5 * a
            kept[0] = y * 1.0
        return np.sum(kept[1] * x) + np.sum(kept[0])
    """,
    "one of two views in a dict is bound anew, any number of times": """
        d = {"p": y[1:], "q": y[:-1]}
        for i in range(len(x) - 2):
            y *= 2.0
            d["p"] = x[1:] * 1.0
        return np.sum(d["q"])
    """,
    "the name of an argument may be another array after a loop of a helper, any number of times": """
        def g(v, s):
            for i in range(len(x) - 2):
                if s < 0.0:
                    v = v * 2.0
            v[0] = s * 3.0
            return np.sum(v)
        z = x * 1.0
        t = g(z, a)
        t += g(y, a)
        return t * np.sum(z * y)
    """,
    "two names become one array in one turn, any number of times": """
        u = x * 1.0
        v = y * 1.0
        for i in range(len(x) - 1):
            if i == 1:
                u = v
            u[i] += a
        return np.sum(u * u) + np.sum(v ** 3)
    """,
    "an array is written that was in a list, any number of times": """
        u = x * 1.0
        k = [u, 0.0]
        for i in range(len(x) - 1):
            u[i] += a
            k[1] = k[1] + np.sum(k[0])
            k[0] = k[0] * 2.0
        return k[1] * np.sum(u) * np.sum(k[0])
    """,
    "an attribute is written, then another array, any number of times": """
        b = Box(x * 1.0)
        w = b.v
        for i in range(len(x) - 1):
            b.v[i] += a
            b.v = b.v * 2.0
        return np.sum(w * x) + np.sum(b.v)
    """,
    "two objects begin with one array, any number of times": """
        u = x * 1.0
        b = Box(u)
        c = Box(u)
        for i in range(len(x) - 2):
            b.v[i] = a
            c.v = c.v * 2.0
        return np.sum(b.v * c.v)
    """,
    "an array is written, then another, in a loop in a loop, any number of times": """
        u = x * 1.0
        w = u
        for i in range(len(x) - 2):
            for j in range(len(x) - 2):
                u[j] += a
                u = u * 1.5
        return np.sum(u) + np.sum(w * x)
    """,
    "a tuple begins with one array twice, any number of times": """
        u = x * 1.0
        t = (u, u)
        for i in range(len(x) - 1):
            t[0][i] += a
            t = (t[0], t[1] * 2.0)
        return np.sum(t[0] * t[1])
    """,
    "two lists in a list change places, any number of times": """
        k = [[x * 1.0, 1.0], [y * 1.0, 2.0]]
        first = k[0]
        for i in range(len(x) - 2):
            k[0], k[1] = k[1], k[0]
            k[0][1] = k[0][1] * a
        return first[1] * np.sum(x)
    """,
}


# What a called function does to its argument, and how it is called: the caller has the array still.
CHANGES = {
    "bound anew on one path": """
        if y[1] > 0:
            y = np.tanh(y)
        y[0] -= np.sin(np.sum(y))
        return np.sum(y ** 2)
    """,
    "bound anew in a loop": """
        for i in range(2):
            y[0] -= np.sin(np.sum(y))
            y = np.tanh(y)
        return np.sum(np.sin(y))
    """,
    "bound anew in the first turn": """
        for i in range(2):
            y[0] -= np.sin(np.sum(y))
            if i == 0:
                y = np.tanh(y)
        return np.sum(y)
    """,
    "bound anew before the end of a turn": """
        for i in range(3):
            y[0] *= y[1]
            if i == 0:
                y = np.tanh(y)
                continue
            y[1] *= 2.0
        return np.sum(y)
    """,
    "a view on one path": """
        w = y[::2] if y[1] > 0 else y[1:]
        w[0] *= w[1]
        return np.sum(w)
    """,
    "added to, and bound anew": """
        for i in range(3):
            y += np.sin(y) * i
            y = y - 1.0
        return np.sum(y)
    """,
    "bound anew in an attempt": """
        try:
            if y[0] > 5.0:
                raise ValueError
            y[0] *= y[1]
            y = y * 2.0
        except ValueError:
            y = -y
        y[1] *= y[0]
        return np.sum(y)
    """,
}
CALLS = {
    "called": "return change(x) * np.sum(np.sin(x))",
    "called twice": "s = change(x)\n    return s * change(x) * np.sum(x * y)",
    "given a view": "return change(x[::-1]) * np.sum(np.cos(x) * y)",
    "given a row": "return change(m[1]) * np.sum(np.sin(m))",
    "given an item": "kept = [x, y]\n    return change(kept[1]) * np.sum(y * x)",
    "differentiated": "g = grad(change)(x)\n    return np.sum(g * x)",
    "taken in a direction": "s, t = jvp(change, (x,), (y,))\n    return s * t * np.sum(np.sin(x))",
    "checkpointed": "return checkpoint(change)(x) * np.sum(np.sin(x))",
}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("change", CHANGES)
def test_a_write_of_a_called_function_is_seen_by_its_caller(change: str, call: str, folder: Path) -> None:
    inside = textwrap.indent(textwrap.dedent(CHANGES[change]), "    ")
    own = "x, y, m = x * 1.0, y * 1.0, m * 1.0"
    head = "from diffcompile import checkpoint, grad, jvp\n\n\n"
    caller = f"def f(x, y, m, a):\n    {own}\n    {CALLS[call]}\n"
    fn = load(f"{PRELUDE}\n{head}def change(y):{inside}\n\n{caller}", folder)
    expected, error = numeric_gradient(fn, fresh_inputs, WRT)

    assert converged(expected, error, 1e-7)
    check(fn, expected, error)


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
        with pytest.raises((UndecidedAlias, UnsupportedSyntax)):
            check(fn, expected, error)


def chosen_twice(x):
    a, b = x[:2].copy(), x[2:].copy()
    c = a if x[0] > 0 else b
    d = c if x[1] > 0 else b
    d[0] *= x[3]
    return np.sum(a * np.sin(b)) + np.sum(c)


def chosen_from_three(x):
    a, b, e = x[:2].copy(), x[2:].copy(), np.ones(2) * x[0]
    c = a if x[0] > 0 else b
    d = c if x[1] > 0 else e
    d[0] *= x[3]
    c[1] += x[0]
    return np.sum(a * np.sin(b) * np.cos(e)) + np.sum(d * c)


def chosen_in_opposite_ways(x):
    a, b = x[:2].copy(), x[2:].copy()
    c = a if x[0] > 0 else b
    d = b if x[0] > 0 else a
    e = c if x[2] > 1 else d
    e[:] = e * x[1]
    d[0] = c[0] * 2
    return np.sum(a * b) + np.sum(e)


def chosen_and_the_first_choice_forgotten(x):
    a, b = x[:2].copy(), x[2:].copy()
    c = a if x[0] > 0 else b
    d = c if x[1] > 0 else b
    c = np.zeros(2)
    a[0] = x[3] * x[2]
    return np.sum(d * d) + np.sum(c)


def chosen_in_a_loop(x):
    a, b = x[:2].copy(), x[2:].copy()
    for i in range(3):
        c = a if x[i] > 0 else b
        d = c if x[i] > 0.5 else b
        d[0] *= x[1] + 2
    return np.sum(a * b) + np.sum(d)


def chosen_views(x):
    c = x[:2] if x[0] > 0 else x[2:]
    d = c if x[1] > 0 else x[1:3]
    y = d * 2
    d[0] = x[3] * 2
    return np.sum(x * x) + np.sum(y) + np.sum(c)


@pytest.mark.parametrize("signs", list(itertools.product((1.0, -1.0), repeat=3)))
@pytest.mark.parametrize(
    "program",
    [
        chosen_twice, chosen_from_three, chosen_in_opposite_ways, chosen_and_the_first_choice_forgotten,
        chosen_in_a_loop, chosen_views,
    ],
    ids=lambda program: program.__name__,
)  # fmt: skip
def test_a_choice_of_a_choice_is_written(program: Any, signs: tuple[float, ...]) -> None:
    x = np.array([0.3, -0.7, 1.1, 0.5]) * np.array([*signs, 1.0])
    expected, error = numeric_gradient(program, lambda: (x.copy(),))
    value, found = value_and_grad(program)(x.copy())
    assert value == program(x.copy())
    assert_agrees(found, expected, error)
