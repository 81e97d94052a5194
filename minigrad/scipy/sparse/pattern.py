"""Products of the values of a sparse matrix, which stand at the places of a pattern."""

from typing import Any

import numpy as np
import scipy.sparse
import scipy.sparse.linalg
from numpy.linalg import LinAlgError

from ...core.primitive import Primitive
from ...rules.batching import one_by_one
from ...rules.external import external


class Pattern:
    """Where the values of a sparse matrix stand: `indices` of columns, those of row i from ``indptr[i]`` on."""

    __slots__ = ("indices", "indptr", "last", "rows", "shape")

    def __init__(self, indices: Any, indptr: Any, shape: tuple[int, int]) -> None:
        self.indices, self.indptr, self.shape = indices, indptr, shape
        self.rows = np.repeat(np.arange(shape[0]), np.diff(indptr))
        self.last: Any = None

    def matrix(self, data: Any) -> Any:
        """SciPy's matrix of some values."""
        return scipy.sparse.csr_array((data, self.indices, self.indptr), shape=self.shape)

    def factors(self, data: Any, order: Any) -> Any:
        """SciPy's factors of the matrix; those of the last call if that had the same values."""
        if self.last is None or self.last[1] != order or not np.array_equal(self.last[0], data):
            try:
                self.last = data.copy(), order, scipy.sparse.linalg.splu(self.matrix(data).tocsc(), permc_spec=order)
            except RuntimeError as error:
                raise LinAlgError(f"spsolve of a sparse matrix of shape {self.shape}: {error}") from None
        return self.last[2]


# The values of a matrix and the columns of x: the product is linear in each, and its transposes are the product with
# the transpose and an outer product at the places of the pattern.


def columns_of_entries(call):
    # The columns of all entries, where the matrix is the same for all.
    data, x, pattern = call.operands
    if call.own[0]:
        return one_by_one(call)
    columns = np.moveaxis(x, 0, -1)
    y = call.result([data, np.reshape(columns, (columns.shape[0], -1)), pattern], **call.kwargs)
    return np.moveaxis(np.reshape(y, (y.shape[0], *columns.shape[1:])), -1, 0)


@external
def _product(data, x, pattern, trans=False):
    dtype = np.result_type(data, x)
    matrix = pattern.matrix(data.astype(np.float32) if data.dtype == np.float16 else data)
    return (matrix.T if trans else matrix).dot(x).astype(dtype, copy=False)


@external
def _outer(p, q, pattern):
    return np.einsum("nk,nk->n", p[pattern.rows], q[pattern.indices])


product = Primitive(
    _product,
    [
        lambda g, y, data, x, pattern, trans=False: outer(x, g, pattern) if trans else outer(g, x, pattern),
        lambda g, y, data, x, pattern, trans=False: product(data, g, pattern, trans=not trans),
    ],
    "multilinear",
    batch=columns_of_entries,
)
outer = Primitive(
    _outer,
    [
        lambda g, y, p, q, pattern: product(g, q, pattern),
        lambda g, y, p, q, pattern: product(g, p, pattern, trans=True),
    ],
    "multilinear",
)


@external
def _dense(data, pattern):
    working = data.astype(np.float32) if data.dtype == np.float16 else data
    return pattern.matrix(working).toarray().astype(data.dtype, copy=False)


@external
def _values(x, pattern):
    return x[pattern.rows, pattern.indices]


dense = Primitive(_dense, [lambda g, y, data, pattern: values(g, pattern)], "linear")
values = Primitive(_values, [lambda g, y, x, pattern: dense(g, pattern)], "linear")
