"""Metrics over all samples of an epoch."""

import csv
import json
import re

import numpy as np
import pytest
from matplotlib import pyplot
from sklearn.metrics import confusion_matrix
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from minigrad import nn, optim, train
from minigrad.nn import functional as F
from minigrad.train import ranks

RNG = np.random.default_rng(0)
X = RNG.normal(size=(90, 2))
Y = (X.sum(axis=1) > 0.8).astype(int)


def classes(scores):
    return scores.argmax(axis=1)


def precision(targets, predicted, among=1):
    """No mean of those of batches."""
    return (targets[predicted == among] == among).sum() / max((predicted == among).sum(), 1)


def fit(metrics, **options):
    model = nn.Linear(2, 2, rng=0)
    optimizer = optim.Adam(model.parameters(), lr=0.1)
    history = train.fit(
        model,
        F.cross_entropy,
        optimizer,
        X,
        Y,
        epochs=3,
        batch_size=20,
        rng=0,
        validation=(X, Y),
        metrics=metrics,
        **options,
    )
    return model, history


@pytest.mark.parametrize("backend", [None, "numpy"])
def test_a_metric_of_an_epoch_is_that_of_all_samples(backend):
    """In validation to the last bit, though batches differ in length; among others, in the order of the names."""
    metrics = {"precision": train.metric(precision, classes, among=0), "mean": lambda scores, labels: scores.mean()}
    model, history = fit(metrics, compile=backend)
    assert list(history) == ["loss", "precision", "mean", "validation_loss", "validation_precision", "validation_mean"]
    assert [list(row) for row in history.rows] == [list(history)] * 3
    wanted = precision(Y, classes(train.predict(model, X)), 0)
    assert history["validation_precision"][-1] == wanted
    assert train.evaluate(model, F.cross_entropy, X, Y, metrics=metrics)["precision"] == wanted
    assert metrics["precision"](train.predict(model, X), Y) == wanted


def test_a_metric_in_training_takes_the_outputs_along_the_way():
    """Those of each step, before it: all samples, once."""
    seen = []

    def count(targets, outputs):
        seen.append(outputs.shape)
        return len(targets)

    _, history = fit({"count": train.metric(count)})
    assert history["count"] == [90, 90, 90]
    assert seen[0] == (90, 2)


def test_a_metric_can_be_a_table(tmp_path):
    """A confusion matrix is in the history, the frame and the CSV file; figures and TensorBoard leave it out."""
    whole = train.metric(confusion_matrix, classes)
    logs = [train.CSVLog(tmp_path / "log.csv"), train.TensorBoard(tmp_path)]
    options = {"callbacks": logs, "checkpoint": tmp_path / "run.npz", "resume": True}
    model, history = fit({"confusion": whole}, **options)
    wanted = confusion_matrix(Y, classes(model(X)))
    assert history["validation_confusion"][-1].tolist() == wanted.tolist()
    assert train.evaluate(model, F.cross_entropy, X, Y, metrics={"table": whole})["table"].tolist() == wanted.tolist()
    assert "validation confusion array (2, 2)" in repr(history)
    assert "<td>array (2, 2)</td>" in history._repr_html_()
    frame = history.frame()
    assert frame["confusion"].iloc[0] is history["confusion"][0]
    assert frame["loss"].dtype == float
    pyplot.close(figure := history.plot())
    assert [panel.get_ylabel() for panel in figure.axes] == ["loss"]
    with (tmp_path / "log.csv").open(newline="") as file:
        assert json.loads(list(csv.DictReader(file))[-1]["validation_confusion"]) == wanted.tolist()
    events = EventAccumulator(str(tmp_path)).Reload()
    assert events.Tags()["scalars"] == ["loss/training", "loss/validation"]
    _, resumed = fit({"confusion": whole}, **options)
    assert np.array_equal(resumed["confusion"], history["confusion"])


def test_targets_without_an_axis_are_samples():
    """A list of batches may have numbers as targets."""
    line = nn.Linear(1, 1, rng=0)
    batches = [(np.ones((1, 1)), 1.0), (np.ones((1, 1)), 3.0)]
    found = train.evaluate(
        line, lambda y, t: ((y - t) ** 2).mean(), batches, metrics={"sum": train.metric(lambda t, y: t.sum())}
    )
    assert found["sum"] == 4


def test_memory_that_is_used_again_is_copied():
    """A loader may write each batch into the same array."""
    memory = np.zeros((2, 1))

    class Reused:
        def __iter__(self):
            for i in range(3):
                memory[:] = i
                yield memory, memory

    found = train.evaluate(nn.Identity(), F.mse_loss, Reused(), metrics={"sum": train.metric(lambda t, y: t.sum())})
    assert found["sum"] == 6


def test_a_function_that_reaches_many_objects_measures_compiled_steps():
    """A step does not depend on it, so a recording does not look into it."""
    many = [(i, i) for i in range(120_000)]  # more than a recording looks at
    _, history = fit({"many": train.metric(lambda targets, outputs: len(many))}, compile="numpy", accumulate=2)
    assert history["many"] == [120_000] * 3


def test_ranks_refuse_it_by_name():
    """Each has a part of the samples alone; the error says where to measure."""
    with pytest.raises(
        ValueError, match=r"^f1 takes all samples of an epoch, .* after the training, by train.evaluate$"
    ):
        ranks.RunOfRanks(None, None, None, [], None, {"f1": train.metric(precision)}, None, None)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: train.metric("f1"), "metric takes a function as function; got 'f1'"),
        (lambda: train.metric(precision, of=3), "metric takes a function as of; got 3"),
        (
            lambda: fit({"report": train.metric(lambda t, y: {"f1": 1.0})}),
            "a metric returns a number for an epoch, or an array of numbers; <lambda> returned {'f1': 1.0}. Call it on",
        ),
        (lambda: fit({"text": train.metric(lambda t, y: np.array(["a"]))}), "<lambda> returned array(['a']"),
    ],
)
def test_bad_input_is_refused(call, text):
    """With what was wanted and what came."""
    with pytest.raises(TypeError, match=re.escape(text).replace(r"\.\*", ".*")):
        call()
