"""Losses of order: which targets fit, rows without labels, and what is refused."""

import numpy as np
import pytest

import minigrad as mg
from minigrad.nn import functional as F

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
    ],
)
def test_unknown_reduction_is_refused(loss):
    with pytest.raises(ValueError, match="reduction is one of mean, sum, none; got 'avg'"):
        loss("avg")


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
