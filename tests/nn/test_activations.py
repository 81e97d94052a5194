"""Activations: PyTorch's values, kinks, and both ends of the line."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.nn import functional as F

from .make_reference import ACTIVATIONS
from .reference import Reference, check

REFERENCE = Reference("activations")
MODULES = {
    "sigmoid": nn.Sigmoid,
    "tanh": nn.Tanh,
    "relu": nn.ReLU,
    "leaky_relu": nn.LeakyReLU,
    "elu": nn.ELU,
    "selu": nn.SELU,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "softplus": nn.Softplus,
    "softmax": nn.Softmax,
    "log_softmax": nn.LogSoftmax,
    "log_sigmoid": nn.LogSigmoid,
}


@pytest.mark.parametrize("key", ACTIVATIONS)
def test_functions_and_modules_agree_with_pytorch(key):
    """Value and gradient, to 1e-10, by function and by module."""
    name, options = key.split()[0], ACTIVATIONS[key]
    check(REFERENCE, key, lambda x: getattr(F, name)(x, **options))
    check(REFERENCE, key, MODULES[name](**options))


@pytest.mark.parametrize("name", MODULES)
def test_module_and_function_have_the_same_defaults(name):
    """With no options, they compute the same; softmax along the last of three axes."""
    x = np.random.default_rng(0).normal(size=(2, 3, 4))
    y = MODULES[name]()(x)
    np.testing.assert_array_equal(y, getattr(F, name)(x))
    if "softmax" in name:
        np.testing.assert_allclose((np.exp(y) if "log" in name else y).sum(axis=-1), 1, rtol=1e-14)


@pytest.mark.parametrize(
    ("function", "slope"),
    [
        (F.relu, 0),
        (lambda x: F.leaky_relu(x, 0.1), 0.1),
        (lambda x: F.elu(x, 0.7), 0.7),
        (F.selu, 1.0507009873554805 * 1.6732632423543772),
        (F.gelu, 0.5),
        (F.silu, 0.5),
        (F.softplus, 0.5),
    ],
)
def test_slope_at_zero(function, slope):
    """At a kink it is the slope from the left."""
    assert mg.grad(function)(0.0) == pytest.approx(slope, rel=1e-15)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", MODULES)
def test_far_from_zero_nothing_overflows(name, dtype):
    """At -1000 and 1000 values and derivatives are finite and right, and NumPy has nothing to warn of."""
    ends = {
        "sigmoid": ([0, 1], [0, 0]),
        "tanh": ([-1, 1], [0, 0]),
        "relu": ([0, 1e3], [0, 1]),
        "leaky_relu": ([-10, 1e3], [0.01, 1]),
        "elu": ([-1, 1e3], [0, 1]),
        "selu": ([-1.7580993408473766, 1050.7009873554805], [0, 1.0507009873554805]),
        "gelu": ([0, 1e3], [0, 1]),
        "silu": ([0, 1e3], [0, 1]),
        "softplus": ([0, 1e3], [0, 1]),
        "softmax": ([0, 1], [0, 0]),
        "log_softmax": ([-2e3, 0], [1, -1]),
        "log_sigmoid": ([-1e3, 0], [1, 0]),
    }
    values, slopes = ends[name]
    x = mg.tensor(np.array([-1e3, 1e3], dtype), requires_grad=True)
    with np.errstate(all="raise"):
        y = getattr(F, name)(x)
        y.sum().backward()
    assert y.dtype == x.grad.dtype == dtype
    np.testing.assert_allclose(y.detach(), values, rtol=1e-6)
    np.testing.assert_allclose(x.grad, slopes, rtol=1e-6)


def test_approximate_gelu_is_stable_too():
    """The tanh in it saturates, and no warning is given."""
    with np.errstate(all="raise"):
        assert F.gelu(np.array([-1e3, 1e3]), "tanh").tolist() == [0, 1e3]


@pytest.mark.parametrize(("dtype", "x"), [(np.float16, 1e3), (np.float32, 1e20), (np.float64, 1e200)])
def test_the_slope_of_approximate_gelu_is_a_number_where_squares_are_infinite(dtype, x):
    """It is 1 on the right and 0 on the left."""
    with np.errstate(over="ignore"):
        slopes = mg.grad(lambda x: mg.sum(F.gelu(x, "tanh")))(np.array([x, -x], dtype))
    assert slopes.tolist() == [1, 0]


def test_log_sigmoid_and_softplus_keep_small_numbers():
    """Where 1 + exp(-40) rounds to 1, they answer exp(-40), and not 0."""
    assert F.softplus(mg.tensor(-40.0)).item() == pytest.approx(np.exp(-40), rel=1e-15)
    assert F.log_sigmoid(mg.tensor(40.0)).item() == pytest.approx(-np.exp(-40), rel=1e-15)


def test_infinite_input_has_a_finite_place_in_relu():
    """relu and leaky_relu of infinity are infinity, of minus infinity 0 and minus infinity."""
    x = np.array([-np.inf, np.inf])
    assert F.relu(x).tolist() == [0, np.inf]
    assert F.leaky_relu(x).tolist() == [-np.inf, np.inf]


def test_gelu_refuses_an_unknown_approximation():
    with pytest.raises(ValueError, match="gelu's approximate is 'none' or 'tanh'; got 'tan'"):
        F.gelu(np.ones(2), "tan")
