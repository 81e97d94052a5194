"""Encoders and decoders: masks, defaults, caches, copies, dtypes, and what is refused."""

import re

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.nn import functional as F

RNG = np.random.default_rng(0)


def test_a_padded_sequence_in_a_layer_has_finite_gradients():
    """Even if all of it is padding."""
    layer = nn.TransformerEncoderLayer(6, 2, 8, batch_first=True, rng=0)
    x = mg.tensor(RNG.normal(size=(2, 3, 6)), requires_grad=True)
    y = layer(x, src_key_padding_mask=np.array([[True] * 3, [False, False, True]]))
    (y**2).sum().backward()
    assert np.isfinite(y.data).all()
    assert all(np.isfinite(p.grad.data).all() for p in [x, *layer.parameters()])


def test_an_encoder_has_the_defaults_of_pytorch():
    """relu, a tenth dropped, 2048 features inside, and normalisation after each part."""
    layer = nn.TransformerEncoderLayer(6, 2)
    assert (layer.activation, layer.dropout, layer.self_attn.dropout, layer.norm_first) == ("relu", 0.1, 0.1, False)
    assert layer.linear1.weight.shape == (6, 2048)


def test_an_encoder_takes_any_activation():
    """A function of arrays; by name, gelu is the exact one."""
    x = RNG.normal(size=(4, 3, 6))
    named = nn.TransformerEncoderLayer(6, 2, 8, dropout=0, activation="gelu", rng=0)
    given = nn.TransformerEncoderLayer(6, 2, 8, dropout=0, activation=F.gelu, rng=0)
    np.testing.assert_array_equal(named(x).data, given(x).data)


def test_float32_stays_float32():
    """With any mask."""
    layer = nn.TransformerEncoderLayer(6, 2, 8, rng=0).astype(np.float32)
    x = mg.tensor(np.ones((4, 3, 6), np.float32))
    for options in ({}, {"is_causal": True}, {"src_mask": np.zeros((4, 4))}):
        y = layer(x, **options)
        y.sum().backward()
        assert y.dtype == np.float32
        assert all(p.grad.dtype == np.float32 for p in layer.parameters())


# Caches


def encoder(**options):
    layer = nn.TransformerEncoderLayer(8, 2, 6, dropout=0.0, rng=0, **options)
    return nn.TransformerEncoder(layer, 2, nn.LayerNorm(8))


def decoder(**options):
    layer = nn.TransformerDecoderLayer(8, 2, 6, dropout=0.0, rng=0, **options)
    return nn.TransformerDecoder(layer, 2)


@pytest.mark.parametrize("options", [{}, {"batch_first": True, "norm_first": True, "rotary_base": 100.0}])
def test_generation_with_a_cache_is_the_whole_pass(options):
    """Three elements at once, then one by one: outputs and gradients are those of a causal pass over all of them."""
    axis = 1 if options else 0
    x, memory = (np.moveaxis(RNG.normal(size=(n, 3, 8)), 0, axis) for n in (5, 4))
    pieces = [np.take(x, range(*ends), axis) for ends in ((0, 3), (3, 4), (4, 5))]
    stacks = encoder(**options), decoder(**options)
    calls = (
        lambda x, **cache: stacks[0](x, is_causal=True, **cache),
        lambda x, **cache: stacks[1](x, None if cache else memory, tgt_is_causal=True, **cache),
    )
    for stack, call, begin in zip(stacks, calls, (3, memory), strict=True):
        want, cache, outputs = call(x), stack.new_cache(begin), []
        for piece in pieces:
            y, cache = call(piece, cache=cache)
            outputs.append(y)
        y = np.concatenate(outputs, axis)
        np.testing.assert_allclose(y.data, want.data, rtol=1e-11, atol=1e-13)
        found = []
        for result in (want, y):
            np.sum(result**3).backward()
            found.append([p.grad.data for p in stack.parameters()])
            stack.zero_grad()
        for got, expected in zip(found[1], found[0], strict=True):
            np.testing.assert_allclose(got, expected, rtol=1e-9, atol=1e-11)


def test_a_memory_may_be_the_sequence():
    """One array for both has the value and the gradient of the sum of two."""
    layer = nn.TransformerDecoderLayer(8, 2, 6, dropout=0.0, norm_first=True, rng=0)
    x = RNG.normal(size=(4, 3, 8))
    of_both = mg.grad(lambda x: np.sum(layer(x, x).detach() * 0 + layer(x, x) ** 2))(x)
    apart = mg.grad(lambda x, memory: np.sum(layer(x, memory) ** 2), argnums=(0, 1))(x, x.copy())
    np.testing.assert_allclose(of_both.data, (apart[0] + apart[1]).data, rtol=1e-12)


def test_copies_begin_equal_and_learn_apart():
    """Each has parameters of its own, and none is the layer's that was copied."""
    layer = nn.TransformerEncoderLayer(8, 2, 6, rng=0)
    stack = nn.TransformerEncoder(layer, 3)
    assert len({id(p) for p in (*layer.parameters(), *stack.parameters())}) == 4 * len(layer.parameters())
    for one in stack.layers:
        for (name, p), q in zip(one.named_parameters(), layer.parameters(), strict=True):
            np.testing.assert_array_equal(p.data, q.data, err_msg=name)


def test_a_function_makes_layers_that_begin_apart():
    """Each is drawn by itself, by one generator; those of a Transformer are."""
    rng = np.random.default_rng(0)
    stack = nn.TransformerEncoder(lambda: nn.TransformerEncoderLayer(8, 2, 6, rng=rng), 2)
    model = nn.Transformer(8, 2, 2, 2, 6, rng=0)
    for layers in (stack.layers, model.encoder.layers, model.decoder.layers):
        assert not np.array_equal(layers[0].linear1.weight.data, layers[1].linear1.weight.data)
        assert layers[0]._rng is layers[1]._rng
    assert model.encoder.layers[0]._rng is model.decoder.layers[0]._rng


def test_a_transformer_is_its_encoder_and_its_decoder():
    """Which may be the user's own; and generation goes on from what was encoded."""
    model = nn.Transformer(8, 2, 1, 1, 6, dropout=0.0, rotary_base=9.0, rng=0)
    src, tgt = RNG.normal(size=(2, 4, 3, 8))
    want = model(src, tgt, tgt_is_causal=True)
    other = nn.Transformer(8, 2, custom_encoder=model.encoder, custom_decoder=model.decoder)
    assert len(other.parameters()) == len(model.parameters())
    np.testing.assert_array_equal(other(src, tgt, tgt_is_causal=True).data, want.data)
    cache, outputs = model.decoder.new_cache(model.encoder(src)), []
    for element in tgt:
        y, cache = model.decoder(element[None], None, tgt_is_causal=True, cache=cache)
        outputs.append(y.data)
    np.testing.assert_allclose(np.concatenate(outputs), want.data, rtol=1e-11, atol=1e-13)


def test_copies_drop_apart():
    """Layers of a stack draw one after the other from one generator: two equal layers drop different numbers."""
    layer = nn.Sequential(nn.Dropout(0.5, rng=0))
    stack = nn.TransformerEncoder(layer, 2)
    for one in stack.layers:
        one.forward = lambda x, *masks, part=one[0]: part(x)
    assert stack.layers[0][0].rng is stack.layers[1][0].rng is layer[0].rng
    kept = stack(np.ones(1000)) == 4
    assert 200 < kept.sum() < 300  # a quarter, give or take four deviations; half if both dropped the same


def test_a_layer_without_a_cache_can_be_stacked():
    """A stack calls it with the masks alone."""

    class Plain(nn.Module):
        def forward(self, x, mask, padding, is_causal):
            assert (mask, padding, is_causal) == (None, None, False)
            return x + 1

    assert nn.TransformerEncoder(Plain(), 3)(np.zeros(2)).tolist() == [3, 3]


X = np.zeros((2, 3, 8))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: nn.TransformerEncoder(nn.ReLU(), 0), "num_layers of TransformerEncoder is at least 1; got 0"),
        (
            lambda: encoder()(X, cache=encoder().new_cache(3)[:1]),
            "is a tuple with one for each of its 2 layers, as its new_cache returns; got a tuple of 1",
        ),
        (lambda: encoder()(X, cache=3), "as its new_cache returns; got a int"),
        (lambda: decoder()(X, None), "a decoder takes a memory, or a cache that has it; got neither"),
        (
            lambda: decoder()(X, X, cache=decoder().new_cache(X)),
            "a cache has the keys of the memory; got a memory as well. Pass memory=None beside the cache",
        ),
        (
            lambda: decoder()(X, None, memory_is_causal=True, cache=decoder().new_cache(X)),
            "memory_is_causal counts from the first element, and before those beside a cache there are others. Pass a "
            "memory_mask for the new ones",
        ),
        (
            lambda: decoder()(X, None, cache=[1, 2]),
            "a cache of a decoder's layer is what its new_cache(memory), or its last call, returns",
        ),
    ],
)
def test_misfits_are_refused(call, message):
    """With what was wanted and what came."""
    with pytest.raises(ValueError, match=re.escape(message)):
        call()


def test_options_out_of_range_are_refused():
    """An activation of an unknown name, and what is no probability."""
    message = 'activation is "relu", "gelu" or a function of arrays; got \'sin\''
    with pytest.raises(ValueError, match=re.escape(message)):
        nn.TransformerEncoderLayer(6, 2, activation="sin")
    with pytest.raises(ValueError, match="from 0 to 1; got 2"):
        nn.TransformerEncoderLayer(6, 2, dropout=2)
