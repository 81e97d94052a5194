"""Steps on several ranks of one machine, against one: a 784-512-256-10 network in float32, 512 samples a step.

    mpiexec -n 2 python -m tests.benchmarks.distributed

All contenders take turns in the same ranks, one BLAS thread each; the first runs on rank 0, while the others sleep. A
model on paper follows, of many machines, fed with what one rank took.
"""

import os
import statistics
import subprocess
import sys
import time
from itertools import pairwise

from .timing import prepare

if __name__ == "__main__":
    os.environ["MINIGRAD_BENCH_THREADS"] = "1"
    prepare()
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = "1"

import numpy as np

from minigrad import distributed, nn, optim
from minigrad.distributed.buckets import Averager
from minigrad.nn import functional as F

BATCH, SIZES, ROUNDS, STEPS = 512, (784, 512, 256, 10), 30, 6
NETWORKS = {"10 Gbit/s, 20 us": (10e9 / 8, 20e-6), "100 Gbit/s, 2 us": (100e9 / 8, 2e-6)}  # bytes a second, latency
RANKS = [2**i for i in range(11)]


def main():
    """What `python -m tests.benchmarks distributed` prints: that of two ranks."""
    command = ["mpiexec", "-n", "2", sys.executable, "-m", "tests.benchmarks.distributed"]
    print(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def problem(samples, optimizer):
    """A network with its optimizer, and a function that makes a step of it, but for the averages."""
    rng = np.random.default_rng(0)
    layers = [layer for i, n in enumerate(SIZES[1:]) for layer in (nn.Linear(SIZES[i], n, rng=rng), nn.ReLU())][:-1]
    model = nn.Sequential(*layers)
    model.astype(np.float32)
    x = rng.standard_normal((samples, SIZES[0]), dtype=np.float32)
    labels = rng.integers(0, SIZES[-1], samples)
    own = optimizer(model.parameters())

    def backward():
        own.zero_grad()
        F.cross_entropy(model(x), labels).backward()

    return own, backward


def sleep_until_all(here):
    """Wait for the other ranks without taking their cores, as MPI's own barrier would."""
    request = here.comm.Ibarrier()
    while not request.Test():
        time.sleep(2e-4)


def contenders(here):
    """What to measure, by name: a function that makes a step, and whether all ranks do."""

    def sgd(params):
        return optim.SGD(params, lr=0.01, momentum=0.9)

    alone, whole = problem(BATCH, sgd)
    part, no_average = problem(BATCH // here.size, sgd)
    late, backward = problem(BATCH // here.size, sgd)
    averager = Averager(late.params, listens=False)
    early, overlapped = problem(BATCH // here.size, lambda params: distributed.optimizer(sgd(params)))

    def averaged_late():
        backward()
        averager.finish()
        averager.done = False
        late.step()

    return {
        "one rank": (lambda: (whole(), alone.step()), False),
        "all ranks, no averages": (lambda: (no_average(), part.step()), True),
        "averages after the pass": (averaged_late, True),
        "averages during the pass": (lambda: (overlapped(), early.step()), True),
    }


def measured(here):
    """Median seconds a step of each contender: of the slowest rank in each turn."""
    steps = contenders(here)
    turns = {name: [] for name in steps}
    for turn in range(ROUNDS + 2):
        for name, (step, everyone) in steps.items():
            sleep_until_all(here)
            start = time.perf_counter()
            for _ in range(STEPS if everyone or here.rank == 0 else 0):
                step()
            seconds = max(here.from_all((time.perf_counter() - start) / STEPS)) if everyone else None
            if not everyone:
                seconds = (time.perf_counter() - start) / STEPS
                sleep_until_all(here)
            if turn > 1:
                turns[name].append(seconds)
    return turns


def report(here, turns):
    """Print what was measured, and the model."""
    t = {name: statistics.median(seconds) for name, seconds in turns.items()}
    best = {name: min(seconds) for name, seconds in turns.items()}
    one, compute, late, early = t.values()
    print(
        f"{'-'.join(map(str, SIZES))} network, float32, {BATCH} samples a step, {here.size} ranks, one BLAS thread each"
    )
    for name, seconds in t.items():
        print(f"  {name:<28}{seconds * 1e3:9.2f} ms a step, {best[name] * 1e3:8.2f} at best")
    by_turn = [statistics.median(a / b for a, b in zip(turns["one rank"], turns[name], strict=True)) for name in turns]
    print(f"throughput, of that of one rank: {by_turn[3]:.2f} (median of turns), {one / early:.2f} (of medians)")
    print(f"averages, after the pass: {1 - compute / late:.1%} of a step; during it: {1 - compute / early:.1%}")
    print(f"hidden by the overlap: {(late - early) / (late - compute):.0%} of what averages take after the pass\n")
    size = sum(a * b + b for a, b in pairwise(SIZES)) * 4
    for title, paper in (("256 samples a rank", weak), ("512 samples in all", strong)):
        print(f"on paper, {title}: ms a step, and throughput over that of one rank")
        for network, (bandwidth, latency) in NETWORKS.items():
            rows = [(n, *paper(n, one, size, bandwidth, latency)) for n in RANKS]
            print(f"  {network}: " + ", ".join(f"{n}: {ms * 1e3:.2f} ({gain:.3g} x)" for n, ms, gain in rows))
            print(f"    {stops(rows)}")


def ring(n, size, bandwidth, latency):
    """Seconds of a ring all-reduce: each rank sends 2 (n - 1) messages of an n-th of all bytes."""
    return 2 * (n - 1) * (size / n / bandwidth + latency)


def weak(n, one, size, bandwidth, latency):
    """Seconds a step of 256 samples on each rank, none of the communication hidden; and the gain."""
    compute = one / 2
    seconds = compute + ring(n, size, bandwidth, latency)
    return seconds, n * compute / seconds


def strong(n, one, size, bandwidth, latency):
    """Seconds a step of 512 samples in all; and the gain."""
    seconds = one / n + ring(n, size, bandwidth, latency)
    return seconds, one / seconds


def stops(rows):
    """Where more ranks cease to pay."""
    best = max(rows, key=lambda row: row[2])
    half = next((n for n, _, gain in rows if gain < n / 2), None)
    where = f"most throughput at {best[0]} ranks" + (" or more" if best is rows[-1] else "")
    return f"{where}; " + (f"below half of ideal from {half} ranks on" if half else "at least half of ideal everywhere")


if __name__ == "__main__":
    here = distributed.world()
    turns = measured(here)
    if here.rank == 0:
        report(here, turns)
