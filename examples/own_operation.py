"""An operation of one's own
=========================

Where is the comet? An operation of one's own solves Kepler's equation, and a training finds the orbit with it.

On an ellipse of eccentricity e a body moves by the angle E for which E - e sin(E) = M, where M grows evenly with time.
There is no formula for E; Newton's method finds it. Its derivative needs none of these steps: by the rule for implicit
functions it is dE/dM = 1 / (1 - e cos(E)) and dE/de = sin(E) / (1 - e cos(E)).

Run it: python examples/own_operation.py [epochs] [folder for the picture]
"""

import pathlib
import sys

import numpy as np

import minigrad as mg
from minigrad import nn, optim, train
from minigrad.nn import functional as F
from minigrad.testing import gradcheck

# %%
# The operation: a function in plain NumPy, and a rule for each argument.


@mg.primitive(
    lambda g, y, m, e: g / (1 - e * np.cos(y)),
    lambda g, y, m, e: g * np.sin(y) / (1 - e * np.cos(y)),
)
def kepler(m, e):
    """The eccentric anomaly E of a mean anomaly and an eccentricity from 0 to 0.9, element by element."""
    y = m + e * np.sin(m)
    for _ in range(12):
        y = y - (y - e * np.sin(y) - m) / (1 - e * np.cos(y))
    return y


# %%
# It is used like any other function, here in a module.


class Orbit(nn.Module):
    """Times (n, 1) -> positions (n, 2), on an ellipse around a sun at (0, 0)."""

    def __init__(self, size, eccentricity, period):
        self.size, self.period = nn.Parameter(np.array(size)), nn.Parameter(np.array(period))
        self.shape = nn.Parameter(np.log(eccentricity / (1 - eccentricity)))  # any number makes an ellipse

    @property
    def eccentricity(self):
        return mg.sigmoid(self.shape)

    def forward(self, times):
        e = self.eccentricity
        angle = kepler(2 * np.pi * times / self.period, e)
        return self.size * mg.concatenate([mg.cos(angle) - e, mg.sqrt(1 - e**2) * mg.sin(angle)], axis=1)

    def __str__(self):
        return (
            f"size {self.size.item():.4f}, eccentricity {self.eccentricity.item():.4f}, period {self.period.item():.4f}"
        )


# %%
# The picture: the orbit that was found, around its sun.


def save_picture(guess, observed, path):
    """The places that were watched, and the orbit that was found, around its sun."""
    try:
        from matplotlib import pyplot
    except ImportError:
        return print("For a picture, install Matplotlib: python -m pip install matplotlib")
    figure, panel = pyplot.subplots(figsize=(6, 4))
    panel.plot(*guess(np.linspace([0.0], [guess.period.item()], 400)).detach().numpy().T)
    panel.scatter(*observed.T, s=12, color="black")
    panel.scatter([0], [0], s=120, color="orange")
    panel.set_aspect("equal")
    figure.savefig(path)
    return print(f"Picture: {path.name}")


# %%
# ``gradcheck`` compares the rules with measured slopes first. Then the orbit is found from 80 noisy places.


def main(epochs=1500, folder="."):
    rng = np.random.default_rng(0)
    gradcheck(kepler, (rng.uniform(-3, 3, size=(5, 1)), rng.uniform(0.1, 0.8, size=4)), order=2)
    print("The rules agree with slopes measured from the function, and so do the derivatives of the rules.")
    comet = Orbit(size=2.0, eccentricity=0.7, period=3.0)
    times = rng.uniform(0, 5, size=(80, 1))
    with mg.no_grad():
        observed = comet(times).numpy() + rng.normal(scale=0.01, size=(80, 2))
    guess = Orbit(size=1.0, eccentricity=0.3, period=2.7)
    print(f"A first guess of the orbit: {guess}")
    optimizer = optim.Adam(guess.parameters(), lr=0.02)
    schedule = optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs)
    history = train.fit(guess, F.mse_loss, optimizer, [(times, observed)], epochs, schedule=schedule, compile="numpy")
    print(f"After {epochs} epochs:         {guess}; mean squared error {history['loss'][-1]:.1e}")
    print(f"The comet that was watched: {comet}; errors of 1e-2 in each coordinate")
    save_picture(guess, observed, pathlib.Path(folder) / "own_operation.png")


if __name__ == "__main__":
    main(*[int(argument) if argument.isdigit() else argument for argument in sys.argv[1:]])
