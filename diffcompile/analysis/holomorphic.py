"""A graph -> the first call on the way to its result that is known not to be holomorphic, if there is one.

    w = np.exp(z) * z            None: the derivative of w is one complex number
    w = z * np.conj(z)           the call of np.conj: w has no complex derivative

A call counts if a complex number that varies with the inputs goes in, and the result depends on what comes
out (a test like `abs(z) < 1` does not).
"""

from __future__ import annotations

import builtins
import cmath
import operator

import numpy as np

from ..ir.graph import Atom, Call, Function, Graph, Value
from ..ir.walk import instructions, operands
from .activity import reaching, varied

NOT_HOLOMORPHIC = frozenset({
    builtins.abs, operator.abs, np.abs, np.fabs, np.sign, np.conj, np.ndarray.conj, np.ndarray.conjugate,
    np.real, np.imag, np.ndarray.real, np.ndarray.imag, np.angle, np.real_if_close, np.nan_to_num, np.vdot,
    np.vecdot, np.linalg.vecdot, np.var, np.std, np.ndarray.var, np.ndarray.std, np.sort_complex, cmath.phase,
    cmath.polar, np.linalg.norm, np.linalg.vector_norm, np.linalg.matrix_norm, np.linalg.cond, np.linalg.eig,
    np.linalg.eigh, np.linalg.eigvalsh, np.linalg.cholesky, np.linalg.svd, np.linalg.svdvals, np.linalg.qr,
    np.linalg.pinv,
    np.linalg.lstsq, np.linalg.slogdet, np.fft.irfft, np.fft.irfft2, np.fft.irfftn, np.fft.hfft, np.maximum,
    np.minimum, np.max, np.min, np.ndarray.max, np.ndarray.min, np.polyfit,
    *([np.vecmat] if hasattr(np, "vecmat") else []),
})  # fmt: skip


def not_holomorphic(graph: Graph, inputs: list[Value], result: Atom) -> Call | None:
    """The first call between the inputs and the result that has no complex derivative."""
    active = varied(graph.region, inputs) & reaching(graph.region, [result])
    for instr in instructions(graph.region):
        if not isinstance(instr, Call) or active.isdisjoint(instr.outs):
            continue
        if isinstance(instr.fn, Function):
            found = _inside(instr, active)
            if found is not None:
                return found
        elif _listed(instr.fn) and any(_may_be_complex(a) for a in operands(instr) if a in active):
            return instr
    return None


def _inside(instr: Call, active: set[Value]) -> Call | None:
    """The call in a function that is called; the one of the function stands for it while it is read."""
    graph = instr.fn.graph
    if graph is None:
        return None
    inputs = [p for p, a in zip(graph.params, instr.args, strict=False) if a in active]
    own = [r for r in graph.region.results if isinstance(r, Value)]
    if any(isinstance(i, Call) and i.fn is instr.fn for i in instructions(graph.region)):
        return None if not _mentions(graph) else instr
    for result in own:
        found = not_holomorphic(graph, inputs, result)
        if found is not None:
            return found
    return None


def _mentions(graph: Graph) -> bool:
    """Is there any such call in a recursive function at all?"""
    return any(isinstance(i, Call) and _listed(i.fn) for i in instructions(graph.region))


def _listed(fn: object) -> bool:
    try:
        return fn in NOT_HOLOMORPHIC
    except TypeError:
        return False


def _may_be_complex(atom: Atom) -> bool:
    dtype = atom.type.numeric_dtype
    return dtype is None or dtype.kind == "c"
