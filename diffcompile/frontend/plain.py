"""What is said of arrays that hold no plain numbers: masked ones, `np.matrix`, objects, text, dates, records.

    m = np.ma.masked_array(x, mask)      ->      a masked array is not differentiated; use `np.where`

Only arrays of floats, complex numbers, integers and bools are in the language: the others have arithmetic of
their own, in which a derivative would be silently wrong.
"""

from __future__ import annotations

from typing import Any

import numpy as np

Sentence = tuple[str, str]  # the reason, and what to write instead

MASKED: Sentence = (
    "a masked array is not differentiated",
    "Keep the mask beside the data: `np.where(mask, 0.0, x)`, or `np.sum(x, where=~mask)`.",
)
OF_OBJECTS: Sentence = (
    "`np.frompyfunc` gives arrays of objects, and they are not differentiated",
    "Use `np.vectorize(f)`, or write the function with arrays.",
)
MATRIX: Sentence = ("an `np.matrix` is not differentiated", "Use arrays: `@` is their matrix product.")
KINDS: dict[str, Sentence] = {
    "O": ("an array of objects is not differentiated", "Use a list, or an array of floats."),
    "S": ("an array of text is not differentiated", "Make numbers of it outside: `x.astype(float)`."),
    "U": ("an array of text is not differentiated", "Make numbers of it outside: `x.astype(float)`."),
    "T": ("an array of text is not differentiated", "Make numbers of it outside: `x.astype(float)`."),
    "V": ("a structured array is not differentiated", "Use one array for each field."),
    "M": ("an array of dates is not differentiated", "Count the time in floats."),
    "m": ("an array of time spans is not differentiated", "Count the time in floats."),
}
# Where the functions that make arrays take a dtype by position.
DTYPE_AT: dict[Any, int] = {
    np.array: 1, np.asarray: 1, np.asanyarray: 1, np.ascontiguousarray: 1, np.zeros: 1, np.ones: 1,
    np.empty: 1, np.full: 2, np.zeros_like: 1, np.ones_like: 1, np.empty_like: 1, np.full_like: 2,
    np.ndarray.astype: 1, np.ndarray.view: 1,
}  # fmt: skip
_MATRICES: frozenset[Any] = frozenset([np.matrix, np.asmatrix, np.bmat])


def of_value(value: Any) -> Sentence | None:
    """What is said of this array, if it is not a plain one."""
    if isinstance(value, np.ma.MaskedArray):
        return MASKED
    if isinstance(value, np.matrix):
        return MATRIX
    return KINDS.get(value.dtype.kind) if isinstance(value, (np.ndarray, np.generic)) else None


def of_function(fn: Any) -> Sentence | None:
    """What is said of a function that makes, or works on, arrays that are not plain."""
    if f"{getattr(fn, '__module__', None)}.".startswith("numpy.ma."):
        return MASKED
    if fn is np.frompyfunc:
        return OF_OBJECTS
    try:
        return MATRIX if fn in _MATRICES else None
    except TypeError:
        return None


def of_dtype(dtype: Any) -> Sentence | None:
    """What is said of an array of this dtype; None if it holds numbers, or this is no dtype."""
    if dtype is None:
        return None
    try:
        return KINDS.get(np.dtype(dtype).kind)
    except (TypeError, ValueError):
        return None
