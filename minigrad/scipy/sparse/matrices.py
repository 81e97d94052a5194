"""A sparse matrix whose values may have a derivative, and its products."""

from typing import Any

import numpy as np
import scipy.sparse

from ...core.door import bind
from ...core.foreign import is_sparse
from ...core.primitive import REGISTRY
from ..operands import array
from .pattern import Pattern, dense, product


class csr_array:
    """A sparse matrix in compressed rows, whose values may have a derivative; their places are constants.

    It multiplies dense arrays from either side, ``A @ x`` and ``x @ A``, and is added to them; see also `spsolve`.

    Parameters
    ----------
    arg1 : (data, indices, indptr), or a matrix or array of scipy.sparse
        `data`, an array of floats (nnz,), may be a Tensor. Row i has the values ``data[indptr[i]:indptr[i + 1]]`` in
        the columns ``indices[indptr[i]:indptr[i + 1]]``. Values at one place are added.
    shape : (int, int), optional
        By default as few rows and columns as hold all values.

    Attributes
    ----------
    data : array (nnz,)
    indices, indptr : arrays of integers
    shape : (int, int)
    T : csr_array
        The transpose.

    Raises
    ------
    TypeError, ValueError
        If the data are no real numbers, or the parts do not fit together.
    """

    __array_ufunc__ = None  # ndarrays let our operators come first
    ndim = 2

    def __init__(self, arg1: Any, shape: tuple[int, int] | None = None) -> None:
        if is_sparse(type(arg1)):
            arg1 = scipy.sparse.csr_array(arg1)
            arg1, shape = (arg1.data, arg1.indices, arg1.indptr), shape or arg1.shape
        if not isinstance(arg1, tuple) or len(arg1) != 3:
            raise TypeError(
                f"csr_array takes (data, indices, indptr), or a matrix of scipy.sparse; got a {type(arg1).__name__}"
            )
        self.data = array("csr_array", arg1[0])
        if self.data.ndim != 1:
            raise ValueError(f"csr_array takes data along one axis; got an array of shape {self.data.shape}")
        places = [np.asarray(part) for part in arg1[1:]]
        known = scipy.sparse.csr_array((np.zeros(self.data.shape), *places), shape=shape)  # which checks them
        self.pattern = Pattern(known.indices, known.indptr, known.shape)

    @property
    def indices(self) -> np.ndarray:
        """The columns of the values."""
        return self.pattern.indices

    @property
    def indptr(self) -> np.ndarray:
        """Where in `data` each row begins, and the last one ends."""
        return self.pattern.indptr

    @property
    def shape(self) -> tuple[int, int]:
        """The number of rows and of columns."""
        return self.pattern.shape

    @property
    def dtype(self) -> np.dtype:
        """The dtype of the values."""
        return self.data.dtype

    @property
    def T(self) -> "csr_array":
        """The transpose."""
        numbered = self.pattern.matrix(np.arange(len(self.pattern.indices))).tocsc()
        return csr_array((self.data[numbered.data], numbered.indices, numbered.indptr), self.shape[::-1])

    def toarray(self) -> Any:
        """The matrix as a dense array."""
        return dense(self.data, self.pattern)

    def __repr__(self) -> str:
        return f"<csr_array of shape {self.shape}, {len(self.indices)} values of {self.dtype}>"

    def __matmul__(self, x: Any) -> Any:
        return matmul(self, x)

    def __rmatmul__(self, x: Any) -> Any:
        return matmul(x, self)

    def __add__(self, x: Any) -> Any:
        return self.toarray() + array("csr_array", x)

    __radd__ = __add__

    def __sub__(self, x: Any) -> Any:
        return self.toarray() - array("csr_array", x)

    def __rsub__(self, x: Any) -> Any:
        return array("csr_array", x) - self.toarray()


def matmul(a: Any, b: Any) -> Any:
    """The product of a sparse matrix and a dense array, in either order, as a dense array.

    Parameters
    ----------
    a, b : arrays, Tensors, constants of scipy.sparse, or a `csr_array`
        The dense one may have any number of axes, as of `np.matmul`.

    Notes
    -----
    ``x @ S`` is the same for a constant S of scipy.sparse. For ``S @ x`` SciPy asks for the values of x, and a Tensor
    that has a derivative refuses: so write ``matmul(S, x)``.
    """
    ours = [isinstance(x, csr_array) for x in (a, b)]
    if not any(ours):
        return bind(REGISTRY[np.matmul], (a, b))
    if all(ours) or any(is_sparse(type(x)) for x in (a, b)):
        raise TypeError("the product of two sparse matrices has no derivative here. Use one's toarray()")
    s, x = (a, array("matmul", b)) if ours[0] else (b, array("matmul", a))
    rows = s.shape[1 if ours[0] else 0]
    place = -1 if x.ndim == 1 or ours[1] else -2
    if not x.ndim or x.shape[place] != rows:
        raise ValueError(f"matmul of shapes {np.shape(a)} and {np.shape(b)}: the inner axes differ in length")
    axis = x.ndim + place
    columns = np.moveaxis(x, axis, 0)
    y = product(s.data, np.reshape(columns, (rows, -1)), s.pattern, trans=ours[1])
    return np.moveaxis(np.reshape(y, (y.shape[0], *columns.shape[1:])), 0, axis)
