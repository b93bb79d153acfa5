"""Facts: what they say, and what is left of two of them."""

from __future__ import annotations

import numpy as np
import pytest

from diffcompile.ir.types import (
    BOOL,
    COMPLEX,
    FLOAT,
    INT,
    NONE,
    OBJECT,
    RANGE,
    STR,
    UNKNOWN,
    Dim,
    Type,
    array,
    join,
    minus,
    not_one,
    number,
    type_of_constant,
)

F64, F32, I64 = np.dtype(np.float64), np.dtype(np.float32), np.dtype(np.int64)
N = Dim("n", 0, maybe_one=False)
ANY = Dim("m")
ALL = [
    UNKNOWN, NONE, BOOL, INT, FLOAT, COMPLEX, STR, RANGE, OBJECT, number(F32), array(F64, (N, 3)),
    array(F32), Type("tuple", items=(FLOAT, INT)), Type("list", elem=FLOAT),
]  # fmt: skip


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "none"),
        (True, "bool"),
        (2, "int"),
        (2.0, "float"),
        (2j, "complex"),
        ("a", "str"),
        (np.float32(1.0), "number[float32]"),
        (np.ones((2, 1), np.float32), "array[float32](2, 1)"),
        (np.array(1.0), "array[float64]()"),
        ((1.0, (2,)), "tuple[float, tuple[int]]"),
        (range(3), "range"),
        ([1.0], "object"),
        (np.sin, "object"),
    ],
)
def test_a_constant_is_its_own_fact(value: object, text: str) -> None:
    assert str(type_of_constant(value)) == text


@pytest.mark.parametrize(
    ("a", "b", "text"),
    [
        (FLOAT, FLOAT, "float"),
        (FLOAT, number(F64), "number[float64]"),
        (INT, FLOAT, "number[float64]"),
        (number(F32), FLOAT, "number[?]"),
        (FLOAT, UNKNOWN, "unknown"),
        (FLOAT, NONE, "unknown"),
        (FLOAT, array(F64, ()), "unknown"),
        (array(F64, (2, 3)), array(F64, (2, 4)), "array[float64](2, ~)"),
        (array(F64, (2,)), array(F32, (2,)), "array[?](2)"),
        (array(F64, (2,)), array(F64, (2, 2)), "array[float64]?"),
        (Type("tuple", items=(INT, FLOAT)), Type("tuple", items=(INT, INT)), "tuple[int, number[float64]]"),
        (Type("tuple", items=(INT,)), Type("tuple", items=(INT, INT)), "tuple"),
        (Type("list", elem=FLOAT), Type("list"), "list[float]"),
    ],
)
def test_two_paths_leave_what_both_say(a: Type, b: Type, text: str) -> None:
    assert str(join(a, b)) == str(join(b, a)) == text


@pytest.mark.parametrize("a", ALL, ids=str)
def test_joining_with_itself_or_the_unknown(a: Type) -> None:
    assert join(a, a) == a
    assert join(a, UNKNOWN).kind == "unknown"
    assert join(a, UNKNOWN).may_be_row == (a.kind in ("tuple", "list"))


@pytest.mark.parametrize("a", ALL, ids=str)
@pytest.mark.parametrize("b", ALL, ids=str)
def test_a_join_is_a_fixed_point_after_one_step(a: Type, b: Type) -> None:
    both = join(a, b)

    assert join(both, a) == join(both, b) == both


def test_a_name_without_a_value_on_one_path_keeps_its_facts_and_may_be_unbound() -> None:
    joined = join(FLOAT, Type("unbound"))

    assert joined.kind == "float" and joined.maybe_unbound
    assert join(Type("unbound"), FLOAT) == joined
    assert join(joined, FLOAT).maybe_unbound


def test_a_joined_length_differs_from_one_only_if_both_do() -> None:
    assert not not_one(join(array(F64, (N,)), array(F64, (1,))).shape[0])  # type: ignore[index]
    assert not not_one(join(array(F64, (N,)), array(F64, (ANY,))).shape[0])  # type: ignore[index]
    assert not_one(join(array(F64, (N,)), array(F64, (3,))).shape[0])  # type: ignore[index]


def test_a_length_cut_from_one_that_is_not_one_may_be_one() -> None:
    assert not not_one(minus(N, 1))
    assert minus(N, 0) is N
    assert minus(5, 7) == 0
    assert str(minus(N, 2)) == "n-2"


@pytest.mark.parametrize(
    ("known", "scalar", "integer", "real", "rank"),
    [
        (BOOL, True, True, True, 0),
        (INT, True, True, True, 0),
        (FLOAT, True, False, True, 0),
        (COMPLEX, True, False, False, 0),
        (number(), True, False, False, 0),
        (array(I64, (N,)), False, True, True, 1),
        (array(F64, ()), False, False, True, 0),
        (array(F64), False, False, True, None),
        (UNKNOWN, False, False, False, None),
        (STR, False, False, False, None),
    ],
)
def test_what_is_known_of_a_kind(
    known: Type, scalar: bool, integer: bool, real: bool, rank: int | None
) -> None:
    assert (known.is_scalar, known.is_integer, known.is_real, known.rank) == (scalar, integer, real, rank)


def test_types_are_compared_by_what_they_say() -> None:
    assert array(np.dtype("f8"), (N,)) == array(np.dtype(float), (Dim("n", 0, False),))
    assert hash(array(F64, (N,))) == hash(array(F64, (N,)))
    assert array(F64, (N,)) != array(F64, (ANY,))
