"""Losses of two classes: ranges, weights and digits."""

import numpy as np
import pytest

import minigrad as mg
from minigrad.nn import functional as F


def test_probabilities_out_of_range_are_refused():
    """And targets of the losses of bits."""
    half = np.full(3, 0.5)
    with pytest.raises(
        ValueError, match=r"binary_cross_entropy takes probabilities from 0 to 1; got values from -0.1 to 2"
    ):
        F.binary_cross_entropy(np.array([-0.1, 0, 2]), half)
    with pytest.raises(ValueError, match="binary_cross_entropy takes targets from 0 to 1; got values from 0 to 3"):
        F.binary_cross_entropy(half, [0, 1, 3])
    with pytest.raises(ValueError, match="binary_cross_entropy_with_logits takes targets from 0 to 1; got"):
        F.binary_cross_entropy_with_logits(half, [-1, 1, 1])
    with pytest.raises(ValueError, match=r"hinge_loss takes targets -1 and 1; got 0, 2$"):
        F.hinge_loss(half, [0, 1, 2])
    with pytest.raises(ValueError, match=r"hinge_loss takes targets -1 and 1; got 0, 2, 3$"):
        F.hinge_loss(np.ones(5), [0, 2, 3, 4, 5])


def test_weights_that_would_stretch_the_loss_are_refused():
    """A weight may broadcast to the output, and not the other way round."""
    half = np.full((2, 1), 0.5)
    with pytest.raises(ValueError, match=r"weight has a shape that broadcasts to the output's \(2, 1\); got \(3,\)"):
        F.binary_cross_entropy(half, half, weight=np.ones(3))
    with pytest.raises(ValueError, match=r"weight has a shape that broadcasts to the output's \(2, 1\); got \(3, 1\)"):
        F.binary_cross_entropy(half, half, weight=np.ones((3, 1)))
    with pytest.raises(ValueError, match=r"pos_weight has a shape .* \(2, 1\); got \(1, 2, 1\)"):
        F.binary_cross_entropy_with_logits(half, half, pos_weight=np.ones((1, 2, 1)))


@pytest.mark.parametrize("shape", [(), (4,), (5, 1), (1, 4), (5, 4)])
def test_weights_that_broadcast_to_the_loss_are_taken(shape):
    """A number, a row, a column, or one for each."""
    weight = np.random.default_rng(0).uniform(1, 2, shape)
    p = np.full((5, 4), 0.5)
    loss = F.binary_cross_entropy(p, p, weight, "none")
    np.testing.assert_allclose(loss, np.broadcast_to(weight, (5, 4)) * np.log(2), rtol=1e-14)


def test_probability_of_zero_or_one_costs_at_most_a_hundred():
    """The logarithm stops at -100 and the gradient at 1e12, as in PyTorch; a right certainty costs nothing."""
    p = mg.tensor([0.0, 1.0, 0.0, 1.0], requires_grad=True)
    with np.errstate(all="raise"):
        loss = F.binary_cross_entropy(p, [1.0, 0.0, 0.0, 1.0], reduction="none")
        loss.sum().backward()
    assert loss.tolist() == [100, 100, 0, 0]
    assert p.grad.tolist() == [-1e12, 1e12, 0, 0]


def test_small_losses_keep_their_digits():
    """A score of 40 for a class that is right leaves a loss of exp(-40), and not 0."""
    loss = F.binary_cross_entropy_with_logits(np.array([40.0, -40.0]), [1.0, 0.0], reduction="none")
    np.testing.assert_allclose(loss, np.exp(-40), rtol=1e-15)
