"""Layers of sequences with lengths, masks and caches, compiled by both backends. See also test_compile."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim
from minigrad.nn import functional as F

RNG = np.random.default_rng(0)
X, LONG, MEMORY = RNG.normal(size=(5, 3, 3)), RNG.normal(size=(4, 3, 8)), RNG.normal(size=(5, 3, 8))
LENGTHS = [np.array([2, 5, 1]), np.array([5, 5, 5]), np.array([1, 4, 3])]
PADDING = [np.arange(4) >= lengths.reshape(3, 1) for lengths in LENGTHS]


def encoder():
    layer = nn.TransformerEncoderLayer(8, 2, 8, dropout=0.1, rotary_base=9.0, rng=0)
    return nn.TransformerEncoder(layer, 2, nn.LayerNorm(8))


def decoder():
    return nn.TransformerDecoder(nn.TransformerDecoderLayer(8, 2, 8, dropout=0.0, norm_first=True, rng=0), 2)


def generated(model, x, padding):
    """The end of a sequence after its beginning."""
    _, cache = model(x[:3], is_causal=True, cache=model.new_cache(3))
    return model(x[3:], src_key_padding_mask=padding, is_causal=True, cache=cache)[0]


# What makes a model, and how it is called on an array and another one

CASES = {
    "rnn": (lambda: nn.RNN(3, 4, nonlinearity="relu", rng=0), lambda f, x, n: f(x, lengths=n)[0], X, LENGTHS),
    "gru": (lambda: nn.GRU(3, 4, num_layers=2, rng=0), lambda f, x, n: f(x, lengths=n)[1], X, LENGTHS),
    "lstm": (
        lambda: nn.LSTM(3, 4, bidirectional=True, proj_size=2, rng=0),
        lambda f, x, n: f(x, lengths=n)[0],
        X,
        LENGTHS,
    ),
    "cell": (lambda: nn.LSTMCell(3, 4, rng=0), lambda f, x, n: f(x[1], f(x[0]))[0], X, LENGTHS),
    "encoder": (encoder, lambda f, x, mask: f(x, None, mask), LONG, PADDING),
    "cache": (lambda: encoder().eval(), generated, LONG, PADDING),
    "decoder": (
        decoder,
        lambda f, x, mask: f(x, MEMORY, tgt_key_padding_mask=mask, tgt_is_causal=True),
        LONG,
        PADDING,
    ),
    "positions": (
        lambda: nn.Linear(8, 8, rng=0),
        lambda f, x, n: F.rotary_embedding(f(x), n, interleaved=True),
        LONG,
        LENGTHS,
    ),
}


def step_of(model, call):
    """A training step, which returns the loss."""
    optimizer = optim.SGD(model.parameters(), lr=0.1)

    def step(x, other):
        optimizer.zero_grad()
        y = call(model, x, other)
        loss = mg.mean(y * y + y)
        loss.backward()
        optimizer.step()
        return loss

    return step


SLOW = ("encoder", "cache", "decoder")  # to compile into native code


@pytest.mark.parametrize(
    ("name", "backend"),
    [(name, "numpy") for name in CASES]
    + [pytest.param(name, "native", marks=[pytest.mark.slow] if name in SLOW else []) for name in CASES],
)
def test_compiled_training_has_the_same_numbers(name, backend):
    """With lengths, masks and positions as arguments, which change from step to step: losses, and parameters after."""
    make, call, x, others = CASES[name]
    ours, theirs = make(), make()
    compiled, step = mg.compile(step_of(ours, call), backend=backend), step_of(theirs, call)
    for other in (*others, *others):
        np.testing.assert_allclose(compiled(x, other).item(), step(x, other).item(), rtol=1e-12)
    for (key, p), q in zip(ours.named_parameters(), theirs.parameters(), strict=True):
        np.testing.assert_allclose(p.data, q.data, rtol=1e-10, atol=1e-14, err_msg=key)
    assert sum(map(len, compiled._replays.values())) == 1
