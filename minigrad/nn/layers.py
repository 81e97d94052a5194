"""Layers that are linear, look up, reshape or drop."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..core.recorder import depends
from ..ops.functions import reshape
from . import functional, init
from .functional.layers import check_probability
from .init import RNG
from .module import Module
from .parameter import Parameter
from .sizes import checked_count, checked_flag


class Linear(Module):
    """Affine map of the last axis: (..., in_features) -> (..., out_features), ``x @ weight + bias``.

    Parameters
    ----------
    in_features, out_features : int
        The weight has the shape (in_features, out_features), and starts from `init.glorot_uniform`.
    bias : bool
        Whether to add a bias, which starts from zeros.
    rng : Generator, seed or None
    """

    def __init__(self, in_features: int, out_features: int, bias: bool = True, rng: RNG = None) -> None:
        bias = checked_flag("bias of Linear", bias)
        rows = checked_count("in_features of Linear", in_features, 1)
        columns = checked_count("out_features of Linear", out_features, 1)
        self.weight = Parameter(init.glorot_uniform((rows, columns), rng))
        self.bias = Parameter(np.zeros(columns)) if bias else None

    def forward(self, x: Any) -> Any:
        return functional.linear(x, self.weight, self.bias)

    def from_torch(self, state: Mapping[str, Any]) -> dict[str, Any]:
        return {name: np.transpose(x) if name == "weight" else x for name, x in state.items()}


class Bilinear(Module):
    """A form of two arrays, linear in each: (..., in1) and (..., in2) -> (..., out).

    Parameters
    ----------
    in1_features, in2_features, out_features : int
        The weight has the shape (in1_features, in2_features, out_features).
    bias : bool
    rng : Generator, seed or None
    """

    def __init__(
        self, in1_features: int, in2_features: int, out_features: int, bias: bool = True, rng: RNG = None
    ) -> None:
        bias = checked_flag("bias of Bilinear", bias)
        bound = checked_count("in1_features of Bilinear", in1_features, 1) ** -0.5
        values = init.uniform((in1_features, in2_features, out_features), -bound, bound, rng)
        self.weight = Parameter(values, fans=(in1_features * in2_features, out_features))
        self.bias = Parameter(np.zeros(out_features)) if bias else None

    def forward(self, x1: Any, x2: Any) -> Any:
        return functional.bilinear(x1, x2, self.weight, self.bias)

    def from_torch(self, state: Mapping[str, Any]) -> dict[str, Any]:
        return {name: np.moveaxis(x, 0, -1) if name == "weight" else x for name, x in state.items()}


class Embedding(Module):
    """A row of numbers for each index: integers (...) -> (..., embedding_dim).

    Parameters
    ----------
    num_embeddings, embedding_dim : int
        The weight has the shape (num_embeddings, embedding_dim), and starts from normal numbers.
    padding_idx : int, optional
        The index whose row counts as zeros, and does not learn.
    rng : Generator, seed or None

    Raises
    ------
    IndexError
        In a call, if an index is out of range.
    """

    def __init__(
        self, num_embeddings: int, embedding_dim: int, padding_idx: int | None = None, rng: RNG = None
    ) -> None:
        if padding_idx is not None and not 0 <= padding_idx < num_embeddings:
            raise ValueError(f"padding_idx is an index from 0 to {num_embeddings - 1}; got {padding_idx}")
        weight = init.normal((num_embeddings, embedding_dim), rng=rng)
        if padding_idx is not None:
            weight[padding_idx] = 0
        self.weight = Parameter(weight)
        self.padding_idx = padding_idx

    def forward(self, indices: Any) -> Any:
        return functional.embedding(indices, self.weight, self.padding_idx)


class Flatten(Module):
    """The axes from `start_axis` to `end_axis` as one: (batch, channels, height, width) -> (batch, all of them).

    Parameters
    ----------
    start_axis, end_axis : int
        The first and the last of the axes that become one; negative ones count from the end.
    """

    def __init__(self, start_axis: int = 1, end_axis: int = -1) -> None:
        self.start_axis = start_axis
        self.end_axis = end_axis

    def forward(self, x: Any) -> Any:
        start, end = self.start_axis % x.ndim, self.end_axis % x.ndim
        return reshape(x, (*x.shape[:start], -1, *x.shape[end + 1 :]))


class Dropout(Module):
    """While training, sets each element to 0 at probability `p`, and divides the others by 1 - p.

    Parameters
    ----------
    p : float in [0, 1]
    rng : Generator, seed or None
        What the layer draws from, call by call.
    """

    def __init__(self, p: float = 0.5, rng: RNG = None) -> None:
        check_probability(p)
        self.p = p
        self.rng = np.random.default_rng(rng)

    def forward(self, x: Any) -> Any:
        return functional.dropout(x, self.p, depends(self, "training"), self.rng)
