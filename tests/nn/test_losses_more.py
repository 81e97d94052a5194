"""Losses of order and of likelihood: numbers far from zero, and what is refused."""

import numpy as np
import pytest

import minigrad as mg
from minigrad.nn import functional as F
from minigrad.testing import gradcheck

X = np.ones((2, 3))
REFUSED = {
    "shapes": (lambda: F.triplet_margin_loss(X, X, X[0]), r"and does not broadcast; got \(2, 3\), \(2, 3\) and \(3,\)"),
    "of two": (
        lambda: F.margin_ranking_loss(X, X.T, X),
        r"takes arrays of .* shape, .*; got \(2, 3\) and \(3, 2",
    ),
    "target": (lambda: F.margin_ranking_loss(X, X, X[0]), r"takes a target of shape \(2, 3\), and .*; got \(3,\)"),
    "a target each": (lambda: F.cosine_embedding_loss(X, X, X), r"takes a target of shape \(2,\), .*; got \(2, 3\)"),
    "signs": (lambda: F.margin_ranking_loss(X, X, 2 * X), "margin_ranking_loss takes targets -1 and 1; got 2, 2, 2"),
    "bits": (lambda: F.cosine_embedding_loss(X, X, [0, 1]), "cosine_embedding_loss takes targets -1 and 1; got 0"),
    "images": (lambda: F.cosine_embedding_loss(X[None], X[None], X), r"\(batch, features\); got \(1, 2, 3\)"),
    "margin": (lambda: F.triplet_margin_loss(X, X, X, 0), "the margin of triplet_margin_loss is positive; got 0"),
    "power": (lambda: F.multi_margin_loss(X, [0, 1], p=3), "the power p of multi_margin_loss is 1 or 2; got 3"),
    "label": (lambda: F.multi_margin_loss(X, [0, 3]), "multi_margin_loss of 3 classes takes labels 0 to 2; got 3"),
    "labels": (lambda: F.multilabel_margin_loss(X, [[0, 3, -1]] * 2), "of 3 classes takes labels 0 to 2; got 3"),
    "floats": (
        lambda: F.multilabel_margin_loss(X, X),
        r"integers of the same shape .*; got float64 of \(2, 3\)",
    ),
    "variance": (lambda: F.gaussian_nll_loss(X, X, -X), r"variances are at least 0; got values from -1. Give exp\(log"),
    "variances": (lambda: F.gaussian_nll_loss(X, X, X[:, :2]), r"of \(2, 3\) takes variances .*; got \(2, 2\)"),
    "eps": (lambda: F.gaussian_nll_loss(X, X, X, eps=0), "eps, the least variance, is positive; got 0"),
    "gamma": (lambda: F.sigmoid_focal_loss(X, X, gamma=-1), "gamma is at least 0; got -1"),
    "alpha": (
        lambda: F.sigmoid_focal_loss(X, X, alpha=2),
        "alpha is a weight from 0 to 1, or negative .*; got 2",
    ),
    "share": (
        lambda: F.sigmoid_focal_loss(X, 2 * X),
        "sigmoid_focal_loss takes targets from 0 to 1; got .* 2 to 2",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_does_not_fit_is_refused(name):
    call, text = REFUSED[name]
    with pytest.raises(ValueError, match=text):
        call()


@pytest.mark.parametrize(
    "loss",
    [
        lambda r: F.margin_ranking_loss(X, X, X, reduction=r),
        lambda r: F.cosine_embedding_loss(X, X, [1, 1], reduction=r),
        lambda r: F.triplet_margin_loss(X, X, X, reduction=r),
        lambda r: F.multi_margin_loss(X, [0, 1], reduction=r),
        lambda r: F.multilabel_margin_loss(X, [[0, -1, 0]] * 2, reduction=r),
        lambda r: F.gaussian_nll_loss(X, X, X, reduction=r),
        lambda r: F.poisson_nll_loss(X, X, reduction=r),
        lambda r: F.sigmoid_focal_loss(X, X, reduction=r),
    ],
)
def test_unknown_reduction_is_refused(loss):
    with pytest.raises(ValueError, match="reduction is one of mean, sum, none; got 'avg'"):
        loss("avg")


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


def test_a_variance_below_the_least_has_the_gradient_at_the_least():
    """As in PyTorch: a network that has gone too low gets back."""
    slope = mg.grad(lambda v: F.gaussian_nll_loss(np.zeros(1), np.zeros(1), v, eps=0.25))(np.array([0.01]))
    assert slope == pytest.approx(0.5 / 0.25, rel=1e-15)
    assert F.gaussian_nll_loss(np.zeros(1), np.ones(1), 0.01, eps=0.25) == pytest.approx((np.log(0.25) + 4) / 2)


@pytest.mark.parametrize("var", [2.0, 2, np.array(2.0), np.full(2, 2.0), np.full((2, 1), 2.0), np.full((2, 3), 2.0)])
def test_variances_of_one_value_are_the_same_in_any_shape(var):
    """A number, or an array for all, for each row, or for each element; float32 stays what it is."""
    x = np.arange(6.0).reshape(2, 3)
    want = F.gaussian_nll_loss(x, X, np.full((2, 3), 2.0), reduction="none")
    np.testing.assert_array_equal(F.gaussian_nll_loss(x, X, var, reduction="none"), want)
    if not np.ndim(var):
        assert F.gaussian_nll_loss(x.astype("f"), X.astype("f"), var).dtype == np.float32


def test_variances_have_derivatives_in_each_shape():
    x = np.arange(6.0).reshape(2, 3)
    for shape in ((), (2,), (2, 1), (2, 3)):
        gradcheck(lambda v: F.gaussian_nll_loss(x, X, v), (np.full(shape, 2.0),))


def test_half_precision_is_computed_in_single_and_given_back():
    """But not where the variance is wider."""
    half = X.astype(np.float16)
    assert F.gaussian_nll_loss(half, half, half).dtype == np.float16
    assert F.gaussian_nll_loss(half, half, X.astype(np.float32)).dtype == np.float32
    assert F.triplet_margin_loss(half, half, half).dtype == np.float16


def test_a_row_without_labels_costs_nothing():
    """Nor does one all of whose classes are labels."""
    target = np.array([[-1, 0, 1], [2, 0, 1]])
    x = np.arange(6.0).reshape(2, 3)
    assert F.multilabel_margin_loss(x, target, "none").tolist() == [0, 0]
    assert F.multilabel_margin_loss(x, np.full((2, 3), -1), "none").tolist() == [0, 0]


def test_targets_have_derivatives_or_are_refused():
    """That of the ranking is linear in it; a cosine has none by its target, which is not cut off in silence."""
    x1, x2 = np.random.default_rng(0).normal(size=(2, 4))
    slopes = mg.grad(lambda t: F.margin_ranking_loss(x1, x2, t, 9.0, "sum"))(np.ones(4))
    np.testing.assert_allclose(slopes, x2 - x1, rtol=1e-15)
    target = mg.tensor(1.0, requires_grad=True)
    with pytest.raises(TypeError, match="no derivative with respect to a target. Pass it detached, as x.detach()"):
        F.cosine_embedding_loss(x1, x2, target)
    assert F.cosine_embedding_loss(x1, x2, target.detach()) == F.cosine_embedding_loss(x1, x2, 1)
