"""Functions of matrices in the sense of power series, and the equations that their derivatives solve."""

import warnings
from typing import Any

import numpy as np
import scipy.linalg
from numpy.linalg import LinAlgError

from ...core.door import unwrap
from ...core.engine import undo_broadcast
from ...core.primitive import Primitive
from ...rules.batching import trailing
from ..operands import matrices, of_matrices, square

# The derivative of f at x along t is the upper right block of f([[x, t], [0, x]]), for every power series f, and the
# transpose of that map is the one at x^T (N. J. Higham, Functions of Matrices, 2008, theorem 3.6). So the derivatives
# of all orders are values of f itself. The map is linear in t, so t is brought to the size of 1 first.


def _along(function):
    def rule(t, y, x):
        size = np.max(np.abs(unwrap(t)), initial=0)
        size = np.where((size > 0) & (size < np.inf), size, 1).astype(t.dtype)
        zero = np.zeros_like(x)
        t = np.broadcast_to(t / size, x.shape)
        block = np.concatenate([np.concatenate([x, t], axis=-1), np.concatenate([zero, x], axis=-1)], axis=-2)
        n = x.shape[-1]
        return function()(block)[..., :n, n:] * size

    return rule


def _of_series(core, function):
    along = _along(function)
    return Primitive(core, [lambda g, y, x: along(g, y, x.mT)], "general", [along], batch=trailing(2))


@of_matrices
def _expm(x):
    return scipy.linalg.expm(x)


@of_matrices
def _logm(x):
    state = np.random.get_state()  # SciPy estimates norms by numbers that it draws from everybody's generator
    try:
        with warnings.catch_warnings():  # of an estimate that is off where the logarithm is small
            warnings.filterwarnings("ignore", "logm result may be inaccurate")
            return real_value("logm", scipy.linalg.logm(x.astype(np.float64)), x)
    finally:
        np.random.set_state(state)


def real_value(name, y, x):
    """A matrix function's value, refused if it is not real."""
    if np.iscomplexobj(y):
        raise LinAlgError(
            f"{name} of a matrix of shape {x.shape} is not real, and derivatives are of real functions only: the "
            f"matrix has an eigenvalue that is negative. Add a multiple of the identity, or pass one without"
        )
    return y


exponential = _of_series(_expm, lambda: exponential)
logarithm = _of_series(_logm, lambda: logarithm)


# a x + x b = q: s with a^T s + s b^T = g is the cotangent of q.


@of_matrices
def _solve_sylvester(a, b, q):
    x = scipy.linalg.solve_sylvester(a, b, q)
    sizes = [np.max(np.abs(m), initial=0) for m in (a, b, q, x)]
    if not sizes[3] * (sizes[0] + sizes[1]) * np.finfo(x.dtype).eps <= sizes[2]:
        raise LinAlgError(
            f"the equation a x + x b = q of a {a.shape} and b {b.shape} has no unique solution: an eigenvalue of a is "
            f"minus one of b, but for rounding"
        )
    return x


sylvester = Primitive(
    _solve_sylvester,
    [
        lambda g, y, a, b, q: undo_broadcast(-sylvester(a.mT, b.mT, g) @ y.mT, a.shape),
        lambda g, y, a, b, q: undo_broadcast(-y.mT @ sylvester(a.mT, b.mT, g), b.shape),
        lambda g, y, a, b, q: undo_broadcast(sylvester(a.mT, b.mT, g), q.shape),
    ],
    "general",
    [
        lambda t, y, a, b, q: -sylvester(a, b, t @ y),
        lambda t, y, a, b, q: -sylvester(a, b, y @ t),
        lambda t, y, a, b, q: sylvester(a, b, np.broadcast_to(t, y.shape)),
    ],
    batch=trailing(2, 2, 2),
)


def _root_along(t, y, x):  # y y = x
    try:
        return sylvester(y, y, t)
    except LinAlgError:
        raise LinAlgError(
            f"sqrtm of a matrix of shape {x.shape} has no derivative where an eigenvalue is 0. Add a multiple of the "
            f"identity"
        ) from None


@of_matrices
def _sqrtm(x):
    return real_value("sqrtm", scipy.linalg.sqrtm(x.astype(np.float64)), x)


square_root = Primitive(_sqrtm, [lambda g, y, x: _root_along(g, y.mT, x)], "general", [_root_along], batch=trailing(2))


def expm(A: Any) -> Any:
    """The exponential of square matrices, of shape (..., n, n)."""
    return exponential(*square("expm", A))


def logm(A: Any) -> Any:
    """The principal logarithm of square matrices, of shape (..., n, n), where it is real.

    Raises
    ------
    LinAlgError
        If an eigenvalue is negative, so that the logarithm is not real.
    """
    return logarithm(*square("logm", A))


def sqrtm(A: Any) -> Any:
    """The principal square root of square matrices, of shape (..., n, n), where it is real.

    Raises
    ------
    LinAlgError
        If an eigenvalue is negative, so that the root is not real; in the derivative, if one is 0.
    """
    return square_root(*square("sqrtm", A))


def solve_sylvester(a: Any, b: Any, q: Any) -> Any:
    """The solution x of ``a @ x + x @ b = q``.

    Parameters
    ----------
    a : array (..., m, m)
    b : array (..., n, n)
    q : array (..., m, n)

    Raises
    ------
    LinAlgError
        If an eigenvalue of `a` is minus one of `b`, so that there is no unique solution; SciPy returns one of another
        equation.
    """
    (a, b), (q,) = square("solve_sylvester", a, b), matrices("solve_sylvester", q)
    if q.shape[-2:] != (a.shape[-1], b.shape[-1]):
        raise ValueError(
            f"solve_sylvester of a {a.shape} and b {b.shape} takes a q of shape {(a.shape[-1], b.shape[-1])}; got "
            f"{q.shape}"
        )
    return sylvester(a, b, q)


def solve_continuous_lyapunov(a: Any, q: Any) -> Any:
    """The solution x of ``a @ x + x @ a.T = q``, for matrices of shape (..., n, n); see `solve_sylvester`."""
    a, q = square("solve_continuous_lyapunov", a, q)
    return solve_sylvester(a, a.mT, q)


solve_lyapunov = solve_continuous_lyapunov
