"""How far vectors are from each other, and vectors of length 1."""

from typing import Any

import numpy as np

from ..ops.functions import maximum, norm
from ..ops.functions import sum as total
from .module import Module
from .precision import rounded_back, widened


def pairwise_distance(x1: Any, x2: Any, p: float = 2.0, eps: float = 1e-6, keepdims: bool = False) -> Any:
    """The p-norm of ``x1 - x2 + eps`` along the last axis.

    Parameters
    ----------
    x1, x2 : arrays of shape (..., features)
        May broadcast against each other.
    p : float
        The order of the norm.
    eps : float
        Is added to each difference, as PyTorch does: two equal vectors have a derivative.
    keepdims : bool
        Whether the last axis stays, with a length of 1.
    """
    a, b = (checked_vectors("pairwise_distance", x) for x in (x1, x2))
    check_shapes("pairwise_distance", a, b)
    return rounded_back(norm(a - b + eps, p, -1, keepdims), x1, x2)


def cosine_similarity(x1: Any, x2: Any, axis: int = 1, eps: float = 1e-8) -> Any:
    """The cosine of the angle between vectors along an axis, ``sum(x1 * x2) / (norm(x1) * norm(x2))``.

    Parameters
    ----------
    x1, x2 : arrays
        May broadcast against each other.
    axis : int
        That of the vectors' elements.
    eps : float
        The least norm that is divided by.
    """
    a, b = (checked_vectors("cosine_similarity", x) for x in (x1, x2))
    check_shapes("cosine_similarity", a, b)
    return rounded_back(total(normalize(a, axis=axis, eps=eps) * normalize(b, axis=axis, eps=eps), axis=axis), x1, x2)


def normalize(x: Any, p: float = 2.0, axis: int = 1, eps: float = 1e-12) -> Any:
    """`x` over its p-norm along an axis.

    Parameters
    ----------
    x : array
    p : float
        The order of the norm.
    axis : int
        That of the vectors' elements.
    eps : float
        The least norm that is divided by.
    """
    wide = checked_vectors("normalize", x)
    if not -wide.ndim <= axis < wide.ndim:
        raise ValueError(
            f"an array of shape {wide.shape} has no axis {axis}. Pass axis=-1 for vectors along the last axis"
        )
    return rounded_back(wide / maximum(norm(wide, p, axis, keepdims=True), eps), x)


def checked_vectors(name: str, x: Any) -> Any:
    """`x` as floats to compute with; refuses a number by itself, which is no vector."""
    wide = widened(name, x)
    if not wide.ndim:
        raise ValueError(f"{name} takes arrays of vectors; got an array of shape ()")
    return wide


def check_shapes(name: str, a: Any, b: Any) -> None:
    """Refuse shapes that do not broadcast."""
    try:
        np.broadcast_shapes(a.shape, b.shape)
    except ValueError:
        raise ValueError(f"{name} takes arrays that broadcast together; got {a.shape} and {b.shape}") from None


class PairwiseDistance(Module):
    """`functional.pairwise_distance` as a layer.

    Parameters
    ----------
    p, eps : float
    keepdims : bool
    """

    def __init__(self, p: float = 2.0, eps: float = 1e-6, keepdims: bool = False) -> None:
        self.p = p
        self.eps = eps
        self.keepdims = keepdims

    def forward(self, x1: Any, x2: Any) -> Any:
        return pairwise_distance(x1, x2, self.p, self.eps, self.keepdims)


class CosineSimilarity(Module):
    """`functional.cosine_similarity` as a layer.

    Parameters
    ----------
    axis : int
    eps : float
    """

    def __init__(self, axis: int = 1, eps: float = 1e-8) -> None:
        self.axis = axis
        self.eps = eps

    def forward(self, x1: Any, x2: Any) -> Any:
        return cosine_similarity(x1, x2, self.axis, self.eps)
