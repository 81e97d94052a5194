"""A Gaussian process
==================

A curve through noisy points, and how far it is to be trusted, where nobody knows what formula the curve has.

A Gaussian process says only that values at near places are alike. How near, how alike, and how noisy: these three are
found where the evidence, the probability of the data, is greatest. SciPy climbs there by gradients that minigrad takes
through the Cholesky factor.

Run it: python examples/gaussian_process.py [seed] [folder for the picture]
"""

import pathlib
import sys
import time

import numpy as np

import minigrad as mg
from minigrad.scipy import optimize

# %%
# The data: a curve that swings faster and faster, with a gap.


def measured(count, rng):
    """Places and noisy values, (count,) each."""
    x = np.sort(np.concatenate([rng.uniform(0, 3, count // 2), rng.uniform(4, 6, count - count // 2)]))
    return x, np.sin(x**1.5) + rng.normal(scale=0.1, size=count)


# %%
# The process: how alike two values are, and what that says of the data.


def likeness(a, b, p):
    """The covariances of the values at places a and b, (a, b)."""
    scale, length = np.exp(p["scale"]), np.exp(p["length"])
    return scale**2 * np.exp(-(((a[:, None] - b) / length) ** 2) / 2)


def factor(x, p):
    """The Cholesky factor of the covariances of the data."""
    return np.linalg.cholesky(likeness(x, x, p) + np.exp(2 * p["noise"]) * np.eye(len(x)))


def surprise(p, x, y):
    """Minus the logarithm of the evidence, but for a constant."""
    root = factor(x, p)
    white = np.linalg.solve(root, y)
    return white @ white / 2 + np.sum(np.log(np.diagonal(root)))


def predicted(where, p, x, y):
    """The mean and the standard deviation of the curve at some places, given the data."""
    root = factor(x, p)
    across = np.linalg.solve(root, likeness(x, where, p))
    variance = np.exp(2 * p["scale"]) - np.sum(across**2, axis=0)
    return across.T @ np.linalg.solve(root, y), np.sqrt(np.maximum(variance, 0))


# %%
# The picture: the points, and the band in which the curve lies.


def save_picture(p, x, y, path):
    try:
        from matplotlib import pyplot
    except ImportError:
        return print("For a picture, install Matplotlib: python -m pip install matplotlib")
    where = np.linspace(0, 6.5, 300)
    mean, deviation = predicted(where, p, x, y)
    figure, panel = pyplot.subplots(figsize=(6, 4))
    panel.fill_between(where, mean - 2 * deviation, mean + 2 * deviation, alpha=0.2)
    panel.plot(where, mean)
    panel.plot(where, np.sin(where**1.5), color="gray", linestyle=":")
    panel.scatter(x, y, s=12, color="black")
    figure.savefig(path)
    return print(f"Picture: {path.name}")


# %%
# The search, compiled: the evidence and its gradient are recorded once. The Hessian tells how far the three are known,
# and the slope of the curve is a derivative as well.


def main(seed=0, folder="."):
    x, y = measured(60, np.random.default_rng(seed))
    start = {"scale": np.array(0.0), "length": np.array(0.0), "noise": np.array(-1.0)}
    begin = time.perf_counter()
    best = optimize.minimize(surprise, start, (x, y), tol=1e-3, compile="numpy")
    seconds = time.perf_counter() - begin
    print(f"{best.nfev} evaluations in {seconds:.2f} s; minus the log-evidence is {best.fun:.2f}")
    names = list(start)
    curvature = mg.hessian(lambda logs: surprise(dict(zip(names, logs, strict=True)), x, y))
    errors = np.sqrt(np.diag(np.linalg.inv(curvature(np.stack(list(best.x.values()))))))
    for name, error in zip(names, errors, strict=True):
        print(f"{name:6} {np.exp(best.x[name]):.3f} +- {error:.0%}")
    inside, gap = (predicted(np.array([place]), best.x, x, y)[1].item() for place in (1.5, 3.5))
    print(f"The curve is known to {inside:.3f} among the points, and to {gap:.3f} in the gap")
    slope = mg.grad(lambda place: predicted(np.reshape(place, (1,)), best.x, x, y)[0][0])(2.5)
    print(f"At 2.5 its slope is {slope:.2f}; the truth's is {1.5 * np.sqrt(2.5) * np.cos(2.5**1.5):.2f}")
    save_picture(best.x, x, y, pathlib.Path(folder) / "gaussian_process.png")


if __name__ == "__main__":
    main(*[int(argument) if argument.isdigit() else argument for argument in sys.argv[1:]])
