"""Compiled training: the tutorial's network, and a 784-256-128-10 network, beside hand-written NumPy and others.

The tutorial's contenders take turns in one process; those of the larger network have a fresh process each, in turn.
"""

import statistics
import sys
import time

from .timing import THREADS, fresh_python, medians, peer, prepare, report

if __name__ == "__main__":
    prepare()

import numpy as np

import minigrad as mg
from minigrad import optim

from . import network, tutorial

EPOCHS = 10_000


def compiled_tutorial(backend):
    return mg.compile(tutorial.in_minigrad(), backend=backend)


def tutorial_in_jax(jax):
    """EPOCHS epochs in one call of a fori_loop; in double precision, as all others."""
    jax.config.update("jax_enable_x64", True)
    jnp = jax.numpy

    def loss(w):
        return jnp.sum((jax.nn.sigmoid(tutorial.X @ w) - tutorial.Y) ** 2) / 2

    @jax.jit
    def epochs(w):
        return jax.lax.fori_loop(0, EPOCHS, lambda _, w: w - jax.grad(loss)(w), w)

    w = jnp.asarray(tutorial.W)
    return lambda: jax.block_until_ready(epochs(w))


def epochs_of_tutorial():
    """Seconds an epoch, in calls of one epoch and in calls of EPOCHS."""
    has_numba, jax, torch = peer("numba") is not None and peer("scipy") is not None, peer("jax"), peer("torch")
    single = {"NumPy by hand": tutorial.by_hand(), "minigrad": tutorial.in_minigrad()}
    single["compiled, numpy"] = compiled_tutorial("numpy")
    if has_numba:
        single["compiled, numba"] = compiled_tutorial("numba")
    if torch is not None:
        single["torch"] = tutorial.in_torch(torch)
    contenders = {name: tutorial.many(epoch) for name, epoch in single.items()}
    calls = dict.fromkeys(single, 200)
    if has_numba:
        repeated = compiled_tutorial("numba")
        contenders["compiled, numba, repeat"] = lambda: repeated.repeat(EPOCHS)
    if jax is not None:
        contenders["jax.jit, fori_loop"] = tutorial_in_jax(jax)
    times = medians(contenders, repeats=31)
    return {name: seconds / calls.get(name, EPOCHS) for name, seconds in times.items()}


def compile_time():
    """Seconds until the tutorial's first call, and the first that runs in native code, have returned."""
    step = compiled_tutorial("numba")
    times = []
    for _ in range(3):  # the first call records, as does the second, which finds a gradient there
        start = time.perf_counter()
        step()
        times.append(time.perf_counter() - start)
    return times


def step_of(name, batch):
    """A training step of the larger network; in `adam_...` with Adam in place of SGD."""
    if name in network.CONTENDERS:
        return network.CONTENDERS[name](batch)
    rule, kind = name.split("_")
    step = in_minigrad(batch, rule) if kind != "torch" else in_torch(batch, rule)
    return step if kind in ("eager", "torch") else mg.compile(step, backend=kind)


RULES = {"sgd": lambda optim, params: optim.SGD(params, lr=0.01), "adam": lambda optim, params: optim.Adam(params)}


def in_minigrad(batch, rule):
    x, labels, weights, biases = network.problem(batch)
    x, rows = mg.tensor(x), np.arange(batch)
    w1, w2, w3 = (mg.tensor(w, requires_grad=True) for w in weights)
    b1, b2, b3 = (mg.tensor(b, requires_grad=True) for b in biases)
    optimizer = RULES[rule](optim, [w1, b1, w2, b2, w3, b3])

    def step():
        h1 = mg.tanh(x @ w1 + b1)
        h2 = mg.tanh(h1 @ w2 + b2)
        loss = -mg.mean(mg.log_softmax(h2 @ w3 + b3)[rows, labels])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.detach()

    return step


def in_torch(batch, rule):
    import torch
    import torch.nn.functional as F

    torch.set_num_threads(int(THREADS))
    x, labels, weights, biases = network.problem(batch)
    x, labels = torch.tensor(x), torch.tensor(labels)
    w1, w2, w3 = (torch.tensor(w, requires_grad=True) for w in weights)
    b1, b2, b3 = (torch.tensor(b, requires_grad=True) for b in biases)
    optimizer = RULES[rule](torch.optim, [w1, b1, w2, b2, w3, b3])

    def step():
        h1 = torch.tanh(x @ w1 + b1)
        h2 = torch.tanh(h1 @ w2 + b2)
        loss = F.cross_entropy(h2 @ w3 + b3, labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    return step


CONTENDERS = ["by_hand", "jax", "products"]
CONTENDERS += [f"{rule}_{kind}" for rule in RULES for kind in ("eager", "numpy", "numba", "torch")]


def median_step(name, batch, seconds=1.0):
    """Median time of a step, in seconds."""
    step = step_of(name, batch)
    for _ in range(20):
        step()
    times, end = [], time.perf_counter() + seconds
    while time.perf_counter() < end:
        start = time.perf_counter()
        step()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def main(rounds=5):
    report("tutorial network, an epoch, compiled", epochs_of_tutorial(), "NumPy by hand")
    if peer("numba") is not None and peer("scipy") is not None:
        print(f"  seconds of the first three calls, numba: {', '.join(f'{t:.2f}' for t in compile_time())}")
    for batch in (32, 256):
        times = {name: [] for name in CONTENDERS}
        for _ in range(rounds):
            for name in list(times):
                try:
                    times[name].append(float(fresh_python("-m", __name__, name, str(batch))))
                except RuntimeError as error:
                    if "No module named" not in str(error) and "needs numba" not in str(error):
                        raise
                    del times[name]
        middle = {name: statistics.median(values) for name, values in times.items()}
        report(f"784-256-128-10, batch {batch}, a step; fresh processes, {THREADS} threads", middle, "products")


if __name__ == "__main__":
    print(median_step(sys.argv[1], int(sys.argv[2])))
