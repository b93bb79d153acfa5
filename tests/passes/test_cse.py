"""One computation for equal expressions."""

from __future__ import annotations

import math

import numpy as np
import pytest

from diffcompile import value_and_grad
from diffcompile.passes.cse import cse
from graphs import VECTOR, Type, lowered, shows, written

CASES = [
    ("equal pure calls become one", (VECTOR, Type("int")), """
        def f(x, i):
            return x[i] * 2.0 + x[i] * 2.0
     """, """
        item = operator.getitem(x, i)
        product = operator.mul(item, 2.0)
        total = operator.add(product, product)
        yield total
     """),
    ("two names of the user are both kept", (), """
        def f(x):
            a = np.sin(x)
            b = np.sin(x)
            return a + b
     """, """
        a = np.sin(x)
        b = np.sin(x)
        total = operator.add(a, b)
        yield total
     """),
    ("an anonymous repetition of a named value is that value", (), """
        def f(x):
            a = np.sin(x)
            return a * np.sin(x)
     """, """
        a = np.sin(x)
        product = operator.mul(a, a)
        yield product
     """),
    ("what is known before a branch is known in it", (), """
        def f(x):
            a = np.sin(x)
            return a if x < 0.0 else 2.0 * np.sin(x)
     """, """
        a = np.sin(x)
        lt_out = operator.lt(x, 0.0)
        value = if lt_out:
          yield a
        else:
          product = operator.mul(2.0, a)
          yield product
        yield value
     """),
    ("what one branch computed is not known after it", (), """
        def f(x):
            if x > 0:
                y = np.sin(x)
            else:
                y = x
            return y + np.sin(x)
     """, """
        gt_out = operator.gt(x, 0)
        y.2 = if gt_out:
          y = np.sin(x)
          yield y
        else:
          yield x
        sin_out = np.sin(x)
        total = operator.add(y.2, sin_out)
        yield total
     """),
    ("2 and 2.0 are different exponents", (), """
        def f(x):
            return x**2 + x**2.0
     """, """
        power = operator.pow(x, 2)
        power.2 = operator.pow(x, 2.0)
        total = operator.add(power, power.2)
        yield total
     """),
    ("two fresh arrays are two objects", (), """
        def f(x):
            a = np.zeros(3)
            b = np.zeros(3)
            a[0] = x
            return a.sum() + b.sum()
     """, """
        a = np.zeros(3)
        b = np.zeros(3)
        a.2 = store operator.setitem(a, 0, x)
        sum_out = ndarray.sum(a.2)
        sum_out.2 = ndarray.sum(b)
        total = operator.add(sum_out, sum_out.2)
        yield total
     """),
    ("a read after a write is another read", (VECTOR,), """
        def f(x):
            a = x[0]
            x[0] = 3.0
            return a + x[0]
     """, """
        a = operator.getitem(x, 0)
        x.2 = store operator.setitem(x, 0, 3.0)
        item = operator.getitem(x.2, 0)
        total = operator.add(a, item)
        yield total
     """),
    ("prints are not merged", (), """
        def f(x):
            print("x")
            print("x")
            return x
     """, """
        print('x')
        print('x')
        yield x
     """),
]  # fmt: skip


@pytest.mark.parametrize(("specs", "before", "after"), [pytest.param(*c[1:], id=c[0]) for c in CASES])
def test_cse(specs: tuple[Type, ...], before: str, after: str) -> None:
    shows(cse(lowered(written(before), *specs)), after)


def test_two_counters_are_two() -> None:
    f = written("""
    def f(x, a):
        for i, u in enumerate(x):
            for j, v in enumerate(x):
                if a > 0.77:
                    math.sin(a)
            a = a + math.sin(a * i)
        return a
    """, math=math)
    args = np.array([0.7, -1.2, 0.4]), 0.5

    assert value_and_grad(f, argnums=1)(*args)[0] == f(*args)
