"""Makes the file of PyTorch's states beside it, with PyTorch: run it by hand where torch is installed.

python -m tests.optim.make_torch_states
"""

import json
import pathlib

import numpy as np

FILE = pathlib.Path(__file__).parent / "torch_states.json"
STEPS = 20
ORDERS = {"0.weight": (4, 3), "0.bias": (4,), "2.weight": (2, 4), "2.bias": (2,)}  # of nn.Linear in PyTorch
CASES = (
    ("SGD", {"lr": 0.05, "momentum": 0.9, "dampening": 0.5}),
    ("SGD", {"lr": 0.05, "momentum": 0.9, "nesterov": True}),
    ("SGD", {"lr": 0.05}),
    ("Adam", {"lr": 0.05, "weight_decay": 0.1}),
    ("Adam", {"lr": 0.05, "amsgrad": True, "betas": (0.8, 0.9)}),
    ("AdamW", {"lr": 0.05}),
    ("NAdam", {"lr": 0.05}),
    ("RAdam", {"lr": 0.05, "betas": (0.5, 0.9)}),
    ("RMSprop", {"lr": 0.01, "momentum": 0.5, "centered": True}),
    ("Adagrad", {"lr": 0.1, "lr_decay": 0.1}),
    ("Adadelta", {"lr": 1.0}),
    ("Adamax", {"lr": 0.05}),
    ("ASGD", {"lr": 0.05, "lambd": 0.1, "t0": 3.0}),
    ("Rprop", {"lr": 0.01}),
    ("Adafactor", {"lr": 0.05}),
    ("LBFGS", {"lr": 0.5, "max_iter": 2, "line_search_fn": "strong_wolfe"}),
)


def start(shape):
    """Values from sines, of any shape."""
    return np.sin(1.0 + 2.3 * np.arange(np.prod(shape))).reshape(shape)


def as_lists(x):
    """A state as JSON has it."""
    if isinstance(x, dict):
        return {str(key): as_lists(value) for key, value in x.items()}
    if isinstance(x, list | tuple):
        return [as_lists(value) for value in x]
    return x.tolist() if hasattr(x, "tolist") else x


def trained(torch, name, options):
    """The weights and the state after 20 steps, and the weights after each of 20 more."""
    w = [torch.tensor(start(shape), requires_grad=True) for shape in ORDERS.values()]
    optimizer = getattr(torch.optim, name)(w, **options)

    def closure():
        optimizer.zero_grad()
        loss = sum((x**4 / 4 + torch.sin(x)).sum() for x in w)
        loss.backward()
        return loss

    later = []
    for i in range(2 * STEPS):
        if i == STEPS:
            middle = [x.tolist() for x in w], as_lists(optimizer.state_dict())
        if name == "LBFGS":
            optimizer.step(closure)
        else:
            closure()
            optimizer.step()
        later.append([x.tolist() for x in w])
    return [name, options, *middle, later[STEPS:]]


if __name__ == "__main__":
    import torch

    torch.set_default_dtype(torch.float64)
    lines = (json.dumps(trained(torch, *case), separators=(",", ":")) for case in CASES)
    FILE.write_text("[\n" + ",\n".join(lines) + "\n]\n")
