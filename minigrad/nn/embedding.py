"""Table look-up: a row of numbers for each index."""

from typing import Any

import numpy as np

from ..core.door import plain, raise_if, unwrap
from ..core.foreign import admitted
from ..rules.indexing import take_at
from . import init
from .init import RNG
from .module import Module
from .parameter import Parameter
from .sizes import checked_count, checked_integer


def embedding(indices: Any, weight: Any, padding_idx: int | None = None) -> Any:
    """The rows of `weight` (count, width) at `indices` (...), as an array of shape (..., width).

    Parameters
    ----------
    indices : array of integers
    weight : array
    padding_idx : int, optional
        The row of this index counts as zeros, so that it has no gradient either.

    Raises
    ------
    TypeError
        If `indices` or `padding_idx` are not integers.
    ValueError
        If `padding_idx` is out of range.
    IndexError
        If an index is out of range; none counts from the end.
    """
    indices, rows = as_integers("embedding", "indices", indices), weight.shape[0]
    raise_if(
        (indices < 0) | (indices >= rows),
        lambda: IndexError(
            f"this embedding has {rows} rows, for the indices 0 to {rows - 1}; got indices "
            f"from {unwrap(indices).min()} to {unwrap(indices).max()}"
        ),
    )
    y = take_at(weight, indices)
    return y if padding_idx is None else y * (indices != checked_padding(padding_idx, rows))[..., None]


def checked_padding(padding_idx: int, rows: int) -> int:
    """The index of the row that counts as zeros; none counts from the end."""
    if not 0 <= checked_integer("padding_idx", padding_idx) < rows:
        raise ValueError(f"padding_idx is an index from 0 to {rows - 1}; got {padding_idx}")
    return padding_idx


def as_integers(taker: str, wanted: str, given: Any) -> Any:
    """Plain positions or lengths; refuses floats."""
    given = admitted(taker, plain(given))
    integers = given if hasattr(given, "dtype") else np.asarray(given)
    if integers.dtype.kind not in "iu":
        raise TypeError(f"{taker} takes {wanted}, which are integers; got {integers.dtype}. Use x.astype(int)")
    return integers


class Embedding(Module):
    """A table of its own for `functional.embedding`: integers (...) -> (..., embedding_dim).

    Parameters
    ----------
    num_embeddings, embedding_dim : int
        The weight has the shape (num_embeddings, embedding_dim), and starts from normal numbers.
    padding_idx : int, optional
        The index whose row is zeros, and does not learn.
    rng : Generator, seed or None
    """

    def __init__(
        self, num_embeddings: int, embedding_dim: int, padding_idx: int | None = None, rng: RNG = None
    ) -> None:
        num_embeddings = checked_count("num_embeddings of Embedding", num_embeddings, 1)
        embedding_dim = checked_count("embedding_dim of Embedding", embedding_dim, 1)
        if padding_idx is not None:
            checked_padding(padding_idx, num_embeddings)
        weight = init.normal((num_embeddings, embedding_dim), rng=rng)
        if padding_idx is not None:
            weight[padding_idx] = 0
        self.weight = Parameter(weight)
        self.padding_idx = padding_idx

    def forward(self, indices: Any) -> Any:
        return embedding(indices, self.weight, self.padding_idx)
