"""What fit calls as it goes: logs, copies of the weights, and functions of the history."""

import csv
import re

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim, train
from minigrad.nn import functional as F

X = np.random.default_rng(0).normal(size=(50, 3))
Y = np.sin(X.sum(axis=1, keepdims=True))


def fit(epochs=3, model=None, **options):
    model = model or nn.Sequential(nn.Linear(3, 4, rng=0), nn.Dropout(0.1, rng=1), nn.Linear(4, 1, rng=2))
    optimizer = optim.Adam(model.parameters(), lr=0.01)
    return train.fit(model, F.mse_loss, optimizer, X, Y, epochs=epochs, batch_size=20, rng=3, validation=0.2, **options)


class Calls(train.Callback):
    """Notes all calls."""

    def __init__(self, end=99, interrupt=99):
        self.seen, self.end, self.interrupt = [], end, interrupt

    def on_batch(self, model, means):
        self.seen.append(("batch", list(means)))
        if len(self.seen) == self.interrupt:
            raise KeyboardInterrupt

    def on_epoch(self, model, history):
        self.seen.append(("epoch", history.epochs))
        return history.epochs == self.end

    def close(self):
        self.seen.append("close")


@pytest.mark.parametrize("backend", [None, "numpy"])
def test_objects_are_called_for_batches_epochs_and_the_end(backend):
    """Two batches an epoch, of training alone; one that returns what is true ends the training."""
    calls, functions = Calls(end=2), []
    fit(callbacks=[calls, lambda history: functions.append(history.epochs)], compile=backend)
    assert calls.seen == [
        ("batch", ["loss"]), ("batch", ["loss"]), ("epoch", 1), ("batch", ["loss"]), ("batch", ["loss"]), ("epoch", 2),
        "close",
    ]  # fmt: skip
    assert functions == [1, 2]


def test_ctrl_c_in_a_callback_closes_it():
    """And the history says so."""
    calls = Calls(interrupt=2)
    assert fit(callbacks=[calls]).interrupted
    assert calls.seen[2:] == ["close"]


def test_an_error_closes_callbacks():
    """Also one that another callback raises."""
    calls = Calls()
    with pytest.raises(ZeroDivisionError):
        fit(callbacks=[calls, lambda history: 1 / 0])
    assert calls.seen[-1] == "close"


def test_a_callback_without_methods_does_nothing():
    """Each is there to be overridden."""
    assert dict(fit(callbacks=[train.Callback()])) == dict(fit())


def test_a_table_has_a_row_for_each_epoch(tmp_path):
    """Of a resumed run as well, to the last digit."""
    options = {"callbacks": [train.CSVLog(tmp_path / "log.csv")], "checkpoint": tmp_path / "run.npz", "resume": True}
    fit(2, **options)
    history = fit(3, **options)
    with open(tmp_path / "log.csv", newline="") as file:
        head, *rows = csv.reader(file)
    assert head == ["epoch", "loss", "validation_loss"]
    assert [[float(x) for x in row] for row in rows] == [[i, *row.values()] for i, row in enumerate(history.rows, 1)]


def test_weights_are_saved_every_so_many_epochs(tmp_path):
    """As they were then."""
    model = nn.Linear(3, 1, rng=0)
    seen = []
    keep = train.SaveWeights(tmp_path / "{epoch}.npz", every=2)
    fit(5, model, callbacks=[keep, lambda history: seen.append(model.weight.tolist())])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["2.npz", "4.npz"]
    for epoch in (2, 4):
        assert mg.load(tmp_path / f"{epoch}.npz")["weight"].tolist() == seen[epoch - 1]
    fit(2, callbacks=[train.SaveWeights(tmp_path / "each-{epoch}.npz")])
    assert len(list(tmp_path.glob("each-*"))) == 2


def test_tensorboard_reads_the_curves(tmp_path):
    """By its own reader: a tag for each name, a step for each epoch, and a resumed run goes on in the same folder."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    options = {"checkpoint": tmp_path / "run.npz", "resume": True}
    options["callbacks"] = [train.TensorBoard(tmp_path / "board")]
    fit(2, **options)
    history = fit(3, **options)
    steps = {}
    for path in sorted((tmp_path / "board").iterdir()):
        found = EventAccumulator(str(path)).Reload()
        for tag in found.Tags()["tensors"] + found.Tags()["scalars"]:
            steps.setdefault(tag, []).extend((e.step, e.value) for e in found.Scalars(tag))
    assert steps.keys() == {"loss/training", "loss/validation"}
    for tag, name in (("loss/training", "loss"), ("loss/validation", "validation_loss")):
        assert [step for step, _ in sorted(steps[tag])] == [1, 2, 3]
        np.testing.assert_allclose([x for _, x in sorted(steps[tag])], history[name], rtol=1e-6)  # single precision


def test_files_are_those_of_the_first_rank(tmp_path, monkeypatch):
    """Others would write the same over them."""

    class Second:
        rank = 1

    monkeypatch.setattr("minigrad.train.callbacks.world", Second)
    logs = [train.CSVLog(tmp_path / "a.csv"), train.SaveWeights(tmp_path / "{epoch}.npz"), train.TensorBoard(tmp_path)]
    fit(callbacks=logs)
    assert list(tmp_path.iterdir()) == []


def test_tensorboard_names_its_extra(monkeypatch):
    """At once, before a training begins."""
    monkeypatch.setitem(__import__("sys").modules, "tensorboard.compat.proto", None)
    with pytest.raises(ImportError, match=r"of the extra 'tensorboard'. Install it: pip install tensorboard$"):
        train.TensorBoard("board")


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: train.SaveWeights("weights.npz"), ValueError, "the path has \"{epoch}\" in it, .*; got 'weights.npz'"),
        (lambda: train.SaveWeights("{epoch}.npz", 0), ValueError, "every is an integer, at least 1; got 0"),
        (lambda: fit(callbacks=[train.CSVLog]), TypeError, "got the class CSVLog. Make one: CSVLog(...)"),
    ],
)
def test_bad_input_is_refused(call, error, text):
    """With what was wanted and what came."""
    with pytest.raises(error, match=re.escape(text).replace(r"\.\*", ".*")):
        call()


# What is shown


def test_a_line_for_each_epoch(capsys):
    """On stderr, with what was reached; none for an epoch that fails."""
    history = fit(2, progress="lines")
    rows = [f"loss {row['loss']:.4g}, validation loss {row['validation_loss']:.4g}" for row in history.rows]
    assert capsys.readouterr().err == f"epoch 1/2: {rows[0]}\nepoch 2/2: {rows[1]}\n"
    fit(2, progress="lines", callbacks=[Calls(interrupt=1)])
    assert capsys.readouterr().err == ""


def test_another_way_to_show_progress_is_refused():
    """With those that there are."""
    with pytest.raises(ValueError, match=r"^progress is True, False, \"lines\" or None; got 'bar'$"):
        fit(progress="bar")


def test_a_frame_has_a_row_for_each_epoch(monkeypatch):
    """Counted from 1, in the order of the names; it takes pandas."""
    history = fit(2)
    frame = history.frame()
    assert frame.index.tolist() == [1, 2]
    assert list(frame.columns) == ["loss", "validation_loss"]
    assert frame.loc[2].tolist() == [history["loss"][1], history["validation_loss"][1]]
    assert train.History(["loss"]).frame().shape == (0, 1)
    monkeypatch.setitem(__import__("sys").modules, "pandas", None)
    with pytest.raises(ImportError, match=r"^frame\(\) makes a frame of pandas. Install it: pip install pandas$"):
        history.frame()
