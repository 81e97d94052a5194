"""From training to production
===========================

A network learns to tell from four measurements whether a machine is about to fail. It is written to a file of ONNX,
which another program runs: onnxruntime, without minigrad. The file takes measurements as they come and returns a
probability.

Run it: python examples/to_production.py [epochs] [folder for the file]
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
# The data: temperature, pressure, vibration and age of machines, in their own units. Those that are hot fail, and those
# that are old and shake.


def machines(count, rng):
    """Measurements (count, 4) in single precision, and whether the machine fails: (count, 1), 0 or 1."""
    standard = rng.normal(size=(count, 4))
    risk = 2 * standard[:, 0] + 3 * standard[:, 2] * standard[:, 3] - 1
    measured = np.array([70, 3, 0.2, 1000]) + standard * np.array([10, 0.5, 0.05, 400])
    return measured.astype(np.float32), (rng.logistic(size=count) / 4 < risk)[:, None].astype(np.float32)


# %%
# The model: what is done to the measurements before the network belongs to the file, so that nobody has to repeat it.


class Alarm(nn.Module):
    """The probability that a machine fails, of its measurements as they come."""

    def __init__(self, measured, rng):
        self.mean, self.deviation = nn.Buffer(measured.mean(axis=0)), nn.Buffer(measured.std(axis=0))
        self.network = nn.Sequential(
            *(nn.Linear(4, 32, rng=rng), nn.GELU(), nn.Dropout(0.1, rng=rng)),
            *(nn.Linear(32, 32, rng=rng), nn.GELU(), nn.Linear(32, 1, rng=rng)),
        )

    def forward(self, measured):
        return {"probability": mg.sigmoid(self.network((measured - self.mean) / self.deviation))}


def loss(outputs, fails):
    return F.binary_cross_entropy(outputs["probability"], fails)


def trained(measured, fails, epochs, rng):
    """A model, trained in single precision."""
    model = Alarm(measured, rng).astype(np.float32)
    loader = DataLoader((measured, fails), 100, shuffle=True, rng=rng)
    train.fit(model, loss, optim.AdamW(model.parameters(), lr=0.01), loader, epochs)
    return model.eval()


# %%
# The file, and the other program. Its answers are those of minigrad, for any number of machines.


def main(epochs=20, folder="."):
    try:
        import onnxruntime
    except ImportError:
        return print("For the file, install onnxruntime and, in the checkout, python -m pip install '.[onnx]'")
    rng = np.random.default_rng(0)
    model = trained(*machines(4000, rng), epochs, rng)
    measured, fails = machines(2000, rng)
    path = pathlib.Path(folder) / "alarm.onnx"
    mg.onnx.export(model, measured[:1], path)

    session = onnxruntime.InferenceSession(path)
    (probability,) = session.run(["probability"], {"measured": measured})
    print(f"Held-out machines judged rightly: {np.mean((probability > 0.5) == fails):.1%}")
    with mg.no_grad():
        own = model(measured)["probability"].numpy()
    print(f"Largest difference from minigrad: {np.max(np.abs(probability - own)):.1e}")
    begun = time.perf_counter()
    for row in measured[:500]:
        session.run(None, {"measured": row[None]})
    took = (time.perf_counter() - begun) / 500
    return print(f"One machine in {took * 1e6:.0f} microseconds, by a file of {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main(*[int(argument) if argument.isdigit() else argument for argument in sys.argv[1:]])
