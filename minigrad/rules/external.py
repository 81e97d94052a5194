"""Functions of other libraries, and of loops, as one step of NumPy's protocol."""

from functools import wraps

import numpy as np


def external(function):
    """A function that knows nothing of NumPy's protocols, as one that a recording takes as a single step."""

    @wraps(function)
    def compute(*args, **options):
        for x in args:
            if hasattr(x, "__array_function__") and not isinstance(x, np.ndarray | np.generic):
                return x.__array_function__(compute, (type(x),), args, options)
        return function(*args, **options)

    compute.__name__ = function.__name__.lstrip("_")  # as errors name it
    return compute
