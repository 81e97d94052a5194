"""Modules that nobody has chosen: layers in any order that fit together, for any number of examples."""

import tempfile
from copy import deepcopy
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import minigrad as mg
from minigrad import nn

from .runtime import exported, results

CURVES = (nn.ReLU, nn.Tanh, nn.GELU, nn.SiLU, nn.ELU, nn.Softplus, nn.Hardswish, nn.Mish, nn.LeakyReLU, nn.Softsign)
# Layers of images (channels, size), each with those that it makes.
IMAGES = {
    "convolution": lambda c, n: (nn.Conv2d(c, 4, 3, padding=1, rng=0), 4, n),
    "strided": lambda c, n: (nn.Conv2d(c, 2, 2, stride=2, padding=1, padding_mode="circular", rng=0), 2, n // 2 + 1),
    "transposed": lambda c, n: (nn.ConvTranspose2d(c, 3, 2, stride=2, rng=0), 3, 2 * n),
    "largest": lambda c, n: (nn.MaxPool2d(2, 1, padding=1), c, n + 1),
    "means": lambda c, n: (nn.AvgPool2d(3, 1, padding=1, count_include_pad=False), c, n),
    "parts": lambda c, n: (nn.AdaptiveAvgPool2d(3), c, 3),
    "larger": lambda c, n: (nn.Upsample(scale_factor=2, mode="bilinear"), c, 2 * n),
    "batch norm": lambda c, n: (nn.BatchNorm2d(c), c, n),
    "group norm": lambda c, n: (nn.GroupNorm(1, c), c, n),
    "dropout": lambda c, n: (nn.Dropout2d(0.5, rng=0), c, n),
}
# Layers of sequences (steps, features), batch first.
ROWS = {
    "linear": lambda m: (nn.Linear(m, 6, rng=0), 6),
    "layer norm": lambda m: (nn.LayerNorm(m), m),
    "rms norm": lambda m: (nn.RMSNorm(m), m),
    "encoder": lambda m: (nn.TransformerEncoderLayer(m, 2, 8, batch_first=True, norm_first=True, rng=0), m),
    "recurrent": lambda m: (First(nn.LSTM(m, 4, batch_first=True, rng=0)), 4),
    "both ways": lambda m: (First(nn.GRU(m, 3, bidirectional=True, batch_first=True, rng=0)), 6),
    "softmax": lambda m: (nn.Softmax(axis=1), m),
}


class First(nn.Module):
    """The output of a recurrent layer, without its states."""

    def __init__(self, layer):
        self.layer = layer

    def forward(self, x):
        return self.layer(x)[0]


@st.composite
def networks(draw):
    """A network with a head, and the shape of an example."""
    parts, curve = [], st.sampled_from(CURVES)
    if draw(st.booleans()):
        channels, size = 2, 4
        for kind in draw(st.lists(st.sampled_from(sorted(IMAGES)), min_size=1, max_size=4)):
            part, channels, size = IMAGES[kind](channels, min(size, 9))
            size = min(size, 9)
            parts += [part, draw(curve)()] if size < 9 else [part, nn.AdaptiveMaxPool2d(size), draw(curve)()]
        return nn.Sequential(*parts, nn.Flatten(), nn.Linear(channels * size**2, 3, rng=1)), (2, 4, 4)
    width = 4
    for kind in draw(st.lists(st.sampled_from(sorted(ROWS)), min_size=1, max_size=4)):
        part, width = ROWS[kind](width)
        parts += [part, draw(curve)()]
    return nn.Sequential(*parts, nn.Linear(width, 3, rng=1), nn.LogSoftmax()), (5, 4)


def check(network, shape):
    """Nearly as near to the numbers of double precision as minigrad's own of single precision are."""
    rng = np.random.default_rng(0)
    network.astype(np.float32).train()(rng.normal(size=(6, *shape)).astype(np.float32))  # which moves statistics
    exact = deepcopy(network.eval()).astype(float)
    with tempfile.TemporaryDirectory() as folder, mg.no_grad():
        run = exported(Path(folder), network, np.zeros((1, *shape), np.float32))
        for n in (1, 4):
            x = rng.normal(size=(n, *shape)).astype(np.float32)
            (got,), own, want = results(run, [x]), network(x).numpy(), exact(x.astype(float)).numpy()
            assert (got.dtype, got.shape) == (own.dtype, own.shape)
            scale = max(1, np.max(np.abs(want)))
            # Normalisation of nearly equal numbers makes any rounding large, by chance some times larger.
            assert np.max(np.abs(got - want)) <= 2e-6 * scale + 50 * np.max(np.abs(own - want))


@settings(max_examples=10, suppress_health_check=[HealthCheck.too_slow])
@given(networks())
def test_a_network_of_random_layers(network):
    """onnxruntime computes what minigrad does, whatever follows what."""
    check(*network)


@pytest.mark.slow
@settings(max_examples=80, suppress_health_check=[HealthCheck.too_slow])
@given(networks())
def test_many_networks_of_random_layers(network):
    """The same, of more."""
    check(*network)
