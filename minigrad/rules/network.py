"""Functions of neural networks, in forms that neither overflow nor lose small numbers."""

from contextvars import Context

import numpy as np

from ..primitive import elementwise

# NumPy keeps its error state in a context variable: a call in a copy of this context costs a tenth of np.errstate.
quiet = Context()
quiet.run(np.seterr, over="ignore", under="ignore")


def _sigmoid(x, exp=np.exp, reciprocal=np.reciprocal):
    return reciprocal(1.0 + exp(-x))  # where exp overflows to inf, 1 / inf is the right answer


def sigmoid(x):
    """The logistic function, 1 / (1 + exp(-x)), exact at both ends."""
    return quiet.copy().run(_sigmoid, x)


sigmoid = elementwise(sigmoid, lambda g, y, *_: g * y * (1.0 - y))
