"""Systems of equations with a sparse matrix."""

from typing import Any

import numpy as np
import scipy.sparse.linalg
from numpy.linalg import LinAlgError

from ...core.door import unwrap
from ...core.foreign import is_sparse
from ...core.primitive import Primitive
from ...rules.external import external
from ..operands import array, check_rows, in_columns
from .matrices import csr_array
from .pattern import columns_of_entries, outer, product


@external
def _spsolve(data, b, pattern, trans=False, order="COLAMD"):
    dtype = np.result_type(data, b)
    working = np.float32 if dtype == np.float16 else dtype
    y = pattern.factors(data.astype(working), order).solve(np.asfortranarray(b, working), "T" if trans else "N")
    return y.astype(dtype, copy=False)


def _solve_along(t, y, data, b, pattern, trans=False, order="COLAMD"):
    return -solve(data, product(t, y, pattern, trans=trans), pattern, trans=trans, order=order)


def _of_values(g, y, data, b, pattern, trans=False, order="COLAMD"):
    s = solve(data, g, pattern, trans=not trans, order=order)
    return -outer(y, s, pattern) if trans else -outer(s, y, pattern)


def _same(g, y, data, b, pattern, trans=False, order="COLAMD"):
    return solve(data, g, pattern, trans=trans, order=order)


solve = Primitive(
    _spsolve,
    [
        _of_values,
        lambda g, y, data, b, pattern, trans=False, order="COLAMD": solve(
            data, g, pattern, trans=not trans, order=order
        ),
    ],
    "general",
    [_solve_along, _same],
    batch=columns_of_entries,
)


# By conjugate gradients, the matrix is symmetric, and so its own transpose. A dense one is its own values.


def _multiplied(a, x, pattern):
    return a @ x if pattern is None else product(a, x[:, None], pattern)[:, 0]


def _outer_at(p, q, pattern):
    return p[:, None] * q if pattern is None else outer(p[:, None], q[:, None], pattern)


@external
def _cg(a, b, pattern, x0=None, rtol=1e-5, atol=0.0, maxiter=None, M=None, callback=None):
    matrix, dtype = a if pattern is None else pattern.matrix(a), np.result_type(a, b)
    x, info = scipy.sparse.linalg.cg(matrix, b, x0=x0, rtol=rtol, atol=atol, maxiter=maxiter, M=M, callback=callback)
    if info:
        raise LinAlgError(
            f"cg has not come to rtol={rtol:g}, atol={atol:g} within {info} iterations. Allow more by maxiter=, give a "
            f"preconditioner M=, or use spsolve; the matrix has to be symmetric and positive definite"
        )
    return x.astype(dtype, copy=False)


def _again(a, b, pattern, rtol=1e-5, maxiter=None, M=None, **_):
    return iterate(a, b, pattern, rtol=rtol or 1e-5, maxiter=maxiter, M=M)


iterate = Primitive(
    _cg,
    [
        lambda g, y, a, b, pattern, **options: -_outer_at(_again(a, g, pattern, **options), y, pattern),
        lambda g, y, a, b, pattern, **options: _again(a, g, pattern, **options),
    ],
    "general",
    [
        lambda t, y, a, b, pattern, **options: -_again(a, _multiplied(t, y, pattern), pattern, **options),
        lambda t, y, a, b, pattern, **options: _again(a, t, pattern, **options),
    ],
)


def system(taker: str, A: Any) -> tuple[Any, Any]:
    """The values of a square sparse matrix and their pattern."""
    if not isinstance(A, csr_array):
        if not is_sparse(type(A)):
            raise TypeError(
                f"{taker} takes a matrix of scipy.sparse, or a csr_array of minigrad.scipy.sparse, which holds values "
                f"with a derivative; got a {type(A).__name__}"
            )
        A = csr_array(A)
    if A.shape[0] != A.shape[1]:
        raise ValueError(f"{taker} takes a square matrix; got one of shape {A.shape}")
    return A.data, A.pattern


def spsolve(A: Any, b: Any, permc_spec: str | None = None, use_umfpack: bool = True) -> Any:
    """The solution x of ``A @ x = b`` for a sparse matrix, by SuperLU.

    Parameters
    ----------
    A : csr_array, or a matrix or array of scipy.sparse, of shape (n, n)
        The derivative is with respect to the values of a `csr_array`, at their places alone.
    b : array (n,) or (n, k)
        A single column (n, 1) has a solution of shape (n,), as in SciPy.
    permc_spec : str, optional
        The order of columns, as of `scipy.sparse.linalg.spsolve`.
    use_umfpack : bool
        Taken, and without effect.

    Raises
    ------
    LinAlgError
        If the matrix is singular; SciPy warns, and returns nan.
    """
    data, pattern = system("spsolve", A)
    if is_sparse(type(b)):
        raise TypeError("spsolve takes a dense right-hand side; got a sparse one. Use b.toarray()")
    b = array("spsolve", b)
    check_rows("spsolve", pattern.shape[0], b)
    b = b[:, 0] if b.ndim == 2 and b.shape[1] == 1 else b
    return in_columns(lambda b: solve(data, b, pattern, order=permc_spec or "COLAMD"), b)


def cg(
    A: Any,
    b: Any,
    x0: Any = None,
    *,
    rtol: float = 1e-5,
    atol: float = 0.0,
    maxiter: int | None = None,
    M: Any = None,
    callback: Any = None,
) -> tuple[Any, int]:
    """The solution x of ``A @ x = b`` for a symmetric positive definite matrix, by conjugate gradients.

    The derivative is by conjugate gradients in turn, to the same `rtol`: so it is as accurate as the solution.

    Parameters
    ----------
    A : array (n, n), csr_array, or a matrix or array of scipy.sparse
        Each of its values has a derivative of its own, as if the matrix were not symmetric.
    b : array (n,)
    x0 : array (n,), optional
        Where to begin; a constant.
    rtol, atol, maxiter, M, callback : as in SciPy

    Returns
    -------
    x : array (n,)
    info : int
        0, as for all solutions of SciPy's that have converged.

    Raises
    ------
    LinAlgError
        If it has not converged.
    """
    if hasattr(A, "matvec"):
        raise TypeError(
            "cg takes a matrix, whose values it differentiates by; got an operator. Use its dense or sparse matrix"
        )
    a, pattern = system("cg", A) if isinstance(A, csr_array) or is_sparse(type(A)) else (array("cg", A), None)
    b = array("cg", b)
    if b.ndim != 1:
        raise ValueError(f"cg takes a right-hand side of one axis; got an array of shape {b.shape}")
    if pattern is None and a.shape != (len(b), len(b)):
        raise ValueError(f"cg of {len(b)} equations takes a matrix of shape {(len(b),) * 2}; got {a.shape}")
    check_rows("cg", a.shape[0] if pattern is None else pattern.shape[0], b)
    start = None if x0 is None else unwrap(x0)
    options = {"x0": start, "rtol": rtol, "atol": atol, "maxiter": maxiter, "M": M, "callback": callback}
    return iterate(a, b, pattern, **options), 0
