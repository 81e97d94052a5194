"""Numeric derivatives in double precision, good to about ten digits."""

import numpy as np


def extrapolated(f, h=0.004, rows=6):
    """The derivative at 0 of a function of one number, with values that are arrays.

    Central differences for steps h, h/2, h/4, ..., whose error is a series in h squared, extrapolated to h = 0 by
    Richardson's scheme. Of its table, the element counts that changed least against its neighbours (Ridders 1982).
    """
    table, best, error = [], None, np.inf
    for i in range(rows):
        step = h / 2**i
        row = [(f(step) - f(-step)) / (2 * step)]
        for k in range(i):
            row.append(row[k] + (row[k] - table[k]) / (4 ** (k + 1) - 1))
            change = max(size_of(row[k + 1] - row[k]), size_of(row[k + 1] - table[k]))
            if change < error:
                best, error = row[k + 1], change
        table = row
    return best


def complex_step(f, h=1e-30):
    """The derivative at 0 of an analytic function: Im f(ih) / h, which has no cancellation (Squire & Trapp 1998)."""
    return np.imag(f(1j * h)) / h


def size_of(x):
    return float(np.max(np.abs(x), initial=0))


def gradient(f, arrays, i, derivative=extrapolated):
    """The gradient of a function with a number as its value, with respect to ``arrays[i]``, element by element."""
    answer = np.zeros(arrays[i].shape)
    for position in np.ndindex(arrays[i].shape):
        direction = np.zeros(arrays[i].shape)
        direction[position] = 1
        answer[position] = derivative(lambda h, d=direction: f(*arrays[:i], arrays[i] + h * d, *arrays[i + 1 :]))
    return answer


def relative_error(got, want, scale=0.0):
    """The largest difference, in units of the largest number wanted, or of `scale` where terms of that size cancel."""
    assert np.shape(got) == np.shape(want)
    return size_of(np.asarray(got, float) - want) / max(size_of(want), scale, 1e-3)
