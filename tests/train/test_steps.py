"""Steps of several batches, and bounds on their gradients."""

import re

import numpy as np
import pytest

from minigrad import nn, optim, train
from minigrad.nn import functional as F
from minigrad.train.steps import StepBatches, checked_steps

X = np.random.default_rng(0).normal(size=(50, 3))
Y = np.sin(X.sum(axis=1, keepdims=True))


def network(dtype=float):
    rng = np.random.default_rng(1)
    return nn.Sequential(nn.Linear(3, 4, rng=rng), nn.Tanh(), nn.Linear(4, 1, rng=rng)).astype(dtype)


def fit(model, batches, epochs=3, **options):
    optimizer = optim.SGD(model.parameters(), lr=0.3, momentum=0.5)
    history = train.fit(model, F.mse_loss, optimizer, batches, epochs, **options)
    return [p.detach().numpy().copy() for p in model.parameters()], history


def parts(*lengths, dtype=float):
    ends = np.cumsum(lengths)
    return [(X[b - n : b].astype(dtype), Y[b - n : b].astype(dtype)) for n, b in zip(lengths, ends, strict=True)]


@pytest.mark.parametrize("backend", [None, "numpy", pytest.param("native", marks=pytest.mark.slow)])
@pytest.mark.parametrize("clip_norm", [None, 0.05])
def test_several_batches_are_one_large_one(backend, clip_norm):
    """Weights and losses, though the batches differ in length and the last step has fewer."""
    small, history = fit(network(), parts(8, 12, 20, 3, 7), accumulate=3, clip_norm=clip_norm, compile=backend)
    large, whole = fit(network(), parts(40, 10), clip_norm=clip_norm)
    for got, wanted in zip(small, large, strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-11, atol=1e-13)  # sums in another order
    np.testing.assert_allclose(history["loss"], whole["loss"], rtol=1e-11)


@pytest.mark.parametrize("backend", [None, "numpy"])
def test_clipping_is_that_of_the_loop_by_hand(backend):
    """To the last bit, by all parameters together."""
    got, _ = fit(network(), parts(30, 20), clip_norm=0.05, compile=backend)
    model = network()
    optimizer = optim.SGD(model.parameters(), lr=0.3, momentum=0.5)
    for _ in range(3):
        for x, y in parts(30, 20):
            optimizer.zero_grad()
            F.mse_loss(model(x), y).backward()
            assert optim.clip_grad_norm_(model.parameters(), 0.05) > 0.05
            optimizer.step()
    for p, wanted in zip(got, model.parameters(), strict=True):
        assert p.tolist() == wanted.tolist()


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_gradients_keep_their_dtype(dtype):
    """Weights stay in single or half precision, and near those of double precision."""
    got, _ = fit(network(dtype), parts(8, 12, dtype=dtype), accumulate=2)
    wanted, _ = fit(network(), parts(20))
    for x, y in zip(got, wanted, strict=True):
        assert x.dtype == dtype
        np.testing.assert_allclose(x, y, atol=20 * np.finfo(dtype).eps)


class Switch(nn.Module):
    """One of two slopes, by the sign of the input."""

    def __init__(self):
        self.left, self.right, self.unused = (nn.Parameter(np.ones(1)) for _ in range(3))

    def forward(self, x):
        return x * (self.left if x[0, 0] < 0 else self.right)


def test_a_parameter_of_some_batches_has_its_share():
    """One without a gradient in a batch has 0 in it; one without any is left alone."""
    model = Switch()
    batches = [(np.full((1, 1), -1.0), np.zeros((1, 1))), (np.full((3, 1), 2.0), np.zeros((3, 1)))]
    train.fit(model, F.mse_loss, optim.SGD(model.parameters(), lr=0.1), batches, 1, accumulate=2)
    assert model.left.item() == pytest.approx(1 - 0.1 * 2 / 4)  # the gradient 2, of one sample in four
    assert model.right.item() == pytest.approx(1 - 0.1 * 8 * 3 / 4)
    assert model.unused.item() == 1
    assert model.unused.grad is None


def test_a_resumed_run_is_the_uninterrupted_one(tmp_path):
    """To the last bit: no batch of a step is left over at the end of an epoch."""
    whole, _ = fit(network(), parts(20, 20, 10), 4, accumulate=2)
    model = network()
    optimizer = optim.SGD(model.parameters(), lr=0.3, momentum=0.5)
    options = {"accumulate": 2, "checkpoint": tmp_path / "run.npz", "resume": True}
    for epochs in (2, 4):
        train.fit(model, F.mse_loss, optimizer, parts(20, 20, 10), epochs, **options)
    assert [p.tolist() for p in model.parameters()] == [p.tolist() for p in whole]


def test_a_bad_batch_stops_before_the_step():
    """The weights are those before the first batch of the step."""
    model = network()
    before = [p.tolist() for p in model.parameters()]
    batches = [*parts(20), (X, Y * np.nan)]
    with pytest.raises(FloatingPointError, match="the loss is NaN or infinite in step 2 of epoch 1"):
        fit(model, batches, accumulate=2)
    assert [p.tolist() for p in model.parameters()] == before


def test_a_group_begins_anew():
    """After its step it has no batches."""
    group = StepBatches([], 2)
    group.add(3)
    assert not group.is_full
    group.add(3)
    assert group.is_full
    group.deliver()
    assert (group.batches, group.samples) == (0, 0)


@pytest.mark.parametrize(
    ("args", "error", "text"),
    [
        ((0, None, 1), ValueError, "accumulate is an integer, at least 1; got 0"),
        ((3, None, 2), ValueError, "got accumulate=3. Make the batches larger: batch_size=3 times what it is"),
        ((1, 0, 1), ValueError, "clip_norm is above 0, as all gradients would be 0; got 0"),
        ((1, -1.0, 1), ValueError, "clip_norm is a finite number, at least 0; got -1.0"),
        ((1, "a", 1), ValueError, "clip_norm is a finite number, at least 0; got 'a'"),
    ],
)
def test_bad_input_is_refused(args, error, text):
    """With what was wanted and what came."""
    with pytest.raises(error, match=re.escape(text)):
        checked_steps(*args)
