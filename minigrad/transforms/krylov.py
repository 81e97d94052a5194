"""Linear systems that are known by their products with vectors: conjugate gradients and GMRES."""

from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import SolverError

MatrixProduct = Callable[[np.ndarray], np.ndarray]


def cg(product: MatrixProduct, b: np.ndarray, rtol: float, name: str) -> np.ndarray:
    """The solution of a symmetric definite system, to a residual of at most `rtol` times the norm of `b`.

    References
    ----------
    Hestenes & Stiefel, Methods of conjugate gradients for solving linear systems, 1952.
    """
    x, r = np.zeros_like(b), b
    p, rr, wanted = r, r @ r, (rtol * np.linalg.norm(b)) ** 2
    for _ in range(10 * len(b)):
        if rr <= wanted:
            return x
        q = product(p)
        curvature = p @ q
        if not curvature:
            break
        alpha = rr / curvature
        x, r = x + alpha * p, r - alpha * q
        p, rr = r + (r @ r) / rr * p, r @ r
    raise not_solved("conjugate gradients have", name, np.sqrt(rr), b, rtol)


def gmres(
    product: MatrixProduct, b: np.ndarray, rtol: float, name: str, width: int = 60, rounds: int = 50
) -> np.ndarray:
    """The solution of any system, to a residual of at most `rtol` times the norm of `b`; restarted, if it takes long.

    References
    ----------
    Saad & Schultz, GMRES, 1986.
    """
    x, scale = np.zeros_like(b), np.linalg.norm(b)
    left = scale
    for _ in range(rounds):
        r = b - product(x) if left < scale else b
        left = np.linalg.norm(r)
        if left <= rtol * scale:
            return x
        basis, upper = arnoldi(product, r / left, min(width, len(b)))
        target = np.zeros(len(upper))
        target[0] = left
        x = x + basis[: upper.shape[1]].T @ np.linalg.lstsq(upper, target, rcond=None)[0]
        left = np.linalg.norm(b - product(x))
    if left <= rtol * scale:
        return x
    raise not_solved("GMRES has", name, left, b, rtol)


def arnoldi(product: MatrixProduct, v: np.ndarray, width: int) -> tuple[np.ndarray, np.ndarray]:
    """An orthonormal basis of the Krylov space of `v`, as rows, and the product in it: one row more than columns."""
    basis, upper = [v], np.zeros((width + 1, width), v.dtype)
    for j in range(width):
        w = product(basis[j])
        size = np.linalg.norm(w)
        for _ in range(2):  # once is not orthogonal enough
            rows = np.array(basis)
            h = rows @ w
            upper[: j + 1, j] += h
            w = w - h @ rows
        upper[j + 1, j] = norm = np.linalg.norm(w)
        if norm <= 1e-14 * size:  # all of the space that there is
            return np.array(basis), upper[: j + 2, : j + 1]
        basis.append(w / norm)
    return np.array(basis), upper


def not_solved(method: str, name: str, left: Any, b: np.ndarray, rtol: float) -> SolverError:
    """The error of a linear system that was not solved."""
    return SolverError(
        f"{method} not solved the linear system of the derivative of {name}: the residual is {left:.1e}, and "
        f"{rtol * np.linalg.norm(b):.1e} is wanted. The Jacobian is singular or badly scaled: try linear='dense'"
    )
