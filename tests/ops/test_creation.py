"""New Tensors."""

import numpy as np
import pytest

import minigrad as mg


def test_sample_has_the_numbers_of_the_generator():
    """As its method draws them, in a Tensor that may require grad."""
    w = mg.sample(np.random.default_rng(3), "normal", 1.0, scale=2.0, size=(2, 3), requires_grad=True)
    np.testing.assert_array_equal(w.data, np.random.default_rng(3).normal(1.0, scale=2.0, size=(2, 3)))
    assert w.requires_grad
    order = mg.sample(np.random.default_rng(3), "permutation", 4)
    assert sorted(order.tolist()) == [0, 1, 2, 3]
    with pytest.raises(TypeError, match="only floating tensors can require grad"):
        mg.sample(np.random.default_rng(3), "permutation", 4, requires_grad=True)


@pytest.mark.parametrize("make", [mg.zeros, mg.ones])
def test_a_shape_in_several_arguments_is_refused(make):
    """As PyTorch has it; NumPy takes the second for a dtype."""
    with pytest.raises(
        TypeError, match=rf"takes the shape as a tuple, .*: {make.__name__}\(\(2, 3\)\); got .*\(2, 3\)"
    ):
        make(2, 3)
    assert make(2, int).dtype == int
