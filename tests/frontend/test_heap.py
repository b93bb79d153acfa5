"""Names and memory: an alias sees a write, a copy does not, a view is read again."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from diffcompile import value_and_grad
from diffcompile.errors import DiffCompileError, UndecidedAlias
from diffcompile.frontend.heap import Entries, State
from diffcompile.ir.graph import Const
from graphs import MATRIX, VECTOR, Type, lowered, shows, written

CASES = [
    ("an alias reads what was written through the other name", (VECTOR,),
     "b = x\nb[0] = 1.0\nreturn x[0]", """
        x.2 = store operator.setitem(x, 0, 1.0)
        item = operator.getitem(x.2, 0)
        yield item
     """),
    ("a copy is not written", (VECTOR,),
     "b = x.copy()\nb[0] = 1.0\nreturn x[0]", """
        b = ndarray.copy(x)
        b.2 = store operator.setitem(b, 0, 1.0)
        item = operator.getitem(x, 0)
        yield item
     """),
    ("a view is read again when its base has changed", (VECTOR,),
     "v = x[1:]\nx[1] = 5.0\nreturn v[0]", """
        v = operator.getitem(x, slice(1, None, None))
        x.2 = store operator.setitem(x, 1, 5.0)
        item = operator.getitem(x.2, slice(1, None, None))
        item.2 = operator.getitem(item, 0)
        yield item.2
     """),
    ("writing a view writes its base", (VECTOR,),
     "v = x[1:]\nv[0] = 1.0\nreturn x[1]", """
        v = operator.getitem(x, slice(1, None, None))
        x.2 = store operator.setitem(operator.getitem(x, slice(1, None, None)), 0, 1.0)
        item = operator.getitem(x.2, 1)
        yield item
     """),
    ("an element is a number and does not change", (VECTOR,),
     "a = x[0]\nx[0] = 5.0\nreturn a", """
        a = operator.getitem(x, 0)
        x.2 = store operator.setitem(x, 0, 5.0)
        yield a
     """),
    ("assigning a name again writes nothing", (VECTOR,),
     "b = x\nb = b * 2.0\nreturn x[0]", """
        b = operator.mul(x, 2.0)
        item = operator.getitem(x, 0)
        yield item
     """),
    ("an augmented assignment of an array writes it", (VECTOR,),
     "b = x\nb *= 2.0\nreturn x[0]", """
        b = store operator.imul(x, 2.0)
        item = operator.getitem(b, 0)
        yield item
     """),
    ("an augmented assignment of a number does not", (),
     "b = x\nb *= 2.0\nreturn x", """
        b = operator.mul(x, 2.0)
        yield x
     """),
]  # fmt: skip


def of(text: str) -> str:
    return "def f(x):\n" + "".join(f"    {line}\n" for line in text.splitlines())


@pytest.mark.parametrize(("specs", "text", "expected"), [pytest.param(*c[1:], id=c[0]) for c in CASES])
def test_graph(specs: tuple[Type, ...], text: str, expected: str) -> None:
    graph = lowered(written(of(text)), *specs)
    shows(graph, expected)


V = np.array([0.3, 0.7, 1.1])
M = np.array([[0.3, 0.7], [1.1, 0.2]])
PROGRAMS: dict[str, tuple[str, Any]] = {
    "a transpose is a view": ("y = x * 1.0\nt = y.T\nt[0, 1] = y[0, 0]**2\nreturn (y * y).sum()", M),
    "a view of a view": ("y = x * 1.0\nv = y[1:][:1]\nv[0] = y[0]**2\nreturn (y * y).sum()", V),
    "a reversed view": ("y = x * 1.0\nv = y[::-1]\nv[0] = y[0]**2\nreturn (y * y).sum()", V),
    "a row": ("y = x * 1.0\nr = y[0]\nr *= 3.0\nreturn (y * y).sum()", M),
    "a reshape of fresh memory is a view": (
        "y = x * 1.0\nv = y.reshape(4)\nv[3] = y[0, 0]**2\nreturn (y * y).sum()", M,
    ),
    "a fancy index is a copy": ("y = x * 1.0\nv = y[[0, 1]]\nv[0] = 9.0\nreturn (y * y).sum() + v.sum()", V),
    "a mask is a copy": ("y = x * 1.0\nv = y[y > 0.5]\nv[0] = 9.0\nreturn (y * y).sum() + v.sum()", V),
    "an alias in a branch": (
        "y = x * 1.0\nif x[0] > 0.0:\n    z = y\nelse:\n    z = y\nz[0] = x[1]**2\nreturn (y * y).sum()", V,
    ),
    "a swap of two buffers": (
        "a = x * 1.0\nb = x * 2.0\na, b = b, a\na[0] = x[1]**2\nreturn (a * a).sum() + (b * b * b).sum()", V,
    ),
    "a list holds the array itself": (
        "y = x * 1.0\nparts = [y]\nparts[0][1] = x[0]**2\nreturn (y * y).sum()", V,
    ),
    "a closure writes the outer array": (
        "y = x * 1.0\ndef put(v):\n    y[0] = v**2\nput(x[2])\nreturn (y * y).sum()", V,
    ),
    "a helper writes its argument": ("y = x * 1.0\nfill(y)\nreturn (y * y).sum()", V),
    "an augmented slice": ("y = x * 1.0\ny[1:] += y[:-1] * x[0]\nreturn (y * y).sum()", V),
    "an overlapping move": ("y = x * 1.0\ny[1:] = y[:-1] * 2.0\nreturn (y * y).sum()", V),
    "a repeated index": ("y = x * 1.0\ny[[0, 0]] = x[:2]**2\nreturn (y * y).sum()", V),
}  # fmt: skip


@pytest.mark.parametrize(("text", "point"), [pytest.param(*PROGRAMS[name], id=name) for name in PROGRAMS])
def test_value_and_gradient_are_those_of_the_program(text: str, point: Any) -> None:
    fill = written("def fill(a):\n    a[0] = a[1] * a[2]")
    fn = written(of(text), fill=fill)
    value, gradient = value_and_grad(fn)(point.copy())

    assert value == fn(point.copy())
    h = 1e-6
    for k in np.ndindex(point.shape):
        up, down = point.copy(), point.copy()
        up[k] += h
        down[k] -= h
        assert gradient[k] == pytest.approx((fn(up) - fn(down)) / (2 * h), rel=1e-7, abs=1e-8)


@pytest.mark.parametrize("shape", [VECTOR, MATRIX], ids=str)
def test_a_reshape_of_memory_of_unknown_layout_is_no_silent_view(shape: Type) -> None:
    fn = written("def f(x):\n    y = x.T\n    v = y.reshape(-1)\n    v[0] = 2.0\n    return x.sum()")
    point = np.array([[0.3, 0.7], [1.1, 0.2]]) if len(shape.shape or ()) == 2 else V.copy()
    try:
        value, gradient = value_and_grad(fn)(point.copy())
    except UndecidedAlias as error:
        assert error.remedy
        return
    assert value == fn(point.copy())
    wanted = np.ones_like(point)
    if fn(point.copy()) != point.sum():
        wanted[(0,) * point.ndim] = 0.0
    np.testing.assert_allclose(gradient, wanted)


def test_two_arguments_that_are_one_array() -> None:
    fn = written("def f(a, b):\n    a[0] = 2.0 * a[0]\n    return a[0] * b[0]")
    x = np.array([3.0, 1.0])
    expected = fn(x.copy(), x.copy())
    try:
        value, _ = value_and_grad(fn)(*(lambda one: (one, one))(x.copy()))
    except DiffCompileError:
        return
    assert value == (lambda one: fn(one, one))(x.copy()) != expected


def test_a_branch_works_on_a_copy_of_the_state() -> None:
    state = State()
    obj = state.new(Const(1.0))
    other = state.copy()
    other.heap[obj.cell] = Const(2.0)

    assert state.heap[obj.cell].value == 1.0  # type: ignore[union-attr]


def test_keys_that_python_holds_equal_are_one_key() -> None:
    entries = Entries(((1, Const("one")), ("1", Const("text"))))

    assert entries.get(True).value == entries.get(1.0).value == "one"  # type: ignore[union-attr]
    assert entries.get("1").value == "text"  # type: ignore[union-attr]
    assert entries.get(2) is None
