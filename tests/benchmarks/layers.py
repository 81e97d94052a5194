"""A training step of three networks beside PyTorch's: float32, the same sizes, data and optimizer.

LeNet-5 (tanh, average pooling, 28 x 28, batch 64, Adam); a transformer of two causal layers (width 64, 4 heads, length
64, batch 16, vocabulary 65, AdamW); and an LSTM over characters (hidden 64, length 32, batch 32, Adam). Each contender
runs in a fresh process, in turn. ``numpy`` and ``native`` are the step compiled by the two backends; PyTorch and JAX
compile their steps as well. ``MINIGRAD_BENCH_THREADS`` says how many threads all have.
"""

import sys

from .timing import THREADS, await_turns, prepare, report, take_turns

if __name__ == "__main__":
    prepare()

import numpy as np

RNG = np.random.default_rng(0)
IMAGES = RNG.standard_normal((64, 1, 28, 28), dtype=np.float32)
DIGITS = RNG.integers(0, 10, 64)
TOKENS = RNG.integers(0, 65, (16, 65))
CHARACTERS = RNG.integers(0, 65, (33, 32))


def lenet(nn):
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2), nn.Tanh(), nn.AvgPool2d(2),
        nn.Conv2d(6, 16, 5), nn.Tanh(), nn.AvgPool2d(2), nn.Flatten(),
        nn.Linear(400, 120), nn.Tanh(), nn.Linear(120, 84), nn.Tanh(), nn.Linear(84, 10),
    )  # fmt: skip


def transformer(nn, mask):
    """`mask` has what the layers are called with."""

    class Transformer(nn.Module):
        def __init__(self):
            super().__init__()
            self.tokens, self.places = nn.Embedding(65, 64), nn.Embedding(64, 64)
            self.first, self.second = (
                nn.TransformerEncoderLayer(64, 4, 256, dropout=0.0, batch_first=True, norm_first=True) for _ in range(2)
            )
            self.norm, self.head = nn.LayerNorm(64), nn.Linear(64, 65)

        def forward(self, tokens, places):
            x = self.tokens(tokens) + self.places(places)
            x = self.second(self.first(x, **mask), **mask)
            return self.head(self.norm(x)).reshape(-1, 65)

    return Transformer()


def characters(nn):
    class Characters(nn.Module):
        def __init__(self):
            super().__init__()
            self.embedding, self.lstm, self.head = nn.Embedding(65, 64), nn.LSTM(64, 64), nn.Linear(64, 65)

        def forward(self, x):
            return self.head(self.lstm(self.embedding(x))[0]).reshape(-1, 65)

    return Characters()


def problem(name, nn, optim, mask):
    """A network, its optimizer, inputs and labels."""
    if name == "lenet":
        net, inputs, labels = lenet(nn), (IMAGES,), DIGITS
    elif name == "transformer":
        net, inputs, labels = transformer(nn, mask), (TOKENS[:, :-1], np.arange(64)), TOKENS[:, 1:]
    else:
        net, inputs, labels = characters(nn), (CHARACTERS[:-1],), CHARACTERS[1:]
    if hasattr(net, "astype"):
        net.astype(np.float32)
    kind = optim.AdamW if name == "transformer" else optim.Adam
    return net, kind(net.parameters(), lr=1e-3), inputs, labels.reshape(-1)


def minigrad(name):
    import minigrad as mg
    from minigrad import nn, optim

    net, optimizer, inputs, labels = problem(name, nn, optim, {"is_causal": True})
    inputs = [mg.asarray(x) for x in inputs]

    def step():
        loss = nn.functional.cross_entropy(net(*inputs), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.detach()

    return step


def numpy(name):
    import minigrad as mg

    return mg.compile(minigrad(name))


def native(name):
    import minigrad as mg

    return mg.compile(minigrad(name), backend="native")


def jax(name):
    from minigrad import nn, optim

    from .layers_in_jax import training_step

    net, _, inputs, labels = problem(name, nn, optim, {"is_causal": True})
    return training_step(name, {key: np.array(w) for key, w in net.state_dict().items()}, inputs, labels)


def torch(name, compiled=False):
    import torch
    from torch import nn, optim

    torch.set_num_threads(int(THREADS))
    mask = {"src_mask": nn.Transformer.generate_square_subsequent_mask(64), "is_causal": True}
    net, optimizer, inputs, labels = problem(name, nn, optim, mask)
    inputs, labels = [torch.tensor(x) for x in inputs], torch.tensor(labels)

    def loss_of():
        return nn.functional.cross_entropy(net(*inputs), labels)

    update = optimizer.step
    if compiled:
        loss_of, update = torch.compile(loss_of), torch.compile(update)

    def step():
        loss = loss_of()
        optimizer.zero_grad()
        loss.backward()
        update()
        return loss

    return step


def torch_compile(name):
    return torch(name, compiled=True)


CONTENDERS = {f.__name__: f for f in (minigrad, numpy, native, torch, torch_compile, jax)}
NETWORKS = ("lenet", "transformer", "lstm")


def main():
    for name in NETWORKS:
        times = take_turns(__name__, CONTENDERS, name)
        report(f"{name}, a training step; a process each, {THREADS} threads", times, "torch")


if __name__ == "__main__":
    await_turns(CONTENDERS[sys.argv[1]](sys.argv[2]))
