"""Containers as vectors and as trees, and the names of parts of them in `argnums`."""

from __future__ import annotations

import copy
import dataclasses
import inspect
from collections import OrderedDict, defaultdict
from typing import Any, NamedTuple

import numpy as np
import pytest

from diffcompile import UnsupportedSyntax, WrongArgument, grad, ravel, register_container, tree_map, vjp
from oracles import assert_close, flatten, same


class Pair(NamedTuple):
    a: Any
    b: Any


@dataclasses.dataclass
class Layer:
    w: Any
    steps: int
    label: str = "x"


@dataclasses.dataclass
class Doubled:
    w: Any

    def __post_init__(self):
        self.w = self.w * 2


class Curve:
    def __init__(self, points, label):
        self.points, self.label = points, label


register_container(Curve, lambda c: ((c.points,), c.label), lambda label, items: Curve(*items, label))


def everything() -> dict[Any, Any]:
    return {
        "w": np.arange(6.0).reshape(2, 3),
        "t": (1.0, 2, None, "s", True),
        "l": [Pair(np.float32(2.0), np.array(3.0)), Layer(np.ones(2, np.float32), 4)],
        "o": OrderedDict(z=1.5),
        "d": defaultdict(list, k=0.25),
        3: np.arange(3),
        "post": Doubled(1.5),
        "empty": np.zeros((0, 2)),
        "after": 7.0,
    }


def test_ravel_lays_the_numbers_out_in_order() -> None:
    flat, _ = ravel(everything())

    assert flat.dtype == np.float64
    assert flat.tolist() == [0, 1, 2, 3, 4, 5, 1, 2, 3, 1, 1, 1.5, 0.25, 3, 7]


def test_unravel_builds_what_was_raveled() -> None:
    params = everything()
    flat, unravel = ravel(params)

    built = unravel(flat)

    assert same(built, params)
    assert type(built["o"]) is OrderedDict and built["d"].default_factory is list
    assert built["post"].w == 3.0


def test_unravel_gives_other_numbers_with_the_kinds_shapes_and_dtypes_of_the_first() -> None:
    flat, unravel = ravel(everything())

    built = unravel(flat + 1.0)

    assert built["t"] == (2.0, 2, None, "s", True)
    assert built["l"][0] == (3.0, 4.0) and type(built["l"][0].a) is np.float32
    assert built["l"][1].w.dtype == np.float32 and built["l"][1].steps == 4
    assert built["w"].shape == (2, 3)


def test_what_unravel_gives_can_be_written_without_changing_the_vector() -> None:
    flat, unravel = ravel({"w": np.ones(2)})
    unravel(flat)["w"][0] = 5.0

    assert flat.tolist() == [1.0, 1.0]


@pytest.mark.parametrize(
    ("params", "dtype"),
    [
        ([np.ones(2, np.float32), np.float32(1)], np.float32),
        ([np.ones(2, np.float32), np.ones(2)], np.float64),
        ([1.0, 2 + 1j], np.complex128),
        ([], np.float64),
        ({"n": 3}, np.float64),
        (np.ones((2, 2), np.float16), np.float16),
        (2.0, np.float64),
    ],
)
def test_the_vector_has_the_dtype_that_holds_all_numbers(params: Any, dtype: Any) -> None:
    flat, unravel = ravel(params)

    assert flat.dtype == dtype
    assert same(unravel(flat), params)


def test_a_registered_container_is_raveled_by_its_parts() -> None:
    flat, unravel = ravel(Curve([1.0, np.ones(2)], "c"))
    built = unravel(flat * 2)

    assert flat.tolist() == [1.0, 1.0, 1.0]
    assert (built.points[0], built.points[1].tolist(), built.label) == (2.0, [2.0, 2.0], "c")


def test_unravel_refuses_a_vector_of_another_length() -> None:
    _, unravel = ravel([1.0, 2.0])

    with pytest.raises(ValueError) as caught:
        unravel(np.ones(3))

    assert str(caught.value) == "`unravel` takes an array of shape (2,)"


def test_unravel_is_a_function_that_can_be_read() -> None:
    _, unravel = ravel({"w": np.ones((2, 3)), "b": 0.5})

    line = "return {'w': flat[0:6].reshape((2, 3)).copy(), 'b': float(flat[6])}"

    assert line in inspect.getsource(unravel)


def energy(p):
    return np.sum(p["w"] ** 2) * p["t"][0] * p["l"][0].a * p["l"][0].b + np.sum(p["l"][1].w) * p["l"][1].steps


def test_the_gradient_through_unravel_is_the_raveled_gradient() -> None:
    params = {k: v for k, v in everything().items() if k in ("w", "t", "l")}
    flat, unravel = ravel(params)

    direct = grad(lambda v: energy(unravel(v)))(flat)

    assert_close(direct, ravel(grad(energy)(params))[0])
    assert direct.dtype == flat.dtype and direct.any()


def test_tree_map_keeps_what_has_no_derivative() -> None:
    mapped = tree_map(lambda x: x * 2, everything())

    assert mapped["t"] == (2.0, 2, None, "s", True)
    assert mapped["l"][1].steps == 4 and mapped[3].tolist() == [0, 1, 2]
    assert mapped["post"].w == 6.0
    assert_close(flatten(mapped["w"]), 2 * flatten(everything()["w"]))


def test_tree_map_takes_a_gradient_beside_the_parameters() -> None:
    params = {"w": np.ones(2), "n": 3, "l": [2.0, None]}
    gradient = grad(lambda p: np.sum(p["w"]) * p["l"][0] * p["n"])(params)

    moved = tree_map(lambda p, g: p - g, params, gradient)

    assert moved["w"].tolist() == [-5.0, -5.0]
    assert (moved["n"], moved["l"]) == (3, [-4.0, None])


@pytest.mark.parametrize(
    ("other", "place"),
    [({"a": [1.0]}, "`a`"), ({"b": [1.0, 2.0]}, "the top"), ({"a": 1.0}, "`a`"), (3.0, "the top")],
)
def test_tree_map_names_the_place_where_structures_differ(other: Any, place: str) -> None:
    with pytest.raises(WrongArgument) as caught:
        tree_map(lambda a, b: a + b, {"a": [1.0, 2.0]}, other)

    assert caught.value.reason == f"the containers differ in structure at {place}"
    assert caught.value.remedy == "Pass containers with the same keys and lengths."


def descent(rate, params):
    for _ in range(3):
        params = tree_map(lambda p, q: p - rate * q**2, params, params)
    layer = tree_map(lambda w: w * rate, Layer(params["l"][1], 3))
    return np.sum(params["w"]) + params["l"][0].a * layer.steps + layer.w


def test_tree_map_in_a_function_that_is_differentiated() -> None:
    params = {"w": np.ones(2), "l": [Pair(0.5, 2), 0.25]}
    step = 1e-5
    expected = (descent(0.1 + step, params) - descent(0.1 - step, params)) / (2 * step)

    assert grad(descent)(0.1, params) == pytest.approx(expected, rel=1e-8)
    assert_close(
        flatten(grad(descent, argnums=1)(0.1, params)),
        flatten(grad(lambda p: descent(0.1, p))(copy.deepcopy(params))),
    )


def over_an_object(c):
    return np.sum(tree_map(lambda x: x * 2, c).points)


def over_a_list_that_grew(x):
    items = []
    for k in range(3):
        items.append(x * k)
    return np.sum(np.array(tree_map(lambda v: v * 2, items)))


def of_two_structures(x):
    return tree_map(lambda a, b: a + b, [x, x], [x])[0]


@pytest.mark.parametrize(
    ("fn", "argument", "reason", "remedy"),
    [
        (
            over_an_object,
            Curve(np.ones(2), "c"),
            "`tree_map` of an object of class `Curve` is not differentiated",
            "Map its attributes one by one.",
        ),
        (
            over_a_list_that_grew,
            2.0,
            "`tree_map` of what is not known item by item",
            "Write a loop, or a comprehension.",
        ),
        (
            of_two_structures,
            2.0,
            "`tree_map` of containers that differ in structure",
            "Give them the same keys and lengths.",
        ),
    ],
)
def test_tree_map_that_cannot_be_written_out_is_refused(
    fn: Any, argument: Any, reason: str, remedy: str
) -> None:
    with pytest.raises(UnsupportedSyntax) as caught:
        grad(fn)(argument)

    assert (caught.value.reason, caught.value.remedy) == (reason, remedy)
    assert caught.value.span is not None and "tree_map" in caught.value.span.text


# -- argnums ------------------------------------------------------------------------------------------------


def model(p, layer, x):
    return p["w"] * layer.w * x


ARGUMENTS: tuple[Any, ...] = ({"w": 2.0, "b": 1.0}, Layer(5.0, 1), 3.0)


@pytest.mark.parametrize(
    ("argnums", "expected"),
    [
        ("x", 10.0),
        (2, 10.0),
        (-1, 10.0),
        ("p.w", 15.0),
        ("layer.w", 6.0),
        (("p.w", "x"), (15.0, 10.0)),
        (["x", 0], (10.0, {"w": 15.0, "b": 0.0})),
    ],
)
def test_names_and_paths_are_argnums_of_grad_and_of_vjp(argnums: Any, expected: Any) -> None:
    assert grad(model, argnums=argnums)(*ARGUMENTS) == expected
    assert vjp(model, *ARGUMENTS, argnums=argnums)[1](1.0) == expected


def test_vjp_names_what_there_is_when_argnums_names_nothing() -> None:
    with pytest.raises(WrongArgument) as caught:
        vjp(model, *ARGUMENTS, argnums="y")

    assert caught.value.reason == "`model` has no parameter `y`"
    assert caught.value.remedy == "It has p, layer, x."
