"""Errors are part of the interface: which class, where it points, what it says, what to write instead."""
# ruff: noqa: E501

from __future__ import annotations

import ast
import sys
import traceback
from typing import Any

import numpy as np
import pytest

import diffcompile
from diffcompile import grad, value_and_grad, vjp
from diffcompile.errors import (
    DiffCompileError,
    NoRule,
    NoSource,
    Span,
    UndecidedAlias,
    UnsupportedSyntax,
    WrongArgument,
)
from diffcompile.frontend.subset import REFUSED, sentence
from graphs import written

# Node classes that are part of another node, which decides about them.
PARTS = {
    # operators and contexts
    "Add", "Sub", "Mult", "MatMult", "Div", "Mod", "Pow", "LShift", "RShift", "BitOr", "BitXor", "BitAnd", "FloorDiv",
    "And", "Or", "Invert", "Not", "UAdd", "USub", "Eq", "NotEq", "Lt", "LtE", "Gt", "GtE", "Is", "IsNot", "In", "NotIn",
    "Load", "Store", "Del",
    # of arguments, calls, comprehensions, imports, `with`, `try` and `match`
    "arguments", "arg", "keyword", "comprehension", "alias", "withitem", "ExceptHandler", "match_case",
    "MatchValue", "MatchSingleton", "MatchSequence", "MatchMapping", "MatchClass", "MatchStar", "MatchAs", "MatchOr",
    "TypeVar", "ParamSpec", "TypeVarTuple", "TypeIgnore",
    # what is parsed, and the classes above the others
    "Module", "Interactive", "Expression", "FunctionType", "AST", "mod", "stmt", "expr", "expr_context", "boolop",
    "operator", "unaryop", "cmpop", "excepthandler", "pattern", "type_ignore", "type_param",
    # no longer made by the parser
    "Num", "Str", "Bytes", "NameConstant", "Ellipsis", "Index", "ExtSlice", "slice", "AugLoad", "AugStore", "Param",
    "Suite",
}  # fmt: skip

# What is supported: a body of `def f(x)` that uses it, and whose gradient at 2.0 is 3.0.
SUPPORTED = {
    "FunctionDef": "def g(y): return 3.0 * y\n    return g(x)",
    "Lambda": "g = lambda y: 3.0 * y\n    return g(x)",
    "Return": "return 3.0 * x",
    "Assign": "y = z = 1.5 * x\n    return y + z",
    "AugAssign": "x *= 3.0\n    return x",
    "AnnAssign": "y: float = 3.0 * x\n    return y",
    "For": "s = 0.0\n    for i in range(3):\n        s = s + x\n    return s",
    "While": "s = 0.0\n    n = 0\n    while n < 3:\n        s = s + x\n        n = n + 1\n    return s",
    "If": "if x > 1.0:\n        return 3.0 * x\n    else:\n        return x",
    "Raise": "if x < 0.0:\n        raise ValueError\n    return 3.0 * x",
    "Assert": "assert x > 0.0, 'positive'\n    return 3.0 * x",
    "Try": "try:\n        y = 6.0 / (x - 2.0)\n    except ZeroDivisionError:\n        y = 3.0 * x\n    return y",
    "With": "with np.errstate(all='ignore'):\n        return 3.0 * x",
    "Match": "match x:\n        case 1.0: return x\n        case y: return 3.0 * y",
    "Expr": "'a docstring'\n    return 3.0 * x",
    "Pass": "pass\n    return 3.0 * x",
    "Break": "for i in range(9):\n        if i == 2:\n            break\n        x = x * 1.0\n    return 3.0 * x",
    "Continue": "s = 0.0\n    for i in range(4):\n        if i == 2:\n            continue\n        s = s + x\n    return s",
    "Nonlocal": "s = 0.0\n    def g():\n        nonlocal s\n        s = 3.0 * x\n    g()\n    return s",
    "Delete": "y = 3.0 * x\n    del x\n    return y",
    "Import": "import math\n    return 3.0 * x * math.cos(0.0)",
    "ImportFrom": "from math import cos\n    return 3.0 * x * cos(0.0)",
    "BoolOp": "return 3.0 * (x and x or 1.0)",
    "NamedExpr": "return (y := x) + 2.0 * y",
    "BinOp": "return x + x + x",
    "UnaryOp": "return -(-3.0 * x)",
    "IfExp": "return 3.0 * x if x > 1.0 else x",
    "Set": "s = {1, 2}\n    return x + x + x if 2 in s else x",
    "SetComp": "s = {k for k in (1, 2)}\n    return x * (len(s) + 1)",
    "DictComp": "d = {k: x for k in ('a', 'b')}\n    return d['a'] + 2 * d['b']",
    "Dict": "d = {'a': x, 'b': 3.0}\n    return d['a'] * d['b']",
    "ListComp": "return sum([x for i in range(3)])",
    "GeneratorExp": "return sum(x for i in range(3))",
    "Compare": "return 3.0 * x * (1.0 < x < 3.0)",
    "Call": "return 3.0 * abs(x)",
    "FormattedValue": "s = f'{1.0:.2f}'\n    return 3.0 * x",
    "JoinedStr": "s = f'a'\n    return 3.0 * x",
    "Constant": "return 3.0 * x",
    "Attribute": "return 3.0 * x * np.pi / np.pi",
    "Subscript": "return [x, 3.0 * x][1]",
    "Starred": "a, *b = x, x, x\n    return a + b[0] + b[1]",
    "Name": "return x + x + x",
    "List": "a = [x, 3.0]\n    return a[0] * a[1]",
    "Tuple": "a = (x, 3.0)\n    return a[0] * a[1]",
    "Slice": "a = (x, x, x, 5.0)[:3]\n    return a[0] + a[1] + a[2]",
}  # fmt: skip
# Not in the subset yet, and refused with a sentence of their own where they are met.
ELSEWHERE = {"Global"}
NODES = set(SUPPORTED) | set(REFUSED) | ELSEWHERE


def test_every_node_class_of_this_python_is_accounted_for() -> None:
    classes = {
        n for n, c in vars(ast).items() if isinstance(c, type) and issubclass(c, ast.AST) and n[0] != "_"
    }

    assert classes - PARTS <= NODES


def test_no_node_class_is_both_supported_and_refused() -> None:
    assert not set(SUPPORTED) & set(REFUSED)
    assert not PARTS & NODES




@pytest.mark.parametrize("name", sorted(SUPPORTED))
def test_a_supported_construct_is_differentiated(name: str) -> None:
    text = f"def f(x):\n    {SUPPORTED[name]}\n"
    kinds = {type(node).__name__ for part in ast.parse(text).body[0].body for node in ast.walk(part)}  # type: ignore[attr-defined]

    assert name in kinds
    assert grad(written(text))(2.0) == 3.0


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_a_sentence_says_why_and_what_instead(name: str) -> None:
    reason, remedy = REFUSED[name]

    assert reason and not reason.endswith(".")
    assert remedy[0].isupper() and remedy.endswith(".")


def test_a_node_that_nobody_thought_of_has_a_sentence_too() -> None:
    assert sentence(ast.Interactive([])) == (
        "`Interactive` is not part of the language that is differentiated",
        "",
    )


def refusal(fn: Any, *args: Any, **options: Any) -> DiffCompileError:
    """The error of the first call, which a second call repeats."""
    derivative = grad(fn, **options)
    with pytest.raises(DiffCompileError) as caught:
        derivative(*(args or (2.0,)))
    with pytest.raises(type(caught.value)) as again:
        derivative(*(args or (2.0,)))
    assert str(again.value) == str(caught.value)
    return caught.value


SYNC = "Differentiate the synchronous part."
LIST = "Return a list or an array of the values."

# node class: (lines of the body, line and columns of the caret, reason, remedy)
CONSTRUCTS: dict[str, tuple[str, tuple[int, str], str, str]] = {
    "AsyncFunctionDef": (
        "async def g(): pass", (2, "async def g(): pass"), "an `async` function has no derivative here", SYNC,
    ),
    "Yield": ("y = (yield x)", (2, "yield x"), "`yield` has no derivative here", LIST),
    "YieldFrom": ("yield from [x]", (2, "yield from [x]"), "`yield from` has no derivative here", LIST),
    "ClassDef": (
        "class A: pass", (2, "class A: pass"), "a class defined inside a differentiated function",
        REFUSED["ClassDef"][1],
    ),
    "TryStar": (
        "try:\n        y = x\n    except* ValueError:\n        y = 2.0", (2, "try:"), "`except*` is not differentiated",
        "Test for the condition with an `if` instead.",
    ),
    "TypeAlias": (
        "type A = float", (2, "type A = float"), "a type alias inside a differentiated function",
        "Define it outside the function.",
    ),
}  # fmt: skip
# An `async` function is refused as a whole before what only it can hold; a template string needs Python 3.14.
INSIDE_ASYNC = {"AsyncFor", "AsyncWith", "Await"}
NEWER = {"TemplateStr", "Interpolation"} | ({"TypeAlias"} if sys.version_info < (3, 12) else set())


def test_every_refused_construct_is_tried() -> None:
    assert set(REFUSED) == set(CONSTRUCTS) | INSIDE_ASYNC | {"TemplateStr", "Interpolation"}


@pytest.mark.parametrize("name", [n for n in CONSTRUCTS if n not in NEWER])
def test_a_refused_construct_is_pointed_at(name: str) -> None:
    lines, (line, marked), reason, remedy = CONSTRUCTS[name]
    error = refusal(written(f"def f(x):\n    {lines}\n    return x * x", file=f"<refused {name}>"))

    assert isinstance(error, UnsupportedSyntax) and isinstance(error, SyntaxError)
    assert (error.reason, error.remedy) == (reason, remedy)
    assert error.__notes__ == [remedy]
    assert (error.filename, error.lineno, error.msg) == (f"<refused {name}>", line, reason)
    text = error.text or ""
    assert text[(error.offset or 0) - 1 :].startswith(marked)
    if "\n" not in lines:
        assert text[(error.offset or 0) - 1 : (error.end_offset or 0) - 1] == marked


def test_global_is_refused_where_it_stands() -> None:
    error = refusal(written("def f(x):\n    global q\n    q = 1\n    return x * x"))

    assert (error.reason, error.remedy) == (
        "`global` in a function that is in no module", "Return the value instead.",
    )  # fmt: skip


def test_python_itself_draws_the_caret() -> None:
    error = refusal(written("def f(x):\n    s = id([x, 2])\n    return x * x", file="<caret>"))

    assert "".join(traceback.format_exception_only(error)).splitlines() == [
        '  File "<caret>", line 2',
        "    s = id([x, 2])",
        "        ^^^^^^^^^^",
        "diffcompile.errors.UnsupportedSyntax: `id` of a container or an object",
        "Compare with `is`.",
    ]


def test_columns_count_characters() -> None:
    error = refusal(written("def f(x):\n    é = 'äöü'; s = id([x])\n    return x", file="<accents>"))

    assert isinstance(error, UnsupportedSyntax)
    assert (error.text or "")[(error.offset or 0) - 1 : (error.end_offset or 0) - 1] == "id([x])"


def test_a_construct_in_a_called_function_is_pointed_at_there() -> None:
    helper = written("def helper(x):\n    return x + id([x])", file="<helper>")
    error = refusal(written("def f(x):\n    return helper(x) * x", file="<caller>", helper=helper))

    assert isinstance(error, UnsupportedSyntax)
    assert (error.filename, error.lineno) == ("<helper>", 2)


@pytest.mark.parametrize("inside", ["await x", "async for a in x: pass", "async with x: pass", "return x"])
def test_an_async_function_is_refused_as_one(inside: str) -> None:
    error = refusal(written(f"async def f(x):\n    {inside}", file=f"<async {inside}>"))

    assert isinstance(error, UnsupportedSyntax)
    assert (error.reason, error.remedy) == ("an `async` function has no derivative here", SYNC)


def test_a_generator_is_refused() -> None:
    assert isinstance(refusal(written("def f(x):\n    yield x * x")), UnsupportedSyntax)


def test_a_name_that_means_nothing() -> None:
    error = refusal(written("def f(x):\n    return x * scale", file="<name>"))

    assert error.reason == "the name `scale` is not defined"
    assert error.span == Span("<name>", 2, 15, 2, 20, "    return x * scale")


def test_a_local_that_is_read_before_it_is_assigned_is_not_the_global_of_its_name() -> None:
    fn = written("def f(x):\n    y = scale * x\n    scale = 3.0\n    return y", scale=2.0)

    with pytest.raises((DiffCompileError, UnboundLocalError)):
        grad(fn)(2.0)


# -- no rule -----------------------------------------------------------------------------------------------


def test_a_function_without_a_rule() -> None:
    error = refusal(written("def f(x):\n    return np.sum(np.packbits(x))", file="<packbits>"), np.ones(3))

    assert isinstance(error, NoRule)
    assert error.reason == "no derivative is known for `np.packbits` with respect to `x`"
    assert error.remedy == "Teach it one:  @defvjp(np.packbits)  def _(ct, out, ...): ..."
    assert str(error) == f"{error.reason} (<packbits>, line 2)"
    assert error.__notes__ == [
        '  File "<packbits>", line 2\n'
        "    return np.sum(np.packbits(x))\n"
        "                  ^^^^^^^^^^^^^^",
        error.remedy,
    ]  # fmt: skip


def test_a_function_without_a_rule_has_the_name_of_its_own_library() -> None:
    special = pytest.importorskip("scipy.special")
    error = refusal(written("def f(x):\n    return x * mathieu(x)", mathieu=special.zetac))

    assert "`scipy.special.zetac`" in error.reason
    assert "np." not in error.remedy


def test_a_function_without_a_rule_is_fine_where_nothing_flows_back() -> None:
    fn = written("def f(x, k):\n    return x * np.sum(np.packbits(k > 0))")

    assert grad(fn)(2.0, np.ones(3)) == 224.0


# -- wrong arguments ---------------------------------------------------------------------------------------

FLOATS = "Pass `x` as a float (`3.0`, or `x.astype(float)`), or leave it out of `argnums`."


@pytest.mark.parametrize(
    ("argument", "what"),
    [
        (3, "an integer"),
        (np.int64(3), "an integer"),
        (np.arange(3), "an integer"),
        (True, "not a float or an array of floats"),
        ("3", "not a float or an array of floats"),
        (None, "not a float or an array of floats"),
    ],
    ids=repr,
)
def test_an_argument_that_is_no_float(argument: Any, what: str) -> None:
    error = refusal(written("def square(x):\n    return np.sum(x * x)", file="<square>"), argument)

    assert isinstance(error, WrongArgument) and isinstance(error, TypeError)
    assert error.reason == f"`square` cannot be differentiated with respect to `x`, which is {what}"
    assert error.remedy == FLOATS
    assert error.span is not None and (error.span.file, error.span.line) == ("<square>", 1)


def test_a_pullback_of_nothing_but_integers() -> None:
    with pytest.raises(WrongArgument, match="no argument of `f` can be differentiated"):
        vjp(written("def f(x, y): return x * y"), 2, 3)


@pytest.mark.parametrize(
    ("argument", "reason"),
    [
        (np.array(["a"]), "`x` is an array of <U1, which has no derivative"),
        (np.array([1.0, None]), "`x` is an array of object, which has no derivative"),
        (np.ma.array([1.0, 2.0]), "`x` is a MaskedArray"),
    ],
    ids=["text", "objects", "masked"],
)
def test_an_array_that_has_no_derivative(argument: Any, reason: str) -> None:
    error = refusal(written("def f(x): return np.sum(x)"), argument)

    assert isinstance(error, WrongArgument)
    assert error.reason == reason


HEAD = "`grad` needs a function that returns one number, and `f` returns "
SEVERAL = "Return their sum, say `has_aux=True` for (number, anything), or use `vjp`."


@pytest.mark.parametrize(
    ("result", "argument", "what", "remedy"),
    [
        ("x * x", np.ones(3), "an array of rank 1", "Return its sum, or use `vjp`."),
        ("np.outer(x, x)", np.ones(3), "an array of rank 2", "Return its sum, or use `vjp`."),
        ("x, x", 2.0, "several", SEVERAL),
        ("[x, x]", 2.0, "several", SEVERAL),
        ("{'a': x}", 2.0, "several", SEVERAL),
        ("'a'", 2.0, "a str", "Return its sum, or use `vjp`."),
    ],
)
def test_a_result_that_is_not_one_number(result: str, argument: Any, what: str, remedy: str) -> None:
    error = refusal(written(f"def f(x):\n    return {result}"), argument)

    assert isinstance(error, WrongArgument)
    assert (error.reason, error.remedy) == (HEAD + what, remedy)


def test_a_function_that_returns_nothing() -> None:
    error = refusal(written("def f(x):\n    x * x"))

    assert isinstance(error, WrongArgument)
    assert error.reason.startswith(HEAD)


def test_a_complex_result() -> None:
    error = refusal(written("def f(x): return 1j * x"))

    assert isinstance(error, WrongArgument)
    assert error.reason == "`grad` needs a real result, and `f` returns a complex one"
    assert error.remedy == (
        "Return its real part or its absolute value, or say `holomorphic=True` for a complex derivative."
    )


def test_an_array_with_one_element_is_not_a_number() -> None:
    assert isinstance(refusal(written("def f(x): return x * x"), np.ones(1)), WrongArgument)


def test_a_result_whose_rank_shows_only_when_it_runs() -> None:
    fn = written("def f(x, shape):\n    return np.reshape(x, shape)")

    with pytest.raises((DiffCompileError, TypeError, ValueError)):
        grad(fn)(np.ones(4), np.array([2, 2]))


@pytest.mark.parametrize("result", ["x", "x, x, x", "(x, x), x"])
def test_an_auxiliary_result_that_is_not_one(result: str) -> None:
    error = refusal(written(f"def f(x): return {result}"), has_aux=True)

    assert isinstance(error, WrongArgument)
    assert error.reason == "with `has_aux=True`, `f` returns a pair (number, anything)"


@pytest.mark.parametrize(
    ("argnums", "reason"),
    [
        (2, "`argnums=2`, and `f` has 2 parameters"),
        (-3, "`argnums=-3`, and `f` has 2 parameters"),
        ((0, 5), "`argnums=5`, and `f` has 2 parameters"),
        ("z", "`f` has no parameter `z`"),
        (1.0, "`argnums` takes positions or names of parameters, not 1.0"),
        (True, "`argnums` takes positions or names of parameters, not True"),
        (None, "`argnums` takes positions or names of parameters, not None"),
        ((), "`argnums` is empty: there is nothing to differentiate with respect to"),
    ],
    ids=repr,
)
@pytest.mark.parametrize("derivative", [grad, value_and_grad])
def test_argnums_that_mean_no_parameter(derivative: Any, argnums: Any, reason: str) -> None:
    with pytest.raises(WrongArgument) as caught:
        derivative(written("def f(x, y): return x * y"), argnums=argnums)

    assert caught.value.reason == reason


def test_an_unknown_name_is_answered_with_those_there_are() -> None:
    with pytest.raises(WrongArgument) as caught:
        grad(written("def f(x, y): return x * y"), argnums="z")

    assert caught.value.remedy == "It has x, y."


def test_something_that_is_no_function() -> None:
    with pytest.raises(WrongArgument) as caught:
        grad("x")  # type: ignore[arg-type]

    assert (caught.value.reason, caught.value.remedy) == (
        "`grad` needs a function first",
        "Write `@grad(argnums='x')`.",
    )


def test_a_backend_that_does_not_exist() -> None:
    with pytest.raises(WrongArgument, match="there is no backend `jax`"):
        grad(written("def f(x): return x"), backend="jax")  # type: ignore[arg-type]


@pytest.mark.parametrize(("args", "kwargs"), [((2.0,), {}), ((2.0, 3.0, 4.0), {}), ((2.0,), {"z": 1.0})])
def test_a_call_that_the_function_itself_would_not_take_is_a_plain_type_error(args: Any, kwargs: Any) -> None:
    fn = written("def f(x, y): return x * y")

    with pytest.raises(TypeError, match="f()"):
        fn(*args, **kwargs)
    with pytest.raises(TypeError, match="f()"):
        grad(fn)(*args, **kwargs)


# -- no source ---------------------------------------------------------------------------------------------


def test_a_function_whose_text_is_nowhere() -> None:
    scope: dict[str, Any] = {}
    exec("def f(x): return x * x", scope)
    error = refusal(scope["f"])

    assert isinstance(error, NoSource)
    assert error.reason == "the source of `f` cannot be found"
    assert error.remedy == (
        "Define it in a file or a notebook cell; what `exec` makes needs its text in `linecache`."
    )


def test_a_lambda_whose_text_is_nowhere() -> None:
    assert refusal(eval("lambda x: x * x")).reason == "the source of `<lambda>` cannot be found"


@pytest.mark.parametrize("fn", [np.packbits, abs, int], ids=["no rule", "builtin", "class"])
def test_a_function_that_is_not_written_in_python(fn: Any) -> None:
    with pytest.raises(NoSource) as caught:
        grad(fn)(2.0)

    assert caught.value.reason == f"`{fn.__name__}` is not a Python function, so it has no source to read"
    assert caught.value.remedy


# -- writes ------------------------------------------------------------------------------------------------


def test_a_write_whose_effect_cannot_be_decided() -> None:
    fn = written("""
        def f(x, k):
            a = x * 1.0
            b = x * 2.0
            c = a if k > 0.0 else b
            c[0] = 5.0
            return a[0] * b[0]
    """)
    try:
        gradient = grad(fn)(np.array([2.0, 3.0]), 1.0)
    except DiffCompileError as error:
        assert isinstance(error, UndecidedAlias) or isinstance(error, UnsupportedSyntax)
        assert error.remedy
    else:
        np.testing.assert_allclose(gradient, [10.0, 0.0])


def test_a_write_into_an_item_of_a_sorted_list_is_refused_by_the_rule_for_items() -> None:
    for statement in ("items[0][0] = 1.0", "items[0][0] += 1.0", "items[0][0] *= x[1]"):
        fn = written(f"""
            def f(x):
                items = sorted([x[:2] * 1.0, x[1:] * 2.0], key=lambda v: v[0])
                {statement}
                return np.sum(items[0])
        """)
        error = refusal(fn, np.ones(3))

        assert isinstance(error, UndecidedAlias)
        assert (error.reason, error.span.text.strip()) == ("an item of a list is written here", statement)


@pytest.mark.parametrize(
    ("body", "place", "instead"),
    [
        ("x += y", "x", "x = x + ..."),
        ('d = {"a": x}; d["a"] *= y', 'd["a"]', 'd["a"] = d["a"] * ...'),
        ("d = [x]; d[0] **= y", "d[0]", "d[0] = d[0] ** ..."),
    ],
)
def test_what_may_be_changed_in_place_has_the_name_that_the_user_gave_it(
    body: str, place: str, instead: str
) -> None:
    with pytest.raises(DiffCompileError) as caught:
        _ = grad(written(f"def f(x, y):\n    {body}\n    return np.sum(x)")).source
    error = caught.value

    assert error.reason == f"`{place}` may be an array that something else refers to, and is changed in place"
    assert error.remedy.endswith(f"or write `{instead}`.")


def test_a_recursion_that_does_not_end_and_grows_a_default_is_refused() -> None:
    body = "def at(n, m={}): m[n] = x[0]; return at(n + 1, m)\n    return at(0)"
    assert isinstance(refusal(written(f"def f(x):\n    {body}"), np.ones(3)), UnsupportedSyntax)


def test_a_recursion_that_does_not_end_stops_as_in_python() -> None:
    fn = written("def f(x):\n    def at(n): return x[0] + at(n + 1)\n    return at(0)")
    for run in (fn, grad(fn)):
        with pytest.raises(RecursionError):
            run(np.ones(3))


def test_a_recursion_of_many_calls_is_a_function() -> None:
    body = "def at(n): return x if n < 2 else at(n - 1) * x + at(n - 2)\n    return np.sum(at(16))"
    fn, x = written(f"def f(x):\n    {body}"), np.array([0.3, 0.5])
    wide, narrow = ((fn(x + h) - fn(x - h)) / (2 * h) for h in (2e-4, 1e-4))
    np.testing.assert_allclose(np.sum(grad(fn)(x)), (4 * narrow - wide) / 3, rtol=1e-9)


# -- what a refusal leaves behind --------------------------------------------------------------------------


def test_a_valid_call_works_after_a_refused_one() -> None:
    fn = written("def f(x, safe):\n    if safe:\n        return x * x\n    return x * id([x])")
    derivative = grad(fn)

    with pytest.raises(UnsupportedSyntax):
        derivative(3.0, False)
    assert derivative(3.0, True) == 6.0
    with pytest.raises(UnsupportedSyntax):
        derivative(3.0, False)


def test_a_float_works_after_an_integer() -> None:
    derivative = grad(written("def f(x): return x * x"))

    with pytest.raises(WrongArgument):
        derivative(3)
    assert derivative(3.0) == 6.0


def test_a_rule_declared_after_a_refusal_is_used() -> None:
    def opaque(x: float) -> float:
        return eval("x * x")

    derivative = grad(written("def f(x): return opaque(x) * 3.0", opaque=opaque))
    with pytest.raises(DiffCompileError):
        derivative(2.0)

    diffcompile.defvjp(opaque)(written("def _(ct, out, x):\n    return ct * (2.0 * x)"))
    assert derivative(2.0) == 12.0


def test_a_refused_helper_does_not_stop_another_function_that_calls_it_after_a_repair() -> None:
    names: dict[str, Any] = {"helper": written("def helper(x): return x * id([x])")}
    fn = written("def f(x): return helper(x)", **names)
    with pytest.raises(UnsupportedSyntax):
        grad(fn)(2.0)

    fn.__globals__["helper"] = written("def helper(x): return x * x")
    assert grad(fn)(2.0) == 4.0


def test_exceptions_of_the_user_pass_untouched() -> None:
    fn = written("def f(x):\n    if x < 0.0:\n        raise ValueError('negative')\n    return x * x")

    with pytest.raises(ValueError, match="^negative$") as caught:
        grad(fn)(-1.0)
    assert not isinstance(caught.value, DiffCompileError)
    assert grad(fn)(2.0) == 4.0


def test_all_errors_are_one_family() -> None:
    for cls in (UnsupportedSyntax, NoRule, NoSource, UndecidedAlias, WrongArgument):
        assert issubclass(cls, DiffCompileError)
