"""Programs in which rank 1 leaves the others behind, which a test runs: each is to end with a message."""

import os
import sys
import time

import numpy as np

from minigrad import distributed, nn, optim, train
from minigrad.data import DataLoader
from minigrad.distributed import waiting
from minigrad.nn import functional as F

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(32, 5)), RNG.normal(size=(32, 2))


def network():
    rng = np.random.default_rng(1)
    return nn.Sequential(nn.Linear(5, 8, rng=rng), nn.BatchNorm1d(8, sync=True), nn.Tanh(), nn.Linear(8, 2, rng=rng))


def loop(before=lambda step: True, norm=True):
    """Eight steps, but for those before which a function does not return True."""
    model = network() if norm else nn.Linear(5, 2, rng=1)
    loader = distributed.Sharded(DataLoader((X, Y), 8))
    optimizer = distributed.optimizer(optim.Adam(model.parameters(), lr=0.01), loader, bucket_bytes=64)
    distributed.broadcast(model, optimizer)
    for step, (x, y) in enumerate(pair for _ in range(2) for pair in loader):
        if before(step):
            optimizer.zero_grad()
            F.mse_loss(model(x), y).backward()
            optimizer.step()


def on_one(do):
    """What rank 1 does before step 5."""
    return lambda step: step != 5 or distributed.world().rank != 1 or do()


def ends():
    loop(on_one(sys.exit))


def skips():
    loop(on_one(lambda: False), norm=False)


def goes_elsewhere():
    loop(on_one(lambda: distributed.average(1.0)), norm=False)


def computes_something_else():
    loop(on_one(lambda: distributed.average(1.0)))


def differs():
    distributed.average(np.ones(2 + distributed.world().rank))


def catches():
    """An error within a backward pass, some of whose gradients are on their way, while others wait in it."""
    model, told = network(), []

    def fail(g):
        told.append(g)
        if len(told) == 3 and distributed.world().rank == 1:
            raise RuntimeError("in a hook")
        return g

    model[1].weight.register_hook(fail)
    try:
        train.fit(model, F.mse_loss, optim.SGD(model.parameters(), lr=0.1), DataLoader((X, Y), 8), 4)
    except RuntimeError:
        print("caught alone")


def leaves_from_a_callback():
    model = network()
    leave = [lambda history: distributed.world().rank == 1 and sys.exit(0)]
    train.fit(model, F.mse_loss, optim.SGD(model.parameters(), lr=0.1), DataLoader((X, Y), 8), 4, callbacks=leave)


def fails_first():
    """Before it has asked which rank it is, while others wait for it."""
    if "1" in (os.environ.get("PMI_RANK"), os.environ.get("OMPI_COMM_WORLD_RANK")):
        raise RuntimeError("no data")
    distributed.average(1.0)


def takes_long():
    """Which is no error: it is told, and the program goes on."""
    waiting.NOTICE = 0.5
    loop(on_one(lambda: time.sleep(1.5) or True))
    mean = distributed.average(1.0)
    if distributed.world().rank == 0:
        print(mean)


def main(program):
    waiting.PATIENCE, waiting.FAREWELL = 0.2, 0.2
    globals()[program]()
