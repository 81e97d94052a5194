"""Convolution in float32, forward and backward, uncompiled and native, beside PyTorch: one group and several."""

import numpy as np

import minigrad as mg
from minigrad import nn

from .timing import THREADS, medians, peer, report

CASES = {
    "Conv2d(64, 64, 3) of (16, 64, 28, 28)": (64, 64, 1, (16, 64, 28, 28)),
    "8 groups": (64, 64, 8, (16, 64, 28, 28)),
    "32 groups": (64, 64, 32, (16, 64, 28, 28)),
    "depthwise": (64, 64, 64, (16, 64, 28, 28)),
    "depthwise, 2 for each channel": (64, 128, 64, (16, 64, 28, 28)),
    "depthwise of (1, 96, 56, 56)": (96, 96, 96, (1, 96, 56, 56)),
}


def step_of(layer, x, g):
    """A forward and a backward pass, to the input and the parameters."""
    leaves = [x, *layer.parameters()]

    def step():
        for w in leaves:
            w.grad = None
        layer(x).backward(g)

    return step


def minigrad(channels, out, groups, x, g):
    layer = nn.Conv2d(channels, out, 3, padding=1, groups=groups, rng=0).astype(np.float32)
    x = mg.tensor(x, requires_grad=True)
    return step_of(layer, x, g)


def of_torch(torch, channels, out, groups, x, g):
    layer = torch.nn.Conv2d(channels, out, 3, padding=1, groups=groups)
    x, g = torch.tensor(x, requires_grad=True), torch.tensor(g)
    return step_of(layer, x, g)


def main():
    torch = peer("torch")
    for title, (channels, out, groups, shape) in CASES.items():
        rng = np.random.default_rng(0)
        x = rng.standard_normal(shape, dtype=np.float32)
        g = rng.standard_normal((shape[0], out, *shape[2:]), dtype=np.float32)
        contenders = {"minigrad": minigrad(channels, out, groups, x, g)}
        if peer("llvmlite") is not None:
            contenders["native"] = mg.compile(minigrad(channels, out, groups, x, g), backend="native")
        if torch is not None:
            contenders["torch"] = of_torch(torch, channels, out, groups, x, g)
        times = medians(contenders)
        report(f"{title}, forward and backward, float32, {THREADS} threads", times, list(times)[-1])
