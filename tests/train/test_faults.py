"""Faults in the middle of a training: gradients that are no numbers, errors, Ctrl-C; and what is left then."""

import pathlib
import signal
import subprocess
import sys
import threading
import traceback

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim, train
from minigrad.data import DataLoader
from minigrad.nn import functional as F
from minigrad.optim import lr_scheduler

ROOT = pathlib.Path(__file__).parents[2]
X = np.random.default_rng(0).normal(size=(12, 3))
Y = X.sum(axis=1, keepdims=True)


@pytest.fixture(autouse=True)
def no_thread_is_left():
    """Whatever a test does, the threads that run after it ran before it; also while its error is alive."""
    before = threading.active_count()
    yield
    assert threading.active_count() == before


def network():
    return nn.Sequential(nn.Linear(3, 4, rng=0), nn.BatchNorm1d(4), nn.Tanh(), nn.Linear(4, 1, rng=1))


def everything(model, optimizer):
    """Weights, running statistics, and the optimizer's state."""
    return {name: x.tolist() for name, x in model.state_dict().items()}, str(optimizer.state_dict())


# Gradients


def root(outputs, targets):
    """The root of the weighted squares: at a weight of 0 it is 0, and its slope no number."""
    values, weight = targets
    return mg.sqrt(F.mse_loss(outputs, values) * mg.sum(weight))


GOOD, BAD = (X, (Y, np.ones(1))), (X, (Y, np.zeros(1)))


@pytest.mark.parametrize("backend", [None, "numpy", pytest.param("numba", marks=pytest.mark.slow)])
@pytest.mark.parametrize("kind", [optim.SGD, optim.Adam])
@pytest.mark.parametrize("good", [0, 1, 3])
def test_a_gradient_that_is_not_finite_stops_before_the_step(backend, kind, good):
    """Weights, statistics and the optimizer's state are those before the batch; the error names the parameters."""
    parts = []
    for _ in range(2):
        model = network()
        parts.append((model, kind(model.named_parameters(), lr=0.1)))
    if good:
        train.fit(parts[0][0], root, parts[0][1], [GOOD] * good, 1)
    with np.errstate(all="ignore"), pytest.raises(FloatingPointError) as caught:
        train.fit(parts[1][0], root, parts[1][1], [GOOD] * good + [BAD], 1, compile=backend)
    if backend != "numba":  # which rounds in another way
        assert everything(*parts[1]) == everything(*parts[0])
    text = str(caught.value)
    assert text.startswith("the gradient of 0.weight, 0.bias, 1.weight, 1.bias, 3.weight, 3.bias is NaN or infinite")
    assert f"in step {good + 1} of epoch 1, though the loss is finite; the parameters were not updated" in text


@pytest.mark.parametrize("backend", [None, "numpy"])
def test_the_parameter_with_the_bad_gradient_is_named_alone(backend):
    """Others are not, and one of the optimizer that the model has not is told as that."""

    class Model(nn.Module):
        def __init__(self):
            self.fine, self.bad = nn.Parameter(np.ones(2)), nn.Parameter(np.zeros(2))

        def forward(self, x):
            return self.fine * x + mg.sqrt(self.bad)

    model = Model()
    with np.errstate(all="ignore"), pytest.raises(FloatingPointError, match="^the gradient of bad is NaN or infinite"):
        train.fit(model, F.mse_loss, optim.SGD(model.parameters(), lr=0.1), [(np.ones(2),) * 2], 1, compile=backend)
    other = nn.Parameter(np.zeros(1))
    loss = lambda y, t: mg.mean(y[:, 0] ** 2) + mg.sum(mg.sqrt(other))
    linear = nn.Linear(3, 1, rng=0)
    with (
        np.errstate(all="ignore"),
        pytest.raises(FloatingPointError, match="of a parameter that is not the model's is"),
    ):
        train.fit(linear, loss, optim.SGD([*linear.parameters(), other], lr=0.1), [(X, Y)], 1, compile=backend)


@pytest.mark.parametrize("backend", [None, "numpy"])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_large_gradients_are_finite(backend, dtype):
    """Gradients whose squares overflow are taken for what they are; and small ones in half precision as well."""
    for large in (0.5 * float(np.finfo(dtype).max), 1e3):
        model = nn.Sequential(nn.Linear(1, 1, rng=0))
        model[0].weight, model[0].bias = nn.Parameter(np.zeros((1, 1), dtype)), None
        with np.errstate(over="warn" if dtype == np.float16 else "ignore"):
            train.fit(
                model, lambda y, t: mg.sum(y), optim.SGD(model.parameters(), lr=2.0**-14),
                [(np.full((1, 1), large, dtype), 0)], 1, compile=backend,
            )  # fmt: skip
        np.testing.assert_allclose(model[0].weight.data, [[-(2.0**-14) * large]], rtol=1e-2)


@pytest.mark.parametrize("backend", [None, "numpy"])
def test_parameters_without_a_gradient_are_passed_over(backend):
    """Those that the loss does not depend on, and those that were frozen since the optimizer was made."""
    first, second = nn.Linear(3, 1, rng=0), nn.Linear(3, 1, rng=0)
    before = second.weight.tolist()
    model = nn.Sequential(first, lambda x, second=second: x)
    model.unused = second
    train.fit(model, F.mse_loss, optim.SGD(second.parameters(), lr=0.1), [(X, Y)], 2, compile=backend)
    assert second.weight.tolist() == before
    model = nn.Sequential(nn.Linear(3, 1, rng=0), nn.Linear(1, 1, rng=0))
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    model[1].requires_grad_(False)
    before = model[1].weight.tolist()
    train.fit(model, F.mse_loss, optimizer, [(X, Y)], 2)
    assert model[1].weight.tolist() == before


@pytest.mark.parametrize("backend", [None, "numpy"])
def test_running_statistics_do_not_see_a_batch_that_was_refused(backend):
    """By a loss that is no number, or by an error of the loss's own."""

    def fail(outputs, targets):
        raise ZeroDivisionError

    for loss, error in ((lambda y, t: mg.sum(y) * np.inf, FloatingPointError), (fail, ZeroDivisionError)):
        model = network()
        optimizer = optim.SGD(model.parameters(), lr=0.1)
        before = everything(model, optimizer)
        with np.errstate(all="ignore"), pytest.raises(error):
            train.fit(model, loss, optimizer, [(X, Y)], 1, compile=backend)
        assert everything(model, optimizer) == before


# Schedules


@pytest.mark.parametrize(
    "make",
    [
        lambda o: lr_scheduler.ExponentialLR(o, 0.5),
        lambda o: lr_scheduler.ReduceLROnPlateau(o),
        lambda o: lr_scheduler.OneCycleLR(o, 0.1, 10, cycle_momentum=False),
        lambda o: lr_scheduler.SequentialLR(
            o, [lr_scheduler.StepLR(o, 1), lr_scheduler.LambdaLR(o, lambda t: 1.0)], [2]
        ),
    ],
)
def test_a_schedule_of_another_optimizer_is_refused(make):
    """Neither of the optimizers, nor the weights, have changed."""
    model = network()
    own, other = (optim.Adam(model.parameters(), lr=0.1) for _ in range(2))
    before, schedule = everything(model, own), make(other)
    lr = other.lr
    with pytest.raises(
        ValueError, match=r"the schedule belongs to another optimizer.* this Adam: \w+\(optimizer, ...\)"
    ):
        train.fit(model, F.mse_loss, own, [(X, Y)], 2, schedule=schedule)
    assert everything(model, own) == before
    assert other.lr == lr
    train.fit(model, F.mse_loss, own, [(X, Y)], 2, schedule=make(own))


def test_a_schedule_of_the_users_own_needs_no_optimizer():
    """What has a step is stepped."""

    class Mine:
        steps = 0

        def step(self):
            self.steps += 1

    model, schedule = network(), Mine()
    train.fit(model, F.mse_loss, optim.SGD(model.parameters(), lr=0.1), [(X, Y)], 3, schedule=schedule)
    assert schedule.steps == 3


# Errors and Ctrl-C


class Data:
    """Samples of which one may raise."""

    def __init__(self, error=None, at=7):
        self.error, self.at = error, at

    def __len__(self):
        return 12

    def __getitem__(self, i):
        if self.error is not None and i == self.at:
            raise self.error
        return X[i], Y[i]


def raising(error):
    def here(*_):
        raise error

    return here


@pytest.mark.parametrize("error", [ZeroDivisionError("here"), KeyboardInterrupt("here"), SystemExit("here")])
@pytest.mark.parametrize("place", ["data set", "loss", "metric", "callback", "schedule", "validation"])
@pytest.mark.parametrize("prefetch", [0, 2])
def test_an_error_anywhere_leaves_no_thread_and_a_whole_checkpoint(tmp_path, place, error, prefetch):
    """It has its own traceback; the file is that of the last epoch; the model trains on."""
    model = network()
    optimizer = optim.SGD(model.parameters(), lr=0.1)

    def go(**changed):
        schedule = type("Mine", (), {"step": lambda self: None})()
        options = {"loss": F.mse_loss, "data": Data(), "validation": Data(), "schedule": schedule, "metric": max_of}
        options |= {"callback": lambda h: None} | changed
        schedule.step = options["schedule"] if callable(options["schedule"]) else schedule.step
        return train.fit(
            model, options["loss"], optimizer, DataLoader(options["data"], 2, prefetch=prefetch), 2,
            validation=DataLoader(options["validation"], 2, prefetch=prefetch), schedule=schedule,
            schedule_every="batch", metrics={"m": options["metric"]}, callbacks=[options["callback"]],
            checkpoint=tmp_path / "run.npz",
        )  # fmt: skip

    def max_of(outputs, targets):
        return outputs.max()

    broken = {"data set": {"data": Data(error)}, "validation": {"validation": Data(error)}}
    changed = broken.get(place, {place: raising(error)})
    if isinstance(error, KeyboardInterrupt):
        history = go(**changed)
        assert history.interrupted
    else:
        with pytest.raises(type(error), match="here") as caught:
            go(**changed)
        assert traceback.extract_tb(caught.value.__traceback__)[-1].name in ("here", "__getitem__")
        assert all(t.name != "minigrad prefetch" for t in threading.enumerate())  # while the error is alive
    assert mg.load(tmp_path / "run.npz")["history"] == []
    assert go().epochs == 2


def test_an_iterator_that_is_used_up_is_named():
    """A loader that gives nothing in its second epoch says in which, for training and validation."""

    class Once:
        def __init__(self):
            self.batches = iter([(X, Y)])

        def __iter__(self):
            return self.batches

    for loader, validation, place in (
        (Once(), None, "epoch 2"),
        ([(X, Y)], Once(), "the validation after epoch 2"),
    ):
        model = network()
        with pytest.raises(ValueError, match=f"there is none in {place}. An iterator that is used up gives no more"):
            train.fit(model, F.mse_loss, optim.SGD(model.parameters(), lr=0.1), loader, 3, validation=validation)


def test_what_gives_no_batch_is_refused_before_the_first_step():
    """An empty validation, too, though it comes after a whole epoch."""
    model = network()
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    before = everything(model, optimizer)
    for loader, validation, name in (([], None, "loader"), ([(X, Y)], [], "validation")):
        with pytest.raises(ValueError, match=f"an epoch takes at least one batch; there is none in {name}"):
            train.fit(model, F.mse_loss, optimizer, loader, 1, validation=validation)
    assert everything(model, optimizer) == before


def test_pandas_as_batches_and_targets():
    """Frames and series in batches are taken by position; a frame as a loader is told of one."""
    pd = pytest.importorskip("pandas")
    shuffled = np.random.default_rng(0).permutation(12)
    frame, series = pd.DataFrame(X, index=shuffled, columns=list("abc")), pd.Series(Y[:, 0], index=shuffled[::-1])

    def weights(batches, whole=False):
        model = nn.Linear(3, 1, rng=0)
        loss = lambda y, t: F.mse_loss(y[:, 0], t["y"] if whole else t)
        run = (lambda b: model(b["x"])) if whole else model
        holder = type("Holder", (nn.Module,), {"forward": lambda self, b: run(b)})()
        holder.model = model
        train.fit(holder, loss, optim.SGD(model.parameters(), lr=0.1), batches, 2, validation=batches)
        return model.weight.tolist()

    want = weights([(X, Y[:, 0])])
    assert weights([(frame, series)]) == want
    assert weights([{"x": frame, "y": series}], whole=True) == want
    assert weights(DataLoader((frame, series), 12)) == want
    with pytest.raises(TypeError, match="^loader gives batches; got a DataFrame. For its rows, pass data.DataLoader"):
        weights(frame)
    with pytest.raises(ValueError, match="^the column 'b' has no value in row 3"):
        weights([(frame.mask(frame == X[3, 1]), series)])


# Interrupts, in a process of their own


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="the system has no alarm")
def test_interrupts_at_any_moment_leave_nothing_half_done():
    """Two seconds of Ctrl-C in fit, loaders and mg.save: modes, threads and files are whole."""
    command = [sys.executable, "-m", "tests.train.interrupts", "2.0", "0"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "interrupts, and nothing was left half done" in done.stdout
