"""Means over an epoch are those over its samples, wherever the samples lie."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim, train
from minigrad.data import DataLoader
from minigrad.nn import functional as F
from minigrad.train.means import Means

SIZES = (8, 2, 5)  # samples in each batch
T = 7


def normal(*shape):
    return np.random.default_rng(sum(shape)).normal(size=shape)


class Last(nn.Module):
    """The output after the last step of sequences of shape (steps, samples, 3), or (samples, steps, 3)."""

    def __init__(self, kind=nn.RNN, batch_first=False, whole=False):
        self.rnn, self.out = kind(3, 4, batch_first=batch_first, rng=0), nn.Linear(4, 1, rng=1)
        self.whole = whole

    def forward(self, x):
        outputs, state = self.rnn(x["x"] if isinstance(x, dict) else x)
        return self.out(outputs if self.whole else (state[0] if isinstance(state, tuple) else state)[0])


class Line(nn.Module):
    def __init__(self):
        self.slope = nn.Parameter(np.array(2.0))

    def forward(self, x):
        return self.slope * (x["x"] if isinstance(x, dict) else x)


def steps_first(n):
    return normal(T, n, 3), normal(n, 1)


def each_step(n):
    return normal(T, n, 3), normal(T, n, 1)


def samples_first(n):
    return normal(n, 5, 3), normal(n, 1)


CASES = {
    "steps first": (Last(), steps_first),
    "steps first, sequences of other lengths": (Last(), lambda n: (normal(n + 3, n, 3), normal(n, 1))),
    "steps first, LSTM": (Last(nn.LSTM), steps_first),
    "steps first, a target for each": (Last(whole=True), each_step),
    "samples first": (Last(batch_first=True), samples_first),
    "samples first, a target for each": (
        Last(batch_first=True, whole=True),
        lambda n: (normal(n, 5, 3), normal(n, 5, 1)),
    ),
    "samples first, sequences of other lengths": (
        Last(batch_first=True, whole=True),
        lambda n: (normal(n, n + 1, 3), normal(n, n + 1, 1)),
    ),
    "rows": (nn.Linear(3, 1, rng=0), lambda n: (normal(n, 3), normal(n, 1))),
    "one axis": (Line(), lambda n: (normal(n), normal(n))),
    "a list of two": (Line(), lambda n: [normal(n), normal(n)]),
    "Tensors": (Line(), lambda n: (mg.tensor(normal(n)), mg.tensor(normal(n)))),
    "a number as the target": (Line(), lambda n: (normal(n), 0.5)),
}


def loss(outputs, targets):
    return mg.mean((outputs - targets) ** 2)


def distance(outputs, targets):
    return abs(np.asarray(outputs) - np.asarray(targets)).mean()


def expected(model, batches, f, sizes=SIZES):
    """The mean over the samples of all batches."""
    with mg.no_grad():
        values = [f(model(x).numpy(), t.numpy() if isinstance(t, mg.Tensor) else t) for x, t in batches]
    return np.average(values, weights=sizes)


@pytest.mark.parametrize(("model", "batch"), CASES.values(), ids=list(CASES))
@pytest.mark.parametrize("backend", [None, "numpy"])
def test_means_weigh_by_samples(model, batch, backend):
    """Of the loss and of metrics, in training and in validation, compiled or not."""
    batches, others = [batch(n) for n in SIZES], [batch(n) for n in SIZES[:2]]
    history = train.fit(
        model, loss, optim.SGD(model.parameters(), lr=0.0), batches, 1, metrics={"distance": distance},
        validation=others, compile=backend,
    )  # fmt: skip
    for prefix, these, sizes in (("", batches, SIZES), ("validation_", others, SIZES[:2])):
        for name, f in (("loss", lambda y, t: np.mean((y - t) ** 2)), ("distance", distance)):
            np.testing.assert_allclose(history[prefix + name], [expected(model, these, f, sizes)], rtol=1e-12)


WHOLE = {
    "steps first": (Last(), lambda n: {"time": 0.5, "x": normal(T, n, 3), "y": normal(n, 1)}),
    "the target first": (Last(), lambda n: {"y": normal(n, 1), "x": normal(T, n, 3)}),
    "rows": (Line(), lambda n: {"x": normal(n, 3), "y": normal(n, 3)}),
    "a constant array first": (Line(), lambda n: {"mean": normal(3), "x": normal(n, 3), "y": normal(n, 3)}),
    "numbers, text and None": (Line(), lambda n: {"n": 3, "name": "a", "none": None, "x": normal(n), "y": 0.0}),
    "nested": (Line(), lambda n: {"id": [1, np.float64(2)], "x": normal(n), "y": normal(n)}),
}


@pytest.mark.parametrize(("model", "batch"), WHOLE.values(), ids=list(WHOLE))
@pytest.mark.parametrize("backend", [None, "numpy"])
@pytest.mark.parametrize("metrics", [None, {"distance": lambda y, b: distance(y, b["y"])}], ids=["", "metrics"])
def test_means_over_dicts_weigh_by_samples(model, batch, backend, metrics):
    """By those that the outputs have, whatever else is in the batch."""
    batches = [batch(n) for n in SIZES]
    history = train.fit(
        model, lambda y, b: loss(y, b["y"]), optim.SGD(model.parameters(), lr=0.0), batches, 1, metrics=metrics,
        compile=backend,
    )  # fmt: skip
    pairs = [(b, b["y"]) for b in batches]
    np.testing.assert_allclose(
        history["loss"], [expected(model, pairs, lambda y, t: np.mean((y - t) ** 2))], rtol=1e-12
    )


def test_a_batch_without_an_axis_is_one_sample():
    """Numbers alone weigh the same."""
    line, batches = Line(), [(1.0, 1.0), (2.0, 1.0)]
    history = train.fit(line, lambda y, t: (y - t) ** 2, optim.SGD([line.slope], lr=0.0), batches, 1)
    assert history["loss"] == [(1 + 9) / 2]


def test_the_last_batch_of_a_loader_weighs_what_it_has():
    """For each size of a batch the mean is that over the data set."""
    x, y = normal(10, 3), normal(10, 1)
    model = nn.Linear(3, 1, rng=0)
    whole = F.mse_loss(model(x), y).item()
    for batch_size in (1, 3, 4, 10):
        history = train.fit(
            model, F.mse_loss, optim.SGD(model.parameters(), lr=0.0), DataLoader((x, y), batch_size), 1,
            validation=DataLoader((x, y), 11 - batch_size),
        )  # fmt: skip
        np.testing.assert_allclose([history["loss"], history["validation_loss"]], whole, rtol=1e-12)


def test_an_empty_batch_weighs_nothing():
    """A loss of no samples that is a number takes no part in the mean; batches with nothing are none."""
    line = Line()
    batches = [(normal(0), normal(0)), (normal(2), normal(2))]
    history = train.fit(line, lambda y, t: mg.sum((y - t) ** 2), optim.SGD([line.slope], lr=0.0), batches, 1)
    assert history["loss"] == [mg.sum(normal(2) ** 2).item()]
    with pytest.raises(ValueError, match="an epoch takes at least one batch; there is none in epoch 1"):
        train.fit(line, lambda y, t: mg.sum(y), optim.SGD([line.slope], lr=0.0), batches[:1], 1)


def test_what_counts_as_no_sample_may_be_nan():
    """As on a rank that computes with the samples of another."""
    means = Means(["loss"])
    means.add(2, {"loss": np.float64(3.0)})
    assert means.add(0, {"loss": np.float64("nan")}) == {"loss": 3.0}
