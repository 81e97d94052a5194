"""Layers of sequences beside PyTorch's, forward and backward in float32, and what a cache saves.

An LSTM (64 features, 32 steps, 32 sequences), rows of a table (50,000 x 64), and a causal transformer of two layers
(width 64, 4 heads) that goes on by one element after 256. Each contender runs in a fresh process, in turn.
``MINIGRAD_BENCH_THREADS`` says how many threads all have.
"""

import sys

from .timing import THREADS, await_turns, prepare, report, take_turns

if __name__ == "__main__":
    prepare()

import numpy as np

RNG = np.random.default_rng(0)
SEQUENCES = RNG.standard_normal((32, 32, 64), dtype=np.float32)
TABLE = RNG.standard_normal((50_000, 64), dtype=np.float32)
TEXT = RNG.standard_normal((1, 257, 64), dtype=np.float32)


def words(subject):
    """Indices, and cotangents of their rows."""
    count = int(subject.split()[0])
    return RNG.integers(0, len(TABLE), count), RNG.standard_normal((count, 64), dtype=np.float32)


def minigrad(subject):
    import minigrad as mg
    from minigrad import nn

    if subject == "LSTM":
        lstm, x = nn.LSTM(64, 64, rng=0).astype(np.float32), mg.tensor(SEQUENCES, requires_grad=True)
        return lambda: lstm(x)[0].backward(SEQUENCES)
    if subject.endswith("words"):
        table, (indices, cotangents) = mg.tensor(TABLE, requires_grad=True), words(subject)

        def look_up():
            table.grad = None
            nn.functional.embedding(indices, table).backward(cotangents)

        return look_up
    layer = nn.TransformerEncoderLayer(64, 4, 256, dropout=0.0, batch_first=True, norm_first=True, rng=0)
    model = nn.TransformerEncoder(layer, 2).astype(np.float32).eval()
    with mg.no_grad():
        cache = model(TEXT[:, :-1], is_causal=True, cache=model.new_cache(1))[1]

    def go_on():
        with mg.no_grad():
            if subject == "element, cache":
                return model(TEXT[:, -1:], is_causal=True, cache=cache)
            return model(TEXT, is_causal=True)

    return go_on


def torch(subject):
    import torch
    from torch import nn

    torch.set_num_threads(int(THREADS))
    if subject == "LSTM":
        lstm, x, g = nn.LSTM(64, 64), torch.tensor(SEQUENCES, requires_grad=True), torch.tensor(SEQUENCES)
        return lambda: lstm(x)[0].backward(g)
    if subject.endswith("words"):
        table, (indices, cotangents) = torch.tensor(TABLE, requires_grad=True), map(torch.tensor, words(subject))

        def look_up():
            table.grad = None
            nn.functional.embedding(indices, table).backward(cotangents)

        return look_up
    layer = nn.TransformerEncoderLayer(64, 4, 256, dropout=0.0, batch_first=True, norm_first=True)
    model = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False).eval()
    mask, x = nn.Transformer.generate_square_subsequent_mask(TEXT.shape[1]), torch.tensor(TEXT)

    def go_on():
        with torch.no_grad():
            return model(x, mask, is_causal=True)

    return go_on


CONTENDERS = {"minigrad": minigrad, "torch": torch}
SUBJECTS = ("LSTM", "256 words", "4096 words", "16384 words", "element, no cache", "element, cache")


def main():
    for subject in SUBJECTS:
        note = "; PyTorch has no cache" if "element" in subject else ""
        times = take_turns(__name__, CONTENDERS, subject)
        report(f"{subject}; a process each, {THREADS} threads{note}", times, "torch")


if __name__ == "__main__":
    await_turns(CONTENDERS[sys.argv[1]](sys.argv[2]))
