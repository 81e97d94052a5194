"""The layer that transformers consist of."""

from collections.abc import Callable
from typing import Any

import numpy as np

from ..core.recorder import depends
from .activations import gelu, relu
from .attention import MultiheadAttention
from .dropout import check_probability, dropout
from .init import RNG
from .linear import Linear
from .module import Module
from .normalisation import LayerNorm
from .sizes import checked_flag

ACTIVATIONS = {"relu": relu, "gelu": gelu}


class TransformerEncoderLayer(Module):
    """Attention of a sequence to itself, then a network for each element; both are added to what goes in.

    With `norm_first`, x + f(norm(x)) for both parts; otherwise norm(x + f(x)), as in the paper.

    Parameters
    ----------
    d_model : int
        The number of features.
    nhead : int
        The number of heads; divides `d_model`.
    dim_feedforward : int
        The number of features inside the network.
    dropout : float from 0 to 1
        The probability to be dropped in training, of weights of the attention, features inside the network, and what
        both parts add.
    activation : "relu", "gelu" or a function
    layer_norm_eps : float
    batch_first : bool
        Whether arrays have shape (n, length, d_model) rather than (length, n, d_model).
    norm_first : bool
    bias : bool
        Whether the linear maps and the normalisations have biases.
    rng : np.random.Generator, seed or None
        Draws the parameters, and then what is dropped.

    References
    ----------
    Vaswani et al., Attention Is All You Need, NeurIPS 2017 (arXiv:1706.03762); for `norm_first`, Xiong et al., On
    Layer Normalization in the Transformer Architecture, ICML 2020 (arXiv:2002.04745).
    """

    def __init__(
        self,
        d_model: int,
        nhead: int,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: str | Callable[[Any], Any] = "relu",
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        rng: RNG = None,
    ) -> None:
        if isinstance(activation, str) and activation not in ACTIVATIONS:
            raise ValueError(f'activation is "relu", "gelu" or a function of arrays; got {activation!r}')
        check_probability(dropout)
        bias, norm_first, batch_first = (
            checked_flag(f"{name} of TransformerEncoderLayer", flag)
            for name, flag in (("bias", bias), ("norm_first", norm_first), ("batch_first", batch_first))
        )
        self._rng = np.random.default_rng(rng)
        self.self_attn = MultiheadAttention(d_model, nhead, dropout, bias, batch_first, self._rng)
        self.linear1 = Linear(d_model, dim_feedforward, bias, self._rng)
        self.linear2 = Linear(dim_feedforward, d_model, bias, self._rng)
        self.norm1 = LayerNorm(d_model, layer_norm_eps, bias=bias)
        self.norm2 = LayerNorm(d_model, layer_norm_eps, bias=bias)
        self.dropout, self.norm_first = dropout, norm_first
        self.activation = activation

    def forward(
        self, src: Any, src_mask: Any = None, src_key_padding_mask: Any = None, is_causal: bool = False
    ) -> Any:  # (n, length, d_model) -> the same, or (length, n, d_model)
        """The sequences after this layer; for the masks see `MultiheadAttention.forward`."""

        def attended(x: Any) -> Any:
            x = x.reshape(src.shape)
            y, _ = self.self_attn(x, x, x, src_key_padding_mask, False, src_mask, is_causal=is_causal)
            return y.reshape(-1, src.shape[-1])

        # A matrix has a row for each element of each sequence: larger products take less time than many small ones.
        x = src.reshape(-1, src.shape[-1])
        if self.norm_first:
            x = x + self.dropped(attended(self.norm1(x)))
            x = x + self.dropped(self.by_element(self.norm2(x)))
        else:
            x = self.norm1(x + self.dropped(attended(x)))
            x = self.norm2(x + self.dropped(self.by_element(x)))
        return x.reshape(src.shape)

    def by_element(self, x: Any) -> Any:
        """The network that each element goes through by itself."""
        activation = ACTIVATIONS[self.activation] if isinstance(self.activation, str) else self.activation
        return self.linear2(self.dropped(activation(self.linear1(x))))

    def dropped(self, x: Any) -> Any:
        """`x` after dropout."""
        return dropout(x, self.dropout, depends(self, "training"), self._rng)
