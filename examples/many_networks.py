"""Many networks
=============

A hundred small networks learn the same few points, all at once: where they disagree, none of them should be trusted.

Run it: python examples/many_networks.py [steps] [folder for the picture]
"""

import pathlib
import sys
import time

import numpy as np

import minigrad as mg
from minigrad import nn, optim

# %%
# The data: a curve that is known in two places only.


def known(rng, count=40):
    """Points (count, 1) and what was measured there, (count, 1)."""
    x = np.concatenate([rng.uniform(-2, -0.8, count // 2), rng.uniform(0.6, 2, count - count // 2)])[:, None]
    return x, np.sin(2 * x) + rng.normal(scale=0.05, size=x.shape)


# %%
# One network, as a function of its parameters, and a hundred sets of them along a first axis. `vmap` evaluates all.

MODEL = nn.Sequential(nn.Linear(1, 16), nn.Tanh(), nn.Linear(16, 1))


def stacked(count, rng):
    """Parameters of `count` networks, each set drawn by itself."""
    scales = {"0.weight": 2.0, "0.bias": 2.0, "2.weight": 0.5, "2.bias": 0.1}
    return {
        name: mg.tensor(rng.normal(scale=scales[name], size=(count, *p.shape)), requires_grad=True)
        for name, p in MODEL.named_parameters()
    }


def predictions(networks, x):
    """What each network makes of all points: (networks, points, 1)."""
    return mg.vmap(lambda parameters: nn.functional_call(MODEL, parameters, x))(networks)


# %%
# The picture: some networks, and the band that holds two thirds of them.


def save_picture(networks, x, y, folder):
    try:
        from matplotlib import pyplot
    except ImportError:
        return print("For a picture, install Matplotlib: python -m pip install matplotlib")
    axis = np.linspace(-3, 3, 200)[:, None]
    with mg.no_grad():
        curves = predictions(networks, axis).numpy()[..., 0]
    low, high = np.quantile(curves, [1 / 6, 5 / 6], axis=0)
    figure, panel = pyplot.subplots(figsize=(6, 4), layout="tight")
    panel.fill_between(axis[:, 0], low, high, alpha=0.3, label="two thirds of the networks")
    panel.plot(axis[:, 0], curves[:8].T, linewidth=0.7, color="gray")
    panel.scatter(x, y, s=14, color="black", zorder=3, label="measured")
    panel.set_ylim(-2.5, 2.5)
    panel.legend()
    path = folder / "many_networks.png"
    figure.savefig(path)
    return print(f"Picture: {path.name}")


# %%
# The training: one backward pass gives each network the gradient that it would have alone.


def main(steps=600, folder="."):
    rng = np.random.default_rng(0)
    (x, y), networks = known(rng), stacked(100, rng)
    optimizer, start = optim.Adam(list(networks.values()), lr=0.02), time.perf_counter()
    for _ in range(int(steps)):
        errors = mg.mean((predictions(networks, x) - y) ** 2, axis=(1, 2))
        optimizer.zero_grad()
        mg.sum(errors).backward()
        optimizer.step()
    seconds = time.perf_counter() - start
    spread = [np.std(predictions(networks, np.array([[p]])).detach().numpy()) for p in (-1.5, 0.0, 3.0)]
    print(f"100 networks, {steps} steps in {seconds:.1f} s: mean squared error {np.mean(errors.detach().numpy()):.4f}")
    print(f"They differ by {spread[0]:.3f} at -1.5, {spread[1]:.3f} at 0, and {spread[2]:.3f} at 3")
    save_picture(networks, x, y, pathlib.Path(folder))


if __name__ == "__main__":
    main(*sys.argv[1:])
