"""SciPy's functions and solvers with derivatives, beside SciPy itself and derivatives by hand.

A call of a special function costs what SciPy's costs and a little more; a minimum is found with gradients of minigrad
and with those that were worked out by hand; a solution of an ordinary differential equation takes its time, and its
derivative by four parameters takes a multiple of it.
"""

from .timing import medians, prepare, report

if __name__ == "__main__":
    prepare()

import numpy as np
import scipy.integrate
import scipy.optimize
import scipy.special

import minigrad as mg
from minigrad.scipy import integrate, optimize

COMPILED = {"": None, ", numpy": "numpy", ", native": "native"}
START = np.full(100, -1.0)
DAYS = np.linspace(0, 10, 11)
HARES = np.array([1.0, 0.5])
RATES = np.array([1.0, 0.8, 1.2, 0.6])


def rosenbrock(x):
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def by_hand(x):
    """The derivative of the Rosenbrock function."""
    slope = np.zeros_like(x)
    between = x[1:] - x[:-1] ** 2
    slope[1:] += 200 * between
    slope[:-1] -= 400 * x[:-1] * between + 2 * (1 - x[:-1])
    return slope


def minima(method):
    """Minimisers of the Rosenbrock function of 100 numbers, by name."""
    contenders = {"by hand": lambda: scipy.optimize.minimize(rosenbrock, START, jac=by_hand, method=method)}
    for name, backend in COMPILED.items():
        contenders["minigrad" + name] = lambda b=backend: optimize.minimize(rosenbrock, START, method=method, compile=b)
    return contenders


def hunt(state, t, rates):
    """Hares and lynxes, in NumPy."""
    hares, lynxes = state[0], state[1]
    return np.stack([rates[0] * hares - rates[1] * hares * lynxes, rates[2] * hares * lynxes - rates[3] * lynxes])


def flows(mode, backend):
    """A solution, and its gradient by the rates, by name."""

    def solution(rates):
        return integrate.odeint(hunt, HARES, DAYS, (rates,), mode=mode, compile=backend)

    slope = mg.grad(lambda rates: np.sum(solution(rates) ** 2))
    return {"solution": lambda: solution(RATES), "gradient": lambda: slope(RATES)}


def main():
    for size in (3, 1000):
        x = np.linspace(0.5, 5, size)
        leaf = mg.tensor(x, requires_grad=True)
        calls = {"array": lambda x=x: scipy.special.gammaln(x), "Tensor": lambda t=leaf: scipy.special.gammaln(t)}
        report(f"scipy.special.gammaln of {size} numbers", medians(calls, repeats=31), "array")
    for method in ("BFGS", "L-BFGS-B"):
        report(f"minimum of Rosenbrock(100), {method}", medians(minima(method), repeats=7), "by hand")
    scipys = medians({"SciPy": lambda: scipy.integrate.odeint(hunt, HARES, DAYS, (RATES,))})
    report("odeint of 2 states and 4 rates, SciPy alone", scipys, "SciPy")
    for mode in ("forward", "adjoint"):
        for backend in ("numpy", "native"):
            report(f"odeint, {mode}, {backend}", medians(flows(mode, backend)), "solution")


if __name__ == "__main__":
    main()
