"""Facts of products and of `np.linalg`."""

from __future__ import annotations

from string import ascii_lowercase, ascii_uppercase

import numpy as np

from ..ir.graph import Atom, Const
from ..ir.types import Size, Type, array
from ..rules import linalg, matrices
from .shapes_core import (
    FALSE,
    INT64,
    NO,
    YES,
    Undecided,
    array_of,
    as_array,
    axes_of,
    constant,
    facts,
    flag,
    inexact,
    integer,
    integers,
    none_or_undecided,
    promoted,
    real_of,
    result,
    shape_of,
    ufunc_dtypes,
)
from .shapes_lengths import Shape, broadcast, fresh_dim, least, meet, product, unify
from .shapes_reduce import reduced

TWO, REDUCED = Const(2), Const("reduced")
LETTERS = ascii_uppercase + ascii_lowercase  # of the axes 0, 1, ... of `einsum`


# Products


def matmul(a: Atom, b: Atom) -> Type:
    """`a @ b`: a last axis against a last axis but one, the leading axes broadcast."""
    x, y = array_of(a), array_of(b)
    left, right = shape_of(x), shape_of(y)
    if not left or not right:
        raise Undecided
    (dtype,) = ufunc_dtypes(np.matmul, (x, y))
    return result(dtype, (*broadcast(left[:-2], right[:-2]), *left[-2:-1], *columns_of(right)))


def columns_of(shape: Shape) -> Shape:
    """The last axis of a right operand, if it is not the one that is summed over."""
    return shape[-1:] if len(shape) > 1 else ()


@facts(np.matmul, np.linalg.matmul)
def _(x1: Atom, x2: Atom, out: Atom = NO) -> Type:
    none_or_undecided(out)
    return matmul(x1, x2)


def product_dtype(*arrays: Type) -> np.dtype | None:
    return promoted(*(a.dtype for a in arrays))


@facts(np.dot, np.ndarray.dot)
def _(a: Atom, b: Atom, out: Atom = NO) -> Type:
    none_or_undecided(out)
    x, y = array_of(a), array_of(b)
    left, right = shape_of(x), shape_of(y)
    if not left or not right:
        return result(product_dtype(x, y), left or right)
    return result(product_dtype(x, y), (*left[:-1], *right[:-2], *columns_of(right)))


@facts(np.inner)
def _(a: Atom, b: Atom) -> Type:
    x, y = array_of(a), array_of(b)
    left, right = shape_of(x), shape_of(y)
    if not left or not right:
        return result(product_dtype(x, y), left or right)
    return result(product_dtype(x, y), (*left[:-1], *right[:-1]))


@facts(np.vdot)
def _(a: Atom, b: Atom) -> Type:
    return result(product_dtype(array_of(a), array_of(b)), ())


@facts(np.outer)
def _(a: Atom, b: Atom, out: Atom = NO) -> Type:
    none_or_undecided(out)
    x, y = array_of(a), array_of(b)
    return array(product_dtype(x, y), (product(shape_of(x)), product(shape_of(y))))


@facts(np.linalg.outer)
def _(x1: Atom, x2: Atom) -> Type:
    x, y = array_of(x1), array_of(x2)
    return array(product_dtype(x, y), (*shape_of(x), *shape_of(y)))


@facts(np.vecdot)
def _(x1: Atom, x2: Atom) -> Type:
    x, y = array_of(x1), array_of(x2)
    if not shape_of(x) or not shape_of(y):
        raise Undecided
    return result(product_dtype(x, y), broadcast(shape_of(x)[:-1], shape_of(y)[:-1]))


@facts(np.kron)
def _(a: Atom, b: Atom) -> Type:
    x, y = array_of(a), array_of(b)
    left, right = shape_of(x), shape_of(y)
    rank = max(len(left), len(right))
    padded = [(*(1,) * (rank - len(s)), *s) for s in (left, right)]
    return result(product_dtype(x, y), tuple(map(lambda *pair: product(pair), *padded)))


@facts(np.tensordot, np.linalg.tensordot)
def _(a: Atom, b: Atom, axes: Atom = TWO) -> Type:
    x, y = array_of(a), array_of(b)
    left, right = shape_of(x), shape_of(y)
    given = constant(axes)
    if isinstance(given, int):
        over: tuple[Shape, Shape] = tuple(range(len(left) - given, len(left))), tuple(range(given))
    elif isinstance(given, tuple | list) and len(given) == 2:
        over = integers(Const(given[0])), integers(Const(given[1]))
    else:
        raise Undecided
    gone = [axes_of(Const(o), len(s)) for o, s in zip(over, (left, right), strict=True)]
    rest = [s for i, s in enumerate(left) if i not in gone[0]]
    rest += [s for i, s in enumerate(right) if i not in gone[1]]
    return array(product_dtype(x, y), tuple(rest))


@facts(np.einsum)
def _(*operands: Atom, optimize: Atom = FALSE, order: Atom = NO) -> Type:
    text, rest = constant(operands[0]) if isinstance(operands[0], Const) else None, operands[1:]
    if not isinstance(text, str):
        text, rest = spelled_subscripts(operands), operands[0:-1:2]
    arrays = list(map(array_of, rest))
    shape = einsum_shape(text.replace(" ", ""), [shape_of(a) for a in arrays])
    if not shape and not (isinstance(optimize, Const) and optimize.value is False):
        raise Undecided  # an array without axes, or a scalar
    return result(product_dtype(*arrays), shape)


def spelled_subscripts(operands: tuple[Atom, ...]) -> str:
    """The subscripts of the form that takes each operand with a list of its axes."""
    lists = [constant(a) for a in operands[1::2]]
    texts = ["".join("..." if k is Ellipsis else LETTERS[k] for k in axes) for axes in lists]
    if len(operands) % 2 == 0:
        return ",".join(texts)
    output = "".join("..." if k is Ellipsis else LETTERS[k] for k in constant(operands[-1]))
    return f"{','.join(texts)}->{output}"


def einsum_shape(text: str, shapes: list[Shape]) -> Shape:
    """The shape that an einsum gives: an axis of length 1 broadcasts against one of the same letter."""
    inputs, arrow, output = text.partition("->")
    terms = inputs.split(",")
    if len(terms) != len(shapes):
        raise Undecided
    sizes: dict[str, Size] = {}
    batch: Shape = ()
    for term, shape in zip(terms, shapes, strict=True):
        before, dots, after = term.partition("...")
        middle = len(shape) - len(before) - len(after)
        if middle < 0 or (middle and not dots):
            raise Undecided
        batch = broadcast(batch, shape[len(before) : len(before) + middle])
        axes = (*shape[: len(before)], *shape[len(before) + middle :])
        for letter, size in zip(before + after, axes, strict=True):
            sizes[letter] = meet(sizes[letter], size) if letter in sizes else size
    if not arrow:
        letters = inputs.replace(".", "").replace(",", "")
        output = "..." + "".join(sorted(c for c in set(letters) if letters.count(c) == 1))
    before, dots, after = output.partition("...")
    if not set(before + after) <= sizes.keys():
        raise Undecided
    return (
        *(sizes[c] for c in before),
        *(batch if dots else ()),
        *(sizes[c] for c in after),
    )


@facts(np.cross)
def _(a: Atom, b: Atom) -> Type:
    x, y = array_of(a), array_of(b)
    left, right = shape_of(x), shape_of(y)
    if left[-1:] != (3,) or right[-1:] != (3,):
        if len(left) < 2 and len(right) < 2:
            raise Undecided  # two vectors of length 2 give a scalar
        return array(product_dtype(x, y))
    return array(product_dtype(x, y), broadcast(left, right))


# Matrices


def solver_dtype(*arrays: Type) -> np.dtype | None:
    """The dtype in which LAPACK computes."""
    return inexact(product_dtype(*arrays))


def matrix(a: Atom) -> tuple[Type, Shape, Size, Size]:
    """A stack of matrices: its type, the shape of the stack, and of each matrix."""
    x = array_of(a)
    shape = shape_of(x)
    if len(shape) < 2:
        raise Undecided
    return x, shape[:-2], shape[-2], shape[-1]


def square(a: Atom) -> tuple[Type, Shape, Size]:
    x, batch, rows, columns = matrix(a)
    return x, batch, unify(rows, columns)


@facts(linalg.cofactors)
def _(a: Atom) -> Type:
    x = array_of(a)
    return array(x.dtype, shape_of(x))


@facts(linalg.minors)
def _(a: Atom) -> Type:
    x, batch, n = square(a)
    less = n - 1 if isinstance(n, int) else fresh_dim()
    return array(x.dtype, (*batch, n, n, less, less))


@facts(linalg.minors_cotangent)
def _(ct: Atom, a: Atom) -> Type:
    x = array_of(a)
    return array(x.dtype, shape_of(x))


@facts(matrices.inverse_gaps)
def _(w: Atom, coupling: Atom) -> Type:
    x = array_of(w)
    shape = shape_of(x)
    return array(x.dtype, (*shape, shape[-1]))


@facts(matrices.of_full_width)
def _(x_dot: Atom, x: Atom) -> Type:
    return array_of(x_dot)


@facts(matrices.determined)
def _(ct: Atom, count: Atom) -> Type:
    x = array_of(ct)
    size = integer(count)
    return array(x.dtype, (*shape_of(x)[:-1], fresh_dim() if size is None else size))


@facts(np.linalg.inv)
def _(a: Atom) -> Type:
    x, batch, n = square(a)
    return array(solver_dtype(x), (*batch, n, n))


@facts(np.linalg.cholesky)
def _(a: Atom, *, upper: Atom = FALSE) -> Type:
    x, batch, n = square(a)
    return array(solver_dtype(x), (*batch, n, n))


@facts(np.linalg.pinv)
def _(a: Atom, *args: Atom, **kwargs: Atom) -> Type:
    x, batch, rows, columns = matrix(a)
    return array(solver_dtype(x), (*batch, columns, rows))


@facts(np.linalg.matrix_power)
def _(a: Atom, n: Atom) -> Type:
    x, batch, size = square(a)
    positive = isinstance(n, Const) and isinstance(n.value, int) and n.value >= 0
    floating = x.dtype is not None and x.dtype.kind in "fc"
    return array(x.dtype if positive or floating else None, (*batch, size, size))


@facts(np.linalg.det)
def _(a: Atom) -> Type:
    x, batch, _n = square(a)
    return result(solver_dtype(x), batch)


@facts(np.linalg.slogdet)
def _(a: Atom) -> Type:
    x, batch, _n = square(a)
    dtype = solver_dtype(x)
    return Type("tuple", items=(result(dtype, batch), result(real_of(dtype), batch)))


@facts(np.linalg.solve)
def _(a: Atom, b: Atom) -> Type:
    x, batch, n = square(a)
    y = array_of(b)
    shape = shape_of(y)
    if len(shape) == 1:
        return array(solver_dtype(x, y), (*batch, unify(n, shape[0])))
    if not shape:
        raise Undecided
    return array(solver_dtype(x, y), (*broadcast(batch, shape[:-2]), unify(n, shape[-2]), shape[-1]))


@facts(np.linalg.tensorsolve)
def _(a: Atom, b: Atom, axes: Atom = NO) -> Type:
    x, y = array_of(a), array_of(b)
    none_or_undecided(axes)
    return array(solver_dtype(x, y), shape_of(x)[len(shape_of(y)) :])


@facts(np.linalg.tensorinv)
def _(a: Atom, ind: Atom = TWO) -> Type:
    x = array_of(a)
    split = constant(ind)
    return array(solver_dtype(x), (*shape_of(x)[split:], *shape_of(x)[:split]))


@facts(np.linalg.multi_dot)
def _(arrays: Atom, *, out: Atom = NO) -> Type:
    none_or_undecided(out)
    items = arrays.type.items
    if not items:
        raise Undecided
    parts = list(map(as_array, items))
    first, last = shape_of(parts[0]), shape_of(parts[-1])
    return result(product_dtype(*parts), (*first[:-1], *columns_of(last)))


@facts(np.linalg.lstsq)
def _(a: Atom, b: Atom, rcond: Atom = NO) -> Type:
    x, batch, rows, columns = matrix(a)
    y = array_of(b)
    if batch or not 1 <= len(shape_of(y)) <= 2:
        raise Undecided
    dtype = solver_dtype(x, y)
    residuals, values = array(real_of(dtype), (fresh_dim(),)), array(real_of(dtype), (least(rows, columns),))
    return Type(
        "tuple", items=(array(dtype, (columns, *shape_of(y)[1:])), residuals, result(None, ()), values)
    )


@facts(np.linalg.eigh)
def _(a: Atom, UPLO: Atom = NO) -> Type:  # noqa: N803
    x, batch, n = square(a)
    dtype = solver_dtype(x)
    return Type("tuple", items=(array(real_of(dtype), (*batch, n)), array(dtype, (*batch, n, n))))


@facts(np.linalg.eigvalsh)
def _(a: Atom, UPLO: Atom = NO) -> Type:  # noqa: N803
    x, batch, n = square(a)
    return array(real_of(solver_dtype(x)), (*batch, n))


@facts(np.linalg.eig)
def _(a: Atom) -> Type:
    _x, batch, n = square(a)
    return Type("tuple", items=(array(None, (*batch, n)), array(None, (*batch, n, n))))


@facts(np.linalg.eigvals)
def _(a: Atom) -> Type:
    _x, batch, n = square(a)
    return array(None, (*batch, n))


@facts(np.linalg.svd)
def _(a: Atom, full_matrices: Atom = YES, compute_uv: Atom = YES, hermitian: Atom = FALSE) -> Type:
    x, batch, rows, columns = matrix(a)
    dtype = solver_dtype(x)
    k = least(rows, columns)
    values = array(real_of(dtype), (*batch, k))
    if not flag(compute_uv):
        return values
    left, right = (rows, columns) if flag(full_matrices) else (k, k)
    return Type(
        "tuple", items=(array(dtype, (*batch, rows, left)), values, array(dtype, (*batch, right, columns)))
    )


@facts(np.linalg.svdvals)
def _(x: Atom) -> Type:
    a, batch, rows, columns = matrix(x)
    return array(real_of(solver_dtype(a)), (*batch, least(rows, columns)))


@facts(np.linalg.qr)
def _(a: Atom, mode: Atom = REDUCED) -> Type:
    x, batch, rows, columns = matrix(a)
    dtype = solver_dtype(x)
    k = least(rows, columns)
    how = constant(mode)
    if how == "r":
        return array(dtype, (*batch, k, columns))
    if how not in ("reduced", "complete"):
        raise Undecided
    inner = k if how == "reduced" else rows
    return Type("tuple", items=(array(dtype, (*batch, rows, inner)), array(dtype, (*batch, inner, columns))))


@facts(np.linalg.norm)
def _(x: Atom, ord: Atom = NO, axis: Atom = NO, keepdims: Atom = FALSE) -> Type:
    a = array_of(x)
    return reduced(a, inexact(real_of(a.dtype)), axis, keepdims)


@facts(np.linalg.vector_norm)
def _(x: Atom, *, axis: Atom = NO, keepdims: Atom = FALSE, ord: Atom = NO) -> Type:
    a = array_of(x)
    return reduced(a, inexact(real_of(a.dtype)), axis, keepdims)


@facts(np.linalg.matrix_norm)
def _(x: Atom, *, keepdims: Atom = FALSE, ord: Atom = NO) -> Type:
    a = array_of(x)
    return reduced(a, inexact(real_of(a.dtype)), Const((-2, -1)), keepdims)


@facts(np.linalg.cond)
def _(x: Atom, p: Atom = NO) -> Type:
    a, batch, _rows, _columns = matrix(x)
    return result(real_of(solver_dtype(a)), batch)


@facts(np.linalg.matrix_rank)
def _(A: Atom, *args: Atom, **kwargs: Atom) -> Type:  # noqa: N803
    _x, batch, _rows, _columns = matrix(A)
    return result(INT64, batch)
