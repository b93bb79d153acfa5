"""What is read, what is free, what a copy and a substitution keep."""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np
import pytest

from diffcompile.ir.graph import Call, Const, For, If, Region, Try, Value
from diffcompile.ir.types import FLOAT
from diffcompile.ir.verify import verify
from diffcompile.ir.walk import (
    free,
    instructions,
    key_of,
    map_regions,
    operands,
    reads,
    regions,
    rename,
    same_atom,
    same_constant,
    substitute,
    with_regions,
)
from graphs import VECTOR, body, lowered, written

LOOP = """
    def f(xs, k):
        s = 0.0
        for x in xs:
            if x > k:
                s = s + x
        return s
"""


def loop() -> tuple[Any, For]:
    graph = lowered(written(LOOP), VECTOR)
    return graph, next(i for i in graph.region.body if isinstance(i, For))


def names(found: Any) -> list[str]:
    return [v.name for v in found]


def test_operands_leave_nested_regions_out() -> None:
    _, instr = loop()

    assert names(a for a in operands(instr) if isinstance(a, Value)) == ["xs", "s"]


def test_reads_include_nested_regions_but_not_what_they_define() -> None:
    _, instr = loop()

    assert names(reads(instr)) == ["xs", "s", "k"]


def test_free_values_of_a_region_come_in_the_order_of_their_first_use() -> None:
    a, b, c, out = (Value(n) for n in "abcd")
    region = Region((c,), (Call((out,), operator.add, (b, a)), Call((), print, (c, b))), (out, a))

    assert list(free(region)) == [b, a]


def test_instructions_come_after_their_owner() -> None:
    graph, _ = loop()

    kinds = [type(i).__name__ for i in instructions(graph.region)]

    assert kinds.index("For") < kinds.index("If")
    assert kinds.count("If") == 1


def test_a_call_owns_no_region_and_is_itself_after_mapping() -> None:
    call = Call((), print, ())

    assert regions(call) == ()
    assert map_regions(lambda r: r, call) is call


def test_regions_put_back_are_the_regions_taken_out() -> None:
    for instr in instructions(loop()[0].region):
        again = with_regions(instr, regions(instr))

        assert regions(again) == regions(instr)


def test_substitution_reaches_every_read_and_follows_chains() -> None:
    a, b, c, out, test = (Value(n) for n in ("a", "b", "c", "out", "test"))
    inner = Region((), (), (a,))
    region = Region((), (If((out,), test, inner, inner), Call((), print, (out, a), (("end", b),))), (a,))

    changed = substitute(region, {a: b, b: c})

    branch, call = changed.body
    assert isinstance(branch, If) and branch.then.results == branch.orelse.results == (c,)
    assert operands(call) == (out, c, c)
    assert changed.results == (c,)


def test_substituting_nothing_gives_the_region_itself() -> None:
    graph, _ = loop()

    assert substitute(graph.region, {}) is graph.region


def test_a_renamed_copy_reads_the_same_and_shares_no_value_of_its_own() -> None:
    from dataclasses import replace

    graph, _ = loop()
    copy = replace(graph, region=rename(graph.region, {}))

    assert body(verify(copy)) == body(graph)
    mine = {o for i in instructions(graph.region) for o in i.outs} | set(graph.params)
    assert mine.isdisjoint(o for i in instructions(copy.region) for o in i.outs)


def test_a_renamed_copy_still_reads_what_is_outside() -> None:
    outside, out = Value("k", FLOAT), Value("y", FLOAT)
    region = Region((), (Call((out,), operator.neg, (outside,)),), (out,))

    assert list(free(rename(region, {}))) == [outside]


ARRAY = np.ones(2)


@pytest.mark.parametrize(
    ("a", "b", "same"),
    [
        (1, 1, True),
        (1, 1.0, False),
        (1, True, False),
        (0.0, -0.0, False),
        (math.nan, float("nan"), True),
        ("x", "x", True),
        ((1, (2.0, None)), (1, (2.0, None)), True),
        ((1, 2), (1, 2.0), False),
        ((1,), (1, 1), False),
        (slice(0, 1), slice(0, 1), True),
        (slice(None, 2), slice(0, 2), False),
        (ARRAY, ARRAY, True),
        (ARRAY, np.ones(2), False),
        (np.sin, np.sin, True),
        (np.sin, np.cos, False),
    ],
)
def test_constants_are_the_same_by_type_and_value_and_objects_by_identity(
    a: object, b: object, same: bool
) -> None:
    assert same_constant(a, b) is same
    assert (key_of(a) == key_of(b)) is same


def test_a_negative_zero_in_a_complex_number_is_not_zero() -> None:
    assert not same_constant(complex(0.0, 1.0), complex(-0.0, 1.0))


def test_atoms_are_the_same_value_only_by_identity() -> None:
    a = Value("a")

    assert same_atom(a, a)
    assert not same_atom(a, Value("a"))
    assert same_atom(Const(2.0), Const(2.0))
    assert not same_atom(Const(2.0), a)


def test_a_try_reads_its_manager_and_what_it_hands_on_otherwise() -> None:
    m, a, b, inner = Value("m"), Value("a"), Value("b"), Value("inner")
    body = Region((Value("entered"),), (Call((inner,), np.sin, (a,)),), (inner,))
    instr = Try((Value("o"), Value("error")), body, (b,), (), m)

    assert operands(instr) == (m, b)
    assert list(reads(instr)) == [m, b, a]
    assert regions(with_regions(instr, (body,))) == (body,)
