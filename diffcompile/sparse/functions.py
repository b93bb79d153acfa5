"""What the result of a function depends on: from the shadows of its arguments to that of what it returned.

    np.sin(x)            as x does, element by element
    x[1:] - x[:-1]       on both, in the same place
    np.reshape(x, ...)   the same numbers in other places: the function itself is called on their nodes
    np.sum(x, axis=0)    on all along the axis
    A @ x                on x where A is not zero, if A is no result of the arguments

What is not known here (`everything`) depends on all that was given, in every place, which is never too
little.
"""

from __future__ import annotations

import builtins
import math
import operator
import statistics
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..ir.graph import (
    items_of_list,
    literal,
    pack_dict,
    pack_list,
    pack_object,
    pack_tuple,
    unpack,
)
from ..ir.text import function_name
from ..rules.broadcast import broadcast_like, of_form, rebroadcast, unbroadcast
from ..rules.containers import entry, sum_of, values_of, with_attributes, with_keys
from ..rules.register import REGISTRY, of_others
from .dependencies import NUMBER, Dependencies, Nodes
from .shadows import Attributes, Shadow, Whole, filled, mirrored, nodes_in, nodes_of, settled

LARGEST = 20_000_000  # products of a matrix that are looked at one by one


@dataclass(frozen=True, slots=True)
class Applied:
    """A call that has run: what it returned, what it was given, the shadows of that, and which of its
    arguments are the same wherever the function is differentiated."""

    deps: Dependencies
    fn: Any
    out: Any
    args: tuple[Any, ...]
    shadows: tuple[Shadow, ...]
    kwargs: dict[str, Any]
    named: dict[str, Shadow]
    fixed: tuple[bool, ...]

    def nodes(self, k: int) -> Nodes:
        return nodes_of(self.args[k], self.shadows[k])

    def option(self, position: int, name: str, default: Any = None) -> Any:
        """An argument that may be given by position or by name."""
        if name in self.kwargs:
            return self.kwargs[name]
        return self.args[position] if position < len(self.args) else default

    def others(self, *positions: int) -> int:
        """The node of all that is given beside the arguments at these positions."""
        rest = [s for k, s in enumerate(self.shadows) if k not in positions]
        return self.deps.together(_gathered([*rest, *self.named.values()]))


Handler = Callable[[Applied], Shadow]


def _gathered(shadows: Sequence[Shadow]) -> Nodes:
    pieces = [piece for shadow in shadows for piece in nodes_in(shadow)]
    return np.concatenate(pieces) if pieces else np.zeros(0, NUMBER)


def everything(c: Applied) -> Shadow:
    """Each number of the result depends on all that was given."""
    return filled(c.out, c.others())


# -- element by element ------------------------------------------------------------------------------------

_PRODUCTS = (operator.mul, np.multiply, operator.imul)


def elementwise(c: Applied) -> Shadow:
    """Each number of the result depends on what stands in its place in each argument."""
    if any(hasattr(a, "tocoo") for a in c.args):  # a product with a sparse matrix may be that of matrices
        return everything(c)
    if isinstance(c.out, list):  # `items + more`, `items * 2`
        return moved(c) if c.fn in (operator.add, operator.mul, operator.iadd) else everything(c)
    if isinstance(c.out, tuple):
        if c.fn in (operator.add, operator.mul):
            return moved(c)
        return tuple(_joined(c, out) for out in c.out)
    return _joined(c, c.out)


def _joined(c: Applied, out: Any) -> Shadow:
    shape, found = np.shape(out), None
    for value, shadow in zip((*c.args, *c.kwargs.values()), (*c.shadows, *c.named.values()), strict=True):
        if shadow is not None:
            nodes = np.broadcast_to(nodes_of(value, shadow), shape)
            found = nodes.copy() if found is None else c.deps.joined(found, nodes)
    if found is not None and c.fn in _PRODUCTS and len(c.args) == 2:
        for value, shadow, fixed in zip(c.args, c.shadows, c.fixed, strict=True):
            if fixed and shadow is None:
                found[np.broadcast_to(np.asarray(value) == 0, shape)] = 0
    return None if found is None else settled(out, found)


def sign(c: Applied) -> Shadow:
    """`np.sign`: that of a real number does not move, that of a complex one is its direction."""
    return elementwise(c) if np.iscomplexobj(c.out) else None


def first_elementwise(c: Applied) -> Shadow:
    """As the first argument does; what else is given says of what form or how."""
    shape = np.shape(c.out)
    nodes, rest = c.nodes(0), c.others(0)
    nodes = nodes.reshape(shape) if nodes.size == np.size(c.out) else np.broadcast_to(nodes, shape)
    found = nodes.copy() if not rest else c.deps.joined(nodes, np.array(rest))
    return settled(c.out, found)


def form_of_second(c: Applied) -> Shadow:
    """As the first argument, broadcast to the form of the second."""
    return settled(c.out, np.broadcast_to(c.nodes(0), np.shape(c.out)).copy())


def evaluated(c: Applied) -> Shadow:
    """As the first argument element by element, and on all of the others."""
    nodes = np.broadcast_to(c.nodes(0), np.shape(c.out))
    return settled(c.out, c.deps.joined(nodes, np.array(c.others(0))))


def coefficients(c: Applied) -> Shadow:
    """As the second argument element by element, and on all of the others."""
    nodes = np.broadcast_to(c.nodes(1), np.shape(c.out))
    return settled(c.out, c.deps.joined(nodes, np.array(c.others(1))))


def chosen(c: Applied) -> Shadow:
    """As what is chosen from; as both where the choice depends on the arguments."""
    if len(c.args) != 3:
        return None
    a, b = c.nodes(1), c.nodes(2)
    if c.fixed[0]:
        return settled(c.out, np.where(c.args[0], a, b))
    shape = np.shape(c.out)
    return settled(c.out, c.deps.joined(np.broadcast_to(a, shape), np.broadcast_to(b, shape)))


def selected(c: Applied) -> Shadow:
    """`np.select(conditions, choices, default)`, `np.choose(which, choices)`: as all that is chosen from."""
    shape = np.shape(c.out)
    found = np.zeros(shape, NUMBER)
    many = c.args[1], c.shadows[1]
    if many[1] is not None and not isinstance(many[1], (list, tuple, np.ndarray)):
        return everything(c)
    parts = [] if many[1] is None else list(zip(*many, strict=True))
    default = c.option(2, "default", 0.0)
    shadow = c.shadows[2] if len(c.shadows) > 2 else c.named.get("default")
    for value, part in (*parts, (default, shadow)):
        found = c.deps.joined(found, np.broadcast_to(nodes_of(value, part), shape))
    return settled(c.out, found)


def padded(c: Applied) -> Shadow:
    """`np.pad`, with constants or with elements of the array."""
    mode = c.option(2, "mode", "constant")
    if mode not in ("constant", "edge", "wrap", "reflect", "symmetric", "empty") or c.others(0):
        return everything(c)
    options = {"reflect_type": c.kwargs["reflect_type"]} if "reflect_type" in c.kwargs else {}
    if options.get("reflect_type", "even") != "even":
        return everything(c)
    pad: Any = np.pad
    mode = "constant" if mode == "empty" else mode
    return settled(c.out, pad(c.nodes(0), c.option(1, "pad_width"), mode, **options))


# -- the same numbers in other places ----------------------------------------------------------------------


def mover(*data: int, names: tuple[str, ...] = ()) -> Handler:
    """A function that only moves the numbers of its arguments at these positions, or puts zeros between."""

    def handle(c: Applied) -> Shadow:
        beside = [s for k, s in enumerate(c.shadows) if k not in data]
        beside += [s for n, s in c.named.items() if n not in names]
        given = (*c.args[1:], *c.kwargs.values())
        if any(s is not None for s in beside) or any(isinstance(a, str) and a in "AK" for a in given):
            return everything(c)  # how the values are laid out in memory, the nodes may not be
        args = [
            mirrored(a, s) if k in data else a
            for k, (a, s) in enumerate(zip(c.args, c.shadows, strict=True))
        ]
        named = {
            n: mirrored(a, c.named[n]) if n in names else a for n, a in c.kwargs.items() if n not in _FORMS
        }
        found = settled(c.out, c.fn(*args, **named) if callable(c.fn) else c.fn.__get__(args[0]))
        return _apart(c.out, found, c.args, c.shadows)

    return handle


_FORMS = ("dtype", "like", "casting", "subok")
moved = mover(*range(64))
moved_first = mover(0, names=("a", "arr", "array", "m", "x"))


def _apart(out: Any, found: Shadow, args: tuple[Any, ...], shadows: tuple[Shadow, ...]) -> Shadow:
    """The shadow in memory of its own, unless the value is a view as well."""
    if not isinstance(out, np.ndarray):
        if isinstance(out, (list, tuple)):
            parts = [_apart(o, f, args, shadows) for o, f in zip(out, found, strict=True)]
            return parts if isinstance(out, list) else tuple(parts)
        return found
    if any(isinstance(a, np.ndarray) and np.may_share_memory(out, a) for a in args):
        return found
    return found.copy() if found.base is not None or any(found is s for s in shadows) else found


def copied(c: Applied) -> Shadow:
    """The numbers of the first argument, in the form of the result."""
    if any(s is not None for s in (*c.shadows[1:], *c.named.values())):
        return everything(c)
    return settled(c.out, c.nodes(0).reshape(np.shape(c.out)).copy())


def listed(c: Applied) -> Shadow:
    """A sequence made of another one."""
    if not c.args:
        return None
    shadow = c.shadows[0]
    if isinstance(shadow, np.ndarray):
        shadow = [item if item.ndim else int(item) or None for item in map(np.asarray, shadow)]
    if not isinstance(shadow, (list, tuple)) or len(shadow) != len(c.out):
        return everything(c)
    return list(shadow) if isinstance(c.out, list) else tuple(shadow)


def item(c: Applied) -> Shadow:
    """`x[index]`."""
    base, shadow, index = c.args[0], c.shadows[0], c.args[1]
    if c.shadows[1] is not None:
        return everything(c)
    if isinstance(shadow, np.ndarray):
        found = shadow[index]
        if found.shape != np.shape(c.out):
            return everything(c)
        if not isinstance(c.out, np.ndarray):
            return int(found) or None
        return _apart(c.out, found, c.args, c.shadows)
    if isinstance(shadow, (list, tuple)) and isinstance(base, (list, tuple)):
        return shadow[index]
    if isinstance(shadow, dict) and isinstance(base, dict):
        return shadow.get(index)
    return everything(c)


def attribute(c: Applied) -> Shadow:
    """`getattr(x, name)`."""
    shadow, name = c.shadows[0], c.args[1]
    if isinstance(shadow, Attributes):
        return shadow.get(name)
    if isinstance(shadow, tuple) and name in getattr(type(c.args[0]), "_fields", ()):
        return shadow[type(c.args[0])._fields.index(name)]
    return everything(c)


def transposed(c: Applied) -> Shadow:
    """`x.T`, and other properties of an array that are other views of it."""
    shadow = c.shadows[0]
    if not isinstance(shadow, np.ndarray):
        return everything(c)
    found = c.fn.__get__(shadow) if not callable(c.fn) else c.fn(shadow)
    return _apart(c.out, settled(c.out, found), c.args, c.shadows)


# -- along axes --------------------------------------------------------------------------------------------


def along(deps: Dependencies, nodes: Nodes, axes: tuple[int, ...]) -> Nodes:
    """The nodes of what depends on all along these axes, which are kept with length 1."""
    shape = tuple(1 if k in axes else n for k, n in enumerate(nodes.shape))
    if nodes.size == math.prod(shape):
        return nodes.copy()
    found = np.where(np.any(nodes > 0, axis=axes, keepdims=True), deps.fresh(shape), 0)
    used = np.broadcast_to(found, nodes.shape)[nodes > 0]
    deps.connect(used, nodes[nodes > 0])
    return found


def _axes(axis: Any, rank: int) -> tuple[int, ...]:
    if axis is None:
        return tuple(range(rank))
    many = axis if isinstance(axis, (tuple, list)) else (axis,)
    return tuple(operator.index(k) % rank for k in many)


def reduction(place: int, default: Any = None) -> Handler:
    """A function whose axes are the argument at this place: on all along them."""

    def handle(c: Applied) -> Shadow:
        if isinstance(c.args[0], (dict, set)) or not c.shadows or isinstance(c.shadows[0], Whole):
            return everything(c)
        nodes = c.nodes(0)
        axes = _axes(c.option(place, "axis", default), nodes.ndim) if nodes.ndim else ()
        found = along(c.deps, nodes, axes)
        shape = np.shape(c.out)
        if found.size == math.prod(shape):
            found = found.reshape(shape)
        else:  # several quantiles: one more axis in front
            kept = tuple(n for k, n in enumerate(found.shape) if k not in axes)
            found = np.broadcast_to(found.reshape(kept), shape).copy()
        rest = c.others(0)
        return settled(c.out, c.deps.joined(found, np.array(rest)) if rest else found)

    return handle


def whole_lanes(place: int, default: Any = -1) -> Handler:
    """As `reduction`, where the result keeps the axis: sorting, transforms."""

    def handle(c: Applied) -> Shadow:
        nodes = c.nodes(0)
        found = along(c.deps, nodes, _axes(c.option(place, "axis", default), nodes.ndim))
        rest = c.others(0)
        found = c.deps.joined(found, np.array(rest)) if rest else found
        shape = np.shape(c.out)
        if len(shape) != found.ndim:
            return everything(c)
        return settled(c.out, np.broadcast_to(found, shape).copy())

    return handle


def cumulative(place: int, default: Any = None) -> Handler:
    """Each number depends on those up to its own place."""

    def handle(c: Applied) -> Shadow:
        axis = c.option(place, "axis", default)
        nodes = c.nodes(0)
        nodes = nodes.ravel() if axis is None else nodes
        if nodes.shape != np.shape(c.out) or c.others(0):
            return everything(c)
        axis = 0 if axis is None else operator.index(axis) % nodes.ndim
        moved_in = np.moveaxis(nodes, axis, 0)
        found = np.where(np.logical_or.accumulate(moved_in > 0, axis=0), c.deps.fresh(moved_in.shape), 0)
        c.deps.connect(found, moved_in)
        c.deps.connect(found[1:], found[:-1])
        return settled(c.out, np.ascontiguousarray(np.moveaxis(found, 0, axis)))

    return handle


def differences(c: Applied) -> Shadow:
    """`np.diff`: each number depends on two neighbours, n times over."""
    if len(c.args) > 3 or {"prepend", "append"} & set(c.kwargs):
        return everything(c)
    nodes = c.nodes(0)
    axis = operator.index(c.option(2, "axis", -1)) % nodes.ndim
    nodes = np.moveaxis(nodes, axis, 0)
    for _ in range(c.option(1, "n", 1)):
        nodes = c.deps.joined(nodes[1:], nodes[:-1])
    return settled(c.out, np.ascontiguousarray(np.moveaxis(nodes, 0, axis)))


def gradient(c: Applied) -> Shadow:
    """`np.gradient` along one axis: each number depends on its neighbours, at the ends on two of them."""
    nodes = c.nodes(0)
    if not isinstance(c.out, np.ndarray) or nodes.ndim != 1 or len(nodes) < 3 or c.others(0):
        return everything(c)
    near = c.deps.joined(c.deps.joined(nodes[:-2], nodes[1:-1]), nodes[2:])
    return settled(c.out, np.concatenate([near[:1], near, near[-1:]]))


def summed(c: Applied) -> Shadow:
    """Python's `sum(items, start)`: the items stand one above the other."""
    shadow = c.shadows[0]
    if isinstance(shadow, np.ndarray):
        pieces = list(shadow)
    elif isinstance(shadow, (list, tuple)):
        pieces = [s for s in shadow if s is not None]
    else:
        return everything(c)
    if c.others(0) or not all(np.shape(p) in ((), np.shape(c.out)) for p in pieces):
        return everything(c)
    if not pieces:
        return None
    shape = np.shape(c.out)
    stacked = np.stack([np.broadcast_to(np.asarray(p, NUMBER), shape) for p in pieces])
    return settled(c.out, along(c.deps, stacked, (0,))[0])


# -- products ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Term:
    """One factor of a contraction: the labels of its axes; what is not zero of it, if that is fixed."""

    labels: tuple[int, ...]
    shape: tuple[int, ...]
    nodes: Nodes | None
    places: tuple[np.ndarray, ...] | None = None


def contracted(
    deps: Dependencies, terms: Sequence[Term], out: tuple[int, ...], sizes: dict[int, int]
) -> Nodes:
    """The nodes of a sum of products of terms over the labels that are not in `out`."""
    moving = [t for t in terms if t.nodes is not None]
    patterns = [t for t in terms if t.places is not None]
    if len(moving) == 1 and len(patterns) == 1:
        found = _through(deps, moving[0], patterns[0], out, sizes)
        if found is not None:
            return found
    shape = tuple(sizes[k] for k in out)
    result = np.zeros(shape, NUMBER)
    for term in moving:
        assert term.nodes is not None
        labels = tuple(dict.fromkeys(term.labels))
        nodes = np.einsum(term.nodes, term.labels, labels) if len(labels) < len(term.labels) else term.nodes
        gone = tuple(k for k, label in enumerate(labels) if label not in out)
        nodes = along(deps, nodes, gone) if gone else nodes
        nodes = nodes.reshape([n for k, n in enumerate(nodes.shape) if k not in gone])
        kept = [label for label in labels if label in out]
        order = sorted(range(len(kept)), key=lambda k: out.index(kept[k]))
        nodes = nodes.transpose(order)
        nodes = nodes.reshape([sizes[label] if label in kept else 1 for label in out])
        result = deps.joined(result, np.broadcast_to(nodes, shape))
    return result


def _through(
    deps: Dependencies, term: Term, pattern: Term, out: tuple[int, ...], sizes: dict[int, int]
) -> Nodes | None:
    """The same where one factor is fixed: along what is not zero of it alone."""
    assert term.nodes is not None and pattern.places is not None
    count = len(pattern.places[0]) if pattern.places else 0
    rest = [k for k in dict.fromkeys((*term.labels, *out)) if k not in pattern.labels]
    if not pattern.places or count * math.prod(sizes[k] for k in rest) > LARGEST:
        return None
    if any(len(set(t.labels)) < len(t.labels) for t in (term, pattern)):
        return None
    lengths = [sizes[k] for k in rest]
    grid = np.unravel_index(np.arange(math.prod(lengths)), lengths) if rest else ()
    shape = (count, math.prod(lengths))
    there = ((k, p[:, None]) for k, p in zip(pattern.labels, pattern.places, strict=True))
    position = {k: np.broadcast_to(p, shape) for k, p in (*there, *zip(rest, grid, strict=True))}
    starts = term.nodes[tuple(position[k] for k in term.labels)].ravel()
    form = tuple(sizes[k] for k in out)
    ends = np.zeros(starts.size, int)
    if out:
        ends = np.ravel_multi_index([position[k].ravel() for k in out], form)
    real = starts > 0
    ends, starts = ends[real], starts[real]
    reached = np.zeros(math.prod(form), bool)
    reached[ends] = True
    nodes = np.where(reached, deps.fresh(reached.shape), 0)
    deps.connect(nodes[ends], starts)
    return nodes.reshape(form)


def _term(c: Applied, k: int, labels: tuple[int, ...], batch: tuple[int, ...] = ()) -> Term:
    """The factor that argument `k` is; its axes in front are broadcast to `batch`."""
    value, shadow = c.args[k], c.shadows[k]
    if hasattr(value, "tocoo"):  # a sparse matrix
        coo = value.tocoo()
        stored = coo.data != 0
        return Term(labels, value.shape, None, (coo.row[stored], coo.col[stored]))
    core = np.shape(value)[np.ndim(value) - (len(labels) - len(batch)) :]
    shape = (*batch, *core)
    if shadow is not None:
        return Term(labels, shape, np.broadcast_to(nodes_of(value, shadow), shape))
    value = np.broadcast_to(np.asarray(value), shape)
    if not c.fixed[k] or np.count_nonzero(value) == value.size:
        return Term(labels, shape, None)
    return Term(labels, shape, None, np.nonzero(value))


def _product(c: Applied, terms: Sequence[Term], out: tuple[int, ...]) -> Shadow:
    sizes: dict[int, int] = {}
    for term in terms:
        for label, size in zip(term.labels, term.shape, strict=True):
            if sizes.setdefault(label, size) != size:
                return everything(c)
    return settled(c.out, contracted(c.deps, terms, out, sizes).reshape(np.shape(c.out)))


def _rank(value: Any) -> int:
    return value.ndim if hasattr(value, "ndim") else np.ndim(value)


def matmul(c: Applied) -> Shadow:
    """`a @ b`."""
    m, n = map(_rank, c.args[:2])
    if len(c.args) != 2 or not m or not n or any(isinstance(s, Whole) for s in c.shadows):
        return everything(c)
    if any(hasattr(a, "tocoo") and _rank(a) != 2 for a in c.args):
        return everything(c)
    sparse = any(hasattr(a, "tocoo") for a in c.args)
    front = () if sparse else np.broadcast_shapes(*(np.shape(a)[:-2] for a in c.args))
    batch = tuple(range(3, 3 + len(front)))
    left = (1,) if m == 1 else (0, 1)
    right = (1,) if n == 1 else (1, 2)
    over = (batch, front) if m > 1 else ((), ())
    below = (batch, front) if n > 1 else ((), ())
    terms = [_term(c, 0, (*over[0], *left), over[1]), _term(c, 1, (*below[0], *right), below[1])]
    return _product(c, terms, (*batch, *(() if m == 1 else (0,)), *(() if n == 1 else (2,))))


def dot(c: Applied) -> Shadow:
    """`np.dot(a, b)`: over the last axis of a and the last but one of b."""
    m, n = map(_rank, c.args[:2])
    if len(c.args) != 2 or c.kwargs:
        return everything(c)
    if any(hasattr(a, "tocoo") for a in c.args):
        return matmul(c)
    if not m or not n:
        return elementwise(c)
    left = tuple(range(m))
    right = tuple(range(m, m + n))
    right = (*right[:-2], m - 1, right[-1]) if n > 1 else (m - 1,)
    out = (*left[:-1], *(k for k in right if k != m - 1))
    return _product(c, [_term(c, 0, left), _term(c, 1, right)], out)


def inner(c: Applied) -> Shadow:
    """`np.inner(a, b)`: over the last axis of both."""
    m, n = map(_rank, c.args[:2])
    if not m or not n:
        return elementwise(c)
    left, right = tuple(range(m)), (*range(m, m + n - 1), m - 1)
    return _product(c, [_term(c, 0, left), _term(c, 1, right)], (*left[:-1], *right[:-1]))


def kron(c: Applied) -> Shadow:
    """`np.kron(a, b)`: the products of all pairs, block by block."""
    a, b = c.nodes(0), c.nodes(1)
    if a.ndim != b.ndim:
        return everything(c)
    wide = a.reshape([n for size in a.shape for n in (size, 1)])
    high = b.reshape([n for size in b.shape for n in (1, size)])
    return settled(c.out, c.deps.joined(wide, high).reshape(np.shape(c.out)))


def cross(c: Applied) -> Shadow:
    """`np.cross(a, b)`: on both vectors as a whole."""
    if len(c.args) != 2 or c.kwargs or not isinstance(c.out, np.ndarray) or c.out.ndim == 0:
        return everything(c)
    a, b = (along(c.deps, c.nodes(k), (c.nodes(k).ndim - 1,)) for k in (0, 1))
    return settled(c.out, np.broadcast_to(c.deps.joined(a, b), c.out.shape).copy())


def filling(c: Applied) -> Shadow:
    """`np.full(shape, value)`, `np.full_like(x, value)`."""
    value = c.option(1, "fill_value")
    shadow = c.shadows[1] if len(c.shadows) > 1 else c.named.get("fill_value")
    return settled(c.out, np.broadcast_to(nodes_of(value, shadow), np.shape(c.out)).copy())


def outer(c: Applied) -> Shadow:
    """`np.outer(a, b)`, and `np.multiply.outer(a, b)`."""
    shape = np.shape(c.out)
    a, b = c.nodes(0).ravel()[:, None], c.nodes(1).ravel()[None, :]
    found = c.deps.joined(a, b)
    if len(c.args) != 2 or found.size != math.prod(shape):
        return everything(c)
    return settled(c.out, found.reshape(shape))


def tensordot(c: Applied) -> Shadow:
    """`np.tensordot(a, b, axes)`."""
    m, n, axes = _rank(c.args[0]), _rank(c.args[1]), c.option(2, "axes", 2)
    if isinstance(axes, (int, np.integer)):
        axes = (tuple(range(m - axes, m)), tuple(range(axes)))
    first, second = (_axes(a, r) if r else () for a, r in zip(axes, (m, n), strict=True))
    labels = [*range(m, m + n)]
    for k, j in zip(first, second, strict=True):
        labels[j] = k
    left = tuple(range(m))
    out = (*(k for k in left if k not in first), *(k for k in labels if k >= m))
    return _product(c, [_term(c, 0, left), _term(c, 1, tuple(labels))], out)


def einsum(c: Applied) -> Shadow:
    """`np.einsum("ij,jk->ik", a, b)`."""
    text = c.args[0]
    if not isinstance(text, str) or "." in text or any(s is not None for s in c.named.values()):
        return everything(c)
    given, arrow, out = text.replace(" ", "").partition("->")
    if not arrow:
        out = "".join(sorted(k for k in set(given) - {","} if given.count(k) == 1))
    parts = given.split(",")
    if len(parts) != len(c.args) - 1:
        return everything(c)
    letters = sorted(set(given) - {","})
    terms = [_term(c, k + 1, tuple(map(letters.index, part))) for k, part in enumerate(parts)]
    return _product(c, terms, tuple(map(letters.index, out)))


def vecdot(c: Applied) -> Shadow:
    """The sums over the last axis of `a * b`."""
    if len(c.args) != 2 or set(c.kwargs) - {"axis"} or c.kwargs.get("axis", -1) != -1:
        return everything(c)
    shape = np.broadcast_shapes(*map(np.shape, c.args))
    joined = c.deps.joined(*(np.broadcast_to(c.nodes(k), shape) for k in (0, 1)))
    return settled(c.out, along(c.deps, joined, (len(shape) - 1,))[..., 0])


def convolution(flip: bool) -> Handler:
    """`np.convolve(a, v)`, and `np.correlate(a, v)`, where the second is turned round first."""

    def handle(c: Applied) -> Shadow:
        mode = c.option(2, "mode", "valid" if flip else "full")
        if not isinstance(mode, str) or np.ndim(c.args[0]) != 1 or np.ndim(c.args[1]) != 1:
            return everything(c)
        n, m = len(c.args[0]), len(c.args[1])
        if n * m > LARGEST:
            return everything(c)
        full = np.arange(n)[:, None] + np.arange(m)
        terms = []
        for k, size in ((0, n), (1, m)):
            nodes = c.nodes(k)
            live = np.ones(size, bool)
            if c.shadows[k] is None and c.fixed[k]:
                live = np.asarray(c.args[k]) != 0
            terms.append((nodes[::-1], live[::-1]) if flip and k else (nodes, live))
        live = terms[0][1][:, None] & terms[1][1]
        ends = full[live]
        nodes = c.deps.fresh((n + m - 1,))
        reached = np.zeros(n + m - 1, bool)
        for k, side in ((0, terms[0][0][:, None]), (1, terms[1][0])):
            if c.shadows[k] is not None:
                starts = np.broadcast_to(side, full.shape)[live]
                c.deps.connect(nodes[ends], starts)
                reached[ends[starts > 0]] = True
        found = np.where(reached, nodes, 0)
        size = np.size(c.out)
        least = min(n, m)
        start = {"full": 0, "same": least - 1 - least // 2, "valid": least - 1}[mode]
        if flip and m > n:  # NumPy correlates the other way round, and reverses what it gets
            start = n + m - 1 - size - start
        return settled(c.out, found[start : start + size].copy())

    return handle


def stacked_matrices(*ranks: int) -> Handler:
    """A function of the last axes of its arguments, this many of each: on all of them, stack by stack."""

    def handle(c: Applied) -> Shadow:
        if len(c.args) != len(ranks) or any(s is not None for s in c.named.values()):
            return everything(c)
        found: Nodes | None = None
        for k, rank in enumerate(ranks):
            nodes = c.nodes(k)
            if rank == 2 and k == 1 and nodes.ndim == 1:
                rank = 1  # the right side of a system
            if nodes.ndim < rank:
                return everything(c)
            last = tuple(range(nodes.ndim - rank, nodes.ndim))
            some = along(c.deps, nodes, last).reshape(nodes.shape[: nodes.ndim - rank])
            found = some if found is None else c.deps.joined(found, some)
        assert found is not None
        return _stacked(c, c.out, found)

    return handle


def _stacked(c: Applied, out: Any, found: Nodes) -> Shadow:
    if isinstance(out, (tuple, list)):
        return tuple(_stacked(c, part, found) for part in out)
    if np.shape(out)[: found.ndim] != found.shape:
        return everything(c)
    repeated = found.reshape(found.shape + (1,) * (np.ndim(out) - found.ndim))
    return settled(out, np.broadcast_to(repeated, np.shape(out)).copy())


def unbroadcast_nodes(c: Applied) -> Shadow:
    """`unbroadcast(ct, x)`: on all along the axes that are summed."""
    nodes, shape = c.nodes(0), np.shape(c.args[1])
    if nodes.ndim < len(shape):
        return settled(c.out, np.broadcast_to(nodes, shape).copy())
    extra = nodes.ndim - len(shape)
    axes = (*range(extra), *(extra + k for k, n in enumerate(shape) if n != nodes.shape[extra + k]))
    found = along(c.deps, nodes, axes) if axes else nodes.copy()
    return settled(c.out, found.reshape(np.shape(c.out)))


# -- containers --------------------------------------------------------------------------------------------


def packed_tuple(c: Applied) -> Shadow:
    return c.shadows


def packed_list(c: Applied) -> Shadow:
    return list(c.shadows)


def packed_dict(c: Applied) -> Shadow:
    return dict(zip(c.args[0], c.shadows[1:], strict=True))


def packed_object(c: Applied) -> Shadow:
    if issubclass(c.args[0], tuple):
        return c.shadows[2:]
    return Attributes(zip(c.args[1], c.shadows[2:], strict=True))


def unpacked(c: Applied) -> Shadow:
    shadow = c.shadows[0]
    if isinstance(shadow, np.ndarray):
        return tuple(part if part.ndim else int(part) or None for part in map(np.asarray, shadow))
    if isinstance(shadow, (list, tuple)):
        return tuple(shadow)
    return everything(c)


def itself(c: Applied) -> Shadow:
    return c.shadows[0]


def values_listed(c: Applied) -> Shadow:
    shadow = c.shadows[0]
    return [shadow.get(k) for k in c.args[0]] if isinstance(shadow, dict) else everything(c)


def entry_at(c: Applied) -> Shadow:
    mapping, key = c.args[0], c.args[1]
    if key not in mapping:
        return c.shadows[2] if len(c.shadows) > 2 else None
    shadow = c.shadows[0]
    return shadow.get(key) if isinstance(shadow, dict) else filled(c.out, c.others())


def keyed(c: Applied) -> Shadow:
    inner = c.shadows[1] if isinstance(c.shadows[1], (list, tuple)) else None
    return dict(zip(c.args[0], inner, strict=True)) if inner is not None else everything(c)


def with_named(c: Applied) -> Shadow:
    return Attributes(c.shadows[1]) if isinstance(c.shadows[1], dict) else everything(c)


# -- which function is which -------------------------------------------------------------------------------

HANDLERS: dict[Any, Handler] = {
    pack_tuple: packed_tuple, pack_list: packed_list, pack_dict: packed_dict, pack_object: packed_object,
    unpack: unpacked, items_of_list: itself, literal: itself, values_of: values_listed, entry: entry_at,
    with_keys: keyed, with_attributes: with_named, operator.getitem: item, getattr: attribute,
    np.sign: sign, list: listed, tuple: listed, sum: summed, sum_of: everything, np.where: chosen,
    unbroadcast: unbroadcast_nodes, rebroadcast: form_of_second, broadcast_like: form_of_second,
    of_form: form_of_second,
    np.interp: evaluated, np.polyval: coefficients,
    operator.matmul: matmul, np.matmul: matmul, np.linalg.matmul: matmul, np.dot: dot, np.ndarray.dot: dot,
    np.inner: inner, np.outer: outer, np.linalg.outer: outer, np.tensordot: tensordot,
    np.linalg.tensordot: tensordot, np.einsum: einsum, np.vecdot: vecdot, np.linalg.vecdot: vecdot,
    np.convolve: convolution(False), np.correlate: convolution(True), np.diff: differences,
    np.gradient: gradient, np.cumsum: cumulative(1), np.ndarray.cumsum: cumulative(1),
    np.cumprod: cumulative(1), np.ndarray.cumprod: cumulative(1), np.nancumsum: cumulative(1),
    np.nancumprod: cumulative(1), np.linalg.solve: stacked_matrices(2, 2), np.linalg.inv: stacked_matrices(2),
    np.linalg.det: stacked_matrices(2), np.linalg.cholesky: stacked_matrices(2),
    np.linalg.slogdet: stacked_matrices(2), np.linalg.eigvalsh: stacked_matrices(2),
    np.linalg.eigh: stacked_matrices(2), np.full_like: filling, np.full: filling,
    np.meshgrid: moved, np.broadcast_arrays: moved,
    np.append: mover(0, 1), np.insert: mover(0, 2), np.atleast_1d: moved, np.atleast_2d: moved,
    np.atleast_3d: moved, np.clip: elementwise, np.ndarray.clip: elementwise, abs: elementwise,
    pow: elementwise, float: copied, complex: elementwise, np.nan_to_num: first_elementwise,
    np.kron: kron, np.cross: cross, np.linalg.cross: cross, np.unwrap: whole_lanes(3),
    np.trapezoid: reduction(3, -1), np.sinc: elementwise, np.angle: first_elementwise, np.i0: elementwise,
    np.real_if_close: first_elementwise, np.select: selected, np.choose: selected, np.pad: padded,
}  # fmt: skip
_COPIES: Any = (
    np.array, np.asarray, np.asanyarray, np.ascontiguousarray, np.asfortranarray, np.require, np.copy,
    np.ndarray.copy, np.ndarray.astype, np.astype, np.asarray_chkfinite, np.float64, np.float32,
    np.complex128, np.real, np.imag, np.ndarray.real, np.ndarray.imag, np.ndarray.conj, np.ndarray.conjugate,
    np.ndarray.item,
)  # fmt: skip
_MOVES: Any = (
    np.reshape, np.ravel, np.transpose, np.swapaxes, np.moveaxis, np.rollaxis, np.expand_dims, np.squeeze,
    np.broadcast_to, np.tile, np.repeat, np.take, np.take_along_axis, np.diagonal, np.flip, np.fliplr,
    np.flipud, np.rot90, np.roll, np.split, np.array_split, np.hsplit, np.vsplit, np.dsplit,
    np.delete, np.resize, np.block, np.concatenate, np.stack, np.hstack, np.vstack, np.dstack,
    np.column_stack, np.diag, np.diagflat, np.tril, np.triu, np.matrix_transpose,
    np.linalg.matrix_transpose, np.linalg.diagonal, np.fft.fftshift, np.fft.ifftshift, np.unstack,
    np.ndarray.reshape, np.ndarray.ravel, np.ndarray.flatten, np.ndarray.tolist,
    np.ndarray.transpose, np.ndarray.swapaxes, np.ndarray.squeeze, np.ndarray.repeat, np.ndarray.take,
    np.ndarray.diagonal, np.ndarray.compress,
)  # fmt: skip
_TURNS: Any = (np.ndarray.T, np.ndarray.mT)
_REDUCTIONS: Any = {
    1: (
        np.sum, np.mean, np.prod, np.max, np.min, np.amax, np.amin, np.std, np.var, np.median, np.ptp,
        np.average, np.nansum, np.nanmean, np.nanprod, np.nanmax, np.nanmin, np.nanstd, np.nanvar,
        np.nanmedian, np.ndarray.sum, np.ndarray.mean, np.ndarray.prod, np.ndarray.max, np.ndarray.min,
        np.ndarray.std, np.ndarray.var, np.add.reduce, np.multiply.reduce, np.maximum.reduce,
        np.minimum.reduce, np.logaddexp.reduce,
    ),
    2: (np.percentile, np.quantile, np.nanpercentile, np.nanquantile, np.linalg.norm),
}  # fmt: skip
_LUMPS: Any = (
    math.fsum, math.prod, math.dist, statistics.mean, statistics.fmean, builtins.max, builtins.min,
    builtins.sorted, np.vdot, np.trace, np.linalg.multi_dot,
)  # fmt: skip
for _fns, _how in ((_COPIES, copied), (_MOVES, moved_first), (_TURNS, transposed), (_LUMPS, everything)):
    HANDLERS.update(dict.fromkeys(_fns, _how))
for _place, _fns in _REDUCTIONS.items():
    HANDLERS.update(dict.fromkeys(_fns, reduction(_place)))
HANDLERS[np.sort] = whole_lanes(1)
_SPECTRA: Any = (
    np.fft.fft, np.fft.ifft, np.fft.rfft, np.fft.irfft, np.fft.hfft, np.fft.ihfft, np.partition,
)  # fmt: skip
HANDLERS.update(dict.fromkeys(_SPECTRA, whole_lanes(2)))
# Those of SciPy, by name: it is not imported here.
NAMED: dict[str, Handler] = {
    "scipy.special.logsumexp": reduction(1), "scipy.special.softmax": whole_lanes(1, None),
    "scipy.special.log_softmax": whole_lanes(1, None),
}  # fmt: skip

# Of their arguments these see the form alone.
FORM_ONLY = frozenset({
    np.shape, np.ndim, np.size, len, np.zeros_like, np.ones_like, np.empty_like, type, isinstance,
    np.ndarray.shape, np.ndarray.size, np.ndarray.ndim, np.ndarray.dtype, np.ndarray.nbytes, np.iscomplexobj,
    np.isrealobj, np.result_type, np.ndarray.itemsize, np.ndarray.flags, np.ndarray.strides,
})  # fmt: skip

_WHOLE_MATH = frozenset({math.fsum, math.prod, math.dist, getattr(math, "sumprod", math.fsum)})


def is_elementwise(fn: Any) -> bool:
    """Does this function work element by element, on what its arguments are broadcast to?"""
    if isinstance(fn, np.ufunc):
        return fn.signature is None
    if not isinstance(fn, Hashable):
        return False
    if getattr(fn, "__module__", "") in ("math", "cmath"):
        return fn not in _WHOLE_MATH
    declared = REGISTRY.reverse.get(fn)
    return fn in _OPERATORS or declared is not None and declared.form == "elementwise"


_OPERATORS = frozenset({
    operator.add, operator.sub, operator.mul, operator.truediv, operator.pow, operator.neg, operator.pos,
    operator.abs, operator.mod, operator.iadd, operator.isub, operator.imul, operator.itruediv, operator.ipow,
    operator.imod, divmod,
})  # fmt: skip
# Of numbers that move these give some that do not, in the same place.
STEPS = frozenset({
    operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne, operator.not_,
    operator.and_, operator.or_, operator.xor, operator.invert, operator.floordiv, round, int, bool,
    np.isclose, np.round, np.around, np.isreal, np.iscomplex, np.isneginf, np.isposinf, np.fix,
})  # fmt: skip


def handler(fn: Any) -> Handler:
    """How the result of this function depends on its arguments."""
    if isinstance(fn, Hashable) and not redeclared(fn):
        if fn in HANDLERS:
            return HANDLERS[fn]
        if is_elementwise(fn):
            return elementwise
        owner, name = getattr(fn, "__self__", None), getattr(fn, "__name__", "")
        if isinstance(owner, np.ufunc) and owner.nin == 2 and owner.nout == 1:
            if name == "outer":
                return outer
            if name == "accumulate":
                return cumulative(1, 0)
        return NAMED.get(function_name(fn), everything)
    return everything


def redeclared(fn: Any) -> bool:
    """Is the derivative of this function one that someone else declared, so that it may be anything?"""
    declared = REGISTRY.reverse.get(fn)
    elements = declared is not None and declared.form == "elementwise" and fn not in HANDLERS
    return not elements and of_others(fn)

