"""What a valid graph is, and the words for what is not."""

from __future__ import annotations

import operator

import pytest

from diffcompile.ir.graph import Call, Const, For, Graph, If, Instr, Region, Try, Value, While
from diffcompile.ir.verify import verify
from graphs import lowered, written

FALSE = Const(False)


def graph(params: tuple[Value, ...], *body: Instr, results: tuple[Value, ...] = ()) -> Graph:
    return Graph("f", Region(params, body, results))


def refused(broken: Graph, words: str) -> None:
    with pytest.raises(AssertionError) as caught:
        verify(broken)
    assert str(caught.value).split("\n")[0] == words


def test_a_valid_graph_is_given_back() -> None:
    good = lowered(written("def f(x):\n    while x > 1.0:\n        x = x / 2.0\n    return x"))

    assert verify(good) is good


def test_reading_before_writing() -> None:
    x, y = Value("x"), Value("y")

    refused(graph((x,), Call((), print, (y,))), "y is read before it is written, in Call")


def test_reading_a_value_of_a_branch_outside_it() -> None:
    x, inner, out = Value("x"), Value("inner"), Value("out")
    then = Region((), (Call((inner,), operator.neg, (x,)),), (inner,))

    refused(
        graph((x,), If((out,), x, then, Region((), (), (x,))), Call((), print, (inner,))),
        "inner is read before it is written, in Call",
    )


def test_reading_a_value_of_the_other_branch() -> None:
    x, inner, out = Value("x"), Value("inner"), Value("out")
    then = Region((), (Call((inner,), operator.neg, (x,)),), (inner,))

    refused(
        graph((x,), If((out,), x, then, Region((), (), (inner,)))),
        "inner is yielded but never written",
    )


def test_yielding_what_was_never_written() -> None:
    refused(graph((), results=(Value("y"),)), "y is yielded but never written")


def test_writing_twice() -> None:
    x, y = Value("x"), Value("y")
    call = Call((y,), operator.neg, (x,))

    refused(graph((x,), call, call), "y is written twice")


def test_one_value_as_two_parameters() -> None:
    x = Value("x")

    refused(graph((x, x)), "x is written twice")


def test_branches_that_yield_different_numbers_of_values() -> None:
    x, y = Value("x"), Value("y")

    refused(graph((x,), If((y,), x, Region((), (), (x,)), Region((), (), ()))), "an if's branches differ")


def test_a_branch_with_a_parameter() -> None:
    x, p = Value("x"), Value("p")

    refused(graph((x,), If((), x, Region((p,), (), ()), Region((), (), ()))), "a branch takes no parameters")


@pytest.mark.parametrize(
    ("params", "results", "outs", "saves", "words"),
    [
        (1, 2, 1, 0, "a for's body takes its items and carried"),
        (2, 1, 1, 0, "a for yields carried, leave, saves"),
        (2, 2, 1, 1, "a for yields carried, leave, saves"),
        (2, 3, 1, 1, "a for's outs are carried and saves"),
    ],
)
def test_a_for_that_breaks_a_promise(params: int, results: int, outs: int, saves: int, words: str) -> None:
    x = Value("x")
    body = Region(tuple(Value("p") for _ in range(params)), (), (FALSE,) * results)
    loop = For(tuple(Value("o") for _ in range(outs)), (x,), (x,), body, saves)

    refused(graph((x,), loop), words)


def test_a_while_whose_condition_yields_no_test() -> None:
    x, a, b, out = Value("x"), Value("a"), Value("a"), Value("out")
    loop = While((out,), (x,), Region((a,), (), ()), Region((b,), (), (b, FALSE)))

    refused(graph((x,), loop), "a while's condition yields one test")


def test_a_while_whose_condition_takes_something_else() -> None:
    x, b, out = Value("x"), Value("b"), Value("out")
    loop = While((out,), (x,), Region((), (), (FALSE,)), Region((b,), (), (b, FALSE)))

    refused(graph((x,), loop), "a while's regions take its carried")


@pytest.mark.parametrize(
    ("outs", "params", "otherwise", "words"),
    [
        (1, 0, 0, "a try yields as many values either way"),
        (1, 0, 1, "a try's outs are its results and the error"),
        (2, 1, 1, "a try's body takes what its manager gave"),
    ],
)
def test_a_try_promises_its_results_and_the_error(outs: int, params: int, otherwise: int, words: str) -> None:
    x = Value("x")
    body = Region(tuple(Value("p") for _ in range(params)), (), (x,))
    instr = Try(tuple(Value("o") for _ in range(outs)), body, (x,) * otherwise, (ValueError,))

    with pytest.raises(AssertionError, match=words):
        verify(Graph("f", Region((x,), (instr,), (x,))))
