"""A law of physics
================

What swings here, and how fast does it come to rest? A network finds out from a few measurements and the law.

A damped oscillator obeys x'' + 2 d x' + w^2 x = 0, with a damping d and a frequency w that we do not know. A small
network x(t) is fitted to measurements; at the same time, d and w and the network are fitted to the law, for which the
network is derived twice by the time, and all that by its parameters.

Run it: python examples/fit_physics.py [steps] [folder for the picture]
"""

import pathlib
import sys

import numpy as np

import minigrad as mg
from minigrad import nn, optim

# %%
# The measurements, made from the exact solution with some noise.

DAMPING, FREQUENCY = 0.15, 2.0  # the truth


def measured(times, noise, rng):
    """The position of a swing that was let go at 1, at some times, with errors of measurement."""
    w = np.sqrt(FREQUENCY**2 - DAMPING**2)
    exact = np.exp(-DAMPING * times) * (np.cos(w * times) + DAMPING / w * np.sin(w * times))
    return exact + rng.normal(scale=noise, size=times.shape)


# %%
# The network, its derivatives with respect to time in forward mode, and the law.


class Swing(nn.Module):
    """x(t): (n, 1) -> (n, 1), and the two unknowns of its law."""

    def __init__(self, width, rng):
        self.position = nn.Sequential(
            *(nn.Linear(1, width, rng=rng), nn.Tanh()),
            *(nn.Linear(width, width, rng=rng), nn.Tanh()),
            nn.Linear(width, 1, rng=rng),
        )
        self.damping, self.frequency = nn.Parameter(np.array(0.5)), nn.Parameter(np.array(1.0))

    def velocity(self, t):
        """x'(t): all times at once, as each position depends on its own time alone."""
        return mg.jvp(self.position, (t,), (mg.ones_like(t),))[1]

    def acceleration(self, t):
        """x''(t)."""
        return mg.jvp(self.velocity, (t,), (mg.ones_like(t),))[1]

    def forward(self, t):
        """How far the law is from being obeyed."""
        x, v, a = self.position(t), self.velocity(t), self.acceleration(t)
        return a + 2 * self.damping * v + self.frequency**2 * x


# %%
# The picture: measurements, and the curve that was found.


def save_picture(swing, times, positions, path):
    """The measurements, and what the network made of them."""
    try:
        from matplotlib import pyplot
    except ImportError:
        return print("For a picture, install Matplotlib: python -m pip install matplotlib")
    everywhere = np.linspace([0.0], [6.0], 200)
    figure, panel = pyplot.subplots(figsize=(6, 4))
    panel.plot(everywhere, swing.position(everywhere).detach().numpy())
    panel.scatter(times, positions, s=12, color="black")
    panel.set(xlabel="time", ylabel="position")
    figure.savefig(path)
    return print(f"Picture: {path.name}")


# %%
# The training. L-BFGS calls a compiled function for the loss and the gradients.


def main(steps=100, folder="."):
    rng = np.random.default_rng(0)
    times = np.sort(rng.uniform(0, 6, size=(60, 1)), axis=0)
    positions = measured(times, noise=1e-3, rng=rng)
    everywhere = np.linspace([0.0], [6.0], 100)
    swing = Swing(24, rng)
    optimizer = optim.LBFGS(swing.parameters(), tolerance_grad=0.0, tolerance_change=0.0)

    @mg.compile
    def distance():
        """From the measurements and from the law; leaves the slopes by all parameters."""
        optimizer.zero_grad()
        loss = mg.mean((swing.position(times) - positions) ** 2) + 1e-2 * mg.mean(swing(everywhere) ** 2)
        loss.backward()
        return loss.detach()

    for step in range(1, steps + 1):
        loss = optimizer.step(distance)
        if step % max(steps // 10, 1) == 0:
            d, w = swing.damping.item(), swing.frequency.item()
            print(f"step {step:5}: loss {float(loss):.1e}, damping {d:.5f}, frequency {w:.5f}")
    errors = abs(swing.damping.item() - DAMPING), abs(swing.frequency.item() - FREQUENCY)
    print(f"Away from the truth by {errors[0]:.1e} in the damping, by {errors[1]:.1e} in the frequency")
    save_picture(swing, times, positions, pathlib.Path(folder) / "fit_physics.png")


if __name__ == "__main__":
    main(*[int(argument) if argument.isdigit() else argument for argument in sys.argv[1:]])
