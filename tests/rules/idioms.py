"""What NumPy users write, one expression a line, by group; `test_idioms.py` differentiates each of them.

The names of the active inputs are those of `ACTIVE`; what is not active is a name of `PASSIVE`. An idiom is
an expression, or statements that assign `out`.
"""

from __future__ import annotations

import fractions
import functools
import itertools
import math
import operator
import statistics
from typing import Any

import numpy as np

ACTIVE: dict[str, Any] = {
    "x": np.array([0.7, -1.3, 2.1, 0.4, 1.9, -0.2]),
    "y": np.array([1.1, 0.6, -0.8, 1.7, -0.5, 2.4]),
    "p": np.array([0.3, 1.7, 0.9, 1.2, 0.6, 2.2]),
    "r": np.array([0.9, 0.4, 2.3, 0.8, 1.1, 1.6]),
    "u": np.array([0.3, -0.7, 0.55, 0.1, -0.25, 0.8]),
    "v": np.array([0.7, -1.3, 2.1]),
    "w": np.array([1.2, 0.5, -0.9]),
    "a": np.array([[0.5, -1.2, 2.0], [1.5, 0.3, -0.7]]),
    "b": np.array([[1.1, 0.2, -0.4], [0.9, -1.6, 0.8]]),
    "m": np.array([[0.5, -1.2, 2.0], [1.5, 0.3, -0.7], [0.9, 2.4, -1.6]]),
    "c": np.linspace(-1.0, 2.3, 24).reshape(2, 3, 4) + 0.31 * np.sin(np.arange(24.0)).reshape(2, 3, 4),
    "h": np.array([0.4, np.nan, 2.1, -0.3, 1.9]),
    "g": np.array([[0.5, np.nan, 2.0], [1.5, 0.3, -0.7]]),
    "z": np.array([0.7 + 0.4j, -1.3 + 0.2j, 0.5 - 1.1j]),
    "t": 0.65,
    "s": 1.35,
}
PASSIVE: dict[str, Any] = {
    "np": np, "math": math, "operator": operator, "functools": functools, "itertools": itertools,
    "statistics": statistics, "fractions": fractions,
    "A": np.array([[0.4, 1.2, -0.8], [0.3, -0.5, 1.6]]),
    "I": np.array([2, 0, 0, 1]),
    "I2": np.array([[2, 0], [1, 1]]),
    "J": np.array([0, 1, 1, 0, 2, 0]),
    "MASK": np.array([True, False, True, True, False, True]),
    "MASK2": np.array([[True, False, True], [False, True, True]]),
    "W": np.array([0.2, 0.5, 0.3, 1.1, 0.7, 0.4]),
    "KNOTS": np.array([-1.5, 0.0, 0.5, 2.5]),
}  # fmt: skip

UFUNCS = """
x + y
x - t
x * y
x / p
p ** y
p ** 2
p ** -1
2.0 ** x
x % p
x // p * x
-x
+x
abs(x)
np.add(x, y)
np.subtract(x, y)
np.multiply(x, y)
np.divide(x, p)
np.true_divide(x, p)
np.power(p, y)
np.pow(p, y)
np.float_power(p, y)
np.mod(x, p)
np.remainder(x, p)
np.fmod(x, p)
np.floor_divide(x, p) * x
np.divmod(x, p)
np.divmod(x, p)[1]
divmod(x, p)[1]
divmod(t, s)[1]
np.maximum(x, y)
np.minimum(x, t)
np.fmax(x, y)
np.fmin(x, y)
np.fmax(h, 0.5)
np.logaddexp(x, y)
np.logaddexp2(x, y)
np.arctan2(x, y)
np.atan2(x, y)
np.hypot(x, y)
np.copysign(x, y)
np.heaviside(x, t)
np.ldexp(x, 3)
np.ldexp(x, J)
np.nextafter(x, 2.0)
np.negative(x)
np.positive(x)
np.abs(x)
np.absolute(x)
np.fabs(x)
np.reciprocal(p)
np.square(x)
np.sqrt(p)
np.cbrt(x)
np.exp(x)
np.exp2(x)
np.expm1(x)
np.log(p)
np.log2(p)
np.log10(p)
np.log1p(p)
np.sin(x)
np.cos(x)
np.tan(x)
np.arcsin(u)
np.arccos(u)
np.arctan(x)
np.asin(u)
np.acos(u)
np.atan(x)
np.sinh(x)
np.cosh(x)
np.tanh(x)
np.arcsinh(x)
np.arccosh(p + 1.0)
np.arctanh(u)
np.asinh(x)
np.acosh(p + 1.0)
np.atanh(u)
np.rad2deg(x)
np.degrees(x)
np.deg2rad(x)
np.radians(x)
np.sinc(x)
np.i0(x)
np.modf(x)
np.modf(x)[0]
np.frexp(x)[0]
np.nan_to_num(h)
np.nan_to_num(h, nan=1.5)
np.sign(x) * x
np.floor(x) * x
np.rint(x) * x
np.trunc(x) * x
np.ceil(x) * x
np.round(x, 1) * x
np.spacing(x) * x
np.real(z)
np.imag(z)
np.conj(z) * z
np.angle(z)
np.angle(z, deg=True)
np.abs(z)
np.real_if_close(x)
z.real * z.imag
np.exp(z)
np.log(z)
np.sqrt(z)
np.sin(z)
np.cos(z)
np.tan(z)
np.arctan(z)
np.arcsin(z)
np.arccos(z)
np.arcsinh(z)
np.arccosh(z)
np.arctanh(z)
np.tanh(z)
np.sinh(z)
np.cosh(z)
np.expm1(z)
np.log1p(z)
np.log2(z)
np.log10(z)
np.exp2(z)
np.reciprocal(z)
np.square(z)
z ** 2
z ** 2.5
z / (z + 2.0)
z * v
np.abs(z) ** 2
np.where(x > 0, x, y)
np.add(x, y, dtype=np.float64)
np.multiply(x, y, where=MASK, out=None)[MASK]
np.bitwise_count(J) * x
np.gcd(J, 6) * x
np.unwrap(4 * x)
"""

REDUCTIONS = """
np.sum(x)
np.sum(a, axis=0)
np.sum(a, axis=-1, keepdims=True)
np.sum(c, axis=(0, 2))
np.sum(a, where=MASK2)
np.sum(a, axis=1, where=MASK2, initial=2.0)
np.sum(x, initial=t)
np.sum(a, axis=0, dtype=np.float64)
a.sum()
a.sum(0)
a.sum(axis=1, keepdims=True)
np.mean(x)
np.mean(a, axis=0)
np.mean(a, axis=-1, keepdims=True)
np.mean(a, where=MASK2)
np.mean(c, axis=(0, 1))
a.mean(1)
np.prod(x)
np.prod(a, axis=0)
np.prod(a, axis=1, initial=2.0)
np.prod(a, where=MASK2)
np.prod(x, initial=t)
np.prod(c, axis=(0, 2))
a.prod(axis=1)
np.var(x)
np.var(a, axis=0)
np.var(a, axis=1, ddof=1)
np.var(a, axis=1, correction=1)
np.var(a, axis=0, mean=np.mean(a, axis=0, keepdims=True))
np.var(a, axis=0, mean=np.ones((1, 3)))
np.var(a, where=MASK2)
np.var(z)
np.std(x)
np.std(a, axis=0)
np.std(a, axis=1, correction=1)
np.std(a, axis=1, mean=np.mean(a, axis=1, keepdims=True))
np.std(a, axis=1, mean=np.ones((2, 1)))
np.std(c, axis=(0, 2), ddof=1, keepdims=True)
np.std(z)
a.var(axis=0, mean=np.ones((1, 3)))
a.std()
a.var(0)
np.max(x)
np.max(a, axis=0)
np.max(a, axis=1, keepdims=True)
np.max(a, axis=1, where=MASK2, initial=-9.0)
np.max(x, initial=t)
np.amax(a, 1)
np.min(a, axis=0)
np.min(c, axis=(0, 2))
np.amin(x)
a.max()
a.min(axis=1)
np.ptp(x)
np.ptp(a, axis=0)
np.ptp(a, axis=1, keepdims=True)
np.cumsum(x)
np.cumsum(a)
np.cumsum(a, axis=0)
np.cumsum(a, axis=-1)
a.cumsum(1)
np.cumprod(x)
np.cumprod(a)
np.cumprod(a, axis=1)
a.cumprod(axis=0)
np.cumulative_sum(x)
np.cumulative_sum(a, axis=0)
np.cumulative_sum(a, axis=1, include_initial=True)
np.cumulative_prod(x)
np.cumulative_prod(a, axis=1)
np.cumulative_prod(a, axis=0, include_initial=True)
np.median(x)
np.median(v)
np.median(a, axis=0)
np.median(a, axis=1, keepdims=True)
np.median(c, axis=(0, 2))
np.median(a)
np.percentile(x, 30)
np.percentile(x, [20, 55, 80])
np.percentile(a, 40.0, axis=1)
np.percentile(a, [25, 75], axis=0)
np.percentile(c, 30, axis=(0, 1), keepdims=True)
np.percentile(x, 10 + 20 * t)
np.quantile(x, 0.3)
np.quantile(x, t)
np.quantile(a, [[0.1, 0.2], [0.4, 0.9]], axis=1)
np.quantile(a, 0.35, axis=0, keepdims=True)
np.quantile(x, 0.35, method="inverted_cdf")
np.quantile(x, 0.35, method="averaged_inverted_cdf")
np.quantile(x, 0.35, method="closest_observation")
np.quantile(x, 0.35, method="interpolated_inverted_cdf")
np.quantile(x, 0.35, method="hazen")
np.quantile(x, 0.35, method="weibull")
np.quantile(x, 0.35, method="linear")
np.quantile(x, 0.35, method="median_unbiased")
np.quantile(x, 0.35, method="normal_unbiased")
np.quantile(x, 0.35, method="lower")
np.quantile(x, 0.35, method="higher")
np.quantile(x, 0.35, method="midpoint")
np.quantile(x, 0.35, method="nearest")
np.quantile(x, 0.35, weights=W, method="inverted_cdf")
np.percentile(x, 35, method="hazen")
np.average(x)
np.average(x, weights=p)
np.average(a, axis=0)
np.average(a, axis=1, weights=v ** 2)
np.average(a, axis=1, weights=np.exp(b))
np.average(a, weights=np.exp(b))
np.average(a, axis=1, weights=v ** 2, returned=True)
np.average(a, axis=1, keepdims=True)
np.nansum(h)
np.nansum(g, axis=0)
np.nansum(g, axis=1, keepdims=True)
np.nansum(g, initial=t)
np.nansum(g, where=MASK2)
np.nanprod(h)
np.nanprod(g, axis=1)
np.nanprod(g, axis=1, initial=2.0)
np.nanmean(h)
np.nanmean(g, axis=0)
np.nanmean(g, axis=1, keepdims=True)
np.nanmean(g, where=MASK2)
np.nanvar(h)
np.nanvar(g, axis=1)
np.nanvar(g, axis=1, ddof=1)
np.nanvar(g, axis=1, correction=1)
np.nanstd(h)
np.nanstd(g, axis=1)
np.nanstd(g, axis=1, ddof=1, keepdims=True)
np.nanmax(h)
np.nanmax(g, axis=0)
np.nanmax(g, axis=1, keepdims=True)
np.nanmin(h)
np.nanmin(g, axis=1)
np.nanmin(g, axis=1, initial=0.1, where=MASK2)
np.nanmedian(h)
np.nanmedian(g, axis=0)
np.nanmedian(g, axis=1, keepdims=True)
np.nanpercentile(h, 30)
np.nanpercentile(g, [30, 60], axis=1)
np.nanquantile(h, 0.3)
np.nanquantile(g, 0.3, axis=0)
np.nanquantile(h, t)
np.nancumsum(h)
np.nancumsum(g, axis=1)
np.nancumprod(h)
np.nancumprod(g, axis=1)
np.add.reduce(a)
np.add.reduce(a, axis=1)
np.add.reduce(a, axis=None)
np.multiply.reduce(a)
np.multiply.reduce(a, axis=1, keepdims=True)
np.subtract.reduce(a, axis=1)
np.divide.reduce(p)
np.maximum.reduce(a)
np.maximum.reduce([v, w])
np.minimum.reduce(a, axis=1)
np.minimum.reduce([v, w, v * w])
np.fmax.reduce(g, axis=1)
np.logaddexp.reduce(x)
np.logaddexp.reduce(a, axis=1)
np.logaddexp2.reduce(a, axis=0)
np.hypot.reduce(a, axis=1)
np.power.reduce(p[:3])
np.arctan2.reduce(p[:3])
np.add.accumulate(x)
np.add.accumulate(a, axis=1)
np.multiply.accumulate(x)
np.multiply.accumulate(a, axis=1)
np.subtract.accumulate(a, axis=1)
np.maximum.accumulate(x)
np.maximum.accumulate(a, axis=1)
np.minimum.accumulate(a)
np.logaddexp.accumulate(x)
np.logaddexp.accumulate(a, axis=1)
np.add.outer(v, w)
np.subtract.outer(v, w)
np.multiply.outer(v, a)
np.divide.outer(v, p)
np.power.outer(p, v)
np.maximum.outer(w, x)
np.minimum.outer(w, x)
np.hypot.outer(v, x)
np.arctan2.outer(v, x)
np.logaddexp.outer(v, x)
np.add.reduceat(x, [0, 2, 4])
np.add.reduceat(a, [0, 2], axis=1)
np.add.reduceat(x, [0, 3, 1, 5])
np.multiply.reduceat(x, [0, 2, 4])
np.maximum.reduceat(x, [0, 2, 4])
np.minimum.reduceat(a, [0, 2], axis=1)
np.ufunc.reduce(np.add, a)
np.argmax(x) * x
x[np.argmax(x)]
np.count_nonzero(x > 0) * x
np.any(x > 0) * x
np.cov(a)
np.cov(a, rowvar=False)
np.cov(x, y)
np.cov(a, bias=True)
np.cov(a, ddof=0)
np.cov(x, y, aweights=W)
np.cov(x, fweights=J + 1)
np.corrcoef(x, y)
np.corrcoef(m)
np.corrcoef(m, rowvar=False)
"""

SHAPES = """
np.reshape(a, (3, 2))
np.reshape(a, -1)
np.reshape(a, (3, 2), order="F")
a.reshape(3, 2)
a.reshape((3, -1))
np.ravel(a)
np.ravel(a, "F")
a.ravel()
a.flatten()
a.flatten("F")
np.transpose(c, (2, 0, 1))
np.transpose(c, [2, 0, 1])
c.transpose(1, 2, 0)
c.transpose([1, 2, 0])
a.T
c.mT
np.matrix_transpose(c)
np.permute_dims(c, (1, 0, 2))
np.swapaxes(c, 0, 2)
c.swapaxes(1, 2)
np.moveaxis(c, 0, -1)
np.moveaxis(c, [0, 1], [-1, 0])
np.rollaxis(c, 2)
np.expand_dims(a, 1)
np.expand_dims(a, (0, 2))
np.squeeze(a[None])
a[None].squeeze(0)
np.atleast_1d(t)
np.atleast_2d(v)
np.atleast_3d(a)
np.atleast_1d(t, v)
np.atleast_2d(t, v)[1]
np.broadcast_to(v, (2, 3))
np.broadcast_to(t, (2, 3))
np.broadcast_arrays(v, a)
np.broadcast_arrays(v, a)[0]
np.broadcast_arrays(t, a)
np.tile(v, 3)
np.tile(a, (2, 2))
np.repeat(v, 2)
np.repeat(a, 2, axis=1)
np.repeat(a, [1, 2], axis=0)
v.repeat(2)
np.roll(x, 2)
np.roll(a, 1, axis=1)
np.roll(a, (1, 2), axis=(0, 1))
np.flip(a)
np.flip(a, 1)
np.flipud(a)
np.fliplr(a)
np.rot90(a)
np.rot90(c, 3, (1, 2))
np.concatenate([v, w])
np.concatenate((a, b), axis=1)
np.concatenate([a, b], axis=None)
np.concat([a, b])
np.concat((v, w, x))
np.stack([v, w])
np.stack([v, w], axis=1)
np.stack((a, b), axis=-1)
np.vstack([v, w])
np.vstack((a, v))
np.row_stack([v, w]) if hasattr(np, "row_stack_") else np.vstack([v, w])
np.hstack([v, w])
np.hstack((a, b))
np.dstack([a, b])
np.column_stack([v, w])
np.block([[a, b], [b, a]])
np.block([v, w])
np.block([[m, v[:, None]], [w, 1.0]])
np.append(v, w)
np.append(v, t)
np.append(a, b, axis=0)
np.insert(x, 2, t)
np.insert(x, [1, 3], t)
np.insert(x, [1, 3], v[:2])
np.insert(a, 1, w[:2], axis=1)
np.insert(a, 1, 0.5, axis=0)
np.insert(a, slice(0, 2), m[:2], axis=0)
np.delete(x, 2)
np.delete(x, [0, 3])
np.delete(a, 1, axis=1)
np.delete(a, slice(0, 2), axis=1)
np.delete(x, MASK)
np.delete(x, -1)
np.resize(a, (3, 4))
np.resize(x, 4)
np.trim_zeros(np.concatenate([np.zeros(2), x, np.zeros(1)]))
np.split(x, 3)
np.split(x, [1, 4])[1]
np.array_split(x, 4)
np.array_split(x, 4)[0]
np.vsplit(a, 2)
np.hsplit(a, 3)
np.dsplit(c, 2)
np.unstack(a)
np.unstack(a, axis=1)[0]
np.array([t, s])
np.array([[t, s], [s, t]])
np.array([v, w])
np.array([v[0], v[1] * t])
np.array((t, 1.0, s))
np.asarray([t, s])
np.asarray(a)
np.asanyarray(a)
np.ascontiguousarray(a.T)
np.asfortranarray(a)
np.array(a, dtype=np.float64)
np.array(a, copy=True, ndmin=3)
np.require(a, requirements="C")
np.asarray_chkfinite(a)
a.copy()
np.copy(a)
a.astype(np.float64)
np.astype(a, np.float64)
np.astype(2.3 * a, np.int64) * a
np.full((2, 3), t)
np.full_like(a, t)
np.full(3, v)
np.zeros_like(a) + a
np.ones_like(a) * a
np.empty_like(a) * 0.0 + a
np.linspace(t, s, 5)
np.linspace(v, w, 4)
np.linspace(t, 2.0, num=5, endpoint=False)
np.linspace(t, s, 5, retstep=True)
np.logspace(t, s, 5)
np.logspace(t, s, 5, base=2.0)
np.logspace(t, 1.0, 5, base=s)
np.geomspace(t, s, 5)
np.geomspace(p[:2], 4.0, 5)
np.geomspace(t, s, 4, endpoint=False)
np.arange(5) * t
np.arange(5.0) * t
np.arange(0.0, 2.0, 0.5) + t
np.arange(t, 4.3, 0.8)
np.diag(v)
np.diag(a)
np.diag(m, 1)
np.diag(v, -1)
np.diagonal(m)
np.diagonal(c, 1, 1, 2)
m.diagonal()
np.diagflat(v)
np.diagflat(a, 1)
np.trace(m)
np.trace(c, axis1=1, axis2=2)
m.trace(1)
np.tril(m)
np.triu(m, 1)
np.tri(3) * m
np.eye(3) * m
np.identity(3) @ m
np.vander(v)
np.vander(v, 4, increasing=True)
np.vander(v, N=2)
np.pad(v, 2)
np.pad(a, ((1, 0), (2, 1)))
np.pad(v, (1, 2), constant_values=(0.5, 1.5))
np.pad(v, 2, constant_values=t)
np.pad(v, 2, mode="constant", constant_values=(t, s))
np.pad(v, 2, "edge")
np.pad(a, ((1, 2), (0, 1)), mode="edge")
np.pad(v, 4, "reflect")
np.pad(v, 4, "reflect", reflect_type="odd")
np.pad(a, ((1, 1), (2, 1)), "symmetric")
np.pad(a, 2, "symmetric", reflect_type="odd")
np.pad(v, 4, "wrap")
np.pad(a, ((1, 2), (3, 1)), "wrap")
np.pad(v, 2, "linear_ramp")
np.pad(v, 2, "linear_ramp", end_values=(0.5, -1.0))
np.pad(v, 2, "linear_ramp", end_values=t)
np.pad(v, 2, "maximum")
np.pad(a, ((1, 1), (2, 0)), "maximum")
np.pad(v, 2, "minimum", stat_length=2)
np.pad(v, 2, "mean")
np.pad(a, 1, "mean", stat_length=2)
np.pad(v, 2, "median")
np.pad(x, 2, "median", stat_length=(2, 3))
np.pad(v, 2, "empty")[2:-2]
np.meshgrid(v, w)
np.meshgrid(v, w)[0]
np.meshgrid(v, w, indexing="ij")[1]
np.meshgrid(v, x, sparse=True)
np.meshgrid(v, w, v)[2]
X, Y = np.meshgrid(v, x); out = X * Y**2
np.r_[v, t, w]
np.r_[v, 0.0, 1.0]
np.r_[v, 0:3, w]
np.r_[0.0:1.0:4j, v]
np.r_[0.0:1.0:3j] * v
np.c_[v, w]
np.c_[a, b]
x[np.s_[1:4]]
a[np.s_[:, 1]]
a[np.index_exp[0, 1:]]
m[np.ix_([0, 2], [1, 2])]
m[np.ix_([0, 2], [1, 2])].sum() * t
np.mgrid[0:3, 0:2] * t
np.ogrid[0:3, 0:3][0] * m
np.mgrid[0:1:5j] * t
np.indices((2, 3))[1] * a
np.indices((2, 3), sparse=True)[0] * a
m[np.diag_indices(3)]
m[np.diag_indices_from(m)]
m[np.tril_indices(3)]
m[np.triu_indices(3, 1)]
m[np.tril_indices_from(m)]
m[np.triu_indices_from(m, 1)]
m[np.mask_indices(3, np.triu)]
np.ndim(a) * a
np.shape(a)[0] * a
np.size(a) * a
np.fromfunction(lambda i, j: i + j, (2, 3)) * a
np.bartlett(6) * x
np.blackman(6) * x
np.hamming(6) * x
np.hanning(6) * x
np.kaiser(6, 3.0) * x
np.unravel_index(3, (2, 3))[0] * a
a[np.unravel_index(3, (2, 3))]
x[np.ravel_multi_index((1, 1), (2, 3))]
np.isdtype(a.dtype, "real floating") * a
np.iscomplexobj(a) * a
np.broadcast_shapes((2, 1), (3,))[0] * a
np.result_type(a, np.float32).itemsize * a
"""

SELECTION = """
x[1]
x[-1]
x[1:4]
x[::2]
x[::-1]
a[0]
a[:, 1]
a[..., 0]
a[None, :, 1:]
x[I]
x[[0, 0, 2]]
a[I2 % 2]
a[[0, 1], [2, 0]]
a[:, I]
x[MASK]
a[MASK2]
x[x > 0]
a[a > 0]
np.take(x, I)
np.take(a, I, axis=1)
np.take(a, 1, axis=0)
np.take(a, [0, 5])
np.take(x, [7, -9], mode="wrap")
np.take(x, [7, -9], mode="clip")
x.take(I)
a.take([0, 2], axis=1)
np.take_along_axis(a, np.argsort(a, axis=1), axis=1)
np.take_along_axis(a, np.argmax(a, axis=1)[:, None], axis=1)
np.take_along_axis(a, np.array([[1, 0, 1]]), axis=0)
np.take_along_axis(x, I, axis=0)
np.take_along_axis(x, I)
np.extract(MASK, x)
np.extract(x > 0, x)
np.extract(MASK2, a)
np.compress(MASK, x)
np.compress([True, False], a, axis=0)
np.compress([True, False, True], a, axis=1)
np.compress([False, True], a)
x.compress(MASK)
a.compress([True, False], axis=0)
np.choose([0, 1, 1], [v, w])
np.choose([0, 1, 1], (v, w))
np.choose(I2, [t, s, 1.0])
np.choose([0, 4, 1], [v, w], mode="clip")
np.choose([0, 3, -1], [v, w], mode="wrap")
np.array([0, 1, 1]).choose([v, w])
np.select([x > 1, x > 0], [x ** 2, x ** 3], 0.5)
np.select([x > 1, x > 0], [x ** 2, 3.0], default=y)
np.select([x > 1], [x * y])
np.piecewise(x, [x < 0, x >= 0], [lambda q: q ** 2, lambda q: q ** 3])
np.piecewise(x, [x < 0], [lambda q: q ** 2, 1.5])
np.piecewise(x, [x < 0, x > 1], [0.0, np.sin, np.cos])
np.piecewise(x, x < 0, [lambda q: q ** 2, lambda q: q])
np.piecewise(x, [x < 0], [lambda q, k: k * q ** 2, lambda q, k: q + k], t)
np.where(x > 0, x ** 2, 0.0)
np.where(MASK, x, y)
np.where(x > t, x, t)
x[np.where(x > 0)]
x[np.nonzero(x > 0)]
x[np.flatnonzero(x > 0)]
a[np.argwhere(a > 0)[:, 0]]
np.clip(x, 0.0, 1.0)
np.clip(x, None, 1.0)
np.clip(x, -1.0, None)
np.clip(x, -p, p)
np.clip(x, t, 2.0)
np.clip(x, min=0.0, max=1.0)
np.clip(x, max=t)
np.clip(a, v - 1.0, v + 0.5)
x.clip(0.0, 1.0)
x.clip(max=1.0)
np.sort(x)
np.sort(a, axis=0)
np.sort(a, axis=None)
np.sort(a)
np.sort(x, kind="stable")
np.sort(x)[::-1]
np.sort(x, stable=True)
np.partition(x, 2)[2]
np.partition(x, 2)[:2].sum()
np.partition(a, 1, axis=1)[:, 1]
np.partition(a, 1, axis=None)[1]
np.sort_complex(z)
np.sort(z)
x[np.argsort(x)]
x[np.argsort(-x)]
x[x.argsort()]
x[np.lexsort((y, x))]
x[np.argpartition(x, 2)[:2]].sum()
x[np.searchsorted(KNOTS, 0.3)]
KNOTS[np.searchsorted(KNOTS, x)] * x
np.digitize(x, KNOTS) * x
np.unique(x)
np.unique(np.concatenate([v, v]))
np.unique(x, return_index=True)[0]
np.unique(x, return_inverse=True)
np.unique(x, return_counts=True)[0]
np.unique_values(x).sum()
np.isin(J, [0, 2]) * x
np.intersect1d(x, x)
np.union1d(v, w)
np.setdiff1d(x, v + 0.05)
np.apply_along_axis(np.sum, 1, a)
np.apply_along_axis(lambda q: q ** 2, 0, a)
np.apply_along_axis(lambda q: np.sum(q ** 2), 1, a)
np.apply_along_axis(np.cumsum, 1, c)
np.apply_along_axis(lambda q, k: q * k, 0, a, t)
np.apply_along_axis(np.diag, -1, a)
np.apply_over_axes(np.sum, c, [0, 2])
np.apply_over_axes(np.max, c, (1,))
np.vectorize(math.sin)(x)
np.vectorize(lambda q: q ** 2 if q > 0 else -q)(x)
np.vectorize(lambda q, k: q * k)(x, t)
np.vectorize(lambda q, k: q * k + t)(a, v)
"""

NUMERIC = """
np.diff(x)
np.diff(x, 2)
np.diff(a, axis=0)
np.diff(a, n=1, axis=-1)
np.diff(x, prepend=0.0)
np.diff(x, prepend=t, append=s)
np.diff(a, axis=1, append=b)
np.ediff1d(x)
np.ediff1d(a)
np.ediff1d(x, to_end=t)
np.ediff1d(x, to_begin=v, to_end=[1.0, 2.0])
np.gradient(x)
np.gradient(x, 0.5)
np.gradient(x, t)
np.gradient(x, np.array([0.0, 0.5, 1.5, 2.0, 3.5, 4.0]))
np.gradient(x, np.cumsum(p))
np.gradient(x, edge_order=2)
np.gradient(x, np.cumsum(p), edge_order=2)
np.gradient(x, 0.3, edge_order=2)
np.gradient(m)
np.gradient(m)[0]
np.gradient(m, axis=0)
np.gradient(m, axis=(0, 1))
np.gradient(m, 0.5, t)
np.gradient(m, 0.5, axis=1)
np.gradient(m, t, np.cumsum(v ** 2))
np.gradient(c, axis=-1)
np.convolve(x, v)
np.convolve(x, v, "same")
np.convolve(x, v, mode="valid")
np.convolve(v, x, "same")
np.convolve(v, x, "valid")
np.convolve(x[:4], y[:2], "same")
np.convolve(x, [1.0, -2.0, 0.5])
np.convolve(z, v)
np.correlate(x, v)
np.correlate(x, v, "same")
np.correlate(x, v, mode="full")
np.correlate(v, x)
np.correlate(v, x, "full")
np.correlate(z, v, "full")
np.correlate(v, z, "full")
np.interp(t, [0.0, 0.5, 1.0], v)
np.interp(x, KNOTS, [1.0, 2.0, 5.0, 3.0])
np.interp(x, KNOTS, p[:4])
np.interp(x, np.cumsum(p) - 3.0, y)
np.interp(x, KNOTS, p[:4], left=t, right=s)
np.interp(x, KNOTS, p[:4], period=2.0)
np.interp(x, [0.1, 0.75, 1.3], v, period=2.5)
np.interp(x, [0.1, 0.75, 1.3], z)
np.trapezoid(x)
np.trapezoid(x, dx=0.5)
np.trapezoid(x, np.cumsum(p))
np.trapezoid(x, dx=t)
np.trapezoid(a, axis=0)
np.trapezoid(a, v, axis=1)
np.trapezoid(a, b, axis=-1)
np.cross(v, w)
np.cross(a, b)
np.cross(m, v, axis=0)
np.unwrap(x * 3.0)
np.unwrap(a * 4.0, axis=0)
np.unwrap(x * 3.0, period=2.0)
np.unwrap(x * 3.0, discont=4.0)
np.bincount(J, weights=x)
np.bincount(J, weights=x, minlength=5)
np.bincount(J, x)
np.histogram(W, bins=3, weights=x)[0]
np.histogram(W, bins=[0.0, 0.4, 1.2], weights=x)[0]
np.histogram(W, bins=3, range=(0.0, 1.0), weights=x)[0]
np.histogram(W, bins=3, weights=x, density=True)[0]
np.histogram(x, bins=3)[0] * v
np.histogram2d(W, W, bins=2, weights=x)[0]
np.histogramdd(np.stack([W, W], 1), bins=2, weights=x)[0]
np.dot(v, w)
np.dot(a, v)
np.vdot(v, w)
np.inner(a, b)
np.outer(v, w)
a @ v
a @ b.T
np.matmul(a, m)
np.tensordot(a, b, 2)
np.tensordot(c, m, axes=([1], [0]))
np.einsum("ij,ij->i", a, b)
np.einsum("ii", m)
np.kron(a, v)
np.vecdot(a, b)
np.matvec(a, v)
np.vecmat(v, m)
np.linalg.norm(x)
np.linalg.norm(a, axis=1)
np.polyval([1.0, 2.0, 3.0], x)
np.polyval(v, x)
np.float64(t) * x
np.float32(1.5) * x
float(x[0]) * x
int(t * 10) * x
complex(t, s).real * t
abs(complex(t, s))
round(t, 2) * x
x.item(2) * x
x.tolist()[1] * x
x.dot(y)
a.dot(v)
z.conj() * z
z.conjugate() * z
x.round(1) * x
x.nonzero()[0][0] * x
x.view() * x
x.nbytes * x
"""

PYTHON = """
math.sin(t)
math.cos(t)
math.tan(t)
math.asin(t)
math.acos(t)
math.atan(t)
math.atan2(t, s)
math.sinh(t)
math.cosh(t)
math.tanh(t)
math.asinh(t)
math.acosh(s)
math.atanh(t)
math.exp(t)
math.exp2(t)
math.expm1(t)
math.log(t)
math.log(t, s)
math.log(t, 2)
math.log2(t)
math.log10(t)
math.log1p(t)
math.pow(t, s)
math.sqrt(t)
math.cbrt(t)
math.hypot(t, s)
math.hypot(t, s, 2.0)
math.hypot(*x)
math.fabs(t)
math.copysign(t, -s)
math.fmod(s, t)
math.remainder(s, t)
math.modf(s)
math.modf(s)[0]
math.frexp(s)
math.frexp(s)[0]
math.ldexp(t, 3)
math.degrees(t)
math.radians(t)
math.erf(t)
math.erfc(t)
math.gamma(t)
math.gamma(s)
math.lgamma(t)
math.lgamma(-t)
math.fsum([t, s, t * s])
math.fsum(x)
math.prod([t, s, 2.0])
math.prod([t, s], start=3.0)
math.prod([t, s], start=t)
math.prod(x)
math.dist([t, s], [1.0, 2.0])
math.dist(v, w)
math.dist((t, 0.5), (s, t))
math.sumprod([t, s], [s, 2.0]) if hasattr(math, "sumprod") else t * s + s * 2.0
math.floor(s) * t
math.ceil(s) * t
math.trunc(s) * t
math.comb(5, 2) * t
math.perm(5, 2) * t
math.factorial(4) * t
math.gcd(12, 8) * t
math.isqrt(17) * t
math.nextafter(t, 2.0)
math.ulp(t) + t
math.isclose(t, s) + t
math.pi * t
math.fma(t, s, t) if hasattr(math, "fma") else t * s + t
statistics.mean([t, s, 2.0])
statistics.mean(x)
statistics.fmean([t, s])
statistics.fmean(x)
statistics.fmean([t, s], weights=[s, 2.0])
statistics.variance([t, s, 2.0])
statistics.variance([t, s, 2.0], t)
statistics.pvariance([t, s, 2.0])
statistics.stdev([t, s, 2.0])
statistics.stdev(x)
statistics.pstdev([t, s, 2.0])
statistics.median([t, s, 2.0])
statistics.median([t, s])
statistics.median_low([t, s])
statistics.geometric_mean([t, s, 2.0])
statistics.harmonic_mean([t, s, 2.0])
statistics.harmonic_mean([t, s], weights=[1.0, 2.0])
statistics.covariance([t, s, 2.0], [s, 1.0, t])
statistics.correlation([t, s, 2.0], [s, 1.0, t])
statistics.linear_regression([t, s, 2.0], [s, 1.0, t])[0]
operator.add(t, s)
operator.sub(t, s)
operator.mul(t, s)
operator.truediv(t, s)
operator.pow(t, s)
operator.mod(s, t)
operator.neg(t)
operator.pos(t)
operator.abs(-t)
operator.matmul(a, v)
operator.floordiv(s, t) * t
operator.getitem(x, 1)
operator.itemgetter(1)(x)
operator.itemgetter(1, 2)(x)
operator.concat([t], [s])
operator.iadd(t, s)
operator.imul(t, s)
operator.call(math.sin, t)
functools.reduce(operator.mul, [t, s, 2.0])
functools.reduce(operator.mul, x)
np.fromiter((q * q for q in x), float)
np.fromiter(x, dtype=float, count=2)
functools.reduce(lambda q, k: q * k + 1.0, x)
functools.reduce(lambda q, k: q * k + 1.0, x, t)
functools.reduce(lambda q, k: q @ k, [m, m, v])
functools.partial(np.multiply, t)(x)
functools.partial(lambda q, k: q * k, k=s)(x)
list(itertools.accumulate([t, s, 2.0]))
list(itertools.accumulate(x))
list(itertools.accumulate(x, operator.mul))
list(itertools.accumulate([t, s], lambda q, k: q * k))
list(itertools.accumulate(x, operator.mul, initial=t))
list(itertools.accumulate([t, s], initial=2.0))[-1]
sum(q * k for q, k in itertools.pairwise(x))
sum(q * k for q, k in itertools.pairwise([t, s, 2.0]))
sum(q * k for q, k in itertools.product([t, s], [1.0, t]))
sum(q * k for q, k in itertools.product(v, w))
sum(q * k for q, k in itertools.combinations([t, s, 2.0], 2))
sum(q * k for q, k in itertools.combinations(x, 2))
sum(itertools.chain([t, s], [2.0]))
sum(q * k for q, k in zip(x, itertools.repeat(t)))
sum(q * k for q, k in zip(x, itertools.count(1)))
sum(q for q in itertools.islice(x, 1, 4))
sum(q * k for q, k in itertools.zip_longest([t, s], [t], fillvalue=2.0))
sum(itertools.starmap(operator.mul, [(t, s), (s, 2.0)]))
sum(x)
sum([t, s])
sum((t, s), start=2.0)
sum([t, s], s)
sum([v, w])
sum([v, w], start=v)
sum(q ** 2 for q in x)
sum(map(math.sin, [t, s]))
sum(map(math.sin, x))
sum(map(lambda q, k: q * k, x, y))
list(map(lambda q: q ** 2, [t, s]))
list(map(lambda q: q ** 2, x))
sum(filter(lambda q: q > 0, x))
sum(filter(lambda q: q > 1, [t, s]))
sum(filter(None, [t, 0.0, s]))
sorted([s, t, 2.0])
sorted(x)
sorted(x, reverse=True)
sorted(x, key=lambda q: -q)
sorted([s, t, -2.0], key=abs)
max(t, s)
min(t, s, 0.2)
max([t, s])
max(x)
min(x)
max(x, key=abs)
max([t, -s], key=abs)
max(t, -s, key=lambda q: q ** 2)
max([t, s], default=0.0)
min([], default=t)
max(x, default=t)
list(reversed([t, s]))
list(reversed(x))
[q * k for q, k in zip(x, y)]
[q * k for q, k in enumerate(x)]
any([t > 0, s > 2]) * t
all(q > -2 for q in x) * t
len([t, s]) * t
pow(t, s)
pow(t, 3)
abs(-t)
float(t) * t
int(s) * t
bool(t) * t
round(s) * t
divmod(s, t)[1]
complex(t, s).imag * t
"""

RANDOM = """
rng = np.random.default_rng(3); out = rng.normal(t, s)
rng = np.random.default_rng(3); out = rng.normal(t, p)
rng = np.random.default_rng(3); out = rng.normal(v, 1.0, size=(2, 3))
rng = np.random.default_rng(3); out = rng.normal(loc=t, scale=s, size=4)
rng = np.random.default_rng(3); out = t + s * rng.standard_normal(4)
rng = np.random.default_rng(3); out = t * rng.random(4)
rng = np.random.default_rng(3); out = t * rng.random()
rng = np.random.default_rng(3); out = rng.uniform(t, s)
rng = np.random.default_rng(3); out = rng.uniform(t, 2.0, size=3)
rng = np.random.default_rng(3); out = rng.uniform(low=t, high=s, size=(2, 2))
rng = np.random.default_rng(3); out = rng.exponential(t)
rng = np.random.default_rng(3); out = rng.exponential(p)
rng = np.random.default_rng(3); out = rng.exponential(scale=t, size=3)
rng = np.random.default_rng(3); out = rng.laplace(t, s)
rng = np.random.default_rng(3); out = rng.logistic(t, s, 3)
rng = np.random.default_rng(3); out = rng.gumbel(t, s, 3)
rng = np.random.default_rng(3); out = rng.lognormal(t, s, 3)
rng = np.random.default_rng(3); out = rng.rayleigh(t, 3)
rng = np.random.default_rng(3); out = rng.weibull(t, 3)
rng = np.random.default_rng(3); out = rng.pareto(s, 3)
rng = np.random.default_rng(3); out = rng.power(s, 3)
rng = np.random.default_rng(3); out = t * rng.standard_exponential(3)
rng = np.random.default_rng(3); out = t * rng.standard_gamma(2.0, 3)
rng = np.random.default_rng(3); out = rng.gamma(2.0, t, 3)
rng = np.random.default_rng(3); out = t * rng.integers(1, 9, 3)
rng = np.random.default_rng(3); out = t * rng.poisson(3.0, 3)
rng = np.random.default_rng(3); out = t * rng.choice(4)
rng = np.random.default_rng(3); out = rng.choice(x)
rng = np.random.default_rng(3); out = rng.choice(x, 4)
rng = np.random.default_rng(3); out = rng.permutation(x)
rng = np.random.default_rng(3); out = rng.permuted(a, axis=1)
rng = np.random.default_rng(3); out = x[rng.permutation(6)]
rng = np.random.default_rng(3); out = rng.multivariate_normal(v, np.eye(3))
rng = np.random.default_rng(3); out = t * rng.beta(2.0, 3.0)
rng = np.random.default_rng(3); out = t * rng.binomial(5, 0.4)
rng = np.random.default_rng(3); out = rng.triangular(0.1, t, 2.0, 3)
rng = np.random.RandomState(3); out = rng.normal(t, s, 3)
rng = np.random.RandomState(3); out = t * rng.rand(3)
rng = np.random.RandomState(3); out = t * rng.randn(3)
rng = np.random.RandomState(3); out = rng.uniform(t, s, 3)
np.random.seed(3); out = np.random.normal(t, s, 3)
np.random.seed(3); out = t * np.random.rand(3)
np.random.seed(3); out = np.random.uniform(t, s)
np.random.seed(3); out = np.random.exponential(t, 3)
"""

GROUPS: dict[str, str] = {
    "ufuncs": UFUNCS, "reductions": REDUCTIONS, "shapes": SHAPES, "selection": SELECTION, "numeric": NUMERIC,
    "python": PYTHON, "random": RANDOM,
}  # fmt: skip
IDIOMS: list[tuple[str, str]] = [
    (group, line) for group, text in GROUPS.items() for line in text.strip().split("\n")
]

NO_RULE = "no derivative is known for"
REFUSED: dict[str, str] = {
    "np.multiply(x, y, where=MASK, out=None)[MASK]": "is not known for this call",
    "np.power.reduce(p[:3])": NO_RULE,
    "np.arctan2.reduce(p[:3])": NO_RULE,
    "np.ufunc.reduce(np.add, a)": NO_RULE,
    "np.intersect1d(x, x)": "which numbers two arrays share changes with every move of one",
    "np.histogram2d(W, W, bins=2, weights=x)[0]": "is found for one axis at a time",
    "np.histogramdd(np.stack([W, W], 1), bins=2, weights=x)[0]": "is found for one axis at a time",
    "x.view() * x": NO_RULE,
    "math.hypot(*x)": "`*` of a sequence whose length is not known here",
    "sum(q * k for q, k in zip(x, itertools.repeat(t)))": NO_RULE,
    "rng = np.random.default_rng(3); out = rng.choice(x)": NO_RULE,
    "rng = np.random.default_rng(3); out = rng.choice(x, 4)": NO_RULE,
    "rng = np.random.default_rng(3); out = rng.permutation(x)": NO_RULE,
    "rng = np.random.default_rng(3); out = rng.permuted(a, axis=1)": NO_RULE,
    "rng = np.random.default_rng(3); out = rng.multivariate_normal(v, np.eye(3))": NO_RULE,
    "rng = np.random.default_rng(3); out = rng.triangular(0.1, t, 2.0, 3)": NO_RULE,
    "sum(q * k for q, k in itertools.zip_longest([t, s], [t], fillvalue=2.0))": NO_RULE,
}
