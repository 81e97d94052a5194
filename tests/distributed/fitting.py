"""Trainings by `fit`, which a test runs in one process, on ranks, and on ranks that fail."""

import os
import pathlib
import signal
import sys
import threading
import time
from functools import partial

import numpy as np
import pytest

import minigrad as mg
from minigrad import distributed, nn, optim, train
from minigrad.data import DataLoader
from minigrad.nn import functional as F

RNG = np.random.default_rng(0)
X, LABELS = RNG.normal(size=(46, 6)), RNG.integers(3, size=46)


def parts(dropout=False, norm="sync", seed=1):
    """A model with its optimizer, schedule and loaders."""
    rng = np.random.default_rng(seed)
    layers = [nn.Linear(6, 8, bias=False, rng=rng), nn.BatchNorm1d(8, sync=norm == "sync"), nn.Tanh()]
    model = nn.Sequential(*layers, nn.Dropout(0.3, rng=rng), nn.Linear(8, 3, rng=rng)) if dropout else nn.Sequential(
        *layers, nn.Linear(8, 3, rng=rng)
    )  # fmt: skip
    optimizer = optim.Adam(model.named_parameters(), lr=0.02)
    loader = DataLoader((X[:38], LABELS[:38]), 8, shuffle=True, rng=rng)
    return model, optimizer, loader, DataLoader((X[38:], LABELS[38:]), 8)


def accuracy(scores, labels):
    return np.mean(scores.argmax(axis=1) == labels)


def fitted(epochs, dropout=False, norm="sync", seed=1, optimize=lambda optimizer: optimizer, **options):
    """The values after a training, and its history."""
    model, optimizer, loader, validation = parts(dropout, norm, seed)
    optimizer = optimize(optimizer)
    history = train.fit(
        *(model, F.cross_entropy, optimizer, loader, epochs),
        validation=validation, metrics={"accuracy": accuracy},
        schedule=optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=1), **options,
    )  # fmt: skip
    return {**model.state_dict(), **{name: np.array(history[name]) for name in history}}


def compare(found, wanted, rtol=1e-12):
    assert found.keys() == wanted.keys()
    for name, x in wanted.items():
        np.testing.assert_allclose(found[name], x, rtol=rtol, atol=1e-13, err_msg=name)


def equal(path, *_):
    """What one process has reached, with and without compile, in whatever way the optimizer comes."""
    here, wanted = distributed.world(), mg.load(path)
    for options in (
        {},
        {"seed": 1 + here.rank},
        {"compile": "numpy", "norm": "none"},
        {"optimize": distributed.optimizer},
        {"optimize": lambda optimizer: distributed.optimizer(optimizer, shard_state=True)},
    ):
        if options.get("norm") == "none" and here.size > 3:  # some rank has one sample only, which is refused
            continue
        found = fitted(4, **options)
        if options.get("norm") != "none":  # which has each rank's own statistics
            compare(found, wanted)
        everyone = here.from_all({name: np.asarray(x).tobytes() for name, x in found.items()})
        assert all(one == everyone[0] for one in everyone)


def compiled(path, *_):
    """A compiled training is that of one process, too, and one with a list of batches, which is each rank's own."""
    wanted = mg.load(path)
    compare(plain_fit(compile="numpy"), wanted)
    compare(plain_fit(listed=True), wanted)
    for shard_state in (False, True):
        compare(plain_fit(optimize=partial(distributed.optimizer, shard_state=shard_state), compile="numpy"), wanted)


def plain_fit(listed=False, optimize=lambda optimizer: optimizer, **options):
    """A training of dicts, which are handed to model and loss as a whole."""
    rng = np.random.default_rng(2)
    model = Whole(rng)
    batches = [{"x": X[i : i + 12], "y": X[i : i + 12, :2] ** 2} for i in range(0, 46, 12)]
    loader = batches if listed else DataLoader({"x": X, "y": X[:, :2] ** 2}, 12)
    optimizer = optimize(optim.AdamW(model.parameters(), lr=0.01))
    train.fit(model, loss_of_dict, optimizer, loader, 2, callbacks=[lambda history: False], **options)
    return model.state_dict()


def array_fit(optimize=lambda optimizer: optimizer, **options):
    """A training on arrays, with bounds on the gradients, that ends with its best weights."""
    model = nn.Linear(6, 3, rng=np.random.default_rng(3))
    optimizer = optimize(optim.SGD(model.parameters(), lr=2.0))
    train.fit(
        *(model, F.cross_entropy, optimizer, X, LABELS), epochs=4, batch_size=9, rng=4, validation=0.3,
        restore_best=True, clip_norm=0.1, **options,
    )  # fmt: skip
    return {**model.state_dict(), "loss": np.array(train.evaluate(model, F.cross_entropy, X, LABELS)["loss"])}


def arrays(path, *_):
    """Arrays, a share of them for validation, bounds and the best weights: as in one process, however compiled."""
    wanted = mg.load(path)
    compare(array_fit(), wanted)
    compare(array_fit(compile="numpy"), wanted)
    for shard_state in (False, True):
        compare(array_fit(partial(distributed.optimizer, shard_state=shard_state)), wanted)
    for refused, text in (
        ({"accumulate": 2}, "under mpiexec, a step has one batch"),
        ({"metrics": {"all": train.metric(accuracy)}}, "all takes all samples of an epoch"),
    ):
        with pytest.raises(ValueError, match=text):
            array_fit(**refused)


def loss_of_dict(outputs, batch):
    return F.mse_loss(outputs, batch["y"])


class Whole(nn.Module):
    def __init__(self, rng):
        self.inner = nn.Linear(6, 2, rng=rng)

    def forward(self, batch):
        return self.inner(batch["x"])


def small_fit():
    """A training whose last batch has two samples, and whose validation has one in each."""
    model, optimizer, *_ = parts()
    loader, validation = DataLoader((X[:38], LABELS[:38]), 12, shuffle=True, rng=4), DataLoader((X[38:], LABELS[38:]))
    options = {"validation": validation, "metrics": {"accuracy": accuracy}}
    history = train.fit(model, F.cross_entropy, optimizer, loader, 3, **options)
    return {**model.state_dict(), **{name: np.array(history[name]) for name in history}}


def small(path, *_):
    """Ranks for which a batch has nothing count 0; a training in whose batches a rank never has any is refused."""
    compare(small_fit(), mg.load(path))
    model, optimizer, *_ = parts()
    size = distributed.world().size
    with pytest.raises(ValueError, match=f"Take a batch_size of at least {size}, which is that of all ranks together"):
        train.fit(model, F.cross_entropy, optimizer, DataLoader((X, LABELS), size - 1), 1)


def afterwards(path, *_):
    """An optimizer is left as it was, and draws go on alike on all ranks; errors that all have can be caught."""
    here = distributed.world()
    model, optimizer, loader, _ = parts(dropout=True)
    rng = model[3].rng
    optimizer = distributed.optimizer(optimizer)
    optimizer.samples = 5 + here.rank
    for compile in (None, "numpy"):
        fit = partial(train.fit, model, F.cross_entropy, optimizer, loader, 1)
        if compile is None:
            fit()
        else:  # with statistics over all ranks
            with pytest.raises(mg.RecordingError, match="takes a mean over ranks, which a replay would not do"):
                fit(compile=compile)
        assert len(set(here.from_all(rng.integers(2**62)))) == 1
        assert optimizer.samples == 5 + here.rank
        assert optimizer.averager.sending
        assert "own_step" not in vars(optimizer)
    with pytest.raises(mg.CheckpointError, match="No such file") as caught:
        train.fit(model, F.cross_entropy, optimizer, loader, 1, checkpoint=path + ".missing/run.npz")
    assert here.rank or "cannot save" in str(caught.value)
    if here.rank == 0:
        pathlib.Path(path).write_bytes(b"nothing")
    with pytest.raises(mg.CheckpointError, match="run.npz"):
        train.fit(model, F.cross_entropy, optimizer, loader, 1, checkpoint=path, resume=True)
    with pytest.raises(KeyboardInterrupt):  # as by Ctrl-C, which a launcher hands on to all
        train.fit(model, F.cross_entropy, optimizer, loader, 1, callbacks=[stop])
    parts_in_eval_mode()


def stop(history):
    raise KeyboardInterrupt


def parts_in_eval_mode():
    """Parts in eval mode have the same statistics on all ranks, and parameters of the loss are alike.

    A learning rate that one rank alone changes is found after the epoch.
    """
    here, rng = distributed.world(), np.random.default_rng(1 + distributed.world().rank)
    model = nn.Sequential(nn.Linear(6, 8, rng=rng), nn.BatchNorm1d(8), nn.Linear(8, 3, rng=rng))
    model.eval()
    model[1].train()
    scale = mg.tensor(np.full(3, 1.0 + here.rank), requires_grad=True)
    optimizer = optim.SGD([*model.parameters(), scale], lr=0.1)
    train.fit(model, lambda y, t: F.cross_entropy(y * scale, t), optimizer, DataLoader((X, LABELS), 23), 2)
    distributed.check_same(model, optimizer)
    faster = [lambda history: setattr(optimizer, "lr", 0.1 * (2 - here.rank))]
    with pytest.raises(ValueError, match="and change parameters and learning rates alike"):
        train.fit(model, F.cross_entropy, optimizer, DataLoader((X, LABELS), 23), 2, callbacks=faster)
    assert not np.array_equal(model[1].running_mean.data, np.zeros(8))


def begin(path, *_):
    """The first half of a training."""
    fitted(2, checkpoint=path, callbacks=[lambda history: distributed.world().rank == 1 and history.epochs == 2])


def go_on(path, reference):
    """The rest, on whatever number of ranks."""
    compare(fitted(4, checkpoint=path, resume=True), mg.load(reference))


def draws(path, *_):
    """With dropout a training on as many ranks goes on bit by bit; ranks do not draw the same."""
    wanted = fitted(4, dropout=True)
    fitted(2, dropout=True, checkpoint=path)
    distributed.world().from_all(None)
    found = fitted(4, dropout=True, checkpoint=path, resume=True)
    for name, x in wanted.items():
        np.testing.assert_array_equal(found[name], x, err_msg=name)


class Failing:
    """A data set that does something to rank 1 in the middle of a training."""

    def __init__(self, do):
        self.do, self.count = do, 0

    def __len__(self):
        return 32

    def __getitem__(self, i):
        self.count += 1
        x = X[i]
        if self.count == 40 and distributed.world().rank == 1:
            x = self.do(x)
        return x, LABELS[i]


def fail(x):
    raise RuntimeError("no such sample")


def interrupt(x):
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(10)


def die(x):
    os.kill(os.getpid(), signal.SIGKILL)


FAULTS = {"exception": fail, "nan": lambda x: x * np.nan, "interrupt": interrupt, "kill": die}


def faulty(path, kind):
    """A training in which rank 1 fails."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    model, optimizer, *_ = parts(norm="none")  # whose layers send a NaN to nobody
    train.fit(model, F.cross_entropy, optimizer, DataLoader(Failing(FAULTS[kind]), 8), 30, checkpoint=path)


def uneven(*_):
    """Rank 0 has a batch more."""
    model, optimizer, *_ = parts(norm="none")
    batches = [(X[:8], LABELS[:8])] * (3 - distributed.world().rank)
    train.fit(model, F.cross_entropy, optimizer, batches, 2)


def killed(path, reference, *_):
    """A training that goes on from where it was, and compares in the end; after some epochs a rank kills itself.

    Or says so, for the test to kill them all.
    """
    rank, epochs, seconds = os.environ.get("DIES", "-1 99 0").split()
    begun = []

    def die(history):
        begun.append(history.epochs)
        if len(begun) == int(epochs) and rank == "all" and distributed.world().rank == 0:
            print("now", flush=True)
        if len(begun) == int(epochs) and rank == str(distributed.world().rank):
            timer = threading.Timer(float(seconds), os.kill, (os.getpid(), signal.SIGKILL))
            timer.daemon = True
            timer.start()

    compare(fitted(40, checkpoint=path, resume=True, callbacks=[die]), mg.load(reference))


def main(program, *args):
    globals()[program](*args)
    sys.stdout.flush()
