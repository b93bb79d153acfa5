"""A function's text is found, whatever shares its line, its file or its name."""
# ruff: noqa: E501

from __future__ import annotations

import ast
import functools
import importlib.util
import linecache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from diffcompile import grad
from diffcompile.errors import NoSource
from diffcompile.frontend.source import read_source
from graphs import written


def text_of(fn: Any) -> str:
    return ast.unparse(read_source(fn).node)


pair = (lambda x: x * 2.0, lambda x: x * 3.0)
alike = (lambda x: x * 2.0), (lambda y: y * 2.0)
defaults = (lambda x, k=lambda y: y * 5.0: k(x), 0)
nested = lambda x: (lambda y: y * 7.0)(x)
spread = (
    lambda x:
        x * 11.0
)  # fmt: skip


def test_two_lambdas_on_a_line_are_told_apart() -> None:
    assert [text_of(f) for f in pair] == ["lambda x: x * 2.0", "lambda x: x * 3.0"]
    assert [grad(f)(1.0) for f in pair] == [2.0, 3.0]


def test_two_lambdas_of_one_form_on_a_line_are_told_apart() -> None:
    assert [text_of(f) for f in alike] == ["lambda x: x * 2.0", "lambda y: y * 2.0"]


def test_a_lambda_around_another_on_its_line() -> None:
    assert text_of(nested) == "lambda x: (lambda y: y * 7.0)(x)"
    assert text_of(defaults[0].__defaults__[0]) == "lambda y: y * 5.0"  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "text",
    [
        "fs = [lambda x: x, lambda x: -x]",
        "fs = [lambda x: 1.0, lambda x: 1.0 + 1.0]",
        "fs = [lambda x: (x), lambda x: (x + x)]",
        "fs = [lambda x: 1, lambda x: 2]",
        "fs = [lambda x: x[0], lambda x: x[0] * x[1]]",
        "fs = [lambda x: x if x > 0 else -x, lambda x: -x if x > 0 else x]",
        "fs = [lambda x: x.real, lambda x: x.imag]",
        "fs = [lambda x: (lambda y: y)(x), lambda x: (lambda z: z)(x)]",
        "fs = [lambda x: [v for v in x], lambda x: [w for w in x]]",
        "fs = [lambda x: f'{x}', lambda x: f'{x}!']",
        "fs = [lambda x: not x, lambda x: x and x]",
    ],
)
def test_lambdas_on_a_line_are_found_by_their_position(text: str) -> None:
    file = f"<{text}>"
    linecache.cache[file] = (len(text), None, [text], file)
    scope: dict[str, Any] = {}
    exec(compile(text, file, "exec"), scope)
    wanted = [ast.unparse(node) for node in ast.parse(text).body[0].value.elts]  # type: ignore[attr-defined]

    assert [text_of(f) for f in scope["fs"]] == wanted


def test_a_lambda_over_several_lines() -> None:
    assert grad(spread)(1.0) == 11.0


def doubled(fn: Any) -> Any:
    @functools.wraps(fn)
    def wrapper(x: float) -> float:
        return 2.0 * fn(x)

    return wrapper


def same(*_: Any, **__: Any) -> Any:
    return lambda fn: fn


@same(1, key=[2])
@same()
def decorated(x: float) -> float:
    return x * x


def test_a_decorated_function_that_comes_back_itself_is_read() -> None:
    source = read_source(decorated)

    assert source.lines[source.node.lineno - 1].startswith("def decorated")
    assert grad(decorated)(3.0) == 6.0


def test_a_wrapper_is_read_as_itself_not_as_what_it_wraps() -> None:
    wrapped = doubled(decorated)

    assert read_source(wrapped).node.name == "wrapper"  # type: ignore[union-attr]
    assert grad(wrapped)(3.0) == 12.0


def test_a_function_used_as_a_decorator_argument_of_grad() -> None:
    fn = written("""
        @keep
        @keep
        def f(x): return x * x
    """, keep=lambda fn: fn)  # fmt: skip

    assert grad(fn)(3.0) == 6.0


def test_two_functions_of_one_name_in_a_file_are_told_apart_by_line() -> None:
    text = "def f(x): return x\ng = f\ndef f(x): return x * 2.0\n"
    g, f = written(text, "g"), written(text, "f")

    assert (text_of(g), text_of(f)) == ("def f(x):\n    return x", "def f(x):\n    return x * 2.0")


def test_functions_of_one_name_in_branches_and_in_functions() -> None:
    fn = written("""
        def outer(flag):
            if flag:
                def f(x): return x * 2.0
            else:
                def f(x): return x * 3.0
            return f
        first, second = outer(True), outer(False)
    """, "first")  # fmt: skip

    assert grad(fn)(1.0) == 2.0
    assert grad(fn.__globals__["second"])(1.0) == 3.0


def test_a_method_of_a_class_is_found() -> None:
    class Model:
        def loss(self, x: float) -> float:
            return x * x

    assert read_source(Model.loss).node.name == "loss"  # type: ignore[union-attr]


def test_text_made_by_exec_is_found_through_linecache() -> None:
    assert grad(written("def f(x): return x * x", file="<made>"))(3.0) == 6.0


@pytest.mark.parametrize("file", ["<ipython-input-3-0badc0de>", "/tmp/ipykernel_77/1234567.py", "<stdin>-1"])
def test_a_notebook_cell_is_read_from_linecache(file: str) -> None:
    fn = written("a = 1\n\ndef f(x):\n    return x * x", "f", file)
    source = read_source(fn)

    assert source.file == file
    assert source.span(source.node).line == 3


def test_a_cell_that_is_run_again_with_another_text_is_read_again() -> None:
    first = written("def f(x): return x * 2.0", file="<cell>")
    assert grad(first)(1.0) == 2.0
    second = written("def f(x): return x * 3.0", file="<cell>")

    assert grad(second)(1.0) == 3.0


def test_a_cell_with_a_magic_line_is_still_read() -> None:
    text = "%matplotlib inline\ndef f(x):\n    return x * x\n"
    file = "<magic>"
    scope: dict[str, Any] = {}
    exec(compile("\n" + text.split("\n", 1)[1], file, "exec"), scope)
    linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)

    assert grad(scope["f"])(3.0) == 6.0


def test_a_loader_that_has_the_source_is_asked() -> None:
    text = "def f(x):\n    return x * x\n"
    loader = SimpleNamespace(get_source=lambda name: text)
    scope: dict[str, Any] = {"__name__": "zipped", "__loader__": loader}
    exec(compile(text, "archive.zip/zipped.py", "exec"), scope)

    assert grad(scope["f"])(3.0) == 6.0


def test_a_file_with_windows_line_ends_and_a_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "windows.py"
    path.write_bytes("\ufeffscale = 3.0\r\ndef f(x):\r\n    y = x * scale\r\n    return y\r\n".encode())
    spec = importlib.util.spec_from_file_location("windows", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    assert grad(module.f)(1.0) == 3.0


def test_a_file_in_another_encoding(tmp_path: Path) -> None:
    path = tmp_path / "latin.py"
    path.write_bytes("# coding: latin-1\ndef f(x):\n    größe = x * x\n    return größe\n".encode("latin-1"))
    spec = importlib.util.spec_from_file_location("latin", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    assert grad(module.f)(3.0) == 6.0


def test_lines_are_those_of_the_file() -> None:
    fn = written("import math\n\n\ndef f(x):\n    y = x * x\n    return y", "f", "<lines>")
    source = read_source(fn)
    span = source.span(source.node.body[0])  # type: ignore[union-attr, index]

    assert (span.file, span.line, span.column, span.end_column, span.text) == ("<lines>", 5, 4, 13, "    y = x * x")


def test_a_span_of_several_lines_ends_without_a_column() -> None:
    fn = written("def f(x):\n    y = (x *\n         x)\n    return y", file="<span>")
    source = read_source(fn)
    span = source.span(source.node.body[0])  # type: ignore[union-attr, index]

    assert (span.line, span.end_line, span.column, span.end_column) == (2, 3, 4, 0)


def test_a_text_that_changed_on_disk_is_not_mistaken_for_the_function() -> None:
    fn = written("def f(x): return x * x", file="<changed>")
    linecache.cache["<changed>"] = (10, None, ["# nothing here\n", "y = 1\n"], "<changed>")

    with pytest.raises(NoSource):
        read_source(fn)
