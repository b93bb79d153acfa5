"""One standalone module: what it imports, what it holds, how it is loaded."""
# ruff: noqa: E501

from __future__ import annotations

import ast
import inspect
import linecache
import math
import operator
import traceback
from typing import Any

import numpy as np
import pytest

from diffcompile import checkpoint, defelementwise, grad, value_and_grad
from diffcompile.emit.module import Module, public_path
from diffcompile.errors import DiffCompileError
from diffcompile.passes.views import views
from graphs import written


@pytest.mark.parametrize(
    ("thing", "path"),
    [
        (np.sin, "np.sin"),
        (np.linalg.solve, "np.linalg.solve"),
        (np.fft.fft, "np.fft.fft"),
        (math.exp, "math.exp"),
        (operator.add, "operator.add"),
        (len, "len"),
        (float, "float"),
        (np.add.at, "np.add.at"),
        (np.multiply.outer, "np.multiply.outer"),
        (np.float32, "np.float32"),
        (lambda x: x, None),
        (3, None),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_a_library_function_has_a_public_path(thing: Any, path: str | None) -> None:
    assert public_path(thing) == path


def test_imports_are_those_that_are_used() -> None:
    module = Module(views)
    for thing in (np.sin, math.exp, np.linalg.solve, len):
        module(thing)

    assert set(module.imports.values()) == {"import numpy as np", "import math"}


def test_a_program_of_numbers_imports_no_arrays() -> None:
    derivative = grad(written("def f(x): return x * math.sin(x)", math=math))
    derivative(2.0)

    assert "numpy" not in derivative.source and "np." not in derivative.source


def run(source: str, name: str) -> Any:
    scope: dict[str, Any] = {}
    exec(source, scope)
    return scope[name]


PROGRAMS = {
    "a helper": "def h(y):\n    for k in range(2):\n        y = np.sin(y)\n    return y\ndef f(x): return h(x) * h(2.0 * x)",
    "recursion": "def h(y, n): return y if n == 0 else h(y, n - 1) * y\ndef f(x): return h(x, 3)",
    "a helper of a helper": "def a(y): return np.exp(y)\ndef b(y): return a(y) * y\ndef f(x): return b(x) + a(x)",
    "a nested function": "def f(x):\n    def h(y): return y * x\n    return h(h(x))",
    "broadcasting": "def f(x): return np.sum(np.ones((3, 1)) * x + np.arange(4.0))",
}


@pytest.mark.parametrize("text", PROGRAMS.values(), ids=PROGRAMS)
def test_the_text_alone_gives_the_same_numbers(text: str) -> None:
    derivative = value_and_grad(written(text, "f"))
    expected = derivative(0.7)

    assert "diffcompile" not in "".join(line for line in derivative.source.splitlines() if "import" in line)
    assert run(derivative.source, "f_value_and_grad")(0.7) == expected


def test_two_helpers_of_one_name_are_two_functions() -> None:
    first = written("def h(y):\n    for k in range(2):\n        y = np.sin(y)\n    return y")
    second = written("def h(y):\n    for k in range(2):\n        y = np.cos(y)\n    return y")
    fn = written("def f(x): return first(x) * second(x)", first=first, second=second)
    derivative = value_and_grad(fn)
    value, gradient = derivative(0.7)

    assert value == fn(0.7)
    assert gradient == pytest.approx((fn(0.7 + 1e-6) - fn(0.7 - 1e-6)) / 2e-6, rel=1e-7)
    assert run(derivative.source, "f_value_and_grad")(0.7) == (value, gradient)


def test_live_numbers_are_keyword_only_parameters() -> None:
    fn = written("def f(x): return x * rate * x", rate=2.0)
    derivative = grad(fn)

    assert derivative(3.0) == 12.0
    assert run(derivative.source, "f_grad")(3.0, rate=5.0) == 30.0
    fn.__globals__["rate"] = 4.0
    assert derivative(3.0) == 24.0


def test_the_signature_is_the_users() -> None:
    derivative = grad(written("def f(x, /, k=2.0, *, n=3): return x * k * n"))
    derivative(1.0)

    assert str(inspect.signature(run(derivative.source, "f_grad"))) == "(x, /, k=2.0, *, n=3)"


def test_each_function_has_a_docstring_that_says_what_it_is_the_derivative_of() -> None:
    derivative = grad(written("def f(x): return x * x", file="<doc>"))
    derivative(1.0)
    doc = ast.get_docstring(ast.parse(derivative.source).body[-1]) or ""  # type: ignore[arg-type]

    assert doc.startswith("Gradient of `f` with respect to x.")
    assert "line 1" in doc


def test_tracebacks_show_the_generated_line() -> None:
    derivative = value_and_grad(written("def f(x, a): return (x @ a) * 2.0"))
    derivative(np.ones(2), np.ones(2))
    with pytest.raises(ValueError) as caught:
        derivative(np.ones(2), np.ones(3))
    frame = traceback.extract_tb(caught.value.__traceback__)[-1]

    assert frame.filename.startswith("<diffcompile f_value_and_grad")
    assert "@" in (frame.line or "")
    assert linecache.getline(frame.filename, frame.lineno or 0).strip() == frame.line


def test_what_the_function_raises_is_raised_by_its_gradient_too() -> None:
    derivative = grad(written("def f(x, a): return (x @ a) * 2.0"))

    with pytest.raises(ValueError):
        derivative(np.ones(2), np.ones(3))


def test_the_text_is_the_same_every_time() -> None:
    def source() -> str:
        derivative = grad(written("def f(x):\n    for i in range(3):\n        x = np.tanh(x) * x\n    return x.sum()", file="<same>"))
        derivative(np.ones(3))
        return derivative.source

    assert source() == source()


def test_what_cannot_be_written_down_is_refused_with_its_reason(tmp_path: Any) -> None:
    derivative = grad(written("def f(x): return x * x * g(1.0)", g=np.frompyfunc(lambda v: 2.0, 1, 1)))
    derivative(2.0)
    with pytest.raises(DiffCompileError, match="cannot be written into a file of its own"):
        derivative.save(tmp_path / "f.py")
    assert not list(tmp_path.iterdir())


def ruled(text: str, **scope: Any) -> Any:
    """A function with a rule of its own: its text goes into the module."""
    fn = written(text, **scope)
    defelementwise(fn)(written("def rule(out, y): return 2.0 * y"))
    return fn


def test_a_global_named_like_a_parameter_or_local_of_a_helper_is_not_written() -> None:
    helper = ruled("def h(y):\n    z = y * y\n    return z", y=np.ones(3), z=np.ones(2))
    derivative = grad(written("def f(x): return h(x)", h=helper))

    assert derivative(3.0) == 6.0
    assert "array" not in derivative.source
    assert run(derivative.source, "f_grad")(3.0) == 6.0


def test_a_global_array_of_a_helper_is_written_as_an_array() -> None:
    helper = ruled("def h(y): return y * y * scale[0]", scale=np.ones(2))
    derivative = value_and_grad(written("def f(x): return h(x)", h=helper))

    assert derivative(3.0) == (9.0, 6.0)
    assert "scale = np.array([1.0, 1.0]" in derivative.source
    assert run(derivative.source, "f_value_and_grad")(3.0) == (9.0, 6.0)


def test_a_large_global_array_of_a_helper_is_refused_by_save(tmp_path: Any) -> None:
    helper = ruled("def h(y): return y * y * scale[0]", scale=np.ones(1000))
    derivative = value_and_grad(written("def f(x): return h(x)", h=helper))

    assert derivative(3.0) == (9.0, 6.0)
    with pytest.raises(DiffCompileError, match="scale"):
        derivative.save(tmp_path / "saved.py")


def test_functions_of_one_text_are_written_once() -> None:
    text = "def h(y):\n    for k in range(2):\n        y = np.sin(y) * y\n    return y\n"
    derivative = grad(written(text + "def f(x, i): return h(x) + h(2.0 * x) + h(x * i)", "f"))
    derivative(0.5, 2)

    assert derivative.source.count("def ") == len(set(derivative.source.split("def ")[1:]))


def test_standard_imports_come_first() -> None:
    derivative = grad(written("def f(x, a): return math.sin(x) * np.sum(a * x)", math=math))
    derivative(0.5, np.ones(2))

    assert derivative.source.startswith("import math\n\nimport numpy as np\n\n\n")


def step(x, n):
    return x if n == 0 else step(x * x, n - 1)


alias = step


def shadowing(x, step):
    return alias(x, 2) * step


weights = np.array([1.1, 0.7])


def weighted(x):
    return np.sum(x[:2] * weights) * x[0]


def called(x, weighted=weighted):
    return checkpoint(weighted)(x * x) * x[0]


def test_a_parameter_keeps_its_name_and_the_function_gets_another():
    assert np.isclose(grad(shadowing)(1.5, 2.0), 2.0 * 4 * 1.5**3)
    x = np.array([0.5, 0.6, 0.7])
    expected = [(called(x + 1e-6 * u, weighted) - called(x - 1e-6 * u, weighted)) / 2e-6 for u in np.eye(3)]
    np.testing.assert_allclose(grad(called)(x), expected, rtol=1e-7, atol=1e-9)
