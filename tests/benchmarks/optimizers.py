"""Updates beside PyTorch's: a million float32 parameters in one array, and in small ones."""

import numpy as np

import minigrad as mg
from minigrad import optim

from .timing import medians, peer, report

N = 1_000_000
MANY = [(64, 64)] * 16 + [(64,)] * 16  # the shapes of a small network
OPTIONS = {"SGD": {"lr": 0.01, "momentum": 0.9}, "Lion": {"lr": 1e-4}, "Adadelta": {"lr": 0.1}}
NAMES = (
    *("SGD", "Adam", "AdamW", "NAdam", "RAdam", "RMSprop", "Adagrad", "Adadelta", "Lion"),
    *("Adamax", "ASGD", "Rprop", "Adafactor", "LAMB"),
)
RNG = np.random.default_rng(0)


def arrays(shapes):
    """Values and gradients."""
    return [tuple(RNG.standard_normal((2, *shape), dtype=np.float32)) for shape in shapes]


def in_minigrad(name, shapes):
    params = []
    for w, g in arrays(shapes):
        params.append(mg.tensor(w, requires_grad=True))
        params[-1].grad = g
    return getattr(optim, name)(params, **OPTIONS.get(name, {"lr": 1e-3})).step


def in_torch(torch, name, shapes, **how):
    params = []
    for w, g in arrays(shapes):
        params.append(torch.tensor(w, requires_grad=True))
        params[-1].grad = torch.tensor(g)
    return getattr(torch.optim, name)(params, **OPTIONS.get(name, {"lr": 1e-3}), **how).step


def clipped(shapes):
    params = []
    for w, g in arrays(shapes):
        params.append(mg.tensor(w, requires_grad=True))
        params[-1].grad = g
    return lambda: optim.clip_grad_norm_(params, 1.0)


def clipped_in_torch(torch, shapes):
    params = []
    for w, g in arrays(shapes):
        params.append(torch.tensor(w, requires_grad=True))
        params[-1].grad = torch.tensor(g)
    return lambda: torch.nn.utils.clip_grad_norm_(params, 1.0)


def main():
    torch = peer("torch")
    for title, shapes in (
        ("a step on 1e6 float32 parameters in one array", [(N,)]),
        ("a step on 66,560 float32 parameters in 32 arrays", MANY),
        ("a step on 10,000,000 float32 parameters in ten arrays", [(N,)] * 10),
    ):
        for name in NAMES if shapes == [(N,)] else ("SGD", "Adam"):
            steps = {f"{name}, minigrad": in_minigrad(name, shapes)}
            reference = f"{name}, minigrad"
            if torch is not None and hasattr(torch.optim, name):
                reference = f"{name}, torch"
                steps = {reference: in_torch(torch, name, shapes), **steps}
                if name == "Adam":
                    steps["Adam, torch, foreach"] = in_torch(torch, name, shapes, foreach=True)
                    steps["Adam, torch, fused"] = in_torch(torch, name, shapes, fused=True)
            if name == "Adam" and peer("llvmlite") is not None:
                steps["Adam, minigrad, native"] = mg.compile(in_minigrad(name, shapes), backend="native")
            report(title, medians(steps, repeats=11), reference)
    for title, shapes in (("1e6 float32", [(N,)]), ("500 arrays of 16 float32", [(16,)] * 500)):
        contenders = {"clip_grad_norm_, minigrad": clipped(shapes)}
        if torch is not None:
            contenders = {"clip_grad_norm_, torch": clipped_in_torch(torch, shapes), **contenders}
        report(f"clipping the norm of {title}", medians(contenders, repeats=11), next(iter(contenders)))
