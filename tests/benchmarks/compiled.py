"""What `mg.compile` gains, beside NumPy by hand, PyTorch and JAX, and what it costs to record and to compile.

The tutorial's contenders take turns in one process. Those of the 784-256-128-10 network, of LeNet-5 and of the
transformer have a process of their own each, and take turns as well. ``MINIGRAD_BENCH_THREADS`` says how many threads
all have.
"""

import sys
import time
from itertools import product

from .timing import THREADS, await_turns, fresh_python, medians, peer, prepare, report, take_turns

if __name__ == "__main__":
    prepare()

import minigrad as mg
from minigrad import optim

from . import layers, network, tutorial

EPOCHS = 10_000
BACKENDS = ("numpy", "native")
WORKS = {f"{rule}-{batch}": (rule, batch) for rule, batch in product(("sgd", "adam"), (32, 256))}


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


def epoch_of_tutorial(backend, data):
    """A compiled epoch that returns its output, of data in a closure, or given in each call."""
    x, y, w = mg.tensor(tutorial.X), mg.tensor(tutorial.Y), mg.tensor(tutorial.W, requires_grad=True)
    optimizer = optim.SGD([w], lr=1.0)

    def epoch(x=x, y=y):
        out = mg.sigmoid(x @ w)
        loss = mg.sum((out - y) ** 2) / 2
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return out.detach()

    if data == "given":
        epoch = mg.compile(epoch, backend=backend)
        return lambda: epoch(tutorial.X, tutorial.Y)
    return mg.compile(lambda: epoch(), backend=backend)


def epochs_of_tutorial(has_llvm):
    """Seconds an epoch, in calls of one epoch and in calls of EPOCHS."""
    jax, torch = peer("jax"), peer("torch")
    single = {"by hand": tutorial.by_hand(), "uncompiled": tutorial.in_minigrad()}
    for backend in BACKENDS if has_llvm else BACKENDS[:1]:
        single[backend] = mg.compile(tutorial.in_minigrad(), backend=backend)
        single[f"{backend}, output returned"] = epoch_of_tutorial(backend, "outside")
        single[f"{backend}, two arrays given, output returned"] = epoch_of_tutorial(backend, "given")
    if torch is not None:
        single["torch"] = tutorial.in_torch(torch)
    contenders = {name: tutorial.many(epoch) for name, epoch in single.items()}
    if has_llvm:
        repeated = mg.compile(tutorial.in_minigrad(), backend="native")
        contenders["native, repeat"] = lambda: repeated.repeat(EPOCHS)
    if jax is not None:
        contenders["jax.jit, fori_loop"] = tutorial_in_jax(jax)
    times = medians(contenders, repeats=31)
    return {name: seconds / (200 if name in single else EPOCHS) for name, seconds in times.items()}


def step_of(kind, work):
    """A contender's training step of a work."""
    if work in layers.NETWORKS:
        step = layers.minigrad(work)
    else:
        rule, batch = WORKS[work]
        if kind in ("torch", "torch.compile"):
            return network.torch(batch, rule, compiled=kind == "torch.compile")
        if kind in ("by_hand", "jax", "products"):
            return network.CONTENDERS[kind](batch, rule)
        step = network.minigrad(batch, rule)
    return mg.compile(step, backend=kind) if kind in BACKENDS else step


def costs_of_recording():
    """Seconds of an uncompiled step, and of a first call, by work."""
    steps = {"tutorial": tutorial.in_minigrad(), **{w: step_of("uncompiled", w) for w in ("sgd-32", "adam-32")}}
    steps |= {name: layers.minigrad(name) for name in ("lenet", "transformer")}
    for name, step in steps.items():
        # The second is a function of its own each time, or what was recorded before would serve it.
        yield name, medians({"a step": step, "recording": lambda step=step: mg.compile(step)()}, repeats=11)


def first_calls():
    """Print the seconds until LLVM is there, and of the first two calls of the tutorial's epoch."""
    start = time.perf_counter()
    epoch = mg.compile(tutorial.in_minigrad(), backend="native")
    times = [time.perf_counter() - start]
    for _ in range(2):  # the first records, and makes the native code; the second may make the rest of it
        start = time.perf_counter()
        epoch()
        times.append(time.perf_counter() - start)
    print(", ".join(f"{t:.2f}" for t in times))


def main():
    has_llvm = peer("llvmlite") is not None and peer("scipy") is not None
    report("tutorial network, an epoch, compiled", epochs_of_tutorial(has_llvm), "by hand")
    for work in WORKS:
        names = ("by_hand", "products", "uncompiled", *BACKENDS, "torch", "torch.compile", "jax")
        title = f"784-256-128-10 network, {work}, a step; a process each, {THREADS} threads"
        report(title, take_turns(__name__, names, work), "products")
    for work in ("lenet", "transformer"):
        times = take_turns(__name__, ("uncompiled", *BACKENDS), work)
        report(f"{work}, a step; a process each, {THREADS} threads", times, "uncompiled")
    for work, times in costs_of_recording():
        report(f"{work}, recording with the numpy backend", times, "a step")
    if has_llvm:
        print(f"\nseconds until LLVM is loaded, and of the tutorial's first two calls: {fresh_python('-m', __name__)}")


if __name__ == "__main__":
    if sys.argv[1:]:
        await_turns(step_of(*sys.argv[1:]))
    else:
        first_calls()
