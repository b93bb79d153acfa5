"""What is accepted, as programs: the README's table is what `accepted` finds for each of them.

A program is a function of one parameter, differentiated at its default; the docstring is the table's entry.
"""

import cmath
import functools
import heapq
import itertools
import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from diffcompile import DiffCompileError, grad
from oracles import assert_agrees, assert_like, numeric_gradient

PROGRAMS: dict[str, list[Callable[..., Any]]] = {}


def program(topic: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def add(f: Callable[..., Any]) -> Callable[..., Any]:
        PROGRAMS.setdefault(topic, []).append(f)
        return f

    return add


def accepted(f: Callable[..., Any]) -> bool:
    """Is the program accepted? If it is, its gradient is right; if not, the refusal is ours."""
    (x,) = f.__defaults__ or ()
    try:
        gradient = grad(f)(x)
    except DiffCompileError:
        return False
    assert_like(gradient, x)
    assert_agrees(gradient, *numeric_gradient(f, lambda: (x,)))
    return True


def table() -> str:
    """The README's table, one row for each topic."""
    rows = ["| | accepted | refused, with the line, the reason and what to write instead |", "|---|---|---|"]
    for topic, programs in PROGRAMS.items():
        entries: tuple[list[str], list[str]] = ([], [])
        for f in programs:
            entries[0 if accepted(f) else 1].append((f.__doc__ or "").strip())
        rows.append(f"| **{topic}** | {', '.join(entries[0])} | {', '.join(entries[1])} |")
    return "\n".join(rows) + "\n"


SCALE = 3.0


@dataclass(frozen=True)
class Point:
    x: float
    y: float


class Pair(NamedTuple):
    a: float
    b: float


class Model:
    def __init__(self, slope):
        self.slope = slope

    def __call__(self, x):
        return self.slope * x**2


MODEL = Model(1.5)


def area(width, height=2.0, *, margin=0.1):
    return (width + margin) * (height + width)


def cube(t):
    return t**3


def mean_of(*numbers):
    return sum(numbers) / len(numbers)


def factorial_like(x, n):
    return 1.0 if n == 0 else (x + n) * factorial_like(x, n - 1)


@program("Assignment")
def _(x=0.7):
    """names, any number of times"""
    y = x
    x = y * y
    y = z = x + y
    return x * y * z


@program("Assignment")
def _(x=0.7):
    """tuple unpacking (nested, starred)"""
    (a, (b, *rest)), c = (x, (2 * x, x * x, 3.0)), x + 1
    return a * b * c + rest[0] * rest[1]


@program("Assignment")
def _(x=0.7):
    """`+=` and its relatives"""
    y = 1.0
    y += x
    y *= x
    y **= 2
    return y


@program("Assignment")
def _(x=0.7):
    """annotations"""
    y: float = x * x
    return y


@program("Assignment")
def _(x=0.7):
    """`:=`"""
    return (y := x * x) * y


@program("Expressions")
def _(x=0.7):
    """arithmetic"""
    return -(x**3) + x // 0.2 * x - x % 0.3 / (x + 1)


@program("Expressions")
def _(x=0.7):
    """chained comparisons"""
    return x * x if 0.0 < x <= 1.0 != x else x


@program("Expressions")
def _(x=0.7):
    """`and`, `or`, `not` with Python's operands"""
    return (x and x * 2) + (0.0 or x * x) + (1.0 if not x else x)


@program("Expressions")
def _(x=0.7):
    """conditional expressions"""
    return x * 2 if x > 1 else x * 3


@program("Expressions")
def _(x=0.7):
    """f-strings"""
    label = f"{x:.2f}"
    return x * len(label)


@program("Expressions")
def _(x=0.7):
    """globals"""
    return SCALE * x * x


@program("Control flow")
def _(x=0.7):
    """`if`/`elif`/`else`"""
    if x > 1:
        y = x
    elif x > 0.5:
        y = x * x
    else:
        y = 0.0
    return y


@program("Control flow")
def _(x=0.7):
    """`for` over `range`, lists, tuples, arrays"""
    y = x
    for i in range(3):
        y = y * x + i
    for w in [1.0, x]:
        y += w * x
    for w in (x, 2.0):
        y *= w
    for w in np.array([1.0, 2.0]):
        y = math.sin(y) * w
    return y


@program("Control flow")
def _(x=0.7):
    """`zip`, `enumerate`, `reversed`"""
    y = 0.0
    for i, (a, b) in enumerate(zip((x, 2.0), reversed((1.0, x * x)))):
        y += i * a * b + a
    return y


@program("Control flow")
def _(x=0.7):
    """`while`, whatever decides its end"""
    y = x
    while y < 10:
        y = y * 1.5 + x
    return y


@program("Control flow")
def _(x=0.7):
    """`break`, `continue`, loop `else`"""
    y = 1.0
    for i in range(9):
        if i == 2:
            continue
        if y > 3:
            break
        y = y + x * i
    else:
        y = 0.0
    return y


@program("Control flow")
def _(x=0.7):
    """early `return`, out of nested loops too"""
    y = x
    for i in range(3):
        for j in range(3):
            y = y + x * j
            if y > 2:
                return y * y
    return y


@program("Control flow")
def _(x=0.7):
    """`assert`, `raise`"""
    assert x > 0, "positive"
    if x > 5:
        raise ValueError("too large")
    return x * x


@program("Control flow")
def _(x=0.7):
    """comprehensions"""
    return sum([x * i for i in range(4) if i != 2])


@program("Control flow")
def _(x=0.7):
    """`try`"""
    try:
        return math.sqrt(x)
    except ValueError:
        return 0.0


@program("Control flow")
def _(x=0.7):
    """`with`"""
    with np.errstate(all="ignore"):
        return x * x


@program("Control flow")
def _(x=0.7):
    """`match`"""
    match (x, 2):
        case (a, 2):
            return a * a
        case _:
            return x


@program("Functions")
def _(x=0.7):
    """calls of other functions, with defaults and keywords"""
    return area(x) + area(height=x, width=2.0, margin=x * x)


@program("Functions")
def _(x=0.7):
    """`*args`"""
    return mean_of(x, x * x, 1.0)


@program("Functions")
def _(x=0.7):
    """recursion"""
    return factorial_like(x, 4)


@program("Functions")
def _(x=0.7):
    """lambdas"""
    return (lambda t: t * t)(x) + (lambda t: x * t)(2.0)


@program("Functions")
def _(x=0.7):
    """nested functions and closures"""

    def scaled(t):
        return t * x

    return scaled(2.0) + scaled(x)


@program("Functions")
def _(x=0.7):
    """`grad` inside a function"""
    return grad(cube)(x) * x


@program("Functions")
def _(x=0.7):
    """generators"""

    def items():
        yield x
        yield x * x

    return sum(items())


@program("Functions")
def _(x=0.7):
    """`global`"""
    global SCALE
    SCALE = 3.0
    return x * SCALE


@program("Scalars")
def _(x=0.7):
    """`math`"""
    return math.exp(x) + math.sqrt(x) * math.atan2(x, 2.0)


@program("Scalars")
def _(x=0.7):
    """`abs`, `pow`, `min`, `max`, `sum`, `round`, `int`, `float`"""
    y = abs(-x) + pow(x, 3) + min(x, 1.0) * max(x, 0.2, x * x)
    return y * sum((x, x)) + round(x) * x + int(x) + float(x)


@program("Arrays")
def _(x=np.array([0.5, -1.0, 2.0])):
    """ufuncs with exact broadcasting"""
    return np.sum(np.sin(x) * x[:, None] / (1.0 + x**2))


@program("Arrays")
def _(x=np.array([[0.5, -1.0], [2.0, 0.1]])):
    """reductions with `axis`, `keepdims`, `where`"""
    p = np.exp(x) / np.sum(np.exp(x), axis=1, keepdims=True)
    return np.sum(np.var(p, axis=0)) + np.sum(x, where=np.array([True, False])) + p.max()


@program("Arrays")
def _(x=np.array([[0.5, -1.0], [2.0, 0.1]])):
    """reshaping, joining, building"""
    y = np.concatenate([x.reshape(-1), np.ravel(x.T)])
    return np.sum(np.stack([y, np.ones_like(y)]) * np.arange(8.0)) + np.sum(np.array([x[0, 0], 2.0]) ** 2)


@program("Arrays")
def _(x=np.array([[2.5, -1.0], [2.0, 1.1]])):
    """`@`, `dot`, `einsum`, `linalg`"""
    y = np.linalg.solve(x, np.ones(2)) @ x
    return np.sum(y) + np.einsum("ij,jk->", x, x) + np.linalg.det(x) + np.linalg.norm(x)


@program("Arrays")
def _(x=np.array([1.0, -0.5, 2.0])):
    """Fourier transforms"""
    return np.sum(np.abs(np.fft.rfft(x)) ** 2) + np.sum(np.fft.ifft(np.fft.fft(x) ** 2).real)


@program("Arrays")
def _(x=np.array([1.0, -0.5, 2.0])):
    """`polyval`, `polyfit`, `roots`, the series of `numpy.polynomial`"""
    series = np.polynomial.chebyshev.chebval(0.3, np.polynomial.chebyshev.chebder(x))
    return np.polyval(x, 2.0) + np.polyfit(np.arange(3.0), x, 1)[0] + series + np.sum(np.abs(np.roots(x)))


@program("Scalars")
def _(x=0.5):
    """complex numbers, `cmath`"""
    return abs(cmath.exp(complex(x, 2.0)) + 1j * x) ** 2


@program("Arrays")
def _(x=np.array([1.0, -0.5, 2.0])):
    """masked arrays, `np.matrix`"""
    return np.ma.masked_array(x, [False, True, False]).sum()


@program("Arrays")
def _(x=np.array([[0.5, -1.0], [2.0, 0.1]])):
    """methods and attributes"""
    return (x.T @ x).sum(axis=0).mean() * x.shape[0] + x[0, 0].item() * len(x) + x.ravel()[1]


@program("Arrays")
def _(x=np.array([0.5, -1.0, 2.0, 0.1])):
    """reading elements, slices, index arrays, masks"""
    return x[0] * x[-1] + np.sum(x[1:] * x[:-1]) + np.sum(x[np.array([0, 0, 2])] ** 2) + np.sum(x[x > 0] ** 3)


@program("Arrays")
def _(x=np.array([0.5, -1.0, 2.0, 0.1])):
    """writing elements and slices of local arrays"""
    y = np.zeros(6)
    for i in range(4):
        y[i] = x[i] * x[i]
        y[i + 1 :] += x[i]
    return np.sum(y * y)


@program("Arrays")
def _(x=np.array([0.5, -1.0, 2.0, 0.1])):
    """writing through views"""
    y = np.zeros((2, 2))
    row = y[0]
    row[:] = x[:2]
    return np.sum(y * y)


@program("Arrays")
def _(x=np.array([0.5, -1.0, 2.0, 0.1])):
    """sorting in place"""
    y = x * x
    y.sort()
    return np.sum(y * np.arange(4.0))


@program("Containers")
def _(x=(0.7, 0.2)):
    """tuples and lists of parameters"""
    a, b = x
    return a * b + x[0] ** 2


@program("Containers")
def _(x={"W": np.array([0.5, 2.0]), "b": 0.1}):
    """dicts of parameters"""
    return np.sum(x["W"] ** 2) * x["b"]


@program("Containers")
def _(x=0.7):
    """`list.append`"""
    items = []
    for i in range(3):
        items.append(x * i)
    return items[1] * items[2] + len(items)


@program("Containers")
def _(x=0.7):
    """every method of lists, dicts, tuples and sets of constants"""
    items = [x, 2 * x]
    items.insert(0, items.pop() * x)
    table = {"a": items[0], 2: x} | dict(b=x)
    table.update(c=table.pop("a"))
    return sum(v * len(k) for k, v in table.items() if isinstance(k, str)) + (x, "s").index("s") + len({1, 2})


@program("Containers")
def _(x=0.7):
    """dicts with keys known at run time"""
    memo = {0: x, 1: x * x}
    for k in range(2, 6):
        memo[k] = memo[k - 1] * x + memo.get(k - 2, 0.0)
    return memo[5] * memo[3]


@program("Containers")
def _(x=np.array([0.5, -1.0, 2.0])):
    """lists of lists that grow"""
    rows = []
    for v in x:
        row = []
        for w in x:
            row.append(v * w)
        rows.append(row)
    return rows[0][1] * rows[2][2] + np.sum(np.array(rows[1]))


@program("Containers")
def _(x={"w": 0.7, "log": [1.0]}):
    """writes into a container of the caller's"""
    w = x["w"]
    x["w"] = w * 2
    x["log"].append(w)
    total = x["w"] * x["log"][-1]
    x["w"] = w
    x["log"].pop()
    return total


@program("Containers")
def _(x=np.array([0.5, -1.0, 2.0])):
    """writes into an item of a list that grew"""
    rows = [[0.0] * 3 for _ in range(3)]
    for i in range(3):
        for j in range(3):
            rows[i][j] = x[i] * x[j]
    return rows[0][1] * rows[2][2]


@program("Containers")
def _(x=np.array([0.5, -1.0, 2.0])):
    """tables that begin as `[None] * n`"""
    table = [None] * len(x)
    for i in range(len(x)):
        table[i] = [x[i], 1.0]
    for i in range(1, len(x)):
        table[i][1] += table[i - 1][0] * x[i]
    return sum(row[1] ** 2 for row in table)


@program("Containers")
def _(x=np.array([0.5, -1.0, 2.0])):
    """slices of lists that a loop runs over and writes into"""
    rows = [[v, v * v] for v in x]
    for a, b in zip(rows, rows[1:]):  # noqa: B905
        b[0] += a[0] * b[1]
    return sum(row[0] for row in rows)


@program("Containers")
def _(x=Pair(0.7, 0.2)):
    """named tuples"""
    return x.a * x._replace(a=2 * x.b).a + Pair(*x).b


@program("Containers")
def _(x=0.7):
    """dataclasses"""
    p = replace(Point(x, 2.0), y=x * x)
    return p.x * p.y


@program("Containers")
def _(x=0.7):
    """objects that are called"""
    return MODEL(x) + x


@program("Containers")
def _(x=np.array([0.5, 1.0, 2.0])):
    """deques"""
    window, total = deque(maxlen=2), 0.0
    for v in x:
        window.append(v)
        total += sum(window) ** 2
    return total


@program("Containers")
def _(x=np.array([0.5, 1.2, 2.0])):
    """sets of what is known when the program runs"""
    seen, total = set(), 0.0
    for v in x:
        if int(v) not in seen:
            seen.add(int(v))
            total += v**2
    return total * len(seen)


@program("Containers")
def _(x=np.array([0.5, 1.0, 2.0])):
    """`heapq`"""
    queue = [(v * v, k) for k, v in enumerate(x)]
    heapq.heapify(queue)
    first, k = heapq.heappop(queue)
    heapq.heappush(queue, (first + x[k], k))
    return heapq.heappop(queue)[0] * first


@program("Objects")
def _(x=np.array([0.5, 1.0, 2.0])):
    """objects in lists and dicts of run-time length, read and written there"""
    models = [Model(v) for v in x]
    for model in models:
        model.slope = model.slope * 2
    return sum(model(model.slope) for model in models)


@program("Objects")
def _(x=[Point(0.5, 1.0), Point(-0.3, 2.0), Point(0.9, 0.4)]):
    """lists of them as arguments, of any length"""
    total = 0.0
    for i in range(len(x)):
        for j in range(i):
            total += (x[i].x - x[j].x) ** 2 * x[j].y
    return total


@program("Objects")
def _(x=np.array([0.5, 2.0, 1.0])):
    """objects that may be None"""
    best = None
    for v in x:
        model = Model(v)
        if best is None or model.slope > best.slope:
            best = model
    return best(best.slope)


@program("Objects")
def _(x=np.array([0.5, 1.0, 2.0])):
    """objects of several classes in one place"""
    models = [Model(v) if v < 1 else Counted(v) for v in x]
    return sum(model(model.slope) for model in models)


class Counted(Model):
    """A model that counts its calls."""

    gain = 2.0

    def __init__(self, slope):
        super().__init__(slope)
        self.calls = 0

    @property
    def steep(self):
        return self.slope * self.gain

    def __add__(self, other):
        return Counted(self.slope + other)

    def counted(self, x):
        self.calls += 1
        return self.steep * x


@program("Objects")
def _(x=0.7):
    """methods, properties, class attributes, inheritance, `super()`, operators"""
    model = Counted(x) + x
    return model.counted(x) + model.counted(2 * x) * model.calls


COUNTED = Counted(3.0)


@program("Objects")
def _(x=0.7):
    """reading and writing the attributes of an object of the caller's"""
    COUNTED.slope = 3.0
    total = COUNTED.counted(x)
    COUNTED.slope = COUNTED.slope * x
    return total * COUNTED.steep


@program("Control flow")
def _(x=0.7):
    """`raise` caught where it stands"""
    try:
        if x < 1.0:
            raise ValueError("small")
        return x
    except ValueError:
        return x * x


@program("Control flow")
def _(x=np.array([0.5, 0.7])):
    """generators and `itertools`"""
    return sum(v * w for v, w in itertools.product(x, x))


@program("Functions")
def _(x=0.7):
    """functions chosen at run time"""
    total = 0.0
    for k in range(2):
        total += [math.sin, math.cos][k](x)
    return total


@program("Functions")
def _(x=0.7):
    """decorated functions"""

    @functools.lru_cache
    def square(t):
        return t * t

    return square(x)
