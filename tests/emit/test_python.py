"""Printing loses nothing: the text parses back to the tree, in the house's spacing, within the line length."""
# ruff: noqa: E501

from __future__ import annotations

import ast
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diffcompile import grad
from diffcompile.emit.module import Module
from diffcompile.emit.python import LIMIT, Printer, print_python
from diffcompile.passes.views import views
from graphs import written

EXPRESSIONS = """
x ** 2
x ** -2
(-2.0) ** x
-2.0 ** x
-(2.0 ** x)
(-x) ** 2
-x ** 2
(x ** 2) ** 3
x ** 2 ** 3
x ** (2 ** 3)
(x + y) ** 2
x ** (y + 1)
f(x) ** 2
x.T ** 2
x[0] ** 2
x ** y.z
(x ** 2).sum()
x - (y - z)
x - y - z
x / (y / z)
x / y / z
x / (y * z)
x * (y / z)
x * -y
x - -y
-(x + y)
-(x * y)
-(-x)
+x
~x
not x
not (x and y)
(not x) and y
x and (y or z)
(x and y) or z
x or (y or z)
x < y
x < y < z
(x < y) < z
x < (y < z)
not x < y
(x if c else y) + 1
x if c else (y if d else z)
(x if c else y) if d else z
x if (c if d else e) else y
f(x if c else y)
(x if c else y)[0]
(x if c else y).T
x @ y @ z
x @ (y @ z)
(x @ y).T
x @ y.T * 2
-x @ y
(x + y) @ z
x // y % z
x // (y % z)
x << 1 | y & z ^ w
x[1:]
x[:-1]
x[::2]
x[::-1]
x[1:n:2]
x[i, :]
x[i, 1:, None]
x[..., 0]
x[(i, j)]
x[[0, 1]]
x[i][j]
x[i, (1, 2)]
x[a < b]
x[-1]
()
(x,)
(x, y)
[]
[x, (y, z)]
{'a': x, 2: y}
{}
f()
f(x, *y, k=1)
f(x)(y)
f(lambda a: a + 1)
'a' + "b'c"
f'{x!r} and {y:.3f} {{z}}'
f'{x}'
1e-300 * x
1e400 * x
1e22
0.1
2j * x
(1 + 2j) * x
(x + 1).real
(2).real
(-1) .real
1.5 .real
True
None
...
[i for i in x]
[a * b for a, b in zip(x, y) if a]
(yield_ + 1)
x is not None
x not in y
(a := x) + 1
await_ + 1
x == (y != z)
x is (not y)
-1 if x else -2
lambda: 0
(lambda x: x)(1)
max(x, -y ** 2)
a.b.c[d.e](f.g)
b'bytes'
'quote\\'s'
'''line
line'''
"""


def expressions() -> list[str]:
    joined = EXPRESSIONS.replace("'''line\nline'''", r"'line\nline'")
    return [line for line in joined.strip().splitlines() if line.strip()]


class Plain(ast.NodeTransformer):
    """Differences of form only: a negative constant is the unary minus of one, strings in a row are one."""

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        if isinstance(node.value, (int, float)) and not isinstance(node.value, bool) and node.value < 0:
            return ast.UnaryOp(ast.USub(), ast.Constant(-node.value))
        return ast.Constant(node.value)


def form(tree: ast.AST) -> str:
    return ast.dump(Plain().visit(tree))


@pytest.mark.parametrize("text", expressions())
def test_an_expression_survives_printing(text: str) -> None:
    tree = ast.parse(text)

    assert form(ast.parse(print_python(ast.parse(text)))) == form(tree)


STATEMENTS = {
    "assign": "x = y = 1",
    "unpack": "a, (b, *c) = x",
    "augment": "x[i, 1:] += y ** 2",
    "annotated": "x: float = 2",
    "if": "if a:\n    x = 1\nelif b:\n    x = 2\nelse:\n    x = 3",
    "for else": "for i, (a, b) in enumerate(zip(x, y)):\n    if a:\n        break\n    continue\nelse:\n    pass",
    "while": "while x < 1 and not y:\n    x = x * 2",
    "def": "def f(a, /, b, c=1, *args, d, e=-2.0, **kwargs):\n    '''Say.'''\n    return a",
    "import": "import numpy as np\nfrom math import sin as s, cos",
    "raise": "raise ValueError('no') from None",
    "assert": "assert x > 0, f'{x} is not positive'",
    "delete": "del x[0], y",
    "return a tuple": "def f():\n    return x, (y, z)",
    "nonlocal": "def f():\n    nonlocal a, b\n    global c",
}


@pytest.mark.parametrize("text", STATEMENTS.values(), ids=STATEMENTS)
def test_a_statement_survives_printing(text: str) -> None:
    assert form(ast.parse(print_python(ast.parse(text)))) == form(ast.parse(text))


@pytest.mark.parametrize(
    "text",
    ["x**2", "-x**2", "(x + y) ** 2", "f(x) ** 2", "x.T**2", "x[0] ** 2", "2**x", "x ** (y + 1)"],
)
def test_a_power_is_tight_between_names_and_numbers(text: str) -> None:
    printed = print_python(ast.parse(text)).strip()

    assert printed.replace(" ", "") == text.replace(" ", "")
    assert ("x**" in printed or "T**" in printed or "2**" in printed) == ("**" in text.replace(" **", ""))


@pytest.mark.parametrize(
    "text",
    ["a + b", "a - b * c", "f(a, b=1)", "a[1:]", "a[i, :]", "not a", "a if b else c", "-a * b"],
)
def test_the_spacing_is_the_common_one(text: str) -> None:
    assert print_python(ast.parse(text)) == text + "\n"


NAMES = st.sampled_from(["x", "y", "weights", "np.pi", "x.T"])
LITERALS = st.one_of(
    st.integers(0, 10**20).map(repr),
    st.floats(0, allow_nan=False, allow_infinity=False).map(repr),
    st.sampled_from(["True", "None", "'a'", "2j"]),
)


def wider(parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    binary = st.sampled_from(
        ["+", "-", "*", "/", "//", "%", "**", "@", "<", "==", "and", "or", "is not", "in", "|", "&", "<<"]
    )
    return st.one_of(
        st.builds(lambda a, op, b: f"({a}) {op} ({b})", parts, binary, parts),
        st.builds(lambda op, a: f"{op} ({a})", st.sampled_from(["-", "+", "~", "not"]), parts),
        st.builds(lambda a, b, c: f"({a}) if ({b}) else ({c})", parts, parts, parts),
        st.builds(lambda a, b: f"f(({a}), k=({b}))", parts, parts),
        st.builds(lambda a, b, c: f"({a})[{b}:, ({c})]", parts, NAMES, parts),
        st.builds(lambda a, b: f"(({a}), [({b})])", parts, parts),
        st.builds(lambda a: f"({a}).T", parts),
    )


@settings(max_examples=150, deadline=None)
@given(st.recursive(st.one_of(NAMES, LITERALS), wider, max_leaves=25))
def test_any_expression_survives_printing(text: str) -> None:
    tree = ast.parse(f"result = {text}")
    printed = print_python(ast.parse(f"result = {text}"))

    assert form(ast.parse(printed)) == form(tree)


def test_a_tuple_as_the_bound_of_a_slice_survives_printing() -> None:
    text = "x[(a, b):, c]"

    assert form(ast.parse(print_python(ast.parse(text)))) == form(ast.parse(text))


LONG = {
    "call": f"result = function({', '.join(f'argument_{k}' for k in range(20))})",
    "nested": f"result = outer(inner({', '.join(f'argument_{k}' for k in range(12))}), second, third)",
    "tuple": f"return_value = ({', '.join(f'name_{k}' for k in range(30))})",
    "dict": f"result = {{{', '.join(f'{k!r}: value_{k}' for k in range(20))}}}",
    "subscript": f"result = array[{', '.join(f'index_{k}' for k in range(20))}]",
    "strings": f"result = call({', '.join(repr('a, (b') for k in range(20))})",
    "parameters": f"def f({', '.join(f'argument_{k}' for k in range(20))}):\n    return 1",
    "unpacking": f"{', '.join(f'name_{k}' for k in range(30))} = saved",
    "sum": f"result = {' + '.join(f'argument_{k}' for k in range(20))}",
    "condition": f"if {' and '.join(f'argument_{k} < 1' for k in range(12))}:\n    x = 1",
    "starred": f"result = call({', '.join(f'argument_{k}' for k in range(12))}, *more, **most)",
}


@pytest.mark.parametrize("text", LONG.values(), ids=LONG)
def test_a_long_line_is_folded_and_means_the_same(text: str) -> None:
    printed = print_python(ast.parse(text))

    assert form(ast.parse(printed)) == form(ast.parse(text))
    assert max(map(len, printed.splitlines())) <= LIMIT


def test_a_line_that_just_fits_is_not_folded() -> None:
    text = f"x = f({'a' * (LIMIT - 7)})"

    assert print_python(ast.parse(text)) == text + "\n"


def spelled(value: Any) -> str:
    return print_python(ast.Expr(Printer(Module(views), {}, {}, False).plain(value))).strip()


CONSTANTS = [
    0, 1, -1, 10**30, True, None, "a'b\n", b"x", 0.0, -0.0, 1.5, -1.5, 1e-320, 1.7976931348623157e308, math.inf,
    -math.inf, math.nan, 2j, -2j, 1 + 2j, -1 - 2j, (1,), (-1, (2.0, -math.inf)), [1, -2],
    {"a": -1.0}, slice(1, None), slice(None, -1, 2), range(1, 7, 2), np.float32(1.5), np.int64(-3),
    np.array([1.0, -2.0]), np.array([[1, 2]], np.int32), ...,
]  # fmt: skip


@pytest.mark.parametrize("value", CONSTANTS, ids=repr)
def test_a_constant_is_written_so_that_it_is_read_back(value: Any) -> None:
    again = eval(spelled(value), {"np": np, "math": math})

    assert type(again) is type(value)
    if isinstance(value, np.ndarray):
        assert again.dtype == value.dtype
        np.testing.assert_array_equal(again, value)
    else:
        assert repr(again) == repr(value)


COMPLEXES = [
    complex(0.0, math.inf), complex(math.nan, -math.inf), complex(0.0, -0.0),
    complex(-0.0, 2.0), complex(-0.0, -0.0),
]  # fmt: skip


@pytest.mark.parametrize("value", COMPLEXES, ids=repr)
def test_a_complex_constant_keeps_its_signs_and_infinities(value: complex) -> None:
    again = eval(spelled(value), {"np": np, "math": math})

    assert repr(again) == repr(value)


@pytest.mark.parametrize("value", [-2.0, -1, -0.5, 1 + 2j, -2j])
def test_a_constant_as_the_base_of_a_power_keeps_its_sign(value: Any) -> None:
    plain = Printer(Module(views), {}, {}, False).plain
    tree = ast.BinOp(plain(value), ast.Pow(), plain(2))

    assert eval(print_python(ast.Expr(tree))) == value**2


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("def f(x, a): return x[1:] @ a[:-1]", "x[1:] @ a[:-1]"),
        ("def f(x, a): return (x * a[::-1]).sum()", "a[::-1]"),
        ("def f(x, a): return x.sum() * (-2.0) ** len(a)", "len(a)"),
        ("def f(x, a): return np.sum(x**2 * a)", "x**2 * a"),
        ("def f(x, a): return x @ a if len(a) > 2 else x.sum()", "if len(a) > 2"),
    ],
)
def test_the_users_line_is_printed_as_it_was_written(text: str, line: str) -> None:
    from diffcompile import value_and_grad

    derivative = value_and_grad(written(text))
    derivative(np.array([0.1, 0.2, 0.3]), np.array([0.5, 0.6, 0.7]))

    assert line in derivative.source


def test_an_expression_of_two_thousand_operations_is_printed() -> None:
    fn = written(f"def f(x):\n    return {' + '.join(['x'] * 2000)}")

    assert grad(fn)(1.0) == 2000.0


def test_what_is_printed_for_a_gradient_parses_to_the_same_text_again() -> None:
    derivative = grad(written("def f(x, a):\n    for k in range(3):\n        x = np.tanh(a @ x)**2\n    return x.sum()"))
    derivative(np.ones(2), np.eye(2))

    assert print_python(ast.parse(print_python(ast.parse(derivative.source)))) == print_python(
        ast.parse(derivative.source)
    )




SPELLED = {
    "a slice with wide bounds": "x[i : i + 1]",
    "a slice to the end": "x[2 * n :]",
    "a slice with a step": "x[i + 1 : n : 2]",
    "double quotes": 'f("a")',
    "quotes inside": "f('a \"b\"')",
    "an f-string": 'g(f"{x} and {y:.3f}")',
    "a docstring": 'def f():\n    """Say."""\n    return 1',
}


@pytest.mark.parametrize("text", SPELLED.values(), ids=SPELLED)
def test_the_spelling_is_the_formatters(text: str) -> None:
    assert print_python(ast.parse(text)) == text + "\n"


def test_the_break_of_a_loop_that_saves_stands_where_the_user_wrote_it() -> None:
    text = """
def f(x, a):
    for k in range(9):
        if x > 3.0:
            break
        x = x * x * a
    return x
"""
    derivative = grad(written(text))

    assert derivative(1.2, 1.5) == pytest.approx(2 * 1.2 * 1.5 * 2 * (1.2**2 * 1.5) * 1.5)
    assert "        saved.append(x)\n        if x > 3.0:\n            break\n" in derivative.source


def test_a_comment_stands_right_above_its_adjoint_and_is_not_repeated() -> None:
    derivative = grad(written("def f(x, y):\n    a = max(0.0, x * y)\n    return a * a"))
    derivative(1.0, 2.0)
    lines = derivative.source.split("\n")
    comments = [k for k, line in enumerate(lines) if line.strip().startswith("# ")]

    assert all(lines[k + 1].strip() for k in comments)
    assert len({lines[k] for k in comments}) == len(comments)


def test_no_heading_stands_above_an_empty_forward_pass() -> None:
    derivative = grad(written("def f(x): return 3.0 * x"))
    derivative(1.0)

    assert "# forward" not in derivative.source


def test_a_try_is_printed_with_its_handlers_as_clauses() -> None:
    text = """
    def f(x):
        try:
            y = math.log(x)
        except ZeroDivisionError:
            y = 1.0 * x
        except ValueError as error:
            y = x * len(str(error))
        return y
    """
    derivative = grad(written(text, math=math))
    derivative(-2.0)

    assert derivative.forward_source == (
        "    try:\n        math.log(x)\n        completed = True\n"
        "    except ZeroDivisionError:\n        completed = False\n        isinstance_out = True\n"
        "    except ValueError as error:\n        completed = False\n        isinstance_out = False\n"
        "        len_out = len(str(error))\n\n"
    )
