"""The public functions: each is there under its name, and is a function of a registered operation."""

import inspect

import numpy as np
import pytest

import minigrad as mg
from minigrad import functions

NAMES = sorted(
    name
    for name, value in vars(functions).items()
    if inspect.isfunction(value) and value.__module__ != "minigrad.methods"
)


@pytest.mark.parametrize("name", [n for n in NAMES if not n.startswith("_")])
def test_public_functions_are_in_the_package(name):
    """mg has each function under its name, and it knows its name."""
    function = getattr(mg, name, None)
    if function is None:
        pytest.skip("is there for the module alone")
    assert callable(function)
    assert function.__name__


def test_functions_shadow_nothing_that_the_package_needs():
    """mg.sum, mg.abs and the like are ours, and Python's own stay what they were for everybody else."""
    assert mg.sum is not sum
    assert mg.abs is not abs
    assert sum([1, 2]) == 3
    assert mg.sum(mg.tensor([1.0, 2.0])).item() == 3
    np.testing.assert_array_equal(mg.abs(np.array([-1.0])), [1])


def test_composed_functions_have_docstrings():
    """A function that is made of others has a docstring: its own, or that of NumPy's function."""
    assert all(f.__doc__ for f in (mg.clip, mg.moveaxis, mg.tile))
