"""Derivatives of statistics of samples: averages, covariances, correlations, histograms.

    y = np.average(x, weights=w)      x_bar = y_bar * w / np.sum(w),  w_bar = y_bar * (x - y) / np.sum(w)
    y = np.bincount(i, weights=w)     w_bar = y_bar[i]
"""

from __future__ import annotations

import statistics
from typing import Any

import numpy as np

from .broadcast import unbroadcast
from .facts import static
from .reduce import count, restored, shared, spread
from .register import Array, defequal, defjvp, defvjp, nondifferentiable
from .shape import inverse, undone_difference_in_row

nondifferentiable(np.histogram_bin_edges)


# Averages


def order_of(axes: Any, ndim: Any) -> Any:
    """How weights that lie along `axes` are transposed, and the axes to put between theirs.

    >>> order_of((2, 0), 3), order_of(1, 3)
    (([1, 0], (1,)), (None, (0, 2)))
    """
    if not isinstance(axes, tuple):
        return None, tuple([i for i in range(ndim) if i != axes % ndim])
    return ascending(axes, ndim), tuple([i for i in range(ndim) if i not in [axis % ndim for axis in axes]])


@static
def ascending(axes: Any, ndim: Any) -> Any:
    """The order that makes these axes ascend.

    >>> ascending((2, -3), 3)
    [1, 0]
    """
    return np.argsort([axis % ndim for axis in axes]).tolist()


def aligned(weights: Any, a: Any, axis: Any) -> Any:
    """`weights` in the place of the axes of `a` that they belong to."""
    if axis is None or np.ndim(weights) == np.ndim(a):
        return weights
    order, others = order_of(axis, np.ndim(a))
    if order is None:
        return np.expand_dims(weights, others)
    return np.expand_dims(np.transpose(weights, order), others)


def from_aligned(wide: Any, weights: Any, a: Any, axis: Any) -> Any:
    """The cotangent of `weights` from that of `aligned(weights, a, axis)`."""
    if axis is None or np.ndim(weights) == np.ndim(a):
        return wide
    order, others = order_of(axis, np.ndim(a))
    if order is None:
        return np.squeeze(wide, others)
    return np.transpose(np.squeeze(wide, others), inverse(order))


@defvjp(np.average)
def _(
    ct: Any, out: Any, a: Array, axis: Any = None, weights: Array = None, returned: Any = False, *,
    keepdims: Any = False,
) -> Any:  # fmt: skip
    mean, mean_bar, total_bar = (out[0], ct[0], ct[1]) if returned else (out, ct, None)
    if mean_bar is None:
        mean_bar = np.zeros_like(mean)
    if weights is None:
        return spread(restored(mean_bar / count(a, axis), axis, keepdims), a, True)
    wide = aligned(weights, a, axis)
    total = np.sum(np.broadcast_to(wide, np.shape(a)), axis, keepdims=True)
    share = restored(mean_bar, axis, keepdims) / total
    wide_bar = share * (a - restored(mean, axis, keepdims))
    if total_bar is not None:
        wide_bar = wide_bar + restored(total_bar, axis, keepdims)
    weights_bar = from_aligned(unbroadcast(wide_bar, wide), weights, a, axis)
    return np.broadcast_to(share * wide, np.shape(a)), None, weights_bar, None, None


@defjvp(np.average)
def _(
    tangents: Any, out: Any, a: Array, axis: Any = None, weights: Array = None, returned: Any = False, *,
    keepdims: Any = False,
) -> Any:  # fmt: skip
    mean = out[0] if returned else out
    a_dot = np.zeros_like(a) if tangents[0] is None else tangents[0]
    if weights is None:
        mean_dot = np.mean(a_dot, axis, keepdims=keepdims)
        return (mean_dot, np.zeros_like(out[1])) if returned else mean_dot
    wide = np.broadcast_to(aligned(weights, a, axis), np.shape(a))
    total, total_dot = np.sum(wide, axis, keepdims=keepdims), np.zeros_like(mean)
    rate = a_dot * wide
    if tangents[2] is not None:
        wide_dot = np.broadcast_to(aligned(tangents[2], a, axis), np.shape(a))
        rate = rate + (a - restored(mean, axis, keepdims)) * wide_dot
        total_dot = np.sum(wide_dot, axis, keepdims=keepdims)
    mean_dot = np.sum(rate, axis, keepdims=keepdims) / total
    return (mean_dot, total_dot) if returned else mean_dot


# Covariance: rows are variables, columns are observations


def variables(x: Any, rowvar: Any) -> Any:
    """`x` with one row for each variable."""
    if np.ndim(x) < 2:
        return np.reshape(x, (1, -1))
    return x if rowvar else x.T


def rows_of(x: Any, y: Any, rowvar: Any) -> Any:
    """The variables of `x`, then those of `y`."""
    if y is None:
        return variables(x, rowvar)
    return np.concatenate([variables(x, rowvar), variables(y, rowvar)])


def parts_of(rows_bar: Any, x: Any, y: Any, rowvar: Any) -> Any:
    """The cotangents of `x` and `y` from that of `rows_of(x, y, rowvar)`."""
    if y is None:
        return np.reshape(rows_bar if rowvar or np.ndim(x) < 2 else rows_bar.T, np.shape(x)), None
    n = len(variables(x, rowvar))
    x_bar, y_bar = rows_bar[:n], rows_bar[n:]
    if not rowvar:
        x_bar, y_bar = x_bar.T, y_bar.T
    return np.reshape(x_bar, np.shape(x)), np.reshape(y_bar, np.shape(y))


def weights_of(fweights: Any, aweights: Any) -> Any:
    """The weight of each observation; one number for all where none are given."""
    if fweights is None:
        return 1.0 if aweights is None else np.asarray(aweights)
    return np.asarray(fweights) if aweights is None else np.asarray(fweights) * aweights


def freedom(rows: Any, w: Any, bias: Any, ddof: Any, aweights: Any) -> Any:
    """What the sum of products is divided by."""
    ddof = (0 if bias else 1) if ddof is None else ddof
    if np.ndim(w) == 0:
        return rows.shape[1] - ddof
    if aweights is None or ddof == 0:
        return np.sum(w) - ddof
    return np.sum(w) - ddof * np.sum(w * aweights) / np.sum(w)


def centred_rows(rows: Any, w: Any) -> Any:
    """The distance of each observation from the mean."""
    if np.ndim(w) == 0:
        return rows - rows.mean(axis=1, keepdims=True)
    return rows - np.sum(rows * w, axis=1, keepdims=True) / np.sum(w)


def rows_cotangent(ct: Any, rows: Any, w: Any, n: Any) -> Any:
    """The cotangent of the rows whose covariance has the cotangent `ct`."""
    away = centred_rows(rows, w)
    if np.iscomplexobj(away):
        return (ct @ np.conj(away) + np.conj(ct.T @ away)) * w / n
    return (ct + ct.T) @ away * w / n


@defvjp(np.cov)
def _(
    ct: Any, out: Any, m: Any, y: Any = None, rowvar: Any = True, bias: Any = False, ddof: Any = None,
    fweights: Any = None, aweights: Any = None, *, dtype: Any = None,
) -> Any:  # fmt: skip
    rows, w = rows_of(m, y, rowvar), weights_of(fweights, aweights)
    k, n = len(rows), freedom(rows, w, bias, ddof, aweights)
    ct = np.reshape(ct, (k, k))
    m_bar, y_bar = parts_of(rows_cotangent(ct, rows, w, n), m, y, rowvar)
    if aweights is None:
        return m_bar, y_bar, None, None, None, None, None
    away, f = centred_rows(rows, w), 1.0 if fweights is None else np.asarray(fweights)
    ddof = (0 if bias else 1) if ddof is None else ddof
    n_bar = -np.real(np.sum(ct * np.reshape(out, (k, k)))) / n
    total = np.sum(w)
    n_rate = f - ddof * f * (2 * aweights / total - np.sum(w * aweights) / total**2)
    w_bar = np.real(np.sum(away * (ct @ np.conj(away)), axis=0)) / n
    return m_bar, y_bar, None, None, None, None, f * w_bar + n_bar * n_rate


@defjvp(np.cov)
def _(
    tangents: Any, out: Any, m: Any, y: Any = None, rowvar: Any = True, bias: Any = False, ddof: Any = None,
    fweights: Any = None, aweights: Any = None, *, dtype: Any = None,
) -> Any:  # fmt: skip
    rows, w = rows_of(m, y, rowvar), weights_of(fweights, aweights)
    n, away = freedom(rows, w, bias, ddof, aweights), centred_rows(rows, w)
    m_dot = np.zeros_like(m) if tangents[0] is None else tangents[0]
    y_dot = tangents[1] if y is None or tangents[1] is not None else np.zeros_like(y)
    half = rows_of(m_dot, y_dot, rowvar) @ np.conj(away * w).T / n
    dot = half + np.conj(half).T
    if aweights is not None and tangents[6] is not None:
        f, total = 1.0 if fweights is None else np.asarray(fweights), np.sum(w)
        ddof = (0 if bias else 1) if ddof is None else ddof
        n_rate = f - ddof * f * (2 * aweights / total - np.sum(w * aweights) / total**2)
        dot = dot + (away * (f * tangents[6])) @ np.conj(away).T / n
        dot = dot - np.reshape(out, dot.shape) * np.sum(n_rate * tangents[6]) / n
    return np.reshape(dot, np.shape(out))


@defvjp(np.corrcoef)
def _(ct: Any, out: Any, x: Any, y: Any = None, rowvar: Any = True, *, dtype: Any = None) -> Any:
    if np.ndim(out) == 0:
        return np.zeros_like(x), None, None
    rows = rows_of(x, y, rowvar)
    away = centred_rows(rows, 1.0)
    n = np.sum(np.abs(away) ** 2, axis=1)
    scaled = ct / np.sqrt(n[:, None] * n)
    along = np.real(np.sum(ct * out, axis=1) + np.sum(ct * out, axis=0)) / n
    rows_bar = rows_cotangent(scaled, rows, 1.0, 1) - along[:, None] * np.conj(away)
    x_bar, y_bar = parts_of(rows_bar, x, y, rowvar)
    return x_bar, y_bar, None


@defjvp(np.corrcoef)
def _(tangents: Any, out: Any, x: Any, y: Any = None, rowvar: Any = True, *, dtype: Any = None) -> Any:
    if np.ndim(out) == 0:
        return np.zeros_like(out)
    away = centred_rows(rows_of(x, y, rowvar), 1.0)
    x_dot = np.zeros_like(x) if tangents[0] is None else tangents[0]
    y_dot = tangents[1] if y is None or tangents[1] is not None else np.zeros_like(y)
    n = np.sum(np.abs(away) ** 2, axis=1)
    half = rows_of(x_dot, y_dot, rowvar) @ np.conj(away).T
    rate = np.real(np.diagonal(half)) / n
    return (half + np.conj(half).T) / np.sqrt(n[:, None] * n) - out * (rate[:, None] + rate)


# Histograms: the samples choose a bin, the weights add up in it


@defvjp(np.bincount)
def _(ct: Any, out: Any, x: Any, weights: Any = None, minlength: Any = 0) -> Any:
    return None, None if weights is None else ct[x], None


@defjvp(np.bincount)
def _(tangents: Any, out: Any, x: Any, weights: Any = None, minlength: Any = 0) -> Any:
    return np.bincount(x, tangents[1], minlength)


def bin_of(a: Any, edges: Any) -> Any:
    """The bin of each sample, one past the last for those in none; the last bin has both its edges."""
    n = len(edges) - 1
    place = np.searchsorted(edges, np.ravel(a), side="right") - 1
    place = np.where(np.ravel(a) == edges[-1], n - 1, place)
    return np.where(place < 0, n, place)


@defvjp(np.histogram)
def _(
    ct: Any, out: Any, a: Any, bins: Any = 10, range: Any = None, density: Any = None, weights: Any = None
) -> Any:
    hist, edges = out
    hist_bar = np.zeros(len(hist), edges.dtype) if ct[0] is None else ct[0]
    edges_bar = np.zeros_like(edges) if ct[1] is None else ct[1]
    weights_bar = None
    if density:
        widths = np.diff(edges)
        place = bin_of(a, edges)
        mask = place < len(hist)
        inside = np.sum(mask if weights is None else np.ravel(weights)[mask])
        edges_bar = edges_bar + undone_difference_in_row(-hist_bar * hist / widths, edges, 1)
        hist_bar = (hist_bar / widths - np.sum(hist_bar * hist)) / inside
    if weights is not None:
        padded = np.concatenate([hist_bar, np.zeros_like(hist_bar[:1])])
        weights_bar = np.reshape(padded[bin_of(a, edges)], np.shape(weights))
    bins_bar, range_bar, a_bar = None, None, None
    t = np.linspace(0.0, 1.0, len(edges), dtype=edges.dtype)
    first_bar, last_bar = np.sum(edges_bar * (1.0 - t)), np.sum(edges_bar * t)
    if not isinstance(bins, (int, str)):
        bins_bar = edges_bar
    elif range is not None:
        range_bar = (first_bar, last_bar)
    else:
        a_bar = shared(last_bar, np.max(a), a, None) + shared(first_bar, np.min(a), a, None)
    return a_bar, bins_bar, range_bar, None, weights_bar


@defjvp(np.histogram)
def _(
    tangents: Any, out: Any, a: Any, bins: Any = 10, range: Any = None, density: Any = None,
    weights: Any = None,
) -> Any:  # fmt: skip
    hist, edges = out
    n = len(hist)
    place = bin_of(a, edges)
    edges_dot = np.zeros_like(edges)
    t = np.linspace(0.0, 1.0, len(edges), dtype=edges.dtype)
    if not isinstance(bins, (int, str)):
        edges_dot = edges_dot if tangents[1] is None else np.asarray(tangents[1])
    elif range is not None:
        if tangents[2] is not None:
            edges_dot = (1.0 - t) * tangents[2][0] + t * tangents[2][1]
    elif tangents[0] is not None:
        first, last = shared(tangents[0], np.min(a), a, None), shared(tangents[0], np.max(a), a, None)
        edges_dot = (1.0 - t) * np.sum(first) + t * np.sum(last)
    counts_dot = np.zeros(n, edges.dtype)
    if tangents[4] is not None:
        counts_dot = np.bincount(place, np.ravel(tangents[4]), n + 1)[:n]
    if not density:
        return counts_dot, edges_dot
    inside = np.sum(place < n) if weights is None else np.sum(np.ravel(weights)[place < n])
    widths = np.diff(edges)
    hist_dot = counts_dot / (widths * inside) - hist * np.sum(counts_dot) / inside
    return hist_dot - hist * np.diff(edges_dot) / widths, edges_dot


# Python's own `statistics`: the same values by NumPy's functions


@defequal(statistics.mean)
def _(data: Any) -> Any:
    return np.mean(np.asarray(data))


@defequal(statistics.fmean)
def _(data: Any, weights: Any = None) -> Any:
    if weights is None:
        return np.mean(np.asarray(data))
    return np.average(np.asarray(data), weights=np.asarray(weights))


@defequal(statistics.variance)
def _(data: Any, xbar: Any = None) -> Any:
    if xbar is None:
        return np.var(np.asarray(data), ddof=1)
    return np.sum((np.asarray(data) - xbar) ** 2) / (len(data) - 1)


@defequal(statistics.pvariance)
def _(data: Any, mu: Any = None) -> Any:
    if mu is None:
        return np.var(np.asarray(data))
    return np.mean((np.asarray(data) - mu) ** 2)


@defequal(statistics.stdev)
def _(data: Any, xbar: Any = None) -> Any:
    if xbar is None:
        return np.std(np.asarray(data), ddof=1)
    return np.sqrt(np.sum((np.asarray(data) - xbar) ** 2) / (len(data) - 1))


@defequal(statistics.pstdev)
def _(data: Any, mu: Any = None) -> Any:
    if mu is None:
        return np.std(np.asarray(data))
    return np.sqrt(np.mean((np.asarray(data) - mu) ** 2))


@defequal(statistics.median)
def _(data: Any) -> Any:
    return np.median(np.asarray(data))


@defequal(statistics.median_low)
def _(data: Any) -> Any:
    return np.quantile(np.asarray(data), 0.5, method="lower")


@defequal(statistics.median_high)
def _(data: Any) -> Any:
    return np.quantile(np.asarray(data), 0.5, method="higher")


@defequal(statistics.geometric_mean)
def _(data: Any) -> Any:
    return np.exp(np.mean(np.log(np.asarray(data))))


@defequal(statistics.harmonic_mean)
def _(data: Any, weights: Any = None) -> Any:
    if weights is None:
        return 1 / np.mean(1 / np.asarray(data))
    return np.sum(np.asarray(weights)) / np.sum(np.asarray(weights) / np.asarray(data))


@defequal(statistics.covariance)
def _(x: Any, y: Any) -> Any:
    return np.cov(np.asarray(x), np.asarray(y))[0, 1]


@defequal(statistics.correlation)
def _(x: Any, y: Any) -> Any:
    return np.corrcoef(np.asarray(x), np.asarray(y))[0, 1]
