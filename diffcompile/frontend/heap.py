"""Names, locations and views: what a name is bound to while a function is lowered, and what a write changes.

A name is bound to a *reference*. Immutable values are their own reference (an `Atom`). An array or a list
lives in a `Cell`, whose current version is in the state's heap; a view is a recipe over another reference and
is read again when its base has changed. So `b = a; b[0] = 1` changes what `a` reads, and the graph itself has
values only.
"""

from __future__ import annotations

import ast
import operator
import weakref
from dataclasses import dataclass, field
from typing import Any

from ..errors import Span
from ..ir.graph import UNBOUND, Atom, Const, Step, Value
from ..ir.types import Type

ITEM = "an item of a list is written here"


class Cell:
    """A location: one mutable object, told apart by identity.

    `shares` are other cells, made before it, that may be the same object (a loop's buffer that began as
    another name's array); writing to a cell whose sharer is still in use is refused, since which names change
    cannot be decided.
    """

    __slots__ = (
        "apart", "factory", "gathers", "holds", "live", "mirror", "name", "outside", "param", "pick", "seen",
        "shares",
    )  # fmt: skip

    def __init__(self, name: str = "", outside: str = "", param: bool = False) -> None:
        self.name = name
        self.shares: set[Cell] = set()
        self.holds: set[Cell] = set()  # those of `shares` that are not this object but items of it
        self.outside = outside  # why the object must not be written, if it must not
        self.param = param  # is it the caller's?
        self.pick: Pick | None = None  # which of two objects it is, where that is known at run time
        self.live: Any = None  # of the caller's objects: where its attributes are found
        self.mirror: Atom | None = None  # the caller's own list or dict, where a copy of it is worked on
        # Of a list or dict that is one value of the graph: may its items be written through it, since they
        # are objects of their own that nothing else refers to? Once that has been given up it stays so.
        self.apart: bool | None = None
        self.seen: Value | None = None  # the value whose attributes an object shows, which is not written
        self.gathers: set[Cell] = set()  # the lists of whose items each is put into this one once at most
        self.factory: tuple[type, Ref] | None = None  # of a dict: what makes the entries that it lacks

    def may_hold(self, cells: set[Cell]) -> None:
        """The objects in these cells, or items of theirs, may be items of this one."""
        more = cells - self.shares - {self}
        self.shares |= more
        self.holds |= more


@dataclass(frozen=True, slots=True, eq=False)
class Pick:
    """An object that is `then` if `test` is true at run time, and `orelse` if it is not."""

    test: Value
    then: Obj | View
    orelse: Obj | View

    @property
    def roots(self) -> tuple[Cell, Cell]:
        """The cells of the two objects."""
        return _root(self.then), _root(self.orelse)

    @property
    def within(self) -> set[Cell]:
        """The cells of all objects that it may be, where either is picked out of two in its turn."""
        found: set[Cell] = set()
        for root in self.roots:
            found |= {root} | (set() if root.pick is None else root.pick.within)
        return found


def _root(ref: Obj | View) -> Cell:
    return ref.root.cell if isinstance(ref, View) else ref.cell


def around(cells: set[Cell]) -> set[Cell]:
    """These cells, and those that they were made of."""
    return cells.union(*(c.shares for c in cells))


def related(some: set[Cell], others: set[Cell]) -> bool:
    """May one of these objects be one of the others?"""
    return not (around(some).isdisjoint(others) and around(others).isdisjoint(some))


@dataclass(frozen=True, slots=True, eq=False)
class Obj:
    """A reference to the object in a cell."""

    cell: Cell


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """`fn(base, *args)` of a base that may still change: a slice, a transpose.

    Where it is not `sure` that the result sees the base (a reshape of memory of unknown layout), a write to
    either is refused while the other is in use.
    """

    base: Obj | View
    fn: Any
    args: tuple[Atom, ...]
    kwargs: tuple[tuple[str, Atom], ...]
    type: Type
    name: str
    cache: list[tuple[Atom, Atom]] = field(default_factory=list)
    sure: bool = True

    @property
    def root(self) -> Obj:
        """The array whose memory is seen."""
        base = self.base
        while isinstance(base, View):
            base = base.base
        return base

    @property
    def path(self) -> tuple[Step, ...]:
        """The steps that lead from the root to this view."""
        before = self.base.path if isinstance(self.base, View) else ()
        return (*before, Step(self.fn, self.args, self.kwargs))


def place_in(view: View, of_array: bool) -> tuple[Cell, tuple[Any, ...], tuple[Atom, ...]] | None:
    """Where an item of an array or of a list of its own is: of what, how each step reads, the numbers."""
    path, root = view.path, view.root.cell
    known = all(s.fn in (operator.getitem, getattr) and not _is_slice(s.args[0]) for s in path)
    if not (root.apart or of_array) or not known or view.type.kind == "unknown":
        return None
    return root, tuple(step.fn for step in path), tuple(step.args[0] for step in path)


def _is_slice(at: Atom) -> bool:
    return at.type.kind == "object" or isinstance(at, Const) and not isinstance(at.value, (int, str))


def at_place(root: Cell, reads: tuple[Any, ...], at: tuple[Atom, ...], known: Type, name: str) -> Obj | View:
    """The item at such a place."""
    found: Obj | View = Obj(root)
    for read, index in zip(reads, at, strict=True):
        found = View(found, read, (index,), (), known, name)
    return found


@dataclass(frozen=True, slots=True, eq=False)
class Tup:
    """A tuple, or a named tuple of class `cls`, whose items are known one by one.

    `lists`: the lists and dicts that it only runs over (`reversed`, `zip`, `d.items()`) and that may change
    meanwhile, with what they held when it was made.
    """

    items: tuple[Ref, ...]
    cls: type = tuple
    lists: tuple[tuple[Cell, Content], ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Items:
    """The content of a list's or set's cell while its items are known one by one.

    `handle` is the object itself where the function's caller can see it: each change is made there too.
    """

    items: tuple[Ref, ...]
    handle: Atom | None = None
    cls: type = list


@dataclass(frozen=True, slots=True, eq=False)
class Entries:
    """The content of a dict's cell, whose keys are constants, or of an object's: `cls` is its class.

    `factory` makes the missing entries of a `defaultdict`.
    """

    entries: tuple[tuple[Any, Ref], ...]
    handle: Atom | None = None
    cls: type = dict
    factory: Ref | None = None

    def get(self, key: Any) -> Ref | None:
        for k, ref in self.entries:
            if k == key and hash(k) == hash(key):
                return ref
        return None

    @property
    def refs(self) -> tuple[Ref, ...]:
        return tuple(r for _, r in self.entries)

    @property
    def keys(self) -> tuple[Any, ...]:
        return tuple(k for k, _ in self.entries)

    @property
    def is_dict(self) -> bool:
        return issubclass(self.cls, dict)


class Scope:
    """The names of one function activation; a nested function sees its parent's."""

    __slots__ = ("name", "outside", "parent")

    def __init__(self, name: str, parent: Scope | None = None, outside: Any = None) -> None:
        self.name = name
        self.parent = parent
        self.outside = outside  # the module, or the closure cell, whose names these are


@dataclass(frozen=True, slots=True, eq=False)
class Closure:
    """A function defined inside the one being lowered: its node, and the scope that it closes over."""

    node: ast.FunctionDef | ast.Lambda
    scope: Scope
    source: Any
    defaults: tuple[tuple[str, Ref], ...]
    globals: Any
    name: str = ""  # that a lambda was given


@dataclass(frozen=True, slots=True, eq=False)
class Bound:
    """A method or attribute function waiting for its call: `x.sum`, `items.append`.

    `fn` is the function of a class that it was found to be.
    """

    receiver: Ref
    name: str
    fn: Any = None


@dataclass(frozen=True, slots=True, eq=False)
class Super:
    """What `super()` gives: an object, seen from the class after `owner`."""

    receiver: Ref
    owner: type


@dataclass(frozen=True, slots=True, eq=False)
class Applied:
    """A `functools.partial` made here: a function and the first or named of its arguments."""

    fn: Ref
    args: tuple[Ref, ...]
    kwargs: tuple[tuple[str, Ref], ...]


@dataclass(frozen=True, slots=True, eq=False)
class Made:
    """An object whose methods are those of what made it, with its arguments behind theirs: `norm(m, s)`."""

    maker: Any
    args: tuple[Ref, ...]
    kwargs: tuple[tuple[str, Ref], ...]


@dataclass(frozen=True, slots=True, eq=False)
class Pullback:
    """In a rule: the pullback of a function of the user, at `atoms`, of which the first were `given`."""

    backward: Any
    saved: Atom
    atoms: tuple[Atom, ...]
    wanted: tuple[bool, ...]
    given: int


@dataclass(frozen=True, slots=True, eq=False)
class Derived:
    """A derivative of a function, made here: `grad(inner)`. Or, with `axes`, the function of many rows: those
    of the arguments that they lie along, and that of the results."""

    fn: Ref
    mode: str
    argnums: Any = 0
    has_aux: bool = False
    axes: tuple[Any, int] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Pulled:
    """The pullback that `vjp` gave: the function that runs back, what it reads, and the structures that it
    goes between. `returns` is that of the result, with a type in `seeds` for each leaf that has a cotangent,
    `shapes` those of the primals, with a cotangent for each of `wanted`."""

    name: str
    backward: Any
    saved: Atom
    returns: Any
    seeds: tuple[Type | None, ...]
    shapes: tuple[Any, ...]
    wanted: tuple[Value, ...]
    primals: tuple[Atom, ...] | None = None  # of `wanted`, where it goes the other way: from `linearize`


@dataclass(frozen=True, slots=True, eq=False)
class Sequence:
    """What a `for` can run over in lockstep: `zip`, `enumerate`, `reversed`, `range`, a container.

    `items` are graph atoms; `shape` says how the loop's target is built from the item values.
    """

    items: tuple[Atom, ...]
    shape: Any
    backwards: bool = False
    refs: tuple[Ref, ...] | None = None  # the items one by one, where they are known and the loop is unrolled
    cells: frozenset[Cell] = frozenset()  # the objects that are run over
    sources: tuple[Ref | None, ...] = ()  # the arrays that the items are parts of
    indexed: bool = False  # are the items the numbers of those parts, since they are written?
    places: tuple[tuple[Atom, int] | None, ...] = ()  # of slices of such lists: the first place, the step
    layout: Any = None  # of the items of a list of the caller's that are all of one form
    snapshots: Atom | None = None  # of a checkpointed loop: how many states may be kept
    known: tuple[Ref, ...] | None = None  # the items one by one, where the loop may be unrolled
    lists: tuple[tuple[Cell, Content], ...] = ()  # what is run over, and what it held when that was said


@dataclass(frozen=True, slots=True, eq=False)
class Generated:
    """A generator that nothing has run over yet: its function's source and scope, and its arguments.

    `cell` holds whether it was run over. `depth`: in how many loops it was made. `count`: where it is
    enumerated, the first number. `managing`: is it what `contextmanager` makes a manager of?
    """

    source: Any
    scope: Scope | None
    named: tuple[tuple[str, Ref], ...]
    cell: Cell
    depth: int
    count: Ref | None = None
    managing: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Choice:
    """One of several functions: the one whose key is `at`, which is known at run time."""

    at: Atom
    options: tuple[tuple[Any, Ref], ...]
    error: type[Exception] | None = None  # raised where `at` is none of the keys


@dataclass(frozen=True, slots=True, eq=False)
class Conflict:
    """A name that is bound to different kinds of things on different paths; reading it is refused."""

    reason: str
    span: Span | None = None


Waiting = Closure | Bound | Applied | Super | Choice | Derived | Pulled  # to be called
Ref = Atom | Obj | View | Tup | Waiting | Made | Pullback | Sequence | Generated | Conflict
Content = Atom | Items | Entries


def parts_of(ref: Ref | Content | None) -> tuple[Ref, ...]:
    """The parts of a tuple, a list, a dict or an object that are known one by one."""
    if isinstance(ref, (Tup, Items)):
        return ref.items
    return ref.refs if isinstance(ref, Entries) else ()


UNBOUND_REF = Const(UNBOUND)


def shown(name: str) -> str:
    """What a value is called that a name of ours, such as `$leave` or `$caught:3:8`, holds."""
    return name.lstrip("$").partition(":")[0] if name.startswith("$") else name


def at_name(label: str) -> str:
    """The name of the number by which an item is known."""
    return label if label.startswith("$") else f"{label}_at"


class State:
    """What every name and every cell holds at one point of the program; branches copy it."""

    __slots__ = ("vars", "heap", "kept", "done", "dead", "all", "__weakref__")

    def __init__(self, all: weakref.WeakSet[State] | None = None) -> None:
        # Every state of the lowering, so that what was there at entry can be added to each.
        self.all = weakref.WeakSet() if all is None else all
        self.all.add(self)
        self.vars: dict[tuple[Scope, str], Ref] = {}
        self.heap: dict[Cell, Content] = {}
        # Objects that are items of a list or dict too, and how they are seen there: neither was written
        # since.
        self.kept: dict[Cell, View] = {}
        self.done: Atom = Const(False)  # has this path left the statements that follow?
        self.dead = False  # raised: nothing follows on this path

    def copy(self) -> State:
        other = State(self.all)
        other.vars = dict(self.vars)
        other.heap = dict(self.heap)
        other.kept = dict(self.kept)
        other.done = self.done
        other.dead = self.dead
        return other

    def new(self, content: Content, name: str = "") -> Obj:
        cell = Cell(name)
        self.heap[cell] = content
        return Obj(cell)
