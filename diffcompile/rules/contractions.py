"""Derivatives of contractions: `tensordot` and `einsum`.

    y = np.einsum("ij,jk->ik", a, b)     a_bar = np.einsum("ik,jk->ij", y_bar, b)

They are linear in each operand, so the cotangent of an operand is the cotangent contracted with the other
operands. Which axes meet which is worked out by `static` functions, so the generated code holds the answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from string import ascii_letters, ascii_lowercase, ascii_uppercase
from typing import Any

import numpy as np

from .broadcast import unbroadcast
from .facts import static
from .register import Array, defjvp, defvjp, nondifferentiable

nondifferentiable(np.einsum_path)

@static
def tensordot_axes(axes: Any, m: int, n: int) -> Any:
    """The free axes of both operands (of ranks m and n), the product's columns, and two orders of axes.

    The orders put the axes of the cotangents back where the operands have them; None where nothing moves.

    >>> tensordot_axes(1, 2, 2)
    ((0,), (1,), (1,), None, None)
    >>> tensordot_axes(([0, 1], [1, 0]), 3, 2)
    ((2,), (), (), (2, 1, 0), (1, 0))
    """
    if isinstance(axes, int):
        left, right = tuple(range(m - axes, m)), tuple(range(axes))
    else:
        left, right = (tuple(ax) if isinstance(ax, Sequence) else (ax,) for ax in axes)
    left, right = tuple(i % m for i in left), tuple(i % n for i in right)
    a_free = tuple(i for i in range(m) if i not in left)
    b_free = tuple(i for i in range(n) if i not in right)
    columns = tuple(range(len(a_free), len(a_free) + len(b_free)))
    a_axes = a_free + tuple(i for _, i in sorted(zip(right, left, strict=True)))
    b_axes = tuple(j for _, j in sorted(zip(left, right, strict=True))) + b_free
    return a_free, b_free, columns, inverse_order(a_axes), inverse_order(b_axes)


def inverse_order(axes: tuple[int, ...]) -> tuple[int, ...] | None:
    """How to transpose so that axis `axes[i]` of the result is axis i; None for no change."""
    order = tuple(axes.index(i) for i in range(len(axes)))
    return None if order == tuple(range(len(axes))) else order


@defvjp(np.tensordot, np.linalg.tensordot)
def _(ct: Any, out: Any, a: Array, b: Array, axes: Any = 2) -> Any:
    a_free, b_free, columns, a_order, b_order = tensordot_axes(axes, np.ndim(a), np.ndim(b))
    a_bar = np.tensordot(ct, b, (columns, b_free))
    b_bar = np.tensordot(a, ct, (a_free, tuple(range(len(a_free)))))
    if a_order is not None:
        a_bar = np.transpose(a_bar, a_order)
    if b_order is not None:
        b_bar = np.transpose(b_bar, b_order)
    return a_bar, b_bar


@defjvp(np.tensordot, np.linalg.tensordot)
def _(tangents: Any, out: Any, a: Array, b: Array, axes: Any = 2) -> Any:
    if tangents[0] is None:
        return np.tensordot(a, tangents[1], axes)
    if tangents[1] is None:
        return np.tensordot(tangents[0], b, axes)
    return np.tensordot(tangents[0], b, axes) + np.tensordot(a, tangents[1], axes)


@static
def explicit_subscripts(subscripts: str, ranks: tuple[int, ...] | None) -> str:
    """`subscripts` with the output named, and each ellipsis spelled in letters by the operands' `ranks`.

    >>> explicit_subscripts("ij, jk", None), explicit_subscripts("...i,i...", (3, 2))
    ('ij,jk->ik', 'abi,ib->ab')
    """
    inputs, arrow, output = subscripts.replace(" ", "").partition("->")
    named = inputs.replace(",", "").replace(".", "")
    if not arrow:
        output = "..." * ("..." in inputs) + "".join(sorted(c for c in set(named) if named.count(c) == 1))
    if ranks is None:
        return f"{inputs}->{output}"
    terms = inputs.split(",")
    hidden = [rank - len(term) + 3 if "..." in term else 0 for term, rank in zip(terms, ranks, strict=True)]
    letters = "".join(c for c in ascii_letters if c not in named)[: max(hidden)]
    spelled = [t.replace("...", letters[len(letters) - k :]) for t, k in zip(terms, hidden, strict=True)]
    return f"{','.join(spelled)}->{output.replace('...', letters)}"


@static
def einsum_adjoint(subscripts: str, position: int) -> tuple[str | None, tuple[int, ...], tuple[int, ...]]:
    """The contraction of the cotangent with the other operands that gives the cotangent of one operand.

    Also the axes that repeat an earlier letter, for each of which an identity matrix joins the operands, and
    the axes that were summed away and meet nothing else. The contraction is None where it changes nothing.

    >>> einsum_adjoint("ij,jk->ik", 0), einsum_adjoint("ii->i", 0), einsum_adjoint("ij->j", 0)
    (('ik,jk->ij', (), ()), ('i,ia->ia', (1,), ()), (None, (), (0,)))
    """
    inputs, _, output = subscripts.partition("->")
    terms = inputs.split(",")
    term, others = terms[position], terms[:position] + terms[position + 1 :]
    unused = iter(c for c in ascii_letters if c not in subscripts)
    axes = range(len(term))
    repeats = tuple(i for i in axes if term[i] in term[:i])
    letters = [next(unused) if i in repeats else term[i] for i in axes]
    factors = [output, *others, *[term[i] + letters[i] for i in repeats]]
    lone = tuple(i for i in axes if letters[i] not in "".join(factors))
    target = "".join(letters[i] for i in axes if i not in lone)
    spec = None if factors == [target] else f"{','.join(factors)}->{target}"
    return spec, repeats, lone


def einsum_cotangent(ct: Any, subscripts: Any, operands: Any, position: Any, optimize: Any) -> Any:
    """The cotangent of the operand at `position`; lengths of 1 may have been broadcast on either side."""
    spec, repeats, lone = einsum_adjoint(subscripts, position)
    x = np.asarray(operands[position])
    others = operands[:position] + operands[position + 1 :]
    identities = [np.eye(np.shape(x)[axis], dtype=x.dtype) for axis in repeats]
    factors = (ct, *others, *identities)
    if lone:
        wide = np.expand_dims(contracted(spec, factors, optimize), lone)
        return np.broadcast_to(unbroadcast(wide, x) if others else wide, np.shape(x))
    if others:
        return np.broadcast_to(unbroadcast(contracted(spec, factors, optimize), x), np.shape(x))
    return contracted(spec, factors, optimize)


def contracted(spec: Any, factors: Any, optimize: Any) -> Any:
    """The factors contracted, as fast as the user asked for; the first one where there is nothing to do."""
    if spec is None:
        return factors[0]
    if optimize is False:
        return np.einsum(spec, *factors)
    return np.einsum(spec, *factors, optimize=True)


@static
def spelled_subscripts(sublists: tuple[Any, ...], output: Any) -> str:
    """The subscripts of the form of `einsum` that takes each operand with a list of its axes.

    >>> spelled_subscripts(([0, 1], [1, 2]), None), spelled_subscripts(([..., 0],), [0, ...])
    ('AB,BC', '...A->A...')
    """

    def spelled(axes: Any) -> str:
        return "".join("..." if k is Ellipsis else (ascii_uppercase + ascii_lowercase)[k] for k in axes)

    inputs = ",".join(map(spelled, sublists))
    return inputs if output is None else f"{inputs}->{spelled(output)}"


def einsum_arguments(operands: Any) -> Any:
    """The subscripts and the arrays of a call of `einsum`, of either form."""
    if isinstance(operands[0], str):
        return operands[0], operands[1:]
    arrays, sublists = operands[0:-1:2], operands[1::2]
    if len(operands) % 2 == 0:
        return spelled_subscripts(sublists, None), arrays
    return spelled_subscripts(sublists, operands[-1]), arrays


@defvjp(np.einsum)
def _(
    ct: Any, out: Any, *operands: Any, optimize: Any = False, dtype: Any = None, order: Any = "K",
    casting: Any = "safe",
) -> Any:  # fmt: skip
    subscripts, arrays = einsum_arguments(operands)
    ranks = tuple([np.ndim(x) for x in arrays]) if "..." in subscripts else None
    explicit = explicit_subscripts(subscripts, ranks)
    bars = [einsum_cotangent(ct, explicit, arrays, i, optimize) for i in range(len(arrays))]
    if isinstance(operands[0], str):
        return None, *bars
    spaced: Any = ()
    for bar in bars:
        spaced = (*spaced, bar, None)
    return spaced


@defjvp(np.einsum)
def _(
    tangents: Any, out: Any, *operands: Any, optimize: Any = False, dtype: Any = None, order: Any = "K",
    casting: Any = "safe",
) -> Any:  # fmt: skip
    subscripts, arrays = einsum_arguments(operands)
    dots = tangents[1:] if isinstance(operands[0], str) else tangents[0:-1:2]
    out_dot = None
    for i in range(len(arrays)):
        if dots[i] is not None:
            varied = (*arrays[:i], dots[i], *arrays[i + 1 :])
            term = np.einsum(subscripts, *varied, optimize=optimize)
            out_dot = term if out_dot is None else out_dot + term
    return out_dot
