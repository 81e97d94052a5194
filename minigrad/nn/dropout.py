"""Dropout."""

from typing import Any

import numpy as np

from ..recorder import drawn
from .init import RNG


def dropout(x: Any, p: float = 0.5, training: bool = True, rng: RNG = None) -> Any:
    """`x` with each number dropped with probability `p`, and the others scaled so that the mean stays; in training.

    References
    ----------
    Srivastava et al., Dropout: A Simple Way to Prevent Neural Networks from Overfitting, JMLR 2014; inverted.
    """
    p = checked_probability("p of dropout", p)
    if not (training and p):
        return x
    kept = drawn(np.random.default_rng(rng), "random", x.shape, np.float32) >= p
    return x * (kept * x.dtype.type(1 / (1 - p) if p < 1 else 0))


def checked_probability(name: str, p: float) -> float:
    """`p` as a float from 0 to 1."""
    if not 0 <= p <= 1:
        raise ValueError(f"{name} is a probability, from 0 to 1; got {p!r}")
    return float(p)
