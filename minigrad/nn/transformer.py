"""The layers that transformers consist of, and stacks of them."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import numpy as np

from .activations import gelu, relu
from .attention import MultiheadAttention
from .dropout import check_probability, dropout
from .init import RNG
from .linear import Linear
from .module import Module
from .normalisation import LayerNorm
from .sizes import checked_count, checked_flag

ACTIVATIONS = {"relu": relu, "gelu": gelu}


class TransformerLayer(Module):
    """Parts whose results are added to what goes in: attention, of one or two kinds, and a network for each element.

    With `norm_first`, x + f(norm(x)) for each part; otherwise norm(x + f(x)), as in the paper.

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
        each part adds.
    activation : "relu", "gelu" or a function
    layer_norm_eps : float
    batch_first : bool
        Whether arrays have shape (n, length, d_model) rather than (length, n, d_model).
    norm_first : bool
    bias : bool
        Whether the linear maps and the normalisations have biases.
    rotary_base : float, optional
        The base of rotary positions in the attention of a sequence to itself; see `MultiheadAttention`.
    rng : np.random.Generator, seed or None
        Draws the parameters, and then what is dropped.

    References
    ----------
    Vaswani et al., Attention Is All You Need, NeurIPS 2017 (arXiv:1706.03762); for `norm_first`, Xiong et al., On
    Layer Normalization in the Transformer Architecture, ICML 2020 (arXiv:2002.04745).
    """

    self_attn: MultiheadAttention
    norm1: LayerNorm
    norm2: LayerNorm
    attentions: tuple[str, ...] = ("self_attn",)

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
        rotary_base: float | None = None,
        rng: RNG = None,
    ) -> None:
        if isinstance(activation, str) and activation not in ACTIVATIONS:
            raise ValueError(f'activation is "relu", "gelu" or a function of arrays; got {activation!r}')
        check_probability(dropout)
        bias, norm_first, batch_first = (
            checked_flag(f"{name} of {type(self).__name__}", flag)
            for name, flag in (("bias", bias), ("norm_first", norm_first), ("batch_first", batch_first))
        )
        self._rng = np.random.default_rng(rng)
        for name in self.attentions:
            base = rotary_base if name == "self_attn" else None
            setattr(self, name, MultiheadAttention(d_model, nhead, dropout, bias, batch_first, base, self._rng))
        self.linear1 = Linear(d_model, dim_feedforward, bias, self._rng)
        self.linear2 = Linear(dim_feedforward, d_model, bias, self._rng)
        for i in range(len(self.attentions) + 1):
            setattr(self, f"norm{i + 1}", LayerNorm(d_model, layer_norm_eps, bias=bias))
        self.dropout, self.norm_first = dropout, norm_first
        self.activation = activation

    # A matrix has a row for each element of each sequence: larger products take less time than many small ones.

    def added(self, norm: LayerNorm, part: Callable[[Any], Any], x: Any) -> Any:
        """`x`, (elements, d_model), and what a part makes of it."""
        if self.norm_first:
            return x + self.dropped(part(norm(x)))
        return norm(x + self.dropped(part(x)))

    def by_element(self, x: Any) -> Any:
        """The network that each element goes through by itself."""
        activation = ACTIVATIONS[self.activation] if isinstance(self.activation, str) else self.activation
        return self.linear2(self.dropped(activation(self.linear1(x))))

    def dropped(self, x: Any) -> Any:
        """`x` after dropout."""
        return dropout(x, self.dropout, self.training, self._rng)


class TransformerEncoderLayer(TransformerLayer):
    """Attention of a sequence to itself, then a network for each element; for its parameters see `TransformerLayer`.

    With a causal mask, it is a layer of a decoder that has nothing but its own sequence to look at, as in GPT.
    """

    def forward(
        self,
        src: Any,
        src_mask: Any = None,
        src_key_padding_mask: Any = None,
        is_causal: bool = False,
        cache: Any = None,
    ) -> Any:  # (n, length, d_model) -> the same, or (length, n, d_model)
        """The sequences after this layer; with a cache, a pair of them and the cache of the next call.

        For the masks and the cache, which begins with `new_cache`, see `MultiheadAttention.forward`.
        """
        caches = []

        def attended(x: Any) -> Any:
            x = x.reshape(src.shape)
            y, _, *new = self.self_attn(
                x, x, x, src_key_padding_mask, False, src_mask, is_causal=is_causal, cache=cache
            )
            caches.extend(new)
            return y.reshape(-1, src.shape[-1])

        x = self.added(self.norm1, attended, src.reshape(-1, src.shape[-1]))
        x = self.added(self.norm2, self.by_element, x).reshape(src.shape)
        return x if cache is None else (x, *caches)

    def new_cache(self, n: int) -> Any:
        """A cache without keys, for n sequences."""
        return self.self_attn.new_cache(n)


class TransformerDecoderLayer(TransformerLayer):
    """Attention of a sequence to itself, to a memory, and a network for each element; see `TransformerLayer`."""

    attentions = ("self_attn", "multihead_attn")
    multihead_attn: MultiheadAttention
    norm3: LayerNorm

    def forward(
        self,
        tgt: Any,
        memory: Any,
        tgt_mask: Any = None,
        memory_mask: Any = None,
        tgt_key_padding_mask: Any = None,
        memory_key_padding_mask: Any = None,
        tgt_is_causal: bool = False,
        memory_is_causal: bool = False,
        cache: Any = None,
    ) -> Any:
        """The sequences after this layer; with a cache, a pair of them and the cache of the next call.

        Parameters
        ----------
        tgt : array of shape (length, n, d_model), or (n, length, d_model) if `batch_first`
        memory : array of shape (keys, n, d_model), or (n, keys, d_model), or None
            What an encoder returns; None beside a cache, which has its keys and values.
        tgt_mask, memory_mask, tgt_key_padding_mask, memory_key_padding_mask : arrays, optional
            Of attention to itself and to the memory; see `MultiheadAttention.forward`.
        tgt_is_causal, memory_is_causal : bool
            Whether no element looks at what comes after it. PyTorch takes this for a hint about the mask.
        cache : optional
            What `new_cache`, and each call after it, returns.

        Raises
        ------
        ValueError
            If shapes do not fit, or a memory or `memory_is_causal` comes beside a cache.
        """
        of_self, of_memory = checked_cache(cache, memory, memory_is_causal)
        caches = []

        def to_itself(x: Any) -> Any:
            x = x.reshape(tgt.shape)
            masks = tgt_key_padding_mask, False, tgt_mask
            y, _, *new = self.self_attn(x, x, x, *masks, is_causal=tgt_is_causal, cache=of_self)
            caches.extend(new)
            return y.reshape(-1, tgt.shape[-1])

        def to_memory(x: Any) -> Any:
            masks = memory_key_padding_mask, False, memory_mask
            x = x.reshape(tgt.shape)
            y, _, *new = self.multihead_attn(x, memory, memory, *masks, is_causal=memory_is_causal, cache=of_memory)
            caches.extend(new)
            return y.reshape(-1, tgt.shape[-1])

        x = self.added(self.norm1, to_itself, tgt.reshape(-1, tgt.shape[-1]))
        x = self.added(self.norm2, to_memory, x)
        x = self.added(self.norm3, self.by_element, x).reshape(tgt.shape)
        return x if cache is None else (x, tuple(caches))

    def new_cache(self, memory: Any) -> Any:
        """A cache without keys of the sequences, and with those of a memory."""
        n = memory.shape[0 if self.multihead_attn.batch_first else 1]
        return self.self_attn.new_cache(n), self.multihead_attn.cached(memory, memory)


def checked_cache(cache: Any, memory: Any, memory_is_causal: bool) -> Any:
    """The caches of attention to itself and to the memory."""
    if cache is None:
        if memory is None:
            raise ValueError("a decoder takes a memory, or a cache that has it; got neither")
        return None, None
    if memory is not None:
        raise ValueError("a cache has the keys of the memory; got a memory as well. Pass memory=None beside the cache")
    if memory_is_causal:
        raise ValueError(
            "memory_is_causal counts from the first element, and before those beside a cache there are others. Pass a "
            "memory_mask for the new ones"
        )
    if not isinstance(cache, tuple | list) or len(cache) != 2:
        raise ValueError("a cache of a decoder's layer is what its new_cache(memory), or its last call, returns")
    return cache


class Stack(Module):
    """Layers one after the other, and a normalisation at the end, if there is one.

    Parameters
    ----------
    layer : Module, or a function that makes one
        A module is copied `num_layers` times. The copies begin with equal parameters, as in PyTorch, and draw from one
        generator, that of `layer`. A function is called as often, for layers that begin with parameters of their own.
    num_layers : int >= 1
    norm : Module, optional
    """

    def __init__(self, layer: Module | Callable[[], Module], num_layers: int, norm: Module | None = None) -> None:
        count = checked_count(f"num_layers of {type(self).__name__}", num_layers, 1)
        self.layers: list[Any] = [
            with_same_generators(layer) if isinstance(layer, Module) else layer() for _ in range(count)
        ]
        self.norm = norm

    def passed(self, x: Any, call: Callable[[Any, Any, Any], Any], cache: Any) -> Any:
        """`x` after all layers, each called by `call(layer, x, cache)`; with caches, one for each layer, their next."""
        if cache is None:
            for layer in self.layers:
                x = call(layer, x, None)
            return x if self.norm is None else self.norm(x)
        if not isinstance(cache, tuple | list) or len(cache) != len(self.layers):
            raise ValueError(
                f"a cache of this {type(self).__name__} is a tuple with one for each of its {len(self.layers)} layers, "
                f"as its new_cache returns; got a {type(cache).__name__}"
                + (f" of {len(cache)}" if isinstance(cache, tuple | list) else "")
            )
        new = []
        for layer, part in zip(self.layers, cache, strict=True):
            x, following = call(layer, x, part)
            new.append(following)
        return (x if self.norm is None else self.norm(x)), tuple(new)


def with_same_generators(layer: Module) -> Module:
    """A copy of a layer that draws from its very generators: from copies of them all would draw the same."""
    values = [value for part in layer.modules() for value in vars(part).values()]
    return deepcopy(layer, {id(value): value for value in values if isinstance(value, np.random.Generator)})


class TransformerEncoder(Stack):
    """A stack of encoder layers; its parameters are those of `Stack`."""

    def forward(
        self, src: Any, mask: Any = None, src_key_padding_mask: Any = None, is_causal: bool = False, cache: Any = None
    ) -> Any:  # (n, length, d_model) -> the same, or (length, n, d_model)
        """The sequences after all layers; the arguments are those of `TransformerEncoderLayer`."""
        return self.passed(
            src, lambda layer, x, cache: layer(x, mask, src_key_padding_mask, is_causal, **given(cache)), cache
        )

    def new_cache(self, n: int) -> Any:
        """A cache without keys, for n sequences."""
        return tuple(layer.new_cache(n) for layer in self.layers)


class TransformerDecoder(Stack):
    """A stack of decoder layers; its parameters are those of `Stack`."""

    def forward(
        self,
        tgt: Any,
        memory: Any,
        tgt_mask: Any = None,
        memory_mask: Any = None,
        tgt_key_padding_mask: Any = None,
        memory_key_padding_mask: Any = None,
        tgt_is_causal: bool = False,
        memory_is_causal: bool = False,
        cache: Any = None,
    ) -> Any:
        """The sequences after all layers; the arguments are those of `TransformerDecoderLayer`."""
        masks = tgt_mask, memory_mask, tgt_key_padding_mask, memory_key_padding_mask, tgt_is_causal, memory_is_causal
        return self.passed(tgt, lambda layer, x, cache: layer(x, memory, *masks, **given(cache)), cache)

    def new_cache(self, memory: Any) -> Any:
        """A cache without keys of the sequences, and with those of a memory."""
        return tuple(layer.new_cache(memory) for layer in self.layers)


def given(cache: Any) -> dict[str, Any]:
    """The argument, if there is a cache: a layer of the user's need not take one."""
    return {} if cache is None else {"cache": cache}


class Transformer(Module):
    """An encoder of one sequence, and a decoder of another that looks at what the first became; both end in a norm.

    Parameters
    ----------
    d_model, nhead : as of `TransformerLayer`
    num_encoder_layers, num_decoder_layers : int >= 1
        Their parameters are drawn one by one.
    dim_feedforward, dropout, activation : as of `TransformerLayer`
    custom_encoder, custom_decoder : Module, optional
        In the place of the encoder or the decoder, and called as that is.
    layer_norm_eps, batch_first, norm_first, bias, rotary_base, rng : as of `TransformerLayer`
    """

    def __init__(
        self,
        d_model: int = 512,
        nhead: int = 8,
        num_encoder_layers: int = 6,
        num_decoder_layers: int = 6,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: str | Callable[[Any], Any] = "relu",
        custom_encoder: Module | None = None,
        custom_decoder: Module | None = None,
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        rotary_base: float | None = None,
        rng: RNG = None,
    ) -> None:
        rng = np.random.default_rng(rng)
        flags = layer_norm_eps, batch_first, norm_first, bias, rotary_base, rng

        def stack(stacked: type[Stack], kind: type[TransformerLayer], layers: int) -> Stack:
            norm = LayerNorm(d_model, layer_norm_eps, bias=bias)
            return stacked(lambda: kind(d_model, nhead, dim_feedforward, dropout, activation, *flags), layers, norm)

        if custom_encoder is None:
            custom_encoder = stack(TransformerEncoder, TransformerEncoderLayer, num_encoder_layers)
        if custom_decoder is None:
            custom_decoder = stack(TransformerDecoder, TransformerDecoderLayer, num_decoder_layers)
        self.encoder, self.decoder = custom_encoder, custom_decoder

    def forward(
        self,
        src: Any,
        tgt: Any,
        src_mask: Any = None,
        tgt_mask: Any = None,
        memory_mask: Any = None,
        src_key_padding_mask: Any = None,
        tgt_key_padding_mask: Any = None,
        memory_key_padding_mask: Any = None,
        src_is_causal: bool = False,
        tgt_is_causal: bool = False,
        memory_is_causal: bool = False,
    ) -> Any:
        """What the decoder makes of `tgt`, of its shape; the other arguments are those of the two stacks.

        To generate, encode once, as in ``memory = model.encoder(src)``, and continue with a cache of `model.decoder`.
        """
        memory = self.encoder(src, src_mask, src_key_padding_mask, src_is_causal)
        masks = tgt_mask, memory_mask, tgt_key_padding_mask, memory_key_padding_mask
        return self.decoder(tgt, memory, *masks, tgt_is_causal, memory_is_causal)
