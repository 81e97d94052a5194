"""First values of parameters: arrays of a shape, drawn by a generator.

`rng` is a np.random.Generator, a seed, or None for another draw in each run. Matrices that a layer multiplies by are
of shape (..., fan in, fan out).
"""

import math
from collections.abc import Sequence

import numpy as np

from ..core.recorder import drawn

__all__ = [
    "constant",
    "fans",
    "glorot_normal",
    "glorot_uniform",
    "he_normal",
    "he_uniform",
    "normal",
    "orthogonal",
    "uniform",
    "zeros",
]

RNG = np.random.Generator | int | None
Shape = Sequence[int]


def zeros(shape: Shape) -> np.ndarray:
    """Zeros."""
    return np.zeros(shape)


def constant(shape: Shape, value: float) -> np.ndarray:
    """The same number everywhere."""
    return np.full(shape, float(value))


def uniform(shape: Shape, low: float = 0.0, high: float = 1.0, rng: RNG = None) -> np.ndarray:
    """Numbers in [low, high), each as likely as any.

    Parameters
    ----------
    shape : sequence of int
    low, high : float
    rng : Generator, seed or None
    """
    return drawn(rng, "uniform", low, high, tuple(shape))


def normal(shape: Shape, mean: float = 0.0, std: float = 1.0, rng: RNG = None) -> np.ndarray:
    """Normal numbers of that mean and standard deviation.

    Parameters
    ----------
    shape : sequence of int
    mean, std : float
    rng : Generator, seed or None
    """
    return drawn(rng, "normal", mean, std, tuple(shape))


def glorot_uniform(shape: Shape, rng: RNG = None, gain: float = 1.0) -> np.ndarray:
    """Uniform numbers of variance ``2 gain**2 / (fan in + fan out)``, for layers such as tanh that are linear at 0.

    Parameters
    ----------
    shape : sequence of int
        That of the weight, (..., fan in, fan out).
    rng : Generator, seed or None
    gain : float
        A factor of all numbers; before tanh, 5 / 3 is usual as well.

    References
    ----------
    Glorot & Bengio, Understanding the difficulty of training deep feedforward neural networks, AISTATS 2010.
    """
    bound = gain * math.sqrt(6 / sum(fans(shape)))
    return uniform(shape, -bound, bound, rng)


def glorot_normal(shape: Shape, rng: RNG = None, gain: float = 1.0) -> np.ndarray:
    """Normal numbers of variance ``2 gain**2 / (fan in + fan out)``; see `glorot_uniform`.

    Parameters
    ----------
    shape, rng, gain : as of `glorot_uniform`
    """
    return normal(shape, 0.0, gain * math.sqrt(2 / sum(fans(shape))), rng)


def he_uniform(shape: Shape, rng: RNG = None, slope: float = 0.0) -> np.ndarray:
    """Uniform numbers of variance ``2 / (1 + slope**2) / fan in``, for layers before a (leaky) relu of that slope.

    Parameters
    ----------
    shape : sequence of int
        That of the weight, (..., fan in, fan out).
    rng : Generator, seed or None
    slope : float
        The slope of the relu below 0.

    References
    ----------
    He, Zhang, Ren & Sun, Delving Deep into Rectifiers, ICCV 2015 (arXiv:1502.01852).
    """
    bound = math.sqrt(6 / ((1 + slope**2) * fans(shape)[0]))
    return uniform(shape, -bound, bound, rng)


def he_normal(shape: Shape, rng: RNG = None, slope: float = 0.0) -> np.ndarray:
    """Normal numbers of variance ``2 / (1 + slope**2) / fan in``; see `he_uniform`.

    Parameters
    ----------
    shape, rng, slope : as of `he_uniform`
    """
    return normal(shape, 0.0, math.sqrt(2 / ((1 + slope**2) * fans(shape)[0])), rng)


def orthogonal(shape: Shape, rng: RNG = None, gain: float = 1.0) -> np.ndarray:
    """A random matrix with orthonormal rows or columns, whichever are fewer, times `gain`; uniform among them.

    Further axes, if any, count as rows: the shape is that of a matrix (everything but the last axis, the last axis).

    Parameters
    ----------
    shape : sequence of int
        At least two lengths.
    rng : Generator, seed or None
    gain : float
        The length of those rows or columns.

    References
    ----------
    Saxe, McClelland & Ganguli, Exact solutions to the nonlinear dynamics of learning, ICLR 2014 (arXiv:1312.6120);
    Mezzadri, How to generate random matrices from the classical compact groups, 2007 (math-ph/0609050), for the signs.
    """
    fans(shape)
    rows, columns = math.prod(shape[:-1]), shape[-1]
    q, r = np.linalg.qr(normal((max(rows, columns), min(rows, columns)), rng=rng))
    q = q * np.sign(np.diagonal(r))
    return gain * (q if rows >= columns else q.T).reshape(shape)


def fans(shape: Shape) -> tuple[int, int]:
    """How many numbers go into one number of the result, and into how many numbers one goes.

    Parameters
    ----------
    shape : sequence of int
        (..., fan in, fan out); lengths before these two, as of a field of view, multiply both.

    Returns
    -------
    (int, int)
        Fan in and fan out.
    """
    if len(shape) < 2 or 0 in shape:
        raise ValueError(f"fan in and fan out are of shapes (..., fan in, fan out) without zeros; got {tuple(shape)}")
    field = math.prod(shape[:-2])
    return field * shape[-2], field * shape[-1]
