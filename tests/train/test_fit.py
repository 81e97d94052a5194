"""train.fit: the loop by hand to the last bit, whatever is asked for beside it."""

import functools
import math
import re
import signal
import sys

import matplotlib
import numpy as np
import pytest
import tqdm.auto
from matplotlib import pyplot
from tqdm import notebook

import minigrad as mg
from minigrad import nn, optim, train
from minigrad.data import DataLoader
from minigrad.nn import functional as F
from minigrad.optim import lr_scheduler

matplotlib.use("Agg")
X = np.random.default_rng(0).normal(size=(50, 3))
Y = np.sin(X.sum(axis=1, keepdims=True))


class Parts:
    """A network with dropout and running statistics, its optimizer and its loaders: the same each time."""

    def __init__(self):
        rng = np.random.default_rng(1)
        self.model = nn.Sequential(
            nn.Linear(3, 8, rng=rng), nn.BatchNorm1d(8), nn.Tanh(), nn.Dropout(0.2, rng=rng), nn.Linear(8, 1, rng=rng)
        )
        self.optimizer = optim.Adam(self.model.named_parameters(), lr=0.01)
        self.loader = DataLoader((X[:40], Y[:40]), 12, shuffle=True, rng=rng)  # the last batch has 4
        self.validation = DataLoader((X[40:], Y[40:]), 7)
        self.schedule = lr_scheduler.ExponentialLR(self.optimizer, 0.9)

    def fit(self, epochs=3, loss=F.mse_loss, **options):
        return train.fit(self.model, loss, self.optimizer, self.loader, epochs, **options)

    def weights(self):
        return {name: x.tolist() for name, x in self.model.state_dict().items()}


def distance(outputs, targets):
    return abs(outputs - targets).mean()


class Line(nn.Module):
    """slope * x."""

    def __init__(self, slope=1.0):
        self.slope = nn.Parameter(np.array(slope))

    def forward(self, x):
        return self.slope * x


def fit_line(losses, epochs=9, **options):
    """Train on losses that are given one for each step, whatever the line does."""
    line, values = options.pop("line", Line()), iter(losses)
    optimizer = options.pop("optimizer", None) or optim.SGD([line.slope], lr=0.5)
    return train.fit(line, lambda y, _: y.sum() * 0 + next(values), optimizer, [(np.ones(2), 0)], epochs, **options)


@pytest.mark.parametrize("backend", [None, "numpy"])
def test_fit_is_the_loop_by_hand(backend):
    """Weights, running statistics and losses are equal to the last bit, and means are those over samples."""
    parts, by_hand = Parts(), Parts()
    history = parts.fit(validation=parts.validation, metrics={"distance": distance}, compile=backend)
    losses, distances, validated = [], [], []
    for _ in range(3):
        total, away, count = 0.0, 0.0, 0
        for x, y in by_hand.loader:
            by_hand.optimizer.zero_grad()
            outputs = by_hand.model(x)
            loss = F.mse_loss(outputs, y)
            loss.backward()
            by_hand.optimizer.step()
            total, away, count = (
                total + len(x) * loss.item(),
                away + len(x) * distance(outputs.data, y),
                count + len(x),
            )
        losses.append(total / count)
        distances.append(away / count)
        by_hand.model.eval()
        with mg.no_grad():
            outputs = by_hand.model(X[40:])
        validated.append([F.mse_loss(outputs, Y[40:]).item(), distance(outputs.data, Y[40:])])
        by_hand.model.train()
    assert parts.weights() == by_hand.weights()
    assert history["loss"] == losses
    np.testing.assert_allclose(history["distance"], distances, rtol=1e-15)
    got = np.transpose([history["validation_loss"], history["validation_distance"]])
    np.testing.assert_allclose(got, validated, rtol=1e-13)  # sums in another order
    assert not history.interrupted


def test_history_is_a_mapping_of_lists():
    """Names in the order of measuring, a number for each epoch; a name that is not there lists those that are."""
    parts = Parts()
    history = parts.fit(epochs=2, validation=parts.validation, metrics={"distance": distance})
    assert list(history) == ["loss", "distance", "validation_loss", "validation_distance"]
    assert len(history) == 4
    assert [history["loss"][1], history["distance"][1]] == [history.rows[1][name] for name in ("loss", "distance")]
    assert all(type(x) is float for values in history.values() for x in values)
    assert re.match(
        r"<History of 2 epochs, the last with loss \d\.\d+, distance \d\.\d+, validation loss \d", repr(history)
    )
    with pytest.raises(KeyError, match="accuracy; there are loss, distance, validation_loss, validation_distance"):
        history["accuracy"]


@pytest.mark.parametrize("whole", [dict, list])
def test_other_batches_are_handed_over_whole(whole):
    """A dict, or a list that is no pair, goes to the model, and to the loss and the metrics in place of the targets."""
    keys = (0, 1, 2) if whole is list else ("x", "y", "z")

    class Weighted(Line):
        def forward(self, batch):
            return self.slope * batch[keys[0]]

    model = Weighted()
    batches = [whole(zip(keys, parts, strict=True)) for parts in [(X, 2 * X, 0 * X)]]
    batches = batches if whole is dict else [[X, 2 * X, 0 * X]]
    history = train.fit(
        model,
        lambda outputs, batch: F.mse_loss(outputs, batch[keys[1]]),
        optim.SGD([model.slope], lr=0.3),
        batches,
        20,
        metrics={"largest": lambda outputs, batch: abs(batch[keys[1]] - outputs).max()},
    )
    assert abs(model.slope.item() - 2) < 1e-3
    assert history["largest"][-1] < 1e-2


def test_a_pair_in_a_list_is_inputs_and_targets():
    """A loader of lists of two works as one of tuples."""
    lines = [Line(), Line()]
    for line, kind in zip(lines, (tuple, list), strict=True):
        train.fit(line, F.mse_loss, optim.SGD([line.slope], lr=0.3), [kind((X, 2 * X))], 3)
    assert lines[0].slope.item() == lines[1].slope.item() != 1


# Schedules, stopping, callbacks


@pytest.mark.parametrize(("every", "steps"), [("epoch", 3), ("batch", 12)])
def test_schedules_are_stepped(every, steps):
    """After each epoch, or after each of its four batches; compiled steps follow."""
    parts, by_hand = Parts(), Parts()
    parts.fit(schedule=parts.schedule, schedule_every=every, compile="numpy")
    assert parts.optimizer.lr == pytest.approx(0.01 * 0.9**steps, rel=1e-12)
    for _ in range(3):
        for x, y in by_hand.loader:
            by_hand.optimizer.zero_grad()
            F.mse_loss(by_hand.model(x), y).backward()
            by_hand.optimizer.step()
            if every == "batch":
                by_hand.schedule.step()
        if every == "epoch":
            by_hand.schedule.step()
    assert parts.weights() == by_hand.weights()


def test_a_plateau_is_one_of_the_loss_that_is_watched():
    """ReduceLROnPlateau is told the loss: three equal ones are a plateau of two epochs."""
    line = Line()
    optimizer = optim.SGD([line.slope], lr=0.5)
    schedule = lr_scheduler.ReduceLROnPlateau(optimizer, patience=1)
    fit_line([1, 1, 1], 3, line=line, optimizer=optimizer, schedule=schedule)
    assert optimizer.lr == 0.05


def test_patience_stops_when_nothing_gets_better():
    """Two epochs that are no better than the best are too many for a patience of two, one is not."""
    history = fit_line([5, 4, 4.5, 3, 3, 3.5, 1], patience=2)
    assert history["loss"] == [5, 4, 4.5, 3, 3, 3.5]


def test_patience_looks_at_the_validation_loss():
    """While the training loss falls, the other says when to stop."""
    losses = [9, 1, 8, 3, 7, 2, 6, 0]  # of training and of validation by turns
    history = fit_line(losses, patience=2, validation=[(np.ones(2), 0)])
    assert history["loss"] == [9, 8, 7]
    assert history["validation_loss"] == [1, 3, 2]


def test_a_stopped_run_that_is_resumed_stays_stopped(tmp_path):
    """Patience counts the epochs before the resume."""
    options = {"patience": 2, "checkpoint": tmp_path / "run.npz", "resume": True}
    assert fit_line([1, 2, 2], **options).epochs == 3
    assert fit_line([], **options).epochs == 3


def test_history_in_a_notebook_is_a_table():
    """The first five epochs and the last, with short names and numbers; and whether it was interrupted."""
    history = train.History(["loss", "validation_loss"])
    history.load_state_dict([{"loss": 1 / i, "validation_loss": 2.0} for i in range(1, 12)])
    html = history._repr_html_()
    assert "<th>epoch</th><th>loss</th><th>validation loss</th>" in html
    rows = re.findall(r"<tr><td>(.*?)</td><td>(.*?)</td>", html)
    assert [number for number, _ in rows] == ["1", "2", "3", "4", "5", "...", "7", "8", "9", "10", "11"]
    assert rows[2] == ("3", "0.3333")
    history.rows[:] = history.rows[:10]
    history.interrupted = True
    assert "..." not in history._repr_html_()
    assert history._repr_html_().endswith("<p>interrupted</p>")


def test_callbacks_see_the_history_and_can_stop():
    """All are called after each epoch, and one that returns what is true ends the training."""
    for truth in (bool, np.bool_, lambda x: "stop" if x else "", lambda x: np.array([x]), lambda x: mg.tensor(x)):
        seen = []
        callbacks = [lambda h, truth=truth: truth(h["loss"][-1] == 2), lambda h, seen=seen: seen.append(h.epochs)]
        assert fit_line([3, 2, 1, 0], callbacks=callbacks)["loss"] == [3, 2]
        assert seen == [1, 2]


def test_a_callback_whose_answer_is_neither_true_nor_false_is_told_so():
    """An array of several truths is no truth."""
    with pytest.raises(ValueError, match=r"^a callback returns whether to end the training; got array"):
        fit_line([1], callbacks=[lambda h: np.array([True, False])])


# Ctrl-C, and losses that are no numbers


@pytest.fixture
def ctrl_c():
    """Ctrl-C interrupts Python, as it does unless whoever started it has turned that off."""
    former = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield functools.partial(signal.raise_signal, signal.SIGINT)
    signal.signal(signal.SIGINT, former)


@pytest.mark.parametrize("phase", ["training", "validation", "callback"])
def test_ctrl_c_leaves_model_and_history(phase, ctrl_c):
    """The epochs that were finished are returned, and the model trains on."""
    parts = Parts()

    def loss(outputs, targets):
        calls.append(None)
        if len(calls) == {"training": 8, "validation": 11, "callback": 0}[phase]:
            ctrl_c()
        return F.mse_loss(outputs, targets)

    def callback(history):
        if phase == "callback" and history.epochs == 1:
            ctrl_c()

    calls = []
    history = parts.fit(loss=loss, validation=parts.validation, callbacks=[callback])
    assert history.interrupted
    assert history.epochs == 1
    assert "and then interrupted" in repr(history)
    assert parts.fit(epochs=1).epochs == 1


@pytest.mark.parametrize("backend", [None, "numpy"])
@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_loss_that_is_no_number_stops_before_the_update(backend, bad):
    """The error names epoch and step; the weights are those after the step before, compiled or not."""
    line, data = Line(), np.ones((4, 1))
    optimizer = optim.SGD([line.slope], lr=0.25, momentum=0.5)
    slopes = []

    def spoil(history):
        slopes.append(line.slope.item())
        data[2] = bad

    with pytest.raises(FloatingPointError, match=r"the loss is NaN or infinite in step 3 of epoch 2; the parameters"):
        train.fit(
            line, lambda y, _: y.sum(), optimizer, DataLoader((data, data)), 3, callbacks=[spoil], compile=backend
        )
    by_hand = Line()
    other = optim.SGD([by_hand.slope], lr=0.25, momentum=0.5)
    for _ in range(6):
        other.zero_grad()
        by_hand(1.0).backward()
        other.step()
    assert line.slope.item() == by_hand.slope.item()
    assert optimizer.state_dict() == other.state_dict()


def test_a_validation_loss_that_is_no_number_stops_too():
    """The error says that it was in the validation."""
    with pytest.raises(FloatingPointError, match="in step 1 of the validation after epoch 2; the"):
        fit_line([1, 1, 1, math.nan], validation=[(np.ones(2), 0)])


# Checkpoints


def run(path, epochs, backend=None, **options):
    """A run with all that has a state."""
    parts = Parts()
    history = parts.fit(
        epochs,
        validation=parts.validation,
        schedule=parts.schedule,
        metrics={"distance": distance},
        checkpoint=path,
        compile=backend,
        **options,
    )
    return parts, history


@pytest.mark.parametrize("backend", [None, "numpy"])
@pytest.mark.parametrize("ending", ["npz", "safetensors"])
def test_a_resumed_run_is_the_uninterrupted_one(tmp_path, ending, backend):
    """Weights, optimizer, generators, loaders and history are equal to the last bit."""
    path, other = tmp_path / f"run.{ending}", tmp_path / f"other.{ending}"
    whole, history = run(other, 5, backend)
    run(path, 2, backend, resume=True)  # there is no file yet
    resumed, resumed_history = run(path, 5, backend, resume=True)
    assert resumed.weights() == whole.weights()
    assert dict(resumed_history) == dict(history)
    np.testing.assert_equal(mg.load(path), mg.load(other))
    assert resumed.model[3].rng.bit_generator.state == whole.model[3].rng.bit_generator.state


def test_a_run_that_is_killed_in_its_first_epoch_resumes(tmp_path):
    """The first weights are saved before the first step, so not even their seed need be known."""
    path, parts = tmp_path / "run.npz", Parts()
    before = parts.weights()

    def fail(outputs, targets):
        raise RuntimeError("killed")

    with pytest.raises(RuntimeError, match="killed"):
        parts.fit(loss=fail, checkpoint=path)
    other = Parts()
    other.model[0].weight.data = np.zeros((3, 8))
    other.fit(1, checkpoint=path, resume=True)
    reference = Parts()
    assert reference.weights() == before
    reference.fit(1)
    assert other.weights() == reference.weights()


def test_a_checkpoint_holds_what_callbacks_have_changed(tmp_path):
    """It is written after them."""
    line = Line()

    def change(history):
        line.slope.data = np.array(7.0)

    train.fit(
        line, F.mse_loss, optim.SGD([line.slope], 0.1), [(X, X)], 1, callbacks=[change], checkpoint=tmp_path / "l.npz"
    )
    assert mg.load(tmp_path / "l.npz")["model"]["slope"] == 7.0


def without_schedule(parts, path):
    return parts.fit(checkpoint=path, resume=True, validation=parts.validation)


def with_other_metrics(parts, path):
    return parts.fit(checkpoint=path, resume=True, validation=parts.validation, schedule=parts.schedule)


def with_another_optimizer(parts, path):
    optimizer = optim.SGD(parts.model.parameters(), lr=0.1)
    return train.fit(
        parts.model, F.mse_loss, optimizer, parts.loader, 5, checkpoint=path, resume=True,
        schedule=lr_scheduler.ExponentialLR(optimizer, 0.9), validation=parts.validation,
        metrics={"distance": distance},
    )  # fmt: skip


def without_generators(parts, path):
    parts.model[3].rng = None
    return run_again(parts, path)


def run_again(parts, path):
    return parts.fit(
        checkpoint=path,
        resume=True,
        schedule=parts.schedule,
        validation=parts.validation,
        metrics={"distance": distance},
    )


@pytest.mark.parametrize(
    ("attempt", "text"),
    [
        (
            without_schedule,
            r"it has \['model', 'optimizer', 'schedule', .*\], and this has \['model', 'optimizer', 'loa",
        ),
        (
            with_other_metrics,
            "by its history: this history has loss, validation_loss; that of the state has loss, dist",
        ),
        (with_another_optimizer, "by its optimizer: this state does not belong to this SGD"),
        (without_generators, r"by its generators: this model draws from \[\]; that of the state from \['3.rng'\]"),
    ],
)
def test_a_checkpoint_of_another_training_changes_nothing(tmp_path, attempt, text):
    """Parts that could go on from it are put back."""
    run(tmp_path / "run.npz", 2)
    saved = (tmp_path / "run.npz").read_bytes()
    parts, before = Parts(), Parts()
    with pytest.raises(ValueError, match=f"the checkpoint belongs to another training.*{text}"):
        attempt(parts, tmp_path / "run.npz")
    assert parts.weights() == before.weights()
    assert parts.loader.state_dict() == before.loader.state_dict()
    np.testing.assert_equal(parts.optimizer.state_dict(), before.optimizer.state_dict())
    assert (tmp_path / "run.npz").read_bytes() == saved


def test_a_file_that_is_no_checkpoint_is_refused(tmp_path):
    """Whatever tree it holds."""
    mg.save(tmp_path / "list.npz", [1, 2])
    with pytest.raises(ValueError, match=r"belongs to another training: it has a list, and this has \['model'"):
        Parts().fit(checkpoint=tmp_path / "list.npz", resume=True)


def test_a_checkpoint_that_cannot_be_written_stops_before_the_first_step(tmp_path):
    """Nobody trains an epoch to hear it."""
    parts, before = Parts(), Parts()
    with pytest.raises(mg.CheckpointError, match="cannot save"):
        parts.fit(checkpoint=tmp_path / "missing" / "run.npz")
    assert parts.weights() == before.weights()


# Bars and plots


def test_a_bar_shows_each_epoch(capsys, monkeypatch):
    """With its batches and what was reached, on stderr."""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    parts = Parts()
    history = parts.fit(epochs=2, validation=parts.validation, progress=True)
    shown = capsys.readouterr().err
    assert "epoch 2/2: 100%" in shown
    assert "4/4" in shown
    last = history.rows[-1]
    assert f"loss {last['loss']:.4g}, validation loss {last['validation_loss']:.4g}]" in shown


def test_a_bar_needs_no_length(capsys, monkeypatch):
    """Any iterable can be a loader."""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)

    class Endless:
        def __iter__(self):
            return iter([(X, X)] * 3)

    class Unknown(Endless):
        def __len__(self):
            raise NotImplementedError

    line = Line()
    for loader in (Endless(), Unknown()):
        train.fit(line, F.mse_loss, optim.SGD([line.slope], 0.1), loader, 1, progress=True)
        assert "epoch 1/1: 3batch" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("terminal", "installed", "progress", "expected"),
    [
        (True, True, None, True),
        (True, False, None, False),
        (False, True, None, False),
        (True, True, False, False),
    ],
)
def test_a_bar_is_there_where_it_can_be_seen(capsys, monkeypatch, terminal, installed, progress, expected):
    """On a terminal, with tqdm, unless it is not wanted."""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)
    if not installed:
        monkeypatch.setitem(sys.modules, "tqdm", None)
    fit_line([1], 1, progress=progress)
    assert ("epoch 1/1" in capsys.readouterr().err) == expected


def test_where_no_bar_can_be_shown_there_are_lines(capsys):
    """Those of a bar that is drawn again would fill a log."""
    fit_line([1, 1], 2, progress=True)
    first, second = capsys.readouterr().err.splitlines()
    assert first.startswith("epoch 1/2: loss ")
    assert second.startswith("epoch 2/2: loss ")


def test_a_notebook_shows_one_bar(capsys, monkeypatch):
    """Which begins anew with each epoch, and is made when the first begins."""
    bars = []

    class Bar(notebook.tqdm):
        """What tqdm.auto has in a notebook, without its widgets."""

        def __init__(self, total, unit):
            bars.append([("made", total, unit)])

        def reset(self, total):
            bars[0].append(("reset", total))

        def set_description(self, title):
            bars[0].append(title)

        def set_postfix_str(self, text, refresh):
            bars[0].append((text[:4], refresh))

        def update(self):
            bars[0].append("batch")

        def refresh(self):
            bars[0].append("refresh")

        def __del__(self):
            pass

    monkeypatch.setattr(tqdm.auto, "tqdm", Bar)
    fit_line([1, 1], 2, progress=True)
    each = [("loss", False), "batch", ("loss", True), "refresh"]
    assert bars == [[("made", 1, "batch"), "epoch 1/2", *each, ("reset", 1), "epoch 2/2", *each]]
    assert capsys.readouterr().err == ""


def test_a_bar_that_is_asked_for_needs_tqdm(monkeypatch):
    """The error names the extra."""
    monkeypatch.setitem(sys.modules, "tqdm", None)
    with pytest.raises(
        ImportError, match=r"a progress bar needs tqdm, of the extra 'progress'. Install it: pip install tqdm"
    ):
        fit_line([1], 1, progress=True)


def test_a_notebook_shows_a_plot_once(monkeypatch):
    """As the value of a cell, so it is not among the figures that are shown at the end of a cell as well."""
    history = fit_line([1], 1)
    before = pyplot.get_fignums()
    monkeypatch.setattr(pyplot, "get_backend", lambda: "module://matplotlib_inline.backend_inline")
    figure = history.plot()
    assert pyplot.get_fignums() == before
    assert len(figure.axes) == 1


def test_plots_have_a_panel_for_each_name(tmp_path):
    """With training and validation in it, as many points as epochs."""
    parts = Parts()
    history = parts.fit(validation=parts.validation, metrics={"distance": distance})
    figure = history.plot()
    assert [panel.get_ylabel() for panel in figure.axes] == ["loss", "distance"]
    for panel in figure.axes:
        name = panel.get_ylabel()
        assert [line.get_ydata().tolist() for line in panel.lines] == [history[name], history[f"validation_{name}"]]
        assert panel.lines[0].get_xdata().tolist() == [1, 2, 3]
    figure.savefig(tmp_path / "curves.png")
    matplotlib.pyplot.close(figure)
    figure = fit_line([2, 1], 2).plot()
    assert [line.get_label() for line in figure.axes[0].lines] == ["training"]
    matplotlib.pyplot.close(figure)


def test_plots_need_matplotlib(monkeypatch):
    """The error names the extra."""
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(
        ImportError, match=r"plot\(\) draws with Matplotlib, of the extra 'plot'. Install it: pip install matplotlib"
    ):
        fit_line([1], 1).plot()


# Bad input


@pytest.mark.parametrize(
    ("changed", "error", "text"),
    [
        ({"model": np.tanh}, TypeError, "fit trains an nn.Module; got a ufunc"),
        ({"optimizer": "Adam"}, TypeError, "fit takes an optimizer from mg.optim that steps once a batch; got a str"),
        ({"optimizer": optim.LBFGS([Line().slope])}, TypeError, "steps once a batch; got a LBFGS"),
        ({"loader": iter([(X, Y)])}, TypeError, "loader is gone through once an epoch, .*; got a list_iterator"),
        (
            {"optimizer": optim.SGD([Line().slope], lr=1)},
            ValueError,
            "the optimizer has none of the model's parameters. M",
        ),
        ({"loader": None}, TypeError, "loader is gone through once an epoch, .*; got a NoneType"),
        (
            {"schedule": lr_scheduler.ReduceLROnPlateau(Parts().optimizer), "schedule_every": "batch"},
            ValueError,
            "ReduceLROnPlateau looks at the loss of an epoch, so it is stepped once in each",
        ),
        ({"loader": 3}, TypeError, "loader is gone through once an epoch, .*; got a int"),
        ({"validation": (b for b in [])}, TypeError, "validation is gone through once an epoch, .*; got a generator"),
        ({"loader": []}, ValueError, "an epoch takes at least one batch; there is none"),
        ({"validation": []}, ValueError, "an epoch takes at least one batch; there is none"),
        ({"epochs": 0}, ValueError, "epochs is an integer, at least 1; got 0"),
        ({"patience": 0}, ValueError, "patience is an integer, at least 1; got 0"),
        ({"loss": "mse"}, TypeError, "loss is a function of outputs and targets; got 'mse'"),
        ({"loss": nn.MSELoss}, TypeError, "got <class '.*MSELoss'>. Pass an object of it, as MSELoss()"),
        ({"loader": (X, Y)}, TypeError, "loader gives batches; got a tuple of two arrays, .*.DataLoader((x, y), batch"),
        ({"validation": (X, Y)}, TypeError, "validation gives batches; got a tuple .*; for a single batch, [(x, y)]"),
        ({"metrics": distance}, TypeError, "metrics is a dict of functions by name, .*; got <function distance"),
        ({"callbacks": print}, TypeError, "callbacks is a list of functions; got <built-in function print>"),
        ({"callbacks": ["print"]}, TypeError, "callbacks is a list of functions; got ['print']"),
        ({"schedule": lr_scheduler.StepLR}, TypeError, "schedule is one of mg.optim.lr_scheduler; got <class"),
        ({"schedule": 0.1}, TypeError, "schedule is one of mg.optim.lr_scheduler; got 0.1"),
        ({"schedule_every": "step"}, ValueError, 'schedule_every is "epoch" or "batch"; got \'step\''),
        ({"resume": True}, ValueError, "resume=True continues from a checkpoint. Say which: checkpoint=path"),
        ({"compile": "fortran"}, ValueError, r"compile is one of 'numpy', 'native', .*, or None, .*; got 'fortran'"),
        (
            {"compile": True},
            TypeError,
            "or None, which leaves it uncompiled; got True",
        ),
        ({"metrics": {"loss": distance}}, ValueError, 'by names other than "loss" and "validation_..."; got \'loss\''),
        ({"metrics": {"validation_x": distance}}, ValueError, "got 'validation_x': <function"),
        ({"metrics": {1: distance}}, ValueError, "metrics are functions by names other .* got 1: <function"),
        ({"metrics": {"distance": 1.0}}, ValueError, "metrics are functions by names .*; got 'distance': 1.0"),
        ({"loss": lambda y, t: (y - t) ** 2}, TypeError, "the loss is one number, .*; got an array of shape (12, 1)"),
        ({"loss": lambda y, t: 1.0}, TypeError, "a Tensor that the parameters have led to; got a float"),
    ],
)
def test_bad_input_is_refused(changed, error, text):
    """With what was wanted and what came; the weights are as they were."""
    parts, before = Parts(), Parts()
    given = {
        "model": parts.model,
        "loss": F.mse_loss,
        "optimizer": parts.optimizer,
        "loader": parts.loader,
        "epochs": 1,
    }
    pattern = re.escape(text).replace(r"\.\*", ".*").replace(r"\.\.\.", "...")
    with pytest.raises(error, match=pattern):
        train.fit(**given | changed)
    if changed != {"validation": []}:
        assert parts.weights() == before.weights() or "loss" in changed  # running statistics see the batch
