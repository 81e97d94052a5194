"""What batches cost: those of a DataLoader against the same rows taken by hand, and in the training of digits.py."""

import contextlib
import io
import pathlib
import runpy
import statistics
import tempfile
import time

import numpy as np

from minigrad import train
from minigrad.data import DataLoader

from .timing import medians, report

N, BATCH = 8192, 64
DIGITS = pathlib.Path(__file__).parents[2] / "examples" / "digits.py"


def main():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(N, 28 * 28)).astype(np.float32), rng.integers(10, size=N)

    def by_hand_shuffled():
        order = rng.permutation(N)
        for i in range(0, N, BATCH):
            chosen = order[i : i + BATCH]
            _ = x[chosen], y[chosen]

    def by_hand_in_order():
        for i in range(0, N, BATCH):
            _ = x[i : i + BATCH], y[i : i + BATCH]

    def epoch(loader):
        def run():
            for _ in loader:
                pass

        return run

    shuffled = {
        "NumPy by hand": by_hand_shuffled,
        "DataLoader": epoch(DataLoader((x, y), BATCH, shuffle=True, rng=0)),
        "DataLoader, prefetch=2": epoch(DataLoader((x, y), BATCH, shuffle=True, rng=0, prefetch=2)),
    }
    in_order = {"NumPy by hand": by_hand_in_order, "DataLoader": epoch(DataLoader((x, y), BATCH))}
    for title, contenders in (("shuffled", shuffled), ("in order", in_order)):
        times = medians(contenders)
        each = {name: t / (N // BATCH) for name, t in times.items()}
        report(f"a batch of {BATCH} images of 28x28 float32 and their labels, {title}", each, "NumPy by hand")
    shares = [share_in_digits() for _ in range(5)]
    print(f"\nbatches in the training of examples/digits.py: {statistics.median(shares):.1%} of its time")


def share_in_digits():
    """The part of the training of digits.py that goes into its batches, for training and validation."""
    spent = {"batches": 0.0, "training": 0.0}

    @contextlib.contextmanager
    def timed(name):
        start = time.perf_counter()
        try:
            yield
        finally:
            spent[name] += time.perf_counter() - start

    class Timed(DataLoader):
        def __iter__(self):
            batches = super().__iter__()
            while True:
                with timed("batches"):
                    batch = next(batches, None)
                if batch is None:
                    return
                yield batch

    class Trained:
        @staticmethod
        def fit(*args, **kwargs):
            with timed("training"):
                return train.fit(*args, **kwargs)

    example = runpy.run_path(str(DIGITS))
    example["main"].__globals__.update(DataLoader=Timed, train=Trained)
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        example["main"](folder=folder)
    return spent["batches"] / spent["training"]
