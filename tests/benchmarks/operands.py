"""Operators and functions with plain arrays, as the data of a network is, beside the same with Tensors."""

import operator

import numpy as np

import minigrad as mg

from .calls import many
from .timing import medians
from .tutorial import W, X, Y


def pairs():
    """Calls with an ndarray, or by NumPy's function, and the same with a Tensor, or by minigrad's, by name."""
    x, y, w = mg.tensor(X), mg.tensor(Y), mg.tensor(W, requires_grad=True)
    out = mg.sigmoid(x @ w)
    return {
        "X @ w": (many(operator.matmul, X, w), many(operator.matmul, x, w)),
        "Y - out": (many(operator.sub, Y, out), many(operator.sub, y, out)),
        "out - Y": (many(operator.sub, out, Y), many(operator.sub, out, y)),
        "np.float64(2) * out": (many(operator.mul, np.float64(2), out), many(operator.mul, 2.0, out)),
        "np.exp(w)": (many(np.exp, w), many(mg.exp, w)),
        "np.matmul(X, w)": (many(np.matmul, X, w), many(mg.matmul, x, w)),
        "np.sum(out)": (many(np.sum, out), many(mg.sum, out)),
    }


def main(n=1000):
    print("\noperands of the tutorial's size: with an ndarray, a NumPy scalar or NumPy's function / with Tensors")
    for name, (plain, tensors) in pairs().items():
        times = medians({"plain": plain, "tensors": tensors}, repeats=31)
        ratio = times["plain"] / times["tensors"]
        print(f"  {name:<34}{1e6 * times['plain'] / n:12.2f} us{1e6 * times['tensors'] / n:12.2f} us{ratio:9.3g} x")
