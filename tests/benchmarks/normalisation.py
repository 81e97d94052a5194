"""Batch and layer normalisation, forward and backward, in float32, uncompiled and native, against PyTorch's."""

import numpy as np

import minigrad as mg
from minigrad import nn

from .timing import THREADS, medians, peer, report

CASES = {
    "LayerNorm of (64, 64)": ("LayerNorm", 64, (64, 64)),
    "LayerNorm of (1024, 64)": ("LayerNorm", 64, (1024, 64)),
    "LayerNorm of (32, 768)": ("LayerNorm", 768, (32, 768)),
    "BatchNorm1d of (64, 256)": ("BatchNorm1d", 256, (64, 256)),
    "BatchNorm2d of (64, 6, 24, 24)": ("BatchNorm2d", 6, (64, 6, 24, 24)),
    "BatchNorm2d of (64, 32, 14, 14)": ("BatchNorm2d", 32, (64, 32, 14, 14)),
}


def step_of(layer, x, g):
    """A forward and a backward pass, to the input and the parameters."""
    leaves = [x, *layer.parameters()]

    def step():
        for w in leaves:
            w.grad = None
        layer(x).backward(g)

    return step


def minigrad(name, width, x, g):
    layer, x = getattr(nn, name)(width).astype(np.float32), mg.tensor(x, requires_grad=True)
    return step_of(layer, x, g)


def of_torch(torch, name, width, x, g):
    layer, x, g = getattr(torch.nn, name)(width), torch.tensor(x, requires_grad=True), torch.tensor(g)
    return step_of(layer, x, g)


def main():
    torch = peer("torch")
    for title, (name, width, shape) in CASES.items():
        rng = np.random.default_rng(0)
        x, g = (rng.standard_normal(shape, dtype=np.float32) for _ in range(2))
        contenders = {"minigrad": minigrad(name, width, x, g)}
        if peer("llvmlite") is not None:
            contenders["native"] = mg.compile(minigrad(name, width, x, g), backend="native")
        if torch is not None:
            contenders["torch"] = of_torch(torch, name, width, x, g)
        times = medians(contenders)
        report(f"{title}, forward and backward, float32, {THREADS} threads", times, list(times)[-1])
