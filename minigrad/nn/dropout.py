"""Dropout: numbers that are left out of training by chance."""

from typing import Any

import numpy as np

from ..core.recorder import depends, drawn, fixed
from .init import RNG
from .module import Module
from .precision import floating


def dropout(x: Any, p: float = 0.5, training: bool = True, rng: RNG = None) -> Any:
    """`x` with each element set to 0 at probability p, and the others divided by 1 - p; x itself unless `training`.

    Parameters
    ----------
    x : array
    p : float in [0, 1]
    training : bool
    rng : Generator, seed or None
        A seed drops the same elements in every call; a generator goes on.

    References
    ----------
    Srivastava, Hinton, Krizhevsky, Sutskever & Salakhutdinov, Dropout, JMLR 15 (2014).
    """
    check_probability(p)
    x = floating("dropout", x)
    if not training or p == 0:
        return x
    if p == 1:
        return x * fixed(np.zeros((), x.dtype))
    dtype = np.float32 if x.dtype == np.float32 else np.float64
    kept = drawn(rng, "random", x.shape, dtype) >= p
    return x * (kept * fixed(np.asarray(1 / (1 - p), x.dtype)))


def check_probability(p: float) -> None:
    """Refuse what is no probability."""
    if not 0 <= p <= 1:
        raise ValueError(f"p is the probability of an element to be dropped, from 0 to 1; got {p!r}")


class Dropout(Module):
    """`functional.dropout` in training; the array itself in evaluation.

    Parameters
    ----------
    p : float in [0, 1]
        The probability of an element to be set to 0.
    rng : Generator, seed or None
        What the layer draws from, call by call.
    """

    def __init__(self, p: float = 0.5, rng: RNG = None) -> None:
        check_probability(p)
        self.p = p
        self.rng = np.random.default_rng(rng)

    def forward(self, x: Any) -> Any:
        return dropout(x, self.p, depends(self, "training"), self.rng)
