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


X = np.ones((2, 3))
FOCAL = {
    "gamma": (lambda: F.sigmoid_focal_loss(X, X, gamma=-1), "gamma is at least 0; got -1"),
    "alpha": (
        lambda: F.sigmoid_focal_loss(X, X, alpha=2),
        "alpha is a weight from 0 to 1, or negative .*; got 2",
    ),
    "share": (
        lambda: F.sigmoid_focal_loss(X, 2 * X),
        "sigmoid_focal_loss takes targets from 0 to 1; got .* 2 to 2",
    ),
    "reduction": (
        lambda: F.sigmoid_focal_loss(X, X, reduction="avg"),
        "reduction is one of mean, sum, none; got 'avg'",
    ),
}


@pytest.mark.parametrize("name", FOCAL)
def test_what_focal_loss_does_not_take_is_refused(name):
    call, text = FOCAL[name]
    with pytest.raises(ValueError, match=text):
        call()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0])
def test_focal_loss_of_certainties_is_exact(dtype, gamma):
    """Right ones cost nothing, wrong ones as much as their score, and NumPy has nothing to warn of."""
    x = mg.tensor(np.array([1e3, -1e3, -1e3, 1e3], dtype), requires_grad=True)
    with np.errstate(all="raise", under="ignore"):
        loss = F.sigmoid_focal_loss(x, np.array([1.0, 0, 1, 0], dtype), -1, gamma)
        loss.sum().backward()
    assert loss.tolist() == [0, 0, 1e3, 1e3]
    assert x.grad.tolist() == [0, 0, -1, 1]
    assert loss.dtype == x.grad.dtype == dtype
