"""Reading digits
==============

Digits that this file draws itself, thick and thin and askew, and a convolution network that learns to read them.

Run it: python examples/digits.py [epochs] [folder for the pictures]
"""

import pathlib
import sys

import numpy as np

from minigrad import nn, optim, train
from minigrad.data import DataLoader
from minigrad.nn import functional as F

# %%
# The data. How a pen goes for each digit, from point to point in a square: x to the right, y down.

STROKES = [
    "5,1 3,2 2,5 3,8 5,9 7,8 8,5 7,2 5,1",
    "3,3 5,1 5,5 5,9",
    "2,3 4,1 6,1 7,3 6,5 2,9 8,9",
    "2,2 4,1 7,2 6,4 4,5 7,6 7,8 4,9 2,8",
    "6,9 6,5 6,1 2,6 5,6 8,6",
    "8,1 3,1 3,4 5,4 7,6 6,8 4,9 2,8",
    "7,1 4,3 2,6 3,8 5,9 7,7 6,5 4,5 2,6",
    "2,1 5,1 8,1 6,5 4,9",
    "5,5 3,3 5,1 7,3 5,5 3,7 5,9 7,7 5,5",
    "7,4 5,5 3,3 5,1 7,2 7,4 6,9",
]
PENS = [np.array([point.split(",") for point in stroke.split()], float) / 10 for stroke in STROKES]
SIZE = 16


def draw(digit, count, rng):
    """Pictures of a digit (count, 1, SIZE, SIZE), ink 1: each with its own hand, slant, place, pen and noise."""
    points = PENS[digit] - 0.5 + rng.normal(scale=0.025, size=(count, *PENS[digit].shape))
    angle, slant = rng.normal(scale=0.15, size=(2, count))
    wide, high = rng.uniform(0.7, 1.1, size=(2, count))
    askew = np.array([[wide * np.cos(angle), slant - np.sin(angle)], [np.sin(angle), high * np.cos(angle)]])
    points = np.einsum("ijn,npj->npi", askew, points) + rng.normal(scale=0.05, size=(count, 1, 2))
    # A pixel is as dark as it is close to one of the lines between the points.
    axis = (np.arange(SIZE) + 0.5) / SIZE - 0.5
    pixels = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 1, 2)
    start, line = points[:, None, :-1], np.diff(points, axis=1)[:, None]
    along = np.clip(((pixels - start) * line).sum(-1) / (line**2).sum(-1), 0, 1)
    distance = np.linalg.norm(pixels - start - along[..., None] * line, axis=-1).min(axis=-1)
    ink = np.clip(1.5 - distance / rng.uniform(0.03, 0.06, size=(count, 1)), 0, 1)
    return (ink + rng.normal(scale=0.1, size=ink.shape)).reshape(count, 1, SIZE, SIZE).astype(np.float32)


def data_set(count, rng):
    """As many pictures of each digit, and what they show."""
    return np.concatenate([draw(digit, count, rng) for digit in range(10)]), np.repeat(np.arange(10), count)


# %%
# What is measured and drawn: the accuracy, the curves of the training, and the confusion matrix.


def accuracy(scores, labels):
    return np.mean(scores.argmax(axis=1) == labels)


def save_pictures(history, confusion, folder):
    """The curves of the training, and which digit was taken for which."""
    try:
        from matplotlib import pyplot
    except ImportError:
        return print("For pictures, install Matplotlib: python -m pip install matplotlib")
    history.plot().savefig(folder / "digits_training.png")
    figure, panel = pyplot.subplots(figsize=(5, 5))
    panel.imshow(np.log1p(confusion), cmap="Blues")
    for (shown, read), count in np.ndenumerate(confusion):
        panel.text(read, shown, count or "", ha="center", va="center", color="gray" if shown != read else "white")
    panel.set(xlabel="read as", ylabel="drawn", xticks=range(10), yticks=range(10))
    figure.savefig(folder / "digits_confusion.png")
    return print("Pictures: digits_training.png, digits_confusion.png")


# %%
# The network: two convolutions with pooling, and a linear layer. Six epochs take a few seconds.


def main(epochs=6, folder="."):
    rng = np.random.default_rng(0)
    training, held_out = data_set(1000, rng), data_set(200, rng)
    model = nn.Sequential(
        *(nn.Conv2d(1, 8, 3, padding=1, rng=rng), nn.ReLU(), nn.MaxPool2d(2)),  # 16 x 16 -> 8 x 8
        *(nn.Conv2d(8, 16, 3, padding=1, rng=rng), nn.ReLU(), nn.MaxPool2d(2)),  # -> 4 x 4
        *(nn.Flatten(), nn.Dropout(0.2, rng=rng), nn.Linear(16 * 4 * 4, 10, rng=rng)),
    ).astype(np.float32)
    loader = DataLoader(training, batch_size=50, shuffle=True, rng=rng)
    validation, optimizer = DataLoader(held_out, batch_size=100), optim.Adam(model.parameters(), lr=3e-3)
    measured = {"validation": validation, "metrics": {"accuracy": accuracy}}
    history = train.fit(model, F.cross_entropy, optimizer, loader, epochs, **measured, compile="numpy")
    print(history)
    read = model.eval()(held_out[0]).detach().numpy().argmax(axis=1)
    confusion = np.zeros((10, 10), dtype=int)
    np.add.at(confusion, (held_out[1], read), 1)
    print(f"Held-out pictures read rightly: {np.trace(confusion) / confusion.sum():.1%}")
    save_pictures(history, confusion, pathlib.Path(folder))


if __name__ == "__main__":
    main(*[int(argument) if argument.isdigit() else argument for argument in sys.argv[1:]])
