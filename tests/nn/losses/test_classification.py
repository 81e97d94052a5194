"""Losses of classes: which labels and probabilities fit."""

import re

import numpy as np
import pytest

import minigrad as mg
from minigrad.nn import functional as F

LABELS = {
    ((4, 3), (4, 1)): ("int", "Use target.reshape(-1)"),
    ((4, 3, 2), (8,)): ("int", "Use target.reshape(4, 2)"),
    ((4, 3), (4, 3)): ("int", "Of a row for each class make labels, as target.argmax(axis=1)"),
    ((4, 2, 3), (4, 2)): ("int", "use np.moveaxis(output, -1, 1) for classes on the last of 3 axes"),
    ((4, 3), (4,)): ("bool", "Use target.astype(int)"),
    ((4, 3), (5,)): ("int", "got int64 of (5,)"),
}


@pytest.mark.parametrize("function", [F.cross_entropy, F.nll_loss])
@pytest.mark.parametrize(("output", "target"), LABELS)
def test_labels_that_do_not_fit_come_with_a_remedy_that_works(function, output, target):
    """Columns, one-hot rows, classes on the last axis, and truths."""
    dtype, advice = LABELS[output, target]
    arrays = {"output": np.zeros(output), "target": np.zeros(target, dtype), "np": np}
    with pytest.raises(ValueError, match="takes labels, integers of shape") as caught:
        function(arrays["output"], arrays["target"])
    assert str(caught.value).endswith(advice)
    remedy = re.search(r"(np\.moveaxis|target\.)\S*\(.*?\)", advice)
    if remedy:
        name = "output" if "moveaxis" in advice else "target"
        fitted = arrays | {name: eval(remedy[0], {}, arrays)}
        assert np.isfinite(function(fitted["output"], fitted["target"]))


def test_labels_that_are_floats_are_told_from_probabilities():
    """Their shape says that labels were meant."""
    with pytest.raises(ValueError, match=r"got float64 of \(4,\). For labels, use target.astype\(int\)"):
        F.cross_entropy(np.ones((4, 3)), np.zeros(4))


@pytest.mark.parametrize("function", [F.cross_entropy, F.nll_loss])
def test_labels_out_of_range_are_refused(function):
    """A label that is no class, negative ones included, is named; -100 comes with the way to ignore it."""
    name = function.__name__
    with pytest.raises(ValueError, match=f"{name} of 3 classes takes labels 0 to 2; got 3$"):
        function(np.zeros((2, 3)), np.array([0, 3]))
    with pytest.raises(ValueError, match="got -100. To leave out a label, pass ignore_index=-100"):
        function(np.zeros((2, 3)), np.array([0, -100]))
    with pytest.raises(ValueError, match="got 4"):
        function(np.zeros((2, 3)), np.array([-100, 4]), ignore_index=-100)


@pytest.mark.parametrize("function", [F.cross_entropy, F.nll_loss])
def test_labels_of_another_shape_are_refused(function):
    """One-hot integers and columns of labels are no labels."""
    with pytest.raises(
        ValueError, match=r"of scores \(2, 3\) takes labels, integers of shape \(2,\); got int64 of \(2, 1\)"
    ):
        function(np.zeros((2, 3)), np.zeros((2, 1), int))
    with pytest.raises(ValueError, match=r"takes labels, integers of shape \(2, 5\); got int64 of \(2,\)"):
        function(np.zeros((2, 3, 5)), np.zeros(2, int))
    with pytest.raises(ValueError, match="got bool of"):
        function(np.zeros((2, 3)), np.zeros(2, bool))
    with pytest.raises(ValueError, match=r"takes scores of shape \(classes,\), .*; got \(\)"):
        function(np.array(1.0), np.array(0))
    with pytest.raises(ValueError, match="weight has a number for each of the 3 classes; got shape"):
        function(np.zeros((2, 3)), np.zeros(2, int), weight=[1.0, 2.0])


def test_nll_refuses_labels_that_are_floats():
    with pytest.raises(ValueError, match=r"nll_loss .* got float64 of \(2,\)"):
        F.nll_loss(np.zeros((2, 3)), [0.0, 1.0])


def test_cross_entropy_refuses_probabilities_that_do_not_fit():
    """Their shape, and options that make no sense for them."""
    with pytest.raises(ValueError, match=r"cross_entropy takes an output and a target of the same shape"):
        F.cross_entropy(np.zeros((2, 3)), np.ones((2, 2)))
    with pytest.raises(ValueError, match="ignore_index is for labels; these targets are probabilities"):
        F.cross_entropy(np.zeros((2, 3)), np.ones((2, 3)), ignore_index=0)
    with pytest.raises(ValueError, match=r"label_smoothing is from 0 to 1; got 1\.5"):
        F.cross_entropy(np.zeros((2, 3)), [0, 1], label_smoothing=1.5)


@pytest.mark.parametrize("function", [F.cross_entropy, F.nll_loss])
def test_mean_over_no_label_is_refused(function):
    """Where all are ignored, or of weight 0, a sum is 0 and a mean would be 0 / 0."""
    x = mg.tensor(np.zeros((2, 3)), requires_grad=True)
    assert function(x, [1, 1], ignore_index=1, reduction="sum").item() == 0
    with pytest.raises(ValueError, match="no label counts: all are ignored or of weight 0, so there is no mean"):
        function(x, [1, 1], ignore_index=1)
    with pytest.raises(ValueError, match="no label counts"):
        function(x, [1, 1], weight=[1.0, 0.0, 1.0])


@pytest.mark.parametrize("function", [F.cross_entropy, F.nll_loss])
def test_classes_of_sequences_are_on_the_axis_after_the_batch(function):
    """As for (batch, classes): each position is an example."""
    rng = np.random.default_rng(0)
    x, labels = rng.normal(size=(2, 3, 4)), rng.integers(0, 3, (2, 4))
    wanted = function(np.moveaxis(x, 1, 2).reshape(8, 3), labels.reshape(8), reduction="none")
    np.testing.assert_array_equal(function(x, labels, reduction="none"), wanted.reshape(2, 4))


@pytest.mark.parametrize("function", [F.cross_entropy, F.nll_loss])
def test_labels_can_be_ignored_where_there_is_one_class(function):
    assert function(np.zeros((2, 1)), [0, -100], ignore_index=-100) == 0


def test_float32_loss_stays_float32():
    """Also with weights, labels to ignore and smoothing."""
    x = mg.tensor(np.zeros((2, 3), np.float32), requires_grad=True)
    weight = np.ones(3, np.float32)
    loss = F.cross_entropy(x, [0, 1], weight, ignore_index=0, label_smoothing=0.1)
    loss.backward()
    assert loss.dtype == x.grad.dtype == np.float32
    assert F.cross_entropy(x, [0, 1], [1.0, 2.0, 3.0]).dtype == np.float32


@pytest.mark.parametrize("options", [{}, {"ignore_index": 1}, {"label_smoothing": 1.0}])
def test_smoothing_with_equal_weights_is_smoothing_without(options):
    """One goes through log_softmax, the other through a rule of its own; also where a label is ignored, or all even."""
    x, labels = np.random.default_rng(0).normal(size=(6, 5)), np.array([0, 4, 2, 1, 1, 3])
    options = {"label_smoothing": 0.3, **options}
    plain = mg.value_and_grad(lambda x: F.cross_entropy(x, labels, **options))(x)
    weighted = mg.value_and_grad(lambda x: F.cross_entropy(x, labels, [1] * 5, **options))(x)
    for got, want in zip(plain, weighted, strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-13, atol=1e-15)


def test_smoothing_keeps_digits_where_scores_are_large():
    """A shift of all scores by 1000 changes nothing but their own rounding."""
    shifted = (1000 + np.random.default_rng(0).normal(size=(4, 1000))).astype(np.float32)
    labels = np.array([0, 7, 99, 999])
    want = F.cross_entropy(shifted.astype(float), labels, label_smoothing=0.1)
    assert F.cross_entropy(shifted, labels, label_smoothing=0.1) == pytest.approx(want, rel=2e-5)
