"""Gradients of functions at a small size: beside `backward()`, and one inside another beside PyTorch."""

import numpy as np

import minigrad as mg
from minigrad import nn

from .timing import medians, peer, report

RNG = np.random.default_rng(0)

# A network of 8 inputs and 16 hidden units, on a batch of 4

X, Y = RNG.standard_normal((4, 8)), RNG.standard_normal((4, 1))
PARAMS = [RNG.standard_normal((8, 16)) / 3, np.zeros(16), RNG.standard_normal((16, 1)) / 4, np.zeros(1)]


def loss_of(params, x=X, y=Y):
    w1, b1, w2, b2 = params
    out = mg.tanh(x @ w1 + b1) @ w2 + b2
    return mg.mean((out - y) ** 2)


def by_backward(data):
    x, y, params = data(X), data(Y), [mg.tensor(p, requires_grad=True) for p in PARAMS]

    def step():
        for p in params:
            p.grad = None
        loss_of(params, x, y).backward()
        return [p.grad for p in params]

    return step


def in_autograd(autograd):
    import autograd.numpy as anp

    def loss(params):
        w1, b1, w2, b2 = params
        return anp.mean((anp.dot(anp.tanh(anp.dot(X, w1) + b1), w2) + b2 - Y) ** 2)

    gradient = autograd.grad(loss)
    return lambda: gradient(PARAMS)


def small_network():
    contenders = {
        "backward(), data as Tensors": by_backward(mg.tensor),
        "backward(), data as ndarrays": by_backward(np.asarray),
        "mg.grad(f)(params)": lambda: mg.grad(loss_of)(PARAMS),
        "mg.value_and_grad(f)(params)": lambda: mg.value_and_grad(loss_of)(PARAMS),
        "f(params), the function": lambda: loss_of(PARAMS),
    }
    if (autograd := peer("autograd")) is not None:
        contenders["autograd.grad(f)(params)"] = in_autograd(autograd)
    report("gradient of an 8-16-1 network, batch 4", medians(contenders, repeats=31), next(iter(contenders)))


# A physics-informed network 1-32-32-1 for u'' = -pi^2 sin(pi x), or u' = pi cos(pi x), on 64 points

POINTS = np.linspace(-1, 1, 64)[:, None]
FORCES = {1: np.pi * np.cos(np.pi * POINTS), 2: -(np.pi**2) * np.sin(np.pi * POINTS)}


def physics_in_minigrad(order):
    u = nn.Sequential(nn.Linear(1, 32, rng=0), nn.Tanh(), nn.Linear(32, 32, rng=1), nn.Tanh(), nn.Linear(32, 1, rng=2))
    derivative = u
    for _ in range(order):
        derivative = mg.grad(lambda x, f=derivative: mg.sum(f(x)))

    def step():
        u.zero_grad()
        loss = mg.mean((derivative(POINTS) - FORCES[order]) ** 2)
        loss.backward()

    return step


def physics_in_torch(torch, order):
    torch.set_default_dtype(torch.float64)
    u = torch.nn.Sequential(
        torch.nn.Linear(1, 32), torch.nn.Tanh(), torch.nn.Linear(32, 32), torch.nn.Tanh(), torch.nn.Linear(32, 1)
    )
    points, force = torch.tensor(POINTS, requires_grad=True), torch.tensor(FORCES[order])

    def step():
        u.zero_grad()
        derivative = u(points)
        for _ in range(order):
            (derivative,) = torch.autograd.grad(derivative.sum(), points, create_graph=True)
        loss = torch.mean((derivative - force) ** 2)
        loss.backward()

    return step


def physics(order):
    contenders = {"minigrad": physics_in_minigrad(order)}
    if (torch := peer("torch")) is not None:
        contenders["torch"] = physics_in_torch(torch, order)
    report(
        f"physics-informed 1-32-32-1 network, loss of u{order * chr(39)} and its gradient", medians(contenders), "torch"
    )


def main():
    small_network()
    physics(1)
    physics(2)
