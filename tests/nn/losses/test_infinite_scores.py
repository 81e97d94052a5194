"""Losses of scores that are very large, or infinite: exact, and blind to what counts nothing."""

import numpy as np
import pytest

import minigrad as mg
from minigrad.nn import functional as F


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_confident_scores_are_exact(dtype):
    """At -1000 and 1000, right or wrong, the losses of scores are finite, and NumPy has nothing to warn of."""
    scores = np.array([[-1e3, 1e3], [1e3, -1e3]], dtype)
    losses = {
        F.cross_entropy: (np.array([0, 0]), [2e3, 0]),
        F.binary_cross_entropy_with_logits: (np.array([[0, 0], [1, 1]], dtype), [[0, 1e3], [0, 1e3]]),
        F.mse_loss: (scores, [[0, 0], [0, 0]]),
        F.huber_loss: (-scores, [[1999.5, 1999.5], [1999.5, 1999.5]]),
        F.hinge_loss: (np.sign(scores), [[0, 0], [0, 0]]),
    }
    for function, (target, wanted) in losses.items():
        x = mg.tensor(scores, requires_grad=True)
        with np.errstate(all="raise"):
            loss = function(x, target, reduction="none")
            loss.sum().backward()
        assert loss.dtype == x.grad.dtype == dtype
        assert loss.tolist() == wanted
        assert np.isfinite(x.grad.data).all()


INF, HALF = np.inf, np.log1p(np.exp(-0.5))  # the second is the loss of the score 1 beside 0.5
Z = np.array([[0.5, 1.0, -INF], [-INF, 2.0, 2.0]])
MASKED = {
    "probabilities": (lambda x: F.cross_entropy(x, [[0.0, 1, 0], [0, 0.5, 0.5]]), Z, (HALF + np.log(2)) / 2),
    "labels": (lambda x: F.cross_entropy(x, [1, 2], reduction="none"), Z, [HALF, np.log(2)]),
    "an ignored row": (lambda x: F.cross_entropy(x, [1, -1], ignore_index=-1), Z, HALF),
    "smoothed, of weight 0": (
        lambda x: F.cross_entropy(x[:1], [1], weight=[1.0, 1.0, 0.0], label_smoothing=0.3),
        Z,
        0.7 * HALF + 0.1 * (2 * HALF + 0.5),
    ),
    "nll of an ignored row": (lambda x: F.nll_loss(x, [1, -1], ignore_index=-1), Z, -1.0),
    "nll of weight 0": (lambda x: F.nll_loss(x, [1, 0], weight=[0.0, 1, 1]), Z, -1.0),
    "divergence": (
        lambda x: F.kl_div(x, [[0.4, 0.6, 0], [0, 1, 0]], "sum"),
        Z,
        0.4 * np.log(0.4) + 0.6 * np.log(0.6) - 2.8,
    ),
    "divergence of logarithms": (
        lambda x: F.kl_div(x, [[-INF, 0, -INF], [-INF, -INF, np.log(0.5)]], "sum", log_target=True),
        Z,
        -2 + 0.5 * np.log(0.5),
    ),
    "divergence of logarithms that vanish": (lambda x: F.kl_div(x, [[-999.0, 0, -999]] * 2, "sum", True), Z, -3.0),
    "bits of scores": (
        lambda x: F.binary_cross_entropy_with_logits(x, [0.0, 1, 0.5, 1], reduction="none"),
        np.array([-INF, INF, 0, 1]),
        [0, 0, np.log(2), np.log1p(np.exp(-1))],
    ),
    "bits of scores of weight 0": (
        lambda x: F.binary_cross_entropy_with_logits(x, [1.0, 0], weight=[0.0, 1], pos_weight=[2.0, 3]),
        np.array([-INF, 0]),
        np.log(2) / 2,
    ),
    "bits of scores with nothing for 1": (
        lambda x: F.binary_cross_entropy_with_logits(x, [1.0, 1], pos_weight=[0.0, 1]),
        np.array([-INF, 0]),
        np.log(2) / 2,
    ),
    "bits": (
        lambda p: F.binary_cross_entropy(p, [0.0, 1, 0.5], weight=[2.0, 1, 1]),
        np.array([0.0, 1, 0.5]),
        np.log(2) / 3,
    ),
}


@pytest.mark.parametrize("name", MASKED)
def test_what_counts_nothing_costs_nothing_even_where_it_is_infinite(name):
    """0 times infinity is 0 there, and so are the slopes of both orders; NumPy has nothing to warn of."""
    loss, x, want = MASKED[name]
    leaf, ones = mg.tensor(x, requires_grad=True), np.ones_like(x)
    with np.errstate(all="raise", under="ignore"):
        y = loss(leaf)
        y.sum().backward()
        slopes, bends = mg.jvp(mg.grad(lambda x: mg.sum(loss(x))), (x,), (ones,))
        _, tangent = mg.jvp(loss, (x,), (ones,))
    np.testing.assert_allclose(y.detach(), want, rtol=1e-13)
    np.testing.assert_array_equal(leaf.grad, slopes)
    for derivative in (slopes, bends):
        assert np.isfinite(derivative).all()
        assert not derivative[np.isinf(x)].any()
    np.testing.assert_allclose(np.sum(tangent), np.sum(slopes), atol=1e-14)


INFINITE = {
    "probabilities": lambda x: F.cross_entropy(x, [[0.0, 0.5, 0.5], [0, 1, 0]]),
    "smoothed": lambda x: F.cross_entropy(x, [1, 1], label_smoothing=0.1),
    "divergence": lambda x: F.kl_div(x, [[0.0, 0.5, 0.5], [0, 1, 0]]),
    "divergence of logarithms": lambda x: F.kl_div(x, np.log([[0.1, 0.5, 0.4]] * 2), log_target=True),
    "nll": lambda x: F.nll_loss(x, [2, 1]),
    "bits of scores": lambda x: F.binary_cross_entropy_with_logits(x, np.full((2, 3), 0.5)),
}


@pytest.mark.parametrize("name", INFINITE)
def test_a_class_that_counts_and_cannot_be_costs_infinitely_much(name):
    """Only what the target has no share of is left out; and what is not a number stays so."""
    assert INFINITE[name](Z) == np.inf
    assert np.isnan(INFINITE[name](np.where(np.isinf(Z), np.nan, Z)))


@pytest.mark.parametrize("loss", [F.kl_div, F.cross_entropy])
def test_a_share_of_zero_hides_infinity_and_nothing_else(loss):
    """A NaN stays one; and by the share of 0 of a class that cannot be, the slope is 0."""
    z, p = np.array([[-INF, 0.0, 0.0]]), np.array([[0.0, 0.5, 0.5]])
    assert np.isnan(loss(np.where(z == 0, z, np.nan), p))
    slopes = mg.grad(lambda p: loss(z, p))(p)
    assert np.isfinite(slopes).all()
    assert slopes[0, 0] == 0
    _, tangent = mg.jvp(lambda p: loss(z, p), (p,), (np.ones_like(p),))
    np.testing.assert_allclose(tangent, slopes.sum(), rtol=1e-14)


@pytest.mark.parametrize("loss", [F.kl_div, F.cross_entropy, F.binary_cross_entropy_with_logits])
def test_the_slope_by_a_target_of_zero_is_not_lost(loss):
    """A probability of 0 has a slope of its own where the score is finite, by reverse and by forward mode."""
    x, p = np.array([[0.5, 1.0, -2.0]]), np.array([[0.0, 1.0, 0.0]])
    slopes = mg.grad(lambda p: loss(x, p))(p)
    away = mg.grad(lambda p: loss(x, p))(np.where(p == 0, 1e-9, p))
    if loss is F.kl_div:  # p log p has an infinite one, which counts as 0
        away = away - np.where(p == 0, np.log(1e-9) + 1, 0) / 3
    np.testing.assert_allclose(slopes, away, rtol=1e-7)
    _, tangent = mg.jvp(lambda p: loss(x, p), (p,), (np.eye(3)[:1],))
    np.testing.assert_allclose(tangent, slopes[0, 0], rtol=1e-12)
