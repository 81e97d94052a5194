"""What batches cost: those of a DataLoader against the same rows taken by hand."""

import numpy as np

from minigrad.data import DataLoader

from .timing import medians, report

N, BATCH = 8192, 64


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
