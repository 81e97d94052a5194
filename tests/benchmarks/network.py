"""A training step of a 784-256-128-10 tanh network: float32, softmax cross-entropy, SGD, batches of 32 and 256.

Each contender runs in a fresh process, in turn, for what one does to the allocator the next would feel.
"""

import importlib
import statistics
import sys
import time
from itertools import pairwise

from .timing import THREADS, fresh_python, prepare

if __name__ == "__main__":
    prepare()

import numpy as np

SIZES = (784, 256, 128, 10)
LR = 0.01


def problem(batch):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((batch, SIZES[0]), dtype=np.float32)
    labels = rng.integers(0, SIZES[-1], batch)
    weights = [rng.standard_normal(s, dtype=np.float32) * np.float32(s[0] ** -0.5) for s in pairwise(SIZES)]
    biases = [np.zeros(n, np.float32) for n in SIZES[1:]]
    return x, labels, weights, biases


def by_hand(batch):
    x, labels, (w1, w2, w3), (b1, b2, b3) = problem(batch)
    rows = np.arange(batch)

    def step():
        h1 = np.tanh(x @ w1 + b1)
        h2 = np.tanh(h1 @ w2 + b2)
        z = h2 @ w3 + b3
        e = np.exp(z - z.max(axis=1, keepdims=True))
        p = e / e.sum(axis=1, keepdims=True)
        loss = -np.log(p[rows, labels]).mean()
        dz = p
        dz[rows, labels] -= 1
        dz /= batch
        d2 = (dz @ w3.T) * (1 - h2 * h2)
        d1 = (d2 @ w2.T) * (1 - h1 * h1)
        for w, dw in ((w3, h2.T @ dz), (w2, h1.T @ d2), (w1, x.T @ d1)):
            w -= LR * dw
        for b, db in ((b3, dz), (b2, d2), (b1, d1)):
            b -= LR * db.sum(axis=0)
        return loss

    return step


def by_hand_with_hint(batch):
    """The same, in a process that has imported minigrad: large blocks of memory are used again."""
    importlib.import_module("minigrad")
    return by_hand(batch)


def minigrad(batch):
    import minigrad as mg
    from minigrad import optim

    x, labels, weights, biases = problem(batch)
    x, rows = mg.tensor(x), np.arange(batch)
    w1, w2, w3 = (mg.tensor(w, requires_grad=True) for w in weights)
    b1, b2, b3 = (mg.tensor(b, requires_grad=True) for b in biases)
    optimizer = optim.SGD([w1, b1, w2, b2, w3, b3], lr=LR)

    def step():
        h1 = mg.tanh(x @ w1 + b1)
        h2 = mg.tanh(h1 @ w2 + b2)
        z = h2 @ w3 + b3
        loss = -mg.mean(mg.log_softmax(z)[rows, labels])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    return step


def torch(batch):
    import torch
    import torch.nn.functional as F

    torch.set_num_threads(int(THREADS))
    x, labels, weights, biases = problem(batch)
    x, labels = torch.tensor(x), torch.tensor(labels)
    w1, w2, w3 = (torch.tensor(w, requires_grad=True) for w in weights)
    b1, b2, b3 = (torch.tensor(b, requires_grad=True) for b in biases)
    optimizer = torch.optim.SGD([w1, b1, w2, b2, w3, b3], lr=LR)

    def step():
        h1 = torch.tanh(x @ w1 + b1)
        h2 = torch.tanh(h1 @ w2 + b2)
        loss = F.cross_entropy(h2 @ w3 + b3, labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    return step


def mygrad(batch):
    import mygrad
    from mygrad.nnet.losses import softmax_crossentropy

    x, labels, weights, biases = problem(batch)
    w1, w2, w3 = params = [mygrad.tensor(w) for w in weights]
    b1, b2, b3 = (mygrad.tensor(b) for b in biases)
    params += [b1, b2, b3]

    def step():
        h1 = mygrad.tanh(mygrad.matmul(x, w1) + b1)
        h2 = mygrad.tanh(mygrad.matmul(h1, w2) + b2)
        loss = softmax_crossentropy(mygrad.matmul(h2, w3) + b3, labels)
        loss.backward()
        for p in params:
            p.data -= LR * p.grad
        return loss

    return step


def autograd(batch):
    import autograd
    import autograd.numpy as anp
    from autograd.scipy.special import logsumexp

    x, labels, weights, biases = problem(batch)
    rows = np.arange(batch)

    def loss_of(params):
        (w1, w2, w3), (b1, b2, b3) = params
        h1 = anp.tanh(anp.dot(x, w1) + b1)
        h2 = anp.tanh(anp.dot(h1, w2) + b2)
        z = anp.dot(h2, w3) + b3
        return -anp.mean((z - logsumexp(z, axis=1, keepdims=True))[rows, labels])

    gradient = autograd.grad(loss_of)

    def step():
        for values, gradients in zip((weights, biases), gradient((weights, biases)), strict=True):
            for w, g in zip(values, gradients, strict=True):
                w -= LR * g

    return step


def jax(batch):
    import jax
    import jax.numpy as jnp

    x, labels, weights, biases = problem(batch)
    rows = np.arange(batch)

    def loss_of(params):
        (w1, w2, w3), (b1, b2, b3) = params
        h1 = jnp.tanh(x @ w1 + b1)
        h2 = jnp.tanh(h1 @ w2 + b2)
        return -jnp.mean(jax.nn.log_softmax(h2 @ w3 + b3)[rows, labels])

    update = jax.jit(lambda ps: jax.tree.map(lambda p, g: p - LR * g, ps, jax.grad(loss_of)(ps)), donate_argnums=0)
    params = jax.tree.map(jnp.asarray, (weights, biases))

    def step():
        nonlocal params
        params = jax.block_until_ready(update(params))

    return step


def products(batch):
    """The matrix products alone."""
    x, _, (w1, w2, w3), _ = problem(batch)
    h1, h2, z = x @ w1, x @ w1 @ w2, x @ w1 @ w2 @ w3

    def step():
        return x @ w1, h1 @ w2, h2 @ w3, z @ w3.T, h2 @ w2.T, h2.T @ z, h1.T @ h2, x.T @ h1

    return step


CONTENDERS = {f.__name__: f for f in (by_hand, by_hand_with_hint, minigrad, torch, mygrad, autograd, jax, products)}


def median_step(name, batch, seconds=1.0):
    """Median time of a step, in seconds."""
    step = CONTENDERS[name](batch)
    for _ in range(20):
        step()
    times, end = [], time.perf_counter() + seconds
    while time.perf_counter() < end:
        start = time.perf_counter()
        step()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def main(rounds=5):
    for batch in (32, 256):
        times = {name: [] for name in CONTENDERS}
        for _ in range(rounds):
            for name in list(times):
                try:
                    times[name].append(float(fresh_python("-m", __name__, name, str(batch))))
                except RuntimeError as error:
                    if "No module named" not in str(error):
                        raise
                    del times[name]
        medians = {name: statistics.median(values) for name, values in times.items()}
        print(f"\n784-256-128-10 network, batch {batch}, a step; fresh processes, {THREADS} threads")
        for name, seconds in medians.items():
            print(f"  {name:<34}{1e6 * seconds:12.1f} us{seconds / medians['by_hand']:8.2f} x by hand")


if __name__ == "__main__":
    print(median_step(sys.argv[1], int(sys.argv[2])))
