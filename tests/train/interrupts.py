"""Interrupt trainings, loaders and savings at random moments, and see that nothing is left half done.

    python -m tests.train.interrupts seconds seed

An alarm raises KeyboardInterrupt, as Ctrl-C does. After each one, no prefetching thread is left, modules have their
modes, a checkpoint is a whole one, and the same training can be made again. A process of its own, as it takes the
alarm.
"""

import faulthandler
import os
import signal
import sys
import tempfile
import time
import traceback

import numpy as np

import minigrad as mg
from minigrad import nn, optim, train
from minigrad.core.lending import lent
from minigrad.data import DataLoader
from minigrad.nn import functional as F

from ..combinations.interrupts import run_interrupts

X = np.random.default_rng(0).normal(size=(24, 3))
Y = X.sum(axis=1, keepdims=True)
FOLDER = tempfile.mkdtemp()
PATH = os.path.join(FOLDER, "run.npz")


class Noisy:
    """A data set that draws."""

    def __init__(self):
        self.rng = np.random.default_rng(0)

    def __len__(self):
        return 24

    def __getitem__(self, i):
        return X[i] + self.rng.normal(size=3), Y[i]


def interrupted(work, rng, longest):
    """Run `work` until it is through or an alarm stops it; whether it was stopped."""
    try:
        try:
            signal.setitimer(signal.ITIMER_REAL, float(rng.uniform(1e-5, longest)))
            work()
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
    except KeyboardInterrupt:
        return True
    return False


def fitted(rng):
    """`fit` returns a history or raises; the mode is the one that was set, and the checkpoint can be read."""
    model = nn.Sequential(nn.Linear(3, 4, rng=0), nn.BatchNorm1d(4), nn.Dropout(0.5, rng=0), nn.Linear(4, 1, rng=0))
    mode = bool(rng.integers(2))
    model.train(mode)
    model[1].eval()
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    loader, validation = (DataLoader(Noisy(), 6, prefetch=2) for _ in range(2))
    options = {"validation": validation, "checkpoint": PATH, "resume": bool(rng.integers(2))}
    if os.path.exists(PATH):
        os.unlink(PATH)
    interrupted(lambda: train.fit(model, F.mse_loss, optimizer, loader, 2, **options), rng, 0.02)
    assert [m.training for m in model.modules()] == [mode, mode, False, mode, mode], "a mode was left"
    assert not os.path.exists(PATH) or set(mg.load(PATH)) >= {"model", "optimizer", "history"}
    history = train.fit(model, F.mse_loss, optimizer, loader, 1, validation=validation)
    assert np.isfinite(history["loss"]).all()


def loaded(rng):
    """A loop over a prefetching loader ends its thread, wherever it is left."""
    loader = DataLoader(Noisy(), 3, prefetch=3)
    interrupted(lambda: list(loader), rng, 0.002)
    assert len(list(loader)) == 8


def saved(rng):
    """`mg.save` leaves the old file or the new one, and raises nothing but the interrupt."""
    old, new = {"a": X, "b": [1, 2]}, {"a": 2 * X, "b": [3], "c": np.ones(2000)}
    for ending in ("npz", "safetensors"):
        path = os.path.join(FOLDER, f"tree.{ending}")
        mg.save(path, old)
        interrupted(lambda path=path: mg.save(path, new), rng, 0.004)
        found = mg.load(path)
        assert found["b"] in ([1, 2], [3])
        np.testing.assert_equal(found, old if found["b"] == [1, 2] else new)
        mg.save(path, old)
    assert {name for name in os.listdir(FOLDER) if name.startswith(".tree")} == set(), "an unfinished file was left"


PROGRAMS = fitted, loaded, saved


def check():
    """No thread is left, and no generator lent, soon after."""
    end = time.monotonic() + 5
    while len(working()) > 1 and time.monotonic() < end:
        time.sleep(0.001)
    assert len(working()) == 1, "a thread was left"
    assert not lent, "a generator was not given back"


def working():
    """The threads that are in code of ours; one that an interrupt has left in Python's own Thread.start is not."""
    stacks = (traceback.extract_stack(frame) for frame in sys._current_frames().values())
    return [stack for stack in stacks if any("threading.py" not in entry.filename for entry in stack)]


if __name__ == "__main__":
    faulthandler.dump_traceback_later(300, exit=True)
    seconds, seed = float(sys.argv[1]), int(sys.argv[2])
    run_interrupts(seconds, seed, PROGRAMS, check, now_and_then=check)
