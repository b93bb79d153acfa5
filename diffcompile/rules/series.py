"""Derivatives of `numpy.polynomial`: series of powers, Chebyshev, Legendre, Hermite and Laguerre polynomials.

    y = chebval(x, c)      x_bar = y_bar * chebval(x, chebder(c));  c_bar = y_bar @ chebvander(x, len(c) - 1)
    d = chebder(c)         c_bar = d_bar @ chebder(np.eye(len(c)))

The six families have the same functions, and each kind is declared for all of them. Nothing here knows a
recurrence: derivatives and integrals are linear in the coefficients, and their matrix is what they make of
the identity; values are linear in the coefficients, and their matrix is the Vandermonde matrix. Coefficients
run from the lowest degree; sums and products drop zeros at the end, and where that happened the coefficients
that went with them have a derivative that the result has no place for, so asking for it raises.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.polynomial import chebyshev, hermite, hermite_e, laguerre, legendre, polynomial

from .broadcast import unbroadcast
from .facts import COMPLEX_OF_REAL
from .polynomials import complete, fit_cotangents, fit_tangent, narrowed, of_statistics
from .register import Array, Unknown, defjvp, defvjp

without_tensor = Unknown("with `tensor=False`, several series are evaluated, each at points of its own")
integration = Unknown("the constants, the bound and the scale of an integral are settings here")
several_degrees = Unknown("the degrees of the fit are given one by one")


def padded(p: Any, length: Any) -> Any:
    """`p`, with zeros at its end up to this length."""
    return np.concatenate([p, np.zeros(length - len(p), p.dtype)])


def values(val: Any, der: Any, vander: Any) -> None:
    """Declare the values of a series at points, and the basis at points."""

    @defvjp(val)
    def _(ct: Any, out: Any, x: Array, c: Array, tensor: Any = True) -> Any:
        if c.ndim > 1 and not tensor:
            return without_tensor, without_tensor
        if c.ndim == 1 and np.ndim(x) == 1:
            return ct * val(x, der(c)), ct @ narrowed(vander(x, len(c) - 1), out.dtype)
        x_bar = unbroadcast(ct * val(x, der(c)), x)
        basis = np.reshape(narrowed(vander(x, len(c) - 1), out.dtype), (*np.shape(x), len(c)))
        points, last = tuple(range(np.ndim(x))), tuple(range(np.ndim(ct) - np.ndim(x), np.ndim(ct)))
        return x_bar, np.tensordot(basis, ct, (points, last))

    @defjvp(val)
    def _(tangents: Any, out: Any, x: Array, c: Array, tensor: Any = True) -> Any:
        x_dot, c_dot = tangents[0], tangents[1]
        along = None if x_dot is None else x_dot * val(x, der(c), tensor)
        if c_dot is None:
            return along
        change = val(x, c_dot, tensor)
        return change if along is None else change + along

    @defvjp(vander)
    def _(ct: Any, out: Any, x: Array, deg: Any) -> Any:
        slopes = basis_slopes(out, der)
        return np.reshape(np.sum(ct * slopes, axis=-1), np.shape(x))

    @defjvp(vander)
    def _(tangents: Any, out: Any, x: Array, deg: Any) -> Any:
        return np.expand_dims(tangents[0], -1) * basis_slopes(out, der)


def basis_slopes(basis: Any, der: Any) -> Any:
    """The derivatives of the polynomials of a basis, given at points along the leading axes."""
    matrix = der(np.eye(basis.shape[-1], dtype=basis.dtype))
    return basis[..., : len(matrix)] @ matrix


def calculus(der: Any, integral: Any) -> None:
    """Declare the derivative and the integral of a series."""

    @defvjp(der)
    def _(ct: Any, out: Any, c: Array, m: Any = 1, scl: Any = 1, axis: Any = 0) -> Any:
        matrix = der(np.eye(c.shape[axis], dtype=c.dtype), m, scl)
        scale_bar = m * np.sum(ct * out) / scl if isinstance(scl, float) else None
        return np.moveaxis(np.tensordot(ct, matrix, (axis, 0)), -1, axis), None, scale_bar

    @defjvp(der)
    def _(tangents: Any, out: Any, c: Array, m: Any = 1, scl: Any = 1, axis: Any = 0) -> Any:
        change = None if tangents[0] is None else der(tangents[0], m, scl, axis)
        if len(tangents) < 3 or tangents[2] is None:
            return change
        scaled = tangents[2] * m * out / scl
        return scaled if change is None else change + scaled

    @defvjp(integral)
    def _(
        ct: Any, out: Any, c: Array, m: Any = 1, k: Any = (), lbnd: Any = 0, scl: Any = 1, axis: Any = 0
    ) -> Any:
        matrix = integral(np.eye(c.shape[axis], dtype=c.dtype), m, [], lbnd, scl)
        c_bar = np.moveaxis(np.tensordot(ct, matrix.astype(c.dtype, copy=False), (axis, 0)), -1, axis)
        return c_bar, None, integration, integration, integration

    @defjvp(integral)
    def _(
        tangents: Any, out: Any, c: Array, m: Any = 1, k: Any = (), lbnd: Any = 0, scl: Any = 1, axis: Any = 0
    ) -> Any:
        return integral(tangents[0], m, [], lbnd, scl, axis)


def arithmetic(add: Any, sub: Any, mul: Any) -> None:
    """Declare the sum, the difference and the product of two series."""

    @defvjp(add)
    def _(ct: Any, out: Any, c1: Array, c2: Array) -> Any:
        ct = complete(ct, max(c1.size, c2.size))
        return np.reshape(ct[: c1.size], np.shape(c1)), np.reshape(ct[: c2.size], np.shape(c2))

    @defjvp(add)
    def _(tangents: Any, out: Any, c1: Array, c2: Array) -> Any:
        c1_dot, c2_dot = tangents
        if c1_dot is None:
            return padded(c2_dot, len(out))
        if c2_dot is None:
            return padded(c1_dot, len(out))
        return padded(c1_dot, len(out)) + padded(c2_dot, len(out))

    @defvjp(sub)
    def _(ct: Any, out: Any, c1: Array, c2: Array) -> Any:
        ct = complete(ct, max(c1.size, c2.size))
        return np.reshape(ct[: c1.size], np.shape(c1)), np.reshape(-ct[: c2.size], np.shape(c2))

    @defjvp(sub)
    def _(tangents: Any, out: Any, c1: Array, c2: Array) -> Any:
        c1_dot, c2_dot = tangents
        if c1_dot is None:
            return padded(-c2_dot, len(out))
        if c2_dot is None:
            return padded(c1_dot, len(out))
        return padded(c1_dot, len(out)) - padded(c2_dot, len(out))

    @defvjp(mul)
    def _(ct: Any, out: Any, c1: Array, c2: Array) -> Any:
        ct = complete(ct, c1.size + c2.size - 1)
        return factor_cotangent(ct, c1, c2, mul), factor_cotangent(ct, c2, c1, mul)

    @defjvp(mul)
    def _(tangents: Any, out: Any, c1: Array, c2: Array) -> Any:
        c1_dot, c2_dot = tangents
        if c1_dot is None:
            return padded(mul(c1, c2_dot), len(out))
        if c2_dot is None:
            return padded(mul(c1_dot, c2), len(out))
        return padded(mul(c1_dot, c2), len(out)) + padded(mul(c1, c2_dot), len(out))


def factor_cotangent(ct: Any, c: Any, other: Any, mul: Any) -> Any:
    """The cotangent of `c` in its product with `other`, from the products of the polynomials of the basis."""
    c_bar = np.zeros_like(c)
    for k in range(len(c)):
        row = mul(np.eye(1, k + 1, k, dtype=c.dtype)[0], other)
        c_bar[k] = ct[: len(row)] @ row
    return c_bar


def quotients(mul: Any, div: Any, power: Any) -> None:
    """Declare the quotient with remainder, and the power of a series."""

    @defvjp(div)
    def _(ct: Any, out: Any, c1: Array, c2: Array) -> Any:
        m, n = max(len(c1) - len(c2) + 1, 1), max(min(len(c1), len(c2) - 1), 1)
        c1_bar = np.zeros_like(c1)
        for k in range(len(c1)):
            quotient, remainder = div(np.eye(1, k + 1, k, dtype=c1.dtype)[0], c2)
            if ct[0] is not None:
                c1_bar[k] += complete(ct[0], m)[: len(quotient)] @ quotient
            if ct[1] is not None:
                c1_bar[k] += complete(ct[1], n)[: len(remainder)] @ remainder
        return c1_bar, -factor_cotangent(c1_bar, c2, out[0], mul)

    @defjvp(div)
    def _(tangents: Any, out: Any, c1: Array, c2: Array) -> Any:
        c1_dot, c2_dot = tangents
        change = np.zeros_like(c1) if c1_dot is None else c1_dot
        change = change if c2_dot is None else change - padded(mul(out[0], c2_dot), len(c1))
        quotient, remainder = div(change, c2)
        return padded(quotient, len(out[0])), padded(remainder, len(out[1]))

    @defvjp(power)
    def _(ct: Any, out: Any, c: Array, pow: Any, maxpower: Any = None) -> Any:
        if pow == 0:
            return np.zeros_like(c)
        ct = complete(ct, pow * (len(c) - 1) + 1)
        return factor_cotangent(pow * ct, c, power(c, pow - 1), mul)

    @defjvp(power)
    def _(tangents: Any, out: Any, c: Array, pow: Any, maxpower: Any = None) -> Any:
        return np.zeros_like(out) if pow == 0 else padded(pow * mul(power(c, pow - 1), tangents[0]), len(out))


def zeros_of(roots: Any, companion: Any, val: Any, der: Any, vander: Any) -> None:
    """Declare the roots of a series, and the matrix that they are the eigenvalues of."""
    COMPLEX_OF_REAL.add(roots)

    @defvjp(roots)
    def _(ct: Any, out: Any, c: Array) -> Any:
        return -(ct / slopes_at(out, c, val, der)) @ vander(out, len(c) - 1)

    @defjvp(roots)
    def _(tangents: Any, out: Any, c: Array) -> Any:
        return -val(out, tangents[0]) / slopes_at(out, c, val, der)

    # Its last column is linear in the coefficients over the last one; the others are constant.

    @defvjp(companion)
    def _(ct: Any, out: Any, c: Array) -> Any:
        ratio_bar = ct[:, -1] * column_slopes(companion, c) / c[-1]
        last_bar = -np.sum(ratio_bar * c[:-1]) / c[-1]
        return np.concatenate([ratio_bar, np.reshape(last_bar, 1)])

    @defjvp(companion)
    def _(tangents: Any, out: Any, c: Array) -> Any:
        ratio_dot = (tangents[0][:-1] - c[:-1] / c[-1] * tangents[0][-1]) / c[-1]
        rest = np.zeros_like(out[:, :-1])
        return np.concatenate([rest, (column_slopes(companion, c) * ratio_dot)[:, None]], axis=1)


def slopes_at(r: Any, c: Any, val: Any, der: Any) -> Any:
    """The slopes of a series at its roots, which must not be repeated."""
    slopes = val(r, der(c))
    if np.any(slopes == 0.0):
        raise np.linalg.LinAlgError("a repeated root has no derivative")
    return slopes


def column_slopes(companion: Any, c: Any) -> Any:
    """The derivatives of the last column of a companion matrix by the coefficients over the last one."""
    one, last = np.ones_like(c), np.zeros_like(c)
    last[-1] = 1.0
    return (companion(one) - companion(last))[:, -1]


def roots_of(fromroots: Any) -> None:
    """Declare the series with given roots."""

    @defvjp(fromroots)
    def _(ct: Any, out: Any, roots: Array) -> Any:
        roots_bar = np.zeros_like(roots)
        for k in range(len(roots)):
            roots_bar[k] = -(ct[:-1] @ fromroots(roots[np.arange(len(roots)) != k]))
        return roots_bar

    @defjvp(fromroots)
    def _(tangents: Any, out: Any, roots: Array) -> Any:
        out_dot = np.zeros_like(out)
        for k in range(len(roots)):
            out_dot[:-1] -= tangents[0][k] * fromroots(roots[np.arange(len(roots)) != k])
        return out_dot


def fits(fit: Any, der: Any, vander: Any) -> None:
    """Declare the least squares fit of a series to points."""

    @defvjp(fit)
    def _(
        ct: Any, out: Any, x: Array, y: Array, deg: Any, rcond: Any = None, full: Any = False, w: Array = None
    ) -> Any:
        if not isinstance(deg, int):
            return several_degrees, several_degrees, None, None, None, several_degrees
        if full and ct[1] is not None:
            return of_statistics, of_statistics, None, None, None, of_statistics
        c, ct = (out[0], ct[0]) if full else (out, ct)
        basis = vander(x, deg)
        x_bar, y_bar, w_bar = fit_cotangents(ct, c, basis, basis_slopes(basis, der), y, w, rcond)
        return x_bar, y_bar, None, 0.0, None, w_bar

    @defjvp(fit)
    def _(
        tangents: Any, out: Any, x: Array, y: Array, deg: Any, rcond: Any = None, full: Any = False,
        w: Array = None,
    ) -> Any:  # fmt: skip
        c = out[0] if full else out
        basis = vander(x, deg)
        given = tangents[0], tangents[1], tangents[5] if len(tangents) > 5 else None
        c_dot = fit_tangent(given, c, basis, basis_slopes(basis, der), y, w, rcond)
        return (c_dot, None) if full else c_dot


for _module, _name in (
    (polynomial, "poly"), (chebyshev, "cheb"), (legendre, "leg"), (hermite, "herm"), (hermite_e, "herme"),
    (laguerre, "lag"),
):  # fmt: skip
    _functions = {
        part: getattr(_module, f"{_name}{part}")
        for part in (
            "val", "der", "int", "vander", "add", "sub", "mul", "div", "pow", "roots", "companion",
            "fromroots", "fit",
        )
    }
    values(_functions["val"], _functions["der"], _functions["vander"])
    calculus(_functions["der"], _functions["int"])
    arithmetic(_functions["add"], _functions["sub"], _functions["mul"])
    quotients(_functions["mul"], _functions["div"], _functions["pow"])
    zeros_of(*[_functions[part] for part in ("roots", "companion", "val", "der", "vander")])
    roots_of(_functions["fromroots"])
    fits(_functions["fit"], _functions["der"], _functions["vander"])
