"""Running sums and products by the Array API's names, vector norms and ranges."""

import numpy as np

from ..core.primitive import composed
from ..rules.precision import as_floats
from ..rules.reductions import power_norm, running_product, running_sum, total


def _running(function, first):
    def compute(x, /, *, axis=None, dtype=None, include_initial=False):
        if axis is None and np.ndim(x) > 1:
            raise ValueError(
                f"{function.name} of an array of more than one axis needs axis=; got one of shape {np.shape(x)}"
            )
        axis = 0 if axis is None else axis
        y = function(x, axis=axis, dtype=dtype) if dtype else function(x, axis=axis)
        if not include_initial:
            return y
        start = list(np.shape(y))
        start[axis] = 1
        return np.concatenate([first(y, shape=tuple(start)), y], axis=axis)

    compute.__doc__ = f"As np.{function.name}, with the Array API's arguments."
    return compute


def composed_by_name(name, function, module=np):
    """Register what `function` composes under our own name, and under NumPy's where this version has it."""
    function.__name__ = function.__qualname__ = name
    if hasattr(module, name):  # pragma: no branch: depends on NumPy's version
        composed(getattr(module, name))(function)
    return composed(function)(function)


cumulative_sum = composed_by_name("cumulative_sum", _running(running_sum, np.zeros_like))
cumulative_prod = composed_by_name("cumulative_prod", _running(running_product, np.ones_like))


@composed(np.linalg.vector_norm)
def vector_norm(x, /, *, axis=None, keepdims=False, ord=2):
    x = as_floats(x)
    if ord == np.inf and np.size(x):
        return np.max(np.abs(x), axis=axis, keepdims=keepdims)
    if ord == -np.inf:
        return np.min(np.abs(x), axis=axis, keepdims=keepdims)
    if ord == 0:
        return total(np.abs(np.sign(x)), axis=axis, keepdims=keepdims)
    if ord in (1, np.inf):  # the largest of nothing is 0
        return total(np.abs(x), axis=axis, keepdims=keepdims)
    return power_norm(x, axis, keepdims, ord)


@composed(np.ptp)
def ptp(a, axis=None, out=None, keepdims=False):
    return np.max(a, axis=axis, keepdims=keepdims) - np.min(a, axis=axis, keepdims=keepdims)
