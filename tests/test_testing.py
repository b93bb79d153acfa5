"""What checks derivatives: it passes what is right, and says what is off, where and by how much."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pytest

from diffcompile import (
    NoRule,
    WrongArgument,
    check_grads,
    check_rule,
    checkpoint,
    defelementwise,
    defjvp,
    deflinear,
    defvjp,
    nondifferentiable,
    stop_gradient,
)

V = np.array([0.3, 0.7, 1.1])
BOTH = ("rev", "fwd")


class Pair(NamedTuple):
    first: Any
    second: Any


def branches_and_loops(x, n):
    total = 0.0
    for k in range(n):
        if k % 2:
            total = total + np.sum(np.sin(x) * k)
        else:
            x = x * total + 1.0
    return total


def writes(x):
    x[1:] += x[:-1] ** 2
    return np.sum(x**3)


def containers(p, scale):
    return {"out": [p["w"] * scale, Pair(np.sum(p["w"]), p["b"] ** 2)], "n": 3, "name": p["name"]}


def checkpointed(x):
    for _ in checkpoint(range(5)):
        x = np.sin(x) * x
    return x


RIGHT = [
    (lambda x: np.exp(np.sin(x)), (V,), 3),
    (lambda x, y: x**2 * y, (1.5, 0.5), 4),
    (branches_and_loops, (V, 5), 2),
    (writes, (V,), 2),
    (containers, ({"w": V, "b": 0.5, "name": "p"}, 2.0), 2),
    (checkpointed, (V,), 2),
    (lambda x: np.sum(np.tanh(x) ** 2), (V.astype(np.float32),), 2),
    (lambda x: np.sum(x**2), (V.astype(np.float16),), 1),
    (lambda z: z * z * np.exp(z), (0.3 + 0.2j,), 1),
    (lambda z: np.sum(abs(z) ** 2), (V + 1j,), 1),
    (lambda a, b: a @ b, (np.outer(V, V) + np.eye(3), np.eye(3) + 0.1), 2),
]


@pytest.mark.parametrize(("fn", "args", "order"), RIGHT)
@pytest.mark.parametrize("mode", BOTH)
def test_what_is_right_passes(fn: Any, args: Any, order: int, mode: Any) -> None:
    before = [np.array(a, copy=True) if isinstance(a, np.ndarray) else a for a in args]

    check_grads(fn, args, order=order, modes=(mode,))

    assert all(np.array_equal(a, b) for a, b in zip(args, before, strict=True) if isinstance(a, np.ndarray))


def squared(x):
    return x**2


@defelementwise(squared)
def _(out, x):
    return 3 * x


def product(a, b):
    return a * b


@defvjp(product)
def _(ct, out, a, b):
    return ct * b, np.sum(ct * a) * 1.01


@defjvp(product)
def _(tangents, out, a, b):
    moved = 0.0 if tangents[0] is None else tangents[0] * b
    return moved if tangents[1] is None else moved + a * tangents[1]


def cubed(x):
    return x**3


@defvjp(cubed)
def _(ct, out, x):
    return ct * stop_gradient(3 * x**2)


def stepped(x):
    return x * 2


nondifferentiable(stepped)


def shifted(x, k):
    return k * x


@deflinear(shifted)
def _(ct, out, x, k):
    return k * ct


def uses_product(x, y, n):
    z = np.sin(x)
    for _ in range(n):
        z = product(z, y)
    return np.sum(z)


def message(fn: Any, *args: Any, **options: Any) -> str:
    with pytest.raises(AssertionError) as caught:
        check_grads(fn, args, **options)
    return str(caught.value)


def test_the_argument_and_the_line_whose_derivative_is_off_are_named() -> None:
    said = message(uses_product, V, 2.0, 2)

    first, numbers, call, file, text, _ = said.splitlines()
    place = "the derivative of `uses_product` with respect to `y` is off"
    assert first == f"{place}, in reverse mode, to first order:"
    assert numbers.startswith("  ") and "by differences (known to" in numbers and "by derivative" in numbers
    assert call.endswith("test_testing.product` is off:")
    assert file.endswith(f"{__file__.rpartition('/')[2]}\", line {uses_product.__code__.co_firstlineno + 3}")
    assert text == "    z = product(z, y)"


def test_forward_mode_uses_the_rule_of_its_own() -> None:
    check_grads(uses_product, (V, 2.0, 2), modes=("fwd",))


def test_a_derivative_that_is_right_once_and_not_twice_is_off_to_second_order() -> None:
    check_grads(lambda x: cubed(x), (2.0,), order=1)

    assert message(lambda x: cubed(x), 2.0).startswith(
        "the derivative of `<lambda>` with respect to `x` is off, in reverse mode, to second order:"
    )


def test_a_kink_is_told_from_a_wrong_derivative() -> None:
    said = message(lambda x: abs(x - 1.0), 1.0 + 1e-4)

    assert said.startswith("differences of `<lambda>` with respect to `x` do not settle, to first order:")
    assert said.endswith("Is there a kink or a jump?")


@pytest.mark.parametrize(
    ("fn", "args", "modes", "reason"),
    [
        (lambda n: n * 1.0, (3,), ("rev",), "no argument of `<lambda>` can be differentiated"),
        (lambda x: int(x), (3.0,), ("rev",), "`<lambda>` returns no floats"),
        (lambda x: x, (3.0,), ("back",), "there is no mode `back`"),
    ],
)
def test_what_cannot_be_checked_is_refused(fn: Any, args: Any, modes: Any, reason: str) -> None:
    with pytest.raises(WrongArgument) as caught:
        check_grads(fn, args, modes=modes)

    assert caught.value.reason == reason


# -- rules --------------------------------------------------------------------------------------------------


def softsign(x, sharp=1.0):
    return x / (1 + abs(sharp * x))


@defelementwise(softsign)
def _(out, x, sharp=1.0):
    return 1 / (1 + abs(sharp * x)) ** 2


def test_rules_that_are_right_pass() -> None:
    check_rule(softsign, [(0.5,), (V,), (-V,), ((V,), {"sharp": 2.0})])
    check_rule(shifted, [(V, 2)])
    check_rule(np.sin, [(0.3,), (V,)])
    check_rule(np.linalg.solve, [(np.outer(V, V) + np.eye(3), V)])
    check_rule(np.sum, [((np.outer(V, V),), {"axis": 0})])


@pytest.mark.parametrize(
    ("fn", "sample", "said"),
    [
        (squared, (V,), "`squared` with respect to `x` is off, in reverse mode, to first order:"),
        (product, (V, 2.0), "`product` with respect to `b` is off, in reverse mode, to first order:"),
        (cubed, (2.0,), "`cubed` with respect to `x` is off, in reverse mode, to second order:"),
        (stepped, (2.0,), "`stepped` with respect to `x0` is off, in reverse mode, to first order:"),
    ],
)
def test_rules_that_are_off_are_found(fn: Any, sample: Any, said: str) -> None:
    with pytest.raises(AssertionError) as caught:
        check_rule(fn, [sample])

    assert str(caught.value).splitlines()[0] == f"the derivative of {said}"


def tangent_alone(x):
    return x**2


@defjvp(tangent_alone)
def _(tangents, out, x):
    return 3 * x * tangents[0]


def test_a_tangent_rule_is_checked_in_forward_mode() -> None:
    with pytest.raises(AssertionError) as caught:
        check_rule(tangent_alone, [(2.0,)])

    assert "`tangent_alone` with respect to `x` is off, in forward mode, to first order" in str(caught.value)


def test_a_function_without_a_rule_is_not_checked_as_one() -> None:
    with pytest.raises(WrongArgument) as caught:
        check_rule(uses_product, [(1.0, 2.0, 1)])

    assert caught.value.reason == "no rule is declared for `uses_product`"
    assert caught.value.remedy == "Check it with `check_grads`."


def test_an_argument_that_the_rule_leaves_out_is_refused_as_it_is_elsewhere() -> None:
    with pytest.raises(NoRule):
        check_rule(shifted, [(V, 2.0)])


def dotted(a, b):
    return a * b


@defvjp(dotted)
def _(ct, out, a, b):
    return ct * b, ct * a


def test_a_cotangent_of_another_shape_is_said_to_be_one() -> None:
    check_rule(dotted, [(V, V)])
    with pytest.raises(AssertionError) as caught:
        check_rule(dotted, [(V, 2.0)])

    said = "the rule of `dotted` gives a cotangent of shape (3,) for `b`, which has shape ()"
    assert str(caught.value) == said
