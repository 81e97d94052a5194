"""Attention: each query's mean of the values, weighted by how well their keys fit."""

import math
from typing import Any

import numpy as np

from ...core.door import bare, bind
from ..init import RNG
from ..precision import floating, narrowed, widened
from ..rules import attention as rules
from .layers import dropout


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
        look at none gets zeros, and no gradient.
    dropout_p : float from 0 to 1
        The probability with which a weight is dropped; whenever it is not 0, as this function knows no `training`.
    is_causal : bool
        Whether query i may look at the keys 0 to i only; then there is no `attn_mask`.
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
        check_mask("attn_mask", attn_mask)
        check_mask_shape(attn_mask, (*np.broadcast_shapes(query.shape[:-2], key.shape[:-2]), *sizes))
        allowed, added = (attn_mask, None) if attn_mask.dtype == bool else (None, attn_mask)
    weights = weights_of(query, key, allowed, added, scale)
    return dropout(weights, dropout_p, True, rng) @ value


def weights_of(query: Any, key: Any, allowed: Any, added: Any, scale: float | None = None) -> Any:
    """The weights of the keys for each query, (..., queries, keys).

    `allowed` has booleans and `added` has floats, which broadcast to that; or they are None.
    """
    arrays = [widened("attention", query), widened("attention", key)]
    if added is not None:  # in the dtype of the scores: a mask shall not make them all float64
        arrays.append(added if added.dtype == arrays[0].dtype else added.astype(arrays[0].dtype))
    scale = 1 / math.sqrt(query.shape[-1]) if scale is None else scale
    return narrowed(bind(rules.attention_weights, (arrays, bare(allowed), scale)), query, key)


def causal_mask(like: Any, queries: int, keys: int) -> Any:
    """Booleans (queries, keys): whether the key is not after the query; in the library of `like`."""
    return np.arange(queries, like=bare(like))[:, None] >= np.arange(keys, like=bare(like))


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


def check_mask(name: str, mask: Any) -> None:
    """Refuse a mask that is neither of booleans nor of floats."""
    if mask.dtype != bool and mask.dtype.kind != "f":
        raise TypeError(f"{name} is an array of booleans, or of floats to add; got {mask.dtype}. Use mask.astype(bool)")


def check_mask_shape(mask: Any, shape: tuple[int, ...]) -> None:
    """Refuse a mask that does not broadcast to `shape`."""
    wider = len(shape) - mask.ndim
    if wider < 0 or any(n not in (1, m) for n, m in zip(mask.shape, shape[wider:], strict=True)):
        raise ValueError(
            f"attn_mask broadcasts to {shape}, for (..., queries, keys); got an array of shape {mask.shape}"
        )
