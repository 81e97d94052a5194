"""Losses: PyTorch's values, numbers far from zero, and what is refused."""

import re

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.nn import functional as F

from .make_reference import LOSSES, loss_operands
from .reference import Reference, check

REFERENCE = Reference("losses")
MODULES = {
    "mse_loss": nn.MSELoss,
    "l1_loss": nn.L1Loss,
    "huber_loss": nn.HuberLoss,
    "smooth_l1_loss": nn.SmoothL1Loss,
    "hinge_loss": nn.HingeLoss,
    "cross_entropy": nn.CrossEntropyLoss,
    "nll_loss": nn.NLLLoss,
    "binary_cross_entropy": nn.BCELoss,
    "binary_cross_entropy_with_logits": nn.BCEWithLogitsLoss,
    "kl_div": nn.KLDivLoss,
}
of_two = pytest.mark.parametrize("name", [name for name in MODULES if name not in ("cross_entropy", "nll_loss")])


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("key", LOSSES)
def test_functions_and_modules_agree_with_pytorch(key, reduction):
    """Value and gradient, to 1e-10, by function and by module, for each reduction."""
    name = LOSSES[key][0]
    _, target, options = loss_operands(key, list(LOSSES).index(key))
    options = {**options, "reduction": reduction}
    check(REFERENCE, f"{key}/{reduction}", lambda x: getattr(F, name)(x, target, **options))
    check(REFERENCE, f"{key}/{reduction}", lambda x: MODULES[name](**options)(x, mg.tensor(target)))


def test_divergence_over_the_batch():
    """ "batchmean" is the sum over the number of examples."""
    log_q, p = np.log(np.full((2, 3), 1 / 3)), np.eye(2, 3)
    assert F.kl_div(log_q, p, "batchmean").item() == pytest.approx(np.log(3), rel=1e-15)


ADVICE = {
    ((4, 1), (4,)): "Use target.reshape(-1, 1), or output.squeeze(-1)",
    ((4,), (4, 1)): "Use target.squeeze(-1), or output.reshape(-1, 1)",
    ((4, 3, 1), (4, 3)): "Use target.reshape(4, 3, 1), or output.squeeze(-1)",
    ((4, 3), (4, 3, 1)): "Use target.squeeze(-1), or output.reshape(4, 3, 1)",
    ((4, 1, 3), (4, 3)): "Use target.reshape(4, 1, 3)",
    ((1,), ()): "Use target.reshape(1), or output.squeeze(-1)",
    ((), (1, 1)): "Use target.reshape(())",
    ((2, 3), (3, 2)): "Use target.T",
    ((4, 3), (4,)): "Reshape or select what belongs together: there are 12 outputs and 4 targets",
}


@pytest.mark.parametrize(("output", "target"), ADVICE)
def test_a_misfit_comes_with_a_remedy_that_works(output, target):
    """The error names a call; whoever makes it has arrays that fit."""
    arrays = {"output": np.full(output, 0.5), "target": np.ones(target)}
    with pytest.raises(ValueError, match="does not broadcast") as caught:
        F.mse_loss(**dict(zip(("x", "target"), arrays.values(), strict=True)))
    advice = ADVICE[output, target]
    assert str(caught.value).endswith(f"got {output} and {target}. {advice}")
    for remedy in advice.removeprefix("Use ").split(", or ") if advice.startswith("Use") else ():
        fitted = arrays | {remedy.partition(".")[0]: eval(remedy, {}, arrays)}
        assert F.mse_loss(fitted["output"], fitted["target"]) == 0.25


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


def test_weights_that_do_not_fit_come_with_a_remedy():
    with pytest.raises(ValueError, match=r"got \(2,\). Use weight.reshape\(2, 1\)"):
        F.binary_cross_entropy(np.full((2, 1), 0.5), np.ones((2, 1)), np.ones(2))
    with pytest.raises(ValueError, match=r"got shape \(3, 1\). Use weight.reshape\(-1\)"):
        F.cross_entropy(np.ones((2, 3)), [0, 1], np.ones((3, 1)))
    with pytest.raises(ValueError, match=r"pos_weight is at least 0; got -1"):
        F.binary_cross_entropy_with_logits(np.ones(2), np.ones(2), pos_weight=np.array([1.0, -1]))


@of_two
def test_target_that_would_broadcast_is_refused(name):
    """(n, 1) against (n,) is the classic: a matrix of differences, whose mean trains to nonsense."""
    with pytest.raises(ValueError, match=rf"{name.replace('smooth_l1', 'huber')} takes an output and a target of the sa"
                       r"me shape, and does not broadcast; got \(4, 1\) and \(4,\)"):  # fmt: skip
        getattr(F, name)(np.full((4, 1), 0.5), np.ones(4))


def test_an_output_that_is_no_array_is_refused():
    """None is what a forward without return answers with."""
    with pytest.raises(TypeError, match=r"mse_loss takes an array; got a list. Use np.asarray\(x\)"):
        F.mse_loss([1.0, 2.0], [1.0, 3.0])
    with pytest.raises(TypeError, match="mse_loss takes an array; got a NoneType. Does forward return its result?"):
        F.mse_loss(None, np.ones(2))
    for target in (np.array([0, 1]), np.ones((2, 2))):
        with pytest.raises(TypeError, match="cross_entropy takes an array; got a NoneType. Does forward"):
            F.cross_entropy(None, target)


def test_labels_that_are_floats_are_told_from_probabilities():
    """Their shape says that labels were meant."""
    with pytest.raises(ValueError, match=r"got float64 of \(4,\). For labels, use target.astype\(int\)"):
        F.cross_entropy(np.ones((4, 3)), np.zeros(4))


@pytest.mark.parametrize("name", MODULES)
def test_unknown_reduction_is_refused(name):
    """By the function when called, by the module when made."""
    target = np.array([1]) if name in ("cross_entropy", "nll_loss") else np.ones((1, 2))
    with pytest.raises(ValueError, match="reduction is one of mean, sum, none(, batchmean)?; got 'avg'"):
        getattr(F, name)(np.full((1, 2), 0.5), target, reduction="avg")
    with pytest.raises(ValueError, match="reduction is one of mean, sum, none(, batchmean)?; got 'avg'"):
        MODULES[name](reduction="avg")


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


@pytest.mark.parametrize("name", MODULES)
def test_module_and_function_have_the_same_defaults(name):
    """With no options, they compute the same."""
    x = np.random.default_rng(0).uniform(0.1, 0.9, (3, 4))
    target = [0, 3, 1] if name in ("cross_entropy", "nll_loss") else np.ones((3, 4))
    assert MODULES[name]()(x, target) == getattr(F, name)(x, target)


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


def test_huber_refuses_a_delta_that_is_not_positive():
    with pytest.raises(ValueError, match="delta, where the loss becomes linear, is positive; got 0"):
        F.huber_loss(np.ones(2), np.ones(2), 0)


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


def test_probability_of_zero_or_one_costs_at_most_a_hundred():
    """The logarithm stops at -100 and the gradient at 1e12, as in PyTorch; a right certainty costs nothing."""
    p = mg.tensor([0.0, 1.0, 0.0, 1.0], requires_grad=True)
    with np.errstate(all="raise"):
        loss = F.binary_cross_entropy(p, [1.0, 0.0, 0.0, 1.0], reduction="none")
        loss.sum().backward()
    assert loss.tolist() == [100, 100, 0, 0]
    assert p.grad.tolist() == [-1e12, 1e12, 0, 0]


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


def test_small_losses_keep_their_digits():
    """A score of 40 for a class that is right leaves a loss of exp(-40), and not 0."""
    loss = F.binary_cross_entropy_with_logits(np.array([40.0, -40.0]), [1.0, 0.0], reduction="none")
    np.testing.assert_allclose(loss, np.exp(-40), rtol=1e-15)


def test_weights_of_a_loss_are_part_of_its_state():
    """They are buffers, and change their dtype with the module."""
    loss = nn.CrossEntropyLoss(weight=[1.0, 2.0])
    assert loss.state_dict()["weight"].tolist() == [1, 2]
    assert loss.astype(np.float32).weight.dtype == np.float32
    assert nn.BCEWithLogitsLoss(pos_weight=[2.0]).state_dict()["pos_weight"].tolist() == [2]


def test_float32_loss_stays_float32():
    """Also with weights, labels to ignore and smoothing."""
    x = mg.tensor(np.zeros((2, 3), np.float32), requires_grad=True)
    weight = np.ones(3, np.float32)
    loss = F.cross_entropy(x, [0, 1], weight, ignore_index=0, label_smoothing=0.1)
    loss.backward()
    assert loss.dtype == x.grad.dtype == np.float32
    assert F.cross_entropy(x, [0, 1], [1.0, 2.0, 3.0]).dtype == np.float32
