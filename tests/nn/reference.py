"""The values in the .npz files, which make_reference.py has made with PyTorch."""

import numpy as np

import minigrad as mg

from .make_reference import HERE

# References are right to their last few digits; what was summed in another order differs by as much.
CLOSE = {"rtol": 1e-10, "atol": 1e-12}


class Reference:
    """Arrays by names with slashes in them, such as "Linear/before/weight"."""

    def __init__(self, name):
        with np.load(HERE / f"{name}.npz") as file:
            self.arrays = dict(file)

    def __getitem__(self, name):
        return self.arrays[name]

    def below(self, prefix):
        return {name[len(prefix) :]: x for name, x in self.arrays.items() if name.startswith(prefix)}


def check(reference, key, function):
    """Compare an output, and the gradient of its product with a fixed array; answers the input."""
    x = mg.tensor(reference[f"{key}/x"], requires_grad=True)
    y = function(x)
    np.testing.assert_allclose(y.detach(), reference[f"{key}/y"], **CLOSE)
    y.backward(np.random.default_rng(9).normal(size=y.shape))
    np.testing.assert_allclose(x.grad, reference[f"{key}/dx"], **CLOSE)
    return x
