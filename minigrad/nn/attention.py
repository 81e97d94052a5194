"""Attention: each query's mean of the values, weighted by how well their keys fit."""

import math
from collections.abc import Mapping
from functools import reduce
from typing import Any

import numpy as np

from ..core.door import batch_of, plain, unwrap
from ..core.engine import undo_broadcast
from ..core.primitive import general
from ..core.short import public
from ..ops.functions import concat, where
from ..rules.batching import trailing
from ..rules.network import quiet
from .dropout import check_probability, dropout
from .init import RNG
from .linear import Linear
from .module import Module
from .precision import as_input, floating, rounded_back, widened
from .rotary import check_base, rotary_embedding
from .sizes import checked_count, checked_flag


def attention_weights(arrays, allowed=None, scale=1.0):
    """Softmax over the last axis of the scores ``scale * q @ k.mT + bias``; `arrays` are q, k and, if any, the bias.

    `allowed` is true or false for each score, after broadcasting. A score that is not allowed, or -inf, gets 0; and
    so do all scores of a row that has no other.
    """
    q, k, *bias = arrays
    weights = (q * scale) @ k.mT
    if bias:
        weights = weights + bias[0]
    if allowed is not None:
        weights += np.where(allowed, 0.0, -np.inf).astype(weights.dtype)
    if not weights.shape[-1]:  # no key, of which there is no maximum
        return weights
    top = np.max(weights, axis=-1, keepdims=True)
    weights -= np.where(np.isinf(top), 0, top)  # -inf less -inf is not a number
    weights = quiet.copy().run(np.exp, weights)
    # A product with ones adds up short rows in a fifth of np.sum's time.
    total = weights @ np.ones_like(weights, shape=(weights.shape[-1], 1))
    total += total == 0
    weights /= total
    return weights


def _softmax_tangent(t, y):  # its Jacobian, diag(y) - y y^T, is symmetric
    return y * (t - np.expand_dims(np.vecdot(t, y), -1))


def _attention_weights(g, y, arrays, allowed=None, scale=1.0):
    q, k, *bias = arrays
    g = _softmax_tangent(g, y)
    gq, gk = undo_broadcast(g @ k, q.shape), undo_broadcast(g.mT @ q, k.shape)
    return [gq * scale, gk * scale, *(undo_broadcast(g, x.shape) for x in bias)]


def _attention_weights_forward(tangents, y, arrays, allowed=None, scale=1.0):
    (tq, tk, *bias), (q, k, *_) = tangents, arrays
    t = (tq @ k.mT + q @ tk.mT) * scale
    return _softmax_tangent(t + bias[0] if bias else t, y)


attention_weights = public(
    general(
        attention_weights, _attention_weights, forward=[_attention_weights_forward], sequence=True, batch=trailing(2)
    )
)


def scaled_dot_product_attention(
    query: Any,
    key: Any,
    value: Any,
    attn_mask: Any = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    rng: RNG = None,
) -> Any:
    """``softmax(scale * query @ key.mT + mask) @ value``.

    Parameters
    ----------
    query : array of shape (..., queries, width)
    key : array of shape (..., keys, width)
    value : array of shape (..., keys, width of values)
    attn_mask : array that broadcasts to (..., queries, keys), optional
        Booleans, true where a query may look at a key; or floats, which are added to the products. A query that may
        look at none gets zeros, and no gradient; so do all where there are no keys.
    dropout_p : float from 0 to 1
        The probability with which a weight is dropped; whenever it is not 0, as this function knows no `training`.
    is_causal : bool
        Whether query i may look at the keys 0 to i only; then there is no `attn_mask`. Where keys come before the first
        query, as in a cache, the mask is ``causal_lower_right(queries, keys)``.
    scale : float, optional
        1 / sqrt(width) by default.
    rng : np.random.Generator, seed or None
        Draws what is dropped.

    Returns
    -------
    array of shape (..., queries, width of values)

    Raises
    ------
    TypeError
        If the mask is neither of booleans nor of floats.
    ValueError
        If shapes do not fit, or there are two masks.

    References
    ----------
    Vaswani et al., Attention Is All You Need, NeurIPS 2017 (arXiv:1706.03762).
    """
    query, key, value = (floating("attention", x) for x in (query, key, value))
    check_attention(query, key, value)
    sizes, allowed, added = (query.shape[-2], key.shape[-2]), None, None
    if is_causal:
        if attn_mask is not None:
            raise ValueError("attention takes is_causal or an attn_mask; got both. Put the causal part into the mask")
        attn_mask = causal_mask(query, *sizes)
    if attn_mask is not None:
        attn_mask = checked_mask("attn_mask", attn_mask)
        check_mask_shape(attn_mask, (*np.broadcast_shapes(query.shape[:-2], key.shape[:-2]), *sizes))
        allowed, added = (attn_mask, None) if attn_mask.dtype == bool else (None, attn_mask)
    weights = weights_of(query, key, allowed, added, scale)
    return dropout(weights, dropout_p, True, rng) @ value


def weights_of(query: Any, key: Any, allowed: Any, added: Any, scale: float | None = None) -> Any:
    """The weights of the keys for each query, (..., queries, keys).

    `allowed` has booleans and `added` has floats, which broadcast to that; or they are None.
    """
    arrays = [widened("attention", query), widened("attention", key)]
    if batch_of(plain(allowed)):  # each entry of a batch has its own, which is an operand as the others
        added = where(plain(allowed), 0.0 if added is None else added, -np.inf)
        allowed = None
    if added is not None:  # in the dtype of the scores: a mask must not turn them all into float64
        arrays.append(added if added.dtype == arrays[0].dtype else added.astype(arrays[0].dtype))
    scale = 1 / math.sqrt(query.shape[-1]) if scale is None else scale
    return rounded_back(attention_weights(arrays, plain(allowed), scale), query, key)


def causal_upper_left(queries: int, keys: int) -> np.ndarray:
    """Booleans (queries, keys): query i may look at the keys 0 to i, as if both began together."""
    return causal_mask(np.empty(0), *checked_mask_size(queries, keys))


def causal_lower_right(queries: int, keys: int) -> np.ndarray:
    """Booleans (queries, keys): the last query may look at all keys, the one before at all but the last, and so on.

    This is the mask where the keys are more, as those of former queries are kept, and both end together.
    """
    queries, keys = checked_mask_size(queries, keys)
    return causal_mask(np.empty(0), queries, keys, keys - queries)


def checked_mask_size(queries: int, keys: int) -> tuple[int, int]:
    """The sizes of a mask."""
    return checked_count("the number of queries", queries, 0), checked_count("the number of keys", keys, 0)


def causal_mask(like: Any, queries: int, keys: int, before: int = 0) -> Any:
    """Booleans (queries, keys): whether the key is not after the query, before which there were some more.

    They are in the library of `like`.
    """
    return np.arange(queries, like=unwrap(like))[:, None] + before >= np.arange(keys, like=unwrap(like))


def check_attention(query: Any, key: Any, value: Any) -> None:
    """Refuse arrays that do not fit together."""
    fit = (
        min(query.ndim, key.ndim, value.ndim) > 1
        and query.shape[-1] == key.shape[-1]
        and key.shape[-2] == value.shape[-2]
    )
    if not fit:
        raise ValueError(
            f"attention takes queries (..., l, e), keys (..., s, e) and values (..., s, v); got shapes {query.shape}, "
            f"{key.shape} and {value.shape}"
        )


def checked_mask(name: str, mask: Any) -> Any:
    """A mask as an array, of booleans or of floats."""
    mask = as_input(mask)
    if mask.dtype != bool and mask.dtype.kind != "f":
        raise TypeError(f"{name} is an array of booleans, or of floats to add; got {mask.dtype}. Use mask.astype(bool)")
    return mask


def check_mask_shape(mask: Any, shape: tuple[int, ...]) -> None:
    """Refuse a mask that does not broadcast to `shape`."""
    wider = len(shape) - mask.ndim
    if wider < 0 or any(n not in (1, m) for n, m in zip(mask.shape, shape[wider:], strict=True)):
        raise ValueError(
            f"attn_mask broadcasts to {shape}, for (..., queries, keys); got an array of shape {mask.shape}"
        )


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
    rotary_base : float, optional
        The base of the rotary positions that queries and keys get, by head; 10000 is usual. None without: PyTorch's
        layer has none.
    rng : np.random.Generator, seed or None
        Draws the parameters of the linear maps, and then what is dropped.

    References
    ----------
    Vaswani et al., Attention Is All You Need, NeurIPS 2017 (arXiv:1706.03762), section 3.2.2; for rotary positions see
    `functional.rotary_embedding`.
    """

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        dropout: float = 0.0,
        bias: bool = True,
        batch_first: bool = False,
        rotary_base: float | None = None,
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
        self.rotary_base = self.checked_rotary(rotary_base)
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
        cache: tuple[Any, Any] | None = None,
    ) -> tuple[Any, ...]:
        """What each query takes of the values; the arguments are PyTorch's, in its order, but for the cache.

        Parameters
        ----------
        query : array of shape (queries, n, embed_dim), or (n, queries, embed_dim) if `batch_first`
        key, value : array of shape (keys, n, embed_dim), or (n, keys, embed_dim)
            Both may be None beside a cache that has all keys.
        key_padding_mask : array of shape (n, keys), optional
            Booleans, true for keys that are to be ignored; or floats, which are added to the scores. Keys of a cache
            count as well, here and below.
        need_weights : bool
            Whether to return the weights as well.
        attn_mask : array of shape (queries, keys) or (n * num_heads, queries, keys), optional
            Booleans, true where a query must not look at a key; or floats, which are added to the scores. This is the
            opposite of `scaled_dot_product_attention`, as in PyTorch.
        average_attn_weights : bool
            Whether these weights are the mean over the heads.
        is_causal : bool
            Whether a query may look at keys that are not after it, only; in addition to the masks. Beside a cache, the
            last query is that of the last key.
        cache : pair of arrays of shape (n, num_heads, former keys, embed_dim / num_heads), optional
            The keys and values of former calls, as `new_cache` and those calls returned them: queries look at them
            too, and their positions come before. No array is changed, so derivatives flow through a cache.

        Returns
        -------
        output : array of the shape of `query`
            A query that may look at no key has zeros before the last linear map.
        weights : array of shape (n, queries, keys), or (n, num_heads, queries, keys), or None
        cache
            The cache with the new keys and values; only if there is one.

        Raises
        ------
        TypeError
            If a mask is neither of booleans nor of floats.
        ValueError
            If shapes do not fit.
        """
        query = as_input(query)
        key, value = (None if x is None else as_input(x) for x in (key, value))
        self.check(query, key, value, cache)
        keys, values = self.cached(key, value, cache)
        n, heads, total, _ = keys.shape
        shape = n, heads, query.shape[1 if self.batch_first else 0], total
        masks = checked_masks(key_padding_mask, attn_mask, shape)
        allowed = [np.logical_not(mask) for mask in masks if mask.dtype == bool]
        before = 0 if cache is None else total - shape[2]
        if is_causal:
            allowed.append(causal_mask(query, *shape[2:], before))
        added = [mask for mask in masks if mask.dtype != bool]
        weights = weights_of(
            self.placed(self.heads(self.q_proj, query), before),
            keys,
            reduce(np.logical_and, allowed) if allowed else None,
            reduce(np.add, added) if added else None,
        )
        y = dropout(weights, self.dropout, self.training, self._rng) @ values
        y = self.out_proj(y.transpose(self.order()).reshape(-1, self.embed_dim)).reshape(query.shape)
        if need_weights:
            weights = weights.mean(axis=1) if average_attn_weights else weights
        outputs = y, weights if need_weights else None
        return outputs if cache is None else (*outputs, (keys, values))

    def new_cache(self, n: int) -> tuple[Any, Any]:
        """A cache without keys, for n sequences."""
        shape = checked_count("the number of sequences in a cache", n, 0), self.num_heads, 0, self.width
        return (np.zeros_like(unwrap(self.k_proj.weight), shape=shape),) * 2

    def cached(self, key: Any, value: Any, cache: tuple[Any, Any] | None = None) -> tuple[Any, Any]:
        """Keys and values by head, (n, num_heads, keys, features of a head), after those of a cache."""
        if cache is not None and key is None:
            return cache
        before = 0 if cache is None else cache[0].shape[2]
        new = self.placed(self.heads(self.k_proj, key), before), self.heads(self.v_proj, value)
        return new if cache is None else (concat([cache[0], new[0]], axis=2), concat([cache[1], new[1]], axis=2))

    def placed(self, x: Any, before: int) -> Any:
        """Queries or keys by head, after so many others, with their rotary positions, if there are any."""
        if self.rotary_base is None:
            return x
        return rotary_embedding(x, np.arange(before, before + x.shape[2], like=unwrap(x)), self.rotary_base)

    @property
    def width(self) -> int:
        """The number of features of a head."""
        return self.embed_dim // self.num_heads

    def order(self) -> tuple[int, ...]:
        """How to go from (n, num_heads, length, features of a head) to the order of the arguments."""
        return (0, 2, 1, 3) if self.batch_first else (2, 0, 1, 3)

    def heads(self, projection: Linear, x: Any) -> Any:
        """Queries, keys or values, by head: (n, num_heads, length, features of a head)."""
        y = projection(x.reshape(-1, self.embed_dim))  # one product of matrices, rather than one for each sequence
        y = y.reshape(*x.shape[:2], self.num_heads, self.width)
        return y.transpose((0, 2, 1, 3) if self.batch_first else (1, 2, 0, 3))

    def from_torch(self, state: Mapping[str, Any]) -> dict[str, Any]:
        # PyTorch has the maps of queries, keys and values in one matrix, one below the other.
        apart = {name: x for name, x in state.items() if not name.startswith("in_proj_")}
        for kind in ("weight", "bias"):
            if f"in_proj_{kind}" in state:
                thirds = np.split(state[f"in_proj_{kind}"], 3)
                apart |= {f"{name}_proj.{kind}": third for name, third in zip("qkv", thirds, strict=True)}
        return super().from_torch(apart)

    def to_torch(self, state: Mapping[str, Any] | None = None) -> dict[str, Any]:
        there = super().to_torch(state)
        for kind in ("weight", "bias"):
            thirds = [there.pop(f"{name}_proj.{kind}") for name in "qkv" if f"{name}_proj.{kind}" in there]
            if thirds:
                there[f"in_proj_{kind}"] = np.concatenate(thirds)
        return there

    def checked_rotary(self, base: float | None) -> float | None:
        """The base of rotary positions, for which the features of a head come in pairs."""
        if base is not None:
            check_base(base)
            if self.width % 2:
                raise ValueError(f"rotary positions take an even number of features a head; got {self.width}")
        return base

    def check(self, query: Any, key: Any, value: Any, cache: Any) -> None:
        """Refuse arrays that do not fit together."""
        if cache is not None:
            self.check_cache(query, cache)
        if cache is not None and key is None and value is None:
            key = value = query
        batch = 0 if self.batch_first else 1
        shapes: list[Any] = [None if x is None else np.shape(x) for x in (query, key, value)]
        of_queries, of_keys, of_values = shapes
        fit = (
            None not in shapes
            and len(of_queries) == len(of_keys) == 3
            and of_keys == of_values
            and of_queries[2] == of_keys[2] == self.embed_dim
            and of_queries[batch] == of_keys[batch]
        )
        if not fit:
            axes = "n, {}" if self.batch_first else "{}, n"
            raise ValueError(
                f"this MultiheadAttention takes queries of shape ({axes.format('queries')}, {self.embed_dim}), and "
                f"keys and values of shape ({axes.format('keys')}, {self.embed_dim}); got {of_queries}, {of_keys} "
                f"and {of_values}"
            )

    def check_cache(self, query: Any, cache: Any) -> None:
        """Refuse a cache that does not fit these queries."""
        shapes = [np.shape(x) for x in cache] if isinstance(cache, tuple | list) else [np.shape(cache)]
        n = query.shape[0 if self.batch_first else 1]
        fit = len(shapes) == 2 and shapes[0] == shapes[1] and len(shapes[0]) == 4
        if not fit or (*shapes[0][:2], shapes[0][3]) != (n, self.num_heads, self.width):
            raise ValueError(
                f"a cache of this MultiheadAttention is a pair of arrays of shape ({n}, {self.num_heads}, keys, "
                f"{self.width}); got {' and '.join(map(str, shapes))}. Begin with new_cache({n})"
            )


def checked_masks(padding: Any, mask: Any, shape: tuple[int, int, int, int]) -> list[Any]:
    """The masks that are not None, in forms that broadcast to `shape`, (n, heads, queries, keys)."""
    n, heads, queries, keys = shape
    masks = []
    if padding is not None:
        padding = checked_mask("key_padding_mask", padding)
        if padding.shape != (n, keys):
            raise ValueError(f"key_padding_mask has shape ({n}, {keys}), for (n, keys); got shape {padding.shape}")
        masks.append(padding.reshape(n, 1, 1, keys))
    if mask is not None:
        mask = checked_mask("attn_mask", mask)
        if mask.shape not in ((queries, keys), (n * heads, queries, keys)):
            raise ValueError(
                f"attn_mask has shape ({queries}, {keys}), for (queries, keys), or ({n * heads}, {queries}, {keys}), "
                f"with one for each head; got shape {mask.shape}"
            )
        masks.append(mask if mask.ndim == 2 else mask.reshape(shape))
    return masks
