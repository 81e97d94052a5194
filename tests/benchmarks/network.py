"""A training step of a 784-256-128-10 tanh network: float32, softmax cross-entropy, batches of 32 and 256.

Each contender has a process of its own, for what one does to the allocator the next would feel; they take turns.
"""

import importlib
import sys
from itertools import pairwise

from .timing import THREADS, await_turns, prepare, report, take_turns

if __name__ == "__main__":
    prepare()

import numpy as np

SIZES = (784, 256, 128, 10)
LR = 0.01
B1, B2, EPS = 0.9, 0.999, 1e-8  # of Adam


def problem(batch):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((batch, SIZES[0]), dtype=np.float32)
    labels = rng.integers(0, SIZES[-1], batch)
    weights = [rng.standard_normal(s, dtype=np.float32) * np.float32(s[0] ** -0.5) for s in pairwise(SIZES)]
    biases = [np.zeros(n, np.float32) for n in SIZES[1:]]
    return x, labels, weights, biases


def sgd_by_hand(params):
    def update(gradients):
        for p, g in zip(params, gradients, strict=True):
            p -= LR * g

    return update


def adam_by_hand(params):
    means, squares, t = [np.zeros_like(p) for p in params], [np.zeros_like(p) for p in params], 0

    def update(gradients):
        nonlocal t
        t += 1
        for p, g, m, v in zip(params, gradients, means, squares, strict=True):
            m *= B1
            m += (1 - B1) * g
            v *= B2
            v += (1 - B2) * (g * g)
            p -= LR / (1 - B1**t) * m / (np.sqrt(v / (1 - B2**t)) + EPS)

    return update


def by_hand(batch, rule="sgd"):
    x, labels, (w1, w2, w3), (b1, b2, b3) = problem(batch)
    rows = np.arange(batch)
    update = {"sgd": sgd_by_hand, "adam": adam_by_hand}[rule]([w1, b1, w2, b2, w3, b3])

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
        update((x.T @ d1, d1.sum(axis=0), h1.T @ d2, d2.sum(axis=0), h2.T @ dz, dz.sum(axis=0)))
        return loss

    return step


def by_hand_with_hint(batch):
    """The same, in a process that has imported minigrad: large blocks of memory are used again."""
    importlib.import_module("minigrad")
    return by_hand(batch)


def optimizer_of(optim, params, rule):
    return optim.SGD(params, lr=LR) if rule == "sgd" else optim.Adam(params, lr=LR)


def minigrad(batch, rule="sgd"):
    import minigrad as mg
    from minigrad import optim

    x, labels, weights, biases = problem(batch)
    x, rows = mg.tensor(x), np.arange(batch)
    w1, w2, w3 = (mg.tensor(w, requires_grad=True) for w in weights)
    b1, b2, b3 = (mg.tensor(b, requires_grad=True) for b in biases)
    optimizer = optimizer_of(optim, [w1, b1, w2, b2, w3, b3], rule)

    def step():
        h1 = mg.tanh(x @ w1 + b1)
        h2 = mg.tanh(h1 @ w2 + b2)
        z = h2 @ w3 + b3
        loss = -mg.mean(mg.log_softmax(z)[rows, labels])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.detach()

    return step


def torch(batch, rule="sgd", compiled=False):
    import torch
    import torch.nn.functional as F

    torch.set_num_threads(int(THREADS))
    x, labels, weights, biases = problem(batch)
    x, labels = torch.tensor(x), torch.tensor(labels)
    w1, w2, w3 = (torch.tensor(w, requires_grad=True) for w in weights)
    b1, b2, b3 = (torch.tensor(b, requires_grad=True) for b in biases)
    optimizer = optimizer_of(torch.optim, [w1, b1, w2, b2, w3, b3], rule)

    def loss_of():
        h1 = torch.tanh(x @ w1 + b1)
        h2 = torch.tanh(h1 @ w2 + b2)
        return F.cross_entropy(h2 @ w3 + b3, labels)

    update = optimizer.step
    if compiled:
        loss_of, update = torch.compile(loss_of), torch.compile(update)

    def step():
        loss = loss_of()
        optimizer.zero_grad()
        loss.backward()
        update()
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


def jax(batch, rule="sgd"):
    import jax
    import jax.numpy as jnp

    x, labels, weights, biases = problem(batch)
    rows = np.arange(batch)

    def loss_of(params):
        (w1, w2, w3), (b1, b2, b3) = params
        h1 = jnp.tanh(x @ w1 + b1)
        h2 = jnp.tanh(h1 @ w2 + b2)
        return -jnp.mean(jax.nn.log_softmax(h2 @ w3 + b3)[rows, labels])

    def sgd(params, state):
        loss, gradients = jax.value_and_grad(loss_of)(params)
        return loss, jax.tree.map(lambda p, g: p - LR * g, params, gradients), state

    def adam(params, state):
        means, squares, t = state
        t = t + 1
        loss, gradients = jax.value_and_grad(loss_of)(params)
        means = jax.tree.map(lambda m, g: B1 * m + (1 - B1) * g, means, gradients)
        squares = jax.tree.map(lambda v, g: B2 * v + (1 - B2) * g * g, squares, gradients)
        moved = jax.tree.map(
            lambda p, m, v: p - LR / (1 - B1**t) * m / (jnp.sqrt(v / (1 - B2**t)) + EPS), params, means, squares
        )
        return loss, moved, (means, squares, t)

    update = jax.jit({"sgd": sgd, "adam": adam}[rule], donate_argnums=(0, 1))
    params = jax.tree.map(jnp.asarray, (weights, biases))
    state = (jax.tree.map(jnp.zeros_like, params), jax.tree.map(jnp.zeros_like, params), jnp.float32(0))

    def step():
        nonlocal params, state
        loss, params, state = jax.block_until_ready(update(params, state))
        return loss

    return step


def products(batch, rule=""):
    """The matrix products alone, of any rule."""
    x, _, (w1, w2, w3), _ = problem(batch)
    h1, h2, z = x @ w1, x @ w1 @ w2, x @ w1 @ w2 @ w3

    def step():
        return x @ w1, h1 @ w2, h2 @ w3, z @ w3.T, h2 @ w2.T, h2.T @ z, h1.T @ h2, x.T @ h1

    return step


CONTENDERS = {f.__name__: f for f in (by_hand, by_hand_with_hint, minigrad, torch, mygrad, autograd, jax, products)}


def main():
    for batch in (32, 256):
        times = take_turns(__name__, CONTENDERS, str(batch))
        report(f"784-256-128-10 network, batch {batch}, a step; a process each, {THREADS} threads", times, "by_hand")


if __name__ == "__main__":
    await_turns(CONTENDERS[sys.argv[1]](int(sys.argv[2])))
