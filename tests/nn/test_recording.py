"""What layers and losses tell a recording: what they keep, draw, fix and refuse."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.levels import unusual
from minigrad.nn import functional as F
from minigrad.recorder import recorder


class Told:
    """A recording that writes down what it is told, and lets it happen."""

    def __init__(self):
        self.kept, self.constants, self.draws, self.checks = [], [], [], []

    def seen(self, x):
        self.kept.append(x)
        return x

    def fixed(self, x):
        self.constants.append(x)
        return x

    def drawn(self, rng, method, args, kwargs):
        self.draws.append((rng, method, args))
        return getattr(rng, method)(*args, **kwargs)

    def refuse(self, bad, error):
        self.checks.append((bad, error))


@pytest.fixture
def told():
    """A recording that runs for as long as the test."""
    token = recorder.set(Told())
    unusual.append(None)
    yield recorder.get()
    unusual.pop()
    recorder.reset(token)


def of_memory(arrays, *owners):
    """Whether the arrays are those of the owners, in any order."""
    return sorted(map(id, arrays)) == sorted(id(owner.data) for owner in owners)


def test_running_statistics_are_seen_before_they_are_used(told):
    """In training, where they change in place, and in evaluation."""
    layer = nn.BatchNorm1d(2)
    layer(np.array([[1.0, 2], [3, 4]]))
    assert of_memory(told.kept, layer.running_mean, layer.running_var)
    told.kept.clear()
    layer.eval()(np.array([[1.0, 2], [3, 4]]))
    assert of_memory(told.kept, layer.running_mean, layer.running_var)


def test_weights_of_losses_are_seen(told):
    """Each time that one is read."""
    loss = nn.CrossEntropyLoss(weight=[1.0, 2.0])
    loss(np.zeros((1, 2)), np.array([0]))
    bits = nn.BCEWithLogitsLoss(weight=[1.0], pos_weight=[2.0])
    bits(np.zeros((1, 2)), np.ones((1, 2)))
    assert of_memory(told.kept, loss.weight, bits.weight, bits.pos_weight)


def test_dropout_draws_through_the_recording(told):
    """From its own generator, in the precision of what it drops."""
    layer = nn.Dropout(rng=0)
    layer(np.ones((2, 3), np.float32))
    assert told.draws == [(layer.rng, "random", ((2, 3), np.float32))]
    assert len(told.constants) == 1


def test_constants_are_fixed(told):
    """Ones and zeros in place of a weight and a bias, and the 0 of a dropout of everything."""
    F.layer_norm(np.arange(6.0).reshape(2, 3))
    F.dropout(np.ones(2), 1.0)
    assert [x.tolist() for x in told.constants] == [[1, 1, 1], [0, 0, 0], 0]


@pytest.mark.parametrize(
    ("call", "kind"),
    [
        (lambda: F.cross_entropy(np.zeros((1, 2)), np.array([1])), ValueError),
        (lambda: F.nll_loss(np.zeros((1, 2)), np.array([1])), ValueError),
        (lambda: F.hinge_loss(np.zeros(1), np.ones(1)), ValueError),
        (lambda: F.binary_cross_entropy_with_logits(np.zeros(1), np.ones(1)), ValueError),
        (lambda: F.embedding(np.array([1]), np.ones((2, 3))), IndexError),
    ],
)
def test_checks_of_values_go_through_the_recording(told, call, kind):
    """So that a replay checks its own values: here none is bad, and the error is ready."""
    call()
    [(bad, error)] = told.checks
    assert not np.any(bad)
    assert isinstance(bad, np.ndarray)
    assert kind is IndexError or bad.shape == (1,)


def test_whether_any_label_counts_is_checked_as_well(told):
    """After the labels themselves."""
    F.cross_entropy(np.zeros((1, 2)), np.array([1]), ignore_index=0)
    assert [bool(np.any(bad)) for bad, _ in told.checks] == [False, False]


def test_first_values_are_drawn_through_the_recording(told):
    nn.init.uniform((2,), rng=0)
    nn.init.normal((2,), rng=0)
    assert [method for _, method, _ in told.draws] == ["uniform", "normal"]


def test_a_training_step_rebinds_nothing():
    """Parameters, buffers and their memory are the same objects after a step."""
    model = nn.Sequential(nn.Linear(2, 3, rng=0), nn.BatchNorm1d(3), nn.Dropout(rng=0))
    memory = [part.data for part in (*model.parameters(), *(b for _, b in model.named_buffers()))]
    F.mse_loss(model(np.random.default_rng(0).normal(size=(4, 2))), np.zeros((4, 3))).backward()
    after = [part.data for part in (*model.parameters(), *(b for _, b in model.named_buffers()))]
    assert all(a is b for a, b in zip(memory, after, strict=True))
    assert isinstance(model[1].running_mean, mg.Tensor)
