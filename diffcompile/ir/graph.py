"""The program as data: structured SSA on one page.

    graph f(x):                                  def f(x):
      y.1 = np.sin(x)                                y = np.sin(x)
      y.2 = for i in range(3), carrying y = y.1:     for i in range(3):
        y.3 = y * x                                      y = y * x
        yield y.3
      yield y.2                                      return y

Values are what the program computes, written once. Every value is a *value*: an instruction that changes an
array or a list is a `Store`, whose result is the next version of it. Which names share memory is decided by
the frontend, before the graph exists; which stores run in place is decided by the emitter, after the last
pass. Control flow is an instruction that owns regions. The operation of a call is the Python callable it
stands for.
"""

from __future__ import annotations

import dataclasses
import operator
from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from ..errors import NOWHERE, Span
from .types import UNKNOWN, Type, element_of, type_of_constant


@dataclass(frozen=True, slots=True, eq=False)
class Value:
    """One SSA value: written once, by an instruction or as a region's parameter.

    `named` values carry the name that the user gave them; the others have a noun to fall back on.
    """

    name: str
    type: Type = UNKNOWN
    named: bool = False


class Unbound:
    """The content of a name that has none yet; emitted as no assignment at all."""

    def __repr__(self) -> str:
        return "UNBOUND"


UNBOUND = Unbound()


@dataclass(frozen=True, slots=True, eq=False)
class Const:
    """A constant: a number, a string, a slice, a dtype, a function. `spelling`: how to write it (`np.pi`)."""

    value: Any
    spelling: str = ""

    @property
    def type(self) -> Type:
        return Type("unbound") if self.value is UNBOUND else type_of_constant(self.value)


Atom = Value | Const


@dataclass(frozen=True, slots=True, eq=False)
class Region:
    """Values in, instructions, values out. Regions nest: that is all the control flow there is."""

    params: tuple[Value, ...]
    body: tuple[Instr, ...]
    results: tuple[Atom, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Call:
    """`outs = fn(*args, **kwargs)`. The operation is the callable: `np.sin`, `operator.matmul`, a `Function`.

    A call of a `Function` with the keyword `snapshots` saves nothing: its adjoint runs it again, from the
    arguments. If that is a number, the first argument holds turns of a loop, which are run again from at most
    so many states.
    """

    outs: tuple[Value, ...]
    fn: Any
    args: tuple[Atom, ...]
    kwargs: tuple[tuple[str, Atom], ...] = ()
    line: Span = NOWHERE


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the way from an object to the part of it that is written: `fn(object, *args, **kwargs)`.

    `operator.getitem` with an index, `np.ndarray.T`, `np.reshape`: the result sees the object's memory.
    """

    fn: Any
    args: tuple[Atom, ...] = ()
    kwargs: tuple[tuple[str, Atom], ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Store:
    """`outs[0]` is `target` as it is after `fn(part, *args)`; a second out is what that call returned.

    The `part` is what `path` leads to: `target` itself if it has no steps, `target[1:-1]`, `target.T[0]`.
    A `visible` store changes memory of the function's caller: it runs, in place, even if nothing reads it.

    `fn` is a Python callable that changes its first argument: `operator.setitem`, `np.add.at`, `list.append`.
    """

    outs: tuple[Value, ...]
    fn: Any
    target: Atom
    args: tuple[Atom, ...]
    kwargs: tuple[tuple[str, Atom], ...] = ()
    line: Span = NOWHERE
    visible: bool = False
    path: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class If:
    """`outs`: the results of the region that ran. An `expression` was one in the source: `a if c else b`."""

    outs: tuple[Value, ...]
    test: Atom
    then: Region
    orelse: Region
    line: Span = NOWHERE
    key: object = None
    expression: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class For:
    """Fold `body` over `items`, which are iterated in lockstep until the shortest ends.

    The body takes (one per item, *carried) and yields (*carried, leave, *saves). `leave` is the constant
    False, or a bool: True ends the loop after this turn. `outs` are the carried values after the last turn,
    then one list per save with that value of every turn that ran, in order. `backwards` iterates the items
    last first. A loop with `snapshots` is checkpointed: its adjoint runs it again, from that many states at
    most, or from one every sqrt(n) turns if that is None.
    """

    outs: tuple[Value, ...]
    items: tuple[Atom, ...]
    init: tuple[Atom, ...]
    body: Region
    saves: int = 0
    backwards: bool = False
    line: Span = NOWHERE
    key: object = None
    snapshots: Atom | None = None
    strict: bool = False  # do the items end all at once?


@dataclass(frozen=True, slots=True, eq=False)
class While:
    """As `For`, but a turn runs while `cond` (over the carried values) yields True.

    `cond` yields the test; the body takes the carried values and yields (*carried, leave, *saves).
    """

    outs: tuple[Value, ...]
    init: tuple[Atom, ...]
    cond: Region
    body: Region
    saves: int = 0
    line: Span = NOWHERE
    key: object = None


@dataclass(frozen=True, slots=True, eq=False)
class Try:
    """Run `body`, inside `with manager:` if there is one; an exception of one of `classes` is caught.

    `outs` are the results of the body, then `error`: None, or the exception caught. If one was caught, the
    other outs are `otherwise`. With a manager the body takes what entering it returned; a `silent` one only
    changes how floating-point errors are handled (`np.errstate`).
    """

    outs: tuple[Value, ...]
    body: Region
    otherwise: tuple[Atom, ...] = ()
    classes: tuple[type[BaseException], ...] = ()
    manager: Atom = Const(None)
    silent: bool = False
    line: Span = NOWHERE
    key: object = None

    @property
    def error(self) -> Value:
        return self.outs[-1]


@dataclass(frozen=True, slots=True)
class Mirror:
    """The key of the instruction that is the adjoint of the one keyed `of`."""

    of: object


@dataclass(frozen=True, slots=True)
class Turns:
    """The numbers of the turns that the loop keyed `of` ran: 0, 1, ... (`flipped`: as many, last first)."""

    of: object
    flipped: bool = False


# `key` ties an adjoint instruction to the one it is the adjoint of, from the reverse sweep until
# `analysis/residuals.py` has decided what the forward one saves.

Instr = Call | Store | If | For | While | Try


@dataclass(frozen=True, slots=True)
class Capture:
    """A number or an array that a function reads from its globals or its closure, by name."""

    name: str
    scope: Any = field(hash=False, compare=False)  # the globals dict, the closure cell, or the class
    label: str = ""  # what the parameter is called that it becomes

    def read(self) -> Any:
        if isinstance(self.scope, dict):
            return self.scope[self.name]
        return getattr(self.scope, self.name if isinstance(self.scope, type) else "cell_contents")


@dataclass(frozen=True, slots=True)
class Method:
    """The operation of calling a method by name on an object that is not an array: `rng.normal(...)`."""

    name: str

    def __call__(self, receiver: Any, /, *args: Any, **kwargs: Any) -> Any:
        return getattr(receiver, self.name)(*args, **kwargs)


@dataclass(frozen=True, slots=True)
class Inside:
    """The operation of changing a part of the caller's own list or dict: `rows[i][j] = v`.

    Its arguments are the list, the index or key of each step, by which `reads` reads, and those of `fn`. The
    part is found when it is changed: what was read of the caller's before may be another one by then.
    """

    fn: Any
    reads: tuple[Any, ...]

    @property
    def name(self) -> str:
        return "inside"

    def __call__(self, whole: Any, /, *args: Any) -> None:
        for read, at in zip(self.reads, args, strict=False):
            whole = read(whole, at)
        self.fn(whole, *args[len(self.reads) :])


def exchange(items: Any, *places: Any) -> None:
    """The operation of `items[i], items[j] = items[j], items[i]`: where to, then where from."""
    count = len(places) // 2
    moved = [items[at] for at in places[count:]]
    for at, item in zip(places[:count], moved, strict=True):
        items[at] = item


@dataclass(frozen=True, slots=True)
class Into:
    """The operation of a store of a function's result: `np.multiply(x, y, out=target, where=mask)`."""

    fn: Any

    def __call__(self, target: Any, /, *args: Any, **kwargs: Any) -> Any:
        return self.fn(*args, out=target, **kwargs)


@dataclass(frozen=True, slots=True, eq=False)
class Hook:
    """The operation of `with cotangent_of(x) as x_bar: ...`: x itself, the first argument.

    The adjoint runs `body`, which takes the cotangent of the result, yields that of x, and reads `given`: in
    their places it has the other arguments of the call.
    """

    body: Region
    given: tuple[Value, ...]

    @property
    def name(self) -> str:
        return "cotangent_of"

    def __call__(self, x: Any, /, *given: Any) -> Any:
        return x


@dataclass(frozen=True, slots=True, eq=False)
class Graph:
    """A function: parameters, a region, and what its source said about itself.

    The region's parameters are the function's own, then one per capture (a global or closure number or array,
    read live at every call). `writes` holds pairs (parameter, result): the function changes that parameter's
    memory, and that result is what it is afterwards; a call does not hand it back. `sees` holds pairs in
    which the result may be the parameter's memory.
    """

    name: str
    region: Region
    line: Span = NOWHERE
    captures: tuple[Capture, ...] = ()
    writes: Pairs = ()
    sees: Pairs = ()
    doc: str = ""
    origin: Any = field(default=None)

    @property
    def params(self) -> tuple[Value, ...]:
        return self.region.params

    def __repr__(self) -> str:
        return f"<graph {self.name}({', '.join(p.name for p in self.params)})>"


class Function:
    """A user function called by a graph: shared by its call sites, so that recursion can refer to it.

    `graph` is None while the function itself is being lowered. `writes` and `sees` are those of the graph. A
    forward function `keeps` what the backward one reads: its last result.
    """

    __slots__ = ("derived", "fn", "graph", "keeps", "name", "result", "sees", "writes")

    def __init__(
        self, name: str, fn: Any, result: Type = UNKNOWN, writes: Pairs = (), sees: Pairs = ()
    ) -> None:
        self.name = name
        self.fn = fn
        self.result = result
        self.writes = writes
        self.sees = sees
        self.keeps = False
        self.graph: Graph | None = None
        # By which arguments are active and which results seeded: its derivatives.
        self.derived: dict[Any, Any] = {}


Pairs = tuple[tuple[int, int], ...]


def pack_tuple(*items: Any) -> tuple[Any, ...]:
    """The operation of a tuple display `(a, b)`."""
    return items


def unpack(items: Any, count: int) -> tuple[Any, ...]:
    """The operation of `a, b = items`: `count` values, or ValueError as Python raises it."""
    values = tuple(items)
    if len(values) != count:
        raise ValueError(f"expected {count} values to unpack, got {len(values)}")
    return values


def pack_list(*items: Any) -> list[Any]:
    """The operation of a list display `[a, b]`."""
    return list(items)


def pack_dict(keys: tuple[Any, ...], *items: Any) -> dict[Any, Any]:
    """The operation of a dict display `{"a": x, "b": y}`."""
    return dict(zip(keys, items, strict=True))


def pack_object(of: Any, names: tuple[str, ...], *items: Any) -> Any:
    """The operation that makes an object with these attributes: nothing else is done by it.

    It is one of the class `of`, or of that of `of`, an object of the caller's that is known to have them.
    """
    cls = of if isinstance(of, type) else type(of)
    if is_keyworded(cls):
        return cls(**dict(zip(names, items, strict=True)))
    made: Any = object.__new__(cls)
    for name, item in zip(names, items, strict=True):
        object.__setattr__(made, name, item)
    return made


def maker_of(cls: type) -> type:
    """The class of which an object is made: one of several classes, known by a number, is of none of them."""
    return SimpleNamespace if hasattr(cls, "members") else cls


def is_keyworded(cls: type) -> bool:
    """Does `cls(name=item, ...)` make an object with these attributes, and do nothing else?"""
    if issubclass(cls, tuple) or cls is SimpleNamespace:
        return True
    code = getattr(cls.__init__, "__code__", None)
    written = code is not None and code.co_filename == "<string>"  # by `dataclass`
    return dataclasses.is_dataclass(cls) and written and not hasattr(cls, "__post_init__")


def items_of_list(items: list[Any]) -> list[Any]:
    """The operation of running over a list of the caller's whose items are all of one form."""
    return items


def pack_slice(start: Any, stop: Any, step: Any = None) -> slice:
    """The operation of `start:stop:step` inside an index."""
    return slice(start, stop, step)


def pack_function(function: Any, *captured: Any) -> Callable[..., Any]:
    """The operation of `lambda x: f(x, a)`: a function whose last arguments are given."""
    return lambda *args: function(*args, *captured)


def literal(value: Any) -> Any:
    """The operation of `dt = 0.1`: a constant that the user gave a name."""
    return value


def backward_begins() -> None:
    """The operation that separates the forward pass from the backward pass in a program that holds both."""


def replay_begins() -> None:
    """The operation after which, up to `replay_ends`, nothing is saved: its adjoint runs it again."""


def replay_ends() -> None:
    """The operation that ends what `replay_begins` begins."""


def raise_error(error: Any, *cause: Any) -> None:
    """The operation of `raise error` and of `raise error from cause`."""
    if cause:
        raise error from cause[0]
    raise error


def write_outside(owner: Any, name: str, value: Any) -> None:
    """The operation of assigning a name declared `global`: an attribute of its module."""
    setattr(owner, name, value)


def format_string(parts: tuple[Any, ...], *values: Any) -> str:
    """The operation of an f-string: `parts` holds its texts and, for each value, `(conversion, spec)`."""
    rest = iter(values)
    texts = []
    for part in parts:
        if isinstance(part, str):
            texts.append(part)
        else:
            conversion, spec = part
            value = next(rest)
            shows: dict[str | None, Callable[[Any], Any]] = {"r": repr, "s": str, "a": ascii}
            texts.append(format(shows[conversion](value) if conversion in shows else value, spec))
    return "".join(texts)


PACKS: frozenset[Callable[..., Any]] = frozenset(
    {pack_tuple, pack_list, pack_dict, pack_slice, pack_object, pack_function, items_of_list}
)


def part_type(known: Type, path: tuple[Step, ...]) -> Type:
    """What is known of the part of an object that a path leads to."""
    for step in path:
        if known.is_record and step.fn is getattr and isinstance(step.args[0], Const):
            known = known.attribute(step.args[0].value)
        elif known.kind not in ("list", "dict") or step.fn is not operator.getitem:
            return Type("array") if known.kind == "array" else Type()
        elif isinstance(step.args[0], Const):
            known = known.at(step.args[0].value)
        else:
            known = element_of(known)
    return known
