"""A transformer that writes
=========================

A small transformer reads Python's own manual, letter by letter, and learns to write like it.

The text is that of `help("...")`, which comes with Python. Paragraphs that it has not seen say how well it predicts.

Run it: python examples/char_transformer.py [epochs] [features]
"""

import pydoc_data.topics
import sys
import time

import numpy as np

import minigrad as mg
from minigrad import nn, optim, train
from minigrad.data import DataLoader
from minigrad.nn import functional as F

LENGTH = 64  # letters that it looks back


# %%
# The network: embeddings of letters and places, two layers of a transformer, and scores of the next letter.


class Writer(nn.Module):
    """Scores of the next letter after each: (n, length) -> (n, length, letters)."""

    def __init__(self, letters, features, layers, rng):
        self.letter = nn.Embedding(letters, features, rng=rng)
        self.place = nn.Parameter(nn.init.normal((LENGTH, features), std=0.1, rng=rng))
        self.layers = [
            nn.TransformerEncoderLayer(features, 4, 4 * features, 0.0, batch_first=True, norm_first=True, rng=rng)
            for _ in range(layers)
        ]
        self.norm, self.scores = nn.LayerNorm(features), nn.Linear(features, letters, rng=rng)

    def forward(self, text):
        x = self.letter(text) + self.place[: text.shape[1]]
        for layer in self.layers:
            x = layer(x, is_causal=True)
        return self.scores(self.norm(x))


def surprise(scores, following):
    """Nats a letter: the mean of -log(probability of the letter that follows)."""
    return F.cross_entropy(scores.reshape(-1, scores.shape[-1]), following.reshape(-1))


# %%
# The data: the manual, cut into windows of 64 letters.


def manual():
    """The manual without repetitions, as it quotes itself: its letters, and the text as their numbers."""
    paragraphs = dict.fromkeys(p for topic in pydoc_data.topics.topics.values() for p in topic.split("\n\n"))
    letters, text = np.unique(list("\n\n".join(paragraphs)), return_inverse=True)
    return letters, text


def windows(text):
    """Pieces of the text, and what follows each of their letters: two arrays (n, LENGTH)."""
    n = (len(text) - 1) // LENGTH
    return text[: n * LENGTH].reshape(n, LENGTH), text[1 : n * LENGTH + 1].reshape(n, LENGTH)


# %%
# Writing: the network's probabilities for the next letter are drawn from, one letter after the other.


def write(model, letters, rng, count=160):
    """Let the model write, from the beginning of a paragraph on: each letter is drawn from its probabilities."""
    text = [*np.searchsorted(letters, ["\n", "\n"])]
    with mg.no_grad():
        for _ in range(count):
            scores = model(np.array([text[-LENGTH:]])).numpy()[0, -1]
            text.append(rng.choice(len(letters), p=F.softmax(scores.astype(float) / 0.8)))
    return "".join(letters[text[2:]])


# %%
# The training, with a sample of its writing after each epoch. It takes a minute or two.


def main(epochs=8, features=96):
    rng = np.random.default_rng(0)
    letters, text = manual()
    most = len(text) * 9 // 10
    print(f"{len(text):,} letters of {len(letters)} kinds; the last tenth is held out")
    loader = DataLoader(windows(text[:most]), batch_size=32, shuffle=True, drop_last=True, rng=rng)
    held_out = DataLoader(windows(text[most:]), batch_size=64)
    model = Writer(len(letters), features, layers=2, rng=rng).astype(np.float32)
    optimizer = optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.01)
    schedule = optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, total_steps=epochs * len(loader) + 1)
    begun = time.perf_counter()

    def show(history):
        learnt, unseen = history["loss"][-1], history["validation_loss"][-1]
        print(f"\nepoch {history.epochs}, {time.perf_counter() - begun:.0f} s: {learnt:.3f} nats a letter, ", end="")
        print(f"{unseen:.3f} held out. It writes:\n{write(model, letters, rng)}")

    rates = {"schedule": schedule, "schedule_every": "batch"}
    extras = {"validation": held_out, "callbacks": [show], "compile": "numpy"}
    history = train.fit(model, surprise, optimizer, loader, epochs, **rates, **extras)
    print(f"\nHeld-out text: {history['validation_loss'][-1]:.3f} nats a letter")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))

# sphinx_gallery_thumbnail_path = "_static/writer.svg"
