"""Derivatives of functions of matrices, and of the solutions of matrix equations.

    y = linalg.expm(a)                           a_bar = linalg.expm_frechet(a.T, y_bar)

Functions of matrices are differentiated by the identity of Mathias (1996, A chain rule for matrix
functions, section 3): `f([[a, e], [0, a]])` has the derivative of `f` at `a` along `e` in its upper right
corner. One of a function of the user is differentiated by its eigenvalues, between which the slope of that
function is taken (Higham, 2008, Functions of matrices, section 3.2). The equations of Sylvester, Lyapunov
and Riccati are their own adjoints.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import linalg

from .facts import COMPLEX_OF_REAL
from .matrices import adjoint, hermitian, refuse_stack, transpose
from .register import Array, Unknown, defequal, defjvp, defvjp
from .solvers import Solver, calls_back, linearize, push

COMPLEX_OF_REAL.update({linalg.sqrtm, linalg.logm, linalg.fractional_matrix_power, linalg.funm})


def joined(a: Any, e: Any) -> Any:
    """The matrix `[[a, e], [0, a]]`."""
    return np.concatenate(
        [np.concatenate([a, e], axis=1), np.concatenate([np.zeros_like(e), a], axis=1)], axis=0
    )


def like(z: Any, a: Any) -> Any:
    """The cotangent `z`, real where `a` is."""
    return z if np.iscomplexobj(a) else np.real(z)


@defvjp(linalg.expm)
def _(ct: Any, out: Any, A: Array) -> Any:
    refuse_stack(A)
    return linalg.expm_frechet(A.T, ct, compute_expm=False)


@defjvp(linalg.expm)
def _(tangents: Any, out: Any, A: Array) -> Any:
    refuse_stack(A)
    return linalg.expm_frechet(A, tangents[0], compute_expm=False)


@defvjp(linalg.expm_frechet)
def _(
    ct: Any, out: Any, A: Array, E: Array, method: Any = None, compute_expm: Any = True,
    check_finite: Any = True,
) -> Any:  # fmt: skip
    refuse_stack(A)
    n = A.shape[0]
    along = ct[1] if compute_expm else ct
    alone = ct[0] if compute_expm else None
    if along is None:
        return linalg.expm_frechet(A.T, alone, compute_expm=False)
    zero = np.zeros_like(along)
    corner = np.concatenate(
        [np.concatenate([zero, along], axis=1), np.concatenate([zero, zero], axis=1)], axis=0
    )
    whole = linalg.expm_frechet(joined(A, E).T, corner, compute_expm=False)
    A_bar = whole[:n, :n] + whole[n:, n:]
    if alone is not None:
        A_bar = A_bar + linalg.expm_frechet(A.T, alone, compute_expm=False)
    return A_bar, whole[:n, n:]


@defjvp(linalg.expm_frechet)
def _(
    tangents: Any, out: Any, A: Array, E: Array, method: Any = None, compute_expm: Any = True,
    check_finite: Any = True,
) -> Any:  # fmt: skip
    refuse_stack(A)
    n = A.shape[0]
    A_dot = np.zeros_like(A) if tangents[0] is None else tangents[0]
    E_dot = np.zeros_like(E) if tangents[1] is None else tangents[1]
    whole = linalg.expm_frechet(joined(A, E), joined(A_dot, E_dot), compute_expm=False)
    return (whole[:n, :n], whole[:n, n:]) if compute_expm else whole[:n, n:]


def declare_matrix_function(fn: Any) -> None:
    """Declare a function of a matrix by its own value at a larger one."""

    @defvjp(fn)
    def _(ct: Any, out: Any, A: Array) -> Any:
        refuse_stack(A)
        n = A.shape[0]
        return like(fn(joined(A.T, ct))[:n, n:], A)

    @defjvp(fn)
    def _(tangents: Any, out: Any, A: Array) -> Any:
        refuse_stack(A)
        n = A.shape[0]
        return fn(joined(A, tangents[0]))[:n, n:]


for _fn in (linalg.logm, linalg.cosm, linalg.sinm, linalg.tanm, linalg.coshm, linalg.sinhm, linalg.tanhm):
    declare_matrix_function(_fn)


@defvjp(linalg.sqrtm)
def _(ct: Any, out: Any, A: Array) -> Any:
    refuse_stack(A)
    return like(linalg.solve_sylvester(out.T, out.T, ct), A)


@defjvp(linalg.sqrtm)
def _(tangents: Any, out: Any, A: Array) -> Any:
    refuse_stack(A)
    return linalg.solve_sylvester(out, out, tangents[0])


@defvjp(linalg.fractional_matrix_power)
def _(ct: Any, out: Any, A: Array, t: Any) -> Any:
    refuse_stack(A)
    n = A.shape[0]
    A_bar = linalg.fractional_matrix_power(joined(A.T, ct), t)[:n, n:]
    return like(A_bar, A), np.real(np.sum(ct * (out @ linalg.logm(A))))


@defjvp(linalg.fractional_matrix_power)
def _(tangents: Any, out: Any, A: Array, t: Any) -> Any:
    refuse_stack(A)
    n = A.shape[0]
    out_dot = 0.0
    if tangents[0] is not None:
        out_dot = linalg.fractional_matrix_power(joined(A, tangents[0]), t)[:n, n:]
    if len(tangents) > 1 and tangents[1] is not None:
        out_dot = out_dot + tangents[1] * (out @ linalg.logm(A))
    return out_dot


# Functions of the user

calls_back(Solver("func", ("spectrum A",), "square A"), linalg.funm)

no_error = Unknown("a function of a matrix is not differentiated with `disp=False`")


def eigen_complex(A: Any) -> Any:
    """Eigenvalues, as a function of the user is given them, and vectors: what is real is exactly so."""
    w, v = np.linalg.eig(A)
    return w.astype(complex), v.astype(complex)


def divided(f: Any, slopes: Any, w: Any) -> Any:
    """The slope of a function between each two values, at equal ones its derivative there."""
    gap = w[:, None] - w
    same = abs(gap) <= 1e-9 * (1.0 + np.max(abs(w)))
    means = 0.5 * (slopes[:, None] + slopes)
    return np.where(same, means, (f[:, None] - f) / np.where(same, 1.0, gap))


@defvjp(linalg.funm)
def _(ct: Any, out: Any, A: Array, func: Any, disp: Any = True) -> Any:
    refuse_stack(A)
    if not disp:
        return no_error, no_error
    w, v = eigen_complex(A)
    f, pull = linearize(func, w)
    inner = v.T @ ct @ np.linalg.inv(v).T
    _, func_bar = pull(np.diagonal(inner))
    inner_bar = inner * divided(f, pull(np.ones_like(w))[0], w)
    return like(np.linalg.solve(v.T, inner_bar @ v.T), A), func_bar


@defjvp(linalg.funm)
def _(tangents: Any, out: Any, A: Array, func: Any, disp: Any = True) -> Any:
    refuse_stack(A)
    if not disp:
        return no_error
    w, v = eigen_complex(A)
    moved = np.zeros_like(v)
    if tangents[0] is not None:
        f, slopes = push(func, (w,), (np.ones_like(w),), None)
        moved = moved + np.linalg.solve(v, tangents[0] @ v) * divided(f, slopes, w)
    if tangents[1] is not None:
        moved = moved + np.diag(push(func, (w,), (None,), tangents[1])[1])
    return like(v @ moved @ np.linalg.inv(v), out)


# Matrix equations


@defvjp(linalg.solve_sylvester)
def _(ct: Any, out: Any, a: Array, b: Array, q: Array) -> Any:
    refuse_stack(a)
    q_bar = linalg.solve_sylvester(a.T, b.T, ct)
    return -q_bar @ out.T, -out.T @ q_bar, q_bar


@defjvp(linalg.solve_sylvester)
def _(tangents: Any, out: Any, a: Array, b: Array, q: Array) -> Any:
    refuse_stack(a)
    side = 0.0 if tangents[2] is None else tangents[2]
    side = side if tangents[0] is None else side - tangents[0] @ out
    side = side if tangents[1] is None else side - out @ tangents[1]
    return linalg.solve_sylvester(a, b, side)


@defequal(linalg.solve_continuous_lyapunov, linalg.solve_lyapunov)
def _(a: Any, q: Any) -> Any:
    return linalg.solve_sylvester(a, adjoint(a), q)


@defvjp(linalg.solve_discrete_lyapunov)
def _(ct: Any, out: Any, a: Array, q: Array, method: Any = None) -> Any:
    refuse_stack(a)
    q_bar = linalg.solve_discrete_lyapunov(a.T, ct)
    from_left = q_bar @ np.conj(a) @ out.T
    from_right = transpose(np.conj(out).T @ adjoint(a) @ np.conj(q_bar)) if np.iscomplexobj(a) else (
        q_bar.T @ a @ out
    )
    return from_left + from_right, q_bar


@defjvp(linalg.solve_discrete_lyapunov)
def _(tangents: Any, out: Any, a: Array, q: Array, method: Any = None) -> Any:
    refuse_stack(a)
    side = 0.0 if tangents[1] is None else tangents[1]
    if tangents[0] is not None:
        side = side + tangents[0] @ out @ adjoint(a) + a @ out @ adjoint(tangents[0])
    return linalg.solve_discrete_lyapunov(a, side)


@defvjp(linalg.solve_continuous_are)
def _(
    ct: Any, out: Any, a: Array, b: Array, q: Array, r: Array, e: Any = None, s: Any = None,
    balanced: Any = True,
) -> Any:  # fmt: skip
    refuse_stack(a)
    if e is not None or s is not None:
        return generalized, generalized, generalized, generalized, generalized, generalized
    gain = np.linalg.solve(r, b.T @ out)
    y = hermitian(linalg.solve_continuous_lyapunov(a - b @ gain, -ct))
    return 2.0 * out @ y, -2.0 * out @ y @ gain.T, y, gain @ y @ gain.T


generalized = Unknown("a generalized Riccati equation is not differentiated")


@defjvp(linalg.solve_continuous_are)
def _(
    tangents: Any, out: Any, a: Array, b: Array, q: Array, r: Array, e: Any = None, s: Any = None,
    balanced: Any = True,
) -> Any:  # fmt: skip
    refuse_stack(a)
    gain = np.linalg.solve(r, b.T @ out)
    half = 0.0 if tangents[0] is None else out @ tangents[0]
    half = half if tangents[1] is None else half - out @ tangents[1] @ gain
    side = half + np.transpose(half)
    side = side if tangents[2] is None else side + hermitian(tangents[2])
    side = side if tangents[3] is None else side + gain.T @ hermitian(tangents[3]) @ gain
    return linalg.solve_continuous_lyapunov((a - b @ gain).T, -side)
