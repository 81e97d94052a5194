"""The tutorial's network, 4x3 inputs and one sigmoid: an epoch of loss, gradient and update."""

import numpy as np

import minigrad as mg
from minigrad import optim

from .timing import medians, peer, report

X = np.array([[0, 0, 1], [1, 1, 1], [1, 0, 1], [0, 1, 1]], dtype=float)
Y = np.array([[0, 1, 1, 0]], dtype=float).T
W = np.random.RandomState(1).rand(3, 1)


def by_hand():
    w = W.copy()

    def epoch():
        nonlocal w
        out = 1 / (1 + np.exp(-np.dot(X, w)))
        w += np.dot(X.T, (Y - out) * out * (1 - out))

    return epoch


def in_minigrad(data=mg.tensor):
    x, y, w = data(X), data(Y), mg.tensor(W, requires_grad=True)
    optimizer = optim.SGD([w], lr=1.0)

    def epoch():
        out = mg.sigmoid(x @ w)
        loss = mg.sum((out - y) ** 2) / 2
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    return epoch


def in_torch(torch):
    x, y, w = torch.tensor(X), torch.tensor(Y), torch.tensor(W, requires_grad=True)
    optimizer = torch.optim.SGD([w], lr=1.0)

    def epoch():
        out = torch.sigmoid(x @ w)
        loss = torch.sum((out - y) ** 2) / 2
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    return epoch


def in_autograd(autograd):
    import autograd.numpy as anp

    w = W.copy()
    gradient = autograd.grad(lambda w: anp.sum((1 / (1 + anp.exp(-anp.dot(X, w))) - Y) ** 2) / 2)

    def epoch():
        nonlocal w
        w -= gradient(w)

    return epoch


def in_mygrad(mygrad):
    w = mygrad.tensor(W)

    def epoch():
        out = 1 / (1 + mygrad.exp(-mygrad.matmul(X, w)))
        loss = mygrad.sum((out - Y) ** 2) / 2
        loss.backward()
        w.data -= w.grad

    return epoch


def many(epoch, n=200):
    """n epochs as one call, so that the loop around them costs what a user's would."""

    def run():
        for _ in range(n):
            epoch()

    return run


def main():
    epochs = {
        "NumPy by hand": by_hand(),
        "minigrad, data as Tensors": in_minigrad(),
        "minigrad, data as ndarrays": in_minigrad(np.asarray),
    }
    for name, make in {"torch": in_torch, "mygrad": in_mygrad, "autograd": in_autograd}.items():
        if (module := peer(name)) is not None:
            epochs[name] = make(module)
    times = medians({name: many(epoch) for name, epoch in epochs.items()}, repeats=31)
    report("tutorial network, an epoch", {name: t / 200 for name, t in times.items()}, "NumPy by hand")
