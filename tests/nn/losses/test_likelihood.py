"""Losses of likelihood: variances of any shape, and what is refused."""

import numpy as np
import pytest

import minigrad as mg
from minigrad.nn import functional as F
from minigrad.testing import gradcheck

X = np.ones((2, 3))
REFUSED = {
    "variance": (lambda: F.gaussian_nll_loss(X, X, -X), r"variances are at least 0; got values from -1. Give exp\(log"),
    "variances": (lambda: F.gaussian_nll_loss(X, X, X[:, :2]), r"of \(2, 3\) takes variances .*; got \(2, 2\)"),
    "eps": (lambda: F.gaussian_nll_loss(X, X, X, eps=0), "eps, the least variance, is positive; got 0"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_does_not_fit_is_refused(name):
    call, text = REFUSED[name]
    with pytest.raises(ValueError, match=text):
        call()


@pytest.mark.parametrize(
    "loss",
    [
        lambda r: F.gaussian_nll_loss(X, X, X, reduction=r),
        lambda r: F.poisson_nll_loss(X, X, reduction=r),
    ],
)
def test_unknown_reduction_is_refused(loss):
    with pytest.raises(ValueError, match="reduction is one of mean, sum, none; got 'avg'"):
        loss("avg")


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
