"""CTC: the sum over all paths, far from zero, what cannot be, and what is refused."""

from itertools import product

import numpy as np
import pytest

import minigrad as mg
from minigrad.nn import functional as F
from minigrad.testing import gradcheck


def collapsed(path, blank=0):
    """The labels of a path: repetitions once, and no blanks."""
    return tuple(k for i, k in enumerate(path) if k != blank and (i == 0 or path[i - 1] != k))


@pytest.mark.parametrize("labels", [(), (1,), (2, 1), (1, 1), (1, 2, 1)])
def test_the_loss_sums_the_probabilities_of_all_paths(labels):
    """Of all sequences of classes that collapse to the labels, one by one."""
    log_p = mg.log_softmax(np.random.default_rng(0).normal(size=(5, 3)))
    paths = [path for path in product(range(3), repeat=5) if collapsed(path) == labels]
    want = -np.log(sum(np.exp(sum(log_p[t, k] for t, k in enumerate(path))) for path in paths))
    got = F.ctc_loss(log_p, np.array(labels, int), [5], [len(labels)], reduction="none")
    assert got.shape == ()
    np.testing.assert_allclose(got, want, rtol=1e-13)


def test_derivatives_of_both_orders_are_right():
    """PyTorch has no second one. With repetitions, an empty target, and times that do not count."""
    z = np.random.default_rng(0).normal(size=(6, 3, 4))
    labels = np.array([[1, 1, 2], [3, 9, -1], [-1, -1, -1]])
    loss = lambda z: F.ctc_loss(mg.log_softmax(z), labels, [6, 4, 5], [3, 1, 0], reduction="sum")
    gradcheck(loss, (z,))
    gradcheck(mg.grad(loss), (z,), fast=True)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_scores_far_from_zero_have_finite_losses(dtype):
    """A network that is sure of the blank all the time, and wrong: log p is -1000 for each label."""
    log_p = np.full((6, 1, 3), -1e3, dtype)
    log_p[:, :, 0] = 0
    x = mg.tensor(log_p, requires_grad=True)
    with np.errstate(all="raise", under="ignore"):
        loss = F.ctc_loss(x, [[1, 2]], [6], [2], reduction="sum")
        loss.backward()
    np.testing.assert_allclose(loss.item(), 2000 - np.log(15), rtol=1e-6)  # 6 times over 2 choices
    np.testing.assert_allclose(x.grad.data[:, 0, 1:].sum(axis=0), [-1, -1], rtol=1e-4)
    assert x.grad.dtype == loss.dtype == dtype


def test_what_cannot_be_costs_infinitely_much_or_nothing():
    """A target that does not fit, and a label that is barred; its gradient is 0, and that of others is as ever."""
    z = np.random.default_rng(0).normal(size=(3, 3, 3))
    z[:, 2, 1] = -np.inf
    labels, of = np.array([[1, 1, 2], [2, 1, 2], [1, 2, 2]]), ([3, 3, 3], [3, 3, 1])
    loss = lambda z, zero: F.ctc_loss(mg.log_softmax(z), labels, *of, reduction="none", zero_infinity=zero)
    with np.errstate(all="raise", under="ignore"):
        values = loss(z, False)
        slopes = [mg.grad(lambda z, zero=zero: mg.sum(loss(z, zero)))(z) for zero in (False, True)]
    assert np.isinf(values).tolist() == [True, False, True]
    np.testing.assert_array_equal(loss(z, True), np.where(np.isinf(values), 0, values))
    np.testing.assert_array_equal(*slopes)
    assert not slopes[0][:, [0, 2]].any()
    assert slopes[0][:, 1].any()


def test_targets_in_rows_and_one_after_the_other_are_the_same():
    """What stands behind the end of a row does not count; a Tensor of labels is one, too."""
    log_p = mg.log_softmax(np.random.default_rng(0).normal(size=(7, 3, 4)))
    of = {"input_lengths": [7, 6, 5], "target_lengths": np.array([2, 0, 3]), "reduction": "none"}
    rows = F.ctc_loss(log_p, np.array([[1, 2, 99], [0, -7, 0], [3, 3, 1]]), **of)
    np.testing.assert_array_equal(F.ctc_loss(log_p, mg.tensor([1, 2, 3, 3, 1]), **of), rows)
    np.testing.assert_array_equal(F.ctc_loss(log_p[:1, :1], [], 1, 0, reduction="none"), -log_p[:1, 0, 0])


LOG_P = np.zeros((4, 2, 3))
REFUSED = {
    "shape": ({"log_probs": np.zeros(3)}, r"takes log_probs of shape \(time, batch, classes\) or .*; got \(3,\)$"),
    "no time": ({"log_probs": np.zeros((0, 2, 3))}, r"none of them 0; got \(0, 2, 3\)"),
    "blank": ({"blank": 3}, "the blank is one of the 3 classes, 0 to 2; got 3"),
    "reduction": ({"reduction": "avg"}, "reduction is one of mean, sum, none; got 'avg'"),
    "too few lengths": (
        {"input_lengths": [4]},
        r"input_lengths .* each of the 2 examples; got int64 of \(1,\)",
    ),
    "half a length": (
        {"target_lengths": [1.5, 1]},
        r"target_lengths .* are integers.*; got float64 of \(2,\)",
    ),
    "no times": ({"input_lengths": [4, 0]}, "input_lengths of ctc_loss are from 1 to 4; got 0 to 4"),
    "below zero": ({"target_lengths": [-1, 1]}, "target_lengths of ctc_loss are at least 0; got -1 to 1"),
    "floats": ({"targets": [[1.0], [2.0]]}, r"labels that are integers; got float64. Use targets.astype\(int\)"),
    "short": ({"targets": [[1]] * 2, "target_lengths": [1, 2]}, r"targets of shape \(2, 2\) or longer.*; got \(2, 1\)"),
    "sum": ({"targets": [1, 2, 1]}, "as many as target_lengths add up to, 2; got 3"),
    "the blank": ({"targets": [[1], [0]]}, "labels 0 to 2 other than the blank, 0; got 0"),
    "no class": ({"targets": [[1], [3]]}, "of 3 classes takes labels 0 to 2 other than the blank, 0; got 3"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_does_not_fit_is_refused(name):
    more, text = REFUSED[name]
    good = {"log_probs": LOG_P, "targets": [[1], [2]], "input_lengths": [4, 4], "target_lengths": [1, 1]}
    assert np.isfinite(F.ctc_loss(**good))
    with pytest.raises(ValueError, match=text):
        F.ctc_loss(**good | more)
