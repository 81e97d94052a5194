"""Distributions of vectors, called as in `scipy.stats`, for batches of vectors."""

import math
from typing import Any

import numpy as np
from scipy import special

from ...core.door import raise_if
from ..special.slopes import digamma_step
from .continuous import gamma_at
from .parameters import as_narrow, number
from .source import DrawSource

LOG_TAU, LOG_PI = math.log(2 * math.pi), math.log(math.pi)


def center_and_factor(taker: str, center: Any, matrix: Any) -> tuple[Any, Any]:
    """The center and the Cholesky factor of a matrix; a number or a vector in its place stands for a diagonal.

    Raises
    ------
    ValueError
        If their lengths do not fit, or the matrix is not positive definite.
    """
    matrix = number(taker, matrix)
    rank = getattr(matrix, "ndim", 0)
    center = np.zeros(matrix.shape[-1] if rank else 1, dtype_of(matrix)) if center is None else number(taker, center)
    center = np.reshape(center, (-1,)) if getattr(center, "ndim", 0) == 0 else center
    size = center.shape[-1]
    matrix = np.eye(size, dtype=dtype_of(center)) * matrix if rank < 2 else matrix
    if center.ndim != 1 or matrix.shape != (size, size):
        raise ValueError(
            f"{taker} takes a vector and a square matrix of its length; got shapes {center.shape} and {matrix.shape}"
        )
    return center, np.linalg.cholesky(matrix)


def squared_lengths(taker: str, x: Any, center: Any, factor: Any) -> Any:
    """The squared length of each vector, in the units that a Cholesky factor gives."""
    x, size = number(taker, x), center.shape[0]
    x = np.expand_dims(x, -1) if size == 1 and (np.ndim(x) == 0 or x.shape[-1] != 1) else x
    if np.ndim(x) == 0 or x.shape[-1] != size:
        raise ValueError(f"{taker} takes vectors of length {size} along the last axis; got shape {np.shape(x)}")
    rows = np.reshape(x - center, (-1, size))
    solved = np.linalg.solve(factor, np.transpose(rows))
    return np.reshape(np.sum(solved * solved, axis=0), x.shape[:-1])


def half_log_det(factor: Any) -> Any:
    """Half of the logarithm of the determinant of a matrix, of its Cholesky factor."""
    return np.sum(np.log(np.diagonal(factor)))


class MultivariateNormal:
    """The normal distribution of vectors.

    `mean` is a vector, 0 if it is left out, and `cov` a positive definite matrix, of which the lower triangle counts; a
    number or a vector in its place stands for a diagonal. Vectors `x` lie along the last axis.
    """

    def logpdf(self, x: Any, mean: Any = None, cov: Any = 1) -> Any:
        """The logarithm of the density of each vector."""
        center, factor = center_and_factor("multivariate_normal.logpdf", mean, cov)
        squares = squared_lengths("multivariate_normal.logpdf", x, center, factor)
        return squares / -2 - (half_log_det(factor) + center.shape[0] * LOG_TAU / 2)

    def pdf(self, x: Any, mean: Any = None, cov: Any = 1) -> Any:
        """The density at each vector."""
        return np.exp(self.logpdf(x, mean, cov))

    def entropy(self, mean: Any = None, cov: Any = 1) -> Any:
        """The expected value of -logpdf."""
        center, factor = center_and_factor("multivariate_normal.entropy", mean, cov)
        return half_log_det(factor) + center.shape[0] * (1 + LOG_TAU) / 2

    def rvs(self, mean: Any = None, cov: Any = 1, size: Any = None, rng: Any = None) -> Any:
        """Random vectors along the last axis, with derivatives by the mean and the covariance.

        `size` is the shape of the axes in front, and `rng` a numpy.random.Generator, a seed or None.
        """
        center, factor = center_and_factor("multivariate_normal.rvs", mean, cov)
        source = vectors("multivariate_normal.rvs", rng, size, center)
        return center + np.matmul(source.draw("standard_normal"), np.transpose(factor))


class MultivariateT:
    """Student's distribution of vectors, with `df` degrees of freedom.

    `loc` is a vector, 0 if it is left out, and `shape` a positive definite matrix, of which the lower triangle counts;
    a number or a vector in its place stands for a diagonal. Vectors `x` lie along the last axis. Where `df` is not
    above 0 the value is NaN.
    """

    def logpdf(self, x: Any, loc: Any = None, shape: Any = 1, df: Any = 1) -> Any:
        """The logarithm of the density of each vector."""
        center, factor = center_and_factor("multivariate_t.logpdf", loc, shape)
        squares = squared_lengths("multivariate_t.logpdf", x, center, factor)
        half, df = center.shape[0] / 2, degrees_of_freedom(df, squares)
        return -log_volume(factor, df, half) - (df / 2 + half) * np.log1p(squares / df)

    def pdf(self, x: Any, loc: Any = None, shape: Any = 1, df: Any = 1) -> Any:
        """The density at each vector."""
        return np.exp(self.logpdf(x, loc, shape, df))

    def entropy(self, loc: Any = None, shape: Any = 1, df: Any = 1) -> Any:
        """The expected value of -logpdf."""
        center, factor = center_and_factor("multivariate_t.entropy", loc, shape)
        half, df = center.shape[0] / 2, degrees_of_freedom(df, factor)
        return log_volume(factor, df, half) + (df / 2 + half) * digamma_step(df / 2, half + 0 * df)

    def rvs(self, loc: Any = None, shape: Any = 1, df: Any = 1, size: Any = None, rng: Any = None) -> Any:
        """Random vectors along the last axis, with derivatives by all parameters.

        `size` is the shape of the axes in front, and `rng` a numpy.random.Generator, a seed or None.
        """
        center, factor = center_and_factor("multivariate_t.rvs", loc, shape)
        raise_if(
            np.logical_not(np.greater(df, 0)), lambda: ValueError(f"multivariate_t.rvs takes df above 0; got {df}")
        )
        drawn = vectors("multivariate_t.rvs", rng, size, center, 1).draw("random") + 2.0**-54
        df = as_narrow(df, drawn)
        normal = np.matmul(special.ndtri(drawn[..., 1:]), np.transpose(factor))
        return center + normal / np.sqrt(gamma_at(df / 2, drawn[..., :1]) * 2 / df)


class Dirichlet:
    """The distribution of positive shares that add up to 1, with a parameter above 0 for each.

    As in SciPy, the shares lie along the first axis of `x`, and the last one may be left out.
    """

    def logpdf(self, x: Any, alpha: Any) -> Any:
        """The logarithm of the density of each vector of shares.

        Raises
        ------
        ValueError
            If the lengths do not fit, a parameter is not above 0, or the shares are negative or do not add up to 1.
        """
        alpha, x = parameters("dirichlet.logpdf", alpha), number("dirichlet.logpdf", x)
        n = alpha.shape[0]
        if np.ndim(x) and x.shape[0] == n - 1:
            x = np.concatenate([x, 1 - np.sum(x, axis=0, keepdims=True)])
        if np.ndim(x) == 0 or x.shape[0] != n:
            raise ValueError(f"dirichlet.logpdf takes {n} or {n - 1} shares along the first axis; got {np.shape(x)}")
        raise_if(
            np.any(x < 0) | np.any(np.abs(np.sum(x, axis=0) - 1) > 1e-9 + 4 * n * np.finfo(x.dtype).eps),
            lambda: ValueError("dirichlet.logpdf takes shares from 0 on that add up to 1. Divide x by its sum"),
        )
        weights = np.reshape(alpha - 1, (n, *(1,) * (x.ndim - 1)))
        return np.sum(special.xlogy(weights, x), axis=0) - log_beta(alpha)

    def pdf(self, x: Any, alpha: Any) -> Any:
        """The density at each vector of shares."""
        return np.exp(self.logpdf(x, alpha))

    def entropy(self, alpha: Any) -> Any:
        """The expected value of -logpdf."""
        alpha = parameters("dirichlet.entropy", alpha)
        total = np.sum(alpha)
        slopes = (total - alpha.shape[0]) * special.digamma(total) - np.sum((alpha - 1) * special.digamma(alpha))
        return log_beta(alpha) + slopes

    def rvs(self, alpha: Any, size: Any = None, rng: Any = None) -> Any:
        """Random shares along the last axis, with derivatives by the parameters.

        `size` is the shape of the axes in front, and `rng` a numpy.random.Generator, a seed or None.
        """
        alpha = parameters("dirichlet.rvs", alpha)
        gammas = gamma_at(alpha, vectors("dirichlet.rvs", rng, size, alpha).draw("random") + 2.0**-54)
        return gammas / np.sum(gammas, axis=-1, keepdims=True)


def dtype_of(x: Any) -> Any:
    """The dtype of an array of floats, and otherwise the default."""
    dtype = getattr(x, "dtype", None)
    return dtype if dtype is not None and dtype.kind == "f" else float


def degrees_of_freedom(df: Any, like: Any) -> Any:
    """Degrees of freedom in the precision of an array, NaN where they are not above 0."""
    df = as_narrow(df, like)
    return np.where(df > 0, df, np.nan)


def log_volume(factor: Any, df: Any, half: float) -> Any:
    """The logarithm of what Student's density is divided by, of vectors twice as long as `half`."""
    log_beta = special.betaln(df / 2, half + 0 * df)
    return log_beta - math.lgamma(half) + half * (LOG_PI + np.log(df)) + half_log_det(factor)


def parameters(taker: str, alpha: Any) -> Any:
    """The parameters of shares, a vector of numbers above 0."""
    alpha = number(taker, alpha)
    if np.ndim(alpha) != 1:
        raise ValueError(f"{taker} takes a vector of parameters; got shape {np.shape(alpha)}")
    raise_if(np.any(alpha <= 0), lambda: ValueError(f"{taker} takes parameters above 0; got {alpha}"))
    return alpha


def log_beta(alpha: Any) -> Any:
    """The logarithm of the beta function of several numbers."""
    return np.sum(special.gammaln(alpha)) - special.gammaln(np.sum(alpha))


def vectors(taker: str, rng: Any, size: Any, center: Any, more: int = 0) -> DrawSource:
    """Where the numbers of random vectors come from, which have the length of one, or some more."""
    front = () if size is None else tuple(np.atleast_1d(size).tolist())
    return DrawSource(taker, rng, (*front, center.shape[0] + more), [center] if not more else [center[:1]])


dirichlet, multivariate_normal, multivariate_t = Dirichlet(), MultivariateNormal(), MultivariateT()
