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
