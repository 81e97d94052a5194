"""Losses beside PyTorch's, value and gradient: float32, the same arrays.

Cross entropy of 256 rows of 20,000 classes, without and with smoothing; and CTC of 150 times, 16 examples, 30 classes
and 20 labels, behind log_softmax. Each contender runs in a fresh process, in turn. ``MINIGRAD_BENCH_THREADS`` says how
many threads all have.
"""

import sys

from .timing import THREADS, await_turns, prepare, report, take_turns

if __name__ == "__main__":
    prepare()

import numpy as np

RNG = np.random.default_rng(0)
SCORES = RNG.standard_normal((256, 20_000), dtype=np.float32)
LABELS = RNG.integers(0, 20_000, 256)
SOUNDS = RNG.standard_normal((150, 16, 30), dtype=np.float32)
LETTERS = RNG.integers(1, 30, (16, 20))
LENGTHS = np.full(16, 150), np.full(16, 20)


def problem(name, functional, log_softmax, convert):
    """The scores, and the loss as a function of them."""
    if name == "ctc":
        letters, times, counts = map(convert, (LETTERS, *LENGTHS))
        return SOUNDS, lambda x: functional.ctc_loss(log_softmax(x, -1), letters, times, counts)
    labels, smoothing = convert(LABELS), 0.1 if name == "smoothed" else 0.0
    return SCORES, lambda x: functional.cross_entropy(x, labels, label_smoothing=smoothing)


def minigrad(name):
    import minigrad as mg

    scores, loss = problem(name, mg.nn.functional, mg.log_softmax, np.asarray)
    x = mg.tensor(scores, requires_grad=True)

    def step():
        x.grad = None
        loss(x).backward()

    return step


def compiled(name):
    import minigrad as mg

    scores, loss = problem(name, mg.nn.functional, mg.log_softmax, np.asarray)
    step = mg.compile(mg.value_and_grad(loss))
    return lambda: step(scores)


def torch(name):
    import torch

    torch.set_num_threads(int(THREADS))
    scores, loss = problem(name, torch.nn.functional, torch.log_softmax, torch.tensor)
    x = torch.tensor(scores, requires_grad=True)

    def step():
        x.grad = None
        loss(x).backward()

    return step


CONTENDERS = {"minigrad": minigrad, "compiled": compiled, "torch": torch}


def main():
    for name in ("plain", "smoothed", "ctc"):
        times = take_turns(__name__, CONTENDERS, name)
        report(f"{name}, value and gradient; a process each, {THREADS} threads", times, "torch")


if __name__ == "__main__":
    await_turns(CONTENDERS[sys.argv[1]](sys.argv[2]))
