"""Iterators go on where they were left: `zip` of one twice, and of generators whose running is seen."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from diffcompile import UnsupportedSyntax, grad, jvp, value_and_grad
from oracles import assert_agrees, numeric_gradient

X = 1.1


def named_and_twice(x: Any) -> Any:
    l = [x, 2 * x, 3 * x, 4 * x, 5 * x]
    it = iter(l)
    return sum((a * b for a, b in zip(it, it)))


def in_a_for(x: Any) -> Any:
    l = [x, 2 * x, 3 * x, 4 * x, 5 * x]
    it = iter(l)
    s = 0.0
    for a, b in zip(it, it):
        s += a * b
    return s


def three_times(x: Any) -> Any:
    l = [x * i for i in range(7)]
    args = [iter(l)] * 3
    s = 0.0
    for a, b, c in zip(*args):
        s += a * b + c
    return s


def helper(l: Any) -> Any:
    return iter(l)


def returned_by_a_helper(x: Any) -> Any:
    it = helper([x, 2 * x, 3 * x])
    return sum((a * b for a, b in zip(it, it)))


def twice_and_another(x: Any) -> Any:
    it = iter([x, 2 * x, 3 * x, 4 * x])
    return sum((a * b * c for a, b, c in zip(it, [1.0, 2.0], it)))


def generator_expression_twice(x: Any) -> Any:
    g = (v * x for v in [1.0, 2.0, 3.0, 4.0])
    return sum((a * b for a, b in zip(g, g)))


def reading_a_name_of_the_loop(x: Any) -> Any:
    n = x

    def g() -> Any:
        for i in range(3):
            yield (n * i)

    s = 0.0
    for a, b in zip(g(), g()):
        s += a * b
        n = n + a
    return s


def reading_a_list_of_the_loop(x: Any) -> Any:
    l = [x, x * x]

    def g() -> Any:
        for i in range(3):
            yield (sum(l) * i)

    s = 0.0
    for a, b in zip(g(), g()):
        s += a * b
        l.append(a)
    return s


def one_reading_a_list_of_the_loop(x: Any) -> Any:
    l = [x, x * x]

    def g() -> Any:
        for i in range(3):
            yield (sum(l) * i)

    s = 0.0
    for a, b in zip([1.0, 2.0, 3.0], g()):
        s += a * b
        l.append(b)
    return s


def writing_and_first(x: Any) -> Any:
    n = [x]

    def g() -> Any:
        for i in range(4):
            n[0] = n[0] * x
            yield (n[0] * i)

    s = 0.0
    for a, b in zip(g(), [1.0, 2.0]):
        s += a * b
    return s + n[0]


def writing_and_second(x: Any) -> Any:
    n = [x]

    def g() -> Any:
        for i in range(4):
            n[0] = n[0] * x
            yield (n[0] * i)

    s = 0.0
    for a, b in zip([1.0, 2.0], g()):
        s += a * b
    return s + n[0]


def two_that_nothing_sees(x: Any) -> Any:

    def g(k: Any) -> Any:
        for i in range(3):
            yield (i * x * k)

    s = 0.0
    for a, b in zip(g(1.0), g(2.0)):
        s += a * b
    return s


def beside_a_count(x: Any) -> Any:
    s = 0.0
    for a, b in zip([x, 2 * x], itertools.count(1)):
        s += a * b
    return s


def without_an_end(x: Any) -> Any:

    def g() -> Any:
        k = x
        while True:
            yield k
            k = k * x

    s = 0.0
    for a, b in zip([1.0, 2.0], g()):
        s += a * b
    return s


def raising_behind_the_end(x: Any) -> Any:

    def g() -> Any:
        yield x
        yield (x * x)
        raise ValueError

    s = 0.0
    for a, b in zip([1.0, 2.0], g()):
        s += a * b
    return s


def strict_rows_in_a_try(x: Any) -> Any:
    rows = [[x, 2 * x], [x * x]]
    try:
        l = list(zip(*rows, strict=True))
    except ValueError:
        return x * x
    return l[0][0]


def two_named_at_once(x: Any) -> Any:
    a, b = (iter([x, 2 * x]), iter([3 * x, x]))
    return sum((p * q for p, q in zip(a, b)))


def numbered_pairs(x: Any) -> Any:
    it = iter([x, 2 * x, 3 * x, 4 * x])
    return sum((i * a * b for i, (a, b) in enumerate(zip(it, it))))


def printing(x: Any) -> Any:

    def g() -> Any:
        for i in range(3):
            print("g", i)
            yield (x * i)

    s = 0.0
    for a, b in zip(g(), g()):
        print("body")
        s += a * b
    return s


def mapped_over_one_twice(x: Any) -> Any:
    it = iter([x, 2 * x, 3 * x, 4 * x])
    return sum(map(lambda a, b: a * b, it, it))


def mapped_with_writes(x: Any) -> Any:
    o = [0.0]

    def f(t: Any) -> Any:
        o[0] += t
        return t

    s = 0.0
    for v in map(lambda a, b: a * b, map(f, [x, 2 * x]), map(f, [3 * x, x])):
        s += v * o[0]
    return s


def grouped(x: Any) -> Any:
    items = [x, 2 * x, 3 * x, 4 * x]
    return sum(a * b for a, b in zip(*[iter(items)] * 2))


def strict_in_a_try(x: Any) -> Any:
    try:
        return sum([a for a, b in zip([x, x], [1.0, 2.0, 3.0], strict=True)])
    except ValueError:
        return x * x


def raising_as_it_is_summed(x: Any) -> Any:
    def g() -> Any:
        yield x
        if x > 0:
            raise ValueError

    try:
        return sum([a for a in g()])
    except ValueError:
        return x * x


def raising_in_a_test(x: Any) -> Any:
    def g() -> Any:
        yield x
        raise ValueError

    try:
        if sum(g()) > 0:
            return x
    except ValueError:
        return x * x
    return x**3


RIGHT = [
    named_and_twice, in_a_for, three_times, returned_by_a_helper, generator_expression_twice,
    writing_and_first, writing_and_second, two_that_nothing_sees, without_an_end,
    raising_behind_the_end, strict_rows_in_a_try, two_named_at_once, numbered_pairs,
    mapped_over_one_twice, beside_a_count, grouped, strict_in_a_try, raising_as_it_is_summed,
    raising_in_a_test,
]  # fmt: skip
IN_TURNS = [
    twice_and_another, reading_a_name_of_the_loop, reading_a_list_of_the_loop,
    one_reading_a_list_of_the_loop, printing, mapped_with_writes,
]  # fmt: skip


@pytest.mark.parametrize("program", RIGHT, ids=lambda f: f.__name__)
def test_iterators_are_run_as_python_runs_them(program: Any) -> None:
    value, slope = value_and_grad(program)(X)
    expected, error = numeric_gradient(program, lambda: (X,))

    assert value == pytest.approx(program(X), rel=1e-13)
    assert_agrees(slope, expected, error)
    assert jvp(program, (X,), (1.0,)) == (pytest.approx(value), pytest.approx(slope))


@pytest.mark.parametrize("program", IN_TURNS, ids=lambda f: f.__name__)
def test_iterators_that_see_each_other_are_refused(program: Any) -> None:
    for derivative in (grad(program), lambda x: jvp(program, (x,), (1.0,))):
        with pytest.raises(UnsupportedSyntax) as refused:
            derivative(X)

        assert refused.value.reason == (
            "`zip` runs iterators in turns with each other and with the loop, and what one of them sees is "
            "changed there"
        )
        assert refused.value.remedy == "Make lists of what they give first, or write the loop out."


def test_strict_zip_of_one_iterator_twice_is_refused() -> None:
    def f(x: Any) -> Any:
        it = iter([x, 2 * x, 3 * x])
        try:
            return sum(a * b for a, b in zip(it, it, strict=True))
        except ValueError:
            return x * x

    with pytest.raises(UnsupportedSyntax) as refused:
        grad(f)(X)

    assert refused.value.reason == (
        "`zip(strict=True)` of an iterator that something else runs on, or sees running"
    )


class Box:
    def __init__(self, v: Any) -> None:
        self.v = v


def in_what_is_returned(x: Any) -> Any:
    b = Box(x)

    def g() -> Any:
        b.v = 2 * x * x
        raise ValueError

    try:
        return g()
    except ValueError:
        return b.v


def in_a_test(x: Any) -> Any:
    n = x

    def g() -> Any:
        nonlocal n
        n = n * x
        if x > 0:
            raise ValueError
        return n

    try:
        if g() > 0:
            return n
    except ValueError:
        return n * x
    return n


def in_what_is_run_over(x: Any) -> Any:
    items = [x]

    def g() -> Any:
        items.append(x * x)
        if x > 0:
            raise ValueError
        return x

    try:
        for v in [g(), x]:
            items.append(v)
    except ValueError:
        pass
    return sum(items)


@pytest.mark.parametrize("program", [in_what_is_returned, in_a_test, in_what_is_run_over])
def test_call_that_writes_and_then_raises_in_a_try_is_refused(program: Any) -> None:
    with pytest.raises(UnsupportedSyntax) as refused:
        grad(program)(X)

    assert refused.value.reason == (
        "what is written here stays written if the rest of the statement raises, in a `try`"
    )
