"""Linear maps: first values, and what is refused."""

import numpy as np
import pytest

from minigrad import nn


def test_linear_starts_from_glorot_and_zeros():
    """The weight is (in, out), within its bound and not far below it; the bias is 0 or None."""
    layer = nn.Linear(100, 50, rng=0)
    bound = np.sqrt(6 / 150)
    assert layer.weight.shape == (100, 50)
    assert 0.99 * bound < np.abs(layer.weight.data).max() < bound
    assert not layer.bias.data.any()
    assert nn.Linear(2, 3, bias=False).bias is None
    np.testing.assert_array_equal(layer.weight.data, nn.Linear(100, 50, rng=0).weight.data)


def test_bilinear_starts_within_its_bound():
    """One over the root of the first input's length, as in PyTorch, and not far below it; the bias is 0."""
    layer = nn.Bilinear(100, 3, 50, rng=0)
    assert 0.099 < np.abs(layer.weight.data).max() < 0.1
    assert not layer.bias.data.any()


def test_wrong_last_axis_is_refused():
    """With the length that was wanted and the shape that came."""
    with pytest.raises(ValueError, match=r"linear takes a last axis of 2; got an array of shape \(5, 3\)"):
        nn.Linear(2, 4)(np.ones((5, 3)))
    with pytest.raises(ValueError, match=r"linear takes a last axis of 2; got an array of shape \(\)"):
        nn.Linear(2, 4)(np.array(1.0))
    with pytest.raises(TypeError, match=r"linear takes an array; got a list. Use np.asarray\(x\)"):
        nn.Linear(2, 3)([[1.0, 2.0]])
    with pytest.raises(ValueError, match=r"bilinear takes a last axis of 3; got an array of shape \(5, 2\)"):
        nn.Bilinear(2, 3, 1)(np.ones((5, 2)), np.ones((5, 2)))
    with pytest.raises(ValueError, match=r"differ in the last axis only; got \(5, 2\) and \(1, 3\)"):
        nn.Bilinear(2, 3, 1)(np.ones((5, 2)), np.ones((1, 3)))
    with pytest.raises(ValueError, match=r"differ in the last axis only; got \(5, 1, 2\) and \(5, 4, 3\)"):
        nn.Bilinear(2, 3, 1)(np.ones((5, 1, 2)), np.ones((5, 4, 3)))
    assert nn.Bilinear(2, 3, 1, bias=False)(np.ones((5, 2)), np.ones((5, 3))).shape == (5, 1)


def test_sizes_and_flags_of_linear_layers_are_checked():
    """A seed by position would be the bias, and leave the weight unseeded in silence."""
    with pytest.raises(TypeError, match="in_features of Linear is an integer; got '3'"):
        nn.Linear("3", 2)
    with pytest.raises(TypeError, match=r"out_features of Linear is an integer; got 2.0"):
        nn.Linear(3, 2.0)
    with pytest.raises(ValueError, match="in1_features of Bilinear is at least 1; got 0"):
        nn.Bilinear(0, 2, 2)
    for layer in (lambda seed: nn.Linear(3, 2, seed), lambda seed: nn.Bilinear(3, 2, 1, seed)):
        with pytest.raises(TypeError, match="inear is True or False; got 0. A seed or generator goes by name: rng="):
            layer(0)
        with pytest.raises(TypeError, match="got Generator"):
            layer(np.random.default_rng(0))
