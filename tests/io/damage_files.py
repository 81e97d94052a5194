"""Give mg.load damaged files, and see that each is refused, or gives what was saved.

    python -m tests.io.damage_files [count] [seed]

A load that raises anything but CheckpointError, gives something else, takes ten seconds, takes more memory than twice
its file (and what Python itself takes for the shortest ones), or unpickles the bait stops the script with an error.
"""

import collections
import contextlib
import os
import pathlib
import pickle
import signal
import sys
import tempfile
import time
import tracemalloc

import numpy as np

import minigrad as mg

from .same import same

SECONDS = 10
SLACK = 2**17  # bytes beyond twice the file: buffers of 8 KiB, the decoder, the error with its traceback


class Bait:
    """Makes a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (pathlib.Path.touch, (pathlib.Path(self.path),))


def trees(rng):
    """Checkpoints: a small one, the same with other values, one of many types, plain values only, and larger arrays."""
    for _ in range(2):
        yield {
            "model": {"weight": rng.normal(size=(8, 4)).astype(np.float32), "bias": rng.normal(size=4)},
            "optimizer": {"lr": 0.1, "velocity": [rng.normal(size=(8, 4)), None]},
            "loader": {"seed": int(rng.integers(2**63)), "epoch": 3, "position": 17},
            "rng": rng,
        }
    yield [np.asfortranarray(rng.integers(0, 2, (3, 5)).astype(d)) for d in "?bhilBHILefd"] + [np.zeros((0, 2))]
    yield {"history": rng.normal(size=200).tolist(), "name": "größe", "big": 2**200, "nan": float("nan"), 7: (True,)}
    yield {"images": rng.integers(0, 256, (100, 28, 28), dtype=np.uint8), "mask": rng.normal(size=30_000) > 0}


def originals(folder, rng):
    """The bytes of whole files of both kinds, by name, and the trees in them; and of files that are not ours."""
    files, expected = {}, {}
    for n, tree in enumerate(trees(rng)):
        for ending in ("npz", "safetensors"):
            path = folder / f"{n}.{ending}"
            mg.save(path, tree)
            files[path.name], expected[path.name] = path.read_bytes(), mg.load(path)
    bait = Bait(folder / "eaten")
    np.savez(folder / "foreign.npz", a=np.array([bait], object), b=np.ones(9))
    return files, expected, [*files.values(), (folder / "foreign.npz").read_bytes(), pickle.dumps(bait)]


def place(rng, data):
    """A place in a file: anywhere, or near the beginning or the end, where the headers are."""
    near = min(len(data), 300)
    low, high = ((0, len(data)), (0, near), (len(data) - near, len(data)))[rng.integers(3)]
    return int(rng.integers(low, high))


def truncated(rng, data, others):
    return data[: place(rng, data)]


def lengthened(rng, data, others):
    return data + rng.bytes(rng.integers(1, 1000))


def flipped(rng, data, others):
    """A few bits turned over."""
    damaged = bytearray(data)
    for _ in range(rng.integers(1, 9)):
        damaged[place(rng, data)] ^= 1 << rng.integers(8)
    return bytes(damaged)


def overwritten(rng, data, others):
    """A run of zeros, as of a disk that lost a block, or of noise."""
    start, length = place(rng, data), int(rng.integers(1, 1000))
    return data[:start] + (bytes(length) if rng.integers(2) else rng.bytes(length)) + data[start + length :]


def absurd(rng, data, others):
    """An integer of 4 or 8 bytes that is much too large, or negative."""
    start, width = place(rng, data), int(rng.choice([4, 8]))
    number = (2 ** (8 * width) - 1, 2 ** (8 * width - 1), 2 ** (8 * width - 9))[rng.integers(3)]
    return data[:start] + number.to_bytes(width, "little") + data[start + width :]


def cut_out(rng, data, others):
    start = place(rng, data)
    return data[:start] + data[start + int(rng.integers(1, 100)) :]


def repeated(rng, data, others):
    start, end = sorted((place(rng, data), place(rng, data)))
    return data[:end] + data[start:]


def spliced(rng, data, others):
    """The beginning of one file and the end of another, often from the same place on."""
    other, start = others[rng.integers(len(others))], place(rng, data)
    return data[:start] + other[start if rng.integers(2) else place(rng, other) :]


def replaced(rng, data, others):
    """Another file in the place of this one."""
    return others[rng.integers(len(others))]


DAMAGES = (truncated, lengthened, flipped, overwritten, absurd, cut_out, repeated, spliced, replaced)


@contextlib.contextmanager
def at_most(seconds):
    """Raise TimeoutError if the block takes longer."""

    def late(*args):
        raise TimeoutError(f"a load took more than {seconds} seconds")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def outcome(path, acceptable):
    """What becomes of a load ('refused' or 'right'), the seconds, and the peak of memory in bytes."""
    tracemalloc.clear_traces()
    start = time.perf_counter()
    try:
        with at_most(SECONDS):
            found = mg.load(path)
    except mg.CheckpointError:
        result = "refused"
    else:
        result = "right"
        assert any(same(found, tree) for tree in acceptable), "a damaged file gave something else"
    peak = tracemalloc.get_traced_memory()[1]
    assert peak <= 2 * os.path.getsize(path) + SLACK, f"{peak} bytes of memory for a file of {os.path.getsize(path)}"
    return result, time.perf_counter() - start, peak


def damage(folder, count, seed):
    """Load `count` damaged files; returns how many there were of each damage and outcome, and two maxima."""
    rng = np.random.default_rng(seed)
    files, expected, others = originals(folder, rng)
    counts, slowest, largest = collections.Counter(), 0.0, 0.0
    names = sorted(files)
    tracemalloc.start()
    try:
        for _ in range(count):
            name, kind = names[rng.integers(len(names))], DAMAGES[rng.integers(len(DAMAGES))]
            damaged = kind(rng, files[name], others)
            path = folder / f"damaged{pathlib.Path(name).suffix}"
            path.write_bytes(damaged)
            # A whole file in the place of another, or a splice that is one, is right as well.
            acceptable = [tree for other, tree in expected.items() if kind in (replaced, spliced) or other == name]
            result, seconds, peak = outcome(path, acceptable)
            counts[kind.__name__, result] += 1
            slowest, largest = max(slowest, seconds), max(largest, (peak - SLACK) / max(len(damaged), 1))
    except Exception as error:
        error.add_note(f"file {counts.total()} of seed {seed}: {name}, {kind.__name__}")
        raise
    finally:
        tracemalloc.stop()
    assert not (folder / "eaten").exists(), "the bait was unpickled"
    return counts, slowest, largest


def main(count=10_000, seed=0):
    with tempfile.TemporaryDirectory() as folder:
        counts, slowest, largest = damage(pathlib.Path(folder), count, seed)
    for kind in DAMAGES:
        print(f"{kind.__name__:<12}" + "".join(f"{counts[kind.__name__, r]:6} {r}" for r in ("refused", "right")))
    print(f"{counts.total()} damaged files: none gave anything but an error of one kind or what was saved")
    print(f"slowest {1e3 * slowest:.0f} ms; memory beyond {SLACK // 1024} KiB at most {largest:.2f} times the file")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
