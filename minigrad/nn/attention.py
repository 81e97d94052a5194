"""Attention with several heads."""

from collections.abc import Mapping
from functools import reduce
from typing import Any

import numpy as np

from ..core.recorder import depends
from .functional.attention import causal_mask, check_mask, weights_of
from .functional.layers import check_probability, dropout
from .init import RNG
from .layers import Linear
from .module import Module
from .sizes import checked_count, checked_flag


class MultiheadAttention(Module):
    """Attention of several heads side by side, each with a part of the features.

    Parameters
    ----------
    embed_dim : int
        The number of features, of queries, keys, values and the result.
    num_heads : int
        Divides `embed_dim`.
    dropout : float from 0 to 1
        The probability with which a weight is dropped in training.
    bias : bool
        Whether the four linear maps have biases.
    batch_first : bool
        Whether arrays have shape (n, length, features) rather than (length, n, features).
    rng : np.random.Generator, seed or None
        Draws the parameters of the linear maps, and then what is dropped.

    References
    ----------
    Vaswani et al., Attention Is All You Need, NeurIPS 2017 (arXiv:1706.03762), section 3.2.2.
    """

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        dropout: float = 0.0,
        bias: bool = True,
        batch_first: bool = False,
        rng: RNG = None,
    ) -> None:
        self.embed_dim = checked_count("embed_dim of MultiheadAttention", embed_dim, 1)
        self.num_heads = checked_count("num_heads of MultiheadAttention", num_heads, 1)
        if embed_dim % num_heads:
            raise ValueError(
                f"MultiheadAttention gives each head as many features; got embed_dim={embed_dim} for "
                f"num_heads={num_heads}"
            )
        check_probability(dropout)
        bias = checked_flag("bias of MultiheadAttention", bias)
        self.dropout, self.batch_first = dropout, checked_flag("batch_first of MultiheadAttention", batch_first)
        self._rng = np.random.default_rng(rng)
        self.q_proj, self.k_proj, self.v_proj, self.out_proj = (
            Linear(embed_dim, embed_dim, bias, self._rng) for _ in range(4)
        )

    def forward(
        self,
        query: Any,
        key: Any,
        value: Any,
        key_padding_mask: Any = None,
        need_weights: bool = True,
        attn_mask: Any = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> tuple[Any, Any]:
        """What each query takes of the values; the arguments are PyTorch's, in its order.

        Parameters
        ----------
        query : array of shape (queries, n, embed_dim), or (n, queries, embed_dim) if `batch_first`
        key, value : array of shape (keys, n, embed_dim), or (n, keys, embed_dim)
        key_padding_mask : array of shape (n, keys), optional
            Booleans, true for keys that are to be ignored; or floats, which are added to the scores.
        need_weights : bool
            Whether to answer with the weights as well.
        attn_mask : array of shape (queries, keys) or (n * num_heads, queries, keys), optional
            Booleans, true where a query must not look at a key; or floats, which are added to the scores. This is the
            opposite of `scaled_dot_product_attention`, as in PyTorch.
        average_attn_weights : bool
            Whether these weights are the mean over the heads.
        is_causal : bool
            Whether a query may look at keys that are not after it, only; in addition to the masks.

        Returns
        -------
        output : array of the shape of `query`
            A query that may look at no key has zeros before the last linear map.
        weights : array of shape (n, queries, keys), or (n, num_heads, queries, keys), or None

        Raises
        ------
        TypeError
            If a mask is neither of booleans nor of floats.
        ValueError
            If shapes do not fit.
        """
        self.check(query, key, value)
        shape = self.scores_shape(query, key)
        masks = checked_masks(key_padding_mask, attn_mask, shape)
        allowed = [np.logical_not(mask) for mask in masks if mask.dtype == bool]
        if is_causal:
            allowed.append(causal_mask(query, *shape[2:]))
        added = [mask for mask in masks if mask.dtype != bool]
        q, k, v = self.heads(self.q_proj, query), self.heads(self.k_proj, key), self.heads(self.v_proj, value)
        weights = weights_of(
            q, k, reduce(np.logical_and, allowed) if allowed else None, reduce(np.add, added) if added else None
        )
        y = dropout(weights, self.dropout, depends(self, "training"), self._rng) @ v
        y = self.out_proj(y.transpose(self.order()).reshape(-1, self.embed_dim)).reshape(query.shape)
        if not need_weights:
            return y, None
        return y, weights.mean(axis=1) if average_attn_weights else weights

    def order(self) -> tuple[int, ...]:
        """How to go from (n, num_heads, length, features of a head) to the order of the arguments."""
        return (0, 2, 1, 3) if self.batch_first else (2, 0, 1, 3)

    def heads(self, projection: Linear, x: Any) -> Any:
        """Queries, keys or values, by head: (n, num_heads, length, features of a head)."""
        y = projection(x.reshape(-1, self.embed_dim))  # one product of matrices, rather than one for each sequence
        y = y.reshape(*x.shape[:2], self.num_heads, self.embed_dim // self.num_heads)
        return y.transpose((0, 2, 1, 3) if self.batch_first else (1, 2, 0, 3))

    def from_torch(self, state: Mapping[str, Any]) -> dict[str, Any]:
        # PyTorch has the maps of queries, keys and values in one matrix, one below the other.
        apart = {name: x for name, x in state.items() if not name.startswith("in_proj_")}
        for kind in ("weight", "bias"):
            if f"in_proj_{kind}" in state:
                thirds = np.split(state[f"in_proj_{kind}"], 3)
                apart |= {f"{name}_proj.{kind}": third for name, third in zip("qkv", thirds, strict=True)}
        return super().from_torch(apart)

    def scores_shape(self, query: Any, key: Any) -> tuple[int, int, int, int]:
        """(n, num_heads, queries, keys)."""
        n, queries = query.shape[:2] if self.batch_first else query.shape[1::-1]
        return n, self.num_heads, queries, key.shape[1 if self.batch_first else 0]

    def check(self, query: Any, key: Any, value: Any) -> None:
        """Refuse arrays that do not fit together."""
        batch = 0 if self.batch_first else 1
        fit = (
            query.ndim == key.ndim == 3
            and key.shape == value.shape
            and query.shape[2] == key.shape[2] == self.embed_dim
            and query.shape[batch] == key.shape[batch]
        )
        if not fit:
            axes = "n, {}" if self.batch_first else "{}, n"
            raise ValueError(
                f"this MultiheadAttention takes queries of shape ({axes.format('queries')}, {self.embed_dim}), and "
                f"keys and values of shape ({axes.format('keys')}, {self.embed_dim}); got {query.shape}, {key.shape} "
                f"and {value.shape}"
            )


def checked_masks(padding: Any, mask: Any, shape: tuple[int, int, int, int]) -> list[Any]:
    """The masks that are not None, in forms that broadcast to `shape`, (n, heads, queries, keys)."""
    n, heads, queries, keys = shape
    masks = []
    if padding is not None:
        check_mask("key_padding_mask", padding)
        if padding.shape != (n, keys):
            raise ValueError(f"key_padding_mask has shape ({n}, {keys}), for (n, keys); got shape {padding.shape}")
        masks.append(padding.reshape(n, 1, 1, keys))
    if mask is not None:
        check_mask("attn_mask", mask)
        if mask.shape not in ((queries, keys), (n * heads, queries, keys)):
            raise ValueError(
                f"attn_mask has shape ({queries}, {keys}), for (queries, keys), or ({n * heads}, {queries}, {keys}), "
                f"with one for each head; got shape {mask.shape}"
            )
        masks.append(mask if mask.ndim == 2 else mask.reshape(shape))
    return masks
