"""Makes sgd_reference.json: parameters after each of 20 steps of PyTorch's SGD. Needs torch: run it by hand.

python -m tests.optim.make_reference
"""

import json
import pathlib

SETTINGS = (
    {"lr": 0.1},
    {"lr": 0.1, "momentum": 0.9},
    {"lr": 0.1, "momentum": 0.9, "dampening": 0.5},
    {"lr": 0.05, "momentum": 0.8, "nesterov": True},
    {"lr": 0.1, "weight_decay": 0.01},
    {"lr": 0.02, "momentum": 0.9, "weight_decay": 0.1},
    {"lr": 0.02, "momentum": 0.9, "weight_decay": 0.1, "nesterov": True},
    {"lr": 0.02, "momentum": 0.9, "weight_decay": 0.1, "dampening": 0.3},
)
START = [1.0, -2.0, 0.5]
FILE = pathlib.Path(__file__).with_name("sgd_reference.json")


def trajectory(torch, settings):
    """20 steps down the function sum(w**4 / 4 + sin(w)), which is neither flat nor quadratic."""
    w = torch.tensor(START, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.SGD([w], **settings)
    steps = []
    for _ in range(20):
        optimizer.zero_grad()
        (w**4 / 4 + torch.sin(w)).sum().backward()
        optimizer.step()
        steps.append(w.tolist())
    return steps


if __name__ == "__main__":
    import torch

    FILE.write_text(json.dumps([[settings, trajectory(torch, settings)] for settings in SETTINGS], indent=1) + "\n")
