"""Two spirals
===========

Two spirals, one inside the other: a small network learns which point belongs to which, and draws the border.

Run it: python examples/spiral.py [epochs] [folder for the picture] [its name, such as spiral.svg]
"""

import pathlib
import sys
import time

import numpy as np

import minigrad as mg
from minigrad import nn, optim, train
from minigrad.data import DataLoader
from minigrad.nn import functional as F

# %%
# The data: points along two spirals, with noise.


def spirals(count, rng, noise=0.3):
    """Points (count, 2) of both spirals, with noise, and the spiral of each: (count, 1), 0 or 1."""
    spiral = rng.integers(2, size=count)
    turn = 3 * np.pi * np.sqrt(rng.uniform(0.02, 1, size=count))  # the root spreads them evenly along the arms
    angle = turn + np.pi * spiral
    points = turn[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return points + rng.normal(scale=noise, size=points.shape), spiral[:, None].astype(float)


def accuracy(scores, spiral):
    return np.mean((scores > 0) == spiral)


# %%
# The picture: where the network sees which spiral, and some of the points that it has not seen in training.


def save_picture(model, points, spiral, path):
    """The border between the spirals, as the network sees it, and the points."""
    try:
        from matplotlib import pyplot
    except ImportError:
        return print("For a picture, install Matplotlib: python -m pip install matplotlib")
    axis = np.linspace(-10, 10, 120)
    grid = np.stack(np.meshgrid(axis, axis), axis=-1)
    with mg.no_grad():
        probability = mg.sigmoid(model(grid)).numpy()[..., 0]
    figure, panel = pyplot.subplots(figsize=(5, 5), layout="tight")
    panel.contourf(axis, axis, probability, levels=[0, 0.1, 0.5, 0.9, 1], cmap="RdBu", alpha=0.6)
    panel.contour(axis, axis, probability, levels=[0.5], colors="black", linewidths=1)
    panel.scatter(*points[:160].T, c=spiral[:160, 0], cmap="RdBu", s=12, edgecolors="black", linewidths=0.3)
    panel.set_aspect("equal")
    panel.set_axis_off()
    figure.savefig(path)
    return print(f"Picture: {path.name}")


# %%
# The network: two hidden layers of 64 neurons.


def main(epochs=100, folder=".", name="spiral.png"):
    rng = np.random.default_rng(0)
    points, spiral = spirals(1000, rng)
    held_out = spirals(2000, rng)
    model = nn.Sequential(
        *(nn.Linear(2, 64, rng=rng), nn.Tanh()),
        *(nn.Linear(64, 64, rng=rng), nn.Tanh()),
        nn.Linear(64, 1, rng=rng),
    )
    history = train_on(model, DataLoader((points, spiral), 100, shuffle=True, rng=rng), held_out, epochs)
    for epoch in range(0, epochs, max(epochs // 8, 1)):
        print(f"epoch {epoch + 1:4}: " + ", ".join(f"{name} {x[epoch]:.4f}" for name, x in history.items()))
    print(f"Held-out points in the right spiral: {history['validation_accuracy'][-1]:.2%}")
    save_picture(model, *held_out, pathlib.Path(folder) / name)


# %%
# The training: ``train.fit`` with validation, a metric, a schedule and compiled steps.


def train_on(model, loader, held_out, epochs):
    """Train with a rate that falls to nothing; the history."""
    optimizer = optim.Adam(model.parameters(), lr=0.01)
    begun = time.perf_counter()
    history = train.fit(
        model,
        F.binary_cross_entropy_with_logits,
        optimizer,
        loader,
        epochs,
        validation=[held_out],
        metrics={"accuracy": accuracy},
        schedule=optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs),
        compile="numpy",
    )
    print(f"{epochs} epochs in {time.perf_counter() - begun:.1f} s")
    return history


if __name__ == "__main__":
    main(*[int(argument) if argument.isdigit() else argument for argument in sys.argv[1:]])
