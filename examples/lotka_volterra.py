"""Hares and lynxes
================

What drives a population, and how sure can we be of it? The parameters of a differential equation are found from the
furs that a company bought in twenty-one years, with their uncertainties.

Lynxes eat hares: the hares' number h and the lynxes' number l obey h' = a h - b h l and l' = d h l - c l. SciPy solves
the equation and fits it; minigrad differentiates the solution, and so the fit.

Run it: python examples/lotka_volterra.py [evaluations] [folder for the picture]
"""

import pathlib
import sys

import numpy as np

import minigrad as mg
from minigrad.scipy import integrate, optimize

# %%
# Thousands of furs of the Hudson's Bay Company, 1900 to 1920 (Elton & Nicholson, J. Animal Ecology 11, 1942).

YEARS = np.arange(1900.0, 1921.0)
HARES = [30, 47.2, 70.2, 77.4, 36.3, 20.6, 18.1, 21.4, 22, 25.4, 27.1, 40.3, 57, 76.6, 52.3, 19.5, 11.2, 7.6, 14.6]
LYNXES = [4, 6.1, 9.8, 35.2, 59.4, 41.7, 19, 13, 8.3, 9.1, 7.4, 8, 12.3, 19.5, 45.7, 51.1, 29.7, 15.8, 9.7]
FURS = np.array([[*HARES, 16.2, 24.7], [*LYNXES, 10.1, 8.6]]).T
NAMES = ("hares are born", "hares are eaten", "lynxes die", "lynxes are fed", "hares in 1900", "lynxes in 1900")

# %%
# The equation and its solution. All six unknowns are positive: they are exponentials of what is fitted.


def hunt(numbers, year, rates):
    """How fast the numbers of hares and lynxes change, a year."""
    hares, lynxes = numbers
    eaten = hares * lynxes
    return np.stack([rates[0] * hares - rates[1] * eaten, rates[3] * eaten - rates[2] * lynxes])


def populations(logs, years):
    """The numbers of both in some years, (years, 2)."""
    unknowns = np.exp(logs)
    return integrate.odeint(hunt, unknowns[4:], years, (unknowns[:4],), compile="numpy")


# %%
# The errors of the furs are relative. The Jacobian of the solution tells how far the unknowns are known.


def misfit(logs):
    return np.log(populations(logs, YEARS) / FURS)


def fitted(evaluations):
    """The unknowns' logarithms, and their covariances."""
    first = np.log([0.5, 0.03, 0.8, 0.03, 30.0, 4.0])
    try:
        fit = optimize.least_squares(misfit, first, max_nfev=evaluations)
    except mg.SolverError as error:  # not there yet
        fit = error.result
    variance = np.sum(fit.fun**2) / (FURS.size - len(first))
    return fit.x, variance * np.linalg.inv(fit.jac.T @ fit.jac)


# %%
# The picture: the furs, the curves, and the bands in which they lie, from the solution's derivatives.


def save_picture(logs, covariance, path):
    try:
        from matplotlib import pyplot
    except ImportError:
        return print("For a picture, install Matplotlib: python -m pip install matplotlib")
    years = np.linspace(1900, 1920, 121)
    curves, slopes = populations(logs, years), mg.jacobian(populations)(logs, years)
    band = 2 * np.sqrt(np.einsum("tip,pq,tiq->ti", slopes, covariance, slopes))
    figure, panel = pyplot.subplots(figsize=(6, 4))
    for i, (name, color) in enumerate((("hares", "tab:orange"), ("lynxes", "tab:blue"))):
        panel.fill_between(years, curves[:, i] - band[:, i], curves[:, i] + band[:, i], color=color, alpha=0.2)
        panel.plot(years, curves[:, i], color=color, label=name)
        panel.scatter(YEARS, FURS[:, i], s=12, color=color)
    panel.set(xlabel="year", ylabel="furs, in thousands", xticks=range(1900, 1921, 5))
    panel.legend()
    figure.savefig(path)
    return print(f"Picture: {path.name}")


# %%
# The fit. A small error of a logarithm is a relative one.


def main(evaluations=30, folder="."):
    logs, covariance = fitted(evaluations)
    for name, value, error in zip(NAMES, np.exp(logs), np.sqrt(np.diag(covariance)), strict=True):
        print(f"{name:15} {value:8.4f} +- {error:.0%}")
    cycle = 2 * np.pi / np.exp((logs[0] + logs[2]) / 2)  # of small swings around the equilibrium
    print(f"A small cycle takes {cycle:.1f} years; off by {np.exp(np.mean(np.abs(misfit(logs)))) - 1:.0%} on the mean")
    save_picture(logs, covariance, pathlib.Path(folder) / "lotka_volterra.png")


if __name__ == "__main__":
    main(*[int(argument) if argument.isdigit() else argument for argument in sys.argv[1:]])
