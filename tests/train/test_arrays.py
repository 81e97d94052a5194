"""train.fit with arrays: the batches of a loader, and what is refused."""

import re

import numpy as np
import pandas as pd
import pytest
import scipy.sparse

import minigrad as mg
from minigrad import nn, optim, train
from minigrad.data import DataLoader
from minigrad.nn import functional as F
from minigrad.train.arrays import split

X = np.random.default_rng(0).normal(size=(50, 3))
Y = np.sin(X.sum(axis=1, keepdims=True))


def network():
    rng = np.random.default_rng(1)
    return nn.Sequential(
        nn.Linear(3, 4, rng=rng), nn.BatchNorm1d(4), nn.Dropout(0.2, rng=rng), nn.Linear(4, 1, rng=rng)
    )


def fit(*data, model=None, **options):
    model = model or network()
    history = train.fit(model, F.mse_loss, optim.Adam(model.parameters(), lr=0.01), *data, **options)
    return {name: x.tolist() for name, x in model.state_dict().items()}, dict(history)


def test_arrays_are_the_batches_of_a_shuffled_loader():
    """Weights and history are equal to the last bit, of arrays, frames and sparse inputs."""
    loader, others = DataLoader((X[:40], Y[:40]), 12, shuffle=True, rng=3), DataLoader((X[40:], Y[40:]), 12)
    expected = fit(loader, 3, validation=others)
    options = {"epochs": 3, "batch_size": 12, "rng": 3}
    assert fit(X[:40], Y[:40], validation=(X[40:], Y[40:]), **options) == expected
    assert fit(X[:40], Y[:40], 3, batch_size=12, rng=3, validation=others) == expected
    frames = [pd.DataFrame(x) for x in (X[:40], Y[:40], X[40:], Y[40:])]
    assert fit(*frames[:2], validation=tuple(frames[2:]), **options) == expected
    assert fit(scipy.sparse.csr_array(X[:40]), Y[:40], validation=(X[40:], Y[40:]), **options) == expected


def test_a_batch_has_32_samples_by_default():
    """As it says."""
    assert fit(X, Y, epochs=2, rng=0) == fit(X, Y, epochs=2, rng=0, batch_size=32)
    assert train.evaluate(network(), F.mse_loss, X, Y) == train.evaluate(network(), F.mse_loss, X, Y, batch_size=32)


def test_epochs_can_be_named_or_come_after_a_loader():
    """All forms of the number mean the same, those of NumPy too."""
    loader = [(X, Y)]
    assert fit(loader, 2) == fit(loader, epochs=2) == fit(loader, np.int64(2)) == fit(loader, np.array(2))


def test_float32_and_trees_stay_what_they_are():
    """A model that takes two arrays trains on a tuple of them, in single precision."""
    seen = []

    class Two(nn.Module):
        def __init__(self):
            self.scale = nn.Parameter(np.ones(1, np.float32))

        def forward(self, pair):
            seen.append((pair[0].dtype, pair[1].shape))
            return pair[0] * self.scale + pair[1]

    x = X.astype(np.float32)
    fit((x, x), x, model=Two(), epochs=1, validation=0.2, batch_size=20)
    assert {dtype for dtype, _ in seen} == {np.dtype(np.float32)}
    assert [shape for _, shape in seen] == [(20, 3), (20, 3), (10, 3)]


def test_a_share_of_sorted_samples_has_all_classes():
    """Each sample is on one side, each class on both, though the labels are sorted."""
    labels = np.repeat([0, 1, 2], 50)
    (x, y), (xv, yv) = split((np.arange(150), labels), 0.2)
    assert sorted([*x, *xv]) == list(range(150))
    assert len(xv) == 30
    assert (labels[x] == y).all()
    assert (labels[xv] == yv).all()
    assert set(y) == set(yv) == {0, 1, 2}
    assert np.bincount(yv).tolist() == np.bincount(split((labels, labels), 0.2)[1][1]).tolist()


def test_a_resumed_run_has_the_same_share(tmp_path):
    """So no sample that it has learned from validates; the result is that of the uninterrupted run."""
    options = {"batch_size": 12, "validation": 0.2, "checkpoint": tmp_path / "a.npz", "resume": True}
    whole = fit(X, Y, epochs=4, rng=5, **options | {"checkpoint": tmp_path / "b.npz"})
    fit(X, Y, epochs=2, rng=5, **options)
    assert fit(X, Y, epochs=4, **options) == whole  # the seed of the order is in the checkpoint


# The best weights


class Steps(nn.Module):
    """A weight that each training step moves by one, whose validation loss is given."""

    def __init__(self):
        self.w = nn.Parameter(np.zeros(()))

    def forward(self, x):
        return self.w * x


def fit_steps(losses, model=None, **options):
    """Train by a step of -1 an epoch; the loss of the validation at weight -n is losses[n - 1]."""
    model = model or Steps()

    def loss(outputs, targets):
        if model.training:
            return outputs.sum()
        return outputs.sum() * 0 + losses[round(-model.w.item()) - 1]

    optimizer = optim.SGD([model.w], lr=1.0)
    batch = [(np.ones(1), np.ones(1))]
    history = train.fit(model, loss, optimizer, batch, options.pop("epochs", len(losses)), validation=batch, **options)
    return model.w.item(), history


@pytest.mark.parametrize(("losses", "best"), [([3, 1, 2, 5], -2), ([3, 2, 1], -3), ([1, 1, 1], -1)])
def test_the_best_weights_are_restored(losses, best):
    """Those of the first epoch with the lowest validation loss; without, those of the last."""
    assert fit_steps(losses, restore_best=True)[0] == best
    assert fit_steps(losses)[0] == -len(losses)


def test_the_best_weights_are_restored_after_ctrl_c():
    """Ctrl-C is a way to end a training too, but before the first epoch there is nothing to restore."""

    def interrupt(history):
        if history.epochs == 3:
            raise KeyboardInterrupt

    weight, history = fit_steps([3, 1, 2, 5], restore_best=True, callbacks=[interrupt])
    assert history.interrupted
    assert weight == -2

    def interrupt_at_once(outputs, targets):
        raise KeyboardInterrupt

    model = Steps()
    batch = [(np.ones(1), np.ones(1))]
    train.fit(model, interrupt_at_once, optim.SGD([model.w], lr=1.0), batch, 2, restore_best=True)
    assert model.w.item() == 0


def test_the_best_weights_go_through_a_checkpoint(tmp_path):
    """A run that is resumed trains on from the last weights, and restores the best of the epochs before."""
    options = {"restore_best": True, "checkpoint": tmp_path / "run.npz", "resume": True}
    assert fit_steps([3, 1, 2, 5], epochs=3, **options)[0] == -2
    assert mg.load(tmp_path / "run.npz")["model"]["w"] == -3
    weight, history = fit_steps([9, 9, 9, 5, 1.5], **options)
    assert weight == -2
    assert history["validation_loss"] == [3, 1, 2, 5, 1.5]
    assert fit_steps([], epochs=5, **options)[0] == -2  # nothing is left to train


def test_small_gains_are_none_for_patience():
    """Epochs that are better by no more than min_delta do not count, and by more they do."""
    assert fit_steps([5, 4, 3.95, 3.9, 1], patience=2, min_delta=0.2)[1].epochs == 4
    assert fit_steps([5, 4, 3.95, 3.7, 1], patience=2, min_delta=0.2)[1].epochs == 5
    assert fit_steps([5, 4, 3.95, 3.9, 1], patience=2)[1].epochs == 5


# Bad input

TEXT = np.array(["a", "b"] * 25)


@pytest.mark.parametrize(
    ("data", "options", "error", "text"),
    [
        ((X, Y[:40]), {"epochs": 1}, ValueError, "X has 50 samples and y has 40: there is a target for each"),
        ((X, Y), {}, TypeError, "say how many epochs to train: epochs=..."),
        (([(X, Y)], 2), {"epochs": 3}, TypeError, "fit takes targets, or the number of epochs; got 2 and epochs=3"),
        (
            ([(X, Y)], 2),
            {"batch_size": 3},
            TypeError,
            "got it beside a loader. Give it to the loader: data.DataLoader(",
        ),
        (([(X, Y)], 2), {"rng": 3}, TypeError, "rng says how arrays X and y are made batches; got it beside a loader"),
        (([(X, Y)], 2), {"validation": 0.2}, TypeError, "got validation=0.2 beside a loader. Pass a loader of other s"),
        (
            (X, Y),
            {"epochs": 1, "validation": 1.5},
            ValueError,
            "a share of the samples, between 0 and 1, or (X, y); go",
        ),
        ((X, Y), {"epochs": 1, "validation": True}, ValueError, "between 0 and 1, or (X, y); got True"),
        (
            (X, Y),
            {"epochs": 1, "validation": 0.001},
            ValueError,
            "of 50 samples leaves 50 to train with and 0 to valida",
        ),
        (
            (X, Y),
            {"epochs": 1, "validation": (X, Y[:3])},
            ValueError,
            "the validation's X has 50 samples and the valida",
        ),
        (
            (X, Y),
            {"epochs": 1, "validation": (X, Y, Y)},
            ValueError,
            "is (X, y) beside arrays, or a loader; got a tuple of",
        ),
        (
            (X, Y),
            {"epochs": 1, "validation": "0.2"},
            TypeError,
            "validation is gone through once an epoch, .*; got a str",
        ),
        (
            (X,),
            {"epochs": 1},
            TypeError,
            "loader gives batches; got a ndarray. For its rows, pass data.DataLoader((x, y)",
        ),
        ((X, Y.tolist()), {"epochs": 1}, TypeError, "y is an array .* got a list of float. Make it one: np.asarray(y)"),
        ((DataLoader(X), Y), {"epochs": 1}, TypeError, "X is an array .*; got a DataLoader. Make it one"),
        ((X, TEXT), {"epochs": 1}, TypeError, "y holds <U1, .*. Make it numbers: classes, y = np.unique(y, return_inv"),
        ((X, pd.Series(TEXT)), {"epochs": 1}, TypeError, "Make it numbers: classes, y = np.unique(y, return_inverse=T"),
        (
            (TEXT, Y),
            {"epochs": 1},
            TypeError,
            "X holds <U1, and networks compute with numbers. Make it numbers: encode",
        ),
        (
            (pd.DataFrame({"city": TEXT}), Y),
            {"epochs": 1},
            TypeError,
            "the column 'city' holds .* Leave it out, or enc",
        ),
        (
            (pd.DataFrame({"a": [1, None] * 25}), Y),
            {"epochs": 1},
            ValueError,
            "'a' has no value in row 1 (counted from",
        ),
        (
            (X, Y),
            {"epochs": 1, "min_delta": 0.1},
            ValueError,
            "min_delta=0.1 is a part of stopping early. Say when: pa",
        ),
        ((X, Y), {"epochs": 1, "min_delta": -1}, ValueError, "min_delta is a number, at least 0; got -1"),
        ((X, Y), {"epochs": 1, "min_delta": True}, ValueError, "min_delta is a number, at least 0; got True"),
    ],
)
def test_bad_input_is_refused(data, options, error, text):
    """With what was wanted and what came; the weights are as they were."""
    model = network()
    before = {name: x.tolist() for name, x in model.state_dict().items()}
    with pytest.raises(error, match=re.escape(text).replace(r"\.\*", ".*")):
        fit(*data, model=model, **options)
    assert {name: x.tolist() for name, x in model.state_dict().items()} == before


def test_text_is_encoded_as_the_error_says():
    """The numbers of the classes are labels of a cross entropy."""
    classes, y = np.unique(TEXT, return_inverse=True)
    model = nn.Linear(3, 2, rng=0)
    history = train.fit(model, F.cross_entropy, optim.SGD(model.parameters(), lr=0.1), X, y, epochs=2)
    assert history["loss"][1] < history["loss"][0]
    assert classes.tolist() == ["a", "b"]
