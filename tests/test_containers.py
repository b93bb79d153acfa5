"""Lists, dicts, sets, tuples: values and side effects as in Python, gradients by central differences."""

from __future__ import annotations

import collections
from collections import OrderedDict, defaultdict
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest

from diffcompile import DiffCompileError, UndecidedAlias, WrongArgument, grad, value_and_grad, vjp
from oracles import (
    assert_agrees,
    assert_every_mode,
    assert_like,
    flatten,
    numeric_gradient,
    same,
    tree_map,
    unflatten,
)

X = np.array([0.5, -1.0, 2.0])
Case = tuple[Callable[..., Any], Callable[[], tuple[Any, ...]], bool]
CASES: dict[str, Case] = {}


def case(
    make: Callable[[], tuple[Any, ...]], twice: bool = True
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A program, its arguments, and whether its second derivative is compared as well."""

    def add(fn: Callable[..., Any]) -> Callable[..., Any]:
        CASES[fn.__name__] = (fn, make, twice)
        return fn

    return add


def number() -> tuple[float]:
    return (0.7,)


def vector() -> tuple[np.ndarray]:
    return (X.copy(),)


class Pair(NamedTuple):
    a: float
    b: np.ndarray

    def total(self) -> Any:
        return self.a * np.sum(self.b)


@case(number)
def list_methods(x):
    a = [x, x * x]
    a.insert(1, 3 * x)
    b = a.pop(0)
    a.reverse()
    a += [b * a[0]]
    del a[0]
    a.extend((x, 2.0))
    c = a.copy()
    c.clear()
    return sum(a) * a[-2] + len(a) + len(c) + a.count(2.0)


@case(number)
def list_slices(x):
    a = [x, 2 * x, 3 * x, 4 * x]
    a[1:3] = [x * x, x**3, x**4]
    del a[:1]
    return a[0] * a[1] + sum(a[::-1][:2]) + (a * 2)[5] + ([x] + a)[1]


@case(number)
def list_names(x):
    a = [x]
    b = a
    b.append(x * x)
    c = [a, a]
    c[0].append(x**3)
    return a[2] * len(b) * c[1][0]


@case(number)
def list_sorted_by_what_is_known(x):
    rows = [("b", x), ("a", x * x), ("cc", 3 * x)]
    rows.sort(key=lambda row: row[0])
    first = sorted(rows, key=lambda row: len(row[0]), reverse=True)[0]
    return rows[0][1] * first[1] + rows.index(first)


@case(number)
def list_grown_and_shrunk_in_loops(x):
    s = []
    for i in range(4):
        s.append(x * i)
    a = s.pop()
    s.insert(0, a * x)
    b = s.pop(1)
    del s[0]
    s.reverse()
    s.extend([a, b])
    return s[0] * s[-1] + a * len(s) + s[1]


@case(number)
def stack_that_empties(x):
    s = [x]
    for i in range(4):
        s.append(s[i] * x + s[-1])
    q = s[1:3]
    q.append(x)
    while len(s) > 2:
        q.append(s.pop(0))
    return sum(q) * q[-1]


@case(vector)
def list_of_lists(x):
    rows = []
    for i in range(3):
        row = []
        for j in range(4):
            row.append(x[i] * j)
        rows.append(row)
    t = 0.0
    for i in range(3):
        for j in range(4):
            t += rows[i][j] * rows[i][j - 1]
    return t


@case(vector)
def list_joined_into_an_array(x):
    out = []
    for v in x:
        out.append(np.sin(v) * x)
    return np.sum(np.stack(out) ** 2) + np.sum(np.concatenate(out)) + np.array(out)[1, 2]


@case(vector)
def comprehensions(x):
    kept = [v * w for v in x if v > 0 for w in x if w < 1]
    table = [[v * j for j in range(3)] for v in x]
    return sum(kept) + table[1][2] * table[2][1] + sum(r[0] + r[1] for r in table)


@case(number)
def dict_methods(x):
    d = {"a": x, 2: x * x}
    d["b"] = d["a"] * d[2]
    d.update(c=x**3, a=2 * x)
    t = d.pop("c") + d.get("zz", 1.0) + d.setdefault("q", x)
    e = d | {"a": 5 * x}
    for _, v in e.items():
        t = t + v
    for k in d:
        t += d[k]
    del d["q"]
    return t * len(d) + ("q" in d) + sum(d.values()) + d.popitem()[1]


@case(number)
def dict_kinds(x):
    d = defaultdict(float)
    d["a"] += x
    d["a"] += x * x
    o = OrderedDict(z=x)
    o["y"] = 2 * x
    e = {k: v * 2 for k, v in o.items()}
    n = dict.fromkeys(("p", "q"), x)
    return d["a"] * d["b"] + d["a"] + e["z"] * e["y"] + n["p"] * dict(n, q=3.0)["q"]


@case(number)
def dict_filled_at_run_time(x):
    memo = {0: x, 1: x * x}
    for k in range(2, 8):
        memo[k] = memo[k - 1] * 0.5 + memo[k - 2] * x
    return memo[7] + memo[3] + len(memo)


@case(lambda: (0.7, np.array([1, 2, 1, 1])), twice=False)
def dict_with_keys_of_an_array(x, keys):
    memo = {}
    for k in keys:
        if k in memo:
            memo[k] = memo[k] * x
        else:
            memo[k] = x
    t = 0.0
    for k, v in memo.items():
        t += v * k
    return t + len(memo)


@case(number)
def dict_of_lists_that_grow(x):
    d = {"a": [], "b": []}
    for i in range(4):
        d["a"].append(x * i)
        d["b"].append(x**i)
    return d["a"][3] * d["b"][2] + sum(d["b"])


@case(number)
def dict_carried_by_a_loop(x):
    state = {"s": x, "n": 0}
    for i in range(4):
        state["s"] = state["s"] * x + i
        state["n"] += 1
    return state["s"] * state["n"]


@case(number)
def sets(x):
    s = {"a", "b"}
    s.add("c")
    return x ** len(s) + len({k for k in (1, 2, 2)}) * x + ("b" in s) + len(s.union({"d"}))


@case(number)
def tuples(x):
    t = (x, x * x, "name")
    a, *rest = t
    (b, c), d = (x, 2.0), t[:2]
    return a * rest[0] + b * c + d[1] * t.index("name") + t.count("name")


def spread(x, *args, scale=1.0, **options):
    return x * args[0] + options["s"] * sum(args) * scale + len(options)


@case(number)
def stars(x):
    args, options = (x, 2.0), {"s": x * x, "t": 1.0}
    first, *_ = [*args, *args]
    return spread(x, *args, scale=3.0, **options) + max(*args) * first + {**options, "s": x}["s"]


@case(lambda: (Pair(1.5, X.copy()),))
def named_tuple(p):
    q = p._replace(a=p.a * 2)
    return p.total() * q.a + p[0] * np.sum(q.b**2) + Pair(p.a, p.b).total()


@case(lambda: ({"w": 0.7, "h": [1.0, 2.0], "d": {"n": 3, "s": "t", "none": None}, "a": X.copy()},))
def writes_into_what_the_caller_handed_in(p):
    p["w"] = p["w"] * 2
    p["h"].append(p["w"])
    p["d"]["n"] += 1
    p["a"][0] = p["w"]
    p["new"] = [p["w"]]
    p["new"].append(1.0)
    del p["d"]["s"]
    return p["w"] * p["h"][0] * p["h"][-1] + np.sum(p["a"]) + p["new"][0]


@case(lambda: ({"x": X.copy()},))
def array_in_a_dict_under_two_names(p):
    q = p["x"]
    p["x"] = q * 2
    q[0] = 9.0
    return np.sum(p["x"]) + np.sum(q)


@case(lambda: ((X.copy(), 3 * X),))
def write_into_an_item_of_a_tuple(p):
    a, b = p
    a[0] = b[1] * 2
    return np.sum(a * b)


@case(lambda: ([(1.0 * X, 0.1), (2.0 * X, 0.2)],))
def layers_as_tuples(layers):
    h = X
    for W, b in layers:
        h = np.tanh(W * h + b)
    return np.sum(h)


@case(lambda: ({"enc": [{"W": X * 1.0, "b": 0.1}, {"W": X * 2.0, "b": 0.2}], "dec": {"W": X * 0.5}},))
def nested_parameters(p):
    h = X
    for layer in p["enc"]:
        h = np.tanh(layer["W"] * h + layer["b"])
    return np.sum(h * p["dec"]["W"])


@pytest.mark.parametrize("name", CASES)
def test_value_gradient_and_side_effects(name: str) -> None:
    fn, make, _ = CASES[name]
    plain, args = make(), make()
    expected = fn(*plain)
    value, gradient = value_and_grad(fn)(*args)

    assert same(value, expected)
    assert same(args, plain), "the caller sees what a plain call would have done"
    assert_agrees(gradient, *numeric_gradient(fn, make))
    assert_like(gradient, make()[0])


@pytest.mark.parametrize("name", [n for n, (_, _, twice) in CASES.items() if twice])
def test_second_derivative(name: str) -> None:
    fn, make, _ = CASES[name]
    first = grad(fn)
    point = make()[0]
    v = unflatten(point, np.cos(1.0 + np.arange(flatten(point).size)))

    def gradient_at(t: float) -> np.ndarray:
        return flatten(first(tree_map(lambda x, d: x + t * d, point, v), *make()[1:]))

    _, pullback = vjp(first, *make())
    h = 2e-4
    coarse = (gradient_at(h) - gradient_at(-h)) / (2 * h)
    fine = (gradient_at(h / 2) - gradient_at(-h / 2)) / h
    expected = (4 * fine - coarse) / 3

    assert np.all(np.abs(flatten(pullback(v)[0]) - expected) <= 1e-6 * (1 + np.abs(expected).max()))


def test_same_array_twice_in_one_container_has_two_gradients() -> None:
    def f(p):
        return np.sum(p["a"] * p["a"] * p["b"])

    gradient = grad(f)({"a": X, "b": X})

    assert np.allclose(gradient["a"], 2 * X * X) and np.allclose(gradient["b"], X * X)


def test_gradients_of_items_share_no_memory_with_the_arguments() -> None:
    p = {"a": X.copy(), "b": [X * 2]}
    gradient = grad(lambda p: np.sum(p["a"] * p["b"][0]))(p)
    parts = [gradient["a"], gradient["b"][0], p["a"], p["b"][0]]

    assert not any(np.shares_memory(a, b) for i, a in enumerate(parts) for b in parts[:i])


def test_two_arguments_that_are_one_list_are_refused_where_one_is_written() -> None:
    def f(a, b):
        a.append(b[0])
        return a[0] * b[-1]

    shared = [1.0, 2.0]
    assert grad(f)([1.0, 2.0], [1.0, 2.0])[0] == 2.0
    with pytest.raises(UndecidedAlias):
        grad(f)(shared, shared)


def test_list_kept_in_a_list_that_grew_is_not_written_under_its_own_name() -> None:
    def f(x):
        rows, row = [], []
        for i in range(3):
            row.append(x * i)
            rows.append(row)
        return rows[0][2] * x

    with pytest.raises(UndecidedAlias, match="kept in a list"):
        grad(f)(0.7)


LOG: list[float] = []


def test_global_list_that_is_appended_to_compiles_once() -> None:
    def f(x):
        LOG.append(x)
        return x * x

    LOG.clear()
    derivative = grad(f)
    assert [derivative(v) for v in (1.0, 2.0, 3.0)] == [2.0, 4.0, 6.0]
    assert LOG == [1.0, 2.0, 3.0]
    assert sum(map(len, derivative._cases.values())) == 1


TABLE = {"scale": 2.0, "mode": "square"}


def test_global_dict_is_read_live() -> None:
    def f(x):
        return x * x * TABLE["scale"] if TABLE["mode"] == "square" else x * TABLE["scale"]

    derivative = grad(f)
    try:
        assert derivative(3.0) == 12.0
        TABLE["scale"] = 5.0
        assert derivative(3.0) == 30.0
        TABLE["mode"] = "line"
        assert derivative(3.0) == 5.0
    finally:
        TABLE.update(scale=2.0, mode="square")


def test_structure_of_results_and_of_their_cotangents() -> None:
    def f(x):
        return {"a": Pair(x, x * X), "b": [x * x, (1.0, "s")]}

    out, pullback = vjp(f, 2.0)

    assert same(out, f(2.0))
    (ct,) = pullback({"a": Pair(1.0, np.ones(3)), "b": [1.0, (0.0, None)]})
    assert ct == pytest.approx(1.0 + X.sum() + 4.0)


def test_aux_that_is_the_callers_own_object_is_that_object() -> None:
    def f(p):
        p["n"] = p["n"] + 1.0
        return p["n"] * p["x"], p

    given = {"n": 1.0, "x": 3.0}
    gradient, aux = grad(f, has_aux=True)(given)

    assert aux is given and given["n"] == 2.0
    assert gradient == {"n": 3.0, "x": 2.0}


def test_argnums_names_an_item() -> None:
    def f(p):
        return p["layers"][1]["W"] ** 2 * p["b"]

    p = {"layers": [{"W": 1.0}, {"W": 3.0}], "b": 2.0}
    assert grad(f, argnums="p.layers.1.W")(p) == 12.0
    assert grad(f, argnums=("p.b", "p.layers.1.W"))(p) == (9.0, 12.0)
    with pytest.raises(WrongArgument, match="there is no `V`"):
        grad(f, argnums="p.layers.1.V")(p)


@pytest.mark.parametrize(
    "fn",
    [
        lambda x: [x][2],
        lambda x: {"a": x}["b"],
        lambda x: list({x: 1.0})[0],
        lambda x: {x, 2.0},
        lambda x: sorted([x, 2.0]),
    ],
)
def test_what_is_not_known_is_refused(fn: Callable[..., Any]) -> None:
    with pytest.raises(DiffCompileError):
        grad(fn)(0.7)


def test_counter_of_constants_is_a_library_object() -> None:
    def f(x):
        return x * collections.Counter("abca")["a"]

    assert grad(f)(3.0) == 2.0


# -- lists whose items are all of one form ------------------------------------------------------------------


def layers(count: int) -> list[tuple[np.ndarray, np.ndarray]]:
    rng = np.random.default_rng(0)
    return [(rng.normal(size=(3, 3)), rng.normal(size=3)) for _ in range(count)]


def dense(layers, x):
    for W, b in layers:
        x = np.tanh(W @ x + b)
    return np.sum(x**2)


def dense_of_dicts(layers, x):
    for layer in layers:
        x = np.tanh(layer["W"] @ x + layer["b"])
    return np.sum(x**2)


def left_early(layers, x):
    for layer in layers:
        x = np.tanh(layer["W"] @ x + layer["b"])
        if np.sum(x) > -0.5:
            break
    return np.sum(x)


def run_over_twice(layers, x):
    for W, b in layers:
        x = np.tanh(W @ x + b)
    for _, b in layers:
        for W, c in layers:
            x = x + b * c + W[0]
    return np.sum(x)


def read_as_well(layers, x):
    for W, b in layers:
        x = W @ x + b
    return np.sum(x) + np.sum(layers[0][0] ** 2)


def written_as_well(layers, x):
    for W, b in layers:
        W[0, 0] = 1.0
        x = W @ x + b
    return np.sum(x)


def numbered(layers, x):
    for i, (W, b) in enumerate(layers):
        x = np.tanh(W @ x + b * i)
    for W, _ in reversed(layers):
        x = W @ x
    return np.sum(x)


@pytest.mark.parametrize("count", [2, 6])
@pytest.mark.parametrize(
    "fn", [dense, dense_of_dicts, left_early, run_over_twice, read_as_well, written_as_well, numbered]
)
def test_loop_over_layers(fn: Callable[..., Any], count: int) -> None:
    def make() -> tuple[Any, np.ndarray]:
        named = [{"W": W, "b": b} for W, b in layers(count)]
        return (named if fn in (dense_of_dicts, left_early) else layers(count)), X.copy()

    value, gradient = value_and_grad(fn, argnums=(0, 1))(*make())

    assert same(value, fn(*make()))
    assert_agrees(gradient, *numeric_gradient(fn, make, (0, 1)))
    assert_like(gradient, make())


def test_loop_over_layers_stays_a_loop_however_many_there_are() -> None:
    sources = []
    for count in (2, 1000):
        derivative = grad(dense)
        assert len(derivative(layers(count), X)) == count
        sources.append(derivative.source)

    assert sources[0] == sources[1]


def test_gradients_of_layers_share_no_memory() -> None:
    def f(layers):
        total = 0.0
        for a, b in layers:
            total = total + np.sum(a + b)
        return total

    (a, b), (c, _) = grad(f)([(X.copy(), X * 2), (X * 3, X * 4)])

    assert not np.shares_memory(a, b) and not np.shares_memory(a, c)
    assert np.array_equal(a, np.ones(3))


class Recent:
    """The values of the last few keys that were asked for."""

    def __init__(self, size):
        self.size = size
        self.kept = OrderedDict()
        self.made = 0

    def get(self, key, make):
        if key in self.kept:
            self.kept.move_to_end(key)
            return self.kept[key]
        self.made += 1
        value = self.kept[key] = make(key)
        if len(self.kept) > self.size:
            self.kept.popitem(last=False)
        return value


def first_out(x):
    d = OrderedDict([("a", x[0]), ("b", x[1] * x[2])])
    _, v = d.popitem(last=False)
    return sum(d.values()) * v


def first_out_by_position(x):
    d = OrderedDict(a=x[0], b=x[1] * x[2], c=x[1])
    _, v = d.popitem(False)
    return d.popitem(True)[1] * v + sum(d.values()) ** 2


def moved_to_the_front(x):
    d = OrderedDict(a=x[0], b=x[1], c=x[2] ** 2)
    d.move_to_end("c", last=False)
    d.move_to_end("a")
    first, second, third = d.values()
    return first + 2 * second**2 + 3 * third * first


def grown_and_moved(x):
    d = OrderedDict()
    for i in range(5):
        d[i] = x[0] * x[1] ** i
    d.popitem(last=False)
    d.move_to_end(3, last=False)
    d.move_to_end(2)
    values = list(d.values())
    return values[0] + 2 * values[1] ** 2 + 3 * values[2] + 4 * values[3] * x[2]


def queue_of_entries(x):
    q = OrderedDict()
    s = 0.0
    for i in range(6):
        q[i] = x[0] * x[1] ** i
        if len(q) > 3:
            _, v = q.popitem(last=False)
            s += v * i
    return s + sum(q.values()) * x[2]


def least_recently_used(x):
    c = Recent(2)
    s = 0.0
    for i in [1, 2, 1, 3, 2, 1]:
        s += c.get(i, lambda k: x[0] * x[1] ** k)
    return s * c.made + x[2]


def defaults_by_name(x):
    d = OrderedDict(a=x[0])
    return d.pop("b", default=x[1] * x[2]) + d.setdefault("c", default=x[1] ** 3) * d["c"]


@pytest.mark.parametrize(
    "program",
    [
        first_out, first_out_by_position, moved_to_the_front, grown_and_moved, least_recently_used,
        defaults_by_name,
    ],
)  # fmt: skip
def test_ordered_dicts_give_up_and_move_what_is_at_either_end(program: Any) -> None:
    assert_every_mode(program, X, np.array([0.3, 0.8, -0.4]))


def test_first_entry_of_a_dict_that_grows_is_taken_out() -> None:
    value, gradient = value_and_grad(queue_of_entries)(X)

    assert value == queue_of_entries(X)
    assert_agrees(gradient, *numeric_gradient(queue_of_entries, vector))


def test_ordered_dict_of_the_caller_is_reordered() -> None:
    def f(d):
        d.move_to_end("a")
        d.move_to_end("c", last=False)
        _, v = d.popitem(last=False)
        return list(d.values())[0] ** 2 + v * 2

    mine, theirs = (OrderedDict(a=1.0, b=2.0, c=3.0) for _ in range(2))
    gradient = grad(f)(mine)
    f(theirs)

    assert gradient == {"a": 0.0, "b": 4.0, "c": 2.0}
    assert list(mine.items()) == list(theirs.items())


def test_end_that_is_not_known_here_is_refused() -> None:
    def f(x):
        d = OrderedDict(a=x, b=x * x)
        return d.popitem(last=x > 1)[1]

    with pytest.raises(DiffCompileError) as refused:
        grad(f)(1.5)

    assert refused.value.reason == "which end `popitem` is about is not known here"
    assert refused.value.remedy == "Write `last` out."
