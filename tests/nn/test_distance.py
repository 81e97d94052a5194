"""Distances: zeros, least norms, and what is refused."""

import numpy as np
import pytest

import minigrad as mg
from minigrad.nn import functional as F
from minigrad.testing import gradcheck


def test_zeros_have_no_direction_and_finite_derivatives():
    """Their cosine is 0, normalised they are 0, and the distance of equal vectors has a slope."""
    zeros, x = np.zeros((2, 3)), np.ones((2, 3))
    with np.errstate(all="raise"):
        assert F.cosine_similarity(zeros, x).tolist() == [0, 0]
        assert not F.normalize(zeros).any()
        for function in (F.cosine_similarity, F.pairwise_distance):
            gradients = mg.grad(lambda a, b, f=function: mg.sum(f(a, b)), argnums=(0, 1))(zeros, zeros)
            assert all(np.isfinite(g).all() for g in gradients)


def test_below_the_least_norm_the_least_norm_is_a_constant():
    """A vector over a number is linear: its derivative is that of what is computed."""
    x, y = np.random.default_rng(0).normal(size=(2, 3, 4))
    np.testing.assert_array_equal(F.normalize(x, eps=100.0), x / 100)
    gradcheck(lambda x: F.normalize(x, eps=100.0), (x,))
    gradcheck(lambda x, y: F.cosine_similarity(x, y, eps=2.0), (x, y))


@pytest.mark.parametrize("function", [F.cosine_similarity, F.pairwise_distance])
def test_shapes_that_do_not_broadcast_are_refused(function):
    name = function.__name__
    with pytest.raises(ValueError, match=rf"{name} takes arrays that broadcast together; got \(2, 3\) and \(2, 4\)"):
        function(np.ones((2, 3)), np.ones((2, 4)))
    with pytest.raises(ValueError, match=rf"{name} takes arrays of vectors; got an array of shape \(\)"):
        function(np.array(1.0), np.ones(3))
    with pytest.raises(TypeError, match=f"{name} takes an array; got a list"):
        function([1.0], np.ones(1))


def test_an_axis_that_is_none_is_refused():
    with pytest.raises(ValueError, match=r"an array of shape \(3,\) has no axis 1. Pass axis=-1"):
        F.normalize(np.ones(3))
    with pytest.raises(ValueError, match="has no axis 1"):
        F.cosine_similarity(np.ones(3), np.ones(3))
    assert np.linalg.norm(F.normalize(np.ones(3), axis=-1)) == pytest.approx(1)
