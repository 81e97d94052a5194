"""The public functions: each is there under its name, and is a function of a registered operation."""

import inspect
from operator import attrgetter

import numpy as np
import pytest

import minigrad as mg
from minigrad.core.primitive import REGISTRY
from minigrad.ops import functions

NAMES = sorted(
    name
    for name, value in vars(functions).items()
    if inspect.isfunction(value) and value.__module__ != "minigrad.core.array"
)


# All that is promised, by subject; those of NumPy's names stand last.
PROMISED = """
    add subtract multiply divide negative positive abs square sqrt reciprocal pow exp expm1 log log1p log2 log10 sin cos
    tan asin acos atan atan2 sinh cosh tanh asinh acosh atanh maximum minimum clip logaddexp hypot remainder copysign
    sign floor ceil round trunc cbrt exp2 sinc erf xlogy sigmoid where

    sum mean prod max min var std cumulative_sum cumulative_prod linalg.vector_norm logsumexp softmax log_softmax

    matmul tensordot vecdot matrix_transpose einsum linalg.outer linalg.trace linalg.diagonal linalg.inv linalg.solve
    linalg.det linalg.slogdet linalg.cholesky linalg.matrix_norm linalg.cross

    reshape permute_dims moveaxis squeeze expand_dims broadcast_to concat stack unstack split flip roll repeat tile tril
    triu diff pad astype sliding_window_view

    take take_along_axis sort index_update index_add

    equal not_equal less less_equal greater greater_equal logical_and logical_or logical_xor logical_not isnan isinf
    isfinite all any argmax argmin argsort nonzero searchsorted unique_all unique_counts unique_inverse unique_values
    count_nonzero signbit zeros ones full arange linspace eye zeros_like ones_like full_like meshgrid
"""
ALIASES = """
    concatenate transpose swapaxes ravel hstack vstack column_stack atleast_1d atleast_2d atleast_3d power absolute
    arcsin arccos arctan arctan2 arcsinh arccosh arctanh cumsum cumprod amax amin dot inner outer diag diagonal trace
"""


@pytest.mark.parametrize("name", (PROMISED + ALIASES).split())
def test_every_promised_name_is_there(name):
    assert callable(attrgetter(name)(mg))


@pytest.mark.parametrize("name", ALIASES.split())
def test_aliases_are_functions_of_numpy(name):
    """Under NumPy's name stands what NumPy's function of that name does on a Tensor."""
    assert getattr(mg, name).__name__ == getattr(np, name).__name__
    assert getattr(np, name) in REGISTRY


def test_norm_is_that_of_linalg():
    x = mg.tensor([[3.0, 4.0]], requires_grad=True)
    y = mg.norm(x, axis=1)
    y.backward()
    assert y.tolist() == np.linalg.norm(x, axis=1).tolist() == [5]
    assert x.grad.tolist() == [[0.6, 0.8]]


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


def test_a_function_shows_the_parameters_of_what_it_computes():
    """inspect, and with it help() and editors, see NumPy's parameters, as of its function so of the method."""
    for call in (mg.sum, mg.Tensor.sum, mg.prod, mg.Tensor.prod):
        assert list(inspect.signature(call).parameters)[:2] == ["a", "axis"]
    assert list(inspect.signature(mg.erf).parameters) == ["x"]


def test_the_quick_methods_are_documented_as_the_others():
    """Those that `operations` puts into Tensor say what they are in a line."""
    assert mg.Tensor.sum.__doc__ == "numpy.sum of this array."
    assert mg.Tensor.prod.__doc__ == "numpy.prod of this array."
