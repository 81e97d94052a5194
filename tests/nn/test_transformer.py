"""The encoder's layer: masks, defaults, dtypes, and what is refused."""

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


def test_options_out_of_range_are_refused():
    """An activation of an unknown name, and what is no probability."""
    message = 'activation is "relu", "gelu" or a function of arrays; got \'sin\''
    with pytest.raises(ValueError, match=re.escape(message)):
        nn.TransformerEncoderLayer(6, 2, activation="sin")
    with pytest.raises(ValueError, match="from 0 to 1; got 2"):
        nn.TransformerEncoderLayer(6, 2, dropout=2)
