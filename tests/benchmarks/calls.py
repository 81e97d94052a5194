"""What one call costs on four numbers: by hand, recorded, and in each way of writing it."""

import operator
from functools import partial

import numpy as np

import minigrad as mg

from .timing import medians, report

ARRAY = np.ones(4)


def many(call, *args, n=1000):
    """n calls as one, so that the loop around them costs little."""

    def run():
        for _ in range(n):
            call(*args)

    return run


def unrecorded(call, *args):
    def run():
        with mg.no_grad():
            call(*args)

    return run


def watched(call, *args):
    def run():
        with mg.detect_anomaly():
            call(*args)

    return run


def measured(title, calls, n=1000):
    """Report microseconds of a call."""
    times = medians(calls)
    report(title, {name: seconds / n for name, seconds in times.items()}, next(iter(calls)))


def main():
    x = mg.tensor(ARRAY, requires_grad=True)
    c = mg.tensor(ARRAY)
    measured(
        "a product of two arrays of 4 numbers",
        {
            "a * a, of arrays": many(operator.mul, ARRAY, ARRAY),
            "x * x, recorded": many(operator.mul, x, x),
            "np.multiply(x, x), recorded": many(np.multiply, x, x),
            "c * c, of constant Tensors": many(operator.mul, c, c),
            "x * x under no_grad()": unrecorded(many(operator.mul, x, x)),
            "x * x in detect_anomaly()": watched(many(operator.mul, x, x)),
        },
    )
    measured(
        "other calls on 4 numbers",
        {
            "np.exp(a), of an array": many(np.exp, ARRAY),
            "mg.exp(x)": many(mg.exp, x),
            "np.exp(x)": many(np.exp, x),
            "x.sum()": many(x.sum),
            "np.sum(a), of an array": many(np.sum, ARRAY),
            "x[1:3]": many(operator.getitem, x, slice(1, 3)),
            "a[1:3], of an array": many(operator.getitem, ARRAY, slice(1, 3)),
            "mg.where(mask, x, 0.0)": many(mg.where, ARRAY > 0, x, 0.0),
            "mg.concat([x, x])": many(mg.concat, [x, x]),
            "x.detach()": many(x.detach),
            "mg.tensor(a)": many(mg.tensor, ARRAY),
            "with mg.no_grad(): pass": many(partial(unrecorded(float))),
        },
    )

    def forward_and_backward():
        (x * x).sum().backward()

    measured("(x * x).sum().backward()", {"forward and backward": many(forward_and_backward)})
