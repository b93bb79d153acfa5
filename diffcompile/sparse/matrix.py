"""Sparse matrices that NumPy can read: a `csr_matrix` that becomes an array where an array is asked for.

    np.asarray(J)      the dense matrix, where `np.asarray(csr_matrix(...))` is an object

So a sparse derivative can be handed to a solver that knows dense matrices alone (`scipy.optimize.root` with
its default method). Imported where a sparse derivative is asked for, since it imports SciPy.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse


class SparseMatrix(sparse.csr_matrix):  # type: ignore[misc]
    """A `scipy.sparse.csr_matrix`, of which `np.asarray` gives the dense matrix.

    >>> np.asarray(SparseMatrix((np.array([2.0]), (np.array([0]), np.array([1]))), shape=(1, 2)))
    array([[0., 2.]])
    """

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        dense: np.ndarray = self.toarray()
        return dense if dtype is None else dense.astype(dtype, copy=False)
